
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_PLATFORM_H_INCLUDED_
#define _SCHEMA1_PLATFORM_H_INCLUDED_


#include "schema1_string.h"


/* bytes of a platform, slashes included */
#define SCHEMA1_PLATFORM_MAX  128


/* os/architecture[/variant]; the variant is empty if there is none */

typedef struct {
    schema1_str_t      os;
    schema1_str_t      architecture;
    schema1_str_t      variant;
} schema1_platform_t;


/*
 * Reads "os/arch[/variant]": two or three parts of [a-z0-9._-], none of them
 * empty, SCHEMA1_PLATFORM_MAX bytes at most.  Points into "value".
 */
int schema1_platform_read(schema1_platform_t *platform, schema1_str_t value);

/*
 * How well an entry of a list matches the requested platform: 0 if it does
 * not, else the smaller the better.  Of entries of one rank the first counts.
 */
unsigned schema1_platform_rank(const schema1_platform_t *wanted,
    const schema1_platform_t *entry);

/*
 * OCI's name of an architecture that is often called otherwise ("amd64" for
 * "x86_64"), for a warning.  NULL for any other name.
 */
const char *schema1_platform_oci_name(schema1_str_t architecture);


#endif /* _SCHEMA1_PLATFORM_H_INCLUDED_ */
