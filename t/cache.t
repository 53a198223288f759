# Copyright (C) the ngx_http_schema1_module authors

# What was made once is not made again.

use Schema1;
use Schema1::Client;
use Schema1::Refused;

# a cache outlives a request
repeat_each(1);

# one that can be told to reload
master_on();
workers(1);

plan tests => repeat_each() * 321;

our $app = image('team/app:1');
our $same = image('team/same:1');
image('team/app:2');
our $config = $app->{config_digest};
our $oci = image('team/oci:1', format => 'oci', strict => 0);
our $oci_config = $oci->{config_digest};

my $arm = image('team/list', platform => 'linux/arm64');
our $list = list('team/list:1', strict => 0, entries => [
    image('team/list'), $arm]);

image('locked/app:1');
protect('locked/app', 'Basic dTpw');

# one for each
our @big = map { image("big/n$_:1", config => { x => 'y' x 9000 . $_ }) }
           1 .. 8;
our $large = image('large/app:1', config => { x => 'y' x 80_000 });
our $huge = image('huge/app:1', config => { x => 'y' x 200_000 });

image('moved/app:1', layers => 1);
our $other = image('moved/app', layers => 2);
my $flag = "$Schema1::servroot.flag";
END { unlink "$flag.$_" for qw(moved slow) }

# of the first, then of another
sub once
{
    my ($which) = @_;
    return sysopen my $fh, "$flag.$which", 0xc1;
}

image('broken/app:1');
answer(qr{^GET /v2/broken/app/blobs/}, delay => 0.5, status => 503);
image('wait/app:1');
answer(qr{^GET /v2/wait/app/blobs/}, delay => 0.7);
image('wait/other:1', layers => 3);
image('gone/app:1');
answer(qr{^GET /v2/gone/app/blobs/}, delay => 0.7);
our $slow = image('slow/app:1');
answer(qr{^GET /v2/slow/app/blobs/}, sub {
    my ($socket, $request) = @_;

    Time::HiRes::sleep(7) if once('slow');

    my $body = $slow->{config};
    print $socket "HTTP/1.1 200 OK\r\nContent-Length: ", length $body,
                  "\r\nConnection: close\r\n\r\n$body";
});
our $unproven = image('bad/app:1');
answer(qr{^GET /v2/bad/app/blobs/}, body => '{}');

our $zone = '
    schema_conversion_cache_zone one:1m;
';

our $on = '
        schema_conversion_cache one;
';

# the client selects one of several upstreams
our $upstreams = '
    schema_conversion_cache_zone one:1m;

    map $arg_to $to {
        default   $arg_to;
        registry  127.0.0.1:$TEST_NGINX_MOCK_PORT;
        other     127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }

    upstream first {
        server 127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }

    upstream second {
        server 127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }

    # the same manifests, but no blobs
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;

        location / {
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        }

        location ~ /blobs/ {
            return 403;
        }
    }
';

our $select = '
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://$to;
    }
';

run_tests();

__DATA__

=== TEST 1: a hit sends no subrequest
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- schema1 eval
["team/app:1 2 layers ES256", "team/app:1 2 layers ES256"]
--- asked eval
"GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::config
GET /v2/team/app/manifests/1"
--- schema1_log eval
"CONVERTED $::app->{type} $::app->{digest} * -
HIT $::app->{type} $::app->{digest} * -"



=== TEST 2: a hit has the first signature
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- same: a a



=== TEST 3: no cache is used by default
--- http_config eval: $::zone
--- location
    schema_conversion_cache off;
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- same: a b
--- asked eval
"GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::config
GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::config"



=== TEST 4: a hit has the same headers
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- response_headers eval
my $h = "Content-Type: application/vnd.docker.distribution.manifest.v1+prettyjws
Vary: Accept
Docker-Distribution-Api-Version: registry/2.0
!Last-Modified
!Accept-Ranges"; [$h, $h]
--- after
my $answer = ask('/v2/team/app/manifests/1');
is($answer->{header}{'docker-content-digest'}, $digest, 'digest');
is($answer->{header}{etag}, "\"$digest\"", 'etag');
is($answer->{header}{'content-length'}, length $body, 'length');



=== TEST 5: a hit evaluates If-None-Match
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
my $answer = ask('/v2/team/app/manifests/1',
                 'If-None-Match' => "\"$digest\"");
is($answer->{status}, 304, 'not modified');
is($answer->{body}, '', 'no body');



=== TEST 6: HEAD fills and uses the cache
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["HEAD /v2/team/app/manifests/1", "HEAD /v2/team/app/manifests/1",
 "GET /v2/team/app/manifests/1"]
--- response_body_like eval
['^$', '^$', 'schemaVersion']
--- asked eval
"HEAD /v2/team/app/manifests/1
GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::config
HEAD /v2/team/app/manifests/1
GET /v2/team/app/manifests/1"



=== TEST 7: the key contains the name
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/same/manifests/1"]
--- schema1 eval
["team/app:1 2 layers", "team/same:1 2 layers"]



=== TEST 8: the key contains the tag
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/2"]
--- schema1 eval
["team/app:1 2 layers", "team/app:2 2 layers"]



=== TEST 9: the key contains the accepted types
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/team/oci/manifests/1", "GET /v2/team/oci/manifests/1",
 "GET /v2/team/oci/manifests/1"]
--- more_headers eval
["", "Accept: application/vnd.docker.distribution.manifest.v2+json", ""]
--- same: a b a
--- response_headers eval
["Content-Type: application/vnd.docker.distribution.manifest.v1+prettyjws",
 "Content-Type: application/vnd.docker.distribution.manifest.v2+json",
 "Content-Type: application/vnd.docker.distribution.manifest.v1+prettyjws"]



=== TEST 10: the order of types does not change the key
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/team/oci/manifests/1", "GET /v2/team/oci/manifests/1"]
--- more_headers eval
["Accept: application/json, application/vnd.docker.distribution.manifest.v2+json",
 "Accept: application/vnd.docker.distribution.manifest.v2+json;q=0.5, application/json"]
--- same: a a
--- schema1_log
CONVERTED * * * -
HIT * * * -



=== TEST 11: the key contains the platform
--- http_config eval: $::zone
--- location
    schema_conversion_cache one;
    schema_conversion_platform $arg_p;
--- request eval
["GET /v2/team/list/manifests/1?p=linux/amd64",
 "GET /v2/team/list/manifests/1?p=linux/arm64",
 "GET /v2/team/list/manifests/1?p=linux/amd64"]
--- schema1 eval
["team/list:1 2 layers ES256 amd64", "team/list:1 2 layers ES256 arm64",
 "team/list:1 2 layers ES256 amd64"]
--- same: a b a



=== TEST 12: the platform is part of the key for lists only
--- http_config eval: $::zone
--- location
    schema_conversion_cache one;
    schema_conversion_platform $arg_p;
--- request eval
["GET /v2/team/app/manifests/1?p=linux/amd64",
 "GET /v2/team/app/manifests/1?p=linux/arm64"]
--- same: a a



=== TEST 13: the key contains the location
--- http_config eval: $::zone
--- location eval: $::on
--- server
    location = /v2/team/app/manifests/1 {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1?x=y",
 "GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- after
reload(sub { s/= (\S+ \{)/^~ $1/ }) if $n == 1;
reload(sub { s/\^~ (\S+ \{)/= $1/ }) if $n == 2;
--- same: a a b a



=== TEST 14: registries with the same names do not share entries
--- http_config eval
"$::zone
server {
    listen 127.0.0.1:\$TEST_NGINX_RAND_PORT_1;
    location /v2/ {
        schema_conversion on;
        schema_conversion_key \$TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://127.0.0.1:\$TEST_NGINX_MOCK_PORT;
    }
}"
--- location eval: $::on
--- server
    location /elsewhere/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1/;
    }
--- request eval
["GET /v2/team/app/manifests/1", "GET /elsewhere/v2/team/app/manifests/1",
 "GET /elsewhere/v2/team/app/manifests/1"]
--- same: a b b



=== TEST 15: the key contains the host of the upstream
--- http_config eval: $::upstreams
--- config eval: $::select
--- request eval
[map { "GET /v2/team/app/manifests/1?to=$_" } qw(first second first)]
--- same: a b a



=== TEST 16: the key contains the port of the upstream
--- http_config eval: $::upstreams
--- config eval: $::select
--- request eval
[map { "GET /v2/team/app/manifests/1?to=$_" } qw(registry other)]
--- error_code eval
[200, 403]
--- response_body_like eval
["schemaVersion", "403 Forbidden"]
--- no_error_log
[alert]



=== TEST 17: HEAD of another upstream is no hit
--- http_config eval: $::upstreams
--- config eval: $::select
--- request eval
[map { "HEAD /v2/team/app/manifests/1?to=$_" } qw(registry other)]
--- error_code eval
[200, 403]
--- response_body eval
["", ""]
--- no_error_log
[alert]



=== TEST 18: a digest is unknown to another upstream
--- http_config eval: $::upstreams
--- config eval: $::select
--- request
GET /v2/team/app/manifests/1?to=first
--- after
my $path = "/v2/team/app/manifests/$digest?to";
is(ask("$path=first")->{status}, 200, 'the same upstream');
is(ask("$path=second")->{status}, 404, 'another upstream');



=== TEST 19: responses without an upstream are converted and stored
--- http_config eval: $::upstreams
--- config eval
my $body = $::app->{body} =~ s/(["\\])/\\$1/gr;
"location = /v2/team/app/manifests/1 {
    schema_conversion on;
    schema_conversion_key \$TEST_NGINX_KEYS/ec256.pem;
    schema_conversion_cache one;
    default_type $::app->{type};
    return 200 \"$body\";
}
location /v2/ {
    proxy_pass http://first;
}"
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- same: a a
--- asked eval
"GET /v2/team/app/blobs/$::config"



=== TEST 20: the key contains the signing key
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1",
 "GET /v2/team/app/manifests/1"]
--- after
reload(sub { s/ec256\.pem/rsa2048.pem/ }) if $n == 0;
reload(sub { s/rsa2048\.pem/ec256.pem/ }) if $n == 1;
--- schema1 eval
["team/app:1 2 layers ES256", "team/app:1 2 layers RS256",
 "team/app:1 2 layers ES256"]
--- same: a b a



=== TEST 21: the key contains the certificate chain
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- after
reload(sub {
    s{(schema_conversion_key (\S+)/ec256.pem;)}
     {$1 schema_conversion_certificate $2/chain.pem;}
}) if $n == 0;
--- response_body_like eval
['"jwk"', '"x5c"']



=== TEST 22: the cache survives a reload
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- after
reload(sub { s{^(\s*location)}{location = /new { return 200; }\n$1}m })
    if $n == 0;
--- same: a a
--- asked eval
"GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::config
GET /v2/team/app/manifests/1"



=== TEST 23: the cache is shared by all workers
--- workers: 2
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
my @wrong = grep { $_->{body} ne $body }
            map { ask('/v2/team/app/manifests/1') } 1 .. 12;
is(scalar @wrong, 0, 'all hit');



=== TEST 24: a hit requires the client's own 200
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
[map { "GET /v2/locked/app/manifests/1" } 1 .. 3]
--- more_headers eval
["Authorization: Basic dTpw", "", "Authorization: Basic eDp5"]
--- error_code eval
[200, 401, 401]
--- response_body_like eval
["schemaVersion", "UNAUTHORIZED", "UNAUTHORIZED"]



=== TEST 25: a moved tag misses the cache
--- http_config eval: $::zone
--- location eval: $::on
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        if ($arg_moved) {
            rewrite ^(.*)/1$ $1/$arg_moved break;
        }
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request eval
["GET /v2/moved/app/manifests/1",
 "GET /v2/moved/app/manifests/1?moved=$::other->{digest}"]
--- schema1 eval
["moved/app:1 1 layer", "moved/app:1 2 layers"]



=== TEST 26: a failure is not stored
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/bad/app/manifests/1", "GET /v2/bad/app/manifests/1"]
--- refused eval
["502 UNKNOWN digest_mismatch bad/app:1",
 "502 UNKNOWN digest_mismatch bad/app:1"]
--- asked eval
my $asked = "GET /v2/bad/app/manifests/1
GET /v2/bad/app/blobs/$::unproven->{config_digest}
"; $asked x 2



=== TEST 27: an entry can exceed a page
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/big/n1/manifests/1", "GET /v2/big/n1/manifests/1"]
--- same: a a



=== TEST 28: the least recently used entry is evicted first
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- request eval
[map { "GET /v2/big/n$_/manifests/1" } 1, 2, 1, 3, 1, 4, 1, 5, 1, 6, 1, 2]
--- same: a b a c a d a e a f a B



=== TEST 29: requests succeed with a full zone
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- request eval
[map { "GET /v2/big/n$_/manifests/1" } 1 .. 8]
--- schema1 eval
[map { "big/n$_:1 2 layers" } 1 .. 8]



=== TEST 30: an entry larger than the zone is not stored
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/huge/app/manifests/1",
 "GET /v2/huge/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- same: a b c a



=== TEST 31: an entry larger than a quarter of the zone is not stored
--- http_config
    schema_conversion_cache_zone one:256k;
--- location eval: $::on
--- request eval
[map { "GET /v2/$_/manifests/1" } qw(big/n1 big/n2 large/app large/app big/n1
                                     big/n2)]
--- same: a b c d a b



=== TEST 32: an entry smaller than a quarter of the zone is stored
--- http_config
    schema_conversion_cache_zone one:512k;
--- location eval: $::on
--- request eval
["GET /v2/large/app/manifests/1", "GET /v2/large/app/manifests/1"]
--- same: a a



=== TEST 33: inactive entries are removed
--- http_config
    schema_conversion_cache_zone one:1m inactive=1s;
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1",
 "GET /v2/team/app/manifests/1"]
--- after
sleep 3 if $n == 1;
--- same: a a b



=== TEST 34: equal requests wait for the first
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- after
my @answers = together(map { ['/v2/wait/app/manifests/1'] } 1 .. 4);
is(scalar(grep { $_->{status} == 200 } @answers), 4, 'answered');
is(scalar(grep { $_->{body} eq $answers[0]{body} } @answers), 4, 'same');
is(scalar(grep { $_->{uri} =~ /blobs/ } asked()), 1, 'one config');
is(scalar(grep { $_->{uri} =~ m{manifests/1} } asked()), 4, 'each asked');



=== TEST 35: send_timeout does not apply to waiting requests
--- http_config eval: $::zone
--- location
    schema_conversion_cache one;
    send_timeout 100ms;
--- request
GET /v2/
--- response_body: {}
--- after
my @answers = together(map { ['/v2/wait/app/manifests/1'] } 1 .. 3);
is(scalar(grep { $_->{status} == 200 } @answers), 3, 'answered');



=== TEST 36: requests with another key do not wait
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- after
my @answers = together(['/v2/wait/app/manifests/1'],
                       ['/v2/wait/other/manifests/1']);
ok($answers[1]{seconds} < $answers[0]{seconds} - 0.2, 'sooner');



=== TEST 37: waiting requests continue if the first fails
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- no_error_log
[alert]
--- after
my @answers = together(map { ['/v2/broken/app/manifests/1'] } 1 .. 3);
is(scalar(grep { $_->{status} == 502 } @answers), 3, 'all told');
is(scalar(grep { $_->{uri} =~ /blobs/ } asked()), 3, 'each by itself');
ok($answers[2]{seconds} < 2, 'not one after the other');



=== TEST 38: waiting requests continue if the first client closes
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- after
my $first = start('/v2/gone/app/manifests/1');
Time::HiRes::sleep(0.2);
my $second = start('/v2/gone/app/manifests/1');
Time::HiRes::sleep(0.1);
close $first->{socket};
is(finish($second)->{status}, 200, 'answered');



=== TEST 39: a waiting client can close its connection
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- after
my $first = start('/v2/gone/app/manifests/1');
Time::HiRes::sleep(0.1);
abort('/v2/gone/app/manifests/1', 0.1);
is(finish($first)->{status}, 200, 'answered');
is(ask('/v2/gone/app/manifests/1')->{status}, 200, 'alive');



=== TEST 40: requests wait for 5 seconds at most
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- after
my $first = start('/v2/slow/app/manifests/1');
Time::HiRes::sleep(0.3);
my $second = finish(start('/v2/slow/app/manifests/1'));
is($second->{status}, 200, 'answered');
ok($second->{seconds} > 4 && $second->{seconds} < 6.5, 'after 5 seconds')
    or diag($second->{seconds});
my $answer = finish($first);
is($answer->{status}, 200, 'the first too');
ok($answer->{seconds} > 6.5, 'later');
