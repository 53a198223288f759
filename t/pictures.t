# Copyright (C) the ngx_http_schema1_module authors

# The pictures of README.md and docs/ are what docs/pictures/draw draws from
# the sources and the results of today, and each is in a page.

use strict;
use warnings;

use lib 't/lib';

use File::Temp qw(tempdir);
use Test::More;

use Schema1::Docs;

my $dir = tempdir(CLEANUP => 1);
my @pages = pages();
my $text = join '', map { slurp($_) } @pages;

is(system($^X, 'docs/pictures/draw', $dir), 0, 'docs/pictures/draw runs');

my @drawn = map { s!.*/!!r } sort glob "$dir/*.svg";

is_deeply([map { s!.*/!!r } sort glob 'docs/pictures/*.svg'], \@drawn,
          'each picture in docs/pictures is drawn by the script');
cmp_ok(scalar @drawn, '>', 3, 'there are pictures');

for my $name (@drawn) {
    my $svg = slurp("$dir/$name");

    ok(slurp("docs/pictures/$name") eq $svg,
       "$name: \"make pictures\" changes nothing");
    like($text, qr/\]\((?:docs\/)?pictures\/\Q$name\E\)/, "$name: in a page");
    is_deeply([unclosed($svg)], [], "$name: every element is closed");
}

test_states();
test_changes();

done_testing();


# the names of elements that are not closed, or closed too often
sub unclosed
{
    my ($svg) = @_;
    my (@open, @wrong);

    while ($svg =~ m{<(/?)(\w+)((?:[^<>"]|"[^"<]*")*?)(/?)>}g) {
        my ($end, $name, $empty) = ($1, $2, $4);

        push @open, $name unless $end || $empty;
        push @wrong, $name if $end && (pop @open // '') ne $name;
    }

    return (@open, @wrong);
}


# the states in the picture are those of the source
sub test_states
{
    my ($enum) = slurp('src/ngx_http_schema1.h')
                 =~ /typedef enum \{([^}]*)\} ngx_http_schema1_state_e;/;
    my @states = sort grep { $_ ne 'STATES' }
                 $enum =~ /\bNGX_HTTP_SCHEMA1_(\w+)/g;
    my $svg = slurp('docs/pictures/states.svg');
    my @boxes = $svg =~ /<text class="text mono"[^>]*>([A-Z_]+)</g;

    is_deeply([sort @boxes], \@states, 'each state has a box');
}


# a result that changes changes the picture
sub test_changes
{
    my $copy = tempdir(CLEANUP => 1);

    is(system('cp', '-r', '--parents', 'docs/pictures', 't/bench/results.md',
              'src', $copy), 0, 'copied');
    is(system($^X, '-pi', '-e', 's/^(\| c .*?)\d{4,}/${1}12345/',
              "$copy/t/bench/results.md"), 0, 'changed a result');
    is(system($^X, "$copy/docs/pictures/draw", $dir), 0, 'drawn again');

    like(slurp("$dir/throughput.svg"), qr/>12,345</,
         'the picture has the changed result');
}
