
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_HEADERS_OUT_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_HEADERS_OUT_H_INCLUDED_


#include "ngx_http_schema1.h"


/* names of header lines, as they are sent */

extern ngx_str_t  ngx_http_schema1_hdr_digest;   /* Docker-Content-Digest */
extern ngx_str_t  ngx_http_schema1_hdr_etag;
extern ngx_str_t  ngx_http_schema1_hdr_location;


/* the first line of this name, in any case; NULL if there is none */
ngx_table_elt_t *ngx_http_schema1_headers_out_find(ngx_list_t *headers,
    ngx_str_t *name);

/* adds a line to the response; NULL: out of memory */
ngx_table_elt_t *ngx_http_schema1_headers_out_add(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value);

/*
 * Adds the header of a subrequest's response, but for Server, Date, and
 * Content-Length.  NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_schema1_headers_out_relay(ngx_http_request_t *r,
    ngx_http_request_t *sr);

/*
 * Removes all lines of this name from the response; NULL: those that describe
 * the upstream's body.
 */
void ngx_http_schema1_headers_out_remove(ngx_http_request_t *r,
    ngx_str_t *name);

/*
 * Adds the version of the registry's interface, and the first "n" of Accept and
 * User-Agent to Vary, unless the response has them; then its Vary lines are
 * folded into one.  NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_schema1_add_response_headers(ngx_http_request_t *r,
    ngx_uint_t n);


#endif /* _NGX_HTTP_SCHEMA1_HEADERS_OUT_H_INCLUDED_ */
