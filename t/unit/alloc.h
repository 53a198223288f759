
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _ALLOC_H_INCLUDED_
#define _ALLOC_H_INCLUDED_


/*
 * Stands in front of the allocator: counts what is held, and makes one chosen
 * allocation fail, also those of the libraries.  glibc only, and neither under
 * AddressSanitizer nor valgrind, which stand there themselves: alloc_hooked()
 * is false then.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>


#if defined(__SANITIZE_ADDRESS__)
#define ALLOC_HOOKED  0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ALLOC_HOOKED  0
#endif
#endif

#if !defined(ALLOC_HOOKED) && defined(__GLIBC__)
#define ALLOC_HOOKED  1
#endif

#ifndef ALLOC_HOOKED
#define ALLOC_HOOKED  0
#endif

#if (ALLOC_HOOKED)
#include <malloc.h>
#endif


/* volatile: compilers know what malloc() does not change */

static volatile unsigned long  alloc_countdown;     /* 1: the next fails */
static volatile size_t         alloc_held, alloc_peak;

/* looks at what is about to be freed */

static void (*volatile         alloc_freed)(void *p, size_t size);


#if (ALLOC_HOOKED)

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void __libc_free(void *p);


static bool
alloc_fails(void)
{
    return alloc_countdown && --alloc_countdown == 0;
}


static void *
alloc_took(void *p)
{
    alloc_held += malloc_usable_size(p);

    if (alloc_held > alloc_peak) {
        alloc_peak = alloc_held;
    }

    return p;
}


void *
malloc(size_t size)
{
    if (alloc_fails()) {
        return NULL;
    }

    /* what was in that memory before is not this block's */

    return alloc_took(alloc_freed ? __libc_calloc(1, size)
                                  : __libc_malloc(size));
}


void *
calloc(size_t n, size_t size)
{
    return alloc_fails() ? NULL : alloc_took(__libc_calloc(n, size));
}


void *
realloc(void *p, size_t size)
{
    void    *moved;
    size_t   had;

    if (alloc_fails()) {
        return NULL;
    }

    had = malloc_usable_size(p);

    if (alloc_freed && had) {

        /* always moved: what is left behind can be seen */

        moved = __libc_calloc(1, size);

        if (moved) {
            memcpy(moved, p, had < size ? had : size);
            alloc_freed(p, had);
            __libc_free(p);
        }

    } else {
        moved = __libc_realloc(p, size);
    }

    if (moved || size == 0) {
        alloc_held -= had;
    }

    return alloc_took(moved);
}


void
free(void *p)
{
    if (alloc_freed && p) {
        alloc_freed(p, malloc_usable_size(p));
    }

    alloc_held -= malloc_usable_size(p);
    __libc_free(p);
}

#endif


static inline bool
alloc_hooked(void)
{
    size_t          before;
    void *volatile  p;

    before = alloc_held;
    p = malloc(1);

    if (p == NULL || alloc_held == before) {
        free(p);
        return false;
    }

    free(p);

    return alloc_held == before;
}


#endif /* _ALLOC_H_INCLUDED_ */
