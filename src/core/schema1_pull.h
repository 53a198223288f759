
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_PULL_H_INCLUDED_
#define _SCHEMA1_PULL_H_INCLUDED_


#include <time.h>

#include "schema1_accept.h"
#include "schema1_digest.h"
#include "schema1_error.h"
#include "schema1_key.h"


/*
 * The core's door: one pull by tag, from the tag's document to the answer.
 * The caller brings documents as it is told to; the pull verifies, reads,
 * chooses, converts and signs.  It knows no network and keeps no document.
 *
 *     pull = schema1_pull_new(&conf);
 *     step = schema1_pull_tell(pull, &document, &err);
 *     if (step == SCHEMA1_STEP_READ) {
 *         step = schema1_pull_give(pull, &document, &err);
 *     }
 *     while (step == SCHEMA1_STEP_FETCH) {
 *         ... fetch what schema1_pull_wanted() names ...
 *         step = schema1_pull_give(pull, &document, &err);
 *     }
 *
 * A pull is used by one thread at a time.
 */

typedef struct schema1_pull_s  schema1_pull_t;


/* all of it is borrowed and has to outlive the pull */

typedef struct {
    schema1_str_t         name;
    schema1_str_t         tag;
    schema1_accept_t      accept;
    schema1_str_t         platform;     /* looked at when a list needs it */
    const schema1_key_t  *key;
    time_t                now;          /* of the signature */
    size_t                max_size;     /* of a document in bytes; a response
                                           may be twice as large.  0: any */
} schema1_pull_conf_t;


typedef struct {
    schema1_str_t         body;
    schema1_str_t         type;         /* Content-Type, "" where missing */
    schema1_str_t         digest;       /* the tag's document: value of
                                           Docker-Content-Digest, "" without */
} schema1_document_t;


typedef enum {
    SCHEMA1_STEP_ERROR = -1,            /* err says why */
    SCHEMA1_STEP_AS_IS = 0,             /* what was told passes untouched */
    SCHEMA1_STEP_READ,                  /* told: give it to go on */
    SCHEMA1_STEP_FETCH,                 /* fetch what is wanted and give it */
    SCHEMA1_STEP_DONE                   /* the answer is there */
} schema1_step_e;


typedef struct {
    bool                  blob;         /* a config; else a manifest */
    schema1_str_t         digest;
    int64_t               size;         /* declared; -1 where it isn't */
} schema1_want_t;


typedef struct {
    schema1_str_t         body;         /* a child that goes as is: the
                                           document last given, borrowed */
    schema1_type_e        type;
    char                  digest[SCHEMA1_DIGEST_MAX + 1];
    bool                  made;         /* converted; else a child as is */
    size_t                entries;      /* of a schema 1 history, else 0 */
} schema1_answer_t;


/* NULL: out of memory */
schema1_pull_t *schema1_pull_new(const schema1_pull_conf_t *conf);

void schema1_pull_free(schema1_pull_t *pull);

/*
 * Tells what is stored under the tag and whether anything is to be done with
 * it for this client: AS_IS or READ.  What is to be read is verified against
 * its digest first, where it came with one.
 */
schema1_step_e schema1_pull_tell(schema1_pull_t *pull,
    const schema1_document_t *document, schema1_error_t *err);

/* the next document: FETCH, DONE or ERROR */
schema1_step_e schema1_pull_give(schema1_pull_t *pull,
    const schema1_document_t *document, schema1_error_t *err);

/*
 * What was told, borrowed: the type, and "sha256:..." of the tag's document as
 * computed here ("" before a step READ).
 */
schema1_type_e schema1_pull_source_type(const schema1_pull_t *pull);
const char *schema1_pull_source_digest(const schema1_pull_t *pull);

/* after FETCH and DONE; borrowed until the next call */
const schema1_want_t *schema1_pull_wanted(const schema1_pull_t *pull);
const schema1_answer_t *schema1_pull_answer(const schema1_pull_t *pull);


#endif /* _SCHEMA1_PULL_H_INCLUDED_ */
