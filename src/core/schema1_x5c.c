
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "schema1_base64.h"
#include "schema1_pem.h"
#include "schema1_x5c.h"


static int schema1_x5c_certificate(X509 *x509, schema1_buf_t *header,
    schema1_buf_t *ders);


int
schema1_x5c_write(EVP_PKEY *pkey, const schema1_jwk_alg_t *alg,
    schema1_str_t chain, schema1_buf_t *header, schema1_buf_t *ders,
    schema1_error_t *err)
{
    int        rc;
    BIO       *bio;
    X509      *x509;
    unsigned   n;

    bio = schema1_pem_bio(chain);
    if (bio == NULL) {
        return SCHEMA1_ERROR;
    }

    schema1_buf_printf(header, SCHEMA1_JWK_INDENT "\"alg\": \"%s\",\n"
                               SCHEMA1_JWK_INDENT "\"x5c\": [", alg->name);

    ERR_clear_error();

    rc = SCHEMA1_OK;

    for (n = 0; rc == SCHEMA1_OK; n++) {

        /* an empty password: OpenSSL would prompt on the terminal */

        x509 = PEM_read_bio_X509(bio, NULL, NULL, (void *) "");
        if (x509 == NULL) {
            break;
        }

        if (n == 0 && X509_check_private_key(x509, pkey) != 1) {
            schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                              "has a first certificate that does not hold "
                              "the key");
            rc = SCHEMA1_ERROR;

        } else {
            schema1_buf_puts(header, n ? ",\n" : "\n");
            rc = schema1_x5c_certificate(x509, header, ders);
        }

        X509_free(x509);
    }

    BIO_free(bio);

    if (rc != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    /* end of file is the only acceptable error */

    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                          "holds a certificate that cannot be read, "
                          "number %u", n + 1);
        return SCHEMA1_ERROR;
    }

    if (n == 0) {
        schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                          "holds no certificate in PEM");
        return SCHEMA1_ERROR;
    }

    schema1_buf_puts(header, "\n" SCHEMA1_JWK_INDENT "]");

    return header->failed || ders->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


static int
schema1_x5c_certificate(X509 *x509, schema1_buf_t *header,
    schema1_buf_t *ders)
{
    int             len;
    unsigned char  *der;

    der = NULL;

    len = i2d_X509(x509, &der);
    if (len <= 0) {
        return SCHEMA1_ERROR;
    }

    schema1_buf_puts(header, SCHEMA1_JWK_INDENT "   \"");
    schema1_base64_encode(header, der, (size_t) len);
    schema1_buf_putc(header, '"');

    schema1_buf_append(ders, (const char *) der, (size_t) len);

    OPENSSL_free(der);

    return SCHEMA1_OK;
}
