
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_client.h"
#include "ngx_http_schema1_ctx.h"
#include "ngx_http_schema1_fetch.h"
#include "ngx_http_schema1_headers_in.h"
#include "ngx_http_schema1_request.h"
#include "ngx_http_schema1_revalidate.h"


static ngx_int_t ngx_http_schema1_request_new(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_request_again(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_request_upstream(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);


ngx_int_t
ngx_http_schema1_request_handler(ngx_http_request_t *r)
{
    ngx_http_schema1_fetch_t     *fetch;
    ngx_http_schema1_loc_conf_t  *slcf;

    if (r != r->main) {
        fetch = ngx_http_schema1_fetch_get(r);

        return fetch ? ngx_http_schema1_fetch_refuse_accel(r, fetch)
                     : NGX_DECLINED;
    }

    if (r->internal || ngx_http_get_module_ctx(r, ngx_http_schema1_module)) {
        return ngx_http_schema1_request_again(r);
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

    return slcf->enable ? ngx_http_schema1_request_new(r) : NGX_DECLINED;
}


static ngx_int_t
ngx_http_schema1_request_new(ngx_http_request_t *r)
{
    schema1_uri_t            uri;
    schema1_uri_e            kind;
    ngx_http_schema1_ctx_t  *ctx;

    kind = ngx_http_schema1_ctx_uri(r, &uri);

    if (kind == SCHEMA1_URI_DIGEST || kind == SCHEMA1_URI_BLOB) {
        ngx_http_set_ctx(r, &ngx_http_schema1_ctx_replaceable,
                         ngx_http_schema1_module);
        return NGX_DECLINED;
    }

    if (kind != SCHEMA1_URI_TAG) {
        return NGX_DECLINED;
    }

    if (ngx_http_schema1_client_is_modern(r)) {
        ngx_http_set_ctx(r, &ngx_http_schema1_ctx_passthrough,
                         ngx_http_schema1_module);
        return NGX_DECLINED;
    }

    ctx = ngx_http_schema1_ctx_create_legacy(r, &uri);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_schema1_request_upstream(r, ctx);
}


/*
 * After an internal redirect: by what the client sent, with another location.
 * After a HEAD subrequest: the same request again.
 */

static SCHEMA1_COLD ngx_int_t
ngx_http_schema1_request_again(ngx_http_request_t *r)
{
    ngx_http_schema1_ctx_t       *ctx;
    ngx_http_schema1_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

    ctx = ngx_http_schema1_ctx_get(r);

    if (ctx == NULL) {
        return slcf->enable ? ngx_http_schema1_request_new(r) : NGX_DECLINED;
    }

    if (ngx_http_schema1_is_revalidating(ctx)) {
        return ngx_http_schema1_request_upstream(r, ctx);
    }

    ngx_http_schema1_headers_in_restore(r, ctx);

    if (!slcf->enable) {
        ctx->state = NGX_HTTP_SCHEMA1_PASS;
        return NGX_DECLINED;
    }

    ctx->conf = slcf;
    ctx->state = NGX_HTTP_SCHEMA1_START;

    return ngx_http_schema1_request_upstream(r, ctx);
}


static SCHEMA1_COLD ngx_int_t
ngx_http_schema1_request_upstream(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_schema1_is_revalidating(ctx)
         ? ngx_http_schema1_revalidated(r, ctx)
         : ngx_http_schema1_revalidate(r, ctx);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 request \"%V\", upstream accept: \"%V\"",
                   &r->uri, &ctx->upstream_accept);

    if (ngx_http_schema1_headers_in_replace(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DECLINED;
}
