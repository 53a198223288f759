
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


/* the parts of a URL reference (RFC 3986, 4.1) without its fragment */

typedef struct {
    schema1_str_t      scheme;      /* data is NULL: there is none */
    schema1_str_t      authority;   /* likewise */
    schema1_str_t      path;
    schema1_str_t      query;       /* with its "?" */
} schema1_url_t;


/* what was requested */

typedef struct {
    bool               registry;    /* of the registry, else external */
    schema1_url_t      url;         /* registry: as the client names it; a
                                       query, also in the path, is ignored */
    schema1_str_t      name;        /* the repository */
    schema1_str_t      upstream;    /* registry: the authority by which a proxy
                                       knows it, or "" */
} schema1_base_t;


/* splits a URL without a fragment into its parts, borrowed */
void schema1_redirect_parse(schema1_url_t *url, schema1_str_t text);

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
schema1_redirect_e schema1_redirect_resolve(const schema1_base_t *base,
    schema1_str_t location, schema1_buf_t *target, schema1_error_t *err);


#endif /* _SCHEMA1_REDIRECT_H_INCLUDED_ */
