
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"
#include "cli_login.h"


#define CLI_MAX_PASSWORD  4096


static int cli_login_file(cli_login_t *login, const char *file);
static int cli_login_netrc_file(cli_login_t *login, const char *file,
    const char *host, const char *user);
static schema1_str_t cli_netrc_word(schema1_str_t *rest);
static void cli_netrc_skip_macro(schema1_str_t *rest);
static int cli_login_prompt(cli_login_t *login, const char *host);
static void cli_login_read_line(int fd, schema1_buf_t *line);
static int cli_login_set(schema1_buf_t *to, schema1_str_t value);


int
cli_login_find(cli_login_t *login, const cli_login_source_t *source,
    const cli_origin_t *origin)
{
    int          rc;
    const char  *value;

    memset(login, 0, sizeof(cli_login_t));

    value = source->variable ? getenv(source->variable) : NULL;

    if (source->user == NULL) {

        if (!origin->https
            || cli_login_netrc_file(login, source->netrc, origin->host, NULL)
               != SCHEMA1_OK)
        {
            cli_login_free(login);
        }

        return SCHEMA1_OK;
    }

    if (source->file) {
        rc = cli_login_file(login, source->file);

    } else if (value != NULL) {
        rc = cli_login_set(&login->password, cli_text(value));

    } else {
        rc = cli_login_netrc_file(login, source->netrc, origin->host,
                                  source->user);
        if (rc != SCHEMA1_OK) {
            rc = cli_login_prompt(login, origin->host);
        }
    }

    if (rc == SCHEMA1_OK) {
        schema1_buf_free(&login->user);
        rc = cli_login_set(&login->user, cli_text(source->user));
    }

    return rc;
}


/* the first line, without its end */

static int
cli_login_file(cli_login_t *login, const char *file)
{
    int            rc;
    size_t         i;
    schema1_buf_t  text;
    schema1_str_t  line;

    memset(&text, 0, sizeof(schema1_buf_t));

    rc = cli_read_file(file, &text);

    if (rc == SCHEMA1_OK) {
        line = cli_bytes(&text);

        for (i = 0; i < line.len; i++) {
            if (line.data[i] == '\n' || line.data[i] == '\r') {
                break;
            }
        }

        line.len = i;

        rc = cli_login_set(&login->password, line);
    }

    cli_cleanse(&text);

    return rc;
}


static int
cli_login_netrc_file(cli_login_t *login, const char *file, const char *host,
    const char *user)
{
    int            rc;
    FILE          *in;
    const char    *home;
    schema1_buf_t  path, text;

    memset(&path, 0, sizeof(schema1_buf_t));
    memset(&text, 0, sizeof(schema1_buf_t));

    if (file == NULL) {
        file = getenv("NETRC");
        home = getenv("HOME");

        if (file == NULL && home != NULL) {
            schema1_buf_puts(&path, home);
            schema1_buf_puts(&path, "/.netrc");
            schema1_buf_putc(&path, '\0');

            file = path.failed ? NULL : path.data;
        }

        /* this file is optional */

        in = file ? fopen(file, "r") : NULL;

        if (in == NULL) {
            schema1_buf_free(&path);
            return SCHEMA1_ERROR;
        }

        fclose(in);
    }

    rc = cli_read_file(file, &text);

    if (rc == SCHEMA1_OK) {
        rc = cli_login_netrc(login, cli_bytes(&text), host, user);
    }

    schema1_buf_free(&path);
    cli_cleanse(&text);

    return rc;
}


int
cli_login_netrc(cli_login_t *login, schema1_str_t text, const char *host,
    const char *user)
{
    bool            found;
    schema1_str_t   word, value;
    schema1_buf_t  *to;

    found = false;

    for ( ;; ) {
        word = cli_netrc_word(&text);

        if (word.len == 0
            || schema1_str_eq(word, "machine")
            || schema1_str_eq(word, "default"))
        {
            if (found && login->user.len != 0
                && (user == NULL
                    || schema1_str_eq(cli_bytes(&login->user), user)))
            {
                return login->user.failed || login->password.failed
                       ? SCHEMA1_ERROR : SCHEMA1_OK;
            }

            cli_login_free(login);

            if (word.len == 0) {
                return SCHEMA1_ERROR;
            }
        }

        if (schema1_str_eq(word, "default")) {
            found = false;
            continue;
        }

        if (schema1_str_eq(word, "macdef")) {
            cli_netrc_skip_macro(&text);
            continue;
        }

        value = cli_netrc_word(&text);

        if (schema1_str_eq(word, "machine")) {
            found = schema1_str_caseeq(value, host);
            continue;
        }

        to = schema1_str_eq(word, "login") ? &login->user
             : schema1_str_eq(word, "password") ? &login->password : NULL;

        if (found && to != NULL) {
            cli_login_set(to, value);
        }
    }
}


static schema1_str_t
cli_netrc_word(schema1_str_t *rest)
{
    schema1_str_t  word;

    while (rest->len != 0 && (unsigned char) rest->data[0] <= ' ') {
        rest->data++;
        rest->len--;
    }

    word.data = rest->data;
    word.len = 0;

    while (rest->len != 0 && (unsigned char) rest->data[0] > ' ') {
        rest->data++;
        rest->len--;
        word.len++;
    }

    return word;
}


/* up to an empty line */

static void
cli_netrc_skip_macro(schema1_str_t *rest)
{
    while (rest->len != 0) {
        rest->data++;
        rest->len--;

        if (rest->len >= 2 && rest->data[0] == '\n' && rest->data[1] == '\n') {
            return;
        }
    }
}


static int
cli_login_prompt(cli_login_t *login, const char *host)
{
    int             fd, rc;
    char            text[512];
    schema1_buf_t   line;
    struct termios  before, quiet;

    fd = open("/dev/tty", O_RDWR);

    if (fd == -1 || tcgetattr(fd, &before) != 0) {
        fputs("schema1: there is no password for --user: put it into "
              "SCHEMA1_PASSWORD, a file (--password-file) or ~/.netrc\n",
              stderr);

        if (fd != -1) {
            close(fd);
        }

        return SCHEMA1_ERROR;
    }

    quiet = before;
    quiet.c_lflag &= (tcflag_t) ~ECHO;

    memset(&line, 0, sizeof(schema1_buf_t));

    rc = snprintf(text, sizeof(text), "Password for %s: ", host);

    if (write(fd, text, (size_t) rc) == rc
        && tcsetattr(fd, TCSAFLUSH, &quiet) == 0)
    {
        cli_login_read_line(fd, &line);
        tcsetattr(fd, TCSAFLUSH, &before);

        rc = write(fd, "\n", 1) == 1 ? SCHEMA1_OK : SCHEMA1_ERROR;
    }

    close(fd);

    if (line.len == 0 || cli_login_set(&login->password, cli_bytes(&line))
                         != SCHEMA1_OK)
    {
        rc = SCHEMA1_ERROR;
    }

    cli_cleanse(&line);

    return rc == SCHEMA1_OK ? SCHEMA1_OK : SCHEMA1_ERROR;
}


/* a signal ends it: the terminal must be restored */

static void
cli_login_read_line(int fd, schema1_buf_t *line)
{
    char  ch;

    while (line->len < CLI_MAX_PASSWORD && read(fd, &ch, 1) == 1) {

        if (ch == '\n' || ch == '\r') {
            return;
        }

        schema1_buf_putc(line, ch);
    }

    cli_cleanse(line);
}


static int
cli_login_set(schema1_buf_t *to, schema1_str_t value)
{
    cli_cleanse(to);

    if (value.len > CLI_MAX_PASSWORD) {
        return SCHEMA1_ERROR;
    }

    schema1_buf_append(to, value.data, value.len);
    schema1_buf_putc(to, '\0');

    if (to->failed) {
        return SCHEMA1_ERROR;
    }

    to->len--;

    return SCHEMA1_OK;
}


void
cli_login_free(cli_login_t *login)
{
    cli_cleanse(&login->user);
    cli_cleanse(&login->password);
}
