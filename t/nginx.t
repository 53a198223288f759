# Copyright (C) the ngx_http_schema1_module authors

# The rest of nginx, around a conversion.

use Schema1;
use Schema1::Client;
use Schema1::Refused;

plan tests => repeat_each() * 396;

our $app = image('team/app:1');
our $config = $app->{config_digest};
our $list = list('team/list:1', strict => 0, entries => [
    our $child = image('team/list')]);
our $large = image('large/app:1', config => { x => 'y' x 1_000_000 });
our $slow = image('slow/app:1');
answer(qr{^GET /v2/slow/app/blobs/}, delay => 1.5);
our $old = document('team/old:1', type_of('docker', 'schema1'),
                    '{"schemaVersion":1}');
image('said/app:1');
answer('GET /v2/said/app/manifests/1', add => ['Content-Encoding' => 'gzip',
                                               'X-Accel-Charset' => 'koi8-r']);
image('stall/app:1');
image('stall/oci:1', format => 'oci', strict => 0);
answer("GET /v2/stall/$_/manifests/1", stall => 0.7) for qw(app oci);
image('lost/app:1');
answer(qr{^GET /v2/lost/app/blobs/}, status => 404, body => 'lost');
image('locked/app:1');
protect('locked/app', 'Basic dTpw');

our $signed = 'application/vnd.docker.distribution.manifest.v1+prettyjws';

our $on = '
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
';

our $mock = '
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
';

answer('/v2/large/none/manifests/1', status => 200, type => 'application/json',
       body => '{"x":"' . 'y' x 60_000 . '"}', headers => [ETag => '"none"'],
       chunked => 1, drip => [6000, 0.02]);
image('drip/app:1');
answer(qr{^GET /v2/drip/app/blobs/}, delay => 1.5, drip => [50, 0.1]);
list('mapped/list:1', strict => 0, entries => [
    our $mapped = image('mapped/list')]);
answer("GET /v2/mapped/list/blobs/$mapped->{config_digest}", status => 404);
answer("storage:GET /v2/mapped/list/blobs/$mapped->{config_digest}",
       body => $mapped->{config}, status => 200, headers => []);



# the body ends when the config has been requested
our $late = image('late/app:1');
answer('GET /v2/late/app/manifests/1', sub {
    my ($socket, $request) = @_;

    print $socket "HTTP/1.1 200 OK\r\nContent-Type: $late->{type}\r\n"
        . "Docker-Content-Digest: $late->{digest}\r\nConnection: close\r\n"
        . 'Content-Length: ' . length($late->{body}) . "\r\n\r\n"
        . substr $late->{body}, 0, 10;
    $socket->flush;

    for (1 .. 200) {
        last if $request->{header}{'x-method'} ne 'HEAD'
                || grep { $_->{uri} =~ /blobs/ } asked();
        select undef, undef, undef, 0.1;
    }

    print $socket substr $late->{body}, 10;
});

our $padded = image('large/tag:1');
$padded->{body} .= ' ' x 300_000;
document("large/tag:1", $padded->{type}, $padded->{body});
document("large/bare:1", $padded->{type}, $padded->{body});
answer('/v2/large/bare/manifests/1', until_close => 1);
our $modern = join ', ', map { (type_of($_, 'manifest'), type_of($_, 'list')) }
                         qw(docker oci);
answer('/head', status => 204, body => '', headers => [], delay => 1);
answer('/auth', status => 200, headers => ['X-Token' => 'secret']);
our $second = image('second/app:1', format => 'oci', strict => 0);
answer('/v2/second/app/manifests/1', headers => ['X-One' => 1]);
image('first/app:1');
answer('/v2/first/app/manifests/1', headers => [
    ('Docker-Content-Digest' => 'sha256:' . '0' x 64) x 3]);
answer('/tail', status => 200, body => 'the tail');
answer('/done', status => 200, body => '');

# the values of a line of the only request of that URI, which may come late
sub late
{
    my ($uri, $name) = @_;

    for (1 .. 100) {
        for my $request (grep { $_->{uri} eq $uri } asked()) {
            return CORE::join '|', map { $_->[1] } grep { $_->[0] eq $name }
                                                   @{$request->{headers}};
        }

        Time::HiRes::sleep(0.05);
    }

    return 'no request';
}

run_tests();

__DATA__

=== TEST 1: send_timeout does not apply to a subrequest
--- location
    send_timeout 1s;
--- request
GET /v2/slow/app/manifests/1
--- schema1
slow/app:1 2 layers



=== TEST 2: proxy_pass with $request_uri
--- config eval
"location /v2/ { $::on proxy_pass http://127.0.0.1:$ENV{TEST_NGINX_MOCK_PORT}\$request_uri; }"
--- request
GET /v2/team/list/manifests/1?a=b
--- schema1
team/list:1 2 layers
--- asked eval
"GET /v2/team/list/manifests/1?a=b
GET /v2/team/list/manifests/$::child->{digest}?a=b
GET /v2/team/list/blobs/$::config?a=b"



=== TEST 3: proxy_cache_key with $request_uri
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    proxy_cache one;
    proxy_cache_key $request_method$request_uri;
    proxy_cache_valid 200 1m;
--- request eval
["GET /v2/team/list/manifests/1", "GET /v2/team/list/manifests/1"]
--- schema1 eval
["team/list:1 2 layers", "team/list:1 2 layers"]



=== TEST 4: error_page in the location of blobs
--- server
    location ~ ^/v2/.*/blobs/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_DEAD_PORT;
        error_page 502 = @other;
    }
    location @other {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- error_log
connect() failed



=== TEST 5: error_page with another 200
--- server
    location ~ ^/v2/.*/blobs/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        proxy_intercept_errors on;
        error_page 404 =200 @page;
    }
    location @page {
        return 200 "a page";
    }
--- request
GET /v2/lost/app/manifests/1
--- refused
502 UNKNOWN digest_mismatch lost/app:1



=== TEST 6: try_files with conversion in both locations
--- http_config
    log_format accept "accept: $http_accept|";
    access_log logs/access.log accept;
--- config eval
"location /v2/ { $::on try_files /nothing \@other; }
 location \@other { $::on $::mock }"
--- more_headers
Accept: text/html
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- access_log
accept: text/html|



=== TEST 7: try_files with conversion in the first location
--- config eval
"location /v2/ { $::on try_files /nothing \@other; }
 location \@other { $::mock }"
--- request
GET /v2/team/app/manifests/1
--- response_body eval
$::app->{body}
--- response_headers
!Vary



=== TEST 8: try_files with conversion in the second location
--- config eval
"location /v2/ { try_files /nothing \@other; }
 location \@other { $::on $::mock }"
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers



=== TEST 9: variables of auth_request_set are kept
--- requires: 4: http_auth_request_module
--- config eval
"location /v2/ {
    $::on
    auth_request /auth;
    auth_request_set \$token \$upstream_http_x_token;
    proxy_set_header X-Token \$token;
    $::mock
}
location = /auth { internal; $::mock }"
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- asked eval
"GET /auth
GET /v2/team/app/manifests/1
    X-Token: secret
GET /v2/team/app/blobs/$::config
    X-Token: secret"



=== TEST 10: auth_request refuses
--- requires: 3: http_auth_request_module
--- config eval
"location /v2/ { $::on auth_request /auth; $::mock }
 location = /auth { internal; return 403; }"
--- request
GET /v2/team/app/manifests/1
--- error_code: 403
--- asked



=== TEST 11: the access phase runs once
--- server
    location ~ ^/v2/.*/blobs/ {
        deny all;
        auth_basic "x";
        auth_basic_user_file /nothing;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers



=== TEST 12: deny applies
--- location
    deny all;
--- request
GET /v2/team/app/manifests/1
--- error_code: 403
--- asked
--- error_log
access forbidden by rule



=== TEST 13: auth_basic applies
--- location
    auth_basic "x";
    auth_basic_user_file ../html/users;
--- user_files
>>> users
u:{PLAIN}p
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- more_headers eval
["", "Authorization: Basic dTpw"]
--- error_code eval
[401, 200]



=== TEST 14: gzip on for GET
--- location
    gzip on;
    gzip_types *;
    gzip_min_length 1;
    gzip_http_version 1.0;
    gzip_proxied any;
--- more_headers
Accept-Encoding: gzip
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- response_headers_like
Content-Length: \d+
ETag: "sha256:\w{64}"
Content-Encoding:



=== TEST 15: gzip on for HEAD
--- location
    gzip on;
    gzip_types *;
    gzip_min_length 1;
    gzip_http_version 1.0;
    gzip_proxied any;
--- more_headers
Accept-Encoding: gzip
--- request
HEAD /v2/team/app/manifests/1
--- response_headers_like
Content-Length: \d+
ETag: "sha256:\w{64}"



=== TEST 16: gunzip does not change a manifest
--- requires: 6: http_gunzip_module
--- location
    gunzip on;
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/said/app/manifests/1"]
--- schema1 eval
["team/app:1 2 layers", "said/app:1 2 layers"]



=== TEST 17: sub_filter of another type is skipped
--- requires: 4: http_sub_module
--- location
    sub_filter amd64 i386;
    sub_filter_once off;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- response_headers_like
ETag: "sha256:\w{64}"



=== TEST 18: add_header applies to conversions
--- location
    add_header X-Added yes always;
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/lost/app/manifests/1"]
--- error_code eval
[200, 400]
--- response_headers eval
["X-Added: yes", "X-Added: yes"]
--- no_error_log
[alert]



=== TEST 19: proxy_hide_header applies to conversions
--- location
    proxy_hide_header Docker-Distribution-Api-Version;
    proxy_hide_header Docker-Content-Digest;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- response_headers_like
Docker-Content-Digest: sha256:\w{64}



=== TEST 20: proxy_cache stores what is fetched
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    proxy_cache one;
    proxy_cache_key $request_method$uri$http_accept;
    proxy_cache_valid 200 1m;
    add_header X-Cache $upstream_cache_status;
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- schema1 eval
["team/app:1 2 layers", "team/app:1 2 layers"]
--- response_headers eval
["", "X-Cache: HIT"]



=== TEST 21: proxy_cache answers a HEAD
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    proxy_cache one;
    proxy_cache_key $uri$http_accept;
    proxy_cache_valid 200 1m;
--- request eval
["HEAD /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1",
 "HEAD /v2/team/app/manifests/1"]
--- response_body_like eval
['^$', 'schemaVersion', '^$']
--- response_headers_like eval
my $h = "Content-Type: \Q$::signed\E
Content-Length: [1-9]\\d+"; [$h, $h, $h]



=== TEST 22: proxy_cache with proxy_cache_convert_head off
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    proxy_cache one;
    proxy_cache_convert_head off;
    proxy_cache_key $request_method$uri$http_accept;
    proxy_cache_valid 200 1m;
--- request eval
["HEAD /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1",
 "HEAD /v2/team/app/manifests/1"]
--- response_body_like eval
['^$', 'schemaVersion', '^$']
--- response_headers_like eval
my $h = "Content-Type: \Q$::signed\E
Content-Length: [1-9]\\d+"; [$h, $h, $h]



=== TEST 23: proxy_cache revalidates
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    proxy_cache one;
    proxy_cache_key $request_method$uri$http_accept;
    proxy_cache_valid 200 1s;
    proxy_cache_revalidate on;
    add_header X-Cache $upstream_cache_status;
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- after
sleep 2 if $n == 0;
--- schema1 eval
["team/app:1 2 layers", "team/app:1 2 layers"]
--- response_headers eval
["", "X-Cache: REVALIDATED"]



=== TEST 24: conversion with proxy_buffering off
--- location
    proxy_buffering off;
--- request eval
["GET /v2/team/list/manifests/1", "HEAD /v2/team/list/manifests/1"]
--- response_body_like eval
['schemaVersion', '^$']



=== TEST 25: conversion of 1 MiB through small buffers
--- location
    proxy_buffer_size 4k;
    proxy_buffers 2 4k;
    proxy_busy_buffers_size 4k;
--- request
GET /v2/large/app/manifests/1
--- schema1
large/app:1 2 layers



=== TEST 26: conversion of 1 MiB unbuffered
--- location
    proxy_buffering off;
    proxy_buffer_size 4k;
--- request
GET /v2/large/app/manifests/1
--- schema1
large/app:1 2 layers



=== TEST 27: conversion of 1 MiB without a temporary file
--- location
    proxy_buffers 2 4k;
    proxy_buffer_size 4k;
    proxy_busy_buffers_size 4k;
    proxy_max_temp_file_size 0;
--- request
GET /v2/large/app/manifests/1
--- schema1
large/app:1 2 layers



=== TEST 28: subrequest_output_buffer_size does not limit documents
--- location
    subrequest_output_buffer_size 128;
--- request
GET /v2/large/app/manifests/1
--- schema1
large/app:1 2 layers



=== TEST 29: limit_req counts once
--- http_config
    limit_req_zone $server_name zone=limit:1m rate=1r/m;
--- location
    limit_req zone=limit burst=20 nodelay;
--- request
GET /v2/team/list/manifests/1
--- schema1
team/list:1 2 layers



=== TEST 30: limit_req refuses
--- http_config
    limit_req_zone $arg_x zone=limit:1m rate=1r/m;
--- location
    limit_req zone=limit;
    limit_req_status 429;
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1?x=1",
 "GET /v2/team/app/manifests/1?x=1"]
--- error_code_like eval
["200", "200|429", "429"]
--- no_error_log
[alert]



=== TEST 31: mirror sends the client's headers
--- location
    mirror /mirror;
--- server
    location = /mirror {
        internal;
        proxy_pass http://127.0.0.1:$TEST_NGINX_STORAGE_PORT/mirror;
    }
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers



=== TEST 32: conversion after a rewrite in the location
--- location
    rewrite ^/v2/mine/(.*)$ /v2/team/$1 break;
--- request
GET /v2/mine/app/manifests/1
--- schema1
mine/app:1 2 layers



=== TEST 33: conversion after a rewrite in the server
--- server
    rewrite ^/v2/mine/(.*)$ /v2/team/$1;
--- request
GET /v2/mine/app/manifests/1
--- schema1
mine/app:1 2 layers



=== TEST 34: conversion in a regex location
--- config eval
"location ~ ^/v2/(?<repo>.+)/(manifests|blobs)/ { $::on $::mock }"
--- request
GET /v2/team/list/manifests/1
--- schema1
team/list:1 2 layers



=== TEST 35: X-Accel-Redirect to the registry
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        location / {
            add_header X-Accel-Redirect /inner$request_uri;
            return 200;
        }
    }
--- config eval
"location ~ /manifests/1 { $::on proxy_pass http://127.0.0.1:\$TEST_NGINX_RAND_PORT_1; }
 location ^~ /inner/ { internal; $::on rewrite ^/inner(/.*) \$1 break; $::mock }
 location /v2/ { $::mock }"
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers



=== TEST 36: content of "return" is converted
--- config eval
"location = /v2/team/app/manifests/1 { $::on default_type $::app->{type};
    return 200 '$::app->{body}'; }
 location /v2/ { $::mock }"
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers



=== TEST 37: static files are converted
--- config eval
"location ~ ^/v2/team/app/manifests/(.) { $::on default_type $::app->{type};
    sendfile on; alias html/manifest\$1; }
 location /v2/ { $::mock }"
--- user_files eval
">>> manifest1
$::app->{body}
>>> manifest2
$::app->{body}@{[' ' x 300_000]}"
--- request eval
["GET /v2/team/app/manifests/1", "HEAD /v2/team/app/manifests/1",
 "GET /v2/team/app/manifests/2"]
--- response_body_like eval
['"schemaVersion": 1', '^$', '"schemaVersion": 1']
--- response_headers eval
["Content-Type: $::signed
!Last-Modified
!Accept-Ranges", ("Content-Type: $::signed") x 2]



=== TEST 38: conversion with a TLS upstream
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 ssl;
        ssl_certificate $TEST_NGINX_KEYS/ec256.crt;
        ssl_certificate_key $TEST_NGINX_KEYS/ec256.pem;
        location / {
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        }
    }
--- config eval
# nginx frees no session that it keeps for an upstream, as a leak checker sees
"location /v2/ { $::on proxy_pass https://127.0.0.1:\$TEST_NGINX_RAND_PORT_1;
                 proxy_ssl_session_reuse off; }"
--- request
GET /v2/team/list/manifests/1
--- schema1
team/list:1 2 layers



=== TEST 39: TLS servers with several keys
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location = /v2/team/app/manifests/1 {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/rsa2048.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location /server/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1/;
    }
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec384.pem;
        location / {
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        }
    }
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/list/manifests/1",
 "GET /server/v2/team/app/manifests/1"]
--- schema1 eval
["team/app:1 2 layers RS256", "team/list:1 2 layers ES256",
 "team/app:1 2 layers ES384"]



=== TEST 40: HTTP/1.0 client
--- request
GET /v2/
--- after
my $answer = ask('/v2/team/app/manifests/1', '' => { protocol => 'HTTP/1.0' });
ok(check_schema1($answer->{body}, 'team/app', 1, 2), 'whole');
is($answer->{header}{'content-length'}, length $answer->{body}, 'length');



=== TEST 41: pipelined requests are converted
--- pipelined_requests eval
[map { "GET /v2/team/$_/manifests/1" } qw(app list old app)]
--- response_body_like eval
[map { "\"$_\"" } qw(team/app team/list schemaVersion team/app)]



=== TEST 42: a half-closed client receives its response
--- request
GET /v2/
--- after
my $answer = ask('/v2/team/app/manifests/1', '' => { shut => 1 });
ok($answer->{status} == 200 || $answer->{raw} eq '', 'whole or nothing');
is(ask('/v2/team/app/manifests/1')->{status}, 200, 'alive');



=== TEST 43: a slow client receives its response
--- request
GET /v2/
--- after
my $answer = ask('/v2/large/app/manifests/1', '' => { linger => 0.5 });
ok(check_schema1($answer->{body}, 'large/app', 1, 2), 'whole');



=== TEST 44: clients close at any time
--- request
GET /v2/
--- no_error_log
[alert]
[error]
--- after
abort("/v2/$_->[0]/app/manifests/1", $_->[1])
    for map { my $s = $_; map { [$_, $s] } qw(team slow large locked) }
        0, 0.005, 0.02, 0.1;
is(ask('/v2/team/app/manifests/1')->{status}, 200, 'alive');



=== TEST 45: limit_rate applies to conversions
--- location
    limit_rate 4k;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers



=== TEST 46: a GET with a body is converted
--- request
GET /v2/team/app/manifests/1
a body
--- schema1
team/app:1 2 layers
--- asked eval
"GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::config
    !Content-Length"



=== TEST 47: the log has the client's Accept
--- http_config
    log_format accept "accept: $http_accept|$upstream_status|";
--- location
    access_log logs/access.log accept;
--- more_headers
Accept: text/html
--- request
GET /v2/team/app/manifests/1
--- access_log
accept: text/html|200|



=== TEST 48: conversion for an HTTP/2 client
--- requires: 6: http_v2_module
--- http_config
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 http2;
        location /v2/ {
            schema_conversion on;
            schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
            send_timeout 1s;
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        }
    }
--- server
    location = /port {
        return 200 $TEST_NGINX_RAND_PORT_1;
    }
--- request
GET /port
--- after
SKIP: {
    skip('curl without HTTP/2', 4) if `curl -V 2>&1` !~ /\bHTTP2\b/;
    my $curl = 'curl -s --max-time 10 --http2-prior-knowledge';
    my $url = "http://127.0.0.1:$body/v2";
    my $text = `$curl $url/team/app/manifests/1`;
    ok(eval { check_schema1($text, 'team/app', 1, 2) }, 'GET');
    like(`$curl -I $url/team/app/manifests/1`,
         qr/^HTTP\/2 200.*content-length: \d+/s, 'HEAD');
    ok(eval { check_schema1(scalar `$curl $url/slow/app/manifests/1`,
                            'slow/app', 1, 2) }, 'a slow one');
    `$curl --max-time 0.3 $url/slow/app/manifests/1`;
    is(`$curl -o /dev/null -w '%{http_code}' $url/team/list/manifests/1`, 200,
       'after an abort');
}



=== TEST 49: SSI includes the unconverted manifest
--- config eval
"location /v2/ { $::on $::mock }
 location = /page { ssi on; default_type text/html;
    return 200 '[<!--# include virtual=\"/v2/team/app/manifests/1\" -->]'; }"
--- request
GET /page
--- response_body_like: ^\[\{"config"



=== TEST 50: proxy_set_header Accept takes precedence
--- location
    proxy_set_header Accept application/json;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers



=== TEST 51: conversion after error_page
--- config eval
"location /v2/ { $::on proxy_pass http://127.0.0.1:\$TEST_NGINX_DEAD_PORT;
    error_page 502 = \@other; }
 location \@other { $::on $::mock }
 location ~ /blobs/ { $::mock }"
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- error_log
connect() failed



=== TEST 52: proxy_next_upstream applies to subrequests
--- http_config
    upstream two {
        server 127.0.0.1:$TEST_NGINX_DEAD_PORT;
        server 127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- config eval
"location /v2/ { $::on proxy_pass http://two; }"
--- request eval
[map { "GET /v2/team/list/manifests/1" } 1 .. 3]
--- schema1 eval
[map { "team/list:1 2 layers" } 1 .. 3]
--- no_error_log
[alert]



=== TEST 53: no subrequest follows a 304
--- location
    schema_conversion_max_size 4k;
--- request
GET /v2/
--- after
my $answer = ask('', '' => { raw =>
    "GET /v2/large/none/manifests/1 HTTP/1.1\r\nHost: a\r\n"
    . "If-None-Match: \"none\"\r\n\r\n"
    . "GET /v2/team/old/manifests/1 HTTP/1.1\r\nHost: a\r\n"
    . "Connection: close\r\n\r\n" });
is($answer->{status}, 304, 'status');
like($answer->{body}, qr/^HTTP\/1\.1 200 .*"schemaVersion":1\}\z/s,
     'the next answer');



=== TEST 54: no subrequest follows a HEAD from a cache
--- http_config
    proxy_cache_path logs/cache keys_zone=head:1m;
--- location
    schema_conversion_max_size 4k;
    proxy_cache head;
    proxy_cache_valid 1m;
--- request
GET /v2/
--- after
my $answer = ask('', '' => { raw => join '', map {
    "HEAD /v2/large/none/manifests/1 HTTP/1.1\r\nHost: a\r\n"
    . "Connection: $_\r\n\r\n" } qw(keep-alive close) });
is($answer->{status}, 200, 'status');
like($answer->{body}, qr/^HTTP\/1\.1 200 .*Connection: close\r\n[^<]*\r\n\z/s,
     'the next answer');



=== TEST 55: send_timeout and a client that sends
--- location
    send_timeout 1s;
--- request
GET /v2/
--- after
my $handle = start('', '' => { raw =>
    "GET /v2/drip/app/manifests/1 HTTP/1.1\r\nHost: a\r\n\r\n" });
select undef, undef, undef, 1.7;
syswrite $handle->{socket}, "GET /v2/team/old/manifests/1 HTTP/1.1\r\n"
                            . "Host: a\r\nConnection: close\r\n\r\n";
my $answer = finish($handle);
is($answer->{status}, 200, 'status');
like($answer->{body}, qr/"signature".*HTTP\/1\.1 200 .*"schemaVersion":1\}\z/s,
     'the next answer');



=== TEST 56: a body filter that starts a subrequest after a converted manifest
--- requires: 10: http_addition_module
--- http_config
    schema_conversion_cache_zone tail:1m;
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache tail;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        add_after_body /tail;
        addition_types *;
    }
    location = /tail {
        return 200 "the tail";
    }
--- request
GET /v2/
--- after
my $path = '/v2/team/list/manifests';
my $digest;

# converted, from the cache, by digest, the empty layer
for my $uri ("$path/1", "$path/1", '',
             '/v2/team/list/blobs/' . EMPTY_LAYER)
{
    my $answer = ask($uri || "$path/$digest", '' => { timeout => 5 });

    $digest ||= $answer->{header}{'docker-content-digest'};
    like($answer->{body}, qr/the tail(\r\n0\r\n\r\n)?\z/, "$uri ends");
    cmp_ok($answer->{seconds}, '<', 5, 'in time');
}
--- no_error_log
[alert]



=== TEST 57: a body filter that starts a subrequest before a converted manifest
--- requires: 5: http_addition_module
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        add_before_body /head;
        addition_types *;
    }
    location = /head {
        return 200 "the head";
    }
--- request
GET /v2/
--- after
my $answer = ask('/v2/team/list/manifests/1', '' => { timeout => 5 });
like($answer->{body}, qr/the head.*"signature".*\}/s, 'the whole body');
like($answer->{header}{etag}, qr{^W/"sha256:}, 'no strong ETag');
cmp_ok($answer->{seconds}, '<', 5, 'in time');



=== TEST 58: a map over the URI is evaluated again in subrequests
--- http_config
    map $uri $backend {
        ~/manifests/1$  127.0.0.1:$TEST_NGINX_MOCK_PORT;
        ~/manifests/    127.0.0.1:$TEST_NGINX_MOCK_PORT;
        ~/blobs/        127.0.0.1:$TEST_NGINX_STORAGE_PORT;
    }
    map $request_uri $key {
        ~(?<p>.*)  $p;
    }
    proxy_cache_path logs/cache keys_zone=maps:1m;
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://$backend;
        proxy_cache maps;
        proxy_cache_key $key;
        proxy_cache_valid 1m;
    }
--- request eval
[("GET /v2/mapped/list/manifests/1") x 2]
--- schema1 eval
["mapped/list:1 2 layers", "mapped/list:1 2 layers"]



=== TEST 59: a map that denies is evaluated again in subrequests
--- http_config
    map $uri $deny {
        ~/blobs/  1;
    }
    split_clients $request_uri $split {
        *  $uri;
    }
    geo $net {
        default  1;
    }
--- location
    set $seen "$deny$split$net";
    if ($deny) {
        return 403;
    }
--- request
GET /v2/team/app/manifests/1
--- error_code: 403
--- asked
GET /v2/team/app/manifests/1
--- no_error_log
[alert]



=== TEST 60: variables that were set keep their values in subrequests
--- http_config
    map $uri $kind {
        ~/blobs/  blob;
        default   manifest;
    }
--- config
    set $server "of the server";
    if ($http_x_none) {
        set $both none;
    }
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        set $location "$kind";
        auth_request /auth;
        auth_request_set $token $upstream_http_x_token;
        auth_request_set $both $upstream_http_x_token;
        proxy_set_header X-Token $token;
        proxy_set_header X-Both $both;
        proxy_set_header X-Kind "$kind $location $server";
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location = /auth {
        internal;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- asked eval
"GET /auth
GET /v2/team/app/manifests/1
    X-Token: secret
    X-Kind: manifest manifest of the server
GET /v2/team/app/blobs/$::config
    X-Token: secret
    X-Both: secret
    X-Kind: blob blob of the server"
--- no_error_log
using uninitialized



=== TEST 61: proxy_cache does not store a manifest over the size limit truncated
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    schema_conversion_max_size 4k;
    proxy_buffers 8 4k;
    proxy_cache one;
    proxy_cache_key $uri;
    proxy_cache_valid 200 1m;
    proxy_ignore_headers Vary;
    add_header X-Cache $upstream_cache_status;
--- request eval
[('GET /v2/large/tag/manifests/1') x 2, ('GET /v2/large/bare/manifests/1') x 2]
--- more_headers eval
['', "Accept: $::modern", '', "Accept: $::modern"]
--- error_code eval
[502, 200, 502, 200]
--- response_body_like eval
['SIZE_INVALID', "^\Q$::padded->{body}\E\$",
 'SIZE_INVALID', "^\Q$::padded->{body}\E\$"]
--- no_error_log
[alert]



=== TEST 62: geo and split_clients are evaluated again in subrequests
--- http_config
    # the first variable of the configuration
    log_format net $net;

    map $uri $kind {
        ~/blobs/  blobs;
        default   manifests;
    }
    map $kind $address {
        blobs      127.0.0.2;
        manifests  127.0.0.1;
    }
    geo $address $net {
        127.0.0.1  first;
        127.0.0.2  second;
    }
    # the hash of "blobs" is 31 % of its range, that of "manifests" 94 %
    split_clients $kind $split {
        50%  low;
        *    high;
    }
--- location
    proxy_set_header X-Geo $net;
    proxy_set_header X-Split $split;
--- request
GET /v2/team/app/manifests/1
--- asked eval
"GET /v2/team/app/manifests/1
    X-Geo: first
    X-Split: high
GET /v2/team/app/blobs/$::config
    X-Geo: second
    X-Split: low"



=== TEST 63: content of "return" passes for a modern client
--- config eval
"location = /v2/team/app/manifests/1 { $::on default_type $::app->{type};
    return 200 '$::app->{body}'; }"
--- more_headers eval
"Accept: $::modern"
--- request
GET /v2/team/app/manifests/1
--- response_body eval
$::app->{body}
--- schema1_log
PASS - - - -



=== TEST 64: broken content of "return" is refused
--- config eval
"location /v2/ { $::on default_type $::app->{type};
    return 200 '{\"schemaVersion\": 2,'; }"
--- request
GET /v2/team/app/manifests/1
--- refused
502 UNKNOWN unproven team/app:1



=== TEST 65: a module that adds to the body adds to a hit at once
--- requires: 4: http_addition_module
--- http_config
    schema_conversion_cache_zone stalled:1m;
--- location
    schema_conversion_cache stalled;
    add_after_body /tail;
    addition_types *;
--- server
    location = /tail {
        return 200 "the tail";
    }
--- request
GET /v2/stall/app/manifests/1
--- after
my $answer = ask('/v2/stall/app/manifests/1', '' => { timeout => 5 });
like($answer->{body}, qr/"signature".*\}the tail/s, 'the whole body');
cmp_ok($answer->{seconds}, '<', 5, 'in time');



=== TEST 66: charset applies to converted manifests
--- location
    charset utf-8;
    charset_types *;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- response_headers eval
"Content-Type: $::signed; charset=utf-8"



=== TEST 67: the upstream's charset is not that of a converted manifest
--- location
    charset_types *;
--- request
GET /v2/said/app/manifests/1
--- schema1
said/app:1 2 layers
--- response_headers eval
"Content-Type: $::signed"



=== TEST 68: the configuration of the second location applies
--- config eval
"location /v2/ { $::on try_files /nothing \@other; }
 location \@other { schema_conversion on; $::mock
    schema_conversion_key \$TEST_NGINX_KEYS/rsa2048.pem; }
 location ~ /blobs/ { $::mock }"
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers RS256



=== TEST 69: nothing is fetched for a client that closed while nginx caches
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    proxy_cache one;
    proxy_cache_key $request_uri;
    proxy_cache_valid 200 1m;
--- request
GET /v2/
--- after
# a block is repeated with the same cache
my $path = '/v2/stall/app/manifests/1?' . ++$::turn;
abort($path, 0.3);
Time::HiRes::sleep(1);
is(join(' ', map { $_->{uri} } grep { $_->{uri} =~ /stall/ }
                                    $Schema1::registry->asked),
   $path, 'no config');
is(ask($path)->{status}, 200, 'the next');



=== TEST 70: a large manifest from proxy_cache is converted
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    proxy_cache one;
    proxy_cache_valid 200 1m;
    sendfile on;
    add_header X-Cache $upstream_cache_status;
--- request eval
[("GET /v2/large/tag/manifests/1") x 2]
--- schema1 eval
[("large/tag:1 2 layers") x 2]
--- response_headers eval
["", "X-Cache: HIT"]



=== TEST 71: a HEAD that nginx sends as a GET waits for no body
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    proxy_cache one;
    proxy_cache_key $request_method$uri;
    proxy_cache_valid 200 1m;
    proxy_cache_bypass 1;
    proxy_set_header X-Method $request_method;
--- request
GET /v2/
--- after
$Schema1::registry->reset;
my $answer = ask('/v2/late/app/manifests/1', '' => { method => 'HEAD' });
is($answer->{header}{'content-type'}, $::signed, 'type');
cmp_ok($answer->{seconds}, '<', 15, 'in time');
--- asked eval
"GET /v2/late/app/manifests/1
    X-Method: HEAD
    Accept: $::modern
GET /v2/late/app/manifests/1
    X-Method: GET
    Accept: $::modern
GET /v2/late/app/blobs/$::late->{config_digest}
    Accept: */*"



=== TEST 72: a config over the size limit is read to its end by proxy_cache
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    schema_conversion_max_size 4k;
    proxy_buffers 8 4k;
    proxy_cache one;
    proxy_cache_key $uri;
    proxy_cache_valid 200 1m;
--- request eval
[('GET /v2/large/app/manifests/1') x 2]
--- refused eval
[('502 SIZE_INVALID too_large large/app:1') x 2]



=== TEST 73: what another module requests after a conversion has the client's lines
--- requires: 3: http_addition_module
--- location
    add_after_body /tail;
    addition_types *;
--- server
    location = /tail {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- more_headers
Accept: text/html
--- request
GET /v2/team/app/manifests/1
--- asked eval
"GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::config
GET /tail
    Accept: text/html"



=== TEST 74: post_action after what nginx cached has the client's lines
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    proxy_cache one;
    proxy_cache_valid 200 1m;
    post_action /done;
--- server
    location = /done {
        internal;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- more_headers
Accept: text/html
--- request
GET /v2/team/app/manifests/1
--- after
is(::late('/done', 'Accept'), 'text/html', 'Accept');



=== TEST 75: a mirror has the variables of a request that nginx's cache answers
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    proxy_cache one;
    proxy_cache_key $uri;
    proxy_cache_valid 200 1m;
    mirror /mirror;
--- server
    location = /mirror {
        internal;
        proxy_set_header X-Accept $http_accept;
        proxy_pass http://127.0.0.1:$TEST_NGINX_STORAGE_PORT/mirror;
    }
--- more_headers
Accept: text/html
--- request
GET /v2/team/app/manifests/1
--- after
::late('/mirror', 'X-Accept');
$Schema1::registry->reset;
ask('/v2/team/app/manifests/1', Accept => 'text/html');
is(::late('/mirror', 'X-Accept'), 'text/html', 'X-Accept');



=== TEST 76: If-Match applies to what nginx caches after an internal redirect
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- config eval
"location /v2/ { $::on try_files /nothing \@other; }
 location \@other { $::on proxy_cache one; proxy_cache_valid 200 1m; $::mock }"
--- more_headers
If-Match: "x"
--- request
GET /v2/team/app/manifests/1
--- error_code: 412



=== TEST 77: what replaces a 412 of nginx is converted without its lines
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- config eval
"location /v2/first/ { $::on $::mock proxy_cache one;
    proxy_cache_valid 200 1m; error_page 412 =200 \@second; }
 location \@second { $::on rewrite ^ /v2/second/app/manifests/1 break;
    $::mock }"
--- more_headers eval
"If-Match: \"x\"
Accept: application/vnd.docker.distribution.manifest.v2+json, application/json"
--- request
GET /v2/first/app/manifests/1
--- response_body_like: ^\{\n   "schemaVersion": 2,



=== TEST 78: variables of a request whose client closed
--- request
GET /v2/
--- after
my $socket = start('/v2/stall/app/manifests/1')->{socket};
until_asked(qr{/stall/app/manifests/1});
Time::HiRes::sleep(0.2);
close $socket;
--- schema1_log eval
"- - - - -
PASS $::app->{type} - - -"



=== TEST 79: a client that resets while a later filter waits
--- requires: 3: http_addition_module
--- server
    location /v2/team/ {
        schema_conversion on;
        add_before_body /head;
        addition_types *;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location = /head {
        proxy_ignore_client_abort on;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/
--- after
my $socket = start('/v2/team/app/manifests/1')->{socket};
until_asked(qr{/head});
setsockopt $socket, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack 'ii', 1, 0;
close $socket;
--- schema1_log
- - - - -
CONVERTED * * * -
--- no_error_log
[alert]



=== TEST 80: a converted manifest has no trailers of the upstream
--- requires: 4: http_v2_module
--- http_config
    log_format trailers "<$upstream_trailer_x_1 $upstream_trailer_x_5 "
                        "$upstream_trailer_x_own>";
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 http2;
        location / {
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
            add_trailer X-1 a;
            add_trailer X-2 b;
            add_trailer X-3 c;
            add_trailer X-4 d;
            add_trailer X-5 e;
        }
    }
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_2 http2;
        location / {
            schema_conversion on;
            schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
            grpc_pass 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
            add_trailer X-Own own;
        }
    }
--- config
    location /v2/ {
        grpc_pass 127.0.0.1:$TEST_NGINX_RAND_PORT_2;
        access_log logs/access.log trailers;
    }
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- access_log
<- - own>



=== TEST 81: nothing is converted for a client that closed while nginx caches
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location
    proxy_cache one;
    proxy_cache_key $request_uri;
    proxy_cache_valid 200 1m;
--- request
GET /v2/
--- after
# a block is repeated with the same cache
my $path = '/v2/stall/oci/manifests/1?' . ++$::turn;
my @accept = (Accept => type_of('docker', 'manifest'));
abort($path, @accept, 0.3);
Time::HiRes::sleep(1);
is(ask($path, @accept)->{status}, 200, 'the next');
--- schema1_log eval
"- * * * *\nPASS * * * *\nCONVERTED * * * *"
