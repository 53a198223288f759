
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* EC_KEY: see schema1_jwk.c */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "schema1_base64.h"
#include "schema1_digest.h"
#include "schema1_json.h"
#include "schema1_jwk.h"
#include "schema1_key.h"
#include "schema1_pem.h"


/* of a generated key */
#define SCHEMA1_KEY_RSA_BITS        2048

/* 12 groups of 4 characters of 5 bits, and a terminator */
#define SCHEMA1_KEY_ID_BITS         240
#define SCHEMA1_KEY_ID_SIZE         60

/* by RSA of 16384 bits */
#define SCHEMA1_KEY_SIGNATURE_SIZE  2048

/* r and s of P-521 */
#define SCHEMA1_KEY_ECDSA_SIZE      132


struct schema1_key_s {
    EVP_PKEY                     *pkey;
    EVP_MD_CTX                   *signer;       /* copied for each signature */
    const schema1_jwk_alg_t      *alg;
    schema1_buf_t                 header;
    char                          id[SCHEMA1_KEY_ID_SIZE];
    char                          fingerprint[64 + 1];
};


static int schema1_key_x5c(const schema1_key_t *key, schema1_str_t chain,
    schema1_buf_t *header, schema1_buf_t *ders, schema1_error_t *err);
static int schema1_key_certificate(X509 *x509, schema1_buf_t *header,
    schema1_buf_t *ders);
static schema1_key_t *schema1_key_new(EVP_PKEY *pkey, schema1_error_t *err);
static int schema1_key_spki(const schema1_key_t *key, schema1_buf_t *spki);
static int schema1_key_identify(schema1_key_t *key);
static int schema1_key_self_test(const schema1_key_t *key);
static int schema1_key_sign_raw(const schema1_key_t *key, EVP_MD_CTX *ctx,
    schema1_str_t header, schema1_str_t payload, unsigned char *signature,
    size_t *len);
static int schema1_key_update(EVP_MD_CTX *ctx, schema1_str_t payload);
static int schema1_key_ecdsa_raw(size_t size, const unsigned char *der,
    size_t len, schema1_buf_t *signature);


schema1_key_t *
schema1_key_read(schema1_str_t data, const schema1_str_t *passwords,
    schema1_error_t *err)
{
    EVP_PKEY       *pkey;
    schema1_key_t  *key;

    while (data.len != 0 && schema1_json_is_space(data.data[0])) {
        data.data++;
        data.len--;
    }

    if (data.len == 0) {
        schema1_error_set(err, SCHEMA1_SIGNING_FAILED, "is empty");
        return NULL;
    }

    if (data.data[0] == '{' || data.data[0] == '[') {
        pkey = schema1_jwk_read(data, err);

    } else {
        pkey = schema1_pem_read(data, passwords, err);
    }

    key = pkey ? schema1_key_new(pkey, err) : NULL;

    ERR_clear_error();

    return key;
}


schema1_key_t *
schema1_key_generate(bool ec, schema1_error_t *err)
{
    EVP_PKEY       *pkey;
    EVP_PKEY_CTX   *ctx;
    schema1_key_t  *key;

    key = NULL;
    pkey = NULL;

    ctx = EVP_PKEY_CTX_new_id(ec ? EVP_PKEY_EC : EVP_PKEY_RSA, NULL);

    if (ctx != NULL
        && EVP_PKEY_keygen_init(ctx) == 1
        && (ec ? EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx,
                                                        NID_X9_62_prime256v1)
               : EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, SCHEMA1_KEY_RSA_BITS))
           == 1
        && EVP_PKEY_keygen(ctx, &pkey) == 1)
    {
        key = schema1_key_new(pkey, err);

    } else {
        schema1_error_set(err, SCHEMA1_SIGNING_FAILED, "cannot be generated");
    }

    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();

    return key;
}


int
schema1_key_certify(schema1_key_t *key, schema1_str_t chain,
    schema1_error_t *err)
{
    int            rc;
    schema1_buf_t  header, ders;

    memset(&header, 0, sizeof(schema1_buf_t));
    memset(&ders, 0, sizeof(schema1_buf_t));

    /* unless there is a better reason */

    (void) schema1_error_no_memory(err);

    if (schema1_key_spki(key, &ders) == SCHEMA1_OK
        && schema1_key_x5c(key, chain, &header, &ders, err) == SCHEMA1_OK
        && schema1_digest_sha256_hex(schema1_buf_str(&ders), key->fingerprint)
           == SCHEMA1_OK)
    {
        rc = SCHEMA1_OK;
        schema1_buf_free(&key->header);
        key->header = header;

    } else {
        rc = SCHEMA1_ERROR;
        schema1_buf_free(&header);
    }

    schema1_buf_free(&ders);
    ERR_clear_error();

    return rc;
}


/* "alg" and "x5c" in libtrust's form, and the certificates in DER */

static int
schema1_key_x5c(const schema1_key_t *key, schema1_str_t chain,
    schema1_buf_t *header, schema1_buf_t *ders, schema1_error_t *err)
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
                               SCHEMA1_JWK_INDENT "\"x5c\": [",
                       key->alg->name);

    ERR_clear_error();

    rc = SCHEMA1_OK;

    for (n = 0; rc == SCHEMA1_OK; n++) {

        /* an empty password: OpenSSL would prompt on the terminal */

        x509 = PEM_read_bio_X509(bio, NULL, NULL, (void *) "");
        if (x509 == NULL) {
            break;
        }

        if (n == 0 && X509_check_private_key(x509, key->pkey) != 1) {
            rc = schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                                   "has a first certificate that does not "
                                   "hold the key");

        } else {
            schema1_buf_puts(header, n ? ",\n" : "\n");
            rc = schema1_key_certificate(x509, header, ders);
        }

        X509_free(x509);
    }

    BIO_free(bio);

    if (rc != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    /* end of file is the only acceptable error */

    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        return schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                                 "holds a certificate that cannot be read, "
                                 "number %u", n + 1);
    }

    if (n == 0) {
        return schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                                 "holds no certificate in PEM");
    }

    schema1_buf_puts(header, "\n" SCHEMA1_JWK_INDENT "]");
    schema1_buf_putc(header, '\0');

    return header->failed || ders->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


static int
schema1_key_certificate(X509 *x509, schema1_buf_t *header,
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


void
schema1_key_free(schema1_key_t *key)
{
    if (key == NULL) {
        return;
    }

    EVP_MD_CTX_free(key->signer);
    EVP_PKEY_free(key->pkey);
    schema1_buf_free(&key->header);
    free(key);
}


const char *
schema1_key_id(const schema1_key_t *key)
{
    return key->id;
}


const char *
schema1_key_fingerprint(const schema1_key_t *key)
{
    return key->fingerprint;
}


const char *
schema1_key_header(const schema1_key_t *key)
{
    return key->header.data;
}


int
schema1_key_sign(const schema1_key_t *key, schema1_str_t header,
    schema1_str_t payload, schema1_buf_t *signature)
{
    int             rc;
    size_t          len;
    EVP_MD_CTX     *ctx;
    unsigned char   raw[SCHEMA1_KEY_SIGNATURE_SIZE];

    /* what another user of OpenSSL left is not the reason of a failure here */

    ERR_clear_error();

    ctx = EVP_MD_CTX_new();

    rc = schema1_key_sign_raw(key, ctx, header, payload, raw, &len);

    if (rc == SCHEMA1_OK && key->alg->curve != NULL) {
        rc = schema1_key_ecdsa_raw(key->alg->size, raw, len, signature);

    } else if (rc == SCHEMA1_OK) {
        schema1_buf_append(signature, (const char *) raw, len);
    }

    if (ctx == NULL
        || ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE
        || ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
    {
        signature->failed = true;
    }

    EVP_MD_CTX_free(ctx);
    ERR_clear_error();

    return signature->failed ? SCHEMA1_ERROR : rc;
}


/* owns the OpenSSL key from now on, also if it fails */

static schema1_key_t *
schema1_key_new(EVP_PKEY *pkey, schema1_error_t *err)
{
    schema1_key_t  *key;

    /* unless there is a better reason */

    (void) schema1_error_no_memory(err);

    key = calloc(1, sizeof(schema1_key_t));
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return NULL;
    }

    key->pkey = pkey;
    key->signer = EVP_MD_CTX_new();
    key->alg = schema1_jwk_alg(pkey, err);

    if (key->alg == NULL || key->signer == NULL
        || schema1_key_identify(key) != SCHEMA1_OK
        || schema1_jwk_write(pkey, key->alg, key->id, &key->header)
           != SCHEMA1_OK)
    {
        goto failed;
    }

    if (EVP_DigestSignInit(key->signer, NULL, key->alg->md(), NULL, pkey) != 1
        || schema1_key_self_test(key) != SCHEMA1_OK)
    {
        schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                          "has a public half that does not belong to the "
                          "private one");
        goto failed;
    }

    return key;

failed:

    schema1_key_free(key);

    return NULL;
}


/* appends the DER form of the public half, SubjectPublicKeyInfo (RFC 5280) */

static int
schema1_key_spki(const schema1_key_t *key, schema1_buf_t *spki)
{
    int             len;
    EC_KEY         *ec;
    unsigned char  *der;

    len = -1;
    der = NULL;

    if (key->alg->curve == NULL) {
        len = i2d_PUBKEY(key->pkey, &der);

    } else {
        ec = EVP_PKEY_get1_EC_KEY(key->pkey);

        if (ec != NULL) {

            /* OpenSSL 1.1.1 keeps a point compressed as in the file */

            EC_KEY_set_conv_form(ec, POINT_CONVERSION_UNCOMPRESSED);

            len = i2d_EC_PUBKEY(ec, &der);
            EC_KEY_free(ec);
        }
    }

    if (len <= 0) {
        return SCHEMA1_ERROR;
    }

    schema1_buf_append(spki, (const char *) der, (size_t) len);
    OPENSSL_free(der);

    return spki->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


/* libtrust's key id: base32 (RFC 4648, 6) of 240 bits of a SHA-256 */

static int
schema1_key_identify(schema1_key_t *key)
{
    int                  rc;
    char                *p;
    unsigned             i, len, pair;
    schema1_buf_t        spki;
    unsigned char        hash[EVP_MAX_MD_SIZE];
    static const char    base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    memset(&spki, 0, sizeof(schema1_buf_t));
    len = 0;

    rc = schema1_key_spki(key, &spki) == SCHEMA1_OK
         && EVP_Digest(spki.data, spki.len, hash, &len, EVP_sha256(), NULL)
            == 1;

    schema1_buf_free(&spki);

    if (!rc) {
        return SCHEMA1_ERROR;
    }

    schema1_hex_encode(key->fingerprint, hash, len);

    p = key->id;

    for (i = 0; i < SCHEMA1_KEY_ID_BITS; i += 5) {

        if (i % 20 == 0 && i != 0) {
            *p++ = ':';
        }

        pair = (unsigned) hash[i / 8] << 8 | hash[i / 8 + 1];
        *p++ = base32[pair >> (11 - i % 8) & 31];
    }

    *p = '\0';

    return SCHEMA1_OK;
}


/* verifies a signature by one half with the other */

static int
schema1_key_self_test(const schema1_key_t *key)
{
    int                   rc;
    size_t                len;
    EVP_MD_CTX           *ctx;
    unsigned char         raw[SCHEMA1_KEY_SIGNATURE_SIZE];
    static schema1_str_t  header = schema1_string("schema1");
    static schema1_str_t  payload = schema1_string("");
    static schema1_str_t  text = schema1_string("schema1.");

    ctx = EVP_MD_CTX_new();

    rc = schema1_key_sign_raw(key, ctx, header, payload, raw, &len)
         == SCHEMA1_OK
         && EVP_MD_CTX_reset(ctx) == 1
         && EVP_DigestVerifyInit(ctx, NULL, key->alg->md(), NULL, key->pkey)
            == 1
         && EVP_DigestVerify(ctx, raw, len, (const unsigned char *) text.data,
                             text.len)
            == 1;

    EVP_MD_CTX_free(ctx);

    return rc ? SCHEMA1_OK : SCHEMA1_ERROR;
}


/*
 * As OpenSSL writes it: for EC a DER sequence of r and s.  Out of memory,
 * "ctx" is NULL, and OpenSSL 3 may return success and a length of -1.
 */

static int
schema1_key_sign_raw(const schema1_key_t *key, EVP_MD_CTX *ctx,
    schema1_str_t header, schema1_str_t payload, unsigned char *signature,
    size_t *len)
{
    *len = SCHEMA1_KEY_SIGNATURE_SIZE;

    return ctx != NULL
           && EVP_PKEY_size(key->pkey) <= SCHEMA1_KEY_SIGNATURE_SIZE
           && EVP_MD_CTX_copy_ex(ctx, key->signer) == 1
           && EVP_DigestSignUpdate(ctx, header.data, header.len) == 1
           && EVP_DigestSignUpdate(ctx, ".", 1) == 1
           && schema1_key_update(ctx, payload) == SCHEMA1_OK
           && EVP_DigestSignFinal(ctx, signature, len) == 1
           && *len <= SCHEMA1_KEY_SIGNATURE_SIZE
           ? SCHEMA1_OK : SCHEMA1_ERROR;
}


/* a payload may be large: its encoded form is never in memory as a whole */

static int
schema1_key_update(EVP_MD_CTX *ctx, schema1_str_t payload)
{
    size_t         n, len;
    unsigned char  text[SCHEMA1_BASE64_BLOCK_SIZE];

    while (payload.len != 0) {

        len = payload.len < SCHEMA1_BASE64_BYTES ? payload.len
                                                 : SCHEMA1_BASE64_BYTES;

        n = schema1_base64url_block(text, (const unsigned char *) payload.data,
                                    len);

        if (EVP_DigestSignUpdate(ctx, text, n) != 1) {
            return SCHEMA1_ERROR;
        }

        payload.data += len;
        payload.len -= len;
    }

    return SCHEMA1_OK;
}


/* r and s, each as long as a coordinate (RFC 7518, 3.4) */

static int
schema1_key_ecdsa_raw(size_t size, const unsigned char *der, size_t len,
    schema1_buf_t *signature)
{
    int             rc, n;
    ECDSA_SIG      *sig;
    const BIGNUM   *r, *s;
    unsigned char   raw[SCHEMA1_KEY_ECDSA_SIZE];

    sig = d2i_ECDSA_SIG(NULL, &der, (long) len);
    if (sig == NULL) {
        return SCHEMA1_ERROR;
    }

    rc = SCHEMA1_ERROR;
    n = (int) size;

    ECDSA_SIG_get0(sig, &r, &s);

    if (BN_bn2binpad(r, raw, n) == n && BN_bn2binpad(s, raw + size, n) == n) {
        schema1_buf_append(signature, (const char *) raw, 2 * size);
        rc = SCHEMA1_OK;
    }

    ECDSA_SIG_free(sig);

    return rc;
}
