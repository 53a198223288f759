
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* Bearer tokens as distribution's "token authentication" describes them */

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "schema1_base64.h"

#include "cli.h"
#include "cli_registry.h"


#define CLI_MAX_TOKENS          64
#define CLI_MAX_TOKEN_SIZE      (16 * 1024)
#define CLI_MAX_TOKEN_RESPONSE  (64 * 1024)


static cli_token_t *cli_token_create(cli_registry_t *registry,
    const char *name);
static void cli_token_evict(cli_registry_t *registry);
static int cli_token_url(const cli_registry_t *registry,
    const cli_challenge_t *challenge, schema1_buf_t *url);
static bool cli_token_realm_valid(const cli_registry_t *registry,
    const char *realm);
static void cli_token_param(schema1_buf_t *url, const char *name,
    const schema1_buf_t *value);
static void cli_token_done(cli_transfer_t *transfer);
static int cli_token_read(cli_token_t *token, schema1_str_t body);
static void cli_token_fail(cli_token_t *token, schema1_reason_e reason,
    const char *why);
static void cli_token_free(cli_token_t *token);


cli_token_t *
cli_token_find(const cli_registry_t *registry, const char *name)
{
    cli_token_t  *token;

    for (token = registry->tokens; token; token = token->next) {
        if (strcmp(token->name, name) == 0) {
            break;
        }
    }

    return token;
}


cli_token_t *
cli_token_request(cli_registry_t *registry, const char *name,
    const cli_challenge_t *challenge)
{
    cli_token_t     *token;
    schema1_buf_t    url, authorization;
    cli_request_t    request;

    token = cli_token_find(registry, name);
    if (token == NULL) {
        token = cli_token_create(registry, name);
    }

    cli_cleanse(&token->value);

    token->state = CLI_TOKEN_PENDING;
    token->serial = ++registry->serial;

    memset(&url, 0, sizeof(schema1_buf_t));
    memset(&authorization, 0, sizeof(schema1_buf_t));
    memset(&request, 0, sizeof(cli_request_t));

    if (cli_token_url(registry, challenge, &url) != SCHEMA1_OK) {
        cli_token_fail(token, SCHEMA1_DENIED, "the URL of the registry's "
                       "token server is not valid or not secure");
        schema1_buf_free(&url);
        return token;
    }

    if (registry->login.user.len != 0) {
        cli_basic_authorization(&registry->login, &authorization);
        request.authorization = authorization.data;
    }

    request.url = url.data;
    request.limit = CLI_MAX_TOKEN_RESPONSE;

    if (cli_http_start(&token->transfer, &request) != SCHEMA1_OK) {
        cli_token_fail(token, SCHEMA1_NO_MEMORY, "out of memory");
    }

    schema1_buf_free(&url);
    cli_cleanse(&authorization);

    return token;
}


static cli_token_t *
cli_token_create(cli_registry_t *registry, const char *name)
{
    cli_token_t  *token;

    if (registry->ntokens >= CLI_MAX_TOKENS) {
        cli_token_evict(registry);
    }

    token = cli_alloc(sizeof(cli_token_t));

    token->registry = registry;
    token->name = cli_strdup(cli_text(name));
    token->next = registry->tokens;
    token->transfer.http = registry->http;
    token->transfer.handler = cli_token_done;
    token->transfer.data = token;

    registry->tokens = token;
    registry->ntokens++;

    return token;
}


/* the oldest one that no exchange waits for */

static void
cli_token_evict(cli_registry_t *registry)
{
    cli_token_t  **p, **oldest, *token;

    oldest = NULL;

    for (p = &registry->tokens; *p; p = &(*p)->next) {
        if ((*p)->state != CLI_TOKEN_PENDING) {
            oldest = p;
        }
    }

    if (oldest) {
        token = *oldest;
        *oldest = token->next;
        registry->ntokens--;

        cli_token_free(token);
    }
}


static int
cli_token_url(const cli_registry_t *registry,
    const cli_challenge_t *challenge, schema1_buf_t *url)
{
    if (!cli_token_realm_valid(registry, challenge->realm.data)) {
        return SCHEMA1_ERROR;
    }

    schema1_buf_puts(url, challenge->realm.data);
    schema1_buf_putc(url, strchr(challenge->realm.data, '?') ? '&' : '?');

    cli_token_param(url, "service", &challenge->service);
    cli_token_param(url, "scope", &challenge->scope);

    /* the "?" or "&" behind the last one */

    if (!url->failed) {
        url->data[url->len - 1] = '\0';
    }

    return url->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


/* the password must not be sent in the clear if the registry has https */

static bool
cli_token_realm_valid(const cli_registry_t *registry, const char *realm)
{
    bool    valid;
    char   *scheme, *user;
    CURLU  *url;

    url = curl_url();
    if (url == NULL) {
        return false;
    }

    scheme = NULL;
    user = NULL;

    valid = strpbrk(realm, "#\\ ") == NULL
            && curl_url_set(url, CURLUPART_URL, realm, 0) == CURLUE_OK
            && curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
            && curl_url_get(url, CURLUPART_USER, &user, 0)
               == CURLUE_NO_USER;

    if (valid) {
        valid = strcmp(scheme, "https") == 0
                || (strcmp(scheme, "http") == 0 && !registry->origin.https);
    }

    curl_free(scheme);
    curl_free(user);
    curl_url_cleanup(url);

    return valid;
}


static void
cli_token_param(schema1_buf_t *url, const char *name,
    const schema1_buf_t *value)
{
    char  *escaped;

    if (value->len == 0) {
        return;
    }

    escaped = curl_easy_escape(NULL, value->data, (int) value->len);
    if (escaped == NULL) {
        url->failed = true;
        return;
    }

    schema1_buf_puts(url, name);
    schema1_buf_putc(url, '=');
    schema1_buf_puts(url, escaped);
    schema1_buf_putc(url, '&');

    curl_free(escaped);
}


static void
cli_token_done(cli_transfer_t *transfer)
{
    long             wait;
    cli_token_t     *token;
    cli_registry_t  *registry;

    token = transfer->data;
    registry = token->registry;

    if (transfer->result != CURLE_OK) {
        cli_token_fail(token, SCHEMA1_UPSTREAM_FAILED, transfer->error);
        return;
    }

    if (transfer->status == 200) {

        if (cli_token_read(token, cli_bytes(&transfer->body)) != SCHEMA1_OK) {
            cli_token_fail(token, SCHEMA1_DENIED, "the response of the "
                           "registry's token server has no valid token");
            return;
        }

        registry->accepted = true;
        token->state = CLI_TOKEN_READY;
        return;
    }

    if (transfer->status == 429) {
        wait = cli_header_retry_after(
                   cli_transfer_field(transfer, CLI_FIELD_RETRY_AFTER),
                   time(NULL));

        if (cli_registry_pause(registry, wait) == SCHEMA1_OK) {

            /* the registry sends its challenge again */

            token->state = CLI_TOKEN_NONE;
            return;
        }
    }

    schema1_error_set(&token->error, SCHEMA1_DENIED, "the registry's token "
                      "server responded with status %ld%s",
                      transfer->status,
                      registry->login.user.len == 0
                      ? "; --user may be required" : "");
    token->state = CLI_TOKEN_FAILED;

    if (transfer->status == 401 && registry->login.user.len != 0
        && !registry->accepted)
    {

        /* further attempts could lock the account */

        cli_registry_stop(registry, "the token server rejected the user or "
                          "the password");
    }
}


/* {"token":"..."} or {"access_token":"..."} */

static int
cli_token_read(cli_token_t *token, schema1_str_t body)
{
    size_t        i, len;
    json_t       *json;
    const char   *text;

    json = json_loadb(body.data, body.len, 0, NULL);

    text = json_string_value(json_object_get(json, "token"));
    if (text == NULL || text[0] == '\0') {
        text = json_string_value(json_object_get(json, "access_token"));
    }

    len = text ? strlen(text) : 0;

    if (len == 0 || len > CLI_MAX_TOKEN_SIZE) {
        json_decref(json);
        return SCHEMA1_ERROR;
    }

    for (i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f) {
            json_decref(json);
            return SCHEMA1_ERROR;
        }
    }

    schema1_buf_puts(&token->value, "Bearer ");
    schema1_buf_append(&token->value, text, len + 1);

    json_decref(json);

    return token->value.failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


static void
cli_token_fail(cli_token_t *token, schema1_reason_e reason, const char *why)
{
    schema1_error_set(&token->error, reason, "no token: %s", why);

    token->state = CLI_TOKEN_FAILED;
}


static void
cli_token_free(cli_token_t *token)
{
    cli_cleanse(&token->value);
    cli_cleanse(&token->transfer.body);
    cli_transfer_free(&token->transfer);

    free(token->name);
    free(token);
}


void
cli_tokens_free(cli_registry_t *registry)
{
    cli_token_t  *token;

    while (registry->tokens) {
        token = registry->tokens;
        registry->tokens = token->next;

        cli_token_free(token);
    }
}


void
cli_basic_authorization(const cli_login_t *login, schema1_buf_t *value)
{
    schema1_buf_t  pair;

    memset(&pair, 0, sizeof(schema1_buf_t));

    schema1_buf_append(&pair, login->user.data, login->user.len);
    schema1_buf_putc(&pair, ':');
    schema1_buf_append(&pair, login->password.data, login->password.len);

    schema1_buf_puts(value, "Basic ");
    schema1_base64_encode(value, (const unsigned char *) pair.data, pair.len);
    schema1_buf_putc(value, '\0');

    cli_cleanse(&pair);

    cli_check(value);
}
