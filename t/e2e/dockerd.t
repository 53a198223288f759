#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# dockerd pulls, with its Accept header taken away so that it has to take
# schema 1, and runs what it pulled.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Schema1::Docker;
use Schema1::Documents;
use Schema1::E2E;

my $e2e = Schema1::E2E->new(needs => [qw(dockerd docker containerd runc)],
                            root => 1);

my $docker = eval { Schema1::Docker->new($e2e->{servers}, schema1 => 1) };

plan skip_all => $@ unless $docker;

my $why = $docker->cannot_run;

for my $image (@Schema1::E2E::images) {
    pull_as_old($image);
}

pull_as_modern('e2e/oci:1');

$e2e->log_ok;
done_testing();

$docker->stop;


sub pull_as_old
{
    my ($image) = @_;

    my $name = "127.0.0.1:$e2e->{stripped}/$image";

    $e2e->{servers}->access('nginx');

    my ($status, $said) = $docker->docker('pull', $name);
    is($status, 0, "$image: pulled") or return diag($said);

    my @log = grep { m{/manifests/} } $e2e->{servers}->access('nginx');

    like("@log", qr{GET /v2/\S+/manifests/\S+ 200 CONVERTED - "-"},
         "$image: from a converted manifest");

    my $digest = read_digest($image);

    like($said, qr/Digest: \Q$digest\E/, "$image: by the digest it was told");

    same_image($image, $name);
    run_image($image, $name);

    $docker->docker('rmi', '-f', $name);
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

    my $got = $docker->inspect($name);
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
        skip "$image: runs: dockerd starts no container here: $why", 1 if $why;

        my ($status, $said) = $docker->docker('run', '--rm', '--network',
                                              'none', $name);

        is($said, $Schema1::E2E::say, "$image: runs");
    }
}


# without the second nginx: what is stored is what it takes
sub pull_as_modern
{
    my ($image) = @_;

    my $name = "127.0.0.1:$e2e->{proxy}/$image";

    $e2e->{servers}->access('nginx');

    my ($status, $said) = $docker->docker('pull', $name);
    is($status, 0, "$image: pulled by a modern client") or diag($said);

    my @log = grep { m{/manifests/1 } } $e2e->{servers}->access('nginx');

    unlike("@log", qr/CONVERTED/, "$image: nothing was converted for it");
}
