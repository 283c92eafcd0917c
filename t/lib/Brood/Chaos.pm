# SPDX-License-Identifier: MIT
#
# A server to which everything happens, in random order, while clients know each octet of each answer. What is asserted:
# nothing wrong, nothing lost without its named cause, each answered request once in the log, a clean end.
#
#     my $chaos = Brood::Chaos->new(seed => 7, say => sub { print @_ });
#     $chaos->run(600);
#     print "$_\n" for $chaos->findings;
package Brood::Chaos;

use strict;
use warnings;
use Brood::Asker;
use Brood::Chaos::Actions;
use Brood::Chaos::Causes;
use Brood::Chaos::Clients;
use Brood::Chaos::Dice;
use Brood::Chaos::Files;
use Brood::Chaos::Logs;
use Brood::Chaos::Requests;
use Brood::Chaos::Site;
use Brood::Flock;
use Brood::Server;
use Time::HiRes qw(time);

use constant { PROGRESS => 10, LOOK => 60, ACTIONS_TOLD => 50, FINDINGS_MAX => 20 };

sub new
{
	my ($class, %want) = @_;
	my $self = bless { say => sub { }, %want, flock => Brood::Flock->new, actions_done => [], begun => time }, $class;
	my $site = $self->{site} = Brood::Chaos::Site->new(flock => $self->{flock}, mode => $want{mode} // 'shared',
		say => sub { $self->note(@_) });
	$self->{causes} = Brood::Chaos::Causes->new;
	$self->{files} = Brood::Chaos::Files->new($site->root);
	my $dice = Brood::Chaos::Dice->new($want{seed}, 1);
	$self->{requests} = Brood::Chaos::Requests->new($self->{files}, $dice);
	$self->{clients} = Brood::Chaos::Clients->new(chaos => $self, requests => $self->{requests}, flock => $self->{flock},
		dice => $dice, files => $self->{files}, addresses => $site->addresses, context => Brood::Asker::tls_context());
	$self->{logs} = Brood::Chaos::Logs->new($site->logs, $self->{requests}, $self->{causes});
	$self->{actions} = Brood::Chaos::Actions->new($self, @{ $want{only} // [] });
	return $self;
}

# What is done, with its time, for who reads a failure.
sub note
{
	my ($self, $what) = @_;
	push @{ $self->{actions_done} }, sprintf '%7.3f %s', time - $self->{begun}, $what;
	shift @{ $self->{actions_done} } while @{ $self->{actions_done} } > 20 * ACTIONS_TOLD;
}

sub wrong { my ($self, $what) = @_; $self->{flock}->wrong(sprintf 'at %.3f: %s', time - $self->{begun}, $what) }

# A connection is over: lost, or with its cause.
sub on_over
{
	my ($self, $asker, $how, @unanswered) = @_;
	return $self->{ends}{'no server'}++ if !$self->{site}->alive && !$self->{actions}{away};
	my $cause = $self->{causes}->of($asker, $how, @unanswered);
	$self->{ends}{$cause}++, return if defined $cause;
	my $got = $asker->{answer} ? ", has $asker->{answer}{at} of $asker->{answer}{length} octets" : '';
	$self->wrong(sprintf '%s%s, port %d: %s after %.3f s with nothing, worker %s, %d answers, waits for %d%s: lost without a cause; %s',
		$asker->{name}, $asker->{tls} ? ' over TLS' : '', $asker->local_port, $how, time - $asker->{last}, $asker->{worker} // '?',
		$asker->{answers} // 0, scalar @unanswered, $got, $self->{causes}->around($asker));
}

# For so many seconds, and what it takes to end.
sub run
{
	my ($self, $seconds) = @_;
	eval { $self->begin; $self->everything($seconds); 1 } or $self->wrong("cannot go on: $@");
	$self->finish;
}

sub begin
{
	my ($self) = @_;
	$self->{requests}{missing_page} = $self->{site}->begin;
	$self->{site}->warm_up;
	$self->{clients}->begin;
}

sub everything
{
	my ($self, $seconds) = @_;
	my $end = time + $seconds;
	my ($look, $told) = (time + LOOK, time);
	for (my $number = 0; time < $end && $self->{flock}->wrong_count < FINDINGS_MAX && $self->{site}->alive; $number++) {
		my $pause = $self->{actions}->next_one($self->{seed}, $number);
		$self->{causes}->look;
		my $until = time + $pause;
		$self->{flock}->run($pause, sub { time >= $until });
		$self->{clients}->look;
		$self->progress, $told = time if time - $told > PROGRESS;
		$self->check, $look = time + LOOK if time > $look;
	}
}

sub progress
{
	my ($self) = @_;
	my $ends = join ', ', map { "$_ $self->{ends}{$_}" } sort keys %{ $self->{ends} };
	my $actions = join ' ', map { "$_:$self->{actions}{done}{$_}" } sort keys %{ $self->{actions}{done} };
	my $count = $self->{clients}{count};
	my $statuses = join ' ', map { "$_:$count->{$_}" } sort grep { /^\d/ } keys %$count;
	$self->{say}->(sprintf "%5.0f s, seed %s: %d requests, %d answered (%s), %d connections; ended: %s; actions: %s; wrong: %d\n",
		time - $self->{begun}, $self->{seed}, $self->{requests}{count}, $self->{requests}{answered}, $statuses, $count->{connections}, $ends,
		$actions, $self->{flock}->wrong_count);
}

# In a moment of quiet: the server must be as it was.
sub check
{
	my ($self) = @_;
	$self->{actions}->settle;
	$self->wrong($_) for $self->{site}->problems;
	$self->note('looked after: ' . ($self->{site}{last_look} // ''));
}

sub finish
{
	my ($self) = @_;
	my ($site, $flock) = @$self{qw(site flock)};
	$self->check if $site->alive && $flock->wrong_count < FINDINGS_MAX;
	$self->{clients}->stop;
	if ($site->alive) {
		my $quiet = $flock->run(25, sub { !grep { $_->waits } $flock->askers });
		$self->wrong('not everybody is answered in the end') if !$quiet && $flock->wrong_count < FINDINGS_MAX;
	} else {
		$self->wrong('the server ended by itself');
	}
	$self->{causes}->ending;
	$flock->hang_up_all;
	$self->wrong($_) for $site->end;
	$self->wrong($_) for $self->{logs}->check;
	$self->progress;
	$self->{say}->($self->{logs}->summary . "\n");
}

sub answered { return $_[0]{requests}{answered} }

sub findings
{
	my ($self) = @_;
	my @findings = $self->{flock}->all_wrong or return;
	my @last = @{ $self->{actions_done} };
	splice @last, 0, @last - ACTIONS_TOLD if @last > ACTIONS_TOLD;
	return (@findings, $self->{site}->last_words, 'seed ' . $self->{seed} . ', the last actions:', map { "    $_" } @last);
}

1;
