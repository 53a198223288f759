
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _CLI_PAGE_H_INCLUDED_
#define _CLI_PAGE_H_INCLUDED_


#include "schema1_string.h"

#include "cli_reference.h"


/*
 * The path and query of the next page of a list, appended to "path" without a
 * terminator.  "target" is from the Link header of the page "current", a path
 * and query too.  SCHEMA1_ERROR: another registry, another list, characters
 * that a URL must not have, or too long.
 */
int cli_page_path(const cli_origin_t *origin, const char *current,
    schema1_str_t target, schema1_buf_t *path);


#endif /* _CLI_PAGE_H_INCLUDED_ */
