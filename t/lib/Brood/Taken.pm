# SPDX-License-Identifier: MIT
package Brood::Taken;
#
# What somebody can do who has taken a worker over: use its descriptors as his own (pidfd_getfd(2)), and send what he
# likes on its channel. For root.
use strict;
use warnings;
use Exporter 'import';
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Socket qw(AF_UNIX INADDR_LOOPBACK MSG_DONTWAIT SOCK_SEQPACKET SOCK_STREAM SOL_SOCKET SO_ACCEPTCONN SO_DOMAIN SO_LINGER SO_TYPE AF_INET
	pack_sockaddr_in inet_aton);

our @EXPORT_OK = qw(channel connections listeners lingering send_frame set_blocking set_lingering can_take stuff);

use constant { SYS_SENDMSG => 46, SYS_PIDFD_OPEN => 434, SYS_PIDFD_GETFD => 438 };
use constant HOUR => pack 'i i', 1, 3600;

# Copies of a process's sockets for which a test holds: the descriptions are the same.
sub sockets
{
	my ($pid, $test) = @_;
	my $pidfd = syscall SYS_PIDFD_OPEN, $pid, 0;
	return if $pidfd < 0;
	open my $holder, '<&=', $pidfd or return;
	my @found;
	for my $path (glob "/proc/$pid/fd/*") {
		next if (readlink $path // '') !~ /^socket:/;
		my $fd = syscall SYS_PIDFD_GETFD, $pidfd, 0 + ($path =~ s{.*/}{}r), 0;
		next if $fd < 0;
		open my $socket, '+<&=', $fd or next;
		push @found, $socket if $test->($socket);
	}
	return @found;
}

sub option { return unpack 'i', getsockopt($_[0], SOL_SOCKET, $_[1]) // pack 'i', -1 }

sub channel { return (sockets($_[0], sub { option($_[0], SO_TYPE) == SOCK_SEQPACKET }))[0] }
sub tcp { return option($_[0], SO_DOMAIN) == AF_INET && option($_[0], SO_TYPE) == SOCK_STREAM }
sub connections { return sockets($_[0], sub { tcp($_[0]) && !option($_[0], SO_ACCEPTCONN) }) }
sub listeners { return sockets($_[0], sub { tcp($_[0]) && option($_[0], SO_ACCEPTCONN) }) }

sub can_take
{
	my $pidfd = syscall SYS_PIDFD_OPEN, $$, 0;
	return $pidfd >= 0 && syscall(SYS_PIDFD_GETFD, $pidfd, 0, 0) >= 0;
}

sub set_blocking
{
	my ($socket) = @_;
	return fcntl $socket, F_SETFL, (fcntl $socket, F_GETFL, 0) & ~O_NONBLOCK;
}

sub set_lingering { return setsockopt $_[0], SOL_SOCKET, SO_LINGER, HOUR }

# Octets that the other side does not take, as many as there is room for.
sub stuff { 1 while defined send $_[0], 'x' x 65536, MSG_DONTWAIT }

# A connection to somebody who does not read, with octets for him: its last close waits for an hour. And what must be
# kept as long.
sub lingering
{
	socket my $listening, AF_INET, SOCK_STREAM, 0 or die "socket: $!";
	bind $listening, pack_sockaddr_in 0, INADDR_LOOPBACK or die "bind: $!";
	listen $listening, 1 or die "listen: $!";
	socket my $near, AF_INET, SOCK_STREAM, 0 or die "socket: $!";
	connect $near, getsockname $listening or die "connect: $!";
	stuff($near);
	set_lingering($near);
	return ($near, $listening);
}

# sendmsg(2) with one descriptor.
sub send_frame
{
	my ($channel, $type, $data, $socket) = @_;
	my $octets = pack('I I', length $data, $type) . $data;
	my $control = pack 'Q i i i x4', 20, SOL_SOCKET, 1, fileno $socket;
	my $part = pack 'P Q', $octets, length $octets;
	my $message = pack 'Q L x4 P Q P Q i x4', 0, 0, $part, 1, $control, length $control, 0;
	return syscall SYS_SENDMSG, fileno $channel, $message, 0x4000;
}

1;
