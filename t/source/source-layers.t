#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The layers of the house, and the rooms (sub-folders) of a layer: an include points to the own one or to one below, never
# up or across, and each layer knows only the libraries that are its business.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
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

# What the rooms of a layer may include of the others; "." is the layer's own folder. A layer's headers at the top
# (cluster.h, http.h) are its contract: they include no room, and every room may include them.
my %room = (
	http => {
		message => [],
		client => [qw(message)],
		site => [qw(message)],
		files => [qw(message client site)],
		transport => [qw(message client files)],
		tls => [qw(site transport)],
		connection => [qw(message client site files transport tls)],
	},
	cluster => {
		policy => [],
		ipc => [qw(policy)],
		upgrade => [qw(policy ipc)],
		worker => [qw(policy ipc)],
		master => [qw(policy ipc upgrade worker)],
	},
	brood => {
		system => [],
		log => [qw(system)],
		admin => [qw(system)],
		config => [qw(system log admin)],
		sites => [qw(system log config)],
		certificates => [qw(system config)],
		'.' => [qw(system log admin config sites certificates)],
	},
);
my $room_size = 30; # .c files in a folder

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

sub room_of
{
	my ($path) = @_;
	return $path =~ m{^src/\w+/(\w+)/} ? $1 : '.';
}

# The file that #include "name" means, as the compiler finds it by -Isrc -Iinclude.
sub resolve
{
	my ($name) = @_;
	my ($found) = grep { -e source_dir() . "/$_" } "src/$name", "include/$name";
	return $found;
}

my (%wrong, %climbs, %includes_of);
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
		next if $other ne $layer || !$room{$layer};
		my ($from, $to) = (room_of($path), room_of($target));
		push @{ $climbs{$layer} }, "$path: \"$name\" is in room $to"
		    unless $to eq $from || $to eq '.' && !$room{$layer}{'.'} || grep { $_ eq $to } @{ $room{$layer}{$from} // [] };
	}
}
is(join(' ', grep { !$below{ layer_of($_) } } @files), '', 'each file is in a layer');
for my $layer (sort keys %below) {
	is(join("\n", @{ $wrong{$layer} // [] }), '',
		"$layer includes only what is in: " . join ', ', @{ $below{$layer} });
}

for my $layer (sort keys %room) {
	is(join("\n", @{ $climbs{$layer} // [] }), '', "rooms of $layer include only what is below them");
	my %is = map { $_ => 1 } keys %{ $room{$layer} };
	is(join(' ', grep { !$is{ room_of($_) } && room_of($_) ne '.' } grep { layer_of($_) eq $layer } @files), '',
		"each file of $layer is in one of its rooms");
}

my $folder_size = sub { my ($folder) = @_; scalar grep { m{^\Q$folder\E/[^/]+\.c$} } @files };
my %folders = map { m{^(.*)/} ? ($1 => 1) : () } @files;
is(join("\n", map { $folder_size->($_) > $room_size ? "$_: " . $folder_size->($_) : () } sort keys %folders), '',
	"no folder has more than $room_size .c files");
sub reaches
{
	my ($rooms, $from, $to, %seen) = @_;
	return grep { $_ eq $to || !$seen{$_} && reaches($rooms, $_, $to, %seen, $from => 1) } @{ $rooms->{$from} };
}
is(join(' ', map { my $rooms = $room{$_}; grep { reaches($rooms, $_, $_) } keys %$rooms } keys %room), '',
	'the arrows between rooms go one way');

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

# A file that make does not know is not built, not tested, and not in the release. Unit tests it finds by itself.
my @makefiles = source_files(qr/^(?:.*\/)?local\.mk$/, 'src');
my $made = join ' ', map { read_source($_) } @makefiles;
is(join("\n", grep { $made !~ /(?<![\w\/])\Q$_\E(?!\w)/ } @files), '', 'each source file is in a local.mk');

done_testing;
