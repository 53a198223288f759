
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_client.h"


/* longer lines are read each time */
#define NGX_HTTP_SCHEMA1_ACCEPT_LEN    496
#define NGX_HTTP_SCHEMA1_ACCEPT_LINES  8
#define NGX_HTTP_SCHEMA1_ACCEPT_NONE   ((size_t) -1)


typedef struct {
    size_t            len;
    schema1_accept_t  accept;
    u_char            data[NGX_HTTP_SCHEMA1_ACCEPT_LEN];
} ngx_http_schema1_accept_line_t;


static ngx_int_t ngx_http_schema1_client_add_line(ngx_str_t *value,
    schema1_accept_t *accept, ngx_array_t *lines);
static schema1_accept_t *ngx_http_schema1_client_read_line(ngx_str_t *value);


ngx_uint_t
ngx_http_schema1_client_is_modern(ngx_http_request_t *r)
{
    schema1_accept_t              accept;
#if (NGX_HTTP_HEADERS)
    schema1_accept_t             *line;
    ngx_http_schema1_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

    if (slcf->accept == NULL && r->headers_in.accept) {
        line = ngx_http_schema1_client_read_line(&r->headers_in.accept->value);

        if ((line->types & SCHEMA1_MODERN_TYPES) == SCHEMA1_MODERN_TYPES) {

            /* as most clients do in one line: no other line matters */

            return 1;
        }
    }

#endif

    /* an error is found again where it can be returned */

    return ngx_http_schema1_client_accept(r, &accept, NULL) == NGX_OK
           && schema1_accept_is_modern(&accept);
}


/*
 * "If the value of schema_conversion_accept is not empty, it replaces the
 * header lines, both for this evaluation and for what is requested upstream."
 */

ngx_int_t
ngx_http_schema1_client_accept(ngx_http_request_t *r, schema1_accept_t *accept,
    ngx_array_t *lines)
{
    ngx_str_t                     value;
    ngx_uint_t                    i;
    ngx_list_part_t              *part;
    ngx_table_elt_t              *h;
    ngx_http_schema1_loc_conf_t  *slcf;

    ngx_memzero(accept, sizeof(schema1_accept_t));

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_schema1_module);

    if (slcf->accept) {
        if (ngx_http_complex_value(r, slcf->accept, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        if (value.len) {
            return lines
                   ? ngx_http_schema1_client_add_line(&value, accept, lines)
                   : NGX_DECLINED;
        }
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            /* nginx has converted the names to lower case */

            if (h[i].key.len == 6
                && h[i].hash != 0
                && ngx_memcmp(h[i].lowcase_key, "accept", 6) == 0
                && ngx_http_schema1_client_add_line(&h[i].value, accept, lines)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_schema1_client_add_line(ngx_str_t *value, schema1_accept_t *accept,
    ngx_array_t *lines)
{
    schema1_str_t     *line;
    schema1_accept_t  *read;

    read = ngx_http_schema1_client_read_line(value);

    accept->types |= read->types;
    accept->json |= read->json;
    accept->wildcard |= read->wildcard;

    if (lines == NULL) {
        return NGX_OK;
    }

    line = ngx_array_push(lines);
    if (line == NULL) {
        return NGX_ERROR;
    }

    *line = ngx_http_schema1_core_str(value);

    return NGX_OK;
}


/*
 * A client sends the same line with each request, and there are few kinds of
 * clients: the results of the last lines are kept, by their length.
 */

static schema1_accept_t *
ngx_http_schema1_client_read_line(ngx_str_t *value)
{
    schema1_str_t                    text;
    ngx_http_schema1_accept_line_t  *line;

    static ngx_http_schema1_accept_line_t
        lines[NGX_HTTP_SCHEMA1_ACCEPT_LINES];

    line = &lines[value->len % NGX_HTTP_SCHEMA1_ACCEPT_LINES];

    if (value->len == line->len
        && ngx_memcmp(value->data, line->data, value->len) == 0)
    {
        return &line->accept;
    }

    text = ngx_http_schema1_core_str(value);

    schema1_accept_read(&line->accept, &text, 1);

    if (value->len > NGX_HTTP_SCHEMA1_ACCEPT_LEN) {
        line->len = NGX_HTTP_SCHEMA1_ACCEPT_NONE;

    } else {
        line->len = value->len;
        ngx_memcpy(line->data, value->data, value->len);
    }

    return &line->accept;
}
