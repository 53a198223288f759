
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_HEADERS_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_HEADERS_H_INCLUDED_


#include "ngx_http_schema1.h"


/* at configuration: the variables that the edited lines are seen through */
ngx_int_t ngx_http_schema1_headers_init(ngx_conf_t *cf);

/* whether the client's Accept lines are those of a modern one */
ngx_uint_t ngx_http_schema1_headers_modern(ngx_http_request_t *r);

/*
 * Reads all Accept lines of the client, and collects them in "lines" as
 * schema1_str_t, in their order.
 */
ngx_int_t ngx_http_schema1_headers_accept(ngx_http_request_t *r,
    schema1_accept_t *accept, ngx_array_t *lines);

/* makes headers_in what has to go upstream, keeping the client's in ctx */
ngx_int_t ngx_http_schema1_headers_edit(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/* gives the request back the client's own headers; may be called again */
void ngx_http_schema1_headers_restore(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx);

/*
 * Sets "in" to the header of a subrequest of "r": the client's lines without
 * those that belong to its own request, or for an external host User-Agent
 * alone, and one Accept.  NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_schema1_headers_subrequest(ngx_http_request_t *r,
    ngx_http_headers_in_t *in, ngx_str_t *accept, ngx_uint_t external);

/* moves such a header to where it stays */
void ngx_http_schema1_headers_move(ngx_http_headers_in_t *to,
    ngx_http_headers_in_t *from);

/* the first line of this name of an answer, NULL where it has none */
ngx_table_elt_t *ngx_http_schema1_headers_find(ngx_list_t *headers,
    const char *name, size_t len);

/* adds a line to the answer; NULL: out of memory */
ngx_table_elt_t *ngx_http_schema1_headers_add(ngx_http_request_t *r,
    const char *name, size_t len, ngx_str_t *value);

/* removes all lines of this name from the answer */
void ngx_http_schema1_headers_remove(ngx_http_request_t *r, const char *name,
    size_t len);

/* true for an answer whose body was compressed, or otherwise encoded */
ngx_uint_t ngx_http_schema1_headers_encoded(ngx_http_request_t *r);

/*
 * Adds what an answer bears whoever made it, where it does not yet: the
 * version of the registry's interface and, if "vary" is not NULL, a Vary that
 * names what the answer depends on in that location.
 */
ngx_int_t ngx_http_schema1_headers_complete(ngx_http_request_t *r,
    ngx_http_schema1_loc_conf_t *vary);


#endif /* _NGX_HTTP_SCHEMA1_HEADERS_H_INCLUDED_ */
