#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# The work grows with the size of a document, not with a product of two of its
# sizes: any two dimensions of an image or a list are doubled at once, and the
# instructions are counted.  A document that is a product itself (names with a
# long prefix) is more than twice as large, and may take that much more.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

use constant MOST => 2.3;

my $program = $ENV{SCHEMA1} || dirname(__FILE__) . '/../../build/schema1';
my $dir = tempdir(CLEANUP => 1);

plan skip_all => 'no valgrind' if system('valgrind --version > /dev/null 2>&1');

# of one dimension, what is half as large as what is measured
my %image = (
    layers   => 200,            # without a history: entries are synthesized
    history  => 200,            # entries that fit the layers
    empty    => 400,            # entries without a layer
    members  => 1_000,
    prefix   => 200,            # bytes that the members' names share
    label    => 30_000,         # bytes
    escapes  => 4_000,
    digits   => 20_000,         # of the fraction in "created"
    nesting  => 100,            # times 100 values
);

my %list = (
    entries  => 400,
    strings  => 20_000,         # bytes of members that are not read
    variants => 200,            # entries of other variants
    platform => 60,             # bytes of an entry's platform
);

my @cases = (pairs('image', \%image), pairs('list', \%list));

# two at a time, as many as the smallest machine has processors
my %count = (counted('image', {}), counted('list', {}));
my @waiting = map { my $case = $_; map { [$case, $_] } 1, 2 } @cases;

while (my @now = splice @waiting, 0, 2) {
    my @pipes = map {
        my ($case, $factor) = @$_;
        my %size = map { $_ => $factor * $case->{size}{$_} } @{$case->{names}};

        start($case->{kind}, \%size, "@{$case->{names}} $factor");
    } @now;

    for my $i (0 .. $#now) {
        my ($case, $factor) = @{$now[$i]};

        $case->{count}[$factor] = finish($pipes[$i]) - $count{$case->{kind}};
        $case->{bytes}[$factor] = $pipes[$i][2];
    }
}

for my $case (@cases) {
    my (undef, $one, $two) = @{$case->{count}};
    my $larger = $case->{bytes}[2] / $case->{bytes}[1] / 2;

    # a conversion that failed at once would prove nothing
    cmp_ok($one, '>', 20_000, "$case->{kind}: @{$case->{names}}: works")
        or next;
    cmp_ok($two / $one, '<', MOST * ($larger > 1 ? $larger : 1),
           "$case->{kind}: @{$case->{names}} doubled: instructions");
}

done_testing();


sub pairs
{
    my ($kind, $size) = @_;

    my @names = sort keys %$size;
    my @cases;

    for my $i (0 .. $#names) {
        for my $k ($i .. $#names) {
            push @cases, {
                kind  => $kind,
                size  => $size,
                names => [$i == $k ? $names[$i] : @names[$i, $k]],
            };
        }
    }

    return @cases;
}


sub counted
{
    my ($kind, $size) = @_;

    return $kind => finish(start($kind, $size, "$kind least"));
}


sub start
{
    my ($kind, $size, $name) = @_;

    my $base = "$dir/" . $name =~ s/ /-/gr;
    my ($bytes, @command);

    if ($kind eq 'image') {
        my ($manifest, $config) = image($size);

        write_file("$base.manifest", $manifest);
        write_file("$base.config", $config);
        $bytes = length $manifest . $config;
        @command = ('--name', 'a/b', '--tag', '1', "$base.manifest",
                    "$base.config");

    } else {
        my $list = manifests($size);

        write_file("$base.list", $list);
        $bytes = length $list;
        @command = ('--platform', 'linux/arm/v7', "$base.list");
    }

    my $pid = open my $pipe, '-|';
    defined $pid or die "fork: $!\n";

    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT or die "dup: $!\n";
        open STDOUT, '>', '/dev/null' or die "/dev/null: $!\n";
        exec 'valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null',
             $program, 'convert', @command;
    }

    return [$pipe, $name, $bytes];
}


sub finish
{
    my ($pipe, $name) = @{$_[0]};

    my $said = do { local $/; <$pipe> };
    my ($count) = $said =~ /Collected : (\d+)/;

    close $pipe or die "$name: the conversion failed:\n$said\n";

    return $count;
}


sub image
{
    my ($size) = @_;

    my %n = map { $_ => $size->{$_} || 0 } keys %image;
    my $layers = $n{layers} + $n{history} || 1;
    my @history;

    # the one kind of history excludes the other
    @history = map { qq({"created_by":"run $_"}) } 1 .. $layers
        if !$n{layers};
    push @history, map { '{"empty_layer":true}' } 1 .. $n{empty};

    my @layers = map {
        '{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip",'
        . '"size":1,"digest":"sha256:' . sha256_hex($_) . '"}'
    } 1 .. $layers;

    my @members = map { '"' . 'p' x $n{prefix} . "m$_\":$_" }
                  1 .. ($n{members} || ($n{prefix} ? 100 : 0));

    my $config = join ',',
        '"architecture":"amd64"',
        '"created":"2020-01-01T00:00:00.' . '1' x ($n{digits} || 1) . 'Z"',
        '"config":{"Labels":{"a":"' . 'x' x $n{label} . '","b":"'
        . '<\u003c\n' x $n{escapes} . '"}}',
        '"nested":' . ('[1,' x 20 . '1' . ']' x 20 . ',') =~ s/,\z//r,
        $n{nesting} ? '"deep":[' . join(',', ('[' x 50 . '1' . ']' x 50)
                                        x $n{nesting}) . ']' : (),
        '"history":[' . join(',', @history) . ']',
        '"rootfs":{"type":"layers","diff_ids":['
        . join(',', ('"sha256:x"') x $layers) . ']}',
        @members;

    $config = "{$config}";

    my $manifest = '{"schemaVersion":2,"mediaType":"application/vnd.docker.'
        . 'distribution.manifest.v2+json","config":{"mediaType":"application/'
        . 'vnd.docker.container.image.v1+json","size":' . length($config)
        . ',"digest":"sha256:' . sha256_hex($config) . '"},"layers":['
        . join(',', @layers) . ']}';

    return $manifest, $config;
}


sub manifests
{
    my ($size) = @_;

    my %n = map { $_ => $size->{$_} || 0 } keys %list;
    my $long = 'x' x ($n{platform} || 1);

    my $entries = $n{entries} || ($n{platform} ? 100 : 0);
    my @entries = map {
        '{"mediaType":"application/vnd.docker.distribution.manifest.v2+json",'
        . '"size":1,"digest":"sha256:' . sha256_hex($_) . '","platform":{'
        . qq("os":"linux$long","architecture":"$long"}}) } 1 .. $entries;

    push @entries, map {
        '{"mediaType":"application/vnd.docker.distribution.manifest.v2+json",'
        . '"size":1,"digest":"sha256:' . sha256_hex($_) . '","platform":{'
        . qq("os":"linux","architecture":"arm","variant":"v$_"}}) }
        1 .. $n{variants};

    push @entries,
        '{"mediaType":"application/vnd.docker.distribution.manifest.v2+json",'
        . '"size":1,"digest":"sha256:' . sha256_hex('last') . '","platform":{'
        . '"os":"linux","architecture":"arm","variant":"v7"}}';

    return '{"schemaVersion":2,"mediaType":"application/vnd.docker.'
        . 'distribution.manifest.list.v2+json","other":"'
        . 'x' x $n{strings} . '","manifests":[' . join(',', @entries) . ']}';
}


sub write_file
{
    my ($path, $bytes) = @_;

    open my $out, '>:raw', $path or die "$path: $!\n";
    print $out $bytes;
    close $out or die "$path: $!\n";
}
