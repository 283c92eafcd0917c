#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Upgrades to another version and back while everything else happens, and in every way of being started.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive descriptors state wait_until);
use Brood::Server;
use Brood::Versions;
use Brood::Wrk;
use Fcntl qw(:flock);
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX qw(WNOHANG);
use Socket qw(SOCK_DGRAM);
use Time::HiRes qw(sleep time);

my @modes = qw(shared handoff reuseport);
my $versions = Brood::Versions->new;
my $long = $ENV{BROOD_TEST_LONG};

sub kept
{
	my ($server, $count) = @_;
	my @kept = map { Brood::Client->connect($server->address) } 1 .. $count;
	$_->get('/hello.txt') for @kept;
	return @kept;
}

sub lost { return scalar grep { $_->ending(0) ne 'open' || $_->get('/hello.txt')->status ne '200' } @_ }

# Sends HUP every 10 ms until all of these broodctl have their outcome; returns how many.
sub hup_until_done
{
	my ($server, @runs) = @_;
	my $count = 0;
	for my $run (@runs) {
		until (waitpid($run->{pid}, WNOHANG) == $run->{pid}) {
			$server->signal('HUP');
			$count++;
			sleep 0.01;
		}
		is $?, 0, 'broodctl is told of success' or diag Brood::Server::slurp("$run->{base}.err");
	}
	return $count;
}

# ---- while a roll runs and while HUPs arrive

for my $mode (@modes) {
	my $rounds = $long ? 20 : 4;
	subtest "$mode: $rounds upgrades, there and back, while a roll runs and while HUPs arrive" => sub {
		my $server = $versions->start(accept => $mode, workers => 4, set => { drain_timeout => '10s' });
		my $master = $server->master;
		my @kept = kept($server, 200);
		my ($failed, $lost, $wrong, $hups) = (0, 0, 0, 0);
		for my $round (1 .. $rounds) {
			my $want = $round % 2 ? 'next' : 'this';
			$versions->put($want);
			my $restart = $server->ctl_start('restart');
			$hups += hup_until_done($server, $server->ctl_start('upgrade'), $restart);
			my $status = $versions->status($server);
			$wrong++ if $status->{version} ne $versions->version($want) || $status->{pid} != $master;
			$lost += lost(@kept);
		}
		note "$hups HUPs";
		is $lost, 0, 'no connection is closed, each is answered after each upgrade';
		is $wrong, 0, 'the version is the one that was asked for, the pid the same';
		ok wait_until(30, sub { $versions->status($server)->{state} eq 'running' && $server->workers == 4 }), 'then it is quiet';
		unlike $server->stderr, qr/ failed/, 'no roll has failed';
		$server->finish;
	};
}

# ---- many in a row, under load, with people waiting

SKIP: {
	skip 'wrk is not installed', scalar @modes if !Brood::Wrk::path();
	for my $mode (@modes) {
		my $count = $long || $mode eq 'handoff' ? 20 : 8;
		subtest "$mode: $count upgrades in a row under load" => sub {
			my $server = $versions->start(accept => $mode);
			my $load = Brood::Wrk->start(url => $server->url('/1k.txt'), seconds => $long ? 60 : 30, connections => 32);
			my %exit;
			for my $round (1 .. $count) {
				$versions->put($round % 2 ? 'next' : 'this');
				my @waiting = map { $server->ctl_start($_) } qw(upgrade reload upgrade restart);
				$exit{"$_->{exit}: $_->{stderr}"}++ for grep { $_->{exit} ne '0' } map { Brood::Server::ctl_wait($_) } @waiting;
			}
			is_deeply \%exit, {}, 'all four who wait each time are told of success';
			is $versions->of($server), $versions->version($count % 2 ? 'next' : 'this'), 'the version';
			my $result = $load->stop;
			note Brood::Wrk::describe($result);
			ok $result->{requests} > 500 && !$result->{errors} && !$result->{bad_status}, 'no client saw any of it'
			    or diag Brood::Wrk::describe($result);
			$server->finish;
		};
	}
}

# ---- a worker that stands still

subtest 'a worker that stands still' => sub {
	my $server = $versions->start(accept => 'handoff', set => { watchdog => '2s', drain_timeout => '20s' });
	my $stopped = ($server->workers)[0];
	my @kept = grep { ($_->get('/hello.txt')->worker)[2] != $stopped } kept($server, 20);
	kill 'STOP', $stopped;
	ok wait_until(10, sub { state($stopped) eq 'T' }), 'one stands still';
	$versions->put('next');
	is $server->ctl('upgrade')->{exit}, 0, 'the upgrade is done';
	is $versions->of($server), $versions->version('next'), 'the version';
	is lost(@kept), 0, "the others' connections are answered";
	ok wait_until(20, sub { !alive($stopped) }), 'the new version ends it';
	$server->finish;
};

# ---- how it was started

# But for what is given to one image only.
sub environment
{
	return sort grep { !/^(?:BROOD_STATE|BROOD_READY_FD|LISTEN_\w+)=/ } split /\0/, Brood::Server::slurp("/proc/$_[0]/environ");
}

sub there_and_back
{
	my ($server, $name) = @_;
	my $master = $server->master;
	my @kept = kept($server, 20);
	my ($arguments, @environment) = (Brood::Server::slurp("/proc/$master/cmdline"), environment($master));
	my $cwd = readlink "/proc/$master/cwd";
	for my $want (qw(next this)) {
		$versions->put($want);
		my $run = $server->ctl('upgrade');
		is $run->{exit}, 0, "$name: to $want" or diag $run->{stderr};
		is_deeply [@{ $versions->status($server) }{qw(version pid)}], [$versions->version($want), $master],
		    "$name: the version and the process";
		is readlink "/proc/$master/cwd", $cwd, "$name: the working directory";
		is Brood::Server::slurp("/proc/$master/cmdline"), $arguments, "$name: the arguments";
		is_deeply [environment($master)], \@environment, "$name: the environment";
		is lost(@kept), 0, "$name: the connections";
	}
}

subtest 'in the background, with a pid file' => sub {
	my $dir = Brood::Server::new_dir();
	my $server = $versions->start(args => ['-d', '-p', "$dir/pid"], set => { error_log => "$dir/error.log" }, unready => 1);
	is $server->wait_exit, 0, 'started';
	$server->wait_ready(0.5);
	there_and_back($server, 'in the background');
	my $master = $server->master;
	is Brood::Server::slurp("$dir/pid"), "$master\n", 'the pid file';
	open my $pid, '<', "$dir/pid" or die $!;
	ok !flock($pid, LOCK_EX | LOCK_NB), 'and its lock';
	close $pid;
	like Brood::Server::slurp("$dir/error.log"), qr/upgraded from brood/, 'the log is the same file';
	is $server->ctl('stop')->{exit}, 0, 'it can be stopped';
	ok wait_until(10, sub { !alive($master) }), 'and is gone';
	ok !-s "$dir/pid", 'the pid file, too';
	is_deeply [$server->leftovers], [], 'nothing is left';
	$server->{finished} = 1;
};

for my $mode (@modes) {
	subtest "$mode: started by a service manager" => sub {
		my $dir = Brood::Server::new_dir();
		my $notify = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$dir/notify") or die $!;
		chmod 0777, "$dir/notify";
		$notify->blocking(0);
		my $listening = IO::Socket::INET->new(Listen => 128, LocalAddr => '127.0.0.1:0') or die $!;
		my $server = $versions->start(accept => $mode, listen => [], inherit => { 3 => $listening },
			in => sub { $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1 }, env => { NOTIFY_SOCKET => "$dir/notify" });
		my $socket = descriptors($server->master)->{3};
		ok wait_until(10, sub { recv $notify, my $text, 4096, 0; ($text // '') =~ /^READY=1/m }), 'it is told of the start';
		there_and_back($server, 'by a service manager');
		is descriptors($server->master)->{3}, $socket, 'the socket that was inherited';
		my @said;
		while (defined recv $notify, my $text, 4096, 0) {
			push @said, $text =~ /^((?:RELOADING|READY)=\d+)/mg;
		}
		is_deeply \@said, [qw(RELOADING=1 READY=1) x 2], 'the service manager is told of each';
		is $server->ctl('reload')->{exit}, 0, 'a reload finds the socket, too';
		is(Brood::Client->connect('127.0.0.1:' . $listening->sockport)->get('/hello.txt')->status, 200, 'it answers there');
		$server->finish;
	};
}

subtest 'arguments in any order' => sub {
	my $dir = Brood::Server::new_dir();
	Brood::Server::make_tree("$dir", { 'hello.txt' => 'x' });
	my $server = Brood::Server->start(bare => 1, args => ["$dir", '-l', '127.0.0.1:0', '--control', 'control.sock',
		'-s', 'binary=' . $versions->put('this')]);
	there_and_back($server, 'operand first');
	$server->finish;
};

done_testing;
