#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# npm's docker-registry-client: it wants schema 1, and verifies all it gets.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Copy qw(copy);
use File::Path qw(make_path);
use JSON::PP;
use Test::More;

use Schema1::Documents;
use Schema1::E2E;

# what the client's own libraries can verify
my @keys = ([RS256 => 'rsa2048.pem'], [ES256 => 'ec256.pem'],
            [ES384 => 'ec384.pem'], [ES512 => 'ec521.pem']);

plan skip_all => 'not installed: node' unless Schema1::E2E::found('node');

my $dir = install();
my $e2e = Schema1::E2E->new;

for my $key (@keys) {
    my ($alg, $file) = @$key;
    my $port = Schema1::Servers::free_port();

    $e2e->{servers}->nginx("signed-$alg", <<END, $port);
    server {
        listen 127.0.0.1:$port;

        location /v2/ {
            schema_conversion on;
            schema_conversion_key $e2e->{keys}/$file;
            proxy_pass http://127.0.0.1:$e2e->{registry};
        }
    }
END

    pull($port, $_, $alg) for @Schema1::E2E::images;
    $e2e->{servers}->stop("signed-$alg");
}

broken();

done_testing();


# npm's own integrity hashes are in package-lock.json
sub install
{
    my $to = "$Schema1::Servers::build/npm";
    my $from = "$FindBin::Bin/npm";
    my $lock = Schema1::Servers::slurp("$from/package-lock.json");

    make_path($to);

    if (Schema1::Servers::slurp("$to/.installed") ne $lock) {
        plan skip_all => 'not installed: npm'
            unless Schema1::E2E::found('npm');

        copy("$from/$_", "$to/$_") for qw(package.json package-lock.json);

        my ($status, $said) = Schema1::Servers::run(
            'npm', '--prefix', $to, 'ci', '--ignore-scripts', '--no-audit',
            '--no-fund', '--cache', "$to/.cache");

        if ($status) {
            my ($why) = $said =~ /^npm ERR! (.*)/im;
            plan skip_all => 'docker-registry-client cannot be installed: '
                             . ($why // $said);
        }

        Schema1::Servers::remove_all("$to/.cache");
        Schema1::Servers::put("$to/.installed", $lock);
    }

    copy("$from/client.js", "$to/client.js");

    return $to;
}


sub client
{
    my ($port, $name, $tag) = @_;

    my ($status, $said) = Schema1::Servers::run(
        'node', "$dir/client.js", "http://127.0.0.1:$port/$name", $tag);
    my ($line) = $said =~ /^(\{.*\})$/m;

    return eval { decode_json($line) } || { error => $said };
}


sub pull
{
    my ($port, $image, $alg) = @_;

    my ($name, $tag) = split /:/, $image;
    my $got = client($port, $name, $tag);
    my (undef, $headers) = $e2e->manifest(proxy => $image);

    is_deeply($got, {
        name => $name, tag => $tag, schemaVersion => 1,
        architecture => 'amd64', alg => $alg, layers => $got->{layers},
        digest => $headers->{'docker-content-digest'},
    }, "$image, $alg: pulled and verified") or diag(explain($got));

    cmp_ok($got->{layers} // 0, '>', 4, "$image, $alg: with all its layers");
}


# the client would say so if it were not so
sub broken
{
    my (undef, $headers, $body) = $e2e->manifest(proxy => 'e2e/oci:1');
    my $port = Schema1::Servers::free_port();

    $body =~ s/("signature": ")(.)/$1 . ($2 eq 'A' ? 'B' : 'A')/e;

    my $file = $e2e->{servers}->dir('broken.json');
    Schema1::Servers::put($file, $body);

    $e2e->{servers}->nginx('broken', <<END, $port);
    server {
        listen 127.0.0.1:$port;

        location = /v2/ {
            add_header Docker-Distribution-Api-Version registry/2.0;
            return 200 '{}';
        }

        location / {
            root /;
            default_type @{[type_of('docker', 'schema1')]};
            try_files $file =404;
        }
    }
END

    my $got = client($port, 'e2e/oci', '1');

    like($got->{error} // '', qr/signature/i,
         'the client refuses a signature that does not hold');
}
