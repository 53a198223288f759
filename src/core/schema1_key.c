
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "schema1_base64.h"
#include "schema1_digest.h"
#include "schema1_jwk.h"
#include "schema1_key.h"


#define SCHEMA1_KEY_RSA_BITS     2048

/* 12 groups of 4 characters for 30 bytes, and a terminator */
#define SCHEMA1_KEY_ID_BYTES     30
#define SCHEMA1_KEY_ID_SIZE      60

/* 0x04, x and y of P-521 */
#define SCHEMA1_KEY_POINT_MAX    133

#define SCHEMA1_KEY_INDENT       "            "

/* more than OpenSSL's functions use below the caller's frame */
#define SCHEMA1_KEY_STACK        32768

/* a multiple of three: the encoded pieces make one text */
#define SCHEMA1_KEY_PIECE        49152


typedef struct {
    int                           nid;          /* of the curve; RSA: 0 */
    size_t                        size;         /* of a coordinate, bytes */
    const char                   *curve;
    const char                   *name;
    const EVP_MD               *(*md)(void);
} schema1_key_alg_t;


struct schema1_key_s {
    EVP_PKEY                     *pkey;
    EVP_MD_CTX                   *signer;       /* copied for each signature */
    const schema1_key_alg_t      *alg;
    schema1_buf_t                 header;
    schema1_buf_t                 spki;         /* DER */
    char                          id[SCHEMA1_KEY_ID_SIZE];
    char                          fingerprint[64 + 1];
};


/* the passwords that are tried, one for each reading of the PEM */

typedef struct {
    const schema1_str_t          *password;     /* NULL: there is none */
    bool                          asked;
} schema1_key_password_t;


static EVP_PKEY *schema1_key_read_pem(schema1_str_t data,
    const schema1_str_t *passwords, size_t npasswords,
    char error[SCHEMA1_KEY_ERROR_SIZE]);
static EVP_PKEY *schema1_key_pem_with_headers(schema1_str_t data);
static void schema1_key_pem_error(schema1_str_t data, bool asked,
    size_t npasswords, char error[SCHEMA1_KEY_ERROR_SIZE]);
static int schema1_key_password(char *buf, int size, int rwflag, void *data);
static void schema1_key_clear_stack(void);
static bool schema1_key_contains(schema1_str_t data, const char *text);
static schema1_key_t *schema1_key_new(EVP_PKEY *pkey,
    char error[SCHEMA1_KEY_ERROR_SIZE]);
static int schema1_key_prepare(schema1_key_t *key, X509_PUBKEY *public,
    char error[SCHEMA1_KEY_ERROR_SIZE]);
static int schema1_key_prepare_rsa(schema1_key_t *key, X509_PUBKEY *public,
    char error[SCHEMA1_KEY_ERROR_SIZE]);
static int schema1_key_prepare_ec(schema1_key_t *key, X509_PUBKEY *public,
    char error[SCHEMA1_KEY_ERROR_SIZE]);
static int schema1_key_point(const schema1_key_alg_t *alg,
    const unsigned char *data, size_t len, unsigned char *point);
static int schema1_key_spki_ec(schema1_key_t *key,
    const unsigned char *point);
static int schema1_key_spki(schema1_key_t *key, X509_PUBKEY *public);
static int schema1_key_identify(schema1_key_t *key);
static void schema1_key_jwk_member(schema1_key_t *key, const char *name,
    const char *value, size_t len);
static void schema1_key_value(schema1_key_t *key, const char *name,
    const unsigned char *data, size_t len);
static void schema1_key_finish_jwk(schema1_key_t *key);
static int schema1_key_self_test(const schema1_key_t *key);
static int schema1_key_chain(schema1_key_t *key, BIO *bio,
    schema1_buf_t *header, schema1_buf_t *ders,
    char error[SCHEMA1_KEY_ERROR_SIZE]);
static int schema1_key_certificate(X509 *x509, schema1_buf_t *header,
    schema1_buf_t *ders);
static int schema1_key_sign_raw(const schema1_key_t *key, schema1_str_t header,
    schema1_str_t payload, unsigned char **signature, size_t *len,
    bool *no_memory);
static int schema1_key_update(EVP_MD_CTX *ctx, schema1_str_t payload,
    bool *no_memory);
static int schema1_key_ecdsa_raw(const schema1_key_alg_t *alg,
    const unsigned char *der, size_t len, schema1_buf_t *signature);


static const schema1_key_alg_t  schema1_key_rs256 =
    { 0, 0, NULL, "RS256", EVP_sha256 };


static const schema1_key_alg_t  schema1_key_curves[] = {
    { NID_X9_62_prime256v1, 32, "P-256", "ES256", EVP_sha256 },
    { NID_secp384r1, 48, "P-384", "ES384", EVP_sha384 },
    { NID_secp521r1, 66, "P-521", "ES512", EVP_sha512 }
};


schema1_key_t *
schema1_key_read(schema1_str_t data, const schema1_str_t *passwords,
    size_t npasswords, char error[SCHEMA1_KEY_ERROR_SIZE])
{
    size_t          i;
    EVP_PKEY       *pkey;
    schema1_key_t  *key;

    error[0] = '\0';

    for (i = 0; i < data.len; i++) {
        if (strchr(" \t\r\n", data.data[i]) == NULL) {
            break;
        }
    }

    if (data.len == 0 || i == data.len) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is empty");
        return NULL;
    }

    if (data.data[i] == '{' || data.data[i] == '[') {
        pkey = schema1_jwk_read(data, error);

    } else {
        pkey = schema1_key_read_pem(data, passwords, npasswords, error);
    }

    key = pkey ? schema1_key_new(pkey, error) : NULL;

    ERR_clear_error();

    return key;
}


schema1_key_t *
schema1_key_generate(char error[SCHEMA1_KEY_ERROR_SIZE])
{
    EVP_PKEY       *pkey;
    EVP_PKEY_CTX   *ctx;
    schema1_key_t  *key;

    key = NULL;
    pkey = NULL;
    error[0] = '\0';

    ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);

    if (ctx != NULL
        && EVP_PKEY_keygen_init(ctx) == 1
        && EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, SCHEMA1_KEY_RSA_BITS) == 1
        && EVP_PKEY_keygen(ctx, &pkey) == 1)
    {
        key = schema1_key_new(pkey, error);

    } else {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "can't be generated");
    }

    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();

    return key;
}


int
schema1_key_certify(schema1_key_t *key, schema1_str_t chain,
    char error[SCHEMA1_KEY_ERROR_SIZE])
{
    int            rc;
    BIO           *bio;
    schema1_buf_t  header, ders;
    schema1_str_t  input;

    rc = SCHEMA1_ERROR;
    error[0] = '\0';

    memset(&header, 0, sizeof(schema1_buf_t));
    memset(&ders, 0, sizeof(schema1_buf_t));

    bio = NULL;

    if (chain.len != 0 && chain.len <= INT_MAX) {
        bio = BIO_new_mem_buf(chain.data, (int) chain.len);
    }

    if (bio != NULL) {
        rc = schema1_key_chain(key, bio, &header, &ders, error);

    } else {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "can't be read");
    }

    BIO_free(bio);
    ERR_clear_error();

    input.data = ders.data;
    input.len = ders.len;

    if (rc == SCHEMA1_OK
        && (header.failed || ders.failed
            || schema1_digest_sha256_hex(input, key->fingerprint)
               != SCHEMA1_OK))
    {
        rc = SCHEMA1_ERROR;
    }

    schema1_buf_free(&ders);

    if (rc != SCHEMA1_OK) {

        if (error[0] == '\0') {
            snprintf(error, SCHEMA1_KEY_ERROR_SIZE,
                     "cannot be read: out of memory");
        }

        schema1_buf_free(&header);
        return SCHEMA1_ERROR;
    }

    schema1_buf_free(&key->header);
    key->header = header;

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
    schema1_buf_free(&key->spki);

    OPENSSL_cleanse(key, sizeof(schema1_key_t));
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
    bool            no_memory;
    size_t          len;
    unsigned char  *raw;

    no_memory = false;

    rc = schema1_key_sign_raw(key, header, payload, &raw, &len, &no_memory);

    if (rc == SCHEMA1_OK) {

        if (key->alg->curve != NULL) {
            rc = schema1_key_ecdsa_raw(key->alg, raw, len, signature);

        } else {
            schema1_buf_append(signature, (const char *) raw, len);
        }

        OPENSSL_free(raw);
    }

    if (no_memory
        || ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE
        || ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
    {
        signature->failed = true;
    }

    ERR_clear_error();

    return signature->failed ? SCHEMA1_ERROR : rc;
}


static EVP_PKEY *
schema1_key_read_pem(schema1_str_t data, const schema1_str_t *passwords,
    size_t npasswords, char error[SCHEMA1_KEY_ERROR_SIZE])
{
    BIO                     *bio;
    size_t                   i;
    EVP_PKEY                *pkey;
    schema1_key_password_t   password;

    pkey = NULL;
    password.asked = false;

    for (i = 0; pkey == NULL && i <= npasswords; i++) {

        /* once without, as most keys need none */

        if (i != 0 && !password.asked) {
            break;
        }

        password.password = i ? &passwords[i - 1] : NULL;

        ERR_clear_error();

        bio = data.len <= INT_MAX ? BIO_new_mem_buf(data.data, (int) data.len)
                                  : NULL;
        if (bio == NULL) {
            break;
        }

        pkey = PEM_read_bio_PrivateKey(bio, NULL, schema1_key_password,
                                       &password);
        BIO_free(bio);
    }

    if (password.asked) {
        schema1_key_clear_stack();
    }

    if (pkey == NULL && !password.asked) {
        pkey = schema1_key_pem_with_headers(data);
    }

    if (pkey == NULL) {
        schema1_key_pem_error(data, password.asked, npasswords, error);
    }

    return pkey;
}


/*
 * libtrust writes a "keyID" into the header of its PEM, where OpenSSL bears
 * nothing but what tells of an encryption.  The error of the reading before is
 * what explains, should this one fail too.
 */

static EVP_PKEY *
schema1_key_pem_with_headers(schema1_str_t data)
{
    BIO                  *bio;
    char                 *name, *header;
    long                  len;
    EVP_PKEY             *pkey;
    unsigned char        *der;
    const unsigned char  *p;

    ERR_set_mark();

    pkey = NULL;

    bio = data.len <= INT_MAX ? BIO_new_mem_buf(data.data, (int) data.len)
                              : NULL;

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
    ERR_pop_to_mark();

    return pkey;
}


static void
schema1_key_pem_error(schema1_str_t data, bool asked, size_t npasswords,
    char error[SCHEMA1_KEY_ERROR_SIZE])
{
    const char  *reason;

    if (!schema1_key_contains(data, "-----BEGIN ")) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is neither PEM nor a JWK");
        return;
    }

    if (!schema1_key_contains(data, "PRIVATE KEY-----")) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is not a private key");
        return;
    }

    if (asked && npasswords == 0) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is encrypted: "
                 "schema_conversion_password_file is needed");
        return;
    }

    if (asked) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is encrypted, and no "
                 "password of schema_conversion_password_file opens it");
        return;
    }

    reason = ERR_reason_error_string(ERR_peek_last_error());

    snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is a private key that can't be "
             "read (%s)", reason ? reason : "unknown reason");
}


/* OpenSSL would ask on the terminal without this */

static int
schema1_key_password(char *buf, int size, int rwflag, void *data)
{
    schema1_key_password_t *state = data;

    (void) rwflag;

    state->asked = true;

    if (state->password == NULL || size < 0
        || state->password->len > (size_t) size)
    {
        return -1;
    }

    memcpy(buf, state->password->data, state->password->len);

    return (int) state->password->len;
}


/* OpenSSL's decoder leaves copies of a password on the stack */

static __attribute__((noinline)) void
schema1_key_clear_stack(void)
{
    size_t                  i;
    volatile unsigned char  stack[SCHEMA1_KEY_STACK];

    for (i = 0; i < sizeof(stack); i++) {
        stack[i] = 0;
    }
}


static bool
schema1_key_contains(schema1_str_t data, const char *text)
{
    size_t  i, len;

    len = strlen(text);

    for (i = 0; len <= data.len && i <= data.len - len; i++) {
        if (memcmp(data.data + i, text, len) == 0) {
            return true;
        }
    }

    return false;
}


/* takes over the OpenSSL key, also where it fails */

static schema1_key_t *
schema1_key_new(EVP_PKEY *pkey, char error[SCHEMA1_KEY_ERROR_SIZE])
{
    int             rc;
    X509_PUBKEY    *public;
    schema1_key_t  *key;

    key = calloc(1, sizeof(schema1_key_t));
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE,
                 "cannot be read: out of memory");
        return NULL;
    }

    key->pkey = pkey;

    rc = SCHEMA1_ERROR;
    public = NULL;

    if (X509_PUBKEY_set(&public, pkey) == 1) {
        rc = schema1_key_prepare(key, public, error);
        X509_PUBKEY_free(public);

    } else {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "has no public half");
    }

    if (rc != SCHEMA1_OK) {

        if (error[0] == '\0') {
            snprintf(error, SCHEMA1_KEY_ERROR_SIZE,
                     "cannot be read: out of memory");
        }

        schema1_key_free(key);
        return NULL;
    }

    if (schema1_key_self_test(key) != SCHEMA1_OK) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE,
                 "has a public half that does not belong to the private one");
        schema1_key_free(key);
        return NULL;
    }

    return key;
}


static int
schema1_key_prepare(schema1_key_t *key, X509_PUBKEY *public,
    char error[SCHEMA1_KEY_ERROR_SIZE])
{
    int  rc;

    switch (EVP_PKEY_base_id(key->pkey)) {

    case EVP_PKEY_RSA:
        rc = schema1_key_prepare_rsa(key, public, error);
        break;

    case EVP_PKEY_EC:
        rc = schema1_key_prepare_ec(key, public, error);
        break;

    default:
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is a key of another type "
                 "than RSA of 2048 bits or more, EC P-256, P-384 and P-521");
        return SCHEMA1_ERROR;
    }

    if (rc != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    schema1_buf_putc(&key->header, '\0');

    if (key->header.failed) {
        return SCHEMA1_ERROR;
    }

    key->signer = EVP_MD_CTX_new();

    if (key->signer == NULL
        || EVP_DigestSignInit(key->signer, NULL, key->alg->md(), NULL,
                              key->pkey)
           != 1)
    {
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


static int
schema1_key_prepare_rsa(schema1_key_t *key, X509_PUBKEY *public,
    char error[SCHEMA1_KEY_ERROR_SIZE])
{
    int                   bits, len, tag, class;
    long                  size;
    ASN1_INTEGER         *n, *e;
    const unsigned char  *p, *last;

    bits = EVP_PKEY_bits(key->pkey);

    if (bits < SCHEMA1_KEY_RSA_BITS) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is an RSA key of %d bits, "
                 "too small: %d or more are needed", bits,
                 SCHEMA1_KEY_RSA_BITS);
        return SCHEMA1_ERROR;
    }

    if (schema1_key_spki(key, public) != SCHEMA1_OK
        || X509_PUBKEY_get0_param(NULL, &p, &len, NULL, public) != 1
        || ASN1_get_object(&p, &size, &tag, &class, len) & 0x80)
    {
        return SCHEMA1_ERROR;
    }

    /* RSAPublicKey (RFC 8017, A.1.1): n and e */

    last = p + size;
    n = d2i_ASN1_INTEGER(NULL, &p, last - p);
    e = n ? d2i_ASN1_INTEGER(NULL, &p, last - p) : NULL;

    key->alg = &schema1_key_rs256;

    if (e == NULL) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is an RSA key that can't be "
                 "read");

    } else if (ASN1_STRING_length(e) > 4
               || (ASN1_STRING_length(e) == 4
                   && ASN1_STRING_get0_data(e)[0] & 0x80))
    {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is an RSA key whose public "
                 "exponent is too large: 31 bits are allowed");

    } else {
        schema1_key_value(key, "e", ASN1_STRING_get0_data(e),
                          (size_t) ASN1_STRING_length(e));
        schema1_key_jwk_member(key, "kid", key->id, strlen(key->id));
        schema1_key_jwk_member(key, "kty", "RSA", 3);
        schema1_key_value(key, "n", ASN1_STRING_get0_data(n),
                          (size_t) ASN1_STRING_length(n));
        schema1_key_finish_jwk(key);
    }

    ASN1_INTEGER_free(n);
    ASN1_INTEGER_free(e);

    return error[0] ? SCHEMA1_ERROR : SCHEMA1_OK;
}


static int
schema1_key_prepare_ec(schema1_key_t *key, X509_PUBKEY *public,
    char error[SCHEMA1_KEY_ERROR_SIZE])
{
    int                   i, len, type, nid;
    const void           *value;
    X509_ALGOR           *algor;
    unsigned char         point[SCHEMA1_KEY_POINT_MAX];
    const unsigned char  *p;

    if (X509_PUBKEY_get0_param(NULL, &p, &len, &algor, public) != 1) {
        return SCHEMA1_ERROR;
    }

    X509_ALGOR_get0(NULL, &type, &value, algor);

    nid = type == V_ASN1_OBJECT ? OBJ_obj2nid(value) : NID_undef;

    for (i = 0; i < 3; i++) {
        if (schema1_key_curves[i].nid == nid) {
            key->alg = &schema1_key_curves[i];
        }
    }

    if (key->alg == NULL) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is an EC key on a curve that "
                 "is none of P-256, P-384, P-521 by name");
        return SCHEMA1_ERROR;
    }

    if (schema1_key_point(key->alg, p, (size_t) len, point) != SCHEMA1_OK
        || schema1_key_spki_ec(key, point) != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    schema1_key_jwk_member(key, "crv", key->alg->curve,
                           strlen(key->alg->curve));
    schema1_key_jwk_member(key, "kid", key->id, strlen(key->id));
    schema1_key_jwk_member(key, "kty", "EC", 2);
    schema1_key_value(key, "x", point + 1, key->alg->size);
    schema1_key_value(key, "y", point + 1 + key->alg->size, key->alg->size);
    schema1_key_finish_jwk(key);

    return SCHEMA1_OK;
}


/* 0x04, x, y: a key may have come with a compressed point */

static int
schema1_key_point(const schema1_key_alg_t *alg, const unsigned char *data,
    size_t len, unsigned char *point)
{
    size_t     n;
    EC_GROUP  *group;
    EC_POINT  *pt;

    n = 0;
    pt = NULL;

    group = EC_GROUP_new_by_curve_name(alg->nid);

    if (group != NULL) {
        pt = EC_POINT_new(group);
    }

    if (pt != NULL && EC_POINT_oct2point(group, pt, data, len, NULL) == 1) {
        n = EC_POINT_point2oct(group, pt, POINT_CONVERSION_UNCOMPRESSED,
                               point, SCHEMA1_KEY_POINT_MAX, NULL);
    }

    EC_POINT_free(pt);
    EC_GROUP_free(group);

    return n == 1 + 2 * alg->size ? SCHEMA1_OK : SCHEMA1_ERROR;
}


static int
schema1_key_spki_ec(schema1_key_t *key, const unsigned char *point)
{
    int             rc;
    size_t          len;
    X509_PUBKEY    *public;
    ASN1_OBJECT    *type;
    unsigned char  *copy;

    rc = SCHEMA1_ERROR;
    type = OBJ_nid2obj(NID_X9_62_id_ecPublicKey);
    len = 1 + 2 * key->alg->size;

    public = X509_PUBKEY_new();
    copy = OPENSSL_malloc(len);

    if (copy != NULL) {
        memcpy(copy, point, len);
    }

    if (public != NULL && copy != NULL
        && X509_PUBKEY_set0_param(public, type, V_ASN1_OBJECT,
                                  OBJ_nid2obj(key->alg->nid), copy, (int) len)
           == 1)
    {
        copy = NULL;
        rc = schema1_key_spki(key, public);
    }

    OPENSSL_free(copy);
    X509_PUBKEY_free(public);

    return rc;
}


/* keeps the DER form of the public half and makes the names from it */

static int
schema1_key_spki(schema1_key_t *key, X509_PUBKEY *public)
{
    int             len;
    unsigned char  *der;

    der = NULL;

    len = i2d_X509_PUBKEY(public, &der);
    if (len <= 0) {
        return SCHEMA1_ERROR;
    }

    schema1_buf_append(&key->spki, (const char *) der, (size_t) len);
    OPENSSL_free(der);

    if (key->spki.failed) {
        return SCHEMA1_ERROR;
    }

    return schema1_key_identify(key);
}


/* libtrust's key id: base32 (RFC 4648, 6) of 240 bits of a SHA-256 */

static int
schema1_key_identify(schema1_key_t *key)
{
    char                *p;
    unsigned             i, bits, acc;
    schema1_str_t        spki;
    unsigned char        hash[EVP_MAX_MD_SIZE];
    static const char    base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    spki.data = key->spki.data;
    spki.len = key->spki.len;

    if (EVP_Digest(spki.data, spki.len, hash, NULL, EVP_sha256(), NULL) != 1
        || schema1_digest_sha256_hex(spki, key->fingerprint) != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    p = key->id;
    acc = 0;
    bits = 0;

    for (i = 0; i < SCHEMA1_KEY_ID_BYTES; i++) {
        acc = (acc << 8 | hash[i]) & 0xfff;
        bits += 8;

        while (bits >= 5) {
            bits -= 5;

            if ((p - key->id) % 5 == 4) {
                *p++ = ':';
            }

            *p++ = base32[acc >> bits & 31];
        }
    }

    *p = '\0';

    return SCHEMA1_OK;
}


static void
schema1_key_jwk_member(schema1_key_t *key, const char *name, const char *value,
    size_t len)
{
    schema1_buf_t  *header;

    header = &key->header;

    schema1_buf_puts(header, header->len ? ",\n"
                                         : SCHEMA1_KEY_INDENT "\"jwk\": {\n");
    schema1_buf_puts(header, SCHEMA1_KEY_INDENT "   \"");
    schema1_buf_puts(header, name);
    schema1_buf_puts(header, "\": \"");
    schema1_buf_append(header, value, len);
    schema1_buf_putc(header, '"');
}


static void
schema1_key_value(schema1_key_t *key, const char *name,
    const unsigned char *data, size_t len)
{
    schema1_buf_t  value;

    memset(&value, 0, sizeof(schema1_buf_t));

    schema1_base64url_encode(&value, data, len);
    schema1_key_jwk_member(key, name, value.data, value.len);

    if (value.failed) {
        key->header.failed = true;
    }

    schema1_buf_free(&value);
}


static void
schema1_key_finish_jwk(schema1_key_t *key)
{
    schema1_buf_puts(&key->header, "\n" SCHEMA1_KEY_INDENT "},\n"
                                   SCHEMA1_KEY_INDENT "\"alg\": \"");
    schema1_buf_puts(&key->header, key->alg->name);
    schema1_buf_putc(&key->header, '"');
}


/* a signature by one half has to fit the other */

static int
schema1_key_self_test(const schema1_key_t *key)
{
    int                    rc;
    bool                   no_memory;
    size_t                 len;
    EVP_MD_CTX            *ctx;
    unsigned char         *raw;
    static schema1_str_t   header = schema1_string("schema1");
    static schema1_str_t   payload = schema1_string("");
    static schema1_str_t   text = schema1_string("schema1.");

    no_memory = false;

    if (schema1_key_sign_raw(key, header, payload, &raw, &len, &no_memory)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    ctx = EVP_MD_CTX_new();

    rc = ctx != NULL
         && EVP_DigestVerifyInit(ctx, NULL, key->alg->md(), NULL, key->pkey)
            == 1
         && EVP_DigestVerify(ctx, raw, len, (const unsigned char *) text.data,
                             text.len)
            == 1;

    EVP_MD_CTX_free(ctx);
    OPENSSL_free(raw);

    return rc ? SCHEMA1_OK : SCHEMA1_ERROR;
}


/* "header" gets the new members, "ders" what the fingerprint is made of */

static int
schema1_key_chain(schema1_key_t *key, BIO *bio, schema1_buf_t *header,
    schema1_buf_t *ders, char error[SCHEMA1_KEY_ERROR_SIZE])
{
    int                     rc;
    X509                   *x509;
    size_t                  n;
    schema1_key_password_t  none;

    none.password = NULL;

    schema1_buf_append(ders, key->spki.data, key->spki.len);

    schema1_buf_puts(header, SCHEMA1_KEY_INDENT "\"alg\": \"");
    schema1_buf_puts(header, key->alg->name);
    schema1_buf_puts(header, "\",\n" SCHEMA1_KEY_INDENT "\"x5c\": [");

    ERR_clear_error();

    for (n = 0; ; n++) {
        x509 = PEM_read_bio_X509(bio, NULL, schema1_key_password, &none);

        if (x509 == NULL) {
            break;
        }

        if (n == 0 && X509_check_private_key(x509, key->pkey) != 1) {
            snprintf(error, SCHEMA1_KEY_ERROR_SIZE,
                     "has a first certificate that does not hold the key");
            X509_free(x509);
            return SCHEMA1_ERROR;
        }

        schema1_buf_puts(header, n ? ",\n" : "\n");
        schema1_buf_puts(header, SCHEMA1_KEY_INDENT "   \"");

        rc = schema1_key_certificate(x509, header, ders);

        schema1_buf_putc(header, '"');
        X509_free(x509);

        if (rc != SCHEMA1_OK) {
            return SCHEMA1_ERROR;
        }
    }

    /* where there is nothing more to read is the only good end */

    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "holds a certificate that "
                 "can't be read, number %u", (unsigned) n + 1);
        return SCHEMA1_ERROR;
    }

    if (n == 0) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "holds no certificate in PEM");
        return SCHEMA1_ERROR;
    }

    schema1_buf_puts(header, "\n" SCHEMA1_KEY_INDENT "]");
    schema1_buf_putc(header, '\0');

    return SCHEMA1_OK;
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

    schema1_base64_encode(header, der, (size_t) len);
    schema1_buf_append(ders, (const char *) der, (size_t) len);

    OPENSSL_free(der);

    return SCHEMA1_OK;
}


/* what OpenSSL makes of it: for EC a DER sequence of r and s */

static int
schema1_key_sign_raw(const schema1_key_t *key, schema1_str_t header,
    schema1_str_t payload, unsigned char **signature, size_t *len,
    bool *no_memory)
{
    bool         good;
    size_t       size;
    EVP_MD_CTX  *ctx;

    size = (size_t) EVP_PKEY_size(key->pkey);

    *len = size;
    *signature = OPENSSL_malloc(size);

    ctx = EVP_MD_CTX_new();

    if (ctx == NULL || *signature == NULL) {
        *no_memory = true;
    }

    good = !*no_memory
           && EVP_MD_CTX_copy_ex(ctx, key->signer) == 1
           && EVP_DigestSignUpdate(ctx, header.data, header.len) == 1
           && EVP_DigestSignUpdate(ctx, ".", 1) == 1
           && schema1_key_update(ctx, payload, no_memory) == SCHEMA1_OK
           && EVP_DigestSignFinal(ctx, *signature, len) == 1
           && *len != 0;

    EVP_MD_CTX_free(ctx);

    /* OpenSSL 3 out of memory: success, and the length is (unsigned) -1 */

    if (good && *len > size) {
        *no_memory = true;
        good = false;
    }

    if (!good) {
        OPENSSL_free(*signature);
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


/* a payload may be large: its encoded form is never held as a whole */

static int
schema1_key_update(EVP_MD_CTX *ctx, schema1_str_t payload, bool *no_memory)
{
    int            rc;
    size_t         len;
    schema1_buf_t  piece;

    memset(&piece, 0, sizeof(schema1_buf_t));

    rc = SCHEMA1_OK;

    while (rc == SCHEMA1_OK && payload.len != 0) {

        len = payload.len < SCHEMA1_KEY_PIECE ? payload.len
                                              : SCHEMA1_KEY_PIECE;
        piece.len = 0;
        schema1_base64url_encode(&piece, (const unsigned char *) payload.data,
                                 len);

        if (piece.failed) {
            *no_memory = true;
            rc = SCHEMA1_ERROR;

        } else if (EVP_DigestSignUpdate(ctx, piece.data, piece.len) != 1) {
            rc = SCHEMA1_ERROR;
        }

        payload.data += len;
        payload.len -= len;
    }

    schema1_buf_free(&piece);

    return rc;
}


/* r and s, each as long as a coordinate (RFC 7518, 3.4) */

static int
schema1_key_ecdsa_raw(const schema1_key_alg_t *alg, const unsigned char *der,
    size_t len, schema1_buf_t *signature)
{
    int             rc, size;
    ECDSA_SIG      *sig;
    const BIGNUM   *r, *s;
    unsigned char   joined[SCHEMA1_KEY_POINT_MAX];

    sig = d2i_ECDSA_SIG(NULL, &der, (long) len);
    if (sig == NULL) {
        return SCHEMA1_ERROR;
    }

    rc = SCHEMA1_ERROR;
    size = (int) alg->size;

    ECDSA_SIG_get0(sig, &r, &s);

    if (BN_bn2binpad(r, joined, size) == size
        && BN_bn2binpad(s, joined + size, size) == size)
    {
        schema1_buf_append(signature, (const char *) joined, 2 * alg->size);
        rc = SCHEMA1_OK;
    }

    ECDSA_SIG_free(sig);

    return rc;
}
