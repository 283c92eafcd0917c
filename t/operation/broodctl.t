#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# broodctl with a real server: status that is right, commands that are done when it returns, exit
# statuses, and a control socket that is where it should be.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(alive state wait_until);
use Brood::Server;
use Brood::Together;
use Brood::Versions;
use IO::Socket::UNIX;
use JSON::PP qw(decode_json);
use POSIX ();
use Time::HiRes qw(sleep time);

my @modes = qw(shared handoff reuseport);

sub status { return decode_json($_[0]->ctl('--json', 'status')->{stdout} || '{}') }
sub pids { return sort { $a <=> $b } map { $_->{pid} // () } @{ $_[0]{workers} } }
sub asked { return Brood::Client->connect($_[0]->address)->get('/hello.txt')->worker }

sub is_done
{
	my ($run, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is $run->{exit}, 0, $name or diag $run->{stderr};
}

sub is_refused
{
	my ($run, $reason, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok $run->{exit} eq '1' && $run->{stderr} =~ $reason, $name or diag "$run->{exit}: $run->{stderr}";
}

for my $mode (@modes) {
	together "$mode: status" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 3, control => 1);
		my $status = status($server);
		is_deeply [sort keys %$status],
		    [qw(accept generation last_roll listeners pid state trouble uptime_ms version workers)], 'its members';
		is $status->{pid}, $server->master, 'the pid is the master\'s';
		is $status->{accept}, $mode, 'the accept mode';
		is $status->{state}, 'running', 'the state';
		is $status->{last_roll}, undef, 'no roll yet';
		is_deeply $status->{trouble}, [], 'no trouble';
		is_deeply $status->{listeners}, [{ address => $server->address, tls => JSON::PP::false }], 'the listeners';
		is_deeply [sort keys %{ $status->{workers}[0] }],
		    [qw(age_ms connections generation idle pid requests restarts slot state)], 'a worker\'s members';
		is_deeply [map { $_->{slot} } @{ $status->{workers} }], [0, 1, 2], 'the slots';
		is_deeply [map { $_->{state} } @{ $status->{workers} }], [('serving') x 3], 'all serve';
		is_deeply [pids($status)], [$server->workers], 'their pids';

		my @kept = map { Brood::Client->connect($server->address) } 1 .. 12;
		my %count;
		$count{ ($_->get('/hello.txt')->worker)[2] }++ for @kept;
		ok wait_until(10, sub {
			my %told = map { $_->{connections} ? ($_->{pid} => $_) : () } @{ status($server)->{workers} };
			return keys %told == keys %count
			    && !grep { $told{$_}{connections} != $count{$_} || $told{$_}{idle} != $count{$_}
				|| $told{$_}{requests} < $count{$_} } keys %count;
		}), 'connections and requests are counted by worker' or diag explain status($server);
		like $server->ctl('status')->{stdout}, qr/^ *2 +\d+ +\d+ +serving +\d+ m?s +\d+ +\d+ +\d+ +0$/m, 'a table for people';
		is_deeply decode_json($server->ctl('--json', 'version')->{stdout})->{pid}, $server->master, 'version';
		$_->close for @kept;
		$server->finish;
	};
}

together 'status is right when all workers hang' => sub {
	my $server = Brood::Server->start(workers => 2, control => 1);
	my @workers = $server->workers;
	kill 'STOP', @workers;
	wait_until(5, sub { 2 == grep { (state($_) // '') eq 'T' } @workers });
	my $begin = time;
	is_deeply [pids(status($server))], [@workers], 'it answers';
	cmp_ok time - $begin, '<', 5, 'soon';
	kill 'CONT', @workers;
	$server->finish;
};

for my $mode (@modes) {
	together "$mode: restart, reload, scale" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 2, control => 1);
		my @old = $server->workers;
		my $before = status($server)->{generation};
		my $run = $server->ctl('restart');
		is_done($run, 'restart is done');
		like $run->{stderr}, qr{^2/2 }m, 'progress was told';
		my $status = status($server);
		ok !(grep { my $pid = $_; grep { $_->{pid} == $pid && $_->{state} eq 'serving' } @{ $status->{workers} } } @old),
		    'no old worker serves when it returns';
		is $status->{generation}, $before + 1, 'the generation';
		is_deeply $status->{last_roll}, { kind => 'restart', ok => JSON::PP::true, reason => undef }, 'the last roll';
		ok !(grep { $_ == (asked($server))[2] } @old), 'new connections are answered by new workers';

		is_done($server->ctl('reload'), 'reload is done');
		is status($server)->{last_roll}{kind}, 'reload', 'the last roll is a reload';

		is_done($server->ctl('scale', 4), 'scale up is done');
		is scalar(grep { $_->{state} eq 'serving' } @{ status($server)->{workers} }), 4, 'four serve when it returns';
		is_done($server->ctl('scale', 1), 'scale down is done');
		ok wait_until(10, sub { $server->workers == 1 }), 'one is left';
		like asked($server), qr/\A\d+\z/, 'and serves';
		$server->rebase;
		is_done($server->ctl('reopen'), 'reopen is done');
		$server->finish;
	};
}

together 'a broken configuration' => sub {
	my $server = Brood::Server->start(workers => 2, control => 1, config => "drain_timeout = \"10s\";\n");
	my @old = $server->workers;
	Brood::Server::write_file($server->{config_file}, "workers = 2;\ndrain_timeout = \"soon\";\n");
	is_refused($server->ctl('reload'), qr/brood\.conf:2: .*drain_timeout/, 'reload fails with file, line and name');
	unlink $server->{config_file};
	POSIX::mkfifo($server->{config_file}, 0600) or die $!; # nobody writes to it
	is_refused($server->ctl('reload'), qr/brood\.conf': is a pipe, as of <\(\.\.\.\)/, 'a pipe in its place is not waited for');
	is_deeply [$server->workers], [@old], 'nothing has changed';
	is_done($server->ctl('restart'), 'a restart needs no file');
	$server->finish;
};

together 'a worker that cannot start' => sub {
	my $server = Brood::Server->start(workers => 3, control => 1, config => "drain_timeout = \"10s\";\n");
	Brood::Server::write_file($server->{config_file}, "debug_fault = \"start-exit:1\";\n");
	is_refused($server->ctl('reload'), qr/./, 'reload fails with a reason');
	my $roll = status($server)->{last_roll};
	ok $roll && !$roll->{ok} && $roll->{reason}, 'status tells of it';
	like join('-', asked($server)), qr/\A\d+-\d+-\d+\z/, 'it serves on';
	$server->finish;
};

together 'drain and undrain' => sub {
	my $server = Brood::Server->start(workers => 2, control => 1);
	my ($slot) = grep { $_->{slot} == 1 } @{ status($server)->{workers} };
	is_done($server->ctl('drain', 1), 'drain is done');
	ok wait_until(10, sub { !alive($slot->{pid}) }), 'its worker has left';
	is_deeply [map { (asked($server))[0] } 1 .. 5], [(0) x 5], 'the other one answers';
	is_done($server->ctl('undrain', 1), 'undrain is done');
	is scalar(grep { $_->{slot} == 1 && $_->{state} eq 'serving' } @{ status($server)->{workers} }), 1, 'it serves again';
	is_refused($server->ctl($_, 7), qr/./, "$_ of a slot that is not there fails") for qw(drain undrain);
	$server->finish;
};

together 'status and config agree with what runs' => sub {
	my $versions = Brood::Versions->new;
	my $server = Brood::Configured->start(workers => 2, control => $versions->dir . '/sock', binary => $versions->path);
	my $agree = sub {
		my ($count, $name) = @_;
		ok wait_until(10, sub { $server->workers == $count }), "$name: $count workers";
		is scalar(grep { $_->{state} eq 'serving' } @{ status($server)->{workers} }), $count, 'by status';
		like $server->ctl('config')->{stdout}, qr/^workers = $count;$/m, 'by config';
	};
	$agree->(2, 'as the file says');
	is_done($server->ctl('scale', 4), 'scale');
	$agree->(4, 'scaled');
	$server->signal('TTOU');
	$agree->(3, 'by TTOU');
	is_done($server->ctl($_), $_), $agree->(3, "after a $_") for qw(restart reload upgrade);
	Brood::Server::write_file($server->{file}, "nonsense = 1;\n");
	is_refused($server->ctl('reload'), qr/nonsense/, 'a reload that fails');
	$agree->(3, 'still');
	$server->set(workers => 1);
	is_done($server->ctl('reload'), 'the file says another number');
	$agree->(1, 'that counts');
	is_done($server->ctl('scale', 2), 'scale');
	$server->set(workers => 2);
	is_done($server->ctl('reload'), 'the file says what runs');
	$agree->(2, 'the same');
	$server->rebase;
	$server->finish;
};

together 'config' => sub {
	my $server = Brood::Server->start(workers => 2, control => 1);
	my $config = $server->ctl('config')->{stdout};
	like $config, qr/^workers = 2;$/m, 'the configuration in force';
	my $file = Brood::Server::write_file($server->dir . '/printed.conf', $config);
	is(Brood::Server->run('-t', '-c', $file)->{exit}, 0, 'can be read again');
	$server->finish;
};

# ---- The end
for my $now ([], ['--now']) {
	together "stop @$now" => sub {
		my $server = Brood::Server->start(workers => 2, control => 1);
		my $idle = Brood::Client->connect($server->address);
		$idle->get('/hello.txt');
		my $run = $server->ctl('stop', @$now);
		is_done($run, 'it is done');
		ok !alive($server->master), 'the server is gone when it returns';
		is $server->wait_exit(5), 0, 'and has ended well';
		is $idle->wait_end, 'closed', 'the idle connection was closed';
		ok !-e $server->control, 'the socket is gone';
		is $server->ctl('status')->{exit}, 3, 'nobody is there';
		$server->finish('nothing is left');
	};
}

# ---- Who answers
together 'the admin process dies' => sub {
	my $server = Brood::Server->start(workers => 2, control => 1);
	my @workers = $server->workers;
	my $admin;
	ok wait_until(10, sub { $admin = $server->admin }), 'there is one';
	kill 'KILL', $admin;
	ok wait_until(10, sub { ($server->admin // $admin) != $admin }), 'there is another one';
	is_deeply [pids(status($server))], [@workers], 'it answers, and no worker was touched';
	$server->finish;
};

# A server with one worker, and a client whose download keeps one that was replaced from leaving: so the next roll
# waits, until it has read all. [server, client, starts broodctl and waits until it has said that].
my $large = 'large' x (4 << 20); # more than sockets hold
sub start_held
{
	my (%set) = @_;
	my $dir = Brood::Server::new_dir();
	my $server = Brood::Configured->start(workers => 1, control => "$dir/control", watchdog => '1s', %set);
	Brood::Server::write_file("$server->{settings}{root}/large.bin", $large);
	my $client = Brood::Client->connect($server->address, limit => 60);
	$client->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
	$client->wait_answer(time + 10);
	is_done($server->ctl('restart'), 'a restart, whose old worker stays');
	$server->{held_in} = $dir;
	return ($server, $client);
}

sub errors { return Brood::Server::slurp("$_[0]{base}.err") }

# Kills the admin process when the roll waits; who asked for it is told by the next one.
sub kill_admin
{
	my ($server, $run, $count) = @_;
	my $admin = $server->admin;
	kill 'KILL', $admin;
	ok wait_until(20, sub { (() = errors($run) =~ /it goes on/g) >= $count }), 'broodctl has asked the next admin process';
}

together 'the admin process dies: who waits for an outcome gets it, and nothing is done twice' => sub {
	for (['reload', undef, 0, qr/reloaded/], ['reload', { debug_fault => 'start-exit' }, 1, qr/\Abroodctl: slot 0: .*exit/],
		['restart', undef, 0, qr/restarted/], ['upgrade', undef, 0, qr/upgraded/]) {
		my ($verb, $change, $exit, $said) = @$_;
		my ($server, $client) = start_held();
		my $before = status($server)->{generation};
		$server->set(%$change) if $change;
		my $run = $server->ctl_start($verb);
		ok $server->wait_stderr(qr/(?:reload|restart|upgrade) waits for the old worker/), "$verb waits";
		kill_admin($server, $run, $_) for 1 .. ($exit ? 2 : 1);
		ok $client->response->body eq $large, 'the download ends';
		my $outcome = Brood::Server::ctl_wait($run);
		is $outcome->{exit}, $exit, "$verb: exit status $exit" or diag $outcome->{stderr};
		like $exit ? $outcome->{stderr} =~ s/^it goes on\n//mgr : $outcome->{stdout}, $said, 'and the words for it';
		my $after = status($server);
		is $after->{generation} - $before, $exit ? 0 : 1, 'it was done once';
		is !!$after->{last_roll}{ok}, !$exit, 'status says the same';
		$server->set(debug_fault => undef);
		is_done($server->ctl('reload'), 'the next one is one of its own');
		is status($server)->{generation} - $before, 2, 'and is done';
		$server->finish;
	}
};

together 'the admin process dies while the server stops: broodctl stop waits for the end' => sub {
	my ($server, $client) = start_held(stop_timeout => '30s');
	my $run = $server->ctl_start('stop');
	ok wait_until(10, sub { errors($run) =~ /stopping/ }), 'it stops';
	kill 'KILL', $server->admin;
	ok wait_until(20, sub { (() = errors($run) =~ /stopping/g) == 2 }), 'the next admin process says so, too';
	ok $client->response->body eq $large, 'a download ends';
	is_done(Brood::Server::ctl_wait($run), 'broodctl stop comes back');
	ok !alive($server->master), 'when the server is gone';
	is $server->wait_exit, 0, 'which ends well';
	$server->finish('nothing is left');
};

together 'an admin process that stands still is replaced, and who waits is told by the next one' => sub {
	my ($server, $client) = start_held();
	my $run = $server->ctl_start('reload');
	ok $server->wait_stderr(qr/reload waits for the old worker/), 'a reload waits';
	kill 'STOP', my $admin = $server->admin;
	ok $client->response->body eq $large, 'the download ends';
	ok $server->wait_stderr(qr/reload done/), 'the reload is over';
	is_done(Brood::Server::ctl_wait($run), 'broodctl is told');
	ok $server->wait_stderr(qr/the admin process \[$admin\] has been silent for [1-9]/), 'since somebody noticed';
	ok $server->wait_stderr(qr/the admin process died: signal 6/), 'and ended it';
	is status($server)->{generation}, 2, 'it was done once';
	$server->finish;
};

together '--timeout' => sub {
	my ($server, $client) = start_held();
	my $begin = time;
	my $run = $server->ctl('--timeout', '0.3', 'reload');
	is_refused($run, qr/\Abroodctl: no outcome within 300ms: what was asked for goes on\n\z/, 'it waits no longer than that');
	cmp_ok time - $begin, '>=', 0.3, 'nor less';
	is_done($server->ctl('--timeout', '20s', 'status'), 'who answers in time is no matter');
	is($server->ctl('--timeout', $_, 'status')->{exit}, 2, "--timeout '$_' is none") for '0', '0.0', '-1', 'x', '1.5s', '';
	ok $client->response->body eq $large, 'the download ends';
	ok $server->wait_stderr(qr/reload done/), 'what was asked for is done';
	kill 'STOP', $server->master, $server->admin;
	is_refused($server->ctl('--timeout', 0.3, 'status'), qr/no outcome within 300ms/, 'nobody answers');
	kill 'CONT', $server->master, $server->admin;
	$server->finish;
};

together 'a hundred clients, half of them hanging, delay nothing' => sub {
	my $server = Brood::Server->start(workers => 2, control => 1);
	my @hanging = map { IO::Socket::UNIX->new(Peer => $server->control) } 1 .. 50;
	print { $hanging[$_] } '{"comm' for 0 .. 24;
	$_->flush for @hanging;
	my $begin = time;
	my @runs = map { $server->ctl_start('--json', 'status') } 1 .. 50;
	is scalar(grep { $_->{exit} eq '0' } map { Brood::Server::ctl_wait($_) } @runs), 50, 'fifty get their answers';
	cmp_ok time - $begin, '<', 10, sprintf 'in %.1f s', time - $begin;
	is scalar(grep { !defined } @hanging), 0, 'fifty hang';
	like join('-', asked($server)), qr/\A\d+-\d+-\d+\z/, 'the server serves';
	$server->finish;
};

# ---- The socket
together 'the socket' => sub {
	my $server = Brood::Server->start(workers => 1, control => 1);
	my @info = stat $server->control;
	is sprintf('%o', $info[2]), '140600', 'its mode';
	is $info[4], $>, 'its owner';
	my $second = Brood::Server->run('-l', '127.0.0.1:0', '--control', $server->control, $server->root);
	is $second->{exit}, 1, 'a second server with the same socket does not start';
	like $second->{stderr}, qr/control socket '\Q@{[$server->control]}\E': another server answers there/, 'and says why';
	is $server->ctl('status')->{exit}, 0, 'the first one answers';
	kill 'KILL', $server->master;
	$server->wait_exit(5);
	wait_until(10, sub { !$server->processes });
	ok -S $server->control, 'killed, it leaves its socket';
	is $server->ctl('status')->{exit}, 3, 'where nobody answers';
	my $next = Brood::Server->start(workers => 1, set => { control => $server->control });
	is $server->ctl('status')->{exit}, 0, 'the next one takes its place';
	$next->finish;
	ok !-e $server->control, 'and removes it';
	$server->finish('nothing is left');
};

together 'without a socket' => sub {
	my $server = Brood::Server->start(workers => 1);
	is $server->admin, undef, 'there is no admin process';
	ok !-e $server->control, 'and no socket';
	$server->finish;
};

together 'why' => sub {
	my $server = Brood::Server->start(workers => 2, control => 1);
	is_deeply decode_json($server->ctl('--json', 'why', 0)->{stdout}), [], 'nothing has ended yet';
	my ($victim) = grep { $_->{slot} == 0 } @{ status($server)->{workers} };
	kill 'KILL', $victim->{pid};
	my $why;
	ok wait_until(10, sub { @{ $why = decode_json($server->ctl('--json', 'why', 0)->{stdout}) } }), 'an obituary';
	is $why->[0]{pid}, $victim->{pid}, 'of the one that was killed';
	like $server->ctl('why', 0)->{stdout}, qr/SIGKILL/, 'with the cause, for people';
	ok wait_until(10, sub { (grep { $_->{slot} == 0 } @{ status($server)->{workers} })[0]{restarts} == 1 }), 'restarts';
	$server->rebase;
	$server->finish;
};

all_together();
done_testing;
