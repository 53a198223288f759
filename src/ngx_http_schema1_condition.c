
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_condition.h"
#include "ngx_http_schema1_headers_out.h"


static ngx_uint_t ngx_http_schema1_condition_match(ngx_http_request_t *r);
static void ngx_http_schema1_condition_opaque(ngx_str_t *tag);
static ngx_uint_t ngx_http_schema1_condition_unmodified(
    ngx_http_request_t *r);
static void ngx_http_schema1_condition_not_modified(ngx_http_request_t *r);


void
ngx_http_schema1_condition_evaluate(ngx_http_request_t *r)
{
    if (r->headers_in.if_none_match
        ? ngx_http_schema1_condition_match(r)
        : ngx_http_schema1_condition_unmodified(r))
    {
        ngx_http_schema1_condition_not_modified(r);
    }
}


/*
 * Whether the list of entity tags in the client's If-None-Match, which may
 * contain commas, has that of the response, or its digest (RFC 9110, 13.1.2).
 */

static ngx_uint_t
ngx_http_schema1_condition_match(ngx_http_request_t *r)
{
    u_char           *p, *last;
    ngx_str_t         item, tag, *value;
    ngx_uint_t        quoted;
    ngx_table_elt_t  *h;

    h = r->headers_out.etag;

    if (h == NULL) {
        h = ngx_http_schema1_headers_out_find(&r->headers_out.headers,
                                              &ngx_http_schema1_hdr_digest);
    }

    ngx_str_null(&tag);

    if (h) {
        tag = h->value;
        ngx_http_schema1_condition_opaque(&tag);
    }

    value = &r->headers_in.if_none_match->value;

    p = value->data;
    last = p + value->len;

    while (p < last) {

        if (*p == ' ' || *p == '\t' || *p == ',') {
            p++;
            continue;
        }

        item.data = p;
        quoted = 0;

        while (p < last
               && (quoted || (*p != ' ' && *p != '\t' && *p != ',')))
        {
            quoted ^= (*p++ == '"');
        }

        item.len = p - item.data;

        if (item.len == 1 && *item.data == '*') {
            return 1;
        }

        ngx_http_schema1_condition_opaque(&item);

        if (h && item.len == tag.len
            && ngx_strncmp(item.data, tag.data, item.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* an entity tag without "W/" and quotes */

static void
ngx_http_schema1_condition_opaque(ngx_str_t *tag)
{
    if (tag->len > 2 && tag->data[0] == 'W' && tag->data[1] == '/') {
        tag->data += 2;
        tag->len -= 2;
    }

    if (tag->len > 1 && tag->data[0] == '"'
        && tag->data[tag->len - 1] == '"')
    {
        tag->data++;
        tag->len -= 2;
    }
}


static ngx_uint_t
ngx_http_schema1_condition_unmodified(ngx_http_request_t *r)
{
    time_t            since, modified;
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("Last-Modified");

    h = r->headers_in.if_modified_since;
    if (h == NULL) {
        return 0;
    }

    since = ngx_parse_http_time(h->value.data, h->value.len);

    h = ngx_http_schema1_headers_out_find(&r->headers_out.headers, &name);
    if (h == NULL) {
        return 0;
    }

    modified = ngx_parse_http_time(h->value.data, h->value.len);

    /* NGX_ERROR is before any other time */

    return modified != NGX_ERROR && modified <= since;
}


static void
ngx_http_schema1_condition_not_modified(ngx_http_request_t *r)
{
    r->headers_out.status = NGX_HTTP_NOT_MODIFIED;
    r->headers_out.status_line.len = 0;
    r->err_status = 0;
    r->headers_out.content_type.len = 0;

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);

    if (r->headers_out.content_encoding) {
        r->headers_out.content_encoding->hash = 0;
        r->headers_out.content_encoding = NULL;
    }
}
