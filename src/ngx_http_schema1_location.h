
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_LOCATION_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_LOCATION_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * Resolves the Location of a fetch's response.  Sets "target", allocated from
 * r->pool, to the path and query of the registry or, with "external", to a URL.
 * NGX_ERROR: it is not followed, ctx->error is set, or out of memory.
 */
ngx_int_t ngx_http_schema1_location(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_fetch_t *fetch,
    ngx_str_t *target, ngx_uint_t *external);


#endif /* _NGX_HTTP_SCHEMA1_LOCATION_H_INCLUDED_ */
