
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _TAP_H_INCLUDED_
#define _TAP_H_INCLUDED_


/* a unit test is a program that prints TAP; "prove" runs it */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>


static unsigned  tap_count, tap_failed;


static inline int __attribute__((format(printf, 2, 3)))
tap_ok(int good, const char *fmt, ...)
{
    va_list  args;

    tap_count++;
    tap_failed += !good;

    printf("%sok %u - ", good ? "" : "not ", tap_count);

    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);

    putchar('\n');

    return good;
}


static inline int
tap_is(const char *got, size_t got_len, const char *want, const char *name)
{
    if (tap_ok(got_len == strlen(want) && memcmp(got, want, got_len) == 0,
               "%s", name))
    {
        return 1;
    }

    printf("#      got: \"%.*s\"\n# expected: \"%s\"\n", (int) got_len, got,
           want);

    return 0;
}


static inline int
tap_done(void)
{
    printf("1..%u\n", tap_count);

    return tap_failed != 0;
}


#endif /* _TAP_H_INCLUDED_ */
