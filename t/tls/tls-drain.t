#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# TLS connections that cannot move when their worker is replaced: they are told, and never cut. Those that
# can, by kernel TLS: tls-kernel.t.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use Brood::Tls;
use Brood::Together;
use Errno qw(EAGAIN);
use IO::Select;
use Time::HiRes qw(time);

plan skip_all => 'needs IO::Socket::SSL (libio-socket-ssl-perl)' if !eval { require IO::Socket::SSL };

sub start
{
	my (%set) = @_;
	return Brood::Server->start(listen => ['tls:127.0.0.1:0', '127.0.0.2:0'], workers => 4, control => 1,
		set => { tls_certificate => 'dev', tls_kernel => 'false', head_timeout => '10m', keepalive_timeout => '10m', %set });
}

# One context for all: each reads the system's authorities, which takes longer than a handshake.
my $context;
sub connect_tls
{
	my ($server) = @_;
	$context //= IO::Socket::SSL::SSL_Context->new(SSL_verify_mode => 0, SSL_ca_file => undef, SSL_ca_path => undef)
	    // die "TLS: $IO::Socket::SSL::SSL_ERROR";
	return IO::Socket::SSL->new(PeerAddr => $server->address(0), SSL_reuse_ctx => $context, Timeout => 20)
	    || die "no TLS connection: $IO::Socket::SSL::SSL_ERROR";
}

# One request, and the head of its answer; '' when the connection has ended.
sub ask
{
	my ($socket) = @_;
	local $SIG{PIPE} = 'IGNORE';
	print $socket "GET /digits.txt HTTP/1.1\r\nHost: x\r\n\r\n" or return '';
	my $text = '';
	until ($text =~ /\r\n\r\n0123456789\z/) {
		sysread $socket, $text, 4096, length $text or return '';
	}
	return $text;
}

# The end of the connection as TLS has it: 'announced' by close_notify, 'cut' without it, 'open' when none comes.
sub ending
{
	my ($socket, $until) = @_;
	my $result;
	$socket->blocking(0); # what comes need not be the server's answer: tickets
	until ($result) {
		my $left = $until - time;
		my $count = sysread $socket, my $octets, 4096;
		my $again = !defined $count && $! == EAGAIN;
		next if $count || ($again && $left > 0 && IO::Select->new($socket)->can_read($left));
		$result = $again ? 'open' : !defined $count ? 'cut'
		    : Net::SSLeay::get_shutdown($socket->_get_ssl_object) & 2 ? 'announced' : 'cut';
	}
	$socket->blocking(1);
	return $result;
}

together 'rolls do not wait for idle TLS connections' => sub {
	my $server = start(drain_timeout => '10m');
	my @tls = map { connect_tls($server) } 1 .. 200;
	like ask($_), qr/^HTTP\/1\.1 200 / for @tls[0 .. 3];
	my @plain = map { Brood::Client->connect($server->address(1)) } 1 .. 100;
	$_->get('/hello.txt') for @plain;
	my @old = $server->workers;
	my $begun = time;
	is $server->ctl('reload')->{exit}, 0, 'a reload succeeds';
	cmp_ok time - $begun, '<', 60, 'long before drain_timeout';
	is scalar(grep { alive($_) } @old), 4, 'the old workers hold the TLS connections';
	is scalar(grep { $_->ending(0) ne 'open' } @plain), 0, 'the plain ones have moved';
	my @heads = map { ask($_) } @tls;
	is scalar(grep { !m{^HTTP/1\.1 200 } } @heads), 0, 'each TLS connection is answered';
	is scalar(grep { !/^Connection: close\r$/m } @heads), 0, 'and told that this is the end of it';
	my $until = time + 20;
	is scalar(grep { ending($_, $until) ne 'announced' } @tls), 0, 'which is announced';
	ok wait_until(20, sub { !grep { alive($_) } @old }), 'then the old workers leave';
	is scalar(grep { $_->get('/hello.txt')->status ne '200' } @plain), 0, 'the plain ones are served';
	$server->finish;
};

together 'connections that are idle at drain_timeout are told goodbye' => sub {
	my $server = start(drain_timeout => '1s');
	my @tls = map { connect_tls($server) } 1 .. 50;
	ask($_) for @tls;
	ok $server->roll, 'a reload, up to the end of the old workers';
	my $until = time + 20;
	is_deeply { map { ending($_, $until) => 1 } @tls }, { announced => 1 }, 'by close_notify, each of them';
	$server->finish;
};

together 'a stop tells them, too' => sub {
	my $server = start();
	my @tls = map { connect_tls($server) } 1 .. 20;
	ask($_) for @tls;
	$server->signal('TERM');
	my $until = time + 20;
	is_deeply { map { ending($_, $until) => 1 } @tls }, { announced => 1 }, 'by close_notify';
	is $server->wait_exit, 0, 'exit status';
};

together 'handshakes have their time, and no more' => sub {
	my $server = start(tls_handshake_timeout => '1s', tls_handshakes_max => 5);
	my @silent = map { Brood::Client->connect($server->address(0), tls => 0) } 1 .. 3;
	my $half = Brood::Client->connect($server->address(0), tls => 0);
	$half->send("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"); # a hello's beginning
	is $_->wait_end, 'closed', 'one that says nothing is closed' for @silent;
	is $half->wait_end, 'closed', 'so is one that says half of a hello';
	my $idle = connect_tls($server);
	is ending($idle, time + 2), 'open', 'after the handshake there is the usual time';
	like ask($idle), qr/^HTTP/, 'for the first request';
	my @crowd = map { Brood::Client->connect($server->address(0), tls => 0) } 1 .. 100;
	like ask(connect_tls($server)), qr/^HTTP/, 'a hundred that say nothing are in nobody\'s way';
	$_->close for @crowd;
	$server->finish;
};

all_together();
done_testing;
