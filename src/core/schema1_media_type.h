
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_MEDIA_TYPE_H_INCLUDED_
#define _SCHEMA1_MEDIA_TYPE_H_INCLUDED_


#include "schema1_string.h"


typedef enum {
    SCHEMA1_TYPE_GENERIC = 0,       /* missing, or says nothing */
    SCHEMA1_TYPE_SIGNED,            /* schema 1, ...v1+prettyjws */
    SCHEMA1_TYPE_UNSIGNED,          /* schema 1, ...v1+json */
    SCHEMA1_TYPE_SCHEMA2,
    SCHEMA1_TYPE_LIST,              /* Docker manifest list */
    SCHEMA1_TYPE_OCI_MANIFEST,
    SCHEMA1_TYPE_OCI_INDEX,
    SCHEMA1_TYPE_OTHER              /* names something else */
} schema1_type_e;


#define SCHEMA1_MODERN_TYPES                                                  \
    ((1u << SCHEMA1_TYPE_SCHEMA2) | (1u << SCHEMA1_TYPE_LIST)                 \
     | (1u << SCHEMA1_TYPE_OCI_MANIFEST) | (1u << SCHEMA1_TYPE_OCI_INDEX))


/*
 * The type that a Content-Type or mediaType names (RFC 9110, 8.3.1): compared
 * without case, parameters ignored.  An empty value, application/json,
 * text/plain, application/octet-stream, binary/octet-stream are generic.
 */
schema1_type_e schema1_media_type(schema1_str_t value);

/* without parameters and white space */
schema1_str_t schema1_media_type_bare(schema1_str_t value);

/* the full name of a type; "" for GENERIC and OTHER */
const char *schema1_media_type_name(schema1_type_e type);

/* true for the types of manifests and lists */
static inline bool
schema1_media_type_known(schema1_type_e type)
{
    return type != SCHEMA1_TYPE_GENERIC && type != SCHEMA1_TYPE_OTHER;
}


static inline bool
schema1_media_type_is_list(schema1_type_e type)
{
    return type == SCHEMA1_TYPE_LIST || type == SCHEMA1_TYPE_OCI_INDEX;
}


static inline bool
schema1_media_type_is_schema1(schema1_type_e type)
{
    return type == SCHEMA1_TYPE_SIGNED || type == SCHEMA1_TYPE_UNSIGNED;
}


#endif /* _SCHEMA1_MEDIA_TYPE_H_INCLUDED_ */
