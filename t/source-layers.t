#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The layers of the house: an include points to the own layer or to one below, never up or across,
# and each layer knows only the libraries that are its business.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Brood::Source qw(includes read_source source_dir source_files);

my %below = (
	public => [qw(public)],
	base => [qw(public base)],
	proc => [qw(public base proc)],
	cluster => [qw(public base proc cluster)],
	http => [qw(base http)],
	prove => [qw(public base proc prove)],
	control => [qw(public base control)],
	ctl => [qw(public base control ctl)],
	brood => [qw(public base proc cluster http control prove brood)],
);

# Headers of libraries, by their beginning. All that are not named here are the C library's.
my %library = (
	'event2/' => [qw(proc cluster http prove brood)],
	'llhttp.h' => [qw(http)],
	'libconfig.h' => [qw(brood)],
	'jansson.h' => [qw(control ctl brood)],
	'openssl/' => [qw(http)],
	'zlib.h' => [qw(http)],
);

my @files = source_files(qr/\.[ch]$/, 'src', 'include');
cmp_ok(scalar @files, '>', 20, 'the sources are here');

sub layer_of
{
	my ($path) = @_;
	return 'public' if $path =~ m{^include/};
	return $path =~ m{^src/(\w+)/} ? $1 : 'none';
}

# The file that #include "name" means, as the compiler finds it by -Isrc -Iinclude.
sub resolve
{
	my ($name) = @_;
	my ($found) = grep { -e source_dir() . "/$_" } "src/$name", "include/$name";
	return $found;
}

my (%wrong, %includes_of);
for my $path (@files) {
	my $layer = layer_of($path);
	for (includes($path)) {
		my ($kind, $name) = @$_;
		if ($kind eq '<') {
			my ($library) = grep { index($name, $_) == 0 } keys %library;
			push @{ $wrong{$layer} }, "$path: <$name> is not for layer $layer"
			    if $library && !grep { $_ eq $layer } @{ $library{$library} };
			next;
		}
		next if $name eq 'config.h' && $path eq 'src/base/version.c'; # what configure was told
		my $target = resolve($name);
		if (!$target) {
			push @{ $wrong{$layer} }, "$path: \"$name\" is no path below src or include";
			next;
		}
		push @{ $includes_of{$path} }, $target;
		my $other = layer_of($target);
		push @{ $wrong{$layer} }, "$path: \"$name\" is in layer $other"
		    unless grep { $_ eq $other } @{ $below{$layer} // [] };
	}
}
is(join(' ', grep { !$below{ layer_of($_) } } @files), '', 'each file is in a layer');
for my $layer (sort keys %below) {
	is(join("\n", @{ $wrong{$layer} // [] }), '',
		"$layer includes only what is in: " . join ', ', @{ $below{$layer} });
}

# Include cycles, by depth-first search. `path` is the way from the start to here.
my %done;
sub cycle_from
{
	my ($file, @path) = @_;
	return join ' -> ', @path, $file if grep { $_ eq $file } @path;
	return undef if $done{$file}++;
	for (@{ $includes_of{$file} // [] }) {
		my $cycle = cycle_from($_, @path, $file);
		return $cycle if $cycle;
	}
	return undef;
}
is(join("\n", grep { defined } map { cycle_from($_) } @files), '', 'no header includes itself by way of others');

# A header that was forgotten in its own file could need others without anybody noticing.
my @not_first;
for my $path (grep { /^src\/.*\.c$/ } @files) {
	my $header = $path =~ s/\.c$/.h/r;
	next unless grep { $_ eq $header } @files;
	my ($first) = grep { $_->[0] eq '"' } includes($path);
	push @not_first, $path if !$first || resolve($first->[1]) ne $header;
}
is(join("\n", @not_first), '', 'each file includes its own header first');

# A file that make does not know is not built, not tested, and not in the release.
my @makefiles = source_files(qr/^(?:.*\/)?local\.mk$/, 'src', 't/unit');
my $made = join ' ', map { read_source($_) } @makefiles;
my @unmade = grep { $made !~ /(?<![\w\/])\Q$_\E(?!\w)/ } @files;
for (source_files(qr/\.c$/, 't/unit')) {
	my $program = s/\.c$//r; # automake adds the ending by itself
	push @unmade, $_ if $made !~ /(?<![\w\/])\Q$program\E(?!\w)/;
}
is(join("\n", @unmade), '', 'each source file is in a local.mk');

done_testing;
