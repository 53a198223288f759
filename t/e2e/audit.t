#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# schema1 audit against Debian's docker-registry with 200 images of all kinds:
# its report says, tag by tag, what nginx with the module then sends.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use Schema1::AllKinds qw(push_all_kinds);
use Schema1::Documents;
use Schema1::Keys;
use Schema1::Servers;

my $images = 200;

my $program = $ENV{SCHEMA1} || "$Schema1::Servers::build/schema1";

my %accept = (
    'docker-1.9'  => [],
    'docker-1.13' => [type_of('docker', 'manifest'),
                      type_of('docker', 'list'),
                      type_of('docker', 'schema1'), 'application/json'],
);

my %outcome = (PASS => 'as is', CONVERTED => 'converted', CHILD => 'child',
               UNCONVERTIBLE => 'refused', ERROR => 'refused');

my @missing = grep { system("command -v $_ > /dev/null 2>&1") }
              qw(nginx docker-registry);

plan skip_all => "not installed: @missing" if @missing;
-x $program or BAIL_OUT("$program is not there: it has to be built first");

my $servers = Schema1::Servers->new("$Schema1::Servers::build/e2e/audit");
my $registry = $servers->registry('registry',
                                  config => $Schema1::AllKinds::config);
my $keys = Schema1::Keys::make("$Schema1::Servers::build/keys");
my $proxy = Schema1::Servers::free_port();
my $other = Schema1::Servers::free_port();

$servers->nginx('nginx', <<"END", $proxy);
    server {
        listen 127.0.0.1:$proxy;

        location /v2/ {
            schema_conversion on;
            proxy_pass http://127.0.0.1:$registry;
            proxy_set_header Host \$http_host;
            add_header X-Status \$schema1_status always;
        }
    }

    server {
        listen 127.0.0.1:$other;

        location /v2/ {
            schema_conversion on;
            schema_conversion_platform linux/arm/v7;
            schema_conversion_max_size 1000;
            schema_conversion_key $keys/ec256.pem;
            proxy_pass http://127.0.0.1:$registry;
            proxy_set_header Host \$http_host;
        }
    }
END

my @names = push_all_kinds($registry, $images - 1);

push @names, push_schema1('all/docker', 'old');

same_as_nginx();
compared_with_nginx();
with_another_configuration();
compared_with_registry();
by_pattern();
as_table();
as_csv();
with_accept();

done_testing();


# schema 1 as it was pushed in its day: what nginx sends for the same tag
sub push_schema1
{
    my ($name, $tag) = @_;

    Schema1::AllKinds::push_one($registry, $name, $tag,
                                Schema1::AllKinds::image(docker => 'old'));

    my (undef, undef, $body) = Schema1::Servers::get(
        "http://127.0.0.1:$proxy/v2/$name/manifests/$tag");

    Schema1::AllKinds::must(
        201, "http://127.0.0.1:$registry/v2/$name/manifests/$tag",
        method => 'PUT', content => $body,
        'Content-Type' => type_of('docker', 'schema1'));

    return "$name:$tag";
}


sub same_as_nginx
{
    my ($status, $out, $err, $seconds) =
        audit('--json', "http://127.0.0.1:$registry");

    is($status, 1, 'some images are refused: exit status 1');
    is($err, '', 'nothing is written to standard error in a pipe');
    cmp_ok($seconds, '<', 10, "$images tags in less than 10 seconds");
    diag(sprintf '%d tags in %.2f s', $images, $seconds);

    my $report = JSON::PP->new->utf8->decode($out);

    ok($report->{complete}, 'the report is complete');
    is_deeply([map { "$_->{name}:$_->{tag}" } @{$report->{images}}],
              [sort @names], 'every tag is reported once, sorted');

    my %seen;

    for my $image (@{$report->{images}}) {
        for my $client (sort keys %accept) {
            my $result = $image->{clients}{$client};
            my $expected = nginx_says($image, $client);

            $seen{$client}{$result->{outcome}}++;

            is_deeply({ map { $_ => $result->{$_} } keys %$expected },
                      $expected, "$image->{name}:$image->{tag} for $client: "
                                 . "$result->{outcome} as nginx responds");
        }
    }

    # every outcome occurs

    ok($seen{'docker-1.9'}{$_}, "Docker 1.9: some are $_")
        for 'as is', 'converted', 'refused';
    ok($seen{'docker-1.13'}{$_}, "Docker 1.13: some are $_")
        for 'as is', 'converted', 'refused';

    return $report;
}


# what the client receives from nginx, in the words of the report
sub nginx_says
{
    my ($image, $client) = @_;

    my ($status, $headers, $body) = Schema1::Servers::get(
        "http://127.0.0.1:$proxy/v2/$image->{name}/manifests/$image->{tag}",
        @{$accept{$client}} ? (Accept => $accept{$client}) : ());

    my $outcome = $outcome{$headers->{'x-status'}};

    return { outcome    => $outcome,
             digest     => $headers->{'docker-content-digest'},
             media_type => $headers->{'content-type'} }
        if $status == 200;

    my $error = JSON::PP->new->utf8->decode($body)->{errors}[0];

    return { outcome => $outcome,
             reason  => $error->{detail}{reason},
             message => $error->{message} };
}


sub compared_with_nginx
{
    my ($status, $out) = audit('--json', '--compare',
                               "http://127.0.0.1:$proxy",
                               "http://127.0.0.1:$registry");
    my $report = JSON::PP->new->utf8->decode($out);
    my @results = map { values %{$_->{clients}} } @{$report->{images}};

    is(scalar(@results), 2 * $images, 'every result is compared with nginx');
    is(scalar(grep { $_->{compare} ne 'same' } @results), 0,
       'no difference between the report and nginx');
}


sub with_another_configuration
{
    my ($status, $out) = audit('--json', '--platform', 'linux/arm/v7',
                               '--max-size', '1000', '--compare',
                               "http://127.0.0.1:$other",
                               "http://127.0.0.1:$registry");
    my $report = JSON::PP->new->utf8->decode($out);
    my @results = map { values %{$_->{clients}} } @{$report->{images}};
    my %reasons = map { ($_->{reason} // '') => 1 } @results;

    ok($reasons{too_large}, 'another limit refuses some images');
    ok($reasons{no_platform}, 'another platform refuses some images');
    my @different = grep { $_->{compare} ne 'same' } @results;

    is(scalar(@different), 0,
       'another limit and platform: the report is what nginx sends')
        or diag(explain($different[0]));
}


# 2.8 makes schema 1 of its own, from Docker's types
sub compared_with_registry
{
    my ($status, $out) = audit('--json', '--compare',
                               "http://127.0.0.1:$registry",
                               "http://127.0.0.1:$registry",
                               'all/docker', 'all/oci');
    my $report = JSON::PP->new->utf8->decode($out);
    my %compare;

    for my $image (@{$report->{images}}) {
        for my $client (keys %accept) {
            $compare{"$image->{name} $client"}{
                $image->{clients}{$client}{compare}}++;
        }
    }

    is_deeply([keys %{$compare{'all/docker docker-1.9'}}], ['same'],
              'schema 1 has the digest that registry 2.8 gives it');
    is_deeply([keys %{$compare{'all/docker docker-1.13'}}], ['same'],
              'schema 2 has the digest of the registry');
    is_deeply([keys %{$compare{'all/oci docker-1.9'}}], ['different'],
              'registry 2.8 does not convert OCI images');
}


sub by_pattern
{
    my ($status, $out) = audit('--csv', '--repositories', 'all/[do]*',
                               '--repositories', '!all/other-arch',
                               '--tags', '*5', "http://127.0.0.1:$registry");
    my @expected = sort grep { m{^all/(docker|oci):.*5$} } @names;
    my %found = map { join(':', (split /,/)[0, 1]) => 1 }
                grep { /^all/ } split /^/, $out;

    cmp_ok(scalar(@expected), '>', 1, 'the patterns match several images');
    is_deeply([sort keys %found], \@expected,
              'only what the patterns match is reported');
    is($status, 0,
       'patterns: all selected images can be pulled, exit status 0');
}


sub as_table
{
    my ($status, $out) = audit("http://127.0.0.1:$registry",
                               'all/docker:old', 'all/other-arch');

    like($out, qr/^IMAGE +STORED AS +DOCKER 1\.9 +DOCKER 1\.13$/m,
         'the table has a heading');
    like($out, qr{^all/docker:old +schema 1 +as is [0-9a-f]{12} +as is }m,
         'the table has an image that is stored as schema 1');
    like($out, qr{^all/other-arch:\d+ +docker list +refused: no_platform }m,
         'the table has an image that is refused');
    like($out, qr{^all/other-arch:\d+: the tag names a list of images}m,
         'the table has the message of the module');
    like($out, qr/^1 are stored as schema 1/m, 'the table has a summary');
    is($status, 1, 'the table: exit status 1');
}


sub as_csv
{
    my ($status, $out) = audit('--csv', "http://127.0.0.1:$registry",
                               'all/long-history');
    my @lines = split /\r\n/, $out;

    like($lines[0], qr/^name,tag,stored_as,.*,compared$/, 'CSV has a heading');
    like($lines[1], qr{^all/long-history,\d+,schema\ 2,sha256:\w+,
                       docker-1\.9,converted,[^,]+,sha256:\w+,130,}x,
         'CSV has the number of history entries');
    is($status, 1, 'more than 127 history entries: exit status 1');
}


sub with_accept
{
    my ($status, $out) = audit('--json', '--accept',
                               type_of('docker', 'manifest'),
                               '--platform', 'linux/arm64',
                               "http://127.0.0.1:$registry", 'all/list');
    my $report = JSON::PP->new->utf8->decode($out);
    my ($image) = @{$report->{images}};

    is($image->{clients}{accept}{outcome}, 'child',
       'a client of schema 2 only receives the child');
    is($image->{clients}{accept}{media_type}, type_of('docker', 'manifest'),
       'the child has the type of the client');
    is($status, 0, 'a client of schema 2 only: exit status 0');
}


sub audit
{
    my (@arguments) = @_;

    my $out = $servers->dir('out');
    my $started = time;
    my $line = join ' ', map { "'$_'" } $program, 'audit', @arguments;
    my $rc = system("$line > '$out' 2> '$out.err'");

    return ($rc >> 8, Schema1::Servers::slurp($out),
            Schema1::Servers::slurp("$out.err"), time - $started);
}
