
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_redirect.h"
#include "exact.h"
#include "tap.h"


#define REGISTRY      SCHEMA1_REDIRECT_REGISTRY
#define EXTERNAL  SCHEMA1_REDIRECT_EXTERNAL
#define REFUSED  SCHEMA1_REDIRECT_REFUSED


/* RFC 3986, 5.4: the base is http://a/b/c/d;p?q */

typedef struct {
    const char          *location;
    const char          *target;
} test_example_t;


typedef struct {
    const char          *location;
    schema1_redirect_e   result;
    const char          *target;
} test_case_t;


static void test_examples(void);
static void test_cases(const char *title, const schema1_base_t *base,
    const test_case_t *cases, size_t n);
static void test_odd_paths(schema1_base_t base);
static void test_user(const schema1_base_t *base);
static void test_bytes(void);
static void test_append(void);
static void test_long(void);


/* after an external hop, where any path may be */

static const test_example_t  test_rfc[] = {
    { "g", "http://a/b/c/g" },
    { "./g", "http://a/b/c/g" },
    { "g/", "http://a/b/c/g/" },
    { "/g", "http://a/g" },
    { "//g", "http://g/" },
    { "?y", "http://a/b/c/d;p?y" },
    { "g?y", "http://a/b/c/g?y" },
    { "g#s", "http://a/b/c/g" },
    { "g?y#s", "http://a/b/c/g?y" },
    { ";x", "http://a/b/c/;x" },
    { "g;x", "http://a/b/c/g;x" },
    { "g;x?y#s", "http://a/b/c/g;x?y" },
    { ".", "http://a/b/c/" },
    { "./", "http://a/b/c/" },
    { "..", "http://a/b/" },
    { "../", "http://a/b/" },
    { "../g", "http://a/b/g" },
    { "../..", "http://a/" },
    { "../../", "http://a/" },
    { "../../g", "http://a/g" },
    { "../../../g", "http://a/g" },
    { "../../../../g", "http://a/g" },
    { "/./g", "http://a/g" },
    { "/../g", "http://a/g" },
    { "g.", "http://a/b/c/g." },
    { ".g", "http://a/b/c/.g" },
    { "g..", "http://a/b/c/g.." },
    { "..g", "http://a/b/c/..g" },
    { "./../g", "http://a/b/g" },
    { "./g/.", "http://a/b/c/g/" },
    { "g/./h", "http://a/b/c/g/h" },
    { "g/../h", "http://a/b/c/h" },
    { "g;x=1/./y", "http://a/b/c/g;x=1/y" },
    { "g;x=1/../y", "http://a/b/c/y" },
    { "g?y/./x", "http://a/b/c/g?y/./x" },
    { "g?y/../x", "http://a/b/c/g?y/../x" },
    { "g?y:z", "http://a/b/c/g?y:z" },
    { "./g:h", "http://a/b/c/g:h" }
};


/* base: https://reg.example:443, /v2/team/app/blobs/sha256:00?ns=x */

static const test_case_t  test_registry[] = {
    { "/v2/team/app/blobs/sha256:11", REGISTRY,
      "/v2/team/app/blobs/sha256:11" },
    { "/v2/team/app/manifests/sha256:11", REGISTRY,
      "/v2/team/app/manifests/sha256:11" },
    { "/v2/team/app/blobs/sha256%3a11?a=%2F&b", REGISTRY,
      "/v2/team/app/blobs/sha256:11?a=%2F&b" },
    { "/v2/team%2Dx/../team/app/blobs/x", REGISTRY, "/v2/team/app/blobs/x" },
    { "/v2/team/app/blobs/x#frag?no", REGISTRY, "/v2/team/app/blobs/x" },
    { "/v2/team/app/blobs/x?", REGISTRY, "/v2/team/app/blobs/x" },
    { "../manifests/latest", REGISTRY, "/v2/team/app/manifests/latest" },
    { "?again", REGISTRY, "/v2/team/app/blobs/sha256:00?again" },
    { "./x", REGISTRY, "/v2/team/app/blobs/x" },
    { "/v2/team/app/blobs/a/b", REGISTRY, "/v2/team/app/blobs/a/b" },
    { "//reg.example/v2/team/app/blobs/x", REGISTRY, "/v2/team/app/blobs/x" },
    { "//REG.Example:443/v2/team/app/blobs/x", REGISTRY,
      "/v2/team/app/blobs/x" },
    { "https://reg.example/v2/team/app/blobs/x", REGISTRY,
      "/v2/team/app/blobs/x" },
    { "HTTPS://reg.example:443/v2/team/app/blobs/x", REGISTRY,
      "/v2/team/app/blobs/x" },

    /* something before the registry ends TLS */

    { "http://reg.example/v2/team/app/blobs/x", REGISTRY,
      "/v2/team/app/blobs/x" },
    { "http://reg.example:80/v2/team/app/blobs/x?s", REGISTRY,
      "/v2/team/app/blobs/x?s" },
    { "http://reg.example:443/v2/team/app/blobs/x", REGISTRY,
      "/v2/team/app/blobs/x" },

    /* no way into the user's other locations */

    { "/", REFUSED, NULL },
    { "/internal/secret", REFUSED, NULL },
    { "/v2/", REFUSED, NULL },
    { "/v2/_catalog", REFUSED, NULL },
    { "/v2/team/app", REFUSED, NULL },
    { "/v2/team/app/tags/list", REFUSED, NULL },
    { "/v2/team/app/blobs", REFUSED, NULL },
    { "/v2/team/app/blobs/", REFUSED, NULL },
    { "/v2/team/app/blobsx/x", REFUSED, NULL },
    { "/v2/team/appx/blobs/x", REFUSED, NULL },
    { "/v2/team/blobs/x", REFUSED, NULL },
    { "/v2/other/app/blobs/x", REFUSED, NULL },
    { "/V2/team/app/blobs/x", REFUSED, NULL },
    { "/v2/team/App/blobs/x", REFUSED, NULL },
    { "/v2x/team/app/blobs/x", REFUSED, NULL },
    { "/v2.team/app/blobs/x", REFUSED, NULL },
    { "/x/v2/team/app/blobs/x", REFUSED, NULL },
    { "/v2/team/app/blobs/../../../../internal/x", REFUSED, NULL },
    { "/v2/team/app/blobs/../../other/blobs/x", REFUSED, NULL },
    { "/v2/team/app/blobs/..", REFUSED, NULL },
    { "/v2/team/app/blobs/.", REFUSED, NULL },
    { "/v2/team/app/blobs/%2e%2e/%2e%2e/x", REFUSED, NULL },
    { "/v2/team/app/blobs/%2E./x", REFUSED, NULL },
    { "/v2/team/app/blobs/.%2e", REFUSED, NULL },
    { "/v2/team/app/blobs/%2e", REFUSED, NULL },
    { "/v2/team/app/blobs/%252e%252e/x", REFUSED, NULL },
    { "/v2/team/app/blobs/..%2f..%2fx", REFUSED, NULL },
    { "/v2/team/app%2fblobs/x", REFUSED, NULL },
    { "/v2/team/app%2Fblobs/x", REFUSED, NULL },
    { "/v2/team/app/blobs//x", REFUSED, NULL },
    { "/v2/team/app//blobs/x", REFUSED, NULL },
    { "//v2/team/app/blobs/x", EXTERNAL, "https://v2/team/app/blobs/x" },
    { "/.//v2/team/app/blobs/x", REFUSED, NULL },
    { "/v2/team/app/blobs/x/", REFUSED, NULL },
    { "/v2/team/app/blobs/x%00", REFUSED, NULL },
    { "/v2/team/app/blobs/x%0d%0aX", REFUSED, NULL },
    { "/v2/team/app/blobs/x%20y", REFUSED, NULL },
    { "/v2/team/app/blobs/x%3fy", REFUSED, NULL },
    { "/v2/team/app/blobs/x%23y", REFUSED, NULL },
    { "/v2/team/app/blobs/x%5cy", REFUSED, NULL },
    { "/v2/team/app/blobs/x%c3%a9", REFUSED, NULL },
    { "/v2/team/app/blobs/x%", REFUSED, NULL },
    { "/v2/team/app/blobs/x%1", REFUSED, NULL },
    { "/v2/team/app/blobs/x%xy", REFUSED, NULL },

    /* another repository, whose name has a component called blobs */

    { "/v2/team/app/blobs/blobs/x", REFUSED, NULL },
    { "/v2/team/app/blobs/manifests/x", REFUSED, NULL },
    { "/v2/team/app/manifests/x/manifests/y", REFUSED, NULL },
    { "/v2/team/app/blobs/tags/list", REFUSED, NULL },
    { "/v2/team/app/manifests/blobs", REGISTRY,
      "/v2/team/app/manifests/blobs" },

    /* the same, absolute */

    { "https://reg.example/internal", REFUSED, NULL },
    { "https://reg.example", REFUSED, NULL },
    { "https://reg.example?x", REFUSED, NULL },
    { "http://reg.example/internal", REFUSED, NULL },
    { "//reg.example/v2/other/app/blobs/x", REFUSED, NULL },

    /* elsewhere */

    { "https://reg.example:8443/v2/team/app/blobs/x", EXTERNAL,
      "https://reg.example:8443/v2/team/app/blobs/x" },
    { "https://reg.example.evil/v2/team/app/blobs/x", EXTERNAL,
      "https://reg.example.evil/v2/team/app/blobs/x" },
    { "https://reg.example./v2/team/app/blobs/x", EXTERNAL,
      "https://reg.example./v2/team/app/blobs/x" },
    { "//s3.example/bucket?X-Sig=a%2Fb%3D&c", EXTERNAL,
      "https://s3.example/bucket?X-Sig=a%2Fb%3D&c" },
    { "https://s3.example/a/../b/%2e%2e//c?d=e#f", EXTERNAL,
      "https://s3.example/a/../b/%2e%2e//c?d=e" },
    { "HTTPS://S3.example:9000/x", EXTERNAL, "HTTPS://S3.example:9000/x" },
    { "https://s3.example", EXTERNAL, "https://s3.example/" },
    { "https://s3.example?sig", EXTERNAL, "https://s3.example/?sig" },
    { "https://s3.example/?", EXTERNAL, "https://s3.example/?" },
    { "https://[2001:db8::1]:9000/x", EXTERNAL,
      "https://[2001:db8::1]:9000/x" },
    { "https://10.0.0.1/x", EXTERNAL, "https://10.0.0.1/x" },
    { "https://s3.example:1/x", EXTERNAL, "https://s3.example:1/x" },
    { "https://azAZ09.-_~/x", EXTERNAL, "https://azAZ09.-_~/x" },
    { "https://s3.example:65535/x", EXTERNAL, "https://s3.example:65535/x" },
    { "https://s3.example:00443/x", EXTERNAL, "https://s3.example:00443/x" },

    /* never */

    { "http://s3.example/x", REFUSED, NULL },
    { "http://reg.example:8080/v2/team/app/blobs/x", REFUSED, NULL },
    { "ftp://s3.example/x", REFUSED, NULL },
    { "file:///etc/passwd", REFUSED, NULL },
    { "unix:/run/docker.sock", REFUSED, NULL },
    { "http+unix://x/y", REFUSED, NULL },
    { "javascript:x", REFUSED, NULL },
    { "sha256:00", REFUSED, NULL },
    { "https:", REFUSED, NULL },
    { "https:x", REFUSED, NULL },
    { "https:/v2/team/app/blobs/x", REFUSED, NULL },
    { "https://", REFUSED, NULL },
    { "https:///x", REFUSED, NULL },
    { "https://:443/x", REFUSED, NULL },
    { "https://?x", REFUSED, NULL },
    { "///x", REFUSED, NULL },
    { "//", REFUSED, NULL },
    { "https://user@s3.example/x", REFUSED, NULL },
    { "https://user:pass@s3.example/x", REFUSED, NULL },
    { "https://reg.example@evil.example/v2/team/app/blobs/x", REFUSED, NULL },
    { "https://reg.example:443@evil.example/", REFUSED, NULL },
    { "//user@reg.example/v2/team/app/blobs/x", REFUSED, NULL },
    { "https://@reg.example/v2/team/app/blobs/x", REFUSED, NULL },
    { "https://reg.example%2eevil/x", REFUSED, NULL },
    { "https://s3.example:/x", REFUSED, NULL },
    { "https://s3.example:0/x", REFUSED, NULL },
    { "https://s3.example:65536/x", REFUSED, NULL },
    { "https://s3.example:99999999999/x", REFUSED, NULL },
    { "https://s3.example:100000/x", REFUSED, NULL },
    { "https://s3.example:000443/x", REFUSED, NULL },

    /* 443 and 80, if 32 bits overflow, and in 64 bits */

    { "https://s3.example:4294967739/x", REFUSED, NULL },
    { "https://s3.example:4294967376/x", REFUSED, NULL },
    { "https://s3.example:18446744073709552059/x", REFUSED, NULL },
    { "https://reg.example:4294967739/v2/team/app/blobs/x", REFUSED, NULL },
    { "https://s3.example:80a/x", REFUSED, NULL },
    { "https://s3.example:1-/x", REFUSED, NULL },
    { "https://s3.example:80:80/x", REFUSED, NULL },
    { "https://[::1/x", REFUSED, NULL },
    { "https://[::g]/x", REFUSED, NULL },
    { "https://[g::1]/x", REFUSED, NULL },
    { "https://[]/x", REFUSED, NULL },
    { "https://[::1%25eth0]/x", REFUSED, NULL },
    { "https://::1/x", REFUSED, NULL },
    { "https://a$b/x", REFUSED, NULL },
    { "https:\\\\evil.example/x", REFUSED, NULL },
    { "\\\\evil.example/x", REFUSED, NULL },
    { "/\\evil.example/x", REFUSED, NULL },
    { "https://s3.example\\@reg.example/x", REFUSED, NULL },
    { " /v2/team/app/blobs/x", REFUSED, NULL },
    { "/v2/team/app/blobs/x ", REFUSED, NULL },
    { "https://s3.example/a b", REFUSED, NULL },
    { "https://s3.example/a\tb", REFUSED, NULL },
    { "https://s3.example/a\r\nHost: x", REFUSED, NULL },
    { "https://s3.example/\x7f", REFUSED, NULL },
    { "https://s3.example/\xc3\xa9", REFUSED, NULL },
    { "://s3.example/x", REFUSED, NULL },
    { "", REFUSED, NULL },
    { "#x", REFUSED, NULL }
};


/* base: http://127.0.0.1:5000, without TLS */

static const test_case_t  test_plain[] = {
    { "http://127.0.0.1:5000/v2/team/app/blobs/x", REGISTRY,
      "/v2/team/app/blobs/x" },
    { "https://127.0.0.1:5000/v2/team/app/blobs/x", REGISTRY,
      "/v2/team/app/blobs/x" },
    { "http://127.0.0.1/v2/team/app/blobs/x", EXTERNAL,
      "http://127.0.0.1/v2/team/app/blobs/x" },
    { "http://localhost:5000/v2/team/app/blobs/x", EXTERNAL,
      "http://localhost:5000/v2/team/app/blobs/x" },
    { "http://s3/x", EXTERNAL, "http://s3/x" },
    { "https://s3/x", EXTERNAL, "https://s3/x" },
    { "//s3/x", EXTERNAL, "http://s3/x" },

    /* without TLS no other scheme either */

    { "ftp://s3/x", REFUSED, NULL },
    { "ftp://127.0.0.1:5000/v2/team/app/blobs/x", REFUSED, NULL },
    { "file:///etc/passwd", REFUSED, NULL },
    { "file://s3/x", REFUSED, NULL },
    { "unix:/run/docker.sock", REFUSED, NULL },
    { "unix://s3/x", REFUSED, NULL },
    { "httpx://s3/x", REFUSED, NULL },
    { "htt://s3/x", REFUSED, NULL },
    { "s3:80/x", REFUSED, NULL },
    { "http://s3:4294967376/x", REFUSED, NULL },
    { "http://127.0.0.1:4294972296/v2/team/app/blobs/x", REFUSED, NULL }
};


/* base: https://reg.example/v2/team/app/blobs/x, but after an external hop */

static const test_case_t  test_external[] = {
    { "/v2/team/app/blobs/x", EXTERNAL,
      "https://reg.example/v2/team/app/blobs/x" },
    { "https://reg.example/v2/team/app/blobs/x", EXTERNAL,
      "https://reg.example/v2/team/app/blobs/x" },
    { "//reg.example/internal", EXTERNAL, "https://reg.example/internal" },
    { "/internal", EXTERNAL, "https://reg.example/internal" },
    { "?x", EXTERNAL, "https://reg.example/v2/team/app/blobs/x?x" },
    { "http://reg.example/v2/team/app/blobs/x", REFUSED, NULL },
    { "http://s3/x", REFUSED, NULL },
    { "//", REFUSED, NULL },
    { " x", REFUSED, NULL }
};


/* base: the first again, by a client that sends no Host */

static const test_case_t  test_nobody[] = {
    { "/v2/team/app/blobs/x", REGISTRY, "/v2/team/app/blobs/x" },
    { "x", REGISTRY, "/v2/team/app/blobs/x" },
    { "/internal", REFUSED, NULL },
    { "https://reg.example/v2/team/app/blobs/x", EXTERNAL,
      "https://reg.example/v2/team/app/blobs/x" },
    { "https:///v2/team/app/blobs/x", REFUSED, NULL }
};


/* base: the first again, through a proxy that knows it by another name */

static const test_case_t  test_proxied[] = {
    { "/v2/team/app/blobs/x", REGISTRY, "/v2/team/app/blobs/x" },
    { "https://backend:5000/v2/team/app/blobs/x", REGISTRY,
      "/v2/team/app/blobs/x" },
    { "/artifacts-downloads/x?sig=a%2Fb", EXTERNAL,
      "https://backend:5000/artifacts-downloads/x?sig=a%2Fb" },
    { "https://reg.example/files/x", EXTERNAL, "https://backend:5000/files/x" },
    { "http://reg.example/files/x", EXTERNAL, "https://backend:5000/files/x" },
    { "https://backend:5000/files/x", EXTERNAL,
      "https://backend:5000/files/x" },
    { "https://reg.example", EXTERNAL, "https://backend:5000/" },
    { "../../../../internal", EXTERNAL, "https://backend:5000/internal" },
    { "/v2/team/app/blobs/%2e%2e/x", EXTERNAL,
      "https://backend:5000/v2/team/app/blobs/%2e%2e/x" },
    { "/v2/team/app/blobs/..%2fx", EXTERNAL,
      "https://backend:5000/v2/team/app/blobs/..%2fx" },
    { "/v2/other/app/blobs/x", EXTERNAL,
      "https://backend:5000/v2/other/app/blobs/x" },
    { "https://s3.example/x", EXTERNAL, "https://s3.example/x" },
    { "http://s3.example/x", REFUSED, NULL },
    { "https://user@backend:5000/files/x", REFUSED, NULL }
};


/* likewise, through a socket */

static const test_case_t  test_socket[] = {
    { "/v2/team/app/blobs/x", REGISTRY, "/v2/team/app/blobs/x" },
    { "/files/x", REFUSED, NULL }
};


int
main(void)
{
    schema1_base_t  https = {
        true, { exact_str("https"), exact_str("reg.example:443"),
          exact_str("/v2/team/app/blobs/sha256:00?ns=x"), exact_str("") },
        exact_str("team/app"), exact_str("")
    };
    schema1_base_t  plain = {
        true, { exact_str("http"), exact_str("127.0.0.1:5000"),
          exact_str("/v2/team/app/blobs/sha256:00"), exact_str("") },
        exact_str("team/app"), exact_str("")
    };
    schema1_base_t  external = {
        false, { exact_str("https"), exact_str("reg.example"),
          exact_str("/v2/team/app/blobs/x"), exact_str("") },
        exact_str("team/app"), exact_str("")
    };

    test_examples();

    test_cases("https", &https, test_registry,
               sizeof(test_registry) / sizeof(test_registry[0]));
    test_cases("http", &plain, test_plain,
               sizeof(test_plain) / sizeof(test_plain[0]));
    test_cases("after an external hop", &external, test_external,
               sizeof(test_external) / sizeof(test_external[0]));

    https.upstream = exact_str("backend:5000");
    test_cases("upstream", &https, test_proxied,
               sizeof(test_proxied) / sizeof(test_proxied[0]));
    test_odd_paths(https);

    https.upstream = exact_str("unix:/run/registry.sock");
    test_cases("socket", &https, test_socket,
               sizeof(test_socket) / sizeof(test_socket[0]));

    https.upstream.len = 0;

    /* a client that names no registry: no absolute URL is its own */

    https.url.authority.len = 0;
    test_cases("no authority", &https, test_nobody,
               sizeof(test_nobody) / sizeof(test_nobody[0]));

    test_user(&https);
    test_bytes();
    test_append();
    test_long();

    return tap_done();
}


static void
test_examples(void)
{
    size_t              i;
    schema1_buf_t       target;
    schema1_error_t     err;
    schema1_redirect_e  result;
    schema1_base_t      base = {
        false, { exact_str("http"), exact_str("a"),
          exact_str("/b/c/d;p?q"), exact_str("") },
        exact_str("x"), exact_str("")
    };

    for (i = 0; i < sizeof(test_rfc) / sizeof(test_rfc[0]); i++) {
        memset(&target, 0, sizeof(schema1_buf_t));

        result = schema1_redirect_resolve(&base,
                                          exact_str(test_rfc[i].location),
                                          &target, &err);

        tap_ok(result == EXTERNAL, "RFC 3986, 5.4: %s", test_rfc[i].location);
        tap_is(target.data, target.len, test_rfc[i].target, "leads there");

        schema1_buf_free(&target);
    }

    base.url.path = exact_str("");
    memset(&target, 0, sizeof(schema1_buf_t));

    (void) schema1_redirect_resolve(&base, exact_str("g"), &target, &err);
    tap_is(target.data, target.len, "http://a/g",
           "RFC 3986, 5.2.3: a base without a path");

    schema1_buf_free(&target);
}


static void
test_cases(const char *title, const schema1_base_t *base,
    const test_case_t *cases, size_t n)
{
    size_t              i;
    schema1_buf_t       target;
    schema1_error_t     err;
    schema1_redirect_e  result;

    for (i = 0; i < n; i++) {
        memset(&target, 0, sizeof(schema1_buf_t));
        memset(&err, 0, sizeof(schema1_error_t));

        result = schema1_redirect_resolve(base, exact_str(cases[i].location),
                                          &target, &err);

        tap_ok(result == cases[i].result, "%s: number %zu", title, i);

        if (cases[i].result == REFUSED) {
            tap_ok(target.len == 0 && err.reason == SCHEMA1_REDIRECTED
                   && err.message[0] != '\0', "with a reason");

        } else {
            tap_is(target.data, target.len, cases[i].target, "leads there");
        }

        schema1_buf_free(&target);
    }
}


/* what a client may request instead of the path of a URL */

static void
test_odd_paths(schema1_base_t base)
{
    size_t  i;

    static const char *const  paths[] = {
        "*",
        "%2fv2/team/app/blobs/y",
        "/v2/team/app/blobs/\xc3\xa9"
    };

    static const test_case_t  query = { "?x", REFUSED, NULL };

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        base.url.path = exact_str(paths[i]);
        test_cases(paths[i], &base, &query, 1);
    }
}


static void
test_user(const schema1_base_t *base)
{
    schema1_buf_t    target;
    schema1_error_t  err;

    memset(&target, 0, sizeof(schema1_buf_t));
    memset(&err, 0, sizeof(schema1_error_t));

    (void) schema1_redirect_resolve(base, exact_str("https://u@s3.example/x"),
                                    &target, &err);

    tap_ok(strstr(err.message, "user name") != NULL,
           "a refused user name is called so");
}


/* no byte makes a path of the registry's own out of what is none */

static void
test_bytes(void)
{
    int                 i;
    char                text[] = "/v2/a/blobs/?x";
    unsigned            own, wrong;
    schema1_buf_t       target;
    schema1_str_t       location;
    schema1_error_t     err;
    schema1_redirect_e  result;
    schema1_base_t      base = {
        true, { exact_str("https"), exact_str("r"),
          exact_str("/v2/a/blobs/y"), exact_str("") },
        exact_str("a"), exact_str("")
    };

    own = 0;
    wrong = 0;

    for (i = 0; i < 256; i++) {
        memset(&target, 0, sizeof(schema1_buf_t));

        text[12] = (char) i;
        location = exact_bytes(text, sizeof(text) - 1);

        result = schema1_redirect_resolve(&base, location, &target, &err);

        own += (result == REGISTRY);
        wrong += (result == REGISTRY && (i <= 0x20 || i >= 0x7f
                                    || strchr("%/\\?#\"<>^`{|}[]", i)));
        wrong += (result == EXTERNAL);

        schema1_buf_free(&target);
    }

    tap_ok(wrong == 0, "no byte passes that a path cannot have");
    tap_ok(own == 26 + 26 + 10 + 17, "each character of a path passes");
}


static void
test_append(void)
{
    schema1_buf_t    target;
    schema1_error_t  err;
    schema1_base_t   base = {
        true, { exact_str("https"), exact_str("r"),
          exact_str("/v2/a/blobs/y"), exact_str("") },
        exact_str("a"), exact_str("")
    };

    memset(&target, 0, sizeof(schema1_buf_t));
    schema1_buf_puts(&target, ">");

    (void) schema1_redirect_resolve(&base, exact_str("z"), &target, &err);
    tap_is(target.data, target.len, ">/v2/a/blobs/z",
           "a target is appended to its buffer");

    schema1_buf_free(&target);

    target.failed = true;
    tap_ok(schema1_redirect_resolve(&base, exact_str("z"), &target, &err)
           == REFUSED && err.reason == SCHEMA1_NO_MEMORY,
           "a target without memory is reported");

    target.failed = false;
    schema1_buf_reserve(&target, 64);
    memset(target.data, 'x', 64);

    tap_ok(schema1_redirect_resolve(&base, exact_str("/v2/a/blobs/x%"),
                                    &target, &err)
           == REFUSED && target.len == 0,
           "nothing is read of what a buffer had before");

    schema1_buf_free(&target);
}


/* longer than a buffer that is not exactly as large as its path */

static void
test_long(void)
{
    char             text[300];
    schema1_buf_t    target;
    schema1_error_t  err;
    schema1_base_t   base = {
        true, { exact_str("https"), exact_str("r"),
          exact_str("/v2/a/blobs/y"), exact_str("") },
        exact_str("a"), exact_str("")
    };

    memset(&target, 0, sizeof(schema1_buf_t));
    memset(text, 'x', sizeof(text));
    memcpy(text, "/v2/a/blobs/", 12);

    tap_ok(schema1_redirect_resolve(&base, exact_bytes(text, sizeof(text)),
                                    &target, &err)
           == REGISTRY && target.len == sizeof(text)
           && memcmp(target.data, text, sizeof(text)) == 0,
           "a long path is kept");

    schema1_buf_free(&target);
    memcpy(text + sizeof(text) - 2, "%2", 2);

    tap_ok(schema1_redirect_resolve(&base, exact_bytes(text, sizeof(text)),
                                    &target, &err)
           == REFUSED, "a long path that ends within an escape is refused");

    schema1_buf_free(&target);
}
