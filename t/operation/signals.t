#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Signals that come early, or from a terminal. What each does to a server that runs is in other tests.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive descriptors wait_until);
use Brood::Server;
use Fcntl qw(O_RDWR O_NOCTTY);
use POSIX ();

use constant { TIOCGPTN => 0x80045430, TIOCSPTLCK => 0x40045431 };

# A terminal: its other end, and its name. Undef where there are none.
sub terminal
{
	sysopen my $end, '/dev/ptmx', O_RDWR | O_NOCTTY or return;
	my ($unlock, $number) = (pack('i', 0), pack('i', 0));
	ioctl $end, TIOCSPTLCK, $unlock or return;
	ioctl $end, TIOCGPTN, $number or return;
	return ($end, '/dev/pts/' . unpack 'i', $number);
}

my @found = terminal();
plan skip_all => 'there are no pseudo-terminals' if !@found || !-c $found[1];

my %numbers = (HUP => 1, INT => 2, QUIT => 3, USR1 => 10, TERM => 15, CHLD => 17);

# Does the process have this signal blocked?
sub blocks
{
	my ($pid, $signal) = @_;
	my $mask = Brood::Proc::status($pid)->{SigBlk} // return 0;
	return hex(substr $mask, -8) >> $numbers{$signal} - 1 & 1;
}

# Sends a signal to a server in the first moments of its start: it has begun to wait for what it is told, and cannot be
# told anything yet. `find` finds the process [the one that was started]. Returns both.
sub start_with
{
	my ($signals, %want) = @_;
	my $find = delete $want{find} // sub { $_[0]->pid };
	for (1 .. 50) {
		my $server = Brood::Server->start(%want, unready => 1);
		my ($pid, $until) = (undef, time + 5);
		while (time < $until && Brood::Proc::alive($server->pid)) {
			$pid = $find->($server);
			last if $pid && (Brood::Proc::name($pid) // '') eq 'brood' && blocks($pid, 'HUP');
		}
		kill $_, $pid for $pid ? @$signals : ();
		if ($pid && !blocks($pid, 'CHLD') && !blocks($pid, $want{before} // 'CHLD')) {
			pass 'it has begun to start';
			return ($server, $pid);
		}
		$server->kill_all;
		$server->{finished} = 1;
	}
	fail 'it has begun to start';
	return;
}

my %effects = (HUP => qr/reload done/, USR1 => qr/log files reopened/, USR2 => qr/upgrade done/,
	TTIN => qr/3 workers from now on/, TTOU => qr/\b1 workers from now on/);
for my $signal (sort keys %effects) {
	subtest "SIG$signal in the first moments" => sub {
		my ($server, $pid) = start_with([$signal]) or return;
		ok $server->wait_ready, 'it starts' or return;
		ok $server->wait_stderr($effects{$signal}), 'and does what it was told' or diag $server->stderr;
		my $want = { TTIN => 3, TTOU => 1 }->{$signal} // 2;
		ok wait_until(10, sub { $server->workers == $want }), 'it has as many workers as it should';
		$server->rebase;
		is(Brood::Client->connect($server->address)->get('/hello.txt')->status, 200, 'it serves');
		$server->finish;
	};
}

subtest 'a daemon\'s start' => sub {
	my $dir = Brood::Server::new_dir();
	my ($server, $pid) = start_with([qw(USR1 USR2 TTOU HUP TTIN)], args => ['-d', '-p', "$dir/pid"],
		set => { error_log => "$dir/error.log" }) or return;
	is $server->wait_exit, 0, 'whoever waits for it goes on waiting';
	ok $server->wait_ready(0.5), 'it runs';
	$server->signal('TERM');
	ok wait_until(20, sub { !alive($server->master) }), 'it stops';
	is_deeply [$server->leftovers], [], 'nothing is left';
	$server->{finished} = 1;
};

for my $signal (qw(TERM INT QUIT)) {
	subtest "SIG$signal before anything is made" => sub {
		my ($server, $pid) = start_with([$signal], args => ['-p', 'pid'], before => $signal) or return;
		is $server->wait_exit, "signal $numbers{$signal}", 'ends it';
		is_deeply [$server->leftovers], [], 'nothing is left';
		ok !-e $server->dir . '/pid', 'no pid file';
	};
}

subtest 'as process 1' => sub {
	my ($unshare) = grep { -x } map { "$_/unshare" } split /:/, $ENV{PATH};
	plan skip_all => 'needs root' if $> != 0;
	plan skip_all => 'unshare is not installed' if !$unshare;
	plan skip_all => 'no namespaces here' if system("$unshare --pid --fork true 2>/dev/null");
	for my $signal (qw(TERM INT QUIT)) {
		my ($server, $pid) = start_with([$signal], wrapper => [$unshare, '--pid', '--fork', '--kill-child'],
			find => sub { (Brood::Proc::children($_[0]->pid))[0] }) or return;
		is $server->wait_exit, 0, "SIG$signal is not lost, though it comes early";
		is_deeply [$server->leftovers], [], 'nothing is left';
	}
};

subtest 'what is sent to all of its processes is for the master' => sub {
	my $server = Brood::Server->start(control => 1, workers => 3);
	my ($rolls, $old) = (0, join ' ', $server->workers);
	my $run = $server->ctl_start('restart');
	while ($rolls < 4) {
		kill $_, grep { $_ != $server->master && $_ != $run->{pid} } $server->processes for qw(HUP USR1 USR2 TTIN TTOU INT);
		my $done = () = $server->stderr =~ /restart done/g;
		next if $done == $rolls;
		$rolls = $done;
		is Brood::Server::ctl_wait($run)->{exit}, 0, 'a roll meanwhile';
		$run = $server->ctl_start('restart');
	}
	Brood::Server::ctl_wait($run);
	unlike $server->stderr, qr/died|was stopped|signal/, 'nobody died, or stands still' or diag $server->stderr;
	ok wait_until(20, sub { $server->workers == 3 }), 'nobody is missing, or one too many';
	$server->finish;
};

# Begins a session on the terminal, with the server as what was started there; with "fg" as the job in the foreground
# of somebody else who leads it, with "shell" of one who passes on what he hears of its end before he goes, and with "nohup" as someone who was told to ignore its end.
my $on_terminal = <<'END';
use POSIX;
use Socket;
my ($name, $how, @command) = @ARGV;
defined(my $pid = fork) or die;
if ($pid) { waitpid $pid, 0; exit($? & 127 ? 99 : $? >> 8) }
POSIX::setsid();
open my $terminal, '+<', $name or die "$name: $!"; # it is ours now
$SIG{HUP} = 'IGNORE' if $how eq 'nohup';
exec @command if $how =~ /^(?:leader|nohup)\z/;
defined($pid = fork) or die;
if (!$pid) {
	setpgrp;
	$SIG{TTOU} = 'IGNORE';
	POSIX::tcsetpgrp(fileno $terminal, $$) if $how ne 'bg';
	$SIG{TTOU} = 'DEFAULT';
	if ($how eq 'bg' && !fork) { # who reads in the background is stopped
		select undef, undef, undef, 0.01 until -e 'read';
		sysread $terminal, my $octet, 1;
		exit;
	}
	exec @command;
}
$SIG{HUP} = sub { kill HUP => $pid; exit } if $how eq 'shell';
waitpid $pid, 0;
exit($? & 127 ? 99 : $? >> 8);
END

sub start_on_terminal
{
	my ($how) = @_;
	my ($end, $name) = terminal();
	my $server = Brood::Server->start(wrapper => [$^X, '-e', $on_terminal, $name, $how]);
	return ($server, $end);
}

for my $how ('leader', 'fg') {
	subtest "its terminal is closed ($how)" => sub {
		my ($server, $end) = start_on_terminal($how);
		is kill('HUP', $server->master), 1, 'HUP from a process';
		ok $server->wait_stderr(qr/reload done/), 'is a reload';
		close $end;
		ok $server->wait_stderr(qr/SIGHUP: stopping/), 'HUP from the kernel is a stop';
		is $server->wait_exit, 0, 'with status 0' if $how eq 'leader';
		is_deeply [$server->leftovers], [], 'nothing is left';
		unlike $server->stderr, qr/panic|died/, 'nobody complains';
		$server->wait_exit;
		$server->{finished} = 1;
	};
}

subtest 'a shell passes on that its terminal is closed' => sub {
	my ($server, $end) = start_on_terminal('shell');
	my $shell = (Brood::Proc::stat_fields($server->master))[1];
	kill 'STOP', $server->master; # it is to find one signal, of the two that come
	ok wait_until(10, sub { Brood::Proc::state($server->master) eq 'T' }), 'it stands still';
	close $end;
	ok wait_until(10, sub { !alive($shell) }), 'the shell has gone';
	kill 'CONT', $server->master;
	ok $server->wait_stderr(qr/SIGHUP: stopping/), 'the server goes, too';
	unlike $server->stderr, qr/reload/, 'and nothing else';
	is_deeply [$server->leftovers], [], 'nothing is left';
	$server->wait_exit;
	$server->{finished} = 1;
};

subtest 'who was told to ignore the end of the terminal does' => sub {
	my ($server, $end) = start_on_terminal('nohup');
	close $end;
	ok wait_until(10, sub {
		my $pending = Brood::Proc::status($server->master)->{ShdPnd} // 'f';
		(Brood::Proc::stat_fields($server->master))[4] == 0 && $pending =~ /^0+\z/;
	}), 'the kernel has told it';
	$server->signal('HUP');
	ok $server->wait_stderr(qr/reload done/), 'HUP from a process is a reload still';
	unlike $server->stderr, qr/stopping/, 'no stop';
	is(Brood::Client->connect($server->address)->get('/hello.txt')->status, 200, 'it serves');
	$server->finish;
};

subtest 'the terminal is somebody else\'s' => sub {
	my ($server, $end) = start_on_terminal('bg');
	my $reader;
	Brood::Server::write_file($server->dir . '/read', '');
	ok wait_until(10, sub {
		($reader) = grep { (Brood::Proc::state($_) // '') eq 'T' } $server->processes;
	}), 'one of its group wants to read there, and the kernel stops the group for that';
	$server->signal('HUP');
	ok $server->wait_stderr(qr/reload done/), 'the server goes on';
	ok wait_until(10, sub { $server->workers == 2 }), 'with as many workers';
	unlike $server->stderr, qr/from now on/, 'by nobody\'s wish';
	kill 'KILL', $reader;
	$server->finish;
};

done_testing;
