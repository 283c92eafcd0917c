# SPDX-License-Identifier: MIT
#
# What programs that measure have in common (bench/).
package Brood::Figures;

use strict;
use warnings;
use Brood::Proc;
use Exporter 'import';
use POSIX ();

our @EXPORT_OK = qw(find_program machine median);

# The path of an installed program, or undef. Servers are where PATH of users who are not root does not lead.
sub find_program
{
	my ($name) = @_;
	return (grep { -x } map { "$_/$name" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin')[0];
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}

# "SYSTEM RELEASE HARDWARE, CPU, N CPUs".
sub machine
{
	my $cpuinfo = Brood::Proc::slurp('/proc/cpuinfo') // '';
	my ($model) = $cpuinfo =~ /^model name\s*:\s*(.*)$/m;
	my $cpus = () = $cpuinfo =~ /^processor\s*:/mg;
	my ($system, undef, $release, undef, $hardware) = POSIX::uname();
	return "$system $release $hardware, " . ($model // 'unknown CPU') . ", $cpus CPUs";
}

1;
