
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>

#include "schema1_string.h"
#include "exact.h"
#include "tap.h"


static void test_buffer(void);
static void test_growth(void);
static void test_failure(void);
static void test_printf(void);
static void test_limit(void);
static void test_compare(void);
static void test_hex(void);
static void test_cut(void);
static void test_line(void);
static void test_trim(void);
static void test_span(void);
static void test_decode(void);


int
main(void)
{
    test_buffer();
    test_growth();
    test_failure();
    test_printf();
    test_limit();
    test_compare();
    test_hex();
    test_cut();
    test_line();
    test_trim();
    test_span();
    test_decode();

    return tap_done();
}


static void
test_buffer(void)
{
    schema1_buf_t  buf;

    memset(&buf, 0, sizeof(schema1_buf_t));

    schema1_buf_append(&buf, NULL, 0);
    tap_ok(buf.data == NULL && !buf.failed, "no bytes need no memory");

    schema1_buf_puts(&buf, "one");
    schema1_buf_putc(&buf, ' ');
    schema1_buf_append(&buf, "two\0x", 5);

    tap_ok(buf.len == 9 && memcmp(buf.data, "one two\0x", 9) == 0,
           "bytes are appended in their order");

    schema1_buf_free(&buf);
    tap_ok(buf.data == NULL && buf.len == 0 && buf.size == 0,
           "a freed buffer is empty");

    schema1_buf_puts(&buf, "again");
    tap_is(buf.data, buf.len, "again", "a freed buffer can be used again");

    schema1_buf_free(&buf);
}


static void
test_growth(void)
{
    bool           good;
    size_t         i, size, grown;
    schema1_buf_t  buf;

    memset(&buf, 0, sizeof(schema1_buf_t));

    good = true;
    size = 0;
    grown = 0;

    for (i = 0; i < 100000; i++) {
        schema1_buf_putc(&buf, (char) ('a' + i % 26));
        good = good && buf.len == i + 1 && buf.size < 2 * buf.len + 256;

        grown += (buf.size != size);
        size = buf.size;
    }

    for (i = 0; good && i < buf.len; i++) {
        good = buf.data[i] == (char) ('a' + i % 26);
    }

    tap_ok(good, "100000 bytes take at most twice the memory");
    tap_ok(grown < 20, "100000 bytes are allocated %zu times", grown);

    schema1_buf_free(&buf);

    schema1_buf_reserve(&buf, 10);
    tap_ok(buf.size == 10 && buf.len == 0, "what is reserved is exact");

    schema1_buf_free(&buf);

    schema1_buf_putc(&buf, 'x');
    schema1_buf_reserve(&buf, 4);
    tap_ok(buf.size == 256, "room that is there is not reserved again");

    schema1_buf_free(&buf);
}


static void
test_failure(void)
{
    schema1_buf_t  buf;

    memset(&buf, 0, sizeof(schema1_buf_t));

    schema1_buf_puts(&buf, "kept");
    schema1_buf_append(&buf, "x", SIZE_MAX - 2);
    tap_ok(buf.failed, "a length that overflows fails");

    schema1_buf_puts(&buf, "more");
    tap_is(buf.data, buf.len, "kept", "a failed buffer takes no more");

    schema1_buf_reserve(&buf, 1);
    tap_is(buf.data, buf.len, "kept", "a failed buffer reserves nothing");

    schema1_buf_free(&buf);
    tap_ok(!buf.failed, "a failed buffer works again if it is freed");

    schema1_buf_puts(&buf, "kept");
    schema1_buf_reserve(&buf, SIZE_MAX - 2);
    tap_ok(buf.failed && !buf.full && buf.size >= 4,
           "a reserved length that overflows fails");
    tap_is(buf.data, buf.len, "kept", "a failed buffer keeps its bytes");

    schema1_buf_free(&buf);
}


static void
test_printf(void)
{
    char           text[SCHEMA1_BUF_LINE + 1];
    schema1_buf_t  buf;

    memset(&buf, 0, sizeof(schema1_buf_t));
    memset(text, 'x', SCHEMA1_BUF_LINE);
    text[SCHEMA1_BUF_LINE] = '\0';

    schema1_buf_printf(&buf, "%s %d", "a", 7);
    tap_is(buf.data, buf.len, "a 7", "a formatted text is appended");

    schema1_buf_printf(&buf, "%s", "");
    tap_ok(!buf.failed && buf.len == 3, "an empty text is appended");

    schema1_buf_printf(&buf, "%s", text + 1);
    tap_ok(!buf.failed && buf.len == 3 + SCHEMA1_BUF_LINE - 1,
           "the longest line fits");

    schema1_buf_printf(&buf, "%s", text);
    tap_ok(buf.failed && !buf.full && buf.len == 3 + SCHEMA1_BUF_LINE - 1,
           "a longer line fails");

    schema1_buf_free(&buf);
}


/* "No memory is allocated beyond the limit." */

static void
test_limit(void)
{
    schema1_buf_t  buf;

    memset(&buf, 0, sizeof(schema1_buf_t));
    buf.limit = 8;

    schema1_buf_puts(&buf, "1234");
    schema1_buf_reserve(&buf, 4);
    schema1_buf_puts(&buf, "5678");
    tap_ok(!buf.failed && !buf.full && buf.len == 8 && buf.size == 8,
           "a buffer can be filled up to its limit");

    schema1_buf_putc(&buf, '9');
    tap_ok(buf.failed && buf.full && buf.size == 8,
           "a byte over the limit fails");
    tap_is(buf.data, buf.len, "12345678", "a full buffer keeps its bytes");

    schema1_buf_free(&buf);
    buf.limit = 8;

    schema1_buf_reserve(&buf, 9);
    tap_ok(buf.failed && buf.full && buf.size == 0,
           "no memory over the limit is reserved");

    schema1_buf_free(&buf);
    buf.limit = 300;

    schema1_buf_puts(&buf, "1234");
    schema1_buf_append(&buf, "x", 297);
    tap_ok(buf.failed && buf.full && buf.size == 256,
           "an append over the limit allocates nothing");

    schema1_buf_free(&buf);
}


static void
test_compare(void)
{
    schema1_str_t  none = { 0, NULL };
    schema1_str_t  mixed = exact_str("AbC-9");
    schema1_str_t  marks = exact_str("@[`{");

    tap_ok(schema1_str_eq(none, ""), "no bytes equal an empty text");
    tap_ok(schema1_str_caseeq(none, ""),
           "no bytes equal an empty text in any case");
    tap_ok(schema1_str_eq(mixed, "AbC-9"), "equal strings are equal");
    tap_ok(!schema1_str_eq(mixed, "abc-9"), "strings of another case differ");
    tap_ok(!schema1_str_eq(mixed, "AbC-"), "strings of another length differ");
    tap_ok(schema1_str_caseeq(mixed, "aBc-9"),
           "strings of another case are equal in any case");
    tap_ok(!schema1_str_caseeq(mixed, "aBc-8"),
           "strings of other digits differ in any case");
    tap_ok(!schema1_str_caseeq(mixed, "xBc-9"),
           "strings of another first character differ in any case");
    tap_ok(schema1_str_caseeq(exact_str("aZ"), "Az"),
           "the first and the last letter have both cases");
    tap_ok(!schema1_str_caseeq(marks, "`{@["),
           "characters next to the letters have no case");
}


static void
test_hex(void)
{
    char                        hex[7];
    static const unsigned char  bytes[] = { 0x00, 0x9a, 0xff };

    hex[6] = 'x';
    schema1_hex_encode(hex, bytes, sizeof(bytes));

    tap_is(hex, sizeof(hex), "009affx", "bytes are written as hex digits");
    tap_ok(schema1_hex('0') == 0 && schema1_hex('9') == 9
           && schema1_hex('a') == 10 && schema1_hex('F') == 15,
           "hex digits have their value");
    tap_ok(schema1_hex('g') == -1 && schema1_hex('/') == -1
           && schema1_hex(':') == -1 && schema1_hex('@') == -1
           && schema1_hex('`') == -1,
           "other characters are not hex digits");
}


static void
test_cut(void)
{
    size_t         i, n;
    schema1_str_t  rest, part;

    /* the parts end with "|" in the second column */

    static const struct {
        const char  *text;
        const char  *parts;
    } cases[] = {
        { "", "" },
        { ",", "|" },
        { "a", "a|" },
        { "a,", "a|" },
        { "a,b", "a|b|" },
        { ",a", "|a|" },
        { "a\",\"b,c", "a\",\"b|c|" },
        { "\"a,b\",c", "\"a,b\"|c|" },
        { "\",\",c", "\",\"|c|" },
        { "\"a\\\",b\",c", "\"a\\\",b\"|c|" },
        { "\"a\\\\\",b", "\"a\\\\\"|b|" },
        { "\"a,b", "\"a,b|" },
        { "\"a\\", "\"a\\|" },
        { "a\\,b", "a\\|b|" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rest = exact_str(cases[i].text);

        for (n = 0; rest.len != 0; n += part.len + 1) {
            part = schema1_str_cut(&rest, ',');

            if (n + part.len >= strlen(cases[i].parts)
                || memcmp(cases[i].parts + n, part.data, part.len) != 0
                || cases[i].parts[n + part.len] != '|')
            {
                break;
            }
        }

        tap_ok(rest.len == 0 && n == strlen(cases[i].parts),
               "separators outside of quotes cut: %s", cases[i].text);
    }

    memset(&rest, 0, sizeof(schema1_str_t));
    part = schema1_str_cut(&rest, ',');
    tap_ok(part.len == 0 && rest.len == 0, "nothing is cut off nothing");
}


static void
test_line(void)
{
    size_t         i;
    schema1_str_t  rest, line;

    static const char  *lines[] = { "one", " two\r", "\"three", "" };

    rest = exact_str("\n\r\none\n\n two\r\r\n\"three");

    for (i = 0; i < 4; i++) {
        line = schema1_str_line(&rest);
        tap_is(line.data, line.len, lines[i], "a line without its end");
    }

    rest = exact_str("\r\n\n");
    tap_ok(schema1_str_line(&rest).len == 0 && rest.len == 0,
           "there are only empty lines");
}


static void
test_trim(void)
{
    size_t         i;
    schema1_str_t  str;

    static const struct {
        const char  *text;
        const char  *trimmed;
    } cases[] = {
        { "", "" },
        { " ", "" },
        { "\t", "" },
        { " \t \t", "" },
        { "a", "a" },
        { " a", "a" },
        { "\ta", "a" },
        { "a ", "a" },
        { "a\t", "a" },
        { "a\tb", "a\tb" },
        { " \ta b\t ", "a b" },
        { "\na\r", "\na\r" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        str = schema1_str_trim(exact_str(cases[i].text));
        tap_is(str.data, str.len, cases[i].trimmed,
               "spaces and tabs around a text are cut");
    }
}


/* each byte behind two others */

static void
test_span(void)
{
    char           text[] = "a=?";
    size_t         i, wrong;
    schema1_str_t  str;

    wrong = 0;

    for (i = 0; i < 256; i++) {
        text[2] = (char) i;

        str.data = text;
        str.len = 3;

        wrong += schema1_str_span(str, "=_")
                 != (i < 0x80 && strchr("=_abcdefghijklmnopqrstuvwxyz"
                                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789", (int) i)
                     && i ? 3u : 2u);

        str.data++;
        wrong += schema1_str_span(str, "_") != 0;
    }

    tap_ok(wrong == 0, "letters, digits and the named characters are counted");
    tap_ok(schema1_str_span(exact_str(""), "=") == 0,
           "an empty text has none of them");
}


static void
test_decode(void)
{
    char           *buf;
    size_t          i;
    schema1_str_t   str;

    static const struct {
        const char  *from;
        const char  *to;                /* NULL: refused */
        size_t       len;
    } cases[] = {
        { "", "", 0 },
        { "plain", "plain", 5 },
        { "%41b%63", "Abc", 3 },
        { "%2f%2F", "//", 2 },
        { "a%00b", "a\0b", 3 },
        { "%ff", "\xff", 1 },
        { "%2541", "%41", 3 },
        { "%", NULL, 0 },
        { "a%4", NULL, 0 },
        { "%4g", NULL, 0 },
        { "%g4", NULL, 0 },
        { "%%41", NULL, 0 },
        { "%:1", NULL, 0 },
        { "%@1", NULL, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        str = exact_str(cases[i].from);

        /* "which has room for str.len bytes" */
        buf = (char *) exact_str(cases[i].from).data;

        if (cases[i].to == NULL) {
            tap_ok(schema1_str_decode(str, buf) == -1, "refused: %s",
                   cases[i].from);
            continue;
        }

        tap_ok(schema1_str_decode(str, buf) == (ptrdiff_t) cases[i].len
               && memcmp(buf, cases[i].to, cases[i].len) == 0, "decoded: %s",
               cases[i].from);

        buf = (char *) str.data;

        tap_ok(schema1_str_decode(str, buf) == (ptrdiff_t) cases[i].len
               && memcmp(buf, cases[i].to, cases[i].len) == 0,
               "decoded in place: %s", cases[i].from);
    }

    /* the last digit is there, but it does not belong to the text */

    str = exact_str("a%41");

    for (str.len = 2; str.len < 4; str.len++) {
        tap_ok(schema1_str_decode(str, (char *) str.data) == -1,
               "refused: the first %zu bytes of a%%41", str.len);
    }
}
