
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_RAW_MANIFEST_H_INCLUDED_
#define _SCHEMA1_RAW_MANIFEST_H_INCLUDED_


#include "schema1_decode.h"
#include "schema1_media_type.h"


/* a mediaType that is longer names no manifest */
#define SCHEMA1_TYPE_SIZE  256


/* strings are decoded, terminated, and owned by what has the descriptor */

typedef struct {
    schema1_str_t           media_type;
    schema1_str_t           digest;
    int64_t                 size;       /* as declared; -1 if it is not */
} schema1_descriptor_t;


/* tokens, as the decoder leaves them */

typedef struct {
    schema1_str_t          os;
    schema1_str_t          architecture;
    schema1_str_t          variant;
    schema1_str_t          os_version;
    size_t                 features;
} schema1_raw_platform_t;


typedef struct {
    schema1_str_t          media_type;
    schema1_str_t          size;
    schema1_str_t          digest;
    size_t                 urls;
    schema1_str_t          annotations;
    schema1_raw_platform_t platform;
} schema1_raw_descriptor_t;


/* what a manifest of any type can have */

typedef enum {
    SCHEMA1_RAW_VERSION = 0,
    SCHEMA1_RAW_MEDIA_TYPE,
    SCHEMA1_RAW_CONFIG,
    SCHEMA1_RAW_LAYERS,
    SCHEMA1_RAW_ARTIFACT_TYPE,
    SCHEMA1_RAW_ANNOTATIONS,
    SCHEMA1_RAW_MANIFESTS,
    SCHEMA1_RAW_FS_LAYERS,
    SCHEMA1_RAW_SIGNATURES,
    SCHEMA1_RAW_MEMBERS
} schema1_raw_member_e;


/*
 * A manifest or list whose type is not known yet, decoded in one pass: tokens
 * of the document.
 */

typedef struct {
    schema1_str_t             version;
    schema1_str_t             media_type;
    schema1_raw_descriptor_t  config;
    schema1_array_t           layers;
    schema1_str_t             artifact_type;
    schema1_str_t             annotations;
    schema1_array_t           manifests;
    schema1_str_t             ignored;
    schema1_member_t          members[SCHEMA1_RAW_MEMBERS];
} schema1_raw_manifest_t;


/*
 * The document must outlive *raw, which schema1_raw_manifest_free() frees.
 * SCHEMA1_ERROR: err->reason is INVALID_MANIFEST (not a JSON object) or
 * NO_MEMORY, there is nothing to free, and *raw is zeros.
 */
int schema1_raw_manifest_read(schema1_raw_manifest_t *raw,
    schema1_str_t document, schema1_error_t *err);

void schema1_raw_manifest_free(schema1_raw_manifest_t *raw);

/*
 * What is required of a list or of an image manifest, as distribution 2.8 reads
 * one of its own mediaType; without one it is OCI's.  SCHEMA1_ERROR:
 * INVALID_MANIFEST, TOO_MANY.
 */
int schema1_raw_manifest_check(const schema1_raw_manifest_t *raw, bool list,
    schema1_error_t *err);

/* copies strings to a block of that size; returns the end of the copies */
size_t schema1_raw_descriptor_size(const schema1_raw_descriptor_t *raw);
char *schema1_raw_descriptor_copy(schema1_descriptor_t *descriptor,
    const schema1_raw_descriptor_t *raw, char *to);


#endif /* _SCHEMA1_RAW_MANIFEST_H_INCLUDED_ */
