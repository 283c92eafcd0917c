#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Several sites on one server, through the whole program: who answers for a host, each with its own root,
# fields, links and access log; logs that are moved away; -t, and reloads that add and take away sites.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(wait_until);
use Brood::Server;
use IPC::Open3;

my $home = Brood::Server::new_dir();
Brood::Server::make_tree("$home/$_", { 'which.txt' => $_, 'd/x' => 'x' }) for qw(top one two);
symlink 'which.txt', "$home/$_/link" for qw(top one);
my $sites = qq(
	{ names = ["one.example", "www.one.example"]; root = "$home/one"; symlinks = "none";
	  access_log = "$home/one.log"; headers = ["set X-Site: one"]; },
	{ names = ["*.two.example"]; root = "$home/two"; access_log = "off"; });
my $server = Brood::Configured->start(workers => 2, root => "$home/top", access_log => "$home/top.log",
	headers => ['set X-Site: top', 'set X-All: 1'], sites => \"($sites)");

sub get
{
	my ($host, $target) = @_;
	my $client = Brood::Client->connect($server->address);
	$client->send('GET ' . ($target // '/which.txt') . " HTTP/1.1\r\nHost: $host\r\n\r\n");
	return $client->response;
}

# What a log has been asked for, once all that is wanted is in it: each worker writes at its own time.
sub lines
{
	my ($log, @wanted) = @_;
	my %seen;
	wait_until(10, sub {
		return 0 if !-e $log;
		%seen = map { (/"GET (\S+)/ ? $1 : /"([^"]*)" 4/ ? $1 : $_) => 1 } split /\n/, Brood::Server::slurp($log);
		return !grep { !$seen{$_} } @wanted;
	});
	return sort keys %seen;
}

subtest 'who answers for a host' => sub {
	is get('one.example')->body, 'one', 'by its name';
	is get('WWW.One.Example:8080')->body, 'one', 'whatever the case, port and all';
	is get('one.example.')->body, 'one', 'with a dot at its end';
	is get('a.b.two.example')->body, 'two', 'by a wildcard';
	is get('two.example')->body, 'top', 'which is not the name itself';
	is get('192.0.2.1')->body, 'top', 'the default for all others';
	my $client = Brood::Client->connect($server->address);
	$client->send("GET http://one.example/which.txt HTTP/1.1\r\nHost: other\r\n\r\n");
	is $client->response->body, 'one', 'the host of an absolute target';
	$client = Brood::Client->connect($server->address);
	$client->send("GET /which.txt HTTP/1.0\r\n\r\n");
	is $client->response->body, 'top', 'the default for who names none';
	$client = Brood::Client->connect($server->address);
	$client->send(join '', map { "GET /which.txt HTTP/1.1\r\nHost: $_\r\n\r\n" } qw(one.example x a.two.example));
	is join(' ', map { $client->response->body } 1 .. 3), 'one top two', 'on one connection one after the other';
};

subtest 'each has its own' => sub {
	is get('one.example')->header('X-Site'), 'one', 'fields within';
	is get('one.example')->header('X-All'), 1, 'fields from outside';
	is get('a.two.example')->header('X-Site'), 'top', 'inherited ones';
	is get('x', '/link')->body, 'top', 'links are followed';
	is get('one.example', '/link')->status, 404, 'or not';
};

subtest 'each has its own log' => sub {
	get('one.example', "/1-$_") for 1 .. 3;
	get('x.two.example', '/unseen');
	get('x', '/t');
	my $client = Brood::Client->connect($server->address);
	$client->send("BAD\r\n\r\n");
	is $client->response->status, 400, 'something that is no request';
	is_deeply [grep { m{^/1-|^/t|-$} } lines("$home/one.log", '/1-1', '/1-2', '/1-3')], ['/1-1', '/1-2', '/1-3'],
	    'of one site';
	my @top = lines("$home/top.log", '/t', '-');
	ok +(grep { $_ eq '/t' } @top), 'of the default';
	ok +(grep { $_ eq '-' } @top), 'which has what is no request, too';
	ok !(grep { m{^/1-|unseen} } @top), 'and nothing of others';
};

subtest 'logs that are moved away are opened anew, each for its site' => sub {
	rename "$home/$_.log", "$home/$_.log.1" or die $! for qw(one top);
	$server->signal('USR1');
	wait_until(10, sub { -e "$home/one.log" && -e "$home/top.log" });
	my $at = 0;
	my $seen = wait_until(10, sub {
		get('one.example', '/moved-' . ++$at);
		get('x', "/top-$at");
		return (-s "$home/one.log" // 0) > 0 && (-s "$home/top.log" // 0) > 0;
	});
	ok $seen, 'lines arrive';
	ok !(grep { m{^/top} } lines("$home/one.log")), 'not of another site';
	ok !(grep { m{^/moved} } lines("$home/top.log")), 'nor the other way round';
};

subtest 'an unknown host is nobody\'s, where it is set so' => sub {
	is $server->reload(unknown_host => '421', names => ['top.example']), 'done', 'reloaded';
	is get('top.example')->body, 'top', 'the default by its name';
	is get('one.example')->body, 'one', 'another';
	is get('unknown.example')->status, 421, 'nobody';
	my $client = Brood::Client->connect($server->address);
	$client->send("GET /which.txt HTTP/1.0\r\n\r\n");
	is $client->response->status, 200, 'who names none is not unknown';
};

subtest 'a reload adds and takes away sites' => sub {
	mkdir "$home/three";
	Brood::Server::write_file("$home/three/which.txt", 'three');
	is $server->reload(unknown_host => 'default', sites =>
		\qq(( { names = "three.example"; root = "$home/three"; access_log = "$home/three.log"; } ))), 'done', 'done';
	is get('three.example')->body, 'three', 'the new one';
	is get('one.example')->body, 'top', 'the one that is gone';
	is_deeply [lines("$home/three.log", '/which.txt')], ['/which.txt'], 'its log';
	like $server->reload(sites => \qq(( { names = "a"; root = "$home/none"; } ))),
	    qr{^failed: .*brood\.conf:\d+: root '\Q$home\E/none': no such folder}, 'a root that is not there';
	is get('three.example')->body, 'three', 'changes nothing';
};

subtest 'a check finds what is wrong, with its place' => sub {
	my $check = sub {
		my ($text) = @_;
		my $file = Brood::Server::write_file("$home/check.conf", $text);
		my $pid = open3(my $in, my $out, undef, Brood::Server::program(), '-t', '-c', $file);
		my $said = join '', <$out>;
		waitpid $pid, 0;
		return ($? >> 8) . " $said";
	};
	like $check->(qq(root = "$home/top";\nsites = (\n{ names = "a"; rot = "x"; } );\n)),
	    qr/^1 .*check\.conf:3: a site has no setting 'rot' \(did you mean 'root'\?\)$/m, 'a slip';
	like $check->(qq(sites = ( { root = "$home/none"; } );\n)), qr/^1 .*check\.conf:1: root '.*': no such folder$/m,
	    'no root';
	like $check->(qq(root = "$home/top"; access_log = "$home/none/x";\n)), qr/^1 .*:1: access_log '.*': no such folder/m,
	    'no folder for a log';
	like $check->(qq(sites = ( { root = "$home/one";\naccess_log = "$home/none/x"; } );\n)),
	    qr/^1 .*:2: access_log '.*': no such folder/m, 'nor for that of a site';
	my $many = join ",\n", map { qq({ root = "$home/one"; names = "s$_"; access_log = "$home/many-$_"; }) } 1 .. 61;
	like $check->("sites = ( $many );\n"), qr/^1 .*:61: access_log: 60 different ones at most$/m, 'too many logs';
	$many = join ",\n", map { qq({ root = "$home/one"; names = "s$_"; access_log = "$home/many"; }) } 1 .. 200;
	like $check->("sites = ( $many );\n"), qr/^0 /, 'one log of many sites is one';
};

$server->finish;
done_testing;
