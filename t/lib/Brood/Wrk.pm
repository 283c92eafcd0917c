# SPDX-License-Identifier: MIT
#
# Load by wrk: started, awaited, and its report read into numbers.
#
#     my $run = Brood::Wrk->start(url => $url, connections => 64, seconds => 3, close => 1);
#     ... something happens to the server ...
#     my $result = $run->result; # { requests, connect, read, write, timeout, bad_status, ... }
package Brood::Wrk;

use strict;
use warnings;
use Brood::Proc;

sub path
{
	my ($path) = grep { -x } map { "$_/wrk" } split /:/, $ENV{PATH};
	return $path;
}

# How long a load lasts: short by default, the judged length with BROOD_TEST_LONG=1.
sub seconds { return $ENV{BROOD_TEST_LONG} ? 10 : $_[0] }

# How many requests must have been made for a load to be one, of so many where they cost least: over TLS a request on a
# connection of its own costs a handshake.
sub enough { my ($count, $close) = @_; return $close && $ENV{BROOD_TEST_TLS} ? $count / 10 : $count }

# url, seconds, threads [2], connections [64], close (ask for Connection: close), headers (list of "Name:
# value"), cpu (pin to it), timeout (seconds until wrk counts a request as timed out [10]), latency.
sub start
{
	my ($class, %want) = @_;
	my @command;
	push @command, 'taskset', '-c', $want{cpu} if defined $want{cpu};
	push @command, path() // die("wrk is not installed\n");
	push @command, '-t' . ($want{threads} // 2), '-c' . ($want{connections} // 64),
	    "-d$want{seconds}s", '--timeout', ($want{timeout} // 10) . 's';
	push @command, '-H', $_ for @{ $want{headers} // [] };
	push @command, '-H', 'Connection: close' if $want{close};
	push @command, '--latency' if $want{latency};
	push @command, $want{url};
	my $pid = open(my $output, '-|') // die "fork: $!";
	if (!$pid) {
		open STDERR, '>&', \*STDOUT;
		exec @command or exit 127;
	}
	return bless { pid => $pid, output => $output }, $class;
}

# Ends it before its time; its report is of what it did so far.
sub stop
{
	my ($self) = @_;
	kill 'INT', $self->{pid} if $self->running;
	return $self->result;
}

# Waits for its end. "text" is wrk's own report; "problem" is set when it made none.
sub result
{
	my ($self) = @_;
	return $self->{result} if $self->{result};
	my $text = do { local $/; readline $self->{output} } // '';
	close $self->{output};
	return $self->{result} = parse($text);
}

sub parse
{
	my ($text) = @_;
	my %result = (text => $text, requests => 0, per_second => 0, bad_status => 0,
		map { $_ => 0 } qw(connect read write timeout));
	if ($text =~ /^\s*(\d+) requests in ([\d.]+)(us|ms|s|m)/m) {
		$result{requests} = $1;
		$result{seconds} = $2 * { us => 1e-6, ms => 1e-3, s => 1, m => 60 }->{$3};
	} else {
		$result{problem} = "wrk made no report: $text";
	}
	@result{qw(connect read write timeout)} = ($1, $2, $3, $4)
	    if $text =~ /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/;
	$result{bad_status} = $1 if $text =~ /Non-2xx or 3xx responses: (\d+)/;
	$result{per_second} = $1 if $text =~ m{Requests/sec:\s+([\d.]+)};
	$result{errors} = $result{connect} + $result{read} + $result{write} + $result{timeout};
	return \%result;
}

# "no errors in N requests", or what went wrong: one line for a test's diagnostics.
sub describe
{
	my ($result) = @_;
	return $result->{problem} if $result->{problem};
	return "$result->{requests} requests; socket errors: connect $result->{connect}, "
	    . "read $result->{read}, write $result->{write}, timeout $result->{timeout}; "
	    . "non-2xx: $result->{bad_status}";
}

sub running { return !$_[0]{result} && Brood::Proc::alive($_[0]{pid}) }

sub DESTROY
{
	my ($self) = @_;
	return if $self->{result};
	local ($?, $!);
	kill 'KILL', $self->{pid};
	close $self->{output};
}

1;
