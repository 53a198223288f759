
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "src/ngx_http_schema1.h"
#include "src/core/schema1_platform.h"
#include "src/ngx_http_schema1_cache_conf.h"
#include "src/ngx_http_schema1_filter.h"
#include "src/ngx_http_schema1_headers_in.h"
#include "src/ngx_http_schema1_key.h"
#include "src/ngx_http_schema1_request.h"
#include "src/ngx_http_schema1_status.h"
#include "src/ngx_http_schema1_var.h"


static char *ngx_http_schema1_platform(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_schema1_max_size(ngx_conf_t *cf, void *post, void *data);
static char *ngx_http_schema1_redirect(ngx_conf_t *cf, void *post, void *data);
static char *ngx_http_schema1_file(ngx_conf_t *cf, void *post, void *data);
static char *ngx_http_schema1_thread_pool(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

static ngx_int_t ngx_http_schema1_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_schema1_postconfiguration(ngx_conf_t *cf);
static void *ngx_http_schema1_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_schema1_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_schema1_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);


static ngx_conf_post_t  ngx_http_schema1_max_size_post =
    { ngx_http_schema1_max_size };

static ngx_conf_post_t  ngx_http_schema1_redirect_post =
    { ngx_http_schema1_redirect };

static ngx_conf_post_t  ngx_http_schema1_file_post =
    { ngx_http_schema1_file };


static ngx_http_complex_value_t  ngx_http_schema1_default_platform =
    { ngx_string("linux/amd64"), NULL, NULL, NULL, { 0 } };


static ngx_command_t  ngx_http_schema1_commands[] = {

    { ngx_string("schema_conversion"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_schema1_loc_conf_t, enable),
      NULL },

    { ngx_string("schema_conversion_key"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_schema1_loc_conf_t, key_file),
      &ngx_http_schema1_file_post },

    { ngx_string("schema_conversion_password_file"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_schema1_loc_conf_t, password_file),
      &ngx_http_schema1_file_post },

    { ngx_string("schema_conversion_certificate"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_schema1_loc_conf_t, certificate_file),
      &ngx_http_schema1_file_post },

    { ngx_string("schema_conversion_accept"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_schema1_loc_conf_t, accept),
      NULL },

    { ngx_string("schema_conversion_platform"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_schema1_platform,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_schema1_loc_conf_t, platform),
      NULL },

    { ngx_string("schema_conversion_max_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_schema1_loc_conf_t, max_size),
      &ngx_http_schema1_max_size_post },

    { ngx_string("schema_conversion_redirect"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_schema1_loc_conf_t, redirect),
      &ngx_http_schema1_redirect_post },

    { ngx_string("schema_conversion_cache_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_schema1_cache_conf_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("schema_conversion_cache"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_schema1_cache_conf_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("schema_conversion_thread_pool"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_schema1_thread_pool,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("schema_conversion_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_schema1_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_schema1_module_ctx = {
    ngx_http_schema1_var_init,             /* preconfiguration */
    ngx_http_schema1_postconfiguration,    /* postconfiguration */

    ngx_http_schema1_create_main_conf,     /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_schema1_create_loc_conf,      /* create location configuration */
    ngx_http_schema1_merge_loc_conf        /* merge location configuration */
};


ngx_module_t  ngx_http_schema1_module = {
    NGX_MODULE_V1,
    &ngx_http_schema1_module_ctx,          /* module context */
    ngx_http_schema1_commands,             /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_schema1_init_module,          /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static char *
ngx_http_schema1_platform(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_schema1_loc_conf_t *slcf = conf;

    char                *rv;
    ngx_str_t           *value;
    const char          *name;
    schema1_platform_t   platform;

    rv = ngx_http_set_complex_value_slot(cf, cmd, conf);

    if (rv != NGX_CONF_OK || slcf->platform->lengths) {
        return rv;
    }

    value = cf->args->elts;

    if (schema1_platform_read(&platform,
                              ngx_http_schema1_core_str(&value[1]))
        != SCHEMA1_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid platform \"%V\" in "
                           "\"schema_conversion_platform\", it must be "
                           "\"os/arch\" or \"os/arch/variant\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    name = schema1_platform_oci_name(platform.architecture);

    if (name) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "platform \"%V\" in \"schema_conversion_platform\" "
                           "matches no image, OCI's name of the architecture "
                           "is \"%s\"", &value[1], name);
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_schema1_max_size(ngx_conf_t *cf, void *post, void *data)
{
    size_t *size = data;

    if (*size == 0) {
        return "must be greater than 0";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_schema1_redirect(ngx_conf_t *cf, void *post, void *data)
{
    ngx_str_t *uri = data;

    if (uri->len == 0 || uri->data[0] != '/') {
        return "must name a location by its URI, such as \"/blob-redirect\"";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_schema1_file(ngx_conf_t *cf, void *post, void *data)
{
    ngx_str_t *file = data;

    if (file->len == 0) {
        return "must name a file";
    }

    return (ngx_conf_full_name(cf->cycle, file, 1) == NGX_OK)
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_schema1_thread_pool(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_schema1_loc_conf_t *slcf = conf;

    ngx_str_t  *value;

    if (slcf->thread_pool != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        slcf->thread_pool = NULL;
        return NGX_CONF_OK;
    }

#if (NGX_THREADS)
    slcf->thread_pool = ngx_thread_pool_add(cf, &value[1]);

    return (slcf->thread_pool == NULL) ? NGX_CONF_ERROR : NGX_CONF_OK;
#else
    return "needs an nginx that was built --with-threads";
#endif
}


static ngx_int_t
ngx_http_schema1_init_module(ngx_cycle_t *cycle)
{
    if (!ngx_test_config) {
        ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                      "ngx_http_schema1_module/" NGX_HTTP_SCHEMA1_VERSION);
    }

    ngx_http_schema1_key_notice(cycle);

    return NGX_OK;
}


static ngx_int_t
ngx_http_schema1_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    if (ngx_http_schema1_headers_in_init(cf) != NGX_OK
        || ngx_http_schema1_key_ephemeral(cf) != NGX_OK
        || ngx_http_schema1_status_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_schema1_request_handler;

    ngx_http_schema1_filter_init();

    return NGX_OK;
}


static void *
ngx_http_schema1_create_main_conf(ngx_conf_t *cf)
{
    /*
     * set by ngx_pcalloc():
     *
     *     smcf->header_index = { 0 };
     *     smcf->needs_ephemeral = 0;
     *     smcf->caches = { NULL };
     *     smcf->status = NULL;
     */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_schema1_main_conf_t));
}


static void *
ngx_http_schema1_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_schema1_loc_conf_t  *slcf;

    slcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_schema1_loc_conf_t));
    if (slcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     slcf->accept = NULL;
     *     slcf->platform = NULL;
     *     slcf->key_file = { 0, NULL };
     *     slcf->password_file = { 0, NULL };
     *     slcf->certificate_file = { 0, NULL };
     *     slcf->key = NULL;
     *     slcf->redirect = { 0, NULL };
     *     slcf->location_id = { 0 };
     *     slcf->if_blocks = 0;
     */

    slcf->enable = NGX_CONF_UNSET;
    slcf->max_size = NGX_CONF_UNSET_SIZE;
    slcf->cache = NGX_CONF_UNSET_PTR;
    slcf->thread_pool = NGX_CONF_UNSET_PTR;

    return slcf;
}


static char *
ngx_http_schema1_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_schema1_loc_conf_t *prev = parent;
    ngx_http_schema1_loc_conf_t *conf = child;

    ngx_http_schema1_main_conf_t  *smcf;

    ngx_conf_merge_value(conf->enable, prev->enable, 0);
    ngx_conf_merge_size_value(conf->max_size, prev->max_size,
                              4 * 1024 * 1024);
    ngx_conf_merge_str_value(conf->key_file, prev->key_file, "");
    ngx_conf_merge_str_value(conf->password_file, prev->password_file, "");
    ngx_conf_merge_str_value(conf->certificate_file, prev->certificate_file,
                             "");
    ngx_conf_merge_str_value(conf->redirect, prev->redirect, "");

    if (conf->cache == NGX_CONF_UNSET_PTR) {
        conf->cache_revalidate = prev->cache_revalidate;
    }

    ngx_conf_merge_ptr_value(conf->cache, prev->cache, NULL);
    ngx_conf_merge_ptr_value(conf->thread_pool, prev->thread_pool, NULL);

    if (conf->accept == NULL) {
        conf->accept = prev->accept;
    }

    if (conf->platform == NULL) {
        conf->platform = prev->platform ? prev->platform
                                        : &ngx_http_schema1_default_platform;
    }

    if (ngx_http_schema1_cache_conf_check(cf, conf->cache) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_http_schema1_cache_conf_location_id(cf, prev, conf);

    if (conf->key_file.len) {
        return ngx_http_schema1_key_load(cf, conf);
    }

    if (!conf->enable) {
        return NGX_CONF_OK;
    }

    if (conf->password_file.len) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "no \"schema_conversion_key\" for the "
                           "\"schema_conversion_password_file\" \"%V\"",
                           &conf->password_file);
    }

    if (conf->certificate_file.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no \"schema_conversion_key\" for the "
                           "\"schema_conversion_certificate\" \"%V\"",
                           &conf->certificate_file);
        return NGX_CONF_ERROR;
    }

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_schema1_module);
    smcf->needs_ephemeral = 1;

    return NGX_CONF_OK;
}
