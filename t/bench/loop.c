
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * Loaded into nginx by LD_PRELOAD: for how long its event loop is busy between
 * two calls of epoll_wait() at most.  What other connections wait for is this,
 * and whatever else the machine does.
 *
 * $LOOP_FILE receives three doubles: the longest time, the longest CPU time
 * (milliseconds), and how often.  Who reads them may write zeros over them.
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>


typedef int (*loop_wait_pt)(int ep, struct epoll_event *events, int n,
    int timeout);


static void loop_open(void);
static double loop_clock(clockid_t clock);


static double        *loop_longest;
static double         loop_since, loop_cpu;
static loop_wait_pt   loop_wait;


int
epoll_wait(int ep, struct epoll_event *events, int n, int timeout)
{
    int     rc;
    double  wall, cpu;

    if (loop_wait == NULL) {
        loop_open();
    }

    if (loop_since > 0 && loop_longest) {
        wall = loop_clock(CLOCK_MONOTONIC) - loop_since;
        cpu = loop_clock(CLOCK_THREAD_CPUTIME_ID) - loop_cpu;

        if (wall > loop_longest[0]) {
            loop_longest[0] = wall;
        }

        if (cpu > loop_longest[1]) {
            loop_longest[1] = cpu;
        }

        loop_longest[2]++;
    }

    rc = loop_wait(ep, events, n, timeout);

    loop_since = loop_clock(CLOCK_MONOTONIC);
    loop_cpu = loop_clock(CLOCK_THREAD_CPUTIME_ID);

    return rc;
}


static void
loop_open(void)
{
    int          fd;
    void        *p;
    const char  *name;

    loop_wait = (loop_wait_pt) dlsym(RTLD_NEXT, "epoll_wait");

    name = getenv("LOOP_FILE");
    if (name == NULL) {
        return;
    }

    fd = open(name, O_RDWR|O_CREAT, 0600);

    if (fd < 0 || ftruncate(fd, 3 * sizeof(double)) != 0) {
        return;
    }

    p = mmap(NULL, 3 * sizeof(double), PROT_READ|PROT_WRITE, MAP_SHARED, fd,
             0);
    close(fd);

    if (p != MAP_FAILED) {
        loop_longest = p;
    }
}


static double
loop_clock(clockid_t clock)
{
    struct timespec  ts;

    (void) clock_gettime(clock, &ts);

    return (double) ts.tv_sec * 1e3 + (double) ts.tv_nsec / 1e6;
}
