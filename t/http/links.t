#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Files that a server run as root writes, makes or removes: whoever may write to a folder on the way can lay a link there, at
# any time, and it leads nowhere. Links that only root can have laid are followed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;
use IO::Socket::UNIX;
use POSIX ();

plan skip_all => 'needs root: who is not root follows links as always' if $> != 0;

use constant HIS => 65533; # the user id of whoever lays the links

# A folder of somebody's (his), one of root's, and one of which nothing may be touched, with a file in it for each name
# that a server uses.
sub make_world
{
	my $dir = Brood::Server::new_dir();
	mkdir "$dir/$_" or die "$dir/$_: $!" for qw(his roots target);
	chown HIS, HIS, "$dir/his" or die "chown: $!";
	my $world = { dir => $dir, map { $_ => "$dir/$_" } qw(his roots target) };
	Brood::Server::write_file("$dir/target/$_", "precious $_\n") for qw(site.log access.log error.log brood.pid file);
	IO::Socket::UNIX->new(Local => "$dir/target/$_") // die "$_: $!" for qw(control.sock door.sock); # stale ones
	return $world;
}

# All that is in the folder that nothing may touch.
sub state_of
{
	my ($world) = @_;
	my @all;
	for my $path (sort glob "$world->{target}/* $world->{target}/.[a-z]*") {
		my @status = lstat $path;
		push @all, join ' ', $path, @status[1, 2, 3, 4, 5, 7], -f _ ? Brood::Server::slurp($path) : ();
	}
	return join "\n", @all;
}

# As he does it: over what is there.
sub lay
{
	my ($target, $path) = @_;
	rename $path, "$path.was" if -e $path || -l $path;
	symlink $target, $path or die "$path: $!";
	POSIX::lchown(HIS, HIS, $path) or die "$path: $!";
}

# By setting: the arguments that make it so, and the name in its folder.
my %kinds = (
	access_log => ['access.log', sub { ('-s', "access_log=$_[0]") }],
	site_log => ['site.log', sub {
		my $file = Brood::Server::write_file("$_[1]{dir}/sites.conf",
			"sites = ({ names = [\"a.example\"]; root = \"$_[1]{root}\"; access_log = \"$_[0]\"; });\n");
		return ('-c', $file);
	}],
	error_log => ['error.log', sub { ('-s', "error_log=$_[0]") }],
	pid_file => ['brood.pid', sub { ('-s', "pid_file=$_[0]") }],
	control => ['control.sock', sub { ('-s', "control=$_[0]") }],
	listen => ['door.sock', sub { ('-l', "unix:$_[0]") }],
	state_dir => ['state', sub { ('-s', "state_dir=$_[0]") }],
);
my %followed_last = map { $_ => 1 } qw(access_log site_log error_log state_dir); # of others no link in the last place is

# The arguments of a server that has one of them there.
sub arguments
{
	my ($kind, $path, $world) = @_;
	$world->{root} //= Brood::Server::make_tree("$world->{dir}/root", { 'hello.txt' => 'hello' });
	my @mine = $kinds{$kind}[1]->($path, $world);
	my @base = map { ('-s', $_) } grep { !/^\Q$kind\E=/ } qw(access_log=off state_dir=off control=off);
	return ('-l', '127.0.0.1:0', '-w', 1, @base, @mine, $world->{root});
}

# `brood -t` and a start say why not, and nothing happens to what must not be touched.
sub is_refused
{
	my ($kind, $path, $world, $words, $name) = @_;
	my $before = state_of($world);
	my @arguments = arguments($kind, $path, $world);
	for my $test (1, 0) {
		my $run = Brood::Server->run({ limit => 20 }, $test ? '-t' : (), @arguments);
		ok $run->{exit} ne '0' && $run->{exit} ne 'none', "$kind: $name: " . ($test ? '-t' : 'a start') . ' fails' or diag "exit $run->{exit}";
		like $run->{stderr}, $words, '... and says why';
	}
	is state_of($world), $before, '... and nothing was touched';
}

for my $kind (sort keys %kinds) {
	my $file = $kinds{$kind}[0];
	subtest "$kind: links that were there before the start" => sub {
		my $world = make_world();
		lay($world->{target}, "$world->{his}/folder");
		is_refused($kind, "$world->{his}/folder/$file", $world, qr/the link '\Q$world->{his}\E\/folder': '\Q$world->{his}\E' belongs to uid 65533/,
			'a folder is a link');
		lay($world->{target}, "$world->{roots}/his-link");
		is_refused($kind, "$world->{roots}/his-link/$file", $world, qr/his-link': it belongs to uid 65533/, "a folder is a link of his in root's folder");
		mkdir "$world->{dir}/all" or die;
		chmod 0777, "$world->{dir}/all";
		symlink $world->{target}, "$world->{dir}/all/folder";
		is_refused($kind, "$world->{dir}/all/folder/$file", $world, qr/others may write to '\Q$world->{dir}\E\/all' \(mode 0777\)/,
			"a folder is root's link where all may write");
		lay("$world->{target}/$file", "$world->{his}/$file");
		is_refused($kind, "$world->{his}/$file", $world, qr/\Q$world->{his}\E\/$file'|$file: (?:is|it is) a link|is a link|is no socket|File exists/, 'it is a link itself')
		    if $kind ne 'listen' && $kind ne 'control';
	};
	subtest "$kind: links of root's where nobody else may write" => sub {
		my $world = make_world();
		mkdir "$world->{dir}/real" or die;
		symlink '../real', "$world->{roots}/link" or die;
		symlink 'link/.', "$world->{roots}/chain" or die;
		symlink "../real/$file", "$world->{roots}/$file" or die;
		my @paths = ("$world->{roots}/link/$file", "$world->{roots}/chain/../real/$file", $followed_last{$kind} ? "$world->{roots}/$file" : ());
		for my $path (@paths) {
			my $server = Brood::Server->start(bare => 1, args => [arguments($kind, $path, $world)]);
			ok $kind eq 'state_dir' || wait_until(10, sub { -e "$world->{dir}/real/$file" }), 'what is written is where they lead';
			$server->finish;
		}
	};
}

subtest 'other things than a file, in a folder of his' => sub {
	for my $kind (qw(access_log site_log error_log pid_file)) {
		my $world = make_world();
		my $file = $kinds{$kind}[0];
		link "$world->{target}/$file", "$world->{his}/$file" or die "link: $!";
		is_refused($kind, "$world->{his}/$file", $world, qr/one of 2 names of a file/, 'a hard link');
		unlink "$world->{his}/$file";
		POSIX::mkfifo("$world->{his}/$file", 0666) or die "mkfifo: $!";
		is_refused($kind, "$world->{his}/$file", $world, qr/is no regular file/, 'a FIFO');
	}
};

subtest 'plain files and sockets in a folder of his' => sub {
	my $world = make_world();
	my $his = $world->{his};
	mkdir "$his/state";
	Brood::Server::write_file("$his/access.log", "old\n");
	chown HIS, HIS, "$his/access.log", "$his/state";
	IO::Socket::UNIX->new(Local => "$his/$_") // die "$_: $!" for qw(control.sock door.sock); # stale ones
	my $server = Brood::Server->start(listen => ['127.0.0.1:0', "unix:$his/door.sock"], workers => 1, set => { access_log => "$his/access.log",
		pid_file => "$his/brood.pid", control => "$his/control.sock", state_dir => "$his/state" });
	is(Brood::Client->connect("unix:$his/door.sock")->get("/hello.txt")->status, 200, "a client by the Unix socket");
	is(Brood::Client->connect($server->address)->get("/hello.txt?tcp")->status, 200, "and by TCP");
	ok wait_until(10, sub { Brood::Server::slurp("$his/access.log") =~ /^old\n.*\?tcp /s }), 'are logged behind what was there';
	is(Brood::Server::slurp("$his/brood.pid"), $server->master . "\n", "the pid file");
	ok -S "$his/control.sock", 'the control socket';
	kill 'SEGV', ($server->workers)[0];
	ok wait_until(10, sub { glob "$his/state/obituary-*.json" }), 'an obituary';
	wait_until(10, sub { $server->workers == 1 });
	$server->finish;
	is join(' ', grep { -e } map { "$his/$_" } qw(brood.pid control.sock door.sock)), '', 'are removed at the end';
};

subtest 'standard output by its device' => sub {
	my $world = make_world();
	symlink '/dev/stdout', "$world->{roots}/access.log";
	symlink '/proc/self/fd/2', "$world->{roots}/error.log";
	for my $path ('/dev/stdout', '/proc/self/fd/1', "$world->{roots}/access.log") {
		pipe my $reader, my $writer or die "pipe: $!";
		my $server = Brood::Server->start(workers => 1, set => { access_log => $path, error_log => "$world->{roots}/error.log" }, inherit => { 1 => $writer });
		close $writer;
		Brood::Client->connect($server->address)->get('/hello.txt?there');
		$reader->blocking(0);
		my $text = '';
		ok wait_until(10, sub { sysread $reader, $text, 4096, length $text; $text =~ /\?there/ }), "$path, a pipe";
		$server->signal('USR1');
		ok $server->wait_stderr(qr/log files reopened/), 'and standard error, which tells of USR1';
		Brood::Client->connect($server->address)->get('/hello.txt?later');
		ok wait_until(10, sub { sysread $reader, $text, 4096, length $text; $text =~ /\?later/ }), 'also after it';
		$server->finish;
	}
};

# A server with each of its files in a folder of his.
sub start_in_his
{
	my ($world, %want) = @_;
	my $his = $world->{his};
	$world->{root} = Brood::Server::make_tree("$world->{dir}/root", { 'hello.txt' => 'hello' });
	mkdir "$his/$_" for qw(logs run state);
	chown HIS, HIS, map { "$his/$_" } qw(logs run state);
	my $config = <<"END";
sites = (
	{ names = ["a.example"]; root = "$world->{root}"; },
	{ names = ["b.example"]; root = "$world->{root}"; access_log = "$his/logs/site.log"; }
);
END
	return Brood::Server->start(config => $config, listen => ['127.0.0.1:0', "unix:$his/run/door.sock"], workers => 1, root => $world->{root},
		set => { access_log => "$his/logs/access.log", error_log => "$his/logs/error.log", pid_file => "$his/run/brood.pid",
			control => "$his/run/control.sock", state_dir => "$his/state" }, %want);
}

sub ctl { my ($world, @args) = @_; return scalar qx{@{[Brood::Server::broodctl()]} -s $world->{his}/run/control.sock @args 2>&1} }

sub log_has
{
	my ($path, $words, $count) = @_;
	return wait_until(20, sub { (() = Brood::Server::slurp($path) =~ /$words/g) >= ($count // 1) });
}

# A request of each site, which is in the logs there.
sub logs_are
{
	my ($server, $query, $access, $site, $name) = @_;
	Brood::Client->connect($server->address)->get("/hello.txt?$query", Host => $_) for qw(a.example b.example);
	ok log_has($access, "\\?$query ") && log_has($site, "\\?$query "), $name;
}

my @files = qw(access.log site.log error.log);
my %lays = (
	'links' => sub { my ($world) = @_; lay("$world->{target}/$_", "$world->{his}/logs/$_") for @files },
	'hard links' => sub {
		my ($world) = @_;
		for (@files) {
			rename "$world->{his}/logs/$_", "$world->{his}/logs/$_.was";
			link "$world->{target}/$_", "$world->{his}/logs/$_" or die "link: $!";
		}
	},
	'FIFOs' => sub {
		my ($world) = @_;
		for (@files) {
			rename "$world->{his}/logs/$_", "$world->{his}/logs/$_.was";
			POSIX::mkfifo("$world->{his}/logs/$_", 0666) or die "mkfifo: $!";
		}
	},
);
for my $what (sort keys %lays) {
	subtest "$what laid before USR1" => sub {
		my $world = make_world();
		my $before = state_of($world);
		my $server = start_in_his($world);
		my $logs = "$world->{his}/logs";
		logs_are($server, 'first', "$logs/access.log", "$logs/site.log", 'both logs are written');
		my $status = state_of($world);
		is $status, $before, 'the start touched nothing';
		$lays{$what}->($world);
		$before = state_of($world);
		$server->signal('USR1');
		ok log_has("$logs/error.log.was", "$_.*(?:does not follow the link|regular file|names of a file)"), "$_: is refused, and it is said why" for @files;
		logs_are($server, 'second', "$logs/access.log.was", "$logs/site.log.was", 'lines go where they went');
		is state_of($world), $before, 'nothing was touched';
		unlink map { "$logs/$_" } @files;
		$server->signal('USR1');
		ok log_has("$logs/error.log", 'log files reopened'), 'without them USR1 makes new files, and says when it has';
		logs_are($server, 'third', "$logs/access.log", "$logs/site.log", 'that are written');
		unlink map { "$logs/$_.was" } @files;
		$server->finish;
	};
}

subtest 'links laid before a reload, and before an upgrade' => sub {
	for my $command (qw(reload upgrade)) {
		my $world = make_world();
		my $server = start_in_his($world);
		my $logs = "$world->{his}/logs";
		logs_are($server, 'first', "$logs/access.log", "$logs/site.log", "$command: both logs are written");
		$lays{links}->($world);
		my $before = state_of($world);
		my $said = ctl($world, $command);
		isnt $?, 0, 'it fails';
		ok $said =~ /does not follow the link/ || log_has("$logs/error.log.was", 'does not follow the link'), 'and it is said why' or diag $said;
		logs_are($server, 'second', "$logs/access.log.was", "$logs/site.log.was", 'the server goes on, and its lines go where they went');
		is state_of($world), $before, 'nothing was touched';
		unlink map { "$logs/$_" } @files;
		$said = ctl($world, $command);
		is $?, 0, 'without them it succeeds' or diag $said;
		logs_are($server, 'third', "$logs/access.log", "$logs/site.log", 'and the new files are written');
		$server->finish;
	}
};

subtest 'links before a reload, on the way to what is no log' => sub {
	my $world = make_world();
	my $server = start_in_his($world);
	my ($before, @workers) = (undef, $server->workers);
	rename "$world->{his}/run", "$world->{his}/run.was";
	rename "$world->{his}/state", "$world->{his}/state.was";
	lay($world->{target}, "$world->{his}/$_") for qw(run state);
	$before = state_of($world);
	$server->signal('HUP');
	ok log_has("$world->{his}/logs/error.log", "$_ '.*does not follow the link"), "$_: the reload fails, and it is said why" for qw(pid_file control state_dir listen);
	is join(' ', $server->workers), "@workers", 'the same workers go on';
	is state_of($world), $before, 'nothing was touched';
	unlink map { "$world->{his}/$_" } qw(run state);
	rename "$world->{his}/$_.was", "$world->{his}/$_" for qw(run state);
	ok $server->roll, 'without them it succeeds';
	$server->finish;
};

subtest 'a link laid before somebody dies' => sub {
	my $world = make_world();
	my $server = start_in_his($world);
	lay($world->{target}, "$world->{his}/state");
	my $before = state_of($world);
	kill 'SEGV', ($server->workers)[0];
	ok log_has("$world->{his}/logs/error.log", "cannot write obituaries to.*does not follow the link"), 'it is said why there is no obituary';
	is state_of($world), $before, 'nothing was touched';
	wait_until(10, sub { $server->workers == 1 });
	$server->finish;
};

subtest 'links laid before the end' => sub {
	my $world = make_world();
	my $server = start_in_his($world);
	for my $file (qw(brood.pid control.sock door.sock)) {
		unlink "$world->{target}/$file";
		link "$world->{his}/run/$file", "$world->{target}/$file" or die "link: $!"; # the very same, so that nothing but the way tells
	}
	lay($world->{target}, "$world->{his}/run");
	my $before = state_of($world);
	$server->finish;
	is state_of($world), $before =~ s/precious brood.pid/precious brood.pid/r, 'nothing was removed';
};

subtest 'links that come and go while the logs are reopened' => sub {
	my $world = make_world();
	my $server = start_in_his($world, set => { access_log => "$world->{his}/logs/access.log", error_log => 'stderr', control => 'off', state_dir => 'off' });
	my $logs = "$world->{his}/logs";
	my $before = state_of($world);
	my $swapping = fork // die "fork: $!";
	if (!$swapping) {
		POSIX::setuid(HIS);
		symlink "$world->{target}/$_", "$logs/$_.link" for qw(access.log site.log);
		while (1) {
			for (qw(access.log site.log)) {
				rename "$logs/$_", "$logs/$_.file" and rename "$logs/$_.link", "$logs/$_";
				rename "$logs/$_", "$logs/$_.link" and rename "$logs/$_.file", "$logs/$_";
			}
		}
	}
	for my $i (1 .. 200) {
		$server->signal('USR1');
		wait_until(20, sub { (() = $server->stderr =~ /log files reopened/g) >= $i }) or last;
		Brood::Client->connect($server->address)->get("/hello.txt?$i", Host => $_) for $i % 20 ? () : qw(a.example b.example);
	}
	is scalar(() = $server->stderr =~ /log files reopened/g), 200, 'reopened 200 times';
	kill 'KILL', $swapping;
	waitpid $swapping, 0;
	is state_of($world), $before, 'nothing was touched';
	cmp_ok scalar(() = $server->stderr =~ /does not follow the link/g), '>', 0, 'links were met';
	$server->finish;
};

done_testing;
