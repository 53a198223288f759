
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdio.h>

#include <openssl/crypto.h>

#include "schema1_base64.h"
#include "schema1_json.h"
#include "schema1_jwk.h"


/* RSA of 16384 bits: n and d of 2048 bytes, the other five of 1024 */

#define SCHEMA1_JWK_INTEGER_MAX  2048
#define SCHEMA1_JWK_DER_SIZE     (10 * 1024)

#define SCHEMA1_DER_INTEGER      0x02
#define SCHEMA1_DER_BIT_STRING   0x03
#define SCHEMA1_DER_OCTETS       0x04
#define SCHEMA1_DER_SEQUENCE     0x30
#define SCHEMA1_DER_CONTEXT_0    0xa0
#define SCHEMA1_DER_CONTEXT_1    0xa1


typedef enum {
    SCHEMA1_JWK_KTY = 0,
    SCHEMA1_JWK_CRV,
    SCHEMA1_JWK_D,
    SCHEMA1_JWK_X,
    SCHEMA1_JWK_Y,
    SCHEMA1_JWK_N,
    SCHEMA1_JWK_E,
    SCHEMA1_JWK_P,
    SCHEMA1_JWK_Q,
    SCHEMA1_JWK_DP,
    SCHEMA1_JWK_DQ,
    SCHEMA1_JWK_QI,
    SCHEMA1_JWK_OTH,
    SCHEMA1_JWK_KEYS,
    SCHEMA1_JWK_MAX
} schema1_jwk_member_e;


typedef struct {
    const char     *name;
    size_t          size;           /* of a coordinate, bytes */
    schema1_str_t   oid;            /* DER, with its tag */
} schema1_jwk_curve_t;


/* DER that grows from its end; private, so cleansed after use */

typedef struct {
    size_t          start;
    bool            failed;
    unsigned char   data[SCHEMA1_JWK_DER_SIZE];
} schema1_der_t;


static int schema1_jwk_members(schema1_str_t *members, schema1_str_t data);
static int schema1_jwk_rsa(schema1_der_t *der, const schema1_str_t *members,
    char error[SCHEMA1_KEY_ERROR_SIZE]);
static int schema1_jwk_ec(schema1_der_t *der, const schema1_str_t *members,
    char error[SCHEMA1_KEY_ERROR_SIZE]);
static const schema1_jwk_curve_t *schema1_jwk_curve(schema1_str_t name);
static void schema1_der_integer(schema1_der_t *der, schema1_str_t text);
static void schema1_der_fixed(schema1_der_t *der, schema1_str_t text,
    size_t size);
static void schema1_der_prepend(schema1_der_t *der, const void *data,
    size_t len);
static void schema1_der_wrap(schema1_der_t *der, unsigned char tag,
    size_t end);


/* in the order of schema1_jwk_member_e */

static const char  *schema1_jwk_names[SCHEMA1_JWK_MAX] = {
    "kty", "crv", "d", "x", "y", "n", "e", "p", "q", "dp", "dq", "qi", "oth",
    "keys"
};


static const schema1_jwk_curve_t  schema1_jwk_curves[] = {
    { "P-256", 32,
      schema1_string("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07") },
    { "P-384", 48, schema1_string("\x06\x05\x2b\x81\x04\x00\x22") },
    { "P-521", 66, schema1_string("\x06\x05\x2b\x81\x04\x00\x23") }
};


EVP_PKEY *
schema1_jwk_read(schema1_str_t data, char error[SCHEMA1_KEY_ERROR_SIZE])
{
    int                   rc, type;
    EVP_PKEY             *pkey;
    schema1_der_t         der;
    schema1_str_t         members[SCHEMA1_JWK_MAX];
    const unsigned char  *p;

    pkey = NULL;

    if (schema1_jwk_members(members, data) != SCHEMA1_OK) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is not a valid JWK");
        return NULL;
    }

    if (members[SCHEMA1_JWK_KEYS].data != NULL) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE,
                 "is a set of keys, a single JWK is needed");
        return NULL;
    }

    der.start = SCHEMA1_JWK_DER_SIZE;
    der.failed = false;

    if (schema1_str_eq(members[SCHEMA1_JWK_KTY], "RSA")) {
        type = EVP_PKEY_RSA;
        rc = schema1_jwk_rsa(&der, members, error);

    } else if (schema1_str_eq(members[SCHEMA1_JWK_KTY], "EC")) {
        type = EVP_PKEY_EC;
        rc = schema1_jwk_ec(&der, members, error);

    } else {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is a JWK of a type that is "
                 "neither RSA nor EC");
        return NULL;
    }

    if (rc == SCHEMA1_OK) {
        p = der.data + der.start;

        if (!der.failed) {
            pkey = d2i_PrivateKey(type, NULL, &p,
                                  (long) (SCHEMA1_JWK_DER_SIZE - der.start));
        }

        if (pkey == NULL) {
            snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is a JWK whose values "
                     "make no key");
        }
    }

    OPENSSL_cleanse(&der, sizeof(schema1_der_t));

    return pkey;
}


/* points the members into "data": no copy of a secret is made */

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

        if (members[i].data != NULL) {
            return SCHEMA1_ERROR;
        }

        if (i == SCHEMA1_JWK_OTH || i == SCHEMA1_JWK_KEYS) {
            members[i] = value;
            continue;
        }

        if (type != SCHEMA1_JSON_STRING) {
            return SCHEMA1_ERROR;
        }

        /* without its quotes; an escape is no base64url */

        members[i].data = value.data + 1;
        members[i].len = value.len - 2;
    }

    return SCHEMA1_OK;
}


/* RSAPrivateKey (RFC 8017, A.1.2) */

static int
schema1_jwk_rsa(schema1_der_t *der, const schema1_str_t *members,
    char error[SCHEMA1_KEY_ERROR_SIZE])
{
    size_t             i;
    static const char  version[] = { SCHEMA1_DER_INTEGER, 1, 0 };

    static const schema1_jwk_member_e  last_first[] = {
        SCHEMA1_JWK_QI, SCHEMA1_JWK_DQ, SCHEMA1_JWK_DP, SCHEMA1_JWK_Q,
        SCHEMA1_JWK_P, SCHEMA1_JWK_D, SCHEMA1_JWK_E, SCHEMA1_JWK_N
    };

    if (members[SCHEMA1_JWK_D].data == NULL) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is not a private key");
        return SCHEMA1_ERROR;
    }

    if (members[SCHEMA1_JWK_OTH].data != NULL) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE,
                 "is an RSA key of more than two primes");
        return SCHEMA1_ERROR;
    }

    for (i = 0; i < sizeof(last_first) / sizeof(last_first[0]); i++) {

        if (members[last_first[i]].data == NULL) {
            snprintf(error, SCHEMA1_KEY_ERROR_SIZE,
                     "is a JWK without a member \"%s\"",
                     schema1_jwk_names[last_first[i]]);
            return SCHEMA1_ERROR;
        }

        schema1_der_integer(der, members[last_first[i]]);
    }

    schema1_der_prepend(der, version, sizeof(version));
    schema1_der_wrap(der, SCHEMA1_DER_SEQUENCE, SCHEMA1_JWK_DER_SIZE);

    return SCHEMA1_OK;
}


/* ECPrivateKey (RFC 5915, 3) */

static int
schema1_jwk_ec(schema1_der_t *der, const schema1_str_t *members,
    char error[SCHEMA1_KEY_ERROR_SIZE])
{
    size_t                      end;
    static const char           version[] = { SCHEMA1_DER_INTEGER, 1, 1 };
    static const char           uncompressed[] = { 0, 4 };
    const schema1_jwk_curve_t  *curve;

    curve = schema1_jwk_curve(members[SCHEMA1_JWK_CRV]);

    if (curve == NULL) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is an EC key on a curve that "
                 "is none of P-256, P-384, P-521");
        return SCHEMA1_ERROR;
    }

    if (members[SCHEMA1_JWK_D].data == NULL) {
        snprintf(error, SCHEMA1_KEY_ERROR_SIZE, "is not a private key");
        return SCHEMA1_ERROR;
    }

    schema1_der_fixed(der, members[SCHEMA1_JWK_Y], curve->size);
    schema1_der_fixed(der, members[SCHEMA1_JWK_X], curve->size);
    schema1_der_prepend(der, uncompressed, sizeof(uncompressed));
    schema1_der_wrap(der, SCHEMA1_DER_BIT_STRING, SCHEMA1_JWK_DER_SIZE);
    schema1_der_wrap(der, SCHEMA1_DER_CONTEXT_1, SCHEMA1_JWK_DER_SIZE);

    end = der->start;
    schema1_der_prepend(der, curve->oid.data, curve->oid.len);
    schema1_der_wrap(der, SCHEMA1_DER_CONTEXT_0, end);

    end = der->start;
    schema1_der_fixed(der, members[SCHEMA1_JWK_D], curve->size);
    schema1_der_wrap(der, SCHEMA1_DER_OCTETS, end);

    schema1_der_prepend(der, version, sizeof(version));
    schema1_der_wrap(der, SCHEMA1_DER_SEQUENCE, SCHEMA1_JWK_DER_SIZE);

    return SCHEMA1_OK;
}


static const schema1_jwk_curve_t *
schema1_jwk_curve(schema1_str_t name)
{
    size_t  i;

    for (i = 0;
         i < sizeof(schema1_jwk_curves) / sizeof(schema1_jwk_curves[0]);
         i++)
    {
        if (schema1_str_eq(name, schema1_jwk_curves[i].name)) {
            return &schema1_jwk_curves[i];
        }
    }

    return NULL;
}


static void
schema1_der_integer(schema1_der_t *der, schema1_str_t text)
{
    int             n;
    size_t          end;
    unsigned char  *p, value[SCHEMA1_JWK_INTEGER_MAX];

    end = der->start;

    n = schema1_base64url_decode(value, sizeof(value), text);

    if (n <= 0) {
        der->failed = true;
        n = 0;
    }

    for (p = value; n > 0 && *p == 0; p++) {
        n--;
    }

    schema1_der_prepend(der, p, (size_t) n);

    if (n == 0 || *p & 0x80) {
        schema1_der_prepend(der, "", 1);
    }

    schema1_der_wrap(der, SCHEMA1_DER_INTEGER, end);

    OPENSSL_cleanse(value, sizeof(value));
}


/* a coordinate or d: has to have its curve's size (RFC 7518, 6.2) */

static void
schema1_der_fixed(schema1_der_t *der, schema1_str_t text, size_t size)
{
    int            n;
    unsigned char  value[SCHEMA1_JWK_INTEGER_MAX];

    n = schema1_base64url_decode(value, sizeof(value), text);

    if (n < 0 || (size_t) n != size) {
        der->failed = true;

    } else {
        schema1_der_prepend(der, value, size);
    }

    OPENSSL_cleanse(value, sizeof(value));
}


static void
schema1_der_prepend(schema1_der_t *der, const void *data, size_t len)
{
    if (len > der->start) {
        der->failed = true;
        return;
    }

    der->start -= len;
    memcpy(der->data + der->start, data, len);
}


/* puts a tag and length before what was written since "end" */

static void
schema1_der_wrap(schema1_der_t *der, unsigned char tag, size_t end)
{
    size_t         len, n;
    unsigned char  header[4];

    len = end - der->start;
    n = 0;

    header[n++] = tag;

    if (len > 0xff) {
        header[n++] = 0x82;
        header[n++] = (unsigned char) (len >> 8);

    } else if (len > 0x7f) {
        header[n++] = 0x81;
    }

    header[n++] = (unsigned char) len;

    schema1_der_prepend(der, header, n);
}
