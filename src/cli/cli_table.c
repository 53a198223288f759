
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* the report for people */

#include <stdio.h>

#include "cli.h"
#include "cli_report.h"


#define CLI_SHORT_DIGEST  12

/* the image, what is stored, a result for each client */
#define CLI_MAX_COLUMNS   (2 + CLI_MAX_CLIENTS)


static void cli_table_widths(const cli_audit_t *audit, size_t *widths);
static void cli_table_row(const cli_audit_t *audit, const cli_image_t *image,
    schema1_buf_t *cells);
static void cli_table_print(const cli_audit_t *audit, schema1_buf_t *cells,
    const size_t *widths);
static void cli_table_cell(const cli_audit_t *audit, schema1_buf_t *cell,
    const cli_client_t *client, const cli_result_t *result);
static void cli_table_digest(schema1_buf_t *cell, const char *digest);
static void cli_table_messages(const cli_audit_t *audit);
static void cli_table_message(const cli_image_t *image,
    const cli_client_t *client, const cli_result_t *result);
static void cli_table_summary(const cli_audit_t *audit);
static void cli_table_clear(schema1_buf_t *cells);


void
cli_table(const cli_audit_t *audit)
{
    size_t         i, widths[CLI_MAX_COLUMNS];
    schema1_buf_t  cells[CLI_MAX_COLUMNS];

    memset(cells, 0, sizeof(cells));

    cli_table_widths(audit, widths);

    schema1_buf_puts(&cells[0], "IMAGE");
    schema1_buf_puts(&cells[1], "STORED AS");

    for (i = 0; i < audit->nclients; i++) {
        schema1_buf_puts(&cells[2 + i], audit->clients[i].title);
    }

    cli_table_print(audit, cells, widths);

    for (i = 0; i < audit->nimages; i++) {

        if (audit->images[i]->done) {
            cli_table_row(audit, audit->images[i], cells);
            cli_table_print(audit, cells, widths);
        }
    }

    cli_table_messages(audit);
    cli_table_summary(audit);
}


static void
cli_table_widths(const cli_audit_t *audit, size_t *widths)
{
    size_t         i, j;
    schema1_buf_t  cells[CLI_MAX_COLUMNS];

    memset(cells, 0, sizeof(cells));

    widths[0] = sizeof("IMAGE") - 1;
    widths[1] = sizeof("STORED AS") - 1;

    for (i = 0; i < audit->nclients; i++) {
        widths[2 + i] = strlen(audit->clients[i].title);
    }

    for (i = 0; i < audit->nimages; i++) {

        if (!audit->images[i]->done) {
            continue;
        }

        cli_table_row(audit, audit->images[i], cells);

        for (j = 0; j < 2 + audit->nclients; j++) {
            if (cells[j].len > widths[j]) {
                widths[j] = cells[j].len;
            }
        }

        cli_table_clear(cells);
    }
}


static void
cli_table_row(const cli_audit_t *audit, const cli_image_t *image,
    schema1_buf_t *cells)
{
    size_t  i;

    schema1_buf_puts(&cells[0], image->name);
    schema1_buf_putc(&cells[0], ':');
    schema1_buf_puts(&cells[0], image->tag);

    schema1_buf_puts(&cells[1], image->digest ? cli_type_name(image->type)
                                              : "-");

    for (i = 0; i < audit->nclients; i++) {
        cli_table_cell(audit, &cells[2 + i], &audit->clients[i],
                       &image->results[i]);
    }
}


static void
cli_table_print(const cli_audit_t *audit, schema1_buf_t *cells,
    const size_t *widths)
{
    size_t  i, last;

    last = 1 + audit->nclients;

    for (i = 0; i <= last; i++) {
        cli_check(&cells[i]);
        fwrite(cells[i].data, 1, cells[i].len, stdout);

        if (i != last) {
            printf("%*s", (int) (widths[i] - cells[i].len + 2), "");
        }
    }

    putchar('\n');

    cli_table_clear(cells);
}


static void
cli_table_cell(const cli_audit_t *audit, schema1_buf_t *cell,
    const cli_client_t *client, const cli_result_t *result)
{
    char  text[64];

    schema1_buf_puts(cell, cli_outcome_name(result->outcome));

    if (result->reason) {
        schema1_buf_puts(cell, ": ");
        schema1_buf_puts(cell, result->reason);
    }

    if (result->digest) {
        schema1_buf_putc(cell, ' ');
        cli_table_digest(cell, result->digest);
    }

    if (cli_report_long(client, result)) {
        snprintf(text, sizeof(text), " (%lu layers)",
                 (unsigned long) result->history);
        schema1_buf_puts(cell, text);
    }

    if (audit->options.compare && result->compare != CLI_COMPARE_NONE) {
        schema1_buf_puts(cell, ", ");
        schema1_buf_puts(cell, cli_compare_name(result->compare));
    }
}


static void
cli_table_digest(schema1_buf_t *cell, const char *digest)
{
    size_t       len;
    const char  *hex;

    hex = strchr(digest, ':');
    hex = hex ? hex + 1 : digest;

    len = strlen(hex);

    schema1_buf_append(cell, hex, len < CLI_SHORT_DIGEST ? len
                                                         : CLI_SHORT_DIGEST);
}


/* why a client does not receive an image, and what is different */

static void
cli_table_messages(const cli_audit_t *audit)
{
    bool                 any;
    size_t               i, j;
    const cli_image_t   *image;
    const cli_result_t  *result, *first;

    any = false;

    for (i = 0; i < audit->nimages; i++) {
        image = audit->images[i];
        first = &image->results[0];

        for (j = 0; image->done && j < audit->nclients; j++) {
            result = &image->results[j];

            if (result->message == NULL
                && result->compare != CLI_COMPARE_DIFFERENT
                && result->compare != CLI_COMPARE_FAILED)
            {
                continue;
            }

            if (!any) {
                putchar('\n');
                any = true;
            }

            if (result != first && result->message && first->message
                && strcmp(result->message, first->message) == 0
                && result->compare == first->compare)
            {
                continue;
            }

            cli_table_message(image, &audit->clients[j], result);
        }
    }
}


static void
cli_table_message(const cli_image_t *image, const cli_client_t *client,
    const cli_result_t *result)
{
    if (result->message) {
        printf("%s:%s: %s\n", image->name, image->tag, result->message);
    }

    if (result->compare == CLI_COMPARE_DIFFERENT
        || result->compare == CLI_COMPARE_FAILED)
    {
        printf("%s:%s: %s: the other registry: %s\n", image->name, image->tag,
               client->name, result->compared);
    }
}


static void
cli_table_summary(const cli_audit_t *audit)
{
    size_t        i, j;
    const char   *separator;
    cli_counts_t  counts;

    cli_report_count(audit, &counts);

    printf("\n%lu tags\n", (unsigned long) counts.images);

    for (i = 0; i < audit->nclients; i++) {
        printf("%s: ", audit->clients[i].name);
        separator = "";

        for (j = 0; j < CLI_OUTCOME_MAX; j++) {
            if (counts.outcomes[i][j] != 0) {
                printf("%s%lu %s", separator,
                       (unsigned long) counts.outcomes[i][j],
                       cli_outcome_name((cli_outcome_e) j));
                separator = ", ";
            }
        }

        putchar('\n');
    }

    if (counts.histories) {
        printf("%lu have more than %d history entries: Docker before 1.10 "
               "cannot run them\n", (unsigned long) counts.histories,
               CLI_MAX_HISTORY);
    }

    if (counts.stored) {
        printf("%lu are stored as schema 1: push them again before a registry "
               "without schema 1\n", (unsigned long) counts.stored);
    }

    if (counts.redirected) {
        printf("%lu have documents on another host: set "
               "schema_conversion_redirect\n",
               (unsigned long) counts.redirected);
    }

    if (audit->options.compare) {
        printf("%lu differences\n", (unsigned long) counts.differences);
    }

    if (audit->nimages != counts.images) {
        printf("%lu were not checked\n",
               (unsigned long) (audit->nimages - counts.images));
    }
}


static void
cli_table_clear(schema1_buf_t *cells)
{
    size_t  i;

    for (i = 0; i < CLI_MAX_COLUMNS; i++) {
        schema1_buf_free(&cells[i]);
    }
}
