#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What a reader should not meet: notes of unfinished work, files and functions too long to be read at
# once, structs of flags, links that lead nowhere.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Source qw(code read_source source_dir source_files);

use constant { FILE_LINES_MAX => 500, FUNCTION_LINES_MAX => 60, BOOLEANS_MAX => 4 };

my @sources = source_files(qr/\.[ch]$/, 'src', 'include');
my @texts = (@sources, source_files(qr/\.(?:[cht]|pm|mk|md|html|css|conf)$/, qw(t bench etc doc www)));
cmp_ok(scalar @sources, '>', 20, 'the sources are here');

my $unfinished = join '|', 'TO' . 'DO', 'FIX' . 'ME', 'XX' . 'X';
my @notes = grep { read_source($_) =~ /\b(?:$unfinished)\b/ } @texts;
is(join("\n", @notes), '', 'no notes of unfinished work');

my @long;
for my $path (@sources) {
	my $lines = read_source($path) =~ tr/\n//;
	push @long, "$path: $lines lines" if $lines > FILE_LINES_MAX;
}
is(join("\n", @long), '', 'no source file is longer than ' . FILE_LINES_MAX . ' lines');

my @trailing = grep { read_source($_) =~ /[ \t]$/m } @texts;
is(join("\n", @trailing), '', 'no line ends in white space');

# A function, in this style, ends at the first "}" in column 0 after the "{" in column 0.
my @lengthy;
for my $path (grep { /\.c$/ } @sources) {
	my ($number, $begin, $name) = (0, 0, '');
	for my $line (split /\n/, code(read_source($path))) {
		$number++;
		$name = $1 if $line =~ /^\w.*?(\w+)\(/;
		$begin = $number if $line =~ /^\{/;
		next unless $line =~ /^\}/ && $begin;
		my $lines = $number - $begin + 1;
		push @lengthy, "$path: $name has $lines lines" if $lines > FUNCTION_LINES_MAX;
		$begin = 0;
	}
}
is(join("\n", @lengthy), '', 'no function is longer than ' . FUNCTION_LINES_MAX . ' lines');

# So many flags have sixteen states: with more of them it is a state, and wants a name. What is set by a user is no state.
my @flags;
for my $path (grep { $_ ne 'src/brood/config/configuration.h' } @sources) {
	my $text = code(read_source($path));
	while ($text =~ /^\s*(?:typedef |static )?struct (\w*) ?(\{(?:[^{}]|(?2))*\})/mg) {
		my ($name, $members) = ($1, $2);
		my $count = () = join(" ", map { s/\[[^]]*\]//gr } $members =~ /\bbool\b([^;(]*);/g) =~ /\w+/g;
		push @flags, "$path: struct $name has $count booleans" if $count > BOOLEANS_MAX;
	}
}
is(join("\n", @flags), '', 'no struct has more than ' . BOOLEANS_MAX . ' booleans');

my @dead;
for my $page (qw(README.md CHANGELOG.md CONTRIBUTING.md), source_files(qr/\.(?:md|html)$/, qw(doc www))) {
	my $text = read_source($page);
	my @links = $page =~ /md$/ ? $text =~ /\]\(([^)]+)\)/g : $text =~ /\b(?:href|src)="([^"]+)"/g;
	for my $link (grep { !/^\w+:/ } @links) {
		my ($path, $place) = split /#/, $link;
		my $target = $path eq '' ? $page : ($page =~ m{^(.*/)} ? $1 : '') . $path;
		$target .= 'index.html' if $target =~ m{/$};
		push @dead, "$page: $link" if !-e source_dir() . "/$target"
		    || (defined $place && read_source($target) !~ /\bid="\Q$place\E"/);
	}
}
is(join("\n", @dead), '', 'links lead somewhere');

done_testing;
