
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_DESCRIPTOR_H_INCLUDED_
#define _SCHEMA1_DESCRIPTOR_H_INCLUDED_


#include "schema1_decode.h"


/* strings are decoded, terminated, and owned by what has the descriptor */

typedef struct {
    schema1_str_t           media_type;
    schema1_str_t           digest;
    int64_t                 size;       /* as declared; -1 if it is not */
} schema1_descriptor_t;


/* tokens, as the decoder leaves them */

typedef struct {
    bool                   there;
    schema1_str_t          os;
    schema1_str_t          architecture;
    schema1_str_t          variant;
    schema1_str_t          os_version;
    size_t                 features;
} schema1_raw_platform_t;


typedef struct {
    schema1_str_t          media_type;
    schema1_str_t          size;
    schema1_str_t          digest;
    size_t                 urls;
    schema1_str_t          annotations;
    schema1_raw_platform_t platform;
} schema1_raw_descriptor_t;


/* members of the descriptors of a manifest, and of the entries of a list */
extern const schema1_field_t  schema1_descriptor_fields[];
extern const schema1_field_t  schema1_descriptor_entry_fields[];

/* copies strings to a block of that size; returns the end of the copies */
size_t schema1_descriptor_size(const schema1_raw_descriptor_t *raw);
char *schema1_descriptor_copy(schema1_descriptor_t *descriptor,
    const schema1_raw_descriptor_t *raw, char *to);


#endif /* _SCHEMA1_DESCRIPTOR_H_INCLUDED_ */
