
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * Makes one chosen allocation of the module fail, for t/alloc.t: included in
 * front of each of its files (cc -include).  The environment's SCHEMA1_ALLOC
 * names a file of three 32-bit integers: the number of the allocation to fail
 * (0: none is counted), the number of allocations so far, and the number of
 * blocks that malloc() returned and that are not free.
 */


#ifndef _ALLOC_H_INCLUDED_
#define _ALLOC_H_INCLUDED_


/* not for what configure compiles */

#if __has_include(<ngx_auto_config.h>)


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


typedef struct {
    uint32_t  fails;
    uint32_t  count;
    uint32_t  blocks;
} schema1_alloc_t;


/* weak: one of each in the module */

__attribute__((weak, visibility("hidden"))) volatile schema1_alloc_t
    *schema1_alloc;
__attribute__((weak, visibility("hidden"))) int  schema1_alloc_opened;

__attribute__((weak, visibility("hidden"))) int schema1_alloc_open(void);


__attribute__((weak, visibility("hidden"))) int
schema1_alloc_open(void)
{
    int          fd;
    void        *p;
    const char  *name;

    if (!schema1_alloc_opened) {
        schema1_alloc_opened = 1;
        name = getenv("SCHEMA1_ALLOC");
        fd = name ? open(name, O_RDWR) : -1;

        if (fd != -1) {
            p = mmap(NULL, sizeof(schema1_alloc_t), PROT_READ|PROT_WRITE,
                     MAP_SHARED, fd, 0);
            schema1_alloc = p == MAP_FAILED ? NULL : p;
            close(fd);
        }
    }

    return schema1_alloc != NULL;
}


static inline int
schema1_alloc_fails(void)
{
    return schema1_alloc_open() && schema1_alloc->fails
           && __sync_add_and_fetch(&schema1_alloc->count, 1)
              == schema1_alloc->fails;
}


static inline void *
schema1_alloc_malloc(void *p)
{
    if (p && schema1_alloc_open()) {
        __sync_add_and_fetch(&schema1_alloc->blocks, 1);
    }

    return p;
}


static inline void *
schema1_alloc_realloc(void *p, size_t n)
{
    return p ? realloc(p, n) : schema1_alloc_malloc(malloc(n));
}


static inline void
schema1_alloc_free(void *p)
{
    if (p && schema1_alloc_open()) {
        __sync_sub_and_fetch(&schema1_alloc->blocks, 1);
    }

    free(p);
}


#define schema1_alloc_or(failure, call)                                       \
    (schema1_alloc_fails() ? (failure) : (call))

#define malloc(n)                                                             \
    schema1_alloc_or(NULL, schema1_alloc_malloc(malloc(n)))
#define calloc(n, size)                                                       \
    schema1_alloc_or(NULL, schema1_alloc_malloc(calloc(n, size)))
#define realloc(p, n)                                                         \
    schema1_alloc_or(NULL, schema1_alloc_realloc(p, n))
#define free(p)                                                               \
    schema1_alloc_free(p)

#define ngx_palloc(pool, n)                                                   \
    schema1_alloc_or(NULL, ngx_palloc(pool, n))
#define ngx_pnalloc(pool, n)                                                  \
    schema1_alloc_or(NULL, ngx_pnalloc(pool, n))
#define ngx_pcalloc(pool, n)                                                  \
    schema1_alloc_or(NULL, ngx_pcalloc(pool, n))
#define ngx_pmemalign(pool, n, alignment)                                     \
    schema1_alloc_or(NULL, ngx_pmemalign(pool, n, alignment))
#define ngx_create_pool(n, log)                                               \
    schema1_alloc_or(NULL, ngx_create_pool(n, log))
#define ngx_pool_cleanup_add(pool, n)                                         \
    schema1_alloc_or(NULL, ngx_pool_cleanup_add(pool, n))
#define ngx_http_cleanup_add(r, n)                                            \
    schema1_alloc_or(NULL, ngx_http_cleanup_add(r, n))

#define ngx_array_create(pool, n, size)                                       \
    schema1_alloc_or(NULL, ngx_array_create(pool, n, size))
#define ngx_array_init(array, pool, n, size)                                  \
    schema1_alloc_or(NGX_ERROR, ngx_array_init(array, pool, n, size))
#define ngx_array_push(array)                                                 \
    schema1_alloc_or(NULL, ngx_array_push(array))
#define ngx_array_push_n(array, n)                                            \
    schema1_alloc_or(NULL, ngx_array_push_n(array, n))
#define ngx_list_init(list, pool, n, size)                                    \
    schema1_alloc_or(NGX_ERROR, ngx_list_init(list, pool, n, size))
#define ngx_list_push(list)                                                   \
    schema1_alloc_or(NULL, ngx_list_push(list))

#define ngx_create_temp_buf(pool, n)                                          \
    schema1_alloc_or(NULL, ngx_create_temp_buf(pool, n))
#define ngx_alloc_chain_link(pool)                                            \
    schema1_alloc_or(NULL, ngx_alloc_chain_link(pool))
#define ngx_http_subrequest(r, uri, args, sr, ps, flags)                      \
    schema1_alloc_or(NGX_ERROR, ngx_http_subrequest(r, uri, args, sr, ps,     \
                                                    flags))
#define ngx_thread_task_alloc(pool, n)                                        \
    schema1_alloc_or(NULL, ngx_thread_task_alloc(pool, n))
#define ngx_slab_alloc(pool, n)                                               \
    schema1_alloc_or(NULL, ngx_slab_alloc(pool, n))
#define ngx_slab_alloc_locked(pool, n)                                        \
    schema1_alloc_or(NULL, ngx_slab_alloc_locked(pool, n))
#define ngx_slab_calloc(pool, n)                                              \
    schema1_alloc_or(NULL, ngx_slab_calloc(pool, n))
#define ngx_slab_calloc_locked(pool, n)                                       \
    schema1_alloc_or(NULL, ngx_slab_calloc_locked(pool, n))


#endif


#endif /* _ALLOC_H_INCLUDED_ */
