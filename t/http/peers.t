#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Programs that people use in front of a server.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
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

# What clients get through a proxy is what they get without it, also on one connection and while the server is rolled.
sub same_through
{
	my ($backend, $port) = @_;
	my $connect = sub { Brood::Client->connect("127.0.0.1:$port", limit => 30) };
	my $direct = Brood::Client->connect($backend->address);
	my $client = $connect->();
	my @wrong;
	my $ask = sub {
		my ($status, @request) = @_;
		my ($one, $other) = map { $_->request(@request) } $direct, $client;
		my @differ = grep { ($one->header($_) // '-') ne ($other->header($_) // '-') }
		    qw(Content-Length Content-Type ETag Last-Modified Content-Range Content-Encoding Allow);
		my ($boundary, $its) = map { ($_->header('Content-Type') // '') =~ /boundary=(\S+)/ ? $1 : '' } $one, $other;
		@differ = grep { !/^Content-Type/ } @differ if $boundary ne '';
		push @differ, 'the body' if $one->body =~ s/\Q$boundary\E//gr ne $other->body =~ s/\Q$its\E//gr;
		push @wrong, "@request: " . $other->status . " @differ" if $other->status ne $status || @differ;
	};
	my ($tag, $date) = map { $direct->get('/big.bin')->header($_) } qw(ETag Last-Modified);
	for my $round (1 .. 5) {
		for my $path ('/hello.txt', '/big.bin', '/empty.txt', '/dir/', '/none', '/dir') {
			$ask->($path eq '/none' ? 404 : $path eq '/dir' ? 301 : 200, $_, $path) for qw(GET HEAD);
		}
		$ask->(304, $_, '/big.bin', 'If-None-Match' => $tag) for qw(GET HEAD);
		$ask->(304, $_, '/big.bin', 'If-Modified-Since' => $date) for qw(GET HEAD);
		$ask->(412, 'GET', '/big.bin', 'If-Match' => '"other"');
		$ask->(206, 'GET', '/big.bin', Range => $_) for 'bytes=0-0', 'bytes=-5', 'bytes=500000-', 'bytes=0-1,500000-500003';
		$ask->(206, 'GET', '/big.bin', Range => 'bytes=5-9', 'If-Range' => $tag);
		$ask->(416, 'GET', '/big.bin', Range => 'bytes=9999999-');
	}
	is join("\n", @wrong), '', 'GET, HEAD, 304, 412, ranges: the same, one after the other on one connection';
	is $client->ending(0), 'open', 'that stays open';

	my $body = 'b' x (8 << 20);
	for my $how ('with a length', 'in chunks') {
		my $post = $connect->();
		my $sized = $how eq 'with a length';
		$post->send("POST /hello.txt HTTP/1.1\r\nHost: x\r\n" . ($sized ? 'Content-Length: ' . length $body : 'Transfer-Encoding: chunked') . "\r\n\r\n"
		    . ($sized ? $body : sprintf "%x\r\n%s\r\n0\r\n\r\n", length $body, $body));
		is $post->response->status, 405, "a body of 8 MiB that nobody wants, $how: the answer comes through";
	}
	is $connect->()->get('/hello.txt')->status, 200, 'and others are not harmed';
}

sub downloads_while_rolled
{
	my ($backend, $port) = @_;
	my $large = $backend->root . '/large.bin';
	Brood::Server::write_file($large, join '', map { pack 'N*', map { $_ } $_ << 18 .. ($_ << 18) + 262143 } 0 .. 31) if !-e $large;
	my $whole = Brood::Server::slurp($large);
	my @clients = map { Brood::Client->connect("127.0.0.1:$port", limit => 60) } 1 .. 4;
	$_->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n") for @clients;
	my @old = $backend->workers;
	$backend->signal('HUP');
	is scalar(grep { $_->response->body eq $whole } @clients), 4, 'four downloads of 32 MiB are whole, with a roll in between';
	$backend->wait_new_workers(2, @old);
	wait_until(20, sub { $backend->workers == 2 });
}

# A proxy that speaks HTTP/2 to its clients asks for all of a page at once.
sub by_http2
{
	my ($backend, $port) = @_;
	my $node = find_program('node') or return note 'node is not installed: HTTP/2 in front is not tried';
	my $script = Brood::Server::write_file("$dir/client.mjs", <<'END');
import http2 from 'node:http2';
import fs from 'node:fs';
const [port, root] = process.argv.slice(2);
const session = http2.connect(`http://127.0.0.1:${port}`);
const content = Object.fromEntries(['hello.txt', '1k.txt', 'big.bin', 'empty.txt'].map(name => [name, fs.readFileSync(`${root}/${name}`)]));
const get = name => new Promise((resolve, reject) => {
	const stream = session.request({ ':path': '/' + name }), parts = [];
	let status;
	stream.on('response', fields => { status = fields[':status']; });
	stream.on('data', part => parts.push(part));
	stream.on('end', () => resolve(status == 200 && Buffer.concat(parts).equals(content[name])));
	stream.on('error', reject);
});
let right = 0;
for (let round = 0; round < 10; round++)
	right += (await Promise.all([...Array(40).keys()].map(i => get(Object.keys(content)[i % 4])))).filter(Boolean).length;
session.close();
console.log(right);
END
	my @old = $backend->workers;
	$backend->signal('HUP');
	is qx{$node '$script' $port '${\ $backend->root }' 2>&1}, "400\n", 'HTTP/2 in front, forty requests at a time, with a roll in between';
	$backend->wait_new_workers(2, @old);
	wait_until(20, sub { $backend->workers == 2 });
}

SKIP: {
	my $haproxy = find_program('haproxy') or skip 'haproxy is not installed', 1;
	subtest 'haproxy in front, with health checks' => sub {
		my ($port, $h2) = (free_port(), free_port());
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
    bind 127.0.0.1:$h2 proto h2
    default_backend out
backend out
    option httpchk OPTIONS /
    http-reuse always
    server brood $address ${\ Brood::Server::for_haproxy() } check inter 100ms rise 1 fall 1
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
		same_through($backend, $port);
		downloads_while_rolled($backend, $port);
		by_http2($backend, $h2);
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

# nginx keeps a response for a second, and then asks whether it has changed; a large file it fetches in slices.
sub as_a_cache
{
	my ($backend, $port) = @_;
	my $client = Brood::Client->connect("127.0.0.1:$port", limit => 30);
	my ($text, $state) = ('first');
	my $get = sub { my $response = $client->get(@_); ($text, $state) = ($response->body, $response->header('X-Cache') // 'none'); $response };
	Brood::Server::write_file($backend->root . '/cached.txt', 'first');
	$get->('/cached.txt');
	is "$text $state", 'first MISS', 'a cache: at first it asks';
	ok wait_until(10, sub { $get->('/cached.txt'); $state eq 'REVALIDATED' }), 'then whether it has changed';
	is $text, 'first', 'which it has not';
	Brood::Server::write_file($backend->root . '/cached.txt', 'second');
	ok wait_until(10, sub { $get->('/cached.txt'); $text eq 'second' }), 'and sees it when it has';
	is $get->('/sliced/big.bin', Range => 'bytes=70000-70009')->body, substr(Brood::Server->content('big.bin'), 70000, 10), 'a part of one slice';
	ok $get->('/sliced/big.bin')->body eq Brood::Server->content('big.bin'), 'a file by slices';
}

SKIP: {
	my $nginx = find_program('nginx') or skip 'nginx is not installed', 1;
	subtest 'nginx in front, with kept connections, and as a cache' => sub {
		my ($port, $cached) = (free_port(), free_port());
		my $backend = Brood::Server->start(workers => 2);
		my $address = $backend->address;
		my $user = $> == 0 ? "user www-data;\n" : '';
		my $scheme = Brood::Server::scheme();
		my $patience = Brood::Server::with_tls() ? 'keepalive_timeout 1s;' : ''; # with connections of old workers
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
    upstream brood { server $address; keepalive 16; $patience }
    client_max_body_size 64m;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_cache_path $dir/nginx-cache keys_zone=cache:1m;
    proxy_cache_revalidate on;
    proxy_cache_valid 200 206 1s;
    add_header X-Cache \$upstream_cache_status;
    server {
        listen 127.0.0.1:$port;
        location / { proxy_pass $scheme://brood; }
    }
    server {
        listen 127.0.0.1:$cached;
        location / { proxy_cache cache; proxy_pass $scheme://brood; }
        location /sliced/ {
            slice 64k;
            proxy_cache cache;
            proxy_cache_key \$uri\$slice_range;
            proxy_set_header Range \$slice_range;
            proxy_pass $scheme://brood/;
        }
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
		same_through($backend, $port);
		downloads_while_rolled($backend, $port);
		my @wrong;
		for my $round (1 .. 10) {
			my @old = $backend->workers;
			$backend->signal('HUP');
			push @wrong, grep { $_ ne '200' } map { $status->('/1k.txt') } 1 .. 20;
			$backend->wait_new_workers(2, @old);
			push @wrong, grep { $_ ne '200' } map { $status->('/1k.txt') } 1 .. 20;
		}
		is_deeply \@wrong, [], 'ten rolling restarts are not seen through it';
		as_a_cache($backend, $cached);
		kill 'QUIT', $pid;
		wait_until(10, sub { waitpid($pid, WNOHANG) == $pid }) or kill 'KILL', $pid;
		$backend->finish;
	};
}

done_testing;
