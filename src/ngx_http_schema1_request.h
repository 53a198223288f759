
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_REQUEST_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_REQUEST_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * The context of all requests by tag of modern clients: nothing is written to
 * it, and their URI and Accept are read only once.
 */
extern ngx_http_schema1_ctx_t  ngx_http_schema1_passthrough_ctx;


/*
 * Likewise for requests by digest and for blobs: the request has passed the
 * access phase, so a 404 of the upstream may be replaced.
 */
extern ngx_http_schema1_ctx_t  ngx_http_schema1_replaceable_ctx;


/* in the precontent phase: replaces what is sent upstream */
ngx_int_t ngx_http_schema1_request_handler(ngx_http_request_t *r);

/*
 * Reads the URI as the client sent it.  OTHER for subrequests and for methods
 * other than GET and HEAD.
 */
schema1_uri_e ngx_http_schema1_request_uri(ngx_http_request_t *r,
    schema1_uri_t *uri);

/* the context of a request, NULL if the module does not handle it (so far) */
ngx_http_schema1_ctx_t *ngx_http_schema1_request_ctx(ngx_http_request_t *r);

/* whether it is known to be a request by tag of a modern client */
#define ngx_http_schema1_is_passthrough(r)                                    \
    (ngx_http_get_module_ctx(r, ngx_http_schema1_module)                      \
     == &ngx_http_schema1_passthrough_ctx)

/*
 * Whether a response to a request by digest or for a blob came from the
 * upstream, and nginx's access phase allowed the request.
 */
ngx_uint_t ngx_http_schema1_is_replaceable(ngx_http_request_t *r);

/*
 * Whether there may be a context: an internal redirect zeroes the contexts of
 * a request, and request_ctx() finds it again.
 */
#define ngx_http_schema1_may_have_ctx(r)                                      \
    ((r)->internal                                                            \
     || ngx_http_get_module_ctx(r, ngx_http_schema1_module) != NULL)

/* an error_page keeps the status of the error here */
#define ngx_http_schema1_response_status(r)                                   \
    ((r)->err_status ? (r)->err_status : (r)->headers_out.status)

/*
 * Creates the context; it is kept through internal redirects.  NULL: out of
 * memory.
 */
ngx_http_schema1_ctx_t *ngx_http_schema1_create_ctx(ngx_http_request_t *r,
    schema1_uri_t *uri);

/* the same for a request by tag of a client that is not modern */
ngx_http_schema1_ctx_t *ngx_http_schema1_create_ctx_legacy(
    ngx_http_request_t *r, schema1_uri_t *uri);

/* ctx->answer.source_type and ctx->action, by the header of the tag's 200 */
void ngx_http_schema1_request_decide(ngx_http_schema1_ctx_t *ctx,
    ngx_http_headers_out_t *headers);

/* the value of schema_conversion_platform; NGX_ERROR: out of memory */
ngx_int_t ngx_http_schema1_request_platform(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* the result of the request, once its response has begun */
ngx_http_schema1_outcome_e ngx_http_schema1_request_outcome(
    ngx_http_request_t *r);


#endif /* _NGX_HTTP_SCHEMA1_REQUEST_H_INCLUDED_ */
