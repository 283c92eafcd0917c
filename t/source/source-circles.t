#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What the built objects say of the house: no files and no folders call one another in a circle, what a file exports
# another one uses, and next to nothing changes that has no owner.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Find;
use Test::More;
use Brood::Source qw(read_source source_dir);

my $root = source_dir();
my $build = $ENV{BROOD_BUILD} // "$root/build";

# What the C library calls, and the library's own part (a program that reads requests' bodies), which comes later.
my @unused_may_be = (qr{ main$}, qr{^src/http/message/body\.c });
# The log of the process; what an upgrade goes back to. The third a library calls for memory, without any context.
my @changing_may_be = ('src/base/log.c current', 'src/cluster/upgrade/upgrade.c way_back', 'src/base/heap.c lasting');
push @changing_may_be, 'src/base/fd_kind.c kinds'; # of builds that watch descriptors only

# The source that an object was made of; undef: it is gone, and the object was left behind.
sub source_of
{
	my ($object) = @_;
	my $folder = dirname($object) =~ s{^\Q$build\E/}{}r;
	my $name = basename($object, '.o');
	my ($found) = grep { -e "$root/$_" } map { "$folder/$_.c" } $name, $name =~ s/^[^-]*-//r;
	return $found;
}

my %objects; # by source
find({ wanted => sub { my $source = /\.o$/ ? source_of($_) : undef; $objects{$source} //= $_ if $source }, no_chdir => 1 },
	grep { -d } "$build/src");
plan skip_all => "there are no objects in $build" unless %objects;
plan skip_all => 'there is no nm' if system('nm -V >/dev/null 2>&1') != 0;

my (%home, %uses, @changing);
my %source_of = reverse %objects;
open my $nm, '-|', 'nm', '-A', '-f', 'sysv', sort values %objects or die "nm: $!\n";
while (<$nm>) {
	chomp;
	my ($object, $line) = /^(.*?\.o):(.*)$/ or next;
	my ($name, undef, $class, undef, undef, undef, $section) = map { s/^\s+|\s+$//gr } split /\|/, $line;
	next if !defined $section || $name =~ /^(?:__|asan\.|\.|_GLOBAL_)/; # the compiler's
	my $source = $source_of{$object};
	$uses{$source}{$name} = 1 if $class eq 'U';
	$home{$name} //= $source if $class =~ /^[TDBRVWC]$/;
	push @changing, "$source " . $name =~ s/^.*\.(?=[a-z_])|\.\d+$//gr
	    if $class =~ /^[BbDdCc]$/ && $section !~ /\.rel\.ro/ && $section !~ /^\.rodata/;
}
close $nm;

my (%calls, %used); # which file calls which, and by what
for my $source (keys %uses) {
	for my $name (keys %{ $uses{$source} }) {
		my $home = $home{$name};
		next if !$home || $home eq $source;
		$used{$name} = 1;
		$calls{$source}{$home} = $name if !$calls{$source}{$home} || $name lt $calls{$source}{$home};
	}
}

# The shortest way back to where it begins, from each that has one and is on no way that was found before.
sub circles
{
	my ($arrows) = @_;
	my (%told, @found);
	for my $start (sort keys %$arrows) {
		my (%from, $end);
		my @next = ($start);
		while (!$end && defined(my $at = shift @next)) {
			for my $to (sort keys %{ $arrows->{$at} // {} }) {
				$end = $at if $to eq $start;
				next if $from{$to} || $to eq $start;
				$from{$to} = $at;
				push @next, $to;
			}
		}
		next unless $end;
		my @way = ($start);
		for (my $at = $end; $at ne $start; $at = $from{$at}) {
			splice @way, 1, 0, $at;
		}
		next if grep { $told{$_} } @way;
		$told{$_} = 1 for @way;
		push @found, join ' -> ', @way, $start;
	}
	return join "\n", @found;
}

is(circles(\%calls), '', 'no files call one another in a circle');
my %between;
for my $from (keys %calls) {
	for my $to (keys %{ $calls{$from} }) {
		$between{ dirname($from) }{ dirname($to) } = 1 if dirname($from) ne dirname($to);
	}
}
is(circles(\%between), '', 'no folders call one another in a circle');

# As master.h draws it: from above to below, and from left to right.
my (%rung, @climbs);
for (split /\n/, read_source('src/cluster/master/master.h')) {
	next unless /^ \*     (\w+(?:, \w+)*)  +\S/;
	$rung{"src/cluster/master/$_.c"} = keys %rung for split /, /, $1;
}
for my $from (grep { m{^src/cluster/master/} } sort keys %objects) {
	push @climbs, "$from is not there" if !exists $rung{$from};
	push @climbs, map { "$from -> $_: $calls{$from}{$_}" }
	    grep { exists $rung{$_} && $rung{$_} <= ($rung{$from} // 0) } sort keys %{ $calls{$from} // {} };
}
is(join("\n", @climbs), '', 'the master calls down its ladder only');

my @unused = map { "$home{$_} $_" } grep { !$used{$_} } keys %home;
for my $may (@unused_may_be) {
	@unused = grep { !/$may/ } @unused;
}
is(join("\n", sort @unused), '', 'whatever a file exports, another one uses');

my %may_change = map { $_ => 1 } @changing_may_be;
is(join("\n", grep { !$may_change{$_} } @changing), '', 'nothing changes that has no owner');

done_testing;
