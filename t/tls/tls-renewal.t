#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Certificates that are renewed while the server runs: picked up without a reload, refused when broken.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Proc qw(wait_until);
use Brood::Server;
use Brood::Tls qw(make_pair peer_certificate);
use Brood::Together;
use Brood::Versions;
use Brood::Wrk;
use File::Copy qw(copy);

plan skip_all => 'needs openssl and curl' if !Brood::Tls::can_run();

my $dir = Brood::Server::new_dir();
my %pair = map { $_ => make_pair("$dir", 'one.test', name => $_) } 'a' .. 'd';
my $soon = make_pair("$dir", 'one.test', name => 'soon', days => 5);
my $count = 0;

# Puts files in place as a renewal does: written beside, then renamed.
sub put
{
	my ($from, $to) = @_;
	copy($from, "$to.new") && rename "$to.new", $to or die "$to: $!";
}

# A server with a pair of files of its own, and these.
sub start
{
	my (%want) = @_;
	my $home = "$dir/$$-" . ++$count;
	mkdir $home or die "$home: $!";
	put($pair{a}{certificate}, "$home/cert.pem");
	put($pair{a}{key}, "$home/key.pem");
	my $class = delete $want{class} // 'Brood::Server';
	my $server = $class->start(workers => 3, listen => ['tls:127.0.0.1:0'], %want,
		set => { tls_certificate => "$home/cert.pem", tls_key => "$home/key.pem", %{ $want{set} // {} } });
	return ($server, $home);
}

# All workers show that one.
sub is_shown
{
	my ($server, $which, $name) = @_;
	my $want = $pair{$which}{fingerprint};
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok wait_until(20, sub { peer_certificate($server->address) eq $want }), $name;
	is scalar(grep { peer_certificate($server->address) ne $want } 1 .. 12), 0, "$name: by all workers";
}

subtest 'a renewed pair is picked up under load' => sub {
	plan skip_all => 'wrk is not installed' if !Brood::Wrk::path();
	my ($server, $home) = start();
	my @workers = $server->workers;
	my @load = map { Brood::Wrk->start(url => $server->url('/1k.txt'), seconds => 60, connections => 8, threads => 1, close => $_) }
	    0, 1;
	for my $next (qw(b c)) {
		put($pair{$next}{certificate}, "$home/cert.pem");
		put($pair{$next}{key}, "$home/key.pem");
		ok $server->wait_stderr(qr/cert\.pem' with key .*: renewed/), 'a log line tells';
		is_shown($server, $next, "new handshakes show $next");
	}
	for (@load) {
		my $result = $_->stop;
		ok !$result->{problem} && $result->{requests} > 0 && !$result->{errors} && !$result->{bad_status}, 'no errors'
		    or diag Brood::Wrk::describe($result);
	}
	is_deeply [sort $server->workers], [sort @workers], 'by the same workers';
	$server->finish;
};

together 'garbage changes nothing but a log line' => sub {
	my ($server, $home) = start();
	my @workers = $server->workers;
	my $refused = sub { scalar grep { /used further on/ } $server->stderr_lines };
	Brood::Server::write_file("$home/cert.pem", "no certificate\n"); # in place, too
	ok $server->wait_stderr(qr/cert\.pem' with key .*no certificate in it.*used further on/), 'the line';
	kill 'KILL', $workers[0];
	ok wait_until(20, sub { $server->workers == 3 }), 'a worker is replaced meanwhile';
	is_shown($server, 'a', 'the old one is shown');
	is $refused->(), 1, 'it is one line';
	unlink "$home/key.pem" or die $!;
	put($pair{b}{certificate}, "$home/cert.pem");
	ok $server->wait_stderr(qr/No such file.*used further on/), 'a key that is not there';
	put($pair{c}{key}, "$home/key.pem");
	ok $server->wait_stderr(qr/the key does not belong to the certificate.*used further on/), 'a key of another';
	is_shown($server, 'a', 'the old one is still shown');
	put($pair{b}{key}, "$home/key.pem");
	is_shown($server, 'b', 'a good one is used');
	is $refused->(), 3, 'one line each';
	$server->finish;
};

together 'links that are switched, and a certificate that is replaced before its key' => sub {
	my ($server, $home) = start();
	for my $name (qw(cert key)) {
		symlink $pair{d}{ $name eq 'cert' ? 'certificate' : 'key' }, "$home/$name.link" or die $!;
	}
	rename "$home/cert.link", "$home/cert.pem" or die $!;
	ok $server->wait_stderr(qr/used further on/), 'for a while they do not fit';
	is peer_certificate($server->address), $pair{a}{fingerprint}, 'the old one is used';
	rename "$home/key.link", "$home/key.pem" or die $!;
	is_shown($server, 'd', 'then they do');
	$server->finish;
};

together 'what is used goes on over reloads and upgrades' => sub {
	my $versions = Brood::Versions->new;
	my $home = "$dir/$$-" . ++$count;
	mkdir $home or die $!;
	put($pair{a}{both}, "$home/both.pem");
	my $server = $versions->start(listen => ['tls:127.0.0.1:0'],
		set => { tls_certificate => "$home/both.pem", drain_timeout => '2s' });
	put($pair{b}{both}, "$home/both.pem");
	is_shown($server, 'b', 'renewed');
	Brood::Server::write_file("$home/both.pem", "garbage\n");
	ok $server->wait_stderr(qr/used further on/), 'refused';
	$versions->put('next');
	my $run = $server->ctl('upgrade');
	is $run->{exit}, 0, 'an upgrade while there is garbage' or diag $run->{stderr}, $server->stderr;
	is_shown($server, 'b', 'after the upgrade');
	put($pair{c}{both}, "$home/both.pem");
	is_shown($server, 'c', 'renewed after the upgrade');
	$run = $server->ctl('reload');
	is $run->{exit}, 0, 'reload';
	is_shown($server, 'c', 'after the reload');
	put($pair{d}{both}, "$home/both.pem");
	is_shown($server, 'd', 'renewed after the reload');
	$server->finish;
};

together 'the end of a certificate is told' => sub {
	my ($server, $home) = start();
	put($soon->{certificate}, "$home/cert.pem");
	put($soon->{key}, "$home/key.pem");
	ok $server->wait_stderr(qr/warn .*cert\.pem' with key .*expires in 4 days/), 'of one that is renewed with little time';
	ok $server->roll, 'rolled';
	is scalar(grep { /expires in/ } $server->stderr_lines), 1, 'once';
	$server->finish;

	$server = Brood::Server->start(listen => ['tls:127.0.0.1:0'], set => { tls_certificate => $soon->{both} });
	ok $server->wait_stderr(qr/warn .*soon\.both': expires in 4 days/), 'of one that a server starts with';
	$server->finish;
};

together 'what is wrong is told by brood -t, and keeps a server from starting' => sub {
	my @options = ('-l', 'tls:127.0.0.1:0', '-w', 2, '--control', 'off', '-s');
	for (["tls_certificate=$pair{a}{certificate}", qr/a\.pem': the key's file: there is no private key/],
		["tls_certificate=$pair{a}{both},$dir/none.pem", qr/none\.pem': No such file/],
		["tls_certificate=$dir", qr/is not a regular file/]) {
		my ($set, $like) = @$_;
		for my $test ([], ['-t']) {
			my $run = Brood::Server->run(@options, $set, @$test, $dir);
			is $run->{exit}, 1, "exit status 1 @$test";
			like $run->{stderr}, $like, 'with the reason';
			is scalar(split /\n/, $run->{stderr}), 1, 'in one line';
		}
	}
	my $run = Brood::Server->run(@options, "tls_certificate=$soon->{both}", '-t', $dir);
	is $run->{exit}, 0, 'one that ends soon is no error';
	like $run->{stderr}, qr/^brood: warning: certificate '.*soon\.both': expires in 4 days$/m, 'but told';
};

all_together(5);
done_testing;
