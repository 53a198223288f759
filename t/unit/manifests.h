
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _MANIFESTS_H_INCLUDED_
#define _MANIFESTS_H_INCLUDED_


/* parts of manifests and lists, as text, and functions that read a text */

#include <string.h>

#include "schema1_list.h"
#include "schema1_manifest.h"
#include "schema1_sniff.h"


#define DOCKER  "application/vnd.docker.distribution.manifest.v2+json"
#define LIST    "application/vnd.docker.distribution.manifest.list.v2+json"
#define OCI     "application/vnd.oci.image.manifest.v1+json"
#define INDEX   "application/vnd.oci.image.index.v1+json"
#define V1      "application/vnd.docker.distribution.manifest.v1+prettyjws"

#define HEX     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab"
#define A       "sha256:" HEX "aaaa"
#define B       "sha256:" HEX "bbbb"
#define C       "sha256:" HEX "cccc"

#define TYPE(type)     "\"mediaType\":\"" type "\""
#define DIGEST(digest) "\"digest\":\"" digest "\""
#define V2             "{\"schemaVersion\":2,"
#define CONFIG         "\"config\":{" DIGEST(A) "},"
#define LAYERS         "\"layers\":[{" DIGEST(B) "}]"

#define PLATFORM(os, arch)                                                    \
    "\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"

#define BIG  (4 * 1024 * 1024)


/* "size" bytes of head, as many items as fit, tail */

static inline size_t
manifests_fill(char *to, const char *head, const char *item, const char *tail,
    size_t size)
{
    size_t  len, n;

    n = strlen(item);
    len = strlen(head);
    memcpy(to, head, len);

    while (len + n + strlen(tail) <= size) {
        memcpy(to + len, item, n);
        len += n;
    }

    len -= (to[len - 1] == ',');
    memcpy(to + len, tail, strlen(tail));

    return len + strlen(tail);
}


static inline int
manifests_read(schema1_manifest_t *manifest, schema1_str_t document,
    schema1_error_t *err)
{
    int                     rc;
    schema1_raw_manifest_t  raw;

    memset(manifest, 0, sizeof(schema1_manifest_t));

    rc = schema1_raw_manifest_read(&raw, document, err);

    if (rc == SCHEMA1_OK) {
        /* what was there before is not read */
        memset(manifest, 0xff, sizeof(schema1_manifest_t));

        rc = schema1_manifest_read(manifest, &raw, err);
        schema1_raw_manifest_free(&raw);
    }

    return rc;
}


static inline int
manifests_find(schema1_child_t *child, schema1_str_t document,
    const schema1_platform_t *platform, bool nested, schema1_error_t *err)
{
    int                     rc;
    schema1_raw_manifest_t  raw;

    memset(child, 0, sizeof(schema1_child_t));

    rc = schema1_raw_manifest_read(&raw, document, err);

    if (rc == SCHEMA1_OK) {
        /* what was there before is not read */
        memset(child, 0xff, sizeof(schema1_child_t));

        rc = schema1_list_find(child, &raw, platform, nested, err);
        schema1_raw_manifest_free(&raw);
    }

    return rc;
}


static inline schema1_type_e
manifests_sniff(schema1_str_t document, schema1_type_e stated)
{
    schema1_type_e          type;
    schema1_error_t         err;
    schema1_raw_manifest_t  raw;

    (void) schema1_raw_manifest_read(&raw, document, &err);

    type = schema1_sniff(&raw, stated);

    schema1_raw_manifest_free(&raw);

    return type;
}


static inline int
manifests_usable(bool *usable, schema1_str_t document,
    const schema1_accept_t *accept, const schema1_platform_t *platform,
    schema1_error_t *err)
{
    schema1_raw_manifest_t  raw;

    if (schema1_raw_manifest_read(&raw, document, err) != SCHEMA1_OK
        && err->reason == SCHEMA1_NO_MEMORY)
    {
        return SCHEMA1_ERROR;
    }

    *usable = schema1_list_usable(&raw, accept, platform);

    schema1_raw_manifest_free(&raw);

    return SCHEMA1_OK;
}


#endif /* _MANIFESTS_H_INCLUDED_ */
