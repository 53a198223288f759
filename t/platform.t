# Copyright (C) the ngx_http_schema1_module authors

# Which child of a list is the platform's.

use Schema1;
use Schema1::Refused;

plan tests => repeat_each() * 150;

our $v2 = type_of('docker', 'manifest');

# each entry is an image of its own
our (%child, @tags);

sub tag
{
    my ($tag, @platforms) = @_;

    list("team/app:$tag", entries => [map {
        $child{$_} ||= image('team/app', platform => $_, layers => [$_]);
    } @platforms]);
}

tag('many', qw(linux/s390x linux/arm64 windows/amd64 linux/amd64 linux/arm
               linux/386));
tag('plain-last', qw(linux/amd64/v3 linux/amd64/v2 linux/amd64));
tag('v1-last', qw(linux/amd64/v3 linux/amd64/v1));
tag('v1-first', qw(linux/amd64/v2 linux/amd64/v1 linux/amd64));
tag('no-plain', qw(linux/amd64/v3 linux/amd64/v2));
tag('arm64', qw(linux/arm64/v9 linux/arm64/v8));
tag('arm', qw(linux/arm/v6 linux/arm/v7 linux/arm/v5));
tag('arm-v8', qw(linux/arm/v8 linux/arm));
tag('arm-high', qw(linux/arm/v8 linux/arm/v7));
tag('arm-low', qw(linux/arm/v5 linux/arm/v6));
tag('arm-plain', qw(linux/arm/v6 linux/arm));
tag('arm64-plain', qw(linux/arm64/v9 linux/arm64));
tag('arm64-v9', qw(linux/arm64/v9));
tag('twice', qw(linux/arm/v6 linux/arm/v7));
tag('ppc', qw(linux/ppc64le/p8 linux/ppc64le/p9));

our $app = image('team/single:1', layers => 2);

sub child
{
    return $child{$_[0]}{body};
}

our $mapped = '
    map $http_user_agent $platform {
        default            linux/amd64;
        "~ arch/arm64\b"   linux/arm64;
        "~ arch/arm\b"     linux/arm/v7;
        "~ arch/none\b"    "";
        "~ arch/half\b"    linux;
        "~ arch/slash\b"   linux/;
        "~ arch/upper\b"   Linux/AMD64;
        "~ arch/four\b"    linux/arm/v7/x;
    }
';

our $docker = 'docker/17.09.0 go/go1.8.3 kernel/4.9 os/linux arch/';

run_tests();

__DATA__

=== TEST 1: linux/amd64 is the default
--- request
GET /v2/team/app/manifests/many
--- more_headers eval
"Accept: $::v2"
--- response_body eval
::child('linux/amd64')



=== TEST 2: another architecture can be set
--- location
    schema_conversion_platform linux/arm64;
--- request
GET /v2/team/app/manifests/many
--- more_headers eval
"Accept: $::v2"
--- response_body eval
::child('linux/arm64')



=== TEST 3: another system can be set
--- location
    schema_conversion_platform windows/amd64;
--- request
GET /v2/team/app/manifests/many
--- more_headers eval
"Accept: $::v2"
--- response_body eval
::child('windows/amd64')



=== TEST 4: an entry without variant takes precedence
--- request eval
[map { "GET /v2/team/app/manifests/$_" } qw(plain-last v1-last v1-first)]
--- more_headers eval
[("Accept: $::v2") x 3]
--- response_body eval
[map { ::child($_) } 'linux/amd64', 'linux/amd64/v1', 'linux/amd64/v1']



=== TEST 5: the first variant is selected if there is no plain entry
--- request
GET /v2/team/app/manifests/no-plain
--- more_headers eval
"Accept: $::v2"
--- response_body eval
::child('linux/amd64/v3')



=== TEST 6: v8 on arm64 counts as plain
--- location
    schema_conversion_platform linux/arm64;
--- request eval
[map { "GET /v2/team/app/manifests/$_" } qw(arm64 arm64-v9)]
--- more_headers eval
[("Accept: $::v2") x 2]
--- response_body eval
[map { ::child($_) } 'linux/arm64/v8', 'linux/arm64/v9']



=== TEST 7: 32-bit arm has no variant that counts as plain
--- location
    schema_conversion_platform linux/arm;
--- request eval
[map { "GET /v2/team/app/manifests/$_" } qw(arm arm-v8)]
--- more_headers eval
[("Accept: $::v2") x 2]
--- response_body eval
[map { ::child($_) } 'linux/arm/v6', 'linux/arm']



=== TEST 8: a requested variant is selected
--- location
    schema_conversion_platform linux/arm/v7;
--- request
GET /v2/team/app/manifests/arm
--- more_headers eval
"Accept: $::v2"
--- response_body eval
::child('linux/arm/v7')



=== TEST 9: an arm entry without variant counts as v7
--- location
    schema_conversion_platform linux/arm/v7;
--- request eval
[map { "GET /v2/team/app/manifests/$_" } qw(arm-plain arm-v8)]
--- more_headers eval
[("Accept: $::v2") x 2]
--- response_body eval
[(::child('linux/arm')) x 2]



=== TEST 10: an arm64 entry without variant counts as v8
--- location
    schema_conversion_platform linux/arm64/v8;
--- request
GET /v2/team/app/manifests/arm64-plain
--- more_headers eval
"Accept: $::v2"
--- response_body eval
::child('linux/arm64')



=== TEST 11: the next lower variant is selected
--- location
    schema_conversion_platform linux/arm/v7;
--- request
GET /v2/team/app/manifests/arm-low
--- more_headers eval
"Accept: $::v2"
--- response_body eval
::child('linux/arm/v6')



=== TEST 12: a variant falls back to the highest lower one
--- location
    schema_conversion_platform linux/arm/v8;
--- request eval
[map { "GET /v2/team/app/manifests/$_" } qw(arm arm-low arm-plain)]
--- more_headers eval
[("Accept: $::v2") x 3]
--- response_body eval
[map { ::child($_) } 'linux/arm/v7', 'linux/arm/v6', 'linux/arm']



=== TEST 13: a higher variant is never selected
--- location
    schema_conversion_platform linux/arm/v6;
--- request eval
[map { "GET /v2/team/app/manifests/$_" } qw(arm-high many)]
--- more_headers eval
[("Accept: $::v2") x 2]
--- refused eval
['404 MANIFEST_UNKNOWN no_platform team/app:arm-high
platform: linux/arm/v6', '404 MANIFEST_UNKNOWN no_platform team/app:many']



=== TEST 14: variants of amd64 fall back to lower ones
--- location
    schema_conversion_platform linux/amd64/v3;
--- request
GET /v2/team/app/manifests/v1-first
--- more_headers eval
"Accept: $::v2"
--- response_headers eval
"Content-Type: $::v2"



=== TEST 15: an unknown variant only matches itself
--- location
    schema_conversion_platform linux/ppc64le/p9;
--- request
GET /v2/team/app/manifests/ppc
--- more_headers eval
"Accept: $::v2"
--- response_body eval
::child('linux/ppc64le/p9')



=== TEST 16: a platform's name is compared in full
--- location
    schema_conversion_platform linux/arm6;
--- request
GET /v2/team/app/manifests/many
--- refused
404 MANIFEST_UNKNOWN no_platform team/app:many



=== TEST 17: the platform can depend on the User-Agent
--- http_config eval: $::mapped
--- location
    schema_conversion_platform $platform;
--- request eval
[('GET /v2/team/app/manifests/many') x 4]
--- more_headers eval
["Accept: $::v2", map { "Accept: $::v2\nUser-Agent: $::docker$_" }
                  qw(arm64 arm amd64)]
--- response_body eval
[map { ::child("linux/$_") } qw(amd64 arm64 arm amd64)]
--- response_headers eval
[('Vary: Accept, User-Agent') x 4]



=== TEST 18: the child of a variable platform is converted
--- http_config eval: $::mapped
--- location
    schema_conversion_platform $platform;
--- request
GET /v2/team/app/manifests/many
--- more_headers eval
"User-Agent: ${main::docker}arm"
--- schema1
team/app:many 1 layers ES256 arm
--- response_headers
Vary: Accept, User-Agent



=== TEST 19: the platform can have several variables
--- http_config eval: $::mapped
--- location
    set $os linux;
    schema_conversion_platform $os/arm64;
--- request
GET /v2/team/app/manifests/many
--- more_headers eval
"Accept: $::v2"
--- response_body eval
::child('linux/arm64')



=== TEST 20: malformed platforms are refused
--- http_config eval: $::mapped
--- location
    schema_conversion_platform $platform;
--- request eval
[('GET /v2/team/app/manifests/many') x 5]
--- more_headers eval
[map { "User-Agent: $::docker$_" } qw(none half slash upper four)]
--- refused eval
[('500 UNKNOWN bad_platform team/app:many') x 5]
--- response_headers eval
[("Content-Type: application/json\nVary: Accept, User-Agent") x 5]
--- response_body_like eval
[('"message":"[^"]*schema_conversion_platform') x 5]



=== TEST 21: the platform is ignored without a list
--- http_config eval: $::mapped
--- location
    schema_conversion_platform $platform;
--- request
GET /v2/team/single/manifests/1
--- more_headers eval
"User-Agent: ${main::docker}none"
--- schema1
team/single:1 2 layers
--- response_headers
Vary: Accept, User-Agent



=== TEST 22: a constant platform adds nothing to Vary
--- location
    schema_conversion_platform linux/arm;
--- request
GET /v2/team/app/manifests/many
--- schema1
team/app:many 1 layers ES256 arm
--- response_headers
Vary: Accept
