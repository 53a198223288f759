#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# A DNS server on a port of 127.0.0.1: each name has the address 127.0.0.1.

use strict;
use warnings;

use IO::Socket::INET;

my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp',
                                   LocalPort => $ARGV[0]) or die "bind: $@\n";

while ($socket->recv(my $query, 512)) {
    next unless length $query > 16;

    my $id = substr $query, 0, 2;
    my ($question) = substr($query, 12) =~ /^(.*?\0.{4})/s or next;

    $socket->send($id . pack('nnnnn', 0x8180, 1, 1, 0, 0) . $question
                  . pack('nnnNnC4', 0xc00c, 1, 1, 60, 4, 127, 0, 0, 1));
}
