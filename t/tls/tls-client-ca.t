#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Those who sign clients' certificates (tls_client_ca) are watched as certificates are: others are picked up
# without a reload, a broken file is refused.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;
use Brood::Tls qw(make_pair resume session);
use Brood::Together;
use Brood::Versions;

plan skip_all => 'needs openssl, curl and IO::Socket::SSL'
    if !Brood::Tls::can_run() || !eval { require IO::Socket::SSL };

my $dir = Brood::Server::new_dir();
my $pair = make_pair("$dir", 'one.test');
my %authority = map { $_ => make_pair("$dir", "authority-$_") } 'a', 'b';
my %client = map { $_ => make_pair("$dir", "client-$_", by => $authority{$_}) } 'a', 'b';
my @versions = qw(tls1_2 tls1_3);
my $count = 0;

# Puts these authorities into a file as a renewal does: written beside, then renamed.
sub put
{
	my ($path, @which) = @_;
	Brood::Server::write_file("$path.new", join '', map { Brood::Server::slurp($authority{$_}{certificate}) } @which);
	rename "$path.new", $path or die "$path: $!";
	return $path;
}

sub settings
{
	my ($path) = @_;
	return { tls_certificate => $pair->{certificate}, tls_key => $pair->{key}, tls_client => 'required',
		tls_client_ca => $path, drain_timeout => '2s' };
}

# A server that knows authority a, from a file of its own.
sub start
{
	my (%want) = @_;
	my $path = put("$dir/ca-$$-" . ++$count . '.pem', 'a');
	my $server = Brood::Server->start(workers => 2, listen => ['tls:127.0.0.1:0'], %want, set => settings($path));
	return ($server, $path);
}

# An open connection with the certificate of a client of that authority; undef when it is refused.
sub come
{
	my ($server, $which) = @_;
	my $client = Brood::Client->connect($server->address, tls => {
		SSL_cert_file => $client{$which}{certificate}, SSL_key_file => $client{$which}{key} }) // return undef;
	return $client->get('/hello.txt')->status eq '200' ? $client : undef;
}

# How many of twelve are let in, spread over all workers.
sub let_in { my ($server, $which) = @_; return scalar grep { come($server, $which) } 1 .. 12 }

# The word gets around, and is kept.
sub is_let_in
{
	my ($server, $which, $yes, $name) = @_;
	my $want = $yes ? 12 : 0;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok wait_until(20, sub { let_in($server, $which) == $want }), $name;
	is let_in($server, $which), $want, "$name: by all workers";
}

sub certificate { return ('-cert', $client{ $_[0] }{certificate}, '-key', $client{ $_[0] }{key}) }
sub sessions { my ($server, $which) = @_; return map { session($server->address, "$dir", $_, certificate($which)) } @versions }

# How many of these sessions are resumed, each being tried six times.
sub resumed
{
	my ($server, $which, @sessions) = @_;
	return scalar grep { (resume($server->address, $_, certificate($which)))[0] } (@sessions) x 6;
}

sub refusals { return scalar grep { /used further on/ } $_[0]->stderr_lines }

together 'one that is added, and one that is taken away' => sub {
	my ($server, $path) = start();
	my @workers = $server->workers;
	my @old = sessions($server, 'a');
	is resumed($server, 'a', @old), 12, 'sessions of clients of a are resumed';
	is let_in($server, 'b'), 0, 'those of b are not let in';
	put($path, 'a', 'b');
	ok $server->wait_stderr(qr/info .*tls_client_ca '\Q$path\E': renewed, and used/), 'a log line tells of another file';
	is_let_in($server, 'b', 1, 'clients of b are let in');
	is let_in($server, 'a'), 12, 'those of a are still';
	is resumed($server, 'a', @old), 0, 'but no session from before is resumed';

	my %sessions = map { $_ => [sessions($server, $_)] } 'a', 'b';
	is resumed($server, $_, @{ $sessions{$_} }), 12, "sessions of clients of $_ are" for 'a', 'b';
	my $open = come($server, 'b');
	put($path, 'a');
	is_let_in($server, 'b', 0, 'b is taken away: its clients are not let in');
	is resumed($server, 'b', @{ $sessions{b} }), 0, 'nor do they get in by a session that they had';
	is scalar(grep { Brood::Tls::ask($server->address, '/hello.txt', '-servername', 'one.test', '-sess_in', $_,
		/(-tls1_.)$/, certificate('b'))->{text} =~ m{^HTTP/}m } (@{ $sessions{b} }) x 4), 0, 'not even as a beginning';
	is let_in($server, 'a'), 12, 'clients of a are let in';
	is $open->get('/hello.txt')->status, 200, 'a connection that stands goes on';
	is_deeply [sort $server->workers], [sort @workers], 'all by the same workers';
	is refusals($server), 0, 'nothing was refused';
	$server->finish;
};

together 'garbage changes nothing but a log line' => sub {
	my ($server, $path) = start();
	my @workers = $server->workers;
	Brood::Server::write_file($path, "nobody\n"); # in place, too
	ok $server->wait_stderr(qr/error .*tls_client_ca '\Q$path\E': .*no certificate in it.*used further on/), 'the line';
	kill 'KILL', @workers;
	is scalar($server->wait_new_workers(2, @workers)), 2, 'workers are replaced meanwhile';
	is_let_in($server, 'a', 1, 'clients of a are let in further on');
	is let_in($server, 'b'), 0, 'others are not';
	is refusals($server), 1, 'it is one line';
	unlink $path or die $!;
	ok $server->wait_stderr(qr/tls_client_ca .*No such file.*used further on/), 'a file that is not there';
	is let_in($server, 'a'), 12, 'changes nothing, either';
	put($path, 'b');
	is_let_in($server, 'b', 1, 'a good one is used');
	is let_in($server, 'a'), 0, 'and it alone';
	is refusals($server), 2, 'one line each';
	$server->finish;
};

together 'what is used goes on over reloads and upgrades' => sub {
	my $versions = Brood::Versions->new;
	my $path = put("$dir/ca-$$-" . ++$count . '.pem', 'a');
	my $server = $versions->start(listen => ['tls:127.0.0.1:0'], set => settings($path));
	put($path, 'b');
	is_let_in($server, 'b', 1, 'renewed');
	Brood::Server::write_file($path, "garbage\n");
	ok $server->wait_stderr(qr/used further on/), 'refused';
	my $run = $server->ctl('reload');
	is $run->{exit}, 1, 'a reload with garbage does not take place';
	like $run->{stderr}, qr/tls_client_ca '\Q$path\E': .*no certificate in it/, 'and it is told why';
	is_let_in($server, 'b', 1, 'what is used stays');
	$versions->put('next');
	$run = $server->ctl('upgrade');
	is $run->{exit}, 0, 'an upgrade while there is garbage' or diag $run->{stderr}, $server->stderr;
	is_let_in($server, 'b', 1, 'after the upgrade');
	is let_in($server, 'a'), 0, 'nobody else is let in';
	put($path, 'a');
	is_let_in($server, 'a', 1, 'renewed after the upgrade');
	is $server->ctl('reload')->{exit}, 0, 'reload';
	put($path, 'b');
	is_let_in($server, 'b', 1, 'renewed after the reload');
	$server->finish;
};

together 'what is wrong is told by brood -t, and keeps a server from starting' => sub {
	my $path = Brood::Server::write_file("$dir/bad.pem", "nobody\n");
	my %set = %{ settings($path) };
	my @options = ('-l', 'tls:127.0.0.1:0', '--control', 'off', map { ('-s', "$_=$set{$_}") } sort keys %set);
	for my $test ([], ['-t']) {
		my $run = Brood::Server->run(@options, @$test, $dir);
		is $run->{exit}, 1, "exit status 1 @$test";
		like $run->{stderr}, qr/tls_client_ca '\Q$path\E': .*no certificate in it/, 'with the reason';
		is scalar(split /\n/, $run->{stderr}), 1, 'in one line';
	}
};

all_together();
done_testing;
