package Schema1::Podman;

# Copyright (C) the ngx_http_schema1_module authors

# podman with its storage and configuration in one folder of the test.
#
#     my $podman = Schema1::Podman->new($servers->dir);
#     $podman->{why}                        why it starts no container, or ''
#     my ($status, $output) = $podman->run('pull', ...);
#     my @command = $podman->command('run', ...);     to be started by "spawn"

use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp qw(tempdir);

use Schema1::Images;
use Schema1::Servers;

# crun if it works, runc on a machine with cgroups of both versions
my @ways = (
    [[], [qw(--cgroups=disabled)]],
    [[qw(--runtime runc)], []],
);


sub new
{
    my ($class, $dir) = @_;

    my $self = bless { dir => $dir, owner => $$,
                       run => tempdir('schema1-XXXXXX', TMPDIR => 1) }, $class;

    Schema1::Servers::put("$dir/policy.json",
                          '{"default":[{"type":"insecureAcceptAnything"}]}');
    Schema1::Servers::put("$dir/registries.conf", "\n");
    Schema1::Servers::put("$dir/auth.json", "{}\n");
    Schema1::Servers::put("$dir/containers.conf", <<END);
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
END

    $self->{why} = $self->probe;

    return $self;
}


# the global options
sub options
{
    my ($self) = @_;

    return ('--root', "$self->{dir}/storage",
            '--runroot', "$self->{run}/root", '--tmpdir', "$self->{run}/tmp",
            '--storage-driver', 'vfs', @{($self->{way} || [[]])->[0]});
}


# "run" shares the network of the machine
sub command
{
    my ($self, $verb, @arguments) = @_;

    my @run = $verb eq 'run'
              ? (qw(--rm --network host --log-driver=none
                    --ulimit nofile=1024:1024 --ulimit nproc=1024:1024),
                 @{$self->{way}[1]}) : ();

    return ('env', "CONTAINERS_CONF=$self->{dir}/containers.conf",
            "CONTAINERS_REGISTRIES_CONF=$self->{dir}/registries.conf",
            "REGISTRY_AUTH_FILE=$self->{dir}/auth.json",
            "XDG_RUNTIME_DIR=$self->{run}", "TMPDIR=$self->{dir}",
            'PODMAN_IGNORE_CGROUPSV1_WARNING=1',
            'podman', $self->options, $verb, @run, @arguments);
}


sub run
{
    my ($self, @arguments) = @_;

    return Schema1::Servers::run($self->command(@arguments));
}


# a machine may not allow containers: an image that is no registry's shows that
sub probe
{
    my ($self) = @_;

    my $probe = "$self->{dir}/probe";

    make_path("$probe/bin");
    Schema1::Servers::must('cp', $Schema1::Images::busybox, "$probe/bin/");
    Schema1::Servers::must('tar', '-C', $probe, '-cf', "$probe.tar", 'bin');

    my ($status, $said) = $self->run('import', '-q', "$probe.tar", 'probe:1');
    return "podman import: $said" if $status;

    for (@ways) {
        $self->{way} = $_;
        ($status, $said) = $self->run('run', 'probe:1', '/bin/busybox',
                                      'echo', 'probed');

        return '' if $status == 0 && $said =~ /probed/;
    }

    return $said =~ s/\s+/ /gr;
}


sub remove
{
    my ($self) = @_;

    my $run = $self->{run} // return;

    $self->run('system', 'reset', '--force');
    Schema1::Servers::remove_all($run);
    delete $self->{run};
}


# also if the test is interrupted
sub DESTROY
{
    my ($self) = @_;

    return if $self->{owner} != $$;

    local ($?, $@);
    $self->remove;
}


1;
