#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# HTTP is the same over TLS: tests of plain connections, over TLS. Those of t/tls-suite-*.t are run there, to share
# the time. None is forgotten: each that there is runs over TLS, or is known to mean nothing there.
# takes long
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::OverTls;

is join("\n", Brood::OverTls::wrong_lists()), '', 'each test is run over TLS, or left out for a reason';
SKIP: {
	skip 'needs openssl, curl and IO::Socket::SSL', 1 if !Brood::OverTls::can_run();
	Brood::OverTls::run_all('tls-suite');
}
done_testing;
