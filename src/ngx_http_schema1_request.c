
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "ngx_http_schema1_cache_lock.h"
#include "ngx_http_schema1_client.h"
#include "ngx_http_schema1_fetch.h"
#include "ngx_http_schema1_headers_in.h"
#include "ngx_http_schema1_request.h"
#include "ngx_http_schema1_revalidate.h"


static ngx_int_t ngx_http_schema1_request_new(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_request_again(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_request_upstream(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_request_replace(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_request_accept(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_array_t *lines);
static void ngx_http_schema1_request_cleanup(void *data);
static SCHEMA1_INLINE schema1_uri_e ngx_http_schema1_request_read(
    ngx_http_request_t *r, schema1_uri_t *uri);
static schema1_uri_e ngx_http_schema1_request_encoded(ngx_http_request_t *r,
    schema1_uri_t *uri);


/* without a location's configuration, which all other contexts have */

ngx_http_schema1_ctx_t  ngx_http_schema1_passthrough_ctx;
ngx_http_schema1_ctx_t  ngx_http_schema1_replaceable_ctx;


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

    if (ngx_http_schema1_may_have_ctx(r)) {
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

    kind = ngx_http_schema1_request_read(r, &uri);

    if (kind == SCHEMA1_URI_DIGEST || kind == SCHEMA1_URI_BLOB) {
        ngx_http_set_ctx(r, &ngx_http_schema1_replaceable_ctx,
                         ngx_http_schema1_module);
        return NGX_DECLINED;
    }

    if (kind != SCHEMA1_URI_TAG) {
        return NGX_DECLINED;
    }

    if (ngx_http_schema1_client_is_modern(r)) {
        ngx_http_set_ctx(r, &ngx_http_schema1_passthrough_ctx,
                         ngx_http_schema1_module);
        return NGX_DECLINED;
    }

    ctx = ngx_http_schema1_create_ctx_legacy(r, &uri);
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
    ngx_int_t                     rc;
    ngx_http_schema1_ctx_t       *ctx;
    ngx_http_schema1_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

    ctx = ngx_http_schema1_request_ctx(r);

    if (ctx == NULL) {
        return slcf->enable ? ngx_http_schema1_request_new(r) : NGX_DECLINED;
    }

    if (ngx_http_schema1_is_revalidating(ctx)) {
        rc = ngx_http_schema1_revalidated(r, ctx);

        return (rc == NGX_DECLINED) ? ngx_http_schema1_request_replace(r, ctx)
                                    : rc;
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


static ngx_int_t
ngx_http_schema1_request_upstream(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_schema1_revalidate(r, ctx);

    return (rc == NGX_DECLINED) ? ngx_http_schema1_request_replace(r, ctx)
                                : rc;
}


static SCHEMA1_COLD ngx_int_t
ngx_http_schema1_request_replace(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 request \"%V\", upstream accept: \"%V\"",
                   &r->uri, &ctx->upstream_accept);

    if (ngx_http_schema1_headers_in_replace(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DECLINED;
}


schema1_uri_e
ngx_http_schema1_request_uri(ngx_http_request_t *r, schema1_uri_t *uri)
{
    return ngx_http_schema1_request_read(r, uri);
}


/* static, so that it is inlined into the hot path */

static SCHEMA1_INLINE schema1_uri_e
ngx_http_schema1_request_read(ngx_http_request_t *r, schema1_uri_t *uri)
{
    schema1_str_t  target;
    schema1_uri_e  kind;

    if (r != r->main || !(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return SCHEMA1_URI_OTHER;
    }

    target = ngx_http_schema1_core_str(&r->unparsed_uri);

    kind = schema1_uri_read(uri, target, NULL);

    if (kind != SCHEMA1_URI_OTHER) {
        return kind;
    }

    return ngx_http_schema1_request_encoded(r, uri);
}


static SCHEMA1_COLD schema1_uri_e
ngx_http_schema1_request_encoded(ngx_http_request_t *r, schema1_uri_t *uri)
{
    char           *buf;
    schema1_str_t   target;

    target = ngx_http_schema1_core_str(&r->unparsed_uri);

    if (target.len == 0 || memchr(target.data, '%', target.len) == NULL) {
        return SCHEMA1_URI_OTHER;
    }

    buf = ngx_pnalloc(r->pool, target.len);
    if (buf == NULL) {
        return SCHEMA1_URI_OTHER;
    }

    return schema1_uri_read(uri, target, buf);
}


ngx_http_schema1_ctx_t *
ngx_http_schema1_request_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_schema1_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    if (ctx) {
        return ctx->conf ? ctx : NULL;
    }

    if (!r->internal) {
        return NULL;
    }

    /* an internal redirect zeroes the contexts of the request */

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_schema1_request_cleanup) {
            ngx_http_set_ctx(r, cln->data, ngx_http_schema1_module);
            return cln->data;
        }
    }

    return NULL;
}


ngx_http_schema1_ctx_t *
ngx_http_schema1_create_ctx(ngx_http_request_t *r, schema1_uri_t *uri)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_schema1_ctx_t  *ctx;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_schema1_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, offsetof(ngx_http_schema1_ctx_t, error));
    schema1_error_clear(&ctx->error);

    ctx->conf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);
    ctx->uri = *uri;

    cln->handler = ngx_http_schema1_request_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_schema1_module);

    return ctx;
}


static void
ngx_http_schema1_request_cleanup(void *data)
{
    ngx_http_schema1_ctx_t  *ctx = data;

    ngx_http_schema1_cache_unlock(ctx);

    if (ctx->wake.posted) {
        ngx_delete_posted_event(&ctx->wake);
    }

    if (ctx->disarm.posted) {
        ngx_delete_posted_event(&ctx->disarm);
    }

    schema1_pull_free(ctx->pull);
}


ngx_http_schema1_ctx_t *
ngx_http_schema1_create_ctx_legacy(ngx_http_request_t *r, schema1_uri_t *uri)
{
    ngx_array_t              lines;
    schema1_str_t           *line;
    ngx_http_schema1_ctx_t  *ctx;

    if (ngx_array_init(&lines, r->pool, 4, sizeof(schema1_str_t)) != NGX_OK) {
        return NULL;
    }

    ctx = ngx_http_schema1_create_ctx(r, uri);
    if (ctx == NULL
        || ngx_http_schema1_client_accept(r, &ctx->accept, &lines) != NGX_OK)
    {
        return NULL;
    }

    if (schema1_accept_is_modern(&ctx->accept)) {

        /* by schema_conversion_accept: nothing is added, everything passes */

        line = lines.elts;

        ctx->accept.types |= SCHEMA1_MODERN_TYPES;
        ctx->upstream_accept = ngx_http_schema1_str(*line);

        return ctx;
    }

    if (ngx_http_schema1_request_accept(r, ctx, &lines) != NGX_OK) {
        return NULL;
    }

    return ctx;
}


static ngx_int_t
ngx_http_schema1_request_accept(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_array_t *lines)
{
    int            rc;
    ngx_str_t      accept;
    schema1_buf_t  value;

    /* of a client that sends no Accept: the same for all */

    static ngx_str_t  all;

    if (lines->nelts == 0 && all.len) {
        ctx->upstream_accept = all;
        return NGX_OK;
    }

    ngx_memzero(&value, sizeof(schema1_buf_t));

    rc = schema1_accept_upstream(lines->elts, lines->nelts, &value);

    accept.len = value.len;
    accept.data = NULL;

    if (rc == SCHEMA1_OK) {
        accept.data = lines->nelts ? ngx_pnalloc(r->pool, value.len)
                                   : ngx_alloc(value.len, r->connection->log);
    }

    if (accept.data) {
        ngx_memcpy(accept.data, value.data, value.len);
    }

    schema1_buf_free(&value);

    if (accept.data == NULL) {
        return NGX_ERROR;
    }

    if (lines->nelts == 0) {
        all = accept;
    }

    ctx->upstream_accept = accept;

    return NGX_OK;
}


void
ngx_http_schema1_request_decide(ngx_http_schema1_ctx_t *ctx,
    ngx_http_headers_out_t *headers)
{
    ctx->document.type = ngx_http_schema1_core_str(&headers->content_type);

    ctx->answer.source_type = schema1_media_type(ctx->document.type);
    ctx->action = schema1_accept_decide(&ctx->accept, ctx->answer.source_type,
                                        false);
}


ngx_int_t
ngx_http_schema1_request_platform(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    if (ctx->conf->platform == NULL) {
        ngx_str_set(&ctx->platform, NGX_HTTP_SCHEMA1_PLATFORM);
        return NGX_OK;
    }

    return ngx_http_complex_value(r, ctx->conf->platform, &ctx->platform);
}


ngx_uint_t
ngx_http_schema1_is_replaceable(ngx_http_request_t *r)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    return ngx_http_get_module_ctx(r, ngx_http_schema1_module)
           == &ngx_http_schema1_replaceable_ctx
           && r->err_status == 0
           && u
           && u->headers_in.status_n == r->headers_out.status;
}


ngx_http_schema1_outcome_e
ngx_http_schema1_request_outcome(ngx_http_request_t *r)
{
    schema1_uri_t                 uri;
    ngx_http_schema1_ctx_t       *ctx;
    ngx_http_schema1_loc_conf_t  *slcf;

    ctx = ngx_http_schema1_request_ctx(r);

    if (ctx && ctx->outcome != NGX_HTTP_SCHEMA1_OUTCOME_NONE) {
        return ctx->outcome;
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

    /* any other response to a request by tag is the upstream's or nginx's */

    if (slcf->enable
        && (ngx_http_schema1_is_passthrough(r)
            || ngx_http_schema1_request_uri(r, &uri) == SCHEMA1_URI_TAG))
    {
        return NGX_HTTP_SCHEMA1_OUTCOME_PASS;
    }

    return NGX_HTTP_SCHEMA1_OUTCOME_NONE;
}
