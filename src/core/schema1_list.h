
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_LIST_H_INCLUDED_
#define _SCHEMA1_LIST_H_INCLUDED_


#include "schema1_accept.h"
#include "schema1_platform.h"
#include "schema1_raw_manifest.h"


/*
 * Finds the child for a platform in a manifest list or OCI index.  If none
 * matches, but an entry without a platform is an index, that is found ("nested"
 * excludes indexes: they are searched only one level deep).
 * The caller frees *child's memory by schema1_list_child_free().
 * SCHEMA1_ERROR: INVALID_MANIFEST, NO_PLATFORM, DIGEST_UNSUPPORTED, TOO_MANY
 * or NO_MEMORY.
 */

typedef struct {
    schema1_descriptor_t    descriptor;
    schema1_type_e          type;       /* of descriptor.media_type */
    void                   *memory;
} schema1_child_t;

int schema1_list_find(schema1_child_t *child,
    const schema1_raw_manifest_t *raw, const schema1_platform_t *platform,
    bool nested, schema1_error_t *err);

void schema1_list_child_free(schema1_child_t *child);

/*
 * Whether a client that names the type of the list can use it: it names the
 * type of one of the images, and if "platform" is not NULL of the image for it.
 * True if that cannot be determined.
 */
bool schema1_list_usable(const schema1_raw_manifest_t *raw,
    const schema1_accept_t *accept, const schema1_platform_t *platform);


#endif /* _SCHEMA1_LIST_H_INCLUDED_ */
