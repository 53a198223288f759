package Schema1::Docker;

# Copyright (C) the ngx_http_schema1_module authors

# A dockerd of its own for a test, without a network, its files beside those of
# the test's other servers.

use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use JSON::PP;

use Schema1::Images;
use Schema1::Servers;


# Dies with the reason where dockerd does not start or, with schema1 => 1, where
# it is one of those (28.2 and later) that do not take that any more.
sub new
{
    my ($class, $servers, %opt) = @_;

    # the name of a socket is short by law
    my $run = tempdir('schema1-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $self = bless { servers => $servers, run => $run,
                       socket => "$run/docker.sock", owner => $$ }, $class;
    my $dir = $servers->dir('docker');

    make_path($dir);
    Schema1::Servers::put("$dir/daemon.json", "{}\n");

    local $ENV{DOCKER_ENABLE_DEPRECATED_PULL_SCHEMA_1_IMAGE} = 1;

    $servers->spawn('dockerd', 'dockerd',
        '--config-file', "$dir/daemon.json", '--data-root', "$dir/data",
        '--exec-root', "$run/exec", '--pidfile', "$dir/docker.pid",
        '--host', "unix://$self->{socket}", '--bridge=none',
        '--iptables=false', '--ip6tables=false', '--storage-driver=vfs');

    my $started = eval {
        $servers->wait_for('dockerd', 60, sub {
            -S $self->{socket} && ($self->docker('version'))[0] == 0
        });
    };

    if ($started) {
        my $version = $opt{schema1} && $self->too_new;
        return $self unless $version;

        $self->stop;
        die "docker $version takes no schema 1\n";
    }

    my ($reason) = $servers->log_tail('dockerd')
                   =~ /(failed to start .*|level=fatal.*)/;

    die 'dockerd does not start on this machine: ' . ($reason // $@) . "\n";
}


sub too_new
{
    my ($self) = @_;

    my ($status, $said) = $self->docker('version', '--format',
                                        '{{.Server.Version}}');
    my ($major, $minor) = $said =~ /^(\d+)\.(\d+)/m
        or die "docker version: $said\n";

    return $major > 28 || $major == 28 && $minor >= 2 ? $major : 0;
}


# exit status, output
sub docker
{
    my ($self, @arguments) = @_;

    local $ENV{DOCKER_CONFIG} = $self->{run};
    local $ENV{DOCKER_HOST} = "unix://$self->{socket}";

    # the images', also on another machine
    local $ENV{DOCKER_DEFAULT_PLATFORM} =
        $ENV{DOCKER_DEFAULT_PLATFORM} // 'linux/amd64';

    return Schema1::Servers::run('docker', @arguments);
}


# why no container starts here; '' if one does.  The image used for that was
# not pulled from anywhere.
sub cannot_run
{
    my ($self) = @_;

    my $dir = $self->{servers}->dir('probe');

    make_path("$dir/bin");
    Schema1::Servers::must('cp', $Schema1::Images::busybox, "$dir/bin/");
    Schema1::Servers::must('tar', '-C', $dir, '-cf', "$dir.tar", 'bin');

    my ($status, $said) = $self->docker('import', "$dir.tar", 'probe:1');
    return "docker import: $said" if $status;

    ($status, $said) = $self->docker('run', '--rm', '--network', 'none',
                                     'probe:1', '/bin/busybox', 'echo',
                                     'probed');

    return '' if $status == 0 && $said =~ /probed/;
    return $said =~ s/\s+/ /gr;
}


sub inspect
{
    my ($self, $name) = @_;

    my ($status, $said) = $self->docker('inspect', $name);

    return $status == 0 ? JSON::PP->new->utf8->decode($said)->[0] : undef;
}


# the whole file system of an image, as a tar file
sub export
{
    my ($self, $name, $file) = @_;

    my ($status, $said) = $self->docker('create', '--network', 'none', $name);
    die "docker create $name: $said\n" if $status;

    my ($id) = $said =~ /^([0-9a-f]{64})$/m;

    ($status, $said) = $self->docker('export', '-o', $file, $id);
    $self->docker('rm', '-f', $id);

    die "docker export $name: $said\n" if $status;
}


sub stop
{
    my ($self) = @_;

    $self->{servers}->stop('dockerd');
    Schema1::Servers::remove_all($self->{run});
}


1;
