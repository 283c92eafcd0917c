#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What a request costs in system calls, counted by strace.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until status);
use Brood::Server;

my ($strace) = grep { -x } map { "$_/strace" } split /:/, $ENV{PATH};
plan skip_all => 'strace is not installed' if !$strace;
plan skip_all => 'not with sanitizers' if $ENV{BROOD_SANITIZE};

# Runs CODE while the workers are traced; returns { call => count }.
sub count_calls
{
	my ($server, $code) = @_;
	my $output = $server->dir . '/strace';
	my @workers = $server->workers;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDERR, '>', "$output.stderr";
		exec $strace, '-qq', '-f', '-o', $output, '-e', 'signal=none', map { ('-p', $_) } @workers or POSIX::_exit(127);
	}
	my $attached = wait_until(10, sub { !grep { (status($_)->{TracerPid} // 0) == 0 } @workers });
	my $warm = $attached && $code->();
	kill 'INT', $pid;
	waitpid $pid, 0;
	return undef if !$attached;
	my %count;
	my $text = Brood::Server::slurp($output);
	$count{$1}++ while $text =~ /^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)(?!.*<unfinished)/mg;
	return \%count;
}

my $requests = 1000;

sub check
{
	my ($name, $count, %most) = @_;
	# An answer that is put together from parts goes by sendmsg, others by sendto.
	$count->{'sendto or sendmsg'} = (delete $count->{sendto} // 0) + (delete $count->{sendmsg} // 0);
	my $all = join ', ', map { "$_ $count->{$_}" } sort { $count->{$b} <=> $count->{$a} } keys %$count;
	note "$name: $all";
	my @wrong;
	for my $call (sort keys %$count) {
		# Timers and the turn of a second cost a few calls, whatever the number of requests.
		my $most = ($most{$call} // 0) * $requests + 60;
		push @wrong, "$call: $count->{$call}, at most $most" if $count->{$call} > $most;
	}
	ok !@wrong, "$name: nothing beyond what is needed" or diag join "\n", @wrong, $all;
	cmp_ok $count->{'sendto or sendmsg'}, '>=', $requests, "$name: it did count";
}

for my $mode (qw(shared handoff reuseport)) {
	my $server = Brood::Server->start(accept => $mode, workers => 1, set => { debug_headers => undef });
	Brood::Client->connect($server->address)->get('/1k.txt') for 1 .. 3;

	my $keep = count_calls($server, sub {
		my $client = Brood::Client->connect($server->address);
		$client->get('/1k.txt') for 1 .. $requests;
		return 1;
	});
	SKIP: {
		skip 'strace cannot attach here', 1 if !$keep;
		check("$mode, keep-alive", $keep, recvfrom => 1, 'sendto or sendmsg' => 1, epoll_wait => 1,
			epoll_pwait2 => 1);
	}
	my $close = count_calls($server, sub {
		Brood::Client->connect($server->address)->get('/1k.txt', Connection => 'close') for 1 .. $requests;
		return 1;
	});
	SKIP: {
		skip 'strace cannot attach here', 1 if !$close;
		# Accepting ends with an accept4 that finds nothing, and begins with a look whether that would wait, which
		# whoever has a copy of the socket can bring about; handed over, a connection costs a message.
		my %more = $mode eq 'handoff' ? (recvmsg => 2, 'sendto or sendmsg' => 2) : (accept4 => 2, fcntl => 1);
		check("$mode, Connection: close", $close, recvfrom => 1, 'sendto or sendmsg' => 1, close => 1,
			epoll_wait => 1, epoll_pwait2 => 1, %more);
	}
	my $began = time;
	my $large = count_calls($server, sub {
		my $client = Brood::Client->connect($server->address);
		$client->get('/big.bin') for 1 .. 5;
		return 1;
	});
	SKIP: {
		skip 'strace cannot attach here', 1 if !$large;
		cmp_ok $large->{sendfile} // 0, '>=', 5, "$mode: large files go by sendfile";
		# Compared with the disk once a second, with three that may lie beside it.
		cmp_ok $large->{openat2} // 0, '<=', 4 * (1 + int(time - $began)), "$mode: and stay open";
	}
	$server->finish;
}

# Limits that all workers share cost no call for a request, and one for a connection: whose it is.
{
	my $server = Brood::Server->start(workers => 1, set => { debug_headers => undef, client_rate => '10000/s',
		client_burst => 1000000, client_connections => 1000, connections_max_total => 1000 });
	Brood::Client->connect($server->address)->get('/1k.txt') for 1 .. 3;
	my $keep = count_calls($server, sub {
		my $client = Brood::Client->connect($server->address);
		return !grep { $client->get('/1k.txt')->status ne '200' } 1 .. $requests;
	});
	my $close = count_calls($server, sub {
		return !grep { Brood::Client->connect($server->address)->get('/1k.txt', Connection => 'close')->status ne '200' }
		    1 .. $requests;
	});
	SKIP: {
		skip 'strace cannot attach here', 4 if !$keep || !$close;
		check('limits, keep-alive', $keep, recvfrom => 1, 'sendto or sendmsg' => 1, epoll_wait => 1,
			epoll_pwait2 => 1);
		check('limits, Connection: close', $close, recvfrom => 1, 'sendto or sendmsg' => 1, close => 1,
			epoll_wait => 1, epoll_pwait2 => 1, accept4 => 2, fcntl => 1, getpeername => 1);
	}
	$server->finish;
}

# All that has to do with balancers: who the client is, a name for each request, health, the PROXY protocol.
SKIP: {
	my $server = Brood::Server->start(workers => 1, set => { debug_headers => undef, behind_lb => 'true',
		trusted => '127.0.0.1', proxy_protocol => 'true' });
	my $keep = count_calls($server, sub {
		my $client = Brood::Client->connect($server->address);
		$client->send("PROXY TCP4 127.0.0.1 127.0.0.1 4711 80\r\n");
		for (1 .. $requests / 2) {
			$client->get('/1k.txt', 'X-Forwarded-For' => '192.0.2.1', 'X-Request-Id' => 'mine');
			$client->get('/-/ready');
		}
		return 1;
	});
	skip 'strace cannot attach here', 1 if !$keep;
	check('behind a balancer, keep-alive', $keep, recvfrom => 1, 'sendto or sendmsg' => 1, epoll_wait => 1,
		epoll_pwait2 => 1, getrandom => 0.02);
	$server->finish;
}

done_testing;
