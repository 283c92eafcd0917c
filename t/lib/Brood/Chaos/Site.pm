# SPDX-License-Identifier: MIT
#
# The server that everything happens to: its configuration, certificates, logs; begun, looked after and ended. Clients are
# looked after by the flock while anything is waited for.
package Brood::Chaos::Site;

use strict;
use warnings;
use Brood::Client;
use Brood::Configured;
use Brood::Moved;
use Brood::Proc qw(descriptors);
use Brood::Server;
use Brood::Tls qw(make_pair);
use Brood::Versions;
use File::Copy qw(copy);
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use POSIX qw(WNOHANG);
use Time::HiRes qw(time);

use constant { WORKERS => 3, WORKERS_MAX => 5, LIMIT => 60 };

sub new
{
	my ($class, %with) = @_;
	my $dir = Brood::Server::new_dir();
	mkdir "$dir/$_" or die "$dir/$_: $!" for qw(root log);
	my $self = bless { %with, dir => $dir, versions => Brood::Versions->new, version => 'this' }, $class;
	$self->{logs} = Brood::Moved->new("$dir/log");
	$self->{pairs} = [map { make_pair("$dir", 'localhost', name => $_) } qw(a b)];
	$self->renew(0);
	$self->{ports} = { map { $_ => free_port() } qw(plain tls) };
	$self->{taken} = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1) or die "no port: $!";
	$self->{good} = { listen => [$self->address('plain'), 'tls:' . $self->address('tls')], workers => WORKERS, accept => $with{mode},
		root => $self->root, access_log => $self->{logs}->access, error_log => $self->{logs}->error, control => "$dir/control",
		state_dir => 'off', drain_timeout => '15s', stop_timeout => '10s', debug_headers => \'true', keepalive_timeout => '30s',
		tls_certificate => "$dir/cert.pem", tls_key => "$dir/key.pem", binary => $self->{versions}->path };
	$self->configure;
	return $self;
}

# Below those that connections of others get.
sub free_port
{
	for (1 .. 100) {
		my $port = 10000 + int rand 20000;
		my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1) or next;
		return $port;
	}
	die "no free port\n";
}

sub root { return "$_[0]{dir}/root" }
sub logs { return $_[0]{logs} }
sub versions { return $_[0]{versions} }
sub address { return "127.0.0.1:$_[0]{ports}{$_[1]}" }
sub addresses { my ($self) = @_; return { map { $_ => $self->address($_) } qw(plain tls) } }

# The file from now on: what is good, with these changes; undef removes. `text` is added as it is.
sub configure
{
	my ($self, %change) = @_;
	my $text = delete $change{text} // '';
	my %settings = (%{ $self->{good} }, %change);
	delete $settings{$_} for grep { !defined $settings{$_} } keys %settings;
	Brood::Configured::write_settings("$self->{dir}/conf.new", \%settings);
	open my $file, '>>', "$self->{dir}/conf.new" or die $!;
	print $file $text;
	close $file;
	rename "$self->{dir}/conf.new", "$self->{dir}/brood.conf" or die $!;
}

# As a renewal does it: beside it, then renamed.
sub renew
{
	my ($self, $which) = @_;
	my $pair = $self->{pairs}[$which];
	copy($pair->{$_->[0]}, "$self->{dir}/new") && rename "$self->{dir}/new", "$self->{dir}/$_->[1]" or die "renewal: $!"
	    for [certificate => 'cert.pem'], [key => 'key.pem'];
}

# ---- its life

sub start
{
	my ($self) = @_;
	$self->{server} = Brood::Server->start(bare => 1, args => ['-c', "$self->{dir}/brood.conf"], limits => ['-c 0'],
		env => { ASAN_OPTIONS => ($ENV{ASAN_OPTIONS} // '') . ':handle_segv=0:handle_abort=0' });
}

# The first start; returns what is said of a path that is not there.
sub begin
{
	my ($self) = @_;
	$self->start;
	return Brood::Client->connect($self->address('plain'), tls => 0)->get('/none/0')->body;
}

sub server { return $_[0]{server} }
sub master { return $_[0]{server}->master }
sub alive { return Brood::Proc::alive($_[0]->master) }
sub workers { return $_[0]{server}->workers }
sub child { my ($self, $name) = @_; return ($self->{server}->children_named(qr/: $name\z/))[0] }

# broodctl, while clients are looked after: { exit, stdout, stderr }.
sub ctl
{
	my ($self, @command) = @_;
	my $run = $self->ctl_start(@command);
	my $status;
	$self->{flock}->run(2 * LIMIT, sub { waitpid($run->{pid}, WNOHANG) == $run->{pid} && defined($status = $?) });
	return ctl_outcome($run, $status);
}

sub ctl_start { my ($self, @command) = @_; return bless({ %{ $self->{server} }, want => {} }, 'Brood::Chaos::Control')->with($self)->ctl_start(@command) }
sub ctl_outcome
{
	my ($run, $status) = @_;
	my %said = map { $_ => Brood::Server::slurp("$run->{base}." . substr $_, 3) } qw(stdout stderr);
	return { exit => defined $status ? ($status & 127 ? 'signal ' . ($status & 127) : $status >> 8) : 'none', %said };
}

sub status { my ($self) = @_; return eval { decode_json($self->ctl('--json', 'status')->{stdout}) } // {} }

# No roll runs at the moment.
sub rests { return ($_[0]->status->{state} // '') eq 'running' }

# No roll runs, and nobody drains: true.
sub settled
{
	my ($self, $limit) = @_;
	return $self->{flock}->run($limit // LIMIT, sub {
		my $status = $self->status;
		return ($status->{state} // '') eq 'running' && !grep { $_->{state} ne 'serving' } @{ $status->{workers} };
	});
}

# Brings up all that a slot, a mode and an upgrade need, so that what is there then is what must be there later.
sub warm_up
{
	my ($self) = @_;
	$self->ctl('scale', WORKERS_MAX);
	for my $mode (qw(reuseport handoff), $self->{mode}) {
		$self->configure(accept => $mode, workers => WORKERS_MAX);
		$self->ctl('reload');
	}
	$self->{versions}->put($self->{version});
	$self->ctl('upgrade');
	$self->configure;
	$self->ctl('reload');
	$self->ctl('scale', WORKERS);
	$self->settled;
	$self->{expected} = $self->kinds;
}

# How many descriptors of each kind the master has. As many as it needs for a closer it keeps free without one (as
# /dev/null), so what such descriptors are is one kind.
sub kinds
{
	my ($self) = @_;
	my %count;
	for my $link (values %{ descriptors($self->master) }) {
		$count{ $link =~ m{^(?:/dev/null|pipe:|socket:)} ? '/dev/null, pipe or socket' : $link =~ s/\d+/N/gr }++;
	}
	return \%count;
}

# What is wrong with it in a moment of quiet, in words.
sub problems
{
	my ($self) = @_;
	my @problems;
	return 'the master is gone' if !$self->alive;
	push @problems, 'zombies are left: ' . join ' ', $self->{server}->zombies if !$self->{flock}->run(5, sub { !$self->{server}->zombies });
	push @problems, WORKERS . ' workers expected, there are ' . $self->workers if !$self->{flock}->run(10, sub { $self->workers == WORKERS });
	my ($now, @more);
	$self->{flock}->run(5, sub { $now = $self->kinds; @more = grep { $now->{$_} > ($self->{expected}{$_} // 0) } keys %$now; !@more });
	push @problems, "the master has $now->{$_} descriptors of $_, and had " . ($self->{expected}{$_} // 0) for sort @more;
	$self->{last_look} = join ', ', map { "$now->{$_} $_" } sort keys %$now;
	return @problems;
}

# Ends it as CODE does; returns what is wrong with that. `exit`: how it must end.
sub end
{
	my ($self, $code, $exit) = @_;
	my $server = $self->{server};
	my $begun = time;
	$code ? $code->() : $server->signal('TERM');
	$self->{flock}->run(30, sub { defined $server->wait_exit(0) });
	my @problems;
	my $ended = $server->wait_exit(0) // 'none: it did not stop within 30 s';
	push @problems, "the server ended with $ended" if $ended ne ($exit // 0);
	my $ended_at = time;
	$self->{flock}->run(30, sub { !$server->processes });
	$self->{say}->(sprintf '    ended after %.3f s, its last process %.3f s later', $ended_at - $begun, time - $ended_at);
	push @problems, $server->leftovers;
	$server->{finished} = 1;
	return @problems;
}

# The last lines of its standard error and of its error log.
sub last_words
{
	my ($self) = @_;
	my @log;
	$self->{logs}->each_line('error', sub { push @log, $_[0]; shift @log if @log > 30 });
	my @stderr = split /\n/, $self->{server}->stderr;
	splice @stderr, 0, @stderr - 30 if @stderr > 30;
	return ('its standard error:', (map { "    $_" } @stderr), 'its error log:', map { "    $_" } @log);
}

# ctl_start of Brood::Server, with the socket of the configuration.
package Brood::Chaos::Control;

use strict;
use warnings;
use parent -norequire, 'Brood::Server';

sub with { my ($self, $site) = @_; $self->{socket} = $site->{good}{control}; $self->{finished} = 1; return $self }
sub control { return $_[0]{socket} }
sub DESTROY { }

1;
