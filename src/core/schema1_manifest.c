
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdio.h>
#include <stdlib.h>

#include "schema1_digest.h"
#include "schema1_manifest.h"
#include "schema1_raw_manifest.h"


#if (SCHEMA1_MAX_LAYERS != SCHEMA1_MAX_ITEMS)
#error the decoder has to hold as many layers as an image may have
#endif


static const schema1_field_t *schema1_manifest_fields(schema1_str_t type);
static int schema1_manifest_copy(schema1_manifest_t *manifest,
    const schema1_raw_manifest_t *raw, schema1_error_t *err);
static int schema1_manifest_digests(const schema1_manifest_t *manifest,
    schema1_error_t *err);


#define schema1_manifest_fields_common                                        \
    schema1_field("schemaVersion", INT, schema1_raw_manifest_t, version),     \
    schema1_field("mediaType", STRING, schema1_raw_manifest_t, media_type),   \
    { "config", SCHEMA1_FIELD_STRUCT,                                         \
      offsetof(schema1_raw_manifest_t, config),                               \
      schema1_descriptor_fields, sizeof(schema1_raw_descriptor_t) },          \
    { "layers", SCHEMA1_FIELD_ARRAY,                                          \
      offsetof(schema1_raw_manifest_t, layers),                               \
      schema1_descriptor_fields, sizeof(schema1_raw_descriptor_t) },          \
    schema1_field("artifactType", RAW, schema1_raw_manifest_t,                \
                  artifact_type)

static const schema1_field_t  schema1_docker_fields[] = {
    schema1_manifest_fields_common,
    schema1_end
};


static const schema1_field_t  schema1_oci_fields[] = {
    schema1_manifest_fields_common,
    schema1_field("annotations", MAP, schema1_raw_manifest_t, annotations),
    schema1_field("manifests", PRESENT, schema1_raw_manifest_t, has_manifests),
    schema1_end
};


int
schema1_manifest_read(schema1_manifest_t *manifest, schema1_str_t document,
    schema1_error_t *err)
{
    int                     rc;
    const schema1_field_t  *fields;
    schema1_raw_manifest_t  raw;

    memset(manifest, 0, sizeof(schema1_manifest_t));
    memset(&raw, 0, sizeof(schema1_raw_manifest_t));

    if (schema1_raw_manifest_version(document, &raw, "manifest", err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    fields = schema1_manifest_fields(raw.media_type);

    if (fields == NULL) {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the manifest's own mediaType %.*s is not that of "
                          "an image manifest; push the image again",
                          (int) (raw.media_type.len > SCHEMA1_TYPE_SIZE
                                 ? SCHEMA1_TYPE_SIZE : raw.media_type.len),
                          raw.media_type.data);
        return SCHEMA1_ERROR;
    }

    memset(&raw, 0, sizeof(schema1_raw_manifest_t));

    rc = schema1_decode(document, fields, &raw, "manifest",
                        SCHEMA1_INVALID_MANIFEST, err);

    if (rc == SCHEMA1_OK && raw.has_manifests) {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the manifest has a member \"manifests\", as only "
                          "an index has; push the image again");
        rc = SCHEMA1_ERROR;
    }

    if (rc == SCHEMA1_OK) {
        rc = schema1_manifest_copy(manifest, &raw, err);
    }

    schema1_array_free(&raw.layers);

    if (rc == SCHEMA1_OK
        && schema1_manifest_digests(manifest, err) != SCHEMA1_OK)
    {
        schema1_manifest_free(manifest);
        return SCHEMA1_ERROR;
    }

    return rc;
}


void
schema1_manifest_free(schema1_manifest_t *manifest)
{
    free(manifest->memory);
    memset(manifest, 0, sizeof(schema1_manifest_t));
}


/* no type means OCI, as in distribution; NULL: no image manifest */

static const schema1_field_t *
schema1_manifest_fields(schema1_str_t type)
{
    if (schema1_json_is(type, schema1_media_type_name(SCHEMA1_TYPE_SCHEMA2))) {
        return schema1_docker_fields;
    }

    if (schema1_json_is(type, "")
        || schema1_json_is(type,
                           schema1_media_type_name(SCHEMA1_TYPE_OCI_MANIFEST)))
    {
        return schema1_oci_fields;
    }

    return NULL;
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
    layers = (const schema1_raw_descriptor_t *) (void *) raw->layers.items;

    size = n * sizeof(schema1_descriptor_t)
           + schema1_descriptor_size(&raw->config)
           + schema1_json_text_size(raw->artifact_type);

    for (i = 0; i < n; i++) {
        size += schema1_descriptor_size(&layers[i]);
    }

    manifest->memory = malloc(size);
    if (manifest->memory == NULL) {
        return schema1_raw_manifest_no_memory(err, "manifest");
    }

    manifest->layers = manifest->memory;
    manifest->nlayers = n;

    to = (char *) (manifest->layers + n);
    to = schema1_descriptor_copy(&manifest->config, &raw->config, to);
    to = schema1_json_text_copy(&manifest->artifact_type, raw->artifact_type,
                                to);

    for (i = 0; i < n; i++) {
        to = schema1_descriptor_copy(&manifest->layers[i], &layers[i], to);
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
