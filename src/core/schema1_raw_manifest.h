
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_RAW_MANIFEST_H_INCLUDED_
#define _SCHEMA1_RAW_MANIFEST_H_INCLUDED_


#include "schema1_descriptor.h"
#include "schema1_media_type.h"


/* a mediaType that is longer names no manifest */
#define SCHEMA1_TYPE_SIZE  256


/* a manifest or a list as the decoder leaves it: tokens of the document */

typedef struct {
    schema1_str_t             version;
    schema1_str_t             media_type;
    schema1_raw_descriptor_t  config;
    schema1_str_t             config_token;
    schema1_array_t           layers;
    schema1_array_t           manifests;
    schema1_str_t             artifact_type;
    schema1_str_t             annotations;
    bool                      has_manifests;
    bool                      has_config;
    bool                      has_layers;
    bool                      has_fslayers;
    bool                      has_signatures;
} schema1_raw_manifest_t;


/*
 * Decodes only the version and the mediaType, which is "" if it is missing.
 * SCHEMA1_ERROR: err->reason is INVALID_MANIFEST, "what" is in the message.
 */
int schema1_raw_manifest_version(schema1_str_t document,
    schema1_raw_manifest_t *raw, const char *what, schema1_error_t *err);

/* sets err and returns SCHEMA1_ERROR */
int schema1_raw_manifest_no_memory(schema1_error_t *err, const char *what);


#endif /* _SCHEMA1_RAW_MANIFEST_H_INCLUDED_ */
