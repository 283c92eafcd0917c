#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# As containers run a server: process 1, a user that nobody has heard of, no capabilities, no new ones, files that are
# read-only but for one folder, nothing in /proc/sys. All that a server does works there as elsewhere.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(children wait_until);
use Brood::Server;

my @unshare = qw(unshare --pid --fork --kill-child --mount --mount-proc --ipc --uts --);
plan skip_all => 'only root can make a container' if $> != 0;
plan skip_all => 'needs setpriv' if system('setpriv --bounding-set=-all true 2>/dev/null') != 0;
plan skip_all => 'no namespaces here' if system("@unshare mount -t tmpfs none /proc/sys 2>/dev/null") != 0;

my $user = 4242424;
my $script = <<'END';
set -e
chown -R "$1" .
mount --bind . .
mount -o remount,bind,ro /
mount -t tmpfs none /proc/sys
cd .
user=$1
shift
exec setpriv --reuid "$user" --regid "$user" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
END

# Its process 1 is that number to itself only.
sub start
{
	my (%want) = @_;
	my $server = Brood::Server->start(workers => 2, control => 1, wrapper => [@unshare, 'sh', '-c', $script, 'sh', $user],
		env => { HOME => undef, USER => undef, XDG_RUNTIME_DIR => undef, PATH => '/usr/bin:/bin' }, unready => 1, %want);
	my $ready = $server->wait_ready;
	($server->{master}) = children($server->pid);
	$server->rebase;
	return ($server, $ready);
}

for my $mode (Brood::Server::modes()) {
	subtest $mode => sub {
		my ($server, $ready) = start(accept => $mode);
		ok $ready, 'is ready' or diag $server->stderr;
		is $server->{expected_workers}, 2, 'with its workers';
		like $server->ready_line, qr/pid 1\)/, 'as process 1';
		my @all = ($server->master, children($server->master));
		is_deeply [map { (split ' ', Brood::Proc::status($_)->{Uid})[1] } @all], [($user) x @all], 'all as that user';
		is_deeply [map { hex Brood::Proc::status($_)->{CapEff} } @all], [(0) x @all], 'with no capability';
		is_deeply [grep { / (?:warn|error) / } $server->stderr_lines], [], 'and nothing is amiss';
		my $client = Brood::Client->connect($server->address);
		is $client->get('/hello.txt')->body, $server->content('hello.txt'), 'it serves';
		for my $verb (qw(reload upgrade reopen restart)) {
			my $run = $server->ctl($verb);
			is $run->{exit}, 0, $verb or diag $run->{stderr};
			is $client->get('/hello.txt')->status, 200, 'the connection is the same';
		}
		ok wait_until(10, sub { $server->workers == 2 }), 'those that were replaced are gone';
		kill 'KILL', ($server->workers)[0];
		ok $server->wait_stderr(qr/worker \d+ .*died.*SIGKILL/), 'a worker dies, and is replaced';
		$server->finish('it stops as asked');
	};
}

subtest 'process 1 reaps whoever comes to it' => sub {
	my ($server) = start();
	isnt system('nsenter', '-t', $server->master, '-m', 'sh', '-c', '(: > /etc/brood-test) 2>/dev/null'), 0, 'files are read-only';
	is system('nsenter', '-t', $server->master, '-p', '-m', 'sh', '-c', 'setsid sh -c "sleep 0.1 & true"'), 0, 'one that its parent leaves';
	ok wait_until(10, sub { !grep { (Brood::Proc::name($_) // '') =~ /sleep/ } children($server->master) }), 'is reaped';
	$server->finish;
};

done_testing;
