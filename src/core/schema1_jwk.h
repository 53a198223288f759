
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_JWK_H_INCLUDED_
#define _SCHEMA1_JWK_H_INCLUDED_


#include <openssl/evp.h>

#include "schema1_error.h"


/* libtrust's indentation of the members of a JWS header */
#define SCHEMA1_JWK_INDENT  "            "


/* how a key signs: "alg" (RFC 7518, 3.1), and "crv" of an EC key (6.2.1.1) */

typedef struct {
    int                           nid;          /* of the curve; RSA: 0 */
    size_t                        size;         /* of a coordinate, bytes */
    const char                   *curve;
    const char                   *name;
    const EVP_MD               *(*md)(void);
} schema1_jwk_alg_t;


/*
 * The algorithm of an RSA key of 2048 bits or more, or of an EC key on P-256,
 * P-384 or P-521.  NULL: another key, "err" has the reason.
 */
const schema1_jwk_alg_t *schema1_jwk_alg(EVP_PKEY *pkey, schema1_error_t *err);

/*
 * Reads a private key from a JWK (RFC 7517; RFC 7518, 6.2 and 6.3): RSA with
 * two primes and all CRT members, EC on P-256, P-384 or P-521.  The caller
 * frees the key.  Does not check that its halves belong together.
 * NULL: "err" has the reason.
 */
EVP_PKEY *schema1_jwk_read(schema1_str_t data, schema1_error_t *err);

/*
 * Appends "jwk" (RFC 7515, 4.1.3), the public half of "pkey", and "alg" in
 * libtrust's form, terminated.  SCHEMA1_ERROR: out of memory.
 */
int schema1_jwk_write(EVP_PKEY *pkey, const schema1_jwk_alg_t *alg,
    const char *kid, schema1_buf_t *header);


#endif /* _SCHEMA1_JWK_H_INCLUDED_ */
