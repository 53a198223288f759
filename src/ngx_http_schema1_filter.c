
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/schema1_convert.h"
#include "ngx_http_schema1_cache.h"
#include "ngx_http_schema1_client.h"
#include "ngx_http_schema1_condition.h"
#include "ngx_http_schema1_ctx.h"
#include "ngx_http_schema1_fetch.h"
#include "ngx_http_schema1_filter.h"
#include "ngx_http_schema1_headers_in.h"
#include "ngx_http_schema1_process.h"
#include "ngx_http_schema1_response.h"
#include "ngx_http_schema1_send.h"


/* what is done with a response to a client's request */

typedef enum {
    NGX_HTTP_SCHEMA1_UNRELATED = 0,
    NGX_HTTP_SCHEMA1_PASS_RESPONSE,
    NGX_HTTP_SCHEMA1_PASS_TAG,          /* the same, with Vary */
    NGX_HTTP_SCHEMA1_HOLD_BACK,
    NGX_HTTP_SCHEMA1_NO_MEMORY
} ngx_http_schema1_class_e;


static ngx_int_t ngx_http_schema1_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_header_filter_slow(ngx_http_request_t *r);
static ngx_http_schema1_class_e ngx_http_schema1_classify_known(
    ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx);
static ngx_http_schema1_class_e ngx_http_schema1_classify_new(
    ngx_http_request_t *r);
static ngx_http_schema1_class_e ngx_http_schema1_classify_replaceable(
    ngx_http_request_t *r, schema1_uri_t *uri);
static ngx_uint_t ngx_http_schema1_is_replaceable(ngx_http_request_t *r,
    schema1_uri_t *uri);
static ngx_http_schema1_class_e ngx_http_schema1_classify_tag(
    ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx);
static ngx_uint_t ngx_http_schema1_examines(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_hold_back(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_hold_back_tag(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static void ngx_http_schema1_upstream_finalized(ngx_http_request_t *r,
    ngx_int_t rc);
static ngx_int_t ngx_http_schema1_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_schema1_body_filter_slow(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_schema1_subrequest_body(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_schema1_collect(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_chain_t *in);
static ngx_int_t ngx_http_schema1_collect_failed(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);


void
ngx_http_schema1_filter_init(void)
{
    ngx_http_schema1_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_schema1_header_filter;

    ngx_http_schema1_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_schema1_body_filter;
}


static ngx_int_t
ngx_http_schema1_header_filter(ngx_http_request_t *r)
{
    ngx_http_schema1_loc_conf_t  *slcf;

    if (ngx_http_schema1_ctx_is_passthrough(r)) {
        return ngx_http_schema1_send_header(r, 1);
    }

    if (r != r->main) {
        return ngx_http_schema1_fetch_header_filter(r);
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

    if (!slcf->enable && ngx_http_schema1_ctx_get(r) == NULL) {
        return ngx_http_schema1_next_header_filter(r);
    }

    return ngx_http_schema1_header_filter_slow(r);
}


static SCHEMA1_COLD ngx_int_t
ngx_http_schema1_header_filter_slow(ngx_http_request_t *r)
{
    ngx_http_schema1_ctx_t    *ctx;
    ngx_http_schema1_class_e   class;

    ctx = ngx_http_schema1_ctx_get(r);

    class = ctx ? ngx_http_schema1_classify_known(r, ctx)
                : ngx_http_schema1_classify_new(r);

    switch (class) {

    case NGX_HTTP_SCHEMA1_UNRELATED:
        return ngx_http_schema1_next_header_filter(r);

    case NGX_HTTP_SCHEMA1_HOLD_BACK:
        ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);
        return ngx_http_schema1_hold_back(r, ctx);

    case NGX_HTTP_SCHEMA1_NO_MEMORY:
        return NGX_ERROR;

    default: /* PASS_RESPONSE, PASS_TAG */
        return ngx_http_schema1_send_header(r,
                                           class == NGX_HTTP_SCHEMA1_PASS_TAG);
    }
}


static ngx_http_schema1_class_e
ngx_http_schema1_classify_known(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_http_schema1_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

    ngx_http_schema1_headers_in_restore_cached(r, ctx);

    if (!slcf->enable) {
        ctx->state = NGX_HTTP_SCHEMA1_PASS;
        return NGX_HTTP_SCHEMA1_UNRELATED;
    }

    if (ctx->state == NGX_HTTP_SCHEMA1_SENT) {

        /* a later filter has failed: this is sent instead */

        ctx->state = NGX_HTTP_SCHEMA1_PASS;
        return NGX_HTTP_SCHEMA1_PASS_TAG;
    }

    return ngx_http_schema1_classify_tag(r, ctx);
}


/*
 * A response for which nothing was done before: most of them pass.  Content
 * that an earlier phase generated (return) is treated as the upstream's.
 */

static ngx_http_schema1_class_e
ngx_http_schema1_classify_new(ngx_http_request_t *r)
{
    schema1_uri_t            uri;
    ngx_http_schema1_ctx_t  *ctx;

    if (r->unparsed_uri.len < 4
        || ngx_memcmp(r->unparsed_uri.data, "/v2/", 4) != 0)
    {
        return NGX_HTTP_SCHEMA1_UNRELATED;
    }

    switch (ngx_http_schema1_ctx_uri(r, &uri)) {

    case SCHEMA1_URI_TAG:
        break;

    case SCHEMA1_URI_DIGEST:
    case SCHEMA1_URI_BLOB:
        return ngx_http_schema1_classify_replaceable(r, &uri);

    default: /* SCHEMA1_URI_OTHER */
        return NGX_HTTP_SCHEMA1_PASS_RESPONSE;
    }

    if (ngx_http_schema1_response_status(r) != NGX_HTTP_OK
        || ngx_http_schema1_client_is_modern(r))
    {
        return NGX_HTTP_SCHEMA1_PASS_TAG;
    }

    ctx = ngx_http_schema1_ctx_create_legacy(r, &uri);
    if (ctx == NULL) {
        return NGX_HTTP_SCHEMA1_NO_MEMORY;
    }

    return ngx_http_schema1_classify_tag(r, ctx);
}


static ngx_http_schema1_class_e
ngx_http_schema1_classify_replaceable(ngx_http_request_t *r,
    schema1_uri_t *uri)
{
    ngx_http_schema1_ctx_t  *ctx;

    if (!ngx_http_schema1_is_replaceable(r, uri)) {
        return NGX_HTTP_SCHEMA1_PASS_RESPONSE;
    }

    ctx = ngx_http_schema1_ctx_create(r, uri);
    if (ctx == NULL) {
        return NGX_HTTP_SCHEMA1_NO_MEMORY;
    }

    if (uri->kind == SCHEMA1_URI_BLOB) {
        ctx->outcome = NGX_HTTP_SCHEMA1_OUTCOME_EMPTY_LAYER;
        return NGX_HTTP_SCHEMA1_HOLD_BACK;
    }

    if (ngx_http_schema1_cache_get_by_digest(r, ctx) == NGX_OK) {
        return NGX_HTTP_SCHEMA1_HOLD_BACK;
    }

    return NGX_HTTP_SCHEMA1_PASS_RESPONSE;
}


/*
 * "The module responds to /v2/<name>/manifests/<that digest> with the converted
 * manifest if the response was a 404 that came from the upstream", if nginx's
 * access phase allowed the request, and likewise for the empty layer, but:
 * "Some registries redirect every blob, whether they have it or not."
 */

static ngx_uint_t
ngx_http_schema1_is_replaceable(ngx_http_request_t *r, schema1_uri_t *uri)
{
    ngx_http_schema1_loc_conf_t  *slcf;

    if (ngx_http_get_module_ctx(r, ngx_http_schema1_module)
        != &ngx_http_schema1_ctx_replaceable
        || r->err_status != 0
        || !ngx_http_schema1_response_from_upstream(r))
    {
        return 0;
    }

    if (uri->kind == SCHEMA1_URI_DIGEST) {
        slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

        return slcf->cache && r->headers_out.status == NGX_HTTP_NOT_FOUND;
    }

    return (r->headers_out.status == NGX_HTTP_NOT_FOUND
            || ngx_http_schema1_response_redirects(r->headers_out.status))
           && schema1_str_eq(uri->reference, SCHEMA1_EMPTY_LAYER_DIGEST);
}


static ngx_http_schema1_class_e
ngx_http_schema1_classify_tag(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ctx->state = NGX_HTTP_SCHEMA1_PASS;

    if (ngx_http_schema1_response_status(r) != NGX_HTTP_OK) {
        return NGX_HTTP_SCHEMA1_PASS_TAG;
    }

    ngx_http_schema1_ctx_decide(ctx, &r->headers_out);

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 classify: type \"%V\" is %d, action %d",
                   &r->headers_out.content_type, (int) ctx->answer.source_type,
                   (int) ctx->action);

    if (!ngx_http_schema1_may_pass(ctx) || ngx_http_schema1_examines(r, ctx)) {
        return NGX_HTTP_SCHEMA1_HOLD_BACK;
    }

    ngx_http_schema1_condition_evaluate(r);

    return NGX_HTTP_SCHEMA1_PASS_TAG;
}


/* whether a document that may pass is buffered to find out its type */

static ngx_uint_t
ngx_http_schema1_examines(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    schema1_type_e  type;

    if (r->headers_out.content_length_n > (off_t) ctx->conf->max_size) {
        return 0;
    }

    if (ctx->action == SCHEMA1_ACTION_SNIFF) {
        return 1;
    }

    type = ctx->answer.source_type;

    if (type == SCHEMA1_TYPE_OTHER
        || schema1_accept_is_modern(&ctx->accept)
        || r->headers_out.content_encoding)
    {
        return 0;
    }

    /*
     * the document may be of another type than its header states, or a list
     * in which the client names no image
     */

    return r->method != NGX_HTTP_HEAD || schema1_media_type_is_list(type);
}


static ngx_int_t
ngx_http_schema1_hold_back(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_http_upstream_t  *u;

    /* nginx would cut the client's range from each slice's subrequest */

    r->headers_in.range = NULL;

    ctx->response.name = "manifest";
    ctx->response.max = ctx->conf->max_size;

    ngx_http_schema1_response_begin(r, &ctx->response);

    /* a response to HEAD has no body to wait for */

    ctx->response.last = (r->method == NGX_HTTP_HEAD);

    /* the copy filter reads it once, with the first buffer */

    r->main_filter_need_in_memory = 1;

    u = r->upstream;

    if (u && u->finalize_request != ngx_http_schema1_upstream_finalized) {
        ctx->upstream_finalize = u->finalize_request;
        u->finalize_request = ngx_http_schema1_upstream_finalized;
    }

    ctx->state = (ctx->uri.kind == SCHEMA1_URI_BLOB)
                 ? NGX_HTTP_SCHEMA1_SEND : NGX_HTTP_SCHEMA1_COLLECT;

    if (ctx->uri.kind == SCHEMA1_URI_TAG) {
        return ngx_http_schema1_hold_back_tag(r, ctx);
    }

    return ngx_http_schema1_process(r, ctx);
}


static ngx_int_t
ngx_http_schema1_hold_back_tag(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    if (ngx_http_schema1_response_header(&ctx->response, &ctx->document,
                                         &ctx->error)
        != NGX_OK)
    {
        return ngx_http_schema1_process_error(r, ctx);
    }

    if (ngx_http_complex_value(r, ctx->conf->platform, &ctx->platform)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* "a cache hit hashes and buffers nothing, and is sent immediately" */

    if (ctx->conf->cache
        && !ngx_http_schema1_may_pass(ctx)
        && ngx_http_schema1_cache_get_by_header(r, ctx, r) == NGX_OK)
    {
        ctx->outcome = NGX_HTTP_SCHEMA1_OUTCOME_HIT;
        ctx->state = NGX_HTTP_SCHEMA1_SEND;
    }

    return ngx_http_schema1_process(r, ctx);
}


/*
 * The upstream of a response whose header is held back has ended.  After some
 * errors nginx sends no buffer, and closes the connection.
 */

static void
ngx_http_schema1_upstream_finalized(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_schema1_ctx_t  *ctx;

    ctx = ngx_http_schema1_ctx_find(r);

    ctx->upstream_finalize(r, rc);

    /* NGX_DONE: the request is being freed; an HTTP/3 stream may be reset */

    if (rc == NGX_OK
        || rc == NGX_DONE
        || rc == NGX_HTTP_CLIENT_CLOSED_REQUEST
        || ctx->state != NGX_HTTP_SCHEMA1_COLLECT)
    {
        return;
    }

    r->keepalive = 0;

    ctx->response.failure = SCHEMA1_TRUNCATED;

    (void) ngx_http_schema1_collect_failed(r, ctx);
}


static ngx_int_t
ngx_http_schema1_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_schema1_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    if (r == r->main && (ctx == NULL || ctx->conf == NULL)) {
        return ngx_http_schema1_next_body_filter(r, in);
    }

    return ngx_http_schema1_body_filter_slow(r, in);
}


static SCHEMA1_COLD ngx_int_t
ngx_http_schema1_body_filter_slow(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t             *cl;
    ngx_http_schema1_ctx_t  *ctx;

    if (r != r->main) {
        return ngx_http_schema1_subrequest_body(r, in);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    switch (ctx->state) {

    case NGX_HTTP_SCHEMA1_START:
    case NGX_HTTP_SCHEMA1_PASS:
        return ngx_http_schema1_next_body_filter(r, in);

    case NGX_HTTP_SCHEMA1_COLLECT:
        return ngx_http_schema1_collect(r, ctx, in);

    default:

        for (cl = in; cl; cl = cl->next) {
            ctx->response.last |= cl->buf->last_buf;
        }

        ngx_http_schema1_response_discard(in);

        if (ctx->error.reason != SCHEMA1_NO_REASON
            || ctx->uri.kind == SCHEMA1_URI_BLOB)
        {
            ngx_http_schema1_response_stop(r);
        }

        return ngx_http_schema1_process(r, ctx);
    }
}


/*
 * "While a response is held back, only the module's own response reaches the
 * client.  The output of other modules' subrequests (slice, echo) does not:
 * its bytes belong to the document."
 */

static ngx_int_t
ngx_http_schema1_subrequest_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t                  rc;
    ngx_http_schema1_ctx_t    *ctx;
    ngx_http_schema1_fetch_t  *fetch;

    fetch = ngx_http_schema1_fetch_get(r);

    if (fetch) {
        return ngx_http_schema1_fetch_body_filter(r, fetch, in);
    }

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_schema1_module);

    if (ctx == NULL || ctx->conf == NULL) {
        return ngx_http_schema1_next_body_filter(r, in);
    }

    rc = NGX_OK;

    switch (ctx->state) {

    case NGX_HTTP_SCHEMA1_START:
    case NGX_HTTP_SCHEMA1_PASS:
        return ngx_http_schema1_next_body_filter(r, in);

    case NGX_HTTP_SCHEMA1_COLLECT:

        if (ngx_http_schema1_response_read(r->main, &ctx->response, in)
            != NGX_OK)
        {
            rc = ngx_http_schema1_process_error(r->main, ctx);

        } else if (ctx->response.overflow) {
            rc = ngx_http_schema1_collect_failed(r->main, ctx);
        }

        break;

    case NGX_HTTP_SCHEMA1_SENT:

        /*
         * what a later filter adds to the module's response is sent, unless it
         * is the rest of the upstream's
         */

        if (ctx->response.last
            || (ctx->error.reason == SCHEMA1_NO_REASON
                && r->uri.data != r->main->uri.data))
        {
            return ngx_http_schema1_next_body_filter(r, in);
        }

        break;

    default:
        break;
    }

    ngx_http_schema1_response_discard(in);

    return rc;
}


static ngx_int_t
ngx_http_schema1_collect(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_int_t  rc;

    rc = ngx_http_schema1_response_read(r, &ctx->response, in);

    rc = (rc == NGX_OK) ? ngx_http_schema1_process(r, ctx)
                        : ngx_http_schema1_process_error(r, ctx);

    if (ctx->response.overflow
        && ctx->state == NGX_HTTP_SCHEMA1_PASS
        && rc != NGX_ERROR)
    {
        /* later filters have no use for buffers that are read already */

        while (ngx_buf_size(in->buf) == 0) {
            in = in->next;
        }

        return ngx_http_schema1_next_body_filter(r, in);
    }

    ngx_http_schema1_response_discard(in);

    return rc;
}


/* the document is truncated or too large */

static ngx_int_t
ngx_http_schema1_collect_failed(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    (void) ngx_http_schema1_response_document(&ctx->response, &ctx->document,
                                              &ctx->error);

    return ngx_http_schema1_process_error(r, ctx);
}
