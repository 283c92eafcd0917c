# SPDX-License-Identifier: MIT
#
# A server (Brood::Server) whose whole configuration is in its file, so that a reload can change all of it.
#
#     my $server = Brood::Configured->start(workers => 4, accept => 'handoff', drain_timeout => '2s');
#     is $server->reload(workers => 2), 'done';
#     is $server->reload(debug_fault => 'start-exit'), 'failed: ...';
package Brood::Configured;

use strict;
use warnings;
use parent -norequire, 'Brood::Server';
use Brood::Client;
use Brood::Proc qw(name wait_until);
use Brood::Server;
use IO::Socket::INET;
use Time::HiRes qw(time);

use constant LIMIT => 60; # seconds; a guard against hanging only

# Settings; `limits`, `root_files` go to Brood::Server. Each root says which one it is in /which.txt.
sub start
{
	my ($class, %settings) = @_;
	my $limits = delete $settings{limits};
	my $dir = Brood::Server::new_dir();
	my %tls = Brood::Server::tls_settings();
	my %base = (listen => Brood::Server::over_tls('127.0.0.1:0'),
		(map { $_ => $tls{$_} =~ /^(?:true|false)\z/ ? \"$tls{$_}" : $tls{$_} } keys %tls), workers => 4, debug_headers => \'true', access_log => 'off',
		control => 'off', root => root_in("$dir", 'first'));
	my $file = write_settings("$dir/brood.conf", { %base, %settings });
	my $self = $class->SUPER::start(bare => 1, args => ['-c', $file],
		$limits ? (limits => $limits) : ());
	@$self{qw(home file settings)} = ($dir, $file, { %base, %settings });
	return $self;
}

sub control { return $_[0]{settings}{control} }

# The path of a root of that name, made when it is new.
sub root_named { return root_in("$_[0]{home}", $_[1]) }

sub root_in
{
	my ($dir, $name) = @_;
	my $root = "$dir/$name";
	return $root if -d $root;
	my %files = map { $_ => Brood::Server->content($_) } qw(hello.txt 1k.txt digits.txt big.bin);
	return Brood::Server::make_tree($root, { %files, 'which.txt' => $name });
}

sub as_text
{
	my ($value) = @_;
	return $$value if ref $value eq 'SCALAR'; # as it is: true, false
	return '[' . join(', ', map { as_text($_) } @$value) . ']' if ref $value;
	return $value =~ /^\d+\z/ ? $value : "\"$value\"";
}

sub write_settings
{
	my ($path, $settings) = @_;
	return Brood::Server::write_file($path, join '',
		map { "$_ = " . as_text($settings->{$_}) . ";\n" } sort keys %$settings);
}

# Changes settings in the file; undef removes one.
sub set
{
	my ($self, %change) = @_;
	my $settings = $self->{settings} = { %{ $self->{settings} }, %change };
	delete $settings->{$_} for grep { !defined $settings->{$_} } keys %$settings;
	return write_settings($self->{file}, $settings);
}

# The verdicts on reloads so far: 'done', or 'failed: REASON'.
sub verdicts
{
	my @lines = $_[0]->stderr_lines;
	return map { $lines[$_] =~ /\breload done/ ? 'done'
		: $lines[$_] =~ /\breload failed/ && $_ < $#lines ? "failed: $lines[$_ + 1]" : () } 0 .. $#lines;
}

# Changes settings, reloads, and returns the verdict.
sub reload
{
	my ($self, %change) = @_;
	$self->set(%change) if %change;
	$self->start_reload;
	return $self->verdict;
}

sub start_reload
{
	my ($self) = @_;
	$self->{verdicts_before} = () = $self->verdicts;
	$self->signal('HUP');
}

# Of the reload that was started last; undef when there is none in time.
sub verdict
{
	my ($self, $limit) = @_;
	my @verdicts;
	wait_until($limit // LIMIT, sub { (@verdicts = $self->verdicts) > $self->{verdicts_before} })
	    or return undef;
	return $verdicts[ $self->{verdicts_before} ];
}

# The reloads that were asked for are over: as many workers as there should be, for a while.
sub settle
{
	my ($self) = @_;
	my ($before, $since) = ('', time);
	return wait_until(40, sub {
		my $now = join ' ', my @workers = $self->workers;
		($before, $since) = ($now, time) if $now ne $before;
		return time - $since > 1 && @workers == $self->{settings}{workers};
	});
}

# So many connections that have been used once and are kept.
sub kept
{
	my ($self, $count) = @_;
	my @kept = map { Brood::Client->connect($self->address, limit => 20) } 1 .. $count;
	$_->get('/hello.txt') for @kept;
	return @kept;
}

# Asks on each connection; what is wrong, in words ('' for nothing). Says by whom they were answered in
# %$workers: "slot-generation-pid" => how often.
sub ask_all
{
	my ($workers, @clients) = @_;
	my %wrong;
	%$workers = ();
	for my $client (@clients) {
		my $end = $client->ending(0);
		$wrong{$end}++, next if $end ne 'open';
		my $response = $client->get('/hello.txt');
		$wrong{ $response->status }++, next if $response->status ne '200';
		$wrong{'announced close'}++ if $response->says_close;
		$workers->{ join '-', $response->worker }++;
	}
	return join ', ', map { "$wrong{$_} times $_" } sort keys %wrong;
}

# How many processes each slot has: { slot => count }.
sub processes_by_slot
{
	my ($self) = @_;
	my %count;
	$count{$_}++ for map { (name($_) // '') =~ /w(\d+)$/ } $self->workers;
	return \%count;
}

# An address that nobody listens on (now).
sub free_address
{
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1, ReuseAddr => 1)
	    or die "no free port: $!";
	return '127.0.0.1:' . $socket->sockport;
}

1;
