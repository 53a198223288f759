
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdlib.h>

#include "schema1_convert.h"
#include "schema1_json.h"
#include "schema1_jws.h"
#include "schema1_list.h"
#include "schema1_payload.h"
#include "schema1_pull.h"
#include "schema1_sniff.h"


struct schema1_pull_s {
    schema1_pull_conf_t       conf;
    schema1_platform_t        platform;
    bool                      has_platform; /* the conf's is valid */
    schema1_pull_step_e       step;     /* the last one */

    /* the document at hand, while it is there */
    const schema1_document_t *document;
    schema1_error_t          *err;
    schema1_type_e            type;
    schema1_action_e          action;
    schema1_raw_manifest_t    raw;      /* zeros if it cannot be read */

    schema1_child_t           child;
    schema1_manifest_t        manifest;
    schema1_pull_request_t    request;
    schema1_answer_t          answer;
    char                      source_digest[7 + 64 + 1];
    char                      digest[7 + 64 + 1];
    schema1_buf_t             body;     /* of a converted manifest */
    bool                      list;     /* a platform was searched */
    bool                      nested;   /* in a list within a list */
    bool                      payload;  /* the child's payload is verified */
    size_t                    payload_len;
};


static schema1_pull_step_e schema1_pull_source(schema1_pull_t *pull);
static int schema1_pull_verify_tag(schema1_pull_t *pull);
static void schema1_pull_unverified(const schema1_pull_t *pull);
static schema1_pull_step_e schema1_pull_child(schema1_pull_t *pull);
static schema1_pull_step_e schema1_pull_child_action(schema1_pull_t *pull);
static schema1_pull_step_e schema1_pull_config(schema1_pull_t *pull);
static int schema1_pull_read(schema1_pull_t *pull);
static schema1_pull_step_e schema1_pull_next(schema1_pull_t *pull);
static schema1_pull_step_e schema1_pull_converted(schema1_pull_t *pull,
    schema1_type_e type);
static schema1_pull_step_e schema1_pull_refuse(const schema1_pull_t *pull);
static int schema1_pull_verify(const schema1_pull_t *pull, const char *what);
static void schema1_pull_payload(schema1_pull_t *pull);
static int schema1_pull_digest(schema1_pull_t *pull, schema1_str_t *digest,
    char *buf, schema1_str_t data);
static void schema1_pull_note(const schema1_pull_t *pull);


schema1_pull_t *
schema1_pull_new(const schema1_pull_conf_t *conf)
{
    schema1_pull_t  *pull;

    pull = calloc(1, sizeof(schema1_pull_t));
    if (pull == NULL) {
        return NULL;
    }

    pull->conf = *conf;
    pull->has_platform = (schema1_platform_read(&pull->platform,
                                                conf->platform)
                          == SCHEMA1_OK);

    /* "larger than twice schema_conversion_max_size" */

    if (conf->max_size <= SIZE_MAX / 4) {
        pull->body.limit = 2 * conf->max_size;
    }

    return pull;
}


void
schema1_pull_free(schema1_pull_t *pull)
{
    if (pull == NULL) {
        return;
    }

    schema1_list_child_free(&pull->child);
    schema1_manifest_free(&pull->manifest);
    schema1_buf_free(&pull->body);

    free(pull);
}


schema1_pull_step_e
schema1_pull_feed(schema1_pull_t *pull, const schema1_document_t *document,
    schema1_error_t *err)
{
    schema1_error_clear(err);

    pull->document = document;
    pull->err = err;

    switch (pull->step) {

    case SCHEMA1_PULL_NEED_SOURCE:
        pull->step = schema1_pull_source(pull);
        break;

    case SCHEMA1_PULL_NEED_LOOKUP:
        pull->step = schema1_pull_next(pull);
        break;

    case SCHEMA1_PULL_NEED_FETCH:
        pull->step = pull->request.blob ? schema1_pull_config(pull)
                                        : schema1_pull_child(pull);
        break;

    default:
        schema1_error_set(err, SCHEMA1_NO_REASON,
                          "a document was not requested");
        pull->step = SCHEMA1_PULL_ERROR;
    }

    schema1_raw_manifest_free(&pull->raw);

    if (pull->step == SCHEMA1_PULL_ERROR) {
        schema1_pull_note(pull);

    } else {
        schema1_error_clear(err);
    }

    return pull->step;
}


const schema1_pull_request_t *
schema1_pull_request(const schema1_pull_t *pull)
{
    return &pull->request;
}


const schema1_answer_t *
schema1_pull_answer(const schema1_pull_t *pull)
{
    return &pull->answer;
}


/*
 * A document that cannot be read may still pass, so that is no error yet: "err"
 * keeps the reason until schema1_pull_read().
 */

static schema1_pull_step_e
schema1_pull_source(schema1_pull_t *pull)
{
    bool  modern;

    pull->type = schema1_media_type(pull->document->type);
    modern = schema1_accept_is_modern(&pull->conf.accept);

    /* "the document takes precedence, for clients that are not modern" */

    if (pull->type == SCHEMA1_TYPE_GENERIC
        || (!modern && pull->type != SCHEMA1_TYPE_OTHER))
    {
        (void) schema1_raw_manifest_read(&pull->raw, pull->document->body,
                                         pull->err);
        pull->type = schema1_sniff(&pull->raw, pull->type);
    }

    pull->answer.source_type = pull->type;

    if (pull->err->reason == SCHEMA1_NO_MEMORY) {
        return SCHEMA1_PULL_ERROR;
    }

    pull->action = schema1_accept_decide(&pull->conf.accept, pull->type,
                                         false);

    /* a list whose type the client names; modern clients receive it */

    if (pull->action == SCHEMA1_ACTION_AS_IS && !modern
        && schema1_media_type_is_list(pull->type)
        && !schema1_list_usable(&pull->raw, &pull->conf.accept,
                                pull->conf.client_platform
                                && pull->has_platform
                                ? &pull->platform : NULL))
    {
        pull->action = SCHEMA1_ACTION_CHILD;
    }

    if (pull->action == SCHEMA1_ACTION_AS_IS) {
        return SCHEMA1_PULL_PASS;
    }

    if (schema1_pull_verify_tag(pull) != SCHEMA1_OK) {
        return SCHEMA1_PULL_ERROR;
    }

    if (schema1_pull_read(pull) != SCHEMA1_OK) {
        schema1_pull_unverified(pull);
        return SCHEMA1_PULL_ERROR;
    }

    return SCHEMA1_PULL_NEED_LOOKUP;
}


static int
schema1_pull_verify_tag(schema1_pull_t *pull)
{
    schema1_str_t             *digest;
    const schema1_document_t  *document;

    document = pull->document;
    digest = &pull->answer.source_digest;

    if (schema1_pull_digest(pull, digest, pull->source_digest, document->body)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    /* it is hashed once, unless the digest is another one */

    if (document->digest.len == 0
        || schema1_str_eq(document->digest, digest->data)
        || schema1_digest_verify(document->digest, document->body, "manifest",
                                 pull->err)
           == SCHEMA1_OK)
    {
        return SCHEMA1_OK;
    }

    digest->len = 0;
    schema1_error_note(pull->err->source_digest,
                       sizeof(pull->err->source_digest), document->digest);

    return SCHEMA1_ERROR;
}


/* without a digest the document may as well have been truncated */

static void
schema1_pull_unverified(const schema1_pull_t *pull)
{
    size_t  offset;

    if (pull->document->digest.len == 0
        && pull->err->reason == SCHEMA1_INVALID_MANIFEST
        && schema1_json_check(pull->document->body, &offset) != SCHEMA1_OK)
    {
        schema1_error_set(pull->err, SCHEMA1_UNVERIFIED,
                          "the manifest that the registry sent is broken, and "
                          "without a Docker-Content-Digest nothing confirms "
                          "that it is complete; try again, then check the "
                          "registry's log");
    }
}


static schema1_pull_step_e
schema1_pull_child(schema1_pull_t *pull)
{
    /*
     * "If the mediaType of the entry is a manifest type, it determines the
     * type.  Otherwise the document determines the type.  The Content-Type of
     * the child never determines the type."
     */

    pull->type = pull->child.type;

    if (!schema1_media_type_is_schema1(pull->type)) {
        (void) schema1_raw_manifest_read(&pull->raw, pull->document->body,
                                         pull->err);
    }

    if (!schema1_media_type_known(pull->type)) {
        pull->type = schema1_sniff(&pull->raw, SCHEMA1_TYPE_GENERIC);
    }

    if (schema1_media_type_is_schema1(pull->type)) {
        schema1_pull_payload(pull);
    }

    if (pull->err->reason == SCHEMA1_NO_MEMORY
        || schema1_pull_verify(pull, "platform's manifest") != SCHEMA1_OK)
    {
        return SCHEMA1_PULL_ERROR;
    }

    return schema1_pull_child_action(pull);
}


static schema1_pull_step_e
schema1_pull_child_action(schema1_pull_t *pull)
{
    if (!schema1_media_type_is_list(pull->type)) {
        pull->action = schema1_accept_decide(&pull->conf.accept, pull->type,
                                             true);

    } else if (pull->nested) {
        schema1_error_set(pull->err, SCHEMA1_NO_PLATFORM,
                          "the list of manifests leads to a list within a "
                          "list within a list, which is not followed");
        return SCHEMA1_PULL_ERROR;

    } else {
        pull->nested = true;
    }

    if (pull->action == SCHEMA1_ACTION_REFUSE) {
        return schema1_pull_refuse(pull);
    }

    if (pull->action == SCHEMA1_ACTION_AS_IS) {
        pull->answer.body = pull->document->body;
        pull->answer.type = pull->type;

        /* of a payload that the list does not name it was computed */

        if (pull->payload || pull->answer.digest.len == 0) {
            pull->answer.digest = pull->request.digest;
        }

        return SCHEMA1_PULL_DONE;
    }

    if (schema1_pull_read(pull) != SCHEMA1_OK) {
        return SCHEMA1_PULL_ERROR;
    }

    return schema1_pull_next(pull);
}


static schema1_pull_step_e
schema1_pull_config(schema1_pull_t *pull)
{
    if (schema1_pull_verify(pull, "config") != SCHEMA1_OK
        || schema1_payload_build(&pull->manifest, pull->document->body,
                                 pull->conf.name, pull->conf.tag, &pull->body,
                                 &pull->answer.entries, pull->err)
           != SCHEMA1_OK)
    {
        return SCHEMA1_PULL_ERROR;
    }

    return schema1_pull_converted(pull, SCHEMA1_TYPE_SIGNED);
}


/* keeps what the document says, so that it is read only once */

static int
schema1_pull_read(schema1_pull_t *pull)
{
    schema1_error_t  *err;

    err = pull->err;

    if (err->reason != SCHEMA1_NO_REASON) {
        return SCHEMA1_ERROR;
    }

    if (pull->action != SCHEMA1_ACTION_CHILD) {

        if (schema1_manifest_read(&pull->manifest, &pull->raw, err)
            != SCHEMA1_OK)
        {
            return SCHEMA1_ERROR;
        }

        return schema1_convert_check(&pull->manifest, err);
    }

    pull->list = true;

    if (!pull->has_platform) {
        schema1_error_note(err->platform, sizeof(err->platform),
                           pull->conf.platform);
        schema1_error_set(err, SCHEMA1_BAD_PLATFORM,
                          "the value of schema_conversion_platform is \"%s\", "
                          "which is not os/arch[/variant]; check the "
                          "variables it uses", err->platform);
        return SCHEMA1_ERROR;
    }

    schema1_list_child_free(&pull->child);

    return schema1_list_find(&pull->child, &pull->raw, &pull->platform,
                             pull->nested, err);
}


static schema1_pull_step_e
schema1_pull_next(schema1_pull_t *pull)
{
    const schema1_descriptor_t  *descriptor;

    if (pull->action == SCHEMA1_ACTION_SCHEMA2) {

        if (schema1_convert_schema2(&pull->manifest, &pull->body, pull->err)
            != SCHEMA1_OK)
        {
            return SCHEMA1_PULL_ERROR;
        }

        return schema1_pull_converted(pull, SCHEMA1_TYPE_SCHEMA2);
    }

    pull->request.blob = (pull->action == SCHEMA1_ACTION_SCHEMA1);
    descriptor = pull->request.blob ? &pull->manifest.config
                                    : &pull->child.descriptor;

    pull->request.digest = descriptor->digest;
    pull->request.size = descriptor->size;

    return SCHEMA1_PULL_NEED_FETCH;
}


/* the digest of schema 1 is that of the payload, without the signature */

static schema1_pull_step_e
schema1_pull_converted(schema1_pull_t *pull, schema1_type_e type)
{
    schema1_str_t      document;
    schema1_answer_t  *answer;

    answer = &pull->answer;
    document = schema1_buf_str(&pull->body);

    if (schema1_pull_digest(pull, &answer->digest, pull->digest, document)
        != SCHEMA1_OK)
    {
        return SCHEMA1_PULL_ERROR;
    }

    if (type == SCHEMA1_TYPE_SIGNED
        && schema1_jws_sign(pull->conf.key, document, pull->conf.now,
                            &pull->body, pull->err)
           != SCHEMA1_OK)
    {
        return SCHEMA1_PULL_ERROR;
    }

    answer->body = schema1_buf_str(&pull->body);
    answer->type = type;
    answer->converted = true;

    return SCHEMA1_PULL_DONE;
}


static schema1_pull_step_e
schema1_pull_refuse(const schema1_pull_t *pull)
{
    size_t  offset;

    if (schema1_media_type_known(pull->type)) {
        schema1_error_set(pull->err, SCHEMA1_NOT_ACCEPTABLE,
                          "this image can be sent as schema 1 only, which the "
                          "client's Accept header does not name; push the "
                          "image again, or let the client accept %s",
                          schema1_media_type_name(SCHEMA1_TYPE_SIGNED));

    } else if (schema1_json_check(pull->document->body, &offset)
               != SCHEMA1_OK)
    {
        schema1_error_set(pull->err, SCHEMA1_INVALID_MANIFEST,
                          "the platform's manifest is not valid JSON, as it "
                          "is stored; push the image again");

    } else {
        schema1_error_set(pull->err, SCHEMA1_NOT_AN_IMAGE,
                          "the document for the platform is no image manifest "
                          "of a known type; push an image under this tag");
    }

    return SCHEMA1_PULL_ERROR;
}


/* verifies the document by its descriptor's digest and size */

static int
schema1_pull_verify(const schema1_pull_t *pull, const char *what)
{
    int64_t        size;
    schema1_str_t  body;

    size = pull->request.size;
    body = pull->document->body;

    if (pull->payload) {

        if (size >= 0 && (uint64_t) size == pull->payload_len) {
            return SCHEMA1_OK;
        }

    } else if (schema1_digest_verify(pull->request.digest, body, what,
                                     pull->err)
               != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    if (size >= 0 && (uint64_t) size != body.len) {
        schema1_error_set(pull->err, SCHEMA1_SIZE_MISMATCH,
                          "the %s is declared with %lld bytes and has %zu; "
                          "push the image again", what,
                          (long long) size, body.len);
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


/*
 * The digest of a signed schema 1 manifest is that of its payload, and a list
 * may name it by that.  Without a payload it is that of the document, which
 * schema1_pull_verify() checks: only a lack of memory is an error here.
 */

static void
schema1_pull_payload(schema1_pull_t *pull)
{
    schema1_buf_t  buf;
    schema1_str_t  payload;

    memset(&buf, 0, sizeof(schema1_buf_t));

    if (schema1_jws_payload(pull->document->body, &buf) == SCHEMA1_OK) {
        payload = schema1_buf_str(&buf);

        pull->payload_len = payload.len;
        pull->payload = schema1_pull_digest(pull, &pull->answer.digest,
                                            pull->digest, payload)
                        == SCHEMA1_OK
                        && schema1_digest_verify(pull->request.digest, payload,
                                                 "payload", pull->err)
                           == SCHEMA1_OK;

    } else if (buf.failed) {
        (void) schema1_error_no_memory(pull->err);
    }

    schema1_buf_free(&buf);
}


/* "buf" has space for 7 + 64 + 1 bytes */

static int
schema1_pull_digest(schema1_pull_t *pull, schema1_str_t *digest, char *buf,
    schema1_str_t data)
{
    memcpy(buf, "sha256:", 7);

    if (schema1_digest_sha256_hex(data, buf + 7) != SCHEMA1_OK) {
        return schema1_error_no_memory(pull->err);
    }

    buf[7 + 64] = '\0';

    digest->data = buf;
    digest->len = 7 + 64;

    return SCHEMA1_OK;
}


/* adds to an error what is known here and helps */

static void
schema1_pull_note(const schema1_pull_t *pull)
{
    schema1_str_t     value;
    schema1_error_t  *err;

    err = pull->err;

    if (pull->answer.source_digest.len != 0) {
        schema1_error_note(err->source_digest, sizeof(err->source_digest),
                           pull->answer.source_digest);
    }

    if (err->media_type[0] == '\0') {
        value.data = schema1_media_type_name(pull->type);
        value.len = strlen(value.data);

        schema1_error_note(err->media_type, sizeof(err->media_type), value);
    }

    if (pull->list) {
        schema1_error_note(err->platform, sizeof(err->platform),
                           pull->conf.platform);
    }
}
