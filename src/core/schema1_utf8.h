
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_UTF8_H_INCLUDED_
#define _SCHEMA1_UTF8_H_INCLUDED_


#include "schema1_string.h"


/* U+FFFD stands for a byte that begins no sequence (RFC 3629) */
#define SCHEMA1_UTF8_REPLACEMENT  0xfffd


/*
 * The next code point, whose first byte is not ASCII; *p moves past it, past
 * one byte if that is invalid.
 */
unsigned schema1_utf8_decode(const char **p, const char *last);

/* returns the number of bytes, at most 4 */
size_t schema1_utf8_encode(unsigned rune, char *to);


#endif /* _SCHEMA1_UTF8_H_INCLUDED_ */
