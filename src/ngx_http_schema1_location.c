
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/schema1_redirect.h"
#include "ngx_http_schema1_headers_out.h"
#include "ngx_http_schema1_location.h"


static void ngx_http_schema1_location_base(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_fetch_t *fetch,
    schema1_base_t *base);
static void ngx_http_schema1_location_upstream(ngx_http_request_t *r,
    ngx_http_upstream_t *u, schema1_str_t *authority);


ngx_int_t
ngx_http_schema1_location(ngx_http_request_t *r, ngx_http_schema1_ctx_t *ctx,
    ngx_http_schema1_fetch_t *fetch, ngx_str_t *target, ngx_uint_t *external)
{
    schema1_buf_t        buf;
    schema1_base_t       base;
    ngx_table_elt_t     *location;
    schema1_redirect_e   where;

    /* headers_out.location may be missing, u->headers_in's may be cut off */

    location = ngx_http_schema1_headers_out_find(
                                         &fetch->response.headers->headers,
                                         &ngx_http_schema1_hdr_location);

    if (location == NULL || fetch->hops == SCHEMA1_REDIRECT_MAX_HOPS) {
        schema1_error_set(&ctx->error, SCHEMA1_REDIRECTED,
                          "the %s is redirected %s", fetch->name,
                          location ? "more than 5 times"
                                   : "without a Location header");
        return NGX_ERROR;
    }

    ngx_memzero(&buf, sizeof(schema1_buf_t));

    ngx_http_schema1_location_base(r, ctx, fetch, &base);

    where = schema1_redirect_resolve(&base,
                                   ngx_http_schema1_core_str(&location->value),
                                   &buf, &ctx->error);

    *external = (where == SCHEMA1_REDIRECT_EXTERNAL);

    if (*external && ctx->conf->redirect.len == 0) {
        schema1_error_set(&ctx->error, SCHEMA1_REDIRECTED,
                          "the %s is redirected out of the repository, and "
                          "schema_conversion_redirect is not set; it names "
                          "the location through which to follow",
                          fetch->name);

        where = SCHEMA1_REDIRECT_REFUSED;
    }

    ngx_str_null(target);

    if (where != SCHEMA1_REDIRECT_REFUSED) {
        *target = ngx_http_schema1_pool_str(r->pool, schema1_buf_str(&buf));
    }

    schema1_buf_free(&buf);

    return target->data ? NGX_OK : NGX_ERROR;
}


/* the URL of a subrequest; one to the registry as the client names it */

static void
ngx_http_schema1_location_base(ngx_http_request_t *r,
    ngx_http_schema1_ctx_t *ctx, ngx_http_schema1_fetch_t *fetch,
    schema1_base_t *base)
{
    ngx_str_t                  host;
    ngx_http_upstream_t       *u;
    ngx_http_core_srv_conf_t  *cscf;

    ngx_memzero(base, sizeof(schema1_base_t));

    base->name = ctx->uri.name;

    if (fetch->url.len) {
        schema1_redirect_parse(&base->url,
                               ngx_http_schema1_core_str(&fetch->url));
        return;
    }

    u = fetch->request->upstream;

    base->registry = true;
    base->url.scheme.data = (u && u->schema.len == sizeof("https://") - 1)
                            ? "https" : "http";
    base->url.scheme.len = ngx_strlen(base->url.scheme.data);

    if (r->headers_in.host) {
        host = r->headers_in.host->value;

    } else if (r->headers_in.server.len) {
        host = r->headers_in.server;

    } else {
        cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);
        host = cscf->server_name;
    }

    base->url.authority = ngx_http_schema1_core_str(&host);
    base->url.path = ngx_http_schema1_core_str(&fetch->path);

    /*
     * the registry may use the name by which nginx knows it, if neither
     * proxy_set_header nor proxy_redirect translates it
     */

    if (u) {
        ngx_http_schema1_location_upstream(r, u, &base->upstream);
    }
}


/* the host and port by which nginx knows the upstream; may stay empty */

static void
ngx_http_schema1_location_upstream(ngx_http_request_t *r,
    ngx_http_upstream_t *u, schema1_str_t *authority)
{
    u_char     *p;
    in_port_t   port;
    ngx_str_t   host;

    if (u->resolved) {
        host = u->resolved->host;
        port = u->resolved->no_port ? 0 : u->resolved->port;

    } else if (u->conf && u->conf->upstream) {
        host = u->conf->upstream->host;
        port = u->conf->upstream->no_port ? 0 : u->conf->upstream->port;

    } else {
        return;
    }

    if (port == 0) {
        *authority = ngx_http_schema1_core_str(&host);
        return;
    }

    p = ngx_pnalloc(r->pool, host.len + sizeof(":65535") - 1);
    if (p == NULL) {
        return;
    }

    authority->data = (char *) p;
    authority->len = ngx_sprintf(p, "%V:%ui", &host, (ngx_uint_t) port) - p;
}
