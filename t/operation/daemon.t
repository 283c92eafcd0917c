#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# In the background (-d), and the pid file.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive children descriptors status wait_until);
use Brood::Server;
use POSIX ();

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

# Has standard output and error be what the server is to find there: a file handle, by its writing end.
sub to { my ($handle) = @_; return sub { POSIX::dup2(fileno $handle, $_) // die "dup2: $!" for 1, 2 } }

sub of { return split /\n/, Brood::Server::slurp($_[0]) }

# A worker's death is told there.
sub logs_a_death
{
	my ($server, $path, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	wait_until(20, sub { $server->workers == 2 }); # those that were replaced have gone
	my ($worker) = $server->workers;
	kill 'KILL', $worker;
	ok wait_until(20, sub { grep { /worker \d+ \[$worker\] died/ } of($path) }), $name;
	ok wait_until(20, sub { $server->workers == 2 && !grep { $_ == $worker } $server->workers }), 'and made good';
}

subtest '-d where standard error does not last: a file takes its place' => sub {
	for my $where ('a pipe', '/dev/null') {
		my $dir = Brood::Server::new_dir();
		pipe my $reader, my $writer or die $!;
		open $writer, '>', '/dev/null' or die $! if $where ne 'a pipe';
		my $log = "$dir/made/logs/error.log";
		my $server = Brood::Server->start(args => ['-d'], env => { LOGS_DIRECTORY => "$dir/made/logs:$dir/none" }, in => to($writer),
			unready => 1, control => 1, config => "# nothing yet\n",
			set => $where eq 'a pipe' ? {} : { error_log => 'stderr' });
		close $writer;
		is $server->wait_exit, 0, "$where: the command returns";
		ok $server->wait_ready(5), 'when the server is ready';
		if ($where eq 'a pipe') {
			is_deeply [map { s/ready on \K.*//sr } readline $reader], ["brood: the error log is $log\n", "brood: ready on "],
			    'it says where the log is, and nobody holds the pipe';
		}
		ok +(grep { /ready on/ } of($log)), 'the log has begun';
		logs_a_death($server, $log, 'a death is told there');
		is $server->ctl('reload')->{exit}, 0, 'a reload';
		logs_a_death($server, $log, 'one after a reload, too');
		is $server->ctl('upgrade')->{exit}, 0, 'an upgrade';
		logs_a_death($server, $log, 'and one after an upgrade');
		Brood::Server::write_file($server->{config_file}, "error_log = \"stderr\";\n");
		is $server->ctl('reload')->{exit}, 0, 'a reload to standard error';
		logs_a_death($server, $log, 'leaves it where it is');
		Brood::Server::write_file($server->{config_file}, "sites = ( { names = [ \"a.test\" ]; access_log = \"stdout\"; } );\n");
		my $reload = $server->ctl('reload');
		is $reload->{exit}, 1, 'a reload to standard output fails';
		like $reload->{stderr}, qr/brood\.conf:1: access_log 'stdout': in the background \(-d\) it would be lost/, 'and says why';
		kill 'TERM', $server->master;
		ok wait_until(30, sub { !alive($server->master) }), 'it stops';
		ok +(grep { /stopping/ } of($log)), 'which is in the log';
		$server->{finished} = 1;
	}
};

subtest '-d with logs for which there is no place is refused' => sub {
	my $dir = Brood::Server::new_dir();
	open my $null, '>', '/dev/null' or die $!;
	my $config = Brood::Server::write_file("$dir/site.conf",
		"sites = ( { names = [ \"a.test\" ]; root = \"$dir\"; access_log = \"stdout\"; } );\n");
	for (['-s', 'access_log=stdout'], ['-c', $config]) {
		for my $action ([], ['-t'], ['-T']) {
			pipe my $reader, my $writer or die $!;
			my $result = Brood::Server->run({ in => to($writer), env => { LOGS_DIRECTORY => "$dir/logs" } }, '-d', @$action,
				'-s', 'control=off', '-l', '127.0.0.1:0', @$_, "$dir");
			close $writer;
			is $result->{exit}, 1, "-d @$action @$_[0, 1]: exit status 1";
			my @lines = readline $reader;
			is scalar(grep { /access_log 'stdout': in the background \(-d\) it would be lost/ } @lines), 1, 'and why'
			    or diag "@lines";
		}
		my $result = Brood::Server->run({ in => to($null) }, '-t', '-s', 'control=off', @$_, "$dir");
		is $result->{exit}, 0, 'not without -d';
	}
	ok !-e "$dir/logs", 'nothing was made';
	my $result = Brood::Server->run({ in => to($null), env => { LOGS_DIRECTORY => '/dev/null/none' } }, '-d', '-s', 'control=off',
		'-l', '127.0.0.1:0', "$dir");
	is $result->{exit}, 1, 'so is an error log for which there is no place';
	pipe my $reader, my $writer or die $!;
	$result = Brood::Server->run({ in => sub { $< = $> = 65534; to($writer)->() }, env => { map { $_ => undef } qw(HOME XDG_STATE_HOME LOGS_DIRECTORY) } },
		'-d', '-s', 'control=off', '-l', '127.0.0.1:0', "$dir");
	close $writer;
	is $result->{exit}, 1, 'or none can be found';
	like join('', readline $reader), qr/error_log: in the background .* neither HOME nor/, 'and why';
};

subtest '-d with standard output and error in files: logs go on there' => sub {
	my $server = Brood::Server->start(args => ['-d'], unready => 1, control => 1, set => { access_log => 'stdout' });
	is $server->wait_exit, 0, 'the command returns';
	ok $server->wait_ready(5), 'when the server is ready';
	is_deeply [@{ descriptors($server->master) }{0, 1, 2}], ['/dev/null', map { $server->dir . "/$_" } qw(stdout stderr)],
	    'the server has the files';
	for my $act (qw(reload upgrade reopen)) {
		is $server->ctl($act)->{exit}, 0, $act;
		logs_a_death($server, $server->dir . '/stderr', "after $act: a death is told");
		Brood::Client->connect($server->address)->get("/hello.txt?$act");
		ok wait_until(10, sub { $server->stdout =~ /\?$act / }), 'and a request';
	}
	kill 'TERM', $server->master;
	ok wait_until(30, sub { !alive($server->master) }), 'it stops';
	is scalar(grep { /ready on/ } $server->stderr_lines), 1, 'the line of readiness is there once';
	$server->{finished} = 1;
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
