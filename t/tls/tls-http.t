#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What HTTP has to do with TLS: which names belong together, HSTS, plain HTTP on a port of TLS.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;
use Brood::Tls qw(fetch make_pair);

plan skip_all => 'needs openssl, curl and IO::Socket::SSL'
    if !Brood::Tls::can_run() || !eval { require IO::Socket::SSL };

my $dir = Brood::Server::new_dir();
my $pair = make_pair("$dir", 'one.test');

# Both kinds of listeners, and an access log in JSON. Returns it with the addresses for TLS and plain HTTP.
sub server
{
	my (%set) = @_;
	my $server = Brood::Server->start(workers => 1, listen => ['tls:127.0.0.1:0', '127.0.0.2:0'], set => {
		tls_certificate => $pair->{certificate}, tls_key => $pair->{key}, access_log => "$dir/log",
		access_log_format => 'json', %set });
	return ($server, $server->address(0), $server->address(1));
}

sub tls
{
	my ($address, $name, %options) = @_;
	return Brood::Client->connect($address, tls => { SSL_hostname => $name // '', %options });
}

sub plain { return Brood::Client->connect($_[0], tls => 0) }

sub logged
{
	my ($regex) = @_;
	return wait_until(5, sub { Brood::Server::slurp("$dir/log") =~ $regex });
}

subtest 'a request is for the host that TLS was begun for (RFC 9110 section 7.4)' => sub {
	my ($server, $tls, $plain) = server();
	for my $version ('TLSv1_2', 'TLSv1_3') {
		my $client = tls($tls, 'One.test', SSL_version => $version);
		is $client->tls_version, $version, "over $version";
		is $client->get('/hello.txt', Host => $_)->status, 200, "one.test, Host: $_"
		    for 'one.test', 'ONE.Test', 'one.test.', 'one.test:8443', 'one.test.:1';
		my $response = $client->get('/hello.txt', Host => 'two.test');
		is $response->status, 421, 'Host: two.test is misdirected';
		ok $response->says_close, 'and the connection ends';
	}
	is tls($tls, 'one.test')->get('/', Host => $_)->status, 421, "so is $_" for 'sub.one.test', 'one.tes', 'one.testx', '127.0.0.1';
	is tls($tls)->get('/', Host => 'two.test')->status, 200, 'a client that names no host for TLS may name any';
	is tls($tls, 'one.test')->get('https://one.test/', Host => 'one.test')->status, 200, 'an https target is fine';
	is tls($tls, 'one.test')->get('https://two.test/', Host => 'one.test')->status, 421, 'but not one of another host';
	is plain($plain)->get('https://one.test/')->status, 421, 'without TLS no https target is';
	ok logged(qr/"request":"GET \/hello\.txt HTTP\/1\.1","status":421.*"reason":"Host is not the name that TLS was begun for"/),
	    'the log tells why';
	$server->finish;
};

subtest 'Strict-Transport-Security (RFC 6797)' => sub {
	my $value = 'max-age=31536000; includeSubDomains';
	for my $ids ('false', 'true') {
		my ($server, $tls, $plain) = server(hsts => $value, request_id => $ids, fallback => '/hello.txt');
		my ($secure, $open) = (tls($tls), plain($plain));
		for my $path (qw(/hello.txt /hello.txt /big.bin / /dir /none)) { # twice: from memory, too
			my ($one, $other) = map { $_->get($path) } $open, $secure;
			is $other->header('Strict-Transport-Security'), $value, "names of requests $ids: over TLS, $path";
			is $other->body, $one->body, 'with the same body';
			is $one->header('Strict-Transport-Security'), undef, 'without TLS there is none';
			is defined $other->header('X-Request-Id'), $ids eq 'true', 'and the name of the request';
		}
		my $varies = $secure->get('/none', Accept => 'text/html');
		is $varies->header('Vary'), 'Accept, Sec-Fetch-Mode', 'beside another field of that answer alone';
		is $varies->header('Strict-Transport-Security'), $value, 'which is there, too';
		$secure->send("GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n" x 20);
		is_deeply [map { $secure->response->header('Strict-Transport-Security') } 1 .. 20], [($value) x 20],
		    'in each of twenty answers at once';
		like $secure->get('/hello.txt', Connection => 'close')->raw_head,
		    qr/\r\nStrict-Transport-Security: \Q$value\E\r\nConnection: close\r\n\r\n\z/, 'in the last one';
		$server->finish;
	}
	my ($server, $tls) = server();
	is tls($tls)->get('/hello.txt')->header('Strict-Transport-Security'), undef, 'none unless it is set';
	$server->finish;
	for my $wrong ('includeSubDomains', 'max-age=', 'max-age=x', 'max-age="1', 'max-age=1' . '; x' x 100) {
		my $run = Brood::Server->run('-t', '-s', "hsts=$wrong", "$dir");
		isnt $run->{exit}, 0, 'refused: ' . substr $wrong, 0, 30;
		like $run->{stderr}, qr/hsts.*(?:max-age=SECONDS|too long)/, 'with the reason';
	}
};

subtest 'plain HTTP where TLS is spoken gets a readable answer' => sub {
	my ($server, $tls) = server();
	my $client = plain($tls);
	my $response = $client->get('/hello.txt');
	is $response->status, 400, 'a bad request';
	like $response->body, qr{<p>TLS is spoken here: use https://}, 'the page says what to do';
	ok $response->says_close, 'it is the last one';
	is $client->wait_end, 'closed', 'the connection ends without a reset';
	ok logged(qr/"scheme":"http",.*"status":400.*"reason":"plain HTTP where TLS is spoken"/), 'the log tells why';
	is tls($tls)->get('/hello.txt')->status, 200, 'others are served';
	$server->finish;
};

subtest 'kernel TLS where there is some, and none where there is not' => sub {
	my $kernel = Brood::Server::slurp('/proc/sys/net/ipv4/tcp_available_ulp') =~ /\btls\b/;
	my ($server, $tls) = server(tls_kernel => 'true');
	for my $version ('TLSv1_2', 'TLSv1_3') {
		my $client = tls($tls, 'one.test', SSL_version => $version);
		is $client->get($_, Host => 'one.test')->body, Brood::Server->content(substr $_, 1), "$version: $_"
		    for qw(/hello.txt /big.bin /1k.txt /big.bin);
	}
	SKIP: {
		skip 'kernel TLS: this kernel has none (tcp_available_ulp)', 1 if !$kernel;
		my $stat = Brood::Server::slurp('/proc/net/tls_stat');
		cmp_ok $stat =~ /^TlsTxSw\s+(\d+)/m ? $1 : 0, '>', 0, 'the kernel has sealed records';
	}
	$server->finish;
};

done_testing;
