#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Roots that are switched, renamed, made anew, mounted over or gone while the server runs: all workers follow, at the same
# time, without a reload and without losing anything.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use IPC::Open2;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;

my $dir = Brood::Server::new_dir();
my ($server, $root);

sub fill
{
	my ($folder, $version) = @_;
	mkdir $folder or die "$folder: $!";
	Brood::Server::write_file("$folder/page.txt", "$version page");
	Brood::Server::write_file("$folder/large.txt", "$version " . 'x' x 200_000);
	Brood::Server::write_file("$folder/index.html", "$version index");
	utime 1_700_000_000, 1_700_000_000, glob "$folder/*";
	return $folder;
}

sub switch_link
{
	my ($to) = @_;
	symlink $to, "$dir/next" or die "next: $!";
	rename "$dir/next", "$dir/current" or die "current: $!";
	return;
}

sub get { my ($path, @fields) = @_; return Brood::Client->connect($server->address)->get($path // '/page.txt', @fields) }
sub version { return $_[0]->ok && $_[0]->body =~ /^(\d+) / ? $1 : $_[0]->status }
sub is_served { my ($version) = @_; return wait_until(5, sub { version(get()) eq $version }) }
sub lines { my ($pattern) = @_; return scalar grep { /$pattern/ } $server->stderr_lines }
sub trouble { return decode_json($server->ctl('status', '--json')->{stdout})->{trouble} }

# A connection to each worker.
sub client_of_each
{
	my ($count) = @_;
	my (%of, @others);
	wait_until(20, sub {
		my $client = Brood::Client->connect($server->address) or return 0;
		my ($slot) = $client->get('/page.txt')->worker;
		push @others, $client;
		$of{$slot} = $client if defined $slot;
		return keys %of == $count;
	}) or BAIL_OUT('not every worker can be reached');
	return values %of;
}

sub run_command { system(@_) == 0 or die "@_: $?"; return }

fill("$dir/v$_", $_) for 1 .. 5;

for my $mode (Brood::Server::modes()) {
	subtest "$mode: a link is switched" => sub {
		switch_link('v1');
		$server = Brood::Server->start(workers => 3, accept => $mode, root => "$dir/current", control => 1);
		my @clients = client_of_each(3);
		my @workers = $server->workers;
		my (@wrong, $seen);
		$seen = 1;
		my $slow = Brood::Client->connect($server->address, receive_buffer => 4096);
		$slow->send("GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n");
		$slow->fill(time + 5);
		for my $next (2 .. 5) {
			switch_link("v$next");
			my $began = time;
			my %have;
			ok wait_until(5, sub {
				for (1 .. 20) {
					my $who = int rand @clients;
					my $path = (qw(/page.txt /large.txt /))[rand 3];
					my $got = version($clients[$who]->get($path));
					push @wrong, "$path: $got from worker $who after $seen" if $got !~ /^\d\z/ || $got < $seen;
					$seen = $got if $got =~ /^\d\z/;
					$have{$who} = 1 if $got eq $next;
				}
				return @wrong > 20 || keys %have == @clients;
			}), "all have version $next";
			note sprintf 'in %.2f s', time - $began; # a second is promised of a machine that has nothing else to do
		}
		is_deeply \@wrong, [], 'never an old one after a new one';
		my $response = $slow->response;
		is version($response), 1, 'an answer that had begun is that of the folder it began with';
		is length $response->body, 200_002, 'all of it';
		is_deeply [$server->workers], \@workers, 'no worker was replaced';
		ok wait_until(5, sub { lines(qr/root '\Q$dir\E\/current' leads to another folder/) == 4 }), 'each switch is told, once';
		is_deeply trouble(), [], 'there is no trouble';
		$server->finish;
	};
}

fill("$dir/other", 7);
switch_link('v1');
my %settings = (root => "$dir/current", control => 1, workers => 2, config => <<"END");
health_allow = [ "127.0.0.0/8" ];
redirects = [ "/old /new 301" ];
error_pages = [ "404 /index.html" ];
sites = ( { names = [ "other" ]; root = "$dir/other"; } );
END
sub is_in_trouble { my ($name) = @_; return wait_until(5, sub { grep { /'\Q$dir\E\/$name'/ } @{ trouble() } }) }
sub ready { return get('/-/ready')->status }
my $other = sub { version(get('/page.txt', Host => 'other')) };

# What is done to the folder, and how that is undone, with what is seen then.
sub gone_and_back
{
	my ($name, $status, $leave, $come, $version) = @_;
	subtest $name => sub {
		my $lost = lines(qr/root '\Q$dir\E\/current' (?:is gone|cannot be entered)/);
		my $back = lines(qr/root '\Q$dir\E\/current' is back/);
		my @clients = client_of_each(2);
		$leave->();
		my $wrong = 0;
		ok wait_until(5, sub { get()->status eq $status }), "files are $status";
		$wrong += grep { $_->get('/page.txt')->status ne $status } @clients;
		is $wrong, 0, 'of every worker, from the same moment on';
		my $response = get();
		is $response->header('Retry-After'), $status == 503 ? 1 : undef, 'when to come again';
		is get('/')->status, $status, 'the folder itself too';
		is get('/none')->status, $status, 'and what was not there';
		is get('/old')->status, 301, 'a redirect goes on';
		is $other->(), 7, 'and another site';
		is get('/-/health')->status, 200, 'alive';
		is ready(), 503, 'but not ready';
		ok wait_until(5, sub { lines(qr/root '\Q$dir\E\/current' (?:is gone|cannot be entered)/) == $lost + 1 }), 'it is told';
		my $trouble = trouble();
		is @$trouble, 1, 'there is one trouble';
		like $trouble->[0], qr/\Q$dir\E\/current/, 'which names it';
		like $server->ctl('status')->{stdout}, qr/^trouble\s+root '\Q$dir\E\/current'/m, 'for people too';
		$come->();
		ok is_served($version), 'back by itself';
		is_deeply [map { version($_->get('/page.txt')) } @clients], [$version, $version], 'at every worker';
		is ready(), 200, 'ready';
		ok wait_until(5, sub { lines(qr/root '\Q$dir\E\/current' is back/) == $back + 1 }), 'it is told';
		is lines(qr/root '\Q$dir\E\/current' (?:is gone|cannot be entered)/), $lost + 1, 'each once';
		is_deeply trouble(), [], 'no trouble any more';
	};
	return;
}

$server = Brood::Server->start(%settings);
my @workers = $server->workers;
ok is_served(1), 'it serves';
gone_and_back('a link that leads nowhere', 503, sub { switch_link('nowhere') }, sub { switch_link('v2') }, 2);
gone_and_back('a link that is removed', 503, sub { unlink "$dir/current" or die $! }, sub { switch_link('v1') }, 1);
gone_and_back('a folder that is renamed, and back', 503, sub { rename "$dir/v1", "$dir/away" or die $! },
	sub { rename "$dir/away", "$dir/v1" or die $! }, 1);
gone_and_back('a folder that is removed and made anew', 503, sub { run_command('rm', '-rf', "$dir/v1") }, sub { fill("$dir/v1", 1) }, 1);
gone_and_back('a file in its place', 503, sub { Brood::Server::write_file("$dir/file", 'x'); switch_link('file') }, sub { switch_link('v3') }, 3);
gone_and_back('a folder that may not be entered', 403, sub { chmod 0, "$dir/v3" or die $! }, sub { chmod 0755, "$dir/v3" or die $! }, 3);
subtest 'made anew at once' => sub {
	my @clients = client_of_each(2);
	for my $version (4, 5, 1) {
		run_command('rm', '-rf', "$dir/v3");
		fill("$dir/v3", $version);
		ok is_served($version), "version $version";
		is_deeply [map { version($_->get('/page.txt')) } @clients], [$version, $version], 'at every worker';
	}
};
subtest 'another site has no root' => sub {
	rename "$dir/other", "$dir/elsewhere" or die $!;
	ok wait_until(5, sub { $other->() eq 503 }), 'its files are 503';
	is version(get()), 1, 'those of the default site are not';
	is ready(), 200, 'ready';
	ok is_in_trouble('other'), 'status names it';
	rename "$dir/elsewhere", "$dir/other" or die $!;
	ok wait_until(5, sub { $other->() eq 7 && !@{ trouble() } }), 'back';
};
is_deeply [$server->workers], \@workers, 'no worker was replaced';

subtest 'while a root is gone' => sub {
	unlink "$dir/current" or die $!;
	ok wait_until(5, sub { get()->status eq 503 }) && is_in_trouble('current'), 'it is gone';
	my ($worker) = $server->workers;
	kill 'KILL', $worker;
	ok $server->wait_new_workers(1, @workers), 'a worker that died has a successor';
	is $server->ctl('restart')->{exit}, 0, 'a restart works';
	is get()->status, 503, 'its files are still 503';
	my $reload = $server->ctl('reload');
	isnt $reload->{exit}, 0, 'a reload finds it missing';
	like $reload->{stderr}, qr/root '\Q$dir\E\/current'/, 'and says so';
	my ($table) = grep { readlink =~ /brood-epochs/ } glob '/proc/' . $server->master . '/fd/*';
	my $inode = (stat $table)[1];
	my $upgrade = $server->ctl('upgrade');
	is $upgrade->{exit}, 0, 'an upgrade works' or diag $upgrade->{stderr}, $server->stderr;
	is get()->status, 503, 'its files are still 503';
	($table) = grep { readlink =~ /brood-epochs/ } glob '/proc/' . $server->master . '/fd/*';
	is +(stat $table)[1], $inode, 'what workers have seen lives on';
	ok is_in_trouble('current'), 'status names it';
	switch_link('v2');
	ok is_served(2), 'back by itself';
	switch_link('v4');
	ok is_served(4), 'and it is followed on';
	is $server->ctl('reload')->{exit}, 0, 'a reload works again';
	is version(get()), 4, 'and serves the same';
	my ($looker) = $server->children_named(qr/: roots\z/);
	kill 'STOP', $looker;
	unlink "$dir/current" or die $!;
	$upgrade = $server->ctl('upgrade');
	is $upgrade->{exit}, 0, 'an upgrade works also when nobody has missed it yet' or diag $upgrade->{stderr};
	kill 'CONT', $looker;
	ok wait_until(5, sub { get()->status eq 503 }) && is_in_trouble('current'), 'it is missed then';
	switch_link('v4');
	ok is_served(4), 'back by itself';
};

subtest 'who looks has died' => sub {
	my ($looker) = $server->children_named(qr/: roots\z/);
	ok $looker, 'there is a process that looks';
	kill 'KILL', $looker;
	ok wait_until(5, sub { grep { $_ != $looker } $server->children_named(qr/: roots\z/) }), 'there is another one';
	switch_link('v5');
	ok is_served(5), 'that follows';
	($looker) = $server->children_named(qr/: roots\z/);
	kill 'STOP', $looker;
	ok wait_until(10, sub { grep { $_ != $looker } $server->children_named(qr/: roots\z/) }), 'one that does not go on is not waited for';
	switch_link('v2');
	ok is_served(2), 'another one looks';
	kill 'CONT', $looker;
	ok wait_until(5, sub { !grep { $_ == $looker } $server->children_named(qr/: roots\z/) }), 'and it leaves when it does';
	switch_link('v5');
	ok is_served(5), 'while the other one looks on';
};
my @left = $server->children_named(qr/: roots\z/);
is @left, 1, 'there is one such process';
$server->finish;
ok wait_until(5, sub { !grep { kill 0, $_ } @left }), 'which leaves with the server';

# --- mounts ---

SKIP: {
	skip 'mounts: there can be no namespace for them here', 1
	    if system('unshare', '-m', 'sh', '-c', "mount --bind $dir/v1 $dir/v2") != 0;
	subtest 'mounted over' => sub {
		my ($v1, $v2) = (fill("$dir/m1", 1), fill("$dir/m2", 2));
		$server = Brood::Server->start(root => $v1, workers => 2, wrapper => ['unshare', '-m', '--']);
		ok is_served(1), 'what is there';
		my @enter = ('nsenter', '-m', '-t', $server->master);
		run_command(@enter, 'mount', '--bind', $v2, $v1);
		ok is_served(2), 'what is mounted over it';
		run_command(@enter, 'umount', '-l', $v1);
		ok is_served(1), 'what is there again';
		$server->finish;
	};
}

# --- a file system that does not answer ---

# Mounts one in the server's own namespace: whatever is asked of it waits until this ends. A pipe that ends it.
my $mounter = <<'END';
$^F = 255;
sysopen my $fuse, '/dev/fuse', 2 or exit 1;
my $options = 'rootmode=40000,user_id=0,group_id=0,allow_other,fd=' . fileno $fuse;
system('mount', '-i', '-t', 'fuse', '-o', $options, 'none', $ARGV[0]) == 0 or exit 2;
$| = 1;
print "mounted\n";
<STDIN>;
END

# What is mounted, to be ended by `answer`; undef where that cannot be.
sub stop_answering
{
	my ($folder) = @_;
	my $pid = open2(my $said, my $end, 'nsenter', '-m', '-t', $server->master, $^X, '-e', $mounter, $folder);
	return { pid => $pid, end => $end } if (<$said> // '') eq "mounted\n";
	waitpid $pid, 0;
	return undef;
}

sub answer
{
	my ($mount) = @_;
	close $mount->{end};
	waitpid $mount->{pid}, 0;
	return;
}

SKIP: {
	skip 'a file system that does not answer: there is no /dev/fuse to make one with, or no namespace', 3
	    if system('unshare', '-m', 'true') != 0 || !-w '/dev/fuse' || !-x '/usr/bin/nsenter';
	subtest 'a file system that does not answer' => sub {
		switch_link('v1');
		mkdir "$dir/net" or die $!;
		fill("$dir/net/site", 7);
		$server = Brood::Server->start(%settings, wrapper => ['unshare', '-m', '--'], config => <<"END");
sites = ( { names = [ "other" ]; root = "$dir/net/site"; } );
END
		my @enter = ('nsenter', '-m', '-t', $server->master);
		my $mount = stop_answering("$dir/net");
		if (!$mount) {
			$server->finish;
			plan skip_all => 'a file system that does not answer cannot be mounted here';
		}
		ok wait_until(10, sub { lines(qr/root '\Q$dir\E\/net\/site' does not answer/) }), 'it is told';
		is lines(qr/does not answer/), 1, 'once';
		switch_link('v2');
		ok is_served(2), 'other roots are followed';
		is $other->(), 7, 'that one stays what it was';
		like join("\n", @{ trouble() }), qr/root '\Q$dir\E\/net\/site' does not answer/, 'status names it';
		is $server->ctl('restart')->{exit}, 0, 'a restart works';
		my $reload = $server->ctl('reload');
		is $reload->{exit}, 0, 'a reload works' or diag $reload->{stderr};
		is $other->(), 7, 'and keeps what it was';
		my $upgrade = $server->ctl('upgrade');
		is $upgrade->{exit}, 0, 'an upgrade works' or diag $upgrade->{stderr}, $server->stderr;
		is $other->(), 7, 'and keeps what it was';
		switch_link('v4');
		ok is_served(4), 'other roots are followed on';
		ok wait_until(10, sub { lines(qr/root '\Q$dir\E\/net\/site' does not answer/) == 2 }), 'the next version finds it out by itself';
		answer($mount);
		ok wait_until(10, sub { $other->() eq 503 }), 'it answers, that there is nothing';
		run_command(@enter, 'umount', '-l', "$dir/net");
		ok wait_until(5, sub { $other->() eq 7 }), 'and it is back';
		ok wait_until(5, sub { $server->children_named(qr/: roots\z/) == 1 }), 'one looks, as before';
		$server->finish;
	};

	subtest 'a start that comes upon one' => sub {
		my $first = $mounter =~ s/print .*//sr . '; shift; fork or sleep 60, exit; exec { $ARGV[0] } @ARGV';
		$server = Brood::Server->start(unready => 1, root => "$dir/net", wrapper => ['unshare', '-m', '--', $^X, '-e', $first, "$dir/net"]);
		my $waits = wait_until(20, sub { lines(qr/waiting for root '\Q$dir\E\/net'/) || defined $server->wait_exit(0.01) });
		my $exit = $server->wait_exit(0.01);
		if (defined $exit && $exit eq '2') {
			$server->kill_all;
			plan skip_all => 'a file system that does not answer cannot be mounted here';
		}
		ok $waits && !defined $exit, 'says what it waits for' or diag $server->stderr;
		is lines(qr/waiting/), 1, 'once';
		$server->kill_all;
		ok wait_until(5, sub { !$server->processes }), 'and leaves nobody when it is killed';
		$server->{finished} = 1;
	};

	subtest 'a reload that comes upon one' => sub {
		my $site = qq({ names = [ "other" ]; root = "$dir/net/site"; });
		switch_link('v1');
		fill("$dir/fresh", 3);
		$server = Brood::Server->start(%settings, wrapper => ['unshare', '-m', '--'], config => "sites = ( $site );");
		my ($looker) = $server->children_named(qr/: roots\z/);
		kill 'STOP', $looker; # which makes it see nothing for longer
		my $mount = stop_answering("$dir/net");
		if (!$mount) {
			$server->finish;
			plan skip_all => 'a file system that does not answer cannot be mounted here';
		}
		# What is done while it waits, which must be seen within its time.
		my $meanwhile = sub {
			my ($what, $path) = @_;
			my $reload = $server->ctl_start('reload');
			ok wait_until(5, sub { $server->children_named(qr/: reload\z/) }), "$what: a child looks";
			my @before = $server->workers;
			kill 'KILL', $before[0];
			ok wait_until(3, sub { my @now = grep { $_ != $before[0] } $server->workers; @now == 2 }), 'a worker that died has a successor';
			is $server->ctl('status')->{exit}, 0, 'status is told';
			ok scalar($server->children_named(qr/: reload\z/)), 'while it looks';
			$reload = Brood::Server::ctl_wait($reload);
			isnt $reload->{exit}, 0, 'the reload is refused';
			like $reload->{stderr}, qr/'\Q$path\E' does not answer/, 'with the path';
			is version(get()) . $other->(), 17, 'everything is served as before';
		};
		$meanwhile->('before anybody has seen it', "$dir/net/site");
		kill 'CONT', $looker;
		ok wait_until(10, sub { lines(qr/root '\Q$dir\E\/net\/site' does not answer: where/) }), 'it is seen';
		Brood::Server::write_file($server->{config_file}, qq(sites = ( $site, { names = [ "new" ]; root = "$dir/net/new"; } );));
		$meanwhile->('a root that was none before', "$dir/net/new");
		Brood::Server::write_file($server->{config_file},
			qq(sites = ( $site, { names = [ "new" ]; root = "$dir/fresh"; } );));
		my @reloads = map { $server->ctl_start('reload') } 1 .. 3;
		is_deeply [map { Brood::Server::ctl_wait($_)->{exit} } @reloads], [0, 0, 0], 'reloads that name another one work';
		is version(get('/page.txt', Host => 'new')) . $other->(), 37, 'and serve it';
		answer($mount);
		run_command('nsenter', '-m', '-t', $server->master, 'umount', '-l', "$dir/net");
		ok wait_until(10, sub { $server->children_named(qr/: roots\z/) == 1 && $other->() eq 7 }), 'it answers again';
		ok wait_until(5, sub { !$server->children_named(qr/: reload\z/) }), 'nobody waits any more';
		Brood::Server::write_file($server->{config_file}, "sites = ( $site );");
		is $server->ctl('reload')->{exit}, 0, 'a reload goes back';
		$mount = stop_answering("$dir/net");
		my $upgrade = $server->ctl('upgrade');
		is $upgrade->{exit}, 0, 'an upgrade does not wait for it either' or diag $upgrade->{stderr};
		is version(get()) . $other->(), 17, 'and serves all';
		answer($mount);
		run_command('nsenter', '-m', '-t', $server->master, 'umount', '-l', "$dir/net");
		ok wait_until(10, sub { $server->children_named(qr/: roots\z/) == 1 && $other->() eq 7 }), 'it answers again';
		$server->finish;
	};
}
done_testing;
