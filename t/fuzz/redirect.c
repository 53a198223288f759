
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * Redirects: options, authority, name, path, and up to six Locations that
 * follow each other, one a line
 */

#include "fuzz.h"
#include "schema1_redirect.h"
#include "schema1_uri.h"


static void redirect_check_memory(const schema1_base_t *base,
    schema1_str_t location, schema1_redirect_e judged, size_t number);
static void redirect_check_registry(schema1_str_t target, schema1_str_t name);
static void redirect_check_external(schema1_str_t target, bool secure);
static bool redirect_starts(schema1_str_t str, const char *text);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                *copy, option;
    size_t               i, len;
    schema1_base_t       base;
    schema1_buf_t        target[SCHEMA1_REDIRECT_MAX_HOPS + 1];
    schema1_str_t        input, location, text;
    schema1_error_t      err;
    schema1_redirect_e   judged;

    copy = fuzz_copy(&input, data, size);

    memset(target, 0, sizeof(target));

    text = fuzz_part(&input, '\n');
    option = text.len ? text.data[0] : '0';

    base.registry = true;
    base.url.scheme = fuzz_text(option & 1 ? "https" : "http");
    base.url.authority = fuzz_part(&input, '\n');
    base.name = fuzz_part(&input, '\n');
    base.url.path = fuzz_part(&input, '\n');
    base.upstream = fuzz_text(option & 2 ? "registry:5000" : "");

    if (!schema1_uri_name_valid(base.name)) {
        base.name = fuzz_text("library/app");
    }

    for (i = 0; i <= SCHEMA1_REDIRECT_MAX_HOPS && input.len != 0; i++) {
        location = fuzz_part(&input, '\n');

        /* what is there already has to stay */

        schema1_buf_puts(&target[i], "+");
        memset(&err, 0, sizeof(schema1_error_t));

        fuzz_memory_start();

        judged = schema1_redirect_resolve(&base, location, &target[i], &err);

        fuzz_check(fuzz_memory_peak()
                   <= 8 * (location.len + base.url.path.len) + 4096);
        fuzz_check(target[i].data[0] == '+');

        text = fuzz_buf(&target[i]);
        text.data++;
        text.len--;

        redirect_check_memory(&base, location, judged, 1 + size % 4);

        if (judged == SCHEMA1_REDIRECT_REFUSED) {
            fuzz_check(err.reason == SCHEMA1_REDIRECTED);
            fuzz_check_error(&err);
            break;
        }

        fuzz_check(err.reason == SCHEMA1_NO_REASON);

        if (judged == SCHEMA1_REDIRECT_REGISTRY) {
            fuzz_check(base.registry);
            redirect_check_registry(text, base.name);
            base.url.path = text;
            continue;
        }

        redirect_check_external(text, schema1_str_eq(base.url.scheme, "https"));

        /* as the caller does, take it apart for the next hop */

        base.registry = false;
        base.url.scheme = text;
        base.url.scheme.len = (size_t) ((char *) memchr(text.data, ':',
                                                        text.len)
                                     - text.data);

        len = base.url.scheme.len + 3;
        text.data += len;
        text.len -= len;

        base.url.authority = text;

        for (len = 0; len < text.len; len++) {
            if (text.data[len] == '/' || text.data[len] == '?') {
                break;
            }
        }

        base.url.authority.len = len;
        base.url.path.data = text.data + len;
        base.url.path.len = text.len - len;
    }

    for (i = 0; i <= SCHEMA1_REDIRECT_MAX_HOPS; i++) {
        schema1_buf_free(&target[i]);
    }

    free(copy);

    return 0;
}


/* an allocation that fails is told, whatever was to come out */

static void
redirect_check_memory(const schema1_base_t *base, schema1_str_t location,
    schema1_redirect_e judged, size_t number)
{
    schema1_buf_t       target;
    schema1_error_t     err;
    schema1_redirect_e  again;

    memset(&target, 0, sizeof(schema1_buf_t));
    memset(&err, 0, sizeof(schema1_error_t));

    (void) fuzz_memory_fail(number);

    again = schema1_redirect_resolve(base, location, &target, &err);

    if (fuzz_memory_fail(0)) {
        fuzz_check(again == SCHEMA1_REDIRECT_REFUSED);
        fuzz_check(err.reason == SCHEMA1_NO_MEMORY);

    } else {
        fuzz_check(again == judged);
    }

    schema1_buf_free(&target);
}


/* never a way into another of the user's locations */

static void
redirect_check_registry(schema1_str_t target, schema1_str_t name)
{
    size_t         i;
    schema1_str_t  rest, path, segment;

    path = target;
    path.len = 0;

    while (path.len < target.len && target.data[path.len] != '?') {
        path.len++;
    }

    for (i = 0; i < target.len; i++) {
        fuzz_check(target.data[i] > 0x20 && target.data[i] < 0x7f
                   && target.data[i] != '\\' && target.data[i] != '#');
    }

    rest = path;

    fuzz_check(rest.len > 4 + name.len
               && memcmp(rest.data, "/v2/", 4) == 0
               && memcmp(rest.data + 4, name.data, name.len) == 0
               && rest.data[4 + name.len] == '/');

    rest.data += 4 + name.len + 1;
    rest.len -= 4 + name.len + 1;

    segment = fuzz_part(&rest, '/');

    fuzz_check(schema1_str_eq(segment, "blobs")
               || schema1_str_eq(segment, "manifests"));
    fuzz_check(rest.len != 0 && path.data[path.len - 1] != '/');

    while (rest.len != 0) {
        segment = fuzz_part(&rest, '/');

        fuzz_check(segment.len != 0);
        fuzz_check(memchr(segment.data, '%', segment.len) == NULL);
        fuzz_check(!schema1_str_eq(segment, "."));
        fuzz_check(!schema1_str_eq(segment, ".."));
    }
}


static void
redirect_check_external(schema1_str_t target, bool secure)
{
    size_t  i;

    for (i = 0; i < target.len; i++) {
        fuzz_check(target.data[i] > 0x20 && target.data[i] < 0x7f
                   && target.data[i] != '\\');
    }

    fuzz_check(redirect_starts(target, "https://")
               || redirect_starts(target, "http://"));
    fuzz_check(!secure || redirect_starts(target, "https://"));

    i = (size_t) ((char *) memchr(target.data, '/', target.len)
                  - target.data) + 2;

    fuzz_check(i < target.len && target.data[i] != '/'
               && target.data[i] != ':' && target.data[i] != '?');

    for (/* void */ ; i < target.len; i++) {

        if (target.data[i] == '/' || target.data[i] == '?') {
            break;
        }

        fuzz_check(target.data[i] != '@' && target.data[i] != '%'
                   && target.data[i] != '$');
    }

    fuzz_check(i < target.len && target.data[i] == '/');
}


static bool
redirect_starts(schema1_str_t str, const char *text)
{
    if (str.len < strlen(text)) {
        return false;
    }

    str.len = strlen(text);

    return fuzz_like(str, text);
}
