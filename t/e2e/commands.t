#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# The commands of docs/migration.md, run in their order as they are printed, with
# Debian's docker-registry that contains one image of each kind and two that were
# pushed as schema 1, and nginx with the module in front of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Schema1::AllKinds qw(push_all_kinds);
use Schema1::Docs;
use Schema1::Documents;
use Schema1::Servers;

chdir "$FindBin::Bin/../.." or die "chdir() failed: $!\n";

my $program = $ENV{SCHEMA1} || "$Schema1::Servers::build/schema1";
my $kinds = 22;
my @schema1 = ('all/docker:old', 'all/oci:older');

my @missing = grep { system("command -v $_ > /dev/null 2>&1") }
              qw(nginx docker-registry skopeo awk);

plan skip_all => "not installed: @missing" if @missing;
-x $program or BAIL_OUT("$program is not there: it has to be built first");

my $servers = Schema1::Servers->new("$Schema1::Servers::build/e2e/commands");
my $dir = $servers->dir;
my $registry = $servers->registry('registry',
                                  config => $Schema1::AllKinds::config);
my $proxy = Schema1::Servers::free_port();

$servers->nginx('nginx', <<"END", $proxy);
    server {
        listen 127.0.0.1:$proxy;

        location /v2/ {
            schema_conversion on;
            proxy_pass http://127.0.0.1:$registry;
            proxy_set_header Host \$http_host;
        }
    }
END

push_all_kinds($registry, $kinds);
push_schema1(split /:/) for @schema1;

# the exit status and the output of each command

my @expected = (
    [ 1, qr/^24 tags\n(?=(?s:.*)^2 are stored as schema 1: )/m ],
    [ 1, qr/^24 tags\n(?=(?s:.*)^0 differences$)/m ],
    [ 0, qr/^Storing signatures$|^Writing manifest to image destination$/m ],
);

my @commands = grep { ($_->{test} // '') eq 'e2e' } commands();

is(scalar @commands, scalar @expected, 'the pages have these commands');

for my $c (@commands) {
    my ($status, $pattern) = @{shift @expected || [ 0, qr/(?!)/ ]};
    my ($got, $output) = run($c->{block});

    is($got, $status, "$c->{page}:$c->{line}: exit status") or diag($output);
    like($output, $pattern, "$c->{page}:$c->{line}: output");
}

is(slurp("$dir/schema1-images"), join('', map { "$_\n" } sort @schema1),
   'only images stored as schema 1 were listed');

for my $image (@schema1) {
    my ($name, $tag) = split /:/, $image;
    my (undef, $headers) = Schema1::Servers::get(
        "http://127.0.0.1:$registry/v2/$name/manifests/$tag",
        Accept => type_of('docker', 'manifest'));

    is($headers->{'content-type'}, type_of('docker', 'manifest'),
       "$image is stored as schema 2 now");
}

done_testing();


sub push_schema1
{
    my ($name, $tag) = @_;

    Schema1::AllKinds::push_one($registry, $name, $tag,
                                Schema1::AllKinds::image(docker => $tag));

    my (undef, undef, $body) = Schema1::Servers::get(
        "http://127.0.0.1:$proxy/v2/$name/manifests/$tag");

    Schema1::AllKinds::must(
        201, "http://127.0.0.1:$registry/v2/$name/manifests/$tag",
        method => 'PUT', content => $body,
        'Content-Type' => type_of('docker', 'schema1'));
}


# in the directory of the test, with its own ports

sub run
{
    my ($command) = @_;

    $command =~ s/127\.0\.0\.1:5000/127.0.0.1:$registry/g;
    $command =~ s/127\.0\.0\.1:5080/127.0.0.1:$proxy/g;
    $command =~ s/^schema1 /$program /mg;
    $command =~ s/skopeo copy/skopeo --insecure-policy copy/g;

    spew("$dir/command", $command);

    my $output = `cd $dir && sh ./command 2>&1`;

    return ($? >> 8, $output);
}
