
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _NGX_HTTP_SCHEMA1_KEY_H_INCLUDED_
#define _NGX_HTTP_SCHEMA1_KEY_H_INCLUDED_


#include "ngx_http_schema1.h"


/*
 * At configuration: the key that a location signs with.  The same files are
 * loaded once in a configuration.  NGX_CONF_ERROR after logging why.
 */
char *ngx_http_schema1_key_load(ngx_conf_t *cf,
    ngx_http_schema1_loc_conf_t *slcf);

/*
 * Makes the ephemeral key where a location needs it, once in the life of the
 * master process.
 */
ngx_int_t ngx_http_schema1_key_ephemeral(ngx_conf_t *cf);

/* logs that: the log is the configured one once all is read */
void ngx_http_schema1_key_notice(ngx_cycle_t *cycle);

/* what to sign with */
const schema1_key_t *ngx_http_schema1_key(ngx_http_schema1_loc_conf_t *slcf);


#endif /* _NGX_HTTP_SCHEMA1_KEY_H_INCLUDED_ */
