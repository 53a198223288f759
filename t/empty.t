# Copyright (C) the ngx_http_schema1_module authors

# The layer that schema 1 names for whatever changes no file.

use Schema1;

plan tests => repeat_each() * 257;

our $layer = empty_layer();
our $blob = '/blobs/' . EMPTY_LAYER;

# "team/app" has not got it, as no registry 3.x has
our $app = image('team/app:1', history => [
    { created_by => 'a' }, { created_by => 'b', empty_layer => JSON::PP::true },
    { created_by => 'c' }]);
blob('team/has', empty_layer());
image('team/locked:1');
protect('team/locked', 'Basic dTpw');
answer(qr{ /v2/team/down/blobs/}, status => 500, body => 'down');
answer(qr{ /v2/team/r$_/blobs/}, status => $_, body => 'moved', add => [
       Location => 'http://elsewhere.test/layer']) for 301, 302, 303, 307, 308;
answer(qr{ /v2/team/denied/blobs/}, status => 403, body => 'no');
answer(qr{ /v2/team/odd/blobs/}, status => 404, type => 'text/html',
       body => 'x' x 5000, chunked => 1, add => [
       ETag => '"x"', 'Last-Modified' => 'Tue, 24 Nov 2020 00:00:00 GMT',
       'Accept-Ranges' => 'bytes', 'Docker-Content-Digest' => 'sha256:odd']);
answer(qr{ /v2/team/gzip/blobs/}, status => 404, type => 'text/html',
       body => 'not found', gzip => 1);
answer(qr{ /v2/team/cut/blobs/}, status => 404, type => 'text/html',
       body => 'not found', truncate => 3);
answer(qr{ /page$}, status => 404, type => 'text/plain', body => 'the page');
answer(qr{^PUT /v2/team/app/manifests/}, status => 400,
       type => 'application/json', body => '{"errors":[{"code":'
       . '"MANIFEST_BLOB_UNKNOWN"}]}');

run_tests();

__DATA__

=== TEST 1: a conversion refers to the empty layer
--- request
GET /v2/team/app/manifests/1
--- response_body_like eval: "blobSum\": \"" . ::EMPTY_LAYER
--- schema1
team/app:1 3 layers



=== TEST 2: GET of a missing empty layer is 200
--- request eval
"GET /v2/team/app$::blob"
--- response_body eval
$::layer
--- response_headers eval
"Content-Type: application/octet-stream
Content-Length: 32
Docker-Content-Digest: @{[::EMPTY_LAYER]}
Docker-Distribution-Api-Version: registry/2.0
!Content-Range
!Vary"
--- asked eval
"GET /v2/team/app$::blob"
--- schema1_log
EMPTY_LAYER - - sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4 -



=== TEST 3: HEAD of a missing empty layer is 200
--- request eval
"HEAD /v2/team/app$::blob"
--- response_body
--- response_headers eval
"Content-Type: application/octet-stream
Content-Length: 32
Docker-Content-Digest: @{[::EMPTY_LAYER]}"
--- asked eval
"HEAD /v2/team/app$::blob"



=== TEST 4: a modern client receives the empty layer
--- request eval
"GET /v2/team/app$::blob"
--- more_headers
Accept: application/vnd.oci.image.manifest.v1+json
--- response_body eval
$::layer



=== TEST 5: the registry's empty layer passes
--- request eval
"GET /v2/team/has$::blob"
--- response_body eval
$::layer
--- response_headers eval
"ETag: \"@{[::EMPTY_LAYER]}\""
--- schema1_log
- - - - -



=== TEST 6: a denied client does not receive the empty layer
--- request eval
["GET /v2/team/locked$::blob", "GET /v2/team/locked$::blob"]
--- more_headers eval
["", "Authorization: Basic dTpw"]
--- error_code eval
[401, 200]
--- response_body_like eval
["UNAUTHORIZED", "^\Q$::layer\E\$"]
--- response_headers eval
['WWW-Authenticate: Basic realm="mock"', "Content-Length: 32"]



=== TEST 7: a 403 for the empty layer passes
--- request eval
"GET /v2/team/denied$::blob"
--- error_code: 403
--- response_body chomp
no



=== TEST 8: a 500 for the empty layer passes
--- request eval
"GET /v2/team/down$::blob"
--- error_code: 500
--- response_body chomp
down



=== TEST 9: another layer's 404 passes
--- request
GET /v2/team/app/blobs/sha256:b3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4
--- error_code: 404
--- response_body_like: BLOB_UNKNOWN



=== TEST 10: another path's 404 passes
--- request
GET /v2/team/app/manifests/sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4
--- error_code: 404
--- response_body_like: MANIFEST_UNKNOWN



=== TEST 11: a 404 passes if conversion is off
--- config
    location /v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request eval
"GET /v2/team/app$::blob"
--- error_code: 404
--- response_body_like: BLOB_UNKNOWN



=== TEST 12: headers of the 404 are removed
--- request eval
"GET /v2/team/odd$::blob"
--- response_body eval
$::layer
--- response_headers eval
"Content-Type: application/octet-stream
Content-Length: 32
Docker-Content-Digest: @{[::EMPTY_LAYER]}
!ETag
!Last-Modified
!Accept-Ranges
!Transfer-Encoding"



=== TEST 13: a compressed 404 is replaced
--- request eval
"GET /v2/team/gzip$::blob"
--- response_body eval
$::layer
--- response_headers
Content-Length: 32
!Content-Encoding



=== TEST 14: a truncated 404 is replaced
--- request eval
"GET /v2/team/cut$::blob"
--- response_body eval
$::layer
--- response_headers
Content-Length: 32
--- no_error_log
[alert]



=== TEST 15: gzip does not compress the empty layer
--- location
    gzip on;
    gzip_min_length 1;
    gzip_types *;
    gzip_http_version 1.0;
    gzip_proxied any;
--- more_headers
Accept-Encoding: gzip
--- request eval
"GET /v2/team/app$::blob"
--- response_body eval
$::layer
--- response_headers
Content-Length: 32
!Content-Encoding



=== TEST 16: an unbuffered 404 is replaced
--- location
    proxy_buffering off;
--- request eval
"GET /v2/team/odd$::blob"
--- response_body eval
$::layer
--- response_headers
Content-Length: 32



=== TEST 17: a Range is ignored
--- request eval
[(map { "GET /v2/team/app$::blob" } 1 .. 6), "HEAD /v2/team/app$::blob"]
--- more_headers eval
["Range: bytes=0-9", "Range: bytes=30-", "Range: bytes=-5",
 "Range: bytes=32-", "Range: bytes=-0", "Range: bytes=0-1,4-5",
 "Range: bytes=0-9"]
--- error_code eval
[(200) x 7]
--- response_body eval
[($::layer) x 6, '']
--- response_headers eval
[("Content-Length: 32\n!Content-Range\n!Accept-Ranges") x 7]



=== TEST 18: a redirect of the layer is replaced
--- request eval
[map { ("GET /v2/team/r$_$::blob", "HEAD /v2/team/r$_$::blob") }
     301, 302, 303, 307, 308]
--- error_code eval
[(200) x 10]
--- response_body eval
[($::layer, '') x 5]
--- response_headers eval
[("Content-Length: 32\n!Location
Content-Type: application/octet-stream
Docker-Content-Digest: @{[::EMPTY_LAYER]}") x 10]



=== TEST 19: a redirect of another layer passes
--- request eval
"GET /v2/team/r307/blobs/sha256:@{['ab' x 32]}"
--- error_code: 307
--- response_headers
Location: http://elsewhere.test/layer



=== TEST 20: a redirect that nginx generated passes
--- location
    return 307 http://elsewhere.test/layer;
--- request eval
"GET /v2/team/app$::blob"
--- error_code: 307
--- response_headers
Location: http://elsewhere.test/layer
--- asked



=== TEST 21: error_page takes precedence over the empty layer
--- location
    proxy_intercept_errors on;
    error_page 404 /page;
--- server
    location = /page {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        internal;
        return 404 "the page\n";
    }
--- request eval
"GET /v2/team/app$::blob"
--- error_code: 404
--- response_body
the page



=== TEST 22: error_page with a status takes precedence over the empty layer
--- location
    proxy_intercept_errors on;
    error_page 404 =410 @page;
--- server
    location @page {
        return 410 "gone\n";
    }
--- request eval
"GET /v2/team/app$::blob"
--- error_code: 410
--- response_body
gone



=== TEST 23: error_page without interception does not apply
--- location
    error_page 404 @page;
--- server
    location @page {
        return 410 "gone\n";
    }
--- request eval
"GET /v2/team/app$::blob"
--- response_body eval
$::layer



=== TEST 24: a push finds the empty layer
--- request eval
["HEAD /v2/team/app$::blob", "PUT /v2/team/app/manifests/2\n{}"]
--- error_code eval
[200, 400]
--- response_body_like eval
["", "MANIFEST_BLOB_UNKNOWN"]



=== TEST 25: a push to another location does not find the empty layer
--- server
    location /push/v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT/v2/;
    }
--- request eval
"HEAD /push/v2/team/app$::blob"
--- error_code: 404



=== TEST 26: other methods pass
--- request eval
"DELETE /v2/team/app$::blob"
--- error_code: 404
--- response_body_like: BLOB_UNKNOWN



=== TEST 27: a cached 404 is replaced
--- http_config
    proxy_cache_path logs/cache keys_zone=empty:1m;
--- location
    proxy_cache empty;
    proxy_cache_valid 404 1m;
    add_header X-Cache $upstream_cache_status;
--- request eval
["GET /v2/team/app$::blob", "GET /v2/team/app$::blob"]
--- response_body eval
[$::layer, $::layer]
--- response_headers eval
["", "X-Cache: HIT"]



=== TEST 28: the empty layer can be pipelined
--- pipelined_requests eval
["GET /v2/team/app$::blob", "GET /v2/team/odd$::blob",
 "GET /v2/team/app/manifests/1"]
--- response_body_like eval
["^\Q$::layer\E\$", "^\Q$::layer\E\$", "schemaVersion"]



=== TEST 29: the log has the status of the response
--- http_config
    log_format empty "<$status $schema1_status>";
--- location
    access_log logs/access.log empty;
--- request eval
"GET /v2/team/app$::blob"
--- response_body eval: $::layer
--- access_log
<200 EMPTY_LAYER>



=== TEST 30: error_page with a named location takes precedence over the empty layer
--- location
    proxy_intercept_errors on;
    error_page 404 = @page;
--- server
    location @page {
        schema_conversion on;
        return 404 "the page\n";
    }
--- request eval
"GET /v2/team/app$::blob"
--- error_code: 404
--- response_body
the page
--- asked eval
"GET /v2/team/app$::blob"



=== TEST 31: a 404 of an upstream's error page is not replaced
--- location
    proxy_intercept_errors on;
    error_page 404 /page;
--- server
    location = /page {
        internal;
        schema_conversion on;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request eval
"GET /v2/team/app$::blob"
--- error_code: 404
--- response_body chomp
the page
--- asked eval
"GET /v2/team/app$::blob
GET /page"



=== TEST 32: a redirect that nginx rewrites is replaced
--- location
    proxy_redirect http://elsewhere.test/ /moved/;
--- request eval
"GET /v2/team/r307$::blob"
--- response_body eval
$::layer
--- response_headers
!Location



=== TEST 33: gzip does not compress the empty layer behind gzip_static
--- requires: 5: http_gzip_static_module
--- config
    gzip on;
    gzip_min_length 1;
    gzip_types *;
    gzip_http_version 1.0;
    gzip_proxied any;

    location /v2/ {
        gzip_static on;
        root html;
        log_not_found off;
        error_page 404 = @registry;
    }
    location @registry {
        schema_conversion on;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- more_headers
Accept-Encoding: gzip
--- request eval
"GET /v2/team/app$::blob"
--- response_body eval
$::layer
--- response_headers
Content-Length: 32
!Content-Encoding
