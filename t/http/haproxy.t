#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A proxy that keeps connections to brood and shares them among its clients sees neither reloads nor
# upgrades: by its own counters, and by what its clients get. BROOD_TEST_LONG=1: the judged numbers.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Figures qw(find_program);
use Brood::Proc qw(wait_until);
use Brood::Wrk;
use JSON::PP qw(decode_json);
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

use constant CLIENTS => 64;

my $haproxy = find_program('haproxy') or plan skip_all => 'haproxy is not installed';
plan skip_all => 'wrk is not installed' if !Brood::Wrk::path();

my $long = $ENV{BROOD_TEST_LONG};
my ($reloads, $upgrades, $seconds) = $long ? (20, 3, 15) : (4, 1, 2);

# Two versions without a compiler: their names have as many letters.
my $this = Brood::Server::slurp(Brood::Server::program());
my ($version) = qx{"@{[Brood::Server::program()]}" --version} =~ /^brood (\S+)/;
my $other_version = $version =~ s/.\z/x/r;
my $other = $this =~ s/\x00\Q$version\E\x00/\x00${other_version}\x00/gr;

# One that runs cannot be written to.
sub install
{
	my ($path, $octets) = @_;
	Brood::Server::write_file("$path.new", $octets);
	chmod 0755, "$path.new" or die "$path.new: $!";
	rename "$path.new", $path or die "$path: $!";
	return $path;
}

sub start_haproxy
{
	my ($dir, $server, $port, $threads) = @_;
	my $file = Brood::Server::write_file("$dir/haproxy.cfg", <<"END");
global
	stats socket $dir/stats.sock mode 600 level admin
	maxconn 2000
	nbthread $threads
defaults
	mode http
	timeout connect 5s
	timeout client 20s
	timeout server 20s
	timeout check 5s
	retries 3
	http-reuse always
	option http-keep-alive
	option redispatch
frontend front
	bind 127.0.0.1:$port
	default_backend back
backend back
	option httpchk GET /hello.txt
	server brood ${\ $server->address } check inter 100ms rise 1 fall 1 pool-purge-delay 60s
END
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDOUT, '>', "$dir/haproxy.log";
		open STDERR, '>&', \*STDOUT;
		exec $haproxy, '-db', '-f', $file or POSIX::_exit(127);
	}
	return $pid;
}

# Its lines of "show stat": { "PROXY/SERVER" => { counter => value } }.
sub counters
{
	my ($dir) = @_;
	my $client = Brood::Client->connect("unix:$dir/stats.sock") or return {};
	$client->send("show stat\n");
	my ($head, @lines) = split /\n/, $client->read_all;
	my @names = split /,/, $head =~ s/^# //r;
	my %all;
	for (@lines) {
		my %value;
		@value{@names} = split /,/;
		$all{"$value{pxname}/$value{svname}"} = \%value;
	}
	return \%all;
}

# Those of COUNTERS that are not 0, in words.
sub nonzero
{
	my ($line, @counters) = @_;
	return join ' ', map { ($line->{$_} // '') eq '0' ? () : "$_=" . ($line->{$_} // 'unknown') } @counters;
}

# Reloads, with upgrades evenly among them, over so many seconds. Returns what went wrong, and how many
# of each were done.
sub reload_and_upgrade
{
	my ($server, $binary) = @_;
	my (@wrong, %done);
	my @events = ('reload') x $reloads;
	splice @events, $_ * $reloads / ($upgrades + 1), 0, 'upgrade' for reverse 1 .. $upgrades;
	my $begin = time;
	for my $i (0 .. $#events) {
		my $wait = $begin + $i * $seconds / @events - time;
		sleep $wait if $wait > 0;
		if ($events[$i] eq 'reload') {
			my $verdict = $server->reload // 'none';
			push @wrong, "reload: $verdict" if $verdict ne 'done';
		} else {
			my $want = ($done{upgrade} // 0) % 2 ? $version : $other_version;
			install($binary, $want eq $version ? $this : $other);
			my $run = $server->ctl('upgrade');
			my $status = $server->ctl('--json', 'status');
			my $now = decode_json($status->{stdout} || '{}')->{version} // 'none';
			push @wrong, "upgrade to $want: exit $run->{exit}, version $now; $run->{stderr}$status->{stderr}"
			    if $run->{exit} ne '0' || $now ne $want;
		}
		$done{ $events[$i] }++;
	}
	return \@wrong, \%done;
}

# One thread can tell whether a connection was lost: it opens no more than it has clients.
sub test
{
	my ($mode, $threads) = @_;
	subtest "$mode: $reloads reloads, $upgrades upgrades behind haproxy of $threads thread(s)" => sub {
		my $dir = Brood::Server::new_dir();
		my $binary = install("$dir/brood", $this);
		my $server = Brood::Configured->start(accept => $mode, binary => $binary, control => "$dir/control.sock");
		my @old = $server->workers;
		my ($port) = Brood::Configured::free_address() =~ /:(\d+)/;
		my $proxy = start_haproxy("$dir", $server, $port, $threads);
		ok wait_until(20, sub {
			(counters("$dir")->{'back/brood'}{status} // '') eq 'UP' && Brood::Client->connect("127.0.0.1:$port");
		}), 'it runs, and finds the server well' or diag Brood::Server::slurp("$dir/haproxy.log");
		my $load = Brood::Wrk->start(url => "http://127.0.0.1:$port/1k.txt", connections => CLIENTS,
			seconds => 10 * $seconds); # a guard: it is stopped
		wait_until(10, sub { (counters("$dir")->{'back/brood'}{hrsp_2xx} // 0) > 500 });
		my $before = counters("$dir")->{'back/brood'};

		my ($wrong, $done) = reload_and_upgrade($server, $binary);
		my $after = counters("$dir")->{'back/brood'};
		is_deeply $wrong, [], 'all are done';
		is_deeply $done, { reload => $reloads, upgrade => $upgrades }, 'as many as there should be';
		ok $load->running, 'while clients asked';
		is scalar(grep { Brood::Proc::alive($_) } @old), 0, 'no worker of the beginning is left';

		my $result = $load->stop;
		ok $result->{requests} > 500 && !$result->{errors} && !$result->{bad_status}, 'its clients see nothing'
		    or diag Brood::Wrk::describe($result);
		my $all = counters("$dir");
		is nonzero($all->{'front/FRONTEND'}, qw(hrsp_5xx hrsp_other)), '', 'it sent them no error';
		is nonzero($all->{'back/brood'}, qw(econ eresp wretr wredis srv_abrt hrsp_4xx hrsp_5xx hrsp_other)), '',
		    'it counts no connection error, no aborted transfer and no retry';
		is nonzero($all->{'back/brood'}, qw(chkfail chkdown)), '', 'and no failed check';
		# Several threads open some more of their own, also when nothing happens.
		my $connections = "$before->{connect} connections to brood at first, $after->{connect} in the end";
		cmp_ok $after->{connect}, '<=', CLIENTS, "it lost none: $connections" if $threads == 1;
		note Brood::Wrk::describe($result), "; $connections; $after->{reuse} requests on kept ones";
		kill TERM => $proxy;
		wait_until(10, sub { waitpid($proxy, WNOHANG) == $proxy }) or kill 'KILL', $proxy;
		$server->finish;
	};
}

for my $threads ($long ? (1, 4) : 1) {
	test($_, $threads) for qw(shared handoff reuseport);
}
done_testing;
