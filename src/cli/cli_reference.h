
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _CLI_REFERENCE_H_INCLUDED_
#define _CLI_REFERENCE_H_INCLUDED_


#include "schema1_string.h"


/* where a registry is, see cli_origin_read() */

typedef struct {
    bool               https;
    char               authority[256 + 1];      /* host[:port] */
    char               host[256 + 1];           /* without the port */
    char               url[8 + 256 + 1];        /* scheme://authority */
} cli_origin_t;


/*
 * Reads [https://|http://]HOST[:PORT][/]; https if there is no scheme.
 * SCHEMA1_ERROR: not of this form, such as a path or a user name.
 */
int cli_origin_read(cli_origin_t *origin, const char *text);

/*
 * Reads NAME or NAME:TAG, borrowed; "tag" is empty if there is none.
 * SCHEMA1_ERROR: not valid, or a digest instead of a tag.
 */
int cli_image_read(const char *text, schema1_str_t *name, schema1_str_t *tag);


#endif /* _CLI_REFERENCE_H_INCLUDED_ */
