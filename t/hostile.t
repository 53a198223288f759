# Copyright (C) the ngx_http_schema1_module authors

# Registries and storage that mean harm, beyond those of faults.t and
# redirect.t: documents that claim to be others, and large ones, within a bound
# that was raised for them, made to cost time and memory.

use Schema1;
use Schema1::Client;
use Schema1::Refused;

# a cache outlives a request, and large documents take their time
repeat_each(1);

master_on();
workers(1);

plan tests => repeat_each() * 131;

my $manifest = type_of('docker', 'manifest');
my $config = type_of('docker', 'config');

our $app = image('team/app:1');
our $other = image('team/other:1', layers => 3);

# bytes of one image under the name of another
our %claims = (
    'claims/tag'   => ['GET', 'manifests/1', body => $other->{body}],
    'claims/head'  => ['HEAD', 'manifests/1', headers => [
        'Docker-Content-Digest' => $other->{digest}]],
);

for my $name (sort keys %claims) {
    my ($method, $what, @how) = @{$claims{$name}};

    image("$name:1");
    image("$name:good");
    answer("$method /v2/$name/$what", @how);
}

# a list whose child's digest is another manifest's, which the registry gives
my $child = image('claims/child');
list('claims/child:1', strict => 0, entries => [$child]);
answer("GET /v2/claims/child/manifests/$child->{digest}",
       body => $other->{body}, add => [
           'Docker-Content-Digest' => $child->{digest}]);

# good at first, then with another's bytes under the digest that is cached
our $turned = image('turned/app:1');
my $flag = "$Schema1::servroot.flag";
END { unlink $flag if $flag }

answer('GET /v2/turned/app/manifests/1', sub {
    my ($socket) = @_;

    my $body = sysopen(my $fh, $flag, 0xc1) ? $turned->{body}
                                             : $other->{body};
    print $socket "HTTP/1.1 200 OK\r\nContent-Type: $manifest\r\n"
                  . "Docker-Content-Digest: $turned->{digest}\r\n"
                  . 'Content-Length: ' . length($body)
                  . "\r\nConnection: close\r\n\r\n$body";
});

# large ones

my $descriptor = '{"mediaType":"' . type_of('docker', 'layer')
                 . '","size":1,"digest":"sha256:' . 'a' x 64 . '"}';

sub many
{
    my ($what, $n) = @_;

    return join ',', ($what) x $n;
}

# text of a config, with what the two layers of an image need
sub config_with
{
    return '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers",'
           . '"diff_ids":["' . digest('a') . '","' . digest('b') . '"]},'
           . $_[0] . '}';
}

my %configs = (
    zeros    => config_with('"x":[' . many('0', 8_000_000) . ']'),
    objects  => config_with('"x":[' . many('{}', 4_000_000) . ']'),
    strings  => config_with('"config":{"Env":[' . many('"a=b"', 2_000_000)
                            . ']}'),
    members  => config_with(join ',', map { "\"m$_\":$_" } 1 .. 500_000),
    same     => config_with(many('"m":1', 2_000_000)),
    spelt    => config_with(many('"Config":{"Env":["a=b"]}', 300_000)),
    escapes  => config_with('"x":"' . '\u003c' x 2_000_000 . '"'),
    control  => config_with('"x":"' . '\u0001' x 2_000_000 . '"'),
    bytes    => config_with('"x":"' . "\xff" x 4_000_000 . '"'),
    digits   => config_with('"x":' . '9' x 4_000_000),
    exponent => config_with('"x":1e' . '9' x 4_000_000),
    spaces   => config_with(' ' x 12_000_000 . '"x":1'),
    deep     => config_with('"x":' . '[' x 1_000_000 . ']' x 1_000_000),
    deeper   => config_with('"x":' . '{"a":' x 1_000_000 . '1'
                            . '}' x 1_000_000),
    open     => '[' x 8_000_000,
    history  => config_with('"history":[' . many('{}', 1_000_000) . ']'),
    empty    => config_with('"history":['
                    . many('{"empty_layer":true}', 1_000_000) . ']'),
    diff_ids => '{"architecture":"amd64","os":"linux","rootfs":{"diff_ids":['
                . many('"' . digest('a') . '"', 200_000) . ']}}',
);

image("config/$_:1", config => $configs{$_}) for sort keys %configs;

my $head = '{"schemaVersion":2,"mediaType":"' . $manifest . '","config":'
           . "{\"mediaType\":\"$config\",\"size\":2,\"digest\":\""
           . digest('{}') . '"}';

my %manifests = (
    layers => "$head,\"layers\":[" . many($descriptor, 200_000) . ']}',
    blanks => "$head,\"layers\":[" . many('{}', 4_000_000) . ']}',
    values => "$head,\"layers\":[],\"x\":[" . many('0', 8_000_000) . ']}',
    deep   => "$head,\"layers\":" . '[' x 4_000_000 . ']' x 4_000_000 . '}',
    nulls  => "\0" x 16_000_000,
    urls   => "$head,\"layers\":[{\"urls\":[" . many('"a"', 3_000_000)
              . ']}]}',
    notes  => "$head,\"layers\":[],\"annotations\":{" . many('"a":"b"',
              1_500_000) . '}}',
);

document("manifest/$_:1", $manifest, $manifests{$_})
    for sort keys %manifests;

my $entry = '{"mediaType":"' . $manifest . '","size":1,"digest":"sha256:'
            . 'a' x 64 . '","platform":{"os":"linux","architecture":"arm"}}';

my %lists = (
    entries => many($entry, 100_000),
    blanks  => many('{}', 4_000_000),
    nested  => '[' x 4_000_000,
);

document("list/$_:1", type_of('docker', 'list'),
         "{\"schemaVersion\":2,\"manifests\":[$lists{$_}]}", strict => 0)
    for sort keys %lists;

# valgrind and the sanitizers take more of both
our $slow = $ENV{SCHEMA1_VALGRIND} || $ENV{SCHEMA1_SANITIZED} ? 20 : 1;

our $large = '
    schema_conversion_max_size 32m;
    proxy_read_timeout 30s;
';

# Status and reason of each; then the next is answered, and the worker has
# used no more memory than it may: 8 times the document, with what nginx holds.
sub large
{
    my ($kind, %expected) = @_;

    my (undef, $worker) = processes();
    my $held = memory($worker, 'RssAnon');

    for my $name (sort keys %expected) {
        my ($status, $pattern) = split / /, $expected{$name}, 2;

        # the most that it has used so far is forgotten
        Schema1::Keys::put("/proc/$worker/clear_refs", '5');

        my $before = memory($worker, 'VmHWM');
        my $answer = ask("/v2/$kind/$name/manifests/1",
                         '' => { timeout => 60 });
        my $used = memory($worker, 'VmHWM') - $before;
        my $size = 32 << 10;

        ok($answer->{status} =~ /^($status)$/
           && (!defined $pattern || $answer->{body} =~ /$pattern/),
           "$kind/$name: $status")
            or diag("$answer->{status} " . substr $answer->{body}, 0, 500);
        Test::More::note(sprintf '%s/%s: %d, %d kB, %.2f s', $kind, $name,
             $answer->{status}, $used, $answer->{seconds});

        cmp_ok($used, '<', 8 * $slow * $size, "$kind/$name: memory");
        cmp_ok($answer->{seconds}, '<', 15 * $slow,
               "$kind/$name: time");
    }

    is(ask('/v2/team/app/manifests/1')->{status}, 200, "$kind: the next");

    # none of it is kept
    cmp_ok(memory($worker, 'RssAnon') - $held, '<', $slow * (48 << 10),
           "$kind: memory is given back");
}

# kilobytes
sub memory
{
    my ($pid, $which) = @_;

    return Schema1::Keys::slurp("/proc/$pid/status") =~ /^$which:\s+(\d+)/m
           ? $1 : 0;
}

run_tests();

__DATA__

=== TEST 1: another document under a tag is refused
--- request
GET /v2/claims/tag/manifests/1
--- refused
502 UNKNOWN digest_mismatch claims/tag:1



=== TEST 2: another digest in a HEAD does not change the cache
--- http_config
    schema_conversion_cache_zone one:1m;
--- location
    schema_conversion_cache one;
--- request eval
["GET /v2/claims/head/manifests/1", "HEAD /v2/claims/head/manifests/1",
 "GET /v2/claims/head/manifests/1"]
--- error_code eval
[200, 200, 200]
--- schema1 eval
["claims/head:1 2 layers", undef, "claims/head:1 2 layers"]



=== TEST 3: another document as a child is refused
--- request
GET /v2/claims/child/manifests/1
--- refused
502 UNKNOWN digest_mismatch claims/child:1



=== TEST 4: another document under a cached digest is not read
--- http_config
    schema_conversion_cache_zone one:1m;
--- location
    schema_conversion_cache one;
--- request eval
["GET /v2/turned/app/manifests/1", "GET /v2/turned/app/manifests/1"]
--- schema1 eval
[("turned/app:1 2 layers") x 2]
--- same: a a
--- schema1_log
CONVERTED * * * -
HIT * * * -



=== TEST 5: registries in one zone do not share digests
--- http_config
    schema_conversion_cache_zone one:1m;
    server {
        listen $TEST_NGINX_RAND_PORT_1;
        location /v2/ {
            schema_conversion on;
            schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
            schema_conversion_cache one;
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        }
    }
--- location
    schema_conversion_cache one;
--- server
    location /elsewhere/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1/;
    }
--- request
GET /v2/team/app/manifests/1
--- after
is(ask("/v2/team/app/manifests/$digest")->{status}, 200, 'here');
is(ask("/elsewhere/v2/team/app/manifests/$digest")->{status}, 404,
   'not there');
--- schema1
team/app:1 2 layers



=== TEST 6: large hostile configs get a response
--- location eval: $::large
--- request
GET /v2/team/app/manifests/1
--- after
large('config', zeros => 200, objects => 200, strings => 200, members => 200,
      same => 200, spelt => 200, escapes => 200, control => 200,
      bytes => 200, digits => 200, exponent => 200,
      spaces => 200, deep => '400 MANIFEST_INVALID',
      deeper => '400 MANIFEST_INVALID', open => '400 MANIFEST_INVALID',
      history => '502 SIZE_INVALID', empty => '502 SIZE_INVALID',
      diff_ids => 400);
--- no_error_log
[alert]
--- timeout: 600



=== TEST 7: large hostile manifests get a response
--- location eval: $::large
--- request
GET /v2/team/app/manifests/1
--- after
large('manifest', layers => '502 SIZE_INVALID', blanks => '502 SIZE_INVALID',
      values => 400, deep => '400 MANIFEST_INVALID',
      nulls => '400 MANIFEST_INVALID', urls => 400, notes => 400);
--- no_error_log
[alert]
--- timeout: 600



=== TEST 8: large hostile lists get a response
--- location eval: $::large
--- request
GET /v2/team/app/manifests/1
--- after
large('list', entries => '502 SIZE_INVALID', blanks => '502 SIZE_INVALID',
      nested => '400 MANIFEST_INVALID');
--- no_error_log
[alert]
--- timeout: 600
