#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# skopeo inspects and copies: behind a server that takes its Accept header away
# it is an old client, else a modern one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP;
use Test::More;

use Schema1::Documents;
use Schema1::E2E;

my $e2e = Schema1::E2E->new(needs => [qw(skopeo)]);
my $dir = $e2e->{servers}->dir;

Schema1::Servers::put("$dir/policy.json",
                      '{"default":[{"type":"insecureAcceptAnything"}]}');
Schema1::Servers::put("$dir/registries.conf", "\n");
Schema1::Servers::put("$dir/auth.json", "{}\n");

for my $image (@Schema1::E2E::images) {
    inspect($image);
    copied($image);
    untouched($image);
}

schema2_of_oci('e2e/oci:1');

$e2e->log_ok;
done_testing();


sub skopeo
{
    my ($command, @arguments) = @_;

    local $ENV{CONTAINERS_REGISTRIES_CONF} = "$dir/registries.conf";
    local $ENV{REGISTRY_AUTH_FILE} = "$dir/auth.json";
    local $ENV{XDG_RUNTIME_DIR} = "$dir/run";
    local $ENV{TMPDIR} = $dir;

    return Schema1::Servers::run('skopeo', '--policy', "$dir/policy.json",
        $command, ($command eq 'inspect' ? '--tls-verify=false'
                                         : '--src-tls-verify=false'),
        @arguments);
}


sub url
{
    my ($port, $image) = @_;

    return "docker://127.0.0.1:$e2e->{$port}/$image";
}


sub inspect
{
    my ($image) = @_;

    my ($name, $tag) = split /:/, $image;
    my ($status, $said) = skopeo('inspect', url(stripped => $image));

    is($status, 0, "$image: inspect") or return diag($said);

    my $got = JSON::PP->new->utf8->decode($said);
    my (undef, $headers) = $e2e->manifest(proxy => $image);

    is($got->{Digest}, $headers->{'docker-content-digest'},
       "$image: the digest by skopeo's own count");
    is("$got->{Os}/$got->{Architecture}", 'linux/amd64',
       "$image: the platform");
    is_deeply($got->{Env}, ['PATH=/bin', 'GREETING=amd64'], "$image: Env");
    is($got->{Labels}{maintainer}, 'nobody', "$image: Labels");
    like($got->{Created}, qr/^20\d\d-/, "$image: Created");

    ($status, $said) = skopeo('inspect', '--raw', url(stripped => $image));
    my $raw = eval { JSON::PP->new->utf8->decode($said) } || {};

    is($raw->{schemaVersion}, 1, "$image: it was given schema 1");
}


# to a folder: skopeo verifies every digest on the way
sub copied
{
    my ($image) = @_;

    my $to = "$dir/copied";

    Schema1::Servers::remove_all($to);

    my ($status, $said) = skopeo('copy', url(stripped => $image), "oci:$to:x");
    is($status, 0, "$image: copy to OCI") or return diag($said);

    my $index = JSON::PP->new->utf8->decode(
        Schema1::Servers::slurp("$to/index.json"));
    my $manifest = layout($to, $index->{manifests}[0]{digest});
    my $config = layout($to, $manifest->{config}{digest});
    my $want = $e2e->config_of($image);
    my %is_wanted = map { $_ => 1 } @{$want->{rootfs}{diff_ids}};

    # the empty layers of the history have become layers
    is_deeply([grep { $is_wanted{$_} } @{$config->{rootfs}{diff_ids}}],
              $want->{rootfs}{diff_ids},
              "$image: the layers unpack to what the image has");
    is_deeply($config->{config}{Cmd}, $want->{config}{Cmd}, "$image: Cmd");
}


sub layout
{
    my ($to, $digest) = @_;

    my ($hex) = $digest =~ /^sha256:(\w+)$/;

    return JSON::PP->new->utf8->decode(
        Schema1::Servers::slurp("$to/blobs/sha256/$hex"));
}


sub untouched
{
    my ($image) = @_;

    my ($was, $stored) = skopeo('inspect', '--raw', url(registry => $image));
    my ($status, $said) = skopeo('inspect', '--raw', url(proxy => $image));

    is("$status $said", "$was $stored", "$image: as stored for skopeo itself");
}


# what a client without OCI is given is an image to skopeo
sub schema2_of_oci
{
    my ($image) = @_;

    my $port = Schema1::Servers::free_port();
    my $accept = join ', ', type_of('docker', 'manifest'),
        type_of('docker', 'list'), type_of('docker', 'schema1'),
        'application/json';

    $e2e->{middle} = $port;
    $e2e->{servers}->nginx('middle', <<END, $port);
    server {
        listen 127.0.0.1:$port;

        location /v2/ {
            proxy_pass http://127.0.0.1:$e2e->{proxy};
            proxy_set_header Accept "$accept";
        }
    }
END

    my $to = "$dir/middle-copy";
    my ($status, $said) = skopeo('copy', url(middle => $image), "dir:$to");

    is($status, 0, "$image: copied as Docker 1.13 would") or diag($said);

    my $manifest = eval { JSON::PP->new->utf8->decode(
        Schema1::Servers::slurp("$to/manifest.json")) } || {};

    is($manifest->{mediaType}, type_of('docker', 'manifest'),
       "$image: it was given schema 2");

    (undef, undef, my $body) = $e2e->manifest(
        registry => $image, Accept => $Schema1::E2E::modern);
    my $stored = JSON::PP->new->utf8->decode($body);

    is_deeply([map { "$_->{digest} $_->{size}" }
               $manifest->{config}, @{$manifest->{layers} || []}],
              [map { "$_->{digest} $_->{size}" }
               $stored->{config}, @{$stored->{layers}}],
              "$image: of the same config and layers");
}
