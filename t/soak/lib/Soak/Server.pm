package Soak::Server;

# Copyright (C) the ngx_http_schema1_module authors

# One nginx of the soak test: its configuration, the signals that it gets, and
# what /proc says of its processes.

use strict;
use warnings;

use File::Path qw(make_path);
use JSON::PP;
use Time::HiRes qw(sleep time);

use Schema1::Keys;
use Schema1::Servers;
use Soak::Upstream;

# "port" => the directives of its location
our @kinds = qw(plain cached threads tiny h2);


# %opt: workers, keys, mock (ports of the registry, and of nothing)
sub new
{
    my ($class, $dir, %opt) = @_;

    my $self = bless { dir => $dir, owner => $$, %opt }, $class;
    my %taken;

    make_path("$dir/logs");

    for (@kinds, 'status') {
        do {
            $self->{port}{$_} = Schema1::Servers::free_port();
        } while ($taken{$self->{port}{$_}}++);
    }

    Schema1::Servers::put("$dir/nginx.conf", $self->config);

    my @command = $self->command;
    my $said = `@command -t 2>&1`;

    $? == 0 or die $said;
    system(@command) == 0 or die "nginx did not start\n";

    for (1 .. 200) {
        return $self if Schema1::Servers::answers($self->{port}{status});
        sleep 0.05;
    }

    die "nginx does not answer\n";
}


sub command
{
    my ($self) = @_;

    my $dir = $self->{dir};

    # an upgrade looks for no PATH
    my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';

    if ($binary !~ m{/}) {
        ($binary) = grep { -x } map { "$_/$binary" } split /:/, $ENV{PATH};
    }

    return ($binary, '-e', "$dir/logs/error.log",
            '-p', $dir, '-c', "$dir/nginx.conf");
}


sub config
{
    my ($self) = @_;

    my ($dir, $keys, $port) = @$self{qw(dir keys port)};
    my $module = $ENV{TEST_NGINX_LOAD_MODULES};
    my $load = $module eq '' ? '' : "load_module $module;";
    my $user = $> == 0 ? 'user root;' : '';
    my %mock = %{$self->{mock}};

    my %more = (
        plain   => "schema_conversion_key $keys/ec256.pem;",
        cached  => "schema_conversion_key $keys/ec256.pem;
                    schema_conversion_cache big;
                    schema_conversion_thread_pool soak;",
        threads => "schema_conversion_key $keys/rsa2048.pem;
                    schema_conversion_thread_pool soak;
                    proxy_buffering off;",
        tiny    => "schema_conversion_key $keys/ec384.pem;
                    schema_conversion_cache tiny revalidate=head;
                    proxy_http_version 1.1;
                    proxy_set_header Connection '';",
        h2      => "schema_conversion_key $keys/ec256.pem;
                    schema_conversion_thread_pool soak;
                    schema_conversion_cache big;",
    );

    my $servers = join '', map {
        my $listen = "127.0.0.1:$port->{$_}" . ($_ eq 'h2' ? ' http2' : '');

        "
    server {
        listen $listen;

        $more{$_}

        location /v2/ {
            schema_conversion on;
            proxy_pass http://registry;
        }

        location /v2/fault/tag-refused/ {
            schema_conversion on;
            proxy_pass http://127.0.0.1:$mock{dead};
        }

        location /v2/fault/config-refused/blobs/ {
            schema_conversion on;
            proxy_pass http://127.0.0.1:$mock{dead};
        }

        location = /away {
            internal;
            proxy_pass \$schema1_redirect_url;
        }
    }
" } @kinds;

    return "$load
$user
worker_processes $self->{workers};
pid $dir/nginx.pid;
error_log $dir/logs/error.log notice;
thread_pool soak threads=2 max_queue=64;

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

    keepalive_timeout 5s;
    proxy_read_timeout 3s;
    lingering_timeout 1s;

    schema_conversion_cache_zone big:2m;
    schema_conversion_cache_zone tiny:64k;
    schema_conversion_max_size $Soak::Upstream::max_size;
    schema_conversion_redirect /away;

    upstream registry {
        server 127.0.0.1:$mock{registry};
        keepalive 4;
    }
$servers
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


sub master
{
    my ($self) = @_;

    # an upgrade writes the file again
    for (1 .. 100) {
        my ($pid) = Schema1::Servers::slurp("$self->{dir}/nginx.pid")
                    =~ /^(\d+)$/m;

        return $pid if $pid;
        sleep 0.02;
    }

    die "$self->{dir}: no master\n";
}


# running ones; of the current master by default
sub workers
{
    my ($self, $master) = @_;

    return children($master || $self->master);
}


sub children
{
    my ($parent) = @_;

    my @found;

    for my $file (glob '/proc/[0-9]*/stat') {
        open my $in, '<', $file or next;
        my $line = <$in> // next;

        push @found, $1
            if $line =~ /^(\d+) \(.*\) ([^Z]) (\d+)/ && $3 == $parent;
    }

    @found = sort { $a <=> $b } @found;

    return @found;
}


# reads the configuration again, new workers: returns at once
sub reload
{
    my ($self) = @_;

    $self->{reloads}++;

    return kill 'HUP', $self->master;
}


# without a word; returns the id
sub kill_worker
{
    my ($self) = @_;

    my @workers = $self->workers or return;
    my $pid = $workers[rand @workers];

    $self->{killed}{$pid} = 1;
    kill 'KILL', $pid;

    return $pid;
}


# to a new master, by the steps of nginx's own manual; false: it went wrong
sub upgrade
{
    my ($self, $while) = @_;

    my $old = $self->master;

    my $wait = sub {
        my ($done) = @_;

        for (1 .. 400) {
            return 1 if $done->();
            $while->();
            sleep 0.05;
        }

        return 0;
    };

    kill 'USR2', $old;
    $wait->(sub { $self->master && $self->master != $old
                  && $self->workers >= $self->{workers} }) or return 0;

    my $new = $self->master;

    # both at work
    my $end = time + 2;
    $wait->(sub { time > $end });

    kill 'WINCH', $old;
    $wait->(sub { !children_but($old, $new) }) or return 0;

    kill 'QUIT', $old;
    $wait->(sub { !-d "/proc/$old" || is_zombie($old) }) or return 0;

    return $self->master == $new;
}


sub children_but
{
    my ($parent, $not) = @_;

    return grep { $_ != $not } children($parent);
}


sub is_zombie
{
    my ($pid) = @_;

    return Schema1::Servers::slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) Z/;
}


sub ask
{
    my ($self, $path) = @_;

    my (undef, undef, $body) = Schema1::Servers::get(
        "http://127.0.0.1:$self->{port}{status}$path", Connection => 'close');

    return $body;
}


sub status
{
    my ($self) = @_;

    return decode_json($self->ask('/status'));
}


# its own request included
sub active
{
    my ($self) = @_;

    return $self->ask('/stub') =~ /Active connections: (\d+)/ ? $1 : -1;
}


# kilobytes that are the process's own
sub memory
{
    my ($pid) = @_;

    my $status = Schema1::Servers::slurp("/proc/$pid/status");

    return $status =~ /^RssAnon:\s+(\d+)/m ? $1 : undef;
}


# kind => number of open files of it
sub files
{
    my ($pid) = @_;

    my %files;

    for (glob "/proc/$pid/fd/*") {
        my $to = readlink // next;

        # the names of sockets and pipes contain a number
        $files{$to =~ s/:\[\d+\]$//r}++;
    }

    return \%files;
}


sub shared_memory
{
    my ($pid) = @_;

    return scalar grep { m{ /dev/zero \(deleted\)$} }
                  split /^/, Schema1::Servers::slurp("/proc/$pid/maps");
}


# lines that should not be there
sub complaints
{
    my ($self) = @_;

    return grep {
        my $line = $_;

        $line =~ /\[(alert|crit|emerg)\]|Sanitizer|runtime error:/
        && !($line =~ /worker process (\d+) exited on signal 9/
             && $self->{killed}{$1})
        # proxy_cache's own, of a worker that was killed
        && !($line =~ /ignore long locked inactive cache entry/
             && %{$self->{killed} || {}})
    } split /^/, Schema1::Servers::slurp("$self->{dir}/logs/error.log");
}


sub stop
{
    my ($self) = @_;

    return if $self->{stopped} || $self->{owner} != $$;

    $self->{stopped} = 1;

    # an upgrade that went wrong leaves two
    my @masters = grep { $_ } map { Schema1::Servers::slurp($_) + 0 }
                  grep { -e } glob "$self->{dir}/nginx.pid*";

    kill 'TERM', $_
        for grep { Schema1::Servers::command_of($_) =~ /\Q$self->{dir}\E/ }
            @masters;

    for (1 .. 200) {
        return if !grep { -d "/proc/$_" && !is_zombie($_) } @masters;
        sleep 0.05;
    }
}


sub DESTROY
{
    my ($self) = @_;

    local ($?, $@);
    $self->stop;
}


1;
