
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _CLI_KEY_H_INCLUDED_
#define _CLI_KEY_H_INCLUDED_


#include "schema1_key.h"


/*
 * A new EC P-256 key.  The signatures are not part of the report, and digests
 * do not depend on them.  The caller frees it.  NULL: OpenSSL failed, or out of
 * memory.
 */
schema1_key_t *cli_key_generate(void);


#endif /* _CLI_KEY_H_INCLUDED_ */
