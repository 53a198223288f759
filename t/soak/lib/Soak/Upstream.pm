package Soak::Upstream;

# Copyright (C) the ngx_http_schema1_module authors

# The registry of the soak test: images of each kind, and one name for each
# fault at each stage of a pull, with the status that the client must get.

use strict;
use warnings;

use Schema1::Documents;
use Schema1::Registry;

our $max_size = 400_000;

my $patience = 3;

# what the client gets where the tag's manifest, a list's child, the config, or
# the storage that the config is redirected to behaves so; undef: not tried
my @faults = (
    # name           what the mock changes                 tag child config hop
    [reset_header => { reset => 'header' },                 502, 502, 502, 502],
    [reset_body   => { truncate => 50, reset => 'body' },   502, 502, 502, 502],
    [truncated    => { truncate => 50 },                    502, 502, 502, 502],
    [stalled      => { stall => $patience + 2 },            502, 502, 502, 502],
    [late         => { delay => $patience + 2 },            504, 504, 504, 504],
    [dripping     => { drip => [9, 0.0005] },               200, 200, 200, 200],
    [drip_header  => { drip => [9, 0.0005], drip_header => 1 },
                                                            200, 200, 200, 200],
    [other_bytes  => { body => '{}' },                      502, 502, 502, 502],
    [other_type   => { type => 'text/html' },               200, undef, 200, 200],
    [compressed   => { gzip => 1 },                         502, 502, 502, 502],
    [oversized    => { body => 'x' x ($max_size + 9) },     502, 502, 502, 502],
    [overflowing  => { body => 'x' x ($max_size + 9), chunked => 1 },
                                                            502, 502, 502, 502],
    [huge_header  => { add => ['X-Huge' => 'x' x 20_000] }, 502, 502, 502, 502],
    [http_1_0     => { http => '1.0', until_close => 1 },   200, 200, 200, 200],
    [chunked      => { chunked => 1 },                      200, 200, 200, 200],
    [loop         => { status => 302, headers => [Location => 'loop'] },
                                                            302, 502, 502, 502],
    [ftp          => { status => 302,
                       headers => [Location => 'ftp://127.0.0.1/x'] },
                                                            302, 502, 502, 502],
    [s401         => { status => 401 },                     401, 401, 401, 502],
    [s403         => { status => 403 },                     403, 403, 403, 502],
    [s404         => { status => 404 },                     404, 404, 400, 400],
    [s429         => { status => 429 },                     429, 429, 429, 502],
    [s500         => { status => 500 },                     500, 502, 502, 502],
    [s503         => { status => 503 },                     503, 502, 502, 502],
);

# documents that are what they say, and no image
my @broken = (
    [malformed => '{"schemaVersion": 2, '],
    [deep      => '[' x 10_000],
    [binary    => "\0\xff" x 100],
);


# Returns the registry, not started, what is stored (tag => document), and the
# faults: a list of [name of the image, its stage, the status to expect].
sub new_upstream
{
    my ($log) = @_;

    my $registry = Schema1::Registry->new(log => $log);
    my $stored = images($registry);
    my @expected = (faults($registry), broken($registry), refused($registry));

    return ($registry, $stored, \@expected);
}


sub images
{
    my ($registry) = @_;

    my %stored = (
        'soak/docker' => image_documents(layers => 3),
        'soak/oci'    => image_documents(format => 'oci', layers => 2),
        'soak/keep'   => image_documents(layers => 1),
        'soak/big'    => image_documents(config => {
            x => join ' ', map { $_ * 7919 % 65_537 } 1 .. 45_000 }),
        'soak/old'    => {
            format => 'docker', type => type_of('docker', 'schema1'),
            body => '{"schemaVersion":1,"name":"soak/old"}' },
        'soak/plain'  => { format => 'docker', type => 'text/plain',
                           body => 'no manifest' },
    );

    my @children = map { image_documents(
        format => 'oci', platform => "linux/$_", layers => 2) } qw(amd64 arm64);

    $stored{'soak/list'} = list_document(format => 'oci',
                                         entries => \@children);
    $stored{'soak/list'}{child} = $children[0];

    $registry->add('soak/list', undef, $_) for @children;

    for my $name (sort keys %stored) {
        $stored{$name}{digest} //= digest($stored{$name}{body});
        $registry->add($name, '1', $stored{$name});
    }

    # each a key of its own in the cache
    for my $n (1 .. 60) {
        $stored{"many/n$n"} = image_documents(config => { n => $n });
        $registry->add("many/n$n", '1', $stored{"many/n$n"});
    }

    $registry->answer(qr{ /v2/soak/keep/}, keepalive => 1);
    $registry->answer(qr{^(PUT|POST|PATCH) /v2/soak/push/}, status => 202,
                      body => '', headers => ['X-Pushed' => 'yes']);
    $registry->protect('soak/private', 'Bearer right');
    $registry->add('soak/private', '1', image_documents(layers => 1));

    return \%stored;
}


sub faults
{
    my ($registry) = @_;

    my $image = image_documents(layers => 2);
    my $storage = 'http://127.0.0.1:' . $registry->port('storage');
    my @expected;

    for my $fault (@faults) {
        my ($name, $how, @status) = @$fault;

        for my $stage (qw(tag child config hop)) {
            my $status = shift @status // next;
            my $where = "fault/$stage-$name";

            add($registry, $where, $stage, $image);

            if ($stage eq 'hop') {
                $registry->answer(qr{^GET /v2/$where/blobs/}, status => 307,
                                  headers => [Location => "$storage/$name"]);
                $registry->answer("storage:GET /$name", status => 200,
                    type => 'application/octet-stream',
                    body => $image->{config}, headers => [], %$how);

            } else {
                my $what = $stage eq 'tag' ? 'manifests/1'
                         : $stage eq 'child' ? 'manifests/(sha256:|loop)' : 'blobs/';

                $registry->answer(qr{^GET /v2/$where/$what}, %$how);
            }

            push @expected, [$where, $stage, $status];
        }
    }

    return @expected;
}


sub add
{
    my ($registry, $where, $stage, $image) = @_;

    if ($stage eq 'child') {
        $registry->add($where, undef, $image);
        $image = list_document(entries => [$image]);
    }

    $registry->add($where, '1', $image);
}


sub broken
{
    my ($registry) = @_;

    my @expected;

    for (@broken) {
        my ($name, $bytes) = @$_;
        my $document = { format => 'docker', body => $bytes,
                         type => type_of('docker', 'manifest'),
                         digest => digest($bytes),
                         platform => 'linux/amd64' };

        add($registry, "fault/tag-$name", 'tag', $document);
        add($registry, "fault/child-$name", 'child', $document);
        add($registry, "fault/config-$name", 'config',
            image_documents(config => $bytes));

        push @expected, map { ["fault/$_-$name", $_, 400] }
                        qw(tag child config);
    }

    return @expected;
}


# for these nginx's configuration names a port that refuses connections
sub refused
{
    my ($registry) = @_;

    my $image = image_documents(layers => 2);
    my $dead = 'http://127.0.0.1:' . $registry->port('dead');

    add($registry, "fault/$_-refused", $_, $image) for qw(tag config hop);

    $registry->answer(qr{^GET /v2/fault/hop-refused/blobs/}, status => 307,
                      headers => [Location => "$dead/x"]);

    return map { ["fault/$_-refused", $_, 502] } qw(tag config hop);
}


1;
