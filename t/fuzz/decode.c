
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* the decoder of structs, by a table with a member of every type */

#include "fuzz.h"
#include "schema1_decode.h"


typedef struct {
    schema1_str_t      string;
    schema1_str_t      number;
} decode_item_t;


typedef struct {
    bool               there;
    schema1_str_t      string;
    bool               flag;
} decode_pointer_t;


typedef struct {
    schema1_str_t      string;
    schema1_str_t      number;
    schema1_str_t      time;
    schema1_str_t      loose;
    bool               flag;
    schema1_str_t      seen;
    size_t             strings;
    schema1_str_t      map;
    decode_item_t      inner;
    decode_pointer_t   pointer;
    schema1_array_t    items;
} decode_t;


static void decode_check(const decode_t *to, const fuzz_node_t *root,
    schema1_str_t document);
static void decode_check_members(const decode_t *to, const fuzz_node_t *root,
    schema1_str_t document);
static void decode_check_refused(schema1_str_t document,
    const fuzz_node_t *root);
static void decode_check_string(schema1_str_t token, const fuzz_node_t *root,
    const char *name);
static bool decode_within(schema1_str_t token, schema1_str_t document);


static const schema1_field_t  decode_item_fields[] = {
    schema1_field("string", STRING, decode_item_t, string),
    schema1_field("number", INT, decode_item_t, number),
    schema1_end
};


static const schema1_field_t  decode_pointer_fields[] = {
    schema1_field("string", STRING, decode_pointer_t, string),
    schema1_field("flag", BOOL, decode_pointer_t, flag),
    schema1_end
};


static const schema1_field_t  decode_fields[] = {
    schema1_field("string", STRING, decode_t, string),
    schema1_field("number", INT, decode_t, number),
    schema1_field("time", TIME, decode_t, time),
    schema1_field("loose", RAW, decode_t, loose),
    schema1_field("flag", BOOL, decode_t, flag),
    schema1_field("seen", RAW, decode_t, seen),
    schema1_field("strings", STRINGS, decode_t, strings),
    schema1_field("map", MAP, decode_t, map),
    { "inner", SCHEMA1_FIELD_STRUCT, offsetof(decode_t, inner),
      decode_item_fields, sizeof(decode_item_t) },
    { "pointer", SCHEMA1_FIELD_POINTER, offsetof(decode_t, pointer),
      decode_pointer_fields, sizeof(decode_pointer_t) },
    { "items", SCHEMA1_FIELD_ARRAY, offsetof(decode_t, items),
      decode_item_fields, sizeof(decode_item_t) },
    schema1_end
};


#define DECODE_FIELDS  (sizeof(decode_fields) / sizeof(decode_fields[0]))


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int               rc;
    char             *copy;
    decode_t          to, again;
    fuzz_tree_t       tree;
    schema1_buf_t     buf;
    schema1_str_t     document;
    schema1_error_t   err;
    schema1_writer_t  writer;

    copy = fuzz_copy(&document, data, size);

    memset(&to, 0, sizeof(decode_t));
    memset(&err, 0, sizeof(schema1_error_t));

    rc = schema1_decode(document, decode_fields, &to, NULL, "document",
                        SCHEMA1_INVALID_CONFIG, &err);

    fuzz_parse(&tree, document);

    if (rc == SCHEMA1_OK) {
        fuzz_check(tree.root != NULL && tree.root->type == FUZZ_OBJECT);
        decode_check(&to, tree.root, document);
        decode_check_members(&to, tree.root, document);

    } else {
        fuzz_check(err.reason == SCHEMA1_INVALID_CONFIG
                   || err.reason == SCHEMA1_TOO_MANY);
        fuzz_check_error(&err);
        decode_check_refused(document, tree.root);
    }

    /* white space makes no difference */

    if (tree.root != NULL) {
        memset(&buf, 0, sizeof(schema1_buf_t));
        memset(&again, 0, sizeof(decode_t));
        memset(&writer, 0, sizeof(schema1_writer_t));

        schema1_buf_reserve(&buf, 6 * document.len + 1);
        writer.buf = &buf;
        schema1_json_write_compact(&writer, document);

        fuzz_check(schema1_decode(fuzz_buf(&buf), decode_fields, &again,
                                  NULL, "document", SCHEMA1_INVALID_CONFIG,
                                  &err)
                   == rc);
        fuzz_check(again.items.n == to.items.n);
        fuzz_check(again.strings == to.strings && again.flag == to.flag);
        fuzz_check(again.pointer.there == to.pointer.there);

        schema1_array_free(&again.items);
        schema1_buf_free(&buf);
    }

    fuzz_parse_free(&tree);
    schema1_array_free(&to.items);
    free(copy);

    return 0;
}


/* against the tree, where a member comes but once */

static void
decode_check(const decode_t *to, const fuzz_node_t *root,
    schema1_str_t document)
{
    size_t               i;
    const fuzz_node_t   *node, *item;
    const decode_item_t *items;

    fuzz_check(decode_within(to->string, document));
    fuzz_check(decode_within(to->number, document));
    fuzz_check(decode_within(to->time, document));
    fuzz_check(decode_within(to->loose, document));
    fuzz_check(decode_within(to->map, document));
    fuzz_check(to->map.len == 0
               || (to->map.data[0] == '{'
                   && to->map.data[to->map.len - 1] == '}'));

    decode_check_string(to->string, root, "string");

    if (fuzz_members(root, "flag") <= 1) {
        node = fuzz_member(root, "flag");
        fuzz_check(to->flag == (node != NULL && node->type == FUZZ_TRUE));
    }

    fuzz_check(decode_within(to->seen, document));

    node = fuzz_last(root, "pointer");

    fuzz_check(to->pointer.there == (node && node->type != FUZZ_NULL));

    if (fuzz_members(root, "pointer") <= 1) {
        node = fuzz_member(root, "pointer");

        if (node != NULL) {
            decode_check_string(to->pointer.string, node, "string");
        }
    }

    if (fuzz_members(root, "strings") <= 1) {
        node = fuzz_member(root, "strings");
        fuzz_check(to->strings == (node ? fuzz_count(node) : 0));
    }

    if (fuzz_members(root, "items") > 1) {
        return;
    }

    node = fuzz_member(root, "items");

    fuzz_check(to->items.n == (node ? fuzz_count(node) : 0));

    item = node ? node->child : NULL;
    items = (const decode_item_t *) (void *) to->items.items;

    for (i = 0; i < to->items.n; i++) {
        fuzz_check(decode_within(items[i].string, document));
        fuzz_check(decode_within(items[i].number, document));

        decode_check_string(items[i].string, item, "string");
        item = item->next;
    }
}


/* the same with a result for each member, none of which is bad */

static void
decode_check_members(const decode_t *to, const fuzz_node_t *root,
    schema1_str_t document)
{
    size_t            i;
    decode_t          again;
    schema1_error_t   err;
    schema1_member_t  members[DECODE_FIELDS];

    memset(&again, 0, sizeof(decode_t));
    memset(members, 0, sizeof(members));

    fuzz_check(schema1_decode(document, decode_fields, &again, members,
                              "document", SCHEMA1_INVALID_CONFIG, &err)
               == SCHEMA1_OK);

    for (i = 0; decode_fields[i].name; i++) {
        fuzz_check(members[i].reason == SCHEMA1_NO_REASON);
        fuzz_check(members[i].present
                   == (fuzz_member(root, decode_fields[i].name) != NULL));
    }

    fuzz_check(again.items.n == to->items.n);
    schema1_array_free(&again.items);

    again.items = to->items;
    fuzz_check(memcmp(&again, to, sizeof(decode_t)) == 0);
}


/* a document that is refused for a value has a member that is bad */

static void
decode_check_refused(schema1_str_t document, const fuzz_node_t *root)
{
    int               rc;
    size_t            i, bad;
    decode_t          to;
    schema1_error_t   err;
    schema1_member_t  members[DECODE_FIELDS];

    memset(&to, 0, sizeof(decode_t));
    memset(members, 0, sizeof(members));

    rc = schema1_decode(document, decode_fields, &to, members, "document",
                        SCHEMA1_INVALID_CONFIG, &err);

    fuzz_check((rc == SCHEMA1_OK)
               == (root != NULL && root->type == FUZZ_OBJECT));

    for (i = 0, bad = 0; decode_fields[i].name; i++) {
        bad += (members[i].reason != SCHEMA1_NO_REASON);
        fuzz_check(members[i].reason == SCHEMA1_NO_REASON
                   || members[i].present);
    }

    fuzz_check(bad != 0 || rc != SCHEMA1_OK);

    schema1_array_free(&to.items);
}


static void
decode_check_string(schema1_str_t token, const fuzz_node_t *root,
    const char *name)
{
    char               *text;
    schema1_str_t       got;
    const fuzz_node_t  *node;

    node = fuzz_member(root, name);

    fuzz_check((token.data != NULL) == (node != NULL));

    if (node == NULL) {
        return;
    }

    fuzz_check(node->type == FUZZ_STRING);

    text = malloc(token.len * 3);
    fuzz_check(text != NULL);

    got.data = text;
    got.len = schema1_json_decode(token, text, token.len * 3);

    fuzz_check(fuzz_same(got, node->text));

    free(text);
}


static bool
decode_within(schema1_str_t token, schema1_str_t document)
{
    return token.data == NULL
           || (token.data >= document.data
               && token.data + token.len <= document.data + document.len);
}
