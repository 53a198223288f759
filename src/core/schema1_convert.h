
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_CONVERT_H_INCLUDED_
#define _SCHEMA1_CONVERT_H_INCLUDED_


#include "schema1_manifest.h"


/* 32 bytes: a gzipped empty tar, and its digest */

#define SCHEMA1_EMPTY_LAYER_SIZE    32
#define SCHEMA1_EMPTY_LAYER_DIGEST                                            \
    "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"

extern const unsigned char  schema1_empty_layer[SCHEMA1_EMPTY_LAYER_SIZE];


/* Docker before 1.10 runs no image with more history entries */

#define SCHEMA1_OLD_DOCKER_LAYERS   127


/*
 * Whether an old client could use the image at all: config and layer types,
 * compression, encryption, layers that are not in the registry.
 * SCHEMA1_ERROR: FOREIGN_LAYER, ENCRYPTED_LAYER, LAYER_COMPRESSION or
 * NOT_AN_IMAGE, naming the layer.
 */
int schema1_convert_check(const schema1_manifest_t *manifest,
    schema1_error_t *err);

/*
 * Appends the schema 2 manifest converted from an OCI manifest that passed the
 * check.  SCHEMA1_ERROR: TOO_LARGE (over the buffer's limit) or NO_MEMORY.
 */
int schema1_convert_schema2(const schema1_manifest_t *manifest,
    schema1_buf_t *document, schema1_error_t *err);


#endif /* _SCHEMA1_CONVERT_H_INCLUDED_ */
