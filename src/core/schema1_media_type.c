
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_media_type.h"


/* in the order of schema1_type_e */

static const schema1_str_t  schema1_type_names[] = {
    schema1_string(""),
    schema1_string("application/vnd.docker.distribution.manifest.v1"
                   "+prettyjws"),
    schema1_string("application/vnd.docker.distribution.manifest.v1+json"),
    schema1_string("application/vnd.docker.distribution.manifest.v2+json"),
    schema1_string("application/vnd.docker.distribution.manifest.list"
                   ".v2+json"),
    schema1_string("application/vnd.oci.image.manifest.v1+json"),
    schema1_string("application/vnd.oci.image.index.v1+json"),

    /* generic ones */
    schema1_string("application/json"),
    schema1_string("text/plain"),
    schema1_string("application/octet-stream"),
    schema1_string("binary/octet-stream")
};

#define SCHEMA1_TYPE_NAMES                                                    \
    (sizeof(schema1_type_names) / sizeof(schema1_type_names[0]))


schema1_type_e
schema1_media_type(schema1_str_t value)
{
    size_t  i;

    value = schema1_media_type_bare(value);

    /* nearly all are written in lower case */

    for (i = 0; i < SCHEMA1_TYPE_NAMES; i++) {
        if (value.len == schema1_type_names[i].len
            && schema1_str_eq(value, schema1_type_names[i].data))
        {
            goto found;
        }
    }

    for (i = 0; i < SCHEMA1_TYPE_NAMES; i++) {
        if (value.len == schema1_type_names[i].len
            && schema1_str_caseeq(value, schema1_type_names[i].data))
        {
            goto found;
        }
    }

    return SCHEMA1_TYPE_OTHER;

found:

    return i < SCHEMA1_TYPE_OTHER ? (schema1_type_e) i : SCHEMA1_TYPE_GENERIC;
}


schema1_str_t
schema1_media_type_bare(schema1_str_t value)
{
    return schema1_str_trim(schema1_str_cut(&value, ';'));
}


const char *
schema1_media_type_name(schema1_type_e type)
{
    if ((unsigned) type >= SCHEMA1_TYPE_OTHER) {
        return "";
    }

    return schema1_type_names[type].data;
}
