package Schema1::Prometheus;

# Copyright (C) the ngx_http_schema1_module authors

# Debian's Prometheus and promtool, from t/tools/prometheus.
#
#     my $dir = tools();                  "" without them; $why has the reason
#     my $error = check_metrics($text);   "" if promtool accepts it

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp;

our @EXPORT_OK = qw(tools check_metrics);

our ($dir, $why);

my $top = abs_path(dirname(__FILE__) . '/../../..');


sub tools
{
    return $dir if defined $dir;

    local $ENV{BUILD} = $ENV{BUILD} || "$top/build";

    my $log = File::Temp->new;

    $dir = qx('$top/t/tools/prometheus' 2>'$log');
    chomp $dir;

    seek $log, 0, 0;
    $why = join ' ', map { split } <$log>;

    return $dir = $? == 0 ? $dir : '';
}


sub check_metrics
{
    my ($text) = @_;

    my $dir = tools();
    my $in = File::Temp->new;

    print $in $text;
    close $in;

    my $said = qx('$dir/promtool' check metrics <'$in' 2>&1);

    return $? == 0 && $said eq '' ? '' : "status $?: $said";
}


1;
