
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdio.h>
#include <stdlib.h>

#include "schema1_decode.h"
#include "schema1_digest.h"
#include "schema1_manifest.h"


/* of a platform in a message: longer ones are left out */
#define SCHEMA1_PLATFORM_SIZE  128


#if (SCHEMA1_MAX_LAYERS != SCHEMA1_MAX_ITEMS)
#error the decoder has to hold as many layers as an image may have
#endif


/* a mediaType that is longer names no manifest */
#define SCHEMA1_TYPE_SIZE  256


/* tokens, as the decoder leaves them */

typedef struct {
    bool                   there;
    schema1_str_t          os;
    schema1_str_t          architecture;
    schema1_str_t          variant;
    schema1_str_t          os_version;
    size_t                 features;
} schema1_raw_platform_t;


typedef struct {
    schema1_str_t          media_type;
    schema1_str_t          size;
    schema1_str_t          digest;
    size_t                 urls;
    schema1_str_t          annotations;
    schema1_raw_platform_t platform;
} schema1_raw_descriptor_t;


typedef struct {
    schema1_str_t             version;
    schema1_str_t             media_type;
    schema1_raw_descriptor_t  config;
    schema1_str_t             config_token;
    schema1_array_t           layers;
    schema1_array_t           manifests;
    schema1_str_t             artifact_type;
    schema1_str_t             annotations;
    bool                      has_manifests;
    bool                      has_config;
    bool                      has_layers;
    bool                      has_fslayers;
    bool                      has_signatures;
} schema1_raw_manifest_t;


static schema1_type_e schema1_sniff_schema1(const schema1_raw_manifest_t *raw,
    schema1_type_e stated);
static schema1_type_e schema1_sniff_manifest(const schema1_raw_manifest_t *raw,
    schema1_type_e stated);
static bool schema1_sniff_oci_config(const schema1_raw_manifest_t *raw);
static schema1_type_e schema1_sniff_unknown(schema1_type_e stated);
static schema1_type_e schema1_sniff_type(schema1_str_t token);
static int schema1_manifest_version(schema1_str_t document,
    schema1_raw_manifest_t *raw, const char *what, schema1_error_t *err);
static const schema1_field_t *schema1_manifest_fields(schema1_str_t type);
static int schema1_manifest_copy(schema1_manifest_t *manifest,
    const schema1_raw_manifest_t *raw, schema1_error_t *err);
static size_t schema1_descriptor_size(const schema1_raw_descriptor_t *raw);
static char *schema1_descriptor_copy(schema1_descriptor_t *descriptor,
    const schema1_raw_descriptor_t *raw, char *to);
static size_t schema1_text_size(schema1_str_t token);
static char *schema1_text_copy(schema1_str_t *text, schema1_str_t token,
    char *to);
static int schema1_manifest_digests(const schema1_manifest_t *manifest,
    schema1_error_t *err);
static bool schema1_digest_well_formed(schema1_str_t digest);
static int schema1_list_read(schema1_str_t document,
    schema1_raw_manifest_t *raw, schema1_error_t *err);
static const schema1_raw_descriptor_t *schema1_list_choose(
    const schema1_array_t *entries, const schema1_platform_t *platform,
    bool nested, schema1_error_t *err);
static int schema1_list_rank(const schema1_raw_descriptor_t *entry,
    const schema1_platform_t *platform, unsigned *rank, bool *none);
static bool schema1_list_is_attestation(
    const schema1_raw_descriptor_t *entry);
static bool schema1_list_is_zstd(const schema1_raw_descriptor_t *entry);
static bool schema1_is_list(schema1_type_e type);
static int schema1_list_no_platform(const schema1_array_t *entries,
    const schema1_platform_t *platform, schema1_error_t *err);
static void schema1_list_platforms(const schema1_array_t *entries, char *list,
    size_t size);
static bool schema1_list_names(const char *list, const char *text);
static size_t schema1_list_print(char *to, size_t size,
    const schema1_raw_platform_t *platform);
static int schema1_list_digest(const schema1_child_t *child,
    schema1_error_t *err);
static int schema1_manifest_no_memory(schema1_error_t *err, const char *what);


/* the platform of a layer's descriptor */

static const schema1_field_t  schema1_platform_fields[] = {
    schema1_field("architecture", STRING, schema1_raw_platform_t,
                  architecture),
    schema1_field("os", STRING, schema1_raw_platform_t, os),
    schema1_field("os.version", STRING, schema1_raw_platform_t, os_version),
    schema1_field("os.features", STRINGS, schema1_raw_platform_t, features),
    schema1_field("variant", STRING, schema1_raw_platform_t, variant),
    schema1_end
};


/* the platform of a list's entry */

static const schema1_field_t  schema1_entry_platform_fields[] = {
    schema1_field("architecture", STRING, schema1_raw_platform_t,
                  architecture),
    schema1_field("os", STRING, schema1_raw_platform_t, os),
    schema1_field("os.version", STRING, schema1_raw_platform_t, os_version),
    schema1_field("os.features", STRINGS, schema1_raw_platform_t, features),
    schema1_field("variant", STRING, schema1_raw_platform_t, variant),
    schema1_field("features", STRINGS, schema1_raw_platform_t, features),
    schema1_end
};


#define schema1_descriptor_fields_common                                      \
    schema1_field("mediaType", STRING, schema1_raw_descriptor_t, media_type), \
    schema1_field("size", INT, schema1_raw_descriptor_t, size),               \
    schema1_field("digest", STRING, schema1_raw_descriptor_t, digest),        \
    schema1_field("urls", STRINGS, schema1_raw_descriptor_t, urls),           \
    schema1_field("annotations", MAP, schema1_raw_descriptor_t, annotations)

static const schema1_field_t  schema1_descriptor_fields[] = {
    schema1_descriptor_fields_common,
    { "platform", SCHEMA1_FIELD_POINTER,
      offsetof(schema1_raw_descriptor_t, platform),
      schema1_platform_fields, sizeof(schema1_raw_platform_t) },
    schema1_end
};


static const schema1_field_t  schema1_entry_fields[] = {
    schema1_descriptor_fields_common,
    { "platform", SCHEMA1_FIELD_STRUCT,
      offsetof(schema1_raw_descriptor_t, platform),
      schema1_entry_platform_fields, sizeof(schema1_raw_platform_t) },
    schema1_end
};


static const schema1_field_t  schema1_version_fields[] = {
    schema1_field("schemaVersion", INT, schema1_raw_manifest_t, version),
    schema1_field("mediaType", STRING, schema1_raw_manifest_t, media_type),
    schema1_end
};


#define schema1_manifest_fields_common                                        \
    schema1_field("schemaVersion", INT, schema1_raw_manifest_t, version),     \
    schema1_field("mediaType", STRING, schema1_raw_manifest_t, media_type),   \
    { "config", SCHEMA1_FIELD_STRUCT,                                         \
      offsetof(schema1_raw_manifest_t, config),                               \
      schema1_descriptor_fields, sizeof(schema1_raw_descriptor_t) },          \
    { "layers", SCHEMA1_FIELD_ARRAY,                                          \
      offsetof(schema1_raw_manifest_t, layers),                               \
      schema1_descriptor_fields, sizeof(schema1_raw_descriptor_t) },          \
    schema1_field("artifactType", RAW, schema1_raw_manifest_t,                \
                  artifact_type)

static const schema1_field_t  schema1_docker_fields[] = {
    schema1_manifest_fields_common,
    schema1_end
};


static const schema1_field_t  schema1_oci_fields[] = {
    schema1_manifest_fields_common,
    schema1_field("annotations", MAP, schema1_raw_manifest_t, annotations),
    schema1_field("manifests", PRESENT, schema1_raw_manifest_t, has_manifests),
    schema1_end
};


static const schema1_field_t  schema1_list_fields[] = {
    schema1_field("schemaVersion", INT, schema1_raw_manifest_t, version),
    schema1_field("mediaType", STRING, schema1_raw_manifest_t, media_type),
    { "manifests", SCHEMA1_FIELD_ARRAY,
      offsetof(schema1_raw_manifest_t, manifests),
      schema1_entry_fields, sizeof(schema1_raw_descriptor_t) },
    schema1_field("config", PRESENT, schema1_raw_manifest_t, has_config),
    schema1_field("layers", PRESENT, schema1_raw_manifest_t, has_layers),
    schema1_end
};


static const schema1_field_t  schema1_sniff_fields[] = {
    schema1_field("schemaVersion", RAW, schema1_raw_manifest_t, version),
    schema1_field("mediaType", RAW, schema1_raw_manifest_t, media_type),
    schema1_field("manifests", PRESENT, schema1_raw_manifest_t, has_manifests),
    schema1_field("config", RAW, schema1_raw_manifest_t, config_token),
    schema1_field("layers", PRESENT, schema1_raw_manifest_t, has_layers),
    schema1_field("fsLayers", PRESENT, schema1_raw_manifest_t, has_fslayers),
    schema1_field("signatures", PRESENT, schema1_raw_manifest_t,
                  has_signatures),
    schema1_end
};


static const schema1_field_t  schema1_sniff_config_fields[] = {
    schema1_field("mediaType", RAW, schema1_raw_manifest_t, media_type),
    schema1_end
};


schema1_type_e
schema1_manifest_sniff(schema1_str_t document, schema1_type_e stated)
{
    int64_t                 version;
    schema1_error_t         err;
    schema1_raw_manifest_t  raw;

    memset(&raw, 0, sizeof(schema1_raw_manifest_t));

    if (stated == SCHEMA1_TYPE_OTHER
        || schema1_decode(document, schema1_sniff_fields, &raw, "document",
                          SCHEMA1_INVALID_MANIFEST, &err)
           != SCHEMA1_OK
        || schema1_json_int(raw.version, &version) != SCHEMA1_OK)
    {
        return schema1_sniff_unknown(stated);
    }

    switch (version) {

    case 1:
        return schema1_sniff_schema1(&raw, stated);

    case 2:
        return schema1_sniff_manifest(&raw, stated);

    default:
        return schema1_sniff_unknown(stated);
    }
}


static schema1_type_e
schema1_sniff_schema1(const schema1_raw_manifest_t *raw, schema1_type_e stated)
{
    if (stated == SCHEMA1_TYPE_SIGNED || stated == SCHEMA1_TYPE_UNSIGNED) {
        return stated;
    }

    if (!raw->has_fslayers) {
        return schema1_sniff_unknown(stated);
    }

    return raw->has_signatures ? SCHEMA1_TYPE_SIGNED : SCHEMA1_TYPE_UNSIGNED;
}


static schema1_type_e
schema1_sniff_manifest(const schema1_raw_manifest_t *raw,
    schema1_type_e stated)
{
    schema1_type_e  type;

    type = schema1_sniff_type(raw->media_type);

    switch (type) {

    case SCHEMA1_TYPE_SCHEMA2:
    case SCHEMA1_TYPE_LIST:
    case SCHEMA1_TYPE_OCI_MANIFEST:
    case SCHEMA1_TYPE_OCI_INDEX:
        return type;

    case SCHEMA1_TYPE_GENERIC:
        break;

    default:
        return schema1_sniff_unknown(stated);
    }

    /* a document without a mediaType is an OCI one, unless stated otherwise */

    if (raw->has_manifests) {
        return (stated == SCHEMA1_TYPE_LIST) ? stated : SCHEMA1_TYPE_OCI_INDEX;
    }

    if (!raw->has_layers
        || raw->config_token.len == 0
        || raw->config_token.data[0] == 'n')
    {
        return schema1_sniff_unknown(stated);
    }

    if (stated == SCHEMA1_TYPE_SCHEMA2 && !schema1_sniff_oci_config(raw)) {
        return stated;
    }

    return SCHEMA1_TYPE_OCI_MANIFEST;
}


/* registries label a manifest without a mediaType as schema 2 */

static bool
schema1_sniff_oci_config(const schema1_raw_manifest_t *raw)
{
    schema1_error_t         err;
    schema1_raw_manifest_t  config;

    memset(&config, 0, sizeof(schema1_raw_manifest_t));

    if (schema1_decode(raw->config_token, schema1_sniff_config_fields, &config,
                       "config", SCHEMA1_INVALID_MANIFEST, &err)
        != SCHEMA1_OK)
    {
        return false;
    }

    return config.media_type.len != 0
           && config.media_type.data[0] == '"'
           && schema1_json_is(config.media_type,
                              "application/vnd.oci.image.config.v1+json");
}


/* a document that tells nothing is what its header says it is */

static schema1_type_e
schema1_sniff_unknown(schema1_type_e stated)
{
    return (stated == SCHEMA1_TYPE_GENERIC) ? SCHEMA1_TYPE_OTHER : stated;
}


static schema1_type_e
schema1_sniff_type(schema1_str_t token)
{
    char           text[3 * SCHEMA1_TYPE_SIZE];
    schema1_str_t  value;

    value.len = 0;
    value.data = text;

    if (token.len > SCHEMA1_TYPE_SIZE) {
        return SCHEMA1_TYPE_OTHER;
    }

    if (token.len && token.data[0] == '"') {
        value.len = schema1_json_decode(token, text);
    }

    return schema1_media_type(value);
}


int
schema1_manifest_read(schema1_manifest_t *manifest, schema1_str_t document,
    schema1_error_t *err)
{
    int                     rc;
    const schema1_field_t  *fields;
    schema1_raw_manifest_t  raw;

    memset(manifest, 0, sizeof(schema1_manifest_t));
    memset(&raw, 0, sizeof(schema1_raw_manifest_t));

    if (schema1_manifest_version(document, &raw, "manifest", err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    fields = schema1_manifest_fields(raw.media_type);

    if (fields == NULL) {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the manifest's own mediaType %.*s is not that of "
                          "an image manifest; the image has to be pushed "
                          "again",
                          (int) (raw.media_type.len > SCHEMA1_TYPE_SIZE
                                 ? SCHEMA1_TYPE_SIZE : raw.media_type.len),
                          raw.media_type.data);
        return SCHEMA1_ERROR;
    }

    memset(&raw, 0, sizeof(schema1_raw_manifest_t));

    rc = schema1_decode(document, fields, &raw, "manifest",
                        SCHEMA1_INVALID_MANIFEST, err);

    if (rc == SCHEMA1_OK && raw.has_manifests) {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the manifest has a member \"manifests\", as only "
                          "an index has; the image has to be pushed again");
        rc = SCHEMA1_ERROR;
    }

    if (rc == SCHEMA1_OK) {
        rc = schema1_manifest_copy(manifest, &raw, err);
    }

    schema1_array_free(&raw.layers);

    if (rc == SCHEMA1_OK
        && schema1_manifest_digests(manifest, err) != SCHEMA1_OK)
    {
        schema1_manifest_free(manifest);
        return SCHEMA1_ERROR;
    }

    return rc;
}


void
schema1_manifest_free(schema1_manifest_t *manifest)
{
    free(manifest->memory);
    memset(manifest, 0, sizeof(schema1_manifest_t));
}


static int
schema1_manifest_version(schema1_str_t document, schema1_raw_manifest_t *raw,
    const char *what, schema1_error_t *err)
{
    int64_t                     version;
    static const schema1_str_t  none = schema1_string("\"\"");

    if (schema1_decode(document, schema1_version_fields, raw, what,
                       SCHEMA1_INVALID_MANIFEST, err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    if (raw->media_type.data == NULL) {
        raw->media_type = none;
    }

    if (schema1_json_int(raw->version, &version) != SCHEMA1_OK
        || version != 2)
    {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the %s does not say \"schemaVersion\": 2, so it "
                          "can't be read; the image has to be pushed again",
                          what);
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


/* no type means OCI, as in distribution; NULL: no image manifest */

static const schema1_field_t *
schema1_manifest_fields(schema1_str_t type)
{
    if (schema1_json_is(type, schema1_media_type_name(SCHEMA1_TYPE_SCHEMA2))) {
        return schema1_docker_fields;
    }

    if (schema1_json_is(type, "")
        || schema1_json_is(type,
                           schema1_media_type_name(SCHEMA1_TYPE_OCI_MANIFEST)))
    {
        return schema1_oci_fields;
    }

    return NULL;
}


/* one block: the layers, then all strings, each with a terminator */

static int
schema1_manifest_copy(schema1_manifest_t *manifest,
    const schema1_raw_manifest_t *raw, schema1_error_t *err)
{
    char                            *to;
    size_t                           i, n, size;
    const schema1_raw_descriptor_t  *layers;

    n = raw->layers.n;
    layers = (const schema1_raw_descriptor_t *) (void *) raw->layers.items;

    size = n * sizeof(schema1_descriptor_t)
           + schema1_descriptor_size(&raw->config)
           + schema1_text_size(raw->artifact_type);

    for (i = 0; i < n; i++) {
        size += schema1_descriptor_size(&layers[i]);
    }

    manifest->memory = malloc(size);
    if (manifest->memory == NULL) {
        return schema1_manifest_no_memory(err, "manifest");
    }

    manifest->layers = manifest->memory;
    manifest->nlayers = n;

    to = (char *) (manifest->layers + n);
    to = schema1_descriptor_copy(&manifest->config, &raw->config, to);
    to = schema1_text_copy(&manifest->artifact_type, raw->artifact_type, to);

    for (i = 0; i < n; i++) {
        to = schema1_descriptor_copy(&manifest->layers[i], &layers[i], to);
    }

    return SCHEMA1_OK;
}


static size_t
schema1_descriptor_size(const schema1_raw_descriptor_t *raw)
{
    return schema1_text_size(raw->media_type) + schema1_text_size(raw->digest);
}


static char *
schema1_descriptor_copy(schema1_descriptor_t *descriptor,
    const schema1_raw_descriptor_t *raw, char *to)
{
    if (schema1_json_int(raw->size, &descriptor->size) != SCHEMA1_OK) {
        descriptor->size = -1;
    }

    to = schema1_text_copy(&descriptor->media_type, raw->media_type, to);

    return schema1_text_copy(&descriptor->digest, raw->digest, to);
}


static size_t
schema1_text_size(schema1_str_t token)
{
    if (token.len == 0 || token.data[0] != '"') {
        return 1;
    }

    return schema1_json_decode(token, NULL) + 1;
}


static char *
schema1_text_copy(schema1_str_t *text, schema1_str_t token, char *to)
{
    text->len = 0;
    text->data = to;

    if (token.len && token.data[0] == '"') {
        text->len = schema1_json_decode(token, to);
    }

    to += text->len;
    *to++ = '\0';

    return to;
}


static int
schema1_manifest_digests(const schema1_manifest_t *manifest,
    schema1_error_t *err)
{
    size_t         i;
    schema1_str_t  digest;

    digest = manifest->config.digest;

    if (digest.len == 0) {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the manifest has no config, or one without a "
                          "digest, so it does not describe an image; push "
                          "the image again");
        return SCHEMA1_ERROR;
    }

    if (!schema1_digest_valid(digest)) {
        schema1_error_set(err, schema1_digest_well_formed(digest)
                          ? SCHEMA1_DIGEST_UNSUPPORTED
                          : SCHEMA1_INVALID_MANIFEST,
                          "the digest \"%.*s\" of the config in the manifest "
                          "is not a sha256, sha384 or sha512 digest; the "
                          "image has to be pushed again",
                          (int) (digest.len > SCHEMA1_DIGEST_MAX
                                 ? SCHEMA1_DIGEST_MAX : digest.len),
                          digest.data);
        return SCHEMA1_ERROR;
    }

    for (i = 0; i < manifest->nlayers; i++) {
        digest = manifest->layers[i].digest;

        if (schema1_digest_valid(digest)) {
            continue;
        }

        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the digest \"%.*s\" of layer %zu in the manifest "
                          "is not a sha256, sha384 or sha512 digest; the "
                          "image has to be pushed again",
                          (int) (digest.len > SCHEMA1_DIGEST_MAX
                                 ? SCHEMA1_DIGEST_MAX : digest.len),
                          digest.data, i + 1);
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


/*
 * The form of a digest whose algorithm is none of ours (OCI image
 * specification, "Digests").
 */

static bool
schema1_digest_well_formed(schema1_str_t digest)
{
    char           ch;
    bool           word;
    size_t         i;
    schema1_str_t  encoded;

    encoded = schema1_digest_hex(digest);
    word = false;

    for (i = 0; i + encoded.len + 1 < digest.len; i++) {
        ch = digest.data[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')) {
            word = true;
            continue;
        }

        if (!word || ch == '\0' || strchr("+._-", ch) == NULL) {
            return false;
        }

        word = false;
    }

    if (!word || encoded.len == 0) {
        return false;
    }

    for (i = 0; i < encoded.len; i++) {
        ch = encoded.data[i];

        if (!(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z')
            && !(ch >= '0' && ch <= '9')
            && (ch == '\0' || strchr("=_-", ch) == NULL))
        {
            return false;
        }
    }

    digest.len -= encoded.len + 1;

    return !schema1_str_eq(digest, "sha256")
           && !schema1_str_eq(digest, "sha384")
           && !schema1_str_eq(digest, "sha512");
}


int
schema1_list_find(schema1_child_t *child, schema1_str_t document,
    const schema1_platform_t *platform, bool nested, schema1_error_t *err)
{
    int                              rc;
    schema1_raw_manifest_t           raw;
    const schema1_raw_descriptor_t  *entry;

    memset(child, 0, sizeof(schema1_child_t));
    memset(&raw, 0, sizeof(schema1_raw_manifest_t));

    rc = schema1_list_read(document, &raw, err);
    if (rc != SCHEMA1_OK) {
        goto done;
    }

    rc = SCHEMA1_ERROR;

    entry = schema1_list_choose(&raw.manifests, platform, nested, err);
    if (entry == NULL) {
        goto done;
    }

    child->memory = malloc(schema1_descriptor_size(entry));
    if (child->memory == NULL) {
        rc = schema1_manifest_no_memory(err, "list of manifests");
        goto done;
    }

    (void) schema1_descriptor_copy(&child->descriptor, entry, child->memory);

    child->type = schema1_media_type(child->descriptor.media_type);

    rc = schema1_list_digest(child, err);
    if (rc != SCHEMA1_OK) {
        schema1_child_free(child);
    }

done:

    schema1_array_free(&raw.manifests);

    return rc;
}


void
schema1_child_free(schema1_child_t *child)
{
    free(child->memory);
    memset(child, 0, sizeof(schema1_child_t));
}


static int
schema1_list_read(schema1_str_t document, schema1_raw_manifest_t *raw,
    schema1_error_t *err)
{
    bool  docker;

    if (schema1_manifest_version(document, raw, "list of manifests", err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    docker = schema1_json_is(raw->media_type,
                             schema1_media_type_name(SCHEMA1_TYPE_LIST));

    if (!docker && !schema1_json_is(raw->media_type, "")
        && !schema1_json_is(raw->media_type,
                            schema1_media_type_name(SCHEMA1_TYPE_OCI_INDEX)))
    {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the list's own mediaType %.*s is not that of a "
                          "list; the image has to be pushed again",
                          (int) (raw->media_type.len > SCHEMA1_TYPE_SIZE
                                 ? SCHEMA1_TYPE_SIZE : raw->media_type.len),
                          raw->media_type.data);
        return SCHEMA1_ERROR;
    }

    memset(raw, 0, sizeof(schema1_raw_manifest_t));

    if (schema1_decode(document, schema1_list_fields, raw, "list of manifests",
                       SCHEMA1_INVALID_MANIFEST, err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    if (!docker && (raw->has_config || raw->has_layers)) {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the index has a member \"%s\", as only a manifest "
                          "has; the image has to be pushed again",
                          raw->has_config ? "config" : "layers");
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


static const schema1_raw_descriptor_t *
schema1_list_choose(const schema1_array_t *entries,
    const schema1_platform_t *platform, bool nested, schema1_error_t *err)
{
    bool                             list, none, placed;
    size_t                           i;
    unsigned                         rank, best;
    const schema1_raw_descriptor_t  *entry, *found, *image, *index;

    best = 0;
    found = NULL;
    image = NULL;
    index = NULL;
    placed = false;
    entry = (const schema1_raw_descriptor_t *) (void *) entries->items;

    for (i = 0; i < entries->n; i++, entry++) {

        if (schema1_list_rank(entry, platform, &rank, &none) != SCHEMA1_OK) {
            (void) schema1_manifest_no_memory(err, "list of manifests");
            return NULL;
        }

        list = schema1_is_list(schema1_sniff_type(entry->media_type));

        if (list && nested) {
            continue;
        }

        if (none && list && index == NULL) {
            index = entry;
        }

        if (none && !list && image == NULL && entry->digest.len != 0) {
            image = entry;
        }

        if (rank && (found == NULL || rank < best)) {
            best = rank;
            found = entry;
        }

        placed |= !none && !schema1_list_is_attestation(entry);
    }

    /*
     * "Entries without a platform never match either, unless no entry other
     * than attestations has a platform.  In that case the first image is
     * selected."
     */

    if (found == NULL) {
        found = (image && !placed) ? image : index;
    }

    if (found == NULL) {
        (void) schema1_list_no_platform(entries, platform, err);
    }

    return found;
}


static bool
schema1_list_is_attestation(const schema1_raw_descriptor_t *entry)
{
    const schema1_raw_platform_t  *platform;

    platform = &entry->platform;

    return platform->os.len != 0
           && platform->architecture.len != 0
           && schema1_json_is(platform->os, "unknown")
           && schema1_json_is(platform->architecture, "unknown");
}


/*
 * "Of several equal matches, one that is marked as zstd
 * (io.github.containers.compression.zstd) comes last."
 */

static bool
schema1_list_is_zstd(const schema1_raw_descriptor_t *entry)
{
    schema1_str_t   name, value;
    schema1_json_t  json;

    if (entry->annotations.len == 0) {
        return false;
    }

    schema1_json_open(&json, entry->annotations);
    schema1_json_enter(&json);

    while (schema1_json_member(&json, &name)) {
        value = schema1_json_value(&json);

        if (schema1_json_is(name, "io.github.containers.compression.zstd")) {
            return schema1_json_is(value, "true");
        }
    }

    return false;
}


/* *none: the entry has no platform of its own */

static int
schema1_list_rank(const schema1_raw_descriptor_t *entry,
    const schema1_platform_t *platform, unsigned *rank, bool *none)
{
    char                          *memory, *to;
    schema1_platform_t             own;
    const schema1_raw_platform_t  *raw;

    raw = &entry->platform;

    memory = malloc(schema1_text_size(raw->os)
                    + schema1_text_size(raw->architecture)
                    + schema1_text_size(raw->variant));
    if (memory == NULL) {
        return SCHEMA1_ERROR;
    }

    to = schema1_text_copy(&own.os, raw->os, memory);
    to = schema1_text_copy(&own.architecture, raw->architecture, to);
    (void) schema1_text_copy(&own.variant, raw->variant, to);

    *none = (own.os.len == 0 && own.architecture.len == 0);
    *rank = 0;

    if (!*none && !schema1_str_eq(own.os, "unknown")
        && !schema1_str_eq(own.architecture, "unknown"))
    {
        *rank = schema1_platform_rank(platform, &own);
    }

    if (*rank) {
        *rank = 2 * *rank + schema1_list_is_zstd(entry);
    }

    free(memory);

    return SCHEMA1_OK;
}


static bool
schema1_is_list(schema1_type_e type)
{
    return type == SCHEMA1_TYPE_LIST || type == SCHEMA1_TYPE_OCI_INDEX;
}


static int
schema1_list_no_platform(const schema1_array_t *entries,
    const schema1_platform_t *platform, schema1_error_t *err)
{
    char  asked[sizeof(err->platform)], list[200];

    (void) snprintf(asked, sizeof(asked), "%.*s/%.*s%s%.*s",
                    (int) platform->os.len, platform->os.data,
                    (int) platform->architecture.len,
                    platform->architecture.data,
                    platform->variant.len ? "/" : "",
                    (int) platform->variant.len,
                    platform->variant.len ? platform->variant.data : "");

    memcpy(err->platform, asked, sizeof(asked));

    schema1_list_platforms(entries, list, sizeof(list));

    schema1_error_set(err, SCHEMA1_NO_PLATFORM,
                      "the tag names a list of images, and none of them is "
                      "for %s%s%s; build the image for it, or set another "
                      "schema_conversion_platform", asked,
                      list[0] ? ": there is" : "", list);

    return SCHEMA1_ERROR;
}


/*
 * "The message lists each available platform once, without attestations, and
 * says so if it had to stop before the end."
 */

static void
schema1_list_platforms(const schema1_array_t *entries, char *list,
    size_t size)
{
    char                             text[SCHEMA1_PLATFORM_SIZE];
    size_t                           i, len, n;
    const schema1_raw_descriptor_t  *entry;

    static const char  more[] = " and others";

    len = 0;
    list[0] = '\0';
    entry = (const schema1_raw_descriptor_t *) (void *) entries->items;

    for (i = 0; i < entries->n; i++, entry++) {
        n = schema1_list_print(text, sizeof(text), &entry->platform);

        if (n == 0
            || strcmp(text, " unknown/unknown") == 0
            || schema1_list_names(list, text))
        {
            continue;
        }

        if (len + n + sizeof(more) > size) {
            memcpy(list + len, more, sizeof(more));
            return;
        }

        memcpy(list + len, text, n + 1);
        len += n;
    }
}


/* whether a platform, with a space before it, is in the list already */

static bool
schema1_list_names(const char *list, const char *text)
{
    size_t       len;
    const char  *p;

    len = strlen(text);

    for (p = strstr(list, text); p; p = strstr(p + 1, text)) {
        if (p[len] == '\0' || p[len] == ' ') {
            return true;
        }
    }

    return false;
}


/* appends " os/architecture/variant"; 0: it has none, or it is too long */

static size_t
schema1_list_print(char *to, size_t size,
    const schema1_raw_platform_t *platform)
{
    int            n;
    size_t         i;
    schema1_str_t  part[3];

    part[0] = platform->os;
    part[1] = platform->architecture;
    part[2] = platform->variant;

    for (i = 0; i < 3; i++) {
        if (part[i].len > 2 && part[i].len < 40) {
            part[i].data++;
            part[i].len -= 2;
            continue;
        }

        if (i < 2) {
            return 0;
        }

        part[i].len = 0;
        part[i].data = "";
    }

    n = snprintf(to, size, " %.*s/%.*s%s%.*s",
                 (int) part[0].len, part[0].data,
                 (int) part[1].len, part[1].data, part[2].len ? "/" : "",
                 (int) part[2].len, part[2].data);

    if (n < 0 || (size_t) n >= size) {
        to[0] = '\0';
        return 0;
    }

    return (size_t) n;
}


static int
schema1_list_digest(const schema1_child_t *child, schema1_error_t *err)
{
    schema1_str_t  digest;

    digest = child->descriptor.digest;

    if (schema1_digest_valid(digest)) {
        return SCHEMA1_OK;
    }

    schema1_error_set(err, schema1_digest_well_formed(digest)
                      ? SCHEMA1_DIGEST_UNSUPPORTED
                      : SCHEMA1_INVALID_MANIFEST,
                      "the digest \"%.*s\" of the platform's entry in the "
                      "list is not a sha256, sha384 or sha512 digest; the "
                      "image has to be pushed again",
                      (int) (digest.len > SCHEMA1_DIGEST_MAX
                             ? SCHEMA1_DIGEST_MAX : digest.len),
                      digest.data);

    schema1_error_note(err->media_type, sizeof(err->media_type),
                       child->descriptor.media_type);

    return SCHEMA1_ERROR;
}


static int
schema1_manifest_no_memory(schema1_error_t *err, const char *what)
{
    schema1_error_set(err, SCHEMA1_NO_MEMORY,
                      "out of memory while reading the %s", what);

    return SCHEMA1_ERROR;
}
