
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "schema1_base64.h"


static void schema1_base64url_replace(unsigned char *text, size_t len,
    int from, int to);


void
schema1_base64_encode(schema1_buf_t *buf, const unsigned char *data,
    size_t len)
{
    int            n;
    size_t         part;
    unsigned char  text[SCHEMA1_BASE64_BLOCK_SIZE];

    for (/* void */ ; len != 0; data += part, len -= part) {
        part = len < SCHEMA1_BASE64_BYTES ? len : SCHEMA1_BASE64_BYTES;

        n = EVP_EncodeBlock(text, data, (int) part);

        schema1_buf_append(buf, (const char *) text, (size_t) n);
    }
}


void
schema1_base64url_encode(schema1_buf_t *buf, const unsigned char *data,
    size_t len)
{
    size_t         n, part;
    unsigned char  text[SCHEMA1_BASE64_BLOCK_SIZE];

    for (/* void */ ; len != 0; data += part, len -= part) {
        part = len < SCHEMA1_BASE64_BYTES ? len : SCHEMA1_BASE64_BYTES;

        n = schema1_base64url_block(text, data, part);

        schema1_buf_append(buf, (const char *) text, n);
    }
}


size_t
schema1_base64url_block(unsigned char *text, const unsigned char *data,
    size_t len)
{
    int  n;

    n = EVP_EncodeBlock(text, data, (int) len);

    schema1_base64url_replace(text, (size_t) n, '+', '-');
    schema1_base64url_replace(text, (size_t) n, '/', '_');

    while (n != 0 && text[n - 1] == '=') {
        n--;
    }

    return (size_t) n;
}


static void
schema1_base64url_replace(unsigned char *text, size_t len, int from, int to)
{
    unsigned char  *p, *last;

    last = text + len;

    for (p = text; p < last; p++) {
        p = memchr(p, from, (size_t) (last - p));
        if (p == NULL) {
            return;
        }

        *p = (unsigned char) to;
    }
}


int
schema1_base64url_decode(unsigned char *data, size_t size, schema1_str_t text)
{
    int            rc;
    char           ch;
    size_t         i, j, n, len;
    unsigned char  in[4], out[3];

    len = text.len / 4 * 3 + (text.len % 4 ? text.len % 4 - 1 : 0);

    if (text.len % 4 == 1 || len > size || text.len > INT_MAX) {
        return SCHEMA1_ERROR;
    }

    rc = (int) len;

    for (i = 0; i < text.len; i += n) {
        memset(in, 'A', sizeof(in));

        for (n = 0; n < 4 && i + n < text.len; n++) {
            ch = text.data[i + n];

            /* OpenSSL refuses all other bytes, and the null character */

            if (strchr("+/=", ch) != NULL) {
                ch = '\0';
            }

            in[n] = (unsigned char) (ch == '-' ? '+' : ch == '_' ? '/' : ch);
        }

        if (EVP_DecodeBlock(out, in, 4) != 3) {
            rc = SCHEMA1_ERROR;
            break;
        }

        for (j = 0; j + 1 < n; j++) {
            *data++ = out[j];
        }
    }

    /* it may have been a private key */

    OPENSSL_cleanse(in, sizeof(in));
    OPENSSL_cleanse(out, sizeof(out));

    return rc;
}
