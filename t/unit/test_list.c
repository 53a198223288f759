
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>

#include "schema1_list.h"
#include "alloc.h"
#include "exact.h"
#include "manifests.h"
#include "tap.h"


#define ZSTD(value)                                                           \
    "\"annotations\":{\"io.github.containers.compression.zstd\":\"" value "\"}"
#define VARIANT(os, arch, variant)                                            \
    "\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\","          \
    "\"variant\":\"" variant "\"}"


static void test_find(void);
static void test_platforms(void);
static void test_dirty(void);
static void test_refused(void);
static void test_many(void);
static void test_usable(void);
static void test_usable_invalid(void);
static void test_failures(void);
static unsigned long test_fail_each(bool usable);


int
main(void)
{
    test_find();
    test_platforms();
    test_refused();
    test_many();
    test_usable();
    test_usable_invalid();
    test_failures();

    return tap_done();
}


static void
test_find(void)
{
    int                 rc;
    size_t              i;
    schema1_child_t     child;
    schema1_error_t     err;
    schema1_platform_t  platform;

    /* NULL: no child for the platform */

    static const struct {
        const char        *platform;
        bool               nested;
        const char        *entries;
        const char        *digest;
        schema1_type_e     type;
    } cases[] = {
        { "linux/amd64", false,
          "{" DIGEST(A) "," PLATFORM("linux", "arm") "},{" DIGEST(B) ","
          TYPE(DOCKER) "," PLATFORM("linux", "amd64") "}", B,
          SCHEMA1_TYPE_SCHEMA2 },
        { "linux/amd64", false,
          "{" DIGEST(A) "," VARIANT("linux", "amd64", "v2") "},{" DIGEST(B)
          "," PLATFORM("linux", "amd64") "},{" DIGEST(C) ","
          PLATFORM("linux", "amd64") "}", B, SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false,
          "{" DIGEST(A) "," VARIANT("linux", "amd64", "v3") "},{" DIGEST(B)
          "," VARIANT("linux", "amd64", "v2") "}", A, SCHEMA1_TYPE_GENERIC },
        { "linux/arm/v7", false,
          "{" DIGEST(A) "," VARIANT("linux", "arm", "v5") "},{" DIGEST(B)
          "," VARIANT("linux", "arm", "v6") "},{" DIGEST(C) ","
          VARIANT("linux", "arm", "v8") "}", B, SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false,
          "{" DIGEST(A) "," PLATFORM("unknown", "unknown") "},{" DIGEST(B)
          "}", B, SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false,
          "{" DIGEST(A) "},{" DIGEST(B) "," PLATFORM("linux", "arm") "}",
          NULL, SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false,
          "{" DIGEST(A) "," ZSTD("true") "," PLATFORM("linux", "amd64") "},{"
          DIGEST(B) "," PLATFORM("linux", "amd64") "}", B,
          SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false,
          "{" DIGEST(A) "," ZSTD("false") "," PLATFORM("linux", "amd64") "},{"
          DIGEST(B) "," PLATFORM("linux", "amd64") "}", A,
          SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false,
          "{" DIGEST(A) "," VARIANT("linux", "amd64", "v3") "},{" DIGEST(B)
          "," ZSTD("true") "," PLATFORM("linux", "amd64") "}", B,
          SCHEMA1_TYPE_GENERIC },
        { "unknown/unknown", false,
          "{" DIGEST(A) "," PLATFORM("unknown", "unknown") "}", NULL,
          SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false, "", NULL, SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false, "null,{\"platform\":null}", NULL,
          SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false,
          "{" DIGEST(A) "},{" DIGEST(B) "," TYPE(INDEX) "},{" DIGEST(C) ","
          TYPE(INDEX) "}", A, SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false,
          "{" DIGEST(B) "," TYPE(INDEX) "},{" DIGEST(C) "," TYPE(INDEX) "}",
          B, SCHEMA1_TYPE_OCI_INDEX },
        { "linux/amd64", true, "{" DIGEST(B) "," TYPE(INDEX) "}", NULL,
          SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false,
          "{" DIGEST(A) "," TYPE(LIST) "},{" DIGEST(B) "," TYPE(OCI) ","
          PLATFORM("linux", "amd64") "}", B, SCHEMA1_TYPE_OCI_MANIFEST },
        { "linux/amd64", false,
          "{" DIGEST(A) "," TYPE(INDEX) "," PLATFORM("linux", "amd64") "},{"
          DIGEST(B) "," TYPE(OCI) "," PLATFORM("linux", "amd64") "}", A,
          SCHEMA1_TYPE_OCI_INDEX },
        { "linux/amd64", true,
          "{" DIGEST(A) "," TYPE(INDEX) "," PLATFORM("linux", "amd64") "},{"
          DIGEST(B) "," TYPE(OCI) "," PLATFORM("linux", "amd64") "}", B,
          SCHEMA1_TYPE_OCI_MANIFEST },
        { "linux/amd64", false,
          "{" DIGEST(A) "," TYPE(INDEX) "," PLATFORM("linux", "arm") "}",
          NULL, SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false,
          "{" DIGEST(A) "," PLATFORM("Linux", "amd64") "},{" DIGEST(B) ","
          PLATFORM("l\\u0069nux", "amd64") "}", B, SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false, "{" DIGEST(A) "," PLATFORM("", "") "}", A,
          SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false, "{" DIGEST(A) "," PLATFORM("linux", "") "}",
          NULL, SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false, "{" DIGEST(A) "," PLATFORM("x", "") "}",
          NULL, SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false, "{" DIGEST(A) "," PLATFORM("", "x") "}",
          NULL, SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false,
          "{" DIGEST(A) "," PLATFORM("linux", "unknown") "},{" DIGEST(B) "}",
          NULL, SCHEMA1_TYPE_GENERIC },
        { "linux/amd64", false,
          "{" DIGEST(A) ",\"annotations\":{\"x\":\"true\"},"
          PLATFORM("linux", "amd64") "},{" DIGEST(B) ","
          PLATFORM("linux", "amd64") "}", A, SCHEMA1_TYPE_GENERIC }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char  document[2048];

        (void) snprintf(document, sizeof(document),
                        V2 "\"manifests\":[%s]}", cases[i].entries);

        memset(&err, 0, sizeof(schema1_error_t));
        (void) schema1_platform_read(&platform, exact_str(cases[i].platform));

        rc = manifests_find(&child, exact_str(document), &platform,
                            cases[i].nested, &err);

        if (cases[i].digest == NULL) {
            tap_ok(rc == SCHEMA1_ERROR && err.reason == SCHEMA1_NO_PLATFORM
                   && strcmp(err.platform, cases[i].platform) == 0
                   && strstr(err.message, cases[i].platform),
                   "no child in list %zu", i);
            continue;
        }

        if (tap_ok(rc == SCHEMA1_OK, "a child in list %zu", i)) {
            tap_is(child.descriptor.digest.data, child.descriptor.digest.len,
                   cases[i].digest, "the child has its digest");
            tap_ok(child.type == cases[i].type, "the child has its type");
            schema1_list_child_free(&child);
        }
    }

    (void) manifests_find(&child, exact_str(
               V2 "\"manifests\":[{" PLATFORM("linux", "arm") "},{"
               VARIANT("linux", "arm64", "v8") "}]}"), &platform, false, &err);
    tap_ok(strstr(err.message, "linux/arm linux/arm64/v8") != NULL,
           "the platforms that there are are named: %s", err.message);
}


/*
 * "The message lists each available platform once, without attestations, and
 * says so if it had to stop before the end."
 */

static void
test_platforms(void)
{
    int                     i, len;
    char                    document[8192];
    schema1_child_t         child;
    schema1_error_t         err;
    schema1_platform_t      platform;
    schema1_raw_manifest_t  raw;

    (void) schema1_platform_read(&platform, exact_str("linux/amd64"));

    (void) snprintf(document, sizeof(document), V2 "\"manifests\":["
                    "{" DIGEST(A) "," PLATFORM("linux", "arm64") "},"
                    "{" DIGEST(A) "," PLATFORM("unknown", "unknown") "},"
                    "{" DIGEST(B) "," PLATFORM("linux", "arm") "},"
                    "{" DIGEST(B) "," PLATFORM("", "mips") "},"
                    "{" DIGEST(B) "," PLATFORM("plan9", "") "},"
                    "{" DIGEST(B) "," PLATFORM("z", "b") "},"
                    "{" DIGEST(C) "," PLATFORM("linux", "arm64") "}]}");

    memset(&err, 0, sizeof(schema1_error_t));
    (void) manifests_find(&child, exact_str(document), &platform, false,
                          &err);

    tap_ok(strstr(err.message, ": there is linux/arm64 linux/arm z/b;")
           != NULL,
           "each platform is listed once, without attestations and parts");
    tap_ok(strstr(err.message, "unknown") == NULL, "no unknown platform");

    memset(&err, 0, sizeof(schema1_error_t));
    (void) manifests_find(&child, exact_str(V2 "\"manifests\":["
                             "{" TYPE(INDEX) "," DIGEST(A) "}]}"), &platform,
                          true, &err);

    tap_ok(strstr(err.message, "is for linux/amd64; build") != NULL,
           "a list without platforms has none in its message");

    len = snprintf(document, sizeof(document), V2 "\"manifests\":[");

    for (i = 0; i < 60; i++) {
        len += snprintf(document + len, sizeof(document) - (size_t) len,
                        "%s{\"platform\":{\"os\":\"linux\","
                        "\"architecture\":\"cpu%d\"}}", i ? "," : "", i);
    }

    (void) snprintf(document + len, sizeof(document) - (size_t) len, "]}");

    memset(&err, 0, sizeof(schema1_error_t));
    (void) manifests_find(&child, exact_str(document), &platform, false,
                          &err);

    tap_ok(strstr(err.message, "linux/cpu9") && !strstr(err.message, "cpu59")
           && strstr(err.message, " and others;"),
           "a long list's message says that it stops");

    (void) snprintf(document, sizeof(document), V2 "\"manifests\":["
                    "{" DIGEST(A) "," PLATFORM("linux", "a%036d") "},"
                    "{" DIGEST(B) "," PLATFORM("linux", "b%037d") "}]}", 0, 0);

    memset(&err, 0, sizeof(schema1_error_t));
    (void) manifests_find(&child, exact_str(document), &platform, false,
                          &err);

    tap_ok(strstr(err.message, "linux/a00") && !strstr(err.message, "linux/b"),
           "a platform's names are listed up to 37 characters");

    for (i = 5; i <= 6; i++) {
        (void) snprintf(document, sizeof(document), V2 "\"manifests\":["
                        "{" PLATFORM("linux", "a%036d") "},"
                        "{" PLATFORM("linux", "b%036d") "},"
                        "{" PLATFORM("linux", "c%036d") "},"
                        "{" PLATFORM("linux", "d%036d") "},"
                        "{" PLATFORM("linux", "%0*d") "}]}", 0, 0, 0, 0, i, 0);

        memset(&err, 0, sizeof(schema1_error_t));
        (void) manifests_find(&child, exact_str(document), &platform, false,
                              &err);

        tap_ok((strstr(err.message, " linux/00000;") != NULL) == (i == 5)
               && (strstr(err.message, " and others;") != NULL) == (i == 6),
               "a list of %d bytes %s", 195 + i, i == 5 ? "fits" : "does not");
    }

    (void) schema1_raw_manifest_read(&raw, exact_str(V2 "\"manifests\":["
                                         "{" PLATFORM("linux", "arm") "},"
                                         "{" PLATFORM("linux", "mips") "}]}"),
                                     &err);

    test_dirty();
    (void) schema1_list_find(&child, &raw, &platform, false, &err);
    schema1_raw_manifest_free(&raw);

    tap_ok(strstr(err.message, ": there is linux/arm linux/mips;") != NULL,
           "platforms are listed whatever was on the stack");
}


/* so that bytes of the stack that were not set look like platforms */

static __attribute__((noinline)) void
test_dirty(void)
{
    size_t         i;
    volatile char  stack[16384];

    for (i = 0; i < sizeof(stack); i++) {
        stack[i] = " linux/arm linux/mips"[i % 21];
    }
}


static void
test_refused(void)
{
    int                 rc;
    size_t              i;
    schema1_child_t     child;
    schema1_error_t     err;
    schema1_platform_t  platform;

    static const struct {
        const char        *document;
        schema1_reason_e   reason;
    } cases[] = {
        { "{", SCHEMA1_INVALID_MANIFEST },
        { "[]", SCHEMA1_INVALID_MANIFEST },
        { "{\"manifests\":[]}", SCHEMA1_INVALID_MANIFEST },
        { V2 TYPE(DOCKER) ",\"manifests\":[]}", SCHEMA1_INVALID_MANIFEST },
        { V2 "\"manifests\":{}}", SCHEMA1_INVALID_MANIFEST },
        { V2 "\"manifests\":[1]}", SCHEMA1_INVALID_MANIFEST },
        { V2 "\"manifests\":[{\"platform\":[]}]}", SCHEMA1_INVALID_MANIFEST },
        { V2 "\"manifests\":[{\"platform\":{\"os\":1}}]}",
          SCHEMA1_INVALID_MANIFEST },
        { V2 "\"manifests\":[{\"platform\":{\"features\":1}}]}",
          SCHEMA1_INVALID_MANIFEST },
        { V2 "\"manifests\":[],\"config\":{}}", SCHEMA1_INVALID_MANIFEST },
        { V2 TYPE(INDEX) ",\"manifests\":[],\"layers\":[]}",
          SCHEMA1_INVALID_MANIFEST },
        { V2 TYPE(LIST) ",\"manifests\":[],\"layers\":[]}",
          SCHEMA1_NO_PLATFORM },
        { V2 "\"manifests\":[{" PLATFORM("linux", "amd64") "}]}",
          SCHEMA1_INVALID_MANIFEST },
        { V2 "\"manifests\":[{" DIGEST("sha256:0") ","
          PLATFORM("linux", "amd64") "}]}", SCHEMA1_INVALID_MANIFEST },
        { V2 "\"manifests\":[{" DIGEST("sha3:00") ","
          PLATFORM("linux", "amd64") "}]}", SCHEMA1_DIGEST_UNSUPPORTED },
        { V2 "\"manifests\":[{" DIGEST("sha256:0") ","
          PLATFORM("linux", "arm") "}]}", SCHEMA1_NO_PLATFORM }
    };

    (void) schema1_platform_read(&platform, exact_str("linux/amd64"));

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&err, 0, sizeof(schema1_error_t));

        rc = manifests_find(&child, exact_str(cases[i].document), &platform,
                            false, &err);

        tap_ok(rc == SCHEMA1_ERROR && err.reason == cases[i].reason
               && child.memory == NULL, "list refused: %s",
               cases[i].document);
    }

    (void) manifests_find(&child, exact_str(
               V2 "\"manifests\":[1],\"manifests\":{}}"), &platform, false,
               &err);
    tap_ok(strstr(err.message, "is not an array of objects;") != NULL,
           "the first bad value is named: %s", err.message);

    memset(&err, 0, sizeof(schema1_error_t));
    (void) manifests_find(&child, exact_str(
               V2 "\"manifests\":[{" TYPE(OCI) "," DIGEST("sha3:00") ","
               PLATFORM("linux", "amd64") "}]}"), &platform, false, &err);
    tap_ok(strcmp(err.media_type, OCI) == 0,
           "the type of an entry with a bad digest is noted");
}


static void
test_many(void)
{
    char                *text;
    size_t               len;
    schema1_error_t      err;
    schema1_child_t      child;
    schema1_platform_t   platform;

    (void) schema1_platform_read(&platform, exact_str("linux/amd64"));

    text = malloc(BIG);

    len = manifests_fill(text, V2 "\"manifests\":[", "{},", "]}", 40000);

    tap_ok(manifests_find(&child, exact_bytes(text, len), &platform, false,
                          &err)
           == SCHEMA1_ERROR && err.reason == SCHEMA1_TOO_MANY,
           "too many entries of a list are refused");

    free(text);
}


/*
 * "The client does not name the type of any of the images in the list,
 * attestations aside", or of the image for its platform.
 */

static void
test_usable(void)
{
    int                  rc;
    bool                 usable;
    size_t               i;
    schema1_str_t        line;
    schema1_error_t      err;
    schema1_accept_t     accept;
    schema1_platform_t   platform;

#define AMD64    "," PLATFORM("linux", "amd64") "}"
#define ARM64    "," PLATFORM("linux", "arm64") "}"
#define UNKNOWN  "," PLATFORM("unknown", "unknown") "}"
#define ENTRY(type)  "{" TYPE(type) "," DIGEST(A)

    static const struct {
        const char  *accept;
        const char  *entries;
        bool         any;           /* for any platform */
        bool         own;           /* for linux/amd64 */
    } cases[] = {
        { DOCKER "," LIST, ENTRY(DOCKER) AMD64, true, true },
        { DOCKER "," LIST, ENTRY(OCI) AMD64, false, false },
        { LIST "," V1, ENTRY(DOCKER) AMD64, false, false },
        { OCI "," LIST "," V1, ENTRY(DOCKER) AMD64, false, false },
        { DOCKER "," LIST, ENTRY(OCI) AMD64 "," ENTRY(DOCKER) ARM64, true,
          false },
        { DOCKER "," LIST, ENTRY(DOCKER) AMD64 "," ENTRY(OCI) ARM64, true,
          true },
        { DOCKER "," LIST, ENTRY(DOCKER) ARM64, true, true },
        { DOCKER "," LIST, ENTRY(OCI) ARM64, false, false },

        /* attestations and artifacts are no images */
        { OCI "," LIST "," V1, ENTRY(DOCKER) AMD64 "," ENTRY(OCI) UNKNOWN,
          false, false },
        { DOCKER "," LIST, ENTRY(OCI) UNKNOWN, true, true },
        { DOCKER "," LIST, ENTRY("application/vnd.x") AMD64, true, true },
        { DOCKER "," LIST, ENTRY("application/vnd.x") ARM64 ","
          ENTRY(OCI) AMD64, false, false },

        /* what only the document determines */
        { DOCKER "," LIST, "{" DIGEST(A) AMD64, true, true },
        { DOCKER "," LIST, ENTRY("application/json") AMD64, true, true },
        { DOCKER "," LIST, ENTRY(INDEX) AMD64, false, false },
        { DOCKER "," LIST, ENTRY(LIST) AMD64, true, true },
        { DOCKER "," LIST, ENTRY(INDEX) AMD64 "," ENTRY(DOCKER) ARM64, true,
          false },

        { DOCKER "," LIST, ENTRY(V1) AMD64, false, false },
        { DOCKER "," LIST ",application/json", ENTRY(V1) AMD64, true, true },
        { DOCKER "," LIST, "", true, true },
        { DOCKER "," LIST, "1", true, true }
    };

    (void) schema1_platform_read(&platform, exact_str("linux/amd64"));

    for (i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        char  document[1000];

        line = exact_str(cases[i / 2].accept);
        schema1_accept_read(&accept, &line, 1);

        (void) snprintf(document, sizeof(document),
                        V2 TYPE(LIST) ",\"manifests\":[%s]}",
                        cases[i / 2].entries);

        memset(&err, 0, sizeof(schema1_error_t));
        usable = (i & 1) ? !cases[i / 2].own : !cases[i / 2].any;

        rc = manifests_usable(&usable, exact_str(document), &accept,
                              (i & 1) ? &platform : NULL, &err);

        tap_ok(rc == SCHEMA1_OK && err.reason == SCHEMA1_NO_REASON
               && usable == ((i & 1) ? cases[i / 2].own : cases[i / 2].any),
               "%s: %s%s", cases[i / 2].accept, cases[i / 2].entries,
               (i & 1) ? ", own platform" : "");
    }
}


/* a list that the module cannot convert is the client's to judge */

static void
test_usable_invalid(void)
{
    int               rc;
    bool              usable;
    size_t            i;
    schema1_str_t     line;
    schema1_error_t   err;
    schema1_accept_t  accept;

    static const char *const  documents[] = {
        V2 TYPE(DOCKER) ",\"manifests\":[" ENTRY(OCI) AMD64 "]}",
        "{\"schemaVersion\":1," TYPE(LIST) ",\"manifests\":[" ENTRY(OCI)
        AMD64 "]}"
    };

    line = exact_str(DOCKER "," LIST);
    schema1_accept_read(&accept, &line, 1);

    for (i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        memset(&err, 0, sizeof(schema1_error_t));
        usable = false;

        rc = manifests_usable(&usable, exact_str(documents[i]), &accept, NULL,
                              &err);

        tap_ok(rc == SCHEMA1_OK && err.reason == SCHEMA1_NO_REASON && usable,
               "an invalid list that the client accepts is usable: %s",
               documents[i]);
    }
}


static void
test_failures(void)
{
    if (!alloc_hooked()) {
        tap_ok(1, "allocations # SKIP another allocator is in place");
        return;
    }

    tap_ok(test_fail_each(false) >= 2,
           "each allocation of a list fails once");
    tap_ok(test_fail_each(true) >= 1,
           "each allocation of an accepted list fails once");
}


/* how many allocations there are, all of which failed; 0: one was not seen */

static unsigned long
test_fail_each(bool usable)
{
    int                 rc;
    bool                result;
    size_t              before;
    schema1_str_t       document;
    schema1_error_t     err;
    schema1_child_t     child;
    unsigned long       n;
    schema1_accept_t    accept;
    schema1_platform_t  platform;

    memset(&accept, 0, sizeof(schema1_accept_t));
    document = exact_str(V2 "\"manifests\":[{" DIGEST(A) ","
                         PLATFORM("linux", "amd64") "}]}");

    (void) schema1_platform_read(&platform, exact_str("linux/amd64"));

    for (n = 1; n < 1000; n++) {
        memset(&err, 0, sizeof(schema1_error_t));
        before = alloc_held;
        alloc_countdown = n;

        rc = usable ? manifests_usable(&result, document, &accept,
                                       &platform, &err)
                    : manifests_find(&child, document, &platform, false,
                                     &err);

        if (alloc_countdown) {
            alloc_countdown = 0;

            if (rc == SCHEMA1_OK && !usable) {
                schema1_list_child_free(&child);
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
