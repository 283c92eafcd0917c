# SPDX-License-Identifier: MIT
#
# Drives many connections (Brood::Asker) at once, and what is to happen at a time.
#
#     my $flock = Brood::Flock->new;
#     $flock->run(10, sub { $done }) or diag 'not within 10 s';
#     is_deeply [$flock->all_wrong], [];
package Brood::Flock;

use strict;
use warnings;
use Time::HiRes qw(time);

use constant { TURN_MAX => 0.02, WRONG_MAX => 40 };

sub new { return bless { by_fd => {}, timers => [], wrong => [], wrong_count => 0 }, $_[0] }

sub add { my ($self, $asker) = @_; $self->{by_fd}{ $asker->{fd} } = $asker }
sub drop { my ($self, $asker) = @_; delete $self->{by_fd}{ $asker->{fd} } if ($self->{by_fd}{ $asker->{fd} } // 0) == $asker }
sub askers { return values %{ $_[0]{by_fd} } }

# CODE, once, in so many seconds.
sub at { my ($self, $seconds, $code) = @_; push @{ $self->{timers} }, [time + $seconds, $code] }

# What is wrong, in words. The first are kept, all are counted.
sub wrong
{
	my ($self, $what) = @_;
	push @{ $self->{wrong} }, $what if $self->{wrong_count}++ < WRONG_MAX;
}

sub wrong_count { return $_[0]{wrong_count} }
sub all_wrong
{
	my ($self) = @_;
	my $more = $self->{wrong_count} - @{ $self->{wrong} };
	return (@{ $self->{wrong} }, $more > 0 ? "and $more more" : ());
}

sub turn
{
	my ($self) = @_;
	my ($read, $write, $hold) = ('', '', 0);
	for my $asker ($self->askers) {
		vec($read, $asker->{fd}, 1) = 1 if $asker->wants_read;
		vec($write, $asker->{fd}, 1) = 1 if $asker->wants_write;
	}
	select $read, $write, undef, TURN_MAX;
	for my $asker ($self->askers) {
		my ($readable, $writable) = (vec($read, $asker->{fd}, 1), vec($write, $asker->{fd}, 1));
		$readable ||= 1 if $asker->{pace} && $asker->may_hold && $asker->wants_read;
		$asker->on_ready($readable, $writable) if ($readable || $writable) && !$asker->is_over;
	}
	$self->due;
}

sub due
{
	my ($self) = @_;
	my $now = time;
	return if !@{ $self->{timers} } || $now - ($self->{looked} // 0) < 0.002;
	$self->{looked} = $now;
	my @due = sort { $a->[0] <=> $b->[0] } grep { $_->[0] <= $now } @{ $self->{timers} };
	return if !@due;
	@{ $self->{timers} } = grep { $_->[0] > $now } @{ $self->{timers} };
	$_->[1]->() for @due;
}

# Until DONE is true, for LIMIT seconds at most. False: it is not. The limit is a guard, not a measure.
sub run
{
	my ($self, $limit, $done) = @_;
	my $end = time + $limit;
	while (1) {
		my $value = $done->();
		return $value if $value;
		return 0 if time > $end;
		$self->turn;
	}
}

sub hang_up_all { $_->hang_up for $_[0]->askers }

1;
