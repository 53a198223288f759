
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>

#include "schema1_manifest.h"
#include "alloc.h"
#include "exact.h"
#include "tap.h"


#define DOCKER  "application/vnd.docker.distribution.manifest.v2+json"
#define LIST    "application/vnd.docker.distribution.manifest.list.v2+json"
#define OCI     "application/vnd.oci.image.manifest.v1+json"
#define INDEX   "application/vnd.oci.image.index.v1+json"

#define HEX     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab"
#define A       "sha256:" HEX "aaaa"
#define B       "sha256:" HEX "bbbb"
#define C       "sha256:" HEX "cccc"

#define OCI_CONFIG  "application/vnd.oci.image.config.v1+json"

#define TYPE(type)     "\"mediaType\":\"" type "\""
#define DIGEST(digest) "\"digest\":\"" digest "\""
#define V2             "{\"schemaVersion\":2,"
#define CONFIG         "\"config\":{" DIGEST(A) "},"
#define LAYERS         "\"layers\":[{" DIGEST(B) "}]"

#define ZSTD(value)                                                           \
    "\"annotations\":{\"io.github.containers.compression.zstd\":\"" value "\"}"
#define PLATFORM(os, arch)                                                    \
    "\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"
#define VARIANT(os, arch, variant)                                            \
    "\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\","          \
    "\"variant\":\"" variant "\"}"

#define BIG  (4 * 1024 * 1024)


static void test_tell(void);
static void test_stated(void);
static void test_read(void);
static void test_refused(void);
static void test_merged(void);
static void test_list(void);
static void test_list_platforms(void);
static void test_list_refused(void);
static void test_many(void);
static void test_memory(void);
static void test_failures(void);
static size_t test_fill(char *to, const char *head, const char *item,
    const char *tail, size_t size);
static unsigned long test_fail_each(int list);


int
main(void)
{
    test_tell();
    test_stated();
    test_read();
    test_refused();
    test_merged();
    test_list();
    test_list_platforms();
    test_list_refused();
    test_many();
    test_memory();
    test_failures();

    return tap_done();
}


static void
test_tell(void)
{
    size_t  i;

    static const struct {
        const char      *document;
        schema1_type_e   type;
    } cases[] = {
        { V2 TYPE(DOCKER) "}", SCHEMA1_TYPE_SCHEMA2 },
        { V2 TYPE(LIST) "}", SCHEMA1_TYPE_LIST },
        { V2 TYPE(OCI) "}", SCHEMA1_TYPE_OCI_MANIFEST },
        { V2 TYPE(INDEX) "}", SCHEMA1_TYPE_OCI_INDEX },
        { V2 "\"MediaType\":\"" INDEX "\"}", SCHEMA1_TYPE_OCI_INDEX },
        { V2 "\"media\\u0054ype\":\"" INDEX "\"}", SCHEMA1_TYPE_OCI_INDEX },
        { V2 "\"manifests\":[]}", SCHEMA1_TYPE_OCI_INDEX },
        { V2 CONFIG LAYERS "}", SCHEMA1_TYPE_OCI_MANIFEST },
        { V2 TYPE("application/json") "," CONFIG LAYERS "}",
          SCHEMA1_TYPE_OCI_MANIFEST },
        { V2 "\"mediaType\":null," CONFIG LAYERS "}",
          SCHEMA1_TYPE_OCI_MANIFEST },
        { V2 CONFIG "\"a\":1}", SCHEMA1_TYPE_OTHER },
        { V2 LAYERS "}", SCHEMA1_TYPE_OTHER },
        { V2 "\"manifests\":null}", SCHEMA1_TYPE_OTHER },
        { V2 TYPE("application/x") "," CONFIG LAYERS "}", SCHEMA1_TYPE_OTHER },
        { "{" TYPE(DOCKER) "}", SCHEMA1_TYPE_OTHER },
        { "{\"schemaVersion\":\"2\"," TYPE(DOCKER) "}", SCHEMA1_TYPE_OTHER },
        { "{\"schemaVersion\":3," TYPE(DOCKER) "}", SCHEMA1_TYPE_OTHER },
        { "{\"schemaVersion\":1,\"fsLayers\":[]}", SCHEMA1_TYPE_UNSIGNED },
        { "{\"schemaVersion\":1,\"fsLayers\":[],\"signatures\":[]}",
          SCHEMA1_TYPE_SIGNED },
        { "{\"schemaVersion\":1}", SCHEMA1_TYPE_OTHER },
        { V2 TYPE(DOCKER) "} x", SCHEMA1_TYPE_OTHER },
        { V2 TYPE(DOCKER), SCHEMA1_TYPE_OTHER },
        { "[" V2 TYPE(DOCKER) "}]", SCHEMA1_TYPE_OTHER },
        { "<html>", SCHEMA1_TYPE_OTHER },
        { "null", SCHEMA1_TYPE_OTHER },
        { "", SCHEMA1_TYPE_OTHER }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tap_ok(schema1_manifest_sniff(exact_str(cases[i].document),
                                      SCHEMA1_TYPE_GENERIC)
               == cases[i].type, "told: %s", cases[i].document);
    }
}


static void
test_stated(void)
{
    size_t  i;

    static const struct {
        const char      *document;
        schema1_type_e   stated;
        schema1_type_e   type;
    } cases[] = {
        { V2 TYPE(DOCKER) "}", SCHEMA1_TYPE_SIGNED, SCHEMA1_TYPE_SCHEMA2 },
        { V2 TYPE(OCI) "}", SCHEMA1_TYPE_SIGNED, SCHEMA1_TYPE_OCI_MANIFEST },
        { V2 TYPE(OCI) "}", SCHEMA1_TYPE_SCHEMA2, SCHEMA1_TYPE_OCI_MANIFEST },
        { V2 TYPE(DOCKER) "}", SCHEMA1_TYPE_OCI_MANIFEST,
          SCHEMA1_TYPE_SCHEMA2 },
        { V2 TYPE(OCI) "}", SCHEMA1_TYPE_LIST, SCHEMA1_TYPE_OCI_MANIFEST },
        { V2 TYPE(INDEX) "}", SCHEMA1_TYPE_OCI_MANIFEST,
          SCHEMA1_TYPE_OCI_INDEX },
        { V2 TYPE(OCI) "}", SCHEMA1_TYPE_OTHER, SCHEMA1_TYPE_OTHER },
        { V2 TYPE("application/x") "}", SCHEMA1_TYPE_LIST, SCHEMA1_TYPE_LIST },
        { V2 CONFIG LAYERS "}", SCHEMA1_TYPE_SIGNED,
          SCHEMA1_TYPE_OCI_MANIFEST },
        { V2 CONFIG LAYERS "}", SCHEMA1_TYPE_LIST, SCHEMA1_TYPE_OCI_MANIFEST },
        { V2 CONFIG LAYERS "}", SCHEMA1_TYPE_SCHEMA2, SCHEMA1_TYPE_SCHEMA2 },
        { V2 "\"config\":{\"mediaType\":\"" OCI_CONFIG "\"}," LAYERS "}",
          SCHEMA1_TYPE_SCHEMA2, SCHEMA1_TYPE_OCI_MANIFEST },
        { V2 "\"config\":{\"mediaType\":1}," LAYERS "}",
          SCHEMA1_TYPE_SCHEMA2, SCHEMA1_TYPE_SCHEMA2 },
        { V2 "\"config\":[]," LAYERS "}", SCHEMA1_TYPE_SCHEMA2,
          SCHEMA1_TYPE_SCHEMA2 },
        { V2 "\"config\":null," LAYERS "}", SCHEMA1_TYPE_LIST,
          SCHEMA1_TYPE_LIST },
        { V2 "\"manifests\":[]}", SCHEMA1_TYPE_SCHEMA2,
          SCHEMA1_TYPE_OCI_INDEX },
        { V2 "\"manifests\":[]}", SCHEMA1_TYPE_LIST, SCHEMA1_TYPE_LIST },
        { "{\"schemaVersion\":1,\"fsLayers\":[]}", SCHEMA1_TYPE_SCHEMA2,
          SCHEMA1_TYPE_UNSIGNED },
        { "{\"schemaVersion\":1,\"fsLayers\":[]}", SCHEMA1_TYPE_SIGNED,
          SCHEMA1_TYPE_SIGNED },
        { "{\"schemaVersion\":1}", SCHEMA1_TYPE_UNSIGNED,
          SCHEMA1_TYPE_UNSIGNED },
        { "{\"schemaVersion\":1}", SCHEMA1_TYPE_SCHEMA2,
          SCHEMA1_TYPE_SCHEMA2 },
        { "{\"schemaVersion\":3}", SCHEMA1_TYPE_LIST, SCHEMA1_TYPE_LIST },
        { "{", SCHEMA1_TYPE_OCI_INDEX, SCHEMA1_TYPE_OCI_INDEX }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tap_ok(schema1_manifest_sniff(exact_str(cases[i].document),
                                      cases[i].stated)
               == cases[i].type, "stated as %d: %s", (int) cases[i].stated,
               cases[i].document);
    }
}


static void
test_read(void)
{
    schema1_error_t     err;
    schema1_manifest_t  m;

    memset(&err, 0, sizeof(schema1_error_t));

    tap_ok(schema1_manifest_read(&m, exact_str(
               V2 TYPE(OCI) ",\"artifactType\":\"x\\u002Fy\","
               "\"config\":{\"size\":7," DIGEST(A) ",\"mediaType\":\"c\"},"
               "\"layers\":[{\"size\":-3," DIGEST("\\u0073ha256:" HEX "bbbb")
               "},{" DIGEST(C) "," TYPE("l\xff") ",\"size\":null}],"
               "\"annotations\":{\"a\":\"b\"}}"), &err)
           == SCHEMA1_OK, "a manifest is read");

    tap_ok(m.nlayers == 2, "its layers are counted");
    tap_is(m.config.digest.data, m.config.digest.len, A, "config's digest");
    tap_is(m.config.media_type.data, m.config.media_type.len, "c",
           "config's type");
    tap_ok(m.config.size == 7, "config's size");
    tap_is(m.artifact_type.data, m.artifact_type.len, "x/y", "artifact type");
    tap_is(m.layers[0].digest.data, m.layers[0].digest.len, B,
           "first layer's digest, escaped");
    tap_ok(m.layers[0].size == -3, "first layer's size");
    tap_is(m.layers[0].media_type.data, m.layers[0].media_type.len, "",
           "first layer's type is missing");
    tap_is(m.layers[1].digest.data, m.layers[1].digest.len, C,
           "second layer's digest");
    tap_is(m.layers[1].media_type.data, m.layers[1].media_type.len,
           "l\xef\xbf\xbd", "second layer's type, not UTF-8");
    tap_ok(m.layers[1].size == -1, "second layer's size is missing");
    tap_ok(m.layers[1].media_type.data[m.layers[1].media_type.len] == '\0',
           "strings are terminated");

    schema1_manifest_free(&m);
    tap_ok(m.memory == NULL, "freed");

    tap_ok(schema1_manifest_read(&m, exact_str(V2 CONFIG "\"layers\":null}"),
                                 &err)
           == SCHEMA1_OK && m.nlayers == 0, "a manifest without layers");
    schema1_manifest_free(&m);

    tap_ok(schema1_manifest_read(&m, exact_str(
               V2 TYPE(DOCKER) "," CONFIG LAYERS ",\"annotations\":3,"
               "\"manifests\":[]}"), &err)
           == SCHEMA1_OK && m.nlayers == 1, "members that Docker has not");
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

        rc = schema1_manifest_read(&m, exact_str(cases[i].document), &err);

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

    tap_ok(schema1_manifest_read(&m, exact_str(
               V2 CONFIG "\"layers\":[{" DIGEST(A) ",\"size\":1},{" DIGEST(B)
               "}],\"Layers\":[{\"size\":2}],\"LAYERS\":[null,{\"size\":3}]}"),
               &err)
           == SCHEMA1_OK && m.nlayers == 2 && m.layers[0].size == 2
           && m.layers[1].size == 3, "layers are merged");
    tap_is(m.layers[1].digest.data, m.layers[1].digest.len, B,
           "behind a shorter array");
    schema1_manifest_free(&m);

    tap_ok(schema1_manifest_read(&m, exact_str(
               V2 CONFIG LAYERS ",\"layers\":null,\"layers\":[{}]}"), &err)
           == SCHEMA1_ERROR, "null forgets layers");
    tap_ok(schema1_manifest_read(&m, exact_str(
               V2 CONFIG LAYERS ",\"layers\":[],\"layers\":[{}]}"), &err)
           == SCHEMA1_ERROR, "so does an empty array");
}


static void
test_list(void)
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
          PLATFORM("l\\u0069nux", "amd64") "}", B, SCHEMA1_TYPE_GENERIC }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char  document[2048];

        (void) snprintf(document, sizeof(document),
                        V2 "\"manifests\":[%s]}", cases[i].entries);

        memset(&err, 0, sizeof(schema1_error_t));
        (void) schema1_platform_read(&platform, exact_str(cases[i].platform));

        rc = schema1_list_find(&child, exact_str(document), &platform,
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
                   cases[i].digest, "its digest");
            tap_ok(child.type == cases[i].type, "its type");
            schema1_child_free(&child);
        }
    }

    (void) schema1_list_find(&child, exact_str(
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
test_list_platforms(void)
{
    int                 i, len;
    char                document[8192];
    schema1_child_t     child;
    schema1_error_t     err;
    schema1_platform_t  platform;

    (void) schema1_platform_read(&platform, exact_str("linux/amd64"));

    (void) snprintf(document, sizeof(document), V2 "\"manifests\":["
                    "{" DIGEST(A) "," PLATFORM("linux", "arm64") "},"
                    "{" DIGEST(A) "," PLATFORM("unknown", "unknown") "},"
                    "{" DIGEST(B) "," PLATFORM("linux", "arm") "},"
                    "{" DIGEST(C) "," PLATFORM("linux", "arm64") "}]}");

    memset(&err, 0, sizeof(schema1_error_t));
    (void) schema1_list_find(&child, exact_str(document), &platform, false,
                             &err);

    tap_ok(strstr(err.message, ": there is linux/arm64 linux/arm;") != NULL,
           "each platform is listed once, without attestations");
    tap_ok(strstr(err.message, "unknown") == NULL, "no unknown platform");

    memset(&err, 0, sizeof(schema1_error_t));
    (void) schema1_list_find(&child, exact_str(V2 "\"manifests\":["
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
    (void) schema1_list_find(&child, exact_str(document), &platform, false,
                             &err);

    tap_ok(strstr(err.message, "linux/cpu9") && !strstr(err.message, "cpu59")
           && strstr(err.message, " and others;"),
           "a long list says that it stops");
}


static void
test_list_refused(void)
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

        rc = schema1_list_find(&child, exact_str(cases[i].document), &platform,
                               false, &err);

        tap_ok(rc == SCHEMA1_ERROR && err.reason == cases[i].reason
               && child.memory == NULL, "list refused: %s",
               cases[i].document);
    }
}


/* "size" bytes of head, as many items as fit, tail */

static size_t
test_fill(char *to, const char *head, const char *item, const char *tail,
    size_t size)
{
    size_t  len, n;

    n = strlen(item);
    len = strlen(head);
    memcpy(to, head, len);

    while (len + n + strlen(tail) <= size) {
        memcpy(to + len, item, n);
        len += n;
    }

    len -= (to[len - 1] == ',');
    memcpy(to + len, tail, strlen(tail));

    return len + strlen(tail);
}


static void
test_many(void)
{
    int                 rc;
    char               *text;
    size_t              len;
    schema1_error_t     err;
    schema1_child_t     child;
    schema1_manifest_t  m;
    schema1_platform_t  platform;

    (void) schema1_platform_read(&platform, exact_str("linux/amd64"));

    text = malloc(BIG);

    len = test_fill(text, V2 CONFIG "\"layers\":[", "{" DIGEST(B) "},", "]}",
                    strlen(V2 CONFIG "\"layers\":[]}")
                    + strlen("{" DIGEST(B) "},") * 10000);

    rc = schema1_manifest_read(&m, exact_bytes(text, len), &err);
    tap_ok(rc == SCHEMA1_OK && m.nlayers == SCHEMA1_MAX_LAYERS,
           "10000 layers are read");
    schema1_manifest_free(&m);

    memcpy(text + len - 2, ",{}]}", 5);

    tap_ok(schema1_manifest_read(&m, exact_bytes(text, len + 3), &err)
           == SCHEMA1_ERROR && err.reason == SCHEMA1_TOO_MANY,
           "10001 layers are refused");

    len = test_fill(text, V2 "\"manifests\":[", "{},", "]}", 40000);

    tap_ok(schema1_list_find(&child, exact_bytes(text, len), &platform, false,
                             &err)
           == SCHEMA1_ERROR && err.reason == SCHEMA1_TOO_MANY,
           "too many entries of a list are refused");

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
        str.len = test_fill(text, cases[i].head, cases[i].item, cases[i].tail,
                            BIG);

        alloc_peak = before = alloc_held;

        (void) schema1_manifest_sniff(str, SCHEMA1_TYPE_SCHEMA2);

        if (schema1_manifest_read(&m, str, &err) == SCHEMA1_OK) {
            schema1_manifest_free(&m);
        }

        if (schema1_list_find(&child, str, &platform, false, &err)
            == SCHEMA1_OK)
        {
            schema1_child_free(&child);
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
    if (!alloc_hooked()) {
        tap_ok(1, "allocations # SKIP another allocator is in place");
        return;
    }

    tap_ok(test_fail_each(0) >= 2, "each allocation of a manifest fails once");
    tap_ok(test_fail_each(1) >= 2, "each allocation of a list fails once");
}


/* how many allocations there are, all of which failed; 0: one was not seen */

static unsigned long
test_fail_each(int list)
{
    int                 rc;
    size_t              before;
    schema1_error_t     err;
    schema1_child_t     child;
    unsigned long       n;
    schema1_manifest_t  m;
    schema1_platform_t  platform;

    (void) schema1_platform_read(&platform, exact_str("linux/amd64"));

    for (n = 1; n < 1000; n++) {
        memset(&err, 0, sizeof(schema1_error_t));
        before = alloc_held;
        alloc_countdown = n;

        if (list) {
            rc = schema1_list_find(&child, exact_str(
                     V2 "\"manifests\":[{" DIGEST(A) ","
                     PLATFORM("linux", "amd64") "}]}"), &platform, false,
                     &err);
        } else {
            rc = schema1_manifest_read(&m, exact_str(V2 CONFIG LAYERS "}"),
                                       &err);
        }

        if (alloc_countdown) {
            alloc_countdown = 0;

            if (rc == SCHEMA1_OK && list) {
                schema1_child_free(&child);

            } else if (rc == SCHEMA1_OK) {
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
