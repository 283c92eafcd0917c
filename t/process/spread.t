#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Kept connections stay spread evenly over the workers, however rolls end.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use List::Util qw(max min);
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;

use constant { CONNECTIONS => 800, UNEVEN => 40 };

for my $mode (qw(shared handoff reuseport)) {
	subtest $mode => sub {
		my $server = Brood::Server->start(accept => $mode, workers => 4, control => 1, config => "drain_timeout = \"20s\";\n");
		my @kept = map { Brood::Client->connect($server->address) } 1 .. CONNECTIONS;
		my $spread = sub {
			my @count = (0) x 4;
			$count[($_->get('/hello.txt')->worker)[0]]++ for @kept;
			return @count;
		};
		my @before = $spread->();
		my $allowed = max(UNEVEN, max(@before) - min(@before));
		for my $slot (3, 1, 0) {
			Brood::Server::write_file($server->{config_file}, "debug_fault = \"start-exit:$slot\";\n");
			is $server->ctl('reload')->{exit}, 1, "a reload that fails in slot $slot";
			my @after = $spread->();
			cmp_ok max(@after) - min(@after), '<=', $allowed, "then: @after";
		}
		Brood::Server::write_file($server->{config_file}, "\n");
		is $server->ctl('reload')->{exit}, 0, 'a reload';
		my @after = $spread->();
		cmp_ok max(@after) - min(@after), '<=', UNEVEN, "then: @after";
		wait_until(20, sub { $server->workers == 4 });
		$server->finish;
	};
}

done_testing;
