#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Listeners that a reload exchanges for others: addresses that overlap, Unix sockets whose file or permissions are others.
# Whoever connects meanwhile, by what was and is to be listened on, notices nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(wait_until);
use Brood::Tls;
use Brood::Versions;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(AF_INET6 SOCK_STREAM SOL_SOCKET SO_REUSEPORT inet_pton pack_sockaddr_in6);
use Time::HiRes qw(sleep time);

my @modes = qw(shared handoff reuseport);
my $ipv6 = do {
	my $there = socket(my $socket, AF_INET6, SOCK_STREAM, 0);
	$there && bind $socket, pack_sockaddr_in6(0, inet_pton(AF_INET6, '::1'));
};
plan skip_all => 'there is no IPv6 here' if !$ipv6;

# Clients of one address that come one after the other, all the time: half of them say nothing for a moment first. What
# went wrong is counted by the process that they are.
sub begin_clients
{
	my ($address, %option) = @_;
	pipe my $end, my $end_writer or die $!;
	pipe my $told, my $told_writer or die $!;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		close $_ for $end_writer, $told;
		my (%count, $slowest, $go_on);
		for ($slowest = 0, $go_on = 1; $go_on; $go_on = !readable($end, 0)) {
			my $begin = time;
			my $client = Brood::Client->connect($address, %option);
			$count{ $client ? 'connected' : "refused: $!" }++;
			next if !$client;
			sleep 0.03 if $count{connected} % 2;
			my $status = $client->get('/hello.txt')->status;
			$count{$status}++;
			$slowest = time - $begin if time - $begin > $slowest;
			syswrite $told_writer, "first\n" if $count{connected} == 1;
		}
		syswrite $told_writer, join ', ', map { $_ eq 'connected' || $_ eq '200' ? () : "$count{$_} times $_" } sort keys %count;
		syswrite $told_writer, sprintf "\n%d connections, the slowest %.3f s\n", $count{200} // 0, $slowest;
		POSIX::_exit(0);
	}
	close $_ for $end, $told_writer;
	readline $told; # all is on its way
	return { address => $address, end => $end_writer, told => $told, pid => $pid };
}

sub readable
{
	my ($handle, $limit) = @_;
	vec(my $set = '', fileno $handle, 1) = 1;
	return scalar select $set, undef, undef, $limit;
}

# What was wrong, in words; '' for nothing.
sub end_clients
{
	my ($clients) = @_;
	syswrite $clients->{end}, 'x';
	chomp(my ($wrong, $note) = readline $clients->{told});
	waitpid $clients->{pid}, 0;
	note "$clients->{address}: $note";
	return $wrong;
}

sub is_refused
{
	my ($address, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok !Brood::Client->connect($address), $name // "$address refuses";
}

# What listens by this port, as the kernel knows it: "tcp 0.0.0.0", "tcp6 ::".
sub listening
{
	my ($port) = @_;
	my $hex = sprintf '%04X', $port;
	my %found;
	for my $table (qw(tcp tcp6)) {
		for (split /\n/, Brood::Server::slurp("/proc/net/$table")) {
			$found{"$table $1"}++ if /^\s*\d+: ([0-9A-F]+):$hex \S+ 0A /;
		}
	}
	return join ' ', sort keys %found;
}

# From one set of addresses to the next, without a pause; both families are in each, and at the end.
my @walk = (['0.0.0.0', '[::]'], '*', ['127.0.0.1', '[::1]'], '*', ['[::]', '127.0.0.1'], ['[::1]', '0.0.0.0'],
	['*', '127.0.0.1'], ['[::]', '0.0.0.0'], ['[::1]', '*'], '*');
sub port_of { return $_[0] =~ /:(\d+)\z/ ? $1 : die "no port: $_[0]" }
sub new_port { return port_of(Brood::Configured::free_address()) }

for my $tls (0, 1) {
	subtest 'from address to address' . ($tls ? ', TLS' : '') => sub {
		my $port = new_port();
		my $pair = $tls && Brood::Tls::make_pair(my $dir = Brood::Server::new_dir(), 'localhost');
		my $before = $tls ? 'tls:' : '';
		my $server = Brood::Configured->start(workers => 2, listen => "$before*:$port",
			$tls ? (tls_certificate => $pair->{certificate}, tls_key => $pair->{key}) : ());
		my @clients = map { begin_clients("$_:$port", $tls ? (tls => {}) : ()) } ('127.0.0.1', '[::1]') x 3;
		# What OpenSSL has cannot move, and the next reload would wait for it.
		my @kept = $tls ? () : map { Brood::Client->connect("$_:$port") } '127.0.0.1', '[::1]';
		$_->get('/hello.txt') for @kept;
		for my $mode ($tls ? 'shared' : (@modes, 'shared', 'reuseport', 'handoff')) {
			for my $addresses (@walk) {
				my @listen = map { "$before$_:$port" } ref $addresses ? @$addresses : $addresses;
				is $server->reload(listen => \@listen, accept => $mode), 'done', "$mode: @listen";
			}
		}
		is end_clients($_), '', "clients of $_->{address}" for @clients;
		is join(' ', map { $_->get('/hello.txt')->status } @kept), join(' ', (200) x @kept), 'kept connections';
		ok wait_until(10, sub { listening($port) eq 'tcp6 ' . '0' x 32 }), 'one address is left' if !$tls;
		$server->rebase;
		$server->finish;
	};
}

# Each by what refuses when it is in force, and what does not.
subtest 'what goes is closed when the reload is done' => sub {
	my $port = new_port();
	my $server = Brood::Configured->start(workers => 2, listen => "*:$port");
	my %client = map { $_ => Brood::Client->connect("$_:$port") } '127.0.0.1', '[::1]';
	$_->get('/hello.txt') for values %client;
	for my $mode (@modes) {
		for (['0.0.0.0', '[::1]', '127.0.0.1'], ['*'], ['[::]', '127.0.0.1', '[::1]'], ['*'], ['127.0.0.1', '[::1]', '127.0.0.1'],
			['0.0.0.0', '[::1]', '127.0.0.1'], ['[::1]', '127.0.0.1', '[::1]'], ['*']) {
			my ($listen, $closed, $open) = @$_;
			is $server->reload(listen => "$listen:$port", accept => $mode), 'done', "$mode: $listen";
			is_refused("$closed:$port") if $closed;
			is(Brood::Client->connect("$_:$port")->get('/hello.txt')->status, '200', "$_ answers")
			    for $open // ('127.0.0.1', '[::1]');
		}
	}
	is $client{$_}->get('/hello.txt')->status, '200', "a connection to $_ has lived through it all" for sort keys %client;
	$server->rebase;
	$server->finish;
};

# They have been connected, as they see it, to a socket that goes before they say a word.
subtest 'clients in the middle of it' => sub {
	my $port = new_port();
	my $server = Brood::Configured->start(workers => 2, listen => "127.0.0.1:$port");
	for my $mode (@modes) {
		for my $addresses (["*:$port"], ["127.0.0.1:$port"], ["[::1]:$port"], ["127.0.0.1:$port"]) {
			my @silent = map { Brood::Client->connect($server->{settings}{listen} =~ /::1/ ? "[::1]:$port" : "127.0.0.1:$port") } 1 .. 20;
			my @begun = splice @silent, 0, 10;
			$_->send("GET /hello.txt HT") for @begun;
			$server->set(listen => $addresses->[0], accept => $mode);
			$server->start_reload;
			is $server->verdict, 'done', "$mode: to @$addresses";
			$_->send("TP/1.1\r\nHost: x\r\n\r\n") for @begun;
			my @bad = grep { $_ ne '200' } (map { $_->response->status } @begun), map { $_->get('/hello.txt')->status } @silent;
			is "@bad", '', 'all are answered';
		}
	}
	my @silent = map { Brood::Client->connect("127.0.0.1:$port") } 1 .. 10;
	is $server->reload(listen => "[::1]:$port"), 'done', 'to another address';
	$server->signal('TERM');
	ok $server->wait_stderr(qr/TERM: stopping/), 'and stopped at once';
	my @bad = grep { $_ ne '200' } map { $_->get('/hello.txt')->status } @silent;
	is "@bad", '', 'all are answered';
	is $server->wait_exit, 0, 'it ends well';
	is_deeply [$server->leftovers], [], 'nothing is left';
	$server->{finished} = 1;
};

subtest 'a reload that fails' => sub {
	my $port = new_port();
	my $server = Brood::Configured->start(workers => 2, listen => "127.0.0.1:$port", start_timeout => '1s');
	for my $mode (@modes) {
		is $server->reload(listen => "127.0.0.1:$port", accept => $mode, debug_fault => undef), 'done', $mode;
		my @clients = map { begin_clients("127.0.0.1:$port") } 1 .. 2;
		for my $fault ($mode eq 'handoff' ? 'start-hang:1' : (), 'probe-fail:1', 'start-exit:0') {
			like $server->reload(listen => ["*:$port", "unix:$server->{home}/new.sock"], debug_fault => $fault), qr/^failed/, "to *, $fault";
			is_refused("[::1]:$port", 'what was to come is not there');
			ok !-e "$server->{home}/new.sock", 'nor is its file';
		}
		is end_clients($_), '', "clients" for @clients;
	}
	ok wait_until(10, sub { listening($port) eq 'tcp 0100007F' || listening($port) eq 'tcp 7F000001' }), 'one address is left';
	$server->set(debug_fault => undef, listen => "127.0.0.1:$port");
	wait_until(20, sub { $server->workers == 2 });
	$server->rebase;
	$server->finish;
};

subtest 'an address of somebody else' => sub {
	my $port = new_port();
	my $server = Brood::Configured->start(workers => 2, listen => "127.0.0.1:$port");
	for my $shares (0, 1) {
		my $stranger = IO::Socket::INET->new(LocalAddr => '127.0.0.2', LocalPort => $port, Listen => 1, ReuseAddr => 1,
			ReusePort => $shares) or die $!;
		for my $listen ('*', '0.0.0.0') {
			like $server->reload(listen => "$listen:$port"), qr/^failed: .*cannot listen on \Q$listen\E:$port: address in use by pid $$ /,
			    "$listen is refused, by whom is said" . ($shares ? ', also where he would share it' : '');
		}
		is $server->reload(listen => ["127.0.0.1:$port", "[::]:$port"]), 'done', 'what is free can be had';
		is $server->reload(listen => ["127.0.0.1:$port"]), 'done', 'and be left';
		is(Brood::Client->connect("127.0.0.1:$port")->get('/hello.txt')->status, '200', 'the old one answers');
	}
	is $server->reload(listen => "*:$port"), 'done', 'when he has gone it is free';
	my $second = Brood::Server->start(unready => 1, listen => ["127.0.0.1:$port"]);
	is $second->wait_exit, 1, 'for others it is not';
	like $second->stderr, qr/address in use by pid @{[$server->master]} /, 'by whom is said';
	$second->finish('nothing is left of that one');
	$server->rebase;
	$server->finish;
};

subtest 'the same address by another name' => sub {
	my $server = Brood::Configured->start(workers => 2, listen => '127.0.0.1:0');
	my $port = $server->port;
	my $inode = sub { return join ' ', Brood::Server::slurp('/proc/net/tcp') =~ /^ *\d+: \S+:@{[sprintf '%04X', $port]} \S+ 0A (?:\S+ +){5}(\d+)/mg };
	my $before = $inode->();
	like $before, qr/^\d+\z/, 'one socket';
	for my $listen ("127.0.0.1:$port", '127.0.0.1:0', "127.0.0.1:$port") {
		is $server->reload(listen => $listen), 'done', $listen;
		is $inode->(), $before, 'it is the same one';
	}
	$server->finish;
};

subtest 'one that was inherited' => sub {
	my $inherited = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 10) or die $!;
	my $port = $inherited->sockport;
	my $server = Brood::Server->start(listen => [], config => "head_timeout = \"9s\";\n", control => 1, inherit => { 3 => $inherited },
		in => sub { $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1 });
	Brood::Server::write_file($server->{config_file}, "listen = \"*:$port\";\n");
	like $server->ctl('reload')->{stderr}, qr/cannot listen on \*:$port beside 127\.0\.0\.1:$port, which was inherited/, 'nothing can be beside it';
	Brood::Server::write_file($server->{config_file}, "listen = [\"127.0.0.1:$port\", \"[::]:$port\"];\n");
	is $server->ctl('reload')->{exit}, 0, 'but what does not overlap';
	is(Brood::Client->connect("$_:$port")->get('/hello.txt')->status, '200', "$_ answers") for '127.0.0.1', '[::1]';
	$server->rebase;
	$server->finish;
};

subtest 'an upgrade while listeners go' => sub {
	my $versions = Brood::Versions->new;
	my $port = new_port();
	my $server = Brood::Configured->start(workers => 2, listen => "*:$port", control => (my $dir = Brood::Server::new_dir()) . '/sock',
		binary => $versions->path);
	my @clients = map { begin_clients("$_:$port") } '127.0.0.1', '[::1]';
	is $server->reload(listen => [map { "$_:$port" } '[::1]', '127.0.0.1']), 'done', "one goes";
	$server->set(listen => [map { "$_:$port" } '0.0.0.0', '[::]']);
	is $server->ctl('upgrade')->{exit}, 0, 'an upgrade';
	is $server->reload(listen => "*:$port"), 'done', 'a reload while those go that went with it';
	is end_clients($_), '', "clients of $_->{address}" for @clients;
	$server->rebase;
	$server->finish;
};

# ---- Unix sockets ----

sub mode_of { return sprintf '%04o', 07777 & (stat $_[0])[2] }
sub answers { my $client = Brood::Client->connect("unix:$_[0]", tls => 0); return $client ? $client->get('/hello.txt')->status : "$!" }

subtest 'the file of a Unix socket' => sub {
	my $dir = Brood::Server::new_dir();
	my $path = "$dir/http.sock";
	my $group = sub { return \"( { address = \"unix:$path\"; mode = \"$_[0]\"; } )" };
	my $server = Brood::Configured->start(workers => 2, listen => $group->('0600'), control => "$dir/ctl");
	is mode_of($path), '0600', 'as it was to be';
	my $inode = (stat $path)[1];
	for my $mode (@modes) {
		for my $want ('0666', '0640') {
			is $server->reload(listen => $group->($want), accept => $mode), 'done', "$mode: $want";
			is mode_of($path), $want, 'it is that';
		}
	}
	like $server->reload(listen => $group->('0622'), debug_fault => 'start-exit:1'), qr/^failed/, 'in vain';
	is mode_of($path), '0640', 'as it was';
	is +(stat $path)[1], $inode, 'all the time it was the same file';
	is $server->reload(listen => $group->('0660'), debug_fault => undef), 'done', 'well again';

	for my $mode (@modes) {
		my @before = map { Brood::Client->connect("unix:$path", tls => 0) } 1 .. 10;
		unlink $path or die $!;
		my $gone = answers($path);
		like $gone, qr/No such file/, 'it was removed';
		like $server->reload(debug_fault => 'start-exit:1'), qr/^failed/, 'a reload in vain';
		ok !-e $path, 'does not bring it back';
		is $server->reload(debug_fault => undef, accept => $mode), 'done', "$mode: a reload";
		is answers($path), '200', 'brings it back';
		is mode_of($path), '0660', 'as it was to be';
		is join(' ', map { $_->get('/hello.txt')->status } @before), join(' ', (200) x 10), 'who came by the old one is answered';
		is $server->reload, 'done', 'once more';
		is answers($path), '200', 'it stays';
	}

	unlink $path or die $!;
	is $server->ctl('restart')->{exit}, 0, 'a restart';
	is answers($path), '200', 'brings it back, too';
	Brood::Server::write_file("$path.other", 'precious');
	rename "$path.other", $path or die $!;
	is $server->ctl('restart')->{exit}, 0, 'one that finds a file there';
	is Brood::Server::slurp($path), 'precious', 'leaves that alone';
	unlink $path or die $!;
	is $server->reload, 'done', 'without it';
	is answers($path), '200', 'a reload brings it back';

	my $told = sub { return $server->ctl('reload')->{stderr} };
	unlink $path or die $!;
	my $stranger = IO::Socket::UNIX->new(Local => $path, Listen => 1) or die $!;
	$inode = (stat $path)[1];
	like $told->(), qr/cannot listen on unix:\Q$path\E: address in use by pid $$ /, "a stranger's is left alone";
	is +(stat $path)[1], $inode, 'it is there';
	close $stranger;
	is $server->reload, 'done', 'when nobody answers there';
	is answers($path), '200', 'it is ours again';
	unlink $path or die $!;
	Brood::Server::write_file($path, 'precious');
	like $told->(), qr/cannot listen on unix:\Q$path\E: File exists/, 'a file is left alone, too';
	$server->rebase;
	$server->finish;
	is Brood::Server::slurp($path), 'precious', 'also at the end';
};

subtest 'a Unix socket whose file comes back with another version' => sub {
	my $versions = Brood::Versions->new;
	my $dir = Brood::Server::new_dir();
	my $server = Brood::Configured->start(workers => 2, listen => "unix:$dir/http.sock", control => "$dir/ctl", binary => $versions->path);
	for (1, 2) {
		unlink "$dir/http.sock" or die $!;
		is $server->ctl('upgrade')->{exit}, 0, 'upgraded';
		is answers("$dir/http.sock"), '200', 'it is there';
	}
	is $server->reload(listen => "unix:$dir/other.sock"), 'done', 'another path';
	ok !-e "$dir/http.sock", 'the first one is removed';
	is answers("$dir/other.sock"), '200', 'the other one answers';
	$server->rebase;
	$server->finish;
	ok !-e "$dir/other.sock", 'and is removed at the end';
};

done_testing;
