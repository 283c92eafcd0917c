#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The true client behind proxies that are trusted: told by X-Forwarded-For or Forwarded, seen in the
# access log, true of one request only.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;

sub start
{
	my (%set) = @_;
	my $dir = Brood::Server::new_dir();
	my $server = Brood::Server->start(workers => 1, set => { access_log => "$dir/access.log", %set });
	return ($server, "$dir/access.log", $dir);
}

# The clients of the first COUNT lines.
sub clients
{
	my ($log, $count) = @_;
	my @lines;
	wait_until(10, sub { (@lines = split /\n/, Brood::Server::slurp($log)) >= $count });
	return [map { (split)[0] } @lines];
}

subtest 'who is trusted is believed, one request at a time' => sub {
	my ($server, $log, $dir) = start(trusted => '127.0.0.0/8,10.0.0.0/8');
	my $client = Brood::Client->connect($server->address);
	my @requests = (
		[['X-Forwarded-For', '192.0.2.1'], '192.0.2.1'],
		[[], '127.0.0.1'],
		[['X-Forwarded-For', '192.0.2.9, 192.0.2.2, 10.0.0.1'], '192.0.2.2'],
		[['X-Forwarded-For', '192.0.2.9', 'X-Forwarded-For', '[2001:db8::1]:4711, 10.0.0.1'], '2001:db8::1'],
		[['X-Forwarded-For', '192.0.2.9, rubbish'], '127.0.0.1'],
		[['X-Forwarded-For', '192.0.2.9, rubbish, 10.0.0.1'], '10.0.0.1'],
		[['Forwarded', 'for="[2001:db8::2]:80";proto=https, for=10.1.1.1'], '2001:db8::2'],
		[['Forwarded', 'for="192.0.2.9, for=192.0.2.3'], '192.0.2.3'],
		[['Forwarded', 'for=192.0.2.9', 'X-Forwarded-For', '192.0.2.4'], '192.0.2.4'],
		[['Forwarded', 'for=192.0.2.9, for=_hidden'], '127.0.0.1'],
		[['Forwarded', 'for=192.0.2.9, for=unknown, for=10.0.0.2'], '10.0.0.2'],
	);
	for my $request (@requests) {
		my $text = "GET /hello.txt HTTP/1.1\r\nHost: x\r\n";
		my @fields = @{ $request->[0] };
		while (my ($name, $value) = splice @fields, 0, 2) {
			$text .= "$name: $value\r\n";
		}
		$client->send("$text\r\n");
		is $client->response->status, 200, "@{$request->[0]}";
	}
	is_deeply clients($log, scalar @requests), [map { $_->[1] } @requests], 'the log has the true clients';
	$server->finish;
};

subtest 'nobody is believed without being trusted' => sub {
	my ($server, $log, $dir) = start(trusted => '10.0.0.0/8');
	my $client = Brood::Client->connect($server->address);
	$client->get('/', 'X-Forwarded-For' => '192.0.2.1');
	$client->get('/', 'Forwarded' => 'for=192.0.2.1');
	is_deeply clients($log, 2), ['127.0.0.1', '127.0.0.1'], 'the peer it is';
	$server->finish;
};

subtest 'the field can be chosen' => sub {
	my %client = (
		'auto' => '192.0.2.1', 'x-forwarded-for' => '192.0.2.1', 'forwarded' => '192.0.2.2', 'off' => '127.0.0.1');
	for my $field (sort keys %client) {
		my ($server, $log, $dir) = start(trusted => '127.0.0.1', forwarded => $field);
		my $client = Brood::Client->connect($server->address);
		$client->get('/', 'X-Forwarded-For' => '192.0.2.1', 'Forwarded' => 'for=192.0.2.2');
		is_deeply clients($log, 1), [$client{$field}], $field;
		$server->finish;
	}
};

subtest 'access rules are about the true client' => sub {
	for my $trusted ('127.0.0.0/8', '') {
		my ($server) = start(deny => '192.0.2.0/24', trusted => $trusted, forwarded => 'x-forwarded-for');
		my $client = Brood::Client->connect($server->address);
		my $kept_out = $trusted ? 403 : 200;
		is $client->get('/hello.txt', 'X-Forwarded-For' => '192.0.2.1')->status, $kept_out, "trusted '$trusted': kept out";
		is $client->get('/hello.txt', 'X-Forwarded-For' => '198.51.100.1')->status, 200, 'let in';
		is $client->get('/hello.txt')->status, 200, 'the proxy itself';
		is $client->get('/hello.txt', 'X-Forwarded-For' => '198.51.100.1, 192.0.2.1')->status, $kept_out, 'the last one counts';
		$server->finish;
	}
	my ($server) = start(allow => '192.0.2.0/24', trusted => '127.0.0.0/8', proxy_protocol => 'true', proxy_timeout => '10s');
	for my $case (['192.0.2.7', 200], ['198.51.100.7', 403]) {
		my $client = Brood::Client->connect($server->address, tls => 0);
		$client->send("PROXY TCP4 $case->[0] 127.0.0.1 4711 80\r\n");
		$client->speak_tls({}) if $server->url =~ /^https:/;
		is $client->get('/hello.txt')->status, $case->[1], "by the PROXY protocol: $case->[0]";
	}
	$server->finish;
};

subtest 'what is told never gets into a Location' => sub {
	my ($server, $log, $dir) = start(trusted => 'all');
	my $client = Brood::Client->connect($server->address);
	my $response = $client->get('/dir', 'X-Forwarded-Proto' => 'https', 'X-Forwarded-Host' => 'evil.example',
		'Forwarded' => 'for=192.0.2.1;proto=https;host=evil.example');
	is $response->status, 301, 'a folder without its slash';
	is $response->header('Location'), '/dir/', 'a relative place';
	$server->finish;
};

done_testing;
