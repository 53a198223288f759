
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_FETCH_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_FETCH_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * Starts a subrequest for a document under the name that the client requested,
 * through the user's locations and with the client's credentials.  The request
 * is resumed when it has ended, except after FETCH_HEAD.  NGX_ERROR: it could
 * not be started.
 */
ngx_int_t ngx_http_schema1_fetch(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_fetch_e kind,
    schema1_str_t reference);

/*
 * The result of ctx->fetch:
 *
 * NGX_AGAIN  it has not ended, or a redirect is followed
 * NGX_OK     ctx->document is the complete document
 * NGX_ERROR  ctx->error has the reason, if nginx was not out of memory; if that
 *            is DENIED, the response is to be relayed
 */
ngx_int_t ngx_http_schema1_fetch_result(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* the fetch of a subrequest, NULL if it is not the module's */
ngx_http_schema1_fetch_t *ngx_http_schema1_fetch_get(ngx_http_request_t *r);

/*
 * "X-Accel-Redirect in a response from an external host is refused": nginx has
 * redirected the subrequest already, NGX_HTTP_BAD_GATEWAY keeps it from running
 * in the location.  Else NGX_DECLINED.
 */
ngx_int_t ngx_http_schema1_fetch_refuse_accel(ngx_http_request_t *r);

/* the header filter of all subrequests */
ngx_int_t ngx_http_schema1_fetch_header_filter(ngx_http_request_t *r);

/* the body filter of such a subrequest */
ngx_int_t ngx_http_schema1_fetch_body_filter(ngx_http_request_t *r,
    ngx_http_schema1_fetch_t *fetch, ngx_chain_t *in);


#endif /* _NGX_HTTP_SCHEMA1_FETCH_H_INCLUDED_ */
