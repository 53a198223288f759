
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* repositories and tags, page by page (OCI distribution specification) */

#include <stdlib.h>

#include <jansson.h>

#include "schema1_uri.h"

#include "cli.h"
#include "cli_audit.h"
#include "cli_page.h"


#define CLI_PAGE_ITEMS  "1000"


static void cli_list_start(cli_job_t *job);
static void cli_list_done(cli_exchange_t *exchange);
static int cli_list_status(cli_job_t *job);
static int cli_list_read(cli_job_t *job);
static int cli_list_add(cli_job_t *job, schema1_str_t item);
static bool cli_list_next(cli_job_t *job);
static bool cli_list_seen(cli_job_t *job, const schema1_buf_t *next);
static void cli_list_end(cli_job_t *job);
static void cli_list_fail(cli_job_t *job, const char *why);


void
cli_list_catalog(cli_job_t *job)
{
    job->name = "";
    job->listed = true;

    job->path.len = 0;
    schema1_buf_puts(&job->path, "/v2/_catalog?n=" CLI_PAGE_ITEMS);

    cli_list_start(job);
}


void
cli_list_tags(cli_job_t *job, const cli_name_t *name)
{
    job->name = name->name;
    job->listed = name->listed;

    job->path.len = 0;
    schema1_buf_puts(&job->path, "/v2/");
    schema1_buf_puts(&job->path, name->name);
    schema1_buf_puts(&job->path, "/tags/list?n=" CLI_PAGE_ITEMS);

    cli_list_start(job);
}


static void
cli_list_start(cli_job_t *job)
{
    cli_exchange_t             *exchange;
    static const char *const    accept[] = { "application/json" };

    schema1_buf_putc(&job->path, '\0');
    cli_check(&job->path);

    exchange = &job->exchange;

    exchange->registry = &job->audit->registry;
    exchange->name = job->name;
    exchange->path = job->path.data;
    exchange->accept = accept;
    exchange->naccept = 1;
    exchange->limit = CLI_MAX_PAGE_SIZE;
    exchange->head = false;
    exchange->follow = false;
    exchange->handler = cli_list_done;
    exchange->data = job;

    cli_exchange_start(exchange);
}


static void
cli_list_done(cli_exchange_t *exchange)
{
    cli_job_t *job = exchange->data;

    if (cli_list_status(job) == SCHEMA1_OK
        && cli_list_read(job) == SCHEMA1_OK
        && cli_list_next(job))
    {
        cli_list_start(job);
        return;
    }

    cli_list_end(job);
}


/* SCHEMA1_ERROR: there is nothing to read */

static int
cli_list_status(cli_job_t *job)
{
    char             text[128];
    cli_exchange_t  *exchange;

    exchange = &job->exchange;

    if (exchange->error.reason != SCHEMA1_NO_REASON) {
        cli_list_fail(job, exchange->error.message);
        return SCHEMA1_ERROR;
    }

    if (exchange->transfer.overflow) {
        cli_list_fail(job, "the list is too large");
        return SCHEMA1_ERROR;
    }

    if (exchange->transfer.status == 200) {
        return SCHEMA1_OK;
    }

    /* a repository that was deleted stays in the catalog of some registries */

    if (exchange->transfer.status == 404 && job->listed && job->name[0]) {
        return SCHEMA1_ERROR;
    }

    snprintf(text, sizeof(text), "the registry responded with status %ld%s",
             exchange->transfer.status,
             exchange->transfer.status == 401 ? "; see --user"
             : job->name[0] == '\0' ? "; name the repositories to check" : "");

    cli_list_fail(job, text);

    return SCHEMA1_ERROR;
}


static int
cli_list_read(cli_job_t *job)
{
    size_t          i;
    json_t         *json, *items, *item;
    schema1_str_t   body, value;

    body = cli_bytes(&job->exchange.transfer.body);

    json = json_loadb(body.data, body.len, 0, NULL);
    items = json_object_get(json, job->name[0] ? "tags" : "repositories");

    /* null: a repository without tags */

    if (json == NULL || (!json_is_array(items) && !json_is_null(items))) {
        json_decref(json);
        cli_list_fail(job, "the registry did not send a list");
        return SCHEMA1_ERROR;
    }

    for (i = 0; i < json_array_size(items); i++) {
        item = json_array_get(items, i);

        value.data = json_string_value(item);
        value.len = json_string_length(item);

        if (cli_list_add(job, value) != SCHEMA1_OK) {
            json_decref(json);
            cli_list_fail(job, "the list is too long");
            return SCHEMA1_ERROR;
        }
    }

    json_decref(json);

    return SCHEMA1_OK;
}


/* what no client could request is left out */

static int
cli_list_add(cli_job_t *job, schema1_str_t item)
{
    cli_audit_t  *audit;

    audit = job->audit;

    if (job->name[0] == '\0') {

        if (job->nitems++ == CLI_MAX_NAMES) {
            return SCHEMA1_ERROR;
        }

        if (item.data != NULL && schema1_uri_name_valid(item)
            && cli_patterns_match(&audit->options.repositories, item.data))
        {
            cli_audit_add_name(audit, item, true);
        }

        return SCHEMA1_OK;
    }

    if (job->nitems++ == CLI_MAX_TAGS) {
        return SCHEMA1_ERROR;
    }

    if (item.data != NULL && schema1_uri_tag_valid(item)
        && cli_patterns_match(&audit->options.tags, item.data))
    {
        return cli_audit_add_image(audit, job->name, item);
    }

    return SCHEMA1_OK;
}


/* true: job->path is the next page's */

static bool
cli_list_next(cli_job_t *job)
{
    schema1_buf_t  path;
    schema1_str_t  link, target;

    link = cli_transfer_field(&job->exchange.transfer, CLI_FIELD_LINK);

    if (cli_header_link_next(link, &target) != SCHEMA1_OK) {
        return false;
    }

    if (job->npages == CLI_MAX_PAGES) {
        cli_list_fail(job, "the list has too many pages");
        return false;
    }

    memset(&path, 0, sizeof(schema1_buf_t));

    if (cli_page_path(&job->audit->registry.origin, job->path.data, target,
                      &path)
        != SCHEMA1_OK)
    {
        schema1_buf_free(&path);
        cli_list_fail(job, "the next page belongs to another list");
        return false;
    }

    if (cli_list_seen(job, &path)) {
        schema1_buf_free(&path);
        cli_list_fail(job, "the pages of the list form a loop");
        return false;
    }

    schema1_buf_free(&job->path);
    job->path = path;

    return true;
}


/* remembers the current page; true if the next one was there before */

static bool
cli_list_seen(cli_job_t *job, const schema1_buf_t *next)
{
    size_t  i;

    if (job->pages == NULL) {
        job->pages = cli_alloc(CLI_MAX_PAGES * sizeof(char *));
    }

    job->pages[job->npages++] = cli_strdup(cli_text(job->path.data));

    for (i = 0; i < job->npages; i++) {
        if (schema1_str_eq(cli_bytes(next), job->pages[i])) {
            return true;
        }
    }

    return false;
}


static void
cli_list_end(cli_job_t *job)
{
    size_t  i;

    for (i = 0; i < job->npages; i++) {
        free(job->pages[i]);
    }

    free(job->pages);

    job->pages = NULL;
    job->npages = 0;
    job->nitems = 0;

    cli_job_done(job);
}


static void
cli_list_fail(cli_job_t *job, const char *why)
{
    if (job->name[0]) {
        cli_audit_fail(job->audit, "%s: the tags cannot be listed: %s",
                       job->name, why);
        return;
    }

    cli_audit_fail(job->audit, "the repositories cannot be listed: %s", why);
}
