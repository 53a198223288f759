
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _CLI_HTTP_H_INCLUDED_
#define _CLI_HTTP_H_INCLUDED_


#include <curl/curl.h>

#include "schema1_string.h"


/*
 * HTTP transfers that run side by side in one thread, on libcurl's multi
 * interface.  No redirect is followed and no credentials are added here, see
 * cli_registry.h.  Everything that a server sends is bounded: the body by the
 * request's limit, all header lines together by CLI_MAX_HEADER, the time by
 * the timeout.
 */

#define CLI_MAX_HEADER  (256 * 1024)


typedef enum {
    CLI_FIELD_TYPE = 0,             /* Content-Type */
    CLI_FIELD_ENCODING,             /* Content-Encoding */
    CLI_FIELD_DIGEST,               /* Docker-Content-Digest */
    CLI_FIELD_LINK,
    CLI_FIELD_LOCATION,
    CLI_FIELD_CHALLENGE,            /* WWW-Authenticate, lines are joined */
    CLI_FIELD_RETRY_AFTER,
    CLI_FIELD_MAX
} cli_field_e;


typedef struct {
    CURLM                *multi;
    const char           *ca;       /* file of certificates, NULL: system's */
    long                  timeout;  /* of a transfer, in seconds */
} cli_http_t;


/* borrowed until cli_http_start() returns */

typedef struct {
    const char           *url;
    const char *const    *accept;   /* values of Accept lines */
    size_t                naccept;
    const char           *authorization;    /* NULL: none */
    size_t                limit;    /* of the body, in bytes */
    bool                  head;
} cli_request_t;


typedef struct cli_transfer_s  cli_transfer_t;

typedef void (*cli_transfer_pt)(cli_transfer_t *transfer);


/* zeroed by the caller, who sets "http", "handler" and "data" */

struct cli_transfer_s {
    cli_http_t           *http;
    cli_transfer_pt       handler;  /* called by cli_http_run() */
    void                 *data;

    /* the result */
    CURLcode              result;
    char                  error[CURL_ERROR_SIZE];
    long                  status;   /* 0: there was no response header */
    bool                  overflow; /* the body is larger than the limit */
    schema1_buf_t         body;
    schema1_buf_t         fields[CLI_FIELD_MAX];

    /* private */
    CURL                 *easy;
    struct curl_slist    *lines;
    size_t                limit;
    size_t                header;   /* bytes so far */
    bool                  running;
};


/* SCHEMA1_ERROR: libcurl failed, or out of memory */
int cli_http_init(cli_http_t *http, unsigned connections);
void cli_http_done(cli_http_t *http);

/*
 * Starts a transfer; what an earlier one received is discarded.
 * SCHEMA1_ERROR: out of memory; the handler is not called.
 */
int cli_http_start(cli_transfer_t *transfer, const cli_request_t *request);

/*
 * Continues all transfers, calls the handlers of those that are complete.
 * SCHEMA1_ERROR: libcurl failed; no transfer will be complete any more.
 */
int cli_http_run(cli_http_t *http);

/* waits until a transfer can be continued, "ms" milliseconds at most */
void cli_http_wait(cli_http_t *http, int ms);

/* stops it if it is running, frees what it received */
void cli_transfer_free(cli_transfer_t *transfer);

/* the value of a header line, "" if it is missing; borrowed */
schema1_str_t cli_transfer_field(const cli_transfer_t *transfer,
    cli_field_e field);


#endif /* _CLI_HTTP_H_INCLUDED_ */
