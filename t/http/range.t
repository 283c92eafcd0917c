#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Ranges (RFC 9110 section 14) that are answered with one range, whole, or with 416. Several: multirange.t.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Server;

my $server = Brood::Server->start;
my $client = Brood::Client->connect($server->address);
my $etag = $client->get('/digits.txt')->header('ETag');
my $date = $client->get('/digits.txt')->header('Last-Modified');

# [Range, Content-Range and body, or status]
my @cases = (
	['bytes=0-0', '0-0', '0'],
	['bytes=0-4', '0-4', '01234'],
	['bytes=5-', '5-9', '56789'],
	['bytes=9-', '9-9', '9'],
	['bytes=-1', '9-9', '9'],
	['bytes=-3', '7-9', '789'],
	['bytes=-10', '0-9', '0123456789'],
	['bytes=-11', '0-9', '0123456789'],
	['bytes=-99999999999999999999999', '0-9', '0123456789'],
	['bytes=0-', '0-9', '0123456789'],
	['bytes=0-9', '0-9', '0123456789'],
	['bytes=0-99', '0-9', '0123456789'],
	['bytes=3-99999999999999999999999', '3-9', '3456789'],
	['bytes=007-008', '7-8', '78'],
	['BYTES=1-2', '1-2', '12'],
	['Bytes=1-2', '1-2', '12'],
	['bytes=1-2,', '1-2', '12'],
	['bytes= 1-2 ', '1-2', '12'],
	(map { [$_, 416] } 'bytes=10-', 'bytes=10-20', 'bytes=99999999999999999999999-', 'bytes=-0', 'bytes=18446744073709551616-'),
	(map { [$_, 200] } 'bytes=', 'bytes=-', 'bytes=a-b', 'bytes=1', 'bytes=5-3', 'bytes=1-2-3', 'bytes 1-2', 'bytes=--1', 'bytes=+1-2',
		'bytes=1 - 2', 'bytes=0x1-2', 'items=0-1', 'x', '', '=0-1', 'bytes:0-1', 'bytes=1-2;', "bytes=1-a"),
	['bytes=0-1,3-4', '0-4', '01234'],
	['bytes=4-5,1-2,2-4', '1-5', '12345'],
	['bytes=7-8,20-30', '7-8', '78'],
	['bytes=0-0,-1', '0-9', '0123456789'],
	['bytes=20-,-0,10-11', 416],
	(map { [$_, 200] } 'bytes=0-1,x', 'bytes=' . join(',', map { "$_-$_" } (0 .. 9) x 100)),
);
for my $case (@cases) {
	my ($range, $expected, $body) = @$case;
	my $name = length $range > 60 ? substr($range, 0, 57) . '...' : $range;
	my $response = $client->get('/digits.txt', Range => $range);
	if (defined $body) {
		# A single range that is all of the file may be answered as such.
		is $response->status, 206, "$name: 206" or next;
		is $response->header('Content-Range'), "bytes $expected/10", "$name: Content-Range";
		is $response->body, $body, "$name: body";
		is $response->header('ETag'), $etag, "$name: ETag";
	} elsif ($expected == 416) {
		is $response->status, 416, "$name: 416" or next;
		is $response->header('Content-Range'), 'bytes */10', "$name: Content-Range";
	} else {
		is $response->status, 200, "$name: whole" or next;
		is $response->body, '0123456789', "$name: body";
		is $response->header('Content-Range'), undef, "$name: no Content-Range";
	}
}

is $client->get('/digits.txt', Range => 'bytes=0-1', Range => 'bytes=3-4')->status, 200, 'two Range fields';
is $client->head('/digits.txt', Range => 'bytes=0-1')->status, 200, 'HEAD has no ranges';
is $client->head('/digits.txt', Range => 'bytes=20-')->status, 200, 'HEAD has no 416';
is $client->get('/none', Range => 'bytes=0-1')->status, 404, 'a file that is not there';
is $client->get('/empty.txt', Range => 'bytes=0-')->status =~ /^(?:416|200)$/ ? 1 : 0, 1, 'an empty file';
is $client->get('/dir', Range => 'bytes=0-1')->status, 301, 'a redirect';

subtest 'If-Range' => sub {
	my $status = sub { $client->get('/digits.txt', Range => 'bytes=1-2', 'If-Range' => $_[0])->status };
	is $status->($etag), 206, 'the tag';
	is $status->("W/$etag"), 200, 'a weak tag';
	is $status->('"x"'), 200, 'another tag';
	is $status->('x'), 200, 'nonsense';
	is $status->('Sat, 01 Jan 2000 00:00:00 GMT'), 200, 'another date';
	is $status->('Fri, 01 Jan 2100 00:00:00 GMT'), 200, 'a later date: exact match only';
	utime 1e9, 1e9, $server->root . '/1k.txt';
	my $old = Brood::Client->connect($server->address)->get('/1k.txt')->header('Last-Modified');
	is $client->get('/1k.txt', Range => 'bytes=1-2', 'If-Range' => $old)->status, 206, 'the date of an old file is strong';
	is $client->get('/digits.txt', Range => 'bytes=20-', 'If-Range' => '"x"')->status, 200, 'without a match there is no 416';
	is $client->get('/digits.txt', 'If-Range' => $etag)->status, 200, 'without Range it means nothing';
};

subtest 'conditions come before ranges' => sub {
	is $client->get('/digits.txt', Range => 'bytes=1-2', 'If-None-Match' => $etag)->status, 304, 'If-None-Match';
	is $client->get('/digits.txt', Range => 'bytes=20-', 'If-None-Match' => $etag)->status, 304, 'If-None-Match, 416';
	is $client->get('/digits.txt', Range => 'bytes=1-2', 'If-Match' => '"x"')->status, 412, 'If-Match';
	is $client->get('/digits.txt', Range => 'bytes=1-2', 'If-Match' => $etag)->status, 206, 'If-Match, matching';
};

subtest 'of a large file, by sendfile' => sub {
	my $all = Brood::Server->content('big.bin');
	for my $range ([0, 0], [1, 1], [65535, 65536], [500_001, 1_000_000], [1048575, 1048575]) {
		my ($first, $last) = @$range;
		my $response = $client->get('/big.bin', Range => "bytes=$first-$last");
		is $response->status, 206, "$first-$last";
		ok $response->body eq substr($all, $first, $last - $first + 1), "$first-$last: octets";
	}
	ok $client->get('/big.bin', Range => 'bytes=-70000')->body eq substr($all, -70000), 'the last 70,000';
};

SKIP: {
	my $path = $server->root . '/huge.bin';
	open my $file, '>', $path or die $!;
	skip 'no sparse files here', 1 if !truncate $file, 6 << 30;
	sysseek $file, 5 << 30, 0;
	syswrite $file, 'here';
	close $file;
	my $at = 5 << 30;
	my $response = $client->get('/huge.bin', Range => "bytes=$at-" . ($at + 3));
	is $response->body, 'here', 'beyond 4 GiB';
	is $client->head('/huge.bin')->header('Content-Length'), 6 << 30, 'a length beyond 4 GiB';
}

$server->finish;
done_testing;
