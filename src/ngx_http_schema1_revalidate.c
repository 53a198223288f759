
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_cache.h"
#include "ngx_http_schema1_ctx.h"
#include "ngx_http_schema1_fetch.h"
#include "ngx_http_schema1_headers_out.h"
#include "ngx_http_schema1_process.h"
#include "ngx_http_schema1_response.h"
#include "ngx_http_schema1_revalidate.h"


static ngx_int_t ngx_http_schema1_revalidate_lookup(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_revalidate_send(ngx_http_request_t *r);


/*
 * Hubs count GET requests for manifests, but no HEAD requests.  A hit is the
 * same as that of the client's own HEAD.  All other responses to the HEAD are
 * dropped, so errors and their bodies are those of a GET.
 */

ngx_int_t
ngx_http_schema1_revalidate(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    if (!ctx->conf->cache_revalidate
        || ctx->conf->cache == NULL
        || r->method != NGX_HTTP_GET
        || !ngx_http_schema1_cache_has_tag(ctx))
    {
        return NGX_DECLINED;
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

    return (r->connection->data == r) ? NGX_DECLINED : NGX_ERROR;
}


ngx_int_t
ngx_http_schema1_revalidated(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (!ctx->fetch->request->done) {
        return NGX_AGAIN;
    }

    rc = ngx_http_schema1_revalidate_lookup(r, ctx);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 revalidated: %i", rc);

    ctx->fetch = NULL;
    ctx->state = NGX_HTTP_SCHEMA1_START;

    return rc;
}


static ngx_int_t
ngx_http_schema1_revalidate_lookup(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    schema1_error_t               err;
    ngx_http_request_t           *sr;
    ngx_http_schema1_response_t  *response;

    sr = ctx->fetch->request;
    response = &ctx->fetch->response;

    if (response->failure != SCHEMA1_NO_REASON
        || response->status != NGX_HTTP_OK)
    {
        return NGX_DECLINED;
    }

    ngx_http_schema1_ctx_decide(ctx, &sr->headers_out);

    if (ngx_http_schema1_may_pass(ctx)
        || ngx_http_schema1_response_header(response, &ctx->document, &err)
           != NGX_OK
        || ngx_http_schema1_ctx_platform(r, ctx) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (ngx_http_schema1_cache_get_by_header(r, ctx, sr) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_http_schema1_headers_out_relay(r, sr) != NGX_OK) {
        return NGX_ERROR;
    }

    /* $upstream_status and the like */

    r->upstream_states = sr->upstream_states;

    r->content_handler = ngx_http_schema1_revalidate_send;

    return NGX_OK;
}


static ngx_int_t
ngx_http_schema1_revalidate_send(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_schema1_ctx_t  *ctx;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    /* no upstream sends a body */

    ctx->body.last = 1;

    ctx->outcome = NGX_HTTP_SCHEMA1_OUTCOME_HIT;
    ctx->state = NGX_HTTP_SCHEMA1_SEND;

    return ngx_http_schema1_process(r, ctx);
}
