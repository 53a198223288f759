
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_REDIRECT_H_INCLUDED_
#define _SCHEMA1_REDIRECT_H_INCLUDED_


#include "schema1_error.h"


#define SCHEMA1_REDIRECT_MAX_HOPS  5


typedef enum {
    SCHEMA1_REDIRECT_REFUSED = 0,   /* err says why */
    SCHEMA1_REDIRECT_OWN,           /* the registry's: a path and query */
    SCHEMA1_REDIRECT_FOREIGN        /* elsewhere: an absolute URL */
} schema1_redirect_e;


/* the URL that was asked */

typedef struct {
    bool               own;         /* it was the registry's own */
    schema1_str_t      scheme;      /* "http" or "https" */
    schema1_str_t      authority;   /* own: as the client names the registry */
    schema1_str_t      path;        /* with the query, if any */
    schema1_str_t      name;        /* the repository that the client asked */
    schema1_str_t      upstream;    /* own: the authority that a proxy knows
                                       the registry by; may be empty */
} schema1_hop_t;


/*
 * Resolves a Location against the URL that was asked (RFC 3986, 5.2: //host,
 * dot segments) and judges where it leads:
 *
 * OWN      the hop was the registry's own, the authority is the same or
 *          "upstream", and the decoded path is /v2/<name>/blobs/... or
 *          /v2/<name>/manifests/...; "target" is that path, decoded, then "?"
 *          and the query, if any
 * FOREIGN  another authority, or any target after a foreign hop; "target" is
 *          the absolute URL, as it was written; or another path of the
 *          registry's own, then "target" is its URL at "upstream"
 * REFUSED  another path of the registry's own, without an "upstream"; neither
 *          http nor https; userinfo, control characters, white space, no host;
 *          from https to http; out of memory (err->reason tells)
 *
 * "target" is appended to; the caller frees it.
 */
schema1_redirect_e schema1_redirect_resolve(const schema1_hop_t *asked,
    schema1_str_t location, schema1_buf_t *target, schema1_error_t *err);


#endif /* _SCHEMA1_REDIRECT_H_INCLUDED_ */
