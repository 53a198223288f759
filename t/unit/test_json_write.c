
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_json.h"
#include "exact.h"
#include "tap.h"


static void test_writer(void);


int
main(void)
{
    test_writer();

    return tap_done();
}


static void
test_writer(void)
{
    size_t            i, n;
    const char       *want;
    schema1_buf_t     buf;
    schema1_writer_t  writer;

    static const char  token[] = "\"<&>\\u003C\\n\\b\\\"\\/\x7f\\u2028"
                                 "\xe2\x80\xa9\xff\\ud800\"";

    /* kind of writing, plain and nested */

    static const struct {
        char         kind;
        const char  *token;
        const char  *plain;
        const char  *nested;
    } cases[] = {
        { 's', token,
          "\"\\u003c\\u0026\\u003e\\u003c\\n\\u0008\\\"/\x7f\\u2028\\u2029"
          "\xef\xbf\xbd\xef\xbf\xbd\"",
          "\\\"\\\\u003c\\\\u0026\\\\u003e\\\\u003c\\\\n\\\\u0008\\\\\\\"/\x7f"
          "\\\\u2028\\\\u2029\xef\xbf\xbd\xef\xbf\xbd\\\"" },
        { 'c', token,
          "\"\\u003c\\u0026\\u003e\\u003C\\n\\b\\\"\\/\x7f\\u2028"
          "\\u2029\xff\\ud800\"",
          "\\\"\\\\u003c\\\\u0026\\\\u003e\\\\u003C\\\\n\\\\b\\\\\\\"\\\\/\x7f"
          "\\\\u2028\\\\u2029\\ufffd\\\\ud800\\\"" },
        { 'c', " { \"a b\" : [ 1.0 ,\t-0 ,1E+2,\r\n true,null ] , \"\":{ } }",
          "{\"a b\":[1.0,-0,1E+2,true,null],\"\":{}}",
          "{\\\"a b\\\":[1.0,-0,1E+2,true,null],\\\"\\\":{}}" },
        { 'c', "\"\\\\\"", "\"\\\\\"", "\\\"\\\\\\\\\\\"" },
        { 'c', "[\"\xf0\xe2\x80\xa8\"]", "[\"\xf0\\u2028\"]",
          "[\\\"\\ufffd\\\\u2028\\\"]" },
        { 's', "\"a\xc3\xa9\\u0001\xf0\x9f\x98\x80\"",
          "\"a\xc3\xa9\\u0001\xf0\x9f\x98\x80\"",
          "\\\"a\xc3\xa9\\\\u0001\xf0\x9f\x98\x80\\\"" },
        { 'c', "\"a\xc3\"", "\"a\xc3\"", "\\\"a\\ufffd\\\"" },
        { 'c', "\"a\xe2\x82\"", "\"a\xe2\x82\"",
          "\\\"a\\ufffd\\ufffd\\\"" },
        { 'c', "\"a\xf0\x9f\x98\"", "\"a\xf0\x9f\x98\"",
          "\\\"a\\ufffd\\ufffd\\ufffd\\\"" },
        { 's', "\"\\u0020\\u001f\\r\\t\"", "\" \\u001f\\r\\t\"",
          "\\\" \\\\u001f\\\\r\\\\t\\\"" },
        { 's', "", "\"\"", "\\\"\\\"" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        for (n = 0; n < 4; n++) {
            memset(&buf, 0, sizeof(schema1_buf_t));
            memset(&writer, 0, sizeof(schema1_writer_t));

            /* the buffer has room for all, or not for the last byte */

            writer.nested = n & 2;
            want = writer.nested ? cases[i].nested : cases[i].plain;

            schema1_buf_reserve(&buf, strlen(want) - (n & 1));
            writer.buf = &buf;

            if (cases[i].kind == 's') {
                schema1_json_write_string(&writer, exact_str(cases[i].token));

            } else {
                schema1_json_write_compact(&writer, exact_str(cases[i].token));
            }

            tap_ok(writer.len == strlen(want)
                   && (writer.buf == NULL) == (n & 1),
                   "%s", n & 1 ? "counted if it does not fit" : "its length");

            if (writer.buf) {
                tap_is(buf.data, buf.len, want,
                       writer.nested ? "written, nested" : "written");
            }

            schema1_buf_free(&buf);
        }
    }
}
