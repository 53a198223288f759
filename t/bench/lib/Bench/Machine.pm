package Bench::Machine;

# Copyright (C) the ngx_http_schema1_module authors

# The servers of the benchmarks, each on its core, and what they use: CPU time,
# memory, requests of a second.

use strict;
use warnings;

use File::Path qw(make_path);
use JSON::PP;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

use Schema1::Servers;

use constant {
    NGINX_CORE => 0,
    LOAD_CORE  => 1,
};

my $ticks = `getconf CLK_TCK` || 100;


sub new
{
    my ($class, $servers, %opt) = @_;

    return bless { servers => $servers, %opt }, $class;
}


# an nginx with these servers (name => directives); returns its ports
sub nginx
{
    my ($self, $name, %opt) = @_;

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
    my $upstreams = join '', map { <<END } sort keys %{$opt{upstreams}};
    upstream $_ {
        server 127.0.0.1:$opt{upstreams}{$_};
        keepalive 64;
        keepalive_requests 1000000000;
    }
END

    Schema1::Servers::put("$prefix/nginx.conf", <<END);
$load
$user
daemon off;
master_process $master;
worker_processes 1;
pid $prefix/logs/nginx.pid;
error_log $prefix/logs/error.log warn;
@{[$opt{main} // '']}
@{[$opt{env} ? "env $opt{env};" : '']}

events {
    worker_connections 512;
}

http {
    access_log off;
    client_body_temp_path $prefix/body;
    proxy_temp_path $prefix/proxy;
    fastcgi_temp_path $prefix/fastcgi;
    uwsgi_temp_path $prefix/uwsgi;
    scgi_temp_path $prefix/scgi;
    keepalive_requests 1000000000;

    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host \$http_host;

@{[$opt{http} // '']}
$upstreams
$servers
}
END

    my @nginx = ('nginx', '-e', "$prefix/logs/error.log", '-p', $prefix,
                 '-c', "$prefix/nginx.conf");

    my $said = `@nginx -t 2>&1`;
    die "$name: $said" if $?;

    my @under = $opt{under} ? @{$opt{under}} : ();

    $self->{servers}->spawn($name, on(NGINX_CORE), @under, @nginx);

    for my $port (values %ports) {
        $self->{servers}->wait_for($name, 60, sub {
            Schema1::Servers::answers($port) });
    }

    return \%ports;
}


sub server
{
    my ($port, $server) = @_;

    my ($upstream, $directives) = @$server;

    return <<END;
    server {
        listen 127.0.0.1:$port;

        location /v2/ {
            $directives
            proxy_pass http://$upstream;
        }

        location = /tiny {
            return 200 "tiny\\n";
        }

        location = /requests {
            stub_status;
        }
    }
END
}


sub upstream
{
    my ($self, $name, $routes) = @_;

    my $port = Schema1::Servers::free_port();

    $self->{servers}->spawn($name, on(LOAD_CORE), "$self->{programs}/upstream",
                            $port, $routes);
    $self->{servers}->wait_for($name, 10, sub {
        Schema1::Servers::answers($port) });

    return $port;
}


# docker-registry on nginx's core, which it has no more than one of
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


# What runs a program on a core, and root's before the programs of others.  The
# kernel weighs sessions before it looks at what is nice in them: that weight is
# set too, of a session that is the program's own.
sub on
{
    my ($core) = @_;

    return ('sh', '-c',
            'echo -20 2> /dev/null > /proc/self/autogroup; exec "$@"', 'sh',
            'taskset', '-c', $core, $> == 0 ? qw(nice -n -20) : ());
}


# the same for all threads of a process that runs already
sub pin
{
    my ($self, $pid, $core) = @_;

    Schema1::Servers::must('taskset', '-a', '-p', '-c', $core, $pid);

    return if $> != 0;

    Schema1::Servers::run('sh', '-c', "echo -20 > /proc/$pid/autogroup");
    Schema1::Servers::run('renice', '-n', -20, '-p', $_)
        for map { m{(\d+)$} } glob "/proc/$pid/task/*";
}


# the threads of a pool, not the one that serves
sub pin_pool
{
    my ($self, $pid, $core) = @_;

    for my $tid (grep { $_ != $pid } map { m{(\d+)$} }
                 glob "/proc/$pid/task/*")
    {
        Schema1::Servers::must('taskset', '-p', '-c', $core, $tid);
    }
}


# its first thread before all other programs, or back among them, where that is
# allowed
sub ahead
{
    my ($self, $pid, $on) = @_;

    my ($status) = Schema1::Servers::run(
        'chrt', $on ? ('-f', '-p', 5) : ('-o', '-p', 0), $pid);

    return $status == 0;
}


# in seconds, of a process with all its threads
sub cpu
{
    my ($pid) = @_;

    my ($sum, @files) = (0, glob "/proc/$pid/task/*/schedstat");

    # threads that end take their share with them: then ticks are better
    if (@files == 1 || Schema1::Servers::slurp("/proc/$pid/comm") =~ /nginx/) {
        $sum += (split ' ', Schema1::Servers::slurp($_))[0] for @files;
        return $sum / 1e9;
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


# the CPU time that a hypervisor gave to others, in seconds
sub stolen
{
    my ($cpu) = Schema1::Servers::slurp('/proc/stat') =~ /^cpu (.*)/;

    return (split ' ', $cpu)[7] / $ticks;
}


# puts load on an URL; pids: whose CPU time to count
sub load
{
    my ($self, $url, %opt) = @_;

    my @headers = map { ('-H', $_) } @{$opt{headers} || []};
    my @pids = @{$opt{pids}};
    my ($from, $start) = (0, time);

    $from += cpu($_) for @pids;

    my $said = Schema1::Servers::must(
        'setsid', on(LOAD_CORE), 'wrk', '-t', 1, '-c', $opt{connections} // 16, '-d', $opt{seconds} . 's',
        '--timeout', '10s', @headers, $url);

    my ($to, $wall) = (0, time - $start);

    $to += cpu($_) for @pids;

    my ($n) = $said =~ /(\d+) requests in/;
    my ($rate) = $said =~ m{Requests/sec:\s*([\d.]+)};

    $said =~ /Non-2xx/ and die "$url: other answers than 200:\n$said";
    $said =~ /Socket errors/ and die "$url: errors:\n$said";
    $n or die "$url: no answers:\n$said";

    return {
        requests => $n, rate => $rate, cpu => $to - $from,
        per_cpu => $n / ($to - $from), busy => ($to - $from) / $wall,
    };
}


# A wrk that stands still: slice() lets it go for a moment.
sub loader
{
    my ($self, $name, $url, @headers) = @_;

    my ($port) = $url =~ m{:(\d+)/};
    my $before = requests($port);

    # held back for longer than it would wait, and never without this process
    my $pid = $self->{servers}->spawn(
        $name, qw(setpriv --pdeathsig KILL), on(LOAD_CORE), 'wrk',
        '-t', 1, '-c', 16, '-d', '3600s', '--timeout', '30s', (map { ('-H', $_) } @headers), $url);

    # all of its connections are made and used
    $self->{servers}->wait_for($name, 10, sub {
        requests($port) > $before + 500 });
    kill 'STOP', $pid;
    sleep 0.02;

    return { name => $name, pid => $pid, port => $port, url => $url };
}


# What it said at its end: other answers than 200 are none.
sub unload
{
    my ($self, @loaders) = @_;

    for (@loaders) {
        kill 'CONT', $_->{pid};

        # wrk ends when its first thread is woken; the signal may reach another
        do {
            kill 'INT', $_->{pid};
            sleep 0.02;
        } until waitpid $_->{pid}, WNOHANG;

        my $said = Schema1::Servers::slurp(
            $self->{servers}->dir("$_->{name}.log"));

        delete $self->{servers}{children}{$_->{name}};
        unlink map { $self->{servers}->dir($_) } "$_->{name}.log",
                                                 "$_->{name}.pid";

        $said =~ /requests in/ or die "$_->{url}: no answers:\n$said";
        $said =~ /Non-2xx|(?:connect|read|write) [1-9]/
            and die "$_->{url}: errors:\n$said";
    }
}


# how many requests an nginx has had: this one too
sub requests
{
    my ($port) = @_;

    my ($status, undef, $body) =
        Schema1::Servers::get("http://127.0.0.1:$port/requests");

    $status == 200 && $body =~ /^ \d+ \d+ (\d+)/m
        or die "no count of requests on port $port\n";

    return $1;
}


# One loader against one worker for so long: requests, seconds of CPU, seconds.
sub slice
{
    my ($self, $loader, $worker, $seconds) = @_;

    my $n = requests($loader->{port});
    my $cpu = cpu($worker);
    my $start = time;

    kill 'CONT', $loader->{pid};
    sleep $seconds;
    kill 'STOP', $loader->{pid};

    my $wall = time - $start;

    # what was on its way is answered and counted
    sleep 0.003;

    $cpu = cpu($worker) - $cpu;
    $n = requests($loader->{port}) - $n - 1;

    $n > 0 or die "$loader->{url}: no answers\n";

    return { requests => $n, cpu => $cpu, wall => $wall };
}


# so many requests over one connection
sub count
{
    my ($self, $port, $path, $n, @headers) = @_;

    Schema1::Servers::must('setsid', on(LOAD_CORE),
                           "$self->{programs}/probe", 'count', $port, $path,
                           $n, @headers);
}


# asks for something tiny all the time while load is put on an URL, if any
sub stall
{
    my ($self, $port, $seconds, $url, %opt) = @_;

    my $wrk;

    if ($url) {
        $self->{servers}->spawn(
            'wrk', on(LOAD_CORE), 'wrk', '-t', 1, '-c', $opt{connections}, '-d', ($seconds + 2) . 's',
            '--timeout', '20s', $url);

        # past its first requests
        sleep 1;
    }

    my $stolen = stolen();
    my $said = Schema1::Servers::must(
        'setsid', on(LOAD_CORE), "$self->{programs}/probe", 'time', $port, '/tiny',
        $seconds);
    my ($line) = $said =~ /^(\{.*\})$/m or die "probe: $said\n";
    my $times = decode_json($line);

    $times->{stolen} = stolen() - $stolen;

    if ($url) {
        my $pid = $self->pid('wrk');

        waitpid $pid, 0;
        my $report = Schema1::Servers::slurp($self->{servers}->dir('wrk.log'));

        delete $self->{servers}{children}{wrk};
        unlink map { $self->{servers}->dir("wrk.$_") } qw(log pid);

        ($times->{conversions}) = $report =~ /(\d+) requests in/;
        $report =~ /Non-2xx|Socket errors/ and die "$url: $report";
    }

    return $times;
}


1;
