
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_digest.h"
#include "schema1_uri.h"


#define SCHEMA1_NAME_MAX  255
#define SCHEMA1_TAG_MAX   128

/* bits of schema1_uri_chars */

#define SCHEMA1_CHAR_WORD     1     /* [0-9a-z] */
#define SCHEMA1_CHAR_TAG      2     /* [0-9A-Za-z_.-] */


static schema1_uri_e schema1_uri_parts(schema1_uri_t *uri, schema1_str_t path,
    char *buf);
static SCHEMA1_INLINE int schema1_uri_path(schema1_uri_t *uri,
    schema1_str_t path);
static inline bool schema1_uri_cut(schema1_str_t *path, const char *end);
static inline bool schema1_uri_is_name(schema1_str_t name);
static const char *schema1_uri_joint(const char *p, const char *last);
static inline bool schema1_uri_tag_fits(schema1_str_t tag);
static inline bool schema1_uri_char_is(char ch, unsigned set);


/* what a byte can be part of */

static const unsigned char  schema1_uri_chars[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0,
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0,
    0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 2,
    0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0
};


schema1_uri_e
schema1_uri_read(schema1_uri_t *uri, schema1_str_t target, char *buf)
{
    memset(uri, 0, sizeof(schema1_uri_t));

    /* most paths have no "?", "#" or "%", and are read only once */

    if (schema1_uri_path(uri, target) == SCHEMA1_OK) {
        return uri->kind;
    }

    return schema1_uri_parts(uri, target, buf);
}


/* without the query; a path with a "%" is decoded into "buf" */

static SCHEMA1_COLD schema1_uri_e
schema1_uri_parts(schema1_uri_t *uri, schema1_str_t path, char *buf)
{
    size_t       rest;
    ptrdiff_t    len;
    const char  *query;

    query = path.len ? memchr(path.data, '?', path.len) : NULL;

    if (query != NULL) {
        rest = (size_t) (path.data + path.len - query);

        if (memchr(query, '#', rest) != NULL) {
            return uri->kind;
        }

        uri->args.data = query + 1;
        uri->args.len = rest - 1;

        path.len -= rest;
    }

    if (buf != NULL && path.len != 0
        && memchr(path.data, '%', path.len) != NULL)
    {
        len = schema1_str_decode(path, buf);

        if (len < 0) {
            return uri->kind;
        }

        path.data = buf;
        path.len = (size_t) len;
    }

    (void) schema1_uri_path(uri, path);

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

    for (p = last; schema1_uri_char_is(p[-1], SCHEMA1_CHAR_TAG); p--) {
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
        kind = (tag && schema1_uri_tag_fits(reference))
               ? SCHEMA1_URI_TAG : SCHEMA1_URI_DIGEST;

    } else if (schema1_uri_cut(&name, "/blobs/")) {
        kind = SCHEMA1_URI_BLOB;

    } else {
        return SCHEMA1_ERROR;
    }

    if ((kind != SCHEMA1_URI_TAG && !schema1_digest_well_formed(reference))
        || !schema1_uri_is_name(name))
    {
        return SCHEMA1_ERROR;
    }

    uri->kind = kind;
    uri->name = name;
    uri->reference = reference;

    return SCHEMA1_OK;
}


/* removes "end" from the end of the path; false: it is not there */

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


/* hot path: a static function is inlined, an exported one is not */

bool
schema1_uri_name_valid(schema1_str_t name)
{
    return schema1_uri_is_name(name);
}


bool
schema1_uri_tag_valid(schema1_str_t tag)
{
    return schema1_str_span(tag, "_.-") == tag.len
           && schema1_uri_tag_fits(tag);
}


/* words joined by "/", ".", "_", "__" or any number of "-" */

static inline bool
schema1_uri_is_name(schema1_str_t name)
{
    const char  *p, *start, *last;

    if (name.len == 0 || name.len > SCHEMA1_NAME_MAX) {
        return false;
    }

    p = name.data;
    last = p + name.len;

    for ( ;; ) {
        start = p;

        while (p < last && schema1_uri_char_is(*p, SCHEMA1_CHAR_WORD)) {
            p++;
        }

        if (p == start) {
            return false;
        }

        if (p == last) {
            return true;
        }

        p = (*p == '/') ? p + 1 : schema1_uri_joint(p, last);
    }
}


/* the end of a separator between two words; "p" if it is not one */

static SCHEMA1_COLD const char *
schema1_uri_joint(const char *p, const char *last)
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


/* length and first character of a tag */

static inline bool
schema1_uri_tag_fits(schema1_str_t tag)
{
    return tag.len != 0 && tag.len <= SCHEMA1_TAG_MAX
           && tag.data[0] != '.' && tag.data[0] != '-';
}


static inline bool
schema1_uri_char_is(char ch, unsigned set)
{
    return (schema1_uri_chars[(unsigned char) ch] & set) != 0;
}
