
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_PAYLOAD_H_INCLUDED_
#define _SCHEMA1_PAYLOAD_H_INCLUDED_


#include "schema1_manifest.h"


/*
 * Appends the schema 1 payload, byte for byte as the schema 1 builder of
 * distribution 2.8 makes it, for a manifest that passed the check and its
 * config.  The name and the tag are valid, or the tag is empty: they are not
 * escaped.  *entries is the number of history entries.  SCHEMA1_ERROR:
 * INVALID_CONFIG, TOO_MANY, TOO_LARGE (the config is over 4 GiB, or the
 * payload over 7 times the config and 7 KiB for each entry, or over the limit
 * of the buffer) or NO_MEMORY.
 */
int schema1_payload_build(const schema1_manifest_t *manifest,
    schema1_str_t config, schema1_str_t name, schema1_str_t tag,
    schema1_buf_t *payload, size_t *entries, schema1_error_t *err);


#endif /* _SCHEMA1_PAYLOAD_H_INCLUDED_ */
