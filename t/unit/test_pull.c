
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "schema1_jws.h"
#include "schema1_pull.h"
#include "alloc.h"
#include "keys.h"
#include "dirty.h"
#include "exact.h"
#include "tap.h"


#define V1S  "application/vnd.docker.distribution.manifest.v1+prettyjws"
#define V1   "application/vnd.docker.distribution.manifest.v1+json"
#define V2   "application/vnd.docker.distribution.manifest.v2+json"
#define DL   "application/vnd.docker.distribution.manifest.list.v2+json"
#define OM   "application/vnd.oci.image.manifest.v1+json"
#define OI   "application/vnd.oci.image.index.v1+json"

#define DOCKER_10  V2 ", " DL ", " V1S ", application/json"

#define LAYER                                                                 \
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define CONFIG                                                                \
    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":"      \
    "\"layers\",\"diff_ids\":[\"" LAYER "\"]},\"history\":[{\"created\":"     \
    "\"2020-01-02T03:04:05Z\"}]}"

#define IMAGE(type, config_type, layer_type)                                  \
    "{\"schemaVersion\":2,\"mediaType\":\"" type "\",\"config\":{"            \
    "\"mediaType\":\"" config_type "\",\"digest\":\"%s\",\"size\":%s},"       \
    "\"layers\":[{\"mediaType\":\"" layer_type "\",\"digest\":\"" LAYER       \
    "\",\"size\":9}]}"

#define DOCKER                                                                \
    IMAGE(V2, "application/vnd.docker.container.image.v1+json",               \
          "application/vnd.docker.image.rootfs.diff.tar.gzip")
#define OCI                                                                   \
    IMAGE(OM, "application/vnd.oci.image.config.v1+json",                     \
          "application/vnd.oci.image.layer.v1.tar+gzip")
#define CHART_TYPE  "application/vnd.cncf.helm.config.v1+json"
#define CHART                                                                 \
    IMAGE(OM, CHART_TYPE,                                                     \
          "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
#define FOREIGN                                                               \
    IMAGE(V2, "application/vnd.docker.container.image.v1+json",               \
          "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")

#define LIST(type, child, platform)                                           \
    "{\"schemaVersion\":2,\"mediaType\":\"" type "\",\"manifests\":[{"        \
    "\"mediaType\":\"" child "\",\"digest\":\"%s\",\"size\":%s" platform "}]}"
#define AMD64                                                                 \
    ",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}"

/* LibreSSL 4.3 loses a BIGNUM and its words if its ECDSA runs out of memory */

#ifdef LIBRESSL_VERSION_NUMBER
#define TEST_LEAK  64
#else
#define TEST_LEAK  0
#endif

#define UNSIGNED  "{\n   \"schemaVersion\": 1,\n   \"fsLayers\": []\n}"


#define TEST_STORE_MAX  16
#define TEST_DOC_MAX    4096


/* what the registry holds; the last one is the tag's */

typedef struct {
    char                  digest[SCHEMA1_DIGEST_MAX + 1];
    char                  body[TEST_DOC_MAX];
    size_t                len;
    const char           *type;
    const char           *sent;         /* the body as the pull received it */
} test_doc_t;


typedef struct {
    schema1_pull_step_e   step;
    schema1_error_t       err;
    schema1_answer_t      answer;
    char                  source_digest[80];
    char                  digest[160];
    char                  body[TEST_DOC_MAX * 2];
    unsigned              fetches;
} test_result_t;


static test_doc_t *test_store(const char *type, const char *body);
static test_doc_t *test_link(const char *type, const char *format,
    const test_doc_t *child);
static schema1_str_t test_sent(test_doc_t *doc);
static void test_run(const char *accept, const char *platform, bool digest);
static void test_keep_answer(const schema1_answer_t *answer);
static void test_keep(char *to, schema1_str_t digest);
static bool test_failed(schema1_reason_e reason);
static bool test_made(schema1_type_e type);
static bool test_as_is(const test_doc_t *doc);
static void test_schema1(void);
static void test_schema2(void);
static void test_passes(void);
static void test_children(void);
static void test_accepted_lists(void);
static void test_child_types(void);
static void test_nested(void);
static void test_signed_child(void);
static void test_verified(void);
static void test_unproven(void);
static void test_refused(void);
static void test_platforms(void);
static void test_max_sizes(void);
static size_t test_converted_size(const char *accept, bool *limited);
static void test_order(void);
static bool test_unrequested(schema1_pull_t *pull,
    const schema1_document_t *document);
static void test_memory(void);
static bool test_memory_once(unsigned long n, bool *done);


static test_doc_t       test_docs[TEST_STORE_MAX];
static size_t           test_ndocs;
static size_t           test_max_size;
static bool             test_client_platform;
static test_result_t    test_result;
static schema1_key_t   *test_key;


int
main(void)
{
    schema1_error_t  err;

    test_key = schema1_key_read(exact_str(TEST_JWK_EC256), NULL, &err);

    test_schema1();
    test_schema2();
    test_passes();
    test_children();
    test_accepted_lists();
    test_child_types();
    test_nested();
    test_signed_child();
    test_verified();
    test_unproven();
    test_refused();
    test_platforms();
    test_max_sizes();
    test_order();
    test_memory();

    tap_ok(ERR_peek_error() == 0, "OpenSSL's error queue is empty");

    schema1_key_free(test_key);
    schema1_pull_free(NULL);

    return tap_done();
}


static test_doc_t *
test_store(const char *type, const char *body)
{
    test_doc_t  *doc;

    doc = &test_docs[test_ndocs++];
    memset(doc, 0, sizeof(test_doc_t));

    doc->type = type;
    doc->len = strlen(body);
    memcpy(doc->body, body, doc->len);

    memcpy(doc->digest, "sha256:", 7);
    (void) schema1_digest_sha256_hex(exact_str(body), doc->digest + 7);

    return doc;
}


/* a document that names another by digest and size */

static test_doc_t *
test_link(const char *type, const char *format, const test_doc_t *child)
{
    char         size[24], body[TEST_DOC_MAX];
    const char  *digest, *number;
    size_t       len;

    (void) snprintf(size, sizeof(size), "%zu", child->len);

    digest = strstr(format, "%s");
    number = strstr(digest + 2, "%s");

    len = (size_t) (digest - format);
    memcpy(body, format, len);
    len += (size_t) snprintf(body + len, sizeof(body) - len, "%s%.*s%s%s",
                             child->digest, (int) (number - digest - 2),
                             digest + 2, size, number + 2);
    body[len] = '\0';

    return test_store(type, body);
}


static schema1_str_t
test_sent(test_doc_t *doc)
{
    schema1_str_t  body;

    body = exact_bytes(doc->body, doc->len);
    doc->sent = body.data;

    return body;
}


/* pulls the last document; all that it leads to is found by its digest */

static void
test_run(const char *accept, const char *platform, bool digest)
{
    size_t                         i;
    test_doc_t                    *doc;
    schema1_str_t                  line;
    schema1_pull_t                *pull;
    schema1_document_t             document;
    schema1_pull_conf_t            conf;
    const schema1_pull_request_t  *want;

    memset(&test_result, 0xee, sizeof(test_result_t));
    memset(&conf, 0, sizeof(schema1_pull_conf_t));

    line = exact_str(accept);
    schema1_accept_read(&conf.accept, &line, 1);

    conf.name = exact_str("team/app");
    conf.tag = exact_str("1.0");
    conf.platform = exact_str(platform);
    conf.client_platform = test_client_platform;
    conf.key = test_key;
    conf.now = 1234567890;
    conf.max_size = test_max_size;

    doc = &test_docs[test_ndocs - 1];
    document.type = exact_str(doc->type);
    document.body = test_sent(doc);
    document.digest = exact_str(digest ? doc->digest : "");

    test_result.fetches = 0;
    pull = schema1_pull_new(&conf);

    if (pull == NULL) {
        test_result.step = SCHEMA1_PULL_ERROR;
        test_result.err.reason = SCHEMA1_NO_MEMORY;
        return;
    }

    dirty_stack();
    test_result.step = schema1_pull_feed(pull, &document, &test_result.err);
    test_keep_answer(schema1_pull_answer(pull));

    if (test_result.step == SCHEMA1_PULL_NEED_LOOKUP) {
        test_result.step = schema1_pull_feed(pull, NULL, &test_result.err);
    }

    while (test_result.step == SCHEMA1_PULL_NEED_FETCH) {
        test_result.fetches++;
        want = schema1_pull_request(pull);

        for (i = 0; i < test_ndocs; i++) {
            if (schema1_str_eq(want->digest, test_docs[i].digest)) {
                break;
            }
        }

        doc = &test_docs[i < test_ndocs ? i : 0];
        document.type = exact_str(want->blob ? "" : doc->type);
        document.body = test_sent(doc);
        document.digest = exact_str("");

        dirty_stack();
        test_result.step = schema1_pull_feed(pull, &document,
                                             &test_result.err);
    }

    if (test_result.step == SCHEMA1_PULL_DONE) {
        test_keep_answer(schema1_pull_answer(pull));
        memset(test_result.body, 0, sizeof(test_result.body));
        memcpy(test_result.body, test_result.answer.body.data,
               test_result.answer.body.len);
    }

    schema1_pull_free(pull);
}


/* the digests are the pull's */

static void
test_keep_answer(const schema1_answer_t *answer)
{
    test_result.answer = *answer;

    test_keep(test_result.source_digest, answer->source_digest);
    test_keep(test_result.digest, answer->digest);
}


static void
test_keep(char *to, schema1_str_t digest)
{
    to[0] = '\0';

    if (digest.len != 0) {
        memcpy(to, digest.data, digest.len + 1);
    }
}


static bool
test_failed(schema1_reason_e reason)
{
    if (test_result.step == SCHEMA1_PULL_ERROR
        && test_result.err.reason == reason
        && test_result.err.message[0] != '\0')
    {
        return true;
    }

    printf("# step %d, reason %d\n", test_result.step,
           test_result.step == SCHEMA1_PULL_ERROR ? (int)
           test_result.err.reason : -1);

    return false;
}


/* a signed answer's digest is that of its payload, else of its bytes */

static bool
test_made(schema1_type_e type)
{
    int            rc;
    char           hex[64];
    schema1_buf_t  buf;
    schema1_str_t  body, payload;

    if (test_result.step != SCHEMA1_PULL_DONE || !test_result.answer.converted
        || test_result.answer.type != type)
    {
        return false;
    }

    memset(&buf, 0, sizeof(schema1_buf_t));

    body = exact_str(test_result.body);
    payload = body;
    rc = SCHEMA1_OK;

    if (type == SCHEMA1_TYPE_SIGNED) {
        rc = schema1_jws_payload(body, &buf);
        payload.data = buf.data;
        payload.len = buf.len;
    }

    if (rc == SCHEMA1_OK) {
        (void) schema1_digest_sha256_hex(payload, hex);
        rc = memcmp(test_result.digest, "sha256:", 7)
             || memcmp(test_result.digest + 7, hex, 64)
             || test_result.digest[71] != '\0';
    }

    schema1_buf_free(&buf);

    return rc == SCHEMA1_OK;
}


static bool
test_as_is(const test_doc_t *doc)
{
    return test_result.step == SCHEMA1_PULL_DONE
           && !test_result.answer.converted
           && test_result.answer.body.data == doc->sent
           && test_result.answer.body.len == doc->len
           && strcmp(test_result.digest, doc->digest) == 0
           && strcmp(schema1_media_type_name(test_result.answer.type),
                     doc->type) == 0
           && test_result.answer.entries == 0;
}


static void
test_schema1(void)
{
    char         first[80];
    test_doc_t  *config;

    test_ndocs = 0;
    config = test_store("", CONFIG);

    test_link(V2, DOCKER, config);
    test_run("", "", true);
    tap_ok(test_made(SCHEMA1_TYPE_SIGNED), "schema 1 from schema 2");
    tap_ok(test_result.fetches == 1, "schema 1 from schema 2 takes one fetch");
    tap_ok(test_result.answer.entries == 1,
           "schema 1 has an entry for each layer");
    tap_ok(strstr(test_result.body, "\"name\": \"team/app\",\n"
                  "   \"tag\": \"1.0\"") != NULL,
           "schema 1 has the client's name and tag");
    tap_ok(test_result.answer.source_type == SCHEMA1_TYPE_SCHEMA2
           && strcmp(test_result.source_digest,
                     test_docs[test_ndocs - 1].digest) == 0,
           "the source's type and digest are known");
    strcpy(first, test_result.digest);

    test_run("", "", false);
    tap_ok(test_made(SCHEMA1_TYPE_SIGNED),
           "schema 1 without the tag's digest");

    test_link(OM, OCI, config);
    test_run("*/*", "", true);
    tap_ok(test_made(SCHEMA1_TYPE_SIGNED)
           && strcmp(first, test_result.digest) == 0,
           "an OCI manifest gives the same payload");

    test_docs[test_ndocs - 1].type = "application/json";
    test_run("*/*", "", true);
    tap_ok(test_made(SCHEMA1_TYPE_SIGNED)
           && test_result.answer.source_type == SCHEMA1_TYPE_OCI_MANIFEST,
           "schema 1 from an OCI manifest of a generic type");
}


static void
test_schema2(void)
{
    test_ndocs = 0;

    test_link(OM, OCI, test_store("", CONFIG));
    test_run(V2, "", true);
    tap_ok(test_made(SCHEMA1_TYPE_SCHEMA2) && test_result.fetches == 0,
           "schema 2 from OCI without a fetch");
    tap_ok(strstr(test_result.body, "\"mediaType\": \"" V2 "\"") != NULL,
           "converted schema 2 has its media type");

    test_run(DOCKER_10, "", true);
    tap_ok(test_made(SCHEMA1_TYPE_SCHEMA2),
           "schema 2 from OCI for Docker 1.10");
}


static void
test_passes(void)
{
    size_t             i;
    static const char *clients[] = { "", V2, DOCKER_10 };

    test_ndocs = 0;
    test_link(V2, DOCKER, test_store("", CONFIG));
    test_run(DOCKER_10, "", true);
    tap_ok(test_result.step == SCHEMA1_PULL_PASS
           && test_result.source_digest[0] == '\0',
           "schema 2 passes to a client that accepts it");
    tap_ok(test_result.err.media_type[0] == '\0',
           "where there is no error, no type is noted");

    test_run(V2 "," DL "," OM "," OI, "", true);
    tap_ok(test_result.step == SCHEMA1_PULL_PASS,
           "schema 2 passes to a modern client");

    test_link(V2, OCI, &test_docs[0]);
    test_run(V2 "," DL "," OM "," OI, "", true);
    tap_ok(test_result.step == SCHEMA1_PULL_PASS
           && test_result.answer.source_type == SCHEMA1_TYPE_SCHEMA2,
           "for a modern client the Content-Type determines the type");
    test_ndocs--;

    test_docs[test_ndocs - 1].type = "text/html";
    test_run("", "", true);
    tap_ok(test_result.step == SCHEMA1_PULL_PASS,
           "a manifest of another Content-Type passes");

    test_store(V1S, "{");
    strcpy(test_docs[test_ndocs - 1].digest, "sha256:00");

    for (i = 0; i < 3; i++) {
        test_run(clients[i], "", true);
        tap_ok(test_result.step == SCHEMA1_PULL_PASS,
               "stored schema 1 passes unverified: client %zu", i);
    }

    test_store("application/json", UNSIGNED);
    test_run("", "", true);
    tap_ok(test_result.step == SCHEMA1_PULL_PASS
           && test_result.answer.source_type == SCHEMA1_TYPE_UNSIGNED,
           "schema 1 of a generic type passes");

    test_store("", "<html>");
    test_run("", "", true);
    tap_ok(test_result.step == SCHEMA1_PULL_PASS
           && test_result.answer.source_type == SCHEMA1_TYPE_OTHER,
           "a document that is not a manifest passes");
    tap_ok(test_result.err.reason == SCHEMA1_NO_REASON
           && test_result.err.message[0] == '\0'
           && test_result.err.source_digest[0] == '\0'
           && test_result.err.platform[0] == '\0',
           "what passes leaves no error behind");
}


static void
test_children(void)
{
    test_doc_t  *config, *docker, *oci;

    test_ndocs = 0;
    config = test_store("", CONFIG);
    docker = test_link(V2, DOCKER, config);
    oci = test_link(OM, OCI, config);

    test_link(DL, LIST(DL, V2, AMD64), docker);
    test_run("", "linux/amd64", true);
    tap_ok(test_made(SCHEMA1_TYPE_SIGNED) && test_result.fetches == 2,
           "schema 1 from a list");

    test_run(V2, "linux/amd64", true);
    tap_ok(test_as_is(docker) && test_result.fetches == 1,
           "a list's child is sent unchanged to a client that accepts it");

    test_run(DOCKER_10, "linux/amd64", true);
    tap_ok(test_result.step == SCHEMA1_PULL_PASS,
           "a list passes to a client that accepts it");

    test_link(OI, LIST(OI, OM, AMD64), oci);
    test_run("", "linux/amd64", true);
    tap_ok(test_made(SCHEMA1_TYPE_SIGNED), "schema 1 from an index");

    test_run(V2, "linux/amd64", true);
    tap_ok(test_made(SCHEMA1_TYPE_SCHEMA2), "schema 2 from an index");

    oci->type = "binary/octet-stream";
    test_run("", "linux/amd64", true);
    tap_ok(test_made(SCHEMA1_TYPE_SIGNED),
           "schema 1 from a child of a generic type");

    oci->type = "text/html";
    test_run(V2, "linux/amd64", true);
    tap_ok(test_made(SCHEMA1_TYPE_SCHEMA2),
           "schema 2 from a child of a wrong type");
}


/* "A client that names the list receives the child, in either of these" */

static void
test_accepted_lists(void)
{
    test_doc_t  *config, *docker, *oci;

    test_ndocs = 0;
    config = test_store("", CONFIG);
    docker = test_link(V2, DOCKER, config);
    oci = test_link(OM, OCI, config);

    test_link(DL, LIST(DL, OM, AMD64), oci);
    test_run(DOCKER_10, "linux/amd64", true);
    tap_ok(test_made(SCHEMA1_TYPE_SCHEMA2) && test_result.fetches == 1,
           "schema 2 from an OCI child of an accepted list");

    test_run(DL "," V1S, "linux/amd64", true);
    tap_ok(test_made(SCHEMA1_TYPE_SIGNED) && test_result.fetches == 2,
           "schema 1 from an OCI child of an accepted list");

    test_run(V2 "," DL ",*/*", "linux/amd64", true);
    tap_ok(test_result.step == SCHEMA1_PULL_PASS,
           "a modern client with a wildcard receives the list");

    test_run(DOCKER_10, "linux/arm64", true);
    tap_ok(test_failed(SCHEMA1_NO_PLATFORM),
           "no image of an accepted list for the platform");

    test_docs[test_ndocs - 1].type = "application/json";
    test_run(DOCKER_10, "linux/amd64", true);
    tap_ok(test_made(SCHEMA1_TYPE_SCHEMA2),
           "an accepted list of a generic type");

    strcpy(test_docs[test_ndocs - 1].digest, "sha256:00");
    test_run(DOCKER_10, "linux/amd64", true);
    tap_ok(test_result.step == SCHEMA1_PULL_ERROR,
           "an accepted list is verified if its child is sent");

    test_link(DL, LIST(DL, V2, ",\"platform\":{\"os\":\"linux\","
                           "\"architecture\":\"arm64\"}},{\"mediaType\":\""
                           OM "\",\"digest\":\"" LAYER "\"" AMD64), docker);
    test_run(DOCKER_10, "linux/amd64", true);
    tap_ok(test_result.step == SCHEMA1_PULL_PASS,
           "an accepted list with an accepted image passes");

    test_client_platform = true;

    test_run(DOCKER_10, "linux/amd64", true);
    tap_ok(test_result.fetches == 1 && test_failed(SCHEMA1_DIGEST_MISMATCH),
           "but not if the image for the client's own platform is not");

    test_run(DOCKER_10, "linux/arm64", true);
    tap_ok(test_result.step == SCHEMA1_PULL_PASS,
           "it passes for the other platform");

    test_run(DOCKER_10, "linux/s390x", true);
    tap_ok(test_result.step == SCHEMA1_PULL_PASS,
           "it passes for a platform that it does not have");

    test_run(DOCKER_10, "", true);
    tap_ok(test_result.step == SCHEMA1_PULL_PASS,
           "it passes if the platform's variable is empty");

    test_client_platform = false;

    test_link(DL, LIST(DL, V1S, AMD64), docker);
    test_run(V2 "," DL "," OM "," OI, "linux/amd64", true);
    tap_ok(test_result.step == SCHEMA1_PULL_PASS,
           "a modern client receives a list of schema 1");
}


/*
 * "The Content-Type of the child never determines the type."
 */

static void
test_child_types(void)
{
    size_t       i;
    test_doc_t  *config, *child;

    static const char  *types[] = { V1, V2, DL, OI, "text/html", "" };

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        test_ndocs = 0;
        config = test_store("", CONFIG);

        child = test_link(types[i], OCI, config);
        test_link(DL, LIST(DL, OM, AMD64), child);

        test_run("", "linux/amd64", true);
        tap_ok(test_made(SCHEMA1_TYPE_SIGNED),
               "a child of the Content-Type \"%s\" is what its entry says",
               types[i]);

        test_run(V2, "linux/amd64", true);
        tap_ok(test_made(SCHEMA1_TYPE_SCHEMA2),
               "and is converted to schema 2 with \"%s\"", types[i]);

        test_link(DL, LIST(DL, "application/json", AMD64), child);
        test_run("", "linux/amd64", true);
        tap_ok(test_made(SCHEMA1_TYPE_SIGNED),
               "an entry without a type leaves it to the document: \"%s\"",
               types[i]);
    }
}


static void
test_nested(void)
{
    test_doc_t  *docker, *inner;

    test_ndocs = 0;
    docker = test_link(V2, DOCKER, test_store("", CONFIG));
    inner = test_link(OI, LIST(OI, V2, AMD64), docker);

    inner = test_link(OI, LIST(OI, OI, ""), inner);
    test_run("", "linux/amd64", true);
    tap_ok(test_made(SCHEMA1_TYPE_SIGNED) && test_result.fetches == 3,
           "an index within an index is followed");

    test_run(V2, "linux/amd64", true);
    tap_ok(test_as_is(docker), "an inner index's child is sent unchanged");

    test_run("", "linux/s390x", true);
    tap_ok(test_failed(SCHEMA1_NO_PLATFORM),
           "an inner index without the platform is refused");

    inner = test_link(OI, LIST(OI, OI, ""), inner);
    test_run("", "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_NO_PLATFORM),
           "an index within two others is not followed");

    /* the entry calls it a manifest, and its Content-Type does not count */

    inner = test_link(OI, LIST(OI, V2, AMD64), docker);
    inner = test_link(OI, LIST(OI, V2, AMD64), inner);
    test_run("", "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_INVALID_MANIFEST),
           "an index that its entry calls a manifest is not searched");

    /* the document determines the type */

    inner = test_link(OI, LIST(OI, "application/json", AMD64), docker);
    inner = test_link(OI, LIST(OI, "application/json", AMD64), inner);
    test_run("", "linux/amd64", true);
    tap_ok(test_made(SCHEMA1_TYPE_SIGNED) && test_result.fetches == 3,
           "an index whose entry has no type is followed within an index");

    test_link(OI, LIST(OI, "application/json", AMD64), inner);
    test_run("", "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_NO_PLATFORM)
           && strstr(test_result.err.message, "not followed") != NULL,
           "it is not followed within two others");
}


static void
test_signed_child(void)
{
    char              whole[SCHEMA1_DIGEST_MAX + 1];
    char              payload[SCHEMA1_DIGEST_MAX + 1];
    test_doc_t       *child, named;
    schema1_buf_t     body;
    schema1_error_t   err;

    memset(&body, 0, sizeof(schema1_buf_t));
    (void) schema1_jws_sign(test_key, exact_str(UNSIGNED), 0, &body, &err);
    schema1_buf_putc(&body, '\0');

    test_ndocs = 0;
    child = test_store(V1S, body.data);
    schema1_buf_free(&body);

    strcpy(whole, child->digest);
    memcpy(payload, "sha256:", 7);
    (void) schema1_digest_sha256_hex(exact_str(UNSIGNED), payload + 7);
    payload[71] = '\0';

    /* the store finds it by what the list says */

    strcpy(child->digest, payload);
    test_link(DL, LIST(DL, V1S, AMD64), child);
    test_run("", "linux/amd64", true);
    tap_ok(test_as_is(child), "signed schema 1 by its payload's digest");

    test_run(V2, "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_NOT_ACCEPTABLE)
           && schema1_reason_info(test_result.err.reason)->status == 400,
           "a signed child is refused if the client does not accept it");

    memcpy(&named, child, sizeof(test_doc_t));
    named.len = strlen(UNSIGNED);
    test_link(DL, LIST(DL, V1S, AMD64), &named);
    test_run("", "linux/amd64", true);
    tap_ok(test_as_is(child), "a signed child's size may be its payload's");

    named.len++;
    test_link(DL, LIST(DL, V1S, AMD64), &named);
    test_run("", "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_SIZE_MISMATCH),
           "another size than the payload's or the child's is refused");

    strcpy(child->digest, whole);
    test_link(DL, LIST(DL, V1S, AMD64), child);
    test_run("", "linux/amd64", true);
    strcpy(child->digest, payload);
    tap_ok(test_as_is(child),
           "a signed child that the list names by its bytes has the payload's "
           "digest");

    named.len--;
    test_link(DL, LIST(DL, V2, AMD64), &named);
    test_run(V2, "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_DIGEST_MISMATCH),
           "a payload's digest does not do for what the list calls schema 2");

    strcpy(child->digest, LAYER);
    test_link(DL, LIST(DL, V1S, AMD64), child);
    test_run("", "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_DIGEST_MISMATCH),
           "a signed child of another digest is refused");

    child = test_store(V1, UNSIGNED);
    test_link(DL, LIST(DL, V1, AMD64), child);
    test_run("", "linux/amd64", true);
    tap_ok(test_as_is(child), "an unsigned child is sent unchanged");
}


static void
test_verified(void)
{
    test_doc_t     *config, *image, *list, copy;
    unsigned char   hash[64];

    test_ndocs = 0;
    config = test_store("", CONFIG);
    image = test_link(V2, DOCKER, config);

    strcpy(copy.digest, image->digest);
    strcpy(image->digest, LAYER);
    test_run("", "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_DIGEST_MISMATCH)
           && test_result.err.platform[0] == '\0', "the tag's digest");
    tap_ok(strcmp(test_result.err.source_digest, LAYER) == 0
           && strcmp(test_result.err.media_type, V2) == 0,
           "an error has the source's digest and type");

    strcpy(image->digest, "md5:d41d8cd98f00b204e9800998ecf8427e");
    test_run("", "", true);
    tap_ok(test_failed(SCHEMA1_DIGEST_UNSUPPORTED),
           "a tag's digest of another algorithm is refused");

    strcpy(image->digest, copy.digest);
    config->body[2] = 'A';
    test_run("", "", true);
    tap_ok(test_failed(SCHEMA1_DIGEST_MISMATCH)
           && strstr(test_result.err.message, "config") != NULL
           && strcmp(test_result.err.source_digest, image->digest) == 0,
           "the config's digest");
    config->body[2] = 'a';

    memcpy(&copy, config, sizeof(test_doc_t));
    copy.len++;
    test_link(V2, DOCKER, &copy);
    test_run("", "", true);
    tap_ok(test_failed(SCHEMA1_SIZE_MISMATCH),
           "a config of another size is refused");

    copy.len = 0;
    test_link(V2, DOCKER, &copy);
    test_run("", "", true);
    tap_ok(test_failed(SCHEMA1_SIZE_MISMATCH),
           "a config that is declared as empty is refused");

    list = test_link(DL, LIST(DL, V2, AMD64), image);
    image->body[1] = ' ';
    test_run("", "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_DIGEST_MISMATCH)
           && strcmp(test_result.err.source_digest, list->digest) == 0
           && strcmp(test_result.err.platform, "linux/amd64") == 0,
           "the child's digest");
    image->body[1] = '"';

    memcpy(&copy, image, sizeof(test_doc_t));
    copy.len--;
    test_link(DL, LIST(DL, V2, AMD64), &copy);
    test_run(V2, "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_SIZE_MISMATCH),
           "a child of another size is refused");

    strcpy(copy.digest, "sha1:d41d8cd98f00b204e9800998ecf8427e");
    test_link(DL, LIST(DL, V2, AMD64), &copy);
    test_run(V2, "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_DIGEST_UNSUPPORTED),
           "a child's digest of another algorithm is refused");

    test_ndocs = 0;
    image = test_link(V2, DOCKER, test_store("", CONFIG));
    (void) EVP_Digest(image->body, image->len, hash, NULL, EVP_sha512(), NULL);
    memcpy(image->digest, "sha512:", 7);
    schema1_hex_encode(image->digest + 7, hash, 64);
    image->digest[7 + 128] = '\0';
    test_run("", "", true);
    tap_ok(test_made(SCHEMA1_TYPE_SIGNED)
           && strncmp(test_result.source_digest, "sha256:", 7) == 0,
           "the tag's digest may be SHA-512, the source's is SHA-256");
}


static void
test_unproven(void)
{
    test_ndocs = 0;
    test_store(V2, "{\"schemaVersion\":2,");

    test_run("", "", false);
    tap_ok(test_failed(SCHEMA1_UNVERIFIED),
           "a truncated manifest without a digest is unverified");

    test_run("", "", true);
    tap_ok(test_failed(SCHEMA1_INVALID_MANIFEST),
           "a truncated manifest that its digest confirms is invalid");

    test_store(V2, "{\"schemaVersion\":2}");
    test_run("", "", false);
    tap_ok(test_failed(SCHEMA1_INVALID_MANIFEST),
           "complete JSON without a digest that is not a manifest is invalid");

    test_store(DL, "{\"manifests\":[");
    test_run("", "linux/amd64", false);
    tap_ok(test_failed(SCHEMA1_UNVERIFIED),
           "a truncated list without a digest is unverified");
}


static void
test_refused(void)
{
    test_doc_t  *config, *child;

    test_ndocs = 0;
    config = test_store("", CONFIG);

    test_link(OM, CHART, config);
    test_run("", "", true);
    tap_ok(test_failed(SCHEMA1_NOT_AN_IMAGE)
           && strcmp(test_result.err.media_type, CHART_TYPE) == 0,
           "a chart is not an image for schema 1");
    test_run(V2, "", true);
    tap_ok(test_failed(SCHEMA1_NOT_AN_IMAGE),
           "a chart is not an image for schema 2");

    test_link(V2, FOREIGN, config);
    test_run("", "", true);
    tap_ok(test_failed(SCHEMA1_FOREIGN_LAYER), "a foreign layer is refused");

    config = test_store("", "{}");
    test_link(V2, DOCKER, config);
    test_run("", "", true);
    tap_ok(test_failed(SCHEMA1_INVALID_CONFIG),
           "a config without rootfs is refused");

    child = test_store("text/html", "{\"a\":1}");
    test_link(DL, LIST(DL, V2, AMD64), child);
    test_run("", "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_INVALID_MANIFEST),
           "a child that is not a manifest is refused");

    child = test_store("", "<html>");
    test_link(DL, LIST(DL, V2, AMD64), child);
    test_run("", "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_INVALID_MANIFEST),
           "a child that is not JSON is refused");

    /* the entry does not name a manifest type */

    child = test_store("", "{\"schemaVersion\":2,");
    test_link(DL, LIST(DL, "application/json", AMD64), child);
    test_run("", "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_INVALID_MANIFEST)
           && strstr(test_result.err.message,
                     "the platform's manifest is not valid JSON") != NULL,
           "a child of unknown type that is not JSON is an invalid manifest");

    child = test_store("", "{\"schemaVersion\":2}");
    test_link(DL, LIST(DL, "application/json", AMD64), child);
    test_run("", "linux/amd64", true);
    tap_ok(test_failed(SCHEMA1_NOT_AN_IMAGE)
           && strstr(test_result.err.message, "no image manifest") != NULL,
           "a child of unknown type that is JSON is not an image");

    child = test_store(V2, "{");
    test_link(DL, LIST(DL, V2, AMD64), child);
    test_run("", "linux/amd64", false);
    tap_ok(test_failed(SCHEMA1_INVALID_MANIFEST)
           && strstr(test_result.err.message, "JSON") != NULL,
           "a broken child that the list confirms is an invalid manifest");
}


static void
test_platforms(void)
{
    char               value[64];
    size_t             i;
    static const char *bad[] = { "", "linux", "linux/", "x y/z", "-" };

    test_ndocs = 0;
    test_link(DL, LIST(DL, V2, AMD64),
              test_link(V2, DOCKER, test_store("", CONFIG)));

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void) snprintf(value, sizeof(value),
                        "schema_conversion_platform is \"%s\"", bad[i]);

        test_run("", bad[i], true);
        tap_ok(test_failed(SCHEMA1_BAD_PLATFORM)
               && strstr(test_result.err.message, value) != NULL
               && strcmp(test_result.err.platform, bad[i]) == 0,
               "no platform: \"%s\"", bad[i]);
    }

    test_run("", "linux/arm64", true);
    tap_ok(test_failed(SCHEMA1_NO_PLATFORM)
           && strcmp(test_result.err.platform, "linux/arm64") == 0
           && test_result.err.source_digest[0] != '\0',
           "a platform that the list lacks is named");
}


static void
test_max_sizes(void)
{
    bool    limited;
    size_t  len;

    test_ndocs = 0;
    test_link(OM, OCI, test_store("", CONFIG));

    len = test_converted_size("", &limited);
    tap_ok(len != 0 && limited, "schema 1 over twice the limit is refused: "
           "%zu bytes", len);

    len = test_converted_size(V2, &limited);
    tap_ok(len != 0 && limited, "schema 2 over twice the limit is refused: "
           "%zu bytes", len);

    /* it cannot be doubled */

    test_max_size = SIZE_MAX / 2 + 2;
    test_run("", "", true);
    tap_ok(test_made(SCHEMA1_TYPE_SIGNED), "the largest limits are none");
    test_max_size = 0;
}


/*
 * The length of the response; *limited: one byte less is refused, and
 * every half of that.
 */

static size_t
test_converted_size(const char *accept, bool *limited)
{
    size_t  i, len;

    test_run(accept, "", true);
    len = test_result.answer.body.len;
    *limited = (test_result.step == SCHEMA1_PULL_DONE);

    test_max_size = (len + 1) / 2;
    test_run(accept, "", true);

    if (test_result.step != SCHEMA1_PULL_DONE
        || test_result.answer.body.len != len)
    {
        *limited = false;
    }

    for (i = 1; i < len / 2; i *= 2) {
        test_max_size = (len - 1) / 2 / i;
        test_run(accept, "", true);

        if (!test_failed(SCHEMA1_TOO_LARGE)
            || strstr(test_result.err.message, "schema_conversion_max_size")
               == NULL)
        {
            *limited = false;
        }
    }

    test_max_size = 0;

    return len;
}


static void
test_order(void)
{
    test_doc_t           *image;
    schema1_pull_t       *pull;
    schema1_error_t       err;
    schema1_document_t    document;
    schema1_pull_conf_t   conf;

    memset(&conf, 0, sizeof(schema1_pull_conf_t));
    memset(&document, 0, sizeof(schema1_document_t));

    pull = schema1_pull_new(&conf);

    document.type = exact_str(V2);
    tap_ok(schema1_pull_feed(pull, &document, &err) == SCHEMA1_PULL_ERROR
           && err.reason == SCHEMA1_UNVERIFIED,
           "an empty document of a manifest type is an error");
    tap_ok(test_unrequested(pull, &document),
           "a document after an error is an error");

    schema1_pull_free(pull);

    /* an OCI manifest becomes schema 2 without its config */

    test_ndocs = 0;
    image = test_link(OM, OCI, test_store("", CONFIG));

    document.type = exact_str(V2);
    schema1_accept_read(&conf.accept, &document.type, 1);
    document.type = exact_str(OM);
    document.body = test_sent(image);

    pull = schema1_pull_new(&conf);

    tap_ok(schema1_pull_feed(pull, &document, &err)
           == SCHEMA1_PULL_NEED_LOOKUP
           && schema1_pull_feed(pull, NULL, &err) == SCHEMA1_PULL_DONE,
           "a manifest is converted");
    tap_ok(test_unrequested(pull, &document),
           "a document after the answer is an error");

    schema1_pull_free(pull);
}


/* the error is the module's own, whatever was in the struct before */

static bool
test_unrequested(schema1_pull_t *pull, const schema1_document_t *document)
{
    schema1_error_t  err;

    memset(&err, 'x', sizeof(schema1_error_t));

    return schema1_pull_feed(pull, document, &err) == SCHEMA1_PULL_ERROR
           && err.reason == SCHEMA1_NO_REASON
           && schema1_reason_info(err.reason)->status == 500
           && strstr(err.message, "not requested") != NULL
           && err.platform[0] != 'x';
}


/* each allocation fails in turn, in ours, jansson and OpenSSL */

static void
test_memory(void)
{
    bool           done, good;
    size_t         held;
    unsigned long  n;
    test_doc_t    *config;

    if (!alloc_hooked()) {
        tap_ok(1, "every allocation fails # SKIP the allocator is taken");
        return;
    }

    test_ndocs = 0;
    config = test_store("", CONFIG);
    test_link(OI, LIST(OI, OM, AMD64), test_link(OM, OCI, config));

    /* what the libraries keep is there after the first two */

    test_run("", "linux/amd64", true);
    test_run("", "linux/amd64", true);

    good = true;
    done = false;

    for (n = 1; !done && n < 10000; n++) {
        held = alloc_held;

        if (!test_memory_once(n, &done)) {
            printf("# allocation %lu\n", n);
            good = false;
        }

        if (ERR_peek_error() != 0) {
            printf("# allocation %lu: an error is left in the queue\n", n);
            ERR_clear_error();
            good = false;
        }

        if (alloc_held - held > TEST_LEAK) {
            printf("# allocation %lu: %zd bytes are left\n", n,
                   (ssize_t) (alloc_held - held));
            good = false;
        }
    }

    tap_ok(good && done, "%lu allocations fail in turn", n - 2);
}


static bool
test_memory_once(unsigned long n, bool *done)
{
    schema1_reason_e  reason;

    alloc_countdown = n;
    test_run("", "linux/amd64", true);

    *done = (alloc_countdown != 0);
    alloc_countdown = 0;

    if (test_result.step == SCHEMA1_PULL_DONE) {
        return test_made(SCHEMA1_TYPE_SIGNED);
    }

    reason = test_result.err.reason;

    return !*done && test_result.step == SCHEMA1_PULL_ERROR
           && (reason == SCHEMA1_NO_MEMORY
               || reason == SCHEMA1_SIGNING_FAILED);
}
