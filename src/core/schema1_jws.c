
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdio.h>
#include <stdlib.h>

#include "schema1_base64.h"
#include "schema1_json.h"
#include "schema1_jws.h"


/* {"formatLength":20 digits,"formatTail":"Cn0","time":"..."} */
#define SCHEMA1_JWS_PROTECTED_SIZE  128

/* of the registry's documents, decoded */
#define SCHEMA1_JWS_PROTECTED_MAX   4096
#define SCHEMA1_JWS_TAIL_MAX        1024


static int schema1_jws_protected(schema1_str_t payload, time_t now,
    schema1_buf_t *text);
static void schema1_jws_assemble(schema1_str_t payload, const char *header,
    schema1_str_t signature, schema1_str_t protected, schema1_buf_t *body);
static int schema1_jws_first(schema1_str_t document, schema1_str_t *protected);
static int schema1_jws_find(schema1_str_t object, const char *name,
    schema1_json_e type, schema1_str_t *value);
static int schema1_jws_format(schema1_str_t header, int64_t *length,
    schema1_str_t *tail);


int
schema1_jws_sign(const schema1_key_t *key, schema1_str_t payload, time_t now,
    schema1_buf_t *body, schema1_error_t *err)
{
    int            rc;
    schema1_buf_t  protected, signature;

    if (payload.len < 3
        || memcmp(payload.data + payload.len - 2, "\n}", 2) != 0)
    {
        return schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                                 "a payload that is not indented JSON cannot "
                                 "be signed");
    }

    memset(&protected, 0, sizeof(schema1_buf_t));
    memset(&signature, 0, sizeof(schema1_buf_t));

    rc = schema1_jws_protected(payload, now, &protected);

    if (rc == SCHEMA1_OK) {
        rc = schema1_key_sign(key, schema1_buf_str(&protected), payload,
                              &signature);
    }

    if (rc == SCHEMA1_OK) {
        schema1_jws_assemble(payload, schema1_key_header(key),
                             schema1_buf_str(&signature),
                             schema1_buf_str(&protected), body);
    }

    if (body->failed) {
        rc = schema1_error_buf(err, body);

    } else if (protected.failed || signature.failed) {
        rc = schema1_error_no_memory(err);

    } else if (rc != SCHEMA1_OK) {
        schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                          "the manifest could not be signed");
    }

    schema1_buf_free(&protected);
    schema1_buf_free(&signature);

    return rc;
}


int
schema1_jws_payload(schema1_str_t document, schema1_buf_t *payload)
{
    int             n;
    int64_t         length;
    schema1_str_t   protected, header, tail;
    unsigned char   decoded[SCHEMA1_JWS_PROTECTED_MAX];
    unsigned char   bytes[SCHEMA1_JWS_TAIL_MAX];

    if (schema1_jws_first(document, &protected) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    n = schema1_base64url_decode(decoded, sizeof(decoded), protected);
    if (n < 0) {
        return SCHEMA1_ERROR;
    }

    header.data = (const char *) decoded;
    header.len = (size_t) n;

    if (schema1_jws_format(header, &length, &tail) != SCHEMA1_OK
        || length <= 0 || (uint64_t) length > document.len)
    {
        return SCHEMA1_ERROR;
    }

    n = schema1_base64url_decode(bytes, sizeof(bytes), tail);
    if (n < 0) {
        return SCHEMA1_ERROR;
    }

    schema1_buf_append(payload, document.data, (size_t) length);
    schema1_buf_append(payload, (const char *) bytes, (size_t) n);

    return payload->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


/* appends the protected header, encoded, in libtrust's order of members */

static int
schema1_jws_protected(schema1_str_t payload, time_t now, schema1_buf_t *text)
{
    int        len;
    char       header[SCHEMA1_JWS_PROTECTED_SIZE], date[32];
    struct tm  tm;

    if (gmtime_r(&now, &tm) == NULL
        || strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
    {
        return SCHEMA1_ERROR;
    }

    /* "Cn0" is the base64url form of the tail, "\n}" */

    len = snprintf(header, sizeof(header),
                   "{\"formatLength\":%zu,\"formatTail\":\"Cn0\","
                   "\"time\":\"%s\"}", payload.len - 2, date);

    schema1_base64url_encode(text, (const unsigned char *) header,
                             (size_t) len);

    return text->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


static void
schema1_jws_assemble(schema1_str_t payload, const char *header,
    schema1_str_t signature, schema1_str_t protected, schema1_buf_t *body)
{
    /* a payload in place is not copied, as it may be large */

    if (payload.data == body->data) {
        body->len -= 2;

    } else {
        schema1_buf_append(body, payload.data, payload.len - 2);
    }

    schema1_buf_puts(body, ",\n"
                           "   \"signatures\": [\n"
                           "      {\n"
                           "         \"header\": {\n");
    schema1_buf_puts(body, header);
    schema1_buf_puts(body, "\n"
                           "         },\n"
                           "         \"signature\": \"");
    schema1_base64url_encode(body, (const unsigned char *) signature.data,
                             signature.len);
    schema1_buf_puts(body, "\",\n"
                           "         \"protected\": \"");
    schema1_buf_append(body, protected.data, protected.len);
    schema1_buf_puts(body, "\"\n"
                           "      }\n"
                           "   ]\n"
                           "}");
}


/* the protected header of the first signature, encoded */

static int
schema1_jws_first(schema1_str_t document, schema1_str_t *protected)
{
    size_t          offset;
    schema1_str_t   signatures, first;
    schema1_json_t  json;

    if (schema1_json_check(document, &offset) != SCHEMA1_OK
        || schema1_jws_find(document, "signatures", SCHEMA1_JSON_ARRAY,
                            &signatures)
           != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    schema1_json_open(&json, signatures);
    schema1_json_enter(&json);

    if (!schema1_json_item(&json)) {
        return SCHEMA1_ERROR;
    }

    first = schema1_json_value(&json);

    return schema1_jws_find(first, "protected", SCHEMA1_JSON_STRING,
                            protected);
}


/* the last such member of an object, as in Go; a string without its quotes */

static int
schema1_jws_find(schema1_str_t object, const char *name, schema1_json_e type,
    schema1_str_t *value)
{
    bool            found;
    schema1_str_t   member, token;
    schema1_json_t  json;
    schema1_json_e  kind;

    schema1_json_open(&json, object);

    if (schema1_json_peek(&json) != SCHEMA1_JSON_OBJECT) {
        return SCHEMA1_ERROR;
    }

    found = false;

    schema1_json_enter(&json);

    while (schema1_json_member(&json, &member)) {
        kind = schema1_json_peek(&json);
        token = schema1_json_value(&json);

        if (!schema1_json_is(member, name)) {
            continue;
        }

        if (kind != type) {
            return SCHEMA1_ERROR;
        }

        *value = token;
        found = true;
    }

    if (!found) {
        return SCHEMA1_ERROR;
    }

    if (type == SCHEMA1_JSON_STRING) {
        value->data++;
        value->len -= 2;
    }

    return SCHEMA1_OK;
}


static int
schema1_jws_format(schema1_str_t header, int64_t *length, schema1_str_t *tail)
{
    size_t         offset;
    schema1_str_t  number;

    if (schema1_json_check(header, &offset) != SCHEMA1_OK
        || schema1_jws_find(header, "formatLength", SCHEMA1_JSON_NUMBER,
                            &number)
           != SCHEMA1_OK
        || schema1_json_int(number, length) != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    return schema1_jws_find(header, "formatTail", SCHEMA1_JSON_STRING, tail);
}
