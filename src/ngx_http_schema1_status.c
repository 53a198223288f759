
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "ngx_http_schema1_cache.h"
#include "ngx_http_schema1_request.h"
#include "ngx_http_schema1_status.h"
#include "ngx_http_schema1_var.h"


/* shared by all workers; "-" is not counted */

typedef struct {
    ngx_atomic_t            outcomes[NGX_HTTP_SCHEMA1_OUTCOMES];
    ngx_atomic_t            reasons[SCHEMA1_REASON_MAX];
    ngx_atomic_t            work_time;              /* in microseconds */
} ngx_http_schema1_counters_t;


static ngx_int_t ngx_http_schema1_status_init_zone(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_int_t ngx_http_schema1_status_log_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_schema1_status_handler(ngx_http_request_t *r);
static void ngx_http_schema1_status_json(
    ngx_http_schema1_main_conf_t *smcf, schema1_buf_t *buf);
static void ngx_http_schema1_status_prometheus(
    ngx_http_schema1_main_conf_t *smcf, schema1_buf_t *buf);
static void ngx_http_schema1_status_caches_prometheus(
    ngx_http_schema1_main_conf_t *smcf, schema1_buf_t *buf);
static void ngx_http_schema1_status_printf(schema1_buf_t *buf,
    const char *fmt, ...);


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

    if (data) {
        shm_zone->data = data;
        return NGX_OK;
    }

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (!shm_zone->shm.exists) {
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

    outcome = ngx_http_schema1_request_outcome(r);

    if (outcome == NGX_HTTP_SCHEMA1_NONE) {
        return NGX_OK;
    }

    smcf = ngx_http_get_module_main_conf(r, ngx_http_schema1_module);
    counters = smcf->status->data;

    (void) ngx_atomic_fetch_add(&counters->outcomes[outcome], 1);

    ctx = ngx_http_schema1_request_ctx(r);

    if (ctx == NULL) {
        return NGX_OK;
    }

    if (ctx->error.reason != SCHEMA1_NO_REASON) {
        (void) ngx_atomic_fetch_add(&counters->reasons[ctx->error.reason], 1);
    }

    if (ctx->work_time) {
        (void) ngx_atomic_fetch_add(&counters->work_time,
                                    ctx->work_time / 1000);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_schema1_status_handler(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    ngx_str_t                      value;
    ngx_buf_t                     *b;
    ngx_uint_t                     prometheus;
    ngx_chain_t                    out;
    schema1_buf_t                  buf;
    ngx_http_schema1_main_conf_t  *smcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    smcf = ngx_http_get_module_main_conf(r, ngx_http_schema1_module);

    prometheus = ngx_http_arg(r, (u_char *) "format", 6, &value) == NGX_OK
                 && value.len == 10
                 && ngx_strncmp(value.data, "prometheus", 10) == 0;

    ngx_memzero(&buf, sizeof(schema1_buf_t));

    if (prometheus) {
        ngx_http_schema1_status_prometheus(smcf, &buf);
        ngx_str_set(&r->headers_out.content_type,
                    "text/plain; version=0.0.4");

    } else {
        ngx_http_schema1_status_json(smcf, &buf);
        ngx_str_set(&r->headers_out.content_type, "application/json");
    }

    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    b = ngx_create_temp_buf(r->pool, buf.len + 1);

    if (buf.failed || b == NULL) {
        schema1_buf_free(&buf);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last = ngx_cpymem(b->last, buf.data, buf.len);

    schema1_buf_free(&buf);

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = b->last - b->pos;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static void
ngx_http_schema1_status_json(ngx_http_schema1_main_conf_t *smcf,
    schema1_buf_t *buf)
{
    ngx_uint_t                       i;
    ngx_shm_zone_t                 **zone;
    ngx_http_schema1_counters_t     *counters;
    ngx_http_schema1_cache_stats_t   stats;

    counters = smcf->status->data;

    schema1_buf_puts(buf, "{\"version\":\"" NGX_HTTP_SCHEMA1_VERSION
                          "\",\"outcomes\":{");

    for (i = NGX_HTTP_SCHEMA1_PASS; i < NGX_HTTP_SCHEMA1_OUTCOMES; i++) {
        ngx_http_schema1_status_printf(buf, "%s\"%V\":%uA",
                                       i > NGX_HTTP_SCHEMA1_PASS ? "," : "",
                                       &ngx_http_schema1_outcomes[i],
                                       counters->outcomes[i]);
    }

    schema1_buf_puts(buf, "},\"reasons\":{");

    for (i = SCHEMA1_NO_REASON + 1; i < SCHEMA1_REASON_MAX; i++) {
        ngx_http_schema1_status_printf(buf, "%s\"%s\":%uA",
                                       i > SCHEMA1_NO_REASON + 1 ? "," : "",
                                       schema1_reason_info(i)->name,
                                       counters->reasons[i]);
    }

    ngx_http_schema1_status_printf(buf,
                                   "},\"conversion_microseconds\":%uA,"
                                   "\"caches\":{", counters->work_time);

    zone = smcf->caches.elts;

    for (i = 0; i < smcf->caches.nelts; i++) {
        ngx_http_schema1_cache_stats(zone[i], &stats);

        ngx_http_schema1_status_printf(buf,
                                       "%s\"%V\":{\"entries\":%ui,"
                                       "\"bytes\":%ui,\"hits\":%ui,"
                                       "\"misses\":%ui,\"evictions\":%ui}",
                                       i ? "," : "", &zone[i]->shm.name,
                                       stats.entries, stats.bytes, stats.hits,
                                       stats.misses, stats.evictions);
    }

    schema1_buf_puts(buf, "}}\n");
}


static void
ngx_http_schema1_status_prometheus(ngx_http_schema1_main_conf_t *smcf,
    schema1_buf_t *buf)
{
    ngx_uint_t                    i;
    ngx_http_schema1_counters_t  *counters;

    counters = smcf->status->data;

    schema1_buf_puts(buf, "# HELP schema_conversion_requests_total Requests, "
                          "by what they came to.\n"
                          "# TYPE schema_conversion_requests_total counter\n");

    for (i = NGX_HTTP_SCHEMA1_PASS; i < NGX_HTTP_SCHEMA1_OUTCOMES; i++) {
        ngx_http_schema1_status_printf(buf, "schema_conversion_requests_total"
                                       "{outcome=\"%V\"} %uA\n",
                                       &ngx_http_schema1_outcomes[i],
                                       counters->outcomes[i]);
    }

    schema1_buf_puts(buf, "# HELP schema_conversion_failures_total Requests "
                          "without a manifest, by reason.\n"
                          "# TYPE schema_conversion_failures_total counter\n");

    for (i = SCHEMA1_NO_REASON + 1; i < SCHEMA1_REASON_MAX; i++) {
        ngx_http_schema1_status_printf(buf, "schema_conversion_failures_total"
                                       "{reason=\"%s\"} %uA\n",
                                       schema1_reason_info(i)->name,
                                       counters->reasons[i]);
    }

    ngx_http_schema1_status_printf(buf,
                "# HELP schema_conversion_microseconds_total Time spent "
                "reading, converting and signing.\n"
                "# TYPE schema_conversion_microseconds_total counter\n"
                "schema_conversion_microseconds_total %uA\n",
                counters->work_time);

    ngx_http_schema1_status_caches_prometheus(smcf, buf);
}


static void
ngx_http_schema1_status_caches_prometheus(ngx_http_schema1_main_conf_t *smcf,
    schema1_buf_t *buf)
{
    ngx_uint_t                       i, k, value;
    ngx_shm_zone_t                 **zone;
    ngx_http_schema1_cache_stats_t   stats;

    static struct {
        const char  *name;
        const char  *type;
        const char  *help;
        size_t       offset;

    } metrics[] = {
        { "cache_entries", "gauge", "Manifests held in the cache.",
          offsetof(ngx_http_schema1_cache_stats_t, entries) },
        { "cache_bytes", "gauge", "Bytes of the manifests in the cache.",
          offsetof(ngx_http_schema1_cache_stats_t, bytes) },
        { "cache_hits_total", "counter", "Manifests found in the cache.",
          offsetof(ngx_http_schema1_cache_stats_t, hits) },
        { "cache_misses_total", "counter", "Manifests not found in the cache.",
          offsetof(ngx_http_schema1_cache_stats_t, misses) },
        { "cache_evictions_total", "counter", "Manifests that made room.",
          offsetof(ngx_http_schema1_cache_stats_t, evictions) }
    };

    zone = smcf->caches.elts;

    for (k = 0; k < sizeof(metrics) / sizeof(metrics[0]); k++) {

        if (smcf->caches.nelts) {
            ngx_http_schema1_status_printf(buf,
                                      "# HELP schema_conversion_%s %s\n"
                                      "# TYPE schema_conversion_%s %s\n",
                                      metrics[k].name, metrics[k].help,
                                      metrics[k].name, metrics[k].type);
        }

        for (i = 0; i < smcf->caches.nelts; i++) {
            ngx_http_schema1_cache_stats(zone[i], &stats);

            value = *(ngx_uint_t *) ((u_char *) &stats + metrics[k].offset);

            ngx_http_schema1_status_printf(buf, "schema_conversion_%s"
                                           "{zone=\"%V\"} %ui\n",
                                           metrics[k].name,
                                           &zone[i]->shm.name, value);
        }
    }
}


/* with nginx's own formats */

static void
ngx_http_schema1_status_printf(schema1_buf_t *buf, const char *fmt, ...)
{
    u_char   line[NGX_MAX_ERROR_STR], *p;
    va_list  args;

    va_start(args, fmt);
    p = ngx_vslprintf(line, line + NGX_MAX_ERROR_STR, fmt, args);
    va_end(args);

    schema1_buf_append(buf, (char *) line, p - line);
}
