
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_ctx.h"
#include "ngx_http_schema1_fetch.h"
#include "ngx_http_schema1_var.h"


typedef enum {
    NGX_HTTP_SCHEMA1_VAR_SOURCE_TYPE = 0,
    NGX_HTTP_SCHEMA1_VAR_SOURCE_DIGEST,
    NGX_HTTP_SCHEMA1_VAR_DIGEST,
    NGX_HTTP_SCHEMA1_VAR_REASON,
    NGX_HTTP_SCHEMA1_VAR_HISTORY
} ngx_http_schema1_var_e;


static ngx_int_t ngx_http_schema1_var_status(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_schema1_var_pull(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_schema1_var_redirect_url(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_schema1_var_replace_method(ngx_conf_t *cf);
static ngx_int_t ngx_http_schema1_var_method(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_schema1_var_set(ngx_http_variable_value_t *v,
    ngx_str_t *value);


static ngx_http_variable_t  ngx_http_schema1_vars[] = {

    { ngx_string("schema1_status"), NULL,
      ngx_http_schema1_var_status, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("schema1_source_type"), NULL,
      ngx_http_schema1_var_pull, NGX_HTTP_SCHEMA1_VAR_SOURCE_TYPE,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("schema1_source_digest"), NULL,
      ngx_http_schema1_var_pull, NGX_HTTP_SCHEMA1_VAR_SOURCE_DIGEST,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("schema1_digest"), NULL,
      ngx_http_schema1_var_pull, NGX_HTTP_SCHEMA1_VAR_DIGEST,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("schema1_reason"), NULL,
      ngx_http_schema1_var_pull, NGX_HTTP_SCHEMA1_VAR_REASON,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("schema1_history"), NULL,
      ngx_http_schema1_var_pull, NGX_HTTP_SCHEMA1_VAR_HISTORY,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("schema1_redirect_url"), NULL,
      ngx_http_schema1_var_redirect_url, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static ngx_http_get_variable_pt  ngx_http_schema1_next_method;


/* as ngx_http_schema1_outcome_e */

ngx_str_t  ngx_http_schema1_outcomes[] = {
    ngx_string("-"),
    ngx_string("PASS"),
    ngx_string("CONVERTED"),
    ngx_string("HIT"),
    ngx_string("CHILD"),
    ngx_string("EMPTY_LAYER"),
    ngx_string("DIGEST"),
    ngx_string("UNCONVERTIBLE"),
    ngx_string("ERROR")
};


ngx_int_t
ngx_http_schema1_var_init(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_schema1_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    ngx_http_schema1_var_replace_method(cf);

    return NGX_OK;
}


static ngx_int_t
ngx_http_schema1_var_status(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_schema1_outcome_e  outcome;

    outcome = ngx_http_schema1_ctx_outcome(r->main);

    ngx_http_schema1_var_set(v, &ngx_http_schema1_outcomes[outcome]);

    return NGX_OK;
}


static ngx_int_t
ngx_http_schema1_var_pull(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t                value;
    ngx_http_schema1_ctx_t  *ctx;

    ctx = ngx_http_schema1_ctx_get(r->main);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_str_null(&value);

    switch (data) {

    case NGX_HTTP_SCHEMA1_VAR_SOURCE_TYPE:
        value.data = (u_char *)
                     schema1_media_type_name(ctx->answer.source_type);
        value.len = ngx_strlen(value.data);
        break;

    case NGX_HTTP_SCHEMA1_VAR_SOURCE_DIGEST:
        value = ngx_http_schema1_str(ctx->answer.source_digest);
        break;

    case NGX_HTTP_SCHEMA1_VAR_DIGEST:
        value = ngx_http_schema1_str(ctx->answer.digest);
        break;

    case NGX_HTTP_SCHEMA1_VAR_REASON:
        value.data = (u_char *) schema1_reason_info(ctx->error.reason)->name;
        value.len = ngx_strlen(value.data);
        break;

    default: /* NGX_HTTP_SCHEMA1_VAR_HISTORY, of a schema 1 response */

        if (ctx->answer.entries && ctx->error.reason == SCHEMA1_NO_REASON) {
            value.data = ngx_pnalloc(r->pool, NGX_SIZE_T_LEN);
            if (value.data == NULL) {
                return NGX_ERROR;
            }

            value.len = ngx_sprintf(value.data, "%uz", ctx->answer.entries)
                        - value.data;
        }
    }

    ngx_http_schema1_var_set(v, &value);

    return NGX_OK;
}


/* of the subrequest that follows a redirect, and what it starts itself */

static ngx_int_t
ngx_http_schema1_var_redirect_url(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_schema1_fetch_t  *fetch;

    for ( /* void */ ; r != r->main; r = r->parent) {
        fetch = ngx_http_schema1_fetch_get(r);

        if (fetch && fetch->url.len) {
            ngx_http_schema1_var_set(v, &fetch->url);
            return NGX_OK;
        }
    }

    v->not_found = 1;

    return NGX_OK;
}


/*
 * nginx's $request_method is always the client's, but a subrequest is a GET
 * after a HEAD too: FastCGI, uwsgi and SCGI have the method from the variable.
 */

static void
ngx_http_schema1_var_replace_method(ngx_conf_t *cf)
{
    ngx_uint_t                  i;
    ngx_hash_key_t             *key;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    static ngx_str_t  name = ngx_string("request_method");

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {

        if (key[i].key.len == name.len
            && ngx_strncmp(key[i].key.data, name.data, name.len) == 0)
        {
            v = key[i].value;

            ngx_http_schema1_next_method = v->get_handler;
            v->get_handler = ngx_http_schema1_var_method;
        }
    }
}


static ngx_int_t
ngx_http_schema1_var_method(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_http_request_t  *sr;

    for (sr = r; sr != r->main; sr = sr->parent) {

        if (ngx_http_schema1_fetch_get(sr)) {
            ngx_http_schema1_var_set(v, &r->method_name);
            return NGX_OK;
        }
    }

    return ngx_http_schema1_next_method(r, v, data);
}


/* an empty value: the variable is not found */

static void
ngx_http_schema1_var_set(ngx_http_variable_value_t *v, ngx_str_t *value)
{
    v->len = value->len;
    v->data = value->data;
    v->valid = (value->len != 0);
    v->no_cacheable = 0;
    v->not_found = !v->valid;
}
