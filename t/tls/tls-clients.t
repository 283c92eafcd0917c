#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Certificates of clients (tls_client, tls_client_ca), and what the access log tells of TLS.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;
use Brood::Tls qw(make_pair);
use JSON::PP;

plan skip_all => 'needs openssl, curl and IO::Socket::SSL'
    if !Brood::Tls::can_run() || !eval { require IO::Socket::SSL };

my $dir = Brood::Server::new_dir();
my $pair = make_pair("$dir", 'one.test');
my $authority = make_pair("$dir", 'authority');
my %client = (
	good => make_pair("$dir", 'client', by => $authority, subject => '/O=Some, Inc/CN=A "client"'),
	wrong => make_pair("$dir", 'stranger'),
);

# The way of a client without a certificate, with a good one, with one that nobody known has signed.
sub server
{
	my (%set) = @_;
	unlink "$dir/log";
	return Brood::Server->start(workers => 1, listen => ['tls:127.0.0.1:0', '127.0.0.2:0'], set => {
		tls_certificate => $pair->{certificate}, tls_key => $pair->{key}, access_log => "$dir/log",
		access_log_format => 'json', tls_client_ca => $authority->{certificate}, %set });
}

sub tls
{
	my ($server, $version, $which) = @_;
	my $own = $which ? $client{$which} : undef;
	return Brood::Client->connect($server->address(0), tls => { SSL_version => $version,
		$own ? (SSL_cert_file => $own->{certificate}, SSL_key_file => $own->{key}) : () });
}

# What comes of it: a status, or the end of the handshake in words.
sub outcome
{
	my $client = tls(@_) // return $Brood::Client::tls_error;
	my $response = $client->get('/hello.txt');
	return $response->status =~ /alert/ ? $Brood::Client::tls_error : $response->status;
}

# The n-th line of the log, once it is there.
sub line
{
	my ($n) = @_;
	my @lines;
	wait_until(5, sub { (@lines = split /\n/, Brood::Server::slurp("$dir/log")) > $n });
	return decode_json($lines[$n] // '{}');
}

my %alert = (
	missing => { TLSv1_2 => qr/handshake failure/, TLSv1_3 => qr/certificate required/ },
	wrong => { TLSv1_2 => qr/unknown ca/, TLSv1_3 => qr/unknown ca/ },
);

subtest 'required' => sub {
	my $server = server(tls_client => 'required');
	for my $version ('TLSv1_2', 'TLSv1_3') {
		like outcome($server, $version), $alert{missing}{$version}, "$version: without a certificate there is an alert";
		like outcome($server, $version, 'wrong'), $alert{wrong}{$version}, 'so there is with one of somebody else';
		is outcome($server, $version, 'good'), 200, 'a good one is let in';
	}
	is_deeply [@{ line(1) }{qw(status client_subject client_fingerprint tls_version tls_cipher tls_resumed)}],
	    [200, 'CN=A \\"client\\",O=Some\\, Inc', $client{good}{fingerprint} =~ tr/A-Z:/a-z/dr, 'TLSv1.3',
		'TLS_AES_128_GCM_SHA256', JSON::PP::false], 'the log tells of it';
	is line(0)->{tls_version}, 'TLSv1.2', 'and of those who were turned away nothing';
	$server->finish;
};

# In TLS 1.3 a client may send before it can know that it is not let in.
subtest 'who is refused can read why, whatever it has sent meanwhile' => sub {
	my $server = server(tls_client => 'required');
	my $request = "GET /hello.txt HTTP/1.1\r\nHost: x\r\nX: " . 'x' x 8000 . "\r\n\r\n";
	my (%sent, %ending);
	for (1 .. 20) {
		my $client = tls($server, 'TLSv1_3', $_ % 2 ? 'wrong' : undef);
		$sent{ $client->send($request x 40) ? 'all' : 'not all' }++;
		$ending{ $client->wait_end }++;
	}
	is_deeply \%sent, { all => 20 }, 'what a client sends is taken';
	is_deeply \%ending, { alert => 20 }, 'and it reads the alert';
	$server->finish;
};

subtest 'optional' => sub {
	my $server = server(tls_client => 'optional');
	for my $version ('TLSv1_2', 'TLSv1_3') {
		is outcome($server, $version), 200, "$version: a client may come without";
		like outcome($server, $version, 'wrong'), $alert{wrong}{$version}, 'but not with one of somebody else';
		is outcome($server, $version, 'good'), 200, 'nor is a good one in the way';
	}
	ok !exists line(0)->{client_subject}, 'without a certificate the log has nothing of one';
	ok exists line(1)->{client_subject}, 'with it, it has';
	$server->finish;
};

# The site's demand is the demand of its name, which need not be given, and of Host.
subtest 'nobody gets around a site that wants a certificate' => sub {
	my $root = Brood::Server::make_tree("$dir/private", { 'hello.txt' => 'private' });
	my $server = Brood::Server->start(workers => 1, listen => ['tls:127.0.0.1:0'], config => <<"END",
sites = ( { names = [ "private.test" ]; root = "$root"; tls_client = "required"; tls_client_ca = "$authority->{certificate}"; } );
END
		set => { tls_certificate => $pair->{certificate}, tls_key => $pair->{key} });
	my $status = sub {
		my ($name, $host, $which, $version) = @_;
		my $own = $which ? $client{$which} : undef;
		my $client = Brood::Client->connect($server->address, tls => { SSL_hostname => $name, SSL_version => $version,
			$own ? (SSL_cert_file => $own->{certificate}, SSL_key_file => $own->{key}) : () })
		    // return $Brood::Client::tls_error;
		$client->send("GET /hello.txt HTTP/1." . ($host ? "1\r\nHost: $host\r\n\r\n" : "0\r\n\r\n"));
		my $response = $client->response;
		return $response->status =~ /alert/ ? $Brood::Client::tls_error : $response->status;
	};
	for my $version ('TLSv1_2', 'TLSv1_3') {
		is $status->('private.test', 'private.test', 'good', $version), 200, "$version: with one it answers";
		like $status->('private.test', 'private.test', undef, $version), $alert{missing}{$version}, 'and not without';
		is $status->('', 'private.test', undef, $version), 421, 'nor to who asked for no name';
		is $status->('', 'private.test', 'good', $version), 421, 'even with one: it has not been asked for';
		is $status->('', 'other.test', undef, $version), 200, 'where others answer';
		is $status->('other.test', 'private.test', undef, $version), 421, 'nor to who asked for another';
		is $status->('other.test', 'other.test', undef, $version), 200, 'which answers';
		is $status->('other.test', undef, undef, $version), 200, 'also where there is no Host';
	}
	$server->finish;

	$server = Brood::Server->start(workers => 1, listen => ['tls:127.0.0.1:0'], config => <<"END",
sites = ( { names = [ "open.test" ]; root = "$root"; tls_client = "off"; } );
END
		set => { tls_certificate => $pair->{certificate}, tls_key => $pair->{key}, tls_client => 'required',
			tls_client_ca => $authority->{certificate} });
	is $status->('open.test', 'open.test', undef, 'TLSv1_3'), 200, 'a site may want none where all others do';
	is $status->('open.test', undef, undef, 'TLSv1_3'), 421, 'and does not stand for them, where there is no Host';
	$server->finish;
};

subtest 'nor by speaking without TLS' => sub {
	my $server = server(tls_client => 'required', health_allow => '127.0.0.1, 127.0.0.2');
	my $client = Brood::Client->connect($server->address(1));
	my $response = $client->get('/hello.txt');
	is $response->status, 403, 'who cannot show a certificate is not let in';
	like $response->body, qr/over TLS only/, 'and told why';
	is line(0)->{reason}, "plain HTTP where a client's certificate is wanted", 'so is the log';
	is $client->get('/-/ready')->status, 200, 'a balancer may ask whether the server is ready';
	$server->finish;
	$server = server(tls_client => 'optional');
	is(Brood::Client->connect($server->address(1))->get('/hello.txt')->status, 200, 'where it is optional all are let in');
	$server->finish;
};

subtest 'off' => sub {
	my $server = server(tls_client => 'off');
	is outcome($server, 'TLSv1_3', 'wrong'), 200, 'nobody asks for a certificate';
	is(Brood::Client->connect($server->address(1))->get('/hello.txt')->status, 200, 'without TLS');
	is_deeply [map { exists line(0)->{$_} } qw(client_subject tls_version)], ['', 1], 'the log has what there is';
	is_deeply [grep { /tls|client_/ } keys %{ line(1) }], [], 'of plain connections it says nothing of TLS';
	$server->finish;
};

done_testing;
