package Schema1::Streams;

# Copyright (C) the ngx_http_schema1_module authors

# Many requests on one connection, HTTP/2 or HTTP/3, and what a client may do to
# one of them or to all: the same for t/http2.t and t/http3.t.
#
#     use Schema1::Streams;
#     plan skip_all => $reason if $reason = missing('h3');
#     documents('h3');                     # the documents
#     ...
#     --- http_config eval: server('location lines')
#     --- after
#     ordinary(); many(); reset_each('stop'); end_each('close');
#
# streams(STEPS) runs t/lib/streams.py, which lists the steps, and returns what
# it says.

use strict;
use warnings;

use JSON::PP;
use Test::More ();
use Time::HiRes qw(sleep);

use Schema1;
use Schema1::Client;

use Exporter 'import';

our @EXPORT = qw(missing documents server streams ordinary many reset_each
                 end_each unended settled);

my ($kind, $python, $port, %image, $oci, $large, $list, $steps);

my $v1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
my $modern = join ', ', map { (type_of($_, 'manifest'), type_of($_, 'list')) }
             qw(docker oci);

# where a request is when it is broken off: what it is for, when
my @stages = (
    ['at once', 'quick/app'],
    ['before the manifest', 'late/tag', [wait => 0.15]],
    ['within the manifest', 'stuck/tag', [wait => 0.15]],
    ['before the config', 'late/config', [wait => 0.15]],
    ['within the config', 'stuck/config', [wait => 0.15]],
    (map { ["converting for $_ s", 'huge/app', [wait => $_]] }
         0.05, 0.15, 0.4),
    ['at the header', 'large/app', [until => 'header']],
    ['within the answer', 'large/app', [until => 'data']],
);


sub missing
{
    my ($protocol) = @_;

    my $modules = $protocol eq 'h3' ? 'h2, cryptography' : 'h2';
    my $option = $protocol eq 'h3' ? 'http_v3_module' : 'http_v2_module';
    my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';

    return "nginx is built without --with-$option"
        if `$nginx -V 2>&1` !~ /--with-$option\b/;

    # a Python that the user has in front of Debian's knows no package of it
    ($python) = grep {
        system("$_ -c 'import $modules' > /dev/null 2>&1") == 0
    } qw(python3 /usr/bin/python3);

    return $python ? undef : "Python's $modules is not installed";
}


sub documents
{
    $kind = $_[0];
    $port = Schema1::free_port();
    $steps = "$Schema1::servroot.steps";

    my @names = ('quick/app', 'late/tag', 'late/config', 'stuck/tag',
                 'stuck/config', map { "many/n$_" } 0 .. 9);

    $image{$_} = image("$_:1") for @names;
    $oci = image('team/oci:1', format => 'oci');
    $list = list('team/list:1', entries => [image('team/list')]);

    # an answer that does not fit into any window, and half a second's work
    $large = image('large/app:1', config => { x => 'y' x 1_500_000 });
    image('huge/app:1', config => { x => ['y' x 10] x 200_000 });

    answer('GET /v2/late/tag/manifests/1', delay => 0.5);
    answer(qr{^GET /v2/late/config/blobs/}, delay => 0.5);
    answer('GET /v2/stuck/tag/manifests/1', stall => 0.5);
    answer(qr{^GET /v2/stuck/config/blobs/}, stall => 0.5);
}


sub server
{
    my ($more) = @_;

    my $listen = $kind eq 'h3' ? "$port quic" : "$port ssl http2";
    my $tls = $kind eq 'h3' ? 'ssl_protocols TLSv1.3;' : '';

    $listen = "$port http2" if $kind eq 'h2';

    return "
    server {
        listen 127.0.0.1:$listen;
        $tls
        ssl_certificate $ENV{TEST_NGINX_KEYS}/ec256.crt;
        ssl_certificate_key $ENV{TEST_NGINX_KEYS}/ec256.pem;
        keepalive_timeout 3s;
        client_max_body_size 8m;
        location /v2/ {
            schema_conversion on;
            schema_conversion_key $ENV{TEST_NGINX_KEYS}/ec256.pem;
            schema_conversion_max_size 8m;
            proxy_pass http://127.0.0.1:$ENV{TEST_NGINX_MOCK_PORT};
            proxy_http_version 1.1;
            $more
        }
    }
";
}


sub streams
{
    Schema1::Keys::put($steps, encode_json(\@_));

    my $client = __FILE__ =~ s{Schema1/Streams\.pm$}{streams.py}r;
    my $said = `timeout 300 $python $client $kind $port < $steps`;

    unlink $steps;

    Test::More::diag("streams.py ended with status $?") if $?;

    return eval { decode_json($said) } // {};
}


# why an answer is not the image's schema 1, nothing if it is
sub wrong
{
    my ($said, $id, $name) = @_;

    my $answer = $said->{$id} or return "$id: nothing";

    return "$id: status $answer->{status}, " . ($answer->{end} ? '' : 'no ')
           . "end\n" if $answer->{status} != 200 || !$answer->{end};

    return eval { check_schema1($answer->{body}, $name, 1, 2); 1 } ? ()
           : "$id: $@";
}


sub ordinary
{
    my $said = streams(
        ['connect'],
        [ask => 'get', '/v2/quick/app/manifests/1'],
        [until => 'get', 'end'],
        [ask => 'head', '/v2/quick/app/manifests/1', 'HEAD'],
        [until => 'head', 'end'],
        [ask => 'oci', '/v2/team/oci/manifests/1', 'GET', [[accept => $modern]]],
        [ask => 'old', '/v2/team/oci/manifests/1'],
        [ask => 'list', '/v2/team/list/manifests/1', 'GET',
            [[accept => $modern]]],
        [ask => 'converted', '/v2/team/list/manifests/1'],
        [ask => 'none', '/v2/team/none/manifests/1'],
        [ask => 'large', '/v2/large/app/manifests/1'],
        map { [until => $_, 'end'] } qw(oci old list converted none large));

    my ($get, $head) = @$said{qw(get head)};
    my $jws = eval { read_jws($get->{body}) } // {};

    Test::More::is_deeply([wrong($said, 'get', 'quick/app')], [], 'GET');
    Test::More::is($get->{headers}{'content-type'}, $v1, 'its type');
    Test::More::is($get->{headers}{'docker-content-digest'}, $jws->{digest},
                   'its digest');
    Test::More::is($get->{headers}{'content-length'}, length $get->{body},
                   'its length');
    Test::More::is($get->{headers}{vary}, 'Accept', 'Vary');
    Test::More::ok($head->{status} == 200 && $head->{end}
                   && $head->{body} eq '', 'HEAD');
    Test::More::is($head->{headers}{$_}, $get->{headers}{$_}, "HEAD: $_")
        for qw(content-type docker-content-digest content-length etag);

    Test::More::is($said->{oci}{body}, $oci->{body}, 'an OCI image passes');
    Test::More::is($said->{oci}{headers}{'docker-content-digest'},
                   $oci->{digest}, 'with its digest');
    Test::More::is($said->{list}{body}, $list->{body}, 'a list passes');
    Test::More::is($said->{none}{status}, 404, 'an unknown tag');
    Test::More::is_deeply([wrong($said, 'old', 'team/oci'),
        wrong($said, 'converted', 'team/list'),
        wrong($said, 'large', 'large/app')], [], 'beside conversions');
}


# a hundred at once; every third is reset on its way, at a time of its own
sub many
{
    my (@ask, @reset, @until, @wrong);

    for my $n (0 .. 99) {
        my $name = 'many/n' . $n % 10;

        push @ask, [ask => $n, "/v2/$name/manifests/1", 'GET',
                    $n % 3 == 1 ? [[accept => $modern]] : []];
        push @reset, [reset => $n], $n % 10 == 0 ? [wait => 0.02] : ()
            if $n % 3 == 2;
        push @until, [until => $n, 'end'] if $n % 3 != 2;
    }

    my $said = streams(['connect'], @ask, @reset, @until);

    for my $n (0 .. 99) {
        my $name = 'many/n' . $n % 10;

        push @wrong, wrong($said, $n, $name) if $n % 3 == 0;
        push @wrong, "$n: passed on wrongly"
            if $n % 3 == 1 && ($said->{$n}{body} // '') ne $image{$name}{body};
    }

    Test::More::is_deeply(\@wrong, [], '67 of 100 streams are answered');

    # a client that makes and resets streams over and over
    $said = streams(['connect'],
        (map { ([ask => $_, '/v2/late/config/manifests/1'], [reset => $_]) }
             1 .. 60),
        [ask => 'next', '/v2/quick/app/manifests/1'], [until => 'next', 'end'],
        (map { ([ask => "q$_", '/v2/many/n1/manifests/1'],
                [until => "q$_", 'header'], [reset => "q$_"]) } 1 .. 20),
        [ask => 'last', '/v2/quick/app/manifests/1'], [until => 'last', 'end']);

    Test::More::is_deeply([map { wrong($said, $_, 'quick/app') } qw(next last)],
                          [], 'the streams after 80 resets');
}


# one stream is broken off at each stage: by "reset", or "stop" with HTTP/3
sub reset_each
{
    my ($how) = @_;

    each_stage($how, 'late/config', sub {
        my ($id) = @_;

        return ([$how => "$id victim"],
                [ask => "$id after", '/v2/quick/app/manifests/1'],
                [until => "$id after", 'end'],
                [until => "$id other", 'end']);
    }, after => 'quick/app', other => 'late/config');
}


# the connection is ended at each stage: by "close" or "vanish"
sub end_each
{
    my ($how) = @_;

    each_stage($how, 'late/tag', sub { [$how] });

    return if $kind ne 'h3';

    # earlier requests still receive a response
    my $said = streams(['connect'],
        [ask => 'before', '/v2/late/config/manifests/1'], ['goaway'],
        [until => 'before', 'end']);

    Test::More::is_deeply([wrong($said, 'before', 'late/config')], [],
                          'the last after a word of leave');
}


# another request and the one that is broken off, what is done to it, and one on
# a new connection; which of them have to be right
sub each_stage
{
    my ($how, $other, $break, %right) = @_;

    my @steps;

    for my $id (0 .. $#stages) {
        my (undef, $name, $when) = @{$stages[$id]};

        push @steps,
             ['connect', 65536],
             [ask => "$id other", "/v2/$other/manifests/1"],
             [ask => "$id victim", "/v2/$name/manifests/1"],
             $when ? [$when->[0] eq 'until' ? (until => "$id victim",
                      $when->[1]) : @$when] : (),
             $break->($id),
             ['connect'],
             [ask => "$id next", '/v2/quick/app/manifests/1'],
             [until => "$id next", 'end'];
    }

    my $said = streams(@steps);

    for my $id (0 .. $#stages) {
        my ($title) = @{$stages[$id]};
        my @wrong = map { wrong($said, "$id $_->[0]", $_->[1]) }
                    [next => 'quick/app'], map { [$_, $right{$_}] }
                                           sort keys %right;

        # a fast machine may be done with the conversion
        push @wrong, 'the one that was broken off came to its end'
            if $said->{"$id victim"}{end} && $title !~ /^converting/;

        Test::More::is_deeply(\@wrong, [], "$how $title");
    }
}


# a request whose body never comes
sub unended
{
    my $said = streams(
        ['connect'],
        [begin => 'reset', '/v2/quick/app/manifests/1'], [wait => 0.2],
        [reset => 'reset'],
        [begin => 'left', '/v2/quick/app/manifests/1'], [wait => 0.2],
        [ask => 'next', '/v2/quick/app/manifests/1'], [until => 'next', 'end'],
        ['vanish'],
        ['connect'],
        [ask => 'last', '/v2/quick/app/manifests/1'], [until => 'last', 'end']);

    Test::More::is_deeply([map { wrong($said, $_, 'quick/app') } qw(next last)],
                          [], 'streams without an end');
}


# The worker is the one that there was, and exits when it has to: no request
# is stuck in it.  It says in the log what it had to leave open.
sub settled
{
    my ($worker) = @_;

    my (undef, @now) = processes();

    Test::More::is("@now", $worker, 'the worker has lived');

    reload();

    my $said = streams(['connect'],
        [ask => 'next', '/v2/quick/app/manifests/1'], [until => 'next', 'end']);

    Test::More::is_deeply([wrong($said, 'next', 'quick/app')], [],
                          'after a reload');
}


1;
