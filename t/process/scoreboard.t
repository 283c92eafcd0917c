#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A worker that was taken over writes whatever it likes wherever it can: into the memory that it shares with others.
# Rolls, reloads, upgrades, restarts after a death and status go on, and clients are answered.
# runs alone
use strict;
use warnings;
no warnings "portable"; # addresses
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP qw(decode_json);
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use Brood::Versions;
use Time::HiRes qw(sleep);

my $versions = Brood::Versions->new;
my $hello = Brood::Server->content('hello.txt');

# Writable memory that it shares with others: [address, octets, name] of each.
sub shared
{
	my ($pid) = @_;
	return map { /^([0-9a-f]+)-([0-9a-f]+) rw-s \S+ \S+ \S+ +(\S+)/ ? [hex $1, hex($2) - hex($1), $3] : () }
	    split /\n/, Brood::Proc::slurp("/proc/$pid/maps") // '';
}

sub records { return grep { $_->[2] =~ /brood-board/ } shared(@_) }
sub tables { return grep { $_->[2] !~ /brood-board/ } shared(@_) }

sub can_scribble
{
	my ($pid) = @_;
	my $at = (records($pid))[0] or return 0;
	open my $memory, '+<:raw', "/proc/$pid/mem" or return 0;
	sysseek $memory, $at->[0], 0;
	return defined sysread $memory, my $octet, 1;
}

# Writes the octets to these places in the worker's memory, again and again, as long as it lives. { address => octets }
sub scribble
{
	my ($worker, $places) = @_;
	pipe my $begun, my $writer or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid) {
		close $writer;
		sysread $begun, my $octet, 1;
		return $pid;
	}
	open my $memory, '+<:raw', "/proc/$worker/mem" or POSIX::_exit(1);
	for (my $round = 0; alive($worker); $round++) {
		while (my ($at, $octets) = each %$places) {
			sysseek $memory, $at, 0;
			defined syswrite $memory, $octets or POSIX::_exit(0);
		}
		syswrite $writer, '.' if !$round;
		sleep 0.001;
	}
	POSIX::_exit(0);
}

sub answers
{
	my ($server, $count) = @_;
	return grep {
		my $client = Brood::Client->connect($server->address);
		my $response = $client && eval { $client->get('/hello.txt') };
		$response && $response->status eq '200' && $response->body eq $hello;
	} 1 .. $count // 20;
}

sub status { return decode_json($_[0]->ctl('--json', 'status')->{stdout} || '{}') }

# What the master says of its workers is what there is.
sub is_true
{
	my ($server, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my (@told, @there);
	wait_until(10, sub {
		@told = sort map { $_->{pid} // () } @{ status($server)->{workers} // [] };
		@there = sort $server->workers;
		return "@told" eq "@there";
	});
	is "@told", "@there", $name;
}

sub by_slot
{
	my ($server, $slot) = @_;
	return (map { $_->{pid} } grep { $_->{slot} == $slot && $_->{state} eq 'serving' } @{ status($server)->{workers} })[0];
}

sub rolls
{
	my ($server, $command, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @old = $server->workers;
	my $run = $server->ctl($command);
	is $run->{exit}, 0, "$name: $command" or diag $run->{stderr}, $server->stderr;
	ok wait_until(20, sub { !grep { alive($_) } @old }), "$name: all of the former workers leave";
}

# A record begins with 32-bit words: pid, state, idle, nothing; then 64-bit ones: heartbeat, opened, closed, taken, requests.
my $record = 128;
my $log = 2048;
my %lies = (
	'all zero' => "\0" x ($record + $log),
	'all ones' => "\xff" x ($record + $log),
	'it serves, and nobody else has anything to do' => pack('L4Q5', 1, 2, 0, 0, 1 << 40, 0, 0, 0, 0),
	'it has all connections there could be' => pack('L4Q5', 0, 2, ~0, 0, 0, 1 << 29, 0, ~0, 1 << 62),
	'it is free' => pack('L4Q5', 0, 0, 0, 0, ~0 - 1, ~0, 0, ~0 - 1, ~0),
	'its log is endless' => "\0" x $record . pack('Q', ~0) . "\xff\n\0\x1b" x 510,
);

my $first = $versions->start;
plan skip_all => 'the memory of other processes cannot be written here' if !can_scribble(($first->workers)[0]);

subtest 'a worker can write on one record, its own' => sub {
	my %seen;
	for my $round (1 .. 2) {
		for my $worker ($first->workers) {
			is scalar(my @records = records($worker)), 1, 'one';
			is $records[0][1], 4096, 'and no more than that';
			my @fds = grep { /brood-board/ } values %{ Brood::Proc::descriptors($worker) };
			is "@fds", '', 'and no descriptor by which it could have others';
		}
		rolls($first, 'restart', 'another worker');
	}
	$first->finish;
};

for my $mode (qw(shared handoff reuseport)) {
	subtest "$mode: whatever it writes on its record" => sub {
		my $server = $versions->start(accept => $mode, set => { watchdog => '5s' });
		for my $lie (sort keys %lies) {
			my $worker = by_slot($server, 0);
			my $writer = scribble($worker, { map { $_->[0] => $lies{$lie} } records($worker) });
			is scalar(answers($server)), 20, "$lie: clients are answered";
			is_true($server, "$lie: the status");
			rolls($server, 'restart', $lie);
			is scalar(answers($server)), 20, "$lie: clients are answered afterwards";
			waitpid $writer, 0;
		}
		for my $what (qw(reload upgrade)) {
			my $worker = by_slot($server, 1);
			my $writer = scribble($worker, { map { $_->[0] => $lies{'all ones'} } records($worker) });
			$versions->put('next') if $what eq 'upgrade';
			rolls($server, $what, 'all ones');
			is_true($server, "the status after the $what");
			waitpid $writer, 0;
		}
		my $worker = by_slot($server, 2);
		my $writer = scribble($worker, { map { $_->[0] => $lies{'it is free'} } records($worker) });
		kill 'KILL', $worker;
		waitpid $writer, 0;
		is_true($server, 'after a death');
		for my $what (qw(restart reload)) {
			rolls($server, $what, 'after a death');
		}
		is scalar(answers($server)), 20, 'clients are answered';
		$server->finish;
	};
}

# The table of limits is writable by all workers. What such a worker can do there is to turn clients away, as long as there
# is one that was there at its time.
for my $lie ("\0", "\xff", "\x01\0\0\0\0\0\0\x80") {
	my $name = unpack 'H*', $lie;
	subtest "the table of limits full of $name" => sub {
		my $server = $versions->start(set => { connections_max_total => 1000, client_connections => 100,
			client_rate => '1000/s', client_burst => 1000 });
		is scalar(answers($server)), 20, 'clients are answered';
		my $worker = by_slot($server, 0);
		my @tables = tables($worker);
		ok @tables, 'there is a table';
		my $writer = scribble($worker, { map { my $table = $_;
			map { $table->[0] + $_ * 65536 => $lie x (65536 / length $lie) } 0 .. $table->[1] / 65536 - 1 } @tables });
		is_true($server, 'the status');
		rolls($server, 'restart', 'while it writes');
		waitpid $writer, 0;
		rolls($server, 'restart', 'without it');
		# The master may have to look at the end of the last one still.
		ok wait_until(10, sub { answers($server) == 20 }), 'clients are answered as before';
		$server->finish;
	};
}

done_testing;
