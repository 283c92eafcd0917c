#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# HTTP is the same over TLS: tests that are there for plain connections pass over TLS, too.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Brood::Server;
use Brood::Tls;

plan skip_all => 'needs openssl, curl and IO::Socket::SSL'
    if !Brood::Tls::can_run() || !eval { require IO::Socket::SSL };

my @tests = qw(changing closing codings conditional errors forwarded multirange pipelining places range rfc sites
    static);
my $dir = Brood::Server::new_dir();

# Its exit status, and what failed in it.
sub outcome
{
	my ($test) = @_;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		$ENV{BROOD_TEST_TLS} = 1;
		open STDOUT, '>', "$dir/$test.out";
		open STDERR, '>&', \*STDOUT;
		exec $^X, "-I$FindBin::Bin/lib", "$FindBin::Bin/$test.t" or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	my $status = $?;
	my $text = Brood::Server::slurp("$dir/$test.out");
	diag join "\n", grep { /^\s*(?:not ok|#)/ } split /\n/, $text if $status != 0;
	my $passed = () = $text =~ /^ok /mg;
	return ($status, $passed);
}

for my $test (@tests) {
	my ($status, $passed) = outcome($test);
	is $status, 0, "t/$test.t";
	cmp_ok $passed, '>', 3, "$passed of its tests have passed";
}

done_testing;
