
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _MANIFESTS_H_INCLUDED_
#define _MANIFESTS_H_INCLUDED_


/* parts of manifests and lists, as text */

#include <string.h>


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


#endif /* _MANIFESTS_H_INCLUDED_ */
