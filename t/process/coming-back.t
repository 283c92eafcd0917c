#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Connections that nobody can take: they come back and end well, and that is about them alone.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(alive wait_until);
use Brood::Together;
use Time::HiRes qw(time);

for my $mode (qw(shared handoff reuseport)) {
	together "$mode: a refusal does not keep others from moving" => sub {
		my $server = Brood::Configured->start(accept => $mode, workers => 1);
		my ($old) = $server->workers;
		my $large = 32 << 20; # more than a socket takes
		open my $file, '>', $server->root_named('first') . '/large.bin' or die $!;
		truncate $file, $large or die $!;
		my @idle = $server->kept(12);
		my @busy = map { Brood::Client->connect($server->address, receive_buffer => 8192, limit => 20) } 1 .. 3;
		for my $client (@busy) {
			$client->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
			$client->wait_answer(time + 10);
		}
		is $server->reload(max_connections => 10), 'done', 'ten connections for each worker';
		my (@moved, @stayed);
		for my $client (@idle) {
			my $response = $client->get('/hello.txt');
			is $response->status, 200, 'an answer' or next;
			push @{ ($response->worker)[2] == $old ? \@stayed : \@moved }, $client;
			is !!$response->says_close, ($response->worker)[2] == $old, 'the end is announced where nobody takes it';
		}
		is_deeply [scalar @moved, scalar @stayed], [10, 2], 'ten moved, two could not';
		is scalar(grep { $_->wait_end ne 'closed' } @stayed), 0, 'these are closed';
		$_->close for splice @moved, 0, 5;
		for my $client (@busy) {
			is length $client->response->body, $large, 'a long answer is whole';
			my $response = $client->get('/hello.txt');
			isnt +($response->worker)[2], $old, 'then its connection moves, since there is room';
			ok !$response->says_close, 'and lives on';
		}
		ok wait_until(10, sub { !alive($old) }), 'the old worker leaves';
		$server->finish;
	};
}

all_together();
done_testing;
