#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# An interrupted run stops the servers that it started.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use POSIX qw(setsid WNOHANG);
use Test::More tests => 10;
use Time::HiRes qw(sleep);

my $top = abs_path(dirname(__FILE__) . '/..');
my $dir = tempdir(CLEANUP => 1);

# a suite that keeps its nginx for a minute
put("$dir/slow.t", <<'END');
use Schema1;

plan tests => 1;
answer('GET /v2/slow/app/manifests/1', delay => 60);
run_tests();

__DATA__

=== TEST 1: slow
--- timeout: 60
--- request
GET /v2/slow/app/manifests/1
END

put("$dir/servers.pl", <<'END');
use Schema1::Servers;

my $servers = Schema1::Servers->new("$ENV{BUILD}/servers");
my $port = Schema1::Servers::free_port();

$servers->nginx('nginx', "server { listen 127.0.0.1:$port; }", $port);
sleep 60;
END

# an nginx that takes its time to start, and has no pid file before
put("$dir/nginx", <<'END');
#!/bin/sh
case "$*" in
*-p*)
    touch "$BUILD/starting"
    sleep 2
esac
exec "$REAL_NGINX" "$@"
END

chmod 0755, "$dir/nginx";

interrupted('INT', 'Test::Nginx', 't/slow.t.*/logs/nginx.pid',
            'run-tests', "$dir/slow.t");
interrupted('TERM', 'Test::Nginx', 't/slow.t.*/logs/nginx.pid',
            'run-tests', "$dir/slow.t");
interrupted('INT', 'Schema1::Servers', 'servers/nginx/logs/nginx.pid',
            $^X, "$dir/servers.pl");
interrupted('KILL', 'Test::Nginx', 't/slow.t.*/logs/nginx.pid',
            $^X, "$dir/slow.t");

$ENV{REAL_NGINX} = $ENV{TEST_NGINX_BINARY} || 'nginx';
$ENV{TEST_NGINX_BINARY} = "$dir/nginx";
interrupted('TERM', 'a start of Test::Nginx', 'starting*', 'run-tests',
            "$dir/slow.t");


# the terminal's signal goes to the whole group
sub interrupted
{
    my ($signal, $what, $pattern, @command) = @_;

    $command[0] = "$top/t/tools/run-tests" if $command[0] eq 'run-tests';

    my $build = tempdir(CLEANUP => 1);
    my $pid = fork // die "fork() failed: $!\n";

    if ($pid == 0) {
        setsid;
        $ENV{BUILD} = $build;
        $ENV{PERL5LIB} = join ':', "$top/t/lib", $ENV{PERL5LIB} // ();
        $ENV{TEST_NGINX_LOAD_MODULES} //=
            "$top/build/ngx_http_schema1_module.so";
        chmod 0755, $build;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', "$dir/log";
        open STDERR, '>&', \*STDOUT;
        exec { $command[0] } @command or POSIX::_exit(127);
    }

    my ($server) = wait_until(30, sub {
        map { slurp($_) =~ /(\d+)/ ? $1 : 'starting' } glob "$build/$pattern"
    });

    # the request is under way
    sleep 0.5;
    kill $signal, $signal eq 'TERM' ? $pid : -$pid;

    my $ended = wait_until(30, sub { waitpid($pid, WNOHANG) != 0 });

    kill 'KILL', -$pid unless $ended;

    # one that was starting would run by now
    sleep 2 if $server && $server eq 'starting';

    my $gone = wait_until(10, sub { !servers($build) });

    ok($ended, "SIG$signal: the program of $what ends") or diag(slurp("$dir/log"));
    ok($server && $gone, "SIG$signal: the nginx of $what is stopped")
        or do {
            diag(slurp("$dir/log"));
            kill 'TERM', servers($build);
        };
}


# the processes that name a server's folder in there, or the test itself
sub servers
{
    my ($build) = @_;

    return grep { slurp("/proc/$_/cmdline") =~ m{\Q$build/\E|\Q$dir/\E} }
           map { m{(\d+)} } glob '/proc/[0-9]*';
}


sub wait_until
{
    my ($seconds, $done) = @_;

    for (1 .. $seconds * 20) {
        my @result = $done->();

        return @result if @result && $result[0];
        sleep 0.05;
    }

    return;
}


sub slurp
{
    my ($file) = @_;

    open my $in, '<', $file or return '';
    local $/;

    return <$in> // '';
}


sub put
{
    my ($file, $text) = @_;

    open my $out, '>', $file or die "$file: $!\n";
    print $out $text;
    close $out or die "$file: $!\n";
}
