
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>

#include "schema1_uri.h"
#include "exact.h"
#include "tap.h"


#define TEST_HEX                                                              \
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

#define TEST_50  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"


typedef struct {
    const char        *target;
    schema1_uri_e      kind;
    const char        *name;
    const char        *reference;
    const char        *args;
} test_uri_t;


static schema1_uri_e test_read(schema1_uri_t *uri, const char *target,
    char **buf);
static void test_uris(void);
static void test_buffer(void);
static void test_names(void);
static void test_tags(void);


static const test_uri_t  test_ours[] = {
    { "/v2/busybox/manifests/latest", SCHEMA1_URI_TAG,
      "busybox", "latest", "" },
    { "/v2/library/busybox/manifests/1.36.1-musl", SCHEMA1_URI_TAG,
      "library/busybox", "1.36.1-musl", "" },
    { "/v2/a/b/c/d/manifests/v1?ns=docker.io&x", SCHEMA1_URI_TAG,
      "a/b/c/d", "v1", "ns=docker.io&x" },
    { "/v2/a/manifests/v1?", SCHEMA1_URI_TAG, "a", "v1", "" },
    { "/v2/a/manifests/v1?x=/v2/b/manifests/v2", SCHEMA1_URI_TAG,
      "a", "v1", "x=/v2/b/manifests/v2" },

    /* components of a name that look like more */

    { "/v2/manifests/manifests/latest", SCHEMA1_URI_TAG,
      "manifests", "latest", "" },
    { "/v2/a/manifests/b/manifests/c", SCHEMA1_URI_TAG,
      "a/manifests/b", "c", "" },
    { "/v2/a/blobs/manifests/manifests", SCHEMA1_URI_TAG,
      "a/blobs", "manifests", "" },
    { "/v2/v2/manifests/v2", SCHEMA1_URI_TAG, "v2", "v2", "" },

    /* digests */

    { "/v2/a/manifests/sha256:" TEST_HEX, SCHEMA1_URI_DIGEST,
      "a", "sha256:" TEST_HEX, "" },
    { "/v2/a/manifests/sha256:0", SCHEMA1_URI_DIGEST, "a", "sha256:0", "" },
    { "/v2/a/manifests/multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv",
      SCHEMA1_URI_DIGEST,
      "a", "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv", "" },
    { "/v2/a/b/blobs/sha256:" TEST_HEX "?ns=x", SCHEMA1_URI_BLOB,
      "a/b", "sha256:" TEST_HEX, "ns=x" },
    { "/v2/a/blobs/blobs/sha512:aB_-=9", SCHEMA1_URI_BLOB,
      "a/blobs", "sha512:aB_-=9", "" },

    /* percent-decoding comes first */

    { "/v2/library%2Fbusybox/manifests/latest", SCHEMA1_URI_TAG,
      "library/busybox", "latest", "" },
    { "/v2/a/manifests/%6catest", SCHEMA1_URI_TAG, "a", "latest", "" },
    { "/v2/a/blobs/sha256%3A00", SCHEMA1_URI_BLOB, "a", "sha256:00", "" },
    { "/v2/a/%6D%61nifests/x?a=%2", SCHEMA1_URI_TAG, "a", "x", "a=%2" },
    { "%2fv2%2Fa%2fmanifests%2Fx", SCHEMA1_URI_TAG, "a", "x", "" }
};


static const char  *test_others[] = {
    "",
    "/",
    "/v2",
    "/v2/",
    "/v2/manifests/latest",
    "/v2//manifests/latest",
    "/v1/a/manifests/latest",
    "/v2a/manifests/latest",
    "/v2aa/manifests/latest",
    "v2/a/manifests/latest",
    "//v2/a/manifests/latest",
    "/x/v2/a/manifests/latest",
    "/V2/a/manifests/latest",
    "/v2/a/Manifests/latest",
    "/v2/a/manifests/",
    "/v2/a/manifests",
    "/v2/a/manifests/latest/",
    "/v2/a/manifests//latest",
    "/v2/a//b/manifests/latest",
    "/v2/a/tags/list",
    "/v2/a/b",
    "/v2/_catalog",
    "/v2/a/blobs/latest",
    "/v2/a/blobs/uploads/",
    "/v2/a/blobs/uploads/sha256:00",
    "/v2/a/referrers/sha256:00",

    /* grammar */

    "/v2/A/manifests/latest",
    "/v2/localhost:5000/a/manifests/latest",
    "/v2/a_/manifests/latest",
    "/v2/a..b/manifests/latest",
    "/v2/./manifests/latest",
    "/v2/../a/manifests/latest",
    "/v2/a/../b/manifests/latest",
    "/v2/a/manifests/.latest",
    "/v2/a/manifests/-latest",
    "/v2/a/manifests/la test",
    "/v2/a/manifests/latest;x",
    "/v2/a/manifests/sha256:",
    "/v2/a/manifests/:00",
    "/v2/a/manifests/sha256:00:00",
    "/v2/a/manifests/SHA256:00",
    "/v2/a/manifests/sha256+:00",
    "/v2/a/manifests/+sha256:00",
    "/v2/a/manifests/sha..256:00",
    "/v2/a/manifests/sha256:0 0",

    /* escapes */

    "/v2/a/manifests/latest%",
    "/v2/a/manifests/latest%2",
    "/v2/a/manifests/latest%zz",
    "/v2/a/manifests/latest%g0",
    "/v2/a/manifests/latest%00",
    "/v2/a%00b/manifests/latest",
    "/v2/a%252fb/manifests/latest",
    "/v2/a/manifests/x%2Fy",
    "/v2/%2e%2e/manifests/latest",

    /* fragments */

    "/v2/a/manifests/latest#x",
    "/v2/a/manifests/latest%23x",
    "/v2/a#/manifests/latest",
    "/v2/a/manifests/latest?#",
    "/v2/a/manifests/latest?a#x"
};


static const char  *test_good_names[] = {
    "a", "0", "abc", "a.b", "a_b", "a__b", "a-b", "a---b", "a-b.c_d__e/f",
    "a/b/c", "1/2",
    TEST_50 TEST_50 TEST_50 TEST_50 "/" TEST_50 "aaaa"
};


static const char  *test_bad_names[] = {
    "", "/", "a/", "/a", "a//b", "A", "aB", "-a", "a-", ".a", "a.", "_a", "a_",
    "a___b", "a..b", "a._b", "a-.b", "a.-b", "a b", "a:b", "a@b", "a%b",
    "a\nb", "a/b/", "a/-b", "\xc3\xa9",
    TEST_50 TEST_50 TEST_50 TEST_50 "/" TEST_50 "aaaaa"
};


static const char  *test_good_tags[] = {
    "a", "A", "0", "_", "_.-", "latest", "v1.2.3-rc.1_x", "__",
    TEST_50 TEST_50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaa"
};


static const char  *test_bad_tags[] = {
    "", ".", "-", ".a", "-a", "a b", "a/b", "a:b", "a+b", "a@b", "\xc3\xa9",
    TEST_50 TEST_50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
};


int
main(void)
{
    test_uris();
    test_buffer();
    test_names();
    test_tags();

    return tap_done();
}


/* the buffer has just the room that is promised, so that a sanitizer sees */

static schema1_uri_e
test_read(schema1_uri_t *uri, const char *target, char **buf)
{
    *buf = malloc(strlen(target));

    return schema1_uri_read(uri, exact_str(target), *buf);
}


static void
test_uris(void)
{
    char              *buf;
    size_t             i;
    schema1_uri_t      uri;
    const test_uri_t  *want;

    for (i = 0; i < sizeof(test_ours) / sizeof(test_ours[0]); i++) {
        want = &test_ours[i];

        tap_ok(test_read(&uri, want->target, &buf) == want->kind
               && uri.kind == want->kind
               && schema1_str_eq(uri.name, want->name)
               && schema1_str_eq(uri.reference, want->reference)
               && schema1_str_eq(uri.args, want->args),
               "ours: %s", want->target);

        free(buf);
    }

    for (i = 0; i < sizeof(test_others) / sizeof(test_others[0]); i++) {
        tap_ok(test_read(&uri, test_others[i], &buf) == SCHEMA1_URI_OTHER
               && uri.kind == SCHEMA1_URI_OTHER,
               "not ours: \"%s\"", test_others[i]);

        free(buf);
    }
}


static void
test_buffer(void)
{
    char           buf[64];
    schema1_str_t  target = exact_str("/v2/a/manifests/x?b=%20");
    schema1_uri_t  uri;

    memset(buf, 'z', sizeof(buf));

    (void) schema1_uri_read(&uri, target, buf);

    tap_ok(buf[0] == 'z' && uri.name.data == target.data + 4,
           "without a percent sign in the path nothing is copied");

    tap_ok(schema1_uri_read(&uri, exact_str("/v2/a/manifests/x"), NULL)
           == SCHEMA1_URI_TAG
           && schema1_uri_read(&uri, exact_str("/v2/%61/manifests/x"), NULL)
              == SCHEMA1_URI_OTHER,
           "without a buffer nothing is decoded");

    (void) schema1_uri_read(&uri, exact_str("/v2/%61/manifests/x"), buf);

    tap_ok(uri.name.data == buf + 4, "else name and tag lie in the buffer");
}


static void
test_names(void)
{
    size_t  i;

    for (i = 0; i < sizeof(test_good_names) / sizeof(test_good_names[0]); i++)
    {
        tap_ok(schema1_uri_name_valid(exact_str(test_good_names[i])),
               "name: %s", test_good_names[i]);
    }

    for (i = 0; i < sizeof(test_bad_names) / sizeof(test_bad_names[0]); i++) {
        tap_ok(!schema1_uri_name_valid(exact_str(test_bad_names[i])),
               "no name: number %zu", i);
    }
}


static void
test_tags(void)
{
    size_t  i;

    for (i = 0; i < sizeof(test_good_tags) / sizeof(test_good_tags[0]); i++) {
        tap_ok(schema1_uri_tag_valid(exact_str(test_good_tags[i])), "tag: %s",
               test_good_tags[i]);
    }

    for (i = 0; i < sizeof(test_bad_tags) / sizeof(test_bad_tags[0]); i++) {
        tap_ok(!schema1_uri_tag_valid(exact_str(test_bad_tags[i])),
               "no tag: %s", test_bad_tags[i]);
    }
}
