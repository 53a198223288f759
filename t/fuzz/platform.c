
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* platforms: what is asked, and the parts of an entry, one a line */

#include "fuzz.h"
#include "schema1_platform.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                *copy;
    size_t               i;
    unsigned             rank, own;
    schema1_str_t        input, value;
    schema1_platform_t   asked, entry;

    copy = fuzz_copy(&input, data, size);

    value = fuzz_part(&input, '\n');
    entry.os = fuzz_part(&input, '\n');
    entry.architecture = fuzz_part(&input, '\n');
    entry.variant = fuzz_part(&input, '\n');

    if (schema1_platform_read(&asked, value) != SCHEMA1_OK) {
        free(copy);
        return 0;
    }

    fuzz_check(value.len <= 128);
    fuzz_check(asked.os.len != 0 && asked.architecture.len != 0);
    fuzz_check(asked.os.len + 1 + asked.architecture.len
               + (asked.variant.len ? 1 : 0) + asked.variant.len
               == value.len);

    for (i = 0; i < value.len; i++) {
        fuzz_check(strchr("abcdefghijklmnopqrstuvwxyz0123456789._-/",
                          value.data[i])
                   != NULL && value.data[i] != '\0');
    }

    rank = schema1_platform_rank(&asked, &entry);
    own = schema1_platform_rank(&asked, &asked);

    /* nothing fits better than what was asked for */

    fuzz_check(own != 0 || schema1_str_eq(asked.os, "unknown")
               || schema1_str_eq(asked.architecture, "unknown"));
    fuzz_check(rank == 0 || own <= rank);

    /* another variant than the one asked for is second best */

    if (asked.variant.len != 0 && entry.variant.len != 0
        && !fuzz_same(asked.variant, entry.variant))
    {
        fuzz_check(rank == 0 || own < rank);
    }

    if (rank != 0) {
        fuzz_check(fuzz_same(asked.os, entry.os));
        fuzz_check(fuzz_same(asked.architecture, entry.architecture));
    }

    free(copy);

    return 0;
}
