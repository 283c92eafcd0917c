#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Where the kernel is older than openat2, or a filter keeps it from us (ENOSYS, EPERM), files are found all the same, and
# nothing leads out of a root: the tests of paths, links and of files that change, once more without that call.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Brood::Client;
use Brood::Server;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

my $build = $ENV{BROOD_BUILD} // "$FindBin::Bin/../../build";
my $refuse = Brood::Server::refuse_program();
my $dir = Brood::Server::new_dir();

system("$refuse ENOSYS true 2>$dir/refuse.err") == 0
    or plan skip_all => 'there are no filters for system calls here: ' . Brood::Server::slurp("$dir/refuse.err");

# Which of the tests look for files. Scripts take longer: each once.
my @unit = qw(epochs_test file_test gzip_test listing_test locations_test sites_test static_change_test static_test variants_test);
my %scripts = (ENOSYS => [qw(changing static)], EPERM => [qw(sites)]);

sub passes
{
	my ($name, $error, @command) = @_;
	my ($begin, $output) = (time, "$dir/output");
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDOUT, '>', $output;
		open STDERR, '>&', \*STDOUT;
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	my $status = $?;
	my $text = Brood::Server::slurp($output);
	my $passed = () = $text =~ /^ok /mg;
	ok($status == 0 && $passed > 0, sprintf "$error: $name: $passed passed in %.1f s", time - $begin)
	    or diag(join "\n", grep { /not ok|#/ } split /\n/, $text);
}

for my $error (qw(ENOSYS EPERM)) {
	SKIP: {
		skip 'needs cmocka (libcmocka-dev)', scalar @unit if !glob "$build/t/unit/http/*/*_test";
		passes($_, $error, $refuse, $error, (glob "$build/t/unit/http/*/$_")[0] // $_) for @unit;
	}
	local $ENV{BROOD_TEST_OPENAT2} = $error;
	passes("$_.t", $error, $^X, "-I$FindBin::Bin/../lib", "$FindBin::Bin/$_.t") for @{ $scripts{$error} };
}

for my $error (qw(ENOSYS EPERM)) {
	my $server = Brood::Server->start(openat2 => $error, workers => 3);
	my $said = sub { scalar grep { /openat2 is refused here/ } $server->stderr_lines };
	is($said->(), 1, "$error: is said, once, and by the master alone");
	ok($server->roll, "$error: workers are replaced");
	is(Brood::Client->connect($server->address)->get('/hello.txt')->{body}, "Hello, world!\n", "$error: the next ones serve files, too");
	is($said->(), 1, "$error: and it is not said again");
	$server->finish("$error: the server stops as asked");
}

my $server = Brood::Server->start;
my $kernel_has_it = syscall_is_there();
is(scalar(grep { /openat2/ } $server->stderr_lines), $kernel_has_it ? 0 : 1, 'what is not refused is not spoken of');
$server->finish;

# Of a descriptor that is none, with room for its third argument.
sub syscall_is_there
{
	my ($name, $how) = (".", "\0" x 24);
	syscall 437, -1, $name, $how, 24;
	return $!{EBADF};
}

done_testing;
