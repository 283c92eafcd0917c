#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What is wrong is told in one line on standard error, with the right exit status (2: cannot be understood;
# 1: understood, but wrong), and nothing is left running.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Server;
use Brood::Together;
use IO::Socket::INET;

my $dir = Brood::Server::new_dir();
my $root = Brood::Server::make_tree("$dir/root", { 'index.html' => 'x' });
Brood::Server::write_file("$dir/file", 'x');
mkdir "$dir/private";
chmod 0700, "$dir/private";
my $as_root = $> == 0;
my @listen = ('-l', '127.0.0.1:0');

sub refused
{
	my ($name, $exit, $like, @args) = @_;
	my $result = Brood::Server->run(@args);
	my @wrong;
	push @wrong, "exit status $result->{exit}, not $exit" if $result->{exit} ne $exit;
	push @wrong, scalar @{ $result->{lines} } . ' lines on standard error, not one' if @{ $result->{lines} } != 1;
	push @wrong, "standard error is not like $like" if $result->{stderr} !~ $like;
	push @wrong, "standard output: $result->{stdout}" if $result->{stdout} ne '';
	push @wrong, "left running: @{$result->{left}}" if @{ $result->{left} };
	ok !@wrong, $name or diag join "\n", @wrong, "arguments: @args", $result->{stderr};
}

# As an argument is repeated in the message: cut when long, without control characters.
sub shown { return substr $_[0] =~ s/[^ -~]/?/gr, 0, 60 }

sub config
{
	my ($text) = @_;
	return Brood::Server::write_file("$dir/brood.conf", $text);
}

# ---- 2: usage
refused("option $_->[0]", 2, qr/option '$_->[1]'/, @listen, $_->[0], $root)
    for ['--nonsense', '--nonsense'], ['-z', '-z'], ['--nonsense=1', '--nonsense'], ['--daemon=yes', '--daemon'];
refused("option $_ without its value", 2, qr/\Q$_\E/, @listen, $_) for qw(-c -l -w -a -s -p --config --listen);
refused("-w '$_'", 2, qr/-w '\Q$_\E'/, @listen, '-w', $_, $root)
    for 'x', '', '0', '-1', '+2', '1.5', '2x', ' 2', '99999999999999999999', '100000';
refused("-l '" . shown($_) . "'", 2, qr{-l '\Q@{[shown($_)]}\E}, '-l', $_, $root)
    for '', 'x', '127.0.0.1', '127.0.0.1:', ':', '127.0.0.1:x', '127.0.0.1:-1', '127.0.0.1:65536', '65536',
    '127.0.0.1:99999999999999999999', '256.0.0.1:80', '1.2.3:80', '::1:80', '[::1]', '[::1:80', '[::g]:80', '[::1]80',
    'localhost:80', '127.0.0.1:80x', '127.0.0.1 :80', 'unix:', 'unix:' . 'x' x 200, "127.0.0.1:80\n";
refused("-a $_", 2, qr/-a '\Q$_\E'/, @listen, '-a', $_, $root) for 'x', '', 'Shared';
refused("-s '$_'", 2, qr/-s '\Q$_\E'/, @listen, '-s', $_, $root) for 'workers', '=1', '';
refused('two folders', 2, qr/one folder/, @listen, $root, $root);
refused('an empty folder name', 2, qr/''/, @listen, '');
refused('TLS without a certificate', 1, qr/tls_certificate = "dev"/, '-l', 'tls:127.0.0.1:0', $root);
refused('--control without a path', 2, qr/--control ''/, @listen, '--control', '', $root);
refused("brood $_, of a later version", 2, qr/not in this version/, $_) for qw(run);

# ---- 1: settings
refused("-s $_->[0]=$_->[1]", 1, qr/\Q$_->[0]\E/, @listen, '-s', "$_->[0]=$_->[1]", $root)
    for map { [split /=/, $_, 2] } 'nonsense=1', 'drain_timeout=x', 'drain_timeout=', 'drain_timeout=-1s', 'drain_timeout=1y', 'workers=x',
    'workers=0', 'backlog=0', 'accept=x', 'handoff_policy=x', 'debug_headers=maybe', 'max_connections=-1', 'debug_fault=x',
    'debug_fault=crash:x', 'drain_timeout=99999999999999999999s', 'listen=x', 'user=no-such-user-here', 'probe=x';
refused('an unknown setting names the nearest one', 1, qr/drain_timeout/, @listen, '-s', 'drain_timeuot=1s', $root);

sub wrong_file
{
	my ($name, $text, $line, $like) = @_;
	my $file = config($text);
	refused("a file with $name", 1, qr/brood\.conf:$line: .*$like/, @listen, '-c', $file, $root);
}
wrong_file('a syntax error', "workers = 2;\nworkers = ;\n", 2, '');
wrong_file('an open string', "workers = 2;\n\nroot = \"x\n", '\d+', '');
wrong_file('an unknown setting', "workers = 2;\nworkrs = 3;\n", 2, "workrs.*workers");
wrong_file('a wrong value', "\n\ndrain_timeout = \"x\";\n", 3, 'drain_timeout.*x');
wrong_file('a wrong type', "workers = true;\n", 1, 'workers.*true');
wrong_file('a number where a word is due', "accept = 1;\n", 1, 'accept.*1');
wrong_file('a value out of range', "workers = 100000;\n", 1, 'workers.*100000');
wrong_file('a wrong address', "listen = [ \"127.0.0.1:0\",\n \"127.0.0.1:x\" ];\n", '[12]', '127\.0\.0\.1:x');
wrong_file('TLS without a certificate', "\nlisten = \"tls:127.0.0.1:0\";\n", 2, 'tls_certificate');
wrong_file('a certificate that is not there', "tls_certificate = \"none.pem\";\n", 1, 'none\.pem.*No such file');

refused('no such file', 1, qr/none\.conf/, @listen, '-c', "$dir/none.conf", $root);
refused('a folder in place of the file', 1, qr/\Q$dir\E/, @listen, '-c', "$dir", $root);

# ---- 1: the root
refused('no such root', 1, qr/\Q$dir\E\/none/, @listen, "$dir/none");
refused('a root that is a file', 1, qr/\Q$dir\E\/file/, @listen, "$dir/file");
SKIP: {
	skip 'needs root', 1 if !$as_root;
	refused('a root that workers cannot read names folder and user', 1, qr/\Q$dir\E\/private.*(?:www-data|nobody)/, @listen,
	    "$dir/private");
}
{
	my $file = config("workers = 1;\nroot = \"$dir/none\";\n");
	refused('a root in the file that is not there: file and line', 1, qr/brood\.conf:2: .*none/, @listen, '-c', $file);
}

# ---- 1: addresses
{
	my $holder = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1:0') or die $!;
	my $port = $holder->sockport;
	my $name = Brood::Proc::name($$);
	for my $mode (qw(shared handoff reuseport)) {
		refused("address in use, $mode", 1, qr/127\.0\.0\.1:$port.*in use.*(?:\b$$\b.*\Q$name\E|\Q$name\E.*\b$$\b)/, '-l',
		    "127.0.0.1:$port", '-a', $mode, $root);
	}
	refused('the second of two addresses in use', 1, qr/127\.0\.0\.1:$port.*in use/, @listen, '-l', "127.0.0.1:$port", $root);
	refused('*: when one address is in use', 1, qr/:$port.*in use/, '-l', "*:$port", $root);
}
for my $first (qw(shared handoff reuseport)) {
	my $server = Brood::Server->start(accept => $first, workers => 1);
	my $port = $server->port;
	for my $second (qw(shared handoff reuseport)) {
		refused("a second server, $second beside $first, is told who has the address", 1,
		    qr/127\.0\.0\.1:$port.*in use.*\b@{[$server->pid]}\b/, '-l', "127.0.0.1:$port", '-a', $second, $root);
	}
	is(Brood::Client->connect($server->address)->get('/hello.txt')->status, 200, "the first, $first, goes on");
	$server->finish;
}
refused('an address that is not of this machine', 1, qr/192\.0\.2\.1:0/, '-l', '192.0.2.1:0', $root);
refused('a Unix socket in a folder that is not there', 1, qr/none/, '-l', "unix:$dir/none/s", $root);
SKIP: {
	skip 'needs root, to be another user', 2 if !$as_root;
	my $nobody = getpwnam('nobody') // 65534;
	open my $setting, '<', '/proc/sys/net/ipv4/ip_unprivileged_port_start';
	my $first = $setting ? readline $setting : 1024;
	skip 'all ports are open to all users', 2 if $first <= 81;
	my $result = Brood::Server->run({ in => sub { $( = $) = '65534 65534'; $< = $> = $nobody } }, '-l', '127.0.0.1:81', $root);
	is $result->{exit}, 1, 'a port that only root may open: exit status';
	like $result->{stderr}, qr/^[^\n]*127\.0\.0\.1:81[^\n]*\n\z/, 'and one line';
}

# ---- 1: files
refused("$_ in a folder that is not there", 1, qr/none/, @listen, '-s', "$_=$dir/none/x", $root)
    for qw(access_log error_log pid_file);
refused('-p in a folder that is not there', 1, qr/none/, @listen, '-p', "$dir/none/x", $root);
refused('an access log that is a folder', 1, qr/private/, @listen, '-s', "access_log=$dir/private", $root);

# ---- 1: no worker gets ready. The workers' own lines are above the one that says so.
for my $mode (qw(shared handoff reuseport)) {
	for my $fault (qw(start-exit start-hang probe-fail)) {
		together "$fault at the first start, $mode" => sub {
			my $result = Brood::Server->run({ limit => 60 }, @listen, '-w', 2, '-a', $mode, '-s', "debug_fault=$fault",
				'-s', 'start_timeout=500ms', $root);
			is $result->{exit}, 1, 'exit status';
			is scalar(grep { /no worker became ready/ } @{ $result->{lines} }), 1, 'one line says so';
			is_deeply $result->{left}, [], 'nothing is left';
			unlike $result->{stderr}, qr/ready on/, 'it was never said to be ready';
		};
	}
}

all_together(9);
done_testing;
