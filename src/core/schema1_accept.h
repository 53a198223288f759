
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _SCHEMA1_ACCEPT_H_INCLUDED_
#define _SCHEMA1_ACCEPT_H_INCLUDED_


#include "schema1_media_type.h"


/* what a client says that it accepts: all its Accept lines together */

typedef struct {
    unsigned           types;       /* 1 << schema1_type_e for each named */
    bool               json;        /* application/json is named */
    bool               wildcard;
} schema1_accept_t;


/* what is done with a document of a type for such a client */

typedef enum {
    SCHEMA1_ACTION_AS_IS = 0,
    SCHEMA1_ACTION_SNIFF,           /* generic type: sniff the document */
    SCHEMA1_ACTION_CHILD,           /* a list: find the platform's child */
    SCHEMA1_ACTION_SCHEMA2,
    SCHEMA1_ACTION_SCHEMA1,
    SCHEMA1_ACTION_REFUSE           /* only schema 1, not accepted */
} schema1_action_e;


/*
 * Reads the values of all Accept header lines (RFC 9110, 12.5.1) into
 * *accept.  q=0 means not named, a malformed q counts as 1, and anything but a
 * media range is skipped.  Linear in the length, allocates nothing.
 */
void schema1_accept_read(schema1_accept_t *accept, const schema1_str_t *lines,
    size_t n);

/*
 * Whether nothing is ever converted for this client: it names all four modern
 * types, or some of them and a wildcard, or some but neither schema 2 nor
 * anything that means schema 1.
 */
bool schema1_accept_is_modern(const schema1_accept_t *accept);

bool schema1_accept_has_schema1(const schema1_accept_t *accept);

/*
 * What to do with the document stored under a tag ("child" false), or with a
 * child in a list ("child" true: a schema 1 child is not sent to a client that
 * does not accept schema 1).  SNIFF is never returned for a child.
 */
schema1_action_e schema1_accept_decide(const schema1_accept_t *accept,
    schema1_type_e stored, bool child);

/*
 * Appends the value of the one Accept line that is sent upstream: the client's
 * types in their order, each once, without parameters, those with q=0 left
 * out unless modern; then the modern types that are missing.
 */
int schema1_accept_upstream(const schema1_str_t *lines, size_t n,
    schema1_buf_t *value);


#endif /* _SCHEMA1_ACCEPT_H_INCLUDED_ */
