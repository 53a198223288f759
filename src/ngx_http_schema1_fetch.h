
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_FETCH_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_FETCH_H_INCLUDED_


#include "ngx_http_schema1_body.h"


typedef enum {
    NGX_HTTP_SCHEMA1_FETCH_TAG = 0,     /* the tag's document, after a HEAD */
    NGX_HTTP_SCHEMA1_FETCH_MANIFEST,
    NGX_HTTP_SCHEMA1_FETCH_CONFIG,
    NGX_HTTP_SCHEMA1_FETCH_SOURCE       /* the tag's document, by digest */
} ngx_http_schema1_fetch_e;


struct ngx_http_schema1_fetch_s {
    ngx_http_request_t        *request;     /* the subrequest */
    ngx_http_schema1_fetch_e   kind;
    ngx_http_schema1_body_t    body;
    ngx_str_t                  reference;   /* digest or tag */

    ngx_str_t                  path;        /* with the query; own only */
    ngx_str_t                  url;         /* foreign only */
    ngx_uint_t                 hops;
    ngx_uint_t                 status;

    unsigned                   timed_out:1; /* no header came in time */
    unsigned                   failed:1;    /* ended without an answer */
    unsigned                   accel:1;     /* has X-Accel-Redirect */
};


/*
 * Starts to fetch a document under the name that the client asked for, through
 * the user's own locations and with the client's credentials.  The filters are
 * called with no input when it has ended.  NGX_ERROR: could not be started.
 */
ngx_int_t ngx_http_schema1_fetch(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_fetch_e kind,
    ngx_str_t *reference);

/*
 * What the fetch under way came to:
 *
 * NGX_AGAIN  it goes on, here or where a redirect leads
 * NGX_OK     ctx->document is the document, whole
 * NGX_ERROR  ctx->error says why there is none; where its reason is DENIED,
 *            the answer to ctx->fetch is to be handed on
 */
ngx_int_t ngx_http_schema1_fetch_result(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* the fetch that a subrequest was made for, NULL for anybody else's */
ngx_http_schema1_fetch_t *ngx_http_schema1_fetch_get(ngx_http_request_t *r);

/*
 * "X-Accel-Redirect in a response from an external host is refused": nginx has
 * redirected the subrequest already, NGX_HTTP_BAD_GATEWAY keeps it from running
 * in the location.  Else NGX_DECLINED.
 */
ngx_int_t ngx_http_schema1_fetch_refuse_accel(ngx_http_request_t *r,
    ngx_http_schema1_fetch_t *fetch);

/* the filters of such a subrequest */
ngx_int_t ngx_http_schema1_fetch_header_filter(ngx_http_request_t *r,
    ngx_http_schema1_fetch_t *fetch);
ngx_int_t ngx_http_schema1_fetch_body_filter(ngx_http_request_t *r,
    ngx_http_schema1_fetch_t *fetch, ngx_chain_t *in);


#endif /* _NGX_HTTP_SCHEMA1_FETCH_H_INCLUDED_ */
