
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE  /* memmem() */
#endif

#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "schema1_pem.h"


/* more than OpenSSL's functions use below the caller's frame */
#define SCHEMA1_PEM_STACK     32768

/* more blocks of their size than allocators keep at hand */
#define SCHEMA1_PEM_DECODERS  32


/* for the callback: the password to try, and whether OpenSSL called it */

typedef struct {
    schema1_str_t                 password;     /* no bytes: there is none */
    bool                          encrypted;
} schema1_pem_password_t;


static EVP_PKEY *schema1_pem_with_headers(schema1_str_t data);
static void schema1_pem_error(schema1_str_t data, bool encrypted,
    bool passwords, const char *reason, schema1_error_t *err);
static int schema1_pem_password(char *buf, int size, int rwflag, void *data);
static void schema1_pem_clear_stack(void);
static void schema1_pem_clear_decoders(void);


EVP_PKEY *
schema1_pem_read(schema1_str_t data, const schema1_str_t *passwords,
    schema1_error_t *err)
{
    BIO                     *bio;
    EVP_PKEY                *pkey;
    const char              *reason;
    schema1_str_t            lines;
    schema1_pem_password_t   password;

    pkey = NULL;
    memset(&password, 0, sizeof(schema1_pem_password_t));
    memset(&lines, 0, sizeof(schema1_str_t));

    if (passwords != NULL) {
        lines = *passwords;
    }

    do {

        ERR_clear_error();

        bio = schema1_pem_bio(data);
        if (bio == NULL) {
            break;
        }

        pkey = PEM_read_bio_PrivateKey(bio, NULL, schema1_pem_password,
                                       &password);
        BIO_free(bio);

        if (pkey != NULL || !password.encrypted) {
            break;
        }

        password.password = schema1_str_line(&lines);

    } while (password.password.len != 0);

    reason = ERR_reason_error_string(ERR_peek_last_error());

    if (pkey == NULL && !password.encrypted) {
        pkey = schema1_pem_with_headers(data);
    }

    schema1_pem_clear_stack();

    if (pkey == NULL) {
        schema1_pem_error(data, password.encrypted, passwords != NULL, reason,
                          err);
    }

    schema1_pem_clear_decoders();

    return pkey;
}


BIO *
schema1_pem_bio(schema1_str_t data)
{
    return data.len <= INT_MAX ? BIO_new_mem_buf(data.data, (int) data.len)
                               : NULL;
}


/*
 * libtrust writes a "keyID" header into its PEM, OpenSSL only accepts
 * encryption headers.  If this fails too, the error of the former reading is
 * reported.
 */

static EVP_PKEY *
schema1_pem_with_headers(schema1_str_t data)
{
    BIO                  *bio;
    char                 *name, *header;
    long                  len;
    EVP_PKEY             *pkey;
    unsigned char        *der;
    const unsigned char  *p;

    pkey = NULL;
    bio = schema1_pem_bio(data);

    while (bio != NULL && pkey == NULL
           && PEM_read_bio(bio, &name, &header, &der, &len) == 1)
    {
        p = der;

        if (strstr(name, "PRIVATE KEY") != NULL
            && strstr(header, "Proc-Type:") == NULL)
        {
            pkey = d2i_AutoPrivateKey(NULL, &p, len);
        }

        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_cleanse(der, (size_t) len);
        OPENSSL_free(der);
    }

    BIO_free(bio);

    return pkey;
}


static void
schema1_pem_error(schema1_str_t data, bool encrypted, bool passwords,
    const char *reason, schema1_error_t *err)
{
    const char  *why;

    if (memmem(data.data, data.len, "-----BEGIN ", 11) == NULL) {
        why = "is neither PEM nor a JWK";

    } else if (memmem(data.data, data.len, "PRIVATE KEY-----", 16) == NULL) {
        why = "is not a private key";

    } else if (encrypted && !passwords) {
        why = "is encrypted: schema_conversion_password_file is needed";

    } else if (encrypted) {
        why = "is encrypted, and no password of "
              "schema_conversion_password_file opens it";

    } else {
        schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                          "is a private key that cannot be read (%s)",
                          reason ? reason : "unknown reason");
        return;
    }

    schema1_error_set(err, SCHEMA1_SIGNING_FAILED, "%s", why);
}


/* without a callback OpenSSL would prompt on the terminal */

static int
schema1_pem_password(char *buf, int size, int rwflag, void *data)
{
    schema1_pem_password_t *state = data;

    (void) rwflag;

    state->encrypted = true;

    if (state->password.len == 0 || size < 0
        || state->password.len > (size_t) size)
    {
        return -1;
    }

    memcpy(buf, state->password.data, state->password.len);

    return (int) state->password.len;
}


/* OpenSSL's decoders leave passwords and lines of the PEM on the stack */

static __attribute__((noinline)) void
schema1_pem_clear_stack(void)
{
    size_t                  i;
    volatile unsigned char  stack[SCHEMA1_PEM_STACK];

    for (i = 0; i < sizeof(stack); i++) {
        stack[i] = 0;
    }
}


/*
 * OpenSSL frees its base64 decoders, which contain a line of the PEM, without
 * cleansing them: the allocator gives the same memory out again, as zeros.
 */

static void
schema1_pem_clear_decoders(void)
{
    size_t           i;
    EVP_ENCODE_CTX  *ctx[SCHEMA1_PEM_DECODERS];

    for (i = 0; i < SCHEMA1_PEM_DECODERS; i++) {
        ctx[i] = EVP_ENCODE_CTX_new();
    }

    for (i = 0; i < SCHEMA1_PEM_DECODERS; i++) {
        EVP_ENCODE_CTX_free(ctx[i]);
    }
}
