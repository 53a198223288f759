
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_DECODE_H_INCLUDED_
#define _SCHEMA1_DECODE_H_INCLUDED_


#include "schema1_error.h"
#include "schema1_json.h"


/*
 * Decodes a document into a struct by a table of its members, as Go 1.19's
 * json.Unmarshal does: names without regard to case, members that come again
 * are decoded over the former value, null leaves or clears it depending on its
 * type, unknown members are passed over, and a value of a wrong type refuses
 * the whole.
 */

typedef enum {
    SCHEMA1_FIELD_STRING = 0,   /* schema1_str_t: the token; NULL: not set */
    SCHEMA1_FIELD_INT,          /* the same, fits int64_t */
    SCHEMA1_FIELD_TIME,         /* the same, schema1_time_parse() reads it */
    SCHEMA1_FIELD_BOOL,         /* bool */
    SCHEMA1_FIELD_STRINGS,      /* size_t: how many there are */
    SCHEMA1_FIELD_MAP,          /* of strings; kept as a token */
    SCHEMA1_FIELD_STRUCT,       /* a struct in its place */
    SCHEMA1_FIELD_POINTER,      /* the same; starts with a bool: is there */
    SCHEMA1_FIELD_ARRAY,        /* schema1_array_t of structs */
    SCHEMA1_FIELD_RAW           /* schema1_str_t: the token, of any type */
} schema1_field_e;


typedef struct schema1_field_s  schema1_field_t;

struct schema1_field_s {
    const char             *name;       /* NULL ends a table */
    schema1_field_e         type;
    size_t                  offset;
    const schema1_field_t  *fields;     /* of a struct, pointer, array */
    size_t                  size;       /* of what is there; array: an item */
};


/* lines of a table: a member without fields, one with them, the last one */

#define schema1_field(name, type, of, member)                                 \
    { name, SCHEMA1_FIELD_##type, offsetof(of, member), NULL,                 \
      sizeof(((of *) NULL)->member) }

#define schema1_fields(name, type, of, member, fields, struct)                \
    { name, SCHEMA1_FIELD_##type, offsetof(of, member), fields, sizeof(struct) }

#define schema1_end                                                           \
    { NULL, SCHEMA1_FIELD_STRING, 0, NULL, 0 }


/* what became of a member of the document */

typedef struct {
    bool                    present;    /* had a value other than null */
    schema1_reason_e        reason;     /* why the first bad value is refused */
    const char             *name;       /* of the member within that is bad */
    const char             *want;
} schema1_member_t;


/* what lies behind "n" is kept: a longer array is decoded over it */

typedef struct {
    void                   *items;
    size_t                  n;
    size_t                  capacity;
} schema1_array_t;


/*
 * "what" names the document in messages.  "to" is zeroed by the caller, who
 * frees its arrays, also after an error.  Tokens point into the document.
 * SCHEMA1_ERROR: err->reason is "invalid" (no JSON, a wrong type), TOO_MANY
 * (an array of more than SCHEMA1_MAX_ITEMS) or NO_MEMORY.
 *
 * With "members", zeroed and one for each line of the table, a bad value is
 * recorded there instead, and the caller decides whether it matters.
 */
int schema1_decode(schema1_str_t document, const schema1_field_t *fields,
    void *to, schema1_member_t *members, const char *what,
    schema1_reason_e invalid, schema1_error_t *err);

/* sets the error of a bad value */
void schema1_decode_error(const schema1_member_t *member, const char *what,
    schema1_error_t *err);

void schema1_array_free(schema1_array_t *array);


/* layers or history entries of an image, entries of a list */
#define SCHEMA1_MAX_ITEMS  10000


#endif /* _SCHEMA1_DECODE_H_INCLUDED_ */
