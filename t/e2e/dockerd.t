#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# dockerd pulls, with its Accept header taken away so that it has to take schema
# 1, and runs what it pulled.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

use Schema1::Documents;
use Schema1::E2E;

my $e2e = Schema1::E2E->new(needs => [qw(dockerd docker containerd runc)],
                            root => 1);

# the name of a socket is short by law
my $run = tempdir('schema1-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $socket = "$run/docker.sock";

start_dockerd();

my ($runs, $why) = can_run();

for my $image (@Schema1::E2E::images) {
    pull_as_old($image);
}

pull_as_modern('e2e/oci:1');

$e2e->log_ok;
done_testing();

$e2e->{servers}->stop('dockerd');
Schema1::Servers::remove_all($run);


sub start_dockerd
{
    my $dir = $e2e->{servers}->dir('docker');

    make_path($dir);
    Schema1::Servers::put("$dir/daemon.json", "{}\n");

    local $ENV{DOCKER_ENABLE_DEPRECATED_PULL_SCHEMA_1_IMAGE} = 1;

    $e2e->{servers}->spawn('dockerd', 'dockerd',
        '--config-file', "$dir/daemon.json", '--data-root', "$dir/data",
        '--exec-root', "$run/exec", '--pidfile', "$dir/docker.pid",
        '--host', "unix://$socket", '--bridge=none', '--iptables=false',
        '--ip6tables=false', '--storage-driver=vfs');

    my $started = eval {
        $e2e->{servers}->wait_for('dockerd', 60, sub {
            -S $socket && (docker('version'))[0] == 0
        });
    };

    return if $started;

    my $said = $e2e->{servers}->log_tail('dockerd');
    my ($reason) = $said =~ /(failed to start .*|level=fatal.*)/;

    plan skip_all => 'dockerd does not start on this machine: '
                     . ($reason // $@);
}


sub docker
{
    local $ENV{DOCKER_CONFIG} = $run;
    local $ENV{DOCKER_HOST} = "unix://$socket";

    return Schema1::Servers::run('docker', @_);
}


# a machine may let nobody start containers: an image that no registry was
# asked for tells
sub can_run
{
    my $dir = $e2e->{servers}->dir('probe');

    make_path("$dir/bin");
    Schema1::Servers::must('cp', $Schema1::Images::busybox, "$dir/bin/");
    Schema1::Servers::must('tar', '-C', $dir, '-cf', "$dir.tar", 'bin');

    my ($status, $said) = docker('import', "$dir.tar", 'probe:1');
    return (0, "docker import: $said") if $status;

    ($status, $said) = docker('run', '--rm', '--network', 'none', 'probe:1',
                              '/bin/busybox', 'echo', 'probed');

    $said =~ s/\s+/ /g;

    return ($status == 0 && $said =~ /probed/, $said);
}


sub pull_as_old
{
    my ($image) = @_;

    my $name = "127.0.0.1:$e2e->{stripped}/$image";

    $e2e->{servers}->access('nginx');

    my ($status, $said) = docker('pull', $name);
    is($status, 0, "$image: pulled") or return diag($said);

    my @log = grep { m{/manifests/} } $e2e->{servers}->access('nginx');

    like("@log", qr{GET /v2/\S+/manifests/\S+ 200 CONVERTED - "-"},
         "$image: from a converted manifest");

    my $digest = read_digest($image);

    like($said, qr/Digest: \Q$digest\E/, "$image: by the digest it was told");

    same_image($image, $name);
    run_image($image, $name);

    docker('rmi', '-f', $name);
}


sub read_digest
{
    my ($image) = @_;

    my (undef, $headers) = $e2e->manifest(proxy => $image, method => 'HEAD');

    return $headers->{'docker-content-digest'};
}


# what the image is to run, as its own config has it
sub same_image
{
    my ($image, $name) = @_;

    my ($status, $said) = docker('inspect', $name);
    my $got = eval { JSON::PP->new->utf8->decode($said)->[0] };
    my $want = $e2e->config_of($image);

    for my $member (qw(Cmd Env Labels WorkingDir ExposedPorts Entrypoint)) {
        is_deeply($got->{Config}{$member} || undef,
                  $want->{config}{$member} || undef, "$image: $member");
    }

    is($got->{Architecture}, $want->{architecture}, "$image: architecture");

    # empty layers of the history are layers here
    my %wanted = map { $_ => 1 } @{$want->{rootfs}{diff_ids}};
    my @ours = grep { $wanted{$_} } @{$got->{RootFS}{Layers}};

    is_deeply(\@ours, $want->{rootfs}{diff_ids}, "$image: the layers");
}


sub run_image
{
    my ($image, $name) = @_;

    SKIP: {
        skip "$image: runs: dockerd starts no container here: $why", 1 unless $runs;

        my ($status, $said) = docker('run', '--rm', '--network', 'none',
                                     $name);

        is($said, $Schema1::E2E::say, "$image: runs");
    }
}


# without the second nginx: what is stored is what it takes
sub pull_as_modern
{
    my ($image) = @_;

    my $name = "127.0.0.1:$e2e->{proxy}/$image";

    $e2e->{servers}->access('nginx');

    my ($status, $said) = docker('pull', $name);
    is($status, 0, "$image: pulled by a modern client") or diag($said);

    my @log = grep { m{/manifests/1 } } $e2e->{servers}->access('nginx');

    unlike("@log", qr/CONVERTED/, "$image: nothing was converted for it");
}
