# SPDX-License-Identifier: MIT
#
# Tests bring their own environment: of the one they are started in there remains what tells where programs and
# libraries are, how a sanitizer behaves, and what is meant for tests. A proxy, a certificate authority, a locale, a
# service manager's sockets or somebody's ~/.curlrc change nothing.
package Brood::Environment;

use strict;
use warnings;
use File::Temp;

my @kept = (
	qr/PATH|TMPDIR|TERM|USER|LOGNAME|LD_LIBRARY_PATH|LD_PRELOAD|PERL5LIB/,
	qr/(?:A|L|T|UB)SAN_(?:OPTIONS|SYMBOLIZER_PATH)/,
	qr/BROOD|BROODCTL|BROOD_(?:SRC|BUILD|SANITIZE)|BROOD_TEST_\w+|CMOCKA_MESSAGE_OUTPUT/,
);
my $home; # of this process and what it starts; removed with it

sub keeps { my ($name) = @_; return scalar grep { $name =~ /\A(?:$_)\z/ } @kept }

# Makes %ENV so. HOME is a folder with nothing in it: FOLDER where it is given, else one that is kept for as long as
# this process lives. What a test starts has the same.
sub clean
{
	my ($folder) = @_;
	delete @ENV{ grep { !keeps($_) } keys %ENV };
	$ENV{BROOD_TEST_HOME} //= $folder // ($home //= File::Temp->newdir('brood-home-XXXXXX', TMPDIR => 1)) . '';
	@ENV{qw(HOME LC_ALL)} = ($ENV{BROOD_TEST_HOME}, 'C');
	return;
}

1;
