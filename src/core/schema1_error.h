
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_ERROR_H_INCLUDED_
#define _SCHEMA1_ERROR_H_INCLUDED_


#include "schema1_string.h"


/*
 * Why a client does not get what it requested.  One table in schema1_error.c
 * maps each reason to its name, HTTP status and registry error code.
 */

typedef enum {
    SCHEMA1_NO_REASON = 0,

    /* 404 MANIFEST_UNKNOWN */
    SCHEMA1_NO_PLATFORM,            /* no child for the platform */
    SCHEMA1_MANIFEST_NOT_FOUND,     /* a child that the registry lost */

    /* 400 MANIFEST_INVALID */
    SCHEMA1_FOREIGN_LAYER,
    SCHEMA1_ENCRYPTED_LAYER,
    SCHEMA1_LAYER_COMPRESSION,      /* zstd and the like */
    SCHEMA1_NOT_AN_IMAGE,
    SCHEMA1_NOT_ACCEPTABLE,         /* the client does not accept schema 1 */
    SCHEMA1_INVALID_MANIFEST,       /* hashes right, but cannot be read */
    SCHEMA1_INVALID_CONFIG,
    SCHEMA1_CONFIG_NOT_FOUND,

    /* 502 UNKNOWN */
    SCHEMA1_TRUNCATED,              /* cut off or stalled after its header */
    SCHEMA1_ENCODED,                /* compressed, but not requested so */
    SCHEMA1_UNVERIFIED,             /* broken, without a digest to verify */
    SCHEMA1_UPSTREAM_FAILED,        /* unreachable, 5xx, another status */
    SCHEMA1_DIGEST_MISMATCH,
    SCHEMA1_SIZE_MISMATCH,
    SCHEMA1_DIGEST_UNSUPPORTED,
    SCHEMA1_REDIRECTED,             /* a redirect that may not be followed */

    /* 504 UNKNOWN */
    SCHEMA1_TIMED_OUT,

    /* 502 SIZE_INVALID */
    SCHEMA1_TOO_LARGE,              /* over schema_conversion_max_size */
    SCHEMA1_TOO_MANY,               /* layers or history entries */

    /* the status of the response that is relayed: 401, 403, 429 */
    SCHEMA1_DENIED,

    /* 500 UNKNOWN */
    SCHEMA1_BAD_PLATFORM,           /* schema_conversion_platform's value */
    SCHEMA1_SIGNING_FAILED,
    SCHEMA1_NO_MEMORY,

    SCHEMA1_REASON_MAX
} schema1_reason_e;


typedef struct {
    const char        *name;        /* of $schema1_reason, "detail.reason" */
    int                status;
    const char        *code;        /* of the registry's error JSON */
} schema1_reason_info_t;


/*
 * What went wrong, for the client and the log.  The struct contains its texts:
 * an error requires no allocation and no free.  Texts are cut to fit, printable
 * ASCII (other bytes are shown as "?"), and contain no token and no key.
 */

typedef struct {
    schema1_reason_e   reason;
    char               message[512];     /* plain words, with what to do */

    /* for the client's error body; empty if not known */
    char               source_digest[160];
    char               media_type[128];
    char               platform[128];
} schema1_error_t;


/* the same as zeros, but faster */

static SCHEMA1_INLINE void
schema1_error_clear(schema1_error_t *err)
{
    err->reason = SCHEMA1_NO_REASON;
    err->message[0] = '\0';
    err->source_digest[0] = '\0';
    err->media_type[0] = '\0';
    err->platform[0] = '\0';
}


const schema1_reason_info_t *schema1_reason_info(schema1_reason_e reason);

/* sets reason and message, keeps the others; always returns SCHEMA1_ERROR */
int schema1_error_set(schema1_error_t *err, schema1_reason_e reason,
    const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* out of memory; always returns SCHEMA1_ERROR */
int schema1_error_no_memory(schema1_error_t *err);

/*
 * The error of a response whose buffer failed: TOO_LARGE over its limit, which
 * is twice schema_conversion_max_size, otherwise NO_MEMORY.  Always returns
 * SCHEMA1_ERROR.
 */
int schema1_error_buf(schema1_error_t *err, const schema1_buf_t *buf);

/* copies "value" into a member "to" of "size" bytes, cut and made printable */
void schema1_error_note(char *to, size_t size, schema1_str_t value);

/*
 * The registry's error JSON, {"errors":[{"code","message","detail":{"reason",
 * "name","tag",...}}]} (OCI distribution specification, "Error Codes"),
 * appended to "body".  SCHEMA1_ERROR: out of memory.
 */
int schema1_error_body(const schema1_error_t *err, schema1_str_t name,
    schema1_str_t tag, schema1_buf_t *body);


#endif /* _SCHEMA1_ERROR_H_INCLUDED_ */
