
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_headers_in.h"


typedef struct {
    ngx_str_t    name;              /* in lower case */
    size_t       offset;            /* in ngx_http_headers_in_t, or 0 */
} ngx_http_schema1_header_t;


static ngx_uint_t ngx_http_schema1_headers_in_again(ngx_http_request_t *r);
static void ngx_http_schema1_headers_in_separate_variables(
    ngx_http_request_t *r);
static ngx_table_elt_t **ngx_http_schema1_headers_in_line(
    ngx_http_headers_in_t *in, ngx_uint_t i);
static void ngx_http_schema1_headers_in_move_list(ngx_list_t *to,
    ngx_list_t *from);
static ngx_int_t ngx_http_schema1_headers_in_copy(ngx_http_request_t *r,
    ngx_http_headers_in_t *in, ngx_uint_t n, ngx_str_t *accept);
static ngx_uint_t ngx_http_schema1_headers_in_skip(ngx_table_elt_t *h,
    ngx_uint_t n);
static void ngx_http_schema1_headers_in_reset_variables(
    ngx_http_request_t *r);


/*
 * Lines that belong to the client's own request: no subrequest has them.  The
 * first, NGX_HTTP_SCHEMA1_REPLACED_LINES, are not sent upstream as they came
 * either.  Where nginx keeps a pointer to a line is found at configuration: it
 * may have been built without.
 */

static ngx_http_schema1_header_t  ngx_http_schema1_headers[] = {
    { ngx_string("accept"), 0 },
    { ngx_string("accept-encoding"), 0 },
    { ngx_string("range"), 0 },
    { ngx_string("if-range"), 0 },
    { ngx_string("if-none-match"), 0 },
    { ngx_string("if-modified-since"), 0 },
    { ngx_string("if-match"), 0 },
    { ngx_string("if-unmodified-since"), 0 },
    { ngx_string("content-length"), 0 },
    { ngx_string("transfer-encoding"), 0 },
    { ngx_string("expect"), 0 },
    { ngx_string("te"), 0 }
};

#define NGX_HTTP_SCHEMA1_OWN_LINES                                            \
    (sizeof(ngx_http_schema1_headers) / sizeof(ngx_http_schema1_header_t))


/* nginx evaluates the variables that show the replaced ones once per request */

static ngx_str_t
    ngx_http_schema1_header_vars[NGX_HTTP_SCHEMA1_REPLACED_LINES] =
{
    ngx_string("http_accept"),
    ngx_string("http_accept_encoding"),
    ngx_string("http_range"),
    ngx_string("http_if_range"),
    ngx_string("http_if_none_match"),
    ngx_string("http_if_modified_since")
};


ngx_int_t
ngx_http_schema1_headers_in_init(ngx_conf_t *cf)
{
    ngx_int_t                      index;
    ngx_uint_t                     i;
    ngx_http_header_t             *known;
    ngx_http_schema1_header_t     *header;
    ngx_http_schema1_main_conf_t  *smcf;

    for (i = 0; i < NGX_HTTP_SCHEMA1_OWN_LINES; i++) {
        header = &ngx_http_schema1_headers[i];

        for (known = ngx_http_headers_in; known->name.len; known++) {

            if (known->name.len == header->name.len
                && ngx_strncasecmp(known->name.data, header->name.data,
                                   known->name.len)
                   == 0)
            {
                header->offset = known->offset;
            }
        }
    }

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_schema1_module);

    for (i = 0; i < NGX_HTTP_SCHEMA1_REPLACED_LINES; i++) {
        index = ngx_http_get_variable_index(cf,
                                            &ngx_http_schema1_header_vars[i]);
        if (index == NGX_ERROR) {
            return NGX_ERROR;
        }

        smcf->header_index[i] = index;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_schema1_headers_in_replace(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_list_t         headers;
    ngx_uint_t         i;
    ngx_table_elt_t  **line;

    headers = r->headers_in.headers;

    for (i = 0; i < NGX_HTTP_SCHEMA1_REPLACED_LINES; i++) {
        line = ngx_http_schema1_headers_in_line(&r->headers_in, i);

        if (line) {
            ctx->client.lines[i] = *line;
        }
    }

    if (ngx_http_schema1_headers_in_copy(r, &r->headers_in,
                                         NGX_HTTP_SCHEMA1_REPLACED_LINES,
                                         &ctx->upstream_accept)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->client.headers = headers;

    ngx_http_schema1_headers_in_reset_variables(r);

    return NGX_OK;
}


void
ngx_http_schema1_headers_in_restore(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_uint_t         i;
    ngx_table_elt_t  **line;

    if (ctx->client.headers.last == NULL) {
        return;
    }

    for (i = 0; i < NGX_HTTP_SCHEMA1_REPLACED_LINES; i++) {
        line = ngx_http_schema1_headers_in_line(&r->headers_in, i);

        if (line) {
            *line = ctx->client.lines[i];
        }
    }

    /* not moved: "last" may point into r->headers_in */

    r->headers_in.headers = ctx->client.headers;

    ngx_http_schema1_headers_in_reset_variables(r);

    ctx->client.headers.last = NULL;
}


/*
 * "A response to a request that the module made for a conversion is stored and
 * found under the header lines that were sent upstream, also if the upstream
 * sends Vary."  nginx's cache reads the list of lines after the header filters
 * again, and slice sends it with each further slice, but no pointers and no
 * variables.
 */

void
ngx_http_schema1_headers_in_restore_cached(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_uint_t                     i;
    ngx_list_t                     client, upstream;
    ngx_http_schema1_main_conf_t  *smcf;

    client = ctx->client.headers;
    upstream = r->headers_in.headers;

    if (client.last == NULL || !ngx_http_schema1_headers_in_again(r)) {
        ngx_http_schema1_headers_in_restore(r, ctx);
        return;
    }

    ngx_http_schema1_headers_in_separate_variables(r);
    ngx_http_schema1_headers_in_restore(r, ctx);

    smcf = ngx_http_get_module_main_conf(r, ngx_http_schema1_module);

    for (i = 0; i < NGX_HTTP_SCHEMA1_REPLACED_LINES; i++) {
        (void) ngx_http_get_indexed_variable(r, smcf->header_index[i]);
    }

    ctx->client.headers = client;
    r->headers_in.headers = upstream;
}


/* whether the list of lines is needed again: by the cache, or by slice */

static ngx_uint_t
ngx_http_schema1_headers_in_again(ngx_http_request_t *r)
{
#if (NGX_HTTP_CACHE)

    if (r->cache) {
        return 1;
    }

#endif

    return r->upstream
           && r->upstream->headers_in.status_n == NGX_HTTP_PARTIAL_CONTENT
           && r->headers_out.status == NGX_HTTP_OK;
}


/*
 * An update of the cache in the background has its parent's variables, and
 * sends what the parent sent upstream: for its key they must be the same.
 * Out of memory: they are shared.
 */

static void
ngx_http_schema1_headers_in_separate_variables(ngx_http_request_t *r)
{
#if (NGX_HTTP_CACHE)

    size_t                      size;
    ngx_http_variable_value_t  *values;
    ngx_http_core_main_conf_t  *cmcf;

    if (r->cache == NULL || !r->cache->background) {
        return;
    }

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    size = cmcf->variables.nelts * sizeof(ngx_http_variable_value_t);

    values = ngx_palloc(r->pool, size);

    if (values) {
        ngx_memcpy(values, r->variables, size);
        r->variables = values;
    }

#endif
}


static ngx_table_elt_t **
ngx_http_schema1_headers_in_line(ngx_http_headers_in_t *in, ngx_uint_t i)
{
    size_t  offset;

    offset = ngx_http_schema1_headers[i].offset;

    return offset ? (ngx_table_elt_t **) ((char *) in + offset) : NULL;
}


ngx_int_t
ngx_http_schema1_headers_in_subrequest(ngx_http_request_t *r,
    ngx_http_headers_in_t *in, ngx_str_t *accept, ngx_uint_t external)
{
    if (external) {

        /* variables are evaluated from these pointers and strings, too */

        ngx_memzero(in, sizeof(ngx_http_headers_in_t));

        in->server = r->headers_in.server;
        in->user_agent = r->headers_in.user_agent;

    } else {
        *in = r->headers_in;
    }

    in->content_length_n = -1;
    in->chunked = 0;

    return ngx_http_schema1_headers_in_copy(r, in, external
                                                ? 0 : NGX_HTTP_SCHEMA1_OWN_LINES,
                                            accept);
}


void
ngx_http_schema1_headers_in_move(ngx_http_headers_in_t *to,
    ngx_http_headers_in_t *from)
{
    *to = *from;

    ngx_http_schema1_headers_in_move_list(&to->headers, &from->headers);
}


static void
ngx_http_schema1_headers_in_move_list(ngx_list_t *to, ngx_list_t *from)
{
    *to = *from;

    /* a list of one part points into itself */

    if (from->last == &from->part) {
        to->last = &to->part;
    }
}


/*
 * Sets the lines of "in" to those of the request without the first n of
 * ngx_http_schema1_headers, or only its User-Agent if n is 0, and one Accept.
 * The list is a new one: in the client's, nginx would find what is added.
 */

static ngx_int_t
ngx_http_schema1_headers_in_copy(ngx_http_request_t *r,
    ngx_http_headers_in_t *in, ngx_uint_t n, ngx_str_t *accept)
{
    ngx_list_t         headers;
    ngx_uint_t         i;
    ngx_list_part_t   *part;
    ngx_table_elt_t   *h, *header, **line;

    part = &r->headers_in.headers.part;

    if (ngx_list_init(&headers, r->pool, part->nelts + 1,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for ( /* void */ ; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_http_schema1_headers_in_skip(&header[i], n)) {
                continue;
            }

            h = ngx_list_push(&headers);
            if (h == NULL) {
                return NGX_ERROR;
            }

            *h = header[i];
        }
    }

    h = ngx_list_push(&headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    ngx_str_set(&h->key, "Accept");
    h->value = *accept;
    h->lowcase_key = (u_char *) "accept";
    h->hash = ngx_hash_key(h->lowcase_key, h->key.len);

    ngx_http_schema1_headers_in_move_list(&in->headers, &headers);

    for (i = 0; i < n; i++) {
        line = ngx_http_schema1_headers_in_line(in, i);

        if (line) {
            *line = NULL;
        }
    }

#if (NGX_HTTP_HEADERS)
    in->accept = h;
#endif

    return NGX_OK;
}


static ngx_uint_t
ngx_http_schema1_headers_in_skip(ngx_table_elt_t *h, ngx_uint_t n)
{
    ngx_str_t   *name;
    ngx_uint_t   i;

    static ngx_str_t  user_agent = ngx_string("user-agent");

    /*
     * "Of the client's own header lines, only User-Agent is sent to an
     * external host, whatever the location specifies."
     */

    if (n == 0) {
        return h->key.len != user_agent.len
               || ngx_strncasecmp(user_agent.data, h->key.data, h->key.len)
                  != 0;
    }

    for (i = 0; i < n; i++) {
        name = &ngx_http_schema1_headers[i].name;

        if (name->len == h->key.len
            && ngx_memcmp(name->data, h->lowcase_key, h->key.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_schema1_headers_in_reset_variables(ngx_http_request_t *r)
{
    ngx_uint_t                     i;
    ngx_http_variable_value_t     *v;
    ngx_http_schema1_main_conf_t  *smcf;

    smcf = ngx_http_get_module_main_conf(r, ngx_http_schema1_module);

    for (i = 0; i < NGX_HTTP_SCHEMA1_REPLACED_LINES; i++) {
        v = &r->variables[smcf->header_index[i]];

        v->valid = 0;
        v->not_found = 0;
    }
}
