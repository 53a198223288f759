
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "cli_header.h"
#include "exact.h"
#include "tap.h"


static void challenge(const char *value, cli_auth_e scheme, const char *realm,
    const char *service, const char *scope);
static void field(const schema1_buf_t *buf, const char *want,
    const char *name);
static void challenges(void);
static void hostile_challenges(void);
static void next_link(const char *value, const char *want);
static void links(void);
static void retry_after(void);


int
main(void)
{
    challenges();
    hostile_challenges();
    links();
    retry_after();

    return tap_done();
}


static void
challenge(const char *value, cli_auth_e scheme, const char *realm,
    const char *service, const char *scope)
{
    cli_challenge_t  got;

    cli_header_challenge(exact_str(value), &got);

    tap_ok(got.scheme == scheme, "scheme of: %s", value);
    field(&got.realm, realm, "realm");
    field(&got.service, service, "service");
    field(&got.scope, scope, "scope");

    cli_challenge_free(&got);
}


static void
field(const schema1_buf_t *buf, const char *want, const char *name)
{
    tap_is(buf->data ? buf->data : "", buf->len, want, name);
}


static void
challenges(void)
{
    challenge("Bearer realm=\"https://auth.example.com/token\","
              "service=\"registry.example.com\","
              "scope=\"repository:a/b:pull\"", CLI_AUTH_BEARER,
              "https://auth.example.com/token", "registry.example.com",
              "repository:a/b:pull");

    challenge("bearer Realm = \"r\" , SCOPE=\"a:b:pull,push c:d:pull\"",
              CLI_AUTH_BEARER, "r", "", "a:b:pull,push c:d:pull");

    challenge("Bearer realm=https://auth.example.com/token,service=x",
              CLI_AUTH_BEARER, "https://auth.example.com/token", "x", "");

    challenge("Bearer realm=\"a\\\"b\\\\c\"", CLI_AUTH_BEARER, "a\"b\\c", "",
              "");

    challenge("Basic realm=\"registry\"", CLI_AUTH_BASIC, "", "", "");
    challenge("Basic", CLI_AUTH_BASIC, "", "", "");

    challenge("Basic realm=\"one\", Bearer realm=\"two\",service=\"s\"",
              CLI_AUTH_BEARER, "two", "s", "");
    challenge("Bearer realm=\"two\",service=\"s\", Basic realm=\"one\"",
              CLI_AUTH_BEARER, "two", "s", "");
    challenge("Negotiate YII==, Basic realm=\"one\"", CLI_AUTH_BASIC, "", "",
              "");

    challenge("Bearer realm=\"first\",realm=\"second\"", CLI_AUTH_BEARER,
              "first", "", "");
}


static void
hostile_challenges(void)
{
    challenge("", CLI_AUTH_NONE, "", "", "");
    challenge(",,, ,", CLI_AUTH_NONE, "", "", "");
    challenge("=", CLI_AUTH_NONE, "", "", "");
    challenge("\"", CLI_AUTH_NONE, "", "", "");
    challenge("Digest realm=\"x\"", CLI_AUTH_NONE, "", "", "");
    challenge("Bearer", CLI_AUTH_NONE, "", "", "");
    challenge("Bearer service=\"s\"", CLI_AUTH_NONE, "", "", "");
    challenge("Bearer realm=\"", CLI_AUTH_NONE, "", "", "");
    challenge("Bearer realm=\"a\\", CLI_AUTH_NONE, "", "", "");
    challenge("Bearer realm=", CLI_AUTH_NONE, "", "", "");
    challenge("realm=\"x\"", CLI_AUTH_NONE, "", "", "");

    challenge("Bearer realm=\"a\rb\"", CLI_AUTH_NONE, "", "", "");
    challenge("Bearer realm=\"r\",service=\"a\nb\"", CLI_AUTH_BEARER, "r", "",
              "");

    challenge("Bearer service=\"s\", Basic realm=\"b\"", CLI_AUTH_BASIC, "",
              "", "");
}


static void
next_link(const char *value, const char *want)
{
    int            rc;
    schema1_str_t  target;

    rc = cli_header_link_next(exact_str(value), &target);

    if (want == NULL) {
        tap_ok(rc == SCHEMA1_ERROR, "no next link in: %s", value);
        return;
    }

    if (tap_ok(rc == SCHEMA1_OK, "next link in: %s", value)) {
        tap_is(target.data, target.len, want, "its target");
    }
}


static void
links(void)
{
    next_link("</v2/_catalog?last=x&n=100>; rel=\"next\"",
              "/v2/_catalog?last=x&n=100");
    next_link("</a>;rel=next", "/a");
    next_link("</a> ; title=\"x, <y>; z\" ; rel=\"prev next\"", "/a");
    next_link("</a>; rel=\"prev\", </b>; rel=\"NEXT\"", "/b");
    next_link("<>; rel=next", "");
    next_link("<a,b;c>; rel=next", "a,b;c");

    next_link("", NULL);
    next_link("</a>", NULL);
    next_link("</a>; rel=\"prev\"", NULL);
    next_link("</a>; rel=\"nextish\"", NULL);
    next_link("</a; rel=\"next\"", NULL);
    next_link("/a; rel=\"next\"", NULL);
    next_link("</a>; rel=\"next", NULL);
    next_link("</a>; rel", NULL);
    next_link("</a>;;;;", NULL);
    next_link(",,,", NULL);
}


static void
retry_after(void)
{
    time_t  now = 1445412480;       /* Wed, 21 Oct 2015 07:28:00 GMT */
    size_t  i;

    static const struct {
        const char  *value;
        long         seconds;
    } cases[] = {
        { "120", 120 },
        { "0", 0 },
        { "Wed, 21 Oct 2015 07:30:00 GMT", 120 },
        { "Wed, 21 Oct 2015 07:00:00 GMT", 0 },
        { "99999999999999999999999", 365 * 24 * 3600 },

        { "", -1 },
        { "soon", -1 },
        { "-5", -1 },
        { "5 minutes and some more words that go on for a very long time "
          "indeed, yes", -1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tap_ok(cli_header_retry_after(exact_str(cases[i].value), now)
               == cases[i].seconds, "Retry-After: \"%s\" is %ld seconds",
               cases[i].value, cases[i].seconds);
    }
}
