package Schema1::Documents;

# Copyright (C) the ngx_http_schema1_module authors

# Builds container images out of nothing, with true digests and sizes: a
# config, its layers, the manifest that names them, lists of manifests.  Knows
# nothing of servers.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use JSON::PP;

use Exporter 'import';

our @EXPORT = qw(digest json image_documents list_document empty_layer
                 type_of EMPTY_LAYER);

use constant EMPTY_LAYER => 'sha256:'
    . 'a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4';

my $docker = 'application/vnd.docker';
my $oci = 'application/vnd.oci.image';

my %types = (
    docker => {
        manifest => "$docker.distribution.manifest.v2+json",
        list     => "$docker.distribution.manifest.list.v2+json",
        config   => "$docker.container.image.v1+json",
        layer    => "$docker.image.rootfs.diff.tar.gzip",
        schema1  => "$docker.distribution.manifest.v1+prettyjws",
    },
    oci => {
        manifest => "$oci.manifest.v1+json",
        list     => "$oci.index.v1+json",
        config   => "$oci.config.v1+json",
        layer    => "$oci.layer.v1.tar+gzip",
    },
);


# type_of('oci', 'manifest')
sub type_of
{
    my ($format, $what) = @_;

    return $types{$format}{$what} // die "no type of $format $what\n";
}


sub digest
{
    return 'sha256:' . sha256_hex($_[0]);
}


# members sorted: the same bytes at each run
sub json
{
    return JSON::PP->new->canonical->utf8->encode($_[0]);
}


# 32 bytes: a gzipped empty tar
sub empty_layer
{
    return pack 'H*', '1f8b080000096e8800ff621805a360148c5800080000ffff'
                      . '2eafb5ef00040000';
}


# %opt, each with a default:
#     format => 'docker' or 'oci'
#     layers => a number, or a list of bytes or of whole descriptors (hashes)
#     history => a list of entries; undef: without; default: one for each layer
#     config => members added to the config, or a string: its very bytes
#     manifest => members added to the manifest, or a string: its very bytes
#     platform => 'linux/amd64'
# Returns a hash: type, body, digest, config, config_digest, layers (a list of
# hashes: body, digest), blobs (digest => body).
sub image_documents
{
    my (%opt) = @_;

    my $format = $opt{format} || 'docker';
    my ($os, $arch, $variant) = split m{/}, $opt{platform} || 'linux/amd64';
    my @layers = layers($format, $opt{layers} // 2);

    my $config = $opt{config};

    if (ref($config || {}) eq 'HASH') {
        my $history = exists $opt{history} ? $opt{history} : [
            map { { created    => '2020-01-02T03:04:05.678Z',
                    created_by => "/bin/sh -c echo $_" } } 1 .. @layers
        ];

        $config = json({
            architecture => $arch,
            os           => $os,
            $variant ? (variant => $variant) : (),
            created      => '2020-01-02T03:04:05.678Z',
            config       => { Cmd => ['/hello'], Env => ['A=b'] },
            rootfs       => { type     => 'layers',
                              diff_ids => [map { $_->{diff_id} } @layers] },
            $history ? (history => $history) : (),
            %{$config || {}},
        });
    }

    my $body = $opt{manifest};

    if (ref($body || {}) eq 'HASH') {
        $body = json({
            schemaVersion => 2,
            mediaType     => type_of($format, 'manifest'),
            config        => { mediaType => type_of($format, 'config'),
                               digest    => digest($config),
                               size      => length $config },
            layers        => [map { $_->{descriptor} } @layers],
            %{$body || {}},
        });
    }

    return {
        format        => $format,
        platform      => $opt{platform} || 'linux/amd64',
        type          => $opt{type} || type_of($format, 'manifest'),
        body          => $body,
        digest        => digest($body),
        config        => $config,
        config_digest => digest($config),
        layers        => \@layers,
        blobs         => { digest($config) => $config,
                           map { $_->{digest} => $_->{body} }
                           grep { defined $_->{body} } @layers },
    };
}


sub layers
{
    my ($format, $layers) = @_;

    my @given = ref $layers ? @$layers
                            : map { "layer $_ of an image\n" } 1 .. $layers;
    my @layers;

    for my $layer (@given) {

        if (ref $layer) {
            push @layers, { digest     => $layer->{digest},
                            descriptor => $layer,
                            diff_id    => digest("tar of $layer->{digest}") };
            next;
        }

        push @layers, {
            body       => $layer,
            digest     => digest($layer),
            diff_id    => digest("tar of $layer"),
            descriptor => { mediaType => type_of($format, 'layer'),
                            digest    => digest($layer),
                            size      => length $layer },
        };
    }

    return @layers;
}


# %opt:
#     format => 'docker' or 'oci'
#     entries => a list of documents, or of hashes: of => document,
#         platform => 'os/arch[/variant]' or undef for none, any other member
#         goes to the descriptor
#     list => members added to the list, or a string: its very bytes
sub list_document
{
    my (%opt) = @_;

    my $format = $opt{format} || 'docker';
    my @manifests;

    for my $entry (@{$opt{entries} || []}) {
        my %entry = $entry->{body} ? (of => $entry) : %$entry;
        my $of = delete $entry{of};
        my $platform = exists $entry{platform}
                       ? delete $entry{platform}
                       : ($of || {})->{platform};

        if (defined $platform && !ref $platform) {
            my ($os, $arch, $variant) = split m{/}, $platform;

            $platform = { os => $os, architecture => $arch,
                          $variant ? (variant => $variant) : () };
        }

        push @manifests, {
            $of ? (mediaType => $of->{type}, digest => $of->{digest},
                   size => length $of->{body}) : (),
            $platform ? (platform => $platform) : (),
            %entry,
        };
    }

    my $body = $opt{list};

    if (ref($body || {}) eq 'HASH') {
        $body = json({
            schemaVersion => 2,
            mediaType     => type_of($format, 'list'),
            manifests     => \@manifests,
            %{$body || {}},
        });
    }

    return {
        format => $format,
        type   => $opt{type} || type_of($format, 'list'),
        body   => $body,
        digest => digest($body),
        blobs  => {},
    };
}


1;
