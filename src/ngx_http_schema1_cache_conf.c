
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_md5.h>

#include "ngx_http_schema1_cache_conf.h"
#include "ngx_http_schema1_cache_zone.h"


#define NGX_HTTP_SCHEMA1_CACHE_CONF_INACTIVE  86400


static char *ngx_http_schema1_cache_conf_size(ngx_conf_t *cf, ngx_str_t *value,
    ngx_str_t *name, ssize_t *size);
static char *ngx_http_schema1_cache_conf_inactive(ngx_conf_t *cf,
    ngx_str_t *value, time_t *inactive);
static void ngx_http_schema1_cache_conf_hash_listen_addrs(ngx_conf_t *cf,
    ngx_md5_t *md5);


/* schema_conversion_cache_zone name:size [inactive=time]; */

char *
ngx_http_schema1_cache_conf_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_schema1_main_conf_t *smcf = conf;

    ssize_t                    size;
    ngx_str_t                 *value, name;
    ngx_shm_zone_t            *shm_zone, **zone;
    ngx_http_schema1_cache_t  *cache;

    value = cf->args->elts;

    cache = ngx_pcalloc(cf->pool, sizeof(ngx_http_schema1_cache_t));
    if (cache == NULL) {
        return NGX_CONF_ERROR;
    }

    cache->inactive = NGX_HTTP_SCHEMA1_CACHE_CONF_INACTIVE;

    if (ngx_http_schema1_cache_conf_size(cf, &value[1], &name, &size)
        != NGX_CONF_OK
        || (cf->args->nelts == 3
            && ngx_http_schema1_cache_conf_inactive(cf, &value[2],
                                                    &cache->inactive)
               != NGX_CONF_OK))
    {
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

    shm_zone->init = ngx_http_schema1_cache_zone_init;
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


static char *
ngx_http_schema1_cache_conf_size(ngx_conf_t *cf, ngx_str_t *value,
    ngx_str_t *name, ssize_t *size)
{
    u_char     *p;
    ngx_str_t   s;

    *size = NGX_ERROR;
    *name = *value;

    p = ngx_strlchr(value->data, value->data + value->len, ':');

    if (p && p != value->data) {
        s.data = p + 1;
        s.len = value->data + value->len - s.data;
        name->len = p - value->data;

        *size = ngx_parse_size(&s);
    }

    /* nginx's own cache directives begin with "keys_zone=" */

    if (*size == NGX_ERROR || ngx_strlchr(name->data, p, '=')) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone \"%V\" in "
                           "\"schema_conversion_cache_zone\", it must be "
                           "\"name:size\"", value);
        return NGX_CONF_ERROR;
    }

    if (*size < (ssize_t) (8 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" in \"schema_conversion_cache_zone\" "
                           "is too small, at least %uik are required", name,
                           8 * ngx_pagesize / 1024);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_schema1_cache_conf_inactive(ngx_conf_t *cf, ngx_str_t *value,
    time_t *inactive)
{
    ngx_str_t  s;

    if (ngx_strncmp(value->data, "inactive=", 9) == 0) {
        s.len = value->len - 9;
        s.data = value->data + 9;

        *inactive = ngx_parse_time(&s, 1);

        /* NGX_ERROR is less than 0 */

        if (*inactive > 0) {
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" in "
                       "\"schema_conversion_cache_zone\"", value);

    return NGX_CONF_ERROR;
}


/* schema_conversion_cache name [revalidate=head] | off; */

char *
ngx_http_schema1_cache_conf_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_schema1_loc_conf_t *slcf = conf;

    ngx_str_t  *value;

    if (slcf->cache != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        slcf->cache = NULL;
        return NGX_CONF_OK;
    }

    if (cf->args->nelts == 3) {

        if (ngx_strcmp(value[2].data, "revalidate=head") != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" in "
                               "\"schema_conversion_cache\"", &value[2]);
            return NGX_CONF_ERROR;
        }

        slcf->cache_revalidate = 1;
    }

    slcf->cache = ngx_shared_memory_add(cf, &value[1], 0,
                                        &ngx_http_schema1_module);

    return (slcf->cache == NULL) ? NGX_CONF_ERROR : NGX_CONF_OK;
}


ngx_int_t
ngx_http_schema1_cache_conf_check(ngx_conf_t *cf, ngx_shm_zone_t *zone)
{
    if (zone == NULL || zone->init == ngx_http_schema1_cache_zone_init) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown zone \"%V\" in \"schema_conversion_cache\", "
                       "no \"schema_conversion_cache_zone\" defines it",
                       &zone->shm.name);

    return NGX_ERROR;
}


void
ngx_http_schema1_cache_conf_location_id(ngx_conf_t *cf,
    ngx_http_schema1_loc_conf_t *prev, ngx_http_schema1_loc_conf_t *conf)
{
    ngx_md5_t                  md5;
    ngx_http_core_srv_conf_t  *cscf;
    ngx_http_core_loc_conf_t  *clcf;
    const char                *kind;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* a prefix, an exact URI and a regex can have the same name */

    kind = clcf->exact_match ? "=" : "";

#if (NGX_PCRE)

    if (clcf->regex) {
        kind = "~";
    }

#endif

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, prev->location_id, sizeof(prev->location_id));

    ngx_http_schema1_cache_conf_hash_listen_addrs(cf, &md5);

    ngx_md5_update(&md5, cscf->server_name.data, cscf->server_name.len);
    ngx_md5_update(&md5, clcf->name.data, clcf->name.len);
    ngx_md5_update(&md5, kind, 1);

    if (clcf->noname) {

        /* "if" blocks have no name, but an order */

        prev->if_blocks++;
        ngx_md5_update(&md5, &prev->if_blocks, sizeof(prev->if_blocks));
    }

    ngx_md5_final(conf->location_id, &md5);
}


/* the addresses that the server of this configuration listens on */

static void
ngx_http_schema1_cache_conf_hash_listen_addrs(ngx_conf_t *cf, ngx_md5_t *md5)
{
    ngx_uint_t                   p, a, s;
    ngx_http_conf_port_t        *port;
    ngx_http_conf_addr_t        *addr;
    ngx_http_core_srv_conf_t    *cscf, **server;
    ngx_http_core_main_conf_t   *cmcf;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (cmcf->ports == NULL) {
        return;
    }

    port = cmcf->ports->elts;

    for (p = 0; p < cmcf->ports->nelts; p++) {
        addr = port[p].addrs.elts;

        for (a = 0; a < port[p].addrs.nelts; a++) {
            server = addr[a].servers.elts;

            for (s = 0; s < addr[a].servers.nelts; s++) {

                if (server[s] == cscf) {
                    ngx_md5_update(md5, addr[a].opt.addr_text.data,
                                   addr[a].opt.addr_text.len);
                    ngx_md5_update(md5, " ", 1);
                }
            }
        }
    }
}
