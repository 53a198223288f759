
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _DIRTY_H_INCLUDED_
#define _DIRTY_H_INCLUDED_


#include <stddef.h>


/* fills the stack below the caller: what is read before it is set is seen */

static __attribute__((noinline)) void
dirty_stack(void)
{
    size_t                  i;
    volatile unsigned char  stack[16384];

    for (i = 0; i < sizeof(stack); i++) {
        stack[i] = 0xa5;
    }
}


#endif /* _DIRTY_H_INCLUDED_ */
