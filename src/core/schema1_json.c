
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <limits.h>

#include "schema1_json.h"


#define SCHEMA1_SCAN_AGAIN   1

#define SCHEMA1_REPLACEMENT  0xfffd
#define SCHEMA1_LONG_S       0x17f
#define SCHEMA1_KELVIN       0x212a


typedef struct {
    const char     *pos;
    const char     *last;
    size_t          depth;
    unsigned char   objects[SCHEMA1_JSON_MAX_DEPTH / 8 + 1];
} schema1_scanner_t;


static int schema1_scan_value(schema1_scanner_t *s);
static int schema1_scan_rest(schema1_scanner_t *s);
static void schema1_scan_space(schema1_scanner_t *s);
static int schema1_scan_open(schema1_scanner_t *s);
static int schema1_scan_name(schema1_scanner_t *s);
static int schema1_scan_scalar(schema1_scanner_t *s);
static int schema1_scan_literal(schema1_scanner_t *s, const char *text);
static int schema1_scan_string(schema1_scanner_t *s);
static int schema1_scan_escape(schema1_scanner_t *s);
static int schema1_scan_number(schema1_scanner_t *s);
static int schema1_scan_digits(schema1_scanner_t *s);
static bool schema1_scan_in_object(schema1_scanner_t *s);
static bool schema1_json_ends(char ch);
static const char *schema1_json_skip_string(const char *p, const char *last);
static void schema1_json_skip_space(schema1_json_t *json);
static const char *schema1_json_content(schema1_str_t token,
    const char **last);
static unsigned schema1_json_rune(const char **p, const char *last);
static int schema1_json_hex4(const char *p, const char *last);
static unsigned schema1_utf8_decode(const char **p, const char *last);
static size_t schema1_utf8_encode(unsigned rune, char *to);
static const char *schema1_json_plain(const char *p, const char *last);
static void schema1_write_raw(schema1_writer_t *writer, const char *data,
    size_t len);
static void schema1_write_rune(schema1_writer_t *writer, unsigned rune);
static const char *schema1_write_string(schema1_writer_t *writer,
    const char *p, const char *last);
static size_t schema1_write_special(schema1_writer_t *writer, const char *p,
    const char *last);


static const char  schema1_hex_digits[] = "0123456789abcdef";


int
schema1_json_check(schema1_str_t document, size_t *offset)
{
    int                rc;
    schema1_scanner_t  s;

    /* there may be no address to add to */

    if (document.len == 0) {
        *offset = 0;
        return SCHEMA1_ERROR;
    }

    s.pos = document.data;
    s.last = document.data + document.len;
    s.depth = 0;

    memset(s.objects, 0, sizeof(s.objects));

    do {
        rc = schema1_scan_value(&s);

        if (rc == SCHEMA1_OK) {
            rc = schema1_scan_rest(&s);
        }

    } while (rc == SCHEMA1_SCAN_AGAIN);

    *offset = (size_t) (s.pos - document.data);

    return rc;
}


/* a scalar or an empty container; AGAIN: a container's first value comes */

static int
schema1_scan_value(schema1_scanner_t *s)
{
    schema1_scan_space(s);

    if (s->pos == s->last) {
        return SCHEMA1_ERROR;
    }

    if (*s->pos != '{' && *s->pos != '[') {
        return schema1_scan_scalar(s);
    }

    if (schema1_scan_open(s) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    if (s->pos < s->last && (*s->pos == '}' || *s->pos == ']')) {
        return SCHEMA1_OK;
    }

    return schema1_scan_name(s);
}


/* what follows a value: the document's end; AGAIN: one more value comes */

static int
schema1_scan_rest(schema1_scanner_t *s)
{
    for ( ;; ) {
        schema1_scan_space(s);

        if (s->depth == 0) {
            return s->pos == s->last ? SCHEMA1_OK : SCHEMA1_ERROR;
        }

        if (s->pos == s->last) {
            return SCHEMA1_ERROR;
        }

        if (*s->pos == ',') {
            s->pos++;
            return schema1_scan_name(s);
        }

        if (*s->pos != (schema1_scan_in_object(s) ? '}' : ']')) {
            return SCHEMA1_ERROR;
        }

        s->pos++;
        s->depth--;
    }
}


static void
schema1_scan_space(schema1_scanner_t *s)
{
    while (s->pos < s->last
           && (*s->pos == ' ' || *s->pos == '\n' || *s->pos == '\t'
               || *s->pos == '\r'))
    {
        s->pos++;
    }
}


static int
schema1_scan_open(schema1_scanner_t *s)
{
    unsigned char  bit, *byte;

    if (s->depth == SCHEMA1_JSON_MAX_DEPTH) {
        return SCHEMA1_ERROR;
    }

    byte = &s->objects[s->depth / 8];
    bit = (unsigned char) (1 << s->depth % 8);

    if (*s->pos == '{') {
        *byte = (unsigned char) (*byte | bit);

    } else {
        *byte = (unsigned char) (*byte & ~bit);
    }

    s->depth++;
    s->pos++;

    schema1_scan_space(s);

    return SCHEMA1_OK;
}


static bool
schema1_scan_in_object(schema1_scanner_t *s)
{
    size_t  level;

    level = s->depth - 1;

    return (s->objects[level / 8] >> level % 8) & 1;
}


/* up to a value: in an object its name comes first */

static int
schema1_scan_name(schema1_scanner_t *s)
{
    if (!schema1_scan_in_object(s)) {
        return SCHEMA1_SCAN_AGAIN;
    }

    schema1_scan_space(s);

    if (s->pos == s->last || *s->pos != '"'
        || schema1_scan_string(s) != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    schema1_scan_space(s);

    if (s->pos == s->last || *s->pos != ':') {
        return SCHEMA1_ERROR;
    }

    s->pos++;

    return SCHEMA1_SCAN_AGAIN;
}


static int
schema1_scan_scalar(schema1_scanner_t *s)
{
    switch (*s->pos) {

    case '"':
        return schema1_scan_string(s);

    case 't':
        return schema1_scan_literal(s, "true");

    case 'f':
        return schema1_scan_literal(s, "false");

    case 'n':
        return schema1_scan_literal(s, "null");

    default:
        return schema1_scan_number(s);
    }
}


static int
schema1_scan_literal(schema1_scanner_t *s, const char *text)
{
    for (/* void */ ; *text; text++) {
        if (s->pos == s->last || *s->pos != *text) {
            return SCHEMA1_ERROR;
        }

        s->pos++;
    }

    return SCHEMA1_OK;
}


static int
schema1_scan_string(schema1_scanner_t *s)
{
    unsigned char  ch;

    s->pos++;

    while (s->pos < s->last) {
        ch = (unsigned char) *s->pos;

        if (ch < 0x20) {
            return SCHEMA1_ERROR;
        }

        s->pos++;

        if (ch == '"') {
            return SCHEMA1_OK;
        }

        if (ch == '\\' && schema1_scan_escape(s) != SCHEMA1_OK) {
            return SCHEMA1_ERROR;
        }
    }

    return SCHEMA1_ERROR;
}


static int
schema1_scan_escape(schema1_scanner_t *s)
{
    if (s->pos == s->last || *s->pos == '\0'
        || strchr("\"\\/bfnrtu", *s->pos) == NULL)
    {
        return SCHEMA1_ERROR;
    }

    if (*s->pos++ != 'u') {
        return SCHEMA1_OK;
    }

    if (schema1_json_hex4(s->pos, s->last) < 0) {
        return SCHEMA1_ERROR;
    }

    s->pos += 4;

    return SCHEMA1_OK;
}


static int
schema1_scan_number(schema1_scanner_t *s)
{
    if (*s->pos == '-') {
        s->pos++;
    }

    if (s->pos < s->last && *s->pos == '0') {
        s->pos++;

    } else if (schema1_scan_digits(s) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    if (s->pos < s->last && *s->pos == '.') {
        s->pos++;

        if (schema1_scan_digits(s) != SCHEMA1_OK) {
            return SCHEMA1_ERROR;
        }
    }

    if (s->pos < s->last && (*s->pos == 'e' || *s->pos == 'E')) {
        s->pos++;

        if (s->pos < s->last && (*s->pos == '+' || *s->pos == '-')) {
            s->pos++;
        }

        return schema1_scan_digits(s);
    }

    return SCHEMA1_OK;
}


static int
schema1_scan_digits(schema1_scanner_t *s)
{
    const char  *start;

    start = s->pos;

    while (s->pos < s->last && *s->pos >= '0' && *s->pos <= '9') {
        s->pos++;
    }

    return s->pos > start ? SCHEMA1_OK : SCHEMA1_ERROR;
}


void
schema1_json_open(schema1_json_t *json, schema1_str_t document)
{
    json->pos = document.data;
    json->last = document.data + document.len;
}


schema1_json_e
schema1_json_peek(schema1_json_t *json)
{
    schema1_json_skip_space(json);

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

    schema1_json_skip_space(json);

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

        } else {
            do {
                p++;
            } while (p < json->last && !schema1_json_ends(*p));
        }

        if (depth == 0) {
            break;
        }
    }

    json->pos = p;
    token.len = (size_t) (p - token.data);

    return token;
}


/* what comes after a number, true, false or null */

static bool
schema1_json_ends(char ch)
{
    switch (ch) {

    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case ',':
    case ':':
    case '"':
    case '[':
    case ']':
    case '{':
    case '}':
        return true;

    default:
        return false;
    }
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


static void
schema1_json_skip_space(schema1_json_t *json)
{
    while (json->pos < json->last
           && (*json->pos == ' ' || *json->pos == '\n' || *json->pos == '\t'
               || *json->pos == '\r'))
    {
        json->pos++;
    }
}


void
schema1_json_enter(schema1_json_t *json)
{
    schema1_json_skip_space(json);
    json->pos++;
}


bool
schema1_json_item(schema1_json_t *json)
{
    schema1_json_skip_space(json);

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

    schema1_json_skip_space(json);
    json->pos++;

    return true;
}


size_t
schema1_json_decode(schema1_str_t token, char *to)
{
    char         utf8[4];
    size_t       n, len;
    const char  *p, *last;

    len = 0;
    p = schema1_json_content(token, &last);

    while (p < last) {
        n = schema1_utf8_encode(schema1_json_rune(&p, last), utf8);

        if (to) {
            memcpy(to + len, utf8, n);
        }

        len += n;
    }

    return len;
}


uint32_t
schema1_json_prefix(schema1_str_t token)
{
    char         utf8[4];
    size_t       i, n;
    uint32_t     prefix;
    unsigned     shift;
    const char  *p, *last;

    prefix = 0;
    shift = 32;
    p = schema1_json_content(token, &last);

    while (p < last && shift != 0) {
        n = schema1_utf8_encode(schema1_json_rune(&p, last), utf8);

        for (i = 0; i < n && shift != 0; i++) {
            shift -= 8;
            prefix |= (uint32_t) (unsigned char) utf8[i] << shift;
        }
    }

    return prefix;
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

        if (*p1 == *p2 && (unsigned char) *p1 < 0x80 && *p1 != '\\') {
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
    const char  *p, *last;

    p = schema1_json_content(token, &last);

    while (p < last) {
        if (*text == '\0'
            || schema1_json_rune(&p, last) != (unsigned char) *text)
        {
            return false;
        }

        text++;
    }

    return *text == '\0';
}


bool
schema1_json_is_like(schema1_str_t token, const char *text)
{
    unsigned     rune;
    const char  *p, *last;

    p = schema1_json_content(token, &last);

    while (p < last) {
        rune = schema1_json_rune(&p, last);

        if (rune >= 'A' && rune <= 'Z') {
            rune |= 0x20;

        } else if (rune == SCHEMA1_LONG_S) {
            rune = 's';

        } else if (rune == SCHEMA1_KELVIN) {
            rune = 'k';
        }

        if (*text == '\0') {
            return false;
        }

        if (rune != (unsigned char) (*text >= 'A' && *text <= 'Z'
                                     ? *text | 0x20 : *text))
        {
            return false;
        }

        text++;
    }

    return *text == '\0';
}


int
schema1_json_int(schema1_str_t token, int64_t *value)
{
    bool         negative;
    int64_t      n;
    unsigned     digit;
    const char  *p, *last;

    if (token.len == 0) {
        return SCHEMA1_ERROR;
    }

    p = token.data;
    last = p + token.len;
    negative = (*p == '-');

    if (negative) {
        p++;
    }

    if (p == last) {
        return SCHEMA1_ERROR;
    }

    /* counted down, for there is one negative number more */

    for (n = 0; p < last; p++) {
        if (*p < '0' || *p > '9') {
            return SCHEMA1_ERROR;
        }

        digit = (unsigned) (*p - '0');

        if (n < (INT64_MIN + (int64_t) digit) / 10) {
            return SCHEMA1_ERROR;
        }

        n = n * 10 - (int64_t) digit;
    }

    if (!negative && n == INT64_MIN) {
        return SCHEMA1_ERROR;
    }

    *value = negative ? n : -n;

    return SCHEMA1_OK;
}


/* between the quotes */

static const char *
schema1_json_content(schema1_str_t token, const char **last)
{
    *last = token.data + token.len - 1;

    return token.data + 1;
}


static unsigned
schema1_json_rune(const char **p, const char *last)
{
    int       high, low;
    unsigned  ch;

    ch = (unsigned char) **p;

    if (ch != '\\') {
        return schema1_utf8_decode(p, last);
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
        return SCHEMA1_REPLACEMENT;
    }

    low = schema1_json_hex4(*p + 2, last);

    if (low < 0xdc00 || low > 0xdfff) {
        return SCHEMA1_REPLACEMENT;
    }

    *p += 6;

    return 0x10000 + (((unsigned) high - 0xd800) << 10)
           + ((unsigned) low - 0xdc00);
}


static int
schema1_json_hex4(const char *p, const char *last)
{
    int       value;
    char      ch;
    unsigned  i;

    if (last - p < 4) {
        return -1;
    }

    value = 0;

    for (i = 0; i < 4; i++) {
        ch = p[i];

        if (ch >= '0' && ch <= '9') {
            value = value * 16 + ch - '0';
            continue;
        }

        ch |= 0x20;

        if (ch < 'a' || ch > 'f') {
            return -1;
        }

        value = value * 16 + ch - 'a' + 10;
    }

    return value;
}


/* RFC 3629; a byte that begins no sequence is replaced on its own */

static unsigned
schema1_utf8_decode(const char **p, const char *last)
{
    size_t                n, i;
    unsigned              rune, min;
    const unsigned char  *s;

    s = (const unsigned char *) *p;
    (*p)++;

    if (s[0] < 0x80) {
        return s[0];
    }

    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        n = 1;
        min = 0x80;
        rune = s[0] & 0x1f;

    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        n = 2;
        min = 0x800;
        rune = s[0] & 0x0f;

    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        n = 3;
        min = 0x10000;
        rune = s[0] & 0x07;

    } else {
        return SCHEMA1_REPLACEMENT;
    }

    if ((size_t) (last - *p) < n) {
        return SCHEMA1_REPLACEMENT;
    }

    for (i = 1; i <= n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return SCHEMA1_REPLACEMENT;
        }

        rune = rune << 6 | (s[i] & 0x3f);
    }

    if (rune < min || rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff)) {
        return SCHEMA1_REPLACEMENT;
    }

    *p += n;

    return rune;
}


static size_t
schema1_utf8_encode(unsigned rune, char *to)
{
    if (rune < 0x80) {
        to[0] = (char) rune;
        return 1;
    }

    if (rune < 0x800) {
        to[0] = (char) (0xc0 | rune >> 6);
        to[1] = (char) (0x80 | (rune & 0x3f));
        return 2;
    }

    if (rune < 0x10000) {
        to[0] = (char) (0xe0 | rune >> 12);
        to[1] = (char) (0x80 | (rune >> 6 & 0x3f));
        to[2] = (char) (0x80 | (rune & 0x3f));
        return 3;
    }

    to[0] = (char) (0xf0 | rune >> 18);
    to[1] = (char) (0x80 | (rune >> 12 & 0x3f));
    to[2] = (char) (0x80 | (rune >> 6 & 0x3f));
    to[3] = (char) (0x80 | (rune & 0x3f));

    return 4;
}


void
schema1_json_put(schema1_writer_t *writer, const char *data, size_t len)
{
    size_t  i, start;

    if (!writer->nested) {
        schema1_write_raw(writer, data, len);
        return;
    }

    for (i = 0, start = 0; i < len; i++) {
        if (data[i] == '"' || data[i] == '\\') {
            schema1_write_raw(writer, data + start, i - start);
            schema1_write_raw(writer, "\\", 1);
            start = i;
        }
    }

    schema1_write_raw(writer, data + start, len - start);
}


void
schema1_json_puts(schema1_writer_t *writer, const char *text)
{
    schema1_json_put(writer, text, strlen(text));
}


void
schema1_json_put_string(schema1_writer_t *writer, schema1_str_t token)
{
    const char  *p, *last, *start;

    schema1_json_put(writer, "\"", 1);

    if (token.len != 0) {
        p = schema1_json_content(token, &last);

        while (p < last) {
            start = p;
            p = schema1_json_plain(p, last);

            schema1_write_raw(writer, start, (size_t) (p - start));

            if (p < last) {
                schema1_write_rune(writer, schema1_json_rune(&p, last));
            }
        }
    }

    schema1_json_put(writer, "\"", 1);
}


/* the end of what is written as it is, in a string of a string too */

static const char *
schema1_json_plain(const char *p, const char *last)
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


void
schema1_json_put_text(schema1_writer_t *writer, schema1_str_t text)
{
    unsigned     rune;
    const char  *p, *last, *start;

    schema1_json_put(writer, "\"", 1);

    p = text.data;
    last = text.len ? p + text.len : p;

    while (p < last) {
        start = p;
        rune = schema1_utf8_decode(&p, last);

        if (rune == SCHEMA1_REPLACEMENT && p - start == 1) {
            schema1_json_put(writer, "\\ufffd", 6);

        } else {
            schema1_write_rune(writer, rune);
        }
    }

    schema1_json_put(writer, "\"", 1);
}


/*
 * What needs a second look is rare: white space between the values, and in the
 * strings quotes, backslashes and what write_special() is for.
 */

void
schema1_json_put_compact(schema1_writer_t *writer, schema1_str_t token)
{
    const char  *p, *last, *start;

    p = token.data;
    last = p + token.len;

    while (p < last) {

        if (*p == '"') {
            p = schema1_write_string(writer, p, last);
            continue;
        }

        start = p;

        while (p < last && *p != '"' && *p != ' ' && *p != '\t'
               && *p != '\r' && *p != '\n')
        {
            p++;
        }

        schema1_write_raw(writer, start, (size_t) (p - start));

        while (p < last && (*p == ' ' || *p == '\t' || *p == '\r'
                            || *p == '\n'))
        {
            p++;
        }
    }
}


/* escapes keep their spelling; returns where the string ends */

static const char *
schema1_write_string(schema1_writer_t *writer, const char *p, const char *last)
{
    const char  *start;

    schema1_json_put(writer, p++, 1);

    while (p < last) {
        start = p;
        p = schema1_json_plain(p, last);

        schema1_write_raw(writer, start, (size_t) (p - start));

        if (p == last) {
            break;
        }

        if (*p == '"') {
            schema1_json_put(writer, p, 1);
            return p + 1;
        }

        if (*p == '\\') {
            schema1_json_put(writer, p, 2);
            p += 2;
            continue;
        }

        p += schema1_write_special(writer, p, last);
    }

    return last;
}


/*
 * Escapes "<", ">", "&", U+2028 and U+2029, and, in a string of a string,
 * invalid UTF-8.
 */

static size_t
schema1_write_special(schema1_writer_t *writer, const char *p,
    const char *last)
{
    unsigned     rune;
    const char  *start;

    start = p;
    rune = schema1_utf8_decode(&p, last);

    if (rune == SCHEMA1_REPLACEMENT && p - start == 1) {

        if (writer->nested) {
            schema1_write_raw(writer, "\\ufffd", 6);

        } else {
            schema1_write_raw(writer, start, 1);
        }

    } else {
        schema1_write_rune(writer, rune);
    }

    return (size_t) (p - start);
}


static void
schema1_write_raw(schema1_writer_t *writer, const char *data, size_t len)
{
    if (writer->buf) {
        schema1_buf_append(writer->buf, data, len);
    }

    writer->len += len;
}


/* encoding/json with HTML escapes, Go 1.19 */

static void
schema1_write_rune(schema1_writer_t *writer, unsigned rune)
{
    char    text[6];
    size_t  len;

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

        text[1] = 'u';
        text[2] = schema1_hex_digits[rune >> 12 & 15];
        text[3] = schema1_hex_digits[rune >> 8 & 15];
        text[4] = schema1_hex_digits[rune >> 4 & 15];
        text[5] = schema1_hex_digits[rune & 15];
        len = 6;
    }

    schema1_json_put(writer, text, len);
}
