#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# TTIN and TTOU: one worker more, one less, without a client noticing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;
use Brood::Wrk;
use Time::HiRes qw(sleep);

sub slots_seen
{
	my ($server, $tries) = @_;
	my %slot;
	$slot{ (Brood::Client->connect($server->address)->get('/hello.txt')->worker)[0] // 'none' } = 1 for 1 .. $tries;
	return join ' ', sort keys %slot;
}

for my $mode (Brood::Server::modes()) {
	subtest $mode => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 2);
		for my $count (3, 4) {
			$server->signal('TTIN');
			ok wait_until(20, sub { $server->workers == $count }), "$count workers";
		}
		ok wait_until(20, sub { slots_seen($server, 100) eq '0 1 2 3' }), 'all four slots serve' if $mode ne 'shared';
		for my $count (3, 2, 1) {
			$server->signal('TTOU');
			ok wait_until(20, sub { $server->workers == $count }), "$count workers";
		}
		is slots_seen($server, 50), '0', 'the first slot is what stays';
		$server->signal('TTOU');
		sleep 0.3;
		is scalar(my @workers = $server->workers), 1, 'the last one cannot be taken away';
		$server->signal('TTIN');
		ok wait_until(20, sub { $server->workers == 2 }), 'two again';
		# What belongs to a slot is kept for its next use; a second time costs nothing.
		$server->rebase;
		for my $count (3, 4, 3, 2) {
			$server->signal($count > $server->workers ? 'TTIN' : 'TTOU');
			wait_until(20, sub { $server->workers == $count });
		}
		$server->finish;
	};

	SKIP: {
		skip 'wrk is not installed', 1 if !Brood::Wrk::path();
		subtest "$mode, under load" => sub {
			for my $close (0, 1) {
				my $server = Brood::Server->start(accept => $mode, workers => 2);
				my $load = Brood::Wrk->start(url => $server->url('/1k.txt'), close => $close, seconds => Brood::Wrk::seconds(2));
				my $count = 2;
				for (3, 4, 3, 2) {
					$server->signal($_ > $count ? 'TTIN' : 'TTOU');
					$count = $_;
					wait_until(20, sub { $server->workers == $count });
				}
				$server->rebase;
				while ($load->running) {
					for my $signal (qw(TTIN TTIN TTOU TTOU)) {
						$count += $signal eq 'TTIN' ? 1 : -1;
						$server->signal($signal);
						wait_until(20, sub { $server->workers == $count });
					}
				}
				my $result = $load->result;
				ok $result->{requests} > Brood::Wrk::enough(1000, $close) && !$result->{errors} && !$result->{bad_status}, 'no client sees it'
				    or diag Brood::Wrk::describe($result);
				$server->finish;
			}
		};
	}
}

subtest 'the number stays over a reload unless the file says another' => sub {
	my $dir = Brood::Server::new_dir();
	Brood::Server::make_tree("$dir/root", { 'hello.txt' => 'x' });
	my $config = sub { "listen = \"127.0.0.1:0\";\nroot = \"$dir/root\";\nworkers = $_[0];\n" };
	my $file = Brood::Server::write_file("$dir/conf", $config->(2));
	my $server = Brood::Server->start(bare => 1, args => ['-c', $file]);
	$server->signal('TTIN');
	ok wait_until(20, sub { $server->workers == 3 }), 'three by TTIN';
	ok $server->roll, 'a reload';
	is scalar(my @still = $server->workers), 3, 'still three';
	Brood::Server::write_file($file, $config->(1));
	$server->signal('HUP');
	ok wait_until(20, sub { $server->workers == 1 }), 'one, when the file says so';
	$server->rebase;
	$server->finish;
};

done_testing;
