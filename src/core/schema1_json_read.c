
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "schema1_json.h"
#include "schema1_utf8.h"


#define SCHEMA1_LONG_S  0x17f
#define SCHEMA1_KELVIN  0x212a

/* a byte of a string that is a character by itself: ASCII, no escape */
#define schema1_json_is_plain(ch)  ((unsigned char) (ch) < 0x80 && (ch) != '\\')


static SCHEMA1_INLINE bool schema1_json_match(schema1_str_t token,
    const char *text, bool fold);
static SCHEMA1_INLINE unsigned schema1_json_fold(unsigned rune);
static const char *schema1_json_skip_string(const char *p, const char *last);


void
schema1_json_open(schema1_json_t *json, schema1_str_t document)
{
    json->pos = document.data;
    json->last = document.data + document.len;
}


schema1_json_e
schema1_json_peek(schema1_json_t *json)
{
    json->pos = schema1_json_skip_space(json->pos, json->last);

    switch (*json->pos) {

    case '{':
        return SCHEMA1_JSON_OBJECT;

    case '[':
        return SCHEMA1_JSON_ARRAY;

    case '"':
        return SCHEMA1_JSON_STRING;

    case 't':
    case 'f':
        return SCHEMA1_JSON_BOOL;

    case 'n':
        return SCHEMA1_JSON_NULL;

    default:
        return SCHEMA1_JSON_NUMBER;
    }
}


/* the document was checked: brackets of either kind balance */

schema1_str_t
schema1_json_value(schema1_json_t *json)
{
    size_t          depth;
    const char     *p;
    schema1_str_t   token;

    json->pos = schema1_json_skip_space(json->pos, json->last);

    depth = 0;
    p = json->pos;
    token.data = p;

    while (p < json->last) {

        if (*p == '"') {
            p = schema1_json_skip_string(p, json->last);

        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;

        } else if (*p == '}' || *p == ']') {
            depth--;
            p++;

        } else if (depth != 0) {
            p++;

        } else {
            /* a number, true, false or null */

            while (p < json->last && *p != ',' && *p != ']' && *p != '}'
                   && !schema1_json_is_space(*p))
            {
                p++;
            }
        }

        if (depth == 0) {
            break;
        }
    }

    json->pos = p;
    token.len = (size_t) (p - token.data);

    return token;
}


/* a quote ends the string unless an odd number of backslashes is before it */

static const char *
schema1_json_skip_string(const char *p, const char *last)
{
    const char  *quote, *escape;

    for ( ;; ) {
        p++;

        quote = memchr(p, '"', (size_t) (last - p));
        if (quote == NULL) {
            return last;
        }

        for (escape = quote; escape > p && escape[-1] == '\\'; escape--) {
            /* void */
        }

        p = quote;

        if ((quote - escape) % 2 == 0) {
            return quote + 1;
        }
    }
}


void
schema1_json_enter(schema1_json_t *json)
{
    json->pos = schema1_json_skip_space(json->pos, json->last);
    json->pos++;
}


bool
schema1_json_item(schema1_json_t *json)
{
    json->pos = schema1_json_skip_space(json->pos, json->last);

    if (*json->pos == ']' || *json->pos == '}') {
        json->pos++;
        return false;
    }

    if (*json->pos == ',') {
        json->pos++;
    }

    return true;
}


bool
schema1_json_member(schema1_json_t *json, schema1_str_t *name)
{
    if (!schema1_json_item(json)) {
        return false;
    }

    *name = schema1_json_value(json);

    json->pos = schema1_json_skip_space(json->pos, json->last);
    json->pos++;

    return true;
}


size_t
schema1_json_decode(schema1_str_t token, char *to, size_t size)
{
    char         utf8[4];
    size_t       n, len;
    const char  *p, *last, *start;

    len = 0;
    p = schema1_json_content(token, &last);

    while (p < last) {
        start = p;

        while (p < last && schema1_json_is_plain(*p)) {
            p++;
        }

        n = (size_t) (p - start);

        if (n == 0) {
            n = schema1_utf8_encode(schema1_json_rune(&p, last), utf8);
            start = utf8;
        }

        if (to != NULL && len < size) {
            memcpy(to + len, start, n < size - len ? n : size - len);
        }

        len += n;
    }

    return len;
}


schema1_str_t
schema1_json_text(schema1_str_t token, char *buf, size_t size)
{
    schema1_str_t  text;

    text.data = buf;
    text.len = schema1_json_decode(token, buf, size);

    return text.len > size ? token : text;
}


char *
schema1_json_text_copy(schema1_str_t *text, schema1_str_t token, char *to)
{
    text->data = to;
    text->len = schema1_json_decode(token, to, SIZE_MAX);

    to += text->len;

    /* never NULL: NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    *to++ = '\0';

    return to;
}


uint32_t
schema1_json_prefix(schema1_str_t token)
{
    uint32_t  prefix;

    prefix = 0;
    (void) schema1_json_decode(token, (char *) &prefix, sizeof(prefix));

    return ntohl(prefix);
}


/* UTF-8 sorts as the code points do */

int
schema1_json_compare(schema1_str_t one, schema1_str_t two)
{
    unsigned     rune1, rune2;
    const char  *p1, *p2, *last1, *last2;

    p1 = schema1_json_content(one, &last1);
    p2 = schema1_json_content(two, &last2);

    while (p1 < last1 && p2 < last2) {

        /* nearly all names are plain, and many members are to be sorted */

        if (*p1 == *p2 && schema1_json_is_plain(*p1)) {
            p1++;
            p2++;
            continue;
        }

        rune1 = schema1_json_rune(&p1, last1);
        rune2 = schema1_json_rune(&p2, last2);

        if (rune1 != rune2) {
            return rune1 < rune2 ? -1 : 1;
        }
    }

    return (p1 < last1) - (p2 < last2);
}


bool
schema1_json_is(schema1_str_t token, const char *text)
{
    return schema1_json_match(token, text, false);
}


bool
schema1_json_is_like(schema1_str_t token, const char *text)
{
    return schema1_json_match(token, text, true);
}


static SCHEMA1_INLINE bool
schema1_json_match(schema1_str_t token, const char *text, bool fold)
{
    unsigned     rune, ch;
    const char  *p, *last;

    p = schema1_json_content(token, &last);

    while (p < last) {
        ch = (unsigned char) *text++;
        rune = schema1_json_is_plain(*p) ? (unsigned char) *p++
                                         : schema1_json_rune(&p, last);

        if (ch == '\0'
            || (rune != ch
                && !(fold && schema1_json_fold(rune) == schema1_json_fold(ch))))
        {
            return false;
        }
    }

    return *text == '\0';
}


/* what has the same simple folding as an ASCII letter (Go's bytes.EqualFold) */

static SCHEMA1_INLINE unsigned
schema1_json_fold(unsigned rune)
{
    if (rune >= 'A' && rune <= 'Z') {
        return rune | 0x20;
    }

    if (rune == SCHEMA1_LONG_S) {
        return 's';
    }

    return rune == SCHEMA1_KELVIN ? 'k' : rune;
}


int
schema1_json_int(schema1_str_t token, int64_t *value)
{
    char        text[sizeof("-9223372036854775808")];
    char       *end;
    long long   n;

    if (token.len == 0 || token.len >= sizeof(text)) {
        return SCHEMA1_ERROR;
    }

    memcpy(text, token.data, token.len);
    text[token.len] = '\0';

    errno = 0;
    n = strtoll(text, &end, 10);

    if (errno != 0 || *end != '\0') {
        return SCHEMA1_ERROR;
    }

    *value = n;

    return SCHEMA1_OK;
}


const char *
schema1_json_content(schema1_str_t token, const char **last)
{
    if (token.len == 0) {
        *last = token.data;
        return token.data;
    }

    *last = token.data + token.len - 1;

    return token.data + 1;
}


unsigned
schema1_json_rune(const char **p, const char *last)
{
    int       high, low;
    unsigned  ch;

    ch = (unsigned char) **p;

    if (ch >= 0x80) {
        return schema1_utf8_decode(p, last);
    }

    if (ch != '\\') {
        (*p)++;
        return ch;
    }

    ch = (unsigned char) (*p)[1];
    *p += 2;

    switch (ch) {

    case 'b':
        return '\b';

    case 'f':
        return '\f';

    case 'n':
        return '\n';

    case 'r':
        return '\r';

    case 't':
        return '\t';

    case 'u':
        break;

    default:
        return ch;
    }

    high = schema1_json_hex4(*p, last);
    *p += 4;

    if (high < 0xd800 || high > 0xdfff) {
        return (unsigned) high;
    }

    if (high > 0xdbff || last - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u') {
        return SCHEMA1_UTF8_REPLACEMENT;
    }

    low = schema1_json_hex4(*p + 2, last);

    if (low < 0xdc00 || low > 0xdfff) {
        return SCHEMA1_UTF8_REPLACEMENT;
    }

    *p += 6;

    return 0x10000 + (((unsigned) high - 0xd800) << 10)
           + ((unsigned) low - 0xdc00);
}


int
schema1_json_hex4(const char *p, const char *last)
{
    int       digit, value;
    unsigned  i;

    if (last - p < 4) {
        return -1;
    }

    value = 0;

    for (i = 0; i < 4; i++) {
        digit = schema1_hex(p[i]);

        if (digit < 0) {
            return -1;
        }

        value = value * 16 + digit;
    }

    return value;
}
