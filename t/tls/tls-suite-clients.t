#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Tests of clients, balancers and limits for them, over TLS: see Brood::OverTls.
# takes long
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::OverTls;

plan skip_all => 'needs openssl, curl and IO::Socket::SSL' if !Brood::OverTls::can_run();
Brood::OverTls::run_all('tls-suite-clients');
done_testing;
