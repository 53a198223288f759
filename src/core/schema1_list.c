
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdio.h>
#include <stdlib.h>

#include "schema1_digest.h"
#include "schema1_list.h"
#include "schema1_sniff.h"


/* of a part of a platform in a message: longer ones are left out */
#define SCHEMA1_PART_SIZE  40


static bool schema1_list_images_usable(const schema1_array_t *entries,
    const schema1_accept_t *accept);
static bool schema1_list_entry_usable(const schema1_raw_descriptor_t *entry,
    const schema1_accept_t *accept);
static const schema1_raw_descriptor_t *schema1_list_choose(
    const schema1_array_t *entries, const schema1_platform_t *platform,
    bool nested);
static bool schema1_list_is_attestation(
    const schema1_raw_descriptor_t *entry);
static bool schema1_list_is_zstd(const schema1_raw_descriptor_t *entry);
static unsigned schema1_list_rank(const schema1_raw_descriptor_t *entry,
    const schema1_platform_t *platform);
static int schema1_list_no_platform(const schema1_array_t *entries,
    const schema1_platform_t *platform, schema1_error_t *err);
static void schema1_list_platforms(const schema1_array_t *entries, char *list,
    size_t size);
static schema1_str_t schema1_list_part(schema1_str_t token);
static size_t schema1_list_print(char *to, size_t size,
    const schema1_platform_t *platform);


int
schema1_list_find(schema1_child_t *child, const schema1_raw_manifest_t *raw,
    const schema1_platform_t *platform, bool nested, schema1_error_t *err)
{
    const schema1_raw_descriptor_t  *entry;

    memset(child, 0, sizeof(schema1_child_t));

    if (schema1_raw_manifest_check(raw, true, err) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    entry = schema1_list_choose(&raw->manifests, platform, nested);
    if (entry == NULL) {
        return schema1_list_no_platform(&raw->manifests, platform, err);
    }

    child->memory = malloc(schema1_raw_descriptor_size(entry));
    if (child->memory == NULL) {
        return schema1_error_no_memory(err);
    }

    (void) schema1_raw_descriptor_copy(&child->descriptor, entry,
                                       child->memory);

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

bool
schema1_list_usable(const schema1_raw_manifest_t *raw,
    const schema1_accept_t *accept, const schema1_platform_t *platform)
{
    schema1_error_t                  err;
    const schema1_raw_descriptor_t  *entry;

    if (schema1_raw_manifest_check(raw, true, &err) != SCHEMA1_OK) {
        return true;
    }

    if (!schema1_list_images_usable(&raw->manifests, accept)) {
        return false;
    }

    if (platform == NULL) {
        return true;
    }

    entry = schema1_list_choose(&raw->manifests, platform, false);

    return entry == NULL || schema1_list_entry_usable(entry, accept);
}


static bool
schema1_list_images_usable(const schema1_array_t *entries,
    const schema1_accept_t *accept)
{
    bool                             images;
    size_t                           i;
    const schema1_raw_descriptor_t  *entry;

    images = false;
    entry = entries->items;

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


static const schema1_raw_descriptor_t *
schema1_list_choose(const schema1_array_t *entries,
    const schema1_platform_t *platform, bool nested)
{
    bool                             list, placed;
    size_t                           i;
    unsigned                         rank, best;
    const schema1_raw_descriptor_t  *entry, *found, *image, *index;

    best = 0;
    found = NULL;
    image = NULL;
    index = NULL;
    placed = false;
    entry = entries->items;

    for (i = 0; i < entries->n; i++, entry++) {

        list = schema1_media_type_is_list(
                                       schema1_sniff_type(entry->media_type));

        if (list && nested) {
            continue;
        }

        /* of a token up to two bytes are quotes */

        if (entry->platform.os.len <= 2
            && entry->platform.architecture.len <= 2)
        {
            if (list && index == NULL) {
                index = entry;
            }

            if (!list && image == NULL && entry->digest.len != 0) {
                image = entry;
            }

            continue;
        }

        rank = schema1_list_rank(entry, platform);

        if (rank && (found == NULL || rank < best)) {
            best = rank;
            found = entry;
        }

        placed |= !schema1_list_is_attestation(entry);
    }

    /*
     * "Entries without a platform never match either, unless no entry other
     * than attestations has a platform.  In that case the first image is
     * selected."
     */

    if (found == NULL) {
        found = (image && !placed) ? image : index;
    }

    return found;
}


static bool
schema1_list_is_attestation(const schema1_raw_descriptor_t *entry)
{
    return schema1_json_is(entry->platform.os, "unknown")
           && schema1_json_is(entry->platform.architecture, "unknown");
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


/* 0: it does not match; a part that is longer than any platform is no match */

static unsigned
schema1_list_rank(const schema1_raw_descriptor_t *entry,
    const schema1_platform_t *platform)
{
    char                os[SCHEMA1_PLATFORM_MAX];
    char                architecture[SCHEMA1_PLATFORM_MAX];
    char                variant[SCHEMA1_PLATFORM_MAX];
    unsigned            rank;
    schema1_platform_t  own;

    own.os = schema1_json_text(entry->platform.os, os, sizeof(os));
    own.architecture = schema1_json_text(entry->platform.architecture,
                                         architecture, sizeof(architecture));
    own.variant = schema1_json_text(entry->platform.variant, variant,
                                    sizeof(variant));

    rank = schema1_platform_rank(platform, &own);

    return rank ? 2 * rank + schema1_list_is_zstd(entry) : 0;
}


static int
schema1_list_no_platform(const schema1_array_t *entries,
    const schema1_platform_t *platform, schema1_error_t *err)
{
    char  list[200];

    (void) schema1_list_print(err->platform, sizeof(err->platform), platform);

    schema1_list_platforms(entries, list, sizeof(list));

    schema1_error_set(err, SCHEMA1_NO_PLATFORM,
                      "the tag names a list of images, and none of them is "
                      "for %s%s%s; build the image for it, or set another "
                      "schema_conversion_platform", err->platform,
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
    char                             text[3 * SCHEMA1_PART_SIZE];
    size_t                           i, len, n;
    schema1_platform_t               own;
    const schema1_raw_descriptor_t  *entry;

    static const char  more[] = "and others";

    /* a space on both sides, so that a part of a platform is not found */

    len = 1;
    memcpy(list, " ", 2);
    memcpy(text, " ", 2);

    entry = entries->items;

    for (i = 0; i < entries->n; i++, entry++) {
        own.os = schema1_list_part(entry->platform.os);
        own.architecture = schema1_list_part(entry->platform.architecture);
        own.variant = schema1_list_part(entry->platform.variant);

        if (own.os.len == 0 || own.architecture.len == 0) {
            continue;
        }

        n = schema1_list_print(text + 1, sizeof(text) - 1, &own) + 1;
        memcpy(text + n, " ", 2);

        if (strcmp(text, " unknown/unknown ") == 0 || strstr(list, text)) {
            continue;
        }

        if (len + n + sizeof(more) > size) {
            memcpy(list + len, more, sizeof(more));
            return;
        }

        memcpy(list + len, text + 1, n + 1);
        len += n;
    }

    list[len - 1] = '\0';
}


/* as it is in the document; empty if it is too long */

static schema1_str_t
schema1_list_part(schema1_str_t token)
{
    static const schema1_str_t  none = schema1_string("");

    if (token.len <= 2 || token.len >= SCHEMA1_PART_SIZE) {
        return none;
    }

    token.data++;
    token.len -= 2;

    return token;
}


static size_t
schema1_list_print(char *to, size_t size, const schema1_platform_t *platform)
{
    return (size_t) snprintf(to, size, "%.*s/%.*s%s%.*s",
                             (int) platform->os.len, platform->os.data,
                             (int) platform->architecture.len,
                             platform->architecture.data,
                             platform->variant.len ? "/" : "",
                             (int) platform->variant.len,
                             platform->variant.data);
}
