
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "ngx_http_schema1.h"
#include "core/schema1_convert.h"
#include "ngx_http_schema1_cache.h"
#include "ngx_http_schema1_fetch.h"
#include "ngx_http_schema1_filter.h"
#include "ngx_http_schema1_headers.h"
#include "ngx_http_schema1_pull.h"
#include "ngx_http_schema1_request.h"
#include "ngx_http_schema1_send.h"


static ngx_int_t ngx_http_schema1_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_own_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_unasked_header(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t **pctx);
static ngx_int_t ngx_http_schema1_modern_header(ngx_http_request_t *r);
static inline ngx_uint_t ngx_http_schema1_answer_status(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_unknown_digest(ngx_http_request_t *r,
    schema1_uri_t *uri, ngx_http_schema1_ctx_t **pctx);
static ngx_int_t ngx_http_schema1_decide(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_hold(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_phase_e phase);
static ngx_int_t ngx_http_schema1_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_schema1_own_body(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_schema1_collect(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_chain_t *in);
static void ngx_http_schema1_document(ngx_http_request_t *r,
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

    if (ngx_http_schema1_request_modern(r)) {

        if (ngx_http_schema1_modern_header(r) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_schema1_next_header_filter(r);
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

    if (r == r->main
        && !slcf->enable
        && !ngx_http_schema1_request_known(r))
    {
        return ngx_http_schema1_next_header_filter(r);
    }

    return ngx_http_schema1_own_header(r);
}


static SCHEMA1_APART ngx_int_t
ngx_http_schema1_own_header(ngx_http_request_t *r)
{
    ngx_http_schema1_ctx_t       *ctx;
    ngx_http_schema1_fetch_t     *fetch;
    ngx_http_schema1_loc_conf_t  *slcf;

    if (r != r->main) {
        fetch = ngx_http_schema1_fetch_get(r);

        if (fetch) {
            return ngx_http_schema1_fetch_header_filter(r, fetch);
        }

        return ngx_http_schema1_next_header_filter(r);
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

    ctx = ngx_http_schema1_request_ctx(r);

    if (ctx) {
        ngx_http_schema1_headers_restore(r, ctx);
    }

    if (!slcf->enable) {

        if (ctx) {
            ctx->phase = NGX_HTTP_SCHEMA1_PASSING;
        }

        return ngx_http_schema1_next_header_filter(r);
    }

    if (ctx == NULL
        && ngx_http_schema1_unasked_header(r, &ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx == NULL || ctx->phase == NGX_HTTP_SCHEMA1_ANSWERED) {
        return ngx_http_schema1_next_header_filter(r);
    }

    if (ctx->phase == NGX_HTTP_SCHEMA1_EMPTYING) {
        return ngx_http_schema1_send_empty_header(r, ctx);
    }

    if (ctx->by_digest) {
        return ngx_http_schema1_hold(r, ctx, NGX_HTTP_SCHEMA1_HOLDING);
    }

    return ngx_http_schema1_decide(r, ctx);
}


/*
 * An answer for which nothing was done before: most of them pass.  Content
 * that an earlier phase made (return) is looked at as if it had come from
 * upstream.
 */

static ngx_int_t
ngx_http_schema1_unasked_header(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t **pctx)
{
    ngx_uint_t                    status, not_found;
    schema1_uri_t                 uri;
    schema1_uri_e                 kind;
    ngx_http_schema1_loc_conf_t  *slcf;

    if (r->unparsed_uri.len < 4
        || ngx_memcmp(r->unparsed_uri.data, "/v2/", 4) != 0)
    {
        return NGX_OK;
    }

    status = ngx_http_schema1_answer_status(r);
    not_found = ngx_http_schema1_request_not_found(r);
    kind = ngx_http_schema1_request_uri(r, &uri);

    if (kind == SCHEMA1_URI_TAG
        && status == NGX_HTTP_OK
        && !ngx_http_schema1_headers_modern(r))
    {
        *pctx = ngx_http_schema1_request_old(r, &uri);

        return *pctx ? NGX_OK : NGX_ERROR;
    }

    if (kind == SCHEMA1_URI_BLOB
        && not_found
        && schema1_str_eq(uri.reference, SCHEMA1_EMPTY_LAYER_DIGEST))
    {
        *pctx = ngx_http_schema1_request_create(r, &uri);
        if (*pctx == NULL) {
            return NGX_ERROR;
        }

        (*pctx)->phase = NGX_HTTP_SCHEMA1_EMPTYING;
        (*pctx)->outcome = NGX_HTTP_SCHEMA1_EMPTY_LAYER;
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

    if (kind == SCHEMA1_URI_DIGEST
        && not_found
        && slcf->cache)
    {
        return ngx_http_schema1_unknown_digest(r, &uri, pctx);
    }

    if (kind == SCHEMA1_URI_TAG) {
        return ngx_http_schema1_modern_header(r);
    }

    return ngx_http_schema1_headers_complete(r, NULL);
}


/* the answer to a request by tag that passes */

static ngx_int_t
ngx_http_schema1_modern_header(ngx_http_request_t *r)
{
    ngx_uint_t                    status;
    ngx_http_schema1_loc_conf_t  *slcf;

    status = ngx_http_schema1_answer_status(r);

    if (status != NGX_HTTP_OK && status != NGX_HTTP_NOT_MODIFIED) {
        return ngx_http_schema1_headers_complete(r, NULL);
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

    return ngx_http_schema1_headers_complete(r, slcf);
}


/* an error_page keeps the status of the error here */

static inline ngx_uint_t
ngx_http_schema1_answer_status(ngx_http_request_t *r)
{
    return r->err_status ? r->err_status : r->headers_out.status;
}


/*
 * The registry does not know a digest.  Where it is that of a manifest made
 * here, and this client can see what it was made of, it gets it.
 */

static ngx_int_t
ngx_http_schema1_unknown_digest(ngx_http_request_t *r, schema1_uri_t *uri,
    ngx_http_schema1_ctx_t **pctx)
{
    ngx_http_schema1_ctx_t  *ctx;

    ctx = ngx_http_schema1_request_create(r, uri);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_schema1_cache_find(r, ctx) == NGX_OK) {
        ctx->by_digest = 1;
        *pctx = ctx;

        return NGX_OK;
    }

    ctx->phase = NGX_HTTP_SCHEMA1_PASSING;

    return ngx_http_schema1_headers_complete(r, NULL);
}


/* what to do with the upstream's answer to the client's own request */

static ngx_int_t
ngx_http_schema1_decide(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_uint_t        status;
    schema1_str_t     value;
    schema1_action_e  action;

    status = ngx_http_schema1_answer_status(r);

    if (status != NGX_HTTP_OK) {
        ctx->phase = NGX_HTTP_SCHEMA1_PASSING;

        if (ngx_http_schema1_headers_complete(r,
                         status == NGX_HTTP_NOT_MODIFIED ? ctx->conf : NULL)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_schema1_next_header_filter(r);
    }

    value.len = r->headers_out.content_type.len;
    value.data = (char *) r->headers_out.content_type.data;

    ctx->answer.source_type = schema1_media_type(value);
    action = schema1_accept_decide(&ctx->accept, ctx->answer.source_type,
                                   false);

    ctx->telling = (action == SCHEMA1_ACTION_TELL);

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 decide: type \"%V\" is %d, action %d",
                   &r->headers_out.content_type, (int) ctx->answer.source_type,
                   (int) action);

    if (action == SCHEMA1_ACTION_AS_IS
        || (ctx->telling
            && r->headers_out.content_length_n > (off_t) ctx->conf->max_size))
    {
        ctx->phase = NGX_HTTP_SCHEMA1_PASSING;
        return ngx_http_schema1_send_header(r, ctx);
    }

    if (ngx_http_schema1_headers_encoded(r)) {
        schema1_error_set(&ctx->error, SCHEMA1_ENCODED, "the manifest came "
                          "compressed though nobody asked for that; have the "
                          "registry send it as it is");

        return ngx_http_schema1_hold(r, ctx, NGX_HTTP_SCHEMA1_FAILED);
    }

    if (r->headers_out.content_length_n > (off_t) ctx->conf->max_size) {
        schema1_error_set(&ctx->error, SCHEMA1_TOO_LARGE, "the manifest of "
                          "%lu bytes is larger than %lu; "
                          "schema_conversion_max_size sets the limit",
                          (unsigned long) r->headers_out.content_length_n,
                          (unsigned long) ctx->conf->max_size);

        return ngx_http_schema1_hold(r, ctx, NGX_HTTP_SCHEMA1_FAILED);
    }

    return ngx_http_schema1_hold(r, ctx, NGX_HTTP_SCHEMA1_HOLDING);
}


static ngx_int_t
ngx_http_schema1_hold(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_http_schema1_phase_e phase)
{
    ngx_http_schema1_body_init(&ctx->body, ctx->conf->max_size,
                               r->headers_out.content_length_n);

    /* the copy filter looks at these once, with the first buffer */

    r->main_filter_need_in_memory = 1;
    r->filter_need_in_memory = 1;

    ctx->phase = phase;

    return NGX_OK;
}


static ngx_int_t
ngx_http_schema1_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_schema1_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    if (r == r->main
        && (ctx == NULL
            || ctx == &ngx_http_schema1_modern
            || ctx == &ngx_http_schema1_replaceable))
    {
        return ngx_http_schema1_next_body_filter(r, in);
    }

    return ngx_http_schema1_own_body(r, in);
}


static SCHEMA1_APART ngx_int_t
ngx_http_schema1_own_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t                  rc;
    ngx_http_schema1_ctx_t    *ctx;
    ngx_http_schema1_fetch_t  *fetch;

    if (r != r->main) {
        fetch = ngx_http_schema1_fetch_get(r);

        if (fetch) {
            return ngx_http_schema1_fetch_body_filter(r, fetch, in);
        }

        return ngx_http_schema1_next_body_filter(r, in);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    switch (ctx->phase) {

    case NGX_HTTP_SCHEMA1_HOLDING:
        return ngx_http_schema1_collect(r, ctx, in);

    case NGX_HTTP_SCHEMA1_FETCHING:
    case NGX_HTTP_SCHEMA1_WORKING:
    case NGX_HTTP_SCHEMA1_WAITING:
        ngx_http_schema1_body_discard(in);
        return ngx_http_schema1_pull_continue(r, ctx);

    case NGX_HTTP_SCHEMA1_FAILED:
        ngx_http_schema1_body_discard(in);
        return ngx_http_schema1_pull_fail(r, ctx);

    case NGX_HTTP_SCHEMA1_EMPTYING:
        if (in == NULL) {
            return NGX_OK;
        }

        ngx_http_schema1_body_discard(in);

        rc = ngx_http_schema1_send_empty_body(r, ctx);
        ngx_http_schema1_body_stop(r);

        return rc;

    case NGX_HTTP_SCHEMA1_ANSWERED:
        ngx_http_schema1_body_discard(in);
        return ngx_http_schema1_send_rest(r, ctx);

    default: /* NGX_HTTP_SCHEMA1_ASKED, NGX_HTTP_SCHEMA1_PASSING */
        return ngx_http_schema1_next_body_filter(r, in);
    }
}


static ngx_int_t
ngx_http_schema1_collect(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_http_schema1_body_t  *body;

    body = &ctx->body;

    if (ngx_http_schema1_body_read(r, body, in) != NGX_OK) {
        schema1_error_set(&ctx->error, SCHEMA1_NO_MEMORY,
                          "nginx is out of memory; try again");

    } else if (body->overflow && (ctx->telling || ctx->by_digest)) {

        /* what was taken over whole is of no more use to the filters */

        while (ngx_buf_size(in->buf) == 0) {
            in = in->next;
        }

        return ngx_http_schema1_send_held(r, ctx, in);

    } else if (body->overflow) {
        schema1_error_set(&ctx->error, SCHEMA1_TOO_LARGE, "the manifest is "
                          "larger than %lu bytes; schema_conversion_max_size "
                          "sets the limit", (unsigned long) body->max);

    } else if (ngx_http_schema1_body_broken(r, in)) {
        schema1_error_set(&ctx->error, SCHEMA1_TRUNCATED, "the manifest was "
                          "cut off after %lu bytes; try again later",
                          (unsigned long) body->len);

    } else if (!body->last) {
        return NGX_OK;

    } else if (ctx->by_digest) {
        return ngx_http_schema1_pull_digest(r, ctx);

    } else if (r->method == NGX_HTTP_HEAD) {

        /* a HEAD has no body to convert */

        ngx_http_schema1_document(r, ctx);

        return ngx_http_schema1_pull_head(r, ctx);

    } else if (!ngx_http_schema1_body_complete(body)) {
        schema1_error_set(&ctx->error, SCHEMA1_TRUNCATED, "the manifest has "
                          "%lu bytes, %ld were announced; try again later",
                          (unsigned long) body->len, (long) body->expected);

    } else {
        ngx_http_schema1_document(r, ctx);
        return ngx_http_schema1_pull_begin(r, ctx);
    }

    ngx_http_schema1_body_discard(in);

    return ngx_http_schema1_pull_fail(r, ctx);
}


/* what was collected, as the core wants it */

static void
ngx_http_schema1_document(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_table_elt_t     *h;
    schema1_document_t  *document;

    document = &ctx->document;

    document->body.data = (char *) ctx->body.data;
    document->body.len = ctx->body.len;
    document->type.data = (char *) r->headers_out.content_type.data;
    document->type.len = r->headers_out.content_type.len;

    h = ngx_http_schema1_headers_find(&r->headers_out.headers,
                                      "Docker-Content-Digest", 21);
    if (h) {
        document->digest.data = (char *) h->value.data;
        document->digest.len = h->value.len;
    }
}
