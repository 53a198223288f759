
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_cache.h"
#include "ngx_http_schema1_cache_lock.h"
#include "ngx_http_schema1_fetch.h"
#include "ngx_http_schema1_key.h"
#include "ngx_http_schema1_process.h"
#include "ngx_http_schema1_response.h"
#include "ngx_http_schema1_send.h"
#include "ngx_http_schema1_task.h"


/*
 * Does what a state requires.  NGX_DECLINED: continue with ctx->state.
 * NGX_AGAIN: wait.  Any other value ends the loop.
 */

typedef ngx_int_t (*ngx_http_schema1_process_pt)(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);


static void ngx_http_schema1_process_suspend(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static void ngx_http_schema1_process_disarm(ngx_event_t *ev);
static void ngx_http_schema1_process_resume(ngx_event_t *ev);
static ngx_int_t ngx_http_schema1_process_collect(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_process_sniff(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_process_pull_create(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_process_lookup(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_process_convert(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_process_converted(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_process_subrequest(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_fetch_e kind,
    schema1_str_t reference);
static ngx_int_t ngx_http_schema1_process_fetch(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_process_verify(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_process_send(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_process_fail(ngx_http_schema1_ctx_t *ctx);


/* by ngx_http_schema1_state_e; the filters handle the others */

static ngx_http_schema1_process_pt
    ngx_http_schema1_process_states[NGX_HTTP_SCHEMA1_STATES] =
{
    NULL,                                  /* START */
    ngx_http_schema1_process_collect,      /* COLLECT */
    ngx_http_schema1_process_sniff,        /* SNIFF */
    ngx_http_schema1_process_lookup,       /* LOOKUP */
    ngx_http_schema1_process_fetch,        /* FETCH */
    ngx_http_schema1_process_convert,      /* CONVERT */
    ngx_http_schema1_process_verify,       /* VERIFY */
    ngx_http_schema1_process_send,         /* SEND */
    ngx_http_schema1_send_continue,        /* SENT */
    ngx_http_schema1_send_passthrough      /* PASS */
};


ngx_int_t
ngx_http_schema1_process(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (r->connection->error) {
        return NGX_ERROR;
    }

    r->buffered &= ~NGX_HTTP_SCHEMA1_BUFFERED;

    if (ctx->wake.posted) {
        ngx_delete_posted_event(&ctx->wake);
    }

    /* what it waited for came in the same turn: send_timeout may be needed */

    if (ctx->disarm.posted) {
        ngx_delete_posted_event(&ctx->disarm);
    }

    ctx->wake.handler = ngx_http_schema1_process_resume;
    ctx->wake.data = r;
    ctx->wake.log = r->connection->log;

    do {
        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                       "schema1 state: %d", (int) ctx->state);

        rc = ngx_http_schema1_process_states[ctx->state](r, ctx);

    } while (rc == NGX_DECLINED);

    if (rc == NGX_AGAIN) {
        ngx_http_schema1_process_suspend(r, ctx);
        return NGX_OK;
    }

    return rc;
}


ngx_int_t
ngx_http_schema1_process_error(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    (void) ngx_http_schema1_process_fail(ctx);

    return ngx_http_schema1_process(r, ctx);
}


/*
 * nginx must keep a request that waits, and must not close it as if the client
 * were slow to read.  It arms send_timeout after the filters have returned, so
 * the timer is removed by an event of its own.
 */

static void
ngx_http_schema1_process_suspend(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_event_t               *wev;
    ngx_http_core_loc_conf_t  *clcf;

    r->buffered |= NGX_HTTP_SCHEMA1_BUFFERED;

    if (ctx->state != NGX_HTTP_SCHEMA1_SENT) {
        ctx->disarm.handler = ngx_http_schema1_process_disarm;
        ctx->disarm.data = r;
        ctx->disarm.log = r->connection->log;

        ngx_post_event(&ctx->disarm, &ngx_posted_events);
        return;
    }

    /* but a client has to read what is sent */

    wev = r->connection->write;

    if (!wev->timer_set && !wev->delayed) {
        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
        ngx_add_timer(wev, clcf->send_timeout);
    }
}


static void
ngx_http_schema1_process_disarm(ngx_event_t *ev)
{
    ngx_event_t         *wev;
    ngx_http_request_t  *r;

    r = ev->data;
    wev = r->connection->write;

    if (wev->delayed) {
        return;
    }

    if (wev->timer_set) {
        ngx_del_timer(wev);
    }

    wev->timedout = 0;
}


/* not through the filters: one in front of this one may drop the call */

static void
ngx_http_schema1_process_resume(ngx_event_t *ev)
{
    ngx_int_t                rc;
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_schema1_ctx_t  *ctx;

    r = ev->data;
    c = r->connection;

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    ngx_http_set_log_request(c->log, r);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "schema1 resume: \"%V\"", &r->uri);

    if (c->error) {

        /* the request may be terminated already, and wait for a thread */

        r->write_event_handler(r);

        ngx_http_run_posted_requests(c);
        return;
    }

    rc = ngx_http_schema1_process(r, ctx);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        ngx_http_finalize_request(r, rc);

    } else if (!(r->buffered & NGX_HTTP_SCHEMA1_BUFFERED)) {
        r->write_event_handler(r);
    }

    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_schema1_process_collect(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    if (ctx->response.overflow
        && (ctx->uri.kind == SCHEMA1_URI_DIGEST
            || ngx_http_schema1_may_pass(ctx)))
    {
        ctx->state = NGX_HTTP_SCHEMA1_PASS;
        return NGX_DECLINED;
    }

    if (!ctx->response.last && !ctx->response.overflow) {

        /* not suspended: the upstream sends more */

        return NGX_OK;
    }

    if (ctx->uri.kind == SCHEMA1_URI_DIGEST) {
        return ngx_http_schema1_process_subrequest(r, ctx,
                                                NGX_HTTP_SCHEMA1_FETCH_SOURCE,
                                                ctx->answer.source_digest);
    }

    if (r->method == NGX_HTTP_HEAD) {

        /* its response has no document */

        return ngx_http_schema1_process_subrequest(r, ctx,
                                                   NGX_HTTP_SCHEMA1_FETCH_TAG,
                                                   ctx->uri.reference);
    }

    if (ngx_http_schema1_response_document(&ctx->response, &ctx->document,
                                           &ctx->error)
        != NGX_OK)
    {
        return ngx_http_schema1_process_fail(ctx);
    }

    ctx->state = NGX_HTTP_SCHEMA1_SNIFF;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_schema1_process_sniff(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    if (ctx->pull == NULL
        && ngx_http_schema1_process_pull_create(r, ctx) != NGX_OK)
    {
        return ngx_http_schema1_process_fail(ctx);
    }

    if (ngx_http_schema1_task(r, ctx) == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    ctx->answer = *schema1_pull_answer(ctx->pull);

    switch (ctx->step) {

    case SCHEMA1_PULL_PASS:
        ctx->state = NGX_HTTP_SCHEMA1_PASS;
        return NGX_DECLINED;

    case SCHEMA1_PULL_NEED_LOOKUP:
        ctx->state = ctx->conf->cache ? NGX_HTTP_SCHEMA1_LOOKUP
                                      : NGX_HTTP_SCHEMA1_CONVERT;
        return NGX_DECLINED;

    default: /* SCHEMA1_PULL_ERROR */
        return ngx_http_schema1_process_fail(ctx);
    }
}


static ngx_int_t
ngx_http_schema1_process_pull_create(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    schema1_pull_conf_t  conf;

    conf.name = ctx->uri.name;
    conf.tag = ctx->uri.reference;
    conf.accept = ctx->accept;
    conf.platform = ngx_http_schema1_core_str(&ctx->platform);
    conf.client_platform = ngx_http_schema1_platform_varies(ctx->conf);
    conf.key = ngx_http_schema1_key(ctx->conf);
    conf.now = ngx_time();
    conf.max_size = ctx->conf->max_size;

    ctx->pull = schema1_pull_new(&conf);

    return (ctx->pull == NULL) ? NGX_ERROR : NGX_OK;
}


/*
 * "Within a worker, requests with the same key wait, for at most 5 seconds,
 * for the request that performs the conversion."
 */

static ngx_int_t
ngx_http_schema1_process_lookup(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_schema1_cache_get(r, ctx);

    if (rc == NGX_ERROR) {
        return ngx_http_schema1_process_fail(ctx);
    }

    if (rc == NGX_OK) {
        ngx_http_schema1_cache_unlock(ctx);

        ctx->outcome = NGX_HTTP_SCHEMA1_OUTCOME_HIT;
        ctx->state = NGX_HTTP_SCHEMA1_SEND;
        return NGX_DECLINED;
    }

    if (ngx_http_schema1_cache_lock(r, ctx) == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    ctx->state = NGX_HTTP_SCHEMA1_CONVERT;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_schema1_process_convert(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    const schema1_pull_request_t  *want;

    if (ngx_http_schema1_task(r, ctx) == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    switch (ctx->step) {

    case SCHEMA1_PULL_NEED_FETCH:
        want = schema1_pull_request(ctx->pull);

        return ngx_http_schema1_process_subrequest(r, ctx,
                                          want->blob
                                          ? NGX_HTTP_SCHEMA1_FETCH_CONFIG
                                          : NGX_HTTP_SCHEMA1_FETCH_MANIFEST,
                                          want->digest);

    case SCHEMA1_PULL_DONE:
        return ngx_http_schema1_process_converted(r, ctx);

    default: /* SCHEMA1_PULL_ERROR */
        return ngx_http_schema1_process_fail(ctx);
    }
}


static ngx_int_t
ngx_http_schema1_process_converted(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ctx->answer = *schema1_pull_answer(ctx->pull);

    ctx->outcome = ctx->answer.converted ? NGX_HTTP_SCHEMA1_OUTCOME_CONVERTED
                                         : NGX_HTTP_SCHEMA1_OUTCOME_CHILD;

    if (ctx->answer.converted
        && ctx->fetch
        && ctx->fetch->kind == NGX_HTTP_SCHEMA1_FETCH_CONFIG)
    {
        /* a config may be large, and the client may read slowly */

        ngx_pfree(r->pool, ctx->fetch->response.data);
    }

    if (ctx->conf->cache) {
        ngx_http_schema1_cache_put(r, ctx);
        ngx_http_schema1_cache_unlock(ctx);
    }

    ctx->state = NGX_HTTP_SCHEMA1_SEND;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_schema1_process_subrequest(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_fetch_e kind,
    schema1_str_t reference)
{
    ctx->state = NGX_HTTP_SCHEMA1_FETCH;

    if (ngx_http_schema1_fetch(r, ctx, kind, reference) == NGX_OK) {
        return NGX_AGAIN;
    }

    if (r->connection->data != r) {

        /* the output of a subrequest that does not run would be waited for */

        return NGX_ERROR;
    }

    return ngx_http_schema1_process_fail(ctx);
}


static ngx_int_t
ngx_http_schema1_process_fetch(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_schema1_fetch_result(r, ctx);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc != NGX_OK) {

        if (ctx->fetch->kind == NGX_HTTP_SCHEMA1_FETCH_TAG
            && ctx->error.reason == SCHEMA1_TOO_LARGE
            && ngx_http_schema1_may_pass(ctx))
        {
            /* a GET passes: the manifest is too large to sniff */

            ctx->error.reason = SCHEMA1_NO_REASON;
            ctx->state = NGX_HTTP_SCHEMA1_PASS;

            return NGX_DECLINED;
        }

        return ngx_http_schema1_process_fail(ctx);
    }

    switch (ctx->fetch->kind) {

    case NGX_HTTP_SCHEMA1_FETCH_TAG:
        ctx->state = NGX_HTTP_SCHEMA1_SNIFF;
        break;

    case NGX_HTTP_SCHEMA1_FETCH_SOURCE:
        ctx->state = NGX_HTTP_SCHEMA1_VERIFY;
        break;

    default:
        ctx->state = NGX_HTTP_SCHEMA1_CONVERT;
    }

    return NGX_DECLINED;
}


/*
 * "The module has fetched the source (the tag's own document) again, by the
 * source's own digest and with this client's credentials, and the source
 * matches that digest."
 */

static ngx_int_t
ngx_http_schema1_process_verify(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    if (ngx_http_schema1_task(r, ctx) == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (ctx->step != SCHEMA1_PULL_DONE) {
        return ngx_http_schema1_process_fail(ctx);
    }

    ctx->outcome = NGX_HTTP_SCHEMA1_OUTCOME_DIGEST;
    ctx->state = NGX_HTTP_SCHEMA1_SEND;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_schema1_process_send(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t  rc;

    ctx->state = NGX_HTTP_SCHEMA1_SENT;

    if (ctx->error.reason == SCHEMA1_NO_REASON) {
        return (ctx->uri.kind == SCHEMA1_URI_BLOB)
               ? ngx_http_schema1_send_empty_layer(r, ctx)
               : ngx_http_schema1_send_converted(r, ctx);
    }

    rc = ngx_http_schema1_send_error(r, ctx);

    /* an upstream that sends more would delay the connection */

    ngx_http_schema1_response_stop(r);

    return rc;
}


static ngx_int_t
ngx_http_schema1_process_fail(ngx_http_schema1_ctx_t *ctx)
{
    if (ctx->uri.kind == SCHEMA1_URI_DIGEST) {
        ctx->error.reason = SCHEMA1_NO_REASON;

        /*
         * "Any of them that still exists is sufficient.  In all other cases
         * the 404 is forwarded."
         */

        ctx->state = (ctx->fetch
                      && ngx_http_schema1_cache_next_source(ctx) == NGX_OK)
                     ? NGX_HTTP_SCHEMA1_COLLECT : NGX_HTTP_SCHEMA1_PASS;

        return NGX_DECLINED;
    }

    if (ctx->error.reason == SCHEMA1_NO_REASON) {
        schema1_error_set(&ctx->error, SCHEMA1_NO_MEMORY, "nginx is out of "
                          "memory or cannot start a subrequest; its error log "
                          "has the cause");
    }

    ctx->state = NGX_HTTP_SCHEMA1_SEND;

    return NGX_DECLINED;
}
