
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_PULL_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_PULL_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * The way of a request whose header is held back, from the tag's document to
 * an answer.  Each of these returns what a body filter does.
 */

/* the tag's document is in ctx->document */
ngx_int_t ngx_http_schema1_pull_begin(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* the answer to a HEAD, which has no document */
ngx_int_t ngx_http_schema1_pull_head(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* a fetch, a thread or another request may have come to an end */
ngx_int_t ngx_http_schema1_pull_continue(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* the answer to a digest that may be one of ours was a 404: it is collected */
ngx_int_t ngx_http_schema1_pull_digest(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* ctx->error is the answer */
ngx_int_t ngx_http_schema1_pull_fail(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);


#endif /* _NGX_HTTP_SCHEMA1_PULL_H_INCLUDED_ */
