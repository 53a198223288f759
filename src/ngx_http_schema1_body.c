
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_body.h"


/*
 * A declared length alone is no reason to allocate memory: it is allocated for
 * what has arrived, and more as it arrives.  Unused capacity is address space,
 * not resident memory, but copying the body takes time.
 */
#define NGX_HTTP_SCHEMA1_BODY_FIRST  16384
#define NGX_HTTP_SCHEMA1_BODY_MORE   16


static ngx_int_t ngx_http_schema1_body_grow(ngx_http_request_t *r,
    ngx_http_schema1_body_t *body, size_t more);
static void ngx_http_schema1_body_pause(ngx_http_request_t *r);


void
ngx_http_schema1_body_init(ngx_http_schema1_body_t *body, size_t max,
    off_t expected)
{
    ngx_memzero(body, sizeof(ngx_http_schema1_body_t));

    body->max = max;
    body->expected = expected;
}


ngx_int_t
ngx_http_schema1_body_read(ngx_http_request_t *r,
    ngx_http_schema1_body_t *body, ngx_chain_t *in)
{
    size_t      n, turn;
    ngx_buf_t  *b;

    turn = body->len / NGX_HTTP_SCHEMA1_SLICE;

    for ( /* void */ ; in && !body->overflow; in = in->next) {
        b = in->buf;

        if (ngx_buf_in_memory(b) && b->pos != b->last) {
            n = ngx_min((size_t) (b->last - b->pos), body->max - body->len);

            if (ngx_http_schema1_body_grow(r, body, n) != NGX_OK) {
                return NGX_ERROR;
            }

            ngx_memcpy(body->data + body->len, b->pos, n);

            body->len += n;
            b->pos += n;

            if (b->pos != b->last) {
                body->overflow = 1;
            }

            if (b->in_file) {
                b->file_pos = body->overflow ? b->file_pos + (off_t) n
                                             : b->file_last;
            }
        }

        /* the main request ends with last_buf, a subrequest with the other */

        if (!body->overflow
            && (b->last_buf || (r != r->main && b->last_in_chain)))
        {
            body->last = 1;
        }
    }

    if (body->len / NGX_HTTP_SCHEMA1_SLICE != turn
        && body->expected != (off_t) body->len
        && !body->last)
    {
        ngx_http_schema1_body_pause(r);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_schema1_body_grow(ngx_http_request_t *r,
    ngx_http_schema1_body_t *body, size_t more)
{
    size_t   size;
    u_char  *data;

    if (more <= body->size - body->len) {
        return NGX_OK;
    }

    size = body->size ? body->size : NGX_HTTP_SCHEMA1_BODY_FIRST;

    while (size < body->max && size - body->len < more) {
        size = (size > body->max / NGX_HTTP_SCHEMA1_BODY_MORE)
               ? body->max : size * NGX_HTTP_SCHEMA1_BODY_MORE;
    }

    if (body->expected >= (off_t) (body->len + more)) {
        size = (size_t) ngx_min((off_t) size, body->expected);
    }

    size = ngx_max(ngx_min(size, body->max), body->len + more);

    data = ngx_palloc(r->pool, size);
    if (data == NULL) {
        return NGX_ERROR;
    }

    if (body->data) {
        ngx_memcpy(data, body->data, body->len);

        /* only a large block is freed, where it matters */

        ngx_pfree(r->pool, body->data);
    }

    body->data = data;
    body->size = size;

    return NGX_OK;
}


/*
 * An upstream that is as fast as nginx would be read to its end while other
 * connections wait: nginx continues with it in the next turn of the event loop.
 */

static void
ngx_http_schema1_body_pause(ngx_http_request_t *r)
{
    ngx_event_t  *rev;

    if (r->upstream == NULL || r->upstream->peer.connection == NULL) {
        return;
    }

    rev = r->upstream->peer.connection->read;

    if (!rev->ready || rev->delayed || rev->eof || rev->error) {
        return;
    }

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 pause upstream");

    rev->ready = 0;

    /* if it were posted for this turn, it would find nothing ready */

    if (rev->posted) {
        ngx_delete_posted_event(rev);
    }

    ngx_post_event(rev, &ngx_posted_next_events);
}


ngx_uint_t
ngx_http_schema1_body_complete(ngx_http_schema1_body_t *body)
{
    if (body->overflow) {
        return 0;
    }

    /* a filter of another module may drop the mark of the end */

    return (body->expected == -1) ? body->last
                                  : body->expected == (off_t) body->len;
}


void
ngx_http_schema1_body_discard(ngx_chain_t *in)
{
    for ( /* void */ ; in; in = in->next) {
        in->buf->pos = in->buf->last;
        in->buf->file_pos = in->buf->file_last;
    }
}


void
ngx_http_schema1_body_stop(ngx_http_request_t *r)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u == NULL || u->cleanup == NULL || u->cacheable || u->store) {
        return;
    }

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 stop upstream");

    /*
     * as if the upstream's response had ended: an error would make nginx close
     * the client's connection
     */

    u->keepalive = 0;

    if (u->buffering) {
        if (u->pipe) {
            u->pipe->upstream_done = 1;
        }

        return;
    }

    u->length = 0;
}
