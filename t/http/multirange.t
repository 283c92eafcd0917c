#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Several ranges in one request (RFC 9110 sections 14.2, 14.6 and 15.3.7.2): multipart/byteranges, of files in
# memory and of large ones, taken apart by a strict reader here and by Python's for mail.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;

my %small = ('text.txt' => join('', map { sprintf "%04d", $_ } 0 .. 499)); # 2,000 octets
my $server = Brood::Server->start(workers => 1, root => \%small);
my $client = Brood::Client->connect($server->address);
my $overhead = 200; # of one part, at the most

# Takes a multipart body apart: [[type, first, last, size, octets], ...], or a text that says what is wrong.
sub parts
{
	my ($response) = @_;
	my ($boundary) = ($response->header('Content-Type') // '') =~ m{^multipart/byteranges; boundary=([0-9A-Za-z]{16,70})\z}
	    or return 'no boundary';
	return 'Content-Range beside it' if defined $response->header('Content-Range');
	my $body = $response->body;
	my @parts;
	my $lead = "--$boundary\r\n";
	while ($body =~ s/^\Q$lead\E//) {
		$body =~ s/^Content-Type: ([^\r\n]+)\r\nContent-Range: bytes (\d+)-(\d+)\/(\d+)\r\n\r\n// or return 'the head of part ' . @parts;
		push @parts, [$1, $2, $3, $4, substr $body, 0, $3 - $2 + 1, ''];
		$lead = "\r\n--$boundary\r\n";
	}
	return $body eq "\r\n--$boundary--\r\n" ? \@parts : 'the end';
}

# All ways of asking for several, for a file of SIZE octets: [ranges, the parts that are to come, or status].
sub cases
{
	my ($size) = @_;
	my $last = $size - 1;
	my $far = int $size / 2;
	my $edge = $last - 4;
	return (
		['0-0,-1', "0-0 $last-$last"],
		["0-4,$far-$last", "0-4 $far-$last"],
		["$far-$last,0-4", "0-4 $far-$last"],
		["-5,$far-$far,0-0", "0-0 $far-$far $edge-$last"],
		[" 0-0 ,\t$far-$far,,", "0-0 $far-$far"],
		["0-0,$far-$far,$size-", "0-0 $far-$far"],
		["0-0,$far-$far,$size-99999999999999999999999999999", "0-0 $far-$far"],
		["0-0,$far-99999999999999999999999999999", "0-0 $far-$last"],
		["0-9,5-14,$far-$far", "0-14 $far-$far"],
		["0-9,10-19,$far-$far", "0-19 $far-$far"],
		["0-9,20-29,$far-$far", "0-29 $far-$far"],
		["$far-$far,0-9,0-9,0-9,0-9", "0-9 $far-$far"],
		[join(',', map { my $at = int $_ * $size / 8; "$at-$at" } reverse 0 .. 7), join ' ', map { my $at = int $_ * $size / 8; "$at-$at" } 0 .. 7],
		[join(',', ('0-0', "$far-$far") x 8), "0-0 $far-$far"],
		[join(',', ('0-0', "$far-$far") x 8, '1-1'), 200],
		["0-0,$far-$far,x", 200],
		["0-0,$far-" . ($far - 1), 200],
		["$size-,$size-", 416],
	);
}

for my $name ('text.txt', 'big.bin') {
	my $all = $small{$name} // Brood::Server->content($name);
	my $size = length $all;
	my $plain = $client->head("/$name");
	my $etag = $plain->header('ETag');
	subtest "$name: $size octets" => sub {
		for my $case (cases($size)) {
			my ($ranges, $expected) = @$case;
			my $label = length $ranges > 50 ? substr($ranges, 0, 47) . '...' : $ranges;
			my $response = $client->get("/$name", Range => "bytes=$ranges");
			if ($expected =~ /^\d+\z/) {
				is $response->status, $expected, "$label: $expected";
				ok $response->body eq $all, "$label: whole" if $expected == 200;
				next;
			}
			is $response->status, 206, "$label: 206" or next;
			my $parts = parts($response);
			is ref $parts, 'ARRAY', "$label: well-formed" or do { diag $parts; next };
			is join(' ', map { "$_->[1]-$_->[2]" } @$parts), $expected, "$label: sorted and joined";
			is scalar(grep { $_->[4] ne substr $all, $_->[1], $_->[2] - $_->[1] + 1 } @$parts), 0, "$label: octets";
			is scalar(grep { $_->[0] ne $plain->header('Content-Type') || $_->[3] != $size } @$parts), 0, "$label: type and size";
			is $response->header('ETag'), $etag, "$label: ETag";
			cmp_ok length $response->body, '<', $size + $overhead * (@$parts + 1), "$label: no more than the file and what parts cost";
		}
		is $client->head("/$name", Range => 'bytes=0-0,-1')->header('Content-Length'), $size, 'HEAD knows no ranges';
	};
	subtest "$name: If-Range" => sub {
		my $ask = sub { $client->get("/$name", Range => 'bytes=0-0,-1', 'If-Range' => $_[0]) };
		my $response = $ask->($etag);
		is $response->status, 206, 'the tag';
		is scalar @{ parts($response) }, 2, 'parts';
		is $response->header('Last-Modified'), undef, 'what the client has is not said again';
		is $ask->("W/$etag")->status, 200, 'a weak tag';
		is $ask->('"x"')->status, 200, 'another tag';
		is $client->get("/$name", Range => 'bytes=0-0,-1', 'If-None-Match' => $etag)->status, 304, 'If-None-Match goes before';
		is $client->get("/$name", Range => 'bytes=0-0,-1', 'If-Match' => '"x"')->status, 412, 'If-Match goes before';
	};
}

subtest 'one range that is left is plain' => sub {
	for my $case (['0-4,2-8', '0-8'], ['0-0,1-1,2-2', '0-2'], ['9-12,2000-', '9-12'], ['5-,-5', '5-1999'], ['0-,0-', '0-1999']) {
		my $response = $client->get('/text.txt', Range => "bytes=$case->[0]");
		is $response->status, 206, $case->[0];
		is $response->header('Content-Range'), "bytes $case->[1]/2000", "$case->[0]: Content-Range";
		unlike $response->header('Content-Type'), qr/multipart/, "$case->[0]: the file's type";
	}
};

subtest 'pipelined with others, in order' => sub {
	my $requests = join '', map { "GET /$_->[0] HTTP/1.1\r\nHost: a\r\n" . ($_->[1] ? "Range: bytes=$_->[1]\r\n" : '') . "\r\n" }
	    (['text.txt', '0-0,1000-1000,-1'], ['hello.txt'], ['big.bin', '0-0,1000-70000,-1'], ['text.txt', '0-0,-1'], ['hello.txt']) x 20;
	my $pipelined = Brood::Client->connect($server->address, receive_buffer => 4096);
	$pipelined->send($requests);
	my ($lengths, $wrong) = ('', 0);
	for (1 .. 100) {
		my $response = $pipelined->response;
		my $parts = $response->status eq '206' ? parts($response) : [];
		$wrong++, diag $parts if !ref $parts;
		$lengths .= ref $parts ? scalar @$parts : '?';
	}
	is $lengths, '30320' x 20, 'parts of each';
	is $wrong, 0, 'all well-formed';
};

# Byte by byte, as far as the client can have its way: small windows on both sides.
subtest 'a reader in no hurry' => sub {
	my $all = Brood::Server->content('big.bin');
	my $slow = Brood::Client->connect($server->address, receive_buffer => 2048);
	$slow->send("GET /big.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=" . join(',', map { $_ * 65536 . '-' . ($_ * 65536 + 60000) } 0 .. 15) . "\r\n\r\n");
	my $response = $slow->response;
	my $parts = parts($response);
	is ref $parts, 'ARRAY', 'well-formed' or return diag $parts;
	is scalar @$parts, 16, 'sixteen parts';
	is scalar(grep { $_->[4] ne substr $all, $_->[1], $_->[2] - $_->[1] + 1 } @$parts), 0, 'octets';
};

subtest 'beyond 4 GiB' => sub {
	my $path = $server->root . '/huge.bin';
	open my $file, '>', $path or die $!;
	plan skip_all => 'no sparse files here' if !truncate $file, 6 << 30;
	for my $at (0, 5 << 30) {
		sysseek $file, $at, 0;
		syswrite $file, 'here';
	}
	close $file;
	my $at = 5 << 30;
	my $parts = parts($client->get('/huge.bin', Range => "bytes=$at-" . ($at + 3) . ',0-3'));
	is_deeply [map { $_->[4] } @$parts], ['here', 'here'], 'octets';
	is $parts->[1][1], $at, 'where they are';
	unlink $path;
};

subtest 'Python takes it apart' => sub {
	my ($python) = grep { -x } map { "$_/python3" } split /:/, $ENV{PATH};
	plan skip_all => 'no python3' if !$python;
	my $script = Brood::Server::write_file($server->dir . '/parts.py', <<'END');
import email, email.policy, http.client, ssl, sys
address, ranges = sys.argv[1:]
host, port = address.rsplit('/', 1)[1].rsplit(':', 1)
if address.startswith('https:'):
    connection = http.client.HTTPSConnection(host, int(port), context=ssl._create_unverified_context())
else:
    connection = http.client.HTTPConnection(host, int(port))
connection.request('GET', '/text.txt', headers={'Range': 'bytes=' + ranges})
response = connection.getresponse()
body = response.read()
head = b'Content-Type: ' + response.headers['Content-Type'].encode() + b'\r\n\r\n'
message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
assert not message.defects, message.defects
for part in message.iter_parts():
    assert not part.defects, part.defects
    print(part['Content-Range'], part.get_content_type(), part.get_payload(decode=True).decode())
END
	my $got = `"$python" "$script" "@{[ $server->url ]}" 0-3,1000-1003,-4`;
	is $got, "bytes 0-3/2000 text/plain 0000\nbytes 1000-1003/2000 text/plain 0250\nbytes 1996-1999/2000 text/plain 0499\n",
	    'three parts';
};

subtest 'curl asks for several' => sub {
	my $got = eval { open my $pipe, '-|', 'curl', '-sk', '-r', '0-3,1000-1003', $server->url('/text.txt') or die $!; local $/; <$pipe> };
	plan skip_all => 'no curl' if !defined $got;
	like $got, qr/^--(\w+)\r\n.*\r\n\r\n0000\r\n--\g1\r\n.*\r\n\r\n0250\r\n--\g1--\r\n\z/s, 'and has them';
};

subtest 'the log has the octets of the body' => sub {
	my $logged = Brood::Server->start(workers => 1, root => \%small, set => { access_log => 'access.log' });
	my $response = Brood::Client->connect($logged->address)->get('/text.txt', Range => 'bytes=0-3,1000-1003,-4');
	my $large = Brood::Client->connect($logged->address)->get('/big.bin', Range => 'bytes=0-3,100000-900000,-4');
	my $log = $logged->dir . '/access.log';
	ok wait_until(10, sub { -e $log && (() = Brood::Server::slurp($log) =~ /\n/g) == 2 }), 'two lines';
	like Brood::Server::slurp($log), qr/text\.txt HTTP\/1\.1" 206 @{[ length $response->body ]} .*\n.*big\.bin HTTP\/1\.1" 206 @{[ length $large->body ]} /, 'with the right numbers';
	$logged->finish;
};

$server->finish;
done_testing;
