# Copyright (C) the ngx_http_schema1_module authors

# What the client receives if an image cannot be converted.

use Schema1;
use Schema1::Client;
use Schema1::Refused;

plan tests => repeat_each() * 598;

our $app = image('team/app:1');

# no manifest

our $arm = list('team/arm:1', entries => [
    image('team/arm', platform => 'linux/arm64')]);
our $lost = list('team/lost:1', entries => [$app]);
our $away = list('team/away:1', entries => [$app]);

answer(qr{^GET /v2/team/away/manifests/sha256:}, status => 307, headers => [
    Location => "http://127.0.0.1:$ENV{TEST_NGINX_STORAGE_PORT}/gone"]);

# no image that could be converted

my $digest = digest('a layer');

sub layer
{
    return { mediaType => $_[0], size => 7, digest => $digest };
}

my $layer = 'application/vnd.oci.image.layer';

image('bad/foreign:1', layers => [layer(
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')]);
image('bad/nondist:1', format => 'oci', layers => [
    layer("$layer.nondistributable.v1.tar+gzip")]);
image('bad/encrypted:1', format => 'oci', layers => [
    layer("$layer.v1.tar+gzip+encrypted")]);
image('bad/zstd:1', format => 'oci', layers => [layer("$layer.v1.tar+zstd")]);
image('bad/cosign:1', format => 'oci', layers => [
    layer('application/vnd.dev.cosign.simplesigning.v1+json')]);

for (['artifact', 'oci', 'application/vnd.example.thing.v1+json'],
     ['chart', 'oci', 'application/vnd.cncf.helm.config.v1+json'],
     ['plugin', 'docker', 'application/vnd.docker.plugin.v1+json'])
{
    my ($name, $format, $type) = @$_;

    image("bad/$name:1", format => $format, manifest => {
        config => { mediaType => $type, digest => digest('{}'), size => 2 }});
}

list('bad/child:1', entries => [{ of => document(
    'bad/child', 'application/json', '{"hello":"world"}'),
    platform => 'linux/amd64' }]);
our $broken = document('bad/broken:1', type_of('docker', 'manifest'),
                       '{"schemaVersion": 2,');

image('bad/json:1', config => '{"architecture":');
image('bad/time:1', history => [map { { created => 'yesterday' } } 1, 2]);
image('bad/diff:1', config => {
    rootfs => { type => 'layers', diff_ids => [digest('x')] }});
image('bad/rootfs:1', config => { rootfs => undef });
our $noconfig = image('bad/config:1');
answer(qr{^GET /v2/bad/config/blobs/}, status => 404, type => 'text/plain',
       body => 'gone');
image('bad/stored:1');
answer(qr{^GET /v2/bad/stored/blobs/}, status => 307, headers => [
    Location => "http://127.0.0.1:$ENV{TEST_NGINX_STORAGE_PORT}/gone"]);
list('bad/old:1', strict => 0, entries => [{ platform => 'linux/amd64',
    of => document('bad/old', 'application/vnd.docker.distribution.manifest'
                   . '.v1+json', '{"schemaVersion":1,"name":"bad/old"}') }]);

# what came was not what it should be

for (['cut', truncate => 50], ['stall', stall => 5], ['gzip', gzip => 1],
     ['e500', status => 500], ['e503', status => 503],
     ['odd', status => 418], ['part', status => 206, add => [
        'Content-Range' => 'bytes 0-9/100']],
     ['other', body => '{}'], ['late', delay => 5], ['big', body => 'x' x 5000],
     ['bigger', body => 'x' x 5000, chunked => 1])
{
    my ($name, @how) = @$_;

    image("fetch/$name:1");
    answer(qr{^GET /v2/fetch/$name/blobs/}, @how);
}

# more than the limit, and it does not end
for my $name (qw(kept/length kept/chunked flowing/length flowing/chunked)) {
    my @how = (body => 'x' x 6000, headers => [ETag => '"x"'], hang => 6,
               truncate => 6000, $name =~ /chunked/ ? (chunked => 1)
                                                    : (length => 300_000));

    answer("GET /v2/$name/manifests/1", @how, status => 200,
           type => type_of('docker', 'manifest'));
    answer("GET /v2/$name/manifests/json", @how, status => 200,
           type => 'application/json');
    answer("GET /v2/$name/blobs/" . EMPTY_LAYER, @how, status => 404,
           type => 'text/plain');
}

# the rest comes when another request could use the connection
answer('GET /v2/kept/rest/manifests/1', sub {
    my ($socket) = @_;

    my $part = sprintf "%x\r\n%s\r\n", 6000, 'x' x 6000;

    $socket->autoflush(1);
    print $socket "HTTP/1.1 200 OK\r\nContent-Type: ",
                  type_of('docker', 'manifest'),
                  "\r\nTransfer-Encoding: chunked\r\n\r\n$part";
    sleep 1;
    print $socket $part;
    sleep 1;
});

image('tag/cut:1');
answer('GET /v2/tag/cut/manifests/1', truncate => 50);
image('tag/stall:1');
answer('GET /v2/tag/stall/manifests/1', stall => 5);
image('tag/gzip:1');
answer('GET /v2/tag/gzip/manifests/1', gzip => 1);
image('tag/packed:1');
answer('/v2/tag/packed/manifests/1', gzip => 1, headers => []);
our $unproven = document('tag/unproven:1', type_of('docker', 'manifest'),
                         '{"schemaVersion": 2,');
answer('GET /v2/tag/unproven/manifests/1', headers => []);
our $mismatch = image('tag/mismatch:1');
answer('GET /v2/tag/mismatch/manifests/1', headers => [
    'Docker-Content-Digest' => digest('something else')]);
image('tag/big:1', config => { x => 'y' });
answer('GET /v2/tag/big/manifests/1', body => '{"a":"' . 'x' x 5000 . '"}',
       headers => []);
image('tag/bigger:1');
answer('/v2/tag/grown/manifests/1', body => 'x' x 5000, status => 200,
       type => type_of('docker', 'manifest'), headers => []);
image('size/grown:1', config => { x => '<' x 2000 });
answer('GET /v2/tag/bigger/manifests/1',
       body => '{"a":"' . 'x' x 5000 . '"}', headers => [], chunked => 1);

image('size/config:1', manifest => { config => {
    mediaType => type_of('docker', 'config'), digest => $app->{config_digest},
    size => 7 }});
blob('size/config', $app->{config});
list('size/child:1', entries => [{ of => image('size/child'), size => 7 }]);

sub with_config_digest
{
    my ($where, $algorithm, $value) = @_;

    my $config = $app->{config};

    image($where, manifest => { config => {
        mediaType => type_of('docker', 'config'), size => length $config,
        digest => "$algorithm:$value" }});
    blob($where =~ s/:.*//r, $config, "$algorithm:$value");
}

with_config_digest('alg/md5:1', 'md5', '0' x 32);
with_config_digest('alg/blake3:1', 'blake3', '0' x 64);
with_config_digest('alg/sha384:1', 'sha384',
                   Digest::SHA::sha384_hex($app->{config}));
with_config_digest('alg/sha512:1', 'sha512',
                   Digest::SHA::sha512_hex($app->{config}));
with_config_digest('alg/wrong:1', 'sha512', '0' x 128);

# too much

sub many
{
    my ($count) = @_;

    return [map { layer(type_of('docker', 'layer')) } 1 .. $count];
}

image('many/layers:1', layers => many(10001));
image('many/history:1', history => [
    map { { created_by => 'x', empty_layer => JSON::PP::true } } 1 .. 10001]);
our $streamed = document('many/streamed:1', type_of('docker', 'manifest'),
                         '{"a":"' . 'x' x 50000 . '"}');

# relayed

for (['e401', 401, 'WWW-Authenticate' => 'Bearer realm="http://auth/",scope='
      . '"repository:deny/e401:pull"'],
     ['e403', 403, 'X-Why' => 'not you'], ['e429', 429, 'Retry-After' => 7])
{
    my ($name, $status, @header) = @$_;

    list("deny/$name:1", entries => [image("deny/$name")]);
    answer(qr{^GET /v2/deny/$name/manifests/sha256:}, status => $status,
           type => 'application/problem', body => "status $status",
           headers => \@header);
    image("config/$name:1");
    answer(qr{^GET /v2/config/$name/blobs/}, status => $status,
           type => 'application/problem', body => "status $status",
           headers => \@header);
    image("storage/$name:1");
    answer(qr{^GET /v2/storage/$name/blobs/}, status => 307, headers => [
        Location => "http://127.0.0.1:$ENV{TEST_NGINX_STORAGE_PORT}/$status"]);
    answer("storage:GET /$status", status => $status, type => 'text/plain',
           body => "status $status", headers => \@header);
}

for (['cut', truncate => 4], ['none', body => '']) {
    my ($name, @how) = @$_;

    image("config/$name:1");
    answer(qr{^GET /v2/config/$name/blobs/}, status => 401, body => 'denied',
           type => 'text/plain', headers => ['X-Why' => 'not you'], @how);
}

# passed on

for (['n401', 401, 'WWW-Authenticate' => 'Basic realm="x"'],
     ['n404', 404], ['n429', 429, 'Retry-After' => 9], ['n500', 500])
{
    my ($name, $status, @header) = @$_;

    answer("/v2/pass/$name/manifests/1", status => $status,
           type => 'text/x-odd', body => "upstream says $status",
           headers => \@header);
}

our $redirect = '
    location = /blob-redirect {
        internal;
        proxy_pass $schema1_redirect_url;
    }
';

# a config of as many bytes as the default allows, and one of one more
for (['below', 4 << 20], ['above', (4 << 20) + 1]) {
    my ($name, $size) = @$_;
    my $config = $app->{config};

    image("limit/$name:1", config => $config . ' ' x ($size - length $config));
}

# responses to GET of the tag 1: what they are, then the image, the title and
# what else "refused" names
sub refuse
{
    my ($location, $table) = @_;

    my ($why, @rows);

    for (split /\n/, $table) {
        if (/^(\S.*)/) {
            $why = $1;

        } elsif (/^ {4}(\S+) +(.*)/) {
            push @rows, [$2, $location, $1, "$why $1:1"];

        } else {
            $rows[-1][3] .= "\n" . s/^ +//r;
        }
    }

    rows(<<'END', @rows);
=== %s
--- location
    %s
--- request
GET /v2/%s/manifests/1
--- refused
%s
END
}

refuse('', <<"END");
404 MANIFEST_UNKNOWN manifest_not_found
    team/lost       a child that the registry lost is 404
        sourceDigest: $lost->{digest}
400 MANIFEST_INVALID foreign_layer
    bad/nondist     non-distributable layers are refused
400 MANIFEST_INVALID encrypted_layer
    bad/encrypted   encrypted layers are refused
400 MANIFEST_INVALID layer_compression
    bad/zstd        zstd layers are refused
        mediaType: application/vnd.oci.image.layer.v1.tar+zstd
400 MANIFEST_INVALID not_an_image
    bad/cosign      a signature is refused
    bad/artifact    an artifact is refused
        mediaType: application/vnd.example.thing.v1+json
    bad/chart       a chart is refused
        mediaType: application/vnd.cncf.helm.config.v1+json
    bad/plugin      a plugin is refused
    bad/child       a child without a type is refused
400 MANIFEST_INVALID invalid_manifest
    bad/broken      a manifest that is stored broken is 400
        sourceDigest: $broken->{digest}
400 MANIFEST_INVALID invalid_config
    bad/json        a config that is stored broken is 400
    bad/time        a malformed time in a config is 400
    bad/diff        fewer diff_ids than layers are 400
    bad/rootfs      a config without rootfs is 400
400 MANIFEST_INVALID config_not_found
    bad/config      a config that the registry lost is 400
        sourceDigest: $noconfig->{digest}
502 UNKNOWN encoded
    tag/gzip        a compressed manifest is 502
    fetch/gzip      a compressed config is 502
502 UNKNOWN unproven
    tag/unproven    a broken manifest without digest is 502
502 UNKNOWN digest_mismatch
    tag/mismatch    a manifest with another digest is 502
        sourceDigest: @{[digest('something else')]}
    fetch/other     a config with another digest is 502
    alg/wrong       sha512 is verified
502 UNKNOWN truncated
    fetch/cut       a truncated config is 502
502 UNKNOWN upstream_failed
    fetch/e500      a config's 500 is 502
    fetch/e503      a config's 503 is 502
    fetch/odd       a config's 418 is 502
    fetch/part      a config's 206 is 502
502 UNKNOWN size_mismatch
    size/config     a config with another size is 502
    size/child      a child with another size is 502
502 UNKNOWN digest_unsupported
    alg/blake3      an unknown digest algorithm is refused
    alg/md5         an insecure digest algorithm is refused
502 SIZE_INVALID too_many
    many/layers     more than 10,000 layers are refused
    many/history    more than 10,000 history entries are refused
END

refuse('proxy_read_timeout 1s;', <<'END');
502 UNKNOWN truncated
    tag/stall       a stalled manifest is 502
    fetch/stall     a stalled config is 502
504 UNKNOWN timed_out
    fetch/late      a late header of a config is 504
END

refuse('schema_conversion_max_size 4k;', <<'END');
502 SIZE_INVALID too_large
    tag/big         a manifest over the size limit is 502
    tag/bigger      a chunked manifest over the size limit is 502
    fetch/big       a config over the size limit is 502
    fetch/bigger    a chunked config over the size limit is 502
END

run_tests();

__DATA__

=== TEST 1: no child for the platform
--- request
GET /v2/team/arm/manifests/1
--- refused eval
"404 MANIFEST_UNKNOWN no_platform team/arm:1
platform: linux/amd64
sourceDigest: $::arm->{digest}"
--- asked
GET /v2/team/arm/manifests/1



=== TEST 2: no child for another platform
--- location
    schema_conversion_platform linux/ppc64le;
--- request
GET /v2/team/arm/manifests/1
--- refused
404 MANIFEST_UNKNOWN no_platform team/arm:1
platform: linux/ppc64le



=== TEST 3: a child that storage lost is 404
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/team/away/manifests/1
--- refused
404 MANIFEST_UNKNOWN manifest_not_found team/away:1



=== TEST 4: an error for HEAD has no body
--- request
HEAD /v2/team/arm/manifests/1
--- refused
404 MANIFEST_UNKNOWN no_platform team/arm:1
--- asked
HEAD /v2/team/arm/manifests/1
GET /v2/team/arm/manifests/1



=== TEST 5: foreign layers are refused
--- request
GET /v2/bad/foreign/manifests/1
--- refused
400 MANIFEST_INVALID foreign_layer bad/foreign:1
mediaType: application/vnd.docker.image.rootfs.foreign.diff.tar.gzip
--- asked
GET /v2/bad/foreign/manifests/1



=== TEST 6: HEAD of zstd layers is refused
--- request
HEAD /v2/bad/zstd/manifests/1
--- refused
400 MANIFEST_INVALID layer_compression bad/zstd:1



=== TEST 7: a config that storage lost is 400
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/bad/stored/manifests/1
--- refused
400 MANIFEST_INVALID config_not_found bad/stored:1



=== TEST 8: clients that do not accept schema 1 receive 400
--- request
GET /v2/bad/old/manifests/1
--- more_headers
Accept: application/vnd.docker.distribution.manifest.v2+json
--- refused
400 MANIFEST_INVALID not_taken bad/old:1



=== TEST 9: a truncated manifest is 502
--- request
GET /v2/tag/cut/manifests/1
--- refused
502 UNKNOWN truncated tag/cut:1
--- schema1_log
ERROR application/vnd.docker.distribution.manifest.v2+json - - truncated



=== TEST 10: an unreachable config is 502
--- server
    location ~ ^/v2/.*/blobs/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_DEAD_PORT;
    }
--- request
GET /v2/team/app/manifests/1
--- refused
502 UNKNOWN upstream_failed team/app:1



=== TEST 11: sha384 can be verified
--- request
GET /v2/alg/sha384/manifests/1
--- schema1
alg/sha384:1 2 layers



=== TEST 12: sha512 can be verified
--- request
GET /v2/alg/sha512/manifests/1
--- schema1
alg/sha512:1 2 layers



=== TEST 13: HEAD of a manifest over the size limit is 502
--- location
    schema_conversion_max_size 4k;
--- request
HEAD /v2/tag/grown/manifests/1
--- refused
502 SIZE_INVALID too_large tag/grown:1
--- asked
HEAD /v2/tag/grown/manifests/1



=== TEST 14: accepted manifests have no size limit
--- location
    schema_conversion_max_size 4k;
--- request
GET /v2/many/streamed/manifests/1
--- more_headers
Accept: application/vnd.docker.distribution.manifest.v2+json
--- response_body eval
$::streamed->{body}



=== TEST 15: a child's 401 is forwarded
--- request
GET /v2/deny/e401/manifests/1
--- error_code: 401
--- response_body chomp
status 401
--- response_headers
Content-Type: application/problem
WWW-Authenticate: Bearer realm="http://auth/",scope="repository:deny/e401:pull"
Vary: Accept
Docker-Distribution-Api-Version: registry/2.0
Content-Length: 10
!ETag
!Docker-Content-Digest
--- error_log
"deny/e401:1": the registry answered 401
--- schema1_log
ERROR application/vnd.docker.distribution.manifest.list.v2+json * - denied



=== TEST 16: a child's 403 is forwarded
--- request
GET /v2/deny/e403/manifests/1
--- error_code: 403
--- response_body chomp
status 403
--- response_headers
Content-Type: application/problem
X-Why: not you
--- error_log
"deny/e403:1": the registry answered 403



=== TEST 17: a child's 429 is forwarded
--- request
GET /v2/deny/e429/manifests/1
--- error_code: 429
--- response_body chomp
status 429
--- response_headers
Content-Type: application/problem
Retry-After: 7
--- error_log
"deny/e429:1": the registry answered 429



=== TEST 18: a config's 401 is forwarded
--- request
GET /v2/config/e401/manifests/1
--- error_code: 401
--- response_body chomp
status 401
--- response_headers
Content-Type: application/problem
--- error_log
"config/e401:1": the registry answered 401



=== TEST 19: a config's 403 is forwarded
--- request
GET /v2/config/e403/manifests/1
--- error_code: 403
--- response_body chomp
status 403
--- response_headers
X-Why: not you
--- error_log
"config/e403:1": the registry answered 403



=== TEST 20: a config's 429 is forwarded
--- request
GET /v2/config/e429/manifests/1
--- error_code: 429
--- response_body chomp
status 429
--- response_headers
Retry-After: 7
--- error_log
"config/e429:1": the registry answered 429



=== TEST 21: HEAD of a denied config is forwarded
--- request
HEAD /v2/config/e401/manifests/1
--- error_code: 401
--- response_body
--- response_headers
Content-Type: application/problem
Content-Length: 10
--- error_log
"config/e401:1": the registry answered 401



=== TEST 22: storage's 401 is 502
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/storage/e401/manifests/1
--- refused
502 UNKNOWN upstream_failed storage/e401:1



=== TEST 23: storage's 403 is 502
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/storage/e403/manifests/1
--- refused
502 UNKNOWN upstream_failed storage/e403:1



=== TEST 24: storage's 429 is 502
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/storage/e429/manifests/1
--- refused
502 UNKNOWN upstream_failed storage/e429:1



=== TEST 25: an empty platform variable is refused
--- location
    schema_conversion_platform $arg_platform;
--- request
GET /v2/team/arm/manifests/1
--- refused
500 UNKNOWN bad_platform team/arm:1
--- response_headers
Content-Type: application/json
Vary: Accept, User-Agent
Docker-Distribution-Api-Version: registry/2.0
--- response_body_like: schema_conversion_platform



=== TEST 26: a malformed platform variable is refused
--- location
    schema_conversion_platform $arg_platform;
--- request
GET /v2/team/arm/manifests/1?platform=amiga
--- refused
500 UNKNOWN bad_platform team/arm:1
platform: amiga
--- response_headers
Content-Type: application/json
Vary: Accept, User-Agent
Docker-Distribution-Api-Version: registry/2.0



=== TEST 27: an image does not need a platform
--- location
    schema_conversion_platform $arg_platform;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers



=== TEST 28: upstream's 401 passes
--- request
GET /v2/pass/n401/manifests/1
--- error_code: 401
--- response_body chomp
upstream says 401
--- response_headers
Content-Type: text/x-odd
WWW-Authenticate: Basic realm="x"
Docker-Distribution-Api-Version: registry/2.0
Vary: Accept
--- schema1_log
PASS - - - -



=== TEST 29: upstream's 404 passes
--- request
GET /v2/pass/n404/manifests/1
--- error_code: 404
--- response_body chomp
upstream says 404
--- response_headers
Content-Type: text/x-odd
Vary: Accept
--- schema1_log
PASS - - - -



=== TEST 30: upstream's 429 passes
--- request
GET /v2/pass/n429/manifests/1
--- error_code: 429
--- response_body chomp
upstream says 429
--- response_headers
Retry-After: 9



=== TEST 31: upstream's 500 passes
--- request
GET /v2/pass/n500/manifests/1
--- error_code: 500
--- response_body chomp
upstream says 500
--- response_headers
Content-Type: text/x-odd



=== TEST 32: error_page applies to nginx's own 502
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_DEAD_PORT;
        error_page 502 = @down;
    }

    location @down {
        return 503 "down\n";
    }
--- request
GET /v2/team/app/manifests/1
--- error_code: 503
--- response_body
down
--- error_log
connect() failed



=== TEST 33: error_page applies to nginx's own 504
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        proxy_read_timeout 1s;
        error_page 504 = @down;
    }

    location /v2/slow/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_CLIENT_PORT/sleep/;
        proxy_read_timeout 1s;
        error_page 504 = @down;
    }

    location /sleep/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT/v2/fetch/late/blobs/;
    }

    location @down {
        return 503 "down\n";
    }
--- request
GET /v2/slow/manifests/1
--- error_code: 503
--- response_body
down
--- error_log
upstream timed out



=== TEST 34: a response over twice the size limit is 502
--- location
    schema_conversion_max_size 4k;
--- request eval
['GET /v2/size/grown/manifests/1', 'HEAD /v2/size/grown/manifests/1']
--- refused eval
['502 SIZE_INVALID too_large size/grown:1',
 '502 SIZE_INVALID too_large size/grown:1']



=== TEST 35: the size limit is 4 MiB by default
--- request eval
['GET /v2/limit/below/manifests/1', 'GET /v2/limit/above/manifests/1']
--- error_code eval
[200, 502]
--- response_body_like eval
['"name": "limit/below"', '"SIZE_INVALID"']
--- no_error_log
[alert]



=== TEST 36: errors for HEAD have the headers of errors for GET
--- location
    schema_conversion_max_size 4k;
    proxy_read_timeout 1s;
--- request
GET /v2/
--- after
for my $name (qw(tag/cut tag/stall tag/gzip tag/unproven tag/mismatch tag/big
                 tag/bigger team/arm fetch/cut))
{
    my ($get, $head) = map {
        ask("/v2/$name/manifests/1", '' => { method => $_ })
    } qw(GET HEAD);
    my @of = map { join ' ', $_->{status}, @{$_->{header}}{qw(content-type
                                       content-length cache-control vary)} }
             $get, $head;

    is($of[1], $of[0], "$name: the same headers");
    is($get->{header}{'content-length'}, length $get->{body}, 'the length');
    like($get->{body}, qr/\A\{"errors":/, 'an error');
    is($get->{header}{'cache-control'}, 'no-store', 'not stored');
}
--- no_error_log
[alert]



=== TEST 37: HEAD of a compressed manifest without a digest is 502
--- request
HEAD /v2/tag/packed/manifests/1
--- refused
502 UNKNOWN encoded tag/packed:1
--- asked
HEAD /v2/tag/packed/manifests/1



=== TEST 38: messages of responses that cannot be used
--- location
    schema_conversion_max_size 4k;
--- request eval
[map { "GET /v2/$_/manifests/1" } qw(tag/packed tag/big tag/cut fetch/cut)]
--- error_code eval
[502, 502, 502, 502]
--- response_body_like eval
['"the manifest is compressed although compression was not requested; have the'
 . ' registry send it as it is"',
 '"the manifest is larger than 4096 bytes; schema_conversion_max_size sets the'
 . ' limit"', '"the manifest was cut off after 50 bytes; try again later"',
 '"the config blob sha256:[0-9a-f]{64} was cut off after 50 bytes; try again']
--- no_error_log
[alert]



=== TEST 39: a denied response is forwarded without an incomplete body
--- request eval
[map { "GET /v2/config/$_/manifests/1" } qw(cut none)]
--- error_code eval
[401, 401]
--- response_body eval
['', '']
--- response_headers eval
[("X-Why: not you\nContent-Type: text/plain\nContent-Length: 0") x 2]
--- no_error_log
[alert]



=== TEST 40: a response that does not end does not delay the next request
--- location
    schema_conversion_max_size 4k;
    proxy_http_version 1.1;
--- server
    location /v2/flowing/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_max_size 4k;
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/
--- after
my %status = ('manifests/1' => 502, 'manifests/json' => 304,
              'blobs/' . EMPTY_LAYER() => 200);

for my $name (qw(kept/length kept/chunked flowing/length flowing/chunked)) {
    for my $path (sort keys %status) {
        # a document that is known to be too large is not held
        next if "$name $path" =~ /length manifests.json/;

        my $answer = ask('', '' => { raw =>
            "GET /v2/$name/$path HTTP/1.1\r\nHost: a\r\n"
            . "If-None-Match: \"x\"\r\n\r\n"
            . "GET /v2/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" });

        is($answer->{status}, $status{$path}, "$name/$path");
        like($answer->{body}, qr/HTTP\/1\.1 200 /, 'the next response');
        cmp_ok($answer->{seconds}, '<', 5, 'in time');
    }
}
--- no_error_log
[alert]



=== TEST 41: a subrequest that an error's body starts is sent
--- requires: 3: http_sub_module
--- location
    schema_conversion_max_size 4k;
    sub_filter too_large '<!--# include virtual="/tail" -->';
    sub_filter_types *;
    ssi on;
    ssi_types *;
--- server
    location = /tail {
        return 200 "the tail";
    }
--- request
GET /v2/tag/big/manifests/1
--- error_code: 502
--- response_body_like: "reason":"the tail".*\}
--- no_error_log
[alert]



=== TEST 42: a connection is not kept if a response was not read to its end
--- http_config
    upstream kept {
        server 127.0.0.1:$TEST_NGINX_MOCK_PORT;
        keepalive 4;
    }
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_max_size 4k;
        proxy_buffering off;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_pass http://kept;
    }
--- request
GET /v2/
--- after
is(ask('/v2/kept/rest/manifests/1')->{status}, 502, 'too large');
like(ask('/v2/team/app/manifests/1')->{body}, qr/"signatures":/, 'the next');
--- no_error_log
[alert]
