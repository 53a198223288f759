
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "schema1_convert.h"
#include "schema1_payload.h"
#include "alloc.h"
#include "image.h"
#include "tap.h"


#define BIG  (4 * 1024 * 1024)

#define CONFIG(history, more)                                                 \
    "{\"history\":[" history "],\"rootfs\":{\"diff_ids\":[\"a\"]}" more "}"


static void test_payload(void);
static void test_limit(void);
static void test_stack(void);
static void test_members(void);
static void test_base_layer(void);
static void test_synthesized(void);
static void test_refused(void);
static void test_gigabytes(void);
static void test_many(void);
static void test_escapes(void);
static void test_proportion(void);
static void test_memory(void);
static void test_failures(void);
static int test_build(const char *config, size_t layers,
    schema1_buf_t *payload, size_t *entries, schema1_error_t *err);
static void test_memory_of(const char *head, const char *item,
    const char *tail, bool same);
static unsigned test_fail_each(const char *config);


/* of the builder of docker/distribution 2.8.2 */

static const char  test_config[] =
    "{\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
    "[\"x\"]},\"os\":\"linux\",\"history\":[{\"created\":"
    "\"2015-04-22T18:30:01.50Z\",\"created_by\":\"ADD <f>\",\"comment\":"
    "\"\\u00e9\"},{\"created\":\"2015-04-22T18:31:00+02:00\",\"empty_layer\":"
    "true}],\"config\":{\"Cmd\":[ \"a&b\" ]}}";

static const char  test_expected[] =
    "{\n   \"schemaVersion\": 1,\n   \"name\": \"app/web\",\n"
    "   \"tag\": \"1.0\",\n   \"architecture\": \"amd64\",\n"
    "   \"fsLayers\": [\n      {\n         \"blobSum\": \""
    SCHEMA1_EMPTY_LAYER_DIGEST "\"\n      },\n      {\n"
    "         \"blobSum\": \"" B "\"\n      }\n   ],\n   \"history\": [\n"
    "      {\n         \"v1Compatibility\": \"{\\\"architecture\\\":"
    "\\\"amd64\\\",\\\"config\\\":{\\\"Cmd\\\":[\\\"a\\\\u0026b\\\"]},"
    "\\\"id\\\":\\\"d866bb8935ab29d9860a7aeaa2fb9f348fb300d578aa841eb3e26cac"
    "701dc56c\\\",\\\"os\\\":\\\"linux\\\",\\\"parent\\\":\\\"5df03f8fddc907"
    "0ec22f6243ae627ee13036f3dcb0af7c620133a51ef4f0dfb7\\\",\\\"throwaway\\\":"
    "true}\"\n      },\n      {\n         \"v1Compatibility\": \"{\\\"id\\\":"
    "\\\"5df03f8fddc9070ec22f6243ae627ee13036f3dcb0af7c620133a51ef4f0dfb7\\\","
    "\\\"comment\\\":\\\"\xc3\xa9\\\",\\\"created\\\":"
    "\\\"2015-04-22T18:30:01.5Z\\\",\\\"container_config\\\":{\\\"Cmd\\\":["
    "\\\"ADD \\\\u003cf\\\\u003e\\\"]}}\"\n      }\n   ]\n}";


int
main(void)
{
    test_payload();
    test_limit();
    test_stack();
    test_members();
    test_base_layer();
    test_synthesized();
    test_refused();
    test_gigabytes();
    test_many();
    test_escapes();
    test_proportion();
    test_memory();
    test_failures();

    return tap_done();
}


static int
test_build(const char *config, size_t layers, schema1_buf_t *payload,
    size_t *entries, schema1_error_t *err)
{
    schema1_manifest_t  m;

    memset(payload, 0, sizeof(schema1_buf_t));
    memset(err, 0, sizeof(schema1_error_t));
    image_manifest(&m, "", "", "", layers);

    return schema1_payload_build(&m, exact_str(config), exact_str("app/web"),
                                 exact_str("1.0"), payload, entries, err);
}


static void
test_payload(void)
{
    size_t           entries;
    schema1_buf_t    payload;
    schema1_error_t  err;

    tap_ok(test_build(test_config, 1, &payload, &entries, &err)
           == SCHEMA1_OK, "a config is converted");
    tap_is(payload.data, payload.len, test_expected,
           "the payload has the builder's bytes");
    tap_ok(entries == 2, "the payload's entries are counted");
    tap_ok(payload.size <= 2 * strlen(test_config) + 512 * 6,
           "the payload's buffer is that of a large one and its signature");

    schema1_buf_free(&payload);
}


/* as large as the buffer would be, but a byte is there already; then higher */

static void
test_limit(void)
{
    int                 rc;
    size_t              size, entries;
    schema1_buf_t       payload;
    schema1_error_t     err;
    schema1_manifest_t  m;

    size = strlen(test_config);
    size += size / 2 + 512 * 6;

    image_manifest(&m, "", "", "", 1);
    memset(&payload, 0, sizeof(schema1_buf_t));
    payload.limit = size;
    schema1_buf_putc(&payload, '>');

    rc = schema1_payload_build(&m, exact_str(test_config),
                               exact_str("app/web"), exact_str("1.0"),
                               &payload, &entries, &err);

    tap_ok(rc == SCHEMA1_OK && payload.len == sizeof(test_expected)
           && memcmp(payload.data + 1, test_expected, payload.len - 1) == 0,
           "a payload is appended within a buffer's limit");

    schema1_buf_free(&payload);
    payload.limit = 1024 * 1024;

    rc = schema1_payload_build(&m, exact_str(test_config),
                               exact_str("app/web"), exact_str("1.0"),
                               &payload, &entries, &err);

    tap_ok(rc == SCHEMA1_OK && payload.size <= size,
           "no more is allocated with a high limit");

    schema1_buf_free(&payload);
}


static void
test_stack(void)
{
    char                text[sizeof(test_config)];
    size_t              entries;
    schema1_str_t       config;
    schema1_buf_t       payload;
    schema1_error_t     err;
    schema1_manifest_t  m;

    memcpy(text, test_config, sizeof(text));
    config.data = text;
    config.len = sizeof(text) - 1;

    image_manifest(&m, "", "", "", 1);
    memset(&payload, 0, sizeof(schema1_buf_t));

    (void) schema1_payload_build(&m, config, exact_str("app/web"),
                                 exact_str("1.0"), &payload, &entries, &err);
    tap_is(payload.data, payload.len, test_expected,
           "a config on the stack is converted");

    schema1_buf_free(&payload);
}


/* what becomes of members that the builder sets itself */

static void
test_members(void)
{
    int              rc;
    size_t           i, entries;
    schema1_buf_t    payload;
    schema1_error_t  err;

    static const struct {
        const char  *config;
        const char  *there;         /* NULL: nothing to look for */
        const char  *gone;
    } cases[] = {
        { CONFIG("{}", ",\"parent\":\"x\""), NULL, "parent" },
        { CONFIG("{}", ",\"PAREN\\u0054\":\"x\""), NULL, "PARENT" },
        { CONFIG("{}", ",\"throwaway\":true"), NULL, "throwaway" },
        { CONFIG("{}", ",\"ThrowAway\":1"), NULL, "ThrowAway" },
        { CONFIG("{},{\"empty_layer\":true}", ",\"Parent\":\"x\""),
          "{\\\"Parent\\\":\\\"x\\\",", NULL },
        { CONFIG("{},{\"empty_layer\":true}", ",\"parent\":\"x\""),
          ",\\\"parent\\\":\\\"", "\\\"x\\\"" },
        { CONFIG("{},{\"empty_layer\":true}", ",\"throwaway\":7"),
          "\\\"throwaway\\\":true}", ":7" },
        { CONFIG("{},{\"empty_layer\":true}", ",\"Throwaway\":7"),
          "\\\"Throwaway\\\":7", NULL },
        { CONFIG("{}", ",\"id\":\"x\",\"ID\":\"y\""),
          "{\\\"ID\\\":\\\"y\\\",\\\"id\\\":\\\"", "\\\"x\\\"" },
        { CONFIG("{}", ",\"ROOTFS\":{}"), "{\\\"ROOTFS\\\":{},",
          "diff_ids" },
        { CONFIG("{}", ",\"b\":1,\"a\":2,\"b\":3"),
          "{\\\"a\\\":2,\\\"b\\\":3,\\\"id\\\":", NULL },
        { CONFIG("{}", ",\"abcdz\":1,\"abcd\":2,\"abcda\" : 3,"
                 "\"abcd\\u007a\":4,\"abcdz\": 5,\"abce\":6"),
          "{\\\"abcd\\\":2,\\\"abcda\\\":3,\\\"abcdz\\\":5,"
          "\\\"abce\\\":6,\\\"id\\\":", NULL },
        { CONFIG("{}", ",\"zz\":1"), "\\\",\\\"zz\\\":1}\"", NULL },
        { "{\"hi\xc5\xbftory\":[{}],\"rootfs\":{\"diff_ids\":[null]}}",
          "{\\\"hi\xc5\xbftory\\\":[{}],\\\"id\\\":", NULL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rc = test_build(cases[i].config, 1, &payload, &entries, &err);
        schema1_buf_putc(&payload, '\0');

        tap_ok(rc == SCHEMA1_OK
               && (cases[i].there == NULL
                   || strstr(payload.data, cases[i].there))
               && (cases[i].gone == NULL
                   || strstr(payload.data, cases[i].gone) == NULL),
               "members: %s", cases[i].config);

        schema1_buf_free(&payload);
    }
}


/* no registry has the base layer of Windows: the first parent replaces it */

static void
test_base_layer(void)
{
    size_t           i, entries;
    const char      *first;
    schema1_buf_t    payload;
    schema1_error_t  err;

#define BASE(layer)                                                           \
    CONFIG("{},{\"empty_layer\":true}",                                       \
           ",\"rootfs\":{\"base_layer\":\"" layer "\"}")

    static const char *const  configs[] = { BASE(""), BASE("x") };

    for (i = 0; i < 2; i++) {
        (void) test_build(configs[i], 1, &payload, &entries, &err);
        schema1_buf_putc(&payload, '\0');

        first = strstr(payload.data, "container_config");

        while (strncmp(first, "v1Compatibility", 15) != 0) {
            first--;
        }

        tap_ok((strstr(first, "parent") != NULL) == (i == 1),
               "the first entry's parent with the base layer \"%s\"",
               i ? "x" : "");

        schema1_buf_free(&payload);
    }
}


static void
test_synthesized(void)
{
    int              rc;
    size_t           i, entries;
    schema1_buf_t    payload;
    schema1_error_t  err;

#define TWO  "\"rootfs\":{\"diff_ids\":[\"a\",\"b\"]}}"
#define MADE(created)                                                         \
    ",\\\"created\\\":\\\"" created "\\\",\\\"container_config\\\":"          \
    "{\\\"Cmd\\\":[\\\"\\\"]}}"

    static const struct {
        const char  *config;
        const char  *entry;
    } cases[] = {
        { "{" TWO, MADE("0001-01-01T00:00:00Z") },
        { "{\"history\":null," TWO, MADE("0001-01-01T00:00:00Z") },
        { "{\"history\":[]," TWO, MADE("0001-01-01T00:00:00Z") },
        { "{\"history\":[{\"comment\":\"x\"}]," TWO,
          MADE("0001-01-01T00:00:00Z") },
        { "{\"history\":[{},{\"author\":\"x\"},{}]," TWO,
          MADE("0001-01-01T00:00:00Z") },
        { "{\"history\":[{\"empty_layer\":true},{\"empty_layer\":true}],"
          TWO, MADE("0001-01-01T00:00:00Z") },
        { "{\"created\":\"2020-01-02T03:04:05.60+07:00\"," TWO,
          MADE("2020-01-02T03:04:05.6+07:00") },
        { "{\"created\":\"2020-01-02T03:04:05+99:99\"," TWO,
          MADE("2020-01-02T03:04:05+100:39") },
        { "{\"created\":\"yesterday\"," TWO, MADE("0001-01-01T00:00:00Z") },
        { "{\"created\":7," TWO, MADE("0001-01-01T00:00:00Z") }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rc = test_build(cases[i].config, 2, &payload, &entries, &err);
        schema1_buf_putc(&payload, '\0');

        tap_ok(rc == SCHEMA1_OK && entries == 2
               && strstr(payload.data, cases[i].entry)
               && strstr(payload.data, "throwaway") == NULL
               && strstr(payload.data, "comment") == NULL
               && strstr(payload.data, SCHEMA1_EMPTY_LAYER_DIGEST) == NULL,
               "made up: %s", cases[i].config);

        schema1_buf_free(&payload);
    }

    tap_ok(test_build("{\"history\":[{\"empty_layer\":true}],"
                      "\"rootfs\":{}}", 0, &payload, &entries, &err)
           == SCHEMA1_OK && entries == 1,
           "history without layers is converted");
    schema1_buf_free(&payload);
}


static void
test_refused(void)
{
    int               rc;
    size_t            i, entries;
    schema1_buf_t     payload;
    schema1_error_t   err;

    static const struct {
        const char  *config;
        const char  *message;
    } cases[] = {
        { "", "JSON" },
        { "{\"history\":[{}],\"rootfs\":{\"diff_ids\":[\"a\"]}}x", "JSON" },
        { "null", "object" },
        { "{\"history\":[{}]}", "rootfs" },
        { "{\"history\":[{}],\"rootfs\":null}", "rootfs" },
        { "{\"history\":[{}],\"rootfs\":{}}", "diff_ids" },
        { "{\"history\":[{}],\"rootfs\":{\"diff_ids\":[\"a\",\"b\"]}}",
          "lists 2 layers" },
        { "{\"history\":[{}],\"rootfs\":[]}", "rootfs" },
        { "{\"history\":[{}],\"rootfs\":{\"diff_ids\":[\"a\"],"
          "\"diff_ids\":null}}", "lists 0 layers" },
        { CONFIG("1", ""),
          "a \"history\" that is not an array of objects;" },
        { CONFIG("{\"created\":\"now\"}", ""),
          "a \"created\" that is not a time (RFC 3339);" },
        { CONFIG("{\"created\":1}", ""), "created" },
        { CONFIG("{\"author\":1}", ""), "author" },
        { CONFIG("{\"empty_layer\":\"true\"}", ""), "empty_layer" },
        { CONFIG("{\"empty_layer\":0}", ""), "empty_layer" },
        { CONFIG("{}", ",\"architecture\":1"), "architecture" },
        { CONFIG("{}", ",\"architecture\":1,\"architecture\":\"a\""),
          "architecture" },
        { CONFIG("{}", ",\"rootfs\":{\"type\":1}"), "type" },
        { CONFIG("{}", ",\"history\":{}"), "history" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rc = test_build(cases[i].config, 1, &payload, &entries, &err);

        tap_ok(rc == SCHEMA1_ERROR && err.reason == SCHEMA1_INVALID_CONFIG
               && strstr(err.message, cases[i].message)
               && payload.len == 0, "refused: %s: %s", cases[i].config,
               err.message);

        schema1_buf_free(&payload);
    }

    tap_ok(test_build("{\"rootfs\":{}}", 0, &payload, &entries, &err)
           == SCHEMA1_ERROR && err.reason == SCHEMA1_INVALID_CONFIG
           && strstr(err.message, "has neither layers nor history"),
           "refused: neither layers nor history");

    tap_ok(test_build("{\"history\":[{}],\"rootfs\":{}}", 0, &payload,
                      &entries, &err)
           == SCHEMA1_ERROR && err.reason == SCHEMA1_INVALID_CONFIG
           && strstr(err.message, "has no layers, so"),
           "refused: history, but no layers");
}


/* no JSON from its first byte on, so the others are not looked at */

static void
test_gigabytes(void)
{
#if (SIZE_MAX > UINT32_MAX)

    int                 i, rc;
    size_t              entries;
    schema1_str_t       config;
    schema1_buf_t       payload;
    schema1_error_t     err;
    schema1_manifest_t  m;

    memset(&payload, 0, sizeof(schema1_buf_t));

    for (i = 0; i < 2; i++) {
        config = exact_str("x");
        config.len = (size_t) UINT32_MAX + (size_t) i;

        memset(&err, 0, sizeof(schema1_error_t));
        image_manifest(&m, "", "", "", 1);

        rc = schema1_payload_build(&m, config, exact_str("a"), exact_str("b"),
                                   &payload, &entries, &err);

        tap_ok(rc == SCHEMA1_ERROR
               && err.reason == (i ? SCHEMA1_TOO_LARGE
                                   : SCHEMA1_INVALID_CONFIG),
               "a config of %zu bytes is %s", config.len,
               i ? "too large" : "read");
    }

#endif
}


static void
test_many(void)
{
    char             *config;
    size_t            i, n, len, entries;
    schema1_buf_t     payload;
    schema1_error_t   err;

    config = malloc(20 * SCHEMA1_MAX_ITEMS);

    for (n = SCHEMA1_MAX_ITEMS; n <= SCHEMA1_MAX_ITEMS + 1; n++) {
        len = (size_t) sprintf(config, "{\"rootfs\":{\"diff_ids\":[null");

        for (i = 1; i < SCHEMA1_MAX_ITEMS; i++) {
            len += (size_t) sprintf(config + len, ",null");
        }

        len += (size_t) sprintf(config + len, "]},\"history\":[{}");

        for (i = 1; i < n; i++) {
            len += (size_t) sprintf(config + len, ",{}");
        }

        (void) sprintf(config + len, "]}");

        if (n == SCHEMA1_MAX_ITEMS) {
            tap_ok(test_build(config, n, &payload, &entries, &err)
                   == SCHEMA1_OK && entries == n, "10000 entries");

        } else {
            tap_ok(test_build(config, SCHEMA1_MAX_ITEMS, &payload,
                              &entries, &err) == SCHEMA1_ERROR
                   && err.reason == SCHEMA1_TOO_MANY
                   && strstr(err.message, "10000 entries in \"history\""),
                   "10001 are too many");
        }

        schema1_buf_free(&payload);
    }

    free(config);
}


/* a payload that does not fit into the first buffer is written again */

static void
test_escapes(void)
{
    char             *config, *p;
    size_t            n, i, found, entries;
    schema1_buf_t     payload;
    schema1_error_t   err;

    static const char  head[] = "{\"rootfs\":{\"diff_ids\":[null]},\"x\":\"";
    static const char  member[] = "\\\"x\\\":\\\"";
    static const char  escape[] = "\\\\u003c";

    for (n = 1; n < 20000; n = 3 * n + 1) {
        config = malloc(sizeof(head) + n + 2);

        memcpy(config, head, sizeof(head));
        memset(config + sizeof(head) - 1, '<', n);
        memcpy(config + sizeof(head) - 1 + n, "\"}", 3);

        tap_ok(test_build(config, 1, &payload, &entries, &err) == SCHEMA1_OK,
               "a config with %zu characters to escape is converted", n);
        tap_ok(n < 1000 || payload.size == payload.len,
               "%zu escapes: a payload that is written again fits exactly", n);

        schema1_buf_putc(&payload, '\0');

        p = strstr(payload.data, member);
        i = sizeof(member) - 1;

        for (found = 0; p && memcmp(p + i, escape, 7) == 0; found++) {
            i += 7;
        }

        tap_ok(found == n && p
               && strcmp(p + i, "\\\"}\"\n      }\n   ]\n}") == 0,
               "each of %zu characters is escaped once", n);
        tap_ok(strstr(payload.data + 1, "{\n   \"schemaVersion\"") == NULL,
               "a payload with %zu escapes begins once", n);

        schema1_buf_free(&payload);
        free(config);
    }
}


/* each "<" of an architecture takes 13 bytes: there is a longest one */

static void
test_proportion(void)
{
    int              rc;
    bool             good;
    char             config[4096];
    size_t           n, len, size, entries;
    const char      *p;
    schema1_buf_t    payload;
    schema1_error_t  err;

    good = true;

    for (n = 2200; n < 2500; n++) {
        len = (size_t) sprintf(config, "{\"architecture\":\"");
        memset(config + len, '<', n);
        len += n;
        len += (size_t) sprintf(config + len,
                                "\",\"rootfs\":{\"diff_ids\":[null]}}");

        rc = test_build(config, 1, &payload, &entries, &err);

        if (rc != SCHEMA1_OK) {
            break;
        }

        good = good && payload.len / 7 <= len + 1024 * 2;
        schema1_buf_free(&payload);
    }

    p = strstr(err.message, "would be ");
    size = p ? (size_t) strtoul(p + 9, NULL, 10) : 0;

    tap_ok(good && n > 2200 && rc == SCHEMA1_ERROR
           && err.reason == SCHEMA1_TOO_LARGE && size / 7 > len + 1024 * 2
           && payload.len == 0,
           "%zu bytes from a config of %zu are out of proportion", size, len);

    schema1_buf_free(&payload);
}


static void
test_memory(void)
{
    if (!alloc_hooked()) {
        tap_ok(1, "memory # SKIP another allocator is in place");
        return;
    }

    test_memory_of("{\"x\":[", "1,", "]", true);
    test_memory_of("{\"x\":[", "{},", "]", true);
    test_memory_of("{\"x\":0,", "\"\":0,", "\"x\":0", true);
    test_memory_of("{\"x\":0,", "\"1234567\":0,", "\"x\":0", false);
    test_memory_of("{\"x\":\"", "<", "\"", true);
    test_memory_of("{\"x\":\"", "\xff", "\"", true);
    test_memory_of("{\"architecture\":\"", "<", "\"", true);
    test_memory_of("{\"architecture\":\"", "a", "\"", true);
    test_memory_of("{\"", "\xff", "\":0", true);
    test_memory_of("{\"", "\\", "\":0", true);
    test_memory_of("{\"history\":[{\"comment\":\"", "<", "\"},{"
                   "\"empty_layer\":true}],\"x\":0", true);
}


/* a config of 4 MiB: its payload and all else are under 7 times that */

static void
test_memory_of(const char *head, const char *item, const char *tail, bool same)
{
    int                 rc;
    char               *text, *p;
    size_t              i, n, len, rest, entries, before;
    schema1_buf_t       payload;
    schema1_str_t       config;
    schema1_error_t     err;
    schema1_manifest_t  m;

    static const char  end[] = ",\"rootfs\":{\"diff_ids\":[null]}}";

    text = malloc(BIG + 1);
    p = text + sprintf(text, "%s", head);

    len = strlen(item);

    for (n = 0; p < text + BIG - 200; n++) {
        memcpy(p, item, len);

        for (i = 7, rest = n; !same && i > 0; i--, rest /= 10) {
            p[i] = (char) ('0' + rest % 10);
        }

        p += len;
    }

    p -= (p[-1] == ',' && *tail == ']');
    p += sprintf(p, "%s%s", tail, end);

    config.data = text;
    config.len = (size_t) (p - text);

    memset(&payload, 0, sizeof(schema1_buf_t));
    image_manifest(&m, "", "", "", 1);
    alloc_peak = before = alloc_held;

    rc = schema1_payload_build(&m, config, exact_str("a"), exact_str("b"),
                               &payload, &entries, &err);

    tap_ok((rc == SCHEMA1_OK || err.reason == SCHEMA1_TOO_LARGE)
           && alloc_peak - before < 7 * config.len + 8192,
           "memory: %.2f times the config, %.2f of it payload, \"%s\"",
           (double) (alloc_peak - before) / (double) config.len,
           (double) payload.len / (double) config.len, head);

    schema1_buf_free(&payload);
    tap_ok(alloc_held == before, "all memory of a conversion is freed");
    free(text);
}


static void
test_failures(void)
{
    char    many[2048];
    size_t  i, len;

    static const char *const  configs[] = {
        test_config,
        "{\"rootfs\":{\"diff_ids\":[null]}}",
        CONFIG("{},{\"empty_layer\":true}", ",\"rootfs\":{\"base_layer\":"
               "\"x\"}")
    };

    if (!alloc_hooked()) {
        tap_ok(1, "allocations # SKIP another allocator is in place");
        return;
    }

    /* what libcrypto keeps from its first error on */
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
    (void) ERR_peek_error();

    for (i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
        tap_ok(test_fail_each(configs[i]) > 3,
               "each allocation for config %zu fails once", i);
    }

    len = (size_t) sprintf(many, "{\"rootfs\":{\"diff_ids\":[null]}");

    for (i = 0; i < 100; i++) {
        len += (size_t) sprintf(many + len, ",\"%c\":%zu",
                                (char) ('z' - i % 20), i);
    }

    (void) sprintf(many + len, "}");

    tap_ok(test_fail_each(many) > 3,
           "many members are sorted without memory, too");
}


/*
 * How many allocations were seen to fail; 0: one was not, or it leaked.
 * libcrypto and qsort() do without some that they ask for: the result has to
 * be right then.  The first run is for what libcrypto keeps for ever.
 */

static unsigned
test_fail_each(const char *config)
{
    int               rc;
    bool              good;
    size_t            entries, before;
    unsigned          seen;
    unsigned long     n;
    schema1_buf_t     payload, whole;
    schema1_error_t   err;

    if (test_build(config, 1, &whole, &entries, &err) != SCHEMA1_OK) {
        return 0;
    }

    good = true;
    seen = 0;

    for (n = 1; good; n++) {
        before = alloc_held;
        alloc_countdown = n;

        rc = test_build(config, 1, &payload, &entries, &err);

        if (alloc_countdown) {
            alloc_countdown = 0;
            schema1_buf_free(&payload);
            break;
        }

        if (rc == SCHEMA1_OK) {
            good = payload.len == whole.len
                   && memcmp(payload.data, whole.data, whole.len) == 0;

        } else {
            good = err.reason == SCHEMA1_NO_MEMORY && payload.len == 0;
            seen++;
        }

        schema1_buf_free(&payload);
        good = good && alloc_held == before;
    }

    schema1_buf_free(&whole);

    return good ? seen : 0;
}
