# Copyright (C) the ngx_http_schema1_module authors

# Timers that are too long for a test: time passes 4,000 times as fast.

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);

BEGIN {
    my $lib = abs_path(dirname(__FILE__)) . '/lib';
    my $build = $ENV{BUILD} || dirname(__FILE__) . '/../build';
    my $cc = $ENV{CC} || 'cc';

    # they have clocks of their own
    if (!$ENV{SCHEMA1_VALGRIND} && !$ENV{SCHEMA1_SANITIZED}) {
        make_path($build);

        my $said = `$cc -O2 -fPIC -shared -o $build/clock.so $lib/clock.c 2>&1`;
        die "$cc: $said\n" if $?;

        $ENV{TEST_NGINX_LD_PRELOAD} = abs_path("$build/clock.so");
        $ENV{SCHEMA1_CLOCK} = 4000;
    }
}

use Schema1;
use Schema1::Client;

plan skip_all => 'a preloaded clock and this tool do not go together'
    if $ENV{SCHEMA1_VALGRIND} || $ENV{SCHEMA1_SANITIZED};

master_on();
workers(1);

plan tests => repeat_each() * 11;

# a moment's work, which is minutes for nginx
our $huge = image('huge/app:1', config => { x => ['y' x 10] x 1_000_000 });

run_tests();

__DATA__

=== TEST 1: a thread that takes minutes is logged, and waited for
--- main_config
thread_pool one threads=1;
env SCHEMA1_CLOCK;
--- http_config
    client_header_timeout 100h;
--- location
        schema_conversion_thread_pool one;
        schema_conversion_max_size 64m;
        proxy_read_timeout 100h;
        proxy_send_timeout 100h;
        proxy_connect_timeout 100h;
        send_timeout 100h;
        keepalive_timeout 100h;
--- request
HEAD /v2/huge/app/manifests/1
--- response_headers_like
Docker-Content-Digest: sha256:\w{64}
--- error_log
a thread takes long to convert
--- no_error_log
[error]
[alert]
--- after
cmp_ok(scalar(error_lines(qr/a thread takes long to convert/)), '>', 1,
       'each minute');
--- timeout: 60



=== TEST 2: the time of a conversion that takes minutes is counted
--- main_config
env SCHEMA1_CLOCK;
--- http_config
    client_header_timeout 100h;
--- location
        schema_conversion_max_size 64m;
        proxy_read_timeout 100h;
        proxy_send_timeout 100h;
        proxy_connect_timeout 100h;
        send_timeout 100h;
        keepalive_timeout 100h;
--- server
    location = /status {
        schema_conversion_status;
    }
--- request
HEAD /v2/huge/app/manifests/1
--- response_headers_like
Docker-Content-Digest: sha256:\w{64}
--- after
my $time = JSON::PP::decode_json(ask('/status')->{body})
           ->{conversion_microseconds};
cmp_ok($time, '>', 60e6, 'minutes');
cmp_ok($time, '<', 4000e6 * (Time::HiRes::time() - $^T), 'not more than passed');
--- timeout: 60
