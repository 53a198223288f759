
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_TASK_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_TASK_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * Calls the core as ctx->state requires (SNIFF, CONVERT or VERIFY), in a thread
 * if a pool is configured.  Called again until it returns NGX_OK:
 *
 * NGX_OK     ctx->step is the result
 * NGX_AGAIN  a thread runs it; ctx->wake is posted when it is complete
 */
ngx_int_t ngx_http_schema1_task(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);


#endif /* _NGX_HTTP_SCHEMA1_TASK_H_INCLUDED_ */
