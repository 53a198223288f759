
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_REQUEST_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_REQUEST_H_INCLUDED_


#include "ngx_http_schema1.h"


/* in the precontent phase: replaces what is sent upstream */
ngx_int_t ngx_http_schema1_request_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_SCHEMA1_REQUEST_H_INCLUDED_ */
