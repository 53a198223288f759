
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_MANIFEST_H_INCLUDED_
#define _SCHEMA1_MANIFEST_H_INCLUDED_


#include "schema1_accept.h"
#include "schema1_error.h"
#include "schema1_platform.h"


#define SCHEMA1_MAX_LAYERS  10000


/* strings are decoded, terminated and owned by what holds the descriptor */

typedef struct {
    schema1_str_t           media_type;
    schema1_str_t           digest;
    int64_t                 size;       /* as declared; -1 where it isn't */
} schema1_descriptor_t;


typedef struct {
    schema1_descriptor_t    config;
    schema1_descriptor_t   *layers;     /* base layer first */
    size_t                  nlayers;
    schema1_str_t           artifact_type;
    void                   *memory;     /* of the reader */
} schema1_manifest_t;


/*
 * Determines the type of a document by its own mediaType, schemaVersion,
 * manifests, config, layers, fsLayers, which take precedence over the type
 * that its header states.  A document that is not valid JSON or not a manifest
 * has the stated type, or OTHER if that is GENERIC.  Linear in the length.
 */
schema1_type_e schema1_manifest_sniff(schema1_str_t document,
    schema1_type_e stated);

/*
 * Reads a schema 2 or OCI manifest as distribution 2.8 reads it.  Every digest
 * in it is valid on return.  SCHEMA1_ERROR: err->reason is INVALID_MANIFEST,
 * DIGEST_UNSUPPORTED (the config's), TOO_MANY or NO_MEMORY, and there is
 * nothing to free.
 */
int schema1_manifest_read(schema1_manifest_t *manifest, schema1_str_t document,
    schema1_error_t *err);

void schema1_manifest_free(schema1_manifest_t *manifest);

/*
 * Finds the platform's child in a manifest list or OCI index.  Where none
 * matches, but an entry without a platform of its own is itself an index, that
 * index is the answer (it may be looked into once; "nested" true forbids it).
 * The caller frees *child's memory by schema1_child_free().  SCHEMA1_ERROR:
 * INVALID_MANIFEST, NO_PLATFORM, DIGEST_UNSUPPORTED, TOO_MANY or NO_MEMORY.
 */

typedef struct {
    schema1_descriptor_t    descriptor;
    schema1_type_e          type;       /* of descriptor.media_type */
    void                   *memory;
} schema1_child_t;

int schema1_list_find(schema1_child_t *child, schema1_str_t document,
    const schema1_platform_t *platform, bool nested, schema1_error_t *err);

void schema1_child_free(schema1_child_t *child);


#endif /* _SCHEMA1_MANIFEST_H_INCLUDED_ */
