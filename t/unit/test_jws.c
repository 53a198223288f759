
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* ERR_put_error(): OpenSSL 1.1.1 and LibreSSL have no ERR_raise() */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <jansson.h>

#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "schema1_base64.h"
#include "schema1_jws.h"
#include "alloc.h"
#include "keys.h"
#include "dirty.h"
#include "exact.h"
#include "tap.h"


/* of a signature by P-521: a sequence of two integers */
#define SIGNATURE_MAX  139

#define TEST_SIGNATURES  10

#define TEST_PAYLOAD  "{\n   \"schemaVersion\": 1,\n   \"name\": \"a\"\n}"


typedef struct {
    const char           *title;
    const char           *jwk;
    const char           *alg;
    size_t                size;     /* of a signature; RSA: of the modulus */
    const EVP_MD       *(*md)(void);
} test_key_t;


static void test_algorithm(const test_key_t *test);
static void test_document(const test_key_t *test, schema1_str_t body);
static void test_padding(const test_key_t *test);
static void test_large(void);
static void test_input(const char *protected, const char *payload,
    schema1_buf_t *input);
static bool test_signature(const test_key_t *test, json_t *header,
    const unsigned char *signature, size_t len, schema1_buf_t *input);
static EVP_PKEY *test_public(json_t *header);
static int test_decode(unsigned char *to, const char *text);
static void test_prepend(unsigned char *der, size_t *len, const char *header,
    size_t n);
static void test_form(void);
static void test_refused(void);
static void test_memory(const test_key_t *test);
static unsigned long test_failing(const schema1_key_t *key, unsigned *told);
static bool test_whole(const test_key_t *test, const schema1_key_t *key);
static bool test_reading(const test_key_t *test);
static bool test_freed(const test_key_t *test);
static bool test_refused_freed(const test_key_t *test);
static void *test_malloc(size_t size, const char *file, int line);
static void *test_realloc(void *p, size_t size, const char *file, int line);
static void test_free(void *p, const char *file, int line);
static void test_payload(void);
static void test_long(void);
static void test_cut(const char *title, const char *document, size_t len);


static const test_key_t  test_keys[] = {
    { "RS256", TEST_JWK_RSA, "RS256", 256, EVP_sha256 },
    { "ES256", TEST_JWK_EC256, "ES256", 64, EVP_sha256 },
    { "ES384", TEST_JWK_EC384, "ES384", 96, EVP_sha384 },
    { "ES512", TEST_JWK_EC521, "ES512", 132, EVP_sha512 }
};


static bool  test_both;         /* OpenSSL's allocations fail, too */
static bool  test_separate;
static long  test_blocks;       /* of OpenSSL's that are not freed */
static bool  test_short;        /* d2i_ECDSA_SIG() returns 1 and 2 */
static bool  test_wide;         /* it returns an r of more than a coordinate */
static long  test_der_max;      /* what d2i_ECDSA_SIG() was called with */


int
main(void)
{
    size_t  i;

    test_separate = CRYPTO_set_mem_functions(test_malloc, test_realloc,
                                             test_free) == 1;

    for (i = 0; i < sizeof(test_keys) / sizeof(test_keys[0]); i++) {
        test_algorithm(&test_keys[i]);
        test_padding(&test_keys[i]);
    }

    test_large();
    test_form();
    test_refused();

    for (i = 0; i < sizeof(test_keys) / sizeof(test_keys[0]); i++) {
        test_memory(&test_keys[i]);
    }

    test_payload();
    test_long();

    tap_ok(ERR_peek_error() == 0, "OpenSSL's error queue is empty");

    return tap_done();
}


static void
test_algorithm(const test_key_t *test)
{
    json_t          *json, *first;
    unsigned         i, wrong;
    const char      *value;
    schema1_buf_t    body, input;
    schema1_str_t    text;
    schema1_key_t   *key;
    unsigned char    raw[512];
    schema1_error_t  err;

    key = schema1_key_read(exact_str(test->jwk), NULL, &err);
    wrong = 0;

    for (i = 0; i < TEST_SIGNATURES; i++) {
        memset(&body, 0, sizeof(schema1_buf_t));

        if (schema1_jws_sign(key, exact_str(TEST_PAYLOAD), (time_t) i, &body,
                             &err)
            != SCHEMA1_OK)
        {
            wrong++;
        }

        text.data = body.data;
        text.len = body.len;

        if (i == 0) {
            tap_ok(wrong == 0, "%s: a payload is signed", test->title);
            test_document(test, text);
        }

        json = json_loadb(text.data, text.len, 0, NULL);
        first = json_array_get(json_object_get(json, "signatures"), 0);
        value = json_string_value(json_object_get(first, "signature"));

        test_input(json_string_value(json_object_get(first, "protected")),
                   TEST_PAYLOAD, &input);

        if (test_decode(raw, value) != (int) test->size
            || !test_signature(test, json_object_get(first, "header"), raw,
                               test->size, &input))
        {
            wrong++;
        }

        json_decref(json);
        schema1_buf_free(&input);

        schema1_buf_free(&body);
    }

    tap_ok(wrong == 0, "%s: %d signatures verify", test->title,
           TEST_SIGNATURES);

    schema1_key_free(key);
}


/* verified by the document alone, as a client does it */

static void
test_document(const test_key_t *test, schema1_str_t body)
{
    int              n;
    json_t          *json, *first, *header, *info;
    size_t           length;
    const char      *protected;
    schema1_buf_t    input, payload;
    unsigned char    raw[512], text[512];

    json = json_loadb(body.data, body.len, 0, NULL);
    first = json_array_get(json_object_get(json, "signatures"), 0);
    header = json_object_get(first, "header");
    protected = json_string_value(json_object_get(first, "protected"));

    tap_ok(json_array_size(json_object_get(json, "signatures")) == 1,
           "a manifest has one signature");
    tap_ok(strcmp(json_string_value(json_object_get(header, "alg")), test->alg)
           == 0, "the signature has the key's algorithm");

    n = test_decode(text, protected);
    tap_is((char *) text, (size_t) n, "{\"formatLength\":39,\"formatTail\":"
           "\"Cn0\",\"time\":\"1970-01-01T00:00:00Z\"}",
           "the protected header has length, tail and time");

    info = json_loadb((char *) text, (size_t) n, 0, NULL);
    length = (size_t) json_integer_value(json_object_get(info,
                                                         "formatLength"));
    n = test_decode(text, json_string_value(json_object_get(info,
                                                            "formatTail")));

    memset(&payload, 0, sizeof(schema1_buf_t));
    schema1_buf_append(&payload, body.data, length);
    schema1_buf_append(&payload, (char *) text, (size_t) n);
    tap_is(payload.data, payload.len, TEST_PAYLOAD,
           "length and tail give the payload");

    test_input(protected, TEST_PAYLOAD, &input);

    n = test_decode(raw, json_string_value(json_object_get(first,
                                                           "signature")));

    tap_ok(n == (int) test->size, "the signature has %zu bytes", test->size);
    tap_ok(test_signature(test, header, raw, (size_t) n, &input),
           "the signature verifies");

    input.data[0] ^= 1;
    tap_ok(!test_signature(test, header, raw, (size_t) n, &input),
           "the signature does not verify for other bytes");

    schema1_buf_free(&input);
    schema1_buf_free(&payload);
    json_decref(info);
    json_decref(json);
}


/* RFC 7518, 3.4: r and s have all bytes of a coordinate */

static void
test_padding(const test_key_t *test)
{
    int              n;
    char             zeros[66] = "";
    json_t          *json, *first;
    const char      *value;
    schema1_buf_t    body;
    schema1_key_t   *key;
    unsigned char    raw[512];
    schema1_error_t  err;

    if (test->alg[0] != 'E') {
        return;
    }

    key = schema1_key_read(exact_str(test->jwk), NULL, &err);
    memset(&body, 0, sizeof(schema1_buf_t));

    test_wide = true;
    tap_ok(schema1_jws_sign(key, exact_str(TEST_PAYLOAD), 0, &body, &err)
           == SCHEMA1_ERROR && err.reason == SCHEMA1_SIGNING_FAILED
           && body.len == 0, "%s: an r that is too long makes no signature",
           test->title);
    test_wide = false;

    test_short = true;
    (void) schema1_jws_sign(key, exact_str(TEST_PAYLOAD), 0, &body, &err);
    test_short = false;

    json = json_loadb(body.data, body.len, 0, NULL);
    first = json_array_get(json_object_get(json, "signatures"), 0);
    value = json_string_value(json_object_get(first, "signature"));

    n = test_decode(raw, value) / 2;

    tap_ok(2 * n == (int) test->size
           && memcmp(raw, zeros, (size_t) n - 1) == 0 && raw[n - 1] == 1
           && memcmp(raw + n, zeros, (size_t) n - 1) == 0
           && raw[2 * n - 1] == 2, "%s: r of 1 and s of 2 have %d bytes each",
           test->title, n);

    json_decref(json);
    schema1_buf_free(&body);
    schema1_key_free(key);
}


/* of several blocks: signed apart, and in its buffer, which makes no copy */

static void
test_large(void)
{
    json_t          *json, *first;
    schema1_buf_t    payload, body, input;
    schema1_key_t   *key;
    unsigned char    raw[512];
    schema1_error_t  err;

    memset(&body, 0, sizeof(schema1_buf_t));
    memset(&payload, 0, sizeof(schema1_buf_t));

    schema1_buf_puts(&payload, "{\n   \"name\": \"");

    while (payload.len < 7000) {
        schema1_buf_printf(&payload, "%zu,", payload.len);
    }

    schema1_buf_puts(&payload, "\"\n}");
    schema1_buf_putc(&payload, '\0');
    payload.len--;

    key = schema1_key_read(exact_str(TEST_JWK_RSA), NULL, &err);

    (void) schema1_jws_sign(key, exact_bytes(payload.data, payload.len), 0,
                            &body, &err);

    json = json_loadb(body.data, body.len, 0, NULL);
    first = json_array_get(json_object_get(json, "signatures"), 0);

    test_input(json_string_value(json_object_get(first, "protected")),
               payload.data, &input);
    (void) test_decode(raw, json_string_value(json_object_get(first,
                                                              "signature")));

    tap_ok(test_signature(&test_keys[0], json_object_get(first, "header"),
                          raw, test_keys[0].size, &input),
           "the signature of %zu bytes verifies", payload.len);

    (void) schema1_jws_sign(key, schema1_buf_str(&payload), 0, &payload, &err);

    tap_ok(payload.len == body.len
           && memcmp(payload.data, body.data, body.len) == 0,
           "a payload that is signed in place gives the same document");

    json_decref(json);
    schema1_buf_free(&input);
    schema1_buf_free(&body);
    schema1_buf_free(&payload);
    schema1_key_free(key);
}


/* base64url leaves out "=", if any */

static void
test_input(const char *protected, const char *payload, schema1_buf_t *input)
{
    int            i, n;
    unsigned char  encoded[16384];

    n = EVP_EncodeBlock(encoded, (const unsigned char *) payload,
                        (int) strlen(payload));

    while (encoded[n - 1] == '=') {
        n--;
    }

    memset(input, 0, sizeof(schema1_buf_t));
    schema1_buf_puts(input, protected);
    schema1_buf_putc(input, '.');

    for (i = 0; i < n; i++) {
        schema1_buf_putc(input, encoded[i] == '+' ? '-'
                                : encoded[i] == '/' ? '_'
                                : (char) encoded[i]);
    }
}


static bool
test_signature(const test_key_t *test, json_t *header,
    const unsigned char *signature, size_t len, schema1_buf_t *input)
{
    bool            good;
    EVP_PKEY       *pkey;
    ECDSA_SIG      *sig;
    EVP_MD_CTX     *ctx;
    unsigned char  *der;

    der = NULL;

    if (test->alg[0] == 'E') {
        sig = ECDSA_SIG_new();
        (void) ECDSA_SIG_set0(sig, BN_bin2bn(signature, (int) len / 2, NULL),
                              BN_bin2bn(signature + len / 2, (int) len / 2,
                                        NULL));
        len = (size_t) i2d_ECDSA_SIG(sig, &der);
        signature = der;
        ECDSA_SIG_free(sig);
    }

    pkey = test_public(json_object_get(header, "jwk"));
    ctx = EVP_MD_CTX_new();

    good = pkey != NULL
           && EVP_DigestVerifyInit(ctx, NULL, test->md(), NULL, pkey) == 1
           && EVP_DigestVerify(ctx, signature, len,
                               (unsigned char *) input->data, input->len)
              == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    OPENSSL_free(der);
    ERR_clear_error();

    return good;
}


/* a SubjectPublicKeyInfo put together from the JWK */

static EVP_PKEY *
test_public(json_t *jwk)
{
    int                    n, m;
    size_t                 len;
    const char            *crv;
    unsigned char          x[512], y[512], der[1024];
    const unsigned char   *p;

    crv = json_string_value(json_object_get(jwk, "crv"));
    p = der;
    len = 0;

    if (crv == NULL) {
        n = test_decode(x, json_string_value(json_object_get(jwk, "n")));
        test_prepend(der, &len, "\x02\x03\x01\x00\x01", 5);
        test_prepend(der, &len, (char *) x, (size_t) n);
        test_prepend(der, &len, "\x02\x82\x01\x01\x00", 5);
        test_prepend(der, &len, "\x30\x82\x01\x0a", 4);
        test_prepend(der, &len, "\x03\x82\x01\x0f\x00", 5);
        test_prepend(der, &len, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01"
                     "\x01\x01\x05\x00", 15);
        test_prepend(der, &len, "\x30\x82\x01\x22", 4);

        return d2i_PUBKEY(NULL, &p, (long) len);
    }

    n = test_decode(x, json_string_value(json_object_get(jwk, "x")));
    m = test_decode(y, json_string_value(json_object_get(jwk, "y")));

    test_prepend(der, &len, (char *) y, (size_t) m);
    test_prepend(der, &len, (char *) x, (size_t) n);

    if (strcmp(crv, "P-256") == 0) {
        test_prepend(der, &len, "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d"
                     "\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03"
                     "\x42\x00\x04", 27);

    } else if (strcmp(crv, "P-384") == 0) {
        test_prepend(der, &len, "\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d"
                     "\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00\x04",
                     24);

    } else {
        test_prepend(der, &len, "\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce"
                     "\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23\x03\x81\x86"
                     "\x00\x04", 26);
    }

    return d2i_PUBKEY(NULL, &p, (long) len);
}


static void
test_prepend(unsigned char *der, size_t *len, const char *header, size_t n)
{
    memmove(der + n, der, *len);
    memcpy(der, header, n);
    *len += n;
}


/* base64url by OpenSSL's decoder */

static int
test_decode(unsigned char *to, const char *text)
{
    int            n;
    size_t         i, len;
    unsigned char  padded[1024];

    len = strlen(text);

    for (i = 0; i < len; i++) {
        padded[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/'
                                         : (unsigned char) text[i];
    }

    while (i % 4) {
        padded[i++] = '=';
    }

    n = EVP_DecodeBlock(to, padded, (int) i);

    return n < 0 ? n : n - (int) (i - len);
}


/* every byte but those of the signature, which differs each time */

static void
test_form(void)
{
    size_t           before;
    const char      *after;
    schema1_buf_t    body;
    schema1_key_t   *key;
    schema1_error_t  err;

    static const char  head[] =
        "{\n"
        "   \"schemaVersion\": 1,\n"
        "   \"name\": \"a\",\n"
        "   \"signatures\": [\n"
        "      {\n"
        "         \"header\": {\n"
        "            \"jwk\": {\n"
        "               \"crv\": \"P-256\",\n"
        "               \"kid\": \"" TEST_KID_EC256 "\",\n"
        "               \"kty\": \"EC\",\n"
        "               \"x\": \"" TEST_X_EC256 "\",\n"
        "               \"y\": \"" TEST_Y_EC256 "\"\n"
        "            },\n"
        "            \"alg\": \"ES256\"\n"
        "         },\n"
        "         \"signature\": \"";
    static const char  tail[] =
        "\",\n"
        "         \"protected\": \"eyJmb3JtYXRMZW5ndGgiOjM5LCJmb3JtYXRUYWlsI"
        "joiQ24wIiwidGltZSI6IjIwMDktMDItMTNUMjM6MzE6MzBaIn0\"\n"
        "      }\n"
        "   ]\n"
        "}";

    key = schema1_key_read(exact_str(TEST_JWK_EC256), NULL, &err);
    memset(&body, 0, sizeof(schema1_buf_t));

    memset(&err, 0, sizeof(schema1_error_t));

    dirty_stack();

    tap_ok(schema1_jws_sign(key, exact_str(TEST_PAYLOAD), 1234567890, &body,
                            &err) == SCHEMA1_OK
           && err.reason == SCHEMA1_NO_REASON && err.message[0] == '\0',
           "signing succeeds without an error");

    before = strlen(head);
    tap_is(body.data, before, head,
           "all bytes before the signature are right");

    after = body.data + before + 86;
    tap_is(after, body.len - before - 86, tail,
           "all bytes after the signature are right");

    schema1_buf_free(&body);
    schema1_key_free(key);
}


static void
test_refused(void)
{
    time_t              now;
    size_t              i;
    struct tm           tm;
    schema1_buf_t       body;
    schema1_key_t      *key;
    schema1_error_t     err;
    static const char  *payloads[] = { "", "}", "\n}", "{}", "{\"a\":1}",
                                       "{\n   \"a\": 1\n}\n",
                                       "[\n   1\n]" };

    key = schema1_key_read(exact_str(TEST_JWK_EC256), NULL, &err);

    for (i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        memset(&body, 0, sizeof(schema1_buf_t));

        tap_ok(schema1_jws_sign(key, exact_str(payloads[i]), 0, &body, &err)
               == SCHEMA1_ERROR && err.reason == SCHEMA1_SIGNING_FAILED
               && body.len == 0, "is not signed: number %zu", i);

        schema1_buf_free(&body);
    }

    memset(&body, 0, sizeof(schema1_buf_t));

    tap_ok(schema1_jws_sign(key, exact_str("{\n}"), 0, &body, &err)
           == SCHEMA1_OK, "the shortest payload is signed");

    schema1_buf_free(&body);

    ERR_put_error(ERR_LIB_USER, 0, ERR_R_MALLOC_FAILURE, __FILE__, __LINE__);
    tap_ok(schema1_jws_sign(key, exact_str(TEST_PAYLOAD), 0, &body, &err)
           == SCHEMA1_OK, "an older error of memory does not matter");

    schema1_buf_free(&body);

    body.failed = true;
    tap_ok(schema1_jws_sign(key, exact_str(TEST_PAYLOAD), 0, &body, &err)
           == SCHEMA1_ERROR && err.reason == SCHEMA1_NO_MEMORY,
           "a buffer without memory is reported");

    /* in seconds; a type of 32 bits has no such time */

    now = (time_t) INT64_MAX;

    memset(&body, 0, sizeof(schema1_buf_t));
    memset(&err, 0, sizeof(schema1_error_t));

    tap_ok(gmtime_r(&now, &tm) != NULL
           || (schema1_jws_sign(key, exact_str(TEST_PAYLOAD), now, &body, &err)
               == SCHEMA1_ERROR
               && strcmp(err.message, "the manifest could not be signed") == 0
               && err.reason == SCHEMA1_SIGNING_FAILED && body.len == 0),
           "a time without a date is not signed: %s", err.message);

    schema1_key_free(key);
}


/*
 * Each allocation fails in turn: it is told what was wanting.  OpenSSL does
 * not always say what it failed for, so its own are looked at apart.
 */

static void
test_memory(const test_key_t *test)
{
    unsigned         told;
    unsigned long    n;
    schema1_key_t   *key;
    schema1_error_t  err;

    if (!alloc_hooked() || !test_separate) {
        tap_ok(1, "%s # SKIP the allocator is another one", test->title);
        return;
    }

    key = schema1_key_read(exact_str(test->jwk), NULL, &err);
    test_der_max = 0;

    n = test_failing(key, &told);
    tap_ok(n > 2 && told == n, "%s: %u of %lu failing allocations are told",
           test->title, told, n);

    test_both = true;
    n = test_failing(key, &told);
    test_both = false;

    tap_ok(n > 20 && told > n / 5 * 4, "%s: with OpenSSL's %u of %lu",
           test->title, told, n);

    tap_ok((test_der_max != 0) == (test->alg[0] == 'E')
           && test_der_max <= SIGNATURE_MAX,
           "%s: out of memory, no signature is longer than its buffer: %ld",
           test->title, test_der_max);
    tap_ok(test_whole(test, key), "%s: out of memory, there is a whole "
           "signature or none", test->title);

    tap_ok(test_reading(test), "%s: out of memory, a key is read or refused",
           test->title);
    tap_ok(test_freed(test), "%s: out of memory, all of a key is freed",
           test->title);
    tap_ok(test_refused_freed(test), "%s: all of a refused key is freed",
           test->title);

    schema1_key_free(key);
}


/* a key signs itself when it is read: OpenSSL's allocations fail there, too */

static bool
test_reading(const test_key_t *test)
{
    bool             good;
    unsigned long    n, left;
    schema1_key_t   *key;
    schema1_error_t  err;

    good = true;
    left = 0;
    test_both = true;

    for (n = 1; left == 0; n += 1 + n / 16) {
        alloc_countdown = n;
        key = schema1_key_read(exact_str(test->jwk), NULL, &err);
        left = alloc_countdown;
        alloc_countdown = 0;

        if (key == NULL ? err.message[0] == '\0'
                        : schema1_key_id(key)[0] == '\0')
        {
            printf("# allocation %lu: \"%s\"\n", n, err.message);
            good = false;
        }

        schema1_key_free(key);
    }

    test_both = false;

    return good && n > 20 && test_der_max <= SIGNATURE_MAX;
}


/* the module's own allocations fail: what OpenSSL made for it is freed */

static bool
test_freed(const test_key_t *test)
{
    long             before;
    bool             good;
    size_t           held;
    unsigned long    n, left;
    schema1_key_t   *key;
    schema1_error_t  err;

    good = true;
    left = 0;

    for (n = 1; left == 0; n++) {
        before = test_blocks;
        held = alloc_held;

        alloc_countdown = n;
        key = schema1_key_read(exact_str(test->jwk), NULL, &err);
        left = alloc_countdown;
        alloc_countdown = 0;

        schema1_key_free(key);

        if (test_blocks != before || alloc_held != held) {
            printf("# allocation %lu: %ld blocks, %ld bytes are left\n", n,
                   test_blocks - before, (long) (alloc_held - held));
            good = false;
        }
    }

    return good && n > 3;
}


/* a digit of the public key is wrong; the first reading is for caches */

static bool
test_refused_freed(const test_key_t *test)
{
    char             text[4096], *p;
    long             before;
    unsigned         i;
    schema1_key_t   *key;
    schema1_error_t  err;

    (void) snprintf(text, sizeof(text), "%s", test->jwk);

    p = strstr(text, test->alg[0] == 'E' ? "\"y\":\"" : "\"n\":\"") + 25;
    *p = (*p == 'A') ? 'B' : 'A';

    before = 0;

    for (i = 0; i < 2; i++) {
        before = test_blocks;
        key = schema1_key_read(exact_str(text), NULL, &err);

        if (key != NULL) {
            schema1_key_free(key);
            return false;
        }
    }

    return test_blocks == before;
}


/* replaces OpenSSL's, which uses it too; keeps the largest length */

ECDSA_SIG *
d2i_ECDSA_SIG(ECDSA_SIG **sig, const unsigned char **in, long len)
{
    int            tag, class;
    long           size;
    BIGNUM        *wide;
    ECDSA_SIG     *made;
    ASN1_INTEGER  *r, *s;

    if (len > test_der_max) {
        test_der_max = len;
    }

    if (len > SIGNATURE_MAX
        || ASN1_get_object(in, &size, &tag, &class, len) & 0x80)
    {
        return NULL;
    }

    made = sig && *sig ? *sig : ECDSA_SIG_new();
    r = d2i_ASN1_INTEGER(NULL, in, size);
    s = d2i_ASN1_INTEGER(NULL, in, size);

    if (test_short) {
        (void) ASN1_INTEGER_set(r, 1);
        (void) ASN1_INTEGER_set(s, 2);
    }

    if (test_wide) {
        wide = BN_new();
        (void) BN_set_bit(wide, 8 * 66);
        (void) BN_to_ASN1_INTEGER(wide, r);
        BN_free(wide);
    }

    if (made != NULL
        && (r == NULL || s == NULL
            || ECDSA_SIG_set0(made, ASN1_INTEGER_to_BN(r, NULL),
                              ASN1_INTEGER_to_BN(s, NULL))
               != 1))
    {
        if (sig == NULL || *sig != made) {
            ECDSA_SIG_free(made);
        }

        made = NULL;
    }

    ASN1_INTEGER_free(r);
    ASN1_INTEGER_free(s);

    return made;
}


static unsigned long
test_failing(const schema1_key_t *key, unsigned *told)
{
    int              rc;
    unsigned long    n, left;
    schema1_buf_t    body;
    schema1_error_t  err;

    *told = 0;

    for (n = 1; ; n++) {
        memset(&body, 0, sizeof(schema1_buf_t));
        memset(&err, 0, sizeof(schema1_error_t));

        alloc_countdown = n;
        rc = schema1_jws_sign(key, exact_str(TEST_PAYLOAD), 0, &body, &err);
        left = alloc_countdown;
        alloc_countdown = 0;

        schema1_buf_free(&body);

        if (left != 0) {
            return n - 1;
        }

        *told += rc == SCHEMA1_OK || err.reason == SCHEMA1_NO_MEMORY;
    }
}


/* the first allocation is that of the context */

static bool
test_whole(const test_key_t *test, const schema1_key_t *key)
{
    int             rc;
    bool            good;
    unsigned long   n, left;
    schema1_buf_t   signature;

    good = true;
    left = 0;
    test_both = true;

    for (n = 1; left == 0; n++) {
        memset(&signature, 0, sizeof(schema1_buf_t));

        alloc_countdown = n;
        rc = schema1_key_sign(key, exact_str("e30"), exact_str(TEST_PAYLOAD),
                              &signature);
        left = alloc_countdown;
        alloc_countdown = 0;

        if ((signature.len != test->size
             && (rc == SCHEMA1_OK || signature.len != 0))
            || (n == 1 && !signature.failed)
            || (left != 0 && rc != SCHEMA1_OK)
            || ERR_peek_error() != 0)
        {
            printf("# allocation %lu: %d, %zu bytes\n", n, rc, signature.len);
            good = false;
        }

        ERR_clear_error();
        schema1_buf_free(&signature);
    }

    test_both = false;

    return good && n > 10;
}


/* OpenSSL's allocator */

static void *
test_malloc(size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

#if (ALLOC_HOOKED)
    if (test_both && alloc_fails()) {
        return NULL;
    }

    test_blocks++;

    return __libc_malloc(size);
#else
    return malloc(size);
#endif
}


static void *
test_realloc(void *p, size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

#if (ALLOC_HOOKED)
    if (test_both && alloc_fails()) {
        return NULL;
    }

    test_blocks += (p == NULL);

    return __libc_realloc(p, size);
#else
    return realloc(p, size);
#endif
}


static void
test_free(void *p, const char *file, int line)
{
    (void) file;
    (void) line;

#if (ALLOC_HOOKED)
    test_blocks -= (p != NULL);
    __libc_free(p);
#else
    free(p);
#endif
}


/* base64url of protected headers, made by hand */

#define TEST_DOCUMENT(protected)                                              \
    "{\n\"a\": 1,\"signatures\":[{\"protected\":\"" protected               \
    "\"},{\"protected\":1}]}"

/* {"formatLength":8,"formatTail":"Cn0"} */
#define TEST_HEADER  "eyJmb3JtYXRMZW5ndGgiOjgsImZvcm1hdFRhaWwiOiJDbjAifQ"

static void
test_payload(void)
{
    size_t  i;

    static const char  *broken[] = {
        "", "{}", "[]", "{\"signatures\":{}}", "{\"signatures\":[]}",
        "{\"signatures\":[1]}", "{\"signatures\":[{}]}",
        "{\"signatures\":[{\"protected\":1}]}",
        "{\"signatures\":[{\"protected\":\"\"}]}",
        "{\"signatures\":[{\"protected\":\"e30\"}]}",
        "{\"signatures\":[{\"protected\":\"e30=\"}]}",
        "{\"signatures\":[{\"protected\":\"****\"}]}",
        "{\"signatures\":[{\"protected\":\"e30\"}]",
        "{\"a\":1}", "{\"a\":12345678}",
        "[\"signatures\",[{\"protected\":\"" TEST_HEADER "\"}]]"
    };

    for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        test_cut(broken[i], broken[i], 0);
    }

    test_cut("a payload", TEST_DOCUMENT(TEST_HEADER), 10);

    /* 0, -1, 99999, 1e1, "8" */
    test_cut("a length of 0", TEST_DOCUMENT(
             "eyJmb3JtYXRMZW5ndGgiOjAsImZvcm1hdFRhaWwiOiJDbjAifQ"), 0);
    test_cut("a negative length", TEST_DOCUMENT(
             "eyJmb3JtYXRMZW5ndGgiOi0xLCJmb3JtYXRUYWlsIjoiQ24wIn0"), 0);
    test_cut("a length over that of the document", TEST_DOCUMENT(
             "eyJmb3JtYXRMZW5ndGgiOjk5OTk5LCJmb3JtYXRUYWlsIjoiQ24wIn0"), 0);
    test_cut("a length that is text", TEST_DOCUMENT(
             "eyJmb3JtYXRMZW5ndGgiOiI4IiwiZm9ybWF0VGFpbCI6IkNuMCJ9"), 0);

    /* {"formatLength":"8","formatLength":8,"formatTail":"Cn0"} */
    test_cut("a length that is text before it is a number", TEST_DOCUMENT(
             "eyJmb3JtYXRMZW5ndGgiOiI4IiwiZm9ybWF0TGVuZ3RoIjo4LCJmb3JtYXRUYWls"
             "IjoiQ24wIn0"), 0);

    /* {"formatTail":"Cn0"} */
    test_cut("no length", TEST_DOCUMENT("eyJmb3JtYXRUYWlsIjoiQ24wIn0"), 0);

    /* {"formatLength":1,"formatTail":"CiJhIjogMQp9"} */
    test_cut("a length of 1", TEST_DOCUMENT(
             "eyJmb3JtYXRMZW5ndGgiOjEsImZvcm1hdFRhaWwiOiJDaUpoSWpvZ01RcDkifQ"),
             10);

    /* {"formatLength":8,"formatTail":""} */
    test_cut("an empty tail", TEST_DOCUMENT(
             "eyJmb3JtYXRMZW5ndGgiOjgsImZvcm1hdFRhaWwiOiIifQ"), 8);

    /* {"formatLength":8}, {"formatLength":8,"formatTail":"*"} */
    test_cut("no tail", TEST_DOCUMENT("eyJmb3JtYXRMZW5ndGgiOjh9"), 0);
    test_cut("a broken tail", TEST_DOCUMENT(
             "eyJmb3JtYXRMZW5ndGgiOjgsImZvcm1hdFRhaWwiOiIqIn0"), 0);
}


/* a protected header of 4096 bytes and a tail of 1024 are read, not more */

static void
test_long(void)
{
    size_t         i, n;
    char           header[4200], tail[1400];
    schema1_buf_t  text;

    static const struct {
        const char       *title;
        int               header;       /* bytes */
        size_t            tail;         /* characters */
        size_t            payload;      /* bytes, 0: refused */
    } tests[] = {
        { "a protected header of 4096 bytes", 4096, 3, 10 },
        { "a protected header of 4097 bytes", 4097, 3, 0 },
        { "a protected header of 4198 bytes", 4198, 3, 0 },
        { "a tail of 1024 bytes", 2000, 1366, 8 + 1024 },
        { "a tail of 1025 bytes", 2000, 1367, 0 }
    };

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {

        memset(tail, 'A', sizeof(tail));
        memcpy(tail, "Cn0", 3);
        tail[tests[i].tail] = '\0';

        n = (size_t) snprintf(header, sizeof(header), "{\"formatLength\":8,"
                              "\"formatTail\":\"%s\"%*s", tail,
                              tests[i].header - 33 - (int) tests[i].tail, "}");

        memset(&text, 0, sizeof(schema1_buf_t));
        schema1_buf_puts(&text, "{\n\"a\": 1,\"signatures\":[{"
                                "\"protected\":\"");
        schema1_base64url_encode(&text, (unsigned char *) header, n);
        schema1_buf_puts(&text, "\"}]}");
        schema1_buf_putc(&text, '\0');

        test_cut(tests[i].title, (int) n == tests[i].header ? text.data : "",
                 tests[i].payload);

        schema1_buf_free(&text);
    }
}


/*
 * "len": of the payload, 0: refused, although the stack has what is missing of
 * the document before
 */

static void
test_cut(const char *title, const char *document, size_t len)
{
    int            rc;
    schema1_buf_t  buf;
    schema1_str_t  text, before;

    static const char  payload[] = "{\n\"a\": 1\n}";

    memset(&buf, 0, sizeof(schema1_buf_t));

    text = exact_str(document);
    before = exact_str(TEST_DOCUMENT(TEST_HEADER));

    (void) schema1_jws_payload(before, &buf);
    schema1_buf_free(&buf);

    rc = schema1_jws_payload(text, &buf);

    if (len) {
        tap_ok(rc == SCHEMA1_OK && buf.len == len
               && memcmp(buf.data, payload, len < strlen(payload)
                                            ? len : strlen(payload)) == 0,
               "%s: %zu bytes", title, buf.len);

    } else {
        tap_ok(rc == SCHEMA1_ERROR && buf.len == 0, "is refused: %s", title);
    }

    schema1_buf_free(&buf);
}
