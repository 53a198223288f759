
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <openssl/evp.h>

#include "schema1_base64.h"
#include "exact.h"
#include "tap.h"


#define TEST_CANARY  0xa5


static void test_encode(void);
static void test_blocks(void);
static void test_empty(void);
static void test_round_trip(void);
static void test_decode(const char *text, const char *want);
static void test_alphabet(void);
static void test_size(void);
static void test_stop(void);
static bool test_intact(const unsigned char *data, size_t from, size_t to);


static const char  test_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";


int
main(void)
{
    test_encode();
    test_blocks();
    test_empty();
    test_round_trip();

    /* RFC 4648, 10, without padding */

    test_decode("", "");
    test_decode("Zg", "f");
    test_decode("Zm8", "fo");
    test_decode("Zm9v", "foo");
    test_decode("Zm9vYg", "foob");
    test_decode("Zm9vYmE", "fooba");
    test_decode("Zm9vYmFy", "foobar");
    test_decode("_-__", "\xff\xef\xff");

    test_decode("Z", NULL);
    test_decode("Zm9vY", NULL);
    test_decode("Zg==", NULL);
    test_decode("Zm8=", NULL);
    test_decode("=", NULL);
    test_decode("====", NULL);
    test_decode("Zm9v=", NULL);
    test_decode("Zm9vYg==", NULL);
    test_decode("Zm=v", NULL);
    test_decode(" Zm9", NULL);
    test_decode("Zm9-Zm9+", NULL);
    test_decode("Zm9_Zm9/", NULL);

    test_alphabet();
    test_size();
    test_stop();

    return tap_done();
}


static void
test_encode(void)
{
    size_t         i;
    schema1_buf_t  plain, url;

    static const struct {
        const char       *data;
        const char       *plain;
        const char       *url;
    } texts[] = {
        { "f", "Zg==", "Zg" },
        { "fo", "Zm8=", "Zm8" },
        { "foo", "Zm9v", "Zm9v" },
        { "\xff\xef\xff", "/+//", "_-__" },
        { "\xff\xef\xfe\xfb", "/+/++w==", "_-_--w" }
    };

    memset(&plain, 0, sizeof(schema1_buf_t));
    schema1_base64_encode(&plain, (const unsigned char *) "", 0);
    schema1_base64url_encode(&plain, (const unsigned char *) "", 0);
    tap_ok(plain.len == 0 && !plain.failed, "no bytes are no characters");

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        memset(&plain, 0, sizeof(schema1_buf_t));
        memset(&url, 0, sizeof(schema1_buf_t));

        schema1_base64_encode(&plain, (const unsigned char *) texts[i].data,
                              strlen(texts[i].data));
        schema1_base64url_encode(&url, (const unsigned char *) texts[i].data,
                                 strlen(texts[i].data));

        tap_is(plain.data, plain.len, texts[i].plain, "base64");
        tap_is(url.data, url.len, texts[i].url, "base64url");

        schema1_buf_free(&plain);
        schema1_buf_free(&url);
    }
}


static void
test_blocks(void)
{
    int            n;
    size_t         i;
    schema1_buf_t  text;
    unsigned char  data[2 * SCHEMA1_BASE64_BYTES + 1];
    unsigned char  want[2 * SCHEMA1_BASE64_BLOCK_SIZE + 4];

    for (i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char) (i * 31 ^ i >> 7);
    }

    n = EVP_EncodeBlock(want, data, sizeof(data));

    memset(&text, 0, sizeof(schema1_buf_t));
    schema1_base64_encode(&text, data, sizeof(data));

    tap_ok(text.len == (size_t) n && memcmp(text.data, want, text.len) == 0,
           "blocks follow each other");

    schema1_buf_free(&text);
}


static void
test_empty(void)
{
    unsigned char  text[SCHEMA1_BASE64_BLOCK_SIZE + 1];

    text[0] = '=';

    tap_ok(schema1_base64url_block(text + 1, (const unsigned char *) "", 0)
           == 0, "no bytes have no digits, whatever is before them");
}


/* all lengths around the size of a block */

static void
test_round_trip(void)
{
    int            n;
    size_t         i, len, wrong;
    schema1_buf_t  text;
    schema1_str_t  str;
    unsigned char  data[3 * SCHEMA1_BASE64_BYTES], back[sizeof(data)];

    for (i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char) (i * 31 ^ i >> 7);
    }

    wrong = 0;

    for (len = 0; len <= sizeof(data); len++) {

        if (len > 16 && len % SCHEMA1_BASE64_BYTES > 4
            && len % SCHEMA1_BASE64_BYTES < SCHEMA1_BASE64_BYTES - 4)
        {
            continue;
        }

        memset(&text, 0, sizeof(schema1_buf_t));
        schema1_base64url_encode(&text, data, len);

        str.data = text.data;
        str.len = text.len;
        n = schema1_base64url_decode(back, len, str);

        if (n < 0 || (size_t) n != len || memcmp(back, data, len) != 0
            || text.len != (len * 4 + 2) / 3)
        {
            printf("# %zu bytes: %d\n", len, n);
            wrong++;
        }

        schema1_buf_free(&text);
    }

    tap_ok(wrong == 0, "encoded and decoded, %zu bytes and less are the same",
           sizeof(data));
}


static void
test_decode(const char *text, const char *want)
{
    int            n;
    unsigned char  data[16];

    n = schema1_base64url_decode(data, sizeof(data), exact_str(text));

    if (want == NULL) {
        tap_ok(n == SCHEMA1_ERROR, "\"%s\" is refused", text);

    } else {
        tap_ok(n == (int) strlen(want)
               && memcmp(data, want, strlen(want)) == 0,
               "\"%s\" is decoded", text);
    }
}


/* each byte at each place of a group, full or not */

static void
test_alphabet(void)
{
    int            n, ch;
    bool           valid;
    char           text[4];
    size_t         i, len, wrong;
    schema1_str_t  str;
    unsigned char  data[3];

    wrong = 0;
    str.data = text;

    for (len = 2; len <= sizeof(text); len++) {
        for (i = 0; i < len; i++) {
            for (ch = 0; ch < 256; ch++) {
                memset(text, 'A', sizeof(text));
                text[i] = (char) ch;
                str.len = len;

                valid = ch != '\0' && strchr(test_digits, ch) != NULL;
                n = schema1_base64url_decode(data, sizeof(data), str);

                if (n != (valid ? (int) len - 1 : SCHEMA1_ERROR)) {
                    printf("# byte %d, place %zu of %zu\n", ch, i, len);
                    wrong++;
                }
            }
        }
    }

    tap_ok(wrong == 0, "only the 64 digits of base64url are accepted");
}


/* the size is that of buffers on the stack, for texts of any length */

static void
test_size(void)
{
    int            n;
    size_t         len, size, bytes, wrong;
    char           text[24];
    schema1_str_t  str;
    unsigned char  data[24];

    wrong = 0;
    str.data = text;
    memset(text, '_', sizeof(text));

    for (len = 0; len <= sizeof(text); len++) {

        if (len % 4 == 1) {
            continue;
        }

        for (size = 0; size <= 18; size++) {
            memset(data, TEST_CANARY, sizeof(data));

            str.len = len;
            bytes = len * 3 / 4;
            n = schema1_base64url_decode(data, size, str);

            if (n != (bytes <= size ? (int) bytes : SCHEMA1_ERROR)
                || !test_intact(data, n < 0 ? 0 : bytes, sizeof(data)))
            {
                printf("# %zu characters, size %zu\n", len, size);
                wrong++;
            }
        }
    }

    tap_ok(wrong == 0, "nothing is written behind the given size");
}


static void
test_stop(void)
{
    int            n;
    unsigned char  data[16];

    memset(data, TEST_CANARY, sizeof(data));
    n = schema1_base64url_decode(data, sizeof(data),
                                 exact_str("Zm9vZm9!Zm9v"));

    tap_ok(n == SCHEMA1_ERROR && test_intact(data, 3, sizeof(data)),
           "nothing is decoded behind what is refused");
}


static bool
test_intact(const unsigned char *data, size_t from, size_t to)
{
    for (/* void */ ; from < to; from++) {
        if (data[from] != TEST_CANARY) {
            return false;
        }
    }

    return true;
}
