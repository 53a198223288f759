# Copyright (C) the ngx_http_schema1_module authors

# schema_conversion_cache with revalidate=head: hubs count GET requests, so a
# HEAD shows whether the tag has changed.  In all other cases the response is
# that of a GET.

use Schema1;
use Schema1::Client;

# a cache outlives a request
repeat_each(1);

plan tests => repeat_each() * 257;

our $app = image('team/app:1');
our $config = $app->{config_digest};
image('team/app:2');
list('team/list:1', strict => 0, entries => [image('team/list')]);
our $oci = image('team/oci:1', format => 'oci', strict => 0);

image('locked/app:1');
protect('locked/app', 'Basic dTpw');

our $one = image('moved/app:1', layers => 1);
our $other = image('moved/app', layers => 2);
our $new = "?to=$other->{digest}";

image("big/n$_:1", config => { x => 'y' x 9000 . $_ }) for 1 .. 6;
our $large = image('large/app:1', config => { x => 'y' x 300_000 });

# registries that do not answer HEAD as they answer GET
our %bad = (status => { status => 405 }, denied => { status => 401 },
            limited => { status => 429 }, broken => { status => 500 },
            away => { status => 307, headers => [Location => '/'] },
            missing => { status => 404 }, named => { status => 404 },
            untyped => { type => 'text/html' },
            long => { length => 100_000_000 },
            reset => { reset => 'header' });
my %image;

for (sort keys %bad) {
    $image{$_} = image("$_/app:1", strict => 0);

    # a 404 with the header of the 200
    $bad{$_}{headers} = ['Docker-Content-Digest' => $image{$_}{digest}]
        if $_ eq 'named';

    answer("HEAD /v2/$_/app/manifests/1", %{$bad{$_}});
}

image('nodigest/app:1');
answer('HEAD /v2/nodigest/app/manifests/1',
       headers => ['Content-Type' => type_of('docker', 'manifest')]);
image('bare/app:1');
answer('HEAD /v2/bare/app/manifests/1', reset => 'header');
answer('GET /v2/bare/app/manifests/1', headers => []);
image('slow/app:1');
answer('HEAD /v2/slow/app/manifests/1', delay => 5);
image('body/app:1');
answer('HEAD /v2/body/app/manifests/1', sub {
    my ($socket, $request) = @_;

    print $socket "HTTP/1.1 200 OK\r\nContent-Type: ", $::app->{type},
                  "\r\nDocker-Content-Digest: $::app->{digest}\r\n",
                  "Content-Length: 3\r\n\r\nabc";
});
image('limit/app:1');
answer('/v2/limit/app/manifests/1', add => ['RateLimit-Remaining' => 99,
                                            'Last-Modified' => 'now']);

our $zone = '
    schema_conversion_cache_zone one:1m;

    upstream kept {
        server 127.0.0.1:$TEST_NGINX_MOCK_PORT;
        keepalive 4;
    }
';

our $on = '
        schema_conversion_cache one revalidate=head;
';

# a query moves the tag to another manifest, or to none
our $move = $zone . '
    map $arg_to:$uri $path {
        default                            $uri;
        "~^(?<to>sha256:\w+|gone):(?<in>.*/)1$"  $in$to;
    }
';

our $moved = '
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one revalidate=head;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT$path;
    }
';

# a registry whose connections stay open
our $kept = '
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one revalidate=head;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_pass http://kept;
    }
';

# requests of a method that the registry received since the last call
sub received
{
    my %n;

    $n{$_->{method}}++ for $Schema1::registry->asked;
    $Schema1::registry->reset;

    return join ' ', map { "$n{$_} $_" } sort keys %n;
}

sub pull
{
    my ($image, $n) = @_;

    my %seen;

    $seen{ask("/v2/$image/manifests/1")->{body}}++ for 1 .. $n;

    return scalar keys %seen;
}

run_tests();
__DATA__

=== TEST 1: a HEAD is sufficient for a hit
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
[("GET /v2/team/app/manifests/1") x 2]
--- schema1 eval
[("team/app:1 2 layers ES256") x 2]
--- asked eval
"GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::config
HEAD /v2/team/app/manifests/1
    Accept ~ manifest.list.v2.*oci.image.index.v1.json\$
    !Range"
--- schema1_log eval
"CONVERTED $::app->{type} $::app->{digest} * -
HIT $::app->{type} $::app->{digest} * -"



=== TEST 2: 100 pulls cost one GET
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
pull('team/app', 99);
is(received(), '2 GET 99 HEAD', 'one for the manifest, one for the config');



=== TEST 3: without the parameter, 100 pulls cost 100
--- http_config eval: $::zone
--- location
    schema_conversion_cache one;
--- request
GET /v2/team/app/manifests/1
--- after
pull('team/app', 99);
is(received(), '101 GET', 'a GET each');



=== TEST 4: a tag that is not in the cache costs no HEAD
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/2"]
--- asked eval
"GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::config
GET /v2/team/app/manifests/2
GET /v2/team/app/blobs/$::config"



=== TEST 5: the response is the same with its headers
--- http_config eval: $::zone
--- location eval
"$::on add_header X-Upstream \$upstream_status;"
--- request
GET /v2/limit/app/manifests/1
--- after
my ($get, $head) = map { ask('/v2/limit/app/manifests/1') } 1, 2;
is($head->{body}, $body, 'the same body');
is($head->{header}{'ratelimit-remaining'}, 99, "the registry's header");
is($head->{header}{'x-upstream'}, 200, '$upstream_status');
delete @$_{qw(date connection)} for $get->{header}, $head->{header};
is_deeply($head->{header}, $get->{header}, 'the same headers');
ok(!$head->{header}{'last-modified'}, 'no Last-Modified');
is(received(), '2 GET 2 HEAD', 'HEAD');



=== TEST 6: a list and a child manifest
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
[("GET /v2/team/list/manifests/1") x 2]
--- more_headers eval
["", ""]
--- schema1 eval
[("team/list:1 2 layers") x 2]
--- after
next if $n == 0;
is(received(), '3 GET 1 HEAD', 'converted');
my @v2 = (Accept => $::app->{type});
my ($one, $two) = map { ask('/v2/team/list/manifests/1', @v2) } 1, 2;
is($two->{body}, $one->{body}, 'the same child');
is($two->{header}{'content-type'}, $::app->{type}, 'its type');
is(received(), '2 GET 2 HEAD', 'a miss, and a hit');



=== TEST 7: a GET follows if the tag was moved
--- http_config eval: $::move
--- config eval: $::moved
--- request eval
["GET /v2/moved/app/manifests/1", "GET /v2/moved/app/manifests/1",
 ("GET /v2/moved/app/manifests/1$::new") x 2]
--- schema1 eval
["moved/app:1 1 layer", "moved/app:1 1 layer", ("moved/app:1 2 layers") x 2]
--- asked eval
"GET /v2/moved/app/manifests/1
GET /v2/moved/app/blobs/$::one->{config_digest}
HEAD /v2/moved/app/manifests/1
HEAD /v2/moved/app/manifests/$::other->{digest}
GET /v2/moved/app/manifests/$::other->{digest}
GET /v2/moved/app/blobs/$::other->{config_digest}
HEAD /v2/moved/app/manifests/$::other->{digest}"



=== TEST 8: registries that answer HEAD in another way
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
for my $name (grep { $_ ne 'reset' } sort keys %::bad, 'nodigest') {
    received();
    my @all = map { ask("/v2/$name/app/manifests/1") } 1 .. 3;
    is(join(' ', map { $_->{status} } @all), '200 200 200', "$name - status");
    like($all[2]{body}, qr{"name": "$name/app"}, "$name - manifest");
    is($all[2]{body}, $all[1]{body}, "$name - the same");
    is(received(), '4 GET 2 HEAD', "$name - both methods");
}



=== TEST 9: a registry that closes the connection after HEAD
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/reset/app/manifests/1
--- after
is(pull('reset/app', 1), 1, 'one manifest');
is(received(), '3 GET 1 HEAD', 'both methods');
is(pull('bare/app', 3), 1, 'the same without a digest');
is(received(), '4 GET 2 HEAD', 'both methods');
--- error_log
while reading response header from upstream



=== TEST 10: a registry that does not answer HEAD in time
--- http_config eval: $::zone
--- location eval
"$::on proxy_read_timeout 500ms;"
--- request
GET /v2/slow/app/manifests/1
--- after
is(ask('/v2/slow/app/manifests/1')->{body}, $body, 'the same manifest');
is(received(), '3 GET 1 HEAD', 'both methods');
--- error_log
upstream timed out



=== TEST 11: a response to HEAD that has a body
--- http_config eval: $::zone
--- config eval: $::kept
--- request eval
[("GET /v2/body/app/manifests/1") x 3]
--- schema1 eval
[("body/app:1 2 layers") x 3]



=== TEST 12: connections to the registry stay open
--- http_config eval: $::zone
--- config eval: $::kept
--- request
GET /v2/team/app/manifests/1
--- after
is(pull('team/app', 5), 1, 'one manifest');
is(received(), '2 GET 5 HEAD', 'HEAD');



=== TEST 13: a client without access gets the 401 of a GET
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
[map { "GET /v2/locked/app/manifests/1" } 1 .. 4]
--- more_headers eval
["Authorization: Basic dTpw", "Authorization: Basic dTpw", "",
 "Authorization: Basic eDp5"]
--- error_code eval
[200, 200, 401, 401]
--- response_body_like eval
["schemaVersion", "schemaVersion", "UNAUTHORIZED", "UNAUTHORIZED"]
--- after
is(received(), ('2 GET', '1 HEAD', ('1 GET 1 HEAD') x 2)[$n], 'methods');



=== TEST 14: an error page of the user's
--- http_config eval: $::move
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one revalidate=head;
        proxy_intercept_errors on;
        error_page 404 /sorry;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT$path;
    }
    location = /sorry {
        return 404 "sorry";
    }
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1?to=gone"]
--- error_code eval
[200, 404]
--- response_body_like eval
["schemaVersion", '^sorry$']
--- after
is(received(), ('2 GET', '1 GET 1 HEAD')[$n], 'methods');



=== TEST 15: a deleted tag gets the body of the GET's 404
--- http_config eval: $::move
--- config eval: $::moved
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1?to=gone"]
--- error_code eval
[200, 404]
--- response_body_like eval
["schemaVersion", "MANIFEST_UNKNOWN"]
--- schema1_log eval
"CONVERTED $::app->{type} $::app->{digest} * -
PASS - - - -"
--- after
is(received(), ('2 GET', '1 GET 1 HEAD')[$n], 'methods');



=== TEST 16: conditions, ranges, and HEAD
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
received();
my $path = '/v2/team/app/manifests/1';
my $same = ask($path, 'If-None-Match' => "\"$digest\"");
is("$same->{status} $same->{body}", '304 ', 'the same ETag');
my $other = ask($path, 'If-None-Match' => '"other"');
is($other->{body}, $body, 'another ETag');
my $range = ask($path, Range => 'bytes=0-9');
is("$range->{status} $range->{body}", "200 $body", 'Range');
my $head = ask($path, '' => { method => 'HEAD' });
is($head->{header}{'content-length'}, length $body, 'HEAD');
is(received(), '4 HEAD', 'no GET');



=== TEST 17: a modern client's GET is not preceded by a HEAD
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
received();
my $modern = ask('/v2/team/app/manifests/1',
                 Accept => join ', ', map { type_of(@$_) }
                 ['docker', 'manifest'], ['docker', 'list'],
                 ['oci', 'manifest'], ['oci', 'list']);
is($modern->{body}, $::app->{body}, 'the source');
is(received(), '1 GET', 'GET');



=== TEST 18: a client that now accepts what is stored
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
received();
my $middle = ask('/v2/team/app/manifests/1', Accept => $::app->{type});
is($middle->{body}, $::app->{body}, 'the source');
is(received(), '1 GET 1 HEAD', 'both');



=== TEST 19: a manifest of several slices
--- http_config
    schema_conversion_cache_zone one:8m;
--- location eval: $::on
--- request eval
[("GET /v2/large/app/manifests/1") x 3]
--- schema1 eval
[("large/app:1 2 layers") x 3]
--- same: a a a



=== TEST 20: the parameter is inherited with the zone
--- http_config eval: $::zone
--- config
    schema_conversion_cache one revalidate=head;
    location /v2/team/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location /v2/moved/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/team/app/manifests/1
--- after
pull('team/app', 2);
is(received(), '2 GET 2 HEAD', 'inherited');
pull('moved/app', 3);
is(received(), '4 GET', 'replaced');



=== TEST 21: proxy_cache in front of the registry
--- http_config eval
$::zone . "proxy_cache_path $Schema1::servroot.proxy keys_zone=proxied:1m;"
--- location eval
"$::on proxy_cache proxied; proxy_cache_valid 200 1h;"
--- request
GET /v2/team/app/manifests/1
--- after
is(pull('team/app', 5), 1, 'one manifest');
is(received(), '2 GET', 'from the cache');



=== TEST 22: proxy_cache that does not convert HEAD
--- http_config eval
$::zone . "proxy_cache_path $Schema1::servroot.proxy2 keys_zone=proxied:1m;"
--- location eval
"$::on proxy_cache proxied; proxy_cache_valid 200 1h;
proxy_cache_convert_head off; proxy_cache_key \$request_method\$uri;"
--- request
GET /v2/team/app/manifests/1
--- after
is(pull('team/app', 5), 1, 'one manifest');
is(received(), '2 GET 1 HEAD', 'from the cache');



=== TEST 23: access is checked before the HEAD
--- http_config eval: $::zone
--- location eval
"$::on
if (\$http_deny) {
    return 403;
}"
--- request eval
[("GET /v2/team/app/manifests/1") x 3]
--- more_headers eval
["", "", "Deny: 1"]
--- error_code eval
[200, 200, 403]
--- after
is(received(), ('2 GET', '1 HEAD', '')[$n], 'methods');



=== TEST 24: a client that closes while it waits for the HEAD
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/slow/app/manifests/1
--- after
received();
abort('/v2/slow/app/manifests/1', 0.3);
Time::HiRes::sleep(0.3);
is(received(), '1 HEAD', 'no GET');
is(ask('/v2/team/app/manifests/1')->{status}, 200, 'nginx continues');



=== TEST 25: a module that adds to the body adds to a revalidated response
--- requires: 4: http_addition_module
--- http_config eval: $::zone
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one revalidate=head;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        add_after_body /tail;
        addition_types *;
    }
    location = /tail {
        return 200 "the tail";
    }
--- request
GET /v2/team/app/manifests/1
--- after
my $answer = ask('/v2/team/app/manifests/1', '' => { timeout => 5 });
like($answer->{body}, qr/"signature".*\}the tail(\r\n0\r\n\r\n)?\z/s,
     'manifest and tail');
cmp_ok($answer->{seconds}, '<', 5, 'in time');
is(received(), '2 GET 1 HEAD', 'by a HEAD');



=== TEST 26: an error page of another upstream after a HEAD
--- http_config eval: $::move
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one revalidate=head;
        proxy_intercept_errors on;
        error_page 404 = /other;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT$path;
    }
    location = /other {
        internal;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT/v2/;
    }
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1?to=gone"]
--- response_body_like eval
["schemaVersion", '^\{\}$']



=== TEST 27: a body is read before a hit after a HEAD
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
received();
my $get = "GET /v2/team/app/manifests/1 HTTP/1.1\r\nHost: localhost\r\n";
my $next = "GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
my $whole = ask('', '' => { raw =>
    "${get}Content-Length: 6\r\n\r\na body$next" });
is($whole->{status}, 200, 'status');
like($whole->{body}, qr/"signature".*HTTP\/1\.1 200 .*\{\}\z/s, 'the next');
is(received(), '1 GET 1 HEAD', 'by a HEAD');
my $broken = ask('', '' => { raw =>
    "${get}Transfer-Encoding: chunked\r\n\r\nno length\r\n" });
is($broken->{status}, 400, 'a malformed body');
is(ask('/v2/team/app/manifests/1')->{status}, 200, 'alive');
--- no_error_log
[alert]
--- error_log
client sent invalid chunked body



=== TEST 28: a tag of another name or location costs no HEAD
--- http_config eval: $::zone
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one revalidate=head;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        if ($arg_other) {
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        }
    }
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/body/app/manifests/1",
 "GET /v2/team/app/manifests/1?other=1", "GET /v2/team/app/manifests/1?other=1"]
--- after
is(received(), (('2 GET') x 3, '1 HEAD')[$n], 'methods');



=== TEST 29: a tag whose entry was evicted costs no HEAD
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", (map { "GET /v2/big/n$_/manifests/1" } 1 .. 6),
 "GET /v2/team/app/manifests/1"]
--- after
is(received(), '2 GET', 'methods');



=== TEST 30: proxy_cache sends a HEAD of the module as a GET
--- http_config eval
"$::zone proxy_cache_path logs/cache keys_zone=proxied:1m;"
--- location eval
"$::on proxy_cache proxied; proxy_cache_valid 200 1h; proxy_cache_bypass 1;"
--- request
GET /v2/team/app/manifests/1
--- after
is(pull('team/app', 2), 1, 'one manifest');
is(received(), '4 GET', 'methods');
