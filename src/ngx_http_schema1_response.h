
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_RESPONSE_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_RESPONSE_H_INCLUDED_


#include "ngx_http_schema1.h"


/* an error_page keeps the status of the error here */
#define ngx_http_schema1_response_status(r)                                   \
    ((r)->err_status ? (r)->err_status : (r)->headers_out.status)

/* "The module follows 301, 302, 303, 307 and 308." */
#define ngx_http_schema1_response_redirects(status)                           \
    ((status) == NGX_HTTP_MOVED_PERMANENTLY                                   \
     || (status) == NGX_HTTP_MOVED_TEMPORARILY                                \
     || (status) == NGX_HTTP_SEE_OTHER                                        \
     || (status) == NGX_HTTP_TEMPORARY_REDIRECT                               \
     || (status) == NGX_HTTP_PERMANENT_REDIRECT)

/* nginx itself may have generated it: an error page, a missing file, "return" */
#define ngx_http_schema1_response_from_upstream(r)                            \
    ((r)->upstream                                                            \
     && (r)->upstream->headers_in.status_n                                    \
        == ngx_http_schema1_response_status(r))

/*
 * Sets the type of "document", and its digest, to what the header states, the
 * value of Docker-Content-Digest.  NGX_ERROR: the response cannot have a
 * document, "err" is set.
 */
ngx_int_t ngx_http_schema1_response_header(
    ngx_http_schema1_response_t *response, schema1_document_t *document,
    schema1_error_t *err);

/*
 * Likewise, with the body, which stays the response's.  NGX_ERROR: it is
 * incomplete, too large, or encoded, "err" is set.
 */
ngx_int_t ngx_http_schema1_response_document(
    ngx_http_schema1_response_t *response, schema1_document_t *document,
    schema1_error_t *err);

/*
 * Begins a response with its header, without a body so far.  It replaces one
 * that has begun before, as an error page does.
 */
void ngx_http_schema1_response_begin(ngx_http_request_t *r,
    ngx_http_schema1_response_t *response);

/*
 * Adds the bytes of a chain to the body.  Above the limit "overflow" is set,
 * and the rest stays in the chain.  NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_schema1_response_read(ngx_http_request_t *r,
    ngx_http_schema1_response_t *response, ngx_chain_t *in);

/* whether nothing of the body is missing */
ngx_uint_t ngx_http_schema1_response_complete(
    ngx_http_schema1_response_t *response);

/* marks the buffers of a chain as read */
void ngx_http_schema1_response_discard(ngx_chain_t *in);

/* reads no more of the upstream's response */
void ngx_http_schema1_response_stop(ngx_http_request_t *r);


#endif /* _NGX_HTTP_SCHEMA1_RESPONSE_H_INCLUDED_ */
