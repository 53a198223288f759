
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_task.h"


/* a shutting down worker exits once no timers are left */
#define NGX_HTTP_SCHEMA1_TASK_TIME  60000


static void ngx_http_schema1_task_run(void *data, ngx_log_t *log);

#if (NGX_THREADS)
static ngx_int_t ngx_http_schema1_task_post(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static void ngx_http_schema1_task_complete(ngx_event_t *ev);
#endif


ngx_int_t
ngx_http_schema1_task(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
#if (NGX_THREADS)

    if (ctx->task) {

        if (ctx->task->event.active) {
            return NGX_AGAIN;
        }

        ctx->task = NULL;

        return NGX_OK;
    }

    if (ctx->conf->thread_pool
        && ngx_http_schema1_task_post(r, ctx) == NGX_OK)
    {
        return NGX_AGAIN;
    }

#endif

    ngx_http_schema1_task_run(ctx, r->connection->log);

    return NGX_OK;
}


/*
 * May run in a thread, to which the pull, document, step and error belong: uses
 * no function of nginx and no memory pool.
 */

static void
ngx_http_schema1_task_run(void *data, ngx_log_t *log)
{
    ngx_http_schema1_ctx_t *ctx = data;

    int              rc;
    struct timespec  start, end;

    (void) clock_gettime(CLOCK_MONOTONIC, &start);

    if (ctx->state == NGX_HTTP_SCHEMA1_VERIFY) {
        rc = schema1_digest_verify(ctx->answer.source_digest,
                                   ctx->document.body, "source", &ctx->error);

        ctx->step = (rc == SCHEMA1_OK) ? SCHEMA1_PULL_DONE
                                       : SCHEMA1_PULL_ERROR;

    } else {
        ctx->step = schema1_pull_feed(ctx->pull, &ctx->document, &ctx->error);
    }

    (void) clock_gettime(CLOCK_MONOTONIC, &end);

    ctx->task_time += (uint64_t) (end.tv_sec - start.tv_sec) * 1000000000
                      + end.tv_nsec - start.tv_nsec;
}


#if (NGX_THREADS)

static ngx_int_t
ngx_http_schema1_task_post(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_thread_task_t  *task;

    task = ngx_thread_task_alloc(r->pool, 0);
    if (task == NULL) {
        return NGX_ERROR;
    }

    task->ctx = ctx;
    task->handler = ngx_http_schema1_task_run;
    task->event.data = r;
    task->event.handler = ngx_http_schema1_task_complete;
    task->event.log = r->connection->log;

    if (ngx_thread_task_post(ctx->conf->thread_pool, task) != NGX_OK) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "schema_conversion: the thread pool's queue is full, "
                      "converting in the event loop");
        return NGX_ERROR;
    }

    ngx_add_timer(&task->event, NGX_HTTP_SCHEMA1_TASK_TIME);

    /* not r->aio: with that nginx does not call the filters on a write event */

    r->main->blocked++;

    ctx->task = task;

    return NGX_OK;
}


static void
ngx_http_schema1_task_complete(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_schema1_ctx_t  *ctx;

    r = ev->data;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "schema1 task complete: \"%V\"", &r->uri);

    if (ev->timedout) {
        ev->timedout = 0;

        ngx_log_error(NGX_LOG_WARN, c->log, 0,
                      "schema_conversion: a thread takes long to convert");

        ngx_add_timer(ev, NGX_HTTP_SCHEMA1_TASK_TIME);

        return;
    }

    ngx_del_timer(ev);

    r->main->blocked--;

#if (nginx_version >= 1025004)

    if (r->main->terminated) {
        c->write->handler(c->write);
        return;
    }

#endif

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    ngx_post_event(&ctx->wake, &ngx_posted_events);
}

#endif
