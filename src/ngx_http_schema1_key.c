
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "ngx_http_schema1_key.h"


#define NGX_HTTP_SCHEMA1_KEY_FILE_MAX  (1024 * 1024)


static schema1_key_t *ngx_http_schema1_key_read(ngx_conf_t *cf,
    ngx_http_schema1_loc_conf_t *slcf);
static char *ngx_http_schema1_key_certify(ngx_conf_t *cf,
    ngx_http_schema1_loc_conf_t *slcf);
static ngx_int_t ngx_http_schema1_key_read_file(ngx_conf_t *cf,
    const char *directive, ngx_str_t *name, ngx_uint_t secret,
    schema1_str_t *data);
static void ngx_http_schema1_key_cleanse(schema1_str_t *data);
static void ngx_http_schema1_key_cleanup(void *data);


/* outlives the configurations: a reload does not change the key */

static schema1_key_t  *ngx_http_schema1_ephemeral_key;


char *
ngx_http_schema1_key_load(ngx_conf_t *cf, ngx_http_schema1_loc_conf_t *slcf)
{
    ngx_pool_cleanup_t           *cln;
    ngx_http_schema1_loc_conf_t  *prev;

    for (cln = cf->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_http_schema1_key_cleanup) {
            continue;
        }

        prev = cln->data;

        if (ngx_strcmp(prev->key_file.data, slcf->key_file.data) == 0
            && ngx_strcmp(prev->password_file.data, slcf->password_file.data)
               == 0
            && ngx_strcmp(prev->certificate_file.data,
                          slcf->certificate_file.data)
               == 0)
        {
            slcf->key = prev->key;
            return NGX_CONF_OK;
        }
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    slcf->key = ngx_http_schema1_key_read(cf, slcf);
    if (slcf->key == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_schema1_key_cleanup;
    cln->data = slcf;

    return ngx_http_schema1_key_certify(cf, slcf);
}


static schema1_key_t *
ngx_http_schema1_key_read(ngx_conf_t *cf, ngx_http_schema1_loc_conf_t *slcf)
{
    schema1_str_t     data, lines, rest, *passwords;
    schema1_key_t    *key;
    schema1_error_t   err;

    key = NULL;
    data.len = 0;
    lines.len = 0;
    passwords = NULL;

    if (slcf->password_file.len) {

        /* one password a line, as in ssl_password_file */

        if (ngx_http_schema1_key_read_file(cf,
                                           "schema_conversion_password_file",
                                           &slcf->password_file, 1, &lines)
            != NGX_OK)
        {
            goto done;
        }

        rest = lines;
        passwords = &lines;

        if (schema1_str_line(&rest).len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"schema_conversion_password_file\" \"%V\" "
                               "holds no password", &slcf->password_file);
            goto done;
        }
    }

    if (ngx_http_schema1_key_read_file(cf, "schema_conversion_key",
                                       &slcf->key_file, 1, &data)
        != NGX_OK)
    {
        goto done;
    }

    key = schema1_key_read(data, passwords, &err);

    if (key == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"schema_conversion_key\" \"%V\": %s",
                           &slcf->key_file, err.message);
    }

done:

    ngx_http_schema1_key_cleanse(&data);
    ngx_http_schema1_key_cleanse(&lines);

    return key;
}


static char *
ngx_http_schema1_key_certify(ngx_conf_t *cf, ngx_http_schema1_loc_conf_t *slcf)
{
    schema1_str_t    chain;
    schema1_error_t  err;

    if (slcf->certificate_file.len == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_http_schema1_key_read_file(cf, "schema_conversion_certificate",
                                       &slcf->certificate_file, 0, &chain)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (schema1_key_certify(slcf->key, chain, &err) != SCHEMA1_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"schema_conversion_certificate\" \"%V\": %s",
                           &slcf->certificate_file, err.message);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* after an error "data" may have a part of the file, to be cleansed, too */

static ngx_int_t
ngx_http_schema1_key_read_file(ngx_conf_t *cf, const char *directive,
    ngx_str_t *name, ngx_uint_t secret, schema1_str_t *data)
{
    size_t           size;
    u_char          *p;
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_err_t        err;
    ngx_file_info_t  fi;

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "\"%s\": " ngx_open_file_n " \"%V\" failed",
                           directive, name);
        return NGX_ERROR;
    }

    n = -1;
    data->len = 0;

    if (ngx_fd_info(fd, &fi) != NGX_FILE_ERROR) {
        size = ngx_min(ngx_file_size(&fi), NGX_HTTP_SCHEMA1_KEY_FILE_MAX);
        p = ngx_pnalloc(cf->temp_pool, size);

        if (p) {
            data->len = size;
            data->data = (char *) p;
            n = ngx_read_fd(fd, p, size);
        }

        if (secret && (fi.st_mode & 0004)) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "\"%s\": \"%V\" can be read by everybody",
                               directive, name);
        }
    }

    err = ngx_errno;

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", name);
    }

    if (n != (ssize_t) data->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, (n == -1) ? err : 0,
                           "\"%s\": " ngx_read_fd_n " \"%V\" failed",
                           directive, name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_schema1_key_cleanse(schema1_str_t *data)
{
    if (data->len) {
        ngx_explicit_memzero((char *) data->data, data->len);
    }
}


static void
ngx_http_schema1_key_cleanup(void *data)
{
    ngx_http_schema1_loc_conf_t *slcf = data;

    schema1_key_free(slcf->key);
}


ngx_int_t
ngx_http_schema1_key_ephemeral(ngx_conf_t *cf)
{
    schema1_error_t                err;
    ngx_http_schema1_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_schema1_module);

    if (!smcf->needs_ephemeral
        || ngx_http_schema1_ephemeral_key
        || ngx_test_config
        || ngx_process == NGX_PROCESS_SIGNALLER)
    {
        return NGX_OK;
    }

    ngx_http_schema1_ephemeral_key = schema1_key_generate(false, &err);

    if (ngx_http_schema1_ephemeral_key == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"schema_conversion\" without "
                           "\"schema_conversion_key\" could not make a "
                           "key: %s", err.message);
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_schema1_key_notice(ngx_cycle_t *cycle)
{
    ngx_http_schema1_main_conf_t  *smcf;

    smcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_schema1_module);

    if (smcf && smcf->needs_ephemeral && ngx_http_schema1_ephemeral_key) {
        ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                      "\"schema_conversion\" without "
                      "\"schema_conversion_key\" signs with an ephemeral "
                      "key, %s",
                      schema1_key_id(ngx_http_schema1_ephemeral_key));
    }
}


const schema1_key_t *
ngx_http_schema1_key(ngx_http_schema1_loc_conf_t *slcf)
{
    return slcf->key ? slcf->key : ngx_http_schema1_ephemeral_key;
}
