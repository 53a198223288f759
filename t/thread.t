# Copyright (C) the ngx_http_schema1_module authors

# Reading, converting and signing outside the event loop.

use Schema1;
use Schema1::Client;
use Schema1::Refused;

# one that can be reloaded
master_on();
workers(1);

plan tests => repeat_each() * 91;

our $app = image('team/app:1');
our $oci = image('team/oci:1', format => 'oci', strict => 0);
our $list = list('team/list:1', strict => 0, entries => [
    our $child = image('team/list')]);
our $arm = list('team/arm:1', entries => [
    image('team/arm', platform => 'linux/arm64')]);
image('bad/json:1', config => '{"a":');
our $schema1 = document('team/old:1', type_of('docker', 'schema1'),
                        '{"schemaVersion":1}');
our $plain = document('team/plain:1', 'application/json', '{"a":"b"}');
answer('/v2/team/plain/manifests/1', type => 'application/json');

# half a second's work and more
our $huge = image('huge/app:1', config => { x => ['y' x 10] x 200_000 });
image('slow/app:1');
answer(qr{^GET /v2/slow/app/blobs/}, delay => 0.3);
image('stall/app:1');
answer('GET /v2/stall/app/manifests/1', stall => 5);

our $main = '
    thread_pool one threads=2;
';

our $on = '
        schema_conversion_thread_pool one;
';

our $zone = '
    schema_conversion_cache_zone one:8m;
';

run_tests();

__DATA__

=== TEST 1: threads: schema 1
--- main_config eval: $::main
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES256



=== TEST 2: threads: HEAD
--- main_config eval: $::main
--- location eval: $::on
--- request
HEAD /v2/team/app/manifests/1
--- response_body
--- response_headers
Content-Type: application/vnd.docker.distribution.manifest.v1+prettyjws



=== TEST 3: threads: schema 2 converted from OCI
--- main_config eval: $::main
--- location eval: $::on
--- more_headers eval
"Accept: application/json, $::app->{type}"
--- request
GET /v2/team/oci/manifests/1
--- response_headers eval
"Content-Type: $::app->{type}"



=== TEST 4: threads: a child that passes
--- main_config eval: $::main
--- location eval: $::on
--- more_headers eval
"Accept: $::app->{type}"
--- request
GET /v2/team/list/manifests/1
--- response_body eval
$::child->{body}



=== TEST 5: threads: a child that is converted
--- main_config eval: $::main
--- location eval: $::on
--- request
GET /v2/team/list/manifests/1
--- schema1
team/list:1 2 layers ES256



=== TEST 6: threads: a document that passes
--- main_config eval: $::main
--- location eval: $::on
--- request eval
["GET /v2/team/old/manifests/1", "GET /v2/team/plain/manifests/1"]
--- response_body eval
[$::schema1->{body}, $::plain->{body}]



=== TEST 7: threads: no match in a list
--- main_config eval: $::main
--- location eval: $::on
--- request
GET /v2/team/arm/manifests/1
--- refused
404 MANIFEST_UNKNOWN no_platform team/arm:1
platform: linux/amd64



=== TEST 8: threads: a config that is stored broken
--- main_config eval: $::main
--- location eval: $::on
--- request
GET /v2/bad/json/manifests/1
--- refused
400 MANIFEST_INVALID invalid_config bad/json:1



=== TEST 9: threads: a cache hit
--- main_config eval: $::main
--- http_config eval: $::zone
--- location
        schema_conversion_thread_pool one;
        schema_conversion_cache one;
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- same: a a
--- after
is(ask("/v2/team/app/manifests/$digest")->{body}, $body, 'by digest');



=== TEST 10: threads: many requests at once
--- main_config eval: $::main
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- after
my @answers = together(map { ['/v2/team/app/manifests/1'] } 1 .. 10);
is(scalar(grep { $_->{status} == 200 } @answers), 10, 'answered');
is(scalar(grep { eval { check_schema1($_->{body}, 'team/app', 1, 2) } }
          @answers), 10, 'right');



=== TEST 11: threads: pipelined requests
--- main_config eval: $::main
--- location eval: $::on
--- pipelined_requests eval
["GET /v2/team/app/manifests/1", "GET /v2/team/list/manifests/1",
 "GET /v2/team/app/manifests/1"]
--- schema1 eval
["team/app:1 2 layers", "team/list:1 2 layers", "team/app:1 2 layers"]



=== TEST 12: threads: send_timeout does not apply
--- main_config eval: $::main
--- location
        schema_conversion_thread_pool one;
        schema_conversion_max_size 16m;
        send_timeout 50ms;
--- request
GET /v2/
--- response_body: {}
--- timeout: 10
--- after
is(ask('/v2/huge/app/manifests/1')->{status}, 200, 'answered');



=== TEST 13: threads: clients close at any time
--- main_config eval: $::main
--- location
        schema_conversion_thread_pool one;
        schema_conversion_max_size 16m;
--- request
GET /v2/
--- response_body: {}
--- timeout: 10
--- no_error_log
[alert]
--- after
abort('/v2/huge/app/manifests/1', $_) for 0, 0.05, 0.1, 0.2, 0.3;
abort('/v2/slow/app/manifests/1', $_) for 0, 0.1, 0.2, 0.29, 0.3, 0.31;
is(ask('/v2/team/app/manifests/1')->{status}, 200, 'alive');



=== TEST 14: threads: a full queue
--- main_config
    thread_pool one threads=1 max_queue=1;
--- location
        schema_conversion_thread_pool one;
        schema_conversion_max_size 16m;
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- error_log
the thread pool's queue is full, converting in the event loop
--- after
my (@answers, $before, $seen);
$before = $seen = error_lines(qr/queue is full/);

# one is converted for long, one waits in the queue
for (1 .. 10) {
    my @huge = map { start('/v2/huge/app/manifests/1') } 1 .. 6;

    push @answers, map { finish($_) } @huge;
    $seen = error_lines(qr/queue is full/);
    last if $seen > $before;
}

ok($seen > $before, 'said so');
is(scalar(grep { $_->{status} != 200 } @answers), 0, 'all answered');



=== TEST 15: threads: "off" in a location
--- main_config eval: $::main
--- http_config
    schema_conversion_thread_pool one;
--- location
        schema_conversion_thread_pool off;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES256
--- no_error_log
schema1 task complete
[error]



=== TEST 16: threads: the pool's threads are used
--- requires: 4: debug
--- main_config eval: $::main
--- location eval: $::on
--- log_level: debug
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES256
--- error_log
task #
schema1 task complete



=== TEST 17: threads: a reload during a conversion
--- main_config eval: $::main
--- location
        schema_conversion_thread_pool one;
        schema_conversion_max_size 16m;
--- request
GET /v2/
--- response_body: {}
--- timeout: 10
--- after
my $slow = start('/v2/huge/app/manifests/1');
Time::HiRes::sleep(0.1);
kill 'HUP', (processes())[0];
is(finish($slow)->{status}, 200, 'answered');



=== TEST 18: variables of a request that ends with its worker
--- main_config
    worker_shutdown_timeout 300ms;
--- request
GET /v2/
--- after
my $slow = start('/v2/stall/app/manifests/1');
Time::HiRes::sleep(0.3);
reload();
is(finish($slow)->{raw}, '', 'nothing is sent');
--- schema1_log eval
"- - - - -
PASS $::app->{type} - - -"
--- no_error_log
[alert]



=== TEST 19: threads: an error for HEAD is logged once
--- main_config eval: $::main
--- location eval: $::on
--- request
GET /v2/
--- response_body: {}
--- no_error_log
[alert]
--- after
my $before = error_lines(qr/no manifest for/);
is(ask('/v2/team/arm/manifests/1', '', { method => 'HEAD' })->{status}, 404,
   'refused');
is(error_lines(qr/no manifest for/) - $before, 1, 'lines of the log');
