#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# What is not the module's passes as it is: the same requests are sent to a
# server with conversion on and to one with it off, and compared byte for byte,
# the answers and what the registry was asked.  Only these may differ:
#
#     Date
#     Vary: Accept, in any response to a request by tag
#     Docker-Distribution-Api-Version, where the answer had none

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);

use Schema1::Documents;
use Schema1::Keys;
use Schema1::Registry;
use Schema1::Servers;

# what is written around proxy_pass; "intercepted" has a page of the user's
my @ways = (
    [plain       => ''],
    [unbuffered  => 'proxy_buffering off;'],
    [small       => 'proxy_buffers 2 1k; proxy_buffer_size 1k;
                     proxy_busy_buffers_size 1k;'],
    [kept        => "proxy_http_version 1.1; proxy_set_header Connection '';"],
    [gzip        => 'gzip on; gzip_types *; gzip_min_length 1;'],
    [cached      => 'proxy_cache %s; proxy_cache_valid any 1m;
                     proxy_cache_key $request_uri$http_accept;
                     add_header X-Cache $upstream_cache_status;'],
    [intercepted => 'proxy_intercept_errors on; error_page 404 500 /page;'],
    [converting  => 'schema_conversion_cache zone;
                     schema_conversion_thread_pool default;'],
);

my $modern = join ', ', map { (type_of($_, 'manifest'), type_of($_, 'list')) }
             qw(docker oci);
my $v2 = type_of('docker', 'manifest');
my $image = image_documents(layers => 2);
my $large = 'x' x 300_000;

my $servers = Schema1::Servers->new("$Schema1::Servers::build/t/transparent");
my $registry = registry();
my %port;

start();

for my $way (@ways) {
    for my $case (cases()) {
        compare($way->[0], @$case);
    }
}

done_testing();
$registry->stop;


sub registry
{
    my $registry = Schema1::Registry->new(log => $servers->dir('asked'));

    $registry->add('team/app', '1', $image);
    $registry->add('team/oci', '1', image_documents(format => 'oci'));
    $registry->add('team/list', '1', list_document(entries => [$image]));
    $registry->add('team/old', '1', {
        format => 'docker', type => type_of('docker', 'schema1'),
        body => '{"schemaVersion":1}', digest => digest('old') });
    $registry->add_blob('team/app', $large);
    $registry->add('odd/private', $_, $image) for 'new', 'old';
    $registry->protect('odd/private', 'Bearer right');

    my %odd = (
        chunked  => { chunked => 1 },
        close    => { until_close => 1 },
        http10   => { http => '1.0', until_close => 1 },
        gzip     => { gzip => 1 },
        short    => { truncate => 20 },
        shorter  => { truncate => 20, chunked => 1 },
        empty    => { body => '' },
        none     => { status => 204 },
        moved    => { status => 307, headers => [
            Location => 'http://storage.example.com/x?sig=a%2Fb'] },
        teapot   => { status => 418, body => 'short and stout' },
        s404     => { status => 404, body => 'gone', type => 'text/plain' },
        s429     => { status => 429, add => ['Retry-After' => 7] },
        s500     => { status => 500, body => '', headers => [] },
        s503     => { status => 503, body => 'x' x 5000 },
        reset    => { reset => 'header' },
        huge     => { add => ['X-Huge' => 'x' x 9000] },
        bare     => { headers => [], type => undef },
        vary     => { add => [Vary => 'Accept, Cookie'] },
        star     => { add => [Vary => '*'] },
        many     => { add => ['Set-Cookie' => 'a=1', 'Set-Cookie' => 'b=2',
                              Link => '</x>; rel="next"',
                              'X-Odd' => "\xe4 \"quoted\"",
                              'Last-Modified' =>
                                  'Thu, 01 Jan 2015 00:00:00 GMT'] },
        large    => { body => $large },
        page     => { type => 'text/html', truncate => 20 },
        ranges   => { body => $large, add => ['Accept-Ranges' => 'bytes'] },
    );

    for my $name (sort keys %odd) {
        # one for modern clients, one for old ones: they share no cache
        $registry->add("odd/$name", $_, $image) for 'new', 'old';
        $registry->answer(qr{^\w+ /v2/odd/$name/}, %{$odd{$name}});
    }

    $registry->answer(qr{^(PUT|POST|PATCH|DELETE) /v2/push/}, status => 202,
        body => '', headers => [
            Location => '/v2/push/blobs/uploads/1?state=a%2Fb',
            'Docker-Upload-UUID' => '1', Range => '0-0']);
    $registry->answer('/v2/_catalog', status => 200,
        body => '{"repositories":["team/app"]}', headers => [
            Link => '</v2/_catalog?last=b&n=2>; rel="next"']);
    $registry->answer('/v2/team/app/tags/list', status => 200,
                      body => '{"name":"team/app","tags":["1"]}');

    return $registry;
}


sub start
{
    my $keys = Schema1::Keys::make("$Schema1::Servers::build/keys");
    my $mock = $registry->port('registry');
    my $http = '
    schema_conversion_cache_zone zone:1m;
    port_in_redirect off;
    server_tokens off;
';

    $registry->start;

    for my $way (@ways) {
        for my $side (qw(off on)) {
            my ($name, $more) = @$way;
            my $port = Schema1::Servers::free_port();
            my $zone = "cache_$side";
            my $cache = $servers->dir($zone);

            redo if grep { $_ == $port } values %port;

            $more = sprintf $more, $zone if $name eq 'cached';
            $more =~ s/schema_conversion\w+ \w+;//g if $side eq 'off';

            $http .= "
    proxy_cache_path $cache keys_zone=$zone:1m;
" if $name eq 'cached';

            $http .= "
    server {
        listen 127.0.0.1:$port;
        location /v2/ {
            schema_conversion $side;
            schema_conversion_key $keys/ec256.pem;
            proxy_pass http://127.0.0.1:$mock;
            proxy_read_timeout 5s;
            $more
        }
        location = /page {
            internal;
            return 200 'a page';
        }
    }
";
            $port{"$name $side"} = $port;
        }
    }

    $servers->nginx('nginx', $http, $port{'plain on'});
}


# name, then the bytes of a connection, or several requests: path, method,
# headers, body
sub cases
{
    my $by_tag = '/v2/team/app/manifests/1';
    my $by_digest = "/v2/team/app/manifests/$image->{digest}";
    my $layer = "/v2/team/app/blobs/$image->{layers}[0]{digest}";
    my $blob = '/v2/team/app/blobs/' . digest($large);
    my @all = (Accept => $modern);
    my @odd = map { s{.*odd/}{}r } grep { m{^odd/} }
              sort keys %{$registry->{manifests}};

    return (
        ['version', ['/v2/']],
        ['catalog', ['/v2/_catalog?n=2']],
        ['tags', ['/v2/team/app/tags/list']],
        (map { [lc "$_ of a tag", [$by_tag, $_, @all]],
               [lc "$_ of a digest", [$by_digest, $_]],
               [lc "$_ of a layer", [$layer, $_]] }
             qw(GET HEAD OPTIONS DELETE TRACE)),
        ['several lines', [$by_tag, 'GET', map { (Accept => $_) }
                           split /, /, $modern]],
        ['a list', ['/v2/team/list/manifests/1', 'GET', @all]],
        ['an OCI manifest', ['/v2/team/oci/manifests/1', 'GET', @all]],
        ['stored schema 1', ['/v2/team/old/manifests/1']],
        ['type named', [$by_tag, 'GET', Accept => $v2]],
        ['OCI only', ['/v2/team/oci/manifests/1', 'GET', Accept =>
                      type_of('oci', 'manifest')]],
        ['unknown tag', ['/v2/team/app/manifests/none']],
        ['unknown digest', ['/v2/team/app/manifests/sha256:' . 'a' x 64]],
        ['unknown layer', ['/v2/team/app/blobs/sha256:' . 'a' x 64]],
        ['no name', ['/v2/TEAM/app/manifests/1']],
        ['odd path', ['/v2/team//app/../app/manifests/1']],
        ['escaped', ['/v2/team/%61pp/manifests/%31', 'GET', @all]],
        ['range', [$layer, 'GET', Range => 'bytes=2-5']],
        ['range of a large one', [$blob, 'GET', Range => 'bytes=100000-']],
        ['ranges', [$layer, 'GET', Range => 'bytes=0-0,2-3']],
        ['range of a manifest', [$by_tag, 'GET', @all, Range => 'bytes=2-5']],
        (map { my $what = $_;
               map { ["$_ of what has ranges, $what",
                      ["/v2/odd/ranges/$what", 'GET', @all,
                       Range => "bytes=$_"]] } '7-9', '100-' }
             "blobs/$image->{digest}", 'manifests/new'),
        ['if-none-match', [$by_tag, 'GET', @all,
                           'If-None-Match' => "\"$image->{digest}\""]],
        ['if-match', [$by_tag, 'GET', @all, 'If-Match' => '"x"']],
        ['if-modified-since', ['/v2/odd/many/manifests/new', 'GET', @all,
            'If-Modified-Since' => 'Thu, 01 Jan 2015 00:00:00 GMT']],
        ['large layer', [$blob]],
        ['compressed', [$layer, 'GET', 'Accept-Encoding' => 'gzip']],
        ['credentials', ['/v2/odd/private/manifests/new', 'GET', @all,
                         Authorization => 'Bearer right', Cookie => 'a=b']],
        (map { ["push by $_", ['/v2/push/blobs/uploads/', $_,
                               \'some bytes']] } qw(POST PUT PATCH)),
        ['push of a manifest', ['/v2/push/manifests/1', 'PUT',
                                'Content-Type' => $v2, \$image->{body}]],
        ['push of a large layer', ['/v2/push/blobs/uploads/1', 'PUT',
                                   \$large]],
        ['chunked push', "PUT /v2/push/blobs/uploads/1 HTTP/1.1\r\n"
            . "Host: localhost\r\nConnection: close\r\n"
            . "Transfer-Encoding: chunked\r\n\r\n"
            . "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"],
        ['expect', "PUT /v2/push/blobs/uploads/1 HTTP/1.1\r\n"
            . "Host: localhost\r\nConnection: close\r\n"
            . "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"],
        ['HTTP/1.0', "GET $by_tag HTTP/1.0\r\nAccept: $modern\r\n\r\n"],
        ['HTTP/1.0 kept', "GET $by_digest HTTP/1.0\r\n"
            . "Connection: keep-alive\r\n\r\nGET $layer HTTP/1.0\r\n\r\n"],
        ['HTTP/0.9', "GET $by_digest\r\n"],
        ['no Host', "GET $by_tag HTTP/1.1\r\n\r\n"],
        ['no request', "GET /v2/ \x01\r\n\r\n"],
        ['pipelined', [$by_tag, 'GET', @all], [$layer, 'HEAD'], [$blob],
                      [$by_digest], ['/v2/']],
        ['after a push', ['/v2/push/manifests/1', 'PUT', \'{}'],
                         [$by_tag, 'GET', @all]],
        (map { (["odd: $_", ["/v2/odd/$_/manifests/new", 'GET', @all]],
                ["odd, HEAD: $_", ["/v2/odd/$_/manifests/new", 'HEAD', @all]],
                ["odd layer: $_", ["/v2/odd/$_/blobs/$image->{digest}"]]) }
             @odd),
        (map { ["odd, to an old client: $_", ["/v2/odd/$_/manifests/old"]] }
             qw(moved none teapot page s404 s429 s500 s503 private reset)),
    );
}


sub bytes
{
    my (@requests) = @_;

    return $requests[0] if !ref $requests[0];

    my $text = '';

    for my $n (0 .. $#requests) {
        my ($path, $method, @headers) = @{$requests[$n]};
        my $body = ref $headers[-1] ? ${pop @headers} : undef;

        $text .= ($method // 'GET') . " $path HTTP/1.1\r\nHost: localhost\r\n";

        while (my ($name, $value) = splice @headers, 0, 2) {
            $text .= "$name: $value\r\n";
        }

        $text .= 'Content-Length: ' . length($body) . "\r\n"
            if defined $body;
        $text .= "Connection: close\r\n" if $n == $#requests;
        $text .= "\r\n" . ($body // '');
    }

    return $text;
}


sub compare
{
    my ($way, $name, @requests) = @_;

    my $bytes = bytes(@requests);
    my (%said, %asked);

    for my $side (qw(off on)) {
        $registry->reset;
        $said{$side} = say_to($port{"$way $side"}, $bytes);
        $asked{$side} = join "\n", map {
            ("$_->{method} $_->{uri} $_->{protocol}",
             map { "$_->[0]: $_->[1]" } @{$_->{headers}})
        } $registry->asked;
    }

    # what can be converted is requested, as usual
    my $ours = $bytes !~ /^Accept/mi
               && $bytes =~ m{/manifests/\w+ HTTP/1.1}
               && $bytes =~ /^(GET|HEAD)/
               || $name =~ /^(type named|OCI only)/;

    # several requests on a connection: any of them may be by tag
    my $vary = $bytes =~ m{(GET|HEAD) /v2/\S+/manifests/(?!sha256:)};

    # it is asked for as what a modern client asks for, which is in the cache
    s/^X-Cache: (MISS|HIT)\r\n//m for $ours ? values %said : ();

    my $same = plain($said{on}, $said{off}, $vary)
               eq plain($said{off}, $said{off}, $vary);

    $same &&= $asked{on} eq $asked{off} unless $ours;

    ok($same, "$way: $name")
        or diag(map { ("$_ asked:\n$asked{$_}\n$_ said:\n",
                       substr($said{$_}, 0, 1500), "\n\n") } qw(off on));
}


# without what may differ; an answer that had its headers must keep them
sub plain
{
    my ($text, $off, $vary) = @_;

    my $api = qr{Docker-Distribution-Api-Version: registry/2\.0\r\n};

    $text =~ s/^Date: [^\r]*\r\n//mg;
    $text =~ s/^Vary: Accept\r\n//mg if $vary;
    $text =~ s/^$api//mg if ($off =~ s/^$api//mgr) eq $off || $off =~
                            /^HTTP.*^HTTP/ms;

    return $text;
}


sub say_to
{
    my ($port, $bytes) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $port)
        or die "connect() failed: $@\n";
    my $select = IO::Select->new($socket);
    my $end = time + 10;
    my $said = '';

    $socket->blocking(0);

    while (time < $end) {
        if (length $bytes) {
            my $n = syswrite $socket, $bytes;
            substr $bytes, 0, $n, '' if $n;
        }

        $select->can_read(length $bytes ? 0.01 : $end - time) or next;
        sysread $socket, $said, 65536, length $said or last;
    }

    return $said;
}
