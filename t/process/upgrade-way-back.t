#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Upgrades that fail at every step up to the commit: the former version serves on, in the same process, and
# nobody who is connected knows.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive descriptors wait_until);
use Brood::Server;
use Brood::Together;
use Brood::Versions;

# A crash is to look like one; a sanitizer would make an exit of it.
$ENV{ASAN_OPTIONS} .= ':handle_segv=0' if $ENV{BROOD_SANITIZE};

my @modes = qw(shared handoff reuseport);
my $versions; # its folder is that of one subtest, since they run together

sub kept
{
	my ($server) = @_;
	my @kept = map { Brood::Client->connect($server->address) } 1 .. 30;
	$_->get('/hello.txt') for @kept;
	return @kept;
}

# How many of them are not open, or not answered.
sub lost { return scalar grep { $_->ending(0) ne 'open' || $_->get('/hello.txt')->status ne '200' } @_ }

# ---- in the trial: a child

for my $case (
	['crashes at once', 'start dry crash', qr/trial failed: .*SIGSEGV/],
	['leaves at once', 'start dry exit', qr/trial failed: .*exit status 7\n.*made to exit/s],
	['crashes over the state', 'restore dry crash', qr/trial failed: .*SIGSEGV/],
	['refuses the state', 'restore dry refuse', qr/state of the running server is refused/],
	['stands still', 'restore dry hang', qr/did not finish its trial in time/],
) {
	my ($name, $fault, $reason) = @$case;
	together "one that $name in its trial" => sub {
		$versions = Brood::Versions->new;
		my $server = $versions->start(accept => 'handoff');
		my @workers = $server->workers;
		my @kept = kept($server);
		$versions->put('next');
		$versions->fault($fault);
		my $run = $server->ctl('upgrade');
		is $run->{exit}, 1, 'exit status 1';
		like $run->{stderr}, $reason, 'the reason';
		is_deeply [$server->workers], \@workers, 'the workers are the same';
		is lost(@kept), 0, 'kept connections are answered';
		is $versions->of($server), $versions->version('this'), 'the version';
		$server->finish;
	};
}

# ---- in the server's own process

for my $case (
	['refuses the state', 'restore go refuse'],
	['crashes', 'restore go crash'],
	['stands still', 'restore go hang'],
) {
	my ($name, $fault) = @$case;
	for my $mode ($name eq 'crashes' ? @modes : 'reuseport') {
		together "$mode: one that $name after the exec" => sub {
			$versions = Brood::Versions->new;
			my $dir = Brood::Server::new_dir();
			my $server = $versions->start(accept => $mode, args => ['-p', "$dir/pid"]);
			my ($master, $open) = ($server->master, scalar keys %{ descriptors($server->master) });
			my @kept = kept($server);
			$versions->put('next');
			$versions->fault($fault);
			my $run = $server->ctl('upgrade');
			is $run->{exit}, 1, 'exit status 1';
			like $run->{stderr}, qr/could not take over/, 'the reason';
			like $server->stderr, qr/going back to the former/, 'the log tells of it';
			my $status = $versions->status($server);
			is $status->{version}, $versions->version('this'), 'the version';
			is $status->{pid}, $master, 'the same process';
			is lost(@kept), 0, 'kept connections are answered';
			is readlink("/proc/$master/exe") , Brood::Server::program(), 'the image is the former one';
			ok wait_until(20, sub { $versions->status($server)->{state} eq 'running' && $server->workers == 3 }),
			    'nothing runs any more';
			is_deeply [grep { m{/brood(?: \(deleted\))?\z} } values %{ descriptors($master) }], [],
			    'no image is kept open';
			ok wait_until(10, sub { keys(%{ descriptors($master) }) <= $open }), 'no descriptor is left over'
			    or diag Brood::Server::list(descriptors($master));
			$versions->fault;
			is $server->ctl('upgrade')->{exit}, 0, 'without that failure it works';
			is $versions->of($server), $versions->version('next'), 'the version';
			is lost(@kept), 0, 'kept connections are answered';
			$server->finish;
		};
	}
}

# Between the trial, which has read the configuration, and the exec somebody spoils it.
for my $case (
	['the new version takes over', 'next', ['start go spoil']],
	['the former version takes over again', 'this', ['start go spoil', 'restore go crash']],
) {
	my ($name, $winner, $fault) = @$case;
	together "a configuration that is spoilt under way: $name" => sub {
		$versions = Brood::Versions->new;
		my $file = Brood::Server::write_file($versions->dir . '/brood.conf', "head_timeout = \"9s\";\n");
		my $server = $versions->start(args => ['-c', $file]);
		my @workers = $server->workers;
		my @kept = kept($server);
		$versions->put('next');
		$versions->fault(@$fault);
		my $run = $server->ctl('upgrade');
		is $run->{exit}, 1, 'exit status 1';
		ok $server->wait_stderr(qr/brood\.conf:1: .*spoilt/), 'it is told what is wrong';
		is $versions->of($server), $versions->version($winner), 'the version';
		like $server->ctl('config')->{stdout}, qr/^head_timeout = "9s";$/m, 'the configuration is the one from before';
		is_deeply [$server->workers], \@workers, 'the workers are the same';
		is lost(@kept), 0, 'kept connections are answered';
		Brood::Server::write_file($file, "head_timeout = \"8s\";\n");
		is $server->ctl('reload')->{exit}, 0, 'corrected, it can be read';
		like $server->ctl('config')->{stdout}, qr/^head_timeout = "8s";$/m, 'and is in force';
		$server->finish;
	};
}

SKIP: {
	skip 'only root can give files away', 1 if $>;
	$versions = Brood::Versions->new;
	my $server = $versions->start;
	chown 65534, 65534, $versions->path or die $!;
	my $run = $server->ctl('upgrade');
	is $run->{exit}, 1, "somebody else's file: exit status 1";
	like $run->{stderr}, qr/belongs to neither root nor/, 'the reason';
	$server->finish;
}

all_together();
done_testing;
