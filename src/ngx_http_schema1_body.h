
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_BODY_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_BODY_H_INCLUDED_


#include "ngx_http_schema1.h"


/* prepares a body for a response; "expected" is its Content-Length, or -1 */
void ngx_http_schema1_body_init(ngx_http_schema1_body_t *body, size_t max,
    off_t expected);

/*
 * Adds the bytes of a chain.  Above the limit "overflow" is set, and the rest
 * stays in the chain.  NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_schema1_body_read(ngx_http_request_t *r,
    ngx_http_schema1_body_t *body, ngx_chain_t *in);

/* whether nothing is missing */
ngx_uint_t ngx_http_schema1_body_complete(ngx_http_schema1_body_t *body);

/* marks the buffers of a chain as read */
void ngx_http_schema1_body_discard(ngx_chain_t *in);

/* reads no more of the upstream's response */
void ngx_http_schema1_body_stop(ngx_http_request_t *r);


#endif /* _NGX_HTTP_SCHEMA1_BODY_H_INCLUDED_ */
