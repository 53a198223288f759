
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_schema1_fetch.h"
#include "ngx_http_schema1_headers_in.h"
#include "ngx_http_schema1_location.h"
#include "ngx_http_schema1_response.h"
#include "ngx_http_schema1_send.h"


static ngx_http_schema1_fetch_t *ngx_http_schema1_fetch_create(
    ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_http_schema1_fetch_e kind, ngx_str_t *reference);
static ngx_int_t ngx_http_schema1_fetch_registry(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_fetch_t *fetch,
    ngx_str_t *target);
static ngx_int_t ngx_http_schema1_fetch_start(ngx_http_request_t *r,
    ngx_http_schema1_fetch_t *fetch, ngx_str_t *uri, ngx_str_t *args);
static ngx_str_t *ngx_http_schema1_fetch_accept(ngx_http_request_t *r,
    ngx_http_schema1_fetch_t *fetch);
static ngx_int_t ngx_http_schema1_fetch_escape(ngx_http_request_t *r,
    ngx_str_t *uri, ngx_str_t *args, ngx_str_t *unparsed_uri);
static void ngx_http_schema1_fetch_variables(ngx_http_request_t *sr,
    ngx_http_variable_value_t *values, ngx_uint_t external);
static ngx_uint_t ngx_http_schema1_fetch_evaluates(ngx_http_request_t *sr,
    ngx_http_variable_t *v);
static ngx_int_t ngx_http_schema1_fetch_done(ngx_http_request_t *r, void *data,
    ngx_int_t rc);
static void ngx_http_schema1_fetch_status(ngx_http_schema1_fetch_t *fetch,
    schema1_error_t *err);
static ngx_int_t ngx_http_schema1_fetch_follow(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_fetch_t *from);


/* a manifest may be any of these; a blob has no type */

static ngx_str_t  ngx_http_schema1_accept_manifest = ngx_string(
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v1+prettyjws, "
    "application/vnd.docker.distribution.manifest.v1+json");

static ngx_str_t  ngx_http_schema1_accept_blob = ngx_string("*/*");


/* by ngx_http_schema1_fetch_e */

static const char  *ngx_http_schema1_fetch_names[] = {
    "manifest",
    "child manifest",
    "config blob",
    "source manifest",
    "manifest"
};


ngx_int_t
ngx_http_schema1_fetch(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_http_schema1_fetch_e kind, schema1_str_t reference)
{
    ngx_str_t                  name, value, path;
    const char                *part;
    ngx_http_schema1_fetch_t  *fetch;

    part = (kind == NGX_HTTP_SCHEMA1_FETCH_CONFIG) ? "blobs" : "manifests";

    name = ngx_http_schema1_str(ctx->uri.name);
    value = ngx_http_schema1_str(reference);

    path.data = ngx_pnalloc(r->pool, sizeof("/v2//manifests/") - 1 + name.len
                                     + value.len);
    if (path.data == NULL) {
        return NGX_ERROR;
    }

    path.len = ngx_sprintf(path.data, "/v2/%V/%s/%V", &name, part, &value)
               - path.data;

    fetch = ngx_http_schema1_fetch_create(r, ctx, kind, &value);
    if (fetch == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_schema1_fetch_registry(r, ctx, fetch, &path);
}


static ngx_http_schema1_fetch_t *
ngx_http_schema1_fetch_create(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_fetch_e kind,
    ngx_str_t *reference)
{
    u_char                    *name;
    const char                *what;
    ngx_http_schema1_fetch_t  *fetch;

    what = ngx_http_schema1_fetch_names[kind];

    fetch = ngx_pcalloc(r->pool, sizeof(ngx_http_schema1_fetch_t));
    name = ngx_pnalloc(r->pool, ngx_strlen(what) + reference->len + 2);

    if (fetch == NULL || name == NULL) {
        return NULL;
    }

    ngx_sprintf(name, "%s %V%Z", what, reference);

    fetch->kind = kind;
    fetch->reference = *reference;
    fetch->name = (char *) name;

    fetch->response.max = ctx->conf->max_size;

    if (kind == NGX_HTTP_SCHEMA1_FETCH_TAG
        || kind == NGX_HTTP_SCHEMA1_FETCH_HEAD)
    {
        /* as the response to a GET */

        fetch->response.name = what;

    } else {
        fetch->response.name = fetch->name;
        fetch->response.reference = *reference;
    }

    ctx->fetch = fetch;

    return fetch;
}


/* a path of the registry and its query string, with the client's */

static ngx_int_t
ngx_http_schema1_fetch_registry(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_fetch_t *fetch,
    ngx_str_t *target)
{
    u_char     *p, *last;
    ngx_str_t   path, args, query;

    path = *target;
    args = ngx_http_schema1_str(ctx->uri.args);

    last = path.data + path.len;
    p = ngx_strlchr(path.data, last, '?');

    if (p) {
        path.len = p++ - path.data;

        query.len = last - p;
        query.data = p;

        if (args.len == 0) {
            args = query;

        } else if (query.len) {
            p = ngx_pnalloc(r->pool, query.len + 1 + args.len);
            if (p == NULL) {
                return NGX_ERROR;
            }

            args.len = ngx_sprintf(p, "%V&%V", &query, &args) - p;
            args.data = p;
        }
    }

    return ngx_http_schema1_fetch_start(r, fetch, &path, &args);
}


/*
 * nginx posts a subrequest at once, with its parent's headers, body, variables
 * and $request_uri: what may fail is prepared before.
 */

static ngx_int_t
ngx_http_schema1_fetch_start(ngx_http_request_t *r,
    ngx_http_schema1_fetch_t *fetch, ngx_str_t *uri, ngx_str_t *args)
{
    size_t                       size;
    ngx_str_t                   *accept, unparsed_uri;
    ngx_http_request_t          *sr;
    ngx_http_headers_in_t        in;
    ngx_http_core_main_conf_t   *cmcf;
    ngx_http_variable_value_t   *values;
    ngx_http_post_subrequest_t  *ps;

    /* a query may contain a signature, so it is not logged */

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 fetch %s: \"%V\", hop %ui",
                   fetch->name, uri, fetch->hops);

    accept = ngx_http_schema1_fetch_accept(r, fetch);

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    size = cmcf->variables.nelts * sizeof(ngx_http_variable_value_t);

    values = ngx_palloc(r->pool, 2 * size);

    if (values == NULL
        || ngx_http_schema1_fetch_escape(r, uri, args, &unparsed_uri) != NGX_OK
        || ngx_http_schema1_headers_in_subrequest(r, &in, accept,
                                               fetch->url.len != 0)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ps = &fetch->post_subrequest;
    ps->handler = ngx_http_schema1_fetch_done;
    ps->data = fetch;

    if (ngx_http_subrequest(r, uri, args, &sr, ps, NGX_HTTP_SUBREQUEST_WAITED)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_schema1_headers_in_move(&sr->headers_in, &in);

    sr->request_body = &fetch->request_body;
    sr->unparsed_uri = unparsed_uri;

    if (fetch->kind == NGX_HTTP_SCHEMA1_FETCH_HEAD) {
        sr->method = NGX_HTTP_HEAD;
        ngx_str_set(&sr->method_name, "HEAD");
    }

    ngx_http_schema1_fetch_variables(sr, values, fetch->url.len != 0);

    fetch->request = sr;

    fetch->path = unparsed_uri;

    return NGX_OK;
}


static ngx_str_t *
ngx_http_schema1_fetch_accept(ngx_http_request_t *r,
    ngx_http_schema1_fetch_t *fetch)
{
    ngx_http_schema1_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_schema1_module);

    if (fetch->kind == NGX_HTTP_SCHEMA1_FETCH_HEAD) {

        /* a GET may follow: the same variant */

        return &ctx->upstream_accept;
    }

#if (NGX_HTTP_CACHE)

    if (fetch->kind == NGX_HTTP_SCHEMA1_FETCH_TAG
        && r->cache
        && r->upstream->conf->cache_convert_head)
    {
        /* nginx caches the GET that a HEAD was sent as: the same variant */

        return &ctx->upstream_accept;
    }

#endif

    return (fetch->kind == NGX_HTTP_SCHEMA1_FETCH_CONFIG)
           ? &ngx_http_schema1_accept_blob
           : &ngx_http_schema1_accept_manifest;
}


/* $request_uri of a subrequest */

static ngx_int_t
ngx_http_schema1_fetch_escape(ngx_http_request_t *r, ngx_str_t *uri,
    ngx_str_t *args, ngx_str_t *unparsed_uri)
{
    u_char     *p;
    uintptr_t   escape;

    escape = 2 * ngx_escape_uri(NULL, uri->data, uri->len, NGX_ESCAPE_URI);

    p = ngx_pnalloc(r->pool, uri->len + escape + 1 + args->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    unparsed_uri->data = p;

    p = (u_char *) ngx_escape_uri(p, uri->data, uri->len, NGX_ESCAPE_URI);

    if (args->len) {
        *p++ = '?';
        p = ngx_cpymem(p, args->data, args->len);
    }

    unparsed_uri->len = p - unparsed_uri->data;

    return NGX_OK;
}


/*
 * "In a subrequest, variables that can be evaluated again (map, geo,
 * split_clients, request variables) are; those that were set (set,
 * auth_request_set) keep their values."  None is kept towards an external host:
 * a map may contain the client's credentials.  "values" has space for two sets.
 */

static void
ngx_http_schema1_fetch_variables(ngx_http_request_t *sr,
    ngx_http_variable_value_t *values, ngx_uint_t external)
{
    size_t                      size;
    ngx_uint_t                  i, n;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(sr, ngx_http_core_module);

    v = cmcf->variables.elts;
    n = cmcf->variables.nelts;
    size = n * sizeof(ngx_http_variable_value_t);

    ngx_memcpy(values, sr->variables, size);

    for (i = 0; i < n; i++) {

        if (!external && (v[i].flags & NGX_HTTP_VAR_CHANGEABLE)) {
            continue;
        }

        values[i].valid = 0;
        values[i].not_found = 0;
    }

    /* handlers may evaluate other variables, which is too early for them */

    sr->variables = values + n;

    ngx_memcpy(sr->variables, values, size);

    for (i = 0; i < n; i++) {

        if (values[i].valid && ngx_http_schema1_fetch_evaluates(sr, &v[i])) {
            values[i].valid = 0;
        }
    }

    sr->variables = values;
}


/*
 * Whether a variable that can be set has a value without that: a map has one.
 * A variable of "set" has its index as the data of its handler, which would
 * only warn.
 */

static ngx_uint_t
ngx_http_schema1_fetch_evaluates(ngx_http_request_t *sr,
    ngx_http_variable_t *v)
{
    ngx_http_variable_value_t  value;

    if (v->data == (uintptr_t) v->index) {
        return 0;
    }

    ngx_memzero(&value, sizeof(ngx_http_variable_value_t));

    return v->get_handler(sr, &value, v->data) == NGX_OK && value.valid;
}


static ngx_int_t
ngx_http_schema1_fetch_done(ngx_http_request_t *r, void *data, ngx_int_t rc)
{
    ngx_http_schema1_fetch_t *fetch = data;

    ngx_http_schema1_ctx_t  *ctx;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 fetch done: %i, \"%V\"", rc, &r->uri);

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_schema1_module);

    /* after a HEAD, nginx runs the phases of the client's request again */

    if (fetch->kind != NGX_HTTP_SCHEMA1_FETCH_HEAD) {
        ngx_post_event(&ctx->wake, &ngx_posted_events);
    }

    /* called before an error page too, and then again */

    if (rc == NGX_HTTP_GATEWAY_TIME_OUT
        && (r->upstream == NULL || r->upstream->headers_in.status_n == 0))
    {
        fetch->response.failure = SCHEMA1_TIMED_OUT;
    }

    if (rc == NGX_ERROR
        || rc == NGX_HTTP_REQUEST_TIME_OUT
        || rc == NGX_HTTP_CLOSE)
    {
        /* these would close the client's connection */

        fetch->response.failure = SCHEMA1_TRUNCATED;

        return NGX_OK;
    }

    return rc;
}


ngx_http_schema1_fetch_t *
ngx_http_schema1_fetch_get(ngx_http_request_t *r)
{
    /* an internal redirect zeroes the context of a subrequest */

    if (r->post_subrequest
        && r->post_subrequest->handler == ngx_http_schema1_fetch_done)
    {
        return r->post_subrequest->data;
    }

    return NULL;
}


ngx_int_t
ngx_http_schema1_fetch_refuse_accel(ngx_http_request_t *r)
{
    ngx_http_upstream_t       *u;
    ngx_http_schema1_fetch_t  *fetch;

    u = r->upstream;
    fetch = ngx_http_schema1_fetch_get(r);

    if (fetch == NULL
        || fetch->url.len == 0
        || u == NULL
        || u->headers_in.x_accel_redirect == NULL
        || (u->conf->ignore_headers & NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT))
    {
        return NGX_DECLINED;
    }

    fetch->response.failure = SCHEMA1_REDIRECTED;

    return NGX_HTTP_BAD_GATEWAY;
}


ngx_int_t
ngx_http_schema1_fetch_header_filter(ngx_http_request_t *r)
{
    ngx_http_schema1_fetch_t  *fetch;

    fetch = ngx_http_schema1_fetch_get(r);

    if (fetch == NULL) {
        return ngx_http_schema1_next_header_filter(r);
    }

    /* "return" responds before the precontent phase */

    (void) ngx_http_schema1_fetch_refuse_accel(r);

    ngx_http_schema1_response_begin(r, &fetch->response);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "schema1 fetch status: %ui, \"%V\"", fetch->response.status,
                   &r->uri);

    r->filter_need_in_memory = 1;
    r->header_sent = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_schema1_fetch_body_filter(ngx_http_request_t *r,
    ngx_http_schema1_fetch_t *fetch, ngx_chain_t *in)
{
    ngx_http_schema1_response_t  *response;

    response = &fetch->response;

    if (response->expected > (off_t) response->max) {
        response->overflow = 1;
    }

    if (ngx_http_schema1_response_read(r, response, in) != NGX_OK) {
        response->failure = SCHEMA1_TRUNCATED;
    }

    ngx_http_schema1_response_discard(in);

    if (response->overflow || response->failure == SCHEMA1_TRUNCATED) {
        ngx_http_schema1_response_stop(r);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_schema1_fetch_result(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx)
{
    ngx_http_schema1_fetch_t  *fetch;

    fetch = ctx->fetch;

    if (!fetch->request->done) {
        return NGX_AGAIN;
    }

    if (fetch->response.failure == SCHEMA1_REDIRECTED) {
        schema1_error_set(&ctx->error, SCHEMA1_REDIRECTED,
                          "the storage answered the request for the %s with "
                          "X-Accel-Redirect, which is not followed",
                          fetch->name);
        return NGX_ERROR;
    }

    if (fetch->response.status == NGX_HTTP_OK) {
        return ngx_http_schema1_response_document(&fetch->response,
                                                  &ctx->document, &ctx->error);
    }

    if (ngx_http_schema1_response_redirects(fetch->response.status)) {
        return ngx_http_schema1_fetch_follow(r, ctx, fetch);
    }

    ngx_http_schema1_fetch_status(fetch, &ctx->error);

    return NGX_ERROR;
}


static void
ngx_http_schema1_fetch_status(ngx_http_schema1_fetch_t *fetch,
    schema1_error_t *err)
{
    ngx_uint_t         external;
    const char        *where;
    schema1_reason_e   reason;

    external = (fetch->url.len != 0);
    where = external ? "the storage it redirects to" : "the registry";

    switch (fetch->response.status) {

    case NGX_HTTP_NOT_FOUND:

        if (!ngx_http_schema1_response_from_upstream(fetch->request)) {
            schema1_error_set(err, SCHEMA1_UPSTREAM_FAILED,
                              "nginx itself answered the request for the %s "
                              "with 404; check %s", fetch->name,
                              external
                              ? "the location of schema_conversion_redirect"
                              : "its locations below /v2/");
            return;
        }

        reason = (fetch->kind == NGX_HTTP_SCHEMA1_FETCH_CONFIG)
                 ? SCHEMA1_CONFIG_NOT_FOUND : SCHEMA1_MANIFEST_NOT_FOUND;

        schema1_error_set(err, reason, "the image cannot be converted: its "
                          "%s is not in %s; push the image again",
                          fetch->name, where);
        return;

    case NGX_HTTP_UNAUTHORIZED:
    case NGX_HTTP_FORBIDDEN:
    case NGX_HTTP_TOO_MANY_REQUESTS:

        if (external) {
            break;
        }

        schema1_error_set(err, SCHEMA1_DENIED,
                          "the registry answered %d to the request for the %s",
                          (int) fetch->response.status, fetch->name);
        return;

    case NGX_HTTP_GATEWAY_TIME_OUT:

        if (fetch->response.failure != SCHEMA1_TIMED_OUT) {
            break;
        }

        schema1_error_set(err, SCHEMA1_TIMED_OUT,
                          "%s did not answer the request for the %s in time; "
                          "try again later", where, fetch->name);
        return;
    }

    schema1_error_set(err, SCHEMA1_UPSTREAM_FAILED,
                      "the request for the %s failed: status %d from %s; "
                      "try again later", fetch->name,
                      (int) fetch->response.status, where);
}


static ngx_int_t
ngx_http_schema1_fetch_follow(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_fetch_t *from)
{
    ngx_int_t                  rc;
    ngx_str_t                  target, query;
    ngx_uint_t                 external;
    ngx_http_schema1_fetch_t  *fetch;

    if (ngx_http_schema1_location(r, ctx, from, &target, &external) != NGX_OK)
    {
        return NGX_ERROR;
    }

    fetch = ngx_http_schema1_fetch_create(r, ctx, from->kind,
                                          &from->reference);
    if (fetch == NULL) {
        return NGX_ERROR;
    }

    fetch->hops = from->hops + 1;

    if (external) {
        fetch->url = target;

        ngx_str_null(&query);

        rc = ngx_http_schema1_fetch_start(r, fetch, &ctx->conf->redirect,
                                          &query);

    } else {
        rc = ngx_http_schema1_fetch_registry(r, ctx, fetch, &target);
    }

    return (rc == NGX_OK) ? NGX_AGAIN : NGX_ERROR;
}
