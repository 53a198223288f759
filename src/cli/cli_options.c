
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* the arguments of schema1 audit */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "schema1_platform.h"

#include "cli.h"
#include "cli_audit.h"


enum {
    CLI_OPTION_HELP = 1,
    CLI_OPTION_ACCEPT,
    CLI_OPTION_PLATFORM,
    CLI_OPTION_USER,
    CLI_OPTION_PASSWORD_FILE,
    CLI_OPTION_NETRC,
    CLI_OPTION_CA,
    CLI_OPTION_COMPARE,
    CLI_OPTION_COMPARE_USER,
    CLI_OPTION_COMPARE_PASSWORD_FILE,
    CLI_OPTION_REPOSITORIES,
    CLI_OPTION_TAGS,
    CLI_OPTION_JOBS,
    CLI_OPTION_TIMEOUT,
    CLI_OPTION_MAX_WAIT,
    CLI_OPTION_MAX_SIZE,
    CLI_OPTION_JSON,
    CLI_OPTION_CSV
};


static int cli_option(cli_audit_options_t *options, int code);
static int cli_option_text(const char **to);
static int cli_option_user(const char **to);
static int cli_option_number(long *to, long min, long max);
static int cli_option_pattern(cli_patterns_t *patterns);
static int cli_options_complete(cli_audit_options_t *options, int argc,
    char **argv);
static int cli_option_error(const char *fmt, const char *value);


static const struct option  cli_long_options[] = {
    { "help",                  no_argument,       0, CLI_OPTION_HELP },
    { "accept",                required_argument, 0, CLI_OPTION_ACCEPT },
    { "platform",              required_argument, 0, CLI_OPTION_PLATFORM },
    { "user",                  required_argument, 0, CLI_OPTION_USER },
    { "password-file",         required_argument, 0,
      CLI_OPTION_PASSWORD_FILE },
    { "netrc",                 required_argument, 0, CLI_OPTION_NETRC },
    { "ca",                    required_argument, 0, CLI_OPTION_CA },
    { "compare",               required_argument, 0, CLI_OPTION_COMPARE },
    { "compare-user",          required_argument, 0,
      CLI_OPTION_COMPARE_USER },
    { "compare-password-file", required_argument, 0,
      CLI_OPTION_COMPARE_PASSWORD_FILE },
    { "repositories",          required_argument, 0,
      CLI_OPTION_REPOSITORIES },
    { "tags",                  required_argument, 0, CLI_OPTION_TAGS },
    { "jobs",                  required_argument, 0, CLI_OPTION_JOBS },
    { "timeout",               required_argument, 0, CLI_OPTION_TIMEOUT },
    { "max-wait",              required_argument, 0, CLI_OPTION_MAX_WAIT },
    { "max-size",              required_argument, 0, CLI_OPTION_MAX_SIZE },
    { "json",                  no_argument,       0, CLI_OPTION_JSON },
    { "csv",                   no_argument,       0, CLI_OPTION_CSV },
    { NULL,                    0,                 0, 0 }
};


int
cli_audit_options(cli_audit_options_t *options, int argc, char **argv)
{
    int  code;

    memset(options, 0, sizeof(cli_audit_options_t));

    options->platform = "linux/amd64";
    options->login.variable = "SCHEMA1_PASSWORD";
    options->compare_login.variable = "SCHEMA1_COMPARE_PASSWORD";
    options->jobs = 8;
    options->timeout = 60;
    options->max_wait = 300;
    options->max_size = 4 * 1024 * 1024;

    while ((code = getopt_long(argc, argv, "", cli_long_options, NULL))
           != -1)
    {
        if (cli_option(options, code) != SCHEMA1_OK) {
            return SCHEMA1_ERROR;
        }
    }

    if (options->help) {
        return SCHEMA1_OK;
    }

    return cli_options_complete(options, argc, argv);
}


static int
cli_option(cli_audit_options_t *options, int code)
{
    switch (code) {

    case CLI_OPTION_HELP:
        options->help = true;
        return SCHEMA1_OK;

    case CLI_OPTION_ACCEPT:
        return cli_option_text(&options->accept);

    case CLI_OPTION_PLATFORM:
        return cli_option_text(&options->platform);

    case CLI_OPTION_USER:
        return cli_option_user(&options->login.user);

    case CLI_OPTION_PASSWORD_FILE:
        return cli_option_text(&options->login.file);

    case CLI_OPTION_NETRC:
        options->compare_login.netrc = optarg;
        return cli_option_text(&options->login.netrc);

    case CLI_OPTION_CA:
        return cli_option_text(&options->ca);

    case CLI_OPTION_COMPARE:
        return cli_option_text(&options->compare);

    case CLI_OPTION_COMPARE_USER:
        return cli_option_user(&options->compare_login.user);

    case CLI_OPTION_COMPARE_PASSWORD_FILE:
        return cli_option_text(&options->compare_login.file);

    case CLI_OPTION_REPOSITORIES:
        return cli_option_pattern(&options->repositories);

    case CLI_OPTION_TAGS:
        return cli_option_pattern(&options->tags);

    case CLI_OPTION_JOBS:
        return cli_option_number(&options->jobs, 1, CLI_MAX_JOBS);

    case CLI_OPTION_TIMEOUT:
        return cli_option_number(&options->timeout, 1, 3600);

    case CLI_OPTION_MAX_WAIT:
        return cli_option_number(&options->max_wait, 0, 24 * 3600);

    case CLI_OPTION_MAX_SIZE:
        return cli_option_number(&options->max_size, 1, 1024 * 1024 * 1024);

    case CLI_OPTION_JSON:
        options->format = CLI_FORMAT_JSON;
        return SCHEMA1_OK;

    case CLI_OPTION_CSV:
        options->format = CLI_FORMAT_CSV;
        return SCHEMA1_OK;

    default: /* getopt_long() has printed a message */
        return SCHEMA1_ERROR;
    }
}


static int
cli_option_text(const char **to)
{
    size_t  i;

    /* it may become part of a request */

    for (i = 0; optarg[i] != '\0'; i++) {
        if ((unsigned char) optarg[i] < 0x20 || optarg[i] == 0x7f) {
            return cli_option_error("an argument has control characters%s",
                                    "");
        }
    }

    *to = optarg;

    return SCHEMA1_OK;
}


/* arguments are visible to all users of the machine */

static int
cli_option_user(const char **to)
{
    if (optarg[0] == '\0' || strchr(optarg, ':') != NULL) {
        return cli_option_error("--user takes a name without a password; "
                                "put the password into the environment "
                                "(SCHEMA1_PASSWORD), a file "
                                "(--password-file) or ~/.netrc%s", "");
    }

    return cli_option_text(to);
}


/* with "k" or "m" at the end for 1024 and its square */

static int
cli_option_number(long *to, long min, long max)
{
    long   value;
    char  *end;

    value = strtol(optarg, &end, 10);

    if (end == optarg || optarg[0] < '0' || optarg[0] > '9' || value > max) {
        return cli_option_error("\"%s\" is not a valid number", optarg);
    }

    if (*end == 'k' || *end == 'K') {
        value *= 1024;
        end++;

    } else if (*end == 'm' || *end == 'M') {
        value *= 1024 * 1024;
        end++;
    }

    if (*end != '\0' || value < min || value > max) {
        return cli_option_error("\"%s\" is not a valid number", optarg);
    }

    *to = value;

    return SCHEMA1_OK;
}


static int
cli_option_pattern(cli_patterns_t *patterns)
{
    if (cli_patterns_add(patterns, optarg) != SCHEMA1_OK) {
        return cli_option_error("the pattern \"%s\" is empty, or there are "
                                "too many of them", optarg);
    }

    return SCHEMA1_OK;
}


static int
cli_options_complete(cli_audit_options_t *options, int argc, char **argv)
{
    size_t              i;
    cli_origin_t        origin;
    schema1_str_t       name, tag;
    schema1_platform_t  platform;

    if (optind == argc) {
        return cli_option_error("which registry?  \"schema1 audit --help\" "
                                "lists the arguments%s", "");
    }

    options->registry = argv[optind++];
    options->images = argv + optind;
    options->nimages = (size_t) (argc - optind);

    if (cli_origin_read(&origin, options->registry) != SCHEMA1_OK) {
        return cli_option_error("\"%s\" is not [https://|http://]HOST[:PORT]",
                                options->registry);
    }

    if (options->compare
        && cli_origin_read(&origin, options->compare) != SCHEMA1_OK)
    {
        return cli_option_error("\"%s\" is not [https://|http://]HOST[:PORT]",
                                options->compare);
    }

    if (schema1_platform_read(&platform, cli_text(options->platform))
        != SCHEMA1_OK)
    {
        return cli_option_error("\"%s\" is not os/arch[/variant]",
                                options->platform);
    }

    for (i = 0; i < options->nimages; i++) {
        if (cli_image_read(options->images[i], &name, &tag) != SCHEMA1_OK) {
            return cli_option_error("\"%s\" is not NAME or NAME:TAG",
                                    options->images[i]);
        }
    }

    return SCHEMA1_OK;
}


static int
cli_option_error(const char *fmt, const char *value)
{
    fputs("schema1 audit: ", stderr);
    fprintf(stderr, fmt, value);
    fputc('\n', stderr);

    return SCHEMA1_ERROR;
}
