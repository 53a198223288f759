
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* manifests and lists, read from a text */

#include "fuzz_manifest.h"


int
fuzz_manifest_read(schema1_manifest_t *manifest, schema1_str_t document,
    schema1_error_t *err)
{
    int                     rc;
    schema1_raw_manifest_t  raw;

    memset(manifest, 0, sizeof(schema1_manifest_t));

    rc = schema1_raw_manifest_read(&raw, document, err);

    if (rc == SCHEMA1_OK) {
        rc = schema1_manifest_read(manifest, &raw, err);
        schema1_raw_manifest_free(&raw);
    }

    return rc;
}


int
fuzz_list_find(schema1_child_t *child, schema1_str_t document,
    const schema1_platform_t *platform, bool nested, schema1_error_t *err)
{
    int                     rc;
    schema1_raw_manifest_t  raw;

    memset(child, 0, sizeof(schema1_child_t));

    rc = schema1_raw_manifest_read(&raw, document, err);

    if (rc == SCHEMA1_OK) {
        rc = schema1_list_find(child, &raw, platform, nested, err);
        schema1_raw_manifest_free(&raw);
    }

    return rc;
}


schema1_type_e
fuzz_sniff(schema1_str_t document, schema1_type_e stated)
{
    schema1_type_e          type;
    schema1_error_t         err;
    schema1_raw_manifest_t  raw;

    (void) schema1_raw_manifest_read(&raw, document, &err);

    type = schema1_sniff(&raw, stated);

    schema1_raw_manifest_free(&raw);

    return type;
}
