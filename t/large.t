# Copyright (C) the ngx_http_schema1_module authors

# Documents that take several turns of the event loop to read and to send.

use Schema1;
use Schema1::Client;

use Config;

plan tests => repeat_each() * 89;

# more than a socket's buffers hold, and it is seen what is missing
my @items = map { sprintf '%06dy%s', $_, 'x' x 40 } 1 .. 110_000;
my $image = image('large/app:1', config => { x => \@items });
image('small/app:1');
image('wide/app:1', config => { x => 'y' x 100_000 });
answer(qr{^GET /v2/wide/app/blobs/}, chunked => 1);

for (['chunked', chunked => 1], ['close', until_close => 1],
     ['old', http => '1.0'], ['keep', keepalive => 1])
{
    my ($name, @how) = @$_;

    document("$name/app:1", $image->{type}, $image->{body});
    blob("$name/app", $image->{config});
    answer(qr{^GET /v2/$name/app/blobs/}, @how);
}

# a body that is late where the query asks for that
document('late/app:1', $image->{type}, $image->{body});
blob('late/app', $image->{config});
answer('GET /v2/late/app/manifests/1', sub {
    my ($socket, $request) = @_;

    my $how = $Schema1::registry->usual($request);
    $how->{stall} = 8 if $request->{args};
    Schema1::Registry::send_answer($socket, $request, $how);
});

# white space behind a manifest belongs to the document
for my $size (4 * 1024 * 1024, 4 * 1024 * 1024 + 1) {
    my $body = image('small/app')->{body};

    document("default/app:$size", $image->{type},
             $body . ' ' x ($size - length $body));
}

blob('default/app', image('small/app')->{config});

# not a manifest
our $plain = document('plain/app:1', 'application/json', $image->{config});

our $main = '
    thread_pool one threads=2;
';

our $room = '
        schema_conversion_max_size 16m;
';

# more than there is
our $boundless = 'schema_conversion_max_size '
                 . ($Config{ptrsize} > 4 ? '1000000000m;' : '1000m;');

our $pool = "$room
        schema_conversion_thread_pool one;
";

my $all = join ' ', map { substr $_, 0, 6 } @items;

# a complete response
sub whole
{
    my ($answer) = @_;

    my $body = ref $answer ? $answer->{body} : $answer;

    return (!ref $answer || $answer->{status} == 200)
           && join(' ', $body =~ /(\d{6})y/g) eq $all
           && $body =~ /"signatures":.*\}\s*\z/s;
}

# a client that goes when it has read so many bytes
sub taste
{
    my ($path, $bytes) = @_;

    my $handle = start($path);
    my $raw = '';

    while (length $raw < $bytes) {
        sysread $handle->{socket}, $raw, 65536, length $raw or last;
    }

    close $handle->{socket};
}

run_tests();

__DATA__

=== TEST 1: large images: one after another
--- requires: 9: debug
--- location eval: $::room
--- log_level: debug
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- error_log
schema1 pause upstream
schema1 send 131072 of
--- grep_error_log eval: qr/schema1 pause upstream|worker cycle|pipe recv chain/
--- grep_error_log_out eval
qr/\A(?!.*pause upstream\npipe recv).*pause upstream\nworker cycle/s
--- after
my $before = error_lines(qr/schema1 pause/);
ok(whole(ask('/v2/large/app/manifests/1')), 'came');

# what is read and sent in each turn
my ($pauses, $read, $sent, @read, @sent) = (-$before, 0, 0);
for (error_lines(qr/worker cycle|recv chain: \d|schema1 (?:send|pause)/)) {
    $pauses++ if /schema1 pause/;
    $sent++ if /schema1 send/;
    $read += $1 if /recv chain: (\d+)/;
    next if !/worker cycle/;
    push @read, $read;
    push @sent, $sent;
    ($read, $sent) = (0, 0);
}
cmp_ok($pauses, '<=', 50, 'a pause for each slice');
cmp_ok((sort { $b <=> $a } @read)[0], '<=', 196_608, 'read in a turn');
cmp_ok((sort { $b <=> $a } @sent)[0], '<=', 1, 'sent in a turn');



=== TEST 2: large images: repeated in threads
--- main_config eval: $::main
--- location eval: $::pool
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- after
is(scalar(grep { whole(ask('/v2/large/app/manifests/1')) } 1 .. 6), 6, 'came');
my @answers = together(map { ['/v2/large/app/manifests/1'] } 1 .. 4);
is(scalar(grep { whole($_) } @answers), 4, 'came together');



=== TEST 3: large images: upstreams of several kinds
--- location eval: $::room
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- after
is(scalar(grep { whole(ask("/v2/$_/app/manifests/1")) }
          qw(chunked close old keep)), 4, 'came');



=== TEST 4: large images: unbuffered
--- location
        schema_conversion_max_size 16m;
        proxy_buffering off;
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- after
is(scalar(grep { whole(ask("/v2/$_/app/manifests/1")) }
          qw(large chunked close old keep)), 5, 'came');



=== TEST 5: large images: clients of several kinds
--- location eval: $::room
--- requires: 6: debug
--- log_level: debug
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- no_error_log
[error]
schema1 send 0 of
--- after
ok(whole(ask('/v2/large/app/manifests/1', '', { protocol => 'HTTP/1.0' })),
   'HTTP/1.0');
ok(whole(ask('/v2/large/app/manifests/1', '', { linger => 0.5 })), 'slow');



=== TEST 6: large images: a client that stops reading
--- location
        schema_conversion_max_size 16m;
        send_timeout 200ms;
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- after
my $cut = ask('/v2/large/app/manifests/1', '', { linger => 4 });
is($cut->{status}, 200, 'began');
ok(length $cut->{body} < $cut->{header}{'content-length'}, 'was cut off');



=== TEST 7: large images: clients that close
--- location eval: $::room
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- no_error_log
[alert]
--- after
taste('/v2/large/app/manifests/1', $_) for 1, 131_072, 200_000, 1_000_000;
ok(whole(ask('/v2/large/app/manifests/1')), 'alive');



=== TEST 8: large images: pipelined
--- location eval: $::room
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- after
my $get = "GET /v2/%s/app/manifests/1 HTTP/1.1\r\nHost: localhost\r\n";
my $last = "${get}Connection: close\r\n\r\n";
my $both = ask('', '', { raw => sprintf("$get\r\n", 'large')
                                . sprintf($last, 'small') });
my ($one, $two) = split /HTTP\/1.1 200 OK\r\n.*?\r\n\r\n/s, $both->{body}, 2;
ok(whole($one), 'one');
ok(eval { check_schema1($two, 'small/app', 1, 2) }, 'two');



=== TEST 9: large images: nginx's own limits
--- location
        schema_conversion_max_size 16m;
        sendfile_max_chunk 48k;
        limit_rate 6m;
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- after
my $answer = ask('/v2/large/app/manifests/1');
ok(whole($answer), 'came');
cmp_ok($answer->{seconds}, '>', 0.5, 'not at once');



=== TEST 10: large images: from the cache
--- http_config
    schema_conversion_cache_zone one:32m;
--- location
        schema_conversion_max_size 16m;
        schema_conversion_cache one;
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- after
is(scalar(grep { whole(ask('/v2/large/app/manifests/1')) } 1 .. 4), 4, 'came');



=== TEST 11: large images: through a filter that buffers
--- requires: 4: http_sub_module
--- location
        schema_conversion_max_size 16m;
        sub_filter yyyyyyyyyyyyz never;
        sub_filter_types *;
        sub_filter_once off;
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- after
ok(whole(ask('/v2/large/app/manifests/1')), 'came');



=== TEST 12: large images: HTTP/2
--- requires: 3: http_v2_module
--- http_config
    server {
        listen $TEST_NGINX_RAND_PORT_1 http2;
        location /v2/ {
            schema_conversion on;
            schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
            schema_conversion_max_size 16m;
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        }
    }
--- server
    location = /port {
        return 200 $TEST_NGINX_RAND_PORT_1;
    }
--- request
GET /port
--- timeout: 20
--- after
SKIP: {
    skip('curl without HTTP/2', 1) if `curl -V 2>&1` !~ /\bHTTP2\b/;
    my $curl = 'curl -s --max-time 10 --http2-prior-knowledge';
    my $url = "http://127.0.0.1:$body/v2";
    `$curl --max-time 0.1 $url/large/app/manifests/1`;
    ok(whole(scalar `$curl $url/large/app/manifests/1`), 'came');
}



=== TEST 13: a manifest of 4 MiB is converted by default
--- request
GET /v2/default/app/manifests/4194304
--- schema1
default/app:4194304 2 layers
--- timeout: 20



=== TEST 14: a manifest of more than 4 MiB is refused by default
--- request
GET /v2/default/app/manifests/4194305
--- response_body_like: "reason":"too_large"
--- error_code: 502
--- timeout: 20
--- no_error_log
[alert]



=== TEST 15: large images: a document that passes to a slow client
--- location eval: $::room
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- after
my $answer = ask('/v2/plain/app/manifests/1', '', { linger => 0.5 });
ok($answer->{body} eq $::plain->{body}, 'came');
cmp_ok($answer->{seconds}, '<', 14, 'in time');



=== TEST 16: large images: a client that reads slowly does not delay others
--- http_config
    schema_conversion_cache_zone one:32m;
--- location
        schema_conversion_max_size 16m;
        schema_conversion_cache one;
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- after
my $slow = start('/v2/large/app/manifests/1', '', { linger => 0.1 });
my $answer = ask('/v2/large/app/manifests/1');
ok(whole($answer), 'another came');
cmp_ok($answer->{seconds}, '<', 4.5, 'in time');
ok(whole(finish($slow)), 'the slow one came');



=== TEST 17: large images: a slow client of a hit does not wait for the registry
--- http_config
    schema_conversion_cache_zone one:32m;
--- location
        schema_conversion_max_size 16m;
        schema_conversion_cache one;
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- after
ok(whole(ask('/v2/late/app/manifests/1')), 'converted');
my $answer = ask('/v2/late/app/manifests/1?late', '', { linger => 0.5 });
ok(whole($answer), 'came');
cmp_ok($answer->{seconds}, '<', 6, 'in time');



=== TEST 18: large images: a client that stops reading what a thread made
--- main_config eval: $::main
--- location
        schema_conversion_max_size 16m;
        schema_conversion_thread_pool one;
        send_timeout 200ms;
--- request
GET /v2/
--- response_body: {}
--- timeout: 20
--- after
my $cut = ask('/v2/large/app/manifests/1', '', { linger => 4 });
is($cut->{status}, 200, 'began');
ok(length $cut->{body} < $cut->{header}{'content-length'}, 'was cut off');



=== TEST 19: memory is allocated for the document, not for the limit
--- location eval: $::boundless
--- request
GET /v2/wide/app/manifests/1
--- schema1
wide/app:1 2 layers
