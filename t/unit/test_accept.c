
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>
#include <time.h>

#include "schema1_accept.h"
#include "alloc.h"
#include "dirty.h"
#include "exact.h"
#include "tap.h"


#define V1S  "application/vnd.docker.distribution.manifest.v1+prettyjws"
#define V1   "application/vnd.docker.distribution.manifest.v1+json"
#define V2   "application/vnd.docker.distribution.manifest.v2+json"
#define DL   "application/vnd.docker.distribution.manifest.list.v2+json"
#define OM   "application/vnd.oci.image.manifest.v1+json"
#define OI   "application/vnd.oci.image.index.v1+json"

#define ALL  V2 ", " DL ", " OM ", " OI


#define TEST_LINES_MAX  8


/*
 * "gets" tells what becomes of schema 1, schema 2, a Docker list, an OCI
 * manifest, an OCI index under the tag: "-" as is, "1" schema 1, "2" schema 2,
 * "c" the platform's child, "x" refused; then the same five for a child.
 */

typedef struct {
    const char        *title;
    const char        *lines;       /* by line ends */
    bool               modern;
    bool               takes;
    const char        *gets;
    const char        *upstream;
} test_client_t;


static void test_clients(void);
static size_t test_lines(schema1_str_t *lines, const char *text);
static void test_gets(char *gets, const schema1_accept_t *accept);
static void test_generic(void);
static void test_named(void);
static void test_qualities(void);
static void test_repeated(void);
static void test_orders(void);
static void test_many(void);
static void test_memory(void);


static const test_client_t  test_all[] = {

    /* old: names no modern type */

    { "Docker 1.6: no header", NULL, false, true, "-1c1c -1c1c", ALL },
    { "an empty line", "", false, true, "-1c1c -1c1c", ALL },
    { "udocker", "*/*", false, true, "-1c1c -1c1c", "*/*, " ALL },
    { "Singularity 2", "application/json", false, true, "-1c1c -1c1c",
      "application/json, " ALL },
    { "a browser", "text/html,application/xml;q=0.9,*/*;q=0.8", false, true,
      "-1c1c -1c1c", "text/html, application/xml, */*, " ALL },
    { "Docker 1.8", V1S ", " V1, false, true, "-1c1c -1c1c",
      V1S ", " V1 ", " ALL },
    { "old Java", "text/html, image/gif, *; q=.2, */*; q=.2", false, true,
      "-1c1c -1c1c", "text/html, image/gif, *, */*, " ALL },
    { "all modern types with q=0", V2 ";q=0," DL ";q=0," OM ";q=0," OI ";q=0",
      false, true, "-1c1c -1c1c", ALL },

    /* modern: all four, whatever else */

    { "containerd", V2 ", " DL ", " OM ", " OI ", */*", true, false,
      "----- x----", V2 ", " DL ", " OM ", " OI ", */*" },
    { "Docker 20.10, in lines", V2 "\n" DL "\n" OM "\n" OI "\n" V1S
      "\napplication/json", true, true, "----- -----",
      V2 ", " DL ", " OM ", " OI ", " V1S ", application/json" },

    /* middle: some modern types and what means schema 1 */

    { "Docker 1.10", V2 "\n" DL "\n" V1S "\napplication/json", false, true,
      "---2c ---2c", V2 ", " DL ", " V1S ", application/json, " OM ", " OI },
    { "Docker 17", "application/json\n" V2 "\n" DL "\n" V1S, false, true,
      "---2c ---2c",
      "application/json, " V2 ", " DL ", " V1S ", " OM ", " OI },
    { "schema 2 and a wildcard and json", V2 ", */*, application/json", false,
      true, "--c2c --c2c", V2 ", */*, application/json, " DL ", " OM ", " OI },
    { "a list and unsigned schema 1", DL ", " V1, false, true, "-1-1c -1-1c",
      DL ", " V1 ", " V2 ", " OM ", " OI },
    { "OCI and json", OM ", application/json", false, true, "-1c-c -1c-c",
      OM ", application/json, " V2 ", " DL ", " OI },
    { "an index, no manifest, and json", OI ", application/json", false, true,
      "-1c1- -1c1-", OI ", application/json, " V2 ", " DL ", " OM },

    /* some modern types and a wildcard */

    { "schema 2 and */*", V2 ", */*", true, false, "----- x----",
      V2 ", */*, " DL ", " OM ", " OI },
    { "a list and application/*", DL ", application/*;q=0.1", true, false,
      "----- x----", DL ", application/*, " V2 ", " OM ", " OI },
    { "OCI and a lone *", OM ", *", true, false, "----- x----",
      OM ", *, " V2 ", " DL ", " OI },

    /* schema 2 only */

    { "curl", V2, false, false, "--c2c x-c2c",
      V2 ", " DL ", " OM ", " OI },
    { "schema 2 and a list", V2 ", " DL, false, false, "---2c x--2c",
      V2 ", " DL ", " OM ", " OI },
    { "schema 2, a wildcard that is none", V2 ", text/*", false, false,
      "--c2c x-c2c", V2 ", text/*, " DL ", " OM ", " OI },
    { "schema 2, */* with q=0", V2 ", */*;q=0", false, false, "--c2c x-c2c",
      V2 ", " DL ", " OM ", " OI },
    { "schema 2 and OCI", V2 "," OM, false, false, "--c-c x-c-c",
      V2 ", " OM ", " DL ", " OI },

    /* modern: the rest */

    { "an OCI tool", OM ", " OI, true, false, "----- x----",
      OM ", " OI ", " V2 ", " DL },
    { "only a list", DL, true, false, "----- x----",
      DL ", " V2 ", " OM ", " OI },

    /* forms */

    { "case", "APPLICATION/VND.Docker.Distribution.Manifest.V2+JSON", false,
      false, "--c2c x-c2c", V2 ", " DL ", " OM ", " OI },
    { "parameters", V2 ";charset=utf-8;q=0.5 , " OM "\t; x=\"a,b;q=0\"",
      false, false, "--c-c x-c-c", V2 ", " OM ", " DL ", " OI },
    { "an escaped quote", V2 ";x=\"a\\\",b\", " OM, false, false,
      "--c-c x-c-c", V2 ", " OM ", " DL ", " OI },
    { "an open quote", V2 ";x=\"a, " OM, false, false, "--c2c x-c2c",
      V2 ", " DL ", " OM ", " OI },
    { "q=0", V2 ", " OM ";q=0, a/b;q=0, c/d;Q=0.000", false, false,
      "--c2c x-c2c", V2 ", " OM ", " DL ", " OI },
    { "q=0 after other parameters", V2 ", " OM ";a=b;q=0.0", false, false,
      "--c2c x-c2c", V2 ", " OM ", " DL ", " OI },
    { "malformed q counts as 1", V2 ";q=, " OM ";q=0x", false, false,
      "--c-c x-c-c", V2 ", " OM ", " DL ", " OI },
    { "neither q nor Q", V2 ";p=0, " OM ";P=0", false, false,
      "--c-c x-c-c", V2 ", " OM ", " DL ", " OI },
    { "more malformed q", V2 ";q=-0, " OM ";q=0.0000, " OI ";q = 0," DL
      ";q=\"0\"", true, false, "----- x----",
      V2 ", " OM ", " OI ", " DL },
    { "the first q counts", V2 ";q=1;q=0, " OM ";q=0;q=1", false, false,
      "--c2c x-c2c", V2 ", " OM ", " DL ", " OI },
    { "twice, once with q=0", V2 ";q=0, " V2 ", a/b, a/b;q=0, A/B", false,
      false, "--c2c x-c2c", V2 ", a/b, " DL ", " OM ", " OI },
    { "the other way round", "a/b;q=0, c/d, a/b, " V2, false, false,
      "--c2c x-c2c", "c/d, a/b, " V2 ", " DL ", " OM ", " OI },
    { "empty elements", ",, " V2 " ,\t,", false, false, "--c2c x-c2c",
      V2 ", " DL ", " OM ", " OI },
    { "what is no media range", "foo, /, a/, /b, a/b/c, a b/c, (/), a/b c, "
      "a/(, a/b(, " V2, false, false, "--c2c x-c2c",
      V2 ", " DL ", " OM ", " OI },
    { "almost schema 2", V2 "x, x" V2 ", " V2 ".", false, true,
      "-1c1c -1c1c", V2 "x, x" V2 ", " V2 "., " ALL },
    { "json by another name", V2 ", application/jsonx", false, false,
      "--c2c x-c2c", V2 ", application/jsonx, " DL ", " OM ", " OI },
    { "json with q=0", V2 ", application/json;q=0", false, false,
      "--c2c x-c2c", V2 ", " DL ", " OM ", " OI }
};


int
main(void)
{
    test_clients();
    test_generic();
    test_named();
    test_qualities();
    test_repeated();
    test_orders();
    test_many();
    test_memory();

    return tap_done();
}


static void
test_clients(void)
{
    char                  gets[16];
    size_t                i, n;
    schema1_buf_t         value;
    schema1_str_t         lines[TEST_LINES_MAX];
    schema1_accept_t      accept;
    const test_client_t  *client;

    for (i = 0; i < sizeof(test_all) / sizeof(test_all[0]); i++) {
        client = &test_all[i];
        n = test_lines(lines, client->lines);

        memset(&accept, 0xff, sizeof(schema1_accept_t));
        schema1_accept_read(&accept, lines, n);

        tap_ok(schema1_accept_is_modern(&accept) == client->modern,
               "%s: %smodern", client->title, client->modern ? "" : "not ");
        tap_ok(schema1_accept_has_schema1(&accept) == client->takes,
               "%s: schema 1 is %staken", client->title,
               client->takes ? "" : "not ");

        test_gets(gets, &accept);
        tap_is(gets, strlen(gets), client->gets, "what it is given");

        memset(&value, 0, sizeof(schema1_buf_t));
        tap_ok(schema1_accept_upstream(lines, n, &value) == SCHEMA1_OK,
               "a line for the upstream");
        tap_is(value.data, value.len, client->upstream, "which is right");
        schema1_buf_free(&value);
    }
}


static size_t
test_lines(schema1_str_t *lines, const char *text)
{
    size_t  n;

    if (text == NULL) {
        return 0;
    }

    for (n = 0; n < TEST_LINES_MAX; n++) {
        lines[n] = exact_bytes(text, strcspn(text, "\n"));
        text += lines[n].len;

        if (*text++ == '\0') {
            break;
        }
    }

    return n + 1;
}


static void
test_gets(char *gets, const schema1_accept_t *accept)
{
    size_t                       i, child;
    static const char            signs[] = "-?c21x";
    static const schema1_type_e  types[] = {
        SCHEMA1_TYPE_SIGNED, SCHEMA1_TYPE_SCHEMA2, SCHEMA1_TYPE_LIST,
        SCHEMA1_TYPE_OCI_MANIFEST, SCHEMA1_TYPE_OCI_INDEX
    };

    for (child = 0; child < 2; child++) {
        for (i = 0; i < 5; i++) {
            *gets++ = signs[schema1_accept_decide(accept, types[i],
                                                  child != 0)];
        }

        *gets++ = child ? '\0' : ' ';
    }
}


static void
test_generic(void)
{
    schema1_accept_t  old;

    schema1_accept_read(&old, NULL, 0);

    tap_ok(schema1_accept_decide(&old, SCHEMA1_TYPE_GENERIC, false)
           == SCHEMA1_ACTION_SNIFF, "a generic type is sniffed");
    tap_ok(schema1_accept_decide(&old, SCHEMA1_TYPE_OTHER, false)
           == SCHEMA1_ACTION_AS_IS, "another type than a manifest's passes");
    tap_ok(schema1_accept_decide(&old, SCHEMA1_TYPE_GENERIC, true)
           == SCHEMA1_ACTION_REFUSE, "a child of a generic type is refused");
    tap_ok(schema1_accept_decide(&old, SCHEMA1_TYPE_OTHER, true)
           == SCHEMA1_ACTION_REFUSE, "a child of another type is refused");
    tap_ok(schema1_accept_decide(&old, SCHEMA1_TYPE_UNSIGNED, true)
           == SCHEMA1_ACTION_AS_IS,
           "an unsigned schema 1 child is sent unchanged");
}


static void
test_named(void)
{
    schema1_str_t     line;
    schema1_accept_t  accept;

    line = exact_str(V1 ", " OI ", " DL ";q=0, */*, application/json");
    schema1_accept_read(&accept, &line, 1);

    tap_ok(accept.types == (1u << SCHEMA1_TYPE_UNSIGNED
                            | 1u << SCHEMA1_TYPE_OCI_INDEX),
           "types with q=0 are not accepted");
    tap_ok(accept.json && accept.wildcard,
           "application/json and */* are accepted");
}


/* RFC 9110, 12.4.2: ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) */

static void
test_qualities(void)
{
    size_t            i;
    schema1_str_t     line;
    schema1_accept_t  accept;

    static const struct {
        const char  *line;
        bool         zero;
    } cases[] = {
        { V2 ";q=0", true },
        { V2 ";Q=0.", true },
        { V2 ";q=0.0", true },
        { V2 ";q=0.000", true },
        { V2 ";q=0;", true },
        { V2 ";", false },
        { V2 ";q", false },
        { V2 ";q=", false },
        { V2 ";q=;q=0", false },
        { V2 ";q=00", false },
        { V2 ";q=0x", false },
        { V2 ";q=0.0000", false },
        { V2 ";q=0.00000", false },
        { V2 ";q=0.001", false },
        { V2 ";q=0.100", false },
        { V2 ";q=1", false },
        { V2 ";q=1.0", false },
        { V2 ";q-0", false },
        { V2 ";r=0", false }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        line = exact_str(cases[i].line);
        schema1_accept_read(&accept, &line, 1);

        tap_ok((accept.types == 0) == cases[i].zero,
               "%s: %s", cases[i].zero ? "quality 0" : "no quality 0",
               cases[i].line);
    }

    line = exact_bytes(V2 ";q=0.000\0", sizeof(V2 ";q=0.000\0") - 1);
    schema1_accept_read(&accept, &line, 1);

    tap_ok(accept.types != 0, "no quality 0: a NUL is at its end");
}


/* the same range is found whatever is between */

static void
test_repeated(void)
{
    size_t         i;
    schema1_buf_t  value;
    schema1_str_t  line;

    static const struct {
        const char  *line;
        const char  *upstream;
    } cases[] = {
        { "aa/b, a/b, aa/b", "aa/b, a/b, " ALL },
        { "a/b, aa/b, a/b", "a/b, aa/b, " ALL },
        { "b/b, a/b, b/b", "b/b, a/b, " ALL },
        { "a/b, b/b, a/b, b/b, A/B", "a/b, b/b, " ALL },
        { "c/cc, b/b, a/a, c/cc, a/a, b/b", "c/cc, b/b, a/a, " ALL },
        { "a/b, a/b;q=0", "a/b, " ALL },
        { "a/b;q=0, a/b", "a/b, " ALL },

        /* as many as there is memory for at first */
        { "a/a, b/b, c/c, d/d, e/e, f/f, g/g, h/h",
          "a/a, b/b, c/c, d/d, e/e, f/f, g/g, h/h, " ALL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        line = exact_str(cases[i].line);
        memset(&value, 0, sizeof(schema1_buf_t));

        dirty_stack();
        (void) schema1_accept_upstream(&line, 1, &value);
        tap_is(value.data, value.len, cases[i].upstream,
               "a repeated range is sent once");

        schema1_buf_free(&value);
    }
}


/* what is read at a glance and what is not, in any order */

static void
test_orders(void)
{
    char              line[256];
    size_t            i, j, k, wrong;
    unsigned          types;
    schema1_str_t     str;
    schema1_accept_t  accept;

    static const struct {
        const char  *text;
        unsigned     type;
    } parts[] = {
        { V1S, 1u << SCHEMA1_TYPE_SIGNED },
        { V1, 1u << SCHEMA1_TYPE_UNSIGNED },
        { V2, 1u << SCHEMA1_TYPE_SCHEMA2 },
        { DL, 1u << SCHEMA1_TYPE_LIST },
        { OM, 1u << SCHEMA1_TYPE_OCI_MANIFEST },
        { OI, 1u << SCHEMA1_TYPE_OCI_INDEX },
        { "*/*", 1u << SCHEMA1_TYPE_OTHER },
        { " " V2 ";q=1", 1u << SCHEMA1_TYPE_SCHEMA2 },
        { OM ";q=0", 0 },
        { V1 "x", 0 },
        { "", 0 }
    };

    wrong = 0;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        for (j = 0; j < sizeof(parts) / sizeof(parts[0]); j++) {
            for (k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
                (void) snprintf(line, sizeof(line), "%s, %s,%s",
                                parts[i].text, parts[j].text, parts[k].text);

                str = exact_str(line);
                schema1_accept_read(&accept, &str, 1);

                types = accept.types
                        | (unsigned) accept.wildcard << SCHEMA1_TYPE_OTHER;

                wrong += (types != (parts[i].type | parts[j].type
                                    | parts[k].type));
            }
        }
    }

    tap_ok(wrong == 0, "any three types are accepted in any order");
}


/* a header of 64k: no more than n log n */

static void
test_many(void)
{
    char           *text, type[16];
    size_t          i, len;
    clock_t         start;
    schema1_buf_t   value;
    schema1_str_t   line;

    text = malloc(64 * 1024);
    len = 0;

    for (i = 0; len < 64 * 1024 - 16; i++) {
        (void) snprintf(type, sizeof(type), "a/%05zu,", i % 5000);
        memcpy(text + len, type, strlen(type));
        len += strlen(type);
    }

    line = exact_bytes(text, len);
    memset(&value, 0, sizeof(schema1_buf_t));

    start = clock();

    tap_ok(schema1_accept_upstream(&line, 1, &value) == SCHEMA1_OK,
           "an Accept header of 64k has a line for the upstream");
    tap_ok(value.len == 5000 * 9 + strlen(ALL),
           "each of the 5000 types of 64k is named once");
    tap_ok(clock() - start < CLOCKS_PER_SEC / 4,
           "64k are read in less than 250 ms");

    schema1_buf_free(&value);
    free(text);
}


/* each allocation fails in turn: an error, and all memory is freed */

static void
test_memory(void)
{
    int            rc;
    bool           good;
    char           text[160];
    size_t         i, len, held;
    unsigned long  n;
    schema1_buf_t  value;
    schema1_str_t  line;

    if (!alloc_hooked()) {
        tap_ok(1, "allocations # SKIP another allocator is in place");
        return;
    }

    len = 0;

    for (i = 0; i < 20; i++) {
        len += (size_t) snprintf(text + len, sizeof(text) - len, "a/%zu,", i);
    }

    line = exact_bytes(text, len);

    for (good = true, n = 1; good; n++) {
        memset(&value, 0, sizeof(schema1_buf_t));
        held = alloc_held;
        alloc_countdown = n;

        rc = schema1_accept_upstream(&line, 1, &value);

        schema1_buf_free(&value);
        good = (alloc_held == held);

        if (alloc_countdown) {
            alloc_countdown = 0;
            good = good && rc == SCHEMA1_OK;
            break;
        }

        good = good && rc == SCHEMA1_ERROR;
    }

    tap_ok(good && n > 4, "a line for the upstream is complete or an error");
}
