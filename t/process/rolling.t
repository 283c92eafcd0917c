#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Rolling restarts: nothing that happens to a process is seen by a client.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use Brood::Wrk;
use Time::HiRes qw(sleep time);

my @modes = Brood::Server::modes();

# A worker's (slot, generation, pid) from a connection of its own.
sub asked { return Brood::Client->connect($_[0]->address)->get('/hello.txt')->worker }

SKIP: {
	skip 'wrk is not installed', 1 if !Brood::Wrk::path();
	for my $mode (@modes) {
		for my $close (0, 1) {
			my $name = "$mode, " . ($close ? 'Connection: close' : 'keep-alive');
			my $server = Brood::Server->start(accept => $mode, workers => 4);
			my $load = Brood::Wrk->start(url => $server->url('/1k.txt'), close => $close, seconds => Brood::Wrk::seconds(60));
			my $rolls = 0;
			sleep 0.2;
			$rolls++ while $load->running && $rolls < 10 && $server->roll;
			my $result = $ENV{BROOD_TEST_LONG} ? $load->result : $load->stop;
			note "$name: $rolls rolling restarts; ", Brood::Wrk::describe($result);
			is $rolls, 10, "$name: ten rolling restarts under load";
			ok $result->{requests} > Brood::Wrk::enough(1000, $close) && !$result->{errors} && !$result->{bad_status}, "$name: no client saw them"
			    or diag Brood::Wrk::describe($result);
			is_deeply [grep { !/info|generation|HUP|rolling|worker/ } grep { /error|warn/i } $server->stderr_lines], [],
			    "$name: no complaint in the log";
			$server->finish("$name: the server ends well");
		}
	}
}

for my $mode (@modes) {
	subtest "$mode: an idle connection moves to the next generation" => sub {
		plan skip_all => 'over TLS none moves' if Brood::Server::with_tls();
		my $server = Brood::Server->start(accept => $mode);
		my @old = $server->workers;
		my @idle = map { Brood::Client->connect($server->address) } 1 .. 20;
		$_->get('/hello.txt') for @idle;
		ok $server->roll, 'the old workers are gone at once: they had nothing to keep';
		my %new = map { $_ => 1 } $server->workers;
		is scalar(grep { $_->ending(0) ne 'open' } @idle), 0, 'the idle ones are open';
		for my $time ('next', 'one after') {
			my @responses = map { $_->get('/hello.txt') } @idle;
			is scalar(grep { $_->status ne '200' } @responses), 0, "their $time request is answered";
			is scalar(grep { !$new{ ($_->worker)[2] } } @responses), 0, 'by a new worker';
			is scalar(grep { $_->says_close } @responses), 0, 'and nothing is said of closing';
		}
		is_deeply [grep { alive($_) } @old], [], 'no old worker is left';
		$server->finish;
	};
}

subtest 'generations and slots' => sub {
	my $server = Brood::Server->start(workers => 2, accept => 'handoff', set => { handoff_policy => 'round-robin' });
	my %slot;
	my $look = sub {
		%slot = ();
		$slot{ $_->[0] } = $_ for map { [asked($server)] } 1 .. 4;
		return join ' ', map { "$_:$slot{$_}[1]" } sort keys %slot;
	};
	my $first = $look->();
	like $first, qr/^0:(\d+) 1:\1$/, 'two slots of one generation';
	my ($generation) = $first =~ /:(\d+)$/;
	ok $server->roll, 'a roll';
	is $look->(), sprintf('0:%d 1:%d', $generation + 1, $generation + 1), 'the generation counts rolls, slots stay';
	my $pid = $slot{1}[2];
	kill 'KILL', $pid;
	ok wait_until(10, sub { $look->() =~ /1:/ && $slot{1}[2] != $pid }), 'a worker that died is replaced';
	is $look->(), sprintf('0:%d 1:%d', $generation + 1, $generation + 1), 'a respawn keeps slot and generation';
	$server->finish;
};

subtest 'an old worker leaves at drain_timeout at latest' => sub {
	my $server = Brood::Server->start(set => { drain_timeout => '1s' });
	open my $file, '>', $server->root . '/large.bin' or die $!;
	truncate $file, 256 << 20;
	my $stuck = Brood::Client->connect($server->address, receive_buffer => 4096);
	$stuck->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
	$stuck->wait_answer(time + 10);
	my @old = $server->workers;
	my $begin = time;
	ok $server->roll, 'the roll is done';
	is_deeply [grep { alive($_) } @old], [], 'no old worker is left';
	cmp_ok time - $begin, '>=', 0.9, 'the one whose answer nobody reads stayed to the end of its time';
	$stuck->close;
	$server->finish;
};

subtest 'an answer that is on its way is finished by the old worker' => sub {
	for my $mode (@modes) {
		my $server = Brood::Server->start(accept => $mode);
		open my $file, '>', $server->root . '/large.bin' or die $!;
		truncate $file, 32 << 20;
		my $client = Brood::Client->connect($server->address, receive_buffer => 65536, limit => 30);
		$client->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
		$client->wait_answer(time + 10);
		my $half = Brood::Client->connect($server->address);
		$half->send("GET /hello.txt HTTP/1.1\r\n");
		sleep 0.1;
		$server->signal('HUP');
		wait_until(10, sub { ((asked($server))[1] // 0) > 0 });
		is length $client->response->body, 32 << 20, "$mode: whole";
		$half->send("Host: x\r\n\r\n");
		is $half->response->status, 200, "$mode: a head that was half there is answered, too";
		$client->close;
		$server->finish;
	}
};

subtest 'a slot has at most one draining worker' => sub {
	my $server = Brood::Server->start(workers => 2, set => { drain_timeout => '2s' });
	open my $file, '>', $server->root . '/large.bin' or die $!;
	truncate $file, 256 << 20;
	my ($most, @stuck) = (0);
	for (1 .. 4) {
		# What nobody reads cannot move, so the workers that have it stay until drain_timeout.
		push @stuck, map { Brood::Client->connect($server->address, receive_buffer => 4096) } 1 .. 8;
		$_->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n") for @stuck[-8 .. -1];
		$_->wait_answer(time + 10) for @stuck[-8 .. -1];
		$server->signal('HUP');
		my $until = time + 0.7;
		while (time < $until) {
			my $count = () = $server->workers;
			$most = $count if $count > $most;
			sleep 0.01;
		}
	}
	cmp_ok $most, '>', 2, 'old and new workers were there at the same time';
	cmp_ok $most, '<=', 5, "two slots, an old and a new one each, and one being started: at most 5 (there were $most)";
	# Not a moment between one roll and the next, but when the last one is over.
	wait_until(30, sub {
		my $log = $server->stderr;
		my $begun = () = $log =~ /reload: generation/g;
		my $done = () = $log =~ /reload done/g;
		return $begun > 1 && $begun == $done && $server->workers == 2;
	});
	is scalar(my @workers = $server->workers), 2, 'in the end there are two';
	$_->close for @stuck;
	$server->finish;
};

subtest 'a broken configuration changes nothing and is told of' => sub {
	my $server = Brood::Server->start(config => "# first\nkeepalive_timeout = \"75s\";\n");
	my @old = $server->workers;
	for my $case (["keepalive_timeout = \"75s\";\nkeepalive_timeuot = \"1s\";\n", 2], ["\n\nworkers = ;\n", 3],
		["keepalive_timeout = \"x\";\n", 1], ["root = \"/nonexistent\";\nworkers = x;\n", 2]) {
		Brood::Server::write_file($server->{config_file}, $case->[0]);
		$server->signal('HUP');
		ok $server->wait_stderr(qr/brood\.conf:$case->[1]: /), "line $case->[1] is named";
	}
	unlink $server->{config_file};
	$server->signal('HUP');
	ok $server->wait_stderr(qr/brood\.conf.*No such file/), 'a file that is gone';
	is_deeply [$server->workers], \@old, 'the workers are the same';
	is((asked($server))[1] // 'none', 0, 'and of the same generation');
	Brood::Server::write_file($server->{config_file}, "\n");
	ok $server->roll, 'a good one works again';
	$server->finish;
};

subtest 'a changed configuration is applied' => sub {
	my $server = Brood::Server->start(config => "keepalive_timeout = \"75s\";\n", set => { debug_headers => undef });
	is_deeply [asked($server)], [], 'no debug header at first';
	Brood::Server::write_file($server->{config_file}, "debug_headers = true;\n");
	ok $server->roll, 'rolled';
	is scalar(my @worker = asked($server)), 3, 'now there is one';
	$server->finish;
};

subtest 'another root' => sub {
	my $dir = Brood::Server::new_dir();
	Brood::Server::make_tree("$dir/$_", { 'hello.txt' => $_ }) for qw(first second);
	my $config = sub { return "listen = \"127.0.0.1:0\";\nworkers = 2;\nroot = \"$dir/$_[0]\";\n" };
	my $file = Brood::Server::write_file("$dir/conf", $config->('first'));
	my $server = Brood::Server->start(bare => 1, args => ['-c', $file]);
	my $body = sub { Brood::Client->connect($server->address)->get('/hello.txt')->body };
	is $body->(), 'first', 'the first';
	Brood::Server::write_file($file, $config->('second'));
	ok $server->roll, 'rolled';
	is $body->(), 'second', 'the second';
	$server->finish;
};

subtest 'the number of workers follows the file' => sub {
	my $dir = Brood::Server::new_dir();
	Brood::Server::make_tree("$dir/root", { 'hello.txt' => 'x' });
	my $config = sub { "listen = \"127.0.0.1:0\";\nroot = \"$dir/root\";\nworkers = $_[0];\n" };
	my $file = Brood::Server::write_file("$dir/conf", $config->(2));
	my $server = Brood::Server->start(bare => 1, args => ['-c', $file]);
	for my $count (4, 1, 3) {
		Brood::Server::write_file($file, $config->($count));
		my @old = $server->workers;
		$server->signal('HUP');
		ok wait_until(20, sub { my @now = $server->workers;
			@now == $count && !grep { my $pid = $_; grep { $_ == $pid } @old } @now }), "$count new workers";
	}
	$server->rebase;
	$server->finish;
};

subtest 'a generation that does not start leaves the old one serving' => sub {
	my $server = Brood::Server->start(config => "\n", workers => 2, set => { start_timeout => '1s' });
	my @old = $server->workers;
	for my $fault (qw(start-exit start-hang probe-fail)) {
		Brood::Server::write_file($server->{config_file}, "debug_fault = \"$fault\";\n");
		my $before = () = $server->stderr =~ /reload failed/g;
		$server->signal('HUP');
		ok wait_until(30, sub { my $now = () = $server->stderr =~ /reload failed/g; $now > $before }),
		    "$fault: the failure is told of";
		is scalar(grep { Brood::Client->connect($server->address)->get('/hello.txt')->status ne '200' } 1 .. 20), 0,
		    "$fault: and everything is answered";
		is_deeply [grep { alive($_) } @old], \@old, "$fault: by the old workers";
	}
	Brood::Server::write_file($server->{config_file}, "\n");
	ok $server->roll, 'a good configuration replaces them';
	$server->finish;
};

subtest 'TERM to one worker retires that one' => sub {
	my $server = Brood::Server->start(workers => 2);
	my ($pid, $other) = $server->workers;
	kill 'TERM', $pid;
	ok wait_until(10, sub { !alive($pid) && $server->workers == 2 }), 'it is replaced';
	ok alive($other), 'the other one stays';
	is(Brood::Client->connect($server->address)->get('/hello.txt')->status, 200, 'all is well');
	$server->finish;
};

done_testing;
