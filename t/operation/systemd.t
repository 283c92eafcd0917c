#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The units that are shipped, by a systemd of the test's own: start, reload, upgrade, rotation, stop, activation by a
# socket, what is told to the manager, and its watchdog.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Copy qw(copy);
use File::Path qw(make_path);
use Test::More;
use JSON::PP qw(decode_json);
use Brood::Client;
use Brood::Proc qw(children wait_until);
use Brood::Server;
use Brood::Systemd;

my $systemd = Brood::Systemd->start or plan skip_all => Brood::Systemd->why_not;
my $opt = $systemd->dir;
my $hello = "Hello, systemd!\n";

sub write_config
{
	my (@more) = @_;
	my %set = (root => '"/opt/www"', workers => 2, access_log => '"/var/log/brood/access.log"',
		error_log => '"/var/log/brood/error.log"', listen => '["127.0.0.1:80", "unix:/run/brood/web.sock"]', @more);
	return Brood::Server::write_file("$opt/etc/brood/brood.conf",
		join '', map { defined $set{$_} ? "$_ = $set{$_};\n" : () } sort keys %set);
}

sub install_unit
{
	my ($name, $in) = @_;
	my $text = Brood::Server::slurp(Brood::Server::source_dir() . "/etc/$in");
	$text =~ s{\@bindir\@}{/opt/bin}g;
	$text =~ s{\@sysconfdir\@}{/opt/etc}g;
	return $systemd->unit($name, $text);
}

sub install_program
{
	make_path("$opt/$_") for qw(bin etc/brood);
	for my $program (Brood::Server::program(), Brood::Server::broodctl()) {
		my ($name) = $program =~ m{([^/]+)\z};
		copy($program, "$opt/bin/$name.new") && chmod 0755, "$opt/bin/$name.new" or die "$program: $!";
		rename "$opt/bin/$name.new", "$opt/bin/$name" or die "$name: $!";
	}
}

sub log_lines { my ($regex) = @_; return scalar grep { $_ =~ $regex } split /\n/, $systemd->slurp('/var/log/brood/error.log') }
sub status_text { return $systemd->show('brood', 'StatusText') }
sub state { return $systemd->show('brood', 'ActiveState') }
sub curl { my (@args) = @_; return $systemd->run(qw(curl -s -m 20), @args)->{stdout} }
sub web { return Brood::Client->connect('unix:' . $systemd->path('/run/brood/web.sock')) }
sub workers { return grep { (Brood::Proc::name($_) // '') =~ /: w\d/ } children($systemd->main_pid('brood')) }

# For a command that is to succeed.
sub succeeds
{
	my ($result, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($result->{exit}, 0, $name) || diag($result->{stderr}, $systemd->slurp('/var/log/brood/error.log'));
}

# Until two more signs of life have come: what a reload tells may count as the first.
sub signs_of_life
{
	my %seen;
	return wait_until(10, sub { $seen{ $systemd->show('brood', 'WatchdogTimestampMonotonic') } = 1; return keys %seen > 2 });
}

sub drop_in { my ($name, $text) = @_; return $systemd->unit("brood.service.d/$name.conf", "[Service]\n$text") }
sub remove_drop_in { my ($name) = @_; return $systemd->forget_unit("brood.service.d/$name.conf") }

install_program();
Brood::Server::make_tree("$opt/www", { 'hello.txt' => $hello });
install_unit('brood.service', 'brood.service.in');
drop_in('sanitizer', "Environment=ASAN_OPTIONS=$ENV{ASAN_OPTIONS}\n") if $ENV{BROOD_SANITIZE};
write_config();
$systemd->reread or die 'daemon-reload';

subtest 'the unit serves' => sub {
	succeeds($systemd->ctl(qw(start brood)), 'it starts');
	is curl('http://127.0.0.1/hello.txt'), $hello, 'on port 80';
	is state(), 'active', 'active';
	is status_text(), 'serving', 'and says so';
	is $systemd->show('brood', 'WatchdogUSec'), '30s', 'the watchdog is on';
	is log_lines(qr/ (?:warn|error) /), 0, 'nothing is amiss' or diag $systemd->slurp('/var/log/brood/error.log');
	my $user = getpwnam('www-data') ? 'www-data' : 'nobody';
	is_deeply [map { (split ' ', Brood::Proc::status($_)->{Uid})[0] } workers()], [(scalar getpwnam $user) x 2], "workers are $user";
	my $master = Brood::Proc::status($systemd->main_pid('brood'));
	is $master->{NoNewPrivs}, 1, 'nothing gets more rights';
	is_deeply [map { Brood::Proc::status($_)->{Seccomp_filters} // 0 } workers()], [(1 + ($master->{Seccomp_filters} // -1)) x 2],
	    'and workers are locked in further than the unit does';
};

subtest 'a reload, good or bad, is told of and seen by no client' => sub {
	my $client = web();
	my $pid = $systemd->main_pid('brood');
	is $client->get('/hello.txt')->status, 200, 'a connection';
	write_config(workers => 3);
	succeeds($systemd->ctl(qw(reload brood)), 'a good one');
	is log_lines(qr/reload done: 3 workers/), 1, 'is over when systemctl comes back';
	write_config(workers => '"many"');
	isnt $systemd->ctl(qw(reload brood))->{exit}, 0, 'a bad one fails';
	like status_text(), qr/^serving; the last reload failed: .*brood\.conf/, 'and the status says so';
	is state(), 'active', 'the service is active';
	write_config();
	succeeds($systemd->ctl(qw(reload brood)), 'one that is good again');
	is status_text(), 'serving', 'ends that';
	is $client->get('/hello.txt')->status, 200, 'the connection is the same';
	is $systemd->main_pid('brood'), $pid, 'and so is the master';
};

subtest 'an upgrade' => sub {
	my $client = web();
	my $pid = $systemd->main_pid('brood');
	is $client->get('/hello.txt')->status, 200, 'a connection';
	install_program(); # another file, so that it is another program
	succeeds($systemd->run(qw(/opt/bin/broodctl upgrade)), 'is done');
	is $systemd->main_pid('brood'), $pid, 'by the same process';
	is $client->get('/hello.txt')->status, 200, 'the connection is the same';
	chmod 0644, "$opt/bin/brood";
	isnt $systemd->run(qw(/opt/bin/broodctl upgrade))->{exit}, 0, 'one that fails';
	like status_text(), qr/^serving; the last upgrade failed: .*not executable/, 'is told of';
	chmod 0755, "$opt/bin/brood";
	is state(), 'active', 'and the service goes on';
};

subtest 'logs are rotated' => sub {
	my $log = $systemd->path('/var/log/brood');
	for my $name (qw(access error)) {
		rename "$log/$name.log", "$log/$name.log.1" or die "$name: $!";
	}
	succeeds($systemd->ctl(qw(kill -s USR1 --kill-who=main brood)), 'by a signal');
	ok wait_until(10, sub { -e "$log/access.log" && -e "$log/error.log" }), 'new files are there';
	succeeds($systemd->run(qw(/opt/bin/broodctl reopen)), 'and by broodctl');
	curl('http://127.0.0.1/hello.txt?rotated');
	ok wait_until(10, sub { Brood::Server::slurp("$log/access.log") =~ /rotated/ }), 'they are written to';
};

# Takes all of a group's memory, little by little, until somebody is killed for it.
my $taker = <<'PERL';
my $group = shift;
sub say_to { open my $file, '>', $_[0] or die "$_[0]: $!"; print $file $_[1]; close $file or die "$_[0]: $!" }
sub killed { open my $file, '<', "$group/memory.events"; return join('', readline $file) =~ /^oom_kill [1-9]/m }
say_to('/proc/self/oom_score_adj', -1000);
say_to("$group/memory.swap.max", 0) if -e "$group/memory.swap.max";
say_to("$group/memory.max", 96 << 20);
say_to("$group/cgroup.procs", $$);
my @taken;
push @taken, 'x' x (1 << 18) while !killed() && @taken < 800;
say_to("$group/memory.max", 'max');
exit !killed();
PERL

is $systemd->show('brood', 'OOMPolicy'), 'continue', 'when the kernel ends a worker the service goes on';

subtest 'a worker that the kernel ends for its memory does not stop the service' => sub {
	my $group = '/sys/fs/cgroup' . $systemd->show('brood', 'ControlGroup');
	plan skip_all => 'no control group can limit memory here: see make check-kernel'
	    if $systemd->run('test', '-e', "$group/memory.max")->{exit} ne '0';
	my $pid = $systemd->main_pid('brood');
	my ($worker) = workers();
	Brood::Server::write_file("/proc/$worker/oom_score_adj", "1000\n");
	is $systemd->run('perl', '-e', $taker, $group)->{exit}, 0, 'one is killed';
	ok wait_until(10, sub { !Brood::Proc::alive($worker) }), 'a worker';
	ok wait_until(10, sub { log_lines(qr/worker \d+ .*died.*SIGKILL/) }), 'it is replaced';
	is curl('http://127.0.0.1/hello.txt'), $hello, 'the server answers';
	is $systemd->main_pid('brood'), $pid, 'by the same master';
	is state(), 'active', 'and is active';
};

subtest 'a stop is told of, and leaves nothing' => sub {
	succeeds($systemd->ctl(qw(stop brood)), 'it stops');
	is $systemd->show('brood', 'Result'), 'success', 'well';
	is state(), 'inactive', 'and is inactive';
	is_deeply [grep { (Brood::Proc::name($_) // '') =~ /brood/ } Brood::Proc::tree($systemd->{init})], [], 'no process is left';
};

subtest 'a stop that cut requests, as asked for, is no failure' => sub {
	drop_in('end', "ExecStopPost=/bin/sh -c 'echo \$\$EXIT_STATUS \$\$SERVICE_RESULT >/var/log/brood/end'\n");
	$systemd->reread;
	succeeds($systemd->ctl(qw(start brood)), 'it starts');
	my $client = web();
	$client->send("GET /hello.txt HTTP/1.1\r\nHost:");
	ok wait_until(10, sub {
		grep { $_->{connections} > $_->{idle} } @{ decode_json($systemd->run(qw(/opt/bin/broodctl --json status))->{stdout})->{workers} };
	}), 'half a request';
	succeeds($systemd->run(qw(/opt/bin/broodctl stop --now)), 'a stop at once');
	ok wait_until(20, sub { $systemd->slurp('/var/log/brood/end') ne '' }), 'it has ended';
	is $systemd->slurp('/var/log/brood/end'), "3 success\n", 'with status 3, which is all right';
	is log_lines(qr/ 1 request cut$/), 1, 'and says why';
	ok wait_until(20, sub { state() eq 'inactive' }), 'it is not started again';
	remove_drop_in('end');
	$systemd->reread;
};

subtest 'the watchdog hears of the master, over upgrades, and ends one that stands still' => sub {
	drop_in('watchdog', "WatchdogSec=2\nLimitCORE=0\n");
	$systemd->reread;
	succeeds($systemd->ctl(qw(start brood)), 'one with little patience');
	ok signs_of_life(), 'gets signs of life';
	succeeds($systemd->run(qw(/opt/bin/broodctl upgrade)), 'after an upgrade');
	ok signs_of_life(), 'too';
	is $systemd->show('brood', 'NRestarts'), 0, 'it has done nothing so far';
	kill 'STOP', $systemd->main_pid('brood');
	ok wait_until(20, sub { $systemd->show('brood', 'NRestarts') == 1 && state() eq 'active' }), 'a master that stands still is replaced';
	is curl('http://127.0.0.1/hello.txt'), $hello, 'and the next one answers';
	succeeds($systemd->ctl(qw(stop brood)), 'and stops');
};

subtest 'a daemon (Type=forking) gives signs of life, too' => sub {
	drop_in('daemon', "Type=forking\nPIDFile=/run/brood/pid\nExecStart=\n" .
		"ExecStart=/opt/bin/brood -d -p /run/brood/pid -c /opt/etc/brood/brood.conf\n");
	$systemd->reread;
	succeeds($systemd->ctl(qw(start brood)), 'it starts');
	ok signs_of_life(), 'signs';
	succeeds($systemd->run(qw(/opt/bin/broodctl upgrade)), 'after an upgrade');
	ok signs_of_life(), 'too';
	is $systemd->show('brood', 'NRestarts'), 0, 'so that nothing had to be done';
	succeeds($systemd->ctl(qw(stop brood)), 'it stops');
	remove_drop_in($_) for qw(daemon watchdog);
};

subtest 'a stop that takes longer than TimeoutStopSec is waited for as long as it goes on' => sub {
	drop_in('patience', "TimeoutStopSec=1\n");
	write_config(drain_delay => '"2s"');
	$systemd->reread;
	succeeds($systemd->ctl(qw(start brood)), 'it starts');
	succeeds($systemd->ctl(qw(stop brood)), 'it stops');
	is $systemd->show('brood', 'Result'), 'success', 'by itself';
	remove_drop_in('patience');
	write_config();
};

subtest 'sockets of systemd start it, and outlive it' => sub {
	my $text = Brood::Server::slurp(Brood::Server::source_dir() . '/etc/brood.socket');
	$text =~ s{^#(ListenStream)=/run/brood.sock}{$1=/run/web.sock}m or die 'no Unix socket';
	$systemd->unit('brood.socket', $text);
	write_config(listen => undef);
	$systemd->reread;
	succeeds($systemd->ctl(qw(start brood.socket)), 'sockets');
	is state(), 'inactive', 'nobody behind them';
	is curl('http://127.0.0.1/hello.txt'), $hello, 'the first client';
	is curl(qw(--unix-socket /run/web.sock http://127.0.0.1/hello.txt)), $hello, 'by the other one';
	succeeds($systemd->ctl(qw(reload brood)), 'a reload');
	succeeds($systemd->run(qw(/opt/bin/broodctl upgrade)), 'an upgrade');
	is curl('http://127.0.0.1/hello.txt'), $hello, 'it answers';
	$systemd->ctl(qw(stop brood));
	is curl(qw(--unix-socket /run/web.sock http://127.0.0.1/hello.txt)), $hello, 'after a stop by the one';
	$systemd->ctl(qw(stop brood));
	is curl('http://127.0.0.1/hello.txt'), $hello, 'and by the other';
	succeeds($systemd->ctl(qw(stop brood.socket brood)), 'both stop');
	$systemd->forget_unit('brood.socket');
	write_config();
};

subtest 'a user that is there only while it runs (DynamicUser)' => sub {
	# As the unit's head says.
	my ($text) = Brood::Server::slurp(Brood::Server::source_dir() . '/etc/brood.service.in') =~
	    /^#   \[Service\]\n((?:#   .*\n)+)/m or die 'no such drop-in';
	$text =~ s/^#   //mg;
	drop_in('user', $text);
	write_config();
	$systemd->reread;
	my $amiss = log_lines(qr/ (?:warn|error) /);
	succeeds($systemd->ctl(qw(start brood)), 'it starts');
	is curl('http://127.0.0.1/hello.txt'), $hello, 'on port 80';
	my $master = Brood::Proc::status($systemd->main_pid('brood'));
	isnt((split ' ', $master->{Uid})[1], 0, 'not as root');
	is hex $master->{CapEff}, 1 << 10, 'with one capability';
	is log_lines(qr/ (?:warn|error) (?!.*openat2)/), $amiss, 'nothing is amiss' or diag $systemd->slurp('/var/log/brood/error.log');
	succeeds($systemd->ctl(qw(reload brood)), 'it is reloaded');
	write_config(workers => '"many"');
	isnt $systemd->ctl(qw(reload brood))->{exit}, 0, 'or not';
	like status_text(), qr/^serving; the last reload failed/, 'which the status says';
	write_config();
	succeeds($systemd->run(qw(/opt/bin/broodctl upgrade)), 'upgraded, by root');
	is status_text(), 'serving', 'which it says, too';
	succeeds($systemd->run(qw(/opt/bin/broodctl reopen)), 'its logs are reopened');
	is curl('http://127.0.0.1/hello.txt'), $hello, 'it answers';
	succeeds($systemd->ctl(qw(stop brood)), 'it stops');
	is $systemd->show('brood', 'Result'), 'success', 'well';
	remove_drop_in('user');
};

$systemd->stop;
done_testing;
