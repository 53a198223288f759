
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
    NGX_HTTP_SCHEMA1_ERROR
} ngx_http_schema1_outcome_e;


/* where a request stands that the module has a say in */

typedef enum {
    NGX_HTTP_SCHEMA1_ASKED = 0,     /* gone upstream, no header yet */
    NGX_HTTP_SCHEMA1_HOLDING,       /* header held back, body collected */
    NGX_HTTP_SCHEMA1_FETCHING,      /* header held back, a fetch under way */
    NGX_HTTP_SCHEMA1_FAILED,        /* header held back, an error to send */
    NGX_HTTP_SCHEMA1_PASSING,       /* nothing more to do */
    NGX_HTTP_SCHEMA1_ANSWERED,      /* answered here; what comes is dropped */
    NGX_HTTP_SCHEMA1_EMPTYING       /* the empty layer takes the 404's place */
} ngx_http_schema1_phase_e;


#define NGX_HTTP_SCHEMA1_PLATFORM     "linux/amd64"

/* variables through which the edited header lines are seen */
#define NGX_HTTP_SCHEMA1_HEADER_VARS  6


typedef struct {
    ngx_int_t                   header_index[NGX_HTTP_SCHEMA1_HEADER_VARS];
    ngx_array_t                 keys;       /* ngx_http_schema1_key_file_t */
    const schema1_key_t        *ephemeral;
    ngx_uint_t                  needs_ephemeral;
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


/* of a request by tag that may be converted, or for the empty layer */

typedef struct {
    ngx_http_schema1_loc_conf_t    *conf;
    ngx_http_schema1_phase_e        phase;
    ngx_http_schema1_outcome_e      outcome;

    schema1_uri_t                   uri;
    schema1_accept_t                accept;
    ngx_str_t                       upstream_accept;
    ngx_http_schema1_headers_in_t   client;

    ngx_http_schema1_body_t         body;       /* of the tag's document */
    schema1_document_t              document;
    schema1_pull_conf_t             pull_conf;
    schema1_pull_t                 *pull;

    ngx_http_schema1_fetch_t       *fetch;      /* the one under way */

    schema1_type_e                  source_type;
    ngx_str_t                       source_digest;
    ngx_str_t                       digest;     /* of the answer */
    schema1_error_t                 error;

    unsigned                        edited:1;   /* headers_in are not the
                                                   client's at the moment */
    unsigned                        telling:1;  /* held only to be told */
} ngx_http_schema1_ctx_t;


extern ngx_module_t  ngx_http_schema1_module;


#endif /* _NGX_HTTP_SCHEMA1_H_INCLUDED_ */
