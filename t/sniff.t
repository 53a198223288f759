# Copyright (C) the ngx_http_schema1_module authors

# The type of what is stored, with and without a Content-Type that states it.

use Schema1;
use Schema1::Made;

plan tests => repeat_each() * 378;

our $v1 = type_of('docker', 'schema1');
our $unsigned = $v1 =~ s/prettyjws/json/r;
our $v2 = type_of('docker', 'manifest');
our $list = type_of('docker', 'list');
our $oci = type_of('oci', 'manifest');
our $index = type_of('oci', 'list');

our @generic = (undef, 'application/json', 'text/plain',
                'application/octet-stream', 'binary/octet-stream',
                'Application/JSON; charset=utf-8', '');

our $app = image('team/app', layers => 2);
our $new = image('team/new', format => 'oci', layers => 2);

# documents that say what they are, or by their members
our %document = (
    docker  => $app->{body},
    oci     => $new->{body},
    list    => list('team/list', entries => [image('team/list')])->{body},
    bare    => (our $bare = image('team/bare', format => 'oci',
                     manifest => { mediaType => undef }))->{body}
               =~ s/"mediaType":null,//r,
    index   => list('team/index', format => 'oci', entries => [
                   image('team/index')])->{body},
    members => list('team/members', format => 'oci', entries => [
                   image('team/members')])->{body}
               =~ s/"mediaType":"[^"]*index[^"]*",//r,
    schema1 => '{"schemaVersion":1,"name":"x","tag":"y","fsLayers":[],'
               . '"history":[],"signatures":[{}]}',
    empty   => '{}',
    chart   => '{"schemaVersion":2,"mediaType":"application/vnd.x+json"}',
    text    => 'no JSON at all',
    nothing => '',
);

our $late = image('late/app:1');
answer('/v2/late/app/manifests/1', add => ['X-Says' => 'application/json']);
image('team/docker', layers => 2);
image('team/oci', layers => 2, format => 'oci');

my $n = 0;

for my $type (@generic) {
    stored('docker', 't' . $n++, $type);
}

stored($_, 'json', 'application/json') for keys %document;

stored('docker', 'html', 'text/html');
stored('docker', 'odd', 'application/vnd.oci.artifact.manifest.v1+json');
stored('docker', 'spelt', uc($v2) . '; charset=utf-8');

# what the Content-Type says that they are
our @mislabelled = (
    [docker => 'signed'], [docker => 'oci'], [docker => 'list'],
    [oci => 'signed'], [oci => 'docker'], [bare => 'docker'],
    [bare => 'signed'], [bare => 'index'], [list => 'docker'],
    [list => 'signed'], [index => 'list'], [index => 'oci'],
    [members => 'oci'],
);
my %label = (signed => $v1, docker => $v2, list => $list, oci => $oci,
             index => $index);

stored($_->[0], $_->[1], $label{$_->[1]}) for @mislabelled;
stored($_, 'signed', $v1) for qw(text nothing empty chart);
stored('schema1', 'docker', $v2);
stored('schema1', 'unsigned', $unsigned);

sub stored
{
    my ($name, $tag, $type) = @_;

    answer("/v2/team/$name/manifests/$tag", status => 200, type => $type,
           body => $document{$name}, headers => ['X-Kept' => 'yes']);
}

our $big = $app->{body} =~ s/\}\z/',"x":"' . 'y' x 5000 . '"}'/er;

answer('/v2/team/big/manifests/1', status => 200, type => 'application/json',
       body => $big, headers => ['X-Kept' => 'yes', ETag => '"big"']);
answer('/v2/team/big/manifests/chunked', status => 200, type => 'text/plain',
       body => $big, headers => [], chunked => 1);
answer('/v2/team/big/manifests/slow', status => 200, type => undef,
       body => $big, headers => [], chunked => 1, drip => [1500, 0.01]);

answer('/v2/team/large/manifests/1', status => 200, type => $v1,
       body => $big, headers => ['X-Kept' => 'yes']);
answer('/v2/team/large/manifests/chunked', status => 200, type => $v1,
       body => $big, headers => ['X-Kept' => 'yes'], chunked => 1);
answer('/v2/team/large/manifests/slow', status => 200, type => $v1, body => $big,
       headers => ['X-Kept' => 'yes'], chunked => 1, drip => [1500, 0.01]);
answer('/v2/team/docker/manifests/packed', status => 200, type => $v1,
       body => $document{docker}, headers => ['Content-Encoding' => 'br']);
answer('/v2/team/docker/manifests/cut', status => 200, type => $v1,
       body => $document{docker}, headers => [], truncate => 50);

# without a digest, but for the last
for (['plain', 'identity'], ['spelt', 'Identity'], ['none', ''],
     ['proven', 'aws-chunked', 'Docker-Content-Digest' => $app->{digest}])
{
    my ($name, $encoding, @more) = @$_;

    answer("/v2/team/encoded/manifests/$name", status => 200, type => $v2,
           body => $document{docker}, headers => [
               'Content-Encoding' => $encoding, @more]);
}

blob('team/encoded', $app->{config});

# only the HEAD has a digest, of another document
answer('HEAD /v2/team/docker/manifests/moved', status => 200, type => $v2,
       body => '', length => 500, headers => ['Docker-Content-Digest' =>
                                              digest('another')]);
answer('GET /v2/team/docker/manifests/moved', status => 200, type => $v2,
       body => $document{docker}, headers => []);

# white space behind a manifest belongs to the document
our $exact = $document{docker} . ' ' x 4000;
answer('/v2/team/docker/manifests/exact', status => 200, body => $exact,
       type => 'application/json', headers => []);

# several of nginx's buffers
our $wide = '{"x":"' . 'y' x 60_000 . '"}';
answer('/v2/team/wide/manifests/1', status => 200, type => 'application/json',
       body => $wide, headers => ['X-Kept' => 'yes'], chunked => 1);

sub pulls
{
    return [map { "GET /v2/team/$_" } @_];
}

run_tests();

__DATA__

=== TEST 1: generic types are sniffed
--- request eval
::pulls(map { "docker/manifests/t$_" } 0 .. $#::generic)
--- schema1 eval
[map { "team/docker:t$_ 2 layers" } 0 .. $#::generic]



=== TEST 2: mediaType determines the type
--- request eval
::pulls(map { "$_/manifests/json" } qw(docker oci list index))
--- schema1 eval
[map { "team/$_:json 2 layers" } qw(docker oci list index)]



=== TEST 3: members determine the type
--- request eval
::pulls(map { "$_/manifests/json" } qw(bare members))
--- schema1 eval
[map { "team/$_:json 2 layers" } qw(bare members)]



=== TEST 4: accepted documents of a generic type pass
--- request eval
::pulls(map { "$_/manifests/json" } qw(docker oci list members schema1))
--- more_headers eval
["Accept: $::v2", "Accept: $::oci, $::v1", "Accept: $::v2, $::list",
 "Accept: $::index, $::v2, $::oci, $::v1",
 "Accept: $::v2"]
--- response_body eval
[@::document{qw(docker oci list members schema1)}]
--- response_headers eval
[("Content-Type: application/json\nX-Kept: yes\nVary: Accept") x 5]



=== TEST 5: schema 2 of a generic type is converted
--- request
GET /v2/team/oci/manifests/json
--- more_headers eval
"Accept: $::v2"
--- response_body eval
Schema1::Made::made_schema2($::new)->{body}
--- response_headers eval
"Content-Type: $::v2"



=== TEST 6: schema 1 of a generic type passes
--- request
GET /v2/team/schema1/manifests/json
--- response_body eval
$::document{schema1}
--- response_headers
Content-Type: application/json
X-Kept: yes



=== TEST 7: a generic type that is not a manifest passes
--- request eval
::pulls(map { "$_/manifests/json" } qw(empty chart text nothing))
--- response_body eval
[@::document{qw(empty chart text nothing)}]
--- response_headers eval
[map { "Content-Type: application/json\nContent-Length: $_\nX-Kept: yes" }
 map { length } @::document{qw(empty chart text nothing)}]



=== TEST 8: HEAD of a generic type that is not a manifest passes
--- request eval
[map { "HEAD /v2/team/$_/manifests/json" } qw(empty text nothing schema1)]
--- response_headers eval
[map { "Content-Type: application/json\nContent-Length: $_\nX-Kept: yes" }
 map { length } @::document{qw(empty text nothing schema1)}]



=== TEST 9: other types pass
--- request eval
::pulls(map { "docker/manifests/$_" } qw(html odd))
--- response_body eval
[($::document{docker}) x 2]
--- response_headers eval
["Content-Type: text/html",
 'Content-Type: application/vnd.oci.artifact.manifest.v1+json']
--- asked
GET /v2/team/docker/manifests/html
GET /v2/team/docker/manifests/odd



=== TEST 10: the document takes precedence over the Content-Type
--- request eval
::pulls(map { "$_->[0]/manifests/$_->[1]" } @::mislabelled)
--- schema1 eval
[map { "team/$_->[0]:$_->[1] 2 layers" } @::mislabelled]



=== TEST 11: a document that the client accepts passes with its own type
--- request eval
::pulls('docker/manifests/signed', 'docker/manifests/oci')
--- more_headers eval
"Accept: $::v2, $::list, $::v1"
--- response_body eval
[($::document{docker}) x 2]
--- response_headers eval
[("Content-Type: $::v2\nX-Kept: yes\nVary: Accept") x 2]



=== TEST 12: the Content-Type's case and parameters are ignored
--- request
GET /v2/team/docker/manifests/spelt
--- schema1
team/docker:spelt 2 layers
--- response_headers eval
"Content-Type: $::v1"



=== TEST 13: a generic type beyond the size limit passes
--- location
    schema_conversion_max_size 4k;
--- request eval
::pulls(map { "big/manifests/$_" } qw(1 chunked slow))
--- response_body eval
[($::big) x 3]
--- response_headers eval
["Content-Type: application/json
Content-Length: " . length($::big) . "
X-Kept: yes
ETag: \"big\"
Vary: Accept", "Content-Type: text/plain\nVary: Accept", 'Vary: Accept']



=== TEST 14: HEAD of a generic type beyond the size limit passes
--- location
    schema_conversion_max_size 4k;
--- request eval
[map { "HEAD /v2/team/big/manifests/$_" } qw(1 chunked)]
--- response_headers eval
["Content-Type: application/json
Content-Length: " . length($::big) . "
X-Kept: yes
ETag: \"big\"
Vary: Accept", "Content-Type: text/plain\nVary: Accept"]
--- schema1_log
PASS - - - -
PASS - - - -



=== TEST 15: conditions beyond the size limit are evaluated
--- location
    schema_conversion_max_size 4k;
--- request eval
[map { "$_ /v2/team/big/manifests/1" } qw(GET HEAD)]
--- more_headers eval
[('If-None-Match: "big"') x 2]
--- error_code eval
[304, 304]
--- response_headers eval
[("ETag: \"big\"\nVary: Accept") x 2]



=== TEST 16: a generic type at the size limit is converted
--- location eval
'schema_conversion_max_size ' . length($::exact) . ';'
--- request eval
::pulls('docker/manifests/exact')
--- schema1
team/docker:exact 2 layers



=== TEST 17: HEAD of a generic type is answered as GET
--- request
HEAD /v2/team/docker/manifests/json
--- head_as_get:
--- response_headers eval
"Content-Type: $::v1"



=== TEST 18: schema 2 is converted from OCI labelled as schema 2
--- request eval
::pulls('oci/manifests/docker', 'bare/manifests/docker')
--- more_headers eval
"Accept: $::v2, $::list, $::v1"
--- response_body eval
[Schema1::Made::made_schema2($::new)->{body},
 Schema1::Made::made_schema2($::bare)->{body}]
--- response_headers eval
[("Content-Type: $::v2") x 2]



=== TEST 19: HEAD of an accepted type is not followed by GET
--- request eval
[map { "HEAD /v2/team/$_" } qw(docker/manifests/signed oci/manifests/docker)]
--- more_headers eval
["", "Accept: $::v2, $::v1"]
--- response_headers eval
["Content-Type: $::v1\nX-Kept: yes", "Content-Type: $::v2\nX-Kept: yes"]
--- asked
HEAD /v2/team/docker/manifests/signed
HEAD /v2/team/oci/manifests/docker



=== TEST 20: HEAD of a wrong type that is not accepted is answered as GET
--- request
HEAD /v2/team/docker/manifests/oci
--- head_as_get:
--- response_headers eval
"Content-Type: $::v1"



=== TEST 21: schema 1 labelled as schema 2 passes with its own type
--- request eval
::pulls(map { "schema1/manifests/$_" } qw(docker unsigned))
--- response_body eval
[($::document{schema1}) x 2]
--- response_headers eval
["Content-Type: $::v1\nX-Kept: yes",
 "Content-Type: $::unsigned\nX-Kept: yes"]



=== TEST 22: a modern client receives the wrong type unchanged
--- request eval
::pulls('docker/manifests/signed', 'oci/manifests/docker')
--- more_headers eval
"Accept: $::v2, $::list, $::oci, $::index"
--- response_body eval
[@::document{qw(docker oci)}]
--- response_headers eval
["Content-Type: $::v1\nX-Kept: yes", "Content-Type: $::v2\nX-Kept: yes"]



=== TEST 23: an accepted type beyond the size limit passes
--- location
    schema_conversion_max_size 4k;
--- request eval
::pulls(map { "large/manifests/$_" } qw(1 chunked slow))
--- response_body eval
[($::big) x 3]
--- response_headers eval
[("Content-Type: $::v1\nX-Kept: yes\nVary: Accept") x 3]



=== TEST 24: an accepted type that is compressed passes
--- request
GET /v2/team/docker/manifests/packed
--- response_body eval
$::document{docker}
--- response_headers eval
"Content-Type: $::v1\nContent-Encoding: br"



=== TEST 25: an accepted type that is no manifest passes
--- request eval
::pulls(map { "$_/manifests/signed" } qw(text nothing empty chart))
--- response_body eval
[@::document{qw(text nothing empty chart)}]
--- response_headers eval
[("Content-Type: $::v1\nX-Kept: yes") x 4]



=== TEST 26: wrong types are cached under the type of the document
--- main_config
    thread_pool one threads=2;
--- http_config
    schema_conversion_cache_zone one:1m;
--- location
    schema_conversion_cache one;
    schema_conversion_thread_pool one;
--- request eval
::pulls(('oci/manifests/signed') x 2, ('docker/manifests/oci') x 2)
--- schema1_log eval
"* $::oci * * -
HIT $::oci * * -
* $::v2 * * -
HIT $::v2 * * -"



=== TEST 27: a cut document of an accepted type is an error
--- request
GET /v2/team/docker/manifests/cut
--- error_code: 502
--- response_body_like eval
qr/"the manifest was cut off after 50 bytes; try again later"/
--- error_log
reason: truncated



=== TEST 28: a Content-Encoding without an encoding is ignored
--- request eval
[(map { "GET /v2/team/encoded/manifests/$_" } qw(plain spelt none proven)),
 "HEAD /v2/team/encoded/manifests/proven"]
--- schema1 eval
[(map { "team/encoded:$_ 2 layers" } qw(plain spelt none proven)), undef]
--- response_headers eval
[("Content-Type: $::v1\n!Content-Encoding") x 5]



=== TEST 29: the digest of a HEAD is not that of the GET that follows
--- request
HEAD /v2/team/docker/manifests/moved
--- response_headers eval
"Content-Type: $::v1"



=== TEST 30: a document that passes has several buffers
--- location
    schema_conversion_max_size 20k;
    proxy_buffer_size 4k;
    proxy_buffers 8 4k;
--- request
GET /v2/team/wide/manifests/1
--- response_body eval
$::wide
--- response_headers
Content-Type: application/json
X-Kept: yes



=== TEST 31: a document that passes after it was buffered has no ranges
--- location
    proxy_force_ranges on;
--- request
GET /v2/team/schema1/manifests/json
--- more_headers
Range: bytes=0-9
--- response_body eval
$::document{schema1}
--- response_headers
Content-Type: application/json
!Accept-Ranges
!Content-Range



=== TEST 32: schema_conversion_accept of a modern client leaves the wrong type
--- location eval
"schema_conversion_accept '$::v2, $::list, $::oci, $::index';"
--- request eval
::pulls('docker/manifests/signed', 'oci/manifests/docker')
--- response_body eval
[@::document{qw(docker oci)}]
--- response_headers eval
["Content-Type: $::v1\nX-Kept: yes", "Content-Type: $::v2\nX-Kept: yes"]



=== TEST 33: schema_conversion_accept is evaluated once
--- location
    schema_conversion_accept $upstream_http_x_says;
--- request
GET /v2/late/app/manifests/1
--- more_headers eval
"Accept: $::v2, $::list, $::oci, $::index"
--- response_body eval
$::late->{body}
--- response_headers eval
"Content-Type: $::v2"
