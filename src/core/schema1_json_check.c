
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_json.h"


#define SCHEMA1_JSON_CHECK_AGAIN  1


typedef struct {
    const char     *pos;
    const char     *last;
    size_t          depth;
    char            closing[SCHEMA1_JSON_MAX_DEPTH];    /* '}' or ']' */
} schema1_scanner_t;


static int schema1_json_check_value(schema1_scanner_t *s);
static int schema1_json_check_rest(schema1_scanner_t *s);
static int schema1_json_check_name(schema1_scanner_t *s);
static bool schema1_json_check_char(schema1_scanner_t *s, char ch);
static int schema1_json_check_literal(schema1_scanner_t *s, const char *text);
static int schema1_json_check_string(schema1_scanner_t *s);
static int schema1_json_check_escape(schema1_scanner_t *s);
static int schema1_json_check_number(schema1_scanner_t *s);
static int schema1_json_check_digits(schema1_scanner_t *s);


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

    do {
        rc = schema1_json_check_value(&s);

        if (rc == SCHEMA1_OK) {
            rc = schema1_json_check_rest(&s);
        }

    } while (rc == SCHEMA1_JSON_CHECK_AGAIN);

    *offset = (size_t) (s.pos - document.data);

    return rc;
}


/* a scalar or an empty container; AGAIN: a container's first value comes */

static int
schema1_json_check_value(schema1_scanner_t *s)
{
    s->pos = schema1_json_skip_space(s->pos, s->last);

    if (s->pos == s->last) {
        return SCHEMA1_ERROR;
    }

    switch (*s->pos) {

    case '{':
    case '[':
        break;

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

    if (s->depth == SCHEMA1_JSON_MAX_DEPTH) {
        return SCHEMA1_ERROR;
    }

    s->closing[s->depth++] = (*s->pos++ == '{') ? '}' : ']';

    s->pos = schema1_json_skip_space(s->pos, s->last);

    if (s->pos < s->last && (*s->pos == '}' || *s->pos == ']')) {
        return SCHEMA1_OK;
    }

    return schema1_json_check_name(s);
}


/* what follows a value: the document's end; AGAIN: one more value comes */

static int
schema1_json_check_rest(schema1_scanner_t *s)
{
    for ( ;; ) {
        s->pos = schema1_json_skip_space(s->pos, s->last);

        if (s->depth == 0) {
            return s->pos == s->last ? SCHEMA1_OK : SCHEMA1_ERROR;
        }

        if (schema1_json_check_char(s, ',')) {
            return schema1_json_check_name(s);
        }

        if (!schema1_json_check_char(s, s->closing[s->depth - 1])) {
            return SCHEMA1_ERROR;
        }

        s->depth--;
    }
}


/* up to a value: in an object its name comes first */

static int
schema1_json_check_name(schema1_scanner_t *s)
{
    if (s->closing[s->depth - 1] == ']') {
        return SCHEMA1_JSON_CHECK_AGAIN;
    }

    s->pos = schema1_json_skip_space(s->pos, s->last);

    if (s->pos == s->last || *s->pos != '"'
        || schema1_json_check_string(s) != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    s->pos = schema1_json_skip_space(s->pos, s->last);

    return schema1_json_check_char(s, ':') ? SCHEMA1_JSON_CHECK_AGAIN
                                           : SCHEMA1_ERROR;
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


static int
schema1_json_check_literal(schema1_scanner_t *s, const char *text)
{
    for (/* void */ ; *text; text++) {
        if (!schema1_json_check_char(s, *text)) {
            return SCHEMA1_ERROR;
        }
    }

    return SCHEMA1_OK;
}


static int
schema1_json_check_string(schema1_scanner_t *s)
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

        if (ch == '\\' && schema1_json_check_escape(s) != SCHEMA1_OK) {
            return SCHEMA1_ERROR;
        }
    }

    return SCHEMA1_ERROR;
}


static int
schema1_json_check_escape(schema1_scanner_t *s)
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
schema1_json_check_number(schema1_scanner_t *s)
{
    (void) schema1_json_check_char(s, '-');

    if (!schema1_json_check_char(s, '0')
        && schema1_json_check_digits(s) != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    if (schema1_json_check_char(s, '.')
        && schema1_json_check_digits(s) != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    if (schema1_json_check_char(s, 'e') || schema1_json_check_char(s, 'E')) {

        if (!schema1_json_check_char(s, '+')) {
            (void) schema1_json_check_char(s, '-');
        }

        return schema1_json_check_digits(s);
    }

    return SCHEMA1_OK;
}


static int
schema1_json_check_digits(schema1_scanner_t *s)
{
    const char  *start;

    start = s->pos;

    while (s->pos < s->last && *s->pos >= '0' && *s->pos <= '9') {
        s->pos++;
    }

    return s->pos > start ? SCHEMA1_OK : SCHEMA1_ERROR;
}
