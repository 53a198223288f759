
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <strings.h>

#include "schema1_redirect.h"


/* the parts of a URI reference (RFC 3986, 4.1) without its fragment */

typedef struct {
    schema1_str_t      scheme;
    schema1_str_t      authority;
    schema1_str_t      path;
    schema1_str_t      query;
    bool               has_authority;
    bool               has_query;
} schema1_ref_t;


typedef struct {
    schema1_str_t      host;
    unsigned           port;
    bool               standard;    /* the scheme's default port */
} schema1_authority_t;


static bool schema1_redirect_printable(schema1_str_t location);
static void schema1_redirect_parse(schema1_ref_t *ref, schema1_str_t location);
static schema1_str_t schema1_redirect_until(schema1_str_t *rest,
    const char *stops);
static unsigned schema1_redirect_port(schema1_str_t scheme);
static int schema1_redirect_authority(schema1_authority_t *authority,
    schema1_str_t value, schema1_str_t scheme);
static bool schema1_redirect_host_valid(schema1_str_t host);
static bool schema1_redirect_same(const schema1_url_t *base,
    schema1_str_t authority, const schema1_ref_t *ref);
static schema1_redirect_e schema1_redirect_registry(const schema1_url_t *base,
    const schema1_ref_t *ref, schema1_buf_t *target, schema1_error_t *err);
static schema1_redirect_e schema1_redirect_other_path(
    const schema1_url_t *base, const schema1_ref_t *ref,
    schema1_buf_t *target, schema1_error_t *err);
static schema1_redirect_e schema1_redirect_external(
    const schema1_url_t *base, const schema1_ref_t *ref,
    schema1_buf_t *target, schema1_error_t *err);
static void schema1_redirect_path(schema1_buf_t *path,
    const schema1_url_t *base, const schema1_ref_t *ref);
static void schema1_redirect_remove_dots(schema1_buf_t *path);
static int schema1_redirect_decode(schema1_buf_t *path);
static bool schema1_redirect_path_char(char ch);
static bool schema1_redirect_is_registry(schema1_str_t path,
    schema1_str_t name);
static bool schema1_redirect_rest_valid(schema1_str_t rest);
static schema1_redirect_e schema1_redirect_refuse_characters(
    schema1_error_t *err);
static schema1_redirect_e schema1_redirect_refuse(schema1_error_t *err,
    const char *why);


schema1_redirect_e
schema1_redirect_resolve(const schema1_url_t *base, schema1_str_t location,
    schema1_buf_t *target, schema1_error_t *err)
{
    schema1_ref_t        ref;
    schema1_redirect_e   where;
    schema1_authority_t  authority;

    if (!schema1_redirect_printable(location)) {
        return schema1_redirect_refuse_characters(err);
    }

    location = schema1_redirect_until(&location, "#");

    if (location.len == 0) {
        return schema1_redirect_refuse(err, "without a Location");
    }

    schema1_redirect_parse(&ref, location);

    if (ref.scheme.len != 0 && schema1_redirect_port(ref.scheme) == 0) {
        return schema1_redirect_refuse(err, "to a URL that is neither http "
                                       "nor https");
    }

    if (ref.scheme.len != 0 && !ref.has_authority) {
        return schema1_redirect_refuse(err, "to a URL without a host");
    }

    if (ref.has_authority) {

        if (memchr(ref.authority.data, '@', ref.authority.len) != NULL) {
            return schema1_redirect_refuse(err, "to a URL with a user name");
        }

        if (schema1_redirect_authority(&authority, ref.authority,
                                       ref.scheme.len ? ref.scheme
                                                      : base->scheme)
            != SCHEMA1_OK)
        {
            return schema1_redirect_refuse(err, "to a URL without a proper "
                                           "host and port");
        }
    }

    if (base->registry
        && (!ref.has_authority
            || schema1_redirect_same(base, base->authority, &ref)
            || schema1_redirect_same(base, base->upstream, &ref)))
    {
        where = schema1_redirect_registry(base, &ref, target, err);

    } else {
        where = schema1_redirect_external(base, &ref, target, err);
    }

    if (target->failed) {
        (void) schema1_error_no_memory(err);
        return SCHEMA1_REDIRECT_REFUSED;
    }

    return where;
}


/* visible ASCII except "\\", which some clients treat as a slash */

static bool
schema1_redirect_printable(schema1_str_t location)
{
    size_t  i;

    for (i = 0; i < location.len; i++) {
        if (location.data[i] <= 0x20 || location.data[i] >= 0x7f
            || location.data[i] == '\\')
        {
            return false;
        }
    }

    return true;
}


static void
schema1_redirect_parse(schema1_ref_t *ref, schema1_str_t location)
{
    schema1_str_t  rest, part;

    memset(ref, 0, sizeof(schema1_ref_t));

    rest = location;
    part = schema1_redirect_until(&rest, ":/?");

    /* text before the first ":" is the scheme, even if malformed */

    if (rest.len != 0 && rest.data[0] == ':') {
        ref->scheme = part;

        if (part.len == 0) {
            ref->scheme = location;
        }

        rest.data++;
        rest.len--;

    } else {
        rest = location;
    }

    if (rest.len >= 2 && rest.data[0] == '/' && rest.data[1] == '/') {
        rest.data += 2;
        rest.len -= 2;

        ref->has_authority = true;
        ref->authority = schema1_redirect_until(&rest, "/?");
    }

    ref->path = schema1_redirect_until(&rest, "?");

    if (rest.len != 0) {
        ref->has_query = true;
        ref->query.data = rest.data + 1;
        ref->query.len = rest.len - 1;
    }
}


/* removes and returns what comes before the first of the stops */

static schema1_str_t
schema1_redirect_until(schema1_str_t *rest, const char *stops)
{
    size_t         i;
    schema1_str_t  part;

    for (i = 0; i < rest->len; i++) {
        if (strchr(stops, rest->data[i]) != NULL) {
            break;
        }
    }

    part.data = rest->data;
    part.len = i;

    if (i != 0) {
        rest->data += i;
        rest->len -= i;
    }

    return part;
}


static unsigned
schema1_redirect_port(schema1_str_t scheme)
{
    if (schema1_str_caseeq(scheme, "http")) {
        return 80;
    }

    return schema1_str_caseeq(scheme, "https") ? 443 : 0;
}


static int
schema1_redirect_authority(schema1_authority_t *authority,
    schema1_str_t value, schema1_str_t scheme)
{
    size_t    i;
    unsigned  port;

    port = 0;
    i = value.len;

    while (i != 0 && value.data[i - 1] >= '0' && value.data[i - 1] <= '9') {
        i--;
    }

    authority->host = value;
    authority->port = schema1_redirect_port(scheme);

    if (i != 0 && value.data[i - 1] == ':') {

        authority->host.len = i - 1;

        if (value.len == i || value.len - i > 5) {
            return SCHEMA1_ERROR;
        }

        for (/* void */ ; i < value.len; i++) {
            port = port * 10 + (unsigned) (value.data[i] - '0');
        }

        if (port == 0 || port > 65535) {
            return SCHEMA1_ERROR;
        }

        authority->port = port;
    }

    authority->standard = (authority->port == schema1_redirect_port(scheme));

    return schema1_redirect_host_valid(authority->host) ? SCHEMA1_OK
                                                        : SCHEMA1_ERROR;
}


/* a name, an IPv4 or a bracketed IPv6 address; no percent-encoding */

static bool
schema1_redirect_host_valid(schema1_str_t host)
{
    char    ch;
    bool    bracketed;
    size_t  i;

    bracketed = host.len > 2 && host.data[0] == '['
                && host.data[host.len - 1] == ']';

    if (bracketed) {
        host.data++;
        host.len -= 2;
    }

    for (i = 0; i < host.len; i++) {
        ch = host.data[i];

        if (bracketed) {

            if (schema1_hex(ch) < 0 && ch != ':' && ch != '.') {
                return false;
            }

            continue;
        }

        if (!(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z')
            && !(ch >= '0' && ch <= '9')
            && ch != '.' && ch != '-' && ch != '_' && ch != '~')
        {
            return false;
        }
    }

    return host.len != 0;
}


/* any scheme: behind a TLS terminator a registry uses http in its URLs */

static bool
schema1_redirect_same(const schema1_url_t *base, schema1_str_t authority,
    const schema1_ref_t *ref)
{
    schema1_str_t        scheme;
    schema1_authority_t  one, two;

    scheme = ref->scheme.len ? ref->scheme : base->scheme;

    if (schema1_redirect_authority(&one, authority, base->scheme)
        != SCHEMA1_OK
        || schema1_redirect_authority(&two, ref->authority, scheme)
           != SCHEMA1_OK
        || one.host.len != two.host.len)
    {
        return false;
    }

    if (strncasecmp(one.host.data, two.host.data, one.host.len) != 0) {
        return false;
    }

    return one.port == two.port || (one.standard && two.standard);
}


static schema1_redirect_e
schema1_redirect_registry(const schema1_url_t *base, const schema1_ref_t *ref,
    schema1_buf_t *target, schema1_error_t *err)
{
    schema1_buf_t  path;

    memset(&path, 0, sizeof(schema1_buf_t));

    schema1_redirect_path(&path, base, ref);

    if (!path.failed
        && (schema1_redirect_decode(&path) != SCHEMA1_OK
            || !schema1_redirect_is_registry(schema1_buf_str(&path),
                                             base->name)))
    {
        schema1_buf_free(&path);
        return schema1_redirect_other_path(base, ref, target, err);
    }

    schema1_buf_append(target, path.data, path.len);

    if (ref->query.len != 0) {
        schema1_buf_putc(target, '?');
        schema1_buf_append(target, ref->query.data, ref->query.len);
    }

    target->failed |= path.failed;
    schema1_buf_free(&path);

    return SCHEMA1_REDIRECT_REGISTRY;
}


/*
 * "On that host, any other path never gives access to the user's other
 * locations.  It is fetched as an external target, from the host by which nginx
 * knows the upstream."
 */

static schema1_redirect_e
schema1_redirect_other_path(const schema1_url_t *base,
    const schema1_ref_t *ref, schema1_buf_t *target, schema1_error_t *err)
{
    schema1_ref_t        url;
    schema1_buf_t        path;
    schema1_redirect_e   where;
    schema1_authority_t  authority;

    if (schema1_redirect_authority(&authority, base->upstream, base->scheme)
        != SCHEMA1_OK)
    {
        return schema1_redirect_refuse(err, "to a path of its own that is "
                                       "neither a blob nor a manifest of the "
                                       "same repository");
    }

    memset(&path, 0, sizeof(schema1_buf_t));

    schema1_redirect_path(&path, base, ref);

    url = *ref;
    url.scheme = base->scheme;
    url.has_authority = true;
    url.authority = base->upstream;
    url.path = schema1_buf_str(&path);

    /* a relative Location continues the path that was requested */

    if ((url.path.len != 0 && url.path.data[0] != '/')
        || !schema1_redirect_printable(url.path))
    {
        where = schema1_redirect_refuse_characters(err);

    } else {
        where = schema1_redirect_external(base, &url, target, err);
    }

    target->failed |= path.failed;
    schema1_buf_free(&path);

    return where;
}


static schema1_redirect_e
schema1_redirect_external(const schema1_url_t *base,
    const schema1_ref_t *ref, schema1_buf_t *target, schema1_error_t *err)
{
    schema1_buf_t  path;
    schema1_str_t  scheme, authority;

    scheme = ref->scheme.len ? ref->scheme : base->scheme;
    authority = ref->has_authority ? ref->authority : base->authority;

    if (schema1_str_caseeq(base->scheme, "https")
        && !schema1_str_caseeq(scheme, "https"))
    {
        return schema1_redirect_refuse(err, "from https to http");
    }

    memset(&path, 0, sizeof(schema1_buf_t));

    if (ref->has_authority) {

        /* nginx would send an empty request target */

        if (ref->path.len == 0) {
            schema1_buf_putc(&path, '/');
        }

        schema1_buf_append(&path, ref->path.data, ref->path.len);

    } else {
        schema1_redirect_path(&path, base, ref);
    }

    schema1_buf_append(target, scheme.data, scheme.len);
    schema1_buf_puts(target, "://");
    schema1_buf_append(target, authority.data, authority.len);
    schema1_buf_append(target, path.data, path.len);

    if (ref->has_query) {
        schema1_buf_putc(target, '?');
        schema1_buf_append(target, ref->query.data, ref->query.len);
    }

    target->failed |= path.failed;
    schema1_buf_free(&path);

    return SCHEMA1_REDIRECT_EXTERNAL;
}


/* the path of the target, still encoded (RFC 3986, 5.2.2 and 5.2.3) */

static void
schema1_redirect_path(schema1_buf_t *path, const schema1_url_t *base,
    const schema1_ref_t *ref)
{
    size_t         i;
    schema1_str_t  rest, old;

    rest = base->path;
    old = schema1_redirect_until(&rest, "?#");

    if (!ref->has_authority && ref->path.len == 0) {
        schema1_buf_append(path, old.data, old.len);
        return;
    }

    if (!ref->has_authority && ref->path.data[0] != '/') {

        for (i = old.len; i != 0 && old.data[i - 1] != '/'; i--) {
            /* void */
        }

        if (i == 0) {
            schema1_buf_putc(path, '/');
        }

        schema1_buf_append(path, old.data, i);
    }

    schema1_buf_append(path, ref->path.data, ref->path.len);
    schema1_redirect_remove_dots(path);
}


/* RFC 3986, 5.2.4, in place; the path is empty or begins with a slash */

static void
schema1_redirect_remove_dots(schema1_buf_t *path)
{
    size_t   start, end, out;
    bool     last, dot, dots;
    char    *data;

    data = path->data;
    out = 0;

    for (start = 0; start < path->len; start = end) {

        for (end = start + 1; end < path->len && data[end] != '/'; end++) {
            /* void */
        }

        last = (end == path->len);
        dot = (end - start == 2 && data[start + 1] == '.');
        dots = (end - start == 3 && data[start + 1] == '.'
                && data[start + 2] == '.');

        if (dots) {
            while (out != 0 && data[--out] != '/') {
                /* void */
            }
        }

        if (dot || dots) {

            if (last) {
                data[out++] = '/';
            }

            continue;
        }

        memmove(data + out, data + start, end - start);
        out += end - start;
    }

    path->len = out;
}


/* in place */

static int
schema1_redirect_decode(schema1_buf_t *path)
{
    size_t         i;
    ptrdiff_t      len;
    schema1_str_t  str;

    /* some servers treat an encoded slash as a slash */

    for (i = 2; i < path->len; i++) {
        if (path->data[i - 2] == '%' && path->data[i - 1] == '2'
            && (path->data[i] | 0x20) == 'f')
        {
            return SCHEMA1_ERROR;
        }
    }

    str.data = path->data;
    str.len = path->len;

    len = schema1_str_decode(str, path->data);

    if (len < 0) {
        return SCHEMA1_ERROR;
    }

    path->len = (size_t) len;

    return SCHEMA1_OK;
}


/* /v2/<name>/blobs/... or /v2/<name>/manifests/..., decoded */

static bool
schema1_redirect_is_registry(schema1_str_t path, schema1_str_t name)
{
    size_t         i;
    schema1_str_t  action;

    for (i = 0; i < path.len; i++) {
        if (!schema1_redirect_path_char(path.data[i])) {
            return false;
        }
    }

    if (path.data == NULL
        || path.len < 4 + name.len + 1
        || memcmp(path.data, "/v2/", 4) != 0
        || memcmp(path.data + 4, name.data, name.len) != 0
        || path.data[4 + name.len] != '/')
    {
        return false;
    }

    path.data += 4 + name.len + 1;
    path.len -= 4 + name.len + 1;

    action = schema1_redirect_until(&path, "/");

    if (!schema1_str_eq(action, "blobs")
        && !schema1_str_eq(action, "manifests"))
    {
        return false;
    }

    return schema1_redirect_rest_valid(path);
}


/* a slash, or allowed in a path without encoding (RFC 3986, 3.3) */

static bool
schema1_redirect_path_char(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
           || (ch >= '0' && ch <= '9')
           || (ch != '\0' && strchr("/-._~!$&'()*+,;=:@", ch) != NULL);
}


/* a repository may be called <name>/blobs/...: its paths are refused */

static bool
schema1_redirect_rest_valid(schema1_str_t rest)
{
    schema1_str_t  segment;

    if (rest.len == 0) {
        return false;
    }

    while (rest.len != 0) {
        rest.data++;
        rest.len--;

        segment = schema1_redirect_until(&rest, "/");

        if (segment.len == 0 || schema1_str_eq(segment, ".")
            || schema1_str_eq(segment, ".."))
        {
            return false;
        }

        if (rest.len != 0
            && (schema1_str_eq(segment, "blobs")
                || schema1_str_eq(segment, "manifests")
                || schema1_str_eq(segment, "tags")
                || schema1_str_eq(segment, "referrers")))
        {
            return false;
        }
    }

    return true;
}


static schema1_redirect_e
schema1_redirect_refuse_characters(schema1_error_t *err)
{
    return schema1_redirect_refuse(err, "to a Location with characters that "
                                   "no URL may contain");
}


static schema1_redirect_e
schema1_redirect_refuse(schema1_error_t *err, const char *why)
{
    schema1_error_set(err, SCHEMA1_REDIRECTED,
                      "a redirect %s is not followed", why);

    return SCHEMA1_REDIRECT_REFUSED;
}
