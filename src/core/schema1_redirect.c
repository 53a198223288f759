
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <strings.h>

#include "schema1_redirect.h"


typedef struct {
    schema1_str_t      host;
    unsigned           port;
    bool               standard;    /* the scheme's default port */
} schema1_authority_t;


static bool schema1_redirect_printable(schema1_str_t location);
static schema1_str_t schema1_redirect_until(schema1_str_t *rest,
    const char *stops);
static unsigned schema1_redirect_port(schema1_str_t scheme);
static int schema1_redirect_authority(schema1_authority_t *authority,
    schema1_str_t value, schema1_str_t scheme);
static bool schema1_redirect_host_valid(schema1_str_t host);
static schema1_redirect_e schema1_redirect_target(const schema1_base_t *base,
    schema1_url_t *ref, const schema1_authority_t *authority,
    schema1_buf_t *target, schema1_error_t *err);
static bool schema1_redirect_same(const schema1_authority_t *authority,
    schema1_str_t value, schema1_str_t scheme);
static void schema1_redirect_path(schema1_buf_t *path,
    const schema1_base_t *base, const schema1_url_t *ref);
static void schema1_redirect_remove_dots(schema1_buf_t *path);
static bool schema1_redirect_registry(const schema1_url_t *ref,
    schema1_str_t name, schema1_buf_t *target);
static bool schema1_redirect_is_registry(schema1_str_t path,
    schema1_str_t name);
static schema1_redirect_e schema1_redirect_other_path(
    const schema1_base_t *base, schema1_url_t *ref, schema1_buf_t *target,
    schema1_error_t *err);
static schema1_redirect_e schema1_redirect_external(
    const schema1_base_t *base, const schema1_url_t *ref,
    schema1_buf_t *target, schema1_error_t *err);
static schema1_redirect_e schema1_redirect_refuse(schema1_error_t *err,
    const char *why);


static const char  schema1_redirect_characters[] =
    "to a Location with characters that no URL may contain";


schema1_redirect_e
schema1_redirect_resolve(const schema1_base_t *base, schema1_str_t location,
    schema1_buf_t *target, schema1_error_t *err)
{
    schema1_url_t        ref;
    schema1_authority_t  authority;

    if (!schema1_redirect_printable(location)) {
        return schema1_redirect_refuse(err, schema1_redirect_characters);
    }

    location = schema1_redirect_until(&location, "#");

    if (location.len == 0) {
        return schema1_redirect_refuse(err, "without a Location");
    }

    schema1_redirect_parse(&ref, location);

    if (ref.scheme.data == NULL) {
        ref.scheme = base->url.scheme;

    } else if (schema1_redirect_port(ref.scheme) == 0) {
        return schema1_redirect_refuse(err, "to a URL that is neither http "
                                       "nor https");

    } else if (ref.authority.data == NULL) {
        return schema1_redirect_refuse(err, "to a URL without a host");
    }

    if (ref.authority.data != NULL) {

        if (memchr(ref.authority.data, '@', ref.authority.len) != NULL) {
            return schema1_redirect_refuse(err, "to a URL with a user name");
        }

        if (schema1_redirect_authority(&authority, ref.authority, ref.scheme)
            != SCHEMA1_OK)
        {
            return schema1_redirect_refuse(err, "to a URL without a proper "
                                           "host and port");
        }
    }

    return schema1_redirect_target(base, &ref, &authority, target, err);
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


void
schema1_redirect_parse(schema1_url_t *url, schema1_str_t text)
{
    schema1_str_t  rest, part;

    memset(url, 0, sizeof(schema1_url_t));

    rest = text;
    part = schema1_redirect_until(&rest, ":/?");

    /* text before the first ":" is the scheme, even if malformed */

    if (rest.len != 0 && rest.data[0] == ':') {
        url->scheme = part;

        rest.data++;
        rest.len--;

    } else {
        rest = text;
    }

    if (rest.len >= 2 && rest.data[0] == '/' && rest.data[1] == '/') {
        rest.data += 2;
        rest.len -= 2;

        url->authority = schema1_redirect_until(&rest, "/?");
    }

    url->path = schema1_redirect_until(&rest, "?");
    url->query = rest;
}


/* removes and returns what comes before the first of the stops */

static schema1_str_t
schema1_redirect_until(schema1_str_t *rest, const char *stops)
{
    schema1_str_t  part;

    part.data = rest->data;
    part.len = 0;

    while (rest->len != 0 && strchr(stops, rest->data[0]) == NULL) {
        part.len++;
        rest->data++;
        rest->len--;
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

        if (value.len - i > 5) {
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
    size_t  i;

    if (host.len < 3 || host.data[0] != '[' || host.data[host.len - 1] != ']') {
        return host.len != 0 && schema1_str_span(host, ".-_~") == host.len;
    }

    for (i = 1; i < host.len - 1; i++) {
        if (schema1_hex(host.data[i]) < 0 && host.data[i] != ':'
            && host.data[i] != '.')
        {
            return false;
        }
    }

    return true;
}


/* "authority" is the reference's, if it has one; changes the reference */

static schema1_redirect_e
schema1_redirect_target(const schema1_base_t *base, schema1_url_t *ref,
    const schema1_authority_t *authority, schema1_buf_t *target,
    schema1_error_t *err)
{
    bool                registry;
    schema1_buf_t       path;
    schema1_redirect_e  where;

    memset(&path, 0, sizeof(schema1_buf_t));

    registry = base->registry
               && (ref->authority.data == NULL
                   || schema1_redirect_same(authority, base->url.authority,
                                            base->url.scheme)
                   || schema1_redirect_same(authority, base->upstream,
                                            base->url.scheme));

    /* the path of an external URL may be signed */

    if (registry || ref->authority.data == NULL) {
        schema1_redirect_path(&path, base, ref);
        ref->path = schema1_buf_str(&path);
    }

    if (!registry) {

        if (ref->authority.data == NULL) {
            ref->authority = base->url.authority;
        }

        where = schema1_redirect_external(base, ref, target, err);

    } else if (schema1_redirect_registry(ref, base->name, target)) {
        where = SCHEMA1_REDIRECT_REGISTRY;

    } else {
        where = schema1_redirect_other_path(base, ref, target, err);
    }

    if (path.failed || target->failed) {
        (void) schema1_error_no_memory(err);
        where = SCHEMA1_REDIRECT_REFUSED;
    }

    schema1_buf_free(&path);

    return where;
}


/* any scheme: behind a TLS terminator a registry uses http in its URLs */

static bool
schema1_redirect_same(const schema1_authority_t *authority,
    schema1_str_t value, schema1_str_t scheme)
{
    schema1_authority_t  other;

    if (schema1_redirect_authority(&other, value, scheme) != SCHEMA1_OK
        || other.host.len != authority->host.len
        || strncasecmp(other.host.data, authority->host.data, other.host.len)
           != 0)
    {
        return false;
    }

    return other.port == authority->port
           || (other.standard && authority->standard);
}


/* the path of the target, still encoded (RFC 3986, 5.2.2 and 5.2.3) */

static void
schema1_redirect_path(schema1_buf_t *path, const schema1_base_t *base,
    const schema1_url_t *ref)
{
    schema1_str_t  rest, old;

    rest = base->url.path;
    old = schema1_redirect_until(&rest, "?#");

    if (ref->authority.data == NULL && ref->path.len == 0) {
        schema1_buf_append(path, old.data, old.len);
        return;
    }

    if (ref->authority.data == NULL && ref->path.data[0] != '/') {

        while (old.len != 0 && old.data[old.len - 1] != '/') {
            old.len--;
        }

        if (old.len == 0) {
            schema1_buf_putc(path, '/');
        }

        schema1_buf_append(path, old.data, old.len);
    }

    schema1_buf_append(path, ref->path.data, ref->path.len);
    schema1_redirect_remove_dots(path);
}


/* RFC 3986, 5.2.4, in place; the path is empty or begins with a slash */

static void
schema1_redirect_remove_dots(schema1_buf_t *path)
{
    bool           dots;
    schema1_str_t  rest, segment;

    rest = schema1_buf_str(path);
    path->len = 0;

    while (rest.len != 0) {
        rest.data++;
        rest.len--;

        segment = schema1_redirect_until(&rest, "/");
        dots = schema1_str_eq(segment, "..");

        if (!dots && !schema1_str_eq(segment, ".")) {
            memmove(path->data + path->len, segment.data - 1, segment.len + 1);
            path->len += segment.len + 1;
            continue;
        }

        while (dots && path->len != 0 && path->data[--path->len] != '/') {
            /* void */
        }

        if (rest.len == 0) {
            path->data[path->len++] = '/';
        }
    }
}


/* appends the decoded target; false: it is not one of the registry's */

static bool
schema1_redirect_registry(const schema1_url_t *ref, schema1_str_t name,
    schema1_buf_t *target)
{
    size_t         i;
    ptrdiff_t      len;
    schema1_str_t  path;

    /* some servers treat an encoded slash as a slash */

    for (i = 2; i < ref->path.len; i++) {
        if (ref->path.data[i - 2] == '%' && ref->path.data[i - 1] == '2'
            && (ref->path.data[i] | 0x20) == 'f')
        {
            return false;
        }
    }

    schema1_buf_reserve(target, ref->path.len);

    if (ref->path.len == 0 || target->failed) {
        return false;
    }

    path.data = target->data + target->len;
    len = schema1_str_decode(ref->path, target->data + target->len);

    if (len < 0) {
        return false;
    }

    path.len = (size_t) len;

    if (!schema1_redirect_is_registry(path, name)) {
        return false;
    }

    target->len += path.len;

    if (ref->query.len > 1) {
        schema1_buf_append(target, ref->query.data, ref->query.len);
    }

    return true;
}


/* /v2/<name>/blobs/... or /v2/<name>/manifests/..., decoded */

static bool
schema1_redirect_is_registry(schema1_str_t path, schema1_str_t name)
{
    schema1_str_t  segment;

    /* a slash, or allowed in a path without encoding (RFC 3986, 3.3) */

    if (schema1_str_span(path, "/-._~!$&'()*+,;=:@") != path.len
        || path.len < 4 + name.len + 1
        || memcmp(path.data, "/v2/", 4) != 0
        || memcmp(path.data + 4, name.data, name.len) != 0
        || path.data[4 + name.len] != '/')
    {
        return false;
    }

    path.data += 4 + name.len + 1;
    path.len -= 4 + name.len + 1;

    segment = schema1_redirect_until(&path, "/");

    if ((!schema1_str_eq(segment, "blobs")
         && !schema1_str_eq(segment, "manifests"))
        || path.len == 0)
    {
        return false;
    }

    while (path.len != 0) {
        path.data++;
        path.len--;

        segment = schema1_redirect_until(&path, "/");

        if (segment.len == 0 || schema1_str_eq(segment, ".")
            || schema1_str_eq(segment, ".."))
        {
            return false;
        }

        /* a repository may be called <name>/blobs/...: it is another one */

        if (path.len != 0
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


/*
 * "On that host, any other path never gives access to the user's other
 * locations.  It is fetched as an external target, from the host by which nginx
 * knows the upstream."
 */

static schema1_redirect_e
schema1_redirect_other_path(const schema1_base_t *base, schema1_url_t *ref,
    schema1_buf_t *target, schema1_error_t *err)
{
    schema1_authority_t  authority;

    if (schema1_redirect_authority(&authority, base->upstream, base->url.scheme)
        != SCHEMA1_OK)
    {
        return schema1_redirect_refuse(err, "to a path of its own that is "
                                       "neither a blob nor a manifest of the "
                                       "same repository");
    }

    /* a relative Location continues the path that was requested */

    if ((ref->path.len != 0 && ref->path.data[0] != '/')
        || !schema1_redirect_printable(ref->path))
    {
        return schema1_redirect_refuse(err, schema1_redirect_characters);
    }

    ref->scheme = base->url.scheme;
    ref->authority = base->upstream;

    return schema1_redirect_external(base, ref, target, err);
}


static schema1_redirect_e
schema1_redirect_external(const schema1_base_t *base, const schema1_url_t *ref,
    schema1_buf_t *target, schema1_error_t *err)
{
    if (schema1_str_caseeq(base->url.scheme, "https")
        && !schema1_str_caseeq(ref->scheme, "https"))
    {
        return schema1_redirect_refuse(err, "from https to http");
    }

    schema1_buf_append(target, ref->scheme.data, ref->scheme.len);
    schema1_buf_puts(target, "://");
    schema1_buf_append(target, ref->authority.data, ref->authority.len);

    /* nginx would send an empty request target */

    if (ref->path.len == 0) {
        schema1_buf_putc(target, '/');
    }

    schema1_buf_append(target, ref->path.data, ref->path.len);
    schema1_buf_append(target, ref->query.data, ref->query.len);

    return SCHEMA1_REDIRECT_EXTERNAL;
}


static schema1_redirect_e
schema1_redirect_refuse(schema1_error_t *err, const char *why)
{
    schema1_error_set(err, SCHEMA1_REDIRECTED,
                      "a redirect %s is not followed", why);

    return SCHEMA1_REDIRECT_REFUSED;
}
