
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_cache_lock.h"


#define NGX_HTTP_SCHEMA1_CACHE_LOCK_TIMEOUT  5000


/* requests of this worker that hold a lock */

static ngx_queue_t  ngx_http_schema1_cache_locks;


/*
 * "Within a worker, requests with the same key wait, for at most 5 seconds, for
 * the request that performs the conversion."
 */

ngx_int_t
ngx_http_schema1_cache_lock(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_queue_t                    *q;
    ngx_http_schema1_ctx_t         *holder;
    ngx_http_schema1_cache_lock_t  *lock;

    lock = &ctx->cache_lock;

    if (lock->state == NGX_HTTP_SCHEMA1_LOCK_WAITING && ctx->wake.timedout) {
        ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                       "schema1 cache lock wait timed out");

        ngx_http_schema1_cache_unlock(ctx);
        lock->state = NGX_HTTP_SCHEMA1_LOCK_SKIP;
    }

    if (lock->state != NGX_HTTP_SCHEMA1_LOCK_NONE) {
        return (lock->state == NGX_HTTP_SCHEMA1_LOCK_WAITING) ? NGX_AGAIN
                                                              : NGX_OK;
    }

    if (ngx_http_schema1_cache_locks.next == NULL) {
        ngx_queue_init(&ngx_http_schema1_cache_locks);
    }

    for (q = ngx_queue_head(&ngx_http_schema1_cache_locks);
         q != ngx_queue_sentinel(&ngx_http_schema1_cache_locks);
         q = ngx_queue_next(q))
    {
        holder = ngx_queue_data(q, ngx_http_schema1_ctx_t, cache_lock.queue);

        if (ngx_memn2cmp(holder->cache_key.str.data, ctx->cache_key.str.data,
                         holder->cache_key.str.len, ctx->cache_key.str.len)
            == 0)
        {
            ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                           "schema1 cache lock wait");

            lock->state = NGX_HTTP_SCHEMA1_LOCK_WAITING;

            ngx_queue_insert_tail(&holder->cache_lock.waiters, &lock->queue);
            ngx_add_timer(&ctx->wake, NGX_HTTP_SCHEMA1_CACHE_LOCK_TIMEOUT);

            return NGX_AGAIN;
        }
    }

    lock->state = NGX_HTTP_SCHEMA1_LOCK_HELD;

    ngx_queue_init(&lock->waiters);
    ngx_queue_insert_head(&ngx_http_schema1_cache_locks, &lock->queue);

    return NGX_OK;
}


void
ngx_http_schema1_cache_unlock(ngx_http_schema1_ctx_t *ctx)
{
    ngx_queue_t                    *q;
    ngx_http_schema1_ctx_t         *waiter;
    ngx_http_schema1_lock_e         state;
    ngx_http_schema1_cache_lock_t  *lock;

    lock = &ctx->cache_lock;
    state = lock->state;

    if (state == NGX_HTTP_SCHEMA1_LOCK_NONE
        || state == NGX_HTTP_SCHEMA1_LOCK_SKIP)
    {
        return;
    }

    lock->state = NGX_HTTP_SCHEMA1_LOCK_NONE;

    /* it is in a queue: NOLINTNEXTLINE(clang-analyzer-core.*) */
    ngx_queue_remove(&lock->queue);

    if (state == NGX_HTTP_SCHEMA1_LOCK_WAITING) {

        if (ctx->wake.timer_set) {
            ngx_del_timer(&ctx->wake);
        }

        return;
    }

    while (!ngx_queue_empty(&lock->waiters)) {
        q = ngx_queue_head(&lock->waiters);
        waiter = ngx_queue_data(q, ngx_http_schema1_ctx_t, cache_lock.queue);

        ngx_http_schema1_cache_unlock(waiter);
        waiter->cache_lock.state = NGX_HTTP_SCHEMA1_LOCK_SKIP;

        /* not from within this request */

        ngx_post_event(&waiter->wake, &ngx_posted_events);
    }
}
