# Copyright (C) the ngx_http_schema1_module authors

# The layer that schema 1 names for whatever changes no file.

use Schema1;

plan tests => repeat_each() * 172;

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
answer(qr{ /v2/team/denied/blobs/}, status => 403, body => 'no');
answer(qr{ /v2/team/odd/blobs/}, status => 404, type => 'text/html',
       body => 'x' x 5000, chunked => 1, add => [
       ETag => '"x"', 'Last-Modified' => 'Tue, 24 Nov 2020 00:00:00 GMT',
       'Accept-Ranges' => 'bytes', 'Docker-Content-Digest' => 'sha256:odd']);
answer(qr{ /v2/team/gzip/blobs/}, status => 404, type => 'text/html',
       body => 'not found', gzip => 1);
answer(qr{ /v2/team/cut/blobs/}, status => 404, type => 'text/html',
       body => 'not found', truncate => 3);
answer(qr{^PUT /v2/team/app/manifests/}, status => 400,
       type => 'application/json', body => '{"errors":[{"code":'
       . '"MANIFEST_BLOB_UNKNOWN"}]}');

run_tests();

__DATA__

=== TEST 1: a conversion names it
--- request
GET /v2/team/app/manifests/1
--- response_body_like eval: "blobSum\": \"" . ::EMPTY_LAYER
--- schema1
team/app:1 3 layers



=== TEST 2: GET where it is missing
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



=== TEST 3: HEAD where it is missing
--- request eval
"HEAD /v2/team/app$::blob"
--- response_body
--- response_headers eval
"Content-Type: application/octet-stream
Content-Length: 32
Docker-Content-Digest: @{[::EMPTY_LAYER]}"
--- asked eval
"HEAD /v2/team/app$::blob"



=== TEST 4: a modern client
--- request eval
"GET /v2/team/app$::blob"
--- more_headers
Accept: application/vnd.oci.image.manifest.v1+json
--- response_body eval
$::layer



=== TEST 5: the registry's own
--- request eval
"GET /v2/team/has$::blob"
--- response_body eval
$::layer
--- response_headers eval
"ETag: \"@{[::EMPTY_LAYER]}\""
--- schema1_log
- - - - -



=== TEST 6: access control is kept
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



=== TEST 7: a registry that denies
--- request eval
"GET /v2/team/denied$::blob"
--- error_code: 403
--- response_body chomp
no



=== TEST 8: a registry that is down
--- request eval
"GET /v2/team/down$::blob"
--- error_code: 500
--- response_body chomp
down



=== TEST 9: another layer's 404 stands
--- request
GET /v2/team/app/blobs/sha256:b3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4
--- error_code: 404
--- response_body_like: BLOB_UNKNOWN



=== TEST 10: under another path
--- request
GET /v2/team/app/manifests/sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4
--- error_code: 404
--- response_body_like: MANIFEST_UNKNOWN



=== TEST 11: with conversion off
--- config
    location /v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request eval
"GET /v2/team/app$::blob"
--- error_code: 404
--- response_body_like: BLOB_UNKNOWN



=== TEST 12: an odd 404 leaves nothing
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



=== TEST 13: a compressed 404
--- request eval
"GET /v2/team/gzip$::blob"
--- response_body eval
$::layer
--- response_headers
Content-Length: 32
!Content-Encoding



=== TEST 14: a truncated 404
--- request eval
"GET /v2/team/cut$::blob"
--- response_body eval
$::layer
--- response_headers
Content-Length: 32
--- no_error_log
[alert]



=== TEST 15: gzip on changes nothing
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



=== TEST 16: unbuffered
--- location
    proxy_buffering off;
--- request eval
"GET /v2/team/odd$::blob"
--- response_body eval
$::layer
--- response_headers
Content-Length: 32



=== TEST 17: first bytes
--- request eval
"GET /v2/team/app$::blob"
--- more_headers
Range: bytes=0-9
--- error_code: 206
--- response_body eval
substr $::layer, 0, 10
--- response_headers eval
"Content-Range: bytes 0-9/32
Content-Length: 10
Content-Type: application/octet-stream
Docker-Content-Digest: @{[::EMPTY_LAYER]}"



=== TEST 18: bytes from the middle
--- request eval
"GET /v2/team/app$::blob"
--- more_headers
Range: bytes=30-
--- error_code: 206
--- response_body eval
substr $::layer, 30
--- response_headers
Content-Range: bytes 30-31/32
Content-Length: 2



=== TEST 19: last bytes
--- request eval
"GET /v2/team/app$::blob"
--- more_headers
Range: bytes=-5
--- error_code: 206
--- response_body eval
substr $::layer, 27
--- response_headers
Content-Range: bytes 27-31/32



=== TEST 20: more than all bytes
--- request eval
["GET /v2/team/app$::blob", "GET /v2/team/app$::blob"]
--- more_headers eval
["Range: bytes=0-99", "Range: bytes=-99"]
--- error_code eval
[206, 206]
--- response_body eval
[$::layer, $::layer]
--- response_headers eval
["Content-Range: bytes 0-31/32", "Content-Range: bytes 0-31/32"]



=== TEST 21: beyond the end
--- request eval
"GET /v2/team/app$::blob"
--- more_headers
Range: bytes=32-
--- error_code: 416
--- response_body
--- response_headers
Content-Range: bytes */32
Content-Length: 0



=== TEST 22: the last no bytes
--- request eval
"GET /v2/team/app$::blob"
--- more_headers
Range: bytes=-0
--- error_code: 416
--- response_headers
Content-Range: bytes */32



=== TEST 23: ranges that are none
--- request eval
[map { "GET /v2/team/app$::blob" } 1 .. 4]
--- more_headers eval
["Range: lines=0-1", "Range: bytes=5-2", "Range: bytes=x-y", "Range: bytes=-"]
--- error_code eval
[200, 200, 200, 200]
--- response_body eval
[map { $::layer } 1 .. 4]



=== TEST 24: several ranges
--- request eval
"GET /v2/team/app$::blob"
--- more_headers
Range: bytes=0-1,4-5
--- error_code: 200
--- response_body eval
$::layer



=== TEST 25: HEAD knows no range
--- request eval
"HEAD /v2/team/app$::blob"
--- more_headers
Range: bytes=0-9
--- error_code: 200
--- response_headers
Content-Length: 32
!Content-Range



=== TEST 26: an error_page wins
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



=== TEST 27: an error_page with a status wins
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



=== TEST 28: without intercepting it doesn't
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



=== TEST 29: a push is told it is there
--- request eval
["HEAD /v2/team/app$::blob", "PUT /v2/team/app/manifests/2\n{}"]
--- error_code eval
[200, 400]
--- response_body_like eval
["", "MANIFEST_BLOB_UNKNOWN"]



=== TEST 30: a push elsewhere is not
--- server
    location /push/v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT/v2/;
    }
--- request eval
"HEAD /push/v2/team/app$::blob"
--- error_code: 404



=== TEST 31: other methods are not answered
--- request eval
"DELETE /v2/team/app$::blob"
--- error_code: 404
--- response_body_like: BLOB_UNKNOWN



=== TEST 32: in the registry's own cache
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



=== TEST 33: pipelined with other requests
--- pipelined_requests eval
["GET /v2/team/app$::blob", "GET /v2/team/odd$::blob",
 "GET /v2/team/app/manifests/1"]
--- response_body_like eval
["^\Q$::layer\E\$", "^\Q$::layer\E\$", "schemaVersion"]



=== TEST 34: the log has the status that was sent
--- http_config
    log_format empty "<$status $schema1_status>";
--- location
    access_log logs/access.log empty;
--- request eval
"GET /v2/team/app$::blob"
--- response_body eval: $::layer
--- access_log
<200 EMPTY_LAYER>
