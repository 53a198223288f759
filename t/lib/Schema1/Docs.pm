package Schema1::Docs;

# Copyright (C) the ngx_http_schema1_module authors

# The nginx and sh blocks of README.md and docs/, and nginx run with them.  The
# line right before an nginx block states where it belongs:
# "<!-- test: CONTEXT -->", with main (a complete nginx.conf), http, server or
# location.  The line right before an sh block states which test runs it, "<!--
# test: sh -->" (t/recipes.t) or "<!-- test: e2e -->" (t/e2e/commands.t), or why
# none does: "<!-- not run: REASON -->".

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use File::Find ();
use File::Path qw(make_path);
use File::Temp ();
use POSIX ();
use Time::HiRes qw(sleep);

our @EXPORT = qw(pages slurp spew blocks commands find_nginx try_block
                 start_block stop_block);

my ($owner, %running) = ($$);

$SIG{$_} = sub { $$ == $owner ? exit 130 : POSIX::_exit(130) }
    for qw(HUP INT TERM);


sub pages
{
    return (qw(README.md CONTRIBUTING.md SECURITY.md), sort glob('docs/*.md'));
}


sub slurp
{
    my ($file) = @_;

    open my $fh, '<', $file or die "cannot open $file: $!\n";
    local $/;

    return <$fh>;
}


sub spew
{
    my ($file, $content) = @_;

    open my $fh, '>', $file or die "cannot write $file: $!\n";
    print $fh $content;
    close $fh or die "cannot write $file: $!\n";
}


# in their order: page, line, heading, context (undef: not said), block
sub blocks
{
    my @blocks;

    for my $page (pages()) {
        my $markdown = slurp($page);

        while ($markdown =~ /^([^\n]*)\n```nginx\n(.*?)^```$/gms) {
            my ($before, $block) = ($1, $2);
            my $above = substr $markdown, 0, $-[0];
            my ($context) =
                $before =~ /^<!-- test: (main|http|server|location) -->$/;

            push @blocks, {
                page    => $page,
                line    => 2 + ($above =~ tr/\n//),
                heading => ($above =~ /.*^#+ +([^\n]*)$/ms)[0],
                context => $context,
                block   => $block,
            };
        }
    }

    return @blocks;
}


# in their order: page, line, heading, test (undef: not stated), block
sub commands
{
    my @commands;

    for my $page (pages()) {
        my $markdown = slurp($page);

        while ($markdown =~ /^([^\n]*)\n```(?:sh|bash|console)\n(.*?)^```$/gms) {
            my ($before, $block) = ($1, $2);
            my $above = substr $markdown, 0, $-[0];
            my ($test) = $before =~ /^<!-- test: (sh|e2e) -->$/;

            $test = 'none' if $before =~ /^<!-- not run: \S.* -->$/;

            push @commands, {
                page    => $page,
                line    => 2 + ($above =~ tr/\n//),
                heading => ($above =~ /.*^#+ +([^\n]*)$/ms)[0],
                test    => $test,
                block   => $block,
            };
        }
    }

    return @commands;
}


# The nginx binary and the modules to load, or the reason why there is none.  A
# module that was built but does not load is no reason to skip.
sub find_nginx
{
    my $binary = $ENV{TEST_NGINX_BINARY};

    ($binary) = grep { -x } map { "$_/nginx" } split(/:/, $ENV{PATH}),
                '/usr/sbin'
        unless $binary;

    return { reason => 'there is no nginx' } unless $binary;

    return { binary => $binary, modules => [] }
        if `'$binary' -V 2>&1` =~ /--add-module=/;

    my @modules = split ' ', $ENV{TEST_NGINX_LOAD_MODULES} || '';

    @modules = built_module($binary) unless @modules;

    return { reason => 'the module was not built' } unless @modules;

    return { binary  => $binary,
             modules => [map { Cwd::abs_path($_) || $_ } @modules] };
}


# there may be builds for several nginx versions: the newest that loads
sub built_module
{
    my ($binary) = @_;
    my (%age, @loads);

    return unless -d 'build';

    File::Find::find({ no_chdir => 1, wanted => sub {
        $age{$_} = -M $_ if m{/ngx_http_schema1_module\.so$};
    } }, 'build');

    my @found = sort { $age{$a} <=> $age{$b} } keys %age;

    for my $module (map { Cwd::abs_path($_) } @found) {
        return $module
            if try_block({ binary => $binary, modules => [$module] },
                         { context => 'http', block => '' }) eq '';
    }

    return @found ? $found[0] : ();
}


# what "nginx -t" says of a block, "" where it is content
sub try_block
{
    my ($nginx, $block) = @_;

    my $dir = prepare($nginx, $block);
    my $output = `'$nginx->{binary}' -t -p $dir -c $dir/nginx.conf 2>&1`;

    return '' if !$? && $output !~ /\[(?:warn|emerg|alert|error)\]/;

    return $output || "nginx -t failed\n";
}


# Runs nginx with a block; "change" is a list of pairs, a text that the block
# has to have and what takes its place.  "port" maps ports of the block to ports
# to listen on.
sub start_block
{
    my ($nginx, $block, %opt) = @_;

    my $dir = prepare($nginx, $block, %opt);
    my $pid = fork;

    die "fork() failed: $!\n" unless defined $pid;

    if ($pid == 0) {
        open STDERR, '>', "$dir/logs/stderr";
        exec $nginx->{binary}, '-p', $dir, '-c', "$dir/nginx.conf",
             '-g', 'daemon off; master_process off;'
            or POSIX::_exit(1);
    }

    $running{$pid} = 1;

    for (1 .. 100) {
        last if -s "$dir/nginx.pid";
        sleep 0.05;
    }

    return { dir => $dir, pid => $pid };
}


# stops it and returns its error log
sub stop_block
{
    my ($server) = @_;

    kill 'TERM', $server->{pid};
    waitpid $server->{pid}, 0;
    delete $running{$server->{pid}};

    return slurp("$server->{dir}/logs/stderr")
           . slurp("$server->{dir}/logs/error.log");
}


sub prepare
{
    my ($nginx, $block, %opt) = @_;

    my $dir = File::Temp::tempdir('schema1-docs-XXXXXX', TMPDIR => 1,
                                  CLEANUP => 1);
    my $temp = join ' ', map { "${_}_temp_path $dir/temp/$_;" }
               qw(client_body proxy fastcgi uwsgi scgi);
    my $http = "http { $temp access_log $dir/logs/access.log;";
    my $conf = $block->{block};
    my $context = $block->{context};

    if ($context eq 'main') {
        $conf =~ s/^load_module .*\n//mg;
        $conf =~ s/^http \{/$http/m;

    } else {
        $conf = "location /v2/ {\n$conf\n}" if $context eq 'location';
        $conf = "server {\nlisten 18080;\n$conf\n}"
            if $context =~ /^(?:location|server)$/;
        $conf = "events { }\n$http\n$conf\n}\n";
    }

    my @change = @{$opt{change} || []};

    while (my ($from, $to) = splice @change, 0, 2) {
        die "the block has no \"$from\"\n" if index($conf, $from) < 0;
        $conf =~ s/\Q$from\E/$to/g;
    }

    $conf =~ s{/var/log/nginx/}{$dir/logs/}g;
    $conf =~ s{/var/cache/nginx/}{$dir/cache/}g;
    $conf =~ s{/etc/(?:nginx|ssl)/}{$dir/etc/}g;

    # high ports of 127.0.0.1 only
    $conf =~ s{(\blisten\s+)(\d+)\b}{
        my $port = $opt{port}{$2} || ($2 < 1024 ? $2 + 20000 : $2);
        "${1}127.0.0.1:$port"
    }ge;

    make_path(map { "$dir/$_" } qw(logs temp cache etc));
    make_keys($dir, $conf);

    spew("$dir/nginx.conf", join("\n",
        "pid $dir/nginx.pid;", "error_log $dir/logs/error.log;",
        (map { "load_module $_;" } @{$nginx->{modules}}), $conf));

    return $dir;
}


# whatever key, certificate or password file a configuration names
sub make_keys
{
    my ($dir, $conf) = @_;

    my @certs = $conf =~ /_(?:trusted_)?certificate\s+(\S+);/g;
    my @keys = $conf =~ /_(?:certificate_)?key\s+(\/\S+);/g;
    my @passwords = $conf =~ /_password_file\s+(\S+);/g;
    my @users = $conf =~ /\bauth_basic_user_file\s+(\S+);/g;

    # "proxy_cache_key $uri" and the like are none
    for my $file (@certs, @keys, @passwords, @users) {
        make_path($1) if $file =~ m{^(\Q$dir\E/.*)/};
    }

    if (@certs || @keys) {
        run("openssl req -x509 -newkey ec -pkeyopt"
            . " ec_paramgen_curve:P-256 -nodes -keyout $dir/key"
            . " -out $dir/cert -days 2 -subj /CN=example");
        run("openssl pkcs8 -topk8 -v2 aes-256-cbc -in $dir/key"
            . " -out $dir/key.encrypted -passout pass:secret");
    }

    for my $file (@keys) {
        my $encrypted = @passwords
                        && $conf =~ /schema_conversion_key\s+\Q$file\E;/;

        spew($file, slurp($encrypted ? "$dir/key.encrypted" : "$dir/key"));
        chmod 0600, $file;
    }

    spew($_, slurp("$dir/cert")) for @certs;
    spew($_, "user:{PLAIN}secret\n") for @users;

    for my $file (@passwords) {
        spew($file, "secret\n");
        chmod 0600, $file;
    }
}


sub run
{
    my ($command) = @_;

    my $output = `$command 2>&1`;

    die "$command: $output\n" if $?;
}


# those of an interrupted run
END {
    kill 'TERM', keys %running if $$ == $owner;
}


1;
