
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdio.h>

#include "cli.h"
#include "cli_http.h"


#define CLI_CONNECT_TIMEOUT  15L


static int cli_http_lines(cli_transfer_t *transfer,
    const cli_request_t *request);
static int cli_http_line(cli_transfer_t *transfer, const char *name,
    const char *value);
static void cli_http_options(cli_transfer_t *transfer,
    const cli_request_t *request);
static void cli_http_schemes(CURL *easy);
static void cli_http_complete(cli_http_t *http, CURL *easy, CURLcode result);
static size_t cli_http_read_header(char *data, size_t size, size_t n,
    void *arg);
static int cli_http_set_field(cli_transfer_t *transfer, schema1_str_t name,
    schema1_str_t value);
static size_t cli_http_read_body(char *data, size_t size, size_t n,
    void *arg);
static void cli_transfer_reset(cli_transfer_t *transfer);


static const char  *cli_http_fields[] = {
    "Content-Type",
    "Content-Encoding",
    "Docker-Content-Digest",
    "Link",
    "Location",
    "WWW-Authenticate",
    "Retry-After"
};


int
cli_http_init(cli_http_t *http, unsigned connections)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return SCHEMA1_ERROR;
    }

    http->multi = curl_multi_init();
    if (http->multi == NULL) {
        return SCHEMA1_ERROR;
    }

    curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                      (long) connections);

    return SCHEMA1_OK;
}


void
cli_http_done(cli_http_t *http)
{
    if (http->multi) {
        curl_multi_cleanup(http->multi);
        http->multi = NULL;
    }

    curl_global_cleanup();
}


int
cli_http_start(cli_transfer_t *transfer, const cli_request_t *request)
{
    cli_transfer_reset(transfer);

    transfer->limit = request->limit;

    if (transfer->easy == NULL) {
        transfer->easy = curl_easy_init();

    } else {
        curl_easy_reset(transfer->easy);
    }

    if (transfer->easy == NULL
        || cli_http_lines(transfer, request) != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    cli_http_options(transfer, request);

    if (curl_easy_setopt(transfer->easy, CURLOPT_URL, request->url)
        != CURLE_OK
        || curl_multi_add_handle(transfer->http->multi, transfer->easy)
           != CURLM_OK)
    {
        return SCHEMA1_ERROR;
    }

    transfer->running = true;

    return SCHEMA1_OK;
}


/* libcurl sends "Accept: *" of its own unless the line is removed */

static int
cli_http_lines(cli_transfer_t *transfer, const cli_request_t *request)
{
    size_t  i;

    if (request->naccept == 0
        && cli_http_line(transfer, "Accept", NULL) != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    for (i = 0; i < request->naccept; i++) {
        if (cli_http_line(transfer, "Accept", request->accept[i])
            != SCHEMA1_OK)
        {
            return SCHEMA1_ERROR;
        }
    }

    if (request->authorization) {
        return cli_http_line(transfer, "Authorization",
                             request->authorization);
    }

    return SCHEMA1_OK;
}


static int
cli_http_line(cli_transfer_t *transfer, const char *name, const char *value)
{
    schema1_buf_t       line;
    struct curl_slist  *lines;

    memset(&line, 0, sizeof(schema1_buf_t));

    schema1_buf_puts(&line, name);
    schema1_buf_puts(&line, ":");

    if (value) {
        schema1_buf_puts(&line, " ");
        schema1_buf_puts(&line, value);
    }

    schema1_buf_putc(&line, '\0');

    lines = line.failed ? NULL : curl_slist_append(transfer->lines, line.data);

    cli_cleanse(&line);

    if (lines == NULL) {
        return SCHEMA1_ERROR;
    }

    transfer->lines = lines;

    return SCHEMA1_OK;
}


static void
cli_http_options(cli_transfer_t *transfer, const cli_request_t *request)
{
    CURL  *easy;

    easy = transfer->easy;

    cli_http_schemes(easy);

    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->lines);
    curl_easy_setopt(easy, CURLOPT_NOBODY, request->head ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "schema1/" CLI_VERSION);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CLI_CONNECT_TIMEOUT);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, transfer->http->timeout);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, cli_http_read_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, cli_http_read_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);

    if (transfer->http->ca) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, transfer->http->ca);
    }
}


/* the names of schemes replaced the numbers in 7.85 */

static void
cli_http_schemes(CURL *easy)
{
#if (LIBCURL_VERSION_NUM >= 0x075500)
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
                     (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}


int
cli_http_run(cli_http_t *http)
{
    int        n;
    CURL      *easy;
    CURLMsg   *message;
    CURLcode   result;

    if (curl_multi_perform(http->multi, &n) != CURLM_OK) {
        return SCHEMA1_ERROR;
    }

    while ((message = curl_multi_info_read(http->multi, &n)) != NULL) {

        if (message->msg == CURLMSG_DONE) {

            /* the message is lost with the handle */

            easy = message->easy_handle;
            result = message->data.result;

            cli_http_complete(http, easy, result);
        }
    }

    return SCHEMA1_OK;
}


static void
cli_http_complete(cli_http_t *http, CURL *easy, CURLcode result)
{
    char            *data;
    cli_transfer_t  *transfer;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &data);
    transfer = (cli_transfer_t *) (void *) data;

    curl_multi_remove_handle(http->multi, easy);

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &transfer->status);

    transfer->running = false;
    transfer->result = result;

    /* the write function ended it on purpose */

    if (transfer->overflow) {
        transfer->result = CURLE_OK;
    }

    if (transfer->error[0] == '\0') {
        snprintf(transfer->error, sizeof(transfer->error), "%s",
                 curl_easy_strerror(result));
    }

    transfer->handler(transfer);
}


void
cli_http_wait(cli_http_t *http, int ms)
{
    curl_multi_poll(http->multi, NULL, 0, ms, NULL);
}


static size_t
cli_http_read_header(char *data, size_t size, size_t n, void *arg)
{
    cli_transfer_t *transfer = arg;

    char           *colon;
    size_t          i, len;
    schema1_str_t   name, value;

    len = size * n;
    transfer->header += len;

    if (transfer->header > CLI_MAX_HEADER) {
        return 0;
    }

    if (len > 5 && memcmp(data, "HTTP/", 5) == 0) {

        /* the response that follows a 1xx */

        for (i = 0; i < CLI_FIELD_MAX; i++) {
            schema1_buf_free(&transfer->fields[i]);
        }

        return len;
    }

    colon = memchr(data, ':', len);
    if (colon == NULL) {
        return len;
    }

    name.data = data;
    name.len = (size_t) (colon - data);

    value.data = colon + 1;
    value.len = len - name.len - 1;

    return cli_http_set_field(transfer, name, value) == SCHEMA1_OK ? len : 0;
}


/* the first line counts, except where lines are joined */

static int
cli_http_set_field(cli_transfer_t *transfer, schema1_str_t name,
    schema1_str_t value)
{
    size_t          i;
    schema1_buf_t  *field;

    for (i = 0; i < CLI_FIELD_MAX; i++) {
        if (schema1_str_caseeq(name, cli_http_fields[i])) {
            break;
        }
    }

    if (i == CLI_FIELD_MAX) {
        return SCHEMA1_OK;
    }

    field = &transfer->fields[i];

    if (field->len != 0) {

        if (i != CLI_FIELD_CHALLENGE && i != CLI_FIELD_LINK) {
            return SCHEMA1_OK;
        }

        schema1_buf_puts(field, ", ");
    }

    while (value.len != 0 && (unsigned char) value.data[0] <= ' ') {
        value.data++;
        value.len--;
    }

    while (value.len != 0
           && (unsigned char) value.data[value.len - 1] <= ' ')
    {
        value.len--;
    }

    schema1_buf_append(field, value.data, value.len);

    return field->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


static size_t
cli_http_read_body(char *data, size_t size, size_t n, void *arg)
{
    cli_transfer_t *transfer = arg;

    size_t  len;

    len = size * n;

    if (len > transfer->limit - transfer->body.len) {
        transfer->overflow = true;
        return 0;
    }

    schema1_buf_append(&transfer->body, data, len);

    return transfer->body.failed ? 0 : len;
}


schema1_str_t
cli_transfer_field(const cli_transfer_t *transfer, cli_field_e field)
{
    return cli_bytes(&transfer->fields[field]);
}


static void
cli_transfer_reset(cli_transfer_t *transfer)
{
    size_t  i;

    if (transfer->running) {
        curl_multi_remove_handle(transfer->http->multi, transfer->easy);
        transfer->running = false;
    }

    curl_slist_free_all(transfer->lines);
    transfer->lines = NULL;

    schema1_buf_free(&transfer->body);

    for (i = 0; i < CLI_FIELD_MAX; i++) {
        schema1_buf_free(&transfer->fields[i]);
    }

    transfer->result = CURLE_OK;
    transfer->error[0] = '\0';
    transfer->status = 0;
    transfer->overflow = false;
    transfer->header = 0;
}


void
cli_transfer_free(cli_transfer_t *transfer)
{
    cli_transfer_reset(transfer);

    if (transfer->easy) {
        curl_easy_cleanup(transfer->easy);
        transfer->easy = NULL;
    }
}
