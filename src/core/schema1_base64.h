
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_BASE64_H_INCLUDED_
#define _SCHEMA1_BASE64_H_INCLUDED_


#include "schema1_string.h"


/* appends the base64 form of "data", with padding (RFC 4648, 4) */
void schema1_base64_encode(schema1_buf_t *buf, const unsigned char *data,
    size_t len);

/* appends the base64url form of "data", without padding (RFC 4648, 5) */
void schema1_base64url_encode(schema1_buf_t *buf, const unsigned char *data,
    size_t len);

/*
 * Decodes base64url without padding into "data" of "size" bytes and returns
 * how many there are.  SCHEMA1_ERROR: another character, a length that can
 * not be, or no room.
 */
int schema1_base64url_decode(unsigned char *data, size_t size,
    schema1_str_t text);


#endif /* _SCHEMA1_BASE64_H_INCLUDED_ */
