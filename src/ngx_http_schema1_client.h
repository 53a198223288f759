
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_CLIENT_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_CLIENT_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * Whether the client is modern, by its Accept lines.  False if the value of
 * schema_conversion_accept replaces them.
 */
ngx_uint_t ngx_http_schema1_client_is_modern(ngx_http_request_t *r);

/*
 * Reads all Accept lines of the client, or the value of
 * schema_conversion_accept.  Adds them to "lines", as schema1_str_t, in their
 * order; if that is NULL, returns NGX_DECLINED for such a value.  NGX_ERROR: out
 * of memory.
 */
ngx_int_t ngx_http_schema1_client_accept(ngx_http_request_t *r,
    schema1_accept_t *accept, ngx_array_t *lines);


#endif /* _NGX_HTTP_SCHEMA1_CLIENT_H_INCLUDED_ */
