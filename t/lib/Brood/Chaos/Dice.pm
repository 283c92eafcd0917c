# SPDX-License-Identifier: MIT
#
# Random numbers of one's own, the same for the same seed whoever else draws some.
package Brood::Chaos::Dice;

use strict;
use warnings;

sub new
{
	my ($class, @seed) = @_;
	my $state = 0x9e3779b9;
	$state = ($state ^ $_) * 2654435761 % 4294967296 || 1 for @seed;
	my $self = bless { state => $state }, $class;
	$self->below(1) for 1 .. 8;
	return $self;
}

# xorshift32
sub next_word
{
	my ($self) = @_;
	my $word = $self->{state};
	$word ^= $word << 13 & 0xffffffff;
	$word ^= $word >> 17;
	$word ^= $word << 5 & 0xffffffff;
	return $self->{state} = $word;
}

sub part { return $_[0]->next_word / 4294967296 }
sub below { return int $_[0]->part * $_[1] }
sub between { return $_[1] + $_[0]->part * ($_[2] - $_[1]) }
sub one_of { my ($self, @all) = @_; return $all[$self->below(scalar @all)] }
sub chance { return $_[0]->part < $_[1] }

# One of a table's names, by its weight.
sub by_weight
{
	my ($self, %weight) = @_;
	my $sum = 0;
	$sum += $_ for values %weight;
	my $at = $self->part * $sum;
	for my $name (sort keys %weight) {
		return $name if ($at -= $weight{$name}) < 0;
	}
	return (sort keys %weight)[-1];
}

1;
