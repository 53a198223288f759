
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* manifests and lists: told, read, searched, made schema 2 and read again */

#include "fuzz_manifest.h"
#include "schema1_convert.h"
#include "schema1_digest.h"
#include "schema1_json.h"


static void manifest_check_told(schema1_str_t document);
static void manifest_check_read(schema1_str_t document, size_t items);
static void manifest_check_tree(const schema1_manifest_t *manifest,
    schema1_str_t document);
static void manifest_check_schema2(const schema1_manifest_t *manifest);
static void manifest_check_list(schema1_str_t document, bool nested,
    size_t items);
static void manifest_check_descriptor(const schema1_descriptor_t *descriptor);
static size_t manifest_bound(schema1_str_t document, size_t items);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char           *copy;
    size_t          i, items;
    schema1_str_t   document;

    copy = fuzz_copy(&document, data, size);

    for (i = 0, items = 0; i < size; i++) {
        if (data[i] == ',') {
            items++;
        }
    }

    manifest_check_told(document);
    manifest_check_read(document, items);
    manifest_check_list(document, false, items);
    manifest_check_list(document, true, items);

    free(copy);

    return 0;
}


static void
manifest_check_told(schema1_str_t document)
{
    fuzz_tree_t       tree;
    schema1_buf_t     buf;
    schema1_type_e    type;
    schema1_writer_t  writer;

    type = fuzz_sniff(document, SCHEMA1_TYPE_GENERIC);

    fuzz_check(type != SCHEMA1_TYPE_GENERIC && type <= SCHEMA1_TYPE_OTHER);

    fuzz_parse(&tree, document);

    if (tree.root == NULL || tree.root->type != FUZZ_OBJECT) {
        fuzz_check(type == SCHEMA1_TYPE_OTHER);
    }

    if (tree.root != NULL) {
        memset(&buf, 0, sizeof(schema1_buf_t));
        memset(&writer, 0, sizeof(schema1_writer_t));

        schema1_buf_reserve(&buf, 6 * document.len + 1);
        writer.buf = &buf;
        schema1_json_write_compact(&writer, document);

        fuzz_check(fuzz_sniff(fuzz_buf(&buf), SCHEMA1_TYPE_GENERIC)
                   == type);

        schema1_buf_free(&buf);
    }

    fuzz_parse_free(&tree);
}


static void
manifest_check_read(schema1_str_t document, size_t items)
{
    size_t              i;
    schema1_error_t     err;
    schema1_manifest_t  manifest;

    memset(&err, 0, sizeof(schema1_error_t));

    fuzz_memory_start();

    if (fuzz_manifest_read(&manifest, document, &err) != SCHEMA1_OK) {
        fuzz_check_error(&err);
        fuzz_check(err.reason == SCHEMA1_INVALID_MANIFEST
                   || err.reason == SCHEMA1_DIGEST_UNSUPPORTED
                   || err.reason == SCHEMA1_TOO_MANY);
        fuzz_check(manifest.memory == NULL);
        fuzz_check(fuzz_memory_peak() <= manifest_bound(document, items));
        return;
    }

    fuzz_check(fuzz_memory_peak() <= manifest_bound(document, items));
    fuzz_check(manifest.nlayers <= SCHEMA1_MAX_ITEMS);

    manifest_check_descriptor(&manifest.config);

    for (i = 0; i < manifest.nlayers; i++) {
        manifest_check_descriptor(&manifest.layers[i]);
    }

    manifest_check_tree(&manifest, document);

    if (schema1_convert_check(&manifest, &err) == SCHEMA1_OK) {
        manifest_check_schema2(&manifest);

    } else {
        fuzz_check_error(&err);
        fuzz_check(err.reason == SCHEMA1_FOREIGN_LAYER
                   || err.reason == SCHEMA1_ENCRYPTED_LAYER
                   || err.reason == SCHEMA1_LAYER_COMPRESSION
                   || err.reason == SCHEMA1_NOT_AN_IMAGE);
    }

    schema1_manifest_free(&manifest);
}


/* the layers are those of the document, all of them, in its order */

static void
manifest_check_tree(const schema1_manifest_t *manifest,
    schema1_str_t document)
{
    size_t              i;
    fuzz_tree_t         tree;
    const fuzz_node_t  *config, *layers, *layer, *digest;

    fuzz_parse(&tree, document);

    fuzz_check(tree.root != NULL && tree.root->type == FUZZ_OBJECT);

    layers = fuzz_member(tree.root, "layers");
    config = fuzz_member(tree.root, "config");

    if (fuzz_members(tree.root, "layers") <= 1) {
        fuzz_check(manifest->nlayers == (layers ? fuzz_count(layers) : 0));

        layer = layers ? layers->child : NULL;

        for (i = 0; i < manifest->nlayers; i++) {
            fuzz_check(layer->type == FUZZ_OBJECT);

            digest = fuzz_member(layer, "digest");
            fuzz_check(digest != NULL
                       && fuzz_same(digest->text,
                                    manifest->layers[i].digest));
            layer = layer->next;
        }
    }

    if (fuzz_members(tree.root, "config") == 1) {
        digest = fuzz_member(config, "digest");
        fuzz_check(digest != NULL
                   && fuzz_same(digest->text, manifest->config.digest));
    }

    fuzz_parse_free(&tree);
}


static void
manifest_check_schema2(const schema1_manifest_t *manifest)
{
    size_t              i;
    schema1_buf_t       made, again;
    schema1_error_t     err;
    schema1_manifest_t  second;

    memset(&made, 0, sizeof(schema1_buf_t));
    memset(&again, 0, sizeof(schema1_buf_t));

    fuzz_check(schema1_convert_schema2(manifest, &made, &err) == SCHEMA1_OK);
    fuzz_check(fuzz_sniff(fuzz_buf(&made), SCHEMA1_TYPE_GENERIC)
               == SCHEMA1_TYPE_SCHEMA2);
    fuzz_check(fuzz_manifest_read(&second, fuzz_buf(&made), &err)
               == SCHEMA1_OK);
    fuzz_check(schema1_convert_check(&second, &err) == SCHEMA1_OK);

    fuzz_check(second.nlayers == manifest->nlayers);
    fuzz_check(fuzz_same(second.config.digest, manifest->config.digest));
    fuzz_check(second.config.size == manifest->config.size
               || manifest->config.size <= 0);

    for (i = 0; i < second.nlayers; i++) {
        fuzz_check(fuzz_same(second.layers[i].digest,
                             manifest->layers[i].digest));
        fuzz_check(second.layers[i].size == manifest->layers[i].size
                   || manifest->layers[i].size <= 0);
    }

    fuzz_check(schema1_convert_schema2(&second, &again, &err) == SCHEMA1_OK);
    fuzz_check(fuzz_same(fuzz_buf(&made), fuzz_buf(&again)));

    schema1_manifest_free(&second);
    schema1_buf_free(&made);
    schema1_buf_free(&again);
}


static void
manifest_check_list(schema1_str_t document, bool nested, size_t items)
{
    size_t              i;
    schema1_child_t     child;
    schema1_error_t     err;
    schema1_platform_t  platform;

    static const char  *platforms[] = {
        "linux/amd64", "linux/arm/v7", "windows/amd64", "linux/arm64/v8"
    };

    for (i = 0; i < sizeof(platforms) / sizeof(platforms[0]); i++) {

        memset(&err, 0, sizeof(schema1_error_t));

        fuzz_check(schema1_platform_read(&platform, fuzz_text(platforms[i]))
                   == SCHEMA1_OK);

        fuzz_memory_start();

        if (fuzz_list_find(&child, document, &platform, nested, &err)
            != SCHEMA1_OK)
        {
            fuzz_check_error(&err);
            fuzz_check(err.reason == SCHEMA1_INVALID_MANIFEST
                       || err.reason == SCHEMA1_NO_PLATFORM
                       || err.reason == SCHEMA1_DIGEST_UNSUPPORTED
                       || err.reason == SCHEMA1_TOO_MANY);
            fuzz_check(child.memory == NULL);
            continue;
        }

        fuzz_check(fuzz_memory_peak() <= manifest_bound(document, items));

        manifest_check_descriptor(&child.descriptor);

        fuzz_check(child.type
                   == schema1_media_type(child.descriptor.media_type));
        fuzz_check(!nested || (child.type != SCHEMA1_TYPE_LIST
                               && child.type != SCHEMA1_TYPE_OCI_INDEX));

        schema1_list_child_free(&child);
    }
}


static void
manifest_check_descriptor(const schema1_descriptor_t *descriptor)
{
    fuzz_check(schema1_digest_valid(descriptor->digest));
    fuzz_check(descriptor->digest.data[descriptor->digest.len] == '\0');
    fuzz_check(descriptor->media_type.data[descriptor->media_type.len]
               == '\0');
}


/* a descriptor takes 136 bytes, and up to three times that as they grow */

static size_t
manifest_bound(schema1_str_t document, size_t items)
{
    if (items > SCHEMA1_MAX_ITEMS) {
        items = SCHEMA1_MAX_ITEMS;
    }

    return 8 * document.len + 3 * 160 * (items + 16) + 1024;
}
