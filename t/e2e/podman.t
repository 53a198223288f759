#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# podman pulls by an old client's way, and by its own.

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

my $e2e = Schema1::E2E->new(needs => [qw(podman)], root => 1);
my $dir = $e2e->{servers}->dir;
my $run = tempdir('schema1-XXXXXX', TMPDIR => 1, CLEANUP => 1);

Schema1::Servers::put("$dir/policy.json",
                      '{"default":[{"type":"insecureAcceptAnything"}]}');
Schema1::Servers::put("$dir/registries.conf", "\n");
Schema1::Servers::put("$dir/auth.json", "{}\n");
Schema1::Servers::put("$dir/containers.conf", <<END);
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
END

my ($status, $said) = podman('info');

if ($status) {
    plan skip_all => 'podman does not start on this machine: '
                     . $said =~ s/\s+/ /gr;
}

# crun where it can be, runc on a machine with cgroups of both versions
my @ways = (
    [[], [qw(--cgroups=disabled)]],
    [[qw(--runtime runc)], []],
);
my @limits = qw(--rm --network none --log-driver=none
                --ulimit nofile=1024:1024 --ulimit nproc=1024:1024);
my $way;
my ($runs, $why) = can_run();

for my $image (@Schema1::E2E::images) {
    pull($image);
}

modern('e2e/oci:1');

$e2e->log_ok;
done_testing();

podman('system', 'reset', '--force');
Schema1::Servers::remove_all($run);


sub podman
{
    local $ENV{CONTAINERS_CONF} = "$dir/containers.conf";
    local $ENV{CONTAINERS_REGISTRIES_CONF} = "$dir/registries.conf";
    local $ENV{REGISTRY_AUTH_FILE} = "$dir/auth.json";
    local $ENV{XDG_RUNTIME_DIR} = $run;
    local $ENV{TMPDIR} = $dir;

    # podman 5 would say so among what a container says
    local $ENV{PODMAN_IGNORE_CGROUPSV1_WARNING} = 1;

    return Schema1::Servers::run('podman', '--root', "$dir/storage",
        '--runroot', "$run/root", '--tmpdir', "$run/tmp",
        '--storage-driver', 'vfs', @_);
}


sub pull
{
    my ($image) = @_;

    my $name = "127.0.0.1:$e2e->{stripped}/$image";

    $e2e->{servers}->access('nginx');

    my ($status, $said) = podman('pull', '-q', '--arch', 'amd64',
                                 '--tls-verify=false',
                                 '--signature-policy', "$dir/policy.json",
                                 $name);

    is($status, 0, "$image: pulled") or return diag($said);

    my @log = grep { m{/manifests/} } $e2e->{servers}->access('nginx');

    like("@log", qr{ 200 CONVERTED - "-"},
         "$image: from a converted manifest");

    ($status, $said) = podman('image', 'inspect', $name);

    my $got = eval { JSON::PP->new->utf8->decode($said)->[0] };
    my $want = $e2e->config_of($image);

    # podman 4 gives no diff_ids of what came as schema 1: the files tell
    is_deeply($got->{Config}{$_}, $want->{config}{$_}, "$image: $_")
        for qw(Cmd Env WorkingDir);

    files($image, $name);
    run_image($image, $name);

    podman('rmi', '-f', $name);
}


sub files
{
    my ($image, $name) = @_;

    my ($status, $said) = podman('image', 'mount', $name);
    chomp $said;

    is($status, 0, "$image: mounted") or return diag($said);

    my %files = map { $_ => Schema1::Servers::slurp("$said/$_") }
                qw(etc/platform data/first data/second);

    is_deeply(\%files, { 'etc/platform' => "linux/amd64\n",
                         'data/first'   => "the first file\n",
                         'data/second'  => "the second file\n" },
              "$image: the files of its layers");
    ok(-x "$said/bin/busybox", "$image: an executable one");

    podman('image', 'unmount', $name);
}


sub run_image
{
    my ($image, $name) = @_;

    SKIP: {
        skip "$image: runs: podman starts no container here: $why", 1 unless $runs;

        my ($status, $said) = podman(@{$way->[0]}, 'run', @limits,
                                     @{$way->[1]}, $name);

        # another machine's
        $said =~ s/^WARNING: image platform .* does not match .*\n//;

        is($said, $Schema1::E2E::say, "$image: runs");
    }
}


# a machine may let nobody start containers: an image that no registry was asked
# for tells
sub can_run
{
    my $probe = "$dir/probe";

    make_path("$probe/bin");
    Schema1::Servers::must('cp', $Schema1::Images::busybox, "$probe/bin/");
    Schema1::Servers::must('tar', '-C', $probe, '-cf', "$probe.tar", 'bin');

    my ($status, $said) = podman('import', '-q', "$probe.tar", 'probe:1');
    return (0, "podman import: $said") if $status;

    for (@ways) {
        $way = $_;
        ($status, $said) = podman(@{$way->[0]}, 'run', @limits, @{$way->[1]},
                                  'probe:1', '/bin/busybox', 'echo', 'probed');

        return 1 if $status == 0 && $said =~ /probed/;
    }

    return (0, $said =~ s/\s+/ /gr);
}


sub modern
{
    my ($image) = @_;

    $e2e->{servers}->access('nginx');

    my ($status, $said) = podman('pull', '-q', '--arch', 'amd64',
                                 '--tls-verify=false',
                                 '--signature-policy', "$dir/policy.json",
                                 "127.0.0.1:$e2e->{proxy}/$image");

    is($status, 0, "$image: pulled by podman itself") or diag($said);

    my @log = grep { m{/manifests/1 } } $e2e->{servers}->access('nginx');

    like("@log", qr/ 200 PASS /, "$image: what is stored passes");
    unlike("@log", qr/CONVERTED/, "$image: nothing was converted for it");
}
