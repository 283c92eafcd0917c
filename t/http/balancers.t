#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Real load balancers in front: haproxy and nginx, which tell of clients by the PROXY protocol or by
# fields of requests.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Figures qw(find_program);
use Brood::Proc qw(wait_until);
use Brood::Server;
use IO::Socket::INET;
use POSIX qw(WNOHANG);

my $haproxy = find_program('haproxy');
my $nginx = find_program('nginx');
my $stream = '/usr/lib/nginx/modules/ngx_stream_module.so';

sub free_port { return IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1:0')->sockport }

sub run
{
	my ($dir, @command) = @_;
	my $pid = fork // die "fork: $!";
	return $pid if $pid;
	open STDOUT, '>', "$dir/output";
	open STDERR, '>&', \*STDOUT;
	exec @command or POSIX::_exit(127);
}

sub stop
{
	my ($pid) = @_;
	kill 'TERM', $pid;
	wait_until(10, sub { waitpid($pid, WNOHANG) == $pid }) or kill 'KILL', $pid;
}

sub haproxy_config
{
	my ($dir, $port, $lines) = @_;
	return Brood::Server::write_file("$dir/haproxy.cfg", <<"END");
defaults
	mode http
	timeout connect 5s
	timeout client 20s
	timeout server 20s
	timeout check 5s
	retries 0
listen front
	bind 127.0.0.1:$port
$lines
END
}

# A client of another address of this machine's loopback than the balancer's.
sub client
{
	my ($port, $from) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, LocalAddr => $from) or return undef;
	$socket->blocking(0);
	return bless { socket => $socket, received => '', limit => 10, address => "127.0.0.1:$port" }, 'Brood::Client';
}

sub lines { return split /\n/, Brood::Server::slurp($_[0]) }

# A server, a balancer made by CODE in front of it, and what clients see through that.
sub try
{
	my ($settings, $make, $check) = @_;
	my ($dir, $port) = (Brood::Server::new_dir(), free_port());
	my $server = Brood::Configured->start(workers => 2, access_log => "$dir/access.log", %$settings);
	my $pid = run("$dir", $make->("$dir", $port, $server->address));
	my $up = wait_until(10, sub {
		my $client = client($port, '127.0.0.2') or return 0;
		return $client->get('/hello.txt')->status eq '200';
	});
	ok $up, 'it runs' or diag Brood::Server::slurp("$dir/output"), $server->stderr;
	if ($up) {
		my $client = client($port, '127.0.0.3');
		is $client->get('/digits.txt')->status, 200, 'a request through it';
		ok wait_until(10, sub { grep { /digits\.txt/ } lines("$dir/access.log") }), 'is in the log';
		my ($line) = grep { /digits\.txt/ } lines("$dir/access.log");
		like $line, qr/^127\.0\.0\.3 /, 'with the address of the client';
		$check->($server, $client, "$dir/access.log") if $check;
	}
	stop($pid);
	unlike Brood::Server::slurp("$dir/output"), qr/DOWN/, 'it never took the server for down';
	$server->finish;
}

# After a roll the balancer's connection is with another worker, which knows the client as well.
sub roll_and_ask
{
	my ($server, $client, $log) = @_;
	is $server->reload, 'done', 'a roll';
	is $client->get('/1k.txt')->status, 200, 'the client notices nothing';
	ok wait_until(10, sub { grep { /1k\.txt/ } lines($log) }), 'its next request is in the log';
	my ($line) = grep { /1k\.txt/ } lines($log);
	like $line, qr/^127\.0\.0\.3 /, 'with its address';
}

SKIP: {
	skip 'haproxy is not installed', 4 if !$haproxy;
	my %how = (
		'version 1' => 'send-proxy', 'version 2' => 'send-proxy-v2',
		'version 2 with a checksum' => 'send-proxy-v2 proxy-v2-options crc32c,unique-id');
	for my $how (sort keys %how) {
		subtest "haproxy, PROXY protocol $how" => sub {
			try({ proxy_protocol => \'true' }, sub {
				my ($dir, $port, $address) = @_;
				return ($haproxy, '-db', '-f', haproxy_config($dir, $port, <<"END"));
	option httpchk OPTIONS /
	http-reuse never
	server brood $address ${\ Brood::Server::for_haproxy() } $how{$how} check check-send-proxy inter 100ms
END
			}, \&roll_and_ask);
		};
	}
	subtest 'haproxy, X-Forwarded-For' => sub {
		try({ trusted => '127.0.0.1' }, sub {
			my ($dir, $port, $address) = @_;
			return ($haproxy, '-db', '-f', haproxy_config($dir, $port, <<"END"));
	option httpchk OPTIONS /
	option forwardfor
	http-reuse always
	server brood $address ${\ Brood::Server::for_haproxy() } check inter 100ms
END
		}, sub {
			my ($server, $client, $log) = @_;
			my $liar = $client->get('/empty.txt', 'X-Forwarded-For' => '192.0.2.1');
			ok wait_until(10, sub { grep { /empty\.txt/ } lines($log) }), 'what the client itself says';
			like((grep { /empty\.txt/ } lines($log))[0], qr/^127\.0\.0\.3 /, 'is not believed');
			roll_and_ask(@_);
		});
	};
}

SKIP: {
	skip 'nginx is not installed', 2 if !$nginx;
	my $config = sub {
		my ($dir, $head, $body) = @_;
		return ($nginx, '-p', $dir, '-e', "$dir/error.log", '-c', Brood::Server::write_file("$dir/nginx.conf", <<"END"));
$head
daemon off;
pid $dir/nginx.pid;
error_log $dir/error.log;
events { }
$body
END
	};
	subtest 'nginx, X-Forwarded-For' => sub {
		try({ trusted => '127.0.0.1' }, sub {
			my ($dir, $port, $address) = @_;
			return $config->($dir, '', <<"END");
http {
	access_log off;
	client_body_temp_path $dir/body;
	proxy_temp_path $dir/proxy;
	fastcgi_temp_path $dir/fastcgi;
	uwsgi_temp_path $dir/uwsgi;
	scgi_temp_path $dir/scgi;
	upstream brood { server $address; keepalive 4; }
	server {
		listen 127.0.0.1:$port;
		location / {
			proxy_pass ${\ Brood::Server::scheme() }://brood;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
		}
	}
}
END
		}, \&roll_and_ask);
	};
	skip 'nginx has no stream module here', 1 if !-e $stream;
	subtest 'nginx, PROXY protocol' => sub {
		try({ proxy_protocol => \'true' }, sub {
			my ($dir, $port, $address) = @_;
			my $ssl = Brood::Server::with_tls() ? 'proxy_ssl on;' : '';
			return $config->($dir, "load_module $stream;", <<"END");
stream {
	server { listen 127.0.0.1:$port; proxy_pass $address; proxy_protocol on; $ssl }
}
END
		}, \&roll_and_ask);
	};
}

done_testing;
