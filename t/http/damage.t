#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Requests damaged at random (BROOD_TEST_SEED repeats a run; BROOD_TEST_LONG=1 goes on for longer): every
# answer is well-formed, no worker dies.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Server;
use Time::HiRes qw(time);

my $seed = $ENV{BROOD_TEST_SEED} // time;
srand $seed;
diag "BROOD_TEST_SEED=$seed";

my $server = Brood::Server->start(workers => 2, set => { map { $_ => '1s' } qw(head_timeout keepalive_timeout body_timeout) });
my @workers = $server->workers;

my @good = (
	"GET /hello.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-4,5-\r\nIf-None-Match: \"a\", W/\"b\"\r\nConnection: keep-alive, x\r\n\r\n",
	"GET /big.bin HTTP/1.1\r\nHost: [::1]:80\r\nIf-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT\r\nIf-Range: \"x\"\r\n\r\n",
	"POST /dir HTTP/1.1\r\nHost: a.b:80\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"GET http://a/%2e%2e/dir/../%41?x HTTP/1.0\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
	"HEAD /dir/ HTTP/1.1\r\nHost: a\r\nIf-Match: *\r\nAccept: */*\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
);

sub damage
{
	my ($octets) = @_;
	for (1 .. rand 6) {
		my $at = int rand length $octets;
		my $how = int rand 5;
		my $run = 1 + rand(rand() < 0.05 ? 50000 : 5);
		if ($how == 0) {
			substr $octets, $at, 1, chr rand 256;
		} elsif ($how == 1) {
			substr $octets, $at, 1 + rand 10, '';
		} elsif ($how == 2) {
			substr $octets, $at, 0, chr(rand 256) x $run;
		} elsif ($how == 3) {
			substr $octets, $at, 0, substr $octets, rand length $octets, rand 60;
		} else {
			substr $octets, $at, 1, ("\r", "\n", "\0", ' ', ':', '%', "\t", '-', ',', '"', '/', '.')[rand 12];
		}
		$octets .= ' ' if !length $octets;
	}
	return $octets;
}

# What may be seen besides a well-formed answer: nothing, or a large body that we stopped waiting for.
my $no_answer = qr/^no response: (?:closed|timeout) after 0 octets|^(?:closed|timeout) after \d+ of \d+ octets of the body/;

my ($count, @odd) = (0);
my $end = time + ($ENV{BROOD_TEST_LONG} ? 60 : 8);
while (time < $end && @odd < 5) {
	my @open;
	for (1 .. 50) {
		my $client = Brood::Client->connect($server->address, limit => 0.02) or next;
		my $octets = damage(join '', map { $good[rand @good] } 1 .. 1 + rand 3);
		my $half = length($octets) / 2;
		rand() < 0.3 ? $client->send_pieces(substr($octets, 0, $half), substr($octets, $half)) : $client->send($octets);
		$client->shutdown_write if rand() < 0.2;
		push @open, [$client, $octets];
		$count++;
	}
	for (@open) {
		my ($client, $octets) = @$_;
		# A damaged HEAD may be one still, or not: then where its answer ends is not known.
		my $response = $client->response(method => $octets =~ /HEAD/ ? 'HEAD' : 'GET');
		push @odd, $response->status . ' to ' . substr $octets =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger, 0, 500
		    if $response->status !~ /^\d+$/ && $response->status !~ $no_answer;
		rand() < 0.5 ? $client->reset : $client->close;
	}
}
is_deeply \@odd, [], "$count damaged requests: every answer is well-formed";
is_deeply [$server->workers], \@workers, 'no worker died';
is(Brood::Client->connect($server->address)->get('/hello.txt')->status, 200, 'and they serve');

$server->finish;
done_testing;
