
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_CACHE_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_CACHE_H_INCLUDED_


#include "ngx_http_schema1.h"


typedef struct {
    ngx_uint_t                  entries;
    ngx_uint_t                  bytes;
    ngx_uint_t                  hits;
    ngx_uint_t                  misses;
    ngx_uint_t                  evictions;
} ngx_http_schema1_cache_stats_t;


/* at configuration: schema_conversion_cache_zone, schema_conversion_cache */
char *ngx_http_schema1_cache_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_schema1_cache_use(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* at configuration, when all zones are known: whether this one is a cache's */
ngx_int_t ngx_http_schema1_cache_check(ngx_conf_t *cf, ngx_shm_zone_t *zone);

/*
 * At configuration: the name of the place that a location conf belongs to, the
 * same in every configuration that has the place.
 */
ngx_int_t ngx_http_schema1_cache_place(ngx_conf_t *cf,
    ngx_http_schema1_loc_conf_t *prev, ngx_http_schema1_loc_conf_t *slcf);

/*
 * Makes ctx->cache_key of all that the answer depends on; "source" is the
 * digest of the tag's document.  NGX_DECLINED: not a digest that keys are made
 * of.
 */
ngx_int_t ngx_http_schema1_cache_key(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, schema1_str_t *source);

/* by ctx->cache_key into ctx->answer, copied; NGX_DECLINED: not there */
ngx_int_t ngx_http_schema1_cache_get(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* by the digest of a converted manifest, under the name that is asked for */
ngx_int_t ngx_http_schema1_cache_find(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* stores ctx->answer; a zone without room stores nothing */
void ngx_http_schema1_cache_put(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

void ngx_http_schema1_cache_stats(ngx_shm_zone_t *zone,
    ngx_http_schema1_cache_stats_t *stats);


#endif /* _NGX_HTTP_SCHEMA1_CACHE_H_INCLUDED_ */
