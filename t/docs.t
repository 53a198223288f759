# Copyright (C) the ngx_http_schema1_module authors

# README.md and docs/: every nginx block passes "nginx -t", every sh block states
# which test runs it, every directive, variable, reason and message of the sources
# is described and no other is, and every link has a target.

use strict;
use warnings;

use lib 't/lib';

use Test::More;

use Schema1::Docs;

my $reference = 'docs/reference.md';
my @pages = pages();
my @sources = ('ngx_http_schema1_module.c', sort glob('src/*.c src/core/*.c'));

my %text = map { $_ => slurp($_) } @pages;
my $code = join "\n", map { slurp($_) } @sources;

test_links();
test_names();
test_messages();
test_blocks();
test_commands();
test_log_formats();
test_files();

done_testing();

# without code, where "[x](y)" is no link

sub prose
{
    my ($markdown) = @_;

    $markdown =~ s/^```.*?^```$//gms;
    $markdown =~ s/`[^`\n]*`//g;

    return $markdown;
}


# the anchors that GitHub makes of headings

sub anchors
{
    my ($markdown) = @_;
    my (%seen, %anchors);

    $markdown =~ s/^```.*?^```$//gms;

    while ($markdown =~ /^#+ +(.*?) *$/gm) {
        my $slug = lc $1;

        $slug =~ s/[^\w\- ]//g;
        $slug =~ tr/ /-/;
        $slug .= "-$seen{$slug}" if $seen{$slug}++;

        $anchors{$slug} = 1;
    }

    return \%anchors;
}


sub test_links
{
    for my $page (@pages) {
        my @broken;

        for my $link (prose($text{$page}) =~ /\]\(([^)\s]+)\)/g) {
            next if $link =~ m!^https?://!;

            my ($path, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
            my ($dir) = $page =~ m!^(.*/)?[^/]*$!;
            my $file = $path eq '' ? $page : ($dir // '') . $path;

            $file =~ s!docs/\.\./!!;

            if (!-e $file) {
                push @broken, $link;

            } elsif (defined $anchor
                && !anchors(slurp($file))->{$anchor})
            {
                push @broken, $link;
            }
        }

        is("@broken", '', "$page: links lead somewhere");
    }
}


# directives, variables and reasons: the documents against the sources

sub test_names
{
    my %known = (
        directives => [ $code =~ /ngx_string\("(schema_conversion\w*)"\)/g ],
        variables => [ $code =~ /ngx_string\("(schema1_\w+)"\)/g ],
        reasons => [ $code =~ /^    \{ "(\w+)", +\d+, +"[A-Z_]+" \}/gm ],
    );

    my %documented = (
        directives => [ $text{$reference} =~ /^### (schema_conversion\w*)$/gm ],
        variables => [ $text{$reference} =~ /^### \$(schema1_\w+)$/gm ],
        reasons => [ $text{$reference} =~ /^#### (\w+)$/gm ],
    );

    for my $kind (sort keys %known) {
        my @known = unique(@{$known{$kind}});

        cmp_ok(scalar @known, '>', 0, "the sources have $kind");
        is_deeply([ sort @{$documented{$kind}} ], \@known,
            "$reference: $kind are those of the sources");
    }

    for my $name (@{$known{directives}}) {
        like($text{'README.md'},
            qr/^\| \[`\Q$name\E`\]\(\Q$reference\E#\Q$name\E\) \|/m,
            "README.md: $name is in the table and links to the reference");
    }
}


sub unique
{
    my %seen;

    return grep { !$seen{$_}++ } sort @_;
}


# A call's format string: neighbouring literals joined, escapes undone, what
# stands for a value replaced by a mark.

sub literals
{
    my ($from) = @_;
    my $joined = '';

    $joined .= $1 while $from =~ /\G\s*"((?:[^"\\]|\\.)*)"/gc;
    $joined =~ s/\\(.)/$1/g;
    $joined =~ s/%[.*0-9]*(?:ll|l|z|u)?[a-zA-Z]/\0/g;

    return $joined;
}


# The messages that clients and logs see are in the reference as `code`, with an
# ellipsis for each value, up to the semicolon before their solution.

sub test_messages
{
    my (@messages, %seen);

    while ($code =~ /schema1_error_set\((?:[^;"]|\n)*?(?=")/g) {
        push @messages, literals(substr($code, pos $code));
    }

    cmp_ok(scalar @messages, '>', 20, 'the sources have messages');

    my @said = $text{$reference} =~ /`([^`\n]+)`/g;
    my @missing;

    for my $message (grep { !$seen{$_}++ } map { s/;.*//sr } @messages) {
        my $pattern = join '.*', map { quotemeta } split /\0+/, $message;

        push @missing, $message =~ s/\0/.../gr
            unless grep { /^(?:\.\.\.|…)?\s*$pattern/ } @said;
    }

    is(join("\n", @missing), '',
        "$reference: has every message of the sources");

    # and back: what a table of messages quotes has to be in the sources

    (my $strings = $code) =~ s/"\s*\n\s*"//g;
    $strings =~ s/\\"/"/g;

    my @unknown;

    for my $row ($text{$reference} =~ /^- `([^`\n]+)`$/gm) {
        for my $part (split /…/, $row) {
            $part =~ s/^\s+|\s+$//g;
            push @unknown, $part
                if length $part > 7 && index($strings, $part) < 0;
        }
    }

    is(join("\n", @unknown), '',
        "$reference: quotes no message that the sources don't have");
}


sub test_blocks
{
    my @blocks = blocks();

    cmp_ok(scalar @blocks, '>', 10, 'the documents have nginx blocks');

    for my $b (@blocks) {
        ok(defined $b->{context},
            "$b->{page}:$b->{line}: says where it belongs");
    }

    my $nginx = find_nginx();

    SKIP: {
        skip $nginx->{reason}, scalar @blocks if $nginx->{reason};

        for my $b (grep { defined $_->{context} } @blocks) {
            my $output = try_block($nginx, $b);

            ok($output eq '', "$b->{page}:$b->{line}: passes nginx -t")
                or diag($output);
        }
    }
}


sub test_commands
{
    my @commands = commands();

    cmp_ok(scalar @commands, '>', 10, 'the documents have commands');

    for my $c (@commands) {
        ok(defined $c->{test},
            "$c->{page}:$c->{line}: states which test runs it, or why none");
    }
}


# the searches of one page have to find something in every log

sub test_log_formats
{
    my %formats;

    for my $file (@pages, 'debian/example/registry.conf') {
        for my $format (slurp($file) =~ /^ *log_format\s+\w+\s+(.*?);$/gms) {
            push @{$formats{$format =~ s/'\s+'//gr}}, $file;
        }
    }

    is(scalar keys %formats, 1, 'all configurations have one log format')
        or diag(explain(\%formats));
    cmp_ok(scalar(map { @$_ } values %formats), '>', 1,
        'there are several of them');
}


# the tables of files

sub test_files
{
    my $page = 'docs/architecture.md';

    for my $dir (qw(src src/core)) {
        my @files = map { m{/(?:ngx_http_)?schema1_(\w+)\.c$} } glob("$dir/*.c");
        my @missing = grep { $text{$page} !~ /`\Q$_\E`/ } @files;

        cmp_ok(scalar @files, '>', 10, "$dir has files");
        is("@missing", '', "$page: names every file of $dir");
    }
}
