#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Which file an upgrade goes on with: the one that the path leads to by which the server was started. With releases in
# folders of their own and a link to the present one that is another one by then. And what is said of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(alive wait_until);
use Brood::Server;
use Brood::Versions;
use File::Path qw(make_path remove_tree);
use JSON::PP qw(decode_json);

my $versions = Brood::Versions->new;
my ($this, $next) = map { $versions->version($_) } qw(this next);

# A folder with releases/1/bin/brood, which is `this`, and current -> releases/1.
sub deployment
{
	my $dir = Brood::Server::new_dir();
	release($dir, 1, 'this');
	switch($dir, 1);
	return $dir;
}

sub release
{
	my ($dir, $number, $version) = @_;
	make_path("$dir/releases/$number/bin");
	chmod 0755, Brood::Server::write_file("$dir/releases/$number/bin/brood", $versions->octets($version)) or die $!;
}

sub switch
{
	my ($dir, $number) = @_;
	symlink "releases/$number", "$dir/new" or die $!;
	rename "$dir/new", "$dir/current" or die $!;
}

# Starts it by a shell's command line.
sub start_by
{
	my ($command, %want) = @_;
	return Brood::Server->start(workers => 2, control => 1, wrapper => ['/bin/sh', '-c', "shift; $command \"\$@\"", 'sh'], %want);
}

sub upgraded_to
{
	my ($server, $version, $words) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $master = $server->master;
	my $run = $server->ctl('upgrade');
	is $run->{exit}, 0, "upgraded to $version" or diag $run->{stderr}, $server->stderr;
	is $run->{stdout}, "$words\n", 'it is said from where to where';
	my $status = $versions->status($server);
	is_deeply [@$status{qw(version pid)}], [$version, $master], 'that version runs, in the same process';
}

sub end_daemon
{
	my ($server) = @_;
	my $master = $server->master;
	kill 'TERM', $master;
	ok wait_until(30, sub { !alive($master) }), 'stopped';
	is_deeply [$server->leftovers], [], 'nothing is left';
	$server->{finished} = 1;
}

my %ways = (
	'by its whole path' => sub { "exec $_[0]/current/bin/brood" },
	'from the folder, as a shell remembers it' => sub { "cd $_[0]/current/bin && exec ./brood" },
	'by PATH' => sub { "PATH=/nowhere:$_[0]/current/bin:\$PATH; exec brood" },
	'by PATH, relative' => sub { "cd $_[0] && PATH=current/bin:\$PATH; exec brood" },
);
for my $way (sort keys %ways) {
	for my $daemon (0, 1) {
		next if $daemon && $way =~ /whole/;
		subtest $way . ($daemon ? ', -d' : '') => sub {
			my $dir = deployment();
			my $server = start_by($ways{$way}->($dir), $daemon
				? (args => ['-d'], set => { error_log => "$dir/error.log" }, unready => 1) : ());
			if ($daemon) {
				is $server->wait_exit, 0, 'it is ready';
				$server->wait_ready(0.5);
			}
			release($dir, 2, 'next');
			switch($dir, 2);
			remove_tree("$dir/releases/1");
			upgraded_to($server, $next, "upgraded from brood $this to $next");
			like $daemon ? Brood::Server::slurp("$dir/error.log") : $server->stderr,
			    qr/upgraded from brood \Q$this\E to \Q$next\E$/m, 'the error log says it, too';
			release($dir, 3, 'this');
			switch($dir, 3);
			remove_tree("$dir/releases/2");
			upgraded_to($server, $this, "upgraded from brood $next to $this") if !$daemon;
			$daemon ? end_daemon($server) : $server->finish;
		};
	}
}

subtest 'whatever it is called' => sub {
	my $dir = deployment();
	my $server = start_by("exec perl -e 'exec { \"$dir/current/bin/brood\" } \"/bin/true\", \@ARGV' --");
	release($dir, 2, 'next');
	switch($dir, 2);
	upgraded_to($server, $next, "upgraded from brood $this to $next");
	$server->finish;
};

# As service managers may, which name the path then.
subtest 'executed by a descriptor' => sub {
	my $dir = deployment();
	my $server = start_by("exec perl -e 'open F, q($dir/current/bin/brood); \$^F = 99; fcntl F, 2, 0; "
		. "exec { q(/dev/fd/) . fileno F } q($dir/current/bin/brood), \@ARGV' --");
	release($dir, 2, 'next');
	switch($dir, 2);
	upgraded_to($server, $next, "upgraded from brood $this to $next");
	$server->finish;
};

subtest 'a configuration that is a script' => sub {
	my $dir = deployment();
	my $conf = Brood::Server::write_file("$dir/site.conf", "#!$dir/current/bin/brood -c\nhead_timeout = \"9s\";\n");
	chmod 0755, $conf or die $!;
	my $server = start_by("exec $conf");
	release($dir, 2, 'next');
	switch($dir, 2);
	upgraded_to($server, $next, "upgraded from brood $this to $next");
	$server->finish;
};

subtest 'relative paths follow the link, too' => sub {
	my $dir = deployment();
	Brood::Server::write_file("$dir/releases/1/brood.conf", "head_timeout = \"9s\";\n");
	my $server = start_by("cd $dir/current && exec ./bin/brood -c brood.conf");
	for (['this', '8s', 'reload'], ['next', '7s', 'upgrade']) {
		my ($version, $timeout, $command) = @$_;
		release($dir, $timeout, $version);
		Brood::Server::write_file("$dir/releases/$timeout/brood.conf", "head_timeout = \"$timeout\";\n");
		switch($dir, $timeout);
		is $server->ctl($command)->{exit}, 0, $command;
		like $server->ctl('config')->{stdout}, qr/^head_timeout = "$timeout";$/m, 'the file of that release is in force';
	}
	is $versions->status($server)->{version}, $next, 'and its program runs';
	$server->finish;
};

subtest 'equal versions' => sub {
	my $dir = deployment();
	my $server = start_by("exec $dir/current/bin/brood");
	upgraded_to($server, $this, "upgraded to brood $this again, from the very file that ran");
	release($dir, 2, 'this');
	switch($dir, 2);
	upgraded_to($server, $this, "upgraded to brood $this again, from another file");
	is_deeply decode_json($server->ctl('--json', 'upgrade')->{stdout}),
	    { ok => JSON::PP::true, done => "upgraded to brood $this again, from the very file that ran" }, 'for programs';
	$server->finish;
};

subtest 'a path that leads nowhere' => sub {
	my $dir = deployment();
	my $server = start_by("exec $dir/current/bin/brood");
	my @workers = $server->workers;
	unlink "$dir/current" or die $!;
	my $run = $server->ctl('upgrade');
	is $run->{exit}, 1, 'is refused';
	like $run->{stderr}, qr{\Q$dir\E/current/bin/brood: No such file}, 'with its name';
	is_deeply [$server->workers], \@workers, 'nothing has changed';
	$server->finish;
};

subtest 'the setting goes before it' => sub {
	my $dir = deployment();
	release($dir, 2, 'next');
	my $conf = Brood::Server::write_file("$dir/brood.conf", "binary = \"$dir/releases/2/bin/brood\";\n");
	my $server = start_by("exec $dir/current/bin/brood", args => ['-c', $conf]);
	upgraded_to($server, $next, "upgraded from brood $this to $next");
	Brood::Server::write_file($conf, "head_timeout = \"9s\";\n");
	is $server->ctl('reload')->{exit}, 0, 'it is taken away';
	upgraded_to($server, $this, "upgraded from brood $next to $this");
	$server->finish;
};

SKIP: {
	skip 'only root can change its root', 1 if $> != 0;
	subtest 'within another root' => sub {
		my $dir = deployment();
		my @libraries = qx(ldd $dir/current/bin/brood) =~ m{(/\S+)}g;
		for my $file (@libraries) {
			my ($folder) = $file =~ m{(.*)/};
			make_path("$dir$folder");
			system('cp', '-L', $file, "$dir$file") == 0 or die "cp $file";
		}
		make_path(map { "$dir/$_" } qw(proc dev tmp etc www));
		Brood::Server::write_file("$dir/www/hello.txt", 'x');
		Brood::Server::write_file("$dir/etc/passwd", "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n");
		Brood::Server::write_file("$dir/etc/group", "root:x:0:\nnogroup:x:65534:\n");
		plan skip_all => 'no mount namespace can be had' if system('unshare', '-m', '/bin/true') != 0;
		# What the test puts in front of the program's own arguments is for the world outside.
		my $inside = "mount -t proc proc $dir/proc && mount --bind /dev $dir/dev && mkdir -p $dir\$D && mount --bind \$D $dir\$D"
		    . " && exec chroot $dir /current/bin/brood";
		my $server = Brood::Server->start(workers => 2, control => 1, unready => 1,
			wrapper => ['unshare', '-m', '/bin/sh', '-c', "shift; D=\$PWD; $inside \"\$@\"", 'sh'], root => '/www');
		$server->wait_ready or plan skip_all => 'not here: ' . $server->stderr;
		release($dir, 2, 'next');
		switch($dir, 2);
		upgraded_to($server, $next, "upgraded from brood $this to $next");
		$server->finish;
	};
}

done_testing;
