#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Each target of fuzz/ for a moment: the inputs that fuzzing begins with, and changed ones from a fixed
# seed. What finds more is make fuzz, which takes longer and wants clang.
use strict;
use warnings;
use FindBin;
use File::Temp qw(tempdir);
use Test::More;

my $source = $ENV{BROOD_SRC} // "$FindBin::Bin/../..";
my $build = $ENV{BROOD_BUILD} // '.';

# Changed inputs: as many as take about a second or two all together without sanitizers.
my %runs = (admin => 4000, answer => 50000, body => 20000, config => 500, control => 10000, ctl => 5000, fields => 50000,
	http => 4000, lines => 1500, log => 3000, master => 3000, mime => 500, obituary => 3000, proxy => 5000, records => 50000,
	tls => 1500);

my @targets = map { m{(\w+)\.c$} ? $1 : () } glob "$source/fuzz/*.c";
is join(' ', grep { !/^(?:driver|root)$/ } @targets), join(' ', sort keys %runs), 'all targets are run';

my $folder = tempdir(CLEANUP => 1);
is system($^X, "$source/fuzz/make-corpus", $folder), 0, 'there is a corpus';
for my $target (sort keys %runs) {
	my $program = "$build/fuzz/${target}_fuzz";
	my $said = "$folder/$target.txt";
	my $status = system "cd $folder && '$program' -runs=$runs{$target} -seed=1 $folder/$target > $said 2>&1";
	is $status, 0, "$target takes whatever comes" or diag last_lines($said);
}
done_testing;

sub last_lines
{
	my ($path) = @_;
	open my $file, '<', $path or return;
	my @lines = <$file>;
	return join '', splice @lines, @lines > 40 ? -40 : 0;
}
