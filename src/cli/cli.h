
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _CLI_H_INCLUDED_
#define _CLI_H_INCLUDED_


#include "schema1_error.h"
#include "schema1_string.h"


/* the module's, given by Makefile */

#ifndef CLI_VERSION
#define CLI_VERSION       "unknown"
#endif

#define CLI_EXIT_OK       0
#define CLI_EXIT_REFUSED  1
#define CLI_EXIT_USAGE    2


/* each command receives its own arguments, argv[0] is its name */

int cli_convert(int argc, char **argv);
int cli_audit(int argc, char **argv);

/*
 * schema1 convert --batch: reads frames from standard input until it ends.
 * Returns the exit status.
 */
int cli_batch(void);

/*
 * The schema 1 payload for an image, appended to "payload".  An empty tag is
 * possible, although no request can have one.
 */
int cli_convert_payload(schema1_str_t name, schema1_str_t tag,
    schema1_str_t manifest, schema1_str_t config, schema1_buf_t *payload,
    schema1_error_t *err);

/* the reason's name in messages */
const char *cli_reason(const schema1_error_t *err);

/*
 * Appends a file's content, or standard input's if "file" is "-".  On error, a
 * message goes to standard error.
 */
int cli_read_file(const char *file, schema1_buf_t *buf);

/* zeroed; both end the program if there is no memory */
void *cli_alloc(size_t size);
char *cli_strdup(schema1_str_t text);

/* ends the program if an append to the buffer failed */
void cli_check(const schema1_buf_t *buf);

/* seconds, from a clock that is never set back */
double cli_now(void);

/* overwrites the bytes before it frees them */
void cli_cleanse(schema1_buf_t *buf);

/* borrowed views; NULL is the empty string */
schema1_str_t cli_text(const char *text);
schema1_str_t cli_bytes(const schema1_buf_t *buf);


#endif /* _CLI_H_INCLUDED_ */
