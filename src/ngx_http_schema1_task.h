
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_TASK_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_TASK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1.h"


/* runs the core; uses no function of nginx and no memory pool */
typedef void (*ngx_http_schema1_task_pt)(ngx_http_schema1_ctx_t *ctx);


/*
 * Runs a task, in a thread if a pool is configured.  Called again with the
 * same handler until it does not return NGX_AGAIN:
 *
 * NGX_OK     the task is complete, ctx->step is its result
 * NGX_AGAIN  a thread runs it; ctx->wake is posted when it is complete
 * NGX_ERROR  out of memory
 */
ngx_int_t ngx_http_schema1_task(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_task_pt handler);


#endif /* _NGX_HTTP_SCHEMA1_TASK_H_INCLUDED_ */
