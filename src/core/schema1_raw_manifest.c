
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_raw_manifest.h"


/* in the order of schema1_raw_member_e */

static const schema1_field_t  schema1_raw_manifest_fields[] = {
    schema1_field("schemaVersion", INT, schema1_raw_manifest_t, version),
    schema1_field("mediaType", STRING, schema1_raw_manifest_t, media_type),
    { "config", SCHEMA1_FIELD_STRUCT,
      offsetof(schema1_raw_manifest_t, config),
      schema1_descriptor_fields, sizeof(schema1_raw_descriptor_t) },
    { "layers", SCHEMA1_FIELD_ARRAY,
      offsetof(schema1_raw_manifest_t, layers),
      schema1_descriptor_fields, sizeof(schema1_raw_descriptor_t) },
    schema1_field("artifactType", RAW, schema1_raw_manifest_t, artifact_type),
    schema1_field("annotations", MAP, schema1_raw_manifest_t, annotations),
    { "manifests", SCHEMA1_FIELD_ARRAY,
      offsetof(schema1_raw_manifest_t, manifests),
      schema1_descriptor_entry_fields, sizeof(schema1_raw_descriptor_t) },
    schema1_field("fsLayers", RAW, schema1_raw_manifest_t, ignored),
    schema1_field("signatures", RAW, schema1_raw_manifest_t, ignored),
    schema1_end
};


int
schema1_raw_manifest_read(schema1_raw_manifest_t *raw, schema1_str_t document,
    schema1_error_t *err)
{
    static const schema1_str_t  none = schema1_string("\"\"");

    memset(raw, 0, sizeof(schema1_raw_manifest_t));

    if (schema1_decode(document, schema1_raw_manifest_fields, raw,
                       raw->members, "manifest", SCHEMA1_INVALID_MANIFEST, err)
        != SCHEMA1_OK)
    {
        schema1_raw_manifest_free(raw);
        return SCHEMA1_ERROR;
    }

    if (raw->media_type.data == NULL) {
        raw->media_type = none;
    }

    return SCHEMA1_OK;
}


void
schema1_raw_manifest_free(schema1_raw_manifest_t *raw)
{
    schema1_array_free(&raw->layers);
    schema1_array_free(&raw->manifests);

    memset(raw, 0, sizeof(schema1_raw_manifest_t));
}


int
schema1_raw_manifest_version(const schema1_raw_manifest_t *raw,
    const char *what, schema1_error_t *err)
{
    int64_t  version;

    if (schema1_raw_manifest_check(raw, 1u << SCHEMA1_RAW_VERSION
                                        | 1u << SCHEMA1_RAW_MEDIA_TYPE,
                                   what, err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    if (schema1_json_int(raw->version, &version) != SCHEMA1_OK
        || version != 2)
    {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the %s does not say \"schemaVersion\": 2, so it "
                          "cannot be read; push the image again", what);
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


int
schema1_raw_manifest_check(const schema1_raw_manifest_t *raw, unsigned members,
    const char *what, schema1_error_t *err)
{
    unsigned  i;

    for (i = 0; i < SCHEMA1_RAW_MEMBERS; i++) {
        if ((members & 1u << i)
            && raw->members[i].reason != SCHEMA1_NO_REASON)
        {
            schema1_decode_error(&raw->members[i], what, err);
            return SCHEMA1_ERROR;
        }
    }

    return SCHEMA1_OK;
}
