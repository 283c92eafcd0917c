#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Connections move from worker to worker, and their clients do not notice: whatever they are doing, however
# often, and also when workers die or find no room meanwhile. BROOD_TEST_LONG=1: the judged numbers.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(alive wait_until);
use Brood::Together;
use Brood::Wrk;
use Time::HiRes qw(sleep time);

my @modes = qw(shared handoff reuseport);
my $long = $ENV{BROOD_TEST_LONG};

sub pids { return { map { (split /-/)[2] => 1 } keys %{ $_[0] } } }

for my $mode (@modes) {
	my ($count, $rolls) = $long ? (500, 20) : (200, 5);
	together "$mode: $count idle connections, $rolls rolls" => sub {
		my $server = Brood::Configured->start(accept => $mode);
		my @kept = $server->kept($count);
		my (%workers, @bad);
		for my $roll (1 .. $rolls) {
			my %old = map { $_ => 1 } $server->workers;
			my $verdict = $server->reload // 'none';
			my $wrong = Brood::Configured::ask_all(\%workers, @kept);
			my $by_old = grep { $old{$_} } keys %{ pids(\%workers) };
			push @bad, "roll $roll: $verdict; $wrong; $by_old old workers answered"
			    if $verdict ne 'done' || $wrong || $by_old;
		}
		is_deeply \@bad, [], 'each time all are open and are answered, by new workers only';
		is scalar(keys %{ { map { (split /-/)[0] => 1 } keys %workers } }), 4, 'which share them';
		$server->finish;
	};
}

# HUP every so often for as long as the load lasts; how many.
sub hup_during
{
	my ($server, $load, $every) = @_;
	my $count = 0;
	while ($load->running) {
		$server->signal('HUP');
		$count++;
		sleep $every;
	}
	return $count;
}

SKIP: {
	skip 'wrk is not installed', 1 if !Brood::Wrk::path();
	for my $mode (@modes) {
		my $server = Brood::Configured->start(accept => $mode);
		my $load = Brood::Wrk->start(url => $server->url('/1k.txt'), connections => 128,
			seconds => $long ? 20 : 3);
		my $rolls = hup_during($server, $load, 0.5);
		my $result = $load->result;
		ok $result->{requests} > 1000 && !$result->{errors} && !$result->{bad_status},
		    "$mode: 128 busy connections, $rolls times HUP: no client sees it"
		    or diag Brood::Wrk::describe($result);
		$server->settle;
		$server->finish;
	}
}

for my $mode (@modes) {
	my $rolls = $long ? 50 : 10;
	together "$mode: always 8 requests outstanding, $rolls rolls" => sub {
		my $server = Brood::Configured->start(accept => $mode);
		my $content = Brood::Server->content('big.bin');
		my $client = Brood::Client->connect($server->address, limit => 20);
		my (@outstanding, %pids, $wrong);
		my ($answered, $done) = (0, 0);
		$server->start_reload;
		while ($done < $rolls && !$wrong) {
			while (@outstanding < 8) {
				my ($from, $size) = (int rand 900_000, 1 + int rand(rand() < 0.1 ? 100_000 : 300));
				push @outstanding, [$from, $size];
				$client->send("GET /big.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=$from-"
					. ($from + $size - 1) . "\r\n\r\n");
			}
			my ($from, $size) = @{ shift @outstanding };
			my $response = $client->response;
			$wrong = "request " . (1 + $answered) . ": status " . $response->status
			    if $response->status ne '206' || $response->body ne substr $content, $from, $size;
			$wrong //= 'a close is announced' if $response->says_close;
			$pids{ ($response->worker)[2] // 0 } = 1;
			next if ++$answered % 10 || $server->verdicts <= $done;
			$done++;
			$server->start_reload if $done < $rolls;
		}
		is $wrong, undef, "$answered answers, in order, octet for octet";
		cmp_ok scalar(keys %pids), '>=', $rolls, 'from ' . keys(%pids) . ' workers';
		$server->settle;
		$server->finish;
	};
}

for my $mode (@modes) {
	together "$mode: a head in ten pieces" => sub {
		my $server = Brood::Configured->start(accept => $mode, head_timeout => '20s');
		my $client = Brood::Client->connect($server->address, limit => 20);
		my @before = $client->get('/hello.txt')->worker;
		my $head = "GET /digits.txt HTTP/1.1\r\nHost: test.example\r\nX-Long: " . 'x' x 50 . "\r\n\r\n";
		my $size = int(length($head) / 9);
		my @pieces = $head =~ /(.{1,$size})/gs;
		for my $i (0 .. $#pieces) {
			$client->send($pieces[$i]);
			sleep($long ? 0.3 : 0.1);
			is $server->reload, 'done', "a roll behind piece $i" if $i % 3 == 1;
		}
		my $response = $client->response;
		is $response->status . ' ' . $response->body, '200 0123456789', 'is answered';
		isnt +($response->worker)[2], $before[2], 'by another worker';
		ok !$response->says_close, 'on a connection that goes on';
		is $client->get('/hello.txt')->status, 200, 'and does';
		$server->finish;
	};
}

together 'rolls do not prolong the time for a head' => sub {
	my $server = Brood::Configured->start(accept => 'handoff', head_timeout => '3s', workers => 2);
	my $client = Brood::Client->connect($server->address, limit => 20);
	$client->get('/hello.txt');
	$client->send("GET / HTTP/1.1\r\nX-Slow: ");
	my ($begin, $rolls) = (time, 0);
	$server->start_reload;
	while (time - $begin < 15 && $client->ending(0) eq 'open') {
		$client->send('x');
		sleep 0.1;
		next if $server->verdicts <= $rolls;
		$rolls++;
		$server->start_reload;
	}
	my $took = time - $begin;
	cmp_ok $rolls, '>=', 3, "$rolls rolls";
	is $client->response->status, 408, 'the slow client is told';
	cmp_ok $took, '>', 2.5, sprintf 'not before its time (%.1f s)', $took;
	cmp_ok $took, '<', 6, 'and not long after it';
	wait_until(20, sub { $server->workers == 2 && $server->verdicts > $rolls });
	$server->finish;
};

# ---- when something goes wrong meanwhile ----

for my $mode (@modes) {
	together "$mode: workers are killed while connections move" => sub {
		my $server = Brood::Configured->start(accept => $mode);
		for my $round (1 .. ($long ? 20 : 4)) {
			my @kept = $server->kept(100);
			my %holder = map { $_->fd => ($_->get('/hello.txt')->worker)[2] } @kept;
			my @old = $server->workers;
			$server->start_reload;
			sleep rand 0.03; # a roll takes about so long
			my @now = $server->workers;
			my $victim = $now[ rand @now ];
			kill KILL => $victim;
			wait_until(10, sub { !alive($victim) });
			my $verdict = $server->verdict // 'none';
			is $verdict, 'done', "round $round: the reload is done";
			# Of what came to the victim the closer may have a copy still.
			ok wait_until(10, sub { !$server->closer }), "round $round: all that is to be closed is";
			# What the victim held is lost: its own from the start, or what had come to it meanwhile, which
			# is hardly half of all. Nothing else.
			my @lost = grep { $_->ending(0) ne 'open' } @kept;
			my $own = grep { $holder{ $_->fd } == $victim } @kept;
			my $new = !grep { $_ == $victim } @old;
			cmp_ok scalar @lost, '<=', $new ? 55 : $own, "round $round: " . @lost . ' lost, of '
			    . ($new ? 'a new worker' : "an old worker that held $own");
			my %workers;
			is Brood::Configured::ask_all(\%workers, grep { $_->ending(0) eq 'open' } @kept), '',
			    "round $round: the others are answered";
		}
		$server->settle;
		$server->finish;
	};
}

# Whatever the failure: answered, the close announced where nobody else could take it, never a reset.
sub goodbye_at_worst
{
	my ($name, @kept) = @_;
	my (%seen, $closing);
	for my $client (@kept) {
		my $end = $client->ending(0);
		$seen{$end}++, next if $end ne 'open';
		my $response = $client->get('/hello.txt');
		$seen{ $response->status }++;
		next if !$response->says_close;
		$closing++;
		$seen{'not closed well'}++ if $client->wait_end ne 'closed';
	}
	is_deeply \%seen, { 200 => scalar @kept }, "$name: all are answered";
	return $closing // 0;
}

for my $mode (@modes) {
	together "$mode: no room at the new workers" => sub {
		my $server = Brood::Configured->start(accept => $mode, workers => 2);
		my @kept = $server->kept(60);
		$server->set(max_connections => 10);
		$server->start_reload;
		my %old = map { $_ => 1 } $server->workers;
		wait_until(20, sub { 2 <= grep { !$old{$_} } $server->workers });
		is $server->verdict(15), 'done', 'the reload is done, though some cannot move';
		my $closing = goodbye_at_worst('max_connections', @kept);
		cmp_ok $closing, '>=', 30, "$closing of 60 are told that it is their last";
		is scalar(grep { $_->ending(0) eq 'reset' } @kept), 0, 'no reset';
		undef @kept;
		wait_until(20, sub { $server->workers == 2 });
		$server->finish;
	};

	together "$mode: descriptors are short" => sub {
		my $server = Brood::Configured->start(accept => $mode, workers => 2, limits => ['-n 64']);
		my @kept = $server->kept(40);
		is $server->reload, 'done', 'the reload is done';
		goodbye_at_worst('ulimit -n 64', @kept);
		undef @kept;
		wait_until(20, sub { $server->workers == 2 });
		$server->finish;
	};
}

for my $mode (@modes) {
	together "$mode: TERM while connections move" => sub {
		for my $delay ($long ? map { $_ / 100 } 1 .. 30 : (0.03, 0.1, 0.2)) {
			my $server = Brood::Configured->start(accept => $mode, stop_timeout => '20s');
			my @kept = $server->kept(200);
			my $busy = Brood::Client->connect($server->address, receive_buffer => 8192, limit => 20);
			$busy->send("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n");
			$busy->wait_answer(time + 10);
			$server->start_reload;
			sleep $delay;
			my $begin = time;
			$server->signal('TERM');
			is $busy->response->body eq Brood::Server->content('big.bin'), 1,
			    "$delay s: the answer in flight is whole";
			$busy->close;
			is $server->wait_exit, 0, "$delay s: the server ends well";
			cmp_ok time - $begin, '<', 10, "$delay s: and soon";
			is scalar(grep { $_->wait_end ne 'closed' } @kept), 0, "$delay s: the idle ones are closed";
			$server->finish;
		}
	};
}

together 'TERM while accepted connections wait for a worker' => sub {
	my $server = Brood::Configured->start(accept => 'handoff', workers => 1);
	my ($worker) = $server->workers;
	kill STOP => $worker;
	ok $server->wait_stderr(qr/was stopped/), 'the only worker stands still';
	my @clients = map { Brood::Client->connect($server->address) } 1 .. 300;
	$_->send("GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n") for @clients;
	$server->signal('TERM');
	ok $server->wait_stderr(qr/stopping/), 'the server stops';
	kill CONT => $worker;
	my %status;
	$status{ $_->response->status }++ for @clients;
	is_deeply \%status, { 200 => 300 }, 'all that were accepted are answered';
	is $server->wait_exit, 0, 'and the server ends well';
	$server->finish;
};

all_together();
done_testing;
