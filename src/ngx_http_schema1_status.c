
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1.h"
#include "core/schema1_convert.h"
#include "ngx_http_schema1_cache_zone.h"
#include "ngx_http_schema1_ctx.h"
#include "ngx_http_schema1_status.h"
#include "ngx_http_schema1_var.h"


/* shared by all workers; "-" and requests without an error are not counted */

typedef struct {
    ngx_atomic_t            outcomes[NGX_HTTP_SCHEMA1_OUTCOMES];
    ngx_atomic_t            reasons[SCHEMA1_REASON_MAX];
    ngx_atomic_t            long_histories;
    ngx_atomic_t            time;                   /* in microseconds */
} ngx_http_schema1_counters_t;


static ngx_int_t ngx_http_schema1_status_init_zone(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_int_t ngx_http_schema1_status_log_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_status_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_status_print(ngx_http_request_t *r,
    ngx_uint_t prometheus, schema1_buf_t *buf);
static ngx_int_t ngx_http_schema1_status_zones(ngx_http_request_t *r,
    ngx_array_t *caches, schema1_metrics_t *metrics);


char *
ngx_http_schema1_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                      name;
    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_schema1_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_schema1_module);

    if (smcf->status == NULL) {
        ngx_str_set(&name, "schema_conversion_status");

        /* a tag of its own: no cache can be put into this zone */

        smcf->status = ngx_shared_memory_add(cf, &name, 8 * ngx_pagesize,
                                             &ngx_http_schema1_outcomes);
        if (smcf->status == NULL) {
            return NGX_CONF_ERROR;
        }

        smcf->status->init = ngx_http_schema1_status_init_zone;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_schema1_status_handler;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_schema1_status_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt           *h;
    ngx_http_core_main_conf_t     *cmcf;
    ngx_http_schema1_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_schema1_module);

    if (smcf->status == NULL) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_schema1_status_log_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_http_schema1_status_init_zone(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_slab_pool_t  *shpool;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (data == NULL && !shm_zone->shm.exists) {
        shpool->data = ngx_slab_calloc(shpool,
                                       sizeof(ngx_http_schema1_counters_t));
        if (shpool->data == NULL) {
            return NGX_ERROR;
        }
    }

    shm_zone->data = shpool->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_schema1_status_log_handler(ngx_http_request_t *r)
{
    ngx_http_schema1_ctx_t        *ctx;
    ngx_http_schema1_outcome_e     outcome;
    ngx_http_schema1_counters_t   *counters;
    ngx_http_schema1_main_conf_t  *smcf;

    if (r != r->main) {
        return NGX_OK;
    }

    outcome = ngx_http_schema1_ctx_outcome(r);

    if (outcome == NGX_HTTP_SCHEMA1_OUTCOME_NONE) {
        return NGX_OK;
    }

    smcf = ngx_http_get_module_main_conf(r, ngx_http_schema1_module);
    counters = smcf->status->data;

    (void) ngx_atomic_fetch_add(&counters->outcomes[outcome], 1);

    ctx = ngx_http_schema1_ctx_get(r);

    if (ctx == NULL) {
        return NGX_OK;
    }

    if (ctx->error.reason != SCHEMA1_NO_REASON) {
        (void) ngx_atomic_fetch_add(&counters->reasons[ctx->error.reason], 1);

    } else if (ctx->answer.entries > SCHEMA1_OLD_DOCKER_LAYERS) {
        (void) ngx_atomic_fetch_add(&counters->long_histories, 1);
    }

    if (ctx->task_time) {
        (void) ngx_atomic_fetch_add(&counters->time, ctx->task_time / 1000);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_schema1_status_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_str_t                  format;
    ngx_uint_t                 prometheus;
    schema1_buf_t              buf;
    ngx_http_complex_value_t   cv;

    static ngx_str_t  text = ngx_string("text/plain; version=0.0.4");
    static ngx_str_t  json = ngx_string("application/json");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    prometheus = ngx_http_arg(r, (u_char *) "format", 6, &format) == NGX_OK
                 && format.len == 10
                 && ngx_strncmp(format.data, "prometheus", 10) == 0;

    ngx_memzero(&buf, sizeof(schema1_buf_t));
    ngx_memzero(&cv, sizeof(ngx_http_complex_value_t));

    rc = ngx_http_schema1_status_print(r, prometheus, &buf);

    if (rc == NGX_OK) {
        cv.value = ngx_http_schema1_pool_str(r->pool, schema1_buf_str(&buf));
    }

    schema1_buf_free(&buf);

    if (cv.value.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_send_response(r, NGX_HTTP_OK, prometheus ? &text : &json,
                                  &cv);
}


static ngx_int_t
ngx_http_schema1_status_print(ngx_http_request_t *r, ngx_uint_t prometheus,
    schema1_buf_t *buf)
{
    int                            rc;
    ngx_uint_t                     i;
    schema1_metrics_t              metrics;
    schema1_metrics_count_t        outcomes[NGX_HTTP_SCHEMA1_OUTCOMES];
    schema1_metrics_count_t        reasons[SCHEMA1_REASON_MAX];
    ngx_http_schema1_counters_t   *counters;
    ngx_http_schema1_main_conf_t  *smcf;

    smcf = ngx_http_get_module_main_conf(r, ngx_http_schema1_module);
    counters = smcf->status->data;

    /* the first ones, "-" and no reason, are not counted */

    for (i = 1; i < NGX_HTTP_SCHEMA1_OUTCOMES; i++) {
        outcomes[i].name = (char *) ngx_http_schema1_outcomes[i].data;
        outcomes[i].count = counters->outcomes[i];
    }

    for (i = 1; i < SCHEMA1_REASON_MAX; i++) {
        reasons[i].name = schema1_reason_info(i)->name;
        reasons[i].count = counters->reasons[i];
    }

    metrics.version = NGX_HTTP_SCHEMA1_VERSION;
    metrics.outcomes = &outcomes[1];
    metrics.noutcomes = NGX_HTTP_SCHEMA1_OUTCOMES - 1;
    metrics.reasons = &reasons[1];
    metrics.nreasons = SCHEMA1_REASON_MAX - 1;
    metrics.long_histories = counters->long_histories;
    metrics.time = counters->time;

    if (ngx_http_schema1_status_zones(r, &smcf->caches, &metrics) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = prometheus ? schema1_metrics_prometheus(&metrics, buf)
                    : schema1_metrics_json(&metrics, buf);

    return (rc == SCHEMA1_OK) ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_schema1_status_zones(ngx_http_request_t *r, ngx_array_t *caches,
    schema1_metrics_t *metrics)
{
    ngx_uint_t                       i;
    ngx_shm_zone_t                 **shm_zone;
    schema1_metrics_zone_t          *zones;

    zones = ngx_palloc(r->pool,
                       caches->nelts * sizeof(schema1_metrics_zone_t));
    if (zones == NULL) {
        return NGX_ERROR;
    }

    shm_zone = caches->elts;

    for (i = 0; i < caches->nelts; i++) {
        zones[i].name = ngx_http_schema1_core_str(&shm_zone[i]->shm.name);
        zones[i].size = shm_zone[i]->shm.size;

        ngx_http_schema1_cache_zone_stats(shm_zone[i], &zones[i].cache);
    }

    metrics->zones = zones;
    metrics->nzones = caches->nelts;

    return NGX_OK;
}
