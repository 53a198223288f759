# Copyright (C) the ngx_http_schema1_module authors

# An idle module changes nothing.

use Schema1;

plan tests => repeat_each() * 13;

our $app = image('team/app:1', layers => 2);
our $list = list('team/list:1', entries => [$app]);

run_tests();

__DATA__

=== TEST 1: nothing is rewritten when off
--- config
    location /v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/team/app/manifests/1
--- response_body eval
$::app->{body}
--- response_headers eval
"Docker-Content-Digest: $::app->{digest}
Content-Type: $::app->{type}
ETag: \"$::app->{digest}\"
!Vary"
--- asked
GET /v2/team/app/manifests/1
    !Accept



=== TEST 2: nothing is rewritten with an explicit off
--- config
    location /v2/ {
        schema_conversion off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/team/list/manifests/1
--- more_headers
Accept: application/vnd.docker.distribution.manifest.list.v2+json
If-None-Match: "x"
--- response_body eval
$::list->{body}
--- response_headers
!Vary
--- asked
GET /v2/team/list/manifests/1
    Accept: application/vnd.docker.distribution.manifest.list.v2+json
    If-None-Match: "x"
