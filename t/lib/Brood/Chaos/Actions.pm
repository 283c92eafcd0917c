# SPDX-License-Identifier: MIT
#
# What happens to the server, in random order. Which action comes when, and its details, follow from the seed and the
# number of the action alone; one that cannot be done at that moment is left out.
package Brood::Chaos::Actions;

use strict;
use warnings;
use Brood::Chaos::Dice;
use Brood::Chaos::Site;
use POSIX qw(WNOHANG);
use Time::HiRes qw(time);

use constant { AT_ONCE => 4, DISTURBED => 1, PATIENCE => 60 };

# weight; `config`: not while a file that must not be read is in place.
my %actions = (
	kill => { weight => 5, code => sub { $_[0]->end_worker($_[1], 'KILL') } },
	crash => { weight => 3, code => sub { $_[0]->end_worker($_[1], $_[1]->one_of(qw(SEGV ABRT))) } },
	term => { weight => 2, code => sub { $_[0]->end_worker($_[1], 'TERM') } },
	pause => { weight => 8, code => \&pause },
	admin => { weight => 2, code => sub { $_[0]->end_helper('admin', 'KILL') } },
	logger => { weight => 3, code => sub { $_[0]->end_helper('log', $_[1]->one_of(qw(KILL SEGV TERM))) } },
	logger_pause => { weight => 3, code => sub { $_[0]->stand_still($_[1], $_[0]{site}->child('log')) } },
	restart => { weight => 6, config => 1, code => sub { $_[0]->roll($_[1], 'restart') } },
	reload => { weight => 8, config => 1, code => \&reload },
	hup => { weight => 4, config => 1, code => sub { $_[0]->moves; $_[0]{site}->server->signal('HUP') } },
	bad => { weight => 3, config => 1, code => \&bad_reload },
	upgrade => { weight => 4, config => 1, code => \&upgrade },
	bad_upgrade => { weight => 2, config => 1, code => \&bad_upgrade },
	scale => { weight => 5, code => \&scale },
	drain => { weight => 3, code => \&drain },
	reopen => { weight => 10, code => \&reopen },
	renew => { weight => 4, code => sub { $_[0]{site}->renew($_[1]->below(2)) } },
	replace => { weight => 14, code => \&replace },
	crowd => { weight => 6, code => sub { $_[0]{chaos}{clients}->crowd(10 + $_[1]->below(40)) } },
	stop => { weight => 1, config => 1, code => \&stop },
	master => { weight => 0.5, config => 1, code => \&kill_master },
);

# ONLY: names of actions; none: all.
sub new
{
	my ($class, $chaos, @only) = @_;
	$actions{$_} or die "no action is named $_; there are " . join(' ', sort keys %actions) . "\n" for @only;
	my $self = bless { weights => { map { $_ => $actions{$_}{weight} } @only ? @only : keys %actions }, chaos => $chaos, site => $chaos->{site}, flock => $chaos->{flock}, causes => $chaos->{causes},
		running => [], done => {}, disturbed => 0 }, $class;
	return $self;
}

sub note { my ($self, $what) = @_; $self->{chaos}->note($what) }

# The action of that number. Returns for how long to wait after it.
sub next_one
{
	my ($self, $seed, $number) = @_;
	my $dice = Brood::Chaos::Dice->new($seed, 1000 + $number);
	my $name = $dice->by_weight(%{ $self->{weights} });
	my $pause = $dice->between(0.01, 0.25);
	my $why = $self->cannot($name);
	$self->note("$number $name" . ($why ? ": left out, $why" : ''));
	if (!$why) {
		$self->{done}{$name}++;
		$actions{$name}{code}->($self, $dice);
	}
	return $pause;
}

sub cannot
{
	my ($self, $name) = @_;
	return undef if !$actions{$name}{config};
	return 'a roll is to fail' if $self->{exclusive};
	return 'much is waited for' if @{ $self->{running} } >= AT_ONCE;
	return undef;
}

# ---- broodctl, in the background

# EXPECT: 'done', 'failed' or 'any'; THEN is called with the outcome.
sub command
{
	my ($self, $expect, $then, @command) = @_;
	push @{ $self->{running} }, { run => $self->{site}->ctl_start(@command), command => "@command", expect => $expect, then => $then,
		begun => time };
	$self->{flock}->at(0.02, sub { $self->look }) if !$self->{looking}++;
}

sub look
{
	my ($self) = @_;
	for my $job (@{ $self->{running} }) {
		next if waitpid($job->{run}{pid}, WNOHANG) != $job->{run}{pid};
		$job->{over} = 1;
		$self->judge($job, Brood::Chaos::Site::ctl_outcome($job->{run}, $?));
	}
	@{ $self->{running} } = grep { !$_->{over} } @{ $self->{running} };
	$self->{looking} = 0;
	$self->{flock}->at(0.02, sub { $self->look }) if @{ $self->{running} } && !$self->{looking}++;
}

sub judge
{
	my ($self, $job, $outcome) = @_;
	$job->{then}->($outcome) if $job->{then};
	my $exit = $outcome->{exit};
	my $said = join ' / ', split /\n/, $outcome->{stderr};
	$self->note("    broodctl $job->{command}: $exit" . ($exit eq '0' ? '' : " ($said)"));
	my $right = { done => $exit eq '0', failed => $exit eq '1', any => 1 }->{ $job->{expect} };
	return if $right || $self->{disturbed} > $job->{begun} - DISTURBED || $self->{away};
	$self->{chaos}->wrong("broodctl $job->{command}: exit status $exit in place of '$job->{expect}': $said");
}

# Something that may make what runs fail.
sub disturb { $_[0]{disturbed} = time }

# Connections may move from now on, until nobody drains any more.
sub moves
{
	my ($self) = @_;
	my $span = $self->{causes}->moves_begin;
	my $look;
	$look = sub {
		my @workers = $self->{site}->workers;
		return $self->{flock}->at(0.5, $look) if @{ $self->{running} } || @workers > ($self->{wanted} // Brood::Chaos::Site::WORKERS);
		$self->{causes}->moves_end($span);
		undef $look;
	};
	$self->{flock}->at(1, $look);
}

# ---- one by one

sub end_worker
{
	my ($self, $dice, $signal) = @_;
	my @workers = $self->{site}->workers or return;
	my $pid = $workers[$dice->below(scalar @workers)];
	$self->disturb;
	$self->{causes}->worker_killed($pid) if $signal ne 'TERM';
	$self->moves; # its slot gets another one, and a roll may go back
	kill $signal, $pid;
	$self->note("    $signal to $pid");
}

sub pause
{
	my ($self, $dice) = @_;
	my @workers = $self->{site}->workers or return;
	$self->stand_still($dice, $workers[$dice->below(scalar @workers)]);
}

sub stand_still
{
	my ($self, $dice, $pid) = @_;
	my $for = $dice->between(0.02, 0.8);
	return if !$pid;
	$self->disturb;
	kill 'STOP', $pid;
	$self->{flock}->at($for, sub { kill 'CONT', $pid; $self->disturb });
	$self->note(sprintf '    %d stands still for %.2f s', $pid, $for);
}

# The admin or the log process, neither of which holds anything that matters.
sub end_helper
{
	my ($self, $name, $signal) = @_;
	my $pid = $self->{site}->child($name) // return;
	$self->disturb;
	kill $signal, $pid;
	$self->note("    $signal to $pid");
}

sub roll { my ($self, $dice, @command) = @_; $self->moves; $self->command('done', undef, @command) }

sub reload
{
	my ($self, $dice) = @_;
	my %change = (accept => $dice->one_of(qw(shared handoff reuseport)), handoff_policy => $dice->one_of(qw(least-connections round-robin)),
		keepalive_timeout => $dice->one_of(qw(30s 40s)), max_requests => $dice->one_of(qw(off off 3000)));
	$self->{site}->configure(%change);
	$self->note('    ' . join ' ', map { "$_=$change{$_}" } sort keys %change);
	$self->roll($dice, 'reload');
}

my %bad = (
	syntax => sub { (text => "listen = ;\n") },
	unknown => sub { (text => "no_such_setting = 1;\n") },
	root => sub { (root => "$_[0]{dir}/none") },
	log => sub { (access_log => "$_[0]{dir}/none/access.log") },
	certificate => sub { (tls_certificate => "$_[0]{dir}/none.pem") },
	address => sub { my ($site) = @_; (listen => [@{ $site->{good}{listen} }, '127.0.0.1:' . $site->{taken}->sockport]) },
	start => sub { (debug_fault => 'start-exit:' . $_[1]->below(2)) },
	probe => sub { (debug_fault => 'probe-fail:' . $_[1]->below(2)) },
);

# What must fail, as soon as no roll runs; what would be read meanwhile is not asked for.
sub alone
{
	my ($self, $prepare, $after, @command) = @_;
	$self->{exclusive} = 1;
	my ($until, $try) = time + PATIENCE;
	$try = sub {
		my $free = !@{ $self->{running} } && $self->{site}->rests;
		return $self->{flock}->at(0.1, $try) if !$free && time < $until;
		undef $try;
		return $self->left_alone if !$free;
		$prepare->();
		$self->moves;
		$self->command('failed', sub { $after->(); $self->{exclusive} = 0 }, @command);
	};
	$try->();
}

sub left_alone { my ($self) = @_; $self->note('    left out: rolls run all the time'); $self->{exclusive} = 0 }

sub bad_reload
{
	my ($self, $dice) = @_;
	my $site = $self->{site};
	my $which = $dice->one_of(sort keys %bad);
	$self->note("    $which");
	my @change = $bad{$which}->($site, $dice);
	$self->alone(sub { $site->configure(@change) }, sub { $site->configure }, 'reload');
}

sub upgrade
{
	my ($self, $dice) = @_;
	my $site = $self->{site};
	return $self->note('    one is waited for') if grep { $_->{command} eq 'upgrade' } @{ $self->{running} };
	$site->{version} = $site->{version} eq 'this' ? 'next' : 'this';
	$site->versions->put($site->{version});
	$self->roll($dice, 'upgrade');
}

# See t/next/fault.c: those from which there is a way back.
my @bad_versions = ('start dry crash', 'start dry exit', 'restore dry crash', 'restore dry refuse', 'restore go crash', 'restore go refuse');

sub bad_upgrade
{
	my ($self, $dice) = @_;
	my $versions = $self->{site}->versions;
	my $how = $dice->one_of('no program', @bad_versions);
	$self->note("    $how");
	$self->alone(sub {
			# One that runs already would fail on the way back, too.
			my $none = $how eq 'no program' || ($how =~ / go / && $self->{site}->status->{version} ne $versions->version('this'));
			return $versions->put_octets("not a program\n") if $none;
			$versions->put('next');
			$versions->fault($how);
		},
		sub { $versions->fault; $versions->put($self->{site}{version}) }, 'upgrade');
}

sub scale
{
	my ($self, $dice) = @_;
	my $way = $dice->one_of(qw(TTIN TTOU scale));
	my $count = 2 + $dice->below(Brood::Chaos::Site::WORKERS_MAX - 1);
	$self->moves;
	$self->disturb;
	my @workers = $self->{site}->workers;
	$way = 'scale' if ($way eq 'TTIN' && @workers >= Brood::Chaos::Site::WORKERS_MAX) || ($way eq 'TTOU' && @workers <= 2);
	$self->note("    $way $count");
	return $self->{site}->server->signal($way) if $way ne 'scale';
	$self->command('any', undef, 'scale', $count);
}

sub drain
{
	my ($self, $dice) = @_;
	return if defined $self->{drained};
	my $slot = $self->{drained} = $dice->below(2);
	my $for = $dice->between(0.1, 2);
	$self->moves;
	$self->disturb;
	$self->command('any', sub { $self->{flock}->at($for, sub { $self->undrain }) }, 'drain', $slot);
}

sub undrain
{
	my ($self) = @_;
	my $slot = delete $self->{drained} // return;
	$self->moves;
	$self->disturb;
	$self->command('any', undef, 'undrain', $slot);
}

sub reopen
{
	my ($self, $dice) = @_;
	$self->{site}->logs->move if $dice->chance(0.8);
	return $self->{site}->server->signal('USR1') if $dice->chance(0.5);
	$self->command('done', undef, 'reopen');
}

sub replace
{
	my ($self, $dice) = @_;
	my $files = $self->{chaos}{files};
	$files->replace($dice->one_of($files->replaceable), $dice->below(200)) for 0 .. $dice->below(3);
}

# ---- its end and another start

sub away
{
	my ($self, $how, $end, $exit) = @_;
	$self->{exclusive} = 1;
	$self->{away} = 1;
	$self->{causes}->goes_away($how);
	$self->{chaos}->wrong($_) for $self->{site}->end($end, $exit);
	$self->{site}->configure;
	$self->{site}->start;
	$self->{causes}->is_back;
	$self->{flock}->run(60, sub { !@{ $self->{running} } });
	@$self{qw(away exclusive drained)} = (0, 0, undef);
	$self->{site}->warm_up;
	$self->disturb;
}

sub stop
{
	my ($self, $dice) = @_;
	my $server = $self->{site}->server;
	my $how = $dice->one_of(qw(TERM INT QUIT broodctl));
	$self->note("    $how");
	$self->away('stopped', sub { $how eq 'broodctl' ? $self->{site}->ctl('stop') : $server->signal($how) });
}

sub kill_master
{
	my ($self) = @_;
	my $server = $self->{site}->server;
	$self->away('master killed', sub { $server->signal('KILL') }, 'signal 9');
}

# All that was begun comes to its end, and what was changed is as before.
sub settle
{
	my ($self) = @_;
	my ($site, $flock) = @$self{qw(site flock)};
	$flock->run(90, sub { !@{ $self->{running} } && !$self->{exclusive} }) or return $self->{chaos}->wrong('waits for ever: ' . join ', ', map { $_->{command} } @{ $self->{running} });
	$self->undrain;
	$site->configure;
	$site->settled(90) or return $self->{chaos}->wrong('does not settle: ' . JSON::PP::encode_json($site->status));
	$self->moves;
	for my $command ('reload', 'scale ' . Brood::Chaos::Site::WORKERS) {
		my $outcome = $site->ctl(split / /, $command);
		$self->{chaos}->wrong("in a moment of quiet, broodctl $command: $outcome->{exit} $outcome->{stderr}") if $outcome->{exit} ne '0';
	}
	$site->settled or $self->{chaos}->wrong('does not settle: ' . JSON::PP::encode_json($site->status));
}

1;
