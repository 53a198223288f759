
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "ngx_http_schema1_cache.h"
#include "ngx_http_schema1_key.h"


#define NGX_HTTP_SCHEMA1_CACHE_INACTIVE  86400

#define NGX_HTTP_SCHEMA1_CACHE_DIGEST    (SCHEMA1_DIGEST_MAX + 1)


/* where an entry is found: by all it depends on, or by its own digest */

typedef enum {
    NGX_HTTP_SCHEMA1_CACHE_BY_KEY = 0,
    NGX_HTTP_SCHEMA1_CACHE_BY_DIGEST,
    NGX_HTTP_SCHEMA1_CACHE_TREES
} ngx_http_schema1_cache_tree_e;


typedef struct {
    ngx_rbtree_node_t               node;
    u_char                          key[NGX_HTTP_SCHEMA1_CACHE_KEY];
} ngx_http_schema1_cache_node_t;


typedef struct {
    ngx_http_schema1_cache_node_t   nodes[NGX_HTTP_SCHEMA1_CACHE_TREES];
    ngx_queue_t                     queue;
    time_t                          used;

    schema1_type_e                  type;
    schema1_type_e                  source_type;
    ngx_uint_t                      entries;
    ngx_uint_t                      made;
    u_char                          digest[NGX_HTTP_SCHEMA1_CACHE_DIGEST];
    u_char                          source[NGX_HTTP_SCHEMA1_CACHE_DIGEST];

    size_t                          len;
    u_char                          body[1];
} ngx_http_schema1_cache_entry_t;


typedef struct {
    ngx_rbtree_t                    trees[NGX_HTTP_SCHEMA1_CACHE_TREES];
    ngx_rbtree_node_t               sentinels[NGX_HTTP_SCHEMA1_CACHE_TREES];
    ngx_queue_t                     queue;      /* the last used first */
    ngx_http_schema1_cache_stats_t  stats;
} ngx_http_schema1_cache_shctx_t;


typedef struct {
    ngx_http_schema1_cache_shctx_t *sh;
    ngx_slab_pool_t                *shpool;
    time_t                          inactive;
} ngx_http_schema1_cache_t;


static ngx_int_t ngx_http_schema1_cache_init_zone(ngx_shm_zone_t *shm_zone,
    void *data);
static void ngx_http_schema1_cache_insert_value(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static ngx_int_t ngx_http_schema1_cache_listens(ngx_conf_t *cf,
    schema1_buf_t *buf);
static ngx_int_t ngx_http_schema1_cache_hash(schema1_buf_t *buf,
    u_char key[NGX_HTTP_SCHEMA1_CACHE_KEY]);
static ngx_int_t ngx_http_schema1_cache_digest_key(
    ngx_http_schema1_ctx_t *ctx, const u_char *digest, size_t len,
    u_char key[NGX_HTTP_SCHEMA1_CACHE_KEY]);
static ngx_rbtree_key_t ngx_http_schema1_cache_rbtree_key(const u_char *key);
static ngx_int_t ngx_http_schema1_cache_read(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_cache_tree_e tree,
    const u_char *key);
static ngx_http_schema1_cache_entry_t *ngx_http_schema1_cache_lookup(
    ngx_http_schema1_cache_t *cache, ngx_http_schema1_cache_tree_e tree,
    const u_char *key);
static ngx_int_t ngx_http_schema1_cache_copy(ngx_http_request_t *r,
    ngx_http_schema1_answer_t *answer, ngx_http_schema1_cache_entry_t *entry);
static ngx_http_schema1_cache_entry_t *ngx_http_schema1_cache_alloc(
    ngx_http_schema1_cache_t *cache, size_t size);
static void ngx_http_schema1_cache_expire(ngx_http_schema1_cache_t *cache);
static void ngx_http_schema1_cache_remove(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_entry_t *entry);


char *
ngx_http_schema1_cache_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_schema1_main_conf_t *smcf = conf;

    u_char                    *p;
    ssize_t                    size;
    ngx_str_t                 *value, name, s;
    ngx_uint_t                 i;
    ngx_shm_zone_t            *shm_zone, **zone;
    ngx_http_schema1_cache_t  *cache;

    value = cf->args->elts;

    cache = ngx_pcalloc(cf->pool, sizeof(ngx_http_schema1_cache_t));
    if (cache == NULL) {
        return NGX_CONF_ERROR;
    }

    cache->inactive = NGX_HTTP_SCHEMA1_CACHE_INACTIVE;

    size = NGX_ERROR;
    name = value[1];
    p = ngx_strlchr(name.data, name.data + name.len, ':');

    if (p && p != name.data) {
        s.data = p + 1;
        s.len = name.data + name.len - s.data;
        name.len = p - name.data;

        size = ngx_parse_size(&s);
    }

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone \"%V\" in "
                           "\"schema_conversion_cache_zone\", it must be "
                           "\"name:size\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (size < (ssize_t) (8 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" in \"schema_conversion_cache_zone\" "
                           "is too small", &name);
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "inactive=", 9) == 0) {
            s.len = value[i].len - 9;
            s.data = value[i].data + 9;

            cache->inactive = ngx_parse_time(&s, 1);

            /* NGX_ERROR is less than 0 */

            if (cache->inactive > 0) {
                continue;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in "
                           "\"schema_conversion_cache_zone\"", &value[i]);
        return NGX_CONF_ERROR;
    }

    shm_zone = ngx_shared_memory_add(cf, &name, size,
                                     &ngx_http_schema1_module);
    if (shm_zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (shm_zone->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" in \"schema_conversion_cache_zone\" "
                           "is duplicate", &name);
        return NGX_CONF_ERROR;
    }

    shm_zone->init = ngx_http_schema1_cache_init_zone;
    shm_zone->data = cache;

    if (smcf->caches.elts == NULL
        && ngx_array_init(&smcf->caches, cf->pool, 4,
                          sizeof(ngx_shm_zone_t *))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    zone = ngx_array_push(&smcf->caches);
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    *zone = shm_zone;

    return NGX_CONF_OK;
}


char *
ngx_http_schema1_cache_use(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_schema1_loc_conf_t *slcf = conf;

    ngx_str_t  *value;

    if (slcf->cache != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        slcf->cache = NULL;
        return NGX_CONF_OK;
    }

    slcf->cache = ngx_shared_memory_add(cf, &value[1], 0,
                                        &ngx_http_schema1_module);

    return (slcf->cache == NULL) ? NGX_CONF_ERROR : NGX_CONF_OK;
}


ngx_int_t
ngx_http_schema1_cache_check(ngx_conf_t *cf, ngx_shm_zone_t *zone)
{
    if (zone == NULL || zone->init == ngx_http_schema1_cache_init_zone) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown zone \"%V\" in \"schema_conversion_cache\", "
                       "no \"schema_conversion_cache_zone\" defines it",
                       &zone->shm.name);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_schema1_cache_init_zone(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_schema1_cache_t *old = data;

    ngx_uint_t                 i;
    ngx_http_schema1_cache_t  *cache;

    cache = shm_zone->data;

    if (old) {
        cache->sh = old->sh;
        cache->shpool = old->shpool;

        return NGX_OK;
    }

    cache->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (shm_zone->shm.exists) {
        cache->sh = cache->shpool->data;

        return NGX_OK;
    }

    cache->sh = ngx_slab_calloc(cache->shpool,
                                sizeof(ngx_http_schema1_cache_shctx_t));
    if (cache->sh == NULL) {
        return NGX_ERROR;
    }

    cache->shpool->data = cache->sh;

    /* a full zone is made room in, and is no event to log */

    cache->shpool->log_nomem = 0;

    for (i = 0; i < NGX_HTTP_SCHEMA1_CACHE_TREES; i++) {
        ngx_rbtree_init(&cache->sh->trees[i], &cache->sh->sentinels[i],
                        ngx_http_schema1_cache_insert_value);
    }

    ngx_queue_init(&cache->sh->queue);

    return NGX_OK;
}


static void
ngx_http_schema1_cache_insert_value(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel)
{
    int                             order;
    ngx_rbtree_node_t             **p;
    ngx_http_schema1_cache_node_t  *cn, *ct;

    for ( ;; ) {

        if (node->key == temp->key) {
            cn = (ngx_http_schema1_cache_node_t *) node;
            ct = (ngx_http_schema1_cache_node_t *) temp;

            order = ngx_memcmp(cn->key, ct->key, NGX_HTTP_SCHEMA1_CACHE_KEY);

        } else {
            order = (node->key < temp->key) ? -1 : 1;
        }

        p = (order < 0) ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


ngx_int_t
ngx_http_schema1_cache_place(ngx_conf_t *cf, ngx_http_schema1_loc_conf_t *prev,
    ngx_http_schema1_loc_conf_t *slcf)
{
    ngx_int_t                  rc;
    schema1_buf_t              buf;
    ngx_http_core_srv_conf_t  *cscf;
    ngx_http_core_loc_conf_t  *clcf;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    ngx_memzero(&buf, sizeof(schema1_buf_t));

    schema1_buf_append(&buf, (char *) prev->place, sizeof(prev->place));

    if (ngx_http_schema1_cache_listens(cf, &buf) != NGX_OK) {
        return NGX_ERROR;
    }

    schema1_buf_append(&buf, (char *) cscf->server_name.data,
                       cscf->server_name.len);
    schema1_buf_putc(&buf, '\0');
    schema1_buf_append(&buf, (char *) clcf->name.data, clcf->name.len);
    schema1_buf_putc(&buf, clcf->exact_match ? '=' : '\0');

    if (clcf->noname) {

        /* "if" blocks have no name, but an order */

        prev->blocks++;
        schema1_buf_append(&buf, (char *) &prev->blocks,
                           sizeof(prev->blocks));
    }

    rc = ngx_http_schema1_cache_hash(&buf, slcf->place);

    schema1_buf_free(&buf);

    return rc;
}


/* the addresses on which the server of a conf listens */

static ngx_int_t
ngx_http_schema1_cache_listens(ngx_conf_t *cf, schema1_buf_t *buf)
{
    ngx_uint_t                   p, a, s;
    ngx_http_conf_port_t        *port;
    ngx_http_conf_addr_t        *addr;
    ngx_http_core_srv_conf_t    *cscf, **server;
    ngx_http_core_main_conf_t   *cmcf;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (cmcf->ports == NULL) {
        return NGX_OK;
    }

    port = cmcf->ports->elts;

    for (p = 0; p < cmcf->ports->nelts; p++) {
        addr = port[p].addrs.elts;

        for (a = 0; a < port[p].addrs.nelts; a++) {
            server = addr[a].servers.elts;

            for (s = 0; s < addr[a].servers.nelts; s++) {

                if (server[s] == cscf) {
                    schema1_buf_append(buf,
                                       (char *) addr[a].opt.addr_text.data,
                                       addr[a].opt.addr_text.len);
                    schema1_buf_putc(buf, ' ');
                }
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_schema1_cache_hash(schema1_buf_t *buf,
    u_char key[NGX_HTTP_SCHEMA1_CACHE_KEY])
{
    schema1_str_t  data;

    if (buf->failed) {
        return NGX_ERROR;
    }

    data.data = buf->data;
    data.len = buf->len;

    return (schema1_digest_sha256_hex(data, (char *) key) == SCHEMA1_OK)
           ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_schema1_cache_key(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    schema1_str_t *source)
{
    ngx_int_t       rc;
    schema1_buf_t   buf;
    const char     *fingerprint;

    if (source->len != 71 || ngx_strncmp(source->data, "sha256:", 7) != 0) {
        return NGX_DECLINED;
    }

    ngx_memzero(&buf, sizeof(schema1_buf_t));

    fingerprint = schema1_key_fingerprint(ngx_http_schema1_key(r, ctx->conf));

    schema1_buf_append(&buf, (char *) ctx->conf->place,
                       sizeof(ctx->conf->place));
    schema1_buf_append(&buf, source->data, source->len);
    schema1_buf_append(&buf, ctx->uri.name.data, ctx->uri.name.len);
    schema1_buf_putc(&buf, ':');
    schema1_buf_append(&buf, ctx->uri.reference.data, ctx->uri.reference.len);
    schema1_buf_putc(&buf, '\0');
    schema1_buf_append(&buf, (char *) &ctx->accept.types,
                       sizeof(ctx->accept.types));
    schema1_buf_append(&buf, (char *) &ctx->answer.source_type,
                       sizeof(ctx->answer.source_type));
    schema1_buf_putc(&buf, ctx->accept.json ? 'j' : '-');
    schema1_buf_putc(&buf, ctx->accept.wildcard ? 'w' : '-');

    if (ctx->answer.source_type == SCHEMA1_TYPE_LIST
        || ctx->answer.source_type == SCHEMA1_TYPE_OCI_INDEX)
    {
        schema1_buf_append(&buf, (char *) ctx->platform.data,
                           ctx->platform.len);
    }

    schema1_buf_putc(&buf, '\0');
    schema1_buf_puts(&buf, fingerprint);

    rc = ngx_http_schema1_cache_hash(&buf, ctx->cache_key);

    schema1_buf_free(&buf);

    return rc;
}


static ngx_int_t
ngx_http_schema1_cache_digest_key(ngx_http_schema1_ctx_t *ctx,
    const u_char *digest, size_t len, u_char key[NGX_HTTP_SCHEMA1_CACHE_KEY])
{
    ngx_int_t      rc;
    schema1_buf_t  buf;

    ngx_memzero(&buf, sizeof(schema1_buf_t));

    schema1_buf_append(&buf, (char *) ctx->conf->place,
                       sizeof(ctx->conf->place));
    schema1_buf_append(&buf, ctx->uri.name.data, ctx->uri.name.len);
    schema1_buf_putc(&buf, '@');
    schema1_buf_append(&buf, (const char *) digest, len);

    rc = ngx_http_schema1_cache_hash(&buf, key);

    schema1_buf_free(&buf);

    return rc;
}


static ngx_rbtree_key_t
ngx_http_schema1_cache_rbtree_key(const u_char *key)
{
    ngx_rbtree_key_t  value;

    ngx_memcpy(&value, key, sizeof(ngx_rbtree_key_t));

    return value;
}


ngx_int_t
ngx_http_schema1_cache_get(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    return ngx_http_schema1_cache_read(r, ctx, NGX_HTTP_SCHEMA1_CACHE_BY_KEY,
                                       ctx->cache_key);
}


ngx_int_t
ngx_http_schema1_cache_find(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    u_char  key[NGX_HTTP_SCHEMA1_CACHE_KEY];

    if (ngx_http_schema1_cache_digest_key(ctx,
                                          (u_char *) ctx->uri.reference.data,
                                          ctx->uri.reference.len, key)
        != NGX_OK
        || ngx_http_schema1_cache_read(r, ctx,
                                       NGX_HTTP_SCHEMA1_CACHE_BY_DIGEST, key)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    /* a child that was sent as it is is the registry's to give or refuse */

    return ctx->answer.made ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_schema1_cache_read(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_http_schema1_cache_tree_e tree, const u_char *key)
{
    ngx_int_t                        rc;
    ngx_http_schema1_cache_t        *cache;
    ngx_http_schema1_cache_entry_t  *entry;

    cache = ctx->conf->cache->data;
    rc = NGX_DECLINED;

    ngx_shmtx_lock(&cache->shpool->mutex);

    ngx_http_schema1_cache_expire(cache);

    entry = ngx_http_schema1_cache_lookup(cache, tree, key);

    if (entry && ngx_time() - entry->used > cache->inactive) {
        ngx_http_schema1_cache_remove(cache, entry);
        entry = NULL;
    }

    if (entry) {
        rc = ngx_http_schema1_cache_copy(r, &ctx->answer, entry);

        entry->used = ngx_time();

        ngx_queue_remove(&entry->queue);
        ngx_queue_insert_head(&cache->sh->queue, &entry->queue);

        cache->sh->stats.hits++;

    } else if (tree == NGX_HTTP_SCHEMA1_CACHE_BY_KEY) {
        cache->sh->stats.misses++;
    }

    ngx_shmtx_unlock(&cache->shpool->mutex);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 cache lookup: %i, tree %d", rc, (int) tree);

    return rc;
}


static ngx_http_schema1_cache_entry_t *
ngx_http_schema1_cache_lookup(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_tree_e tree, const u_char *key)
{
    int                             order;
    u_char                         *p;
    ngx_rbtree_key_t                hash;
    ngx_rbtree_node_t              *node, *sentinel;
    ngx_http_schema1_cache_node_t  *cn;

    hash = ngx_http_schema1_cache_rbtree_key(key);

    node = cache->sh->trees[tree].root;
    sentinel = cache->sh->trees[tree].sentinel;

    while (node != sentinel) {
        cn = (ngx_http_schema1_cache_node_t *) node;

        if (hash != node->key) {
            node = (hash < node->key) ? node->left : node->right;
            continue;
        }

        order = ngx_memcmp(key, cn->key, NGX_HTTP_SCHEMA1_CACHE_KEY);

        if (order == 0) {
            p = (u_char *) (cn - tree);

            return (ngx_http_schema1_cache_entry_t *)
                   (p - offsetof(ngx_http_schema1_cache_entry_t, nodes));
        }

        node = (order < 0) ? node->left : node->right;
    }

    return NULL;
}


/* under the lock; what is copied stays when the entry goes */

static ngx_int_t
ngx_http_schema1_cache_copy(ngx_http_request_t *r,
    ngx_http_schema1_answer_t *answer, ngx_http_schema1_cache_entry_t *entry)
{
    u_char  *p;
    size_t   digest, source;

    digest = ngx_strlen(entry->digest);
    source = ngx_strlen(entry->source);

    p = ngx_pnalloc(r->pool, entry->len + digest + source);
    if (p == NULL) {
        return NGX_DECLINED;
    }

    answer->body.len = entry->len;
    answer->body.data = p;
    p = ngx_cpymem(p, entry->body, entry->len);

    answer->digest.len = digest;
    answer->digest.data = p;
    p = ngx_cpymem(p, entry->digest, digest);

    answer->source_digest.len = source;
    answer->source_digest.data = p;
    ngx_memcpy(p, entry->source, source);

    answer->type = entry->type;
    answer->source_type = entry->source_type;
    answer->entries = entry->entries;
    answer->made = entry->made;

    return NGX_OK;
}


void
ngx_http_schema1_cache_put(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    u_char                           by_digest[NGX_HTTP_SCHEMA1_CACHE_KEY];
    ngx_uint_t                       i;
    ngx_http_schema1_cache_t        *cache;
    ngx_http_schema1_answer_t       *answer;
    ngx_http_schema1_cache_node_t   *cn;
    ngx_http_schema1_cache_entry_t  *entry;

    cache = ctx->conf->cache->data;
    answer = &ctx->answer;

    if (answer->digest.len >= NGX_HTTP_SCHEMA1_CACHE_DIGEST
        || answer->source_digest.len >= NGX_HTTP_SCHEMA1_CACHE_DIGEST
        || ngx_http_schema1_cache_digest_key(ctx, answer->digest.data,
                                             answer->digest.len, by_digest)
           != NGX_OK)
    {
        return;
    }

    ngx_shmtx_lock(&cache->shpool->mutex);

    entry = ngx_http_schema1_cache_lookup(cache, NGX_HTTP_SCHEMA1_CACHE_BY_KEY,
                                          ctx->cache_key);

    if (entry) {

        /* another worker was as quick */

        ngx_http_schema1_cache_remove(cache, entry);
    }

    entry = ngx_http_schema1_cache_alloc(cache,
                             offsetof(ngx_http_schema1_cache_entry_t, body)
                             + answer->body.len);

    if (entry == NULL) {
        ngx_shmtx_unlock(&cache->shpool->mutex);

        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "schema_conversion_cache \"%V\" has no room for %uz "
                      "bytes", &ctx->conf->cache->shm.name, answer->body.len);
        return;
    }

    entry->used = ngx_time();
    entry->type = answer->type;
    entry->source_type = answer->source_type;
    entry->entries = answer->entries;
    entry->made = answer->made;
    entry->len = answer->body.len;

    *ngx_cpymem(entry->digest, answer->digest.data, answer->digest.len) = '\0';
    *ngx_cpymem(entry->source, answer->source_digest.data,
                answer->source_digest.len) = '\0';

    ngx_memcpy(entry->body, answer->body.data, answer->body.len);

    for (i = 0; i < NGX_HTTP_SCHEMA1_CACHE_TREES; i++) {
        cn = &entry->nodes[i];

        ngx_memcpy(cn->key, (i == NGX_HTTP_SCHEMA1_CACHE_BY_KEY)
                            ? ctx->cache_key : by_digest,
                   NGX_HTTP_SCHEMA1_CACHE_KEY);

        cn->node.key = ngx_http_schema1_cache_rbtree_key(cn->key);

        ngx_rbtree_insert(&cache->sh->trees[i], &cn->node);
    }

    ngx_queue_insert_head(&cache->sh->queue, &entry->queue);

    cache->sh->stats.entries++;
    cache->sh->stats.bytes += entry->len;

    ngx_shmtx_unlock(&cache->shpool->mutex);
}


static ngx_http_schema1_cache_entry_t *
ngx_http_schema1_cache_alloc(ngx_http_schema1_cache_t *cache, size_t size)
{
    ngx_queue_t                     *q;
    ngx_http_schema1_cache_entry_t  *entry;

    ngx_http_schema1_cache_expire(cache);

    if (size > (size_t) (cache->shpool->end - cache->shpool->start)) {
        return NULL;
    }

    for ( ;; ) {
        entry = ngx_slab_alloc_locked(cache->shpool, size);

        if (entry || ngx_queue_empty(&cache->sh->queue)) {
            return entry;
        }

        q = ngx_queue_last(&cache->sh->queue);

        ngx_http_schema1_cache_remove(cache,
                     ngx_queue_data(q, ngx_http_schema1_cache_entry_t, queue));

        cache->sh->stats.evictions++;
    }
}


/* a few at a time: those that nobody has used for long are the last */

static void
ngx_http_schema1_cache_expire(ngx_http_schema1_cache_t *cache)
{
    ngx_uint_t                       n;
    ngx_queue_t                     *q;
    ngx_http_schema1_cache_entry_t  *entry;

    for (n = 0; n < 3; n++) {

        if (ngx_queue_empty(&cache->sh->queue)) {
            return;
        }

        q = ngx_queue_last(&cache->sh->queue);
        entry = ngx_queue_data(q, ngx_http_schema1_cache_entry_t, queue);

        if (ngx_time() - entry->used <= cache->inactive) {
            return;
        }

        ngx_http_schema1_cache_remove(cache, entry);
    }
}


static void
ngx_http_schema1_cache_remove(ngx_http_schema1_cache_t *cache,
    ngx_http_schema1_cache_entry_t *entry)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_SCHEMA1_CACHE_TREES; i++) {
        ngx_rbtree_delete(&cache->sh->trees[i], &entry->nodes[i].node);
    }

    ngx_queue_remove(&entry->queue);

    cache->sh->stats.entries--;
    cache->sh->stats.bytes -= entry->len;

    ngx_slab_free_locked(cache->shpool, entry);
}


void
ngx_http_schema1_cache_stats(ngx_shm_zone_t *zone,
    ngx_http_schema1_cache_stats_t *stats)
{
    ngx_http_schema1_cache_t  *cache;

    cache = zone->data;

    ngx_shmtx_lock(&cache->shpool->mutex);

    *stats = cache->sh->stats;

    ngx_shmtx_unlock(&cache->shpool->mutex);
}
