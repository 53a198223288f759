
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <openssl/err.h>
#include <openssl/evp.h>

#include "schema1_digest.h"


typedef struct {
    schema1_str_t   prefix;
    size_t          size;           /* of the hash, bytes */
    const EVP_MD *(*md)(void);
} schema1_algorithm_t;


static const schema1_algorithm_t *schema1_digest_algorithm(
    schema1_str_t digest);
static int schema1_digest_hash(const EVP_MD *md, schema1_str_t data,
    char *hex);


static const schema1_algorithm_t  schema1_algorithms[] = {
    { schema1_string("sha256:"), 32, schema1_digest_sha256 },
    { schema1_string("sha384:"), 48, EVP_sha384 },
    { schema1_string("sha512:"), 64, EVP_sha512 }
};


bool
schema1_digest_valid(schema1_str_t digest)
{
    size_t                      i;
    const schema1_algorithm_t  *algorithm;

    algorithm = schema1_digest_algorithm(digest);

    if (algorithm == NULL
        || digest.len != algorithm->prefix.len + 2 * algorithm->size)
    {
        return false;
    }

    for (i = algorithm->prefix.len; i < digest.len; i++) {
        if (!(digest.data[i] >= '0' && digest.data[i] <= '9')
            && !(digest.data[i] >= 'a' && digest.data[i] <= 'f'))
        {
            return false;
        }
    }

    return true;
}


schema1_str_t
schema1_digest_hex(schema1_str_t digest)
{
    (void) schema1_str_cut(&digest, ':');

    return digest;
}


bool
schema1_digest_well_formed(schema1_str_t digest)
{
    char           ch;
    bool           word;
    size_t         i;
    schema1_str_t  encoded;

    word = false;

    for (i = 0; i < digest.len && digest.data[i] != ':'; i++) {
        ch = digest.data[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')) {
            word = true;
            continue;
        }

        if (!word || ch == '\0' || strchr("+._-", ch) == NULL) {
            return false;
        }

        word = false;
    }

    if (!word || digest.len - i < 2) {
        return false;
    }

    encoded.data = digest.data + i + 1;
    encoded.len = digest.len - i - 1;

    return schema1_str_span(encoded, "=_-") == encoded.len;
}


int
schema1_digest_check(schema1_str_t digest, const char *what,
    schema1_error_t *err)
{
    bool  other;

    if (schema1_digest_valid(digest)) {
        return SCHEMA1_OK;
    }

    other = schema1_digest_well_formed(digest)
            && schema1_digest_algorithm(digest) == NULL;

    return schema1_error_set(err, other ? SCHEMA1_DIGEST_UNSUPPORTED
                                        : SCHEMA1_INVALID_MANIFEST,
                             "the digest \"%.*s\" of %s is not a sha256, "
                             "sha384 or sha512 digest; push the image again",
                             (int) (digest.len > SCHEMA1_DIGEST_MAX
                                    ? SCHEMA1_DIGEST_MAX : digest.len),
                             digest.len ? digest.data : "", what);
}


/*
 * OpenSSL 3 searches EVP_sha256() by name at each use, which takes longer than
 * hashing a small document: it is fetched once.
 */

const EVP_MD *
schema1_digest_sha256(void)
{
#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)

    EVP_MD         *md;
    static EVP_MD  *sha256;

    md = __atomic_load_n(&sha256, __ATOMIC_ACQUIRE);

    if (md != NULL) {
        return md;
    }

    md = EVP_MD_fetch(NULL, "SHA256", NULL);

    if (md == NULL) {
        ERR_clear_error();
        return EVP_sha256();
    }

    /* threads that fetch it at the same time keep a reference each */

    __atomic_store_n(&sha256, md, __ATOMIC_RELEASE);

    return md;

#else

    return EVP_sha256();

#endif
}


int
schema1_digest_sha256_hex(schema1_str_t data, char hex[64])
{
    return schema1_digest_hash(schema1_digest_sha256(), data, hex);
}


int
schema1_digest_verify(schema1_str_t digest, schema1_str_t data,
    const char *what, schema1_error_t *err)
{
    char                        hex[2 * EVP_MAX_MD_SIZE];
    schema1_str_t               want;
    const schema1_algorithm_t  *algorithm;

    algorithm = schema1_digest_algorithm(digest);

    if (algorithm == NULL || !schema1_digest_valid(digest)) {
        return schema1_error_set(err, SCHEMA1_DIGEST_UNSUPPORTED,
                                 "the digest \"%.*s\" of the %s cannot be "
                                 "verified: only sha256, sha384 and sha512 can",
                                 (int) (digest.len > SCHEMA1_DIGEST_MAX
                                        ? SCHEMA1_DIGEST_MAX : digest.len),
                                 digest.len ? digest.data : "", what);
    }

    if (schema1_digest_hash(algorithm->md(), data, hex) != SCHEMA1_OK) {
        return schema1_error_no_memory(err);
    }

    want = schema1_digest_hex(digest);

    if (memcmp(want.data, hex, want.len) != 0) {
        return schema1_error_set(err, SCHEMA1_DIGEST_MISMATCH,
                                 "the %s that the registry sent hashes to "
                                 "%s%.*s, not to %.*s: it was damaged or "
                                 "changed on its way, or in the registry",
                                 what, algorithm->prefix.data, (int) want.len,
                                 hex, (int) digest.len, digest.data);
    }

    return SCHEMA1_OK;
}


static const schema1_algorithm_t *
schema1_digest_algorithm(schema1_str_t digest)
{
    size_t                      i;
    const schema1_algorithm_t  *algorithm;

    for (i = 0; i < sizeof(schema1_algorithms) / sizeof(schema1_algorithms[0]);
         i++)
    {
        algorithm = &schema1_algorithms[i];

        if (digest.len > algorithm->prefix.len
            && memcmp(digest.data, algorithm->prefix.data,
                      algorithm->prefix.len)
               == 0)
        {
            return algorithm;
        }
    }

    return NULL;
}


static int
schema1_digest_hash(const EVP_MD *md, schema1_str_t data, char *hex)
{
    unsigned       len;
    unsigned char  hash[EVP_MAX_MD_SIZE];

    if (EVP_Digest(data.data, data.len, hash, &len, md, NULL) != 1) {
        ERR_clear_error();
        return SCHEMA1_ERROR;
    }

    schema1_hex_encode(hex, hash, len);

    return SCHEMA1_OK;
}
