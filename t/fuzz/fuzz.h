
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


/*
 * What the fuzz targets share.  A target is one file with an
 * LLVMFuzzerTestOneInput() that checks properties by fuzz_check(), as a crash
 * alone would find too little.
 */

#include <stdio.h>
#include <stdlib.h>

#include "schema1_error.h"
#include "schema1_string.h"


#define fuzz_check(condition)                                                 \
    if (!(condition)) fuzz_fail(__FILE__, __LINE__, #condition)


/* parts of an input are separated by a byte that no JSON holds */

#define FUZZ_SEPARATOR  0x1e


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/*
 * A copy in a block of its own, so that AddressSanitizer sees a read that is
 * one byte too far; NULL where there is nothing.  Freed by the caller.
 */
char *fuzz_copy(schema1_str_t *to, const void *data, size_t len);

/* takes what is before the next separator off *rest */
schema1_str_t fuzz_part(schema1_str_t *rest, char separator);

schema1_str_t fuzz_text(const char *text);
schema1_str_t fuzz_buf(const schema1_buf_t *buf);
bool fuzz_same(schema1_str_t one, schema1_str_t two);

/* ASCII, case aside */
bool fuzz_like(schema1_str_t str, const char *text);

/* whether an error is as its header promises: set, terminated, printable */
void fuzz_check_error(const schema1_error_t *err);

/* hex SHA-256, terminated */
void fuzz_sha256(schema1_str_t data, char hex[65]);


/* bytes on the heap since the start, at the highest; 0: not measured */

void fuzz_memory_start(void);
size_t fuzz_memory_peak(void);

/*
 * Makes the allocation of this number fail, from now on, counted from 1; 0:
 * none.  Of the core's own alone: the linker puts these before malloc(), and
 * no library is linked anew.  Tells whether one has failed since.
 */
bool fuzz_memory_fail(size_t number);


/*
 * Another JSON parser, by recursion and into a tree, to compare with.  Strings
 * are decoded as Go does; members come in the order of the document.
 */

typedef enum {
    FUZZ_NULL = 0,
    FUZZ_FALSE,
    FUZZ_TRUE,
    FUZZ_NUMBER,                    /* text is the spelling */
    FUZZ_STRING,
    FUZZ_ARRAY,
    FUZZ_OBJECT
} fuzz_type_e;

typedef struct fuzz_node_s  fuzz_node_t;

struct fuzz_node_s {
    fuzz_type_e    type;
    schema1_str_t  name;            /* of a member, decoded */
    schema1_str_t  text;
    fuzz_node_t   *child;
    fuzz_node_t   *next;
};

typedef struct {
    fuzz_node_t   *root;            /* NULL: no valid JSON */
    size_t         max_depth;
    bool           odd;             /* a lone surrogate or bad UTF-8 */
    bool           nul;             /* a string holds U+0000 */
    void          *memory;
} fuzz_tree_t;


void fuzz_parse(fuzz_tree_t *tree, schema1_str_t document);
void fuzz_parse_free(fuzz_tree_t *tree);

/* the same values in the same order */
bool fuzz_equal(const fuzz_node_t *one, const fuzz_node_t *two);

/* the member that Go would take: case aside, the last that is no null */
const fuzz_node_t *fuzz_member(const fuzz_node_t *object, const char *name);

/* the last member of the name, whatever it is */
const fuzz_node_t *fuzz_last(const fuzz_node_t *object, const char *name);

/* how many members have the name, case aside */
size_t fuzz_members(const fuzz_node_t *object, const char *name);

size_t fuzz_count(const fuzz_node_t *node);


#endif /* _FUZZ_H_INCLUDED_ */
