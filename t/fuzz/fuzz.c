
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <openssl/evp.h>

#include "fuzz.h"


/* of the sanitizers' run time library; not there without one */

extern int __sanitizer_install_malloc_and_free_hooks(
    void (*taken)(const volatile void *, size_t),
    void (*given)(const volatile void *)) __attribute__((weak));
extern size_t __sanitizer_get_allocated_size(const volatile void *p)
    __attribute__((weak));


extern void *__real_malloc(size_t size);
extern void *__real_calloc(size_t n, size_t size);
extern void *__real_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool fuzz_fails(void);
static void fuzz_taken(const volatile void *p, size_t size);
static void fuzz_given(const volatile void *p);


static bool    fuzz_hooked, fuzz_failed;
static long    fuzz_held, fuzz_peak;
static size_t  fuzz_number;


_Noreturn void
fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}


char *
fuzz_copy(schema1_str_t *to, const void *data, size_t len)
{
    char  *copy;

    to->data = NULL;
    to->len = 0;

    if (len == 0) {
        return NULL;
    }

    copy = __real_malloc(len);
    fuzz_check(copy != NULL);

    memcpy(copy, data, len);

    to->data = copy;
    to->len = len;

    return copy;
}


schema1_str_t
fuzz_part(schema1_str_t *rest, char separator)
{
    const char     *end;
    schema1_str_t   part;

    part = *rest;

    end = rest->len ? memchr(rest->data, separator, rest->len) : NULL;

    if (end == NULL) {
        memset(rest, 0, sizeof(schema1_str_t));
        return part;
    }

    part.len = (size_t) (end - rest->data);
    rest->data += part.len + 1;
    rest->len -= part.len + 1;

    return part;
}


schema1_str_t
fuzz_text(const char *text)
{
    schema1_str_t  str;

    str.data = text;
    str.len = strlen(text);

    return str;
}


schema1_str_t
fuzz_buf(const schema1_buf_t *buf)
{
    schema1_str_t  str;

    str.data = buf->data;
    str.len = buf->len;

    return str;
}


bool
fuzz_same(schema1_str_t one, schema1_str_t two)
{
    return one.len == two.len
           && (one.len == 0 || memcmp(one.data, two.data, one.len) == 0);
}


bool
fuzz_like(schema1_str_t str, const char *text)
{
    char    ch;
    size_t  i;

    for (i = 0; i < str.len; i++) {
        ch = str.data[i];

        if (ch >= 'A' && ch <= 'Z') {
            ch = (char) (ch - 'A' + 'a');
        }

        if (text[i] == '\0' || ch != (text[i] >= 'A' && text[i] <= 'Z'
                                      ? text[i] - 'A' + 'a' : text[i]))
        {
            return false;
        }
    }

    return text[str.len] == '\0';
}


void
fuzz_check_error(const schema1_error_t *err)
{
    size_t  i;

    fuzz_check(err->reason > SCHEMA1_NO_REASON);
    fuzz_check(err->reason < SCHEMA1_REASON_MAX);
    fuzz_check(err->message[0] != '\0');
    fuzz_check(memchr(err->message, '\0', sizeof(err->message)) != NULL);
    fuzz_check(memchr(err->platform, '\0', sizeof(err->platform)) != NULL);
    fuzz_check(memchr(err->media_type, '\0', sizeof(err->media_type))
               != NULL);
    fuzz_check(memchr(err->source_digest, '\0', sizeof(err->source_digest))
               != NULL);

    for (i = 0; err->message[i]; i++) {
        fuzz_check(err->message[i] >= 0x20 && err->message[i] < 0x7f);
    }

    for (i = 0; err->platform[i]; i++) {
        fuzz_check(err->platform[i] >= 0x20 && err->platform[i] < 0x7f);
    }

    for (i = 0; err->media_type[i]; i++) {
        fuzz_check(err->media_type[i] >= 0x20 && err->media_type[i] < 0x7f);
    }

    for (i = 0; err->source_digest[i]; i++) {
        fuzz_check(err->source_digest[i] >= 0x20
                   && err->source_digest[i] < 0x7f);
    }
}


void
fuzz_sha256(schema1_str_t data, char hex[65])
{
    unsigned       i, n;
    unsigned char  hash[EVP_MAX_MD_SIZE];

    fuzz_check(EVP_Digest(data.data, data.len, hash, &n, EVP_sha256(), NULL)
               == 1);

    for (i = 0; i < n; i++) {
        (void) snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    }
}


void
fuzz_memory_start(void)
{
    if (!fuzz_hooked && __sanitizer_install_malloc_and_free_hooks
        && __sanitizer_get_allocated_size)
    {
        fuzz_hooked = __sanitizer_install_malloc_and_free_hooks(fuzz_taken,
                                                                fuzz_given)
                      != 0;
    }

    fuzz_held = 0;
    fuzz_peak = 0;
}


size_t
fuzz_memory_peak(void)
{
    return (size_t) fuzz_peak;
}


static void
fuzz_taken(const volatile void *p, size_t size)
{
    (void) p;

    fuzz_held += (long) size;

    if (fuzz_held > fuzz_peak) {
        fuzz_peak = fuzz_held;
    }
}


static void
fuzz_given(const volatile void *p)
{
    if (p != NULL) {
        fuzz_held -= (long) __sanitizer_get_allocated_size(p);
    }
}


bool
fuzz_memory_fail(size_t number)
{
    bool  failed;

    failed = fuzz_failed;

    fuzz_failed = false;
    fuzz_number = number;

    return failed;
}


static bool
fuzz_fails(void)
{
    if (fuzz_number == 0 || --fuzz_number != 0) {
        return false;
    }

    fuzz_failed = true;

    return true;
}


void *
__wrap_malloc(size_t size)
{
    return fuzz_fails() ? NULL : __real_malloc(size);
}


void *
__wrap_calloc(size_t n, size_t size)
{
    return fuzz_fails() ? NULL : __real_calloc(n, size);
}


void *
__wrap_realloc(void *p, size_t size)
{
    return fuzz_fails() ? NULL : __real_realloc(p, size);
}
