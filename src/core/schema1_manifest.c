
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdio.h>
#include <stdlib.h>

#include "schema1_digest.h"
#include "schema1_manifest.h"


static int schema1_manifest_copy(schema1_manifest_t *manifest,
    const schema1_raw_manifest_t *raw, schema1_error_t *err);
static int schema1_manifest_digests(const schema1_manifest_t *manifest,
    schema1_error_t *err);


int
schema1_manifest_read(schema1_manifest_t *manifest,
    const schema1_raw_manifest_t *raw, schema1_error_t *err)
{
    memset(manifest, 0, sizeof(schema1_manifest_t));

    if (schema1_raw_manifest_check(raw, false, err) != SCHEMA1_OK
        || schema1_manifest_copy(manifest, raw, err) != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    if (schema1_manifest_digests(manifest, err) != SCHEMA1_OK) {
        schema1_manifest_free(manifest);
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


void
schema1_manifest_free(schema1_manifest_t *manifest)
{
    free(manifest->memory);
    memset(manifest, 0, sizeof(schema1_manifest_t));
}


/* one block: the layers, then all strings, each with a terminator */

static int
schema1_manifest_copy(schema1_manifest_t *manifest,
    const schema1_raw_manifest_t *raw, schema1_error_t *err)
{
    char                            *to;
    size_t                           i, n, size;
    const schema1_raw_descriptor_t  *layers;

    n = raw->layers.n;
    layers = raw->layers.items;

    size = n * sizeof(schema1_descriptor_t)
           + schema1_raw_descriptor_size(&raw->config)
           + schema1_json_decode(raw->artifact_type, NULL, 0) + 1;

    for (i = 0; i < n; i++) {
        size += schema1_raw_descriptor_size(&layers[i]);
    }

    manifest->memory = malloc(size);
    if (manifest->memory == NULL) {
        return schema1_error_no_memory(err);
    }

    manifest->layers = manifest->memory;
    manifest->nlayers = n;

    to = (char *) (manifest->layers + n);
    to = schema1_raw_descriptor_copy(&manifest->config, &raw->config, to);
    to = schema1_json_text_copy(&manifest->artifact_type, raw->artifact_type,
                                to);

    for (i = 0; i < n; i++) {
        to = schema1_raw_descriptor_copy(&manifest->layers[i], &layers[i], to);
    }

    return SCHEMA1_OK;
}


static int
schema1_manifest_digests(const schema1_manifest_t *manifest,
    schema1_error_t *err)
{
    char           what[64];
    size_t         i;
    schema1_str_t  digest;

    if (manifest->config.digest.len == 0) {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the manifest has no config, or one without a "
                          "digest, so it does not describe an image; push "
                          "the image again");
        return SCHEMA1_ERROR;
    }

    if (schema1_digest_check(manifest->config.digest,
                             "the config in the manifest", err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    for (i = 0; i < manifest->nlayers; i++) {
        digest = manifest->layers[i].digest;

        if (schema1_digest_valid(digest)) {
            continue;
        }

        (void) snprintf(what, sizeof(what), "layer %zu in the manifest",
                        i + 1);
        (void) schema1_digest_check(digest, what, err);

        err->reason = SCHEMA1_INVALID_MANIFEST;
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}
