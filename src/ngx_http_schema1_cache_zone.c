
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
 * "data" is the key, the digest, the source's digest, and the body.  Of all
 * converted entries with the same digest, the tree has the oldest; "same" is a
 * ring of them, in the order in which they were stored.
 */

typedef struct {
    ngx_str_node_t                   key;
    ngx_str_node_t                   digest;
    ngx_queue_t                      same;
    ngx_rbtree_node_t                tag_node;
    ngx_queue_t                      queue;
    time_t                           used;

    schema1_type_e                   type;
    schema1_type_e                   source_type;
    ngx_uint_t                       history;
    ngx_uint_t                       converted;

    size_t                           repository_len;
    size_t                           source_len;
    size_t                           body_len;

    u_char                           data[1];
} ngx_http_schema1_cache_entry_t;


/*
 * A worker can be killed at any instruction, and nginx then unlocks the zone.
 * While the zone is modified, shpool->data is NULL.  A worker that locks the
 * zone and finds it NULL empties the zone.
 */

typedef struct {
    ngx_rbtree_t                     tree;
    ngx_rbtree_node_t                sentinel;
    ngx_rbtree_t                     digest_tree;
    ngx_rbtree_node_t                digest_sentinel;
    ngx_rbtree_t                     tag_tree;
    ngx_rbtree_node_t                tag_sentinel;
    ngx_queue_t                      queue;     /* most recently used first */
    schema1_metrics_cache_t          stats;
} ngx_http_schema1_cache_shctx_t;


#define ngx_http_schema1_cache_entry_source(entry)                            \
    ((entry)->digest.str.data + (entry)->digest.str.len)


static ngx_http_schema1_cache_shctx_t *ngx_http_schema1_cache_zone_create(
    ngx_slab_pool_t *shpool);
static ngx_http_schema1_cache_shctx_t *ngx_http_schema1_cache_zone_lock(
    ngx_shm_zone_t *zone);
static void ngx_http_schema1_cache_zone_modify(ngx_slab_pool_t *shpool);
static void ngx_http_schema1_cache_zone_unlock(ngx_slab_pool_t *shpool,
    ngx_http_schema1_cache_shctx_t *sh);
static ngx_http_schema1_cache_entry_t *ngx_http_schema1_cache_zone_oldest(
    ngx_http_schema1_cache_shctx_t *sh, ngx_str_t *digest);
static ngx_int_t ngx_http_schema1_cache_zone_add_sources(
    ngx_http_schema1_cache_t *cache, ngx_http_schema1_cache_shctx_t *sh,
    ngx_http_schema1_cache_key_t *key, ngx_str_t *digest, ngx_array_t *sources,
    ngx_pool_t *pool, ngx_http_schema1_cache_entry_t **newest);
static ngx_int_t ngx_http_schema1_cache_zone_add_source(
    ngx_http_schema1_cache_entry_t *entry, ngx_array_t *sources,
    ngx_pool_t *pool);
static ngx_int_t ngx_http_schema1_cache_zone_copy(
    ngx_http_schema1_cache_entry_t *entry, schema1_answer_t *answer,
    ngx_pool_t *pool);
static ngx_http_schema1_cache_entry_t *ngx_http_schema1_cache_zone_alloc(
    ngx_http_schema1_cache_t *cache, ngx_http_schema1_cache_shctx_t *sh,
    size_t size);
static void ngx_http_schema1_cache_zone_fill(
    ngx_http_schema1_cache_entry_t *entry, ngx_http_schema1_cache_key_t *key,
    schema1_answer_t *answer);
static void ngx_http_schema1_cache_zone_insert(
    ngx_http_schema1_cache_shctx_t *sh, ngx_http_schema1_cache_entry_t *entry);
static void ngx_http_schema1_cache_zone_insert_digest(
    ngx_http_schema1_cache_shctx_t *sh, ngx_http_schema1_cache_entry_t *entry);
static void ngx_http_schema1_cache_zone_remove(ngx_slab_pool_t *shpool,
    ngx_http_schema1_cache_shctx_t *sh, ngx_http_schema1_cache_entry_t *entry);
static void ngx_http_schema1_cache_zone_remove_digest(
    ngx_http_schema1_cache_shctx_t *sh, ngx_http_schema1_cache_entry_t *entry);
static void ngx_http_schema1_cache_zone_touch(
    ngx_http_schema1_cache_shctx_t *sh, ngx_http_schema1_cache_entry_t *entry);
static void ngx_http_schema1_cache_zone_expire(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_shctx_t *sh);


ngx_int_t
ngx_http_schema1_cache_zone_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_http_schema1_cache_t *old = data;

    ngx_http_schema1_cache_t  *cache;

    cache = zone->data;

    if (old) {
        cache->shpool = old->shpool;
        return NGX_OK;
    }

    cache->shpool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        return NGX_OK;
    }

    return ngx_http_schema1_cache_zone_create(cache->shpool) ? NGX_OK
                                                             : NGX_ERROR;
}


static ngx_http_schema1_cache_shctx_t *
ngx_http_schema1_cache_zone_create(ngx_slab_pool_t *shpool)
{
    ngx_http_schema1_cache_shctx_t  *sh;

    sh = ngx_slab_calloc_locked(shpool,
                                sizeof(ngx_http_schema1_cache_shctx_t));
    if (sh == NULL) {
        return NULL;
    }

    /* entries are evicted if memory is short */

    shpool->log_nomem = 0;

    ngx_rbtree_init(&sh->tree, &sh->sentinel, ngx_str_rbtree_insert_value);
    ngx_rbtree_init(&sh->digest_tree, &sh->digest_sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_rbtree_init(&sh->tag_tree, &sh->tag_sentinel, ngx_rbtree_insert_value);
    ngx_queue_init(&sh->queue);

    shpool->data = sh;

    return sh;
}


/* NULL: no memory; the zone is not locked */

static ngx_http_schema1_cache_shctx_t *
ngx_http_schema1_cache_zone_lock(ngx_shm_zone_t *zone)
{
    ngx_slab_pool_t                 *shpool;
    ngx_http_schema1_cache_t        *cache;
    ngx_http_schema1_cache_shctx_t  *sh;

    cache = zone->data;
    shpool = cache->shpool;

    ngx_shmtx_lock(&shpool->mutex);

    if (shpool->data) {
        return shpool->data;
    }

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "schema_conversion_cache \"%V\" was emptied because a "
                  "process exited while modifying it", &zone->shm.name);

    ngx_slab_init(shpool);

    sh = ngx_http_schema1_cache_zone_create(shpool);
    if (sh == NULL) {
        ngx_shmtx_unlock(&shpool->mutex);
    }

    return sh;
}


static void
ngx_http_schema1_cache_zone_modify(ngx_slab_pool_t *shpool)
{
    shpool->data = NULL;

    ngx_memory_barrier();
}


static void
ngx_http_schema1_cache_zone_unlock(ngx_slab_pool_t *shpool,
    ngx_http_schema1_cache_shctx_t *sh)
{
    ngx_memory_barrier();

    shpool->data = sh;

    ngx_shmtx_unlock(&shpool->mutex);
}


uint32_t
ngx_http_schema1_cache_zone_hash(const char *digest, size_t len)
{
    return (len < 8) ? 0
                     : (uint32_t) ngx_hextoi((u_char *) digest + len - 8, 8);
}


ngx_int_t
ngx_http_schema1_cache_zone_get(ngx_shm_zone_t *zone,
    ngx_http_schema1_cache_key_t *key, schema1_answer_t *answer,
    ngx_pool_t *pool, ngx_uint_t last)
{
    ngx_int_t                        rc;
    ngx_http_schema1_cache_t        *cache;
    ngx_http_schema1_cache_entry_t  *entry;
    ngx_http_schema1_cache_shctx_t  *sh;

    cache = zone->data;
    rc = NGX_DECLINED;

    sh = ngx_http_schema1_cache_zone_lock(zone);
    if (sh == NULL) {
        return NGX_DECLINED;
    }

    /* the key is the first member */

    entry = (ngx_http_schema1_cache_entry_t *)
                ngx_str_rbtree_lookup(&sh->tree, &key->str, key->hash);

    if (entry && ngx_time() - entry->used <= cache->inactive) {
        rc = ngx_http_schema1_cache_zone_copy(entry, answer, pool);
    }

    ngx_http_schema1_cache_zone_modify(cache->shpool);

    if (rc == NGX_OK) {
        ngx_http_schema1_cache_zone_touch(sh, entry);
        sh->stats.hits++;

    } else if (last) {
        sh->stats.misses++;
    }

    ngx_http_schema1_cache_zone_expire(cache, sh);

    ngx_http_schema1_cache_zone_unlock(cache->shpool, sh);

    return rc;
}


ngx_uint_t
ngx_http_schema1_cache_zone_has_tag(ngx_shm_zone_t *zone,
    ngx_rbtree_key_t tag_hash)
{
    ngx_uint_t                       found;
    ngx_rbtree_node_t               *node;
    ngx_http_schema1_cache_t        *cache;
    ngx_http_schema1_cache_shctx_t  *sh;

    cache = zone->data;
    found = 0;

    sh = ngx_http_schema1_cache_zone_lock(zone);
    if (sh == NULL) {
        return 0;
    }

    node = sh->tag_tree.root;

    while (node != &sh->tag_sentinel && !found) {
        found = (node->key == tag_hash);
        node = (tag_hash < node->key) ? node->left : node->right;
    }

    ngx_http_schema1_cache_zone_unlock(cache->shpool, sh);

    return found;
}


ngx_int_t
ngx_http_schema1_cache_zone_find(ngx_shm_zone_t *zone,
    ngx_http_schema1_cache_key_t *key, ngx_str_t *digest,
    schema1_answer_t *answer, ngx_array_t *sources,
    ngx_pool_t *pool)
{
    ngx_int_t                        rc;
    ngx_http_schema1_cache_t        *cache;
    ngx_http_schema1_cache_entry_t  *newest;
    ngx_http_schema1_cache_shctx_t  *sh;

    cache = zone->data;

    sh = ngx_http_schema1_cache_zone_lock(zone);
    if (sh == NULL) {
        return NGX_DECLINED;
    }

    ngx_http_schema1_cache_zone_modify(cache->shpool);

    ngx_http_schema1_cache_zone_expire(cache, sh);

    rc = ngx_http_schema1_cache_zone_add_sources(cache, sh, key, digest,
                                                 sources, pool, &newest);
    if (rc == NGX_OK) {
        rc = ngx_http_schema1_cache_zone_copy(newest, answer, pool);
    }

    if (rc == NGX_OK) {
        sh->stats.hits++;
    }

    ngx_http_schema1_cache_zone_unlock(cache->shpool, sh);

    return rc;
}


/*
 * "Several sources can result in the same digest.  Any of them that still
 * exists is sufficient."
 */

static ngx_int_t
ngx_http_schema1_cache_zone_add_sources(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_shctx_t *sh, ngx_http_schema1_cache_key_t *key,
    ngx_str_t *digest, ngx_array_t *sources, ngx_pool_t *pool,
    ngx_http_schema1_cache_entry_t **newest)
{
    ngx_uint_t                       n;
    ngx_http_schema1_cache_entry_t  *entry, *oldest;

    *newest = NULL;

    oldest = ngx_http_schema1_cache_zone_oldest(sh, digest);
    if (oldest == NULL) {
        return NGX_DECLINED;
    }

    entry = oldest;

    for (n = 0; n < NGX_HTTP_SCHEMA1_CACHE_EXAMINED; n++) {
        entry = ngx_queue_data(ngx_queue_prev(&entry->same),
                               ngx_http_schema1_cache_entry_t, same);

        /* a location or an upstream may have the same image as another */

        if (ngx_time() - entry->used <= cache->inactive
            && entry->repository_len == key->repository
            && ngx_memcmp(entry->data, key->str.data, key->repository) == 0)
        {
            if (ngx_http_schema1_cache_zone_add_source(entry, sources, pool)
                != NGX_OK)
            {
                return NGX_DECLINED;
            }

            ngx_http_schema1_cache_zone_touch(sh, entry);

            if (*newest == NULL) {
                *newest = entry;
            }
        }

        if (entry == oldest
            || sources->nelts == NGX_HTTP_SCHEMA1_CACHE_SOURCES)
        {
            break;
        }
    }

    return *newest ? NGX_OK : NGX_DECLINED;
}


static ngx_http_schema1_cache_entry_t *
ngx_http_schema1_cache_zone_oldest(ngx_http_schema1_cache_shctx_t *sh,
    ngx_str_t *digest)
{
    ngx_str_node_t  *node;

    node = ngx_str_rbtree_lookup(&sh->digest_tree, digest,
                                 ngx_http_schema1_cache_zone_hash(
                                         (char *) digest->data, digest->len));
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
    ngx_str_t                         digest;
    ngx_uint_t                        i;
    ngx_http_schema1_cache_source_t  *source;

    digest.len = entry->source_len;
    digest.data = ngx_http_schema1_cache_entry_source(entry);

    source = sources->elts;

    for (i = 0; i < sources->nelts; i++) {

        if (source[i].type == entry->source_type
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

    source->type = entry->source_type;
    source->digest.len = digest.len;
    source->digest.data = (char *) ngx_pstrdup(pool, &digest);

    return source->digest.data ? NGX_OK : NGX_ERROR;
}


/* one allocation, one copy: digest, source digest, and body are contiguous */

static ngx_int_t
ngx_http_schema1_cache_zone_copy(ngx_http_schema1_cache_entry_t *entry,
    schema1_answer_t *answer, ngx_pool_t *pool)
{
    char    *p;
    size_t   len;

    len = entry->digest.str.len + entry->source_len + entry->body_len;

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_DECLINED;
    }

    ngx_memcpy(p, entry->digest.str.data, len);

    answer->digest.len = entry->digest.str.len;
    answer->digest.data = p;
    p += entry->digest.str.len;

    answer->source_digest.len = entry->source_len;
    answer->source_digest.data = p;
    p += entry->source_len;

    answer->body.len = entry->body_len;
    answer->body.data = p;

    answer->type = entry->type;
    answer->source_type = entry->source_type;
    answer->entries = entry->history;
    answer->converted = entry->converted;

    return NGX_OK;
}


ngx_int_t
ngx_http_schema1_cache_zone_put(ngx_shm_zone_t *zone,
    ngx_http_schema1_cache_key_t *key, schema1_answer_t *answer)
{
    size_t                           size;
    ngx_http_schema1_cache_t        *cache;
    ngx_http_schema1_cache_entry_t  *entry;
    ngx_http_schema1_cache_shctx_t  *sh;

    cache = zone->data;

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

    sh = ngx_http_schema1_cache_zone_lock(zone);
    if (sh == NULL) {
        return NGX_DECLINED;
    }

    ngx_http_schema1_cache_zone_modify(cache->shpool);

    entry = (ngx_http_schema1_cache_entry_t *)
                ngx_str_rbtree_lookup(&sh->tree, &key->str, key->hash);

    if (entry) {

        /* another worker has already stored this entry */

        ngx_http_schema1_cache_zone_remove(cache->shpool, sh, entry);
    }

    entry = ngx_http_schema1_cache_zone_alloc(cache, sh, size);

    if (entry) {
        ngx_http_schema1_cache_zone_fill(entry, key, answer);
        ngx_http_schema1_cache_zone_insert(sh, entry);
    }

    ngx_http_schema1_cache_zone_unlock(cache->shpool, sh);

    return entry ? NGX_OK : NGX_DECLINED;
}


static ngx_http_schema1_cache_entry_t *
ngx_http_schema1_cache_zone_alloc(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_shctx_t *sh, size_t size)
{
    ngx_queue_t                     *q;
    ngx_http_schema1_cache_entry_t  *entry;

    ngx_http_schema1_cache_zone_expire(cache, sh);

    for ( ;; ) {
        entry = ngx_slab_alloc_locked(cache->shpool, size);

        if (entry || ngx_queue_empty(&sh->queue)) {
            return entry;
        }

        /* "The least recently used entries are evicted first." */

        q = ngx_queue_last(&sh->queue);

        ngx_http_schema1_cache_zone_remove(cache->shpool, sh,
                     ngx_queue_data(q, ngx_http_schema1_cache_entry_t, queue));

        sh->stats.evictions++;
    }
}


static void
ngx_http_schema1_cache_zone_fill(ngx_http_schema1_cache_entry_t *entry,
    ngx_http_schema1_cache_key_t *key, schema1_answer_t *answer)
{
    u_char  *p;

    entry->key.node.key = key->hash;
    entry->tag_node.key = key->tag_hash;
    entry->digest.node.key = ngx_http_schema1_cache_zone_hash(
                                                         answer->digest.data,
                                                         answer->digest.len);
    entry->used = ngx_time();

    entry->type = answer->type;
    entry->source_type = answer->source_type;
    entry->history = answer->entries;
    entry->converted = answer->converted;

    entry->repository_len = key->repository;
    entry->source_len = answer->source_digest.len;
    entry->body_len = answer->body.len;

    entry->key.str.len = key->str.len;
    entry->key.str.data = entry->data;
    p = ngx_cpymem(entry->data, key->str.data, key->str.len);

    entry->digest.str.len = answer->digest.len;
    entry->digest.str.data = p;
    p = ngx_cpymem(p, answer->digest.data, answer->digest.len);

    p = ngx_cpymem(p, answer->source_digest.data, answer->source_digest.len);
    ngx_memcpy(p, answer->body.data, answer->body.len);
}


static void
ngx_http_schema1_cache_zone_insert(ngx_http_schema1_cache_shctx_t *sh,
    ngx_http_schema1_cache_entry_t *entry)
{
    ngx_rbtree_insert(&sh->tree, &entry->key.node);
    ngx_rbtree_insert(&sh->tag_tree, &entry->tag_node);

    if (entry->converted) {
        ngx_http_schema1_cache_zone_insert_digest(sh, entry);
    }

    ngx_queue_insert_head(&sh->queue, &entry->queue);

    sh->stats.entries++;
    sh->stats.bytes += entry->body_len;
}


static void
ngx_http_schema1_cache_zone_insert_digest(ngx_http_schema1_cache_shctx_t *sh,
    ngx_http_schema1_cache_entry_t *entry)
{
    ngx_http_schema1_cache_entry_t  *oldest;

    oldest = ngx_http_schema1_cache_zone_oldest(sh, &entry->digest.str);

    if (oldest) {
        ngx_queue_insert_tail(&oldest->same, &entry->same);
        return;
    }

    ngx_queue_init(&entry->same);
    ngx_rbtree_insert(&sh->digest_tree, &entry->digest.node);
}


static void
ngx_http_schema1_cache_zone_remove(ngx_slab_pool_t *shpool,
    ngx_http_schema1_cache_shctx_t *sh, ngx_http_schema1_cache_entry_t *entry)
{
    ngx_rbtree_delete(&sh->tree, &entry->key.node);
    ngx_rbtree_delete(&sh->tag_tree, &entry->tag_node);

    if (entry->converted) {
        ngx_http_schema1_cache_zone_remove_digest(sh, entry);
    }

    ngx_queue_remove(&entry->queue);

    sh->stats.entries--;
    sh->stats.bytes -= entry->body_len;

    ngx_slab_free_locked(shpool, entry);
}


/* the next one takes the place of the oldest in the tree */

static void
ngx_http_schema1_cache_zone_remove_digest(ngx_http_schema1_cache_shctx_t *sh,
    ngx_http_schema1_cache_entry_t *entry)
{
    ngx_queue_t                     *next;
    ngx_http_schema1_cache_entry_t  *oldest;

    next = ngx_queue_next(&entry->same);

    oldest = ngx_http_schema1_cache_zone_oldest(sh, &entry->digest.str);

    ngx_queue_remove(&entry->same);

    if (entry != oldest) {
        return;
    }

    ngx_rbtree_delete(&sh->digest_tree, &entry->digest.node);

    if (next != &entry->same) {
        oldest = ngx_queue_data(next, ngx_http_schema1_cache_entry_t, same);

        ngx_rbtree_insert(&sh->digest_tree, &oldest->digest.node);
    }
}


static void
ngx_http_schema1_cache_zone_touch(ngx_http_schema1_cache_shctx_t *sh,
    ngx_http_schema1_cache_entry_t *entry)
{
    entry->used = ngx_time();

    ngx_queue_remove(&entry->queue);
    ngx_queue_insert_head(&sh->queue, &entry->queue);
}


/* a few entries each time */

static void
ngx_http_schema1_cache_zone_expire(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_shctx_t *sh)
{
    ngx_uint_t                       n;
    ngx_queue_t                     *q;
    ngx_http_schema1_cache_entry_t  *entry;

    for (n = 0; n < 3 && !ngx_queue_empty(&sh->queue); n++) {

        q = ngx_queue_last(&sh->queue);
        entry = ngx_queue_data(q, ngx_http_schema1_cache_entry_t, queue);

        if (ngx_time() - entry->used <= cache->inactive) {
            return;
        }

        ngx_http_schema1_cache_zone_remove(cache->shpool, sh, entry);
    }
}


void
ngx_http_schema1_cache_zone_stats(ngx_shm_zone_t *zone,
    schema1_metrics_cache_t *stats)
{
    ngx_http_schema1_cache_t        *cache;
    ngx_http_schema1_cache_shctx_t  *sh;

    cache = zone->data;

    ngx_memzero(stats, sizeof(schema1_metrics_cache_t));

    sh = ngx_http_schema1_cache_zone_lock(zone);

    if (sh) {
        *stats = sh->stats;
        ngx_http_schema1_cache_zone_unlock(cache->shpool, sh);
    }
}
