
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/schema1_convert.h"
#include "ngx_http_schema1_condition.h"
#include "ngx_http_schema1_headers_out.h"
#include "ngx_http_schema1_response.h"
#include "ngx_http_schema1_send.h"


/* nginx calls the filters again once the client can be written to */
#define ngx_http_schema1_send_blocked(c)                                      \
    ((c)->buffered & (NGX_LOWLEVEL_BUFFERED|NGX_HTTP_WRITE_BUFFERED))


static void ngx_http_schema1_send_clear(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_send_digest(ngx_http_request_t *r,
    ngx_str_t *digest);
static void ngx_http_schema1_send_type(ngx_http_request_t *r,
    const char *type);
static ngx_int_t ngx_http_schema1_send_response(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_send_slice(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static void ngx_http_schema1_send_true_type(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static void ngx_http_schema1_send_log(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static ngx_int_t ngx_http_schema1_send_error_headers(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
static void ngx_http_schema1_send_error_body(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);


ngx_http_output_header_filter_pt  ngx_http_schema1_next_header_filter;
ngx_http_output_body_filter_pt    ngx_http_schema1_next_body_filter;


ngx_int_t
ngx_http_schema1_send_header(ngx_http_request_t *r, ngx_uint_t vary)
{
    ngx_uint_t                    n;
    ngx_http_schema1_loc_conf_t  *slcf;

    n = 0;

    if (vary) {
        slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

        /* Accept; a variable may depend on the client's User-Agent, too */

        n = (ngx_http_schema1_platform_varies(slcf)
             || (slcf->accept && slcf->accept->lengths)) ? 2 : 1;
    }

    if (ngx_http_schema1_add_response_headers(r, n) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_schema1_next_header_filter(r);
}


ngx_int_t
ngx_http_schema1_send_passthrough(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t    rc;
    ngx_buf_t   *b;
    ngx_uint_t   tag;
    ngx_chain_t  out;

    /* the range filter has not seen the body */

    r->allow_ranges = 0;

    tag = (ctx->uri.kind == SCHEMA1_URI_TAG);

    if (tag) {
        ngx_http_schema1_send_true_type(r, ctx);
        ngx_http_schema1_condition_evaluate(r);
    }

    rc = ngx_http_schema1_send_header(r, tag);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {

        /* the upstream may send more, but there is no body */

        ctx->state = NGX_HTTP_SCHEMA1_SENT;

        ngx_http_schema1_response_stop(r);

        return (rc == NGX_AGAIN) ? NGX_OK : rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = ctx->response.data;
    b->last = ctx->response.data + ctx->response.len;
    b->memory = (ctx->response.len != 0);
    b->sync = (ctx->response.len == 0);
    b->last_buf = ctx->response.last;
    b->last_in_chain = ctx->response.last;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_schema1_next_body_filter(r, &out);

    return (rc == NGX_AGAIN) ? NGX_OK : rc;
}


/* a client reads a manifest by its Content-Type */

static void
ngx_http_schema1_send_true_type(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    schema1_type_e  type;

    type = schema1_media_type(
                      ngx_http_schema1_core_str(&r->headers_out.content_type));

    if (type != SCHEMA1_TYPE_GENERIC && type != ctx->answer.source_type) {
        ngx_http_schema1_send_type(r,
                             schema1_media_type_name(ctx->answer.source_type));
    }
}


ngx_int_t
ngx_http_schema1_send_converted(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_str_t          digest;
    schema1_answer_t  *answer;

    answer = &ctx->answer;

    if (answer->entries > SCHEMA1_OLD_DOCKER_LAYERS) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "schema_conversion: the manifest generated for this "
                      "request has %uz history entries, Docker before 1.10 "
                      "pulls at most %d", answer->entries,
                      SCHEMA1_OLD_DOCKER_LAYERS);
    }

    ngx_http_schema1_send_clear(r);
    ngx_http_schema1_send_type(r, schema1_media_type_name(answer->type));

    r->headers_out.status = NGX_HTTP_OK;

    ctx->rest = ngx_http_schema1_str(answer->body);

    digest = ngx_http_schema1_str(answer->digest);

    if (ngx_http_schema1_send_digest(r, &digest) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_schema1_condition_evaluate(r);

    return ngx_http_schema1_send_response(r, ctx);
}


/*
 * "If the upstream's response is 404 or a redirect, the module sends the 32
 * bytes (application/octet-stream, digest, length).  A Range header is
 * ignored."
 */

ngx_int_t
ngx_http_schema1_send_empty_layer(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    static ngx_str_t  digest = ngx_string(SCHEMA1_EMPTY_LAYER_DIGEST);

    ngx_http_schema1_send_clear(r);
    ngx_http_schema1_send_type(r, "application/octet-stream");

    /* a redirect's */

    ngx_http_clear_location(r);
    ngx_http_schema1_headers_out_remove(r, &ngx_http_schema1_hdr_location);

    r->headers_out.status = NGX_HTTP_OK;

    ctx->answer.digest = ngx_http_schema1_core_str(&digest);

    if (ngx_http_schema1_headers_out_add(r, &ngx_http_schema1_hdr_digest,
                                         &digest)
        == NULL)
    {
        return NGX_ERROR;
    }

    ctx->rest.data = (u_char *) schema1_empty_layer;
    ctx->rest.len = SCHEMA1_EMPTY_LAYER_SIZE;

    return ngx_http_schema1_send_response(r, ctx);
}


/* removes the headers that describe the upstream's body */

static void
ngx_http_schema1_send_clear(ngx_http_request_t *r)
{
    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    r->headers_out.content_encoding = NULL;

    r->headers_out.trailers.part.nelts = 0;
    r->headers_out.trailers.part.next = NULL;
    r->headers_out.trailers.last = &r->headers_out.trailers.part;

    ngx_http_schema1_headers_out_remove(r, NULL);
}


static ngx_int_t
ngx_http_schema1_send_digest(ngx_http_request_t *r, ngx_str_t *digest)
{
    ngx_str_t         quoted;
    ngx_table_elt_t  *h;

    if (ngx_http_schema1_headers_out_add(r, &ngx_http_schema1_hdr_digest,
                                         digest)
        == NULL)
    {
        return NGX_ERROR;
    }

    quoted.data = ngx_pnalloc(r->pool, digest->len + 2);
    if (quoted.data == NULL) {
        return NGX_ERROR;
    }

    quoted.len = ngx_sprintf(quoted.data, "\"%V\"", digest) - quoted.data;

    h = ngx_http_schema1_headers_out_add(r, &ngx_http_schema1_hdr_etag,
                                         &quoted);
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


/* the header, and the beginning of the body, ctx->rest */

static ngx_int_t
ngx_http_schema1_send_response(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (r->headers_out.status != NGX_HTTP_NOT_MODIFIED) {
        r->headers_out.content_length_n = ctx->rest.len;
    }

    r->headers_out.status_line.len = 0;
    r->allow_ranges = 0;

    /* the access log would show the status of nginx's error page */

    r->err_status = 0;

#if (NGX_HTTP_GZIP)

    /* gzip would drop the length and weaken the ETag */

    r->gzip_tested = 1;
    r->gzip_ok = 0;
#endif

    rc = ngx_http_schema1_send_header(r, ctx->uri.kind != SCHEMA1_URI_BLOB);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ctx->rest.len = 0;
        return (rc == NGX_AGAIN) ? NGX_OK : rc;
    }

    return ngx_http_schema1_send_slice(r, ctx);
}


/*
 * The kernel may take megabytes at once, and other connections wait for that:
 * the rest is sent in further turns of the event loop.
 */

static ngx_int_t
ngx_http_schema1_send_slice(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    size_t        n;
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

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

    b->last_buf = (ctx->rest.len == 0);
    b->last_in_chain = b->last_buf;

    out.buf = b;
    out.next = NULL;

    /*
     * a later filter may send something itself, such as the last buffer after
     * what it adds: until it returns, what arrives is not the upstream's
     */

    ctx->state = NGX_HTTP_SCHEMA1_PASS;

    rc = ngx_http_schema1_next_body_filter(r, &out);

    ctx->state = NGX_HTTP_SCHEMA1_SENT;

    if (ngx_http_schema1_send_blocked(r->connection)) {

        /* nginx would not call the filters until the upstream sends more */

        ngx_http_schema1_response_stop(r);
    }

    if (rc == NGX_ERROR || ctx->rest.len == 0) {
        return (rc == NGX_AGAIN) ? NGX_OK : rc;
    }

    if (!ngx_http_schema1_send_blocked(r->connection)) {
        ngx_post_event(&ctx->wake, &ngx_posted_next_events);
    }

    return NGX_AGAIN;
}


ngx_int_t
ngx_http_schema1_send_continue(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = r->connection;

    /*
     * later filters may have been unable to send all of it, or it waits for a
     * subrequest that one of them has started
     */

    if (r->buffered || r->postponed || c->buffered) {
        rc = ngx_http_schema1_next_body_filter(r, NULL);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    if (ctx->rest.len == 0) {
        return NGX_OK;
    }

    return ngx_http_schema1_send_blocked(c)
           ? NGX_AGAIN : ngx_http_schema1_send_slice(r, ctx);
}


ngx_int_t
ngx_http_schema1_send_error(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    const schema1_reason_info_t  *info;

    info = schema1_reason_info(ctx->error.reason);

    ctx->outcome = (info->status == NGX_HTTP_BAD_REQUEST
                    || info->status == NGX_HTTP_NOT_FOUND)
                   ? NGX_HTTP_SCHEMA1_OUTCOME_UNCONVERTIBLE
                   : NGX_HTTP_SCHEMA1_OUTCOME_ERROR;

    ngx_http_schema1_send_log(r, ctx);

    ngx_http_clean_header(r);

    if (ctx->error.reason == SCHEMA1_DENIED) {
        r->headers_out.status = ctx->fetch->response.status;

        if (ngx_http_schema1_headers_out_relay(r, ctx->fetch->request)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        /* an incomplete body is left out */

        if (ngx_http_schema1_response_complete(&ctx->fetch->response)) {
            ctx->rest.data = ctx->fetch->response.data;
            ctx->rest.len = ctx->fetch->response.len;
        }

    } else {
        r->headers_out.status = info->status;

        if (ngx_http_schema1_send_error_headers(r, ctx) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_schema1_send_type(r, "application/json");
        ngx_http_schema1_send_error_body(r, ctx);
    }

    return ngx_http_schema1_send_response(r, ctx);
}


static void
ngx_http_schema1_send_log(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_str_t         name, tag;
    schema1_error_t  *err;

    err = &ctx->error;

    name = ngx_http_schema1_str(ctx->uri.name);
    tag = ngx_http_schema1_str(ctx->uri.reference);

    if (ctx->answer.source_digest.len) {
        schema1_error_note(err->source_digest, sizeof(err->source_digest),
                           ctx->answer.source_digest);
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "schema_conversion: no manifest for \"%V:%V\": %s "
                  "(reason: %s, source: %s)",
                  &name, &tag, err->message,
                  schema1_reason_info(err->reason)->name,
                  err->source_digest[0] ? err->source_digest : "-");
}


/*
 * "The module's own error responses also have Cache-Control: no-store.  A 502
 * that results from a 503 with Retry-After keeps that header."
 */

static ngx_int_t
ngx_http_schema1_send_error_headers(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_table_elt_t  *h;

    static ngx_str_t  cache_control = ngx_string("Cache-Control");
    static ngx_str_t  no_store = ngx_string("no-store");
    static ngx_str_t  retry_after = ngx_string("Retry-After");

    if (ngx_http_schema1_headers_out_add(r, &cache_control, &no_store)
        == NULL)
    {
        return NGX_ERROR;
    }

    if (ctx->error.reason != SCHEMA1_UPSTREAM_FAILED
        || ctx->fetch->response.status != NGX_HTTP_SERVICE_UNAVAILABLE)
    {
        return NGX_OK;
    }

    h = ngx_http_schema1_headers_out_find(
                         &ctx->fetch->response.headers->headers, &retry_after);

    if (h && ngx_http_schema1_headers_out_add(r, &retry_after, &h->value)
             == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* out of memory: the status is sent without a body */

static void
ngx_http_schema1_send_error_body(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    schema1_buf_t  buf;

    ngx_memzero(&buf, sizeof(schema1_buf_t));

    if (schema1_error_body(&ctx->error, ctx->uri.name, ctx->uri.reference,
                           &buf)
        == SCHEMA1_OK)
    {
        ctx->rest = ngx_http_schema1_pool_str(r->pool, schema1_buf_str(&buf));
    }

    schema1_buf_free(&buf);
}
