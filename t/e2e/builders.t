#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# Images of different builders: dockerd, with its Accept header taken away,
# pulls and runs each, and finds what buildah finds in the original.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP;
use Test::More;
use Time::Local qw(timegm);

use Schema1::Builders;
use Schema1::Docker;
use Schema1::Documents;
use Schema1::E2E;
use Schema1::JWS;
use Schema1::Tree qw(tree);

my $e2e = Schema1::E2E->new(
    needs => [qw(dockerd docker containerd runc umoci skopeo)], root => 1);
my $dir = $e2e->{servers}->dir;
my $docker = eval { Schema1::Docker->new($e2e->{servers}, schema1 => 1) };

plan skip_all => $@ unless $docker;

my $why = $docker->cannot_run;
my $builders = Schema1::Builders->new("$dir/builders", $e2e->{registry});

for ($builders->all) {
    my ($image, $prints, %opt) = @$_;

    subtest $image => sub { same($image, $prints, %opt) };
}

$e2e->log_ok;
done_testing();

$docker->stop;
Schema1::Servers::remove_all("$dir/builders");


sub same
{
    my ($image, $prints, %opt) = @_;

    my $name = "127.0.0.1:$e2e->{stripped}/$image";
    my $of = $opt{of} || $image;
    my $original = original($of);

    converted($image, $original);

    $e2e->{servers}->access('nginx');

    my ($status, $said) = $docker->docker('pull', $name);
    is($status, 0, 'pulled') or return diag($said);

    my @log = grep { m{/manifests/} } $e2e->{servers}->access('nginx');

    like("@log", qr{GET /v2/\S+/manifests/\S+ 200 CONVERTED - "-"},
         'from a converted manifest');

    same_config($docker->inspect($name), $original->{config},
                $e2e->config_of($of)->{created});
    same_files($name, $original->{files});

    SKIP: {
        skip "dockerd starts no container here: $why", 1 if $why;
        runs($name, $prints, $opt{refused} ? undef : $of);
    }

    $docker->docker('rmi', '-f', $name);
}


# what buildah says of it
sub original
{
    my ($image) = @_;

    my $images = $builders->{images};
    my $url = $builders->url($image);
    my $tar = "$dir/original.tar";

    my $container = $images->buildah('from', $images->policy, '--pull', '-q',
                                     '--arch', 'amd64', '--tls-verify=false',
                                     $url);
    chomp $container;

    my $folder = $images->buildah('mount', $container);
    chomp $folder;

    my $config = JSON::PP->new->utf8->decode(
        $images->buildah('inspect', $container))->{OCIv1};

    Schema1::Servers::must('tar', '-C', $folder, '-cf', $tar, '.');

    my $files = tree($tar);

    $images->buildah('umount', $container);
    $images->buildah('rm', $container);
    $images->buildah('rmi', '--all', '--force');

    return { config => $config, files => $files };
}


# by Docker's rules, and no layer lost
sub converted
{
    my ($image, $original) = @_;

    my ($name, $tag) = split /:/, $image;
    my ($status, undef, $body) = $e2e->manifest(proxy => $image);

    is($status, 200, 'converted') or return diag($body);

    my $jws = eval { check_schema1($body, $name, $tag, undef, 'amd64') };
    ok($jws, 'by Docker\'s rules, and signed') or return diag($@);

    my $layers = grep { $_->{blobSum} ne EMPTY_LAYER }
                 @{$jws->{json}{fsLayers}};

    is($layers, scalar @{$original->{config}{rootfs}{diff_ids}},
       'every layer is there');
}


sub same_config
{
    my ($got, $original, $created) = @_;

    my $want = $original->{config};

    for my $member (qw(Cmd Entrypoint Env ExposedPorts Labels User Volumes
                       WorkingDir))
    {
        is_deeply(something($got->{Config}{$member}),
                  something($want->{$member}), $member);
    }

    is("$got->{Os}/$got->{Architecture}",
       "$original->{os}/$original->{architecture}", 'the platform');

    # buildah's container has a time of its own: this is the image's
    is(instant($got->{Created}), instant($created), 'Created');

    # empty layers of the history are layers here
    my %wanted = map { $_ => 1 } @{$original->{rootfs}{diff_ids}};

    is_deeply([grep { $wanted{$_} } @{$got->{RootFS}{Layers}}],
              $original->{rootfs}{diff_ids}, 'the layers');
}


# seconds and what is behind their point; where an image has no time, Docker
# shows year 1, since version 25 nothing
sub instant
{
    my ($time) = @_;

    return 'none' if ($time // '') =~ /^(0001-01-01T00:00:00Z)?$/;

    my ($y, $mon, $d, $h, $min, $s, $rest, $sign, $zh, $zm) = $time =~
        /^(\d+)-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+?)0*)?
         (?:Z|([+-])(\d\d):(\d\d))$/x or return "odd: $time";

    my $zone = $sign ? "${sign}1" * (60 * $zh + $zm) * 60 : 0;

    return timegm($s, $min, $h, $d, $mon - 1, $y) - $zone
           . '.' . ($rest // 0);
}


# the same whether left out or empty
sub something
{
    my ($value) = @_;

    return ref $value eq 'ARRAY' && !@$value
           || ref $value eq 'HASH' && !%$value
           || defined $value && !ref $value && $value eq ''
           ? undef : $value;
}


sub same_files
{
    my ($name, $want) = @_;

    my $tar = "$dir/converted.tar";

    $docker->export($name, $tar);

    my $got = tree($tar);

    cmp_ok(scalar keys %$want, '>', 4, 'there are files');
    is_deeply($got, $want, 'the file tree');
}


# the same as what dockerd pulls of the original
sub runs
{
    my ($name, $prints, $of) = @_;

    my ($status, $said) = $docker->docker('run', '--rm', '--network', 'none',
                                          '--hostname', 'h', $name);

    is($status, 0, 'runs');
    like($said, qr/\Q$prints\E/, 'prints what it has to');

    return unless $of;

    my $today = "127.0.0.1:$e2e->{registry}/$of";

    my ($before, $expected) = $docker->docker('pull', '-q', $today);
    is($before, 0, 'pulled as it is') or return diag($expected);

    ($before, $expected) = $docker->docker('run', '--rm', '--network', 'none',
                                           '--hostname', 'h', $today);

    is($said, $expected, 'prints the same as the original');
    $docker->docker('rmi', '-f', $today);
}
