#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# Random clients pull random images through random locations for M minutes (1
# unless set): each stage of a pull behaves in one of many ways, the
# configuration changes every few seconds, workers are killed.  Each response is
# checked, the storage never receives a credential, and all ends in time.
#
#     M=15 SEED=1 t/soak/stress.t

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";

use File::Path qw(make_path remove_tree);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use Schema1::Documents;
use Schema1::JWS;
use Schema1::Keys;
use Schema1::Servers;
use Soak::Random;
use Soak::Server;

my $seconds = 60 * ($ENV{M} || 1);
my $seed = $ENV{SEED} || int rand 1_000_000;
my $clients = $ENV{CLIENTS} || 6;
my ($curl) = grep { -x } map { "$_/curl" } split /:/, $ENV{PATH};

my $build = $Schema1::Servers::build;
my $dir = "$build/t/stress.$$";
my $parent = $$;
my (@pids, $server, %done);

$SIG{$_} = sub { $$ == $parent ? exit 130 : POSIX::_exit(130) }
    for qw(HUP INT TERM);
delete @ENV{grep { /^(https?|all|no)_proxy$/i } keys %ENV};
$ENV{TEST_NGINX_LOAD_MODULES} //= "$build/ngx_http_schema1_module.so";

make_path($dir);
srand $seed;

my $keys = Schema1::Keys::make("$build/keys");
my ($registry, @images) = Soak::Random::new_images("$dir/asked", 400);

my $upstream = $registry->port('registry');

$registry->start;
$server = Stress::Server->new("$dir/nginx", workers => 2, keys => $keys,
                              upstream => $upstream);

my $start = time;

start_clients();
drive();
stop_clients();
sum_up();
done_testing();


sub start_clients
{
    for my $number (1 .. $clients) {
        my $pid = fork // die "fork() failed: $!\n";

        if ($pid) {
            push @pids, $pid;
            next;
        }

        my $http2 = $curl && $number % 3 == 0;
        my %said = (requests => 0, http2 => $http2 ? 1 : 0);

        # the last request comes to its end
        local $SIG{TERM} = sub { $said{over} = 1 };
        local $SIG{PIPE} = 'IGNORE';

        srand $seed + $number;

        eval {
            client(\%said, $http2) while !$said{over};
        };

        push @{$said{wrong}}, "client $number: $@" if $@;
        Schema1::Keys::put("$dir/client.$number", encode_json(\%said));
        POSIX::_exit(0);
    }
}


# one request, or one that is aborted
sub client
{
    my ($said, $http2) = @_;

    my $image = $images[rand @images];
    my $request = Soak::Random::new_request($image,
                                            $said->{digest}{$image->{name}});
    my $began = time;
    my $response = $http2 ? ask_curl($request) : ask($request);

    $said->{requests}++;

    return if $response->{aborted};

    my $took = time - $began;
    my $wrong = $took > 20 ? "$took s"
              : Soak::Random::wrong($request, $response);

    $said->{statuses}{$response->{status}}++;

    if ($wrong) {
        push @{$said->{wrong}}, [$began, time, sprintf('%.0f: ', $began)
            . "$request->{method} "
            . "$request->{path}, accepts $request->{accept}, HTTP/"
            . ($http2 ? 2 : 1) . " ($image->{drawn}): $wrong",
            $http2 && !$response->{status}];

    } elsif ($response->{status} == 200 && $request->{method} eq 'GET') {
        my $jws = eval { read_jws($response->{body}) };

        $said->{digest}{$image->{name}} = digest($jws->{payload}) if $jws;
    }
}


sub ask
{
    my ($request) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $server->{port}{plain}) or return { status => 0 };
    my $end = time + 25;
    my $raw = '';
    my $slow = rand() < 0.1;

    syswrite $socket, "$request->{method} $request->{path} HTTP/1.1\r\n"
        . "Host: registry\r\nConnection: close\r\n"
        . join('', map { "$_: $request->{headers}{$_}\r\n" }
               sort keys %{$request->{headers}}) . "\r\n";

    if (rand() < 0.05) {
        sleep rand 0.2;
        return { aborted => 1 };
    }

    my $select = IO::Select->new($socket);

    while (time < $end) {

        # a signal ends this too
        $select->can_read($end - time) or next;
        sysread $socket, $raw, $slow ? 4096 : 65536, length $raw or last;
        sleep 0.002 if $slow;
    }

    my ($head, $body) = split /\r\n\r\n/, $raw, 2;
    my $response = read_head($head // '');

    $response->{body} = $body // '';
    $response->{whole} = 1;

    if (($response->{header}{'transfer-encoding'} // '') eq 'chunked') {
        my $rest = $response->{body};
        $response->{body} = '';
        $response->{whole} = 0;

        while ($rest =~ s/^([0-9a-f]+)\r\n//) {
            $response->{whole} = 1 if hex $1 == 0;
            $response->{body} .= substr $rest, 0, hex $1, '';
            $rest =~ s/^\r\n//;
        }
    }

    return $response;
}


sub read_head
{
    my ($head) = @_;

    my ($status) = $head =~ m{^HTTP/[\d.]+ (\d+)};
    my %header;

    while ($head =~ /^([\w-]+): *(.*?)\r?$/mg) {
        $header{lc $1} = $2;
    }

    return { status => $status // 0, header => \%header };
}


sub ask_curl
{
    my ($request) = @_;

    my @headers = map { ('-H', "$_: $request->{headers}{$_}") }
                  sort keys %{$request->{headers}};

    push @headers, '-H', 'Accept:' if !defined $request->{headers}{Accept};
    push @headers, '-I' if $request->{method} eq 'HEAD';

    # a short time is a client that resets its stream
    my $limit = rand() < 0.05 ? 0.1 : 25;

    open my $pipe, '-|', $curl, '-s', '-i', '--http2-prior-knowledge',
        '--max-time', $limit, @headers,
        "http://127.0.0.1:$server->{port}{h2}$request->{path}"
        or die "curl: $!\n";
    binmode $pipe;
    my $raw = join '', <$pipe>;
    close $pipe;
    my $failed = $?;

    return { aborted => 1 } if $limit < 1 && $failed;

    my ($head, $body) = split /\r\n\r\n/, $raw, 2;

    return { %{read_head($head // '')}, body => $body // '',
             whole => !$failed };
}


# another configuration every few seconds, and a worker killed now and then
sub drive
{
    my $end = $start + $seconds;
    my $next = time;

    while (time < $end) {
        sleep 0.2;

        if (time > $next) {
            check_storage();
            push @{$done{reloads}}, time;
            $server->change;
            $next = time + 3 + rand 3;
        }

        if (rand() < 0.02) {
            push @{$done{kills}}, time;
            $server->kill_worker;
        }
    }
}


# what the storage received contains nothing that the clients sent as theirs
sub check_storage
{
    for ($registry->asked) {
        next if $_->{host} ne 'storage';

        $done{storage}++;
        my $bytes = join "\n", $_->{uri}, map { "@$_" } @{$_->{headers}};

        push @{$done{leaked}}, $bytes
            if $bytes =~ /authorization|cookie|dXNlc|secret-|username/i;
    }

    $registry->reset;
}


sub stop_clients
{
    kill 'TERM', @pids;

    my $end = time + 40;

    for my $pid (@pids) {
        while (waitpid($pid, POSIX::WNOHANG()) == 0) {
            if (time > $end) {
                kill 'KILL', $pid;
                $done{hung}++;
                waitpid $pid, 0;
                last;
            }

            sleep 0.05;
        }
    }

    @pids = ();
}


sub sum_up
{
    my ($requests, $http2, @wrong, %statuses) = (0, 0);

    check_storage();

    for (glob "$dir/client.*") {
        my $said = decode_json(Schema1::Servers::slurp($_));

        $requests += $said->{requests};
        $http2 += $said->{requests} if $said->{http2};
        $statuses{$_} += $said->{statuses}{$_} for keys %{$said->{statuses}};
        push @wrong, grep { !ref || !lost($_) } @{$said->{wrong}};
    }

    note("seed $seed, statuses: ", join ', ',
         map { "$_: $statuses{$_}" } sort keys %statuses);

    @wrong = map { ref ? $_->[2] : $_ } @wrong;

    ok(!@wrong, "$requests responses, each of them right")
        or diag("SEED=$seed: " . @wrong . " are wrong:\n",
                join "\n", map { substr $_, 0, 600 } @wrong[0 .. ($#wrong < 20
                                                         ? $#wrong : 20)]);
    cmp_ok($requests, '>', 2 * $seconds, 'there were enough of them');
    ok(!$done{hung}, 'no client waits for ever');
    cmp_ok($statuses{200} // 0, '>', $requests / 5, 'many succeed');

    SKIP: {
        skip 'no curl, so no HTTP/2', 1 if !$curl;
        cmp_ok($http2, '>', 0, "$http2 of them by HTTP/2");
    }

    ok(!$done{leaked}, 'the storage received no credentials')
        or diag(@{$done{leaked}});
    cmp_ok($done{storage} // 0, '>', 0, 'the storage received requests');
    cmp_ok($server->{reloads}, '>=', $seconds / 8, "$server->{reloads} reloads");

    # those of the last configuration
    for (1 .. 200) {
        last if $server->active <= 1 && $server->workers == 2;
        sleep 0.1;
    }

    is(scalar $server->workers, 2, 'no worker is left over');

    my $master = $server->master;

    $server->quit;
    ok(!-d "/proc/$master" || Soak::Server::is_zombie($master),
       'nginx exits in time');

    my @bad = $server->complaints;

    ok(!@bad, 'the error log is clean')
        or diag("SEED=$seed: ", @bad > 20 ? @bad[0 .. 19] : @bad);
}


# What was under way when a worker was killed is lost, and so is an HTTP/2
# connection to a worker that is shutting down at that moment.
sub lost
{
    my ($wrong) = @_;

    my ($began, $ended, undef, $refused) = @$wrong;

    return grep { $_ > $began - 0.5 && $_ < $ended + 0.5 }
           @{$done{kills} || []}, $refused ? @{$done{reloads} || []} : ();
}


END {
    if ($$ == $parent) {
        my $status = $?;

        kill 'TERM', @pids;
        $server->stop if $server;
        $registry->stop if $registry;

        if ($status == 0 && Test::More->builder->is_passing) {
            remove_tree($dir);

        } elsif ($dir) {
            diag("the servers' files are in $dir");
        }

        $? = $status;
    }
}


package Stress::Server;

use parent -norequire, 'Soak::Server';


sub config
{
    my ($self) = @_;

    my ($dir, $port) = @$self{qw(dir port)};
    my $module = $ENV{TEST_NGINX_LOAD_MODULES};
    my $load = $module eq '' ? '' : "load_module $module;";
    my $user = $> == 0 ? 'user root;' : '';
    my ($location, $zone) = Soak::Random::new_location(@$self{qw(upstream
                                                                 keys)});

    return "$load
$user
worker_processes $self->{workers};
worker_shutdown_timeout 10s;
pid $dir/nginx.pid;
error_log $dir/logs/error.log warn;
thread_pool soak threads=2 max_queue=8;

events {
    worker_connections 1024;
}

http {
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    access_log off;

    proxy_read_timeout 4s;
    send_timeout 5s;
    lingering_timeout 1s;
    proxy_cache_path $dir/cache keys_zone=two:1m;
    $zone

    server {
        listen 127.0.0.1:$port->{plain};
        listen 127.0.0.1:$port->{h2} http2;
$location
    }

    server {
        listen 127.0.0.1:$port->{status};

        location = /status {
            schema_conversion_status;
        }

        location = /stub {
            stub_status;
        }
    }
}
";
}


# not the processes of proxy_cache
sub workers
{
    my ($self) = @_;

    return grep {
        Schema1::Servers::slurp("/proc/$_/cmdline") =~ /worker process/
    } Soak::Server::children($self->master);
}


sub change
{
    my ($self) = @_;

    my $config = $self->config;

    # the former ones are kept to find the cause of a failure
    Schema1::Servers::put("$self->{dir}/nginx.conf." . int Time::HiRes::time,
                          $config);
    Schema1::Servers::put("$self->{dir}/nginx.conf", $config);
    $self->reload;
}


# waits for what is under way
sub quit
{
    my ($self) = @_;

    my $master = $self->master;

    kill 'QUIT', $master;

    for (1 .. 300) {
        return if !-d "/proc/$master" || Soak::Server::is_zombie($master);
        Time::HiRes::sleep(0.05);
    }
}
