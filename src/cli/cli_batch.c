
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* many conversions in one process, for tests that compare thousands */

#include <stdio.h>
#include <stdlib.h>

#include "cli.h"


#define CLI_BATCH_MAX_FRAME  (64 * 1024 * 1024)


static size_t cli_batch_u32(const unsigned char *p);
static int cli_batch_read(schema1_buf_t *part, const size_t *len);
static void cli_batch_free(schema1_buf_t *part);
static int cli_batch_write(int rc, const schema1_buf_t *payload,
    const schema1_error_t *err);


int
cli_batch(void)
{
    int              rc;
    size_t           len[4], i, n;
    unsigned char    head[16];
    schema1_buf_t    part[4], payload;
    schema1_error_t  err;

    memset(part, 0, sizeof(part));

    while ((n = fread(head, 1, sizeof(head), stdin)) == sizeof(head)) {

        for (i = 0; i < 4; i++) {
            len[i] = cli_batch_u32(&head[4 * i]);
        }

        if (cli_batch_read(part, len) != SCHEMA1_OK) {
            cli_batch_free(part);
            return CLI_EXIT_USAGE;
        }

        memset(&payload, 0, sizeof(schema1_buf_t));
        memset(&err, 0, sizeof(schema1_error_t));

        rc = cli_convert_payload(cli_bytes(&part[0]), cli_bytes(&part[1]),
                                 cli_bytes(&part[2]), cli_bytes(&part[3]),
                                 &payload, &err);

        rc = cli_batch_write(rc, &payload, &err);

        schema1_buf_free(&payload);
        cli_batch_free(part);

        if (rc != SCHEMA1_OK) {
            return CLI_EXIT_REFUSED;
        }
    }

    if (n != 0) {
        fputs("schema1 convert: a frame is truncated\n", stderr);
        return CLI_EXIT_USAGE;
    }

    return CLI_EXIT_OK;
}


static size_t
cli_batch_u32(const unsigned char *p)
{
    return (size_t) p[0] << 24 | (size_t) p[1] << 16 | (size_t) p[2] << 8
           | p[3];
}


/* blocks of the exact size, so that a sanitizer finds any overread */

static int
cli_batch_read(schema1_buf_t *part, const size_t *len)
{
    size_t  i;

    for (i = 0; i < 4; i++) {

        if (len[i] > CLI_BATCH_MAX_FRAME) {
            fputs("schema1 convert: a frame is too large\n", stderr);
            return SCHEMA1_ERROR;
        }

        if (len[i] == 0) {
            continue;
        }

        part[i].data = malloc(len[i]);
        if (part[i].data == NULL) {
            fputs("schema1 convert: out of memory\n", stderr);
            return SCHEMA1_ERROR;
        }

        part[i].len = len[i];

        if (fread(part[i].data, 1, len[i], stdin) != len[i]) {
            fputs("schema1 convert: a frame is truncated\n", stderr);
            return SCHEMA1_ERROR;
        }
    }

    return SCHEMA1_OK;
}


static void
cli_batch_free(schema1_buf_t *part)
{
    size_t  i;

    for (i = 0; i < 4; i++) {
        schema1_buf_free(&part[i]);
    }
}


static int
cli_batch_write(int rc, const schema1_buf_t *payload,
    const schema1_error_t *err)
{
    char            text[sizeof(err->message) + 64];
    size_t          len;
    const char     *data;
    unsigned char   head[5];

    data = payload->data;
    len = payload->len;

    if (rc != SCHEMA1_OK) {
        len = (size_t) snprintf(text, sizeof(text), "%s: %s",
                                cli_reason(err), err->message);
        data = text;
    }

    head[0] = (rc == SCHEMA1_OK) ? 0 : 1;
    head[1] = (unsigned char) (len >> 24);
    head[2] = (unsigned char) (len >> 16);
    head[3] = (unsigned char) (len >> 8);
    head[4] = (unsigned char) len;

    if (fwrite(head, 1, sizeof(head), stdout) != sizeof(head)
        || fwrite(data, 1, len, stdout) != len
        || fflush(stdout) != 0)
    {
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}
