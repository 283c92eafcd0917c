#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# How connections end (RFC 9112 section 9.6): an answer is never eaten by a reset, and a client that goes away
# harms nobody.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(descriptors wait_until);
use Brood::Server;
use Socket qw(SOL_SOCKET SO_ERROR);
use Time::HiRes qw(sleep time);

use constant SIOCOUTQ => 0x5411;

my $server = Brood::Server->start(workers => 1);
my ($worker) = $server->workers;

sub client { return Brood::Client->connect($server->address, @_) }
sub request { return "GET $_[0] HTTP/1.1\r\nHost: x\r\n" . join('', map { "$_\r\n" } @_[1 .. $#_]) . "\r\n" }

is client()->get('/hello.txt')->status, 200, 'warm';

# Sockets that the worker has open; files may stay in its cache.
sub sockets { return scalar grep { /^socket:/ } values %{ descriptors($worker) } }
my $sockets;
wait_until(5, sub { my $before = $sockets // -1; $sockets = sockets(); sleep 0.2; return $sockets == $before });

subtest 'a client that asked for it is closed on at once' => sub {
	my $client = client();
	$client->send(request('/hello.txt', 'Connection: close'));
	my $response = $client->response;
	ok $response->says_close, 'the answer says close';
	my $begin = time;
	is $client->wait_end, 'closed', 'closed';
	cmp_ok time - $begin, '<', 1, 'without waiting for the client';
	ok !$client->send('x') || do { sleep 0.1; $client->send('x'); 1 }, 'and it is gone';
};

subtest 'a client that goes on sending gets the whole answer first' => sub {
	my %case = (
		'a bad request' => ["nonsense\r\n\r\n", 400],
		'a body that is not wanted' => ["POST /hello.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n", 405],
		'a chunked body that is not wanted' => ["POST /hello.txt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 405],
		'a target that is too long' => ['GET /' . 'x' x 100_000, 414],
		'octets behind Connection: close' => [request('/hello.txt', 'Connection: close'), 200],
	);
	for my $name (sort keys %case) {
		my ($octets, $status) = @{ $case{$name} };
		for my $try (1 .. 5) {
			my $client = client();
			$client->send($octets);
			$client->send('y' x 50000) && sleep 0.002 for 1 .. 3;
			is $client->response->status, $status, "$name: the answer";
			is $client->wait_end, 'closed', "$name: the end, and no reset";
		}
	}
};

subtest 'a client that sends all of a large body before it reads gets the answer' => sub {
	my $body = 'z' x (4 << 20);
	my %case = (
		'by length' => 'Content-Length: ' . length $body,
		'in chunks' => 'Transfer-Encoding: chunked',
	);
	for my $name (sort keys %case) {
		my $client = client();
		$client->send("POST /hello.txt HTTP/1.1\r\nHost: x\r\n$case{$name}\r\n\r\n");
		ok $client->send($body), "$name: all of it is taken";
		is $client->response->status, 405, "$name: the answer";
		is $client->wait_end, 'closed', "$name: the end, and no reset";
	}
};

subtest 'a server that closes does not wait for ever' => sub {
	my $client = client();
	$client->send("nonsense\r\n\r\n");
	is $client->response->status, 400, 'an answer';
	is $client->wait_end, 'closed', 'its half is closed';
	ok wait_until(10, sub { sockets() <= $sockets }), 'the other half is not waited for';
};

subtest 'a client that sends for ever is stopped' => sub {
	my $client = client();
	$client->send("POST /hello.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000000\r\n\r\n");
	my ($begin, $sent) = (time, 0);
	while (time - $begin < 20 && $client->send('z' x 65536)) {
		$sent += 65536;
		sleep 0.01;
	}
	cmp_ok $sent, '<', 64 << 20, "after $sent octets";
};

subtest 'half-closed clients are answered' => sub {
	for my $octets (request('/hello.txt'), "GET /hello.txt HTTP/1.0\r\n\r\n", request('/big.bin')) {
		my $client = client();
		$client->send($octets);
		$client->shutdown_write;
		is $client->response->status, 200, 'an answer';
		is $client->wait_end, 'closed', 'and the end';
	}
};

subtest 'clients that go away' => sub {
	my $noise = () = $server->stderr_lines;
	for (1 .. 20) {
		client()->close;
		my $silent = client();
		$silent->shutdown_write;
		is $silent->wait_end, 'closed', 'a connection without a word is closed without a word';
		my $client = client();
		$client->send('GET / HTT');
		$client->close;
		$client = client();
		$client->send('GET / HTT');
		$client->reset;
		$client = client(receive_buffer => 8192);
		$client->send(request('/big.bin') x 3);
		$client->reset;
		client()->reset;
	}
	is client()->get('/hello.txt')->status, 200, 'the server goes on';
	ok wait_until(10, sub { sockets() <= $sockets }), 'their descriptors are closed'
	    or diag Brood::Server::list(descriptors($worker));
	is scalar(() = $server->stderr_lines), $noise, 'nothing is logged of them';
};

subtest 'a head that is cut by the end' => sub {
	my $client = client();
	$client->send("GET /hello.txt HTTP/1.1\r\nHost:");
	$client->shutdown_write;
	my $all = $client->read_all;
	like $all, qr{^(?:HTTP/1\.1 400 .*)?\z}s, 'gets 400 or nothing';
};

is_deeply [$server->workers], [$worker], 'the same worker did it all';
$server->finish;

# RFC 9112 section 9.6: what crosses the end of a connection that was idle is not answered, but the client sees a clean
# end, after which it may send it again elsewhere.
sub is_not_reset
{
	my ($client, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is $client->wait_end, 'closed', "$name: it is told the end";
	ok $client->send(request('/hello.txt')), "$name: a request that does not know of that";
	ok wait_until(10, sub {
		my $left = pack 'i', 0;
		ioctl $client->{socket}, SIOCOUTQ, $left;
		return unpack('i', $left) == 0;
	}), "$name: arrives";
	is unpack('i', getsockopt $client->{socket}, SOL_SOCKET, SO_ERROR), 0, "$name: and nothing is reset";
}

subtest 'a request that crosses the end of an idle connection' => sub {
	my $dir = Brood::Server::new_dir();
	my $idle = Brood::Server->start(listen => ['127.0.0.1:0', "unix:$dir/socket"],
		set => { keepalive_timeout => '1s', head_timeout => '1s' });
	my %clients = (
		'between requests' => Brood::Client->connect($idle->address(0)),
		'between requests, Unix' => Brood::Client->connect($idle->address(1)),
		'before the first one' => Brood::Client->connect($idle->address(0)),
		'before the first one, Unix' => Brood::Client->connect($idle->address(1)),
	);
	is $clients{$_}->get('/hello.txt')->status, 200, "$_: an answer" for grep { /^between/ } sort keys %clients;
	is_not_reset($clients{$_}, $_) for sort keys %clients;
	$_->close for values %clients;
	$idle->finish;
};

done_testing;
