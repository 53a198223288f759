package Soak::Client;

# Copyright (C) the ngx_http_schema1_module authors

# The clients of the soak test: each is a process that asks until it is told
# to end, judges each answer, and writes down what it has seen.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF);
use Time::HiRes qw(sleep time);

use Schema1::Servers;
use Soak::Asks;

my $patience = 30;


# %opt: asks, servers (each a list of name and Soak::Server), dir, kind, number
# (of so many clients)
sub new
{
    my ($class, %opt) = @_;

    my $self = bless { %opt, total => 0, counts => {}, failures => [],
                       retried => 0, explained => 0, refused => 0 }, $class;

    $self->{weight} += $_->{weight} for @{$opt{asks}};

    # each request is sent once before they are drawn at random
    $self->{first} = [map { $opt{asks}[$_] }
                      grep { $_ % $opt{clients} == $opt{number} }
                      0 .. $#{$opt{asks}}];

    return $self;
}


sub run
{
    my ($self) = @_;

    my $ending = 0;

    local $SIG{TERM} = sub { $ending = 1 };
    local $SIG{PIPE} = 'IGNORE';

    srand $$;

    my $kind = $self->{kind};

    while (!$ending) {
        my ($name, $server) = @{$self->{servers}[rand @{$self->{servers}}]};

        $self->{server} = $name;
        $self->$kind($server);
        $self->{total}++;
    }

    Schema1::Servers::put("$self->{dir}/client.$self->{number}",
        JSON::PP->new->canonical->encode({
            map { $_ => $self->{$_} }
            qw(total counts failures retried explained refused) }));
}


sub pick
{
    my ($self) = @_;

    return shift @{$self->{first}} if @{$self->{first}};

    my $at = rand $self->{weight};

    for (@{$self->{asks}}) {
        return $_ if ($at -= $_->{weight}) < 0;
    }

    return $self->{asks}[0];
}


# notes an answer, or that there was none
sub judge
{
    my ($self, $ask, $answer, $how) = @_;

    $self->{counts}{$ask->{name}}++;

    my $wrong = $answer->{lost} // $ask->{judge}->($answer);

    return 1 unless defined $wrong;

    if ($self->explained($answer)) {
        $self->{explained}++;
        return 0;
    }

    push @{$self->{failures}}, sprintf '%.3f-%.3f %s %s, %s (%s): %s %s',
        $answer->{start}, $answer->{end}, $self->{server}, $how,
        $ask->{name}, $ask->{method}, $wrong,
        substr(($answer->{body} // '') =~ s/[^ -~]/./gr, 0, 200)
        if @{$self->{failures}} < 100;

    return 0;
}


# a worker was killed meanwhile, and the answer never came or was cut off
sub explained
{
    my ($self, $answer) = @_;

    return $answer->{lost} && $self->during('kills', $answer);
}


sub during
{
    my ($self, $events, $answer) = @_;

    open my $in, '<', "$self->{dir}/$events.$self->{server}" or return 0;

    while (my $line = <$in>) {
        return 1 if $line > $answer->{start} - 0.5
                    && $line < $answer->{end} + 0.5;
    }

    return 0;
}


# one by one, on connections of all sorts
sub plain
{
    my ($self, $server) = @_;

    my $port = $server->{port}{(qw(plain cached threads tiny))[rand 4]};
    my $dice = rand;

    return $self->alone($port, close => 1)
        if $dice < 0.4 || @{$self->{first}};
    return $self->keepalive($port) if $dice < 0.6;
    return $self->alone($port, old => 1) if $dice < 0.7;
    return $self->alone($port, shut => 1) if $dice < 0.75;
    return $self->pipelined($port) if $dice < 0.85;
    return $self->abort($port) if $dice < 0.95;
    return $self->by_digest($server);
}


sub alone
{
    my ($self, $port, %opt) = @_;

    my $ask = $self->pick;
    my $start = time;
    my $socket = connected($port, $ask->{slow}) or return;

    syswrite $socket, request($ask, %opt);
    shutdown $socket, 1 if $opt{shut};

    my $answer = answer($socket, \my $left, $ask->{method},
                        $ask->{slow} && rand() < 0.3);
    $answer->{start} = $start;

    # to nginx a client that has shut its side has gone, at any time
    if ($opt{shut} && $answer->{lost}) {
        $self->{counts}{'clients that shut their side'}++;
        return;
    }

    $self->judge($ask, $answer, join ',', sort keys %opt);
}


sub keepalive
{
    my ($self, $port) = @_;

    my $socket = connected($port) or return;
    my $left = '';

    for my $n (1 .. 1 + int rand 10) {
        my $ask = $self->pick;
        my $start = time;

        syswrite $socket, request($ask);

        my $answer = answer($socket, \$left, $ask->{method});
        $answer->{start} = $start;

        # closed by a reload as it was used: every client asks again
        if ($n > 1 && $answer->{lost} && $answer->{nothing}) {
            $self->{retried}++;
            return;
        }

        $self->judge($ask, $answer, "keepalive $n") or return;

        return if ($answer->{header}{connection} // '') eq 'close';

        sleep rand 0.02 if $n % 3 == 0;
    }
}


sub pipelined
{
    my ($self, $port) = @_;

    my $socket = connected($port) or return;
    my @asks = map { $self->pick } 1 .. 3;
    my $left = '';
    my $start = time;

    # a body in the middle makes nginx close where it was not read
    @asks = grep { !defined $_->{content} } @asks;

    syswrite $socket, join '', map { request($_) } @asks;

    for my $n (0 .. $#asks) {
        my $answer = answer($socket, \$left, $asks[$n]{method});
        $answer->{start} = $start;

        if ($n && $answer->{lost} && $answer->{nothing}) {
            $self->{retried}++;
            return;
        }

        $self->judge($asks[$n], $answer, "pipelined $n") or return;

        return if ($answer->{header}{connection} // '') eq 'close';
    }
}


# goes away at any stage
sub abort
{
    my ($self, $port) = @_;

    my $socket = connected($port) or return;
    my $ask = $self->pick;
    my $request = request($ask);

    $request = substr $request, 0, rand length $request if rand() < 0.1;

    syswrite $socket, $request;
    sleep rand 0.1;
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0
        if rand() < 0.5;
    close $socket;

    $self->{counts}{'clients that go'}++;
}


# a tag, then the digest that it had, as Docker 1.8 and later do
sub by_digest
{
    my ($self, $server) = @_;

    my ($ask) = grep { $_->{name} eq 'soak/list for docker 1.9'
                       && $_->{method} eq 'GET' && !$_->{headers} }
                @{$self->{asks}};
    my $port = $server->{port}{cached};
    my $answer;

    # an upgrade starts with an empty cache: then once more
    for my $try (1 .. 3) {
        $answer = whole($port, $ask);
        $self->judge($ask, $answer, 'tag') or return;

        my $digest = $answer->{header}{'docker-content-digest'};
        my $again = whole($port, {
            %$ask, path => "/v2/soak/list/manifests/$digest" });

        if ($again->{status} == 404 && $try < 3
            || $again->{lost} && $self->explained($again))
        {
            $self->{retried}++;
            next;
        }

        $self->judge({ %$ask, name => 'by digest of a converted one' },
                     $again, 'digest');
        return;
    }
}


sub whole
{
    my ($port, $ask) = @_;

    my $start = time;
    my $socket = connected($port)
        or return { lost => 'no connection', status => 0, header => {},
                    start => $start, end => time };

    syswrite $socket, request($ask, close => 1);

    my $answer = answer($socket, \my $left, $ask->{method});
    $answer->{start} = $start;

    return $answer;
}


# curl, and many streams at once by h2load
sub http2
{
    my ($self, $server) = @_;

    my $url = "http://127.0.0.1:$server->{port}{h2}";
    my $dice = rand;

    return $self->streams($url)
        if $dice < 0.2 && $self->{h2load} && !@{$self->{first}};

    my $ask = $self->pick;
    my $file = "$self->{dir}/body.$self->{number}";
    my @headers = map { ('-H', $_) } headers($ask);
    my @more = $ask->{method} eq 'HEAD' ? '-I'
             : $ask->{method} eq 'GET' ? ()
             : ('-X', $ask->{method}, '--data-binary', $ask->{content});
    my $start = time;

    # --max-time: a stream that is reset at any stage
    if ($dice > 0.2 && $dice < 0.35) {
        Schema1::Servers::run('curl', '-s', '--http2-prior-knowledge', '-o',
                              '/dev/null', '-m', 0.01 + rand 0.1, @headers,
                              @more, "$url$ask->{path}");
        $self->{counts}{'streams that are reset'}++;
        return;
    }

    unlink $file;

    my ($exit, $head) = Schema1::Servers::run(
        'curl', '-s', '--http2-prior-knowledge', '-m', $patience, '-o', $file,
        '-D', '-', @headers, '-H', 'Expect:', @more, "$url$ask->{path}");
    my $answer = parse_head($head =~ s/^.*?(?=^HTTP)//msr);

    $answer->{body} = $ask->{method} eq 'HEAD' ? ''
                      : Schema1::Servers::slurp($file);
    $answer->{lost} = "curl: exit $exit" if $exit;
    $answer->{start} = $start;
    $answer->{end} = time;

    $self->judge($ask, $answer, 'http/2');
}


sub streams
{
    my ($self, $url) = @_;

    my @ask = grep { $_->{name} =~ /^soak.* for docker 1.9/
                     && $_->{method} eq 'GET' && !$_->{headers}
                     && $_->{path} !~ /private/ } @{$self->{asks}};
    my $n = 40;
    my $start = time;
    my (undef, $said) = Schema1::Servers::run(
        'h2load', '-n', $n, '-c', 2, '-m', 10,
        map { "$url$_->{path}" } @ask);
    my %answer = (start => $start, end => time, status => 0, header => {});

    my ($started, $done) =
        $said =~ /^requests: \d+ total, (\d+) started, (\d+) done/m;
    my ($good, $others) =
        $said =~ /^status codes: (\d+) 2xx, (\d+ 3xx, \d+ 4xx, \d+ 5xx)/m;
    my $clean = ($others // '') eq '0 3xx, 0 4xx, 0 5xx';

    # h2load does not connect again after the GOAWAY of a reload
    if (!$clean || $good != $started || $good != $done) {
        ($answer{lost}) = $said =~ /^(requests:.*)$/m;
        $answer{lost} //= 'no sum';
    }

    $self->{counts}{'one of many streams'} += $good // 0;

    # nor does it ask again for streams that came too late for the GOAWAY
    if ($answer{lost} && $clean && $self->during('reloads', \%answer)) {
        $self->{refused} += $started - $good;
        return;
    }

    $self->judge({ name => 'many streams', method => 'GET',
                   judge => sub { return } }, \%answer, 'h2load');
}


sub connected
{
    my ($port, $small) = @_;

    # too many at once is no fault of the server's
    for (1 .. 20) {
        my $socket = IO::Socket::INET->new(Proto => 'tcp');

        setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 4096 if $small;

        return $socket if connect $socket, Socket::pack_sockaddr_in(
            $port, Socket::INADDR_LOOPBACK);

        sleep 0.05;
    }

    return;
}


sub headers
{
    my ($ask) = @_;

    my @headers = map { "Accept: $_" } @{$Soak::Asks::accept{$ask->{client}}};
    my @more = @{$ask->{headers} || []};

    while (my ($name, $value) = splice @more, 0, 2) {
        push @headers, "$name: $value";
    }

    # curl has one of its own
    push @headers, 'Accept:' if !@{$Soak::Asks::accept{$ask->{client}}};

    return @headers;
}


sub request
{
    my ($ask, %opt) = @_;

    my $protocol = $opt{old} ? '1.0' : '1.1';
    my $content = $ask->{content};
    my @lines = ("$ask->{method} $ask->{path} HTTP/$protocol",
                 'Host: registry.example.com',
                 grep { $_ ne 'Accept:' } headers($ask));

    push @lines, 'Connection: close' if $opt{close} || $opt{shut};
    push @lines, 'Content-Length: ' . length $content if defined $content;

    return join("\r\n", @lines) . "\r\n\r\n" . ($content // '');
}


# Reads one answer.  "lost" says why there is none, or not all of it; "nothing"
# that not a byte came.
sub answer
{
    my ($socket, $left, $method, $slow) = @_;

    my $bytes = $$left // '';
    my $end = time + $patience;
    my $select = IO::Select->new($socket);
    my $more = sub {
        # a signal is no reason to leave
        until ($select->can_read($end - time)) {
            return if time >= $end;
        }

        sleep 0.001 + rand 0.02 if $slow;
        return sysread $socket, $bytes, $slow ? 3000 : 65536, length $bytes;
    };

    until ($bytes =~ /\r\n\r\n/) {
        $more->() or return {
            lost => time < $end ? 'closed before a header came' : 'no header',
            nothing => $bytes eq '', status => 0, header => {}, end => time };
    }

    my ($head, $rest) = split /\r\n\r\n/, $bytes, 2;
    my $answer = parse_head($head);
    my $length = $answer->{header}{'content-length'};

    $bytes = $rest;

    if ($method eq 'HEAD' || $answer->{status} == 304) {
        $length = 0;
    }

    if (!defined $length
        && ($answer->{header}{'transfer-encoding'} // '') eq 'chunked')
    {
        my $body = '';

        while (1) {
            if ($bytes =~ s/\A([0-9a-f]+)\r\n//) {
                my $n = hex $1;

                while (length $bytes < $n + 2) {
                    $more->() or return lost($answer, 'cut off in a chunk');
                }

                $body .= substr $bytes, 0, $n, '';
                substr $bytes, 0, 2, '';
                last if $n == 0;

            } else {
                $more->() or return lost($answer, 'cut off between chunks');
            }
        }

        $answer->{body} = $body;

    } elsif (defined $length) {

        while (length $bytes < $length) {
            $more->() or return lost($answer, 'cut off after '
                                     . length($bytes) . " of $length bytes");
        }

        $answer->{body} = substr $bytes, 0, $length, '';

    } else {
        1 while $more->();
        $answer->{body} = $bytes;
        $bytes = '';
    }

    $$left = $bytes;
    $answer->{end} = time;

    return $answer;
}


sub lost
{
    my ($answer, $why) = @_;

    return { %$answer, lost => $why, end => time };
}


sub parse_head
{
    my ($head) = @_;

    my ($status) = $head =~ m{^HTTP/[\d.]+ (\d+)};
    my %header;

    while ($head =~ /^([\w-]+): *(.*?)\r?$/mg) {
        my $name = lc $1;
        $header{$name} = defined $header{$name} ? "$header{$name}, $2" : $2;
    }

    return { status => $status // 0, header => \%header };
}


1;
