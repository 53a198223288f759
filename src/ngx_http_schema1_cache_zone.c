
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_cache_zone.h"


/* limits of a request by digest: subrequests, entries examined */
#define NGX_HTTP_SCHEMA1_CACHE_SOURCES   8
#define NGX_HTTP_SCHEMA1_CACHE_EXAMINED  128


/*
 * "data" is the key, the digest, the source's digest, and the body; the answer
 * points into it.  Of all entries with the same digest, the tree has the
 * oldest; "same" is a ring of them, in the order in which they were stored.
 */

typedef struct {
    ngx_str_node_t                   key;
    ngx_str_node_t                   digest;
    ngx_queue_t                      same;
    ngx_rbtree_node_t                tag_node;
    ngx_queue_t                      queue;
    time_t                           used;

    size_t                           repository;    /* bytes of the key */
    schema1_answer_t                 answer;

    u_char                           data[1];
} ngx_http_schema1_cache_entry_t;


/*
 * A worker can be killed at any instruction, and nginx then unlocks the zone.
 * While the zone is modified, shpool->data is NULL.  A worker that locks the
 * zone and finds it NULL empties the zone.
 */

struct ngx_http_schema1_cache_shctx_s {
    ngx_rbtree_t                     tree;
    ngx_rbtree_node_t                sentinel;
    ngx_rbtree_t                     digest_tree;
    ngx_rbtree_node_t                digest_sentinel;
    ngx_rbtree_t                     tag_tree;
    ngx_rbtree_node_t                tag_sentinel;
    ngx_queue_t                      queue;     /* most recently used first */
    schema1_metrics_cache_t          stats;
};


static ngx_int_t ngx_http_schema1_cache_zone_create(
    ngx_http_schema1_cache_t *cache);
static ngx_http_schema1_cache_t *ngx_http_schema1_cache_zone_lock(
    ngx_shm_zone_t *zone);
static void ngx_http_schema1_cache_zone_modify(
    ngx_http_schema1_cache_t *cache);
static void ngx_http_schema1_cache_zone_unlock(
    ngx_http_schema1_cache_t *cache);
static ngx_int_t ngx_http_schema1_cache_zone_add_sources(
    ngx_http_schema1_cache_t *cache, ngx_http_schema1_cache_key_t *key,
    ngx_str_t *digest, schema1_answer_t *answer, ngx_array_t *sources,
    ngx_pool_t *pool);
static ngx_http_schema1_cache_entry_t *ngx_http_schema1_cache_zone_oldest(
    ngx_http_schema1_cache_t *cache, ngx_str_t *digest, uint32_t hash);
static ngx_int_t ngx_http_schema1_cache_zone_add_source(
    ngx_http_schema1_cache_entry_t *entry, ngx_array_t *sources,
    ngx_pool_t *pool);
static ngx_int_t ngx_http_schema1_cache_zone_copy(
    ngx_http_schema1_cache_entry_t *entry, schema1_answer_t *answer,
    ngx_pool_t *pool);
static ngx_http_schema1_cache_entry_t *ngx_http_schema1_cache_zone_alloc(
    ngx_http_schema1_cache_t *cache, size_t size);
static void ngx_http_schema1_cache_zone_fill(
    ngx_http_schema1_cache_entry_t *entry, ngx_http_schema1_cache_key_t *key,
    schema1_answer_t *answer);
static void ngx_http_schema1_cache_zone_insert(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_entry_t *entry);
static void ngx_http_schema1_cache_zone_remove(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_entry_t *entry);
static void ngx_http_schema1_cache_zone_touch(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_entry_t *entry);
static void ngx_http_schema1_cache_zone_expire(
    ngx_http_schema1_cache_t *cache);


ngx_int_t
ngx_http_schema1_cache_zone_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_http_schema1_cache_t  *cache;

    cache = zone->data;
    cache->shpool = (ngx_slab_pool_t *) zone->shm.addr;

    if (data || zone->shm.exists) {
        return NGX_OK;
    }

    return ngx_http_schema1_cache_zone_create(cache);
}


static ngx_int_t
ngx_http_schema1_cache_zone_create(ngx_http_schema1_cache_t *cache)
{
    ngx_http_schema1_cache_shctx_t  *sh;

    sh = ngx_slab_calloc_locked(cache->shpool,
                                sizeof(ngx_http_schema1_cache_shctx_t));
    if (sh == NULL) {
        return NGX_ERROR;
    }

    /* entries are evicted if memory is short */

    cache->shpool->log_nomem = 0;

    ngx_rbtree_init(&sh->tree, &sh->sentinel, ngx_str_rbtree_insert_value);
    ngx_rbtree_init(&sh->digest_tree, &sh->digest_sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_rbtree_init(&sh->tag_tree, &sh->tag_sentinel, ngx_rbtree_insert_value);
    ngx_queue_init(&sh->queue);

    cache->shpool->data = sh;
    cache->sh = sh;

    return NGX_OK;
}


/* NULL: no memory; the zone is not locked */

static ngx_http_schema1_cache_t *
ngx_http_schema1_cache_zone_lock(ngx_shm_zone_t *zone)
{
    ngx_http_schema1_cache_t  *cache;

    cache = zone->data;

    ngx_shmtx_lock(&cache->shpool->mutex);

    cache->sh = cache->shpool->data;

    if (cache->sh) {
        return cache;
    }

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "schema_conversion_cache \"%V\" was emptied because a "
                  "process exited while modifying it", &zone->shm.name);

    ngx_slab_init(cache->shpool);

    if (ngx_http_schema1_cache_zone_create(cache) != NGX_OK) {
        ngx_shmtx_unlock(&cache->shpool->mutex);
        return NULL;
    }

    return cache;
}


static void
ngx_http_schema1_cache_zone_modify(ngx_http_schema1_cache_t *cache)
{
    cache->shpool->data = NULL;

    ngx_memory_barrier();
}


static void
ngx_http_schema1_cache_zone_unlock(ngx_http_schema1_cache_t *cache)
{
    ngx_memory_barrier();

    cache->shpool->data = cache->sh;

    ngx_shmtx_unlock(&cache->shpool->mutex);
}


uint32_t
ngx_http_schema1_cache_zone_hash(schema1_str_t digest)
{
    return ngx_murmur_hash2((u_char *) digest.data, digest.len);
}


ngx_int_t
ngx_http_schema1_cache_zone_get(ngx_shm_zone_t *zone,
    ngx_http_schema1_cache_key_t *key, schema1_answer_t *answer,
    ngx_pool_t *pool, ngx_uint_t last)
{
    ngx_int_t                        rc;
    ngx_http_schema1_cache_t        *cache;
    ngx_http_schema1_cache_entry_t  *entry;

    rc = NGX_DECLINED;

    cache = ngx_http_schema1_cache_zone_lock(zone);
    if (cache == NULL) {
        return NGX_DECLINED;
    }

    /* the key is the first member */

    entry = (ngx_http_schema1_cache_entry_t *)
                ngx_str_rbtree_lookup(&cache->sh->tree, &key->str, key->hash);

    if (entry && ngx_time() - entry->used <= cache->inactive) {
        rc = ngx_http_schema1_cache_zone_copy(entry, answer, pool);
    }

    ngx_http_schema1_cache_zone_modify(cache);

    if (rc == NGX_OK) {
        ngx_http_schema1_cache_zone_touch(cache, entry);
        cache->sh->stats.hits++;

    } else if (last) {
        cache->sh->stats.misses++;
    }

    ngx_http_schema1_cache_zone_expire(cache);

    ngx_http_schema1_cache_zone_unlock(cache);

    return rc;
}


ngx_uint_t
ngx_http_schema1_cache_zone_has_tag(ngx_shm_zone_t *zone,
    ngx_rbtree_key_t tag_hash)
{
    ngx_uint_t                 found;
    ngx_rbtree_node_t         *node, *sentinel;
    ngx_http_schema1_cache_t  *cache;

    cache = ngx_http_schema1_cache_zone_lock(zone);
    if (cache == NULL) {
        return 0;
    }

    node = cache->sh->tag_tree.root;
    sentinel = cache->sh->tag_tree.sentinel;

    while (node != sentinel && node->key != tag_hash) {
        node = (tag_hash < node->key) ? node->left : node->right;
    }

    found = (node != sentinel);

    ngx_http_schema1_cache_zone_unlock(cache);

    return found;
}


ngx_int_t
ngx_http_schema1_cache_zone_find(ngx_shm_zone_t *zone,
    ngx_http_schema1_cache_key_t *key, ngx_str_t *digest,
    schema1_answer_t *answer, ngx_array_t *sources, ngx_pool_t *pool)
{
    ngx_int_t                  rc;
    ngx_http_schema1_cache_t  *cache;

    cache = ngx_http_schema1_cache_zone_lock(zone);
    if (cache == NULL) {
        return NGX_DECLINED;
    }

    ngx_http_schema1_cache_zone_modify(cache);

    ngx_http_schema1_cache_zone_expire(cache);

    rc = ngx_http_schema1_cache_zone_add_sources(cache, key, digest, answer,
                                                 sources, pool);
    if (rc == NGX_OK) {
        cache->sh->stats.hits++;
    }

    ngx_http_schema1_cache_zone_unlock(cache);

    return rc;
}


/*
 * "Several sources can result in the same digest.  Any of them that still
 * exists is sufficient."
 */

static ngx_int_t
ngx_http_schema1_cache_zone_add_sources(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_key_t *key, ngx_str_t *digest,
    schema1_answer_t *answer, ngx_array_t *sources, ngx_pool_t *pool)
{
    ngx_uint_t                       n;
    ngx_http_schema1_cache_entry_t  *entry, *oldest;

    oldest = ngx_http_schema1_cache_zone_oldest(cache, digest, key->hash);
    if (oldest == NULL) {
        return NGX_DECLINED;
    }

    entry = oldest;

    for (n = 0; n < NGX_HTTP_SCHEMA1_CACHE_EXAMINED; n++) {
        entry = ngx_queue_data(ngx_queue_prev(&entry->same),
                               ngx_http_schema1_cache_entry_t, same);

        /* a location or an upstream may have the same image as another */

        if (entry->answer.converted
            && ngx_time() - entry->used <= cache->inactive
            && entry->repository == key->repository
            && ngx_memcmp(entry->data, key->str.data, key->repository) == 0)
        {
            if ((sources->nelts == 0
                 && ngx_http_schema1_cache_zone_copy(entry, answer, pool)
                    != NGX_OK)
                || ngx_http_schema1_cache_zone_add_source(entry, sources, pool)
                   != NGX_OK)
            {
                return NGX_DECLINED;
            }

            ngx_http_schema1_cache_zone_touch(cache, entry);
        }

        if (entry == oldest
            || sources->nelts == NGX_HTTP_SCHEMA1_CACHE_SOURCES)
        {
            break;
        }
    }

    return sources->nelts ? NGX_OK : NGX_DECLINED;
}


static ngx_http_schema1_cache_entry_t *
ngx_http_schema1_cache_zone_oldest(ngx_http_schema1_cache_t *cache,
    ngx_str_t *digest, uint32_t hash)
{
    ngx_str_node_t  *node;

    node = ngx_str_rbtree_lookup(&cache->sh->digest_tree, digest, hash);
    if (node == NULL) {
        return NULL;
    }

    return (ngx_http_schema1_cache_entry_t *)
           ((u_char *) node - offsetof(ngx_http_schema1_cache_entry_t, digest));
}


static ngx_int_t
ngx_http_schema1_cache_zone_add_source(ngx_http_schema1_cache_entry_t *entry,
    ngx_array_t *sources, ngx_pool_t *pool)
{
    ngx_uint_t                        i;
    schema1_str_t                     digest;
    ngx_http_schema1_cache_source_t  *source;

    digest = entry->answer.source_digest;

    source = sources->elts;

    for (i = 0; i < sources->nelts; i++) {

        if (source[i].type == entry->answer.source_type
            && source[i].digest.len == digest.len
            && ngx_memcmp(source[i].digest.data, digest.data, digest.len) == 0)
        {
            return NGX_OK;
        }
    }

    source = ngx_array_push(sources);
    if (source == NULL) {
        return NGX_ERROR;
    }

    source->type = entry->answer.source_type;
    source->digest.len = digest.len;
    source->digest.data = (char *) ngx_http_schema1_pool_str(pool, digest).data;

    return source->digest.data ? NGX_OK : NGX_ERROR;
}


/* one allocation, one copy: digest, source digest, and body are contiguous */

static ngx_int_t
ngx_http_schema1_cache_zone_copy(ngx_http_schema1_cache_entry_t *entry,
    schema1_answer_t *answer, ngx_pool_t *pool)
{
    char    *p;
    size_t   len;

    len = entry->answer.digest.len + entry->answer.source_digest.len
          + entry->answer.body.len;

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_DECLINED;
    }

    ngx_memcpy(p, entry->answer.digest.data, len);

    *answer = entry->answer;

    answer->digest.data = p;
    p += answer->digest.len;

    answer->source_digest.data = p;
    p += answer->source_digest.len;

    answer->body.data = p;

    return NGX_OK;
}


ngx_int_t
ngx_http_schema1_cache_zone_put(ngx_shm_zone_t *zone,
    ngx_http_schema1_cache_key_t *key, schema1_answer_t *answer)
{
    size_t                           size;
    ngx_http_schema1_cache_t        *cache;
    ngx_http_schema1_cache_entry_t  *entry;

    size = offsetof(ngx_http_schema1_cache_entry_t, data) + key->str.len
           + answer->digest.len + answer->source_digest.len
           + answer->body.len;

    /* "No entry occupies more than a quarter of its zone." */

    if (size > ngx_pagesize / 2) {
        size = ngx_align(size, ngx_pagesize);
    }

    if (size > zone->shm.size / 4) {
        return NGX_DECLINED;
    }

    cache = ngx_http_schema1_cache_zone_lock(zone);
    if (cache == NULL) {
        return NGX_DECLINED;
    }

    ngx_http_schema1_cache_zone_modify(cache);

    entry = (ngx_http_schema1_cache_entry_t *)
                ngx_str_rbtree_lookup(&cache->sh->tree, &key->str, key->hash);

    if (entry) {

        /* another worker has already stored this entry */

        ngx_http_schema1_cache_zone_remove(cache, entry);
    }

    entry = ngx_http_schema1_cache_zone_alloc(cache, size);

    if (entry) {
        ngx_http_schema1_cache_zone_fill(entry, key, answer);
        ngx_http_schema1_cache_zone_insert(cache, entry);
    }

    ngx_http_schema1_cache_zone_unlock(cache);

    return entry ? NGX_OK : NGX_DECLINED;
}


static ngx_http_schema1_cache_entry_t *
ngx_http_schema1_cache_zone_alloc(ngx_http_schema1_cache_t *cache, size_t size)
{
    ngx_queue_t                     *q;
    ngx_http_schema1_cache_entry_t  *entry;

    ngx_http_schema1_cache_zone_expire(cache);

    for ( ;; ) {
        entry = ngx_slab_alloc_locked(cache->shpool, size);

        if (entry || ngx_queue_empty(&cache->sh->queue)) {
            return entry;
        }

        /* "The least recently used entries are evicted first." */

        q = ngx_queue_last(&cache->sh->queue);

        ngx_http_schema1_cache_zone_remove(cache,
                     ngx_queue_data(q, ngx_http_schema1_cache_entry_t, queue));

        cache->sh->stats.evictions++;
    }
}


static void
ngx_http_schema1_cache_zone_fill(ngx_http_schema1_cache_entry_t *entry,
    ngx_http_schema1_cache_key_t *key, schema1_answer_t *answer)
{
    u_char  *p;

    entry->used = ngx_time();
    entry->repository = key->repository;
    entry->tag_node.key = key->tag_hash;
    entry->key.node.key = key->hash;
    entry->key.str.len = key->str.len;
    entry->key.str.data = entry->data;
    p = ngx_cpymem(entry->data, key->str.data, key->str.len);

    entry->answer = *answer;

    entry->answer.digest.data = (char *) p;
    p = ngx_cpymem(p, answer->digest.data, answer->digest.len);

    entry->answer.source_digest.data = (char *) p;
    p = ngx_cpymem(p, answer->source_digest.data, answer->source_digest.len);

    entry->answer.body.data = (char *) p;
    ngx_memcpy(p, answer->body.data, answer->body.len);

    entry->digest.str = ngx_http_schema1_str(entry->answer.digest);
    entry->digest.node.key = ngx_http_schema1_cache_zone_hash(answer->digest);
}


static void
ngx_http_schema1_cache_zone_insert(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_entry_t *entry)
{
    ngx_http_schema1_cache_entry_t  *oldest;

    ngx_rbtree_insert(&cache->sh->tree, &entry->key.node);
    ngx_rbtree_insert(&cache->sh->tag_tree, &entry->tag_node);

    oldest = ngx_http_schema1_cache_zone_oldest(cache, &entry->digest.str,
                                                entry->digest.node.key);
    if (oldest) {
        ngx_queue_insert_tail(&oldest->same, &entry->same);

    } else {
        ngx_queue_init(&entry->same);
        ngx_rbtree_insert(&cache->sh->digest_tree, &entry->digest.node);
    }

    ngx_queue_insert_head(&cache->sh->queue, &entry->queue);

    cache->sh->stats.entries++;
    cache->sh->stats.bytes += entry->answer.body.len;
}


static void
ngx_http_schema1_cache_zone_remove(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_entry_t *entry)
{
    ngx_queue_t                     *next;
    ngx_http_schema1_cache_entry_t  *oldest;

    ngx_rbtree_delete(&cache->sh->tree, &entry->key.node);
    ngx_rbtree_delete(&cache->sh->tag_tree, &entry->tag_node);

    oldest = ngx_http_schema1_cache_zone_oldest(cache, &entry->digest.str,
                                                entry->digest.node.key);
    next = ngx_queue_next(&entry->same);

    ngx_queue_remove(&entry->same);

    if (entry == oldest) {
        ngx_rbtree_delete(&cache->sh->digest_tree, &entry->digest.node);

        if (next != &entry->same) {
            oldest = ngx_queue_data(next, ngx_http_schema1_cache_entry_t,
                                    same);
            ngx_rbtree_insert(&cache->sh->digest_tree, &oldest->digest.node);
        }
    }

    ngx_queue_remove(&entry->queue);

    cache->sh->stats.entries--;
    cache->sh->stats.bytes -= entry->answer.body.len;

    ngx_slab_free_locked(cache->shpool, entry);
}


static void
ngx_http_schema1_cache_zone_touch(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_entry_t *entry)
{
    entry->used = ngx_time();

    ngx_queue_remove(&entry->queue);
    ngx_queue_insert_head(&cache->sh->queue, &entry->queue);
}


/* a few entries each time */

static void
ngx_http_schema1_cache_zone_expire(ngx_http_schema1_cache_t *cache)
{
    ngx_uint_t                       n;
    ngx_queue_t                     *q;
    ngx_http_schema1_cache_entry_t  *entry;

    for (n = 0; n < 3 && !ngx_queue_empty(&cache->sh->queue); n++) {

        q = ngx_queue_last(&cache->sh->queue);
        entry = ngx_queue_data(q, ngx_http_schema1_cache_entry_t, queue);

        if (ngx_time() - entry->used <= cache->inactive) {
            return;
        }

        ngx_http_schema1_cache_zone_remove(cache, entry);
    }
}


void
ngx_http_schema1_cache_zone_stats(ngx_shm_zone_t *zone,
    schema1_metrics_cache_t *stats)
{
    ngx_http_schema1_cache_t  *cache;

    ngx_memzero(stats, sizeof(schema1_metrics_cache_t));

    cache = ngx_http_schema1_cache_zone_lock(zone);

    if (cache) {
        *stats = cache->sh->stats;
        ngx_http_schema1_cache_zone_unlock(cache);
    }
}
