#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# How connections are spread over workers in each accept mode, also when one of them stands still.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Server;
use List::Util qw(max min sum);
use Time::HiRes qw(sleep time);

my $workers = 4;
my $connections = 1000;
my %mode = (
	'shared' => { accept => 'shared' },
	'handoff, round-robin' => { accept => 'handoff', set => { handoff_policy => 'round-robin' } },
	'handoff, least-connections' => { accept => 'handoff', set => { handoff_policy => 'least-connections' } },
	'reuseport' => { accept => 'reuseport' },
);

sub start { return Brood::Server->start(workers => $workers, %{ $mode{ $_[0] } }) }

# Opens connections one after another, each with one request, and keeps them. Returns them with their
# workers' pids.
sub open_kept
{
	my ($server, $count, $wrong) = @_;
	my @kept;
	for (1 .. $count) {
		my $client = Brood::Client->connect($server->address);
		my $response = $client ? $client->get('/1k.txt') : undef;
		my (undef, undef, $pid) = $response ? $response->worker : ();
		push @$wrong, $response ? $response->status : "connect: $!" if !$pid;
		push @kept, [$client, $pid // 0];
	}
	return @kept;
}

sub spread
{
	my %count = map { $_ => 0 } $_[0]->workers;
	$count{ $_->[1] }++ for @_[1 .. $#_];
	return sort { $a <=> $b } values %count;
}

for my $name (sort keys %mode) {
	subtest "$name: $connections connections, opened one after another and kept" => sub {
		my $server = start($name);
		my @kept = open_kept($server, $connections, \my @wrong);
		is_deeply \@wrong, [], 'all are answered';
		my @spread = spread($server, @kept);
		note "$name: @spread";
		my $mean = $connections / $workers;
		if ($name =~ /round-robin/) {
			is_deeply \@spread, [($mean) x $workers], 'every worker has the same number';
		} elsif ($name =~ /least/) {
			cmp_ok $spread[-1] - $spread[0], '<=', 2, "within one of the mean: @spread";
		} else {
			cmp_ok $spread[-1], '<=', 1.5 * $mean, "no worker is above 1.5 x the mean: @spread";
		}
		my @second = grep { $_->[0]->get('/1k.txt')->status ne '200' } @kept;
		is scalar @second, 0, 'all are still served';
		undef @kept;
		$server->finish;
	};

	subtest "$name: one worker stands still" => sub {
		my $server = start($name);
		open_kept($server, 8, \my @first);
		my ($stopped) = $server->workers;
		kill 'STOP', $stopped;
		my $begin = time;
		# Sent at once after the stop: some may be on their way to the stopped worker already.
		my @burst = map { Brood::Client->connect($server->address, later => 1) } 1 .. 40;
		$_->send("GET /1k.txt HTTP/1.1\r\nHost: x\r\n\r\n") for @burst;
		my $answered = 0;
		while (time - $begin < 4 && $answered < @burst) {
			$answered = grep { $_->{ready} ||= $_->wait_answer(time) } @burst;
			sleep 0.01;
		}
		note sprintf '%s: %d of 40 in %.1f s', $name, $answered, time - $begin;
		cmp_ok $answered, '>=', 20, "at least the others' part of what comes at once is answered";
		# From now on it is known to stand still.
		sleep max(0, $begin + 2 - time);
		my @wrong;
		my @later = open_kept($server, 100, \@wrong);
		is_deeply \@wrong, [], 'everything that comes two seconds later is answered';
		is scalar(grep { $_->[1] == $stopped } @later), 0, 'by the others';
		kill 'CONT', $stopped;
		my @statuses = map { $_->response->status } @burst;
		is scalar(grep { $_ ne '200' } @statuses), 0, 'when it goes on, what it held is answered'
		    or diag join "\n", grep { $_ ne '200' } @statuses;
		my $back = 0;
		my $until = time + 10;
		my @more;
		while (!$back && time < $until) {
			push @more, open_kept($server, 20, \@wrong);
			$back = grep { $_->[1] == $stopped } @more;
		}
		ok $back, 'and it gets new ones again';
		undef @$_ for \@later, \@more, \@burst;
		$server->finish;
	};
}

subtest 'handoff, least-connections: goes by what is open' => sub {
	my $server = start('handoff, least-connections');
	my @kept = open_kept($server, 40, \my @wrong);
	my $relieved = $kept[0][1];
	$_->[0]->close for grep { $_->[1] == $relieved } @kept;
	sleep 0.5; # the worker tells the master a few times a second
	my @next = open_kept($server, 10, \@wrong);
	is scalar(grep { $_->[1] == $relieved } @next), 10, 'the worker whose connections went gets the next ones';
	undef @kept;
	undef @next;
	$server->finish;
};

done_testing;
