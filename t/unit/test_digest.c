
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <openssl/err.h>
#include <openssl/evp.h>

#include "schema1_digest.h"
#include "exact.h"
#include "tap.h"


/* FIPS 180-4 examples: "abc" */

#define TEST_256                                                              \
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define TEST_384                                                              \
    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"        \
    "8086072ba1e7cc2358baeca134c825a7"
#define TEST_512                                                              \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"        \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"


static void test_fetch(void);
static void test_forms(void);
static void test_characters(void);
static void test_well_formed(void);
static void test_check(void);
static void test_verify(void);


static const char  *test_valid[] = {
    "sha256:" TEST_256,
    "sha384:" TEST_384,
    "sha512:" TEST_512
};


static const char  *test_invalid[] = {
    "",
    ":",
    "sha256",
    "sha256:",
    "sha256:" TEST_384,
    "sha512:" TEST_256,
    "SHA256:" TEST_256,
    "sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
    "sha256:" TEST_256 "0",
    " sha256:" TEST_256,
    "sha256: " TEST_256,
    "sha1:a9993e364706816aba3e25717850c26c9cd0d89d",
    "md5:900150983cd24fb0d6963f7d28e17f72",
    TEST_256
};


int
main(void)
{
    test_fetch();
    test_forms();
    test_characters();
    test_well_formed();
    test_check();
    test_verify();

    return tap_done();
}


/* the first use looks SHA-256 up, which fails if no provider has it */

static void
test_fetch(void)
{
#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)

    const EVP_MD  *md;

    (void) EVP_set_default_properties(NULL, "provider=none");

    tap_ok(schema1_digest_sha256() != NULL,
           "SHA-256 is known if its lookup fails");

    (void) EVP_set_default_properties(NULL, "");

    md = schema1_digest_sha256();
    tap_ok(EVP_MD_get0_provider(md) != NULL,
           "SHA-256 is looked up again after a failure");

    (void) EVP_set_default_properties(NULL, "provider=none");

    tap_ok(schema1_digest_sha256() == md, "SHA-256 is looked up once");

    (void) EVP_set_default_properties(NULL, "");

#endif

    tap_ok(ERR_peek_error() == 0, "a failed lookup leaves no error behind");
}


static void
test_forms(void)
{
    char           hex[64];
    size_t         i;
    schema1_str_t  part;

    for (i = 0; i < sizeof(test_valid) / sizeof(test_valid[0]); i++) {
        tap_ok(schema1_digest_valid(exact_str(test_valid[i])), "valid: %s",
               test_valid[i]);
    }

    for (i = 0; i < sizeof(test_invalid) / sizeof(test_invalid[0]); i++) {
        tap_ok(!schema1_digest_valid(exact_str(test_invalid[i])),
               "invalid: \"%s\"", test_invalid[i]);
    }

    part = schema1_digest_hex(exact_str("sha256:abc"));
    tap_is(part.data, part.len, "abc",
           "the hex of a digest follows the colon");

    part = schema1_digest_hex(exact_str("none"));
    tap_ok(part.len == 0, "a digest without a colon has no hex");

    tap_ok(schema1_digest_sha256_hex(exact_str("abc"), hex) == SCHEMA1_OK
           && memcmp(hex, TEST_256, 64) == 0, "SHA-256 is written in hex");
}


/* a digest becomes a part of a URL's path: any byte in any place of its hex */

static void
test_characters(void)
{
    int            ch;
    char          *hex, kept;
    size_t         i, j;
    unsigned       valid;
    schema1_str_t  digest;

    for (i = 0; i < sizeof(test_valid) / sizeof(test_valid[0]); i++) {
        digest = exact_str(test_valid[i]);
        hex = (char *) digest.data + 7;

        for (j = 0; j < digest.len - 7; j++) {
            kept = hex[j];

            for (valid = 0, ch = 0; ch < 256; ch++) {
                hex[j] = (char) ch;

                if (schema1_digest_valid(digest)) {
                    valid += memchr("0123456789abcdef", ch, 16) ? 1 : 1000;
                }
            }

            hex[j] = kept;

            if (valid != 16) {
                break;
            }
        }

        tap_ok(j == digest.len - 7 && schema1_digest_valid(digest),
               "%.6s: each place of the hex accepts 16 of 256 bytes",
               test_valid[i]);
    }
}


/*
 * image-spec, descriptor.md, "Digests": components of [a-z0-9]+ with one of
 * [+._-] between two, a colon, [a-zA-Z0-9=_-]+
 */

static void
test_well_formed(void)
{
    int            ch;
    char          *p;
    size_t         i, k, wrong;
    schema1_str_t  digest;

#define LOWER  "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

    static const struct {
        const char  *digest;        /* "?" is any byte */
        const char  *allowed;
    } cases[] = {
        { "?:0", LOWER },
        { "?a:0", LOWER },
        { "a?:0", LOWER },
        { "a?b:0", LOWER "+._-" },
        { "a+?b:0", LOWER },
        { "a:?", LOWER UPPER "=_-" },
        { "a:0?", LOWER UPPER "=_-" },
        { "a:?0", LOWER UPPER "=_-" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        digest = exact_str(cases[i].digest);
        p = (char *) digest.data + strcspn(cases[i].digest, "?");

        for (wrong = 0, ch = 1; ch < 256; ch++) {
            *p = (char) ch;

            wrong += schema1_digest_well_formed(digest)
                     != (strchr(cases[i].allowed, ch) != NULL);
        }

        *p = '\0';
        wrong += schema1_digest_well_formed(digest);

        tap_ok(wrong == 0, "well-formed digests: %s", cases[i].digest);
    }

    digest = exact_str("a:0");

    for (k = 0; k < 3; k++) {
        digest.len = k;
        tap_ok(!schema1_digest_well_formed(digest),
               "not a well-formed digest: %.*s", (int) k, "a:0");
    }
}


/* a message has the part of a digest that may be one */

static void
test_check(void)
{
    size_t           i;
    schema1_error_t  err;

    static const struct {
        const char  *digest;
        const char  *message;       /* NULL: the digest is valid */
    } cases[] = {
        { "sha512:" TEST_512, NULL },
        { "", "the digest \"\" of it is not" },
        { "sha256:00", "the digest \"sha256:00\" of it is not" },
        { "sha512:" TEST_512 "0", "\"sha512:" TEST_512 "\" of it is not" },
        { "sha256:" TEST_256 TEST_256 "0123",
          "\"sha256:" TEST_256 TEST_256 "\" of it is not" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&err, 0, sizeof(schema1_error_t));

        if (schema1_digest_check(exact_str(cases[i].digest), "it", &err)
            == SCHEMA1_OK)
        {
            tap_ok(cases[i].message == NULL, "a valid digest is accepted");

        } else {
            tap_ok(err.reason == SCHEMA1_INVALID_MANIFEST
                   && cases[i].message != NULL
                   && strstr(err.message, cases[i].message) != NULL,
                   "an invalid digest is named: %s", err.message);
        }
    }
}


static void
test_verify(void)
{
    size_t           i;
    schema1_error_t  err;

    for (i = 0; i < sizeof(test_valid) / sizeof(test_valid[0]); i++) {
        tap_ok(schema1_digest_verify(exact_str(test_valid[i]),
                                     exact_str("abc"), "config", &err)
               == SCHEMA1_OK, "%.6s verifies", test_valid[i]);

        memset(&err, 0, sizeof(schema1_error_t));

        tap_ok(schema1_digest_verify(exact_str(test_valid[i]),
                                     exact_str("abd"), "config", &err)
               == SCHEMA1_ERROR
               && err.reason == SCHEMA1_DIGEST_MISMATCH
               && strstr(err.message, "config") != NULL,
               "%.6s finds another document", test_valid[i]);
    }

    for (i = 0; i < sizeof(test_invalid) / sizeof(test_invalid[0]); i++) {
        memset(&err, 0, sizeof(schema1_error_t));

        tap_ok(schema1_digest_verify(exact_str(test_invalid[i]),
                                     exact_str("abc"), "manifest", &err)
               == SCHEMA1_ERROR
               && err.reason == SCHEMA1_DIGEST_UNSUPPORTED
               && strstr(err.message, "manifest") != NULL,
               "cannot be verified: \"%s\"", test_invalid[i]);
    }

    tap_ok(schema1_digest_verify(exact_str("sha256:ba7816bf8f01cfea414140de5da"
                                           "e2223b00361a396177a9cb410ff61f200"
                                           "15ae"),
                                 exact_str("abc"), "config", &err)
           == SCHEMA1_ERROR && err.reason == SCHEMA1_DIGEST_MISMATCH,
           "a wrong last digit is a mismatch");

    tap_ok(ERR_peek_error() == 0, "OpenSSL's error queue is empty");
}
