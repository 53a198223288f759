
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <wchar.h>

#include <jansson.h>

#include "schema1_error.h"
#include "alloc.h"
#include "exact.h"
#include "tap.h"


typedef struct {
    schema1_reason_e   reason;
    const char        *name;
    int                status;
    const char        *code;
} test_reason_t;


static void test_table(void);
static void test_text(void);
static void test_body(void);
static void test_memory(void);
static const char *test_string_at(json_t *body, const char *name,
    const char *detail);


/* "When it cannot" of the specification, row by row */

static const test_reason_t  test_reasons[] = {
    { SCHEMA1_NO_PLATFORM, "no_platform", 404, "MANIFEST_UNKNOWN" },
    { SCHEMA1_MANIFEST_NOT_FOUND, "manifest_not_found", 404,
      "MANIFEST_UNKNOWN" },
    { SCHEMA1_FOREIGN_LAYER, "foreign_layer", 400, "MANIFEST_INVALID" },
    { SCHEMA1_ENCRYPTED_LAYER, "encrypted_layer", 400, "MANIFEST_INVALID" },
    { SCHEMA1_LAYER_COMPRESSION, "layer_compression", 400,
      "MANIFEST_INVALID" },
    { SCHEMA1_NOT_AN_IMAGE, "not_an_image", 400, "MANIFEST_INVALID" },
    { SCHEMA1_NOT_ACCEPTABLE, "not_taken", 400, "MANIFEST_INVALID" },
    { SCHEMA1_INVALID_MANIFEST, "invalid_manifest", 400, "MANIFEST_INVALID" },
    { SCHEMA1_INVALID_CONFIG, "invalid_config", 400, "MANIFEST_INVALID" },
    { SCHEMA1_CONFIG_NOT_FOUND, "config_not_found", 400, "MANIFEST_INVALID" },
    { SCHEMA1_TRUNCATED, "truncated", 502, "UNKNOWN" },
    { SCHEMA1_ENCODED, "encoded", 502, "UNKNOWN" },
    { SCHEMA1_UNVERIFIED, "unproven", 502, "UNKNOWN" },
    { SCHEMA1_UPSTREAM_FAILED, "upstream_failed", 502, "UNKNOWN" },
    { SCHEMA1_DIGEST_MISMATCH, "digest_mismatch", 502, "UNKNOWN" },
    { SCHEMA1_SIZE_MISMATCH, "size_mismatch", 502, "UNKNOWN" },
    { SCHEMA1_DIGEST_UNSUPPORTED, "digest_unsupported", 502, "UNKNOWN" },
    { SCHEMA1_REDIRECTED, "redirected", 502, "UNKNOWN" },
    { SCHEMA1_TIMED_OUT, "timed_out", 504, "UNKNOWN" },
    { SCHEMA1_TOO_LARGE, "too_large", 502, "SIZE_INVALID" },
    { SCHEMA1_TOO_MANY, "too_many", 502, "SIZE_INVALID" },
    { SCHEMA1_DENIED, "denied", 0, "DENIED" },
    { SCHEMA1_BAD_PLATFORM, "bad_platform", 500, "UNKNOWN" },
    { SCHEMA1_SIGNING_FAILED, "signing_failed", 500, "UNKNOWN" },
    { SCHEMA1_NO_MEMORY, "no_memory", 500, "UNKNOWN" }
};


int
main(void)
{
    test_table();
    test_text();
    test_body();
    test_memory();

    return tap_done();
}


static void
test_table(void)
{
    size_t                        i, n;
    const test_reason_t          *reason;
    const schema1_reason_info_t  *info;

    n = sizeof(test_reasons) / sizeof(test_reasons[0]);

    tap_ok(n == SCHEMA1_REASON_MAX - 1, "every reason is tested");

    for (i = 0; i < n; i++) {
        reason = &test_reasons[i];
        info = schema1_reason_info(reason->reason);

        tap_ok(strcmp(info->name, reason->name) == 0
               && info->status == reason->status
               && strcmp(info->code, reason->code) == 0,
               "%s: %d %s", reason->name, reason->status, reason->code);
    }

    tap_ok(schema1_reason_info((schema1_reason_e) 1000)->status == 500,
           "an unknown reason is an internal error");
    tap_ok(schema1_reason_info(SCHEMA1_REASON_MAX)
           == schema1_reason_info(SCHEMA1_NO_REASON), "so is the first one");
}


static void
test_text(void)
{
    char             text[8], ch;
    size_t           i;
    schema1_str_t    value = exact_bytes("a\0b\n\xc3\xa9 long", 11);
    schema1_str_t    none = { 0, NULL };
    schema1_error_t  err;

    memset(&err, 0, sizeof(schema1_error_t));
    strcpy(err.platform, "linux/arm");

    schema1_error_set(&err, SCHEMA1_TOO_LARGE, "%s: %d\r\n\x1b[1m\x7f\xff",
                      "size", 5);

    tap_is(err.message, strlen(err.message), "size: 5???[1m??",
           "bytes that cannot be printed become question marks");
    tap_ok(err.reason == SCHEMA1_TOO_LARGE, "an error has its reason");
    tap_is(err.platform, strlen(err.platform), "linux/arm",
           "an error's other members are kept");

    schema1_error_set(&err, SCHEMA1_TOO_LARGE, "%01000d", 0);
    i = strlen(err.message);
    tap_ok(i == sizeof(err.message) - 1,
           "a long message is cut at its buffer's end");

    /* no character of the locale "C" */

    schema1_error_set(&err, SCHEMA1_TIMED_OUT, "late: %lc", (wint_t) 0x20ac);
    tap_ok(err.message[0] == '\0' && err.reason == SCHEMA1_TIMED_OUT,
           "a message that cannot be written is empty");

    schema1_error_note(text, sizeof(text), value);
    tap_is(text, strlen(text), "a?b??? ", "a value is made printable and cut");

    memset(text, 'x', sizeof(text));
    schema1_error_note(text, 0, value);
    tap_ok(text[0] == 'x', "nothing is written without space");
    schema1_error_note(text, 1, value);
    tap_ok(text[0] == '\0' && text[1] == 'x',
           "a byte has space for an empty text");

    for (i = 1; i < 256; i++) {
        ch = (char) i;
        schema1_error_note(text, sizeof(text), exact_bytes(&ch, 1));

        if (text[0] != (i >= ' ' && i <= '~' ? ch : '?') || text[1] != '\0') {
            break;
        }
    }

    tap_ok(i == 256, "each printable byte of a value is kept");

    schema1_error_note(text, sizeof(text), none);
    tap_is(text, strlen(text), "", "an empty value gives an empty text");
}


static void
test_body(void)
{
    json_t          *json;
    schema1_buf_t    body;
    schema1_str_t    name = exact_str("team/a\"pp");
    schema1_str_t    tag = exact_str("1.0");
    schema1_str_t    none = { 0, NULL };
    schema1_error_t  err;

    memset(&err, 0, sizeof(schema1_error_t));
    memset(&body, 0, sizeof(schema1_buf_t));

    strcpy(err.platform, "linux/s390x");
    strcpy(err.media_type, "application/x");
    strcpy(err.source_digest, "sha256:00");
    schema1_error_set(&err, SCHEMA1_NO_PLATFORM, "say \"%s\"", "why\\");

    tap_ok(schema1_error_body(&err, name, tag, &body) == SCHEMA1_OK,
           "an error has a body");

    json = json_loadb(body.data, body.len, 0, NULL);

    tap_ok(json != NULL, "the error's body is valid JSON");
    tap_ok(json_array_size(json_object_get(json, "errors")) == 1,
           "the body has one error");
    tap_ok(strcmp(test_string_at(json, "code", NULL), "MANIFEST_UNKNOWN") == 0,
           "the body has the error's code");
    tap_ok(strcmp(test_string_at(json, "message", NULL), "say \"why\\\"") == 0,
           "the body has the error's message");
    tap_ok(strcmp(test_string_at(json, "detail", "reason"), "no_platform")
           == 0, "the body's detail has the reason");
    tap_ok(strcmp(test_string_at(json, "detail", "name"), "team/a\"pp") == 0,
           "the body's detail has the name");
    tap_ok(strcmp(test_string_at(json, "detail", "tag"), "1.0") == 0,
           "the body's detail has the tag");
    tap_ok(strcmp(test_string_at(json, "detail", "platform"), "linux/s390x")
           == 0, "the body's detail has the platform");
    tap_ok(strcmp(test_string_at(json, "detail", "mediaType"),
                  "application/x") == 0,
           "the body's detail has the media type");
    tap_ok(strcmp(test_string_at(json, "detail", "sourceDigest"), "sha256:00")
           == 0, "the body's detail has the source digest");

    json_decref(json);
    schema1_buf_free(&body);

    memset(&err, 0, sizeof(schema1_error_t));
    schema1_error_set(&err, SCHEMA1_TIMED_OUT, "late");

    tap_ok(schema1_error_body(&err, none, none, &body) == SCHEMA1_OK,
           "an error without details has a body");
    tap_is(body.data, body.len, "{\"errors\":[{\"code\":\"UNKNOWN\","
           "\"message\":\"late\",\"detail\":{\"reason\":\"timed_out\"}}]}",
           "the body has no detail that is unknown");

    schema1_buf_free(&body);
}


/* each allocation fails in turn: an error or all of the body */

static void
test_memory(void)
{
    int              rc;
    bool             good;
    size_t           held;
    unsigned long    n;
    schema1_buf_t    body, whole;
    schema1_error_t  err;

    if (!alloc_hooked()) {
        tap_ok(1, "allocations # SKIP another allocator is in place");
        return;
    }

    memset(&err, 0, sizeof(schema1_error_t));
    memset(&whole, 0, sizeof(schema1_buf_t));
    strcpy(err.platform, "linux/s390x");
    schema1_error_set(&err, SCHEMA1_NO_PLATFORM, "none");

    (void) schema1_error_body(&err, exact_str("a"), exact_str("b"), &whole);

    good = true;

    for (n = 1; good; n++) {
        memset(&body, 0, sizeof(schema1_buf_t));
        held = alloc_held;
        alloc_countdown = n;

        rc = schema1_error_body(&err, exact_str("a"), exact_str("b"), &body);

        if (alloc_countdown) {
            alloc_countdown = 0;
            schema1_buf_free(&body);
            break;
        }

        good = rc == SCHEMA1_ERROR
               || (body.len == whole.len
                   && memcmp(body.data, whole.data, whole.len) == 0);

        schema1_buf_free(&body);
        good = good && alloc_held == held;
    }

    tap_ok(good && n > 10, "a body is complete or an error without memory");

    schema1_buf_free(&whole);
}


static const char *
test_string_at(json_t *body, const char *name, const char *detail)
{
    json_t      *value;
    const char  *text;

    value = json_array_get(json_object_get(body, "errors"), 0);
    value = json_object_get(value, name);

    if (detail != NULL) {
        value = json_object_get(value, detail);
    }

    text = json_string_value(value);

    return text ? text : "(none)";
}
