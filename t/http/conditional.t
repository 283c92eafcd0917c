#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Conditional requests, in the order of precedence of RFC 9110 section 13.2.2.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Server;
use POSIX qw(strftime);

my $server = Brood::Server->start;
my $path = $server->root . '/hello.txt';
my $mtime = 1_700_000_000; # Tue, 14 Nov 2023 22:13:20 GMT
utime $mtime, $mtime, $path or die $!;
my $client = Brood::Client->connect($server->address);
my $plain = $client->get('/hello.txt');
my $etag = $plain->header('ETag');
my $date = $plain->header('Last-Modified');
is $date, 'Tue, 14 Nov 2023 22:13:20 GMT', "Last-Modified is the file's time";

sub http_date { return strftime '%a, %d %b %Y %H:%M:%S GMT', gmtime $_[0] }
my ($before, $after) = (http_date($mtime - 1), http_date($mtime + 1));

# [name, status, fields ...]; ETAG stands for the file's
my @cases = (
	['If-None-Match: the tag', 304, 'If-None-Match' => $etag],
	['If-None-Match: the tag, weak', 304, 'If-None-Match' => "W/$etag"],
	['If-None-Match: another tag', 200, 'If-None-Match' => '"x"'],
	['If-None-Match: *', 304, 'If-None-Match' => '*'],
	['If-None-Match: a list with it', 304, 'If-None-Match' => "\"x\", $etag , \"y\""],
	['If-None-Match: a list with it, without spaces', 304, 'If-None-Match' => "\"x\",$etag"],
	['If-None-Match: a list with empty members', 304, 'If-None-Match' => ", ,$etag,"],
	['If-None-Match: a list without it', 200, 'If-None-Match' => '"x", W/"y"'],
	['If-None-Match: a tag with a comma in it', 200, 'If-None-Match' => '"x,' . substr($etag, 1)],
	['If-None-Match: in the second of two lines', 304, 'If-None-Match' => '"x"', 'If-None-Match' => $etag],
	['If-None-Match: without quotes', 200, 'If-None-Match' => substr($etag, 1, -1)],
	['If-None-Match: empty', 200, 'If-None-Match' => ''],
	['If-None-Match goes before If-Modified-Since', 200, 'If-None-Match' => '"x"', 'If-Modified-Since' => $date],
	['If-None-Match goes before If-Modified-Since, matching', 304, 'If-None-Match' => $etag, 'If-Modified-Since' => $before],
	['If-Modified-Since: the time', 304, 'If-Modified-Since' => $date],
	['If-Modified-Since: a second before', 200, 'If-Modified-Since' => $before],
	['If-Modified-Since: a second after', 304, 'If-Modified-Since' => $after],
	['If-Modified-Since: RFC 850 form', 304, 'If-Modified-Since' => 'Tuesday, 14-Nov-23 22:13:20 GMT'],
	['If-Modified-Since: asctime form', 304, 'If-Modified-Since' => 'Tue Nov 14 22:13:20 2023'],
	['If-Modified-Since: asctime form, one digit', 200, 'If-Modified-Since' => 'Wed Nov  1 22:13:20 2023'],
	['If-Modified-Since: RFC 850 form of the last century', 200, 'If-Modified-Since' => 'Sunday, 06-Nov-94 08:49:37 GMT'],
	(map { ["If-Modified-Since: invalid '$_' is ignored", 200, 'If-Modified-Since' => $_] }
		'x', '', '0', 'Tue, 14 Nov 2033 22:13:20', 'Tue, 32 Nov 2033 22:13:20 GMT', 'Tue, 14 Nop 2033 22:13:20 GMT',
		'Tue, 14 Nov 2033 25:13:20 GMT', "$date x", '14 Nov 2033 22:13:20 GMT', 'Tue, 14 Nov 2033 22:13:20 CET'),
	['If-Match: the tag', 200, 'If-Match' => $etag],
	['If-Match: *', 200, 'If-Match' => '*'],
	['If-Match: a list with it', 200, 'If-Match' => "\"x\", $etag"],
	['If-Match: another', 412, 'If-Match' => '"x"'],
	['If-Match: compares strongly', 412, 'If-Match' => "W/$etag"],
	['If-Match, then If-None-Match', 304, 'If-Match' => $etag, 'If-None-Match' => $etag],
	['If-Match fails before If-None-Match', 412, 'If-Match' => '"x"', 'If-None-Match' => $etag],
	['If-Match goes before If-Unmodified-Since', 200, 'If-Match' => $etag, 'If-Unmodified-Since' => $before],
	['If-Unmodified-Since: the time', 200, 'If-Unmodified-Since' => $date],
	['If-Unmodified-Since: a second after', 200, 'If-Unmodified-Since' => $after],
	['If-Unmodified-Since: a second before', 412, 'If-Unmodified-Since' => $before],
	['If-Unmodified-Since: invalid', 200, 'If-Unmodified-Since' => 'x'],
	['If-Unmodified-Since, then If-None-Match', 304, 'If-Unmodified-Since' => $date, 'If-None-Match' => $etag],
);
for my $case (@cases) {
	my ($name, $status, @fields) = @$case;
	for my $method ('GET', 'HEAD') {
		my $response = $client->request($method, '/hello.txt', @fields);
		is $response->status, $status, "$method, $name" or next;
		next if $status != 304;
		is $response->header('ETag'), $etag, "$method, $name: with the tag";
		my $length = $response->header('Content-Length');
		ok !defined $length || $length == 14, "$method, $name: no wrong length";
	}
}

is $client->get('/none', 'If-Match' => '*')->status =~ /^4(?:04|12)$/ ? 1 : 0, 1, 'If-Match: * on what is not there';
is $client->get('/none', 'If-None-Match' => '*')->status, 404, 'a condition does not make a 404 a 304';
is $client->request('OPTIONS', '/hello.txt', 'If-None-Match' => '*')->status =~ /^20[04]$/ ? 1 : 0, 1,
    'conditions are for GET and HEAD';

subtest 'Last-Modified is never later than Date' => sub {
	utime time + 100000, time + 100000, $server->root . '/1k.txt' or die $!;
	my $response = Brood::Client->connect($server->address)->get('/1k.txt');
	my ($modified, $date) = map { $response->header($_) } qw(Last-Modified Date);
	ok !defined $modified || $modified eq $date || parse($modified) <= parse($date), 'of a file of the future'
	    or diag "$modified, $date";
};

sub parse
{
	my ($day, $month, $year, $h, $m, $s) = $_[0] =~ /, (\d+) (\w+) (\d+) (\d+):(\d+):(\d+)/;
	my %month;
	@month{qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)} = 1 .. 12;
	return sprintf '%04d%02d%02d%02d%02d%02d', $year, $month{$month}, $day, $h, $m, $s;
}

subtest 'the tag' => sub {
	my $root = $server->root;
	Brood::Server::write_file("$root/a.txt", 'same size');
	Brood::Server::write_file("$root/b.txt", 'other one');
	utime 1e9, 1e9, "$root/a.txt", "$root/b.txt";
	my ($a, $b) = map { $client->get("/$_.txt")->header('ETag') } qw(a b);
	is $a, $b, 'is from size and time, so that it is the same on several machines';
	utime 1e9, 1e9 + 1, "$root/b.txt";
	isnt(Brood::Client->connect($server->address)->get("/c.txt")->header('ETag') // '', $a, 'and changes with the time')
	    if rename "$root/b.txt", "$root/c.txt";
};

$server->finish;
done_testing;
