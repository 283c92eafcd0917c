#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Everything happens to a server, in random order (BROOD_TEST_SEED repeats the choices), for a moment; make chaos does so
# for as long as one likes.
# runs alone
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Tls;

plan skip_all => 'needs openssl, curl and IO::Socket::SSL'
    if !Brood::Tls::can_run() || !eval { require IO::Socket::SSL };

require Brood::Chaos;

my $seed = $ENV{BROOD_TEST_SEED} // time % 1_000_000;
diag "BROOD_TEST_SEED=$seed";

my $mode = (qw(shared handoff reuseport))[$seed % 3];
my $chaos = Brood::Chaos->new(seed => $seed, mode => $mode, say => sub { chomp(my $text = join '', @_); note $text });
$chaos->run($ENV{BROOD_TEST_LONG} ? 120 : 10);
my @findings = $chaos->findings;
ok !@findings, "nothing is wrong, nothing lost without its cause, each answered request in the log once, a clean end"
    or diag join "\n", @findings;
cmp_ok $chaos->answered, '>', 500, 'it did ask';
done_testing;
