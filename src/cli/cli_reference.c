
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include <stdio.h>

#include "schema1_uri.h"

#include "cli.h"
#include "cli_reference.h"


static size_t cli_origin_host(const char *text, size_t len);


int
cli_origin_read(cli_origin_t *origin, const char *text)
{
    size_t  len, host;

    memset(origin, 0, sizeof(cli_origin_t));

    origin->https = true;

    if (strncmp(text, "https://", 8) == 0) {
        text += 8;

    } else if (strncmp(text, "http://", 7) == 0) {
        origin->https = false;
        text += 7;
    }

    len = strlen(text);

    if (len != 0 && text[len - 1] == '/') {
        len--;
    }

    if (len == 0 || len >= sizeof(origin->authority)) {
        return SCHEMA1_ERROR;
    }

    host = cli_origin_host(text, len);
    if (host == 0) {
        return SCHEMA1_ERROR;
    }

    memcpy(origin->authority, text, len);
    memcpy(origin->host, text, host);

    snprintf(origin->url, sizeof(origin->url), "%s://%s",
             origin->https ? "https" : "http", origin->authority);

    return SCHEMA1_OK;
}


/* the length of the host in HOST[:PORT], 0 if either is not valid */

static size_t
cli_origin_host(const char *text, size_t len)
{
    size_t    i, host;
    unsigned  port;

    host = (text[0] == '[') ? strcspn(text, "]") + 1 : strcspn(text, ":/");

    if (host > len) {
        host = len;
    }

    for (i = 0; i < host; i++) {

        if ((text[i] >= 'a' && text[i] <= 'z')
            || (text[i] >= 'A' && text[i] <= 'Z')
            || (text[i] >= '0' && text[i] <= '9')
            || text[i] == '.' || text[i] == '-' || text[i] == '_')
        {
            continue;
        }

        if (text[0] == '[' && strchr("[]:", text[i]) != NULL) {
            continue;
        }

        return 0;
    }

    if (host == len) {
        return host;
    }

    port = 0;

    if (text[host] != ':' || len - host < 2 || len - host > 6) {
        return 0;
    }

    for (i = host + 1; i < len; i++) {

        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }

        port = port * 10 + (unsigned) (text[i] - '0');
    }

    return (port == 0 || port > 65535) ? 0 : host;
}


int
cli_image_read(const char *text, schema1_str_t *name, schema1_str_t *tag)
{
    const char  *colon;

    *name = cli_text(text);
    *tag = cli_text("");

    colon = strchr(text, ':');

    if (colon != NULL) {
        name->len = (size_t) (colon - text);
        *tag = cli_text(colon + 1);

        if (!schema1_uri_tag_valid(*tag)) {
            return SCHEMA1_ERROR;
        }
    }

    return schema1_uri_name_valid(*name) ? SCHEMA1_OK : SCHEMA1_ERROR;
}
