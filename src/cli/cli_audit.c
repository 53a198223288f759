
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* schema1 audit: what clients would receive for each tag of a registry */

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "schema1_uri.h"

#include "cli.h"
#include "cli_audit.h"
#include "cli_report.h"


#define CLI_MAX_FAILURES  100

/* signals and the progress are checked so often, in milliseconds */
#define CLI_MAX_POLL      200


static int cli_audit_init(cli_audit_t *audit);
static int cli_audit_clients(cli_audit_t *audit);
static int cli_audit_registry(cli_audit_t *audit, cli_registry_t *registry,
    const char *origin, const cli_login_source_t *login);
static void cli_audit_targets(cli_audit_t *audit);
static void cli_audit_run(cli_audit_t *audit);
static bool cli_audit_fill(cli_audit_t *audit);
static bool cli_audit_next(cli_audit_t *audit, cli_job_t *job);
static int cli_audit_compare_images(const void *one, const void *two);
static void cli_audit_free(cli_audit_t *audit);
static void cli_audit_free_image(cli_image_t *image);
static void *cli_audit_grow(void *items, size_t n, size_t size);
static void cli_audit_signals(void);
static void cli_audit_signal(int signo);
static void cli_audit_usage(FILE *out);


static volatile sig_atomic_t  cli_interrupted;


/* what real clients send, the lines in their order */

static const cli_client_t  cli_docker_1_9 = {
    .name = "docker-1.9",
    .title = "DOCKER 1.9"
};

static const cli_client_t  cli_docker_1_13 = {
    .name = "docker-1.13",
    .title = "DOCKER 1.13",
    .lines = {
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/json"
    },
    .nlines = 4
};


int
cli_audit(int argc, char **argv)
{
    int          status;
    cli_audit_t  audit;

    memset(&audit, 0, sizeof(cli_audit_t));

    argv[0] = (char *) "schema1 audit";

    if (cli_audit_options(&audit.options, argc, argv) != SCHEMA1_OK) {
        return CLI_EXIT_USAGE;
    }

    if (audit.options.help) {
        cli_audit_usage(stdout);
        return CLI_EXIT_OK;
    }

    cli_audit_signals();

    status = CLI_EXIT_USAGE;

    if (cli_audit_init(&audit) == SCHEMA1_OK) {
        cli_audit_run(&audit);

        status = cli_report_status(&audit);

        if (cli_report(&audit) != SCHEMA1_OK) {
            perror("schema1: standard output");
            status = CLI_EXIT_USAGE;
        }
    }

    cli_audit_free(&audit);

    return status;
}


static int
cli_audit_init(cli_audit_t *audit)
{
    size_t                i;
    schema1_error_t       err;
    cli_audit_options_t  *options;

    options = &audit->options;

    audit->http.ca = options->ca;
    audit->http.timeout = options->timeout;

    /* to the registry, its token server, storage, the other registry */

    if (cli_http_init(&audit->http, 4 * (unsigned) options->jobs)
        != SCHEMA1_OK)
    {
        fputs("schema1: libcurl cannot be initialized\n", stderr);
        return SCHEMA1_ERROR;
    }

    /* the report has no signatures, and no digest depends on them */

    audit->key = schema1_key_generate(true, &err);

    if (audit->key == NULL) {
        fputs("schema1: a key cannot be generated\n", stderr);
        return SCHEMA1_ERROR;
    }

    if (cli_audit_registry(audit, &audit->registry, options->registry,
                           &options->login)
        != SCHEMA1_OK
        || (options->compare
            && cli_audit_registry(audit, &audit->compare, options->compare,
                                  &options->compare_login)
               != SCHEMA1_OK)
        || cli_audit_clients(audit) != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    cli_audit_targets(audit);

    audit->jobs = cli_alloc((size_t) options->jobs * sizeof(cli_job_t));

    for (i = 0; i < (size_t) options->jobs; i++) {
        audit->jobs[i].audit = audit;
    }

    return SCHEMA1_OK;
}


static int
cli_audit_registry(cli_audit_t *audit, cli_registry_t *registry,
    const char *origin, const cli_login_source_t *login)
{
    registry->http = &audit->http;
    registry->max_wait = audit->options.max_wait;

    if (cli_origin_read(&registry->origin, origin) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    return cli_login_find(&registry->login, login, &registry->origin);
}


static int
cli_audit_clients(cli_audit_t *audit)
{
    size_t          i, j;
    cli_client_t   *client;
    schema1_str_t   lines[CLI_MAX_CLIENT_LINES];

    if (audit->options.accept) {
        client = &audit->clients[0];

        client->name = "accept";
        client->title = "ACCEPT";
        client->lines[0] = audit->options.accept;
        client->nlines = (audit->options.accept[0] != '\0');

        audit->nclients = 1;

    } else {
        audit->clients[0] = cli_docker_1_9;
        audit->clients[1] = cli_docker_1_13;

        audit->nclients = 2;
    }

    for (i = 0; i < audit->nclients; i++) {
        client = &audit->clients[i];

        for (j = 0; j < client->nlines; j++) {
            lines[j] = cli_text(client->lines[j]);
        }

        schema1_accept_read(&client->accept, lines, client->nlines);

        client->modern = schema1_accept_is_modern(&client->accept);
        client->old = (client->accept.types & SCHEMA1_MODERN_TYPES) == 0;

        if (schema1_accept_upstream(lines, client->nlines, &client->upstream)
            != SCHEMA1_OK)
        {
            return SCHEMA1_ERROR;
        }

        schema1_buf_putc(&client->upstream, '\0');
        cli_check(&client->upstream);
    }

    return SCHEMA1_OK;
}


/* the arguments, or the whole catalog */

static void
cli_audit_targets(cli_audit_t *audit)
{
    char                 *text;
    size_t                i;
    schema1_str_t         name, tag;
    cli_audit_options_t  *options;

    options = &audit->options;

    audit->catalog = (options->nimages == 0);

    for (i = 0; i < options->nimages; i++) {
        (void) cli_image_read(options->images[i], &name, &tag);

        if (tag.len == 0) {
            cli_audit_add_name(audit, name, false);
            continue;
        }

        text = cli_strdup(name);
        (void) cli_audit_add_image(audit, text, tag);
        free(text);
    }
}


static void
cli_audit_run(cli_audit_t *audit)
{
    int  ms, compare;

    for ( ;; ) {

        if (cli_interrupted) {
            audit->interrupted = true;
            break;
        }

        if (cli_http_run(&audit->http) != SCHEMA1_OK) {
            cli_audit_fail(audit, "libcurl failed");
            break;
        }

        if (!cli_audit_fill(audit)) {
            break;
        }

        ms = cli_registry_run(&audit->registry);
        compare = cli_registry_run(&audit->compare);

        if (compare < ms) {
            ms = compare;
        }

        cli_progress(audit);
        cli_http_wait(&audit->http, ms < CLI_MAX_POLL ? ms : CLI_MAX_POLL);
    }

    cli_progress_clear();

    if (audit->nimages != 0) {
        qsort(audit->images, audit->nimages, sizeof(cli_image_t *),
              cli_audit_compare_images);
    }
}


/* false: there is nothing left to do */

static bool
cli_audit_fill(cli_audit_t *audit)
{
    size_t      i;
    cli_job_t  *job;

    for (i = 0; i < (size_t) audit->options.jobs; i++) {
        job = &audit->jobs[i];

        if (!job->busy && cli_audit_next(audit, job)) {
            audit->active++;
        }
    }

    return audit->active != 0;
}


static bool
cli_audit_next(cli_audit_t *audit, cli_job_t *job)
{
    if (audit->next_image < audit->nimages) {
        job->busy = true;
        cli_pull_image(job, audit->images[audit->next_image++]);
        return true;
    }

    if (audit->next_name < audit->nnames) {
        job->busy = true;
        cli_list_tags(job, &audit->names[audit->next_name++]);
        return true;
    }

    if (audit->catalog) {
        audit->catalog = false;
        job->busy = true;
        cli_list_catalog(job);
        return true;
    }

    return false;
}


void
cli_job_done(cli_job_t *job)
{
    job->busy = false;
    job->audit->active--;
}


void
cli_audit_add_name(cli_audit_t *audit, schema1_str_t name, bool listed)
{
    cli_name_t  *item;

    audit->names = cli_audit_grow(audit->names, audit->nnames,
                                  sizeof(cli_name_t));

    item = &audit->names[audit->nnames++];

    item->name = cli_strdup(name);
    item->listed = listed;
}


int
cli_audit_add_image(cli_audit_t *audit, const char *name, schema1_str_t tag)
{
    cli_image_t  *image;

    if (audit->nimages == CLI_MAX_IMAGES) {
        return SCHEMA1_ERROR;
    }

    audit->images = cli_audit_grow(audit->images, audit->nimages,
                                   sizeof(cli_image_t *));

    image = cli_alloc(sizeof(cli_image_t));

    image->name = cli_strdup(cli_text(name));
    image->tag = cli_strdup(tag);

    audit->images[audit->nimages++] = image;

    return SCHEMA1_OK;
}


/* space for one more item; the size doubles */

static void *
cli_audit_grow(void *items, size_t n, size_t size)
{
    void  *grown;

    if (n != 0 && (n < 64 || (n & (n - 1)) != 0)) {
        return items;
    }

    grown = cli_alloc((n < 64 ? 64 : 2 * n) * size);

    if (n != 0) {
        memcpy(grown, items, n * size);
        free(items);
    }

    return grown;
}


void
cli_audit_fail(cli_audit_t *audit, const char *fmt, ...)
{
    char     text[1024];
    va_list  args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    if (audit->nfailures < CLI_MAX_FAILURES) {
        audit->failures = cli_audit_grow(audit->failures, audit->nfailures,
                                         sizeof(char *));
        audit->failures[audit->nfailures++] = cli_strdup(cli_text(text));
    }
}


static int
cli_audit_compare_images(const void *one, const void *two)
{
    int                  rc;
    const cli_image_t   *a, *b;

    a = *(cli_image_t *const *) one;
    b = *(cli_image_t *const *) two;

    rc = strcmp(a->name, b->name);

    return rc ? rc : strcmp(a->tag, b->tag);
}


static void
cli_audit_free(cli_audit_t *audit)
{
    size_t  i;

    for (i = 0; audit->jobs && i < (size_t) audit->options.jobs; i++) {
        cli_pull_free(&audit->jobs[i]);
    }

    for (i = 0; i < audit->nimages; i++) {
        cli_audit_free_image(audit->images[i]);
    }

    for (i = 0; i < audit->nnames; i++) {
        free(audit->names[i].name);
    }

    for (i = 0; i < audit->nfailures; i++) {
        free(audit->failures[i]);
    }

    for (i = 0; i < audit->nclients; i++) {
        schema1_buf_free(&audit->clients[i].upstream);
    }

    free(audit->jobs);
    free(audit->images);
    free(audit->names);
    free(audit->failures);

    cli_registry_free(&audit->registry);
    cli_registry_free(&audit->compare);
    cli_http_done(&audit->http);
    schema1_key_free(audit->key);
}


static void
cli_audit_free_image(cli_image_t *image)
{
    size_t  i;

    for (i = 0; i < CLI_MAX_CLIENTS; i++) {
        free(image->results[i].digest);
        free(image->results[i].message);
        free(image->results[i].compared);
    }

    free(image->digest);
    free(image->name);
    free(image->tag);
    free(image);
}


/* not restarted: a signal ends the wait for a password too */

static void
cli_audit_signals(void)
{
    struct sigaction  sa;

    memset(&sa, 0, sizeof(struct sigaction));

    sa.sa_handler = cli_audit_signal;
    sigemptyset(&sa.sa_mask);

    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);

    /* a connection that a server has closed */

    sa.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &sa, NULL);
}


/* the second one does not wait for the report */

static void
cli_audit_signal(int signo)
{
    if (cli_interrupted) {
        _exit(128 + signo);
    }

    cli_interrupted = 1;
}


static void
cli_audit_usage(FILE *out)
{
    fputs("usage: schema1 audit [OPTION...] REGISTRY [NAME[:TAG]...]\n"
          "\n"
          "Reports what old clients would receive for each tag of a registry\n"
          "behind nginx with the module.\n"
          "\n"
          "  --accept VALUE          a client that sends this Accept header\n"
          "                          instead of Docker 1.9 and 1.13\n"
          "  --platform PLATFORM     os/arch[/variant]; linux/amd64\n"
          "  --compare URL           compare with another registry, or with\n"
          "                          nginx that has the module\n"
          "  --repositories PATTERN  only these repositories; \"!PATTERN\"\n"
          "                          excludes some\n"
          "  --tags PATTERN          only these tags, likewise\n"
          "  --user NAME             the password is in SCHEMA1_PASSWORD,\n"
          "                          ~/.netrc, or entered on the terminal\n"
          "  --password-file FILE    or in a file; \"-\" is standard input\n"
          "  --netrc FILE            instead of ~/.netrc\n"
          "  --compare-user NAME, --compare-password-file FILE\n"
          "                          the same for --compare\n"
          "  --ca FILE               certificates to trust, in PEM\n"
          "  --jobs N                images at a time; 8\n"
          "  --timeout SECONDS       of a request; 60\n"
          "  --max-wait SECONDS      for a rate limit; 300\n"
          "  --max-size SIZE         as schema_conversion_max_size; 4m\n"
          "  --json, --csv           instead of a table\n"
          "\n"
          "Exit status: 0 if all tags can be pulled, 1 if any cannot, 2 if\n"
          "a request to the registry failed or the arguments are wrong.\n",
          out);
}
