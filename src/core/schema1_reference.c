
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_reference.h"


#define SCHEMA1_NAME_MAX  255
#define SCHEMA1_TAG_MAX   128

/* bits of schema1_chars */

#define SCHEMA1_CHAR_WORD     1     /* [0-9a-z] */
#define SCHEMA1_CHAR_TAG      2     /* [0-9A-Za-z_.-] */
#define SCHEMA1_CHAR_ENCODED  4     /* [0-9A-Za-z=_-] */


static int schema1_uri_path(schema1_uri_t *uri, schema1_str_t path);
static inline bool schema1_uri_cut(schema1_str_t *path, const char *end);
static int schema1_uri_split(schema1_uri_t *uri, schema1_str_t *path);
static int schema1_uri_decode(schema1_str_t *path, char *buf);
static bool schema1_uri_digest_valid(schema1_str_t digest);
static inline bool schema1_reference_name(schema1_str_t name);
static inline bool schema1_reference_tag(schema1_str_t tag);
static inline bool schema1_char_is(char ch, unsigned set);


/* what a byte may be part of */

static const unsigned char  schema1_chars[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 2, 0,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 4, 0, 0,
    0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6,
    6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 0, 0, 0, 0, 6,
    0, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 0
};


schema1_uri_e
schema1_uri_read(schema1_uri_t *uri, schema1_str_t target, char *buf)
{
    schema1_str_t  path;

    memset(uri, 0, sizeof(schema1_uri_t));

    /* no valid path holds a "?", "#" or "%": most have to be read only once */

    if (schema1_uri_path(uri, target) == SCHEMA1_OK) {
        return uri->kind;
    }

    path = target;

    if (schema1_uri_split(uri, &path) == SCHEMA1_OK
        && schema1_uri_decode(&path, buf) == SCHEMA1_OK)
    {
        (void) schema1_uri_path(uri, path);
    }

    return uri->kind;
}


static int
schema1_uri_path(schema1_uri_t *uri, schema1_str_t path)
{
    schema1_str_t  name, reference;
    schema1_uri_e  kind;

    if (path.len < 4 || memcmp(path.data, "/v2/", 4) != 0) {
        return SCHEMA1_ERROR;
    }

    reference.len = 0;

    while (path.data[path.len - reference.len - 1] != '/') {
        reference.len++;
    }

    path.len -= reference.len;
    reference.data = path.data + path.len;

    name.data = path.data + 4;
    name.len = path.len - 4;

    if (schema1_uri_cut(&name, "/manifests/")) {

        if (schema1_reference_tag(reference)) {
            kind = SCHEMA1_URI_TAG;

        } else if (schema1_uri_digest_valid(reference)) {
            kind = SCHEMA1_URI_DIGEST;

        } else {
            return SCHEMA1_ERROR;
        }

    } else if (schema1_uri_cut(&name, "/blobs/")
               && schema1_uri_digest_valid(reference))
    {
        kind = SCHEMA1_URI_BLOB;

    } else {
        return SCHEMA1_ERROR;
    }

    if (!schema1_reference_name(name)) {
        return SCHEMA1_ERROR;
    }

    uri->kind = kind;
    uri->name = name;
    uri->reference = reference;

    return SCHEMA1_OK;
}


/* whether the path ends with "end", which is taken off then */

static inline bool
schema1_uri_cut(schema1_str_t *path, const char *end)
{
    size_t  len;

    len = strlen(end);

    if (path->len < len
        || memcmp(path->data + path->len - len, end, len) != 0)
    {
        return false;
    }

    path->len -= len;

    return true;
}


/* takes the query off */

static int
schema1_uri_split(schema1_uri_t *uri, schema1_str_t *path)
{
    size_t       len;
    const char  *query;

    if (path->len == 0) {
        return SCHEMA1_ERROR;
    }

    query = memchr(path->data, '?', path->len);
    if (query == NULL) {
        return SCHEMA1_OK;
    }

    len = (size_t) (query - path->data);

    if (memchr(query, '#', path->len - len) != NULL) {
        return SCHEMA1_ERROR;
    }

    uri->args.data = query + 1;
    uri->args.len = path->len - len - 1;

    path->len = len;

    return SCHEMA1_OK;
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


/*
 * What every request passes through is static: a function that others may call
 * is not compiled into its callers in a shared object.
 */

bool
schema1_name_valid(schema1_str_t name)
{
    return schema1_reference_name(name);
}


bool
schema1_tag_valid(schema1_str_t tag)
{
    return schema1_reference_tag(tag);
}


/* words joined by "/", ".", "_", "__" or any number of "-" */

static inline bool
schema1_reference_name(schema1_str_t name)
{
    size_t  i, start;

    if (name.len == 0 || name.len > SCHEMA1_NAME_MAX) {
        return false;
    }

    i = 0;

    for ( ;; ) {
        start = i;

        while (i < name.len
               && schema1_char_is(name.data[i], SCHEMA1_CHAR_WORD))
        {
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


static inline bool
schema1_reference_tag(schema1_str_t tag)
{
    size_t  i;

    if (tag.len == 0 || tag.len > SCHEMA1_TAG_MAX
        || tag.data[0] == '.' || tag.data[0] == '-')
    {
        return false;
    }

    for (i = 0; i < tag.len; i++) {
        if (!schema1_char_is(tag.data[i], SCHEMA1_CHAR_TAG)) {
            return false;
        }
    }

    return true;
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

        if (schema1_char_is(ch, SCHEMA1_CHAR_WORD)) {
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
        if (!schema1_char_is(digest.data[i], SCHEMA1_CHAR_ENCODED)) {
            return false;
        }
    }

    return true;
}


static inline bool
schema1_char_is(char ch, unsigned set)
{
    return (schema1_chars[(unsigned char) ch] & set) != 0;
}
