
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* the response of the other registry to what the client sends */

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "cli.h"
#include "cli_audit.h"
#include "cli_pull.h"


/* a response of the module is twice the size of a document at most */
#define CLI_COMPARE_EXTRA  (64 * 1024)


static void cli_compare_done(cli_exchange_t *exchange);
static void cli_compare_digest(cli_result_t *result,
    const cli_transfer_t *transfer);
static void cli_compare_error(cli_result_t *result,
    const cli_transfer_t *transfer);
static void cli_compare_set(cli_result_t *result, cli_compare_e compare,
    const char *text);


void
cli_compare(cli_job_t *job)
{
    cli_client_t    *client;
    cli_exchange_t  *exchange;

    job->path.len = 0;
    schema1_buf_puts(&job->path, "/v2/");
    schema1_buf_puts(&job->path, job->image->name);
    schema1_buf_puts(&job->path, "/manifests/");
    schema1_buf_puts(&job->path, job->image->tag);

    cli_pull_request(job, &job->audit->compare, cli_compare_done);

    client = &job->audit->clients[job->client];
    exchange = &job->exchange;

    exchange->accept = client->lines;
    exchange->naccept = client->nlines;
    exchange->limit = 2 * exchange->limit + CLI_COMPARE_EXTRA;

    cli_exchange_start(exchange);
}


static void
cli_compare_done(cli_exchange_t *exchange)
{
    cli_job_t *job = exchange->data;

    cli_result_t  *result;

    result = &job->image->results[job->client];

    if (exchange->error.reason != SCHEMA1_NO_REASON) {
        cli_compare_set(result, CLI_COMPARE_FAILED, exchange->error.message);

    } else if (exchange->transfer.status == 200) {
        cli_compare_digest(result, &exchange->transfer);

    } else {
        cli_compare_error(result, &exchange->transfer);
    }

    cli_pull_next_client(job);
}


static void
cli_compare_digest(cli_result_t *result, const cli_transfer_t *transfer)
{
    char           *digest;
    schema1_str_t   header;

    header = cli_transfer_field(transfer, CLI_FIELD_DIGEST);

    if (transfer->overflow && header.len == 0) {
        cli_compare_set(result, CLI_COMPARE_FAILED, "the response is too "
                        "large");
        return;
    }

    digest = cli_document_digest(cli_bytes(&transfer->body),
                                 schema1_media_type(
                                    cli_transfer_field(transfer,
                                                       CLI_FIELD_TYPE)),
                                 header);

    cli_compare_set(result,
                    result->digest && strcmp(result->digest, digest) == 0
                    ? CLI_COMPARE_SAME : CLI_COMPARE_DIFFERENT, digest);

    free(digest);
}


/* the module says why; another registry refuses for reasons of its own */

static void
cli_compare_error(cli_result_t *result, const cli_transfer_t *transfer)
{
    char            text[256];
    json_t         *json;
    const char     *reason;
    cli_compare_e   compare;
    schema1_str_t   body;

    body = cli_bytes(&transfer->body);
    json = json_loadb(body.data, body.len, 0, NULL);

    reason = json_string_value(json_object_get(json_object_get(
                 json_array_get(json_object_get(json, "errors"), 0),
                 "detail"), "reason"));

    compare = (result->outcome == CLI_OUTCOME_REFUSED
               || result->outcome == CLI_OUTCOME_MISSING)
              ? CLI_COMPARE_SAME : CLI_COMPARE_DIFFERENT;

    if (reason != NULL
        && (result->reason == NULL || strcmp(reason, result->reason) != 0))
    {
        compare = CLI_COMPARE_DIFFERENT;
    }

    if (reason == NULL
        && (transfer->status == 401 || transfer->status == 429
            || transfer->status >= 500))
    {
        compare = CLI_COMPARE_FAILED;
    }

    snprintf(text, sizeof(text), "status %ld%s%s", transfer->status,
             reason ? ", " : "", reason ? reason : "");

    json_decref(json);

    cli_compare_set(result, compare, text);
}


static void
cli_compare_set(cli_result_t *result, cli_compare_e compare, const char *text)
{
    char  printable[512];

    schema1_error_note(printable, sizeof(printable), cli_text(text));

    result->compare = compare;
    result->compared = cli_strdup(cli_text(printable));
}
