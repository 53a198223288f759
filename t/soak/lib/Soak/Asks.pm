package Soak::Asks;

# Copyright (C) the ngx_http_schema1_module authors

# The requests of the soak test's clients, and how responses are checked.

use strict;
use warnings;

use JSON::PP;
use MIME::Base64 qw(decode_base64);

use Schema1::Documents;
use Schema1::JWS;

my $v1 = type_of('docker', 'schema1');
my $v2 = type_of('docker', 'manifest');
my $oci = type_of('oci', 'manifest');
my @modern = map { (type_of($_, 'manifest'), type_of($_, 'list')) }
             qw(docker oci);

our %accept = (
    'docker 1.9'   => [],
    'singularity'  => ['application/json'],
    'udocker'      => ['*/*'],
    'docker 1.13'  => [$v2, type_of('docker', 'list'), $v1],
    'schema 2'     => [$v2],
    'containerd'   => [@modern, '*/*'],
    'podman'       => [$oci, type_of('oci', 'list'), $v1, @modern],
);

my @old = ('docker 1.9', 'singularity', 'udocker');
my @any = sort keys %accept;


# Each ask is a hash: name, weight, path, method, client, headers, and "judge",
# which gets an answer and returns what is wrong with it or nothing.
# $payload->{NAME} is the payload of the converted NAME:1.
sub all_asks
{
    my ($stored, $faults, $payload) = @_;

    return (images($stored, $payload), passing($stored), empty_layers(),
            map { fault(@$_) } @$faults);
}


sub images
{
    my ($stored, $payload) = @_;

    my @asks;

    my $add = sub {
        my ($weight, $name, $clients, $judge, %more) = @_;

        push @asks, { name => "$name for $_", weight => $weight,
                      path => "/v2/$name/manifests/1", client => $_,
                      judge => $judge, method => 'GET', %more }
            for @$clients;
    };

    for my $name (qw(soak/docker soak/oci soak/list soak/keep)) {
        $add->(8, $name, \@old, signed($payload->{$name}));
        $add->(3, $name, ['docker 1.9'], head_of(length $payload->{$name}),
               method => 'HEAD');
        $add->(3, $name, ['podman', 'containerd'],
               bytes($stored->{$name}));
        $add->(2, $name, ['docker 1.9'], status(304), headers => [
            'If-None-Match' => '"' . digest($payload->{$name}) . '"']);
    }

    $add->(6, 'soak/docker', ['docker 1.13', 'schema 2'],
           bytes($stored->{'soak/docker'}));
    $add->(6, 'soak/oci', ['docker 1.13', 'schema 2'], made($stored->{'soak/oci'}));
    $add->(6, 'soak/list', ['schema 2'],
           made($stored->{'soak/list'}{child}));
    $add->(3, 'soak/big', ['docker 1.9'], signed($payload->{'soak/big'}),
           slow => 1);
    $add->(2, 'soak/private', ['docker 1.9'], status(401));
    $add->(2, 'soak/private', ['docker 1.9'], signed($payload->{'soak/private'}),
           headers => [Authorization => 'Bearer right']);

    $add->(1, $_, ['docker 1.9'], signed($payload->{$_}))
        for grep { /^many/ } sort keys %$payload;

    return @asks;
}


sub passing
{
    my ($stored) = @_;

    my $digest = $stored->{'soak/docker'}{digest};

    return (
        (map { { name => "soak/old for $_", weight => 2, client => $_,
                 path => '/v2/soak/old/manifests/1', method => 'GET',
                 judge => bytes($stored->{'soak/old'}) } } @any),
        { name => 'text', weight => 2, client => 'docker 1.9',
          path => '/v2/soak/plain/manifests/1', method => 'GET',
          judge => bytes($stored->{'soak/plain'}) },
        { name => 'by digest', weight => 3, client => 'docker 1.9',
          path => "/v2/soak/docker/manifests/$digest", method => 'GET',
          judge => bytes($stored->{'soak/docker'}) },
        { name => 'layer', weight => 3, client => 'docker 1.9',
          path => "/v2/soak/docker/blobs/"
                  . $stored->{'soak/docker'}{layers}[0]{digest},
          method => 'GET',
          judge => sub {
              return $_[0]{body} eq $stored->{'soak/docker'}{layers}[0]{body}
                     ? () : 'other bytes';
          } },
        { name => 'version', weight => 2, client => 'docker 1.9',
          path => '/v2/', method => 'GET', judge => status(200) },
        { name => 'push', weight => 2, client => 'docker 1.9',
          path => '/v2/soak/push/manifests/1', method => 'PUT',
          content => 'x' x 70_000, judge => status(202) },
        { name => 'no such tag', weight => 2, client => 'docker 1.9',
          path => '/v2/soak/docker/manifests/2', method => 'GET',
          judge => status(404) },
    );
}


sub empty_layers
{
    my $path = '/v2/soak/docker/blobs/' . EMPTY_LAYER;

    return (
        { name => 'empty layer', weight => 5, path => $path,
          client => 'docker 1.9', method => 'GET',
          judge => sub {
              return "status $_[0]{status}" if $_[0]{status} != 200;
              return $_[0]{body} eq Schema1::Documents::empty_layer()
                     ? () : 'not the empty layer';
          } },
        { name => 'HEAD of empty layer', weight => 2, path => $path,
          client => 'docker 1.9', method => 'HEAD', judge => head_of(32) },
        { name => 'range of empty layer', weight => 2, path => $path,
          client => 'docker 1.9', method => 'GET',
          headers => [Range => 'bytes=4-7'],
          judge => sub {
              return "status $_[0]{status}" if $_[0]{status} != 200;
              return $_[0]{body} eq Schema1::Documents::empty_layer()
                     ? () : 'other bytes';
          } },
    );
}


sub fault
{
    my ($name, $stage, $status) = @_;

    # what waits for the patience of nginx would be most of the time
    my $weight = $name =~ /stalled|late/ ? 0.3 : 1;

    my %ask = (name => $name, weight => $weight, client => 'docker 1.9',
               path => "/v2/$name/manifests/1", fault => 1);
    my @asks = { %ask, method => 'GET', judge => sub {
        my ($answer) = @_;

        return "status $answer->{status}, not $status"
            if $answer->{status} != $status;

        # the module's, or forwarded
        if ($stage ne 'tag' && $status >= 400
            && $status !~ /^(401|403|429)$/)
        {
            my $error = eval { decode_json($answer->{body})->{errors}[0] }
                or return 'no errors in the body';

            return 'no reason' if !$error->{detail}{reason};
        }

        return;
    } };

    push @asks, { %ask, name => "HEAD $name", method => 'HEAD',
                  weight => $weight / 3, judge => status($status) }
        if $stage ne 'tag';

    return @asks;
}


sub status
{
    my ($status) = @_;

    return sub {
        return $_[0]{status} == $status
               ? () : "status $_[0]{status}, not $status";
    };
}


# signatures differ in length: those of ES256 here
sub head_of
{
    my ($least) = @_;

    return sub {
        my ($answer) = @_;

        return "status $answer->{status}" if $answer->{status} != 200;
        return 'a body' if length $answer->{body};
        return ($answer->{header}{'content-length'} // -1) >= $least
               ? () : 'Content-Length is too small';
    };
}


sub bytes
{
    my ($document) = @_;

    return sub {
        my ($answer) = @_;

        return "status $answer->{status}" if $answer->{status} != 200;
        return "type $answer->{header}{'content-type'}"
            if $answer->{header}{'content-type'} ne $document->{type};
        return $answer->{body} eq $document->{body} ? () : 'other bytes';
    };
}


# the payload of each, the signature of some: by openssl
sub signed
{
    my ($payload) = @_;

    my $digest = digest($payload);

    return sub {
        my ($answer) = @_;

        my $header = $answer->{header};

        return "status $answer->{status}" if $answer->{status} != 200;
        return "type $header->{'content-type'}"
            if $header->{'content-type'} ne $v1;
        return 'another digest'
            if $header->{'docker-content-digest'} ne $digest
               || $header->{etag} ne "\"$digest\"";
        return 'no Vary' if ($header->{vary} // '') !~ /Accept/;
        return 'another payload' if payload_of($answer->{body}) ne $payload;

        if (rand() < 0.01) {
            eval { read_jws($answer->{body}) } or return $@;
        }

        return;
    };
}


sub payload_of
{
    my ($body) = @_;

    my ($protected) = $body =~ /"protected": "([\w-]+)"\s*\}\s*\]\s*\}\s*\z/
        or return '';
    my $json = eval { decode_json(decode_base64($protected =~ tr{-_}{+/}r)) }
        or return '';

    return substr($body, 0, $json->{formatLength})
           . decode_base64($json->{formatTail} =~ tr{-_}{+/}r);
}


# schema 2 made of an OCI manifest; its very bytes have tests of their own
sub made
{
    my ($image) = @_;

    my $from = decode_json($image->{body});
    my @wanted = map { $_->{digest} } $from->{config}, @{$from->{layers}};

    return sub {
        my ($answer) = @_;

        return "status $answer->{status}" if $answer->{status} != 200;
        return "type $answer->{header}{'content-type'}"
            if $answer->{header}{'content-type'} ne $v2;
        return 'another digest' if digest($answer->{body})
            ne ($answer->{header}{'docker-content-digest'} // '');

        my $json = eval { decode_json($answer->{body}) } or return 'no JSON';
        my @named = map { $_->{digest} } $json->{config}, @{$json->{layers}};

        return "@named" eq "@wanted" ? () : 'other layers';
    };
}


1;
