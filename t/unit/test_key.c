
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* RSA_set0_key() and the like, as in schema1_jwk.c, and ERR_put_error() */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <limits.h>
#include <stdlib.h>

#include <sys/mman.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "schema1_key.h"
#include "alloc.h"
#include "keys.h"
#include "dirty.h"
#include "exact.h"
#include "tap.h"


static EVP_PKEY *test_generate(int type, int parameter);
static schema1_buf_t test_pem(EVP_PKEY *pkey, const char *form);
static schema1_buf_t test_certificate(EVP_PKEY *pkey, EVP_PKEY *issuer);
static void test_error(int library, int reason);
static void test_reads(const char *title, schema1_str_t data,
    const char *id);
static void test_refuses(const char *title, schema1_str_t data,
    const char *reason);
static void test_jwk(void);
static void test_jwk_broken(void);
static void test_jwk_numbers(void);
static void test_jwk_refused(const char *jwk, const char *member,
    const char *value, const char *reason);
static schema1_key_t *test_jwk_read(const char *jwk, const char *member,
    const char *value, schema1_error_t *err);
static char *test_digits(char digit, size_t n);
static void test_points(void);
static void test_large(void);
static void test_largest(void);
static void test_pems(void);
static void test_passwords(void);
static void test_password_sizes(EVP_PKEY *pkey);
static void test_other_types(void);
static void test_memory(const char *title, schema1_str_t data);
static const char *test_reason(schema1_str_t data);
static void test_broken(void);
static void test_huge(void);
static void test_header(void);
static void test_generation(void);
static void test_chain(void);
static void test_chain_memory(schema1_str_t pem, schema1_str_t chain,
    const char *fingerprint);


int
main(void)
{
    test_jwk();
    test_jwk_broken();
    test_jwk_numbers();
    test_points();
    test_large();
    test_largest();
    test_pems();
    test_passwords();
    test_other_types();
    test_broken();
    test_huge();
    test_header();
    test_generation();
    test_chain();

    tap_ok(ERR_peek_error() == 0, "OpenSSL's error queue is empty");

    schema1_key_free(NULL);

    return tap_done();
}


static EVP_PKEY *
test_generate(int type, int parameter)
{
    EVP_PKEY      *pkey;
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;
    ctx = EVP_PKEY_CTX_new_id(type, NULL);

    (void) EVP_PKEY_keygen_init(ctx);

    if (type == EVP_PKEY_RSA) {
        (void) EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, parameter);

    } else if (type == EVP_PKEY_EC) {
        (void) EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, parameter);
    }

    (void) EVP_PKEY_keygen(ctx, &pkey);
    EVP_PKEY_CTX_free(ctx);

    return pkey;
}


static schema1_buf_t
test_pem(EVP_PKEY *pkey, const char *form)
{
    BIO            *bio;
    char           *data;
    long            len;
    schema1_buf_t   buf;

    bio = BIO_new(BIO_s_mem());

    if (strcmp(form, "traditional") == 0) {
        (void) PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0,
                                                    NULL, NULL);

    } else if (strcmp(form, "old encrypted") == 0) {
        (void) PEM_write_bio_PrivateKey_traditional(bio, pkey,
                                                    EVP_aes_128_cbc(), NULL,
                                                    0, NULL, "secret");

    } else if (strcmp(form, "encrypted") == 0) {
        (void) PEM_write_bio_PKCS8PrivateKey(bio, pkey, EVP_aes_256_cbc(),
                                             NULL, 0, NULL, "secret");

    } else if (strcmp(form, "public") == 0) {
        (void) PEM_write_bio_PUBKEY(bio, pkey);

    } else {
        (void) PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL,
                                             NULL);
    }

    len = BIO_get_mem_data(bio, &data);

    memset(&buf, 0, sizeof(schema1_buf_t));
    schema1_buf_append(&buf, data, (size_t) len);
    schema1_buf_putc(&buf, '\0');

    BIO_free(bio);

    return buf;
}


static schema1_buf_t
test_certificate(EVP_PKEY *pkey, EVP_PKEY *issuer)
{
    BIO            *bio;
    X509           *x509;
    char           *data;
    long            len;
    X509_NAME      *name;
    schema1_buf_t   buf;

    x509 = X509_new();
    name = X509_NAME_new();

    (void) X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      (const unsigned char *) "test", -1, -1,
                                      0);
    (void) X509_set_version(x509, 2);
    (void) ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    (void) X509_set_subject_name(x509, name);
    (void) X509_set_issuer_name(x509, name);
    (void) X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    (void) X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    (void) X509_set_pubkey(x509, pkey);
    (void) X509_sign(x509, issuer, EVP_sha256());

    bio = BIO_new(BIO_s_mem());
    (void) PEM_write_bio_X509(bio, x509);
    len = BIO_get_mem_data(bio, &data);

    memset(&buf, 0, sizeof(schema1_buf_t));
    schema1_buf_append(&buf, data, (size_t) len);
    schema1_buf_putc(&buf, '\0');

    BIO_free(bio);
    X509_free(x509);
    X509_NAME_free(name);

    return buf;
}


/* left by another user of OpenSSL; 1.1.1 and LibreSSL have no ERR_raise() */

static void
test_error(int library, int reason)
{
    ERR_put_error(library, 0, reason, __FILE__, __LINE__);
}


static void
test_reads(const char *title, schema1_str_t data, const char *id)
{
    schema1_str_t     passwords = exact_str("wrong\nsecret\nother\n");
    schema1_key_t    *key;
    schema1_error_t   err;

    dirty_stack();
    key = schema1_key_read(data, &passwords, &err);

    tap_ok(key != NULL, "%s is read (%s)", title,
           key ? "" : err.message);

    if (key != NULL) {
        tap_ok(id == NULL || strcmp(schema1_key_id(key), id) == 0,
               "its id is libtrust's: %s", schema1_key_id(key));
        tap_ok(strlen(schema1_key_id(key)) == 59
               && strlen(schema1_key_fingerprint(key)) == 64,
               "its names have the right length");
    }

    schema1_key_free(key);
}


static void
test_refuses(const char *title, schema1_str_t data, const char *reason)
{
    schema1_key_t    *key;
    schema1_error_t   err;

    dirty_stack();
    key = schema1_key_read(data, NULL, &err);

    tap_ok(key == NULL && strstr(err.message, reason) != NULL
           && ERR_peek_error() == 0, "%s: \"%s\"", title, err.message);

    schema1_key_free(key);
}


static void
test_jwk(void)
{
    test_reads("RFC 7517, A.2", exact_str(TEST_JWK_EC256), TEST_KID_EC256);
    test_reads("RSA by libtrust", exact_str(TEST_JWK_RSA), TEST_KID_RSA);
    test_memory("a JWK", exact_str(TEST_JWK_EC256));
    test_reads("P-384 by libtrust", exact_str(TEST_JWK_EC384),
               TEST_KID_EC384);
    test_reads("P-521 by libtrust", exact_str(TEST_JWK_EC521),
               TEST_KID_EC521);
    test_reads("PEM by libtrust", exact_str(TEST_PEM_LIBTRUST),
               TEST_KID_LIBTRUST);
    test_reads("white space around", exact_str("\r\n\t " TEST_JWK_EC256 "\n"),
               TEST_KID_EC256);
}


#define TEST_EC(d, x, y)                                                      \
    "{\"kty\":\"EC\",\"crv\":\"P-256\"," d x y "\"use\":[{}]}"
#define TEST_D  "\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\","
#define TEST_X  "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
#define TEST_Y  "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\","

static void
test_jwk_broken(void)
{
    test_reads("other members", exact_str(TEST_EC(TEST_D, TEST_X, TEST_Y)),
               TEST_KID_EC256);

    test_refuses("a public key", exact_str(TEST_EC("", TEST_X, TEST_Y)),
                 "is the JWK of a public key");
    test_refuses("no x", exact_str(TEST_EC(TEST_D, "", TEST_Y)),
                 "make no key");
    test_refuses("x and y changed", exact_str(TEST_EC(TEST_D,
                 "\"x\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",",
                 "\"y\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\",")),
                 "make no key");
    test_refuses("another d", exact_str(TEST_EC(
                 "\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAA\",",
                 TEST_X, TEST_Y)), "does not belong");
    test_refuses("a short d", exact_str(TEST_EC(
                 "\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3\",",
                 TEST_X, TEST_Y)), "make no key");
    test_refuses("a padded d", exact_str(TEST_EC(
                 "\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE=\",",
                 TEST_X, TEST_Y)), "make no key");
    test_refuses("d is a number", exact_str(TEST_EC("\"d\":1,", TEST_X,
                 TEST_Y)), "not a valid JWK");
    test_refuses("d comes twice", exact_str(TEST_EC(TEST_D TEST_D, TEST_X,
                 TEST_Y)), "not a valid JWK");
    test_refuses("cut off", exact_str("{\"kty\":\"EC\""), "not a valid JWK");
    test_refuses("an array", exact_str("[" TEST_JWK_EC256 "]"),
                 "not a valid JWK");
    test_refuses("a set", exact_str("{\"keys\":[" TEST_JWK_EC256 "]}"),
                 "a single JWK is needed");
    test_refuses("a secret", exact_str("{\"kty\":\"oct\",\"k\":\"AAAA\"}"),
                 "neither RSA nor EC");
    test_refuses("another curve", exact_str("{\"kty\":\"EC\",\"crv\":"
                 "\"secp256k1\",\"d\":\"AA\"}"), "none of P-256");
    test_refuses("RSA without primes", exact_str("{\"kty\":\"RSA\","
                 "\"n\":\"AQAB\",\"e\":\"AQAB\",\"d\":\"AQAB\"}"),
                 "without a member \"qi\"");
    test_refuses("RSA of nothing", exact_str("{\"kty\":\"RSA\",\"n\":\"\","
                 "\"e\":\"\",\"d\":\"\",\"p\":\"\",\"q\":\"\",\"dp\":\"\","
                 "\"dq\":\"\",\"qi\":\"\"}"), "make no key");
    test_refuses("RSA, public", exact_str("{\"kty\":\"RSA\",\"n\":\"AQAB\","
                 "\"e\":\"AQAB\"}"), "is the JWK of a public key");
    test_refuses("RSA, three primes", exact_str("{\"kty\":\"RSA\",\"d\":\"AA\""
                 ",\"oth\":[]}"), "more than two primes");
}


/* sizes of numbers: at the limit, and beyond it */

static void
test_jwk_numbers(void)
{
    char             *text;
    schema1_key_t    *key;
    schema1_error_t   err;

    test_jwk_refused(TEST_JWK_RSA, "e", "gAAAAQ", "31 bits are allowed");
    test_jwk_refused(TEST_JWK_RSA, "e", "AQAAAAE", "31 bits are allowed");
    test_jwk_refused(TEST_JWK_RSA, "e", "f____w", "does not belong");
    test_jwk_refused(TEST_JWK_RSA, "e", "Aw", "does not belong");

    /* 2048 bytes are 16384 bits, more are not read */

    text = test_digits('_', 2730);
    strcat(text, "8");
    test_jwk_refused(TEST_JWK_RSA, "n", text, "does not belong");
    free(text);

    text = test_digits('_', 2731);
    key = test_jwk_read(TEST_JWK_RSA, "d", text, &err);
    tap_ok(key != NULL || strstr(err.message, "does not belong") != NULL,
           "\"d\" of %zu characters is a number", strlen(text));
    schema1_key_free(key);
    free(text);

    text = test_digits('_', 2732);
    test_jwk_refused(TEST_JWK_RSA, "n", text, "make no key");
    free(text);

    /*
     * numbers of a prime's size: half of that; with a wrong one, OpenSSL may
     * sign by "d" alone
     */

    text = test_digits('_', 1366);
    key = test_jwk_read(TEST_JWK_RSA, "p", text, &err);
    tap_ok(key != NULL || strstr(err.message, "does not belong") != NULL,
           "\"p\" of %zu characters is a number", strlen(text));
    schema1_key_free(key);
    free(text);

    text = test_digits('_', 1367);
    test_jwk_refused(TEST_JWK_RSA, "p", text, "make no key");
    test_jwk_refused(TEST_JWK_RSA, "qi", text, "make no key");
    free(text);

    text = test_digits('_', 100000);
    test_jwk_refused(TEST_JWK_RSA, "d", text, "make no key");
    test_jwk_refused(TEST_JWK_EC256, "d", text, "make no key");
    test_jwk_refused(TEST_JWK_EC521, "x", text, "make no key");
    free(text);

    text = test_digits('A', 44);
    test_jwk_refused(TEST_JWK_EC256, "d", text, "make no key");
    free(text);
}


static void
test_jwk_refused(const char *jwk, const char *member, const char *value,
    const char *reason)
{
    schema1_key_t    *key;
    schema1_error_t   err;

    key = test_jwk_read(jwk, member, value, &err);

    tap_ok(key == NULL && strstr(err.message, reason) != NULL,
           "\"%s\" of %zu characters: \"%s\"", member, strlen(value),
           err.message);

    schema1_key_free(key);
}


/* with another value of one member */

static schema1_key_t *
test_jwk_read(const char *jwk, const char *member, const char *value,
    schema1_error_t *err)
{
    char            name[8];
    const char     *p;
    schema1_buf_t   changed;
    schema1_key_t  *key;

    (void) snprintf(name, sizeof(name), "\"%s\":\"", member);

    p = strstr(jwk, name) + strlen(name);

    memset(&changed, 0, sizeof(schema1_buf_t));
    schema1_buf_append(&changed, jwk, (size_t) (p - jwk));
    schema1_buf_puts(&changed, value);
    schema1_buf_puts(&changed, strchr(p, '"'));

    key = schema1_key_read(exact_bytes(changed.data, changed.len), NULL,
                           err);
    schema1_buf_free(&changed);

    return key;
}


static char *
test_digits(char digit, size_t n)
{
    char  *text;

    text = calloc(1, n + 2);
    memset(text, digit, n);

    return text;
}


static void
test_points(void)
{
    test_reads("a compressed point", exact_str(TEST_PEM_COMPRESSED),
               TEST_KID_EC256);
    test_refuses("explicit parameters", exact_str(TEST_PEM_EXPLICIT),
                 "P-521 by name");
}


/* an RSA key whose signature would not fit, of numbers that make no key */

static void
test_large(void)
{
    RSA            *rsa;
    size_t          i;
    BIGNUM         *numbers[8];
    EVP_PKEY       *pkey;
    schema1_buf_t   pem;

    for (i = 0; i < 8; i++) {
        numbers[i] = BN_new();
        (void) BN_set_word(numbers[i], 65537);
    }

    (void) BN_set_bit(numbers[0], 16384);

    rsa = RSA_new();
    (void) RSA_set0_key(rsa, numbers[0], numbers[1], numbers[2]);
    (void) RSA_set0_factors(rsa, numbers[3], numbers[4]);
    (void) RSA_set0_crt_params(rsa, numbers[5], numbers[6], numbers[7]);

    pkey = EVP_PKEY_new();
    (void) EVP_PKEY_set1_RSA(pkey, rsa);

    pem = test_pem(pkey, "traditional");
    test_refuses("RSA 16385", exact_str(pem.data),
                 "16385 bits, too large: at most 16384");

    schema1_buf_free(&pem);
    EVP_PKEY_free(pkey);
    RSA_free(rsa);
}


/* RSA of 16384 bits, by the two largest primes of 8192 */

static void
test_largest(void)
{
    RSA              *rsa;
    size_t            i;
    BIGNUM           *n[8], *p1, *q1, *phi;
    BN_CTX           *ctx;
    EVP_PKEY         *pkey;
    schema1_buf_t     pem, signature;
    schema1_key_t    *key;
    schema1_error_t   err;

    for (i = 0; i < 8; i++) {
        n[i] = BN_new();
    }

    ctx = BN_CTX_new();
    p1 = BN_new();
    q1 = BN_new();
    phi = BN_new();

    /* n, e, d; p, q; dp, dq, qi */

    (void) BN_set_bit(n[3], 8192);
    (void) BN_copy(n[4], n[3]);
    (void) BN_sub_word(n[3], 2439);
    (void) BN_sub_word(n[4], 5619);
    (void) BN_sub(p1, n[3], BN_value_one());
    (void) BN_sub(q1, n[4], BN_value_one());
    (void) BN_mul(phi, p1, q1, ctx);

    (void) BN_mul(n[0], n[3], n[4], ctx);
    (void) BN_set_word(n[1], 65537);
    (void) BN_mod_inverse(n[2], n[1], phi, ctx);
    (void) BN_mod(n[5], n[2], p1, ctx);
    (void) BN_mod(n[6], n[2], q1, ctx);
    (void) BN_mod_inverse(n[7], n[4], n[3], ctx);

    rsa = RSA_new();
    (void) RSA_set0_key(rsa, n[0], n[1], n[2]);
    (void) RSA_set0_factors(rsa, n[3], n[4]);
    (void) RSA_set0_crt_params(rsa, n[5], n[6], n[7]);

    pkey = EVP_PKEY_new();
    (void) EVP_PKEY_set1_RSA(pkey, rsa);

    pem = test_pem(pkey, "traditional");

    key = schema1_key_read(exact_str(pem.data), NULL, &err);
    tap_ok(key != NULL, "RSA of 16384 bits is read (%s)",
           key ? "" : err.message);

    memset(&signature, 0, sizeof(schema1_buf_t));

    tap_ok(key != NULL
           && schema1_key_sign(key, exact_str("e30"), exact_str("{}"),
                               &signature) == SCHEMA1_OK
           && signature.len == 2048, "its signature has %zu bytes",
           signature.len);

    schema1_key_free(key);
    schema1_buf_free(&signature);
    schema1_buf_free(&pem);
    EVP_PKEY_free(pkey);
    RSA_free(rsa);
    BN_free(p1);
    BN_free(q1);
    BN_free(phi);
    BN_CTX_free(ctx);
}


static void
test_pems(void)
{
    size_t                i, j;
    EVP_PKEY             *pkey;
    schema1_buf_t         pem, two;
    static const char    *forms[] = { "PKCS #8", "traditional" };
    static const struct {
        const char       *title;
        int               type;
        int               parameter;
    } keys[] = {
        { "RSA 2048", EVP_PKEY_RSA, 2048 },
        { "RSA 3072", EVP_PKEY_RSA, 3072 },
        { "P-256", EVP_PKEY_EC, NID_X9_62_prime256v1 },
        { "P-384", EVP_PKEY_EC, NID_secp384r1 },
        { "P-521", EVP_PKEY_EC, NID_secp521r1 }
    };

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        pkey = test_generate(keys[i].type, keys[i].parameter);

        for (j = 0; j < 2; j++) {
            pem = test_pem(pkey, forms[j]);
            printf("# %s, %s\n", keys[i].title, forms[j]);
            test_reads("a PEM", exact_str(pem.data), NULL);

            if (i == 0 && j == 0) {
                test_memory("a PEM", exact_str(pem.data));
            }

            memset(&two, 0, sizeof(schema1_buf_t));
            schema1_buf_puts(&two, "some words\n");
            schema1_buf_puts(&two, pem.data);
            test_reads("words before", exact_bytes(two.data, two.len), NULL);

            schema1_buf_free(&two);
            schema1_buf_free(&pem);
        }

        pem = test_pem(pkey, "public");
        test_refuses("the public half", exact_str(pem.data),
                     "is not a private key");

        schema1_buf_free(&pem);
        EVP_PKEY_free(pkey);
    }
}


static void
test_passwords(void)
{
    char             *name;
    size_t            i;
    EVP_PKEY         *pkey;
    schema1_buf_t     pem;
    schema1_str_t     wrong = exact_str("wrong");
    const char       *forms[] = { "encrypted", "old encrypted" };
    schema1_error_t   err;

    pkey = test_generate(EVP_PKEY_EC, NID_X9_62_prime256v1);

    for (i = 0; i < 2; i++) {
        name = (char *) (i ? "old encrypted" : "encrypted PKCS #8");
        pem = test_pem(pkey, forms[i]);

        test_reads(name, exact_str(pem.data), NULL);
        test_refuses(name, exact_str(pem.data),
                     "schema_conversion_password_file is needed");

        tap_ok(schema1_key_read(exact_str(pem.data), &wrong, &err) == NULL
               && strstr(err.message, "no password of") != NULL
               && strstr(err.message, "wrong") == NULL, "a wrong one: %s",
               err.message);

        schema1_buf_free(&pem);
    }

    test_password_sizes(pkey);

    EVP_PKEY_free(pkey);
}


/* none, one character, the longest that OpenSSL takes, and longer ones */

static void
test_password_sizes(EVP_PKEY *pkey)
{
    BIO              *bio;
    char             *data, password[5000];
    long              len;
    size_t            i;
    schema1_key_t    *key;
    schema1_str_t     lines, pem;
    schema1_error_t   err;

    static const struct {
        int    len;
        bool   good;
    } tests[] = { { 0, false }, { 1, true }, { PEM_BUFSIZE, true },
                  { PEM_BUFSIZE + 1, false }, { 4900, false } };

    memset(password, 'p', sizeof(password));

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        bio = BIO_new(BIO_s_mem());

        (void) PEM_write_bio_PKCS8PrivateKey(bio, pkey, EVP_aes_256_cbc(),
                                             password, tests[i].len, NULL,
                                             NULL);

        len = BIO_get_mem_data(bio, &data);
        pem = exact_bytes(data, (size_t) len);
        lines = exact_bytes(password, (size_t) tests[i].len);

        key = schema1_key_read(pem, &lines, &err);

        tap_ok((key != NULL) == tests[i].good, "a password of %d bytes",
               tests[i].len);

        schema1_key_free(key);
        BIO_free(bio);
    }
}


static void
test_other_types(void)
{
    size_t                i;
    EVP_PKEY             *pkey;
    schema1_buf_t         pem;
    static const struct {
        const char       *title;
        int               type;
        int               parameter;
        const char       *reason;
    } keys[] = {
        { "RSA 1024", EVP_PKEY_RSA, 1024, "1024 bits, too small: 2048" },
        { "RSA 2040", EVP_PKEY_RSA, 2040, "2040 bits, too small: 2048" },
        { "P-224", EVP_PKEY_EC, NID_secp224r1, "none of P-256" },
        { "secp256k1", EVP_PKEY_EC, NID_secp256k1, "none of P-256" },
        { "Ed25519", EVP_PKEY_ED25519, 0, "RSA of 2048 bits or more, EC" }
    };

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        pkey = test_generate(keys[i].type, keys[i].parameter);
        pem = test_pem(pkey, "PKCS #8");

        test_refuses(keys[i].title, exact_str(pem.data), keys[i].reason);

        schema1_buf_free(&pem);
        EVP_PKEY_free(pkey);
    }
}


/* each of the last 800 allocations fails in turn: the same key or an error */

static void
test_memory(const char *title, schema1_str_t data)
{
    bool              good;
    unsigned long     n, total, left;
    schema1_key_t    *key, *read;
    schema1_error_t   err;

    if (!alloc_hooked()) {
        tap_ok(1, "%s # SKIP the allocator is another one", title);
        return;
    }

    key = schema1_key_read(data, NULL, &err);

    alloc_countdown = ULONG_MAX;
    schema1_key_free(schema1_key_read(data, NULL, &err));
    total = ULONG_MAX - alloc_countdown;

    good = true;
    left = 0;

    for (n = total > 800 ? total - 800 : 1; left == 0; n++) {
        err.message[0] = '\0';

        alloc_countdown = n;
        read = schema1_key_read(data, NULL, &err);
        left = alloc_countdown;
        alloc_countdown = 0;

        if (read == NULL
            ? err.message[0] == '\0'
            : strcmp(schema1_key_header(read), schema1_key_header(key)) != 0
              || strcmp(schema1_key_fingerprint(read),
                        schema1_key_fingerprint(key)) != 0)
        {
            printf("# allocation %lu: \"%s\"\n", n,
                   read ? schema1_key_header(read) : err.message);
            good = false;
        }

        schema1_key_free(read);
    }

    tap_ok(good && n > 20, "%s is read as a whole or refused when allocations "
           "fail, up to the number %lu", title, n);

    schema1_key_free(key);
}


/* why OpenSSL does not read a PEM */

static const char *
test_reason(schema1_str_t data)
{
    BIO         *bio;
    const char  *reason;

    bio = BIO_new_mem_buf(data.data, (int) data.len);

    ERR_clear_error();
    EVP_PKEY_free(PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *) ""));
    reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();

    BIO_free(bio);

    return reason;
}


static void
test_broken(void)
{
    char           *middle;
    EVP_PKEY       *pkey;
    const char     *reason;
    schema1_buf_t   pem;
    schema1_str_t   none = { 0, NULL };

    static const char  junk[] = "-----BEGIN PRIVATE KEY-----\nAAAA\n"
                                "-----END PRIVATE KEY-----\n";

    test_refuses("no bytes", none, "is empty");
    test_refuses("white space", exact_str(" \n\t"), "is empty");
    test_refuses("words", exact_str("hello"), "neither PEM nor a JWK");
    test_refuses("half a PEM", exact_str("-----BEGIN PRIVATE KEY-----\nAAAA"),
                 "cannot be read");
    test_refuses("an empty PEM", exact_str("-----BEGIN PRIVATE KEY-----\n"
                 "-----END PRIVATE KEY-----\n"), "cannot be read");
    test_refuses("no blank", exact_str("-----BEGINPRIVATE KEY-----\n"),
                 "neither PEM nor a JWK");
    test_refuses("four dashes", exact_str("-----BEGIN PRIVATE KEY----\n"),
                 "is not a private key");
    test_refuses("a key of another name", exact_str(
                 "-----BEGIN EC KEY-----\nkeyID: AAAA\n\n"
                 TEST_BASE64_LIBTRUST "-----END EC KEY-----\n"),
                 "is not a private key");
    test_refuses("a clear Proc-Type", exact_str(
                 "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,CLEAR\n\n"
                 TEST_BASE64_LIBTRUST "-----END EC PRIVATE KEY-----\n"),
                 "cannot be read");

    reason = test_reason(exact_str(junk));
    test_refuses("the first reading's reason", exact_str(junk), reason);

    test_error(ERR_LIB_USER, 1);
    test_refuses("after another error", exact_str(junk), reason);

    test_error(ERR_LIB_USER, 1);
    test_reads("a key after another error", exact_str(TEST_PEM_LIBTRUST),
               NULL);

    pkey = test_generate(EVP_PKEY_EC, NID_X9_62_prime256v1);
    pem = test_pem(pkey, "PKCS #8");

    middle = pem.data + pem.len / 2;
    *middle = '*';
    test_refuses("a damaged PEM", exact_str(pem.data), "cannot be read");

    reason = test_reason(exact_str(pem.data));
    test_refuses("OpenSSL's reason", exact_str(pem.data), reason);

    schema1_buf_free(&pem);
    pem = test_certificate(pkey, pkey);
    test_refuses("a certificate", exact_str(pem.data), "is not a private key");

    schema1_buf_free(&pem);
    EVP_PKEY_free(pkey);
}


#define I  "            "

/* OpenSSL takes a length of int; only the first page is memory */

static void
test_huge(void)
{
    void           *map;
    size_t          size;
    EVP_PKEY       *pkey;
    schema1_buf_t   pem;
    schema1_str_t   data;

    size = (size_t) INT_MAX + 1;

    map = mmap(NULL, size, PROT_READ|PROT_WRITE,
               MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);

    if (map == MAP_FAILED) {
        tap_ok(1, "a PEM of 2 GiB # SKIP no address space");
        return;
    }

    pkey = test_generate(EVP_PKEY_EC, NID_X9_62_prime256v1);
    pem = test_pem(pkey, "PKCS #8");
    memcpy(map, pem.data, pem.len);

    data.data = map;
    data.len = size;
    test_refuses("a PEM of 2 GiB", data, "cannot be read (unknown reason)");

    data.len = INT_MAX;
    test_reads("a PEM of a byte less", data, NULL);

    schema1_buf_free(&pem);
    EVP_PKEY_free(pkey);
    (void) munmap(map, size);
}


static void
test_header(void)
{
    size_t            i;
    schema1_key_t    *key;
    schema1_error_t   err;

    static const struct {
        const char       *jwk;
        const char       *header;
    } keys[] = {
        { TEST_JWK_EC256, I "\"jwk\": {\n"
          I "   \"crv\": \"P-256\",\n"
          I "   \"kid\": \"" TEST_KID_EC256 "\",\n"
          I "   \"kty\": \"EC\",\n"
          I "   \"x\": \"" TEST_X_EC256 "\",\n"
          I "   \"y\": \"" TEST_Y_EC256 "\"\n"
          I "},\n" I "\"alg\": \"ES256\"" },
        { TEST_JWK_EC384, I "\"jwk\": {\n"
          I "   \"crv\": \"P-384\",\n"
          I "   \"kid\": \"" TEST_KID_EC384 "\",\n"
          I "   \"kty\": \"EC\",\n"
          I "   \"x\": \"" TEST_X_EC384 "\",\n"
          I "   \"y\": \"" TEST_Y_EC384 "\"\n"
          I "},\n" I "\"alg\": \"ES384\"" },
        { TEST_JWK_EC521, I "\"jwk\": {\n"
          I "   \"crv\": \"P-521\",\n"
          I "   \"kid\": \"" TEST_KID_EC521 "\",\n"
          I "   \"kty\": \"EC\",\n"
          I "   \"x\": \"" TEST_X_EC521 "\",\n"
          I "   \"y\": \"" TEST_Y_EC521 "\"\n"
          I "},\n" I "\"alg\": \"ES512\"" },
        { TEST_JWK_RSA, I "\"jwk\": {\n"
          I "   \"e\": \"AQAB\",\n"
          I "   \"kid\": \"" TEST_KID_RSA "\",\n"
          I "   \"kty\": \"RSA\",\n"
          I "   \"n\": \"" TEST_N_RSA "\"\n"
          I "},\n" I "\"alg\": \"RS256\"" }
    };

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        key = schema1_key_read(exact_str(keys[i].jwk), NULL, &err);

        tap_is(schema1_key_header(key), strlen(schema1_key_header(key)),
               keys[i].header, "the header is libtrust's");

        schema1_key_free(key);
    }

    dirty_stack();
    key = schema1_key_generate(false, &err);
    tap_ok(key != NULL, "a key is generated");
    tap_ok(strstr(schema1_key_header(key), "\"alg\": \"RS256\"") != NULL,
           "a generated key is RSA");
    schema1_key_free(key);
}


/* each allocation fails in turn: a key, or an error */

static void
test_generation(void)
{
    bool              good;
    unsigned long     n, left;
    schema1_key_t    *key;
    schema1_error_t   err;

    if (!alloc_hooked()) {
        tap_ok(1, "a new key # SKIP the allocator is another one");
        return;
    }

    good = true;
    left = 0;

    for (n = 1; left == 0; n++) {
        err.message[0] = '\0';

        dirty_stack();

        alloc_countdown = n;
        key = schema1_key_generate(true, &err);
        left = alloc_countdown;
        alloc_countdown = 0;

        if ((key == NULL ? err.message[0] == '\0'
                         : strstr(schema1_key_header(key), "ES256") == NULL)
            || ERR_peek_error() != 0)
        {
            printf("# allocation %lu: \"%s\"\n", n, err.message);
            good = false;
        }

        ERR_clear_error();
        schema1_key_free(key);
    }

    tap_ok(good && n > 20, "a new key is whole, or there is an error, when "
           "each of %lu allocations fails", n);
}


/* each allocation fails in turn: an error, or the same certificates */

static void
test_chain_memory(schema1_str_t pem, schema1_str_t chain,
    const char *fingerprint)
{
    int               rc;
    bool              good;
    unsigned long     n, left;
    schema1_key_t    *key;
    schema1_error_t   err;

    if (!alloc_hooked()) {
        tap_ok(1, "certificates # SKIP the allocator is another one");
        return;
    }

    good = true;
    left = 0;

    key = schema1_key_read(pem, NULL, &err);

    for (n = 1; left == 0; n++) {

        /* which is that of a file that ends */

        test_error(ERR_LIB_PEM, PEM_R_NO_START_LINE);
        dirty_stack();

        alloc_countdown = n;
        rc = schema1_key_certify(key, chain, &err);
        left = alloc_countdown;
        alloc_countdown = 0;

        if (rc == SCHEMA1_OK
            ? strcmp(schema1_key_fingerprint(key), fingerprint) != 0
            : err.message[0] == '\0')
        {
            printf("# allocation %lu: \"%s\"\n", n, err.message);
            good = false;
        }
    }

    tap_ok(good && n > 20, "certificates are accepted as a whole or refused "
           "when each of %lu allocations fails", n);

    schema1_key_free(key);
}


static void
test_chain(void)
{
    char              before[65], id[60];
    EVP_PKEY         *pkey, *other;
    const char       *header, *comma;
    schema1_buf_t     pem, own, foreign, chain;
    schema1_str_t     data;
    schema1_key_t    *key;
    schema1_error_t   err;

    pkey = test_generate(EVP_PKEY_EC, NID_secp384r1);
    other = test_generate(EVP_PKEY_EC, NID_secp384r1);

    pem = test_pem(pkey, "PKCS #8");
    own = test_certificate(pkey, other);
    foreign = test_certificate(other, other);

    key = schema1_key_read(exact_str(pem.data), NULL, &err);
    strcpy(before, schema1_key_fingerprint(key));
    strcpy(id, schema1_key_id(key));

    tap_ok(schema1_key_certify(key, exact_str(foreign.data), &err)
           == SCHEMA1_ERROR
           && strstr(err.message, "does not hold the key") != NULL,
           "a certificate of another key: %s", err.message);
    tap_ok(schema1_key_certify(key, exact_str(pem.data), &err)
           == SCHEMA1_ERROR && strstr(err.message, "no certificate") != NULL,
           "no certificate: %s", err.message);
    tap_ok(schema1_key_certify(key, exact_str(""), &err) == SCHEMA1_ERROR
           && err.message[0] != '\0', "no bytes: %s", err.message);

    /* whose bytes are not looked at */

    data.data = own.data;
    data.len = (size_t) INT_MAX + 1;
    tap_ok(schema1_key_certify(key, data, &err) == SCHEMA1_ERROR
           && err.reason == SCHEMA1_NO_MEMORY, "a chain of 2 GiB: %s",
           err.message);

    memset(&chain, 0, sizeof(schema1_buf_t));
    schema1_buf_puts(&chain, foreign.data);
    schema1_buf_puts(&chain, own.data);
    schema1_buf_putc(&chain, '\0');
    tap_ok(schema1_key_certify(key, exact_str(chain.data), &err)
           == SCHEMA1_ERROR
           && strstr(err.message, "does not hold the key") != NULL,
           "the right one comes second: %s", err.message);
    schema1_buf_free(&chain);

    schema1_buf_puts(&chain, own.data);
    schema1_buf_puts(&chain, "-----BEGIN CERTIFICATE-----\nAAAA\n"
                             "-----END CERTIFICATE-----\n");
    schema1_buf_putc(&chain, '\0');
    tap_ok(schema1_key_certify(key, exact_str(chain.data), &err)
           == SCHEMA1_ERROR && strstr(err.message, "number 2") != NULL,
           "the second is broken: %s", err.message);
    schema1_buf_free(&chain);

    tap_ok(strcmp(schema1_key_fingerprint(key), before) == 0
           && strstr(schema1_key_header(key), "\"jwk\"") != NULL,
           "a key is unchanged after wrong certificates");

    schema1_buf_puts(&chain, own.data);
    schema1_buf_puts(&chain, foreign.data);
    schema1_buf_putc(&chain, '\0');
    tap_ok(schema1_key_certify(key, exact_str(chain.data), &err)
           == SCHEMA1_OK, "a chain of two certificates is accepted");
    test_chain_memory(exact_str(pem.data), exact_str(chain.data),
                      schema1_key_fingerprint(key));
    schema1_buf_free(&chain);

    header = schema1_key_header(key);
    comma = strstr(header, I "   \"MII");
    tap_ok(strncmp(header, I "\"alg\": \"ES384\",\n" I "\"x5c\": [\n", 45)
           == 0 && comma != NULL && strstr(comma, "\",\n" I "   \"MII") != NULL
           && strcmp(header + strlen(header) - 15, "\"\n" I "]") == 0,
           "the header has two certificates");
    tap_ok(strcmp(schema1_key_fingerprint(key), before) != 0,
           "the fingerprint changes with the certificates");
    tap_ok(strcmp(schema1_key_id(key), id) == 0,
           "the key id does not change with the certificates");

    schema1_key_free(key);
    schema1_buf_free(&pem);
    schema1_buf_free(&own);
    schema1_buf_free(&foreign);
    EVP_PKEY_free(pkey);
    EVP_PKEY_free(other);
}
