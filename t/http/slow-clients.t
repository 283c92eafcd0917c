#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Clients that hold connections by being slow: slowhttptest in all four modes, while others go on as if
# nothing were. Each slow connection ends by its deadline; slow bodies and a thousand ranges are answered at
# once.
#
# runs alone: slow readers with full sockets take half of the memory that the kernel has for TCP
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use Brood::Together;
use POSIX ();
use Time::HiRes qw(sleep time);

my ($slow) = grep { -x } map { "$_/slowhttptest" } split /:/, $ENV{PATH};
plan skip_all => 'slowhttptest is not installed' if !$slow;

use constant CONNECTIONS => 300;

# How many connections the workers hold: the sockets that they did not have when the server had just started.
sub sockets { my $sum = 0; $sum += Brood::Proc::sockets($_) for $_[0]->workers; return $sum }
sub held { return sockets($_[0]) - $_[0]{without_clients} }

sub start
{
	my $server = Brood::Server->start(workers => 2, @_);
	$server->{without_clients} = sockets($server);
	return $server;
}

# Lets slowhttptest loose for some seconds; a normal client asks all the time, on a connection that is kept
# and on fresh ones. What became of both.
sub attack
{
	my ($server, $seconds, @options) = @_;
	my $output = $server->dir . '/slowhttptest';
	my $kept = Brood::Client->connect($server->address);
	my %seen = (most => 0);
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDOUT, '>', $output;
		open STDERR, '>&', \*STDOUT;
		chdir $server->dir;
		exec $slow, '-c', CONNECTIONS, '-r', CONNECTIONS, '-l', $seconds, '-p', 3, @options or POSIX::_exit(127);
	}
	my $until = time + 3 * $seconds + 30;
	while (alive($pid) && time < $until) {
		for (1 .. 10) {
			my $begin = time;
			my $client = $_ % 2 ? $kept : Brood::Client->connect($server->address);
			my $response = $client->get('/1k.txt');
			push @{ $seen{times} }, time - $begin;
			$seen{wrong}{ $response->status }++ if $response->status ne '200' || length $response->body != 1024;
			sleep 0.005;
		}
		my $held = held($server) - 1;
		$seen{most} = $held if $held > $seen{most};
		# It may take no notice: then this must be while it lives.
		$seen{ended} = 1 if $seen{most} >= CONNECTIONS / 2 && $held == 0 && alive($pid);
	}
	kill 'KILL', $pid if alive($pid);
	waitpid $pid, 0;
	my $text = Brood::Server::slurp($output);
	$text =~ s/\e\[[0-9;]*m//g;
	$seen{ended} = 1 if $text =~ /No open connections left/;
	($seen{available}) = $text =~ /.*^service available:\s+(\w+)/ms;
	return \%seen;
}

# What is promised of each: the others are served, and the server ends every connection of the attack.
sub check
{
	my ($server, $seen) = @_;
	my @times = sort { $a <=> $b } @{ $seen->{times} };
	note sprintf '%d requests meanwhile: median %.1f ms, slowest %.1f ms; at most %d slow connections',
	    scalar(@times), 1000 * $times[ @times / 2 ], 1000 * $times[-1], $seen->{most};
	is join(', ', %{ $seen->{wrong} // {} }), '', 'every request of the others was answered';
	cmp_ok $times[ @times / 2 ], '<', 0.2, 'at once';
	is $seen->{available}, 'YES', 'the attacker found the service available';
	ok $seen->{ended}, 'the server ended each of its connections';
	ok wait_until(10, sub { held($server) == 0 }), 'nothing is left of them';
	is join("\n", grep { !/ready on/ } $server->stderr_lines), '', 'nor was there anything to tell of';
}

# CONNECTIONS of one kind, held by ourselves for as long as the server lets us: all end, and when.
sub endings
{
	my ($server, $count, $begin, $go_on) = @_;
	my @clients = map { Brood::Client->connect($server->address, receive_buffer => 4096) } 1 .. $count;
	$begin->($_) for @clients;
	my $start = time;
	my @open = @clients;
	while (@open && time - $start < 60) {
		@open = grep { $go_on->($_) } @open;
		sleep 0.05;
	}
	return (scalar(@open), time - $start);
}

my %short = (head_timeout => '2s', body_timeout => '2s', write_timeout => '2s', keepalive_timeout => '20s');

subtest 'slow heads' => sub {
	my $server = start(set => \%short);
	my $seen = attack($server, 6, '-H', '-i', 1, '-u', $server->url('/'));
	check($server, $seen);
	cmp_ok $seen->{most}, '>', CONNECTIONS / 2, 'which it had held until then';
	$server->finish;
};

subtest 'slow bodies' => sub {
	my $server = start(set => \%short);
	check($server, attack($server, 6, '-B', '-i', 1, '-s', 100000, '-u', $server->url('/hello.txt')));
	$server->finish;
};

subtest 'a thousand overlapping ranges' => sub {
	my $server = start(set => \%short);
	check($server, attack($server, 6, '-R', '-a', 5, '-b', 2000, '-t', 'HEAD', '-u', $server->url('/big.bin')));
	$server->finish;
};

subtest 'slow readers' => sub {
	my $server = start(set => \%short, root => { 'large.bin' => 'x' x (8 << 20) });
	my $seen = attack($server, 15, '-X', '-w', 512, '-y', 1024, '-n', 1, '-z', 32, '-k', 3, '-u',
		$server->url('/large.bin'));
	check($server, $seen);
	cmp_ok $seen->{most}, '>', CONNECTIONS / 2, 'which it had held until then';
	$server->finish;
};

together 'a client that sends an octet now and then for ever' => sub {
	my $server = start(set => { %short, head_timeout => '60s', min_receive_rate => 100 });
	my ($left, $took) = endings($server, 50,
		sub { $_[0]->send("GET / HTTP/1.1\r\nHost: x\r\nX: ") },
		sub { $_[0]->send('x') && $_[0]->ending(0) eq 'open' });
	is $left, 0, 'is ended by min_receive_rate';
	cmp_ok $took, '>=', 4.9, "not before the grace ($took s)";
	$server->finish;
};

together 'a client that takes a little now and then for ever' => sub {
	my $server = start(set => { %short, write_timeout => '1s', min_send_rate => '100k' },
		root => { 'large.bin' => 'x' x (32 << 20) });
	my ($left) = endings($server, 20,
		sub { $_[0]->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n") },
		sub { return sysread($_[0]{socket}, my $some, 512) // $!{EAGAIN} });
	is $left, 0, 'is ended by min_send_rate, though it makes progress all the time';
	$server->finish;
};

together 'the same client without a minimum' => sub {
	my $server = start(set => { %short, write_timeout => '1s', min_send_rate => 'off' },
		root => { 'large.bin' => 'x' x (32 << 20) });
	my $client = Brood::Client->connect($server->address, receive_buffer => 65536);
	$client->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
	my $end = time + 5;
	my $open = 1;
	while ($open && time < $end) {
		$open = sysread($client->{socket}, my $some, 8192) // $!{EAGAIN};
		sleep 0.05;
	}
	ok $open, 'is served as long as it makes progress';
	is held($server), 1, 'and still is';
	$client->close;
	$server->finish;
};

all_together();
done_testing;
