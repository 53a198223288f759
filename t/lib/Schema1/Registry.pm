package Schema1::Registry;

# Copyright (C) the ngx_http_schema1_module authors

# A mock registry on 127.0.0.1, with a storage host beside it on a port of its
# own.  It responds like a registry, or in the odd ways that a test sets, and
# records each request.  One process, and one more for each connection.

use strict;
use warnings;

use Compress::Zlib ();
use IO::Socket::INET;
use JSON::PP;
use Socket qw(SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(sleep);

use Schema1::Documents;


sub new
{
    my ($class, %opt) = @_;

    my $self = bless {
        manifests => {},        # name -> reference -> document
        blobs     => {},        # name -> digest -> bytes
        answers   => [],
        protected => {},
        orphaned  => $opt{orphaned},
        log       => $opt{log} || die "a registry needs a log\n",
    }, $class;

    # open from now on: the ports are known and taken
    $self->{socket}{$_} = listener() for qw(registry storage);
    $self->{dead} = dead_port();

    return $self;
}


sub listener
{
    return IO::Socket::INET->new(
        Listen => 128, LocalAddr => '127.0.0.1', ReuseAddr => 1,
    ) || die "listen() failed: $@\n";
}


# bound, not listening: a connection is refused, and the port is taken
sub dead_port
{
    socket my $fh, Socket::PF_INET, Socket::SOCK_STREAM, 0
        or die "socket() failed: $!\n";
    bind $fh, Socket::pack_sockaddr_in(0, Socket::INADDR_LOOPBACK)
        or die "bind() failed: $!\n";

    return $fh;
}


sub port
{
    my ($self, $which) = @_;

    my $fh = $which eq 'dead' ? $self->{dead} : $self->{socket}{$which};

    return (Socket::unpack_sockaddr_in(getsockname $fh))[0];
}


# a document under a tag (undef: only under its digest)
sub add
{
    my ($self, $name, $tag, $document, %opt) = @_;

    my $entry = { %$document, %opt };

    $self->{manifests}{$name}{$document->{digest}} = $entry;
    $self->{manifests}{$name}{$tag} = $entry if defined $tag;
    $self->{blobs}{$name}{$_} = $document->{blobs}{$_}
        for keys %{$document->{blobs} || {}};
}


sub add_blob
{
    my ($self, $name, $body, $digest) = @_;

    $self->{blobs}{$name}{$digest || digest($body)} = $body;
}


sub protect
{
    my ($self, $name, $authorization) = @_;

    $self->{protected}{$name} = $authorization;
}


# "[storage:][METHOD ]PATH" or a pattern; the last that matches applies
sub answer
{
    my ($self, $what, @how) = @_;

    push @{$self->{answers}}, [$what, @how == 1 ? $how[0] : { @how }];
}


sub start
{
    my ($self) = @_;

    open my $log, '>', $self->{log} or die "$self->{log}: $!\n";
    close $log;

    my $parent = $$;
    my $pid = fork // die "fork() failed: $!\n";

    if ($pid) {
        $self->{pid} = $pid;
        close $_ for values %{$self->{socket}};
        return;
    }

    # no END block of the test's runs here
    eval {
        setpgrp;
        $SIG{TERM} = $SIG{INT} = 'DEFAULT';
        $SIG{CHLD} = 'IGNORE';
        $SIG{PIPE} = 'IGNORE';
        $self->serve($parent);
    };

    warn $@ if $@;
    require POSIX;
    POSIX::_exit(0);
}


sub stop
{
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;

    local $?;

    # it may not have its group yet
    kill 'TERM', $pid, -$pid;
    waitpid $pid, 0;
}


sub serve
{
    my ($self, $parent) = @_;

    my %which = map { fileno($self->{socket}{$_}) => $_ }
                keys %{$self->{socket}};
    my $all = '';
    vec($all, $_, 1) = 1 for keys %which;

    # a test that is killed cannot stop its servers
    while (getppid == $parent) {
        select my $ready = $all, undef, undef, 1 or next;

        for my $fd (keys %which) {
            next unless vec $ready, $fd, 1;

            my $client = $self->{socket}{$which{$fd}}->accept or next;
            my $pid = fork;

            if (defined $pid && $pid == 0) {
                setsockopt $client, IPPROTO_TCP, TCP_NODELAY, 1;
                eval { $self->connection($client, $which{$fd}) };
                warn "mock registry: $@" if $@;
                require POSIX;
                POSIX::_exit(0);
            }

            close $client;
        }
    }

    $self->{orphaned}->() if $self->{orphaned};

    # its connections, and itself
    kill 'TERM', 0;
}


sub connection
{
    my ($self, $client, $host) = @_;

    binmode $client;

    while (my $request = read_request($client)) {
        $request->{host} = $host;
        $request->{number} = $self->record($request);

        my $how = $self->how($request);

        if (ref $how eq 'CODE') {
            $how->($client, $request);
            return;
        }

        send_answer($client, $request, $how) or return;
    }
}


sub read_request
{
    my ($client) = @_;

    local $/ = "\n";

    my $line = <$client>;
    return unless defined $line;

    my ($method, $uri, $protocol) = $line =~ m{^(\S+) (\S+) (HTTP/1\.\d)}
        or return;
    my @headers;

    while (defined($line = <$client>)) {
        $line =~ s/\r?\n$//;
        last if $line eq '';
        push @headers, [$line =~ /^([^:]+):\s*(.*?)\s*$/];
    }

    my %header = map { lc $_->[0] => $_->[1] } @headers;

    if ($header{'content-length'}) {
        read $client, my $body, $header{'content-length'};
    }

    my ($path, $args) = split /\?/, $uri, 2;

    return { method => $method, uri => $uri, path => $path, args => $args,
             protocol => $protocol, headers => \@headers,
             header => \%header };
}


# one line of JSON for each request, appended at once
sub record
{
    my ($self, $request) = @_;

    open my $log, '>>', $self->{log} or die "$self->{log}: $!\n";
    syswrite $log, JSON::PP->new->canonical->latin1->encode({
        map { $_ => $request->{$_} } qw(host method uri protocol headers)
    }) . "\n";
    close $log;
}


# the requests since the last reset
sub asked
{
    my ($self) = @_;

    open my $log, '<', $self->{log} or return;

    return map { JSON::PP->new->latin1->decode($_) } <$log>;
}


sub reset
{
    my ($self) = @_;

    open my $log, '>', $self->{log} or die "$self->{log}: $!\n";
    close $log;
}


sub how
{
    my ($self, $request) = @_;

    my $answer;

    for (@{$self->{answers}}) {
        my ($what, $how) = @$_;

        $answer = $how if fits($what, $request);
    }

    return $answer if ref($answer) eq 'CODE';

    my %how = %{$self->usual($request)};
    my %changes = %{$answer || {}};
    my $added = delete $changes{add} || [];

    %how = (%how, %changes);
    $how{headers} = [@{$how{headers} || []}, @$added];

    return \%how;
}


sub fits
{
    my ($what, $request) = @_;

    my $whole = ($request->{host} eq 'storage' ? 'storage:' : '')
                . "$request->{method} $request->{path}";

    return $whole =~ $what if ref $what;

    $what =~ m{^(storage:)?(?:([A-Z]+) )?(/.*)$}
        or die "no request: $what\n";

    my ($host, $method, $path) = ($1 ? 'storage' : 'registry', $2, $3);

    return $host eq $request->{host}
           && (!defined $method || $method eq $request->{method})
           && $path eq $request->{path};
}


# as a registry answers
sub usual
{
    my ($self, $request) = @_;

    my ($path, $header) = @$request{qw(path header)};

    my @api = ('Docker-Distribution-Api-Version' => 'registry/2.0');

    return failure(404, 'UNKNOWN', "nothing at $path")
        if $request->{host} eq 'storage';

    return { status => 200, type => 'application/json', body => '{}',
             headers => \@api }
        if $path eq '/v2/';

    $path =~ m{^/v2/(.+)/(manifests|blobs)/([^/]+)$}
        or return failure(404, 'UNKNOWN', "nothing at $path");

    my ($name, $what, $reference) = ($1, $2, $3);

    my $wanted = $self->{protected}{$name};

    if ($wanted && ($header->{authorization} || '') ne $wanted) {
        my $how = failure(401, 'UNAUTHORIZED', 'authentication required');
        push @{$how->{headers}}, 'WWW-Authenticate' => 'Basic realm="mock"';
        return $how;
    }

    my $how = $what eq 'blobs' ? $self->blob($name, $reference)
                               : $self->manifest($name, $reference, $header);

    return $how if $how->{status} != 200;

    push @{$how->{headers}}, @api;

    if ($how->{digest}) {
        push @{$how->{headers}},
             'Docker-Content-Digest' => $how->{digest},
             'ETag' => "\"$how->{digest}\"";

        # by digest, before it checks types
        if (index($header->{'if-none-match'} || '', $how->{digest}) >= 0) {
            return { status => 304, headers => $how->{headers} };
        }
    }

    if (($header->{range} || '') =~ /^bytes=(\d+)-(\d*)$/) {
        my $last = length($how->{body}) - 1;
        my $end = $2 eq '' || $2 > $last ? $last : $2;

        push @{$how->{headers}}, 'Content-Range' =>
             "bytes $1-$end/" . length $how->{body};
        $how->{body} = substr $how->{body}, $1, $end - $1 + 1;
        $how->{status} = 206;
    }

    return $how;
}


sub manifest
{
    my ($self, $name, $reference, $header) = @_;

    my $document = $self->{manifests}{$name}{$reference}
        or return failure(404, 'MANIFEST_UNKNOWN', 'manifest unknown');

    # as distribution does for all that it cannot convert to schema 1
    if ($document->{strict}
        && index(lc($header->{accept} || ''), $document->{type}) < 0)
    {
        return failure(404, 'MANIFEST_UNKNOWN',
                       'the Accept header does not support it');
    }

    return { status => 200, type => $document->{type},
             body => $document->{body}, digest => $document->{digest} };
}


sub blob
{
    my ($self, $name, $digest) = @_;

    my $body = $self->{blobs}{$name}{$digest};

    return failure(404, 'BLOB_UNKNOWN', 'blob unknown to registry')
        unless defined $body;

    return { status => 200, type => 'application/octet-stream',
             body => $body, digest => $digest };
}


sub failure
{
    my ($status, $code, $message) = @_;

    return { status => $status, type => 'application/json',
             body => json({ errors => [{ code => $code,
                                         message => $message }] }),
             headers => ['Docker-Distribution-Api-Version'
                         => 'registry/2.0'] };
}


# false: the connection is of no more use
sub send_answer
{
    my ($client, $request, $how) = @_;

    my $body = $how->{body} // '';
    my $bodyless = $how->{status} == 304 || $how->{status} == 204;
    my $protocol = $how->{http} || '1.1';

    sleep $how->{delay} if $how->{delay};

    # a file that the test makes
    if (defined $how->{awaits}) {
        -e $how->{awaits} ? last : sleep 0.05 for 1 .. 200;
    }

    return reset_connection($client) if ($how->{reset} || '') eq 'header';

    my @headers = @{$how->{headers} || []};

    if ($how->{gzip}) {
        $body = Compress::Zlib::memGzip($body);
        push @headers, 'Content-Encoding' => 'gzip';
    }

    unshift @headers, 'Content-Type' => $how->{type} if defined $how->{type};

    my $keep = $how->{keepalive} && $protocol eq '1.1';

    push @headers, Connection => $keep ? 'keep-alive' : 'close';

    if ($how->{chunked}) {
        push @headers, 'Transfer-Encoding' => 'chunked' unless $bodyless;

    } elsif (!$how->{until_close} && !$bodyless) {
        push @headers, 'Content-Length' => $how->{length} // length $body;
    }

    my $text = "HTTP/$protocol $how->{status} As Told\r\n";

    while (my ($name, $value) = splice @headers, 0, 2) {
        $text .= "$name: $value\r\n" if defined $value;
    }

    put($client, "$text\r\n", $how->{drip_header} ? $how->{drip} : undef)
        or return 0;

    return $keep if $bodyless || $request->{method} eq 'HEAD';

    sleep $how->{stall} if $how->{stall};

    my $short = defined $how->{truncate};

    if ($short) {
        $body = substr $body, 0, $how->{truncate};
    }

    if ($how->{chunked}) {
        $body = join '', map { sprintf "%x\r\n%s\r\n", length $_, $_ }
                         $body =~ /(.{1,1000})/gs;
        $body .= join "\r\n", '0', @{$how->{trailers} || []}, '', ''
            unless $short;
    }

    put($client, $body, $how->{drip}) or return 0;

    sleep $how->{hang} if $how->{hang};

    return reset_connection($client) if ($how->{reset} || '') eq 'body';

    return $keep && !$short;
}


# drip: [bytes, seconds]
sub put
{
    my ($client, $bytes, $drip) = @_;

    my ($step, $pause) = $drip ? @$drip : (65536, 0);

    for (my $at = 0; $at < length $bytes; ) {
        my $n = syswrite $client, $bytes,
                         $step < length($bytes) - $at
                         ? $step : length($bytes) - $at, $at;

        return 0 unless $n;

        $at += $n;
        sleep $pause if $pause && $at < length $bytes;
    }

    return 1;
}


sub reset_connection
{
    my ($client) = @_;

    setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    close $client;

    return 0;
}


1;
