#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Certificates that can be read, but that OpenSSL does not let a worker use: found out before one has to. And
# what clients would not like about others.
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

plan skip_all => 'needs openssl and curl' if !Brood::Tls::can_run();

# Of the machine's roots and its openssl.cnf nothing is to depend.
my $dir = Brood::Server::new_dir();
$ENV{SSL_CERT_FILE} = Brood::Server::write_file("$dir/roots", '');
$ENV{SSL_CERT_DIR} = "$dir/none";
$ENV{OPENSSL_CONF} = Brood::Server::write_file("$dir/openssl.cnf", <<'END');
openssl_conf = start
[start]
ssl_conf = tls
[tls]
system_default = default
[default]
CipherString = DEFAULT:@SECLEVEL=2
[req]
distinguished_name = nobody
[nobody]
END

my @ca = (more => ['-addext', 'basicConstraints=critical,CA:TRUE']);
my $good = make_pair("$dir", 'one.test', name => 'good');
my $better = make_pair("$dir", 'one.test', name => 'better');
my $root = make_pair("$dir", 'root', kind => 'rsa:2048', @ca);
my $weak_root = make_pair("$dir", 'weak-root', kind => 'rsa:1024', @ca);

sub with_chain
{
	my ($pair, @chain) = @_;
	Brood::Server::write_file($pair->{both}, join '', map { Brood::Server::slurp($_) } $pair->{certificate},
		(map { $_->{certificate} } @chain), $pair->{key});
	return $pair;
}

# What OpenSSL says of each.
my %refused = (
	'a key of RSA with 1024 bits' => [make_pair("$dir", 'one.test', name => 'short', kind => 'rsa:1024'), qr/ee key too small/],
	'a signature with SHA-1' => [with_chain(make_pair("$dir", 'one.test', name => 'sha1', by => $root, more => ['-sha1']), $root), qr/ca md too weak/],
	'a signature with MD5' => [with_chain(make_pair("$dir", 'one.test', name => 'md5', by => $root, more => ['-md5']), $root), qr/ca md too weak/],
	'a weak authority behind it' => [with_chain(make_pair("$dir", 'one.test', name => 'chain', by => $weak_root), $weak_root), qr/ca key too small/],
);
my $count = 0;

sub put
{
	my ($from, $to) = @_;
	Brood::Server::write_file("$to.new", Brood::Server::slurp($from));
	rename "$to.new", $to or die "$to: $!";
	return $to;
}

sub start
{
	my (%set) = @_;
	my $path = put($good->{both}, "$dir/$$-" . ++$count . '.pem');
	my $server = Brood::Server->start(workers => 2, control => 1, listen => ['tls:127.0.0.1:0'],
		set => { tls_certificate => $path, drain_timeout => '2s', %set });
	return ($server, $path);
}

sub is_shown
{
	my ($server, $pair, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is scalar(grep { peer_certificate($server->address) ne $pair->{fingerprint} } 1 .. 4), 0, $name;
}

# What brood -t, or a start, says with these settings.
sub try
{
	my ($set, @test) = @_;
	return Brood::Server->run('-l', 'tls:127.0.0.1:0', '--control', 'off', (map { ('-s', "$_=$set->{$_}") } sort keys %$set), @test, $dir);
}

sub is_told
{
	my ($set, $like, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	for my $test ([], ['-t']) {
		my $run = try($set, @$test);
		is $run->{exit}, 1, "$name: exit status 1 @$test";
		like $run->{stderr}, $like, 'with the reason';
		is scalar(split /\n/, $run->{stderr}), 1, 'in one line';
	}
}

together 'keeps a server from starting, by -t and in earnest' => sub {
	for my $what (sort keys %refused) {
		my ($pair, $like) = @{ $refused{$what} };
		is_told({ tls_certificate => $pair->{both} }, qr/certificate '\Q$pair->{both}\E': the certificate cannot be used: $like/, $what);
	}
	my $short = $refused{'a key of RSA with 1024 bits'}[0];
	is_told({ tls_certificate => "$good->{both},$short->{both}" }, qr/certificate '\Q$short->{both}\E': .*ee key too small/, 'a second pair');
	is_told({ tls_certificate => $good->{both}, tls_client => 'required', tls_client_ca => $good->{key} },
		qr/tls_client_ca '\Q$good->{key}\E': .*no certificate in it/, 'a key for an authority');
};

together 'a renewal with one is refused, and changes nothing but a log line' => sub {
	my %path = map { $_ => put($good->{both}, "$dir/$$-" . ++$count . '.pem') } sort keys %refused;
	my ($server) = start(tls_certificate => join ',', map { $path{$_} } sort keys %path);
	my @workers = $server->workers;
	put($refused{$_}[0]{both}, $path{$_}) for keys %refused;
	for my $what (sort keys %refused) {
		ok $server->wait_stderr(qr/error .*certificate '\Q$path{$what}\E': the certificate cannot be used: $refused{$what}[1].*used further on/), $what;
	}
	is_shown($server, $good, 'the one from before is shown');
	is_deeply [sort $server->workers], [sort @workers], 'by the same workers';
	kill 'KILL', @workers;
	is scalar($server->wait_new_workers(2, @workers)), 2, 'workers that are started then';
	is_shown($server, $good, 'show it, too');
	my $run = $server->ctl('reload');
	is $run->{exit}, 1, 'a reload with such files does not take place';
	like $run->{stderr}, qr/certificate '[^']*': the certificate cannot be used/, 'and it is told why';
	is_shown($server, $good, 'the one from before is shown');
	is $server->ctl('restart')->{exit}, 0, 'a restart of workers';
	is_shown($server, $good, 'neither does that change it');
	ok !(grep { /renewed/ } $server->stderr_lines), 'nothing was called renewed';
	my $last = $path{ (sort keys %path)[-1] }; # of several of one kind
	put($better->{both}, $last);
	ok $server->wait_stderr(qr/\Q$last\E': renewed, and used from now on/), 'a good one is used';
	is_shown($server, $better, 'by all workers');
	$server->finish;
};

# Of what a worker has read once, a new one may have another notion: openssl.cnf.
sub level { Brood::Server::write_file($ENV{OPENSSL_CONF}, Brood::Server::slurp($ENV{OPENSSL_CONF}) =~ s/SECLEVEL=\K\d/$_[0]/r) }

subtest 'what a check finds good, but workers do not, is not used either' => sub {
	my $medium = make_pair("$dir", 'one.test', name => 'medium', kind => 'rsa:2048');
	level(3);
	my ($server, $path) = start();
	my @workers = $server->workers;
	level(2);
	put($medium->{both}, $path);
	ok $server->wait_stderr(qr/error .*\Q$path\E': .*ee key too small; it cannot be renewed in this worker/), 'a worker tells why';
	ok $server->wait_stderr(qr/error .*\Q$path\E': workers cannot use it; the one from before is used further on/), 'and the server';
	is_shown($server, $good, 'the one from before is shown');
	kill 'KILL', @workers;
	is scalar($server->wait_new_workers(2, @workers)), 2, 'workers that are started then';
	is_shown($server, $good, 'begin with what workers had taken');
	ok !(grep { /renewed, / } $server->stderr_lines), 'nothing was called renewed';
	$server->finish;
};

together 'renewed is what workers have taken, and those that start have it then' => sub {
	my ($server, $path) = start();
	my ($slow, $quick) = $server->workers;
	kill 'STOP', $slow;
	put($better->{both}, $path);
	ok wait_until(20, sub { peer_certificate($server->address) eq $better->{fingerprint} }), 'one has it';
	ok !(grep { /renewed/ } $server->stderr_lines), 'that is not all of them';
	kill 'KILL', $quick;
	my ($new) = $server->wait_new_workers(1, $slow, $quick);
	is_shown($server, $good, 'one that starts meanwhile has the former one');
	kill 'CONT', $slow;
	ok $server->wait_stderr(qr/\Q$path\E': renewed, and used from now on/), 'all of them';
	ok wait_until(20, sub { !grep { peer_certificate($server->address) ne $better->{fingerprint} } 1 .. 8 }), 'it is shown by all';
	is_deeply [sort $server->workers], [sort $slow, $new], 'and by that one';
	$server->finish;
};

together 'an upgrade goes on with what workers have taken' => sub {
	my $versions = Brood::Versions->new;
	my $path = put($good->{both}, "$dir/$$-" . ++$count . '.pem');
	my $server = $versions->start(listen => ['tls:127.0.0.1:0'], set => { tls_certificate => $path, drain_timeout => '2s' });
	put($refused{'a signature with SHA-1'}[0]{both}, $path);
	ok $server->wait_stderr(qr/md too weak.*used further on/), 'refused';
	$versions->put('next');
	my $run = $server->ctl('upgrade');
	is $run->{exit}, 0, 'an upgrade meanwhile' or diag $run->{stderr}, $server->stderr;
	is_shown($server, $good, 'the one from before is shown');
	my @workers = $server->workers;
	kill 'KILL', @workers;
	is scalar($server->wait_new_workers(scalar @workers, @workers)), scalar @workers, 'workers are replaced';
	is_shown($server, $good, 'it still is');
	put($better->{both}, $path);
	ok $server->wait_stderr(qr/\Q$path\E': renewed, and used from now on/), 'a good one is used';
	is_shown($server, $better, 'by all workers');
	$server->finish;
};

# By -t: what is said as warnings, without the paths.
sub warnings_of
{
	my ($pair, %more) = @_;
	my $run = try({ tls_certificate => $pair->{both}, %more }, '-t');
	is $run->{exit}, 0, 'it is fine';
	return [map { /^brood: warning: (?:certificate|tls_client_ca) '[^']*': (.*)/ ? $1 : () } @{ $run->{lines} }];
}

together 'names that a certificate does not cover are told' => sub {
	is_deeply warnings_of($good), [], 'nothing, where a site has no names';
	is_deeply warnings_of($good, names => 'one.test,www.one.test,*.one.test'), [], 'nor when it covers them';
	is_deeply warnings_of($good, names => 'two.test,one.test,*.two.test,a.b.one.test,192.0.2.7'),
	    ["does not cover 'two.test', '*.two.test', 'a.b.one.test' and 1 more"], 'those that it does not';
	my ($server, $path) = start(names => 'one.test');
	put(make_pair("$dir", 'other.test', name => 'other')->{both}, $path);
	ok $server->wait_stderr(qr/warn .*\Q$path\E': does not cover 'one\.test'/), 'by one that is renewed';
	ok $server->wait_stderr(qr/\Q$path\E': renewed/), 'which is used';
	$server->finish;
};

together 'a chain that ends too early is told' => sub {
	my $middle = make_pair("$dir", 'middle', by => $root, @ca);
	my $leaf = sub { my ($name, $by, @more) = @_; return make_pair("$dir", 'one.test', name => $name, by => $by, more => \@more) };
	my $missing = qr/^its issuer 'CN=middle' is not in the file, and no root that this system knows/;
	like warnings_of($leaf->('alone', $middle))->[0], $missing, 'one without its intermediate';
	is_deeply warnings_of(with_chain($leaf->('led', $middle), $middle)), [], 'nothing of one with it';
	is_deeply warnings_of(with_chain($leaf->('all', $middle), $middle, $root)), [], 'nor with the root, too';
	like warnings_of(with_chain($leaf->('wrong', $middle), $root))->[0], qr/do not lead from one to the next/, 'one with another one';
	my $public = make_pair("$dir", 'public', by => $middle, more => [@{ $ca[1] }, '-addext', 'authorityInfoAccess=caIssuers;URI:http://ca.test/']);
	like warnings_of(with_chain($leaf->('lower', $public), $public))->[0], $missing, 'an intermediate that tells of one more';
	local $ENV{SSL_CERT_FILE} = $middle->{certificate};
	is_deeply warnings_of($leaf->('known', $middle)), [], 'nothing where the issuer is a root that is known';
	is_deeply warnings_of(with_chain($leaf->('lower', $public), $public)), [], 'nor there';
};

together 'authorities of clients that let nobody in are told' => sub {
	my $warnings = sub { return warnings_of($good, tls_client => 'required', tls_client_ca => $_[0]) };
	my $bundle = Brood::Server::write_file("$dir/bundle.pem", join '', map { Brood::Server::slurp($_->{certificate}) } $root, $weak_root);
	is_deeply $warnings->($root->{certificate}), [], 'nothing of one that does';
	is_deeply $warnings->($weak_root->{certificate}), ['the keys of 1 of its 1 authorities are too small: no client of theirs is let in'], 'a weak one';
	is_deeply $warnings->($bundle), ['the keys of 1 of its 2 authorities are too small: no client of theirs is let in'], 'one among others';
};

together 'a name that a reload gives to a site is told when its certificate does not cover it' => sub {
	my $path = $good->{both};
	my $server = Brood::Server->start(workers => 2, control => 1, listen => ['tls:127.0.0.1:0'], config => qq{names = "one.test";\n},
		set => { tls_certificate => $path });
	my $told = sub { return scalar grep { /warn .*\Q$path\E': does not cover/ } $server->stderr_lines };
	is $told->(), 0, 'nothing at first';
	Brood::Server::write_file($server->{config_file}, qq{names = ["one.test", "new.test"];\n});
	is $server->ctl('reload')->{exit}, 0, 'a reload';
	ok $server->wait_stderr(qr/warn .*\Q$path\E': does not cover 'new\.test'/), 'tells the new one';
	is $server->ctl('reload')->{exit}, 0, 'one more';
	is $told->(), 1, 'tells nothing';
	$server->finish;
};

all_together();
done_testing;
