
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_CACHE_CONF_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_CACHE_CONF_H_INCLUDED_


#include "ngx_http_schema1.h"


/* the directives schema_conversion_cache_zone and schema_conversion_cache */
char *ngx_http_schema1_cache_conf_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_schema1_cache_conf_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * When all zones are known: NGX_ERROR if no schema_conversion_cache_zone
 * defines "zone".
 */
ngx_int_t ngx_http_schema1_cache_conf_check(ngx_conf_t *cf,
    ngx_shm_zone_t *zone);

/*
 * Sets conf->location_id to a hash of the server and location, which is the
 * same after a reload.
 */
void ngx_http_schema1_cache_conf_location_id(ngx_conf_t *cf,
    ngx_http_schema1_loc_conf_t *prev, ngx_http_schema1_loc_conf_t *conf);


#endif /* _NGX_HTTP_SCHEMA1_CACHE_CONF_H_INCLUDED_ */
