
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * JSON: the check against two other parsers, the reader against a tree, what
 * the writer makes read again
 */

#include <jansson.h>

#include "fuzz.h"
#include "schema1_json.h"


static void json_check_jansson(schema1_str_t document, bool valid,
    const fuzz_tree_t *tree);
static void json_check_walk(schema1_json_t *json, const fuzz_node_t *node,
    size_t depth);
static void json_check_string(schema1_str_t token, schema1_str_t text);
static bool json_is_ascii(schema1_str_t text);
static void json_check_int(schema1_str_t token);
static void json_check_compact(schema1_str_t document,
    const fuzz_tree_t *tree);
static void json_check_written(schema1_str_t token);
static void json_write(schema1_buf_t *buf, schema1_str_t token, bool nested,
    void (*put)(schema1_writer_t *writer, schema1_str_t token));


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            *copy;
    bool             valid;
    size_t           offset;
    fuzz_tree_t      tree;
    schema1_str_t    document;
    schema1_json_t   json;

    copy = fuzz_copy(&document, data, size);

    offset = 0;
    valid = schema1_json_check(document, &offset) == SCHEMA1_OK;

    fuzz_check(valid || offset <= size);

    fuzz_parse(&tree, document);

    fuzz_check(valid == (tree.root != NULL));

    json_check_jansson(document, valid, &tree);

    if (valid) {
        schema1_json_open(&json, document);
        json_check_walk(&json, tree.root, 0);
        json_check_compact(document, &tree);
    }

    fuzz_parse_free(&tree);
    free(copy);

    return 0;
}


/* jansson minds the size of numbers, Unicode and a smaller depth */

static void
json_check_jansson(schema1_str_t document, bool valid,
    const fuzz_tree_t *tree)
{
    json_t        *json;
    json_error_t   error;

    json = json_loadb(document.len ? document.data : "", document.len,
                      JSON_DECODE_ANY | JSON_ALLOW_NUL
                      | JSON_DECODE_INT_AS_REAL, &error);

    /* to jansson a null byte may be an end */

    fuzz_check(valid || json == NULL
               || memchr(document.data, '\0', document.len) != NULL);

    if (valid && json == NULL) {
        fuzz_check(tree->odd || tree->nul || tree->max_depth > 2000
                   || json_error_code(&error) == json_error_numeric_overflow);
    }

    json_decref(json);
}


static void
json_check_walk(schema1_json_t *json, const fuzz_node_t *node, size_t depth)
{
    schema1_str_t       name, token;
    schema1_json_t      walk;
    const fuzz_node_t  *child;

    static const schema1_json_e  types[] = {
        SCHEMA1_JSON_NULL, SCHEMA1_JSON_BOOL, SCHEMA1_JSON_BOOL,
        SCHEMA1_JSON_NUMBER, SCHEMA1_JSON_STRING, SCHEMA1_JSON_ARRAY,
        SCHEMA1_JSON_OBJECT
    };

    fuzz_check(schema1_json_peek(json) == types[node->type]);

    walk = *json;
    token = schema1_json_value(json);

    fuzz_check(token.len != 0);

    switch (node->type) {

    case FUZZ_STRING:
        json_check_string(token, node->text);
        json_check_written(token);
        return;

    case FUZZ_NUMBER:
        fuzz_check(fuzz_same(token, node->text));
        json_check_int(token);
        return;

    case FUZZ_ARRAY:
    case FUZZ_OBJECT:
        break;

    default:
        fuzz_check(token.data[0] == "nft"[node->type]);
        return;
    }

    /* stepping over each level again takes the square of the depth */

    if (depth > 100) {
        return;
    }

    schema1_json_enter(&walk);

    for (child = node->child; child != NULL; child = child->next) {

        if (node->type == FUZZ_OBJECT) {
            fuzz_check(schema1_json_member(&walk, &name));
            json_check_string(name, child->name);

        } else {
            fuzz_check(schema1_json_item(&walk));
        }

        json_check_walk(&walk, child, depth + 1);
    }

    fuzz_check(node->type == FUZZ_OBJECT
               ? !schema1_json_member(&walk, &name)
               : !schema1_json_item(&walk));
    fuzz_check(walk.pos == token.data + token.len);
    fuzz_check(walk.pos == json->pos);
}


static void
json_check_string(schema1_str_t token, schema1_str_t text)
{
    int             order;
    char           *decoded;
    size_t          len;
    schema1_str_t   got;

    static const schema1_str_t  other = schema1_string("\"signatures\"");

    len = schema1_json_decode(token, NULL, 0);
    decoded = malloc(len + 1);
    fuzz_check(decoded != NULL);

    got.data = decoded;
    got.len = schema1_json_decode(token, decoded, len);
    decoded[len] = '\0';

    fuzz_check(got.len == len && fuzz_same(got, text));
    fuzz_check(schema1_json_compare(token, token) == 0);

    if (json_is_ascii(got)) {
        fuzz_check(schema1_json_is(token, decoded));
        fuzz_check(schema1_json_is_like(token, decoded));

        order = strcmp(decoded, "signatures");

        fuzz_check(schema1_json_is(token, "signatures") == (order == 0));
        fuzz_check(!fuzz_like(text, "signatures")
                   || schema1_json_is_like(token, "signatures"));

        order = (order > 0) - (order < 0);

        fuzz_check(schema1_json_compare(token, other) == order);
        fuzz_check(schema1_json_compare(other, token) == -order);

    } else {
        fuzz_check(!schema1_json_is(token, "signatures"));
    }

    free(decoded);
}


static bool
json_is_ascii(schema1_str_t text)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] <= 0) {
            return false;
        }
    }

    return true;
}


static void
json_check_int(schema1_str_t token)
{
    int        rc;
    char       text[32], *end;
    int64_t    value;
    long long  want;

    rc = schema1_json_int(token, &value);

    if (token.len >= sizeof(text)) {
        fuzz_check(rc == SCHEMA1_ERROR);
        return;
    }

    memcpy(text, token.data, token.len);
    text[token.len] = '\0';

    want = strtoll(text, &end, 10);

    if (*end != '\0') {
        fuzz_check(rc == SCHEMA1_ERROR);
        return;
    }

    if (rc == SCHEMA1_OK) {
        fuzz_check(value == want);

    } else {
        fuzz_check(want == INT64_MAX || want == INT64_MIN);
    }
}


static void
json_check_compact(schema1_str_t document, const fuzz_tree_t *tree)
{
    json_t         *string;
    fuzz_tree_t     made, inner;
    schema1_buf_t   plain, again, nested;
    schema1_str_t   text;

    memset(&plain, 0, sizeof(schema1_buf_t));
    memset(&again, 0, sizeof(schema1_buf_t));
    memset(&nested, 0, sizeof(schema1_buf_t));

    json_write(&plain, document, false, schema1_json_write_compact);
    json_write(&again, fuzz_buf(&plain), false, schema1_json_write_compact);

    fuzz_check(fuzz_same(fuzz_buf(&plain), fuzz_buf(&again)));

    fuzz_parse(&made, fuzz_buf(&plain));
    fuzz_check(made.root != NULL && fuzz_equal(made.root, tree->root));

    /* as the content of a string: valid UTF-8, and the same inside */

    schema1_buf_putc(&nested, '"');
    json_write(&nested, document, true, schema1_json_write_compact);
    schema1_buf_putc(&nested, '"');

    string = json_loadb(nested.data, nested.len, JSON_DECODE_ANY, NULL);
    fuzz_check(string != NULL && json_is_string(string));

    text.data = json_string_value(string);
    text.len = json_string_length(string);

    fuzz_parse(&inner, text);
    fuzz_check(inner.root != NULL && fuzz_equal(inner.root, tree->root));
    fuzz_parse_free(&inner);

    json_decref(string);

    fuzz_parse_free(&made);
    schema1_buf_free(&plain);
    schema1_buf_free(&again);
    schema1_buf_free(&nested);
}


/* a string decoded and encoded again, and as a string of a string */

static void
json_check_written(schema1_str_t token)
{
    json_t         *string;
    schema1_buf_t   once, twice;

    memset(&once, 0, sizeof(schema1_buf_t));
    memset(&twice, 0, sizeof(schema1_buf_t));

    json_write(&once, token, false, schema1_json_write_string);

    string = json_loadb(once.data, once.len, JSON_DECODE_ANY | JSON_ALLOW_NUL,
                        NULL);
    fuzz_check(string != NULL);
    json_decref(string);

    /* a string of a string needs no U+0000 to be allowed */

    schema1_buf_putc(&twice, '"');
    json_write(&twice, token, true, schema1_json_write_string);
    schema1_buf_putc(&twice, '"');

    string = json_loadb(twice.data, twice.len, JSON_DECODE_ANY, NULL);
    fuzz_check(string != NULL
               && json_string_length(string) == once.len
               && memcmp(json_string_value(string), once.data, once.len)
                  == 0);
    json_decref(string);

    schema1_buf_free(&once);
    schema1_buf_free(&twice);
}


static void
json_write(schema1_buf_t *buf, schema1_str_t token, bool nested,
    void (*put)(schema1_writer_t *writer, schema1_str_t token))
{
    size_t            before;
    schema1_writer_t  writer, counter;

    memset(&writer, 0, sizeof(schema1_writer_t));
    memset(&counter, 0, sizeof(schema1_writer_t));

    before = buf->len;
    writer.buf = buf;
    writer.nested = nested;
    counter.nested = nested;

    put(&counter, token);
    schema1_buf_reserve(buf, counter.len);
    put(&writer, token);

    fuzz_check(!buf->failed);
    fuzz_check(writer.len == counter.len);
    fuzz_check(buf->len - before == writer.len);
    fuzz_check(writer.len <= 14 * token.len + 16);
}
