
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>

#include "schema1_decode.h"
#include "schema1_time.h"


typedef struct {
    schema1_json_t           json;
    schema1_reason_e         invalid;
    schema1_member_t         bad;
} schema1_decoder_t;


static int schema1_decode_struct(schema1_decoder_t *d,
    const schema1_field_t *fields, schema1_member_t *members, void *to);
static int schema1_decode_member(schema1_decoder_t *d,
    const schema1_field_t *field, schema1_member_t *member, void *to);
static int schema1_decode_field(schema1_decoder_t *d,
    const schema1_field_t *field, void *to);
static void schema1_decode_null(const schema1_field_t *field, void *to);
static int schema1_decode_scalar(schema1_decoder_t *d,
    const schema1_field_t *field, void *to);
static int schema1_decode_strings(schema1_decoder_t *d,
    const schema1_field_t *field, void *to);
static int schema1_decode_array(schema1_decoder_t *d,
    const schema1_field_t *field, schema1_array_t *array);
static char *schema1_decode_slot(schema1_decoder_t *d,
    const schema1_field_t *field, schema1_array_t *array, size_t n);
static int schema1_decode_bad(schema1_decoder_t *d,
    const schema1_field_t *field);


/* in the order of schema1_field_e */

static const struct {
    schema1_json_e  type;
    const char     *want;
} schema1_decode_types[] = {
    { SCHEMA1_JSON_STRING, "a string" },
    { SCHEMA1_JSON_NUMBER, "a 64-bit integer" },
    { SCHEMA1_JSON_STRING, "a time (RFC 3339)" },
    { SCHEMA1_JSON_BOOL, "true or false" },
    { SCHEMA1_JSON_ARRAY, "an array of strings" },
    { SCHEMA1_JSON_OBJECT, "an object of strings" },
    { SCHEMA1_JSON_OBJECT, "an object" },
    { SCHEMA1_JSON_OBJECT, "an object" },
    { SCHEMA1_JSON_ARRAY, "an array" }
};


int
schema1_decode(schema1_str_t document, const schema1_field_t *fields, void *to,
    schema1_member_t *members, const char *what, schema1_reason_e invalid,
    schema1_error_t *err)
{
    size_t             offset;
    schema1_decoder_t  d;

    if (schema1_json_check(document, &offset) != SCHEMA1_OK) {
        return schema1_error_set(err, invalid,
                                 "the %s is not valid JSON: %s at byte %zu; "
                                 "build and push the image again", what,
                                 offset == document.len ? "it ends too early"
                                 : "it goes wrong", offset);
    }

    memset(&d, 0, sizeof(schema1_decoder_t));
    schema1_json_open(&d.json, document);
    d.invalid = invalid;

    if (schema1_json_peek(&d.json) != SCHEMA1_JSON_OBJECT) {
        return schema1_error_set(err, invalid, "the %s is not a JSON object",
                                 what);
    }

    if (schema1_decode_struct(&d, fields, members, to) != SCHEMA1_OK) {
        schema1_decode_error(&d.bad, what, err);
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


void
schema1_decode_error(const schema1_member_t *member, const char *what,
    schema1_error_t *err)
{
    switch (member->reason) {

    case SCHEMA1_NO_MEMORY:
        (void) schema1_error_no_memory(err);
        break;

    case SCHEMA1_TOO_MANY:
        schema1_error_set(err, SCHEMA1_TOO_MANY,
                          "the %s has more than %u entries in \"%s\", which "
                          "is more than any image needs", what,
                          SCHEMA1_MAX_ITEMS, member->name);
        break;

    default:
        schema1_error_set(err, member->reason,
                          "the %s has a \"%s\" that is not %s; build and push "
                          "the image again", what, member->name, member->want);
    }
}


void
schema1_array_free(schema1_array_t *array)
{
    free(array->items);
    memset(array, 0, sizeof(schema1_array_t));
}


/* calls itself no deeper than the tables are nested */

static int
schema1_decode_struct(schema1_decoder_t *d, const schema1_field_t *fields,
    schema1_member_t *members, void *to)
{
    schema1_str_t           name;
    const schema1_field_t  *field;

    schema1_json_enter(&d->json);

    while (schema1_json_member(&d->json, &name)) {

        for (field = fields; field->name; field++) {
            if (schema1_json_is_like(name, field->name)) {
                break;
            }
        }

        if (field->name == NULL) {
            (void) schema1_json_value(&d->json);
            continue;
        }

        if (schema1_decode_member(d, field,
                                  members ? &members[field - fields] : NULL,
                                  (char *) to + field->offset)
            != SCHEMA1_OK)
        {
            return SCHEMA1_ERROR;
        }
    }

    return SCHEMA1_OK;
}


static int
schema1_decode_member(schema1_decoder_t *d, const schema1_field_t *field,
    schema1_member_t *member, void *to)
{
    const char  *value;

    if (member == NULL) {
        return schema1_decode_field(d, field, to);
    }

    member->present |= (schema1_json_peek(&d->json) != SCHEMA1_JSON_NULL);
    value = d->json.pos;

    if (schema1_decode_field(d, field, to) == SCHEMA1_OK) {
        return SCHEMA1_OK;
    }

    if (d->bad.reason == SCHEMA1_NO_MEMORY) {
        return SCHEMA1_ERROR;
    }

    if (member->reason == SCHEMA1_NO_REASON) {
        d->bad.present = true;
        *member = d->bad;
    }

    d->json.pos = value;
    (void) schema1_json_value(&d->json);

    return SCHEMA1_OK;
}


static int
schema1_decode_field(schema1_decoder_t *d, const schema1_field_t *field,
    void *to)
{
    schema1_json_e  type;

    if (field->type == SCHEMA1_FIELD_RAW) {
        *(schema1_str_t *) to = schema1_json_value(&d->json);
        return SCHEMA1_OK;
    }

    type = schema1_json_peek(&d->json);

    if (type == SCHEMA1_JSON_NULL) {
        (void) schema1_json_value(&d->json);
        schema1_decode_null(field, to);
        return SCHEMA1_OK;
    }

    if (type != schema1_decode_types[field->type].type) {
        return schema1_decode_bad(d, field);
    }

    switch (field->type) {

    case SCHEMA1_FIELD_STRINGS:
    case SCHEMA1_FIELD_MAP:
        return schema1_decode_strings(d, field, to);

    case SCHEMA1_FIELD_POINTER:
        *(bool *) to = true;

        /* fall through */

    case SCHEMA1_FIELD_STRUCT:
        return schema1_decode_struct(d, field->fields, NULL, to);

    case SCHEMA1_FIELD_ARRAY:
        return schema1_decode_array(d, field, to);

    default:
        return schema1_decode_scalar(d, field, to);
    }
}


/* null resets pointers, slices and maps, as in encoding/json */

static void
schema1_decode_null(const schema1_field_t *field, void *to)
{
    if (field->type == SCHEMA1_FIELD_ARRAY) {
        schema1_array_free(to);

    } else if (field->type == SCHEMA1_FIELD_POINTER
               || field->type == SCHEMA1_FIELD_STRINGS
               || field->type == SCHEMA1_FIELD_MAP)
    {
        memset(to, 0, field->size);
    }
}


static int
schema1_decode_scalar(schema1_decoder_t *d, const schema1_field_t *field,
    void *to)
{
    int64_t         n;
    schema1_str_t   token;
    schema1_time_t  t;

    token = schema1_json_value(&d->json);

    if ((field->type == SCHEMA1_FIELD_INT
         && schema1_json_int(token, &n) != SCHEMA1_OK)
        || (field->type == SCHEMA1_FIELD_TIME
            && schema1_time_parse(&t, token) != SCHEMA1_OK))
    {
        return schema1_decode_bad(d, field);
    }

    if (field->type == SCHEMA1_FIELD_BOOL) {
        *(bool *) to = (token.data[0] == 't');

    } else {
        *(schema1_str_t *) to = token;
    }

    return SCHEMA1_OK;
}


/* an object or an array of strings */

static int
schema1_decode_strings(schema1_decoder_t *d, const schema1_field_t *field,
    void *to)
{
    bool            map;
    size_t          n;
    schema1_str_t   token, name;
    schema1_json_e  type;

    map = (field->type == SCHEMA1_FIELD_MAP);
    token.data = d->json.pos;
    schema1_json_enter(&d->json);

    for (n = 0;
         map ? schema1_json_member(&d->json, &name)
             : schema1_json_item(&d->json);
         n++)
    {
        type = schema1_json_peek(&d->json);

        if (type != SCHEMA1_JSON_STRING && type != SCHEMA1_JSON_NULL) {
            return schema1_decode_bad(d, field);
        }

        (void) schema1_json_value(&d->json);
    }

    if (map) {
        token.len = (size_t) (d->json.pos - token.data);
        *(schema1_str_t *) to = token;

    } else {
        *(size_t *) to = n;
    }

    return SCHEMA1_OK;
}


static int
schema1_decode_array(schema1_decoder_t *d, const schema1_field_t *field,
    schema1_array_t *array)
{
    char            *slot;
    size_t           n;
    schema1_json_e   type;

    schema1_json_enter(&d->json);

    for (n = 0; schema1_json_item(&d->json); n++) {

        slot = schema1_decode_slot(d, field, array, n);
        if (slot == NULL) {
            return SCHEMA1_ERROR;
        }

        type = schema1_json_peek(&d->json);

        if (type == SCHEMA1_JSON_NULL) {
            (void) schema1_json_value(&d->json);
            continue;
        }

        if (type != SCHEMA1_JSON_OBJECT) {
            (void) schema1_decode_bad(d, field);
            d->bad.want = "an array of objects";
            return SCHEMA1_ERROR;
        }

        if (schema1_decode_struct(d, field->fields, NULL, slot)
            != SCHEMA1_OK)
        {
            return SCHEMA1_ERROR;
        }
    }

    if (n == 0) {
        schema1_array_free(array);
    }

    array->n = n;

    return SCHEMA1_OK;
}


static char *
schema1_decode_slot(schema1_decoder_t *d, const schema1_field_t *field,
    schema1_array_t *array, size_t n)
{
    char    *items;
    size_t   capacity;

    if (n == SCHEMA1_MAX_ITEMS) {
        d->bad.reason = SCHEMA1_TOO_MANY;
        d->bad.name = field->name;
        return NULL;
    }

    if (n == array->capacity) {
        capacity = array->capacity ? 2 * array->capacity : 16;

        items = realloc(array->items, capacity * field->size);
        if (items == NULL) {
            d->bad.reason = SCHEMA1_NO_MEMORY;
            return NULL;
        }

        memset(items + array->capacity * field->size, 0,
               (capacity - array->capacity) * field->size);

        array->items = items;
        array->capacity = capacity;
    }

    return (char *) array->items + n * field->size;
}


static int
schema1_decode_bad(schema1_decoder_t *d, const schema1_field_t *field)
{
    d->bad.reason = d->invalid;
    d->bad.name = field->name;
    d->bad.want = schema1_decode_types[field->type].want;

    return SCHEMA1_ERROR;
}
