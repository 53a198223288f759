
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
    schema1_string("application/vnd.oci.image.index.v1+json")
};


static const char *const  schema1_generic_types[] = {
    "",
    "application/json",
    "text/plain",
    "application/octet-stream",
    "binary/octet-stream"
};


schema1_type_e
schema1_media_type(schema1_str_t value)
{
    size_t          i;
    schema1_type_e  type;

    value = schema1_media_type_bare(value);

    /* nearly all are written in lower case */

    for (type = SCHEMA1_TYPE_SIGNED; type < SCHEMA1_TYPE_OTHER; type++) {
        if (value.len == schema1_type_names[type].len
            && memcmp(value.data, schema1_type_names[type].data, value.len)
               == 0)
        {
            return type;
        }
    }

    for (type = SCHEMA1_TYPE_SIGNED; type < SCHEMA1_TYPE_OTHER; type++) {
        if (value.len == schema1_type_names[type].len
            && schema1_str_caseeq(value, schema1_type_names[type].data))
        {
            return type;
        }
    }

    for (i = 0;
         i < sizeof(schema1_generic_types) / sizeof(schema1_generic_types[0]);
         i++)
    {
        if (schema1_str_caseeq(value, schema1_generic_types[i])) {
            return SCHEMA1_TYPE_GENERIC;
        }
    }

    return SCHEMA1_TYPE_OTHER;
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
