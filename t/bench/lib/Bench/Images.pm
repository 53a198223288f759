package Bench::Images;

# Copyright (C) the ngx_http_schema1_module authors

# The images of the benchmarks: manifests and configs of any size, the responses
# of the upstream, and the upload to a registry.

use strict;
use warnings;

use File::Path qw(make_path);
use JSON::PP;

use Schema1::Documents;
use Schema1::Images;
use Schema1::Servers;

my $json = JSON::PP->new->canonical->indent->indent_length(3)->space_after;

# what fills a config, by kind: before, an item, after
my %fill = (
    labels  => [',"labels":{', sub {
        sprintf '"org.example.label.%07d":"it\'s \"%07d\", <%s> of a few & '
                . 'plain words that fill a line",', $_[0], $_[0],
                'x' x ($_[0] % 7) }, '"pad":"%s"}}'],
    members => [',', sub {
        sprintf '"%06x":%d,', $_[0] * 7919 % 16777213, $_[0] % 10 },
                '"pad":"%s"}'],
    numbers => [',"numbers":[', sub { ($_[0] % 10) . ',' }, '"%s"]}'],
);


# responses are stored in a folder
sub new
{
    my ($class, $dir) = @_;

    make_path($dir);

    return bless { dir => $dir, routes => '' }, $class;
}


# layers => N, entries => N (all of the history), size => of the config,
# fill => a key of %fill
sub add
{
    my ($self, $name, %opt) = @_;

    my $layers = $opt{layers} || 1;
    my @history = map { entry($_, $_ > $layers) }
                      1 .. $opt{entries} || $layers;
    my $config = {
        created => '2024-05-01T10:00:00.123456789Z',
        config  => {
            Env => ['PATH=/usr/local/sbin:/usr/local/bin:/usr/bin:/bin'],
            Cmd => ['/bin/sh', '-c', 'exec app "$@" > /dev/null && true'],
        },
    };
    my $image = image_documents(layers => $layers, history => \@history,
                                config => $config);

    $image = image_documents(layers => $layers, config => filled(
        $image->{config}, $opt{size}, @{$fill{$opt{fill} || 'labels'}}))
        if $opt{size};

    # as Docker writes it
    $image->{body} = $json->encode(decode_json($image->{body}));

    my $path = "/v2/bench/$name";

    $image->{name} = "bench/$name";
    $image->{path} = "$path/manifests/1.0";
    $image->{config_path} = "$path/blobs/$image->{config_digest}";

    $self->route($image->{path}, $image->{type}, $image->{body});
    $self->route($image->{config_path}, 'application/octet-stream',
                 $image->{config});

    return $self->{$name} = $image;
}


sub entry
{
    my ($i, $empty) = @_;

    return {
        created => sprintf('2024-05-01T09:%02d:%02dZ', $i / 60 % 60, $i % 60),
        created_by => '/bin/sh -c #(nop) ' . ($empty
            ? "ENV STEP_$i=\"$i\""
            : 'COPY file:' . substr(digest($i), 7, 40) . " in /app/$i"),
        $empty ? (empty_layer => JSON::PP::true) : (),
    };
}


sub filled
{
    my ($config, $size, $before, $item, $after) = @_;

    $config =~ s/\}$/$before/;

    for (my $i = 0; ; $i++) {
        my $next = $item->($i);

        last if length($config) + length($next) + length($after) > $size + 2;

        $config .= $next;
    }

    return $config . sprintf $after,
                     '.' x ($size + 2 - length($config) - length($after));
}


# with the header lines of registry 2.8
sub route
{
    my ($self, $path, $type, $body) = @_;

    my $file = "$self->{dir}/" . $path =~ tr{/:}{..}r;
    my $digest = digest($body);

    Schema1::Servers::put($file, join("\r\n",
        'HTTP/1.1 200 OK', "Content-Type: $type",
        'Content-Length: ' . length $body, "Docker-Content-Digest: $digest",
        'Docker-Distribution-Api-Version: registry/2.0', "Etag: \"$digest\"",
        'X-Content-Type-Options: nosniff',
        'Date: Wed, 01 May 2024 10:00:00 GMT', '', $body));

    $self->{routes} .= "$path\t$file\n";
}


sub routes
{
    my ($self) = @_;

    my $file = "$self->{dir}/routes";

    Schema1::Servers::put($file, $self->{routes});

    return $file;
}


sub upload
{
    my ($self, $image, $port) = @_;

    my $url = "http://127.0.0.1:$port/v2/$image->{name}";

    Schema1::Images->put_blob($url, $_) for values %{$image->{blobs}};
    Schema1::Images->put_manifest($url, '1.0', @$image{qw(type body)});
}


1;
