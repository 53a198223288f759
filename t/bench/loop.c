
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * Loaded into nginx by LD_PRELOAD: the longest CPU time, in milliseconds, that
 * the event loop takes between two calls of epoll_wait().  It is written as a
 * double to the file $LOOP_FILE; a reader may set it to 0.
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
static double loop_clock(void);


static double         loop_since;
static double        *loop_longest;
static loop_wait_pt   loop_wait;


int
epoll_wait(int ep, struct epoll_event *events, int n, int timeout)
{
    int     rc;
    double  cpu;

    if (loop_wait == NULL) {
        loop_open();
    }

    cpu = loop_clock() - loop_since;

    if (loop_since > 0 && loop_longest && cpu > *loop_longest) {
        *loop_longest = cpu;
    }

    rc = loop_wait(ep, events, n, timeout);

    loop_since = loop_clock();

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

    if (fd < 0 || ftruncate(fd, sizeof(double)) != 0) {
        return;
    }

    p = mmap(NULL, sizeof(double), PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);

    if (p != MAP_FAILED) {
        loop_longest = p;
    }
}


static double
loop_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (double) ts.tv_sec * 1e3 + (double) ts.tv_nsec / 1e6;
}
