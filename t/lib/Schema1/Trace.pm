package Schema1::Trace;

# Copyright (C) the ngx_http_schema1_module authors

# Executes a worker step by step inside a shared memory zone, with ptrace():
#
#     my $why = Schema1::Trace::unusable();    '' if ptrace() is permitted
#     my $zone = zone($pid, 64 * 1024);        its address
#     my $trace = Schema1::Trace->new($pid, $zone, $size);
#     $trace->task;                  runs until a thread has done a task
#     $trace->lock or die;           runs until the worker has locked the zone
#     $trace->step;                  one instruction; false: unlocked
#     $trace->memory;                the zone
#     $trace->kill;                  SIGKILL
#     $trace->detach;
#     put_zone($pid, $zone, $memory);

use strict;
use warnings;

# addresses have 64 bits
no warnings 'portable';

use Config;
use Exporter qw(import);

our @EXPORT_OK = qw(zone put_zone);

# system calls by architecture: ptrace(), futex(), epoll_wait()
my %number = (x86_64 => [101, 202, 232], aarch64 => [117, 98, 22]);

my ($arch) = $Config{archname} =~ /^(x86_64|aarch64)-linux/;
my ($ptrace, $futex, $epoll) = @{$number{$arch // ''} // []};

use constant { SINGLESTEP => 9, ATTACH => 16, DETACH => 17, SYSCALL => 24,
               WALL => 0x40000000 };


sub unusable
{
    return 'it requires Linux on x86_64 or aarch64' if !defined $ptrace;

    my $pid = fork // die "fork() failed: $!\n";

    if ($pid == 0) {
        sleep 60;
        require POSIX;
        POSIX::_exit(0);
    }

    my $failed = syscall $ptrace, ATTACH, $pid, 0, 0;
    my $why = $failed ? "ptrace() failed: $!" : '';

    kill 'KILL', $pid;
    waitpid $pid, WALL;
    waitpid $pid, 0;

    return $why;
}


sub zone
{
    my ($pid, $size) = @_;

    open my $maps, '<', "/proc/$pid/maps" or die "maps of $pid: $!\n";

    while (<$maps>) {
        my ($from, $to) = /^([0-9a-f]+)-([0-9a-f]+) rw-s / or next;
        return hex $from if hex($to) - hex($from) == $size;
    }

    die "process $pid has no zone of $size bytes\n";
}


sub put_zone
{
    my ($pid, $zone, $memory) = @_;

    open my $mem, '+<:unix', "/proc/$pid/mem" or die "memory of $pid: $!\n";
    sysseek $mem, $zone, 0 or die "sysseek() failed: $!\n";
    syswrite($mem, $memory) == length $memory
        or die "syswrite() failed: $!\n";
}


sub new
{
    my ($class, $pid, $zone, $size) = @_;

    my $self = bless { pid => $pid + 0, zone => $zone, size => $size }, $class;

    open $self->{mem}, '<:unix', "/proc/$pid/mem"
        or die "memory of $pid: $!\n";

    $self->ptrace(ATTACH);

    return $self;
}


sub ptrace
{
    my ($self, $request) = @_;

    (syscall $ptrace, $request, $self->{pid}, 0, 0) == 0
        or die "ptrace() failed: $!\n";

    return if $request == DETACH;

    waitpid $self->{pid}, WALL;
}


sub task
{
    my ($self) = @_;

    $self->call($futex);

    # at the beginning of the call, and at its end
    $self->call($epoll) for 1 .. 2;
}


sub call
{
    my ($self, $number) = @_;

    for (1 .. 10_000) {
        $self->ptrace(SYSCALL);

        open my $fh, '<', "/proc/$self->{pid}/syscall"
            or die "system call of $self->{pid}: $!\n";
        return if <$fh> =~ /^$number /;
    }

    die "process $self->{pid} does not call $number\n";
}


sub lock
{
    my ($self) = @_;

    for (1 .. 1_000_000) {
        $self->ptrace(SINGLESTEP);
        return 1 if $self->locked;
    }

    return 0;
}


# a zone begins with its lock: the process that holds it
sub locked
{
    my ($self) = @_;

    return unpack('Q', $self->bytes(8)) == $self->{pid};
}


sub step
{
    my ($self) = @_;

    $self->ptrace(SINGLESTEP);

    return $self->locked;
}


sub memory
{
    my ($self) = @_;

    return $self->bytes($self->{size});
}


sub bytes
{
    my ($self, $size) = @_;

    sysseek $self->{mem}, $self->{zone}, 0 or die "sysseek() failed: $!\n";
    sysread($self->{mem}, my $bytes, $size) == $size
        or die "sysread() failed: $!\n";

    return $bytes;
}


sub kill
{
    my ($self) = @_;

    CORE::kill 'KILL', $self->{pid};
    waitpid $self->{pid}, WALL;
}


sub detach
{
    my ($self) = @_;

    $self->ptrace(DETACH);
}


1;
