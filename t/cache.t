# Copyright (C) the ngx_http_schema1_module authors

# What was made once is not made again.

use Schema1;
use Schema1::Client;
use Schema1::Refused;

use File::Temp qw(tempdir);

# a cache outlives a request
repeat_each(1);

# one that can be reloaded
master_on();
workers(1);

plan tests => repeat_each() * 566;

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

# of each size in a page
image("size/n$_:1", layers => 1, config => { x => 'y' x (100 * $_) })
    for 1 .. 42;

# entries of 4 and of 5 pages
image('quarter/app:1', layers => 1, config => { x => 'y' x 11_000 });
image('larger/app:1', layers => 1, config => { x => 'y' x 15_000 });

my $moved = image('moved/app:1', layers => 1);
our $other = image('moved/app', layers => 2);
answer("GET /v2/moved/app/blobs/$moved->{config_digest}", delay => 1);
my $flag = "$Schema1::servroot.flag";
END { unlink "$flag.$_" for qw(slow cut page held) }

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
image('wait/two:1', layers => 3);
image('gone/app:1');
image('late/app:1');
answer('GET /v2/late/app/manifests/1', delay => 0.4);
answer(qr{^GET /v2/gone/app/blobs/}, delay => 0.7);
our $slow = image('slow/app:1');
answer(qr{^GET /v2/slow/app/blobs/}, sub {
    my ($socket, $request) = @_;

    Time::HiRes::sleep(7) if once('slow');

    my $body = $slow->{config};
    print $socket "HTTP/1.1 200 OK\r\nContent-Length: ", length $body,
                  "\r\nConnection: close\r\n\r\n$body";
});
image('held/app:1');
answer(qr{^GET /v2/held/app/blobs/}, awaits => our $held = "$flag.held");
our $unproven = image('bad/app:1');
answer(qr{^GET /v2/bad/app/blobs/}, body => '{}');

# without a mediaType, the header determines the type
our $typed = image('typed/app');
(my $untyped = $typed->{body}) =~ s/"mediaType":"[^"]*manifest[^"]*",?//;
answer(qr{^GET /v2/typed/app/manifests/1}, sub {
    my ($socket, $request) = @_;

    my $type = $request->{uri} =~ /oci/
               ? type_of('oci', 'manifest') : $typed->{type};
    print $socket "HTTP/1.1 200 OK\r\nContent-Type: $type\r\nContent-Length: ",
                  length $untyped, "\r\nConnection: close\r\n\r\n$untyped";
});

# one of them is converted by both workers
image("both/n$_:1", layers => 1, config => { x => $_ }) for 1 .. 30;
answer(qr{^GET /v2/both/n\d+/blobs/}, delay => 0.2);

# sockets to listen on
our $sockets = tempdir(CLEANUP => 1);
chmod 0755, $sockets;

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

# a query moves the tag to another manifest
our $move = $zone . '
    map $arg_to:$uri $path {
        default                             $uri;
        "~^(?<to>sha256:\w+):(?<in>.*/)1$"  $in$to;
    }
';

our $moves = '
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT$path;
    }
';

# in front of servers with the same location: the addresses and names of each
# are given, and what else is in its location
sub servers
{
    my (@servers) = @_;

    return CORE::join '', map {
        my ($listen, $name, $path, $more) = @$_;

        "
    server {
        listen $listen;
        server_name $name;
        location $path {
            schema_conversion on;
            schema_conversion_key \$TEST_NGINX_KEYS/ec256.pem;
            schema_conversion_cache one;
            proxy_pass http://127.0.0.1:\$TEST_NGINX_MOCK_PORT;
        }
    }
"
    } @servers;
}

# /N/ is the server of the N-th address and name
sub in_front
{
    my (@servers) = @_;

    my $n = 0;

    return CORE::join '', map {
        my ($listen, $name) = @$_;
        my $to = $listen =~ /^unix/ ? "$listen:" : $listen;

        $n++;
        "
    location /$n/ {
        proxy_set_header Host $name;
        proxy_pass http://$to/;
    }
"
    } @servers;
}

our $select = '
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://$to;
    }
';

# returns their processes
sub two_workers
{
    reload(sub { s/(worker_processes +)1\b/${1}2/ });

    for (1 .. 100) {
        my (undef, @workers) = processes();
        return @workers if @workers == 2;
        Time::HiRes::sleep(0.05);
    }

    die "not two workers\n";
}

# complete for the first request only
for ([cut => '200 OK'], [page => '404 Not Found']) {
    my ($name, $status) = @$_;
    my $cut = image("$name/app:1");

    answer("GET /v2/$name/app/manifests/1", sub {
        my ($socket) = @_;

        my $body = $cut->{body};
        print $socket "HTTP/1.1 $status\r\nContent-Type: $cut->{type}\r\n",
                      "Docker-Content-Digest: $cut->{digest}\r\n",
                      "Content-Length: ", length $body,
                      "\r\nConnection: close\r\n\r\n",
                      once($name) ? $body : substr $body, 0, 20;
    });
}

# "127.0.0.1", the first port's bytes, "zapp" are those of "127.0.0.1", the
# digit, the second port's bytes, "app"
image("$_:1") for qw(zapp app);
our @text;
for (1 .. 1000) {
    my ($digit, $byte) = (int rand 10, chr(40 + int rand 80));
    my @ports = unpack 'S2', "$digit$byte${byte}z";
    my @free = grep { IO::Socket::INET->new(Listen => 1, LocalAddr => $_) }
                    "127.0.0.1:$ports[0]", "127.0.0.1$digit:$ports[1]";

    @text = (@ports, $digit);
    last if @free == 2;
}

for (['body'], ['large', config => { x => 'y' x 400_000 }]) {
    my ($name, @how) = @$_;

    image("slow/$name:1", @how);
    answer("GET /v2/slow/$name/manifests/1", stall => 1.5);
}

# a warning when it is sent
image('wait/long:1', layers => 1,
      history => [{}, map { { empty_layer => JSON::PP::true } } 1 .. 127]);
answer(qr{^GET /v2/wait/long/blobs/}, delay => 0.7);
answer('storage:GET /mirror', status => 200, body => 'x', delay => 0.3);

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
--- no_error_log
[error]
was emptied



=== TEST 2: a hit has the first signature
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- same: a a



=== TEST 3: schema_conversion_cache off in a location
--- http_config eval: $::zone
--- location
    schema_conversion_cache off;
--- server
    schema_conversion_cache one;
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
 ("GET /v2/team/app/manifests/1") x 4]
--- after
reload(sub { s/= (\S+ \{)/^~ $1/ }) if $n == 1;
reload(sub { s/\^~ (\S+ \{)/~ $1/ }) if $n == 2;
reload(sub { s/ ~ (\S+ \{)/ = $1/ }) if $n == 3;
reload(sub { s/ = \S+ \{/ ^~ \/v2\/team\/ {/ }) if $n == 4;
--- same: a a b c a d



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



=== TEST 20: the key contains the addresses of the server
--- http_config eval
$::zone . CORE::join '', map { "
server {
    listen 127.0.0.1:\$TEST_NGINX_RAND_PORT_$_;
    location /v2/ {
        schema_conversion on;
        schema_conversion_key \$TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://127.0.0.1:\$TEST_NGINX_MOCK_PORT;
    }
}" } 1, 2
--- config
    location /1/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1/;
    }
    location /2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_2/;
    }
--- request eval
[map { "GET /$_/v2/team/app/manifests/1" } 1, 2, 1, 2]
--- same: a b a b



=== TEST 21: the key contains the name of the server
--- http_config eval
$::zone . CORE::join '', map { "
server {
    listen 127.0.0.1:\$TEST_NGINX_RAND_PORT_1;
    server_name s$_;
    location /v2/ {
        schema_conversion on;
        schema_conversion_key \$TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://127.0.0.1:\$TEST_NGINX_MOCK_PORT;
    }
}" } 1, 2
--- config
    location ~ /(?<server>.)(?<path>/v2/.*) {
        proxy_set_header Host s$server;
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1$path;
    }
--- request eval
[map { "GET /$_/v2/team/app/manifests/1" } 1, 2, 1, 2]
--- same: a b a b



=== TEST 22: the key contains the if block
--- http_config eval: $::zone
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;

        if ($arg_block = 1) {
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        }
        if ($arg_block = 2) {
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        }
    }
--- request eval
[map { "GET /v2/team/app/manifests/1?block=$_" } 1, 2, 1, 2]
--- same: a b a b



=== TEST 23: the key contains application/json and */*
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
[map { "GET /v2/team/app/manifests/1" } 1 .. 6]
--- more_headers eval
["", "Accept: application/json", "Accept: */*", "", "Accept: application/json",
 "Accept: */*"]
--- same: a b c a b c



=== TEST 24: the key contains the type of the source
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
[map { "GET /v2/typed/app/manifests/1?$_" } qw(oci docker oci docker)]
--- same: a b a b
--- schema1_log eval
"CONVERTED $::oci->{type} * * -
CONVERTED $::typed->{type} * * -
HIT $::oci->{type} * * -
HIT $::typed->{type} * * -"



=== TEST 25: the key contains the signing key
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



=== TEST 26: the key contains the certificate chain
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



=== TEST 27: the cache survives a reload that adds a location and a server
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- after
my $port = Schema1::free_port();
reload(sub {
    s{^(\s*location)}{location = /new { return 200; }\n$1}m;
    s{^(\s*server \{)}{server { listen 127.0.0.1:$port; }\n$1}m;
}) if $n == 0;
--- same: a a
--- asked eval
"GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::config
GET /v2/team/app/manifests/1"



=== TEST 28: the cache is shared by all workers
--- http_config eval: $::zone
--- location
        schema_conversion_cache one;
        add_header X-Worker $pid;
--- request
GET /v2/team/app/manifests/1
--- after
two_workers();
my (%answered, @wrong);
for (1 .. 2) {
    my $answer = ask('/v2/team/app/manifests/1');
    my $worker = $answer->{header}{'x-worker'};
    push @wrong, $answer->{status} if $answer->{body} ne $body;
    $answered{$worker} = 1;

    # the next one is the other's
    kill 'STOP', $worker;
    Time::HiRes::sleep(0.1);
}
kill 'CONT', keys %answered;
is(keys %answered, 2, 'both answered');
is(join(' ', @wrong), '', 'the same');



=== TEST 29: a hit requires the client's own 200
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



=== TEST 30: a moved tag misses the cache
--- http_config eval: $::move
--- config eval: $::moves
--- request eval
["GET /v2/moved/app/manifests/1",
 "GET /v2/moved/app/manifests/1?to=$::other->{digest}"]
--- schema1 eval
["moved/app:1 1 layer", "moved/app:1 2 layers"]



=== TEST 31: a failure is not stored
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



=== TEST 32: an entry can exceed a page
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/big/n1/manifests/1", "GET /v2/big/n1/manifests/1"]
--- same: a a



=== TEST 33: the least recently used entry is evicted first
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- request eval
[map { "GET /v2/big/n$_/manifests/1" } 1, 2, 1, 3, 1, 4, 1, 5, 1, 6, 1, 2]
--- same: a b a c a d a e a f a B



=== TEST 34: requests succeed with a full zone
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- request eval
[map { "GET /v2/big/n$_/manifests/1" } 1 .. 8]
--- schema1 eval
[map { "big/n$_:1 2 layers" } 1 .. 8]



=== TEST 35: an entry larger than the zone is not stored
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/huge/app/manifests/1",
 "GET /v2/huge/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- same: a b c a



=== TEST 36: an entry larger than a quarter of the zone is not stored
--- http_config
    schema_conversion_cache_zone one:256k;
--- location eval: $::on
--- request eval
[map { "GET /v2/$_/manifests/1" } qw(big/n1 big/n2 large/app large/app big/n1
                                     big/n2)]
--- same: a b c d a b



=== TEST 37: an entry smaller than a quarter of the zone is stored
--- http_config
    schema_conversion_cache_zone one:512k;
--- location eval: $::on
--- request eval
["GET /v2/large/app/manifests/1", "GET /v2/large/app/manifests/1"]
--- same: a a



=== TEST 38: inactive entries are removed
--- http_config
    schema_conversion_cache_zone one:1m inactive=1s;
--- location eval: $::on
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1",
 "GET /v2/team/app/manifests/1"]
--- after
sleep 3 if $n == 1;
--- same: a a b



=== TEST 39: equal requests wait for the first
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



=== TEST 40: send_timeout does not apply to waiting requests
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



=== TEST 41: requests with another key do not wait
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- after
my @answers = together(['/v2/wait/app/manifests/1'],
                       ['/v2/wait/two/manifests/1']);
ok($answers[1]{seconds} < $answers[0]{seconds} - 0.2, 'sooner');



=== TEST 42: waiting requests continue if the first fails
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- no_error_log
[alert]
--- after
my @answers = together(map { ['/v2/broken/app/manifests/1'] } 1 .. 8);
is(scalar(grep { $_->{status} == 502 } @answers), 8, 'in all');
is(scalar(grep { $_->{uri} =~ /blobs/ } asked()), 8, 'each by itself');
is(scalar(grep { $_->{seconds} > 3.5 } @answers), 0,
   'not one after the other');



=== TEST 43: waiting requests continue if the first client closes
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



=== TEST 44: a waiting client can close its connection
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



=== TEST 45: requests wait for 5 seconds at most
--- http_config eval: $::zone
--- location eval: $::on
--- server
    location = /status {
        schema_conversion_status;
    }
--- log_level: debug
--- request
GET /v2/
--- response_body: {}
--- after
my ($worker) = (processes())[1];
together(map { ['/v2/wait/app/manifests/1'] } 1 .. 3);
my $first = start('/v2/slow/app/manifests/1');
Time::HiRes::sleep(0.3);
my $second = finish(start('/v2/slow/app/manifests/1'));
is($second->{status}, 200, 'answered');
ok($second->{seconds} > 4 && $second->{seconds} < 6.5, 'after 5 seconds')
    or diag($second->{seconds});
my $answer = finish($first);
is($answer->{status}, 200, 'the first too');
ok($answer->{seconds} > 6.5, 'later');
my $zone = JSON::PP::decode_json(ask('/status')->{body})->{caches}{one};
is($zone->{entries}, 2, 'one entry of both');
is((processes())[1], $worker, 'the timers of other waits were stopped');
SKIP: {
    Test::More::skip('nginx is built without --with-debug', 1)
        unless Schema1::built_with('debug');
    my @lines = error_lines(qr/schema1 cache lock wait timed out$/);
    is(scalar(@lines), 1, 'the end of the wait is logged');
}



=== TEST 46: a client closes when its wait has ended
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- after
my ($worker) = (processes())[1];
my $first = start('/v2/gone/app/manifests/1');
Time::HiRes::sleep(0.2);
my $second = start('/v2/gone/app/manifests/1');
Time::HiRes::sleep(0.2);
kill 'STOP', $worker;
Time::HiRes::sleep(0.8);
close $second->{socket};
kill 'CONT', $worker;
is(finish($first)->{status}, 200, 'the first');
is(ask('/v2/gone/app/manifests/1')->{status}, 200, 'another');
is((processes())[1], $worker, 'the same worker');



=== TEST 47: two workers store the same entry
--- http_config eval: $::zone
--- location eval: $::on
--- server
    location = /status {
        schema_conversion_status;
    }
--- request
GET /v2/
--- response_body: {}
--- after
two_workers();
my (%converted, @wrong);
for my $n (1 .. 30) {
    my $path = "/v2/both/n$n";
    my @answers = together(map { ["$path/manifests/1"] } 1 .. 8);
    push @wrong, map { "$n: $_->{status}" } grep { $_->{status} != 200 }
                 @answers;
    $converted{$n} = grep { $_->{uri} =~ m{^$path/blobs/} } asked();
    last if $converted{$n} > 1;
}
is(CORE::join(' ', @wrong), '', 'answers');
ok((grep { $_ > 1 } values %converted), 'both convert');
my $zone = JSON::PP::decode_json(ask('/status')->{body})->{caches}{one};
is($zone->{entries}, keys %converted, 'one entry each');



=== TEST 48: two workers with a small zone
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- server
    location = /status {
        schema_conversion_status;
    }
--- request
GET /v2/team/app/manifests/1
--- after
two_workers();
my @wrong;
for my $round (1 .. 12) {
    my @paths = map { '/v2/big/n' . (1 + ($round + $_) % 8) . '/manifests/1' }
                    1 .. 4;
    my @answers = together(map { [$_] } @paths, '/v2/team/app/manifests/1',
                           "/v2/team/app/manifests/$digest", '/status');
    push @wrong, map { "round $round: $_->{status}" }
                 grep { $_->{status} !~ /^(200|404)$/ } @answers;
    push @wrong, map { "round $round: $paths[$_]" }
                 grep { $answers[$_]{body} !~ m{"name": "\Q@{[$paths[$_]
                        =~ m{(big/n\d)}]}\E"} } 0 .. 3;
}
is(join("\n", @wrong), '', 'answers');
my $zone = JSON::PP::decode_json(ask('/status')->{body})->{caches}{one};
ok($zone->{evictions} > 10, 'evictions') or diag($zone->{evictions});
ok($zone->{hits} + $zone->{misses} >= 60, 'lookups')
    or diag("$zone->{hits} $zone->{misses}");
ok($zone->{entries} > 1 && $zone->{entries} < 9, 'entries')
    or diag($zone->{entries});



=== TEST 49: a hit does not wait for the upstream's body
--- http_config eval
"schema_conversion_cache_zone stalled:1m;
upstream kept {
    server 127.0.0.1:$ENV{TEST_NGINX_MOCK_PORT};
    keepalive 4;
}"
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache stalled;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_pass http://kept;
    }
--- request
GET /v2/slow/body/manifests/1
--- after
my $port = $ENV{TEST_NGINX_CLIENT_PORT};
my $said = `curl -sS --max-time 5 -H Accept: -w '\n%{time_total}' http://127.0.0.1:$port/v2/slow/body/manifests/1`;
my ($same, $seconds) = $said =~ /\A(.*)\n([\d.]+)\z/s;
is($same, $body, 'the same body');
cmp_ok($seconds, '<', 1.2, 'at once');



=== TEST 50: the key contains the scheme of the upstream
--- http_config
    schema_conversion_cache_zone one:1m;

    # plain requests to the same port are redirected internally
    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 ssl;
        ssl_certificate $TEST_NGINX_KEYS/ec256.crt;
        ssl_certificate_key $TEST_NGINX_KEYS/ec256.pem;
        error_page 497 = @plain;
        access_log off;

        location / {
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        }

        location @plain {
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        }
    }
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass $arg_by://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
--- request eval
[map { "GET /v2/team/app/manifests/1?by=$_" } qw(http https http https)]
--- same: a b a b
--- schema1_log eval
my $to = "$::app->{type} $::app->{digest}";
"* $to * -\n* $to * -\nHIT $to * -\nHIT $to * -"



=== TEST 51: a hit of an unbuffered response
--- http_config eval: $::zone
--- location
        schema_conversion_cache one;
        proxy_buffering off;
--- request eval
[("GET /v2/team/app/manifests/1") x 3]
--- same: a a a
--- schema1_log
CONVERTED * * * -
HIT * * * -
HIT * * * -



=== TEST 52: a hit does not depend on the upstream's body
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/cut/app/manifests/1
--- after
my $answer = ask('', '' => { raw =>
    "GET /v2/cut/app/manifests/1 HTTP/1.1\r\nHost: localhost\r\n\r\n" });
is($answer->{body}, $body, 'the same body');
--- no_error_log
[alert]



=== TEST 53: a client closes in the turn in which a document arrives
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- after
my ($worker) = (processes())[1];
for my $image (qw(late gone) x 3) {
    my $handle = start("/v2/$image/app/manifests/1");
    Time::HiRes::sleep(0.2);
    kill 'STOP', $worker;
    Time::HiRes::sleep(0.7);
    close $handle->{socket};
    kill 'CONT', $worker;
}
is(ask('/v2/team/app/manifests/1')->{status}, 200, 'another');
is((processes())[1], $worker, 'the same worker');



=== TEST 54: the key contains each address of a server
--- http_config eval
$::zone . ::servers(map { [$_, 'd', '= /'], [$_, 's', '/v2/'] }
                    (map { "unix:$::sockets/$_" } qw(a b f)),
                    map { "127.0.0.1:\$TEST_NGINX_RAND_PORT_$_" } 1 .. 3)
--- config eval
::in_front(map { [$_, 's'] } (map { "unix:$::sockets/$_" } qw(a b f)),
           map { "127.0.0.1:\$TEST_NGINX_RAND_PORT_$_" } 1 .. 3)
--- request eval
[map { "GET /$_/v2/team/app/manifests/1" } 1 .. 6, 1 .. 6]
--- same: a b c d e f a b c d e f



=== TEST 55: the key separates address, name and location
--- http_config eval
$::zone . ::servers(["unix:$::sockets/c", 'd', '/v2/'],
                    ["unix:$::sockets/cd", '""', '/v2/'],
                    ["unix:$::sockets/e", 'x', '~ "y|/v2/"'],
                    ["unix:$::sockets/e", 'xy', '~ "|/v2/"'])
--- config eval
::in_front(["unix:$::sockets/c", 'd'], ["unix:$::sockets/cd", 'd'],
           ["unix:$::sockets/e", 'x'], ["unix:$::sockets/e", 'xy'])
--- request eval
[map { "GET /$_/v2/team/app/manifests/1" } 1 .. 4, 1 .. 4]
--- same: a b c d a b c d



=== TEST 56: the key contains the upstream of the configuration
--- http_config eval: $::upstreams
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://first;
    }
--- request eval
[("GET /v2/team/app/manifests/1") x 3]
--- after
reload(sub { s{http://first}{http://second} }) if $n == 0;
reload(sub { s{http://second}{http://first} }) if $n == 1;
--- same: a b a



=== TEST 57: entries of all sizes are stored unchanged
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- after
my @paths = map { "/v2/size/n$_/manifests/1" } 1 .. 42;
my %first = map { $_ => ask($_)->{body} } @paths;
is(CORE::join(' ', grep { ask($_)->{body} ne $first{$_} } @paths), '',
   'the same');
is((grep { $_->{uri} =~ /blobs/ } asked()), 42, 'from the cache');



=== TEST 58: an entry of a quarter of the zone is stored, a larger one is not
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- request eval
[map { "GET /v2/$_/app/manifests/1" } qw(quarter quarter larger larger)]
--- same: a a b c
--- after
my @lines = error_lines(qr/schema_conversion_cache "one" has no space for/);
is(@lines + 0, (0, 0, 1, 2)[$n], 'lines of the log');
like($_, qr/\[info\].* for 1\d{4} bytes while /, 'its message') for @lines;



=== TEST 59: a lock is released once
--- http_config eval: $::zone
--- location
        schema_conversion_cache one;
        if ($arg_slow) {
            limit_rate 1500;
        }
--- request
GET /v2/
--- response_body: {}
--- after
my ($worker) = (processes())[1];
my $first = start('/v2/wait/app/manifests/1');
Time::HiRes::sleep(0.2);
my $second = start('/v2/team/app/manifests/1?slow=1');
is(finish($first)->{status}, 200, 'the first');
is(ask('/v2/wait/two/manifests/1')->{status}, 200, 'another meanwhile');
is(finish($second)->{status}, 200, 'the slow one');
is(ask('/v2/team/same/manifests/1')->{status}, 200, 'another afterwards');
is((processes())[1], $worker, 'the same worker');



=== TEST 60: the decisions of the cache are logged
--- requires: 6: debug
--- http_config eval: $::zone
--- location eval: $::on
--- log_level: debug
--- request
GET /v2/team/app/manifests/1
--- after
ask("/v2/team/app/manifests/$digest");
together(map { ['/v2/wait/app/manifests/1'] } 1 .. 2);
--- error_log
schema1 cache lookup: -5
schema1 cache lookup by digest: 0, sources: 1
schema1 cache lock wait
--- no_error_log
[error]
[alert]



=== TEST 61: requests for another source of the same tag do not wait
--- http_config eval: $::move
--- config eval: $::moves
--- request
GET /v2/
--- response_body: {}
--- after
my $first = start('/v2/moved/app/manifests/1');
Time::HiRes::sleep(0.2);
my $second = finish(start("/v2/moved/app/manifests/1?to=$::other->{digest}"));
is($second->{status}, 200, 'answered');
my $answer = finish($first);
is($answer->{status}, 200, 'the first too');
ok($second->{seconds} < $answer->{seconds} - 0.5, 'sooner');



=== TEST 62: a hit before the upstream's body requires its own 200
--- http_config eval: $::zone
--- config
    location = /v2/page/app/manifests/1 {
        error_page 404 =200 @page;
        return 404;
    }
    location @page {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location /v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request eval
[("GET /v2/page/app/manifests/1") x 2]
--- error_code eval
[200, 502]
--- response_body_like eval
['schemaVersion', 'errors']
--- no_error_log
[alert]



=== TEST 63: the key of an if block contains its location
--- http_config eval: $::zone
--- config
    location = /v2/team/app/manifests/1 {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;

        if ($arg_block) {
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        }
    }
    location /v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request eval
[("GET /v2/team/app/manifests/1?block=1") x 3]
--- after
reload(sub { s/= (\S+ \{)/^~ $1/ }) if $n == 0;
reload(sub { s/\^~ (\S+ \{)/= $1/ }) if $n == 1;
--- same: a b a



=== TEST 64: the key separates host, port and name
--- http_config eval
"$::zone
server {
    listen 127.0.0.1:$::text[0];
    listen 127.0.0.1$::text[2]:$::text[1];
    location / {
        proxy_pass http://127.0.0.1:\$TEST_NGINX_MOCK_PORT;
    }
}"
--- config eval
"location /v2/ {
    schema_conversion on;
    schema_conversion_key \$TEST_NGINX_KEYS/ec256.pem;
    schema_conversion_cache one;
    proxy_pass http://127.0.0.1\$arg_to;
}"
--- request eval
["GET /v2/zapp/manifests/1?to=:$::text[0]",
 "GET /v2/app/manifests/1?to=$::text[2]:$::text[1]"]
--- schema1 eval
["zapp:1 2 layers", "app:1 2 layers"]



=== TEST 65: the cache survives a reload that adds a server to an address
--- http_config eval
my @listen = map { "unix:$::sockets/$_" } qw(g h);
$::zone . ::servers([CORE::join('; listen ', @listen), 's', '/v2/'],
                    map { [$listen[0], "t$_", '/'] } 1 .. 3)
--- config eval
::in_front(["unix:$::sockets/g", 's'])
--- request eval
[("GET /1/v2/team/app/manifests/1") x 2]
--- after
reload(sub {
    s{^(\s*server \{)}{server { listen unix:$::sockets/g; }\n$1}m;
}) if $n == 0;
--- same: a a



=== TEST 66: an entry whose pages exceed a quarter of the zone is not stored
--- http_config
    schema_conversion_cache_zone one:72k;
--- location eval: $::on
--- request eval
[map { "GET /v2/$_/app/manifests/1" } qw(quarter quarter larger larger)]
--- same: a a b c



=== TEST 67: a waiting request still waits when its client sends more
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- after
my $first = start('/v2/held/app/manifests/1');
until_asked(qr{held/app/blobs});
my $second = start('/v2/held/app/manifests/1');
Time::HiRes::sleep(0.3);
syswrite $second->{socket}, "GET /v2/ HTTP/1.1\r\n";
Time::HiRes::sleep(0.3);
Schema1::Keys::put($::held, '');
is(finish($first)->{status}, 200, 'the first');
is(finish($second)->{status}, 200, 'the second');
is(scalar(grep { $_->{uri} =~ /blobs/ } asked()), 1, 'one config');



=== TEST 68: a large hit does not wait for the upstream's body
--- http_config
    schema_conversion_cache_zone one:8m;
    proxy_cache_path logs/proxy keys_zone=proxied:1m;
--- location
        schema_conversion_cache one;
        proxy_cache proxied;
        proxy_cache_key $request_uri;
        proxy_cache_valid 200 1m;
        add_header X-Cache $upstream_cache_status;
--- request
GET /v2/slow/large/manifests/1?1
--- after
my $path = '/v2/slow/large/manifests/1?2';
my $handle = start($path);
my $raw = '';
1 while length $raw < length $body
        && sysread $handle->{socket}, $raw, 65536, length $raw;
cmp_ok(Time::HiRes::time() - $handle->{start}, '<', 1.2, 'at once');
finish($handle);
is(ask($path)->{header}{'x-cache'}, 'HIT', 'cached by nginx');



=== TEST 69: what is logged of a hit that was waited for names its request
--- http_config eval: $::zone
--- location
        schema_conversion_cache one;
        mirror /mirror;
--- server
    location = /mirror {
        internal;
        proxy_pass http://127.0.0.1:$TEST_NGINX_STORAGE_PORT/mirror;
    }
--- request
GET /v2/
--- response_body: {}
--- after
together(map { ['/v2/wait/long/manifests/1'] } 1 .. 2);
is(error_lines(qr/has 128 history entries/), 2, 'lines of the log');
--- no_error_log eval
qr/history entries.*subrequest:/
