
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * What the command line tool reads from a registry's headers and from files:
 * challenges, links, dates, pages, netrc, names
 */

#include "fuzz.h"
#include "schema1_uri.h"
#include "cli_header.h"
#include "cli_login.h"
#include "cli_page.h"
#include "cli_reference.h"


static void cli_fuzz_challenge(schema1_str_t value);
static void cli_fuzz_parameter(const schema1_buf_t *buf, schema1_str_t value);
static void cli_fuzz_link(schema1_str_t value);
static void cli_fuzz_page(schema1_str_t target);
static void cli_fuzz_netrc(schema1_str_t text);
static void cli_fuzz_names(schema1_str_t text);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char           *copy;
    schema1_str_t   input;

    copy = fuzz_copy(&input, data, size);

    cli_fuzz_challenge(input);
    cli_fuzz_link(input);
    cli_fuzz_page(input);
    cli_fuzz_netrc(input);
    cli_fuzz_names(input);

    fuzz_check(cli_header_retry_after(input, 1000000000) >= -1);

    free(copy);

    return 0;
}


static void
cli_fuzz_challenge(schema1_str_t value)
{
    cli_challenge_t  challenge;

    fuzz_memory_start();
    cli_header_challenge(value, &challenge);
    fuzz_check(fuzz_memory_peak() <= 16 * value.len + 4096);

    fuzz_check((challenge.scheme == CLI_AUTH_BEARER)
               == (challenge.realm.len != 0));

    cli_fuzz_parameter(&challenge.realm, value);
    cli_fuzz_parameter(&challenge.service, value);
    cli_fuzz_parameter(&challenge.scope, value);

    cli_challenge_free(&challenge);
}


/* printable, terminated, no longer than where it comes from */

static void
cli_fuzz_parameter(const schema1_buf_t *buf, schema1_str_t value)
{
    size_t  i;

    fuzz_check(buf->len <= value.len);
    fuzz_check(buf->len == 0 || buf->data[buf->len] == '\0');

    for (i = 0; i < buf->len; i++) {
        fuzz_check((unsigned char) buf->data[i] >= 0x20
                   && buf->data[i] != 0x7f);
    }
}


static void
cli_fuzz_link(schema1_str_t value)
{
    schema1_str_t  target;

    if (cli_header_link_next(value, &target) != SCHEMA1_OK) {
        return;
    }

    fuzz_check(target.data > value.data);
    fuzz_check(target.data + target.len < value.data + value.len);
    fuzz_check(target.data[-1] == '<' && target.data[target.len] == '>');
    fuzz_check(memchr(target.data, '>', target.len) == NULL);

    cli_fuzz_page(target);
}


/* the same list of the same registry, or none */

static void
cli_fuzz_page(schema1_str_t target)
{
    size_t              i;
    cli_origin_t        origin;
    schema1_buf_t       path;
    static const char   list[] = "/v2/a/tags/list";

    cli_origin_read(&origin, "https://r.example.com:5000");
    memset(&path, 0, sizeof(schema1_buf_t));

    if (cli_page_path(&origin, "/v2/a/tags/list?n=1000", target, &path)
        == SCHEMA1_OK)
    {
        fuzz_check(path.len >= sizeof(list) - 1);
        fuzz_check(memcmp(path.data, list, sizeof(list) - 1) == 0);
        fuzz_check(path.len == sizeof(list) - 1
                   || path.data[sizeof(list) - 1] == '?');

        for (i = 0; i < path.len; i++) {
            fuzz_check(path.data[i] > ' ' && path.data[i] < 0x7f
                       && path.data[i] != '#');
        }
    }

    schema1_buf_free(&path);
}


static void
cli_fuzz_netrc(schema1_str_t text)
{
    cli_login_t  login;

    memset(&login, 0, sizeof(cli_login_t));

    if (cli_login_netrc(&login, text, "r", NULL) == SCHEMA1_OK) {
        fuzz_check(login.user.len != 0);
        fuzz_check(login.user.data[login.user.len] == '\0');
    }

    cli_login_free(&login);
}


static void
cli_fuzz_names(schema1_str_t text)
{
    char           *copy;
    cli_origin_t    origin;
    schema1_str_t   name, tag;

    copy = calloc(1, text.len + 1);
    fuzz_check(copy != NULL);

    if (text.len != 0) {
        memcpy(copy, text.data, text.len);
    }

    if (cli_origin_read(&origin, copy) == SCHEMA1_OK) {
        fuzz_check(strpbrk(origin.authority, "/@?#\\ \r\n") == NULL);
        fuzz_check(strlen(origin.host) != 0);
        fuzz_check(strstr(origin.url, origin.authority) != NULL);
    }

    if (cli_image_read(copy, &name, &tag) == SCHEMA1_OK) {
        fuzz_check(schema1_uri_name_valid(name));
        fuzz_check(tag.len == 0 || schema1_uri_tag_valid(tag));
    }

    free(copy);
}
