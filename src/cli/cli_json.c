
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* the report as JSON: one object, with one image in each line */

#include <stdio.h>

#include <jansson.h>

#include "cli.h"
#include "cli_report.h"


static json_t *cli_json_image(const cli_audit_t *audit,
    const cli_image_t *image);
static json_t *cli_json_result(const cli_client_t *client,
    const cli_result_t *result);
static json_t *cli_json_failures(const cli_audit_t *audit);
static void cli_json_member(const char *name, json_t *value,
    const char *after);
static void cli_json_print(json_t *value);
static json_t *cli_json_text(const char *text);


void
cli_json(const cli_audit_t *audit)
{
    size_t       i;
    const char  *separator;

    puts("{");
    cli_json_member("registry", cli_json_text(audit->registry.origin.url),
                    ",\n");

    if (audit->options.compare) {
        cli_json_member("compared_with",
                        cli_json_text(audit->compare.origin.url), ",\n");
    }

    cli_json_member("platform", cli_json_text(audit->options.platform),
                    ",\n");
    cli_json_member("complete", json_boolean(!audit->interrupted
                                             && audit->nfailures == 0),
                    ",\n");
    cli_json_member("errors", cli_json_failures(audit), ",\n");

    fputs("\"images\": [", stdout);
    separator = "\n";

    for (i = 0; i < audit->nimages; i++) {

        if (audit->images[i]->done) {
            fputs(separator, stdout);
            cli_json_print(cli_json_image(audit, audit->images[i]));
            separator = ",\n";
        }
    }

    puts("\n]\n}");
}


static json_t *
cli_json_image(const cli_audit_t *audit, const cli_image_t *image)
{
    size_t   i;
    json_t  *json, *results;

    json = json_object();
    results = json_object();

    json_object_set_new(json, "name", cli_json_text(image->name));
    json_object_set_new(json, "tag", cli_json_text(image->tag));
    json_object_set_new(json, "stored_as",
                        image->digest
                        ? cli_json_text(cli_type_name(image->type))
                        : json_null());
    json_object_set_new(json, "digest", cli_json_text(image->digest));
    json_object_set_new(json, "redirected", json_boolean(image->redirected));

    for (i = 0; i < audit->nclients; i++) {
        json_object_set_new(results, audit->clients[i].name,
                            cli_json_result(&audit->clients[i],
                                            &image->results[i]));
    }

    json_object_set_new(json, "clients", results);

    return json;
}


static json_t *
cli_json_result(const cli_client_t *client, const cli_result_t *result)
{
    json_t  *json;

    json = json_object();

    json_object_set_new(json, "outcome",
                        cli_json_text(cli_outcome_name(result->outcome)));

    if (result->digest) {
        json_object_set_new(json, "media_type",
                            cli_json_text(
                                      schema1_media_type_name(result->type)));
        json_object_set_new(json, "digest", cli_json_text(result->digest));
    }

    if (result->history) {
        json_object_set_new(json, "history",
                            json_integer((json_int_t) result->history));
        json_object_set_new(json, "history_too_long",
                            json_boolean(cli_report_long(client, result)));
    }

    if (result->reason) {
        json_object_set_new(json, "reason", cli_json_text(result->reason));
    }

    if (result->message) {
        json_object_set_new(json, "message", cli_json_text(result->message));
    }

    if (result->compare != CLI_COMPARE_NONE) {
        json_object_set_new(json, "compare",
                            cli_json_text(cli_compare_name(result->compare)));
        json_object_set_new(json, "compared",
                            cli_json_text(result->compared));
    }

    return json;
}


static json_t *
cli_json_failures(const cli_audit_t *audit)
{
    size_t   i;
    json_t  *json;

    json = json_array();

    for (i = 0; i < audit->nfailures; i++) {
        json_array_append_new(json, cli_json_text(audit->failures[i]));
    }

    return json;
}


static void
cli_json_member(const char *name, json_t *value, const char *after)
{
    printf("\"%s\": ", name);
    cli_json_print(value);
    fputs(after, stdout);
}


/* takes the reference */

static void
cli_json_print(json_t *value)
{
    if (value == NULL
        || json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
    {
        fputs("null", stdout);
    }

    json_decref(value);
}


static json_t *
cli_json_text(const char *text)
{
    return text ? json_string(text) : json_null();
}
