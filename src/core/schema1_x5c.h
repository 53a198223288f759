
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_X5C_H_INCLUDED_
#define _SCHEMA1_X5C_H_INCLUDED_


#include "schema1_jwk.h"


/*
 * Appends "alg" and "x5c" (RFC 7515, 4.1.6), the certificates of a PEM file,
 * in libtrust's form to "header", and the certificates in DER to "ders".  The
 * first must be that of "pkey".  SCHEMA1_ERROR: the message in "err" says why;
 * out of memory does not change it.
 */
int schema1_x5c_write(EVP_PKEY *pkey, const schema1_jwk_alg_t *alg,
    schema1_str_t chain, schema1_buf_t *header, schema1_buf_t *ders,
    schema1_error_t *err);


#endif /* _SCHEMA1_X5C_H_INCLUDED_ */
