
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <jansson.h>

#include "schema1_metrics.h"
#include "alloc.h"
#include "exact.h"
#include "tap.h"


#define test_count(array)  (sizeof(array) / sizeof(array[0]))


static void test_json(void);
static void test_prometheus(void);
static void test_zone_names(void);
static void test_allocation(void);
static void test_zone_name(const char *data, size_t len, const char *name,
    const char *label, const char *title);
static int test_print(int format, schema1_buf_t *buf);


static const schema1_metrics_count_t  test_outcomes[] = {
    { "PASS", 1 },
    { "CONVERTED", UINT32_MAX + 2ULL }
};

static const schema1_metrics_count_t  test_reasons[] = {
    { "denied", 3 }
};

/* the names are set before the first test */

static schema1_metrics_zone_t  test_zones[] = {
    { schema1_string(""), 1048576, { 4, 5, 6, 7, 8 } },
    { schema1_string(""), 65536, { 0, 0, 0, 0, 0 } }
};

static const schema1_metrics_t  test_metrics = {
    "1.2.3", test_outcomes, test_count(test_outcomes), test_reasons,
    test_count(test_reasons), 9, 12000345, test_zones, test_count(test_zones)
};


int
main(void)
{
    test_zones[0].name = exact_str("one");
    test_zones[1].name = exact_str("two");

    test_json();
    test_prometheus();
    test_zone_names();
    test_allocation();

    return tap_done();
}


static void
test_json(void)
{
    schema1_buf_t  buf;

    memset(&buf, 0, sizeof(schema1_buf_t));

    tap_ok(schema1_metrics_json(&test_metrics, &buf) == SCHEMA1_OK, "JSON");

    tap_is(buf.data, buf.len,
           "{\"version\":\"1.2.3\","
           "\"outcomes\":{\"PASS\":1,\"CONVERTED\":4294967297},"
           "\"reasons\":{\"denied\":3},"
           "\"long_histories\":9,"
           "\"conversion_microseconds\":12000345,"
           "\"caches\":{"
           "\"one\":{\"size\":1048576,\"entries\":4,\"bytes\":5,\"hits\":6,"
           "\"misses\":7,\"evictions\":8},"
           "\"two\":{\"size\":65536,\"entries\":0,\"bytes\":0,\"hits\":0,"
           "\"misses\":0,\"evictions\":0}}}\n",
           "all members are in the JSON");

    schema1_buf_free(&buf);
}


static void
test_prometheus(void)
{
    size_t             i;
    schema1_buf_t      buf;
    schema1_metrics_t  metrics;

    static const char  *lines[] = {
        "# TYPE schema_conversion_build_info gauge\n"
        "schema_conversion_build_info{version=\"1.2.3\"} 1\n",
        "# TYPE schema_conversion_requests_total counter\n"
        "schema_conversion_requests_total{outcome=\"PASS\"} 1\n"
        "schema_conversion_requests_total{outcome=\"CONVERTED\"} 4294967297\n",
        "# TYPE schema_conversion_failures_total counter\n"
        "schema_conversion_failures_total{reason=\"denied\"} 3\n",
        "# TYPE schema_conversion_long_histories_total counter\n"
        "schema_conversion_long_histories_total 9\n",
        "# TYPE schema_conversion_seconds_total counter\n"
        "schema_conversion_seconds_total 12.000345\n",
        "# TYPE schema_conversion_cache_size_bytes gauge\n"
        "schema_conversion_cache_size_bytes{zone=\"one\"} 1048576\n"
        "schema_conversion_cache_size_bytes{zone=\"two\"} 65536\n",
        "schema_conversion_cache_entries{zone=\"one\"} 4\n",
        "schema_conversion_cache_bytes{zone=\"one\"} 5\n",
        "schema_conversion_cache_hits_total{zone=\"one\"} 6\n",
        "schema_conversion_cache_misses_total{zone=\"one\"} 7\n",
        "# TYPE schema_conversion_cache_evictions_total counter\n"
        "schema_conversion_cache_evictions_total{zone=\"one\"} 8\n"
        "schema_conversion_cache_evictions_total{zone=\"two\"} 0\n"
    };

    memset(&buf, 0, sizeof(schema1_buf_t));

    tap_ok(schema1_metrics_prometheus(&test_metrics, &buf) == SCHEMA1_OK,
           "Prometheus text");

    schema1_buf_putc(&buf, '\0');

    for (i = 0; i < test_count(lines); i++) {
        tap_ok(strstr(buf.data, lines[i]) != NULL,
               "Prometheus text has line %zu of the table", i + 1);
    }

    schema1_buf_free(&buf);

    metrics = test_metrics;
    metrics.time = 12999990;
    metrics.nzones = 0;

    schema1_metrics_prometheus(&metrics, &buf);
    schema1_buf_putc(&buf, '\0');

    tap_ok(strstr(buf.data, "seconds_total 12.999990\n") != NULL,
           "almost 13 seconds are 12 and a fraction");
    tap_ok(strstr(buf.data, "cache") == NULL,
           "without zones nothing is said of a cache");

    schema1_buf_free(&buf);
}


static void
test_zone_names(void)
{
    test_zone_name("a\"b\\c", 5, "a\"b\\c", "a\\\"b\\\\c",
                   "quotes and backslashes in a zone's name are escaped");
    test_zone_name("a\nb", 3, "a\nb", "a\\nb",
                   "a line feed in a zone's name is escaped");
    test_zone_name("caf\xc3\xa9", 5, "caf\xc3\xa9", "caf\xc3\xa9",
                   "UTF-8 in a zone's name is kept");
    test_zone_name("caf\xe9\n", 5, "caf??", "caf??",
                   "a zone's name that is not UTF-8 has question marks");
    test_zone_name("\xe9 ~\x7f", 4, "? ~?", "? ~?",
                   "a blank and a tilde in it are kept, DEL is not");
    test_zone_name("\xe9\x1f", 2, "??", "??",
                   "the last control character in it is a question mark");
    test_zone_name("a\0b", 3, "a?b", "a?b",
                   "a null character in a zone's name is a question mark");
}


static void
test_zone_name(const char *data, size_t len, const char *name,
    const char *label, const char *title)
{
    char                     line[256];
    json_t                  *object, *caches;
    schema1_buf_t            buf;
    schema1_metrics_t        metrics;
    schema1_metrics_zone_t   zone;

    zone = test_zones[0];
    zone.name = exact_bytes(data, len);

    metrics = test_metrics;
    metrics.zones = &zone;
    metrics.nzones = 1;

    memset(&buf, 0, sizeof(schema1_buf_t));

    schema1_metrics_json(&metrics, &buf);

    object = json_loadb(buf.data, buf.len, 0, NULL);
    caches = json_object_get(object, "caches");

    tap_ok(json_object_size(caches) == 1
           && json_object_get(caches, name) != NULL, "%s in JSON", title);

    json_decref(object);
    schema1_buf_free(&buf);

    schema1_metrics_prometheus(&metrics, &buf);
    schema1_buf_putc(&buf, '\0');

    snprintf(line, sizeof(line),
             "\nschema_conversion_cache_entries{zone=\"%s\"} 4\n", label);

    tap_ok(strstr(buf.data, line) != NULL, "%s in Prometheus text", title);

    schema1_buf_free(&buf);
}


/* each allocation fails in turn: an error or the same text, nothing leaks */

static void
test_allocation(void)
{
    int            format, rc;
    bool           good;
    size_t         before;
    unsigned long  n, errors;
    schema1_buf_t  buf, whole;

    if (!alloc_hooked()) {
        tap_ok(1, "allocations # SKIP another allocator is in place");
        return;
    }

    for (format = 0; format < 2; format++) {
        memset(&whole, 0, sizeof(schema1_buf_t));
        test_print(format, &whole);

        good = true;
        errors = 0;

        for (n = 1; good; n++) {
            memset(&buf, 0, sizeof(schema1_buf_t));
            before = alloc_held;
            alloc_countdown = n;

            rc = test_print(format, &buf);

            if (alloc_countdown) {
                alloc_countdown = 0;
                schema1_buf_free(&buf);
                break;
            }

            errors += (rc == SCHEMA1_ERROR);
            good = rc == SCHEMA1_ERROR
                   || (buf.len == whole.len
                       && memcmp(buf.data, whole.data, whole.len) == 0);

            schema1_buf_free(&buf);
            good = good && alloc_held == before;
        }

        tap_ok(good && errors > 3, "%s: each allocation fails once",
               format ? "JSON" : "Prometheus text");

        schema1_buf_free(&whole);
    }
}


static int
test_print(int format, schema1_buf_t *buf)
{
    if (format) {
        return schema1_metrics_json(&test_metrics, buf);
    }

    return schema1_metrics_prometheus(&test_metrics, buf);
}
