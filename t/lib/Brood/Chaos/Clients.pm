# SPDX-License-Identifier: MIT
#
# The clients: kept connections, pipelines, heads in pieces, slow readers, early closes, over TLS and without. What
# is lost is told to who knows what may be.
package Brood::Chaos::Clients;

use strict;
use warnings;
use Brood::Asker;
use Time::HiRes qw(time);

use constant { HANGS => 20 }; # seconds without an octet for who waits

# chaos, requests, flock, dice, files; addresses: { plain, tls }; context.
sub new { my ($class, %with) = @_; return bless { %with, count => {}, since => time }, $class }

my %kinds = (kept => 24, pipelining => 12, short => 8, pieces => 6, slow => 3, impatient => 4, resting => 10);

sub begin
{
	my ($self) = @_;
	for my $over (qw(plain plain tls)) {
		for my $kind (sort keys %kinds) {
			$self->come($kind, $over) for 1 .. $kinds{$kind} / 3 + 0.9;
		}
	}
}

sub stop { $_[0]{stopped} = 1 }

sub come
{
	my ($self, $kind, $over, $once) = @_;
	return if $self->{stopped};
	my $dice = $self->{dice};
	my %slow = $kind eq 'slow' ? (receive_buffer => 65536, pace => [$dice->one_of(32768, 65536), 0.005]) : ();
	$self->{count}{connections}++;
	my $asker = Brood::Asker->new($self->{flock}, address => $self->{addresses}{$over}, name => $kind, kind => $kind,
		tls => $over eq 'tls' ? $self->{context} : undef, %slow,
		answered => sub { $self->on_answered(@_) },
		over => sub {
			my ($asker, $how, @unanswered) = @_;
			$self->{chaos}->on_over($asker, $how, @unanswered);
			return if $once;
			my $wait = $how eq 'refused' || $how eq 'wrong' ? 0.2 : $dice->between(0, 0.1);
			$self->{flock}->at($wait, sub { $self->come($kind, $over) });
		});
	$self->go_on($asker);
}

sub on_answered
{
	my ($self, $asker, $request, $response, $body) = @_;
	$asker->{last_answer} = time;
	$self->{count}{ $response->status }++;
	my $wrong = $self->{requests}->answered($request, $response, $body);
	$self->{flock}->wrong($wrong) if $wrong;
	return if @{ $asker->{asked} } || $asker->{told_close};
	my $dice = $self->{dice};
	my $pause = $asker->{kind} eq 'resting' ? $dice->between(0.5, 4) : $dice->between(0, 0.25);
	$self->{flock}->at($pause, sub { $self->go_on($asker) if $asker->idle });
}

sub go_on
{
	my ($self, $asker) = @_;
	return if $self->{stopped};
	my ($dice, $files, $kind) = ($self->{dice}, $self->{files}, $asker->{kind});
	my $next = sub { $self->{requests}->next_one(files => [$files->small], @_) };
	if ($kind eq 'pipelining') {
		my $count = 1 + $dice->below(8);
		$asker->ask(map { $next->($_ == $count && $dice->chance(0.1) ? (last => 1) : ()) } 1 .. $count);
	} elsif ($kind eq 'short') {
		$asker->ask($next->(last => 1));
	} elsif ($kind eq 'pieces') {
		my $request = $next->();
		@$request{qw(pieces pause)} = (2 + $dice->below(5), $dice->between(0.005, 0.3));
		$asker->ask($request);
	} elsif ($kind eq 'slow') {
		$asker->ask($next->(files => [$files->large], kind => $dice->one_of(qw(get get range))));
	} elsif ($kind eq 'impatient') {
		$asker->ask($next->(files => [0 .. $files->count - 1], kind => 'get'));
		my $reset = $dice->chance(0.5);
		$self->{flock}->at($dice->between(0, 0.03), sub { $asker->hang_up($reset) if !$asker->is_over });
	} else {
		$asker->ask($next->($dice->chance(0.05) ? (files => [$files->large]) : ()));
	}
}

# A number of new ones at once, with a request each.
sub crowd
{
	my ($self, $count) = @_;
	$self->come('short', $self->{dice}->one_of(qw(plain plain tls)), 1) for 1 .. $count;
}

# Who has waited for too long.
sub look
{
	my ($self) = @_;
	my $now = time;
	for my $asker ($self->{flock}->askers) {
		my $since = $asker->{last};
		$since = $asker->{asked}[0]{asked_at} if $asker->waits && $asker->{asked}[0]{asked_at} > $since;
		next if $now - $since < HANGS || (!$asker->waits && !$asker->{told_close});
		$asker->wrong(sprintf '%s, and for %.1f s nothing has come (%s)', $asker->{told_close} ? 'told that the connection is closed'
			: 'waits for ' . $asker->waits . ' answers', $now - $since, $asker->{phase});
	}
}

1;
