
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "ngx_http_schema1_work.h"


/* a worker that shuts down goes as soon as it has no timer left */
#define NGX_HTTP_SCHEMA1_WORK_TIME  60000


static void ngx_http_schema1_work_run(ngx_http_schema1_ctx_t *ctx);
static void ngx_http_schema1_park_handler(ngx_event_t *ev);

#if (NGX_THREADS)
static void ngx_http_schema1_work_thread(void *data, ngx_log_t *log);
static void ngx_http_schema1_work_done(ngx_event_t *ev);
#endif


ngx_int_t
ngx_http_schema1_work(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
#if (NGX_THREADS)
    ngx_thread_task_t         *task;
    ngx_http_schema1_ctx_t   **data;

    if (ctx->conf->thread_pool) {

        task = ngx_thread_task_alloc(r->pool, sizeof(void *));
        if (task == NULL) {
            return NGX_ERROR;
        }

        data = task->ctx;
        *data = ctx;

        task->handler = ngx_http_schema1_work_thread;
        task->event.data = r;
        task->event.handler = ngx_http_schema1_work_done;
        task->event.log = r->connection->log;

        ctx->worked = 0;

        if (ngx_thread_task_post(ctx->conf->thread_pool, task) == NGX_OK) {

            ngx_add_timer(&task->event, NGX_HTTP_SCHEMA1_WORK_TIME);

            /*
             * not r->aio: with that nginx would not call the filters on a
             * write event, and the request could not be parked again
             */

            r->main->blocked++;

            ngx_http_schema1_park(r, ctx);

            return NGX_AGAIN;
        }

        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "schema_conversion: the thread pool's queue is full, "
                      "converting in place");
    }

#endif

    ngx_http_schema1_work_run(ctx);

    return NGX_OK;
}


static void
ngx_http_schema1_work_run(ngx_http_schema1_ctx_t *ctx)
{
    struct timespec  start, end;

    (void) clock_gettime(CLOCK_MONOTONIC, &start);

    ctx->work(ctx);

    (void) clock_gettime(CLOCK_MONOTONIC, &end);

    ctx->work_time += (uint64_t) (end.tv_sec - start.tv_sec) * 1000000000
                      + end.tv_nsec - start.tv_nsec;
}


#if (NGX_THREADS)

static void
ngx_http_schema1_work_thread(void *data, ngx_log_t *log)
{
    ngx_http_schema1_ctx_t **ctx = data;

    ngx_http_schema1_work_run(*ctx);
}


static void
ngx_http_schema1_work_done(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_schema1_ctx_t  *ctx;

    r = ev->data;
    c = r->connection;

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    ngx_http_set_log_request(c->log, r);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "schema1 thread done: \"%V\"", &r->uri);

    if (ev->timedout) {
        ev->timedout = 0;

        ngx_log_error(NGX_LOG_WARN, c->log, 0,
                      "schema_conversion: a thread takes long to convert");

        ngx_add_timer(ev, NGX_HTTP_SCHEMA1_WORK_TIME);

        return;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    r->main->blocked--;

    ctx->worked = 1;

#if (nginx_version >= 1025004)

    if (r->main->terminated) {
        c->write->handler(c->write);
        return;
    }

#endif

    r->write_event_handler(r);
    ngx_http_run_posted_requests(c);
}

#endif


void
ngx_http_schema1_park(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    r->buffered |= NGX_HTTP_SCHEMA1_BUFFERED;

    /*
     * nginx arms send_timeout after the filters have returned, so it is
     * disarmed as soon as this event is over
     */

    ctx->park.handler = ngx_http_schema1_park_handler;
    ctx->park.data = r;
    ctx->park.log = r->connection->log;

    ngx_post_event(&ctx->park, &ngx_posted_events);
}


static void
ngx_http_schema1_park_handler(ngx_event_t *ev)
{
    ngx_event_t         *wev;
    ngx_http_request_t  *r;

    r = ev->data;
    wev = r->connection->write;

    if (!wev->delayed) {

        if (wev->timer_set) {
            ngx_del_timer(wev);
        }

        wev->timedout = 0;
    }
}


void
ngx_http_schema1_unpark(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    r->buffered &= ~NGX_HTTP_SCHEMA1_BUFFERED;

    if (ctx->park.posted) {
        ngx_delete_posted_event(&ctx->park);
    }
}
