
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>

#include "schema1_convert.h"
#include "schema1_digest.h"
#include "alloc.h"
#include "image.h"
#include "tap.h"


#define OCI_CONFIG     "application/vnd.oci.image.config.v1+json"
#define DOCKER_CONFIG  "application/vnd.docker.container.image.v1+json"
#define OCI_LAYER      "application/vnd.oci.image.layer.v1.tar"
#define DOCKER_LAYER   "application/vnd.docker.image.rootfs.diff.tar"


static void test_check(void);
static void test_schema2(void);
static void test_empty_layer(void);
static void test_failure(void);


int
main(void)
{
    test_check();
    test_schema2();
    test_empty_layer();
    test_failure();

    return tap_done();
}


static void
test_check(void)
{
    int                 rc;
    size_t              i;
    schema1_error_t     err;
    schema1_manifest_t  m;

    static const struct {
        const char        *config;
        const char        *artifact;
        const char        *layer;
        schema1_reason_e   reason;
    } cases[] = {
        { DOCKER_CONFIG, "", DOCKER_LAYER ".gzip", SCHEMA1_NO_REASON },
        { DOCKER_CONFIG, "", DOCKER_LAYER, SCHEMA1_NO_REASON },
        { OCI_CONFIG, "", OCI_LAYER, SCHEMA1_NO_REASON },
        { OCI_CONFIG, "", OCI_LAYER "+gzip", SCHEMA1_NO_REASON },
        { "Application/VND.oci.image.config.v1+JSON ;a=b", "",
          OCI_LAYER "+GZIP", SCHEMA1_NO_REASON },
        { "", "", "", SCHEMA1_NO_REASON },
        { "application/octet-stream", "", "application/octet-stream",
          SCHEMA1_NO_REASON },
        { OCI_CONFIG, "application/x", OCI_LAYER, SCHEMA1_NO_REASON },
        { "", OCI_CONFIG, OCI_LAYER, SCHEMA1_NO_REASON },

        { "", "application/x", OCI_LAYER, SCHEMA1_NOT_AN_IMAGE },
        { "application/vnd.oci.empty.v1+json", "application/x", OCI_LAYER,
          SCHEMA1_NOT_AN_IMAGE },
        { "application/octet-stream", "a/b", OCI_LAYER, SCHEMA1_NOT_AN_IMAGE },
        { "application/vnd.oci.empty.v1+json", "", OCI_LAYER,
          SCHEMA1_NOT_AN_IMAGE },
        { "application/vnd.cncf.helm.config.v1+json", "", OCI_LAYER,
          SCHEMA1_NOT_AN_IMAGE },
        { "application/vnd.docker.plugin.v1+json", "", DOCKER_LAYER,
          SCHEMA1_NOT_AN_IMAGE },
        { "application/vnd.oci.image.manifest.v1+json", "", OCI_LAYER,
          SCHEMA1_NOT_AN_IMAGE },
        { OCI_CONFIG, "", "application/vnd.in-toto+json",
          SCHEMA1_NOT_AN_IMAGE },

        /* "Any other type is inconclusive" */
        { "text/html", "", DOCKER_LAYER ".gzip", SCHEMA1_NO_REASON },
        { "text/html; charset=utf-8", "", "text/html", SCHEMA1_NO_REASON },
        { "application/x-gzip", "", OCI_LAYER, SCHEMA1_NO_REASON },
        { "application/x-www-form-urlencoded", "", OCI_LAYER,
          SCHEMA1_NO_REASON },
        { OCI_CONFIG, "", "application/x-gzip", SCHEMA1_NO_REASON },
        { "text/html", "application/x", OCI_LAYER, SCHEMA1_NOT_AN_IMAGE },

        /* ".tar followed by nothing, +gzip, .gzip, +gz or .gz" */
        { OCI_CONFIG, "", DOCKER_LAYER "+gzip", SCHEMA1_NO_REASON },
        { OCI_CONFIG, "", DOCKER_LAYER ".gz", SCHEMA1_NO_REASON },
        { OCI_CONFIG, "", OCI_LAYER ".gzip", SCHEMA1_NO_REASON },
        { OCI_CONFIG, "", OCI_LAYER "+gz", SCHEMA1_NO_REASON },
        { OCI_CONFIG, "", OCI_LAYER "+gzi", SCHEMA1_LAYER_COMPRESSION },
        { OCI_CONFIG, "", OCI_LAYER "+gzipx", SCHEMA1_LAYER_COMPRESSION },
        { OCI_CONFIG, "", "application/vnd.oci.image.layer.squashfs",
          SCHEMA1_LAYER_COMPRESSION },
        { OCI_CONFIG, "", "application/vnd.oci.image.layer.SquashFS",
          SCHEMA1_LAYER_COMPRESSION },
        { OCI_CONFIG, "", "application/vnd.erofs.layer.v1",
          SCHEMA1_LAYER_COMPRESSION },
        { OCI_CONFIG, "", "application/vnd.oci.image.layer.nydus.blob.v1",
          SCHEMA1_LAYER_COMPRESSION },

        { DOCKER_CONFIG, "",
          "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
          SCHEMA1_FOREIGN_LAYER },
        { DOCKER_CONFIG, "",
          "application/vnd.docker.image.rootfs.foreign.diff.tar",
          SCHEMA1_FOREIGN_LAYER },
        { OCI_CONFIG, "",
          "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
          SCHEMA1_FOREIGN_LAYER },
        { OCI_CONFIG, "", OCI_LAYER "+gzip+encrypted",
          SCHEMA1_ENCRYPTED_LAYER },
        { OCI_CONFIG, "", OCI_LAYER "+encrypted", SCHEMA1_ENCRYPTED_LAYER },
        { OCI_CONFIG, "", OCI_LAYER "+zstd", SCHEMA1_LAYER_COMPRESSION },
        { OCI_CONFIG, "", DOCKER_LAYER ".zstd", SCHEMA1_LAYER_COMPRESSION },
        { OCI_CONFIG, "", OCI_LAYER "+new", SCHEMA1_LAYER_COMPRESSION },

        /* a byte less than the names that are compared */
        { OCI_CONFIG, "", "application/vnd.oci.image.layer.v1.ta",
          SCHEMA1_NOT_AN_IMAGE },
        { OCI_CONFIG, "", "application/vnd.docker.image.rootfs.diff.ta",
          SCHEMA1_NOT_AN_IMAGE },
        { OCI_CONFIG, "", "application/vnd.docker.image.rootfs.foreign",
          SCHEMA1_NOT_AN_IMAGE },
        { OCI_CONFIG, "", "application/vnd.squashf", SCHEMA1_NOT_AN_IMAGE },
        { OCI_CONFIG, "", OCI_LAYER "+gzip+encrypte",
          SCHEMA1_LAYER_COMPRESSION }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        image_manifest(&m, cases[i].config, cases[i].artifact, OCI_LAYER, 2);
        image_layers[1].media_type = exact_str(cases[i].layer);
        memset(&err, 0, sizeof(schema1_error_t));

        rc = schema1_convert_check(&m, &err);

        tap_ok(err.reason == cases[i].reason
               && (rc == SCHEMA1_OK) == (err.reason == SCHEMA1_NO_REASON),
               "checked: \"%s\" \"%s\" \"%s\"", cases[i].config,
               cases[i].artifact, cases[i].layer);

        if (rc == SCHEMA1_ERROR && err.reason != SCHEMA1_NOT_AN_IMAGE) {
            tap_ok(strstr(err.message, "layer 2") && strstr(err.message, B)
                   && strstr(err.message, cases[i].layer)
                   && strcmp(err.media_type, cases[i].layer) == 0,
                   "the layer is named: %s", err.message);
        }

        if (err.reason == SCHEMA1_FOREIGN_LAYER) {
            tap_ok(strstr(err.message, "is foreign") != NULL,
                   "it is foreign: \"%s\"", cases[i].layer);
        }

        if (err.reason == SCHEMA1_ENCRYPTED_LAYER) {
            tap_ok(strstr(err.message, "is encrypted") != NULL,
                   "it is encrypted: \"%s\"", cases[i].layer);
        }

        if (err.reason == SCHEMA1_LAYER_COMPRESSION) {
            tap_ok(strstr(err.message, "only newer runtimes") != NULL,
                   "newer runtimes read it: \"%s\"", cases[i].layer);
        }

        if (err.reason == SCHEMA1_NOT_AN_IMAGE
            && strcmp(cases[i].config, OCI_CONFIG) == 0)
        {
            tap_ok(strstr(err.message, "is no file system layer") != NULL,
                   "it is no layer: \"%s\"", cases[i].layer);
        }

        if (cases[i].artifact[0] && rc == SCHEMA1_ERROR) {
            tap_ok(strstr(err.message, cases[i].artifact)
                   && strcmp(err.media_type, cases[i].artifact) == 0,
                   "the artifactType is named: %s", err.message);
        }
    }
}


static void
test_schema2(void)
{
    schema1_buf_t       document;
    schema1_error_t     err;
    schema1_manifest_t  m;

    memset(&document, 0, sizeof(schema1_buf_t));

    image_manifest(&m, OCI_CONFIG, "", OCI_LAYER "+gzip", 4);
    image_layers[1].media_type = exact_str(OCI_LAYER);
    image_layers[2].media_type = exact_str(DOCKER_LAYER);
    image_layers[3].media_type = exact_str("");
    image_layers[1].size = 1;
    image_layers[2].size = 0;
    image_layers[3].size = -1;

    tap_ok(schema1_convert_schema2(&m, &document, &err) == SCHEMA1_OK,
           "a manifest is converted to schema 2");
    tap_is(document.data, document.len,
           "{\n   \"schemaVersion\": 2,\n   \"mediaType\": "
           "\"application/vnd.docker.distribution.manifest.v2+json\",\n"
           "   \"config\": {\n      \"mediaType\": \"" DOCKER_CONFIG "\",\n"
           "      \"size\": 7,\n      \"digest\": \"" A "\"\n   },\n"
           "   \"layers\": [\n"
           "      {\n         \"mediaType\": \"" DOCKER_LAYER ".gzip\",\n"
           "         \"size\": 100,\n         \"digest\": \"" B "\"\n"
           "      },\n"
           "      {\n         \"mediaType\": \"" DOCKER_LAYER "\",\n"
           "         \"size\": 1,\n         \"digest\": \"" B "\"\n"
           "      },\n"
           "      {\n         \"mediaType\": \"" DOCKER_LAYER "\",\n"
           "         \"digest\": \"" B "\"\n"
           "      },\n"
           "      {\n         \"mediaType\": \"" DOCKER_LAYER ".gzip\",\n"
           "         \"digest\": \"" B "\"\n"
           "      }\n   ]\n}", "schema 2 is in distribution's format");
    schema1_buf_free(&document);

    m.nlayers = 0;
    (void) schema1_convert_schema2(&m, &document, &err);
    schema1_buf_putc(&document, '\0');
    tap_ok(strstr(document.data, ",\n   \"layers\": []\n}") != NULL,
           "schema 2 without layers has an empty array");
    schema1_buf_free(&document);
}


static void
test_empty_layer(void)
{
    schema1_str_t    layer;
    schema1_error_t  err;

    layer = exact_bytes((const char *) schema1_empty_layer,
                        SCHEMA1_EMPTY_LAYER_SIZE);

    tap_ok(schema1_digest_verify(exact_str(SCHEMA1_EMPTY_LAYER_DIGEST), layer,
                                 "layer", &err) == SCHEMA1_OK,
           "the empty layer has its digest");
}


static void
test_failure(void)
{
    schema1_buf_t       document;
    schema1_error_t     err;
    schema1_manifest_t  m;

    if (!alloc_hooked()) {
        tap_ok(1, "allocations # SKIP another allocator is in place");
        return;
    }

    memset(&document, 0, sizeof(schema1_buf_t));
    image_manifest(&m, "", "", "", 1);

    alloc_countdown = 1;
    (void) schema1_convert_schema2(&m, &document, &err);
    alloc_countdown = 0;

    tap_ok(document.failed && err.reason == SCHEMA1_NO_MEMORY,
           "schema 2 fails without memory");
    schema1_buf_free(&document);
}
