
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * Makes one chosen allocation of the module fail, for t/alloc.t: included in
 * front of each of its files (cc -include).  The environment's SCHEMA1_ALLOC
 * names a file of three 32-bit integers: the number of the allocation to fail
 * (0: none is counted), the number of allocations so far, and the number of
 * blocks that malloc() returned and that are not free.
 *
 * New memory is filled, so that nothing relies on zeros, and has a guard behind
 * it: what was written beyond its end is an alert when its pool is destroyed.
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
    if (!schema1_alloc_open() || schema1_alloc->fails == 0
        || __sync_add_and_fetch(&schema1_alloc->count, 1)
           != schema1_alloc->fails)
    {
        return 0;
    }

    errno = ENOMEM;

    return 1;
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


/* AddressSanitizer detects more, if each allocation is a block of its own */

#if (NGX_DEBUG_PALLOC)
#define SCHEMA1_ALLOC_GUARD  0
#else
#define SCHEMA1_ALLOC_GUARD  16
#endif

/* as flags of a variable: it has a value, at no address */

#define SCHEMA1_ALLOC_FILL   0x95


typedef struct {
    u_char      *end;
    ngx_pool_t  *pool;
    u_char      *start;
} schema1_alloc_guard_t;


/* one of it: a file may free what another one has allocated */

__attribute__((weak, visibility("hidden"))) void schema1_alloc_check(
    void *data);


__attribute__((weak, visibility("hidden"))) void
schema1_alloc_check(void *data)
{
    int                     i;
    schema1_alloc_guard_t  *guard = data;

    for (i = 0; guard->start && i < SCHEMA1_ALLOC_GUARD; i++) {

        if (guard->end[i] != SCHEMA1_ALLOC_FILL) {
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                          "schema1 wrote beyond the end of %uz bytes",
                          (size_t) (guard->end - guard->start));
            break;
        }
    }

    guard->start = NULL;
}


static inline void *
schema1_alloc_filled(void *p, size_t n)
{
    return p ? memset(p, SCHEMA1_ALLOC_FILL, n) : NULL;
}


static inline void *
schema1_alloc_guarded(ngx_pool_t *pool, void *p, size_t n)
{
    ngx_pool_cleanup_t     *cln;
    schema1_alloc_guard_t  *guard;

    if (p == NULL || SCHEMA1_ALLOC_GUARD == 0) {
        return p;
    }

    cln = ngx_pool_cleanup_add(pool, sizeof(schema1_alloc_guard_t));

    if (cln == NULL) {
        return NULL;
    }

    guard = cln->data;
    guard->start = p;
    guard->end = guard->start + n;
    cln->handler = schema1_alloc_check;

    /* gcc warns of a literal 0, so it is cast */

    memset(guard->end, SCHEMA1_ALLOC_FILL, (size_t) SCHEMA1_ALLOC_GUARD);

    return p;
}


static inline ngx_int_t
schema1_alloc_pfree(ngx_pool_t *pool, void *p)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == schema1_alloc_check
            && ((schema1_alloc_guard_t *) cln->data)->start == p)
        {
            schema1_alloc_check(cln->data);
        }
    }

    return ngx_pfree(pool, p);
}


static inline void *
schema1_alloc_palloc(ngx_pool_t *pool, size_t n)
{
    return schema1_alloc_guarded(pool, schema1_alloc_filled(
                             ngx_palloc(pool, n + SCHEMA1_ALLOC_GUARD), n), n);
}


static inline void *
schema1_alloc_pnalloc(ngx_pool_t *pool, size_t n)
{
    return schema1_alloc_guarded(pool, schema1_alloc_filled(
                            ngx_pnalloc(pool, n + SCHEMA1_ALLOC_GUARD), n), n);
}


static inline void *
schema1_alloc_pcalloc(ngx_pool_t *pool, size_t n)
{
    return schema1_alloc_guarded(pool,
                            ngx_pcalloc(pool, n + SCHEMA1_ALLOC_GUARD), n);
}


static inline u_char *
schema1_alloc_pstrdup(ngx_pool_t *pool, ngx_str_t *src)
{
    u_char  *p;

    p = schema1_alloc_pnalloc(pool, src->len);

    return p ? memcpy(p, src->data, src->len) : NULL;
}


static inline void *
schema1_alloc_array_push(ngx_array_t *array, ngx_uint_t n)
{
    return schema1_alloc_filled(ngx_array_push_n(array, n), n * array->size);
}


static inline void *
schema1_alloc_list_push(ngx_list_t *list)
{
    return schema1_alloc_filled(ngx_list_push(list), list->size);
}


#define schema1_alloc_or(failure, call)                                       \
    (schema1_alloc_fails() ? (failure) : (call))

#define malloc(n)                                                             \
    schema1_alloc_or(NULL, schema1_alloc_filled(                              \
                               schema1_alloc_malloc(malloc(n)), n))
#define calloc(n, size)                                                       \
    schema1_alloc_or(NULL, schema1_alloc_malloc(calloc(n, size)))
#define realloc(p, n)                                                         \
    schema1_alloc_or(NULL, schema1_alloc_realloc(p, n))
#define free(p)                                                               \
    schema1_alloc_free(p)

#define ngx_palloc(pool, n)                                                   \
    schema1_alloc_or(NULL, schema1_alloc_palloc(pool, n))
#define ngx_pnalloc(pool, n)                                                  \
    schema1_alloc_or(NULL, schema1_alloc_pnalloc(pool, n))
#define ngx_pcalloc(pool, n)                                                  \
    schema1_alloc_or(NULL, schema1_alloc_pcalloc(pool, n))
#define ngx_pstrdup(pool, src)                                                \
    schema1_alloc_or(NULL, schema1_alloc_pstrdup(pool, src))
#define ngx_pmemalign(pool, n, alignment)                                     \
    schema1_alloc_or(NULL, ngx_pmemalign(pool, n, alignment))
#define ngx_pfree(pool, p)                                                    \
    schema1_alloc_pfree(pool, p)
#define ngx_create_pool(n, log)                                               \
    schema1_alloc_or(NULL, ngx_create_pool(n, log))
#define ngx_pool_cleanup_add(pool, n)                                         \
    schema1_alloc_or(NULL, ngx_pool_cleanup_add(pool, n))
#define ngx_http_cleanup_add(r, n)                                            \
    schema1_alloc_or(NULL, ngx_http_cleanup_add(r, n))

#define ngx_conf_full_name(cycle, name, prefix)                               \
    schema1_alloc_or(NGX_ERROR, ngx_conf_full_name(cycle, name, prefix))
#define ngx_shared_memory_add(cf, name, size, tag)                            \
    schema1_alloc_or(NULL, ngx_shared_memory_add(cf, name, size, tag))
#define ngx_thread_pool_add(cf, name)                                         \
    schema1_alloc_or(NULL, ngx_thread_pool_add(cf, name))
#define ngx_http_add_variable(cf, name, flags)                                \
    schema1_alloc_or(NULL, ngx_http_add_variable(cf, name, flags))
#define ngx_http_get_variable_index(cf, name)                                 \
    schema1_alloc_or(NGX_ERROR, ngx_http_get_variable_index(cf, name))

#define ngx_array_create(pool, n, size)                                       \
    schema1_alloc_or(NULL, ngx_array_create(pool, n, size))
#define ngx_array_init(array, pool, n, size)                                  \
    schema1_alloc_or(NGX_ERROR, ngx_array_init(array, pool, n, size))
#define ngx_array_push(array)                                                 \
    schema1_alloc_or(NULL, schema1_alloc_array_push(array, 1))
#define ngx_array_push_n(array, n)                                            \
    schema1_alloc_or(NULL, schema1_alloc_array_push(array, n))
#define ngx_list_init(list, pool, n, size)                                    \
    schema1_alloc_or(NGX_ERROR, ngx_list_init(list, pool, n, size))
#define ngx_list_push(list)                                                   \
    schema1_alloc_or(NULL, schema1_alloc_list_push(list))

#define ngx_create_temp_buf(pool, n)                                          \
    schema1_alloc_or(NULL, ngx_create_temp_buf(pool, n))
#define ngx_alloc_chain_link(pool)                                            \
    schema1_alloc_or(NULL, ngx_alloc_chain_link(pool))
#define ngx_http_subrequest(r, uri, args, sr, ps, flags)                      \
    schema1_alloc_or(NGX_ERROR, ngx_http_subrequest(r, uri, args, sr, ps,     \
                                                    flags))
#define ngx_http_complex_value(r, from, value)                                \
    schema1_alloc_or(NGX_ERROR, ngx_http_complex_value(r, from, value))
#define ngx_thread_task_alloc(pool, n)                                        \
    schema1_alloc_or(NULL, ngx_thread_task_alloc(pool, n))
#define ngx_slab_alloc(pool, n)                                               \
    schema1_alloc_or(NULL, schema1_alloc_filled(                              \
                               ngx_slab_alloc(pool, n), n))
#define ngx_slab_alloc_locked(pool, n)                                        \
    schema1_alloc_or(NULL, schema1_alloc_filled(                              \
                               ngx_slab_alloc_locked(pool, n), n))
#define ngx_slab_calloc(pool, n)                                              \
    schema1_alloc_or(NULL, ngx_slab_calloc(pool, n))
#define ngx_slab_calloc_locked(pool, n)                                       \
    schema1_alloc_or(NULL, ngx_slab_calloc_locked(pool, n))


#endif


#endif /* _ALLOC_H_INCLUDED_ */
