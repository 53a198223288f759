# Copyright (C) the ngx_http_schema1_module authors

# Which requests are the module's: the rest is sent unchanged.

use Schema1;

plan tests => repeat_each() * 177;

our $app = image('team/app:1', layers => 2);
our $mirror = image('mirror/app:1', layers => 3);

image($_, layers => 2)
    for 'team/a/b/c:1', 'team/manifests/app:1', 'manifests:1', 'blobs:1',
        'team/blobs:1', 'a/blobs/b/manifests/c:1', 'manifests/manifests:1',
        'a__b/c--d/e.f_g:1';

our $long = 'x' x 128;

image("team/app:$_", layers => 2) for '_a.B-c', $long;

our $stored = $app->{body};
our %outside;

for (qw(/v2/Team/app/manifests/1 /v2/127.0.0.1:5000/app/manifests/1
        /v2/team/-app/manifests/1 /v2/team/a..b/manifests/1
        /v2/team/a___b/manifests/1 /v2/team//app/manifests/1
        /v2/team/app_/manifests/1 /v2/team/app/manifests/.1
        /v2/team/app/manifests/-1 /v2/team/app/manifests/a+b
        /v2/team/app/manifests/1/2 /v2/team/app/manifests/
        /v2/manifests/1 /v2/team/app/Manifests/1 /v2/team/caf%C3%A9/manifests/1
        /v2/team/app/manifests/1%20),
     "/v2/team/app/manifests/x$long")
{
    $outside{$_} = 1;
    answer(qr/^GET \Q$_\E$/, status => 200, type => $app->{type},
           body => $stored, headers => []);
}

our @outside = map { "GET $_" } sort keys %outside;
our $asked_outside = join "\n", map { "$_\n    !Accept" } @outside;

answer('/page', status => 200, type => 'text/html',
       body => '<!--# include virtual="/v2/team/app/manifests/1" -->');
answer('POST /v2/team/app/manifests/1', status => 201, type => 'text/plain',
       body => 'posted');
answer('/pull/app', status => 200, type => $app->{type}, body => $stored);

run_tests();

__DATA__

=== TEST 1: GET by tag is converted
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- asked eval
"GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::app->{config_digest}"



=== TEST 2: HEAD by tag is converted
--- request
HEAD /v2/team/app/manifests/1
--- response_headers eval
'Content-Type: ' . Schema1::type_of('docker', 'schema1')
--- response_body



=== TEST 3: other methods pass
--- request eval
[map { "$_ /v2/team/app/manifests/1\r\n" } 'PUT', 'DELETE', 'PATCH']
--- response_body eval
[($::stored) x 3]
--- response_headers eval
[('!Vary') x 3]
--- asked
PUT /v2/team/app/manifests/1
    !Accept
DELETE /v2/team/app/manifests/1
    !Accept
PATCH /v2/team/app/manifests/1
    !Accept



=== TEST 4: a body of another method passes
--- request
POST /v2/team/app/manifests/1
hello
--- error_code: 201
--- response_body chomp
posted
--- asked
POST /v2/team/app/manifests/1
    Content-Length: 5
    !Accept



=== TEST 5: a name can have many components
--- request
GET /v2/team/a/b/c/manifests/1
--- schema1
team/a/b/c:1 2 layers



=== TEST 6: components can be called manifests or blobs
--- request eval
['GET /v2/team/manifests/app/manifests/1', 'GET /v2/manifests/manifests/1',
 'GET /v2/blobs/manifests/1', 'GET /v2/team/blobs/manifests/1',
 'GET /v2/a/blobs/b/manifests/c/manifests/1',
 'GET /v2/manifests/manifests/manifests/1']
--- schema1 eval
['team/manifests/app:1 2 layers', 'manifests:1 2 layers',
 'blobs:1 2 layers', 'team/blobs:1 2 layers',
 'a/blobs/b/manifests/c:1 2 layers', 'manifests/manifests:1 2 layers']



=== TEST 7: all characters of names and tags are accepted
--- request eval
['GET /v2/a__b/c--d/e.f_g/manifests/1', 'GET /v2/team/app/manifests/_a.B-c',
 "GET /v2/team/app/manifests/$::long"]
--- schema1 eval
['a__b/c--d/e.f_g:1 2 layers', 'team/app:_a.B-c 2 layers',
 "team/app:$::long 2 layers"]



=== TEST 8: the URI is percent-decoded
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT/v2/;
    }
--- request
GET /v2/te%61m%2Fapp/%6d%61nifests/%31
--- schema1
team/app:1 2 layers
--- asked eval
"GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::app->{config_digest}"



=== TEST 9: a digest is not converted
--- request eval
"GET /v2/team/app/manifests/$::app->{digest}"
--- response_body eval
$::stored
--- response_headers eval
"Content-Type: $::app->{type}
Docker-Content-Digest: $::app->{digest}
!Vary"
--- asked eval
"GET /v2/team/app/manifests/$::app->{digest}
    !Accept"



=== TEST 10: an encoded digest is not converted
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT/v2/;
    }
--- request eval
'GET /v2/team/app/manifests/' . $::app->{digest} =~ s/:/%3A/r
--- response_body eval
$::stored
--- response_headers
!Vary



=== TEST 11: names and tags outside of the grammar pass
--- request eval
\@::outside
--- response_body eval
[map { $::stored } @::outside]
--- response_headers eval
[map { '!Vary' } @::outside]
--- asked eval
$::asked_outside



=== TEST 12: other URIs of the registry pass
--- request eval
['GET /v2/', "GET /v2/team/app/blobs/$::app->{config_digest}"]
--- response_body eval
['{}', $::app->{config}]
--- response_headers eval
[('!Vary') x 2]
--- asked eval
"GET /v2/
    !Accept
GET /v2/team/app/blobs/$::app->{config_digest}
    !Accept"



=== TEST 13: a range of a blob passes
--- request eval
"GET /v2/team/app/blobs/$::app->{config_digest}"
--- more_headers
Range: bytes=2-9
If-None-Match: "x"
Accept-Encoding: gzip
--- error_code: 206
--- response_body eval
substr $::app->{config}, 2, 8
--- asked eval
"GET /v2/team/app/blobs/$::app->{config_digest}
    Range: bytes=2-9
    If-None-Match: \"x\"
    Accept-Encoding: gzip"



=== TEST 14: the URI before a rewrite is used
--- location
    rewrite ^/v2/team/(.*)$ /v2/mirror/$1 break;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 3 layers
--- asked eval
"GET /v2/mirror/app/manifests/1
GET /v2/mirror/app/blobs/$::mirror->{config_digest}"



=== TEST 15: a manifest is converted after a rewrite to another location
--- config
    schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;

    location /v2/ {
        rewrite ^/v2/team/(.*)$ /mirror/$1;
    }

    location /mirror/ {
        schema_conversion on;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT/v2/mirror/;
    }
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 3 layers
--- asked eval
"GET /v2/mirror/app/manifests/1
GET /v2/mirror/app/blobs/$::mirror->{config_digest}"



=== TEST 16: a URI rewritten to a manifest passes
--- config
    location /pull/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        rewrite ^/pull/(.*)$ /v2/team/$1/manifests/1 break;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /pull/app
--- response_body eval
$::stored
--- response_headers
!Vary
--- asked
GET /v2/team/app/manifests/1
    !Accept



=== TEST 17: other locations pass
--- server
    location /v2/team/ {
        schema_conversion off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/team/app/manifests/1
--- response_body eval
$::stored
--- response_headers
!Vary
--- asked
GET /v2/team/app/manifests/1
    !Accept



=== TEST 18: other modules' subrequests pass
--- server
    location = /page {
        ssi on;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /page
--- response_body eval
$::stored
--- asked
GET /page
GET /v2/team/app/manifests/1
    !Accept



=== TEST 19: the query string is not part of the tag
--- request
GET /v2/team/app/manifests/1?ns=docker.io:1/x
--- schema1
team/app:1 2 layers
