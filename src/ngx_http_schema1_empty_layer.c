
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/schema1_convert.h"
#include "ngx_http_schema1_body.h"
#include "ngx_http_schema1_empty_layer.h"
#include "ngx_http_schema1_headers_out.h"
#include "ngx_http_schema1_send.h"


/*
 * "If the upstream's response is 404 or a redirect, the module sends the 32
 * bytes (application/octet-stream, digest, length).  A Range header is
 * ignored."
 */

ngx_int_t
ngx_http_schema1_empty_layer_header(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    static ngx_str_t  digest = ngx_string(SCHEMA1_EMPTY_LAYER_DIGEST);

    ngx_http_schema1_send_clear(r);
    ngx_http_schema1_send_type(r, "application/octet-stream");
    ngx_http_schema1_send_own(r);

    /* a redirect's */

    ngx_http_clear_location(r);
    ngx_http_schema1_headers_out_remove(r, &ngx_http_schema1_hdr_location);

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = SCHEMA1_EMPTY_LAYER_SIZE;

    ctx->answer.digest = ngx_http_schema1_core_str(&digest);

    return ngx_http_schema1_headers_out_add(r, &ngx_http_schema1_hdr_digest,
                                            &digest)
           ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_schema1_empty_layer_body(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_chain_t *in)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    if (in == NULL) {
        return NGX_OK;
    }

    ngx_http_schema1_body_discard(in);

    if (r->header_only) {
        ctx->state = NGX_HTTP_SCHEMA1_SENT;
        return NGX_OK;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = (u_char *) schema1_empty_layer;
    b->last = b->pos + SCHEMA1_EMPTY_LAYER_SIZE;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_schema1_send_chain(r, ctx, &out);

    ngx_http_schema1_body_stop(r);

    return rc;
}
