
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _FUZZ_MANIFEST_H_INCLUDED_
#define _FUZZ_MANIFEST_H_INCLUDED_


#include "fuzz.h"
#include "schema1_list.h"
#include "schema1_manifest.h"
#include "schema1_sniff.h"


/* as the functions of the core, but from a text */

int fuzz_manifest_read(schema1_manifest_t *manifest, schema1_str_t document,
    schema1_error_t *err);
int fuzz_list_find(schema1_child_t *child, schema1_str_t document,
    const schema1_platform_t *platform, bool nested, schema1_error_t *err);
schema1_type_e fuzz_sniff(schema1_str_t document, schema1_type_e stated);


#endif /* _FUZZ_MANIFEST_H_INCLUDED_ */
