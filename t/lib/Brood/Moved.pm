# SPDX-License-Identifier: MIT
#
# Log files that are moved away before they are opened again, as logrotate does it, and read all together.
package Brood::Moved;

use strict;
use warnings;

# In a folder: access.log and error.log.
sub new { return bless { dir => "$_[1]", moved => 0 }, $_[0] }

sub access { return "$_[0]{dir}/access.log" }
sub error { return "$_[0]{dir}/error.log" }

# What is not there is not moved: the server has not opened it yet.
sub move
{
	my ($self) = @_;
	my $number = ++$self->{moved};
	-e $_ && (rename $_, sprintf "%s.%04d", $_, $number or die "$_: $!") for $self->access, $self->error;
}

sub files { my ($self, $which) = @_; return (sort(glob "$self->{dir}/$which.log.*"), grep { -e } "$self->{dir}/$which.log") }

# CODE for each line of all files of 'access' or 'error', without its end; the second argument is the file.
sub each_line
{
	my ($self, $which, $code) = @_;
	for my $path ($self->files($which)) {
		open my $file, '<:raw', $path or die "$path: $!";
		while (my $line = readline $file) {
			chomp $line or $line .= ' (without an end)';
			$code->($line, $path);
		}
	}
}

# Of a client that has gone before it is asked for its address, that is not known.
my $access = qr/^(?:127\.0\.0\.1|-) - - \[[^\]]+\] "(?:[^"\\]|\\.)*" \d{3} (?:\d+|-) "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"\z/;
my $error = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (?:error|warn |info |debug) [\w ]+ \[\d+\] [ -~\x80-\xff]*\z/;

# Lines that are not whole or in the wrong file, in words; the first ten.
sub strange
{
	my ($self) = @_;
	my @strange;
	for my $which (qw(access error)) {
		my $form = $which eq 'access' ? $access : $error;
		$self->each_line($which, sub { push @strange, "$_[1]: $_[0]" if @strange < 10 && $_[0] !~ $form });
	}
	return @strange;
}

1;
