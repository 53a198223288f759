
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_sniff.h"


static schema1_type_e schema1_sniff_schema1(const schema1_raw_manifest_t *raw,
    schema1_type_e stated);
static schema1_type_e schema1_sniff_manifest(const schema1_raw_manifest_t *raw,
    schema1_type_e stated);


schema1_type_e
schema1_sniff(const schema1_raw_manifest_t *raw, schema1_type_e stated)
{
    int64_t         version;
    schema1_type_e  type;

    type = SCHEMA1_TYPE_GENERIC;

    if (stated != SCHEMA1_TYPE_OTHER
        && raw->members[SCHEMA1_RAW_VERSION].reason == SCHEMA1_NO_REASON
        && schema1_json_int(raw->version, &version) == SCHEMA1_OK)
    {
        if (version == 1) {
            type = schema1_sniff_schema1(raw, stated);

        } else if (version == 2) {
            type = schema1_sniff_manifest(raw, stated);
        }
    }

    if (type != SCHEMA1_TYPE_GENERIC) {
        return type;
    }

    /* the header states the type of a document that does not show it */

    return (stated == SCHEMA1_TYPE_GENERIC) ? SCHEMA1_TYPE_OTHER : stated;
}


/* GENERIC: the document does not show its type */

static schema1_type_e
schema1_sniff_schema1(const schema1_raw_manifest_t *raw, schema1_type_e stated)
{
    if (schema1_media_type_is_schema1(stated)) {
        return stated;
    }

    if (!raw->members[SCHEMA1_RAW_FS_LAYERS].present) {
        return SCHEMA1_TYPE_GENERIC;
    }

    return raw->members[SCHEMA1_RAW_SIGNATURES].present
           ? SCHEMA1_TYPE_SIGNED : SCHEMA1_TYPE_UNSIGNED;
}


/* the same */

static schema1_type_e
schema1_sniff_manifest(const schema1_raw_manifest_t *raw,
    schema1_type_e stated)
{
    schema1_type_e  type;

    type = schema1_sniff_type(raw->media_type);

    if (SCHEMA1_MODERN_TYPES & 1u << type) {
        return type;
    }

    if (type != SCHEMA1_TYPE_GENERIC) {
        return SCHEMA1_TYPE_GENERIC;
    }

    /* a document without a mediaType is an OCI one, unless stated otherwise */

    if (raw->members[SCHEMA1_RAW_MANIFESTS].present) {
        return (stated == SCHEMA1_TYPE_LIST) ? stated : SCHEMA1_TYPE_OCI_INDEX;
    }

    if (!raw->members[SCHEMA1_RAW_LAYERS].present
        || !raw->members[SCHEMA1_RAW_CONFIG].present)
    {
        return SCHEMA1_TYPE_GENERIC;
    }

    /* registries label a manifest without a mediaType as schema 2 */

    if (stated == SCHEMA1_TYPE_SCHEMA2
        && !schema1_json_is(raw->config.media_type,
                            "application/vnd.oci.image.config.v1+json"))
    {
        return stated;
    }

    return SCHEMA1_TYPE_OCI_MANIFEST;
}


schema1_type_e
schema1_sniff_type(schema1_str_t token)
{
    char  text[3 * SCHEMA1_TYPE_SIZE];

    if (token.len > SCHEMA1_TYPE_SIZE) {
        return SCHEMA1_TYPE_OTHER;
    }

    return schema1_media_type(schema1_json_text(token, text, sizeof(text)));
}
