package Schema1::AllKinds;

# Copyright (C) the ngx_http_schema1_module authors

# Small images of every kind that a registry may contain, pushed to a real one
# without any build tool: what can be converted, in each format, and what
# cannot.

use strict;
use warnings;

use Exporter 'import';

use Schema1::Documents;
use Schema1::Servers;

our @EXPORT_OK = qw(push_all_kinds);

# what the registry's configuration needs for foreign layers
our $config = <<'END';
validation:
  manifests:
    urls:
      allow:
        - ^https://layers\.example\.com/
END

my %kinds = (
    docker         => sub { image(docker => $_[0]) },
    oci            => sub { image(oci => $_[0]) },
    single         => sub { image(docker => $_[0], layers => 1) },
    'no-history'   => sub { image(oci => $_[0], history => undef) },
    'empty-steps'  => sub { image(docker => $_[0], history => steps(2, 5)) },
    'long-history' => sub { image(docker => $_[0], history => steps(2, 130)) },
    'full-history' => sub { image(oci => $_[0], history => steps(2, 125)) },
    list           => sub {
        list(docker => $_[0], qw(linux/amd64 linux/arm64));
    },
    index          => sub { list(oci => $_[0], qw(linux/arm64 linux/amd64)) },
    'mixed-list'   => sub {
        list(docker => $_[0], [oci => 'linux/amd64'], [oci => 'linux/arm64']);
    },
    attested       => sub {
        list(oci => $_[0], 'linux/amd64', 'unknown/unknown');
    },
    nested         => sub { nested($_[0]) },
    variants       => sub { list(oci => $_[0], map { "linux/$_" }
                                 qw(arm/v6 arm/v7 amd64)) },
    'other-arch'   => sub {
        list(docker => $_[0], qw(linux/arm64 linux/s390x));
    },
    zstd           => sub { image(oci => $_[0], layer => 'zstd') },
    encrypted      => sub { image(oci => $_[0], layer => 'encrypted') },
    foreign        => sub { image(docker => $_[0], layer => 'foreign') },
    chart          => sub { artifact($_[0]) },
    'bad-config'   => sub { image(oci => $_[0], config => "{$_[0]") },
    'bad-layers'   => sub {
        image(docker => $_[0], config => { rootfs => { type => 'layers',
                                                       diff_ids => [] } });
    },
    'lost-config'  => sub { lost(config => image(docker => $_[0])) },
    'lost-child'   => sub { lost(child => list(oci => $_[0], 'linux/amd64')) },
);


sub kinds
{
    return sort keys %kinds;
}


# Pushes n images, kind after kind, to a registry's port.  Returns their names,
# "all/KIND:NUMBER".
sub push_all_kinds
{
    my ($port, $n) = @_;

    my @kinds = kinds();
    my @names;

    for my $number (1 .. $n) {
        my $kind = $kinds[($number - 1) % @kinds];

        push_one($port, "all/$kind", $number, $kinds{$kind}->($number));
        push @names, "all/$kind:$number";
    }

    return @names;
}


sub image
{
    my ($format, $number, %opt) = @_;

    my $layer = delete $opt{layer};

    $opt{layers} //= 2;
    $opt{layers} = [map { "layer $_ of image $number\n" } 1 .. $opt{layers}];

    my $image = image_documents(format => $format, %opt);

    return $image unless $layer;

    # the same layers, by other names

    my $type = { zstd => 'application/vnd.oci.image.layer.v1.tar+zstd',
                 encrypted =>
                     'application/vnd.oci.image.layer.v1.tar+gzip+encrypted',
                 foreign => 'application/vnd.docker.image.rootfs.foreign'
                            . '.diff.tar.gzip' }->{$layer};

    my @layers = map { { %{$_->{descriptor}}, mediaType => $type,
                         $layer eq 'foreign'
                         ? (urls => ['https://layers.example.com/layer'])
                         : () } } @{$image->{layers}};
    my $blobs = $image->{blobs};

    $image = image_documents(format => $format, %opt, layers => \@layers);
    $image->{blobs} = { %$blobs, %{$image->{blobs}} };

    return $image;
}


sub steps
{
    my ($layers, $n) = @_;

    return [map { { created_by => "step $_",
                    $_ <= $layers ? () : (empty_layer => JSON::PP::true) } }
            1 .. $n];
}


sub list
{
    my ($format, $number, @platforms) = @_;

    my @entries = map {
        my ($of, $platform) = ref $_ ? @$_ : ($format, $_);
        image($of, "$number $platform", platform => $platform);
    } @platforms;

    my $list = list_document(format => $format, entries => \@entries);

    $list->{children} = \@entries;

    return $list;
}


sub nested
{
    my ($number) = @_;

    my $inner = list(oci => $number, 'linux/amd64', 'linux/arm64');
    my $outer = list_document(format => 'oci', entries => [
        { of => $inner, platform => undef } ]);

    $outer->{children} = [$inner];

    return $outer;
}


sub artifact
{
    my ($number) = @_;

    my $config = json({ name => "chart $number" });

    return image(oci => $number, config => $config, manifest => {
        config => { mediaType => 'application/vnd.cncf.helm.config.v1+json',
                    digest => digest($config), size => length $config } });
}


# what is deleted again after it was pushed
sub lost
{
    my ($what, $document) = @_;

    $document->{lost} = $what;

    return $document;
}


sub push_one
{
    my ($port, $name, $reference, $document) = @_;

    my $url = "http://127.0.0.1:$port/v2/$name";

    push_one($port, $name, $_->{digest}, $_)
        for @{$document->{children} || []};

    put_blob($url, $document->{blobs}{$_}) for keys %{$document->{blobs}};

    must(201, "$url/manifests/$reference", method => 'PUT',
         content => $document->{body}, 'Content-Type' => $document->{type});

    my $lost = $document->{lost} // '';

    must(202, "$url/blobs/$document->{config_digest}", method => 'DELETE')
        if $lost eq 'config';
    must(202, "$url/manifests/$document->{children}[0]{digest}",
         method => 'DELETE') if $lost eq 'child';
}


sub put_blob
{
    my ($url, $bytes) = @_;

    my $headers = must(202, "$url/blobs/uploads/", method => 'POST');
    my $to = $headers->{location};

    must(201, $to . ($to =~ /\?/ ? '&' : '?') . 'digest=' . digest($bytes),
         method => 'PUT', content => $bytes,
         'Content-Type' => 'application/octet-stream');
}


sub must
{
    my ($wanted, $url, %request) = @_;

    my ($status, $headers, $body) = Schema1::Servers::get($url, %request);

    $status == $wanted or die "$request{method} $url: $status $body\n";

    return $headers;
}


1;
