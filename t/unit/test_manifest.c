
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>

#include "schema1_list.h"
#include "schema1_manifest.h"
#include "schema1_sniff.h"
#include "alloc.h"
#include "exact.h"
#include "manifests.h"
#include "tap.h"


static void test_read(void);
static void test_refused(void);
static void test_merged(void);
static void test_many(void);
static void test_memory(void);
static void test_failures(void);
static unsigned long test_fail_each(void);


int
main(void)
{
    test_read();
    test_refused();
    test_merged();
    test_many();
    test_memory();
    test_failures();

    return tap_done();
}


static void
test_read(void)
{
    schema1_error_t     err;
    schema1_manifest_t  m;

    memset(&err, 0, sizeof(schema1_error_t));

    tap_ok(manifests_read(&m, exact_str(
               V2 TYPE(OCI) ",\"artifactType\":\"x\\u002Fy\","
               "\"config\":{\"size\":7," DIGEST(A) ",\"mediaType\":\"c\"},"
               "\"layers\":[{\"size\":-3," DIGEST("\\u0073ha256:" HEX "bbbb")
               "},{" DIGEST(C) "," TYPE("l\xff") ",\"size\":null}],"
               "\"annotations\":{\"a\":\"b\"}}"), &err)
           == SCHEMA1_OK, "a manifest is read");

    tap_ok(m.nlayers == 2, "a manifest's layers are counted");
    tap_is(m.config.digest.data, m.config.digest.len, A,
           "the config has its digest");
    tap_is(m.config.media_type.data, m.config.media_type.len, "c",
           "the config has its type");
    tap_ok(m.config.size == 7, "the config has its size");
    tap_is(m.artifact_type.data, m.artifact_type.len, "x/y",
           "a manifest has its artifact type");
    tap_is(m.layers[0].digest.data, m.layers[0].digest.len, B,
           "an escaped digest is decoded");
    tap_ok(m.layers[0].size == -3, "a negative size is read");
    tap_is(m.layers[0].media_type.data, m.layers[0].media_type.len, "",
           "a missing type is empty");
    tap_is(m.layers[1].digest.data, m.layers[1].digest.len, C,
           "the second layer has its digest");
    tap_is(m.layers[1].media_type.data, m.layers[1].media_type.len,
           "l\xef\xbf\xbd", "a type that is not UTF-8 has replacements");
    tap_ok(m.layers[1].size == -1, "a missing size is -1");
    tap_ok(m.layers[1].media_type.data[m.layers[1].media_type.len] == '\0',
           "a manifest's strings are terminated");

    schema1_manifest_free(&m);
    tap_ok(m.memory == NULL, "a manifest's memory is freed");

    tap_ok(manifests_read(&m, exact_str(V2 CONFIG "\"layers\":null}"),
                                 &err)
           == SCHEMA1_OK && m.nlayers == 0,
           "a manifest without layers is read");
    schema1_manifest_free(&m);

    tap_ok(manifests_read(&m, exact_str(
               V2 TYPE(DOCKER) "," CONFIG LAYERS ",\"annotations\":3,"
               "\"manifests\":[]}"), &err)
           == SCHEMA1_OK && m.nlayers == 1,
           "members that Docker does not know are ignored");
    schema1_manifest_free(&m);
}


static void
test_refused(void)
{
    int                 rc;
    size_t              i;
    schema1_error_t     err;
    schema1_manifest_t  m;

    static const struct {
        const char        *document;
        schema1_reason_e   reason;
        const char        *message;
    } cases[] = {
        { "", SCHEMA1_INVALID_MANIFEST, "too early" },
        { V2 CONFIG LAYERS, SCHEMA1_INVALID_MANIFEST, "too early" },
        { V2 CONFIG LAYERS ",}", SCHEMA1_INVALID_MANIFEST, "byte" },
        { "[]", SCHEMA1_INVALID_MANIFEST, "object" },
        { "null", SCHEMA1_INVALID_MANIFEST, "object" },
        { "{" CONFIG LAYERS "}", SCHEMA1_INVALID_MANIFEST, "schemaVersion" },
        { "{\"schemaVersion\":1," CONFIG LAYERS "}", SCHEMA1_INVALID_MANIFEST,
          "schemaVersion" },
        { "{\"schemaVersion\":2.0," CONFIG LAYERS "}",
          SCHEMA1_INVALID_MANIFEST, "schemaVersion" },
        { "{\"schemaVersion\":\"2\",\"schemaVersion\":2," CONFIG LAYERS "}",
          SCHEMA1_INVALID_MANIFEST, "schemaVersion" },
        { V2 TYPE(LIST) "," CONFIG LAYERS "}", SCHEMA1_INVALID_MANIFEST,
          LIST },
        { V2 "\"mediaType\":1," CONFIG LAYERS "}", SCHEMA1_INVALID_MANIFEST,
          "mediaType" },
        { V2 CONFIG LAYERS ",\"manifests\":[]}", SCHEMA1_INVALID_MANIFEST,
          "manifests" },
        { V2 CONFIG LAYERS ",\"annotations\":{\"a\":1}}",
          SCHEMA1_INVALID_MANIFEST, "annotations" },
        { V2 "\"config\":[]," LAYERS "}", SCHEMA1_INVALID_MANIFEST, "config" },
        { V2 CONFIG "\"layers\":{}}", SCHEMA1_INVALID_MANIFEST, "layers" },
        { V2 CONFIG "\"layers\":[1]}", SCHEMA1_INVALID_MANIFEST, "layers" },
        { V2 CONFIG "\"layers\":[null]}", SCHEMA1_INVALID_MANIFEST,
          "layer 1" },
        { V2 CONFIG "\"layers\":[{" DIGEST(B) "},{" DIGEST("md5:00") "}]}",
          SCHEMA1_INVALID_MANIFEST, "layer 2" },
        { V2 CONFIG "\"layers\":[{" DIGEST(B) ",\"size\":1.5}]}",
          SCHEMA1_INVALID_MANIFEST, "size" },
        { V2 CONFIG "\"layers\":[{" DIGEST(B) ",\"urls\":[1]}]}",
          SCHEMA1_INVALID_MANIFEST, "urls" },
        { V2 CONFIG "\"layers\":[{" DIGEST(B) ",\"platform\":{\"os\":1}}]}",
          SCHEMA1_INVALID_MANIFEST, "os" },
        { V2 LAYERS "}", SCHEMA1_INVALID_MANIFEST, "has no config, or" },
        { V2 "\"config\":null," LAYERS "}", SCHEMA1_INVALID_MANIFEST,
          "has no config, or" },
        { V2 "\"config\":{}," LAYERS "}", SCHEMA1_INVALID_MANIFEST,
          "or one without a digest" },
        { V2 "\"config\":{" DIGEST("sha256:00") "}," LAYERS "}",
          SCHEMA1_INVALID_MANIFEST, "sha256:00" },
        { V2 "\"config\":{" DIGEST("a+b:Z=_-") "}," LAYERS "}",
          SCHEMA1_DIGEST_UNSUPPORTED, "a+b:Z" },
        { V2 "\"config\":{" DIGEST("a++b:00") "}," LAYERS "}",
          SCHEMA1_INVALID_MANIFEST, "a++b" },
        { V2 "\"config\":{" DIGEST("ab:") "}," LAYERS "}",
          SCHEMA1_INVALID_MANIFEST, "ab:" },
        { V2 "\"config\":{" DIGEST("ab:0/") "}," LAYERS "}",
          SCHEMA1_INVALID_MANIFEST, "ab:0/" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&err, 0, sizeof(schema1_error_t));

        rc = manifests_read(&m, exact_str(cases[i].document), &err);

        tap_ok(rc == SCHEMA1_ERROR && err.reason == cases[i].reason
               && strstr(err.message, cases[i].message) && m.memory == NULL,
               "refused: %s", cases[i].document);
    }
}


/* a second array is decoded over the first, as Go does */

static void
test_merged(void)
{
    schema1_error_t     err;
    schema1_manifest_t  m;

    memset(&err, 0, sizeof(schema1_error_t));

    tap_ok(manifests_read(&m, exact_str(
               V2 CONFIG "\"layers\":[{" DIGEST(A) ",\"size\":1},{" DIGEST(B)
               "}],\"Layers\":[{\"size\":2}],\"LAYERS\":[null,{\"size\":3}]}"),
               &err)
           == SCHEMA1_OK && m.nlayers == 2 && m.layers[0].size == 2
           && m.layers[1].size == 3, "repeated layers are merged");
    tap_is(m.layers[1].digest.data, m.layers[1].digest.len, B,
           "layers behind a shorter array are kept");
    schema1_manifest_free(&m);

    tap_ok(manifests_read(&m, exact_str(
               V2 CONFIG LAYERS ",\"layers\":null,\"layers\":[{}]}"), &err)
           == SCHEMA1_ERROR, "null removes earlier layers");
    tap_ok(manifests_read(&m, exact_str(
               V2 CONFIG LAYERS ",\"layers\":[],\"layers\":[{}]}"), &err)
           == SCHEMA1_ERROR, "an empty array removes earlier layers");
}


static void
test_many(void)
{
    int                 rc;
    char               *text;
    size_t              len;
    schema1_error_t     err;
    schema1_manifest_t  m;

    text = malloc(BIG);

    len = manifests_fill(text, V2 CONFIG "\"layers\":[", "{" DIGEST(B) "},",
                         "]}",
                         strlen(V2 CONFIG "\"layers\":[]}")
                         + strlen("{" DIGEST(B) "},") * 10000);

    rc = manifests_read(&m, exact_bytes(text, len), &err);
    tap_ok(rc == SCHEMA1_OK && m.nlayers == SCHEMA1_MAX_ITEMS,
           "10000 layers are read");
    schema1_manifest_free(&m);

    memcpy(text + len - 2, ",{}]}", 5);

    tap_ok(manifests_read(&m, exact_bytes(text, len + 3), &err)
           == SCHEMA1_ERROR && err.reason == SCHEMA1_TOO_MANY,
           "10001 layers are refused");

    free(text);
}


/* whatever it holds, less than 8 times the document with the document */

static void
test_memory(void)
{
    char               *text;
    size_t              i, before;
    schema1_str_t       str;
    schema1_error_t     err;
    schema1_child_t     child;
    schema1_manifest_t  m;
    schema1_platform_t  platform;

    static const struct {
        const char  *head;
        const char  *item;
        const char  *tail;
    } cases[] = {
        { V2 CONFIG LAYERS ",\"x\":[", "1,", "]}" },
        { V2 CONFIG LAYERS ",\"x\":[", "{},", "]}" },
        { V2 CONFIG LAYERS ",\"y\":0,", "\"\":0,", "}" },
        { V2 CONFIG "\"layers\":[", "{},", "]}" },
        { V2 CONFIG LAYERS ",\"artifactType\":\"", "\xff", "\"}" },
        { V2 "\"layers\":[{" DIGEST(B) "}],\"config\":{" DIGEST(A)
          ",\"mediaType\":\"", "\xff", "\"}}" },
        { V2 "\"manifests\":[", "{" DIGEST(A) ","
          PLATFORM("linux", "amd64") "},", "]}" },
        { V2 "\"manifests\":[{" DIGEST(A) ","
          "\"platform\":{\"architecture\":\"amd64\",\"os\":\"", "\xff",
          "\"}}]}" },
        { "", "[", "" },
        { "", "{\"\":", "" }
    };

    if (!alloc_hooked()) {
        tap_ok(1, "memory # SKIP another allocator is in place");
        return;
    }

    (void) schema1_platform_read(&platform, exact_str("linux/amd64"));

    text = malloc(BIG);
    str.data = text;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        str.len = manifests_fill(text, cases[i].head, cases[i].item,
                                 cases[i].tail, BIG);

        alloc_peak = before = alloc_held;

        (void) manifests_sniff(str, SCHEMA1_TYPE_SCHEMA2);

        if (manifests_read(&m, str, &err) == SCHEMA1_OK) {
            schema1_manifest_free(&m);
        }

        if (manifests_find(&child, str, &platform, false, &err)
            == SCHEMA1_OK)
        {
            schema1_list_child_free(&child);
        }

        tap_ok(alloc_peak - before < 7 * str.len && alloc_held == before,
               "memory: %.2f times document %zu",
               1 + (double) (alloc_peak - before) / (double) str.len, i);
    }

    free(text);
}


static void
test_failures(void)
{
    int                     rc;
    schema1_error_t         err;
    schema1_raw_manifest_t  raw, zeros;

    if (!alloc_hooked()) {
        tap_ok(1, "allocations # SKIP another allocator is in place");
        return;
    }

    tap_ok(test_fail_each() >= 3, "each allocation of a manifest fails once");

    memset(&zeros, 0, sizeof(schema1_raw_manifest_t));
    memset(&raw, 0xff, sizeof(schema1_raw_manifest_t));

    alloc_countdown = 1;
    rc = schema1_raw_manifest_read(&raw, exact_str(V2 CONFIG LAYERS "}"), &err);
    alloc_countdown = 0;

    tap_ok(rc == SCHEMA1_ERROR
           && memcmp(&raw, &zeros, sizeof(schema1_raw_manifest_t)) == 0,
           "without memory, nothing is left of what was read");
}


/* how many allocations there are, all of which failed; 0: one was not seen */

static unsigned long
test_fail_each(void)
{
    int                 rc;
    size_t              before;
    schema1_error_t     err;
    unsigned long       n;
    schema1_manifest_t  m;

    for (n = 1; n < 1000; n++) {
        memset(&err, 0, sizeof(schema1_error_t));
        before = alloc_held;
        alloc_countdown = n;

        rc = manifests_read(&m, exact_str(V2 TYPE(DOCKER) "," CONFIG LAYERS
                                          ",\"manifests\":[{}]}"), &err);

        if (alloc_countdown) {
            alloc_countdown = 0;

            if (rc == SCHEMA1_OK) {
                schema1_manifest_free(&m);
            }

            return rc == SCHEMA1_OK && alloc_held == before ? n - 1 : 0;
        }

        if (rc != SCHEMA1_ERROR || err.reason != SCHEMA1_NO_MEMORY
            || alloc_held != before)
        {
            return 0;
        }
    }

    return 0;
}
