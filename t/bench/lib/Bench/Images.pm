package Bench::Images;

# Copyright (C) the ngx_http_schema1_module authors

# The images of the benchmarks: manifests and configs of any size, the routes by
# which the upstream serves them, and the way into a registry.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path);
use HTTP::Tiny;
use JSON::PP;

use Schema1::Documents;
use Schema1::Servers;

my $json = JSON::PP->new->canonical;


# files and routes go into a folder
sub new
{
    my ($class, $dir) = @_;

    make_path($dir);

    return bless { dir => $dir, routes => [] }, $class;
}


# layers => N, entries => N (all of them), size => of the config, exactly,
# fill => labels, members, numbers: what makes up that size
sub add
{
    my ($self, $name, %opt) = @_;

    my $layers = $opt{layers} || 1;
    my $entries = $opt{entries} || $layers;
    my @blobs = map { "layer $_ of $name" } 1 .. $layers;

    my %config = (
        architecture => 'amd64', os => 'linux',
        created => '2024-05-01T10:00:00.123456789Z',
        config => {
            Env => ['PATH=/usr/local/sbin:/usr/local/bin:/usr/bin:/bin'],
            Cmd => ['/bin/sh', '-c', 'exec app "$@" > /dev/null && true'],
        },
        rootfs => {
            type => 'layers',
            diff_ids => [map { 'sha256:' . sha256_hex("diff of $_") } @blobs],
        },
        history => [map { entry($_, $_ > $layers) } 1 .. $entries],
    );

    my $config = $json->encode(\%config);

    $config = filled($config, $opt{size}, $opt{fill} || 'labels')
        if $opt{size};

    my %manifest = (
        schemaVersion => 2,
        mediaType => type_of('docker', 'manifest'),
        config => {
            mediaType => type_of('docker', 'config'),
            size => length $config, digest => digest($config),
        },
        layers => [map { {
            mediaType => type_of('docker', 'layer'),
            size => length, digest => digest($_),
        } } @blobs],
    );

    my $manifest = JSON::PP->new->canonical->indent->indent_length(3)
                   ->space_after->encode(\%manifest);

    my $image = $self->{images}{$name} = {
        name => "bench/$name", path => "/v2/bench/$name/manifests/1.0",
        config_path => "/v2/bench/$name/blobs/" . digest($config),
        manifest => $manifest, config => $config, blobs => \@blobs,
    };

    $image->{manifest_file} = $self->route(
        $image->{path}, $name, type_of('docker', 'manifest'), $manifest);
    $image->{config_file} = $self->route(
        $image->{config_path}, "$name.config", 'application/octet-stream',
        $config);

    return $image;
}


sub entry
{
    my ($i, $empty) = @_;

    my %entry = (
        created => sprintf('2024-05-01T09:%02d:%02dZ', $i / 60 % 60, $i % 60),
        created_by => '/bin/sh -c #(nop) ' . ($empty
            ? "ENV STEP_$i=\"$i\""
            : "COPY file:" . substr(sha256_hex($i), 0, 40) . " in /app/$i"),
    );

    $entry{empty_layer} = JSON::PP::true if $empty;

    return \%entry;
}


# one more member, with what brings the config to its size
sub filled
{
    my ($config, $size, $fill) = @_;

    my ($text, $i) = ('', 0);
    my %made = (
        labels  => sub { sprintf '"org.example.label.%07d":"it\'s \"%07d\", <%s>'
                         . ' of a few & plain words that fill a line",',
                         $i, $i, 'x' x ($i % 7) },
        members => sub { sprintf '"%06x":%d,', $i * 7919 % 16777213, $i % 10 },
        numbers => sub { ($i % 10) . ',' },
    );
    my %open = (labels => ',"labels":{', members => ',',
                numbers => ',"numbers":[');
    my %close = (labels => '}', members => '', numbers => ']');

    my ($open, $close) = ($open{$fill}, $close{$fill});
    my $pad = $fill eq 'numbers' ? [0, '""'] : [0, '"pad":""'];

    $config =~ s/\}$// or die "no config\n";

    my $room = $size - length("$config$open$close}") - length $pad->[1];
    die "the config is larger than $size\n" if $room < 0;

    while (1) {
        my $item = $made{$fill}->();
        last if length($text) + length($item) > $room;

        $text .= $item;
        $i++;
    }

    my $spaces = '.' x ($room - length $text);

    $pad = $fill eq 'numbers' ? "\"$spaces\"" : "\"pad\":\"$spaces\"";
    $config .= "$open$text$pad$close}";

    length $config == $size or die "the config has the wrong size\n";

    return $config;
}


# an answer of the upstream
sub route
{
    my ($self, $path, $file, $type, $body) = @_;

    $file = "$self->{dir}/$file";

    Schema1::Servers::put($file, $body);
    push @{$self->{routes}}, join("\t", $path, $type, digest($body), $file);

    return $file;
}


sub routes
{
    my ($self) = @_;

    my $file = "$self->{dir}/routes";

    Schema1::Servers::put($file, map { "$_\n" } @{$self->{routes}});

    return $file;
}


# pushes an image into a registry
sub upload
{
    my ($self, $image, $port) = @_;

    my $http = HTTP::Tiny->new;
    my $base = "http://127.0.0.1:$port/v2/$image->{name}";

    for my $blob (@{$image->{blobs}}, $image->{config}) {
        my $begun = $http->post("$base/blobs/uploads/");
        my $to = $begun->{headers}{location}
            or die "the registry takes no blobs\n";

        $to .= ($to =~ /\?/ ? '&' : '?') . 'digest=' . digest($blob);
        done($http->put($to, { content => $blob, headers => {
            'Content-Type' => 'application/octet-stream' } }));
    }

    done($http->put("$base/manifests/1.0", { content => $image->{manifest},
        headers => { 'Content-Type' => type_of('docker', 'manifest') } }));
}


sub done
{
    my ($response) = @_;

    $response->{status} == 201
        or die "the registry said $response->{status}: "
               . "$response->{content}\n";
}


1;
