
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_cache.h"
#include "ngx_http_schema1_client.h"
#include "ngx_http_schema1_ctx.h"
#include "ngx_http_schema1_fetch.h"
#include "ngx_http_schema1_headers_in.h"
#include "ngx_http_schema1_headers_out.h"
#include "ngx_http_schema1_process.h"
#include "ngx_http_schema1_request.h"
#include "ngx_http_schema1_response.h"


static ngx_int_t ngx_http_schema1_request_new(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_request_again(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_request_head(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_request_head_done(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_request_upstream(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_request_send_hit(ngx_http_request_t *r);


ngx_int_t
ngx_http_schema1_request_handler(ngx_http_request_t *r)
{
    ngx_http_schema1_loc_conf_t  *slcf;

    if (r != r->main) {
        return ngx_http_schema1_fetch_refuse_accel(r);
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

    return ngx_http_schema1_request_head(r, ctx);
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

    if (ctx->state == NGX_HTTP_SCHEMA1_FETCH
        && ctx->fetch->kind == NGX_HTTP_SCHEMA1_FETCH_HEAD)
    {
        return ngx_http_schema1_request_head_done(r, ctx);
    }

    ngx_http_schema1_headers_in_restore(r, ctx);

    if (!slcf->enable) {
        return NGX_DECLINED;
    }

    ctx->conf = slcf;

    return ngx_http_schema1_request_head(r, ctx);
}


/*
 * Hubs count GET requests for manifests, but no HEAD requests.  A hit is the
 * same as that of the client's own HEAD.  All other responses to the HEAD are
 * dropped, so errors and their bodies are those of a GET.  When the subrequest
 * has ended, nginx runs the phase again.
 */

static SCHEMA1_COLD ngx_int_t
ngx_http_schema1_request_head(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    if (!ctx->conf->cache_revalidate
        || r->method != NGX_HTTP_GET
        || !ngx_http_schema1_cache_has_tag(ctx))
    {
        return ngx_http_schema1_request_upstream(r, ctx);
    }

    if (ngx_http_schema1_fetch(r, ctx, NGX_HTTP_SCHEMA1_FETCH_HEAD,
                               ctx->uri.reference)
        == NGX_OK)
    {
        ctx->state = NGX_HTTP_SCHEMA1_FETCH;
        return NGX_AGAIN;
    }

    ctx->fetch = NULL;

    /* the output of a subrequest that does not run would be waited for */

    return (r->connection->data == r)
           ? ngx_http_schema1_request_upstream(r, ctx) : NGX_ERROR;
}


static ngx_int_t
ngx_http_schema1_request_head_done(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    schema1_error_t               err;
    ngx_http_request_t           *sr;
    ngx_http_schema1_response_t  *response;

    sr = ctx->fetch->request;
    response = &ctx->fetch->response;

    if (!sr->done) {
        return NGX_AGAIN;
    }

    ctx->fetch = NULL;
    ctx->state = NGX_HTTP_SCHEMA1_START;

    if (response->failure != SCHEMA1_NO_REASON
        || response->status != NGX_HTTP_OK)
    {
        return ngx_http_schema1_request_upstream(r, ctx);
    }

    ngx_http_schema1_ctx_decide(ctx, &sr->headers_out);

    if (ngx_http_schema1_may_pass(ctx)
        || ngx_http_schema1_response_header(response, &ctx->document, &err)
           != NGX_OK
        || ngx_http_complex_value(r, ctx->conf->platform, &ctx->platform)
           != NGX_OK
        || ngx_http_schema1_cache_get_by_header(r, ctx, sr) != NGX_OK)
    {
        return ngx_http_schema1_request_upstream(r, ctx);
    }

    if (ngx_http_schema1_headers_out_relay(r, sr) != NGX_OK) {
        return NGX_ERROR;
    }

    /* $upstream_status and the like */

    r->upstream_states = sr->upstream_states;

    r->content_handler = ngx_http_schema1_request_send_hit;

    return NGX_OK;
}


/* replaces what is sent upstream */

static ngx_int_t
ngx_http_schema1_request_upstream(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 request \"%V\", upstream accept: \"%V\"",
                   &r->uri, &ctx->upstream_accept);

    return (ngx_http_schema1_headers_in_replace(r, ctx) == NGX_OK)
           ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_http_schema1_request_send_hit(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_schema1_ctx_t  *ctx;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    /* no upstream sends a body */

    ctx->response.last = 1;

    ctx->outcome = NGX_HTTP_SCHEMA1_OUTCOME_HIT;
    ctx->state = NGX_HTTP_SCHEMA1_SEND;

    return ngx_http_schema1_process(r, ctx);
}
