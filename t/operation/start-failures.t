#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A server that cannot start says why on standard error, once, wherever its error log is, also as a daemon; and leaves
# nothing behind. So it does on a full disk.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Brood::Server;

my $root = Brood::Server::make_tree(Brood::Server::new_dir(), { 'hello.txt' => "hello\n" });
my $busy = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $!";
my $busy_port = $busy->sockport;

sub slurp { return Brood::Server::slurp($_[0]) }

# Runs one that is to fail. { exit, stderr, ... }, with what is in its error log.
sub run_failing
{
	my ($dir, $log, @args) = @_;
	my $result = Brood::Server->run('-w', 1, (grep({ $_ eq '-l' } @args) ? () : ('-l', '127.0.0.1:0')),
		'-s', 'control=off', '-s', 'state_dir=off', '-s', 'access_log=off', '-s', "error_log=$log", @args, "$root");
	$result->{log} = -f $log ? slurp($log) : '';
	return $result;
}

# How often a text has a line that matches.
sub lines { return scalar grep { $_ =~ $_[1] } split /\n/, $_[0] }

# name => [what is said, once; a function that returns arguments, for a folder of its own; how it is started, if not both
# ways, for those that take a second]
my %fault = (
	'the address is in use' => [qr/127\.0\.0\.1:$busy_port.*in use/, sub { '-l', "127.0.0.1:$busy_port" }],
	'the second address is in use' => [qr/127\.0\.0\.1:$busy_port.*in use/,
		sub { '-l', '127.0.0.1:0', '-l', "127.0.0.1:$busy_port" }],
	'the folder of a Unix socket is not there' => [qr{/none/a\.sock}, sub { '-l', "unix:$_[0]/none/a.sock" }],
	'the folder of the pid file is not there' => [qr{pid file .*/none/pid: No such file}, sub { '-p', "$_[0]/none/pid" }],
	'the pid file is no pid file' => [qr{/letters is not a pid file}, sub {
		Brood::Server::write_file("$_[0]/letters", "Dear Sir or Madam\n");
		return '-p', "$_[0]/letters";
	}],
	'the folder of the control socket is not there' => [qr{control socket '.*/none/there/ctl'},
		sub { '-s', "control=$_[0]/none/there/ctl" }],
	'the control socket is a file' => [qr{control socket '.*/file'}, sub {
		Brood::Server::write_file("$_[0]/file", '');
		return '-s', "control=$_[0]/file";
	}],
	'the folder of the access log is not there' => [qr{access_log '.*/none/access\.log'.*no such folder}, sub { '-s', "access_log=$_[0]/none/access.log" }],
	'the root is not there' => [qr{/none/root}, sub { '-s', 'state_dir=off', "$_[0]/none/root" }],
	'the certificate is none' => [qr{/cert\.pem}, sub {
		Brood::Server::write_file("$_[0]/cert.pem", "no certificate\n");
		return '-l', 'tls:127.0.0.1:0', '-s', "tls_certificate=$_[0]/cert.pem", '-s', "tls_key=$_[0]/cert.pem";
	}],
	'workers leave at once' => [qr/worker 0\b.*leaving instead of starting/, sub { '-s', 'debug_fault=start-exit', '-s', 'start_timeout=300ms' }, ['-d']],
	'workers fail their self-test' => [qr/worker 0\b.*the self-test fails/,
		sub { '-s', 'debug_fault=probe-fail', '-s', 'start_timeout=300ms' }, []],
	'workers hang' => [qr/worker 0\b.*never getting ready/, sub { '-s', 'debug_fault=start-hang', '-s', 'start_timeout=300ms' }, ['-d']],
);
$fault{'there is no such user'} = [qr/nobody-of-that-name/, sub { '-s', 'user=nobody-of-that-name' }] if $> == 0;
delete $fault{'the root is not there'}; # it stands behind the arguments: below

for my $name (sort keys %fault) {
	my ($said, $arguments, @only) = @{ $fault{$name} };
	subtest $name => sub {
		for my $daemon (@only ? @only : ([], ['-d'])) {
			my $how = @$daemon ? 'as a daemon' : 'in the foreground';
			my $dir = Brood::Server::new_dir();
			my $file = run_failing($dir, "$dir/error.log", @$daemon, $arguments->($dir));
			is $file->{exit}, 1, "$how: exit status 1";
			is lines($file->{stderr}, $said), 1, "$how: the reason is said once" or diag $file->{stderr};
			cmp_ok lines($file->{log}, $said), '<=', $name =~ /^workers/ ? 99 : 1, "$how: and in the log no more often"
			    or diag $file->{log};
			is_deeply $file->{left}, [], "$how: nobody is left";
			next if @only;
			my $again = run_failing($dir, 'stderr', @$daemon, $arguments->($dir));
			is lines($again->{stderr}, $said), 1, "$how: so it is where the log is standard error"
			    or diag $again->{stderr};
		}
	};
}

subtest 'the root is not there' => sub {
	my $dir = Brood::Server::new_dir();
	my $result = Brood::Server->run('-l', '127.0.0.1:0', '-s', 'control=off', '-s', "error_log=$dir/log", "$dir/none");
	isnt $result->{exit}, 0, 'it fails';
	is lines($result->{stderr}, qr{/none\b}), 1, 'the reason is said once' or diag $result->{stderr};
};

subtest 'the error log cannot be opened' => sub {
	my $dir = Brood::Server::new_dir();
	for my $daemon ([], ['-d']) {
		my $result = run_failing($dir, "$dir/none/error.log", @$daemon);
		is $result->{exit}, 1, 'exit status 1';
		is lines($result->{stderr}, qr{error_log '\S+/none/error\.log'.*no such folder}), 1, 'the reason, once'
		    or diag $result->{stderr};
	}
};

subtest 'the log is standard error by another name' => sub {
	my $result = run_failing(Brood::Server::new_dir(), '/dev/stderr', '-l', "127.0.0.1:$busy_port");
	is lines($result->{stderr}, qr/in use/), 1, 'once' or diag $result->{stderr};
};

subtest 'a configuration that no reload could read again' => sub {
	my $dir = Brood::Server::new_dir();
	POSIX::mkfifo("$dir/pipe", 0600) or die $!;
	Brood::Server::write_file("$dir/empty", '');
	symlink 'empty', "$dir/link";
	my @shell = ('/bin/bash', '-c', 'exec "$0" "$@" -c <(echo "workers = 1;")');
	my $lasting = qr/<\(\.\.\.\): what is read again at each reload has to be a file that stays/;
	for (['process substitution', $lasting, [@shell]], ['a FIFO', $lasting, [], '-c', "$dir/pipe"],
		['a pipe as standard input', $lasting, ['/bin/sh', '-c', 'echo "workers = 1;" | "$0" "$@"'], '-c', '/dev/stdin'],
		['an empty file', qr/is empty/, [], '-c', "$dir/empty"], ['by a link', qr/is empty/, [], '-c', "$dir/link"],
		['/dev/null', qr/is empty/, [], '-c', '/dev/null']) {
		my ($name, $said, $wrapper, @args) = @$_;
		for my $action ([], ['-d'], ['-t'], ['-T']) {
			my $result = Brood::Server->run({ wrapper => $wrapper }, '-l', '127.0.0.1:0', '-s', 'control=off', '-s', 'state_dir=off', @$action, @args);
			is $result->{exit}, 1, "$name @$action: exit status 1";
			is lines($result->{stderr}, $said), 1, 'and the cause, once' or diag $result->{stderr};
		}
	}
};

subtest 'workers die so often that their slots are parked' => sub {
	my $dir = Brood::Server::new_dir();
	my $result = run_failing($dir, "$dir/error.log", '-w', 1, '-s', 'debug_fault=probe-fail');
	is $result->{exit}, 1, 'exit status 1';
	is lines($result->{stderr}, qr/the self-test fails/), 1, 'their words, once' or diag $result->{stderr};
	is lines($result->{stderr}, qr/slot 0 is parked/), 1, 'that the slot is parked';
	is lines($result->{stderr}, qr/giving up/), 1, 'that the server gives up';
	is lines($result->{log}, qr/the self-test fails/), 8, 'the log has each';
};

subtest 'a start that goes well says nothing more than that' => sub {
	my $dir = Brood::Server::new_dir();
	my $server = Brood::Server->start(listen => ['tls:127.0.0.1:0'], set => { error_log => "$dir/error.log",
		tls_certificate => 'dev', tls_key => undef });
	$server->signal('TERM');
	is $server->wait_exit, 0, 'it ends well';
	is $server->stderr, $server->ready_line, 'standard error has the line of readiness';
	like slurp("$dir/error.log"), qr/nobody vouches for/, 'the log has the rest';
	$server->finish;
};

# --- full disks ---

my ($unshare) = grep { -x } map { "$_/unshare" } split /:/, $ENV{PATH};
my $why = $> != 0 ? 'needs root' : !$unshare ? 'unshare is not installed'
    : system("$unshare -m sh -c 'mount -t tmpfs -o size=4k none /mnt' 2>/dev/null") ? 'no mounts here' : undef;

# Runs it where $dir/disk is a small disk of its own, filled as the words of the shell say. What is on the disk afterwards
# is in its standard output; its exit status follows.
sub on_disk
{
	my ($options, $fill, @args) = @_;
	my $dir = Brood::Server::new_dir();
	mkdir "$dir/disk" or die $!;
	s{^/disk/}{$dir/disk/} or s{([=:])/disk/}{$1$dir/disk/} for @args;
	my $program = Brood::Server::program();
	my $script = 'disk=$1; shift; mount -t tmpfs -o "$1" none "$disk" || exit 99; shift; cd "$disk" && eval "$1"; shift; cd /;'
	    . ' "$@"; status=$?; ls -A "$disk"; exit $status';
	my $base = "$dir/run";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$base.out";
		open STDERR, '>', "$base.err";
		alarm 30;
		exec { $unshare } $unshare, '-m', 'sh', '-c', $script, 'sh', "$dir/disk", $options, $fill, $program,
		    '-w', 1, '-l', '127.0.0.1:0', '-s', 'control=off', '-s', 'state_dir=off', '-s', 'access_log=off', @args, "$root";
	}
	waitpid $pid, 0;
	return { exit => $? >> 8, stderr => slurp("$base.err"), left => [split /\n/, slurp("$base.out")] };
}

my $octets_full = ['size=4k', 'dd if=/dev/zero of=full bs=4k count=1 2>/dev/null'];
my $names_full = ['size=64k,nr_inodes=2', ': > full'];

SKIP: {
	skip $why, 1 if $why;
	for my $daemon ([], ['-d']) {
		my $how = @$daemon ? 'as a daemon' : 'in the foreground';
		for my $disk (['octets', @$octets_full], ['names', @$names_full]) {
			my ($what, @disk) = @$disk;
			subtest "a disk without room for more $what, $how" => sub {
				my $result = on_disk(@disk, @$daemon, '-p', '/disk/pid');
				is $result->{exit}, 1, 'pid file: exit status 1';
				is lines($result->{stderr}, qr{pid file \S+/disk/pid: No space left on device}), 1, 'path and reason'
				    or diag $result->{stderr};
				is_deeply $result->{left}, ['full'], 'and no empty file';

				$result = on_disk(@disk, @$daemon, '-p', '/disk/pid', '-s', 'error_log=/dev/null');
				is lines($result->{stderr}, qr{/disk/pid: No space left on device}), 1, 'wherever the log is'
				    or diag $result->{stderr};

				$result = on_disk(@disk, '-t', '-p', '/disk/pid');
				is_deeply $result->{left}, ['full'], '-t makes nothing';
			};
		}
		subtest "a disk without room for more names, $how: other files of a start" => sub {
			my %files = ('error_log=/disk/log' => qr{log \S+/disk/log: No space left}, 'access_log=/disk/log' =>
				qr{log \S+/disk/log: No space left}, 'control=/disk/ctl' => qr{control socket '\S+/disk/ctl': No space left});
			for my $setting (sort keys %files) {
				my $result = on_disk(@$names_full, @$daemon, '-s', $setting);
				is $result->{exit}, 1, "$setting: exit status 1";
				is lines($result->{stderr}, $files{$setting}), 1, 'path and reason' or diag $result->{stderr};
				is_deeply $result->{left}, ['full'], 'nothing is left';
			}
			my $result = on_disk(@$names_full, @$daemon, '-l', 'unix:/disk/sock');
			is $result->{exit}, 1, 'a Unix socket: exit status 1';
			is lines($result->{stderr}, qr{/disk/sock: No space left}), 1, 'path and reason' or diag $result->{stderr};
		};
		subtest "the error log is on the full disk, $how" => sub {
			my $result = on_disk(@$octets_full, @$daemon, '-s', 'error_log=/disk/log', '-p', '/disk/pid');
			is $result->{exit}, 1, 'exit status 1';
			is lines($result->{stderr}, qr{/disk/pid: No space left on device}), 1, 'the reason is told all the same'
			    or diag $result->{stderr};
			ok !grep({ $_ eq 'pid' } @{ $result->{left} }), 'and no empty pid file';
		};
		subtest "a stale pid file on a disk that is full, $how" => sub {
			my $result = on_disk('size=4k', 'echo 99999999 > pid', @$daemon, '-p', '/disk/pid', '-l', "127.0.0.1:$busy_port");
			is $result->{exit}, 1, 'what fails is another matter';
			unlike $result->{stderr}, qr/No space left/, 'its room is enough for the new one' or diag $result->{stderr};
			is_deeply $result->{left}, [], 'and it is removed';
		};
	}
}

subtest 'a file may not grow (ulimit -f)' => sub {
	my $dir = Brood::Server::new_dir();
	my $result = Brood::Server->run({ limits => ['-f 0'] }, '-l', '127.0.0.1:0', '-s', 'control=off', '-s', 'state_dir=off',
		'-s', 'access_log=off', '-s', 'error_log=/dev/null', '-p', "$dir/pid", "$root");
	is $result->{exit}, 1, 'exit status 1, and no signal';
	ok !-e "$dir/pid", 'and no empty pid file';
};

done_testing;
