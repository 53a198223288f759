
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_JWK_H_INCLUDED_
#define _SCHEMA1_JWK_H_INCLUDED_


#include <openssl/evp.h>

#include "schema1_key.h"


/*
 * Reads a private key from a JWK (RFC 7517; RFC 7518, 6.2 and 6.3): RSA with
 * two primes and all CRT members, EC on P-256, P-384 or P-521.  The caller
 * frees the key.  Whether its halves belong together is not looked at.
 * NULL: "error" says why.
 */
EVP_PKEY *schema1_jwk_read(schema1_str_t data,
    char error[SCHEMA1_KEY_ERROR_SIZE]);


#endif /* _SCHEMA1_JWK_H_INCLUDED_ */
