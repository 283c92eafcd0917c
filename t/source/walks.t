#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What the documents name is there: files, folders, functions and constants, and these in the files that they are said to be
# in. The ways of doc/design.md have steps, its table rows enough, and words that have gone are gone.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Source qw(code read_source source_dir source_files);

use constant { ROWS_MIN => 20, STEPS_MIN => 2, DECISIONS_MIN => 10 };

my $root = source_dir();
my @decisions = map { s/^\Q$root\E\///r } glob "$root/doc/decisions/*.md";
my @documents = (qw(README.md CONTRIBUTING.md doc/design.md), @decisions);
my @headers = source_files(qr/\.h$/, 'src', 'include');
my %code = map { $_ => code(read_source($_)) } source_files(qr/\.[ch]$/, 'src', 'include');
my %base = map { m{([^/]+)$} ? ($1 => 1) : () } keys %code;
my $all = join "\n", values %code;
cmp_ok(scalar keys %code, '>', 20, 'the sources are here');

# ---- What is named ----

# Paths begin below src, or in the source folder; x.[ch] is both. A name alone is of a file anywhere in src.
sub paths_of
{
	my ($name) = @_;
	return map { paths_of($_) } $name =~ s/\.\[ch\]$/.c/r, $name =~ s/\.\[ch\]$/.h/r if $name =~ /\.\[ch\]$/;
	return $name if -e "$root/$name";
	return "src/$name" if -e "$root/src/$name";
	return;
}

sub is_there
{
	my ($name) = @_;
	return 1 if $name =~ /\b(?:NAME|LAYER|ROOM|TEST|SLOT)\b|^\.\.|^\.\/|~/; # stands for others
	return scalar(() = glob "{$root,$root/src}/$name") if $name =~ /\*/;
	my $wanted = $name =~ /\.\[ch\]$/ ? 2 : 1;
	return (() = paths_of($name)) >= $wanted || ($name !~ /\// && $base{$name});
}

# By file: the functions that are defined, or declared, in it: at the start of a line, in this style.
my %functions;
for my $path (keys %code) {
	$functions{$path}{$_} = $functions{''}{$_} = 1 for map { /(\w+)\(/g } grep { /^[a-z_]/ } split /\n/, $code{$path};
}

# Pairs of what and where: `file`, `name()`; `name()` in `file`; the same with constants and tables.
sub places_of
{
	my ($text) = @_;
	my @found;
	my $flat = $text =~ s/\n[ \t]*/ /gr;
	push @found, [$2, $1] while $flat =~ /`([\w\/]+\.[ch])`[,:] (?=((?:`\w+\(\)`(?! (?:in|of) `)(?:, |,? and )?)+))/g;
	push @found, [$1, $2] while $flat =~ /((?:`\w+(?:\(\))?`(?:, |,? and )?)+) (?:in|of) `([\w\/]+\.[ch])`/g;
	return map { my ($names, $file) = @$_; map { [$_, $file] } $names =~ /`(\w+(?:\(\))?)`/g } @found;
}

for my $document (@documents) {
	my $text = read_source($document);
	$text =~ s/^```.*?^```//gms; # commands
	my @quoted = $text =~ /`([^`\n]+)`/g;
	my @missing = grep { !is_there($_) }
	    grep { m{^[\w./*\[\]-]+\.(?:c|h|\[ch\]|t|pl|pm|mk|md|html)$} || m{^(?:[a-z]\w*/)+$} } @quoted;
	is("@missing", '', "$document: files and folders are there");
	my @unknown = grep { !$functions{''}{$_} } map { /^(\w+)\(\)$/ ? $1 : () } @quoted;
	is("@unknown", '', "$document: functions are there");
	my @types = grep { $all !~ /\b\Q$_\E\s*\{/ } map { /^((?:struct|enum) \w+)$/ ? $1 : () } @quoted;
	is("@types", '', "$document: types are there");
	my @elsewhere;
	for (places_of($text)) {
		my ($name, $file) = @$_;
		my ($path) = paths_of($file);
		next if !defined $path; # told above
		my $found = $name =~ /^(\w+)\(\)$/ ? $functions{$path}{$1} : ($code{$path} // '') =~ /\b\Q$name\E\b/;
		push @elsewhere, "$name in $file" unless $found;
	}
	is(join("\n", @elsewhere), '', "$document: and in the files that are said");
}

# ---- The form of doc/design.md ----

my $design = read_source('doc/design.md');
my ($ways) = $design =~ /^## \d+\. The ways\n(.*?)^## /ms;
my @ways = split /^### /m, $ways // '';
shift @ways;
cmp_ok(scalar @ways, '>=', 6, 'ways through the house');
for (@ways) {
	my ($title) = /^(.*)/;
	my @steps = /^\d+\. (.*(?:\n   .*)*)/gm;
	cmp_ok(scalar @steps, '>=', STEPS_MIN, "$title: steps");
	is(join("\n", grep { !/`[\w\/]+(?:\.[ch]|\(\))`/ } @steps), '', "$title: each names a file or a function");
}
my ($table) = $design =~ /^## \d+\. To change X.*?\n(.*?)^## /ms;
my @rows = ($table // '') =~ /^\| (?!To change|-)(.*) \|$/gm;
cmp_ok(scalar @rows, '>=', ROWS_MIN, 'rows of what to change and where');
is(join("\n", grep { (split /\s*\|\s*/)[1] !~ /`[\w\/]+\.[ch]`/ } @rows), '', 'each row names a file');
cmp_ok(scalar(grep { !/README/ } @decisions), '>=', DECISIONS_MIN, 'decisions');
for my $decision (grep { !/README/ } @decisions) {
	my $text = read_source($decision);
	my @lacking = grep { $text !~ /^\*\*\Q$_\E/m } 'Question.', 'Decided.', 'What else there was.', 'The figure.', 'Look again';
	is("@lacking", '', "$decision has all its parts");
	like(read_source('doc/decisions/README.md'), qr/\]\(\Q@{[$decision =~ s{.*\/}{}r]}\E\)/, 'and is listed');
}

# ---- Words that have gone ----

# As a part of names, or a whole one.
my %gone = (
	instance => 'worker_process', master_spread => 'dispatch', spread_resume => 'dispatch', http_place => 'location', config_place => 'location', board_place => 'number',
	worker_place => 'number', place_choose => 'choose_worker', http_server_retire => 'drain', worker_retire => 'drain',
	cluster_tell => 'broadcast', cluster_news => 'broadcast', intake => 'prelude', outbox => 'send_queue', response_maker => 'response_builder', moving_save => 'migration', moving_restore => 'migration',
);
my $gone = join '|', sort keys %gone;
my @back;
for my $path (sort keys %code) {
	my %names = map { $_ => 1 } $code{$path} =~ /\w+/g;
	push @back, map { /(?:^|_)($gone)(?:_|$)/ ? "$path: $_ ($gone{$1})" : () } sort keys %names;
}
is(join("\n", @back), '', 'words that have gone');

# ---- Comments in headers ----

# A comment is its own declaration's: it neither begins nor goes on in that of its neighbour.
my @running;
for my $path (@headers) {
	my @lines = split /\n/, read_source($path);
	for my $at (0 .. $#lines) {
		my ($comment) = $lines[$at] =~ m{/\* (.*?) \*/$} or next;
		push @running, "$path:" . ($at + 1) . ": $comment" if $comment =~ /[,;:]$/ || $comment =~ /^(?:\.\.\.|and |nor |but )/;
	}
}
is(join("\n", @running), '', 'comments in headers end where they stand');

done_testing;
