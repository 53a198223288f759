
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_json.h"
#include "schema1_utf8.h"


static const char *schema1_json_write_chars(schema1_writer_t *writer,
    const char *p, const char *last, bool decode);
static const char *schema1_json_write_plain(const char *p, const char *last);
static void schema1_json_write_rune(schema1_writer_t *writer, unsigned rune);


static inline void
schema1_json_write_bytes(schema1_writer_t *writer, const char *data,
    size_t len)
{
    schema1_buf_t  *buf;

    writer->len += len;
    buf = writer->buf;

    if (buf == NULL || len == 0) {
        return;
    }

    if (len > buf->size - buf->len) {
        writer->buf = NULL;
        return;
    }

    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
}


void
schema1_json_write(schema1_writer_t *writer, const char *data, size_t len)
{
    size_t  i, start;

    if (!writer->nested) {
        schema1_json_write_bytes(writer, data, len);
        return;
    }

    for (i = 0, start = 0; i < len; i++) {
        if (data[i] == '"' || data[i] == '\\') {
            schema1_json_write_bytes(writer, data + start, i - start);
            schema1_json_write_bytes(writer, "\\", 1);
            start = i;
        }
    }

    schema1_json_write_bytes(writer, data + start, len - start);
}


void
schema1_json_write_ascii(schema1_writer_t *writer, const char *text)
{
    schema1_json_write(writer, text, strlen(text));
}


void
schema1_json_write_string(schema1_writer_t *writer, schema1_str_t token)
{
    const char  *p, *last;

    p = schema1_json_content(token, &last);

    (void) schema1_json_write_chars(writer, p, last, true);
}


/*
 * Only a few bytes are not copied: white space between the values, and in the
 * strings quotes, backslashes and what schema1_json_write_rune() escapes.
 */

void
schema1_json_write_compact(schema1_writer_t *writer, schema1_str_t token)
{
    const char  *p, *last, *start;

    p = token.data;
    last = p + token.len;

    while (p < last) {

        if (*p == '"') {
            p = schema1_json_write_chars(writer, p + 1, last, false);
            continue;
        }

        start = p;

        while (p < last && *p != '"' && !schema1_json_is_space(*p)) {
            p++;
        }

        schema1_json_write_bytes(writer, start, (size_t) (p - start));

        p = schema1_json_skip_space(p, last);
    }
}


/*
 * A string whose content is at "p", and its quotes; returns its end.  Escapes
 * and invalid UTF-8 are decoded, or kept: in a string of a string the latter
 * has to be escaped.
 */

static const char *
schema1_json_write_chars(schema1_writer_t *writer, const char *p,
    const char *last, bool decode)
{
    unsigned     rune;
    const char  *start;

    schema1_json_write(writer, "\"", 1);

    for ( ;; ) {
        start = p;
        p = schema1_json_write_plain(p, last);

        schema1_json_write_bytes(writer, start, (size_t) (p - start));

        if (p == last || *p == '"') {
            break;
        }

        if (*p == '\\' && !decode) {
            schema1_json_write(writer, p, 2);
            p += 2;
            continue;
        }

        start = p;
        rune = schema1_json_rune(&p, last);

        if (decode || rune != SCHEMA1_UTF8_REPLACEMENT || p - start > 1) {
            schema1_json_write_rune(writer, rune);

        } else if (writer->nested) {
            schema1_json_write_bytes(writer, "\\ufffd", 6);

        } else {
            schema1_json_write_bytes(writer, start, 1);
        }
    }

    schema1_json_write(writer, "\"", 1);

    return p < last ? p + 1 : last;
}


/* the end of what is written as it is, in a string of a string too */

static const char *
schema1_json_write_plain(const char *p, const char *last)
{
    unsigned char  ch;

    static const uint32_t  plain[] = {
        0x00000000, /* 0000 0000 0000 0000  0000 0000 0000 0000 */

                    /* ?>=< ;:98 7654 3210  /.-, +*)( '&%$ #"!  */
        0xafffffbb, /* 1010 1111 1111 1111  1111 1111 1011 1011 */

                    /* _^]\ [ZYX WVUT SRQP  ONML KJIH GFED CBA@ */
        0xefffffff, /* 1110 1111 1111 1111  1111 1111 1111 1111 */

                    /*  ~}| {zyx wvut srqp  onml kjih gfed cba` */
        0xffffffff, /* 1111 1111 1111 1111  1111 1111 1111 1111 */

        0x00000000,
        0x00000000,
        0x00000000,
        0x00000000
    };

    while (p < last) {
        ch = (unsigned char) *p;

        if (!(plain[ch >> 5] & (1U << (ch & 0x1f)))) {
            break;
        }

        p++;
    }

    return p;
}


/* encoding/json with HTML escapes, Go 1.19 */

static void
schema1_json_write_rune(schema1_writer_t *writer, unsigned rune)
{
    char           text[6];
    size_t         len;
    unsigned char  bytes[2];

    text[0] = '\\';
    len = 2;

    switch (rune) {

    case '"':
    case '\\':
        text[1] = (char) rune;
        break;

    case '\n':
        text[1] = 'n';
        break;

    case '\r':
        text[1] = 'r';
        break;

    case '\t':
        text[1] = 't';
        break;

    default:

        if (rune >= 0x20 && rune != '<' && rune != '>' && rune != '&'
            && rune != 0x2028 && rune != 0x2029)
        {
            len = schema1_utf8_encode(rune, text);
            break;
        }

        bytes[0] = (unsigned char) (rune >> 8);
        bytes[1] = (unsigned char) (rune & 0xff);

        text[1] = 'u';
        schema1_hex_encode(text + 2, bytes, sizeof(bytes));
        len = 6;
    }

    schema1_json_write(writer, text, len);
}
