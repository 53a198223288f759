
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_raw_manifest.h"


static const schema1_field_t  schema1_version_fields[] = {
    schema1_field("schemaVersion", INT, schema1_raw_manifest_t, version),
    schema1_field("mediaType", STRING, schema1_raw_manifest_t, media_type),
    schema1_end
};


int
schema1_raw_manifest_version(schema1_str_t document,
    schema1_raw_manifest_t *raw, const char *what, schema1_error_t *err)
{
    int64_t                     version;
    static const schema1_str_t  none = schema1_string("\"\"");

    if (schema1_decode(document, schema1_version_fields, raw, what,
                       SCHEMA1_INVALID_MANIFEST, err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    if (raw->media_type.data == NULL) {
        raw->media_type = none;
    }

    if (schema1_json_int(raw->version, &version) != SCHEMA1_OK
        || version != 2)
    {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the %s does not say \"schemaVersion\": 2, so it "
                          "cannot be read; push the image again",
                          what);
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


int
schema1_raw_manifest_no_memory(schema1_error_t *err, const char *what)
{
    schema1_error_set(err, SCHEMA1_NO_MEMORY,
                      "out of memory while reading the %s", what);

    return SCHEMA1_ERROR;
}
