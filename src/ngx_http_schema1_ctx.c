
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_cache_lock.h"
#include "ngx_http_schema1_client.h"
#include "ngx_http_schema1_ctx.h"


static void ngx_http_schema1_ctx_cleanup(void *data);
static ngx_int_t ngx_http_schema1_ctx_accept(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_array_t *lines);


/* without a location's configuration, which all other contexts have */

ngx_http_schema1_ctx_t  ngx_http_schema1_ctx_passthrough;
ngx_http_schema1_ctx_t  ngx_http_schema1_ctx_replaceable;


schema1_uri_e
ngx_http_schema1_ctx_encoded_uri(ngx_http_request_t *r, schema1_uri_t *uri)
{
    char           *buf;
    schema1_str_t   target;

    target = ngx_http_schema1_core_str(&r->unparsed_uri);

    if (ngx_strlchr(r->unparsed_uri.data,
                    r->unparsed_uri.data + r->unparsed_uri.len, '%')
        == NULL)
    {
        return SCHEMA1_URI_OTHER;
    }

    /* out of memory: it is read as it is */

    buf = ngx_pnalloc(r->pool, target.len);

    return schema1_uri_read(uri, target, buf);
}


ngx_http_schema1_ctx_t *
ngx_http_schema1_ctx_find(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_schema1_ctx_cleanup) {
            ngx_http_set_ctx(r, cln->data, ngx_http_schema1_module);
            return cln->data;
        }
    }

    return NULL;
}


ngx_http_schema1_ctx_t *
ngx_http_schema1_ctx_create(ngx_http_request_t *r, schema1_uri_t *uri)
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

    cln->handler = ngx_http_schema1_ctx_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_schema1_module);

    return ctx;
}


static void
ngx_http_schema1_ctx_cleanup(void *data)
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
ngx_http_schema1_ctx_create_legacy(ngx_http_request_t *r, schema1_uri_t *uri)
{
    ngx_array_t              lines;
    schema1_str_t           *line;
    ngx_http_schema1_ctx_t  *ctx;

    if (ngx_array_init(&lines, r->pool, 4, sizeof(schema1_str_t)) != NGX_OK) {
        return NULL;
    }

    ctx = ngx_http_schema1_ctx_create(r, uri);
    if (ctx == NULL
        || ngx_http_schema1_client_accept(r, &ctx->accept, &lines) != NGX_OK)
    {
        return NULL;
    }

    if (schema1_accept_is_modern(&ctx->accept)) {

        /* by schema_conversion_accept: nothing is added, everything passes */

        line = lines.elts;

        ctx->upstream_accept = ngx_http_schema1_str(*line);

        return ctx;
    }

    return (ngx_http_schema1_ctx_accept(r, ctx, &lines) == NGX_OK)
           ? ctx : NULL;
}


static ngx_int_t
ngx_http_schema1_ctx_accept(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_array_t *lines)
{
    schema1_buf_t  value;

    /* of a client that sends no Accept: the same for all, never freed */

    static ngx_str_t  all;

    if (lines->nelts == 0 && all.len) {
        ctx->upstream_accept = all;
        return NGX_OK;
    }

    ngx_memzero(&value, sizeof(schema1_buf_t));

    if (schema1_accept_upstream(lines->elts, lines->nelts, &value)
        == SCHEMA1_OK)
    {
        if (lines->nelts == 0) {
            all = ngx_http_schema1_str(schema1_buf_str(&value));
            ctx->upstream_accept = all;

            return NGX_OK;
        }

        ctx->upstream_accept = ngx_http_schema1_pool_str(r->pool,
                                                     schema1_buf_str(&value));
    }

    schema1_buf_free(&value);

    return ctx->upstream_accept.data ? NGX_OK : NGX_ERROR;
}


void
ngx_http_schema1_ctx_decide(ngx_http_schema1_ctx_t *ctx,
    ngx_http_headers_out_t *headers)
{
    ctx->answer.source_type = schema1_media_type(
                            ngx_http_schema1_core_str(&headers->content_type));
    ctx->action = schema1_accept_decide(&ctx->accept, ctx->answer.source_type,
                                        false);
}


ngx_http_schema1_outcome_e
ngx_http_schema1_ctx_outcome(ngx_http_request_t *r)
{
    schema1_uri_t                 uri;
    ngx_http_schema1_ctx_t       *ctx;
    ngx_http_schema1_loc_conf_t  *slcf;

    ctx = ngx_http_schema1_ctx_get(r);

    if (ctx && ctx->outcome != NGX_HTTP_SCHEMA1_OUTCOME_NONE) {
        return ctx->outcome;
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

    /* any other response to a request by tag is the upstream's or nginx's */

    if (slcf->enable
        && (ngx_http_schema1_ctx_is_passthrough(r)
            || ngx_http_schema1_ctx_uri(r, &uri) == SCHEMA1_URI_TAG))
    {
        return NGX_HTTP_SCHEMA1_OUTCOME_PASS;
    }

    return NGX_HTTP_SCHEMA1_OUTCOME_NONE;
}
