#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# /-/health and /-/ready: who may ask, what the log has of it, that a roll changes nothing, and that a stop
# is told of before it begins (drain_delay).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Figures qw(find_program);
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use IO::Socket::INET;
use POSIX qw(WNOHANG);

sub start
{
	my (%set) = @_;
	my $dir = Brood::Server::new_dir();
	my $server = Brood::Configured->start(access_log => "$dir/access.log",
		$set{behind_lb} ? () : (health_allow => '127.0.0.1'), %set);
	return ($server, "$dir/access.log", $dir);
}

# The status of one request on a connection of its own.
sub ask
{
	my ($server, $path) = @_;
	my $client = Brood::Client->connect($server->address) or return 'refused';
	return $client->get($path)->status;
}

subtest 'who may ask is answered' => sub {
	my ($server, $log, $dir) = start();
	my $client = Brood::Client->connect($server->address);
	for my $path (qw(/-/health /-/ready)) {
		my $response = $client->get($path);
		is $response->status, 200, $path;
		is $response->header('Cache-Control'), 'no-store', 'never from a cache';
		is $client->head($path)->status, 200, 'HEAD';
	}
	my $old = Brood::Client->connect($server->address);
	$old->send("OPTIONS / HTTP/1.0\r\n\r\n");
	like $old->response->status, qr/^2/, 'OPTIONS of HTTP/1.0 without Host';
	is $client->get('/hello.txt')->status, 200, 'a file';
	wait_until(10, sub { Brood::Server::slurp($log) =~ /hello/ });
	unlike Brood::Server::slurp($log), qr{/-/}, 'the access log does not have them';
	$_->close for $client, $old;
	is $server->reload(health_log => \'true'), 'done', 'health_log';
	is ask($server, '/-/health'), 200, 'is answered';
	ok wait_until(10, sub { Brood::Server::slurp($log) =~ m{GET /-/health} }), 'and logged';
	is $server->reload(health_allow => '10.0.0.0/8'), 'done', 'others may ask';
	is ask($server, $_), 404, "$_ is a path as any other" for qw(/-/health /-/ready);
	is $server->reload(health_allow => ''), 'done', 'nobody may ask';
	is ask($server, $_), 404, "$_ is a path as any other" for qw(/-/health /-/ready);
	$server->finish;
};

# Asks until an answer says that it is the last on its connection. Returns that one, or whatever came instead.
sub last_answer
{
	my ($client, $target) = @_;
	my $response;
	wait_until(10, sub { ($response = $client->get($target))->says_close || $response->status !~ /^\d+\z/ });
	return $response;
}

subtest 'a roll is nobody\'s business' => sub {
	my ($server, $log, $dir) = start(workers => 3, accept => 'handoff');
	my @clients = map { Brood::Client->connect($server->address) } 1 .. 6;
	my %seen;
	$server->start_reload;
	until (defined $server->verdict(0)) {
		for my $client (@clients) {
			my $response = $client->get('/-/ready');
			$seen{ $response->status }++;
			# Over TLS the end is announced.
			$client = Brood::Client->connect($server->address) if Brood::Server::with_tls() && $response->says_close;
		}
		$seen{ ask($server, '/-/ready') }++;
	}
	$seen{ $_->get('/-/ready')->status }++ for @clients;
	is_deeply [keys %seen], [200], 'it was ready all the time, for all';
	$server->finish;
};

for my $mode (qw(shared handoff reuseport)) {
	subtest "$mode: a stop is told of before it begins" => sub {
		my ($server, $log, $dir) = start(workers => 3, accept => $mode, drain_delay => '1h');
		my @clients = map { Brood::Client->connect($server->address) } 1 .. 12;
		is_deeply [grep { $_ != 200 } map { $_->get('/-/ready')->status } @clients], [], 'ready';
		$server->signal('TERM');
		ok $server->wait_stderr(qr/TERM: stopping in 3600000 ms/), 'TERM';
		is_deeply [map { last_answer($_, '/-/ready')->status } @clients[0 .. 5]], [(503) x 6], 'no worker is ready any more';
		is_deeply [map { last_answer($_, '/hello.txt')->status } @clients[6 .. 11]], [(200) x 6], 'but all go on serving, up to an answer that says it is the last';
		is ask($server, '/hello.txt'), 200, 'also new connections';
		is ask($server, '/-/ready'), 503, 'which are told the same';
		is ask($server, '/-/health'), 200, 'it lives';
		my ($victim) = $server->workers;
		kill 'KILL', $victim;
		ok wait_until(10, sub { my @now = $server->workers; @now == 3 && !grep { $_ == $victim } @now }), 'a worker that dies is replaced';
		ok wait_until(10, sub { !grep { ask($server, '/-/ready') ne '503' } 1 .. 6 }), 'by one that knows';
		is $server->stop_at_once, 0, 'a second TERM, a second later, does not wait';
	};
}

subtest 'behind_lb' => sub {
	my ($server, $log, $dir) = start(behind_lb => \'true', trusted => '127.0.0.1');
	my $client = Brood::Client->connect($server->address);
	is $client->get('/-/ready')->status, 200, 'the balancer may ask';
	my $response = $client->get('/hello.txt', 'X-Request-Id' => 'from-the-balancer');
	is $response->header('X-Request-Id'), 'from-the-balancer', 'requests have names';
	unlike $server->stderr, qr/warn/, 'nothing to be warned of';
	is $server->reload(drain_delay => '0s', trusted => undef), 'done', 'a reload';
	ok $server->wait_stderr(qr/behind_lb: trusted is empty/), 'warns';
	ok $server->wait_stderr(qr/behind_lb: drain_delay is 0/), 'of all that does not suit';
	$client->close;
	$server->finish;
};

subtest 'when its time is over it stops as always' => sub {
	my ($server, $log, $dir) = start(drain_delay => '200ms');
	my $client = Brood::Client->connect($server->address);
	my $half = Brood::Client->connect($server->address);
	is $client->get('/hello.txt')->status, 200, 'one that will be idle';
	$half->send("GET /hello.txt HTTP/1.1\r\n");
	$server->signal('TERM');
	is $client->wait_end, 'closed', 'is closed at last';
	$half->send("Host: x\r\n\r\n");
	my $response = $half->response;
	is $response->status, 200, 'what is in flight is finished';
	ok $response->says_close, 'and said goodbye to';
	is $server->wait_exit, 0, 'it stops';
};

subtest 'nothing new is begun' => sub {
	my $dir = Brood::Server::new_dir();
	my ($server) = start(drain_delay => '1h', control => "$dir/control.sock");
	$server->signal('TERM');
	ok $server->wait_stderr(qr/TERM: stopping in/), 'TERM';
	like $server->ctl('status')->{stdout}, qr/stopping/, 'its status says so';
	my $reload = $server->ctl('reload');
	isnt $reload->{exit}, 0, 'no reload';
	like $reload->{stderr}, qr/stopping/, 'for that reason';
	is $server->ctl('stop', '--now')->{exit}, 0, 'broodctl stop --now';
	is $server->wait_exit, 0, 'is at once';
};

subtest 'a roll that runs when a stop is told' => sub {
	my ($server, $log, $dir) = start(workers => 3, drain_delay => '1h');
	my @clients = map { Brood::Client->connect($server->address) } 1 .. 6;
	$_->get('/-/ready') for @clients;
	$server->signal('HUP');
	$server->signal('TERM');
	ok $server->wait_stderr(qr/TERM: stopping in/), 'TERM';
	is_deeply [map { last_answer($_, '/-/ready')->status } @clients], [(503) x 6], 'old and new workers know';
	is $server->stop_at_once, 0, 'it stops';
};

SKIP: {
	my $haproxy = find_program('haproxy') or skip 'haproxy is not installed', 1;
	subtest 'haproxy sends nobody to a server that will stop' => sub {
		my ($leaving, $log, $dir) = start(drain_delay => '1h');
		my ($staying) = start();
		my $port = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1:0')->sockport;
		my $config = Brood::Server::write_file("$dir/haproxy.cfg", <<"END");
defaults
	mode http
	timeout connect 2s
	timeout client 10s
	timeout server 10s
	timeout check 2s
	retries 0
listen front
	bind 127.0.0.1:$port
	balance roundrobin
	option httpchk GET /-/ready
	http-reuse always
	default-server check inter 50ms rise 1 fall 1
	server leaving ${\ $leaving->address } ${\ Brood::Server::for_haproxy() }
	server staying ${\ $staying->address } ${\ Brood::Server::for_haproxy() }
END
		my $pid = fork // die "fork: $!";
		if (!$pid) {
			open STDOUT, '>', "$dir/output";
			open STDERR, '>&', \*STDOUT;
			exec $haproxy, '-db', '-f', $config or POSIX::_exit(127);
		}
		my $client;
		ok wait_until(10, sub {
			$client = Brood::Client->connect("127.0.0.1:$port") and $client->get('/hello.txt')->status eq '200';
		}), 'it runs';
		my %by;
		my $get = sub {
			my $response = $client->get('/hello.txt');
			$by{ $response->status }++;
			return $response->status eq '200';
		};
		$get->() for 1 .. 20;
		$leaving->signal('TERM');
		ok wait_until(20, sub {
			$get->() or $client = Brood::Client->connect("127.0.0.1:$port");
			Brood::Server::slurp("$dir/output") =~ /leaving is DOWN.*503/;
		}), 'haproxy takes it out by its readiness';
		$get->() for 1 .. 20;
		is $leaving->stop_at_once, 0, 'it stops';
		$get->() for 1 .. 20;
		is_deeply [keys %by], [200], 'no client saw the stop';
		kill 'TERM', $pid;
		wait_until(10, sub { waitpid($pid, WNOHANG) == $pid }) or kill 'KILL', $pid;
		$staying->finish;
	};
}

done_testing;
