#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# Holds the converter against documents whose schema 1 payload is known:
#
#     t/core/corpus.pl [directory]
#
# The directory (t/golden unless told) has real/ and synthetic/ with a case per
# folder: manifest.json, config.json, meta.json (name, tag) and payload.json, or
# error where distribution 2.8's builder refuses; and lists/ with index.json and
# meta.json (selected: the digest for linux/amd64, or "none").  mended.json is
# the payload where the specification goes beyond the builder.
#
# SCHEMA1 names the program, build/schema1 unless set.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use File::Basename qw/ dirname basename /;
use IPC::Open2;
use JSON::PP;

no warnings 'recursion';

my $root = dirname(__FILE__) . '/../..';
my $dir = $ARGV[0] || "$root/t/golden";
my $program = $ENV{SCHEMA1} || "$root/build/schema1";

my $empty = 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a'
            . '7c22955b46d4';

# what no old client could use, whatever the builder makes of it

my %by_type = map { $_ => 1 } qw/ foreign_layer encrypted_layer
                                  layer_compression not_an_image /;

my ($tests, $failed) = (0, 0);

-x $program or die "$program is not there: it has to be built first\n";
-d $dir or die "$dir is no directory\n";

my $pid = open2(my $from, my $to, $program, 'convert', '--batch');
binmode $from;
binmode $to;

my $found = 0;

for my $set (qw/ real synthetic /) {
    next unless -d "$dir/$set";
    check_images($set);
    $found++;
}

if (-d "$dir/lists") {
    check_lists();
    $found++;
}

ok($found, 'there are cases');

close $to;
waitpid $pid, 0;
ok($? == 0, 'the converter ended well');

print "1..$tests\n";
exit($failed ? 1 : 0);


sub check_images {
    my ($set) = @_;

    my %cases;

    for my $case (sort glob "$dir/$set/*") {
        my ($kind, $why) = check_image($case);
        push @{$cases{$kind}}, [basename($case), $why];
    }

    my %n = map { $_ => scalar @{$cases{$_} || []} }
            qw/ same refused both beyond different /;

    diag("$set: same $n{same}, refused as the builder does $n{both}, "
         . "refused though it converts $n{refused}, "
         . "beyond by the specification $n{beyond}, "
         . "different $n{different}");

    for my $kind (qw/ refused beyond different /) {
        diag("$set: $kind: $_->[0]: $_->[1]") for @{$cases{$kind} || []};
    }

    ok($n{same}, "$set: there are cases with the same bytes");
    ok($n{different} == 0, "$set: no case differs");

    # what is mended or of a type that is refused has no bytes to compare

    my @ours = grep { !$by_type{(split /:/, $_->[1])[0]} }
               @{$cases{refused} || []};
    my $share = $n{same} ? 100 * $n{same} / ($n{same} + @ours) : 0;

    diag(sprintf "%s: %.2f %% of what both can convert has the same bytes",
         $set, $share);

    my $least = $set eq 'real' ? 100 : 95;
    ok($share >= $least, "$set: the same bytes for $least % at least");
}


# kind and reason

sub check_image {
    my ($case) = @_;

    my $meta = decode_json(slurp("$case/meta.json"));
    my $manifest = slurp("$case/manifest.json");
    my $config = slurp("$case/config.json");
    my $payload = -e "$case/payload.json" ? slurp("$case/payload.json") : undef;

    my ($refused, $got) = convert($meta->{name}, $meta->{tag}, $manifest,
                                  $config);

    if ($refused) {
        return ('different', 'refused, though it has to be mended')
            if -e "$case/mended.json";
        return (defined $payload ? 'refused' : 'both', $got);
    }

    if (-e "$case/mended.json" && slurp("$case/mended.json") ne $got) {
        return ('different', 'not mended as before');
    }

    if (defined $payload) {
        return ('same', '') if $got eq $payload;
    }

    my $why = eval { mended($got, $payload, $manifest, $config) };

    return $why ? ('beyond', $why)
                : ('different', $@ || 'other bytes than the builder');
}


# why the payload may be another than the builder's, or an empty string

sub mended {
    my ($got, $payload, $manifest, $config) = @_;

    my $image = parse($config);
    my @layers = map { string(get($_, 'digest')) }
                 items(get(parse($manifest), 'layers'));
    my @history = items(get($image, 'history'));
    my @filled = grep { !is_true(get($_, 'empty_layer')) } @history;

    my $new = JSON::PP->new->utf8->decode($got);

    if (!@history || @filled != @layers) {
        check_made_up($new, \@layers, $config, get($image, 'created'));

        return @history == 0 ? 'history missing or empty'
               : @filled > @layers ? 'history longer than the layers'
               : 'history shorter than the layers';
    }

    die "converted, though the builder refuses\n" unless defined $payload;

    return check_stale($new, JSON::PP->new->utf8->decode($payload),
                       is_true(get($history[-1], 'empty_layer')));
}


# one entry for each layer, with the IDs that the builder would compute

sub check_made_up {
    my ($new, $layers, $config, $token) = @_;

    my $created = '0001-01-01T00:00:00Z';
    my ($parent, $n) = ('', scalar @$layers);

    if ($token && $token->[0] eq 's'
        && $token->[1] =~ /^"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)
                            (\.\d{1,9})?(Z|[+-]\d\d:\d\d)"$/x)
    {
        my ($second, $fraction, $zone) = ($1, $2 || '', $3);

        $fraction =~ s/\.?0+$//;
        $zone =~ s/^[+-]00:00$/Z/;
        $created = "$second$fraction$zone";
    }

    die "not one entry for each layer\n"
        if !$n || @{$new->{history}} != $n || @{$new->{fsLayers}} != $n;

    for my $i (0 .. $n - 1) {
        my $digest = $layers->[$i];
        my $compat = $new->{history}[$n - 1 - $i]{v1Compatibility};

        die "layer $i is another one\n"
            if $new->{fsLayers}[$n - 1 - $i]{blobSum} ne $digest;

        my $text = (split /:/, $digest)[1] . " $parent";
        $text .= " $config" if $i == $n - 1;

        my $id = sha256_hex($text);
        my $link = $parent ne '' ? qq/,"parent":"$parent"/ : '';

        if ($i < $n - 1) {
            die "entry $i is not made up as it should be\n"
                if $compat ne qq/{"id":"$id"$link,"created":"$created",/
                              . '"container_config":{"Cmd":[""]}}';

        } else {
            my %member = map { $_->[0] => $_->[1] } members(parse($compat));

            die "the newest entry is not linked as it should be\n"
                if $member{'"id"'}[1] ne qq/"$id"/
                   || ($member{'"parent"'} || ['s', '""'])->[1]
                      ne qq/"$parent"/
                   || $member{'"throwaway"'};
        }

        $parent = $id;
    }
}


# the builder's payload but for a "parent" or "throwaway" that it only let pass

sub check_stale {
    my ($new, $old, $throwaway) = @_;

    my $compat = $old->{history}[0]{v1Compatibility};
    my (@kept, %dropped);

    for my $member (members(parse($compat))) {
        my $name = lc plain($member->[0]);

        if (($name eq 'parent' && @{$old->{history}} == 1)
            || ($name eq 'throwaway' && !$throwaway))
        {
            $dropped{$name} = 1;
            next;
        }

        push @kept, "$member->[0]:" . text($member->[1]);
    }

    $old->{history}[0]{v1Compatibility} = '{' . join(',', @kept) . '}';

    my $json = JSON::PP->new->canonical;

    return '' if !%dropped || $json->encode($old) ne $json->encode($new);

    return join ' and ', map { "stale $_" } sort keys %dropped;
}


sub check_lists {
    my (%n, @beyond, @different);

    for my $case (sort glob "$dir/lists/*") {
        my $meta = decode_json(slurp("$case/meta.json"));
        my $want = $meta->{selected};

        open my $pipe, '-|', "exec '$program' convert --platform linux/amd64 "
                             . "'$case/index.json' 2>&1" or die "fork: $!";
        chomp(my $got = join '', <$pipe>);
        close $pipe;
        my $status = $?;

        die "$program: status $status: $got\n" if $status & 127;

        my $kind = $status == 0 && $got eq $want ? 'same'
                   : $status && $want eq 'none' ? 'none'
                   : 'other';

        if ($kind eq 'other') {
            my $why = eval {
                other_entry($case, $status ? undef : $got, $want)
            };
            $kind = $why ? 'beyond' : 'different';
            push @beyond, basename($case) . ": $why" if $why;
            push @different, basename($case) . ": $got" if !$why;
        }

        $n{$kind}++;
    }

    diag(sprintf 'lists: same %d, none as the builder says %d, '
                 . 'beyond by the specification %d, different %d',
         map { $n{$_} || 0 } qw/ same none beyond different /);
    diag("lists: beyond: $_") for @beyond;
    diag("lists: different: $_") for @different;

    ok($n{same}, 'lists: there are cases with the same entry');
    ok(!@different, 'lists: no case differs');
}


# why another entry than the first of the platform may be taken

sub other_entry {
    my ($case, $got, $want) = @_;

    my @entries = items(get(parse(slurp("$case/index.json")), 'manifests'));

    if (!defined $got) {
        my ($first) = grep { string(get($_, 'digest')) eq $want } @entries;

        return $want !~ /^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/
               ? 'a digest that is none' : '';
    }

    my ($entry) = grep { string(get($_, 'digest')) eq $got } @entries;
    my $platform = get($entry, 'platform');

    if ($want eq 'none') {
        my $list = qr/index|list/;
        my ($image) = grep { string(get($_, 'mediaType')) !~ $list } @entries;
        my $placed = grep {
            my $os = string(get(get($_, 'platform'), 'os'));
            my $architecture = string(get(get($_, 'platform'),
                                          'architecture'));

            "$os$architecture" ne ''
                && "$os/$architecture" ne 'unknown/unknown';
        } @entries;

        return 'the first image, no entry has a platform'
            if !$placed && $image && $image == $entry;

        return !get($platform, 'os')
               && string(get($entry, 'mediaType')) =~ /index|list/
               ? 'a nested index' : '';
    }

    my ($first) = grep { string(get($_, 'digest')) eq $want } @entries;

    return string(get(get($first, 'platform'), 'variant')) !~ /^(?:v1)?$/
           && string(get($platform, 'variant')) =~ /^(?:v1)?$/
           ? 'an entry of a plainer variant' : '';
}


sub convert {
    my @part = @_;

    $_ = encode_utf8_of($_) for @part[0, 1];

    print $to pack('N4', map { length } @part), @part;
    $to->flush;

    read($from, my $head, 5) == 5 or die "the converter died\n";
    my ($status, $len) = unpack 'CN', $head;

    my $got = '';

    while (length $got < $len) {
        read($from, $got, $len - length $got, length $got)
            or die "the converter died\n";
    }

    return ($status, $got);
}


# an ordered tree of bytes: JSON::PP would lose repeated names and bad UTF-8

sub parse {
    my ($json) = @_;

    my @token = $json =~ /\G[ \t\r\n]*("(?:[^"\\]++|\\.)*+"|[][{},:]
                           |[^][{},:" \t\r\n]+)/gsx;
    my $pos = 0;

    return value(\@token, \$pos);
}


sub value {
    my ($token, $pos) = @_;

    my $t = $token->[$$pos++];
    my @items;

    die "no value\n" unless defined $t;

    return ['s', $t] unless $t eq '{' || $t eq '[';

    my $close = $t eq '{' ? '}' : ']';

    while ($token->[$$pos] ne $close) {
        $$pos++ if $token->[$$pos] eq ',';

        if ($t eq '{') {
            my $name = $token->[$$pos];
            $$pos += 2;
            push @items, [$name, value($token, $pos)];

        } else {
            push @items, value($token, $pos);
        }
    }

    $$pos++;

    return [$t, @items];
}


sub text {
    my ($value) = @_;

    my ($type, @items) = @$value;

    return $items[0] if $type eq 's';

    return '[' . join(',', map { text($_) } @items) . ']' if $type eq '[';

    return '{' . join(',', map { "$_->[0]:" . text($_->[1]) } @items) . '}';
}


sub items {
    my ($value) = @_;

    return () unless $value && $value->[0] eq '[';

    return @{$value}[1 .. $#$value];
}


sub members {
    my ($value) = @_;

    return () unless $value && $value->[0] eq '{';

    return @{$value}[1 .. $#$value];
}


# the last of a name, in any case; nothing where it is null

sub get {
    my ($object, $name) = @_;

    my $value;

    for my $member (members($object)) {
        next unless lc(plain($member->[0])) eq lc $name;
        $value = $member->[1];
    }

    return undef if $value && $value->[0] eq 's' && $value->[1] eq 'null';

    return $value;
}


sub plain {
    my ($name) = @_;

    $name =~ s/^"|"$//g;
    $name =~ s/\\u00([0-7][0-9a-f])/chr hex $1/gie;
    $name =~ s/\xc5\xbf|\x{17f}/s/g;

    return $name;
}


sub string {
    my ($value) = @_;

    return '' unless $value && $value->[0] eq 's';

    return plain($value->[1]);
}


sub is_true {
    my ($value) = @_;

    return $value && $value->[0] eq 's' && $value->[1] eq 'true';
}


sub encode_utf8_of {
    my ($text) = @_;

    utf8::encode($text);

    return $text;
}


sub slurp {
    my ($file) = @_;

    open my $in, '<:raw', $file or die "$file: $!\n";
    local $/;
    my $bytes = <$in>;

    return defined $bytes ? $bytes : '';
}


sub ok {
    my ($good, $name) = @_;

    $tests++;
    $failed++ unless $good;

    print $good ? '' : 'not ', "ok $tests - $name\n";
}


sub diag {
    my ($text) = @_;

    $text =~ s/[^\x20-\x7e]/?/g;
    print "# $text\n";
}
