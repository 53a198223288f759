# Copyright (C) the ngx_http_schema1_module authors

# How long entries of the cache are kept that are not used.  The time of their
# last use is changed in the zone's memory.

use Schema1;
use Schema1::Client;
use Schema1::Trace qw(zone put_zone);

# a cache outlives a request
repeat_each(1);

master_on();
workers(1);

my $why = $ENV{SCHEMA1_VALGRIND} ? 'valgrind executes nginx itself'
                                 : Schema1::Trace::unusable();

plan $why ? (skip_all => "the worker's memory cannot be changed: $why")
          : (tests => repeat_each() * 24);

image("team/app:$_") for 1 .. 15;

our $on = '
        schema_conversion_cache one;
';

our $status = '
    location = /status {
        schema_conversion_status;
    }
';

my $size = 256 * 1024;

our $manifest = '/v2/team/app/manifests/1';
our $stored;

# when entries were last used: words of the zone that are times, by number
sub uses
{
    my ($worker) = (processes())[1];

    open my $mem, '<:unix', "/proc/$worker/mem" or die "/proc/$worker/mem: $!\n";
    sysseek $mem, zone($worker, $size), 0;
    sysread($mem, my $bytes, $size) == $size or die "sysread() failed: $!\n";

    my @words = unpack 'q*', $bytes;

    return map { $_ => $words[$_] }
           grep { abs($words[$_] - time) < 100_000 } 0 .. $#words;
}

sub use_all_at
{
    my ($time) = @_;

    my ($worker) = (processes())[1];
    my $zone = zone($worker, $size);
    my %uses = uses();

    put_zone($worker, $zone + 8 * $_, pack 'q', $time) for keys %uses;
}

# a request for what was last used so many seconds ago: when nginx executes it
# is known afterwards, since it is a use
sub ask_after
{
    my ($seconds, $path) = @_;

    my $late = 0;

    for (1 .. 30) {
        $stored = ask($manifest)->{body};

        my $time = time + $late - $seconds;
        use_all_at($time);
        my $answer = ask($path);
        my ($used) = sort { $b <=> $a } values %{{ uses() }};

        return $answer->{status} . ($answer->{body} eq $stored ? ' same' : '')
            if $used && $used - $time == $seconds;

        # an entry that was not used in time may be gone
        $late += $used && $used != $time ? $used - $time - $seconds : 1;
    }

    die "the machine is too slow\n";
}

# the same for more seconds than that
sub ask_later
{
    my ($seconds, $path) = @_;

    $stored = ask($manifest)->{body};
    use_all_at(time - $seconds - 1);
    my $answer = ask($path);

    return $answer->{status} . ($answer->{body} eq $stored ? ' same' : '');
}

sub entries
{
    return JSON::PP::decode_json(ask('/status')->{body})->{caches}{one}{entries};
}

run_tests();

__DATA__

=== TEST 1: an entry is used until the time of inactive
--- http_config
    schema_conversion_cache_zone one:256k inactive=10m;
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
is(ask_after(600, $::manifest), '200 same', 'after 10 minutes');
is(ask_later(600, $::manifest), '200', 'a second later');



=== TEST 2: an entry is found by digest until the time of inactive
--- http_config
    schema_conversion_cache_zone one:256k inactive=2h;
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
my $path = "/v2/team/app/manifests/$digest";
is(ask_after(7200, $path), '200 same', 'after 2 hours');
is(ask_later(7200, $path), '404', 'a second later');



=== TEST 3: inactive is a day by default
--- http_config
    schema_conversion_cache_zone one:256k;
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
is(ask_after(86400, $::manifest), '200 same', 'after a day');
is(ask_later(86400, $::manifest), '200', 'a second later');



=== TEST 4: each use extends the time
--- http_config
    schema_conversion_cache_zone one:256k inactive=10m;
--- location eval: $::on
--- request
GET /v2/team/app/manifests/1
--- after
for my $path ($::manifest, "/v2/team/app/manifests/$digest") {
    is(ask_after(600, $path), '200 same', "use of $path");
    sleep 2;
    is(ask($::manifest)->{body}, $::stored, 'later');
}



=== TEST 5: each lookup and each new entry remove three inactive ones
--- http_config
    schema_conversion_cache_zone one:256k inactive=10m;
--- location eval: $::on
--- server eval: $::status
--- request
GET /v2/team/app/manifests/1
--- after
ask("/v2/team/app/manifests/$_") for 2 .. 14;
is(entries(), 14, 'stored');
use_all_at(time - 601);
is(ask('/v2/team/app/manifests/sha256:' . 'ab' x 32)->{status}, 404, 'unknown');
is(entries(), 11, 'after a pull by digest');
ask("/v2/team/app/manifests/15");
is(entries(), 3, 'after two lookups and a new entry');
