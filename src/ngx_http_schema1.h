
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/schema1_pull.h"
#include "core/schema1_uri.h"


/* result of a request, for $schema1_status */

typedef enum {
    NGX_HTTP_SCHEMA1_OUTCOME_NONE = 0,
    NGX_HTTP_SCHEMA1_OUTCOME_PASS,
    NGX_HTTP_SCHEMA1_OUTCOME_CONVERTED,
    NGX_HTTP_SCHEMA1_OUTCOME_HIT,
    NGX_HTTP_SCHEMA1_OUTCOME_CHILD,
    NGX_HTTP_SCHEMA1_OUTCOME_EMPTY_LAYER,
    NGX_HTTP_SCHEMA1_OUTCOME_DIGEST,
    NGX_HTTP_SCHEMA1_OUTCOME_UNCONVERTIBLE,
    NGX_HTTP_SCHEMA1_OUTCOME_ERROR,

    NGX_HTTP_SCHEMA1_OUTCOMES
} ngx_http_schema1_outcome_e;


/* state of a request that the module handles */

typedef enum {
    NGX_HTTP_SCHEMA1_START = 0,     /* sent upstream, no header yet */
    NGX_HTTP_SCHEMA1_COLLECT,       /* header held back, body buffered */
    NGX_HTTP_SCHEMA1_SNIFF,         /* type and digest; may run in a thread */
    NGX_HTTP_SCHEMA1_LOOKUP,        /* the cache, or its lock */
    NGX_HTTP_SCHEMA1_FETCH,         /* a subrequest */
    NGX_HTTP_SCHEMA1_CONVERT,       /* may run in a thread */
    NGX_HTTP_SCHEMA1_VERIFY,        /* the source; may run in a thread */
    NGX_HTTP_SCHEMA1_SEND,          /* the module's response */
    NGX_HTTP_SCHEMA1_SENT,          /* its rest; the upstream's is dropped */
    NGX_HTTP_SCHEMA1_PASS,          /* the upstream's response */

    NGX_HTTP_SCHEMA1_STATES
} ngx_http_schema1_state_e;


#define NGX_HTTP_SCHEMA1_VERSION      "1.1.0"

/* bytes read or sent in one turn of the event loop */
#define NGX_HTTP_SCHEMA1_SLICE        131072

/*
 * "buffered" is four bits wide: SSI, sub and copy filters have the others, and
 * no image is a manifest
 */
#define NGX_HTTP_SCHEMA1_BUFFERED     0x08

/* the client's header lines that are replaced in what is sent upstream */
#define NGX_HTTP_SCHEMA1_REPLACED_LINES  6


typedef struct {
    ngx_int_t                   header_index[NGX_HTTP_SCHEMA1_REPLACED_LINES];
    ngx_uint_t                  needs_ephemeral;
    ngx_array_t                 caches;     /* ngx_shm_zone_t * */
    ngx_shm_zone_t             *status;     /* NULL: not configured */
} ngx_http_schema1_main_conf_t;


typedef struct {
    ngx_flag_t                  enable;
    ngx_http_complex_value_t   *accept;     /* NULL: the client's lines */
    ngx_http_complex_value_t   *platform;
    size_t                      max_size;

    ngx_str_t                   key_file;
    ngx_str_t                   password_file;
    ngx_str_t                   certificate_file;

    schema1_key_t              *key;        /* NULL: the ephemeral one */

    ngx_str_t                   redirect;

    ngx_shm_zone_t             *cache;      /* NULL: off */
    ngx_uint_t                  cache_revalidate;   /* by HEAD */
    u_char                      location_id[16];
    ngx_uint_t                  if_blocks;  /* in this location, so far */

    struct ngx_thread_pool_s   *thread_pool; /* NULL: off */
} ngx_http_schema1_loc_conf_t;


/*
 * The client's header lines while others are in r->headers_in: otherwise
 * headers.last is NULL
 */

typedef struct {
    ngx_list_t                  headers;
    ngx_table_elt_t            *lines[NGX_HTTP_SCHEMA1_REPLACED_LINES];
} ngx_http_schema1_headers_in_t;


/*
 * A response of the upstream, to the client's request or to a subrequest, and
 * its body as it arrives: "len" bytes of "size" allocated ones
 */

typedef struct {
    const char                 *name;       /* for messages: "manifest" */
    ngx_str_t                   reference;  /* digest; empty for the tag's */
    ngx_http_headers_out_t     *headers;
    ngx_uint_t                  status;
    schema1_reason_e            failure;    /* known before it is evaluated */

    u_char                     *data;
    size_t                      len;
    size_t                      size;
    size_t                      max;
    off_t                       expected;   /* Content-Length, or -1 */

    unsigned                    last:1;     /* the end was seen */
    unsigned                    overflow:1; /* more came than max */
} ngx_http_schema1_response_t;


typedef enum {
    NGX_HTTP_SCHEMA1_FETCH_TAG = 0, /* the tag's document, after a HEAD */
    NGX_HTTP_SCHEMA1_FETCH_MANIFEST,
    NGX_HTTP_SCHEMA1_FETCH_CONFIG,
    NGX_HTTP_SCHEMA1_FETCH_SOURCE,  /* the tag's document, by digest */
    NGX_HTTP_SCHEMA1_FETCH_HEAD     /* only the header of the tag's */
} ngx_http_schema1_fetch_e;


/* a subrequest for a document */

typedef struct {
    ngx_http_request_t         *request;
    ngx_http_request_body_t     request_body;       /* empty */
    ngx_http_post_subrequest_t  post_subrequest;
    ngx_http_schema1_fetch_e    kind;
    ngx_http_schema1_response_t response;
    ngx_str_t                   reference;  /* digest or tag */
    const char                 *name;       /* for messages: "manifest 1.0" */

    ngx_str_t                   path;       /* with the query; registry */
    ngx_str_t                   url;        /* external */
    ngx_uint_t                  hops;
} ngx_http_schema1_fetch_t;


/* of a cache entry; "repository" is the part that its digest shares */

typedef struct {
    ngx_str_t                   str;
    size_t                      repository; /* bytes at the beginning */
    uint32_t                    hash;
    ngx_rbtree_key_t            tag_hash;   /* of location, name, and tag */
} ngx_http_schema1_cache_key_t;


typedef enum {
    NGX_HTTP_SCHEMA1_LOCK_NONE = 0,
    NGX_HTTP_SCHEMA1_LOCK_HELD,             /* others may wait */
    NGX_HTTP_SCHEMA1_LOCK_WAITING,
    NGX_HTTP_SCHEMA1_LOCK_SKIP              /* has waited once */
} ngx_http_schema1_lock_e;


typedef struct {
    ngx_http_schema1_lock_e     state;
    ngx_queue_t                 queue;      /* of locks, or of waiters */
    ngx_queue_t                 waiters;
} ngx_http_schema1_cache_lock_t;


/* state of a request by tag or digest, or for the empty layer */

typedef struct {
    ngx_http_schema1_loc_conf_t    *conf;
    ngx_http_schema1_state_e        state;
    ngx_http_schema1_outcome_e      outcome;

    schema1_uri_t                   uri;
    schema1_accept_t                accept;
    schema1_action_e                action;     /* by the Content-Type */
    ngx_str_t                       upstream_accept;
    ngx_str_t                       platform;
    ngx_http_schema1_headers_in_t   client;

    ngx_http_schema1_response_t     response;   /* the upstream's */
    schema1_document_t              document;
    schema1_pull_t                 *pull;
    schema1_pull_step_e             step;       /* of the last task */

    ngx_http_schema1_fetch_t       *fetch;      /* the last one */
#if (NGX_THREADS)
    ngx_thread_task_t              *task;       /* NULL: none in a thread */
#endif
    uint64_t                        task_time;  /* of all tasks, in ns */

    void                          (*upstream_finalize)(ngx_http_request_t *r,
                                        ngx_int_t rc);

    ngx_event_t                     wake;       /* resumes a request */
    ngx_event_t                     disarm;     /* removes send_timeout */

    ngx_http_schema1_cache_key_t    cache_key;
    ngx_http_schema1_cache_lock_t   cache_lock;
    ngx_array_t                    *cache_sources;  /* of a digest */
    ngx_uint_t                      cache_source;   /* the current one */

    schema1_answer_t                answer;
    ngx_str_t                       rest;       /* of the body, to send */

    schema1_error_t                 error;      /* the last: it is large */
} ngx_http_schema1_ctx_t;


/* strings of nginx and of the core: the bytes are shared */

static ngx_inline ngx_str_t
ngx_http_schema1_str(schema1_str_t str)
{
    ngx_str_t  value;

    value.len = str.len;
    value.data = (u_char *) str.data;

    return value;
}


static ngx_inline schema1_str_t
ngx_http_schema1_core_str(ngx_str_t *value)
{
    schema1_str_t  str;

    str.len = value->len;
    str.data = (char *) value->data;

    return str;
}


/* copies the core's bytes; "data" is NULL if out of memory */

static ngx_inline ngx_str_t
ngx_http_schema1_pool_str(ngx_pool_t *pool, schema1_str_t str)
{
    ngx_str_t  value;

    value = ngx_http_schema1_str(str);
    value.data = ngx_pstrdup(pool, &value);

    if (value.data == NULL) {
        value.len = 0;
    }

    return value;
}


/* whether the client gets what is stored, if that is what its header states */

#define ngx_http_schema1_may_pass(ctx)                                        \
    ((ctx)->action == SCHEMA1_ACTION_AS_IS                                    \
     || (ctx)->action == SCHEMA1_ACTION_SNIFF)


/* "schema_conversion_platform contains variables" */

#define ngx_http_schema1_platform_varies(slcf)                                \
    ((slcf)->platform->lengths != NULL)


extern ngx_module_t  ngx_http_schema1_module;


#endif /* _NGX_HTTP_SCHEMA1_H_INCLUDED_ */
