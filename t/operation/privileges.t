#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What a worker is, when the server is started by root: another user for good, with nothing that it does not
# need.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(descriptors name status);
use Brood::Server;

plan skip_all => 'needs root' if $> != 0;

my ($user) = grep { defined getpwnam $_ } qw(www-data nobody);
my (undef, undef, $uid, $gid) = getpwnam $user;

# Signal numbers of a mask as in /proc/PID/status.
sub signals
{
	my ($mask) = @_;
	my $bits = hex $mask;
	return grep { $bits >> ($_ - 1) & 1 } 1 .. 64;
}

for my $mode (qw(shared handoff reuseport)) {
	subtest $mode => sub {
		# What the server inherits must not reach its workers.
		pipe my $stray_reader, my $stray_writer;
		my $dir = Brood::Server::new_dir();
		my $server = Brood::Server->start(accept => $mode, workers => 2, args => ['-p', "$dir/pid"],
			set => { access_log => "$dir/access.log" },
			inherit => { 40 => $stray_writer }, in => sub { $SIG{USR2} = 'IGNORE'; $SIG{WINCH} = 'IGNORE'; umask 0 });
		Brood::Client->connect($server->address)->get('/hello.txt');
		for my $pid ($server->workers) {
			my ($status, $links) = (status($pid), descriptors($pid));
			is $status->{Uid}, join("\t", ($uid) x 4), "$user: real, effective, saved and file system user";
			is $status->{Gid}, join("\t", ($gid) x 4), 'and group';
			is scalar(grep { $_ == 0 } split ' ', $status->{Groups} // ''), 0, 'not in the group root';
			is $status->{NoNewPrivs}, 1, 'cannot get new privileges';
			is hex $status->{$_}, 0, "no capabilities: $_" for qw(CapInh CapPrm CapEff CapAmb);
			# Those that it reads from a signalfd are blocked, and only those.
			my ($signalfd) = grep { $links->{$_} =~ /signalfd/ } keys %$links;
			my ($read) = defined $signalfd ? (Brood::Server::slurp("/proc/$pid/fdinfo/$signalfd") =~ /^sigmask:\s*(\w+)/m) : ();
			is_deeply [signals($status->{SigBlk})], [signals($read // '0')], 'no signals blocked but those it reads';
			is_deeply [grep { $_ != 13 && $_ != 25 } signals($status->{SigIgn})], [], 'no signals ignored but SIGPIPE and SIGXFSZ';

			my @odd;
			for my $fd (sort { $a <=> $b } keys %$links) {
				my $what = $links->{$fd};
				next if $fd <= 2;
				next if $what =~ /^socket:|^anon_inode:\[?(?:eventpoll|signalfd|eventfd|timerfd)|^\/memfd:|^pipe:/;
				next if $what =~ /\/root(?:\/.*)?$|\/access\.log$|\/dev\/null$/;
				push @odd, "$fd $what";
			}
			is_deeply \@odd, [], 'its descriptors are those it needs';
			my $stray = readlink "/proc/$$/fd/" . fileno $stray_writer;
			is scalar(grep { $_ eq $stray } values %$links), 0, 'nothing that the server inherited';
			is scalar(grep { /\/pid$/ } values %$links), 0, 'not the pid file';
			cmp_ok scalar(keys %$links), '<', 20, 'few';
		}
		is((split ' ', status($server->pid)->{Uid})[1], 0, 'the master is root still');
		$server->finish;
	};
}

subtest 'the user and group are as configured' => sub {
	plan skip_all => 'no user daemon' if !defined getpwnam 'daemon';
	my (undef, undef, $uid, $gid) = getpwnam 'daemon';
	my $server = Brood::Server->start(set => { user => 'daemon' });
	my ($pid) = $server->workers;
	is((split ' ', status($pid)->{Uid})[1], $uid, 'user');
	is((split ' ', status($pid)->{Gid})[1], $gid, 'its group');
	$server->finish;
};

subtest 'processes are named' => sub {
	my $server = Brood::Server->start;
	like name($server->pid), qr/^brood/, 'the master';
	like name($_), qr/brood|worker/, 'a worker' for $server->workers;
	$server->finish;
};

subtest 'a worker cannot be made to serve what its user may not read' => sub {
	my $server = Brood::Server->start;
	my $path = Brood::Server::write_file($server->root . '/private.txt', 'private');
	chmod 0600, $path;
	my $response = Brood::Client->connect($server->address)->get('/private.txt');
	is $response->status, 403, '403';
	unlike $response->body, qr/^private/, 'nothing of it';
	$server->finish;
};

subtest 'started by another user, everything is that user' => sub {
	my ($nobody, $nogroup) = (getpwnam 'nobody')[2, 3];
	my %tls = Brood::Server::tls_settings();
	chown $nobody, $nogroup, $tls{tls_key} if %tls;
	my $server = Brood::Server->start(in => sub {
		chown $nobody, $nogroup, map { "/proc/self/fd/$_" } 1, 2;
		$( = $nogroup; $) = "$nogroup $nogroup"; $< = $> = $nobody; });
	is((split ' ', status($_)->{Uid})[1], $nobody, 'the user') for $server->pid, $server->workers;
	is(Brood::Client->connect($server->address)->get('/hello.txt')->status, 200, 'and it serves');
	$server->finish;
};

done_testing;
