
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "cli_audit.h"


#define CLI_PROGRESS_INTERVAL  0.1


static double  cli_progress_last;
static bool    cli_progress_shown;


void
cli_progress(const cli_audit_t *audit)
{
    long    paused;
    double  now;

    now = cli_now();

    if (now < cli_progress_last + CLI_PROGRESS_INTERVAL
        || !isatty(STDERR_FILENO))
    {
        return;
    }

    cli_progress_last = now;
    cli_progress_shown = true;

    fprintf(stderr, "\r\033[K%lu of %lu tags", (unsigned long) audit->done,
            (unsigned long) audit->nimages);

    if (audit->nnames != 0) {
        fprintf(stderr, ", %lu of %lu repositories",
                (unsigned long) audit->next_name,
                (unsigned long) audit->nnames);
    }

    paused = cli_registry_paused(&audit->registry);

    if (paused) {
        fprintf(stderr, ", rate limit: waiting %ld s", paused);
    }

    fflush(stderr);
}


void
cli_progress_clear(void)
{
    if (cli_progress_shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
}
