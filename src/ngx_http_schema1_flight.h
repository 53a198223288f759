
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_FLIGHT_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_FLIGHT_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * Within a worker one request converts, and the others with the same cache key
 * wait for it: NGX_OK to go on, NGX_AGAIN to wait.  A request that waits is
 * woken when the other has left, or after a while, and is not made to wait
 * again.
 */
ngx_int_t ngx_http_schema1_flight_join(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* has converted, or gives up, or is gone; may be called at any time */
void ngx_http_schema1_flight_leave(ngx_http_schema1_ctx_t *ctx);


#endif /* _NGX_HTTP_SCHEMA1_FLIGHT_H_INCLUDED_ */
