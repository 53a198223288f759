
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <fnmatch.h>

#include "schema1_string.h"

#include "cli_pattern.h"


int
cli_patterns_add(cli_patterns_t *patterns, const char *pattern)
{
    if (patterns->n == CLI_MAX_PATTERNS
        || pattern[pattern[0] == '!'] == '\0')
    {
        return SCHEMA1_ERROR;
    }

    patterns->items[patterns->n++] = pattern;

    return SCHEMA1_OK;
}


bool
cli_patterns_match(const cli_patterns_t *patterns, const char *value)
{
    bool         found, positive;
    size_t       i;
    const char  *pattern;

    found = false;
    positive = false;

    for (i = 0; i < patterns->n; i++) {
        pattern = patterns->items[i];

        if (pattern[0] == '!') {

            if (fnmatch(pattern + 1, value, 0) == 0) {
                return false;
            }

            continue;
        }

        positive = true;
        found |= (fnmatch(pattern, value, 0) == 0);
    }

    return found || !positive;
}
