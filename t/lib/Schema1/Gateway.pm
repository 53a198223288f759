package Schema1::Gateway;

# Copyright (C) the ngx_http_schema1_module authors

# Servers of FastCGI, SCGI and uwsgi on 127.0.0.1, in front of an HTTP server:
# each request is sent there with the method and URI of its parameters.  One
# process, and one more for each request.

use strict;
use warnings;

use IO::Socket::INET;
use POSIX ();

our @protocols = qw(fastcgi scgi uwsgi);

my %read = (fastcgi => \&read_fastcgi, scgi => \&read_scgi,
            uwsgi => \&read_uwsgi);


# the port of the HTTP server
sub new
{
    my ($class, $upstream) = @_;

    my $self = bless { upstream => $upstream, owner => $$ }, $class;

    $self->{socket}{$_} = IO::Socket::INET->new(
        Listen => 128, LocalAddr => '127.0.0.1', ReuseAddr => 1,
    ) || die "listen() failed: $@\n" for @protocols;

    return $self;
}


sub port
{
    my ($self, $protocol) = @_;

    return $self->{ports}{$protocol} //= $self->{socket}{$protocol}->sockport;
}


sub start
{
    my ($self) = @_;

    $self->port($_) for @protocols;

    $self->{pid} = fork // die "fork() failed: $!\n";

    if ($self->{pid}) {
        close $_ for values %{$self->{socket}};
        return;
    }

    # no END block of the test's runs here
    eval {
        setpgrp;
        $SIG{TERM} = $SIG{INT} = 'DEFAULT';
        $SIG{CHLD} = $SIG{PIPE} = 'IGNORE';
        $self->serve;
    };

    warn $@ if $@;
    POSIX::_exit(0);
}


sub serve
{
    my ($self) = @_;

    my $all = '';
    vec($all, fileno $_, 1) = 1 for values %{$self->{socket}};

    # killed without a word: its server must not stay
    while (getppid == $self->{owner}) {
        select my $ready = $all, undef, undef, 1 or next;

        for my $protocol (@protocols) {
            my $listener = $self->{socket}{$protocol};

            next unless vec $ready, fileno $listener, 1;

            my $client = $listener->accept or next;

            if (!(fork // 1)) {
                eval { $self->connection($client, $protocol) };
                warn "$protocol: $@" if $@;
                POSIX::_exit(0);
            }

            close $client;
        }
    }
}


sub connection
{
    my ($self, $client, $protocol) = @_;

    binmode $client;

    my %params = $read{$protocol}->($client);
    my $response = $self->ask(\%params);

    # uwsgi has a status line, the others are as CGI
    $response =~ s/^HTTP\S+ /Status: / if $protocol ne 'uwsgi';

    if ($protocol eq 'fastcgi') {
        $response = join '', map { record(6, $_) }
                    $response =~ /(.{1,30000})/gs;
        $response .= record(6, '') . record(3, "\0" x 8);
    }

    print $client $response;
}


sub ask
{
    my ($self, $params) = @_;

    my $upstream = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{upstream},
    ) or die "connect() failed: $@\n";

    my $request = "$params->{REQUEST_METHOD} $params->{REQUEST_URI} "
                  . "HTTP/1.1\r\n";

    for (sort grep { /^HTTP_/ } keys %$params) {
        my $name = substr $_, 5;
        $name =~ tr/_/-/;
        $request .= "$name: $params->{$_}\r\n";
    }

    print $upstream "$request\r\n";

    local $/;

    return <$upstream> // '';
}


sub record
{
    my ($type, $content) = @_;

    return pack('CCnnCx', 1, $type, 1, length $content, 0) . $content;
}


sub read_fastcgi
{
    my ($client) = @_;

    my $all = '';

    while (1) {
        my (undef, $type, undef, $length, $padding) =
            unpack 'CCnnC', take($client, 8);
        my $content = take($client, $length);

        take($client, $padding);

        # the end of stdin
        last if $type == 5 && $length == 0;

        $all .= $content if $type == 4;
    }

    my %params;

    while (length $all) {
        my @lengths;

        for (1, 2) {
            my $size = ord($all) < 128 ? 1 : 4;
            my $length = substr $all, 0, $size, '';

            push @lengths, $size == 1 ? ord $length
                                      : unpack('N', $length) & 0x7fffffff;
        }

        my $name = substr $all, 0, $lengths[0], '';
        $params{$name} = substr $all, 0, $lengths[1], '';
    }

    return %params;
}


sub read_scgi
{
    my ($client) = @_;

    my $length = '';

    while ((my $c = take($client, 1)) ne ':') {
        $length .= $c;
    }

    my $all = take($client, $length);

    take($client, 1);

    # a NUL ends each name and value, also if it is empty
    return $all =~ /([^\0]*)\0/g;
}


sub read_uwsgi
{
    my ($client) = @_;

    my (undef, $length) = unpack 'Cv', take($client, 4);

    return unpack '(v/a)*', take($client, $length);
}


sub take
{
    my ($client, $length) = @_;

    my $all = '';

    while (length($all) < $length) {
        read $client, $all, $length - length $all, length $all
            or die "end of the request\n";
    }

    return $all;
}


sub DESTROY
{
    my ($self) = @_;

    return if $self->{owner} != $$;

    my $pid = delete $self->{pid} or return;

    local $?;

    # it may not have its group yet
    kill 'TERM', $pid, -$pid;
    waitpid $pid, 0;
}


1;
