# Copyright (C) the ngx_http_schema1_module authors

# The two headers that are added to what passes; nothing else is touched.

use Schema1;
use Schema1::Client;

plan tests => repeat_each() * 508;

our $v1 = type_of('docker', 'schema1');
our $v2 = type_of('docker', 'manifest');
our $oci = type_of('oci', 'manifest');
our $modern = CORE::join ', ', $v2, $oci, type_of('docker', 'list'),
                         type_of('oci', 'list');

our $app = image('team/app:1', layers => 2);
our $old = document('team/old:1', $v1, '{"schemaVersion":1}');
our $digest = $app->{digest};

our %vary = (none => [], star => ['*'], accept => ['Accept'],
             case => ['accept-encoding, ACCEPT'], other => ['Accept-Encoding'],
             alike => ['X-Accept, Accept-Language, Accepz'],
             spaced => ["Origin , Accept\t, X"], ten => ['X-Names, User-Agenz'],
             two => ['Origin', 'Accept'], agent => ['User-Agent'],
             both => ['user-agent,accept'], lost => ['Origin', '*'],
             blank => ['', 'Origin']);

for my $tag (sort keys %vary) {
    document("vary/app:$tag", $v1, '{"schemaVersion":1}');
    answer("/v2/vary/app/manifests/$tag", headers => [
        map { (Vary => $_) } @{$vary{$tag}}]);
}

image('vary/image:1');
answer('/v2/vary/image/manifests/1', add => [Vary => 'Origin',
       Vary => 'Accept-Encoding']);
image('vary/away:1');
answer('/v2/vary/away/manifests/1', add => [Vary => 'Origin',
       Vary => 'Accept-Encoding']);
answer(qr{ /v2/vary/away/blobs/}, status => 404);
my $stale = image('vary/stale:1');
answer('/v2/vary/stale/manifests/1', headers => [
    'Docker-Content-Digest' => $stale->{digest}, 'X-One' => 1,
    Vary => 'Cookie']);
answer(qr{^GET /v2/vary/stale/blobs/}, status => 403, body => 'no',
       headers => [Vary => 'Origin']);
answer(qr{ /v2/vary/app/blobs/}, status => 404, headers => [
    Vary => 'Origin', Vary => 'Accept-Encoding']);

# checksums and signatures of other bytes than those that are sent
our @checksums = ('X-Checksum-Sha1', 'X-Checksum-Md5', 'X-Goog-Hash',
                  'X-Goog-Stored-Content-Length', 'x-amz-checksum-sha256',
                  'X-Goog-Stored-Content-Encoding', 'x-ms-blob-content-md5',
                  'Signature', 'Signature-Input', 'Content-Location',
                  'Content-Digest', 'Repr-Digest', 'Digest', 'Content-MD5');
our $sums = CORE::join "\n", map { "!$_" } @checksums;
our @alike = ('X-Checksums', 'X-Checksum-', 'X-Amz-Id', 'X-Cache-Status');
our $alike = CORE::join "\n", map { "$_: x" } @alike;
my @sums = (add => [map { $_ => 'x' } @checksums, @alike]);
image('sums/app:1');
answer('/v2/sums/app/manifests/1', @sums);
my $child = image('sums/list');
list('sums/list:1', strict => 0, entries => [$child]);
answer('/v2/sums/list/manifests/1', @sums);
image('sums/lost:1');
answer('/v2/sums/lost/manifests/1', @sums);
answer(qr{ /v2/sums/lost/blobs/}, status => 404);

# the line that matters comes after so many others
our @numbers = (0, 1, 17 .. 22);

for my $n (@numbers) {
    my @fill = map { ("X-$_" => 1) } 1 .. $n;
    my $version = 'Docker-Distribution-Api-Version';

    document("lines/vary$n:1", $v1, '{"schemaVersion":1}');
    answer("/v2/lines/vary$n/manifests/1", headers => [
        @fill, Vary => 'Origin', $version => 'registry/9.9']);
    image("lines/sums$n:1");
    answer("/v2/lines/sums$n/manifests/1", headers => [
        @fill, 'X-Checksum-Sha1' => 'x']);
    image("lines/deny$n:1");
    answer(qr{^GET /v2/lines/deny$n/blobs/}, status => 401, headers => [
        @fill, 'WWW-Authenticate' => 'Basic realm="x"']);
}

document('order/app:1', $v1, '{"schemaVersion":1}');
answer('/v2/order/app/manifests/1', headers => [
    Vary => 'Accept', 'X-After' => 1]);
document('names/app:1', $v1, '{"schemaVersion":1}');
answer('/v2/names/app/manifests/1', headers => [
    Vast => '*', Varying => '*', 'Docker-Distribution-Api-Versios' => 1]);

# forwarded error responses
for (['plain', 'application/problem', 'X-Why' => 'not you'],
     ['charset', 'application/problem; charset=utf-8'],
     ['encoded', 'application/problem', 'Content-Encoding' => 'x'])
{
    my ($name, $type, @headers) = @$_;

    list("deny/$name:1", strict => 0, entries => [image("deny/$name")]);
    answer(qr{ /v2/deny/$name/manifests/sha256:}, status => 403, body => "\xc0",
           type => $type, headers => \@headers);
}

list('deny/server:1', strict => 0, entries => [image('deny/server')]);
answer(qr{ /v2/deny/server/manifests/sha256:}, status => 403, body => '',
       headers => [Server => 'mock', 'X-Why' => 'not you',
                   Date => 'Thu, 01 Jan 1970 00:00:00 GMT']);

for my $status (500, 503) {
    my @busy = (status => $status, headers => ['Retry-After' => '17']);

    image("busy/config$status:1");
    answer(qr{^GET /v2/busy/config$status/blobs/}, @busy);
    list("busy/child$status:1", strict => 0, entries => [$child]);
    answer(qr{^GET /v2/busy/child$status/manifests/sha256:}, @busy);
}

my @kept = ('X-One' => '1', 'Set-Cookie' => 'a=1', 'Set-Cookie' => 'b=2',
            ETag => 'W/"x"', 'Last-Modified' => 'yesterday',
            'Accept-Ranges' => 'bytes', 'Cache-Control' => 'no-cache',
            Expires => 'never', Link => '</v2/x>; rel=next');

answer('/v2/kept/app/manifests/1', status => 200, body => 'any',
       type => 'application/vnd.x; charset=utf-8', headers => \@kept);
answer('/v2/kept/gzip/manifests/1', status => 200, type => $v2, gzip => 1,
       body => $app->{body});
answer('/v2/bare/app/manifests/1', status => 200, type => $v1, body => '{}',
       headers => []);
answer('/v2/bare/own/manifests/1', status => 200, type => $v1, body => '{}',
       headers => ['docker-distribution-api-version' => 'registry/9.9']);
answer(qr{ /v2/bare/\w+/(blobs|tags)/}, status => 200, type => 'text/plain',
       body => 'x', headers => []);
answer('/v2/bare/same/manifests/1', status => 304, type => undef, body => '',
       headers => []);
answer('/v2/bare/denied/manifests/1', status => 401, type => undef, body => '',
       headers => ['WWW-Authenticate' => 'Basic realm="x"']);
answer("/v2/bare/e$_/manifests/1", status => $_, type => 'text/plain',
       body => 'x', headers => ['X-Kept' => 'yes'])
    for 404, 429, 503;
answer('GET /v2/', status => 200, type => 'application/json', body => '{}',
       headers => []);
answer(qr{^(PUT|POST|DELETE|PATCH) /v2/bare/}, status => 202, body => '',
       type => undef, headers => []);
answer(qr{ (/v2x)?/other}, status => 200, type => 'text/plain', body => 'x',
       headers => []);

our $version = 'Docker-Distribution-Api-Version: registry/2.0';

# the Vary lines of a response, separated by "|"
sub vary_lines
{
    return CORE::join '|', ask(@_)->{raw} =~ /^Vary: ?(.*?)\r$/img;
}

run_tests();

__DATA__

=== TEST 1: Vary is added for every client
--- request eval
[('GET /v2/team/app/manifests/1') x 4, 'GET /v2/team/old/manifests/1']
--- more_headers eval
["Accept: $::modern", "Accept: $::v2, */*", "Accept: $::oci", "Accept: $::v2",
 '']
--- response_headers eval
[('Vary: Accept') x 5]
--- response_body eval
[($::app->{body}) x 4, $::old->{body}]



=== TEST 2: Vary is added for HEAD
--- request eval
['HEAD /v2/team/app/manifests/1', 'HEAD /v2/team/old/manifests/1']
--- more_headers eval
["Accept: $::modern", '']
--- response_headers eval
[('Vary: Accept') x 2]



=== TEST 3: Vary is added to a 304
--- request
GET /v2/team/app/manifests/1
--- more_headers eval
"Accept: $::modern
If-None-Match: \"$::digest\""
--- error_code: 304
--- response_headers eval
"Vary: Accept
$::version"



=== TEST 4: Vary is added to a 304 that the client did not request
--- request
GET /v2/bare/same/manifests/1
--- error_code: 304
--- response_headers eval
"Vary: Accept
$::version"



=== TEST 5: Vary is not added twice
--- request eval
[map { "GET /v2/vary/app/manifests/$_" } qw(none star accept case other alike
                                            two)]
--- response_headers eval
['Vary: Accept', 'Vary: *', 'Vary: Accept', 'Vary: accept-encoding, ACCEPT',
 'Vary: Accept-Encoding, Accept', 'Vary: X-Accept, Accept-Language, Accepz, Accept',
 'Vary: Origin, Accept']



=== TEST 6: Vary is added for a modern client
--- request eval
[map { "GET /v2/vary/app/manifests/$_" } qw(none star accept case other)]
--- more_headers eval
[("Accept: $::modern") x 5]
--- response_headers eval
['Vary: Accept', 'Vary: *', 'Vary: Accept', 'Vary: accept-encoding, ACCEPT',
 'Vary: Accept-Encoding, Accept']



=== TEST 7: Vary includes the platform's variables
--- location
    schema_conversion_platform linux/$http_user_agent;
--- request eval
[map { ("GET /v2/vary/app/manifests/$_") x 2 } qw(none star accept agent both)]
--- more_headers eval
[("Accept: $::modern", '') x 5]
--- response_headers eval
[map { ("Vary: $_") x 2 } 'Accept, User-Agent', '*', 'Accept, User-Agent',
 'User-Agent, Accept', 'user-agent,accept']



=== TEST 8: no Vary without a tag
--- request eval
['GET /v2/', "GET /v2/team/app/manifests/$::digest",
 "GET /v2/team/app/blobs/$::app->{config_digest}", 'GET /v2/bare/app/tags/list']
--- response_headers eval
[("!Vary\n$::version") x 4]



=== TEST 9: responses with other statuses have Vary
--- request eval
[map { ("GET /v2/bare/$_/manifests/1") x 2 } qw(denied e404 e429 e503)]
--- more_headers eval
[("Accept: $::modern", '') x 4]
--- error_code eval
[map { ($_) x 2 } 401, 404, 429, 503]
--- response_headers eval
[(("Vary: Accept\n$::version\nWWW-Authenticate: Basic realm=\"x\"") x 2,
 ("Vary: Accept\n$::version\nX-Kept: yes\nContent-Type: text/plain") x 6)]



=== TEST 10: no Vary is added for other methods
--- request eval
[map { "$_ /v2/bare/app/manifests/1" } qw(PUT DELETE POST PATCH)]
--- error_code eval
[(202) x 4]
--- response_headers eval
[("!Vary\n$::version") x 4]



=== TEST 11: the version is added if it is missing
--- request eval
[map { "GET /v2/bare/app/$_" } 'manifests/1', "manifests/$::digest",
 'blobs/x', 'tags/list']
--- error_code eval
[200, 404, 200, 200]
--- response_headers eval
[($::version) x 4]



=== TEST 12: the version is not added twice
--- request eval
['GET /v2/bare/own/manifests/1', 'GET /v2/team/app/manifests/1']
--- more_headers eval
['', "Accept: $::modern"]
--- response_headers eval
['Docker-Distribution-Api-Version: registry/9.9', $::version]



=== TEST 13: the version is added under /v2/ only
--- server
    location ~ ^(/v2x)?/other {
        schema_conversion on;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request eval
['GET /other', 'GET /other/v2/team/app/manifests/1', 'GET /v2x/other']
--- response_headers eval
[("!Docker-Distribution-Api-Version\n!Vary") x 3]



=== TEST 14: no header is added if conversion is off
--- server
    location /v2/bare/ {
        schema_conversion off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/bare/app/manifests/1
--- response_headers
!Docker-Distribution-Api-Version
!Vary



=== TEST 15: nginx's own error pages have Vary
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_DEAD_PORT;
    }
    location /v2/secret/ {
        schema_conversion on;
        deny all;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request eval
[('GET /v2/team/app/manifests/1') x 2, 'GET /v2/secret/app/manifests/1']
--- more_headers eval
["Accept: $::modern", '', '']
--- error_code eval
[502, 502, 403]
--- response_headers eval
[("Vary: Accept\n$::version\nContent-Type: text/html") x 3]
--- no_error_log
[alert]



=== TEST 16: no other header is changed
--- request eval
[('GET /v2/kept/app/manifests/1') x 2]
--- more_headers eval
["Accept: $::modern", '']
--- response_body eval
[('any') x 2]
--- response_headers eval
[("Content-Type: application/vnd.x; charset=utf-8
Content-Length: 3
X-One: 1
Set-Cookie: a=1, b=2
ETag: W/\"x\"
Last-Modified: yesterday
Accept-Ranges: bytes
Cache-Control: no-cache
Expires: never
Link: </v2/x>; rel=next") x 2]



=== TEST 17: a compressed body passes
--- request
GET /v2/kept/gzip/manifests/1
--- more_headers eval
"Accept: $::modern
Accept-Encoding: gzip"
--- response_body eval
Compress::Zlib::memGzip($::app->{body})
--- response_headers eval
"Content-Type: $::v2
Content-Encoding: gzip"



=== TEST 18: Vary lines of a response that passes are folded
--- request
GET /v2/
--- after
is(::vary_lines("/v2/vary/app/manifests/$_->[0]", Accept => $_->[2]), $_->[1],
   "$_->[0], $_->[2]")
    for map { ([@$_, ''], [@$_, $::modern]) } (
        [two => 'Origin, Accept'], [other => 'Accept-Encoding, Accept'],
        [lost => '*'], [blank => 'Origin, Accept'], [none => 'Accept'],
        [case => 'accept-encoding, ACCEPT']);



=== TEST 19: Vary lines of a converted manifest are folded
--- request
GET /v2/vary/image/manifests/1
--- after
is(ask('/v2/vary/image/manifests/1')->{header}{etag}, qq{"$digest"}, 'ETag');
is(::vary_lines('/v2/vary/image/manifests/1'), 'Origin, Accept-Encoding, Accept',
   'GET');
is(::vary_lines('/v2/vary/image/manifests/1', '' => { method => 'HEAD' }),
   'Origin, Accept-Encoding, Accept', 'HEAD');



=== TEST 20: Vary lines without a tag are not folded
--- request
GET /v2/
--- after
is(::vary_lines('/v2/vary/app/blobs/x'), 'Origin|Accept-Encoding', 'a blob');



=== TEST 21: checksums of other bytes are removed from converted manifests
--- request eval
["GET /v2/sums/app/manifests/1", "HEAD /v2/sums/app/manifests/1",
 "GET /v2/sums/list/manifests/1", "GET /v2/sums/list/manifests/1"]
--- more_headers eval
['', '', '', "Accept: $::v2, application/json"]
--- response_headers eval
[("$::sums\n$::alike") x 4]



=== TEST 22: checksums of other bytes are removed from the module's errors
--- request
GET /v2/sums/lost/manifests/1
--- error_code: 400
--- response_headers eval
$::sums
--- no_error_log
[alert]



=== TEST 23: checksums of responses that pass are kept
--- request
GET /v2/sums/app/manifests/1
--- more_headers eval
"Accept: $::modern"
--- response_headers eval
CORE::join "\n", map { "$_: x" } @::checksums



=== TEST 24: a 502 that results from a 503 keeps Retry-After
--- request eval
["GET /v2/busy/config503/manifests/1", "HEAD /v2/busy/config503/manifests/1",
 "GET /v2/busy/child503/manifests/1"]
--- error_code eval
[502, 502, 502]
--- response_headers eval
[("Retry-After: 17\nCache-Control: no-store") x 3]
--- no_error_log
[alert]



=== TEST 25: a 502 that results from a 500 has no Retry-After
--- request eval
["GET /v2/busy/config500/manifests/1", "GET /v2/busy/child500/manifests/1"]
--- error_code eval
[502, 502]
--- response_headers eval
[("!Retry-After\nCache-Control: no-store") x 2]
--- no_error_log
[alert]



=== TEST 26: a request without a URI is refused by nginx
--- config
    schema_conversion on;
    schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;

    location /v2/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/
--- after
is(ask('', '' => { raw => "\x01\r\n\r\n" })->{status}, 400, 'status');
is(ask('/v2/')->{status}, 200, 'alive');



=== TEST 27: separators in Vary lines are skipped
--- request
GET /v2/
--- after
is(::vary_lines("/v2/vary/app/manifests/spaced", Accept => $_),
   "Origin , Accept\t, X", "spaced, $_") for '', $::modern;



=== TEST 28: names that resemble Vary and the version are kept
--- request
GET /v2/names/app/manifests/1
--- response_headers eval
"Vary: Accept
Vast: *
Varying: *
Docker-Distribution-Api-Versios: 1
$::version"



=== TEST 29: a complete Vary line keeps its place
--- request
GET /v2/
--- after
like(ask('/v2/order/app/manifests/1')->{raw},
     qr/^Vary: Accept\r\n(?:.+\r\n)*X-After: 1\r$/m, 'before the other line');



=== TEST 30: Vary and the version are found after any number of lines
--- request
GET /v2/
--- after
for my $n (@::numbers) {
    my $answer = ask("/v2/lines/vary$n/manifests/1");
    is(join('|', $answer->{raw} =~ /^Vary: ?(.*?)\r$/img), 'Origin, Accept',
       "Vary, $n");
    is(join('|', $answer->{raw} =~ m{^Docker-Distribution.*: (.*?)\r$}img),
       'registry/9.9', "the version, $n");
}



=== TEST 31: checksums are removed after any number of lines
--- request
GET /v2/
--- after
for my $n (@::numbers) {
    my $answer = ask("/v2/lines/sums$n/manifests/1");
    is($answer->{header}{'x-checksum-sha1'}, undef, "removed, $n");
    is(scalar(grep { /^x-\d+\z/ } keys %{$answer->{header}}), $n, 'the others');
}



=== TEST 32: all lines of a forwarded 401 are forwarded
--- request
GET /v2/
--- after
for my $n (@::numbers) {
    my $answer = ask("/v2/lines/deny$n/manifests/1");
    is($answer->{header}{'www-authenticate'}, 'Basic realm="x"', "the last, $n");
    is(scalar(grep { /^x-\d+\z/ } keys %{$answer->{header}}), $n, 'the others');
}
--- no_error_log
[alert]



=== TEST 33: charset applies to a forwarded 403 by its headers
--- http_config
    charset_map koi8-r windows-1251 {
        C0 FE;
    }
--- location
    source_charset koi8-r;
    charset windows-1251;
    charset_types application/problem;
--- request eval
[map { "GET /v2/deny/$_/manifests/1" } qw(plain charset encoded)]
--- error_code eval
[403, 403, 403]
--- response_body eval
["\xfe", "\xc0", "\xc0"]
--- response_headers eval
["Content-Type: application/problem; charset=windows-1251",
 "Content-Type: application/problem; charset=utf-8\n$::version",
 "Content-Type: application/problem\nContent-Encoding: x"]
--- no_error_log
[alert]



=== TEST 34: nginx's Server and Date replace those of a forwarded 403
--- location
    proxy_pass_header Server;
    proxy_pass_header Date;
--- request
GET /v2/
--- after
my $raw = ask('/v2/deny/server/manifests/1')->{raw};
my @servers = $raw =~ /^Server: (.*?)\r$/mg;
my @dates = $raw =~ /^Date: (.*?)\r$/mg;
like($raw, qr/^X-Why: not you\r$/m, 'the other line');
is(scalar @servers, 1, 'one Server');
unlike($servers[0], qr/mock/, "nginx's");
is(scalar @dates, 1, 'one Date');
unlike($dates[0], qr/1970/, "nginx's");
--- no_error_log
[alert]



=== TEST 35: Vary of the tag's response does not apply to a forwarded 403
--- request
GET /v2/
--- after
is(::vary_lines('/v2/vary/stale/manifests/1'), 'Origin, Accept', 'Vary');
--- no_error_log
[alert]
