#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What testssl.sh finds in protocols, ciphers, server defaults and vulnerabilities: nothing from MEDIUM on, but
# what t/testssl.waived lists. It takes a minute or two, so it is for BROOD_TEST_LONG=1.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Server;
use Brood::Tls qw(make_pair);
use JSON::PP;

my ($program) = grep { -x } map { ("$_/testssl", "$_/testssl.sh") } split /:/, $ENV{PATH};
plan skip_all => 'takes minutes: BROOD_TEST_LONG=1' if !$ENV{BROOD_TEST_LONG};
plan skip_all => 'needs testssl.sh and openssl' if !$program || !Brood::Tls::can_run();

my %bad = map { $_ => 1 } qw(MEDIUM HIGH CRITICAL FATAL);
my %waived = map { /^(\w+)\s+(.+)/ ? ($1 => $2) : () } split /\n/, Brood::Server::slurp("$FindBin::Bin/testssl.waived");
my $dir = Brood::Server::new_dir();
my $authority = make_pair("$dir", 'authority');
my @pairs = (make_pair("$dir", 'localhost', by => $authority),
	make_pair("$dir", 'localhost', by => $authority, kind => 'rsa:2048', name => 'rsa'));

# Its findings: { id, severity, finding }.
sub findings
{
	my ($address) = @_;
	my ($port) = $address =~ /:(\d+)\z/;
	my $file = "$dir/findings-$port.json";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		chdir "$dir";
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$file.txt";
		open STDERR, '>&', \*STDOUT;
		exec $program, qw(--quiet --color 0 --warnings off --ip 127.0.0.1 --protocols --std --fs --server-preference
		    --server-defaults --vulnerable), '--add-ca', $authority->{certificate}, '--jsonfile', $file, "localhost:$port"
		    or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	my $found = eval { decode_json(Brood::Server::slurp($file)) };
	diag Brood::Server::slurp("$file.txt") if !$found;
	return @{ $found // [] };
}

for my $profile ('intermediate', 'modern') {
	subtest "profile $profile" => sub {
		my $server = Brood::Server->start(workers => 2, listen => ['tls:127.0.0.1:0'], set => {
			tls_profile => $profile,
			tls_certificate => join(',', map { $_->{certificate} } @pairs),
			tls_key => join(',', map { $_->{key} } @pairs) });
		my @found = findings($server->address);
		cmp_ok scalar(@found), '>', 40, scalar(@found) . ' findings';
		my %versions = map { $_->{id} => $_->{finding} } grep { $_->{id} =~ /^(?:SSL|TLS)\w+\z/ } @found;
		is_deeply [sort grep { $versions{$_} =~ /^offered/ } keys %versions],
		    [$profile eq 'modern' ? 'TLS1_3' : ('TLS1_2', 'TLS1_3')], 'it has seen the versions that are spoken';
		my @counted = grep { $bad{ $_->{severity} } } @found;
		is join("\n", map { "$_->{severity} $_->{id}: $_->{finding}" } grep { !$waived{ (split / /, $_->{id})[0] } } @counted),
		    '', 'none of MEDIUM or above but those that are waived';
		note "waived: $_->{severity} $_->{id}: $_->{finding}" for grep { $waived{ (split / /, $_->{id})[0] } } @counted;
		is(Brood::Client->connect($server->address)->get('/hello.txt')->status, 200, 'the server is as before');
		$server->finish;
	};
}

done_testing;
