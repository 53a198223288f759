# Copyright (C) the ngx_http_schema1_module authors

# The location that counts.

use Schema1;
use Schema1::Client;

# counters outlive a request
repeat_each(1);

# one that can be told to reload
master_on();
workers(1);

plan tests => repeat_each() * 94;

our $app = image('team/app:1');
our $list = list('team/list:1', strict => 0, entries => [
    our $child = image('team/list')]);
list('team/arm:1', entries => [image('team/arm', platform => 'linux/arm64')]);
image("big/n$_:1", config => { x => 'y' x 9000 . $_ }) for 1 .. 8;
image('down/app:1');
answer(qr{^GET /v2/down/app/blobs/}, status => 500);

our $http = '
    schema_conversion_cache_zone one:1m;
    schema_conversion_cache_zone two:1m;
';

our $on = '
        schema_conversion_cache one;
';

our $status = '
    location = /status {
        schema_conversion_status;
    }
';

# what the location says, as data
sub counters
{
    return JSON::PP::decode_json(ask('/status')->{body});
}

# the samples of Prometheus's text
sub samples
{
    return ask('/status?format=prometheus')->{body}
           =~ /^([^#\s]\S*) (\S+)$/mg;
}

run_tests();

__DATA__

=== TEST 1: JSON
--- http_config eval: $::http
--- location eval: $::on
--- server eval: $::status
--- request
GET /status
--- response_headers
Content-Type: application/json
--- after
my $json = JSON::PP::decode_json($body);
is(join(' ', sort keys %$json),
   'caches conversion_microseconds outcomes reasons version', 'members');
is(join(' ', sort keys %{$json->{outcomes}}),
   'CHILD CONVERTED DIGEST EMPTY_LAYER ERROR HIT PASS UNCONVERTIBLE',
   'outcomes');
is(join(' ', sort keys %{$json->{caches}}), 'one two', 'caches');
is(join(' ', sort keys %{$json->{caches}{one}}),
   'bytes entries evictions hits misses', 'of a cache');
is(ask('/status')->{header}{'content-length'}, length $body, 'length');



=== TEST 2: Prometheus text
--- http_config eval: $::http
--- location eval: $::on
--- server eval: $::status
--- request
GET /status?format=prometheus
--- response_headers
Content-Type: text/plain; version=0.0.4
--- response_body_like eval
qr/\A(# HELP schema_conversion_\w+ [^\n]+\n# TYPE schema_conversion_\w+ (counter|gauge)\n(schema_conversion_\w+(\{\w+="\w+"\})? \d+\n)+)+\z/



=== TEST 3: another format is JSON
--- http_config eval: $::http
--- server eval: $::status
--- request
GET /status?format=xml
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"version"



=== TEST 4: HEAD
--- server eval: $::status
--- request
HEAD /status
--- response_body
--- response_headers_like
Content-Type: application/json
Content-Length: \d{2,}



=== TEST 5: no other method
--- server eval: $::status
--- request eval
["POST /status\nx", "PUT /status\nx", "DELETE /status"]
--- error_code eval
[405, 405, 405]



=== TEST 6: without a cache
--- server eval: $::status
--- request eval
["GET /status", "GET /status?format=prometheus"]
--- response_body_like eval
['"caches":\{\}', '^(?!.*cache)']



=== TEST 7: nothing has happened
--- http_config eval: $::http
--- server eval: $::status
--- request
GET /status
--- after
my $json = JSON::PP::decode_json($body);
is(eval { my $n = 0; $n += $_ for values %{$json->{outcomes}},
          values %{$json->{reasons}}; $n }, 0, 'zero');



=== TEST 8: each outcome is counted
--- http_config eval: $::http
--- location eval: $::on
--- server eval: $::status
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1",
 "GET /v2/team/app/manifests/1", "GET /v2/team/app/blobs/" . ::EMPTY_LAYER,
 "GET /v2/team/app/manifests/9", "GET /v2/team/list/manifests/1",
 "GET /v2/team/arm/manifests/1", "GET /v2/down/app/manifests/1", "GET /v2/"]
--- more_headers eval
["", "", "", "", "", "Accept: $::app->{type}", "", "", ""]
--- error_code eval
[200, 200, 200, 200, 404, 200, 404, 502, 200]
--- no_error_log
[alert]
--- after
if ($n == 0) {
    ask("/v2/team/app/manifests/$digest");

} elsif ($n == 8) {
    my $json = counters();
    is_deeply($json->{outcomes}, { PASS => 1, CONVERTED => 1, HIT => 2,
              CHILD => 1, EMPTY_LAYER => 1, DIGEST => 1, UNCONVERTIBLE => 1,
              ERROR => 1 }, 'outcomes');
    is_deeply({ map { $_ => $json->{reasons}{$_} }
                grep { $json->{reasons}{$_} } keys %{$json->{reasons}} },
              { no_platform => 1, upstream_failed => 1 }, 'reasons');
    is($json->{caches}{one}{entries}, 2, 'entries');
    ok($json->{caches}{one}{bytes} > 1000, 'bytes');
    ok($json->{caches}{one}{hits} >= 2, 'hits');
    ok($json->{caches}{one}{misses} >= 2, 'misses');
    is($json->{caches}{two}{entries}, 0, 'of the other');
    ok($json->{conversion_microseconds} > 0, 'time');

    my %sample = samples();
    is($sample{'schema_conversion_requests_total{outcome="HIT"}'}, 2,
       'outcome');
    is($sample{'schema_conversion_failures_total{reason="no_platform"}'}, 1,
       'reason');
    is($sample{'schema_conversion_cache_entries{zone="one"}'}, 2, 'entries');
    is($sample{'schema_conversion_cache_bytes{zone="one"}'},
       $json->{caches}{one}{bytes}, 'bytes');
    is($sample{'schema_conversion_microseconds_total'},
       $json->{conversion_microseconds}, 'time');
}



=== TEST 9: evictions are counted
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- server eval: $::status
--- request eval
[map { "GET /v2/big/n$_/manifests/1" } 1 .. 8]
--- after
if ($n == 7) {
    my $cache = counters()->{caches}{one};
    ok($cache->{evictions} >= 3, 'evictions');
    is($cache->{entries} + $cache->{evictions}, 8, 'entries');
    ok($cache->{bytes} < 65536, 'bytes');
    is($cache->{misses}, 8, 'misses');
}



=== TEST 10: kept over a reload
--- http_config eval: $::http
--- location eval: $::on
--- server eval: $::status
--- request
GET /v2/team/app/manifests/1
--- after
ask('/v2/team/app/manifests/1');
my $before = counters();
reload();
is_deeply(counters(), $before, 'the same');
ask('/v2/team/app/manifests/1');
is(counters()->{outcomes}{HIT}, 2, 'counted on');



=== TEST 11: not of a location with "off"
--- config
    location /v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location = /status {
        schema_conversion_status;
    }
--- request
GET /v2/team/app/manifests/1
--- after
is(counters()->{outcomes}{PASS}, 0, 'not counted');
