# Copyright (C) the ngx_http_schema1_module authors

# Conditions of the client, evaluated by the module.

use Schema1;
use Schema1::Client;
use Schema1::Made;

plan tests => repeat_each() * 260;

our $v1 = type_of('docker', 'schema1');
our $v2 = type_of('docker', 'manifest');
our $list = type_of('docker', 'list');
our $oci = type_of('oci', 'manifest');
our $index = type_of('oci', 'list');

our $epoch = 'Thu, 01 Jan 1970 00:00:00 GMT';
our $later = 'Fri, 02 Jan 1970 00:00:00 GMT';
our $today = 'Sun, 01 Jun 2025 10:00:00 GMT';

our $app = image('team/app:1', layers => 2);
our $new = image('team/new:1', format => 'oci', layers => 2);
our $made = made_schema2($new)->{digest};
our $many = list('team/many:1', entries => [$app]);
our $golden = golden('real/buildah-docker');
our $payload = digest($golden->{payload});

image('team/many', layers => 2);
document("golden/app:$golden->{tag}", $golden->{type}, $golden->{body});
blob('golden/app', $golden->{config});
answer('/v2/team/new/manifests/1', add => ['Last-Modified' => $epoch]);

# what passes, with one of three ways to name it
our $old = document('pass/etag:1', $v1, '{"schemaVersion":1}');
answer('/v2/pass/etag/manifests/1', headers => [
    ETag => '"an, etag"', 'Docker-Content-Digest' => $old->{digest},
    'Last-Modified' => $later, 'Accept-Ranges' => 'bytes', 'X-Other' => 'x']);
document('pass/weak:1', $v1, '{"schemaVersion":1}');
answer('/v2/pass/weak/manifests/1', headers => [ETag => 'W/"abc"']);
document('pass/digest:1', $v1, '{"schemaVersion":1}');
answer('/v2/pass/digest/manifests/1', headers => [
    'Docker-Content-Digest' => $old->{digest}]);
document('pass/time:1', $v1, '{"schemaVersion":1}');
answer('/v2/pass/time/manifests/1', headers => ['Last-Modified' => $later]);
document('pass/none:1', $v1, '{"schemaVersion":1}');
answer('/v2/pass/none/manifests/1', headers => []);

document("pass/$_:1", $v1, '{"schemaVersion":1}') for qw(short slash empty gzip odd);
answer('/v2/pass/short/manifests/1', headers => [ETag => 'a']);
answer('/v2/pass/slash/manifests/1', headers => [ETag => '"W/"']);
answer('/v2/pass/empty/manifests/1', headers => [ETag => '""']);
answer('/v2/pass/gzip/manifests/1', headers => [
    ETag => '"gzip"', 'Content-Encoding' => 'identity']);
answer('/v2/pass/odd/manifests/1', headers => ['Last-Modified' => 'yesterday']);

# the digest comes after so many other lines
for my $lines (0, 1, 17 .. 22) {
    document("pass/lines$lines:1", $v1, '{"schemaVersion":1}');
    answer("/v2/pass/lines$lines/manifests/1", headers => [
        (map { ("X-$_" => 1) } 1 .. $lines),
        'Docker-Content-Digest' => $old->{digest}]);
}

our @same = map { s/%s/$made/r } '"%s"', '%s', 'W/"%s"', '"x", "%s"',
                                 '"x",W/"y" ,"%s","z"', '*', ' "%s" ';
our @other = ('"x"', 'W/"x"', "\"$made", "\"$made\"x", '"*"', "x$made",
              substr($made, 0, -1), $new->{digest}, "\"$new->{digest}\"",
              'sha256', ',', '""', 'x', '*x', "${made}0", "\"${made}0\"",
              "Wx\"$made\"", "x/\"$made\"", "x$made\"", "\"${made}x");

run_tests();

__DATA__

=== TEST 1: every form of an entity tag matches
--- request eval
[('GET /v2/team/new/manifests/1') x @::same]
--- more_headers eval
[map { "Accept: $::v2\nIf-None-Match: $_" } @::same]
--- error_code eval
[(304) x @::same]
--- response_body eval
[('') x @::same]



=== TEST 2: another entity tag does not match
--- request eval
[('GET /v2/team/new/manifests/1') x @::other]
--- more_headers eval
[map { "Accept: $::v2\nIf-None-Match: $_" } @::other]
--- response_body eval
[(Schema1::Made::made_schema2($::new)->{body}) x @::other]



=== TEST 3: the 304 has the headers of a conversion
--- request
GET /v2/team/new/manifests/1
--- more_headers eval
"Accept: $::v2
If-None-Match: \"$::made\""
--- error_code: 304
--- response_headers eval
"ETag: \"$::made\"
Docker-Content-Digest: $::made
Vary: Accept
Docker-Distribution-Api-Version: registry/2.0
!Content-Type
!Content-Length
!Content-Encoding
!Last-Modified"
--- response_body



=== TEST 4: HEAD evaluates If-None-Match
--- request
HEAD /v2/team/new/manifests/1
--- more_headers eval
"Accept: $::v2
If-None-Match: \"$::made\""
--- error_code: 304
--- response_headers eval
"ETag: \"$::made\"
!Content-Length"
--- response_body



=== TEST 5: the entity tag of schema 1 is its payload's digest
--- location
    rewrite ^/v2/app/web/(.*)$ /v2/golden/app/$1 break;
--- request eval
['GET /v2/app/web/manifests/1.0', 'HEAD /v2/app/web/manifests/1.0']
--- more_headers eval
[("If-None-Match: \"$::payload\"") x 2]
--- error_code eval
[304, 304]
--- response_headers eval
[("ETag: \"$::payload\"\nDocker-Content-Digest: $::payload") x 2]



=== TEST 6: the entity tag of a child is its digest
--- request eval
[('GET /v2/team/many/manifests/1') x 2]
--- more_headers eval
["Accept: $::v2\nIf-None-Match: \"$::app->{digest}\"",
 "Accept: $::v2\nIf-None-Match: \"$::many->{digest}\""]
--- error_code eval
[304, 200]
--- response_body eval
['', $::app->{body}]



=== TEST 7: converted manifests ignore If-Modified-Since
--- request
GET /v2/team/new/manifests/1
--- more_headers eval
"Accept: $::v2
If-Modified-Since: $::today"
--- response_body eval
Schema1::Made::made_schema2($::new)->{body}



=== TEST 8: a response that passes is compared by its ETag
--- request eval
[('GET /v2/pass/etag/manifests/1') x 5]
--- more_headers eval
[map { "If-None-Match: $_" } '"an, etag"', 'W/"x", W/"an, etag"', '*',
 "\"$::old->{digest}\"", '"another"']
--- error_code eval
[304, 304, 304, 200, 200]
--- response_body eval
['', '', '', ('{"schemaVersion":1}') x 2]
--- asked eval
"GET /v2/pass/etag/manifests/1\n    !If-None-Match\n" x 5



=== TEST 9: the 304 of a response that passes has its headers
--- request
GET /v2/pass/etag/manifests/1
--- more_headers
If-None-Match: "an, etag"
--- error_code: 304
--- response_headers eval
"ETag: \"an, etag\"
Docker-Content-Digest: $::old->{digest}
Last-Modified: $::later
Vary: Accept
Docker-Distribution-Api-Version: registry/2.0
X-Other: x
!Content-Type
!Content-Length
!Accept-Ranges"
--- response_body



=== TEST 10: a HEAD that passes evaluates If-None-Match
--- request
HEAD /v2/pass/etag/manifests/1
--- more_headers
If-None-Match: "an, etag"
--- error_code: 304
--- response_headers
ETag: "an, etag"
--- asked
HEAD /v2/pass/etag/manifests/1



=== TEST 11: a weak ETag of the upstream matches
--- request eval
[('GET /v2/pass/weak/manifests/1') x 3]
--- more_headers eval
[map { "If-None-Match: $_" } 'W/"abc"', '"abc"', '"abcd"']
--- error_code eval
[304, 304, 200]



=== TEST 12: a response without ETag is compared by its digest
--- request eval
[('GET /v2/pass/digest/manifests/1') x 3]
--- more_headers eval
["If-None-Match: \"$::old->{digest}\"", "If-None-Match: $::old->{digest}",
 'If-None-Match: "x"']
--- error_code eval
[304, 304, 200]



=== TEST 13: a response that passes is compared by its Last-Modified
--- request eval
[('GET /v2/pass/time/manifests/1') x 3]
--- more_headers eval
[map { "If-Modified-Since: $_" } $::later, $::today, $::epoch]
--- error_code eval
[304, 304, 200]
--- response_body eval
['', '', '{"schemaVersion":1}']



=== TEST 14: If-None-Match takes precedence over a time
--- request eval
[('GET /v2/pass/etag/manifests/1') x 2]
--- more_headers eval
["If-Modified-Since: $::today\nIf-None-Match: \"x\"",
 "If-Modified-Since: $::epoch\nIf-None-Match: \"an, etag\""]
--- error_code eval
[200, 304]



=== TEST 15: malformed times are ignored
--- request eval
[('GET /v2/pass/time/manifests/1') x 2, 'GET /v2/pass/none/manifests/1']
--- more_headers eval
["If-Modified-Since: yesterday", 'If-None-Match: "x"',
 "If-Modified-Since: $::today"]
--- error_code eval
[200, 200, 200]



=== TEST 16: documents that the client accepts are compared
--- request eval
[('GET /v2/team/app/manifests/1', 'GET /v2/team/new/manifests/1',
  'GET /v2/team/many/manifests/1') x 2]
--- more_headers eval
[map { ("Accept: $::v2, $::v1\nIf-None-Match: \"$_->[0]\"",
        "Accept: $::oci, $::v1\nIf-None-Match: \"$_->[1]\"",
        "Accept: $::v2, $::list\nIf-None-Match: \"$_->[2]\"") }
 [map { $_->{digest} } $::app, $::new, $::many], ['x', 'y', 'z']]
--- error_code eval
[(304) x 3, (200) x 3]



=== TEST 17: the upstream evaluates a modern client's conditions
--- request
GET /v2/team/app/manifests/1
--- more_headers eval
"Accept: $::v2, $::oci, $::list, $::index
If-None-Match: \"$::app->{digest}\""
--- error_code: 304
--- response_headers eval
"ETag: \"$::app->{digest}\"
Vary: Accept"
--- asked eval
"GET /v2/team/app/manifests/1
    If-None-Match: \"$::app->{digest}\""



=== TEST 18: what proxy_cache stores is compared
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    proxy_cache one;
    proxy_cache_key $request_method$uri$http_accept;
    proxy_cache_valid 200 1m;
--- request eval
[('GET /v2/team/new/manifests/1') x 4]
--- more_headers eval
[map { "Accept: $_->[0]\nIf-None-Match: \"$_->[1]\"" } ([$::v2, $::made],
 ["$::oci, $::v1", $::new->{digest}]) x 2]
--- error_code eval
[(304) x 4]



=== TEST 19: an entity tag of few characters, or of none, is compared
--- request eval
[map { "GET /v2/pass/$_/manifests/1" } ('short') x 4, ('slash') x 3, ('empty') x 4]
--- more_headers eval
[map { "If-None-Match: $_" } 'W/a', '"a"', 'a', 'W/',
                             'W/"W/"', 'W/', '""', '""', 'W/""', '"x"', '"']
--- error_code eval
[304, 304, 304, 200, 304, 304, 200, 304, 304, 200, 200]



=== TEST 20: a response without an entity tag matches only a star
--- request eval
[('GET /v2/pass/none/manifests/1') x 3]
--- more_headers eval
[map { "If-None-Match: $_" } '*', '""', '"x"']
--- error_code eval
[304, 200, 200]



=== TEST 21: a 304 has no Content-Encoding
--- request
GET /v2/pass/gzip/manifests/1
--- more_headers
If-None-Match: "gzip"
--- error_code: 304
--- response_headers
ETag: "gzip"
!Content-Encoding



=== TEST 22: a time is compared with a valid Last-Modified
--- request eval
['GET /v2/pass/odd/manifests/1', 'GET /v2/pass/time/manifests/1']
--- more_headers eval
["If-Modified-Since: $::today", '']
--- error_code eval
[200, 200]



=== TEST 23: the digest is found after any number of lines
--- request eval
[map { "GET /v2/pass/lines$_/manifests/1" } 0, 1, 17 .. 22]
--- more_headers eval
[("If-None-Match: \"$::old->{digest}\"") x 8]
--- error_code eval
[(304) x 8]



=== TEST 24: a 200 of an error_page is compared
--- server
    location /v2/lost/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        proxy_intercept_errors on;
        error_page 404 =200 @etag;
    }
    location @etag {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        rewrite ^ /v2/pass/etag/manifests/1 break;
        add_header X-Status $status;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request eval
[('GET /v2/lost/app/manifests/1') x 2]
--- more_headers eval
["If-None-Match: \"an, etag\"", "If-None-Match: \"other\""]
--- error_code eval
[304, 200]
--- response_headers eval
["X-Status: 304", "X-Status: 200"]
