#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The C is laid out as clang-format 14 does it by .clang-format: a change shows what it changes, and nobody argues.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Source qw(source_dir source_files);

use constant VERSION => 14; # others lay out some things in other ways

my $root = source_dir();
chdir $root or die "$root: $!";
plan skip_all => 'a release has no .clang-format' if !-e '.clang-format';

my %found = map { (qx{$_ --version 2>/dev/null} =~ /version (\d+)/ ? $1 : 'none') => $_ } 'clang-format', 'clang-format-' . VERSION;
my $formatter = $found{ VERSION() };
plan skip_all => 'clang-format ' . VERSION . ' is not installed (there is: ' . join(', ', sort keys %found) . ')' if !$formatter;

# What is tracked; of a source without its history all that is there.
chomp(my @files = qx{git ls-files '*.[ch]' 2>/dev/null});
@files = source_files(qr/\.[ch]$/, qw(src include t bench fuzz)) if !@files;
cmp_ok scalar @files, '>', 300, scalar(@files) . ' files';

# One that has been removed is not there to be looked at.
my %wrong;
open my $said, '-|', 'sh', '-c', 'exec "$0" --dry-run "$@" 2>&1', $formatter, grep { -e } @files or die "$formatter: $!";
while (<$said>) { $wrong{$1}++ if /^(\S+?):\d+:\d+: (?:warning|error)/ }
ok close $said, "$formatter has read them all";
is join("\n", map { "$_: in $wrong{$_} places" } sort keys %wrong), '', "$formatter leaves each as it is";

done_testing;
