
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _CLI_AUDIT_H_INCLUDED_
#define _CLI_AUDIT_H_INCLUDED_


#include "cli_job.h"


/* cli_options.c: SCHEMA1_ERROR: a message was printed */
int cli_audit_options(cli_audit_options_t *options, int argc, char **argv);

/* cli_audit.c */
void cli_audit_add_name(cli_audit_t *audit, schema1_str_t name, bool listed);
int cli_audit_add_image(cli_audit_t *audit, const char *name,
    schema1_str_t tag);
void cli_audit_fail(cli_audit_t *audit, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void cli_job_done(cli_job_t *job);

/* cli_list.c: start a job; the list is complete when the job is done */
void cli_list_catalog(cli_job_t *job);
void cli_list_tags(cli_job_t *job, const cli_name_t *name);

/* cli_pull.c: starts a job that checks one image for all clients */
void cli_pull_image(cli_job_t *job, cli_image_t *image);
void cli_pull_next_client(cli_job_t *job);
void cli_pull_free(cli_job_t *job);

/* cli_compare.c: one client's result with the other registry's response */
void cli_compare(cli_job_t *job);

/* cli_progress.c: on standard error, if that is a terminal */
void cli_progress(const cli_audit_t *audit);
void cli_progress_clear(void);


#endif /* _CLI_AUDIT_H_INCLUDED_ */
