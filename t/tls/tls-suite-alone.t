#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Tests that load the machine or measure, over TLS: see Brood::OverTls.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::OverTls;

plan skip_all => 'needs openssl, curl and IO::Socket::SSL' if !Brood::OverTls::can_run();
Brood::OverTls::run_all('tls-suite-alone');
done_testing;
