
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _IMAGE_H_INCLUDED_
#define _IMAGE_H_INCLUDED_


/* a manifest of an image with any number of equal layers */

#include "schema1_manifest.h"
#include "exact.h"


#define A     "sha256:0123456789abcdef0123456789abcdef0123456789abcdef"       \
              "0123456789abcdef"
#define B     "sha256:fedcba9876543210fedcba9876543210fedcba9876543210"       \
              "fedcba9876543210"


static schema1_descriptor_t  image_layers[SCHEMA1_MAX_ITEMS];


static inline void
image_manifest(schema1_manifest_t *m, const char *config, const char *artifact,
    const char *layer, size_t n)
{
    size_t         i;
    schema1_str_t  type, digest;

    type = exact_str(layer);
    digest = exact_str(B);

    memset(m, 0, sizeof(schema1_manifest_t));

    m->config.media_type = exact_str(config);
    m->config.digest = exact_str(A);
    m->config.size = 7;
    m->artifact_type = exact_str(artifact);
    m->layers = image_layers;
    m->nlayers = n;

    for (i = 0; i < n; i++) {
        image_layers[i].media_type = type;
        image_layers[i].digest = digest;
        image_layers[i].size = 100 + (int64_t) i;
    }
}


#endif /* _IMAGE_H_INCLUDED_ */
