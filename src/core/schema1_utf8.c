
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

    if (s[0] < 0x80) {
        return s[0];
    }

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
    if (rune < 0x80) {
        to[0] = (char) rune;
        return 1;
    }

    if (rune < 0x800) {
        to[0] = (char) (0xc0 | rune >> 6);
        to[1] = (char) (0x80 | (rune & 0x3f));
        return 2;
    }

    if (rune < 0x10000) {
        to[0] = (char) (0xe0 | rune >> 12);
        to[1] = (char) (0x80 | (rune >> 6 & 0x3f));
        to[2] = (char) (0x80 | (rune & 0x3f));
        return 3;
    }

    to[0] = (char) (0xf0 | rune >> 18);
    to[1] = (char) (0x80 | (rune >> 12 & 0x3f));
    to[2] = (char) (0x80 | (rune >> 6 & 0x3f));
    to[3] = (char) (0x80 | (rune & 0x3f));

    return 4;
}
