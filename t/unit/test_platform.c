
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_platform.h"
#include "exact.h"
#include "tap.h"


typedef struct {
    const char        *asked;
    const char        *entries;     /* in their order, by spaces */
    int                chosen;      /* which one, from 0; -1: none */
} test_choice_t;


static void test_read(void);
static void test_choices(void);
static int test_choose(const schema1_platform_t *asked, const char *entries);
static schema1_platform_t test_entry(const char *text, size_t len);
static void test_incomplete(void);
static void test_names(void);


static const char  *test_good[] = {
    "linux/amd64", "linux/arm64/v8", "linux/arm/v7", "windows/amd64",
    "a/b/c", "freebsd-13.1/x_y/z.0",
    "linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
};


static const char  *test_bad[] = {
    "", "/", "//", "linux", "linux/", "/amd64", "linux//v8", "linux/arm/",
    "linux/arm/v7/", "linux/arm/v7/x", "/linux/amd64", "Linux/amd64",
    "linux/AMD64", "linux/amd 64", " linux/amd64", "linux/amd64 ",
    "linux/amd64\n", "linux:amd64", "linux\\amd64", "linux/\xc3\xa9",
    "linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
};


static const test_choice_t  test_choices_made[] = {

    /* without a variant: one that has none first */

    { "linux/amd64", "linux/arm64 linux/amd64 linux/amd64", 1 },
    { "linux/amd64", "linux/arm64 linux/386", -1 },
    { "linux/amd64", "windows/amd64 linux/amd64", 1 },
    { "linux/amd64", "", -1 },
    { "linux/amd64", "linux/amd64/v3 linux/amd64/v2 linux/amd64", 2 },
    { "linux/amd64", "linux/amd64/v3 linux/amd64/v1 linux/amd64", 1 },
    { "linux/amd64", "linux/amd64/v3 linux/amd64/v2", 0 },
    { "linux/amd64", "linux/amd64/v8 linux/amd64/v1", 1 },
    { "linux/arm64", "linux/arm64/v9 linux/arm64/v8", 1 },
    { "linux/arm64", "linux/arm64/v1 linux/arm64/v8", 1 },
    { "linux/arm64", "linux/arm64/v8 linux/arm64", 0 },
    { "linux/arm64", "linux/arm64/v9", 0 },
    { "linux/arm", "linux/arm/v5 linux/arm/v7", 0 },
    { "linux/arm", "linux/arm/v5 linux/arm", 1 },
    { "linux/arm", "linux/arm/v6 linux/arm/v8", 0 },
    { "linux/s390x", "linux/s390x/v1 linux/s390x", 1 },

    /* with one: the first that has it */

    { "linux/arm64/v8", "linux/arm64/v9 linux/arm64/v8 linux/arm64", 1 },
    { "linux/arm64/v8", "linux/arm64/v9 linux/arm64 linux/arm64/v8", 1 },
    { "linux/arm64/v9", "linux/arm64/v7 linux/arm64 linux/arm64/v8", 1 },
    { "linux/arm64/v9", "linux/arm64 linux/arm64/v9", 1 },
    { "linux/amd64/v3", "linux/amd64 linux/amd64/v2", 1 },
    { "linux/amd64/v3", "linux/amd64/v4 linux/amd64", 1 },
    { "linux/amd64/v2", "linux/amd64/v4 linux/amd64/v3", -1 },
    { "linux/amd64/v2", "linux/amd64 linux/amd64/v3 linux/amd64/v2", 2 },
    { "linux/amd64/v1", "linux/amd64/v2 linux/amd64", 1 },
    { "linux/ppc64le/power9", "linux/ppc64le linux/ppc64le/power9", 1 },
    { "linux/ppc64le/power9", "linux/ppc64le", -1 },
    { "linux/s390x/v2", "linux/s390x/v1", -1 },
    { "linux/s390x/v2", "linux/s390x/v1 linux/s390x/v2", 1 },

    /* 32-bit arm falls back to lower ones, never to higher ones */

    { "linux/arm/v7", "linux/arm/v6 linux/arm/v7", 1 },
    { "linux/arm/v7", "linux/arm/v6 linux/arm", 1 },
    { "linux/arm/v7", "linux/arm/v5 linux/arm/v6 linux/arm/v6", 1 },
    { "linux/arm/v7", "linux/arm/v5", 0 },
    { "linux/arm/v7", "linux/arm/v8", -1 },
    { "linux/arm/v6", "linux/arm/v7 linux/arm", -1 },
    { "linux/arm/v5", "linux/arm/v7 linux/arm/v8 linux/arm", -1 },
    { "linux/arm/v6", "linux/arm linux/arm/v5", 1 },
    { "linux/arm/v8", "linux/arm/v6 linux/arm", 1 },
    { "linux/arm/v7", "linux/arm/x6 linux/arm/v66", -1 },
    { "linux/arm/v7", "linux/arm/vx linux/arm/v linux/arm/v0", -1 },
    { "linux/arm/v7", "linux/arm/v: linux/arm/v/ linux/arm/w6", -1 },
    { "linux/arm/vx", "linux/arm/v6 linux/arm", -1 },
    { "linux/arm/vx", "linux/arm/v6 linux/arm/vx", 1 },
    { "linux/arm/v", "linux/arm/v6", -1 },
    { "linux/arm/v0", "linux/arm/v1", -1 },
    { "linux/arm/v-", "linux/arm/v6", -1 },
    { "linux/arm/v10", "linux/arm/v1 linux/arm/v9", -1 },
    { "linux/arm/v9", "linux/arm/v1 linux/arm/v9", 1 },
    { "linux/arm/v9", "linux/arm/v1 linux/arm/v8", 1 },
    { "linux/arm/v1", "linux/arm/v2 linux/arm/v1", 1 },
    { "linux/arm/v2", "linux/arm/v1", 0 },
    { "linux/arm/x", "linux/arm/v6 linux/arm linux/arm/x", 2 },
    { "linux/arm64/v8", "linux/arm64/v9 linux/arm/v8", -1 },
    { "linux/arm64/v8", "linux/arm64/v7 linux/arm/v8", 0 },

    /* attestations */

    { "linux/amd64", "unknown/unknown linux/amd64", 1 },
    { "unknown/unknown", "unknown/unknown", -1 },
    { "unknown/amd64", "unknown/amd64", -1 },
    { "linux/unknown", "linux/unknown", -1 },

    /* case and length count */

    { "linux/amd64", "Linux/amd64 linux/AMD64 linux/amd linux/amd642", -1 }
};


int
main(void)
{
    test_read();
    test_choices();
    test_incomplete();
    test_names();

    return tap_done();
}


static void
test_read(void)
{
    size_t              i;
    schema1_platform_t  platform;

    for (i = 0; i < sizeof(test_good) / sizeof(test_good[0]); i++) {
        tap_ok(schema1_platform_read(&platform, exact_str(test_good[i]))
               == SCHEMA1_OK, "a platform: %s", test_good[i]);
    }

    for (i = 0; i < sizeof(test_bad) / sizeof(test_bad[0]); i++) {
        tap_ok(schema1_platform_read(&platform, exact_str(test_bad[i]))
               == SCHEMA1_ERROR, "no platform: number %zu", i);
    }

    (void) schema1_platform_read(&platform, exact_str("linux/arm/v7"));
    tap_is(platform.os.data, platform.os.len, "linux",
           "a platform has its system");
    tap_is(platform.architecture.data, platform.architecture.len, "arm",
           "a platform has its architecture");
    tap_is(platform.variant.data, platform.variant.len, "v7",
           "a platform has its variant");

    (void) schema1_platform_read(&platform, exact_str("linux/arm"));
    tap_ok(platform.variant.len == 0, "a platform without a variant has none");
}


static void
test_choices(void)
{
    size_t                i;
    schema1_platform_t    asked;
    const test_choice_t  *choice;

    for (i = 0;
         i < sizeof(test_choices_made) / sizeof(test_choices_made[0]);
         i++)
    {
        choice = &test_choices_made[i];

        (void) schema1_platform_read(&asked, exact_str(choice->asked));

        tap_ok(test_choose(&asked, choice->entries) == choice->chosen,
               "%s of %s: %d", choice->asked, choice->entries,
               choice->chosen);
    }
}


static int
test_choose(const schema1_platform_t *asked, const char *entries)
{
    int                 i, chosen;
    size_t              len;
    unsigned            rank, best;
    schema1_platform_t  entry;

    best = 0;
    chosen = -1;

    for (i = 0; *entries; i++) {
        len = strcspn(entries, " ");
        entry = test_entry(entries, len);
        rank = schema1_platform_rank(asked, &entry);

        if (rank != 0 && (chosen < 0 || rank < best)) {
            best = rank;
            chosen = i;
        }

        entries += len;
        entries += (*entries == ' ');
    }

    return chosen;
}


static schema1_platform_t
test_entry(const char *text, size_t len)
{
    size_t               n;
    const char          *last;
    schema1_platform_t   entry;

    memset(&entry, 0, sizeof(schema1_platform_t));

    last = text + len;

    n = strcspn(text, "/");
    entry.os = exact_bytes(text, n);
    text += n + 1;

    n = strcspn(text, "/ ");
    entry.architecture = exact_bytes(text, n);
    text += n;

    if (text < last) {
        text++;
        entry.variant = exact_bytes(text, (size_t) (last - text));
    }

    return entry;
}


static void
test_incomplete(void)
{
    schema1_platform_t  asked, entry;

    (void) schema1_platform_read(&asked, exact_str("linux/amd64"));

    memset(&entry, 0, sizeof(schema1_platform_t));
    tap_ok(schema1_platform_rank(&asked, &entry) == 0,
           "an entry without a platform never matches");

    entry.os = exact_str("linux");
    tap_ok(schema1_platform_rank(&asked, &entry) == 0,
           "an entry without an architecture never matches");

    memset(&entry, 0, sizeof(schema1_platform_t));
    entry.architecture = exact_str("amd64");
    tap_ok(schema1_platform_rank(&asked, &entry) == 0,
           "an entry without a system never matches");
}


static void
test_names(void)
{
    size_t       i;
    const char  *name;

    static const char  *names[] = {
        "x86_64", "amd64", "i686", "386", "aarch64", "arm64",
        "armv7l", "arm/v7", "armel", "arm/v6", "ppc64el", "ppc64le"
    };

    static const char  *oci[] = {
        "amd64", "386", "arm", "arm64", "ppc64le", "s390x", "riscv64", "x86_6",
        "x86_644", "", "something"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i += 2) {
        name = schema1_platform_oci_name(exact_str(names[i]));
        tap_ok(name != NULL && strcmp(name, names[i + 1]) == 0,
               "OCI's name of %s is %s", names[i], names[i + 1]);
    }

    for (i = 0; i < sizeof(oci) / sizeof(oci[0]); i++) {
        tap_ok(schema1_platform_oci_name(exact_str(oci[i])) == NULL,
               "\"%s\" has no other name", oci[i]);
    }
}
