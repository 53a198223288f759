
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/schema1_pull.h"
#include "core/schema1_reference.h"


/* what a request came to, for $schema1_status */

typedef enum {
    NGX_HTTP_SCHEMA1_NONE = 0,
    NGX_HTTP_SCHEMA1_PASS,
    NGX_HTTP_SCHEMA1_CONVERTED,
    NGX_HTTP_SCHEMA1_HIT,
    NGX_HTTP_SCHEMA1_CHILD,
    NGX_HTTP_SCHEMA1_EMPTY_LAYER,
    NGX_HTTP_SCHEMA1_DIGEST,
    NGX_HTTP_SCHEMA1_UNCONVERTIBLE,
    NGX_HTTP_SCHEMA1_ERROR,

    NGX_HTTP_SCHEMA1_OUTCOMES
} ngx_http_schema1_outcome_e;


/* where a request stands that the module has a say in */

typedef enum {
    NGX_HTTP_SCHEMA1_ASKED = 0,     /* gone upstream, no header yet */
    NGX_HTTP_SCHEMA1_HOLDING,       /* header held back, body collected */
    NGX_HTTP_SCHEMA1_FETCHING,      /* header held back, a fetch under way */
    NGX_HTTP_SCHEMA1_WORKING,       /* the same, a thread at work */
    NGX_HTTP_SCHEMA1_WAITING,       /* the same, another converts it */
    NGX_HTTP_SCHEMA1_FAILED,        /* header held back, an error to send */
    NGX_HTTP_SCHEMA1_PASSING,       /* nothing more to do */
    NGX_HTTP_SCHEMA1_ANSWERED,      /* answered here; what comes is dropped */
    NGX_HTTP_SCHEMA1_EMPTYING       /* the empty layer takes the 404's place */
} ngx_http_schema1_phase_e;


#define NGX_HTTP_SCHEMA1_VERSION      "1.1.0"

#define NGX_HTTP_SCHEMA1_PLATFORM     "linux/amd64"

/* what is read or sent at once: others wait until it is done */
#define NGX_HTTP_SCHEMA1_SLICE        131072

/*
 * "buffered" is four bits wide: SSI, sub and copy filters have the others, and
 * no image is a manifest
 */
#define NGX_HTTP_SCHEMA1_BUFFERED     0x08

/* variables through which the edited header lines are seen */
#define NGX_HTTP_SCHEMA1_HEADER_VARS  6


typedef struct {
    ngx_int_t                   header_index[NGX_HTTP_SCHEMA1_HEADER_VARS];
    ngx_array_t                 keys;       /* ngx_http_schema1_key_file_t */
    const schema1_key_t        *ephemeral;
    ngx_uint_t                  needs_ephemeral;
    ngx_array_t                 caches;     /* ngx_shm_zone_t * */
    ngx_shm_zone_t             *status;     /* NULL: nobody asks */
} ngx_http_schema1_main_conf_t;


typedef struct {
    ngx_flag_t                  enable;
    ngx_http_complex_value_t   *platform;
    size_t                      max_size;

    ngx_str_t                   key_file;
    ngx_str_t                   password_file;
    ngx_str_t                   certificate_file;

    const schema1_key_t        *key;        /* NULL: the ephemeral one */

    ngx_str_t                   redirect;

    ngx_shm_zone_t             *cache;      /* NULL: off */
    u_char                      place[64];  /* names this location in it */
    ngx_uint_t                  blocks;     /* "if" blocks in it so far */

#if (NGX_THREADS)
    ngx_thread_pool_t          *thread_pool; /* NULL: off */
#endif
} ngx_http_schema1_loc_conf_t;


/* the client's header lines that do not go upstream as they came */

typedef struct {
    ngx_list_t                  headers;
    ngx_table_elt_t            *range;
    ngx_table_elt_t            *if_range;
    ngx_table_elt_t            *if_none_match;
    ngx_table_elt_t            *if_modified_since;
#if (NGX_HTTP_GZIP || NGX_HTTP_HEADERS)
    ngx_table_elt_t            *accept_encoding;
#endif
#if (NGX_HTTP_HEADERS)
    ngx_table_elt_t            *accept;
#endif
} ngx_http_schema1_headers_in_t;


/* a body as it arrives; "size" is the room, "len" what is there */

typedef struct {
    u_char                     *data;
    size_t                      len;
    size_t                      size;
    size_t                      max;
    off_t                       expected;   /* Content-Length, or -1 */

    unsigned                    last:1;     /* the end was seen */
    unsigned                    overflow:1; /* more came than max */
} ngx_http_schema1_body_t;


typedef struct ngx_http_schema1_fetch_s  ngx_http_schema1_fetch_t;
typedef struct ngx_http_schema1_ctx_s  ngx_http_schema1_ctx_t;


/* what a client gets instead of what is stored */

typedef struct {
    ngx_str_t                   body;
    ngx_str_t                   digest;
    ngx_str_t                   source_digest;  /* the tag's document */
    schema1_type_e              type;
    schema1_type_e              source_type;
    ngx_uint_t                  entries;        /* of a schema 1 history */
    ngx_uint_t                  made;           /* else a child as it is */
} ngx_http_schema1_answer_t;


#define NGX_HTTP_SCHEMA1_CACHE_KEY  64          /* hex digits */


/* a conversion that others wait for, or a request that waits for one */

typedef struct {
    ngx_queue_t                 queue;
    ngx_queue_t                 waiters;
    ngx_event_t                 wake;

    unsigned                    leading:1;
    unsigned                    waiting:1;
    unsigned                    alone:1;    /* has waited enough */
} ngx_http_schema1_flight_t;


/* reads, converts or signs; touches nothing of nginx's */

typedef void (*ngx_http_schema1_work_pt)(ngx_http_schema1_ctx_t *ctx);


/* of a request by tag that may be converted, or for the empty layer */

struct ngx_http_schema1_ctx_s {
    ngx_http_schema1_loc_conf_t    *conf;
    ngx_http_schema1_phase_e        phase;
    ngx_http_schema1_outcome_e      outcome;

    schema1_uri_t                   uri;
    schema1_accept_t                accept;
    ngx_str_t                       upstream_accept;
    ngx_str_t                       platform;
    ngx_http_schema1_headers_in_t   client;

    ngx_http_schema1_body_t         body;       /* of the tag's document */
    schema1_document_t              document;
    schema1_pull_conf_t             pull_conf;
    schema1_pull_t                 *pull;

    ngx_http_schema1_fetch_t       *fetch;      /* the one under way */

    ngx_http_schema1_work_pt        work;       /* the last one given out */
    schema1_step_e                  step;       /* what it came to */
    uint64_t                        work_time;  /* in ns, of all of them */
    ngx_event_t                     park;

    u_char                          cache_key[NGX_HTTP_SCHEMA1_CACHE_KEY];
    ngx_http_schema1_flight_t       flight;

    ngx_http_schema1_answer_t       answer;
    ngx_str_t                       rest;       /* of a body, yet to send */
    schema1_error_t                 error;

    unsigned                        edited:1;   /* headers_in are not the
                                                   client's at the moment */
    unsigned                        telling:1;  /* held only to be told */
    unsigned                        by_digest:1; /* a 404 that may be ours */
    unsigned                        worked:1;   /* the thread is done */
};


extern ngx_module_t  ngx_http_schema1_module;


#endif /* _NGX_HTTP_SCHEMA1_H_INCLUDED_ */
