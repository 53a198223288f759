# Copyright (C) the ngx_http_schema1_module authors

# Each allocation of a request fails once: the response is the right one, an
# error of the server or a closed connection, in time; nothing leaks, and the
# next request gets its response.
#
# The module is built again, with t/lib/alloc.h in front of each file; "make
# asan" builds it so itself.

use Cwd qw(abs_path);
use File::Basename qw(dirname);

my $counter;

BEGIN {
    my $top = abs_path(dirname(__FILE__) . '/..');
    my $build = $ENV{BUILD} || "$top/build";

    if (!$ENV{SCHEMA1_SANITIZED}) {
        local $ENV{BUILD} = "$build/alloc";
        local $ENV{BINARY} = $ENV{TEST_NGINX_BINARY} ? 1 : '';

        # variables that are not set have a value, too
        my $cc = $ENV{CC} || 'cc';
        my $fill = '-ftrivial-auto-var-init=pattern';
        $fill = '' if system "$cc $fill -Werror -xc -c -o /dev/null /dev/null"
                             . ' 2> /dev/null';

        # other flags: other objects
        my ($sum) = `cksum < $top/t/lib/alloc.h` =~ /^(\d+)/;
        local $ENV{CFLAGS} = "-g -O1 -fPIC -include $top/t/lib/alloc.h"
                             . " -DSCHEMA1_ALLOC_SUM=$sum $fill";

        my $said = `$top/t/tools/module 2>&1`;

        die "the module is not built: $said\n" if $?;

        $ENV{TEST_NGINX_LOAD_MODULES} =
            "$build/alloc/ngx_http_schema1_module.so";
    }

    $counter = $ENV{SCHEMA1_ALLOC} = "$build/alloc.$$";
    open my $file, '>', $counter or die "$counter: $!\n";
    print $file pack 'LLL', 0, 0, 0;
    close $file;
}

use Schema1;
use Schema1::Client;
use Schema1::Made;

master_on();
workers(1);
repeat_each(1);

plan tests => 28 * 3 + 3 + 5;

our $v2 = type_of('docker', 'manifest');

our $app = image('team/app:1', layers => 3);
our $oci = image('team/oci:1', format => 'oci');
our $list = list('team/list:1', entries => [
    image('team/list', format => 'oci')]);
our $made = Schema1::Made::made_schema2($oci)->{body};
our $plain = document('team/plain:1', 'application/json', '{"a":"b"}');
answer('/v2/team/plain/manifests/1', type => 'application/json');

image('team/bare:1');
answer('/v2/team/bare/manifests/1', headers => []);
image('team/kept:1');
answer('/v2/team/kept/manifests/1', add => ['X-Kept' => 'yes']);
image('team/denied:1');
answer(qr{^GET /v2/team/denied/blobs/}, status => 401, body => 'denied',
       headers => ['WWW-Authenticate' => 'Basic realm="x"']);
our $wide = '{"x":"' . 'y' x 1_000_000 . '"}';
answer('/v2/team/wide/manifests/1', status => 200, type => 'application/json',
       body => $wide, headers => [], chunked => 1);

our $away = image('team/away:1');
answer("GET /v2/team/away/blobs/$away->{config_digest}", status => 307,
       headers => [Location =>
           "http://127.0.0.1:$ENV{TEST_NGINX_STORAGE_PORT}/config?a=b"]);
answer('storage:GET /config', status => 200, body => $away->{config});

image('team/own:1');
answer("GET /v2/team/own/blobs/$away->{config_digest}", status => 307,
       headers => [Location => '/v2/team/own/blobs/moved?a=b']);
answer('GET /v2/team/own/blobs/moved', status => 200, body => $away->{config});

# longer than the first block of memory for it
image('team/parts:1', config => { x => 'y' x 40_000 });
answer(qr{^GET /v2/team/parts/blobs/}, chunked => 1);

image('team/vary:1');
answer('/v2/team/vary/manifests/1', add => [Vary => 'Origin', Vary => 'Cookie']);
our $strict = image('team/strict:1', format => 'oci');

# expired when it is stored
image('team/stale:1');
answer(qr{ /v2/team/stale/}, add => ['X-Accel-Expires' => '@1']);

our $modules = `nginx -V 2>&1` =~ /--modules-path=(\S+)/ && $1 || '';

our $config = "
    schema_conversion_key $ENV{TEST_NGINX_KEYS}/ec256.pem;
    schema_conversion_redirect '/far far away';

    location /v2/ {
        schema_conversion on;
        proxy_pass http://127.0.0.1:$ENV{TEST_NGINX_MOCK_PORT};
        PLACE
    }

    location = '/far far away' {
        internal;
        proxy_set_header X-Cookie \$http_cookie;
        proxy_set_header X-Referer \$http_referer;
        proxy_pass \$schema1_redirect_url;
    }

    location = /status {
        schema_conversion_status;
    }
";

our $zone = '
    schema_conversion_cache_zone one:1m;
';

sub signed
{
    my ($name) = @_;

    return sub {
        eval { check_schema1($_[0]{body}, "$name$_[1]", '1'); 1 };
    };
}


sub equal
{
    my ($body) = @_;

    return sub { $_[0]{body} eq $body };
}


# Fails each allocation of a request in turn; returns what went wrong.  With
# "kept", the upstream's response of that status may pass instead.
sub fail_each
{
    my ($path, $headers, $right, %opt) = @_;

    # these would be the registry's fault
    my $blamed = qr/"(?:digest_mismatch|unproven|invalid_\w+)"/;

    my @wrong;
    my $kept = $opt{kept} // 0;
    my @options = (@$headers, '' => { method => $opt{method} || 'GET',
                                      timeout => 5 });
    my (undef, $worker) = processes();

    # what is sent for a client without Accept is kept for the next ones
    for my $n (1 .. 8, 0) {
        count($n);
        ask('/v2/team/none/manifests/1');
    }

    count(0);
    ask('/v2/');
    my ($sockets, $blocks) = (sockets($worker), blocks());

    for my $n (1 .. 2000) {
        my $tag = ref $path ? $n : '';
        my @request = ($tag ? $path->($n) : $path, @options);

        count($n);
        my $answer = ask(@request);
        my $fired = count(0) >= $n;
        my $good = $right->($answer, $tag);

        push @wrong, "allocation $n: wrong: $answer->{raw}"
            unless $good || $fired && ($answer->{raw} eq ''
                                       || $answer->{status} >= 500
                                          && $answer->{body} !~ $blamed
                                       || $answer->{status} == $kept);
        push @wrong, "allocation $n: after $answer->{seconds} s"
            if $answer->{seconds} > 4;

        if (!$fired) {
            push @wrong, 'no allocation is counted' if $n == 1;
            last;
        }

        $answer = ask(@request);
        push @wrong, "allocation $n: the next is wrong: $answer->{raw}"
            unless $right->($answer, $tag) && $answer->{seconds} < 4;

        last if @wrong > 3;
    }

    # nginx closes and frees after it has answered
    for (1 .. 40) {
        last if sockets($worker) <= $sockets && blocks() == $blocks;
        select undef, undef, undef, 0.05;
    }

    push @wrong, 'connections stay open' if sockets($worker) > $sockets;
    push @wrong, 'of ' . blocks() . " blocks only $blocks were there before"
        if blocks() != $blocks;
    push @wrong, 'the worker has ended' if (processes())[1] != $worker;

    return join "\n", @wrong;
}


# Writes the edited configuration, for another nginx beside the one under test;
# returns it.
sub configure
{
    my ($edit) = @_;

    my $dir = $Schema1::servroot;

    local $_ = Schema1::Keys::slurp($Test::Nginx::Util::ConfFile);

    s/^(\s*pid\s+).*$/$1$dir\/logs\/alloc.pid;/m;
    s/^(\s*listen\s+\S*:)\d+/$1 . Schema1::free_port()/gem;
    $edit->();
    Schema1::Keys::put("$dir/conf/alloc.conf", $_);

    return $_;
}

# Starts nginx with that configuration, and the n-th allocation fails.  Returns
# the exit status, whether there was such an allocation, and what nginx said.
sub start_nginx
{
    my ($n, $option) = @_;

    my $dir = $Schema1::servroot;
    my $nginx = $Test::Nginx::Util::NginxBinary;
    my $said = "$dir/logs/alloc.said";

    count($n);

    my $status = system "$nginx $option -e $dir/logs/alloc.log -p $dir/"
                        . " -c $dir/conf/alloc.conf >$said 2>&1";

    return $status, count(0) >= $n, Schema1::Keys::slurp($said);
}

# Fails each allocation in turn of an "nginx -t" with the edited configuration;
# returns what went wrong, and what nginx said.
sub fail_each_configuration
{
    my ($blocks, @wrong) = blocks();
    my $keyed = configure(@_) =~ /schema_conversion_key/;
    my $all = '';

    for my $n (1 .. 1000) {
        my ($status, $fired, $said) = start_nginx($n, '-t');

        $all .= $said;

        push @wrong, "allocation $n: status $status: $said"
            if $status != ($fired ? 256 : 0);

        # what has been read is freed after an error
        push @wrong, "allocation $n: of " . blocks() . ' blocks only '
                     . "$blocks were there before"
            if blocks() != $blocks && ($fired || !$keyed);

        if (!$fired || $status == 0) {
            push @wrong, 'no allocation is counted' if $n == 1;
            last;
        }

        last if @wrong > 3;
    }

    return join("\n", @wrong), $all;
}


# sets the allocation to fail, returns how many there were
sub count
{
    my ($fails) = @_;

    open my $file, '+<', $counter or die "$counter: $!\n";
    sysread $file, my $bytes, 12;
    sysseek $file, 0, 0;
    syswrite $file, pack 'LL', $fails, 0;
    close $file;

    return (unpack 'LL', $bytes)[1];
}


# blocks of memory that are not free
sub blocks
{
    return (unpack 'LLL', Schema1::Keys::slurp($counter))[2];
}


sub sockets
{
    my ($pid) = @_;

    return scalar grep { (readlink $_ // '') =~ /^socket:/ }
                  glob "/proc/$pid/fd/*";
}


# the different requests to the storage, with the client's credentials if any
sub to_storage
{
    my %requests;

    for my $request (grep { $_->{host} eq 'storage' } asked()) {
        my @credentials = map { "$_->[0]: $_->[1]" }
                          grep { lc $_->[0] eq 'authorization' }
                          @{$request->{headers}};

        $requests{"@$request{qw(method uri)}@credentials"} = 1;
    }

    return sort keys %requests;
}


add_block_preprocessor(sub {
    my ($block) = @_;

    my $place = $block->place // '';

    $block->set_value(main_config => ($block->main_config // '')
                      . "\nenv SCHEMA1_ALLOC;\n");
    $block->set_value(config => $config =~ s/PLACE/$place/r);
    $block->set_value(request => 'GET /v2/') unless defined $block->request;
    $block->set_value(no_error_log => "[alert]\n");
});

run_tests();

END {
    unlink $counter if $counter;
}
__DATA__

=== TEST 1: each allocation of a conversion to schema 1 can fail
--- place
        add_header X-History $schema1_history;
--- after
is(fail_each('/v2/team/app/manifests/1', [], ::signed('team/app')), '', 'failures');



=== TEST 2: each allocation of HEAD of a conversion can fail
--- after
is(fail_each('/v2/team/app/manifests/1', [],
    sub { $_[0]{status} == 200 && $_[0]{header}{etag} }, method => 'HEAD'), '', 'failures');



=== TEST 3: each allocation of a conversion to schema 2 can fail
--- after
is(fail_each('/v2/team/oci/manifests/1',
    [Accept => "$::v2, application/json"], ::equal($::made)), '', 'failures');



=== TEST 4: each allocation of a conversion of a list's child can fail
--- after
is(fail_each('/v2/team/list/manifests/1', [], ::signed('team/list')), '', 'failures');



=== TEST 5: each allocation of a conversion that follows a redirect can fail
--- after
is(fail_each('/v2/team/away/manifests/1?x=y',
    [Authorization => 'Basic dTpw'], ::signed('team/away')), '', 'failures');
is(join("\n", ::to_storage()), 'GET /config?a=b', 'no credentials');



=== TEST 6: each allocation of a response that passes can fail
--- place
        add_header X-History $schema1_history;
--- after
is(fail_each('/v2/team/app/manifests/1', [Accept => $::v2],
    ::equal($::app->{body})), '', 'failures');



=== TEST 7: each allocation of a generic type that passes can fail
--- after
is(fail_each('/v2/team/plain/manifests/1', [],
    ::equal($::plain->{body})), '', 'failures');



=== TEST 8: each allocation of the empty layer can fail
--- after
is(fail_each('/v2/team/app/blobs/' . ::EMPTY_LAYER, [],
    sub { length $_[0]{body} == 32 }), '', 'failures');



=== TEST 9: each allocation of a conversion that fills the cache can fail
--- http_config eval: $::zone
--- place
        schema_conversion_cache one;
        rewrite ^/v2/team/app[0-9]+/(.*)$ /v2/team/app/$1 break;
--- after
my $n;
is(fail_each(sub { "/v2/team/app@{[$n = $_[0]]}/manifests/1" }, [],
    ::signed('team/app')), '', 'failures');

# without space, another one is dropped
my $zone = JSON::PP::decode_json(ask('/status')->{body})->{caches}{one};
is($zone->{entries} + $zone->{evictions}, $n, 'an entry for each name');

# no entry has an incomplete key
is(fail_each(sub { "/v2/team/app0$_[0]/manifests/1" }, [],
    ::signed('team/app0')), '', 'failures with entries in the cache');



=== TEST 10: each allocation of a pull by digest can fail
--- http_config eval: $::zone
--- place
        schema_conversion_cache one;
--- request
GET /v2/team/app/manifests/1
--- after
is(fail_each("/v2/team/app/manifests/$digest", [], ::equal($body),
    kept => 404), '', 'failures');



=== TEST 11: each allocation of a conversion in a thread can fail
--- main_config
thread_pool one threads=1;
--- place
        schema_conversion_thread_pool one;
--- after
is(fail_each('/v2/team/app/manifests/1', [], ::signed('team/app')), '', 'failures');



=== TEST 12: each allocation of a hit after a HEAD can fail
--- http_config eval: $::zone
--- place
        schema_conversion_cache one revalidate=head;
--- request
GET /v2/team/kept/manifests/1
--- after
is(fail_each('/v2/team/kept/manifests/1', [],
    sub { $_[0]{body} eq $body && $_[0]{header}{'x-kept'} }), '', 'failures');

# what cannot be asked by a HEAD is asked by a GET
my $gets = grep {
    $Schema1::registry->reset;
    count($_);
    my $answer = ask('/v2/team/kept/manifests/1');
    count(0);
    my $said = CORE::join ' ', map { $_->{method} } asked();
    $answer->{body} eq $body && $said =~ /GET/ && $said !~ /HEAD/
} 1 .. 60;
cmp_ok($gets, '>', 0, 'a GET in place of the HEAD');



=== TEST 13: each allocation of a conversion after a HEAD can fail
--- http_config eval: $::zone
--- place
        schema_conversion_cache one revalidate=head;
--- request
GET /v2/team/bare/manifests/1
--- after
is(fail_each('/v2/team/bare/manifests/1', [], ::signed('team/bare')), '', 'failures');



=== TEST 14: each allocation of a denied response that is forwarded can fail
--- after
is(fail_each('/v2/team/denied/manifests/1', [],
    sub { $_[0]{status} == 401 && $_[0]{header}{'www-authenticate'}
          && $_[0]{body} =~ /\A(?:denied)?\z/ }), '', 'failures');



=== TEST 15: each allocation of a conversion of generated content can fail
--- place eval
"location = /v2/team/app/manifests/1 {
    schema_conversion on;
    default_type $::app->{type};
    return 200 '$::app->{body}';
}"
--- after
is(fail_each('/v2/team/app/manifests/1', [], ::signed('team/app')), '', 'failures');



=== TEST 16: each allocation of a document in slices can fail
--- place
        slice 4;
        proxy_set_header Range $slice_range;
        proxy_http_version 1.1;
--- after
is(fail_each('/v2/team/plain/manifests/1', [],
    ::equal($::plain->{body})), '', 'failures');



=== TEST 17: a document of 1 MiB takes few allocations
--- after
count(1_000_000);
my $answer = ask('/v2/team/wide/manifests/1');
my $allocations = count(0);
ok($answer->{body} eq $::wide, 'came');
cmp_ok($allocations, '<', 40, 'allocations') or diag($allocations);



=== TEST 18: each allocation with variables and Vary lines can fail
--- http_config
    map $http_user_agent $agent {
        default  some;
    }
--- place
        schema_conversion_accept $http_x_accept;
        schema_conversion_platform $http_x_platform;
        proxy_set_header X-Agent $agent;
--- after
is(fail_each('/v2/team/vary/manifests/1', ['X-Accept' => 'application/json',
    'X-Platform' => 'linux/amd64'], ::signed('team/vary')), '', 'failures');



=== TEST 19: no line of Accept is lost if an allocation fails
--- after
is(fail_each('/v2/team/strict/manifests/1',
    [Accept => "$::strict->{type}, application/json"],
    ::equal($::strict->{body})), '', 'failures');



=== TEST 20: each allocation of a redirect within the registry can fail
--- after
is(fail_each('/v2/team/own/manifests/1?x=y', [], ::signed('team/own')), '', 'failures');



=== TEST 21: each allocation of an update in the background can fail
--- http_config
    proxy_cache_path logs/proxy keys_zone=proxied:1m;
--- place
        proxy_cache proxied;
        proxy_cache_key $uri;
        proxy_cache_use_stale updating;
        proxy_cache_background_update on;
--- request
GET /v2/team/stale/manifests/1
--- after
is(fail_each('/v2/team/stale/manifests/1', [], ::signed('team/stale')), '', 'failures');



=== TEST 22: each allocation of the status can fail
--- http_config eval: $::zone
--- after
is(fail_each('/status', [], sub { eval { JSON::PP::decode_json($_[0]{body}) } }),
   '', 'failures');



=== TEST 23: each allocation of a configuration can fail
--- main_config
thread_pool one threads=1;
--- http_config eval
"$::zone schema_conversion_cache_zone two:1m inactive=1d;"
--- place
        schema_conversion_thread_pool one;
        schema_conversion_cache one;
        schema_conversion_password_file $TEST_NGINX_KEYS/password;
        schema_conversion_certificate $TEST_NGINX_KEYS/chain.pem;
        if ($arg_x) {
            add_header X-History $schema1_history;
        }
--- after
my ($wrong, $said) = fail_each_configuration(sub {});
is($wrong, '', 'failures');

# of a file that could not be read nothing else is said
my %unread = map { $_ => 1 } $said =~ /\[emerg\]\ "schema_conversion_(\w+)":
    \ read\(\)\ \S+\ failed\ \(12:\ Cannot\ allocate\ memory\)/gx;
is(join(' ', sort keys %unread), 'certificate key password_file',
   'each file is named');
unlike($said, qr/is empty|holds no/, 'no file is blamed');



=== TEST 24: each allocation of a configuration without a key can fail
--- http_config eval: $::zone
--- place
        schema_conversion_cache one;
--- after
my ($wrong) = fail_each_configuration(sub {
    s/^\s*schema_conversion_key.*$//m;
});
is($wrong, '', 'failures');



=== TEST 25: each allocation for a long config without a length can fail
--- after
is(fail_each('/v2/team/parts/manifests/1', [], ::signed('team/parts')), '',
   'failures');



=== TEST 26: each allocation of the key that a start makes can fail
--- after
# without an error of the module it ends with the log, which is opened later
configure(sub {
    s/^\s*schema_conversion_key.*$//m;
    s/^(\s*http\s*\{)/$1\n    access_log $Schema1::servroot\/no\/log;/m;
});

my %ends = (key => 0, log => 0, both => 0);
my $nokey = qr/\[emerg\] "schema_conversion" without "schema_conversion_key"/;

for my $n (1 .. 1000) {
    my (undef, $fired, $said) = start_nginx($n, '');

    my $key = $said =~ /$nokey could not make a key: [^()\n]+ in /;
    my $log = $said =~ /no\/log/;

    $ends{$key && $log ? 'both' : $key ? 'key' : 'log'}++ if $key || $log;

    last if !$fired;
}

cmp_ok($ends{key}, '>', 3, 'a key cannot be made');
is("$ends{log} $ends{both}", '1 0', 'and nginx ends');



=== TEST 27: the allocation of a cache's first entry can fail
--- http_config eval
CORE::join '', map { "schema_conversion_cache_zone z$_:32k;\n" } 1 .. 150
--- place eval
CORE::join '', map { "
        location /v2/team/app$_/ {
            schema_conversion_cache z$_;
            rewrite ^/v2/team/app[0-9]+/(.*)\$ /v2/team/app/\$1 break;
            proxy_pass http://127.0.0.1:$ENV{TEST_NGINX_MOCK_PORT};
        }
" } 1 .. 150
--- after
is(fail_each(sub { "/v2/team/app$_[0]/manifests/1" }, [],
    ::signed('team/app')), '', 'failures');



=== TEST 28: each allocation for the output of echo_location can fail
--- skip_eval
3: $ENV{TEST_NGINX_BINARY} || !-f "$::modules/ngx_http_echo_module.so"
--- main_config eval
"load_module $::modules/ngx_http_echo_module.so;"
--- place eval
"location = /v2/team/plain/manifests/1 {
    schema_conversion on;
    default_type application/json;
    echo_location /v2/raw;
}
location = /v2/raw {
    return 200 '$::plain->{body}';
}"
--- after
is(fail_each('/v2/team/plain/manifests/1', [],
    ::equal($::plain->{body})), '', 'failures');
