
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_platform.h"


static bool schema1_platform_part(schema1_str_t part);
static const char *schema1_platform_default(schema1_str_t architecture);
static unsigned schema1_platform_level(schema1_str_t variant);
static bool schema1_platform_same(schema1_str_t one, schema1_str_t two);


int
schema1_platform_read(schema1_platform_t *platform, schema1_str_t value)
{
    /* a slash at the end would be followed by an empty part */

    if (value.len == 0 || value.len > SCHEMA1_PLATFORM_MAX
        || value.data[value.len - 1] == '/')
    {
        return SCHEMA1_ERROR;
    }

    platform->os = schema1_str_cut(&value, '/');
    platform->architecture = schema1_str_cut(&value, '/');
    platform->variant = schema1_str_cut(&value, '/');

    if (value.len != 0
        || !schema1_platform_part(platform->os)
        || !schema1_platform_part(platform->architecture)
        || (platform->variant.len && !schema1_platform_part(platform->variant)))
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
    const char    *usual;
    schema1_str_t  variant;

    if (!schema1_platform_same(wanted->os, entry->os)
        || !schema1_platform_same(wanted->architecture, entry->architecture)
        || schema1_str_eq(entry->os, "unknown")
        || schema1_str_eq(entry->architecture, "unknown"))
    {
        return 0;
    }

    variant = entry->variant;
    usual = schema1_platform_default(entry->architecture);

    if (wanted->variant.len == 0) {

        /* "v1 on amd64 and v8 on arm64 count as no variant" */

        return (variant.len == 0
                || (usual && schema1_str_eq(variant, usual)
                    && !schema1_str_eq(entry->architecture, "arm")))
               ? 1 : 2;
    }

    if (variant.len == 0 && usual) {
        variant.data = usual;
        variant.len = strlen(usual);
    }

    if (schema1_platform_same(wanted->variant, variant)) {
        return 1;
    }

    /*
     * "If there is no such match, the module falls back to the next lower
     * variant, and so on, on 32-bit arm, arm64 and amd64."
     */

    want = schema1_platform_level(wanted->variant);
    have = schema1_platform_level(variant);

    if (usual == NULL || have == 0 || have > want) {
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


static bool
schema1_platform_part(schema1_str_t part)
{
    char    ch;
    size_t  i;

    for (i = 0; i < part.len; i++) {
        ch = part.data[i];

        if (!(ch >= 'a' && ch <= 'z') && !(ch >= '0' && ch <= '9')
            && ch != '.' && ch != '_' && ch != '-')
        {
            return false;
        }
    }

    return part.len != 0;
}


/*
 * "An entry without a variant counts as v8 on arm64, as v7 on 32-bit arm and as
 * v1 on amd64."  NULL: the architecture has no variants that are ordered.
 */

static const char *
schema1_platform_default(schema1_str_t architecture)
{
    if (schema1_str_eq(architecture, "amd64")) {
        return "v1";
    }

    if (schema1_str_eq(architecture, "arm64")) {
        return "v8";
    }

    return schema1_str_eq(architecture, "arm") ? "v7" : NULL;
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
