#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A machine, or a container, that lacks what a server needs: what it is is said in one line, and the server ends at once
# with status 1. By -t, too.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Server;

plan skip_all => 'only root can take away from itself' if $> != 0;

my $root = Brood::Server::make_tree(Brood::Server::new_dir(), { 'hello.txt' => "hello\n" });

# Started and tried with what it is wanted with (see Brood::Server::start).
sub assert_named
{
	my ($name, $regex, $want, $workers) = @_;
	for my $test ([], ['-t']) {
		my $result = Brood::Server->run($want, @$test, '-l', '127.0.0.1:0', '-w', $workers // 1,
			(map { ('-s', $_) } 'control=off', 'state_dir=off', 'access_log=off'), $root);
		my $how = $name . (@$test ? ', told by -t' : '');
		is($result->{exit}, 1, "$how: exit status 1") or diag($result->{stderr});
		is(scalar @{ $result->{lines} }, 1, "$how: one line") or diag($result->{stderr});
		like($result->{stderr}, $regex, "$how: it is named");
	}
}

sub shell { return { wrapper => ['unshare', '-m', 'sh', '-c', "$_[0] && exec \"\$0\" \"\$@\""] } }

SKIP: {
	skip 'no mount namespaces here', 3 if system('unshare -m mount -t tmpfs none /dev 2>/dev/null') != 0;
	assert_named('no /proc', qr{/proc is needed}, shell('umount -l /proc'));
	assert_named('no /dev/null', qr{/dev/null is needed.*No such file}, shell('mount -t tmpfs none /dev'));
	assert_named('a file in place of /dev/null', qr{/dev/null is needed.*something else},
		shell('mount -t tmpfs none /dev && : >/dev/null'));
}

SKIP: {
	skip 'needs setpriv', 3 if system('setpriv --bounding-set=-setgid true 2>/dev/null') != 0;
	my $without = sub { return { wrapper => ['setpriv', "--bounding-set=$_[0]"] } };
	assert_named('no CAP_SETGID', qr/cannot become user \S+: setgroups.*CAP_SETGID/, $without->('-setgid'));
	assert_named('no CAP_SETUID', qr/cannot become user \S+: seteuid.*CAP_SETUID/, $without->('-setuid'));
	assert_named('no capabilities', qr/cannot become user \S+: setgroups.*CAP_SETGID/, $without->('-all'));

	# Who stays root with its own groups needs none.
	my $server = Brood::Server->start(wrapper => ['setpriv', '--groups=0', '--bounding-set=-all'],
		set => { user => 'root' });
	ok($server->pid, 'without capabilities root can serve as root');
	$server->finish;
}

assert_named('few descriptors', qr/too few open files are allowed, $_ \(ulimit -n\)/, { limits => ["-n $_"] }) for 16;
assert_named('too few descriptors for the workers', qr/workers: 100 want \d+ open files, 64 are allowed/,
	{ limits => ['-n 64'] }, 100);

done_testing;
