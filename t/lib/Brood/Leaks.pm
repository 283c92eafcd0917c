# SPDX-License-Identifier: MIT
#
# What workers have open and should not, once a test is over: sockets that nobody is at the other end of, and more of
# what is no connection than they began with. Files are the cache's, and not counted.
package Brood::Leaks;

use strict;
use warnings;
use Brood::Proc qw(children descriptors);
use List::Util qw(max sum0);

# How many a process has of each kind that connections and files are not.
sub kinds
{
	my ($pid) = @_;
	my %count;
	$count{$_}++ for map { m{^(anon_inode:\S+|pipe|/memfd:[\w-]+)} ? $1 : () } values %{ descriptors($pid) };
	return %count;
}

# What these have, to be compared with later: { kinds: the most that one has of each, sockets: of all }.
sub now
{
	my (@workers) = @_;
	my %most;
	for my $pid (@workers) {
		my %count = kinds($pid);
		$most{$_} = max $count{$_}, $most{$_} // 0 for keys %count;
	}
	return { kinds => \%most, sockets => sum0 map { Brood::Proc::sockets($_) } @workers };
}

# Sockets of this process and of those that it has started, but for servers: of whoever may be a client.
sub sockets_below
{
	my ($pid, %servers) = @_;
	return Brood::Proc::sockets($pid) + sum0 map { sockets_below($_, %servers) } grep { !$servers{$_} } children($pid);
}

# As lines of text. BEFORE: as above; SERVERS: pids that are no clients.
sub found
{
	my ($before, $servers, @workers) = @_;
	my @wrong;
	my $now = now(@workers);
	my $kinds = $now->{kinds};
	for my $kind (sort keys %$kinds) {
		my $had = $before->{kinds}{$kind} // 0;
		# Certificate and key in one file are one at a start, and come as two when they are renewed.
		push @wrong, "a worker has $kinds->{$kind} of $kind, and had $had" if $kinds->{$kind} > ($kind =~ /brood-pem/ ? 2 * $had : $had);
	}
	my $allowed = $before->{sockets} + sockets_below($$, map { $_ => 1 } @$servers);
	push @wrong, "workers have $now->{sockets} sockets, and with clients that are there could have $allowed"
	    if $now->{sockets} > $allowed;
	return @wrong;
}

1;
