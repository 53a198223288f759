
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _CLI_LOGIN_H_INCLUDED_
#define _CLI_LOGIN_H_INCLUDED_


#include "schema1_string.h"

#include "cli_reference.h"


/* both terminated, both empty for an anonymous client */

typedef struct {
    schema1_buf_t      user;
    schema1_buf_t      password;
} cli_login_t;


/* where to look for a password; NULL: not there */

typedef struct {
    const char        *user;
    const char        *file;        /* first line; "-": standard input */
    const char        *variable;    /* of the environment */
    const char        *netrc;       /* $NETRC or ~/.netrc if NULL */
} cli_login_source_t;


/*
 * Finds the user and the password for a registry: in the file, the
 * environment, netrc, or on the terminal, in this order.  Without a user, only
 * netrc is read, and only for https.  SCHEMA1_ERROR: there is a user but no
 * password; a message was printed.
 */
int cli_login_find(cli_login_t *login, const cli_login_source_t *source,
    const cli_origin_t *origin);

/*
 * Reads netrc(5): the first entry of the host, and of the user if that is not
 * NULL.  "default" and macros are ignored.  SCHEMA1_ERROR: there is none.
 */
int cli_login_netrc(cli_login_t *login, schema1_str_t text, const char *host,
    const char *user);

void cli_login_free(cli_login_t *login);


#endif /* _CLI_LOGIN_H_INCLUDED_ */
