
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_headers_out.h"


static inline ngx_uint_t ngx_http_schema1_headers_out_is(ngx_table_elt_t *h,
    ngx_str_t *name);
static ngx_uint_t ngx_http_schema1_headers_out_caseeq(ngx_table_elt_t *h,
    ngx_str_t *name);
static ngx_uint_t ngx_http_schema1_headers_out_describes_body(
    ngx_table_elt_t *h);
static ngx_int_t ngx_http_schema1_headers_out_fold_vary(ngx_http_request_t *r,
    ngx_uint_t n, ngx_uint_t lines, size_t len);
static ngx_uint_t ngx_http_schema1_headers_out_varies(ngx_str_t *value,
    const char *name);


ngx_str_t  ngx_http_schema1_hdr_digest = ngx_string("Docker-Content-Digest");
ngx_str_t  ngx_http_schema1_hdr_etag = ngx_string("ETag");
ngx_str_t  ngx_http_schema1_hdr_location = ngx_string("Location");

static ngx_str_t  ngx_http_schema1_hdr_vary = ngx_string("Vary");
static ngx_str_t  ngx_http_schema1_hdr_version =
    ngx_string("Docker-Distribution-Api-Version");


ngx_table_elt_t *
ngx_http_schema1_headers_out_find(ngx_list_t *headers, ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &headers->part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_http_schema1_headers_out_is(&h[i], name)) {
                return &h[i];
            }
        }
    }

    return NULL;
}


/* most names are written in the usual case */

static inline ngx_uint_t
ngx_http_schema1_headers_out_is(ngx_table_elt_t *h, ngx_str_t *name)
{
    return h->key.len == name->len
           && h->hash != 0
           && (h->key.data[0] | 0x20) == (name->data[0] | 0x20)
           && (ngx_memcmp(h->key.data, name->data, name->len) == 0
               || ngx_http_schema1_headers_out_caseeq(h, name));
}


static SCHEMA1_COLD ngx_uint_t
ngx_http_schema1_headers_out_caseeq(ngx_table_elt_t *h, ngx_str_t *name)
{
    return ngx_strncasecmp(h->key.data, name->data, name->len) == 0;
}


ngx_table_elt_t *
ngx_http_schema1_headers_out_add(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NULL;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key = *name;
    h->value = *value;

    return h;
}


ngx_int_t
ngx_http_schema1_headers_out_relay(ngx_http_request_t *r,
    ngx_http_request_t *sr)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *header;

    r->headers_out.content_type = sr->headers_out.content_type;
    r->headers_out.content_type_len = sr->headers_out.content_type_len;
    r->headers_out.charset = sr->headers_out.charset;

    for (part = &sr->headers_out.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (header[i].hash == 0
                || &header[i] == sr->headers_out.server
                || &header[i] == sr->headers_out.date
                || &header[i] == sr->headers_out.content_length)
            {
                continue;
            }

            h = ngx_http_schema1_headers_out_add(r, &header[i].key,
                                                 &header[i].value);
            if (h == NULL) {
                return NGX_ERROR;
            }

            if (&header[i] == sr->headers_out.content_encoding) {
                r->headers_out.content_encoding = h;
            }
        }
    }

    return NGX_OK;
}


void
ngx_http_schema1_headers_out_remove(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (name ? ngx_http_schema1_headers_out_is(&h[i], name)
                     : ngx_http_schema1_headers_out_describes_body(&h[i]))
            {
                h[i].hash = 0;
            }
        }
    }
}


static ngx_uint_t
ngx_http_schema1_headers_out_describes_body(ngx_table_elt_t *h)
{
    ngx_str_t  *known;

    static ngx_str_t  names[] = {
        ngx_string("ETag"),
        ngx_string("Digest"),
        ngx_string("Trailer"),
        ngx_string("Signature"),
        ngx_string("Content-MD5"),
        ngx_string("Repr-Digest"),
        ngx_string("X-Goog-Hash"),
        ngx_string("Last-Modified"),
        ngx_string("Accept-Ranges"),
        ngx_string("Content-Range"),
        ngx_string("Content-Digest"),
        ngx_string("Signature-Input"),
        ngx_string("Content-Encoding"),
        ngx_string("Content-Location"),
        ngx_string("Docker-Content-Digest"),
        ngx_string("x-ms-blob-content-md5"),
        ngx_null_string
    };

    static ngx_str_t  prefixes[] = {
        ngx_string("X-Checksum-"),
        ngx_string("X-Goog-Stored-Content-"),
        ngx_string("x-amz-checksum-"),
        ngx_null_string
    };

    for (known = names; known->len; known++) {

        if (ngx_http_schema1_headers_out_is(h, known)) {
            return 1;
        }
    }

    for (known = prefixes; known->len; known++) {

        if (h->key.len > known->len
            && ngx_strncasecmp(h->key.data, known->data, known->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_schema1_add_response_headers(ngx_http_request_t *r, ngx_uint_t n)
{
    size_t            len;
    ngx_uint_t        i, lines, version;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  registry = ngx_string("registry/2.0");

    static ngx_str_t  vary[] = {
        ngx_null_string,
        ngx_string("Accept"),
        ngx_string("Accept, User-Agent")
    };

    len = 0;
    lines = 0;
    version = 0;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_http_schema1_headers_out_is(&h[i],
                                                &ngx_http_schema1_hdr_vary))
            {
                len += h[i].value.len + sizeof(", ") - 1;
                lines++;

            } else if (ngx_http_schema1_headers_out_is(&h[i],
                                               &ngx_http_schema1_hdr_version))
            {
                version = 1;
            }
        }
    }

    if (!version
        && ngx_http_schema1_headers_out_add(r, &ngx_http_schema1_hdr_version,
                                            &registry)
           == NULL)
    {
        return NGX_ERROR;
    }

    if (n == 0) {
        return NGX_OK;
    }

    if (lines) {
        return ngx_http_schema1_headers_out_fold_vary(r, n, lines, len);
    }

    return ngx_http_schema1_headers_out_add(r, &ngx_http_schema1_hdr_vary,
                                            &vary[n])
           ? NGX_OK : NGX_ERROR;
}


/*
 * "The result is a single Vary line: the upstream's lines are folded into it."
 * A cache may read only one of several, the last.
 */

static SCHEMA1_COLD ngx_int_t
ngx_http_schema1_headers_out_fold_vary(ngx_http_request_t *r, ngx_uint_t n,
    ngx_uint_t lines, size_t len)
{
    u_char           *p;
    ngx_str_t         value;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static const char  *names[] = { "Accept", "User-Agent" };

    p = ngx_pnalloc(r->pool, len + sizeof("Accept, User-Agent, ") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].value.len
                && ngx_http_schema1_headers_out_is(&h[i],
                                                   &ngx_http_schema1_hdr_vary))
            {
                p = ngx_sprintf(p, "%V, ", &h[i].value);
            }
        }
    }

    value.len = p - value.data;

    for (i = 0; i < n; i++) {
        if (!ngx_http_schema1_headers_out_varies(&value, names[i])) {
            p = ngx_sprintf(p, "%s, ", names[i]);
        }
    }

    if (lines == 1 && value.len == (size_t) (p - value.data)) {

        /* nothing is missing */

        return NGX_OK;
    }

    if (ngx_http_schema1_headers_out_varies(&value, "*")) {
        ngx_str_set(&value, "*");

    } else {
        value.len = p - value.data - (sizeof(", ") - 1);
    }

    ngx_http_schema1_headers_out_remove(r, &ngx_http_schema1_hdr_vary);

    return ngx_http_schema1_headers_out_add(r, &ngx_http_schema1_hdr_vary,
                                            &value)
           ? NGX_OK : NGX_ERROR;
}


/* whether a Vary includes a name; "*" is everything */

static ngx_uint_t
ngx_http_schema1_headers_out_varies(ngx_str_t *value, const char *name)
{
    schema1_str_t  rest, item;

    rest = ngx_http_schema1_core_str(value);

    while (rest.len) {
        item = schema1_str_trim(schema1_str_cut(&rest, ','));

        if (schema1_str_caseeq(item, name) || schema1_str_eq(item, "*")) {
            return 1;
        }
    }

    return 0;
}
