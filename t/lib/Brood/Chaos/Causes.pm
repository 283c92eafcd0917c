# SPDX-License-Identifier: MIT
#
# What may cost a client its connection, and only that: the worker that held it was killed from outside; the server was
# told to stop, or was down; its master was killed; the answer said Connection: close; the kernel had no memory for
# sockets, which it counts, and which others on the machine may have used up.
package Brood::Chaos::Causes;

use strict;
use warnings;
use Brood::Proc;
use Time::HiRes qw(time);

use constant SLACK => 0.5; # seconds between what happens here and what is seen there

sub new
{
	return bless { killed => {}, kills => [], moving => [], away => [], master_killed => [], short => [], looked => time,
		aborted => aborted() }, $_[0];
}

# How many connections the kernel has reset for want of memory.
sub aborted
{
	my ($names, $values) = grep { /^TcpExt:/ } split /\n/, Brood::Proc::slurp('/proc/net/netstat') // '';
	my %count;
	@count{ split ' ', $names // '' } = split ' ', $values // '';
	return ($count{TCPAbortOnMemory} // 0) + ($count{TCPMemoryPressures} // 0);
}

sub look
{
	my ($self) = @_;
	my ($aborted, $now) = (aborted(), time);
	push @{ $self->{short} }, [$self->{looked}, $now] if $aborted > $self->{aborted};
	@$self{qw(aborted looked)} = ($aborted, $now);
}

sub worker_killed { my ($self, $pid) = @_; $self->{killed}{$pid} = time; push @{ $self->{kills} }, time }
sub was_killed { return $_[0]{killed}{ $_[1] } }

# The server is told to stop (or its master killed), and answers again from then on.
sub goes_away { my ($self, $how) = @_; push @{ $self->{away} }, [time, undef, $how]; push @{ $self->{master_killed} }, time if $how ne 'stopped' }
sub is_back { $_[0]{away}[-1][1] = time }
sub ending { $_[0]->goes_away('stopped') }

# Connections may move to other workers between these.
sub moves_begin { my ($self) = @_; push @{ $self->{moving} }, my $span = [time, undef]; return $span }
sub moves_end { $_[1][1] = time }

sub overlaps
{
	my ($spans, $from, $to) = @_;
	return (grep { $_->[0] <= $to && (!defined $_->[1] || $_->[1] + SLACK >= $from) } @$spans)[0];
}

# Whether the worker that held it may be one that was killed: the one that answered last, or another if it may have
# moved since.
sub held_by_killed
{
	my ($self, $asker) = @_;
	my $now = time;
	return 1 if defined $asker->{worker} && $self->{killed}{ $asker->{worker} };
	# Its last answer may have been sent, and the connection have moved, long before all of it was read.
	my $since = ($asker->{head_at} // $asker->{begun}) - SLACK;
	return 0 if !grep { $_ >= $since } @{ $self->{kills} };
	return !defined $asker->{worker} || overlaps($self->{moving}, $since, $now);
}

# What was killed around the end of that connection, for who has to find the cause.
sub around
{
	my ($self, $asker) = @_;
	my $now = time;
	my @killed = grep { $self->{killed}{$_} > $now - 5 } keys %{ $self->{killed} };
	return sprintf 'its last answer %.3f s ago; killed: %s; connections %s', $now - ($asker->{last_answer} // $asker->{begun}),
	    join(', ', map { sprintf '%d %.3f s ago', $_, $now - $self->{killed}{$_} } @killed) || 'none',
	    overlaps($self->{moving}, $now, $now) ? 'may be moving' : 'stay';
}

# The cause in a word; undef: there is none.
sub of
{
	my ($self, $asker, $how, @unanswered) = @_;
	return 'hung up' if $how eq 'hung up';
	return 'wrong' if $how eq 'wrong';
	return 'told' if $asker->{told_close} && ($how eq 'closed' || @unanswered);
	my $away = overlaps($self->{away}, $asker->{begun}, time);
	if ($away) {
		return 'master killed' if $away->[2] ne 'stopped';
		return 'stopped' if !$asker->{answer} || $self->held_by_killed($asker);
	}
	return 'worker killed' if $how ne 'refused' && $self->held_by_killed($asker);
	$self->look;
	return 'no memory for sockets' if overlaps($self->{short}, time - SLACK, time);
	return undef;
}

1;
