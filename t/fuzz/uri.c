
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* request targets */

#include "fuzz.h"
#include "schema1_digest.h"
#include "schema1_uri.h"


static void uri_check(const schema1_uri_t *uri);
static void uri_check_again(const schema1_uri_t *uri, bool encoded);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char           *copy, *buf;
    schema1_uri_t   uri;
    schema1_uri_e   kind;
    schema1_str_t   target;

    copy = fuzz_copy(&target, data, size);

    buf = malloc(size ? size : 1);
    fuzz_check(buf != NULL);

    kind = schema1_uri_read(&uri, target, buf);

    fuzz_check(kind == uri.kind);

    if (kind != SCHEMA1_URI_OTHER) {
        uri_check(&uri);
        uri_check_again(&uri, false);
        uri_check_again(&uri, true);
    }

    (void) schema1_uri_name_valid(target);
    (void) schema1_uri_tag_valid(target);
    (void) schema1_digest_valid(target);

    free(buf);
    free(copy);

    return 0;
}


static void
uri_check(const schema1_uri_t *uri)
{
    size_t  i;

    fuzz_check(schema1_uri_name_valid(uri->name));
    fuzz_check(uri->name.len >= 1 && uri->name.len <= 255);

    for (i = 0; i < uri->name.len; i++) {
        fuzz_check(strchr("abcdefghijklmnopqrstuvwxyz0123456789._-/",
                          uri->name.data[i])
                   != NULL && uri->name.data[i] != '\0');

        fuzz_check(i == 0 || uri->name.data[i] != '/'
                   || strchr("._-/", uri->name.data[i - 1]) == NULL);
    }

    fuzz_check(uri->name.data[0] != '/' && uri->name.data[0] != '.');

    for (i = 0; i < uri->reference.len; i++) {
        fuzz_check(uri->reference.data[i] > 0x20
                   && uri->reference.data[i] < 0x7f
                   && strchr("/?#%\"\\", uri->reference.data[i]) == NULL);
    }

    fuzz_check(i != 0);

    fuzz_check((memchr(uri->reference.data, ':', i) == NULL)
               == (uri->kind == SCHEMA1_URI_TAG));

    if (uri->kind == SCHEMA1_URI_TAG) {
        fuzz_check(schema1_uri_tag_valid(uri->reference));
        fuzz_check(i <= 128);
    }
}


/* what was read, put together and read again */

static void
uri_check_again(const schema1_uri_t *uri, bool encoded)
{
    char           *buf, hex[4];
    size_t          i;
    schema1_buf_t   text, coded;
    schema1_uri_t   again;

    memset(&text, 0, sizeof(schema1_buf_t));
    memset(&coded, 0, sizeof(schema1_buf_t));

    schema1_buf_puts(&text, "/v2/");
    schema1_buf_append(&text, uri->name.data, uri->name.len);
    schema1_buf_puts(&text, uri->kind == SCHEMA1_URI_BLOB ? "/blobs/"
                                                          : "/manifests/");
    schema1_buf_append(&text, uri->reference.data, uri->reference.len);

    for (i = 0; i < text.len; i++) {
        (void) snprintf(hex, sizeof(hex), i % 2 ? "%%%02x" : "%%%02X",
                        (unsigned char) text.data[i]);
        schema1_buf_puts(&coded, hex);
    }

    schema1_buf_putc(encoded ? &coded : &text, '?');
    schema1_buf_append(encoded ? &coded : &text, uri->args.data,
                       uri->args.len);

    fuzz_check(!text.failed && !coded.failed);

    buf = malloc(coded.len + text.len);
    fuzz_check(buf != NULL);

    fuzz_check(schema1_uri_read(&again, fuzz_buf(encoded ? &coded : &text),
                                buf)
               == uri->kind);
    fuzz_check(fuzz_same(uri->name, again.name));
    fuzz_check(fuzz_same(uri->reference, again.reference));
    fuzz_check(fuzz_same(uri->args, again.args));

    free(buf);
    schema1_buf_free(&text);
    schema1_buf_free(&coded);
}
