#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The master is killed: workers stop listening at once, finish what they have, and go.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use Time::HiRes qw(sleep time);

my @modes = qw(shared handoff reuseport);

sub kill_master
{
	my ($server) = @_;
	my @workers = $server->workers;
	$server->signal('KILL');
	$server->wait_exit;
	$server->{finished} = 1;
	return @workers;
}

for my $mode (@modes) {
	subtest "$mode: workers without connections" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 4);
		my $begin = time;
		my @workers = kill_master($server);
		is scalar @workers, 4, 'there were four';
		ok wait_until(10, sub { !grep { alive($_) } @workers }), sprintf 'are gone after %.2f s', time - $begin;
		ok !Brood::Client->connect($server->address), 'nobody listens';
	};

	subtest "$mode: workers with idle connections" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 2, set => { drain_timeout => '20s' });
		my @idle = map { Brood::Client->connect($server->address) } 1 .. 20;
		$_->get('/hello.txt') for @idle;
		my $begin = time;
		my @workers = kill_master($server);
		ok wait_until(10, sub { !grep { alive($_) } @workers }), sprintf 'are gone after %.2f s', time - $begin;
		is scalar(grep { $_->wait_end ne 'closed' } @idle), 0, 'the connections were closed, not reset';
	};

	subtest "$mode: a worker that is busy" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 2);
		open my $file, '>', $server->root . '/large.bin' or die $!;
		truncate $file, 32 << 20;
		my $client = Brood::Client->connect($server->address, receive_buffer => 65536, limit => 30);
		$client->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
		$client->wait_answer(time + 10);
		my @workers = kill_master($server);
		ok wait_until(10, sub { my $new = Brood::Client->connect($server->address); !$new }), 'stops listening at once';
		ok wait_until(10, sub { 1 == grep { alive($_) } @workers }), 'the idle one is gone, the busy one is there';
		is length $client->response->body, 32 << 20, 'and finishes its answer';
		$client->close;
		ok wait_until(10, sub { !grep { alive($_) } @workers }), 'then it goes, too';
	};

	subtest "$mode: not longer than drain_timeout" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 1, set => { drain_timeout => '1s' });
		open my $file, '>', $server->root . '/large.bin' or die $!;
		truncate $file, 32 << 20;
		my $client = Brood::Client->connect($server->address, receive_buffer => 65536);
		$client->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
		$client->wait_answer(time + 10);
		my @workers = kill_master($server);
		ok wait_until(10, sub { !grep { alive($_) } @workers }), 'a reader that does not read is not waited for';
	};
}

subtest 'the same port can be taken again at once' => sub {
	my $server = Brood::Server->start;
	my $port = $server->port;
	my @workers = kill_master($server);
	wait_until(10, sub { !grep { alive($_) } @workers });
	my $next = Brood::Server->start(listen => ["127.0.0.1:$port"]);
	is $next->port, $port, 'by the next server';
	$next->finish;
};

done_testing;
