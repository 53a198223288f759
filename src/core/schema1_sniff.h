
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_SNIFF_H_INCLUDED_
#define _SCHEMA1_SNIFF_H_INCLUDED_


#include "schema1_media_type.h"


/*
 * Determines the type of a document by its own mediaType, schemaVersion,
 * manifests, config, layers, fsLayers, which take precedence over the type
 * that its header states.  A document that is not valid JSON or not a manifest
 * has the stated type, or OTHER if that is GENERIC.  Linear in the length.
 */
schema1_type_e schema1_sniff(schema1_str_t document, schema1_type_e stated);

/* the type that the token of a mediaType names */
schema1_type_e schema1_sniff_type(schema1_str_t token);


#endif /* _SCHEMA1_SNIFF_H_INCLUDED_ */
