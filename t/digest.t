# Copyright (C) the ngx_http_schema1_module authors

# Pulling by the digest of a manifest that was made here.

use Schema1;
use Schema1::Client;

# a cache outlives a request
repeat_each(1);

plan tests => repeat_each() * 258;

our $app = image('team/app:1');
image('team/other:1', layers => 3);
our $oci = image('team/oci:1', format => 'oci', strict => 0);
our $list = list('team/list:1', strict => 0, entries => [
    our $child = image('team/list')]);
image('locked/app:1');
protect('locked/app', 'Basic dTpw');

our $gone = image('gone/app:1');
answer("GET /v2/gone/app/manifests/$gone->{digest}", status => 404,
       body => 'nothing here');
our $page = image('page/app:1');
answer(qr{^GET /v2/page/app/manifests/sha256:}, status => 404,
       type => 'text/html', body => 'a page');
our $changed = image('changed/app:1');
answer("GET /v2/changed/app/manifests/$changed->{digest}", body => '{}');
our $away = image('away/app:1');
answer("GET /v2/away/app/manifests/$away->{digest}", status => 500,
       body => 'down');
our $cut = image('cut/app:1');
answer("GET /v2/cut/app/manifests/$cut->{digest}", truncate => 10);

# images with the same config and layers: the digest of schema 1 is the same
our ($docker, $newer) = map {
    image('two/app' . ($_ eq 'docker' ? ':1' : ''), format => $_, strict => 0)
} qw(docker oci);
answer("GET /v2/two/app/manifests/$docker->{digest}", status => 404);
image("big/n$_:1", config => { x => 'y' x 9000 . $_ }) for 1 .. 6;

# nine more, none of which exists by digest
our @nine = map { image("nine/app:t$_", manifest => { x => $_ }) } 1 .. 9;
answer(qr{^GET /v2/nine/app/manifests/sha256:}, status => 404);

# the registry sends the child once
our $once = list('once/list:1', strict => 0, entries => [
    our $passed = image('once/list')]);
my $flag = "$Schema1::servroot.flag";
END { unlink $flag, "$flag.held" }
answer("GET /v2/once/list/manifests/$passed->{digest}", sub {
    my ($socket) = @_;

    my $first = sysopen my $fh, $flag, 0xc1;
    my $body = $first ? $passed->{body} : '{}';

    print $socket 'HTTP/1.1 ', $first ? '200 OK' : '404 Not Found',
                  "\r\nContent-Type: $passed->{type}\r\nContent-Length: ",
                  length $body, "\r\nConnection: close\r\n\r\n$body";
});

# names of the same length: an entry is where another was
our $held = image('held/app:1');
answer("GET /v2/held/app/manifests/$held->{digest}",
       awaits => our $release = "$flag.held");
image("fill/n$_:1", config => { x => $_ }) for 10 .. 39;

our $zone = '
    schema_conversion_cache_zone one:1m;
';

our $on = '
        schema_conversion_cache one;
';

our $signed = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
our $unknown = 'sha256:' . 'ab' x 32;

# the tag contains another manifest if the client says so
our $moves = "$zone
    map \$uri:\$arg_moved \$target {
        default                                      \$uri;
        ~^(?<path>/v2/two/app/manifests/)1:(?<to>.)  \$path\$arg_moved;
        ~^(?<path>/v2/nine/app/manifests/)1:(?<to>.) \$path\$arg_moved;
    }
";

our $moved = '
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT$target;
    }
';

# "if" blocks, each of which has entries of its own
our $blocks = '
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
' . join('', map { '
        if ($arg_block = ' . $_ . ') {
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        }
' } 1 .. 128) . '
    }
';

# the digests of sources that were requested since the last call
sub sources
{
    my @sources = map { $_->{uri} =~ m{(sha256:\w+)$} ? $1 : () }
                  $Schema1::registry->asked;

    $Schema1::registry->reset;

    return @sources;
}

# with the section "freed" a request finds what an earlier one left in memory
my $perturb = $ENV{MALLOC_PERTURB_};
add_block_preprocessor(sub {
    $ENV{MALLOC_PERTURB_} = defined $_[0]->freed ? 0 : $perturb;
});

run_tests();
__DATA__

=== TEST 1: a converted manifest can be pulled by digest
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
my $answer = ask("/v2/team/app/manifests/$digest");
is($answer->{status}, 200, 'status');
is($answer->{body}, $body, 'body');
is($answer->{header}{'content-type'}, $::signed, 'type');
is($answer->{header}{'docker-content-digest'}, $digest, 'digest');
is($answer->{header}{etag}, "\"$digest\"", 'etag');
is($answer->{header}{'content-length'}, length $body, 'length');
is($answer->{header}{'docker-distribution-api-version'}, 'registry/2.0', 'API');
is((map { $_->{uri} } asked())[-1], "/v2/team/app/manifests/$::app->{digest}",
   'the source was asked for');



=== TEST 2: a converted manifest answers HEAD by digest
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
my $answer = ask("/v2/team/app/manifests/$digest", '' => { method => 'HEAD' });
is($answer->{status}, 200, 'status');
is($answer->{body}, '', 'no body');
is($answer->{header}{'content-length'}, length $body, 'length');



=== TEST 3: a digest pull ignores Accept
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
for my $type ('application/vnd.oci.image.index.v1+json', 'text/html',
              $::app->{type})
{
    my $answer = ask("/v2/team/app/manifests/$digest", Accept => $type);
    is($answer->{body}, $body, $type);
}



=== TEST 4: a digest pull evaluates If-None-Match
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
is(ask("/v2/team/app/manifests/$digest", 'If-None-Match' => "\"$digest\"")
   ->{status}, 304, 'not modified');



=== TEST 5: converted schema 2 can be pulled by digest
--- http_config eval: $::zone
--- location eval: $::on
--- more_headers eval
"Accept: application/json, $::app->{type}"
--- request
GET /v2/team/oci/manifests/1
--- after
my $answer = ask("/v2/team/oci/manifests/$digest");
is($answer->{body}, $body, 'body');
is($answer->{header}{'content-type'}, $::app->{type}, 'type');



=== TEST 6: a digest pull uses the client's credentials
--- http_config eval: $::zone
--- location eval: $::on
--- more_headers
Authorization: Basic dTpw
--- request
GET /v2/locked/app/manifests/1
--- after
my $path = "/v2/locked/app/manifests/$digest";
is(ask($path, Authorization => 'Basic dTpw')->{body}, $body, 'the same');
my $answer = ask($path);
is($answer->{status}, 401, 'without any');
is($answer->{header}{'www-authenticate'}, 'Basic realm="mock"', 'challenge');
is(ask($path, Authorization => 'Basic eDp5')->{status}, 401, 'with others');



=== TEST 7: a digest pull requires the same location
--- http_config eval: $::zone
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_set_header Authorization $http_authorization;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location ~ ^/v2/locked/app/manifests/sha256:[0-9a-f] {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- more_headers
Authorization: Basic dTpw
--- request
GET /v2/locked/app/manifests/1
--- after
is(ask("/v2/locked/app/manifests/$digest", Authorization => 'Basic dTpw')
   ->{status}, 404, 'another place');



=== TEST 8: a digest pull requires the same name
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
my $answer = ask("/v2/team/other/manifests/$digest");
is($answer->{status}, 404, 'status');
like($answer->{body}, qr/"manifest unknown"/, 'the 404 stands');
is(scalar(asked()), 3, 'nothing else was asked');



=== TEST 9: an unknown digest is 404
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
"GET /v2/team/app/manifests/$::unknown"
--- error_code: 404
--- response_body_like: "manifest unknown"
--- response_headers
!Vary
Docker-Distribution-Api-Version: registry/2.0
--- schema1_log
- - - - -



=== TEST 10: a digest pull without a cache is 404
--- request
GET /v2/team/app/manifests/1
--- after
my $answer = ask("/v2/team/app/manifests/$digest");
is($answer->{status}, 404, 'status');
like($answer->{body}, qr/"manifest unknown"/, 'the 404 stands');



=== TEST 11: a digest whose source is missing is 404
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/gone/app/manifests/1
--- after
my $answer = ask("/v2/gone/app/manifests/$digest");
is($answer->{status}, 404, 'status');
like($answer->{body}, qr/"manifest unknown"/, 'the 404 of the digest');
is($answer->{header}{vary}, undef, 'no Vary');
is((map { $_->{uri} } asked())[-1], "/v2/gone/app/manifests/$::gone->{digest}",
   'the source was asked for');
is(ask("/v2/gone/app/manifests/$digest", 'If-None-Match' => '*')->{status},
   404, 'no condition');



=== TEST 12: a digest whose source changed is 404
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/changed/app/manifests/1
--- after
my $answer = ask("/v2/changed/app/manifests/$digest");
is($answer->{status}, 404, 'status');
like($answer->{body}, qr/"manifest unknown"/, 'the 404 stands');
--- schema1_log
CONVERTED * * * -
- * * * -



=== TEST 13: a digest whose source fails is 404
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/away/app/manifests/1
--- after
my $answer = ask("/v2/away/app/manifests/$digest");
is($answer->{status}, 404, 'status');
like($answer->{body}, qr/"manifest unknown"/, 'the 404 stands');



=== TEST 14: a digest whose source is truncated is 404
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/cut/app/manifests/1
--- no_error_log
[alert]
--- after
my $answer = ask("/v2/cut/app/manifests/$digest");
is($answer->{status}, 404, 'status');
like($answer->{body}, qr/"manifest unknown"/, 'the 404 stands');



=== TEST 15: HEAD of a digest whose source is missing is 404
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/gone/app/manifests/1
--- after
my $answer = ask("/v2/gone/app/manifests/$digest", '' => { method => 'HEAD' });
is($answer->{status}, 404, 'status');
is($answer->{body}, '', 'no body');



=== TEST 16: error_page takes precedence over a digest pull
--- http_config eval: $::zone
--- location
        schema_conversion_cache one;
        proxy_intercept_errors on;
        error_page 404 = @page;
--- server
    location @page {
        return 410 "gone\n";
    }
--- request
GET /v2/team/app/manifests/1
--- after
my $answer = ask("/v2/team/app/manifests/$digest");
is($answer->{status}, 410, 'status');
is($answer->{body}, "gone\n", 'body');



=== TEST 17: a child that passed is the registry's by digest
--- http_config eval: $::zone
--- location eval: $::on
--- more_headers eval
"Accept: $::app->{type}"
--- request
GET /v2/team/list/manifests/1
--- response_body eval
$::child->{body}
--- after
my $answer = ask("/v2/team/list/manifests/$digest", Accept => $::app->{type});
is($answer->{body}, $body, 'body');
is(scalar(grep { /$digest/ } map { $_->{uri} } asked()), 2, 'registry\'s own');



=== TEST 18: the conversion of a list can be pulled by digest
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/list/manifests/1
--- after
my $answer = ask("/v2/team/list/manifests/$digest");
is($answer->{body}, $body, 'body');
is((map { $_->{uri} } asked())[-1],
   "/v2/team/list/manifests/$::list->{digest}", 'the list was asked for');



=== TEST 19: a digest pull forwards the query string
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
is(ask("/v2/team/app/manifests/$digest?account=me")->{body}, $body, 'body');
like((map { $_->{uri} } asked())[-1], qr/\?account=me$/, 'query');



=== TEST 20: a digest pull is logged
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
ask("/v2/team/app/manifests/$digest");
ask("/v2/team/other/manifests/$digest");
--- schema1_log eval
"CONVERTED $::app->{type} $::app->{digest} * -
DIGEST $::app->{type} $::app->{digest} * -
- - - - -"



=== TEST 21: a digest of the registry passes
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
"GET /v2/team/app/manifests/$::app->{digest}"
--- response_body eval
$::app->{body}
--- asked eval
"GET /v2/team/app/manifests/$::app->{digest}"



=== TEST 22: send_timeout does not apply to a slow source
--- http_config eval: $::zone
--- location
        schema_conversion_cache one;
        send_timeout 100ms;
--- request
GET /v2/team/app/manifests/1
--- after
my $path = "/v2/team/app/manifests/$digest";
my @answers = together(map { [$path] } 1 .. 5);
is(scalar(grep { $_->{body} eq $body } @answers), 5, 'all answered');



=== TEST 23: the newest of two sources is requested
--- http_config eval: $::moves
--- config eval: $::moved
--- request eval
["GET /v2/two/app/manifests/1",
 "GET /v2/two/app/manifests/1?moved=$::newer->{digest}"]
--- same: a b
--- after
if ($n == 1) {
    my $answer = ask("/v2/two/app/manifests/$digest");
    is($answer->{status}, 200, 'status');
    is($answer->{body}, $body, 'the newest');
    my @uris = map { $_->{uri} } asked();
    is($uris[-1], "/v2/two/app/manifests/$::newer->{digest}", 'its source');
    is($uris[-2], "/v2/two/app/manifests/$digest", 'no other source');
}



=== TEST 24: another source is requested if the newest no longer exists
--- http_config eval: $::moves
--- config eval: $::moved
--- request eval
["GET /v2/two/app/manifests/1?moved=$::newer->{digest}",
 "GET /v2/two/app/manifests/1"]
--- same: a b
--- after
if ($n == 1) {
    for my $method ('GET', 'HEAD') {
        my $answer = ask("/v2/two/app/manifests/$digest",
                         '' => { method => $method });
        is($answer->{status}, 200, 'status');
        my @uris = map { $_->{uri} } asked();
        is($uris[-2], "/v2/two/app/manifests/$::docker->{digest}", 'newest');
        is($uris[-1], "/v2/two/app/manifests/$::newer->{digest}", 'other');
    }
}
--- schema1_log eval
"CONVERTED $::newer->{type} $::newer->{digest} * -
CONVERTED $::docker->{type} $::docker->{digest} * -
DIGEST $::newer->{type} $::newer->{digest} * -
DIGEST $::newer->{type} $::newer->{digest} * -"



=== TEST 25: the same source is requested once
--- http_config eval: $::zone
--- location eval: $::on
--- request eval
["GET /v2/two/app/manifests/1", "GET /v2/two/app/manifests/1"]
--- more_headers eval
["", "Accept: application/json"]
--- same: a b
--- after
if ($n == 1) {
    is(ask("/v2/two/app/manifests/$digest")->{status}, 404, 'status');
    is(scalar(grep { $_->{uri} =~ m{/\Q$::docker->{digest}\E$} } asked()), 1,
       'one request');
}



=== TEST 26: a digest is found after its oldest source was evicted
--- http_config eval
"schema_conversion_cache_zone one:64k;" . ($::moves =~ s/.*zone.*//r)
--- config eval: $::moved
--- request eval
["GET /v2/two/app/manifests/1",
 (map { "GET /v2/big/n$_/manifests/1" } 1 .. 3),
 "GET /v2/two/app/manifests/1?moved=$::newer->{digest}",
 (map { "GET /v2/big/n$_/manifests/1" } 4 .. 6)]
--- same: a b c d e f g h
--- after
if ($n == 0) {
    ($::first) = $digest;

} elsif ($n == 7) {
    is(ask("/v2/two/app/manifests/$::first")->{status}, 200, 'status');
    my @uris = map { $_->{uri} } asked();
    is($uris[-1], "/v2/two/app/manifests/$::newer->{digest}", 'its source');
    is($uris[-2], "/v2/two/app/manifests/$::first", 'no other source');
}



=== TEST 27: a child that passed and is gone stays unknown
--- http_config eval: $::zone
--- location eval: $::on
--- more_headers eval
"Accept: $::app->{type}"
--- request
GET /v2/once/list/manifests/1
--- response_body eval
$::passed->{body}
--- after
is(ask("/v2/once/list/manifests/$digest", Accept => $::app->{type})->{status},
   404, 'status');



=== TEST 28: a digest whose source is missing keeps the type of its 404
--- http_config eval: $::zone
--- location eval: $::on
--- request
GET /v2/page/app/manifests/1
--- after
my $answer = ask("/v2/page/app/manifests/$digest");
is($answer->{status}, 404, 'status');
is($answer->{body}, 'a page', 'body');
is($answer->{header}{'content-type'}, 'text/html', 'type');



=== TEST 29: at most eight sources are requested, each once
--- http_config eval: $::moves
--- config eval: $::moved
--- request eval
[(map { "GET /v2/nine/app/manifests/1?moved=t$_" } 1, 1, 1 .. 9)]
--- more_headers eval
['', 'Accept: application/json', ('') x 9]
--- after
if ($n == 3) {
    ::sources();
    ask("/v2/nine/app/manifests/$digest");
    is(join(' ', ::sources()), join(' ', $digest, map { $_->{digest} }
       @::nine[1, 0]), 'of three entries');

} elsif ($n == 10) {
    ::sources();
    is(ask("/v2/nine/app/manifests/$digest")->{status}, 404, 'status');
    is(join(' ', ::sources()), join(' ', $digest, map { $_->{digest} }
       reverse @::nine[1 .. 8]), 'of ten entries');
}



=== TEST 30: the newest 128 entries with a digest are examined
--- http_config eval: $::zone
--- config eval: $::blocks
--- request
GET /v2/team/app/manifests/1
--- after
ask("/v2/team/app/manifests/1?block=$_") for 1 .. 127;
is(ask("/v2/team/app/manifests/$digest")->{status}, 200, 'the 128th');
ask('/v2/team/app/manifests/1?block=128');
is(ask("/v2/team/app/manifests/$digest")->{status}, 404, 'the 129th');
is(ask("/v2/team/app/manifests/$digest?block=1")->{status}, 200, 'the 128th');



=== TEST 31: a digest is found after its newest source was evicted
--- http_config eval
"schema_conversion_cache_zone one:64k;" . ($::moves =~ s/.*zone.*//r)
--- config eval: $::moved
--- request eval
my $kept = "GET /v2/two/app/manifests/1?moved=$::newer->{digest}";
[$kept, "GET /v2/two/app/manifests/1", $kept,
 map { ("GET /v2/big/n$_/manifests/1", $kept) } 1 .. 5]
--- same: a b a c a d a e a f a g a
--- after
if ($n == 12) {
    ::sources();
    is(ask("/v2/two/app/manifests/$digest")->{status}, 200, 'status');
    is(join(' ', ::sources()), "$digest $::newer->{digest}", 'its source');
}



=== TEST 32: a digest whose entry was evicted is 404
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- request eval
["GET /v2/team/list/manifests/1", "GET /v2/team/app/manifests/1",
 map { "GET /v2/big/n$_/manifests/1" } 1 .. 6]
--- more_headers eval
["Accept: $::app->{type}", ('') x 7]
--- after
if ($n == 1) {
    ($::first) = $digest;

} elsif ($n == 7) {
    ::sources();
    is(ask("/v2/team/app/manifests/$::first")->{status}, 404, 'status');
    is(join(' ', ::sources()), $::first, 'no source was requested');
}



=== TEST 33: an entry that is pulled by digest is not evicted
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
for my $i (1 .. 6) {
    is(ask("/v2/team/app/manifests/$digest")->{status}, 200, "pull $i");
    ask("/v2/big/n$i/manifests/1");
}



=== TEST 34: a pull by digest does not depend on its entry
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- request
GET /v2/held/app/manifests/1
--- after
my $path = "/v2/held/app/manifests/$digest";
my $pull = start($path);
until_asked(qr/$::held->{digest}/);
ask("/v2/fill/n$_/manifests/1") for 10 .. 39;
Schema1::Keys::put($::release, '');
my $answer = finish($pull);
is($answer->{status}, 200, 'status');
is($answer->{header}{'docker-content-digest'}, $digest, 'digest');
is($answer->{body}, $body, 'body');
is(ask($path)->{status}, 404, 'the entry was evicted');



=== TEST 35: equal pulls by digest
--- freed
--- http_config
    schema_conversion_cache_zone freed:1m;
--- location
        schema_conversion_cache freed;
--- request
GET /v2/team/app/manifests/1
--- after
is(join(' ', map { ask("/v2/team/app/manifests/$digest")->{status} } 1 .. 10),
   join(' ', (200) x 10), 'all succeed');



=== TEST 36: another source is requested for HEAD, unbuffered
--- http_config eval: $::moves
--- config eval
$::moved =~ s/(?=proxy_pass)/proxy_buffering off; /r
--- request eval
["GET /v2/two/app/manifests/1?moved=$::newer->{digest}",
 "GET /v2/two/app/manifests/1"]
--- after
if ($n == 1) {
    is(ask("/v2/two/app/manifests/$digest",
           '' => { method => 'HEAD' })->{status}, 200, 'status');
}
