
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_REQUEST_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_REQUEST_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * Stands for the state of all requests by tag of modern clients: nothing is
 * ever written to it, and their URI and Accept are read only once.
 */
extern ngx_http_schema1_ctx_t  ngx_http_schema1_modern;


/*
 * Likewise for requests by digest and for the empty layer: the request has
 * passed the access phase, so a 404 of the upstream may be replaced.
 */
extern ngx_http_schema1_ctx_t  ngx_http_schema1_replaceable;


/* in the precontent phase: what goes upstream */
ngx_int_t ngx_http_schema1_request_handler(ngx_http_request_t *r);

/*
 * What the request asks for, by the URI as the client sent it.  OTHER for
 * subrequests and methods that are not GET or HEAD.
 */
schema1_uri_e ngx_http_schema1_request_uri(ngx_http_request_t *r,
    schema1_uri_t *uri);

/* the state of a request, NULL where the module has no say in it (so far) */
ngx_http_schema1_ctx_t *ngx_http_schema1_request_ctx(ngx_http_request_t *r);

/* whether it is known to be a request by tag of a modern client */
#define ngx_http_schema1_request_modern(r)                                    \
    (ngx_http_get_module_ctx(r, ngx_http_schema1_module)                      \
     == &ngx_http_schema1_modern)

/*
 * Whether the response is a 404 of the upstream, to a request that has passed
 * the access phase.  An error_page of the user's takes precedence.
 */
ngx_uint_t ngx_http_schema1_request_not_found(ngx_http_request_t *r);

/*
 * Whether there may be a state: an internal redirect zeroes the contexts of a
 * request, and request_ctx() finds it again.
 */
#define ngx_http_schema1_request_known(r)                                     \
    ((r)->internal                                                            \
     || ngx_http_get_module_ctx(r, ngx_http_schema1_module) != NULL)

/* makes the state; it survives internal redirects.  NULL: out of memory */
ngx_http_schema1_ctx_t *ngx_http_schema1_request_create(ngx_http_request_t *r,
    schema1_uri_t *uri);

/* the same for a request by tag of a client that may be converted for */
ngx_http_schema1_ctx_t *ngx_http_schema1_request_old(ngx_http_request_t *r,
    schema1_uri_t *uri);

/* what the request came to, once its answer has begun */
ngx_http_schema1_outcome_e ngx_http_schema1_request_outcome(
    ngx_http_request_t *r);


#endif /* _NGX_HTTP_SCHEMA1_REQUEST_H_INCLUDED_ */
