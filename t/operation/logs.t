#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The access log and the error log: whole lines, soon, and into the file of that name after USR1.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;
use JSON::PP qw(decode_json);
use POSIX qw(strftime);
use Time::HiRes qw(sleep time);

sub lines { return split /\n/, Brood::Server::slurp($_[0]) }

# Waits until the file has COUNT lines; returns all there are.
sub wait_lines
{
	my ($path, $count) = @_;
	wait_until(10, sub { (my @lines = lines($path)) >= $count });
	return lines($path);
}

sub start
{
	my (%want) = @_;
	my $dir = Brood::Server::new_dir();
	my $server = Brood::Server->start(%want, set => { access_log => "$dir/access.log", %{ $want{set} // {} } });
	return ($server, "$dir/access.log", $dir);
}

my $combined = qr/^(\S+) (\S+) (\S+) \[(\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "(.*)" (\d{3}) (\d+|-) "(.*)" "(.*)"$/;

subtest 'the combined format' => sub {
	my ($server, $log, $dir) = start(workers => 1);
	my $client = Brood::Client->connect($server->address);
	my $began = strftime '%d/%b/%Y', gmtime;
	$client->get('/hello.txt?a=b', Referer => 'http://r.example/x', 'User-Agent' => 'Test/1.0 (x)');
	$client->get('/none');
	$client->head('/hello.txt');
	$client->get('/hello.txt', Range => 'bytes=0-3');
	$client->get('/hello.txt', 'If-None-Match' => '*');
	$client->send("nonsense\r\n\r\n");
	my $bad = $client->response;
	my @lines = wait_lines($log, 6);
	is scalar @lines, 6, 'a line for each request' or diag join "\n", @lines;
	my @first = ($lines[0] // '') =~ $combined;
	is_deeply [@first[0 .. 2]], ['127.0.0.1', '-', '-'], 'client, no identity, no user' or diag $lines[0];
	like $first[3], qr/^\Q$began\E|^\d\d/, 'time';
	is_deeply [@first[4 .. 8]], ['GET /hello.txt?a=b HTTP/1.1', 200, 14, 'http://r.example/x', 'Test/1.0 (x)'],
	    'request, status, octets, referer, agent';
	my @second = ($lines[1] // '') =~ $combined;
	is_deeply [@second[4, 5, 7, 8]], ['GET /none HTTP/1.1', 404, '-', '-'], 'what was not sent is -';
	my @fields = map { [(/$combined/)[5, 6]] } @lines;
	is $fields[2][1] =~ /^[0-]$/ ? 1 : 0, 1, 'HEAD: no octets of body';
	is_deeply $fields[3], [206, 4], 'a range: its octets';
	is $fields[4][0], 304, 'not modified';
	is $fields[5][0], 400, 'a bad request has a line, too';
	$server->finish;
};

subtest 'nothing from outside can forge a line' => sub {
	my ($server, $log, $dir) = start(workers => 1);
	my $client = Brood::Client->connect($server->address);
	$client->get('/hello.txt', 'User-Agent' => "a\" \"b\\c\x80\xff\td", Referer => '" 200 0 "-" "-"');
	Brood::Client->connect($server->address)->get("/\"x", 'User-Agent' => 'q');
	my @lines = wait_lines($log, 2);
	is scalar @lines, 2, 'two requests, two lines';
	like $lines[0], qr/^[ -~]+$/, 'printable octets only';
	is scalar(() = $lines[0] =~ /(?<!\\)"/g), 6, 'six quotation marks that are not escaped' or diag $lines[0];
	$server->finish;
};

subtest 'JSON' => sub {
	my ($server, $log, $dir) = start(workers => 1, set => { access_log_format => 'json', trusted => '127.0.0.1',
		request_id => 'true', head_timeout => '500ms' });
	my $client = Brood::Client->connect($server->address);
	$client->get('/hello.txt?a=b', Referer => 'http://r.example/"x\\', 'User-Agent' => "\x80\xff", 'X-Forwarded-For' => '192.0.2.1',
		'X-Forwarded-Proto' => 'https', 'X-Request-Id' => 'mine/1');
	my $second = $client->get('/none');
	my @refused = (
		[400, "GET / HTTP/1.1\r\n\r\n"], [400, "nonsense\r\n\r\n"],
		[431, "GET / HTTP/1.1\r\nHost: x\r\nX: " . 'x' x 40000 . "\r\n\r\n"], [408, "GET / HTTP/1.1\r\n"]);
	for (@refused) {
		my $one = Brood::Client->connect($server->address);
		$one->send($_->[1]);
		is $one->response->status, $_->[0], "refused with $_->[0]";
	}
	my @lines = wait_lines($log, 6);
	is scalar @lines, 6, 'a line for each request' or diag join "\n", @lines;
	my @all = map { eval { decode_json($_) } // diag $_ } @lines;
	my %first = %{ $all[0] };
	like delete $first{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/, 'time';
	my ($begun, $done) = delete @first{qw(first_us duration_us)};
	ok $begun > 0 && $begun <= $done, "first octet after $begun us, last after $done us";
	my $host = delete $first{host};
	ok length $host, "host $host";
	delete @first{qw(tls_version tls_cipher tls_resumed)}; # t/tls/tls-clients.t looks at these
	is_deeply \%first, { client => '192.0.2.1', peer => '127.0.0.1', scheme => 'https', request => 'GET /hello.txt?a=b HTTP/1.1',
		status => 200, bytes => 14, referer => 'http://r.example/"x\\', user_agent => "\x80\xff", request_id => 'mine/1' }, 'all the rest';
	is $all[1]{request_id}, $second->header('X-Request-Id'), 'a name that was made, as the response tells it';
	is $all[1]{scheme}, Brood::Server::scheme(), 'what was told is true of one request only';
	is_deeply [map { $_->{status} } @all[2 .. 5]], [map { $_->[0] } @refused], 'what was refused';
	ok length($all[$_]{reason} // ''), "for a reason: " . ($all[$_]{reason} // 'none') for 2 .. 5;
	$server->finish;
};

subtest 'a line is in the file within a second' => sub {
	my ($server, $log, $dir) = start(workers => 2);
	my $client = Brood::Client->connect($server->address);
	$client->get('/hello.txt');
	my $begin = time;
	ok wait_until(10, sub { lines($log) }), 'it is there';
	cmp_ok time - $begin, '<', 2, 'soon';
	$server->finish;
};

subtest 'whole lines, and all of them, from all workers' => sub {
	my ($server, $log, $dir) = start(workers => 4, accept => 'handoff');
	my @clients = map { Brood::Client->connect($server->address) } 1 .. 40;
	for my $round (1 .. 25) {
		$_->send("GET /hello.txt?r$round HTTP/1.1\r\nHost: x\r\nUser-Agent: " . 'a' x 300 . "\r\n\r\n") for @clients;
		$_->response for @clients;
	}
	my @lines = wait_lines($log, 1000);
	is scalar @lines, 1000, 'one line each';
	is scalar(grep { $_ !~ $combined } @lines), 0, 'all whole';
	$server->finish;
};

subtest 'nothing is lost at the end' => sub {
	my ($server, $log, $dir) = start(workers => 2);
	my $client = Brood::Client->connect($server->address);
	$client->get("/hello.txt?$_") for 1 .. 50;
	$server->finish;
	is scalar(my @lines = lines($log)), 50, 'stopped in between: all are there';
};

subtest 'nothing is lost over a rolling restart' => sub {
	my ($server, $log, $dir) = start(workers => 2);
	for my $round (1 .. 5) {
		my @clients = map { Brood::Client->connect($server->address) } 1 .. 10;
		$_->get('/hello.txt') for @clients;
		undef @clients;
		$server->roll;
	}
	is scalar(my @lines = wait_lines($log, 50)), 50, 'all are there';
	$server->finish;
};

subtest 'USR1: a renamed file is let go, and a new one begun, by draining workers, too' => sub {
	my ($server, $log, $dir) = start(workers => 2, set => { error_log => undef });
	my $old = Brood::Client->connect($server->address);
	$old->get('/hello.txt?1');
	my @old_workers = $server->workers;
	$server->signal('HUP');
	$server->wait_new_workers(2, @old_workers);
	wait_lines($log, 1);
	rename $log, "$log.1";
	$server->signal('USR1');
	ok wait_until(10, sub { -e $log }), 'the new file is there';
	my $new = Brood::Client->connect($server->address);
	ok wait_until(10, sub {
		$new->get('/hello.txt?new');
		my $new_lines = () = Brood::Server::slurp($log) =~ /\?new/g;
		sleep 0.2;
		$new_lines }), 'new workers write to it';
	is $old->get('/hello.txt?2')->status, 200, 'a request to a draining worker';
	ok wait_until(10, sub { Brood::Server::slurp($log) =~ /\?2 / }), 'is in the new file';
	is scalar(grep { /\?1 / } lines("$log.1")), 1, 'the old file has what came before';
	is((stat $log)[4], $>, 'the new file belongs to who started the server');
	$server->finish;
};

subtest 'the error log in a file, reopened, too' => sub {
	my $dir = Brood::Server::new_dir();
	my $server = Brood::Server->start(set => { error_log => "$dir/error.log" }, workers => 2);
	kill 'KILL', ($server->workers)[0];
	ok wait_until(10, sub { Brood::Server::slurp("$dir/error.log") =~ /SIGKILL/ }), 'a death is in it';
	like $_, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (?:error|warn|info|debug) +\w+.* \[\d+\] /, 'time, level, process'
	    for (lines("$dir/error.log"))[0];
	rename "$dir/error.log", "$dir/error.log.1";
	$server->signal('USR1');
	ok wait_until(10, sub { -e "$dir/error.log" }), 'USR1: a new file';
	kill 'KILL', ($server->workers)[0];
	ok wait_until(10, sub { Brood::Server::slurp("$dir/error.log") =~ /SIGKILL/ }), 'has the next death';
	wait_until(10, sub { $server->workers == 2 });
	$server->finish;
};

subtest 'to standard output' => sub {
	my $server = Brood::Server->start(set => { access_log => 'stdout' });
	Brood::Client->connect($server->address)->get('/hello.txt');
	ok wait_until(10, sub { $server->stdout =~ $combined || $server->stdout =~ /GET \/hello\.txt/ }), 'the line is there';
	$server->finish;
};

subtest 'off is off' => sub {
	my $server = Brood::Server->start(set => { access_log => undef });
	Brood::Client->connect($server->address)->get('/hello.txt');
	$server->finish;
	is $server->stdout, '', 'nothing on standard output';
	unlike $server->stderr, qr/hello/, 'nor on standard error';
};

subtest 'a file that cannot be reopened: the old one goes on' => sub {
	my ($server, $log, $dir) = start(workers => 1);
	rename $log, "$log.1";
	mkdir $log;
	$server->signal('USR1');
	ok $server->wait_stderr(qr/access\.log/), 'it is told of';
	Brood::Client->connect($server->address)->get('/hello.txt?later');
	ok wait_until(10, sub { Brood::Server::slurp("$log.1") =~ /later/ }), 'lines go where they went';
	$server->finish;
};

done_testing;
