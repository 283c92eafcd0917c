#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Programs that people use in front of a server or to talk to it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use Brood::Wrk;
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep);

sub program
{
	my ($name) = @_;
	return (grep { -x } map { "$_/$name" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin')[0];
}

sub output
{
	my (@command) = @_;
	my $pid = open(my $pipe, '-|') // die $!;
	if (!$pid) {
		open STDERR, '>&', \*STDOUT;
		exec @command or POSIX::_exit(127);
	}
	local $/;
	my $text = readline $pipe;
	close $pipe;
	return $text // '';
}

my $server = Brood::Server->start(workers => 2);
my $dir = Brood::Server::new_dir();

SKIP: {
	my $curl = program('curl') or skip 'curl is not installed', 1;
	subtest 'curl' => sub {
		my @curl = ($curl, '-sS', '--max-time', 20);
		is output(@curl, $server->url('/hello.txt')), Brood::Server->content('hello.txt'), 'a file';
		is output(@curl, '-0', $server->url('/hello.txt')), Brood::Server->content('hello.txt'), 'by HTTP/1.0';
		like output(@curl, '-I', $server->url('/hello.txt')), qr/^HTTP\/1\.1 200 OK\r\n.*Content-Length: 14\r\n/s, 'HEAD';
		is output(@curl, '-r', '2-4', $server->url('/digits.txt')), '234', 'a range';
		is output(@curl, '-L', $server->url('/dir')), Brood::Server->content('dir/index.html'), 'a redirect is followed';
		is output(@curl, '-o', '/dev/null', '-w', '%{http_code} %{num_connects}\n', $server->url('/1k.txt'), '-o', '/dev/null',
			$server->url('/hello.txt')), "200 1\n200 0\n", 'two files over one connection';
		is output(@curl, '-o', '/dev/null', '-w', '%{http_code}', '--path-as-is', $server->url('/../../etc/passwd')), 404,
		    'a path out of the root';
		my $part = Brood::Server::write_file("$dir/part", substr(Brood::Server->content('big.bin'), 0, 300_000));
		output(@curl, '-C', '-', '-o', $part, $server->url('/big.bin'));
		ok Brood::Server::slurp($part) eq Brood::Server->content('big.bin'), 'a download is resumed';
		output(@curl, '-R', '-o', "$dir/copy", $server->url('/hello.txt'));
		is output(@curl, '-o', '/dev/null', '-w', '%{http_code}', '-z', "$dir/copy", $server->url('/hello.txt')), 304, 'what has not changed';
		output(@curl, '--etag-save', "$dir/etag", '-o', '/dev/null', $server->url('/hello.txt'));
		is output(@curl, '-o', '/dev/null', '-w', '%{http_code}', '--etag-compare', "$dir/etag", $server->url('/hello.txt')), 304, 'by its tag';
		is output(@curl, '-o', '/dev/null', '-w', '%{http_code}', '-F', "file=\@$part", $server->url('/hello.txt')), 405,
		    'an upload of a megabyte is refused, and curl reads the answer';
		is output(@curl, '-o', '/dev/null', '-w', '%{http_code}', '-T', $part, $server->url('/hello.txt')), 405, 'PUT with 100-continue';
		is output(@curl, '-o', '/dev/null', '-w', '%{http_code}', '-H', 'Transfer-Encoding: chunked', '-T', $part,
			$server->url('/hello.txt')), 405, 'and in chunks';
		is output(@curl, '--http2', '-o', '/dev/null', '-w', '%{http_code} %{http_version}', $server->url('/hello.txt')), '200 1.1',
		    'an upgrade to HTTP/2 is declined';
		my $unix = Brood::Server->start(listen => ["unix:$dir/socket"]);
		is output(@curl, '--unix-socket', "$dir/socket", 'http://x/hello.txt'), Brood::Server->content('hello.txt'), 'a Unix socket';
		$unix->finish;
	};
}

sub free_port { return IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1:0')->sockport }

SKIP: {
	my $haproxy = program('haproxy') or skip 'haproxy is not installed', 1;
	subtest 'haproxy in front, with health checks' => sub {
		my $port = free_port();
		my $backend = Brood::Server->start(workers => 2, set => { keepalive_timeout => '75s' });
		my $address = $backend->address;
		my $config = Brood::Server::write_file("$dir/haproxy.cfg", <<"END");
global
    stats socket $dir/haproxy.sock level admin
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout check 5s
    retries 0
frontend in
    bind 127.0.0.1:$port
    default_backend out
backend out
    option httpchk OPTIONS /
    http-reuse always
    server brood $address check inter 100ms rise 1 fall 1
END
		my $pid = fork // die $!;
		if (!$pid) {
			open STDOUT, '>', "$dir/haproxy.log";
			open STDERR, '>&', \*STDOUT;
			exec $haproxy, '-db', '-f', $config or POSIX::_exit(127);
		}
		my $get = sub {
			my $client = Brood::Client->connect("127.0.0.1:$port") or return 'refused';
			return $client->get($_[0]);
		};
		my $up = wait_until(10, sub { my $response = $get->('/hello.txt'); ref $response && $response->status eq '200' });
		ok $up, 'the health check finds it well' or diag Brood::Server::slurp("$dir/haproxy.log");
		is $get->('/hello.txt')->body, Brood::Server->content('hello.txt'), 'a file';
		ok $get->('/big.bin')->body eq Brood::Server->content('big.bin'), 'a large one';
		SKIP: {
			skip 'wrk is not installed', 1 if !Brood::Wrk::path();
			my $load = Brood::Wrk->start(url => "http://127.0.0.1:$port/1k.txt", connections => 16, seconds => Brood::Wrk::seconds(3));
			my $rolls = 0;
			sleep 0.2;
			while ($load->running && $rolls < 5) {
				$rolls += $backend->roll;
				sleep 0.3;
			}
			my $result = $load->result;
			ok $result->{requests} > 500 && !$result->{errors} && !$result->{bad_status}, "$rolls rolling restarts are not seen through it"
			    or diag Brood::Wrk::describe($result);
		}
		kill 'TERM', $pid;
		wait_until(10, sub { waitpid($pid, WNOHANG) == $pid }) or kill 'KILL', $pid;
		unlike Brood::Server::slurp("$dir/haproxy.log"), qr/DOWN/, 'it was never taken for down';
		$backend->finish;
	};
}

SKIP: {
	my $nginx = program('nginx') or skip 'nginx is not installed', 1;
	subtest 'nginx in front, with kept connections' => sub {
		my $port = free_port();
		my $backend = Brood::Server->start(workers => 2);
		my $address = $backend->address;
		my $user = $> == 0 ? "user www-data;\n" : '';
		my $config = Brood::Server::write_file("$dir/nginx.conf", <<"END");
${user}daemon off;
worker_processes 1;
pid $dir/nginx.pid;
error_log $dir/nginx.log;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path $dir/nginx-body;
    proxy_temp_path $dir/nginx-proxy;
    fastcgi_temp_path $dir/nginx-fastcgi;
    uwsgi_temp_path $dir/nginx-uwsgi;
    scgi_temp_path $dir/nginx-scgi;
    upstream brood { server $address; keepalive 16; }
    server {
        listen 127.0.0.1:$port;
        location / { proxy_pass http://brood; proxy_http_version 1.1; proxy_set_header Connection ""; }
    }
}
END
		my $pid = fork // die $!;
		if (!$pid) {
			open STDERR, '>', "$dir/nginx.stderr";
			exec $nginx, '-e', "$dir/nginx.log", '-c', $config or POSIX::_exit(127);
		}
		my $status = sub { my $client = Brood::Client->connect("127.0.0.1:$port"); return $client ? $client->get(@_)->status : 'refused' };
		ok wait_until(10, sub { $status->('/hello.txt') eq '200' }), 'a file' or diag Brood::Server::slurp("$dir/nginx.stderr");
		is $status->('/digits.txt', Range => 'bytes=1-2'), 206, 'a range';
		is $status->('/none'), 404, 'what is not there';
		my @wrong;
		for my $round (1 .. 10) {
			my @old = $backend->workers;
			$backend->signal('HUP');
			push @wrong, grep { $_ ne '200' } map { $status->('/1k.txt') } 1 .. 20;
			$backend->wait_new_workers(2, @old);
			push @wrong, grep { $_ ne '200' } map { $status->('/1k.txt') } 1 .. 20;
		}
		is_deeply \@wrong, [], 'ten rolling restarts are not seen through it';
		kill 'QUIT', $pid;
		wait_until(10, sub { waitpid($pid, WNOHANG) == $pid }) or kill 'KILL', $pid;
		$backend->finish;
	};
}

$server->finish;
done_testing;
