# SPDX-License-Identifier: MIT
#
# Subtests that mostly wait, for time limits of a server's or for its next look, and have nothing to do with one another:
# they are run at the same time, each by a process of its own, and told of in their order.
#
#     together 'one' => sub { my $server = Brood::Server->start; ...; $server->finish };
#     together 'another' => sub { ... };
#     all_together();
#
# What is open when all_together is called is open in each of the processes: connections, too.
package Brood::Together;

use strict;
use warnings;
use Exporter 'import';
use POSIX qw(WNOHANG);
use Test::More ();
use Time::HiRes qw(sleep);
use Brood::Server;

our @EXPORT = qw(together all_together);

my @waiting;

sub together { push @waiting, [@_] }

# Runs all that is waiting, so many at a time.
sub all_together
{
	my ($limit) = @_;
	Brood::Server::tls_settings(); # made once
	my $dir = Brood::Server::new_dir();
	my @tests = map { { name => $waiting[$_][0], code => $waiting[$_][1], said => "$dir/$_" } } 0 .. $#waiting;
	@waiting = ();
	my @next = @tests;
	my %running;
	for my $test (@tests) {
		until (defined $test->{status}) {
			begin($_), $running{ $_->{pid} } = $_ for splice @next, 0, ($limit // 4) - keys %running;
			for my $pid (keys %running) {
				(delete $running{$pid})->{status} = $? if waitpid($pid, WNOHANG) == $pid;
			}
			sleep 0.01;
		}
		report($test);
	}
}

sub begin
{
	my ($test) = @_;
	my $builder = Test::More->builder;
	$builder->output->flush;
	$builder->failure_output->flush;
	$test->{pid} = fork // die "fork: $!";
	return if $test->{pid};
	open my $said, '>', $test->{said} or die "$test->{said}: $!";
	$builder->reset;
	$builder->$_($said) for qw(output failure_output todo_output);
	$builder->no_ending(1);
	exit(Test::More::subtest($test->{name}, $test->{code}) ? 0 : 1);
}

# As if it had run here.
sub report
{
	my ($test) = @_;
	my @lines = split /^/, Brood::Server::slurp($test->{said});
	my ($verdict) = grep { /^(?:not )?ok 1\b/ } @lines;
	print grep { !/^(?:not )?ok 1\b/ } @lines;
	local $Test::Builder::Level = $Test::Builder::Level + 2;
	SKIP: {
		Test::More::skip("$test->{name}: $1", 1) if $test->{status} == 0 && ($verdict // '') =~ /# skip (.*)/;
		Test::More::ok(defined $verdict && $test->{status} == 0, $test->{name})
		    or Test::More::diag("its process ended with status $test->{status}");
	}
}

# What was forgotten is not to go unseen.
END { die "not run, for want of all_together: $waiting[0][0]\n" if @waiting }

1;
