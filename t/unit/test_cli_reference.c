
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "cli_page.h"
#include "cli_pattern.h"
#include "cli_reference.h"
#include "exact.h"
#include "tap.h"


static void origin(const char *value, const char *url, const char *host);
static void origins(void);
static void image(const char *value, const char *name, const char *tag);
static void images(void);
static bool match(const char *patterns, const char *value);
static void patterns(void);
static void page(const char *target, const char *want);
static void pages(void);


int
main(void)
{
    origins();
    images();
    patterns();
    pages();

    return tap_done();
}


static void
origin(const char *value, const char *url, const char *host)
{
    int           rc;
    cli_origin_t  got;

    rc = cli_origin_read(&got, value);

    if (url == NULL) {
        tap_ok(rc == SCHEMA1_ERROR, "no registry: \"%s\"", value);
        return;
    }

    if (tap_ok(rc == SCHEMA1_OK, "a registry: %s", value)) {
        tap_is(got.url, strlen(got.url), url, "its URL");
        tap_is(got.host, strlen(got.host), host, "its host");
        tap_ok(got.https == (strncmp(url, "https:", 6) == 0), "its scheme");
    }
}


static void
origins(void)
{
    char  longer[400];

    origin("registry.example.com", "https://registry.example.com",
           "registry.example.com");
    origin("localhost:5000", "https://localhost:5000", "localhost");
    origin("http://127.0.0.1:5000", "http://127.0.0.1:5000", "127.0.0.1");
    origin("https://r.example.com/", "https://r.example.com",
           "r.example.com");
    origin("[::1]:5000", "https://[::1]:5000", "[::1]");

    origin("", NULL, NULL);
    origin("https://", NULL, NULL);
    origin("https:///", NULL, NULL);
    origin("ftp://host", NULL, NULL);
    origin("host/v2", NULL, NULL);
    origin("user@host", NULL, NULL);
    origin("https://user:password@host", NULL, NULL);
    origin("host:", NULL, NULL);
    origin("host:0", NULL, NULL);
    origin("host:65536", NULL, NULL);
    origin("host:5000x", NULL, NULL);
    origin("host:123456", NULL, NULL);
    origin("host name", NULL, NULL);
    origin("host\r\nX: y", NULL, NULL);
    origin("host?x", NULL, NULL);
    origin("host#x", NULL, NULL);

    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';

    origin(longer, NULL, NULL);
}


static void
image(const char *value, const char *name, const char *tag)
{
    int            rc;
    schema1_str_t  n, t;

    rc = cli_image_read(value, &n, &t);

    if (name == NULL) {
        tap_ok(rc == SCHEMA1_ERROR, "no image: \"%s\"", value);
        return;
    }

    if (tap_ok(rc == SCHEMA1_OK, "an image: %s", value)) {
        tap_is(n.data, n.len, name, "its name");
        tap_is(t.data, t.len, tag, "its tag");
    }
}


static void
images(void)
{
    image("app", "app", "");
    image("team/app", "team/app", "");
    image("team/app:1.0", "team/app", "1.0");

    image("", NULL, NULL);
    image("app:", NULL, NULL);
    image(":1", NULL, NULL);
    image("App", NULL, NULL);
    image("app:1:2", NULL, NULL);
    image("app@sha256:0123", NULL, NULL);
    image("app/", NULL, NULL);
    image("../app", NULL, NULL);
    image("app:a/b", NULL, NULL);
}


/* patterns are separated by spaces */

static bool
match(const char *list, const char *value)
{
    char            copy[256], *item;
    cli_patterns_t  got;

    memset(&got, 0, sizeof(cli_patterns_t));
    strcpy(copy, list);

    for (item = strtok(copy, " "); item; item = strtok(NULL, " ")) {
        if (cli_patterns_add(&got, item) != SCHEMA1_OK) {
            return false;
        }
    }

    return cli_patterns_match(&got, value);
}


static void
patterns(void)
{
    size_t          i;
    cli_patterns_t  many;

    tap_ok(match("", "a"), "no pattern matches everything");
    tap_ok(match("a*", "a/b/c"), "an asterisk matches slashes");
    tap_ok(!match("a*", "ba"), "a pattern matches from the start");
    tap_ok(!match("a", "ab"), "a pattern matches up to the end");
    tap_ok(match("x v[0-9].?", "v1.2"), "one of several patterns matches");
    tap_ok(!match("v* !*-rc*", "v1-rc2"),
           "a value that a pattern excludes does not match");
    tap_ok(match("v* !*-rc*", "v1"),
           "a value that no pattern excludes matches");
    tap_ok(match("!b", "a"), "with exclusions only, other values match");
    tap_ok(!match("!b", "b"), "with exclusions only, these do not match");

    memset(&many, 0, sizeof(cli_patterns_t));

    tap_ok(cli_patterns_add(&many, "") == SCHEMA1_ERROR,
           "an empty pattern is refused");
    tap_ok(cli_patterns_add(&many, "!") == SCHEMA1_ERROR,
           "an empty exclusion is refused");

    for (i = 0; i < CLI_MAX_PATTERNS; i++) {
        if (cli_patterns_add(&many, "a") != SCHEMA1_OK) {
            break;
        }
    }

    tap_ok(i == CLI_MAX_PATTERNS,
           "the largest number of patterns is accepted");
    tap_ok(cli_patterns_add(&many, "a") == SCHEMA1_ERROR,
           "one pattern more is refused");
}


static void
page(const char *target, const char *want)
{
    int            rc;
    cli_origin_t   registry;
    schema1_buf_t  path;

    cli_origin_read(&registry, "https://r.example.com:5000");
    memset(&path, 0, sizeof(schema1_buf_t));

    rc = cli_page_path(&registry, "/v2/a/tags/list?n=1000",
                       exact_str(target), &path);

    if (want == NULL) {
        tap_ok(rc == SCHEMA1_ERROR, "not a page of the list: %s", target);

    } else if (tap_ok(rc == SCHEMA1_OK, "a page of the list: %s", target)) {
        tap_is(path.data, path.len, want, "its path");
    }

    schema1_buf_free(&path);
}


static void
pages(void)
{
    char  longer[5000];

    page("/v2/a/tags/list?n=5&last=b", "/v2/a/tags/list?n=5&last=b");
    page("?last=b", "/v2/a/tags/list?last=b");
    page("https://r.example.com:5000/v2/a/tags/list?last=b",
         "/v2/a/tags/list?last=b");
    page("http://R.example.com:5000/v2/a/tags/list?last=b",
         "/v2/a/tags/list?last=b");
    page("//r.example.com:5000/v2/a/tags/list?last=b",
         "/v2/a/tags/list?last=b");
    page("/v2/a/tags/list", "/v2/a/tags/list");

    page("", NULL);
    page("https://other.example.com/v2/a/tags/list?last=b", NULL);
    page("https://r.example.com:5001/v2/a/tags/list?last=b", NULL);
    page("https://r.example.com:5000@evil.example.com/v2/a/tags/list", NULL);
    page("//evil.example.com/v2/a/tags/list", NULL);
    page("/v2/b/tags/list?last=b", NULL);
    page("/v2/a/tags/listing?last=b", NULL);
    page("/v2/a/tags/list/../../../x", NULL);
    page("tags/list?last=b", NULL);
    page("/v2/a/tags/list?last=b\r\nX: y", NULL);
    page("/v2/a/tags/list?last=b c", NULL);
    page("/v2/a/tags/list?last=b#c", NULL);
    page("ftp://r.example.com:5000/v2/a/tags/list", NULL);

    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    memcpy(longer, "/v2/a/tags/list?", 16);

    page(longer, NULL);
}
