#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# How the module is configured and built: libraries, compilers, shells, and the
# version.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

my $top = abs_path(dirname(__FILE__) . '/..');
my $dir = tempdir(CLEANUP => 1);
my $feature = ($ENV{NGINX_SRC} || '/usr/share/nginx/src') . '/auto/feature';

SKIP: {
    -f $feature or skip 'no nginx source', 7;
    slurp($feature) !~ /check_cache/
        or skip 'auto/feature of Angie needs the rest of its configure', 7;

    config_finds_jansson();
    config_requires_dumpb();
    config_searches_prefixes();
}

missing_packages_are_named();
spaces_are_rejected();
module_builds_with_posix_tools();
module_builds_on_macos();
module_builds_with_predefined_macro();
nginx_headers_come_first();
versions_agree();

done_testing();


sub config_finds_jansson
{
    like(configured(), qr/^libs -ljansson OPENSSL/m,
         'configure finds the system\'s jansson');
}


sub config_requires_dumpb
{
    mkdir "$dir/old";
    put("$dir/old/jansson.h", <<'END');
typedef struct json_t  json_t;
json_t *json_loadb(const char *p, size_t len, size_t flags, void *error);
void json_decref(json_t *v);
END
    put("$dir/old/jansson.c", <<'END');
#include <stddef.h>
#include <jansson.h>
json_t *json_loadb(const char *p, size_t len, size_t f, void *e) { return 0; }
void json_decref(json_t *v) { }
END

    is(system("cc -shared -fPIC -I$dir/old -o $dir/old/libjansson.so"
              . " $dir/old/jansson.c"), 0, 'a library without json_dumpb()');

    like(configured("-I $dir/old", "-L$dir/old"),
         qr/requires the jansson library 2\.10 or later/,
         'configure rejects jansson without json_dumpb()');
}


# compiles nothing: the test is passed where the prefix is named
sub config_searches_prefixes
{
    for my $prefix (qw(/usr/local /opt/homebrew)) {
        put("$dir/cc", <<END);
#!/bin/sh
case " \$* " in
*" -I $prefix/include "*" -L$prefix/lib -ljansson"*)
    for out; do [ "\$last" = -o ] && break; last=\$out; done
    echo > \$out && chmod 755 \$out ;;
*) exit 1 ;;
esac
END
        chmod 0755, "$dir/cc";

        my $said = configured('', '', "$dir/cc");

        like($said, qr{^libs -L\Q$prefix\E/lib -ljansson OPENSSL}m,
             "configure finds jansson in $prefix");
        like($said, qr{^incs .*\Q$prefix\E/include}m,
             "the module is compiled with the headers in $prefix");
    }
}


# what configure makes of "config"
sub configured
{
    my ($flags, $libs, $cc) = @_;

    my $test = tempdir(DIR => $dir);

    mkdir "$test/auto";
    put("$test/auto/feature", slurp($feature));
    put("$test/auto/module", <<'END');
echo incs $ngx_module_incs
echo libs $ngx_module_libs
END

    local %ENV = (%ENV, CC => $cc || 'cc', CC_AUX_FLAGS => $flags // '',
                  NGX_TEST_LD_OPT => $libs // '', ngx_addon_dir => $top,
                  NGX_AUTOCONF_ERR => "$test/err", NGX_RPATH => 'NO',
                  NGX_AUTOTEST => "$test/autotest");

    return scalar `cd '$test' && sh -c '. "\$ngx_addon_dir/config"' 2>&1`;
}


sub missing_packages_are_named
{
    mkdir "$dir/empty";

    local $ENV{PATH} = "$dir/empty";
    delete local $ENV{CC};
    delete local $ENV{TEST_NGINX_BINARY};

    is(scalar `'$top/t/tools/need' compiler perl nginx e2e 2>&1`,
       'not installed: cc, perl, nginx, openssl, curl, docker-registry,'
       . " buildah; on Debian run \"make deps\" first\n",
       'what is not installed is named in one line');
    isnt($?, 0, 'a target that lacks a package fails');
}


sub spaces_are_rejected
{
    delete local @ENV{qw(MAKEFLAGS BUILD NGINX_SRC)};

    for my $name (qw(BUILD NGINX_SRC)) {
        like(scalar `make -n -C '$top' $name='/a b' build 2>&1`,
             qr/^Makefile:\d+: \*\*\* nginx cannot be built with a path that/m,
             "$name with a space is rejected");
    }
}


# what POSIX has, make, and a compiler
sub module_builds_with_posix_tools
{
    mkdir "$dir/posix";

    for my $tool (qw(awk basename cat chmod cksum cmp cp cut dirname echo env
                     expr grep head ln ls mkdir mv printf pwd rm sed sh sort
                     tail test touch tr true uname wc make cc as ld))
    {
        my ($found) = grep { -x } map { "$_/$tool" } split /:/, $ENV{PATH};

        symlink $found, "$dir/posix/$tool" if $found;
    }

    local $ENV{PATH} = "$dir/posix";

    my ($status, $said) = built('cc');

    is($status, 0, 'tools of POSIX build the module') or diag($said);

    ($status, $said) = built('cc');
    is($status, 0, 'the module is built again without changes')
        or diag($said);
}


# Apple's linker has no option -z
sub module_builds_on_macos
{
    put("$dir/bin/uname", "#!/bin/sh\necho Darwin\n");
    chmod 0755, "$dir/bin/uname";

    local $ENV{PATH} = "$dir/bin:$ENV{PATH}";

    like(linked(), qr/^-fPIC$/, 'the linker gets no option that macOS lacks');
    unlink "$dir/bin/uname";
    like(linked(), qr/-z,now/, 'other linkers get hardening options');
}


# the linker's options
sub linked
{
    my ($status, $said) = built('cc');

    diag($said) if $status;

    return slurp("$dir/build/nginx/ld-opt");
}


sub module_builds_with_predefined_macro
{
    my ($status, $said) = built('cc -D_FORTIFY_SOURCE=3');

    is($status, 0, 'a compiler that defines _FORTIFY_SOURCE builds the module')
        or diag($said);
}


# by t/tools/module, from a source that has no nginx in it
sub built
{
    my ($cc) = @_;

    my $src = "$dir/nginx";

    if (!-d $src) {
        mkdir $_ for $src, "$src/auto", "$src/src", "$src/src/core",
                     "$dir/bin";
        put("$src/$_", '') for qw(auto/module auto/options src/core/nginx.h);
        put("$src/conf_flags", "NGX_CONF_FLAGS=( --one='a b' --two )\n");
        put("$src/configure", <<'END');
#!/bin/sh
[ "$1,$2" = "--one=a b,--two" ] || { echo "options: $*"; exit 1; }
for option; do
    case $option in
    --with-cc=*) cc=${option#*=} ;;
    --with-cc-opt=*) opt=${option#*=} ;;
    --with-ld-opt=*) echo "${option#*=}" > ld-opt ;;
    esac
done
mkdir -p objs
cat > objs/Makefile << MAKE
modules: objs/ngx_http_schema1_module.so
objs/ngx_http_schema1_module.so:
	echo 'int i;' > objs/stub.c
	$cc $opt -Wall -Werror -shared -o objs/ngx_http_schema1_module.so objs/stub.c
MAKE
END
    }

    local $ENV{NGINX_SRC} = $src;
    local $ENV{BUILD} = "$dir/build";
    local $ENV{CC} = $cc;
    delete local @ENV{qw(CFLAGS LDFLAGS BINARY MAKEFLAGS)};

    my $said = `sh '$top/t/tools/module' 2>&1`;

    return ($?, $said) if $?;
    return (-f "$dir/build/ngx_http_schema1_module.so" ? 0 : 1, $said);
}


# ngx_config.h defines what libc's headers depend on, such as _GNU_SOURCE
sub nginx_headers_come_first
{
    my @late;

    for my $file (map { glob "$top/$_" } 'ngx_*.c', 'src/ngx_*.[ch]') {
        my ($first) = slurp($file) =~ /^#include +(\S+)/m;

        push @late, "$file: $first" if defined $first
            && $first !~ m{^(?:<ngx_config\.h>|"(?:src/)?ngx_http_schema1)};
    }

    is(join("\n", @late), '', 'each file of the glue starts with nginx headers');
}


sub versions_agree
{
    my ($version) = slurp("$top/src/ngx_http_schema1.h")
        =~ /^#define NGX_HTTP_SCHEMA1_VERSION +"([\d.]+)"/m;

    my %said = (
        'debian/changelog'
            => qr/\A\S+ \(([\d.]+)-\d+\) /,
        'packaging/ngx_http_schema1_module.spec'
            => qr/^Version: +(\S+)$/m,
        'CHANGES'
            => qr/\A\s*Changes with ngx_http_schema1_module ([\d.]+)/,
    );

    for my $file (sort keys %said) {
        SKIP: {
            # a package's build has no debian/ but its own
            -f "$top/$file" or skip "no $file", 1;

            my ($found) = slurp("$top/$file") =~ $said{$file};

            is($found, $version, "$file has the version of the module");
        }
    }

    my ($spec) = slurp("$top/packaging/ngx_http_schema1_module.spec")
        =~ /^%changelog\n\* .* - ([\d.]+)-\d+$/m;

    is($spec, $version, 'the changelog of the spec has the same version');
}


sub slurp
{
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!\n";
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
