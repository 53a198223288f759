package Bench::Report;

# Copyright (C) the ngx_http_schema1_module authors

# What was measured, against what it should be: tables in Markdown, a verdict for
# each figure, all of it as JSON.

use strict;
use warnings;

use JSON::PP;
use List::Util qw(sum);

use Schema1::Servers;


sub new
{
    my ($class) = @_;

    return bless { text => '', verdicts => [], data => {} }, $class;
}


# prints at once: a run takes minutes
sub say
{
    my ($self, @text) = @_;

    my $text = join '', @text, "\n";

    $self->{text} .= $text;
    print $text;
}


sub table
{
    my ($self, $title, $head, @rows) = @_;

    my @width = map { my $i = $_; max(map { length $_->[$i] } $head, @rows) }
                0 .. $#$head;
    my $line = sub {
        my ($row, $fill) = @_;

        return '| ' . join(' | ', map {
            $_ ? sprintf("%*s", $width[$_], $row->[$_])
               : sprintf("%-*s", $width[$_], $row->[$_]) } 0 .. $#$row) . ' |';
    };

    $self->say("\n### $title\n");
    $self->say($line->($head));
    $self->say('| ', join(' | ', map { $_ ? '-' x ($width[$_] - 1) . ':'
                                          : '-' x $width[$_] } 0 .. $#width),
               ' |');
    $self->say($line->($_)) for @rows;
}


# $least or $most: the bound
sub verdict
{
    my ($self, $what, $value, $rule, $bound, $format) = @_;

    $format ||= '%.3f';

    my $good = $rule eq 'least' ? $value >= $bound : $value <= $bound;

    push @{$self->{verdicts}}, {
        what => $what, value => $value, rule => $rule, bound => $bound,
        good => $good ? JSON::PP::true : JSON::PP::false,
        row => [$what, sprintf($format, $value),
                "at $rule " . sprintf('%g', $bound), $good ? 'yes' : '**no**'],
    };
}


sub data
{
    my ($self, $section, $data) = @_;

    $self->{data}{$section} = $data;
}


# true: all figures are as they should be
sub finish
{
    my ($self, $dir) = @_;

    my @verdicts = @{$self->{verdicts}};

    $self->table('Targets', ['Result', 'Measured', 'Target', 'Reached'],
                 map { delete $_->{row} } @verdicts)
        if @verdicts;

    $self->{data}{verdicts} = \@verdicts;

    Schema1::Servers::put("$dir/results.json", JSON::PP->new->canonical->pretty
                          ->encode($self->{data}));
    Schema1::Servers::put("$dir/results.md", $self->{text});

    my $missed = grep { !$_->{good} } @verdicts;

    $self->say(sprintf "\n%d figures reached, %d missed", @verdicts - $missed,
               $missed);

    return !$missed;
}


sub max
{
    my ($max, @rest) = @_;

    for (@rest) {
        $max = $_ if $_ > $max;
    }

    return $max;
}


sub median
{
    my @sorted = sort { $a <=> $b } @_;
    my $half = @sorted / 2;

    return @sorted % 2 ? $sorted[$half]
                       : ($sorted[$half - 1] + $sorted[$half]) / 2;
}


# "median (least to most)" of the quotients of two series, pair by pair
sub ratios
{
    my ($one, $other) = @_;

    my @ratios = sort { $a <=> $b }
                 map { $one->[$_] / $other->[$_] } 0 .. $#$one;

    return { median => median(@ratios), min => $ratios[0],
             max => $ratios[-1] };
}


# The quotient of two series, block by block, of several starts: the mean of the
# starts' medians, and between what it lies with 95 per cent (bootstrap: starts
# are drawn, and blocks of each); "least" and "most" of the starts.
sub paired
{
    my ($one, $other) = @_;

    my @starts = map {
        my $s = $_;
        [map { $one->[$s][$_] / $other->[$s][$_] } 0 .. $#{$one->[$s]}];
    } 0 .. $#$one;

    my @medians = sort { $a <=> $b } map { median(@$_) } @starts;
    my @drawn;

    # the same data, the same interval
    srand 1;

    for (1 .. 1000) {
        my $sum = 0;

        for (@starts) {
            my $start = $starts[rand @starts];

            $sum += median(map { $start->[rand @$start] } @$start);
        }

        push @drawn, $sum / @starts;
    }

    @drawn = sort { $a <=> $b } @drawn;

    return { ratio => sum(@medians) / @medians, low => $drawn[25],
             high => $drawn[974], least => $medians[0],
             most => $medians[-1] };
}


sub interval
{
    my ($of) = @_;

    return sprintf '%.3f (%.3f to %.3f)', @$of{qw(ratio low high)};
}


# The results of the last run replace those in a document: the sections that it
# has, by the first word of their titles.  t/bench/results.md gets all of them.
sub write_into
{
    my ($file, $dir, $all) = @_;

    my $text = Schema1::Servers::slurp($file);
    my $run = Schema1::Servers::slurp("$dir/results.md");
    my ($head, @sections) = split /^(?=### )/m, $run;

    Schema1::Servers::put($all, "# Results of the last run of make bench\n\n"
                                . $run =~ s/^\n+//r);

    $text =~ /<!-- results -->\n(.*)<!-- \/results -->/s
        or die "$file: no <!-- results --> and <!-- /results -->\n";

    my %has = map { $_ => 1 } $1 =~ /^### (\S+)/mg;
    my $results = join '', $head, grep { /^### (\S+)/ && $has{$1} } @sections;

    $results =~ s/^\n+|\n+\z//g;

    $text =~ s/(<!-- results -->\n).*(<!-- \/results -->)/$1\n$results\n\n$2/s;

    Schema1::Servers::put($file, $text);
}


# the same of a series; of one value that alone
sub spread_of
{
    my ($series) = @_;

    my @sorted = sort { $a <=> $b } @$series;

    return sprintf '%.2f', @sorted if @sorted == 1;

    return spread({ median => median(@sorted), min => $sorted[0],
                    max => $sorted[-1] }, '%.2f');
}


sub spread
{
    my ($ratios, $format) = @_;

    $format ||= '%.3f';

    return sprintf "$format ($format to $format)",
                   @$ratios{qw(median min max)};
}


1;
