# Copyright (C) the ngx_http_schema1_module authors

# The variables, for the access log.

use Schema1;
use Schema1::Made;

plan tests => repeat_each() * 140;

our $v1 = type_of('docker', 'schema1');
our $v2 = type_of('docker', 'manifest');
our $list = type_of('docker', 'list');
our $oci = type_of('oci', 'manifest');
our $index = type_of('oci', 'list');
our $modern = "$v2, $list, $oci, $index";

our $app = image('team/app:1', layers => 2);
our $new = image('team/new:1', format => 'oci', layers => 2);
our $made = made_schema2($new)->{digest};
our $child = image('team/many', layers => 2);
our $many = list('team/many:1', entries => [$child]);
our $old = document('team/old:1', $v1, '{"schemaVersion":1}');
our $html = document('team/html:1', 'text/html', 'x');
our $arm = list('team/arm:1', entries => [
    image('team/arm', platform => 'linux/arm64')]);
our $zstd = image('team/zstd:1', format => 'oci', layers => [{
    mediaType => 'application/vnd.oci.image.layer.v1.tar+zstd', size => 1,
    digest => digest('x') }]);
our $long = image('team/long:1', layers => 2, history => [
    {}, {}, map { { empty_layer => JSON::PP::true } } 1 .. 126]);
our $broken = image('team/broken:1');
answer(qr{^GET /v2/team/broken/blobs/}, status => 500);
our $denied = image('team/denied:1');
answer(qr{^GET /v2/team/denied/blobs/}, status => 401, headers => [
    'WWW-Authenticate' => 'Basic realm="x"']);
our $moved = image('team/moved:1');
answer(qr{^GET /v2/team/moved/blobs/}, status => 307, headers => [
    Location => "http://127.0.0.1:$ENV{TEST_NGINX_STORAGE_PORT}/config?a=b"]);
answer('storage:GET /config', status => 200, body => $moved->{config});
answer('/v2/team/down/manifests/1', status => 503);
answer('/auth', status => 204, headers => []);
answer('/v2/team/private/manifests/1', status => 401);
answer('PUT /v2/team/app/manifests/1', status => 201);

our $golden = golden('real/buildah-docker');
our $payload = digest($golden->{payload});
document("golden/app:$golden->{tag}", $golden->{type}, $golden->{body});
blob('golden/app', $golden->{config});

our $empty = EMPTY_LAYER;

run_tests();

__DATA__

=== TEST 1: variables of a conversion to schema 1
--- location
    rewrite ^/v2/app/web/(.*)$ /v2/golden/app/$1 break;
--- request eval
[map { "$_ /v2/app/web/manifests/1.0" } qw(GET HEAD)]
--- payload eval
[$::golden->{payload}, undef]
--- schema1_log eval
"CONVERTED $::v2 $::golden->{digest} $::payload -\n" x 2



=== TEST 2: variables of a conversion to schema 2
--- request
GET /v2/team/new/manifests/1
--- more_headers eval
"Accept: $::v2"
--- response_headers eval
"Docker-Content-Digest: $::made"
--- schema1_log eval
"CONVERTED $::oci $::new->{digest} $::made -"



=== TEST 3: variables of a list converted to schema 1
--- request
GET /v2/team/many/manifests/1
--- schema1
team/many:1 2 layers
--- schema1_log eval
"CONVERTED $::list $::many->{digest} * -"



=== TEST 4: variables of a converted manifest's 304
--- request
GET /v2/team/new/manifests/1
--- more_headers eval
"Accept: $::v2
If-None-Match: \"$::made\""
--- error_code: 304
--- schema1_log eval
"CONVERTED $::oci $::new->{digest} $::made -"



=== TEST 5: variables of a child and its 304
--- request eval
[map { "$_ /v2/team/many/manifests/1" } qw(GET HEAD GET)]
--- more_headers eval
[("Accept: $::v2") x 2, "Accept: $::v2
If-None-Match: \"$::child->{digest}\""]
--- error_code eval
[200, 200, 304]
--- schema1_log eval
"CHILD $::list $::many->{digest} $::child->{digest} -\n" x 3



=== TEST 6: variables of a response that passes
--- request eval
['GET /v2/team/app/manifests/1', 'GET /v2/team/old/manifests/1',
 'HEAD /v2/team/old/manifests/1', 'GET /v2/team/html/manifests/1',
 'GET /v2/team/app/manifests/1']
--- more_headers eval
["Accept: $::v2", '', '', '', "Accept: $::modern"]
--- schema1_log eval
"PASS $::v2 - - -
PASS $::v1 - - -
PASS $::v1 - - -
PASS - - - -
PASS - - - -"



=== TEST 7: variables of a 304 that passes
--- request eval
[('GET /v2/team/app/manifests/1') x 2, 'GET /v2/team/old/manifests/1']
--- more_headers eval
[(map { "Accept: $_\nIf-None-Match: \"$::app->{digest}\"" } $::v2, $::modern),
 "If-None-Match: \"$::old->{digest}\""]
--- error_code eval
[304, 304, 304]
--- schema1_log
PASS * - - -
PASS - - - -
PASS * - - -



=== TEST 8: variables of the upstream's errors
--- request eval
[map { ("GET /v2/team/$_/manifests/1") x 2 } qw(none private down)]
--- more_headers eval
[('', "Accept: $::modern") x 3]
--- error_code eval
[map { ($_) x 2 } 404, 401, 503]
--- schema1_log eval
"PASS - - - -\n" x 6



=== TEST 9: variables of nginx's own errors
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_DEAD_PORT;
    }

    location /v2/secret/ {
        schema_conversion on;
        deny all;
    }
--- request eval
[('GET /v2/team/app/manifests/1') x 2, 'GET /v2/secret/app/manifests/1']
--- more_headers eval
['', "Accept: $::modern", '']
--- error_code eval
[502, 502, 403]
--- no_error_log
[alert]
--- schema1_log eval
"PASS - - - -\n" x 3



=== TEST 10: variables of a 404 for the platform
--- request eval
['GET /v2/team/arm/manifests/1', 'GET /v2/team/zstd/manifests/1',
 'HEAD /v2/team/zstd/manifests/1']
--- error_code eval
[404, 400, 400]
--- no_error_log
[alert]
--- schema1_log eval
"UNCONVERTIBLE $::list $::arm->{digest} - no_platform
UNCONVERTIBLE $::oci $::zstd->{digest} - layer_compression
UNCONVERTIBLE $::oci $::zstd->{digest} - layer_compression"



=== TEST 11: variables of the module's errors
--- request eval
['GET /v2/team/broken/manifests/1', 'GET /v2/team/denied/manifests/1']
--- error_code eval
[502, 401]
--- no_error_log
[alert]
--- schema1_log eval
"ERROR $::v2 $::broken->{digest} - *
ERROR $::v2 $::denied->{digest} - *"



=== TEST 12: variables of the empty layer
--- request eval
["GET /v2/team/app/blobs/$::empty", "HEAD /v2/team/app/blobs/$::empty"]
--- response_headers eval
[("Docker-Content-Digest: $::empty") x 2]
--- schema1_log eval
"EMPTY_LAYER - - $::empty -\n" x 2



=== TEST 13: variables of a cache hit
--- http_config
    schema_conversion_cache_zone var:1m;
--- location
    schema_conversion_cache var;
--- request eval
[(map { "GET /v2/team/new/manifests/$_" } 1, 1, $::made),
 ('GET /v2/team/new/manifests/1') x 2]
--- more_headers eval
[("Accept: $::v2") x 2, '', "Accept: $::v2\nIf-None-Match: $::made",
 "Accept: $::modern"]
--- error_code eval
[200, 200, 200, 304, 200]
--- schema1_log eval
"* $::oci $::new->{digest} $::made -
HIT $::oci $::new->{digest} $::made -
DIGEST * $::new->{digest} $::made -
HIT $::oci $::new->{digest} $::made -
PASS - - - -"



=== TEST 14: variables of requests that are not handled
--- server
    location /v2/team/many/ {
        schema_conversion off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request eval
['GET /v2/', "GET /v2/team/app/blobs/$::app->{config_digest}",
 "GET /v2/team/app/manifests/$::app->{digest}",
 "GET /v2/team/app/manifests/$::made", 'GET /v2/Team/app/manifests/1',
 'PUT /v2/team/app/manifests/1', 'GET /v2/team/many/manifests/1']
--- more_headers eval
[('') x 6, "Accept: $::list"]
--- error_code eval
[200, 200, 200, 404, 404, 201, 200]
--- schema1_log eval
"- - - - -\n" x 7



=== TEST 15: variables before the log phase
--- location
    add_header X-Made "$schema1_status $schema1_digest" always;
--- request
GET /v2/team/new/manifests/1
--- more_headers eval
"Accept: $::v2"
--- response_headers eval
"X-Made: CONVERTED $::made"



=== TEST 16: the variable of the URL to fetch
--- location
    schema_conversion_redirect /blob-redirect;
    proxy_set_header X-Url "<$schema1_redirect_url>";
--- server
    location = /blob-redirect {
        internal;
        proxy_set_header X-Url "<$schema1_redirect_url>";
        proxy_pass $schema1_redirect_url;
    }
--- request
GET /v2/team/moved/manifests/1
--- schema1
team/moved:1 2 layers
--- asked eval
"GET /v2/team/moved/manifests/1
    X-Url: <>
GET /v2/team/moved/blobs/$::moved->{config_digest}
    X-Url: <>
storage GET /config?a=b
    X-Url: <http://127.0.0.1:$ENV{TEST_NGINX_STORAGE_PORT}/config?a=b>"



=== TEST 17: $schema1_history is the number of entries in a schema 1 response
--- http_config
    schema_conversion_cache_zone one:1m;
--- location
    schema_conversion_cache one;
    add_header X-History "<$schema1_history>" always;
--- request eval
["GET /v2/team/long/manifests/1", "GET /v2/team/long/manifests/1",
 "HEAD /v2/team/long/manifests/1", "GET /v2/team/long/manifests/1",
 "GET /v2/team/zstd/manifests/1", "GET /v2/team/none/manifests/1"]
--- more_headers eval
["", "", "", "Accept: $::v2", "", ""]
--- error_code eval
[200, 200, 200, 200, 400, 404]
--- response_headers eval
[("X-History: <128>") x 3, ("X-History: <>") x 3]
--- schema1_log eval
"* $::v2 $::long->{digest} * -
HIT $::v2 $::long->{digest} * -
HIT $::v2 $::long->{digest} * -
PASS $::v2 * - -
UNCONVERTIBLE $::oci $::zstd->{digest} - layer_compression
PASS - - - -"
--- no_error_log
[alert]



=== TEST 18: variables in a subrequest of another module
--- requires: 5: http_auth_request_module
--- location
    auth_request /auth;
--- server
    location = /auth {
        internal;
        proxy_set_header X-Url "<$schema1_redirect_url>";
        proxy_set_header X-Method "<$request_method>";
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
HEAD /v2/team/app/manifests/1
--- response_body
--- asked eval
"GET /auth
    X-Url: <>
    X-Method: <HEAD>
HEAD /v2/team/app/manifests/1
GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::app->{config_digest}"



=== TEST 19: $status of an error after error_page
--- http_config
    log_format code "<$status $schema1_status>";
--- server
    location /v2/none/ {
        schema_conversion on;
        proxy_intercept_errors on;
        error_page 404 =200 @other;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location @other {
        schema_conversion on;
        access_log logs/access.log code;
        rewrite ^ /v2/team/zstd/manifests/1 break;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/none/app/manifests/1
--- error_code: 400
--- access_log
<400 UNCONVERTIBLE>
--- no_error_log
[alert]
