
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>

#include "schema1_json.h"
#include "exact.h"
#include "tap.h"


#define TEST_DEPTH  SCHEMA1_JSON_MAX_DEPTH


static void test_check(void);
static void test_depth(void);


static const char *const  test_valid[] = {
    "0", "-0", "10", "1.0", "-1.5e-7", "1E+2", "1e400", "true", "false",
    "null", "\"\"", "\"a\"", "{}", "[]", " { } ", "\t[\r\n]\n", "[1,2]",
    "[[],{},[[]]]", "{\"a\":1}", "{\"a\":1,\"a\":2}", "{\"\":{\"\":[]}}",
    "[1 , \"2\" ,\n null ]", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fF\"",
    "\"\\ud800\"", "\"\x7f\"", "\"\xff\xc0\x80\"", "[\"\xed\xa0\x80\"]",
    "123456789012345678901234567890", "\"]\"", "[\"}\"]", "[\"\\\"]\"]"
};


/* and where it goes wrong */

static const struct {
    const char  *text;
    size_t       offset;
} test_invalid[] = {
    { "", 0 }, { " ", 1 }, { "\xef\xbb\xbf{}", 0 }, { "{", 1 }, { "[", 1 },
    { "}", 0 }, { "]", 0 }, { ",", 0 }, { "[}", 1 }, { "{]", 1 },
    { "[1,]", 3 }, { "[,1]", 1 }, { "[1 2]", 3 }, { "[1,,2]", 3 },
    { "{\"a\":1,}", 7 }, { "{,}", 1 }, { "{\"a\"}", 4 }, { "{\"a\":}", 5 },
    { "{\"a\" 1}", 5 }, { "{\"a\":1 \"b\":2}", 7 }, { "{a:1}", 1 },
    { "{'a':1}", 1 }, { "{1:1}", 1 }, { "{\"a\":1", 6 }, { "[[]", 3 },
    { "[]]", 2 }, { "{}{}", 2 }, { "1 1", 2 }, { "[1:2]", 2 }, { "01", 1 },
    { "-", 1 }, { "+1", 0 }, { ".5", 0 }, { "1.", 2 }, { "1.e1", 2 },
    { "1e", 2 }, { "1e+", 3 }, { "0x1", 1 }, { "1_0", 1 }, { "NaN", 0 },
    { "-Infinity", 1 }, { "tru", 3 }, { "trux", 3 }, { "True", 0 },
    { "nul", 3 }, { "nulll", 4 }, { "\"", 1 }, { "\"a", 2 }, { "\"\n\"", 1 },
    { "\"\x1f\"", 1 }, { "\"\t\"", 1 }, { "\"\\", 2 }, { "\"\\\"", 3 },
    { "\"\\x\"", 2 }, { "\"\\'\"", 2 }, { "\"\\U0041\"", 2 },
    { "\"\\u12\"", 3 }, { "\"\\u12g4\"", 3 }, { "\"\\u", 3 },
    { "\"\\u1", 3 }, { "\"\\u12", 3 }, { "\"\\u123", 3 },
    { "{}\v", 2 }, { "\f{}", 0 }, { "[1]//", 3 }, { "[\xc2\xa0]", 1 }
};


int
main(void)
{
    test_check();
    test_depth();

    return tap_done();
}


static void
test_check(void)
{
    int            rc;
    size_t         i, offset;
    schema1_str_t  none = { 0, NULL };

    for (i = 0; i < sizeof(test_valid) / sizeof(test_valid[0]); i++) {
        tap_ok(schema1_json_check(exact_str(test_valid[i]), &offset)
               == SCHEMA1_OK, "valid: %zu", i);
    }

    for (i = 0; i < sizeof(test_invalid) / sizeof(test_invalid[0]); i++) {
        offset = 1000;

        rc = schema1_json_check(exact_str(test_invalid[i].text), &offset);

        tap_ok(rc == SCHEMA1_ERROR && offset == test_invalid[i].offset,
               "invalid: %zu, at %zu", i, offset);
    }

    offset = 1;
    tap_ok(schema1_json_check(none, &offset) == SCHEMA1_ERROR && offset == 0,
           "no bytes at no address are refused");
    tap_ok(schema1_json_check(exact_bytes("{}\0", 3), &offset)
           == SCHEMA1_ERROR, "a NUL behind an object is refused");
    tap_ok(schema1_json_check(exact_bytes("\"\0\"", 3), &offset)
           == SCHEMA1_ERROR, "a NUL in a string is refused");
    tap_ok(schema1_json_check(exact_bytes("\"\\\0\"", 4), &offset)
           == SCHEMA1_ERROR, "a NUL behind a backslash is refused");
}


static void
test_depth(void)
{
    char           *text;
    size_t          i, n, len, offset;
    schema1_str_t   str;
    schema1_json_t  json;

    text = malloc(6 * (TEST_DEPTH + 1));

    for (n = TEST_DEPTH; n <= TEST_DEPTH + 1; n++) {
        memset(text, '[', n);
        memset(text + n, ']', n);

        tap_ok((schema1_json_check(exact_bytes(text, 2 * n), &offset)
                == SCHEMA1_OK)
               == (n == TEST_DEPTH), "%zu arrays", n);

        /* arrays and objects in turn, for the scanner keeps a bit of each */

        len = 0;

        for (i = 0; i < n; i++) {
            memcpy(text + len, i % 2 ? "[" : "{\"\":", i % 2 ? 1 : 4);
            len += i % 2 ? 1 : 4;
        }

        text[len++] = '1';

        for (i = n; i-- > 0; /* void */ ) {
            text[len++] = i % 2 ? ']' : '}';
        }

        str = exact_bytes(text, len);

        tap_ok((schema1_json_check(str, &offset) == SCHEMA1_OK)
               == (n == TEST_DEPTH), "%zu arrays and objects", n);

        if (n == TEST_DEPTH) {
            schema1_json_open(&json, str);
            tap_ok(schema1_json_value(&json).len == str.len,
                   "the deepest document is one token");
        }
    }

    free(text);
}
