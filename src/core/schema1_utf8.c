
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_utf8.h"


unsigned
schema1_utf8_decode(const char **p, const char *last)
{
    size_t                n, i;
    unsigned              rune;
    const unsigned char  *s;

    /* of two bytes, three, four: a smaller one has a shorter form */

    static const unsigned  min[] = { 0x80, 0x800, 0x10000 };

    s = (const unsigned char *) *p;
    (*p)++;

    n = 1 + (s[0] >= 0xe0) + (s[0] >= 0xf0);
    rune = s[0] & 0x3fu >> n;

    if (s[0] < 0xc2 || s[0] > 0xf4 || (size_t) (last - *p) < n) {
        return SCHEMA1_UTF8_REPLACEMENT;
    }

    for (i = 1; i <= n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return SCHEMA1_UTF8_REPLACEMENT;
        }

        rune = rune << 6 | (s[i] & 0x3f);
    }

    if (rune < min[n - 1] || rune > 0x10ffff
        || (rune >= 0xd800 && rune <= 0xdfff))
    {
        return SCHEMA1_UTF8_REPLACEMENT;
    }

    *p += n;

    return rune;
}


size_t
schema1_utf8_encode(unsigned rune, char *to)
{
    size_t  n, i;

    static const unsigned  first[] = { 0x00, 0xc0, 0xe0, 0xf0 };

    /* bytes that follow the first */

    n = (rune >= 0x80) + (rune >= 0x800) + (rune >= 0x10000);

    for (i = n; i > 0; i--) {
        to[i] = (char) (0x80 | (rune & 0x3f));
        rune >>= 6;
    }

    to[0] = (char) (first[n] | rune);

    return n + 1;
}
