#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A download takes longer than several reloads: the worker that began it finishes it, and the reloads wait for
# that at its slot only. BROOD_TEST_LONG=1: the judged size and rate.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(alive wait_until);
use Brood::Together;
use Digest::MD5;
use List::Util qw(max);
use Time::HiRes qw(sleep time);

my ($size, $rate) = $ENV{BROOD_TEST_LONG} ? (200 << 20, 5e6) : (32 << 20, 8e6);

# Makes the large file; returns its sum.
sub write_large
{
	my ($path) = @_;
	my $sum = Digest::MD5->new;
	open my $file, '>:raw', $path or die "$path: $!";
	for my $block (1 .. $size >> 20) {
		my $text = pack 'N*', map { $block * 7919 + $_ } 1 .. 262144;
		$sum->add($text);
		print $file $text;
	}
	close $file or die "$path: $!";
	return $sum->hexdigest;
}

# Reads the large file's octets at RATE, with three reloads on the way. Returns what was seen: octets got, their
# sum, reloads, the most processes that a slot had, whether SENDER was there at 5/8.
sub read_slowly
{
	my ($server, $client, $sender) = @_;
	my ($begin, $sum) = (time, Digest::MD5->new);
	my %seen = (got => 0, reloads => 0, most => 0);
	while ($seen{got} < $size) {
		last if !length $client->{received} && $client->fill(time + 20) ne 'data';
		$seen{got} += length $client->{received};
		$sum->add($client->{received});
		$client->{received} = '';
		$server->signal('HUP') if $seen{reloads} < 3 && $seen{got} > $size * $seen{reloads} / 4 && ++$seen{reloads};
		$seen{stayed} ||= $seen{got} > $size * 5 / 8 && alive($sender);
		my $due = $begin + $seen{got} / $rate;
		next if $due <= time;
		$seen{most} = max $seen{most}, values %{ $server->processes_by_slot };
		my $left = $due - time;
		sleep $left if $left > 0;
	}
	note sprintf '%d octets in %.1f s', $seen{got}, time - $begin;
	return { %seen, sum => $sum->hexdigest };
}

for my $mode (Brood::Server::modes()) {
	together "$mode: a slow download over three reloads" => sub {
		my $server = Brood::Configured->start(accept => $mode);
		my $sum = write_large($server->root_named('first') . '/large.bin');
		my $client = Brood::Client->connect($server->address, receive_buffer => 65536, limit => 20);
		$client->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
		my $head = Brood::Response->parse($client->take_until("\r\n\r\n", time + 10, 'head'));
		my $sender = ($head->worker)[2];
		my @old = $server->workers;
		my $seen = read_slowly($server, $client, $sender);
		is $seen->{got}, $size, 'all of it';
		is $seen->{sum}, $sum, 'as it is in the file';
		is $seen->{reloads}, 3, 'three reloads were asked for on the way';
		ok $seen->{stayed}, 'whoever had begun it went on with it';
		is $seen->{most}, 2, 'no slot had more than its worker and an old one';
		my $last = Brood::Server::with_tls() ? $client->get('/hello.txt') : undef;
		ok $last->says_close, 'over TLS the connection does not move, and ends with its next answer' if $last;
		ok wait_until(10, sub { !grep { alive($_) } @old }), 'then the old ones are gone';
		ok $server->settle, 'also those in between';
		my @verdicts = $server->verdicts;
		cmp_ok scalar @verdicts, '>=', 2, scalar(@verdicts) . ' reloads, those that waited for one another together';
		is scalar(grep { $_ ne 'done' } @verdicts), 0, 'all are done';
		my $next = $last // $client->get('/hello.txt');
		is $next->status, 200, 'and the connection goes on';
		isnt +($next->worker)[2], $sender, 'with another worker' if !$last;
		$client->close;
		$server->finish;
	};
}

all_together();
done_testing;
