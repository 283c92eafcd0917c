#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What broodctl is told, and when: not before it is true, and not later than it must be.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive descriptors state wait_until);
use Brood::Server;
use IO::Socket::UNIX;
use JSON::PP qw(decode_json);
use Time::HiRes qw(time);

my @modes = qw(shared handoff reuseport);

sub status { return decode_json($_[0]->ctl('--json', 'status')->{stdout} || '{}') }

sub kept
{
	my ($server, $count) = @_;
	my @kept = map { Brood::Client->connect($server->address) } 1 .. $count;
	$_->get('/hello.txt') for @kept;
	return @kept;
}

sub lost { return scalar grep { $_->ending(0) ne 'open' || $_->get('/hello.txt')->status ne '200' } @_ }

# A command's outcome, and the status right after it: by one connection, since a new process would be late.
sub outcome_and_status
{
	my ($server, $command) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $server->control) or die $!;
	my @results;
	for my $request ($command, 'status') {
		$socket->syswrite(qq({"command":"$request"}\n));
		my $answer;
		do { $answer = decode_json(readline($socket) // '{"ok":null}') } until exists $answer->{ok};
		push @results, $answer;
	}
	return ($results[0]{ok}, $results[1]{result});
}

for my $mode (@modes) {
	subtest "$mode: a reload has failed when the connections are back" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 3, control => 1, config => "drain_timeout = \"20s\";\n");
		my @kept = kept($server, 400);
		Brood::Server::write_file($server->{config_file}, "debug_fault = \"start-exit:2\";\n");
		my $early = 0;
		for (1 .. 3) {
			my ($ok, $status) = outcome_and_status($server, 'reload');
			is !!$ok, !!0, 'it fails';
			$early += $_->{connections} for grep { $_->{state} eq 'draining' } @{ $status->{workers} };
			is $status->{state}, 'running', 'nothing runs any more';
			is lost(@kept), 0, 'all connections live';
		}
		is $early, 0, 'no worker that leaves has one';
		Brood::Server::write_file($server->{config_file}, "\n");
		is $server->ctl('reload')->{exit}, 0, 'without the fault it succeeds';
		is lost(@kept), 0, 'all connections live';
		wait_until(20, sub { $server->workers == 3 });
		$server->finish;
	};

	subtest "$mode: a worker that stands still holds up no verdict" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 3, control => 1, set => { watchdog => 'off', drain_timeout => '50s' });
		my @kept = kept($server, 60);
		my $stopped = ($server->workers)[1];
		kill 'STOP', $stopped;
		ok wait_until(10, sub { (state($stopped) // '') eq 'T' }), 'one stands still';
		my $begin = time;
		is $server->ctl('restart')->{exit}, 0, 'a restart is done';
		cmp_ok time - $begin, '<', 20, sprintf 'long before drain_timeout: in %.2f s', time - $begin;
		ok alive($stopped), 'it was not ended';
		kill 'CONT', $stopped;
		is lost(@kept), 0, 'it goes on, and gives its connections away';
		ok wait_until(20, sub { !alive($stopped) }), 'then it leaves';
		$server->finish;
	};

	subtest "$mode: not even when all stand still" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 2, control => 1, set => { watchdog => 'off', drain_timeout => '50s' });
		my @kept = kept($server, 20);
		my @workers = $server->workers;
		kill 'STOP', @workers;
		ok wait_until(10, sub { 2 == grep { (state($_) // '') eq 'T' } @workers }), 'all stand still';
		is $server->ctl('restart')->{exit}, 0, 'a restart is done';
		kill 'CONT', @workers;
		is lost(@kept), 0, 'all connections live';
		$server->finish;
	};
}

subtest 'a worker that cannot even be started: the reason' => sub {
	plan skip_all => 'prlimit is not installed' if system('command -v prlimit >/dev/null') != 0;
	my $server = Brood::Server->start(workers => 2, control => 1);
	my @workers = $server->workers;
	my ($limit) = qx(prlimit --pid @{[$server->master]} --nofile -o SOFT --noheadings) =~ /(\d+)/;
	my $few = 1 + (sort { $b <=> $a } keys %{ descriptors($server->master) })[0];
	system 'prlimit', '--pid', $server->master, "--nofile=$few:";
	my $run = $server->ctl('restart');
	is $run->{exit}, 1, 'a restart fails';
	like $run->{stderr}, qr/slot 0: the new worker cannot be started: Too many open files/, 'and says why';
	is status($server)->{last_roll}{reason}, 'slot 0: the new worker cannot be started: Too many open files', 'so does status';
	is_deeply [$server->workers], \@workers, 'the workers are the same';
	system 'prlimit', '--pid', $server->master, "--nofile=$limit:";
	is $server->ctl('restart')->{exit}, 0, 'with descriptors again it is done';
	$server->finish;
};

subtest 'a stop during a stop' => sub {
	my $server = Brood::Server->start(workers => 2, control => 1);
	open my $file, '>', $server->root . '/large.bin' or die $!;
	truncate $file, 32 << 20 or die $!;
	my $client = Brood::Client->connect($server->address, receive_buffer => 65536, limit => 30);
	$client->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
	$client->wait_answer(time + 10);
	my @stops = $server->ctl_start('stop');
	ok wait_until(10, sub { status($server)->{state} eq 'stopping' }), 'it stops, and waits for an answer in flight';
	push @stops, $server->ctl_start('stop');
	is $server->ctl('reload')->{exit}, 1, 'a reload is refused';
	ok alive($server->master), 'it is still there';
	is length $client->response->body, 32 << 20, 'the answer is whole';
	is_deeply [map { Brood::Server::ctl_wait($_)->{exit} } @stops], [0, 0], 'both are told of the end';
	ok !alive($server->master), 'which it is';
	is $server->wait_exit(5), 0, 'with status 0';
	$server->finish('nothing is left');
};

done_testing;
