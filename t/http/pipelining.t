#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Requests that come before the answers to earlier ones have gone (RFC 9112 section 9.3.2): each is answered,
# once, in order, and nothing is lost at the end.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc;
use Brood::Server;

my $server = Brood::Server->start(workers => 2, root => { map { ("n/$_.txt" => "number $_\n") } 1 .. 50 });

sub client { return Brood::Client->connect($server->address) }
sub request { return "GET $_[0] HTTP/1.1\r\nHost: x\r\n" . join('', map { "$_\r\n" } @_[1 .. $#_]) . "\r\n" }

# Sends all at once; returns the responses.
sub answers
{
	my ($client, @requests) = @_;
	$client->send(join '', @requests);
	return map { $client->response(method => /^HEAD/ ? 'HEAD' : 'GET') } @requests;
}

subtest 'three in one segment' => sub {
	my $client = client();
	my @bodies = map { $_->body } answers($client, map { request("/n/$_.txt") } 3, 1, 2);
	is_deeply \@bodies, ["number 3\n", "number 1\n", "number 2\n"], 'answered in order';
	is $client->ending, 'open', 'the connection goes on';
};

subtest 'five hundred in one go' => sub {
	my $client = client();
	my @wanted = map { 1 + $_ * 7 % 50 } 1 .. 500;
	my @got = map { $_->body =~ /number (\d+)/ ? $1 : $_->status } answers($client, map { request("/n/$_.txt") } @wanted);
	is_deeply \@got, \@wanted, 'answered in order';
	is $client->ending, 'open', 'nothing more comes';
};

subtest 'a request cut at any place between two segments' => sub {
	my $both = request('/n/1.txt') . request('/n/2.txt');
	my @wrong;
	for my $cut (1 .. length($both) - 1) {
		my $client = client();
		$client->send_pieces(substr($both, 0, $cut), substr($both, $cut));
		my @got = map { $client->response->body } 1 .. 2;
		push @wrong, "$cut: @got" if "@got" ne "number 1\n number 2\n";
	}
	is_deeply \@wrong, [], 'both are answered';
};

subtest 'methods mixed' => sub {
	my $client = client();
	my @responses = answers($client, "HEAD /n/1.txt HTTP/1.1\r\nHost: x\r\n\r\n", request('/n/2.txt'),
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", request('/none'), request('/dir'), request('/n/3.txt'));
	is_deeply [map { $_->status =~ s/^204$/200/r } @responses], [200, 200, 200, 404, 301, 200], 'statuses in order';
	is $responses[5]->body, "number 3\n", 'the last body';
};

subtest 'large and small ones mixed' => sub {
	my $client = client();
	my @paths = map { ('/big.bin', "/n/$_.txt") } 1 .. 8;
	my @responses = answers($client, map { request($_) } @paths);
	my $big = Brood::Server->content('big.bin');
	my @wrong = grep { $responses[$_]->body ne ($_ % 2 ? 'number ' . ($_ + 1) / 2 . "\n" : $big) } 0 .. $#paths;
	is_deeply \@wrong, [], 'all octets of all are right';
};

subtest 'a reader that comes late' => sub {
	my $client = Brood::Client->connect($server->address, receive_buffer => 8192);
	$client->send(join '', map { request('/big.bin') } 1 .. 4);
	is client()->get('/hello.txt')->status, 200, 'others are answered meanwhile' for 1 .. 4;
	my $big = Brood::Server->content('big.bin');
	is scalar(grep { $client->response->body eq $big } 1 .. 4), 4, 'gets all';
};

subtest 'a bad request behind good ones' => sub {
	my $client = client();
	my @responses = answers($client, request('/n/1.txt'), request('/n/2.txt'), "nonsense\r\n\r\n");
	is_deeply [map { $_->status } @responses], [200, 200, 400], 'the good ones are answered first';
	ok !$responses[1]->says_close && $responses[2]->says_close, 'the last one says close';
	is $client->wait_end, 'closed', 'and it is closed';
};

subtest 'Connection: close ends the row' => sub {
	my $client = client();
	$client->send(request('/n/1.txt') . request('/n/2.txt', 'Connection: close') . request('/n/3.txt'));
	is_deeply [map { $client->response->body } 1 .. 2], ["number 1\n", "number 2\n"], 'answered up to it';
	is $client->wait_end, 'closed', 'what follows is not answered, and no reset eats the answers';
};

subtest 'HTTP/1.0 ends the row' => sub {
	my $client = client();
	$client->send("GET /n/1.txt HTTP/1.0\r\n\r\n" . request('/n/2.txt'));
	is $client->response->body, "number 1\n", 'answered';
	is $client->wait_end, 'closed', 'and closed';
};

subtest 'a body is never taken for a request' => sub {
	for my $framing ('Content-Length: ' . length(request('/n/9.txt')), 'Transfer-Encoding: chunked') {
		my $client = client();
		$client->send("POST /n/1.txt HTTP/1.1\r\nHost: x\r\n$framing\r\n\r\n" . request('/n/9.txt'));
		is $client->response->status, 405, "$framing: the request";
		is $client->wait_end, 'closed', 'its body is not answered';
	}
};

subtest 'a client that closes its half behind the requests gets all the answers' => sub {
	my $client = client();
	$client->send(join '', map { request("/n/$_.txt") } 1 .. 20);
	$client->shutdown_write;
	is scalar(grep { $client->response->body eq "number $_\n" } 1 .. 20), 20, 'all of them';
	is $client->wait_end, 'closed', 'and then it is closed';
};

subtest 'an upgrade that is not wanted does not swallow what follows' => sub {
	my $client = client();
	my @responses = answers($client, request('/n/1.txt', 'Connection: Upgrade', 'Upgrade: websocket'), request('/n/2.txt'));
	is_deeply [map { $_->body } @responses], ["number 1\n", "number 2\n"], 'both are answered';
};

subtest 'empty lines between requests' => sub {
	my $client = client();
	my @responses = answers($client, request('/n/1.txt') . "\r\n", request('/n/2.txt'));
	is_deeply [map { $_->body } @responses], ["number 1\n", "number 2\n"], 'are passed over';
};

subtest 'a client that sends and does not read is not listened to for ever' => sub {
	my $pss = sub { my $sum = 0; $sum += Brood::Proc::own_kib($_) // 0 for $server->workers; return $sum };
	my $before = $pss->();
	my $client = Brood::Client->connect($server->address, receive_buffer => 8192, limit => 1);
	my $sent = 0;
	$sent++ while $sent < 3000 && $client->send(request('/big.bin') x 100);
	cmp_ok $sent, '<', 3000, 'it gets stuck';
	my $grown = $pss->() - $before;
	cmp_ok $grown, '<', 2048, "and costs little: $grown KiB" if !$ENV{BROOD_SANITIZE};
	is client()->get('/hello.txt')->status, 200, 'others are answered';
	$client->reset;
};

$server->finish;
done_testing;
