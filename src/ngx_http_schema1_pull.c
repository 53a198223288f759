
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "ngx_http_schema1_cache.h"
#include "ngx_http_schema1_fetch.h"
#include "ngx_http_schema1_flight.h"
#include "ngx_http_schema1_key.h"
#include "ngx_http_schema1_pull.h"
#include "ngx_http_schema1_send.h"
#include "ngx_http_schema1_work.h"


static ngx_int_t ngx_http_schema1_pull_platform(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static void ngx_http_schema1_pull_tell(ngx_http_schema1_ctx_t *ctx);
static void ngx_http_schema1_pull_give(ngx_http_schema1_ctx_t *ctx);
static void ngx_http_schema1_pull_verify(ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_pull_work(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_work_pt work);
static ngx_int_t ngx_http_schema1_pull_worked(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_pull_told(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_pull_lookup(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_pull_step(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_pull_fetch(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_fetch_e kind,
    schema1_str_t reference);
static ngx_int_t ngx_http_schema1_pull_fetched(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_pull_done(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_pull_hit(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);


ngx_int_t
ngx_http_schema1_pull_head(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    if (ngx_http_schema1_pull_platform(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    /* the upstream has named the document: there may be no need for it */

    if (!ctx->telling
        && ctx->conf->cache
        && ngx_http_schema1_cache_key(r, ctx, &ctx->document.digest) == NGX_OK
        && ngx_http_schema1_cache_get(r, ctx) == NGX_OK)
    {
        return ngx_http_schema1_pull_hit(r, ctx);
    }

    return ngx_http_schema1_pull_fetch(r, ctx, NGX_HTTP_SCHEMA1_FETCH_TAG,
                                       ctx->uri.reference);
}


ngx_int_t
ngx_http_schema1_pull_begin(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    schema1_pull_conf_t  *conf;

    if (ngx_http_schema1_pull_platform(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    conf = &ctx->pull_conf;

    conf->name = ctx->uri.name;
    conf->tag = ctx->uri.reference;
    conf->accept = ctx->accept;
    conf->platform.len = ctx->platform.len;
    conf->platform.data = (char *) ctx->platform.data;
    conf->key = ngx_http_schema1_key(r, ctx->conf);
    conf->now = ngx_time();

    ctx->pull = schema1_pull_new(conf);

    if (ctx->pull == NULL) {
        schema1_error_set(&ctx->error, SCHEMA1_NO_MEMORY,
                          "nginx is out of memory; try again");
        return ngx_http_schema1_pull_fail(r, ctx);
    }

    return ngx_http_schema1_pull_work(r, ctx, ngx_http_schema1_pull_tell);
}


static ngx_int_t
ngx_http_schema1_pull_platform(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    if (ctx->conf->platform == NULL) {
        ngx_str_set(&ctx->platform, NGX_HTTP_SCHEMA1_PLATFORM);
        return NGX_OK;
    }

    return ngx_http_complex_value(r, ctx->conf->platform, &ctx->platform);
}


/* these may run in a thread: the pull, document, step, error are theirs */

static void
ngx_http_schema1_pull_tell(ngx_http_schema1_ctx_t *ctx)
{
    ctx->step = schema1_pull_tell(ctx->pull, &ctx->document, &ctx->error);
}


static void
ngx_http_schema1_pull_give(ngx_http_schema1_ctx_t *ctx)
{
    ctx->step = schema1_pull_give(ctx->pull, &ctx->document, &ctx->error);
}


static void
ngx_http_schema1_pull_verify(ngx_http_schema1_ctx_t *ctx)
{
    schema1_str_t  digest;

    digest.len = ctx->answer.source_digest.len;
    digest.data = (char *) ctx->answer.source_digest.data;

    ctx->step = SCHEMA1_STEP_DONE;

    if (schema1_digest_verify(digest, ctx->document.body, "source",
                              &ctx->error)
        != SCHEMA1_OK)
    {
        ctx->step = SCHEMA1_STEP_ERROR;
    }
}


static ngx_int_t
ngx_http_schema1_pull_work(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_http_schema1_work_pt work)
{
    ngx_int_t  rc;

    ctx->work = work;

    rc = ngx_http_schema1_work(r, ctx);

    if (rc == NGX_AGAIN) {
        ctx->phase = NGX_HTTP_SCHEMA1_WORKING;
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        schema1_error_set(&ctx->error, SCHEMA1_NO_MEMORY,
                          "nginx is out of memory; try again");
        return ngx_http_schema1_pull_fail(r, ctx);
    }

    return ngx_http_schema1_pull_worked(r, ctx);
}


static ngx_int_t
ngx_http_schema1_pull_worked(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 step: %d", (int) ctx->step);

    if (ctx->work == ngx_http_schema1_pull_tell) {
        return ngx_http_schema1_pull_told(r, ctx);
    }

    if (ctx->work == ngx_http_schema1_pull_verify) {

        if (ctx->step == SCHEMA1_STEP_DONE) {
            ctx->outcome = NGX_HTTP_SCHEMA1_DIGEST;
            return ngx_http_schema1_send_answer(r, ctx);
        }

        return ngx_http_schema1_pull_fail(r, ctx);
    }

    return ngx_http_schema1_pull_step(r, ctx);
}


ngx_int_t
ngx_http_schema1_pull_continue(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    if (r->connection->error) {
        return NGX_ERROR;
    }

    switch (ctx->phase) {

    case NGX_HTTP_SCHEMA1_FETCHING:
        return ngx_http_schema1_pull_fetched(r, ctx);

    case NGX_HTTP_SCHEMA1_WORKING:

        if (!ctx->worked) {
            ngx_http_schema1_park(r, ctx);
            return NGX_OK;
        }

        ngx_http_schema1_unpark(r, ctx);

        return ngx_http_schema1_pull_worked(r, ctx);

    default: /* NGX_HTTP_SCHEMA1_WAITING */

        if (ctx->flight.waiting) {
            ngx_http_schema1_park(r, ctx);
            return NGX_OK;
        }

        ngx_http_schema1_unpark(r, ctx);

        return ngx_http_schema1_pull_lookup(r, ctx);
    }
}


static ngx_int_t
ngx_http_schema1_pull_told(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    const char     *digest;
    schema1_str_t   source;

    digest = schema1_pull_source_digest(ctx->pull);

    ctx->answer.source_type = schema1_pull_source_type(ctx->pull);
    ctx->answer.source_digest.data = (u_char *) digest;
    ctx->answer.source_digest.len = ngx_strlen(digest);

    if (ctx->step == SCHEMA1_STEP_AS_IS) {
        return ngx_http_schema1_send_held(r, ctx, NULL);
    }

    if (ctx->step != SCHEMA1_STEP_READ) {
        return ngx_http_schema1_pull_fail(r, ctx);
    }

    if (ctx->conf->cache == NULL) {
        return ngx_http_schema1_pull_work(r, ctx, ngx_http_schema1_pull_give);
    }

    source.data = digest;
    source.len = ctx->answer.source_digest.len;

    if (ngx_http_schema1_cache_key(r, ctx, &source) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_schema1_pull_lookup(r, ctx);
}


static ngx_int_t
ngx_http_schema1_pull_lookup(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    if (ngx_http_schema1_cache_get(r, ctx) == NGX_OK) {
        return ngx_http_schema1_pull_hit(r, ctx);
    }

    if (ngx_http_schema1_flight_join(r, ctx) == NGX_AGAIN) {
        ctx->phase = NGX_HTTP_SCHEMA1_WAITING;
        ngx_http_schema1_park(r, ctx);

        return NGX_OK;
    }

    return ngx_http_schema1_pull_work(r, ctx, ngx_http_schema1_pull_give);
}


static ngx_int_t
ngx_http_schema1_pull_step(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    const schema1_want_t  *want;

    switch (ctx->step) {

    case SCHEMA1_STEP_FETCH:
        want = schema1_pull_wanted(ctx->pull);

        return ngx_http_schema1_pull_fetch(r, ctx,
                                           want->blob
                                           ? NGX_HTTP_SCHEMA1_FETCH_CONFIG
                                           : NGX_HTTP_SCHEMA1_FETCH_MANIFEST,
                                           want->digest);

    case SCHEMA1_STEP_DONE:
        return ngx_http_schema1_pull_done(r, ctx);

    default: /* SCHEMA1_STEP_ERROR */
        return ngx_http_schema1_pull_fail(r, ctx);
    }
}


static ngx_int_t
ngx_http_schema1_pull_fetch(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_http_schema1_fetch_e kind, schema1_str_t reference)
{
    ngx_str_t  value;

    ctx->phase = NGX_HTTP_SCHEMA1_FETCHING;

    /* what the core lends is its own until it is called again */

    value.len = reference.len;
    value.data = ngx_pnalloc(r->pool, reference.len);

    if (value.data) {
        ngx_memcpy(value.data, reference.data, reference.len);

        if (ngx_http_schema1_fetch(r, ctx, kind, &value) == NGX_OK) {
            ngx_http_schema1_park(r, ctx);
            return NGX_OK;
        }
    }

    schema1_error_set(&ctx->error, SCHEMA1_NO_MEMORY, "nginx could not start "
                      "a further request; its error log says why");

    return ngx_http_schema1_pull_fail(r, ctx);
}


static ngx_int_t
ngx_http_schema1_pull_fetched(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_schema1_fetch_result(r, ctx);

    if (rc == NGX_AGAIN) {
        ngx_http_schema1_park(r, ctx);
        return NGX_OK;
    }

    ngx_http_schema1_unpark(r, ctx);

    if (rc != NGX_OK) {

        if (ctx->fetch->kind == NGX_HTTP_SCHEMA1_FETCH_TAG
            && ctx->telling
            && ctx->error.reason == SCHEMA1_TOO_LARGE)
        {
            /* a HEAD of what a GET would pass: too large to be told */

            ctx->error.reason = SCHEMA1_NO_REASON;

            return ngx_http_schema1_send_held(r, ctx, NULL);
        }

        return ngx_http_schema1_pull_fail(r, ctx);
    }

    switch (ctx->fetch->kind) {

    case NGX_HTTP_SCHEMA1_FETCH_TAG:
        return ngx_http_schema1_pull_begin(r, ctx);

    case NGX_HTTP_SCHEMA1_FETCH_SOURCE:
        return ngx_http_schema1_pull_work(r, ctx,
                                          ngx_http_schema1_pull_verify);

    default:
        return ngx_http_schema1_pull_work(r, ctx, ngx_http_schema1_pull_give);
    }
}


static ngx_int_t
ngx_http_schema1_pull_done(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_http_schema1_answer_t  *answer;
    const schema1_answer_t     *made;

    made = schema1_pull_answer(ctx->pull);
    answer = &ctx->answer;

    answer->body.len = made->body.len;
    answer->body.data = (u_char *) made->body.data;
    answer->digest.len = ngx_strlen(made->digest);
    answer->digest.data = (u_char *) made->digest;
    answer->type = made->type;
    answer->entries = made->entries;
    answer->made = made->made;

    ctx->outcome = made->made ? NGX_HTTP_SCHEMA1_CONVERTED
                              : NGX_HTTP_SCHEMA1_CHILD;

    if (made->made
        && ctx->fetch
        && ctx->fetch->kind == NGX_HTTP_SCHEMA1_FETCH_CONFIG)
    {
        /* large or not: nobody needs the config while a client reads slowly */

        ngx_pfree(r->pool, ctx->fetch->body.data);
        ctx->fetch->body.data = NULL;
    }

    if (ctx->conf->cache) {
        ngx_http_schema1_cache_put(r, ctx);
        ngx_http_schema1_flight_leave(ctx);
    }

    return ngx_http_schema1_send_answer(r, ctx);
}


static ngx_int_t
ngx_http_schema1_pull_hit(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ctx->outcome = NGX_HTTP_SCHEMA1_HIT;

    return ngx_http_schema1_send_answer(r, ctx);
}


ngx_int_t
ngx_http_schema1_pull_digest(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    schema1_str_t  source;

    source.len = ctx->answer.source_digest.len;
    source.data = (char *) ctx->answer.source_digest.data;

    return ngx_http_schema1_pull_fetch(r, ctx, NGX_HTTP_SCHEMA1_FETCH_SOURCE,
                                       source);
}


ngx_int_t
ngx_http_schema1_pull_fail(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t  rc;

    ngx_http_schema1_flight_leave(ctx);

    if (ctx->by_digest) {

        /* whatever kept the source from us, the upstream's 404 stands */

        ctx->error.reason = SCHEMA1_NO_REASON;

        return ngx_http_schema1_send_held(r, ctx, NULL);
    }

    rc = ngx_http_schema1_send_error(r, ctx);

    /* an upstream that goes on sending would hold up the connection */

    ngx_http_schema1_body_stop(r);

    return rc;
}
