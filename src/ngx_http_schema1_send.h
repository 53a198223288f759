
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_SEND_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_SEND_H_INCLUDED_


#include "ngx_http_schema1.h"


/* the filters after this module's: everything that is sent goes to them */

extern ngx_http_output_header_filter_pt  ngx_http_schema1_next_header_filter;
extern ngx_http_output_body_filter_pt    ngx_http_schema1_next_body_filter;


/*
 * Adds the headers that every response has, with "vary" also those of a request
 * by tag, and sends the header.
 */
ngx_int_t ngx_http_schema1_send_header(ngx_http_request_t *r, ngx_uint_t vary);

/*
 * The functions below are the last states of a request: NGX_AGAIN if there is
 * more to send, else what a filter returns.
 */

/* sends what was held back, as the upstream sent it; the rest may follow */
ngx_int_t ngx_http_schema1_send_passthrough(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* sends ctx->answer: a converted manifest, or a child unchanged */
ngx_int_t ngx_http_schema1_send_converted(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* logs and sends ctx->error, or the registry's response that it relays */
ngx_int_t ngx_http_schema1_send_error(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* sends the empty layer instead of the upstream's 404 or redirect */
ngx_int_t ngx_http_schema1_send_empty_layer(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* sends more of the three above */
ngx_int_t ngx_http_schema1_send_continue(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);


#endif /* _NGX_HTTP_SCHEMA1_SEND_H_INCLUDED_ */
