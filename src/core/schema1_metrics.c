
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <inttypes.h>
#include <jansson.h>

#include "schema1_metrics.h"


#define SCHEMA1_METRICS_PREFIX  "schema_conversion_"


typedef struct {
    const char                    *name;        /* in JSON */
    const char                    *metric;
    const char                    *type;
    const char                    *help;
    size_t                         offset;
} schema1_metrics_member_t;


static json_t *schema1_metrics_json_counts(
    const schema1_metrics_count_t *counts, size_t n);
static json_t *schema1_metrics_json_zones(const schema1_metrics_t *metrics);
static json_t *schema1_metrics_json_zone(const schema1_metrics_zone_t *zone);
static void schema1_metrics_counts(schema1_buf_t *buf, const char *metric,
    const char *help, const char *label,
    const schema1_metrics_count_t *counts, size_t n);
static void schema1_metrics_zones(schema1_buf_t *buf,
    const schema1_metrics_t *metrics, const schema1_metrics_member_t *member);
static void schema1_metrics_head(schema1_buf_t *buf, const char *metric,
    const char *type, const char *help);
static void schema1_metrics_label(schema1_buf_t *buf, schema1_str_t value);
static void schema1_metrics_text(schema1_buf_t *buf, schema1_str_t value);
static uint64_t schema1_metrics_value(const schema1_metrics_zone_t *zone,
    const schema1_metrics_member_t *member);


#define schema1_metrics_offset(member)                                        \
    offsetof(schema1_metrics_zone_t, member)

static const schema1_metrics_member_t  schema1_metrics_members[] = {

    { "size", "cache_size_bytes", "gauge",
      "Size of the zone.",
      schema1_metrics_offset(size) },

    { "entries", "cache_entries", "gauge",
      "Manifests in the zone.",
      schema1_metrics_offset(cache.entries) },

    { "bytes", "cache_bytes", "gauge",
      "Size of the manifests in the zone.",
      schema1_metrics_offset(cache.bytes) },

    { "hits", "cache_hits_total", "counter",
      "Lookups that found a manifest.",
      schema1_metrics_offset(cache.hits) },

    { "misses", "cache_misses_total", "counter",
      "Lookups that found no manifest.",
      schema1_metrics_offset(cache.misses) },

    { "evictions", "cache_evictions_total", "counter",
      "Manifests removed to make room for others.",
      schema1_metrics_offset(cache.evictions) }
};

#define SCHEMA1_METRICS_MEMBERS                                               \
    (sizeof(schema1_metrics_members) / sizeof(schema1_metrics_members[0]))


int
schema1_metrics_json(const schema1_metrics_t *metrics, schema1_buf_t *buf)
{
    int      rc;
    json_t  *object, *outcomes, *reasons, *caches;

    outcomes = schema1_metrics_json_counts(metrics->outcomes,
                                           metrics->noutcomes);
    reasons = schema1_metrics_json_counts(metrics->reasons,
                                          metrics->nreasons);
    caches = schema1_metrics_json_zones(metrics);

    object = json_pack("{s:s,s:O,s:O,s:I,s:I,s:O}",
                       "version", metrics->version,
                       "outcomes", outcomes,
                       "reasons", reasons,
                       "long_histories", (json_int_t) metrics->long_histories,
                       "conversion_microseconds", (json_int_t) metrics->time,
                       "caches", caches);

    json_decref(outcomes);
    json_decref(reasons);
    json_decref(caches);

    rc = json_dump_callback(object, schema1_buf_write, buf,
                            JSON_COMPACT|JSON_PRESERVE_ORDER);

    json_decref(object);

    schema1_buf_putc(buf, '\n');

    return rc != 0 || buf->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


/* the setters of jansson release a new value also if they fail, and fail for
   NULL */

static json_t *
schema1_metrics_json_counts(const schema1_metrics_count_t *counts, size_t n)
{
    int      rc;
    size_t   i;
    json_t  *object;

    rc = 0;
    object = json_object();

    for (i = 0; i < n; i++) {
        rc |= json_object_set_new(object, counts[i].name,
                                  json_integer(counts[i].count));
    }

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


static json_t *
schema1_metrics_json_zones(const schema1_metrics_t *metrics)
{
    int            rc;
    size_t         i;
    json_t        *object;
    schema1_buf_t  name;

    rc = 0;
    object = json_object();

    for (i = 0; i < metrics->nzones; i++) {
        memset(&name, 0, sizeof(schema1_buf_t));

        schema1_metrics_text(&name, metrics->zones[i].name);
        schema1_buf_putc(&name, '\0');

        rc |= name.failed
              || json_object_set_new(object, name.data,
                     schema1_metrics_json_zone(&metrics->zones[i])) != 0;

        schema1_buf_free(&name);
    }

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


static json_t *
schema1_metrics_json_zone(const schema1_metrics_zone_t *zone)
{
    int                              rc;
    size_t                           i;
    json_t                          *object;
    const schema1_metrics_member_t  *member;

    rc = 0;
    object = json_object();

    for (i = 0; i < SCHEMA1_METRICS_MEMBERS; i++) {
        member = &schema1_metrics_members[i];

        rc |= json_object_set_new(object, member->name,
                  json_integer(schema1_metrics_value(zone, member)));
    }

    if (rc != 0) {
        json_decref(object);
        return NULL;
    }

    return object;
}


int
schema1_metrics_prometheus(const schema1_metrics_t *metrics,
    schema1_buf_t *buf)
{
    size_t  i;

    schema1_metrics_head(buf, "build_info", "gauge",
                         "Version of the module; the value is always 1.");
    schema1_buf_printf(buf, SCHEMA1_METRICS_PREFIX
                       "build_info{version=\"%s\"} 1\n", metrics->version);

    schema1_metrics_counts(buf, "requests_total",
                           "Requests for manifests and the empty layer.",
                           "outcome", metrics->outcomes, metrics->noutcomes);
    schema1_metrics_counts(buf, "failures_total",
                           "Requests that got an error from the module.",
                           "reason", metrics->reasons, metrics->nreasons);

    schema1_metrics_head(buf, "long_histories_total", "counter",
                         "Schema 1 manifests sent that have more history "
                         "entries than Docker before 1.10 can run.");
    schema1_buf_printf(buf, SCHEMA1_METRICS_PREFIX
                       "long_histories_total %" PRIu64 "\n",
                       metrics->long_histories);

    schema1_metrics_head(buf, "seconds_total", "counter",
                         "Time spent reading, converting and signing.");
    schema1_buf_printf(buf, SCHEMA1_METRICS_PREFIX
                       "seconds_total %" PRIu64 ".%06" PRIu64 "\n",
                       metrics->time / 1000000, metrics->time % 1000000);

    for (i = 0; i < SCHEMA1_METRICS_MEMBERS; i++) {
        schema1_metrics_zones(buf, metrics, &schema1_metrics_members[i]);
    }

    return buf->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


static void
schema1_metrics_counts(schema1_buf_t *buf, const char *metric,
    const char *help, const char *label,
    const schema1_metrics_count_t *counts, size_t n)
{
    size_t  i;

    schema1_metrics_head(buf, metric, "counter", help);

    for (i = 0; i < n; i++) {
        schema1_buf_printf(buf, SCHEMA1_METRICS_PREFIX
                           "%s{%s=\"%s\"} %" PRIu64 "\n", metric, label,
                           counts[i].name, counts[i].count);
    }
}


static void
schema1_metrics_zones(schema1_buf_t *buf, const schema1_metrics_t *metrics,
    const schema1_metrics_member_t *member)
{
    size_t                         i;
    const schema1_metrics_zone_t  *zone;

    if (metrics->nzones) {
        schema1_metrics_head(buf, member->metric, member->type, member->help);
    }

    for (i = 0; i < metrics->nzones; i++) {
        zone = &metrics->zones[i];

        schema1_buf_printf(buf, SCHEMA1_METRICS_PREFIX "%s{zone=\"",
                           member->metric);
        schema1_metrics_label(buf, zone->name);
        schema1_buf_printf(buf, "\"} %" PRIu64 "\n",
                           schema1_metrics_value(zone, member));
    }
}


static void
schema1_metrics_head(schema1_buf_t *buf, const char *metric, const char *type,
    const char *help)
{
    schema1_buf_printf(buf, "# HELP " SCHEMA1_METRICS_PREFIX "%s %s\n"
                            "# TYPE " SCHEMA1_METRICS_PREFIX "%s %s\n",
                       metric, help, metric, type);
}


/*
 * "label_value can be any sequence of UTF-8 characters, but the backslash (\),
 * double-quote ("), and line feed (\n) characters have to be escaped as \\,
 * \", and \n, respectively."
 */

static void
schema1_metrics_label(schema1_buf_t *buf, schema1_str_t value)
{
    char           ch;
    size_t         i;
    schema1_buf_t  text;

    memset(&text, 0, sizeof(schema1_buf_t));

    schema1_metrics_text(&text, value);

    for (i = 0; i < text.len; i++) {
        ch = text.data[i];

        if (ch == '\n' || ch == '"' || ch == '\\') {
            schema1_buf_putc(buf, '\\');
        }

        schema1_buf_putc(buf, ch == '\n' ? 'n' : ch);
    }

    buf->failed |= text.failed;

    schema1_buf_free(&text);
}


/* appends UTF-8 without null characters; other bytes are shown as "?" */

static void
schema1_metrics_text(schema1_buf_t *buf, schema1_str_t value)
{
    char     ch;
    size_t   i;
    json_t  *string;

    string = json_stringn(value.data, value.len);

    if (string && memchr(value.data, '\0', value.len) == NULL) {
        schema1_buf_append(buf, value.data, value.len);
        json_decref(string);
        return;
    }

    json_decref(string);

    for (i = 0; i < value.len; i++) {
        ch = value.data[i];
        schema1_buf_putc(buf, ch >= 0x20 && ch <= 0x7e ? ch : '?');
    }
}


static uint64_t
schema1_metrics_value(const schema1_metrics_zone_t *zone,
    const schema1_metrics_member_t *member)
{
    return *(const uint64_t *) ((const char *) zone + member->offset);
}
