
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* schema1 convert: what a client would receive for a manifest and a config */

#include <stdio.h>

#include "schema1_convert.h"
#include "schema1_jws.h"
#include "schema1_list.h"
#include "schema1_payload.h"
#include "schema1_uri.h"

#include "cli.h"


typedef struct {
    const char        *name;
    const char        *tag;
    const char        *key;
    const char        *password_file;
    const char        *platform;
    const char        *manifest;
    const char        *config;
    bool               schema2;
    bool               batch;
} cli_convert_options_t;


static int cli_convert_options(cli_convert_options_t *options, int argc,
    char **argv);
static const char **cli_convert_option(cli_convert_options_t *options,
    const char *arg);
static int cli_convert_check_options(const cli_convert_options_t *options,
    int argc);
static void cli_convert_usage(FILE *out);
static int cli_convert_files(const cli_convert_options_t *options);
static int cli_convert_make(const cli_convert_options_t *options,
    schema1_str_t manifest, schema1_str_t config, schema1_buf_t *result,
    schema1_error_t *err);
static int cli_convert_schema2(schema1_str_t manifest, schema1_buf_t *document,
    schema1_error_t *err);
static int cli_convert_read(schema1_manifest_t *manifest,
    schema1_str_t document, schema1_error_t *err);
static int cli_convert_find(schema1_str_t value, schema1_str_t list,
    schema1_buf_t *digest, schema1_error_t *err);
static int cli_convert_sign(const cli_convert_options_t *options,
    schema1_buf_t *payload, schema1_error_t *err);
static schema1_key_t *cli_convert_key(const cli_convert_options_t *options,
    schema1_error_t *err);


int
cli_convert(int argc, char **argv)
{
    cli_convert_options_t  options;

    if (cli_convert_options(&options, argc, argv) != SCHEMA1_OK) {
        cli_convert_usage(stderr);
        return CLI_EXIT_USAGE;
    }

    if (options.batch) {
        return cli_batch();
    }

    if (options.manifest == NULL) {
        cli_convert_usage(stdout);
        return 0;
    }

    return cli_convert_files(&options);
}


/* --help leaves all members zero */

static int
cli_convert_options(cli_convert_options_t *options, int argc, char **argv)
{
    int          i;
    const char  *arg, **value;

    memset(options, 0, sizeof(cli_convert_options_t));

    for (i = 1; i < argc; i++) {
        arg = argv[i];

        if (strcmp(arg, "--help") == 0) {
            memset(options, 0, sizeof(cli_convert_options_t));
            return SCHEMA1_OK;
        }

        if (strcmp(arg, "--batch") == 0) {
            options->batch = true;
            continue;
        }

        if (strcmp(arg, "--schema2") == 0) {
            options->schema2 = true;
            continue;
        }

        if (strncmp(arg, "--", 2) != 0) {

            if (options->manifest == NULL) {
                options->manifest = arg;

            } else if (options->config == NULL) {
                options->config = arg;

            } else {
                return SCHEMA1_ERROR;
            }

            continue;
        }

        value = cli_convert_option(options, arg);

        if (value == NULL || ++i == argc) {
            return SCHEMA1_ERROR;
        }

        *value = argv[i];
    }

    return cli_convert_check_options(options, argc);
}


/* where the value of an option is stored, NULL for an unknown option */

static const char **
cli_convert_option(cli_convert_options_t *options, const char *arg)
{
    if (strcmp(arg, "--name") == 0) {
        return &options->name;
    }

    if (strcmp(arg, "--tag") == 0) {
        return &options->tag;
    }

    if (strcmp(arg, "--key") == 0) {
        return &options->key;
    }

    if (strcmp(arg, "--password-file") == 0) {
        return &options->password_file;
    }

    return strcmp(arg, "--platform") == 0 ? &options->platform : NULL;
}


/* which options can be combined */

static int
cli_convert_check_options(const cli_convert_options_t *options, int argc)
{
    bool  good;

    if (options->batch) {
        good = (argc == 2);

    } else if (options->schema2 || options->platform) {
        good = options->manifest && !options->config && !options->name
               && !options->tag && !options->key
               && !(options->schema2 && options->platform);

    } else {
        good = options->config && options->name;
    }

    return good ? SCHEMA1_OK : SCHEMA1_ERROR;
}


static void
cli_convert_usage(FILE *out)
{
    fputs("usage: schema1 convert --name NAME [--tag TAG] [--key FILE\n"
          "           [--password-file FILE]] MANIFEST CONFIG\n"
          "       schema1 convert --schema2 MANIFEST\n"
          "       schema1 convert --platform PLATFORM LIST\n"
          "       schema1 convert --batch\n"
          "\n"
          "Writes what an old client would receive for an image to standard\n"
          "output: the schema 1 payload, the signed document with --key, or\n"
          "the schema 2 manifest with --schema2.  MANIFEST and CONFIG are\n"
          "files with the exact bytes, \"-\" is standard input.\n"
          "\n"
          "--platform writes the digest that a list contains for OS/ARCH or\n"
          "OS/ARCH/VARIANT.\n"
          "\n"
          "--batch reads frames from standard input: four big-endian 32-bit\n"
          "lengths (name, tag, manifest, config) and these bytes.  It\n"
          "writes for each a byte (0 converted, 1 refused), a length and the\n"
          "payload or \"reason: message\".\n"
          "\n"
          "Exit status: 0, 1 if the image is refused or a file cannot be\n"
          "read, 2 if the arguments are wrong.\n", out);
}


static int
cli_convert_files(const cli_convert_options_t *options)
{
    int              rc;
    schema1_buf_t    manifest, config, result;
    schema1_error_t  err;

    memset(&manifest, 0, sizeof(schema1_buf_t));
    memset(&config, 0, sizeof(schema1_buf_t));
    memset(&result, 0, sizeof(schema1_buf_t));
    memset(&err, 0, sizeof(schema1_error_t));

    rc = cli_read_file(options->manifest, &manifest);

    if (rc == SCHEMA1_OK && options->config) {
        rc = cli_read_file(options->config, &config);
    }

    if (rc == SCHEMA1_OK) {
        rc = cli_convert_make(options, cli_bytes(&manifest),
                              cli_bytes(&config), &result, &err);

        if (rc != SCHEMA1_OK) {
            fprintf(stderr, "schema1 convert: %s: %s\n",
                    cli_reason(&err), err.message);

        } else if (fwrite(result.data, 1, result.len, stdout) != result.len
                   || fflush(stdout) != 0)
        {
            perror("schema1 convert: standard output");
            rc = SCHEMA1_ERROR;
        }
    }

    schema1_buf_free(&manifest);
    schema1_buf_free(&config);
    schema1_buf_free(&result);

    return rc == SCHEMA1_OK ? 0 : CLI_EXIT_REFUSED;
}


static int
cli_convert_make(const cli_convert_options_t *options,
    schema1_str_t manifest, schema1_str_t config, schema1_buf_t *result,
    schema1_error_t *err)
{
    if (options->schema2) {
        return cli_convert_schema2(manifest, result, err);
    }

    if (options->platform) {
        return cli_convert_find(cli_text(options->platform), manifest, result,
                                err);
    }

    if (cli_convert_payload(cli_text(options->name), cli_text(options->tag),
                            manifest, config, result, err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    return options->key ? cli_convert_sign(options, result, err) : SCHEMA1_OK;
}


int
cli_convert_payload(schema1_str_t name, schema1_str_t tag,
    schema1_str_t manifest, schema1_str_t config, schema1_buf_t *payload,
    schema1_error_t *err)
{
    int                 rc;
    size_t              entries;
    schema1_manifest_t  m;

    if (!schema1_uri_name_valid(name)
        || (tag.len != 0 && !schema1_uri_tag_valid(tag)))
    {
        schema1_error_set(err, SCHEMA1_NO_REASON,
                          "the name or the tag is not valid");
        return SCHEMA1_ERROR;
    }

    if (cli_convert_read(&m, manifest, err) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    rc = schema1_payload_build(&m, config, name, tag, payload, &entries, err);

    schema1_manifest_free(&m);

    return rc;
}


static int
cli_convert_schema2(schema1_str_t manifest, schema1_buf_t *document,
    schema1_error_t *err)
{
    int                 rc;
    schema1_manifest_t  m;

    if (cli_convert_read(&m, manifest, err) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    rc = schema1_convert_schema2(&m, document, err);

    schema1_manifest_free(&m);

    return rc;
}


/* a manifest that can be converted */

static int
cli_convert_read(schema1_manifest_t *manifest, schema1_str_t document,
    schema1_error_t *err)
{
    int                     rc;
    schema1_raw_manifest_t  raw;

    if (schema1_raw_manifest_read(&raw, document, err) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    rc = schema1_manifest_read(manifest, &raw, err);

    schema1_raw_manifest_free(&raw);

    if (rc == SCHEMA1_OK && schema1_convert_check(manifest, err) != SCHEMA1_OK)
    {
        schema1_manifest_free(manifest);
        return SCHEMA1_ERROR;
    }

    return rc;
}


static int
cli_convert_find(schema1_str_t value, schema1_str_t list,
    schema1_buf_t *digest, schema1_error_t *err)
{
    int                     rc;
    schema1_child_t         child;
    schema1_platform_t      platform;
    schema1_raw_manifest_t  raw;

    if (schema1_platform_read(&platform, value) != SCHEMA1_OK) {
        schema1_error_set(err, SCHEMA1_BAD_PLATFORM,
                          "a platform is os/architecture or "
                          "os/architecture/variant");
        return SCHEMA1_ERROR;
    }

    if (schema1_raw_manifest_read(&raw, list, err) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    rc = schema1_list_find(&child, &raw, &platform, false, err);

    schema1_raw_manifest_free(&raw);

    if (rc == SCHEMA1_OK) {
        schema1_buf_append(digest, child.descriptor.digest.data,
                           child.descriptor.digest.len);
        schema1_buf_putc(digest, '\n');
        schema1_list_child_free(&child);
    }

    return rc;
}


static int
cli_convert_sign(const cli_convert_options_t *options, schema1_buf_t *payload,
    schema1_error_t *err)
{
    int             rc;
    schema1_buf_t   body;
    schema1_key_t  *key;

    key = cli_convert_key(options, err);
    if (key == NULL) {
        return SCHEMA1_ERROR;
    }

    memset(&body, 0, sizeof(schema1_buf_t));

    rc = schema1_jws_sign(key, cli_bytes(payload), time(NULL), &body, err);

    schema1_key_free(key);
    schema1_buf_free(payload);

    *payload = body;

    return rc;
}


static schema1_key_t *
cli_convert_key(const cli_convert_options_t *options, schema1_error_t *err)
{
    schema1_buf_t     pem, lines;
    schema1_str_t     passwords;
    schema1_key_t    *key;
    schema1_error_t   cause;

    memset(&pem, 0, sizeof(schema1_buf_t));
    memset(&lines, 0, sizeof(schema1_buf_t));

    key = NULL;

    if (cli_read_file(options->key, &pem) != SCHEMA1_OK
        || (options->password_file
            && cli_read_file(options->password_file, &lines) != SCHEMA1_OK))
    {
        schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                          "the key or its password cannot be read");
        goto done;
    }

    passwords = cli_bytes(&lines);

    key = schema1_key_read(cli_bytes(&pem),
                           options->password_file ? &passwords : NULL, &cause);

    if (key == NULL) {
        schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                          "the key \"%s\" cannot be used: %s",
                          options->key, cause.message);
    }

done:

    cli_cleanse(&pem);
    cli_cleanse(&lines);

    return key;
}
