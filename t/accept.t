# Copyright (C) the ngx_http_schema1_module authors

# Who is given what: the rows of the table, and how Accept is read.

# an earlier request's lines stay in memory: TEST 23
BEGIN {
    $ENV{MALLOC_PERTURB_} = 0;
}

use Schema1;
use Schema1::Client;
use Schema1::Made;

plan tests => repeat_each() * 431;

our $v1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
our $unsigned = 'application/vnd.docker.distribution.manifest.v1+json';
our $v2 = type_of('docker', 'manifest');
our $list = type_of('docker', 'list');
our $oci = type_of('oci', 'manifest');
our $index = type_of('oci', 'list');

our $docker = image('team/docker:1', layers => 2);
our $app = image('team/app:1', format => 'oci', layers => 2, strict => 0);
our $made = made_schema2($app);

# a test for each value: the stored OCI manifest passes, or becomes something
sub clients
{
    my ($image, @accept) = @_;

    return ([map { "GET /v2/team/$image/manifests/1" } @accept],
            [map { ref $_ ? join "\n", map { "Accept: $_" } @$_
                          : defined $_ ? "Accept: $_" : '' } @accept]);
}

our ($old_get, $old) = clients('app', undef, '*/*', 'application/json',
    'text/html', 'application/*', $v1, $unsigned, "$v1, $unsigned, */*",
    'application/json; charset=utf-8, text/plain;q=0.5, */*;q=0.1', 'x', '""');
our ($docker_get, $docker_old) = clients('docker', undef, '*/*',
    'application/json', 'text/html', $v1);

our ($modern_get, $modern) = clients('docker',
    "$list, $v2, $oci, $index", "$index, $oci, $list, $v2, */*",
    "$v1, $list, $v2, $oci, $index, application/json");

our ($wildcard_get, $wildcard) = clients('app', "$v2, */*", "$v2, $list, */*",
    "$v2, $list, application/*", "$v2,*/*;q=0.1", "*/*, $list", ["$v2", '*/*']);

our ($rest_get, $rest) = clients('docker', $oci, $index, "$oci, $index",
    "$oci, text/html", $list, "$oci, $index, */*");

our ($middle_get, $middle) = clients('app', "$v2, $list, $v1",
    "$v1, $v2", "$v2, application/json", "$v2, $v1, */*", "$v2, $unsigned",
    "$list, $index, $v2, application/json", [$v2, $v1]);

our ($below_get, $below) = clients('docker', "$list, $v1",
    "$oci, application/json", "$oci, $index, $list, $v1",
    "$index, $unsigned, */*");

our ($only_get, $only) = clients('app', $v2, "$v2, $list", "$v2, $index",
    "$v2, $list, $index", "$v2, text/html");

our ($case_get, $case) = clients('app', uc $v2, ucfirst $v2,
    "$v2;a=b", "$v2 ; a=\"x, */*\" ;b=c", "\t$v2 ,", ", ,$v2", "$v2;q=1",
    "$v2;Q=0.001", "$v2; charset=utf-8; q=0.5");

# not named after all
our ($zero_get, $zero) = clients('docker', "$v2;q=0", "$v2; q=0.0",
    "$v2;q=0.", "$v2;Q=0.000", "$v2;a=b;q=0", "$v2 ;\tq=0, */*");

# a malformed q counts as 1
our ($odd_get, $odd) = clients('app', "$v2;q=0.0000", "$v2;q=", "$v2;q=x",
    "$v2;q=-0", "$v2;q=00", "$v2;q=0x", "$v2;q=2", "$v2;q=0.0.0", "$v2;q");

# what the worker keeps of the last lines is found by their length
my $long = join ', ', map { "text/x$_" } 1 .. 100;
my $even = $long . 'x' x ((length("$v2;q=0") - length("$v2, $long")) % 8);
my $first = "$v2;" . 'x' x (-(length($v2) + 1) % 8);
our ($kept_get, $kept) = clients('docker', ("$v2;q=0", "$v2;q=1") x 2,
    ("$v2;q=0", "$v2, $even") x 2, ("$v2;q=0.000", $v2) x 2, ('', $first) x 2,
    ("$v2;q=0, $long", "$v2;q=1, $long") x 2,
    ("$v1, $list, $oci, $index, $v2;q=0",
     "$v1, $list, $oci, $index, $v2;q=1") x 2);

run_tests();
__DATA__

=== TEST 1: old clients receive schema 1 from an OCI image
--- request eval: $::old_get
--- more_headers eval: $::old
--- schema1 eval
[('team/app:1 2 layers') x @$::old]



=== TEST 2: old clients receive schema 1 from schema 2
--- request eval: $::docker_get
--- more_headers eval: $::docker_old
--- schema1 eval
[('team/docker:1 2 layers') x @$::docker_old]



=== TEST 3: clients that name all four types are modern
--- request eval: $::modern_get
--- more_headers eval: $::modern
--- response_body eval
[($::docker->{body}) x @$::modern]
--- asked eval
CORE::join "", map { "GET /v2/team/docker/manifests/1\n    $_\n" }
                  @$::modern



=== TEST 4: clients that name some types and a wildcard are modern
--- request eval: $::wildcard_get
--- more_headers eval: $::wildcard
--- response_body eval
[($::app->{body}) x @$::wildcard]
--- response_headers eval
[("Content-Type: $::oci\nDocker-Content-Digest: $::app->{digest}")
 x @$::wildcard]



=== TEST 5: clients that name only OCI types are modern
--- request eval: $::rest_get
--- more_headers eval: $::rest
--- response_body eval
[($::docker->{body}) x @$::rest]
--- asked eval
CORE::join "", map { "GET /v2/team/docker/manifests/1\n    $_\n" }
                @$::rest



=== TEST 6: middle clients receive schema 2
--- request eval: $::middle_get
--- more_headers eval: $::middle
--- response_headers eval
[("Content-Type: $::v2") x @$::middle]
--- response_body eval
[($::made->{body}) x @$::middle]



=== TEST 7: middle clients that do not name schema 2 receive schema 1
--- request eval: $::below_get
--- more_headers eval: $::below
--- schema1 eval
[('team/docker:1 2 layers') x @$::below]



=== TEST 8: clients that name only schema 2 receive no schema 1
--- request eval: $::only_get
--- more_headers eval: $::only
--- response_headers eval
[("Content-Type: $::v2") x @$::only]
--- response_body eval
[($::made->{body}) x @$::only]



=== TEST 9: case, parameters and blanks are ignored
--- request eval: $::case_get
--- more_headers eval: $::case
--- response_headers eval
[("Content-Type: $::v2") x @$::case]
--- response_body eval
[($::made->{body}) x @$::case]



=== TEST 10: a type with q=0 is not named
--- request eval: $::zero_get
--- more_headers eval: $::zero
--- schema1 eval
[('team/docker:1 2 layers') x @$::zero]



=== TEST 11: a malformed q counts as 1
--- request eval: $::odd_get
--- more_headers eval: $::odd
--- response_headers eval
[("Content-Type: $::v2") x @$::odd]
--- response_body eval
[($::made->{body}) x @$::odd]



=== TEST 12: a wildcard with q=0 is not named
--- request
GET /v2/team/app/manifests/1
--- more_headers eval
"Accept: $::v2, */*;q=0"
--- response_headers eval
"Content-Type: $::v2"
--- response_body eval
$::made->{body}



=== TEST 13: a client with q=0 for a modern type is not modern
--- request
GET /v2/team/app/manifests/1
--- more_headers eval
"Accept: $::v2, $::list, $::index, $::oci;q=0"
--- response_headers eval
"Content-Type: $::v2"
--- response_body eval
$::made->{body}



=== TEST 14: application/json with q=0 is not named
--- request
GET /v2/team/docker/manifests/1
--- more_headers eval
"Accept: $::oci, application/json;q=0"
--- response_body eval
$::docker->{body}



=== TEST 15: several Accept lines are combined
--- request
GET /v2/team/docker/manifests/1
--- more_headers eval
"Accept: $::list
accept: text/html, $::oci
ACCEPT: $::v2
Accept: $::index"
--- response_body eval
$::docker->{body}
--- response_headers eval
"Content-Type: $::v2
Docker-Content-Digest: $::docker->{digest}"



=== TEST 16: all four types on several lines are modern
--- request
GET /v2/team/app/manifests/1
--- more_headers eval
"Accept: $::list, $::oci
Accept: $::v2
Accept: $::index"
--- response_body eval
$::app->{body}



=== TEST 17: Accept lines of the same length differ
--- request eval: $::kept_get
--- more_headers eval: $::kept
--- response_headers eval
[("Content-Type: $::v1", "Content-Type: $::v2") x 12]



=== TEST 18: other headers of six letters are not Accept
--- request
GET /v2/team/docker/manifests/1
--- more_headers eval
"Cookie: $::v2
Accepx: $::v2
Expect: $::v2
Pragma: $::v2
X-Type: $::v2"
--- schema1
team/docker:1 2 layers



=== TEST 19: schema_conversion_accept replaces the lines of some clients
--- http_config eval
"map \$http_user_agent \$accepted {
    ~^docker/19\\.03\\.[0-4](-|\\s)  '$::v2, $::list, $::v1, application/json';
}"
--- location
        schema_conversion_accept $accepted;
--- request eval
[map { "GET /v2/team/app/manifests/1" } 1 .. 4]
--- more_headers eval
["User-Agent: docker/19.03.0 go/go1.12\nAccept: $::v2, $::list, $::oci, $::index",
 "User-Agent: docker/19.03.4-ce go/go1.12\nAccept: $::oci\nAccept: $::v2",
 "User-Agent: docker/19.03.5 go/go1.12\nAccept: $::v2, $::list, $::oci, $::index",
 "User-Agent: other"]
--- response_headers eval
[map { "Content-Type: $_\nVary: Accept, User-Agent" } ($::v2) x 2, $::oci,
                                                      $::v1]
--- asked eval
"GET /v2/team/app/manifests/1
    Accept: $::v2, $::list, $::v1, application/json, $::oci, $::index
GET /v2/team/app/manifests/1
    Accept: $::v2, $::list, $::v1, application/json, $::oci, $::index
GET /v2/team/app/manifests/1
    Accept: $::v2, $::list, $::oci, $::index
GET /v2/team/app/manifests/1
    Accept: $::v2, $::list, $::oci, $::index
GET /v2/team/app/blobs/$::app->{config_digest}"



=== TEST 20: schema_conversion_accept of a modern client is sent as it is
--- location eval
"schema_conversion_accept '$::index, $::oci, $::v2, $::list, text/html;q=0.5';"
--- request eval
["GET /v2/team/app/manifests/1", "HEAD /v2/team/app/manifests/1"]
--- more_headers
Accept: application/json
--- response_headers eval
[("Content-Type: $::oci\nVary: Accept") x 2]
--- asked eval
join "\n", map { "$_ /v2/team/app/manifests/1
    Accept: $::index, $::oci, $::v2, $::list, text/html;q=0.5" } qw(GET HEAD)
--- schema1_log
PASS * * * *
PASS * * * *



=== TEST 21: an empty schema_conversion_accept leaves the client's lines
--- location
        schema_conversion_accept "";
--- request eval
[("GET /v2/team/app/manifests/1") x 2]
--- more_headers eval
["", "Accept: $::v2, $::v1"]
--- response_headers eval
["Content-Type: $::v1", "Content-Type: $::v2"]



=== TEST 22: Accept can be any of the lines
--- request
GET /v2/
--- after
for my $before (0, 1, 18 .. 21) {
    my $raw = "GET /v2/team/app/manifests/1 HTTP/1.0\r\n"
              . join('', map { "X-$_: 1\r\n" } 1 .. $before);

    my ($modern, $middle) = map {
        ask('', '' => { raw => "${raw}Accept: $_\r\n\r\n" })
    } "$::v2, $::oci, $::list, $::index", "$::v2, application/json";

    is($modern->{body}, $::app->{body}, "modern: $before lines before");
    is($middle->{body}, $::made->{body}, "middle: $before lines before");
}



=== TEST 23: an Accept line of an earlier request does not apply
--- request
GET /v2/
--- after
my $uri = '/v2/team/docker/manifests/1';
my $responses = ask('', '' => { raw =>
    "GET $uri HTTP/1.1\r\nHost: a\r\nX-Fill: " . 'x' x 40
    . "\r\nAccept: $::v2, $::oci, $::list, $::index\r\n\r\n"
    . "GET $uri HTTP/1.0\r\nHost: a\r\nX: 1\r\n\r\n" })->{raw};
my @types = $responses =~ /^Content-Type: (\S+)\r$/mg;
is("@types", "$::v2 $::v1", 'modern, then old');



=== TEST 24: an Accept line of 8,000 bytes is read
--- request
GET /v2/
--- after
for my $size (7993 .. 8000) {
    my $accept = "$::v2, application/json, " . 'x' x 8000;
    my $answer = ask('/v2/team/app/manifests/1',
                     Accept => substr $accept, 0, $size);
    is($answer->{body}, $::made->{body}, $size);
}



=== TEST 25: schema_conversion_accept with a wildcard lets everything pass
--- location eval
"schema_conversion_accept '$::v2, */*';"
--- request
GET /v2/team/app/manifests/1
--- response_body eval
$::app->{body}
--- response_headers eval
"Content-Type: $::oci"
--- asked eval
"GET /v2/team/app/manifests/1
    Accept: $::v2, */*"



=== TEST 26: schema_conversion_accept is inherited and replaced
--- http_config eval
"schema_conversion_accept '$::v2';"
--- server eval
"location /v2/team/docker/ {
    schema_conversion on;
    schema_conversion_key \$TEST_NGINX_KEYS/ec256.pem;
    schema_conversion_accept 'application/json';
    proxy_pass http://127.0.0.1:\$TEST_NGINX_MOCK_PORT;
}"
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/docker/manifests/1"]
--- response_headers eval
["Content-Type: $::v2", "Content-Type: $::v1"]



=== TEST 27: the lines of a client with a wildcard are unchanged
--- request
GET /v2/team/app/manifests/1
--- more_headers eval
"Accept: $::v2, */*;q=0.1
Range: bytes=2-9"
--- error_code: 206
--- response_body eval
substr $::app->{body}, 2, 8
--- asked eval
"GET /v2/team/app/manifests/1
    Accept: $::v2, */*;q=0.1
    Range: bytes=2-9"



=== TEST 28: hundreds of lines of Accept are read
--- http_config
    large_client_header_buffers 4 16k;
--- request
GET /v2/
--- after
my $lines = "Accept: x\r\n" x 900 . "Accept: $::v2\r\n"
            . "Accept: application/json\r\n";
my $raw = "GET /v2/team/app/manifests/1 HTTP/1.0\r\n$lines\r\n";
is(ask('', '' => { raw => $raw })->{body}, $::made->{body}, "time $_")
    for 1 .. 3;
