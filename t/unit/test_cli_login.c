
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>

#include "cli_login.h"
#include "exact.h"
#include "tap.h"


static void netrc(const char *text, const char *host, const char *user,
    const char *want_user, const char *want_password);
static void entries(void);
static void sources(void);


int
main(void)
{
    entries();
    sources();

    return tap_done();
}


static void
netrc(const char *text, const char *host, const char *user,
    const char *want_user, const char *want_password)
{
    int          rc;
    cli_login_t  login;

    memset(&login, 0, sizeof(cli_login_t));

    rc = cli_login_netrc(&login, exact_str(text), host, user);

    if (want_user == NULL) {
        tap_ok(rc == SCHEMA1_ERROR, "no entry for %s", host);

    } else if (tap_ok(rc == SCHEMA1_OK, "an entry for %s", host)) {
        tap_is(login.user.data ? login.user.data : "", login.user.len,
               want_user, "its user");
        tap_is(login.password.data ? login.password.data : "",
               login.password.len, want_password, "its password");
    }

    cli_login_free(&login);
}


static void
entries(void)
{
    const char  *text = "machine a.example.com login alice password one\n"
                        "machine b.example.com\n\tlogin bob\n\tpassword two\n"
                        "macdef init\nmachine c.example.com login x\n"
                        "password y\n\n"
                        "machine a.example.com password three login carol\n"
                        "default login nobody password nothing\n";

    netrc(text, "a.example.com", NULL, "alice", "one");
    netrc(text, "A.Example.Com", NULL, "alice", "one");
    netrc(text, "b.example.com", NULL, "bob", "two");
    netrc(text, "a.example.com", "carol", "carol", "three");

    netrc(text, "a.example.com", "dave", NULL, NULL);
    netrc(text, "c.example.com", NULL, NULL, NULL);
    netrc(text, "d.example.com", NULL, NULL, NULL);
    netrc(text, "example.com", NULL, NULL, NULL);

    netrc("", "a", NULL, NULL, NULL);
    netrc("machine", "a", NULL, NULL, NULL);
    netrc("machine a", "a", NULL, NULL, NULL);
    netrc("machine a password", "a", NULL, NULL, NULL);
    netrc("machine a login x", "a", NULL, "x", "");
    netrc("login x password y", "a", NULL, NULL, NULL);
    netrc("macdef x", "a", NULL, NULL, NULL);
}


/* without --user, only netrc, and only with https */

static void
sources(void)
{
    int                  rc;
    FILE                *out;
    char                 file[] = "/tmp/test_cli_login.XXXXXX";
    cli_login_t          login;
    cli_origin_t         origin;
    cli_login_source_t   source;

    memset(&source, 0, sizeof(cli_login_source_t));

    out = fdopen(mkstemp(file), "w");
    fputs("machine r.example.com login alice password one\n", out);
    fclose(out);

    source.netrc = file;
    source.variable = "TEST_CLI_LOGIN";

    unsetenv("TEST_CLI_LOGIN");

    cli_origin_read(&origin, "https://r.example.com:5000");
    rc = cli_login_find(&login, &source, &origin);
    tap_ok(rc == SCHEMA1_OK && login.user.len == 5,
           "without a user .netrc is read for https");
    cli_login_free(&login);

    cli_origin_read(&origin, "http://r.example.com:5000");
    rc = cli_login_find(&login, &source, &origin);
    tap_ok(rc == SCHEMA1_OK && login.user.len == 0,
           "without a user .netrc is not read for http");
    cli_login_free(&login);

    source.user = "alice";
    rc = cli_login_find(&login, &source, &origin);
    tap_ok(rc == SCHEMA1_OK && login.password.len == 3,
           "with a user .netrc is read for http");
    cli_login_free(&login);

    setenv("TEST_CLI_LOGIN", "secret", 1);
    rc = cli_login_find(&login, &source, &origin);
    tap_ok(rc == SCHEMA1_OK && strcmp(login.password.data, "secret") == 0,
           "the environment comes before .netrc");
    cli_login_free(&login);

    source.file = file;
    rc = cli_login_find(&login, &source, &origin);
    tap_ok(rc == SCHEMA1_OK
           && strcmp(login.password.data,
                     "machine r.example.com login alice password one") == 0,
           "the first line of a file comes before the environment");
    cli_login_free(&login);

    source.file = "/nonexistent";
    rc = cli_login_find(&login, &source, &origin);
    tap_ok(rc == SCHEMA1_ERROR,
           "a password file that does not exist is refused");
    cli_login_free(&login);

    remove(file);
}
