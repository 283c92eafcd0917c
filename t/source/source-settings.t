#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The compiler holds each row of the table of settings to its member: one of another type than the row's does not
# compile, and words have to be as many as the enum's.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use Test::More;
use Brood::Source qw(source_dir source_files);

my ($compiler) = grep { system("command -v $_ >/dev/null 2>&1") == 0 } qw(gcc clang);
plan skip_all => 'there is no compiler' unless $compiler;
my ($rows) = map { s{^src/}{}r } source_files(qr/\/settings_rows\.h$/, 'src');
my $root = source_dir();
my $dir = tempdir(CLEANUP => 1);
my @flags = (qw(-std=gnu11 -D_GNU_SOURCE -fsyntax-only -Wall -Wextra), "-I$root/src", "-I$root/include",
	$compiler eq 'gcc' ? '-ftrack-macro-expansion=0' : ()); # an error is where the row is

my %member = (
	'bool' => [qw(BOOL)],
	'unsigned' => [qw(COUNT WORD)],
	'uint64_t' => [qw(DURATION SIZE RATE)],
	'char *' => [qw(STRING PATH TARGET)],
	'struct config_list' => [qw(LIST PATHS)],
	'struct networks' => [qw(NETWORKS)],
	'struct config_listener *' => [qw(LISTEN)],
	'struct config_fault' => [qw(FAULT)],
	'int' => [],
);
my %arguments = ((map { $_ => ', 1, 2' } qw(COUNT DURATION SIZE RATE)), map { $_ => ', 1, "a", "b"' } qw(WORD FAULT));
my @kinds = sort map { @$_ } values %member;

# Which of these lines, each a row, does not compile?
sub refused
{
	my ($type, @lines) = @_;
	open my $file, '>', "$dir/rows.c" or die "$dir/rows.c: $!\n";
	print $file qq{#include "$rows"\n#define HOME_TEST struct test\nenum { SCOPE_TEST };\n},
	    "struct test {\n$type x;\n$type x_ms;\n$type x_per_hour;\n};\n",
	    map { "const struct setting row_$_ = {\n#line $_ \"row\"\n$lines[$_ - 1]};\n" } 1 .. @lines;
	close $file;
	my $said = `$compiler @flags $dir/rows.c 2>&1`;
	my %at = map { $_ - 1 => 1 } $said =~ /^row:(\d+):(?:\d+:)? error/mg;
	my @others = grep { !/^row:/ } $said =~ /^(\S+: error.*)/mg;
	return [sort { $a <=> $b } keys %at], "@others";
}

for my $type (sort keys %member) {
	my ($lines, $others) = refused($type, map { "$_(TEST, x, \"\"" . ($arguments{$_} // '') . ')' } @kinds);
	my %fits = map { $_ => 1 } @{ $member{$type} };
	is("@kinds[@$lines]$others", join(' ', grep { !$fits{$_} } @kinds), "$type is no member for others than: @{ $member{$type} }");
}
my ($lines) = refused('unsigned', map { "WORD(TEST, x, \"a\", 1, $_)" } '"a"', '"a", "b"', '"a", "b", "c"');
is("@$lines", '0 2', 'words are as many as enumerators');

done_testing;
