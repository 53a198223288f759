
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "cli.h"
#include "cli_page.h"


#define CLI_MAX_PAGE_PATH  4096


static int cli_page_skip_origin(const cli_origin_t *origin,
    schema1_str_t *target);


int
cli_page_path(const cli_origin_t *origin, const char *current,
    schema1_str_t target, schema1_buf_t *path)
{
    size_t  i, len;

    if (target.len == 0 || target.len > CLI_MAX_PAGE_PATH) {
        return SCHEMA1_ERROR;
    }

    for (i = 0; i < target.len; i++) {
        if (target.data[i] <= ' ' || target.data[i] >= 0x7f
            || target.data[i] == '#' || target.data[i] == '\\')
        {
            return SCHEMA1_ERROR;
        }
    }

    if (cli_page_skip_origin(origin, &target) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    /* the same list, of which only the query differs */

    len = strcspn(current, "?");

    if (target.len != 0 && target.data[0] != '?') {

        if (target.len < len
            || memcmp(target.data, current, len) != 0
            || (target.len > len && target.data[len] != '?'))
        {
            return SCHEMA1_ERROR;
        }

        target.data += len;
        target.len -= len;
    }

    schema1_buf_append(path, current, len);
    schema1_buf_append(path, target.data, target.len);
    cli_check(path);

    return SCHEMA1_OK;
}


/*
 * Schemes are not compared: a registry behind a proxy that ends TLS calls
 * itself http.
 */

static int
cli_page_skip_origin(const cli_origin_t *origin, schema1_str_t *target)
{
    size_t         i, skip;
    schema1_str_t  authority;

    if (target->len >= 7 && memcmp(target->data, "http://", 7) == 0) {
        skip = 7;

    } else if (target->len >= 8 && memcmp(target->data, "https://", 8) == 0) {
        skip = 8;

    } else if (target->len >= 2 && memcmp(target->data, "//", 2) == 0) {
        skip = 2;

    } else {
        return SCHEMA1_OK;
    }

    for (i = skip; i < target->len; i++) {
        if (target->data[i] == '/' || target->data[i] == '?') {
            break;
        }
    }

    authority.data = target->data + skip;
    authority.len = i - skip;

    if (!schema1_str_caseeq(authority, origin->authority)) {
        return SCHEMA1_ERROR;
    }

    target->data += i;
    target->len -= i;

    return SCHEMA1_OK;
}
