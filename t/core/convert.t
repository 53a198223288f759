#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# The command line of schema1 convert: what goes where, and the exit status.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use File::Basename qw/ dirname /;
use File::Temp qw/ tempdir /;
use JSON::PP;
use Test::More;

my $root = dirname(__FILE__) . '/../..';
my $program = $ENV{SCHEMA1} || "$root/build/schema1";
my $dir = tempdir(CLEANUP => 1);

-x $program or BAIL_OUT("$program is not there: it has to be built first");

my $digest = 'sha256:' . sha256_hex('layer');
my $config = '{"architecture":"amd64","rootfs":{"diff_ids":["x"]},'
             . '"history":[{"created_by":"<a>"}]}';
my %descriptor = (mediaType => 'application/vnd.oci.image.layer.v1.tar',
                  digest => $digest, size => 3);
my %manifest = (
    schemaVersion => 2,
    config => { mediaType => 'application/vnd.oci.image.config.v1+json',
                digest => 'sha256:' . sha256_hex($config), size => 9 },
    layers => [ \%descriptor ]
);

write_file('config', $config);
write_file('manifest', encode_json(\%manifest));
write_file('list', encode_json({
    schemaVersion => 2,
    manifests => [ { %descriptor,
                     platform => { os => 'linux', architecture => 'arm',
                                   variant => 'v6' } } ]
}));
write_file('bad', '{');

my @image = ("$dir/manifest", "$dir/config");
my ($status, $out, $err) = run('--name', 'a/b', '--tag', 'v1', @image);

is($status, 0, 'an image is converted');
is($err, '', 'nothing to complain about');
is(decode_json($out)->{name}, 'a/b', 'its name');
is(decode_json($out)->{tag}, 'v1', 'its tag');
is(decode_json($out)->{fsLayers}[0]{blobSum}, $digest, 'its layer');
like($out, qr/\n}\z/, 'no line feed behind');

my $payload = $out;

($status, $out, $err) = run('--name', 'a/b', @image);
is(decode_json($out)->{tag}, '', 'a tag is not needed');

($status, $out, $err) = run('--schema2', "$dir/manifest");
is($status, 0, 'a schema 2 manifest is made');
is(decode_json($out)->{layers}[0]{mediaType},
   'application/vnd.docker.image.rootfs.diff.tar', 'its layer has its type');

($status, $out, $err) = run('--platform', 'linux/arm/v7', "$dir/list");
is($out, "$digest\n", 'a platform is found');

($status, $out, $err) = run('--platform', 'linux/amd64', "$dir/list");
is($status, 1, 'another is not');
like($err, qr{^schema1 convert: no_platform: .*linux/arm/v6}, 'and says so');

($status, $out, $err) = run('--name', 'a/b', "$dir/bad", "$dir/config");
is($status, 1, 'a damaged manifest is refused');
is($out, '', 'without output');
like($err, qr/^schema1 convert: invalid_manifest: /, 'with the reason');

($status, $out, $err) = run('--name', 'A/b', @image);
like($err, qr/^schema1 convert: invalid_reference: /, 'so is a bad name');

($status, $out, $err) = run('--name', 'a/b', "$dir/none", "$dir/config");
is($status, 1, 'a file that is not there');
like($err, qr/none: No such file/, 'is named');

for my $args (['--name', 'a/b'], ['--name'], ['--nope'], [], \@image,
              ['--schema2', @image], ['--batch', 'x'],
              ['--name', 'a/b', @image, 'more'])
{
    ($status, $out, $err) = run(@$args);
    is($status, 2, "wrong arguments: @$args");
    like($err, qr/^usage: /, 'usage goes to standard error');
}

($status, $out, $err) = run('--help');
is($status, 0, 'help is no failure');
like($out, qr/^usage: .*--batch/s, 'and goes to standard output');

SKIP: {
    skip 'openssl is not installed', 5
        if system("openssl genpkey -algorithm EC -pkeyopt "
                  . "ec_paramgen_curve:P-256 -out '$dir/key' 2>/dev/null");

    ($status, $out, $err) = run('--name', 'a/b', '--tag', 'v1', '--key',
                                "$dir/key", @image);
    is($status, 0, 'signed');
    is(substr($out, 0, length($payload) - 2), substr($payload, 0, -2),
       'the payload comes first');
    is(decode_json($out)->{signatures}[0]{header}{alg}, 'ES256',
       'the signature is of the key');

    ($status, $out, $err) = run('--name', 'a/b', '--key', "$dir/config",
                                @image);
    is($status, 1, 'what is no key does not sign');
    like($err, qr/signing_failed: .*config/, 'and is named');
}

for my $frames (['truncated', 'abc'],
                ['truncated', pack('N4', 1, 0, 0, 5) . 'a'],
                ['too large', pack('N4', 0xffffffff, 0, 0, 0)])
{
    my ($why, $bytes) = @$frames;

    write_file('frames', $bytes);
    ($status, $out, $err) = run_from("$dir/frames", '--batch');
    is($status, 2, "a frame that is $why ends the batch");
    like($err, qr/\Q$why\E/, 'and is complained about');
}

write_file('frames', frame('a/b', 'v1', encode_json(\%manifest), $config)
                     . frame('a/b', 'v1', '', ''));
($status, $out, $err) = run_from("$dir/frames", '--batch');
is($status, 0, 'the batch ends with its input');
is(substr($out, 0, 5 + length $payload),
   pack('CN', 0, length $payload) . $payload, 'converted as a file is');
like(substr($out, 5 + length $payload), qr/^\x01....invalid_manifest: /s,
     'refused, with the reason');

done_testing();


sub frame {
    return pack('N4', map { length } @_) . join '', @_;
}


sub run {
    return run_from('/dev/null', @_);
}


sub run_from {
    my ($in, @args) = @_;

    my $line = join ' ', map { "'$_'" } $program, 'convert', @args;
    my $rc = system("$line < '$in' > '$dir/out' 2> '$dir/err'");

    return ($rc & 127 ? "signal $rc" : $rc >> 8, read_file('out'),
            read_file('err'));
}


sub write_file {
    my ($name, $bytes) = @_;

    open my $to, '>:raw', "$dir/$name" or die "$dir/$name: $!";
    print $to $bytes;
    close $to or die "$dir/$name: $!";
}


sub read_file {
    my ($name) = @_;

    open my $from, '<:raw', "$dir/$name" or die "$dir/$name: $!";
    local $/;

    return scalar readline($from) // '';
}
