
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_URI_H_INCLUDED_
#define _SCHEMA1_URI_H_INCLUDED_


#include "schema1_string.h"


typedef enum {
    SCHEMA1_URI_OTHER = 0,          /* not handled */
    SCHEMA1_URI_TAG,                /* /v2/<name>/manifests/<tag> */
    SCHEMA1_URI_DIGEST,             /* /v2/<name>/manifests/<digest> */
    SCHEMA1_URI_BLOB                /* /v2/<name>/blobs/<digest> */
} schema1_uri_e;


typedef struct {
    schema1_uri_e      kind;
    schema1_str_t      name;
    schema1_str_t      reference;   /* tag or digest */
    schema1_str_t      args;        /* query string, without the "?" */
} schema1_uri_t;


/*
 * Reads a request target as the client sent it: path, still percent-encoded,
 * and query (OCI distribution specification, "Pulling manifests").  If the path
 * has a "%", it is decoded into "buf", of target.len bytes, and name and
 * reference point there, else into the target.  "buf" can be NULL if there is
 * no "%".  Returns uri->kind.
 */
schema1_uri_e schema1_uri_read(schema1_uri_t *uri, schema1_str_t target,
    char *buf);

/* path components in lower case, no host part, 255 bytes at most */
bool schema1_uri_name_valid(schema1_str_t name);

/* [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127} */
bool schema1_uri_tag_valid(schema1_str_t tag);


#endif /* _SCHEMA1_URI_H_INCLUDED_ */
