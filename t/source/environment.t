#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Whatever the environment in which tests are started: each has its own, by t/run and without it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
my %given;
BEGIN { %given = %ENV }
use File::Copy qw(copy);
use Test::More;
use Brood::Server;

# As t/run is to give it to a test.
if ($given{BROOD_TEST_INNER}) {
	delete @given{qw(PWD OLDPWD SHLVL _)}; # which a shell makes
	is join(' ', grep { !Brood::Environment::keeps($_) } sort keys %given), 'HOME LC_ALL', 'nothing else is there';
	is join(' ', glob "$given{HOME}/* $given{HOME}/.[a-z]*"), '', 'the home is empty';
	is $given{LC_ALL}, 'C', 'the locale is C';
	is $given{BROOD_TEST_SEED}, 7, 'what is meant for tests is kept';
	done_testing;
	exit;
}

my $dir = Brood::Server::new_dir();
my %hostile = (
	(map { $_ => '/nowhere/at/all' } qw(NODE_EXTRA_CA_CERTS NODE_OPTIONS SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE CURL_HOME
		REQUESTS_CA_BUNDLE OPENSSL_CONF XDG_RUNTIME_DIR XDG_STATE_HOME NOTIFY_SOCKET PYTHONPATH GIT_DIR)),
	(map { $_ => 'http://127.0.0.1:1' } qw(http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY)),
	no_proxy => 'localhost', LISTEN_FDS => 3, LISTEN_PID => $$, BROOD_READY_FD => 1, NO_COLOR => 1, LANG => 'C.UTF-8', LC_ALL => 'C.UTF-8',
	PERL5OPT => '-w', MAKEFLAGS => '-n', HOME => '/nowhere', TZ => 'Asia/Kathmandu',
);

sub output_of
{
	my (@command) = @_;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		%ENV = (%ENV, %hostile, BROOD_TEST_SEED => 7, BROOD => Brood::Server::program());
		delete $ENV{BROOD_TEST_HOME};
		open STDOUT, '>', "$dir/output";
		open STDERR, '>&', \*STDOUT;
		chdir "$dir";
		exec @command or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return ($?, Brood::Server::slurp("$dir/output"));
}

# A build folder is one with a config.h: a log of the tests that run now is not overwritten.
my $build = $ENV{BROOD_BUILD} // Brood::Server::source_dir() . '/build';
copy("$build/config.h", "$dir/config.h") or plan skip_all => "no config.h in $build";
{
	local $ENV{BROOD_TEST_INNER} = 1;
	my ($status, $text) = output_of($^X, Brood::Server::source_dir() . '/t/run', 't/source/environment.t');
	is $status, 0, 'by t/run' or diag $text;
	like $text, qr/^4 passed, 0 failed, 0 skipped$/m, 'all of it was looked at';
}
my ($status, $text) = output_of($^X, "-I$FindBin::Bin/../lib", '-MBrood::Server', '-e', 'print join " ", sort keys %ENV');
is $status, 0, 'without t/run';
is join(' ', grep { $hostile{$_} } split / /, $text), 'HOME LC_ALL', 'nothing else is left of what was there';
done_testing;
