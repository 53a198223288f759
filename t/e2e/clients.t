#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# docs/clients.md: each cell of its tables is made true.  All are filled by a
# request with the header lines that the page notes for the client, the bold
# ones by the client itself as well; and the lines noted for a client that is
# installed are what it sends.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Socket::INET;
use JSON::PP;
use Test::More;

use Schema1::Docker;
use Schema1::Documents;
use Schema1::E2E;
use Schema1::JWS;
use Schema1::Registry;

my $page = "$FindBin::Bin/../../docs/clients.md";

# kinds of images, as the page's tables name them
my %kinds = (
    'schema 1'         => 'kinds/schema1:1',
    'schema 2'         => 'e2e/docker:1',
    'OCI manifest'     => 'e2e/oci:1',
    'manifest list'    => 'e2e/list:1',
    'OCI index'        => 'e2e/oci:index',
    'nested index'     => 'e2e/oci:nested',
    'no history'       => 'e2e/oci:nohistory',
    'zstd layers'      => 'e2e/oci:zstd',
    'foreign layers'   => 'e2e/docker:foreign',
    'artifact'         => 'e2e/oci:artifact',
    'another platform' => 'e2e/oci:arm64',
);

my %codes = (400 => 'MANIFEST_INVALID', 404 => 'MANIFEST_UNKNOWN');

# how a row's own client is made to ask; $_[0] is the image
my %real = (
    'Docker 20.10 without Accept'  => sub { docker(stripped => @_) },
    'Docker 20.10 as Docker 1.13'  => sub { docker(middle => @_) },
    'Docker 18.06 and later'       => sub { docker(plain => @_) },
    'containerd'               => sub { ctr(plain => @_) },
    'podman, skopeo'               => sub { skopeo(plain => @_) },
    'schema 2 only'                => sub { curl('schema 2 only', @_) },
    'OCI only'                     => sub { curl('OCI only', @_) },
);

# what a client is rightly given, and can make nothing of; newer ones than this
# table's may
my %cant = (
    'Docker 18.06 and later, nested index' => qr/no matching manifest/,
);

my @needs = qw(dockerd docker containerd ctr runc skopeo podman curl);
my $e2e = Schema1::E2E->new(needs => \@needs, root => 1);
my $servers = $e2e->{servers};
my $dir = $servers->dir;

my $text = Schema1::Servers::slurp($page);
my %lines = header_lines($text);
my @cells = cells($text);

$e2e->{kinds} = $servers->registry('kinds', config => <<'END');
validation:
  manifests:
    urls:
      allow: ['^https://example\.com/']
END

# skopeo 1.2 copies no OCI index with layers of a type that it does not know
plan skip_all => 'skopeo is older than 1.3'
    if `skopeo --version` =~ / 1\.[0-2]\./;

make_kinds();
start_nginx();

my $docker = eval { Schema1::Docker->new($servers, schema1 => 1) };

plan skip_all => $@ unless $docker;

complete();
replay($_) for @cells;
ask($_) for grep { $_->{real} } @cells;
noted();

done_testing();

$docker->stop;


# the page: client => its header lines

sub header_lines
{
    my ($text) = @_;

    my %lines;

    while ($text =~ /^### ([^\n]*)\n(.*?)(?=^##|\z)/gms) {
        my ($client, $section) = ($1, $2);

        next unless $section =~ /^```text\n(.*?)^```$/ms;

        $lines{$client} = [grep { !/^\(/ } split /\n/, $1];
    }

    return %lines;
}


sub cells
{
    my ($text) = @_;

    my @cells;

    while ($text =~ /^\| Client (\|.*)\n\|[- |]+\n((?:\|.*\n)+)/gm) {
        my @kinds = columns($1);

        for my $row (split /\n/, $2) {
            my ($client, @values) = columns($row);

            for my $i (0 .. $#kinds) {
                my $real = $values[$i] =~ s/^\*\*(.*)\*\*$/$1/;

                push @cells, { client => $client, kind => $kinds[$i],
                               says => $values[$i], real => $real,
                               title => "$client, $kinds[$i]" };
            }
        }
    }

    return @cells;
}


sub columns
{
    my ($row) = @_;

    return map { s/^\s+|\s+$//gr } $row =~ /\|([^|]*)(?=\|)/g;
}


# every client by every kind, and each with its lines
sub complete
{
    my (%clients, %seen);

    $clients{$_->{client}} = 1 for @cells;
    $seen{"$_->{client}, $_->{kind}"}++ for @cells;

    cmp_ok(scalar keys %clients, '>', 9, 'the tables have clients');
    is_deeply([sort keys %lines], [sort keys %clients],
              'each has its header lines noted');
    is_deeply([sort keys %seen],
              [sort map { my $client = $_;
                          map { "$client, $_" } keys %kinds } keys %clients],
              'every client by every kind of image');
    ok(!(grep { $_ > 1 } values %seen), 'no cell is there twice');
    is_deeply([grep { !$real{$_} }
               keys %{{ map { $_->{client} => 1 }
                        grep { $_->{real} } @cells }}],
              [], 'no client is called real that is not here');
}


# the images

sub url
{
    my ($name) = @_;

    return "http://127.0.0.1:$e2e->{kinds}/v2/$name";
}


sub stored
{
    my ($image, %headers) = @_;

    return $e2e->manifest(kinds => $image, Accept => $Schema1::E2E::modern,
                          %headers);
}


sub make_kinds
{
    skopeo_copy('docker://127.0.0.1:%s/e2e/docker:1', 'e2e/docker:1');
    skopeo_copy('docker://127.0.0.1:%s/e2e/docker:1', 'kinds/schema1:1',
                '--format', 'v2s1');
    skopeo_copy('docker://127.0.0.1:%s/e2e/list:1', 'e2e/list:1', '--all');
    skopeo_copy('docker://127.0.0.1:%s/e2e/oci:1', 'e2e/oci:1');
    skopeo_copy('docker://127.0.0.1:%s/e2e/oci:index', 'e2e/oci:index',
                '--all');

    my $json = JSON::PP->new->utf8;
    my (undef, undef, $oci) = stored('e2e/oci:1');
    my (undef, undef, $index) = stored('e2e/oci:index');
    my (undef, undef, $image) = stored('e2e/docker:1');

    # without a history
    my $manifest = $json->decode($oci);
    my (undef, undef, $config) = Schema1::Servers::get(
        url('e2e/oci') . "/blobs/$manifest->{config}{digest}");

    $config = $json->decode($config);
    delete $config->{history};
    $config = put_blob('e2e/oci', json($config));
    @{$manifest->{config}}{qw(digest size)} = @$config;
    put('e2e/oci:nohistory', oci => 'manifest', $manifest);

    # another compression
    $manifest = $json->decode($oci);

    for my $layer (@{$manifest->{layers}}) {
        $layer->{mediaType} =~ s/\+gzip$/+zstd/;
    }

    put('e2e/oci:zstd', oci => 'manifest', $manifest);

    # a layer that is elsewhere
    $manifest = $json->decode($image);
    $manifest->{layers}[0]{mediaType} =
        'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    $manifest->{layers}[0]{urls} = ['https://example.com/layer'];
    put('e2e/docker:foreign', docker => 'manifest', $manifest);

    # what is no image
    $config = put_blob('e2e/oci', '{}');
    put('e2e/oci:artifact', oci => 'manifest', {
        schemaVersion => 2, mediaType => type_of('oci', 'manifest'),
        config => { mediaType => 'application/vnd.example.config.v1+json',
                    digest => $config->[0], size => $config->[1] },
        layers => [{ mediaType => 'application/vnd.example.data',
                     digest => $config->[0], size => $config->[1] }],
    });

    # an index in an index, and one for others
    my $inner = $json->decode($index);

    put('e2e/oci:nested', oci => 'list', {
        schemaVersion => 2, mediaType => type_of('oci', 'list'),
        manifests => [{ mediaType => type_of('oci', 'list'),
                        digest => digest($index), size => length $index }],
    });

    my ($child) = grep { $_->{platform}{architecture} eq 'amd64' }
                  @{$inner->{manifests}};

    $child->{platform}{architecture} = 'arm64';
    put('e2e/oci:arm64', oci => 'list', $inner);
}


sub put
{
    my ($image, $format, $what, $json) = @_;

    my ($name, $tag) = split /:/, $image;

    Schema1::Images::put_manifest(undef, url($name), $tag,
                                  type_of($format, $what), json($json));
}


sub put_blob
{
    my ($name, $bytes) = @_;

    Schema1::Images::put_blob(undef, url($name), $bytes);

    return [digest($bytes), length $bytes];
}


# what stands between a client and the module, and what each was given

sub start_nginx
{
    $e2e->{$_} = Schema1::Servers::free_port() for qw(plain stripped middle);

    my $accept = join ', ', values_of('Docker 1.10–18.05', 'Accept');

    $servers->nginx('clients', <<END, $e2e->{plain});
    log_format given escape=none
        '\$request_method \$request_uri \$status \$sent_http_content_type '
        '\$sent_http_docker_content_digest \$schema1_status';

    server {
        listen 127.0.0.1:$e2e->{plain};

        access_log logs/access.log given;

        location /v2/ {
            schema_conversion on;
            schema_conversion_key $e2e->{keys}/ec256.pem;
            proxy_pass http://127.0.0.1:$e2e->{kinds};
            proxy_set_header Host \$http_host;
        }
    }

    server {
        listen 127.0.0.1:$e2e->{stripped};

        access_log off;

        location /v2/ {
            proxy_pass http://127.0.0.1:$e2e->{plain};
            proxy_set_header Host \$http_host;
            proxy_set_header Accept "";
        }

        # no v1 registry
        location / {
            return 404;
        }
    }

    server {
        listen 127.0.0.1:$e2e->{middle};

        access_log off;

        location /v2/ {
            proxy_pass http://127.0.0.1:$e2e->{plain};
            proxy_set_header Host \$http_host;
            proxy_set_header Accept "$accept";
        }
    }
END
}


# each cell by a request

sub replay
{
    my ($cell) = @_;

    my $image = $kinds{$cell->{kind}};
    my ($status, $type, $digest, $body) =
        request($e2e->{plain}, $cell->{client}, $image);

    $cell->{status} = $status;
    $cell->{type} = $type;
    $cell->{digest} = $digest;

    my $got = told($cell, $image, $status, $type, $digest, $body);

    is($got, $cell->{says}, "$cell->{title}: $cell->{says}");
}


# in the page's words
sub told
{
    my ($cell, $image, $status, $type, $digest, $body) = @_;

    if ($cell->{says} eq "registry's") {
        my ($was, $before, $had) =
            request($e2e->{kinds}, $cell->{client}, $image);

        return "$status $type $digest" eq "$was $before $had"
               ? $cell->{says} : "$status $type, not $was $before";
    }

    if ($status != 200) {
        my $error = eval {
            JSON::PP->new->utf8->decode($body)->{errors}[0] } || {};

        $cell->{message} = $error->{message};

        return ($error->{code} // '') eq ($codes{$status} // '-')
               ? $status : "$status without the code $codes{$status}";
    }

    my (undef, $headers, $had) = stored($image);

    # the registry signs it again for each answer
    if ($cell->{kind} eq 'schema 1') {
        my ($got, $want) = map { eval { read_jws($_) } || {} } $body, $had;

        return ($got->{payload} // '') eq ($want->{payload} // '-')
               && $digest eq $headers->{'docker-content-digest'}
               ? 'unchanged' : 'another payload';
    }

    return 'unchanged' if $body eq $had && $type eq $headers->{'content-type'}
                      && $digest eq $headers->{'docker-content-digest'};

    my $source = image_of($had);
    my ($name, $tag) = split /:/, $image;

    if ($type eq type_of('docker', 'schema1')) {
        my $jws = eval { check_schema1($body, $name, $tag, undef, 'amd64') }
            or return "no good schema 1: $@";

        $jws->{digest} eq $digest or return 'schema 1 by another digest';

        my @layers = map { $_->{blobSum} } reverse @{$jws->{json}{fsLayers}};

        return same_layers($source->{json}, grep { $_ ne EMPTY_LAYER }
                                            @layers) || 'schema 1';
    }

    digest($body) eq $digest or return "$type by another digest";

    return 'child' if $body eq $source->{body}
                          && $type eq $source->{json}{mediaType};

    return "$type that was not stored" if $type ne type_of('docker',
                                                           'manifest');

    my $json = JSON::PP->new->utf8->decode($body);

    return 'another config'
        if "@{$json->{config}}{qw(digest size)}"
           ne "@{$source->{json}{config}}{qw(digest size)}";

    return same_layers($source->{json},
                       map { $_->{digest} } @{$json->{layers}})
           || 'schema 2';
}


sub same_layers
{
    my ($source, @layers) = @_;

    my $want = join ' ', map { $_->{digest} } @{$source->{layers}};

    return "@layers" eq $want ? '' : "other layers: @layers";
}


# the image for amd64 of what is stored: body, json
sub image_of
{
    my ($body, $depth) = @_;

    my $json = JSON::PP->new->utf8->decode($body);

    return { body => $body, json => $json } unless $json->{manifests};

    my ($child) = grep { !$_->{platform}
                         || $_->{platform}{architecture} eq 'amd64' }
                  @{$json->{manifests}};

    $child or return { body => '', json => {} };

    for my $name (qw(e2e/oci e2e/list)) {
        my ($status, undef, $found) = stored("$name\@$child->{digest}");

        return image_of($found) if $status == 200;
    }

    die "no $child->{digest}\n";
}


# by hand: some clients send several lines of one header
sub request
{
    my ($port, $client, $image) = @_;

    my ($name, $tag) = split /:/, $image;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $port, Timeout => 30)
        or die "connect() failed: $@\n";

    print $socket join "\r\n", "GET /v2/$name/manifests/$tag HTTP/1.1",
        'Host: registry.example.com', 'Connection: close',
        @{$lines{$client} || []}, '', '';

    my $answer = do { local $/; <$socket> };
    my ($head, $body) = split /\r\n\r\n/, $answer, 2;
    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)};
    my %header = map { /^([^:]+): (.*)$/ ? (lc $1 => $2) : () }
                 split /\r\n/, $head;

    return ($status, $header{'content-type'} // '',
            $header{'docker-content-digest'} // '', $body);
}


# each bold cell by the client itself: what was it given?

sub ask
{
    my ($cell) = @_;

    my $image = $kinds{$cell->{kind}};
    my ($name, $tag) = split /:/, $image;

    $servers->access('clients');

    my ($status, $said, $given) = $real{$cell->{client}}->($image);
    my @log = grep { m{ /v2/$name/manifests/$tag } }
              $servers->access('clients');
    my ($code, $type, $digest) =
        ($log[-1] // '') =~ m{^\w+ \S+ (\d+) (\S*) (\S*) \S+$};

    is(join(' ', map { $_ // '-' } $code, $type, $digest),
       "$cell->{status} $cell->{type} $cell->{digest}",
       "$cell->{title}: the client itself was given it") or diag($said);

    is(digest($given), $cell->{digest}, "$cell->{title}: these bytes")
        if defined $given && $cell->{status} == 200
           && $cell->{type} !~ /manifest\.v1/;

    # what it makes of it is its own affair where it cannot be an image to it
    if ($cell->{status} != 200) {
        return if defined $given;

        isnt($status, 0, "$cell->{title}: the client does without");
        like($said, qr/\Q$cell->{message}\E/,
             "$cell->{title}: and says why");

    } elsif ($status != 0 && $cant{$cell->{title}}) {
        like($said, $cant{$cell->{title}},
             "$cell->{title}: which the client does not know");

    } elsif ($cell->{kind} !~ /^(?:zstd|foreign|artifact|another)/) {
        is($status, 0, "$cell->{title}: the client takes it") or diag($said);
    }
}


sub docker
{
    my ($port, $image) = @_;

    my $name = "127.0.0.1:$e2e->{$port}/$image";
    my ($status, $said) = $docker->docker('pull', $name);

    $docker->docker('rmi', '-f', $name);

    return ($status, $said);
}


# dockerd's own containerd
sub ctr
{
    my ($port, $image) = @_;

    my $name = "127.0.0.1:$e2e->{$port}/$image";
    my @ctr = ('ctr', '--address',
               "$docker->{run}/exec/containerd/containerd.sock",
               '--namespace', 'clients');
    my ($status, $said) = Schema1::Servers::run(
        @ctr, 'images', 'pull', '--plain-http', '--snapshotter', 'native',
        '--platform', 'linux/amd64', $name);

    Schema1::Servers::run(@ctr, 'images', 'rm', '--sync', $name);

    return ($status, $said);
}


sub quiet
{
    my (@command) = @_;

    if (!-e "$dir/policy.json") {
        Schema1::Servers::put("$dir/policy.json",
            '{"default":[{"type":"insecureAcceptAnything"}]}');
        Schema1::Servers::put("$dir/registries.conf", "\n");
        Schema1::Servers::put("$dir/auth.json", "{}\n");
    }

    local $ENV{CONTAINERS_REGISTRIES_CONF} = "$dir/registries.conf";
    local $ENV{REGISTRY_AUTH_FILE} = "$dir/auth.json";
    local $ENV{XDG_RUNTIME_DIR} = "$docker->{run}" if $docker;
    local $ENV{TMPDIR} = $dir;

    return Schema1::Servers::run(@command);
}


sub skopeo
{
    my ($port, $image) = @_;

    my ($status, $said) = quiet(
        'skopeo', '--policy', "$dir/policy.json", 'inspect', '--raw',
        '--tls-verify=false', "docker://127.0.0.1:$e2e->{$port}/$image");

    return ($status, $said, $said);
}


sub skopeo_copy
{
    my ($from, $to, @options) = @_;

    my ($status, $said) = quiet(
        'skopeo', '--policy', "$dir/policy.json", 'copy', '-q', @options,
        '--src-tls-verify=false', '--dest-tls-verify=false',
        sprintf($from, $e2e->{registry}),
        "docker://127.0.0.1:$e2e->{kinds}/$to");

    $status == 0 or die "skopeo copy $from: $said\n";
}


sub curl
{
    my ($client, $image) = @_;

    my ($name, $tag) = split /:/, $image;
    my ($status, $said) = Schema1::Servers::run('curl', '-s',
        (map { ('-H', $_) } @{$lines{$client}}),
        "http://127.0.0.1:$e2e->{plain}/v2/$name/manifests/$tag");

    return ($status, $said, $said);
}


# the page's lines against what the clients here send

sub noted
{
    my %asks = (
        'Docker 18.06 and later' => sub { docker(mock => @_) },
        'containerd'         => sub { ctr(mock => @_) },
        'podman, skopeo'         => sub { skopeo(mock => @_) },
    );
    my $registry = Schema1::Registry->new(log => "$dir/asked.log");
    my $document = image_documents(format => 'oci');

    $e2e->{mock} = $registry->port('registry');
    $registry->add('team/app', '1', $document);
    $registry->start;

    for my $client (sort keys %asks) {
        $asks{$client}->('team/app:1');
        is_noted($client, $client, $registry);
    }

    quiet('podman', '--root', "$dir/podman", '--runroot',
          "$docker->{run}/podman", '--tmpdir', "$docker->{run}/podman-tmp",
          '--storage-driver', 'vfs', 'pull', '-q', '--tls-verify=false',
          '--signature-policy', "$dir/policy.json",
          "127.0.0.1:$e2e->{mock}/team/app:1");
    is_noted('podman, skopeo', 'podman', $registry);

    $registry->stop;
}


# Docker sends its lines in an order of chance
sub is_noted
{
    my ($client, $title, $registry) = @_;

    my ($request) = grep { $_->{uri} eq '/v2/team/app/manifests/1' }
                    $registry->asked;

    is_deeply([sort map { $_->[1] } grep { lc $_->[0] eq 'accept' }
               @{$request->{headers}}],
              [sort { $a cmp $b } values_of($client, 'Accept')],
              "$title: the Accept lines noted are those that it sends");

    my ($agent) = map { $_->[1] } grep { lc $_->[0] eq 'user-agent' }
                  @{$request->{headers}};
    my ($noted) = values_of($client, 'User-Agent');

    # what differs by version and machine
    s{\b(?:git-commit|kernel|arch)/\S+}{}g, s{\d\S*}{}g
        for $agent, $noted;

    is($agent, $noted, "$title: and so is the User-Agent")
        unless $title eq 'podman';

    $registry->reset;
}


sub values_of
{
    my ($client, $name) = @_;

    return map { /^\Q$name\E: (.*)$/ ? $1 : () } @{$lines{$client} || []};
}
