
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>
#include <strings.h>

#include "schema1_accept.h"


#define SCHEMA1_BIT(type)  (1u << (type))


#define SCHEMA1_SCHEMA1                                                       \
    (SCHEMA1_BIT(SCHEMA1_TYPE_SIGNED) | SCHEMA1_BIT(SCHEMA1_TYPE_UNSIGNED))


/* one element of an Accept line */

typedef struct {
    schema1_str_t      range;       /* "type/subtype" or "*" */
    schema1_type_e     type;        /* of the range */
    bool               q0;
    bool               duplicate;
    size_t             index;
} schema1_range_t;


static bool schema1_accept_next(schema1_str_t *rest, schema1_range_t *range);
static bool schema1_accept_range_valid(schema1_str_t range);
static bool schema1_accept_q0(schema1_str_t parameters);
static void schema1_accept_dedupe(schema1_range_t *ranges, size_t n);
static int schema1_accept_compare(const void *one, const void *two);
static int schema1_accept_compare_range(const schema1_range_t *one,
    const schema1_range_t *two);
static int schema1_accept_compare_index(const void *one, const void *two);
static void schema1_accept_append(schema1_buf_t *value, schema1_str_t range,
    schema1_type_e type);


void
schema1_accept_read(schema1_accept_t *accept, const schema1_str_t *lines,
    size_t n)
{
    size_t           i;
    schema1_str_t    rest;
    schema1_range_t  range;

    memset(accept, 0, sizeof(schema1_accept_t));

    for (i = 0; i < n; i++) {
        rest = lines[i];

        while (schema1_accept_next(&rest, &range)) {

            if (range.q0) {
                continue;
            }

            if (schema1_media_type_known(range.type)) {
                accept->types |= SCHEMA1_BIT(range.type);

            } else if (schema1_str_eq(range.range, "*")
                       || schema1_str_eq(range.range, "*/*")
                       || schema1_str_caseeq(range.range, "application/*"))
            {
                accept->wildcard = true;

            } else if (schema1_str_caseeq(range.range, "application/json")) {
                accept->json = true;
            }
        }
    }
}


bool
schema1_accept_is_modern(const schema1_accept_t *accept)
{
    unsigned  modern;

    modern = accept->types & SCHEMA1_MODERN_TYPES;

    if (modern == SCHEMA1_MODERN_TYPES) {
        return true;
    }

    if (schema1_accept_has_schema1(accept)) {
        return false;
    }

    return accept->wildcard
           || !(modern & SCHEMA1_BIT(SCHEMA1_TYPE_SCHEMA2));
}


bool
schema1_accept_has_schema1(const schema1_accept_t *accept)
{
    return !(accept->types & SCHEMA1_MODERN_TYPES)
           || (accept->types & SCHEMA1_SCHEMA1) || accept->json;
}


schema1_action_e
schema1_accept_decide(const schema1_accept_t *accept, schema1_type_e stored,
    bool child)
{
    if (schema1_media_type_is_schema1(stored)) {
        return (child && !schema1_accept_has_schema1(accept))
               ? SCHEMA1_ACTION_REFUSE : SCHEMA1_ACTION_AS_IS;
    }

    if (!schema1_media_type_known(stored)) {

        if (child) {
            return SCHEMA1_ACTION_REFUSE;
        }

        return (stored == SCHEMA1_TYPE_GENERIC) ? SCHEMA1_ACTION_SNIFF
                                                : SCHEMA1_ACTION_AS_IS;
    }

    if (schema1_accept_is_modern(accept)
        || (accept->types & SCHEMA1_BIT(stored)))
    {
        return SCHEMA1_ACTION_AS_IS;
    }

    if (schema1_media_type_is_list(stored)) {
        return SCHEMA1_ACTION_CHILD;
    }

    if (stored == SCHEMA1_TYPE_OCI_MANIFEST
        && (accept->types & SCHEMA1_BIT(SCHEMA1_TYPE_SCHEMA2)))
    {
        return SCHEMA1_ACTION_SCHEMA2;
    }

    return SCHEMA1_ACTION_SCHEMA1;
}


int
schema1_accept_upstream(const schema1_str_t *lines, size_t n,
    schema1_buf_t *value)
{
    size_t            i, count;
    unsigned          named;
    schema1_buf_t     buf;
    schema1_str_t     rest;
    schema1_type_e    type;
    schema1_range_t   range, *ranges;

    static const schema1_str_t  none = schema1_string("");

    named = 0;
    count = 0;
    memset(&buf, 0, sizeof(schema1_buf_t));

    for (i = 0; i < n; i++) {
        rest = lines[i];

        while (schema1_accept_next(&rest, &range)) {

            if (!schema1_media_type_known(range.type)
                && !schema1_accept_range_valid(range.range))
            {
                continue;
            }

            range.index = count++;
            schema1_buf_append(&buf, (const char *) &range, sizeof(range));
        }
    }

    if (buf.failed) {
        schema1_buf_free(&buf);
        return SCHEMA1_ERROR;
    }

    ranges = (schema1_range_t *) (void *) buf.data;
    schema1_accept_dedupe(ranges, count);

    for (i = 0; i < count; i++) {
        type = ranges[i].type;

        if (ranges[i].duplicate
            || (ranges[i].q0 && !(SCHEMA1_BIT(type) & SCHEMA1_MODERN_TYPES)))
        {
            continue;
        }

        named |= SCHEMA1_BIT(type);
        schema1_accept_append(value, ranges[i].range, type);
    }

    schema1_buf_free(&buf);

    for (type = SCHEMA1_TYPE_SIGNED; type < SCHEMA1_TYPE_OTHER; type++) {
        if (SCHEMA1_BIT(type) & SCHEMA1_MODERN_TYPES & ~named) {
            schema1_accept_append(value, none, type);
        }
    }

    return value->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


/* removes the next element from *rest; false at the end */

static bool
schema1_accept_next(schema1_str_t *rest, schema1_range_t *range)
{
    schema1_str_t  element;

    if (rest->len == 0) {
        return false;
    }

    element = schema1_str_cut(rest, ',');

    range->range = schema1_str_trim(schema1_str_cut(&element, ';'));
    range->type = schema1_media_type(range->range);
    range->q0 = schema1_accept_q0(element);
    range->duplicate = false;

    return true;
}


static bool
schema1_accept_range_valid(schema1_str_t range)
{
    size_t             n;
    static const char  token[] = "!#$%&'*+-.^_`|~";

    /* old versions of Java send a lone "*" */

    if (schema1_str_eq(range, "*")) {
        return true;
    }

    /* two tokens (RFC 9110, 5.6.2) */

    n = schema1_str_span(range, token);

    if (n == 0 || range.len - n < 2 || range.data[n] != '/') {
        return false;
    }

    range.data += n + 1;
    range.len -= n + 1;

    return schema1_str_span(range, token) == range.len;
}


/* the first "q" is a well-formed zero (RFC 9110, 12.4.2) */

static bool
schema1_accept_q0(schema1_str_t parameters)
{
    schema1_str_t  parameter;

    while (parameters.len != 0) {
        parameter = schema1_str_trim(schema1_str_cut(&parameters, ';'));

        if (parameter.len < 2 || (parameter.data[0] | 0x20) != 'q'
            || parameter.data[1] != '=')
        {
            continue;
        }

        parameter.data += 2;
        parameter.len -= 2;

        return parameter.len != 0
               && parameter.len <= sizeof("0.000") - 1
               && memcmp(parameter.data, "0.000", parameter.len) == 0;
    }

    return false;
}


/* sorted, so that many types cost at most n log n */

static void
schema1_accept_dedupe(schema1_range_t *ranges, size_t n)
{
    size_t  i;

    if (n == 0) {
        return;
    }

    qsort(ranges, n, sizeof(schema1_range_t), schema1_accept_compare);

    for (i = 1; i < n; i++) {
        ranges[i].duplicate = (schema1_accept_compare_range(&ranges[i - 1],
                                                            &ranges[i])
                               == 0);
    }

    qsort(ranges, n, sizeof(schema1_range_t), schema1_accept_compare_index);
}


/* an accepted range sorts before the same range with q=0 */

static int
schema1_accept_compare(const void *one, const void *two)
{
    int                     rc;
    const schema1_range_t  *first = one, *second = two;

    rc = schema1_accept_compare_range(first, second);

    if (rc == 0) {
        rc = first->q0 - second->q0;
    }

    return rc ? rc : schema1_accept_compare_index(one, two);
}


static int
schema1_accept_compare_range(const schema1_range_t *one,
    const schema1_range_t *two)
{
    if (one->range.len != two->range.len) {
        return one->range.len < two->range.len ? -1 : 1;
    }

    return strncasecmp(one->range.data, two->range.data, one->range.len);
}


static int
schema1_accept_compare_index(const void *one, const void *two)
{
    const schema1_range_t  *first = one, *second = two;

    return (first->index > second->index) - (first->index < second->index);
}


static void
schema1_accept_append(schema1_buf_t *value, schema1_str_t range,
    schema1_type_e type)
{
    if (value->len != 0) {
        schema1_buf_append(value, ", ", 2);
    }

    /* some registries compare with regard to case */

    if (schema1_media_type_known(type)) {
        schema1_buf_puts(value, schema1_media_type_name(type));

    } else {
        schema1_buf_append(value, range.data, range.len);
    }
}
