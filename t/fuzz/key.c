
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/* key files: PEM and JWK, some of them encrypted, and chains behind them */

#include <jansson.h>
#include <openssl/err.h>

#include "fuzz.h"
#include "schema1_key.h"


static void key_check(const schema1_key_t *key);
static void key_check_header(const schema1_key_t *key);
static void key_check_message(const char *error);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char             *copy;
    schema1_key_t    *key, *again;
    schema1_str_t     file, chain;
    schema1_error_t   err;

    static const schema1_str_t  passwords = schema1_string("wrong\r\nsecret");

    copy = fuzz_copy(&chain, data, size);
    file = fuzz_part(&chain, FUZZ_SEPARATOR);

    err.message[0] = '?';

    key = schema1_key_read(file, &passwords, &err);

    fuzz_check(ERR_peek_error() == 0);

    if (key == NULL) {
        key_check_message(err.message);
        free(copy);
        return 0;
    }

    key_check(key);

    again = schema1_key_read(file, &passwords, &err);

    fuzz_check(again != NULL);
    fuzz_check(strcmp(schema1_key_id(key), schema1_key_id(again)) == 0);
    fuzz_check(strcmp(schema1_key_fingerprint(key),
                      schema1_key_fingerprint(again))
               == 0);

    schema1_key_free(again);

    if (chain.len != 0) {
        err.message[0] = '?';

        if (schema1_key_certify(key, chain, &err) == SCHEMA1_OK) {
            fuzz_check(strstr(schema1_key_header(key), "\"x5c\"") != NULL);
            fuzz_check(strstr(schema1_key_header(key), "\"jwk\"") == NULL);

        } else {
            key_check_message(err.message);
        }

        fuzz_check(ERR_peek_error() == 0);

        key_check(key);
    }

    schema1_key_free(key);
    free(copy);

    return 0;
}


static void
key_check(const schema1_key_t *key)
{
    size_t         i;
    const char    *id;
    schema1_buf_t  signature;

    id = schema1_key_id(key);

    fuzz_check(strlen(id) == 59);

    for (i = 0; i < 59; i++) {
        fuzz_check(i % 5 == 4 ? id[i] == ':'
                   : strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", id[i])
                     != NULL);
    }

    fuzz_check(strlen(schema1_key_fingerprint(key)) == 64);
    fuzz_check(strspn(schema1_key_fingerprint(key), "0123456789abcdef")
               == 64);

    key_check_header(key);

    memset(&signature, 0, sizeof(schema1_buf_t));

    fuzz_check(schema1_key_sign(key, fuzz_text("a header"),
                                fuzz_text("a text to be signed"), &signature)
               == SCHEMA1_OK);
    fuzz_check(signature.len >= 64 && signature.len <= 2048);

    schema1_buf_free(&signature);
}


/* the public half and nothing else */

static void
key_check_header(const schema1_key_t *key)
{
    json_t         *json, *jwk;
    const char     *alg, *kid;
    schema1_buf_t   buf;

    memset(&buf, 0, sizeof(schema1_buf_t));

    schema1_buf_putc(&buf, '{');
    schema1_buf_puts(&buf, schema1_key_header(key));
    schema1_buf_putc(&buf, '}');

    json = json_loadb(buf.data, buf.len, JSON_REJECT_DUPLICATES, NULL);
    fuzz_check(json != NULL);

    alg = json_string_value(json_object_get(json, "alg"));

    fuzz_check(alg != NULL
               && (strcmp(alg, "RS256") == 0 || strcmp(alg, "ES256") == 0
                   || strcmp(alg, "ES384") == 0
                   || strcmp(alg, "ES512") == 0));

    jwk = json_object_get(json, "jwk");

    fuzz_check((jwk == NULL) == (json_object_get(json, "x5c") != NULL));

    if (jwk != NULL) {
        kid = json_string_value(json_object_get(jwk, "kid"));

        fuzz_check(kid != NULL && strcmp(kid, schema1_key_id(key)) == 0);
        fuzz_check(json_object_get(jwk, "d") == NULL);
        fuzz_check(json_object_get(jwk, "p") == NULL);
        fuzz_check(json_object_get(jwk, "q") == NULL);
    }

    json_decref(json);
    schema1_buf_free(&buf);
}


static void
key_check_message(const char *error)
{
    size_t  i;

    fuzz_check(error[0] != '\0' && error[0] != '?');
    fuzz_check(strstr(error, "secret") == NULL);

    for (i = 0; error[i]; i++) {
        fuzz_check(error[i] >= 0x20 && error[i] < 0x7f);
    }
}
