
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _CLI_JOB_H_INCLUDED_
#define _CLI_JOB_H_INCLUDED_


#include "schema1_accept.h"
#include "schema1_convert.h"
#include "schema1_key.h"
#include "schema1_pull.h"

#include "cli_pattern.h"
#include "cli_registry.h"


/*
 * What an audit has: its options, the images that it finds, and jobs, each of
 * which lists repositories or tags or checks one image at a time.
 */

#define CLI_MAX_CLIENTS       2
#define CLI_MAX_CLIENT_LINES  4
#define CLI_MAX_JOBS          64

/* a registry that lists more than this is not audited completely */

#define CLI_MAX_PAGES         10000
#define CLI_MAX_NAMES         100000
#define CLI_MAX_TAGS          100000
#define CLI_MAX_IMAGES        1000000

#define CLI_MAX_PAGE_SIZE     (4 * 1024 * 1024)

/* Docker before 1.10 runs no more layers than this */

#define CLI_MAX_HISTORY       SCHEMA1_OLD_DOCKER_LAYERS


typedef enum {
    CLI_OUTCOME_NONE = 0,           /* not checked yet */
    CLI_OUTCOME_AS_IS,
    CLI_OUTCOME_CONVERTED,
    CLI_OUTCOME_CHILD,
    CLI_OUTCOME_REFUSED,            /* by the module */
    CLI_OUTCOME_MISSING,            /* the registry has no such tag */
    CLI_OUTCOME_FAILED,             /* a request to the registry failed */
    CLI_OUTCOME_MAX
} cli_outcome_e;


typedef enum {
    CLI_COMPARE_NONE = 0,
    CLI_COMPARE_SAME,
    CLI_COMPARE_DIFFERENT,
    CLI_COMPARE_FAILED
} cli_compare_e;


/* what one client would receive; strings are owned, NULL if there is none */

typedef struct {
    cli_outcome_e         outcome;
    schema1_type_e        type;
    size_t                history;  /* entries of a generated schema 1 */
    char                 *digest;
    const char           *reason;   /* of REFUSED and FAILED */
    char                 *message;
    cli_compare_e         compare;
    char                 *compared; /* the other digest, or a message */
} cli_result_t;


typedef struct {
    char                 *name;
    char                 *tag;
    schema1_type_e        type;     /* of the stored document */
    char                 *digest;
    bool                  redirected;   /* a document is in another place */
    bool                  done;
    cli_result_t          results[CLI_MAX_CLIENTS];
} cli_image_t;


typedef struct {
    const char           *name;
    const char           *title;
    const char           *lines[CLI_MAX_CLIENT_LINES];  /* Accept */
    size_t                nlines;
    schema1_accept_t      accept;
    bool                  modern;
    bool                  old;      /* names no modern type */
    schema1_buf_t         upstream; /* the line that nginx sends */
} cli_client_t;


typedef enum {
    CLI_FORMAT_TABLE = 0,
    CLI_FORMAT_JSON,
    CLI_FORMAT_CSV
} cli_format_e;


typedef struct {
    const char           *registry;
    const char           *compare;
    const char           *accept;
    const char           *platform;
    cli_login_source_t    login;
    cli_login_source_t    compare_login;
    const char           *ca;
    cli_patterns_t        repositories;
    cli_patterns_t        tags;
    char                **images;   /* NAME or NAME:TAG */
    size_t                nimages;
    long                  jobs;
    long                  timeout;  /* seconds */
    long                  max_wait; /* seconds */
    long                  max_size; /* bytes */
    cli_format_e          format;
    bool                  help;
} cli_audit_options_t;


typedef struct {
    char                 *name;
    bool                  listed;   /* by the registry, not by the user */
} cli_name_t;


typedef struct cli_job_s  cli_job_t;


typedef struct {
    cli_audit_options_t   options;
    cli_http_t            http;
    cli_registry_t        registry;
    cli_registry_t        compare;
    schema1_key_t        *key;

    cli_client_t          clients[CLI_MAX_CLIENTS];
    size_t                nclients;

    cli_name_t           *names;
    size_t                nnames;
    size_t                next_name;

    cli_image_t         **images;
    size_t                nimages;
    size_t                next_image;
    size_t                done;

    char                **failures; /* of lists */
    size_t                nfailures;

    cli_job_t            *jobs;
    size_t                active;
    bool                  catalog;  /* to be listed */
    bool                  interrupted;
} cli_audit_t;


/* a document that several clients may need */

typedef struct {
    schema1_buf_t         body;
    schema1_buf_t         type;
    schema1_buf_t         digest;
    bool                  overflow;
    bool                  encoded;
} cli_document_t;


/* a child, a child of it, a config for each client */
#define CLI_MAX_DOCUMENTS  (3 * CLI_MAX_CLIENTS)


struct cli_job_s {
    cli_audit_t          *audit;
    bool                  busy;
    cli_exchange_t        exchange;
    schema1_buf_t         path;
    const char           *accept;   /* of the exchange */

    /* lists */
    const char           *name;
    bool                  listed;
    size_t                nitems;
    char                **pages;    /* seen so far */
    size_t                npages;

    /* an image */
    cli_image_t          *image;
    size_t                client;
    schema1_pull_t       *pull;
    cli_document_t        source;
    cli_document_t        documents[CLI_MAX_DOCUMENTS];
    size_t                ndocuments;
};


#endif /* _CLI_JOB_H_INCLUDED_ */
