
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_reference.h"


#define SCHEMA1_NAME_MAX  255
#define SCHEMA1_TAG_MAX   128


static int schema1_uri_decode(schema1_str_t *path, char *buf);
static schema1_str_t schema1_uri_last(schema1_str_t *path);
static bool schema1_uri_digest_valid(schema1_str_t digest);
static bool schema1_lower_or_digit(char ch);
static bool schema1_upper(char ch);


schema1_uri_e
schema1_uri_read(schema1_uri_t *uri, schema1_str_t target, char *buf)
{
    const char     *query;
    schema1_str_t   path, action;

    memset(uri, 0, sizeof(schema1_uri_t));

    if (target.len == 0) {
        return SCHEMA1_URI_OTHER;
    }

    path = target;

    query = memchr(target.data, '?', target.len);
    if (query != NULL) {
        path.len = (size_t) (query - target.data);

        uri->args.data = query + 1;
        uri->args.len = target.len - path.len - 1;

        /* in the path it is part of no valid name or reference */

        if (memchr(query, '#', target.len - path.len) != NULL) {
            return SCHEMA1_URI_OTHER;
        }
    }

    if (schema1_uri_decode(&path, buf) != SCHEMA1_OK) {
        return SCHEMA1_URI_OTHER;
    }

    if (path.len < 4 || memcmp(path.data, "/v2/", 4) != 0) {
        return SCHEMA1_URI_OTHER;
    }

    path.data += 4;
    path.len -= 4;

    uri->reference = schema1_uri_last(&path);
    action = schema1_uri_last(&path);
    uri->name = path;

    if (!schema1_name_valid(uri->name)) {
        return SCHEMA1_URI_OTHER;
    }

    if (schema1_str_eq(action, "manifests")) {

        if (schema1_tag_valid(uri->reference)) {
            uri->kind = SCHEMA1_URI_TAG;

        } else if (schema1_uri_digest_valid(uri->reference)) {
            uri->kind = SCHEMA1_URI_DIGEST;
        }

    } else if (schema1_str_eq(action, "blobs")
               && schema1_uri_digest_valid(uri->reference))
    {
        uri->kind = SCHEMA1_URI_BLOB;
    }

    return uri->kind;
}


/* words joined by "/", ".", "_", "__" or any number of "-" */

bool
schema1_name_valid(schema1_str_t name)
{
    size_t  i, start;

    if (name.len == 0 || name.len > SCHEMA1_NAME_MAX) {
        return false;
    }

    i = 0;

    for ( ;; ) {
        start = i;

        while (i < name.len && schema1_lower_or_digit(name.data[i])) {
            i++;
        }

        if (i == start) {
            return false;
        }

        if (i == name.len) {
            return true;
        }

        switch (name.data[i]) {

        case '/':
        case '.':
            i++;
            break;

        case '_':
            i++;

            if (i < name.len && name.data[i] == '_') {
                i++;
            }

            break;

        default:
            while (i < name.len && name.data[i] == '-') {
                i++;
            }
        }
    }
}


bool
schema1_tag_valid(schema1_str_t tag)
{
    char    ch;
    size_t  i;

    if (tag.len == 0 || tag.len > SCHEMA1_TAG_MAX) {
        return false;
    }

    for (i = 0; i < tag.len; i++) {
        ch = tag.data[i];

        if (schema1_lower_or_digit(ch) || schema1_upper(ch) || ch == '_'
            || (i != 0 && (ch == '.' || ch == '-')))
        {
            continue;
        }

        return false;
    }

    return true;
}


/* the decoded path is moved to "buf" where it holds a "%" */

static int
schema1_uri_decode(schema1_str_t *path, char *buf)
{
    ptrdiff_t  len;

    if (buf == NULL || path->len == 0
        || memchr(path->data, '%', path->len) == NULL)
    {
        return SCHEMA1_OK;
    }

    len = schema1_str_decode(*path, buf);

    if (len < 0) {
        return SCHEMA1_ERROR;
    }

    path->data = buf;
    path->len = (size_t) len;

    return SCHEMA1_OK;
}


/* takes the last component and the slash before it off the path */

static schema1_str_t
schema1_uri_last(schema1_str_t *path)
{
    size_t         i;
    schema1_str_t  last;

    i = path->len;

    while (i != 0 && path->data[i - 1] != '/') {
        i--;
    }

    last.data = path->data + i;
    last.len = path->len - i;

    path->len = i ? i - 1 : 0;

    return last;
}


/* algorithm ":" encoded (OCI image specification, descriptor.md, "Digests") */

static bool
schema1_uri_digest_valid(schema1_str_t digest)
{
    char    ch;
    bool    word;
    size_t  i;

    word = false;

    for (i = 0; i < digest.len && digest.data[i] != ':'; i++) {
        ch = digest.data[i];

        if (schema1_lower_or_digit(ch)) {
            word = true;
            continue;
        }

        if (!word || (ch != '+' && ch != '.' && ch != '_' && ch != '-')) {
            return false;
        }

        word = false;
    }

    if (!word || digest.len - i < 2) {
        return false;
    }

    for (i++; i < digest.len; i++) {
        ch = digest.data[i];

        if (!schema1_lower_or_digit(ch) && !schema1_upper(ch)
            && ch != '=' && ch != '_' && ch != '-')
        {
            return false;
        }
    }

    return true;
}


static bool
schema1_lower_or_digit(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9');
}


static bool
schema1_upper(char ch)
{
    return ch >= 'A' && ch <= 'Z';
}
