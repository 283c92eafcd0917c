#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Programs that people use in front of a server.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Brood::Client;
use Brood::Figures qw(find_program);
use Brood::Proc qw(wait_until);
use Brood::Server;
use Brood::Wrk;
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep);

my $dir = Brood::Server::new_dir();

sub free_port { return IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1:0')->sockport }

SKIP: {
	my $haproxy = find_program('haproxy') or skip 'haproxy is not installed', 1;
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
	my $nginx = find_program('nginx') or skip 'nginx is not installed', 1;
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

done_testing;
