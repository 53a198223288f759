#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# containerd 1.x pulls and runs schema 1, as Kubernetes had it do; behind nothing
# that takes its Accept header away it is a modern client.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

use Schema1::Documents;
use Schema1::E2E;

# it resolves a tag to a digest, and asks for that digest from then on
my $e2e = Schema1::E2E->new(
    needs    => [qw(containerd ctr runc)], root => 1,
    http     => 'schema_conversion_cache_zone schema1:10m;',
    location => 'schema_conversion_cache schema1;',
);

my ($version) = `containerd --version` =~ / v?(\d+)\.\d+/;

plan skip_all => "containerd $version takes no schema 1" if $version > 1;

# the name of a socket is short by law
my $run = tempdir('schema1-XXXXXX', TMPDIR => 1, CLEANUP => 1);

start_containerd();

pull_as_old($_) for @Schema1::E2E::images;
pull_as_modern('e2e/oci:1');

$e2e->log_ok;
done_testing();

$e2e->{servers}->stop('containerd');
Schema1::Servers::remove_all($run);


sub start_containerd
{
    my $dir = $e2e->{servers}->dir('c');

    make_path($dir);
    Schema1::Servers::put("$dir/config.toml", <<END);
version = 2
root = "$dir/root"
state = "$run/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]

[grpc]
  address = "$run/c.sock"
END

    $e2e->{servers}->spawn('containerd', 'containerd', '--config',
                           "$dir/config.toml");

    eval {
        $e2e->{servers}->wait_for('containerd', 60, sub {
            -S "$run/c.sock" && (ctr('version'))[0] == 0
        });
    } or plan skip_all => "containerd does not start on this machine: "
                          . $e2e->{servers}->log_tail('containerd')
                            =~ s/\s+/ /gr;
}


sub ctr
{
    my ($status, $said) = Schema1::Servers::run(
        'ctr', '--address', "$run/c.sock", '--namespace', 'e2e', @_);

    # 1.7 warns of the format each time
    $said =~ s/^time="[^"]*" level=warning .*\n//mg;

    return ($status, $said);
}


sub pull_as_old
{
    my ($image) = @_;

    my $name = "127.0.0.1:$e2e->{stripped}/$image";

    $e2e->{servers}->access('nginx');

    my ($status, $said) = ctr('images', 'pull', '--plain-http',
                              '--snapshotter', 'native', $name);
    is($status, 0, "$image: pulled") or return diag($said);

    my @log = grep { m{/manifests/} } $e2e->{servers}->access('nginx');

    like("@log", qr{HEAD \S+ 200 (?:CONVERTED|HIT) - "-"},
         "$image: resolved to a converted manifest");
    like("@log", qr{GET \S+/manifests/sha256:\w+ 200 DIGEST - "-"},
         "$image: asked for by its digest");

    run_image($image, $name);
}


sub run_image
{
    my ($image, $name) = @_;

    my $id = $image =~ s/\W/-/gr;
    my ($status, $said) = ctr('run', '--rm', '--snapshotter', 'native',
                              $name, $id);

    SKIP: {
        skip "$image: runs: containerd starts no container here: "
             . $said =~ s/\s+/ /gr, 1
            if $status && $said =~ /cgroup|permitted|denied|mount
                                    |runc\ did\ not\ terminate/ix;

        is($said, $Schema1::E2E::say, "$image: runs");
    }
}


sub pull_as_modern
{
    my ($image) = @_;

    $e2e->{servers}->access('nginx');

    my ($status, $said) = ctr('images', 'pull', '--plain-http',
                              '--snapshotter', 'native',
                              "127.0.0.1:$e2e->{proxy}/$image");

    is($status, 0, "$image: pulled by a modern client") or diag($said);

    my @log = grep { m{/manifests/1 } } $e2e->{servers}->access('nginx');

    like("@log", qr/ 200 PASS /, "$image: what is stored passes");
    unlike("@log", qr/CONVERTED/, "$image: nothing was converted for it");
}
