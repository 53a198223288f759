# Copyright (C) the ngx_http_schema1_module authors

# Histories that do not match the layers, and what a config brings along.

use Schema1;
use Schema1::Made;

plan tests => repeat_each() * 120;

our %golden;

for (glob('t/golden/synthetic/{beyond-*history*,r0[235]-*}'),
     glob('t/golden/real/*'))
{
    my ($case) = m{golden/(.*)$};

    next unless -e "$_/mended.json" || -e "$_/payload.json";

    my $golden = golden($case);
    my $name = 'golden/' . lc $case =~ s{.*/}{}r;

    $golden{$case =~ s{.*/}{}r} = $golden;
    document("$name:$golden->{tag}", $golden->{type}, $golden->{body});
    blob($name, $golden->{config});
}

# they all have one name
our $rewrite = '
    rewrite ^/v2/app/web/(.*)$ /v2/golden/$http_x_case/$1 break;
';

sub cases
{
    my @cases = map { ref $_ ? @$_ : $_ } @_;

    return ([('GET /v2/app/web/manifests/1.0') x @cases],
            [map { "X-Case: $_" } @cases],
            [map { $golden{$_}{payload} } @cases],
            [map { my $n = () = $golden{$_}{payload} =~ /"blobSum"/g;
                   "app/web:1.0 $n layers" } @cases]);
}

our @none = cases(qw(beyond-no-history-three beyond-no-history-one
    beyond-null-history beyond-empty-history beyond-oci-no-history));
our @differs = cases(qw(beyond-history-short beyond-history-long
                        beyond-history-only-empty));
our @stale = cases(qw(r05-stale-parent r05-stale-parent-case
                      r05-stale-throwaway beyond-no-history-stale));
our @empty = cases(qw(r02-empty-layers r02-all-empty r03-last-empty));
our @base = cases(grep { /^r03-base/ } sort keys %golden);
our @real = cases(sort map { s{.*/}{}r } grep { -e "$_/payload.json" }
                  glob 't/golden/real/*');

image('team/undated:1', history => undef, layers => 2, config => {
    created => undef });

# one entry for each layer, and as many again as it takes
sub history
{
    my ($n) = @_;

    return [{ created_by => 'layer' }, { created_by => 'layer' },
            map { { created_by => "step $_", empty_layer => JSON::PP::true } }
            3 .. $n];
}

image("team/steps:$_", layers => 2, history => history($_)) for 127, 128, 200;
image('team/layers:128', layers => 128);

run_tests();

__DATA__

=== TEST 1: history is synthesized if there is none
--- location eval: $::rewrite
--- request eval: $::none[0]
--- more_headers eval: $::none[1]
--- payload eval: $::none[2]
--- schema1 eval: $::none[3]



=== TEST 2: history of another length than the layers is synthesized
--- location eval: $::rewrite
--- request eval: $::differs[0]
--- more_headers eval: $::differs[1]
--- payload eval: $::differs[2]
--- schema1 eval: $::differs[3]



=== TEST 3: a stale parent or throwaway is dropped
--- location eval: $::rewrite
--- request eval: $::stale[0]
--- more_headers eval: $::stale[1]
--- payload eval: $::stale[2]
--- schema1 eval: $::stale[3]



=== TEST 4: entries without a layer are kept
--- location eval: $::rewrite
--- request eval: $::empty[0]
--- more_headers eval: $::empty[1]
--- payload eval: $::empty[2]
--- schema1 eval: $::empty[3]



=== TEST 5: base layers have no parent
--- location eval: $::rewrite
--- request eval: $::base[0]
--- more_headers eval: $::base[1]
--- payload eval: $::base[2]



=== TEST 6: configs of other builders are converted
--- location eval: $::rewrite
--- request eval: $::real[0]
--- more_headers eval: $::real[1]
--- payload eval: $::real[2]
--- schema1 eval: $::real[3]



=== TEST 7: a missing time is Go's zero time
--- request
GET /v2/team/undated/manifests/1
--- schema1
team/undated:1 2 layers
--- response_body_like chomp
\{\\"id\\":\\"[0-9a-f]{64}\\",\\"created\\":\\"0001-01-01T00:00:00Z\\"



=== TEST 8: 127 history entries are not logged
--- request
GET /v2/team/steps/manifests/127
--- schema1
team/steps:127 127 layers
--- no_error_log
[warn]
[error]



=== TEST 9: more than 127 history entries are logged
--- request eval
['GET /v2/team/steps/manifests/128', 'HEAD /v2/team/steps/manifests/128']
--- schema1 eval
['team/steps:128 128 layers', undef]
--- error_log eval
[qr/\[warn\].*has 128 history entries, Docker before 1.10 pulls at most 127/]
--- no_error_log
[error]



=== TEST 10: many layers are converted
--- request
GET /v2/team/layers/manifests/128
--- schema1
team/layers:128 128 layers
--- error_log
has 128 history entries
--- no_error_log
[error]
