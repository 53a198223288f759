
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_task.h"


/* a shutting down worker exits once no timers are left */
#define NGX_HTTP_SCHEMA1_TASK_TIME  60000


static void ngx_http_schema1_task_run(ngx_http_schema1_ctx_t *ctx,
    ngx_http_schema1_task_pt handler);

#if (NGX_THREADS)

typedef struct {
    ngx_http_schema1_ctx_t    *ctx;
    ngx_http_schema1_task_pt   handler;
} ngx_http_schema1_task_t;


static ngx_int_t ngx_http_schema1_task_post(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_task_pt handler);
static void ngx_http_schema1_task_thread(void *data, ngx_log_t *log);
static void ngx_http_schema1_task_complete(ngx_event_t *ev);

#endif


ngx_int_t
ngx_http_schema1_task(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_http_schema1_task_pt handler)
{
#if (NGX_THREADS)
    ngx_int_t  rc;

    if (ctx->task) {

        if (ctx->task->event.active) {
            return NGX_AGAIN;
        }

        ctx->task = NULL;

        return NGX_OK;
    }

    if (ctx->conf->thread_pool) {
        rc = ngx_http_schema1_task_post(r, ctx, handler);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

#endif

    ngx_http_schema1_task_run(ctx, handler);

    return NGX_OK;
}


static void
ngx_http_schema1_task_run(ngx_http_schema1_ctx_t *ctx,
    ngx_http_schema1_task_pt handler)
{
    struct timespec  start, end;

    (void) clock_gettime(CLOCK_MONOTONIC, &start);

    handler(ctx);

    (void) clock_gettime(CLOCK_MONOTONIC, &end);

    ctx->task_time += (uint64_t) (end.tv_sec - start.tv_sec) * 1000000000
                      + end.tv_nsec - start.tv_nsec;
}


#if (NGX_THREADS)

static ngx_int_t
ngx_http_schema1_task_post(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_http_schema1_task_pt handler)
{
    ngx_thread_task_t        *task;
    ngx_http_schema1_task_t  *data;

    task = ngx_thread_task_alloc(r->pool, sizeof(ngx_http_schema1_task_t));
    if (task == NULL) {
        return NGX_ERROR;
    }

    data = task->ctx;
    data->ctx = ctx;
    data->handler = handler;

    task->handler = ngx_http_schema1_task_thread;
    task->event.data = r;
    task->event.handler = ngx_http_schema1_task_complete;
    task->event.log = r->connection->log;

    if (ngx_thread_task_post(ctx->conf->thread_pool, task) != NGX_OK) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "schema_conversion: the thread pool's queue is full, "
                      "converting in the event loop");
        return NGX_DECLINED;
    }

    ngx_add_timer(&task->event, NGX_HTTP_SCHEMA1_TASK_TIME);

    /* not r->aio: with that nginx does not call the filters on a write event */

    r->main->blocked++;

    ctx->task = task;

    return NGX_AGAIN;
}


static void
ngx_http_schema1_task_thread(void *data, ngx_log_t *log)
{
    ngx_http_schema1_task_t *task = data;

    ngx_http_schema1_task_run(task->ctx, task->handler);
}


static void
ngx_http_schema1_task_complete(ngx_event_t *ev)
{
    ngx_connection_t         *c;
    ngx_thread_task_t        *task;
    ngx_http_request_t       *r;
    ngx_http_schema1_task_t  *data;

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

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    r->main->blocked--;

#if (nginx_version >= 1025004)

    if (r->main->terminated) {
        c->write->handler(c->write);
        return;
    }

#endif

    task = (ngx_thread_task_t *)
           ((char *) ev - offsetof(ngx_thread_task_t, event));
    data = task->ctx;

    ngx_post_event(&data->ctx->wake, &ngx_posted_events);
}

#endif
