#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Descriptors and memory stay flat, and a server that has too few of them serves as far as it goes.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(cpu_us descriptors own_kib tree wait_until);
use Brood::Server;
use List::Util qw(sum);
use Time::HiRes qw(sleep time);

my $request = "GET /1k.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
my $sanitized = $ENV{BROOD_SANITIZE};

sub sockets { return scalar grep { /^socket:/ } map { values %{ descriptors($_) } } tree($_[0]->master) }
sub descriptor_count { return scalar map { keys %{ descriptors($_) } } tree($_[0]->master) }
sub memory { return sum map { own_kib($_) // 0 } tree($_[0]->master) }
sub cpu { return sum map { cpu_us($_) } tree($_[0]->master) }

# COUNT short connections, half of them reset in the middle of a request or of its answer.
sub short_connections
{
	my ($server, $count) = @_;
	my $wrong = 0;
	for my $i (1 .. $count / 4) {
		for (1 .. 2) {
			my $client = Brood::Client->connect($server->address);
			$client->send($request);
			$wrong++ if $client->response->status ne '200';
			$client->close;
		}
		my $client = Brood::Client->connect($server->address);
		$client->send(substr $request, 0, 1 + $i % (length($request) - 1));
		$client->reset;
		$client = Brood::Client->connect($server->address, receive_buffer => 4096);
		$client->send("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n");
		$client->reset;
	}
	return $wrong;
}

# Opens in each worker what it will need: who gets which request is chance.
sub warm_up
{
	my ($server) = @_;
	my $wrong = short_connections($server, 2000);
	my (%workers, @held);
	while (keys %workers < 2 && @held < 200) {
		push @held, Brood::Client->connect($server->address);
		my $response = $held[-1]->get('/big.bin');
		$wrong++ if $response->status ne '200';
		$workers{ ($response->worker)[2] // '' } = 1;
	}
	$_->close for @held;
	return $wrong;
}

# Octets of a session of OpenSSL's, by far the most of an idle connection over TLS: 13,400 were seen of 3.0, and
# 27,700 of 3.5, of which 6,300 are keys of X25519MLKEM768.
sub session_size { return Net::SSLeay::OPENSSL_VERSION_NUMBER() < 0x30200000 ? 18_500 : 33_000 }

# Handshakes take their time.
my $many = Brood::Server::with_tls() && !$ENV{BROOD_TEST_LONG} ? 3000 : 10000;

for my $mode (Brood::Server::modes()) {
	subtest "$mode: $many short connections, half of them reset" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 2);
		is warm_up($server), 0, 'warmed up';
		sleep 1;
		my ($descriptors, $memory) = (descriptor_count($server), memory($server));
		is short_connections($server, $many), 0, 'all that were not reset are answered';
		ok wait_until(10, sub { descriptor_count($server) <= $descriptors }), "descriptors are flat: $descriptors, "
		    . descriptor_count($server);
		my $grown = memory($server) - $memory;
		cmp_ok $grown, '<=', 1024, "memory is flat: $memory KiB, then $grown more" if !$sanitized;
		$server->finish;
	};

	subtest "$mode: 64 descriptors" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 2, limits => ['-n 64'], set => { head_timeout => '60s' });
		my @held;
		for (1 .. 200) {
			my $client = Brood::Client->connect($server->address, limit => 3, later => 1) or last;
			# The next one begins in the same segment: idle ones would give way (t/http/idle.t).
			$client->send("GET /1k.txt HTTP/1.1\r\nHost: x\r\n\r\nGET /1k.txt");
			push @held, $client;
		}
		is scalar @held, 200, '200 connections are taken by the kernel';
		my $answered;
		my $count = sub { $answered = grep { $_->{ready} ||= $_->wait_answer(time) } @held };
		ok wait_until(3, sub { $count->() >= 40 }), 'so many are answered';
		my $before = cpu($server);
		sleep 2;
		my $spent = cpu($server) - $before;
		cmp_ok $count->(), '<', 200, "not all can be, but $answered";
		is scalar(grep { $_->{ready} && $_->response->status ne '200' } @held), 0, 'properly';
		cmp_ok $spent, '<', 400_000, sprintf('waiting for descriptors costs little: %.0f ms of CPU in 2 s', $spent / 1000);
		# Room is made: those that wait come in. All that are answered leave, until nobody waits.
		my $served = $answered;
		my @waiting = grep { !$_->{ready} } @held;
		$_->close for grep { $_->{ready} } @held;
		my $wrong = 0;
		my $end = time + 60;
		while (@waiting && time < $end) {
			my @next;
			for my $client (@waiting) {
				if (!$client->wait_answer(time)) {
					push @next, $client;
					next;
				}
				$client->response->status eq '200' ? $served++ : $wrong++;
				$client->close;
			}
			@waiting = @next;
			sleep 0.01;
		}
		is $served, 200, 'all are answered in the end';
		is $wrong, 0, 'none is turned away';
		is(Brood::Client->connect($server->address)->get('/big.bin')->status, 200, 'and it is as before');
		$server->finish;
	};
}

subtest 'idle connections are cheap' => sub {
	plan skip_all => 'not with sanitizers' if $sanitized;
	my $server = Brood::Server->start(workers => 2);
	my @warm = map { Brood::Client->connect($server->address) } 1 .. 100;
	$_->get('/1k.txt') for @warm;
	my $before = memory($server);
	my $count = 2000;
	my @idle;
	for (1 .. $count) {
		my $client = Brood::Client->connect($server->address) or last;
		$client->get('/1k.txt');
		push @idle, $client;
	}
	plan skip_all => 'too few descriptors here' if @idle < $count;
	my $each = (memory($server) - $before) * 1024 / $count;
	cmp_ok $each, '<', Brood::Server::with_tls() ? session_size() + 1500 : 1500, sprintf('%.0f octets each', $each);
	undef @idle;
	undef @warm;
	$server->finish;
};

subtest 'an idle server rests' => sub {
	my $server = Brood::Server->start(workers => 2);
	Brood::Client->connect($server->address)->get('/1k.txt');
	sleep 0.5;
	my $before = cpu($server);
	sleep 2;
	my $spent = cpu($server) - $before;
	cmp_ok $spent, '<', 20_000, sprintf('%.1f ms of CPU in 2 s', $spent / 1000);
	$server->finish;
};

subtest 'rolling restarts leave nothing behind' => sub {
	my $server = Brood::Server->start(workers => 2);
	$server->roll for 1 .. 5;
	my $before = own_kib($server->pid);
	$server->roll for 1 .. 50;
	my $grown = own_kib($server->pid) - $before;
	cmp_ok $grown, '<=', 1024, "the master's memory: $grown KiB more after 50" if !$sanitized;
	$server->finish('and descriptors as before');
};

done_testing;
