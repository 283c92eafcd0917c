#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A reload is a transaction: all of the new configuration, or the old one as if nothing had been; for clients
# it does not happen. BROOD_TEST_LONG=1: the judged numbers.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(alive descriptors own_kib wait_until);
use Brood::Together;
use Brood::Wrk;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

my @modes = qw(shared handoff reuseport);
my $long = $ENV{BROOD_TEST_LONG};

# What new connections are answered with by /which.txt, each content once.
sub seen
{
	my ($address, $count) = @_;
	my %seen;
	for (1 .. $count) {
		my $client = Brood::Client->connect($address, limit => 5) or ++$seen{refused} && next;
		my $response = $client->get('/which.txt');
		$seen{ $response->status eq '200' ? $response->body : $response->status }++;
	}
	return join ' ', sort keys %seen;
}

# Are all four slots served by a worker of generation 0, and by no other? Connections are opened, besides those
# in %$workers, until each has one.
sub all_slots
{
	my ($server, $workers) = @_;
	my %seen = map { s/-\d+\z//r => 1 } keys %$workers;
	my @clients;
	while (@clients < 400 && keys %seen < 4) {
		push @clients, Brood::Client->connect($server->address);
		$seen{ join '-', ($clients[-1]->get('/hello.txt')->worker)[0, 1] }++;
	}
	return join(' ', sort keys %seen) eq '0-0 1-0 2-0 3-0';
}

# ---- reloads that fail ----

my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5) or die $!;
my $taken_address = '127.0.0.1:' . $taken->sockport;

# What is wrong, the settings (or the whole file) that are so, the reason that is to be told.
my @mistakes = (
	['a syntax error', "workers = ;\n", qr/brood\.conf:1: /],
	['a file cut to nothing', '', qr/brood\.conf': is empty/],
	['an unknown setting', { keepalive_timeuot => '1s' }, qr/brood\.conf:\d+: .*keepalive_timeuot.*keepalive_timeout/],
	['a missing root', { root => '/nonexistent' }, qr/brood\.conf:\d+: .*'\/nonexistent': no such folder/],
	['an address that is taken', { listen => ['127.0.0.1:0', $taken_address] },
		qr/cannot listen on \Q$taken_address\E: address in use/],
);
for my $slot (1, 3) {
	push @mistakes,
	    ["start-exit in slot $slot", { debug_fault => "start-exit:$slot" }, qr/slot $slot: .*exit/],
	    ["start-hang in slot $slot", { debug_fault => "start-hang:$slot", start_timeout => '1s' },
		qr/slot $slot: .*start_timeout/],
	    ["probe-fail in slot $slot", { debug_fault => "probe-fail:$slot" }, qr/slot $slot: .*exit/];
}

for my $mode (@modes) {
	together "$mode: reloads that fail" => sub {
		my $server = Brood::Configured->start(accept => $mode);
		my @kept = $server->kept(200);
		for my $mistake (@mistakes) {
			my ($name, $change, $reason) = @$mistake;
			next if !$long && $name =~ /slot 1/ && $mode ne 'handoff';
			subtest $name => sub {
				if (ref $change) {
					$server->set(root => $server->root_named('second'), debug_headers => \'false', %$change);
				} else {
					Brood::Server::write_file($server->{file}, $change);
				}
				$server->start_reload;
				like $server->verdict, qr/^failed: .*$reason/, 'the reload fails, and it is said why';
				$server->set(root => $server->root_named('first'), debug_headers => \'true',
					map { $_ => $_ eq 'listen' ? '127.0.0.1:0' : undef } ref $change ? grep { $_ ne 'root' } keys %$change : ());
				wait_until(20, sub { $server->workers == 4 });
				my %workers;
				is Brood::Configured::ask_all(\%workers, @kept), '', 'all connections live';
				ok all_slots($server, \%workers), 'each slot serves, by workers of the old generation'
				    or diag join ' ', sort keys %workers;
				is seen($server->address, 20), 'first', 'the old configuration';
			};
		}
		is $server->reload(root => $server->root_named('second')), 'done', 'a good one succeeds';
		is seen($server->address, 20), 'second', 'and is in force';
		my %workers;
		is Brood::Configured::ask_all(\%workers, @kept), '', 'all connections live';
		wait_until(20, sub { $server->workers == 4 });
		$server->finish('nothing is left of any of them');
	};
}

subtest 'failures leak nothing' => sub {
	my $count = $long ? 100 : 15;
	my $server = Brood::Configured->start(accept => 'reuseport');
	my @ways = ({ debug_fault => 'start-exit:3' }, { root => '/nonexistent' },
		{ listen => ['127.0.0.1:0', Brood::Configured::free_address(), $taken_address] },
		{ debug_fault => 'probe-fail:1', listen => ['127.0.0.1:0', Brood::Configured::free_address()] });
	my ($fds, $pss, $failed);
	for my $round (-4 .. $count) {
		my $way = $ways[$round % @ways];
		my %old = %{ $server->{settings} };
		$failed++ if ($server->reload(%$way) // '') =~ /^failed/;
		$server->set(map { $_ => $old{$_} } keys %$way);
		wait_until(20, sub { $server->workers == 4 });
		($fds, $pss) = (scalar keys %{ descriptors($server->master) }, own_kib($server->master)) if !$round;
	}
	is $failed, $count + 5, 'all fail';
	ok wait_until(10, sub { keys(%{ descriptors($server->master) }) <= $fds }), "the master has $fds descriptors at most, as before";
	cmp_ok own_kib($server->master) - $pss, '<', 1024, "and its memory has not grown by 1 MiB (from $pss KiB)"
	    if !$ENV{BROOD_SANITIZE}; # which keeps what is freed
	$server->finish;
};

# ---- what a reload may change ----

for my $mode (@modes) {
	subtest "$mode: addresses come and go" => sub {
		my ($first, $second) = map { Brood::Configured::free_address() } 1 .. 2;
		my $server = Brood::Configured->start(accept => $mode, listen => $first);
		my @kept = $server->kept(40);
		is $server->reload(listen => [$first, $second]), 'done', 'one more';
		is seen($_, 20), 'first', "$_ serves" for $first, $second;
		is $server->reload(listen => $second), 'done', 'without the first one';
		ok wait_until(10, sub { seen($first, 3) eq 'refused' }), 'which refuses';
		is seen($first, 20), 'refused', 'always';
		is seen($second, 20), 'first', 'the other one serves';
		my %workers;
		is Brood::Configured::ask_all(\%workers, @kept), '', 'connections to the first one live';
		is $server->reload(listen => $first), 'done', 'exchanged';
		is seen($first, 20), 'first', 'the first one serves again';
		wait_until(20, sub { $server->workers == 4 });
		$server->rebase;
		$server->finish;
	};
}

subtest 'an address whose socket a slot without a worker had' => sub {
	my ($first, $second) = map { Brood::Configured::free_address() } 1 .. 2;
	my $server = Brood::Configured->start(accept => 'reuseport', listen => [$first, $second]);
	$server->signal('TTOU');
	ok wait_until(20, sub { $server->workers == 3 }), 'one worker less';
	is seen($second, 40), 'first', 'all is answered';
	is $server->reload(listen => [$first, $taken_address]) =~ /^failed/, 1, 'a reload that fails';
	is $server->reload(listen => $first), 'done', 'without the second address';
	ok wait_until(10, sub { seen($second, 20) eq 'refused' }), 'it refuses';
	is $server->reload(listen => [$first, $second], debug_fault => 'start-exit:2') =~ /^failed/, 1,
	    'put back in vain';
	ok wait_until(10, sub { seen($second, 20) eq 'refused' }), 'it refuses still';
	is $server->reload(debug_fault => undef), 'done', 'put back';
	is seen($_, 60), 'first', "$_: all is answered" for $first, $second;
	wait_until(20, sub { $server->workers == 3 });
	$server->rebase;
	$server->finish;
};

SKIP: {
	skip 'wrk is not installed', 1 if !Brood::Wrk::path();
	subtest 'the mode, under load' => sub {
		my @walk = qw(shared handoff reuseport shared reuseport handoff shared); # each of the six once
		for my $close (0, 1) {
			my $server = Brood::Configured->start(accept => $walk[0]);
			my $load = Brood::Wrk->start(url => $server->url('/1k.txt'), close => $close,
				seconds => $long ? 20 : 60);
			my @walked;
			for my $mode (@walk[1 .. $#walk]) {
				push @walked, $server->reload(accept => $mode) // 'none';
				sleep 0.2;
			}
			is_deeply \@walked, [('done') x 6], 'all six changes';
			my $result = $long ? $load->result : $load->stop;
			ok $result->{requests} > 500 && !$result->{errors} && !$result->{bad_status},
			    ($close ? 'close' : 'keep-alive') . ': no client sees it'
			    or diag Brood::Wrk::describe($result);
			wait_until(20, sub { $server->workers == 4 });
			$server->rebase;
			$server->finish;
		}
	};
}

# Each of these makes sockets for which there is no worker, for a while or for good.
subtest 'nobody waits for a socket that has no worker' => sub {
	my $server = Brood::Configured->start(accept => 'reuseport', workers => 2);
	like $server->reload(workers => 6, debug_fault => 'start-exit:1'), qr/^failed/, 'more workers, in vain';
	is seen($server->address, 60), 'first', 'all is answered';
	is $server->reload(workers => 2, debug_fault => undef), 'done', 'a reload';
	is seen($server->address, 60), 'first', 'all is answered';
	is $server->reload(workers => 5), 'done', 'more workers';
	is seen($server->address, 60), 'first', 'all is answered';
	is $server->reload(workers => 1), 'done', 'one worker';
	is seen($server->address, 60), 'first', 'all is answered';
	wait_until(20, sub { $server->workers == 1 });
	$server->rebase;
	$server->finish;

	$server = Brood::Configured->start(accept => 'shared', workers => 2);
	$server->signal('TTIN');
	wait_until(20, sub { $server->workers == 3 });
	is $server->reload(accept => 'reuseport'), 'done', 'from three workers, by TTIN, to a socket for each';
	my %workers;
	wait_until(20, sub {
		my @clients = map { Brood::Client->connect($server->address) } 1 .. 60;
		Brood::Configured::ask_all(\%workers, @clients);
		return 3 == keys %workers;
	});
	is scalar(keys %workers), 3, 'each of which serves';
	$server->rebase;
	$server->finish;
};

for my $mode (@modes) {
	subtest "$mode: another root" => sub {
		my $server = Brood::Configured->start(accept => $mode);
		my @kept = $server->kept(20);
		for my $name (qw(second first)) {
			is $server->reload(root => $server->root_named($name)), 'done', "to the $name";
			is seen($server->address, 20), $name, 'new connections see it';
			is join(' ', sort keys %{ { map { $_->get('/which.txt')->body => 1 } @kept } }), $name,
			    'those that moved see it, too';
		}
		wait_until(20, sub { $server->workers == 4 });
		$server->finish;
	};
}

# ---- many, and with things happening meanwhile ----

for my $mode (@modes) {
	my $count = $long ? 1000 : 30;
	subtest "$mode: $count rolls in a row" => sub {
		my $server = Brood::Configured->start(accept => $mode, workers => 2);
		my @kept = $server->kept(10);
		my ($fds, $pss, %bad);
		for my $roll (-9 .. $count) {
			my $verdict = $server->reload // 'none';
			$bad{$verdict}++ if $verdict ne 'done';
			next if $roll % 10;
			my %workers;
			my $wrong = Brood::Configured::ask_all(\%workers, @kept);
			$bad{$wrong}++ if $wrong;
			wait_until(20, sub { $server->workers == 2 });
			($fds, $pss) = (scalar keys %{ descriptors($server->master) }, own_kib($server->master))
			    if !$roll;
		}
		is_deeply \%bad, {}, 'all well';
		ok wait_until(10, sub { keys(%{ descriptors($server->master) }) <= $fds }), "the master has $fds descriptors at most, as before";
		cmp_ok own_kib($server->master) - $pss, '<', 1024, "its memory has not grown by 1 MiB (from $pss KiB)"
		    if !$ENV{BROOD_SANITIZE};
		$server->finish;
	};
}

for my $mode (@modes) {
	together "$mode: HUP, TTIN, TTOU and SIGKILL, as it happens" => sub {
		my $server = Brood::Configured->start(accept => $mode, workers => 3);
		my ($until, %answer, $asked) = (time + ($long ? 30 : 4));
		while (time < $until) {
			my $what = int rand 10;
			$server->signal('HUP') if $what < 5;
			$server->signal($what == 5 ? 'TTIN' : 'TTOU') if $what == 5 || $what == 6;
			if ($what == 7) {
				my @now = $server->workers;
				kill KILL => $now[ rand @now ] if @now > 1;
			}
			for (1 .. 5) {
				my $client = Brood::Client->connect($server->address);
				$answer{ $client ? $client->get('/hello.txt')->status : 'refused' }++;
				$asked++;
			}
			sleep rand 0.05;
		}
		# A worker takes those along whose request it was reading.
		my $lost = $asked - ($answer{200} // 0);
		ok !$answer{refused}, 'no connection is refused';
		cmp_ok $lost, '<', $asked / 20, "$lost of $asked connections were lost";
		is $server->reload(workers => 4), 'done', 'a reload to four workers';
		ok wait_until(20, sub { $server->workers == 4 }), 'which are there';
		is seen($server->address, 40), 'first', 'and answer';
		$server->rebase;
		$server->finish;
	};
}

subtest 'a new worker that is killed is tried again' => sub {
	my $server = Brood::Configured->start(workers => 2, drain_timeout => '5s');
	my @kept = $server->kept(20);
	my %old = map { $_ => 1 } $server->workers;
	my $killed = 0;
	$server->start_reload;
	# On a busy machine a reload may be over before its worker is seen: then another one begins.
	for (my $reloads = 1; $killed < 2 && $reloads < 1000;) {
		if ($server->verdicts > $server->{verdicts_before}) {
			$old{$_} = 1 for $server->workers;
			$server->start_reload;
			$reloads++;
		}
		my ($new) = grep { !$old{$_} } $server->workers or next;
		$old{$new} = 1;
		$killed += kill KILL => $new;
	}
	is $killed, 2, 'two were killed';
	is $server->verdict, 'done', 'the reload is done';
	wait_until(20, sub { $server->workers == 2 });
	is seen($server->address, 20), 'first', 'all is well';
	$server->finish;
};

together 'an old worker that stands still' => sub {
	my $server = Brood::Configured->start(accept => 'handoff', drain_timeout => '2s');
	my @kept = $server->kept(80);
	my %holder = map { $_->fd => ($_->get('/hello.txt')->worker)[2] } @kept;
	my ($stopped) = $server->workers;
	kill STOP => $stopped;
	ok $server->wait_stderr(qr/was stopped/), 'is noticed';
	$server->start_reload;
	ok wait_until(20, sub { my %now = map { $_ => 1 } $server->workers; 4 <= grep { $_ ne $stopped } keys %now }),
	    'the others are replaced';
	my @others = grep { $holder{ $_->fd } != $stopped } @kept;
	wait_until(20, sub { !alive($stopped) });
	my %workers;
	is Brood::Configured::ask_all(\%workers, @others), '', 'what the others held lives';
	ok !alive($stopped), 'it is ended after its time';
	is $server->verdict, 'done', 'the reload is done';
	$server->finish;
};

together 'a slot that was retired again and again is wanted again' => sub {
	my $server = Brood::Configured->start(workers => 2, drain_timeout => '30s');
	open my $file, '>', $server->root_named('first') . '/large.bin' or die $!;
	truncate $file, 64 << 20;
	my @busy;
	# Each time a download keeps the second slot's worker, until there is room for no other.
	for (1 .. 12) {
		my $found = wait_until(10, sub {
			my $client = Brood::Client->connect($server->address, receive_buffer => 4096);
			$client->send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
			my $response = $client->response(method => 'HEAD');
			return ($response->worker)[0] eq '1' ? $client : undef;
		}) or last;
		$found->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
		$found->wait_answer(time + 5);
		push @busy, $found;
		my $before = () = $server->workers;
		my $told = sub { scalar grep { /\b1 workers from now on/ } $server->stderr_lines };
		my $so_often = $told->();
		$server->signal('TTOU');
		# Both at once would be taken the other way round.
		wait_until(10, sub { $told->() > $so_often });
		$server->signal('TTIN');
		last if !wait_until(2, sub { $server->workers > $before });
	}
	ok $server->wait_stderr(qr/cannot start worker 1/, 5), 'there is room for no further worker';
	sleep 3; # so that the next regular try is seconds away
	my $begin = time;
	my @before = $server->workers;
	(shift @busy)->close;
	ok wait_until(10, sub { my %old = map { $_ => 1 } @before; grep { !$old{$_} } $server->workers }),
	    'one is started as soon as there is';
	cmp_ok time - $begin, '<', 1.5, 'at once';
	undef @busy;
	wait_until(20, sub { $server->workers == 2 });
	$server->finish;
};

all_together();
done_testing;
