
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_PROCESS_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_PROCESS_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * Runs the states of a request whose header is held back, from ctx->state
 * until it has to wait or has sent its response.  Returns what a filter does.
 * A request that waits is resumed when ctx->wake is posted.
 */
ngx_int_t ngx_http_schema1_process(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/*
 * The same, with ctx->error as the result, which is out of memory unless it is
 * set.  For a request by digest the upstream's 404 is kept, whatever the error.
 */
ngx_int_t ngx_http_schema1_process_error(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);


#endif /* _NGX_HTTP_SCHEMA1_PROCESS_H_INCLUDED_ */
