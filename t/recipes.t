# Copyright (C) the ngx_http_schema1_module authors

# The configurations and commands of README.md and docs/, run in front of a mock
# registry: what the pages state has to happen.  Names, ports and certificates
# are replaced, and TLS is left out; the rest runs as it is printed.

use strict;
use warnings;

use lib 't/lib';

use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Test::More;

use Schema1::Docs;
use Schema1::Documents;
use Schema1::Registry;

my $nginx = find_nginx();

plan skip_all => $nginx->{reason} if $nginx->{reason};

my $empty = 'sha256:'
    . 'a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4';
my $signed = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
my $modern = join ', ', map { Schema1::Documents::type_of(@$_) }
    [qw(docker manifest)], [qw(docker list)], [qw(oci manifest)],
    [qw(oci list)];

my $dir = tempdir(CLEANUP => 1);
my %images = map {
    $_ => Schema1::Documents::image_documents(format => 'oci',
                                              platform => $_)
} qw(linux/amd64 linux/arm/v7 linux/arm64);
my $index = Schema1::Documents::list_document(format => 'oci',
    entries => [@images{qw(linux/amd64 linux/arm/v7 linux/arm64)}]);
my $amd64 = $images{'linux/amd64'};
my $layer = $amd64->{layers}[0]{digest};
my $http = HTTP::Tiny->new(max_redirect => 0, timeout => 20,
                           proxy => undef, http_proxy => undef);

my (%done, $port);

my $ops = 'docs/operations.md';

smallest();
token();
redirected();
old_tls();
rewritten();
harbor();
artifact_registry();
hub();
user_agent();
assumed_accept();
split_push();
v1_and_v2();
several();
together();
pulp();

caches_in_front();
varnish_in_front();
squid_in_front();
commands_of_pages();

# no recipe without a test

for my $b (grep { $_->{page} eq 'docs/recipes.md' } blocks()) {
    ok($done{$b->{heading}}, "recipe \"$b->{heading}\" was run");
}

done_testing();


# a registry with the index under app:1.0, and each of its blobs

sub registry
{
    my ($name) = @_;
    my $registry = Schema1::Registry->new(log => "$dir/asked");

    $name = 'app' unless defined $name;

    $registry->add($name, '1.0', $index, strict => 1);
    $registry->add($name, undef, $_, strict => 1) for values %images;

    return $registry;
}


# every blob of an image is redirected to the storage host

sub redirect_blobs
{
    my ($registry, $name, $image) = @_;
    my $storage = $registry->port('storage');
    my $blobs = $image->{blobs};

    for my $digest (keys %$blobs) {
        $registry->answer("/v2/$name/blobs/$digest",
            status => 307, body => '', headers => [
                Location => "http://127.0.0.1:$storage/s/$digest?sig=a%2Fb" ]);
        $registry->answer("storage:/s/$digest", status => 200,
            type => 'application/octet-stream', body => $blobs->{$digest});
    }

    return "http://127.0.0.1:$storage/";
}


sub free_port
{
    my $socket = IO::Socket::INET->new(Listen => 1,
                                       LocalAddr => '127.0.0.1')
        or die "listen() failed: $@\n";

    return $socket->sockport;
}


# Runs a block of a page under a heading in front of a registry, and the checks
# with it.

sub recipe
{
    my ($heading, $registry, $change, $ports, $checks, %opt) = @_;
    my $page = $opt{page} || 'docs/recipes.md';
    my @found = grep { $_->{page} eq $page && $_->{heading} eq $heading }
                blocks();
    my $block = $found[$opt{number} || 0];

    return fail("$page has a recipe \"$heading\"") unless $block;

    $done{$heading} = 1;

    my $upstream = $registry->port('registry');
    my $server = start_block($nginx, $block,
        port => { map { $_ => ($port->{$_} = free_port()) } @$ports },
        change => [ index($block->{block}, '127.0.0.1:5000') < 0 ? ()
                    : ('127.0.0.1:5000' => "127.0.0.1:$upstream"),
                    @$change ]);

    $registry->start;

    subtest "$heading" => sub { $checks->($server) };

    my $log = stop_block($server);

    unlike($log, qr/\[(?:alert|crit|emerg)\]/, "$heading: a clean log");

    $registry->stop;
}


sub get
{
    my ($listen, $uri, %headers) = @_;
    my $method = delete $headers{method} || 'GET';

    return $http->request($method, "http://127.0.0.1:$port->{$listen}$uri",
                          { headers => { 'User-Agent' => 'test', %headers } });
}


sub is_schema1
{
    my ($response, $name, $architecture, $what) = @_;

    is($response->{status}, 200, "$what: status");
    is($response->{headers}{'content-type'}, $signed, "$what: type");
    like($response->{content}, qr/"name": "\Q$name\E"/, "$what: name");
    like($response->{content}, qr/"architecture": "\Q$architecture\E"/,
        "$what: platform");
}


sub is_status
{
    my ($response, $status, $what) = @_;

    is($response->{status}, $status, "$what: status");
}


sub smallest
{
    recipe('Configuration', registry(), [], [5080], sub {
        my $uri = '/v2/app/manifests/';
        my $r = get(5080, "${uri}1.0");

        is_schema1($r, 'app', 'amd64', 'old');

        my $digest = $r->{headers}{'docker-content-digest'};

        is_schema1(get(5080, $uri . $digest), 'app', 'amd64', 'by digest');
        is_status(get(5080, "/v2/other/manifests/$digest"), 404,
                  'by digest, another name');

        $r = get(5080, "${uri}1.0", Accept => $modern);

        is($r->{content}, $index->{body}, 'modern: the index');
        is_status(get(5080, "/v2/app/blobs/$empty"), 200, 'empty layer');
        is_status(get(5080, '/v1/_ping'), 404, '/v1/');
    }, page => 'README.md');
}


sub token
{
    my $registry = registry();

    $registry->protect(app => 'Bearer good');
    $registry->answer('storage:/auth', status => 200, body => '{}');

    my $tokens = '127.0.0.1:' . $registry->port('storage');

    recipe('TLS and token authentication', $registry,
        ['127.0.0.1:5001' => $tokens, '443 ssl' => '443'], [443], sub {
        is_status(get(443, '/v2/app/manifests/1.0'), 401, 'no token');
        is_schema1(get(443, '/v2/app/manifests/1.0',
                       Authorization => 'Bearer good'),
                   'app', 'amd64', 'token');
        is_status(get(443, '/auth'), 200, 'token server');
        is_status(get(443, '/v1/_ping'), 404, '/v1/');
    });
}


sub redirected
{
    my $heading = 'A registry whose blobs redirect to object storage';
    my $s3 = 'https://registry-blobs\.s3\.eu-west-1\.amazonaws\.com/';
    my $registry = registry();
    my $storage = redirect_blobs($registry, 'app', $amd64);

    recipe($heading, $registry, [$s3 => $storage], [5080], sub {
        is_schema1(get(5080, '/v2/app/manifests/1.0',
                       Authorization => 'Bearer x', Cookie => 'a=b'),
                   'app', 'amd64', 'old');

        my ($asked) = grep { $_->{host} eq 'storage' } $registry->asked;
        my %headers = map { lc $_->[0] => $_->[1] } @{$asked->{headers}};

        is("http://$headers{host}/", $storage, 'the host of the storage');
        like($asked->{uri}, qr/\?sig=a%2Fb$/, 'the query as it was');
        ok(!exists $headers{authorization}, 'no credentials');
        ok(!exists $headers{cookie}, 'no cookie');
    });

    # a host that the map does not name

    $registry = registry();
    redirect_blobs($registry, 'app', $amd64);

    recipe($heading, $registry, [], [5080], sub {
        my $r = get(5080, '/v2/app/manifests/1.0');

        is_status($r, 502, 'another host');
        like($r->{content}, qr/"reason":"upstream_failed"/, 'reason');
        ok(!grep({ $_->{host} eq 'storage' } $registry->asked),
            'no request there');
    });
}


sub old_tls
{
    my $registry = registry();
    my $storage = redirect_blobs($registry, 'app', $amd64);

    recipe('Blobs through the proxy', $registry, [
        'https://registry-blobs\.s3\.example\.com/' => $storage,
        '443 ssl' => '443' ], [443], sub {
        is_schema1(get(443, '/v2/app/manifests/1.0'), 'app', 'amd64', 'old');

        my $r = get(443, "/v2/app/blobs/$layer", Authorization => 'Bearer x');

        is($r->{content}, $amd64->{blobs}{$layer}, 'a layer');
        is_status(get(443, "/v2/app/blobs/$empty"), 200, 'empty layer');

        for my $asked (grep { $_->{host} eq 'storage' } $registry->asked) {
            ok(!grep({ lc $_->[0] eq 'authorization' }
                     @{$asked->{headers}}), 'no credentials');
        }
    });
}


sub rewritten
{
    my $registry = registry();

    for my $name ('teams/shop/app') {
        $registry->add($name, '1.0', $index, strict => 1);
        $registry->add($name, undef, $_, strict => 1) for values %images;
    }

    my $nexus = '/repository/docker-hosted/v2/app';
    my $artifactory = '/artifactory/api/docker/docker-local/v2/app';

    for my $document ($index, values %images) {
        for my $path ($nexus, $artifactory) {
            $registry->answer("$path/manifests/$_", status => 200,
                type => $document->{type}, body => $document->{body},
                headers => ['Docker-Content-Digest' => $document->{digest}])
                for $document->{digest}, $document == $index ? '1.0' : ();

            $registry->answer("$path/blobs/$_", status => 200,
                type => 'application/octet-stream',
                body => $document->{blobs}{$_})
                for keys %{$document->{blobs}};
        }
    }

    my $upstream = $registry->port('registry');

    recipe('Paths and names that are rewritten', $registry, [
        '127.0.0.1:8081' => "127.0.0.1:$upstream",
        '127.0.0.1:8082' => "127.0.0.1:$upstream" ], [5080], sub {
        my %expected = (
            'nexus.example.com app'       => 'app',
            'artifactory.example.com app' => 'app',
            'legacy.example.com shop/app' => 'shop/app',
        );

        for my $case (sort keys %expected) {
            my ($host, $name) = split ' ', $case;

            is_schema1(raw_get($host, "/v2/$name/manifests/1.0"),
                       $expected{$case}, 'amd64', $case);
        }
    });
}


# HTTP::Tiny sets the Host header itself

sub raw_get
{
    my ($host, $uri, $listen) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $port->{$listen || 5080})
        or die "connect() failed: $@\n";

    print $socket "GET $uri HTTP/1.0\r\nHost: $host\r\n\r\n";

    my $answer = do { local $/; <$socket> };
    my ($head, $content) = split /\r\n\r\n/, $answer, 2;
    my ($status) = $head =~ m{^HTTP/1\.\d (\d+)};
    my %headers = map { lc $_->[0] => $_->[1] }
                  map { [split /: /, $_, 2] } (split /\r\n/, $head)[1 .. 5];

    return { status => $status, headers => \%headers, content => $content };
}


sub harbor
{
    my $registry = registry('project/app');

    $registry->answer('/service/token', status => 200, body => '{}');
    $registry->answer('PUT /v2/project/app/manifests/1.0', status => 201);

    recipe('Harbor', $registry, [
        '127.0.0.1:8443' => '127.0.0.1:' . $registry->port('registry'),
        'https://harbor' => 'http://harbor',
        ' ssl;' => ';' ], [443, 5443], sub {
        is_schema1(get(443, '/v2/project/app/manifests/1.0'),
                   'project/app', 'amd64', 'old');
        is_status(get(443, '/service/token'), 200, 'tokens');
        is_status(get(443, '/v2/project/app/manifests/1.0', method => 'PUT'),
                  403, 'pushing here');
        is_status(get(5443, '/v2/project/app/manifests/1.0', method => 'PUT'),
                  201, 'pushing there');
    });
}


sub artifact_registry
{
    my $registry = registry('project/app');
    my $upstream = '127.0.0.1:' . $registry->port('registry');
    my $blobs = $amd64->{blobs};

    for my $digest (keys %$blobs) {
        my $path = '/artifacts-downloads/namespaces/project/repositories/app'
                   . '/downloads/' . 'A' x 5000 . substr($digest, 7, 8);

        $registry->answer("/v2/project/app/blobs/$digest", status => 302,
            body => '', headers => [ Location => $path ]);
        $registry->answer($path, status => 200,
            type => 'application/octet-stream', body => $blobs->{$digest});
    }

    recipe('Artifact Registry', $registry, [
        'https://$registry' => "http://$upstream",
        'https://europe-west3-docker\.pkg\.dev/' => "http://$upstream/" ],
        [5080], sub {
        is_schema1(get(5080, '/v2/project/app/manifests/1.0',
                       Authorization => 'Bearer x'),
                   'project/app', 'amd64', 'old');

        my ($asked) = grep { $_->{uri} =~ m{^/artifacts-downloads/} }
                      $registry->asked;

        ok(!grep({ lc $_->[0] eq 'authorization' } @{$asked->{headers}}),
            'no credentials');

        my $r = get(5080, "/v2/project/app/blobs/$layer");

        is_status($r, 302, 'a layer');

        $r = get(5080, $r->{headers}{location} =~ s{^http://[^/]+}{}r);

        is($r->{content}, $blobs->{$layer}, 'a layer, followed');
    });
}


sub hub
{
    my $registry = registry('library/app');
    my $storage = redirect_blobs($registry, 'library/app', $amd64);
    my $upstream = $registry->port('registry');

    $registry->answer('/v2/', status => 401, body => '{}', headers => [
        'WWW-Authenticate' => 'Bearer realm="https://auth.docker.io/token",'
                              . 'service="registry.docker.io"' ]);
    $registry->answer('storage:/token', status => 200,
        type => 'application/json', body => '{}');

    # to a client that names no index, its amd64 image

    $registry->answer('/v2/library/app/manifests/1.0', sub {
        my ($client, $request) = @_;
        my $accept = $request->{header}{accept} || '';
        my $document = $accept =~ /index/ ? $index : $amd64;

        Schema1::Registry::send_answer($client, $request, {
            status => 200, type => $document->{type},
            body => $document->{body}, headers => [
                'Docker-Content-Digest' => $document->{digest} ] });
    });

    recipe('A mirror of a public hub with proxy_cache', $registry, [
        'https://$hub' => "http://127.0.0.1:$upstream",
        'https://$auth' => $storage =~ s{/$}{}r,
        'https://[a-z0-9.-]+\.cloudflare\.docker\.com/' => $storage ],
        [5080], sub {
        my $uri = '/v2/library/app/manifests/1.0';

        my $r = get(5080, $uri, Accept => "$amd64->{type}, */*");

        is($r->{content}, $amd64->{body}, 'no index: the image');

        # a HEAD of the config first: what it leaves in the cache is whole

        is_status(get(5080, "/v2/library/app/blobs/$amd64->{config_digest}",
                      method => 'HEAD'), 200, 'HEAD of the config');

        my $head = get(5080, $uri, method => 'HEAD');

        is($head->{headers}{'content-type'}, $signed, 'HEAD: type');
        is_schema1(get(5080, $uri), 'library/app', 'amd64', 'old');

        $registry->reset;
        is_schema1(get(5080, $uri), 'library/app', 'amd64', 'old again');
        is(scalar(() = $registry->asked), 0, 'no request to the registry');

        $r = get(5080, $uri, Accept => $modern);
        is($r->{content}, $index->{body}, 'modern: the index');

        $r = get(5080, "/v2/library/app/blobs/$layer");
        is($r->{content}, $amd64->{blobs}{$layer}, 'a layer');

        $r = get(5080, '/v2/');
        is($r->{headers}{'www-authenticate'},
            "Bearer realm=\"http://127.0.0.1:$port->{5080}/token\","
            . 'service="registry.docker.io"', 'the challenge');
        is_status(get(5080, '/token?service=x'), 200, 'tokens');
    });
}


sub user_agent
{
    recipe('The platform from the User-Agent', registry(), [], [5080], sub {
        my %expected = ('arch/arm' => 'arm', 'arch/arm64' => 'arm64',
                        'arch/amd64' => 'amd64');

        for my $arch (sort keys %expected) {
            my $r = get(5080, '/v2/app/manifests/1.0', 'User-Agent' =>
                'docker/1.9.1 go/go1.4.2 git-commit/a34a1d5 kernel/4.9.0'
                . " os/linux $arch");

            is_schema1($r, 'app', $expected{$arch}, $arch);
            is($r->{headers}{vary}, 'Accept, User-Agent', "$arch: Vary");
        }

        is_schema1(get(5080, '/v2/app/manifests/1.0'), 'app', 'amd64',
                   'another client');
    });
}


sub assumed_accept
{
    recipe('Docker 19.03.0 to 19.03.4', registry(), [], [5080], sub {
        my %expected = (
            '19.03.0' => Schema1::Documents::type_of(qw(docker manifest)),
            '19.03.4' => Schema1::Documents::type_of(qw(docker manifest)),
            '19.03.5'  => $index->{type},
            '19.03.15' => $index->{type},
            '18.09.9'  => $index->{type},
        );

        for my $version (sort keys %expected) {
            my $r = get(5080, '/v2/app/manifests/1.0', Accept => $modern,
                'User-Agent' => "docker/$version go/go1.12.10 git-commit/"
                    . '9013bf583a kernel/4.15.0 os/linux arch/amd64');

            is_status($r, 200, $version);
            is($r->{headers}{'content-type'}, $expected{$version},
               "$version: type");
            is($r->{headers}{vary}, 'Accept, User-Agent', "$version: Vary");
        }

        is_schema1(get(5080, '/v2/app/manifests/1.0'), 'app', 'amd64', 'old');
    });
}


sub split_push
{
    my $registry = registry();

    $registry->answer('PUT /v2/app/manifests/1.0', status => 201);

    recipe('Pushing and pulling split', $registry,
        ['443 ssl' => '443'], [443], sub {
        my $push = 'push.registry.example.com';

        is_schema1(get(443, '/v2/app/manifests/1.0'), 'app', 'amd64', 'pull');
        is_status(get(443, "/v2/app/blobs/$empty"), 200, 'pull: empty layer');
        is_status(get(443, '/v2/app/manifests/1.0', method => 'PUT'), 403,
                  'pull: PUT');
        is_status(raw_get($push, "/v2/app/blobs/$empty", 443), 404,
                  'push: empty layer');
        is_status(raw_get($push, '/v2/app/manifests/1.0', 443), 404,
                  'push: nothing is converted');
    });
}


sub v1_and_v2
{
    my $registry = registry();

    $registry->answer('/v2/', status => 200, body => '{}', headers => []);

    recipe('The API version and /v1/', $registry, [], [5081], sub {
        my $r = get(5081, '/v2/');

        is($r->{headers}{'docker-distribution-api-version'},
            'registry/2.0', 'the API version, once');
        is_status(get(5081, '/v1/_ping'), 404, '/v1/');

        $r = get(5081, '/v2/app/manifests/1.0', Accept => $modern);

        is($r->{headers}{'docker-distribution-api-version'},
            'registry/2.0', 'the registry\'s own is not doubled');
    });
}


sub several
{
    my $registry = registry();
    my $upstream = $registry->port('registry');

    # its converters are registries here

    recipe('Several nginx behind a balancer', $registry, [
        '127.0.0.1:8080' => "127.0.0.1:$upstream",
        '127.0.0.2:8080' => "127.0.0.1:$upstream",
        '443 ssl' => '443' ], [443], sub {
        my $r = get(443, '/v2/app/manifests/1.0', Accept => $modern);

        is($r->{content}, $index->{body}, 'through the balancer');
    });
}


sub together
{
    recipe('A configuration with log, metrics and threads', registry(), [],
        [5080], sub {
        my ($server) = @_;

        is_schema1(get(5080, '/v2/app/manifests/1.0'), 'app', 'amd64', $_)
            for 'converted', 'from the cache';

        my $r = get(5080, '/schema1-status');
        my $status = JSON::PP->new->decode($r->{content});

        is($status->{outcomes}{CONVERTED}, 1, 'status: converted');
        is($status->{outcomes}{HIT}, 1, 'status: hits');
        is($status->{caches}{manifests}{entries}, 1, 'status: entries');
        is_deeply([grep { slurp($ops) !~ /`\Q$_\E`/ } sort(keys %$status,
                   keys %{$status->{caches}{manifests}})], [],
                  "$ops has all members of the status");

        $r = get(5080, '/schema1-status?format=prometheus');
        like($r->{content},
            qr/^schema_conversion_requests_total\{outcome="HIT"\} 1$/m,
            'status: Prometheus');
        is_deeply(
            [sort(slurp($ops) =~ /`(schema_conversion_\w+)(?:\{\w+\})?`/g)],
            [sort($r->{content} =~ /^# TYPE (\S+)/mg)],
            "$ops has all metrics, and no other");

        my $log = slurp("$server->{dir}/logs/registry.log");

        like($log, qr/ schema1=CONVERTED reason=- .* digest=sha256:/, 'log');
        like($log, qr/ schema1=HIT /, 'log: a hit');
    }, page => $ops);
}


# An nginx that caches, in front of one with the add_header line that the page
# recommends: nginx before 1.23 reads the last Vary line only.

sub caches_in_front
{
    my $page = 'docs/recipes.md';
    my ($line) = slurp($page) =~ /`(add_header Vary\s+"[^`]*always;)`/;

    ok($line, "$page recommends a Vary line") or return;
    $line =~ s/\s+/ /g;

    my $registry = registry();
    my $upstream = $registry->port('registry');

    $port->{$_} = free_port() for qw(5080 8080);

    my $back = start_block($nginx, { context => 'server', block => <<"END" },
location /v2/ {
    schema_conversion on;
    proxy_pass http://127.0.0.1:$upstream;
    $line
}
END
        port => { 18080 => $port->{8080} });

    my $front = start_block($nginx, { context => 'http', block => <<"END" });
proxy_cache_path /var/cache/nginx/front keys_zone=front:1m;

server {
    listen $port->{5080};

    location / {
        proxy_pass http://127.0.0.1:$port->{8080};
        proxy_cache front;
        proxy_cache_valid any 1h;
        add_header X-Cache \$upstream_cache_status always;
    }
}
END

    $registry->start;

    for my $expected (qw(MISS HIT)) {
        my $r = get(5080, '/v2/app/manifests/1.0', Accept => $modern);

        is($r->{content}, $index->{body}, "cache in front: $expected, modern");
        is($r->{headers}{'x-cache'}, $expected, "cache in front: $expected");
        is_schema1(get(5080, '/v2/app/manifests/1.0'), 'app', 'amd64',
                   "cache in front: $expected, old");
    }

    stop_block($_) for $front, $back;
    $registry->stop;
}


# Varnish with the statements that the page recommends: Docker 1.13 and a modern
# client whose first Accept line is the same.

sub varnish_in_front
{
    my $page = 'docs/recipes.md';
    my ($import, $collect) = slurp($page) =~
        /`(import std;)`,\s+and\s+in\s+`vcl_recv`\s+`(std\.collect[^`]*)`/;

    ok($collect, "$page has statements for Varnish") or return;

    SKIP: {
        skip 'varnishd is not installed', 2
            if system('command -v varnishd > /dev/null 2>&1');

        my $registry = registry();
        my $upstream = $registry->port('registry');

        $port->{$_} = free_port() for qw(5080 8080);

        my $back = start_block($nginx, { context => 'server', block => <<"END" },
location /v2/ {
    schema_conversion on;
    proxy_pass http://127.0.0.1:$upstream;
}
END
            port => { 18080 => $port->{8080} });

        $registry->start;

        my $pid = start_varnish(<<"END");
vcl 4.0;
$import

backend default { .host = "127.0.0.1"; .port = "$port->{8080}"; }

sub vcl_recv { $collect }
END

        my @docker = map { Schema1::Documents::type_of(@$_) }
            [qw(docker manifest)], [qw(docker list)], [qw(docker schema1)];
        my @modern = map { Schema1::Documents::type_of(@$_) }
            [qw(docker manifest)], [qw(docker list)], [qw(oci manifest)],
            [qw(oci list)];
        my %type = map { $_->[0] => get(5080, '/v2/app/manifests/1.0',
            Accept => $_->[1])->{headers}{'content-type'} }
            [docker => \@docker], [modern => \@modern];

        is($type{docker}, $docker[0], 'Varnish: Docker 1.13 gets schema 2');
        is($type{modern}, $index->{type}, 'Varnish: the next gets the index');

        kill 'TERM', $pid;
        waitpid $pid, 0;
        stop_block($back);
        $registry->stop;
    }
}


sub start_varnish
{
    my ($vcl) = @_;

    spew("$dir/default.vcl", $vcl);

    my $pid = fork // die "fork() failed: $!\n";

    if ($pid == 0) {
        open STDOUT, '>', "$dir/varnish.log";
        open STDERR, '>&', \*STDOUT;
        exec 'varnishd', '-j', 'none', '-F', '-a', "127.0.0.1:$port->{5080}",
             '-f', "$dir/default.vcl", '-n', "$dir/varnish",
             '-s', 'default,8m', '-T', 'none'
            or POSIX::_exit(1);
    }

    for (1 .. 200) {
        last if IO::Socket::INET->new("127.0.0.1:$port->{5080}");
        select undef, undef, undef, 0.05;
    }

    return $pid;
}


# Squid needs no settings for Accept: several lines are one value, and a 404 is
# for the Accept that it was the response to.

sub squid_in_front
{
    SKIP: {
        skip 'squid is not installed', 9
            if system('command -v squid > /dev/null 2>&1');

        my $registry = registry();
        my $upstream = $registry->port('registry');

        $port->{$_} = free_port() for qw(5080 8080);

        my $back = start_block($nginx, { context => 'server', block => <<"END" },
location /v2/ {
    schema_conversion on;
    proxy_pass http://127.0.0.1:$upstream;
}
END
            port => { 18080 => $port->{8080} });

        $registry->start;

        my $pid = start_squid();
        my @docker = map { Schema1::Documents::type_of(@$_) }
            [qw(docker manifest)], [qw(docker list)], [qw(docker schema1)];
        my @modern = split /, /, $modern;

        for my $expected (qw(MISS HIT)) {
            for ([404, undef, [$docker[1], $modern[2]]],
                 [200, $docker[0], \@docker],
                 [200, $index->{type}, \@modern],
                 [200, $signed, ['*/*']])
            {
                my ($status, $type, $accept) = @$_;
                my $r = get(5080, '/v2/app/manifests/1.0', Accept => $accept);

                # Squid 7 has only the latter (RFC 9211)
                my ($x_cache, $cache) = @{$r->{headers}}{qw(x-cache
                                                            cache-status)};
                my $how = $x_cache ? $x_cache =~ s/ .*//r
                          : !$cache ? 'no header'
                          : $cache =~ /;hit\b/ ? 'HIT' : 'MISS';
                my $got = join ' ', $r->{status},
                          defined $type ? $r->{headers}{'content-type'} : (),
                          $how;

                is($got, join(' ', $status, $type // (), $expected),
                   "Squid: @$accept, $expected");
            }
        }

        kill 'TERM', $pid;
        waitpid $pid, 0;
        is($? & 127, 0, 'Squid: it exits');
        stop_block($back);
        $registry->stop;
    }
}


sub start_squid
{
    spew("$dir/squid.conf", <<"END");
http_port 127.0.0.1:$port->{5080} accel defaultsite=registry
cache_peer 127.0.0.1 parent $port->{8080} 0 no-query originserver no-digest
http_access allow all
refresh_pattern . 60 100% 60
negative_ttl 1 hour
cache_mem 8 MB
shutdown_lifetime 0 seconds
visible_hostname localhost
pid_filename none
access_log none
cache_log /dev/null
coredump_dir none
pinger_enable off
END

    my $pid = fork // die "fork() failed: $!\n";

    if ($pid == 0) {
        open STDOUT, '>', "$dir/squid.out";
        open STDERR, '>&', \*STDOUT;
        # its shared memory has the name
        exec 'squid', '-N', '-n', "recipes$$", '-f', "$dir/squid.conf"
            or POSIX::_exit(1);
    }

    for (1 .. 400) {
        last if IO::Socket::INET->new("127.0.0.1:$port->{5080}");
        select undef, undef, undef, 0.05;
    }

    return $pid;
}


# The commands that the pages print, one after the other, with nginx as
# docs/operations.md configures it.

sub commands_of_pages
{
    my %expected = (
        'docs/operations.md: The access log' => [
            qr/^ *1 docker\/1\.9\.1 .*\n\z/,
            qr/^ *2 \S*\/v2\/none\/manifests\/1\.0 no_platform\n\z/ ],
        'docs/operations.md: Metrics' => [ qr/^\{"version":/ ],
        'docs/operations.md: Sizing the cache' => [ qr/^ *[1-9]\d{3,}\n\z/ ],
        'docs/signing.md: Creating a key' => [ qr/\A\z/, qr/\A\z/ ],
        'docs/signing.md: The signature' => [ qr/^(?:\w{4}:){11}\w{4}\n\z/ ],
        'docs/troubleshooting.md: First checks' => [
            qr{^Content-Type: \Q$signed\E\r$}m ],
    );

    my $registry = registry('library/app');
    my $none = Schema1::Documents::list_document(format => 'oci',
        entries => [@images{qw(linux/arm64 linux/arm/v7)}]);

    $registry->add('none', '1.0', $none, strict => 1);

    my @commands = grep { ($_->{test} // '') eq 'sh' } commands();
    my $etc = tempdir(CLEANUP => 1);

    recipe('A configuration with log, metrics and threads', $registry, [],
        [5080], sub {
        my ($server) = @_;

        get(5080, '/v2/library/app/manifests/1.0',
            'User-Agent' => 'docker/1.9.1 go/go1.4.3 os/linux arch/amd64');
        get(5080, '/v2/none/manifests/1.0') for 1 .. 2;

        for my $c (@commands) {
            my $what = "$c->{page}: $c->{heading}";
            my $pattern = shift @{$expected{$what} || []};
            my $command = $c->{block};

            $command =~ s{/var/log/nginx/}{$server->{dir}/logs/}g;
            $command =~ s{/etc/nginx/}{$etc/}g;
            $command =~ s{127\.0\.0\.1:5080}{127.0.0.1:$port->{5080}}g;

            spew("$etc/command", "set -e\n$command");

            my $output = `sh $etc/command 2>$etc/errors`;

            is($?, 0, "$what: exit status") or diag(slurp("$etc/errors"));
            like($output, $pattern || qr/(?!)/, "$what: output");
        }
    }, page => $ops);

    is_deeply([grep { @{$expected{$_}} } sort keys %expected], [],
              'every command that is expected was run');
}


sub pulp
{
    my $registry = registry();
    my $upstream = $registry->port('registry');
    my $storage = $registry->port('storage');
    my %content = (
        'manifests/1.0' => [$index->{type}, $index->{body}],
        (map { ("manifests/$_->{digest}" => [$_->{type}, $_->{body}]) }
         values %images),
        (map { ("blobs/$_" => ['application/octet-stream',
                               $amd64->{blobs}{$_}]) }
         keys %{$amd64->{blobs}}),
    );

    for my $path (keys %content) {
        $registry->answer("/v2/app/$path", status => 302, body => '',
            headers => [ Location =>
                "http://pulp.example.com/pulp/container/app/$path?sig=x" ]);
        $registry->answer("storage:/pulp/container/app/$path", status => 200,
            type => $content{$path}[0], body => $content{$path}[1]);
    }

    recipe('From Pulp', $registry, [
        '127.0.0.1:24817' => "127.0.0.1:$upstream",
        '127.0.0.1:24816' => "127.0.0.1:$storage",
        '443 ssl' => '443' ], [443], sub {
        my $r = get(443, '/v2/app/manifests/1.0');

        is_schema1($r, 'app', 'amd64', 'old');

        my $head = get(443, '/v2/app/manifests/1.0', method => 'HEAD');

        is($head->{headers}{'docker-content-digest'},
            $r->{headers}{'docker-content-digest'}, 'HEAD');

        $r = get(443, "/v2/app/blobs/$layer");
        is($r->{content}, $amd64->{blobs}{$layer}, 'a layer');
        is_status(get(443, "/v2/app/blobs/$empty"), 200, 'empty layer');
    }, page => 'docs/migration.md');
}

