#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# broodctl alone, with a server that is played: what it asks, what it shows, and its exit status,
# whatever the answer.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Server;
use JSON::PP qw(decode_json);
use POSIX ();
use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);

my $dir = Brood::Server::new_dir();
my $socket = "$dir/control.sock";
my $broodctl = Brood::Server::broodctl();

sub slurp { return Brood::Server::slurp($_[0]) }

# Runs a command line to its end.
sub run
{
	my @command = @_;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/out";
		open STDERR, '>', "$dir/err";
		alarm 60;
		exec { $command[0] } @command or POSIX::_exit(126);
	}
	waitpid $pid, 0;
	return { exit => $? & 127 ? 'signal' : $? >> 8, out => slurp("$dir/out"), err => slurp("$dir/err") };
}

# The same with a server that answers what it was asked with these texts, then hangs up. Its result has
# what was asked.
sub run_with
{
	my ($answers, @command) = @_;
	unlink $socket, "$dir/asked";
	socket my $listening, AF_UNIX, SOCK_STREAM, 0 or die "socket: $!";
	bind $listening, pack_sockaddr_un($socket) or die "bind: $!";
	listen $listening, 5;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		alarm 60;
		accept my $client, $listening or POSIX::_exit(1);
		my $line = readline $client;
		Brood::Server::write_file("$dir/asked", $line // '');
		for (@$answers) {
			syswrite $client, $_;
			select undef, undef, undef, 0.02; # so that they arrive one by one
		}
		close $client;
		POSIX::_exit(0);
	}
	close $listening; # with who answers the server is gone
	my $result = run(@command);
	kill 'TERM', $pid;
	waitpid $pid, 0;
	$result->{asked} = slurp("$dir/asked");
	return $result;
}

sub ask { my ($answers, @args) = @_; return run_with($answers, $broodctl, '-s', $socket, @args) }

sub is_run
{
	my ($run, $exit, $out, $err, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok $run->{exit} eq $exit && $run->{out} =~ $out && $run->{err} =~ $err, $name
	    or diag "exit $run->{exit}, out '$run->{out}', err '$run->{err}'";
}

my $ok = qq({"ok":true}\n);
my $empty = qr/\A\z/;

# ---- The command line
is_run(run($broodctl, @$_), 2, $empty, qr/\Abroodctl: [^\n]+\n\z/, "usage: @$_") for [], ['dance'], ['scale'],
    ['scale', '0'], ['scale', '1025'], ['scale', 'x'], ['drain', '-1'], ['drain', '1024'], ['why'], ['status', 'x'],
    ['status', '--now'], ['--nonsense'], ['-s'], ['status', '-x'], ["sta\x1b[31mtus"];
is_run(run($broodctl, $_), 2, $empty, qr/not in this version/, "$_ is of a later version")
    for qw(top metrics explain events sandbox);
is_run(run($broodctl, 'statsu'), 2, $empty, qr/did you mean 'status'/, 'a slip is recognized');
is_run(run($broodctl, $_), 0, qr/^  status /m, $empty, $_) for qw(-h --help);
is_run(run($broodctl, $_), 0, qr/\Abroodctl \d+\.\d+\.\d+\S*\n\z/, $empty, $_) for qw(-V --version);

# ---- No server
is_run(run($broodctl, '-s', "$dir/none", 'status'), 3, $empty, qr/no server answers at \Q$dir\E\/none/, 'no socket: 3');
is_run(run($broodctl, '-s', "$dir/none/none", 'status'), 3, $empty, qr/no server answers/, 'nor a folder for it: 3');
is_run(run($broodctl, '-s', "$dir/out/none", 'status'), 3, $empty, qr/no server answers/, 'a file in its place: 3');
is_run(run($broodctl, '-s', "$dir/none", 'version'), 3, qr/\Abroodctl \S+\n\z/, qr/no server/, 'the own version is known');
my $alone = run($broodctl, '-s', "$dir/none", '--json', 'version');
is decode_json($alone->{out})->{server}, undef, 'the server has none, in JSON';
is_run(run($broodctl, '-s', 'x' x 200, 'status'), 1, $empty, qr/too long/, 'an impossible path: 1');
ask([$ok], 'restart'); # leaves its socket's file behind
is_run(run($broodctl, '-s', $socket, 'status'), 3, $empty, qr/no server answers/, 'a stale socket: 3');

# ---- What is asked
for (
	[['status'], 'status'], [['workers'], 'status'], [['version'], 'status'], [['restart'], 'restart'],
	[['reload'], 'reload'], [['upgrade'], 'upgrade'], [['scale', 6], 'scale', 6], [['drain', 0], 'drain', 0],
	[['undrain', 1023], 'undrain', 1023], [['stop'], 'stop'], [['stop', '--now'], 'stop-now'],
	[['--now', 'stop'], 'stop-now'], [['reopen'], 'reopen'], [['why', 3], 'why', 3], [['config'], 'config']
) {
	my ($args, $command, $argument) = @$_;
	my $asked = decode_json(ask([$ok], @$args)->{asked} || '{}');
	is_deeply $asked, { protocol => 1, command => $command, defined $argument ? (argument => $argument) : () },
	    "@$args";
}

# ---- Outcomes
is_run(ask([$ok], 'restart'), 0, qr/\Arestarted\n\z/, $empty, 'done: 0');
is_run(ask([$ok], '--json', 'restart'), 0, qr/"ok": true/, $empty, 'done, in JSON');
is_run(ask([qq({"ok":false,"reason":"a.conf:3: no\\nand why"}\n)], 'reload'), 1, $empty,
	qr/\Abroodctl: a\.conf:3: no\nbroodctl: and why\n\z/, 'failed: 1, and the reason line by line');
is_run(ask([qq({"ok":false,"reason":"no"}\n)], '--json', 'reload'), 1, qr/"reason": "no"/, qr/no/, 'failed, in JSON');
is_run(ask([qq({"ok":false,"reason":"\\u001b[31m\\u009b"}\n)], 'reload'), 1, $empty, qr/\Abroodctl: \?\[31m\?\n\z/,
	'a reason does not command the terminal');
is_run(ask([substr($ok, 0, 5), substr $ok, 5], 'reopen'), 0, qr/reopened/, $empty, 'an answer in pieces');

# ---- Odd answers
is_run(ask([], 'restart'), 1, $empty, qr/ended without an answer/, 'no answer: 1');
is_run(ask([substr $ok, 0, 5], 'restart'), 1, $empty, qr/ended without an answer/, 'half an answer: 1');
is_run(ask(["HTTP/1.1 400 Bad Request\r\n"], 'restart'), 1, $empty, qr/not understood/, 'another protocol: 1');
is_run(ask([qq({"ok":1}\n)], 'restart'), 1, $empty, qr/not understood/, 'another version: 1');
is_run(ask(['x' x 65536 x 70], 'config'), 1, $empty, qr/too long/, 'an endless answer: 1');
is_run(ask([$ok], 'status'), 1, $empty, qr/not understood/, 'a status without one: 1');
is_run(ask([qq({"ok":true,"result":{}}\n)], 'status'), 0, qr/\Abrood -/, $empty, 'a status that lacks all is shown');
is_run(ask([qq({"ok":true,"result":[1,{"slot":"x","state":7,"age_ms":-1}]}\n)], 'status'), 0, qr/\Abrood -/, $empty,
	'one of another form, too');

# ---- Progress
my @progress = map { qq({"progress":{"done":$_,"total":2,"text":"slot $_: worker serves"}}\n) } 0 .. 2;
is_run(ask([@progress, $ok], 'restart'), 0, qr/\Arestarted\n\z/,
	qr{\A0/2 slot 0: worker serves\n1/2 slot 1: worker serves\n2/2 slot 2: worker serves\n\z}, 'progress in lines');
is_run(ask([qq({"progress":{"done":0,"total":0,"text":"stopping"}}\n)], 'stop'), 0, qr/stopped/, qr/\Astopping\n\z/,
	'the end of the connection is the end of a stop that has begun');
is_run(ask([], 'stop'), 1, $empty, qr/ended without/, 'but not of one that has not');
is_run(ask([$progress[0]], 'restart'), 1, $empty, qr/ended without/, 'nor of anything else');
SKIP: {
	my ($script) = grep { -x } map { "$_/script" } split /:/, $ENV{PATH};
	skip 'script is not installed', 1 if !$script;
	my $long = '{"progress":{"done":1,"total":2,"text":"' . 'x' x 300 . "\"}}\n";
	my $run = run_with([@progress, $long, $ok], $script, '-qec', "$broodctl -s $socket restart", '/dev/null');
	like $run->{out}, qr{\A\r\e\[K0/2 slot 0: worker serves\r\e\[K1/2 slot 1[^\n]*\r\e\[K1/2 x{10,}\r\e\[Krestarted\r\n\z},
	    'progress on a terminal is one line, rewritten, cut, and wiped away';
	unlike $run->{out}, qr/x{200}/, 'and no longer than the terminal is wide';
}

# ---- What people see
my $status = {
	version => '0.1.0', pid => 4711, generation => 3, state => 'running', accept => 'shared', uptime_ms => 8_000_000,
	listeners => [{ address => '127.0.0.1:8000', tls => JSON::PP::false }, { address => '[::1]:8443', tls => JSON::PP::true }],
	workers => [
		{ slot => 0, generation => 3, pid => 4712, state => 'serving', age_ms => 65_000, connections => 12, idle => 9,
			requests => 123456789012, restarts => 0 },
		{ slot => 1, generation => 3, pid => undef, state => 'parked', age_ms => 0, connections => 0, idle => 0,
			requests => 0, restarts => 8 },
	],
	last_roll => { kind => 'reload', ok => JSON::PP::false, reason => "slot 1: exit status 1\nlog: x" },
	trouble => ["root '/srv/a': No such file or directory", "root '/srv/b\x{1b}'"],
};
my $answer = JSON::PP->new->canonical->encode({ ok => JSON::PP::true, result => $status }) . "\n";
my $table = <<'END';
SLOT  GENERATION   PID  STATE          AGE  CONNECTIONS  IDLE      REQUESTS  RESTARTS
   0           3  4712  serving  1 min 5 s           12     9  123456789012         0
   1           3     -  parked           -            -     -             -         8
END
my $head = <<'END';
brood 0.1.0, pid 4711, running for 2 h 13 min, generation 3, accept shared
listening   127.0.0.1:8000
            [::1]:8443 (tls)
last roll   reload failed: slot 1: exit status 1
            log: x
trouble     root '/srv/a': No such file or directory
            root '/srv/b?'

END
is ask([$answer], 'status')->{out}, $head . $table, 'status for people';
is ask([$answer], 'workers')->{out}, $table, 'workers for people';
is_deeply decode_json(ask([$answer], '--json', 'status')->{out}), $status, 'status as JSON is what the server said';
is_deeply decode_json(ask([$answer], 'workers', '--json')->{out}), $status->{workers}, 'and so are the workers';
is_run(ask([$answer], 'version'), 0, qr/\Abroodctl \S+\nbrood 0\.1\.0 \(pid 4711\)\n\z/, $empty, 'both versions');
my $versions = decode_json(ask([$answer], '--json', 'version')->{out});
is_deeply [sort keys %$versions], [qw(client pid server)], 'as JSON, too';
is_run(ask([qq({"ok":true,"result":"workers = 4;\\n"}\n)], 'config'), 0, qr/\Aworkers = 4;\n\z/, $empty, 'configuration');
is_run(ask([qq({"ok":true,"result":[]}\n)], 'why', 0), 0, qr/\Anothing has ended unasked/, $empty, 'no obituaries');
is ask([qq({"ok":true,"result":[{"pid":7,"log":["a","b\\u001b"],"cause":"signal 9\\nx"},{"heartbeat_age_ms":8}]}\n)], 'why', 0)->{out},
    "pid               7\nlog               a\n                  b?\ncause             signal 9\n                  x\n\nheartbeat_age_ms  8\n",
    'obituaries';
is_run(run_with([$answer], '/bin/sh', '-c', "$broodctl -s $socket status >/dev/full"), 1, $empty, qr/cannot write/,
	'a full disk is noticed');

done_testing;
