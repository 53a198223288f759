
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* the payload cut out of a signed manifest, and out of one signed here */

#include <jansson.h>

#include "fuzz.h"
#include "schema1_jws.h"


static const schema1_key_t *jws_key(void);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char             *copy;
    time_t            now;
    json_t           *json;
    schema1_buf_t     payload, body;
    schema1_str_t     document;
    schema1_error_t   err;

    copy = fuzz_copy(&document, data, size);

    memset(&payload, 0, sizeof(schema1_buf_t));
    memset(&body, 0, sizeof(schema1_buf_t));
    memset(&err, 0, sizeof(schema1_error_t));

    fuzz_memory_start();

    if (schema1_jws_payload(document, &payload) == SCHEMA1_OK) {
        fuzz_check(payload.len <= size + 1024);
        fuzz_check(payload.len > 0);
    }

    fuzz_check(fuzz_memory_peak() <= 4 * size + 4096);

    fuzz_check(!payload.failed);
    schema1_buf_free(&payload);

    /* what is signed is any object that ends as it has to */

    now = size % 64 == 3 ? (time_t) INT64_MAX : (time_t) size * 1000003;

    if (schema1_jws_sign(jws_key(), document, now, &body, &err)
        == SCHEMA1_OK)
    {
        fuzz_check(body.len > size);
        fuzz_check(memcmp(body.data, document.data, size - 2) == 0);

        json = json_loadb(data ? (const char *) data : "", size,
                          JSON_REJECT_DUPLICATES, NULL);

        /* jansson passes over a zero byte, which is no JSON */

        if (json != NULL && json_is_object(json)
            && memchr(data, '\0', size) == NULL
            && json_object_size(json) != 0
            && json_object_get(json, "signatures") == NULL)
        {
            json_decref(json);

            json = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES,
                              NULL);
            fuzz_check(json != NULL);

            fuzz_check(schema1_jws_payload(fuzz_buf(&body), &payload)
                       == SCHEMA1_OK);
            fuzz_check(fuzz_same(fuzz_buf(&payload), document));
        }

        json_decref(json);

    } else {
        fuzz_check_error(&err);
        fuzz_check(err.reason == SCHEMA1_SIGNING_FAILED);
    }

    schema1_buf_free(&payload);
    schema1_buf_free(&body);
    free(copy);

    return 0;
}


static const schema1_key_t *
jws_key(void)
{
    schema1_error_t              err;
    static const schema1_key_t  *key;

    /* RFC 7515, A.3 */

    static const schema1_str_t  jwk = schema1_string(
        "{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\","
        "\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}");

    if (key == NULL) {
        key = schema1_key_read(jwk, NULL, &err);
        fuzz_check(key != NULL);
    }

    return key;
}
