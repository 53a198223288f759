
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * No part of a private key or a password remains on the stack, or in memory
 * that the core or BN_free() frees.  Keys are read in a thread, whose stack is
 * searched when it has ended; blocks are searched before they are freed.
 * OpenSSL's base64 decoders are searched in the end, since their memory is
 * given out again.  What else OpenSSL frees is not: its other decoders and its
 * providers leave parts of a key, depending on the version.
 */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "schema1_base64.h"
#include "schema1_key.h"
#include "alloc.h"
#include "keys.h"
#include "tap.h"


#if (ALLOC_HOOKED)

#define TEST_STACK     (128 * 1024)
#define TEST_SECRETS   1024
#define TEST_PIECE     12
#define TEST_DECODERS  64

#define TEST_PASSWORD  "a-password-that-is-one-of-a-kind"
#define TEST_WRONG     "another-password-of-no-use-at-all"


typedef struct {
    schema1_str_t         data;
    const schema1_str_t  *passwords;
    schema1_key_t        *key;
    unsigned long         countdown;    /* to the allocation that fails */
    schema1_error_t       err;
} test_read_t;


static void test_secret(const void *data, size_t len);
static void test_secret_lines(const char *pem);
static void test_secret_jwk(const char *jwk, const char *name);
static bool test_holds(const void *data, size_t len);
static void test_freed(void *p, size_t size);
static void *test_malloc(size_t size, const char *file, int line);
static void *test_realloc(void *p, size_t size, const char *file, int line);
static void test_free(void *p, const char *file, int line);
static void *test_thread(void *data);
static size_t test_run(test_read_t *read);
static void test_clean(const char *title, const char *data,
    const schema1_str_t *passwords, bool good);
static void test_finds(void);
static void test_jwk(const char *title, const char *jwk, bool checked);
static void test_pem(bool encrypted);
static void test_headed(void);
static void test_memory(const char *title, const char *data);


static size_t          test_nsecrets;
static unsigned char   test_secrets[TEST_SECRETS][TEST_PIECE];
static bool            test_begins[256][256];
static unsigned char  *test_stack;
static unsigned        test_blocks;
static void           *test_decoders[TEST_DECODERS];
static size_t          test_ndecoders;


int
main(void)
{
    if (!alloc_hooked()) {
        printf("1..0 # SKIP the allocator is another one\n");
        return 0;
    }

    if (CRYPTO_set_mem_functions(test_malloc, test_realloc, test_free) != 1) {
        printf("1..0 # SKIP OpenSSL has an allocator of its own\n");
        return 0;
    }

    test_stack = __libc_malloc(TEST_STACK);

    test_secret(TEST_PASSWORD, strlen(TEST_PASSWORD));
    test_secret(TEST_WRONG, strlen(TEST_WRONG));

    test_finds();
    test_jwk("EC", TEST_JWK_EC256, true);
    test_jwk("P-521", TEST_JWK_EC521, true);
    test_jwk("RSA", TEST_JWK_RSA, false);
    test_memory("a JWK", TEST_JWK_EC256);
    test_pem(false);
    test_pem(true);
    test_headed();

    __libc_free(test_stack);

    return tap_done();
}


/* pieces, so that a part that is left is found as well */

static void
test_secret(const void *data, size_t len)
{
    size_t                i;
    const unsigned char  *p = data;

    for (i = 0; i + TEST_PIECE <= len && test_nsecrets < TEST_SECRETS;
         i += TEST_PIECE)
    {
        memcpy(test_secrets[test_nsecrets++], p + i, TEST_PIECE);
        test_begins[p[i]][p[i + 1]] = true;
    }
}


/* a key's text but headers and its first line, where types and lengths are */

static void
test_secret_lines(const char *pem)
{
    const char  *end;

    while (*pem != '\0') {
        end = strchr(pem, '\n');

        if (end == NULL) {
            break;
        }

        if (*pem != '-' && strncmp(pem, "MI", 2) != 0
            && memchr(pem, ':', (size_t) (end - pem)) == NULL)
        {
            test_secret(pem, (size_t) (end - pem));
        }

        pem = end + 1;
    }
}


/* a member's text and its bytes, in both orders */

static void
test_secret_jwk(const char *jwk, const char *name)
{
    int             i, n;
    char            member[16];
    const char     *p;
    schema1_str_t   text;
    unsigned char   bytes[512], words[512];

    (void) snprintf(member, sizeof(member), "\"%s\":\"", name);

    p = strstr(jwk, member);
    if (p == NULL) {
        return;
    }

    text.data = p + strlen(member);
    text.len = (size_t) (strchr(text.data, '"') - text.data);

    n = schema1_base64url_decode(bytes, sizeof(bytes), text);

    test_secret(text.data, text.len < 48 ? text.len : 48);
    test_secret(bytes + 2, n < 38 ? (size_t) n - 2 : 36);

    /* as a BIGNUM has it: the least word first, on most processors */

    for (i = 0; i < n; i++) {
        words[i] = bytes[n - 1 - i];
    }

    test_secret(words, n < 38 ? (size_t) n - 2 : 36);
}


static bool
test_holds(const void *data, size_t len)
{
    size_t                i, j;
    const unsigned char  *p = data;

    for (i = 0; i + TEST_PIECE <= len; i++) {
        if (!test_begins[p[i]][p[i + 1]]) {
            continue;
        }

        for (j = 0; j < test_nsecrets; j++) {
            if (memcmp(p + i, test_secrets[j], TEST_PIECE) == 0)
            {
                return true;
            }
        }
    }

    return false;
}


static void
test_freed(void *p, size_t size)
{
    test_blocks += test_holds(p, size);
}


/* OpenSSL's: it tells who calls */

static void *
test_malloc(size_t size, const char *file, int line)
{
    (void) line;

    if (alloc_fails()) {
        return NULL;
    }

    /* OpenSSL 3.5 does not always tell */

    if (file != NULL && strstr(file, "encode.c") != NULL && test_ndecoders != 0
        && malloc_usable_size(test_decoders[test_ndecoders - 1]) >= size)
    {
        return test_decoders[--test_ndecoders];
    }

    /* what was in that memory before is not this block's */

    return __libc_calloc(1, size);
}


static void *
test_realloc(void *p, size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

    return alloc_fails() ? NULL : __libc_realloc(p, size);
}


static void
test_free(void *p, const char *file, int line)
{
    (void) line;

    if (file == NULL) {
        __libc_free(p);
        return;
    }

    if (alloc_freed && p && strstr(file, "encode.c") != NULL
        && test_ndecoders < TEST_DECODERS)
    {
        test_decoders[test_ndecoders++] = p;
        return;
    }

    if (alloc_freed && p
        && (strstr(file, "schema1_") != NULL
            || strstr(file, "bn_lib.c") != NULL))
    {
        alloc_freed(p, malloc_usable_size(p));
    }

    __libc_free(p);
}


static void *
test_thread(void *data)
{
    test_read_t *read = data;

    alloc_countdown = read->countdown;

    read->key = schema1_key_read(read->data, read->passwords, &read->err);

    read->countdown = alloc_countdown;
    alloc_countdown = 0;

    schema1_key_free(read->key);

    return NULL;
}


/* the places where something is left */

static size_t
test_run(test_read_t *read)
{
    size_t          i, left;
    pthread_t       thread;
    pthread_attr_t  attr;

    memset(test_stack, 0, TEST_STACK);
    test_blocks = 0;
    read->key = NULL;

    (void) pthread_attr_init(&attr);
    (void) pthread_attr_setstack(&attr, test_stack, TEST_STACK);

    alloc_freed = test_freed;

    if (pthread_create(&thread, &attr, test_thread, read) == 0) {
        (void) pthread_join(thread, NULL);
    }

    alloc_freed = NULL;
    (void) pthread_attr_destroy(&attr);

    for (i = 0; i < test_ndecoders; i++) {
        test_freed(test_decoders[i], malloc_usable_size(test_decoders[i]));
    }

    left = test_blocks + test_holds(test_stack, TEST_STACK)
           + test_holds(read->err.message, strlen(read->err.message));

    return left;
}


static void
test_clean(const char *title, const char *data,
    const schema1_str_t *passwords, bool good)
{
    size_t       left;
    test_read_t  read;

    memset(&read, 0, sizeof(test_read_t));

    read.data.data = data;
    read.data.len = strlen(data);
    read.passwords = passwords;

    /*
     * where a function is called for the first time, the dynamic linker may
     * save registers on the stack with what is in them
     */

    (void) test_run(&read);
    left = test_run(&read);

    tap_ok(left == 0 && (read.key != NULL) == good,
           "%s: nothing is left (%zu; blocks %u; %s)", title, left,
           test_blocks, read.key ? "read" : read.err.message);
}


/* this test itself */

static void
test_finds(void)
{
    char *volatile  p;          /* a compiler keeps what is written there */

    alloc_freed = test_freed;
    test_blocks = 0;

    p = malloc(100);
    memset(p, 0, 100);
    free(p);
    tap_ok(test_blocks == 0, "an empty block contains no secret");

    p = malloc(100);
    memset(p, 0, 100);
    memcpy(p + 31, TEST_PASSWORD, strlen(TEST_PASSWORD));
    p = realloc(p, 100000);
    tap_ok(test_blocks == 1, "a block that moved is found");

    free(p);
    tap_ok(test_blocks == 2, "a block that is freed is found");

    alloc_freed = NULL;
}


static void
test_jwk(const char *title, const char *jwk, bool checked)
{
    char                *text, *p;
    size_t               i;
    static const char   *members[] = { "d", "p", "q", "dp", "dq", "qi" };

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        test_secret_jwk(jwk, members[i]);
    }

    printf("# %s\n", title);
    test_clean("a JWK", jwk, NULL, true);

    text = strdup(jwk);

    /* "d" is not that of "x" and "y"; RSA is read by its primes */

    p = strchr(strstr(text, "\"d\":\"") + 5, '"');
    p[-3] = p[-3] == 'A' ? 'B' : 'A';
    test_clean("of another key", text, NULL, !checked);

    if (!checked) {
        p = strstr(text, "\"n\":\"");
        p[1] = 'N';
        test_clean("without a modulus", text, NULL, false);
        p[1] = 'n';
        p = strchr(strstr(text, "\"d\":\"") + 5, '"');
    }

    p[-3] = '*';
    test_clean("no base64url", text, NULL, false);

    p = strstr(text, "\"kty\":\"");
    p[7] = 'X';
    test_clean("of another type", text, NULL, false);

    text[strlen(text) - 1] = '\0';
    test_clean("cut off", text, NULL, false);

    free(text);
}


static void
test_pem(bool encrypted)
{
    BIO                   *bio;
    char                  *data, *text;
    long                   len;
    EVP_PKEY              *pkey;
    EVP_PKEY_CTX          *ctx;
    schema1_str_t          right = schema1_string(TEST_WRONG "\n"
                                                  TEST_PASSWORD "\n");
    schema1_str_t          wrong = schema1_string(TEST_WRONG);

    pkey = NULL;
    ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);

    (void) EVP_PKEY_keygen_init(ctx);
    (void) EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_secp521r1);
    (void) EVP_PKEY_keygen(ctx, &pkey);

    bio = BIO_new(BIO_s_mem());
    (void) PEM_write_bio_PKCS8PrivateKey(bio, pkey,
                                         encrypted ? EVP_aes_256_cbc() : NULL,
                                         NULL, 0, NULL,
                                         encrypted ? TEST_PASSWORD : NULL);
    len = BIO_get_mem_data(bio, &data);

    text = calloc(1, (size_t) len + 1);
    memcpy(text, data, (size_t) len);

    test_secret_lines(text);

    if (encrypted) {
        test_clean("the right password", text, &right, true);
        test_clean("a wrong password", text, &wrong, false);

    } else {
        test_clean("a PEM", text, NULL, true);

        text[len / 2] = '*';
        test_clean("a broken PEM", text, NULL, false);
    }

    free(text);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(ctx);
}


static void
test_headed(void)
{
    int             n;
    const char     *p;
    unsigned char   der[49];

    /* the private number is in the first line: ECPrivateKey, 7 bytes before */

    p = strstr(TEST_PEM_LIBTRUST, "\n\n") + 2;
    n = EVP_DecodeBlock(der, (const unsigned char *) p, 64);

    tap_ok(n == 48 && der[0] == 0x30 && der[5] == 0x04 && der[6] == 32,
           "the key's first line contains its private number");
    test_secret(der + 7, 32);

    test_clean("libtrust's PEM", TEST_PEM_LIBTRUST, NULL, true);
    test_memory("libtrust's PEM", TEST_PEM_LIBTRUST);
}


/* allocations fail, some hundred of them, each in a reading of its own */

static void
test_memory(const char *title, const char *data)
{
    size_t         left;
    test_read_t    read;
    unsigned long  n;

    left = 0;

    memset(&read, 0, sizeof(test_read_t));
    read.data.data = data;
    read.data.len = strlen(data);

    for (n = 1; left == 0; n += n < 100 ? 1 : 37) {
        read.countdown = n;
        left = test_run(&read);

        if (read.countdown != 0) {
            break;
        }
    }

    tap_ok(left == 0 && n > 3, "%s: nothing is left where one of %lu "
           "allocations fails", title, n - 1);
}


#else

int
main(void)
{
    printf("1..0 # SKIP the allocator is another one\n");
    return 0;
}

#endif
