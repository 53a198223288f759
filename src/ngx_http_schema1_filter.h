
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_FILTER_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_FILTER_H_INCLUDED_


#include "ngx_http_schema1.h"


/* at configuration: puts the filters in front of those that are there */
void ngx_http_schema1_filter_init(void);


#endif /* _NGX_HTTP_SCHEMA1_FILTER_H_INCLUDED_ */
