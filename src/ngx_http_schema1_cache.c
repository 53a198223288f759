
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_cache.h"
#include "ngx_http_schema1_key.h"
#include "ngx_http_schema1_response.h"


/*
 * Parts of a key.  Each is preceded by its length, so no two lists of parts
 * result in the same key.
 */

typedef enum {
    NGX_HTTP_SCHEMA1_CACHE_LOCATION = 0,
    NGX_HTTP_SCHEMA1_CACHE_SCHEME,
    NGX_HTTP_SCHEMA1_CACHE_HOST,
    NGX_HTTP_SCHEMA1_CACHE_PORT,
    NGX_HTTP_SCHEMA1_CACHE_NAME,

    NGX_HTTP_SCHEMA1_CACHE_REPOSITORY,      /* the parts above */

    NGX_HTTP_SCHEMA1_CACHE_SOURCE = NGX_HTTP_SCHEMA1_CACHE_REPOSITORY,
    NGX_HTTP_SCHEMA1_CACHE_TAG,
    NGX_HTTP_SCHEMA1_CACHE_TYPES,
    NGX_HTTP_SCHEMA1_CACHE_PLATFORM,
    NGX_HTTP_SCHEMA1_CACHE_SIGNING_KEY,

    NGX_HTTP_SCHEMA1_CACHE_PARTS
} ngx_http_schema1_cache_part_e;


static ngx_int_t ngx_http_schema1_cache_lookup(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_request_t *upstream,
    schema1_str_t source, ngx_uint_t last);
static ngx_int_t ngx_http_schema1_cache_create_key(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_request_t *upstream,
    schema1_str_t source);
static void ngx_http_schema1_cache_upstream(ngx_http_request_t *r,
    ngx_str_t *parts);
static ngx_int_t ngx_http_schema1_cache_join(ngx_pool_t *pool,
    ngx_str_t *parts, ngx_http_schema1_cache_key_t *key);
static ngx_rbtree_key_t ngx_http_schema1_cache_tag_hash(
    ngx_http_schema1_ctx_t *ctx);


/*
 * "The lookup uses the Docker-Content-Digest of that 200, whose upstream is
 * part of the key.  The document with that digest was verified when the entry
 * was created."
 */

ngx_int_t
ngx_http_schema1_cache_get_by_header(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_request_t *upstream)
{
    schema1_str_t  source;

    source = ctx->document.digest;

    /* "Without that header, or without an upstream, the document is hashed" */

    if (!ngx_http_schema1_response_from_upstream(upstream)
        || source.len != 71
        || ngx_strncmp(source.data, "sha256:", 7) != 0)
    {
        return NGX_DECLINED;
    }

    return ngx_http_schema1_cache_lookup(r, ctx, upstream, source, 0);
}


ngx_int_t
ngx_http_schema1_cache_get(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_http_request_t  *upstream;

    /* the source of a HEAD is the response to a subrequest */

    upstream = ctx->fetch ? ctx->fetch->request : r;

    return ngx_http_schema1_cache_lookup(r, ctx, upstream,
                                         ctx->answer.source_digest, 1);
}


static ngx_int_t
ngx_http_schema1_cache_lookup(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_request_t *upstream,
    schema1_str_t source, ngx_uint_t last)
{
    ngx_int_t  rc;

    if (ngx_http_schema1_cache_create_key(r, ctx, upstream, source) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_schema1_cache_zone_get(ctx->conf->cache, &ctx->cache_key,
                                         &ctx->answer, r->pool, last);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 cache lookup: %i", rc);

    return rc;
}


static ngx_int_t
ngx_http_schema1_cache_create_key(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_request_t *upstream,
    schema1_str_t source)
{
    unsigned     types[4];
    ngx_str_t    parts[NGX_HTTP_SCHEMA1_CACHE_PARTS];
    const char  *fingerprint;

    ngx_memzero(parts, sizeof(parts));

    parts[NGX_HTTP_SCHEMA1_CACHE_LOCATION].len =
        sizeof(ctx->conf->location_id);
    parts[NGX_HTTP_SCHEMA1_CACHE_LOCATION].data = ctx->conf->location_id;

    ngx_http_schema1_cache_upstream(upstream, parts);

    parts[NGX_HTTP_SCHEMA1_CACHE_NAME] = ngx_http_schema1_str(ctx->uri.name);
    parts[NGX_HTTP_SCHEMA1_CACHE_SOURCE] = ngx_http_schema1_str(source);
    parts[NGX_HTTP_SCHEMA1_CACHE_TAG] =
        ngx_http_schema1_str(ctx->uri.reference);

    types[0] = ctx->accept.types;
    types[1] = ctx->accept.json;
    types[2] = ctx->accept.wildcard;
    types[3] = ctx->answer.source_type;

    parts[NGX_HTTP_SCHEMA1_CACHE_TYPES].len = sizeof(types);
    parts[NGX_HTTP_SCHEMA1_CACHE_TYPES].data = (u_char *) types;

    /* "the platform, if a list requires it" */

    if (ctx->answer.source_type == SCHEMA1_TYPE_LIST
        || ctx->answer.source_type == SCHEMA1_TYPE_OCI_INDEX)
    {
        parts[NGX_HTTP_SCHEMA1_CACHE_PLATFORM] = ctx->platform;
    }

    fingerprint = schema1_key_fingerprint(ngx_http_schema1_key(ctx->conf));

    parts[NGX_HTTP_SCHEMA1_CACHE_SIGNING_KEY].len = ngx_strlen(fingerprint);
    parts[NGX_HTTP_SCHEMA1_CACHE_SIGNING_KEY].data = (u_char *) fingerprint;

    ctx->cache_key.hash = ngx_http_schema1_cache_zone_hash(source);

    return ngx_http_schema1_cache_join(r->pool, parts, &ctx->cache_key);
}


/* "the upstream that answered, as nginx knows it: scheme, host, port" */

static void
ngx_http_schema1_cache_upstream(ngx_http_request_t *r, ngx_str_t *parts)
{
    in_port_t            *port;
    ngx_http_upstream_t  *u;

    if (!ngx_http_schema1_response_from_upstream(r)) {
        return;
    }

    u = r->upstream;

    parts[NGX_HTTP_SCHEMA1_CACHE_SCHEME] = u->schema;

    if (u->resolved) {
        parts[NGX_HTTP_SCHEMA1_CACHE_HOST] = u->resolved->host;
        port = &u->resolved->port;

    } else if (u->conf->upstream) {
        parts[NGX_HTTP_SCHEMA1_CACHE_HOST] = u->conf->upstream->host;
        port = &u->conf->upstream->port;

    } else {
        return;
    }

    parts[NGX_HTTP_SCHEMA1_CACHE_PORT].len = sizeof(in_port_t);
    parts[NGX_HTTP_SCHEMA1_CACHE_PORT].data = (u_char *) port;
}


static ngx_int_t
ngx_http_schema1_cache_join(ngx_pool_t *pool, ngx_str_t *parts,
    ngx_http_schema1_cache_key_t *key)
{
    size_t       len;
    u_char      *p;
    ngx_uint_t   i;

    len = 0;

    for (i = 0; i < NGX_HTTP_SCHEMA1_CACHE_PARTS; i++) {
        len += sizeof(size_t) + parts[i].len;
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    key->str.data = p;

    for (i = 0; i < NGX_HTTP_SCHEMA1_CACHE_PARTS; i++) {

        if (i == NGX_HTTP_SCHEMA1_CACHE_REPOSITORY) {
            key->repository = p - key->str.data;
        }

        p = ngx_cpymem(p, &parts[i].len, sizeof(size_t));

        if (parts[i].len) {
            p = ngx_cpymem(p, parts[i].data, parts[i].len);
        }
    }

    key->str.len = p - key->str.data;

    return NGX_OK;
}


ngx_uint_t
ngx_http_schema1_cache_has_tag(ngx_http_schema1_ctx_t *ctx)
{
    return ngx_http_schema1_cache_zone_has_tag(ctx->conf->cache,
                                         ngx_http_schema1_cache_tag_hash(ctx));
}


/* a collision costs a HEAD: the key of an entry decides */

static ngx_rbtree_key_t
ngx_http_schema1_cache_tag_hash(ngx_http_schema1_ctx_t *ctx)
{
    ngx_str_t         name, tag;
    ngx_rbtree_key_t  hash;

    name = ngx_http_schema1_str(ctx->uri.name);
    tag = ngx_http_schema1_str(ctx->uri.reference);

    hash = ngx_murmur_hash2(ctx->conf->location_id,
                            sizeof(ctx->conf->location_id));
    hash = hash * 31 + ngx_murmur_hash2(name.data, name.len);

    return hash * 31 + ngx_murmur_hash2(tag.data, tag.len);
}


ngx_int_t
ngx_http_schema1_cache_get_by_digest(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_int_t  rc;
    ngx_str_t  digest;

    ctx->cache_sources = ngx_array_create(r->pool, 2,
                                      sizeof(ngx_http_schema1_cache_source_t));

    if (ctx->cache_sources == NULL
        || ngx_http_schema1_cache_create_key(r, ctx, r, ctx->uri.reference)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    digest = ngx_http_schema1_str(ctx->uri.reference);

    rc = ngx_http_schema1_cache_zone_find(ctx->conf->cache, &ctx->cache_key,
                                          &digest, &ctx->answer,
                                          ctx->cache_sources, r->pool);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 cache lookup by digest: %i, sources: %ui",
                   rc, ctx->cache_sources->nelts);

    return rc;
}


ngx_int_t
ngx_http_schema1_cache_next_source(ngx_http_schema1_ctx_t *ctx)
{
    ngx_http_schema1_cache_source_t  *source;

    source = ctx->cache_sources->elts;

    if (++ctx->cache_source >= ctx->cache_sources->nelts) {
        return NGX_DECLINED;
    }

    ctx->answer.source_digest = source[ctx->cache_source].digest;
    ctx->answer.source_type = source[ctx->cache_source].type;

    return NGX_OK;
}


void
ngx_http_schema1_cache_put(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx)
{
    ngx_shm_zone_t  *zone;

    zone = ctx->conf->cache;

    ctx->cache_key.tag_hash = ngx_http_schema1_cache_tag_hash(ctx);

    if (ngx_http_schema1_cache_zone_put(zone, &ctx->cache_key, &ctx->answer)
        == NGX_OK)
    {
        return;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "schema_conversion_cache \"%V\" has no space for %uz bytes",
                  &zone->shm.name, ctx->answer.body.len);
}
