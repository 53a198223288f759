package Schema1::Client;

# Copyright (C) the ngx_http_schema1_module authors

# What a single request and its response cannot show, used with Schema1:
#
#     --- after
#     is(ask("/v2/team/app/manifests/$digest")->{body}, $body, 'the same');
#
# is code that runs after each request, before "asked" is checked.  $n is the
# number of the request, from 0, $body its answer's, $digest that of the
# payload (of the body where it is not signed).
#
#     --- same: a a b
#
# The first and second of three bodies are the same, the third differs from
# them (one test).
#
# Functions:
#     ask($path, NAME => VALUE, ...)    a request to nginx on a connection of
#         its own; '' is not a name of a header but of options: method,
#         protocol, raw (bytes), linger (seconds before the first read), shut
#         (half-close), timeout.  Returns status, header, body, seconds, raw.
#     start(...), finish($handle)       the two halves of that
#     together([...], [...])            several at once
#     abort(...)                        sends, waits for its last argument's
#         seconds, closes
#     until_asked($pattern)             waits until the mock is asked for a URI
#         that matches
#     reload($edit)                     edits nginx's configuration ($_), has
#         it loaded, returns when the old workers are gone

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

use Schema1::Documents;
use Schema1::JWS;
use Schema1::Keys;
use Test::Nginx::Socket;

use Exporter ();

our @EXPORT = qw(ask start finish together abort until_asked reload processes
                 error_lines);

my @bodies;


sub import
{
    add_response_body_check(\&check);

    goto &Exporter::import;
}


sub check
{
    my ($block, $body, $index, $repeated, $dry_run) = @_;

    return if $dry_run;

    my $name = $block->name;
    my $requests = $block->pipelined_requests // $block->request;
    my $last = ref $requests ? $#$requests : 0;

    @bodies = () if $index == 0;
    push @bodies, $body;

    if (defined $block->after) {
        my $jws = eval { read_jws($body) };

        evaluate($block->after, $body, digest($jws ? $jws->{payload} : $body),
            $index);
    }

    if (defined $block->same && $index == $last) {
        my @label = $block->same =~ /\S+/g;
        my (@wrong, %seen);

        for my $i (0 .. $#label) {
            for my $k (0 .. $i - 1) {
                push @wrong, "$k and $i"
                    if ($label[$i] eq $label[$k])
                       != ($bodies[$i] eq $bodies[$k]);
            }
        }

        Test::More::ok(!@wrong && @label == @bodies, "$name - same")
            or Test::More::diag(map { "bodies $_\n" } @wrong);
    }
}


sub evaluate
{
    my ($code, @args) = @_;

    eval "package main; no warnings; no strict;"
         . "my (\$body, \$digest, \$n) = \@args; $code; 1"
        or Test::More::fail("after: $@");
}


sub start
{
    my ($path, @headers) = @_;

    my (%opt, $text);

    while (my ($name, $value) = splice @headers, 0, 2) {
        if ($name eq '') {
            %opt = %$value;
            next;
        }

        $text .= "$name: $value\r\n";
    }

    my $method = $opt{method} || 'GET';
    my $protocol = $opt{protocol} || 'HTTP/1.1';

    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $opt{port} || $Schema1::port)
        or die "connect() failed: $@\n";

    my $bytes = $opt{raw} // "$method $path $protocol\r\n"
                . "Host: localhost\r\nConnection: close\r\n"
                . ($text // '') . "\r\n";

    syswrite $socket, $bytes;
    shutdown $socket, 1 if $opt{shut};

    return { socket => $socket, method => $method, start => time,
             timeout => $opt{timeout} || 15, linger => $opt{linger} };
}


sub finish
{
    my ($handle) = @_;

    my $select = IO::Select->new($handle->{socket});
    my $raw = '';

    sleep $handle->{linger} if $handle->{linger};

    while ($select->can_read($handle->{timeout})) {
        sysread $handle->{socket}, $raw, 65536, length $raw or last;
    }

    my $seconds = time - $handle->{start};

    close $handle->{socket};

    my ($head, $body) = split /\r\n\r\n/, $raw, 2;
    my ($status) = ($head // '') =~ m{^HTTP/1\.\d (\d+)};
    my %header;

    while (($head // '') =~ /^([\w-]+): *(.*?)\r?$/mg) {
        my $name = lc $1;
        $header{$name} = defined $header{$name} ? "$header{$name}, $2" : $2;
    }

    if (($header{'transfer-encoding'} // '') eq 'chunked') {
        my $rest = $body;
        $body = '';

        while ($rest =~ s/^([0-9a-f]+)\r\n//) {
            $body .= substr $rest, 0, hex $1, '';
            $rest =~ s/^\r\n//;
        }
    }

    return { status => $status // 0, header => \%header, body => $body // '',
             raw => $raw, seconds => $seconds };
}


sub ask
{
    return finish(start(@_));
}


sub together
{
    my @handles = map { start(@$_) } @_;
    my $select = IO::Select->new(map { $_->{socket} } @handles);
    my %done;

    # an end is noted when it comes, not when it is looked for
    my $end = time + 20;

    while ($select->count && time < $end) {
        for my $socket ($select->can_read(1)) {
            my ($handle) = grep { $_->{socket} == $socket } @handles;

            if (!sysread $socket, $handle->{raw}, 65536,
                         length($handle->{raw} // ''))
            {
                $done{$handle} = time - $handle->{start};
                $select->remove($socket);
            }
        }
    }

    return map {
        my ($head, $body) = split /\r\n\r\n/, $_->{raw} // '', 2;
        my ($status) = ($head // '') =~ m{^HTTP/1\.\d (\d+)};

        { status => $status // 0, body => $body // '',
          seconds => $done{$_} // -1 }
    } @handles;
}


sub abort
{
    my $seconds = pop @_;
    my $handle = start(@_);

    sleep $seconds if $seconds;
    close $handle->{socket};
}


sub until_asked
{
    my ($pattern) = @_;

    for (1 .. 200) {
        return if grep { $_->{uri} =~ $pattern } $Schema1::registry->asked;
        sleep 0.05;
    }

    Test::More::fail("the mock was asked for $pattern");
}


sub processes
{
    my $master = Schema1::Keys::slurp($Test::Nginx::Util::PidFile) + 0;
    my @workers;

    for my $file (glob '/proc/[0-9]*/stat') {
        open my $fh, '<', $file or next;
        my $line = <$fh> // next;

        push @workers, $1
            if $line =~ /^(\d+) \(.*\) [^Z] (\d+)/ && $2 == $master;
    }

    return ($master, sort @workers);
}


sub reload
{
    my ($edit) = @_;

    my $file = $Test::Nginx::Util::ConfFile;

    if ($edit) {
        local $_ = Schema1::Keys::slurp($file);
        $edit->();
        Schema1::Keys::put($file, $_);
    }

    my ($master, @old) = processes();
    my %old = map { $_ => 1 } @old;

    kill 'HUP', $master;

    # no matter what else the machine does
    my $end = time + 30;

    while (time < $end) {
        sleep 0.05;
        my (undef, @now) = processes();
        return if @now && !grep { $old{$_} } @now;
    }

    Test::More::fail('nginx was not reloaded');
}


# the lines of the error log that match
sub error_lines
{
    my ($pattern) = @_;

    open my $log, '<', "$Schema1::servroot/logs/error.log" or return;

    return grep { $_ =~ $pattern } <$log>;
}


1;
