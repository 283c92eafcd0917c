#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# TLS by the real binary: listeners, certificates by site, what goes wrong at a start.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Configured;
use Brood::Server;
use Brood::Tls qw(chain_of fetch make_pair peer_certificate);

plan skip_all => 'needs openssl and curl' if !Brood::Tls::can_run();

my $dir = Brood::Server::new_dir();
my %pair = map { $_ => make_pair("$dir", $_) } qw(one.test two.test);
my $rsa = make_pair("$dir", 'one.test', name => 'rsa', kind => 'rsa:2048');
my $root = Brood::Server::make_tree("$dir/root", { 'hello.txt' => "Hello\n" });

sub tls_server
{
	my ($config, @args) = @_;
	return Brood::Server->start(bare => 1, args =>
		['-c', Brood::Server::write_file("$dir/conf", $config), '-w', 2, '--control', 'off', @args]);
}

subtest 'plain and TLS listeners side by side' => sub {
	my $server = Brood::Server->start(listen => ['tls:127.0.0.1:0', '127.0.0.2:0'], control => 1,
		set => { tls_certificate => $pair{'one.test'}{certificate}, tls_key => $pair{'one.test'}{key} });
	my ($tls, $plain) = ($server->address(0), $server->address(1));
	is_deeply [$server->urls], ["https://$tls", "http://$plain"], 'the ready line says https';
	like $server->ctl('--json', 'status')->{stdout},
	    qr/"address": "\Q$tls\E",\s+"tls": true.*"address": "\Q$plain\E",\s+"tls": false/s, 'so does status';
	my $got = fetch("https://one.test:" . $server->port(0) . '/hello.txt', $tls, $pair{'one.test'});
	is $got, "Hello, world!\n", 'a client that checks the certificate is served';
	is fetch("http://$plain/hello.txt", $plain), "Hello, world!\n", 'so is a plain one';
	$server->finish;
};

subtest 'the name asked for chooses the certificate' => sub {
	my $server = tls_server(<<"END");
listen = ( { address = "127.0.0.1:0"; tls = true; } );
root = "$root";
names = "one.test";
tls_certificate = [ "$pair{'one.test'}{certificate}", "$rsa->{certificate}" ];
tls_key = [ "$pair{'one.test'}{key}", "$rsa->{key}" ];
sites = ( { names = [ "two.test", "*.two.test" ]; tls_certificate = "$pair{'two.test'}{both}"; },
          { names = "three.test"; } );
END
	my $address = $server->address;
	for (['two.test', 'two.test'], ['a.b.two.test', 'two.test'], ['ONE.test', 'one.test'], ['other.test', 'one.test'],
		['three.test', 'one.test'], [undef, 'one.test']) {
		my ($name, $certificate) = @$_;
		is peer_certificate($address, $name), $pair{$certificate}{fingerprint},
		    ($name // 'no name') . ": that of $certificate";
	}
	is peer_certificate($address, 'one.test', '-sigalgs', 'rsa_pss_rsae_sha256'), $rsa->{fingerprint},
	    'a client without ECDSA gets the RSA one';
	$server->finish;
};

subtest 'a certificate for trying out' => sub {
	my $server = Brood::Server->start(listen => ['tls:127.0.0.1:0'], set => { tls_certificate => 'dev' },
		args => ['-s', 'names=dev.test,192.0.2.7']);
	my %made = (certificate => "$dir/dev.pem");
	Brood::Server::write_file($made{certificate}, chain_of($server->address));
	is fetch("https://$_:" . $server->port . '/hello.txt', $server->address, \%made), "Hello, world!\n", "it is good for $_"
	    for qw(dev.test localhost 127.0.0.1 192.0.2.7);
	like $server->stderr, qr/for trying out \(dev\.test 192\.0\.2\.7 localhost\)/, 'a log line tells what it is';
	my $before = peer_certificate($server->address);
	ok $server->roll, 'a reload';
	is peer_certificate($server->address), $before, 'it is the same after a reload';
	is scalar(keys %{{ map { peer_certificate($server->address) => 1 } 1 .. 20 }}), 1, 'and by all workers';
	$server->finish;
};

subtest 'what cannot be used' => sub {
	my $server = Brood::Configured->start(listen => 'tls:127.0.0.1:0', workers => 2,
		tls_certificate => $pair{'one.test'}{certificate}, tls_key => $pair{'one.test'}{key});
	my $address = $server->address;
	like $server->reload(tls_key => $pair{'two.test'}{key}), qr/failed: .*slot 0/, 'a reload with a key of another fails';
	like $server->stderr, qr/one\.test\.pem' with key '.*two\.test\.key': the key does not belong to the certificate/, 'with that reason';
	is peer_certificate($address), $pair{'one.test'}{fingerprint}, 'the old one is used';
	is $server->reload(tls_certificate => $pair{'two.test'}{both}, tls_key => undef), 'done', 'one with a good pair does not';
	is peer_certificate($address), $pair{'two.test'}{fingerprint}, 'the new one is used';
	$server->finish;
};

done_testing;
