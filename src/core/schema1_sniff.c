
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_raw_manifest.h"
#include "schema1_sniff.h"


static schema1_type_e schema1_sniff_schema1(const schema1_raw_manifest_t *raw,
    schema1_type_e stated);
static schema1_type_e schema1_sniff_manifest(const schema1_raw_manifest_t *raw,
    schema1_type_e stated);
static bool schema1_sniff_oci_config(const schema1_raw_manifest_t *raw);
static schema1_type_e schema1_sniff_unknown(schema1_type_e stated);


static const schema1_field_t  schema1_sniff_fields[] = {
    schema1_field("schemaVersion", RAW, schema1_raw_manifest_t, version),
    schema1_field("mediaType", RAW, schema1_raw_manifest_t, media_type),
    schema1_field("manifests", PRESENT, schema1_raw_manifest_t, has_manifests),
    schema1_field("config", RAW, schema1_raw_manifest_t, config_token),
    schema1_field("layers", PRESENT, schema1_raw_manifest_t, has_layers),
    schema1_field("fsLayers", PRESENT, schema1_raw_manifest_t, has_fslayers),
    schema1_field("signatures", PRESENT, schema1_raw_manifest_t,
                  has_signatures),
    schema1_end
};


static const schema1_field_t  schema1_sniff_config_fields[] = {
    schema1_field("mediaType", RAW, schema1_raw_manifest_t, media_type),
    schema1_end
};


schema1_type_e
schema1_sniff(schema1_str_t document, schema1_type_e stated)
{
    int64_t                 version;
    schema1_error_t         err;
    schema1_raw_manifest_t  raw;

    memset(&raw, 0, sizeof(schema1_raw_manifest_t));

    if (stated == SCHEMA1_TYPE_OTHER
        || schema1_decode(document, schema1_sniff_fields, &raw, "document",
                          SCHEMA1_INVALID_MANIFEST, &err)
           != SCHEMA1_OK
        || schema1_json_int(raw.version, &version) != SCHEMA1_OK)
    {
        return schema1_sniff_unknown(stated);
    }

    switch (version) {

    case 1:
        return schema1_sniff_schema1(&raw, stated);

    case 2:
        return schema1_sniff_manifest(&raw, stated);

    default:
        return schema1_sniff_unknown(stated);
    }
}


static schema1_type_e
schema1_sniff_schema1(const schema1_raw_manifest_t *raw, schema1_type_e stated)
{
    if (stated == SCHEMA1_TYPE_SIGNED || stated == SCHEMA1_TYPE_UNSIGNED) {
        return stated;
    }

    if (!raw->has_fslayers) {
        return schema1_sniff_unknown(stated);
    }

    return raw->has_signatures ? SCHEMA1_TYPE_SIGNED : SCHEMA1_TYPE_UNSIGNED;
}


static schema1_type_e
schema1_sniff_manifest(const schema1_raw_manifest_t *raw,
    schema1_type_e stated)
{
    schema1_type_e  type;

    type = schema1_sniff_type(raw->media_type);

    switch (type) {

    case SCHEMA1_TYPE_SCHEMA2:
    case SCHEMA1_TYPE_LIST:
    case SCHEMA1_TYPE_OCI_MANIFEST:
    case SCHEMA1_TYPE_OCI_INDEX:
        return type;

    case SCHEMA1_TYPE_GENERIC:
        break;

    default:
        return schema1_sniff_unknown(stated);
    }

    /* a document without a mediaType is an OCI one, unless stated otherwise */

    if (raw->has_manifests) {
        return (stated == SCHEMA1_TYPE_LIST) ? stated : SCHEMA1_TYPE_OCI_INDEX;
    }

    if (!raw->has_layers
        || raw->config_token.len == 0
        || raw->config_token.data[0] == 'n')
    {
        return schema1_sniff_unknown(stated);
    }

    if (stated == SCHEMA1_TYPE_SCHEMA2 && !schema1_sniff_oci_config(raw)) {
        return stated;
    }

    return SCHEMA1_TYPE_OCI_MANIFEST;
}


/* registries label a manifest without a mediaType as schema 2 */

static bool
schema1_sniff_oci_config(const schema1_raw_manifest_t *raw)
{
    schema1_error_t         err;
    schema1_raw_manifest_t  config;

    memset(&config, 0, sizeof(schema1_raw_manifest_t));

    if (schema1_decode(raw->config_token, schema1_sniff_config_fields, &config,
                       "config", SCHEMA1_INVALID_MANIFEST, &err)
        != SCHEMA1_OK)
    {
        return false;
    }

    return config.media_type.len != 0
           && config.media_type.data[0] == '"'
           && schema1_json_is(config.media_type,
                              "application/vnd.oci.image.config.v1+json");
}


/* a document that tells nothing is what its header says it is */

static schema1_type_e
schema1_sniff_unknown(schema1_type_e stated)
{
    return (stated == SCHEMA1_TYPE_GENERIC) ? SCHEMA1_TYPE_OTHER : stated;
}


schema1_type_e
schema1_sniff_type(schema1_str_t token)
{
    char           text[3 * SCHEMA1_TYPE_SIZE];
    schema1_str_t  value;

    value.len = 0;
    value.data = text;

    if (token.len > SCHEMA1_TYPE_SIZE) {
        return SCHEMA1_TYPE_OTHER;
    }

    if (token.len && token.data[0] == '"') {
        value.len = schema1_json_decode(token, text);
    }

    return schema1_media_type(value);
}
