#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# The key that nginx makes where none is given.  Without Test::Nginx, which
# starts nginx again for each block.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Path qw(make_path remove_tree);
use HTTP::Tiny;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

use Schema1::Documents;
use Schema1::JWS;
use Schema1::Keys;
use Schema1::Registry;

my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
my $build = abs_path($ENV{BUILD} || 'build');
my $module = $ENV{TEST_NGINX_LOAD_MODULES} //
             "$build/ngx_http_schema1_module.so";
my $load = join '', map { "load_module $_;\n" } split ' ', $module;
my $dir = "$build/t/ephemeral.$$";
my $owner = $$;
my $port = free_port();
my $http = HTTP::Tiny->new(timeout => 10);

make_path("$dir/logs", "$dir/conf");
chmod 0755, $dir;

my $keys = Schema1::Keys::make("$build/keys");
my $registry = Schema1::Registry->new(log => "$dir/asked");
my $app = image_documents(layers => 2);

my $mock = $registry->port('registry');

$registry->add('team/app', '1', $app);
$registry->start;

END {
    if ($owner && $$ == $owner) {
        my $status = $?;
        stop();
        $registry->stop if $registry;
        remove_tree($dir) if $status == 0;
        $? = $status;
    }
}


sub free_port
{
    for (1 .. 1000) {
        my $try = 10240 + int rand 22000;

        return $try if IO::Socket::INET->new(
            Listen => 1, LocalAddr => '127.0.0.1', LocalPort => $try);
    }

    die "no free port\n";
}


sub configure
{
    my ($location, $server) = @_;

    $server //= '';

    Schema1::Keys::put("$dir/conf/nginx.conf", <<END);
$load
worker_processes 2;
pid $dir/nginx.pid;
error_log $dir/logs/error.log notice;
events { }
http {
    access_log off;
    proxy_temp_path $dir/proxy;
    client_body_temp_path $dir/body;
    $server
    server {
        listen 127.0.0.1:$port;
        location /v2/ {
            proxy_pass http://127.0.0.1:$mock;
            $location
        }
    }
}
END
}


sub run
{
    my $said = `$nginx @_ -p $dir/ -c $dir/conf/nginx.conf 2>&1`;

    $? == 0 or diag($said);

    return $? == 0;
}


sub pid
{
    my $pid = -e "$dir/nginx.pid" ? Schema1::Keys::slurp("$dir/nginx.pid") : '';

    return $pid =~ /^(\d+)$/ ? $1 : 0;
}


sub stop
{
    my $pid = $dir ? pid() : 0;

    return unless $pid;

    kill 'TERM', $pid;
    wait_for(sub { !-e "$dir/nginx.pid" }) or diag('nginx does not end');
}


sub wait_for
{
    my ($what) = @_;

    my $end = time + 10;

    while (time < $end) {
        my $result = eval { $what->() };
        return $result if $result;
        sleep 0.02;
    }

    return;
}


# what the notices say, in order
sub notices
{
    return Schema1::Keys::slurp("$dir/logs/error.log")
           =~ /\[notice\][^\n]* signs with an ephemeral key, (\S+?)(?: in |\n)/g;
}


sub signed
{
    my $answer = $http->get("http://127.0.0.1:$port/v2/team/app/manifests/1");

    return eval { check_schema1($answer->{content}, 'team/app', '1', 2) }
           || { kid => "$answer->{status} $@", alg => '' };
}


configure('schema_conversion on;');

ok(run('-t'), 'nginx -t');
is(scalar(() = notices()), 0, 'makes no key');
unlike(Schema1::Keys::slurp("$dir/logs/error.log"), qr/ngx_http_schema1_module/,
       'and logs no version');

ok(run(), 'nginx starts');
like(Schema1::Keys::slurp("$dir/logs/error.log"),
     qr{\[notice\].*: ngx_http_schema1_module/\d+\.\d+\.\d+$}m,
     'a notice has the version');

my @kids = notices();

is(@kids, 1, 'a notice names a key');
like($kids[0], qr/^([A-Z2-7]{4}:){11}[A-Z2-7]{4}$/, 'by its kid');

my @signed = map { signed() } 1 .. 6;

is_deeply([map { $_->{kid} } @signed], [($kids[0]) x 6],
          'all workers sign with it');
is($signed[0]{alg}, 'RS256', 'it is an RSA key');
is(length Schema1::JWS::base64url((JSON::PP->new->decode($http->get(
       "http://127.0.0.1:$port/v2/team/app/manifests/1")->{content}))
       ->{signatures}[0]{header}{jwk}{n}), 256, 'of 2048 bits');

ok(run('-t'), 'nginx -t beside it');
is(scalar(() = notices()), 1, 'makes none either');

kill 'HUP', pid();
ok(wait_for(sub { (() = notices()) == 2 }), 'a reload says it again');
sleep 0.3;
is((notices())[1], $kids[0], 'with the same kid');
is(signed()->{kid}, $kids[0], 'and signs with it');

# a reload that needs none, and one that does again

configure("schema_conversion on; schema_conversion_key $keys/ec256.pem;");
kill 'HUP', pid();
ok(wait_for(sub { signed()->{alg} eq 'ES256' }), 'a key that is given');
is(scalar(() = notices()), 2, 'makes the other one needless');

configure('schema_conversion on;');
kill 'HUP', pid();
ok(wait_for(sub { signed()->{alg} eq 'RS256' }), 'the key is needed again');
is(signed()->{kid}, $kids[0], 'and still the same');

stop();

for (['where conversion is off', 'schema_conversion off;'],
     ['where a key is given',
      "schema_conversion on; schema_conversion_key $keys/ec256.pem;"],
     ['where one is inherited', 'schema_conversion on;',
      "schema_conversion_key $keys/ec256.pem;"])
{
    my ($name, @text) = @$_;

    unlink "$dir/logs/error.log";
    configure(@text);
    ok(run(), $name);
    is(scalar(() = notices()), 0, 'none is made');
    stop();
}

unlink "$dir/logs/error.log";
configure('schema_conversion on;');
run();
isnt((notices())[0], $kids[0], 'another start makes another key');

done_testing();
