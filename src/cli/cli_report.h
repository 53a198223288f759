
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _CLI_REPORT_H_INCLUDED_
#define _CLI_REPORT_H_INCLUDED_


#include "cli_job.h"


/* SCHEMA1_ERROR: standard output cannot be written */
int cli_report(const cli_audit_t *audit);

/* the exit status */
int cli_report_status(const cli_audit_t *audit);

/* cli_table.c, cli_json.c, cli_csv.c */
void cli_table(const cli_audit_t *audit);
void cli_json(const cli_audit_t *audit);
void cli_csv(const cli_audit_t *audit);


/* how many images of each kind there are, for one client or for all */

typedef struct {
    size_t             images;      /* checked */
    size_t             outcomes[CLI_MAX_CLIENTS][CLI_OUTCOME_MAX];
    size_t             histories;   /* too long for an old client */
    size_t             differences;
    size_t             incomparable;
    size_t             stored;      /* as schema 1 */
    size_t             redirected;
} cli_counts_t;

void cli_report_count(const cli_audit_t *audit, cli_counts_t *counts);

/* more history entries than an old client can run */
bool cli_report_long(const cli_client_t *client, const cli_result_t *result);

/* words of the report */
const char *cli_outcome_name(cli_outcome_e outcome);
const char *cli_compare_name(cli_compare_e compare);
const char *cli_type_name(schema1_type_e type);


#endif /* _CLI_REPORT_H_INCLUDED_ */
