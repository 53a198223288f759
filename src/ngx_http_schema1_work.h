
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_WORK_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_WORK_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * Does ctx->work, in a thread where a pool is set.  NGX_OK: it is done.
 * NGX_AGAIN: the filters are called with no input when it is, and ctx->worked
 * is set then.  NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_schema1_work(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/*
 * A request that waits with its header held back has to be kept, and must not
 * be closed for a client that is slow to read: park it whenever it is found
 * waiting.
 */
void ngx_http_schema1_park(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx);
void ngx_http_schema1_unpark(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);


#endif /* _NGX_HTTP_SCHEMA1_WORK_H_INCLUDED_ */
