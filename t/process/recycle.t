#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Workers that have done enough are replaced one at a time, and nobody notices.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use Brood::Together;
use Brood::Wrk;
use Time::HiRes qw(sleep time);

my @modes = qw(shared handoff reuseport);

sub replaced { return map { /worker (\d+) \[\d+\] is replaced after (.*)/ ? [$1, $2] : () } $_[0]->stderr_lines }

# While CHECK is true: how many processes there are at most, and how many workers at least.
sub watch
{
	my ($server, $check) = @_;
	my ($most, $least) = (0, 99);
	while ($check->()) {
		my $count = () = $server->workers;
		$most = $count if $count > $most;
		$least = $count if $count < $least;
		sleep 0.005;
	}
	return ($most, $least);
}

for my $mode (@modes) {
	SKIP: {
		skip 'wrk is not installed', 1 if !Brood::Wrk::path();
		subtest "$mode: max_requests under load" => sub {
			my $server = Brood::Server->start(accept => $mode, workers => 3, set => { max_requests => 2000 });
			my @idle = map { Brood::Client->connect($server->address) } 1 .. 60;
			is scalar(grep { $_->get('/hello.txt')->status ne '200' } @idle), 0, 'idle connections are opened';
			my @old = $server->workers;
			my $load = Brood::Wrk->start(url => $server->url('/1k.txt'), seconds => Brood::Wrk::seconds(60), connections => 32);
			# Until each of them, and one that came after it, has done enough.
			my $twice = sub { my %times; $times{ $_->[0] }++ for replaced($server); return 3 == grep { $_ >= 2 } values %times };
			my $looks = 0;
			my ($most, $least) = watch($server, sub { $load->running && ($ENV{BROOD_TEST_LONG} || ++$looks % 20 || !$twice->()) });
			my $result = $load->stop;
			note "$mode: ", Brood::Wrk::describe($result), '; replaced: ', scalar(my @replaced = replaced($server));
			is $result->{errors} + $result->{bad_status}, 0, 'the load sees no error';
			cmp_ok $result->{requests}, '>', 5000, "of $result->{requests} requests";
			ok $twice->(), 'workers are replaced, twice in every slot';
			is scalar(grep { $_->[1] !~ /^\d+ requests \(max_requests\)$/ } @replaced), 0, 'for their requests';
			cmp_ok $least, '>=', 3, 'never fewer than three workers';
			cmp_ok $most, '<=', 5, 'never more than a successor, and one that has given all away, more';
			is scalar(grep { alive($_) } @old), 0, 'no worker is the first one';
			is scalar(grep { $_->ending(0) ne 'open' } @idle), 0, 'the idle connections are open';
			is scalar(grep { $_->get('/hello.txt')->status ne '200' } @idle), 0, 'and answered';
			undef @idle;
			$server->finish;
		};
	}
}

together 'max_age' => sub {
	my $server = Brood::Server->start(workers => 2, set => { max_age => '3s' });
	my $idle = Brood::Client->connect($server->address);
	my @first = $idle->get('/hello.txt')->worker;
	my %old = map { $_ => 1 } $server->workers;
	my ($most, $least) = watch($server, sub { grep { $old{$_} } $server->workers });
	is $least, 2, 'never fewer than two workers';
	cmp_ok $most, '<=', 3, 'one is replaced at a time';
	like +(replaced($server))[0][1], qr/^[23] s of age \(max_age\)$/, 'for its age';
	my @worker = $idle->get('/hello.txt')->worker;
	is $worker[1], $first[1], 'the connection lives, in the same generation';
	isnt $worker[2], $first[2], 'with another worker';
	$server->finish;
};

together 'max_memory that no worker can keep to is no storm' => sub {
	my $server = Brood::Server->start(workers => 2, set => { max_memory => '64k' });
	my $idle = Brood::Client->connect($server->address);
	my $first = ($idle->get('/hello.txt')->worker)[2];
	my $begin = time;
	my ($most, $least) = watch($server, sub { time < $begin + 16 });
	my @replaced = replaced($server);
	cmp_ok scalar(@replaced), '>=', 1, scalar(@replaced) . ' replaced in 16 s';
	cmp_ok scalar(@replaced), '<=', 2, 'each worker once at most, since it is left alone for 10 s';
	like $replaced[0][1], qr/^\d+ KiB of memory \(max_memory\)$/, 'for its memory';
	is $least, 2, 'never fewer than two workers';
	cmp_ok $most, '<=', 3, 'one is replaced at a time';
	is $idle->get('/hello.txt')->status, 200, 'the connection lives';
	$server->finish;
};

SKIP: {
	skip 'prlimit is not installed', 1 if system('command -v prlimit >/dev/null') != 0;
	together 'a successor that cannot be started is not tried again and again' => sub {
		my $server = Brood::Server->start(workers => 2, set => { max_requests => 5 });
		my @old = $server->workers;
		my $master = $server->master;
		my ($limit) = Brood::Proc::slurp("/proc/$master/limits") =~ /^Max open files\s+(\d+)/m;
		# Not one descriptor more for the master: no channel, no worker.
		system 'prlimit', '--pid', $master, '--nofile=5:';
		my $client = Brood::Client->connect($server->address);
		$client->get('/1k.txt') for 1 .. 30;
		ok $server->wait_stderr(qr/could not be replaced: it goes on/), 'that is said';
		sleep 2;
		is scalar(my @tries = replaced($server)), 1, 'and it was tried once';
		system 'prlimit', '--pid', $master, "--nofile=$limit:";
		is_deeply [$server->workers], \@old, 'the workers are the same';
		is $client->get('/hello.txt')->status, 200, 'and serve';
		$server->finish;
	};
}

together 'not while a roll runs, and rolls go on as ever' => sub {
	my $server = Brood::Server->start(workers => 2, set => { max_age => '2s' });
	for (1 .. 3) {
		sleep 1.2;
		ok $server->roll, 'a roll is done';
	}
	is(Brood::Client->connect($server->address)->get('/hello.txt')->status, 200, 'all is well');
	$server->finish;
};

together 'off by default' => sub {
	my $server = Brood::Server->start(workers => 2);
	my @old = $server->workers;
	my $client = Brood::Client->connect($server->address);
	$client->get('/1k.txt') for 1 .. 2000;
	sleep 3;
	is_deeply [$server->workers], \@old, 'the workers are the same';
	is_deeply [replaced($server)], [], 'nobody is replaced';
	$server->finish;
};

all_together(5);
done_testing;
