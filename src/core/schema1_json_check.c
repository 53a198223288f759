
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_json.h"


typedef struct {
    const char     *pos;
    const char     *last;
    size_t          depth;
    char            closing[SCHEMA1_JSON_MAX_DEPTH];    /* '}' or ']' */
} schema1_scanner_t;


static bool schema1_json_check_document(schema1_scanner_t *s);
static bool schema1_json_check_name(schema1_scanner_t *s);
static bool schema1_json_check_scalar(schema1_scanner_t *s);
static bool schema1_json_check_char(schema1_scanner_t *s, char ch);
static bool schema1_json_check_literal(schema1_scanner_t *s, const char *text);
static bool schema1_json_check_string(schema1_scanner_t *s);
static bool schema1_json_check_escape(schema1_scanner_t *s);
static bool schema1_json_check_number(schema1_scanner_t *s);
static bool schema1_json_check_digits(schema1_scanner_t *s);


int
schema1_json_check(schema1_str_t document, size_t *offset)
{
    bool               valid;
    schema1_scanner_t  s;

    /* there may be no address to add to */

    if (document.len == 0) {
        *offset = 0;
        return SCHEMA1_ERROR;
    }

    s.pos = document.data;
    s.last = document.data + document.len;
    s.depth = 0;

    valid = schema1_json_check_document(&s);

    *offset = (size_t) (s.pos - document.data);

    return valid ? SCHEMA1_OK : SCHEMA1_ERROR;
}


/* a value, what ends after it, what comes before the next value, and so on */

static bool
schema1_json_check_document(schema1_scanner_t *s)
{
    bool  opened;

    for ( ;; ) {
        s->pos = schema1_json_skip_space(s->pos, s->last);

        if (s->pos == s->last) {
            return false;
        }

        opened = (*s->pos == '{' || *s->pos == '[');

        if (opened) {

            if (s->depth == SCHEMA1_JSON_MAX_DEPTH) {
                return false;
            }

            s->closing[s->depth++] = (*s->pos++ == '{') ? '}' : ']';

        } else if (!schema1_json_check_scalar(s)) {
            return false;
        }

        s->pos = schema1_json_skip_space(s->pos, s->last);

        while (s->depth != 0
               && schema1_json_check_char(s, s->closing[s->depth - 1]))
        {
            s->depth--;
            opened = false;
            s->pos = schema1_json_skip_space(s->pos, s->last);
        }

        if (s->depth == 0) {
            return s->pos == s->last;
        }

        if (!opened && !schema1_json_check_char(s, ',')) {
            return false;
        }

        if (!schema1_json_check_name(s)) {
            return false;
        }
    }
}


/* in an object a name comes before each value */

static bool
schema1_json_check_name(schema1_scanner_t *s)
{
    if (s->closing[s->depth - 1] == ']') {
        return true;
    }

    s->pos = schema1_json_skip_space(s->pos, s->last);

    if (s->pos == s->last || *s->pos != '"' || !schema1_json_check_string(s)) {
        return false;
    }

    s->pos = schema1_json_skip_space(s->pos, s->last);

    return schema1_json_check_char(s, ':');
}


static bool
schema1_json_check_scalar(schema1_scanner_t *s)
{
    switch (*s->pos) {

    case '"':
        return schema1_json_check_string(s);

    case 't':
        return schema1_json_check_literal(s, "true");

    case 'f':
        return schema1_json_check_literal(s, "false");

    case 'n':
        return schema1_json_check_literal(s, "null");

    default:
        return schema1_json_check_number(s);
    }
}


/* steps over a byte if it is the next one */

static bool
schema1_json_check_char(schema1_scanner_t *s, char ch)
{
    if (s->pos == s->last || *s->pos != ch) {
        return false;
    }

    s->pos++;

    return true;
}


static bool
schema1_json_check_literal(schema1_scanner_t *s, const char *text)
{
    for (/* void */ ; *text; text++) {
        if (!schema1_json_check_char(s, *text)) {
            return false;
        }
    }

    return true;
}


static bool
schema1_json_check_string(schema1_scanner_t *s)
{
    unsigned char  ch;

    s->pos++;

    while (s->pos < s->last) {
        ch = (unsigned char) *s->pos;

        if (ch < 0x20) {
            return false;
        }

        s->pos++;

        if (ch == '"') {
            return true;
        }

        if (ch == '\\' && !schema1_json_check_escape(s)) {
            return false;
        }
    }

    return false;
}


static bool
schema1_json_check_escape(schema1_scanner_t *s)
{
    if (schema1_json_check_char(s, 'u')) {

        if (schema1_json_hex4(s->pos, s->last) < 0) {
            return false;
        }

        s->pos += 4;

        return true;
    }

    if (s->pos == s->last || *s->pos == '\0'
        || strchr("\"\\/bfnrt", *s->pos) == NULL)
    {
        return false;
    }

    s->pos++;

    return true;
}


static bool
schema1_json_check_number(schema1_scanner_t *s)
{
    (void) schema1_json_check_char(s, '-');

    if (!schema1_json_check_char(s, '0') && !schema1_json_check_digits(s)) {
        return false;
    }

    if (schema1_json_check_char(s, '.') && !schema1_json_check_digits(s)) {
        return false;
    }

    if (schema1_json_check_char(s, 'e') || schema1_json_check_char(s, 'E')) {

        if (!schema1_json_check_char(s, '+')) {
            (void) schema1_json_check_char(s, '-');
        }

        return schema1_json_check_digits(s);
    }

    return true;
}


static bool
schema1_json_check_digits(schema1_scanner_t *s)
{
    const char  *start;

    start = s->pos;

    while (s->pos < s->last && *s->pos >= '0' && *s->pos <= '9') {
        s->pos++;
    }

    return s->pos > start;
}
