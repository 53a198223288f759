
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _CLI_HEADER_H_INCLUDED_
#define _CLI_HEADER_H_INCLUDED_


#include <time.h>

#include "schema1_string.h"


/*
 * Values of response headers.  All of them come from the network; nothing is
 * allocated for longer than their length.
 */

typedef enum {
    CLI_AUTH_NONE = 0,
    CLI_AUTH_BASIC,
    CLI_AUTH_BEARER
} cli_auth_e;


/* the caller frees the buffers, see cli_challenge_free() */

typedef struct {
    cli_auth_e         scheme;
    schema1_buf_t      realm;       /* terminated, "" if missing */
    schema1_buf_t      service;
    schema1_buf_t      scope;
} cli_challenge_t;


/*
 * WWW-Authenticate (RFC 9110, 11.6.1): the first Bearer challenge that has a
 * realm, else the first Basic one, else NONE.  Parameters with control
 * characters are ignored.
 */
void cli_header_challenge(schema1_str_t value, cli_challenge_t *challenge);

void cli_challenge_free(cli_challenge_t *challenge);

/*
 * Link (RFC 8288): the target of the first link with the relation "next",
 * borrowed.  SCHEMA1_ERROR: there is none.
 */
int cli_header_link_next(schema1_str_t value, schema1_str_t *target);

/*
 * Retry-After (RFC 9110, 10.2.3): seconds, or a date that is compared with
 * "now".  -1: missing or malformed.
 */
long cli_header_retry_after(schema1_str_t value, time_t now);


#endif /* _CLI_HEADER_H_INCLUDED_ */
