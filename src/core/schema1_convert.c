
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <inttypes.h>

#include "schema1_convert.h"
#include "schema1_media_type.h"


static bool schema1_convert_check_config(const schema1_manifest_t *manifest);
static bool schema1_convert_is_config(schema1_str_t type);
static schema1_reason_e schema1_convert_check_layer(schema1_str_t media_type);
static bool schema1_convert_skip_tar(schema1_str_t *type);
static bool schema1_convert_contains(schema1_str_t type, const char *text);
static bool schema1_convert_skip(schema1_str_t *type, const char *text);
static int schema1_convert_refuse(const schema1_descriptor_t *layer, size_t n,
    schema1_reason_e reason, schema1_error_t *err);
static void schema1_convert_descriptor(schema1_buf_t *document,
    const schema1_descriptor_t *descriptor, const char *media_type,
    const char *indent);


static const char  schema1_config_type[] =
    "application/vnd.docker.container.image.v1+json";
static const char  schema1_tar_type[] =
    "application/vnd.docker.image.rootfs.diff.tar";
static const char  schema1_gzip_type[] =
    "application/vnd.docker.image.rootfs.diff.tar.gzip";


const unsigned char  schema1_empty_layer[SCHEMA1_EMPTY_LAYER_SIZE] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x09, 0x6e, 0x88,
    0x00, 0xff, 0x62, 0x18, 0x05, 0xa3, 0x60, 0x14,
    0x8c, 0x58, 0x00, 0x08, 0x00, 0x00, 0xff, 0xff,
    0x2e, 0xaf, 0xb5, 0xef, 0x00, 0x04, 0x00, 0x00
};


int
schema1_convert_check(const schema1_manifest_t *manifest, schema1_error_t *err)
{
    size_t            i;
    schema1_reason_e  reason;

    if (!schema1_convert_check_config(manifest)) {
        /* "The error message for an artifact names its artifactType" */

        schema1_error_note(err->media_type, sizeof(err->media_type),
                           manifest->artifact_type.len
                           ? manifest->artifact_type
                           : manifest->config.media_type);

        return schema1_error_set(err, SCHEMA1_NOT_AN_IMAGE,
                                 "the tag names no container image, but an "
                                 "artifact of the type \"%s\", which an old "
                                 "client cannot use", err->media_type);
    }

    for (i = 0; i < manifest->nlayers; i++) {
        reason = schema1_convert_check_layer(manifest->layers[i].media_type);

        if (reason != SCHEMA1_NO_REASON) {
            return schema1_convert_refuse(&manifest->layers[i], i + 1, reason,
                                          err);
        }
    }

    return SCHEMA1_OK;
}


/*
 * "A config belongs to an artifact, not to an image, if its mediaType is a
 * vendor type (application/vnd....) other than Docker's and OCI's types for
 * images.  Any other type is inconclusive": then an artifactType decides, and
 * at last the config itself.
 */

static bool
schema1_convert_check_config(const schema1_manifest_t *manifest)
{
    schema1_str_t  type;

    type = schema1_media_type_bare(manifest->config.media_type);

    if (schema1_convert_is_config(type)) {
        return true;
    }

    if (schema1_convert_skip(&type, "application/vnd.")) {
        return false;
    }

    type = schema1_media_type_bare(manifest->artifact_type);

    return type.len == 0 || schema1_convert_is_config(type);
}


static bool
schema1_convert_is_config(schema1_str_t type)
{
    return schema1_str_caseeq(type, schema1_config_type)
           || schema1_str_caseeq(type,
                                 "application/vnd.oci.image.config.v1+json");
}


static schema1_reason_e
schema1_convert_check_layer(schema1_str_t media_type)
{
    schema1_str_t  type;

    type = schema1_media_type_bare(media_type);

    if (schema1_convert_contains(type, "+encrypted")) {
        return SCHEMA1_ENCRYPTED_LAYER;
    }

    if (schema1_convert_skip(&type,
                             "application/vnd.docker.image.rootfs.foreign.")
        || schema1_convert_skip(&type, "application/"
                                "vnd.oci.image.layer.nondistributable."))
    {
        return SCHEMA1_FOREIGN_LAYER;
    }

    /*
     * "The end of a layer's media type determines its compression.  .tar
     * followed by nothing, +gzip, .gzip, +gz or .gz is supported."
     */

    if (schema1_convert_skip_tar(&type)) {
        return type.len == 0
               || schema1_str_caseeq(type, "+gzip")
               || schema1_str_caseeq(type, ".gzip")
               || schema1_str_caseeq(type, "+gz")
               || schema1_str_caseeq(type, ".gz")
               ? SCHEMA1_NO_REASON : SCHEMA1_LAYER_COMPRESSION;
    }

    if (schema1_convert_contains(type, "squashfs")
        || schema1_convert_contains(type, "erofs")
        || schema1_convert_contains(type, "nydus"))
    {
        return SCHEMA1_LAYER_COMPRESSION;
    }

    /* other types than a vendor's are inconclusive, as in distribution 2.8 */

    if (!schema1_convert_skip(&type, "application/vnd.")
        || schema1_str_caseeq(type,
                              "docker.container.image.rootfs.diff+x-gtar"))
    {
        return SCHEMA1_NO_REASON;
    }

    return SCHEMA1_NOT_AN_IMAGE;
}


static bool
schema1_convert_skip_tar(schema1_str_t *type)
{
    return schema1_convert_skip(type, schema1_tar_type)
           || schema1_convert_skip(type,
                                   "application/vnd.oci.image.layer.v1.tar");
}


static bool
schema1_convert_contains(schema1_str_t type, const char *text)
{
    while (type.len != 0) {

        if ((type.data[0] | 0x20) == text[0]
            && schema1_convert_skip(&type, text))
        {
            return true;
        }

        type.data++;
        type.len--;
    }

    return false;
}


/* steps over a text, in any case, that the type begins with */

static bool
schema1_convert_skip(schema1_str_t *type, const char *text)
{
    size_t         len;
    schema1_str_t  start;

    len = strlen(text);

    if (type->len < len) {
        return false;
    }

    start.data = type->data;
    start.len = len;

    if (!schema1_str_caseeq(start, text)) {
        return false;
    }

    type->data += len;
    type->len -= len;

    return true;
}


static int
schema1_convert_refuse(const schema1_descriptor_t *layer, size_t n,
    schema1_reason_e reason, schema1_error_t *err)
{
    const char  *text;

    switch (reason) {

    case SCHEMA1_FOREIGN_LAYER:
        text = "is foreign: it is not kept in the registry, and an old client "
               "cannot fetch it; the image has to be built with layers that "
               "may be distributed";
        break;

    case SCHEMA1_ENCRYPTED_LAYER:
        text = "is encrypted, which old clients cannot read; push the image "
               "without encryption";
        break;

    case SCHEMA1_LAYER_COMPRESSION:
        text = "is in a format that only newer runtimes can read; push the "
               "image with gzip layers";
        break;

    default: /* SCHEMA1_NOT_AN_IMAGE */
        text = "is no file system layer: the tag names an artifact, not a "
               "container image";
    }

    schema1_error_note(err->media_type, sizeof(err->media_type),
                       layer->media_type);

    return schema1_error_set(err, reason,
                             "layer %zu (%.*s, \"%s\") %s", n,
                             (int) layer->digest.len, layer->digest.data,
                             err->media_type, text);
}


int
schema1_convert_schema2(const schema1_manifest_t *manifest,
    schema1_buf_t *document, schema1_error_t *err)
{
    bool                         tar;
    size_t                       i;
    schema1_str_t                type;
    const schema1_descriptor_t  *layer;

    schema1_buf_puts(document, "{\n   \"schemaVersion\": 2,\n"
                               "   \"mediaType\": \"");
    schema1_buf_puts(document,
                     schema1_media_type_name(SCHEMA1_TYPE_SCHEMA2));
    schema1_buf_puts(document, "\",\n   \"config\": {");
    schema1_convert_descriptor(document, &manifest->config, schema1_config_type,
                               "\n      ");
    schema1_buf_puts(document, "\n   },\n   \"layers\": [");

    for (i = 0; i < manifest->nlayers; i++) {
        layer = &manifest->layers[i];

        type = schema1_media_type_bare(layer->media_type);
        tar = schema1_convert_skip_tar(&type) && type.len == 0;

        schema1_buf_puts(document, i ? ",\n      {" : "\n      {");
        schema1_convert_descriptor(document, layer,
                                   tar ? schema1_tar_type : schema1_gzip_type,
                                   "\n         ");
        schema1_buf_puts(document, "\n      }");
    }

    schema1_buf_puts(document, i ? "\n   ]\n}" : "]\n}");

    return document->failed ? schema1_error_buf(err, document) : SCHEMA1_OK;
}


/* a valid digest needs no escapes */

static void
schema1_convert_descriptor(schema1_buf_t *document,
    const schema1_descriptor_t *descriptor, const char *media_type,
    const char *indent)
{
    schema1_buf_puts(document, indent);
    schema1_buf_puts(document, "\"mediaType\": \"");
    schema1_buf_puts(document, media_type);
    schema1_buf_puts(document, "\",");
    schema1_buf_puts(document, indent);

    if (descriptor->size > 0) {
        schema1_buf_printf(document, "\"size\": %" PRId64 ",",
                           descriptor->size);
        schema1_buf_puts(document, indent);
    }

    schema1_buf_puts(document, "\"digest\": \"");
    schema1_buf_append(document, descriptor->digest.data,
                       descriptor->digest.len);
    schema1_buf_puts(document, "\"");
}
