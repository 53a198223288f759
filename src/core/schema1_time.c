
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_time.h"


static int schema1_time_number(const char **p, unsigned digits, int *value);
static int schema1_time_clock(schema1_time_t *t, const char **p);
static bool schema1_time_fraction(schema1_time_t *t, const char **p);
static int schema1_time_zone(schema1_time_t *t, const char **p);
static int schema1_time_pair(const char **p, int *value);
static bool schema1_time_valid(const schema1_time_t *t);
static bool schema1_time_digit(char ch);
static char *schema1_time_put(char *to, int value, int divisor);


int
schema1_time_parse(schema1_time_t *t, schema1_str_t token)
{
    const char  *p, *last;

    memset(t, 0, sizeof(schema1_time_t));

    /* the closing quote ends every field: nothing behind it is read */

    if (token.len < 2 || token.data[token.len - 1] != '"') {
        return SCHEMA1_ERROR;
    }

    p = token.data;
    last = p + token.len - 1;

    if (*p++ != '"'
        || schema1_time_number(&p, 4, &t->year) != SCHEMA1_OK
        || *p++ != '-'
        || schema1_time_number(&p, 2, &t->month) != SCHEMA1_OK
        || *p++ != '-'
        || schema1_time_number(&p, 2, &t->day) != SCHEMA1_OK
        || *p++ != 'T'
        || schema1_time_clock(t, &p) != SCHEMA1_OK
        || schema1_time_zone(t, &p) != SCHEMA1_OK
        || p != last
        || !schema1_time_valid(t))
    {
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


static int
schema1_time_number(const char **p, unsigned digits, int *value)
{
    *value = 0;

    while (digits--) {
        if (!schema1_time_digit(**p)) {
            return SCHEMA1_ERROR;
        }

        *value = *value * 10 + (*(*p)++ - '0');
    }

    return SCHEMA1_OK;
}


static int
schema1_time_clock(schema1_time_t *t, const char **p)
{
    unsigned  digits;

    digits = schema1_time_digit(**p) && schema1_time_digit((*p)[1]) ? 2 : 1;

    if (schema1_time_number(p, digits, &t->hour) != SCHEMA1_OK
        || *(*p)++ != ':'
        || schema1_time_number(p, 2, &t->minute) != SCHEMA1_OK
        || *(*p)++ != ':')
    {
        return SCHEMA1_ERROR;
    }

    /* Go forgets that there were no seconds where a fraction follows */

    if (schema1_time_fraction(t, p)) {
        return SCHEMA1_OK;
    }

    if (schema1_time_number(p, 2, &t->second) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    (void) schema1_time_fraction(t, p);

    return SCHEMA1_OK;
}


static bool
schema1_time_fraction(schema1_time_t *t, const char **p)
{
    int  unit;

    if ((**p != '.' && **p != ',') || !schema1_time_digit((*p)[1])) {
        return false;
    }

    (*p)++;

    for (unit = 100000000; schema1_time_digit(**p); (*p)++) {
        t->nanosecond += unit * (**p - '0');
        unit /= 10;
    }

    return true;
}


static int
schema1_time_zone(schema1_time_t *t, const char **p)
{
    int   hours, minutes;
    char  sign;

    sign = *(*p)++;

    if (sign == 'Z') {
        return SCHEMA1_OK;
    }

    if ((sign != '+' && sign != '-')
        || schema1_time_pair(p, &hours) != SCHEMA1_OK
        || *(*p)++ != ':'
        || schema1_time_pair(p, &minutes) != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    t->offset = hours * 60 + minutes;

    if (sign == '-') {
        t->offset = -t->offset;
    }

    return SCHEMA1_OK;
}


/* two digits, or a sign and one */

static int
schema1_time_pair(const char **p, int *value)
{
    char  sign;

    sign = **p;

    if (sign != '+' && sign != '-') {
        return schema1_time_number(p, 2, value);
    }

    (*p)++;

    if (schema1_time_number(p, 1, value) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    if (sign == '-') {
        *value = -*value;
    }

    return SCHEMA1_OK;
}


static bool
schema1_time_valid(const schema1_time_t *t)
{
    int                         days;
    static const unsigned char  month_days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    if (t->month < 1 || t->month > 12) {
        return false;
    }

    days = month_days[t->month - 1];

    if (t->month == 2 && t->year % 4 == 0
        && (t->year % 100 != 0 || t->year % 400 == 0))
    {
        days++;
    }

    return t->day >= 1 && t->day <= days
           && t->hour < 24 && t->minute < 60 && t->second < 60;
}


static bool
schema1_time_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}


size_t
schema1_time_format(const schema1_time_t *t, char to[SCHEMA1_TIME_SIZE])
{
    int    offset;
    char  *p;

    p = schema1_time_put(to, t->year, 1000);
    *p++ = '-';
    p = schema1_time_put(p, t->month, 10);
    *p++ = '-';
    p = schema1_time_put(p, t->day, 10);
    *p++ = 'T';
    p = schema1_time_put(p, t->hour, 10);
    *p++ = ':';
    p = schema1_time_put(p, t->minute, 10);
    *p++ = ':';
    p = schema1_time_put(p, t->second, 10);

    if (t->nanosecond) {
        *p++ = '.';
        p = schema1_time_put(p, t->nanosecond, 100000000);

        while (p[-1] == '0') {
            p--;
        }
    }

    if (t->offset == 0) {
        *p++ = 'Z';
        return (size_t) (p - to);
    }

    *p++ = t->offset < 0 ? '-' : '+';
    offset = t->offset < 0 ? -t->offset : t->offset;

    p = schema1_time_put(p, offset / 60, offset >= 6000 ? 100 : 10);
    *p++ = ':';
    p = schema1_time_put(p, offset % 60, 10);

    return (size_t) (p - to);
}


static char *
schema1_time_put(char *to, int value, int divisor)
{
    for (/* void */ ; divisor; divisor /= 10) {
        *to++ = (char) ('0' + value / divisor % 10);
    }

    return to;
}
