package Bench::Report;

# Copyright (C) the ngx_http_schema1_module authors

# Results and targets, as tables in Markdown.

use strict;
use warnings;

use List::Util qw(max sum);

use Schema1::Servers;


sub new
{
    my ($class) = @_;

    return bless { text => '', verdicts => [], missed => 0 }, $class;
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
        my ($row) = @_;

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


# $rule: "least" or "most"
sub verdict
{
    my ($self, $what, $value, $rule, $bound, $format) = @_;

    my $good = $rule eq 'least' ? $value >= $bound : $value <= $bound;

    $self->{missed}++ unless $good;

    push @{$self->{verdicts}},
         [$what, sprintf($format || '%.3f', $value),
          "at $rule " . sprintf('%g', $bound), $good ? 'yes' : '**no**'];
}


# true: all targets are reached
sub finish
{
    my ($self, $file) = @_;

    $self->table('Targets', ['Result', 'Measured', 'Target', 'Reached'],
                 @{$self->{verdicts}});

    Schema1::Servers::put($file, $self->{text});

    printf "\n%d targets reached, %d missed\n",
           @{$self->{verdicts}} - $self->{missed}, $self->{missed};

    return !$self->{missed};
}


sub median
{
    my @sorted = sort { $a <=> $b } @_;
    my $half = @sorted / 2;

    return @sorted % 2 ? $sorted[$half]
                       : ($sorted[$half - 1] + $sorted[$half]) / 2;
}


# "median (least to most)"
sub spread
{
    my @sorted = sort { $a <=> $b } @_;

    return sprintf '%.2f', @sorted if @sorted == 1;

    return sprintf '%.2f (%.2f to %.2f)', median(@sorted), @sorted[0, -1];
}


# The quotient of two series of several starts, block by block: the mean of the
# starts' medians, and its interval of 95 per cent (bootstrap: starts are drawn,
# and blocks of each).
sub paired
{
    my ($one, $other) = @_;

    my @starts = map {
        my $s = $_;
        [map { $one->[$s][$_] / $other->[$s][$_] } 0 .. $#{$one->[$s]}];
    } 0 .. $#$one;
    my @drawn;

    # the same data, the same interval
    srand 1;

    for (1 .. 1000) {
        push @drawn, sum(map {
            my $start = $starts[rand @starts];
            median(map { $start->[rand @$start] } @$start) } @starts)
            / @starts;
    }

    @drawn = sort { $a <=> $b } @drawn;

    return { ratio => sum(map { median(@$_) } @starts) / @starts,
             low => $drawn[25], high => $drawn[974] };
}


sub interval
{
    my ($of) = @_;

    return sprintf '%.3f (%.3f to %.3f)', @$of{qw(ratio low high)};
}


# The results of the last run replace those in a document: the sections that it
# has, by the first word of their titles.  Another file gets all of them.
sub write_into
{
    my ($file, $results, $all) = @_;

    my $text = Schema1::Servers::slurp($file);
    my ($head, @sections) = split /^(?=### )/m,
                                  Schema1::Servers::slurp($results);

    Schema1::Servers::put($all, "# Results of the last run of make bench\n\n",
                          $head =~ s/^\n+//r, @sections);

    $text =~ /<!-- results -->\n(.*)<!-- \/results -->/s
        or die "$file: no <!-- results --> and <!-- /results -->\n";

    my %has = map { $_ => 1 } $1 =~ /^### (\S+)/mg;
    my $chosen = join '', $head, grep { /^### (\S+)/ && $has{$1} } @sections;

    $chosen =~ s/^\n+|\n+\z//g;

    $text =~ s/(<!-- results -->\n).*(<!-- \/results -->)/$1\n$chosen\n\n$2/s;

    Schema1::Servers::put($file, $text);
}


1;
