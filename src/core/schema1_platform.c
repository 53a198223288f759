
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_platform.h"


#define SCHEMA1_PLATFORM_MAX  128


static int schema1_platform_part(schema1_str_t *value, schema1_str_t *part);
static schema1_str_t schema1_platform_variant(
    const schema1_platform_t *platform);
static unsigned schema1_platform_level(schema1_str_t variant);
static bool schema1_platform_same(schema1_str_t one, schema1_str_t two);


int
schema1_platform_read(schema1_platform_t *platform, schema1_str_t value)
{
    memset(platform, 0, sizeof(schema1_platform_t));

    if (value.len > SCHEMA1_PLATFORM_MAX) {
        return SCHEMA1_ERROR;
    }

    if (schema1_platform_part(&value, &platform->os) != SCHEMA1_OK
        || value.len == 0)
    {
        return SCHEMA1_ERROR;
    }

    if (schema1_platform_part(&value, &platform->architecture) != SCHEMA1_OK) {
        return SCHEMA1_ERROR;
    }

    if (value.len == 0) {
        return SCHEMA1_OK;
    }

    if (schema1_platform_part(&value, &platform->variant) != SCHEMA1_OK
        || value.len != 0)
    {
        return SCHEMA1_ERROR;
    }

    return SCHEMA1_OK;
}


unsigned
schema1_platform_rank(const schema1_platform_t *wanted,
    const schema1_platform_t *entry)
{
    unsigned       want, have;
    schema1_str_t  variant;

    if (entry->os.len == 0 || entry->architecture.len == 0
        || !schema1_platform_same(wanted->os, entry->os)
        || !schema1_platform_same(wanted->architecture, entry->architecture)
        || schema1_str_eq(entry->os, "unknown")
        || schema1_str_eq(entry->architecture, "unknown"))
    {
        return 0;
    }

    if (wanted->variant.len == 0) {

        if (entry->variant.len == 0
            || (schema1_str_eq(entry->architecture, "amd64")
                && schema1_str_eq(entry->variant, "v1"))
            || (schema1_str_eq(entry->architecture, "arm64")
                && schema1_str_eq(entry->variant, "v8")))
        {
            return 1;
        }

        return 2;
    }

    variant = schema1_platform_variant(entry);

    if (schema1_platform_same(wanted->variant, variant)) {
        return 1;
    }

    /*
     * "If there is no such match, the module falls back to the next lower
     * variant, and so on, on 32-bit arm, arm64 and amd64."
     */

    if (!schema1_str_eq(wanted->architecture, "arm")
        && !schema1_str_eq(wanted->architecture, "arm64")
        && !schema1_str_eq(wanted->architecture, "amd64"))
    {
        return 0;
    }

    want = schema1_platform_level(wanted->variant);
    have = schema1_platform_level(variant);

    if (want == 0 || have == 0 || have > want) {
        return 0;
    }

    return 1 + want - have;
}


const char *
schema1_platform_oci_name(schema1_str_t architecture)
{
    size_t  i;

    static const struct {
        const char  *name;
        const char  *oci;
    } names[] = {
        { "x86_64", "amd64" },
        { "x86-64", "amd64" },
        { "x64", "amd64" },
        { "i386", "386" },
        { "i686", "386" },
        { "x86", "386" },
        { "aarch64", "arm64" },
        { "armv8", "arm64" },
        { "armv7", "arm/v7" },
        { "armv7l", "arm/v7" },
        { "armhf", "arm/v7" },
        { "armv6", "arm/v6" },
        { "armv6l", "arm/v6" },
        { "armel", "arm/v6" },
        { "ppc64el", "ppc64le" },
        { "powerpc64le", "ppc64le" }
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        if (schema1_str_eq(architecture, names[i].name)) {
            return names[i].oci;
        }
    }

    return NULL;
}


/* removes the part before the next slash, and the slash */

static int
schema1_platform_part(schema1_str_t *value, schema1_str_t *part)
{
    char    ch;
    size_t  i;

    for (i = 0; i < value->len && value->data[i] != '/'; i++) {
        ch = value->data[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')
            || ch == '.' || ch == '_' || ch == '-')
        {
            continue;
        }

        return SCHEMA1_ERROR;
    }

    if (i == 0) {
        return SCHEMA1_ERROR;
    }

    part->data = value->data;
    part->len = i;

    if (i == value->len) {
        value->len = 0;
        return SCHEMA1_OK;
    }

    /* a slash at the end would be followed by an empty part */

    if (i + 1 == value->len) {
        return SCHEMA1_ERROR;
    }

    value->data += i + 1;
    value->len -= i + 1;

    return SCHEMA1_OK;
}


/* an entry's variant, or the default one of its architecture */

static schema1_str_t
schema1_platform_variant(const schema1_platform_t *platform)
{
    static const schema1_str_t  v1 = schema1_string("v1");
    static const schema1_str_t  v7 = schema1_string("v7");
    static const schema1_str_t  v8 = schema1_string("v8");

    if (platform->variant.len == 0) {

        if (schema1_str_eq(platform->architecture, "amd64")) {
            return v1;
        }

        if (schema1_str_eq(platform->architecture, "arm64")) {
            return v8;
        }

        if (schema1_str_eq(platform->architecture, "arm")) {
            return v7;
        }
    }

    return platform->variant;
}


/* the number in "v5", "v6", ...; 0: something else */

static unsigned
schema1_platform_level(schema1_str_t variant)
{
    if (variant.len != 2 || variant.data[0] != 'v'
        || variant.data[1] < '1' || variant.data[1] > '9')
    {
        return 0;
    }

    return (unsigned) (variant.data[1] - '0');
}


static bool
schema1_platform_same(schema1_str_t one, schema1_str_t two)
{
    return one.len == two.len && memcmp(one.data, two.data, one.len) == 0;
}
