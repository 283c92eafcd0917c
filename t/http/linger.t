#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What a worker that was taken over does to sockets, of which it has copies, makes nobody else wait: neither the master,
# whatever it is sent (SO_LINGER), nor the other workers (O_NONBLOCK).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use Brood::Taken qw(can_take channel connections lingering listeners send_frame set_blocking set_lingering);

plan skip_all => 'for root: it takes descriptors from other processes' if $> != 0 || !can_take();

my %large = (root => { 'large.bin' => 'x' x (32 << 20) });

# A guard, so that a master that waits fails this test and does not stop it.
sub in_time
{
	my ($what) = @_;
	local $SIG{ALRM} = sub { die "it takes too long\n" };
	alarm 20;
	my $result = eval { $what->() };
	alarm 0;
	return $result;
}

sub answer_of
{
	my ($address) = @_;
	return in_time(sub { Brood::Client->connect($address)->get('/hello.txt')->status }) // '';
}
sub serves { return answer_of($_[0]->address) }

# Also where it would wait for ever.
sub end_of
{
	my ($server, @signals) = @_;
	$server->signal($_) for @signals;
	ok in_time(sub { defined $server->wait_exit }), "@signals ends the server" or $server->kill_all;
}

for my $mode (Brood::Server::modes()) {
	subtest "$mode: frames with a socket that lingers" => sub {
		my $server = Brood::Server->start(accept => $mode, control => 1);
		my @far;
		for my $type (0, 1, 2, 3, 8, 16, 200) {
			my ($worker) = $server->workers;
			my $channel = channel($worker);
			ok $channel, "type $type: there is a channel";
			my ($socket, $listening) = lingering();
			push @far, $listening;
			# One connection where connections may come: but it has no state.
			my $data = $type == 2 || $type == 16 ? pack 'L L Q L L', 1, 0, 1, 1, 0 : '';
			# Read when there is no other copy left (and not when this close would be the last).
			kill 'STOP', $server->master;
			cmp_ok send_frame($channel, $type, $data, $socket), '>', 0, 'the frame is sent';
			close $socket;
			kill 'CONT', $server->master;
			ok wait_until(20, sub { !alive($worker) }), 'who sent it is ended';
			ok wait_until(20, sub { grep({ $_ != $worker } $server->workers) == 2 }), 'and replaced';
		}
		ok in_time(sub { $server->ctl('status')->{exit} == 0 }), 'the master answers';
		is serves($server), '200', 'and so does the service';
		like $server->stderr, qr/sent descriptors that its message must not carry/, 'it says why';
		ok wait_until(20, sub { !$server->children_named(qr/: closer\z/) }), 'whoever closed them is gone';
		end_of($server, 'TERM');
	};
}

# The lowest class of all, on a processor where others always want to run: its turn comes after more than the 100 ms in
# which one that drops nothing is taken for asleep.
SKIP: {
	skip 'chrt and taskset are not installed', 1 if grep { system("command -v $_ >/dev/null") != 0 } qw(chrt taskset);
	subtest 'handoff: a closer that waits for the processor is not taken for one that sleeps in a close' => sub {
		my $server = Brood::Server->start(accept => 'handoff');
		my @busy = map { my $pid = fork // die "fork: $!"; exec qw(taskset -c 0), $^X, '-e', 'alarm 60; 1 while 1' if !$pid; $pid } 1 .. 2;
		my %starved;
		my $end = time + 4;
		while (time < $end) {
			serves($server);
			for my $closer (grep { !$starved{$_}++ } $server->children_named(qr/: closer\z/)) {
				system("taskset -p -c 0 $closer >/dev/null 2>&1; chrt -i -p 0 $closer 2>/dev/null");
			}
		}
		kill 'KILL', @busy;
		waitpid $_, 0 for @busy;
		cmp_ok scalar(keys %starved), '>=', 1, 'there was one';
		is join("\n", grep { /sleeps/ } $server->stderr_lines), '', 'and nobody complained';
		ok wait_until(20, sub { !$server->children_named(qr/: closer\z/) }), 'it comes to its end';
		end_of($server, 'TERM');
	};
}

subtest 'handoff: connections that linger as their listener does' => sub {
	my $server = Brood::Server->start(accept => 'handoff', control => 1, %large);
	set_lingering($_) for listeners($server->master);
	my @clients = map { Brood::Client->connect($server->address) } 1 .. 8;
	$_->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n") for @clients;
	$_->wait_answer(time + 20) for @clients;
	kill 'KILL', $server->workers;
	ok in_time(sub { $server->ctl('status')->{exit} == 0 }), 'the master answers';
	end_of($server, 'TERM', 'TERM');
};

subtest 'listeners that wait, and linger, and go' => sub {
	my $server = Brood::Server->start(control => 1, listen => ['127.0.0.1:0', '127.0.0.2:0']);
	for (listeners($server->master)) {
		set_blocking($_);
		set_lingering($_);
	}
	my @addresses = map { $server->address($_) } 0, 1;
	for my $round (1 .. 4) {
		is answer_of($_), '200', "$_ answers" for @addresses;
	}
	my @kept = map { Brood::Client->connect($addresses[0]) } 1 .. 8;
	is scalar(grep { $_->get('/hello.txt')->status eq '200' } @kept), 8, 'no worker waits in accept';
	is in_time(sub { $server->ctl('restart')->{exit} }), 0, 'a roll goes well';
	end_of($server, 'TERM');
};

# Connections of one worker, whose descriptions wait from now on, are given to the others.
sub spoil { set_blocking($_) for map { connections($_) } @_ }

subtest 'given connections that wait' => sub {
	my $server = Brood::Server->start(workers => 2, control => 1, %large);
	my @clients = map { Brood::Client->connect($server->address) } 1 .. 8;
	$_->get('/hello.txt') for @clients;
	my @old = $server->workers;
	spoil(@old);
	is in_time(sub { $server->ctl('restart')->{exit} }), 0, 'they move';
	$_->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n") for @clients;
	is serves($server), '200', "the workers answer others ($_)" for 1 .. 6;
	is in_time(sub { length $_->response->body }), 32 << 20, 'and each of these' for @clients;
	$server->finish;
};

subtest 'a giver that makes them wait later' => sub {
	my $state = Brood::Server::new_dir();
	my $server = Brood::Server->start(workers => 2, control => 1, %large,
		set => { watchdog => '1s', state_dir => "$state/made", drain_timeout => '60s' });
	my ($slow, @clients) = map { Brood::Client->connect($server->address) } 1 .. 9;
	my ($slot, undef, $giver) = $slow->get('/hello.txt')->worker;
	my ($moving) = grep { (($_->get('/hello.txt')->worker)[2] // 0) == $giver } @clients;
	plan skip_all => 'all connections went to another worker' if !$moving;
	# Keeps the giver alive: an answer that nobody reads.
	$slow->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
	$slow->wait_answer(time + 20);
	my @copies = connections($giver);
	is in_time(sub { $server->ctl('restart')->{exit} }), 0, 'a roll';
	ok alive($giver), 'the giver is still there';
	my ($takes, undef, $taker) = $moving->get('/hello.txt')->worker;
	isnt $taker, $giver, 'the connection has moved';
	$moving->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
	$moving->wait_answer(time + 20);
	set_blocking($_) for @copies;
	# The taker has to send again, and then waits.
	wait_until(20, sub { $moving->plain_read; length $moving->buffered > 6 << 20 });
	ok wait_until(30, sub { !alive($taker) }), 'the taker is ended by the watchdog';
	ok wait_until(30, sub { !alive($giver) }), 'and so is the giver';
	like $server->ctl('--json', 'why', $takes)->{stdout}, qr/gave it connections: slot $slot\b/, 'the obituary names its slot';
	is serves($server), '200', 'the service goes on';
	$server->kill_all;
};

done_testing;
