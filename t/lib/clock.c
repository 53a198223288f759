
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * Makes time pass faster for nginx (LD_PRELOAD), so that a test of a timer of a
 * minute takes seconds: SCHEMA1_CLOCK times as fast for timers, which nginx
 * takes from the monotonic clock, and for what epoll_wait() waits.
 */

#define _GNU_SOURCE

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>


static long
clock_speed(void)
{
    static long  speed;
    const char  *value;

    if (speed == 0) {
        value = getenv("SCHEMA1_CLOCK");
        speed = value ? atol(value) : 1;
    }

    return speed;
}


int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int        rc;
    long long  ns;

    rc = syscall(SYS_clock_gettime, id, ts);

    if (rc == 0 && (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)) {
        ns = (long long) ts->tv_nsec * clock_speed();
        ts->tv_sec = ts->tv_sec * clock_speed() + ns / 1000000000;
        ts->tv_nsec = ns % 1000000000;
    }

    return rc;
}


int
epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
    if (timeout > 0) {
        timeout = timeout / clock_speed() + 1;
    }

    return syscall(SYS_epoll_pwait, fd, events, n, timeout, NULL, 0);
}
