
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdio.h>

#include "schema1_redirect.h"

#include "cli.h"
#include "cli_registry.h"


#define CLI_MAX_RETRIES    1
#define CLI_MAX_PAUSES     5
#define CLI_MAX_LOGINS     2
#define CLI_RETRY_DELAY    0.5
#define CLI_TOKEN_POLL     0.02


static void cli_exchange_send(cli_exchange_t *exchange);
static int cli_exchange_authorization(cli_exchange_t *exchange,
    schema1_buf_t *value);
static void cli_exchange_wait(cli_exchange_t *exchange, double until);
static void cli_exchange_fail(cli_exchange_t *exchange,
    const schema1_error_t *error);
static bool cli_exchange_ready(cli_exchange_t *exchange, double now);
static void cli_exchange_done(cli_transfer_t *transfer);
static bool cli_exchange_retry(cli_exchange_t *exchange);
static bool cli_exchange_pause(cli_exchange_t *exchange);
static bool cli_exchange_login(cli_exchange_t *exchange);
static bool cli_exchange_redirect(cli_exchange_t *exchange);
static void cli_exchange_base(cli_exchange_t *exchange, schema1_base_t *base);


void
cli_exchange_start(cli_exchange_t *exchange)
{
    schema1_buf_free(&exchange->url);
    memset(&exchange->error, 0, sizeof(schema1_error_t));

    exchange->external = false;
    exchange->hops = 0;
    exchange->retries = 0;
    exchange->pauses = 0;
    exchange->logins = 0;

    exchange->transfer.http = exchange->registry->http;
    exchange->transfer.handler = cli_exchange_done;
    exchange->transfer.data = exchange;

    schema1_buf_puts(&exchange->url, exchange->registry->origin.url);
    schema1_buf_puts(&exchange->url, exchange->path);
    schema1_buf_putc(&exchange->url, '\0');

    /* never calls the handler at once */

    cli_exchange_wait(exchange, 0);
}


static void
cli_exchange_wait(cli_exchange_t *exchange, double until)
{
    cli_exchange_t  **p;

    exchange->until = until;
    exchange->next = NULL;

    /* first come, first served */

    for (p = &exchange->registry->waiting; *p; p = &(*p)->next) {
        /* void */
    }

    *p = exchange;
}


int
cli_registry_run(cli_registry_t *registry)
{
    bool             called;
    double           now, next, until;
    cli_exchange_t  *exchange, *waiting;

    called = false;
    waiting = registry->waiting;
    registry->waiting = NULL;

    now = cli_now();
    next = now + 1;

    while (waiting) {
        exchange = waiting;
        waiting = exchange->next;

        if (exchange->error.reason != SCHEMA1_NO_REASON) {
            exchange->handler(exchange);
            called = true;

        } else if (cli_exchange_ready(exchange, now)) {
            cli_exchange_send(exchange);

        } else {
            cli_exchange_wait(exchange, exchange->until);
        }
    }

    for (exchange = registry->waiting; exchange; exchange = exchange->next) {

        called |= (exchange->error.reason != SCHEMA1_NO_REASON);
        until = exchange->until;

        if (!exchange->external && until < registry->paused) {
            until = registry->paused;
        }

        if (until <= now) {
            until = now + CLI_TOKEN_POLL;
        }

        next = (until < next) ? until : next;
    }

    /* what the handlers started, and what failed at once, does not wait */

    return called ? 0 : (int) ((next - now) * 1000) + 1;
}


static bool
cli_exchange_ready(cli_exchange_t *exchange, double now)
{
    cli_token_t     *token;
    cli_registry_t  *registry;

    registry = exchange->registry;

    if (exchange->external) {
        return now >= exchange->until;
    }

    if (registry->stopped) {
        return true;
    }

    token = cli_token_find(registry, exchange->name);

    if (token && token->state == CLI_TOKEN_PENDING) {
        return false;
    }

    return now >= exchange->until && now >= registry->paused;
}


static void
cli_exchange_send(cli_exchange_t *exchange)
{
    schema1_buf_t    authorization;
    cli_request_t    request;
    schema1_error_t  error;

    memset(&authorization, 0, sizeof(schema1_buf_t));
    memset(&request, 0, sizeof(cli_request_t));

    request.url = exchange->url.data;
    request.limit = exchange->limit;
    request.head = exchange->head;

    if (!exchange->external) {

        if (cli_exchange_authorization(exchange, &authorization)
            != SCHEMA1_OK)
        {
            return;
        }

        request.authorization = authorization.data;
        request.accept = exchange->accept;
        request.naccept = exchange->naccept;
    }

    if (cli_http_start(&exchange->transfer, &request) != SCHEMA1_OK) {
        memset(&error, 0, sizeof(schema1_error_t));
        schema1_error_set(&error, SCHEMA1_NO_MEMORY, "out of memory");
        cli_exchange_fail(exchange, &error);
    }

    cli_cleanse(&authorization);
}


static int
cli_exchange_authorization(cli_exchange_t *exchange, schema1_buf_t *value)
{
    cli_token_t     *token;
    cli_registry_t  *registry;

    registry = exchange->registry;

    if (registry->stopped) {
        cli_exchange_fail(exchange, &registry->stop);
        return SCHEMA1_ERROR;
    }

    if (registry->basic) {
        cli_basic_authorization(&registry->login, value);
        return SCHEMA1_OK;
    }

    token = cli_token_find(registry, exchange->name);

    if (token == NULL) {
        return SCHEMA1_OK;
    }

    if (token->state == CLI_TOKEN_FAILED) {
        cli_exchange_fail(exchange, &token->error);
        return SCHEMA1_ERROR;
    }

    if (token->state == CLI_TOKEN_READY) {
        exchange->serial = token->serial;
        schema1_buf_append(value, token->value.data, token->value.len);
        cli_check(value);
    }

    return SCHEMA1_OK;
}


/* the handler is called by cli_registry_run() */

static void
cli_exchange_fail(cli_exchange_t *exchange, const schema1_error_t *error)
{
    exchange->error = *error;

    cli_exchange_wait(exchange, 0);
}


static void
cli_exchange_done(cli_transfer_t *transfer)
{
    cli_exchange_t  *exchange;

    exchange = transfer->data;

    if (transfer->result != CURLE_OK) {

        if (cli_exchange_retry(exchange)) {
            return;
        }

        schema1_error_set(&exchange->error,
                          transfer->result == CURLE_OPERATION_TIMEDOUT
                          && transfer->status == 0
                          ? SCHEMA1_TIMED_OUT
                          : transfer->status == 200 ? SCHEMA1_TRUNCATED
                                                    : SCHEMA1_UPSTREAM_FAILED,
                          "%s", transfer->error);

        exchange->handler(exchange);
        return;
    }

    if (transfer->status != 401 && !exchange->external
        && exchange->registry->basic && exchange->logins != 0)
    {
        exchange->registry->accepted = true;
    }

    switch (transfer->status) {

    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        if (exchange->follow && cli_exchange_redirect(exchange)) {
            return;
        }

        break;

    case 401:
        if (!exchange->external && cli_exchange_login(exchange)) {
            return;
        }

        break;

    case 429:
    case 503:
        if (cli_exchange_pause(exchange)) {
            return;
        }

        break;

    case 502:
    case 504:
        if (cli_exchange_retry(exchange)) {
            return;
        }

        break;
    }

    exchange->handler(exchange);
}


static bool
cli_exchange_retry(cli_exchange_t *exchange)
{
    if (exchange->retries == CLI_MAX_RETRIES) {
        return false;
    }

    exchange->retries++;
    cli_exchange_wait(exchange, cli_now() + CLI_RETRY_DELAY);

    return true;
}


/* a 503 without Retry-After is an ordinary failure */

static bool
cli_exchange_pause(cli_exchange_t *exchange)
{
    long             wait;
    cli_registry_t  *registry;
    cli_transfer_t  *transfer;

    registry = exchange->registry;
    transfer = &exchange->transfer;

    wait = cli_header_retry_after(cli_transfer_field(transfer,
                                                     CLI_FIELD_RETRY_AFTER),
                                  time(NULL));

    if (wait == -1 && transfer->status == 503) {
        return cli_exchange_retry(exchange);
    }

    if (exchange->pauses == CLI_MAX_PAUSES) {
        return false;
    }

    if (wait == -1) {
        wait = 1L << exchange->pauses;
    }

    exchange->pauses++;

    if (exchange->external) {

        if (wait > registry->max_wait) {
            return false;
        }

        cli_exchange_wait(exchange, cli_now() + (double) wait);
        return true;
    }

    if (cli_registry_pause(registry, wait) != SCHEMA1_OK) {
        return false;
    }

    cli_exchange_wait(exchange, registry->paused);

    return true;
}


int
cli_registry_pause(cli_registry_t *registry, long wait)
{
    double  until;

    if (wait == -1) {
        wait = 1;
    }

    if (wait > registry->max_wait) {

        if (!registry->stopped) {
            schema1_error_set(&registry->stop, SCHEMA1_DENIED,
                              "the registry limits the rate of requests and "
                              "allows the next one in %ld seconds; see "
                              "--max-wait", wait);
            registry->stopped = true;
        }

        return SCHEMA1_ERROR;
    }

    until = cli_now() + (double) wait;

    if (until > registry->paused) {
        registry->paused = until;
    }

    return SCHEMA1_OK;
}


void
cli_registry_stop(cli_registry_t *registry, const char *why)
{
    if (!registry->stopped) {
        schema1_error_set(&registry->stop, SCHEMA1_DENIED, "%s", why);
        registry->stopped = true;
    }
}


long
cli_registry_paused(const cli_registry_t *registry)
{
    double  left;

    left = registry->paused - cli_now();

    return left > 0 ? (long) left + 1 : 0;
}


static bool
cli_exchange_login(cli_exchange_t *exchange)
{
    cli_token_t      *token;
    cli_registry_t   *registry;
    cli_challenge_t   challenge;

    registry = exchange->registry;

    if (exchange->logins++ == CLI_MAX_LOGINS) {
        return false;
    }

    token = cli_token_find(registry, exchange->name);

    if (token && (token->state == CLI_TOKEN_PENDING
                  || (token->state == CLI_TOKEN_READY
                      && token->serial != exchange->serial)))
    {
        /* another exchange was faster */

        cli_exchange_wait(exchange, 0);
        return true;
    }

    cli_header_challenge(cli_transfer_field(&exchange->transfer,
                                            CLI_FIELD_CHALLENGE),
                         &challenge);

    if (challenge.scheme == CLI_AUTH_BEARER) {
        cli_token_request(registry, exchange->name, &challenge);
        cli_challenge_free(&challenge);
        cli_exchange_wait(exchange, 0);

        return true;
    }

    if (challenge.scheme != CLI_AUTH_BASIC || registry->login.user.len == 0) {
        return false;
    }

    if (registry->basic && exchange->logins > 1) {

        if (!registry->accepted) {

            /* further attempts could lock the account */

            cli_registry_stop(registry, "the registry rejected the user or "
                              "the password");
        }

        return false;
    }

    registry->basic = true;
    cli_exchange_wait(exchange, 0);

    return true;
}


/* true: the exchange continues, with the next request or as failed */

static bool
cli_exchange_redirect(cli_exchange_t *exchange)
{
    schema1_buf_t        target;
    schema1_base_t       base;
    schema1_str_t        location;
    schema1_error_t      error;
    schema1_redirect_e   where;

    memset(&error, 0, sizeof(schema1_error_t));
    memset(&target, 0, sizeof(schema1_buf_t));

    location = cli_transfer_field(&exchange->transfer, CLI_FIELD_LOCATION);

    if (exchange->hops++ == SCHEMA1_REDIRECT_MAX_HOPS) {
        schema1_error_set(&error, SCHEMA1_REDIRECTED,
                          "there are more than %d redirects",
                          SCHEMA1_REDIRECT_MAX_HOPS);
        cli_exchange_fail(exchange, &error);
        return true;
    }

    cli_exchange_base(exchange, &base);

    where = schema1_redirect_resolve(&base, location, &target, &error);

    if (where == SCHEMA1_REDIRECT_REFUSED) {
        cli_exchange_fail(exchange, &error);

    } else {
        schema1_buf_free(&exchange->url);

        if (where == SCHEMA1_REDIRECT_REGISTRY) {
            schema1_buf_puts(&exchange->url, exchange->registry->origin.url);

        } else {
            exchange->external = true;
        }

        schema1_buf_append(&exchange->url, target.data, target.len);
        schema1_buf_putc(&exchange->url, '\0');
        cli_check(&exchange->url);

        cli_exchange_wait(exchange, 0);
    }

    schema1_buf_free(&target);

    return true;
}


/* the parts of the URL that was requested: scheme://authority/path */

static void
cli_exchange_base(cli_exchange_t *exchange, schema1_base_t *base)
{
    memset(base, 0, sizeof(schema1_base_t));

    schema1_redirect_parse(&base->url, cli_text(exchange->url.data));

    base->registry = !exchange->external;
    base->name = cli_text(exchange->name);

    if (base->registry) {
        base->upstream = base->url.authority;
    }
}


void
cli_exchange_free(cli_exchange_t *exchange)
{
    cli_exchange_t  **p;

    if (exchange->registry) {

        for (p = &exchange->registry->waiting; *p; p = &(*p)->next) {
            if (*p == exchange) {
                *p = exchange->next;
                break;
            }
        }
    }

    cli_transfer_free(&exchange->transfer);
    schema1_buf_free(&exchange->url);
}


void
cli_registry_free(cli_registry_t *registry)
{
    cli_tokens_free(registry);
    cli_login_free(&registry->login);
}
