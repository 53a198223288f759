#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# nginx's build lists every source and header, and what the module shows.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More tests => 5;

my $top = abs_path(dirname(__FILE__) . '/..');

is(listed('yes', 'ngx_module_srcs'),
   there('*.c', 'src/ngx_*.c', 'src/core/*.c'), 'sources');
is(listed('yes', 'ngx_module_deps'), there('src/ngx_*.h', 'src/core/*.h'),
   'headers');
like(listed('no', 'ngx_module_srcs'), qr/requires the jansson library/,
     'without jansson: a plain error');
unlike(listed('yes', 'ngx_module_libs'), qr/version-script/,
       'linked into nginx it hides nothing');

# the module that the tests load
SKIP: {
    my $module = $ENV{TEST_NGINX_LOAD_MODULES}
        or skip 'the module is linked into nginx', 1;
    my @shown = `nm -D --defined-only '$module'`;

    is(join(' ', sort map { (split)[2] } @shown),
       'ngx_module_names ngx_module_order ngx_modules',
       'loaded by it it shows no more than nginx looks up');
}


sub there
{
    return join "\n", sort map { glob "$top/$_" } @_;
}


# config as configure runs it, with only what it calls
sub listed
{
    my ($found, $variable) = @_;

    my $dir = tempdir(CLEANUP => 1);

    mkdir "$dir/auto";
    put("$dir/auto/feature", "ngx_found=$found\n");
    put("$dir/auto/module", "echo \$$variable\n");

    my $said = `cd '$dir' && ngx_addon_dir='$top' sh -c '. "\$ngx_addon_dir/config"' 2>&1`;

    return $found eq 'yes' ? join "\n", sort split ' ', $said : $said;
}


sub put
{
    my ($file, $text) = @_;

    open my $out, '>', $file or die "$file: $!\n";
    print $out $text;
    close $out or die "$file: $!\n";
}
