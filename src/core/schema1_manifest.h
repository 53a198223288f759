
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_MANIFEST_H_INCLUDED_
#define _SCHEMA1_MANIFEST_H_INCLUDED_


#include "schema1_raw_manifest.h"


typedef struct {
    schema1_descriptor_t    config;
    schema1_descriptor_t   *layers;     /* base layer first */
    size_t                  nlayers;
    schema1_str_t           artifact_type;
    void                   *memory;     /* of the reader */
} schema1_manifest_t;


/*
 * Reads a schema 2 or OCI manifest as distribution 2.8 reads it.  Every digest
 * in it is valid on return.  SCHEMA1_ERROR: err->reason is INVALID_MANIFEST,
 * DIGEST_UNSUPPORTED (the config's), TOO_MANY or NO_MEMORY, and there is
 * nothing to free.
 */
int schema1_manifest_read(schema1_manifest_t *manifest,
    const schema1_raw_manifest_t *raw, schema1_error_t *err);

void schema1_manifest_free(schema1_manifest_t *manifest);


#endif /* _SCHEMA1_MANIFEST_H_INCLUDED_ */
