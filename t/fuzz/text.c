
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* base64 in both spellings, digests, error bodies */

#include <jansson.h>
#include <openssl/evp.h>

#include "fuzz.h"
#include "schema1_base64.h"
#include "schema1_digest.h"


static void text_check_base64(schema1_str_t data);
static void text_check_decode(schema1_str_t text);
static void text_check_digest(schema1_str_t digest, schema1_str_t data);
static void text_check_error(schema1_str_t name, schema1_str_t tag);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char           *copy;
    schema1_str_t   input, digest;

    copy = fuzz_copy(&input, data, size);

    text_check_base64(input);
    text_check_decode(input);

    digest = fuzz_part(&input, '\n');

    text_check_digest(digest, input);
    text_check_error(digest, input);

    free(copy);

    return 0;
}


static void
text_check_base64(schema1_str_t data)
{
    int                   n;
    unsigned char        *want, *back;
    schema1_buf_t         buf;
    const unsigned char  *bytes;

    bytes = (const unsigned char *) data.data;

    want = malloc(data.len * 4 / 3 + 8);
    back = malloc(data.len + 1);
    fuzz_check(want != NULL && back != NULL);

    memset(&buf, 0, sizeof(schema1_buf_t));

    schema1_base64_encode(&buf, bytes, data.len);
    n = EVP_EncodeBlock(want, bytes, (int) data.len);

    fuzz_check((size_t) n == buf.len
               && (n == 0 || memcmp(want, buf.data, buf.len) == 0));

    schema1_buf_free(&buf);
    schema1_base64url_encode(&buf, bytes, data.len);

    n = schema1_base64url_decode(back, data.len, fuzz_buf(&buf));

    fuzz_check((size_t) n == data.len
               && (n == 0 || memcmp(back, bytes, data.len) == 0));

    /* not one byte of room too few */

    fuzz_check(data.len == 0
               || schema1_base64url_decode(back, data.len - 1, fuzz_buf(&buf))
                  == SCHEMA1_ERROR);

    schema1_buf_free(&buf);
    free(want);
    free(back);
}


static void
text_check_decode(schema1_str_t text)
{
    int             n;
    size_t          i;
    schema1_buf_t   buf;
    unsigned char  *data;

    data = malloc(text.len + 1);
    fuzz_check(data != NULL);

    n = schema1_base64url_decode(data, text.len, text);

    if (n >= 0) {
        memset(&buf, 0, sizeof(schema1_buf_t));

        schema1_base64url_encode(&buf, data, (size_t) n);

        /* all but the last character, whose spare bits may differ */

        fuzz_check(buf.len == text.len);

        for (i = 0; i + 1 < text.len; i++) {
            fuzz_check(buf.data[i] == text.data[i]);
        }

        schema1_buf_free(&buf);
    }

    free(data);
}


static void
text_check_digest(schema1_str_t digest, schema1_str_t data)
{
    int              rc;
    char             hex[65], own[64];
    size_t           i;
    schema1_str_t    part;
    schema1_error_t  err;

    memset(&err, 0, sizeof(schema1_error_t));

    fuzz_sha256(data, hex);

    fuzz_check(schema1_digest_sha256_hex(data, own) == SCHEMA1_OK);
    fuzz_check(memcmp(hex, own, sizeof(own)) == 0);

    rc = schema1_digest_verify(digest, data, "config", &err);

    if (!schema1_digest_valid(digest)) {
        fuzz_check(rc == SCHEMA1_ERROR);
        fuzz_check(err.reason == SCHEMA1_DIGEST_UNSUPPORTED);
        fuzz_check_error(&err);
        return;
    }

    part = schema1_digest_hex(digest);

    fuzz_check(digest.len <= SCHEMA1_DIGEST_MAX);
    fuzz_check(part.len == 64 || part.len == 96 || part.len == 128);

    for (i = 0; i < part.len; i++) {
        fuzz_check(strchr("0123456789abcdef", part.data[i]) != NULL);
    }

    if (part.len == 64) {
        fuzz_check((rc == SCHEMA1_OK)
                   == (memcmp(hex, part.data, part.len) == 0));
    }

    if (rc != SCHEMA1_OK) {
        fuzz_check(err.reason == SCHEMA1_DIGEST_MISMATCH);
        fuzz_check_error(&err);
    }
}


static void
text_check_error(schema1_str_t name, schema1_str_t tag)
{
    int               rc;
    bool              failed;
    json_t           *json;
    schema1_buf_t     body, again;
    schema1_error_t   err;

    memset(&err, 0, sizeof(schema1_error_t));
    memset(&body, 0, sizeof(schema1_buf_t));

    schema1_error_note(err.source_digest, sizeof(err.source_digest), name);
    schema1_error_note(err.media_type, sizeof(err.media_type), tag);
    schema1_error_note(err.platform, sizeof(err.platform), name);
    schema1_error_set(&err, (schema1_reason_e)
                            (1 + name.len % (SCHEMA1_REASON_MAX - 1)),
                      "what \"%.*s\" and \"%.*s\"", (int) name.len, name.data,
                      (int) tag.len, tag.data);

    fuzz_check_error(&err);

    fuzz_check(schema1_error_body(&err, name, tag, &body) == SCHEMA1_OK);

    json = json_loadb(body.data, body.len, 0, NULL);
    fuzz_check(json != NULL);

    fuzz_check(strcmp(json_string_value(
                          json_object_get(json_array_get(
                              json_object_get(json, "errors"), 0),
                              "message")),
                      err.message)
               == 0);

    json_decref(json);

    /* jansson's allocations fail too: then the whole body, or an error */

    json_set_alloc_funcs(malloc, free);

    (void) fuzz_memory_fail(1 + (name.len + 7 * tag.len) % 64);

    memset(&again, 0, sizeof(schema1_buf_t));

    rc = schema1_error_body(&err, name, tag, &again);
    failed = fuzz_memory_fail(0);

    fuzz_check(failed || rc == SCHEMA1_OK);
    fuzz_check(rc != SCHEMA1_OK
               || fuzz_same(fuzz_buf(&body), fuzz_buf(&again)));

    schema1_buf_free(&again);
    schema1_buf_free(&body);
}
