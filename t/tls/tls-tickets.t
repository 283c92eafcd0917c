#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Sessions are resumed by any worker, whatever has happened to workers, master and keys since they began.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Proc qw(wait_until);
use Brood::Server;
use Brood::Tls qw(make_pair talk);
use Brood::Together;
use Brood::Versions;
use Time::HiRes qw(sleep time);

plan skip_all => 'needs openssl, curl and Net::SSLeay' if !Brood::Tls::can_run() || !Brood::Tls::can_talk();

my $dir = Brood::Server::new_dir();
my $pair = make_pair("$dir", 'one.test');
my %set = (tls_certificate => $pair->{both}, drain_timeout => '2s');

my %versions = ('TLS 1.2' => 0x0303, 'TLS 1.3' => 0x0304);

# Comes back so many times with each session: how often it was resumed, and answered, and by how many workers.
sub come_back
{
	my ($server, $times, @sessions) = @_;
	my ($resumed, %workers) = 0;
	for my $session ((@sessions) x $times) {
		my $found = talk($server->address, %$session, name => 'one.test', path => '/hello.txt');
		$resumed++ if $found->{reused} && $found->{answer} =~ m{^HTTP/1\.1 200 };
		$workers{ ($found->{answer} // '') =~ /^X-Brood-Worker: \S+-(\d+)\r$/m ? $1 : 'none' } = 1;
	}
	return ($resumed, scalar keys %workers);
}

# By version.
sub one_session_each
{
	my ($server) = @_;
	return map {
		my $found = talk($server->address, version => $versions{$_}, name => 'one.test', path => '/hello.txt');
		{ version => $versions{$_}, session => $found->{session} // die "no session of $_" };
	} sort keys %versions;
}

together '200 resumptions through 3 rolls, a reload, an upgrade and a key rotation' => sub {
	my $versions = Brood::Versions->new;
	my $server = $versions->start(listen => ['tls:127.0.0.1:0'], workers => 4, accept => 'handoff',
		set => { %set, handoff_policy => 'round-robin', tls_ticket_rotate => '4s', tls_ticket_lifetime => '10m' }, args => ['-v']);
	my @sessions = one_session_each($server);
	my ($total, $rotations) = (0, 0);
	my $phase = sub {
		my ($name, $times) = @_;
		my ($resumed, $workers) = come_back($server, $times, @sessions);
		is $resumed, 2 * $times, "$name: all of " . 2 * $times . ' resumed';
		is $workers, 4, "$name: by four workers";
		$total += $resumed;
	};
	$phase->('at first', 14);
	for my $n (1 .. 3) {
		is $server->ctl('restart')->{exit}, 0, 'a roll';
		$phase->("after roll $n", 14);
	}
	is $server->ctl('reload')->{exit}, 0, 'a reload';
	$phase->('after the reload', 14);
	$versions->put('next');
	is $server->ctl('upgrade')->{exit}, 0, 'an upgrade' or diag $server->stderr;
	$phase->('after the upgrade', 14);
	my $before = () = $server->stderr =~ /another key/g;
	ok wait_until(20, sub { my $now = () = $server->stderr =~ /another key/g; $now > $before }), 'another key';
	$phase->('after the rotation', 16);
	is $total, 200, '200 of 200';
	my @new = one_session_each($server);
	is((come_back($server, 4, @new))[0], 8, 'sessions under the new key');
	$server->finish;
};

together 'until the lifetime ends' => sub {
	my $server = Brood::Server->start(listen => ['tls:127.0.0.1:0'], workers => 4,
		set => { %set, tls_ticket_lifetime => '6s', tls_ticket_rotate => '2s' });
	my $begun = time;
	my @sessions = one_session_each($server);
	my ($early, $resumed) = (0, 0);
	while (1) {
		my ($now) = come_back($server, 1, @sessions);
		last if time - $begun >= 5; # their time is in whole seconds
		$early += 2;
		$resumed += $now;
	}
	is $resumed, $early, "all of $early before it" or diag $server->stderr;
	cmp_ok $early, '>', 0, 'there were some';
	sleep 0.1 while time - $begun < 8;
	is((come_back($server, 5, @sessions))[0], 0, 'none of 10 after it');
	$server->finish;
};

together 'keys in a file that several servers share' => sub {
	my $file = Brood::Server::write_file("$dir/keys", pack 'C*', map { int rand 256 } 1 .. 80);
	my @servers = map { Brood::Server->start(listen => ['tls:127.0.0.1:0'], set => { %set, tls_ticket_keys => $file }) } 1, 2;
	my @sessions = one_session_each($servers[0]);
	is((come_back($servers[1], 4, @sessions))[0], 8, 'the other one resumes sessions');
	my $old = Brood::Server::slurp($file);

	Brood::Server::write_file($file, substr $old, 1);
	ok $_->wait_stderr(qr/keys': want keys of 80 octets each.*used further on/), 'a file of a bad size is told' for @servers;
	is((come_back($servers[1], 2, @sessions))[0], 4, 'and changes nothing');
	is scalar(grep { /further on/ } $servers[0]->stderr_lines), 1, 'it is one line';

	Brood::Server::write_file($file, join('', map { chr int rand 256 } 1 .. 80) . $old);
	ok $_->wait_stderr(qr/2 keys, used from now on/), 'a new key in front of the old one' for @servers;
	my @new = one_session_each($servers[1]);
	is((come_back($servers[0], 2, @sessions, @new))[0], 8, 'sessions under both are resumed');

	Brood::Server::write_file($file, substr Brood::Server::slurp($file), 0, 80);
	ok $_->wait_stderr(qr/1 key, used from now on/), 'the new key alone' for @servers;
	is((come_back($servers[0], 2, @new))[0], 4, 'sessions under it are resumed');
	is((come_back($servers[0], 2, @sessions))[0], 0, 'those under the old one are not');

	ok $servers[0]->roll, 'rolled';
	is((come_back($servers[0], 2, @new))[0], 4, 'new workers have the keys, too');
	$_->finish for @servers;
	my $run = Brood::Server->run('-l', 'tls:127.0.0.1:0', '--control', 'off', '-s', 'tls_certificate=dev', '-s',
		'tls_ticket_keys=' . Brood::Server::write_file("$dir/bad", 'x'), $dir);
	is $run->{exit}, 1, 'with a bad file there is no start';
	like $run->{stderr}, qr/bad': want keys of 80 octets each, not 1 octets$/m, 'and it is told why';
};

all_together();
done_testing;
