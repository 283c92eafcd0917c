#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Upgrade in place: the master becomes another binary, and neither clients nor scripts notice.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive descriptors wait_until);
use Brood::Server;
use Brood::Versions;
use Brood::Wrk;
use Fcntl qw(:flock);
use JSON::PP qw(decode_json);
use POSIX ();
use Time::HiRes qw(sleep time);

my @modes = qw(shared handoff reuseport);
my $versions = Brood::Versions->new;
my ($this, $version, $other_version) = ($versions->octets('this'), $versions->version('this'), $versions->version('next'));
is $other_version, "$version-next", 'there is another version to upgrade to';

sub is_upgraded
{
	my ($server, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $run = $server->ctl('upgrade');
	is $run->{exit}, 0, $name or diag $run->{stderr}, $server->stderr;
}

# The new image begins with the state, the image to go back to, and what the state names: nothing that somebody forgot.
sub is_given_what_is_named
{
	my %fds;
	my $told = Brood::Server::slurp($versions->dir . '/inherited');
	push @{ $fds{$1} }, $2 while $told =~ /^(\w+) (\d+)$/mg;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	cmp_ok scalar @{ $fds{named} // [] }, '>', 10, 'the state names descriptors';
	is_deeply [sort { $a <=> $b } @{ $fds{open} }], [sort { $a <=> $b } 0 .. 2, map { @{ $fds{$_} } } qw(state named)],
	    'and no other is open when the new image begins';
	unlink $versions->dir . '/inherited';
}

for my $mode (@modes) {
	subtest "$mode: there and back" => sub {
		my $dir = Brood::Server::new_dir();
		my $server = $versions->start(accept => $mode, args => ['-p', "$dir/pid"]);
		my $master = $server->master;
		my @idle = map { Brood::Client->connect($server->address) } 1 .. 200;
		$_->get('/hello.txt') for @idle;
		my $open;
		for my $want ($other_version, $version, $other_version) {
			my @old = $server->workers;
			my $admin;
			ok wait_until(10, sub { $admin = $server->admin }), 'the admin is there';
			$versions->put($want eq $version ? 'this' : 'next');
			$versions->fault('start go tell');
			is_upgraded($server, "to $want");
			is_given_what_is_named() if $want eq $other_version;
			my $status = $versions->status($server);
			is $status->{version}, $want, 'it is another version';
			is $status->{pid}, $master, 'the same process';
			is_deeply [$status->{last_roll}{kind}, !!$status->{last_roll}{ok}], ['upgrade', !!1], 'the last roll';
			ok wait_until(10, sub { !grep { alive($_) } @old }), 'the old workers leave';
			ok wait_until(10, sub { !alive($admin) && $server->admin }), 'and the old admin';
			is scalar($server->workers), 3, 'as many workers as before';
			is scalar(grep { $_->ending(0) ne 'open' } @idle), 0, 'the idle connections are open';
			my %new = map { $_ => 1 } $server->workers;
			my @responses = map { $_->get('/hello.txt') } @idle;
			is scalar(grep { $_->status ne '200' || !$new{ ($_->worker)[2] } } @responses), 0,
			    'new workers answer on them';
			is Brood::Server::slurp("$dir/pid"), "$master\n", 'the pid file';
			open my $pid, '<', "$dir/pid" or die $!;
			ok !flock($pid, LOCK_EX | LOCK_NB), 'and its lock';
			close $pid;
			my $count = keys %{ descriptors($master) };
			$open //= $count;
			ok wait_until(10, sub { keys(%{ descriptors($master) }) <= $open }), 'no descriptor is left over'
			    or diag "$open, ", keys %{ descriptors($master) };
		}
		$server->signal('HUP');
		ok $server->wait_stderr(qr/reload done/), 'a reload works';
		$server->finish;
		ok !-e "$dir/pid", 'the pid file is removed by the last version';
	};
}

SKIP: {
	skip 'wrk is not installed', 1 if !Brood::Wrk::path();
	for my $mode (@modes) {
		my $server = $versions->start(accept => $mode);
		my $load = Brood::Wrk->start(url => $server->url('/1k.txt'), seconds => Brood::Wrk::seconds(60));
		my $upgrades = 0;
		sleep 0.2;
		while ($load->running && $upgrades < 10) {
			$server->signal('HUP') if $upgrades % 2;
			last if $server->ctl('upgrade')->{exit} ne '0';
			$upgrades++;
		}
		my $result = $ENV{BROOD_TEST_LONG} ? $load->result : $load->stop;
		note "$mode: $upgrades upgrades; ", Brood::Wrk::describe($result);
		is $upgrades, 10, "$mode: ten upgrades under load, reloads among them";
		ok $result->{requests} > 500 && !$result->{errors} && !$result->{bad_status}, "$mode: no client saw them"
		    or diag Brood::Wrk::describe($result);
		$server->finish("$mode: the server ends well");
	}
}

subtest 'by a signal, while a roll runs' => sub {
	my $server = $versions->start();
	my @old = $server->workers;
	$versions->put('next');
	$server->signal('HUP');
	$server->signal('USR2');
	$server->signal('USR2');
	$server->signal('HUP');
	ok $server->wait_stderr(qr/upgrade done/), 'both are done';
	ok wait_until(20, sub { $versions->status($server)->{state} eq 'running' }), 'and nothing runs any more';
	is $versions->status($server)->{version}, $other_version, 'the version';
	ok wait_until(20, sub { !grep { alive($_) } @old }), 'the old workers leave';
	$server->finish;
};

subtest 'while there is no admin process' => sub {
	my $server = $versions->start;
	# One that has not lived for a second is not replaced at once.
	for (1 .. 2) {
		my $admin;
		ok wait_until(10, sub { $admin = $server->admin }), 'the admin is there';
		kill 'KILL', $admin;
		ok wait_until(10, sub { !alive($admin) }), 'and dies';
	}
	$versions->put('next');
	$server->signal('USR2');
	ok $server->wait_stderr(qr/upgrade done/), 'the upgrade is done';
	ok wait_until(10, sub { $server->admin }), 'the new version starts one';
	is $versions->status($server)->{version}, $other_version, 'the version';
	$server->finish;
};

subtest 'what is known of the dead is known to the next version' => sub {
	my $server = $versions->start;
	my ($killed) = map { $_->{pid} } grep { $_->{slot} == 0 } @{ $versions->status($server)->{workers} };
	my $why = sub { return decode_json($server->ctl('--json', 'why', $_[0])->{stdout}) };
	kill 'KILL', $killed;
	ok wait_until(10, sub { @{ $why->(0) } }), 'an obituary';
	my $before = $why->(0);
	for my $want (qw(next this)) {
		$versions->put($want);
		is_upgraded($server, "to $want");
		is_deeply $why->(0), $before, 'it is there, word for word';
		is_deeply $why->(1), [], 'and no other';
	}
	ok wait_until(20, sub { $server->workers == 3 }), 'three workers';
	$server->finish;
};

# It cannot take SIGABRT while it is traced, so its obituary is half written for two seconds.
subtest 'a worker that hangs and is not yet dead' => sub {
	my $server = $versions->start(set => { watchdog => '1s', drain_timeout => '10s' });
	my ($hanging) = map { $_->{pid} } grep { $_->{slot} == 0 } @{ $versions->status($server)->{workers} };
	my $tracer = Brood::Proc::hold($hanging) or plan skip_all => 'this kernel does not let us trace';
	my $why = sub { return decode_json($server->ctl('--json', 'why', 0)->{stdout}) };
	ok wait_until(20, sub { @{ $why->() } }), 'it is found to hang';
	$versions->put('next');
	is_upgraded($server, 'upgraded meanwhile');
	my $told;
	ok wait_until(20, sub { ($told = $why->())->[0]{ended} }), 'it is ended';
	Brood::Proc::let_go($tracer);
	is scalar(@$told), 1, 'it has one obituary';
	is_deeply [@{ $told->[0] }{qw(why pid signal_name)}], ['hang', $hanging, 'SIGKILL'], 'of a hang';
	like $told->[0]{detail}, qr/silent/, 'with the reason';
	ok wait_until(20, sub { !alive($hanging) && $server->workers == 3 }), 'three workers';
	$server->finish;
};

subtest 'a start from another folder, with relative paths' => sub {
	my $dir = Brood::Server::new_dir();
	Brood::Server::make_tree($dir, { 'www/hello.txt' => 'relative', 'brood.conf' => 'root = "www";' });
	my $server = $versions->start(args => ['-c', 'brood.conf'], in => sub { chdir "$dir" or die $! }, root => "$dir/www");
	is_upgraded($server, 'upgraded');
	is readlink('/proc/' . $server->master . '/cwd'), "$dir", 'the working directory is kept';
	is(Brood::Client->connect($server->address)->get('/hello.txt')->body, 'relative', 'served from the same folder');
	$server->finish;
};

subtest 'what cannot be upgraded to changes nothing' => sub {
	my $server = $versions->start();
	my @old = $server->workers;
	my $admin;
	ok wait_until(10, sub { $admin = $server->admin }), 'the admin is there';
	my @kept = map { Brood::Client->connect($server->address) } 1 .. 20;
	$_->get('/hello.txt') for @kept;
	my ($false) = grep { -x } '/bin/false', '/usr/bin/false';
	my ($true) = grep { -x } '/bin/true', '/usr/bin/true';
	my @bad = (
		['a text', sub { $versions->put_octets("Once upon a time\n") }, qr/cannot be executed/],
		['half a program', sub { $versions->put_octets(substr $this, 0, 4000) }, qr/trial failed/],
		['of another architecture', sub { $versions->put_octets(substr($this, 0, 18) . "\xb7\0" . substr $this, 20) }, qr/cannot be executed/],
		['one that others may write to', sub { $versions->put_octets($this, 0777) }, qr/others than its owner may write/],
		['one that is not executable', sub { $versions->put_octets($this, 0644) }, qr/not executable/],
		['a script', sub { $versions->put_octets("#!/bin/sh\nexec brood \"\$\@\"\n") }, qr/a script: "binary" is to name/],
		['one whose loader is missing', sub { $versions->put_octets($this =~ s{(\0/lib\S*?/ld-linux)(?=\S*\0)}{$1 =~ tr/l/x/r}er) },
			qr/cannot be executed: the loader/],
		['one that fails', sub { $versions->put_octets(Brood::Server::slurp($false)) }, qr/exit status 1/],
		['one that does not know what this is about', sub { $versions->put_octets(Brood::Server::slurp($true)) },
			qr/does not understand the state/],
		['one that refuses the state', sub { $versions->put_octets($this =~ s/BROODST1/BROODST9/gr) },
			qr/state of the running server cannot be used/],
		['a folder', sub { unlink $versions->path; mkdir $versions->path or die $! }, qr/not a regular file/],
		['nothing', sub { rmdir $versions->path }, qr/No such file/],
	);
	my $open = keys %{ descriptors($server->master) };
	for (@bad) {
		my ($name, $make, $reason) = @$_;
		$make->();
		my $run = $server->ctl('upgrade');
		is $run->{exit}, 1, "$name: exit status 1";
		like $run->{stderr}, $reason, "$name: the reason";
	}
	is_deeply [$server->workers], \@old, 'the workers are the same';
	is $server->admin, $admin, 'and the admin';
	is scalar(grep { $_->ending(0) ne 'open' || $_->get('/hello.txt')->status ne '200' } @kept), 0,
	    'kept connections are answered';
	ok wait_until(10, sub { keys(%{ descriptors($server->master) }) <= $open }), 'no descriptor is left over';
	is $versions->status($server)->{version}, $version, 'the version';
	$versions->put('next');
	is_upgraded($server, 'a good one does');
	$server->finish;
};

# A user's number of processes is limited by counting all that he has. Root's is not.
subtest 'a fork that fails' => sub {
	plan skip_all => 'prlimit is not installed' if system('command -v prlimit >/dev/null') != 0;
	my $user = $> == 0 ? 61234 : $>;
	my $dir = Brood::Server::new_dir();
	chown $user, $user, $dir if $> == 0;
	my $server = Brood::Server->start(workers => 2, set => { control => "$dir/control.sock" },
		in => sub { POSIX::setgid($user), POSIX::setuid($user) if $> == 0 });
	my @workers = $server->workers;
	my $child = fork // die "fork: $!";
	if (!$child) {
		POSIX::setgid($user), POSIX::setuid($user) if $> == 0;
		exec 'prlimit', '--pid', $server->master, '--nproc=1:' or POSIX::_exit(126);
	}
	waitpid $child, 0;
	is $?, 0, 'no more processes';
	my $run = Brood::Server::ctl_wait($server->ctl_start('-s', "$dir/control.sock", 'upgrade'));
	is $run->{exit}, 1, 'exit status 1';
	like $run->{stderr}, qr/fork: no process for the trial can be had: Resource temporarily unavailable/, 'the reason';
	is_deeply [$server->workers], \@workers, 'the workers are the same';
	is(Brood::Client->connect($server->address)->get('/hello.txt')->status, '200', 'and answer');
	$server->finish;
};

subtest 'a configuration that does not load stops it' => sub {
	my $dir = Brood::Server::new_dir();
	my $server = $versions->start(config => "head_timeout = \"9s\";\n");
	my @old = $server->workers;
	Brood::Server::write_file($server->dir . '/brood.conf', "nonsense = 1;\n");
	my $run = $server->ctl('upgrade');
	is $run->{exit}, 1, 'exit status 1';
	like $run->{stderr}, qr/brood\.conf:1: .*nonsense/, 'the reason';
	is_deeply [$server->workers], \@old, 'the workers are the same';
	$server->finish;
};

done_testing;
