# Copyright (C) the ngx_http_schema1_module authors

# Only a 404 of the upstream is replaced, not one of nginx's own.

use Schema1;
use Schema1::Client;

# a cache and a limit outlive a request
repeat_each(1);

plan tests => repeat_each() * 39;

our $app = image('team/app:1');
our $blob = '/v2/team/app/blobs/' . EMPTY_LAYER;

our $zones = '
    schema_conversion_cache_zone one:1m;
    map $uri $limited {
        # limit_req counts subrequests, too
        ~' . $app->{digest} . ' "";
        ~manifests/sha256: $binary_remote_addr;
        ~sha256:a3ed95cae  $binary_remote_addr;
    }
    limit_req_zone $limited zone=limit:1m rate=1r/m;
';

# the server's location, and what each request is answered with: the pull by tag
# that fills the cache, then the same paths, allowed and not
our $registry = '
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
';

sub denied
{
    my ($path, $method) = @_;

    my $before = asked();
    my $answer = ask($path, '' => { method => $method || 'GET' });

    is($answer->{status}, 404, "$path: status");
    unlike($answer->{body}, qr/signature|\x1f\x8b/, 'not replaced');
    is(scalar asked(), $before, 'the registry is not asked');
}

run_tests();

__DATA__

=== TEST 1: a digest pull that limit_req answers with 404 is not served
--- http_config eval: $::zones
--- location
    schema_conversion_cache one;
    limit_req zone=limit;
    limit_req_status 404;
--- request
GET /v2/team/app/manifests/1
--- no_error_log
[alert]
--- after
my $path = "/v2/team/app/manifests/$digest";
is(ask($path)->{body}, $body, 'allowed: the converted manifest');
::denied($path);
::denied($path, 'HEAD');



=== TEST 2: the empty layer that limit_req answers with 404 is not served
--- http_config eval: $::zones
--- location
    limit_req zone=limit;
    limit_req_status 404;
--- request
GET /v2/
--- no_error_log
[alert]
--- after
is(length ask($::blob)->{body}, 32, 'allowed: the empty layer');
::denied($::blob);
::denied($::blob, 'HEAD');



=== TEST 3: a digest pull that "return 404" answers is not served
--- http_config eval: $::zones
--- location
    schema_conversion_cache one;
    if ($http_x_denied) {
        return 404;
    }
--- request
GET /v2/team/app/manifests/1
--- after
my $path = "/v2/team/app/manifests/$digest";
is(ask($path)->{body}, $body, 'allowed: the converted manifest');
is(ask($path, 'X-Denied' => 1)->{status}, 404, 'GET');
is(ask($path, 'X-Denied' => 1, '' => { method => 'HEAD' })->{status}, 404,
   'HEAD');



=== TEST 4: the empty layer that "return 404" answers is not served
--- location
    return 404;
--- request eval
"GET $::blob"
--- error_code: 404
--- response_body_like: 404 Not Found
--- asked
--- schema1_log
- * * * *



=== TEST 5: a 404 of a static file is not replaced
--- http_config eval: $::zones
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_cache one;
        root html;
    }
--- request eval
["GET $::blob", "GET /v2/team/app/manifests/sha256:@{['ab' x 32]}"]
--- error_code eval
[404, 404]
--- response_body_like eval
['404 Not Found', '404 Not Found']
--- asked
--- no_error_log
[alert]



=== TEST 6: a 404 that follows X-Accel-Redirect is not replaced
--- config
    location /v2/ {
        schema_conversion on;
        proxy_pass http://127.0.0.1:$TEST_NGINX_CLIENT_PORT/accel/;
    }
    location /accel/ {
        add_header X-Accel-Redirect /missing;
        return 200 "";
    }
    location /missing {
        internal;
        schema_conversion on;
        root html;
    }
--- request eval
"GET $::blob"
--- error_code: 404
--- response_body_like: 404 Not Found
--- asked
--- no_error_log
[alert]
