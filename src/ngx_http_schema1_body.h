
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_BODY_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_BODY_H_INCLUDED_


#include "ngx_http_schema1.h"


/* makes a body ready for an answer: its length as declared, -1 if unknown */
void ngx_http_schema1_body_init(ngx_http_schema1_body_t *body, size_t max,
    off_t expected);

/*
 * Takes over what a chain brings.  Past the bound "overflow" is set, and what
 * is over stays in the chain.  NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_schema1_body_read(ngx_http_request_t *r,
    ngx_http_schema1_body_t *body, ngx_chain_t *in);

/* nothing is missing */
ngx_uint_t ngx_http_schema1_body_complete(ngx_http_schema1_body_t *body);

/* marks the buffers of a chain as read */
void ngx_http_schema1_body_discard(ngx_chain_t *in);

/* nothing more of the upstream's answer is wanted */
void ngx_http_schema1_body_stop(ngx_http_request_t *r);


#endif /* _NGX_HTTP_SCHEMA1_BODY_H_INCLUDED_ */
