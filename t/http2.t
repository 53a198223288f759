# Copyright (C) the ngx_http_schema1_module authors

# Clients of HTTP/2 that break off single streams, or all of them, at each stage
# of a pull, in place and while a thread converts.

use Schema1;
use Schema1::Client;
use Schema1::Streams;

my $reason = missing('h2');
plan skip_all => $reason if $reason;

# the time passes that it takes
repeat_each(1);

# one that can be reloaded
master_on();
workers(1);
worker_connections(1024);

plan tests => repeat_each() * 352;

documents('h2');

our $main = '
    thread_pool one threads=2;
';

my $pool = 'schema_conversion_thread_pool one;';

our $in_place = server('');
our $threaded = server($pool);
our $unbuffered = server("$pool proxy_buffering off;");
our $revalidated = 'schema_conversion_cache_zone one:8m;'
                   . server('schema_conversion_cache one revalidate=head;');
our $cached = 'proxy_cache_path logs/proxy keys_zone=proxied:1m;'
              . server('proxy_cache proxied; proxy_cache_key $uri;
                        proxy_cache_valid 200 1m; send_timeout 300ms;');

run_tests();

__DATA__

=== TEST 1: HTTP/2: plain requests
--- main_config eval: $::main
--- http_config eval: $::in_place
--- request
GET /v2/
--- after
my (undef, $worker) = processes();
ordinary();
settled($worker);



=== TEST 2: HTTP/2: many streams
--- main_config eval: $::main
--- http_config eval: $::in_place
--- request
GET /v2/
--- after
my (undef, $worker) = processes();
many();
settled($worker);



=== TEST 3: HTTP/2: many streams with threads
--- main_config eval: $::main
--- http_config eval: $::threaded
--- request
GET /v2/
--- after
my (undef, $worker) = processes();
ordinary();
many();
settled($worker);



=== TEST 4: HTTP/2: a stream is reset
--- main_config eval: $::main
--- http_config eval: $::in_place
--- request
GET /v2/
--- after
my (undef, $worker) = processes();
reset_each('reset');
settled($worker);



=== TEST 5: HTTP/2: a stream is reset with threads
--- main_config eval: $::main
--- http_config eval: $::threaded
--- request
GET /v2/
--- after
my (undef, $worker) = processes();
reset_each('reset');
settled($worker);



=== TEST 6: HTTP/2: the connection is closed
--- main_config eval: $::main
--- http_config eval: $::in_place
--- request
GET /v2/
--- after
my (undef, $worker) = processes();
end_each('close');
settled($worker);



=== TEST 7: HTTP/2: the connection is closed with threads
--- main_config eval: $::main
--- http_config eval: $::threaded
--- request
GET /v2/
--- after
my (undef, $worker) = processes();
end_each('close');
settled($worker);



=== TEST 8: HTTP/2: the client disappears with threads
--- main_config eval: $::main
--- http_config eval: $::threaded
--- request
GET /v2/
--- after
my (undef, $worker) = processes();
end_each('vanish');
settled($worker);



=== TEST 9: HTTP/2: an unbuffered response
--- main_config eval: $::main
--- http_config eval: $::unbuffered
--- request
GET /v2/
--- after
my (undef, $worker) = processes();
reset_each('reset');
end_each('close');
settled($worker);



=== TEST 10: HTTP/2: requests without an end
--- main_config eval: $::main
--- http_config eval: $::threaded
--- request
GET /v2/
--- no_error_log
[alert]
--- after
my (undef, $worker) = processes();
unended();
settled($worker);



=== TEST 11: HTTP/2: a HEAD before a GET
--- main_config eval: $::main
--- http_config eval: $::revalidated
--- request
GET /v2/
--- after
my (undef, $worker) = processes();
for (1, 2) {
    ordinary();
    many();
}
settled($worker);



=== TEST 12: HTTP/2: a client that stops reading what nginx has cached
--- main_config eval: $::main
--- http_config eval: $::cached
--- request
GET /v2/
--- after
my $path = '/v2/large/app/manifests/1';
my $said = streams(['connect'],
    [ask => 'whole', $path], [until => 'whole', 'end'],
    ['connect', 65536],
    [ask => 'cut', $path], [until => 'cut', 'end']);
ok($said->{whole}{end}, 'came');
is(length $said->{cut}{body}, 65536, 'began');
isnt($said->{cut}{reset}, undef, 'was cut off');
