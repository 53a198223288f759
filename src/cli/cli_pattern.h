
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _CLI_PATTERN_H_INCLUDED_
#define _CLI_PATTERN_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>


#define CLI_MAX_PATTERNS  64


typedef struct {
    const char        *items[CLI_MAX_PATTERNS];     /* borrowed */
    size_t             n;
} cli_patterns_t;


/* SCHEMA1_ERROR: empty, or too many of them */
int cli_patterns_add(cli_patterns_t *patterns, const char *pattern);

/*
 * A value is selected if it matches any pattern and none of those that begin
 * with "!"; no pattern at all, or only such ones, match everything.  "*" and
 * "?" match slashes too; see glob(7).
 */
bool cli_patterns_match(const cli_patterns_t *patterns, const char *value);


#endif /* _CLI_PATTERN_H_INCLUDED_ */
