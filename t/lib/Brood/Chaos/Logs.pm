# SPDX-License-Identifier: MIT
#
# The account at the end: each answered request is in the access logs once, with its status; what is missing was answered
# by a worker that was killed right after. Each death of a worker that the error log tells of is one of ours.
package Brood::Chaos::Logs;

use strict;
use warnings;

use constant LATE => 2.5; # seconds: lines are written within one, and a worker may stand still

sub new
{
	my ($class, $files, $requests, $causes) = @_;
	return bless { files => $files, requests => $requests, causes => $causes, missing => 0, missing_master => 0, lines => 0 }, $class;
}

sub check
{
	my ($self) = @_;
	my ($requests, $logged) = ($self->{requests}, '');
	my @wrong;
	my $find = sub { push @wrong, $_[0] if @wrong < 10 };
	$self->{files}->each_line('access', sub {
		my ($number, $status) = $_[0] =~ /&n=(\d+) HTTP\/1\.1" (\d+) / or return;
		$self->{lines}++;
		return $find->("the access log tells of a request $number that was not made") if $number >= $requests->{count};
		$find->("request $number is in the access log twice: $_[0]") if vec $logged, $number, 1;
		vec($logged, $number, 1) = 1;
		$find->("request $number: " . $requests->status_of($number) . " was answered, and logged is $_[0]")
		    if $requests->was_answered($number) && $status != $requests->status_of($number);
	});
	for my $number (0 .. $requests->{count} - 1) {
		$self->missing($number, $find) if !vec($logged, $number, 1) && $requests->was_answered($number);
	}
	push @wrong, map { "a strange line: $_" } $self->{files}->strange;
	return (@wrong, $self->deaths);
}

sub missing
{
	my ($self, $number, $find) = @_;
	my ($requests, $causes) = @$self{qw(requests causes)};
	my ($worker, $at) = ($requests->worker_of($number), $requests->answered_at($number));
	my $killed = $causes->was_killed($worker);
	return $self->{missing}++ if defined $killed && $at > $killed - LATE;
	return $self->{missing_master}++ if grep { $at > $_ - LATE && $at < $_ + LATE } @{ $causes->{master_killed} };
	$self->{lost}++;
	$find->(sprintf "request %d, answered by worker %d at %.3f, is not in the access log%s", $number, $worker, $at - $requests->{begun},
		defined $killed ? sprintf ' (killed at %.3f)', $killed - $requests->{begun} : '');
}

sub deaths
{
	my ($self) = @_;
	my (@wrong, %on_purpose);
	$self->{files}->each_line('error', sub { $on_purpose{$1} = 1 if $_[0] =~ /\[(\d+)\] debug_fault: / });
	$self->{files}->each_line('error', sub {
		my ($pid) = $_[0] =~ / worker \d+ \[(\d+)\] died while / or return;
		push @wrong, "not ours: $_[0]" if !$self->{causes}->was_killed($pid) && !$on_purpose{$pid} && @wrong < 10;
	});
	return @wrong;
}

sub summary
{
	my ($self) = @_;
	return "$self->{lines} lines of requests in the access logs; not there: $self->{missing} of workers that were killed, "
	    . "$self->{missing_master} of a server whose master was killed, " . ($self->{lost} // 0) . ' others';
}

1;
