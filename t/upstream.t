# Copyright (C) the ngx_http_schema1_module authors

# What the registry is asked, and what of the client's request goes there.

use Schema1;
use Schema1::Client;
use Schema1::Made;
use Schema1::Refused;

plan tests => repeat_each() * 213;

our $v1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
our $v2 = type_of('docker', 'manifest');
our $list = type_of('docker', 'list');
our $oci = type_of('oci', 'manifest');
our $index = type_of('oci', 'list');
our $missing = "$v2, $list, $oci, $index";

our $app = image('team/app:1', layers => 2);
our $new = image('team/new:1', format => 'oci', layers => 2);
our $child = image('team/multi', format => 'oci', layers => 2);
our $multi = list('team/multi:1', format => 'oci', entries => [$child]);
our $old = document('team/old:1', type_of('docker', 'schema1'), '{"old":1}');
our $generic = image('team/generic:1', type => 'application/json');

# storage replays odd values of Content-Encoding
my @odd = ('aws-chunked', 'utf-8', 'none', 'gzip');

for my $i (0 .. $#odd) {
    my @encoding = (add => ['Content-Encoding' => $odd[$i]]);

    image("odd/tag$i:1");
    answer("/v2/odd/tag$i/manifests/1", @encoding);
    image("odd/config$i:1");
    answer(qr{ /v2/odd/config$i/blobs/}, @encoding);
    list("odd/child$i:1", strict => 0, entries => [image("odd/child$i")]);
    answer(qr{ /v2/odd/child$i/manifests/sha256:}, @encoding);
}

my @alone = (headers => ['Content-Encoding' => 'aws-chunked']);
image('odd/alone:1');
answer('/v2/odd/alone/manifests/1', @alone);
image('odd/stored:1');
answer(qr{ /v2/odd/stored/blobs/}, @alone);
image('odd/config:1');
answer(qr{ /v2/odd/config/blobs/}, body => 'wrong', @alone);

# registries whose responses depend on what nginx replaces
for my $vary ('Accept', 'Accept-Encoding', 'Accept, Range, If-None-Match') {
    my ($name) = lc($vary) =~ /([a-z-]+)$/;

    image("vary/$name:1");
    answer("/v2/vary/$name/manifests/1", add => [Vary => $vary]);
    answer(qr{ /v2/vary/$name/blobs/}, add => [Vary => $vary]);
    list("vary-list/$name:1", strict => 0, entries => [
        image("vary-list/$name")]);
    answer(qr{ /v2/vary-list/$name/}, add => [Vary => $vary]);
}

our @cached = map { ("/v2/vary/$_/manifests/1", "/v2/vary-list/$_/manifests/1") }
              qw(accept accept-encoding if-none-match);

# one zone with and without conversion
our $cached = '
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        proxy_cache one;
        proxy_cache_key KEY;
        proxy_cache_valid 200 VALID;
        add_header X-Cache $upstream_cache_status always;
        add_header X-Accept "[$http_accept]" always;
        MORE
    }
    location /plain {
        rewrite ^/plain(.*) $1 break;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        proxy_cache one;
        proxy_cache_key KEY;
        proxy_cache_valid 200 VALID;
        add_header X-Cache $upstream_cache_status always;
    }
' =~ s/\$TEST_(\w+)/$ENV{"TEST_$1"}/gr;

our $zone = 'proxy_cache_path logs/cache keys_zone=one:1m;';

sub cached
{
    my (%with) = (KEY => '$uri$arg_t', VALID => '1m', MORE => '', @_);

    return $cached =~ s/\b(KEY|VALID|MORE)\b/$with{$1}/gr;
}


# the cache is kept when a block is repeated: another key for each turn
our $turn = 0;

sub cache_turn
{
    $turn++;
}


# X-Cache of some requests, with what differs from a right response
sub cache_statuses
{
    my @statuses;

    for (@_) {
        my ($path, %options) = @$_;

        # nginx may store a response after its end was sent
        select undef, undef, undef, 0.1;

        my $answer = ask("$path?t=$turn", Accept => 'text/html',
                         '' => \%options);
        my $header = $answer->{header};

        push @statuses, CORE::join ' ', $header->{'x-cache'} // 'none',
            $answer->{status} == 200 ? () : $answer->{status},
            $path =~ m{^/plain} || ($header->{'content-type'} eq $v1
                && $header->{'x-accept'} eq '[text/html]') ? () : 'wrong';
    }

    return CORE::join ', ', @statuses;
}


our $fetches = "GET /v2/team/multi/manifests/1
GET /v2/team/multi/manifests/$child->{digest}
GET /v2/team/multi/blobs/$child->{config_digest}
";

# a client's whole request with headers that are edited, and their neighbours
our @many = map { "X-Header-$_: value $_" } 1 .. 30;

run_tests();

__DATA__

=== TEST 1: a request without Accept names all types
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- asked eval
"GET /v2/team/app/manifests/1
    Accept: $::missing
GET /v2/team/app/blobs/$::app->{config_digest}"



=== TEST 2: the client's types are sent first
--- request
GET /v2/team/app/manifests/1
--- more_headers eval
"Accept: $::v1, application/json"
--- schema1
team/app:1 2 layers
--- asked eval
"GET /v2/team/app/manifests/1
    Accept: $::v1, application/json, $::missing
GET /v2/team/app/blobs/$::app->{config_digest}"



=== TEST 3: only missing types are added
--- request
GET /v2/team/app/manifests/1
--- more_headers eval
"Accept: $::list, $::v2"
--- response_body eval
$::app->{body}
--- asked eval
"GET /v2/team/app/manifests/1
    Accept: $::list, $::v2, $::oci, $::index"



=== TEST 4: several Accept lines are sent as one
--- request
GET /v2/team/app/manifests/1
--- more_headers eval
"Accept: text/html
X-Between: 1
accept: $::v1, application/json
ACCEPT: */*"
--- schema1
team/app:1 2 layers
--- asked eval
"GET /v2/team/app/manifests/1
    Accept: text/html, $::v1, application/json, */*, $::missing
    X-Between: 1
GET /v2/team/app/blobs/$::app->{config_digest}"



=== TEST 5: types are sent without q
--- request
GET /v2/team/app/manifests/1
--- more_headers eval
"Accept: $::v1; q=0.8, */*;q=0.1"
--- schema1
team/app:1 2 layers
--- asked eval
"GET /v2/team/app/manifests/1
    Accept: $::v1, */*, $::missing
GET /v2/team/app/blobs/$::app->{config_digest}"



=== TEST 6: types with q=0 are left out
--- request
GET /v2/team/app/manifests/1
--- more_headers
Accept: text/html;q=0, application/json, */*; q=0.0
--- schema1
team/app:1 2 layers
--- asked eval
"GET /v2/team/app/manifests/1
    Accept: application/json, $::missing
GET /v2/team/app/blobs/$::app->{config_digest}"



=== TEST 7: modern types with q=0 are sent
--- request
GET /v2/team/new/manifests/1
--- more_headers eval
"Accept: $::v2, $::oci;q=0"
--- response_body eval
Schema1::Made::made_schema2($::new)->{body}
--- asked eval
"GET /v2/team/new/manifests/1
    Accept: $::v2, $::oci, $::list, $::index"



=== TEST 8: a modern client's lines are unchanged
--- request
GET /v2/team/app/manifests/1
--- more_headers eval
"Accept: $::index;q=0.5, $::v2, $::oci;a=b, $::list
Range: bytes=2-9
If-Range: \"x\"
If-None-Match: \"y\"
If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT
Accept-Encoding: gzip"
--- error_code: 206
--- response_body eval
substr $::app->{body}, 2, 8
--- asked eval
"GET /v2/team/app/manifests/1
    Accept: $::index;q=0.5, $::v2, $::oci;a=b, $::list
    Range: bytes=2-9
    If-Range: \"x\"
    If-None-Match: \"y\"
    If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT
    Accept-Encoding: gzip"



=== TEST 9: ranges and conditions are not sent
--- request
GET /v2/team/multi/manifests/1
--- more_headers eval
"Range: bytes=2-9
If-Range: \"x\"
if-none-match: \"$::multi->{digest}\"
If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT
ACCEPT-ENCODING: gzip"
--- schema1
team/multi:1 2 layers
--- asked eval
$::fetches =~ s/\n/\n    !Range\n    !If-Range\n    !If-None-Match
    !If-Modified-Since\n    !Accept-Encoding\n/gr



=== TEST 10: ranges and conditions are not sent for a response that passes
--- request
GET /v2/team/old/manifests/1
--- more_headers
Range: bytes=0-1
Accept-Encoding: gzip
--- response_body chomp
{"old":1}
--- asked
GET /v2/team/old/manifests/1
    !Range
    !Accept-Encoding



=== TEST 11: HEAD is sent as HEAD
--- request
HEAD /v2/team/multi/manifests/1
--- response_headers eval
"Content-Type: $::v1"
--- asked eval
"HEAD /v2/team/multi/manifests/1
    Accept: $::missing
$::fetches"



=== TEST 12: HEAD that passes is the only request
--- request eval
[('HEAD /v2/team/app/manifests/1') x 2, 'HEAD /v2/team/old/manifests/1']
--- more_headers eval
["Accept: $::v2", "Accept: $::v2, $::list, $::v1", '']
--- response_headers eval
[("Content-Length: " . length $::app->{body}) x 2, 'Content-Length: 9']
--- asked
HEAD /v2/team/app/manifests/1
HEAD /v2/team/app/manifests/1
HEAD /v2/team/old/manifests/1



=== TEST 13: a GET follows a HEAD of a generic type
--- request
HEAD /v2/team/generic/manifests/1
--- response_headers eval
"Content-Type: $::v1"
--- asked eval
"HEAD /v2/team/generic/manifests/1
GET /v2/team/generic/manifests/1
GET /v2/team/generic/blobs/$::generic->{config_digest}"



=== TEST 14: the query string is sent with every subrequest
--- request
GET /v2/team/multi/manifests/1?ns=docker.io&a=%2F
--- schema1
team/multi:1 2 layers
--- asked eval
$::fetches =~ s/\n/?ns=docker.io&a=%2F\n/gr



=== TEST 15: the query string is sent after a HEAD
--- request
HEAD /v2/team/multi/manifests/1?x
--- asked eval
("HEAD /v2/team/multi/manifests/1\n" . $::fetches) =~ s/\n/?x\n/gr



=== TEST 16: credentials are sent with every subrequest
--- request
GET /v2/team/multi/manifests/1
--- more_headers
Authorization: Bearer secret
Cookie: a=b
User-Agent: docker/1.9.1
--- schema1
team/multi:1 2 layers
--- asked eval
$::fetches =~ s/\n/\n    Authorization: Bearer secret\n    Cookie: a=b
    User-Agent: docker\/1.9.1\n/gr



=== TEST 17: other headers are unchanged
--- request
GET /v2/team/app/manifests/1
--- more_headers eval
CORE::join "\n", @::many[0 .. 9], 'Accept: text/html', @::many[10 .. 19],
           'Range: bytes=0-1', @::many[20 .. 29], 'Accept: */*'
--- schema1
team/app:1 2 layers
--- asked eval
my $headers = CORE::join "", map { "    $_\n" } @::many;
"GET /v2/team/app/manifests/1
    Accept: text/html, */*, $::missing
    !Range
${headers}GET /v2/team/app/blobs/$::app->{config_digest}
    !Range
$headers"



=== TEST 18: the body is sent once
--- request
GET /v2/team/app/manifests/1
hello
--- schema1
team/app:1 2 layers
--- asked eval
"GET /v2/team/app/manifests/1
    Content-Length: 5
GET /v2/team/app/blobs/$::app->{config_digest}
    !Content-Length"



=== TEST 19: proxy_set_header applies to subrequests
--- location
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header Authorization "Basic dTpw";
--- request
GET /v2/team/multi/manifests/1
--- schema1
team/multi:1 2 layers
--- asked eval
$::fetches =~ s/\n/\n    X-Real-IP: 127.0.0.1
    Authorization: Basic dTpw\n/gr



=== TEST 20: the client's own headers are restored
--- location
    add_header X-Accept "$http_accept" always;
    add_header X-Range "$http_range" always;
    add_header X-Tag "$http_if_none_match" always;
    add_header X-Encoding "$http_accept_encoding" always;
--- request
GET /v2/team/multi/manifests/1
--- more_headers
Accept: text/html;q=0.5
Range: bytes=0-1
If-None-Match: "x"
Accept-Encoding: gzip
--- response_headers
X-Accept: text/html;q=0.5
X-Range: bytes=0-1
X-Tag: "x"
X-Encoding: gzip
--- schema1
team/multi:1 2 layers



=== TEST 21: the client's own headers are logged
--- http_config
    log_format own "$uri <$http_accept> <$http_range> <$http_if_none_match>";
--- location
    proxy_set_header X-Accept $http_accept;
    access_log logs/access.log own;
--- request eval
['GET /v2/team/app/manifests/1', 'GET /v2/none/app/manifests/1']
--- more_headers eval
[("Accept: */*;q=0.5\nRange: bytes=0-1\nIf-None-Match: \"x\"") x 2]
--- error_code eval
[200, 404]
--- access_log eval
[(qr{<\*/\*;q=0.5> <bytes=0-1> <\\x22x\\x22>}) x 2]



=== TEST 22: accepted documents need no subrequest
--- request eval
['GET /v2/team/multi/manifests/1', 'GET /v2/team/none/manifests/1']
--- more_headers eval
[("Accept: $::v2, $::oci, $::index, $::v1") x 2]
--- error_code eval
[200, 404]
--- response_body eval
[$::multi->{body}, '{"errors":[{"code":"MANIFEST_UNKNOWN","message":'
                   . '"manifest unknown"}]}']
--- asked
GET /v2/team/multi/manifests/1
GET /v2/team/none/manifests/1



=== TEST 23: an odd Content-Encoding of the tag's manifest is ignored
--- request eval
[map { "GET /v2/odd/tag$_/manifests/1" } 0 .. 3]
--- schema1 eval
[map { "odd/tag$_:1 2 layers" } 0 .. 3]
--- response_headers eval
[('!Content-Encoding') x 4]



=== TEST 24: an odd Content-Encoding is ignored after HEAD
--- request eval
[map { "HEAD /v2/odd/tag$_/manifests/1" } 0 .. 3]
--- response_headers eval
[("!Content-Encoding\nContent-Type: $::v1") x 4]



=== TEST 25: an odd Content-Encoding of a config is ignored
--- request eval
[map { "GET /v2/odd/config$_/manifests/1" } 0 .. 3]
--- schema1 eval
[map { "odd/config$_:1 2 layers" } 0 .. 3]



=== TEST 26: an odd Content-Encoding of a child manifest is ignored
--- request eval
[map { "GET /v2/odd/child$_/manifests/1" } 0 .. 3]
--- schema1 eval
[map { "odd/child$_:1 2 layers" } 0 .. 3]



=== TEST 27: an odd Content-Encoding of a config is no fault without its digest
--- request
GET /v2/odd/stored/manifests/1
--- schema1
odd/stored:1 2 layers



=== TEST 28: an odd Content-Encoding of bytes that no digest confirms is refused
--- request eval
["GET /v2/odd/alone/manifests/1", "HEAD /v2/odd/alone/manifests/1",
 "GET /v2/odd/config/manifests/1"]
--- error_code eval
[502, 502, 502]
--- response_body_like eval
[qr/"reason":"encoded"/, qr/^$/, qr/"reason":"encoded"/]
--- no_error_log
[alert]



=== TEST 29: proxy_cache finds what conversion stored with Vary
--- http_config eval: $::zone
--- config eval: ::cached()
--- request
GET /v2/
--- after
::cache_turn();
is(::cache_statuses([$_]) . ', ' . ::cache_statuses(([$_]) x 2),
   'MISS, HIT, HIT', $_) for @::cached;
--- no_error_log
[alert]



=== TEST 30: proxy_cache answers HEAD with what conversion stored with Vary
--- http_config eval: $::zone
--- config eval: ::cached()
--- request
GET /v2/
--- after
::cache_turn();
is(::cache_statuses(([$_, method => 'HEAD']) x 2, [$_]), 'MISS, HIT, HIT', $_)
    for @::cached;
--- no_error_log
[alert]



=== TEST 31: proxy_cache_convert_head off with Vary
--- http_config eval: $::zone
--- config eval
::cached(KEY => '$request_method$uri$arg_t', MORE => 'proxy_cache_convert_head off;')
--- request
GET /v2/
--- after
::cache_turn();
# the GET that follows a HEAD is a variant, for keys without $request_method
is(::cache_statuses(([$_, method => 'HEAD']) x 2, ([$_]) x 2),
   'MISS, HIT, MISS, HIT', $_) for grep { !/encoding/ } @::cached;
--- no_error_log
[alert]



=== TEST 32: a location without conversion finds nothing of a conversion
--- http_config eval: $::zone
--- config eval: ::cached()
--- request
GET /v2/
--- after
::cache_turn();
is(::cache_statuses([$_], ["/plain$_"], ["/plain$_"], [$_]),
   'MISS, MISS, HIT, HIT', $_) for grep { !/encoding/ } @::cached;
--- no_error_log
[alert]



=== TEST 33: proxy_cache_revalidate with Vary
--- http_config eval: $::zone
--- config eval
::cached(VALID => '1s', MORE => 'proxy_cache_revalidate on;')
--- request
GET /v2/
--- after
::cache_turn();
for my $path ($::cached[0]) {
    is(::cache_statuses([$path]), 'MISS', 'the first');
    select undef, undef, undef, 2.1;
    is(::cache_statuses(([$path]) x 2), 'REVALIDATED, HIT', 'revalidated');
}
--- no_error_log
[alert]



=== TEST 34: proxy_cache_background_update with Vary
--- http_config eval: $::zone
--- config eval
::cached(VALID => '1s', MORE => 'proxy_cache_use_stale updating;
                                 proxy_cache_background_update on;
                                 proxy_cache_lock on;')
--- request
GET /v2/
--- after
::cache_turn();
for my $path ($::cached[0]) {
    is(::cache_statuses([$path]), 'MISS', 'the first');
    select undef, undef, undef, 2.1;
    is(::cache_statuses([$path]), 'STALE', 'the second');
    select undef, undef, undef, 0.3;
    is(::cache_statuses([$path], ["/plain$path"]), 'HIT, MISS', 'the others');
}
--- no_error_log
[alert]



=== TEST 35: proxy_cache_background_update with $http_accept in the key
--- http_config eval: $::zone
--- config eval
::cached(VALID => '1s', KEY => '$http_accept$uri$arg_t',
         MORE => 'proxy_cache_use_stale updating;
                  proxy_cache_background_update on;')
--- request
GET /v2/
--- after
::cache_turn();
for my $path ($::cached[0]) {
    is(::cache_statuses([$path]), 'MISS', 'the first');
    select undef, undef, undef, 2.1;
    is(::cache_statuses([$path]), 'STALE', 'the second');
    select undef, undef, undef, 0.3;
    is(::cache_statuses([$path], ["/plain$path"]), 'HIT, MISS', 'the others');
}
--- no_error_log
[alert]
