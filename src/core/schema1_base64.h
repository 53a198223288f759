
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_BASE64_H_INCLUDED_
#define _SCHEMA1_BASE64_H_INCLUDED_


#include "schema1_string.h"


/* appends the base64 form of "data", with padding (RFC 4648, 4) */
void schema1_base64_encode(schema1_buf_t *buf, const unsigned char *data,
    size_t len);

/* what is encoded at once: bytes, a multiple of 3, and the size of the text */
#define SCHEMA1_BASE64_BYTES       3072
#define SCHEMA1_BASE64_BLOCK_SIZE  (4096 + 1)

/*
 * Writes the base64url form of up to SCHEMA1_BASE64_BYTES bytes to "text" of
 * SCHEMA1_BASE64_BLOCK_SIZE bytes; returns the number of characters.
 */
size_t schema1_base64url_block(unsigned char *text, const unsigned char *data,
    size_t len);

/* appends the base64url form of "data", without padding (RFC 4648, 5) */
void schema1_base64url_encode(schema1_buf_t *buf, const unsigned char *data,
    size_t len);

/*
 * Decodes base64url without padding into "data" of "size" bytes; returns the
 * number of bytes.  SCHEMA1_ERROR: another character, an impossible length, or
 * "size" is too small.
 */
int schema1_base64url_decode(unsigned char *data, size_t size,
    schema1_str_t text);


#endif /* _SCHEMA1_BASE64_H_INCLUDED_ */
