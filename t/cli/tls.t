#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# schema1 audit and a registry with https: certificates, and what must not be
# sent without it.  nginx ends TLS in front of a mock registry.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;

use Schema1::Documents;
use Schema1::Registry;
use Schema1::Servers;

my $program = $ENV{SCHEMA1} || "$Schema1::Servers::build/schema1";
my @missing = grep { system("command -v $_ > /dev/null 2>&1") }
              qw(nginx openssl);

plan skip_all => "not installed: @missing" if @missing;
-x $program or BAIL_OUT("$program is not there: it has to be built first");

my $servers = Schema1::Servers->new("$Schema1::Servers::build/e2e/tls");
my $certificate = $servers->dir('certificate.pem');
my $image = image_documents(format => 'oci');
my $secret = 'Basic ' . encode_base64('alice:secret', '');
my $port = Schema1::Servers::free_port();
my ($registry, %port);

delete @ENV{qw(NETRC SCHEMA1_PASSWORD)};
$ENV{HOME} = $servers->dir;

certificate();

trusted_certificate();
redirect_to_http();
token_server_without_https();
password_in_netrc();

done_testing();


sub certificate
{
    Schema1::Servers::must(
        'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=r',
        '-addext', 'subjectAltName=IP:127.0.0.1', '-out', $certificate,
        '-keyout', $servers->dir('key.pem'));
}


# nginx in front of the registry that the sub prepares
sub mock
{
    my ($prepare) = @_;

    if ($registry) {
        $servers->stop('nginx');
        $registry->stop;
    }

    $registry = Schema1::Registry->new(log => $servers->dir('log'));
    %port = map { $_ => $registry->port($_) } qw(registry storage);
    $registry->add('app', 'v1', $image);
    $prepare->();
    $registry->start;

    $servers->nginx('nginx', <<"END", $port);
    server {
        listen 127.0.0.1:$port ssl http2;

        ssl_certificate     $certificate;
        ssl_certificate_key @{[$servers->dir('key.pem')]};

        location / {
            proxy_pass http://127.0.0.1:$port{registry};
            proxy_set_header Host \$http_host;
            proxy_redirect off;
        }
    }
END
}


END {
    local $?;
    $registry->stop if $registry;
}


sub audit
{
    my (@arguments) = @_;

    my $out = $servers->dir('out');
    my $line = join ' ', map { "'$_'" } $program, 'audit', '--json',
                                        @arguments, "127.0.0.1:$port",
                                        'app:v1';

    $registry->reset;

    my $rc = system("$line > '$out' 2> '$out.err' < /dev/null");

    return ($rc >> 8,
            eval { JSON::PP->new->utf8->decode(Schema1::Servers::slurp($out)) }
            || {});
}


sub result
{
    my ($report) = @_;

    return $report->{images}[0]{clients}{'docker-1.9'};
}


sub sent_password
{
    return grep { lc $_->[0] eq 'authorization' && $_->[1] eq $secret }
           map { @{$_->{headers}} } $registry->asked;
}


sub trusted_certificate
{
    mock(sub { });

    my ($status, $report) = audit('--ca', $certificate);

    is($status, 0, 'a certificate that is trusted: exit status 0');
    is($report->{registry}, "https://127.0.0.1:$port",
       'without a scheme it is https');

    ($status, $report) = audit();

    is($status, 2, 'a certificate that is not trusted: exit status 2');
    like(result($report)->{message}, qr/certificate/,
         'a certificate that is not trusted: the message');
    is(scalar($registry->asked), 0,
       'a certificate that is not trusted: no request is sent');

    ($status) = audit('--ca', $servers->dir('none'));
    is($status, 2,
       'a file of certificates that does not exist: exit status 2');
}


sub redirect_to_http
{
    mock(sub {
        $registry->answer("GET /v2/app/blobs/$image->{config_digest}",
                          status => 307, body => '', headers => [
            Location => "http://127.0.0.1:$port{storage}/data" ]);
        $registry->answer('storage:GET /data', status => 200,
                          body => $image->{config});
    });

    my ($status, $report) = audit('--ca', $certificate);

    is($status, 1, 'a redirect from https to http: exit status 1');
    is(result($report)->{reason}, 'redirected',
       'a redirect from https to http: the image is refused');
    is(scalar(grep { $_->{host} eq 'storage' } $registry->asked), 0,
       'a redirect from https to http is not followed');
}


sub token_server_without_https
{
    my $server = sub {
        my ($realm) = @_;

        mock(sub {
            $registry->answer(qr{^GET /v2/}, status => 401, headers => [
                'WWW-Authenticate' => "Bearer realm=\"$realm\"" ]);
            $registry->answer('/token', status => 200,
                              type => 'application/json',
                              body => '{"token":"x"}');
        });

        local $ENV{SCHEMA1_PASSWORD} = 'secret';

        my ($status) = audit('--ca', $certificate, '--user', 'alice');

        return $status;
    };

    is($server->("https://127.0.0.1:$port/token"), 2,
       'a token that is not accepted: exit status 2');
    cmp_ok(scalar(sent_password()), '>', 0,
           'a token server with https receives the password');

    is($server->("http://127.0.0.1:$port{registry}/token"), 2,
       'a token server without https: exit status 2');
    is(scalar(sent_password()), 0,
       'a token server without https does not receive the password');
    is(scalar(grep { $_->{uri} =~ /token/ } $registry->asked), 0,
       'a token server without https receives no request');
}


sub password_in_netrc
{
    mock(sub { $registry->protect('app', $secret) });

    my ($status) = audit('--ca', $certificate);

    is($status, 2, 'no password for https: exit status 2');

    Schema1::Servers::put($servers->dir('.netrc'),
        "machine other.example.com login bob password x\n",
        "machine 127.0.0.1 login alice password secret\n");

    ($status) = audit('--ca', $certificate);

    is($status, 0, 'the password of ~/.netrc is sent with https');

    ($status) = audit('--ca', $certificate, '--netrc', '/dev/null');

    is($status, 2, '--netrc replaces ~/.netrc');
}
