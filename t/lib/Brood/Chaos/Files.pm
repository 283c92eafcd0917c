# SPDX-License-Identifier: MIT
#
# Files that are replaced now and then, by renaming, and what an answer about one may be: one of its versions, whole; not
# one that was replaced long before the request.
package Brood::Chaos::Files;

use strict;
use warnings;
use Brood::Content;
use Brood::Server;
use Time::HiRes qw(time);

use constant {
	FRESH => 2.5, # seconds after which the former version is not served any more: one, and what a worker may stand still
	KEEP => 40,   # for which a former version is remembered
};

my @sizes = (0, 1, 100, 1000, 1024, 5000, 16384, 40000, 65536, 65537, 200_000, 1_048_576, 2_500_000, 5_000_000);

sub new
{
	my ($class, $root) = @_;
	my $self = bless { root => "$root", files => [], of_etag => {} }, $class;
	mkdir "$root/c" or die "$root/c: $!";
	$self->replace($_, 0) for 0 .. $#sizes;
	Brood::Server::write_file("$root/index.html", "<!doctype html><title>chaos</title>\n");
	return $self;
}

sub count { return scalar @sizes }
sub least { return $sizes[ $_[1] ] }
sub large { return grep { $sizes[$_] > 1_000_000 } 0 .. $#sizes }
# Whose octets tell the version.
sub replaceable { return grep { $sizes[$_] >= 100 } 0 .. $#sizes }
sub small { return grep { $sizes[$_] <= 65537 } 0 .. $#sizes }
sub path { return sprintf '/c/%03d.bin', $_[1] }

# A next version of that file, MORE octets longer than the least.
sub replace
{
	my ($self, $file, $more) = @_;
	my $versions = $self->{files}[$file] //= [];
	my $number = @$versions ? $versions->[-1]{number} + 1 : 1;
	my $path = $self->{root} . $self->path($file);
	my $size = $sizes[$file] + $more;
	my $text = Brood::Content::text($file, $number % 4096, $size);
	Brood::Server::write_file("$path.new", $text);
	my $begun = time;
	rename "$path.new", $path or die "$path: $!";
	my $now = time;
	$versions->[-1]{until} = $now if @$versions;
	push @$versions, { file => $file, number => $number, text => \$text, size => $size, begun => $begun };
	shift @$versions while defined $versions->[0]{until} && $versions->[0]{until} < $now - KEEP;
}

# The versions that may be the answer to what was asked at that time and is answered now.
sub possible
{
	my ($self, $file, $asked_at) = @_;
	return grep { !defined $_->{until} || $_->{until} > $asked_at - FRESH } @{ $self->{files}[$file] };
}

sub version_of { my ($self, $file, $text) = @_; return (grep { $_->{text} == $text } @{ $self->{files}[$file] })[0] }

# Learns of an ETag; what is wrong with it, in words.
sub learn
{
	my ($self, $file, $version, $etag) = @_;
	my $known = $self->{of_etag}{"$file $etag"} //= $version->{number};
	$self->{files}[$file][-1]{etag} = $etag if $self->{files}[$file][-1] == $version;
	return $known == $version->{number} ? undef : "ETag $etag was that of version $known of file $file and is now that of $version->{number}";
}

sub number_of_etag { return $_[0]{of_etag}{"$_[1] $_[2]"} }
sub some_etag { return $_[0]{files}[ $_[1] ][-1]{etag} // $_[0]{files}[ $_[1] ][0]{etag} }

1;
