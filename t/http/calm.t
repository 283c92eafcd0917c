#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What clients and folders may do to a server: a FIFO, symbolic links that lead nowhere or out, hidden files,
# heads of ten thousand fields, readers that stall. It stays calm: one worker goes on answering everybody else
# meanwhile, as the same process, with the descriptors that it had, and without a word in the log.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use POSIX qw(mkfifo);
use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);
use Test::More;
use Brood::Client;
use Brood::Proc qw(descriptors wait_until);
use Brood::Server;
use Time::HiRes qw(time);

use constant { TIMES => 25, SLOW => 5 }; # SLOW, in seconds, is a guard: the answers take milliseconds

my $server = Brood::Server->start(workers => 1, root => { '.hidden' => 'hidden', '.git/config' => 'hidden' },
	set => { write_timeout => '1s', head_timeout => '1s' });
my $root = $server->root;
mkfifo("$root/fifo", 0666) or die "fifo: $!";
mkfifo("$root/dir/index.htm", 0666) or die "fifo: $!";
symlink 'loop', "$root/loop" or die;
symlink '..', "$root/dir/up" or die;
symlink '/etc/passwd', "$root/out" or die;
symlink '/dev/zero', "$root/zero" or die;
symlink '/proc/self/mem', "$root/mem" or die;
socket my $socket, AF_UNIX, SOCK_STREAM, 0 or die;
bind $socket, pack_sockaddr_un("$root/socket") or die "bind: $!";
{
	open my $file, '>', "$root/large.bin" or die;
	truncate $file, 64 << 20 or die;
}
my ($worker) = $server->workers;

sub client { return Brood::Client->connect($server->address, @_) }
sub request { return "GET $_[0] HTTP/1.1\r\nHost: x\r\n" . join('', map { "$_\r\n" } @_[1 .. $#_]) . "\r\n" }
sub sockets { return scalar grep { /^socket:/ } values %{ descriptors($worker) } }

my $other = client();
is $other->get('/hello.txt')->status, 200, 'a client that behaves';
my $before = sockets();
my $noise = () = $server->stderr_lines;

# The one that behaves is answered while CODE's clients are there.
sub stays_calm
{
	my ($what, $code) = @_;
	my @clients = $code->();
	my $begin = time;
	my @statuses = map { $other->get('/hello.txt')->status } 1 .. 10;
	my $took = time - $begin;
	is "@statuses", join(' ', (200) x 10), "$what: others are answered";
	cmp_ok $took, '<', SLOW, "$what: without waiting";
	return @clients;
}

for (['/fifo', '403|404'], ['/fifo/', '403|404'], ['/dir/index.htm', '403|404'], ['/loop', 404], ['/loop/x', 404], ['/out', 404],
	['/zero', '403|404'], ['/mem', '403|404'], ['/socket', '403|404'], ['/.hidden', 404], ['/.git/config', 404], ['/dir/up/.hidden', 404],
	['/dir/' . 'up/dir/' x 200 . 'file.txt', '200|404']) {
	my ($target, $statuses) = @$_;
	my $name = length $target > 40 ? substr($target, 0, 40) . '...' : $target;
	my @clients = stays_calm($name, sub {
		my @clients = map { client() } 1 .. TIMES;
		$_->send(request($target)) for @clients;
		return @clients;
	});
	my @wrong = grep { $_ !~ /^(?:$statuses)\z/ } map { $_->response->status } @clients;
	is "@wrong", '', "$name: answered each time";
}

my $fields = request('/hello.txt', map { "X-$_: y" } 1 .. 10_000);
my @clients = stays_calm('heads of ten thousand fields', sub {
	my @clients = map { client() } 1 .. TIMES;
	$_->send($fields) for @clients;
	return @clients;
});
is join(' ', grep { $_ ne '431' } map { $_->response->status } @clients), '', 'each is 431';
is join(' ', grep { $_ ne 'closed' } map { $_->wait_end } @clients), '', 'and no reset';

@clients = stays_calm('heads that do not go on', sub {
	my @clients = map { client() } 1 .. TIMES;
	$_->send("GET /hello.txt HTTP/1.1\r\nHost:") for @clients;
	return @clients;
});
is join(' ', grep { $_ ne '408' } map { $_->response->status } @clients), '', 'each is 408';

@clients = stays_calm('bodies that do not come', sub {
	my @clients = map { client() } 1 .. TIMES;
	$_->send("POST /hello.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n") for @clients;
	return @clients;
});
is join(' ', grep { $_ ne '405' } map { $_->response->status } @clients), '', 'each is answered at once';

@clients = stays_calm('readers that stall', sub {
	my @clients = map { client(receive_buffer => 8192) } 1 .. TIMES;
	$_->send(request('/large.bin')) for @clients;
	$_->wait_answer(time + 10) for @clients;
	return @clients;
});
ok wait_until(20, sub { sockets() <= $before }), 'they are let go after write_timeout';
undef @clients;

is $other->get('/hello.txt')->status, 200, 'the client that behaves goes on';
is "@{[$server->workers]}", $worker, 'with the same worker';
ok wait_until(10, sub { sockets() <= $before }), 'which has no more descriptors than before';
is scalar(() = $server->stderr_lines), $noise, 'and nothing to say' or diag $server->stderr;
$server->finish;
done_testing;
