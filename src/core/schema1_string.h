
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_STRING_H_INCLUDED_
#define _SCHEMA1_STRING_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>


/* what every function of the core that can fail returns */

#define SCHEMA1_OK      0
#define SCHEMA1_ERROR  -1


/*
 * Cold paths are kept out of the functions of the hot path: inlined, they would
 * make all requests save more registers and guard the stack, and spread the
 * code that runs over more memory.
 */

#ifdef __GNUC__
#define SCHEMA1_COLD   __attribute__((noinline, cold))
#define SCHEMA1_INLINE  inline __attribute__((always_inline))
#else
#define SCHEMA1_COLD
#define SCHEMA1_INLINE  inline
#endif


/* borrowed bytes: no terminator, never freed through this struct */

typedef struct {
    size_t       len;
    const char  *data;
} schema1_str_t;


#define SCHEMA1_BUF_LINE  512

#define schema1_string(str)  { sizeof(str) - 1, str }


/*
 * Bytes that grow.  A zeroed struct is an empty buffer.  A failed allocation,
 * or a byte over "limit", sets "failed" and makes every later append a no-op,
 * so that a writer checks once, at the end.  No memory is allocated beyond
 * the limit.
 */

typedef struct {
    char        *data;
    size_t       len;
    size_t       size;
    size_t       limit;         /* 0: none */
    bool         failed;
    bool         full;          /* failed because of the limit */
} schema1_buf_t;


void schema1_buf_append(schema1_buf_t *buf, const char *data, size_t len);
void schema1_buf_puts(schema1_buf_t *buf, const char *text);
void schema1_buf_putc(schema1_buf_t *buf, char ch);

/* a longer text than SCHEMA1_BUF_LINE - 1 bytes sets "failed" */
void schema1_buf_printf(schema1_buf_t *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* schema1_buf_append() for json_dump_callback(); always returns 0 */
int schema1_buf_write(const char *data, size_t len, void *buf);

/* allocates exactly "len" more bytes, if they are not there yet */
void schema1_buf_reserve(schema1_buf_t *buf, size_t len);

/* frees the bytes and leaves an empty buffer */
void schema1_buf_free(schema1_buf_t *buf);

/* the bytes of a buffer, borrowed until the next append */

static inline schema1_str_t
schema1_buf_str(const schema1_buf_t *buf)
{
    schema1_str_t  str;

    str.data = buf->data;
    str.len = buf->len;

    return str;
}


/* inline: the length of a literal is known at compile time */

static inline bool
schema1_str_eq(schema1_str_t str, const char *text)
{
    return str.len == strlen(text)
           && (str.len == 0 || memcmp(str.data, text, str.len) == 0);
}


/* ASCII letters only, whatever the locale */
bool schema1_str_caseeq(schema1_str_t str, const char *text);

/*
 * Removes and returns what comes before the next separator that is not in a
 * quoted string (RFC 9110, 5.6.4); the separator is removed too.
 */
schema1_str_t schema1_str_cut(schema1_str_t *rest, char separator);

/* removes and returns the first line that is not empty, without its end */
schema1_str_t schema1_str_line(schema1_str_t *rest);

/* without the spaces and tabs at both ends (RFC 9110, 5.6.3) */
schema1_str_t schema1_str_trim(schema1_str_t str);

/* how many bytes at its start are ASCII letters, digits or in "others" */
size_t schema1_str_span(schema1_str_t str, const char *others);

/* the value of a hexadecimal digit, -1 if it is not one */
int schema1_hex(char ch);

/* two lower case digits for each byte, not terminated */
void schema1_hex_encode(char *hex, const unsigned char *data, size_t len);

/*
 * Percent-decodes (RFC 3986, 2.1) into buf, which has space for str.len bytes
 * and may be str.data.  Returns the number of decoded bytes, -1 if a "%" is not
 * followed by two digits.
 */
ptrdiff_t schema1_str_decode(schema1_str_t str, char *buf);


#endif /* _SCHEMA1_STRING_H_INCLUDED_ */
