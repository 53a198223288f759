
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * nginx does not wait for the detached threads of its pools: one that has not
 * quite ended when the process calls exit() loses what libcrypto keeps for a
 * thread, its error state and random generator, and LeakSanitizer reports it.
 * Linked with --wrap=exit, a process under test lets them end first.
 */


#include <dirent.h>
#include <stdlib.h>
#include <time.h>


void __real_exit(int status) __attribute__((noreturn));
void __wrap_exit(int status) __attribute__((noreturn));

static int running_threads(void);


void
__wrap_exit(int status)
{
    int                    i;
    const struct timespec  ms = { 0, 1000000 };

    /* a thread that hangs is for the report to show */

    for (i = 0; i < 2000 && running_threads() > 1; i++) {
        nanosleep(&ms, NULL);
    }

    __real_exit(status);
}


static int
running_threads(void)
{
    int             n;
    DIR            *dir;
    struct dirent  *entry;

    dir = opendir("/proc/self/task");
    if (dir == NULL) {
        return 0;
    }

    n = 0;

    while ((entry = readdir(dir)) != NULL) {
        n += (entry->d_name[0] != '.');
    }

    closedir(dir);

    return n;
}
