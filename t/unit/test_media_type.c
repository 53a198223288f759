
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#include "schema1_media_type.h"
#include "exact.h"
#include "tap.h"


#define V1S  "application/vnd.docker.distribution.manifest.v1+prettyjws"
#define V1   "application/vnd.docker.distribution.manifest.v1+json"
#define V2   "application/vnd.docker.distribution.manifest.v2+json"
#define DL   "application/vnd.docker.distribution.manifest.list.v2+json"
#define OM   "application/vnd.oci.image.manifest.v1+json"
#define OI   "application/vnd.oci.image.index.v1+json"


static void test_types(void);


int
main(void)
{
    test_types();

    return tap_done();
}


static void
test_types(void)
{
    size_t                    i;
    static const struct {
        const char           *value;
        schema1_type_e        type;
    } types[] = {
        { "", SCHEMA1_TYPE_GENERIC },
        { "  ", SCHEMA1_TYPE_GENERIC },
        { "application/json", SCHEMA1_TYPE_GENERIC },
        { "Application/JSON; charset=utf-8", SCHEMA1_TYPE_GENERIC },
        { "text/plain;charset=x", SCHEMA1_TYPE_GENERIC },
        { "application/octet-stream", SCHEMA1_TYPE_GENERIC },
        { "binary/octet-stream", SCHEMA1_TYPE_GENERIC },
        { V1S, SCHEMA1_TYPE_SIGNED },
        { V1, SCHEMA1_TYPE_UNSIGNED },
        { V2, SCHEMA1_TYPE_SCHEMA2 },
        { " " V2 " ; charset=utf-8", SCHEMA1_TYPE_SCHEMA2 },
        { DL, SCHEMA1_TYPE_LIST },
        { OM, SCHEMA1_TYPE_OCI_MANIFEST },
        { OI, SCHEMA1_TYPE_OCI_INDEX },
        { "APPLICATION/VND.OCI.IMAGE.INDEX.V1+JSON",
          SCHEMA1_TYPE_OCI_INDEX },
        { "text/html", SCHEMA1_TYPE_OTHER },
        { "application/vnd.docker.plugin.v1+json", SCHEMA1_TYPE_OTHER },
        { V2 "x", SCHEMA1_TYPE_OTHER },
        { V2 ", " V2, SCHEMA1_TYPE_OTHER },
        { "*/*", SCHEMA1_TYPE_OTHER }
    };

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        tap_ok(schema1_media_type(exact_str(types[i].value))
               == types[i].type, "type: \"%s\"", types[i].value);
    }

    tap_ok(strcmp(schema1_media_type_name(SCHEMA1_TYPE_SIGNED), V1S) == 0,
           "a manifest type has a name");
    tap_ok(strcmp(schema1_media_type_name(SCHEMA1_TYPE_GENERIC), "") == 0
           && strcmp(schema1_media_type_name(SCHEMA1_TYPE_OTHER), "") == 0,
           "other types have no name");
}
