# SPDX-License-Identifier: MIT
#
# Facts about processes, read from /proc. Nothing here changes a process. Functions return undef (or
# an empty list) when the process is gone meanwhile.
package Brood::Proc;

use strict;
use warnings;
use Exporter 'import';
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(alive call_in children cpu_us descriptors in_group name own_kib pss_kib state status tree
    wait_until zombies);

sub slurp
{
	my ($path) = @_;
	open my $file, '<', $path or return undef;
	local $/;
	my $text = readline $file; # undef with ESRCH when the process ended after the open
	close $file;
	return $text;
}

# The fields of /proc/PID/stat behind the name: state, ppid, pgrp, ... (proc(5) counts them from 3).
sub stat_fields
{
	my ($pid) = @_;
	my $text = slurp("/proc/$pid/stat") // return;
	$text =~ s/^.*\) //s or return;
	return split ' ', $text;
}

sub all_pids
{
	opendir my $dir, '/proc' or die "/proc: $!";
	return grep { /^\d+$/ } readdir $dir;
}

# "R", "S", "T", "Z", ...
sub state { return (stat_fields($_[0]))[0] }

sub name
{
	my $text = slurp("/proc/$_[0]/comm") // return undef;
	chomp $text;
	return $text;
}

sub alive
{
	my $state = state($_[0]);
	return defined $state && $state !~ /[ZX]/;
}

# Living children, and those of any state with `zombies`.
sub offspring
{
	my ($pid) = @_;
	my $listed = slurp("/proc/$pid/task/$pid/children");
	return split ' ', $listed if defined $listed;
	return grep { ((stat_fields($_))[1] // 0) == $pid } all_pids();
}

sub children
{
	my @children = sort { $a <=> $b } grep { alive($_) } offspring($_[0]);
	return @children; # an array: in scalar context their number
}

sub zombies { return grep { (state($_) // '') eq 'Z' } offspring($_[0]) }

sub tree
{
	my ($pid) = @_;
	return ($pid, map { tree($_) } children($pid));
}

# All living processes of a process group, or with MARK in their environment (a daemon leaves its
# group; other users' environments can be read by root only).
sub in_group
{
	my ($group, $mark) = @_;
	my @found;
	for my $pid (all_pids()) {
		my @fields = stat_fields($pid) or next;
		next if $fields[0] =~ /[ZX]/;
		push @found, $pid
		    if $fields[2] == $group
		    || (defined $mark && index(slurp("/proc/$pid/environ") // '', $mark) >= 0);
	}
	return @found;
}

# /proc/PID/status as a hash of texts.
sub status
{
	my $text = slurp("/proc/$_[0]/status") // return {};
	return { $text =~ /^(\w+):[ \t]*(.*?)[ \t]*$/mg };
}

# fd => what it is ("socket:[4711]", "/dev/null", ...).
sub descriptors
{
	my ($pid) = @_;
	opendir my $dir, "/proc/$pid/fd" or return {};
	my %links = map { $_ => readlink "/proc/$pid/fd/$_" } grep { /^\d+$/ } readdir $dir;
	delete $links{$_} for grep { !defined $links{$_} } keys %links;
	return \%links;
}

# How many sockets a process holds.
sub sockets { return scalar grep { /^socket:/ } values %{ descriptors($_[0]) // {} } }

# Proportional set size: memory of this process, shared pages divided by their users.
sub pss_kib
{
	my $text = slurp("/proc/$_[0]/smaps_rollup") // return undef;
	return $text =~ /^Pss:\s+(\d+) kB/m ? $1 : undef;
}

# The same without its part of files: that changes with who else has mapped the same libraries.
sub own_kib
{
	my $text = slurp("/proc/$_[0]/smaps_rollup") // return undef;
	my %part = $text =~ /^(Pss\w*):\s+(\d+) kB/mg;
	return defined $part{Pss} ? $part{Pss} - ($part{Pss_File} // 0) : undef;
}

# Microseconds of CPU, user and system, of all threads: from the scheduler's nanoseconds, or from clock
# ticks where the kernel keeps no such account.
sub cpu_us
{
	my ($pid) = @_;
	my ($total, $known) = (0, 0);
	for my $path (glob "/proc/$pid/task/*/schedstat") {
		my $text = slurp($path) // next;
		$total += (split ' ', $text)[0] / 1000;
		$known = 1;
	}
	return $total if $known;
	my @fields = stat_fields($pid) or return 0;
	return ($fields[11] + $fields[12]) * 1_000_000 / ticks_per_second();
}

sub ticks_per_second
{
	require POSIX;
	return POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# Stops a process so that not even SIGCONT or SIGABRT reaches it, as a debugger does: by a child of ours that
# traces it. Undef where that is not allowed.
sub hold
{
	my ($pid) = @_;
	require Config;
	return undef if $Config::Config{archname} !~ /^x86_64/; # the number of ptrace(2) is the machine's
	pipe my $reader, my $writer or die "pipe: $!";
	my $child = fork // die "fork: $!";
	if (!$child) {
		close $reader;
		syswrite $writer, syscall(101, 16, $pid, 0, 0) == 0 ? 'y' : 'n'; # PTRACE_ATTACH
		# Its parent hears of its end only after us.
		alarm 60;
		my $status = pack 'i', 0x7f; # it has stopped
		1 while (unpack('i', $status) & 0xff) == 0x7f && syscall(61, $pid, $status, 0x40000000, 0) == $pid; # wait4, __WALL
		require POSIX;
		POSIX::_exit(0);
	}
	close $writer;
	sysread $reader, my $answer, 1;
	return $child if $answer eq 'y';
	let_go($child);
	return undef;
}

sub let_go
{
	kill 'KILL', $_[0];
	waitpid $_[0], 0;
}

# Has a process make a system call, as whoever has taken it over would: by a child of ours that traces it for that
# moment. Returns what the kernel answers (-1 for EPERM and so on); undef where it cannot be done. What signals it gets
# meanwhile makes no difference, to neither.
sub call_in
{
	my ($pid, $number, @arguments) = @_;
	require Config;
	return undef if $Config::Config{archname} !~ /^x86_64/; # so are all the numbers below
	pipe my $reader, my $writer or die "pipe: $!";
	my $child = fork // die "fork: $!";
	if (!$child) {
		$SIG{ALRM} = 'DEFAULT';
		alarm 60; # a guard against hanging only
		syswrite $writer, trace_call($pid, $number, @arguments) // '';
		require POSIX;
		POSIX::_exit(0);
	}
	close $writer;
	my $answer = readline $reader;
	waitpid $child, 0;
	warn "process $pid did not come to an end of its system call $number\n" if $? == 14;
	return $answer;
}

# Kinds of stops of a traced process, as wait(2) tells them.
my ($at_call, $at_rest) = (0x80 | 5, 128 << 8); # by PTRACE_O_TRACESYSGOOD; PTRACE_EVENT_STOP, with any signal

# Lets it run from a stop (0: none that matters), by that request, up to a wanted one. It gets the signals that it would
# have got.
sub run_to
{
	my ($pid, $request, $wanted, $stop) = @_;
	while (1) {
		my $signal = $stop > 64 ? 0 : $stop;
		return 0 if syscall(101, $request, $pid, 0, $signal) != 0;
		$stop = next_stop($pid) // return 0;
		return 1 if $stop == $wanted || ($stop & ~0xff) == $wanted;
	}
}

# Undef: it has ended.
sub next_stop
{
	my ($pid) = @_;
	my $status = pack 'i', 0;
	return undef if syscall(61, $pid, $status, 0x40000000, 0) != $pid; # wait4, __WALL
	$status = unpack 'i', $status;
	return ($status & 0xff) == 0x7f ? $status >> 8 : undef;
}

sub trace_call
{
	my ($pid, $number, @arguments) = @_;
	no warnings 'portable'; # addresses have more than 32 bits
	my ($go, $get, $set, $detach, $to_call, $seize, $interrupt) = (7, 12, 13, 17, 24, 0x4206, 0x4207);
	my $registers = "\0" x (27 * 8);
	my ($rax, $rip, $orig_rax, @in) = (10, 16, 15, 14, 13, 12, 7, 9, 8); # rdi, rsi, rdx, r10, r8, r9
	my $rest = sub { return syscall(101, $interrupt, $pid, 0, 0) == 0 };

	# An instruction that makes a system call is on the page that the kernel gives to each process.
	my ($from, $to) = (slurp("/proc/$pid/maps") // '') =~ /^(\w+)-(\w+) .*\[vdso\]$/m or return undef;
	open my $memory, '<:raw', "/proc/$pid/mem" or return undef;
	sysseek $memory, hex $from, 0;
	sysread $memory, my $code, hex($to) - hex $from;
	my $at = index $code, "\x0f\x05";
	# No signal stops it, which another one could take back or come before: it is told to rest.
	return undef if $at < 0 || syscall(101, $seize, $pid, 0, 1) != 0 || !$rest->(); # PTRACE_O_TRACESYSGOOD
	my $stop = next_stop($pid) // return undef;
	return undef if ($stop & ~0xff) != $at_rest && !run_to($pid, $go, $at_rest, $stop);
	return undef if syscall(101, $get, $pid, 0, $registers) != 0;
	my @before = unpack 'q27', $registers;
	my @call = @before;
	@call[$rax, $rip, $orig_rax] = ($number, hex($from) + $at, -1);
	$call[$in[$_]] = $arguments[$_] for 0 .. $#arguments;
	syscall(101, $set, $pid, 0, pack 'q27', @call);
	my $result = run_to($pid, $to_call, $at_call, 0) && run_to($pid, $to_call, $at_call, 0)
	    && syscall(101, $get, $pid, 0, $registers) == 0 ? (unpack 'q27', $registers)[$rax] : undef;
	# At rest again, it goes back to the call that it was in, if it was.
	syscall(101, $set, $pid, 0, pack 'q27', @before);
	syscall(101, $detach, $pid, 0, 0) if $rest->() && run_to($pid, $go, $at_rest, 0);
	return $result;
}

# Asks CHECK again and again until it is true; returns its value, or a false one after LIMIT seconds. The
# limit is a guard against hanging, not a measure.
sub wait_until
{
	my ($limit, $check) = @_;
	my $end = time + $limit;
	while (1) {
		my $value = $check->();
		return $value if $value;
		return $value if time > $end;
		sleep 0.01;
	}
}

1;
