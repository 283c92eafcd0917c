#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The master is killed: workers stop listening at once, finish what they have, and go.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive state wait_until);
use Brood::Server;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

my @modes = qw(shared handoff reuseport);

sub free_port { return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)->sockport }

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

# Traced, a worker learns of nothing.
my %where = (
	'an address' => sub { my ($server) = @_; return '127.0.0.1:' . $server->port },
	'all addresses' => sub { my ($server) = @_; return '*:' . $server->port },
	'a Unix socket' => sub { my ($server) = @_; return 'unix:' . $server->dir . '/http.sock' },
);
for my $where (sort keys %where) {
	subtest "a start before workers have left $where" => sub {
		my $server = Brood::Server->start(listen => ['127.0.0.1:0', $where =~ /Unix/ ? 'unix:http.sock' : ()]);
		my $listen = $where{$where}->($server);
		my ($worker) = $server->workers;
		my $tracer = Brood::Proc::hold($worker) or plan skip_all => 'this kernel does not let us trace';
		kill_master($server);
		my $next = Brood::Server->start(listen => ['127.0.0.1:' . free_port(), $listen], unready => 1);
		ok $next->wait_stderr(qr/waiting for the workers of a server that has gone: .*address in use/), 'it waits, and says so';
		Brood::Proc::let_go($tracer);
		ok $next->wait_ready, 'and has it when they leave';
		ok wait_until(10, sub { !alive($worker) }), 'the last one is gone';
		$next->finish;
	};
}

subtest 'workers that do not leave' => sub {
	my $server = Brood::Server->start;
	my ($worker) = $server->workers;
	my $tracer = Brood::Proc::hold($worker) or plan skip_all => 'this kernel does not let us trace';
	kill_master($server);
	my $next = Brood::Server->start(listen => ['127.0.0.1:' . $server->port], unready => 1);
	is $next->wait_exit, 1, 'are not waited for for ever';
	like $next->stderr, qr/^.*cannot listen on .*: address in use by pid $worker \(brood: w\d\)\n\z/m, 'who has the address is said';
	Brood::Proc::let_go($tracer);
	ok wait_until(10, sub { !alive($worker) }), 'they leave when they can';
	$next->finish('nothing is left');
};

subtest 'nobody waits for a server that lives, or for somebody else' => sub {
	my $server = Brood::Server->start;
	my $stranger = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die $!;
	for ([$server->port, qr/by pid @{[$server->master]} \(brood/], [$stranger->sockport, qr/by pid $$ /]) {
		my ($port, $holder) = @$_;
		my $next = Brood::Server->run('-l', "127.0.0.1:$port", $server->root);
		is $next->{exit}, 1, 'it is refused';
		like join('|', @{ $next->{lines} }), qr/^[^|]*address in use [^|]*$holder[^|]*\z/, 'at once: by whom is all that is said';
	}
	$server->finish;
};

for my $mode (@modes) {
	subtest "$mode: those who are stopped leave, too" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 3, control => 1);
		ok wait_until(10, sub { $server->admin && $server->log_process }), 'all are there';
		my @children = ($server->workers, $server->admin, $server->log_process);
		kill 'STOP', @children;
		ok wait_until(10, sub { @children == grep { (state($_) // '') eq 'T' } @children }), 'all are stopped';
		kill_master($server);
		ok wait_until(10, sub { !grep { alive($_) } @children }), 'all leave';
		my $next = Brood::Server->start(listen => ['127.0.0.1:' . $server->port]);
		$next->finish('the next server has their address');
	};
}

subtest 'as often as one likes, at once' => sub {
	my $dir = Brood::Server::new_dir();
	my ($address, $mode, $server) = ('127.0.0.1:0', 'shared');
	for my $round (1 .. 20) {
		$server = Brood::Server->start(accept => $mode, listen => [$address, "unix:$dir/http.sock"], workers => 4,
			set => { control => "$dir/control.sock", pid_file => "$dir/pid" });
		$address = '127.0.0.1:' . $server->port;
		last if $round == 20;
		$server->signal('KILL');
		$server->{finished} = 1;
		$mode = $modes[$round % 3];
	}
	pass 'each has its address';
	$server->finish;
};

done_testing;
