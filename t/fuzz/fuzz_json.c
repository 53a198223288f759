
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* the JSON parser to compare with: see fuzz.h */

#include "fuzz.h"


#define FUZZ_DEPTH        10000
#define FUZZ_REPLACEMENT  0xfffd


typedef struct {
    const unsigned char  *pos;
    const unsigned char  *last;
    fuzz_node_t          *nodes;
    char                 *texts;
    size_t                depth;
    fuzz_tree_t          *tree;
} fuzz_parser_t;


static fuzz_node_t *fuzz_value(fuzz_parser_t *p);
static bool fuzz_container(fuzz_parser_t *p, fuzz_node_t *node, bool object);
static bool fuzz_number(fuzz_parser_t *p, fuzz_node_t *node);
static bool fuzz_string(fuzz_parser_t *p, schema1_str_t *text);
static bool fuzz_escape(fuzz_parser_t *p, unsigned *code);
static int fuzz_hex4(const fuzz_parser_t *p, size_t from);
static unsigned fuzz_utf8(fuzz_parser_t *p);
static size_t fuzz_encode(unsigned code, unsigned char *to);
static bool fuzz_word(fuzz_parser_t *p, const char *word);
static void fuzz_space(fuzz_parser_t *p);
static bool fuzz_folded(schema1_str_t name, const char *text);


void
fuzz_parse(fuzz_tree_t *tree, schema1_str_t document)
{
    fuzz_parser_t  p;

    memset(tree, 0, sizeof(fuzz_tree_t));
    memset(&p, 0, sizeof(fuzz_parser_t));

    /* no more nodes than bytes, and a byte of text may become three */

    tree->memory = malloc((document.len + 1)
                          * (sizeof(fuzz_node_t) + 3));
    fuzz_check(tree->memory != NULL);

    p.nodes = tree->memory;
    p.texts = (char *) (p.nodes + document.len + 1);
    p.pos = (const unsigned char *) document.data;
    p.last = document.len ? p.pos + document.len : p.pos;
    p.tree = tree;

    tree->root = fuzz_value(&p);

    fuzz_space(&p);

    if (p.pos != p.last) {
        tree->root = NULL;
    }
}


void
fuzz_parse_free(fuzz_tree_t *tree)
{
    free(tree->memory);
    memset(tree, 0, sizeof(fuzz_tree_t));
}


static fuzz_node_t *
fuzz_value(fuzz_parser_t *p)
{
    bool          good;
    fuzz_node_t  *node;

    fuzz_space(p);

    if (p->pos == p->last) {
        return NULL;
    }

    node = p->nodes++;
    memset(node, 0, sizeof(fuzz_node_t));

    switch (*p->pos) {

    case '{':
    case '[':
        good = fuzz_container(p, node, *p->pos == '{');
        break;

    case '"':
        node->type = FUZZ_STRING;
        good = fuzz_string(p, &node->text);
        break;

    case 'n':
        node->type = FUZZ_NULL;
        good = fuzz_word(p, "null");
        break;

    case 't':
        node->type = FUZZ_TRUE;
        good = fuzz_word(p, "true");
        break;

    case 'f':
        node->type = FUZZ_FALSE;
        good = fuzz_word(p, "false");
        break;

    default:
        good = fuzz_number(p, node);
    }

    return good ? node : NULL;
}


static bool
fuzz_container(fuzz_parser_t *p, fuzz_node_t *node, bool object)
{
    unsigned char   end;
    schema1_str_t   name;
    fuzz_node_t   **link, *child;

    node->type = object ? FUZZ_OBJECT : FUZZ_ARRAY;
    end = object ? '}' : ']';
    link = &node->child;

    if (++p->depth > FUZZ_DEPTH) {
        return false;
    }

    if (p->depth > p->tree->max_depth) {
        p->tree->max_depth = p->depth;
    }

    p->pos++;
    fuzz_space(p);

    if (p->pos < p->last && *p->pos == end) {
        p->pos++;
        p->depth--;
        return true;
    }

    for ( ;; ) {
        memset(&name, 0, sizeof(schema1_str_t));

        if (object) {
            fuzz_space(p);

            if (p->pos == p->last || *p->pos != '"'
                || !fuzz_string(p, &name))
            {
                return false;
            }

            fuzz_space(p);

            if (!fuzz_word(p, ":")) {
                return false;
            }
        }

        child = fuzz_value(p);
        if (child == NULL) {
            return false;
        }

        child->name = name;
        *link = child;
        link = &child->next;

        fuzz_space(p);

        if (p->pos == p->last) {
            return false;
        }

        if (*p->pos == end) {
            p->pos++;
            p->depth--;
            return true;
        }

        if (!fuzz_word(p, ",")) {
            return false;
        }
    }
}


static bool
fuzz_number(fuzz_parser_t *p, fuzz_node_t *node)
{
    unsigned              state;
    const unsigned char  *start;

    /* states: start, -, 0, 12, 1., 1.2, 1e, 1e+, 1e2 */

    static const char     classes[] = "-0123456789.eE+";
    static const signed char  next[9][6] = {
        /*  -   0   1   .   e   + */
        {   1,  2,  3, -1, -1, -1 },
        {  -1,  2,  3, -1, -1, -1 },
        {  -1, -1, -1,  4,  6, -1 },
        {  -1,  3,  3,  4,  6, -1 },
        {  -1,  5,  5, -1, -1, -1 },
        {  -1,  5,  5, -1,  6, -1 },
        {   7,  8,  8, -1, -1,  7 },
        {  -1,  8,  8, -1, -1, -1 },
        {  -1,  8,  8, -1, -1, -1 }
    };
    static const unsigned  class_of[] = {
        0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 4, 4, 5
    };

    state = 0;
    start = p->pos;

    while (p->pos < p->last && *p->pos != '\0'
           && strchr(classes, *p->pos) != NULL)
    {
        int  to;

        to = next[state][class_of[strchr(classes, *p->pos) - classes]];

        if (to < 0) {
            return false;
        }

        state = (unsigned) to;
        p->pos++;
    }

    node->type = FUZZ_NUMBER;
    node->text.data = (const char *) start;
    node->text.len = (size_t) (p->pos - start);

    return state == 2 || state == 3 || state == 5 || state == 8;
}


static bool
fuzz_string(fuzz_parser_t *p, schema1_str_t *text)
{
    char           *to;
    unsigned        code;

    to = p->texts;
    p->pos++;

    while (p->pos < p->last) {

        if (*p->pos == '"') {
            p->pos++;

            text->data = p->texts;
            text->len = (size_t) (to - p->texts);
            p->texts = to;

            return true;
        }

        if (*p->pos < 0x20) {
            return false;
        }

        if (*p->pos == '\\') {

            if (!fuzz_escape(p, &code)) {
                return false;
            }

        } else {
            code = fuzz_utf8(p);
        }

        if (code == 0) {
            p->tree->nul = true;
        }

        to += fuzz_encode(code, (unsigned char *) to);
    }

    return false;
}


static bool
fuzz_escape(fuzz_parser_t *p, unsigned *code)
{
    int                 high, low;
    const char         *found;
    static const char   from[] = "\"\\/bfnrt";
    static const char   to[] = "\"\\/\b\f\n\r\t";

    if (p->last - p->pos < 2 || p->pos[1] == '\0') {
        return false;
    }

    found = strchr(from, p->pos[1]);

    if (found != NULL) {
        *code = (unsigned char) to[found - from];
        p->pos += 2;
        return true;
    }

    high = p->pos[1] == 'u' ? fuzz_hex4(p, 2) : -1;

    if (high < 0) {
        return false;
    }

    p->pos += 6;
    *code = (unsigned) high;

    if ((high & 0xf800) != 0xd800) {
        return true;
    }

    if ((high & 0xfc00) == 0xd800 && p->last - p->pos >= 6
        && p->pos[0] == '\\' && p->pos[1] == 'u')
    {
        low = fuzz_hex4(p, 2);

        if (low >= 0 && (low & 0xfc00) == 0xdc00) {
            *code = 0x10000u + ((unsigned) high & 0x3ff) * 0x400
                    + ((unsigned) low & 0x3ff);
            p->pos += 6;
            return true;
        }
    }

    *code = FUZZ_REPLACEMENT;
    p->tree->odd = true;

    return true;
}


static int
fuzz_hex4(const fuzz_parser_t *p, size_t from)
{
    char    digits[5], *end;
    size_t  i;

    if ((size_t) (p->last - p->pos) < from + 4) {
        return -1;
    }

    for (i = 0; i < 4; i++) {
        digits[i] = (char) p->pos[from + i];

        if (digits[i] == '\0'
            || strchr("0123456789abcdefABCDEF", digits[i]) == NULL)
        {
            return -1;
        }
    }

    digits[4] = '\0';

    return (int) strtol(digits, &end, 16);
}


/* good is what comes out the same when it is encoded again */

static unsigned
fuzz_utf8(fuzz_parser_t *p)
{
    size_t                 n, i;
    unsigned               code;
    unsigned char          again[4];
    static const unsigned  masks[] = { 0x7f, 0x1f, 0x0f, 0x07 };

    for (n = 1; n <= 4 && (size_t) (p->last - p->pos) >= n; n++) {
        code = p->pos[0] & masks[n - 1];

        for (i = 1; i < n; i++) {
            code = code * 64 + (p->pos[i] & 63);
        }

        if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
            continue;
        }

        if (fuzz_encode(code, again) == n && memcmp(again, p->pos, n) == 0) {
            p->pos += n;
            return code;
        }
    }

    p->pos++;
    p->tree->odd = true;

    return FUZZ_REPLACEMENT;
}


static size_t
fuzz_encode(unsigned code, unsigned char *to)
{
    size_t         n, i;
    unsigned char  lead;

    n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    lead = n == 1 ? 0 : (unsigned char) (0xf00 >> n);

    for (i = n; i-- > 1; /* void */ ) {
        to[i] = (unsigned char) (0x80 + code % 64);
        code /= 64;
    }

    to[0] = (unsigned char) (lead + code);

    return n;
}


static bool
fuzz_word(fuzz_parser_t *p, const char *word)
{
    size_t  len;

    len = strlen(word);

    if ((size_t) (p->last - p->pos) < len || memcmp(p->pos, word, len) != 0) {
        return false;
    }

    p->pos += len;

    return true;
}


static void
fuzz_space(fuzz_parser_t *p)
{
    while (p->pos < p->last && (*p->pos == 0x20 || *p->pos == 0x0a
                                || *p->pos == 0x09 || *p->pos == 0x0d))
    {
        p->pos++;
    }
}


bool
fuzz_equal(const fuzz_node_t *one, const fuzz_node_t *two)
{
    if (one->type != two->type || !fuzz_same(one->name, two->name)
        || !fuzz_same(one->text, two->text))
    {
        return false;
    }

    one = one->child;
    two = two->child;

    for (/* void */ ; one != NULL && two != NULL; one = one->next) {

        if (!fuzz_equal(one, two)) {
            return false;
        }

        two = two->next;
    }

    return one == NULL && two == NULL;
}


const fuzz_node_t *
fuzz_member(const fuzz_node_t *object, const char *name)
{
    const fuzz_node_t  *member, *found;

    found = NULL;

    for (member = object->child; member != NULL; member = member->next) {
        if (member->type != FUZZ_NULL && fuzz_folded(member->name, name)) {
            found = member;
        }
    }

    return found;
}


const fuzz_node_t *
fuzz_last(const fuzz_node_t *object, const char *name)
{
    const fuzz_node_t  *member, *found;

    found = NULL;

    for (member = object->child; member != NULL; member = member->next) {
        if (fuzz_folded(member->name, name)) {
            found = member;
        }
    }

    return found;
}


size_t
fuzz_members(const fuzz_node_t *object, const char *name)
{
    size_t              n;
    const fuzz_node_t  *member;

    n = 0;

    for (member = object->child; member != NULL; member = member->next) {
        if (fuzz_folded(member->name, name)) {
            n++;
        }
    }

    return n;
}


size_t
fuzz_count(const fuzz_node_t *node)
{
    size_t              n;
    const fuzz_node_t  *child;

    n = 0;

    for (child = node->child; child != NULL; child = child->next) {
        n++;
    }

    return n;
}


/* as like as Go has it: also the long s and the sign for Kelvin */

static bool
fuzz_folded(schema1_str_t name, const char *text)
{
    char    plain[64];
    size_t  i, n;

    n = 0;

    for (i = 0; i < name.len && n < sizeof(plain); n++) {

        if (name.len - i >= 2 && memcmp(name.data + i, "\xc5\xbf", 2) == 0) {
            plain[n] = 's';
            i += 2;

        } else if (name.len - i >= 3
                   && memcmp(name.data + i, "\xe2\x84\xaa", 3) == 0)
        {
            plain[n] = 'k';
            i += 3;

        } else {
            plain[n] = name.data[i++];
        }
    }

    name.data = plain;
    name.len = n;

    return i && i >= n && fuzz_like(name, text);
}
