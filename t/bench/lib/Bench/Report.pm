package Bench::Report;

# Copyright (C) the ngx_http_schema1_module authors

# What was measured, against what it should be: tables in Markdown, a verdict for
# each figure, all of it as JSON.

use strict;
use warnings;

use JSON::PP;

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

    $self->table('What it must reach', ['Figure', 'Measured', 'Must be',
                                        'Reached'],
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


sub spread
{
    my ($ratios, $format) = @_;

    $format ||= '%.3f';

    return sprintf "$format ($format to $format)",
                   @$ratios{qw(median min max)};
}


1;
