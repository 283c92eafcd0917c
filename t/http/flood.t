#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What a flood of clients leaves behind: nothing. Memory that connections needed is given back to the system when they
# are gone, whatever they did.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use List::Util qw(max shuffle sum);
use Test::More;
use Time::HiRes qw(time);
use Brood::Client;
use Brood::Proc qw(pss_kib wait_until);
use Brood::Server;

plan skip_all => 'sanitizers keep what is freed' if $ENV{BROOD_SANITIZE};
plan skip_all => 'smaps_rollup is not here' if !defined pss_kib($$);

my $files = `sh -c 'ulimit -Sn'`;
plan skip_all => "too few descriptors: $files" if $files !~ /unlimited/ && $files < 4096;

my ($plain, $tls) = ('127.0.0.2:0', 'tls:127.0.0.1:0');

# Each kind of client: how many of them, how they connect, what they do before they stand still.
my $octets = 'x' x 30_000;
my %clients = (
	'idle ones' => [600, { at => 0 }, sub { $_[0]->get('/hello.txt') }],
	'half a head' => [600, { at => 0 }, sub { $_[0]->send("GET /hello.txt HTTP/1.1\r\nHost: x\r\nX: " . 'y' x 900) }],
	'most of a long head' => [400, { at => 0 }, sub { $_[0]->send("GET /hello.txt HTTP/1.1\r\nHost: x\r\nX: $octets") }],
	'answers not read' => [200, { at => 0, receive_buffer => 4096 },
		sub { $_[0]->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n") }],
	'many requests, answers not read' => [200, { at => 0, receive_buffer => 4096 },
		sub { $_[0]->send("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" x 300) }],
	'part of a handshake' => [600, { at => 1, tls => 0 }, sub { $_[0]->send("\x16\x03\x01\x02\x00\x01") }],
	'TLS, answers not read' => [150, { at => 1, receive_buffer => 4096 },
		sub { $_[0]->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n") }],
);

sub flood
{
	my ($server, $share) = @_;
	my @clients;
	for my $kind (sort keys %clients) {
		my ($count, $how, $do) = @{ $clients{$kind} };
		for (1 .. $count * $share) {
			my $client = Brood::Client->connect($server->address($how->{at}), %$how) // next;
			$do->($client);
			push @clients, $client;
		}
	}
	return @clients;
}

sub memory
{
	my ($server) = @_;
	return map { $_ => pss_kib($_) // 0 } $server->master, $server->workers;
}

my @servers = map {
	Brood::Server->start(accept => $_, workers => 2, listen => [$plain, $tls],
		set => { tls_certificate => 'dev', head_timeout => '60s', write_timeout => '60s' })
} qw(shared handoff reuseport);
for my $server (@servers) {
	$_->close for flood($server, 0.02); # what is loaded once, and stays
}
ok wait_until(30, sub { !grep { Brood::Proc::sockets($_) > 20 } map { $_->workers } @servers }), 'all is quiet';
my @before = map { { memory($_) } } @servers;

# What each process of a server has more than before, in KiB: the master, then workers.
sub more
{
	my ($i) = @_;
	my %now = memory($servers[$i]);
	return map { $now{$_} - ($before[$i]{$_} // 0) } sort { $a <=> $b } keys %now;
}

for my $i (0 .. $#servers) {
	my @clients = flood($servers[$i], 1);
	is scalar @clients, sum(map { $_->[0] } values %clients), 'all could connect';
	ok wait_until(30, sub { max(more($i)) > 4096 }), 'and cost memory';
	$_->close for shuffle @clients;
}

my $ended = time;
ok wait_until(30, sub { !grep { $_ > 1024 } map { more($_) } 0 .. $#servers }), 'no process has a MiB more than before';
note sprintf '%.1f s after the last flood, in KiB: %s', time - $ended, join ' | ', map { join ' ', more($_) } 0 .. $#servers;
for my $server (@servers) {
	is(Brood::Client->connect($server->address($_))->get('/hello.txt')->status, 200, 'it serves') for 0, 1;
	$server->finish;
}

done_testing;
