#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Workers that hang: a successor serves, the others never stop, and there is an obituary.
# Times that are promised are asserted with BROOD_TEST_LONG=1; otherwise ten times as much is a guard.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP qw(decode_json);
use POSIX qw(:sys_wait_h);
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use Brood::Together;
use Brood::Wrk;
use Time::HiRes qw(sleep time);

my @modes = qw(shared handoff reuseport);
my $patience = $ENV{BROOD_TEST_LONG} ? 1 : 10;

# Stops a process so that only its tracer, which is this one, knows. See ptrace(2).
use constant { SYS_PTRACE => 101, PTRACE_SEIZE => 0x4206, PTRACE_INTERRUPT => 0x4207 };
sub hold
{
	my ($pid) = @_;
	syscall(SYS_PTRACE, PTRACE_SEIZE, $pid, 0, 0) == 0 or return 0;
	syscall(SYS_PTRACE, PTRACE_INTERRUPT, $pid, 0, 0) == 0 or return 0;
	return waitpid($pid, WUNTRACED) == $pid;
}

# May we? On a child that does nothing.
sub can_hold
{
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		sleep 60;
		POSIX::_exit(0);
	}
	my ($held, $error) = (hold($pid), $!);
	kill 'KILL', $pid;
	waitpid $pid, 0;
	$! = $error;
	return $held;
}

sub start
{
	my (%want) = @_;
	my $state = Brood::Server::new_dir();
	my $server = Brood::Server->start(%want,
		set => { watchdog => '1s', state_dir => "$state/made", %{ $want{set} // {} } });
	return ($server, "$state/made", $state);
}

# [path, content] of each; one may be removed between the two looks.
sub obituaries
{
	my @found = map { [$_, Brood::Server::slurp($_)] } sort glob "$_[0]/obituary-*";
	return map { [$_->[0], decode_json($_->[1])] } grep { length $_->[1] } @found;
}

# The obituary of a process, once its end is in it.
sub obituary_of
{
	my ($dir, $pid) = @_;
	return wait_until(20, sub {
		my ($found) = grep { $_->[1]{pid} == $pid && $_->[1]{ended} } obituaries($dir);
		return $found && $found->[1];
	});
}

for my $mode (@modes) {
	SKIP: {
		skip 'wrk is not installed', 1 if !Brood::Wrk::path();
		subtest "$mode: a worker is stopped under load" => sub {
			my ($server, $dir, $keep) = start(accept => $mode, workers => 4);
			my @kept = map { Brood::Client->connect($server->address) } 1 .. 40;
			my @pids = map { ($_->get('/hello.txt')->worker)[2] } @kept;
			my @old = $server->workers;
			my $victim = $pids[0];
			# Each request on a connection of its own: one after the other, as a client sees it.
			my $load = Brood::Wrk->start(url => $server->url('/1k.txt'), close => 1, seconds => 60, connections => 16);
			sleep 0.5;
			my $begin = time;
			kill 'STOP', $victim;
			my ($asked, $failed, $gone, $longest) = (0, 0, undef, 0);
			# For a second after its end, the successor's.
			while ($load->running && !(defined $gone && time - $begin > $gone + 1)) {
				my $before = time;
				my ($other) = grep { $pids[$_] != $victim } 0 .. $#kept;
				$asked++;
				$failed++ if $kept[$other]->get('/hello.txt')->status ne '200';
				my $took = time - $before;
				$longest = $took if $took > $longest;
				$gone //= time - $begin if !alive($victim);
				sleep 0.01;
			}
			my $result = $load->stop;
			note "$mode: ", Brood::Wrk::describe($result), sprintf '; longest wait of another %.0f ms', $longest * 1000;
			ok defined $gone, 'the stopped one is gone';
			cmp_ok $gone // 99, '<=', 1 + 3 * $patience, sprintf 'after %.1f s', $gone // 99;
			is $failed, 0, "$asked requests to another worker meanwhile are answered";
			cmp_ok $longest, '<', 0.5 * $patience, 'and none of them had to wait';
			is $result->{connect} + $result->{timeout} + $result->{bad_status}, 0, 'of the load none is refused or hangs';
			# What the stopped one held is lost with it; in mode handoff what it had not taken is not.
			cmp_ok $result->{read} + $result->{write}, '<=', 16, 'and no more is lost than it held';
			cmp_ok $result->{requests}, '>', 1000, "$result->{requests} requests are answered";
			my @others = grep { $pids[$_] != $victim } 0 .. $#kept;
			is scalar(grep { $kept[$_]->get('/hello.txt')->status ne '200' } @others), 0, 'connections of the others live';
			is scalar(grep { !alive($_) } grep { $_ != $victim } @old), 0, 'the other workers are the same';
			is scalar(my @now = $server->workers), 4, 'there are four workers';
			my $obituary = obituary_of($dir, $victim);
			ok $obituary, 'there is an obituary' or diag $server->stderr;
			is $obituary->{why}, 'hang', 'it says why';
			undef @kept;
			$server->finish;
		};
	}
}

together 'an obituary of a worker that hung' => sub {
	my ($server, $dir, $keep) = start(workers => 2, control => 1);
	my $client = Brood::Client->connect($server->address);
	$client->get('/hello.txt') for 1 .. 3;
	my ($slot, $generation, $pid) = $client->get('/hello.txt')->worker;
	my $before = time;
	sleep 0.3; # a tick, so that the requests are counted
	kill 'STOP', $pid;
	my $obituary = obituary_of($dir, $pid);
	ok $obituary, 'is written' or diag $server->stderr;
	is $obituary->{slot}, $slot, 'slot';
	is $obituary->{generation}, $generation, 'generation';
	is $obituary->{pid}, $pid, 'pid';
	is $obituary->{phase}, 'serving', 'phase';
	is $obituary->{signal_name}, 'SIGABRT', 'SIGABRT ended it';
	is $obituary->{requests}, 4, 'requests';
	is $obituary->{connections}, 1, 'connections';
	cmp_ok $obituary->{heartbeat_age_ms}, '>=', 750, 'its last heartbeat';
	cmp_ok $obituary->{heartbeat_age_ms}, '<', 1000 + 1000 * $patience, 'is not long ago';
	cmp_ok $obituary->{age_ms}, '>=', 1000, 'age';
	ok +(grep { /^State: T/ } @{ $obituary->{status} }), 'it was looked at while it was stopped';
	like $obituary->{time}, qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'time';
	my ($path, @more) = map { $_->[0] } obituaries($dir);
	is_deeply \@more, [], 'there is one file only';
	like $path, qr{/obituary-$slot-\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{8}-$pid\.json$}, 'of the right name';
	is sprintf('%o', (stat $path)[2] & 07777), '644', 'that all can read';
	is sprintf('%o', (stat $dir)[2] & 07777), '755', 'in a folder that was made';
	opendir my $folder, $dir or die $!;
	is scalar(grep { !/^\.\.?$/ } readdir $folder), 1, 'with nothing else in it';
	like $server->ctl('--json', 'why', $slot)->{stdout}, qr/"pid":\s*$pid\b/, 'broodctl why tells it';
	is $server->ctl('why', 1 - $slot)->{exit}, 0, 'and of the other slot that there is nothing';
	like $server->stderr, qr/worker $slot \[$pid\] has been silent for [1-9]\d*\.\d+ s/, 'the log says it';
	is $client->wait_end, 'closed', 'its own connection ends';
	$server->finish;
};

SKIP: {
	skip 'ptrace is called by its number on x86-64', 1 if (POSIX::uname())[4] ne 'x86_64';
	skip "ptrace: $!", 1 if !can_hold();
	for my $mode (@modes) {
		together "$mode: one that hangs unseen, and takes its death hard" => sub {
			my ($server, $dir, $keep) = start(accept => $mode, workers => 2,
				set => { handoff_policy => 'round-robin' });
			my ($victim, $other) = $server->workers;
			# Held by a tracer: the master is not told, and SIGABRT does not reach it.
			ok hold($victim), 'it is held';
			my $begin = time;
			# Half of these are handed to it, or wait in its queue, while it still looks alive.
			my @clients = map { Brood::Client->connect($server->address, limit => 30) } 1 .. 40;
			$_->send("GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n") for @clients;
			# Its end is told to the tracer first, which has to take note of it.
			my $gone = 0;
			wait_until(30, sub { $gone = waitpid($victim, WNOHANG) == $victim && !WIFSTOPPED($?) });
			my $took = time - $begin;
			ok $gone, 'it is gone';
			cmp_ok $took, '<=', 1 + 3 * $patience, sprintf 'after %.1f s', $took;
			my @responses = map { $_->response } @clients;
			is scalar(grep { $_->status ne '200' } @responses), 0, 'every request is answered';
			is scalar(grep { ($_->worker)[2] == $victim } @responses), 0, 'none of them by it';
			cmp_ok time - $begin, '<=', 1 + 3 * $patience, 'in time';
			my $obituary = obituary_of($dir, $victim);
			is $obituary->{why}, 'hang', 'there is an obituary';
			is $obituary->{signal_name}, 'SIGKILL', 'it was killed in the end';
			ok alive($other), 'the other worker has not been touched';
			$server->finish;
		};
	}
}

together 'an idle worker is not silent, and one that goes on in time is left alone' => sub {
	my ($server, $dir, $keep) = start(workers => 2);
	my @old = sort $server->workers;
	for (1 .. 4) {
		kill 'STOP', $old[0];
		sleep 0.5;
		kill 'CONT', $old[0];
		sleep 0.5;
	}
	is_deeply [sort $server->workers], \@old, 'the workers are the same';
	is_deeply [obituaries($dir)], [], 'nothing is written';
	$server->finish;
};

together 'a master that stood still blames nobody' => sub {
	my ($server, $dir, $keep) = start(workers => 3);
	my @old = sort $server->workers;
	# As when a machine sleeps: all of them at the same time, for longer than the watchdog allows.
	kill 'STOP', $server->master, @old;
	sleep 2.5;
	kill 'CONT', $server->master, @old;
	sleep 2;
	is_deeply [sort $server->workers], \@old, 'the workers are the same';
	is_deeply [obituaries($dir)], [], 'nothing is written';
	$server->finish;
};

together 'off: a stopped worker stays' => sub {
	my ($server, $dir, $keep) = start(workers => 2, set => { watchdog => 'off' });
	my ($victim) = $server->workers;
	kill 'STOP', $victim;
	sleep 3;
	ok alive($victim), 'it is there';
	is scalar(my @workers = $server->workers), 2, 'and nobody in its place';
	my @answers = map { Brood::Client->connect($server->address)->get('/hello.txt')->status } 1 .. 10;
	is_deeply \@answers, [(200) x 10], 'the other one serves';
	kill 'CONT', $victim;
	$server->finish;
};

together 'all workers hang' => sub {
	my ($server, $dir, $keep) = start(workers => 3);
	my @old = $server->workers;
	kill 'STOP', @old;
	my $client = Brood::Client->connect($server->address, limit => 30);
	is $client->get('/hello.txt')->status, 200, 'a request is answered by a successor';
	ok wait_until(10, sub { !grep { alive($_) } @old }), 'they are gone';
	ok wait_until(10, sub { $server->workers == 3 }), 'and replaced';
	$server->finish;
};

together 'a retiring worker that hangs does not stay' => sub {
	my ($server, $dir, $keep) = start(workers => 1);
	open my $file, '>', $server->root . '/large.bin' or die $!;
	truncate $file, 256 << 20;
	my $stuck = Brood::Client->connect($server->address, receive_buffer => 4096);
	$stuck->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
	$stuck->wait_answer(time + 10);
	my ($old) = $server->workers;
	$server->signal('HUP');
	ok $server->wait_new_workers(1, $old), 'a successor is there';
	wait_until(10, sub { (Brood::Client->connect($server->address)->get('/hello.txt')->worker)[2] != $old });
	ok alive($old), 'the old one still sends';
	kill 'STOP', $old;
	my $obituary = obituary_of($dir, $old);
	is $obituary->{phase}, 'finishing', 'its obituary says that it was finishing';
	is $obituary->{why}, 'hang', 'and hung';
	ok wait_until(10, sub { $server->workers == 1 }), 'one worker is left';
	$server->finish;
};

together 'other ends have obituaries too' => sub {
	my ($server, $dir, $keep) = start(workers => 2, control => 1);
	my ($pid) = $server->workers;
	kill 'SEGV', $pid;
	my $obituary = obituary_of($dir, $pid);
	is $obituary->{why}, 'signal', 'a signal';
	is $obituary->{signal_name}, 'SIGSEGV', 'which one';
	ok wait_until(10, sub { $server->workers == 2 }), 'it is replaced';
	my ($other) = grep { $_ != $pid } $server->workers;
	kill 'TERM', $other;
	ok wait_until(10, sub { !alive($other) && $server->workers == 2 }), 'another one retires as it is told to';
	$server->roll;
	is scalar(my @all = obituaries($dir)), 1, 'which has none, nor have those that a roll replaced';
	$server->finish;
	is scalar(@all = obituaries($dir)), 1, 'nor those that a stop ended';
};

together 'a roll that fails tells the last words of the new worker' => sub {
	my ($server, $dir, $keep) = start(workers => 2, config => "\n", control => 1, set => { start_timeout => '500ms' });
	my %words = (
		'probe-fail' => qr/debug_fault: the self-test fails/,
		'start-exit' => qr/debug_fault: leaving instead/,
		'start-hang' => qr/not ready within start_timeout.*\n.*debug_fault: never getting ready/,
	);
	for my $fault (sort keys %words) {
		Brood::Server::write_file($server->{config_file}, "debug_fault = \"$fault\";\n");
		my $result = $server->ctl('reload');
		is $result->{exit}, 1, "$fault: broodctl fails";
		like $result->{stderr}, $words{$fault}, "$fault: with the reason";
	}
	my @exits = grep { $_->[1]{why} eq 'exit' } obituaries($dir);
	cmp_ok scalar(@exits), '>=', 2, 'and there are obituaries';
	is $exits[0][1]{phase}, 'starting', 'of workers that started';
	is $exits[0][1]{exit_code}, 1, 'with their exit code';
	like join("\n", @{ $exits[0][1]{log} }), qr/debug_fault/, 'and their last words';
	my ($killed) = grep { $_->[1]{why} eq 'killed' } obituaries($dir);
	is $killed->[1]{detail}, 'not ready within start_timeout', 'one that hung at its start was killed';
	like join("\n", @{ $killed->[1]{log} }), qr/never getting ready/, 'and SIGKILL does not take away its words';
	$server->finish;
};

together 'files are kept by number' => sub {
	my ($server, $dir, $keep) = start(workers => 1);
	mkdir $dir;
	Brood::Server::write_file("$dir/obituary-0-20200101T0000" . sprintf('%02d', $_) . ".000Z-1.json", '{"pid":1}') for 1 .. 25;
	Brood::Server::write_file("$dir/obituary-00-other.json", '{"pid":1}');
	my $neighbour = Brood::Server::write_file("$dir/obituary-0-20190101T000000.000Z-0a1b2c3d-1.json", '{"pid":1}');
	my ($pid) = $server->workers;
	kill 'KILL', $pid;
	my $obituary = obituary_of($dir, $pid);
	is $obituary->{signal_name}, 'SIGKILL', 'its obituary is there';
	ok wait_until(10, sub { $server->workers == 1 }), 'it is replaced';
	($pid) = $server->workers;
	kill 'KILL', $pid;
	ok obituary_of($dir, $pid), 'another one';
	is scalar(my @files = grep { $_ ne $neighbour } glob "$dir/obituary-0-*"), 20, 'files of a slot are 20 at most';
	ok -e $neighbour, 'without those of another server in the same folder';
	like $files[-1], qr/-$pid\.json$/, 'the newest is there';
	unlike $files[0], qr/T00000[1-5]/, 'the oldest are gone';
	ok -e "$dir/obituary-00-other.json", 'and nobody else\'s file is touched';
	$server->finish;
};

together 'a folder that cannot be written costs one warning' => sub {
	my ($server, $dir, $keep) = start(workers => 2, control => 1, set => { state_dir => '/proc/none/such' });
	for (1 .. 3) {
		my ($pid) = $server->workers;
		kill 'KILL', $pid;
		ok $server->wait_stderr(qr/\[$pid\] died/), 'a death';
		ok wait_until(10, sub { $server->workers == 2 }), 'is made good';
	}
	my $warnings = () = $server->stderr =~ /cannot write obituaries/g;
	is $warnings, 1, 'one warning';
	like $server->ctl('--json', 'why', 0)->{stdout} . $server->ctl('--json', 'why', 1)->{stdout}, qr/SIGKILL/, 'broodctl why knows';
	$server->finish;
};

all_together(6);
done_testing;
