
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "ngx_http_schema1.h"
#include "core/schema1_convert.h"
#include "ngx_http_schema1_fetch.h"
#include "ngx_http_schema1_headers.h"
#include "ngx_http_schema1_send.h"


/* Docker up to 1.9 takes every history entry for a layer, and has a limit */
#define NGX_HTTP_SCHEMA1_OLD_LAYERS  127

/* nginx calls again when there is room; other filters wait for more of it */
#define ngx_http_schema1_send_blocked(c)                                      \
    ((c)->buffered & (NGX_LOWLEVEL_BUFFERED|NGX_HTTP_WRITE_BUFFERED))


static ngx_uint_t ngx_http_schema1_send_matches(ngx_http_request_t *r,
    ngx_str_t *tag, ngx_uint_t *asked);
static ngx_uint_t ngx_http_schema1_send_listed(ngx_str_t *value,
    ngx_str_t *tag);
static void ngx_http_schema1_send_opaque(ngx_str_t *tag);
static ngx_uint_t ngx_http_schema1_send_unmodified(ngx_http_request_t *r);
static void ngx_http_schema1_send_not_modified(ngx_http_request_t *r);
static void ngx_http_schema1_send_clear(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_send_digest(ngx_http_request_t *r,
    ngx_str_t *digest, ngx_uint_t etag);
static void ngx_http_schema1_send_type(ngx_http_request_t *r,
    const char *type);
static ngx_int_t ngx_http_schema1_send_body(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_str_t *body);
static ngx_int_t ngx_http_schema1_send_slice(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_send_chain(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_chain_t *out);
static ngx_int_t ngx_http_schema1_send_made(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_str_t *body);
static void ngx_http_schema1_send_log(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_send_denied(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_send_range(ngx_http_request_t *r,
    size_t *start, size_t *end);


ngx_http_output_header_filter_pt  ngx_http_schema1_next_header_filter;
ngx_http_output_body_filter_pt    ngx_http_schema1_next_body_filter;


ngx_int_t
ngx_http_schema1_send_header(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_str_t         tag;
    ngx_uint_t        asked;
    ngx_table_elt_t  *h;

    if (ngx_http_schema1_headers_complete(r, ctx->by_digest ? NULL : ctx->conf)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->by_digest) {
        return ngx_http_schema1_next_header_filter(r);
    }

    h = r->headers_out.etag;

    if (h == NULL) {
        h = ngx_http_schema1_headers_find(&r->headers_out.headers,
                                          "Docker-Content-Digest", 21);
    }

    ngx_str_null(&tag);

    if (h) {
        tag = h->value;
    }

    if (ngx_http_schema1_send_matches(r, &tag, &asked)
        || (!asked && ngx_http_schema1_send_unmodified(r)))
    {
        ngx_http_schema1_send_not_modified(r);
    }

    return ngx_http_schema1_next_header_filter(r);
}


/* whether an If-None-Match of the client names a tag (RFC 9110, 13.1.2) */

static ngx_uint_t
ngx_http_schema1_send_matches(ngx_http_request_t *r, ngx_str_t *tag,
    ngx_uint_t *asked)
{
    ngx_str_t         opaque;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    *asked = 0;

    opaque = *tag;
    ngx_http_schema1_send_opaque(&opaque);

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return 0;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len != 13
            || ngx_strncasecmp(h[i].key.data, (u_char *) "If-None-Match", 13)
               != 0)
        {
            continue;
        }

        *asked = 1;

        if (ngx_http_schema1_send_listed(&h[i].value, &opaque)) {
            return 1;
        }
    }
}


/* whether a list of entity tags, which may hold commas, has this one */

static ngx_uint_t
ngx_http_schema1_send_listed(ngx_str_t *value, ngx_str_t *tag)
{
    u_char      *p, *last;
    ngx_str_t    item;
    ngx_uint_t   quoted;

    p = value->data;
    last = p + value->len;

    while (p < last) {

        if (*p == ' ' || *p == '\t' || *p == ',') {
            p++;
            continue;
        }

        item.data = p;
        quoted = 0;

        while (p < last
               && (quoted || (*p != ' ' && *p != '\t' && *p != ',')))
        {
            quoted ^= (*p++ == '"');
        }

        item.len = p - item.data;

        if (item.len == 1 && *item.data == '*') {
            return 1;
        }

        ngx_http_schema1_send_opaque(&item);

        if (item.len && item.len == tag->len
            && ngx_strncmp(item.data, tag->data, tag->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* an entity tag without its weakness and its quotes */

static void
ngx_http_schema1_send_opaque(ngx_str_t *tag)
{
    if (tag->len > 2 && tag->data[0] == 'W' && tag->data[1] == '/') {
        tag->data += 2;
        tag->len -= 2;
    }

    if (tag->len > 1 && tag->data[0] == '"'
        && tag->data[tag->len - 1] == '"')
    {
        tag->data++;
        tag->len -= 2;
    }
}


static ngx_uint_t
ngx_http_schema1_send_unmodified(ngx_http_request_t *r)
{
    time_t            since, modified;
    ngx_table_elt_t  *h;

    h = ngx_http_schema1_headers_find(&r->headers_out.headers,
                                      "Last-Modified", 13);

    if (r->headers_in.if_modified_since == NULL || h == NULL) {
        return 0;
    }

    since = ngx_parse_http_time(r->headers_in.if_modified_since->value.data,
                                r->headers_in.if_modified_since->value.len);
    modified = ngx_parse_http_time(h->value.data, h->value.len);

    return since != NGX_ERROR && modified != NGX_ERROR && modified <= since;
}


static void
ngx_http_schema1_send_not_modified(ngx_http_request_t *r)
{
    r->headers_out.status = NGX_HTTP_NOT_MODIFIED;
    r->headers_out.status_line.len = 0;
    r->err_status = 0;
    r->headers_out.content_type.len = 0;

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);

    r->allow_ranges = 0;

    if (r->headers_out.content_encoding) {
        r->headers_out.content_encoding->hash = 0;
        r->headers_out.content_encoding = NULL;
    }
}


ngx_int_t
ngx_http_schema1_send_held(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    ctx->phase = NGX_HTTP_SCHEMA1_PASSING;

    /* the range filter has seen none of the body */

    r->allow_ranges = 0;

    rc = ngx_http_schema1_send_header(r, ctx);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {

        /* the upstream may go on, but nothing may follow a lone header */

        ctx->phase = NGX_HTTP_SCHEMA1_ANSWERED;

        ngx_http_schema1_body_discard(in);
        ngx_http_schema1_body_stop(r);

        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = ctx->body.data;
    b->last = ctx->body.data + ctx->body.len;
    b->memory = (ctx->body.len != 0);
    b->sync = (ctx->body.len == 0);
    b->last_buf = ctx->body.last;
    b->last_in_chain = ctx->body.last;

    out.buf = b;
    out.next = in;

    return ngx_http_schema1_next_body_filter(r, &out);
}


ngx_int_t
ngx_http_schema1_send_answer(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_http_schema1_answer_t  *answer;

    answer = &ctx->answer;

    if (answer->entries > NGX_HTTP_SCHEMA1_OLD_LAYERS) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "schema_conversion: the manifest made for this request "
                      "has %ui history entries, Docker before 1.10 pulls no "
                      "more than %d", answer->entries,
                      NGX_HTTP_SCHEMA1_OLD_LAYERS);
    }

    ngx_http_schema1_send_clear(r);
    ngx_http_schema1_send_type(r, schema1_media_type_name(answer->type));

    return ngx_http_schema1_send_made(r, ctx, &answer->body);
}


/* removes what describes the upstream's body, not ours */

static void
ngx_http_schema1_send_clear(ngx_http_request_t *r)
{
    ngx_uint_t  i;

    static ngx_str_t  names[] = {
        ngx_string("Docker-Content-Digest"),
        ngx_string("ETag"),
        ngx_string("Last-Modified"),
        ngx_string("Accept-Ranges"),
        ngx_string("Content-Encoding"),
        ngx_string("Content-Range"),
        ngx_string("Content-MD5"),
        ngx_string("Content-Digest"),
        ngx_string("Repr-Digest"),
        ngx_string("Digest"),
        ngx_string("Trailer")
    };

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    r->headers_out.content_encoding = NULL;

    r->headers_out.trailers.part.nelts = 0;
    r->headers_out.trailers.part.next = NULL;
    r->headers_out.trailers.last = &r->headers_out.trailers.part;

    for (i = 0; i < sizeof(names) / sizeof(ngx_str_t); i++) {
        ngx_http_schema1_headers_remove(r, (char *) names[i].data,
                                        names[i].len);
    }
}


static ngx_int_t
ngx_http_schema1_send_digest(ngx_http_request_t *r, ngx_str_t *digest,
    ngx_uint_t etag)
{
    ngx_str_t         quoted;
    ngx_table_elt_t  *h;

    if (ngx_http_schema1_headers_add(r, "Docker-Content-Digest", 21, digest)
        == NULL)
    {
        return NGX_ERROR;
    }

    if (!etag) {
        return NGX_OK;
    }

    quoted.data = ngx_pnalloc(r->pool, digest->len + 2);
    if (quoted.data == NULL) {
        return NGX_ERROR;
    }

    quoted.len = ngx_sprintf(quoted.data, "\"%V\"", digest) - quoted.data;

    h = ngx_http_schema1_headers_add(r, "ETag", 4, &quoted);
    if (h == NULL) {
        return NGX_ERROR;
    }

    r->headers_out.etag = h;

    return NGX_OK;
}


static void
ngx_http_schema1_send_type(ngx_http_request_t *r, const char *type)
{
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.charset.len = 0;
    r->headers_out.override_charset = NULL;
}


/* the header, and the beginning of the body */

static ngx_int_t
ngx_http_schema1_send_body(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_str_t *body)
{
    ngx_int_t  rc;

    r->headers_out.status_line.len = 0;
    r->allow_ranges = 0;

    /* of a page that nginx made itself; the log would show it */

    r->err_status = 0;

    if (r->headers_out.status != NGX_HTTP_NOT_MODIFIED) {
        r->headers_out.content_length_n = body->len;
    }

#if (NGX_HTTP_GZIP)

    /* gzip would drop the length and weaken the ETag */

    r->gzip_tested = 1;
    r->gzip_ok = 0;
#endif

    rc = ngx_http_schema1_next_header_filter(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    ctx->rest = *body;

    return ngx_http_schema1_send_slice(r, ctx);
}


/*
 * What the kernel takes at once may be megabytes, and other connections wait
 * for that: the rest is sent in further turns of the event loop.
 */

static ngx_int_t
ngx_http_schema1_send_slice(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    size_t        n;
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;
    ngx_event_t  *wev;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    n = ngx_min(ctx->rest.len, NGX_HTTP_SCHEMA1_SLICE);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 send %uz of %uz", n, ctx->rest.len);

    b->pos = ctx->rest.data;
    b->last = b->pos + n;
    b->memory = (n != 0);

    ctx->rest.data += n;
    ctx->rest.len -= n;

    if (ctx->rest.len) {
        r->buffered |= NGX_HTTP_SCHEMA1_BUFFERED;

    } else {
        r->buffered &= ~NGX_HTTP_SCHEMA1_BUFFERED;

        b->last_buf = 1;
        b->last_in_chain = 1;
    }

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_schema1_send_chain(r, ctx, &out);

    if (rc != NGX_ERROR
        && ctx->rest.len
        && !ngx_http_schema1_send_blocked(r->connection))
    {
        wev = r->connection->write;

        if (wev->posted) {
            ngx_delete_posted_event(wev);
        }

        ngx_post_event(wev, &ngx_posted_next_events);
    }

    return rc;
}


/*
 * A later filter may send something itself, such as the last buffer after what
 * it appends: until it returns, the chains that arrive are not the upstream's.
 */

static ngx_int_t
ngx_http_schema1_send_chain(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_chain_t *out)
{
    ngx_int_t  rc;

    ctx->phase = NGX_HTTP_SCHEMA1_PASSING;

    rc = ngx_http_schema1_next_body_filter(r, out);

    ctx->phase = NGX_HTTP_SCHEMA1_ANSWERED;

    return rc;
}


ngx_int_t
ngx_http_schema1_send_rest(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = r->connection;

    if (ctx->rest.len == 0) {

        /*
         * later filters may have been unable to send all of it, or it waits
         * for a subrequest that one of them has started
         */

        if (r->buffered || r->postponed || c->buffered) {
            return ngx_http_schema1_next_body_filter(r, NULL);
        }

        return NGX_OK;
    }

    if (ngx_http_schema1_send_blocked(c)) {
        rc = ngx_http_schema1_next_body_filter(r, NULL);

        if (rc == NGX_ERROR || ngx_http_schema1_send_blocked(c)) {
            return rc;
        }
    }

    return ngx_http_schema1_send_slice(r, ctx);
}


/* what is made here: the manifest, or that the client has it already */

static ngx_int_t
ngx_http_schema1_send_made(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_str_t *body)
{
    ngx_uint_t  asked;

    ctx->phase = NGX_HTTP_SCHEMA1_ANSWERED;

    r->headers_out.status = NGX_HTTP_OK;

    if (ngx_http_schema1_send_digest(r, &ctx->answer.digest, 1) != NGX_OK
        || ngx_http_schema1_headers_complete(r, ctx->conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_schema1_send_matches(r, &ctx->answer.digest, &asked)) {
        ngx_http_schema1_send_not_modified(r);
    }

    return ngx_http_schema1_send_body(r, ctx, body);
}


ngx_int_t
ngx_http_schema1_send_error(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    int                           rc;
    ngx_str_t                     body;
    schema1_buf_t                 buf;
    const schema1_reason_info_t  *info;

    info = schema1_reason_info(ctx->error.reason);

    ctx->phase = NGX_HTTP_SCHEMA1_ANSWERED;
    ctx->outcome = (info->status == NGX_HTTP_BAD_REQUEST
                    || info->status == NGX_HTTP_NOT_FOUND)
                   ? NGX_HTTP_SCHEMA1_UNCONVERTIBLE : NGX_HTTP_SCHEMA1_ERROR;

    ngx_http_schema1_send_log(r, ctx);

    ngx_http_clean_header(r);

    r->headers_out.status = info->status;

    if (ctx->error.reason == SCHEMA1_DENIED) {
        return ngx_http_schema1_send_denied(r, ctx);
    }

    ngx_http_schema1_send_type(r, "application/json");

    if (ngx_http_schema1_headers_complete(r, ctx->conf) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&buf, sizeof(schema1_buf_t));

    rc = schema1_error_body(&ctx->error, ctx->uri.name, ctx->uri.reference,
                            &buf);

    /* with no memory for the body the status says enough */

    ngx_str_null(&body);

    if (rc == SCHEMA1_OK) {
        body.data = ngx_pnalloc(r->pool, buf.len);

        if (body.data) {
            ngx_memcpy(body.data, buf.data, buf.len);
            body.len = buf.len;
        }
    }

    schema1_buf_free(&buf);

    return ngx_http_schema1_send_body(r, ctx, &body);
}


static void
ngx_http_schema1_send_log(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_str_t         name, tag;
    schema1_str_t     source;
    schema1_error_t  *err;

    err = &ctx->error;

    name.len = ctx->uri.name.len;
    name.data = (u_char *) ctx->uri.name.data;

    tag.len = ctx->uri.reference.len;
    tag.data = (u_char *) ctx->uri.reference.data;

    source.len = ctx->answer.source_digest.len;
    source.data = (char *) ctx->answer.source_digest.data;

    if (source.len) {
        schema1_error_note(err->source_digest, sizeof(err->source_digest),
                           source);
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "schema_conversion: no manifest for \"%V:%V\": %s "
                  "(reason: %s, source: %s)",
                  &name, &tag, err->message,
                  schema1_reason_info(err->reason)->name,
                  err->source_digest[0] ? err->source_digest : "-");
}


/* hands on the answer that the registry gave to a further fetch */

static ngx_int_t
ngx_http_schema1_send_denied(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_str_t            body;
    ngx_uint_t           i;
    ngx_list_part_t     *part;
    ngx_table_elt_t     *h, *header;
    ngx_http_request_t  *sr;

    sr = ctx->fetch->request;

    r->headers_out.status = ctx->fetch->status;
    r->headers_out.content_type = sr->headers_out.content_type;
    r->headers_out.content_type_len = sr->headers_out.content_type_len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.charset = sr->headers_out.charset;

    part = &sr->headers_out.headers.part;
    header = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            header = part->elts;
            i = 0;
        }

        if (header[i].hash == 0
            || &header[i] == sr->headers_out.server
            || &header[i] == sr->headers_out.date
            || &header[i] == sr->headers_out.content_length)
        {
            continue;
        }

        h = ngx_http_schema1_headers_add(r, (char *) header[i].key.data,
                                         header[i].key.len, &header[i].value);
        if (h == NULL) {
            return NGX_ERROR;
        }

        if (&header[i] == sr->headers_out.content_encoding) {
            r->headers_out.content_encoding = h;
        }
    }

    if (ngx_http_schema1_headers_complete(r, ctx->conf) != NGX_OK) {
        return NGX_ERROR;
    }

    /* a body that did not come whole is none */

    ngx_str_null(&body);

    if (ngx_http_schema1_body_complete(&ctx->fetch->body)) {
        body.data = ctx->fetch->body.data;
        body.len = ctx->fetch->body.len;
    }

    return ngx_http_schema1_send_body(r, ctx, &body);
}


ngx_int_t
ngx_http_schema1_send_empty_header(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    u_char     *p;
    size_t      start, end;
    ngx_int_t   rc;
    ngx_str_t   value;

    rc = ngx_http_schema1_send_range(r, &start, &end);

    ngx_http_schema1_send_clear(r);
    ngx_http_schema1_send_type(r, "application/octet-stream");

    ngx_str_set(&ctx->answer.digest, SCHEMA1_EMPTY_LAYER_DIGEST);

    ctx->body.data = (u_char *) schema1_empty_layer + start;
    ctx->body.len = end - start;
    ctx->body.last = 1;

    r->headers_out.status_line.len = 0;
    r->headers_out.content_length_n = ctx->body.len;
    r->err_status = 0;
    r->allow_ranges = 0;

#if (NGX_HTTP_GZIP)
    r->gzip_tested = 1;
    r->gzip_ok = 0;
#endif

    if (rc != NGX_ERROR
        && ngx_http_schema1_send_digest(r, &ctx->answer.digest, 0) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        r->headers_out.status = NGX_HTTP_OK;

        return ngx_http_schema1_next_header_filter(r);
    }

    p = ngx_pnalloc(r->pool, sizeof("bytes 31-31/32") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;

    if (rc == NGX_OK) {
        r->headers_out.status = NGX_HTTP_PARTIAL_CONTENT;
        p = ngx_sprintf(p, "bytes %uz-%uz/%d", start, end - 1,
                        SCHEMA1_EMPTY_LAYER_SIZE);

    } else {
        r->headers_out.status = NGX_HTTP_RANGE_NOT_SATISFIABLE;
        r->headers_out.content_type.len = 0;
        p = ngx_sprintf(p, "bytes */%d", SCHEMA1_EMPTY_LAYER_SIZE);
    }

    value.len = p - value.data;

    if (ngx_http_schema1_headers_add(r, "Content-Range", 13, &value) == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_schema1_next_header_filter(r);
}


/*
 * One bytes range (RFC 9110, 14.1.2) of the empty layer: NGX_OK for a part,
 * NGX_DECLINED for the whole, NGX_ERROR where there is nothing to give.
 */

static ngx_int_t
ngx_http_schema1_send_range(ngx_http_request_t *r, size_t *start, size_t *end)
{
    u_char     *p, *last, *dash;
    ngx_int_t   first, to;

    *start = 0;
    *end = SCHEMA1_EMPTY_LAYER_SIZE;

    if (r->headers_in.range == NULL
        || r->headers_in.if_range
        || r->method != NGX_HTTP_GET
        || r->headers_in.range->value.len < 7
        || ngx_strncasecmp(r->headers_in.range->value.data,
                           (u_char *) "bytes=", 6) != 0)
    {
        return NGX_DECLINED;
    }

    p = r->headers_in.range->value.data + 6;
    last = r->headers_in.range->value.data + r->headers_in.range->value.len;

    while (p < last && *p == ' ') { p++; }
    while (last > p && last[-1] == ' ') { last--; }

    dash = ngx_strlchr(p, last, '-');

    if (dash == NULL) {
        return NGX_DECLINED;
    }

    /* ngx_atoi() refuses anything but digits, and so several ranges */

    first = ngx_atoi(p, dash - p);
    to = ngx_atoi(dash + 1, last - dash - 1);

    if (dash == p) {

        if (to == NGX_ERROR) {
            return NGX_DECLINED;
        }

        if (to == 0) {
            *end = 0;
            return NGX_ERROR;
        }

        *start = SCHEMA1_EMPTY_LAYER_SIZE
                 - ngx_min(to, SCHEMA1_EMPTY_LAYER_SIZE);
        return NGX_OK;
    }

    if (first == NGX_ERROR
        || (to == NGX_ERROR && dash + 1 != last)
        || (dash + 1 != last && to < first))
    {
        return NGX_DECLINED;
    }

    if (first >= SCHEMA1_EMPTY_LAYER_SIZE) {
        *end = 0;
        return NGX_ERROR;
    }

    *start = first;

    if (dash + 1 != last && to < SCHEMA1_EMPTY_LAYER_SIZE) {
        *end = to + 1;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_schema1_send_empty_body(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    ctx->phase = NGX_HTTP_SCHEMA1_ANSWERED;

    if (r->header_only) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = ctx->body.data;
    b->last = b->pos + ctx->body.len;
    b->memory = (ctx->body.len != 0);
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_schema1_send_chain(r, ctx, &out);
}
