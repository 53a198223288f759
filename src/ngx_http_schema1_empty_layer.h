
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_EMPTY_LAYER_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_EMPTY_LAYER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1.h"


/* turns the upstream's header into the empty layer's; does not send it */
ngx_int_t ngx_http_schema1_empty_layer_header(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* sends its 32 bytes instead of the upstream's body */
ngx_int_t ngx_http_schema1_empty_layer_body(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_chain_t *in);


#endif /* _NGX_HTTP_SCHEMA1_EMPTY_LAYER_H_INCLUDED_ */
