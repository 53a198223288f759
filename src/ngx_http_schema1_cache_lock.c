
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_cache_lock.h"


#define NGX_HTTP_SCHEMA1_CACHE_LOCK_TIMEOUT  5000


static ngx_http_schema1_ctx_t *ngx_http_schema1_cache_lock_holder(
    ngx_http_schema1_ctx_t *ctx);
static void ngx_http_schema1_cache_lock_handler(ngx_event_t *ev);


/* requests of this worker that hold a lock */

static ngx_queue_t  ngx_http_schema1_cache_locks;


/*
 * "Within a worker, requests with the same key wait, for at most 5 seconds, for
 * the request that performs the conversion."
 */

ngx_int_t
ngx_http_schema1_cache_lock(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_http_schema1_ctx_t         *holder;
    ngx_http_schema1_cache_lock_t  *lock;

    lock = &ctx->cache_lock;

    if (lock->state != NGX_HTTP_SCHEMA1_LOCK_NONE) {
        return (lock->state == NGX_HTTP_SCHEMA1_LOCK_WAITING) ? NGX_AGAIN
                                                              : NGX_OK;
    }

    if (ngx_http_schema1_cache_locks.next == NULL) {
        ngx_queue_init(&ngx_http_schema1_cache_locks);
    }

    holder = ngx_http_schema1_cache_lock_holder(ctx);

    if (holder == NULL) {
        lock->state = NGX_HTTP_SCHEMA1_LOCK_HELD;

        ngx_queue_init(&lock->waiters);
        ngx_queue_insert_head(&ngx_http_schema1_cache_locks, &lock->queue);

        return NGX_OK;
    }

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 cache lock wait");

    lock->state = NGX_HTTP_SCHEMA1_LOCK_WAITING;
    lock->event.handler = ngx_http_schema1_cache_lock_handler;
    lock->event.data = r;
    lock->event.log = r->connection->log;

    ngx_queue_insert_tail(&holder->cache_lock.waiters, &lock->queue);
    ngx_add_timer(&lock->event, NGX_HTTP_SCHEMA1_CACHE_LOCK_TIMEOUT);

    return NGX_AGAIN;
}


static ngx_http_schema1_ctx_t *
ngx_http_schema1_cache_lock_holder(ngx_http_schema1_ctx_t *ctx)
{
    ngx_queue_t             *q;
    ngx_http_schema1_ctx_t  *holder;

    for (q = ngx_queue_head(&ngx_http_schema1_cache_locks);
         q != ngx_queue_sentinel(&ngx_http_schema1_cache_locks);
         q = ngx_queue_next(q))
    {
        holder = ngx_queue_data(q, ngx_http_schema1_ctx_t, cache_lock.queue);

        if (holder->cache_key.str.len == ctx->cache_key.str.len
            && ngx_memcmp(holder->cache_key.str.data, ctx->cache_key.str.data,
                          ctx->cache_key.str.len)
               == 0)
        {
            return holder;
        }
    }

    return NULL;
}


static void
ngx_http_schema1_cache_lock_handler(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_schema1_ctx_t  *ctx;

    r = ev->data;
    c = r->connection;

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    ngx_http_set_log_request(c->log, r);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "schema1 cache lock wait ended, timed out: %d",
                   ev->timedout);

    ngx_http_schema1_cache_unlock(ctx);

    ctx->cache_lock.state = NGX_HTTP_SCHEMA1_LOCK_SKIP;

    ngx_post_event(&ctx->wake, &ngx_posted_events);
}


void
ngx_http_schema1_cache_unlock(ngx_http_schema1_ctx_t *ctx)
{
    ngx_queue_t                    *q;
    ngx_http_schema1_lock_e         state;
    ngx_http_schema1_cache_lock_t  *lock, *waiter;

    lock = &ctx->cache_lock;
    state = lock->state;

    if (lock->event.timer_set) {
        ngx_del_timer(&lock->event);
    }

    if (lock->event.posted) {
        ngx_delete_posted_event(&lock->event);
    }

    if (state == NGX_HTTP_SCHEMA1_LOCK_NONE
        || state == NGX_HTTP_SCHEMA1_LOCK_SKIP)
    {
        return;
    }

    lock->state = NGX_HTTP_SCHEMA1_LOCK_NONE;

    /* it is in a queue: NOLINTNEXTLINE(clang-analyzer-core.*) */
    ngx_queue_remove(&lock->queue);

    if (state == NGX_HTTP_SCHEMA1_LOCK_WAITING) {
        return;
    }

    while (!ngx_queue_empty(&lock->waiters)) {
        q = ngx_queue_head(&lock->waiters);
        waiter = ngx_queue_data(q, ngx_http_schema1_cache_lock_t, queue);

        /* NOLINTNEXTLINE(clang-analyzer-core.*) */
        ngx_queue_remove(q);

        waiter->state = NGX_HTTP_SCHEMA1_LOCK_SKIP;

        /* not from within this request */

        ngx_post_event(&waiter->event, &ngx_posted_events);
    }
}
