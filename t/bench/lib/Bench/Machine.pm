package Bench::Machine;

# Copyright (C) the ngx_http_schema1_module authors

# The servers and clients of the benchmarks, each on its core; their CPU time,
# instructions, and memory.

use strict;
use warnings;

use File::Path qw(make_path);
use JSON::PP;
use List::Util qw(sum);
use Time::HiRes qw(sleep);

use Schema1::Servers;

use constant {
    NGINX_CORE => 0,
    LOAD_CORE  => 1,
};

my $ticks = `getconf CLK_TCK` || 100;


# programs: a folder; module: a file
sub new
{
    my ($class, $servers, %opt) = @_;

    my $self = bless { servers => $servers, %opt }, $class;

    # also the clients
    $self->pin($$, LOAD_CORE);

    return $self;
}


# Starts an nginx with these servers (name => directives), for an upstream's
# port; returns their ports.
sub nginx
{
    my ($self, $name, $upstream, %opt) = @_;

    my $prefix = $self->{servers}->dir($name);
    my (%ports, $servers);

    make_path("$prefix/logs");

    for my $server (sort keys %{$opt{servers}}) {
        $ports{$server} = Schema1::Servers::free_port();
        $servers .= server($ports{$server}, $opt{servers}{$server});
    }

    my $load = $opt{module} ? "load_module $self->{module};" : '';
    my $master = $opt{single} ? 'off' : 'on';
    my $user = $> == 0 ? 'user root;' : '';
    my $paths = join '', map { "${_}_temp_path $prefix/$_;\n" }
                qw(client_body proxy fastcgi uwsgi scgi);

    Schema1::Servers::put("$prefix/nginx.conf", <<END);
$load
$user
daemon off;
master_process $master;
worker_processes 1;
pid $prefix/logs/nginx.pid;
error_log $prefix/logs/error.log warn;
@{[$opt{main} // '']}

events {
    worker_connections 512;
}

http {
    access_log off;
    $paths
    keepalive_requests 1000000000;

    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host \$http_host;

    upstream registry {
        server 127.0.0.1:$upstream;
        keepalive 64;
        keepalive_requests 1000000000;
    }

    @{[$opt{http} // '']}
    $servers
}
END

    my @nginx = ('nginx', '-e', "$prefix/logs/error.log", '-p', $prefix,
                 '-c', "$prefix/nginx.conf");

    Schema1::Servers::must(@nginx, '-t');

    $self->start($name, [on(NGINX_CORE), @{$opt{under} || []}, @nginx],
                 values %ports);

    return \%ports;
}


sub server
{
    my ($port, $directives) = @_;

    return <<END;
    server {
        listen 127.0.0.1:$port;

        location /v2/ {
            $directives
            proxy_pass http://registry;
        }

        location = /tiny {
            return 200 "tiny\\n";
        }
    }
END
}


sub upstream
{
    my ($self, $name, $routes) = @_;

    my $port = Schema1::Servers::free_port();

    $self->start($name, [on(LOAD_CORE), "$self->{programs}/upstream", $port,
                         $routes], $port);

    return $port;
}


sub start
{
    my ($self, $name, $command, @ports) = @_;

    $self->{servers}->spawn($name, @$command);

    for my $port (@ports) {
        $self->{servers}->wait_for($name, 60, sub {
            Schema1::Servers::answers($port) });
    }
}


# docker-registry on nginx's core
sub registry
{
    my ($self, $name, $key) = @_;

    local $ENV{GOMAXPROCS} = 1;

    my $port = $self->{servers}->registry($name, config => <<END);
signingkeyfile: $key
END
    $self->pin($self->pid($name), NGINX_CORE);

    return $port;
}


sub stop
{
    my ($self, @names) = @_;

    $self->{servers}->stop($_) for @names;
}


sub pid
{
    my ($self, $name) = @_;

    return $self->{servers}{children}{$name};
}


sub worker
{
    my ($self, $name) = @_;

    my $master = $self->pid($name);
    my ($worker) = split ' ', Schema1::Servers::slurp(
        "/proc/$master/task/$master/children");

    return $worker // $master;
}


# A command that runs a program on a core, as root before other programs.  The
# kernel compares sessions before it compares what is nice in them, so that
# value is set too, for a session of the program's own.
sub on
{
    my ($core) = @_;

    return ('sh', '-c',
            'echo -20 2> /dev/null > /proc/self/autogroup; exec "$@"', 'sh',
            'taskset', '-c', $core, $> == 0 ? qw(nice -n -20) : ());
}


# the same for all threads of a process, or for those of a list
sub pin
{
    my ($self, $pid, $core, @tids) = @_;

    @tids = map { m{(\d+)$} } glob "/proc/$pid/task/*" unless @tids;

    Schema1::Servers::must('taskset', '-p', '-c', $core, $_) for @tids;

    return if $> != 0;

    Schema1::Servers::run('sh', '-c', "echo -20 > /proc/$pid/autogroup");
    Schema1::Servers::run('renice', '-n', -20, '-p', $_) for @tids;
}


# the threads of a pool, not the one that serves
sub pin_pool
{
    my ($self, $pid, $core) = @_;

    $self->pin($pid, $core, grep { $_ != $pid } map { m{(\d+)$} }
                            glob "/proc/$pid/task/*");
}


# whether the first thread may run before all other programs, if allowed
sub realtime
{
    my ($self, $pid, $on) = @_;

    Schema1::Servers::run('chrt', $on ? ('-f', '-p', 5) : ('-o', '-p', 0),
                          $pid);
}


# of processes with all their threads, in seconds
sub cpu
{
    return sum(map { cpu_of($_) } @_);
}


sub cpu_of
{
    my ($pid) = @_;

    my @files = glob "/proc/$pid/task/*/schedstat";

    # Go's threads end, and take their share with them: ticks are better
    if (Schema1::Servers::slurp("/proc/$pid/comm") =~ /nginx/) {
        return sum(map { (split ' ', Schema1::Servers::slurp($_))[0] } @files)
               / 1e9;
    }

    my @stat = split ' ', Schema1::Servers::slurp("/proc/$pid/stat") =~
        s/^.*\)//sr;

    return ($stat[11] + $stat[12]) / $ticks;
}


# in KiB
sub memory
{
    my ($pid) = @_;

    my ($size) = Schema1::Servers::slurp("/proc/$pid/status")
                 =~ /^VmRSS:\s*(\d+)/m;

    return $size;
}


# connections => 16, requests, seconds: a limit; headers; pids: whose CPU time
# to count; under: a command.  Returns what client.c prints, and "cpu".
sub client
{
    my ($self, $port, $path, %opt) = @_;

    my @pids = @{$opt{pids} || []};
    my $from = @pids ? cpu(@pids) : 0;

    my $said = Schema1::Servers::must(
        @{$opt{under} || []}, "$self->{programs}/client", $port, $path,
        $opt{connections} || 16, $opt{requests} || 0, $opt{seconds} || 0,
        @{$opt{headers} || []});

    return { %{decode_json($said)}, cpu => @pids ? cpu(@pids) - $from : 0 };
}


# A client in the background: returns a function that waits for it.
sub client_start
{
    my ($self, $port, $path, $connections, $seconds) = @_;

    my $pid = $self->{servers}->spawn(
        'client', on(LOAD_CORE), "$self->{programs}/client", $port, $path,
        $connections, 0, $seconds);

    return sub {
        waitpid $pid, 0;
        $? and die "client: exit $?\n" . $self->{servers}->log_tail('client');

        my $times = decode_json($self->{servers}->log_tail('client'));

        delete $self->{servers}{children}{client};
        unlink map { $self->{servers}->dir("client.$_") } qw(log pid);

        return $times;
    };
}


# An nginx to count instructions of: without a master, under callgrind.
sub counted
{
    my ($self, $name) = @_;

    $self->{dumps}{$name} = 0;

    return (single => 1, under => [
        'valgrind', '-q', '--tool=callgrind', '--callgrind-out-file='
        . $self->{servers}->dir("$name.callgrind")]);
}


# of that nginx, for a request, after so many first ones
sub instructions
{
    my ($self, $name, $port, $path, %opt) = @_;

    my @client = ($port, $path, connections => 1, headers => $opt{headers});
    my ($dump, $sum);

    for my $n ($opt{first} // 1, $opt{requests}) {
        $self->client(@client, requests => $n);

        # the end of the last request, and of its connection
        sleep 0.1;

        Schema1::Servers::must('callgrind_control', '-d', $self->pid($name));

        $dump = $self->{servers}->dir("$name.callgrind.")
                . ++$self->{dumps}{$name};
        ($sum) = Schema1::Servers::slurp($dump) =~ /^totals: (\d+)/m
            or die "$dump: no count\n";
    }

    return $sum / $opt{requests};
}


1;
