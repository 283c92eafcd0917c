#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Everything at once, in random order (BROOD_TEST_SEED repeats a run), under load: rolling restarts, killed
# and stopped workers, scaling, reopened logs. Afterwards all must be as before.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use Brood::Wrk;
use Time::HiRes qw(sleep time);

plan skip_all => 'wrk is not installed' if !Brood::Wrk::path();

my $seed = $ENV{BROOD_TEST_SEED} // time;
srand $seed;
diag "BROOD_TEST_SEED=$seed";

sub healthy
{
	my ($server) = @_;
	return !grep { my $client = Brood::Client->connect($server->address);
		!$client || $client->get('/1k.txt')->status ne '200' } 1 .. 20;
}

# Brings the server to its full number of slots once, so that what belongs to a slot is there.
sub grow_and_shrink
{
	my ($server) = @_;
	for my $count (4, 5, 6, 5, 4, 3) {
		$server->signal($count > $server->workers ? 'TTIN' : 'TTOU');
		wait_until(20, sub { $server->workers == $count });
	}
	$server->rebase;
}

for my $mode (qw(shared handoff reuseport)) {
	subtest "$mode: a hundred reloads in a row" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 3);
		my $load = Brood::Wrk->start(url => $server->url('/1k.txt'), close => 1, seconds => Brood::Wrk::seconds(2), connections => 32);
		for (1 .. 100) {
			$server->signal('HUP');
			sleep 0.01;
		}
		my $result = $load->result;
		ok $result->{requests} > 500 && !$result->{errors} && !$result->{bad_status}, 'are not seen by clients'
		    or diag Brood::Wrk::describe($result);
		ok wait_until(20, sub { $server->workers == 3 }), 'and come to an end';
		$server->finish;
	};

	subtest "$mode: whatever happens" => sub {
		my $dir = Brood::Server::new_dir();
		my $server = Brood::Server->start(accept => $mode, workers => 3, set => { access_log => "$dir/log", drain_timeout => '2s' });
		grow_and_shrink($server);
		my @loads = map { Brood::Wrk->start(url => $server->url('/1k.txt'), close => $_, connections => 16, threads => 1,
			seconds => Brood::Wrk::seconds(4)) } 0, 1;
		my $count = 3;
		my @done;
		my $kills = 0;
		while (grep { $_->running } @loads) {
			my @workers = $server->workers or next;
			my $worker = $workers[rand @workers];
			my $what = (qw(HUP HUP KILL TERM USR1 TTIN TTOU pause))[rand 8];
			$what = 'HUP' if ($what eq 'TTIN' && $count >= 6) || ($what eq 'TTOU' && $count <= 2);
			push @done, $what;
			if ($what eq 'KILL' || $what eq 'TERM') {
				kill $what, $worker;
				$kills++ if $what eq 'KILL';
			} elsif ($what eq 'pause') {
				kill 'STOP', $worker;
				sleep rand 0.3;
				kill 'CONT', $worker;
			} elsif ($what eq 'TTIN' || $what eq 'TTOU') {
				# One at a time: those that come together count once.
				my $told = sub { return scalar(() = $server->stderr =~ /workers from now on/g) };
				my $before = $told->();
				$server->signal($what);
				wait_until(20, sub { $told->() > $before });
				$count += $what eq 'TTIN' ? 1 : -1;
			} else {
				$server->signal($what);
			}
			sleep 0.01 + rand 0.1;
		}
		my @results = map { $_->result } @loads;
		note "@done";
		note Brood::Wrk::describe($_) for @results;
		is scalar(grep { $_->{connect} || $_->{bad_status} || $_->{timeout} } @results), 0,
		    'nothing is refused, hangs or is answered with an error';
		cmp_ok $_->{read} + $_->{write}, '<=', 16 * $kills, 'only what killed workers held is lost' for @results;
		ok wait_until(30, sub { $server->workers == $count }), "$count workers in the end"
		    or diag scalar(my @now = $server->workers), " of $count";
		ok healthy($server), 'all is well';
		if ($count != 3) {
			my $signal = $count > 3 ? 'TTOU' : 'TTIN';
			while ($count != 3) {
				$server->signal($signal);
				$count += $signal eq 'TTIN' ? 1 : -1;
				wait_until(20, sub { $server->workers == $count });
			}
		}
		$server->finish;
	};
}

done_testing;
