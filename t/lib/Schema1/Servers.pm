package Schema1::Servers;

# Copyright (C) the ngx_http_schema1_module authors

# Real servers for the end to end tests and the demo: each on a free port of
# 127.0.0.1, with its files in one folder, stopped by its own process id.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use HTTP::Tiny;
use IO::Socket::INET;
use POSIX qw(setsid WNOHANG);
use Time::HiRes qw(sleep time);

our $top = abs_path(dirname(__FILE__) . '/../../..');
our $build = $ENV{BUILD} || "$top/build";


# keep => 1: the servers outlive this process, "stop" finds them by their files
sub new
{
    my ($class, $dir, %opt) = @_;

    my $self = bless { dir => $dir, owner => $$, keep => $opt{keep} }, $class;

    # what an earlier run that was killed has left
    $self->stop_all if -d $dir;
    remove_all($dir);
    make_path($dir);

    # a proxy of the environment has no place here
    delete @ENV{grep { /^(https?|all|no)_proxy$/i } keys %ENV};

    # an exit destroys the object, which stops the servers
    my $owner = $$;

    $SIG{$_} = sub {
        @SIG{qw(HUP INT TERM)} = ('IGNORE') x 3;
        $$ == $owner ? exit 130 : POSIX::_exit(130);
    } for qw(HUP INT TERM);

    return $self;
}


# the servers of an earlier process
sub found
{
    my ($class, $dir) = @_;

    return bless { dir => $dir, owner => 0, keep => 1 }, $class;
}


sub dir
{
    my ($self, @names) = @_;

    return join '/', $self->{dir}, @names;
}


sub free_port
{
    my %taken;

    for (1 .. 1000) {
        my $port = 10240 + int rand 22000;

        return $port if IO::Socket::INET->new(
            Listen => 1, LocalAddr => '127.0.0.1', LocalPort => $port);
    }

    die "no free port\n";
}


# runs a server; its output goes to NAME.log, its id to NAME.pid
sub spawn
{
    my ($self, $name, @command) = @_;

    my $pid = fork // die "fork() failed: $!\n";

    if ($pid == 0) {
        # a terminal's ^C is not for it: it is stopped in order
        setsid;
        @SIG{qw(HUP INT TERM)} = ('DEFAULT') x 3;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $self->dir("$name.log");
        open STDERR, '>&', \*STDOUT;
        exec { $command[0] } @command or POSIX::_exit(127);
    }

    put($self->dir("$name.pid"), "$pid\n");
    $self->{children}{$name} = $pid;
    push @{$self->{order}}, $name;

    return $pid;
}


sub wait_for
{
    my ($self, $name, $seconds, $ready) = @_;

    my $end = time + $seconds;

    while (time < $end) {
        return 1 if $ready->();

        if (waitpid($self->{children}{$name}, WNOHANG) > 0) {
            die "$name did not start:\n" . $self->log_tail($name);
        }

        sleep 0.05;
    }

    die "$name was not ready after $seconds s:\n" . $self->log_tail($name);
}


sub log_tail
{
    my ($self, $name) = @_;

    my @lines = split /^/, slurp($self->dir("$name.log"));

    return join '', @lines > 20 ? @lines[-20 .. -1] : @lines;
}


sub answers
{
    my ($port) = @_;

    return defined IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                         PeerPort => $port);
}


# Debian's docker-registry, empty; returns its port
sub registry
{
    my ($self, $name, %opt) = @_;

    my $port = free_port();
    my $storage = $self->dir($name);

    make_path($storage);
    put("$storage.yml", <<END);
version: 0.1
log:
  level: warn
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: $storage
  delete:
    enabled: true
http:
  addr: 127.0.0.1:$port
compatibility:
  schema1:
    enabled: true
@{[$opt{config} // '']}
END

    $self->spawn($name, 'docker-registry', 'serve', "$storage.yml");
    $self->wait_for($name, 30, sub { answers($port) });

    return $port;
}


# nginx with the module; $http goes into its http section
sub nginx
{
    my ($self, $name, $http, $port) = @_;

    my $prefix = $self->dir($name);
    my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';
    my $module = $ENV{TEST_NGINX_LOAD_MODULES}
                 // "$build/ngx_http_schema1_module.so";
    my $load = $module eq '' ? '' : "load_module $module;";
    my $user = $> == 0 ? 'user root;' : '';

    make_path("$prefix/logs");
    put("$prefix/nginx.conf", <<END);
$load
$user
daemon off;
worker_processes 1;
pid $prefix/logs/nginx.pid;
error_log $prefix/logs/error.log info;

events {
    worker_connections 256;
}

http {
    client_body_temp_path $prefix/body;
    proxy_temp_path $prefix/proxy;
    fastcgi_temp_path $prefix/fastcgi;
    uwsgi_temp_path $prefix/uwsgi;
    scgi_temp_path $prefix/scgi;

    log_format schema1 '\$request_method \$request_uri \$status '
                       '\$schema1_status \$schema1_reason '
                       '"\$http_accept" "\$http_user_agent"';
    access_log $prefix/logs/access.log schema1;

    client_max_body_size 0;

$http
}
END

    my @command = ($binary, '-e', "$prefix/logs/error.log", '-p', $prefix,
                   '-c', "$prefix/nginx.conf");

    my $said = `@command -t 2>&1`;
    die "$name: $said" if $?;

    $self->spawn($name, @command);
    $self->wait_for($name, 30, sub { answers($port) });
}


# lines of an nginx's access log since the last look
sub access
{
    my ($self, $name) = @_;

    # nginx logs after it has answered
    sleep 0.2;

    my $text = slurp($self->dir($name, 'logs', 'access.log'));
    my $seen = $self->{seen}{$name} || 0;

    $self->{seen}{$name} = length $text;

    return split /\n/, substr $text, $seen;
}


sub stop
{
    my ($self, $name) = @_;

    my $file = $self->dir("$name.pid");
    my $pid = delete $self->{children}{$name};
    my $ours = defined $pid;

    ($pid) = -e $file ? slurp($file) =~ /(\d+)/ : () unless $ours;
    return 0 unless $pid;

    # the id may belong to another program by now
    if ($ours || command_of($pid) =~ /\Q$self->{dir}\E/) {
        # a stopped process receives it when it continues
        kill 'TERM', $pid;
        kill 'CONT', $pid;

        # another's child leaves an entry without a command line
        my $gone = sub {
            return $ours ? waitpid($pid, WNOHANG) != 0
                         : command_of($pid) eq '';
        };

        for (1 .. 300) {
            last if $gone->();
            sleep 0.05;
        }

        kill 'KILL', $pid unless $gone->();
    }

    unlink $file;

    return 1;
}


sub command_of
{
    my ($pid) = @_;

    open my $in, '<', "/proc/$pid/cmdline" or return '';
    local $/;

    return <$in> // '';
}


# the last started is stopped first
sub stop_all
{
    my ($self) = @_;

    my %known = map { $_ => 1 } @{$self->{order} || []};
    my @left = grep { !$known{$_} }
               map { m{([^/]+)\.pid$} } glob "$self->{dir}/*.pid";

    return scalar grep { $self->stop($_) }
                  @left, reverse @{$self->{order} || []};
}


sub DESTROY
{
    my ($self) = @_;

    return if $self->{keep} || $self->{owner} != $$;

    local ($?, $@);
    $self->stop_all;
}


# also what container tools have mounted there
sub remove_all
{
    my ($dir) = @_;

    return unless -d $dir;

    my @mounts = sort { length $b <=> length $a }
                 grep { m{^\Q$dir\E/} }
                 map { (split / /)[1] } split /^/, slurp('/proc/mounts');

    system('umount', '-l', $_) for @mounts;
    remove_tree($dir);
}


# Returns status, headers (lower case) and body.  Sends no Accept by default,
# as Docker 1.9 and older do.
sub get
{
    my ($url, %headers) = @_;

    my $method = delete $headers{method} || 'GET';
    my $body = delete $headers{content};
    my ($host, $port, $path) = $url =~ m{^http://([^/:]+):(\d+)(/.*)$}
        or die "no URL: $url\n";

    my $response = HTTP::Tiny->new(agent => 'schema1-test', timeout => 30,
                                   max_redirect => 0)->request(
        $method, $url, { headers => \%headers,
                         defined $body ? (content => $body) : () });

    $response->{status} == 599 and die "$url: $response->{content}\n";

    return ($response->{status}, $response->{headers}, $response->{content});
}


sub run
{
    my (@command) = @_;

    my $pid = open(my $out, '-|') // die "fork() failed: $!\n";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        exec { $command[0] } @command or POSIX::_exit(127);
    }

    my $said = do { local $/; <$out> } // '';
    close $out;

    return ($? >> 8 || $? & 127, $said);
}


sub must
{
    my ($status, $said) = run(@_);

    $status == 0 or die "@_: exit $status\n$said\n";

    return $said;
}


sub slurp
{
    my ($file) = @_;

    open my $in, '<', $file or return '';
    binmode $in;
    local $/;

    return <$in> // '';
}


sub put
{
    my ($file, @text) = @_;

    open my $out, '>', $file or die "$file: $!\n";
    binmode $out;
    print $out @text;
    close $out or die "$file: $!\n";
}


1;
