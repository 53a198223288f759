
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


static schema1_uri_e schema1_uri_parts(schema1_uri_t *uri, schema1_str_t path,
    char *buf);
static SCHEMA1_INLINE int schema1_uri_path(schema1_uri_t *uri,
    schema1_str_t path);
static inline bool schema1_uri_cut(schema1_str_t *path, const char *end);
static int schema1_uri_split(schema1_uri_t *uri, schema1_str_t *path);
static int schema1_uri_decode(schema1_str_t *path, char *buf);
static bool schema1_uri_digest_valid(schema1_str_t digest);
static inline bool schema1_reference_name(schema1_str_t name);
static const char *schema1_reference_joint(const char *p, const char *last);
static inline bool schema1_reference_tag_fits(schema1_str_t tag);
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
    memset(uri, 0, sizeof(schema1_uri_t));

    /* no valid path holds a "?", "#" or "%": most have to be read only once */

    if (schema1_uri_path(uri, target) == SCHEMA1_OK) {
        return uri->kind;
    }

    return schema1_uri_parts(uri, target, buf);
}


static SCHEMA1_APART schema1_uri_e
schema1_uri_parts(schema1_uri_t *uri, schema1_str_t path, char *buf)
{
    if (schema1_uri_split(uri, &path) == SCHEMA1_OK
        && schema1_uri_decode(&path, buf) == SCHEMA1_OK)
    {
        (void) schema1_uri_path(uri, path);
    }

    return uri->kind;
}


static SCHEMA1_INLINE int
schema1_uri_path(schema1_uri_t *uri, schema1_str_t path)
{
    bool           tag;
    const char    *p, *last;
    schema1_str_t  name, reference;
    schema1_uri_e  kind;

    if (path.len < 4 || memcmp(path.data, "/v2/", 4) != 0) {
        return SCHEMA1_ERROR;
    }

    last = path.data + path.len;

    for (p = last; schema1_char_is(p[-1], SCHEMA1_CHAR_TAG); p--) {
        /* void */
    }

    tag = (p[-1] == '/');

    while (p[-1] != '/') {
        p--;
    }

    reference.data = p;
    reference.len = (size_t) (last - p);

    name.data = path.data + 4;
    name.len = (size_t) (p - name.data);

    if (schema1_uri_cut(&name, "/manifests/")) {
        kind = (tag && schema1_reference_tag_fits(reference))
               ? SCHEMA1_URI_TAG : SCHEMA1_URI_DIGEST;

    } else if (schema1_uri_cut(&name, "/blobs/")) {
        kind = SCHEMA1_URI_BLOB;

    } else {
        return SCHEMA1_ERROR;
    }

    if ((kind != SCHEMA1_URI_TAG && !schema1_uri_digest_valid(reference))
        || !schema1_reference_name(name))
    {
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
    size_t  i;

    for (i = 0; i < tag.len; i++) {
        if (!schema1_char_is(tag.data[i], SCHEMA1_CHAR_TAG)) {
            return false;
        }
    }

    return schema1_reference_tag_fits(tag);
}


/* words joined by "/", ".", "_", "__" or any number of "-" */

static inline bool
schema1_reference_name(schema1_str_t name)
{
    const char  *p, *start, *last;

    if (name.len == 0 || name.len > SCHEMA1_NAME_MAX) {
        return false;
    }

    p = name.data;
    last = p + name.len;

    for ( ;; ) {
        start = p;

        while (p < last && schema1_char_is(*p, SCHEMA1_CHAR_WORD)) {
            p++;
        }

        if (p == start) {
            return false;
        }

        if (p == last) {
            return true;
        }

        p = (*p == '/') ? p + 1 : schema1_reference_joint(p, last);
    }
}


/* the end of what joins two words; "p" where that is not allowed to */

static SCHEMA1_APART const char *
schema1_reference_joint(const char *p, const char *last)
{
    switch (*p) {

    case '.':
        return p + 1;

    case '_':
        p++;
        return (p < last && *p == '_') ? p + 1 : p;

    default:
        while (p < last && *p == '-') {
            p++;
        }

        return p;
    }
}


/* whether what has no other characters than a tag is one */

static inline bool
schema1_reference_tag_fits(schema1_str_t tag)
{
    return tag.len != 0 && tag.len <= SCHEMA1_TAG_MAX
           && tag.data[0] != '.' && tag.data[0] != '-';
}


/* algorithm ":" encoded (OCI image specification, descriptor.md, "Digests") */

static SCHEMA1_APART bool
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
