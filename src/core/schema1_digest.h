
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_DIGEST_H_INCLUDED_
#define _SCHEMA1_DIGEST_H_INCLUDED_


#include <openssl/evp.h>

#include "schema1_error.h"


/* "sha512:" and 128 hex digits, and the longest digest that is verified */
#define SCHEMA1_DIGEST_MAX  (7 + 128)


/* sha256, sha384 or sha512 with lower case hex of the right length */
bool schema1_digest_valid(schema1_str_t digest);

/* algorithm ":" encoded (OCI image specification, descriptor.md, "Digests") */
bool schema1_digest_well_formed(schema1_str_t digest);

/*
 * SCHEMA1_OK if it is valid.  Else err->reason is DIGEST_UNSUPPORTED if the
 * algorithm is another one, INVALID_MANIFEST otherwise.
 */
int schema1_digest_check(schema1_str_t digest, const char *what,
    schema1_error_t *err);

/* what follows the colon */
schema1_str_t schema1_digest_hex(schema1_str_t digest);

/* never NULL */
const EVP_MD *schema1_digest_sha256(void);

/* lower case hex SHA-256 of "data" into 64 bytes, not terminated */
int schema1_digest_sha256_hex(schema1_str_t data, char hex[64]);

/*
 * SCHEMA1_OK where "data" hashes to "digest".  Else err->reason is
 * DIGEST_UNSUPPORTED (an algorithm or form that cannot be verified),
 * DIGEST_MISMATCH or NO_MEMORY, and the message names "what", e.g. "config".
 */
int schema1_digest_verify(schema1_str_t digest, schema1_str_t data,
    const char *what, schema1_error_t *err);


#endif /* _SCHEMA1_DIGEST_H_INCLUDED_ */
