
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/schema1_digest.h"
#include "ngx_http_schema1_body.h"
#include "ngx_http_schema1_headers_out.h"
#include "ngx_http_schema1_response.h"


static ngx_uint_t ngx_http_schema1_response_encoded(
    ngx_http_schema1_response_t *response);
static schema1_str_t ngx_http_schema1_response_digest(
    ngx_http_schema1_response_t *response, schema1_document_t *document);
static ngx_int_t ngx_http_schema1_response_error(
    ngx_http_schema1_response_t *response, schema1_error_t *err,
    schema1_reason_e reason);


ngx_int_t
ngx_http_schema1_response_header(ngx_http_schema1_response_t *response,
    schema1_document_t *document, schema1_error_t *err)
{
    ngx_table_elt_t          *h;
    ngx_http_schema1_body_t  *body;

    ngx_memzero(document, sizeof(schema1_document_t));

    document->type =
        ngx_http_schema1_core_str(&response->headers->content_type);

    h = ngx_http_schema1_headers_out_find(&response->headers->headers,
                                          &ngx_http_schema1_hdr_digest);
    if (h) {
        document->digest = ngx_http_schema1_core_str(&h->value);
    }

    if (ngx_http_schema1_response_encoded(response)
        && ngx_http_schema1_response_digest(response, document).len == 0)
    {
        return ngx_http_schema1_response_error(response, err, SCHEMA1_ENCODED);
    }

    body = response->body;

    if (body->expected > (off_t) body->max) {
        return ngx_http_schema1_response_error(response, err,
                                               SCHEMA1_TOO_LARGE);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_schema1_response_document(ngx_http_schema1_response_t *response,
    schema1_document_t *document, schema1_error_t *err)
{
    schema1_error_t           mismatch;
    ngx_http_schema1_body_t  *body;

    body = response->body;

    if (ngx_http_schema1_response_header(response, document, err) != NGX_OK) {
        return NGX_ERROR;
    }

    if (body->overflow) {
        return ngx_http_schema1_response_error(response, err,
                                               SCHEMA1_TOO_LARGE);
    }

    if (response->failure == SCHEMA1_TRUNCATED
        || !ngx_http_schema1_body_complete(body))
    {
        return ngx_http_schema1_response_error(response, err,
                                               SCHEMA1_TRUNCATED);
    }

    document->body.data = (char *) body->data;
    document->body.len = body->len;

    /*
     * "A Content-Encoding counts only if the bytes do not match the known
     * digest, because storage replays odd values such as aws-chunked."
     */

    if (ngx_http_schema1_response_encoded(response)
        && schema1_digest_verify(
                          ngx_http_schema1_response_digest(response, document),
                          document->body, response->name, &mismatch)
           != SCHEMA1_OK)
    {
        return ngx_http_schema1_response_error(response, err, SCHEMA1_ENCODED);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_schema1_response_encoded(ngx_http_schema1_response_t *response)
{
    ngx_str_t  *value;

    if (response->headers->content_encoding == NULL) {
        return 0;
    }

    value = &response->headers->content_encoding->value;

    return value->len != 0
           && !schema1_str_caseeq(ngx_http_schema1_core_str(value),
                                  "identity");
}


/* the one that was requested, else the one that the header states */

static schema1_str_t
ngx_http_schema1_response_digest(ngx_http_schema1_response_t *response,
    schema1_document_t *document)
{
    return response->reference.len
           ? ngx_http_schema1_core_str(&response->reference)
           : document->digest;
}


/* each text once: the message for HEAD is the message for GET */

static ngx_int_t
ngx_http_schema1_response_error(ngx_http_schema1_response_t *response,
    schema1_error_t *err, schema1_reason_e reason)
{
    switch (reason) {

    case SCHEMA1_ENCODED:
        schema1_error_set(err, reason, "the %s is compressed although "
                          "compression was not requested; have the registry "
                          "send it as it is", response->name);
        break;

    case SCHEMA1_TOO_LARGE:
        schema1_error_set(err, reason, "the %s is larger than %lu bytes; "
                          "schema_conversion_max_size sets the limit",
                          response->name, (unsigned long) response->body->max);
        break;

    default: /* SCHEMA1_TRUNCATED */
        schema1_error_set(err, reason, "the %s was cut off after %lu bytes; "
                          "try again later", response->name,
                          (unsigned long) response->body->len);
    }

    return NGX_ERROR;
}
