# Copyright (C) the ngx_http_schema1_module authors

# Lists and indexes as they are in the wild.

use Schema1;
use Schema1::Made;
use Schema1::Refused;

plan tests => repeat_each() * 205;

our $v1 = type_of('docker', 'schema1');
our $v2 = type_of('docker', 'manifest');
our $list = type_of('docker', 'list');
our $oci = type_of('oci', 'manifest');
our $index = type_of('oci', 'list');

# each image has a number of layers of its own
our @image = map { image('team/list', layers => $_) } 0 .. 6;
my @oci = map { image('team/list', layers => $_, format => 'oci') } 0 .. 6;

my $attestation = image('team/list', format => 'oci', layers => [{
    mediaType => 'application/vnd.in-toto+json', size => 7,
    digest => digest('a proof') }], config => { os => 'unknown' });
my @attestation = (of => $attestation, platform => 'unknown/unknown',
                   annotations => { 'vnd.docker.reference.type'
                                    => 'attestation-manifest' });

sub tag
{
    my ($tag, @entries) = @_;

    return list("team/list:$tag", entries => \@entries);
}

tag('attested', { @attestation }, $image[2], { @attestation });
tag('unplaced', { of => $image[1], platform => undef }, $image[2]);
tag('empty-platform', { of => $image[1], platform => {} }, $image[2]);
tag('half', { of => $image[1], platform => { os => 'linux' } },
    { of => $image[3], platform => { architecture => 'amd64' } }, $image[2]);
tag('first', @image[3, 2, 4]);
tag('windows', { of => $image[1], platform => { os => 'windows',
    architecture => 'amd64', 'os.version' => '10.0.17763.1' } }, $image[2]);
tag('features', { of => $image[2], platform => { os => 'linux',
    architecture => 'amd64', 'os.features' => ['x'], features => ['sse4'] } });
list('team/list:annotated', format => 'oci', entries => [
    { of => $oci[2], annotations => { a => 'b' }, urls => ['http://x/'] }],
    list => { annotations => { c => 'd' }, artifactType => 'application/x' });

my $inner = list('team/list', format => 'oci', entries => [
    { of => $oci[4], platform => 'linux/arm64' }, $oci[2]]);
my $deep = list('team/list', format => 'oci', entries => [
    { of => $inner, platform => 'linux/amd64' }]);
my $arm = list('team/list', format => 'oci', entries => [
    { of => $oci[4], platform => 'linux/arm64' }]);

our $nested = list('team/list:nested', format => 'oci', entries => [
    { of => $arm, platform => 'linux/arm64' },
    { of => $inner, platform => 'linux/amd64' }]);
list('team/list:unplaced-index', format => 'oci', entries => [
    { of => $inner, platform => undef }]);
list('team/list:index-and-image', format => 'oci', entries => [
    { of => $inner, platform => undef }, $oci[3]]);
list('team/list:deep', format => 'oci', entries => [
    { of => $deep, platform => 'linux/amd64' }]);
list('team/list:nested-none', format => 'oci', entries => [
    { of => $arm, platform => 'linux/amd64' }]);
our $inner_digest = $inner->{digest};
our $child = $oci[2]{body};
our $oci_digest = $oci[2]{digest};

tag('none');
tag('attestations', { @attestation });
list('team/list:null', list => { manifests => undef });

# by the digest of its payload, as registries keep it
our $tail = encode('{"formatLength":23,"formatTail":"Cn0","time":"2020"}');
our $payload = qq({\n   "schemaVersion": 1\n});
our $signed = qq({\n   "schemaVersion": 1,\n   "signatures": [\n      {\n)
              . qq(         "protected": "$tail"\n      }\n   ]\n});

sub encode
{
    require Schema1::Keys;
    return Schema1::Keys::base64url($_[0]);
}

our $payload_digest = digest($payload);

tag('signed', { mediaType => $v1, digest => $payload_digest,
                size => length $signed, platform => 'linux/amd64' });
answer("/v2/team/list/manifests/$payload_digest", status => 200, type => $v1,
       body => $signed, headers => ['Docker-Content-Digest', $payload_digest]);

our $broken = digest("another payload");
tag('broken', { mediaType => $v1, digest => $broken, size => length $signed,
                platform => 'linux/amd64' });
answer("/v2/team/list/manifests/$broken", status => 200, type => $v1,
       body => $signed, headers => []);

# children of an OCI manifest that are served as signed schema 1
for my $name ('list', 'old') {
    my $child = image("mislabelled/$name", format => 'oci', strict => 0);

    list("mislabelled/$name:1", entries => [$child]);
    answer("GET /v2/mislabelled/$name/manifests/$child->{digest}",
           type => $v1);
}

# what "docker manifest create" of Docker 28 writes
our $middle = "Accept: $v2, $list, $v1, application/json";

our $made = tag('made', @oci[2, 3]);
our $made_schema2 = Schema1::Made::made_schema2($oci[2])->{body};
tag('aside', $image[2], { @attestation });
our $mixed = tag('mixed', { of => $oci[3], platform => 'linux/amd64' },
                 { of => $image[4], platform => 'linux/arm64' });
our $large = tag('large', $oci[2], { of => $oci[3], annotations => {
    x => 'y' x 5000 } });
our $untyped = tag('untyped', { digest => $oci[2]{digest},
    size => length $oci[2]{body}, platform => 'linux/amd64' });

run_tests();

__DATA__

=== TEST 1: attestations never match
--- request
GET /v2/team/list/manifests/attested
--- schema1
team/list:attested 2 layers



=== TEST 2: a list of attestations has no match
--- request
GET /v2/team/list/manifests/attestations
--- refused
404 MANIFEST_UNKNOWN no_platform team/list:attestations



=== TEST 3: attestations do not match unknown/unknown
--- location
    schema_conversion_platform unknown/unknown;
--- request
GET /v2/team/list/manifests/attested
--- refused
404 MANIFEST_UNKNOWN no_platform team/list:attested



=== TEST 4: entries without a platform do not match
--- request eval
[map { "GET /v2/team/list/manifests/$_" } qw(unplaced empty-platform half)]
--- schema1 eval
[map { "team/list:$_ 2 layers" } qw(unplaced empty-platform half)]



=== TEST 5: the first match is selected
--- request
GET /v2/team/list/manifests/first
--- schema1
team/list:first 3 layers



=== TEST 6: entries of another system do not match
--- request
GET /v2/team/list/manifests/windows
--- schema1
team/list:windows 2 layers



=== TEST 7: features are ignored
--- request
GET /v2/team/list/manifests/features
--- schema1
team/list:features 2 layers



=== TEST 8: annotations and an artifact type are ignored
--- request
GET /v2/team/list/manifests/annotated
--- schema1
team/list:annotated 2 layers



=== TEST 9: a nested index is searched
--- request
GET /v2/team/list/manifests/nested
--- schema1
team/list:nested 2 layers
--- asked eval
"GET /v2/team/list/manifests/nested
GET /v2/team/list/manifests/$::inner_digest
GET /v2/team/list/manifests/$::oci_digest
GET /v2/team/list/blobs/$::image[2]{config_digest}"



=== TEST 10: an accepted child of a nested index passes
--- request
GET /v2/team/list/manifests/nested
--- more_headers eval
"Accept: $::oci, $::v1"
--- response_headers eval
"Content-Type: $::oci
Docker-Content-Digest: $::oci_digest"
--- response_body eval
$::child



=== TEST 11: an accepted list passes with a nested index
--- request
GET /v2/team/list/manifests/nested
--- more_headers eval
"Accept: $::index, $::v1"
--- response_body eval
$::nested->{body}



=== TEST 12: a nested index without a platform is searched
--- request
GET /v2/team/list/manifests/unplaced-index
--- schema1
team/list:unplaced-index 2 layers



=== TEST 13: an image takes precedence over a nested index
--- request
GET /v2/team/list/manifests/index-and-image
--- schema1
team/list:index-and-image 3 layers



=== TEST 14: indexes are searched one level deep
--- request
GET /v2/team/list/manifests/deep
--- refused
404 MANIFEST_UNKNOWN no_platform team/list:deep



=== TEST 15: a nested index without a match is 404
--- request
GET /v2/team/list/manifests/nested-none
--- refused
404 MANIFEST_UNKNOWN no_platform team/list:nested-none
platform: linux/amd64



=== TEST 16: empty lists are 404
--- request eval
['GET /v2/team/list/manifests/none', 'HEAD /v2/team/list/manifests/none',
 'GET /v2/team/list/manifests/null']
--- refused eval
['404 MANIFEST_UNKNOWN no_platform team/list:none',
 '404 MANIFEST_UNKNOWN no_platform team/list:none',
 '404 MANIFEST_UNKNOWN no_platform team/list:null']



=== TEST 17: a schema 1 child passes
--- request
GET /v2/team/list/manifests/signed
--- response_body eval
$::signed
--- response_headers eval
"Content-Type: $::v1
Docker-Content-Digest: $::payload_digest
ETag: \"$::payload_digest\"
Vary: Accept"
--- asked eval
"GET /v2/team/list/manifests/signed
GET /v2/team/list/manifests/$::payload_digest"



=== TEST 18: a schema 1 child passes for a middle client
--- request
GET /v2/team/list/manifests/signed
--- more_headers eval
"Accept: $::v2, application/json"
--- response_body eval
$::signed



=== TEST 19: a schema 1 child is refused without schema 1
--- request
GET /v2/team/list/manifests/signed
--- more_headers eval
"Accept: $::v2"
--- refused
400 MANIFEST_INVALID not_taken team/list:signed



=== TEST 20: the payload of a schema 1 child is verified
--- request
GET /v2/team/list/manifests/broken
--- refused
502 UNKNOWN digest_mismatch team/list:broken



=== TEST 21: a child's Content-Type does not determine its type
--- http_config
    schema_conversion_cache_zone one:1m;
--- location
    schema_conversion_cache one;
--- request eval
[("GET /v2/mislabelled/list/manifests/1") x 2,
 ("GET /v2/mislabelled/old/manifests/1") x 2]
--- more_headers eval
[('') x 2, ("Accept: $::v2, application/json") x 2]
--- response_headers eval
["Content-Type: $::v1", "Content-Type: $::v1",
 "Content-Type: $::v2", "Content-Type: $::v2"]
--- response_body_like eval
[(qr/"signatures"/) x 2, (qr/\A\{\n   "schemaVersion": 2,/) x 2]



=== TEST 22: an accepted list in which no image is accepted gives the child
--- request eval
[map { "$_ /v2/team/list/manifests/made" } qw(GET HEAD)]
--- more_headers eval: $::middle
--- response_body eval
[$::made_schema2, '']
--- response_headers eval
[("Content-Type: $::v2
Content-Length: @{[length $::made_schema2]}
Docker-Content-Digest: @{[Schema1::digest($::made_schema2)]}") x 2]
--- schema1_log eval
"CONVERTED $::list $::made->{digest} * -
" x 2



=== TEST 23: schema 1 instead of an accepted list in which no image is accepted
--- request
GET /v2/team/list/manifests/made
--- more_headers eval
"Accept: $::list, $::v1"
--- schema1
team/list:made 2 layers



=== TEST 24: attestations of an accepted list are left aside
--- request
GET /v2/team/list/manifests/aside
--- more_headers eval
"Accept: $::oci, $::list, $::v1"
--- schema1
team/list:aside 2 layers



=== TEST 25: an accepted list with an accepted image passes
--- request eval
[map { "$_ /v2/team/list/manifests/mixed" } qw(GET HEAD)]
--- more_headers eval: $::middle
--- response_body eval
[$::mixed->{body}, '']
--- response_headers eval
[("Content-Type: $::list
Content-Length: @{[length $::mixed->{body}]}
Docker-Content-Digest: $::mixed->{digest}") x 2]



=== TEST 26: an accepted list passes for modern clients
--- more_headers eval
["Accept: $::v2, $::list, */*", "Accept: $::v2, $::list, $::oci, $::index"]
--- request eval
[("GET /v2/team/list/manifests/made") x 2]
--- response_body eval
[($::made->{body}) x 2]



=== TEST 27: the client's own platform determines the image that it must accept
--- location
    schema_conversion_platform linux/$arg_arch;
--- request eval
[map { "GET /v2/team/list/manifests/mixed?arch=$_" } 'amd64', 'arm64',
                                                     's390x', '']
--- more_headers eval: $::middle
--- response_body_like eval
my $passes = qr/\A\Q$::mixed->{body}\E\z/;
[qr/\A\{\n   "schemaVersion": 2,/, $passes, $passes, $passes]
--- response_headers eval
[map { "Content-Type: $_\nVary: Accept, User-Agent" }
     $::v2, ($::list) x 3]



=== TEST 28: an accepted list beyond the size limit passes
--- location
    schema_conversion_max_size 4k;
--- request eval
[map { "$_ /v2/team/list/manifests/large" } qw(GET HEAD)]
--- more_headers eval: $::middle
--- response_body eval
[$::large->{body}, '']



=== TEST 29: an accepted list of images without a type passes
--- request
GET /v2/team/list/manifests/untyped
--- more_headers eval: $::middle
--- response_body eval
$::untyped->{body}



=== TEST 30: children of accepted lists are cached for each platform
--- http_config
    schema_conversion_cache_zone one:1m;
--- location
    schema_conversion_cache one;
    schema_conversion_platform linux/$arg_arch;
--- request eval
[map { "GET /v2/team/list/manifests/made?arch=$_" } qw(amd64 amd64 arm64)]
--- more_headers eval: $::middle
--- error_code eval
[200, 200, 404]
--- no_error_log
[alert]
--- schema1_log eval
"* $::list $::made->{digest} * -
HIT $::list $::made->{digest} * -
UNCONVERTIBLE $::list $::made->{digest} - no_platform"
