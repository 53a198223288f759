
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>

#include <jansson.h>

#include "schema1_json.h"
#include "exact.h"
#include "tap.h"


static void test_reader(void);
static void test_decode(void);
static void test_text(void);
static void test_jansson(void);
static void test_compare(void);
static void test_names(void);
static void test_int(void);


int
main(void)
{
    test_reader();
    test_decode();
    test_text();
    test_jansson();
    test_compare();
    test_names();
    test_int();

    return tap_done();
}


static void
test_reader(void)
{
    size_t          i;
    schema1_str_t   name, token;
    schema1_json_t  json;

    static const char *const  scalars[] = { "1", "-1e2", "null", "\"a\"" };

    schema1_json_open(&json, exact_str(" {\"a\" : [1,{\"x\":\"]\"}] ,"
                                       "\"b\\\"\":null, \"c\":-1e2 }"));

    tap_ok(schema1_json_peek(&json) == SCHEMA1_JSON_OBJECT,
           "an object is recognized");
    schema1_json_enter(&json);

    tap_ok(schema1_json_member(&json, &name), "the object has a first member");
    tap_is(name.data, name.len, "\"a\"", "the first member has a name");
    tap_ok(schema1_json_peek(&json) == SCHEMA1_JSON_ARRAY,
           "the first member is an array");
    schema1_json_enter(&json);

    tap_ok(schema1_json_item(&json), "the array has a first item");
    tap_ok(schema1_json_peek(&json) == SCHEMA1_JSON_NUMBER,
           "the first item is a number");
    token = schema1_json_value(&json);
    tap_is(token.data, token.len, "1", "the number's token has its digits");

    tap_ok(schema1_json_item(&json), "the array has a second item");
    token = schema1_json_value(&json);
    tap_is(token.data, token.len, "{\"x\":\"]\"}",
           "the second item is an object");
    tap_ok(!schema1_json_item(&json), "the array has no third item");

    tap_ok(schema1_json_member(&json, &name),
           "the object has a second member");
    tap_is(name.data, name.len, "\"b\\\"\"",
           "the second member's name has a quote");
    tap_ok(schema1_json_peek(&json) == SCHEMA1_JSON_NULL,
           "the second member is null");
    (void) schema1_json_value(&json);

    tap_ok(schema1_json_member(&json, &name), "the object has a third member");
    token = schema1_json_value(&json);
    tap_is(token.data, token.len, "-1e2", "the third member is a number");
    tap_ok(!schema1_json_member(&json, &name),
           "the object has no fourth member");

    for (i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
        schema1_json_open(&json, exact_str(scalars[i]));
        token = schema1_json_value(&json);

        tap_is(token.data, token.len, scalars[i],
               "a document may be a number, a literal or a string");
    }
}


static void
test_decode(void)
{
    size_t  i, len;
    char    text[64];

    static const struct {
        const char  *token;
        const char  *text;
    } cases[] = {
        { "\"\"", "" },
        { "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t" },
        { "\"\\u00e9\\u20AC\\uffff\"", "\xc3\xa9\xe2\x82\xac\xef\xbf\xbf" },
        { "\"\\ud7ff\\ue000\"", "\xed\x9f\xbf\xee\x80\x80" },
        { "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80" },
        { "\"\\ud800\\udc00\"", "\xf0\x90\x80\x80" },
        { "\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf" },
        { "\"\\ud83d\"", "\xef\xbf\xbd" },
        { "\"\\ude00\"", "\xef\xbf\xbd" },
        { "\"\\udfff\"", "\xef\xbf\xbd" },
        { "\"\\ud83dx\"", "\xef\xbf\xbdx" },
        { "\"\\ud83d\\n\"", "\xef\xbf\xbd\n" },
        { "\"\\ud83d\\u0041\"", "\xef\xbf\xbd" "A" },
        { "\"\\ud83d?udc00\"", "\xef\xbf\xbd?udc00" },
        { "\"\\ud83d\\ndc00\"", "\xef\xbf\xbd\ndc00" },
        { "\"\\ud83dxudc00\"", "\xef\xbf\xbdxudc00" },
        { "\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80" },
        { "\"\\ud83d\\udbff\"", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\\ude00\\ude00\"", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\\udc00\\udc00\"", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\\ud83d\\ue000\"", "\xef\xbf\xbd\xee\x80\x80" },
        { "\"\xc2\x80\xdf\xbf\"", "\xc2\x80\xdf\xbf" },
        { "\"\xe0\xa0\x80\xef\xbf\xbf\"", "\xe0\xa0\x80\xef\xbf\xbf" },
        { "\"\xed\x9f\xbf\xee\x80\x80\"", "\xed\x9f\xbf\xee\x80\x80" },
        { "\"\xf0\x90\x80\x80\"", "\xf0\x90\x80\x80" },
        { "\"\xf4\x8f\xbf\xbf\"", "\xf4\x8f\xbf\xbf" },
        { "\"\xff\"", "\xef\xbf\xbd" },
        { "\"\xc3\"", "\xef\xbf\xbd" },
        { "\"\xc3\xa9\"", "\xc3\xa9" },
        { "\"\xc0\x80\"", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\xe2\x82\"", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\xe0\x80\x80\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\xed\xa0\x80\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\xed\xbf\xbf\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\xf0\x9f\x98x\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx" },
        { "\"\xf4\x90\x80\x80\"",
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\xf0\x8f\xbf\xbf\"",
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },

        /* four replacements: the first byte begins no character */
        { "\"\x81\x80\x80\x80\"",
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\xc1\x80\x80\x80\"",
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\xf5\x80\x80\x80\"",
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\xf9\x80\x80\x80\"",
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },

        { "\"\xf5\x80\"", "\xef\xbf\xbd\xef\xbf\xbd" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = schema1_json_decode(exact_str(cases[i].token), NULL, 0);
        tap_ok(len == strlen(cases[i].text), "decoded length: %zu", i);

        len = schema1_json_decode(exact_str(cases[i].token), text,
                                  sizeof(text));
        tap_ok(len == strlen(cases[i].text)
               && memcmp(text, cases[i].text, len) == 0, "decoded: %zu", i);
    }
}


static void
test_text(void)
{
    char           buf[4];
    schema1_str_t  text, token;

    token = exact_str("\"a\\u0062cd\"");
    text = schema1_json_text(token, buf, sizeof(buf));
    tap_ok(text.data == buf && schema1_str_eq(text, "abcd"),
           "a string that fits is decoded");

    token = exact_str("\"abcd\\u0065\"");
    text = schema1_json_text(token, buf, sizeof(buf));
    tap_ok(text.data == token.data && text.len == token.len,
           "a longer string is returned as a token");

    token.len = 0;
    text = schema1_json_text(token, buf, sizeof(buf));
    tap_ok(text.len == 0, "the text of a missing token is empty");
}


/* another decoder has to agree wherever it takes the string at all */

static void
test_jansson(void)
{
    char       token[64], text[128];
    json_t    *value;
    size_t     i, len;
    unsigned   n, taken, agreed;

    static const char *const  pieces[] = {
        "a", "\\n", "\\\"", "\\\\", "\\/", "\\u0000", "\\u00e9", "\\uFFFD",
        "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\xc3\xa9", "\xe2\x80\xa8",
        "\xf0\x9f\x98\x80", "\xff", "\xe2\x80", "\x7f", "u", "{", "\\b"
    };

    srand(1);
    taken = 0;
    agreed = 0;

    for (n = 0; n < 20000; n++) {
        strcpy(token, "\"");

        for (i = rand() % 5; i > 0; i--) {
            strcat(token, pieces[rand() % (sizeof(pieces)
                                           / sizeof(pieces[0]))]);
        }

        strcat(token, "\"");

        value = json_loads(token, JSON_DECODE_ANY|JSON_ALLOW_NUL, NULL);
        if (value == NULL) {
            continue;
        }

        taken++;

        len = schema1_json_decode(exact_str(token), text, sizeof(text));

        agreed += (len == json_string_length(value)
                   && memcmp(text, json_string_value(value), len) == 0);
        json_decref(value);
    }

    tap_ok(taken > 5000 && agreed == taken, "%u of %u as jansson decodes them",
           agreed, taken);
}


static void
test_compare(void)
{
    int     order;
    size_t  i;

    /* in the order of their UTF-8 bytes */

    static const char *const  sorted[] = {
        "\"\"", "\"\\u0000\"", "\"A\"", "\"a\"", "\"a\\u0000\"", "\"\\u0062\"",
        "\"b\\\"\"", "\"z\"", "\"\xc3\xa9\"", "\"\\u20ac\"", "\"\\ue000\"",
        "\"\xef\xbf\xbd\"", "\"\\uffff\"", "\"\\ud800\\udc00\"",
        "\"\xf4\x8f\xbf\xbf\""
    };

    for (i = 1; i < sizeof(sorted) / sizeof(sorted[0]); i++) {
        order = schema1_json_compare(exact_str(sorted[i - 1]),
                                     exact_str(sorted[i]));
        tap_ok(order < 0, "%s comes before", sorted[i - 1]);

        order = schema1_json_compare(exact_str(sorted[i]),
                                     exact_str(sorted[i - 1]));
        tap_ok(order > 0, "%s comes behind", sorted[i]);

        tap_ok(schema1_json_prefix(exact_str(sorted[i - 1]))
               <= schema1_json_prefix(exact_str(sorted[i])),
               "so does the prefix of %s", sorted[i]);
    }

    tap_ok(schema1_json_compare(exact_str("\"\\u0061\xff\""),
                                exact_str("\"a\\ud800\"")) == 0,
           "strings are compared after decoding");

    tap_ok(schema1_json_prefix(exact_str("\"\"")) == 0
           && schema1_json_prefix(exact_str("\"\\u00e9z\"")) == 0xc3a97a00
           && schema1_json_prefix(exact_str("\"abc\xf0\x90\x8d\x88\""))
              == 0x616263f0, "a prefix has four bytes");

    tap_ok(schema1_json_compare(exact_str("\"a\xc3\xa9\""),
                                exact_str("\"a\xc3\xff\"")) < 0,
           "strings with half a character in common are ordered");
    tap_ok(schema1_json_compare(exact_str("\"a\\n\""),
                                exact_str("\"a\\tb\"")) > 0,
           "strings with a backslash in common are ordered");
}


static void
test_names(void)
{
    size_t  i;

    static const struct {
        const char  *token;
        const char  *name;
        bool         is;
        bool         like;
    } cases[] = {
        { "\"history\"", "history", true, true },
        { "\"\\u0068istory\"", "history", true, true },
        { "\"History\"", "history", false, true },
        { "\"HI\\u0053TORY\"", "history", false, true },
        { "\"hi\xc5\xbftory\"", "history", false, true },
        { "\"hi\\u017ftory\"", "history", false, true },
        { "\"histor\"", "history", false, false },
        { "\"historys\"", "history", false, false },
        { "\"\"", "history", false, false },
        { "\"histor\xc3\xbf\"", "history", false, false },
        { "\"\xe2\x84\xaa\"", "k", false, true },
        { "\"\\u212A\"", "s", false, false },
        { "\"mediatype\"", "mediaType", false, true },
        { "\"MEDIATYPE\"", "mediaType", false, true },
        { "\"mediaType\"", "mediaType", true, true },
        { "\"os.version\"", "os.version", true, true },
        { "\"os\\u000eversion\"", "os.version", false, false },
        { "\"diff\x7fids\"", "diff_ids", false, false },
        { "\"DIFF_IDS\"", "diff_ids", false, true },
        { "\"a\\u0000\"", "a", false, false },

        /* the first and the last letter, and what is beside them */

        { "\"az\"", "AZ", false, true },
        { "\"AZ\"", "az", false, true },
        { "\"@[\"", "`{", false, false },
        { "\"`{\"", "@[", false, false }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tap_ok(schema1_json_is(exact_str(cases[i].token), cases[i].name)
               == cases[i].is, "exactly %s: %zu", cases[i].name, i);
        tap_ok(schema1_json_is_like(exact_str(cases[i].token), cases[i].name)
               == cases[i].like, "like %s: %zu", cases[i].name, i);
    }
}


static void
test_int(void)
{
    int      rc;
    size_t   i;
    int64_t  value;

    static const struct {
        const char  *token;
        int          rc;
        int64_t      value;
    } cases[] = {
        { "0", SCHEMA1_OK, 0 },
        { "-0", SCHEMA1_OK, 0 },
        { "42", SCHEMA1_OK, 42 },
        { "-42", SCHEMA1_OK, -42 },
        { "9223372036854775807", SCHEMA1_OK, INT64_MAX },
        { "-9223372036854775808", SCHEMA1_OK, INT64_MIN },
        { "9223372036854775808", SCHEMA1_ERROR, 0 },
        { "-9223372036854775809", SCHEMA1_ERROR, 0 },
        { "92233720368547758070", SCHEMA1_ERROR, 0 },
        { "123456789012345678901", SCHEMA1_ERROR, 0 },
        { "-12345678901234567890", SCHEMA1_ERROR, 0 },
        { "123456789012345678901234567890", SCHEMA1_ERROR, 0 },
        { "010", SCHEMA1_OK, 10 },
        { "0x10", SCHEMA1_ERROR, 0 },
        { "1.0", SCHEMA1_ERROR, 0 },
        { "1e3", SCHEMA1_ERROR, 0 },
        { "", SCHEMA1_ERROR, 0 },
        { "-", SCHEMA1_ERROR, 0 },
        { "\"1\"", SCHEMA1_ERROR, 0 },
        { "null", SCHEMA1_ERROR, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rc = schema1_json_int(exact_str(cases[i].token), &value);
        tap_ok(rc == cases[i].rc
               && (rc != SCHEMA1_OK || value == cases[i].value),
               "integer: \"%s\"", cases[i].token);
    }
}
