# Copyright (C) the ngx_http_schema1_module authors

# While a response is held back: what other modules add to it, and how an
# upstream may end.

use Schema1;
use Schema1::Client;

# how often the registry is asked depends on the slices
repeat_each(1);

plan tests => repeat_each() * 165;

our $v2 = type_of('docker', 'manifest');
our $oci = type_of('oci', 'manifest');

# manifests of several slices
our @layers = (layers => 12);
our $docker = image('team/docker:1', @layers);
image('team/oci:1', format => 'oci', strict => 0, @layers);
list('team/list:1', entries => [image('team/list', @layers)], strict => 0);
list('team/nested:1', format => 'oci', strict => 0, entries => [
    list('team/nested', format => 'oci', entries => [
        image('team/nested', format => 'oci', @layers)])]);
our $plain = document('team/plain:1', 'application/json',
                      '{"x":"' . 'y' x 3000 . '"}');

our $slice = '
        slice 1k;
        proxy_set_header Range $slice_range;
        proxy_http_version 1.1;
';

our $whole = image('team/whole:1');

# invalid chunks at each stage
our $app = image('cut/app:1');
our $listed = image('cut/list');
list('cut/list:1', entries => [$listed], strict => 0);

sub cut
{
    my ($type, $body) = @_;

    return sub {
        my ($socket, $request) = @_;

        my $head = $request->{method} eq 'HEAD';

        print $socket "HTTP/1.1 200 OK\r\nContent-Type: $type\r\n"
                      . ($head ? 'Content-Length: ' . length($body) . "\r\n\r\n"
                               : "Transfer-Encoding: chunked\r\n\r\n"
                                 . "10\r\n" . substr($body, 0, 16)
                                 . "\r\nno length\r\n");
    };
}

image('cut/tag:1');
answer('/v2/cut/tag/manifests/1', cut($v2, $app->{body}));
answer("/v2/cut/app/blobs/$app->{config_digest}",
       cut('application/octet-stream', $app->{config}));
answer("/v2/cut/list/manifests/$listed->{digest}", cut($v2, $app->{body}));

# lines that lua removes
image('deny/app:1');
answer(qr{^GET /v2/deny/app/blobs/}, status => 403, body => 'no',
       headers => ['X-Secret' => 'x', 'X-Why' => 'not you']);

our $modules = `nginx -V 2>&1` =~ /--modules-path=(\S+)/ && $1;

sub have
{
    return -f "$::modules/ngx_http_$_[0]_module.so"
           && !$ENV{TEST_NGINX_BINARY};
}

# a registry that sends a type only to a request that names it
our @strict = (
    image('strict/oci:1', format => 'oci', @layers),
    list('strict/list:1', format => 'oci', entries => [
        image('strict/list', format => 'oci', @layers)]));

run_tests();

__DATA__

=== TEST 1: slices of a manifest are converted
--- location eval: $::slice
--- request eval
[map { "GET /v2/team/$_/manifests/1" } qw(docker oci list nested)]
--- schema1 eval
[map { "team/$_:1 12 layers" } qw(docker oci list nested)]



=== TEST 2: slices of an OCI manifest are converted to schema 2
--- location eval: $::slice
--- request
GET /v2/team/oci/manifests/1
--- more_headers eval
"Accept: $::v2, application/json"
--- response_body_like: \A\{\n   "schemaVersion": 2,
--- response_headers eval
"Content-Type: $::v2"



=== TEST 3: slices of a document that passes
--- location eval: $::slice
--- request
GET /v2/team/plain/manifests/1
--- response_body eval
$::plain->{body}



=== TEST 4: slices over the size limit are refused once
--- location eval
"$::slice schema_conversion_max_size 2k;"
--- request
GET /v2/
--- after
my $answer = ask('/v2/team/docker/manifests/1');
is($answer->{status}, 502, 'status');
like($answer->{body}, qr/\A\{"errors":.*too_large.*\}\s*\z/s, 'nothing else');
cmp_ok($answer->{seconds}, '<', 5, 'in time');
--- no_error_log
[alert]



=== TEST 5: slices and a cached conversion
--- http_config
    schema_conversion_cache_zone one:1m;
--- location eval
"$::slice schema_conversion_cache one;"
--- request
GET /v2/
--- after
my @bodies = map { ask('/v2/team/docker/manifests/1')->{body} } 1 .. 3;
like($bodies[0], qr/\A\{.*"signatures".*\}\z/s, 'converted');
is($bodies[1], $bodies[0], 'the same from the cache');
is($bodies[2], $bodies[0], 'and again');



=== TEST 6: slices for HEAD
--- location eval: $::slice
--- request
HEAD /v2/team/docker/manifests/1
--- response_headers_like
Docker-Content-Digest: sha256:.*



=== TEST 7: slices in a thread
--- main_config
    thread_pool slices threads=2;
--- location eval
"$::slice schema_conversion_thread_pool slices;"
--- request
GET /v2/team/docker/manifests/1
--- schema1
team/docker:1 12 layers



=== TEST 8: slices from proxy_cache
--- http_config
    proxy_cache_path logs/cache keys_zone=slices:1m;
--- location eval
"sendfile on; $::slice proxy_cache slices; proxy_cache_valid 200 206 1m;
 proxy_cache_key \$request_uri\$slice_range;"
--- request eval
[("GET /v2/team/list/manifests/1") x 2]
--- schema1 eval
[("team/list:1 12 layers") x 2]



=== TEST 9: the output of echo_location is the document
--- skip_eval
3: !::have('echo')
--- main_config eval
"load_module $::modules/ngx_http_echo_module.so;"
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        default_type application/vnd.docker.distribution.manifest.v2+json;
        echo_location /registry$uri;
    }
    location ~ ^/v2/.*/blobs/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location /registry/ {
        proxy_set_header Accept $http_accept;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT/;
    }
--- request
GET /v2/team/docker/manifests/1
--- schema1
team/docker:1 12 layers
--- no_error_log
[alert]



=== TEST 10: an invalid chunk of a held manifest is 502
--- request
GET /v2/
--- after
for my $method ('GET', 'HEAD') {
    my $answer = ask('/v2/cut/tag/manifests/1', '' => { method => $method });
    is($answer->{status}, 502, "$method: status");
    is($answer->{header}{'content-type'}, 'application/json', 'type');
    like($answer->{body}, qr/truncated/, 'reason') if $method eq 'GET';
}
--- no_error_log
[alert]
--- schema1_log
- * * * *
ERROR * * * truncated
ERROR * * * truncated



=== TEST 11: an invalid chunk of a held manifest, unbuffered
--- location
    proxy_buffering off;
--- request
GET /v2/
--- after
my $answer = ask('/v2/cut/tag/manifests/1');
is($answer->{status}, 502, 'status');
like($answer->{body}, qr/truncated/, 'reason');
--- no_error_log
[alert]



=== TEST 12: an invalid chunk of a held manifest is 502 over HTTP/2
--- server
    listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 http2;
    location = /port {
        return 200 $TEST_NGINX_RAND_PORT_1;
    }
--- request
GET /v2/
--- after
my $port = ask('/port')->{body};
my $said = `curl -sS --max-time 10 --http2-prior-knowledge -w '\n%{http_code}' http://127.0.0.1:$port/v2/cut/tag/manifests/1 2>&1`;
like($said, qr/"reason":"truncated".*\n502\z/s, 'status and reason');
--- no_error_log
[alert]



=== TEST 13: an invalid chunk of a config is 502
--- request
GET /v2/cut/app/manifests/1
--- error_code: 502
--- response_body_like: truncated
--- no_error_log
[alert]



=== TEST 14: an invalid chunk of a child is 502
--- request
GET /v2/cut/list/manifests/1
--- error_code: 502
--- response_body_like: truncated
--- no_error_log
[alert]



=== TEST 15: a body filter of njs in front
--- skip_eval
6: !::have('js')
--- main_config eval
"load_module $::modules/ngx_http_js_module.so;"
--- http_config
    js_path ../html;
    js_import main from main.js;
--- location
    js_body_filter main.body;
--- user_files
>>> main.js
function body(r, data, flags) { r.sendBuffer(data, flags); }
export default { body };
--- request eval
["GET /v2/team/docker/manifests/1", "GET /v2/team/list/manifests/1"]
--- schema1 eval
["team/docker:1 12 layers", "team/list:1 12 layers"]



=== TEST 16: HEAD of content by lua
--- skip_eval
9: !::have('lua')
--- main_config eval
"load_module $::modules/ndk_http_module.so;
load_module $::modules/ngx_http_lua_module.so;"
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        content_by_lua_block {
            local kind = ngx.var.uri:match("/manifests/1$") and "get" or "sub"
            local res = ngx.location.capture("/registry" .. ngx.var.uri)
            ngx.status = res.status
            ngx.header["Content-Type"] = res.header["Content-Type"]
            ngx.header["Content-Length"] = #res.body
            ngx.print(res.body)
        }
    }
    location /registry/ {
        proxy_method GET;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT/;
    }
--- request
GET /v2/
--- after
for my $method ('GET', 'HEAD') {
    my $answer = ask('/v2/team/docker/manifests/1',
                     '' => { method => $method, timeout => 5 });
    is($answer->{status}, 200, "$method: status");
    like($answer->{header}{'content-type'}, qr/prettyjws/, 'type');
    cmp_ok($answer->{seconds}, '<', 5, 'in time');
    is($answer->{header}{'content-length'}, length $answer->{body}, 'length')
        if $method eq 'GET';
}
--- no_error_log
[alert]



=== TEST 17: js_set is evaluated again in subrequests
--- skip_eval
3: !::have('js')
--- main_config eval
"load_module $::modules/ngx_http_js_module.so;"
--- http_config
    js_path ../html;
    js_import main from main.js;
    js_set $seen main.seen;
--- location
    proxy_set_header X-Seen $seen;
--- user_files
>>> main.js
function seen(r) { return r.uri; }
export default { seen };
--- request
GET /v2/team/docker/manifests/1
--- asked eval
"GET /v2/team/docker/manifests/1
    X-Seen: /v2/team/docker/manifests/1
GET /v2/team/docker/blobs/$::docker->{config_digest}
    X-Seen: /v2/team/docker/blobs/$::docker->{config_digest}"



=== TEST 18: slices are requested with the lines of the first
--- location eval: $::slice
--- request eval
[map { "GET /v2/strict/$_/manifests/1" } qw(oci list)]
--- more_headers eval
[map { "If-None-Match: \"$_->{digest}\"\nAccept-Encoding: gzip" } @::strict]
--- schema1 eval
[map { "strict/$_:1 12 layers" } qw(oci list)]



=== TEST 19: slices of a held manifest are not cut to the client's Range
--- http_config
    proxy_cache_path logs/cache keys_zone=two:1m;
--- location eval
"$::slice
    proxy_cache two;
    proxy_cache_key \$request_uri\$slice_range;
    proxy_cache_valid 200 206 1m;"
--- request eval
[("GET /v2/team/docker/manifests/1") x 2,
 "GET /v2/team/docker/manifests/1?accepted"]
--- more_headers eval
["Range: bytes=0-9", "Range: bytes=1500-1509",
 "Range: bytes=0-9\nAccept: $::v2, application/json"]
--- schema1 eval
[("team/docker:1 12 layers") x 2, undef]
--- response_body_like eval
['"signatures"', '"signatures"', "\\A\Q$::docker->{body}\E\\z"]



=== TEST 20: slices without a cache are not cut to the client's Range
--- location eval: $::slice
--- request eval
[("GET /v2/team/docker/manifests/1") x 2]
--- more_headers eval
["Range: bytes=0-9", "Range: bytes=0-9\nAccept: $::v2, application/json"]
--- response_body_like eval
['"signatures"', "\\A\Q$::docker->{body}\E\\z"]



=== TEST 21: the module evaluates the conditions of a sliced manifest
--- location eval: $::slice
--- request eval
[map { "GET /v2/strict/$_/manifests/1" } qw(oci list)]
--- more_headers
If-None-Match: *
--- error_code eval
[304, 304]



=== TEST 22: slices of an unbuffered response and a cached conversion
--- http_config
    schema_conversion_cache_zone one:1m;
--- location eval
"$::slice schema_conversion_cache one; proxy_buffering off;"
--- request eval
[("GET /v2/team/docker/manifests/1") x 3]
--- same: a a a
--- schema1_log
CONVERTED * * * -
HIT * * * -
HIT * * * -



=== TEST 23: the output of echo_location over the size limit is refused
--- skip_eval
3: !::have('echo')
--- main_config eval
"load_module $::modules/ngx_http_echo_module.so;"
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_max_size 2k;
        default_type application/json;
        echo_location /registry$uri;
    }
    location /registry/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT/;
    }
--- request
GET /v2/team/plain/manifests/1
--- error_code: 502
--- response_body_like: \A\{"errors":.*"too_large".*\}\z
--- no_error_log
[alert]



=== TEST 24: an error after a subrequest names the client's request
--- skip_eval
4: !::have('js')
--- main_config eval
"load_module $::modules/ngx_http_js_module.so;"
--- http_config
    js_path ../html;
    js_import main from main.js;
--- location
    js_body_filter main.body;
--- user_files
>>> main.js
function body(r, data, flags) { r.sendBuffer(data, flags); }
export default { body };
--- request
GET /v2/cut/app/manifests/1
--- error_code: 502
--- response_body_like: truncated
--- no_error_log eval
['[alert]', qr/no manifest for.*subrequest:/]



=== TEST 25: a handler that fails after the header gets nginx's error page
--- skip_eval
4: !::have('js')
--- main_config eval
"load_module $::modules/ngx_http_js_module.so;"
--- http_config
    js_path ../html;
    js_import main from main.js;
--- config
    location /v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location = /v2/team/docker/manifests/1 {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        js_content main.page;
    }
--- user_files
>>> main.js
function page(r) {
    r.status = 200;
    r.headersOut['Content-Type'] =
        'application/vnd.docker.distribution.manifest.v2+json';
    r.sendHeader();
    r.send('{"schemaVersion": 2, ');
    throw new Error('fails');
}
export default { page };
--- request
GET /v2/team/docker/manifests/1
--- error_code: 500
--- response_body_like: \A<html>.*500 Internal Server Error.*</html>\s*\z
--- response_headers
Vary: Accept
--- no_error_log
[alert]



=== TEST 26: a handler that fails after the header gets the page of the user
--- skip_eval
4: !::have('js')
--- main_config eval
"load_module $::modules/ngx_http_js_module.so;"
--- http_config
    js_path ../html;
    js_import main from main.js;
--- config
    location /v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location = /v2/team/docker/manifests/1 {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        js_content main.page;
        error_page 500 = @other;
    }
    location @other {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- user_files
>>> main.js
function page(r) {
    r.status = 200;
    r.headersOut['Content-Type'] =
        'application/vnd.docker.distribution.manifest.v2+json';
    r.sendHeader();
    r.send('{"schemaVersion": 2, ');
    throw new Error('fails');
}
export default { page };
--- request
GET /v2/team/docker/manifests/1
--- response_body eval
$::docker->{body}
--- response_headers
!Vary
--- no_error_log
[alert]



=== TEST 27: what replaces a handler that fails after the header is converted
--- skip_eval
3: !::have('js')
--- main_config eval
"load_module $::modules/ngx_http_js_module.so;"
--- http_config
    js_path ../html;
    js_import main from main.js;
--- config
    location /v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location = /v2/team/docker/manifests/1 {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        js_content main.page;
        error_page 500 = @other;
    }
    location @other {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- user_files
>>> main.js
function page(r) {
    r.status = 200;
    r.headersOut['Content-Type'] =
        'application/vnd.docker.distribution.manifest.v2+json';
    r.sendHeader();
    r.send('{"schemaVersion": 2, ');
    throw new Error('fails');
}
export default { page };
--- request
GET /v2/team/docker/manifests/1
--- schema1
team/docker:1 12 layers
--- no_error_log
[alert]



=== TEST 28: lua can add a header line to a subrequest
--- skip_eval
7: !::have('lua')
--- main_config eval
"load_module $::modules/ndk_http_module.so;
load_module $::modules/ngx_http_lua_module.so;"
--- server
    location ~ ^/v2/.*/blobs/ {
        rewrite_by_lua_block {
            ngx.req.set_header("X-Lua", "yes")
            ngx.req.set_header("X-More", "yes")
        }
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request eval
[('GET /v2/team/docker/manifests/1') x 2]
--- more_headers eval
["X-1: 1", CORE::join "\n", map { "X-$_: $_" } 1 .. 30]
--- schema1 eval
[('team/docker:1 12 layers') x 2]
--- asked eval
CORE::join '', map {
    my $lines = CORE::join '', map { "    X-$_: $_\n" } 1 .. $_;
"GET /v2/team/docker/manifests/1
${lines}GET /v2/team/docker/blobs/$::docker->{config_digest}
    X-Lua: yes
    X-More: yes
$lines" } 1, 30



=== TEST 29: a handler that fails after the whole config is 502
--- skip_eval
3: !::have('lua')
--- main_config eval
"load_module $::modules/ndk_http_module.so;
load_module $::modules/ngx_http_lua_module.so;"
--- server eval
"location /v2/team/whole/blobs/ {
    content_by_lua_block {
        local config = [==[$::whole->{config}]==]
        ngx.header['Content-Length'] = #config
        ngx.print(config)
        ngx.flush(true)
        ngx.exit(ngx.ERROR)
    }
}"
--- request
GET /v2/team/whole/manifests/1
--- error_code: 502
--- response_body_like: truncated
--- no_error_log
[alert]



=== TEST 30: a HEAD is sent once after a subrequest of lua
--- skip_eval
8: !::have('lua')
--- main_config eval
"load_module $::modules/ndk_http_module.so;
load_module $::modules/ngx_http_lua_module.so;"
--- http_config
    schema_conversion_cache_zone lua:1m;
--- location
    schema_conversion_cache lua revalidate=head;
    access_by_lua_block { ngx.location.capture("/access") }
--- server
    location = /access {
        return 200 yes;
    }
--- request eval
[("GET /v2/team/docker/manifests/1") x 2]
--- schema1 eval
[("team/docker:1 12 layers") x 2]
--- same: a a
--- asked eval
"GET /v2/team/docker/manifests/1
GET /v2/team/docker/blobs/$::docker->{config_digest}
HEAD /v2/team/docker/manifests/1"



=== TEST 31: a line that lua removes from a denied subrequest is not forwarded
--- skip_eval
5: !::have('lua')
--- main_config eval
"load_module $::modules/ndk_http_module.so;
load_module $::modules/ngx_http_lua_module.so;"
--- server
    location ~ ^/v2/deny/.*/blobs/ {
        header_filter_by_lua_block { ngx.header["X-Secret"] = nil }
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/deny/app/manifests/1
--- error_code: 403
--- response_body chomp
no
--- response_headers
!X-Secret
X-Why: not you
--- no_error_log
[alert]



=== TEST 32: a line that lua adds after an internal redirect is kept
--- skip_eval
3: !::have('lua')
--- main_config eval
"load_module $::modules/ndk_http_module.so;
load_module $::modules/ngx_http_lua_module.so;"
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        try_files /nothing @other;
    }
    location @other {
        add_header X-Seen $http_x_lua;
        content_by_lua_block {
            ngx.req.set_header("X-Lua", "yes")
            ngx.print("x")
        }
    }
--- request
GET /v2/team/docker/manifests/1
--- response_headers
X-Seen: yes



=== TEST 33: content after echo_location is the document
--- skip_eval
3: !::have('echo')
--- main_config eval
"load_module $::modules/ngx_http_echo_module.so;"
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        default_type application/json;
        echo_location /returned;
    }
    location = /returned {
        return 200 '{"x": 1}';
    }
--- request
GET /v2/team/docker/manifests/1
--- response_body chomp
{"x": 1}
--- no_error_log
[alert]
