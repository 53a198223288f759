
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_METRICS_H_INCLUDED_
#define _SCHEMA1_METRICS_H_INCLUDED_


#include "schema1_string.h"


/* requests of one kind; the names are C identifiers */

typedef struct {
    const char                    *name;
    uint64_t                       count;
} schema1_metrics_count_t;


/* what a cache counts */

typedef struct {
    uint64_t                       entries;
    uint64_t                       bytes;       /* of all manifests */
    uint64_t                       hits;
    uint64_t                       misses;
    uint64_t                       evictions;
} schema1_metrics_cache_t;


/* a cache zone; the name may contain any bytes */

typedef struct {
    schema1_str_t                  name;
    uint64_t                       size;        /* as configured, in bytes */
    schema1_metrics_cache_t        cache;
} schema1_metrics_zone_t;


/* what a status location shows; everything is borrowed */

typedef struct {
    const char                    *version;
    const schema1_metrics_count_t *outcomes;
    size_t                         noutcomes;
    const schema1_metrics_count_t *reasons;
    size_t                         nreasons;
    uint64_t                       long_histories;
    uint64_t                       time;        /* in microseconds */
    const schema1_metrics_zone_t  *zones;
    size_t                         nzones;
} schema1_metrics_t;


/* appends a JSON object; SCHEMA1_ERROR: out of memory */
int schema1_metrics_json(const schema1_metrics_t *metrics,
    schema1_buf_t *buf);

/*
 * Appends the metrics in the text-based exposition format 0.0.4 of Prometheus.
 * SCHEMA1_ERROR: out of memory.
 */
int schema1_metrics_prometheus(const schema1_metrics_t *metrics,
    schema1_buf_t *buf);


#endif /* _SCHEMA1_METRICS_H_INCLUDED_ */
