
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <curl/curl.h>

#include "cli_header.h"


#define CLI_RETRY_AFTER_MAX  (365 * 24 * 60 * 60L)


static void cli_header_param(cli_challenge_t *challenge, schema1_str_t name,
    const schema1_buf_t *value);
static bool cli_header_complete(const cli_challenge_t *challenge);
static int cli_header_link(schema1_str_t *rest, schema1_str_t *target,
    bool *next);
static bool cli_header_has_word(const schema1_buf_t *list, const char *word);
static void cli_header_skip(schema1_str_t *rest, const char *set);
static schema1_str_t cli_header_token(schema1_str_t *rest);
static int cli_header_value(schema1_str_t *rest, schema1_buf_t *value);
static bool cli_header_is_token(char ch);


void
cli_header_challenge(schema1_str_t value, cli_challenge_t *challenge)
{
    bool             basic;
    schema1_buf_t    param;
    schema1_str_t    token;

    memset(challenge, 0, sizeof(cli_challenge_t));
    memset(&param, 0, sizeof(schema1_buf_t));

    basic = false;

    while (value.len != 0) {

        cli_header_skip(&value, " \t,");

        token = cli_header_token(&value);
        if (token.len == 0) {
            break;
        }

        cli_header_skip(&value, " \t");

        if (value.len != 0 && value.data[0] == '=') {

            /* BWS around "=" is allowed in a parameter */

            param.len = 0;

            if (cli_header_value(&value, &param) != SCHEMA1_OK) {
                break;
            }

            cli_header_param(challenge, token, &param);
            continue;
        }

        /* no "=" behind it: the next challenge begins */

        if (cli_header_complete(challenge)) {
            break;
        }

        cli_challenge_free(challenge);

        if (schema1_str_caseeq(token, "bearer")) {
            challenge->scheme = CLI_AUTH_BEARER;

        } else if (schema1_str_caseeq(token, "basic")) {
            basic = true;
        }
    }

    schema1_buf_free(&param);

    if (!cli_header_complete(challenge)) {
        cli_challenge_free(challenge);
        challenge->scheme = basic ? CLI_AUTH_BASIC : CLI_AUTH_NONE;
    }
}


void
cli_challenge_free(cli_challenge_t *challenge)
{
    schema1_buf_free(&challenge->realm);
    schema1_buf_free(&challenge->service);
    schema1_buf_free(&challenge->scope);

    challenge->scheme = CLI_AUTH_NONE;
}


/* a parameter that is repeated: the first one counts */

static void
cli_header_param(cli_challenge_t *challenge, schema1_str_t name,
    const schema1_buf_t *value)
{
    size_t          i;
    schema1_buf_t  *to;

    if (challenge->scheme != CLI_AUTH_BEARER) {
        return;
    }

    if (schema1_str_caseeq(name, "realm")) {
        to = &challenge->realm;

    } else if (schema1_str_caseeq(name, "service")) {
        to = &challenge->service;

    } else if (schema1_str_caseeq(name, "scope")) {
        to = &challenge->scope;

    } else {
        return;
    }

    if (to->len != 0 || value->len == 0) {
        return;
    }

    for (i = 0; i < value->len; i++) {
        if ((unsigned char) value->data[i] < 0x20 || value->data[i] == 0x7f) {
            return;
        }
    }

    schema1_buf_append(to, value->data, value->len);
    schema1_buf_putc(to, '\0');

    if (to->failed) {
        schema1_buf_free(to);
        return;
    }

    to->len--;
}


static bool
cli_header_complete(const cli_challenge_t *challenge)
{
    return challenge->scheme == CLI_AUTH_BEARER && challenge->realm.len != 0;
}


int
cli_header_link_next(schema1_str_t value, schema1_str_t *target)
{
    bool  next;

    while (value.len != 0) {

        cli_header_skip(&value, " \t,");

        if (cli_header_link(&value, target, &next) != SCHEMA1_OK) {
            return SCHEMA1_ERROR;
        }

        if (next) {
            return SCHEMA1_OK;
        }
    }

    return SCHEMA1_ERROR;
}


/* <target>; name=value; name="value" */

static int
cli_header_link(schema1_str_t *rest, schema1_str_t *target, bool *next)
{
    const char     *end;
    schema1_buf_t   param;
    schema1_str_t   name;

    *next = false;

    if (rest->len == 0 || rest->data[0] != '<') {
        return SCHEMA1_ERROR;
    }

    end = memchr(rest->data, '>', rest->len);
    if (end == NULL) {
        return SCHEMA1_ERROR;
    }

    target->data = rest->data + 1;
    target->len = (size_t) (end - target->data);

    rest->len -= target->len + 2;
    rest->data = end + 1;

    memset(&param, 0, sizeof(schema1_buf_t));

    for ( ;; ) {
        cli_header_skip(rest, " \t");

        if (rest->len == 0 || rest->data[0] != ';') {
            break;
        }

        cli_header_skip(rest, " \t;");

        name = cli_header_token(rest);
        cli_header_skip(rest, " \t");

        if (rest->len == 0 || rest->data[0] != '=') {
            continue;
        }

        param.len = 0;

        if (cli_header_value(rest, &param) != SCHEMA1_OK) {
            break;
        }

        if (schema1_str_caseeq(name, "rel")
            && cli_header_has_word(&param, "next"))
        {
            *next = true;
        }
    }

    schema1_buf_free(&param);

    return SCHEMA1_OK;
}


/* words are separated by spaces */

static bool
cli_header_has_word(const schema1_buf_t *list, const char *word)
{
    size_t         i, start;
    schema1_str_t  item;

    for (start = 0; start < list->len; start = i + 1) {

        for (i = start; i < list->len && list->data[i] != ' '; i++) {
            /* void */
        }

        item.data = list->data + start;
        item.len = i - start;

        if (schema1_str_caseeq(item, word)) {
            return true;
        }
    }

    return false;
}


long
cli_header_retry_after(schema1_str_t value, time_t now)
{
    long    seconds;
    char    date[64];
    time_t  when;
    size_t  i;

    if (value.len == 0 || value.len >= sizeof(date)) {
        return -1;
    }

    seconds = 0;

    for (i = 0; i < value.len; i++) {

        if (value.data[i] < '0' || value.data[i] > '9') {
            break;
        }

        if (seconds < CLI_RETRY_AFTER_MAX) {
            seconds = seconds * 10 + (value.data[i] - '0');
        }
    }

    if (i != value.len) {

        memcpy(date, value.data, value.len);
        date[value.len] = '\0';

        when = curl_getdate(date, NULL);
        if (when == -1) {
            return -1;
        }

        seconds = (when > now) ? (long) (when - now) : 0;
    }

    return seconds < CLI_RETRY_AFTER_MAX ? seconds : CLI_RETRY_AFTER_MAX;
}


static void
cli_header_skip(schema1_str_t *rest, const char *set)
{
    while (rest->len != 0
           && rest->data[0] != '\0'
           && strchr(set, rest->data[0]) != NULL)
    {
        rest->data++;
        rest->len--;
    }
}


static schema1_str_t
cli_header_token(schema1_str_t *rest)
{
    schema1_str_t  token;

    token.data = rest->data;
    token.len = 0;

    while (rest->len != 0 && cli_header_is_token(rest->data[0])) {
        rest->data++;
        rest->len--;
        token.len++;
    }

    return token;
}


/* "=", then a token or a quoted string (RFC 9110, 5.6.4) */

static int
cli_header_value(schema1_str_t *rest, schema1_buf_t *value)
{
    size_t         i;
    schema1_str_t  token;

    rest->data++;
    rest->len--;

    cli_header_skip(rest, " \t");

    if (rest->len == 0 || rest->data[0] != '"') {
        token = cli_header_token(rest);
        schema1_buf_append(value, token.data, token.len);

        /* the padding of a token68 */
        cli_header_skip(rest, "=");

        return value->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
    }

    for (i = 1; i < rest->len && rest->data[i] != '"'; i++) {

        if (rest->data[i] == '\\' && ++i == rest->len) {
            return SCHEMA1_ERROR;
        }

        schema1_buf_putc(value, rest->data[i]);
    }

    if (i == rest->len) {
        return SCHEMA1_ERROR;
    }

    rest->data += i + 1;
    rest->len -= i + 1;

    return value->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


/* RFC 9110, 5.6.2, and "/", which occurs in unquoted parameters */

static bool
cli_header_is_token(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
           || (ch >= '0' && ch <= '9')
           || (ch != '\0' && strchr("!#$%&'*+-.^_`|~/:", ch) != NULL);
}
