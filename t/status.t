# Copyright (C) the ngx_http_schema1_module authors

# The status location.

use Schema1;
use Schema1::Client;
use Schema1::Prometheus qw(tools check_metrics);

# counters outlive a request
repeat_each(1);

# a master process, for the reload
master_on();
workers(1);

plan tests => repeat_each() * 167;

our $app = image('team/app:1');
our $list = list('team/list:1', strict => 0, entries => [
    our $child = image('team/list')]);
list('team/arm:1', entries => [image('team/arm', platform => 'linux/arm64')]);
image("big/n$_:1", config => { x => 'y' x 9000 . $_ }) for 1 .. 8;
list("small/n$_:1", strict => 0, entries => [
    image("small/n$_", layers => 1, manifest => { x => 'y' x 400 })])
    for 1 .. 20;
image('down/app:1');
answer(qr{^GET /v2/down/app/blobs/}, status => 500);

image('work/app:1', config => { x => ['y' x 10] x 100_000 });

our $long = image('team/long:1', layers => 1, history => [
    {}, map { { empty_layer => JSON::PP::true } } 1 .. 127]);
our $lost = image('lost/long:1', layers => 1, history => [
    {}, map { { empty_layer => JSON::PP::true } } 1 .. 127]);
answer("GET /v2/lost/long/manifests/$lost->{digest}", status => 404);
our $short = image('team/short:1', layers => 1, history => [
    {}, map { { empty_layer => JSON::PP::true } } 1 .. 126]);

our $modern = join ', ', map { (type_of($_, 'manifest'), type_of($_, 'list')) }
                         qw(docker oci);

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

# the counters, from JSON
sub counters
{
    return JSON::PP::decode_json(ask('/status')->{body});
}

# the samples of the Prometheus text
sub samples
{
    return ask('/status?format=prometheus')->{body}
           =~ /^([^#\s]\S*) (\S+)$/mg;
}

# one test
sub promtool_ok
{
    my ($text, $title) = @_;

    SKIP: {
        Test::More::skip("promtool check metrics: $Schema1::Prometheus::why", 1)
            unless tools();

        is(check_metrics($text), '', $title);
    }
}

run_tests();
__DATA__

=== TEST 1: the status is JSON by default
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
   'caches conversion_microseconds long_histories outcomes reasons version',
   'members');
is(join(' ', sort keys %{$json->{outcomes}}),
   'CHILD CONVERTED DIGEST EMPTY_LAYER ERROR HIT PASS UNCONVERTIBLE',
   'outcomes');
is(join(' ', sort keys %{$json->{reasons}}), join(' ', sort qw(
    no_platform manifest_not_found foreign_layer encrypted_layer layer_compression
    not_an_image not_taken invalid_manifest invalid_config config_not_found
    truncated encoded unproven upstream_failed digest_mismatch size_mismatch
    digest_unsupported redirected timed_out too_large too_many denied
    bad_platform signing_failed no_memory)),
   'reasons');
is(join(' ', sort keys %{$json->{caches}}), 'one two', 'caches');
is(join(' ', sort keys %{$json->{caches}{one}}),
   'bytes entries evictions hits misses size', 'members of a zone');
is($json->{caches}{one}{size}, 1024 * 1024, 'size of a zone');
is(ask('/status')->{header}{'content-length'}, length $body, 'length');



=== TEST 2: the status can be Prometheus text
--- http_config eval: $::http
--- location eval: $::on
--- server eval: $::status
--- request
GET /status?format=prometheus
--- response_headers
Content-Type: text/plain; version=0.0.4
--- response_body_like eval
qr/\A(# HELP schema_conversion_\w+ [^\n]+\n# TYPE schema_conversion_\w+ (counter|gauge)\n(schema_conversion_\w+(\{\w+="[\w.]+"\})? \d+(\.\d{6})?\n)+)+\z/
--- after
promtool_ok($body, 'promtool check metrics accepts the text');
is({ samples() }->{'schema_conversion_cache_size_bytes{zone="one"}'},
   1024 * 1024, 'size of a zone');
like($body, qr/^schema_conversion_build_info\{version="\d+\.\d+\.\d+"\} 1$/m,
     'version');



=== TEST 3: JSON is sent for an unknown format
--- http_config eval: $::http
--- server eval: $::status
--- request eval
["GET /status?format=xml", "GET /status?format=prometheuz"]
--- response_headers eval
[("Content-Type: application/json") x 2]
--- response_body_like eval
[('^\{"version"') x 2]



=== TEST 4: HEAD has the length of GET and no body
--- http_config eval: $::http
--- server eval: $::status
--- request eval
["HEAD /status", "HEAD /status?format=prometheus"]
--- response_body eval
["", ""]
--- response_headers_like eval
["Content-Type: application/json\nContent-Length: \\d{2,}",
 "Content-Type: text/plain; version=0.0.4\nContent-Length: \\d{2,}"]
--- after
my $path = $n ? '/status?format=prometheus' : '/status';
is(ask($path, '' => { method => 'HEAD' })->{header}{'content-length'},
   length ask($path)->{body}, 'length');



=== TEST 5: other methods are not allowed
--- server eval: $::status
--- request eval
["POST /status\nx", "PUT /status\nx", "DELETE /status"]
--- error_code eval
[405, 405, 405]



=== TEST 6: no zones in the counters without a cache zone
--- server eval: $::status
--- request eval
["GET /status", "GET /status?format=prometheus"]
--- response_body_like eval
['"caches":\{\}', '^(?!.*cache)']



=== TEST 7: all counters are zero before the first request
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
    is($json->{caches}{one}{hits}, 3, 'hits');
    ok($json->{caches}{one}{misses} >= 2, 'misses');
    is($json->{caches}{two}{entries}, 0, 'of the other');
    ok($json->{conversion_microseconds} > 0
       && $json->{conversion_microseconds} < 1e6 * (Time::HiRes::time() - $^T),
       'time') or diag($json->{conversion_microseconds});

    my %sample = samples();
    is($sample{'schema_conversion_requests_total{outcome="HIT"}'}, 2,
       'outcome');
    is($sample{'schema_conversion_failures_total{reason="no_platform"}'}, 1,
       'reason');
    is($sample{'schema_conversion_cache_entries{zone="one"}'}, 2, 'entries');
    is($sample{'schema_conversion_cache_bytes{zone="one"}'},
       $json->{caches}{one}{bytes}, 'bytes');
    is(sprintf('%.0f', $sample{schema_conversion_seconds_total} * 1e6),
       $json->{conversion_microseconds}, 'time');
    promtool_ok(ask('/status?format=prometheus')->{body},
                'promtool check metrics accepts the text');
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



=== TEST 10: counters are kept over a reload
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



=== TEST 11: requests in a location without conversion are not counted
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



=== TEST 12: quotes, backslashes and UTF-8 in the name of a zone are escaped
--- http_config eval
"schema_conversion_cache_zone 'a\"b\\\\c:1m';
 schema_conversion_cache_zone caf\xc3\xa9:1m;"
--- server eval: $::status
--- request
GET /status?format=prometheus
--- after
promtool_ok($body, 'promtool check metrics accepts the text');
is({ samples() }->{'schema_conversion_cache_entries{zone="a\"b\\\\c"}'}, 0,
   'Prometheus text');
is(join(' ', sort keys %{counters()->{caches}}), "a\"b\\c caf\x{e9}", 'JSON');



=== TEST 13: schema 1 manifests with more than 127 history entries are counted
--- http_config eval: $::http
--- location eval: $::on
--- server eval: $::status
--- request eval
["GET /v2/team/short/manifests/1", "GET /v2/team/long/manifests/1",
 "GET /v2/team/long/manifests/1", "HEAD /v2/team/long/manifests/1",
 "GET /v2/team/long/manifests/1"]
--- more_headers eval
["", "", "", "", "Accept: $::long->{type}"]
--- after
if ($n == 4) {
    is(counters()->{long_histories}, 3, 'JSON');
    is({ samples() }->{schema_conversion_long_histories_total}, 3,
       'Prometheus text');
}



=== TEST 14: HEAD counts one lookup in the cache
--- http_config eval: $::http
--- location eval: $::on
--- server eval: $::status
--- request eval
["HEAD /v2/team/app/manifests/1", "HEAD /v2/team/app/manifests/1"]
--- after
my $cache = counters()->{caches}{one};
is("$cache->{misses} $cache->{hits}", "1 $n", 'misses and hits');



=== TEST 15: the time of conversions is within the time that has passed
--- http_config eval: $::http
--- server eval: $::status
--- request
GET /v2/
--- timeout: 20
--- after
my $start = Time::HiRes::time();
ask('/v2/work/app/manifests/1') for 1 .. 4;
my $passed = Time::HiRes::time() - $start;
my $time = counters()->{conversion_microseconds} / 1e6;
ok($time > 0.001 && $time <= $passed, 'time') or diag("$time of $passed");



=== TEST 16: a pull by digest counts a hit if there is an entry
--- http_config eval: $::http
--- location eval: $::on
--- server eval: $::status
--- request
GET /v2/team/app/manifests/1
--- after
ask("/v2/team/app/manifests/$digest") for 1 .. 2;
is(ask('/v2/team/app/manifests/sha256:' . 'ab' x 32)->{status}, 404, 'unknown');
my $cache = counters()->{caches}{one};
is("$cache->{misses} $cache->{hits}", '1 2', 'misses and hits');



=== TEST 17: a pull by digest whose source is missing counts no long history
--- http_config eval: $::http
--- location eval: $::on
--- server eval: $::status
--- request
GET /v2/lost/long/manifests/1
--- after
is(ask("/v2/lost/long/manifests/$digest")->{status}, 404, 'status');
my $json = counters();
is($json->{long_histories}, 1, 'long histories');
is($json->{outcomes}{DIGEST}, 0, 'outcome');



=== TEST 18: subrequests are not counted with log_subrequest
--- http_config eval: $::http
--- location eval
"$::on log_subrequest on;"
--- server eval: $::status
--- request
HEAD /v2/team/app/manifests/1
--- after
my $outcomes = counters()->{outcomes};
is(join(' ', map { "$_ $outcomes->{$_}" } grep { $outcomes->{$_} }
             keys %$outcomes), 'CONVERTED 1', 'outcomes');



=== TEST 19: several locations have the same counters
--- http_config eval: $::http
--- location eval: $::on
--- server
    location = /status {
        schema_conversion_status;
    }
    location = /metrics {
        schema_conversion_status;
    }
--- request
GET /v2/team/app/manifests/1
--- after
is(ask('/metrics')->{body}, ask('/status')->{body}, 'the same');
is(counters()->{outcomes}{CONVERTED}, 1, 'outcome');



=== TEST 20: modern clients and errors of nginx are counted
--- http_config eval: $::http
--- location eval: $::on
--- server
    location = /status {
        schema_conversion_status;
    }
    location /v2/secret/ {
        schema_conversion on;
        deny all;
    }
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/secret/app/manifests/1"]
--- more_headers eval
["Accept: $::modern", '']
--- error_code eval
[200, 403]
--- no_error_log
[alert]
--- after
is(counters()->{outcomes}{PASS}, $n + 1, 'outcome');



=== TEST 21: a subrequest that ends after the conversion is not counted
--- requires: 4: http_addition_module
--- http_config eval: $::http
--- location eval
"$::on add_after_body /tail; addition_types *;"
--- server
    location = /tail {
        log_subrequest on;
        return 200 "the tail";
    }
    location = /status {
        schema_conversion_status;
    }
--- request
GET /v2/team/app/manifests/1
--- response_body_like: the tail
--- after
my $outcomes = counters()->{outcomes};
is(join(' ', map { "$_ $outcomes->{$_}" } grep { $outcomes->{$_} }
             keys %$outcomes), 'CONVERTED 1', 'outcomes');



=== TEST 22: two small entries share a page
--- http_config
    schema_conversion_cache_zone one:64k;
--- location eval: $::on
--- server eval: $::status
--- request
GET /v2/
--- response_body: {}
--- after
ask("/v2/small/n$_/manifests/1", Accept => $::app->{type}) for 1 .. 20;
my $cache = counters()->{caches}{one};
is("$cache->{entries} $cache->{evictions}", '20 0', 'entries and evictions');
