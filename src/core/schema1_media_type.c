
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_media_type.h"


static schema1_type_e schema1_media_type_exact(schema1_str_t range);
static bool schema1_media_type_same(schema1_str_t range, schema1_str_t name);


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


static const schema1_str_t  schema1_generic_types[] = {
    schema1_string(""),
    schema1_string("application/json"),
    schema1_string("text/plain"),
    schema1_string("application/octet-stream"),
    schema1_string("binary/octet-stream")
};


schema1_type_e
schema1_media_type(schema1_str_t value)
{
    size_t          i;
    schema1_str_t   range;
    schema1_type_e  type;

    range = schema1_str_trim(schema1_str_cut(&value, ';'));

    /* nearly all clients write it in lower case, so that is tried first */

    type = schema1_media_type_exact(range);

    if (type != SCHEMA1_TYPE_OTHER) {
        return type;
    }

    for (type = SCHEMA1_TYPE_SIGNED; type < SCHEMA1_TYPE_OTHER; type++) {
        if (schema1_media_type_same(range, schema1_type_names[type])) {
            return type;
        }
    }

    for (i = 0;
         i < sizeof(schema1_generic_types) / sizeof(schema1_generic_types[0]);
         i++)
    {
        if (schema1_media_type_same(range, schema1_generic_types[i])) {
            return SCHEMA1_TYPE_GENERIC;
        }
    }

    return SCHEMA1_TYPE_OTHER;
}


static schema1_type_e
schema1_media_type_exact(schema1_str_t range)
{
    schema1_type_e  type;

    for (type = SCHEMA1_TYPE_SIGNED; type < SCHEMA1_TYPE_OTHER; type++) {

        if (range.len == schema1_type_names[type].len
            && memcmp(range.data, schema1_type_names[type].data, range.len)
               == 0)
        {
            break;
        }
    }

    return type;
}


static bool
schema1_media_type_same(schema1_str_t range, schema1_str_t name)
{
    return range.len == name.len && schema1_str_caseeq(range, name.data);
}


const char *
schema1_media_type_name(schema1_type_e type)
{
    if ((unsigned) type >= SCHEMA1_TYPE_OTHER) {
        return "";
    }

    return schema1_type_names[type].data;
}
