
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_json.h"


#define SCHEMA1_JSON_CHECK_AGAIN  1


typedef struct {
    const char     *pos;
    const char     *last;
    size_t          depth;
    unsigned char   objects[SCHEMA1_JSON_MAX_DEPTH / 8 + 1];
} schema1_scanner_t;


static int schema1_json_check_value(schema1_scanner_t *s);
static int schema1_json_check_rest(schema1_scanner_t *s);
static void schema1_json_check_space(schema1_scanner_t *s);
static int schema1_json_check_open(schema1_scanner_t *s);
static bool schema1_json_check_in_object(schema1_scanner_t *s);
static int schema1_json_check_name(schema1_scanner_t *s);
static int schema1_json_check_scalar(schema1_scanner_t *s);
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

    memset(s.objects, 0, sizeof(s.objects));

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
    schema1_json_check_space(s);

    if (s->pos == s->last) {
        return SCHEMA1_ERROR;
    }

    if (*s->pos != '{' && *s->pos != '[') {
        return schema1_json_check_scalar(s);
    }

    if (schema1_json_check_open(s) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

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
        schema1_json_check_space(s);

        if (s->depth == 0) {
            return s->pos == s->last ? SCHEMA1_OK : SCHEMA1_ERROR;
        }

        if (s->pos == s->last) {
            return SCHEMA1_ERROR;
        }

        if (*s->pos == ',') {
            s->pos++;
            return schema1_json_check_name(s);
        }

        if (*s->pos != (schema1_json_check_in_object(s) ? '}' : ']')) {
            return SCHEMA1_ERROR;
        }

        s->pos++;
        s->depth--;
    }
}


static void
schema1_json_check_space(schema1_scanner_t *s)
{
    while (s->pos < s->last
           && (*s->pos == ' ' || *s->pos == '\n' || *s->pos == '\t'
               || *s->pos == '\r'))
    {
        s->pos++;
    }
}


static int
schema1_json_check_open(schema1_scanner_t *s)
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

    schema1_json_check_space(s);

    return SCHEMA1_OK;
}


static bool
schema1_json_check_in_object(schema1_scanner_t *s)
{
    size_t  level;

    level = s->depth - 1;

    return (s->objects[level / 8] >> level % 8) & 1;
}


/* up to a value: in an object its name comes first */

static int
schema1_json_check_name(schema1_scanner_t *s)
{
    if (!schema1_json_check_in_object(s)) {
        return SCHEMA1_JSON_CHECK_AGAIN;
    }

    schema1_json_check_space(s);

    if (s->pos == s->last || *s->pos != '"'
        || schema1_json_check_string(s) != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    schema1_json_check_space(s);

    if (s->pos == s->last || *s->pos != ':') {
        return SCHEMA1_ERROR;
    }

    s->pos++;

    return SCHEMA1_JSON_CHECK_AGAIN;
}


static int
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


static int
schema1_json_check_literal(schema1_scanner_t *s, const char *text)
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
    if (*s->pos == '-') {
        s->pos++;
    }

    if (s->pos < s->last && *s->pos == '0') {
        s->pos++;

    } else if (schema1_json_check_digits(s) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    if (s->pos < s->last && *s->pos == '.') {
        s->pos++;

        if (schema1_json_check_digits(s) != SCHEMA1_OK) {
            return SCHEMA1_ERROR;
        }
    }

    if (s->pos < s->last && (*s->pos == 'e' || *s->pos == 'E')) {
        s->pos++;

        if (s->pos < s->last && (*s->pos == '+' || *s->pos == '-')) {
            s->pos++;
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
