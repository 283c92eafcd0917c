#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The verdict on a head is the same whatever version of llhttp reads its fields. BROOD_TEST_LLHTTP is a list of
# folders, with colons between, each with the api.c, http.c, llhttp.c and llhttp.h of one version: the tests of
# the parser are built with each of them, and pass.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use Test::More;
use Brood::Source qw(source_dir);

my @folders = split /:/, $ENV{BROOD_TEST_LLHTTP} // '';
plan skip_all => 'BROOD_TEST_LLHTTP names no folders' if !@folders;

my $root = source_dir();
my $dir = tempdir(CLEANUP => 1);
my @flags = (qw(-std=gnu11 -D_GNU_SOURCE -O1 -DLLHTTP_STRICT_MODE=1), "-I$root/src", "-I$root/include");
my @sources = ("$root/t/unit/http/parser_test.c",
	map { "$root/src/http/$_.c" } qw(parser guard framing authority refusal request));

for my $folder (@folders) {
	my $header = do { local (@ARGV, $/) = "$folder/llhttp.h"; <> } // '';
	my $version = join '.', map { $header =~ /LLHTTP_VERSION_$_ (\d+)/ ? $1 : '?' } qw(MAJOR MINOR PATCH);
	my $said = `cc @flags -isystem $folder -o $dir/test @sources $folder/api.c $folder/http.c $folder/llhttp.c -lcmocka 2>&1`;
	is $?, 0, "llhttp $version: builds" or diag $said;
	$said = `$dir/test 2>&1`;
	is $?, 0, "llhttp $version: the same verdicts" or diag $said;
}

done_testing;
