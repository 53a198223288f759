#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# schema1 audit and registries that are odd, slow, broken or hostile: a mock
# registry records each request.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Temp qw(tempdir);
use IPC::Open3;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Schema1::Documents;
use Schema1::Registry;

my $program = $ENV{SCHEMA1} || ($ENV{BUILD} || 'build') . '/schema1';
my $dir = tempdir(CLEANUP => 1);

-x $program or BAIL_OUT("$program is not there: it has to be built first");

# nothing of the environment's takes part
delete @ENV{grep { /proxy$/i } keys %ENV};
delete @ENV{qw(NETRC SCHEMA1_PASSWORD)};
$ENV{HOME} = $dir;

my $image = image_documents(format => 'oci');
my ($registry, %port, @asked);

test_arguments();
test_paging();
test_hostile_lists();
test_tokens();
test_token_servers();
test_basic();
test_passwords();
test_redirects();
test_rate_limits();
test_broken_documents();
test_failures();
test_requests();
test_compare();
test_interrupt();
test_terminal();

done_testing();


sub test_arguments
{
    for my $arguments ([], ['registry/path'], ['ftp://registry'],
                       ['--user', 'alice:secret', 'registry'],
                       ['--jobs', '0', 'registry'],
                       ['--jobs', '1000', 'registry'],
                       ['--jobs', '9' x 30, 'registry'],
                       ['--max-size', '1x', 'registry'],
                       ['--platform', 'amd64', 'registry'],
                       ['--tags', '', 'registry'],
                       ['--accept', "a\nX: y", 'registry'],
                       ['--nope', 'registry'],
                       ['registry', 'name@sha256:0'], ['registry', 'NAME'],
                       ['--compare', 'http://a/b', 'registry'])
    {
        my ($status, $out, $err) = run(@$arguments);

        is($status, 2, 'wrong arguments: ' . "@$arguments" =~ s/\n/ /r);
        like($err, qr/^schema1 audit: \S.*\n\z/,
             'wrong arguments: one line on standard error');
        is($out, '', 'wrong arguments: no report');
    }

    my ($status, $out) = run('--help');

    is($status, 0, '--help');
    like($out, qr/^usage: schema1 audit .*--compare/s,
         '--help lists the options');
}


sub test_paging
{
    mock(sub {
        $registry->add("page/$_", 'v1', $image) for 'a' .. 'c';

        pages('/v2/_catalog', 'repositories',
              ['page/a', 'page/b'], ['page/c']);
        pages('/v2/page/a/tags/list', 'tags', ['v1'], [], ['v1']);
        pages("/v2/page/$_/tags/list", 'tags', ['v1']) for 'b', 'c';
    });

    my ($status, $report) = report();

    is($status, 0, 'all pages: exit status 0');
    is_deeply([map { "$_->{name}:$_->{tag}" } @{$report->{images}}],
              ['page/a:v1', 'page/a:v1', 'page/b:v1', 'page/c:v1'],
              'repositories and tags of all pages are in the report');
    is(scalar(asked(qr{/tags/list})), 5, 'each page is requested once');

    mock(sub {
        $registry->add('app', 'v1', $image);
        list('/v2/_catalog', 'repositories', ['gone', 'empty', 'app']);
        list('/v2/empty/tags/list', 'tags', undef);
        list('/v2/app/tags/list', 'tags', ['v1']);
    });

    ($status, $report) = report();

    is($status, 0, 'a catalog with repositories without tags: exit status 0');
    is(scalar(@{$report->{images}}), 1,
       'repositories without tags are not in the report');

    ($status, $report) = report('gone');

    is($status, 2, 'a repository without tags that was named: exit status 2');
    like($report->{errors}[0], qr/^gone: .*404/,
         'a named repository without tags is an error in the report');
}


# lists of another registry, in a loop, or not lists at all
sub test_hostile_lists
{
    my %cases = (
        'a circle'        => '</v2/app/tags/list?n=1000>; rel="next"',
        'a longer circle' => '</v2/app/tags/list?b>; rel="next"',
        'another host'    => '<http://127.0.0.2/v2/app/tags/list>; rel=next',
        'another list'    => '</v2/other/tags/list?n=1>; rel="next"',
        'a wrong path'    => '</v2/app/tags/list/../../x>; rel="next"',
    );

    for my $case (sort keys %cases) {
        mock(sub {
            $registry->add('app', 'v1', $image);
            list('/v2/app/tags/list', 'tags', ['v1'],
                 add => [Link => $cases{$case}]);
        });

        my ($status, $report) = report('app');

        is($status, 2, "the next page is $case: exit status 2");
        like($report->{errors}[0], qr/^app: the tags cannot be listed: /,
             "$case is reported");
        ok(!$report->{complete},
           "the next page is $case: the report is not complete");
        cmp_ok(scalar(asked(qr{tags/list})), '<', 4,
               "the next page is $case: few pages are requested");
    }

    for my $body ('', '[]', '{"tags":1}', '{"tags":{}}', '{"tags":["v1"',
                  '[' x 100_000, '{"tags":["' . 'x' x 5_000_000 . '"]}')
    {
        mock(sub {
            $registry->answer('/v2/app/tags/list', status => 200,
                              type => 'application/json', body => $body);
        });

        my ($status, $report) = report('app');

        is($status, 2, 'not a list: ' . substr($body, 0, 20));
        like($report->{errors}[0], qr/did not send a list|too large/,
             'not a list: is an error in the report');
    }

    mock(sub {
        $registry->add('app', 'v1', $image);
        list('/v2/_catalog', 'repositories',
             ['app', '../x', "a\nb", "\e[2J", 'UPPER', '', undef, 7, ['app'],
              'a' x 300]);
        list('/v2/app/tags/list', 'tags',
             ['v1', "v1\e[2J", '../../x', "v\r\nX: y", '', undef, {}, 'v/1',
              'a' x 200]);
    });

    my ($status, $report) = report();

    is($status, 0, 'names that no client could request: exit status 0');
    is(scalar(@{$report->{images}}), 1,
       'names that no client could request are not in the report');
    is(scalar(grep { $_->{uri} !~ m{^/v2/(_catalog|app/)} } @asked), 0,
       'names that no client could request are not requested');

    mock(sub { list('/v2/_catalog', 'x', []) });
    ($status, $report) = report();
    is($status, 2, 'a catalog without a list: exit status 2');

    mock(sub { $registry->answer('/v2/_catalog', status => 401) });
    ($status, $report) = report();
    is($status, 2, 'a catalog with status 401: exit status 2');
    like($report->{errors}[0], qr/401; see --user/,
         'a catalog with status 401: the error names --user');
}


# a registry that requires a token for each repository
sub test_tokens
{
    my $service = 'mock "registry"';

    mock(sub { token_registry($service) });

    my ($status, $report) = report('--user', 'alice',
                                   { SCHEMA1_PASSWORD => 'pass word:1' });
    my @tokens = asked(qr{^/token});

    is($status, 0, 'a registry with tokens: exit status 0');
    is(scalar(@{$report->{images}}), 4,
       'a registry with tokens: every tag is in the report');
    is(scalar(@tokens), 3, 'one token for each repository and the catalog');
    is_deeply([sort map { ($_->{uri} =~ /scope=([^&]*)/)[0] } @tokens],
              ['registry%3Acatalog%3A%2A', 'repository%3Aapp%3Apull',
               'repository%3Aother%3Apull'],
               'tokens have the scope of the challenge');
    like($tokens[0]{uri}, qr/service=mock%20%22registry%22/,
         'tokens have the service of the challenge');
    is(header($tokens[0], 'Authorization'),
       'Basic ' . encode_base64('alice:pass word:1', ''),
       'the token server receives the password');
    is(scalar(grep { (header($_, 'Authorization') // '') =~ /^Basic/ }
              asked(qr{^/v2/})), 0,
              'a registry with tokens does not receive the password');

    ($status, $report) = report('app');
    is($status, 0, 'an anonymous token: exit status 0');
    is(scalar(grep { defined header($_, 'Authorization') } asked(qr{^/token})),
       0, 'an anonymous token is requested without a password');

    ($status, $report) = report('--jobs', '8', ('app:v1', 'app:v2') x 4);
    is($status, 0, 'images of one repository, side by side: exit status 0');
    is(scalar(asked(qr{^/token})), 1,
       'images of one repository, side by side, share one token');

    # expired when the second tag is checked

    mock(sub {
        token_registry($service, expires => 4);
    });

    ($status, $report) = report('--jobs', '1', 'app');
    is($status, 0, 'a token that expires: exit status 0');
    cmp_ok(scalar(asked(qr{^/token})), '>', 1,
           'a token that expires: another one is requested');

    mock(sub { token_registry($service, expires => 0) });
    ($status, $report) = report('--jobs', '1', 'app:v1');
    is($status, 2, 'tokens that are never accepted: exit status 2');
    cmp_ok(scalar(asked(qr{^/token})), '<', 6,
           'tokens that are never accepted: a few are requested');
}


sub test_token_servers
{
    my %realms = (
        'a user'          => 'http://alice:secret@127.0.0.1:PORT/token',
        'another scheme'  => 'ftp://127.0.0.1:PORT/token',
        'a file'          => 'file:///etc/passwd',
        'no scheme'       => '/token',
        'a fragment'      => 'http://127.0.0.1:PORT/token#x',
        'nothing'         => '',
    );

    for my $case (sort keys %realms) {
        my $realm = $realms{$case};

        mock(sub {
            $realm =~ s/PORT/$port{registry}/;
            $registry->answer(qr{^GET /v2/}, status => 401, headers => [
                'WWW-Authenticate' => "Bearer realm=\"$realm\"" ]);
        });

        my ($status) = report('--user', 'alice', 'app:v1',
                              { SCHEMA1_PASSWORD => 'secret' });

        is($status, 2, "a token server with $case: exit status 2");
        is(scalar(asked(qr{token})), 0,
           "a token server with $case receives no request");
    }

    for my $body ('', '{}', '{"token":""}', '{"token":5}',
                  json({ token => "a\r\nX: y" }), json({ token => 'a b' }),
                  json({ token => 'x' x 20_000 }), '{' x 70_000,
                  json({ token => 'a', more => 'x' x 70_000 }))
    {
        mock(sub { token_registry('mock', body => $body) });

        my ($status, $report) = report('app:v1');

        is($status, 2, 'not a token: ' . substr($body, 0, 20));
        is($report->{images}[0]{clients}{'docker-1.9'}{outcome}, 'failed',
           'not a token: the request failed');
        is(scalar(grep { defined header($_, 'Authorization') } @asked), 0,
           'not a token: it is not sent');
    }

    mock(sub { token_registry('mock', status => 401) });

    my ($status) = report('--user', 'alice', '--jobs', '1', 'app', 'other',
                          { SCHEMA1_PASSWORD => 'wrong' });

    is($status, 2, 'a password that the token server rejects: exit status 2');
    is(scalar(asked(qr{^/token})), 1,
       'a password that the token server rejects is sent once');
}


sub test_basic
{
    my $right = 'Basic ' . encode_base64('alice:secret', '');

    mock(sub {
        $registry->add('app', $_, $image) for 'a' .. 'h';
        $registry->protect('app', $right);
        list('/v2/app/tags/list', 'tags', ['a' .. 'h']);
    });

    my ($status, $report) = report('--user', 'alice', 'app',
                                   { SCHEMA1_PASSWORD => 'secret' });

    is($status, 0, 'a password: exit status 0');
    is(scalar(@{$report->{images}}), 8,
       'a password: every tag is in the report');

    my @without = grep { !defined header($_, 'Authorization') } @asked;

    cmp_ok(scalar(@without), '<=', 8 + 1,
           'a password is sent at once after the first challenges');

    ($status, $report) = report('--user', 'alice', '--jobs', '1', 'app:a',
                                'app:b', { SCHEMA1_PASSWORD => 'wrong' });
    is($status, 2, 'a password that the registry rejects: exit status 2');
    is(scalar(grep { defined header($_, 'Authorization') } @asked), 1,
       'a password that the registry rejects is sent once');

    ($status, $report) = report('app:a');
    is($status, 2, 'no password: exit status 2');
    is(scalar(grep { defined header($_, 'Authorization') } @asked), 0,
       'no password: no Authorization header is sent');
}


sub test_passwords
{
    my $right = 'Basic ' . encode_base64('alice:secret', '');

    mock(sub {
        $registry->add('app', 'a', $image);
        $registry->protect('app', $right);
    });

    put('password', "secret\nsecond line\n");
    put('netrc', "machine 127.0.0.1 login alice password secret\n");

    my ($status) = report('--user', 'alice', '--password-file',
                          "$dir/password", 'app:a');
    is($status, 0, 'the password is in a file');

    ($status) = report('--user', 'alice', '--netrc', "$dir/netrc", 'app:a');
    is($status, 0, 'the password is in a netrc file');

    ($status) = report('--netrc', "$dir/netrc", 'app:a');
    is($status, 2, 'netrc without a user is not read for http');

    my ($code, $out, $err) = run('--user', 'alice', '--password-file',
                                 "$dir/none", url(), 'app:a');
    is($code, 2, 'a password file that does not exist: exit status 2');

    # no terminal, and nowhere else

    ($code, $out, $err) = run_line("setsid '$program' audit --user alice "
                                   . url() . ' app:a');
    is($code, 2, 'a user without a password: exit status 2');
    like($err, qr/SCHEMA1_PASSWORD/,
         'a user without a password: the message names the variable');

    ($code, $out, $err) = run('--user', 'alice', url(), 'app:a',
                              { SCHEMA1_PASSWORD => 'secret' });
    is($code, 0, 'the password is in the environment');
    unlike($out . $err, qr/secret|\Q$right\E/,
           'the password is never printed');
}


sub test_redirects
{
    my $right = 'Basic ' . encode_base64('alice:secret', '');
    my $blob = "/v2/app/blobs/$image->{config_digest}";
    my @login = ('--user', 'alice', { SCHEMA1_PASSWORD => 'secret' });

    my $redirect = sub {
        my ($to, @more) = @_;

        mock(sub {
            $registry->add('app', 'v1', $image);
            $registry->protect('app', $right);

            my $storage = "http://127.0.0.1:$port{storage}";
            $to =~ s/^STORAGE/$storage/;

            $registry->answer("GET $blob", status => 307, body => '',
                              headers => [Location => $to]);
            $registry->answer('storage:GET /data', status => 200,
                              body => $image->{config});
            $registry->answer('storage:GET /loop', status => 302,
                              headers => [Location => '/loop']);
            $registry->answer(@$_) for @more;
        });

        return report('app:v1', @login);
    };

    my ($status, $report) = $redirect->('STORAGE/data?X-Signature=a%2Fb');
    my ($request) = grep { $_->{host} eq 'storage' } @asked;

    is($status, 0, 'a blob on another host: exit status 0');
    ok($report->{images}[0]{redirected},
       'a blob on another host is marked in the report');
    is($request->{uri}, '/data?X-Signature=a%2Fb',
       'a redirect to another host keeps the URL');
    is_deeply([sort map { lc $_->[0] } @{$request->{headers}}],
              ['host', 'user-agent'],
              'a redirect to another host: no password, no Accept header');

    my $other = "/v2/app/blobs/uploads";

    ($status, $report) = $redirect->($other,
        ["GET $other", status => 200, body => $image->{config}]);
    is($status, 0,
       'a redirect to a path of the same repository: exit status 0');
    ok(!$report->{images}[0]{redirected},
       'a redirect to a path of the same repository is not marked');

    ($status, $report) = $redirect->('/downloads/1?x=%2F',
        ['GET /downloads/1', status => 200, body => $image->{config}]);
    ($request) = asked(qr{^/downloads/1});

    is($status, 0,
       'a redirect to another path of the registry: exit status 0');
    ok($report->{images}[0]{redirected},
       'a redirect to another path of the registry is marked in the report');
    is($request->{uri}, '/downloads/1?x=%2F',
       'a redirect to another path of the registry keeps the URL');
    ok(!defined header($request, 'Authorization'),
       'a redirect to another path of the registry: no password');

    my %refused = (
        'more than 5 redirects' => 'STORAGE/loop',
        'a user name'           => 'http://alice@127.0.0.1/',
        'another scheme'        => 'file:///etc/passwd',
        'nothing'               => '',
        'a control character'   => "STORAGE/a\tb",
    );

    for my $case (sort keys %refused) {
        my ($code, $result) = $redirect->($refused{$case});
        my $got = $result->{images}[0]{clients}{'docker-1.9'};

        is($code, 1, "a redirect to $case: exit status 1");
        is($got->{reason}, 'redirected',
           "a redirect to $case: the image is refused");
        cmp_ok(scalar(@asked), '<', 20, "a redirect to $case: few requests");
        is(scalar(grep { $_->{uri} =~ /passwd/ } @asked), 0,
           'none of them to the target')
            if $case ne 'more than 5 redirects';
    }

    ($status, $report) = $redirect->('STORAGE/none');
    is($report->{images}[0]{clients}{'docker-1.9'}{reason},
       'config_not_found',
       'a blob that the other host does not have is a missing config');
}


sub test_rate_limits
{
    my $manifest = '/v2/app/manifests/v1';

    my $limited = sub {
        my ($status, $times, @headers) = @_;

        mock(sub {
            $registry->add('app', 'v1', $image);
            times_then($times, "GET $manifest",
                       { status => $status, body => '',
                         headers => \@headers });
        });
    };

    $limited->(429, 1, 'Retry-After' => 2);
    my ($status, $report, $seconds) = report('app:v1');
    is($status, 0, '429 with Retry-After: exit status 0');
    cmp_ok($seconds, '>=', 2, '429 with Retry-After: after that time');

    $limited->(503, 1, 'Retry-After' => 1);
    ($status, $report, $seconds) = report('app:v1');
    is($status, 0, '503 with Retry-After: exit status 0');
    cmp_ok($seconds, '>=', 1, '503 with Retry-After: after that time');

    $limited->(429, 2);
    ($status, $report, $seconds) = report('app:v1');
    is($status, 0, '429 without Retry-After: exit status 0');
    cmp_ok($seconds, '>=', 3,
           '429 without Retry-After: after 1 and 2 seconds');

    $limited->(429, 1000, 'Retry-After' => 3600);
    ($status, $report, $seconds) = report('--jobs', '1', 'app:v1', 'app:v2',
                                          'app:v3');
    is($status, 2, '429 for an hour: exit status 2');
    cmp_ok($seconds, '<', 3, '429 for an hour: does not wait');
    like($report->{images}[2]{clients}{'docker-1.9'}{message},
         qr/3600 seconds/, '429 for an hour: the message names the time');
    is(scalar(@asked), 1, '429 for an hour: no further request is sent');

    $limited->(429, 1, 'Retry-After' => 5);
    ($status, $report, $seconds) = report('--max-wait', '4', 'app:v1');
    is($status, 2, '429 for more than --max-wait: exit status 2');

    # all requests wait, not only the one that was limited

    mock(sub {
        $registry->add('app', $_, $image) for 'v1', 'v2', 'v3';
        times_then(1, "GET $manifest",
                   { status => 429, body => '',
                     headers => ['Retry-After' => 2] });
        $registry->answer('GET /v2/app/manifests/v2', delay => 0.5);
        $registry->answer('GET /v2/app/manifests/v3', sub {
            put('times.third', time);
            Schema1::Registry::send_answer(@_, $registry->usual($_[1]));
        });
    });

    my $before = time;
    ($status, $report) = report('--jobs', '2', 'app:v1', 'app:v2', 'app:v3');
    is($status, 0, '429 for one of several images: exit status 0');
    cmp_ok(slurp('times.third') - $before, '>=', 2,
           '429 for one of several images: the others wait too');
}


# what nginx with the module refuses for the same reasons
sub test_broken_documents
{
    my $tag = '/v2/app/manifests/v1';
    my $blob = "/v2/app/blobs/$image->{config_digest}";
    my $long = { created_by => 'x' x 100_000 };

    my @cases = (
        ['a manifest of another digest', 'digest_mismatch',
         [$tag, body => $image->{body} . ' ']],
        ['a config of another digest', 'digest_mismatch',
         [$blob, body => $image->{config} . ' ']],
        ['a manifest that is not JSON', 'unproven',
         [$tag, body => '{"schemaVersion":2,', headers => []]],
        ['a compressed manifest', 'encoded', [$tag, gzip => 1]],
        ['a compressed config', 'encoded', [$blob, gzip => 1]],
        ['a config that is missing', 'config_not_found',
         [$blob, status => 404]],
        ['a truncated config', 'truncated', [$blob, truncate => 10], 2],
        ['a truncated manifest', 'truncated', [$tag, truncate => 10], 2],
        ['a config that is forbidden', 'denied', [$blob, status => 403], 2],
        ['a config with status 500', 'upstream_failed',
         [$blob, status => 500], 2],
        ['a connection that is reset', 'upstream_failed',
         [$blob, reset => 'header'], 2],
    );

    for my $case (@cases) {
        my ($what, $reason, $answer, $expected) = @$case;

        mock(sub {
            $registry->add('app', 'v1', $image);
            $registry->answer(@$answer);
        });

        my ($status, $report) = report('app:v1');
        my $result = $report->{images}[0]{clients}{'docker-1.9'};

        is($status, $expected // 1, "$what: exit status");
        is($result->{reason}, $reason, "$what: the reason");
        ok(length $result->{message}, "$what: a message");
    }

    # odd values of storage, but the right bytes

    mock(sub {
        $registry->add('app', 'v1', $image);
        $registry->answer($blob, add => ['Content-Encoding' => 'aws-chunked']);
    });

    my ($status) = report('app:v1');
    is($status, 0, 'an odd Content-Encoding of the right bytes');

    mock(sub {
        $registry->add('app', 'v1', image_documents(
            format => 'oci', history => [$long, $long]));
    });

    my $report;
    ($status, $report) = report('--max-size', '100k', 'app:v1');
    is($report->{images}[0]{clients}{'docker-1.9'}{reason}, 'too_large',
       'a config over --max-size is refused');
    is($report->{images}[0]{clients}{'docker-1.13'}{outcome}, 'converted',
       'a config over --max-size is not required for schema 2');

    ($status, $report) = report('--max-size', '1m', 'app:v1');
    is($status, 0, 'a config under --max-size');

    mock(sub {
        $registry->add('app', 'v1', image_documents(format => 'docker',
                                                    layers => 50));
    });

    ($status, $report) = report('--max-size', '1k', 'app:v1');
    is($report->{images}[0]{clients}{'docker-1.9'}{reason}, 'too_large',
       'a manifest over --max-size is refused');
    is($report->{images}[0]{clients}{'docker-1.13'}{outcome}, 'as is',
       'a manifest over --max-size passes to a client that accepts it');

    mock(sub {
        $registry->add('app', 'v1', image_documents(format => 'docker',
                                                    layers => 50),
                       type => 'application/json');
    });

    ($status, $report) = report('--max-size', '1k', 'app:v1');
    is($report->{images}[0]{clients}{'docker-1.9'}{outcome}, 'as is',
       'a manifest over --max-size with a generic type passes');
}


sub test_failures
{
    my ($status, $out, $err) = run('--json', "http://127.0.0.1:$port{dead}");

    is($status, 2, 'a registry that is not there: exit status 2');
    like($err, qr/^schema1: the repositories cannot be listed: /,
         'a registry that is not there: the message');

    mock(sub {
        $registry->add('app', 'v1', $image);
        $registry->answer('/v2/app/manifests/v1', delay => 5);
    });

    my ($code, $report, $seconds) = report('--timeout', '1', 'app:v1');
    is($code, 2, 'a registry that does not respond: exit status 2');
    is($report->{images}[0]{clients}{'docker-1.9'}{reason}, 'timed_out',
       'a registry that does not respond: the reason');
    cmp_ok($seconds, '<', 10,
           'a registry that does not respond: ends after --timeout');

    mock(sub {
        $registry->add('app', 'v1', $image);
        times_then(1, 'GET /v2/app/manifests/v1', { status => 502,
                                                    body => '' });
    });

    ($code, $report) = report('app:v1');
    is($code, 0, 'a registry that fails once: exit status 0');

    # a closed pipe
    pipe my $read, my $write or die "pipe() failed: $!\n";
    close $read;
    my $pid = start({ stdout => $write }, url(), 'app:v1');
    waitpid $pid, 0;
    is($? & 127, 0, 'a report to a closed pipe: no signal ends the program');
    is($? >> 8, 2, 'a report to a closed pipe: exit status 2');

    mock(sub { });
    ($code, $report) = report('app:v1');
    is($code, 1, 'a tag that is missing: exit status 1');
    is($report->{images}[0]{clients}{'docker-1.9'}{outcome}, 'missing',
       'a tag that is missing: the outcome');

    mock(sub {
        $registry->add('app', 'v1', $image);
        $registry->answer('/v2/app/manifests/v1',
                          add => ['X-Long' => 'x' x 300_000]);
    });

    ($code, $report) = report('app:v1');
    is($code, 2, 'a header line that is too large: exit status 2');

    mock(sub {
        $registry->add('app', 'v1', $image);
        $registry->answer('/v2/app/manifests/v1',
                          add => [('X-Long' => 'x' x 28_000) x 10]);
    });

    ($code, $report) = report('app:v1');
    is($code, 2, 'header lines that are too large together: exit status 2');
}


sub test_requests
{
    my @names = map { "app:v$_" } 1 .. 8;

    mock(sub {
        $registry->add('app', "v$_", $image) for 1 .. 8;
        $registry->answer(qr{^GET .*/manifests/}, delay => 0.4);
    });

    my (undef, undef, $seconds) = report('--jobs', '8', @names);
    cmp_ok($seconds, '<', 0.4 * 8, 'images are checked side by side');

    (undef, undef, $seconds) = report('--jobs', '1', @names);
    cmp_ok($seconds, '>=', 0.4 * 8,
           'images are checked one after the other with --jobs 1');

    my $list = list_document(format => 'oci', entries => [
        $image, image_documents(format => 'oci', platform => 'linux/arm64') ]);

    mock(sub {
        $registry->add('app', undef, $image);
        $registry->add('app', 'v1', $list);
    });

    my ($status) = report('app:v1');
    my %asked;

    $asked{"$_->{method} $_->{uri}"}++ for @asked;

    is_deeply(\%asked, {
        'GET /v2/app/manifests/v1'                        => 1,
        'HEAD /v2/app/manifests/v1'                       => 1,
        "GET /v2/app/manifests/$image->{digest}"          => 1,
        "GET /v2/app/blobs/$image->{config_digest}"       => 1,
    }, 'no document is requested twice for two clients');

    # a registry that sends something else to other clients

    my $docker = image_documents(format => 'docker');

    mock(sub {
        $registry->add('app', 'v1', $image);
        $registry->add('app', undef, $docker);
        $registry->answer(qr{^(GET|HEAD) /v2/app/manifests/v1$}, sub {
            my ($client, $request) = @_;
            my $what = $request->{header}{accept} =~ /prettyjws/
                       ? $docker : $image;

            Schema1::Registry::send_answer($client, $request, {
                status => 200, type => $what->{type}, body => $what->{body},
                headers => ['Docker-Content-Digest' => $what->{digest}] });
        });
    });

    my $report;
    ($status, $report) = report('app:v1');

    is($report->{images}[0]{clients}{'docker-1.9'}{outcome}, 'converted',
       'a registry that sends another image to each client: the first');
    is($report->{images}[0]{clients}{'docker-1.13'}{digest},
       $docker->{digest},
       'a registry that sends another image to each client: the second');

    mock(sub {
        $registry->add('app', 'v1', $docker);
        $registry->answer('/v2/app/manifests/v1', headers => []);
    });

    ($status, $report) = report('app:v1');
    is($report->{images}[0]{clients}{'docker-1.13'}{digest},
       $docker->{digest}, 'without Docker-Content-Digest it is computed');
}


sub test_compare
{
    my $docker = image_documents(format => 'docker');

    # the other registry is the same one: it converts nothing

    mock(sub {
        $registry->add('app', $_, $docker) for 'v1', 'v2';
        $registry->answer('/v2/app/manifests/v2', sub {
            my ($client, $request) = @_;

            # the client's own lines, not what nginx sends upstream
            my $own = ($request->{header}{accept} // '') !~ /oci/;

            Schema1::Registry::send_answer($client, $request, $own
                ? { status => 400, type => 'application/json',
                    body => '{"errors":[{"detail":{"reason":"x\u001b[2J"}}]}' }
                : { status => 200, type => $docker->{type},
                    body => $docker->{body} });
        });
    });

    my ($status, $report) = report('--compare', url(), 'app:v1', 'app:v2');
    my ($one, $two) = map { $_->{clients} } @{$report->{images}};

    is($status, 1, '--compare with differences: exit status 1');
    is($one->{'docker-1.13'}{compare}, 'same', '--compare: the same digest');
    is($one->{'docker-1.9'}{compare}, 'different',
       '--compare: another digest');
    is($one->{'docker-1.9'}{compared}, $docker->{digest},
       '--compare: the other digest is in the report');
    is($two->{'docker-1.13'}{compare}, 'different',
       '--compare: an error response');
    is($two->{'docker-1.13'}{compared}, 'status 400, x?[2J',
       '--compare: an error response without control characters');

    my ($code, $out) = run('--compare',
                           "http://127.0.0.1:$port{dead}",
                           url(), 'app:v1');
    is($code, 2, '--compare with a registry that is not there: exit status 2');
}


# the report contains what has been checked
sub test_interrupt
{
    mock(sub {
        $registry->add('app', $_, $image) for 'v1', 'v2';
        $registry->answer('/v2/app/manifests/v2', delay => 30);
    });

    my $pid = start('--json', '--jobs', '1', url(), 'app:v1', 'app:v2');

    wait_until(sub { grep { $_->{uri} =~ /v2$/ } $registry->asked });
    kill 'INT', $pid;

    my $started = time;
    waitpid $pid, 0;

    is($? >> 8, 2, 'Ctrl-C: exit status 2');
    cmp_ok(time - $started, '<', 2, 'Ctrl-C: ends at once');

    my $report = JSON::PP->new->utf8->decode(slurp('out'));

    ok(!$report->{complete}, 'Ctrl-C: the report is not complete');
    is_deeply([map { $_->{tag} } @{$report->{images}}], ['v1'],
              'Ctrl-C: the report contains what has been checked');
    like(slurp('err'), qr/interrupted/, 'Ctrl-C: a message on standard error');
}


sub test_terminal
{
    mock(sub {
        $registry->add('app', 'v1', $image);
        $registry->answer('/v2/app/manifests/v1', delay => 0.5);
        $registry->protect('secret', 'Basic '
                           . encode_base64('alice:secret', ''));
        $registry->add('secret', 'v1', $image);
    });

    my (undef, undef, $err) = run(url(), 'app:v1');
    is($err, '', 'in a pipe, nothing is written to standard error');

    SKIP: {
        skip 'script is not installed', 4
            if system('command -v script > /dev/null 2>&1');

        my $url = url();
        my $script = "script -qec";
        my ($status, $out) = run_line(
            "$script \"'$program' audit $url app:v1\" /dev/null");

        like($out, qr/0 of 1 tags/, 'on a terminal, there is a progress');
        like($out, qr/\r\e\[KIMAGE/,
             'on a terminal, the report replaces the progress');

        my $typed = '(sleep 1; echo secret; sleep 2)';
        ($status, $out) = run_line(
            "$typed | $script \"'$program' audit --user alice $url "
            . "secret:v1\" /dev/null");

        like($out, qr/Password for 127\.0\.0\.1: .*converted/s,
             'a password is entered on the terminal');
        unlike($out =~ s/^secret:v1.*$//mgr, qr/secret/,
               'the terminal does not show the password');
    }
}


# runs the mock registry that the sub prepares
sub mock
{
    my ($prepare) = @_;

    $registry->stop if $registry;
    unlink glob "$dir/times.*";

    $registry = Schema1::Registry->new(log => "$dir/log");
    %port = map { $_ => $registry->port($_) } qw(registry storage dead);
    $prepare->();
    $registry->start;
}


END {
    local $?;
    $registry->stop if $registry;
}


sub url
{
    return "http://127.0.0.1:$port{registry}";
}


sub list
{
    my ($path, $member, $items, %how) = @_;

    $registry->answer("GET $path", status => 200, type => 'application/json',
                      body => JSON::PP->new->utf8->encode(
                          { $member => $items }), %how);
}


sub pages
{
    my ($path, $member, @pages) = @_;

    $registry->answer("GET $path", sub {
        my ($client, $request) = @_;
        my ($number) = ($request->{args} // '') =~ /page=(\d+)/;

        $number ||= 0;

        Schema1::Registry::send_answer($client, $request, {
            status => 200, type => 'application/json',
            body => json({ $member => $pages[$number] }),
            headers => $number < $#pages
                ? [Link => "<$path?n=1000&page=" . ($number + 1)
                           . '>; rel="next"'] : [] });
    });
}


# app and other, with two tags each
sub token_registry
{
    my ($service, %opt) = @_;

    for my $name ('app', 'other') {
        $registry->add($name, $_, $image) for 'v1', 'v2';
    }

    my $quoted = $service =~ s/"/\\"/gr;
    my $realm = "http://127.0.0.1:$port{registry}/token";

    $registry->answer('GET /token', sub {
        my ($client, $request) = @_;
        my ($scope) = $request->{args} =~ /scope=([^&]*)/;

        $scope =~ s/%(..)/chr hex $1/ge;

        Schema1::Registry::send_answer($client, $request, {
            status => $opt{status} // 200, type => 'application/json',
            body => $opt{body}
                    // json({ token => "t/$scope/" . count('token') }) });
    });

    # $scope is what the token has to be for

    my $protected = sub {
        my ($client, $request, $scope) = @_;
        my $authorization = $request->{header}{authorization} // '';
        my ($n) = $authorization =~ m{^Bearer t/\Q$scope\E/(\d+)$};

        my $good = defined $n
                   && (!defined $opt{expires}
                       || count("used.$n") <= $opt{expires});

        my $how = $good ? $registry->usual($request) : {
            status => 401, type => 'application/json', body => '{}',
            headers => ['WWW-Authenticate' => "Bearer realm=\"$realm\","
                        . "service=\"$quoted\",scope=\"$scope\""] };

        if ($good && $request->{path} =~ m{/_catalog$}) {
            $how = { status => 200, type => 'application/json',
                     body => json({ repositories => ['app', 'other'] }) };
        }

        if ($good && $request->{path} =~ m{/tags/list$}) {
            $how = { status => 200, type => 'application/json',
                     body => json({ tags => ['v1', 'v2'] }) };
        }

        Schema1::Registry::send_answer($client, $request, $how);
    };

    for my $name ('app', 'other') {
        $registry->answer(qr{^(GET|HEAD) /v2/$name/}, sub {
            $protected->(@_, "repository:$name:pull");
        });
    }

    $registry->answer('/v2/_catalog', sub {
        $protected->(@_, 'registry:catalog:*');
    });
}


# an answer for the first requests, then the usual one
sub times_then
{
    my ($times, $what, $answer) = @_;

    $registry->answer($what, sub {
        my ($client, $request) = @_;

        Schema1::Registry::send_answer($client, $request,
            count('times') <= $times ? $answer : $registry->usual($request));
    });
}


# counts in a file: each connection has a process of its own
sub count
{
    my ($name) = @_;

    open my $file, '>>', "$dir/times.$name" or die "$dir: $!\n";
    syswrite $file, '.';
    close $file;

    return -s "$dir/times.$name";
}


# requests whose URI matches
sub asked
{
    my ($uri) = @_;

    return grep { $_->{uri} =~ $uri } @asked;
}


sub header
{
    my ($request, $name) = @_;

    my ($line) = grep { lc $_->[0] eq lc $name } @{$request->{headers}};

    return $line ? $line->[1] : undef;
}


# the arguments, without the registry; a hash is the environment
sub report
{
    my (@arguments) = @_;

    my ($env) = grep { ref $_ } @arguments;
    my @options = grep { !ref $_ } @arguments;
    my $at = 0;

    # options with their values come first
    $at += 2 while $at < @options && $options[$at] =~ /^--/;

    splice @options, $at, 0, url();

    $registry->reset;

    my $started = time;
    my ($status, $out) = run('--json', @options, $env || ());
    my $seconds = time - $started;

    @asked = $registry->asked;

    return ($status, eval { JSON::PP->new->utf8->decode($out) } || {},
            $seconds);
}


sub run
{
    my (@arguments) = @_;

    my ($env) = grep { ref $_ } @arguments;

    local %ENV = (%ENV, %{$env || {}});

    my $pid = start(grep { !ref $_ } @arguments);

    waitpid $pid, 0;

    return ($? & 127 ? "signal $?" : $? >> 8, slurp('out'), slurp('err'));
}


sub start
{
    my (@arguments) = @_;

    my $to = ref $arguments[0] ? (shift @arguments)->{stdout} : undef;
    my $pid = fork // die "fork() failed: $!\n";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, $to ? '>&' : '>', $to || "$dir/out";
        open STDERR, '>', "$dir/err";
        exec { $program } $program, 'audit', @arguments
            or POSIX::_exit(127);
    }

    return $pid;
}


sub run_line
{
    my ($line) = @_;

    my $rc = system("( $line ) > '$dir/out' 2> '$dir/err' < /dev/null");

    return ($rc >> 8, slurp('out'), slurp('err'));
}


sub wait_until
{
    my ($ready) = @_;

    for (1 .. 200) {
        return if $ready->();
        sleep 0.05;
    }
}


sub put
{
    my ($name, $text) = @_;

    open my $out, '>', "$dir/$name" or die "$dir/$name: $!\n";
    print $out $text;
    close $out;
}


sub slurp
{
    my ($name) = @_;

    open my $in, '<', "$dir/$name" or return '';
    local $/;

    return <$in> // '';
}
