#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Stopping: what is in flight is finished, what is idle is closed, and a second signal means now.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;
use Brood::Together;
use JSON::PP qw(decode_json);
use Time::HiRes qw(sleep time);

my @modes = qw(shared handoff reuseport);
my $large = 32 << 20;

sub start
{
	my $server = Brood::Server->start(@_);
	open my $file, '>', $server->root . '/large.bin' or die $!;
	truncate $file, $large or die $!;
	return $server;
}

# A client that has begun to get a large answer and reads no further for now.
sub begin_large
{
	my ($server) = @_;
	my $client = Brood::Client->connect($server->address, receive_buffer => 65536, limit => 30);
	$client->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
	$client->wait_answer(time + 10);
	return $client;
}

for my $mode (@modes) {
	together "$mode: requests in flight are finished" => sub {
		my $server = start(accept => $mode);
		my $large_one = begin_large($server);
		my $half = Brood::Client->connect($server->address);
		$half->send("GET /hello.txt HTTP/1.1\r\nHost:");
		my @idle = map { Brood::Client->connect($server->address) } 1 .. 10;
		$_->get('/hello.txt') for @idle;
		sleep 0.1;
		$server->signal('TERM');
		is scalar(grep { $_->wait_end ne 'closed' } @idle), 0, 'idle connections are closed at once';
		ok wait_until(10, sub { !Brood::Client->connect($server->address) }), 'nobody listens any more';
		$half->send(" x\r\n\r\n");
		my $response = $half->response;
		is $response->status, 200, 'half a head that is completed is answered';
		ok $response->says_close, 'with Connection: close';
		is $server->wait_exit(0.1), undef, 'the server waits for the large answer';
		is length $large_one->response->body, $large, 'which comes whole';
		is $server->wait_exit, 0, 'then it ends with status 0';
		$server->finish('nothing is left');
	};

	together "$mode: a second signal" => sub {
		my $server = start(accept => $mode, set => { access_log => 'access.log' });
		my $client = begin_large($server);
		my $begin = time;
		$server->signal($_) for qw(INT TERM);
		ok $server->wait_stderr(qr/SIG(?:TERM|INT): stopping/), 'the first one is a stop';
		$server->signal('TERM');
		ok $server->wait_stderr(qr/SIGTERM again: it is being done/), 'another one that comes soon is the same stop';
		is $server->stop_at_once, 3, 'one after a while means now, and the exit status tells that something was cut';
		cmp_ok time - $begin, '>=', 1, 'not before a second is over';
		cmp_ok time - $begin, '<', 5, 'but then at once';
		like $server->stderr, qr/ 1 request cut$/m, 'a line tells how much';
		like Brood::Server::slurp($server->dir . '/access.log'), qr{GET /large.bin HTTP/1.1" 200 \d+ }, 'it is in the access log';
		$server->finish('nothing is left');
	};

	together "$mode: stop_timeout" => sub {
		my $server = start(accept => $mode, set => { stop_timeout => '1s' });
		my $client = begin_large($server);
		my $begin = time;
		$server->signal('TERM');
		is $server->wait_exit, 0, 'it ends with status 0, though something was in flight';
		cmp_ok time - $begin, '>=', 0.9, 'not before that time';
		cmp_ok time - $begin, '<', 10, 'nor much later';
		$server->finish('nothing is left');
	};
}

together 'from the moment that a stop is asked for each answer says that it is the last' => sub {
	for my $mode (@modes) {
		my $server = start(accept => $mode, control => 1, set => { drain_delay => '1h' });
		my @kept = map { Brood::Client->connect($server->address) } 1 .. 16;
		is scalar(grep { $_->get('/hello.txt')->says_close } @kept), 0, "$mode: none does before";
		$server->signal('TERM');
		ok $server->wait_stderr(qr/stopping in/), "$mode: a stop, later";
		my @answers;
		for my $client (@kept) {
			my $response;
			wait_until(10, sub { ($response = $client->get('/hello.txt'))->says_close || $response->status ne '200' });
			push @answers, $response->status . ($response->says_close ? ', close' : '');
		}
		is_deeply \@answers, [('200, close') x 16], "$mode: each client is told, and answered";
		my $new = Brood::Client->connect($server->address)->get('/hello.txt');
		ok $new->status eq '200' && $new->says_close, "$mode: so is one that comes now";
		$server->ctl('stop', '--now');
		is $server->wait_exit, 0, "$mode: nothing is left to be cut";
		$server->finish("$mode: nothing is left");
	}
};

for my $signal (qw(TERM INT QUIT)) {
	my $server = start();
	$server->signal($signal);
	is $server->wait_exit, 0, "SIG$signal: status 0";
	$server->finish("SIG$signal: nothing is left");
}

together 'connections that wait in the queue are answered' => sub {
	for my $mode (@modes) {
		my $server = start(accept => $mode, workers => 2);
		my @workers = $server->workers;
		kill 'STOP', @workers;
		my @queued = map { Brood::Client->connect($server->address, later => 1) } 1 .. 20;
		$_->send("GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n") for @queued;
		sleep 0.1;
		$server->signal('TERM');
		kill 'CONT', @workers;
		my @statuses = map { $_->response->status } @queued;
		is scalar(grep { $_ ne '200' } @statuses), 0, "$mode: all twenty" or diag "@statuses";
		is $server->wait_exit, 0, "$mode: status 0";
		$server->finish("$mode: nothing is left");
	}
};

together 'a stop while it starts' => sub {
	for my $delay (0, 0.002, 0.005, 0.01, 0.02) {
		my $server = Brood::Server->start(unready => 1, workers => 4);
		sleep $delay;
		$server->signal('TERM');
		my $exit = $server->wait_exit // 'none';
		# Before it has handlers the signal has its default effect.
		like $exit, qr/^(?:0|signal 15)$/, "after $delay s";
		is_deeply [$server->leftovers], [], 'nothing is left';
	}
};

together 'a stop while it rolls' => sub {
	for my $mode (@modes) {
		my $server = Brood::Server->start(accept => $mode, workers => 4);
		$server->signal('HUP');
		sleep 0.005;
		$server->signal('TERM');
		is $server->wait_exit, 0, "$mode: status 0";
		$server->finish("$mode: nothing is left");
	}
};

together 'stop --now' => sub {
	my $server = start(control => 1, workers => 3, set => { access_log => 'access.log' });
	my @large = map { begin_large($server) } 1 .. 3;
	my $half = Brood::Client->connect($server->address);
	$half->send("GET /hello.txt HTTP/1.1\r\nHost:");
	my $idle = Brood::Client->connect($server->address);
	is $idle->get('/hello.txt')->status, 200, 'one that will be idle';
	my $begin = time;
	is $server->ctl('stop', '--now')->{exit}, 0, 'it is done as asked';
	cmp_ok time - $begin, '<', 5, 'at once';
	is $server->wait_exit, 3, 'status 3';
	like $server->stderr, qr/ 4 requests cut$/m, 'a line tells what was cut';
	my @lines = grep { m{GET /large.bin} } split /\n/, Brood::Server::slurp($server->dir . '/access.log');
	is scalar @lines, 3, 'and the access log';
	$server->finish('nothing is left');
};

together 'stop --now with nothing in flight' => sub {
	my $server = start(control => 1);
	my @idle = map { Brood::Client->connect($server->address) } 1 .. 4;
	$_->get('/hello.txt') for @idle;
	is $server->ctl('stop', '--now')->{exit}, 0, 'it is done as asked';
	is $server->wait_exit, 0, 'status 0';
	like $server->stderr, qr/ nothing was cut$/m, 'a line says so';
	$server->finish('nothing is left');
};

together 'stop --now while a stop runs' => sub {
	my $server = start(control => 1);
	my $client = begin_large($server);
	$server->signal('TERM');
	ok $server->wait_stderr(qr/SIGTERM: stopping/), 'a stop';
	is $server->ctl('stop', '--now')->{exit}, 0, 'it need not be a second later';
	is $server->wait_exit, 3, 'status 3';
	$server->finish('nothing is left');
};

together 'stop --now with a worker that cannot say what it cut' => sub {
	my $server = start(control => 1, workers => 1);
	my $client = begin_large($server);
	ok wait_until(10, sub {
		my $worker = decode_json($server->ctl('status', '--json')->{stdout})->{workers}[0];
		$worker->{connections} == 1 && $worker->{idle} == 0;
	}), 'it shows one connection, which is not idle';
	kill 'STOP', $server->workers;
	is $server->ctl('stop', '--now')->{exit}, 0, 'it is done as asked';
	is $server->wait_exit, 3, 'status 3';
	like $server->stderr, qr/0 requests cut; 1 more connections were not idle in 1 worker that had to be killed/, 'it is told apart';
	$server->finish('nothing is left');
};

together 'a second signal while it rolls' => sub {
	my $server = start(accept => 'handoff', workers => 2);
	my $client = begin_large($server);
	$server->signal('HUP');
	ok $server->wait_stderr(qr/reload/), 'a roll';
	is $server->stop_at_once, 3, 'status 3';
	like $server->stderr, qr/ 1 request cut$/m, 'a line tells of it';
	$server->finish('nothing is left');
};

together 'a stop, and a second one, while it becomes another program' => sub {
	for my $late (0, 1) {
		my $server = start(workers => 2);
		my $client = begin_large($server);
		$server->signal('USR2');
		ok $server->wait_stderr($late ? qr/upgraded to/ : qr/upgrade: trying/), 'an upgrade';
		is $server->stop_at_once, 3, 'status 3';
		like $server->stderr, qr/ 1 request cut$/m, 'a line tells of it';
		$server->finish('nothing is left');
	}
	my $server = start(workers => 2);
	$server->signal('USR2');
	ok $server->wait_stderr(qr/upgrade: trying/), 'an upgrade';
	$server->signal('TERM');
	is $server->wait_exit, 0, 'one stop: status 0';
	$server->finish('nothing is left');
};

together 'a worker that stands still does not hold up the end for ever' => sub {
	my $server = Brood::Server->start(workers => 2, set => { stop_timeout => '1s' });
	kill 'STOP', ($server->workers)[0];
	$server->signal('TERM');
	is $server->wait_exit, 0, 'status 0';
	$server->finish('nothing is left');
};

all_together();
done_testing;
