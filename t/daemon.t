#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# In the background (-d), and the pid file.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive children descriptors status wait_until);
use Brood::Server;

sub pid_in { return Brood::Server::slurp($_[0]) =~ /^(\d+)\n\z/ ? $1 : undef }

subtest '-d returns when the server is ready' => sub {
	my $dir = Brood::Server::new_dir();
	my $server = Brood::Server->start(args => ['-d', '-p', "$dir/pid"], set => { error_log => "$dir/error.log" }, unready => 1);
	is $server->wait_exit, 0, 'status 0';
	ok $server->wait_ready(0.5), 'by then the ready line has been written';
	my $master = pid_in("$dir/pid");
	is $master, $server->master, 'the pid file has the pid of the ready line';
	isnt $master, $server->pid, 'which is another process than the one that returned';
	is(Brood::Client->connect($server->address)->get('/hello.txt')->status, 200, 'it answers');
	my ($parent, $group, $session, $terminal) = (Brood::Proc::stat_fields($master))[1 .. 4];
	isnt $session, getpgrp, 'it has left the session';
	is $terminal, 0, 'it has no terminal';
	is readlink "/proc/$master/cwd", '/', 'it is not in the way of an unmount';
	my $links = descriptors($master);
	is_deeply [@$links{0, 1, 2}], [('/dev/null') x 3], 'standard descriptors are /dev/null';
	is scalar(grep { /ready on/ } split /\n/, $server->stderr), 1, 'the ready line was on standard error';
	ok -e "$dir/error.log", 'the error log is where it was asked for';
	my $second = Brood::Server->start(args => ['-d', '-p', "$dir/pid"], unready => 1);
	is $second->wait_exit, 1, 'a second one with the same pid file: status 1';
	like $second->stderr, qr/^[^\n]*\Q$dir\E\/pid[^\n]*\n\z/, 'one line';
	like $second->stderr, qr/\b$master\b/, 'which names the first one';
	is_deeply [$second->leftovers], [], 'nothing is left of it';
	is pid_in("$dir/pid"), $master, 'the pid file is unharmed';
	ok $server->roll, 'it can be reloaded';
	kill 'TERM', $master;
	ok wait_until(30, sub { !alive($master) }), 'and stopped';
	ok !-s "$dir/pid", 'the pid file is gone, or empty';
	is_deeply [$server->leftovers], [], 'nothing is left';
	$server->{finished} = 1;
};

subtest '-d tells of failure' => sub {
	my $dir = Brood::Server::new_dir();
	my $server = Brood::Server->start(args => ['-d'], unready => 1, set => { debug_fault => 'start-exit' });
	is $server->wait_exit, 1, 'no worker gets ready: status 1';
	like $server->stderr, qr/no worker became ready/, 'and why is on standard error';
	is_deeply [$server->leftovers], [], 'nothing is left';
	my $result = Brood::Server->run('-d', '-l', '192.0.2.1:0', "$dir");
	is $result->{exit}, 1, 'an address that cannot be: status 1';
	is scalar @{ $result->{lines} }, 1, 'one line';
	is_deeply $result->{left}, [], 'nothing is left';
};

subtest 'the pid file without -d' => sub {
	my $dir = Brood::Server::new_dir();
	my $server = Brood::Server->start(args => ['-p', "$dir/pid"]);
	is pid_in("$dir/pid"), $server->pid, 'has the pid';
	is scalar(grep { my $links = descriptors($_); grep { /\/pid\b/ } values %$links } $server->workers), 0,
	    'workers do not hold it';
	my $second = Brood::Server->start(args => ['-p', "$dir/pid"], unready => 1);
	is $second->wait_exit, 1, 'it is locked';
	like $second->stderr, qr/^[^\n]*\b@{[$server->pid]}\b[^\n]*\n\z/, 'by whom is said in one line';
	$server->signal('KILL');
	$server->wait_exit;
	wait_until(10, sub { !$server->processes });
	$server->{finished} = 1;
	my $third = Brood::Server->start(args => ['-p', "$dir/pid"]);
	is pid_in("$dir/pid"), $third->pid, 'one that a killed server left is taken over';
	$third->finish;

	Brood::Server::write_file("$dir/notes", "not a pid\n");
	my $fourth = Brood::Server->start(args => ['-p', "$dir/notes"], unready => 1);
	is $fourth->wait_exit, 1, 'a file with something else in it is not touched';
	is(Brood::Server::slurp("$dir/notes"), "not a pid\n", 'it is as it was');
};

done_testing;
