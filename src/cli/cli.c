
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* what several commands use */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/crypto.h>

#include "cli.h"


static int cli_read_stream(FILE *in, schema1_buf_t *buf);
static void cli_no_memory(void) __attribute__((noreturn));


const char *
cli_reason(const schema1_error_t *err)
{
    return err->reason == SCHEMA1_NO_REASON
           ? "invalid_reference" : schema1_reason_info(err->reason)->name;
}


int
cli_read_file(const char *file, schema1_buf_t *buf)
{
    int    rc;
    FILE  *in;

    if (strcmp(file, "-") == 0) {
        return cli_read_stream(stdin, buf);
    }

    in = fopen(file, "rb");
    if (in == NULL) {
        fprintf(stderr, "schema1: %s: %s\n", file, strerror(errno));
        return SCHEMA1_ERROR;
    }

    rc = cli_read_stream(in, buf);

    if (fclose(in) != 0 || rc != SCHEMA1_OK) {
        fprintf(stderr, "schema1: %s cannot be read\n", file);
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


static int
cli_read_stream(FILE *in, schema1_buf_t *buf)
{
    char    chunk[65536];
    size_t  n;

    do {
        n = fread(chunk, 1, sizeof(chunk), in);
        schema1_buf_append(buf, chunk, n);
    } while (n == sizeof(chunk));

    OPENSSL_cleanse(chunk, sizeof(chunk));

    return ferror(in) || buf->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


void *
cli_alloc(size_t size)
{
    void  *p;

    p = calloc(1, size);
    if (p == NULL) {
        cli_no_memory();
    }

    return p;
}


char *
cli_strdup(schema1_str_t text)
{
    char  *p;

    p = cli_alloc(text.len + 1);

    if (text.len != 0) {
        memcpy(p, text.data, text.len);
    }

    return p;
}


void
cli_check(const schema1_buf_t *buf)
{
    if (buf->failed) {
        cli_no_memory();
    }
}


static void
cli_no_memory(void)
{
    fputs("schema1: out of memory\n", stderr);
    exit(CLI_EXIT_USAGE);
}


double
cli_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


void
cli_cleanse(schema1_buf_t *buf)
{
    if (buf->data) {
        OPENSSL_cleanse(buf->data, buf->len);
    }

    schema1_buf_free(buf);
}


schema1_str_t
cli_text(const char *text)
{
    schema1_str_t  str;

    str.data = text;
    str.len = (text != NULL) ? strlen(text) : 0;

    return str;
}


schema1_str_t
cli_bytes(const schema1_buf_t *buf)
{
    schema1_str_t  str;

    str.data = buf->data ? buf->data : "";
    str.len = buf->len;

    return str;
}
