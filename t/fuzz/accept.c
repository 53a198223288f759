
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* Accept header lines, one a line: what is read, decided, sent upstream */

#include "fuzz.h"
#include "schema1_accept.h"


#define LINES  64

#define MODERN                                                                \
    (1u << SCHEMA1_TYPE_SCHEMA2 | 1u << SCHEMA1_TYPE_LIST                     \
     | 1u << SCHEMA1_TYPE_OCI_MANIFEST | 1u << SCHEMA1_TYPE_OCI_INDEX)


static void accept_check_decisions(const schema1_accept_t *accept);
static void accept_check_upstream(const schema1_accept_t *accept,
    const schema1_str_t *lines, size_t n, size_t size);
static void accept_check_elements(schema1_str_t value);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char              *copy;
    size_t             n;
    schema1_str_t      input, lines[LINES];
    schema1_type_e     type;
    schema1_accept_t   accept;

    copy = fuzz_copy(&input, data, size);

    for (n = 0; n < LINES && input.len != 0; n++) {
        lines[n] = fuzz_part(&input, '\n');
    }

    schema1_accept_read(&accept, lines, n);

    fuzz_check((accept.types & ~(MODERN | 1u << SCHEMA1_TYPE_SIGNED
                                 | 1u << SCHEMA1_TYPE_UNSIGNED)) == 0);

    accept_check_decisions(&accept);
    accept_check_upstream(&accept, lines, n, size);

    if (n != 0) {
        type = schema1_media_type(lines[0]);

        fuzz_check(type <= SCHEMA1_TYPE_OTHER);
        fuzz_check(schema1_media_type_name(SCHEMA1_TYPE_OTHER + 1)[0]
                   == '\0');

        if (schema1_media_type_name(type)[0] != '\0') {
            fuzz_check(schema1_media_type(fuzz_text(
                                              schema1_media_type_name(type)))
                       == type);
        }
    }

    free(copy);

    return 0;
}


/* the table of the documentation, written down once more */

static void
accept_check_decisions(const schema1_accept_t *accept)
{
    bool              takes, modern, old, list;
    unsigned          child, named, type;
    schema1_action_e  action;

    named = accept->types & MODERN;
    old = (named == 0);
    takes = old || accept->json || (accept->types & ~MODERN);
    modern = named == MODERN
             || (!takes && (accept->wildcard
                            || !(named & 1u << SCHEMA1_TYPE_SCHEMA2)));

    fuzz_check(schema1_accept_has_schema1(accept) == takes);
    fuzz_check(schema1_accept_is_modern(accept) == modern);

    for (type = 0; type <= SCHEMA1_TYPE_OTHER; type++) {

        for (child = 0; child < 2; child++) {
            action = schema1_accept_decide(accept, (schema1_type_e) type,
                                           child);
            list = type == SCHEMA1_TYPE_LIST
                   || type == SCHEMA1_TYPE_OCI_INDEX;

            switch (action) {

            case SCHEMA1_ACTION_SCHEMA1:
                fuzz_check(takes && !modern);
                fuzz_check(type == SCHEMA1_TYPE_SCHEMA2
                           || type == SCHEMA1_TYPE_OCI_MANIFEST);
                fuzz_check(!(accept->types & 1u << type));
                fuzz_check(type == SCHEMA1_TYPE_SCHEMA2
                           || !(named & 1u << SCHEMA1_TYPE_SCHEMA2));
                break;

            case SCHEMA1_ACTION_SCHEMA2:
                fuzz_check(type == SCHEMA1_TYPE_OCI_MANIFEST && !modern);
                fuzz_check(named & 1u << SCHEMA1_TYPE_SCHEMA2);
                fuzz_check(!(named & 1u << type));
                break;

            case SCHEMA1_ACTION_CHILD:
                fuzz_check(list && !modern && !(named & 1u << type));
                break;

            case SCHEMA1_ACTION_SNIFF:
                fuzz_check(!child && type == SCHEMA1_TYPE_GENERIC);
                break;

            case SCHEMA1_ACTION_REFUSE:
                fuzz_check(child || (!modern && !takes && !list));
                break;

            default:
                fuzz_check(!child || modern || takes
                           || (named & 1u << type));
                fuzz_check(type == SCHEMA1_TYPE_SIGNED
                           || type == SCHEMA1_TYPE_UNSIGNED
                           || type == SCHEMA1_TYPE_OTHER || modern
                           || (named & 1u << type));
            }
        }
    }
}


static void
accept_check_upstream(const schema1_accept_t *accept,
    const schema1_str_t *lines, size_t n, size_t size)
{
    size_t            i;
    schema1_buf_t     value, again;
    schema1_str_t     line;
    schema1_accept_t  sent;

    memset(&value, 0, sizeof(schema1_buf_t));
    memset(&again, 0, sizeof(schema1_buf_t));

    fuzz_memory_start();

    fuzz_check(schema1_accept_upstream(lines, n, &value) == SCHEMA1_OK);

    /* a range of three bytes and a comma takes 48 while it is sorted */

    fuzz_check(fuzz_memory_peak() <= 24 * size + 4096);
    fuzz_check(value.len <= 2 * size + 512);

    line = fuzz_buf(&value);

    for (i = 0; i < value.len; i++) {
        fuzz_check(value.data[i] >= 0x20 && value.data[i] < 0x7f
                   && value.data[i] != ';' && value.data[i] != '"');
    }

    schema1_accept_read(&sent, &line, 1);

    fuzz_check(sent.types == (accept->types | MODERN));
    fuzz_check(sent.json == accept->json);
    fuzz_check(sent.wildcard == accept->wildcard);

    /* an allocation that fails is told */

    (void) fuzz_memory_fail(1 + size % 4);

    if (schema1_accept_upstream(lines, n, &again) == SCHEMA1_OK) {
        fuzz_check(!fuzz_memory_fail(0));
        fuzz_check(fuzz_same(line, fuzz_buf(&again)));

    } else {
        fuzz_check(fuzz_memory_fail(0));
    }

    schema1_buf_free(&again);

    fuzz_check(schema1_accept_upstream(&line, 1, &again) == SCHEMA1_OK);
    fuzz_check(fuzz_same(line, fuzz_buf(&again)));

    if (n < 32) {
        accept_check_elements(line);
    }

    schema1_buf_free(&value);
    schema1_buf_free(&again);
}


/* each but once */

static void
accept_check_elements(schema1_str_t value)
{
    char           text[256];
    size_t         n;
    schema1_str_t  element, rest, other;

    for (n = 0; value.len != 0 && n < 64; n++) {
        element = fuzz_part(&value, ',');
        rest = value;

        while (element.len && element.data[0] == ' ') {
            element.data++;
            element.len--;
        }

        fuzz_check(element.len != 0);

        if (element.len >= sizeof(text)) {
            continue;
        }

        memcpy(text, element.data, element.len);
        text[element.len] = '\0';

        while (rest.len != 0) {
            other = fuzz_part(&rest, ',');
            other.data++;
            other.len--;

            fuzz_check(!fuzz_like(other, text));
        }
    }
}
