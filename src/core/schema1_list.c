
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdio.h>
#include <stdlib.h>

#include "schema1_digest.h"
#include "schema1_list.h"
#include "schema1_sniff.h"


/* of a platform in a message: longer ones are left out */
#define SCHEMA1_PLATFORM_SIZE  128


static bool schema1_list_images_usable(const schema1_array_t *entries,
    const schema1_accept_t *accept);
static bool schema1_list_entry_usable(const schema1_raw_descriptor_t *entry,
    const schema1_accept_t *accept);
static int schema1_list_check(const schema1_raw_manifest_t *raw,
    schema1_error_t *err);
static const schema1_raw_descriptor_t *schema1_list_choose(
    const schema1_array_t *entries, const schema1_platform_t *platform,
    bool nested, schema1_error_t *err);
static bool schema1_list_is_attestation(
    const schema1_raw_descriptor_t *entry);
static bool schema1_list_is_zstd(const schema1_raw_descriptor_t *entry);
static int schema1_list_rank(const schema1_raw_descriptor_t *entry,
    const schema1_platform_t *platform, unsigned *rank, bool *none);
static int schema1_list_no_platform(const schema1_array_t *entries,
    const schema1_platform_t *platform, schema1_error_t *err);
static void schema1_list_platforms(const schema1_array_t *entries, char *list,
    size_t size);
static bool schema1_list_names(const char *list, const char *text);
static size_t schema1_list_print(char *to, size_t size,
    const schema1_raw_platform_t *platform);


int
schema1_list_find(schema1_child_t *child, const schema1_raw_manifest_t *raw,
    const schema1_platform_t *platform, bool nested, schema1_error_t *err)
{
    const schema1_raw_descriptor_t  *entry;

    memset(child, 0, sizeof(schema1_child_t));

    if (schema1_list_check(raw, err) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    entry = schema1_list_choose(&raw->manifests, platform, nested, err);
    if (entry == NULL) {
        return SCHEMA1_ERROR;
    }

    child->memory = malloc(schema1_descriptor_size(entry));
    if (child->memory == NULL) {
        return schema1_error_no_memory(err);
    }

    (void) schema1_descriptor_copy(&child->descriptor, entry, child->memory);

    child->type = schema1_media_type(child->descriptor.media_type);

    if (schema1_digest_check(child->descriptor.digest,
                             "the platform's entry in the list", err)
        != SCHEMA1_OK)
    {
        schema1_error_note(err->media_type, sizeof(err->media_type),
                           child->descriptor.media_type);
        schema1_list_child_free(child);
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


void
schema1_list_child_free(schema1_child_t *child)
{
    free(child->memory);
    memset(child, 0, sizeof(schema1_child_t));
}


/*
 * "A client that names the list receives the child, as if it had not named the
 * list, in either of these cases:
 * 1. The client does not name the type of any of the images in the list,
 *    attestations aside.
 * 2. schema_conversion_platform contains variables (so that the client's own
 *    platform is known), and the client does not name the type of the image for
 *    its platform."
 */

int
schema1_list_usable(bool *usable, const schema1_raw_manifest_t *raw,
    const schema1_accept_t *accept, const schema1_platform_t *platform,
    schema1_error_t *err)
{
    const schema1_raw_descriptor_t  *entry;

    *usable = true;

    if (schema1_list_check(raw, err) == SCHEMA1_OK) {
        *usable = schema1_list_images_usable(&raw->manifests, accept);

        if (*usable && platform) {
            entry = schema1_list_choose(&raw->manifests, platform, false, err);

            *usable = (entry == NULL
                       || schema1_list_entry_usable(entry, accept));
        }
    }

    if (err->reason == SCHEMA1_NO_MEMORY) {
        return SCHEMA1_ERROR;
    }

    memset(err, 0, sizeof(schema1_error_t));

    return SCHEMA1_OK;
}


static bool
schema1_list_images_usable(const schema1_array_t *entries,
    const schema1_accept_t *accept)
{
    bool                             images;
    size_t                           i;
    const schema1_raw_descriptor_t  *entry;

    images = false;
    entry = (const schema1_raw_descriptor_t *) (void *) entries->items;

    for (i = 0; i < entries->n; i++, entry++) {

        if (schema1_list_is_attestation(entry)
            || schema1_sniff_type(entry->media_type) == SCHEMA1_TYPE_OTHER)
        {
            continue;
        }

        if (schema1_list_entry_usable(entry, accept)) {
            return true;
        }

        images = true;
    }

    return !images;
}


/* an entry without a manifest type may be of any */

static bool
schema1_list_entry_usable(const schema1_raw_descriptor_t *entry,
    const schema1_accept_t *accept)
{
    schema1_type_e  type;

    type = schema1_sniff_type(entry->media_type);

    return type == SCHEMA1_TYPE_GENERIC
           || type == SCHEMA1_TYPE_OTHER
           || schema1_accept_decide(accept, type, true)
              == SCHEMA1_ACTION_AS_IS;
}


static int
schema1_list_check(const schema1_raw_manifest_t *raw, schema1_error_t *err)
{
    bool           docker, config;
    schema1_str_t  type;

    static const char  what[] = "list of manifests";

    if (schema1_raw_manifest_version(raw, what, err) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    type = raw->media_type;
    docker = schema1_json_is(type, schema1_media_type_name(SCHEMA1_TYPE_LIST));

    if (!docker && !schema1_json_is(type, "")
        && !schema1_json_is(type,
                            schema1_media_type_name(SCHEMA1_TYPE_OCI_INDEX)))
    {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the list's own mediaType %.*s is not that of a "
                          "list; push the image again",
                          (int) (type.len > SCHEMA1_TYPE_SIZE
                                 ? SCHEMA1_TYPE_SIZE : type.len), type.data);
        return SCHEMA1_ERROR;
    }

    if (schema1_raw_manifest_check(raw, 1u << SCHEMA1_RAW_MANIFESTS, what, err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    config = raw->members[SCHEMA1_RAW_CONFIG].present;

    if (!docker && (config || raw->members[SCHEMA1_RAW_LAYERS].present)) {
        schema1_error_set(err, SCHEMA1_INVALID_MANIFEST,
                          "the index has a member \"%s\", as only a manifest "
                          "has; push the image again",
                          config ? "config" : "layers");
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
            (void) schema1_error_no_memory(err);
            return NULL;
        }

        list = schema1_media_type_is_list(
                                       schema1_sniff_type(entry->media_type));

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


/* *none: the entry has no platform */

static int
schema1_list_rank(const schema1_raw_descriptor_t *entry,
    const schema1_platform_t *platform, unsigned *rank, bool *none)
{
    char                          *memory, *to;
    schema1_platform_t             own;
    const schema1_raw_platform_t  *raw;

    raw = &entry->platform;

    memory = malloc(schema1_json_text_size(raw->os)
                    + schema1_json_text_size(raw->architecture)
                    + schema1_json_text_size(raw->variant));
    if (memory == NULL) {
        return SCHEMA1_ERROR;
    }

    to = schema1_json_text_copy(&own.os, raw->os, memory);
    to = schema1_json_text_copy(&own.architecture, raw->architecture, to);
    (void) schema1_json_text_copy(&own.variant, raw->variant, to);

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


static int
schema1_list_no_platform(const schema1_array_t *entries,
    const schema1_platform_t *platform, schema1_error_t *err)
{
    char  wanted[sizeof(err->platform)], list[200];

    (void) snprintf(wanted, sizeof(wanted), "%.*s/%.*s%s%.*s",
                    (int) platform->os.len, platform->os.data,
                    (int) platform->architecture.len,
                    platform->architecture.data,
                    platform->variant.len ? "/" : "",
                    (int) platform->variant.len,
                    platform->variant.len ? platform->variant.data : "");

    memcpy(err->platform, wanted, sizeof(wanted));

    schema1_list_platforms(entries, list, sizeof(list));

    schema1_error_set(err, SCHEMA1_NO_PLATFORM,
                      "the tag names a list of images, and none of them is "
                      "for %s%s%s; build the image for it, or set another "
                      "schema_conversion_platform", wanted,
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
