#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The lock of those who read what strangers send. Whoever takes one of them over has that process, until it
# is replaced, and nothing that outlives it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Fcntl qw(O_RDONLY O_RDWR);
use POSIX ();
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive call_in children descriptors status wait_until);
use Brood::Server;

plan skip_all => 'this kernel has no filters of system calls' if !exists status($$)->{Seccomp};
my ($filtered) = `uname -m` =~ /^(x86_64|aarch64|riscv64)$/;
my %call = (socket => 41, shutdown => 48, listen => 50, setsockopt => 54, clone => 56, fork => 57, execve => 59, kill => 62,
	fcntl => 72, ptrace => 101, execveat => 322, pidfd_getfd => 438, clone3 => 435, getpid => 39);

sub answers
{
	my ($server) = @_;
	return Brood::Client->connect($server->address)->get('/hello.txt')->status;
}

# What /proc says of the lock of one process, in words.
sub lock_of
{
	my ($pid) = @_;
	my $status = status($pid);
	my ($processes) = (Brood::Server::slurp("/proc/$pid/limits") =~ /^Max processes +(\S+) +(\S+)/m) ? "$1 $2" : '';
	return join ', ', map { "$_->[0] " . ($_->[1] // '?') } ['filter', $status->{Seccomp}],
		['no new privileges', $status->{NoNewPrivs}], ['processes', $processes];
}

my $locked = 'filter ' . ($filtered ? 2 : 0) . ', no new privileges 1, processes 0 0';

# One that has just been forked is locked once it is ready.
sub is_locked
{
	my ($pid, $what) = @_;
	wait_until(10, sub { lock_of($pid) eq $locked });
	is lock_of($pid), $locked, $what;
}

sub all_are_locked
{
	my ($server, $when) = @_;
	my $admin = wait_until(10, sub { $server->admin });
	is answers($server), 200, "$when: it serves";
	is_locked($_, "$when: worker") for $server->workers;
	is_locked($admin, "$when: admin");
	ok wait_until(10, sub { $server->log_process }), 'the log process is there';
	is_locked($server->log_process, "$when: log process");
	# One takes another's place where there may be other roots.
	ok wait_until(10, sub { my ($looker) = $server->children_named(qr/: roots\z/); $looker && lock_of($looker) eq $locked }),
	    "$when: who looks where roots lead";
	like lock_of($server->master), qr/^filter 0, no new privileges 0, processes [^0]/,
	    "$when: the master is free, or what it executes next would not be";
}

sub as_nobody
{
	my ($nobody, $nogroup) = (getpwnam 'nobody')[2, 3];
	chown $nobody, $nogroup, map { "/proc/self/fd/$_" } 1, 2;
	$( = $nogroup; $) = "$nogroup $nogroup"; $< = $> = $nobody;
}

for my $mode (Brood::Server::modes()) {
	subtest "$mode: who reads from strangers is locked in, at any age" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 2, control => 1);
		all_are_locked($server, 'at the start');
		my ($killed) = $server->workers;
		kill 'KILL', $killed;
		ok wait_until(10, sub { my @now = $server->workers; @now == 2 && !grep { $_ == $killed } @now }), 'one dies';
		all_are_locked($server, 'its successor');
		is $server->ctl($_)->{exit}, 0, $_ and all_are_locked($server, "after a $_") for qw(restart reload upgrade);
		my $admin = wait_until(10, sub { $server->admin });
		kill 'KILL', $admin;
		ok wait_until(10, sub { ($server->admin // $admin) != $admin }), 'admin dies';
		all_are_locked($server, 'its successor');
		$server->finish;
	};
}

subtest 'a server that root has not started is locked in as well' => sub {
	plan skip_all => 'needs root to become somebody else' if $> != 0;
	my %tls = Brood::Server::tls_settings();
	chown +(getpwnam 'nobody')[2, 3], $tls{tls_key} if %tls;
	my $server = Brood::Server->start(workers => 2, in => \&as_nobody);
	my $status = status($server->master);
	is answers($server), 200, 'it serves';
	is_locked($_, 'worker') for $server->workers;
	is $status->{Seccomp}, 0, 'the master is not';
	$server->finish;
};

# Descriptors of TCP sockets that listen, by what the kernel tells of each.
sub listeners
{
	my ($pid) = @_;
	my $table = join '', map { Brood::Server::slurp("/proc/$pid/net/$_") } qw(tcp tcp6);
	my %inodes = map { $_ => 1 } $table =~ /^\s*\d+: \S+ \S+ 0A (?:\S+ +){5}(\d+) /mg;
	my $links = descriptors($pid);
	return grep { $links->{$_} =~ /^socket:\[(\d+)\]/ && $inodes{$1} } sort { $a <=> $b } keys %$links;
}

subtest 'a worker that was taken over' => sub {
	plan skip_all => 'no filter for this machine' if !$filtered;
	my $server = Brood::Server->start(accept => 'shared', workers => 2, control => 1);
	my ($taken, $other) = $server->workers;
	plan skip_all => 'processes cannot be traced here' if (call_in($taken, $call{getpid}) // 0) != $taken;
	my ($listener) = listeners($taken);
	ok defined $listener, 'it has a socket that listens';
	my $try = sub {
		my ($what, $name, @arguments) = @_;
		my $result = call_in($taken, $call{$name}, @arguments);
		is $result, -POSIX::EPERM(), $what;
		kill 'KILL', grep { $_ == ($result // 0) } children($taken);
	};
	$try->('cannot fork', 'fork');
	$try->('nor by clone', 'clone', POSIX::SIGCHLD(), 0, 0, 0, 0);
	$try->('nor by clone3', 'clone3', 0, 0);
	$try->('runs no program', 'execve', 0, 0, 0);
	$try->('by no descriptor either', 'execveat', -1, 0, 0, 0, 0);
	$try->('sends no signal to its sibling', 'kill', $other, 0);
	$try->('nor to all', 'kill', -1, 0);
	$try->('does not trace it', 'ptrace', 16, $other, 0, 0);
	$try->('makes no socket', 'socket', 1, 1, 0);
	$try->('does not stop the socket that others accept from', 'shutdown', $listener, $_) for 0, 2;
	$try->('nor shortens its queue', 'listen', $listener, 0);
	$try->('nor makes it block', 'fcntl', $listener, 4, O_RDWR);
	$try->('nor takes its filter off, or locks it', 'setsockopt', $listener, 1, $_, 0, 0) for 26, 27, 44;
	is_deeply [children($taken)], [], 'it has no children';
	is answers($server), 200, 'the server serves';
	is $server->ctl('restart')->{exit}, 0, 'and rolls';
	ok wait_until(10, sub { !alive($taken) }), 'and then it is gone';
	$server->finish;
};

# What is said above of a worker rests upon it.
subtest 'a call made in a worker that gets signals is that call' => sub {
	my $server = Brood::Server->start(accept => 'shared', workers => 2);
	my ($worker) = $server->workers;
	plan skip_all => 'processes cannot be traced here' if (call_in($worker, $call{getpid}) // 0) != $worker;
	my $test = $$;
	my $child = fork // die "fork: $!";
	if (!$child) {
		1 while kill('CHLD', $worker) && kill(0, $test); # which does nothing to it
		POSIX::_exit(0);
	}
	my @wrong = grep { ($_ // 'none') ne $worker } map { call_in($worker, $call{getpid}) } 1 .. 20;
	kill 'KILL', $child;
	waitpid $child, 0;
	is_deeply \@wrong, [], 'it answers what the kernel has answered';
	is answers($server), 200, 'and it goes on as before';
	$server->finish;
};

subtest 'other processes of its user see nothing of a worker' => sub {
	plan skip_all => 'needs root' if $> != 0;
	my $server = Brood::Server->start(workers => 1, control => 1);
	my ($worker) = $server->workers;
	my ($uid, $gid) = map { (split ' ', $_)[0] } @{ status($worker) }{qw(Uid Gid)};
	pipe my $reader, my $writer or die "pipe: $!";
	my $child = fork // die "fork: $!";
	if (!$child) {
		$( = $gid; $) = "$gid $gid"; $< = $> = $uid;
		my @seen = grep { sysopen my $file, "/proc/$worker/$_", O_RDONLY } qw(mem environ maps);
		push @seen, 'fd' if opendir my $dir, "/proc/$worker/fd";
		syswrite $writer, "as $<: @seen";
		POSIX::_exit(0);
	}
	close $writer;
	waitpid $child, 0;
	is readline $reader, "as $uid: ", 'neither memory nor descriptors';
	$server->finish;
};

done_testing;
