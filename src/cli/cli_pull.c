
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * One image, client after client, by the core's own pull: what nginx would do
 * with the registry's documents.  A document that one client needed is kept
 * for the next.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "schema1_jws.h"

#include "cli.h"
#include "cli_audit.h"
#include "cli_pull.h"


static void cli_pull_tag(cli_job_t *job, bool head);
static void cli_pull_tag_done(cli_exchange_t *exchange);
static bool cli_pull_same_source(const cli_job_t *job);
static void cli_pull_take(cli_document_t *document, cli_transfer_t *transfer);
static void cli_pull_begin(cli_job_t *job);
static bool cli_pull_encoded(const cli_document_t *document,
    schema1_str_t digest);
static void cli_pull_set_source(cli_job_t *job, schema1_type_e type);
static char *cli_pull_source_digest(const cli_job_t *job,
    schema1_type_e type);
static void cli_pull_start(cli_job_t *job);
static void cli_pull_step(cli_job_t *job, schema1_pull_step_e step,
    schema1_error_t *err);
static cli_document_t *cli_pull_find(cli_job_t *job, schema1_str_t digest);
static void cli_pull_fetch(cli_job_t *job, const schema1_pull_request_t *want);
static void cli_pull_fetch_done(cli_exchange_t *exchange);
static int cli_pull_fetch_status(cli_exchange_t *exchange,
    const schema1_pull_request_t *want, schema1_error_t *err);
static void cli_pull_pass(cli_job_t *job);
static void cli_pull_answer(cli_job_t *job);
static void cli_pull_refuse(cli_job_t *job, const schema1_error_t *err);
static void cli_pull_fail(cli_job_t *job, cli_outcome_e outcome,
    const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void cli_pull_end(cli_job_t *job);
static void cli_pull_reset(cli_job_t *job);
static void cli_document_free(cli_document_t *document);


void
cli_pull_image(cli_job_t *job, cli_image_t *image)
{
    job->image = image;
    job->client = 0;

    cli_pull_tag(job, false);
}


static void
cli_pull_tag(cli_job_t *job, bool head)
{
    cli_client_t  *client;

    client = &job->audit->clients[job->client];

    job->path.len = 0;
    schema1_buf_puts(&job->path, "/v2/");
    schema1_buf_puts(&job->path, job->image->name);
    schema1_buf_puts(&job->path, "/manifests/");
    schema1_buf_puts(&job->path, job->image->tag);

    cli_pull_request(job, &job->audit->registry, cli_pull_tag_done);

    /* what a modern client sends is not changed */

    if (client->modern) {
        job->exchange.accept = client->lines;
        job->exchange.naccept = client->nlines;
    }

    job->exchange.head = head;

    cli_exchange_start(&job->exchange);
}


void
cli_pull_request(cli_job_t *job, cli_registry_t *registry,
    cli_exchange_pt handler)
{
    cli_client_t    *client;
    cli_exchange_t  *exchange;

    schema1_buf_putc(&job->path, '\0');
    cli_check(&job->path);

    client = &job->audit->clients[job->client];
    job->accept = client->upstream.data;

    exchange = &job->exchange;

    exchange->registry = registry;
    exchange->name = job->image->name;
    exchange->path = job->path.data;
    exchange->accept = &job->accept;
    exchange->naccept = 1;
    exchange->limit = (size_t) job->audit->options.max_size;
    exchange->head = false;
    exchange->follow = false;
    exchange->handler = handler;
    exchange->data = job;
}


static void
cli_pull_tag_done(cli_exchange_t *exchange)
{
    cli_job_t *job = exchange->data;

    if (exchange->error.reason != SCHEMA1_NO_REASON) {
        cli_pull_fail(job, CLI_OUTCOME_FAILED,
                      schema1_reason_info(exchange->error.reason)->name,
                      "the request for the tag failed: %s",
                      exchange->error.message);
        return;
    }

    if (exchange->head
        && (exchange->transfer.status != 200 || !cli_pull_same_source(job)))
    {
        cli_pull_tag(job, false);
        return;
    }

    if (exchange->transfer.status != 200) {
        cli_pull_fail(job, exchange->transfer.status == 404
                           ? CLI_OUTCOME_MISSING : CLI_OUTCOME_FAILED, NULL,
                      "the registry responded to the request for the tag "
                      "with status %ld", exchange->transfer.status);
        return;
    }

    if (!exchange->head) {
        cli_document_free(&job->source);
        cli_pull_take(&job->source, &exchange->transfer);
    }

    cli_pull_begin(job);
}


/*
 * The registry may send something else to another Accept header.  A HEAD
 * shows it, and is not counted by rate limits.
 */

static bool
cli_pull_same_source(const cli_job_t *job)
{
    schema1_str_t          digest, type;
    const cli_transfer_t  *transfer;

    transfer = &job->exchange.transfer;

    digest = cli_transfer_field(transfer, CLI_FIELD_DIGEST);
    type = cli_transfer_field(transfer, CLI_FIELD_TYPE);

    return digest.len != 0
           && digest.len == job->source.digest.len
           && memcmp(digest.data, job->source.digest.data, digest.len) == 0
           && schema1_media_type(type)
              == schema1_media_type(cli_bytes(&job->source.type));
}


/* moves the response into a document */

static void
cli_pull_take(cli_document_t *document, cli_transfer_t *transfer)
{
    schema1_str_t  encoding;

    encoding = cli_transfer_field(transfer, CLI_FIELD_ENCODING);

    document->body = transfer->body;
    document->type = transfer->fields[CLI_FIELD_TYPE];
    document->digest = transfer->fields[CLI_FIELD_DIGEST];
    document->overflow = transfer->overflow;
    document->encoded = (encoding.len != 0
                         && !schema1_str_caseeq(encoding, "identity"));

    memset(&transfer->body, 0, sizeof(schema1_buf_t));
    memset(&transfer->fields[CLI_FIELD_TYPE], 0, sizeof(schema1_buf_t));
    memset(&transfer->fields[CLI_FIELD_DIGEST], 0, sizeof(schema1_buf_t));
}


/* what nginx decides by the header of the response */

static void
cli_pull_begin(cli_job_t *job)
{
    cli_client_t      *client;
    schema1_type_e     type;
    schema1_error_t    err;
    schema1_action_e   action;

    client = &job->audit->clients[job->client];

    type = schema1_media_type(cli_bytes(&job->source.type));
    cli_pull_set_source(job, type);

    action = schema1_accept_decide(&client->accept, type, false);

    if (client->modern
        || (job->source.overflow
            && (action == SCHEMA1_ACTION_AS_IS
                || action == SCHEMA1_ACTION_SNIFF)))
    {
        cli_pull_pass(job);
        return;
    }

    memset(&err, 0, sizeof(schema1_error_t));

    if (job->source.overflow) {
        schema1_error_set(&err, SCHEMA1_TOO_LARGE, "the manifest is larger "
                          "than %ld bytes; schema_conversion_max_size sets "
                          "the limit", job->audit->options.max_size);
        cli_pull_refuse(job, &err);
        return;
    }

    if (action != SCHEMA1_ACTION_AS_IS
        && cli_pull_encoded(&job->source, cli_bytes(&job->source.digest)))
    {
        schema1_error_set(&err, SCHEMA1_ENCODED, "the registry sends the "
                          "manifest compressed, which was not requested");
        cli_pull_refuse(job, &err);
        return;
    }

    cli_pull_start(job);
}


/* what the report says about the stored document: the first client's */

static void
cli_pull_set_source(cli_job_t *job, schema1_type_e type)
{
    cli_image_t  *image;

    if (job->client != 0) {
        return;
    }

    image = job->image;

    free(image->digest);

    image->type = type;
    image->digest = cli_pull_source_digest(job, type);
}


/* a document that is not complete has only the digest that was sent */

static char *
cli_pull_source_digest(const cli_job_t *job, schema1_type_e type)
{
    const cli_document_t  *source;

    source = &job->source;

    if (source->overflow && source->digest.len == 0) {
        return cli_strdup(cli_text(""));
    }

    return cli_document_digest(cli_bytes(&source->body), type,
                               cli_bytes(&source->digest));
}


/* storage sends odd values; the digest shows whether the bytes are right */

static bool
cli_pull_encoded(const cli_document_t *document, schema1_str_t digest)
{
    schema1_error_t  err;

    if (!document->encoded) {
        return false;
    }

    memset(&err, 0, sizeof(schema1_error_t));

    return digest.len == 0
           || schema1_digest_verify(digest, cli_bytes(&document->body), "",
                                    &err)
              != SCHEMA1_OK;
}


static void
cli_pull_start(cli_job_t *job)
{
    schema1_error_t      err;
    schema1_document_t   document;
    schema1_pull_step_e  step;
    schema1_pull_conf_t  conf;

    memset(&conf, 0, sizeof(schema1_pull_conf_t));

    conf.name = cli_text(job->image->name);
    conf.tag = cli_text(job->image->tag);
    conf.accept = job->audit->clients[job->client].accept;
    conf.platform = cli_text(job->audit->options.platform);
    conf.key = job->audit->key;
    conf.now = time(NULL);
    conf.max_size = (size_t) job->audit->options.max_size;

    job->pull = schema1_pull_new(&conf);

    if (job->pull == NULL) {
        memset(&err, 0, sizeof(schema1_error_t));
        schema1_error_set(&err, SCHEMA1_NO_MEMORY, "out of memory");
        cli_pull_refuse(job, &err);
        return;
    }

    document.body = cli_bytes(&job->source.body);
    document.type = cli_bytes(&job->source.type);
    document.digest = cli_bytes(&job->source.digest);

    step = schema1_pull_feed(job->pull, &document, &err);

    cli_pull_set_source(job, schema1_pull_answer(job->pull)->source_type);

    if (step == SCHEMA1_PULL_NEED_LOOKUP) {
        step = schema1_pull_feed(job->pull, NULL, &err);
    }

    cli_pull_step(job, step, &err);
}


static void
cli_pull_step(cli_job_t *job, schema1_pull_step_e step, schema1_error_t *err)
{
    cli_document_t                *found;
    schema1_document_t             document;
    const schema1_pull_request_t  *want;

    while (step == SCHEMA1_PULL_NEED_FETCH) {
        want = schema1_pull_request(job->pull);
        found = cli_pull_find(job, want->digest);

        if (found == NULL) {
            cli_pull_fetch(job, want);
            return;
        }

        document.body = cli_bytes(&found->body);
        document.type = cli_bytes(&found->type);
        document.digest = cli_text("");

        step = schema1_pull_feed(job->pull, &document, err);
    }

    switch (step) {

    case SCHEMA1_PULL_PASS:
        cli_pull_pass(job);
        break;

    case SCHEMA1_PULL_DONE:
        cli_pull_answer(job);
        break;

    default: /* SCHEMA1_PULL_ERROR */
        cli_pull_refuse(job, err);
    }
}


static cli_document_t *
cli_pull_find(cli_job_t *job, schema1_str_t digest)
{
    size_t           i;
    cli_document_t  *document;

    for (i = 0; i < job->ndocuments; i++) {
        document = &job->documents[i];

        if (document->digest.len == digest.len
            && memcmp(document->digest.data, digest.data, digest.len) == 0)
        {
            return document;
        }
    }

    return NULL;
}


static void
cli_pull_fetch(cli_job_t *job, const schema1_pull_request_t *want)
{
    job->path.len = 0;
    schema1_buf_puts(&job->path, "/v2/");
    schema1_buf_puts(&job->path, job->image->name);
    schema1_buf_puts(&job->path, want->blob ? "/blobs/" : "/manifests/");
    schema1_buf_append(&job->path, want->digest.data, want->digest.len);

    cli_pull_request(job, &job->audit->registry, cli_pull_fetch_done);

    job->exchange.follow = true;

    cli_exchange_start(&job->exchange);
}


static void
cli_pull_fetch_done(cli_exchange_t *exchange)
{
    cli_job_t *job = exchange->data;

    schema1_error_t                err;
    cli_document_t                *document;
    const schema1_pull_request_t  *want;

    want = schema1_pull_request(job->pull);
    job->image->redirected |= exchange->external;

    memset(&err, 0, sizeof(schema1_error_t));

    if (cli_pull_fetch_status(exchange, want, &err) != SCHEMA1_OK) {
        cli_pull_refuse(job, &err);
        return;
    }

    if (job->ndocuments == CLI_MAX_DOCUMENTS) {
        cli_document_free(&job->documents[--job->ndocuments]);
    }

    document = &job->documents[job->ndocuments++];

    cli_pull_take(document, &exchange->transfer);

    schema1_buf_free(&document->digest);
    schema1_buf_append(&document->digest, want->digest.data,
                       want->digest.len);
    cli_check(&document->digest);

    if (cli_pull_encoded(document, want->digest)) {
        schema1_error_set(&err, SCHEMA1_ENCODED, "the registry sends the %s "
                          "%.*s compressed, which was not requested",
                          want->blob ? "config blob" : "child manifest",
                          (int) want->digest.len, want->digest.data);
        cli_pull_refuse(job, &err);
        return;
    }

    cli_pull_step(job, SCHEMA1_PULL_NEED_FETCH, &err);
}


/* the reasons for which nginx refuses the response to a subrequest */

static int
cli_pull_fetch_status(cli_exchange_t *exchange,
    const schema1_pull_request_t *want, schema1_error_t *err)
{
    int          len;
    long         status;
    const char  *what, *digest, *where;

    what = want->blob ? "config blob" : "child manifest";
    where = exchange->external ? "the storage it redirects to"
                               : "the registry";
    digest = want->digest.data;
    len = (int) want->digest.len;
    status = exchange->transfer.status;

    if (exchange->error.reason != SCHEMA1_NO_REASON) {
        schema1_error_set(err, exchange->error.reason,
                          "the request for the %s %.*s failed: %s", what, len,
                          digest, exchange->error.message);

    } else if (exchange->transfer.overflow) {
        schema1_error_set(err, SCHEMA1_TOO_LARGE, "the %s %.*s is larger than "
                          "%lu bytes; schema_conversion_max_size sets the "
                          "limit", what, len, digest,
                          (unsigned long) exchange->limit);

    } else if (status == 404) {
        schema1_error_set(err, want->blob ? SCHEMA1_CONFIG_NOT_FOUND
                                          : SCHEMA1_MANIFEST_NOT_FOUND,
                          "the image cannot be converted: its %s %.*s is not "
                          "in %s; push the image again", what, len, digest,
                          where);

    } else if (!exchange->external
               && (status == 401 || status == 403 || status == 429))
    {
        schema1_error_set(err, SCHEMA1_DENIED, "the registry answered %ld to "
                          "the request for the %s %.*s", status, what, len,
                          digest);

    } else if (status != 200) {
        schema1_error_set(err, SCHEMA1_UPSTREAM_FAILED, "the request for the "
                          "%s %.*s failed: status %ld from %s", what, len,
                          digest, status, where);
    }

    return err->reason == SCHEMA1_NO_REASON ? SCHEMA1_OK : SCHEMA1_ERROR;
}


static void
cli_pull_pass(cli_job_t *job)
{
    cli_result_t  *result;

    result = &job->image->results[job->client];

    result->outcome = CLI_OUTCOME_AS_IS;
    result->type = job->pull ? schema1_pull_answer(job->pull)->source_type
                             : schema1_media_type(
                                               cli_bytes(&job->source.type));
    result->digest = cli_pull_source_digest(job, result->type);

    cli_pull_end(job);
}


char *
cli_document_digest(schema1_str_t body, schema1_type_e type,
    schema1_str_t header)
{
    char           digest[SCHEMA1_DIGEST_MAX + 1];
    schema1_buf_t  payload;

    if (header.len != 0) {
        schema1_error_note(digest, sizeof(digest), header);
        return cli_strdup(cli_text(digest));
    }

    memset(&payload, 0, sizeof(schema1_buf_t));

    /* of schema 1 without its signatures */

    if (type == SCHEMA1_TYPE_SIGNED
        && schema1_jws_payload(body, &payload) == SCHEMA1_OK)
    {
        body = cli_bytes(&payload);
    }

    memcpy(digest, "sha256:", 7);

    if (schema1_digest_sha256_hex(body, digest + 7) != SCHEMA1_OK) {
        schema1_buf_free(&payload);
        return cli_strdup(cli_text(""));
    }

    digest[7 + 64] = '\0';

    schema1_buf_free(&payload);

    return cli_strdup(cli_text(digest));
}


static void
cli_pull_answer(cli_job_t *job)
{
    cli_result_t            *result;
    const schema1_answer_t  *answer;

    answer = schema1_pull_answer(job->pull);
    result = &job->image->results[job->client];

    result->outcome = answer->converted ? CLI_OUTCOME_CONVERTED
                                   : CLI_OUTCOME_CHILD;
    result->type = answer->type;
    result->history = answer->entries;
    result->digest = cli_strdup(answer->digest);

    cli_pull_end(job);
}


/* what says nothing about the image is a failure, not a refusal */

static void
cli_pull_refuse(cli_job_t *job, const schema1_error_t *err)
{
    cli_outcome_e  outcome;

    switch (err->reason) {

    case SCHEMA1_TRUNCATED:
    case SCHEMA1_UPSTREAM_FAILED:
    case SCHEMA1_TIMED_OUT:
    case SCHEMA1_DENIED:
    case SCHEMA1_NO_MEMORY:
        outcome = CLI_OUTCOME_FAILED;
        break;

    default:
        outcome = CLI_OUTCOME_REFUSED;
    }

    cli_pull_fail(job, outcome, schema1_reason_info(err->reason)->name, "%s",
                  err->message);
}


static void
cli_pull_fail(cli_job_t *job, cli_outcome_e outcome, const char *reason,
    const char *fmt, ...)
{
    char           text[1024];
    va_list        args;
    cli_result_t  *result;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    result = &job->image->results[job->client];

    result->outcome = outcome;
    result->reason = reason;
    result->message = cli_strdup(cli_text(text));

    cli_pull_end(job);
}


static void
cli_pull_end(cli_job_t *job)
{
    schema1_pull_free(job->pull);
    job->pull = NULL;

    if (job->audit->options.compare
        && job->image->results[job->client].outcome != CLI_OUTCOME_FAILED)
    {
        cli_compare(job);
        return;
    }

    cli_pull_next_client(job);
}


void
cli_pull_next_client(cli_job_t *job)
{
    if (++job->client == job->audit->nclients) {
        job->image->done = true;
        job->audit->done++;

        cli_pull_reset(job);
        cli_job_done(job);

        return;
    }

    cli_pull_tag(job, job->source.digest.len != 0);
}


/* the exchange's connection is kept for the next image */

static void
cli_pull_reset(cli_job_t *job)
{
    size_t  i;

    schema1_pull_free(job->pull);
    job->pull = NULL;

    cli_document_free(&job->source);

    for (i = 0; i < job->ndocuments; i++) {
        cli_document_free(&job->documents[i]);
    }

    job->ndocuments = 0;
}


void
cli_pull_free(cli_job_t *job)
{
    cli_pull_reset(job);
    cli_exchange_free(&job->exchange);
    schema1_buf_free(&job->path);
}


static void
cli_document_free(cli_document_t *document)
{
    schema1_buf_free(&document->body);
    schema1_buf_free(&document->type);
    schema1_buf_free(&document->digest);
}
