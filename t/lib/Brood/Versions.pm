# SPDX-License-Identifier: MIT
#
# Two versions of the program, and a place from which a server is upgraded: whatever is put there.
#
#     my $versions = Brood::Versions->new;
#     my $server = $versions->start(workers => 3);
#     $versions->put('next');
#     is $server->ctl('upgrade')->{exit}, 0;
#     is $versions->of($server), $versions->{next}{version};
#
# "next" is t/next/brood-next, linked by make check-build from the same objects: see t/next/fault.c for how it
# can be made to fail.
package Brood::Versions;

use strict;
use warnings;
use Brood::Server;
use File::Basename qw(dirname);
use JSON::PP qw(decode_json);

sub new
{
	my ($class) = @_;
	my $self = bless { dir => Brood::Server::new_dir() }, $class;
	my $build = $ENV{BROOD_BUILD} // dirname(Brood::Server::program());
	my %path = (this => Brood::Server::program(), next => "$build/t/next/brood-next");
	for my $name (keys %path) {
		my ($version) = qx{"$path{$name}" --version} =~ /^brood (\S+)/ or die "$path{$name}: no version";
		$self->{$name} = { octets => Brood::Server::slurp($path{$name}), version => $version };
	}
	$self->put('this');
	return $self;
}

sub dir { return "$_[0]{dir}" }
sub path { return "$_[0]{dir}/brood" }
sub version { return $_[0]{ $_[1] }{version} }
sub octets { return $_[0]{ $_[1] }{octets} }

# The version of that name, for the next upgrade.
sub put { return $_[0]->put_octets($_[0]->octets($_[1])) }

sub put_octets
{
	my ($self, $octets, $mode) = @_;
	my $new = Brood::Server::write_file("$self->{dir}/new", $octets);
	chmod $mode // 0755, $new or die "$new: $!";
	rename $new, $self->path or die $self->path, ": $!"; # one that runs cannot be written to
	return $self->path;
}

# How "next" is to fail, in lines; nothing: not at all.
sub fault { return Brood::Server::write_file("$_[0]{dir}/fault", join '', map { "$_\n" } @_[1 .. $#_]) }

sub start
{
	my ($self, %want) = @_;
	$self->put('this');
	$self->fault;
	return Brood::Server->start(workers => 3, control => 1, %want,
		set => { binary => $self->path, %{ $want{set} // {} } });
}

sub status { return decode_json($_[1]->ctl('--json', 'status')->{stdout} || '{}') }
sub of { return $_[0]->status($_[1])->{version} }

1;
