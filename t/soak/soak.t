#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# Mixed traffic for M minutes (1 unless said otherwise) against two servers:
# one is reloaded every 20 seconds, loses a worker now and then and is upgraded
# once; the other runs from beginning to end, so that what its worker gathers
# is seen.  Each response is checked.
#
#     M=30 t/soak/soak.t

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";

use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use Schema1::JWS;
use Schema1::Keys;
use Schema1::Servers;
use Soak::Asks;
use Soak::Client;
use Soak::Server;
use Soak::Upstream;

my $seconds = 60 * ($ENV{M} || 1);
my $plain = $ENV{CLIENTS} || 8;
my $http2 = grep { -x "$_/curl" } split /:/, $ENV{PATH};
my $h2load = grep { -x "$_/h2load" } split /:/, $ENV{PATH};

my $build = $Schema1::Servers::build;
my $dir = "$build/t/soak.$$";
my $parent = $$;

$SIG{$_} = sub { $$ == $parent ? exit 130 : POSIX::_exit(130) }
    for qw(HUP INT TERM);
my (@clients, %server, %memory, %counted);
my $looked = 0;

make_path($dir);
delete @ENV{grep { /^(https?|all|no)_proxy$/i } keys %ENV};

# one that is built meanwhile does not get under this
my $module = $ENV{TEST_NGINX_LOAD_MODULES}
             // "$build/ngx_http_schema1_module.so";

if ($module ne '') {
    copy($module, "$dir/module.so") or die "$module: $!\n";
    $ENV{TEST_NGINX_LOAD_MODULES} = "$dir/module.so";
}

my $keys = Schema1::Keys::make("$build/keys");
my ($registry, $stored, $faults) = Soak::Upstream::new_upstream("$dir/asked");

my %mock = map { $_ => $registry->port($_) } qw(registry dead);

$registry->start;

$server{changing} = Soak::Server->new("$dir/changing", workers => 2,
    mock => \%mock, keys => $keys);
$server{steady} = Soak::Server->new("$dir/steady", workers => 1,
    mock => \%mock, keys => $keys);

my $payload = payloads();
my @asks = Soak::Asks::all_asks($stored, $faults, $payload);

# each way has been gone before it is measured
my $maps = Soak::Server::shared_memory($server{changing}->master);
my $files = Soak::Server::files($server{changing}->master);
my $start = time;

start_clients();
drive();
stop_clients();
sum_up();
stop();
done_testing();


# what the module makes, by Docker's rules and with a valid signature
sub payloads
{
    my %payload;

    my $port = $server{steady}{port}{plain};

    for my $name (qw(soak/docker soak/oci soak/list soak/keep soak/big
                     soak/private), map { "many/n$_" } 1 .. 60)
    {
        my (undef, undef, $body) = Schema1::Servers::get(
            "http://127.0.0.1:$port/v2/$name/manifests/1",
            $name =~ /private/ ? (Authorization => 'Bearer right') : ());

        $payload{$name} = check_schema1($body, $name, '1')->{payload};
    }

    pass('all images become schema 1');

    return \%payload;
}


sub start_clients
{
    my @kinds = (('plain') x $plain, $http2 ? ('http2') x 2 : ());

    for my $number (0 .. $#kinds) {
        my $pid = fork // die "fork() failed: $!\n";

        if ($pid) {
            push @clients, $pid;
            next;
        }

        eval {
            Soak::Client->new(
                asks => \@asks, dir => $dir, number => $number,
                kind => $kinds[$number], h2load => $h2load,
                clients => scalar @kinds,
                servers => [map { [$_, $server{$_}] } sort keys %server],
            )->run;
        };

        warn $@ if $@;
        POSIX::_exit($@ ? 1 : 0);
    }
}


# reloads, kills, one upgrade; looks at memory each second
sub drive
{
    my $next_reload = $start + 20;
    my $next_kill = $start + 13;
    my $upgrade = $start + $seconds / 2;
    my $end = $start + $seconds;
    my @leaving;

    while (time < $end) {
        sleep 1;
        look();

        # a busy worker is slow to hear of it, and sends its GOAWAY then
        my %there = map { $_ => 1 } $server{changing}->workers;

        @leaving = grep { $there{$_} } @leaving;
        note_time('reloads') if @leaving;

        if (time > $next_reload) {
            @leaving = keys %there;
            note_time('reloads');
            $server{changing}->reload;
            $next_reload += 20;
        }

        if (time > $next_kill) {
            kill_one();
            $next_kill += 17 + rand 20;
        }

        if ($upgrade && time > $upgrade) {
            ok($server{changing}->upgrade(sub { note_time('reloads'); look() }),
               'the binary is upgraded');
            $upgrade = 0;
            $next_kill = time + 7;
        }
    }
}


sub kill_one
{
    note_time('kills');
    $server{changing}->kill_worker;
    $server{changing}{kills}++;
    note_time('kills');
}


# for the clients, which compare it with what they saw
sub note_time
{
    my ($events) = @_;

    open my $out, '>>', "$dir/$events.changing" or die "$dir: $!\n";
    print $out time, "\n";
    close $out or die "$dir: $!\n";
}


sub look
{
    return if time < $looked + 1;

    $looked = time;

    my ($worker) = $server{steady}->workers;
    my $master = $server{changing}->master;

    push @{$memory{worker}}, Soak::Server::memory($worker);
    push @{$memory{master}}, Soak::Server::memory($master)
        // $memory{master}[-1];

    # the log of requests would grow with time
    $registry->reset if @{$memory{worker}} % 30 == 0;

    # counters never go back
    my $status = eval { $server{steady}->status } or return;
    my %now = (%{$status->{outcomes}},
               map { my $zone = $_;
                     map { ("$zone $_" => $status->{caches}{$zone}{$_}) }
                     qw(hits misses evictions) } keys %{$status->{caches}});

    for (keys %now) {
        push @{$counted{back}}, "$_: $counted{last}{$_}, $now{$_}"
            if $now{$_} < ($counted{last}{$_} // 0);
    }

    $counted{last} = \%now;
}


sub stop_clients
{
    kill 'TERM', @clients;

    for (@clients) {
        waitpid $_, 0;
        $counted{died}++ if $?;
    }

    @clients = ();
}


sub sum_up
{
    answers();

    # what aborted clients have left comes to its end, and so do old workers
    for my $server (values %server) {
        for (1 .. 200) {
            last if $server->active <= 1
                    && $server->workers == $server->{workers};
            sleep 0.1;
        }
    }

    connections();
    files_and_memory();
    statistics();

    SKIP: {
        skip 'no curl, so no HTTP/2', 1 if !$http2;
        skip 'no h2load, so no many streams', 1 if !$h2load;
        pass('HTTP/2 was spoken too');
    }

    for my $name (sort keys %server) {
        my @bad = $server{$name}->complaints;

        ok(!@bad, "$name: the error log is clean")
            or diag(@bad > 20 ? @bad[0 .. 19] : @bad);
    }

    cmp_ok($server{changing}{reloads}, '>=', int($seconds / 20) - 2,
           "$server{changing}{reloads} reloads");
    cmp_ok($server{changing}{kills}, '>', 0,
           "$server{changing}{kills} workers killed");
}


sub answers
{
    my (%counts, @failures);
    my ($retried, $explained, $refused, $total) = (0, 0, 0, 0);

    for (glob "$dir/client.*") {
        my $client = decode_json(Schema1::Servers::slurp($_));

        $counts{$_} += $client->{counts}{$_} for keys %{$client->{counts}};
        push @failures, @{$client->{failures}};
        $retried += $client->{retried};
        $explained += $client->{explained};
        $refused += $client->{refused};
    }

    $total += $_ for values %counts;

    ok(!$counted{died}, 'every client lived');
    ok(!@failures, "$total requests, each answered as it should be")
        or diag(scalar @failures, " failures:\n",
                join "\n", @failures > 30 ? @failures[0 .. 29] : @failures);

    note(sprintf '%d requests in %d s, %d of them with a fault; %d lost with '
         . 'a killed worker, %d asked again on a connection that was closed',
         $total, $seconds, faulty(\%counts), $explained, $retried);

    # no more than what a killed worker may have had in hand
    cmp_ok($explained, '<=', 40 * $server{changing}{kills},
           "$explained lost with killed workers");

    # h2load has ten on each of two connections
    cmp_ok($refused, '<=', 20 * ($server{changing}{reloads} + 1),
           "$refused streams came after the GOAWAY of a reload");

    my @never = grep { !$counts{$_} } map { $_->{name} } @asks;

    # those that a killed worker or an abort has cost
    cmp_ok(scalar @never, '<=', @asks / 20,
           scalar(@asks) . ' kinds of requests were made')
        or diag("never: @never");
}


sub faulty
{
    my ($counts) = @_;

    my $sum = 0;

    $sum += $counts->{$_} for grep { /fault/ } keys %$counts;

    return $sum;
}


sub connections
{
    for my $name (sort keys %server) {
        my $server = $server{$name};

        is(scalar $server->workers, $server->{workers},
           "$name: as many workers as there should be");

        # nginx itself counts a killed worker's for ever
        is($server->active, 1, "$name: no connection is left")
            if $name eq 'steady';
    }
}


sub files_and_memory
{
    my $master = $server{changing}->master;
    my ($worker) = $server{steady}->workers;
    my ($fresh) = $server{changing}->workers;

    is(Soak::Server::shared_memory($master), $maps,
       "master: $maps maps of shared memory, as at the start");

    # the new binary inherits its sockets, and no other files
    my $now = Soak::Server::files($master);

    is_deeply([map { "$_: $now->{$_}" } grep { /socket/ } keys %$now],
              [map { "$_: $files->{$_}" } grep { /socket/ } keys %$files],
              'master: as many sockets as at the start');

    # up to 4 to the upstream are kept
    my $sockets = Soak::Server::files($worker)->{socket};
    my $deleted = grep { /deleted/ && !m{^/dev/zero} }
                  keys %{Soak::Server::files($worker)};
    my $least = @Soak::Server::kinds + 2;

    cmp_ok($sockets, '<=', $least + 6, "worker: $sockets sockets open");
    is($deleted, 0, 'worker: no temporary file is left');

    flat('worker', 4096);
    flat('master', 2048);
}


# kilobytes: the medians of the second and of the last quarter
sub flat
{
    my ($what, $bound) = @_;

    my @all = grep { defined } @{$memory{$what}};
    my $quarter = int(@all / 4);
    my @early = @all[$quarter .. 2 * $quarter - 1];
    my @late = @all[-$quarter .. -1];
    my ($before, $after) = map { (sort { $a <=> $b } @$_)[@$_ / 2] }
                           \@early, \@late;
    my ($most) = sort { $b <=> $a } @all;

    cmp_ok($after - $before, '<', $bound,
           "$what: $before kB after the start, $after kB at the end, "
           . "$most kB at most");
}


sub statistics
{
    my $status = $server{steady}->status;

    ok(!$counted{back}, 'no counter goes back')
        or diag(join "\n", @{$counted{back}});

    for my $zone (qw(big tiny)) {
        my $stats = $status->{caches}{$zone};
        my $size = $zone eq 'big' ? 2 << 20 : 64 << 10;

        note("$zone: " . JSON::PP->new->canonical->encode($stats));

        ok($stats->{entries} > 0 && $stats->{bytes} > 500 * $stats->{entries}
           && $stats->{bytes} < $size, "$zone: entries and bytes agree");
        cmp_ok($stats->{hits}, '>', 0, "$zone: it has been of use");
    }

    cmp_ok($status->{caches}{tiny}{evictions}, '>', 0,
           'tiny: some made room for others');

    # each hit that was sent was found once
    my $found = 0;
    $found += $status->{caches}{$_}{hits} for qw(big tiny);

    cmp_ok($status->{outcomes}{HIT} + $status->{outcomes}{DIGEST}, '<=',
           $found, 'no more hits sent than found');
}


sub stop
{
    $_->stop for values %server;
    $registry->stop;
}


END {
    if ($$ == $parent) {
        my $status = $?;

        kill 'TERM', @clients;
        stop() if $registry;

        if ($status == 0 && Test::More->builder->is_passing) {
            remove_tree($dir);

        } elsif ($dir) {
            diag("the servers' files are in $dir");
        }

        $? = $status;
    }
}
