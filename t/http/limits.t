#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What a client may not do: heads that are too large, and taking too long. Time limits are made small here;
# upper bounds on measured times are guards against hanging only.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;
use Brood::Together;
use Time::HiRes qw(sleep time);

sub request { return "GET $_[0] HTTP/1.1\r\nHost: x\r\n" . join('', map { "$_\r\n" } @_[1 .. $#_]) . "\r\n" }

together 'sizes of heads' => sub {
	my $server = Brood::Server->start;
	my $answer = sub {
		my ($octets) = @_;
		my $client = Brood::Client->connect($server->address);
		$client->send($octets);
		my $response = $client->response;
		return $response->status . ($response->says_close ? ' ' . $client->wait_end : '');
	};
	my $path = '/hello.txt?';
	is $answer->(request($path . 'x' x 7900)), 200, 'a target of 7,900 octets';
	is $answer->(request($path . 'x' x 9000)), '414 closed', 'one of 9,000';
	is $answer->(request($path . 'x' x 60000)), '414 closed', 'one of 60,000';
	is $answer->('GET /' . 'x' x 60000), '414 closed', 'one that does not end';
	is $answer->(request('/hello.txt', 'Cookie: ' . 'x' x 8192)), 200, 'a cookie of 8 KiB';
	is $answer->(request('/hello.txt', 'Cookie: ' . 'x' x 40000)), '431 closed', 'one of 40,000';
	is $answer->("GET / HTTP/1.1\r\nHost: x\r\nX: " . 'x' x 60000), '431 closed', 'one that does not end';
	is $answer->("GET / HTTP/1.1\r\nHost: x\r\n" . 'x' x 60000), '431 closed', 'a field name that does not end';
	is $answer->(request('/hello.txt', map { "X$_: y" } 1 .. 90)), 200, 'ninety-one fields';
	is $answer->(request('/hello.txt', map { "X$_: y" } 1 .. 120)), '431 closed', 'a hundred and twenty-one';
	is $answer->(request('/hello.txt', map { "X$_: y" } 1 .. 5000)), '431 closed', 'five thousand';
	is $answer->('A' x 60000), '501 closed', 'a method that does not end';
	is $answer->("\r\n" x 30000), '400 closed', 'nothing but empty lines';
	my $client = Brood::Client->connect($server->address);
	$client->send_pieces(request('/hello.txt', map { "X$_: y" } 1 .. 5000) =~ /.{1,400}/sg);
	is $client->response->status, 431, 'in many segments, too';
	$client = Brood::Client->connect($server->address);
	is $client->get('/hello.txt', map { ("X$_" => 'y' x 300) } 1 .. 80)->status, 200, 'a large head within the limits';
	is $client->get('/hello.txt')->status, 200, 'and a small one after it';
	$server->finish;
};

together 'a head must be whole in head_timeout' => sub {
	my $server = Brood::Server->start(set => { head_timeout => '1s' });
	my $client = Brood::Client->connect($server->address);
	my $begin = time;
	$client->send("GET / HTTP/1.1\r\nHost:");
	my $response = $client->response;
	my $took = time - $begin;
	is $response->status, 408, 'else it is 408';
	ok $response->says_close, 'which says close';
	is $client->wait_end, 'closed', 'and it is closed';
	cmp_ok $took, '>=', 0.9, "not too early ($took s)";

	my $slow = Brood::Client->connect($server->address);
	$begin = time;
	for my $octet (split //, request('/hello.txt', 'X: ' . 'x' x 400)) {
		$slow->send($octet);
		last if $slow->ending(0.05) ne 'open';
	}
	is $slow->response->status, 408, 'an octet now and then does not prolong it';
	cmp_ok time - $begin, '<', 6, 'the limit is a total';

	my $second = Brood::Client->connect($server->address);
	is $second->get('/hello.txt')->status, 200, 'on a connection that was used';
	sleep 1.5;
	is $second->get('/hello.txt')->status, 200, 'the time begins with the first octet of the next head';
	$second->send('GET ');
	is $second->response->status, 408, 'and it is kept to there, too';
	$server->finish;
};

together 'who says nothing is closed without a word' => sub {
	my $server = Brood::Server->start(set => { head_timeout => '1s', keepalive_timeout => '1s' });
	my $fresh = Brood::Client->connect($server->address);
	my $idle = Brood::Client->connect($server->address);
	is $idle->get('/hello.txt')->status, 200, 'an answer';
	my $begin = time;
	is $idle->wait_end, 'closed', 'an idle connection: closed, no 408';
	cmp_ok time - $begin, '>=', 0.9, 'not before keepalive_timeout';
	is $fresh->wait_end, 'closed', 'a fresh connection: closed, no 408';
	$server->finish;
};

together 'an idle connection lives as long as keepalive_timeout allows' => sub {
	my $server = Brood::Server->start(set => { keepalive_timeout => '3s', head_timeout => '1s' });
	my $client = Brood::Client->connect($server->address);
	for (1 .. 3) {
		is $client->get('/hello.txt')->status, 200, 'a request';
		is $client->ending(1.5), 'open', 'open after 1.5 s';
	}
	is $client->wait_end, 'closed', 'closed in the end';
	$server->finish;
};

# A file that does not fit in the sockets' buffers.
my $large = 64 << 20;
sub large_file
{
	my ($server) = @_;
	open my $file, '>', $server->root . '/large.bin' or die $!;
	truncate $file, $large or die $!;
}

together 'a reader that stops is let go after write_timeout' => sub {
	my $server = Brood::Server->start(set => { write_timeout => '1s' });
	large_file($server);
	my $client = Brood::Client->connect($server->address, receive_buffer => 16384);
	$client->send(request('/large.bin'));
	$client->wait_answer(time + 10);
	ok wait_until(10, sub { open my $tcp, '<', '/proc/net/tcp' or die $!;
		my $hex = sprintf ':%04X', $server->port;
		my $peer = sprintf ':%04X', $client->local_port;
		return !grep { (split)[1] =~ /\Q$hex\E$/ && (split)[2] =~ /\Q$peer\E$/ && (split)[3] eq '01' } <$tcp>;
	}), 'the connection is no longer established';
	my $response = $client->response;
	like $response->status, qr/^(?:closed|reset) after/, 'it sees that the answer is not whole';
	$server->finish;
};

together 'a slow reader that makes progress is served' => sub {
	my $server = Brood::Server->start(set => { write_timeout => '1s' });
	large_file($server);
	my $client = Brood::Client->connect($server->address, receive_buffer => 65536, limit => 60);
	$client->send(request('/large.bin', 'Range: bytes=0-8388607'));
	my $end = time + 4;
	while (time < $end) { # a little every 100 ms, over four times the limit
		sysread $client->{socket}, my $octets, 65536;
		$client->{received} .= $octets // '';
		sleep 0.1;
	}
	my $response = $client->response;
	is $response->status, 206, 'the answer';
	is length $response->body, 8388608, 'is whole';
	$server->finish;
};

together 'a body that never comes' => sub {
	my $server = Brood::Server->start(set => { body_timeout => '1s' });
	my $client = Brood::Client->connect($server->address);
	$client->send("POST /hello.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
	my $response = $client->response;
	is $response->status, 405, 'is not waited for';
	ok $response->says_close, 'the answer says close';
	is $client->wait_end, 'closed', 'and it is closed';
	$server->finish;
};

for my $mode (qw(shared handoff reuseport)) {
	# Idle ones would give way: see t/http/idle.t.
	together "$mode, max_connections: those beyond wait while all are busy, and are served when there is room" => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 1, set => { max_connections => 5, head_timeout => '60s' });
		my @held = map { Brood::Client->connect($server->address) } 1 .. 5;
		my $next = "GET /hello.txt HTTP/1.1\r\nHost: x\r\n";
		$_->send("$next\r\n$next") for @held;
		is scalar(grep { $_->response->status ne '200' } @held), 0, 'five are held, and begin to ask again';
		my $waiting = Brood::Client->connect($server->address, later => 1);
		$waiting->send(request('/hello.txt'));
		is $waiting->ending(0.5), 'open', 'the sixth is neither answered nor refused';
		(shift @held)->close;
		is $waiting->response->status, 200, 'until one of the others goes';
		$_->send("\r\n") for @held;
		is scalar(grep { $_->response->status ne '200' } @held), 0, 'the others go on';
		$server->finish;
	};
}

all_together();
done_testing;
