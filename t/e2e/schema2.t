#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# Schema 2 made from OCI, for clients that know no OCI: dockerd and skopeo,
# given the Accept header of Docker 1.13, take it, and its config and layers are
# those of what is stored.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP;
use Test::More;

use Schema1::Docker;
use Schema1::Documents;
use Schema1::E2E;

my $accept = join ', ', type_of('docker', 'manifest'),
    type_of('docker', 'list'), type_of('docker', 'schema1'),
    'application/json';

my $e2e = Schema1::E2E->new(
    needs => [qw(dockerd docker containerd runc skopeo)], root => 1,
    http     => 'schema_conversion_cache_zone schema1:10m;',
    location => 'schema_conversion_cache schema1;');

my $servers = $e2e->{servers};
my $dir = $servers->dir;
my $json = JSON::PP->new->utf8;

Schema1::Servers::put("$dir/policy.json",
                      '{"default":[{"type":"insecureAcceptAnything"}]}');
Schema1::Servers::put("$dir/registries.conf", "\n");
Schema1::Servers::put("$dir/auth.json", "{}\n");

start_middle();

my $docker = eval { Schema1::Docker->new($servers) };

plan skip_all => $@ unless $docker;

my $why = $docker->cannot_run;

for my $image (qw(e2e/oci:1 e2e/oci:index e2e/ocilist:1)) {
    subtest $image => sub { taken($image) };
}

$e2e->log_ok;
done_testing();

$docker->stop;


sub start_middle
{
    my $port = $e2e->{middle} = Schema1::Servers::free_port();

    $servers->nginx('middle', <<END, $port);
    server {
        listen 127.0.0.1:$port;

        location /v2/ {
            proxy_pass http://127.0.0.1:$e2e->{proxy};
            proxy_set_header Host \$http_host;
            proxy_set_header Accept "$accept";
        }
    }
END
}


sub taken
{
    my ($image) = @_;

    my ($status, $headers, $body) = $e2e->manifest(proxy => $image,
                                                   Accept => $accept);

    is("$status $headers->{'content-type'}",
       '200 ' . type_of('docker', 'manifest'), 'schema 2');
    is($headers->{'docker-content-digest'}, digest($body), 'its digest');

    my (undef, undef, $again) = $e2e->manifest(
        proxy => $image, Accept => type_of('docker', 'manifest'));

    ok($again eq $body, 'the same bytes for who knows nothing but schema 2');

    my $made = $json->decode($body);
    my $stored = manifest_of($image);

    is_deeply([sort keys %$made],
              [qw(config layers mediaType schemaVersion)], 'its members');
    is($made->{config}{mediaType}, type_of('docker', 'config'),
       'the config\'s type');
    is_deeply([map { $_->{mediaType} } @{$made->{layers}}],
              [(type_of('docker', 'layer')) x @{$stored->{layers}}],
              'the layers\' types');
    is_deeply([map { [@$_{qw(digest size)}] }
               $made->{config}, @{$made->{layers}}],
              [map { [@$_{qw(digest size)}] }
               $stored->{config}, @{$stored->{layers}}],
              'the config and the layers are the same');

    by_dockerd($image, $made, digest($body));
    by_skopeo($image, $made, $body);
}


# what is stored for linux/amd64
sub manifest_of
{
    my ($image) = @_;

    my ($name) = split /:/, $image;
    my %all = (Accept => $Schema1::E2E::modern);
    my (undef, undef, $body) = $e2e->manifest(registry => $image, %all);
    my $found = $json->decode($body);

    if ($found->{manifests}) {
        my ($child) = grep { $_->{platform}{architecture} eq 'amd64' }
                      @{$found->{manifests}};

        (undef, undef, $body) = $e2e->manifest(
            registry => "$name\@$child->{digest}", %all);
        $found = $json->decode($body);
    }

    return $found;
}


# dockerd verifies the config and each layer by their digests
sub by_dockerd
{
    my ($image, $made, $digest) = @_;

    my $name = "127.0.0.1:$e2e->{middle}/$image";

    $servers->access('nginx');

    my ($status, $said) = $docker->docker('pull', $name);
    is($status, 0, 'dockerd: pulled') or return diag($said);
    like($said, qr/Digest: \Q$digest\E/, 'dockerd: by its digest');

    my @log = grep { m{/manifests/} } $servers->access('nginx');

    like("@log", qr{/manifests/\S+ 200 (?:CONVERTED|HIT) - "\Q$accept\E"},
         'dockerd: asked as Docker 1.13');

    my $got = $docker->inspect($name);
    my $config = $e2e->config_of($image);

    is($got->{Id}, $made->{config}{digest},
       'dockerd: the image\'s id is the config\'s digest');
    is_deeply($got->{RootFS}{Layers}, $config->{rootfs}{diff_ids},
              'dockerd: the layers unpack to what the image has');
    is_deeply($got->{Config}{$_}, $config->{config}{$_}, "dockerd: $_")
        for qw(Cmd Env Labels WorkingDir);

    ($status) = $docker->docker('pull', $name =~ s/:[^:]+$/\@$digest/r);
    is($status, 0, 'dockerd: pulled by the digest');

    SKIP: {
        skip "dockerd starts no container here: $why", 1 if $why;

        ($status, $said) = $docker->docker('run', '--rm', '--network', 'none',
                                           $name);
        is($said, $Schema1::E2E::say, 'dockerd: runs');
    }

    $docker->docker('rmi', '-f', $got->{Id});
}


sub by_skopeo
{
    my ($image, $made, $body) = @_;

    my $to = "$dir/copied";

    Schema1::Servers::remove_all($to);

    local $ENV{CONTAINERS_REGISTRIES_CONF} = "$dir/registries.conf";
    local $ENV{REGISTRY_AUTH_FILE} = "$dir/auth.json";
    local $ENV{XDG_RUNTIME_DIR} = "$dir/run";
    local $ENV{TMPDIR} = $dir;

    my ($status, $said) = Schema1::Servers::run(
        'skopeo', '--policy', "$dir/policy.json", 'copy',
        '--src-tls-verify=false',
        "docker://127.0.0.1:$e2e->{middle}/$image", "dir:$to");

    is($status, 0, 'skopeo: copied') or return diag($said);
    is(Schema1::Servers::slurp("$to/manifest.json"), $body,
       'skopeo: the manifest, byte for byte');

    my @wrong;

    for my $blob ($made->{config}, @{$made->{layers}}) {
        my ($hex) = $blob->{digest} =~ /^sha256:(\w+)$/;
        my $bytes = Schema1::Servers::slurp("$to/$hex");

        push @wrong, $blob->{digest}
            unless digest($bytes) eq $blob->{digest}
                   && length $bytes == $blob->{size};
    }

    is("@wrong", '', 'skopeo: the config and the layers verify');
}
