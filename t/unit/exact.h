
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _EXACT_H_INCLUDED_
#define _EXACT_H_INCLUDED_


/*
 * Input for the core in a heap block of exactly its size: behind a string
 * literal AddressSanitizer does not see that one byte too many is read, since
 * the NUL belongs to it.  The copies are kept until the program ends.
 */

#include <stdlib.h>

#include "schema1_string.h"


/* not counted by alloc.h, and never made to fail */

#if (ALLOC_HOOKED)
#define exact_malloc  __libc_malloc
#else
#define exact_malloc  malloc
#endif


typedef struct exact_block_s {
    struct exact_block_s  *next;
    char                  *data;
} exact_block_t;


static exact_block_t  *exact_blocks;


static inline schema1_str_t
exact_bytes(const char *data, size_t len)
{
    size_t          pad;
    schema1_str_t   str;
    exact_block_t  *block;

    /* no byte of a block of 0 bytes is checked, so one of 1 ends there */

    pad = (len == 0);

    block = exact_malloc(sizeof(exact_block_t));

    if (block == NULL || (block->data = exact_malloc(len + pad)) == NULL) {
        abort();
    }

    block->next = exact_blocks;
    exact_blocks = block;

    if (len) {
        memcpy(block->data, data, len);
    }

    str.data = block->data + pad;
    str.len = len;

    return str;
}


static inline schema1_str_t
exact_str(const char *text)
{
    return exact_bytes(text, strlen(text));
}


#endif /* _EXACT_H_INCLUDED_ */
