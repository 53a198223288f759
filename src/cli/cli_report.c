
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdio.h>

#include "cli.h"
#include "cli_report.h"


int
cli_report(const cli_audit_t *audit)
{
    size_t  i;

    switch (audit->options.format) {

    case CLI_FORMAT_JSON:
        cli_json(audit);
        break;

    case CLI_FORMAT_CSV:
        cli_csv(audit);
        break;

    default: /* CLI_FORMAT_TABLE */
        cli_table(audit);
    }

    for (i = 0; i < audit->nfailures; i++) {
        fprintf(stderr, "schema1: %s\n", audit->failures[i]);
    }

    if (audit->interrupted) {
        fputs("schema1: interrupted; the report is not complete\n", stderr);
    }

    return (fflush(stdout) != 0 || ferror(stdout)) ? SCHEMA1_ERROR
                                                   : SCHEMA1_OK;
}


int
cli_report_status(const cli_audit_t *audit)
{
    size_t        i, refused;
    cli_counts_t  counts;

    cli_report_count(audit, &counts);

    if (audit->interrupted || audit->nfailures != 0
        || counts.incomparable != 0)
    {
        return CLI_EXIT_USAGE;
    }

    refused = counts.histories + counts.differences;

    for (i = 0; i < audit->nclients; i++) {

        if (counts.outcomes[i][CLI_OUTCOME_FAILED] != 0) {
            return CLI_EXIT_USAGE;
        }

        refused += counts.outcomes[i][CLI_OUTCOME_REFUSED]
                   + counts.outcomes[i][CLI_OUTCOME_MISSING];
    }

    return refused ? CLI_EXIT_REFUSED : CLI_EXIT_OK;
}


void
cli_report_count(const cli_audit_t *audit, cli_counts_t *counts)
{
    size_t               i, j;
    const cli_image_t   *image;
    const cli_result_t  *result;

    memset(counts, 0, sizeof(cli_counts_t));

    for (i = 0; i < audit->nimages; i++) {
        image = audit->images[i];

        if (!image->done) {
            continue;
        }

        counts->images++;
        counts->redirected += image->redirected;
        counts->stored += (image->type == SCHEMA1_TYPE_SIGNED
                           || image->type == SCHEMA1_TYPE_UNSIGNED);

        for (j = 0; j < audit->nclients; j++) {
            result = &image->results[j];

            counts->outcomes[j][result->outcome]++;
            counts->histories += cli_report_long(&audit->clients[j], result);
            counts->differences += (result->compare == CLI_COMPARE_DIFFERENT);
            counts->incomparable += (result->compare == CLI_COMPARE_FAILED);
        }
    }
}


bool
cli_report_long(const cli_client_t *client, const cli_result_t *result)
{
    return client->old && result->history > CLI_MAX_HISTORY;
}


const char *
cli_outcome_name(cli_outcome_e outcome)
{
    static const char  *names[] = {
        "unknown", "as is", "converted", "child", "refused", "missing",
        "failed"
    };

    return names[outcome];
}


const char *
cli_compare_name(cli_compare_e compare)
{
    static const char  *names[] = { "", "same", "different", "failed" };

    return names[compare];
}


const char *
cli_type_name(schema1_type_e type)
{
    static const char  *names[] = {
        "unknown", "schema 1", "schema 1", "schema 2", "docker list",
        "oci manifest", "oci index", "other"
    };

    return names[type];
}
