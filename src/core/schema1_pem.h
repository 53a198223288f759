
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_PEM_H_INCLUDED_
#define _SCHEMA1_PEM_H_INCLUDED_


#include <openssl/evp.h>

#include "schema1_error.h"


/*
 * Reads the first private key in a PEM file (RFC 7468): PKCS #8, encrypted or
 * not, PKCS #1, SEC 1, also with libtrust's headers.  The passwords, one a
 * line, are tried in turn, and only if the key is encrypted; NULL: there are
 * none.  The caller frees the key.  NULL: "err" has the reason.
 */
EVP_PKEY *schema1_pem_read(schema1_str_t data, const schema1_str_t *passwords,
    schema1_error_t *err);

/* a source for OpenSSL's PEM functions, NULL: too long, or out of memory */
BIO *schema1_pem_bio(schema1_str_t data);


#endif /* _SCHEMA1_PEM_H_INCLUDED_ */
