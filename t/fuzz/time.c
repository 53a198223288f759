
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* times: read, written, read again; what RFC 3339 allows is read */

/* for timegm(), also where a long has 32 bits */
#define _FILE_OFFSET_BITS  64
#define _TIME_BITS  64

#include <time.h>

#include "fuzz.h"
#include "schema1_json.h"
#include "schema1_time.h"


static bool time_is_rfc3339(schema1_str_t token);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int              rc;
    char            *copy, text[SCHEMA1_TIME_SIZE + 2];
    size_t           offset;
    schema1_str_t    token, written;
    schema1_time_t   t, again;

    copy = fuzz_copy(&token, data, size);

    rc = schema1_time_parse(&t, token);

    fuzz_check(rc == SCHEMA1_OK || !time_is_rfc3339(token));

    if (rc != SCHEMA1_OK) {
        free(copy);
        return 0;
    }

    fuzz_check(schema1_json_check(token, &offset) == SCHEMA1_OK);
    fuzz_check(t.nanosecond >= 0 && t.nanosecond <= 999999999);

    text[0] = '"';
    written.data = text;
    written.len = schema1_time_format(&t, text + 1) + 2;

    fuzz_check(written.len <= sizeof(text));

    text[written.len - 1] = '"';

    fuzz_check(schema1_json_check(written, &offset) == SCHEMA1_OK);

    /* an offset of 100 hours or more is written, but not read */

    if (t.offset > -6000 && t.offset < 6000) {
        fuzz_check(schema1_time_parse(&again, written) == SCHEMA1_OK);
        fuzz_check(memcmp(&t, &again, sizeof(schema1_time_t)) == 0);
        fuzz_check(time_is_rfc3339(written) || t.offset <= -24 * 60
                   || t.offset >= 24 * 60);
    }

    free(copy);

    return 0;
}


static bool
time_is_rfc3339(schema1_str_t token)
{
    int         n, h, m;
    char        text[64], sign;
    size_t      i;
    struct tm   tm, norm;

    if (token.len < sizeof("\"2006-01-02T15:04:05Z\"") - 1
        || token.len >= sizeof(text))
    {
        return false;
    }

    memcpy(text, token.data, token.len);
    text[token.len] = '\0';

    for (i = 0; i < 21; i++) {
        if ("\"dddd-dd-ddTdd:dd:dd\""[i] == 'd'
            ? text[i] < '0' || text[i] > '9'
            : i < 20 && text[i] != "\"dddd-dd-ddTdd:dd:dd\""[i])
        {
            return false;
        }

        if (i == 19) {
            break;
        }
    }

    memset(&tm, 0, sizeof(struct tm));

    if (sscanf(text, "\"%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon,
               &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec)
        != 6)
    {
        return false;
    }

    tm.tm_year -= 1900;
    tm.tm_mon--;
    norm = tm;

    (void) timegm(&norm);

    if (norm.tm_mday != tm.tm_mday || norm.tm_mon != tm.tm_mon
        || norm.tm_hour != tm.tm_hour || norm.tm_min != tm.tm_min
        || norm.tm_sec != tm.tm_sec)
    {
        return false;
    }

    i = 20;

    if (text[i] == '.') {
        i++;

        if (text[i] < '0' || text[i] > '9') {
            return false;
        }

        while (text[i] >= '0' && text[i] <= '9') {
            i++;
        }
    }

    if (strcmp(text + i, "Z\"") == 0) {
        return i + 2 == token.len;
    }

    n = 0;

    return strlen(text + i) == 7 && i + 7 == token.len
           && strspn(text + i + 1, "0123456789:") == 5
           && text[i + 3] == ':'
           && sscanf(text + i, "%c%2d:%2d\"%n", &sign, &h, &m, &n) == 3
           && n == 7 && (sign == '+' || sign == '-') && h < 24 && m < 60;
}
