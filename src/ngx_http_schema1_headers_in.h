
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_HEADERS_IN_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_HEADERS_IN_H_INCLUDED_


#include "ngx_http_schema1.h"


/* at configuration: finds the variables of the lines that are replaced */
ngx_int_t ngx_http_schema1_headers_in_init(ngx_conf_t *cf);

/*
 * Replaces r->headers_in by what is sent upstream, and keeps the client's lines
 * in ctx.  NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_schema1_headers_in_replace(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* restores the client's lines, if they are replaced */
void ngx_http_schema1_headers_in_restore(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/*
 * Likewise for a response: if nginx caches it, the list stays replaced, and the
 * variables that show it are the client's.
 */
void ngx_http_schema1_headers_in_restore_cached(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/*
 * Sets "in" to the header of a subrequest of "r": the client's lines without
 * those that belong to its own request, or for an external host User-Agent
 * alone, and one Accept.  NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_schema1_headers_in_subrequest(ngx_http_request_t *r,
    ngx_http_headers_in_t *in, ngx_str_t *accept, ngx_uint_t external);

/* moves such a header to where it stays */
void ngx_http_schema1_headers_in_move(ngx_http_headers_in_t *to,
    ngx_http_headers_in_t *from);


#endif /* _NGX_HTTP_SCHEMA1_HEADERS_IN_H_INCLUDED_ */
