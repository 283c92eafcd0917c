# SPDX-License-Identifier: MIT
#
# The source tree as text, for tests of the source itself. Paths are relative to the source folder.
package Brood::Source;

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use File::Find;

our @EXPORT_OK = qw(code includes read_source source_dir source_files);

sub source_dir { return $ENV{BROOD_SRC} // abs_path(dirname(__FILE__) . '/../../..') }

# Files below the folders whose names match, in order.
sub source_files
{
	my ($name, @folders) = @_;
	my $root = source_dir();
	my @found;
	my $look = sub { push @found, s/^\Q$root\E\///r if -f && /$name/ };
	find({ wanted => $look, no_chdir => 1 }, grep { -d } map { "$root/$_" } @folders);
	return sort @found;
}

sub read_source
{
	my ($path) = @_;
	open my $file, '<', source_dir() . "/$path" or die "$path: $!\n";
	local $/;
	return readline $file;
}

# C with nothing in its comments, strings and character constants; lines stay where they were.
sub code
{
	my ($text) = @_;
	$text =~ s{
		( /\* .*? \*/ )                      # comment
		| //[^\n]*                           # comment
		| ( "(?:[^"\\\n]|\\.)*" )            # string
		| ( '(?:[^'\\\n]|\\.)*' )            # character
	}{
		defined $1 ? "\n" x ($1 =~ tr/\n//) : defined $2 ? '""' : defined $3 ? "' '" : ''
	}gsex;
	return $text;
}

# What a file includes: a list of [kind, name], kind being '"' or '<'.
sub includes
{
	my ($path) = @_;
	my $text = read_source($path);
	my @found;
	push @found, [$1, $2] while $text =~ /^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]/mg;
	return @found;
}

1;
