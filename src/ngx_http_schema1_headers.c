
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "ngx_http_schema1_headers.h"


#define NGX_HTTP_SCHEMA1_NO_POINTER    ((size_t) -1)

/* longer lines are read each time */
#define NGX_HTTP_SCHEMA1_ACCEPT_LEN    496
#define NGX_HTTP_SCHEMA1_ACCEPT_LINES  8
#define NGX_HTTP_SCHEMA1_ACCEPT_NONE   ((size_t) -1)


/* on whose way a line of the client's does not go */

#define NGX_HTTP_SCHEMA1_HDR_MAIN     1     /* its own request */
#define NGX_HTTP_SCHEMA1_HDR_FETCH    2     /* further fetches */
#define NGX_HTTP_SCHEMA1_HDR_EXTERNAL 4     /* to an external host */


/* what an answer lacks */

#define NGX_HTTP_SCHEMA1_HDR_VERSION  1     /* of the registry's interface */
#define NGX_HTTP_SCHEMA1_HDR_ACCEPT   2     /* a Vary that names Accept */
#define NGX_HTTP_SCHEMA1_HDR_AGENT    4     /* a Vary that names User-Agent */


typedef struct {
    ngx_str_t    name;              /* in lower case */
    size_t       pointer;           /* in ngx_http_headers_in_t */
    ngx_uint_t   skip;
} ngx_http_schema1_header_t;


typedef struct {
    size_t            len;
    schema1_accept_t  accept;
    u_char            data[NGX_HTTP_SCHEMA1_ACCEPT_LEN];
} ngx_http_schema1_line_t;


static ngx_uint_t ngx_http_schema1_headers_modern_lines(
    ngx_http_request_t *r);
static inline ngx_uint_t ngx_http_schema1_headers_is_accept(
    ngx_table_elt_t *h);
static schema1_accept_t *ngx_http_schema1_headers_accept_line(
    ngx_str_t *value);
static inline ngx_http_schema1_line_t *ngx_http_schema1_headers_accept_kept(
    ngx_str_t *value);
static inline ngx_uint_t ngx_http_schema1_headers_accept_is(
    ngx_http_schema1_line_t *line, ngx_str_t *value);
static ngx_uint_t ngx_http_schema1_headers_skip(ngx_table_elt_t *h,
    ngx_uint_t way);
static void ngx_http_schema1_headers_unset(ngx_http_headers_in_t *in,
    ngx_uint_t way);
static ngx_int_t ngx_http_schema1_headers_copy(ngx_http_request_t *r,
    ngx_list_t *to, ngx_list_t *from, ngx_uint_t way, ngx_str_t *accept,
    ngx_table_elt_t **ph);
static void ngx_http_schema1_headers_forget(ngx_http_request_t *r);
static inline ngx_uint_t ngx_http_schema1_headers_is(ngx_table_elt_t *h,
    const char *name, size_t len);
static ngx_uint_t ngx_http_schema1_headers_spelt(ngx_table_elt_t *h,
    const char *name);
static ngx_uint_t ngx_http_schema1_headers_varies(ngx_str_t *value);
static ngx_int_t ngx_http_schema1_headers_lacking(ngx_http_request_t *r,
    ngx_uint_t lacks);
static ngx_int_t ngx_http_schema1_headers_version(ngx_http_request_t *r);


#define ngx_http_schema1_in(field)  offsetof(ngx_http_headers_in_t, field)

static ngx_http_schema1_header_t  ngx_http_schema1_headers[] = {

    { ngx_string("accept"),
#if (NGX_HTTP_HEADERS)
      ngx_http_schema1_in(accept),
#else
      NGX_HTTP_SCHEMA1_NO_POINTER,
#endif
      NGX_HTTP_SCHEMA1_HDR_MAIN|NGX_HTTP_SCHEMA1_HDR_FETCH },

    { ngx_string("accept-encoding"),
#if (NGX_HTTP_GZIP || NGX_HTTP_HEADERS)
      ngx_http_schema1_in(accept_encoding),
#else
      NGX_HTTP_SCHEMA1_NO_POINTER,
#endif
      NGX_HTTP_SCHEMA1_HDR_MAIN|NGX_HTTP_SCHEMA1_HDR_FETCH },

    { ngx_string("range"),
      ngx_http_schema1_in(range),
      NGX_HTTP_SCHEMA1_HDR_MAIN|NGX_HTTP_SCHEMA1_HDR_FETCH },

    { ngx_string("if-range"),
      ngx_http_schema1_in(if_range),
      NGX_HTTP_SCHEMA1_HDR_MAIN|NGX_HTTP_SCHEMA1_HDR_FETCH },

    { ngx_string("if-none-match"),
      ngx_http_schema1_in(if_none_match),
      NGX_HTTP_SCHEMA1_HDR_MAIN|NGX_HTTP_SCHEMA1_HDR_FETCH },

    { ngx_string("if-modified-since"),
      ngx_http_schema1_in(if_modified_since),
      NGX_HTTP_SCHEMA1_HDR_MAIN|NGX_HTTP_SCHEMA1_HDR_FETCH },

    { ngx_string("if-match"),
      ngx_http_schema1_in(if_match),
      NGX_HTTP_SCHEMA1_HDR_FETCH },

    { ngx_string("if-unmodified-since"),
      ngx_http_schema1_in(if_unmodified_since),
      NGX_HTTP_SCHEMA1_HDR_FETCH },

    { ngx_string("content-length"),
      ngx_http_schema1_in(content_length),
      NGX_HTTP_SCHEMA1_HDR_FETCH },

    { ngx_string("transfer-encoding"),
      ngx_http_schema1_in(transfer_encoding),
      NGX_HTTP_SCHEMA1_HDR_FETCH },

    { ngx_string("expect"),
      ngx_http_schema1_in(expect),
      NGX_HTTP_SCHEMA1_HDR_FETCH },

    { ngx_string("te"),
      NGX_HTTP_SCHEMA1_NO_POINTER,
      NGX_HTTP_SCHEMA1_HDR_FETCH },

    { ngx_null_string, 0, 0 }
};


/*
 * $http_... of the lines that are edited: once evaluated, nginx keeps an
 * indexed variable for the whole request
 */

static ngx_str_t
    ngx_http_schema1_header_vars[NGX_HTTP_SCHEMA1_HEADER_VARS] =
{
    ngx_string("http_accept"),
    ngx_string("http_accept_encoding"),
    ngx_string("http_range"),
    ngx_string("http_if_range"),
    ngx_string("http_if_none_match"),
    ngx_string("http_if_modified_since")
};


ngx_int_t
ngx_http_schema1_headers_init(ngx_conf_t *cf)
{
    ngx_int_t                      index;
    ngx_uint_t                     i;
    ngx_http_schema1_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_schema1_module);

    for (i = 0; i < NGX_HTTP_SCHEMA1_HEADER_VARS; i++) {
        index = ngx_http_get_variable_index(cf,
                                            &ngx_http_schema1_header_vars[i]);
        if (index == NGX_ERROR) {
            return NGX_ERROR;
        }

        smcf->header_index[i] = index;
    }

    return NGX_OK;
}


/* most name all modern types in one line, which no other line can change */

ngx_uint_t
ngx_http_schema1_headers_modern(ngx_http_request_t *r)
{
    ngx_list_part_t          *part;
    ngx_table_elt_t          *h, *last;
    ngx_http_schema1_line_t  *line;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;
        last = h + part->nelts;

        for ( /* void */ ; h < last; h++) {

            if (ngx_http_schema1_headers_is_accept(h)) {

                line = ngx_http_schema1_headers_accept_kept(&h->value);

                return ((line->accept.types & SCHEMA1_MODERN_TYPES)
                        == SCHEMA1_MODERN_TYPES
                        && ngx_http_schema1_headers_accept_is(line, &h->value))
                       || ngx_http_schema1_headers_modern_lines(r);
            }
        }
    }

    return 0;
}


static SCHEMA1_APART ngx_uint_t
ngx_http_schema1_headers_modern_lines(ngx_http_request_t *r)
{
    schema1_accept_t  accept;

    (void) ngx_http_schema1_headers_accept(r, &accept, NULL);

    return schema1_accept_is_modern(&accept);
}


ngx_int_t
ngx_http_schema1_headers_accept(ngx_http_request_t *r,
    schema1_accept_t *accept, ngx_array_t *lines)
{
    schema1_str_t     *line;
    ngx_list_part_t   *part;
    ngx_table_elt_t   *h, *last;
    schema1_accept_t  *read;

    ngx_memzero(accept, sizeof(schema1_accept_t));

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;
        last = h + part->nelts;

        for ( /* void */ ; h < last; h++) {

            if (!ngx_http_schema1_headers_is_accept(h)) {
                continue;
            }

            read = ngx_http_schema1_headers_accept_line(&h->value);

            accept->types |= read->types;
            accept->json |= read->json;
            accept->wildcard |= read->wildcard;

            if (lines) {
                line = ngx_array_push(lines);
                if (line == NULL) {
                    return NGX_ERROR;
                }

                line->len = h->value.len;
                line->data = (char *) h->value.data;
            }
        }
    }

    return NGX_OK;
}


/* of the client's own lines; nginx has put their names in lower case */

static inline ngx_uint_t
ngx_http_schema1_headers_is_accept(ngx_table_elt_t *h)
{
    return h->key.len == 6
           && h->hash != 0
           && ngx_memcmp(h->lowcase_key, "accept", 6) == 0;
}


static schema1_accept_t *
ngx_http_schema1_headers_accept_line(ngx_str_t *value)
{
    schema1_str_t             text;
    ngx_http_schema1_line_t  *line;

    line = ngx_http_schema1_headers_accept_kept(value);

    if (ngx_http_schema1_headers_accept_is(line, value)) {
        return &line->accept;
    }

    text.len = value->len;
    text.data = (char *) value->data;

    schema1_accept_read(&line->accept, &text, 1);

    if (value->len > NGX_HTTP_SCHEMA1_ACCEPT_LEN) {
        line->len = NGX_HTTP_SCHEMA1_ACCEPT_NONE;

    } else {
        line->len = value->len;
        ngx_memcpy(line->data, value->data, value->len);
    }

    return &line->accept;
}


/*
 * A client sends the same line with every request, and most clients are of a
 * few kinds: what the last lines said is kept, by their lengths.
 */

static inline ngx_http_schema1_line_t *
ngx_http_schema1_headers_accept_kept(ngx_str_t *value)
{
    static ngx_http_schema1_line_t  lines[NGX_HTTP_SCHEMA1_ACCEPT_LINES];

    return &lines[value->len % NGX_HTTP_SCHEMA1_ACCEPT_LINES];
}


static inline ngx_uint_t
ngx_http_schema1_headers_accept_is(ngx_http_schema1_line_t *line,
    ngx_str_t *value)
{
    return value->len == line->len
           && ngx_memcmp(value->data, line->data, value->len) == 0;
}


ngx_int_t
ngx_http_schema1_headers_edit(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_list_t                      headers;
    ngx_table_elt_t                *accept;
    ngx_http_schema1_headers_in_t  *client;

    if (ngx_http_schema1_headers_copy(r, &headers, &r->headers_in.headers,
                                      NGX_HTTP_SCHEMA1_HDR_MAIN,
                                      &ctx->upstream_accept, &accept)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    client = &ctx->client;

    client->headers = r->headers_in.headers;
    client->range = r->headers_in.range;
    client->if_range = r->headers_in.if_range;
    client->if_none_match = r->headers_in.if_none_match;
    client->if_modified_since = r->headers_in.if_modified_since;
#if (NGX_HTTP_GZIP || NGX_HTTP_HEADERS)
    client->accept_encoding = r->headers_in.accept_encoding;
#endif
#if (NGX_HTTP_HEADERS)
    client->accept = r->headers_in.accept;
#endif

    r->headers_in.headers = headers;

    /* a list of one part points into itself, and was moved */

    if (r->headers_in.headers.last == &headers.part) {
        r->headers_in.headers.last = &r->headers_in.headers.part;
    }

    ngx_http_schema1_headers_unset(&r->headers_in, NGX_HTTP_SCHEMA1_HDR_MAIN);

#if (NGX_HTTP_HEADERS)
    r->headers_in.accept = accept;
#endif

    ngx_http_schema1_headers_forget(r);

    ctx->edited = 1;

    return NGX_OK;
}


void
ngx_http_schema1_headers_restore(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_http_schema1_headers_in_t  *client;

    if (!ctx->edited) {
        return;
    }

    client = &ctx->client;

    /* where "last" points into the list, it points here, not into the copy */

    r->headers_in.headers = client->headers;

    r->headers_in.range = client->range;
    r->headers_in.if_range = client->if_range;
    r->headers_in.if_none_match = client->if_none_match;
    r->headers_in.if_modified_since = client->if_modified_since;
#if (NGX_HTTP_GZIP || NGX_HTTP_HEADERS)
    r->headers_in.accept_encoding = client->accept_encoding;
#endif
#if (NGX_HTTP_HEADERS)
    r->headers_in.accept = client->accept;
#endif

    ngx_http_schema1_headers_forget(r);

    ctx->edited = 0;
}


ngx_int_t
ngx_http_schema1_headers_subrequest(ngx_http_request_t *r,
    ngx_http_headers_in_t *in, ngx_str_t *accept, ngx_uint_t external)
{
    ngx_uint_t              mask;
    ngx_table_elt_t        *h;
    ngx_http_headers_in_t  *client;

    client = &r->headers_in;

    if (external) {
        mask = NGX_HTTP_SCHEMA1_HDR_EXTERNAL;

        /* variables are evaluated from these pointers and strings, too */

        ngx_memzero(in, sizeof(ngx_http_headers_in_t));

        in->server = client->server;
        in->user_agent = client->user_agent;

    } else {
        mask = NGX_HTTP_SCHEMA1_HDR_FETCH;

        *in = *client;

        ngx_http_schema1_headers_unset(in, mask);
    }

    /* a new list: in the client's, nginx would find what is added here */

    if (ngx_http_schema1_headers_copy(r, &in->headers, &client->headers, mask,
                                      accept, &h)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

#if (NGX_HTTP_HEADERS)
    in->accept = h;
#endif

    in->content_length_n = -1;
    in->chunked = 0;

    return NGX_OK;
}


void
ngx_http_schema1_headers_move(ngx_http_headers_in_t *to,
    ngx_http_headers_in_t *from)
{
    *to = *from;

    /* a list of one part points into itself */

    if (to->headers.last == &from->headers.part) {
        to->headers.last = &to->headers.part;
    }
}


static ngx_uint_t
ngx_http_schema1_headers_skip(ngx_table_elt_t *h, ngx_uint_t way)
{
    ngx_http_schema1_header_t  *known;

    /*
     * "Of the client's own header lines, only User-Agent is sent to an external
     * host, whatever the location specifies."
     */

    if (way == NGX_HTTP_SCHEMA1_HDR_EXTERNAL) {
        return h->key.len != 10
               || ngx_strncasecmp(h->key.data, (u_char *) "User-Agent", 10)
                  != 0;
    }

    for (known = ngx_http_schema1_headers; known->name.len; known++) {

        if ((known->skip & way)
            && known->name.len == h->key.len
            && ngx_strncasecmp(known->name.data, h->key.data, h->key.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_schema1_headers_unset(ngx_http_headers_in_t *in, ngx_uint_t way)
{
    ngx_http_schema1_header_t  *known;

    for (known = ngx_http_schema1_headers; known->name.len; known++) {

        if ((known->skip & way)
            && known->pointer != NGX_HTTP_SCHEMA1_NO_POINTER)
        {
            *(ngx_table_elt_t **) ((char *) in + known->pointer) = NULL;
        }
    }
}


static ngx_int_t
ngx_http_schema1_headers_copy(ngx_http_request_t *r, ngx_list_t *to,
    ngx_list_t *from, ngx_uint_t way, ngx_str_t *accept, ngx_table_elt_t **ph)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *header;

    /* "from" may be what "to" was copied from, but not the same */

    if (ngx_list_init(to, r->pool, 20, sizeof(ngx_table_elt_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    part = &from->part;
    header = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            header = part->elts;
            i = 0;
        }

        if (ngx_http_schema1_headers_skip(&header[i], way)) {
            continue;
        }

        h = ngx_list_push(to);
        if (h == NULL) {
            return NGX_ERROR;
        }

        *h = header[i];
    }

    h = ngx_list_push(to);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    ngx_str_set(&h->key, "Accept");
    h->value = *accept;
    h->lowcase_key = (u_char *) "accept";
    h->hash = ngx_hash_key(h->lowcase_key, h->key.len);

    *ph = h;

    return NGX_OK;
}


static void
ngx_http_schema1_headers_forget(ngx_http_request_t *r)
{
    ngx_uint_t                     i;
    ngx_http_variable_value_t     *v;
    ngx_http_schema1_main_conf_t  *smcf;

    smcf = ngx_http_get_module_main_conf(r, ngx_http_schema1_module);

    for (i = 0; i < NGX_HTTP_SCHEMA1_HEADER_VARS; i++) {
        v = &r->variables[smcf->header_index[i]];

        v->valid = 0;
        v->not_found = 0;
    }
}


ngx_table_elt_t *
ngx_http_schema1_headers_find(ngx_list_t *headers, const char *name,
    size_t len)
{
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *last;

    for (part = &headers->part; part; part = part->next) {

        h = part->elts;
        last = h + part->nelts;

        for ( /* void */ ; h < last; h++) {

            if (ngx_http_schema1_headers_is(h, name, len)) {
                return h;
            }
        }
    }

    return NULL;
}


/* nearly all are spelt as usual */

static inline ngx_uint_t
ngx_http_schema1_headers_is(ngx_table_elt_t *h, const char *name, size_t len)
{
    return h->key.len == len
           && h->hash != 0
           && (h->key.data[0] | 0x20) == (name[0] | 0x20)
           && (ngx_memcmp(h->key.data, name, len) == 0
               || ngx_http_schema1_headers_spelt(h, name));
}


static SCHEMA1_APART ngx_uint_t
ngx_http_schema1_headers_spelt(ngx_table_elt_t *h, const char *name)
{
    return ngx_strncasecmp(h->key.data, (u_char *) name, h->key.len) == 0;
}


ngx_table_elt_t *
ngx_http_schema1_headers_add(ngx_http_request_t *r, const char *name,
    size_t len, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NULL;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.len = len;
    h->key.data = (u_char *) name;
    h->value = *value;

    return h;
}


void
ngx_http_schema1_headers_remove(ngx_http_request_t *r, const char *name,
    size_t len)
{
    ngx_table_elt_t  *h;

    for ( ;; ) {
        h = ngx_http_schema1_headers_find(&r->headers_out.headers, name, len);
        if (h == NULL) {
            return;
        }

        h->hash = 0;
    }
}


ngx_uint_t
ngx_http_schema1_headers_encoded(ngx_http_request_t *r)
{
    ngx_str_t  *value;

    if (r->headers_out.content_encoding == NULL) {
        return 0;
    }

    value = &r->headers_out.content_encoding->value;

    return value->len != 0
           && !(value->len == 8
                && ngx_strncasecmp(value->data, (u_char *) "identity", 8)
                   == 0);
}


ngx_int_t
ngx_http_schema1_headers_complete(ngx_http_request_t *r,
    ngx_http_schema1_loc_conf_t *vary)
{
    ngx_uint_t        lacks;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *last;

    lacks = NGX_HTTP_SCHEMA1_HDR_VERSION;

    if (vary) {
        lacks |= NGX_HTTP_SCHEMA1_HDR_ACCEPT;

        if (vary->platform && vary->platform->lengths) {
            lacks |= NGX_HTTP_SCHEMA1_HDR_AGENT;
        }
    }

    for (part = &r->headers_out.headers.part; part; part = part->next) {

        h = part->elts;
        last = h + part->nelts;

        for ( /* void */ ; h < last; h++) {

            if (ngx_http_schema1_headers_is(h, "Vary", 4)) {
                lacks &= ~ngx_http_schema1_headers_varies(&h->value);

            } else if (ngx_http_schema1_headers_is(h,
                                     "Docker-Distribution-Api-Version", 31))
            {
                lacks &= ~NGX_HTTP_SCHEMA1_HDR_VERSION;
            }
        }
    }

    return ngx_http_schema1_headers_lacking(r, lacks);
}


/* what a Vary line names, which is all where that is "*" */

static SCHEMA1_APART ngx_uint_t
ngx_http_schema1_headers_varies(ngx_str_t *value)
{
    u_char      *p, *last, *end;
    size_t       len;
    ngx_uint_t   names;

    names = 0;

    p = value->data;
    last = p + value->len;

    while (p < last) {

        if (*p == ' ' || *p == '\t' || *p == ',') {
            p++;
            continue;
        }

        for (end = p; end < last; end++) {
            if (*end == ' ' || *end == '\t' || *end == ',') {
                break;
            }
        }

        len = end - p;

        if (len == 1 && *p == '*') {
            names |= NGX_HTTP_SCHEMA1_HDR_ACCEPT|NGX_HTTP_SCHEMA1_HDR_AGENT;

        } else if (len == 6
                   && ngx_strncasecmp(p, (u_char *) "Accept", 6) == 0)
        {
            names |= NGX_HTTP_SCHEMA1_HDR_ACCEPT;

        } else if (len == 10
                   && ngx_strncasecmp(p, (u_char *) "User-Agent", 10) == 0)
        {
            names |= NGX_HTTP_SCHEMA1_HDR_AGENT;
        }

        p = end;
    }

    return names;
}


static ngx_int_t
ngx_http_schema1_headers_lacking(ngx_http_request_t *r, ngx_uint_t lacks)
{
    ngx_str_t  *value;

    static ngx_str_t  vary[] = {
        ngx_null_string,
        ngx_string("Accept"),
        ngx_string("User-Agent"),
        ngx_string("Accept, User-Agent")
    };

    /* the two bits above that of the version */

    value = &vary[lacks / NGX_HTTP_SCHEMA1_HDR_ACCEPT];

    if (value->len
        && ngx_http_schema1_headers_add(r, "Vary", 4, value) == NULL)
    {
        return NGX_ERROR;
    }

    if (lacks & NGX_HTTP_SCHEMA1_HDR_VERSION) {
        return ngx_http_schema1_headers_version(r);
    }

    return NGX_OK;
}


static SCHEMA1_APART ngx_int_t
ngx_http_schema1_headers_version(ngx_http_request_t *r)
{
    static ngx_str_t  version = ngx_string("registry/2.0");

    return ngx_http_schema1_headers_add(r, "Docker-Distribution-Api-Version",
                                        31, &version)
           ? NGX_OK : NGX_ERROR;
}
