
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_SNIFF_H_INCLUDED_
#define _SCHEMA1_SNIFF_H_INCLUDED_


#include "schema1_raw_manifest.h"


/*
 * Determines the type of a document by its own mediaType, schemaVersion,
 * manifests, config, layers, fsLayers, which take precedence over the type
 * that its header states.  A document that is not a manifest, or not valid JSON
 * (*raw is zeros), has the stated type, or OTHER if that is GENERIC.
 */
schema1_type_e schema1_sniff(const schema1_raw_manifest_t *raw,
    schema1_type_e stated);

/* the type that the token of a mediaType names */
schema1_type_e schema1_sniff_type(schema1_str_t token);


#endif /* _SCHEMA1_SNIFF_H_INCLUDED_ */
