#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# From the command line to the first answer: readiness as it is told to people, to a parent and to systemd,
# and everything that can be listened on.
use strict;
use Time::HiRes ();
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(descriptors wait_until);
use Brood::Server;
use IO::Socket::INET;
use POSIX ();
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM SOCK_STREAM AF_INET6 inet_pton pack_sockaddr_in6 SOMAXCONN);

sub hello
{
	my ($address) = @_;
	my $client = Brood::Client->connect($address) or return "connect: $!";
	my $response = $client->get('/hello.txt');
	return $response->status eq '200' ? $response->body : $response->status;
}
my $hello = Brood::Server->content('hello.txt');

sub has_ipv6
{
	socket my $socket, AF_INET6, SOCK_STREAM, 0 or return 0;
	return bind $socket, pack_sockaddr_in6(0, inet_pton(AF_INET6, '::1'));
}

subtest 'readiness is told on standard error and to BROOD_READY_FD, in the same words' => sub {
	my $server = Brood::Server->start(workers => 3, accept => 'shared');
	like $server->ready_line,
	    qr{^brood: ready on ${\ Brood::Server::scheme() }://127\.0\.0\.1:[1-9]\d* \(3 workers, shared, pid @{[$server->pid]}\)\n\z},
	    'the line';
	my @lines = grep { /ready on/ } $server->stderr_lines;
	is_deeply [map { "$_\n" } @lines], [$server->ready_line], 'once on standard error';
	is sysread($server->{ready_pipe}, my $more, 1), 0, 'the descriptor is closed afterwards, by all processes';
	is scalar(my @workers = $server->workers), 3, 'three workers';
	is hello($server->address), $hello, 'and it answers';
	$server->finish;
};

subtest 'one worker is told of in the singular form of the contract' => sub {
	my $server = Brood::Server->start(workers => 1);
	like $server->ready_line, qr{ \(1 workers?, }, 'the line';
	is hello($server->address), $hello, 'and it answers';
	$server->finish;
};

subtest 'all three accept modes are named and answer' => sub {
	for my $mode (qw(shared handoff reuseport)) {
		my $server = Brood::Server->start(accept => $mode);
		is $server->{mode}, $mode, "$mode is told";
		is hello($server->address), $hello, "$mode answers";
		$server->finish;
	}
};

subtest 'several -l, each with a port of its own' => sub {
	my $server = Brood::Server->start(listen => ['127.0.0.1:0', '127.0.0.2:0', '127.0.0.3:0', '127.0.0.1:0']);
	is scalar(my @urls = $server->urls), 3, 'three URLs; equal addresses are one' or diag $server->ready_line;
	is hello($server->address($_)), $hello, "URL $_ answers" for 0 .. 2;
	$server->finish;
};

subtest '-l adds to the addresses of the file' => sub {
	my $server = Brood::Server->start(config => "listen = \"127.0.0.1:0\";\n", listen => ['127.0.0.2:0']);
	is scalar(my @urls = $server->urls), 2, 'two URLs' or diag $server->ready_line;
	is hello($server->address($_)), $hello, "URL $_ answers" for 0 .. 1;
	$server->finish;
};

subtest 'listening sockets are deferred, so that a request is there when a worker wakes up' => sub {
	my $server = Brood::Server->start;
	my $client = Brood::Client->connect($server->address);
	$client->send("GET /hello.txt HTTP/1.1\r\nHost: x\r\n");
	$client->send("\r\n");
	is $client->response->status, 200, 'a head in two parts is answered';
	my $silent = Brood::Client->connect($server->address);
	is $silent->ending(1.5), 'open', 'a connection that says nothing is kept';
	is $silent->get('/hello.txt')->status, 200, 'and answered when it does';
	$server->finish;
};

SKIP: {
	skip 'no IPv6 here', 2 if !has_ipv6();
	subtest 'IPv6' => sub {
		my $server = Brood::Server->start(listen => ['[::1]:0']);
		like $server->url, qr{^${\ Brood::Server::scheme() }://\[::1\]:\d+$}, 'the URL has brackets';
		is hello($server->address), $hello, 'and answers';
		$server->finish;
	};
	subtest '*: is IPv6 and IPv4 on one port' => sub {
		for my $mode (qw(shared handoff reuseport)) {
			my $server = Brood::Server->start(listen => ['*:0'], accept => $mode);
			my $port = $server->port;
			is hello("127.0.0.1:$port"), $hello, "$mode: 127.0.0.1";
			is hello("[::1]:$port"), $hello, "$mode: ::1";
			$server->finish;
		}
	};
}

subtest 'Unix sockets' => sub {
	my $dir = Brood::Server::new_dir();
	for my $mode (qw(shared handoff reuseport)) {
		my $path = "$dir/$mode.sock";
		my $server = Brood::Server->start(listen => ["unix:$path"], accept => $mode);
		is $server->url, "unix:$path", "$mode: told";
		ok -S $path, "$mode: the socket is there";
		is hello("unix:$path"), $hello, "$mode: and answers";
		$server->finish;
	}
	my $path = "$dir/mode.sock";
	my $server = Brood::Server->start(listen => [],
		config => "listen = ( { address = \"unix:$path\"; mode = \"0640\"; } );\n");
	is sprintf('%04o', (stat $path)[2] & 07777), '0640', 'the mode is as configured';
	my $second = Brood::Server->start(unready => 1, listen => ["unix:$path"]);
	is $second->wait_exit, 1, 'a second server on a socket that answers is refused';
	like $second->stderr, qr/\Q$path\E.*in use/, 'and says why';
	is hello("unix:$path"), $hello, 'the first is unharmed';
	$server->finish;

	IO::Socket::UNIX->new(Local => "$dir/stale.sock", Listen => 1); # closed at once: nobody answers
	ok -S "$dir/stale.sock", 'a stale socket';
	my $third = Brood::Server->start(listen => ["unix:$dir/stale.sock"]);
	is hello("unix:$dir/stale.sock"), $hello, 'is replaced';
	$third->finish;

	Brood::Server::write_file("$dir/file", 'mine');
	my $fourth = Brood::Server->start(unready => 1, listen => ["unix:$dir/file"]);
	is $fourth->wait_exit, 1, 'a file that is no socket is not replaced';
	is(Brood::Proc::slurp("$dir/file"), 'mine', 'it is still there');
};

subtest 'relative paths are resolved where the server is started' => sub {
	my $server = Brood::Server->start(listen => ['unix:here.sock'], root => undef);
	is hello('unix:' . $server->dir . '/here.sock'), $hello, 'a Unix socket';
	$server->finish;
	my $server2 = Brood::Server->start(bare => 1, args => ['-l', '127.0.0.1:0', '-w', '1', 'root']);
	is hello($server2->address), $hello, 'the root';
	$server2->finish;
};

subtest 'sockets inherited by LISTEN_FDS' => sub {
	my $listening = IO::Socket::INET->new(Listen => 128, LocalAddr => '127.0.0.1:0') or die $!;
	my $port = $listening->sockport;
	for my $mode (qw(shared handoff reuseport)) {
		my $server = Brood::Server->start(listen => [], accept => $mode, inherit => { 3 => $listening },
			in => sub { $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1 });
		is $server->url, "http://127.0.0.1:$port", "$mode: told";
		is hello("127.0.0.1:$port"), $hello, "$mode: answers";
		$server->finish;
	}
	my $server = Brood::Server->start(inherit => { 3 => $listening },
		in => sub { $ENV{LISTEN_PID} = 1; $ENV{LISTEN_FDS} = 1 });
	isnt $server->port, $port, 'those meant for another process are not taken';
	$server->finish;
};

subtest 'systemd is told READY, RELOADING and STOPPING' => sub {
	my $dir = Brood::Server::new_dir();
	my $notify = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$dir/notify") or die $!;
	chmod 0777, "$dir/notify";
	$notify->blocking(0);
	my $said = sub {
		my ($want) = @_;
		return wait_until(10, sub { recv($notify, my $text, 4096, 0); ($text // '') =~ $want });
	};
	my $server = Brood::Server->start(env => { NOTIFY_SOCKET => "$dir/notify" });
	ok $said->(qr/^READY=1$/m), 'READY=1';
	my $before = int 1e6 * Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC());
	$server->signal('HUP');
	my $time;
	ok $said->(qr/^RELOADING=1$(?{ $time = $_ })/m), 'RELOADING=1';
	my ($usec) = $time =~ /^MONOTONIC_USEC=(\d+)$/m;
	ok $usec && $usec >= $before && $usec <= 1e6 * Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()), 'with the time of it';
	ok $said->(qr/^READY=1$/m), 'then READY=1 again';
	$server->rebase;
	$server->signal('TERM');
	ok $said->(qr/^STOPPING=1$/m), 'STOPPING=1';
	is $server->wait_exit, 0, 'and ends';
	$server->finish;
};

subtest 'systemd hears of the master as often as it wants, and of what has failed' => sub {
	my $dir = Brood::Server::new_dir();
	my $notify = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$dir/notify") or die $!;
	chmod 0777, "$dir/notify";
	$notify->blocking(0);
	my $said = sub {
		my ($want) = @_;
		return wait_until(10, sub { recv($notify, my $text, 4096, 0); ($text // '') =~ $want });
	};
	my $server = Brood::Server->start(control => 1, config => "workers = 2;\n", env => { NOTIFY_SOCKET => "$dir/notify" },
		in => sub { @ENV{qw(WATCHDOG_USEC WATCHDOG_PID)} = (400000, $$) });
	ok $said->(qr/^WATCHDOG=1$/m), 'WATCHDOG=1';
	ok $said->(qr/^WATCHDOG=1$/m), 'again and again';
	Brood::Server::write_file($server->{config_file}, "workers = no;\n");
	$server->signal('HUP');
	ok $said->(qr/^READY=1\n.*^STATUS=serving; the last reload failed: [^\n]*workers = no/ms), 'a reload that failed, and why';
	Brood::Server::write_file($server->{config_file}, "workers = 2;\n");
	$server->signal('HUP');
	ok $said->(qr/^STATUS=serving$/m), 'one that did not';
	is $server->ctl('upgrade')->{exit}, 0, 'an upgrade';
	1 while defined recv $notify, my $text, 4096, 0; # all so far
	ok $said->(qr/^WATCHDOG=1$/m), 'WATCHDOG=1';
	$server->rebase;
	$server->finish;
};

subtest '-w auto is the number of CPUs that the affinity allows' => sub {
	my ($cpu) = (Brood::Proc::status($$)->{Cpus_allowed_list} // '') =~ /^(\d+)/;
	plan skip_all => 'taskset is not installed' if !grep { -x "$_/taskset" } split /:/, $ENV{PATH};
	my $result = Brood::Server->start(workers => 'auto', in => sub {
		system('taskset', '-p', '-c', $cpu, $$) == 0 or die "taskset\n" });
	is scalar(my @workers = $result->workers), 1, 'bound to one CPU: one worker';
	$result->finish;
};

subtest "-w auto is at most what the control group's quota allows" => sub {
	plan skip_all => 'needs root' if $> != 0;
	my $allowed = () = map { my ($first, $last) = split /-/; $first .. ($last // $first) }
	    split /,/, Brood::Proc::status($$)->{Cpus_allowed_list} // '0';
	plan skip_all => 'one CPU only' if $allowed < 2;
	# Version 1, else version 2 where the controller is enabled for groups below the top.
	my ($group, $limit, $text) = -d '/sys/fs/cgroup/cpu'
	    ? ("/sys/fs/cgroup/cpu/brood-test-$$", 'cpu.cfs_quota_us', "100000\n")
	    : ("/sys/fs/cgroup/brood-test-$$", 'cpu.max', "100000 100000\n");
	mkdir $group and -e "$group/$limit" or do { rmdir $group; plan skip_all => 'no control group can be made here' };
	mkdir "$group/inner"; # the limit is an ancestor's
	my $wrote = eval { Brood::Server::write_file("$group/$limit", $text) };
	my $server = $wrote && eval { Brood::Server->start(workers => 'auto', in => sub {
		Brood::Server::write_file("$group/inner/cgroup.procs", "$$\n") }) };
	if ($server) {
		is scalar(my @workers = $server->workers), 1, 'one CPU by quota: one worker';
		$server->finish;
	}
	rmdir $_ for "$group/inner", $group;
	plan skip_all => 'no limit can be set here' if !$server;
};

subtest 'a setting is taken from the defaults, the file, -s, own options, in this order' => sub {
	my $with = sub {
		my (@args) = @_;
		my $dir = Brood::Server::new_dir();
		my $file = Brood::Server::write_file("$dir/conf", "workers = 3;\nroot = \"$dir\";\n");
		my $result = Brood::Server->run('-c', $file, '-T', @args);
		return $result->{stdout} =~ /^workers = (\S+?);/m ? $1 : "exit $result->{exit}: $result->{stderr}";
	};
	is $with->(), 3, 'the file';
	is $with->('-s', 'workers=4'), 4, '-s';
	is $with->('-s', 'workers=4', '-w', '5'), 5, 'the own option';
	is $with->('-w', '5', '-s', 'workers=4'), 5, 'also when it comes first';
};

subtest 'what -T prints is a configuration that means the same' => sub {
	my $dir = Brood::Server::new_dir();
	my $first = Brood::Server->run('-T', '-l', '127.0.0.1:0', '-w', '3', '-a', 'handoff', '-s', 'drain_timeout=7s', "$dir");
	is $first->{exit}, 0, 'exit status';
	like $first->{stdout}, qr/^drain_timeout = "7s";/m, 'a setting';
	like $first->{stdout}, qr/^keepalive_timeout = "75s";/m, 'a default';
	my $file = Brood::Server::write_file("$dir/conf", $first->{stdout});
	my $second = Brood::Server->run('-T', '-c', $file);
	is $second->{stdout}, $first->{stdout}, 'read again, it is the same';
	is_deeply $second->{lines}, [], 'without a word on standard error';
};

subtest '-t checks, and changes nothing' => sub {
	my $dir = Brood::Server::new_dir();
	my $result = Brood::Server->run('-t', '-l', "unix:$dir/s", '-p', "$dir/pid", '-s', "access_log=$dir/log", "$dir");
	is $result->{exit}, 0, 'exit status' or diag $result->{stderr};
	is_deeply [glob "$dir/*"], [], 'no socket, pid file or log';
};

subtest '-V and -h' => sub {
	my $version = Brood::Server->run('-V');
	is $version->{exit}, 0, '-V: exit status';
	like $version->{stdout}, qr/^brood \d+\.\d+\.\d+\S*\n\z/, '-V: one line';
	for my $option ('-h', '--help') {
		my $help = Brood::Server->run($option);
		is $help->{exit}, 0, "$option: exit status";
		like $help->{stdout}, qr/--$_/, "$option: --$_" for qw(config listen workers accept set daemon test version help);
	}
};

subtest 'a wrong BROOD_READY_FD is told of, and does no harm' => sub {
	for my $value ('x', '', '-1', '999', '0') {
		my $server = Brood::Server->start(env => { BROOD_READY_FD => $value }, unready => 1);
		my $line = $server->wait_stderr(qr/ready on/);
		my ($url) = ($line // '') =~ m{(https?://\S+)};
		ok $url && hello(Brood::Server::address_of($url)) eq $hello, "'$value': it serves";
		ok $server->wait_stderr(qr/BROOD_READY_FD/, 5), "'$value': told" if $value ne '';
		$server->signal('TERM');
		is $server->wait_exit, 0, "'$value': and stops";
		is_deeply [$server->leftovers], [], 'nothing is left';
	}
};

subtest 'without standard descriptors, connections do not take their place' => sub {
	my $server = Brood::Server->start(in => sub { POSIX::close($_) for 0 .. 2 });
	is_deeply [@{ descriptors($server->pid) }{0, 1, 2}], [('/dev/null') x 3], 'they are /dev/null';
	for my $pid ($server->workers) {
		my @standard = @{ descriptors($pid) }{0, 1, 2};
		is $standard[0], '/dev/null', 'a worker has it, too';
		like $_, qr/^pipe:/, 'and what it says goes to the log process' for @standard[1, 2];
	}
	is hello($server->address), $hello, 'it serves';
	$server->finish;
};

subtest 'a reader of standard error that goes away does no harm' => sub {
	pipe my $reader, my $writer or die $!;
	my $server = Brood::Server->start(inherit => { 2 => $writer });
	close $_ for $reader, $writer;
	kill 'KILL', ($server->workers)[0]; # something to tell
	ok wait_until(20, sub { $server->workers == 2 }), 'a worker is replaced';
	is hello($server->address), $hello, 'it serves';
	$server->finish;
};

subtest 'with nothing given, ./www is served on port 8000' => sub {
	my $probe = IO::Socket::INET->new(Listen => 1, LocalAddr => '0.0.0.0:8000', ReuseAddr => 1)
	    or plan skip_all => 'port 8000 is taken';
	close $probe;
	my $dir = Brood::Server::new_dir();
	Brood::Server::make_tree("$dir/www", { 'hello.txt' => $hello });
	my $server = Brood::Server->start(bare => 1, args => [], in => sub { chdir "$dir" });
	is $server->url, 'http://localhost:8000', 'told';
	is hello('127.0.0.1:8000'), $hello, 'and answers';
	$server->finish;
};

done_testing;
