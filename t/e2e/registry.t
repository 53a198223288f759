#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# Debian's docker-registry 2.8 behind the module: it makes schema 1 of Docker's
# own types itself, so what the module makes can be held against it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;

use Schema1::Documents;
use Schema1::E2E;
use Schema1::JWS;

my @keys = (
    [RS256 => 'rsa2048.pem'], [ES256 => 'ec256.pem'], [ES384 => 'ec384.pem'],
    [ES512 => 'ec521.pem'], [RS256 => 'rsa2048-pkcs1.pem'],
    [ES256 => 'ec256-sec1.pem'], [ES256 => 'ec256.jwk'],
    [RS256 => 'rsa2048.jwk'],
    [ES256 => 'encrypted.pem', 'schema_conversion_password_file %s/password;'],
    [ES256 => 'ec256.pem', 'schema_conversion_certificate %s/chain.pem;'],
    [RS256 => 'rsa2048.pem',
     'schema_conversion_certificate %s/rsa2048-chain.pem;'],
);

my @ports = map { Schema1::Servers::free_port() } @keys;

my $e2e = Schema1::E2E->new(http => '');

my ($registry) = qx(docker-registry --version) =~ / v?(\d+\.\d+)/;

convert($_) for @Schema1::E2E::images;
modern($_) for @Schema1::E2E::images;
empty_layer_served();
signed_by($_) for 0 .. $#keys;

$e2e->log_ok;
done_testing();


sub convert
{
    my ($image) = @_;

    my ($name, $tag) = split /:/, $image;
    my ($was, $before) = $e2e->manifest(registry => $image);
    my ($status, $headers, $body) = $e2e->manifest(proxy => $image);

    is($status, 200, "$image: 200") or return diag($body);
    is($headers->{'content-type'}, type_of('docker', 'schema1'),
       "$image: schema 1");

    my $jws = eval { check_schema1($body, $name, $tag, undef, 'amd64') };
    ok($jws, "$image: by Docker's rules, and signed") or diag($@);

    is($headers->{'docker-content-digest'}, $jws->{digest},
       "$image: the digest of its payload");
    is($headers->{etag}, "\"$jws->{digest}\"", "$image: the ETag");
    is($headers->{vary}, 'Accept', "$image: Vary");

    if ($image =~ /oci/ && $was == 200 && $registry < 2.8) {

        # 2.7 gives an index to all
        is($before->{'content-type'}, type_of('oci', 'list'),
           "$image: the registry alone gives the index");

    } elsif ($image =~ /oci/) {
        is($was, 404, "$image: the registry alone says 404");

    } else {
        is($jws->{digest}, $before->{'docker-content-digest'},
           "$image: the same payload as the registry's own");
    }

    my ($head_status, $head) = $e2e->manifest(proxy => $image,
                                              method => 'HEAD');

    is($head_status, 200, "$image: HEAD is 200");
    is_deeply([@$head{qw(content-type docker-content-digest etag vary)}],
              [@$headers{qw(content-type docker-content-digest etag vary)}],
              "$image: HEAD has the headers of GET");
    is($head->{'content-length'}, length $body, "$image: HEAD's length");

    pull($name, $image, $jws->{json});

    SKIP: {
        my $said = $e2e->libtrust($body);
        skip 'Go or libtrust is not installed', 1 unless defined $said;
        like($said, qr/\Q$jws->{digest}\E/, "$image: libtrust verifies it");
    }
}


sub pull
{
    my ($name, $image, $json) = @_;

    my @wrong;

    for my $layer (@{$json->{fsLayers}}) {
        my $digest = $layer->{blobSum};
        my ($status, $headers, $body) = $e2e->blob(proxy => $name, $digest);

        push @wrong, "$digest: $status"
            unless $status == 200 && digest($body) eq $digest;
    }

    is("@wrong", '', "$image: all layers are to be had");
}


sub modern
{
    my ($image) = @_;

    my %accept = (Accept => $Schema1::E2E::modern);
    my ($was, $before, $stored) = $e2e->manifest(registry => $image, %accept);
    my ($status, $headers, $body) = $e2e->manifest(proxy => $image, %accept);

    is("$status $headers->{'content-type'}", "$was $before->{'content-type'}",
       "$image: a modern client's type");
    ok($body eq $stored, "$image: a modern client's bytes");
    is($headers->{'docker-content-digest'}, $before->{'docker-content-digest'},
       "$image: a modern client's digest");

    my ($by_digest) = $e2e->manifest(
        proxy => ($image =~ s/:.*//r) . "\@$before->{'docker-content-digest'}",
        %accept);

    is($by_digest, 200, "$image: by digest");
}


sub empty_layer_served
{
    my ($was) = $e2e->blob(registry => 'e2e/oci', EMPTY_LAYER);
    my ($status, $headers, $body) = $e2e->blob(proxy => 'e2e/oci',
                                               EMPTY_LAYER);

    is($was, 404, 'the registry has no empty layer');
    is($status, 200, 'the module has');
    is(digest($body), EMPTY_LAYER, 'these are its bytes');

    ($status, $headers) = $e2e->blob(proxy => 'e2e/oci', EMPTY_LAYER,
                                     method => 'HEAD');
    is("$status $headers->{'content-length'}", '200 32', 'by HEAD too');

    ($status) = $e2e->blob(proxy => 'e2e/oci',
                           'sha256:' . sha256_hex('nothing'));
    is($status, 404, 'another layer that is not there stays so');
}


# by every kind of key, in a server of its own
sub signed_by
{
    my ($i) = @_;

    my ($alg, $file, $more) = @{$keys[$i]};
    my $title = $more ? "$file, $more" =~ s{%s/}{}r : $file;
    my $keys = $e2e->{keys};

    $e2e->{"signed$i"} = $ports[$i];
    $e2e->{servers}->nginx("signed$i", <<END, $ports[$i]);
    server {
        listen 127.0.0.1:$ports[$i];

        location /v2/ {
            schema_conversion on;
            schema_conversion_key $keys/$file;
            @{[$more ? sprintf $more, $keys : '']}
            proxy_pass http://127.0.0.1:$e2e->{registry};
        }
    }
END

    my ($status, undef, $body) = $e2e->manifest("signed$i" => 'e2e/oci:1');
    my $jws = eval { check_schema1($body, 'e2e/oci', '1') };

    is($jws ? $jws->{alg} : "$status $@", $alg, "$title: openssl verifies it");

    SKIP: {
        my @roots = $more && $more =~ /certificate/
                    ? ('-roots', "$keys/ca.pem") : ();
        my $said = $e2e->libtrust($body, @roots);

        skip 'Go or libtrust is not installed', 1 unless defined $said;
        like($said, qr/\b$alg\b.*\b@{[@roots ? 'x5c' : 'jwk']}\b/,
             "$title: libtrust verifies it");
    }

    $e2e->{servers}->stop("signed$i");
}
