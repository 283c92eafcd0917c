#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# No client ever gets an octet that is not its own, and each request is in the access log once: three reloads and an
# upgrade, with log files that are moved away and opened again while they run and after each, under 200 connections
# whose content names their client.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Asker;
use Brood::Content;
use Brood::Flock;
use Brood::Moved;
use Brood::Server;
use Brood::Tls qw(make_pair);
use Brood::Versions;
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use POSIX qw(WNOHANG);

use constant { CLIENTS => 200, WORKERS => 3, SLOW => 12, FRESH => 20, LARGE => 1 << 20, LIMIT => 20 };

my $can_tls = Brood::Tls::can_run() && eval { require IO::Socket::SSL; 1 };
my $dir = Brood::Server::new_dir();
my $pair = $can_tls ? make_pair("$dir", 'localhost') : undef;
my $context = $can_tls ? Brood::Asker::tls_context() : undef;
my $versions = Brood::Versions->new;

# By number: of the kept clients, and behind them of those that read slowly; more than a socket holds, or of TLS, which is
# slower by itself, less. Every 25th is large.
my @text = map { Brood::Content::text($_, 0, $_ % 25 == 0 ? LARGE + $_ : 10 + $_ * 1973 % 40000) } 0 .. CLIENTS - 1;
push @text, map { Brood::Content::text($_, 0, ($_ < CLIENTS + SLOW ? 7 : 2) * LARGE + $_) } CLIENTS .. CLIENTS + 2 * SLOW - 1;
my %files = map { (sprintf 'c/%03d.bin', $_) => $text[$_] } 0 .. $#text;

sub config
{
	my ($tls) = @_;
	return 'listen = ( { address = "127.0.0.1:0"; ' . ($tls ? 'tls = true; ' : '') . "},\n"
	    . "{ address = \"127.0.0.2:0\"; proxy_protocol = true; } );\n";
}

sub start
{
	my ($mode, $tls, $logs) = @_;
	my %set = (access_log => $logs->access, error_log => $logs->error, drain_timeout => '10s',
		$tls ? (tls_certificate => $pair->{certificate}, tls_key => $pair->{key}) : ());
	return $versions->start(accept => $mode, workers => WORKERS, config => config($tls), listen => [], root => \%files,
		set => \%set);
}

# What is asked in one run, by number: how often it was answered.
sub new_run { return { flock => Brood::Flock->new, asked => 0, answered => '', lost => [], @_ } }

sub request
{
	my ($run, $client) = @_;
	my $number = $run->{asked}++;
	return { method => 'GET', number => $number,
		octets => sprintf("GET /c/%03d.bin?client=%d&n=%d HTTP/1.1\r\nHost: x\r\n\r\n", $client, $client, $number),
		expect => sub { $_[0]->status eq '200' or die $_[0]->status . "\n"; return [\$text[$client], 0, length $text[$client]] } };
}

# A connection for that client. `answered`, `over`, pace and so on as in Brood::Asker.
sub connection
{
	my ($run, $client, %want) = @_;
	my ($answered, $over) = delete @want{qw(answered over)};
	return Brood::Asker->new($run->{flock}, address => $run->{server}->address, tls => $run->{tls} ? $context : undef,
		name => "client $client", %want,
		answered => sub { vec($run->{answered}, $_[1]{number}, 8)++; $answered->(@_) if $answered },
		over => sub {
			my ($asker, $how, @unanswered) = @_;
			push @{ $run->{lost} }, "client $client: $how" . (@unanswered ? ', not answered' : '')
			    if $how ne 'hung up' && ($how ne 'closed' || !$asker->{told_close} || @unanswered);
			$over->(@_) if $over;
		});
}

# Client NUMBER asks again and again, after a short while; over TLS it comes back after "Connection: close".
sub keep
{
	my ($run, $client) = @_;
	my $again = sub { $_[0]->ask(request($run, $client)) if !$run->{enough} && $_[0]->idle };
	my %slow = $client % 25 == 0 ? (receive_buffer => 65536, pace => [65536, 0.005]) : ();
	my $asker = connection($run, $client, %slow,
		answered => sub {
			my ($asker) = @_;
			$run->{told_close}++ if $asker->{told_close};
			$run->{met}++ if $asker->{answers} == 1;
			$run->{flock}->at(0.1 + rand 0.3, sub { $again->($asker) });
		},
		over => sub { keep($run, $client) if !$run->{enough} && $_[0]{told_close} });
	$asker->ask(request($run, $client));
}

# So many new connections, with one request each: true when they are answered.
sub come
{
	my ($run, $count) = @_;
	my $left = $count;
	connection($run, $_, answered => sub { $left--; $_[0]->hang_up })->ask(request($run, $_)) for map { $_ % 25 ? $_ : $_ + 1 } 1 .. $count;
	return $run->{flock}->run(LIMIT, sub { $left == 0 });
}

# Downloads with small buffers begin.
sub begin_slow
{
	my ($run) = @_;
	for my $client (map { CLIENTS + ($run->{tls} ? SLOW : 0) + $_ } 0 .. SLOW - 1) {
		$run->{slow}++;
		connection($run, $client, receive_buffer => 65536, pace => [65536, 0.01], answered => sub { $_[0]->hang_up },
			over => sub { $run->{slow}-- })->ask(request($run, $client));
	}
}

# Runs broodctl while clients are looked after; its exit status.
sub ctl
{
	my ($run, $meanwhile, @command) = @_;
	my $ctl = $run->{server}->ctl_start(@command);
	my $status;
	$meanwhile->() if $meanwhile;
	$run->{flock}->run(2 * LIMIT, sub { waitpid($ctl->{pid}, WNOHANG) == $ctl->{pid} && defined($status = $?) });
	return defined $status ? $status >> 8 : 'none';
}

sub serving { return map { $_->{pid} } grep { $_->{state} eq 'serving' } @{ $versions->status($_[0]{server})->{workers} } }

sub complaints
{
	my ($run) = @_;
	my %count;
	$run->{logs}->each_line('error', sub { $count{$1}++ if $_[0] =~ / worker \d+ \[(\d+)\] PROXY/ });
	return %count;
}

# Connections without what their listener wants.
sub provoke
{
	my ($run) = @_;
	my @garbage = map { IO::Socket::INET->new(PeerAddr => $run->{server}->address(1)) } 1 .. 2 * WORKERS;
	print $_ "GET / HTTP/1.1\r\n\r\n" for grep { $_ } @garbage;
	$run->{flock}->turn for 1 .. 5;
}

# Each worker complains once about these. Returns those whose line is not in the error log. Who is never given one,
# since it has more than its share of the others, gets one when the others stand still.
sub hear_all
{
	my ($run) = @_;
	return 'not tried again' if $run->{deaf};
	my @pids = serving($run);
	my ($rounds, @silent) = 0;
	$run->{flock}->run(5, sub {
		my %heard = complaints($run);
		@silent = grep { !$heard{$_} } @pids or return 1;
		my @others = $rounds++ < 5 ? () : grep { $heard{$_} } @pids;
		kill 'STOP', @others;
		provoke($run);
		kill 'CONT', @others;
		return 0;
	});
	$run->{complained}{$_} = 1 for @pids;
	$run->{deaf} = @silent > 0;
	return join ' ', @silent;
}

sub move_logs { my ($run, $reopen) = @_; $run->{logs}->move; $run->{server}->signal('USR1') if !$reopen }

# A reload or an upgrade, and all around it.
sub step
{
	my ($run, $command) = @_;
	is ctl($run, sub { $run->{flock}->run(0.05, sub { 0 }); move_logs($run) }, $command), 0, "$command: done, while logs are opened anew";
	is hear_all($run), '', "$command: a line of each worker is in the error log";
	begin_slow($run);
	move_logs($run);
	is ctl($run, undef, 'reopen'), 0, "$command: logs are opened anew";
	ok come($run, FRESH), "$command: who comes then is answered";
}

# How often each number is in the access logs.
sub logged
{
	my ($run) = @_;
	my $logged = '';
	$run->{logs}->each_line('access', sub { vec($logged, $1, 8)++ if $_[0] =~ /&n=(\d+) HTTP/ });
	return $logged;
}

sub check_logs
{
	my ($run) = @_;
	my @all = 0 .. $run->{asked} - 1;
	$run->{flock}->run(5, sub { my $logged = logged($run); !grep { !vec $logged, $_, 8 } @all });
	my $logged = logged($run);
	my @lost = grep { vec($run->{answered}, $_, 8) && !vec $logged, $_, 8 } @all;
	my @twice = grep { vec($logged, $_, 8) > 1 } 0 .. length($logged) - 1;
	is scalar @lost, 0, 'each request that was answered is in the access log' or diag "of $run->{asked}: @lost[0 .. ($#lost < 9 ? $#lost : 9)]";
	is scalar @twice, 0, 'none is there twice' or diag "@twice[0 .. ($#twice < 9 ? $#twice : 9)]";
	is join("\n", $run->{logs}->strange), '', 'lines are whole, and where they belong';
	my %complaints = complaints($run);
	is join(' ', grep { ($complaints{$_} // 0) != 1 } keys %{ $run->{complained} }), '', 'each line of a worker is in the error log once';
}

sub whole_run
{
	my ($mode, $tls) = @_;
	my $logs = Brood::Moved->new(my $home = Brood::Server::new_dir());
	my $server = start($mode, $tls, $logs);
	my $run = new_run(server => $server, tls => $tls, logs => $logs, home => $home, met => 0, slow => 0);
	keep($run, $_) for 0 .. CLIENTS - 1;
	ok $run->{flock}->run(LIMIT, sub { $run->{met} >= CLIENTS }), CLIENTS . ' clients are answered';
	is hear_all($run), '', 'a line of each worker is in the error log';
	step($run, 'reload') for 1 .. 3;
	$versions->put('next');
	step($run, 'upgrade');
	is $versions->of($server), $versions->version('next'), 'the version';
	$run->{enough} = 1;
	ok $run->{flock}->run(LIMIT, sub { !$run->{slow} && !grep { $_->waits } $run->{flock}->askers }), 'all is answered'
	    or diag join "\n", map { ($_->{name} // '') . ' waits for ' . $_->waits } grep { $_->waits } $run->{flock}->askers;
	check_logs($run);
	is join("\n", $run->{flock}->all_wrong), '', 'no client sees an octet that is not its own';
	is join("\n", @{ $run->{lost} }), '', 'no connection is lost';
	ok $run->{asked} > 4 * CLIENTS, "$run->{asked} requests";
	$run->{flock}->hang_up_all;
	$server->finish;
}

for my $mode (qw(shared handoff reuseport)) {
	subtest "$mode, plain" => sub { whole_run($mode, 0) };
	SKIP: {
		skip 'TLS: needs openssl, curl and IO::Socket::SSL', 1 if !$can_tls;
		subtest "$mode, TLS" => sub { whole_run($mode, 1) };
	}
}

done_testing;
