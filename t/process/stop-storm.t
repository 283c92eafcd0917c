#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A stop under a storm of new connections: each is answered or refused; none is cut.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Server;
use POSIX ();
use Time::HiRes qw(sleep time);

my $seconds = Brood::Server::with_tls() ? 0.7 : 0.1; # until there are some hundred: handshakes take their time
my $rounds = $ENV{BROOD_TEST_LONG} ? 40 : 8;

# Connects, asks and reads, again and again, until it is refused, or nobody takes the connection: the kernel of a
# server that stops says nothing for a second. `several`: so many connections at a time, all made before the first
# asks. Returns how many were answered, and how many not, though connected. One that took its time before it asked
# (this machine may be busy) is as good as idle, and does not count.
sub storm
{
	my ($address, $several) = @_;
	my ($good, $bad, $until) = (0, 0, time + 20);
	while (time < $until) {
		my @clients;
		while (@clients < $several) {
			my $begin = time;
			my $client = Brood::Client->connect($address, limit => 0.05, later => 1) or last;
			@$client{qw(limit since)} = (10, $begin);
			push @clients, $client;
		}
		for my $client (@clients) {
			$client->send("GET /hello.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
			my $took = time - $client->{since};
			$client->response->status eq '200' ? $good++ : $took < 0.08 && $bad++;
			$client->close;
		}
		return ($good, $bad) if @clients < $several;
	}
	return ($good, $bad + 1000000); # it goes on for ever
}

for my $mode (Brood::Server::modes()) {
	subtest "$mode: a stop under a storm of new connections" => sub {
		my ($good, $bad, $ends) = (0, 0, 0);
		for my $round (1 .. $rounds) {
			my $server = Brood::Server->start(accept => $mode, workers => 2);
			Brood::Client->connect($server->address)->get('/hello.txt'); # makes what all clients have in common
			my @storms;
			for my $several (1, 1, 8) {
				pipe my $reader, my $writer or die "pipe: $!";
				my $pid = fork // die "fork: $!";
				if (!$pid) {
					close $reader;
					syswrite $writer, join(' ', eval { storm($server->address, $several) }) . "\n";
					POSIX::_exit(0);
				}
				push @storms, [$pid, $reader];
			}
			sleep $seconds + 0.01 * ($round % 7);
			$server->signal('TERM');
			for (@storms) {
				my ($pid, $reader) = @$_;
				my ($answered, $cut) = (readline($reader) // '') =~ /^(\d+) (\d+)$/ or die 'a client failed';
				waitpid $pid, 0;
				$good += $answered;
				$bad += $cut;
			}
			$ends++ if ($server->wait_exit // '') eq '0';
			$server->kill_all;
			$server->{finished} = 1;
		}
		note "$good answered";
		cmp_ok $good, '>', 100 * $rounds, 'it is a storm';
		is $bad, 0, 'none of the connections that were made is cut';
		is $ends, $rounds, 'the server ends well';
	};
}

done_testing;
