
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_CONDITION_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_CONDITION_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * "If a 200 passes to a client whose If-None-Match or If-Modified-Since was not
 * sent upstream, the module evaluates the condition itself", and likewise for a
 * converted manifest: turns the header into that of a 304 if it is not met
 * (RFC 9110, 13.2.2).
 */
void ngx_http_schema1_condition_evaluate(ngx_http_request_t *r);


#endif /* _NGX_HTTP_SCHEMA1_CONDITION_H_INCLUDED_ */
