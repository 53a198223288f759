
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdarg.h>
#include <stdio.h>

#include <jansson.h>

#include "schema1_error.h"


/* names are 255 bytes at most, digests and tags less */
#define SCHEMA1_ERROR_VALUE_SIZE  512


static void schema1_error_printable(char *text);
static json_t *schema1_error_detail(const schema1_error_t *err,
    schema1_str_t name, schema1_str_t tag);


/* in the order of schema1_reason_e */

static const schema1_reason_info_t  schema1_reasons[SCHEMA1_REASON_MAX] = {
    { "",                   500, "UNKNOWN" },

    { "no_platform",        404, "MANIFEST_UNKNOWN" },
    { "manifest_not_found", 404, "MANIFEST_UNKNOWN" },

    { "foreign_layer",      400, "MANIFEST_INVALID" },
    { "encrypted_layer",    400, "MANIFEST_INVALID" },
    { "layer_compression",  400, "MANIFEST_INVALID" },
    { "not_an_image",       400, "MANIFEST_INVALID" },
    { "not_taken",          400, "MANIFEST_INVALID" },
    { "invalid_manifest",   400, "MANIFEST_INVALID" },
    { "invalid_config",     400, "MANIFEST_INVALID" },
    { "config_not_found",   400, "MANIFEST_INVALID" },

    { "truncated",          502, "UNKNOWN" },
    { "encoded",            502, "UNKNOWN" },
    { "unproven",           502, "UNKNOWN" },
    { "upstream_failed",    502, "UNKNOWN" },
    { "digest_mismatch",    502, "UNKNOWN" },
    { "size_mismatch",      502, "UNKNOWN" },
    { "digest_unsupported", 502, "UNKNOWN" },
    { "redirected",         502, "UNKNOWN" },

    { "timed_out",          504, "UNKNOWN" },

    { "too_large",          502, "SIZE_INVALID" },
    { "too_many",           502, "SIZE_INVALID" },

    { "denied",             0,   "DENIED" },

    { "bad_platform",       500, "UNKNOWN" },
    { "signing_failed",     500, "UNKNOWN" },
    { "no_memory",          500, "UNKNOWN" }
};


const schema1_reason_info_t *
schema1_reason_info(schema1_reason_e reason)
{
    if ((unsigned) reason >= SCHEMA1_REASON_MAX) {
        reason = SCHEMA1_NO_REASON;
    }

    return &schema1_reasons[reason];
}


int
schema1_error_set(schema1_error_t *err, schema1_reason_e reason,
    const char *fmt, ...)
{
    va_list  args;

    err->reason = reason;

    va_start(args, fmt);

    if (vsnprintf(err->message, sizeof(err->message), fmt, args) < 0) {
        err->message[0] = '\0';
    }

    va_end(args);

    schema1_error_printable(err->message);

    return SCHEMA1_ERROR;
}


int
schema1_error_no_memory(schema1_error_t *err)
{
    return schema1_error_set(err, SCHEMA1_NO_MEMORY,
                             "out of memory; try again");
}


int
schema1_error_buf(schema1_error_t *err, const schema1_buf_t *buf)
{
    if (!buf->full) {
        return schema1_error_no_memory(err);
    }

    return schema1_error_set(err, SCHEMA1_TOO_LARGE,
                             "the converted manifest would be larger than %zu "
                             "bytes, twice schema_conversion_max_size",
                             buf->limit);
}


void
schema1_error_note(char *to, size_t size, schema1_str_t value)
{
    size_t  i;

    if (size == 0) {
        return;
    }

    for (i = 0; i < value.len && i < size - 1; i++) {
        to[i] = value.data[i] ? value.data[i] : '?';
    }

    to[i] = '\0';

    schema1_error_printable(to);
}


int
schema1_error_body(const schema1_error_t *err, schema1_str_t name,
    schema1_str_t tag, schema1_buf_t *body)
{
    int                           rc;
    json_t                       *detail, *object;
    const schema1_reason_info_t  *info;

    info = schema1_reason_info(err->reason);
    detail = schema1_error_detail(err, name, tag);

    object = json_pack("{s:[{s:s,s:s,s:O}]}", "errors", "code", info->code,
                       "message", err->message, "detail", detail);

    json_decref(detail);

    rc = json_dump_callback(object, schema1_buf_write, body,
                            JSON_COMPACT|JSON_PRESERVE_ORDER);

    json_decref(object);

    return rc != 0 || body->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


static void
schema1_error_printable(char *text)
{
    for (/* void */ ; *text; text++) {
        if (*text < 0x20 || *text > 0x7e) {
            *text = '?';
        }
    }
}


/* members without a value are left out */

static json_t *
schema1_error_detail(const schema1_error_t *err, schema1_str_t name,
    schema1_str_t tag)
{
    char         name_text[SCHEMA1_ERROR_VALUE_SIZE];
    char         tag_text[SCHEMA1_ERROR_VALUE_SIZE];
    void        *next;
    json_t      *detail, *value;
    const char  *key;

    schema1_error_note(name_text, sizeof(name_text), name);
    schema1_error_note(tag_text, sizeof(tag_text), tag);

    detail = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}",
                       "reason", schema1_reason_info(err->reason)->name,
                       "name", name_text, "tag", tag_text,
                       "sourceDigest", err->source_digest,
                       "mediaType", err->media_type,
                       "platform", err->platform);

    json_object_foreach_safe(detail, next, key, value) {
        if (json_string_length(value) == 0) {
            (void) json_object_del(detail, key);
        }
    }

    return detail;
}
