#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Handshakes are limited: how often a client may begin one, how long it may take, how many are held; and
# there is one for each connection.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(descriptors own_kib wait_until);
use Brood::Server;
use Brood::Tls;
use List::Util qw(max sum);
use Time::HiRes qw(time);

plan skip_all => 'needs openssl, curl and IO::Socket::SSL'
    if !Brood::Tls::can_run() || !eval { require IO::Socket::SSL };

my @listen = ('tls:127.0.0.1:0', '127.0.0.2:0');

# The first message of a client.
sub hello
{
	my $context = Net::SSLeay::CTX_new() or die 'no context';
	my $ssl = Net::SSLeay::new($context);
	my ($in, $out) = map { Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem()) } 1 .. 2;
	Net::SSLeay::set_bio($ssl, $in, $out);
	Net::SSLeay::set_connect_state($ssl);
	Net::SSLeay::do_handshake($ssl);
	my $octets = Net::SSLeay::BIO_read($out);
	Net::SSLeay::free($ssl);
	Net::SSLeay::CTX_free($context);
	return $octets;
}

subtest 'tls_handshake_rate' => sub {
	my $server = Brood::Server->start(workers => 4, listen => \@listen,
		set => { tls_certificate => 'dev', tls_handshake_rate => '1/m' });
	my $tls = $server->address(0);
	my @clients = map { Brood::Client->connect($tls) } 1 .. 15;
	is scalar(grep { defined } @clients), 10, 'ten at once, over all workers, and not one more';
	is scalar(grep { defined } @clients[0 .. 9]), 10, 'the first ten';
	is scalar(grep { $_->get('/hello.txt')->status eq '200' } @clients[0 .. 9]), 10, 'which are served';
	is scalar(grep { $_->get('/hello.txt')->status eq '200' } (@clients[0 .. 9]) x 3), 30,
	    'as often as they ask: requests are no handshakes';
	my $plain = Brood::Client->connect($tls, tls => 0);
	like $plain->wait_end, qr/closed|reset/, 'one more is closed without a word';
	is(Brood::Client->connect($server->address(1))->get('/hello.txt')->status, 200, 'without TLS there is no limit');
	ok defined Brood::Client->connect($tls, from => '127.0.0.3'), 'for another client neither';
	like $server->stderr, qr/tls_handshake_rate: 127\.0\.0\.1 begins TLS too often/, 'the log tells of it';
	$server->finish;
};

subtest 'tls_handshake_timeout' => sub {
	my $server = Brood::Server->start(workers => 1, listen => \@listen,
		set => { tls_certificate => 'dev', tls_handshake_timeout => '1s' });
	my $hello = hello();
	my %slow = map { $_ => Brood::Client->connect($server->address(0), tls => 0) } qw(nothing part all trickle);
	my ($idle, $begun) = (Brood::Client->connect($server->address(0)), time);
	$slow{part}->send(substr $hello, 0, 100);
	$slow{all}->send($hello);
	for my $octet (split //, $hello) {
		last if $slow{trickle}->ending(0.02) ne 'open' || time - $begun > 5;
		$slow{trickle}->send($octet);
	}
	cmp_ok time - $begun, '>=', 0.9, 'octets that trickle in are waited for';
	cmp_ok time - $begun, '<', 4, 'but do not put off the end';
	like $slow{$_}->wait_end, qr/closed|reset|data/, "a client that has sent $_ is closed" for sort keys %slow;
	is $idle->get('/hello.txt')->status, 200, 'one that is done is not touched';
	$server->finish;
};

subtest 'a handshake happens once on a connection' => sub {
	my $server = Brood::Server->start(workers => 1, listen => \@listen, set => { tls_certificate => 'dev' });
	pipe my $in, my $out or die $!;
	my $pid = open my $pipe, '-|' // die $!;
	if (!$pid) {
		open STDIN, '<&', $in;
		open STDERR, '>&', \*STDOUT;
		close $out;
		alarm 20;
		exec qw(openssl s_client -tls1_2 -connect), $server->address(0) or POSIX::_exit(127);
	}
	close $in;
	$out->autoflush;
	my $text = '';
	while (defined(my $line = readline $pipe)) {
		$text .= $line;
		print $out "R\n" if $line =~ /^\s+Extended master secret/; # all is told of the session
	}
	close $out;
	like $text, qr/^RENEGOTIATING$/m, 'a client asks for another';
	like $text, qr/no renegotiation/, 'it is refused';
	is(Brood::Client->connect($server->address(0))->get('/hello.txt')->status, 200, 'others are served');
	$server->finish;
};

# Ten thousand clients that begin and stop halfway, most of which the server gives up for others.
# Returns how long a client without TLS waited for its answer at most, and one with it.
sub half_open
{
	my ($server, $count, $hello) = @_;
	my (@held, @waited);
	my $plain = Brood::Client->connect($server->address(1));
	my $tls = Brood::Client->connect($server->address(0));
	for my $i (1 .. $count) {
		my $client = Brood::Client->connect($server->address(0), tls => 0) // next;
		$client->send($i % 2 ? $hello : substr $hello, 0, $i % length $hello);
		push @held, $client;
		next if $i % 500;
		for (0 .. 2) {
			my $begun = time;
			my $who = [$plain, $tls, Brood::Client->connect($server->address(1))]->[$_];
			my $status = $who->get('/hello.txt')->status;
			$waited[$_] = $status eq '200' ? max($waited[$_] // 0, time - $begun) : 1e9;
		}
	}
	return (scalar @held, @waited);
}

subtest '10,000 half-open handshakes' => sub {
	my $server = Brood::Server->start(workers => 2, listen => \@listen,
		set => { tls_certificate => 'dev', tls_handshake_timeout => '5s', tls_handshakes_max => 512 });
	my $hello = hello();
	my @workers = $server->workers;
	my $sockets = sub { return sum map { Brood::Proc::sockets($_) } @workers };
	my $memory = sub { return sum map { own_kib($_) } @workers };
	my @memory;
	my $settled = sub { return @memory > 1 && $memory[-1] - $memory[-2] <= 2048 };
	# How much of what is free goes back to the system is chance, at first: a leak would show each time.
	until ($settled->() || @memory == 4) {
		half_open($server, 10000, $hello);
		wait_until(20, sub { $sockets->() <= 20 });
		push @memory, $memory->();
	}
	my $before = $sockets->();
	cmp_ok $before, '<=', 20, 'those are gone';
	my ($begun, @waited) = half_open($server, 10000, $hello);
	is $begun, 10000, 'all could connect';
	my @who = ('one without TLS', 'one with a session', 'a new one without TLS');
	cmp_ok $waited[$_], '<', 5, sprintf '%s was served within %.3f s', $who[$_], $waited[$_] for 0 .. 2;
	ok wait_until(20, sub { $sockets->() <= $before }), 'no socket is left of them';
	push @memory, $memory->();
	ok $settled->(), "memory is flat: @memory KiB" if !$ENV{BROOD_SANITIZE};
	is_deeply [$server->workers], \@workers, 'the workers are the same';
	is(Brood::Client->connect($server->address(0))->get('/hello.txt')->status, 200, 'handshakes are as before');
	$server->finish;
};

done_testing;
