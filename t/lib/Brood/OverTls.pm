# SPDX-License-Identifier: MIT
#
# HTTP is the same over TLS: tests that are there for plain connections are run once more with servers that
# speak TLS by OpenSSL, whatever the kernel can (BROOD_TEST_TLS=openssl, see Brood::Server). Each t/*/*.t is in one of
# the lists here or in the table of those that are left out.
package Brood::OverTls;

use strict;
use warnings;
use Brood::Server;
use Brood::Tls;
use POSIX ();
use Test::More ();
use Time::HiRes qw(time);

# By the file that runs them. Of a test that takes long, one accept mode is gone through (Brood::Server::modes).
our %tests = (
	'tls-suite' => [qw(calm changing closing codings conditional damage differential errors forwarded limits locations logs
		multirange pipelining range rfc sites static)],
	'tls-suite-clients' => [qw(balancers browser client-limits clients health idle peers proxy-protocol)],
	'tls-suite-processes' => [qw(daemon download orphans privileges scale start stop)],
	'tls-suite-alone' => [qw(accept-modes resources rolling slow-clients stop-storm supervision)],
);

# Single subtests that mean nothing over TLS say so where they are.
my $moving = 'is about connections that move, which there are none of without kernel TLS: see tls-kernel, tls-drain';
my $talking = 'is about broodctl and the master, to whom connections are all the same';
our %left_out = (
	'broodctl' => $talking,
	'chaos' => 'has clients over TLS and without at once',
	'broodctl-alone' => 'broodctl without a server',
	'coming-back' => $moving,
	'container' => 'is about what processes may do, whatever they read',
	'deployments' => 'is about where files are, whatever the requests came by',
	'documents' => 'starts no server',
	'environment' => 'is about tests',
	'flood' => 'half of its clients speak TLS',
	'fuzz' => 'starts no server; some of its targets are TLS',
	'haproxy' => $moving,
	'links' => 'is about files that the server writes',
	'linger' => 'is about what master and workers do to sockets, whatever is said on them',
	'listeners' => 'does what matters over TLS, too',
	'llhttp' => 'starts no server',
	'log-process' => 'is about logs, whatever the requests came by',
	'moving' => $moving,
	'no-openat2' => 'is about files, whatever the requests came by',
	'octets' => 'does all over TLS, too',
	'prove' => 'the server and the clients are those of `brood prove`, which speak plainly',
	'recycle' => $moving,
	'reload' => $moving . ', tls-renewal, tls-tickets',
	'scoreboard' => 'is about memory that workers write to, whatever they read',
	'requirements' => 'starts servers that do not come as far as a connection',
	'sandbox' => 'is about what processes may do, whatever they read',
	'signals' => 'is about the master and who waits for it',
	'source-format' => 'reads the source',
	'source-circles' => 'reads the objects',
	'source-headers' => 'reads the source',
	'source-homes' => 'reads the source',
	'source-layers' => 'reads the source',
	'source-settings' => 'reads the source',
	'source-words' => 'reads the source',
	'spread' => $moving,
	'start-failures' => 'starts servers that do not come as far as a connection',
	'syscalls' => 'counts the calls of a plain connection',
	'systemd' => 'is about the service manager, whatever the requests came by',
	'turmoil' => $moving,
	'upgrade' => $moving . ', tls-tickets',
	'upgrade-path' => 'is about the program, whatever it speaks',
	'upgrade-turmoil' => $moving,
	'upgrade-way-back' => $moving,
	'verdicts' => $moving,
	'walks' => 'reads the source and the documents',
	'watchdog' => 'is about workers that hang: what they were doing makes no difference',
	(map { $_ => 'is about TLS' } qw(testssl tls tls-client-ca tls-clients tls-drain tls-http tls-kernel
		tls-limits tls-refused tls-renewal tls-tickets)),
	(map { $_ => 'runs others over TLS' } keys %tests),
);

my $folder = Brood::Server::source_dir() . '/t';

# Names are unique, whatever folder a test is in.
sub path_of
{
	my ($test) = @_;
	my ($path) = glob "$folder/*/$test.t";
	return $path // die "there is no test $test\n";
}

sub runs_alone { return Brood::Server::slurp(path_of($_[0])) =~ /^# runs alone\b/m }

# What is wrong with the lists, as lines of text.
sub wrong_lists
{
	my (%where, @wrong);
	for my $file (keys %tests) {
		push @{ $where{$_} }, $file for @{ $tests{$file} };
		push @wrong, map { runs_alone($_) && !runs_alone($file) ? "$file runs $_, which runs alone" : () } @{ $tests{$file} };
	}
	push @{ $where{$_} }, 'left out' for keys %left_out;
	my %there = map { m{([^/]+)\.t\z} ? ($1 => 1) : () } glob "$folder/*/*.t";
	push @wrong, map { "$_ is in no list" } grep { !$where{$_} } sort keys %there;
	push @wrong, map { "$_ is listed, but not there" } grep { !$there{$_} } sort keys %where;
	push @wrong, map { "$_ is listed more than once" } grep { @{ $where{$_} } > 1 } sort keys %where;
	return @wrong;
}

# Runs a test. Its exit status, what it said, and how many seconds it took.
sub run
{
	my ($test, $dir) = @_;
	my $begin = time;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		$ENV{BROOD_TEST_TLS} = 'openssl';
		open STDOUT, '>', "$dir/$test.out";
		open STDERR, '>&', \*STDOUT;
		exec $^X, "-I$folder/lib", path_of($test) or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	my $status = $?;
	return ($status, Brood::Server::slurp("$dir/$test.out"), time - $begin);
}

# A test for each of a file's list.
sub run_all
{
	my ($file) = @_;
	my $dir = Brood::Server::new_dir();
	for my $test (@{ $tests{$file} }) {
		my ($status, $text, $seconds) = run($test, $dir);
		my $passed = () = $text =~ /^ok /mg;
		SKIP: {
			Test::More::skip("$test.t: $1", 1) if $text =~ /^1\.\.0 # SKIP (.*)/m;
			Test::More::ok($status == 0 && $passed > 0, sprintf "$test.t: $passed passed in %.1f s", $seconds)
			    or Test::More::diag(join "\n", grep { /^\s*(?:not ok|#)/ } split /\n/, $text);
		}
	}
}

sub can_run { return Brood::Tls::can_run() && eval { require IO::Socket::SSL } }

1;
