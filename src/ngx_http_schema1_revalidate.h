
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_REVALIDATE_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_REVALIDATE_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * In the precontent phase, before anything is sent upstream: a HEAD subrequest
 * for a tag that is in the cache.
 *
 * NGX_AGAIN     it has been started; the phase is run again when it has ended
 * NGX_DECLINED  none is needed, or it could not be started
 * NGX_ERROR     the request cannot continue
 */
ngx_int_t ngx_http_schema1_revalidate(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* whether the request waits for this subrequest */
#define ngx_http_schema1_is_revalidating(ctx)                                 \
    ((ctx)->state == NGX_HTTP_SCHEMA1_FETCH                                   \
     && (ctx)->fetch->kind == NGX_HTTP_SCHEMA1_FETCH_HEAD)

/*
 * NGX_AGAIN     it has not ended
 * NGX_OK        a cache hit: r->content_handler sends it
 * NGX_DECLINED  no hit; the request continues as if there had been no HEAD
 * NGX_ERROR     out of memory
 */
ngx_int_t ngx_http_schema1_revalidated(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);


#endif /* _NGX_HTTP_SCHEMA1_REVALIDATE_H_INCLUDED_ */
