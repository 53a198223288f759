
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_TIME_H_INCLUDED_
#define _SCHEMA1_TIME_H_INCLUDED_


#include "schema1_string.h"


/* the longest text: date, time, nine digits and an offset of three */
#define SCHEMA1_TIME_SIZE  (sizeof("9999-12-31T23:59:59.123456789+100:39") - 1)

/* what Go writes for a time that was never set */
#define SCHEMA1_TIME_ZERO  "0001-01-01T00:00:00Z"


/* local time, and its distance from UTC in minutes */

typedef struct {
    int      year;
    int      month;
    int      day;
    int      hour;
    int      minute;
    int      second;
    int      nanosecond;
    int      offset;
} schema1_time_t;


/*
 * Reads a JSON string token, with its quotes, as time.Time of Go 1.19 does
 * (RFC 3339 with the liberties of time.Parse).  An escape is never accepted.
 */
int schema1_time_parse(schema1_time_t *t, schema1_str_t token);

/* writes it as Go does and returns the length; "to" is not terminated */
size_t schema1_time_format(const schema1_time_t *t,
    char to[SCHEMA1_TIME_SIZE]);


#endif /* _SCHEMA1_TIME_H_INCLUDED_ */
