
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* the command line tool: one program, one function for each command */

#include <stdio.h>

#include "cli.h"


typedef int (*cli_command_pt)(int argc, char **argv);


typedef struct {
    const char      *name;
    const char      *summary;
    cli_command_pt   handler;
} cli_command_t;


static void cli_usage(FILE *out);


static const cli_command_t  cli_commands[] = {

    { "audit",
      "check what clients would receive from a registry",
      cli_audit },

    { "convert",
      "convert files: a manifest and its config",
      cli_convert },

    { NULL, NULL, NULL }
};


int
main(int argc, char **argv)
{
    const cli_command_t  *command;

    if (argc < 2) {
        cli_usage(stderr);
        return CLI_EXIT_USAGE;
    }

    if (strcmp(argv[1], "--help") == 0) {
        cli_usage(stdout);
        return CLI_EXIT_OK;
    }

    if (strcmp(argv[1], "--version") == 0) {
        puts("schema1 " CLI_VERSION);
        return CLI_EXIT_OK;
    }

    for (command = cli_commands; command->name != NULL; command++) {
        if (strcmp(argv[1], command->name) == 0) {
            return command->handler(argc - 1, argv + 1);
        }
    }

    fprintf(stderr, "schema1: there is no command \"%s\"\n", argv[1]);
    cli_usage(stderr);

    return CLI_EXIT_USAGE;
}


static void
cli_usage(FILE *out)
{
    const cli_command_t  *command;

    fputs("usage: schema1 COMMAND [ARGUMENT...]\n\n", out);

    for (command = cli_commands; command->name != NULL; command++) {
        fprintf(out, "  %-9s %s\n", command->name, command->summary);
    }

    fputs("\n\"schema1 COMMAND --help\" describes a command.\n", out);
}
