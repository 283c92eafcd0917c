#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# `brood prove`: that it finds nothing where nothing is lost, finds what is, and leaves nothing behind.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Brood::Proc qw(name tree wait_until);
use Brood::Server;
use JSON::PP ();
use List::Util qw(sum);
use Test::More;

use constant LIMIT => 120; # seconds; a guard against hanging only

sub workers_of { return grep { (name($_) // '') =~ /: w\d+\z/ } @_ }

# Runs it in a temporary folder of its own; what it has left there is in `litter`.
sub prove
{
	my (@args) = @_;
	my $server = start(@args);
	return outcome($server);
}

sub start
{
	my (@args) = @_;
	my $tmp = Brood::Server::new_dir();
	my $server = Brood::Server->start(bare => 1, unready => 1, args => ['prove', @args],
		env => { TMPDIR => "$tmp" });
	$server->{tmp} = $tmp;
	return $server;
}

sub outcome
{
	my ($server) = @_;
	my $exit = $server->wait_exit(LIMIT) // 'none';
	wait_until(2, sub { !$server->processes });
	my @left = $server->kill_all;
	$server->{finished} = 1;
	my %got = (exit => $exit, stdout => $server->stdout, stderr => $server->stderr,
		left => \@left, litter => [map { s/.*\///r } glob "$server->{tmp}/*"]);
	$got{json} = eval { JSON::PP::decode_json($got{stdout}) };
	return \%got;
}

sub tidy
{
	my ($got, $name) = @_;
	is_deeply [$got->{left}, $got->{litter}], [[], []], "$name: no process and no file is left";
}

sub show { diag $_[0]{stdout}, $_[0]{stderr} }

# Everything at once: one run, nine experiments. It takes long, so it goes on while the others do.
my $long = start(qw(restart reload kill -a all -n 3 -t 2 --json));

# What loses connections is found out.
my $strict = prove(qw(kill -n 2 -t 1 --strict --json));
is $strict->{exit}, 1, 'a server that loses connections does not pass';
like $strict->{json}{experiments}[0]{lost} // '', qr/^\d+ connections were lost with their worker$/,
    'and it is said what was lost';
ok !$strict->{json}{ok} && !$strict->{json}{experiments}[0]{ok}, 'in all places';
tidy($strict, 'strict');

{
	my $run = start(qw(restart -n 100 -t 60 --json));
	my $master = wait_until(20, sub {
		my (undef, $pid, @children) = tree($run->pid);
		return 4 == workers_of(@children) && $pid;
	});
	ok $master, 'the private server runs';
	kill KILL => $master if $master;
	my $got = outcome($run);
	is $got->{exit}, 1, 'a server that dies does not pass';
	like $got->{json}{experiments}[0]{problem} // '', qr/^the server ended by itself: signal 9 \(SIGKILL\)$/,
	    'and it is said why';
	tidy($got, 'server killed');
}

# A worker that somebody else kills is not excused: the connections it held were lost.
{
	my $run = start(qw(restart -n 3 -t 6));
	my (undef, $master, @children) = wait_until(20, sub { $run->stderr =~ /1 of 3/ }) ? tree($run->pid) : ();
	my @workers = workers_of(@children);
	ok $workers[0], 'an experiment runs';
	kill KILL => $workers[0] if $workers[0];
	my $got = outcome($run);
	is $got->{exit}, 1, 'a server whose worker dies meanwhile does not pass';
	like $got->{stdout}, qr/^restart, shared: FAILED: .*connections were (?:closed without notice|reset)/m,
	    'and it is said what was lost';
	tidy($got, 'worker killed');
}

# People.
my $text = prove(qw(restart -n 1 -t 1 -w 2 -c 10+4));
is $text->{exit}, 0, 'a small one' or show($text);
like $text->{stdout}, qr/^2 workers; 10 idle and 4 busy kept connections/m, 'says what is tried';
like $text->{stdout}, qr/^  requests failed +0 +0$/m, 'shows a table';
like $text->{stdout}, qr/^restart, shared: nothing was lost(?:;|$)/m, 'and the verdict';
like $text->{stderr}, qr/\Arestart, shared: left alone, for comparison\nrestart, shared: 1 of 1\n\z/,
    'progress in plain lines where there is no terminal';
tidy($text, 'small');

for my $signal (qw(INT TERM)) {
	my $run = start(qw(kill -n 100 -t 60));
	ok wait_until(20, sub { $run->stderr =~ /left alone/ }), 'an experiment runs';
	kill $signal => $run->pid;
	my $got = outcome($run);
	is $got->{exit}, 128 + { INT => 2, TERM => 15 }->{$signal}, "SIG$signal ends it";
	tidy($got, "SIG$signal");
}

my $wrong = prove(qw(restat));
is $wrong->{exit}, 2, 'a word that is unknown';
like $wrong->{stderr}, qr/\Abrood: prove: .*did you mean 'restart'\?\)\n\z/, 'is told so';
my $help = prove(qw(--help));
is $help->{exit}, 0, 'help is no error';
like $help->{stdout}, qr/^usage: brood prove/, 'and helps';

my $upgrade = prove(qw(upgrade -n 2 -t 1));
is $upgrade->{exit}, 0, 'nothing is lost by upgrading' or show($upgrade);
tidy($upgrade, 'upgrade');

# Over a line of 20 ms each way.
my $stop = prove(qw(stop -a all -n 3 -t 1 --json));
is $stop->{exit}, 0, 'no request is lost to a stop' or show($stop);
is join(' ', map { $_->{accept} } @{ $stop->{json}{experiments} }), 'shared handoff reuseport', 'in any mode';
for my $found (@{ $stop->{json}{experiments} }) {
	my $with = $found->{with};
	is $found->{events}, 1, "$found->{accept}: one stop is all there can be";
	is_deeply [@$with{qw(requests_failed connections_reset connections_hung connections_refused)}], [(0) x 4],
	    "$found->{accept}: nothing is lost";
	is $with->{requests_sent}, $with->{requests_answered}, "$found->{accept}: each request is answered";
	is $with->{connections_announced} + $with->{connections_closed}, 264, "$found->{accept}: each connection has ended";
	cmp_ok $with->{connections_announced}, '>=', 64, "$found->{accept}: those that ask are told so by an answer";
	cmp_ok $found->{without}{latency_p50_us}, '>=', 40000, "$found->{accept}: it was a long line";
}
tidy($stop, 'stop');
my $short = prove(qw(stop -t 1 -w 1 -c 3+2));
like $short->{stdout}, qr/^stop, shared: 0 of 5 lost, over a line of 20 ms each way; 2 were told the end by an answer, 3 were idle$/m,
    'it is said in a sentence' or show($short);

{
	my $run = start(qw(stop -t 1));
	ok wait_until(20, sub { $run->stderr =~ /told to stop/ }), 'a stop that takes half a second';
	kill KILL => (tree($run->pid))[1];
	my $got = outcome($run);
	is $got->{exit}, 1, 'a server that dies instead does not pass';
	like $got->{stdout}, qr/^stop, shared: FAILED: the server ended by signal 9/m, 'and it is said why' or show($got);
	tidy($got, 'stop, server killed');
}

my $all = outcome($long);
is $all->{exit}, 0, 'nothing is lost by restarting, reloading and killing, in any mode' or show($all);
is $all->{stderr}, '', 'and there is nothing to be said about it';
tidy($all, 'all');
my @experiments = @{ $all->{json}{experiments} // [] };
is join(' ', map { "$_->{accept}:$_->{what}" } @experiments),
    join(' ', map { my $mode = $_; map { "$mode:$_" } qw(restart reload kill) } qw(shared handoff reuseport)),
    'each experiment is in the JSON';

for my $found (@experiments) {
	my $name = "$found->{what}, $found->{accept}";
	my %sum = map { $_ => $found->{without}{$_} + $found->{with}{$_} } keys %{ $found->{with} };
	ok $found->{ok} && $found->{events} == 3 && !defined $found->{problem}, "$name: three times, well";
	cmp_ok $found->{with}{requests_answered}, '>', 200, "$name: with requests all the time";
	is $sum{requests_sent}, $sum{requests_answered} + $sum{requests_failed_with_worker},
	    "$name: each request that was sent is accounted for";
	is sum(map { $sum{$_} } grep { /failed$|wrong|refused|closed|reset|hung|unasked/ } keys %sum), 0,
	    "$name: no client saw anything else";
	is sum(map { $_->{connections} } @{ $found->{before} }), 264, "$name: all connections are there before";
	is sum(map { $_->{connections} } @{ $found->{after} }), 264, "$name: and after";
	my %before = map { $_->{pid} => 1 } @{ $found->{before} };
	my $stayed = grep { $before{ $_->{pid} } } @{ $found->{after} };
	if ($found->{what} eq 'kill') {
		ok $sum{connections_lost_with_worker} > 0, "$name: what a killed worker held is lost";
		cmp_ok $stayed, '<=', 1, "$name: three of four were killed";
	} else {
		is $sum{connections_lost_with_worker}, 0, "$name: nobody was killed";
		is $stayed, 0, "$name: all workers are new";
		is_deeply [grep { $_->{generation} != 3 } @{ $found->{after} }], [],
		    "$name: and of the last generation";
	}
}

done_testing;
