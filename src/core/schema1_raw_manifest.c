
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_raw_manifest.h"


#define schema1_bit(member)  (1u << SCHEMA1_RAW_##member)


/* what is required of a document of one kind */

typedef struct {
    const char      *what;          /* these names are for messages */
    const char      *name;
    const char      *oci_name;
    const char      *has_type;
    const char      *has_excluded;
    schema1_type_e   docker;
    schema1_type_e   oci;
    unsigned         members;       /* that must not have a bad value */
    unsigned         oci_members;   /* the same, in an OCI document */
    unsigned         excluded;      /* that an OCI document cannot have */
} schema1_raw_kind_t;


static int schema1_raw_manifest_type(const schema1_raw_manifest_t *raw,
    const schema1_raw_kind_t *kind, bool *docker, schema1_error_t *err);
static int schema1_raw_manifest_members(const schema1_raw_manifest_t *raw,
    unsigned members, const char *what, schema1_error_t *err);


#define schema1_raw_platform_common                                           \
    schema1_field("architecture", STRING, schema1_raw_platform_t,             \
                  architecture),                                              \
    schema1_field("os", STRING, schema1_raw_platform_t, os),                  \
    schema1_field("os.version", STRING, schema1_raw_platform_t, os_version),  \
    schema1_field("os.features", STRINGS, schema1_raw_platform_t, features),  \
    schema1_field("variant", STRING, schema1_raw_platform_t, variant)

static const schema1_field_t  schema1_raw_layer_platform_fields[] = {
    schema1_raw_platform_common,
    schema1_end
};


static const schema1_field_t  schema1_raw_entry_platform_fields[] = {
    schema1_raw_platform_common,
    schema1_field("features", STRINGS, schema1_raw_platform_t, features),
    schema1_end
};


#define schema1_raw_descriptor_common                                         \
    schema1_field("mediaType", STRING, schema1_raw_descriptor_t, media_type), \
    schema1_field("size", INT, schema1_raw_descriptor_t, size),               \
    schema1_field("digest", STRING, schema1_raw_descriptor_t, digest),        \
    schema1_field("urls", STRINGS, schema1_raw_descriptor_t, urls),           \
    schema1_field("annotations", MAP, schema1_raw_descriptor_t, annotations)

static const schema1_field_t  schema1_raw_layer_fields[] = {
    schema1_raw_descriptor_common,
    schema1_fields("platform", STRUCT, schema1_raw_descriptor_t, platform,
                   schema1_raw_layer_platform_fields, schema1_raw_platform_t),
    schema1_end
};


static const schema1_field_t  schema1_raw_entry_fields[] = {
    schema1_raw_descriptor_common,
    schema1_fields("platform", STRUCT, schema1_raw_descriptor_t, platform,
                   schema1_raw_entry_platform_fields, schema1_raw_platform_t),
    schema1_end
};


/* in the order of schema1_raw_member_e */

static const schema1_field_t  schema1_raw_manifest_fields[] = {
    schema1_field("schemaVersion", INT, schema1_raw_manifest_t, version),
    schema1_field("mediaType", STRING, schema1_raw_manifest_t, media_type),
    schema1_fields("config", STRUCT, schema1_raw_manifest_t, config,
                   schema1_raw_layer_fields, schema1_raw_descriptor_t),
    schema1_fields("layers", ARRAY, schema1_raw_manifest_t, layers,
                   schema1_raw_layer_fields, schema1_raw_descriptor_t),
    schema1_field("artifactType", STRING, schema1_raw_manifest_t,
                  artifact_type),
    schema1_field("annotations", MAP, schema1_raw_manifest_t, annotations),
    schema1_fields("manifests", ARRAY, schema1_raw_manifest_t, manifests,
                   schema1_raw_entry_fields, schema1_raw_descriptor_t),
    schema1_field("fsLayers", RAW, schema1_raw_manifest_t, ignored),
    schema1_field("signatures", RAW, schema1_raw_manifest_t, ignored),
    schema1_end
};


int
schema1_raw_manifest_read(schema1_raw_manifest_t *raw, schema1_str_t document,
    schema1_error_t *err)
{
    memset(raw, 0, sizeof(schema1_raw_manifest_t));

    if (schema1_decode(document, schema1_raw_manifest_fields, raw,
                       raw->members, "manifest", SCHEMA1_INVALID_MANIFEST, err)
        != SCHEMA1_OK)
    {
        schema1_raw_manifest_free(raw);
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


void
schema1_raw_manifest_free(schema1_raw_manifest_t *raw)
{
    schema1_array_free(&raw->layers);
    schema1_array_free(&raw->manifests);

    memset(raw, 0, sizeof(schema1_raw_manifest_t));
}


int
schema1_raw_manifest_check(const schema1_raw_manifest_t *raw, bool list,
    schema1_error_t *err)
{
    bool                       docker;
    unsigned                   i, members;
    const schema1_raw_kind_t  *kind;

    static const schema1_raw_kind_t  manifest_kind = {
        "manifest", "manifest", "manifest", "an image manifest", "an index",
        SCHEMA1_TYPE_SCHEMA2, SCHEMA1_TYPE_OCI_MANIFEST,
        schema1_bit(CONFIG) | schema1_bit(LAYERS), schema1_bit(ANNOTATIONS),
        schema1_bit(MANIFESTS)
    };

    static const schema1_raw_kind_t  list_kind = {
        "list of manifests", "list", "index", "a list", "a manifest",
        SCHEMA1_TYPE_LIST, SCHEMA1_TYPE_OCI_INDEX,
        schema1_bit(MANIFESTS), 0,
        schema1_bit(CONFIG) | schema1_bit(LAYERS)
    };

    kind = list ? &list_kind : &manifest_kind;

    if (schema1_raw_manifest_type(raw, kind, &docker, err) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    members = kind->members | (docker ? 0 : kind->oci_members);

    if (schema1_raw_manifest_members(raw, members, kind->what, err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    for (i = 0; !docker && i < SCHEMA1_RAW_MEMBERS; i++) {

        if ((kind->excluded & 1u << i) && raw->members[i].present) {
            schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                              "the %s has a member \"%s\", as only %s has; "
                              "push the image again",
                              kind->oci_name,
                              schema1_raw_manifest_fields[i].name,
                              kind->has_excluded);
            return SCHEMA1_ERROR;
        }
    }

    return SCHEMA1_OK;
}


/* the schemaVersion must be 2, the mediaType Docker's, OCI's, or missing */

static int
schema1_raw_manifest_type(const schema1_raw_manifest_t *raw,
    const schema1_raw_kind_t *kind, bool *docker, schema1_error_t *err)
{
    int64_t        version;
    schema1_str_t  type;

    if (schema1_raw_manifest_members(raw, schema1_bit(VERSION)
                                          | schema1_bit(MEDIA_TYPE),
                                     kind->what, err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    if (schema1_json_int(raw->version, &version) != SCHEMA1_OK
        || version != 2)
    {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the %s does not say \"schemaVersion\": 2, so it "
                          "cannot be read; push the image again", kind->what);
        return SCHEMA1_ERROR;
    }

    type = raw->media_type;
    *docker = schema1_json_is(type, schema1_media_type_name(kind->docker));

    if (!*docker && !schema1_json_is(type, "")
        && !schema1_json_is(type, schema1_media_type_name(kind->oci)))
    {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the %s's own mediaType %.*s is not that of %s; "
                          "push the image again", kind->name,
                          (int) (type.len > SCHEMA1_TYPE_SIZE
                                 ? SCHEMA1_TYPE_SIZE : type.len), type.data,
                          kind->has_type);
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


static int
schema1_raw_manifest_members(const schema1_raw_manifest_t *raw,
    unsigned members, const char *what, schema1_error_t *err)
{
    unsigned  i;

    for (i = 0; i < SCHEMA1_RAW_MEMBERS; i++) {
        if ((members & 1u << i)
            && raw->members[i].reason != SCHEMA1_NO_REASON)
        {
            schema1_decode_error(&raw->members[i], what, err);
            return SCHEMA1_ERROR;
        }
    }

    return SCHEMA1_OK;
}


size_t
schema1_raw_descriptor_size(const schema1_raw_descriptor_t *raw)
{
    return schema1_json_decode(raw->media_type, NULL, 0) + 1
           + schema1_json_decode(raw->digest, NULL, 0) + 1;
}


char *
schema1_raw_descriptor_copy(schema1_descriptor_t *descriptor,
    const schema1_raw_descriptor_t *raw, char *to)
{
    if (schema1_json_int(raw->size, &descriptor->size) != SCHEMA1_OK) {
        descriptor->size = -1;
    }

    to = schema1_json_text_copy(&descriptor->media_type, raw->media_type, to);

    return schema1_json_text_copy(&descriptor->digest, raw->digest, to);
}
