
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_CACHE_LOCK_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_CACHE_LOCK_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * Locks ctx->cache_key within this worker.  NGX_OK: convert; NGX_AGAIN: wait,
 * the request is resumed.  A request waits once: then it gets NGX_OK, with or
 * without the lock.
 */
ngx_int_t ngx_http_schema1_cache_lock(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* ends a wait, or wakes those that wait; may be called in any state */
void ngx_http_schema1_cache_unlock(ngx_http_schema1_ctx_t *ctx);


#endif /* _NGX_HTTP_SCHEMA1_CACHE_LOCK_H_INCLUDED_ */
