#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Idle connections give way: where there are too many connections the one that is idle longest is closed, and who comes
# is served. Timeouts are an hour here, so that nothing but giving way can make room.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(wait_until);
use Brood::Server;
use Time::HiRes qw(sleep time);

my @modes = Brood::Server::modes();
my $tls = Brood::Server::with_tls();
my %patient = map { $_ => '1h' } qw(keepalive_timeout head_timeout);

sub server
{
	my (%settings) = @_;
	return Brood::Configured->start(%patient, %settings);
}

sub connect_to { return Brood::Client->connect($_[0]->address, later => 1) }

# One that has been answered and is idle, or undef.
sub idle_one
{
	my ($server) = @_;
	my $client = connect_to($server);
	return $client->get('/hello.txt')->status eq '200' ? $client : undef;
}

# One that is in the middle of its second request, which the server knows.
sub busy_one
{
	my ($server) = @_;
	my $client = idle_one($server) // return undef;
	$client->send("GET /hello.txt HTTP/1.1\r\n");
	return wait_until(10, sub { $client->is_read }) ? $client : undef;
}

sub finish_request
{
	my ($client) = @_;
	$client->send("Host: x\r\n\r\n");
	return $client->response->status;
}

# "longest" is a matter of milliseconds for the server.
sub use_in_order
{
	for my $client (@_) {
		return 'not answered' if $client->get('/hello.txt')->status ne '200';
		sleep 0.003;
	}
	return 'answered';
}

# Those that are being closed would be waited for.
sub done
{
	my ($server, @clients) = @_;
	$_->close for @clients;
	$server->finish;
}

# How each ends that has ended by now; the others are open.
sub endings { return join ' ', map { $_->ending(0) } @_ }

for my $mode (@modes) {
	subtest "$mode: max_connections idle ones, and others come" => sub {
		my $server = server(accept => $mode, workers => 1, max_connections => 6);
		my @held = map { idle_one($server) } 1 .. 6;
		is use_in_order(my @order = @held[3, 0, 5, 1, 4, 2]), 'answered', 'six are used in some order, and idle';
		my @new;
		for my $number (1 .. 3) {
			push @new, idle_one($server);
			ok $new[-1], "another one, $number, is served";
			is $order[$number - 1]->wait_end, 'closed', 'the one that was idle longest is closed, in order';
		}
		is endings(@order[3 .. 5], @new), join(' ', ('open') x 6), 'no other';
		is use_in_order(@order[3 .. 5], @new), 'answered', 'they go on';
		like $server->stderr, qr/max_connections is reached: idle connections are closed/, 'the log tells of it, once';
		done($server, @held, @new);
	};

	subtest "$mode: one that is in the middle of something never gives way" => sub {
		my $server = server(accept => $mode, workers => 1, max_connections => 4);
		my $large = 32 << 20; # more than the sockets take
		open my $file, '>', $server->root_named('first') . '/large.bin' or die $!;
		truncate $file, $large or die $!;
		my $reader = Brood::Client->connect($server->address, receive_buffer => 8192, limit => 30);
		$reader->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
		$reader->wait_answer(time + 10);
		my @busy = map { busy_one($server) } 1 .. 2;
		my $idle = idle_one($server);
		my $last;
		for my $number (1 .. 20) {
			my $new = idle_one($server);
			ok $new, "of four, one is idle: the place of that one is given to $number" or last;
			is(($last // $idle)->wait_end, 'closed', 'which is closed') or last;
			$last->close if $last;
			$last = $new;
		}
		is join(' ', map { finish_request($_) } @busy), '200 200', 'half a head: goes on, and is answered';
		is length $reader->response->body, $large, 'an answer that is being read is whole';
		done($server, @busy, $reader, $idle, $last);
	};

	subtest "$mode: a worker whose connections are all busy" => sub {
		my $server = server(accept => $mode, workers => 1, max_connections => 3);
		my @busy = map { busy_one($server) } 1 .. 3;
		my $waiting = connect_to($server);
		$waiting->send("GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n");
		is finish_request($busy[1]), 200, 'one has its answer, and is idle';
		is $waiting->response->status, 200, 'then the one that waits is served';
		is $busy[1]->wait_end, 'closed', 'in its place';
		is join(' ', map { finish_request($_) } @busy[0, 2]), '200 200', 'the others go on';
		done($server, @busy, $waiting);
	};

	subtest "$mode: many at once, again and again" => sub {
		my $server = server(accept => $mode, workers => 2, max_connections => 8);
		my ($wrong, @held) = (0);
		for my $round (1 .. 10) {
			my @new = map { connect_to($server) } 1 .. 40;
			$_->send("GET /1k.txt HTTP/1.1\r\nHost: x\r\n\r\n") for @new;
			for my $client (@new) {
				my $response = $client->response;
				$wrong++ if $response->status ne '200' || length $response->body != 1024;
			}
			push @held, @new;
		}
		is $wrong, 0, 'all of 400 are answered';
		my ($worker) = $server->workers;
		my %ends;
		ok wait_until(10, sub { %ends = (); $ends{$_}++ for map { $_->ending(0) } @held; return ($ends{open} // 0) <= 16 }),
		    'sixteen are left';
		is $ends{reset}, undef, 'none of the others has been reset';
		ok wait_until(10, sub { Brood::Proc::sockets($worker) < 40 }), 'and the server has no more sockets than that';
		done($server, @held);
	};

	subtest "$mode: connections_max_total, and what is idle is with other workers" => sub {
		my $server = server(accept => $mode, handoff_policy => 'round-robin', workers => 4, connections_max_total => 16);
		my $slot_of = sub { return ($_[0]->get('/hello.txt')->worker)[0] };
		my (%by, @busy);
		# One worker has four that are busy, the others have twelve that are idle.
		for (1 .. 400) {
			last if @busy == 4;
			my $client = connect_to($server);
			my $slot = $slot_of->($client) // next;
			$slot == 0 ? push @busy, $client : $client->close;
			$client->send("GET /hello.txt HTTP/1.1\r\n") if $slot == 0;
		}
		is scalar @busy, 4, 'one worker has four that are busy';
		my @idle;
		for (1 .. 400) {
			last if @idle == 12;
			my $client = connect_to($server);
			my $slot = $slot_of->($client) // next;
			$slot == 0 ? $client->close : push @idle, $client;
		}
		is scalar @idle, 12, 'the others have twelve that are idle';
		my ($served, @statuses, @new) = 0;
		for (1 .. 100) {
			last if $served >= 2;
			my $client = connect_to($server);
			my $response = $client->get('/hello.txt');
			push @statuses, $response->status;
			$served++ if (($response->worker)[0] // -1) == 0;
			push @new, $client;
		}
		is scalar(grep { $_ ne '200' } @statuses), 0, 'all are served that come (' . @statuses . ')';
		cmp_ok $served, '>=', 2, 'by the worker that had none idle itself, too';
		is join(' ', map { finish_request($_) } @busy), '200 200 200 200', 'the busy ones go on';
		my @all = (@busy, @idle, @new);
		is scalar(grep { $_->ending(0) eq 'open' } @all), 16, 'sixteen are open';
		is scalar(grep { $_->ending(0) eq 'reset' } @all), 0, 'none has been reset';
		done($server, @all);
	};
}

subtest 'nobody gives way to a client that has too many itself' => sub {
	my $server = server(workers => 2, client_connections => 3, connections_max_total => 5);
	my @greedy = map { idle_one($server) } 1 .. 3;
	my @other = map { my $client = Brood::Client->connect($server->address, from => '127.0.0.2'); $client->get('/hello.txt'); $client } 1 .. 2;
	my @more = map { my $client = connect_to($server); my $status = $client->get('/hello.txt')->status; $client->close; $status } 1 .. 10;
	is scalar(grep { $tls ? !/closed/ : $_ ne '429' } @more), 0, 'it is turned away, ten times';
	is endings(@greedy, @other), join(' ', ('open') x 5), 'and nobody is closed for it';
	my $new = Brood::Client->connect($server->address, from => '127.0.0.2');
	is $new->get('/hello.txt')->status, 200, 'who has not too many comes in';
	done($server, @greedy, @other, $new);
};

for my $mode (@modes) {
	subtest "$mode: a roll, and then a lower limit" => sub {
		plan skip_all => 'over TLS none would be left' if $tls;
		my $server = server(accept => $mode, workers => 1, max_connections => 6);
		my @held = map { idle_one($server) } 1 .. 6;
		is use_in_order(my @order = @held[2, 4, 0, 1, 5, 3]), 'answered', 'six are idle';
		is $server->reload, 'done', 'a roll';
		is endings(@held), join(' ', ('open') x 6), 'all are open';
		my $new = idle_one($server);
		ok $new, 'another one is served';
		is $order[0]->wait_end, 'closed', 'the one that was idle longest is closed';
		is endings(@order[1 .. 5]), join(' ', ('open') x 5), 'no other';
		is $server->reload(max_connections => 3), 'done', 'a lower limit';
		ok idle_one($server), 'another one is served by the new worker';
		my @statuses = map { $_->ending(0) eq 'open' ? $_->get('/hello.txt')->status : 'closed' } @order[1 .. 5], $new;
		is scalar(grep { $_ ne '200' } @statuses), 1, 'whose place one of its three has given up';
		$_->close for @held, $new;
		wait_until(10, sub { $server->workers == 1 });
		$server->finish;
	};

	subtest "$mode: descriptors are short" => sub {
		my $server = server(accept => $mode, workers => 1, max_connections => 1000, limits => ['-n 64']);
		my ($last, $closing, @clients) = (0, 0);
		for my $number (1 .. 100) {
			my $client = connect_to($server);
			my $response = $client->get('/hello.txt');
			last if $response->status ne '200';
			$closing++ if $response->says_close;
			$last = $number;
			push @clients, $client;
		}
		is $last, 100, 'of a hundred that stay, each is answered';
		cmp_ok $closing, '<=', 20, "only $closing of them are told that they must go at once";
		is scalar(grep { $_->ending(0) eq 'reset' } @clients), 0, 'none has been reset';
		is $clients[-1]->ending(0), 'open', 'the last one is open';
		done($server, @clients);
	};
}

done_testing;
