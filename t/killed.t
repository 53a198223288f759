# Copyright (C) the ngx_http_schema1_module authors

# "The zone survives a reload, and a worker that is killed at any point."

use Schema1;
use Schema1::Client;
use Schema1::Trace qw(zone put_zone);

# a cache outlives a request
repeat_each(1);

# debug messages are many instructions
log_level('notice');

master_on();
workers(1);

my $why = $ENV{SCHEMA1_VALGRIND} ? 'valgrind executes nginx itself'
                                 : Schema1::Trace::unusable();

plan $why ? (skip_all => "the worker cannot be stopped: $why")
          : (tests => repeat_each() * 29);

our $size = 64 * 1024;

image('small/app:1');

# they fill the zone
image("big/n$_:1", config => { x => 'y' x 9000 . $_ }) for 1 .. 8;

# the first request for each config leaves time to attach to the worker
my @slow = map { image("slow/n$_:1", layers => 1, config => { x => "y$_" }) }
               1 .. 20;
my $flag = "$Schema1::servroot.flag";
END { unlink glob "$flag.*" }

image('held/app:1');
answer(qr{^GET /v2/held/app/blobs/}, awaits => our $held = "$flag.held");
answer(qr{^GET /v2/slow/n\d+/blobs/}, sub {
    my ($socket, $request) = @_;

    my ($n) = $request->{uri} =~ /n(\d+)/;
    my $body = $slow[$n - 1]{config};

    Time::HiRes::sleep(0.3) if sysopen my $fh, "$flag.$n", 0xc1;
    print $socket "HTTP/1.1 200 OK\r\nContent-Length: ", length $body,
                  "\r\nConnection: close\r\n\r\n$body";
});

our $http = '
    schema_conversion_cache_zone one:64k;
';

# a conversion in a thread is not executed step by step
our $on = '
        schema_conversion_cache one;
        schema_conversion_thread_pool default;
';

our $stored;

# requests a manifest that is not in the cache; the worker is stopped when it
# has locked the zone to store it
sub stop_in_put
{
    my ($worker) = (processes())[1];
    my $path = '/v2/slow/n' . ++$stored . '/manifests/1';
    my $request = start($path);

    Time::HiRes::sleep(0.15);

    my $trace = Schema1::Trace->new($worker, zone($worker, $size), $size);

    $trace->task;
    $trace->lock or die "the zone was not locked\n";

    return ($trace, $request, $path);
}

# the same, so many instructions later; it may be stored with fewer, by what is
# evicted
sub stop_after
{
    my ($n) = @_;

    for (1 .. 5) {
        fill();

        my @stopped = stop_in_put();
        my ($trace, $request) = @stopped;
        my $locked = 1;

        $locked &&= $trace->step for 1 .. $n;
        return @stopped if $locked;

        $trace->detach;
        finish($request);
    }

    return;
}

# requests one that is
sub stop_in_get
{
    my ($path) = @_;

    my ($worker) = (processes())[1];
    my $trace = Schema1::Trace->new($worker, zone($worker, $size), $size);
    my $request = start($path);

    $trace->lock or die "the zone was not locked\n";

    return ($trace, $request);
}

# the contents of the zone after each instruction that changes it; of a copy,
# which is many instructions, every 64th
sub states
{
    my ($trace) = @_;

    my @states;
    my ($copied, $end) = (0, -1);
    my $old = $trace->memory;

    while ($trace->step) {
        my $new = $trace->memory;
        next if $new eq $old;

        my $changed = $new ^ $old;
        $changed =~ /[^\0]/;
        my $first = $-[0];
        $changed = reverse $changed;
        $changed =~ /[^\0]/;

        $copied = $first == $end ? $copied + 1 : 0;
        $end = $size - $-[0];

        push @states, $new if $copied % 64 == 0;
        $old = $new;
    }

    return @states;
}

# what a worker leaves that is killed in a state: nginx unlocks the zone
sub killed_in
{
    my ($state) = @_;

    my ($worker) = (processes())[1];

    substr $state, 0, 8, "\0" x 8;
    put_zone($worker, zone($worker, $size), $state);
}

# the entry in question, hits, and evictions of all others; '' if all are well
sub works
{
    my ($entry) = @_;

    my %limit = ('' => { timeout => 3 });

    for my $path ($entry, map { "/v2/big/n$_/manifests/1" } 1 .. 5) {
        my ($first, $second) = map { ask($path, %limit) } 1 .. 2;

        return "$path: status $first->{status}" if $first->{status} != 200;
        return "$path: not stored" if $first->{body} ne $second->{body};
    }

    return '';
}

sub all_work
{
    my ($entry, @states) = @_;

    my $before = () = error_lines(qr/was emptied/);

    for my $i (0 .. $#states) {
        killed_in($states[$i]);
        my $failure = works($entry);
        return "state $i of $#states: $failure" if $failure;
    }

    # the last one is complete
    my $after = () = error_lines(qr/was emptied/);
    my $emptied = $after - $before;

    return $emptied == $#states ? '' : "emptied in $emptied of $#states states";
}

sub fill
{
    ask("/v2/big/n$_/manifests/1") for 1 .. 8;
}

# the same of a zone that ends before its first page
sub killed_without_pages
{
    my ($state) = @_;

    my $zone = zone((processes())[1], $size);
    my $end = index $state, pack 'Q', $zone + $size;

    die "no end\n" if $end < 0;

    substr $state, $end, 8, pack 'Q', $zone + 2048;
    killed_in($state);
}

# answers of a new worker
sub wait_for_worker
{
    my ($old) = @_;

    for (1 .. 100) {
        my ($worker) = (processes())[1];
        return if $worker && $worker != $old;
        Time::HiRes::sleep(0.05);
    }

    die "no new worker\n";
}

run_tests();

__DATA__

=== TEST 1: killed at any instruction of storing and evicting an entry
--- http_config eval: $::http
--- location eval: $::on
--- request
GET /v2/small/app/manifests/1
--- after
fill();
my ($trace, $request, $path) = stop_in_put();
my @states = states($trace);
$trace->detach;
is(finish($request)->{status}, 200, 'stored');
ok(@states > 20, 'states');
is(all_work($path, @states), '', 'works in each');



=== TEST 2: killed at any instruction of a hit
--- http_config eval: $::http
--- location eval: $::on
--- request
GET /v2/small/app/manifests/1
--- after
fill();
my $path = '/v2/big/n8/manifests/1';
my ($trace, $request) = stop_in_get($path);
my @states = states($trace);
$trace->detach;
is(finish($request)->{status}, 200, 'found');
ok(@states > 5, 'states');
is(all_work($path, @states), '', 'works in each');



=== TEST 3: workers that are killed, and a reload
--- http_config eval: $::http
--- location eval: $::on
--- request
GET /v2/small/app/manifests/1
--- expect_alert
--- error_log
schema_conversion_cache "one" was emptied because a process exited while modifying it
--- after
my @failures;

for my $n (1, 20, 50, 100, 200, 400) {
    my ($trace, $request, $path) = stop_after($n)
        or push(@failures, "instruction $n: not locked"), next;
    $trace->kill;
    wait_for_worker($trace->{pid});
    close $request->{socket};
    my $failure = works($path);
    push @failures, "instruction $n: $failure" if $failure;
}

is(join("\n", @failures), '', 'new workers');
reload();
is(works('/v2/small/app/manifests/1'), '', 'after a reload');



=== TEST 4: killed at any instruction of a pull by digest
--- http_config eval: $::http
--- location eval: $::on
--- request
GET /v2/small/app/manifests/1
--- after
fill();
ask("/v2/$_/manifests/1") for qw(small/app big/n8);
my $path = "/v2/small/app/manifests/$digest";
my ($trace, $request) = stop_in_get($path);
my @states = states($trace);
$trace->detach;
is(finish($request)->{status}, 200, 'found');
ok(@states > 5, 'states');
is(all_work('/v2/small/app/manifests/1', @states), '', 'works in each');



=== TEST 5: no request fails with a zone that cannot be used
--- http_config eval: $::http
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_cache one revalidate=head;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location = /status {
        schema_conversion_status;
    }
--- request
GET /v2/small/app/manifests/1
--- expect_alert
--- error_log
was emptied
--- after
my $path = '/v2/small/app/manifests';
my ($trace, $request) = stop_in_get("$path/$digest");
my @states = states($trace);
$trace->detach;
finish($request);
killed_without_pages($states[0]);
$Schema1::registry->reset;

my %limit = ('' => { timeout => 3 });

is(ask("$path/1", %limit)->{status}, 200, 'a manifest');
is((grep { $_->{method} eq 'HEAD' } asked()), 0, 'no HEAD');
is(ask("$path/$digest", %limit)->{status}, 404, 'a digest');
is_deeply(JSON::PP::decode_json(ask('/status', %limit)->{body})->{caches}{one},
          { size => $size, map { $_ => 0 } qw(entries bytes hits misses
            evictions) }, 'the status');



=== TEST 6: the request that empties the zone can store its entry
--- http_config eval: $::http
--- location eval: $::on
--- request
GET /v2/small/app/manifests/1
--- after
my ($trace, $request) = stop_in_get('/v2/small/app/manifests/1');
my @states = states($trace);
$trace->detach;
finish($request);
my $path = '/v2/held/app/manifests/1';
my $first = start($path);
until_asked(qr{held/app/blobs});
killed_in($states[0]);
Schema1::Keys::put($::held, '');
my $answer = finish($first);
is($answer->{status}, 200, 'status');
is(ask($path)->{body}, $answer->{body}, 'stored');
