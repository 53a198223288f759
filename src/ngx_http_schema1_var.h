
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_VAR_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_VAR_H_INCLUDED_


#include "ngx_http_schema1.h"


/* what $schema1_status shows, by ngx_http_schema1_outcome_e */
extern ngx_str_t  ngx_http_schema1_outcomes[];


/* before configuration: the $schema1_ variables */
ngx_int_t ngx_http_schema1_var_init(ngx_conf_t *cf);


#endif /* _NGX_HTTP_SCHEMA1_VAR_H_INCLUDED_ */
