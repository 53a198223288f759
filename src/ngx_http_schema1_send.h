
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_SEND_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_SEND_H_INCLUDED_


#include "ngx_http_schema1.h"


/* the filters after ours: everything that is sent goes to them */

extern ngx_http_output_header_filter_pt  ngx_http_schema1_next_header_filter;
extern ngx_http_output_body_filter_pt    ngx_http_schema1_next_body_filter;


/*
 * Sends the upstream's header.  A client whose conditions were kept from the
 * upstream gets its 304 here.
 */
ngx_int_t ngx_http_schema1_send_header(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/*
 * Sends what was held back as it came, and the rest of the chain, which is all
 * that is left where the answer ended.
 */
ngx_int_t ngx_http_schema1_send_held(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_chain_t *in);

/* sends what the pull came to: a converted manifest, or a child as it is */
ngx_int_t ngx_http_schema1_send_answer(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* sends and logs ctx->error, or the answer that it hands on */
ngx_int_t ngx_http_schema1_send_error(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* goes on with the two above, whenever the filters are called */
ngx_int_t ngx_http_schema1_send_rest(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* turns a 404 into the empty layer, or a part of it: first this, then that */
ngx_int_t ngx_http_schema1_send_empty_header(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);
ngx_int_t ngx_http_schema1_send_empty_body(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);


#endif /* _NGX_HTTP_SCHEMA1_SEND_H_INCLUDED_ */
