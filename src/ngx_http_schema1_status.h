
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_STATUS_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_STATUS_H_INCLUDED_


#include "ngx_http_schema1.h"


/* at configuration: schema_conversion_status */
char *ngx_http_schema1_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* at configuration: requests are counted if the counters are served */
ngx_int_t ngx_http_schema1_status_init(ngx_conf_t *cf);


#endif /* _NGX_HTTP_SCHEMA1_STATUS_H_INCLUDED_ */
