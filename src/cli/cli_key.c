
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "cli_key.h"


static EVP_PKEY *cli_key_new(void);


schema1_key_t *
cli_key_generate(void)
{
    BIO            *bio;
    char            error[SCHEMA1_KEY_ERROR_SIZE], *data;
    EVP_PKEY       *pkey;
    schema1_str_t   pem;
    schema1_key_t  *key;

    key = NULL;
    pkey = cli_key_new();
    bio = BIO_new(BIO_s_mem());

    if (pkey && bio
        && PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
           == 1)
    {
        pem.len = (size_t) BIO_get_mem_data(bio, &data);
        pem.data = data;

        key = schema1_key_read(pem, NULL, 0, error);
    }

    BIO_free(bio);
    EVP_PKEY_free(pkey);

    return key;
}


static EVP_PKEY *
cli_key_new(void)
{
    EVP_PKEY      *pkey;
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;

    ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);

    if (ctx == NULL
        || EVP_PKEY_keygen_init(ctx) <= 0
        || EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1)
           <= 0
        || EVP_PKEY_keygen(ctx, &pkey) <= 0)
    {
        pkey = NULL;
    }

    EVP_PKEY_CTX_free(ctx);

    return pkey;
}
