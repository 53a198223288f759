
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* the core alone: what a client would get for a manifest and its config */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "schema1_convert.h"
#include "schema1_jws.h"
#include "schema1_reference.h"


#define CONVERT_EXIT_REFUSED  1
#define CONVERT_EXIT_USAGE    2

#define CONVERT_MAX_FRAME     (64 * 1024 * 1024)


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
} convert_options_t;


static int convert_options(convert_options_t *options, int argc, char **argv);
static int convert_complete(const convert_options_t *options, int argc);
static void convert_usage(FILE *out);
static int convert_files(const convert_options_t *options);
static int convert_made(const convert_options_t *options,
    schema1_str_t manifest, schema1_str_t config, schema1_buf_t *made,
    schema1_error_t *err);
static int convert_payload(schema1_str_t name, schema1_str_t tag,
    schema1_str_t manifest, schema1_str_t config, schema1_buf_t *payload,
    schema1_error_t *err);
static int convert_schema2(schema1_str_t manifest, schema1_buf_t *document,
    schema1_error_t *err);
static int convert_find(schema1_str_t value, schema1_str_t list,
    schema1_buf_t *digest, schema1_error_t *err);
static int convert_sign(const convert_options_t *options,
    schema1_buf_t *payload, schema1_error_t *err);
static int convert_batch(void);
static size_t convert_u32(const unsigned char *p);
static int convert_frame(schema1_buf_t *part, const size_t *len);
static int convert_answer(int rc, const schema1_buf_t *payload,
    const schema1_error_t *err);
static const char *convert_reason(const schema1_error_t *err);
static int convert_load(const char *file, schema1_buf_t *buf);
static int convert_read(FILE *in, schema1_buf_t *buf);
static schema1_str_t convert_text(const char *text);
static schema1_str_t convert_bytes(const schema1_buf_t *buf);


int
main(int argc, char **argv)
{
    convert_options_t  options;

    if (convert_options(&options, argc, argv) != SCHEMA1_OK) {
        convert_usage(stderr);
        return CONVERT_EXIT_USAGE;
    }

    if (options.batch) {
        return convert_batch();
    }

    if (options.manifest == NULL) {
        convert_usage(stdout);
        return 0;
    }

    return convert_files(&options);
}


/* all zero: help is asked for */

static int
convert_options(convert_options_t *options, int argc, char **argv)
{
    int          i;
    const char  *arg, **value;

    memset(options, 0, sizeof(convert_options_t));

    for (i = 1; i < argc; i++) {
        arg = argv[i];
        value = NULL;

        if (strcmp(arg, "--help") == 0) {
            memset(options, 0, sizeof(convert_options_t));
            return SCHEMA1_OK;
        }

        if (strcmp(arg, "--batch") == 0) {
            options->batch = true;

        } else if (strcmp(arg, "--schema2") == 0) {
            options->schema2 = true;

        } else if (strcmp(arg, "--name") == 0) {
            value = &options->name;

        } else if (strcmp(arg, "--tag") == 0) {
            value = &options->tag;

        } else if (strcmp(arg, "--key") == 0) {
            value = &options->key;

        } else if (strcmp(arg, "--password-file") == 0) {
            value = &options->password_file;

        } else if (strcmp(arg, "--platform") == 0) {
            value = &options->platform;

        } else if (options->manifest == NULL && strncmp(arg, "--", 2) != 0) {
            options->manifest = arg;

        } else if (options->config == NULL && strncmp(arg, "--", 2) != 0) {
            options->config = arg;

        } else {
            return SCHEMA1_ERROR;
        }

        if (value) {
            if (++i == argc) {
                return SCHEMA1_ERROR;
            }

            *value = argv[i];
        }
    }

    return convert_complete(options, argc);
}


/* what goes with what */

static int
convert_complete(const convert_options_t *options, int argc)
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
convert_usage(FILE *out)
{
    fputs("usage: schema1-convert --name NAME [--tag TAG] [--key FILE\n"
          "           [--password-file FILE]] MANIFEST CONFIG\n"
          "       schema1-convert --schema2 MANIFEST\n"
          "       schema1-convert --platform PLATFORM LIST\n"
          "       schema1-convert --batch\n"
          "\n"
          "Writes what an old client would get for an image to standard\n"
          "output: the schema 1 payload, the signed document with --key, or\n"
          "the schema 2 manifest with --schema2.  MANIFEST and CONFIG are\n"
          "files with the exact bytes, \"-\" is standard input.\n"
          "\n"
          "--platform writes the digest that a list has for OS/ARCH or\n"
          "OS/ARCH/VARIANT.\n"
          "\n"
          "--batch reads frames from standard input: four big-endian 32-bit\n"
          "lengths (name, tag, manifest, config) and these bytes.  It\n"
          "answers each by a byte (0 converted, 1 refused), a length and the\n"
          "payload or \"reason: message\".\n"
          "\n"
          "Exit status: 0, 1 where the image is refused or a file can't be\n"
          "read, 2 where the arguments make no sense.\n", out);
}


static int
convert_files(const convert_options_t *options)
{
    int              rc;
    schema1_buf_t    manifest, config, made;
    schema1_error_t  err;

    memset(&manifest, 0, sizeof(schema1_buf_t));
    memset(&config, 0, sizeof(schema1_buf_t));
    memset(&made, 0, sizeof(schema1_buf_t));
    memset(&err, 0, sizeof(schema1_error_t));

    rc = convert_load(options->manifest, &manifest);

    if (rc == SCHEMA1_OK && options->config) {
        rc = convert_load(options->config, &config);
    }

    if (rc == SCHEMA1_OK) {
        rc = convert_made(options, convert_bytes(&manifest),
                          convert_bytes(&config), &made, &err);

        if (rc != SCHEMA1_OK) {
            fprintf(stderr, "schema1-convert: %s: %s\n",
                    convert_reason(&err), err.message);

        } else if (fwrite(made.data, 1, made.len, stdout) != made.len
                   || fflush(stdout) != 0)
        {
            perror("schema1-convert: standard output");
            rc = SCHEMA1_ERROR;
        }
    }

    schema1_buf_free(&manifest);
    schema1_buf_free(&config);
    schema1_buf_free(&made);

    return rc == SCHEMA1_OK ? 0 : CONVERT_EXIT_REFUSED;
}


static int
convert_made(const convert_options_t *options, schema1_str_t manifest,
    schema1_str_t config, schema1_buf_t *made, schema1_error_t *err)
{
    if (options->schema2) {
        return convert_schema2(manifest, made, err);
    }

    if (options->platform) {
        return convert_find(convert_text(options->platform), manifest, made,
                            err);
    }

    if (convert_payload(convert_text(options->name),
                        convert_text(options->tag ? options->tag : ""),
                        manifest, config, made, err)
        != SCHEMA1_OK)
    {
        return SCHEMA1_ERROR;
    }

    return options->key ? convert_sign(options, made, err) : SCHEMA1_OK;
}


/* a payload without a tag is possible, though no request asks for one */

static int
convert_payload(schema1_str_t name, schema1_str_t tag, schema1_str_t manifest,
    schema1_str_t config, schema1_buf_t *payload, schema1_error_t *err)
{
    int                 rc;
    size_t              entries;
    schema1_manifest_t  m;

    if (!schema1_name_valid(name)
        || (tag.len != 0 && !schema1_tag_valid(tag)))
    {
        schema1_error_set(err, SCHEMA1_NO_REASON,
                          "the name or the tag is not one that a client "
                          "could ask a registry for");
        return SCHEMA1_ERROR;
    }

    if (schema1_manifest_read(&m, manifest, err) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    rc = schema1_convert_check(&m, err);

    if (rc == SCHEMA1_OK) {
        rc = schema1_convert_payload(&m, config, name, tag, payload, &entries,
                                     err);
    }

    schema1_manifest_free(&m);

    return rc;
}


static int
convert_schema2(schema1_str_t manifest, schema1_buf_t *document,
    schema1_error_t *err)
{
    int                 rc;
    schema1_manifest_t  m;

    if (schema1_manifest_read(&m, manifest, err) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    rc = schema1_convert_check(&m, err);

    if (rc == SCHEMA1_OK) {
        rc = schema1_convert_schema2(&m, document, err);
    }

    schema1_manifest_free(&m);

    return rc;
}


static int
convert_find(schema1_str_t value, schema1_str_t list, schema1_buf_t *digest,
    schema1_error_t *err)
{
    schema1_child_t     child;
    schema1_platform_t  platform;

    if (schema1_platform_read(&platform, value) != SCHEMA1_OK) {
        schema1_error_set(err, SCHEMA1_BAD_PLATFORM,
                          "a platform is os/architecture or "
                          "os/architecture/variant");
        return SCHEMA1_ERROR;
    }

    if (schema1_list_find(&child, list, &platform, false, err) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    schema1_buf_append(digest, child.descriptor.digest.data,
                       child.descriptor.digest.len);
    schema1_buf_putc(digest, '\n');
    schema1_child_free(&child);

    return SCHEMA1_OK;
}


static int
convert_sign(const convert_options_t *options, schema1_buf_t *payload,
    schema1_error_t *err)
{
    int              rc;
    char             error[SCHEMA1_KEY_ERROR_SIZE];
    schema1_buf_t    pem, line, body;
    schema1_str_t    password;
    schema1_key_t   *key;

    memset(&pem, 0, sizeof(schema1_buf_t));
    memset(&line, 0, sizeof(schema1_buf_t));
    memset(&body, 0, sizeof(schema1_buf_t));

    rc = convert_load(options->key, &pem);

    if (rc == SCHEMA1_OK && options->password_file) {
        rc = convert_load(options->password_file, &line);
    }

    schema1_buf_putc(&line, '\0');

    password = convert_bytes(&line);
    password.len = strcspn(password.data, "\r\n");

    if (rc == SCHEMA1_OK && !line.failed) {
        rc = SCHEMA1_ERROR;
        key = schema1_key_read(convert_bytes(&pem), &password,
                               options->password_file ? 1 : 0, error);

        if (key) {
            rc = schema1_jws_sign(key, convert_bytes(payload), time(NULL),
                                  &body, err);
            schema1_key_free(key);

        } else {
            schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                              "the key \"%s\" can't be used: %s",
                              options->key, error);
        }

    } else {
        rc = SCHEMA1_ERROR;
        schema1_error_set(err, SCHEMA1_SIGNING_FAILED,
                          "the key or its password can't be read");
    }

    if (pem.data) {
        OPENSSL_cleanse(pem.data, pem.len);
    }

    if (line.data) {
        OPENSSL_cleanse(line.data, line.len);
    }

    schema1_buf_free(&pem);
    schema1_buf_free(&line);
    schema1_buf_free(payload);

    *payload = body;

    return rc;
}


static int
convert_batch(void)
{
    int              rc;
    size_t           len[4], i, n;
    unsigned char    head[16];
    schema1_buf_t    part[4], payload;
    schema1_error_t  err;

    memset(part, 0, sizeof(part));

    while ((n = fread(head, 1, sizeof(head), stdin)) == sizeof(head)) {

        for (i = 0; i < 4; i++) {
            len[i] = convert_u32(&head[4 * i]);
        }

        if (convert_frame(part, len) != SCHEMA1_OK) {
            return CONVERT_EXIT_USAGE;
        }

        memset(&payload, 0, sizeof(schema1_buf_t));
        memset(&err, 0, sizeof(schema1_error_t));

        rc = convert_payload(convert_bytes(&part[0]), convert_bytes(&part[1]),
                             convert_bytes(&part[2]), convert_bytes(&part[3]),
                             &payload, &err);

        rc = convert_answer(rc, &payload, &err);

        schema1_buf_free(&payload);

        for (i = 0; i < 4; i++) {
            schema1_buf_free(&part[i]);
        }

        if (rc != SCHEMA1_OK) {
            return CONVERT_EXIT_REFUSED;
        }
    }

    if (n != 0) {
        fputs("schema1-convert: a frame is cut off\n", stderr);
        return CONVERT_EXIT_USAGE;
    }

    return 0;
}


static size_t
convert_u32(const unsigned char *p)
{
    return (size_t) p[0] << 24 | (size_t) p[1] << 16 | (size_t) p[2] << 8
           | p[3];
}


/* each part is held in a block of its very size, for a sanitizer's sake */

static int
convert_frame(schema1_buf_t *part, const size_t *len)
{
    size_t  i;

    for (i = 0; i < 4; i++) {

        if (len[i] > CONVERT_MAX_FRAME) {
            fputs("schema1-convert: a frame is too large\n", stderr);
            return SCHEMA1_ERROR;
        }

        if (len[i] == 0) {
            continue;
        }

        part[i].data = malloc(len[i]);
        if (part[i].data == NULL) {
            fputs("schema1-convert: out of memory\n", stderr);
            return SCHEMA1_ERROR;
        }

        part[i].len = len[i];

        if (fread(part[i].data, 1, len[i], stdin) != len[i]) {
            fputs("schema1-convert: a frame is cut off\n", stderr);
            return SCHEMA1_ERROR;
        }
    }

    return SCHEMA1_OK;
}


static int
convert_answer(int rc, const schema1_buf_t *payload,
    const schema1_error_t *err)
{
    char            text[sizeof(err->message) + 64];
    size_t          len;
    const char     *data;
    unsigned char   head[5];

    data = payload->data;
    len = payload->len;

    if (rc != SCHEMA1_OK) {
        len = (size_t) snprintf(text, sizeof(text), "%s: %s",
                                convert_reason(err),
                                err->message);
        data = text;
    }

    head[0] = (rc == SCHEMA1_OK) ? 0 : 1;
    head[1] = (unsigned char) (len >> 24);
    head[2] = (unsigned char) (len >> 16);
    head[3] = (unsigned char) (len >> 8);
    head[4] = (unsigned char) len;

    if (fwrite(head, 1, sizeof(head), stdout) != sizeof(head)
        || fwrite(data, 1, len, stdout) != len
        || fflush(stdout) != 0)
    {
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


/* the request that such a name stands in would not be the module's */

static const char *
convert_reason(const schema1_error_t *err)
{
    return err->reason == SCHEMA1_NO_REASON
           ? "invalid_reference" : schema1_reason_info(err->reason)->name;
}


static int
convert_load(const char *file, schema1_buf_t *buf)
{
    int    rc;
    FILE  *in;

    if (strcmp(file, "-") == 0) {
        return convert_read(stdin, buf);
    }

    in = fopen(file, "rb");
    if (in == NULL) {
        fprintf(stderr, "schema1-convert: %s: %s\n", file, strerror(errno));
        return SCHEMA1_ERROR;
    }

    rc = convert_read(in, buf);

    if (fclose(in) != 0 || rc != SCHEMA1_OK) {
        fprintf(stderr, "schema1-convert: %s can't be read\n", file);
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


static int
convert_read(FILE *in, schema1_buf_t *buf)
{
    char    chunk[65536];
    size_t  n;

    do {
        n = fread(chunk, 1, sizeof(chunk), in);
        schema1_buf_append(buf, chunk, n);
    } while (n == sizeof(chunk));

    OPENSSL_cleanse(chunk, sizeof(chunk));

    return ferror(in) || buf->failed ? SCHEMA1_ERROR : SCHEMA1_OK;
}


static schema1_str_t
convert_text(const char *text)
{
    schema1_str_t  str;

    str.data = text;
    str.len = (text != NULL) ? strlen(text) : 0;

    return str;
}


static schema1_str_t
convert_bytes(const schema1_buf_t *buf)
{
    schema1_str_t  str;

    str.data = buf->data ? buf->data : "";
    str.len = buf->len;

    return str;
}
