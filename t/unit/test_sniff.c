
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_sniff.h"
#include "exact.h"
#include "manifests.h"
#include "tap.h"


#define OCI_CONFIG  "application/vnd.oci.image.config.v1+json"


static void test_detected(void);
static void test_stated(void);
static void test_long(void);


int
main(void)
{
    test_detected();
    test_stated();
    test_long();

    return tap_done();
}


static void
test_detected(void)
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
        tap_ok(manifests_sniff(exact_str(cases[i].document),
                             SCHEMA1_TYPE_GENERIC)
               == cases[i].type, "detected: %s", cases[i].document);
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
        tap_ok(manifests_sniff(exact_str(cases[i].document),
                             cases[i].stated)
               == cases[i].type, "stated as %d: %s", (int) cases[i].stated,
               cases[i].document);
    }
}


/* up to 256 bytes with the quotes, 254 of which may be three each when read */

static void
test_long(void)
{
    int   n;
    char  bytes[201], document[512];

    for (n = 211; n <= 212; n++) {
        (void) snprintf(document, sizeof(document),
                        V2 "\"mediaType\":\"" OCI ";%0*d\"}", n, 0);

        tap_ok(manifests_sniff(exact_str(document), SCHEMA1_TYPE_GENERIC)
               == (n == 211 ? SCHEMA1_TYPE_OCI_MANIFEST : SCHEMA1_TYPE_OTHER),
               "a type with %d characters of parameters", n);
    }

    memset(bytes, 0xff, 200);
    bytes[200] = '\0';

    (void) snprintf(document, sizeof(document),
                    V2 "\"mediaType\":\"" OCI ";%s\"}", bytes);

    tap_ok(manifests_sniff(exact_str(document), SCHEMA1_TYPE_GENERIC)
           == SCHEMA1_TYPE_OCI_MANIFEST,
           "a type with parameters that are not UTF-8");
}
