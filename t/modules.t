#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# Other modules beside this one, loaded before and after it: those of Debian's
# packages libnginx-mod-http-* that are installed.  Each one is active in the
# location that converts, if it has anything to do there.
#
# The results are written to $BUILD/matrix/results/modules, for t/matrix/table.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(make_path);
use POSIX qw(strftime);
use Test::More;

use Schema1::Documents;
use Schema1::JWS;
use Schema1::Keys;
use Schema1::Registry;
use Schema1::Servers;

# name (of the package and, as a rule, of the module), what to load before it,
# directives of the location, what the response has to have; "after" is the
# response where a body filter, loaded after the module, changes what the
# registry sends before the module receives it
my @modules = (
    { name => 'auth-pam' },
    { name => 'brotli-filter', location => 'brotli on; brotli_types *;' },
    { name => 'cache-purge' },
    { name => 'dav-ext' },
    { name => 'echo', file => 'echo',
      location => 'echo_after_body "the tail";', tail => "the tail\n",
      after => qr/502 .*hashes to/ },
    { name => 'fancyindex' },
    { name => 'geoip2' },
    { name => 'headers-more-filter',
      location => 'more_set_headers "X-Other: yes";', header => 1 },
    { name => 'image-filter' },
    { name => 'js', main => 1, location => <<'END', header => 1,
        js_header_filter main.header;
        js_body_filter main.body;
END
    },
    { name => 'lua', first => ['ndk_http_module'], location => <<'END',
        rewrite_by_lua_block { ngx.req.set_header("X-Lua", "yes") }
        access_by_lua_block { ngx.sleep(0.01) }
        header_filter_by_lua_block { ngx.header["X-Other"] = "yes" }
        body_filter_by_lua_block { local chunk = ngx.arg[1] }
        log_by_lua_block { ngx.log(ngx.INFO, ngx.var.schema1_status) }
END
      header => 1 },
    { name => 'modsecurity', location => <<'END' },
        modsecurity on;
        modsecurity_rules 'SecRuleEngine On';
END
    { name => 'perl' },
    { name => 'set-misc', first => ['ndk_http_module'],
      location => 'set_sha1 $sum $uri; add_header X-Other yes;',
      header => 1 },
    { name => 'srcache-filter',
      location => 'srcache_fetch GET /fetch; srcache_store PUT /store;' },
    { name => 'subs-filter',
      location => 'subs_filter_types *; subs_filter never-there x;' },
    { name => 'uploadprogress' },
    { name => 'upstream-fair' },
    { name => 'xslt-filter' },
);

my $build = $Schema1::Servers::build;
my $own = $ENV{TEST_NGINX_LOAD_MODULES} // "$build/ngx_http_schema1_module.so";

plan skip_all => 'the module is linked into nginx' if $own eq '';

my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
my ($version) = `'$nginx' -V 2>&1` =~ m{nginx/([\d.]+)};
my ($path) = `'$nginx' -V 2>&1` =~ /--modules-path=(\S+)/;

# another nginx than the packages are for
$path = '/nonexistent' if $ENV{TEST_NGINX_BINARY} || !defined $path;

my $servers = Schema1::Servers->new("$build/t/modules");
my $registry = Schema1::Registry->new(log => "$build/t/modules/asked");
my $keys = Schema1::Keys::make("$build/keys");
my $image = image_documents(format => 'docker');
my $upstream = $registry->port('registry');
my (@results, $number);

$registry->add('team/app', '1', $image);
$registry->start;

for my $module (@modules) {
    my $file = "$path/ngx_http_" . ($module->{name} =~ tr/-/_/r) . '_module.so';

    SKIP: {
        -f $file or skip "libnginx-mod-http-$module->{name} is not installed",
                         2;

        my @found = map { side_by_side($module, $file, $_) } 0, 1;

        push @results, join "\t", $module->{name}, $version, @found,
                       strftime('%Y-%m-%d', gmtime);
    }
}

$registry->stop;

if (@results) {
    make_path("$build/matrix/results");
    Schema1::Servers::put("$build/matrix/results/modules",
                          map { "$_\n" } @results);
}

done_testing();


# one test; returns what the table says
sub side_by_side
{
    my ($module, $file, $last) = @_;

    my @load = ((map { "$path/$_.so" } @{$module->{first} || []}), $file);
    my $port = Schema1::Servers::free_port();
    my $name = 'nginx' . ++$number;

    @load = $last ? ($own, @load) : (@load, $own);

    my $wrong = eval {
        start($name, $port, $module, @load);
        wrong($module, $port, "/v2/team/app/manifests/1");
    } // $@;

    eval { $servers->stop($name) };

    my $log = Schema1::Servers::slurp($servers->dir($name, 'error.log'));

    $wrong ||= $1 if $log =~ /^(.*\[(?:alert|crit|emerg)\].*)$/m;

    my $title = "$module->{name} is loaded "
                . ($last ? 'after' : 'before') . ' the module';

    if ($last && $module->{after}) {
        like($wrong, $module->{after}, "$title: what it changed is refused")
            or return 'FAILED';

        return '502';
    }

    is($wrong, '', "$title: clients receive the right manifest")
        or return 'FAILED';

    return 'passed';
}


sub start
{
    my ($name, $port, $module, @load) = @_;

    my $dir = $servers->dir($name);
    my $load = join '', map { "load_module $_;\n" } @load;
    my $user = $> == 0 ? 'user root;' : '';
    my $temp = join ' ', map { "${_}_temp_path $dir/$_;" }
               qw(client_body proxy fastcgi uwsgi scgi);
    my $script = $module->{main} ? "js_path $dir; js_import main from main.js;"
                                 : '';
    my $location = $module->{location} // '';

    make_path($dir);
    Schema1::Servers::put("$dir/main.js", <<'END');
function header(r) { r.headersOut['X-Other'] = 'yes'; }
function body(r, data, flags) { r.sendBuffer(data, flags); }
export default { header, body };
END

    Schema1::Servers::put("$dir/nginx.conf", <<END);
$load
$user
daemon off;
worker_processes 1;
pid $dir/nginx.pid;
error_log $dir/error.log info;
events { }
http {
    $temp
    access_log $dir/access.log;
    $script

    server {
        listen 127.0.0.1:$port;

        location /v2/ {
            schema_conversion on;
            schema_conversion_key $keys/ec256.pem;
            proxy_pass http://127.0.0.1:$upstream;
            $location
        }

        location = /fetch { return 404; }
        location = /store { return 200; }
    }
}
END

    my @command = ($nginx, '-e', "$dir/error.log", '-p', $dir,
                   '-c', "$dir/nginx.conf");
    my $said = `@command -t 2>&1`;

    die $said if $?;

    $servers->spawn($name, @command);
    $servers->wait_for($name, 30, sub { Schema1::Servers::answers($port) });
}


# what an old and a modern client receive
sub wrong
{
    my ($module, $port, $uri) = @_;

    my $tail = $module->{tail} // '';

    # twice: the second may come from a cache of the other module
    for my $try (1, 2) {
        my ($status, $headers, $body) =
            Schema1::Servers::get("http://127.0.0.1:$port$uri");

        return "old client: $status $body" if $status != 200;
        return "old client: no tail" if $body !~ s/\Q$tail\E\z//;

        my $checked = eval { check_schema1($body, 'team/app', '1') };

        return "old client: $@" unless $checked;
        return "old client: no header of the other module"
            if $module->{header} && ($headers->{'x-other'} // '') ne 'yes';

        ($status, $headers, $body) = Schema1::Servers::get(
            "http://127.0.0.1:$port$uri", Accept => $image->{type});

        return "modern client: $status" if $status != 200;
        return "modern client: another body"
            if $body ne $image->{body} . $tail;
    }

    return '';
}
