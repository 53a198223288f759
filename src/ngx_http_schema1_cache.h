
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_CACHE_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_CACHE_H_INCLUDED_


#include "ngx_http_schema1_cache_zone.h"


/*
 * Each returns NGX_OK with ctx->answer, allocated from r->pool, or
 * NGX_DECLINED, or NGX_ERROR if there is no memory for the key.
 */

/*
 * By the Docker-Content-Digest of a 200, ctx->document.digest.  "upstream" is
 * the request that the 200 is the response to.  Call it once ctx->platform and
 * ctx->answer.source_type are known.
 */
ngx_int_t ngx_http_schema1_cache_get_by_header(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_request_t *upstream);

/*
 * Whether there is an entry for the requested tag in this location, of any
 * upstream, source, and client.
 */
ngx_uint_t ngx_http_schema1_cache_has_tag(ngx_http_schema1_ctx_t *ctx);

/*
 * By ctx->answer.source_digest, the verified digest of the source.  Sets
 * ctx->cache_key.
 */
ngx_int_t ngx_http_schema1_cache_get(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/*
 * By the digest of a converted manifest, under the requested name.  The newest
 * source is the first in ctx->answer.
 */
ngx_int_t ngx_http_schema1_cache_get_by_digest(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* the next source with this digest, NGX_DECLINED: there are no more */
ngx_int_t ngx_http_schema1_cache_next_source(ngx_http_schema1_ctx_t *ctx);

/* stores ctx->answer under ctx->cache_key, if the zone has the space */
void ngx_http_schema1_cache_put(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);


#endif /* _NGX_HTTP_SCHEMA1_CACHE_H_INCLUDED_ */
