
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _CLI_REGISTRY_H_INCLUDED_
#define _CLI_REGISTRY_H_INCLUDED_


#include "schema1_error.h"

#include "cli_header.h"
#include "cli_http.h"
#include "cli_login.h"
#include "cli_reference.h"


/*
 * Requests to one registry: passwords (Basic), tokens (Bearer), redirects,
 * rate limits, and a second attempt if a connection fails.
 *
 * Credentials are sent to the registry alone, and the password to the token
 * server that the registry names, if both are reached by https or neither is.
 */

typedef struct cli_token_s  cli_token_t;

typedef struct cli_exchange_s  cli_exchange_t;

typedef void (*cli_exchange_pt)(cli_exchange_t *exchange);


typedef struct {
    cli_http_t           *http;
    cli_origin_t          origin;
    cli_login_t           login;
    long                  max_wait; /* for a rate limit, in seconds */

    /* private */
    bool                  basic;    /* the registry requires the password */
    bool                  accepted; /* it was right */
    bool                  stopped;  /* no further request makes sense */
    schema1_error_t       stop;     /* why */
    double                paused;   /* until then; 0: not */
    unsigned              serial;   /* of the last token */
    size_t                ntokens;
    cli_token_t          *tokens;
    cli_exchange_t       *waiting;
} cli_registry_t;


/* a request and its response; zeroed by the caller, who sets the first part */

struct cli_exchange_s {
    cli_registry_t       *registry;
    const char           *name;     /* repository, "" for the catalog */
    const char           *path;     /* with the query; used until the end */
    const char *const    *accept;   /* likewise */
    size_t                naccept;
    size_t                limit;    /* of the body, in bytes */
    bool                  head;
    bool                  follow;   /* redirects */
    cli_exchange_pt       handler;
    void                 *data;

    /*
     * The result.  If error.reason is set, there is no response: the registry
     * could not be reached, or a redirect must not be followed.
     */
    schema1_error_t       error;
    cli_transfer_t        transfer; /* status, body, fields */
    bool                  external; /* from another host */

    /* private */
    cli_exchange_t       *next;
    double                until;
    unsigned              hops;
    unsigned              retries;
    unsigned              pauses;
    unsigned              logins;
    unsigned              serial;   /* of the token that was sent */
    schema1_buf_t         url;
};


/* the handler is called later, by cli_http_run() or cli_registry_run() */
void cli_exchange_start(cli_exchange_t *exchange);

/* cancels it if it is not complete */
void cli_exchange_free(cli_exchange_t *exchange);

/*
 * Continues the exchanges that wait for a token or for a time.  Returns the
 * number of milliseconds until it has to be called again, 1000 at most.
 */
int cli_registry_run(cli_registry_t *registry);

/*
 * Sends nothing for "wait" seconds, 1 if it is -1.  SCHEMA1_ERROR: more than
 * max_wait; the registry is stopped.
 */
int cli_registry_pause(cli_registry_t *registry, long wait);

/* all further exchanges fail for this reason */
void cli_registry_stop(cli_registry_t *registry, const char *why);

/* seconds until a rate limit ends, 0 if there is none */
long cli_registry_paused(const cli_registry_t *registry);

void cli_registry_free(cli_registry_t *registry);


/* of cli_token.c */

typedef enum {
    CLI_TOKEN_NONE = 0,
    CLI_TOKEN_PENDING,
    CLI_TOKEN_READY,
    CLI_TOKEN_FAILED
} cli_token_e;


struct cli_token_s {
    cli_registry_t       *registry;
    cli_token_t          *next;
    char                 *name;     /* of the repository */
    cli_token_e           state;
    unsigned              serial;
    schema1_buf_t         value;    /* "Bearer ...", terminated */
    schema1_error_t       error;
    cli_transfer_t        transfer;
};


/* NULL: no token was requested for the repository */
cli_token_t *cli_token_find(const cli_registry_t *registry, const char *name);

/*
 * Requests a token as a challenge says; the state is PENDING, or FAILED with
 * an error.
 */
cli_token_t *cli_token_request(cli_registry_t *registry, const char *name,
    const cli_challenge_t *challenge);

void cli_tokens_free(cli_registry_t *registry);

/* "Basic ...", appended and terminated */
void cli_basic_authorization(const cli_login_t *login, schema1_buf_t *value);


#endif /* _CLI_REGISTRY_H_INCLUDED_ */
