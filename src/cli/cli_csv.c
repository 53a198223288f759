
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* the report as CSV (RFC 4180): a line for each image and client */

#include <stdio.h>

#include "cli.h"
#include "cli_report.h"


static void cli_csv_line(const cli_image_t *image, const cli_client_t *client,
    const cli_result_t *result);
static void cli_csv_field(const char *text, const char *after);


void
cli_csv(const cli_audit_t *audit)
{
    size_t  i, j;

    puts("name,tag,stored_as,stored_digest,client,outcome,media_type,digest,"
         "history,reason,message,compare,compared\r");

    for (i = 0; i < audit->nimages; i++) {

        for (j = 0; audit->images[i]->done && j < audit->nclients; j++) {
            cli_csv_line(audit->images[i], &audit->clients[j],
                         &audit->images[i]->results[j]);
        }
    }
}


static void
cli_csv_line(const cli_image_t *image, const cli_client_t *client,
    const cli_result_t *result)
{
    char  history[32];

    snprintf(history, sizeof(history), "%lu",
             (unsigned long) result->history);

    cli_csv_field(image->name, ",");
    cli_csv_field(image->tag, ",");
    cli_csv_field(image->digest ? cli_type_name(image->type) : NULL, ",");
    cli_csv_field(image->digest, ",");
    cli_csv_field(client->name, ",");
    cli_csv_field(cli_outcome_name(result->outcome), ",");
    cli_csv_field(result->digest ? schema1_media_type_name(result->type)
                                 : NULL, ",");
    cli_csv_field(result->digest, ",");
    cli_csv_field(result->history ? history : NULL, ",");
    cli_csv_field(result->reason, ",");
    cli_csv_field(result->message, ",");
    cli_csv_field(cli_compare_name(result->compare), ",");
    cli_csv_field(result->compared, "\r\n");
}


/* a spreadsheet must not take a text of the registry's for a formula */

static void
cli_csv_field(const char *text, const char *after)
{
    bool  formula;

    if (text == NULL) {
        text = "";
    }

    formula = (text[0] != '\0' && strchr("=+-@", text[0]) != NULL);

    if (!formula && strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, stdout);
        fputs(after, stdout);
        return;
    }

    putchar('"');

    if (formula) {
        putchar('\'');
    }

    for ( ; *text != '\0'; text++) {

        if (*text == '"') {
            putchar('"');
        }

        putchar(*text);
    }

    putchar('"');
    fputs(after, stdout);
}
