
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_REDIRECT_H_INCLUDED_
#define _SCHEMA1_REDIRECT_H_INCLUDED_


#include "schema1_error.h"


#define SCHEMA1_REDIRECT_MAX_HOPS  5


typedef enum {
    SCHEMA1_REDIRECT_REFUSED = 0,   /* see err */
    SCHEMA1_REDIRECT_REGISTRY,      /* a path and query */
    SCHEMA1_REDIRECT_EXTERNAL       /* an absolute URL */
} schema1_redirect_e;


/* a URL that was requested */

typedef struct {
    bool               registry;    /* of the registry, else external */
    schema1_str_t      scheme;      /* "http" or "https" */
    schema1_str_t      authority;   /* registry: as the client names it */
    schema1_str_t      path;        /* a query is passed over */
    schema1_str_t      name;        /* the repository */
    schema1_str_t      upstream;    /* registry: the authority by which a proxy
                                       knows it, or "" */
} schema1_url_t;


/* sets scheme, authority and path: those of an absolute URL, borrowed */
void schema1_redirect_base(schema1_url_t *base, schema1_str_t url);

/*
 * Resolves a Location against the base URL (RFC 3986, 5.2) and classifies it:
 *
 * REGISTRY  the base URL is the registry's, the authority is the same or
 *           "upstream", and the path is /v2/<name>/blobs/... or
 *           /v2/<name>/manifests/...; "target" is the decoded path and "?"
 *           with the query, if any
 * EXTERNAL  any other URL; "target" is that URL; of another path on the
 *           registry it is the URL at "upstream"
 * REFUSED   another path on the registry without an "upstream"; a scheme that
 *           is neither http nor https; userinfo, control characters, white
 *           space, no host; from https to http; out of memory
 *
 * The target is appended; the caller frees it.
 */
schema1_redirect_e schema1_redirect_resolve(const schema1_url_t *base,
    schema1_str_t location, schema1_buf_t *target, schema1_error_t *err);


#endif /* _SCHEMA1_REDIRECT_H_INCLUDED_ */
