#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# The image that "make image" built, started by podman: a converter in front of
# a real registry, for a real client.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Path qw(make_path);
use JSON::PP;
use Test::More;

use Schema1::Documents;
use Schema1::E2E;
use Schema1::JWS;
use Schema1::Podman;
use Schema1::Servers;

my $archive = $ENV{IMAGE} || "$Schema1::Servers::build/nginx-schema1.tar";

plan skip_all => "no $archive: run \"make image\"" unless -e $archive;

my $e2e = Schema1::E2E->new(needs => [qw(podman)], root => 1);
my $servers = $e2e->{servers};
my $dir = $servers->dir;
my $podman = Schema1::Podman->new($dir);

plan skip_all => "podman starts no container: $podman->{why}"
    if $podman->{why};

my ($status, $said) = $podman->run('load', '-q', '-i', $archive);

is($status, 0, 'podman loads the image') or BAIL_OUT($said);

my ($image) = $said =~ /: (\S+)$/m;
my $registry = "http://127.0.0.1:$e2e->{registry}";

test_metadata();
test_wrong_variables();
test_registry();
test_tls_and_storage();
test_entrypoint();

done_testing();

$servers->stop_all;
$podman->remove;


sub test_metadata
{
    my (undef, $json) = $podman->run('image', 'inspect', $image);
    my $config = JSON::PP->new->utf8->decode($json)->[0]{Config};

    is_deeply($config->{Entrypoint}, ['/docker-entrypoint.sh'], 'entrypoint');
    is_deeply($config->{Cmd}, ['nginx', '-g', 'daemon off;'], 'command');
    is($config->{StopSignal}, 'SIGQUIT', 'stop signal');
    is_deeply($config->{ExposedPorts}, { '5080/tcp' => {} }, 'port');
}


sub test_wrong_variables
{
    for ([{}, qr/set REGISTRY_URL/],
         [{ REGISTRY_URL => 'registry:5000' }, qr/expected http:/],
         [{ REGISTRY_URL => 'http://a/v2' }, qr/expected scheme, host/],
         [{ REGISTRY_URL => 'http://a;b' }, qr/expected scheme, host/],
         [{ REGISTRY_URL => $registry, STORAGE_HOSTS => 'a{' },
          qr/invalid host "a\{" in STORAGE_HOSTS/],
         [{ REGISTRY_URL => $registry, SCHEMA1_PLATFORM => 'amd64' },
          qr/\[emerg\] .*"amd64"/])
    {
        my ($variables, $want) = @$_;
        my ($status, $said) = $podman->run('run', variables(%$variables),
                                           $image);

        my $title = join(' ', map { "$_=$variables->{$_}" }
                         sort keys %$variables) || 'no variable';
        isnt($status, 0, "$title: the container exits with an error");
        like($said, $want, "$title: the message");
    }
}


sub variables
{
    my (%variables) = @_;

    return map { ('-e', "$_=$variables{$_}") } sort keys %variables;
}


# starts a container, waits until it listens
sub start
{
    my ($name, $options, %variables) = @_;

    my $port = Schema1::Servers::free_port();

    $servers->spawn($name, $podman->command('run', '--name', $name,
        variables(LISTEN => "127.0.0.1:$port", %variables), @$options,
        $image));
    $servers->wait_for($name, 60, sub { Schema1::Servers::answers($port) });

    return $port;
}


sub stop
{
    my ($name) = @_;

    my ($status, $said) = $podman->run('stop', '-t', '20', $name);

    is($status, 0, "$name: podman stops it") or diag($said);

    # 137 if it had to be killed
    waitpid delete $servers->{children}{$name}, 0;
    unlink "$dir/$name.pid";
    is($? >> 8, 0, "$name: nginx shut down gracefully");
}


sub log_of
{
    my ($name) = @_;

    return Schema1::Servers::slurp("$dir/$name.log");
}


sub test_registry
{
    my $port = start('plain', ['-v', "$e2e->{keys}/ec256.pem:/key.pem:ro"],
                     REGISTRY_URL => $registry, SCHEMA1_KEY => '/key.pem');

    for my $name (qw(e2e/docker e2e/list e2e/oci e2e/ocilist)) {
        my ($status, undef, $body) = Schema1::Servers::get(
            "http://127.0.0.1:$port/v2/$name/manifests/1");
        my $jws = eval { check_schema1($body, $name, '1', undef, 'amd64') };

        is($status, 200, "$name: status");
        ok($jws, "$name: signed schema 1 manifest") or diag($@ || $body);
        is($jws && $jws->{alg}, 'ES256',
           "$name: signed with the key of the volume");
    }

    my ($status) = Schema1::Servers::get(
        "http://127.0.0.1:$port/v2/e2e/oci/manifests/1", method => 'PUT',
        content => 'x');
    is($status, 403, 'a push is rejected');

    ($status, undef, my $json) = Schema1::Servers::get(
        "http://127.0.0.1:$port/schema1-status");
    is(JSON::PP->new->utf8->decode($json)->{outcomes}{CONVERTED}, 4,
       'the status location counts');

    pull_by_old_client($port);
    stop('plain');

    my $line = qr{"GET /v2/e2e/oci/manifests/1 HTTP/1.1" 200 .*};

    like(log_of('plain'), qr{$line schema1=CONVERTED },
         'the access log is on standard output');
}


# podman, with its Accept header removed
sub pull_by_old_client
{
    my ($port) = @_;

    my $stripped = Schema1::Servers::free_port();
    my $name = "127.0.0.1:$stripped/e2e/oci:1";

    $servers->nginx('stripped', <<END, $stripped);
    server {
        listen 127.0.0.1:$stripped;

        location /v2/ {
            proxy_pass http://127.0.0.1:$port;
            proxy_set_header Host \$http_host;
            proxy_set_header Accept "";
        }

        location / {
            return 404;
        }
    }
END

    my ($status, $said) = $podman->run('pull', '-q', '--tls-verify=false',
        '--signature-policy', "$dir/policy.json", $name);

    is($status, 0, 'an old client pulls') or return diag($said);

    ($status, $said) = $podman->run('run', $name);
    is($said, $Schema1::E2E::say, 'an old client runs the image');
}


# a registry with TLS that redirects blobs to storage with TLS
sub test_tls_and_storage
{
    my $front = Schema1::Servers::free_port();
    my $storage = Schema1::Servers::free_port();

    certificate();

    my $tls = "ssl_certificate $dir/tls.crt; ssl_certificate_key $dir/tls.key;";

    $servers->nginx('tls', <<END, $front);
    server {
        listen 127.0.0.1:$front ssl;
        $tls

        location /v2/ {
            proxy_pass $registry;
        }

        location ~ /blobs/ {
            return 307 https://localhost:$storage\$request_uri;
        }
    }

    server {
        listen 127.0.0.1:$storage ssl;
        $tls

        location /v2/ {
            proxy_pass $registry;
        }
    }
END

    my @volume = ('-v', "$dir/tls.crt:/ca.crt:ro");
    my @hosts = ('--add-host', 'localhost:127.0.0.1');

    for ([untrusted => 502, {}, []],
         [refused => 502, { CA_FILE => '/ca.crt' }, \@volume],
         [trusted => 200, { CA_FILE => '/ca.crt',
                            STORAGE_HOSTS => "a.example *host:$storage",
                            RESOLVER => resolver() }, \@volume])
    {
        my ($name, $want, $variables, $options) = @$_;
        my $port = start($name, [@hosts, @$options], %$variables,
                         REGISTRY_URL => "https://localhost:$front/");

        my ($status, undef, $body) = Schema1::Servers::get(
            "http://127.0.0.1:$port/v2/e2e/oci/manifests/1");

        is($status, $want, "storage with TLS, $name: status")
            or diag($body, log_of($name));
        stop($name);
    }
}


# nginx asks a DNS server, not /etc/hosts
sub resolver
{
    my $port = Schema1::Servers::free_port();

    $servers->spawn('dns', $^X, "$FindBin::Bin/dns.pl", $port);

    return "127.0.0.1:$port ipv6=off";
}


sub certificate
{
    Schema1::Servers::must('openssl', 'req', '-x509', '-newkey', 'ec',
        '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
        '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
        '-keyout', "$dir/tls.key", '-out', "$dir/tls.crt");
}


# as the official nginx image: hooks, and templates of the user
sub test_entrypoint
{
    my $hooks = "$dir/hooks";
    my $templates = "$dir/templates";

    make_path($hooks, "$templates/sub");
    Schema1::Servers::put("$hooks/1.envsh", "export GREETING=hello\n");
    Schema1::Servers::put("$hooks/2.sh", "#!/bin/sh\necho ran 2.sh\n");
    Schema1::Servers::put("$hooks/3.sh", "#!/bin/sh\necho ran 3.sh\n");
    chmod 0755, "$hooks/1.envsh", "$hooks/2.sh";

    Schema1::Servers::put("$templates/site.conf.template", <<'END');
server {
    listen ${LISTEN};
    return 200 "${GREETING} $request_method $GREETING\n";
}
END
    Schema1::Servers::put("$templates/sub/x.template", "\${GREETING}\n");

    my @volumes = map { ('-v', $_) }
        ("$templates:/etc/nginx/templates:ro",
         map { "$hooks/$_:/docker-entrypoint.d/$_:ro" }
         qw(1.envsh 2.sh 3.sh));

    my $port = start('hooks', \@volumes);

    my (undef, undef, $body) = Schema1::Servers::get(
        "http://127.0.0.1:$port/");

    is($body, "hello GET hello\n",
       'a template has the variables of the environment and of nginx');
    like(log_of('hooks'), qr/^ran 2\.sh$/m, 'an executable hook runs');
    unlike(log_of('hooks'), qr/^ran 3\.sh$/m, 'another file does not run');

    my (undef, $text) = $podman->run('exec', 'hooks', 'cat',
                                     '/etc/nginx/conf.d/sub/x');
    is($text, "hello\n", 'a template in a folder');
    stop('hooks');

    my ($status, $said) = $podman->run('run', $image, 'echo', 'other');
    is($said, "other\n", 'another command starts without hooks');

    ($status, $said) = $podman->run('run', '-e', "REGISTRY_URL=$registry",
        '-e', 'NGINX_ENTRYPOINT_QUIET_LOGS=1', $image, 'nginx', '-t');
    is($status, 0, 'nginx -t accepts the configuration');
    unlike($said, qr/entrypoint/, 'NGINX_ENTRYPOINT_QUIET_LOGS is respected');
}
