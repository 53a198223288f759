
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_CTX_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_CTX_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * The context of all requests by tag of modern clients: nothing is written to
 * it, and their URI and Accept are read only once.
 */
extern ngx_http_schema1_ctx_t  ngx_http_schema1_ctx_passthrough;


/*
 * Likewise for requests by digest and for blobs: the request has passed the
 * access phase, so a 404 of the upstream may be replaced.
 */
extern ngx_http_schema1_ctx_t  ngx_http_schema1_ctx_replaceable;


/* whether it is known to be a request by tag of a modern client */
#define ngx_http_schema1_ctx_is_passthrough(r)                                \
    (ngx_http_get_module_ctx(r, ngx_http_schema1_module)                      \
     == &ngx_http_schema1_ctx_passthrough)

/*
 * Creates the context; it is kept through internal redirects.  NULL: out of
 * memory.
 */
ngx_http_schema1_ctx_t *ngx_http_schema1_ctx_create(ngx_http_request_t *r,
    schema1_uri_t *uri);

/* the same for a request by tag of a client that is not modern */
ngx_http_schema1_ctx_t *ngx_http_schema1_ctx_create_legacy(
    ngx_http_request_t *r, schema1_uri_t *uri);

/* ctx->answer.source_type and ctx->action, by the header of the tag's 200 */
void ngx_http_schema1_ctx_decide(ngx_http_schema1_ctx_t *ctx,
    ngx_http_headers_out_t *headers);

/* finds the context again, which an internal redirect zeroed; may be NULL */
ngx_http_schema1_ctx_t *ngx_http_schema1_ctx_find(ngx_http_request_t *r);

/* the result of the request, once its response has begun */
ngx_http_schema1_outcome_e ngx_http_schema1_ctx_outcome(ngx_http_request_t *r);

/* the URI of a request with a "%"; OTHER if out of memory, too */
schema1_uri_e ngx_http_schema1_ctx_encoded_uri(ngx_http_request_t *r,
    schema1_uri_t *uri);


/* the context of a request, NULL if the module does not handle it (so far) */

static ngx_inline ngx_http_schema1_ctx_t *
ngx_http_schema1_ctx_get(ngx_http_request_t *r)
{
    ngx_http_schema1_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    if (ctx) {
        return ctx->conf ? ctx : NULL;
    }

    return r->internal ? ngx_http_schema1_ctx_find(r) : NULL;
}


/*
 * Reads the URI as the client sent it.  OTHER for subrequests and for methods
 * other than GET and HEAD.
 */

static SCHEMA1_INLINE schema1_uri_e
ngx_http_schema1_ctx_uri(ngx_http_request_t *r, schema1_uri_t *uri)
{
    schema1_str_t  target;
    schema1_uri_e  kind;

    if (r != r->main || !(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return SCHEMA1_URI_OTHER;
    }

    target = ngx_http_schema1_core_str(&r->unparsed_uri);

    kind = schema1_uri_read(uri, target, NULL);

    if (kind != SCHEMA1_URI_OTHER) {
        return kind;
    }

    return ngx_http_schema1_ctx_encoded_uri(r, uri);
}


#endif /* _NGX_HTTP_SCHEMA1_CTX_H_INCLUDED_ */
