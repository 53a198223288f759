
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _CLI_PULL_H_INCLUDED_
#define _CLI_PULL_H_INCLUDED_


#include "cli_job.h"


/*
 * Prepares the job's exchange for job->path, with the Accept line that nginx
 * sends for the current client; the caller changes what differs and starts it.
 */
void cli_pull_request(cli_job_t *job, cli_registry_t *registry,
    cli_exchange_pt handler);

/*
 * The digest of a document: the registry's header if it was sent, else
 * computed, "" if OpenSSL failed.  The caller frees it.
 */
char *cli_document_digest(schema1_str_t body, schema1_type_e type,
    schema1_str_t header);


#endif /* _CLI_PULL_H_INCLUDED_ */
