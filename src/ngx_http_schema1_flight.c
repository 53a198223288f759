
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "ngx_http_schema1_flight.h"


#define NGX_HTTP_SCHEMA1_FLIGHT_TIME  5000


static void ngx_http_schema1_flight_wake(ngx_event_t *ev);


/* of this worker: the requests that others wait for or may wait for */

static ngx_queue_t  ngx_http_schema1_flights;


ngx_int_t
ngx_http_schema1_flight_join(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_queue_t                *q;
    ngx_http_schema1_ctx_t     *leader;
    ngx_http_schema1_flight_t  *flight;

    flight = &ctx->flight;

    if (flight->alone) {
        return NGX_OK;
    }

    if (flight->waiting) {
        return NGX_AGAIN;
    }

    if (ngx_http_schema1_flights.next == NULL) {
        ngx_queue_init(&ngx_http_schema1_flights);
    }

    for (q = ngx_queue_head(&ngx_http_schema1_flights);
         q != ngx_queue_sentinel(&ngx_http_schema1_flights);
         q = ngx_queue_next(q))
    {
        leader = ngx_queue_data(q, ngx_http_schema1_ctx_t, flight.queue);

        if (ngx_memcmp(leader->cache_key, ctx->cache_key,
                       NGX_HTTP_SCHEMA1_CACHE_KEY)
            != 0)
        {
            continue;
        }

        ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                       "schema1 wait for another request's conversion");

        flight->waiting = 1;
        flight->wake.handler = ngx_http_schema1_flight_wake;
        flight->wake.data = r;
        flight->wake.log = r->connection->log;

        ngx_queue_insert_tail(&leader->flight.waiters, &flight->queue);
        ngx_add_timer(&flight->wake, NGX_HTTP_SCHEMA1_FLIGHT_TIME);

        return NGX_AGAIN;
    }

    flight->leading = 1;

    ngx_queue_init(&flight->waiters);
    ngx_queue_insert_head(&ngx_http_schema1_flights, &flight->queue);

    return NGX_OK;
}


static void
ngx_http_schema1_flight_wake(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_schema1_ctx_t  *ctx;

    r = ev->data;
    c = r->connection;

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    ngx_http_set_log_request(c->log, r);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "schema1 wait is over, timed out: %d", ev->timedout);

    ngx_http_schema1_flight_leave(ctx);

    ctx->flight.alone = 1;

    ngx_post_event(&ctx->wake, &ngx_posted_events);
}


void
ngx_http_schema1_flight_leave(ngx_http_schema1_ctx_t *ctx)
{
    ngx_queue_t                *q;
    ngx_http_schema1_flight_t  *flight, *waiter;

    flight = &ctx->flight;

    if (flight->waiting) {
        flight->waiting = 0;

        ngx_queue_remove(&flight->queue);
    }

    if (flight->wake.timer_set) {
        ngx_del_timer(&flight->wake);
    }

    if (flight->wake.posted) {
        ngx_delete_posted_event(&flight->wake);
    }

    if (!flight->leading) {
        return;
    }

    flight->leading = 0;

    /* who leads is in the queue: NOLINTNEXTLINE(clang-analyzer-core.*) */
    ngx_queue_remove(&flight->queue);

    /* not from within this request: each in an event of its own */

    while (!ngx_queue_empty(&flight->waiters)) {
        q = ngx_queue_head(&flight->waiters);
        waiter = ngx_queue_data(q, ngx_http_schema1_flight_t, queue);

        /* and so is who waits: NOLINTNEXTLINE(clang-analyzer-core.*) */
        ngx_queue_remove(q);

        waiter->waiting = 0;

        ngx_post_event(&waiter->wake, &ngx_posted_events);
    }
}
