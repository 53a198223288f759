
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * RSA and EC_KEY are what all versions of OpenSSL, LibreSSL and AWS-LC have in
 * common; the headers of OpenSSL 3 call them deprecated.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "schema1_base64.h"
#include "schema1_json.h"
#include "schema1_jwk.h"


/* bits of an RSA key; OpenSSL verifies no signature by a larger one */
#define SCHEMA1_JWK_RSA_MIN     2048
#define SCHEMA1_JWK_RSA_MAX     16384

/* bytes of the largest number */
#define SCHEMA1_JWK_NUMBER_MAX  (SCHEMA1_JWK_RSA_MAX / 8)

/* 0x04, x and y of P-521 */
#define SCHEMA1_JWK_POINT_MAX   133

#define I  SCHEMA1_JWK_INDENT


typedef enum {
    SCHEMA1_JWK_KTY = 0,
    SCHEMA1_JWK_CRV,
    SCHEMA1_JWK_X,
    SCHEMA1_JWK_Y,
    SCHEMA1_JWK_N,
    SCHEMA1_JWK_E,
    SCHEMA1_JWK_D,
    SCHEMA1_JWK_P,
    SCHEMA1_JWK_Q,
    SCHEMA1_JWK_DP,
    SCHEMA1_JWK_DQ,
    SCHEMA1_JWK_QI,
    SCHEMA1_JWK_OTH,
    SCHEMA1_JWK_KEYS,
    SCHEMA1_JWK_MAX
} schema1_jwk_member_e;


/* the members of an RSA key, from SCHEMA1_JWK_N on */
#define SCHEMA1_JWK_RSA_MEMBERS  (SCHEMA1_JWK_QI - SCHEMA1_JWK_N + 1)


static const schema1_jwk_alg_t *schema1_jwk_alg_rsa(EVP_PKEY *pkey,
    schema1_error_t *err);
static const schema1_jwk_alg_t *schema1_jwk_alg_ec(EVP_PKEY *pkey,
    schema1_error_t *err);
static int schema1_jwk_members(schema1_str_t *members, schema1_str_t data);
static EVP_PKEY *schema1_jwk_read_rsa(const schema1_str_t *members,
    schema1_error_t *err);
static EVP_PKEY *schema1_jwk_read_ec(const schema1_str_t *members,
    schema1_error_t *err);
static void *schema1_jwk_refuse(schema1_error_t *err, const char *why);
static BIGNUM *schema1_jwk_decode(schema1_str_t text, int min, int max);
static int schema1_jwk_write_rsa(EVP_PKEY *pkey, const char *kid,
    schema1_buf_t *header);
static void schema1_jwk_encode(schema1_buf_t *header, const BIGNUM *number);
static int schema1_jwk_write_ec(EVP_PKEY *pkey, const schema1_jwk_alg_t *alg,
    const char *kid, schema1_buf_t *header);


/* in the order of schema1_jwk_member_e */

static const char  *schema1_jwk_names[SCHEMA1_JWK_MAX] = {
    "kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi", "oth",
    "keys"
};


static const schema1_jwk_alg_t  schema1_jwk_rsa_alg =
    { 0, 0, NULL, "RS256", EVP_sha256 };


static const schema1_jwk_alg_t  schema1_jwk_ec_algs[] = {
    { NID_X9_62_prime256v1, 32, "P-256", "ES256", EVP_sha256 },
    { NID_secp384r1, 48, "P-384", "ES384", EVP_sha384 },
    { NID_secp521r1, 66, "P-521", "ES512", EVP_sha512 },
    { 0, 0, NULL, NULL, NULL }
};


const schema1_jwk_alg_t *
schema1_jwk_alg(EVP_PKEY *pkey, schema1_error_t *err)
{
    switch (EVP_PKEY_base_id(pkey)) {

    case EVP_PKEY_RSA:
        return schema1_jwk_alg_rsa(pkey, err);

    case EVP_PKEY_EC:
        return schema1_jwk_alg_ec(pkey, err);
    }

    return schema1_jwk_refuse(err, "is a key of another type than RSA of 2048 "
                              "bits or more, EC P-256, P-384 and P-521");
}


static const schema1_jwk_alg_t *
schema1_jwk_alg_rsa(EVP_PKEY *pkey, schema1_error_t *err)
{
    int            bits;
    const RSA     *rsa;
    const BIGNUM  *e;

    bits = EVP_PKEY_bits(pkey);

    if (bits < SCHEMA1_JWK_RSA_MIN) {
        schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                          "is an RSA key of %d bits, too small: %d or more "
                          "are needed", bits, SCHEMA1_JWK_RSA_MIN);
        return NULL;
    }

    if (bits > SCHEMA1_JWK_RSA_MAX) {
        schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                          "is an RSA key of %d bits, too large: at most %d "
                          "are allowed", bits, SCHEMA1_JWK_RSA_MAX);
        return NULL;
    }

    rsa = EVP_PKEY_get0_RSA(pkey);
    if (rsa == NULL) {
        return NULL;
    }

    RSA_get0_key(rsa, NULL, &e, NULL);

    /* clients are written in Go, whose crypto/rsa allows no more */

    if (BN_num_bits(e) > 31) {
        return schema1_jwk_refuse(err, "is an RSA key whose public exponent is "
                                  "too large: 31 bits are allowed");
    }

    return &schema1_jwk_rsa_alg;
}


static const schema1_jwk_alg_t *
schema1_jwk_alg_ec(EVP_PKEY *pkey, schema1_error_t *err)
{
    const EC_KEY             *ec;
    const EC_GROUP           *group;
    const schema1_jwk_alg_t  *alg;

    ec = EVP_PKEY_get0_EC_KEY(pkey);
    if (ec == NULL) {
        return NULL;
    }

    group = EC_KEY_get0_group(ec);

    if (EC_GROUP_get_asn1_flag(group) == OPENSSL_EC_NAMED_CURVE) {

        for (alg = schema1_jwk_ec_algs; alg->curve != NULL; alg++) {
            if (alg->nid == EC_GROUP_get_curve_name(group)) {
                return alg;
            }
        }
    }

    return schema1_jwk_refuse(err, "is an EC key on a curve that is none of "
                              "P-256, P-384, P-521 by name");
}


EVP_PKEY *
schema1_jwk_read(schema1_str_t data, schema1_error_t *err)
{
    bool           rsa;
    schema1_str_t  members[SCHEMA1_JWK_MAX];

    if (schema1_jwk_members(members, data) != SCHEMA1_OK) {
        return schema1_jwk_refuse(err, "is not a valid JWK");
    }

    if (members[SCHEMA1_JWK_KEYS].data != NULL) {
        return schema1_jwk_refuse(err, "is a set of keys, a single JWK is "
                                  "needed");
    }

    rsa = schema1_str_eq(members[SCHEMA1_JWK_KTY], "RSA");

    if (!rsa && !schema1_str_eq(members[SCHEMA1_JWK_KTY], "EC")) {
        return schema1_jwk_refuse(err, "is a JWK of a type that is neither RSA "
                                  "nor EC");
    }

    if (members[SCHEMA1_JWK_D].data == NULL) {
        return schema1_jwk_refuse(err, "is the JWK of a public key");
    }

    /* unless there is a better reason */

    (void) schema1_jwk_refuse(err, "is a JWK whose values make no key");

    return rsa ? schema1_jwk_read_rsa(members, err)
               : schema1_jwk_read_ec(members, err);
}


/*
 * Points the members into "data".  jansson would copy the secrets into memory
 * that it does not cleanse, and its allocator is that of the whole process:
 * other modules and threads use it, too.
 */

static int
schema1_jwk_members(schema1_str_t *members, schema1_str_t data)
{
    size_t          i, offset;
    schema1_str_t   name, value;
    schema1_json_t  json;
    schema1_json_e  type;

    memset(members, 0, SCHEMA1_JWK_MAX * sizeof(schema1_str_t));

    if (schema1_json_check(data, &offset) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    schema1_json_open(&json, data);

    if (schema1_json_peek(&json) != SCHEMA1_JSON_OBJECT) {
        return SCHEMA1_ERROR;
    }

    schema1_json_enter(&json);

    while (schema1_json_member(&json, &name)) {
        type = schema1_json_peek(&json);
        value = schema1_json_value(&json);

        for (i = 0; i < SCHEMA1_JWK_MAX; i++) {
            if (schema1_json_is(name, schema1_jwk_names[i])) {
                break;
            }
        }

        if (i == SCHEMA1_JWK_MAX) {
            continue;
        }

        if (members[i].data != NULL
            || (type != SCHEMA1_JSON_STRING && i < SCHEMA1_JWK_OTH))
        {
            return SCHEMA1_ERROR;
        }

        members[i] = value;

        if (i < SCHEMA1_JWK_OTH) {

            /* without its quotes; base64url has no escapes */

            members[i].data++;
            members[i].len -= 2;
        }
    }

    return SCHEMA1_OK;
}


static EVP_PKEY *
schema1_jwk_read_rsa(const schema1_str_t *members, schema1_error_t *err)
{
    int        max;
    RSA       *rsa;
    bool       complete;
    size_t     i;
    BIGNUM    *n[SCHEMA1_JWK_RSA_MEMBERS];
    EVP_PKEY  *pkey;

    if (members[SCHEMA1_JWK_OTH].data != NULL) {
        return schema1_jwk_refuse(err, "is an RSA key of more than two primes");
    }

    complete = true;

    for (i = 0; i < SCHEMA1_JWK_RSA_MEMBERS; i++) {

        /* n, e and d; the others are at most as large as a prime */

        max = i < 3 ? SCHEMA1_JWK_NUMBER_MAX : SCHEMA1_JWK_NUMBER_MAX / 2;

        n[i] = schema1_jwk_decode(members[SCHEMA1_JWK_N + i], 1, max);
        complete = complete && n[i] != NULL;

        if (members[SCHEMA1_JWK_N + i].data == NULL) {
            schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                              "is a JWK without a member \"%s\"",
                              schema1_jwk_names[SCHEMA1_JWK_N + i]);
        }
    }

    rsa = RSA_new();
    pkey = EVP_PKEY_new();

    if (complete && rsa != NULL && pkey != NULL
        && EVP_PKEY_set1_RSA(pkey, rsa) == 1)
    {
        /* n, e, d; p, q; dp, dq, qi: owned by the key from now on */

        (void) RSA_set0_key(rsa, n[0], n[1], n[2]);
        (void) RSA_set0_factors(rsa, n[3], n[4]);
        (void) RSA_set0_crt_params(rsa, n[5], n[6], n[7]);

    } else {
        for (i = 0; i < SCHEMA1_JWK_RSA_MEMBERS; i++) {
            BN_clear_free(n[i]);
        }

        EVP_PKEY_free(pkey);
        pkey = NULL;
    }

    RSA_free(rsa);

    return pkey;
}


static EVP_PKEY *
schema1_jwk_read_ec(const schema1_str_t *members, schema1_error_t *err)
{
    int                       size;
    BIGNUM                   *x, *y, *d;
    EC_KEY                   *ec;
    EVP_PKEY                 *pkey;
    const schema1_jwk_alg_t  *alg;

    for (alg = schema1_jwk_ec_algs; alg->curve != NULL; alg++) {
        if (schema1_str_eq(members[SCHEMA1_JWK_CRV], alg->curve)) {
            break;
        }
    }

    if (alg->curve == NULL) {
        return schema1_jwk_refuse(err, "is an EC key on a curve that is none "
                                  "of P-256, P-384, P-521");
    }

    /* RFC 7518, 6.2.1.2: "the full size of a coordinate" */

    size = (int) alg->size;

    x = schema1_jwk_decode(members[SCHEMA1_JWK_X], size, size);
    y = schema1_jwk_decode(members[SCHEMA1_JWK_Y], size, size);
    d = schema1_jwk_decode(members[SCHEMA1_JWK_D], size, size);

    ec = EC_KEY_new_by_curve_name(alg->nid);
    pkey = EVP_PKEY_new();

    if (x == NULL || y == NULL || d == NULL || ec == NULL || pkey == NULL
        || EC_KEY_set_public_key_affine_coordinates(ec, x, y) != 1
        || EC_KEY_set_private_key(ec, d) != 1
        || EVP_PKEY_set1_EC_KEY(pkey, ec) != 1)
    {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }

    EC_KEY_free(ec);
    BN_free(x);
    BN_free(y);
    BN_clear_free(d);

    return pkey;
}


static void *
schema1_jwk_refuse(schema1_error_t *err, const char *why)
{
    schema1_error_set(err, SCHEMA1_SIGNING_FAILED, "%s", why);

    return NULL;
}


/* a number in base64url (RFC 7518, 2), of "min" to "max" bytes */

static BIGNUM *
schema1_jwk_decode(schema1_str_t text, int min, int max)
{
    int            n;
    BIGNUM        *number;
    unsigned char  bytes[SCHEMA1_JWK_NUMBER_MAX];

    n = schema1_base64url_decode(bytes, (size_t) max, text);

    number = n >= min ? BN_bin2bn(bytes, n, NULL) : NULL;

    OPENSSL_cleanse(bytes, sizeof(bytes));

    return number;
}


int
schema1_jwk_write(EVP_PKEY *pkey, const schema1_jwk_alg_t *alg,
    const char *kid, schema1_buf_t *header)
{
    int  rc;

    rc = alg->curve ? schema1_jwk_write_ec(pkey, alg, kid, header)
                    : schema1_jwk_write_rsa(pkey, kid, header);

    schema1_buf_printf(header, "\"\n"
                               I "},\n"
                               I "\"alg\": \"%s\"", alg->name);
    schema1_buf_putc(header, '\0');

    return header->failed ? SCHEMA1_ERROR : rc;
}


static int
schema1_jwk_write_rsa(EVP_PKEY *pkey, const char *kid, schema1_buf_t *header)
{
    const RSA     *rsa;
    const BIGNUM  *n, *e;

    rsa = EVP_PKEY_get0_RSA(pkey);
    if (rsa == NULL) {
        return SCHEMA1_ERROR;
    }

    RSA_get0_key(rsa, &n, &e, NULL);

    schema1_buf_puts(header, I "\"jwk\": {\n"
                             I "   \"e\": \"");
    schema1_jwk_encode(header, e);
    schema1_buf_printf(header, "\",\n"
                               I "   \"kid\": \"%s\",\n"
                               I "   \"kty\": \"RSA\",\n"
                               I "   \"n\": \"", kid);
    schema1_jwk_encode(header, n);

    return SCHEMA1_OK;
}


static void
schema1_jwk_encode(schema1_buf_t *header, const BIGNUM *number)
{
    int            n;
    unsigned char  bytes[SCHEMA1_JWK_NUMBER_MAX];

    n = BN_bn2bin(number, bytes);

    schema1_base64url_encode(header, bytes, (size_t) n);
}


static int
schema1_jwk_write_ec(EVP_PKEY *pkey, const schema1_jwk_alg_t *alg,
    const char *kid, schema1_buf_t *header)
{
    size_t          n;
    const EC_KEY   *ec;
    unsigned char   point[SCHEMA1_JWK_POINT_MAX];

    ec = EVP_PKEY_get0_EC_KEY(pkey);
    if (ec == NULL) {
        return SCHEMA1_ERROR;
    }

    n = EC_POINT_point2oct(EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec),
                           POINT_CONVERSION_UNCOMPRESSED, point,
                           sizeof(point), NULL);

    if (n != 1 + 2 * alg->size) {
        return SCHEMA1_ERROR;
    }

    schema1_buf_printf(header, I "\"jwk\": {\n"
                               I "   \"crv\": \"%s\",\n"
                               I "   \"kid\": \"%s\",\n"
                               I "   \"kty\": \"EC\",\n"
                               I "   \"x\": \"", alg->curve, kid);
    schema1_base64url_encode(header, point + 1, alg->size);
    schema1_buf_puts(header, "\",\n"
                             I "   \"y\": \"");
    schema1_base64url_encode(header, point + 1 + alg->size, alg->size);

    return SCHEMA1_OK;
}
