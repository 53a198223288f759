
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/schema1_digest.h"
#include "ngx_http_schema1_headers_out.h"
#include "ngx_http_schema1_response.h"


/*
 * A declared length alone is no reason to allocate memory: it is allocated for
 * what has arrived, and more as it arrives.  Unused capacity is address space,
 * not resident memory, but copying the body takes time.
 */
#define NGX_HTTP_SCHEMA1_RESPONSE_FIRST  16384
#define NGX_HTTP_SCHEMA1_RESPONSE_MORE   16


static ngx_uint_t ngx_http_schema1_response_encoded(
    ngx_http_schema1_response_t *response);
static schema1_str_t ngx_http_schema1_response_digest(
    ngx_http_schema1_response_t *response, schema1_document_t *document);
static ngx_int_t ngx_http_schema1_response_error(
    ngx_http_schema1_response_t *response, schema1_error_t *err,
    schema1_reason_e reason);
static ngx_int_t ngx_http_schema1_response_grow(ngx_http_request_t *r,
    ngx_http_schema1_response_t *response, size_t more);
static void ngx_http_schema1_response_pause(ngx_http_request_t *r);


ngx_int_t
ngx_http_schema1_response_header(ngx_http_schema1_response_t *response,
    schema1_document_t *document, schema1_error_t *err)
{
    ngx_table_elt_t  *h;

    ngx_memzero(document, sizeof(schema1_document_t));

    document->type =
        ngx_http_schema1_core_str(&response->headers->content_type);

    h = ngx_http_schema1_headers_out_find(&response->headers->headers,
                                          &ngx_http_schema1_hdr_digest);
    if (h) {
        document->digest = ngx_http_schema1_core_str(&h->value);
    }

    if (ngx_http_schema1_response_encoded(response)
        && ngx_http_schema1_response_digest(response, document).len == 0)
    {
        return ngx_http_schema1_response_error(response, err, SCHEMA1_ENCODED);
    }

    if (response->expected > (off_t) response->max) {
        return ngx_http_schema1_response_error(response, err,
                                               SCHEMA1_TOO_LARGE);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_schema1_response_document(ngx_http_schema1_response_t *response,
    schema1_document_t *document, schema1_error_t *err)
{
    schema1_error_t  mismatch;

    if (ngx_http_schema1_response_header(response, document, err) != NGX_OK) {
        return NGX_ERROR;
    }

    if (response->overflow) {
        return ngx_http_schema1_response_error(response, err,
                                               SCHEMA1_TOO_LARGE);
    }

    if (response->failure == SCHEMA1_TRUNCATED
        || !ngx_http_schema1_response_complete(response))
    {
        return ngx_http_schema1_response_error(response, err,
                                               SCHEMA1_TRUNCATED);
    }

    document->body.data = (char *) response->data;
    document->body.len = response->len;

    /*
     * "A Content-Encoding counts only if the bytes do not match the known
     * digest, because storage replays odd values such as aws-chunked."
     */

    if (ngx_http_schema1_response_encoded(response)
        && schema1_digest_verify(
                          ngx_http_schema1_response_digest(response, document),
                          document->body, response->name, &mismatch)
           != SCHEMA1_OK)
    {
        return ngx_http_schema1_response_error(response, err, SCHEMA1_ENCODED);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_schema1_response_encoded(ngx_http_schema1_response_t *response)
{
    ngx_str_t  *value;

    if (response->headers->content_encoding == NULL) {
        return 0;
    }

    value = &response->headers->content_encoding->value;

    return value->len != 0
           && !schema1_str_caseeq(ngx_http_schema1_core_str(value),
                                  "identity");
}


/* the one that was requested, else the one that the header states */

static schema1_str_t
ngx_http_schema1_response_digest(ngx_http_schema1_response_t *response,
    schema1_document_t *document)
{
    return response->reference.len
           ? ngx_http_schema1_core_str(&response->reference)
           : document->digest;
}


/* each text once: the message for HEAD is the message for GET */

static ngx_int_t
ngx_http_schema1_response_error(ngx_http_schema1_response_t *response,
    schema1_error_t *err, schema1_reason_e reason)
{
    switch (reason) {

    case SCHEMA1_ENCODED:
        schema1_error_set(err, reason, "the %s is compressed although "
                          "compression was not requested; have the registry "
                          "send it as it is", response->name);
        break;

    case SCHEMA1_TOO_LARGE:
        schema1_error_set(err, reason, "the %s is larger than %lu bytes; "
                          "schema_conversion_max_size sets the limit",
                          response->name, (unsigned long) response->max);
        break;

    default: /* SCHEMA1_TRUNCATED */
        schema1_error_set(err, reason, "the %s was cut off after %lu bytes; "
                          "try again later", response->name,
                          (unsigned long) response->len);
    }

    return NGX_ERROR;
}


void
ngx_http_schema1_response_begin(ngx_http_request_t *r,
    ngx_http_schema1_response_t *response)
{
    response->headers = &r->headers_out;
    response->status = ngx_http_schema1_response_status(r);
    response->expected = r->headers_out.content_length_n;

    response->data = NULL;
    response->len = 0;
    response->size = 0;
    response->last = 0;
    response->overflow = 0;
}


ngx_int_t
ngx_http_schema1_response_read(ngx_http_request_t *r,
    ngx_http_schema1_response_t *response, ngx_chain_t *in)
{
    size_t      n, turn;
    ngx_buf_t  *b;

    turn = response->len / NGX_HTTP_SCHEMA1_SLICE;

    for ( /* void */ ; in && !response->overflow; in = in->next) {
        b = in->buf;

        if (ngx_buf_in_memory(b) && b->pos != b->last) {
            n = ngx_min((size_t) (b->last - b->pos),
                        response->max - response->len);

            if (ngx_http_schema1_response_grow(r, response, n) != NGX_OK) {
                return NGX_ERROR;
            }

            ngx_memcpy(response->data + response->len, b->pos, n);

            response->len += n;
            b->pos += n;

            if (b->pos != b->last) {
                response->overflow = 1;
            }

            if (b->in_file) {
                b->file_pos = response->overflow ? b->file_pos + (off_t) n
                                                 : b->file_last;
            }
        }

        /* the main request ends with last_buf, a subrequest with the other */

        if (!response->overflow
            && (b->last_buf || (r != r->main && b->last_in_chain)))
        {
            response->last = 1;
        }
    }

    if (response->len / NGX_HTTP_SCHEMA1_SLICE != turn
        && response->expected != (off_t) response->len
        && !response->last)
    {
        ngx_http_schema1_response_pause(r);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_schema1_response_grow(ngx_http_request_t *r,
    ngx_http_schema1_response_t *response, size_t more)
{
    size_t   size;
    u_char  *data;

    if (more <= response->size - response->len) {
        return NGX_OK;
    }

    size = response->size ? response->size : NGX_HTTP_SCHEMA1_RESPONSE_FIRST;

    while (size < response->max && size - response->len < more) {
        size = (size > response->max / NGX_HTTP_SCHEMA1_RESPONSE_MORE)
               ? response->max : size * NGX_HTTP_SCHEMA1_RESPONSE_MORE;
    }

    if (response->expected >= (off_t) (response->len + more)) {
        size = (size_t) ngx_min((off_t) size, response->expected);
    }

    data = ngx_palloc(r->pool, size);
    if (data == NULL) {
        return NGX_ERROR;
    }

    if (response->data) {
        ngx_memcpy(data, response->data, response->len);

        /* only a large block is freed, where it matters */

        ngx_pfree(r->pool, response->data);
    }

    response->data = data;
    response->size = size;

    return NGX_OK;
}


/*
 * An upstream that is as fast as nginx would be read to its end while other
 * connections wait: nginx continues with it in the next turn of the event loop.
 */

static void
ngx_http_schema1_response_pause(ngx_http_request_t *r)
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
ngx_http_schema1_response_complete(ngx_http_schema1_response_t *response)
{
    /* a filter of another module may drop the mark of the end */

    return (response->expected == -1)
           ? response->last : response->expected == (off_t) response->len;
}


void
ngx_http_schema1_response_discard(ngx_chain_t *in)
{
    for ( /* void */ ; in; in = in->next) {
        in->buf->pos = in->buf->last;
        in->buf->file_pos = in->buf->file_last;
    }
}


void
ngx_http_schema1_response_stop(ngx_http_request_t *r)
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
        u->pipe->upstream_done = 1;

    } else {
        u->length = 0;
    }
}
