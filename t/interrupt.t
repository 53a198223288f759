#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# An interrupted run stops the servers that it started.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use POSIX qw(setsid WNOHANG);
use Test::More tests => 6;
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

interrupted('INT', 'Test::Nginx', 't/slow.t.*/logs/nginx.pid',
            'run-tests', "$dir/slow.t");
interrupted('TERM', 'Test::Nginx', 't/slow.t.*/logs/nginx.pid',
            'run-tests', "$dir/slow.t");
interrupted('INT', 'Schema1::Servers', 'servers/nginx/logs/nginx.pid',
            $^X, "$dir/servers.pl");


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
        map { slurp($_) =~ /(\d+)/ } glob "$build/$pattern"
    });

    # the request is under way
    sleep 0.5;
    kill $signal, $signal eq 'INT' ? -$pid : $pid;

    my $ended = wait_until(30, sub { waitpid($pid, WNOHANG) != 0 });

    kill 'KILL', -$pid unless $ended;

    ok($ended, "SIG$signal: the program of $what ends") or diag(slurp("$dir/log"));
    ok($server && command_of($server) eq '',
       "SIG$signal: the nginx of $what is stopped")
        or do {
            diag(slurp("$dir/log"));
            kill 'TERM', $server if $server;
        };
}


# empty for a process that has ended, also if its parent has not noticed
sub command_of
{
    my ($pid) = @_;

    return slurp("/proc/$pid/cmdline");
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
