#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Workers that die: only their own connections see it, and they are replaced, but not without measure.
# Times that are promised are asserted with BROOD_TEST_LONG=1; otherwise ten times as much is a guard.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use Brood::Together;
use Brood::Wrk;
use Time::HiRes qw(sleep time);

my @modes = Brood::Server::modes();
my $patience = $ENV{BROOD_TEST_LONG} ? 1 : 10;

sub asked
{
	my $client = Brood::Client->connect($_[0]->address) or return;
	return $client->get('/1k.txt')->worker;
}

# Seconds until a worker that is not in the list has answered.
sub time_until_new
{
	my ($server, $begin, $limit, @old) = @_;
	my %old = map { $_ => 1 } @old;
	wait_until($limit, sub { my @worker = asked($server); @worker && !$old{ $worker[2] } });
	return time - $begin;
}

for my $mode (@modes) {
	subtest "$mode: a worker's death is seen by its own connections only" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 4);
		my @kept = map { Brood::Client->connect($server->address) } 1 .. 60;
		my @pids = map { ($_->get('/hello.txt')->worker)[2] } @kept;
		my ($victim) = $pids[0];
		my @old = $server->workers;
		my $begin = time;
		kill 'KILL', $victim;
		my $took = time_until_new($server, $begin, 30, @old);
		cmp_ok $took, '<', 0.3 * $patience, sprintf 'the slot serves again after %.0f ms', $took * 1000;
		my @own = grep { $pids[$_] == $victim } 0 .. $#kept;
		my @others = grep { $pids[$_] != $victim } 0 .. $#kept;
		is scalar(grep { $kept[$_]->wait_end eq 'open' } @own), 0, scalar(@own) . ' own connections end';
		is scalar(grep { $kept[$_]->get('/hello.txt')->status ne '200' } @others), 0,
		    scalar(@others) . ' others go on';
		ok $server->wait_stderr(qr/\[$victim\].*SIGKILL/), 'the log says what happened';
		undef @kept;
		$server->finish;
	};

	SKIP: {
		skip 'wrk is not installed', 1 if !Brood::Wrk::path();
		subtest "$mode: a random worker is killed every 500 ms under load" => sub {
			my $server = Brood::Server->start(accept => $mode, workers => 4);
			my $load = Brood::Wrk->start(url => $server->url('/1k.txt'), close => 1, seconds => Brood::Wrk::seconds(4));
			my $kills = 0;
			while ($load->running) {
				sleep 0.5;
				my @workers = $server->workers;
				$kills += kill 'KILL', $workers[rand @workers] if @workers;
			}
			my $last = time;
			my $result = $load->result;
			note "$mode: $kills kills; ", Brood::Wrk::describe($result);
			# Each kill may cost what the worker had in hand, of 64 connections at most. One in its handshake
			# is told of as one that could not be made.
			my $lost = $result->{read} + $result->{write} + (Brood::Server::with_tls() ? $result->{connect} : 0);
			cmp_ok $lost, '<=', 64 * $kills, 'errors are bounded by what the killed held';
			is $result->{connect}, 0, 'no connection is refused' if !Brood::Server::with_tls();
			is $result->{timeout}, 0, 'none hangs';
			is $result->{bad_status}, 0, 'no error status';
			cmp_ok $result->{requests}, '>', Brood::Wrk::enough(5000, 1), "$result->{requests} requests are answered";
			my %slot;
			ok wait_until(5 * $patience, sub { my ($slot) = asked($server); $slot{$slot} = 1 if defined $slot; keys %slot == 4 }),
			    sprintf 'all slots serve %.1f s after the last kill', time - $last;
			ok wait_until(10, sub { !$server->zombies }), 'no zombies';
			$server->finish;
		};
	}
}

# Eight tries, with pauses that grow, take seconds: of all servers that come to that at the same time.

together 'a slot that crashes again and again is backed off, then parked, and the others serve' => sub {
	my $server = Brood::Server->start(config => "\n", workers => 2);
	Brood::Server::write_file($server->{config_file}, "debug_fault = \"crash:1\";\n");
	$server->signal('HUP');
	my ($failures, $asked, $deaths) = (0, 0, 0);
	my $parked;
	my $until = time + 60;
	while (!$parked && time < $until) {
		$asked++;
		# A connection that the crashing worker holds is its own; all others are answered.
		my $client = Brood::Client->connect($server->address, later => 1);
		my $response = $client->get('/hello.txt');
		$failures++ if $response->status ne '200' && $response->status !~ /closed|reset|cut off/;
		$client->close;
		$deaths = () = $server->stderr =~ /SIGSEGV/g;
		$parked = $server->stderr =~ /slot 1 .*parked/;
		sleep 0.02;
	}
	ok $parked, 'it is parked, and that is said' or diag $server->stderr;
	cmp_ok $deaths, '>=', 8, "after $deaths deaths";
	cmp_ok $deaths, '<=', 10, 'and not many more';
	is $failures, 0, "$asked requests meanwhile were answered, or ended with the worker that crashed";
	is scalar(grep { ((asked($server))[0] // 'none') eq '0' } 1 .. 20), 20, 'the other slot serves';
	Brood::Server::write_file($server->{config_file}, "\n");
	$server->signal('HUP');
	ok wait_until(30, sub { my @worker = asked($server); @worker && $worker[0] == 1 }), 'a new configuration unparks it';
	$server->finish;
};

for my $fault (qw(probe-fail:1 start-hang:1)) {
	together "one faulty slot at the first start, $fault: the others serve" => sub {
		my $server = Brood::Server->start(workers => 2, unready => 1, set => { debug_fault => $fault, start_timeout => '300ms' });
		my $ready = $server->wait_ready(60);
		ok $ready, 'it gets ready in the end';
		like $server->ready_line, qr/\(1 workers?,/, 'with the workers that are';
		is((asked($server))[0], 0, 'the good slot serves');
		ok $server->wait_stderr(qr/slot 1 .*parked/), 'the other is parked, and that is said';
		$server->kill_all;
		$server->{finished} = 1;
	};
}

sub run_in_vain
{
	my ($mode, $fault) = @_;
	return Brood::Server->run('-l', '127.0.0.1:0', '-w', 2, '-a', $mode, '-s', "debug_fault=$fault", '-s', 'state_dir=off', '/usr/share');
}

for my $mode (@modes) {
	together "$mode: a server none of whose workers can start ends" => sub {
		my $result = run_in_vain($mode, 'start-exit');
		is $result->{exit}, 1, 'exit status 1';
		is scalar(my @deaths = grep { / died while starting: exit status 1 / } @{ $result->{lines} }), 16, 'after eight tries for each slot';
		is_deeply $result->{left}, [], 'nothing is left';
	};

	together "$mode: so does one whose worker says that there is no use in trying" => sub {
		my $result = run_in_vain($mode, 'start-fatal:1');
		is $result->{exit}, 1, 'exit status 1';
		is scalar(grep { / worker 1 .*died while starting: exit status 2 / } @{ $result->{lines} }), 1, 'after its first death';
		is scalar(grep { /giving up/ } @{ $result->{lines} }), 1, 'which is said';
		is scalar(grep { /parked/ } @{ $result->{lines} }), 0, 'and nothing of trying again';
		is_deeply $result->{left}, [], 'nothing is left';
	};
}
all_together(8);

subtest 'all workers die at once' => sub {
	for my $mode (@modes) {
		my $server = Brood::Server->start(accept => $mode, workers => 3);
		kill 'KILL', $server->workers;
		my $client = Brood::Client->connect($server->address);
		ok $client, "$mode: connecting is still possible";
		is $client->get('/hello.txt')->status, 200, "$mode: and it is answered when a new one is there";
		ok wait_until(20, sub { $server->workers == 3 }), "$mode: all are replaced";
		$server->finish;
	}
};

subtest 'as process 1 it reaps strangers' => sub {
	my ($unshare, $nsenter) = map { my $name = $_; grep { -x } map { "$_/$name" } split /:/, $ENV{PATH} } qw(unshare nsenter);
	plan skip_all => 'needs root' if $> != 0;
	plan skip_all => 'unshare or nsenter is not installed' if !$unshare || !$nsenter;
	plan skip_all => 'no namespaces here' if system("$unshare --pid --fork true 2>/dev/null");
	my $server = Brood::Server->start(unready => 1, wrapper => [$unshare, '--pid', '--fork', '--kill-child']);
	my $ready = eval { $server->wait_ready };
	ok $ready, 'it starts' or return;
	is $server->{master}, 1, 'as process 1';
	my ($outer) = Brood::Proc::children($server->pid);
	$server->{master} = $outer;
	$server->rebase;
	# Each leaves an orphan behind, which ends soon after.
	system $nsenter, '-t', $outer, '-p', '/bin/sh', '-c', '(sleep 0.2; exit 3) & exit 0' for 1 .. 5;
	sleep 0.5;
	ok wait_until(10, sub { !$server->zombies && $server->workers == 2 }), 'nothing is left of five orphans'
	    or diag join ' ', map { "$_:" . (Brood::Proc::state($_) // '') } Brood::Proc::offspring($outer);
	is scalar(my @worker = asked($server)), 3, 'it serves';
	kill 'TERM', $outer;
	is $server->wait_exit, 0, 'it stops with status 0';
	is_deeply [$server->leftovers], [], 'nothing is left';
};

subtest 'a stopped master is no matter' => sub {
	my $server = Brood::Server->start(accept => 'shared');
	$server->signal('STOP');
	is scalar(grep { (Brood::Client->connect($server->address)->get('/hello.txt'))->status ne '200' } 1 .. 20), 0,
	    'workers go on';
	$server->signal('CONT');
	$server->finish;
};

done_testing;
