
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
 * The core's interface: one pull by tag, from the source to the response.
 * The caller brings the documents that the pull requests; the pull verifies,
 * reads, selects, converts and signs.  It does no network I/O and keeps no
 * document.
 *
 *     pull = schema1_pull_new(&conf);
 *     step = schema1_pull_feed(pull, &document, &err);
 *     if (step == SCHEMA1_PULL_NEED_LOOKUP) {
 *         ... look for the response in a cache, else ...
 *         step = schema1_pull_feed(pull, NULL, &err);
 *     }
 *     while (step == SCHEMA1_PULL_NEED_FETCH) {
 *         ... fetch what schema1_pull_request() names ...
 *         step = schema1_pull_feed(pull, &document, &err);
 *     }
 *
 * A pull is used by one thread at a time.
 */

typedef struct schema1_pull_s  schema1_pull_t;


/* borrowed: everything must outlive the pull */

typedef struct {
    schema1_str_t         name;         /* both valid (schema1_uri.h) */
    schema1_str_t         tag;
    schema1_accept_t      accept;
    schema1_str_t         platform;     /* must be valid for a list only */
    bool                  client_platform;  /* it depends on the client */
    const schema1_key_t  *key;
    time_t                now;          /* of the signature */
    size_t                max_size;     /* of a document in bytes; a response
                                           may be twice as large.  0: any */
} schema1_pull_conf_t;


typedef struct {
    schema1_str_t         body;
    schema1_str_t         type;         /* Content-Type, "" if missing */
    schema1_str_t         digest;       /* the tag's document: value of
                                           Docker-Content-Digest, "" without */
} schema1_document_t;


typedef enum {
    SCHEMA1_PULL_ERROR = -1,            /* see err */
    SCHEMA1_PULL_NEED_SOURCE = 0,       /* of a new pull */
    SCHEMA1_PULL_PASS,                  /* the source is sent unchanged */
    SCHEMA1_PULL_NEED_LOOKUP,           /* feed nothing to convert it */
    SCHEMA1_PULL_NEED_FETCH,            /* fetch the request and feed it */
    SCHEMA1_PULL_DONE                   /* the response is ready */
} schema1_pull_step_e;


typedef struct {
    bool                  blob;         /* a config; else a manifest */
    schema1_str_t         digest;
    int64_t               size;         /* declared; -1 if it is not */
} schema1_pull_request_t;


/*
 * What a client receives instead of the source.  Digests are "sha256:..." or
 * the like, terminated by NUL.
 */

typedef struct {
    schema1_str_t         body;         /* of an unchanged child: the document
                                           fed last, borrowed */
    schema1_str_t         digest;
    schema1_str_t         source_digest;    /* of the tag's document */
    schema1_type_e        type;
    schema1_type_e        source_type;
    bool                  converted;    /* else an unchanged child */
    size_t                entries;      /* of a schema 1 history, else 0 */
} schema1_answer_t;


/* NULL: out of memory */
schema1_pull_t *schema1_pull_new(const schema1_pull_conf_t *conf);

void schema1_pull_free(schema1_pull_t *pull);

/*
 * The source is fed first, which determines its type and what the client
 * receives: PASS, NEED_LOOKUP or ERROR.  A source that is to be converted is
 * read, and verified first if it came with a digest.  Then each document that
 * was requested: NEED_FETCH, DONE or ERROR.  After NEED_LOOKUP the document is
 * not used and can be NULL.
 */
schema1_pull_step_e schema1_pull_feed(schema1_pull_t *pull,
    const schema1_document_t *document, schema1_error_t *err);

/* after NEED_FETCH; borrowed until the next call */
const schema1_pull_request_t *schema1_pull_request(const schema1_pull_t *pull);

/*
 * Borrowed until the next call.  The source's type is there after it was fed,
 * the digest of its bytes, computed here, after NEED_LOOKUP, the rest after
 * DONE.
 */
const schema1_answer_t *schema1_pull_answer(const schema1_pull_t *pull);


#endif /* _SCHEMA1_PULL_H_INCLUDED_ */
