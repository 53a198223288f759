
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_JWS_H_INCLUDED_
#define _SCHEMA1_JWS_H_INCLUDED_


#include <time.h>

#include "schema1_error.h"
#include "schema1_key.h"


/*
 * Signs a payload (indented JSON that ends in "\n}") in libtrust's "pretty"
 * form of a JWS (RFC 7515; docker/libtrust, jsonsign.go) and appends the
 * document to "body".  If the payload is the content of "body", it is signed
 * in place.  "now" is in seconds since 1970, UTC.
 * SCHEMA1_ERROR: err->reason is SIGNING_FAILED, NO_MEMORY or TOO_LARGE.
 */
int schema1_jws_sign(const schema1_key_t *key, schema1_str_t payload,
    time_t now, schema1_buf_t *body, schema1_error_t *err);

/*
 * Appends the payload of a signed schema 1 manifest to "payload": the bytes
 * that formatLength and formatTail of its first signature describe.  Does not
 * verify signatures.  SCHEMA1_ERROR: no such signature, or out of memory.
 */
int schema1_jws_payload(schema1_str_t document, schema1_buf_t *payload);


#endif /* _SCHEMA1_JWS_H_INCLUDED_ */
