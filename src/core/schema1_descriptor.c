
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_descriptor.h"


/* the platform of a layer's descriptor */

static const schema1_field_t  schema1_descriptor_platform[] = {
    schema1_field("architecture", STRING, schema1_raw_platform_t,
                  architecture),
    schema1_field("os", STRING, schema1_raw_platform_t, os),
    schema1_field("os.version", STRING, schema1_raw_platform_t, os_version),
    schema1_field("os.features", STRINGS, schema1_raw_platform_t, features),
    schema1_field("variant", STRING, schema1_raw_platform_t, variant),
    schema1_end
};


/* the platform of a list's entry */

static const schema1_field_t  schema1_descriptor_entry_platform[] = {
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

const schema1_field_t  schema1_descriptor_fields[] = {
    schema1_descriptor_fields_common,
    { "platform", SCHEMA1_FIELD_POINTER,
      offsetof(schema1_raw_descriptor_t, platform),
      schema1_descriptor_platform, sizeof(schema1_raw_platform_t) },
    schema1_end
};


const schema1_field_t  schema1_descriptor_entry_fields[] = {
    schema1_descriptor_fields_common,
    { "platform", SCHEMA1_FIELD_STRUCT,
      offsetof(schema1_raw_descriptor_t, platform),
      schema1_descriptor_entry_platform, sizeof(schema1_raw_platform_t) },
    schema1_end
};


size_t
schema1_descriptor_size(const schema1_raw_descriptor_t *raw)
{
    return schema1_json_text_size(raw->media_type)
           + schema1_json_text_size(raw->digest);
}


char *
schema1_descriptor_copy(schema1_descriptor_t *descriptor,
    const schema1_raw_descriptor_t *raw, char *to)
{
    if (schema1_json_int(raw->size, &descriptor->size) != SCHEMA1_OK) {
        descriptor->size = -1;
    }

    to = schema1_json_text_copy(&descriptor->media_type, raw->media_type, to);

    return schema1_json_text_copy(&descriptor->digest, raw->digest, to);
}
