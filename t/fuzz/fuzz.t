#!/usr/bin/perl
#
# A short run of each fuzz target: 3 seconds, or FUZZ_SECONDS.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Temp qw(tempdir);
use Test::More;

chdir dirname(abs_path($0)) . '/../..' or die "chdir: $!\n";

my $clang = $ENV{CLANG} // 'clang';
my @targets = grep { !/^fuzz/ } map { basename($_, '.c') }
              sort glob 't/fuzz/*.c';


# the one thing that is often missing is the run time library

sub libfuzzer {
    my $dir = tempdir(CLEANUP => 1);

    open my $fh, '>', "$dir/try.c" or die "$dir/try.c: $!\n";
    print $fh "int LLVMFuzzerTestOneInput(const char *d, long n);\n"
              . "int LLVMFuzzerTestOneInput(const char *d, long n)\n"
              . "{ return !d && n; }\n";
    close $fh or die "$dir/try.c: $!\n";

    return system("$clang -fsanitize=fuzzer,address,undefined -o $dir/try "
                  . "$dir/try.c > /dev/null 2>&1") == 0;
}


plan tests => scalar @targets;

SKIP: {
    skip "$clang with libFuzzer is missing (libclang-rt-dev)",
         scalar @targets
        if !libfuzzer();

    $ENV{T} = $ENV{FUZZ_SECONDS} // 3;

    my $built = `t/fuzz/run -b 2>&1`;
    my $failed = $?;

    for my $target (@targets) {

        if ($failed) {
            fail($target);
            next;
        }

        my $said = `t/fuzz/run $target 2>&1`;
        my ($executions) = $said =~ /^\Q$target\E\s+(\d+)\s.*\bok$/m;

        ok($? == 0 && $executions,
           "$target: " . ($executions // 'no') . ' executions')
            or diag($said);
    }

    diag($built) if $failed;
}
