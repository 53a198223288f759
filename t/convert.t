# Copyright (C) the ngx_http_schema1_module authors

# What is stored, and what each client gets of it.

use Schema1;
use Schema1::Made;

plan tests => repeat_each() * 212;

our $v1 = type_of('docker', 'schema1');
our $unsigned = 'application/vnd.docker.distribution.manifest.v1+json';
our $v2 = type_of('docker', 'manifest');
our $list = type_of('docker', 'list');
our $oci = type_of('oci', 'manifest');
our $index = type_of('oci', 'list');

our $signed = document('team/s1:1', $v1, '{"schemaVersion":1,"a":1}');
our $plain = document('team/s1u:1', $unsigned, '{"schemaVersion":1,"b":1}');
our $docker = image('team/v2:1', layers => 2);
our $new = image('team/oci:1', format => 'oci', layers => 3);
our $made = made_schema2($new);
our $old_list = list('team/list:1', entries => [
    image('team/list', platform => 'linux/arm64'),
    image('team/list', layers => 2)]);
our $new_list = list('team/index:1', format => 'oci', entries => [
    image('team/index', format => 'oci', layers => 3)]);
our $mixed = list('team/mixed:1', entries => [
    image('team/mixed', format => 'oci', layers => 3)]);
our $other = list('team/other:1', format => 'oci', entries => [
    image('team/other', layers => 2)]);

our $buildah = golden('real/buildah-docker');
our $buildah_oci = golden('real/buildah-oci');
our $umoci = golden('real/umoci');
our $empty = golden('synthetic/r02-empty-layers');

my $n = 0;

for ($buildah, $buildah_oci, $umoci, $empty) {
    my $name = 'golden/' . ++$n;
    document("$name:$_->{tag}", $_->{type}, $_->{body});
    blob($name, $_->{config});
}

# odd headers of an answer that is not passed on
my @odd = ('Last-Modified' => 'Thu, 01 Jan 1970 00:00:00 GMT',
           'Accept-Ranges' => 'bytes', 'Content-Encoding' => 'identity',
           'Content-MD5' => 'x', 'X-Other' => 'kept');

image('odd/v2:1', layers => 2);
answer('/v2/odd/v2/manifests/1', headers => [ETag => '"x"', @odd]);
our $odd_oci = image('odd/oci:1', format => 'oci');
answer('/v2/odd/oci/manifests/1', add => \@odd);

# what the upstream says after its body; from 1.27.2 on nginx can pass it on
our $trailed = image('trailed/oci:1', format => 'oci');
answer('/v2/trailed/oci/manifests/1', chunked => 1, add => [Trailer => 'X-Sum'],
       trailers => ['X-Sum: of another body']);
our $trailers = qx(nginx -v 2>&1) =~ m{/(\d+)\.(\d+)\.(\d+)}
                && $1 * 1_000_000 + $2 * 1000 + $3 >= 1_027_002
                ? 'proxy_pass_trailers on;' : '';

sub pulls
{
    return [map { "GET /v2/team/$_/manifests/1" } @_];
}

run_tests();

__DATA__

=== TEST 1: stored schema 1 passes
--- request eval
[(@{::pulls(qw(s1 s1u))}) x 3]
--- more_headers eval
['', '', ("Accept: $::v2") x 2, ("Accept: $::list, $::v2, $::v1") x 2]
--- response_body eval
[($::signed->{body}, $::plain->{body}) x 3]
--- response_headers eval
[("Content-Type: $::v1\nDocker-Content-Digest: $::signed->{digest}",
  "Content-Type: $::unsigned\nDocker-Content-Digest: $::plain->{digest}") x 3]
--- asked eval
CORE::join "\n", (@{::pulls(qw(s1 s1u))}) x 3



=== TEST 2: other documents are converted to schema 1
--- request eval
::pulls(qw(v2 oci list index mixed other))
--- schema1 eval
['team/v2:1 2 layers', 'team/oci:1 3 layers', 'team/list:1 2 layers',
 'team/index:1 3 layers', 'team/mixed:1 3 layers', 'team/other:1 2 layers']



=== TEST 3: accepted documents pass
--- request eval
::pulls(qw(v2 oci list index))
--- more_headers eval
["Accept: $::v2, $::v1", "Accept: $::oci, $::v1",
 "Accept: $::list, $::v2, $::v1", "Accept: $::index, $::oci, $::v1"]
--- response_body eval
[map { $_->{body} } $::docker, $::new, $::old_list, $::new_list]
--- response_headers eval
[map { "Content-Type: $_->{type}\nDocker-Content-Digest: $_->{digest}
ETag: \"$_->{digest}\"" } $::docker, $::new, $::old_list, $::new_list]
--- asked eval
CORE::join "\n", @{::pulls(qw(v2 oci list index))}



=== TEST 4: an OCI manifest is converted to schema 2
--- request eval
::pulls(qw(oci index mixed))
--- more_headers eval
["Accept: $::v2", "Accept: $::v2, $::v1", "Accept: $::v2, $::v1"]
--- response_body eval
[($::made->{body}) x 3]
--- response_headers eval
[("Content-Type: $::v2\nDocker-Content-Digest: $::made->{digest}") x 3]



=== TEST 5: an accepted child passes
--- request eval
::pulls(qw(list other index))
--- more_headers eval
["Accept: $::v2", "Accept: $::v2, $::list", "Accept: $::oci, $::v1"]
--- response_body eval
[$::docker->{body}, $::docker->{body}, $::new->{body}]
--- response_headers eval
["Content-Type: $::v2\nDocker-Content-Digest: $::docker->{digest}",
 "Content-Type: $::v2\nDocker-Content-Digest: $::docker->{digest}",
 "Content-Type: $::oci\nDocker-Content-Digest: $::new->{digest}"]



=== TEST 6: a child that is not accepted becomes schema 1
--- request eval
::pulls(qw(oci v2 other index))
--- more_headers eval
["Accept: $::list, $::v1", "Accept: $::oci, $::v1",
 "Accept: $::oci, application/json", "Accept: $::list, $::unsigned"]
--- schema1 eval
['team/oci:1 3 layers', 'team/v2:1 2 layers', 'team/other:1 2 layers',
 'team/index:1 3 layers']



=== TEST 7: modern clients receive what is stored
--- request eval
::pulls(qw(s1 v2 oci list index))
--- more_headers eval
[("Accept: $::list, $::v2, $::oci, $::index, $::v1") x 5]
--- response_body eval
[map { $_->{body} } $::signed, $::docker, $::new, $::old_list, $::new_list]



=== TEST 8: schema 1 has its headers
--- request
GET /v2/odd/v2/manifests/1
--- schema1
odd/v2:1 2 layers
--- response_headers eval
"Content-Type: $::v1
Vary: Accept
Docker-Distribution-Api-Version: registry/2.0
X-Other: kept
!Last-Modified
!Accept-Ranges
!Content-Encoding
!Content-MD5"
--- response_headers_like
Content-Length: \d+
Docker-Content-Digest: sha256:[0-9a-f]{64}
ETag: "sha256:[0-9a-f]{64}"



=== TEST 9: schema 2 has its headers
--- request
GET /v2/odd/oci/manifests/1
--- more_headers eval
"Accept: $::v2"
--- response_body eval
Schema1::Made::made_schema2($::odd_oci)->{body}
--- response_headers eval
my $made = Schema1::Made::made_schema2($::odd_oci);
"Content-Type: $::v2
Content-Length: " . length($made->{body}) . "
Docker-Content-Digest: $made->{digest}
ETag: \"$made->{digest}\"
Vary: Accept
Docker-Distribution-Api-Version: registry/2.0
X-Other: kept
!Last-Modified
!Accept-Ranges
!Content-Encoding
!Content-MD5"



=== TEST 10: a child has its headers
--- request
GET /v2/team/list/manifests/1
--- more_headers eval
"Accept: $::v2"
--- response_body eval
$::docker->{body}
--- response_headers eval
"Content-Type: $::v2
Content-Length: " . length($::docker->{body}) . "
Docker-Content-Digest: $::docker->{digest}
ETag: \"$::docker->{digest}\"
Vary: Accept
Docker-Distribution-Api-Version: registry/2.0"



=== TEST 11: the digest of schema 1 is the payload's
--- location
    rewrite ^/v2/app/web/(.*)$ /v2/golden/1/$1 break;
--- request
GET /v2/app/web/manifests/1.0
--- payload eval
$::buildah->{payload}
--- response_headers eval
my $digest = Schema1::digest($::buildah->{payload});
"Docker-Content-Digest: $digest
ETag: \"$digest\""



=== TEST 12: the payload of an OCI image is known
--- location
    rewrite ^/v2/app/web/(.*)$ /v2/golden/2/$1 break;
--- request
GET /v2/app/web/manifests/1.0
--- payload eval
$::buildah_oci->{payload}



=== TEST 13: the payload of another builder's image is known
--- location
    rewrite ^/v2/app/web/(.*)$ /v2/golden/3/$1 break;
--- request
GET /v2/app/web/manifests/1.0
--- payload eval
$::umoci->{payload}



=== TEST 14: empty layers can be between layers
--- location
    rewrite ^/v2/app/web/(.*)$ /v2/golden/4/$1 break;
--- request
GET /v2/app/web/manifests/1.0
--- payload eval
$::empty->{payload}
--- schema1
app/web:1.0 4 layers



=== TEST 15: HEAD of schema 1 has the headers of GET
--- request
HEAD /v2/team/v2/manifests/1
--- head_as_get:
--- response_headers eval
"Content-Type: $::v1"



=== TEST 16: HEAD of a list has an old client's headers
--- request
HEAD /v2/team/index/manifests/1
--- head_as_get:
--- response_headers eval
"Content-Type: $::v1"



=== TEST 17: HEAD of schema 2 has the headers of GET
--- request
HEAD /v2/team/oci/manifests/1
--- more_headers eval
"Accept: $::v2"
--- head_as_get eval
$::v2
--- response_headers eval
"Content-Type: $::v2
Content-Length: " . length $::made->{body}



=== TEST 18: HEAD of a child has the headers of GET
--- request
HEAD /v2/team/list/manifests/1
--- more_headers eval
"Accept: $::v2"
--- head_as_get eval
$::v2
--- response_headers eval
"Content-Length: " . length $::docker->{body}



=== TEST 19: HEAD of a response that passes is sent unchanged
--- request
HEAD /v2/team/s1/manifests/1
--- head_as_get:
--- response_headers eval
"Content-Length: " . length $::signed->{body}



=== TEST 20: converted manifests ignore Range
--- request
GET /v2/team/oci/manifests/1
--- more_headers eval
"Accept: $::v2
Range: bytes=0-1"
--- response_body eval
$::made->{body}
--- response_headers
!Content-Range
!Accept-Ranges



=== TEST 21: trailers of the upstream are dropped
--- location eval: "$::trailers proxy_http_version 1.1;"
--- raw_request eval
"GET /v2/trailed/oci/manifests/1 HTTP/1.1\r
Host: localhost\r
Connection: close\r
TE: trailers\r
\r
"
--- schema1
trailed/oci:1 2 layers
--- response_headers
!Transfer-Encoding
!Trailer
!X-Sum
