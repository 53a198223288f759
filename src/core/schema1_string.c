
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "schema1_string.h"


#define SCHEMA1_BUF_MIN  256


static bool schema1_buf_grow(schema1_buf_t *buf, size_t len, bool exact);
static size_t schema1_str_unquoted(schema1_str_t str, char separator);
static char schema1_lower(char ch);


void
schema1_buf_append(schema1_buf_t *buf, const char *data, size_t len)
{
    if (len == 0) {
        return;
    }

    if ((buf->failed || len > buf->size - buf->len)
        && !schema1_buf_grow(buf, len, false))
    {
        return;
    }

    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
}


void
schema1_buf_puts(schema1_buf_t *buf, const char *text)
{
    schema1_buf_append(buf, text, strlen(text));
}


void
schema1_buf_putc(schema1_buf_t *buf, char ch)
{
    schema1_buf_append(buf, &ch, 1);
}


void
schema1_buf_printf(schema1_buf_t *buf, const char *fmt, ...)
{
    int      len;
    char     text[SCHEMA1_BUF_LINE];
    va_list  args;

    va_start(args, fmt);
    len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    if (len < 0 || (size_t) len >= sizeof(text)) {
        buf->failed = true;
        return;
    }

    schema1_buf_append(buf, text, (size_t) len);
}


int
schema1_buf_write(const char *data, size_t len, void *buf)
{
    schema1_buf_append(buf, data, len);

    return 0;
}


void
schema1_buf_reserve(schema1_buf_t *buf, size_t len)
{
    (void) schema1_buf_grow(buf, len, true);
}


void
schema1_buf_free(schema1_buf_t *buf)
{
    free(buf->data);
    memset(buf, 0, sizeof(schema1_buf_t));
}


bool
schema1_str_caseeq(schema1_str_t str, const char *text)
{
    size_t  i;

    if (schema1_str_eq(str, text)) {
        return true;
    }

    if (strlen(text) != str.len) {
        return false;
    }

    for (i = 0; i < str.len; i++) {
        if (schema1_lower(str.data[i]) != schema1_lower(text[i])) {
            return false;
        }
    }

    return true;
}


schema1_str_t
schema1_str_cut(schema1_str_t *rest, char separator)
{
    size_t         len;
    const char    *end;
    schema1_str_t  part;

    part = *rest;

    if (rest->len == 0) {
        return part;
    }

    end = memchr(rest->data, separator, rest->len);
    len = (end != NULL) ? (size_t) (end - rest->data) : rest->len;

    if (memchr(rest->data, '"', len) != NULL) {
        len = schema1_str_unquoted(*rest, separator);
    }

    part.len = len;

    if (len < rest->len) {
        len++;
    }

    rest->data += len;
    rest->len -= len;

    return part;
}


schema1_str_t
schema1_str_line(schema1_str_t *rest)
{
    size_t         len;
    const char    *end;
    schema1_str_t  line;

    while (rest->len != 0) {
        line = *rest;
        end = memchr(line.data, '\n', line.len);

        if (end != NULL) {
            line.len = (size_t) (end - line.data);
        }

        len = line.len + (end != NULL);
        rest->data += len;
        rest->len -= len;

        if (line.len != 0 && line.data[line.len - 1] == '\r') {
            line.len--;
        }

        if (line.len != 0) {
            return line;
        }
    }

    return *rest;
}


schema1_str_t
schema1_str_trim(schema1_str_t str)
{
    while (str.len && (str.data[0] == ' ' || str.data[0] == '\t')) {
        str.data++;
        str.len--;
    }

    while (str.len
           && (str.data[str.len - 1] == ' ' || str.data[str.len - 1] == '\t'))
    {
        str.len--;
    }

    return str;
}


size_t
schema1_str_span(schema1_str_t str, const char *others)
{
    char    ch, lower;
    size_t  i;

    for (i = 0; i < str.len; i++) {
        ch = str.data[i];
        lower = ch | 0x20;

        if (!(ch >= '0' && ch <= '9') && !(lower >= 'a' && lower <= 'z')
            && (ch == '\0' || strchr(others, ch) == NULL))
        {
            break;
        }
    }

    return i;
}


int
schema1_hex(char ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    ch |= 0x20;

    if (ch >= 'a' && ch <= 'f') {
        return ch - 'a' + 10;
    }

    return -1;
}


void
schema1_hex_encode(char *hex, const unsigned char *data, size_t len)
{
    size_t             i;
    static const char  digits[] = "0123456789abcdef";

    for (i = 0; i < len; i++) {
        *hex++ = digits[data[i] >> 4];
        *hex++ = digits[data[i] & 15];
    }
}


ptrdiff_t
schema1_str_decode(schema1_str_t str, char *buf)
{
    int     high, low;
    size_t  i, len;

    len = 0;

    for (i = 0; i < str.len; i++) {

        if (str.data[i] != '%') {
            buf[len++] = str.data[i];
            continue;
        }

        if (str.len - i < 3) {
            return -1;
        }

        high = schema1_hex(str.data[i + 1]);
        low = schema1_hex(str.data[i + 2]);

        if (high < 0 || low < 0) {
            return -1;
        }

        buf[len++] = (char) (high << 4 | low);
        i += 2;
    }

    return (ptrdiff_t) len;
}


static bool
schema1_buf_grow(schema1_buf_t *buf, size_t len, bool exact)
{
    char    *data;
    size_t   size;

    if (buf->failed) {
        return false;
    }

    buf->full = (buf->limit && len > buf->limit - buf->len);

    if (buf->full || len > SIZE_MAX / 2 - buf->len) {
        buf->failed = true;
        return false;
    }

    if (len <= buf->size - buf->len) {
        return true;
    }

    size = buf->len + len;

    /* doubled, so that many small appends cost linear time */

    if (!exact && size < SCHEMA1_BUF_MIN) {
        size = SCHEMA1_BUF_MIN;

    } else if (!exact && size < 2 * buf->size) {
        size = 2 * buf->size;
    }

    if (buf->limit && size > buf->limit) {
        size = buf->limit;
    }

    data = realloc(buf->data, size);
    if (data == NULL) {
        buf->failed = true;
        return false;
    }

    buf->data = data;
    buf->size = size;

    return true;
}


/* how many bytes there are before a separator outside of quotes */

static size_t
schema1_str_unquoted(schema1_str_t str, char separator)
{
    bool    quoted;
    size_t  i;

    quoted = false;

    for (i = 0; i < str.len; i++) {

        if (str.data[i] == '"') {
            quoted = !quoted;

        } else if (quoted) {
            i += (str.data[i] == '\\');

        } else if (str.data[i] == separator) {
            break;
        }
    }

    return i < str.len ? i : str.len;
}


static char
schema1_lower(char ch)
{
    return (ch >= 'A' && ch <= 'Z') ? (char) (ch | 0x20) : ch;
}
