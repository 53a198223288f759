package Schema1::Made;

# Copyright (C) the ngx_http_schema1_module authors

# What the module has to make, written down without the module, and a section
# for answers that it makes:
#
#     --- head_as_get: ACCEPT
#
# After the block's own request a GET and a HEAD of the same URI are answered
# by the same status and headers, and the length is that of the body (one
# test).  ACCEPT may be empty.

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;
use Test::Nginx::Socket;

use Schema1::Documents;

my @functions = qw(made_schema2 golden);

my $config = type_of('docker', 'config');

my %docker = (
    'application/vnd.oci.image.config.v1+json' => $config,
    'application/vnd.oci.image.layer.v1.tar+gzip'
        => 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    'application/vnd.oci.image.layer.v1.tar'
        => 'application/vnd.docker.image.rootfs.diff.tar',
);


sub import
{
    my $caller = caller;

    no strict 'refs';

    *{"${caller}::$_"} = \&{$_} for @functions;

    add_response_body_check(\&check);
}


sub check
{
    my ($block, $body, $index) = @_;

    my $accept = $block->head_as_get;

    return unless defined $accept;

    my ($uri) = $block->request =~ /^\s*[A-Z]+ (\S+)/;

    $accept =~ s/\s+\z//;

    my ($get, $head) = map { answer_to($_, $uri, $accept) } qw(GET HEAD);

    Test::More::is_deeply($head, $get, $block->name . ' - HEAD as GET');
}


sub answer_to
{
    my ($method, $uri, $accept) = @_;

    my $answer = HTTP::Tiny->new(timeout => 5)->request(
        $method, "http://127.0.0.1:$ENV{TEST_NGINX_CLIENT_PORT}$uri",
        { headers => { length $accept ? (Accept => $accept) : () } });
    my $headers = $answer->{headers};

    delete $headers->{date};

    return { status => $answer->{status}, headers => $headers,
             length => $method eq 'HEAD' ? $headers->{'content-length'}
                                         : length $answer->{content} };
}


# a document of t/golden: type, body, digest, config, config_digest, name, tag,
# payload (as clients receive it)
sub golden
{
    my ($case) = @_;

    my ($manifest, $config, $payload, $meta) = map {
        my $file = "t/golden/$case/$_";
        -e $file ? Schema1::Keys::slurp($file) : undef;
    } qw(manifest.json config.json payload.json meta.json);

    $payload = Schema1::Keys::slurp("t/golden/$case/mended.json")
        if -e "t/golden/$case/mended.json";

    $meta = JSON::PP->new->utf8->decode($meta);

    return {
        %$meta, body => $manifest, config => $config, payload => $payload,
        type => JSON::PP->new->utf8->decode($manifest)->{mediaType}
                || type_of('oci', 'manifest'),
        digest => digest($manifest), config_digest => digest($config),
    };
}


# a hash: type, body, digest; as distribution itself formats schema 2
sub made_schema2
{
    my ($image) = @_;

    my $manifest = JSON::PP->new->utf8->decode($image->{body});
    my $config = descriptor($manifest->{config}, '   ');
    my $layers = join ",\n", map { '      ' . descriptor($_, '      ') }
                             @{$manifest->{layers}};

    my $type = type_of('docker', 'manifest');
    my $body = <<END =~ s/\n\z//r;
{
   "schemaVersion": 2,
   "mediaType": "$type",
   "config": $config,
   "layers": [
$layers
   ]
}
END

    return { type => $type, body => $body, digest => digest($body) };
}


sub descriptor
{
    my ($of, $indent) = @_;

    my $type = $of->{mediaType} // 'application/json';

    # only a config may have a type that says nothing
    $type = $docker{$type} || ($type =~ /vnd/ ? $type : $config);

    return qq({
$indent   "mediaType": "$type",
$indent   "size": $of->{size},
$indent   "digest": "$of->{digest}"
$indent});
}


1;
