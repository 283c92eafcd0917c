#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The PROXY protocol on listeners that want it: each case sent whole and octet by octet, who is told of
# in the access log, and connections that move to other workers with what has been told.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(wait_until);
use Brood::Server;
use Socket qw(inet_pton AF_INET AF_INET6 IPPROTO_TCP TCP_CORK);

my $request = "GET /hello.txt HTTP/1.1\r\nHost: x\r\nUser-Agent: case\r\n\r\n";

# CRC-32C of RFC 9260, appendix A.
sub crc32c
{
	my ($octets) = @_;
	my $crc = 0xffffffff;
	for my $octet (unpack 'C*', $octets) {
		$crc ^= $octet;
		$crc = $crc >> 1 ^ ($crc & 1 ? 0x82f63b78 : 0) for 1 .. 8;
	}
	return $crc ^ 0xffffffff;
}

sub v2
{
	my ($command, $family, $block, $length) = @_;
	return "\r\n\r\n\0\r\nQUIT\n" . pack('CCn', $command, $family, $length // length $block) . $block;
}

sub tlv { return pack 'Cn/a', $_[0], $_[1] }

my $ipv4 = inet_pton(AF_INET, '192.0.2.1') . inet_pton(AF_INET, '192.0.2.2') . pack('nn', 4711, 80);
my $ipv6 = inet_pton(AF_INET6, '2001:db8::1') . inet_pton(AF_INET6, '2001:db8::2') . pack('nn', 4711, 80);
my $unix = pack('a108a108', '/run/a', '/run/b');

sub with_crc
{
	my ($wrong) = @_;
	my $header = v2(0x21, 0x11, $ipv4 . tlv(1, 'h2') . tlv(3, "\0\0\0\0") . tlv(4, 'pad'));
	substr $header, index($header, tlv(3, "\0\0\0\0")) + 3, 4, pack 'N', crc32c($header) ^ $wrong;
	return $header;
}

my @wide = ('ffff:' x 7 . 'ffff') x 2;

# name, octets before the request, the client in the log, or undef: closed without an answer
my @cases = (
	['v1: TCP4', "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", '192.0.2.1'],
	['v1: TCP6', "PROXY TCP6 2001:db8::1 ::1 4711 80\r\n", '2001:db8::1'],
	['v1: UNKNOWN', "PROXY UNKNOWN\r\n", '127.0.0.1'],
	['v1: UNKNOWN with more behind it', "PROXY UNKNOWN x y z\r\n", '127.0.0.1'],
	['v1: the longest line, 107 octets', "PROXY UNKNOWN @wide 65535 65535\r\n", '127.0.0.1'],
	['v1: 108 octets', "PROXY UNKNOWN @wide 65535 65535 \r\n", undef],
	['v1: the longest TCP6', "PROXY TCP6 @wide 65535 65535\r\n", $wide[0]],
	['v1: ports 0', "PROXY TCP4 192.0.2.1 192.0.2.2 0 0\r\n", '192.0.2.1'],
	['v1: a leading zero in an address', "PROXY TCP4 192.0.2.01 192.0.2.2 4711 80\r\n", undef],
	['v1: a leading zero in a port', "PROXY TCP4 192.0.2.1 192.0.2.2 4711 080\r\n", undef],
	['v1: port 65536', "PROXY TCP4 192.0.2.1 192.0.2.2 65536 80\r\n", undef],
	['v1: TCP4 with IPv6', "PROXY TCP4 2001:db8::1 ::1 4711 80\r\n", undef],
	['v1: TCP6 with IPv4', "PROXY TCP6 192.0.2.1 192.0.2.2 4711 80\r\n", undef],
	['v1: another family', "PROXY UDP4 192.0.2.1 192.0.2.2 4711 80\r\n", undef],
	['v1: lower case', "proxy TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", undef],
	['v1: lower case family', "PROXY tcp4 192.0.2.1 192.0.2.2 4711 80\r\n", undef],
	['v1: two spaces', "PROXY TCP4  192.0.2.1 192.0.2.2 4711 80\r\n", undef],
	['v1: a space at the end', "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80 \r\n", undef],
	['v1: a space in front', " PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", undef],
	['v1: LF only', "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\n", undef],
	['v1: CR only', "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r", undef],
	['v1: too few words', "PROXY TCP4 192.0.2.1 192.0.2.2 4711\r\n", undef],
	['v1: an octet 256', "PROXY TCP4 192.0.2.256 192.0.2.2 4711 80\r\n", undef],
	['v2: IPv4', v2(0x21, 0x11, $ipv4), '192.0.2.1'],
	['v2: IPv6', v2(0x21, 0x21, $ipv6), '2001:db8::1'],
	['v2: a Unix socket', v2(0x21, 0x31, $unix), '-'],
	['v2: unspecified', v2(0x21, 0, ''), '127.0.0.1'],
	['v2: datagrams are not told of', v2(0x21, 0x12, $ipv4), '127.0.0.1'],
	['v2: LOCAL', v2(0x20, 0, ''), '127.0.0.1'],
	['v2: LOCAL with addresses', v2(0x20, 0x11, $ipv4), '127.0.0.1'],
	['v2: LOCAL with junk of an unknown family', v2(0x20, 0xff, 'junk'), '127.0.0.1'],
	['v2: TLVs', v2(0x21, 0x11, $ipv4 . tlv(1, 'h2') . tlv(0xe0, 'x' x 300) . tlv(4, '')), '192.0.2.1'],
	['v2: very many octets of TLVs', v2(0x21, 0x21, $ipv6 . tlv(4, 'x' x 20000)), '2001:db8::1'],
	['v2: a right checksum', with_crc(0), '192.0.2.1'],
	['v2: a wrong checksum', with_crc(1), undef],
	['v2: a checksum of three octets', v2(0x21, 0x11, $ipv4 . tlv(3, "\0\0\0")), undef],
	['v2: a TLV that is cut off', v2(0x21, 0x11, $ipv4 . "\x04\x00"), undef],
	['v2: a TLV longer than the header', v2(0x21, 0x11, $ipv4 . "\x04\x00\x05abc"), undef],
	['v2: addresses that are cut off', v2(0x21, 0x11, substr $ipv4, 0, 11), undef],
	['v2: IPv6 with room for IPv4', v2(0x21, 0x21, $ipv4), undef],
	['v2: no room at all', v2(0x21, 0x11, ''), undef],
	['v2: version 1 in binary', v2(0x11, 0x11, $ipv4), undef],
	['v2: version 3', v2(0x31, 0x11, $ipv4), undef],
	['v2: command 2', v2(0x22, 0x11, $ipv4), undef],
	['v2: family 4', v2(0x21, 0x41, $ipv4), undef],
	['v2: transport 3', v2(0x21, 0x13, $ipv4), undef],
	['v2: a signature with one octet changed', v2(0x21, 0x11, $ipv4) =~ s/QUIT/QUIR/r, undef],
	['no header at all', '', undef],
	['an empty line in front', "\r\nPROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", undef],
	['TLS', "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", undef],
);
cmp_ok scalar @cases, '>=', 34, scalar(@cases) . ' cases';

sub start
{
	my (%set) = @_;
	my $dir = Brood::Server::new_dir();
	my $server = Brood::Server->start(workers => delete $set{workers} // 2,
		set => { access_log => "$dir/access.log", proxy_protocol => 'true', %set });
	return ($server, "$dir/access.log", $dir);
}

sub clients { return map { (split)[0] } split /\n/, Brood::Server::slurp($_[0]) }

my @ways = ('whole', 'octet by octet', 'header and request apart');

# A connection on which a header has been sent, in one of these ways, and then the rest: over TLS where that is spoken.
sub told
{
	my ($server, $header, $rest, $way) = @_;
	my $client = Brood::Client->connect($server->address, tls => 0);
	my $slowly = ($way // '') eq 'octet by octet';
	my $cork = sub { setsockopt $client->{socket}, IPPROTO_TCP, TCP_CORK, $_[0] or die "TCP_CORK: $!" };
	$cork->(1) if ($way // 'whole') eq 'whole';
	$client->send_pieces($slowly ? split //, $header : $header);
	$client->begin_tls({}) if Brood::Server::with_tls() && length $rest;
	$client->send_pieces($slowly && !Brood::Server::with_tls() ? split //, $rest : $rest);
	$cork->(0);
	return $client;
}

# What becomes of it: "200", or how the connection has ended.
sub outcome
{
	my $client = told(@_);
	my $end = $client->fill(time + 10);
	return $end =~ /^(?:closed|reset)\z/ ? 'closed' : $client->response->status;
}

for my $way (@ways) {
	subtest "cases, $way" => sub {
		my ($server, $log, $dir) = start(workers => 1);
		my @wanted;
		for my $case (@cases) {
			my ($name, $header, $told) = @$case;
			next if length $header > 1000 && $way eq 'octet by octet';
			is outcome($server, $header, $request, $way), defined $told ? '200' : 'closed', $name;
			push @wanted, $told if defined $told;
		}
		wait_until(10, sub { (my @now = clients($log)) >= @wanted });
		is_deeply [clients($log)], \@wanted, 'the log has the clients that were told of, and nothing of what was closed';
		$server->finish;
	};
}

subtest 'what follows' => sub {
	my ($server, $log, $dir) = start();
	my $client = told($server, "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", "$request$request");
	is $client->response->status, 200, 'an answer' for 1 .. 2;
	$client->send($request);
	is $client->response->status, 200, 'to each request on the connection';
	$client->send("PROXY TCP4 192.0.2.9 192.0.2.2 4711 80\r\n$request");
	is $client->response->status, 400, 'a second header is a bad request';
	wait_until(10, sub { (my @now = clients($log)) >= 4 });
	is_deeply [clients($log)], [('192.0.2.1') x 4], 'of the same client';
	my $gone = Brood::Client->connect($server->address, tls => 0);
	$gone->send("PROXY TCP4 192.0.2.1");
	$gone->close;
	is outcome($server, "PROXY UNKNOWN\r\n", $request), 200, 'one that hangs up in its header harms nobody';
	unlike $server->stderr, qr/PROXY protocol: a connection/, 'and is not worth a line';
	$server->finish;
};

subtest 'only from trusted peers' => sub {
	my ($server, $log, $dir) = start(trusted => '192.0.2.0/24');
	is outcome($server, "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", $request), 'closed', 'a stranger is closed';
	is outcome($server, '', ''), 'closed', 'before he has said anything';
	ok $server->wait_stderr(qr/PROXY protocol: a connection from 127\.0\.0\.1 was closed: it is not one of those that are trusted/),
	    'which the log tells';
	$server->finish;
	my ($near) = start(trusted => 'unix,127.0.0.1');
	is outcome($near, "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", $request), 200, 'who is trusted is served';
	$near->finish;
};

subtest 'a header has its time' => sub {
	my ($server, $log, $dir) = start(proxy_timeout => '300ms', head_timeout => '60s');
	my $client = Brood::Client->connect($server->address, tls => 0);
	$client->send('PROXY TCP4 ');
	is $client->wait_end, 'closed', 'closed without a word';
	my $early = told($server, "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", "GET /hello.txt HTTP/1.1\r\n");
	is $early->ending(1), 'open', 'a head has its own';
	$early->send("Host: x\r\n\r\n");
	is $early->response->status, 200, 'longer one';
	$server->finish;
};

for my $mode (qw(shared handoff reuseport)) {
	subtest "$mode: listeners with and without, and connections that move" => sub {
		plan skip_all => 'over TLS there are none that move' if Brood::Server::with_tls();
		my $dir = Brood::Server::new_dir();
		my $server = Brood::Configured->start(accept => $mode, workers => 2, access_log => "$dir/access.log",
			listen => \('( { address = "127.0.0.1:0"; proxy_protocol = true; },'
				    . " { address = \"unix:$dir/plain\"; } )"));
		my ($proxied, $plain) = ($server->address, "unix:$dir/plain");
		my $told = "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n";
		my @clients = map { Brood::Client->connect($proxied) } 1 .. 6;
		$_->send("$told$request") for @clients[0 .. 2];
		is $_->response->status, 200, 'told of, and answered' for @clients[0 .. 2];
		$clients[3]->send(substr $told, 0, 20);
		$clients[4]->send($told . substr $request, 0, 20);
		# Number 5 has sent nothing.
		my $other = Brood::Client->connect($plain);
		is $other->get('/hello.txt')->status, 200, 'no header on the other listener';
		my $wrong = Brood::Client->connect($plain);
		$wrong->send("$told$request");
		is $wrong->response->status, 400, 'where one is a bad request';
		my @before = $server->workers;
		for my $round (1 .. 2) {
			is $server->reload, 'done', "roll $round";
			wait_until(20, sub { !grep { my $pid = $_; grep { $_ == $pid } @before } $server->workers });
			@before = $server->workers;
		}
		$_->send($request) for @clients[0 .. 2];
		$clients[3]->send(substr($told, 20) . $request);
		$clients[4]->send(substr $request, 20);
		$clients[5]->send("PROXY TCP4 192.0.2.5 192.0.2.2 4711 80\r\n$request");
		is $clients[$_]->response->status, 200, "connection $_ goes on" for 0 .. 5;
		wait_until(10, sub { (my @now = clients("$dir/access.log")) >= 11 });
		my @all = clients("$dir/access.log");
		is_deeply [sort @all], [sort +('-') x 2, ('192.0.2.1') x 8, '192.0.2.5'],
		    'each with the client that was told of before or after the move';
		$_->close for @clients, $other;
		$server->finish;
	};
}

subtest 'switched on and off by a reload' => sub {
	my $server = Brood::Configured->start(workers => 2);
	my $header = "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n";
	my $kept = Brood::Client->connect($server->address);
	is $kept->get('/hello.txt')->status, 200, 'off';
	is $server->reload(proxy_protocol => \'true'), 'done', 'reload';
	is outcome($server, $header, $request), 200, 'on for new connections';
	is outcome($server, '', $request), 'closed', 'and mandatory';
	is $kept->get('/hello.txt')->status, 200, 'one from before goes on without';
	is $server->reload(proxy_protocol => \'false'), 'done', 'reload';
	is outcome($server, '', $request), 200, 'off again';
	is outcome($server, $header, $request), Brood::Server::with_tls() ? 'closed' : 400,
	    'and not looked for';
	$server->finish;
};

done_testing;
