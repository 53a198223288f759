# Copyright (C) the ngx_http_schema1_module authors

# Schema 2 made from OCI manifests.

use Schema1;
use Schema1::Made;
use Schema1::Refused;

plan tests => repeat_each() * 48;

our $v2 = type_of('docker', 'manifest');
our $list = type_of('docker', 'list');

my $layer = 'application/vnd.oci.image.layer.v1';
my $docker = 'application/vnd.docker.image.rootfs.diff.tar';

sub layers
{
    return [map { { mediaType => $_, digest => digest($_), size => 1234567 } }
            @_];
}

our $plain = image('team/plain:1', format => 'oci', layers => 3);
our $kinds = image('team/kinds:1', format => 'oci', layers => layers(
    "$layer.tar", "$layer.tar+gzip", $docker, "$docker.gzip"));
our $dressed = image('team/dressed:1', format => 'oci', layers => [
    { %{layers("$layer.tar+gzip")->[0]}, annotations => { a => 'b' } }],
    manifest => {
        annotations => { 'org.opencontainers.image.title' => 'x' },
        subject => { mediaType => type_of('oci', 'manifest'), size => 2,
                     digest => digest('{}') } });

my $config = $plain->{config};

# what the type of the config is called does not matter where it says nothing
our $typed = { map {
    my $tag = $_->[0];
    my %config = (digest => $plain->{config_digest}, size => length $config,
                  $_->[1] ? (mediaType => $_->[1]) : ());
    my $image = image("team/typed:$tag", format => 'oci', config => $config,
                      manifest => { config => \%config });
    $tag => made_schema2($image);
} ['none'], ['json', 'application/json'],
  ['octets', 'application/octet-stream'],
  ['docker', type_of('docker', 'config')] };

image('team/chart:1', format => 'oci', manifest => { config => {
    mediaType => 'application/vnd.cncf.helm.config.v1+json',
    digest => digest('{}'), size => 2 }});
image('team/zstd:1', format => 'oci', layers => layers("$layer.tar+zstd"));
image('team/foreign:1', format => 'oci', layers => layers(
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'));

# the same image with its members in another order, and blanks
our $spaced = $plain->{body} =~ s/([,{\[])/$1\n\t /gr;
document('team/spaced:1', type_of('oci', 'manifest'), $spaced, strict => 1);

run_tests();

__DATA__

=== TEST 1: media types are Docker's
--- request
GET /v2/team/plain/manifests/1
--- more_headers eval
"Accept: $::v2"
--- response_body eval
Schema1::Made::made_schema2($::plain)->{body}
--- response_headers eval
"Content-Type: $::v2
Docker-Content-Digest: " . Schema1::Made::made_schema2($::plain)->{digest}
--- asked
GET /v2/team/plain/manifests/1



=== TEST 2: each type of layer is converted
--- request
GET /v2/team/kinds/manifests/1
--- more_headers eval
"Accept: $::v2"
--- response_body eval
Schema1::Made::made_schema2($::kinds)->{body}



=== TEST 3: annotations and subject are removed
--- request
GET /v2/team/dressed/manifests/1
--- more_headers eval
"Accept: $::v2, $::list, application/json"
--- response_body eval
Schema1::Made::made_schema2($::dressed)->{body}



=== TEST 4: a config of a generic type is an image's
--- request eval
[map { "GET /v2/team/typed/manifests/$_" } qw(none json octets docker)]
--- more_headers eval
[("Accept: $::v2") x 4]
--- response_body eval
[map { $::typed->{$_}{body} } qw(none json octets docker)]



=== TEST 5: a config of another type is an artifact's
--- request
GET /v2/team/chart/manifests/1
--- more_headers eval
"Accept: $::v2"
--- refused
400 MANIFEST_INVALID not_an_image team/chart:1



=== TEST 6: layers that Docker cannot read are refused
--- request eval
[map { "GET /v2/team/$_/manifests/1" } qw(zstd foreign)]
--- more_headers eval
[("Accept: $::v2") x 2]
--- refused eval
['400 MANIFEST_INVALID layer_compression team/zstd:1',
 '400 MANIFEST_INVALID foreign_layer team/foreign:1']



=== TEST 7: the bytes do not depend on the source's format
--- request
GET /v2/team/spaced/manifests/1
--- more_headers eval
"Accept: $::v2"
--- response_body eval
Schema1::Made::made_schema2($::plain)->{body}
