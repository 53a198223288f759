
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "schema1_convert.h"
#include "schema1_decode.h"
#include "schema1_digest.h"
#include "schema1_payload.h"
#include "schema1_time.h"


/* hex SHA-256 */
#define SCHEMA1_ID_SIZE  64

/* "<" in a string of a string */
#define SCHEMA1_MAX_ESCAPE  (sizeof("\\\\u003c") - 1)

/* what is set in the newest entry, instead of what the config says */
#define SCHEMA1_ADDED_SIZE                                                    \
    (sizeof("{\"id\":\"\",\"parent\":\"\",\"throwaway\":true}")               \
     + 2 * SCHEMA1_ID_SIZE)

/* what a history entry and its layer take without text: about, at most */
#define SCHEMA1_ENTRY_SIZE  512
#define SCHEMA1_MAX_ENTRY   1024


typedef struct {
    schema1_str_t             created;
    schema1_str_t             author;
    schema1_str_t             created_by;
    schema1_str_t             comment;
    bool                      empty;
    const schema1_str_t      *blob;
} schema1_entry_t;


typedef struct {
    bool                      there;
    schema1_str_t             type;
    size_t                    diff_ids;
    schema1_str_t             base_layer;
} schema1_rootfs_t;


/* tokens of the config, as the decoder leaves them */

typedef struct {
    schema1_rootfs_t          rootfs;
    schema1_array_t           history;
    schema1_str_t             architecture;
    schema1_str_t             created;
} schema1_image_t;


/* a member of the newest entry; there may be many: 16 bytes each */

typedef struct {
    const char               *name;
    uint32_t                  name_len;
    uint32_t                  prefix;       /* most differ in this already */
} schema1_payload_member_t;


typedef struct {
    const schema1_manifest_t *manifest;
    schema1_str_t             config;
    schema1_str_t             name;
    schema1_str_t             tag;
    schema1_image_t           image;
    schema1_entry_t          *entries;      /* base layer first */
    size_t                    n;
    char                    (*ids)[SCHEMA1_ID_SIZE];    /* the base's first */
    char                      created[SCHEMA1_TIME_SIZE];
    size_t                    created_len;  /* of synthesized entries, or 0 */
    bool                      based;
    schema1_str_t             added;        /* as an object */
    char                      text[SCHEMA1_ADDED_SIZE];
    schema1_payload_member_t *members;      /* sorted by name */
    size_t                    nmembers;
    schema1_writer_t          out;
    schema1_error_t          *err;
} schema1_conversion_t;


static int schema1_payload_image(schema1_conversion_t *c);
static int schema1_payload_history(schema1_conversion_t *c);
static int schema1_payload_synthesize_history(schema1_conversion_t *c);
static size_t schema1_payload_created(char to[SCHEMA1_TIME_SIZE],
    schema1_str_t token);
static int schema1_payload_ids(schema1_conversion_t *c);
static int schema1_payload_id(schema1_conversion_t *c, EVP_MD_CTX *md,
    size_t i);
static int schema1_payload_base(schema1_conversion_t *c);
static int schema1_payload_members(schema1_conversion_t *c);
static void schema1_payload_collect(schema1_conversion_t *c,
    schema1_str_t document);
static bool schema1_payload_dropped(const schema1_conversion_t *c,
    schema1_str_t name);
static int schema1_payload_sort(const void *one, const void *two);
static schema1_str_t schema1_payload_name(
    const schema1_payload_member_t *member);
static int schema1_payload_append(schema1_conversion_t *c,
    schema1_buf_t *payload);
static void schema1_payload_write(schema1_conversion_t *c);
static void schema1_payload_write_layers(schema1_conversion_t *c);
static void schema1_payload_write_history(schema1_conversion_t *c);
static void schema1_payload_write_entry(schema1_conversion_t *c, size_t i);
static void schema1_payload_write_config(schema1_conversion_t *c);


static const schema1_field_t  schema1_rootfs_fields[] = {
    schema1_field("type", STRING, schema1_rootfs_t, type),
    schema1_field("diff_ids", STRINGS, schema1_rootfs_t, diff_ids),
    schema1_field("base_layer", STRING, schema1_rootfs_t, base_layer),
    schema1_end
};


static const schema1_field_t  schema1_entry_fields[] = {
    schema1_field("created", TIME, schema1_entry_t, created),
    schema1_field("author", STRING, schema1_entry_t, author),
    schema1_field("created_by", STRING, schema1_entry_t, created_by),
    schema1_field("comment", STRING, schema1_entry_t, comment),
    schema1_field("empty_layer", BOOL, schema1_entry_t, empty),
    schema1_end
};


static const schema1_field_t  schema1_image_fields[] = {
    schema1_fields("rootfs", POINTER, schema1_image_t, rootfs,
                   schema1_rootfs_fields, schema1_rootfs_t),
    schema1_fields("history", ARRAY, schema1_image_t, history,
                   schema1_entry_fields, schema1_entry_t),
    schema1_field("architecture", STRING, schema1_image_t, architecture),
    schema1_field("created", RAW, schema1_image_t, created),
    schema1_end
};


int
schema1_payload_build(const schema1_manifest_t *manifest,
    schema1_str_t config, schema1_str_t name, schema1_str_t tag,
    schema1_buf_t *payload, size_t *entries, schema1_error_t *err)
{
    int                   rc;
    schema1_conversion_t  c;

    memset(&c, 0, sizeof(schema1_conversion_t));

    c.manifest = manifest;
    c.config = config;
    c.name = name;
    c.tag = tag;
    c.err = err;

    rc = SCHEMA1_ERROR;

    if (schema1_payload_image(&c) == SCHEMA1_OK
        && schema1_payload_ids(&c) == SCHEMA1_OK
        && schema1_payload_members(&c) == SCHEMA1_OK)
    {
        rc = schema1_payload_append(&c, payload);
        *entries = c.n;
    }

    schema1_array_free(&c.image.history);
    free(c.ids);
    free(c.members);

    return rc;
}


static int
schema1_payload_image(schema1_conversion_t *c)
{
    if (c->config.len > UINT32_MAX) {
        schema1_error_set(c->err, SCHEMA1_TOO_LARGE,
                          "the config of the image is larger than 4 GiB");
        return SCHEMA1_ERROR;
    }

    if (schema1_decode(c->config, schema1_image_fields, &c->image, NULL,
                       "config of the image", SCHEMA1_INVALID_CONFIG, c->err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    if (!c->image.rootfs.there) {
        schema1_error_set(c->err, SCHEMA1_INVALID_CONFIG,
                          "the config of the image has no \"rootfs\", so it "
                          "is not a container image's; build and push the "
                          "image again");
        return SCHEMA1_ERROR;
    }

    if (c->image.rootfs.diff_ids != c->manifest->nlayers) {
        schema1_error_set(c->err, SCHEMA1_INVALID_CONFIG,
                          "the config of the image lists %zu layers in "
                          "\"diff_ids\", and the manifest %zu; build and push "
                          "the image again",
                          c->image.rootfs.diff_ids, c->manifest->nlayers);
        return SCHEMA1_ERROR;
    }

    return schema1_payload_history(c);
}


static int
schema1_payload_history(schema1_conversion_t *c)
{
    size_t            i, layers;
    schema1_array_t  *history;

    history = &c->image.history;

    c->n = history->n;
    c->entries = history->items;

    for (i = 0, layers = 0; i < c->n; i++) {
        if (!c->entries[i].empty) {
            layers++;
        }
    }

    if (c->n == 0 || layers != c->manifest->nlayers) {
        return schema1_payload_synthesize_history(c);
    }

    return SCHEMA1_OK;
}


/*
 * "If a config has no history, or its non-empty history entries do not match
 * the layers one to one, the module synthesizes one entry for each layer,
 * {"created": <the config's, where it is a time>}".
 */

static int
schema1_payload_synthesize_history(schema1_conversion_t *c)
{
    schema1_array_t  *history;

    history = &c->image.history;

    c->n = c->manifest->nlayers;

    if (c->n == 0) {
        schema1_error_set(c->err, SCHEMA1_INVALID_CONFIG,
                          "the image has %s, so there is nothing that an old "
                          "client could pull", history->n
                          ? "no layers" : "neither layers nor history");
        return SCHEMA1_ERROR;
    }

    schema1_array_free(history);

    history->items = calloc(c->n, sizeof(schema1_entry_t));
    if (history->items == NULL) {
        return schema1_error_no_memory(c->err);
    }

    c->entries = history->items;

    /* once for all entries: the config's time may have millions of digits */

    c->created_len = schema1_payload_created(c->created, c->image.created);

    return SCHEMA1_OK;
}


/* a value that is not a time becomes Go's zero time */

static size_t
schema1_payload_created(char to[SCHEMA1_TIME_SIZE], schema1_str_t token)
{
    schema1_time_t  t;

    if (schema1_time_parse(&t, token) != SCHEMA1_OK) {
        memcpy(to, SCHEMA1_TIME_ZERO, sizeof(SCHEMA1_TIME_ZERO) - 1);
        return sizeof(SCHEMA1_TIME_ZERO) - 1;
    }

    return schema1_time_format(&t, to);
}


static int
schema1_payload_ids(schema1_conversion_t *c)
{
    int                         rc;
    size_t                      i, layer;
    EVP_MD_CTX                 *md;
    schema1_entry_t            *entry;
    static const schema1_str_t  empty =
        schema1_string(SCHEMA1_EMPTY_LAYER_DIGEST);

    c->ids = malloc((c->n + 1) * SCHEMA1_ID_SIZE);
    md = EVP_MD_CTX_new();

    rc = (c->ids && md) ? schema1_payload_base(c) : SCHEMA1_ERROR;

    for (i = 0, layer = 0; i < c->n && rc == SCHEMA1_OK; i++) {
        entry = &c->entries[i];
        entry->blob = entry->empty ? &empty
                                   : &c->manifest->layers[layer++].digest;

        rc = schema1_payload_id(c, md, i);
    }

    EVP_MD_CTX_free(md);

    if (rc != SCHEMA1_OK) {
        ERR_clear_error();
        return schema1_error_no_memory(c->err);
    }

    return SCHEMA1_OK;
}


static int
schema1_payload_id(schema1_conversion_t *c, EVP_MD_CTX *md, size_t i)
{
    schema1_str_t  blob;
    unsigned char  hash[EVP_MAX_MD_SIZE];

    blob = schema1_digest_hex(*c->entries[i].blob);

    if (EVP_DigestInit_ex(md, schema1_digest_sha256(), NULL) != 1
        || EVP_DigestUpdate(md, blob.data, blob.len) != 1
        || EVP_DigestUpdate(md, " ", 1) != 1
        || (i > 0 && EVP_DigestUpdate(md, c->ids[i], SCHEMA1_ID_SIZE) != 1)
        || (i == c->n - 1
            && (EVP_DigestUpdate(md, " ", 1) != 1
                || EVP_DigestUpdate(md, c->config.data, c->config.len) != 1))
        || EVP_DigestFinal_ex(md, hash, NULL) != 1)
    {
        return SCHEMA1_ERROR;
    }

    schema1_hex_encode(c->ids[i + 1], hash, SCHEMA1_ID_SIZE / 2);

    return SCHEMA1_OK;
}


/* the first parent of a Windows image: a base layer that no registry has */

static int
schema1_payload_base(schema1_conversion_t *c)
{
    int             rc;
    char           *base;
    size_t          len;
    schema1_str_t   token;
    unsigned char   hash[EVP_MAX_MD_SIZE];

    token = c->image.rootfs.base_layer;

    if (token.len <= sizeof("\"\"") - 1) {
        return SCHEMA1_OK;
    }

    len = schema1_json_decode(token, NULL, 0);

    base = malloc(len);
    if (base == NULL) {
        return SCHEMA1_ERROR;
    }

    (void) schema1_json_decode(token, base, len);
    rc = EVP_Digest(base, len, hash, NULL, EVP_sha384(), NULL);
    free(base);

    if (rc != 1) {
        return SCHEMA1_ERROR;
    }

    schema1_hex_encode(c->ids[0], hash, SCHEMA1_ID_SIZE / 2);
    c->based = true;

    return SCHEMA1_OK;
}


static int
schema1_payload_members(schema1_conversion_t *c)
{
    const char  *parent, *throwaway;

    parent = c->n > 1 ? ",\"parent\":\"" : "";
    throwaway = c->entries[c->n - 1].empty ? ",\"throwaway\":true" : "";

    c->added.data = c->text;

    /* the caller frees c->ids: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    c->added.len = (size_t) snprintf(c->text, sizeof(c->text),
                                     "{\"id\":\"%.*s\"%s%.*s%s%s}",
                                     SCHEMA1_ID_SIZE, c->ids[c->n], parent,
                                     *parent ? SCHEMA1_ID_SIZE : 0,
                                     c->ids[c->n - 1], *parent ? "\"" : "",
                                     throwaway);

    schema1_payload_collect(c, c->config);
    schema1_payload_collect(c, c->added);

    c->members = malloc(c->nmembers * sizeof(schema1_payload_member_t));
    if (c->members == NULL) {
        return schema1_error_no_memory(c->err);
    }

    c->nmembers = 0;

    schema1_payload_collect(c, c->config);
    schema1_payload_collect(c, c->added);

    qsort(c->members, c->nmembers, sizeof(schema1_payload_member_t),
          schema1_payload_sort);

    return SCHEMA1_OK;
}


/* counts the members until there is an array of them */

static void
schema1_payload_collect(schema1_conversion_t *c, schema1_str_t document)
{
    schema1_str_t              name;
    schema1_json_t             json;
    schema1_payload_member_t  *member;

    schema1_json_open(&json, document);
    schema1_json_enter(&json);

    while (schema1_json_member(&json, &name)) {
        (void) schema1_json_value(&json);

        if (document.data == c->config.data
            && schema1_payload_dropped(c, name))
        {
            continue;
        }

        if (c->members != NULL) {
            member = &c->members[c->nmembers];
            member->name = name.data;
            member->name_len = (uint32_t) name.len;
            member->prefix = schema1_json_prefix(name);
        }

        c->nmembers++;
    }
}


/*
 * A "parent" or "throwaway" that was not set here would make Docker refuse or
 * skip the layer, in any spelling that Go accepts.
 */

static bool
schema1_payload_dropped(const schema1_conversion_t *c, schema1_str_t name)
{
    if (schema1_json_is(name, "rootfs") || schema1_json_is(name, "history")
        || schema1_json_is(name, "id"))
    {
        return true;
    }

    if (c->n > 1 ? schema1_json_is(name, "parent")
                 : schema1_json_is_like(name, "parent"))
    {
        return true;
    }

    return c->entries[c->n - 1].empty
           ? schema1_json_is(name, "throwaway")
           : schema1_json_is_like(name, "throwaway");
}


static int
schema1_payload_sort(const void *one, const void *two)
{
    int                              order;
    const schema1_payload_member_t  *m1, *m2;

    m1 = one;
    m2 = two;

    if (m1->prefix != m2->prefix) {
        return m1->prefix < m2->prefix ? -1 : 1;
    }

    order = schema1_json_compare(schema1_payload_name(m1),
                                 schema1_payload_name(m2));
    if (order) {
        return order;
    }

    return m1->name < m2->name ? -1 : m1->name > m2->name;
}


static schema1_str_t
schema1_payload_name(const schema1_payload_member_t *member)
{
    schema1_str_t  name;

    name.data = member->name;
    name.len = member->name_len;

    return name;
}


/*
 * Most payloads are written once, into a buffer that has room for their
 * signature too.  One that does not fit is counted, and written again: it is
 * allocated exactly.  An escape is seven bytes for one at most; only a huge
 * architecture, which is written twice, comes to more.
 */

static int
schema1_payload_append(schema1_conversion_t *c, schema1_buf_t *payload)
{
    size_t  start, size;

    start = payload->len;
    size = c->config.len + c->config.len / 2 + SCHEMA1_ENTRY_SIZE * (c->n + 4);

    if (payload->limit && size > payload->limit - start) {
        size = payload->limit - start;
    }

    for ( ;; ) {
        schema1_buf_reserve(payload, size);

        if (payload->failed) {
            return schema1_error_buf(c->err, payload);
        }

        c->out.buf = payload;
        c->out.len = 0;

        schema1_payload_write(c);

        if (c->out.len / SCHEMA1_MAX_ESCAPE
            > c->config.len + SCHEMA1_MAX_ENTRY * (c->n + 1))
        {
            payload->len = start;
            schema1_error_set(c->err, SCHEMA1_TOO_LARGE,
                              "the manifest generated from the config would "
                              "be %zu bytes large, which is out of "
                              "proportion; build and push the image again",
                              c->out.len);
            return SCHEMA1_ERROR;
        }

        if (c->out.buf != NULL) {
            return SCHEMA1_OK;
        }

        payload->len = start;
        size = c->out.len;
    }
}


static void
schema1_payload_write(schema1_conversion_t *c)
{
    schema1_json_write_ascii(&c->out, "{\n   \"schemaVersion\": 1,\n"
                                      "   \"name\": \"");
    schema1_json_write(&c->out, c->name.data, c->name.len);
    schema1_json_write_ascii(&c->out, "\",\n   \"tag\": \"");
    schema1_json_write(&c->out, c->tag.data, c->tag.len);
    schema1_json_write_ascii(&c->out, "\",\n   \"architecture\": ");
    schema1_json_write_string(&c->out, c->image.architecture);
    schema1_json_write_ascii(&c->out, ",\n   \"fsLayers\": [");
    schema1_payload_write_layers(c);
    schema1_json_write_ascii(&c->out, "\n   ],\n   \"history\": [");
    schema1_payload_write_history(c);
    schema1_json_write_ascii(&c->out, "\n   ]\n}");
}


static void
schema1_payload_write_layers(schema1_conversion_t *c)
{
    size_t                i;
    const schema1_str_t  *blob;

    for (i = c->n; i-- > 0; /* void */ ) {
        blob = c->entries[i].blob;

        schema1_json_write_ascii(&c->out, "\n      {\n"
                                          "         \"blobSum\": \"");
        schema1_json_write(&c->out, blob->data, blob->len);
        schema1_json_write_ascii(&c->out, i ? "\"\n      }," : "\"\n      }");
    }
}


static void
schema1_payload_write_history(schema1_conversion_t *c)
{
    size_t  i;

    for (i = c->n; i-- > 0; /* void */ ) {
        schema1_json_write_ascii(&c->out, "\n      {\n"
                                          "         \"v1Compatibility\": \"");

        c->out.nested = true;

        if (i == c->n - 1) {
            schema1_payload_write_config(c);

        } else {
            schema1_payload_write_entry(c, i);
        }

        c->out.nested = false;

        schema1_json_write_ascii(&c->out, i ? "\"\n      }," : "\"\n      }");
    }
}


static void
schema1_payload_write_entry(schema1_conversion_t *c, size_t i)
{
    char                    text[SCHEMA1_TIME_SIZE];
    const schema1_entry_t  *entry;

    entry = &c->entries[i];

    schema1_json_write_ascii(&c->out, "{\"id\":\"");
    schema1_json_write(&c->out, c->ids[i + 1], SCHEMA1_ID_SIZE);

    if (i > 0 || c->based) {
        schema1_json_write_ascii(&c->out, "\",\"parent\":\"");
        schema1_json_write(&c->out, c->ids[i], SCHEMA1_ID_SIZE);
    }

    schema1_json_write(&c->out, "\"", 1);

    if (entry->comment.len > sizeof("\"\"") - 1) {
        schema1_json_write_ascii(&c->out, ",\"comment\":");
        schema1_json_write_string(&c->out, entry->comment);
    }

    schema1_json_write_ascii(&c->out, ",\"created\":\"");

    if (c->created_len) {
        schema1_json_write(&c->out, c->created, c->created_len);

    } else {
        schema1_json_write(&c->out, text,
                           schema1_payload_created(text, entry->created));
    }

    schema1_json_write_ascii(&c->out, "\",\"container_config\":{\"Cmd\":[");
    schema1_json_write_string(&c->out, entry->created_by);
    schema1_json_write_ascii(&c->out, "]}");

    if (entry->author.len > sizeof("\"\"") - 1) {
        schema1_json_write_ascii(&c->out, ",\"author\":");
        schema1_json_write_string(&c->out, entry->author);
    }

    schema1_json_write_ascii(&c->out, entry->empty ? ",\"throwaway\":true}"
                                                   : "}");
}


/* the newest entry: the config's members and those added, sorted by name */

static void
schema1_payload_write_config(schema1_conversion_t *c)
{
    size_t                           i;
    const char                      *open;
    schema1_str_t                    name;
    schema1_json_t                   json;
    const schema1_payload_member_t  *member;

    open = "{";

    for (i = 0; i < c->nmembers; i++) {
        member = &c->members[i];

        /* of members of one name the last counts */

        if (i + 1 < c->nmembers
            && member->prefix == member[1].prefix
            && schema1_json_compare(schema1_payload_name(member),
                                    schema1_payload_name(member + 1)) == 0)
        {
            continue;
        }

        /* what was added is in a document of its own */

        schema1_json_open(&json, member->name >= c->text
                                 && member->name < c->text + sizeof(c->text)
                                 ? c->added : c->config);
        json.pos = member->name;

        (void) schema1_json_member(&json, &name);

        schema1_json_write(&c->out, open, 1);
        schema1_json_write_string(&c->out, name);
        schema1_json_write(&c->out, ":", 1);
        schema1_json_write_compact(&c->out, schema1_json_value(&json));

        open = ",";
    }

    schema1_json_write(&c->out, "}", 1);
}
