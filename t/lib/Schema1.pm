package Schema1;

# Copyright (C) the ngx_http_schema1_module authors

# The scaffold of the Test::Nginx files in t/.
#
#     use Schema1;
#
#     plan tests => repeat_each() * (blocks() * 4);
#
#     our $app = image('team/app:1', format => 'oci', layers => 2);
#
#     run_tests();
#
#     __DATA__
#
#     === TEST 1: an OCI image becomes schema 1
#     --- request
#     GET /v2/team/app/manifests/1
#     --- schema1
#     team/app:1 2 layers ES256
#     --- asked eval
#     "GET /v2/team/app/manifests/1
#         !Range
#     GET /v2/team/app/blobs/$::app->{config_digest}"
#
# It brings all of Test::Nginx::Socket, and:
#
# Documents, served by a mock registry for the whole file.  They are written
# before run_tests(), and "our" makes them visible in "eval" sections.
#
#     image('name:tag', %opt)       a manifest, its config and layers under a
#                                   tag ('name' alone: only by its digest)
#     list('name:tag', %opt)        a manifest list or OCI index
#     document('name:tag', $type, $bytes)    anything else
#     blob('name', $bytes)          returns its digest
#
#     The options are those of Schema1::Documents (format, layers, history,
#     config, manifest, platform; entries, list); the hashes returned have type,
#     body, digest, config, config_digest, layers.  An OCI document or a list is
#     only sent to a request that names its type, as by distribution; with
#     "strict => 0" it is sent for any request.  The registry knows
#     If-None-Match and Range.
#
# Odd answers, for the whole file too: use a name of its own for each.
#
#     answer('GET /v2/a/manifests/1', %changes)    changes the usual answer;
#         without a method: any; "storage:GET /x" is a request to the storage;
#         a pattern (qr//) is matched against the whole of it
#
#         status, type, body; headers (a list of names and values, in the place
#         of the usual ones) or add (more of them); delay (seconds before the
#         header), stall (after it), hang (after the body); drip ([bytes,
#         seconds]), drip_header; truncate (bytes sent), length (the
#         Content-Length sent), chunked, trailers, until_close, http ('1.0'),
#         gzip, keepalive; reset ('header': before it, 'body': after the body)
#
#     answer('GET /x', sub { my ($socket, $request) = @_; ... })
#     protect('name', 'Basic dTpw')    401 for all who don't say this
#
# Blocks of one shape:
#
#     rows($block, [...], [...])    adds a block for each row, which has the
#         values of its "%s"
#
# Ports, all on 127.0.0.1, to be used in sections and in the environment:
# $TEST_NGINX_MOCK_PORT (the registry), $TEST_NGINX_STORAGE_PORT (another
# host), $TEST_NGINX_DEAD_PORT (refuses), $TEST_NGINX_CLIENT_PORT (nginx
# itself), $TEST_NGINX_RAND_PORT_1 and so on (free ones).
#
# $TEST_NGINX_KEYS is a folder of keys; Schema1::Keys lists them.
#
# Sections:
#
#     --- config      the server's; by default it is
#                         location /v2/ {
#                             schema_conversion on;
#                             schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
#                             proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
#                             <section location>
#                         }
#                         <section server>
#     --- location    more lines for that location, "$key" apart: a line with
#                     schema_conversion_key takes the place of the one above
#     --- server      more lines for that server
#     --- schema1     NAME:TAG N layers [ALG [ARCH]]; the body is a schema 1
#                     manifest by Docker's own rules, and its signature is valid
#                     (one test)
#     --- payload     the exact payload of the signed body (one test)
#     --- asked       requests that the mock received, in order (one test): a
#                     line for each request ("METHOD URI", "storage METHOD
#                     URI"), below it, indented, headers that it must have
#                     ("Accept: a, b"), match ("Accept ~ regex") or not have
#                     ("!Range").  Empty: there was no request.
#     --- schema1_log  what the variables were, a line for each request:
#                         $schema1_status $schema1_source_type
#                         $schema1_source_digest $schema1_digest $schema1_reason
#                     "*" in place of a value matches any (one test)
#
#     --- requires    N: OPTION; the N tests of the block are skipped where nginx
#                     is built without --with-OPTION
#
# Beyond what a block asks for, [alert], [crit], [emerg] or a sanitizer's report
# in the error log is a failure; "--- expect_alert" where it is meant to be.  A
# failure, too, is a message of the module that names an error of the system.
# Unless a block says otherwise, "no_error_log" is "[error]": one more test, so
# a block with a request, code and body has three.
#
# The server listens on 127.0.0.1 only.  Ports are free ones, below those that
# the system assigns to clients.  The server's folder is $BUILD/t/FILE.PID; it
# stays when a test has failed, and the end of a file says where.

use strict;
use warnings;
use feature 'state';

our ($registry, $servroot, $port);

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(make_path remove_tree);
use IO::Socket::INET;
use POSIX ();

use Schema1::Documents;
use Schema1::JWS;
use Schema1::Keys;
use Schema1::Registry;

my ($top, $build, $owner);

# before Test::Nginx is loaded: it reads the environment once
{
    $owner = $$;
    $SIG{$_} = \&interrupted for qw(HUP INT TERM);
    $top = abs_path(dirname(__FILE__) . '/../..');
    $build = $ENV{BUILD} || "$top/build";
    $port = free_port();
    $servroot = "$build/t/" . basename($0) . ".$$";

    make_path($servroot);

    $ENV{TEST_NGINX_SERVROOT} = $servroot;
    $ENV{TEST_NGINX_PORT} = $ENV{TEST_NGINX_CLIENT_PORT} = $port;
    delete @ENV{qw(TEST_NGINX_SERVER_PORT TEST_NGINX_RANDOMIZE)};

    $ENV{TEST_NGINX_LOAD_MODULES} = "$build/ngx_http_schema1_module.so"
        unless defined $ENV{TEST_NGINX_LOAD_MODULES};
    delete $ENV{TEST_NGINX_LOAD_MODULES}
        if $ENV{TEST_NGINX_LOAD_MODULES} eq '';

    # glibc overwrites what is allocated and freed, so that memory is seen that
    # is used before it is set, or after its end
    $ENV{MALLOC_PERTURB_} //= 165;

    # a proxy of the environment has no place between test and server
    delete @ENV{grep { /^(https?|all)_proxy$/i } keys %ENV};

    $registry = Schema1::Registry->new(log => "$servroot.asked",
                                       orphaned => \&stop_servers);

    $ENV{TEST_NGINX_MOCK_PORT} = $registry->port('registry');
    $ENV{TEST_NGINX_STORAGE_PORT} = $registry->port('storage');
    $ENV{TEST_NGINX_DEAD_PORT} = $registry->port('dead');
    $ENV{TEST_NGINX_KEYS} = Schema1::Keys::make("$build/keys");
}

require Test::Nginx::Socket;
Test::Nginx::Socket->import;

my @functions = qw(image list document blob answer protect asked digest json
                   empty_layer type_of EMPTY_LAYER rows run_tests read_jws
                   check_schema1);


sub import
{
    my $caller = caller;

    no strict 'refs';
    no warnings 'redefine', 'prototype';

    # as if the file had said "use Test::Nginx::Socket" itself
    eval "package $caller; use Test::Nginx::Socket; 1" or die $@;

    *{"${caller}::$_"} = \&{$_} for @functions;

    # valgrind takes its time
    repeat_each($ENV{SCHEMA1_VALGRIND} || $ENV{SCHEMA1_ONCE} ? 1 : 2);
    no_long_string();
}


# the END blocks below and of Test::Nginx stop the servers; a second signal
# would end these
sub interrupted
{
    @SIG{qw(HUP INT TERM)} = ('IGNORE') x 3;
    $$ == $owner ? exit 130 : POSIX::_exit(130);
}


sub free_port
{
    for (1 .. 1000) {
        my $try = 10240 + int rand 22000;
        my $socket = IO::Socket::INET->new(
            Listen => 1, LocalAddr => '127.0.0.1', LocalPort => $try);

        return $try if $socket;
    }

    die "no free port\n";
}


sub image
{
    my ($where, %opt) = @_;

    return served($where, image_documents(%opt), \%opt);
}


sub list
{
    my ($where, %opt) = @_;

    my $list = list_document(%opt);

    return served($where, $list, \%opt);
}


sub document
{
    my ($where, $type, $bytes, %opt) = @_;

    return served($where, { type => $type, body => $bytes, format => 'docker',
                            digest => digest($bytes) }, \%opt);
}


sub served
{
    my ($where, $document, $opt) = @_;

    my ($name, $tag) = split /:/, $where, 2;
    my $strict = $opt->{strict} // ($document->{format} eq 'oci'
                                    || $document->{type} =~ /list|index/);

    $registry->add($name, $tag, $document, strict => $strict);

    return $document;
}


sub blob
{
    my ($name, $bytes, $digest) = @_;

    $registry->add_blob($name, $bytes, $digest);

    return $digest || digest($bytes);
}


sub answer
{
    $registry->answer(@_);
}


sub protect
{
    $registry->protect(@_);
}


sub asked
{
    return $registry->asked;
}


sub run_tests
{
    $registry->start;

    add_block_preprocessor(\&complete);
    add_response_body_check(\&check);
    add_test_cleanup_handler(\&check_log);

    Test::Nginx::Socket::run_tests();
}


sub rows
{
    my ($block, @rows) = @_;

    state $blocks = do { local $/; readline *main::DATA };

    my $number = () = $blocks =~ /^=== /mg;

    for my $row (@rows) {
        $number++;
        $blocks .= "\n\n\n" . sprintf($block, @$row)
                   =~ s/^===/=== TEST $number:/r;
    }

    Test::Base::spec_string($blocks);
}


sub built_with
{
    my ($option) = @_;

    state $built = `$Test::Nginx::Util::NginxBinary -V 2>&1`;

    return $built =~ /--with-\Q$option\E(?:\s|$)/;
}


sub complete
{
    my ($block) = @_;

    my $location = $block->location // '';
    my $server = $block->server // '';

    if (defined $block->requires) {
        my ($tests, $option) = $block->requires =~ /^(\d+): *(\S+)/
            or die $block->name . ": requires: N: OPTION\n";

        # a version that no nginx has
        $block->set_value(skip_nginx => "$tests: < 999.0.0: nginx is built"
                                        . " without --with-$option")
            unless built_with($option);
    }

    if (!defined $block->config) {
        my $key = $location =~ /^\s*schema_conversion_key\b/m ? ''
                  : "schema_conversion_key $ENV{TEST_NGINX_KEYS}/ec256.pem;";

        $block->set_value(config => "
    location /v2/ {
        schema_conversion on;
        $key
        proxy_pass http://127.0.0.1:$ENV{TEST_NGINX_MOCK_PORT};
$location
    }
$server");
    }

    if (defined $block->schema1_log) {
        $block->set_value(http_config => ($block->http_config // '') . '
    log_format schema1 "$schema1_status $schema1_source_type '
            . '$schema1_source_digest $schema1_digest $schema1_reason";
    access_log logs/schema1.log schema1;
');
    }

    if (!defined $block->no_error_log && !defined $block->error_log
        && !defined $block->must_die)
    {
        $block->set_value(no_error_log => "[error]\n");
    }

    $registry->reset;
}


# runs after each request
sub check
{
    my ($block, $body, $index, $repeated, $dry_run) = @_;

    my $requests = $block->pipelined_requests // $block->request;

    return if $dry_run;

    check_body($block, $body, $index);

    # a block of several requests is checked after the last
    return if ref $requests eq 'ARRAY' && $index < $#$requests;

    check_asked($block) if defined $block->asked;
    check_access($block) if defined $block->schema1_log;

    $registry->reset;
}


sub check_body
{
    my ($block, $body, $index) = @_;

    my $name = $block->name;
    my $value = sub {
        my ($section) = @_;
        return ref $section eq 'ARRAY' ? $section->[$index] : $section;
    };

    if (defined(my $expected = $value->($block->schema1))) {
        my ($image, $tag, $layers, $alg, $architecture) = $expected =~
            /^\s*(\S+):(\S+) (\d+) layers?(?: (\w+))?(?: (\w+))?\s*$/
            or die "$name: schema1: $expected\n";

        my $jws = eval {
            check_schema1($body, $image, $tag, $layers, $architecture)
        };
        my $why = $@;

        if ($jws && $alg && $jws->{alg} ne $alg) {
            $why = "alg is $jws->{alg}\n";
        }

        Test::More::ok(!$why, "$name - schema1")
            or Test::More::diag("$why" . substr $body // '', 0, 2000);
    }

    if (defined(my $expected = $value->($block->payload))) {
        my $jws = eval { read_jws($body) };

        Test::More::is($jws ? $jws->{payload} : $@, $expected,
                       "$name - payload");
    }
}


sub check_asked
{
    my ($block) = @_;

    my $name = $block->name;
    my (@expected, @asked, @wrong);

    for my $line (split /\n/, $block->asked) {
        next if $line =~ /^\s*$/;

        if ($line =~ /^\s/ && @expected) {
            push @{$expected[-1]{headers}}, $line =~ s/^\s+//r;

        } else {
            push @expected, { line => $line =~ s/^\s+|\s+$//gr };
        }
    }

    @asked = asked();

    my $said = join "\n", map {
        ($_->{host} eq 'storage' ? 'storage ' : '') . "$_->{method} $_->{uri}"
    } @asked;

    if ($said ne join "\n", map { $_->{line} } @expected) {
        push @wrong, "requests differ";

    } else {
        for my $i (0 .. $#expected) {
            push @wrong, map { wrong_header($_, $asked[$i]) }
                         @{$expected[$i]{headers} || []};
        }
    }

    Test::More::ok(!@wrong, "$name - asked")
        or Test::More::diag(join "\n", @wrong, 'the mock was asked:', map {
            ("$_->{host} $_->{method} $_->{uri}",
             map { "    $_->[0]: $_->[1]" } @{$_->{headers}})
        } @asked);
}


sub wrong_header
{
    my ($rule, $request) = @_;

    my ($not, $name, $how, $value) =
        $rule =~ /^(!?)([\w-]+)\s*(?:([:~])\s*(.*?)\s*)?$/
        or return "no rule for a header: $rule";

    my @has = map { $_->[1] } grep { lc $_->[0] eq lc $name }
              @{$request->{headers}};

    return if $not && !@has;
    return if !$not && @has == 1
              && (!defined $how || ($how eq ':' ? $has[0] eq $value
                                                : $has[0] =~ /$value/));

    return "$request->{method} $request->{uri}: \"$rule\" does not hold, "
           . (@has ? "it has: " . join ' | ', @has : 'there is none');
}


# nginx logs after it has answered
sub check_access
{
    my ($block) = @_;

    my $file = "$servroot/logs/schema1.log";
    my $expected = $block->schema1_log =~ s/\s+\z//r;
    my $pattern = join '', map { $_ eq '*' ? '\S+' : quotemeta }
                           split /([ \n])/, $expected;
    my $said = '';

    for (1 .. 40) {
        $said = -e $file ? Schema1::Keys::slurp($file) : '';
        $said =~ s/\s+\z//;
        last if $said =~ /^$pattern\z/;
        select undef, undef, undef, 0.05;
    }

    # a list would be empty where it does not match, and the name be the truth
    my $matches = $said =~ /^$pattern\z/ ? 1 : 0;

    Test::More::ok($matches, $block->name . ' - schema1_log')
        or Test::More::diag("expected: $expected\nsaid: $said");

    truncate $file, 0 if -e $file;
}


sub check_log
{
    my ($block) = @_;

    my $file = "$servroot/logs/error.log";

    return if defined $block->expect_alert || !-e $file;

    open my $log, '<', $file or return;

    my @bad = grep {
        /\[(alert|crit)\]|AddressSanitizer|runtime error:/
        || /\[emerg\]/ && !defined $block->must_die
        || !/\[emerg\]/ && /\bschema(?:1 |_conversion).* \(\d+: [A-Z]/
    } <$log>;

    # not a test of its own: it would have to be planned
    if (@bad) {
        Test::More::fail($block->name . ' - the error log is clean');
        Test::More::diag(@bad[0 .. ($#bad < 20 ? $#bad : 20)]);
    }
}


# Test::Nginx knows no address to listen on
{
    no strict 'refs';
    no warnings 'redefine', 'prototype';

    my $write = \&Test::Nginx::Util::write_config_file;

    *Test::Nginx::Util::write_config_file = sub ($$$) {
        $write->(@_);

        my $file = $Test::Nginx::Util::ConfFile;
        my $text = Schema1::Keys::slurp($file);

        $text =~ s/^(\s*listen\s+)(?=\d+\b(?!\.))/${1}127.0.0.1:/mg;
        Schema1::Keys::put($file, $text);
    };
}


# Test::Nginx knows a server by its pid file, which one that is starting does
# not have yet
sub stop_servers
{
    my $signal = 'TERM';

    for my $try (1 .. 200) {
        my @pids = grep { $_ != $$ && command_of($_) =~ m{\Q$servroot\E/} }
                   map { m{(\d+)} } glob '/proc/[0-9]*';

        return unless @pids;

        $signal = 'KILL' if $try == 100;
        kill $signal, @pids;
        select undef, undef, undef, 0.05;
    }
}


# empty for a process that has ended
sub command_of
{
    my ($pid) = @_;

    open my $in, '<', "/proc/$pid/cmdline" or return '';
    local $/;

    return <$in> // '';
}


# after Test::Nginx's own, which stops the server
END {
    if ($registry && $$ == $owner) {
        my $status = $?;
        my $builder = Test::More->builder;

        # Test::Nginx turns off Test::More's own status when a line of the log
        # fails a test twice
        $status ||= 1 unless $builder->is_passing
                             && $builder->current_test
                                == ($builder->expected_tests || 0);

        $registry->stop;
        stop_servers();
        unlink "$servroot.asked";

        if ($status == 0) {
            remove_tree($servroot);

        } else {
            Test::More::diag("the server's files are in $servroot");
        }

        $? = $status;
    }
}


1;
