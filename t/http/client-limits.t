#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Limits that hold for all workers together: each is met, and not passed by one, whatever happens to
# workers meanwhile.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(alive name status wait_until);
use Brood::Server;
use POSIX ();
use Time::HiRes qw(time);

my @modes = qw(shared handoff reuseport);

# How a connection that is not let in learns of that: by an answer of STATUS, but over TLS there is no handshake, so no
# answer either.
my $tls = Brood::Server::with_tls();
sub refused { return $tls ? 'closed' : $_[0] }
sub answer { return $_[0]->status =~ /^no response: closed after 0 / ? 'closed' : $_[0]->status }

# Idle connections would give way to others (t/http/idle.t), so where all are counted they are in the middle of a request: the
# first part of the next one comes with the one that is answered.
our $next_head = "GET /hello.txt HTTP/1.1\r\nHost: x\r\n";

# A connection that has asked once: the client, and the status of the answer. `busy`: and has begun to ask again.
sub ask_new
{
	my ($server, %option) = @_;
	my $busy = delete $option{busy};
	my $client = Brood::Client->connect($server->address, later => 1, %option) or return (undef, "connect: $!");
	$client->send("$next_head\r\n" . ($busy ? $next_head : ''));
	my $response = $client->response;
	return ($client, answer($response), $response);
}

# As Brood::Configured::ask_all, with busy ones, which are busy afterwards as well.
sub ask_busy
{
	my ($workers, @clients) = @_;
	my %wrong;
	%$workers = ();
	for my $client (@clients) {
		$client->send("\r\n$next_head");
		my $response = $client->response;
		$wrong{ $response->status }++, next if $response->status ne '200';
		$wrong{'announced close'}++ if $response->says_close;
		$workers->{ join '-', $response->worker }++;
	}
	return join ', ', map { "$wrong{$_} times $_" } sort keys %wrong;
}

# And idle afterwards.
sub ask_last { local $next_head = ''; return ask_busy(@_) }

# As many connections as are let in, COUNT being tried: those, and how often which status was given.
sub fill
{
	my ($server, $count, %option) = @_;
	my (@held, %statuses);
	for (1 .. $count) {
		my ($client, $status) = ask_new($server, %option);
		push @held, $client if $status eq '200';
		$statuses{$status}++;
	}
	return (\@held, join ', ', map { "$_: $statuses{$_}" } sort keys %statuses);
}

sub tally { my %count; $count{$_}++ for @_; return join ', ', map { "$_: $count{$_}" } sort keys %count }

# How many more are let in, which are closed again; waits until that is COUNT, or gives up.
sub has_room_for
{
	my ($server, $count, %option) = @_;
	my $found;
	wait_until(10, sub {
		my ($held) = fill($server, $count + 1, %option);
		$found = @$held;
		$_->close for @$held;
		return $found == $count;
	});
	return $found;
}

for my $mode (@modes) {
	subtest "$mode, client_rate: a burst over four workers, and not one more" => sub {
		my $server = Brood::Configured->start(accept => $mode, client_rate => '1/m', client_burst => 40,
			drain_timeout => '2s'); # over TLS the connections stay with their workers until then
		my @clients = map { Brood::Client->connect($server->address) } 1 .. 10;
		my (@statuses, %workers, @retry, $open);
		for my $round (1 .. 5) {
			for my $client (@clients) {
				my $response = $client->get('/hello.txt');
				push @statuses, $response->status;
				push @retry, $response->header('Retry-After') if $response->status eq '429';
				$workers{ ($response->worker)[0] // '' }++;
			}
		}
		is tally(@statuses), '200: 40, 429: 10', 'of fifty requests forty are let in';
		is tally(@statuses[0 .. 39]), '200: 40', 'the first forty';
		cmp_ok scalar(keys %workers), '>', 1, 'which more than one worker got';
		is scalar(grep { $_ < 1 || $_ > 60 } @retry), 0, "the others are told when to come again (@retry)";
		is scalar(grep { $_->ending(0) ne 'open' } @clients), 0, 'and keep their connections';
		is((ask_new($server, from => '127.0.0.2'))[1], 200, 'another client is not touched');
		my $head = $clients[0]->head('/hello.txt');
		is $head->status, 429, 'HEAD counts too';
		is $clients[0]->get('/hello.txt')->status, 429, 'and leaves the connection in order';

		$server->roll;
		is((ask_new($server))[1], 429, 'new workers go on with the count');
		is $server->reload(client_burst => 100), 'done', 'a larger burst';
		my (undef, $statuses) = fill($server, 65);
		is $statuses, '200: 60, 429: 5', 'holds at once, what has been asked before counting';
		is $server->reload(client_rate => 'off'), 'done', 'the limit is taken away';
		is((fill($server, 10))[1], '200: 10', 'and is gone');
		like $server->stderr, qr/client_rate: 127\.0\.0\.1 asks too often \(\d+ refused/, 'the log tells of it';
		$server->finish;
	};

	subtest "$mode, client_connections: so many over four workers, and not one more" => sub {
		my $server = Brood::Configured->start(accept => $mode, client_connections => 20);
		my ($held, $statuses) = fill($server, 25);
		is $statuses, "200: 20, ${\ refused(429) }: 5", 'of twenty-five connections twenty are let in';
		my (undef, $status, $response) = ask_new($server);
		is $status, refused(429), 'one more is not';
		ok $tls || $response->says_close, 'it is told that it ends';
		is $response->header('Retry-After'), $tls ? undef : 1, 'and when to come again';
		my ($other) = fill($server, 5, from => '127.0.0.2');
		is scalar(@$other), 5, 'another client has its own';
		$_->close for @$other;
		is Brood::Configured::ask_all(\my %workers, @$held), '', 'those that are in go on';
		cmp_ok scalar(keys %workers), '>', 1, 'on more than one worker';

		(pop @$held)->close for 1 .. 3;
		is has_room_for($server, 3), 3, 'when three go, three may come';

		my ($victim) = map { (split /-/)[2] } sort { $workers{$b} <=> $workers{$a} } keys %workers;
		my $restarts = () = $server->workers;
		kill 'KILL', $victim;
		ok wait_until(10, sub { !alive($victim) && $server->workers == $restarts }), 'a worker is killed';
		my @alive = grep { $_->ending(0) eq 'open' } @$held;
		my $lost = @$held - @alive;
		cmp_ok $lost, '>', 0, "which had $lost";
		is has_room_for($server, $lost + 3), $lost + 3, 'its share is given back, exactly';
		is Brood::Configured::ask_all(\%workers, @alive), '', 'the others go on';
		$server->finish;
	};

	subtest "$mode, connections_max_total: so many in all, and not one more" => sub {
		my $server = Brood::Configured->start(accept => $mode, connections_max_total => 20, head_timeout => '60s');
		my ($held, $statuses) = fill($server, 10, busy => 1);
		my ($more, $rest) = fill($server, 15, from => '127.0.0.2', busy => 1);
		is "$statuses; $rest", "200: 10; 200: 10, ${\ refused(503) }: 5", 'of twenty-five connections twenty are let in';
		push @$held, @$more;
		my (undef, $status, $response) = ask_new($server);
		is $status, refused(503), 'one more is not';
		ok $tls || $response->says_close, 'it is told that it ends';
		cmp_ok $response->header('Retry-After') // 5, '>', 0, 'and when to come again';
		is ask_busy(\my %workers, @$held), '', 'those that are in go on';

		# Over TLS none would be left after the first.
		for my $roll ($tls ? () : 1 .. 3) {
			my $before = { map { $_ => 1 } $server->workers };
			my $let_in = 0;
			$server->signal('HUP');
			wait_until(30, sub {
				my ($client, $new) = ask_new($server);
				$let_in++ if $new eq '200';
				return !grep { $before->{$_} } $server->workers;
			});
			is $let_in, 0, "roll $roll: nobody gets in meanwhile";
			is ask_busy(\%workers, @$held), '', 'all are still there';
			is((ask_new($server))[1], 503, 'and it is full');
		}
		(pop @$held)->close for 1 .. 4;
		is has_room_for($server, 4, busy => 1), 4, 'when four go, four may come';

		my ($victim) = map { (split /-/)[2] } sort { $workers{$b} <=> $workers{$a} } keys %workers;
		my $count = () = $server->workers;
		kill 'KILL', $victim;
		ok wait_until(10, sub { !alive($victim) && $server->workers == $count }), 'a worker is killed';
		my @alive = grep { $_->ending(0) eq 'open' } @$held;
		my $lost = @$held - @alive;
		cmp_ok $lost, '>', 0, "which had $lost";
		is has_room_for($server, $lost + 4, busy => 1), $lost + 4, 'its share is given back, exactly';

		is $server->reload(connections_max_total => @alive - 1), 'done', 'a lower limit';
		is((ask_new($server))[1], refused(503), 'lets nobody in');
		is ask_last(\%workers, @alive), $tls ? @alive . ' times announced close' : '',
		    'and throws nobody out';
		is $server->reload(connections_max_total => 'off'), 'done', 'none';
		is((fill($server, 30))[1], '200: 30', 'lets everybody in');
		$_->close for @$held;
		$server->finish;
	};
}

# Between the moment when a worker says that it has taken connections and the moment when it has them, their giver
# may have gone; a system call that lasts half a second makes that a long time.
subtest 'those that move are counted all the time' => sub {
	plan skip_all => 'over TLS none moves' if $tls;
	my ($strace) = grep { -x } map { "$_/strace" } split /:/, $ENV{PATH};
	plan skip_all => 'strace is not installed' if !$strace;
	my $server = Brood::Server->start(workers => 4, control => 1, set => { connections_max_total => 20, head_timeout => '60s' });
	my ($held, $statuses) = fill($server, 21, busy => 1);
	is $statuses, '200: 20, 503: 1', 'twenty are let in';
	my %worker = map { name($_) =~ /w(\d+)$/ ? ($1 => $_) : () } $server->workers;
	my $tracer = fork // die "fork: $!";
	if (!$tracer) {
		open STDERR, '>', $server->dir . '/strace.stderr';
		exec $strace, '-qq', '-o', '/dev/null', '-e', 'signal=none', '-e', 'trace=sendmsg', '-e', 'inject=sendmsg:delay_exit=500000',
		    map { ('-p', $_) } @worker{ 1, 2 } or POSIX::_exit(127);
	}
	my $traced = wait_until(10, sub { !grep { (status($_)->{TracerPid} // 0) == 0 } @worker{ 1, 2 } });
	SKIP: {
		skip 'strace cannot attach here', 1 if !$traced;
		my $run = $server->ctl_start('drain', 0);
		my %statuses;
		my $ask = sub { $statuses{ (ask_new($server))[1] }++ for 1 .. $_[0]; return !alive($worker{0}) };
		ok wait_until(20, sub { $ask->(10) }), 'a worker gives its connections away, and goes';
		$ask->(500);
		is join(', ', keys %statuses), '503', 'nobody gets in meanwhile';
		is Brood::Server::ctl_wait($run)->{exit}, 0, 'they have';
	}
	kill 'KILL', $tracer;
	waitpid $tracer, 0;
	is ask_busy(\my %workers, @$held), '', 'those that are in go on';
	(pop @$held)->close for 1 .. 3;
	is has_room_for($server, 3, busy => 1), 3, 'when three go, three may come';
	$server->ctl('undrain', 0);
	$_->close for @$held;
	$server->finish;
};

subtest 'many at once: exactly as many as may get in' => sub {
	my $server = Brood::Server->start(workers => 4, set => { connections_max_total => 100, head_timeout => '60s' });
	my @clients = map { Brood::Client->connect($server->address, later => 1) } 1 .. 200;
	# All before any is read.
	$_->send("$next_head\r\n$next_head") for @clients;
	my @statuses = map { answer($_->response) } @clients;
	is tally(@statuses), "200: 100, ${\ refused(503) }: 100", 'a hundred of two hundred';
	$_->close for @clients;
	$server->finish;
};

subtest 'those that are turned away and do not go' => sub {
	my $server = Brood::Server->start(workers => 1, set => { connections_max_total => 10, head_timeout => '60s' });
	my ($worker) = $server->workers;
	my ($held) = fill($server, 10, busy => 1);
	my $sockets = Brood::Proc::sockets($worker);
	my @refused = map { Brood::Client->connect($server->address, later => 1) } 1 .. 400;
	$_->send("GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n") for @refused;
	is tally(map { answer($_->response) } @refused), refused(503) . ': 400', 'all of them are told so';
	is tally(map { $_->wait_end } @refused), 'closed: 400', 'and see the end of it';
	ok wait_until(10, sub { Brood::Proc::sockets($worker) <= $sockets }), 'soon nothing is left of them';
	is ask_busy(\my %workers, @$held), '', 'the others go on';
	$_->close for @$held;
	$server->finish;
};

subtest 'networks instead of addresses' => sub {
	my $server = Brood::Server->start(set => { client_connections => 3, client_prefix_ipv4 => 8 });
	my ($held) = fill($server, 1, from => '127.0.0.1');
	my ($more) = fill($server, 1, from => '127.9.9.9');
	my ($rest, $statuses) = fill($server, 2, from => '127.255.0.7');
	is $statuses, "200: 1, ${\ refused(429) }: 1", 'client_prefix_ipv4 = 8 makes all of 127.0.0.0/8 one client';
	$server->finish;
};

subtest 'IPv6' => sub {
	my $server = eval { Brood::Server->start(listen => ['[::1]:0'],
		set => { client_connections => 2, client_rate => '1/h', client_burst => 3, client_prefix_ipv6 => 128 }) };
	plan skip_all => 'no IPv6 here' if !$server;
	my ($held, $statuses) = fill($server, 3);
	is $statuses, "200: 2, ${\ refused(429) }: 1", 'connections are counted';
	is $held->[0]->get('/hello.txt')->status, 200, 'requests too:';
	is $held->[0]->get('/hello.txt')->status, 429, 'the fourth is one too many';
	$server->finish;
};

subtest 'a Unix socket is no client, but its connections are in the total' => sub {
	my $dir = Brood::Server::new_dir();
	my $server = Brood::Server->start(listen => ["unix:$dir/socket"], set => { client_connections => 1,
		client_rate => '1/h', client_burst => 1, connections_max_total => 5, head_timeout => '60s' });
	my ($held, $statuses) = fill($server, 7, busy => 1);
	is $statuses, '200: 5, 503: 2', 'five are let in';
	is ask_busy(\my %workers, $held->[0]), '', 'and may ask as often as they like';
	$_->close for @$held;
	$server->finish;
};

subtest 'clients of a trusted proxy' => sub {
	my $server = Brood::Server->start(set => { client_connections => 2, client_rate => '1/h', client_burst => 3,
		trusted => '127.0.0.1' });
	my @proxy = map { Brood::Client->connect($server->address) } 1 .. 6;
	my $ask = sub { my ($from) = @_; return tally(map { $_->get('/hello.txt', 'X-Forwarded-For' => $from)->status } @proxy) };
	is $ask->('192.0.2.1'), '200: 3, 429: 3', 'the rate is that of the client it tells of';
	is $ask->('192.0.2.2'), '200: 3, 429: 3', 'and of each alone';
	is scalar(grep { $_->ending(0) ne 'open' } @proxy), 0, 'its connections are not counted';
	my ($held, $statuses) = fill($server, 3, from => '127.0.0.2');
	is $statuses, "200: 2, ${\ refused(429) }: 1", "others' are";
	is $held->[0]->get('/hello.txt', 'X-Forwarded-For' => '192.0.2.3')->status, 200, 'whatever they tell:';
	is $held->[0]->get('/hello.txt', 'X-Forwarded-For' => '192.0.2.4')->status, 429, 'it is they who ask';
	like $server->stderr, qr/client_rate: 192\.0\.2\.1 asks too often/, 'the log names the client';
	$server->finish;
};

subtest 'who comes again in time is let in' => sub {
	my $server = Brood::Server->start(set => { client_rate => 5, client_burst => 1 });
	my $client = Brood::Client->connect($server->address);
	my $begin = time;
	# Both are read at once: were the second one sent by itself, its time might have come meanwhile.
	$client->send("GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n" x 2);
	is $client->response->status, 200, 'one';
	is $client->response->status, 429, 'not two at once';
	ok wait_until(10, sub { $client->get('/hello.txt')->status eq '200' }), 'and another';
	my $took = time - $begin;
	cmp_ok $took, '>=', 0.19, "after a fifth of a second ($took s)";
	$server->finish;
};

subtest 'a flood of clients beyond a limit does not slow the others' => sub {
	my $server = Brood::Server->start(workers => 2, set => { client_connections => 10, connections_max_total => 50,
		client_rate => '1/h', client_burst => 20 });
	my $normal = Brood::Client->connect($server->address, from => '127.0.0.9');
	is $normal->get('/hello.txt')->status, 200, 'one client';
	my ($held, $statuses) = fill($server, 2000);
	is $statuses, "200: 10, ${\ refused(429) }: 1990", 'another one that is turned away again and again';
	my $flood = $held->[0];
	my $requests = 500;
	$flood->send("GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n" x $requests);
	is $normal->get('/hello.txt')->status, 200, 'and then asks too often';
	is tally(map { $flood->response->status } 1 .. $requests), '200: 10, 429: 490', 'each is answered, in order';
	my @lines = grep { /client_(?:rate|connections):/ } $server->stderr_lines;
	cmp_ok scalar(@lines), '>=', 2, 'the log tells of both';
	my $told = 0;
	$told += $_ for map { /\((\d+) refused/ } @lines;
	cmp_ok $told, '<=', 2480, 'no refusal is told twice';
	cmp_ok scalar(@lines), '<', 60, scalar(@lines) . ' lines, one a second of each kind at most';
	$server->finish;
};

done_testing;
