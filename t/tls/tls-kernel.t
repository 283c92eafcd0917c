#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Where the kernel seals and opens records, TLS connections move from worker to worker as plain ones do, and
# clients do not notice. t/kernel/run runs this under a kernel that can, where the one at hand cannot.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use Brood::Tls qw(make_pair);
use Brood::Versions;
use Errno qw(ENOTCONN);
use JSON::PP;
use Socket qw(AF_INET IPPROTO_TCP SOCK_STREAM);

use constant TCP_ULP => 31;

plan skip_all => 'needs openssl, curl and IO::Socket::SSL'
    if !Brood::Tls::can_run() || !eval { require IO::Socket::SSL };

# Asking makes the kernel load its module.
socket(my $socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
plan skip_all => 'kernel TLS: this kernel has none (tcp_available_ulp)'
    if setsockopt($socket, IPPROTO_TCP, TCP_ULP, "tls\0") || $! != ENOTCONN;

$ENV{BROOD_TEST_TLS} = 1; # servers of Brood::Configured speak it

my $dir = Brood::Server::new_dir();
my $pair = make_pair("$dir", 'one.test');
my $authority = make_pair("$dir", 'authority');
my $known = make_pair("$dir", 'known', by => $authority, subject => '/CN=known');

# Sockets by which the kernel opens records, of the whole machine.
sub opened_by_kernel { return Brood::Server::slurp('/proc/net/tls_stat') =~ /^TlsCurrRxSw\s+(\d+)/m ? $1 : 0 }

sub client
{
	my ($server, $version, %tls) = @_;
	my $client = Brood::Client->connect($server->address, limit => 60, tls => { SSL_version => $version, %tls })
	    // die "no TLS: $Brood::Client::tls_error";
	$client->get('/hello.txt', Host => $tls{SSL_hostname} // 'x')->ok or die 'no answer';
	return $client;
}

# OpenSSL gives the kernel the keys that open records in TLS 1.2, and from 3.2 on in 1.3.
my @versions = grep {
	my $server = Brood::Configured->start(workers => 1);
	my $client = client($server, $_);
	my $opened = opened_by_kernel();
	$server->finish;
	$opened > 0;
} qw(TLSv1_2 TLSv1_3);
is $versions[0], 'TLSv1_2', "the kernel gets the keys of @versions";

for my $version (@versions) {
	for my $mode (qw(shared handoff reuseport)) {
		subtest "$version, $mode: idle connections move" => sub {
			my $server = Brood::Configured->start(accept => $mode, workers => 3);
			my @kept = map { client($server, $version) } 1 .. 20;
			my (%workers, @bad);
			for my $roll (1 .. 3) {
				my %old = map { $_ => 1 } $server->workers;
				my $verdict = $server->reload // 'none';
				my $wrong = Brood::Configured::ask_all(\%workers, @kept);
				my $by_old = grep { $old{ (split /-/)[2] } } keys %workers;
				push @bad, "roll $roll: $verdict; $wrong; $by_old old workers answered"
				    if $verdict ne 'done' || $wrong || $by_old;
				wait_until(30, sub { !grep { alive($_) } keys %old })
				    or push @bad, "roll $roll: old workers stay";
			}
			is_deeply \@bad, [], 'each time all are open and are answered, by new workers only';
			$server->finish;
		};
	}

	subtest "$version: whatever they are doing" => sub {
		my $server = Brood::Configured->start(workers => 2, access_log => "$dir/log-$version",
			access_log_format => 'json');
		my ($half, $many, $large) = map { client($server, $version) } 1 .. 3;
		my $request = "GET /digits.txt HTTP/1.1\r\nHost: x\r\n\r\n";
		$half->send(substr $request, 0, 20);
		$many->send($request x 50 . substr $request, 0, 7);
		$large->send("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n" x 8); # more than the sockets hold
		is $server->reload, 'done', 'a roll';
		$half->send(substr $request, 20);
		my $response = $half->response;
		is $response->body, '0123456789', 'the rest of a head reaches the next worker';
		is +($response->worker)[1], 1, 'which is one of the next generation';
		$many->send(substr $request, 7);
		is scalar(grep { $many->response->body ne '0123456789' } 1 .. 51), 0, 'all that was asked at once is answered';
		is scalar(grep { $large->response->body ne Brood::Server->content('big.bin') } 1 .. 8), 0,
		    'what was being sent goes on, octet for octet';
		is $large->get('/hello.txt')->status, 200, 'and then moves, too';
		$server->finish;
		my @lines = map { decode_json($_) } split /\n/, Brood::Server::slurp("$dir/log-$version");
		my $tls = join '.', $version =~ /(\d)_(\d)/;
		is_deeply { map { "$_->{tls_version} " . length($_->{tls_cipher} // '') => 1 } @lines },
		    { "TLSv$tls " . length $lines[0]{tls_cipher} => 1 }, 'the log knows of each request that it came over TLS';
	};

	subtest "$version: a name and a certificate go along" => sub {
		my $server = Brood::Configured->start(workers => 2, access_log => "$dir/facts-$version", access_log_format => 'json',
			tls_certificate => $pair->{certificate}, tls_key => $pair->{key}, tls_client => 'required',
			tls_client_ca => $authority->{certificate});
		my $client = client($server, $version, SSL_hostname => 'one.test', SSL_cert_file => $known->{certificate},
			SSL_key_file => $known->{key});
		is $server->reload, 'done', 'a roll';
		is $client->get('/hello.txt', Host => 'one.test')->status, 200, 'a client with a certificate is served further on';
		is $client->get('/hello.txt', Host => 'two.test')->status, 421, 'for the host that it asked for, and no other';
		is $client->wait_end, 'closed', 'and no further';

		my $other = client($server, $version, SSL_hostname => 'one.test', SSL_cert_file => $known->{certificate},
			SSL_key_file => $known->{key});
		is $server->reload(tls_client_ca => $pair->{certificate}), 'done', 'now others sign certificates';
		my $response = $other->get('/hello.txt', Host => 'one.test');
		is $response->status, 200, 'who was let in before is answered by the worker that did so';
		ok $response->says_close, 'for the last time';
		is $other->wait_end, 'closed', 'with close_notify';
		$server->finish;
		my @lines = map { decode_json($_) } split /\n/, Brood::Server::slurp("$dir/facts-$version");
		is $lines[1]{client_fingerprint}, $known->{fingerprint} =~ tr/A-Z:/a-z/dr, 'the log tells whose it is';
		is $lines[1]{client_subject}, 'CN=known', 'by its subject, too';
	};

	subtest "$version: a client that is slow to read gets all of the last answer" => sub {
		my $server = Brood::Configured->start(workers => 1);
		my $client = client($server, $version);
		$client->send("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n" x 7
			. "GET /big.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
		my $content = Brood::Server->content('big.bin');
		is scalar(grep { sleep 1 if $_ == 6; $client->response->body ne $content } 1 .. 8), 0, 'eight mebibytes';
		is $client->wait_end, 'closed', 'and that it is the end';
		$server->finish;
	};

	subtest "$version: so does one that has closed its half" => sub {
		my $server = Brood::Configured->start(workers => 1);
		my $client = client($server, $version);
		$client->send("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n" x 4);
		Net::SSLeay::shutdown($client->{socket}->_get_ssl_object); # close_notify, without a FIN
		my $content = Brood::Server->content('big.bin');
		is scalar(grep { sleep 1 if $_ == 2; $client->response->body ne $content } 1 .. 4), 0, 'four mebibytes';
		is $client->wait_end, 'closed', 'and that it is the end';
		$server->finish;
	};

	subtest "$version: a new version of the program" => sub {
		my $versions = Brood::Versions->new;
		my $server = $versions->start(workers => 2);
		my @kept = map { client($server, $version) } 1 .. 5;
		$versions->put('next');
		is $server->ctl('upgrade')->{exit}, 0, 'takes over';
		is $versions->of($server), $versions->version('next'), 'in place';
		is Brood::Configured::ask_all(\my %workers, @kept), '', 'with the connections that there are';
		is scalar(grep { $_->{generation} } @{ $versions->status($server)->{workers} }), 2, 'by new workers';
		$server->finish;
	};

	subtest "$version: at a stop" => sub {
		my $server = Brood::Configured->start(workers => 2);
		my @kept = map { client($server, $version) } 1 .. 5;
		$server->signal('TERM');
		is_deeply { map { $_->wait_end => 1 } @kept }, { closed => 1 }, 'idle ones are told goodbye';
		is $server->wait_exit, 0, 'exit status';
	};
}

subtest 'where it is not wanted' => sub {
	my $server = Brood::Configured->start(workers => 1, tls_kernel => \'false');
	my $client = client($server, 'TLSv1_2');
	is opened_by_kernel(), 0, 'the kernel gets no keys';
	is $server->reload, 'done', 'a roll';
	ok $client->get('/hello.txt')->says_close, 'the next answer is the last';
	$server->finish;
};

done_testing;
