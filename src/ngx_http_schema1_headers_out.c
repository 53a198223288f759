
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_headers_out.h"


#define NGX_HTTP_SCHEMA1_HDR_VARY                                             \
    (NGX_HTTP_SCHEMA1_HDR_ACCEPT|NGX_HTTP_SCHEMA1_HDR_USER_AGENT)

#define NGX_HTTP_SCHEMA1_HDR_STAR        8  /* a Vary with "*" */


static inline ngx_uint_t ngx_http_schema1_headers_out_is(ngx_table_elt_t *h,
    ngx_str_t *name);
static ngx_uint_t ngx_http_schema1_headers_out_caseeq(ngx_table_elt_t *h,
    ngx_str_t *name);
static ngx_uint_t ngx_http_schema1_headers_out_describes_body(
    ngx_table_elt_t *h);
static ngx_uint_t ngx_http_schema1_headers_out_parse_vary(ngx_str_t *value);
static ngx_int_t ngx_http_schema1_headers_out_fold_vary(ngx_http_request_t *r,
    ngx_uint_t missing, size_t len, ngx_uint_t star);
static ngx_int_t ngx_http_schema1_headers_out_add_missing(
    ngx_http_request_t *r, ngx_uint_t missing, ngx_str_t *vary);


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
    ngx_table_elt_t  *header;

    part = &headers->part;
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

        if (ngx_http_schema1_headers_out_is(&header[i], name)) {
            return &header[i];
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
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.charset = sr->headers_out.charset;

    part = &sr->headers_out.headers.part;
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

    return NGX_OK;
}


void
ngx_http_schema1_headers_out_remove(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_table_elt_t  *h;

    for ( ;; ) {
        h = ngx_http_schema1_headers_out_find(&r->headers_out.headers, name);
        if (h == NULL) {
            return;
        }

        h->hash = 0;
    }
}


void
ngx_http_schema1_headers_out_remove_body(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    part = &r->headers_out.headers.part;
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

        if (header[i].hash
            && ngx_http_schema1_headers_out_describes_body(&header[i]))
        {
            header[i].hash = 0;
        }
    }
}


static ngx_uint_t
ngx_http_schema1_headers_out_describes_body(ngx_table_elt_t *h)
{
    ngx_str_t   *known;
    ngx_uint_t   i, n;

    /* by length */

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
        ngx_string("x-ms-blob-content-md5")
    };

    static ngx_str_t  prefixes[] = {
        ngx_string("X-Checksum-"),
        ngx_string("X-Goog-Stored-Content-"),
        ngx_string("x-amz-checksum-"),
        ngx_null_string
    };

    n = sizeof(names) / sizeof(names[0]);

    for (i = 0; i < n && names[i].len <= h->key.len; i++) {

        if (ngx_http_schema1_headers_out_is(h, &names[i])) {
            return 1;
        }
    }

    if (h->key.len == 0 || (h->key.data[0] | 0x20) != 'x') {
        return 0;
    }

    for (known = prefixes; known->len; known++) {

        if (h->key.len > known->len
            && (h->key.data[2] | 0x20) == (known->data[2] | 0x20)
            && ngx_strncasecmp(h->key.data, known->data, known->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_schema1_add_response_headers(ngx_http_request_t *r, ngx_uint_t flags)
{
    size_t            len;
    ngx_uint_t        i, lines, found, missing;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    len = 0;
    lines = 0;
    found = 0;

    part = &r->headers_out.headers.part;
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

        if (ngx_http_schema1_headers_out_is(&header[i],
                                            &ngx_http_schema1_hdr_vary))
        {
            found |= ngx_http_schema1_headers_out_parse_vary(&header[i].value);
            len += header[i].value.len + sizeof(", ") - 1;
            lines++;

        } else if (ngx_http_schema1_headers_out_is(&header[i],
                                               &ngx_http_schema1_hdr_version))
        {
            found |= NGX_HTTP_SCHEMA1_HDR_VERSION;
        }
    }

    missing = flags & ~found;

    if ((flags & NGX_HTTP_SCHEMA1_HDR_ACCEPT)
        && (lines > 1 || (lines && (missing & NGX_HTTP_SCHEMA1_HDR_VARY))))
    {
        return ngx_http_schema1_headers_out_fold_vary(r, missing, len,
                                           found & NGX_HTTP_SCHEMA1_HDR_STAR);
    }

    return ngx_http_schema1_headers_out_add_missing(r, missing, NULL);
}


/* what the value of a Vary line includes; "*" is everything */

static SCHEMA1_COLD ngx_uint_t
ngx_http_schema1_headers_out_parse_vary(ngx_str_t *value)
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
            names |= NGX_HTTP_SCHEMA1_HDR_VARY|NGX_HTTP_SCHEMA1_HDR_STAR;

        } else if (len == 6
                   && ngx_strncasecmp(p, (u_char *) "Accept", 6) == 0)
        {
            names |= NGX_HTTP_SCHEMA1_HDR_ACCEPT;

        } else if (len == 10
                   && ngx_strncasecmp(p, (u_char *) "User-Agent", 10) == 0)
        {
            names |= NGX_HTTP_SCHEMA1_HDR_USER_AGENT;
        }

        p = end;
    }

    return names;
}


/*
 * "The result is a single Vary line: the upstream's lines are folded into it."
 * A cache may read only one of several, the last.
 */

static SCHEMA1_COLD ngx_int_t
ngx_http_schema1_headers_out_fold_vary(ngx_http_request_t *r,
    ngx_uint_t missing, size_t len, ngx_uint_t star)
{
    u_char           *p;
    ngx_str_t         value;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    value.data = ngx_pnalloc(r->pool, len);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    p = value.data;

    part = &r->headers_out.headers.part;
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

        if (!ngx_http_schema1_headers_out_is(&header[i],
                                             &ngx_http_schema1_hdr_vary))
        {
            continue;
        }

        header[i].hash = 0;

        if (header[i].value.len) {
            p = ngx_cpymem(p, header[i].value.data, header[i].value.len);
            *p++ = ',';
            *p++ = ' ';
        }
    }

    value.len = p - value.data;

    if (star) {
        ngx_str_set(&value, "*, ");
    }

    return ngx_http_schema1_headers_out_add_missing(r, missing, &value);
}


/* "vary" is the upstream's, with a comma and a space at its end */

static ngx_int_t
ngx_http_schema1_headers_out_add_missing(ngx_http_request_t *r,
    ngx_uint_t missing, ngx_str_t *vary)
{
    u_char     *p;
    ngx_str_t   value;

    static ngx_str_t  version = ngx_string("registry/2.0");

    static ngx_str_t  names[] = {
        ngx_null_string,
        ngx_string("Accept"),
        ngx_string("User-Agent"),
        ngx_string("Accept, User-Agent")
    };

    if ((missing & NGX_HTTP_SCHEMA1_HDR_VERSION)
        && ngx_http_schema1_headers_out_add(r, &ngx_http_schema1_hdr_version,
                                            &version)
           == NULL)
    {
        return NGX_ERROR;
    }

    value = names[missing / NGX_HTTP_SCHEMA1_HDR_ACCEPT];

    if (vary && vary->len) {

        if (value.len == 0) {
            value.len = vary->len - (sizeof(", ") - 1);
            value.data = vary->data;

        } else {
            p = ngx_pnalloc(r->pool, vary->len + value.len);
            if (p == NULL) {
                return NGX_ERROR;
            }

            ngx_memcpy(ngx_cpymem(p, vary->data, vary->len), value.data,
                       value.len);

            value.len += vary->len;
            value.data = p;
        }
    }

    if (value.len
        && ngx_http_schema1_headers_out_add(r, &ngx_http_schema1_hdr_vary,
                                            &value)
           == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}
