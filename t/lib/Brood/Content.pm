# SPDX-License-Identifier: MIT
#
# Files of which each octet tells where it belongs: 16 octets at a time are the number of the file, its version and the
# number of the piece, which begins anew after a prime number of pieces, so that nothing that is a power of two, or a
# multiple of one, leads to the same octets. So an answer can be checked to the last octet, and of octets that came to the wrong client it
# can be said whose they are.
#
#     my $text = Brood::Content::text(17, 0, 65536);
#     Brood::Content::of($octets) # "octets 4096 on of file 17, version 2", or the octets themselves, made printable
package Brood::Content;

use strict;
use warnings;

use constant { PIECE => 16, PIECES => 65521 };

# SIZE octets.
sub text
{
	my ($file, $version, $size) = @_;
	my $format = sprintf '%03x%03x%%09x', $file, $version;
	my $pieces = int(($size + PIECE - 1) / PIECE);
	my $different = $pieces < PIECES ? $pieces : PIECES;
	my $block = join '', map { sprintf "$format\n", $_ } 0 .. $different - 1;
	return substr $block x (1 + int $pieces / ($different || 1)), 0, $size;
}

# In words, what these octets are.
sub of
{
	my ($octets) = @_;
	return sprintf 'octets %d on of file %d, version %d', PIECE * hex $3, hex $1, hex $2
	    if $octets =~ /(?:^|\n)([0-9a-f]{3})([0-9a-f]{3})([0-9a-f]{9})(?:\n|\z)/;
	my $shown = substr $octets, 0, 160;
	$shown =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
	return "'$shown'" . (length $octets > 160 ? ' and more' : '');
}

1;
