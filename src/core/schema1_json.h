
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_JSON_H_INCLUDED_
#define _SCHEMA1_JSON_H_INCLUDED_


#include "schema1_string.h"


/*
 * JSON as bytes: a strict check of a document (RFC 8259, and encoding/json of
 * Go 1.19 where that is looser), a reader that walks over a checked document
 * without a tree, and a writer that writes values as encoding/json does.  A
 * jansson tree of a hostile array takes 20 times its size, numbers must keep
 * their digits, and Go accepts lone surrogates and invalid UTF-8, which jansson
 * rejects.
 *
 * A "token" is the bytes of a value in the document, a string's with quotes.
 */


/* containers within containers, the document itself counted */
#define SCHEMA1_JSON_MAX_DEPTH  10000


typedef enum {
    SCHEMA1_JSON_NULL = 0,
    SCHEMA1_JSON_BOOL,
    SCHEMA1_JSON_NUMBER,
    SCHEMA1_JSON_STRING,
    SCHEMA1_JSON_ARRAY,
    SCHEMA1_JSON_OBJECT
} schema1_json_e;


/*
 * Whether the document is valid JSON.  Strings may be invalid UTF-8.
 * SCHEMA1_ERROR: *offset is the first byte that is not valid.
 */
int schema1_json_check(schema1_str_t document, size_t *offset);


/* walks over a document, or a token, that was checked */

typedef struct {
    const char    *pos;
    const char    *last;
} schema1_json_t;


/* white space between values (RFC 8259, 2) */

static inline bool
schema1_json_is_space(char ch)
{
    return ch == ' ' || ch == '\n' || ch == '\t' || ch == '\r';
}


static inline const char *
schema1_json_skip_space(const char *p, const char *last)
{
    while (p < last && schema1_json_is_space(*p)) {
        p++;
    }

    return p;
}


void schema1_json_open(schema1_json_t *json, schema1_str_t document);

/* what the next value is; moves to its first byte */
schema1_json_e schema1_json_peek(schema1_json_t *json);

/* steps over the next value and returns its token */
schema1_str_t schema1_json_value(schema1_json_t *json);

/* steps into an array or object */
void schema1_json_enter(schema1_json_t *json);

/* true before an item of the array; false: stepped out of it */
bool schema1_json_item(schema1_json_t *json);

/* true before the value of a member, "name" being the token; false: out */
bool schema1_json_member(schema1_json_t *json, schema1_str_t *name);


/*
 * Strings, decoded as Go does: an unpaired surrogate and every byte that is
 * not UTF-8 become U+FFFD.  A token without bytes is the empty string.
 */

/* the length of the decoded string; of its bytes "size" at most go to "to" */
size_t schema1_json_decode(schema1_str_t token, char *to, size_t size);

/*
 * The decoded string in "buf".  If it does not fit, the token itself: it begins
 * with a quote.
 */
schema1_str_t schema1_json_text(schema1_str_t token, char *buf, size_t size);

/* the same in a block, with a terminator; returns the end of the copy */
char *schema1_json_text_copy(schema1_str_t *text, schema1_str_t token,
    char *to);

/*
 * The first four bytes of a decoded string as a number, zeros where it is
 * shorter: of two that differ the smaller is that of the string that
 * schema1_json_compare() has before the other.
 */
uint32_t schema1_json_prefix(schema1_str_t token);

/* orders by the bytes of the decoded strings: < 0, 0, > 0 */
int schema1_json_compare(schema1_str_t one, schema1_str_t two);

/* the decoded string is exactly "text" */
bool schema1_json_is(schema1_str_t token, const char *text);

/* Go would take the name for the ASCII name "text", case aside */
bool schema1_json_is_like(schema1_str_t token, const char *text);

/* the bytes between the quotes, up to *last, and the next code point there */
const char *schema1_json_content(schema1_str_t token, const char **last);
unsigned schema1_json_rune(const char **p, const char *last);

/* the value of four hexadecimal digits; -1: there are other bytes */
int schema1_json_hex4(const char *p, const char *last);

/* an integer of int64_t without fraction and exponent (strconv.ParseInt) */
int schema1_json_int(schema1_str_t token, int64_t *value);


/*
 * A writer.  It appends to a buffer with the bytes that are reserved there;
 * once they do not suffice, it counts only.  While "nested", what is written is
 * the content of a string: it is encoded again.
 */

typedef struct {
    schema1_buf_t *buf;             /* NULL: count */
    size_t         len;             /* written and counted so far */
    bool           nested;
} schema1_writer_t;


/* plain bytes, ASCII without control characters */
void schema1_json_write(schema1_writer_t *writer, const char *data, size_t len);
void schema1_json_write_ascii(schema1_writer_t *writer, const char *text);

/* a string token, decoded and encoded again */
void schema1_json_write_string(schema1_writer_t *writer, schema1_str_t token);

/* any token, without white space; all other bytes are kept */
void schema1_json_write_compact(schema1_writer_t *writer, schema1_str_t token);


#endif /* _SCHEMA1_JSON_H_INCLUDED_ */
