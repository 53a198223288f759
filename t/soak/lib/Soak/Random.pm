package Soak::Random;

# Copyright (C) the ngx_http_schema1_module authors

# What t/soak/stress.t draws: images of which each stage behaves in one of many
# ways, locations with any set of options, and requests; and what a response to
# such a request can be.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);

use Schema1::Documents;
use Schema1::JWS;
use Schema1::Made;
use Schema1::Registry;

our $max_size = 200_000;

# of the image that is being drawn, for messages
my @drawn;

my ($v1, $v2, $list) = map { type_of('docker', $_) } qw(schema1 manifest list);
my ($oci, $index) = map { type_of('oci', $_) } qw(manifest list);

# whose types are those that a response can have, besides schema 1
my %clients = (
    old    => [undef, '*/*', 'application/json', $v1],
    middle => ["$v2, $list, $v1", "$v2, application/json"],
    schema2 => [$v2, "$v2, $list"],
    modern => ["$v2, $list, $oci, $index", "$oci, $index, $list, $v2, */*"],
);

# what a stage of a pull can do; 1: the response is right all the same
my @ways = (
    ([{}, 1]) x 30,
    [{ chunked => 1 }, 1],
    [{ http => '1.0', until_close => 1 }, 1],
    [{ keepalive => 1 }, 1],
    [{ drip => [97, 0.001] }, 1],
    [{ delay => 0.3 }, 1],
    [{ stall => 0.3 }, 1],
    [{ add => [map { ("X-$_" => 'x' x 50) } 1 .. 20] }, 1],
    [{ truncate => 60 }],
    [{ truncate => 60, reset => 'body' }],
    [{ truncate => 60, chunked => 1 }],
    [{ truncate => 60, until_close => 1 }],
    [{ reset => 'header' }],
    [{ delay => 6 }],
    [{ stall => 6 }],
    [{ gzip => 1 }],
    [{ body => '{}' }],
    [{ body => 'x' x ($max_size + 100_000) }],
    [{ body => 'x' x ($max_size + 100_000), chunked => 1 }],
    [{ type => 'application/json' }],
    [{ type => 'text/html' }],
    [{ add => ['X-Large' => 'x' x 20_000] }],
    [{ status => 302, headers => [Location => 'http://u:p@127.0.0.1/'] }],
    [{ status => 307, headers => [] }],
    map { [{ status => $_ }] } 204, 206, 304, 401, 403, 404, 429, 500, 503,
);


# Registry and images, a list of hashes: name, sound (each response is right),
# bodies (type => body) and layers of what a response can contain, stored (its
# type), listed (the type of the images in a list).
sub new_images
{
    my ($log, $n) = @_;

    my $registry = Schema1::Registry->new(log => $log);
    my $storage = 'http://127.0.0.1:' . $registry->port('storage');

    return $registry, map { new_image($registry, $storage, "image/n$_") }
                      1 .. $n;
}


sub new_image
{
    my ($registry, $storage, $name) = @_;

    @drawn = ();

    my $format = one(qw(docker oci));
    my $large = one((0) x 9, 1);
    my $image = image_documents(format => $format, layers => one(1 .. 9),
        config => { name => $name,
                    x => $large ? join ' ', 1 .. 25_000 : 'small' });
    my %bodies = ($image->{type} => $image->{body});
    my $sound = 1;
    my ($stored, $listed) = ($image->{type});
    my $made = made_schema2($image);

    $bodies{"made $v2"} = $made->{body};

    if (rand() < 0.4) {
        my $document = list_document(format => one(qw(docker oci)),
            entries => [image_documents(format => $format,
                                        platform => 'linux/arm64'), $image]);

        $registry->add($name, undef, $image, strict => 1);
        $registry->add($name, '1', $document, strict => 1);
        $bodies{$document->{type}} = $document->{body};
        ($stored, $listed) = ($document->{type}, $image->{type});
        $sound &= behave($registry, "$name/manifests/1");
        $sound &= behave($registry, "$name/manifests/sha256:");

    } else {
        $registry->add($name, '1', $image, strict => 1);
        $sound &= behave($registry, "$name/manifests/1");
    }

    if (rand() < 0.4) {
        my $path = '/' . sha256_hex($name);

        $registry->answer(qr{^GET /v2/$name/blobs/$image->{config_digest}},
                          status => one(301, 302, 303, 307, 308),
                          headers => [Location => "$storage$path?key=secret"]);

        my ($how, $right) = draw('storage');
        $sound &= $right;
        $registry->answer("storage:GET $path", status => 200, headers => [],
                          type => 'application/octet-stream',
                          body => $image->{config}, %$how);

    } else {
        $sound &= behave($registry, "$name/blobs/");
    }

    return { name => $name, sound => $sound, drawn => "@drawn",
             bodies => \%bodies, stored => $stored, listed => $listed,
             layers => [map { $_->{digest} } @{$image->{layers}}] };
}


sub behave
{
    my ($registry, $path) = @_;

    my ($how, $right) = draw($path =~ m{(manifests/1|sha256|blobs)});

    $registry->answer(qr{^(GET|HEAD) /v2/$path}, %$how) if %$how;

    return $right;
}


# what a stage does, and whether the response is right all the same
sub draw
{
    my ($stage) = @_;

    my ($how, $right) = @{one(@ways)};

    push @drawn, "$stage: " . join ' ', map {
        my $value = ref $how->{$_} ? "@{$how->{$_}}" : $how->{$_};
        "$_=" . substr $value, 0, 30;
    } sort keys %$how if %$how;

    return $how, $right // 0;
}


sub one
{
    return $_[rand @_];
}


# some of the lines, each with the chance of one half
sub some
{
    return join '', map { rand() < 0.5 ? "            $_\n" : '' } @_;
}


# A server's locations for the registry on a port, and what belongs to http.
sub new_location
{
    my ($port, $keys) = @_;

    my $size = one('64k', '128k', '1m');
    my $key = one(qw(ec256 ec384 rsa2048));
    my $lines = some(
        'schema_conversion_cache one' . one('', ' revalidate=head') . ';',
        'schema_conversion_thread_pool soak;',
        one('proxy_buffering off;', 'proxy_buffers 4 4k;',
            'proxy_max_temp_file_size 0;'),
        "proxy_http_version 1.1; proxy_set_header Connection '';",
        'error_page 502 504 = @again;',
        'auth_request /auth;',
        'mirror /mirror;',
        one('gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;',
            'gunzip on;'),
        'ssi on; ssi_types text/plain;',
        one('limit_rate 200k;', 'sendfile on; tcp_nopush on;'),
        'proxy_ignore_client_abort on;',
        one('proxy_intercept_errors on;', 'proxy_next_upstream off;'),
        'add_header X-Added always;',
        'postpone_output ' . one(0, 1, 1460, 9000) . ';',
    );

    # with both, nginx itself leaves a response open for ever that breaks off
    # after its header was sent
    $lines =~ s/^ *limit_rate .*\n//m if $lines =~ /proxy_buffering off/;

    my $slice = rand() < 0.25 ? one('1k', '16k', '1m') : '';

    $lines .= "            slice $slice;\n"
              . "            proxy_set_header Range \$slice_range;\n" if $slice;
    $lines .= cache_lines($slice) if rand() < 0.3;

    my $upstream = "proxy_pass http://127.0.0.1:$port;";
    my $last = rand() < 0.2 ? 'try_files /nothing @again;' : $upstream;

    return "
        schema_conversion_key $keys/$key.pem;
        schema_conversion_redirect /away;
        schema_conversion_max_size $max_size;

        location /v2/ {
            schema_conversion on;
$lines            $last
        }

        location \@again {
            schema_conversion on;
            $upstream
        }

        location = /auth {
            internal;
            return 204;
        }

        location = /mirror {
            internal;
            return 204;
        }

        location = /away {
            internal;
            proxy_pass \$schema1_redirect_url;
            proxy_set_header X-User \$remote_user;
        }
", "schema_conversion_cache_zone one:$size;";
}


# proxy_cache with any of its options
sub cache_lines
{
    my ($slice) = @_;

    my $key = '$scheme$proxy_host$request_uri' . ($slice && '$slice_range')
              . one('', '$http_accept');
    my $head = one('on', 'off');

    # nginx's documentation asks for the method in the key
    $key .= '$request_method' if $head eq 'off';

    return "            proxy_cache two; proxy_cache_key $key;\n"
           . "            proxy_cache_convert_head $head;\n"
           . '            proxy_cache_valid 200 206 ' . one('1s', '2s', '1m')
           . ";\n" . some(
        'proxy_cache_lock on;', 'proxy_cache_lock_timeout 1s;',
        'proxy_cache_lock_age 1s;',
        'proxy_cache_revalidate on;',
        'proxy_cache_use_stale error timeout updating http_500 http_503;'
        . one('', ' proxy_cache_background_update on;'),
        'proxy_cache_min_uses 2;',
        'proxy_cache_valid any 1s;',
        'proxy_cache_methods GET HEAD POST;',
        'proxy_cache_max_range_offset 5;',
        'proxy_cache_bypass $http_if_none_match;',
        'proxy_no_cache $http_range;',
    );
}


# a request for an image: method, path, headers, and the client's kind
sub new_request
{
    my ($image, $digest) = @_;

    my $kind = one(sort keys %clients);
    my $accept = one(@{$clients{$kind}});
    my $by_digest = $digest && rand() < 0.2;
    my %headers = (
        Authorization => 'Basic dXNlcm5hbWU6c2VjcmV0LXBhc3N3b3Jk',
        Cookie        => 'session=secret-cookie',
        defined $accept ? (Accept => $accept) : (),
        rand() < 0.2 ? ('If-None-Match' => one('*', '"x"', $digest // '"y"'))
                     : (),
        rand() < 0.1 ? (Range => 'bytes=0-9') : (),
        rand() < 0.2 ? ('Accept-Encoding' => 'gzip') : (),
    );

    return { image => $image, kind => $kind, headers => \%headers,
             accept => $accept // '', digest => $by_digest ? $digest : undef,
             method => one(qw(GET GET GET HEAD)),
             path => "/v2/$image->{name}/manifests/"
                     . ($by_digest ? $digest : '1') };
}


# What is wrong with a response, or an empty string.  Response: status (0: none),
# header (lower case => value), body, whole (it has come to its end).
sub wrong
{
    my ($request, $response) = @_;

    my ($status, $header, $body) = @$response{qw(status header body)};
    my $image = $request->{image};
    my $type = ($header->{'content-type'} // '') =~ s/;.*//r;
    my $headers = $request->{headers};

    # nginx itself breaks off what passes, as the client accepts it, and its slice
    # filter a 206 without a Content-Range
    if (!$status) {
        return !$image->{sound}
               && ($request->{kind} ne 'old' || $image->{drawn} =~ /status=206/)
               ? '' : 'no response';
    }

    if ($status == 304) {
        return $headers->{'If-None-Match'} || !$image->{sound}
               ? '' : 'status 304 of no condition';
    }

    if ($status != 200) {
        return '' if $status == 404 && $request->{digest};

        # what passes may be a part: of the registry's, by slice or proxy_cache
        return '' if $headers->{Range} && ($status == 206 || $status == 416)
                     && ($request->{kind} eq 'modern'
                         || index($request->{accept}, $image->{stored}) >= 0);
        return "status $status of a sound image: $body" if $image->{sound};
        return $status >= 300 || $status == 204 || $status == 206
               ? '' : "status $status";
    }

    return '' if $header->{'content-encoding'};
    return '' if $type !~ /^application\/vnd\.(docker|oci)\./ && !$image->{sound};

    if ($request->{kind} eq 'old' && $type ne $v1 && $image->{sound}) {
        return "an old client receives $type";
    }

    # "The client does not name the type of any of the images in the list"
    return "a list of $image->{listed} for $request->{accept}"
        if $image->{sound} && $request->{kind} =~ /middle|schema2/
           && $image->{listed} && $image->{bodies}{$type}
           && $type =~ /list|index/
           && index($request->{accept}, $image->{listed}) < 0;

    return '' if $request->{method} eq 'HEAD';

    if (!$response->{whole} || length $body
                               != ($header->{'content-length'} // length $body))
    {
        return $image->{sound} ? 'truncated' : '';
    }

    return wrong_schema1($request, $header, $body) if $type eq $v1;

    my @bodies = grep { defined } @{$image->{bodies}}{$type, "made $type"};

    return "a body of $type that is not there: $body"
        if $image->{sound} && !grep { $_ eq $body } @bodies;

    return 'another digest'
        if grep({ $_ eq $body } @bodies)
           && $header->{'docker-content-digest'}
           && $header->{'docker-content-digest'} ne digest($body);

    return '';
}


sub wrong_schema1
{
    my ($request, $header, $body) = @_;

    my $image = $request->{image};
    my $jws = eval { check_schema1($body, $image->{name}, '1') };

    return "schema 1: $@" if !$jws;

    my $digest = digest($jws->{payload});

    return 'schema 1 of another digest'
        if $header->{'docker-content-digest'} ne $digest
           || $header->{etag} ne "\"$digest\"";
    return 'schema 1 of another digest than requested'
        if $request->{digest} && $request->{digest} ne $digest;

    my @layers = map { $_->{blobSum} } reverse @{$jws->{json}{fsLayers}};

    return 'schema 1 of other layers'
        if "@layers" ne "@{$image->{layers}}";
    return 'schema 1 for a modern client'
        if $request->{kind} eq 'modern' && !$request->{digest};

    return '';
}


1;
