# Copyright (C) the ngx_http_schema1_module authors

# Upstreams that misbehave, at each stage of a pull: the tag's manifest, a
# child, a config, the hop of a redirect.  Whatever happens, the client gets a
# whole answer of the right status, and its next request is answered.

use Schema1;
use Schema1::Client;

# the time passes that it takes
repeat_each(1);

plan tests => repeat_each() * 253;

my $storage = "http://127.0.0.1:$ENV{TEST_NGINX_STORAGE_PORT}";

our $app = image('team/app:1');

my %how = (
    reset     => [reset => 'header'],
    midbody   => [truncate => 20, reset => 'body'],
    length    => [truncate => 20],
    chunked   => [truncate => 20, chunked => 1],
    close     => [truncate => 20, until_close => 1],
    empty     => [truncate => 0],
    nothing   => [body => '', until_close => 1],
    late      => [delay => 6],
    stall     => [stall => 6],
    stuck     => [truncate => 20, hang => 6],
    drip      => [drip => [7, 0.001]],
    dripped   => [drip => [1, 0.0005], chunked => 1],
    gzip      => [gzip => 1],
    wrong     => [body => '{"schemaVersion":2,"x":1}'],
    html      => [body => '<html>login</html>', type => 'text/html'],
    big       => [body => ' ' x 300_000],
    bigchunk  => [body => ' ' x 300_000, chunked => 1],
    bigclose  => [body => ' ' x 300_000, until_close => 1],
    endless   => [length => '1000000000000000'],
    headers   => [add => ['X-Huge' => 'x' x 100_000]],
    many      => [add => [map { ("X-$_" => 'x' x 40) } 1 .. 60]],
    http10    => [http => '1.0', until_close => 1],
    keepalive => [keepalive => 1],
    more      => [chunked => 1, keepalive => 1],
    garbage   => sub { my ($socket) = @_; print $socket "what?\r\n\r\n" },
    s401      => [status => 401, body => 'denied'],
    s403      => [status => 403, body => 'denied'],
    s404      => [status => 404, body => 'nothing'],
    s429      => [status => 429, body => 'later'],
    s500      => [status => 500, body => 'broken'],
    s503      => [status => 503, body => 'broken'],
    s204      => [status => 204, body => ''],
    s304      => [status => 304, body => ''],
);

# name/stage:1, in which that stage is misbehaving
for my $name (keys %how) {
    my $how = $how{$name};
    my @how = ref $how eq 'CODE' ? $how : @$how;

    image("$name/tag:1");
    answer("GET /v2/$name/tag/manifests/1", @how);
    list("$name/child:1", strict => 0, entries => [image("$name/child")]);
    answer(qr{^GET /v2/$name/child/manifests/sha256:}, @how);
    image("$name/config:1");
    answer(qr{^GET /v2/$name/config/blobs/}, @how);
    image("$name/hop:1");
    answer(qr{^GET /v2/$name/hop/blobs/}, status => 307,
           headers => [Location => "$storage/$name"]);
    answer("storage:GET /$name", ref $how eq 'CODE' ? $how
           : (status => 200, body => $app->{config}, headers => [], @how));
}

# documents that are hostile, with a digest and without
my $deep = '[' x 10_000 . ']' x 10_000;
my %bad = (
    json   => '{"schemaVersion":2,"layers":',
    deep   => "{\"schemaVersion\":2,\"x\":$deep}",
    layers => '{"schemaVersion":2,"config":{"digest":"sha256:' . 'a' x 64
              . '","size":2,"mediaType":"' . type_of('docker', 'config')
              . '"},"layers":[' . join(',', ('{}') x 100_000) . ']}',
    values => '{"schemaVersion":2,"x":[' . join(',', (0) x 1_000_000) . ']}',
    none   => '',
    null   => "\0" x 1000,
    array  => '[]',
);

for my $name (keys %bad) {
    my $type = type_of('docker', 'manifest');

    document("$name/proven:1", $type, $bad{$name});
    document("$name/unproven:1", $type, $bad{$name});
    answer("GET /v2/$name/unproven/manifests/1", headers => []);
    list("$name/child:1", strict => 0, entries => [{
        of => document("$name/child", $type, $bad{$name}),
        platform => 'linux/amd64' }]);
    list("$name/list:1", strict => 0, list => $bad{$name});
    image("$name/config:1", config => $bad{$name});
}

our $config = '
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_redirect /blob-redirect;
        schema_conversion_max_size 256k;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        proxy_read_timeout 1s;
        proxy_http_version 1.1;
    }

    location = /blob-redirect {
        internal;
        proxy_pass $schema1_redirect_url;
        proxy_read_timeout 1s;
    }
';

our $large = $config =~ s/256k/4m/r;

# each in turn on one connection, between them an image that is well
sub connection
{
    my ($name, %expected) = @_;

    my @names = ref $name ? @$name : $name;

    for my $one (@names) {
        for my $stage (sort keys %expected) {
            pair("$one/$stage", split / /, $expected{$stage});
        }
    }
}

# the head, body, and what follows
sub cut
{
    my ($head, $rest) = split /\r\n\r\n/, $_[0], 2;
    my $body = '';

    return ($head // '', '', undef) if !defined $rest;

    if ($head =~ /^Content-Length: (\d+)/mi) {
        return ($head, $rest, undef) if length $rest < $1;

        $body = substr $rest, 0, $1, '';
        return ($head, $body, $rest);
    }

    while ($rest =~ s/^([0-9a-f]+)\r\n//) {
        my $size = hex $1;

        $body .= substr $rest, 0, $size, '';
        $rest =~ s/^\r\n//;

        return ($head, $body, $rest) if $size == 0;
    }

    return ($head, $body, undef);
}


sub pair
{
    my ($image, $status, $text) = @_;

    # a client that keeps its connection
    my $request = join '', map { "GET /v2/$_/manifests/1 HTTP/1.1\r\n"
        . "Host: localhost\r\n" . ($_ eq 'team/app' ? "Connection: close\r\n"
                                                    : '') . "\r\n" }
        $image, 'team/app';

    my $raw = ask('', '' => { raw => $request })->{raw};
    my ($head, $body, $second) = cut($raw);
    my ($is) = $head =~ m{^HTTP/1\.1 (\d+)};
    my @wrong;

    push @wrong, 'the status is ' . ($is // 'none')
        if ($is // '') !~ /^$status\z/;
    push @wrong, 'the body is ' . substr $body, 0, 300
        if defined $text && $body !~ /$text/;
    push @wrong, 'the body is cut off' if !defined $second;

    # nginx itself may close it, and then says so
    if ($head =~ /^Connection: close/m) {
        $second = ask('/v2/team/app/manifests/1')->{raw};
    }

    push @wrong, 'the next request fails'
        if ($second // '') !~ /\AHTTP\/1\.1 200 .*"schemaVersion": 1/s;

    ok(!@wrong, "$image: $status") or diag(join "\n", @wrong);
}

# a fault at each stage, which may log errors
rows(<<'END',
=== %s
--- config eval: $::config
--- request
GET /v2/
--- no_error_log
[alert]
--- after
%s
END
    ['each stage: reset before the header', <<'END'],
connection('reset', tag => '502 502 Bad', child => '502 upstream_failed',
           config => '502 upstream_failed', hop => '502 upstream_failed');
END
    ['each stage: truncated body', <<'END'],
connection(['midbody', 'length', 'chunked', 'empty'], map { $_ =>
           '502 truncated' } qw(tag child config hop));
END
    ['each stage: truncated body without a length', <<'END'],
connection(['close', 'nothing'], map { $_ => '502 digest_mismatch' }
           qw(tag child config hop));
END
    ['each stage: late header', <<'END'],
connection('late', tag => '504 504 Gateway', map { $_ => '504 timed_out' }
           qw(child config hop));
END
    ['each stage: stalled body', <<'END'],
connection(['stall', 'stuck'], map { $_ => '502 truncated' }
           qw(tag child config hop));
END
    ['each stage: compressed body', <<'END'],
connection('gzip', map { $_ => '502 encoded' } qw(tag child config hop));
END
    ['each stage: another document', <<'END'],
connection('wrong', map { $_ => '502 digest_mismatch' }
           qw(tag child config hop));
connection('html', map { $_ => '502 digest_mismatch' } qw(child config hop));
END
    ['each stage: body over the size limit', <<'END'],
connection(['big', 'bigchunk', 'bigclose', 'endless'], map { $_ =>
           '502 too_large' } qw(tag child config hop));
END
    ['each stage: header over the buffer', <<'END'],
connection('headers', tag => '502 502 Bad', map { $_ => '502 upstream_failed' }
           qw(child config hop));
END
    ['each stage: no HTTP', <<'END'],
connection('garbage', map { $_ => '502' } qw(child config hop));
END
    ['each stage: denied', <<'END'],
connection('s401', hop => '502 upstream_failed',
           map { $_ => '401 denied' } qw(tag child config));
connection('s403', hop => '502 upstream_failed',
           map { $_ => '403 denied' } qw(tag child config));
connection('s429', hop => '502 upstream_failed',
           map { $_ => '429 later' } qw(tag child config));
connection('s404', tag => '404 nothing', child => '404 manifest_not_found',
           map { $_ => '400 config_not_found' } qw(config hop));
END
    ['each stage: server errors', <<'END'],
connection($_, tag => ($_ eq 's500' ? 500 : 503) . ' broken',
           map { $_ => '502 upstream_failed' } qw(child config hop))
    for 's500', 's503';
END
    ['each stage: no content', <<'END'],
connection(['s204', 's304'], map { $_ => '502 upstream_failed' }
           qw(child config hop));
END
);

run_tests();

__DATA__

=== TEST 1: each stage: slow but steady body
--- config eval: $::config
--- request
GET /v2/
--- after
connection(['drip', 'dripped'], map { $_ => '200' } qw(tag child config hop));



=== TEST 2: a tag's document of another type passes
--- config eval: $::config
--- request
GET /v2/html/tag/manifests/1
--- response_body chomp
<html>login</html>



=== TEST 3: each stage: many headers
--- config eval: $::config
--- request
GET /v2/
--- after
connection('many', map { $_ => '200' } qw(tag child config hop));



=== TEST 4: each stage: HTTP/1.0
--- config eval: $::config
--- request
GET /v2/
--- after
connection('http10', map { $_ => '200' } qw(tag child config hop));



=== TEST 5: each stage: kept connections
--- http_config
    upstream mock {
        server 127.0.0.1:$TEST_NGINX_MOCK_PORT;
        keepalive 4;
    }
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_redirect /blob-redirect;
        proxy_pass http://mock;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
    }

    location = /blob-redirect {
        internal;
        proxy_pass $schema1_redirect_url;
    }
--- request
GET /v2/
--- after
connection(['keepalive', 'more', 'http10', 'keepalive', 'more'],
           map { $_ => '200' } qw(tag child config hop));



=== TEST 6: hostile manifests with the right digest are refused
--- config eval: $::large
--- request
GET /v2/
--- no_error_log
[alert]
--- after
connection([qw(json null array none deep values)], proven =>
           '400 invalid_manifest|not_an_image');
connection('layers', proven => '502 too_many');



=== TEST 7: hostile manifests without a digest are 502
--- config eval: $::large
--- request
GET /v2/
--- no_error_log
[alert]
--- after
connection([qw(json null none)], unproven => '502 unproven');
connection('layers', unproven => '502 too_many');



=== TEST 8: hostile children are refused
--- config eval: $::large
--- request
GET /v2/
--- no_error_log
[alert]
--- after
connection([qw(json null array none deep values)], child =>
           '400 invalid_manifest|not_an_image');
connection('layers', child => '502 too_many');



=== TEST 9: hostile lists are refused
--- config eval: $::large
--- request
GET /v2/
--- no_error_log
[alert]
--- after
connection([qw(json null array none deep values)], list => '4\d\d');
connection('layers', list => '502 too_many');



=== TEST 10: hostile configs are refused
--- config eval: $::large
--- request
GET /v2/
--- no_error_log
[alert]
--- after
connection([qw(json null array deep layers)], config =>
           '400 invalid_config');



=== TEST 11: each stage: refused connection
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_redirect /blob-redirect;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }

    location ~ ^/v2/(reset/tag|reset/child/manifests/sha|reset/config/blobs) {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_DEAD_PORT;
    }

    location = /blob-redirect {
        internal;
        proxy_pass http://127.0.0.1:$TEST_NGINX_DEAD_PORT;
    }
--- request
GET /v2/
--- no_error_log
[alert]
--- after
connection('reset', tag => '502 502 Bad', map { $_ => '502 upstream_failed' }
           qw(child config hop));



=== TEST 12: each stage: faults without buffering
--- config eval: $::config =~ s/(proxy_read_timeout 1s;)/$1 proxy_buffering off;/gr
--- request
GET /v2/
--- no_error_log
[alert]
--- after
connection([qw(midbody length chunked)], map { $_ => '502 truncated' }
           qw(tag child config hop));
connection([qw(big bigchunk endless)], map { $_ => '502 too_large' }
           qw(tag child config hop));
connection('drip', map { $_ => '200' } qw(tag child config hop));
