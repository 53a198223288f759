
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_KEY_H_INCLUDED_
#define _SCHEMA1_KEY_H_INCLUDED_


#include "schema1_error.h"


/*
 * A private key for signing, with all that does not change between two
 * signatures prepared.  Read-only: any number of threads may sign.
 */

typedef struct schema1_key_s  schema1_key_t;


/*
 * Reads a private key: PEM (PKCS #8, plain or encrypted, PKCS #1, SEC 1) or a
 * JWK as libtrust writes it (RFC 7517, 7518).  RSA of 2048 bits or more, EC
 * P-256, P-384, P-521.  Passwords, one a line, are tried in turn; NULL: there
 * are none.  The caller frees the key by schema1_key_free() and cleanses "data"
 * and the passwords.  NULL: "err" has a message to put after the name of the
 * file, without any part of the key or a password.
 */
schema1_key_t *schema1_key_read(schema1_str_t data,
    const schema1_str_t *passwords, schema1_error_t *err);

/* a new key: RSA of 2048 bits, or EC P-256 */
schema1_key_t *schema1_key_generate(bool ec, schema1_error_t *err);

/*
 * Adds a PEM chain whose first certificate must contain the key: signatures
 * have "x5c" (RFC 7515, 4.1.6) instead of "jwk" from now on.
 */
int schema1_key_certify(schema1_key_t *key, schema1_str_t chain,
    schema1_error_t *err);

/* NULL is allowed; EVP_PKEY_free() cleanses the private half */
void schema1_key_free(schema1_key_t *key);

/* libtrust's key id, "ABCD:EFGH:...": 59 characters, terminated, borrowed */
const char *schema1_key_id(const schema1_key_t *key);

/*
 * 64 hex digits, terminated, borrowed: SHA-256 of the key's public half and of
 * its chain.  Equal if a signature by one key can replace that by the other.
 */
const char *schema1_key_fingerprint(const schema1_key_t *key);

/*
 * For schema1_jws.c.  The members of a JWS header, "jwk" or "x5c" and "alg",
 * in libtrust's order and indentation, without a line end after the last;
 * terminated, borrowed.
 */
const char *schema1_key_header(const schema1_key_t *key);

/*
 * Appends the signature of a JWS signing input (RFC 7515, 5.1): "header",
 * already encoded, a point, and "payload", which is encoded here piece by
 * piece.  By the key's algorithm (RFC 7518, 3.3 and 3.4: r and s left-padded).
 * SCHEMA1_ERROR: OpenSSL failed, or out of memory: signature->failed then.
 */
int schema1_key_sign(const schema1_key_t *key, schema1_str_t header,
    schema1_str_t payload, schema1_buf_t *signature);


#endif /* _SCHEMA1_KEY_H_INCLUDED_ */
