
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_CACHE_ZONE_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_CACHE_ZONE_H_INCLUDED_


#include "ngx_http_schema1.h"
#include "core/schema1_metrics.h"


/* "data" of a shared memory zone of this kind */

typedef struct ngx_http_schema1_cache_shctx_s  ngx_http_schema1_cache_shctx_t;

typedef struct {
    ngx_slab_pool_t                 *shpool;
    ngx_http_schema1_cache_shctx_t  *sh;        /* while it is locked */
    time_t                           inactive;
} ngx_http_schema1_cache_t;


/* the document that a converted manifest was created from */

typedef struct {
    schema1_str_t               digest;
    schema1_type_e              type;
} ngx_http_schema1_cache_source_t;


/* the zone's "init" */
ngx_int_t ngx_http_schema1_cache_zone_init(ngx_shm_zone_t *zone, void *data);

/* of a digest, for the trees */
uint32_t ngx_http_schema1_cache_zone_hash(schema1_str_t digest);

/*
 * Copies the entry into "pool"; NGX_DECLINED: there is none, or no memory.  A
 * miss is counted only if no other lookup follows for the request.
 */
ngx_int_t ngx_http_schema1_cache_zone_get(ngx_shm_zone_t *zone,
    ngx_http_schema1_cache_key_t *key, schema1_answer_t *answer,
    ngx_pool_t *pool, ngx_uint_t last);

/* whether there is an entry whose key has this tag_hash */
ngx_uint_t ngx_http_schema1_cache_zone_has_tag(ngx_shm_zone_t *zone,
    ngx_rbtree_key_t tag_hash);

/*
 * Like zone_get(), but by key->repository and the digest of a converted
 * manifest, whose hash is key->hash.  "sources" receives the sources of all
 * entries with this digest, each once, the newest first.
 */
ngx_int_t ngx_http_schema1_cache_zone_find(ngx_shm_zone_t *zone,
    ngx_http_schema1_cache_key_t *key, ngx_str_t *digest,
    schema1_answer_t *answer, ngx_array_t *sources, ngx_pool_t *pool);

/* NGX_DECLINED: the entry is too large for the zone */
ngx_int_t ngx_http_schema1_cache_zone_put(ngx_shm_zone_t *zone,
    ngx_http_schema1_cache_key_t *key, schema1_answer_t *answer);

void ngx_http_schema1_cache_zone_stats(ngx_shm_zone_t *zone,
    schema1_metrics_cache_t *stats);


#endif /* _NGX_HTTP_SCHEMA1_CACHE_ZONE_H_INCLUDED_ */
