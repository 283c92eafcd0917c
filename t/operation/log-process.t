#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The log process: nobody else holds a log's file, each line is there once, and lines outlive whoever said them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(alive descriptors status wait_until);
use Brood::Server;
use Brood::Together;
use Brood::Versions;
use POSIX ();
use Time::HiRes qw(sleep time);

my @dirs; # they live as long as the test

sub new_logs
{
	push @dirs, my $dir = Brood::Server::new_dir();
	return ("$dir", access_log => "$dir/access.log", error_log => "$dir/error.log", control => "$dir/control");
}

# Its exit status.
sub reload
{
	my ($server, %settings) = @_;
	$server->set(%settings);
	return $server->ctl('reload')->{exit};
}

# It has its name only once it runs.
sub log_process { my ($server) = @_; return wait_until(10, sub { $server->log_process }) }

sub lines { return split /\n/, Brood::Server::slurp($_[0]) }

# The numbers n in "?n=..." of all files of that name and with suffixes, in the order of the files.
sub numbers
{
	my ($path) = @_;
	return map { /\?n=(\d+) / ? $1 : () } map { lines($_) } sort glob "$path*";
}

sub asked { my ($client, $n) = @_; return $client->get("/hello.txt?n=$n") }

# How often a number is there: 1 for all of them is right.
sub wrong
{
	my ($path, $last) = @_;
	my %seen;
	$seen{$_}++ for numbers($path);
	return map { ($seen{$_} // 0) == 1 ? () : "$_: " . ($seen{$_} // 0) } 1 .. $last;
}

sub all_there
{
	my ($path, $last, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	wait_until(10, sub { (my @all = numbers($path)) >= $last });
	is_deeply [wrong($path, $last)], [], $name;
}

# Which of a server's processes has a file of that folder open.
sub holders
{
	my ($dir, @pids) = @_;
	return grep { my $all = descriptors($_) // {}; grep { index($_, "$dir/") == 0 } values %$all } @pids;
}

together 'workers and admin hold no log, the log process holds nothing else' => sub {
	my ($dir, @set) = new_logs();
	my $versions = Brood::Versions->new;
	my $server = Brood::Configured->start(@set, binary => $versions->path);
	my $n = 0;
	for my $act ('the start', 'a reload', 'another', 'USR1', 'an upgrade', 'a reload after it') {
		is reload($server), 0, 'reloaded' if $act =~ /reload|another/;
		$server->signal('USR1') if $act eq 'USR1';
		is $server->ctl('upgrade')->{exit}, 0, 'upgraded' if $act eq 'an upgrade';
		ok wait_until(20, sub { $server->workers == 4 && $server->admin && $server->log_process }), "after $act all are there";
		my $log = log_process($server);
		is_deeply [holders($dir, $server->workers, $server->admin)], [], "after $act nobody has a log open";
		my @strays = grep { my $all = descriptors($_); grep { $all->{$_} !~ /^pipe:/ } 1, 2 } $server->workers, $server->admin;
		is_deeply \@strays, [], 'nor what the server was started with as standard output and error';
		asked(Brood::Client->connect($server->address), ++$n)->status for 1 .. 3;
		all_there("$dir/access.log", $n, 'each line is there once');
		ok wait_until(10, sub { holders($dir, $log) }), 'the log process has them';
		is scalar(grep { /^socket:/ } values %{ descriptors($log) }), 1, 'and no socket but its channel';
		SKIP: {
			skip 'not root', 1 if $>;
			is status($log)->{Uid}, status(($server->workers)[0])->{Uid}, 'it is who the workers are';
		}
	}
	$server->finish;
};

together 'a killed log process: none of its lines is lost, none is there twice' => sub {
	for my $mode (Brood::Server::modes()) {
		my ($dir, @set) = new_logs();
		my $server = Brood::Configured->start(@set, accept => $mode);
		my ($n, $kills) = (0, 0);
		my @clients = map { Brood::Client->connect($server->address) } 1 .. 8;
		while ($kills < 8) {
			my $log = log_process($server);
			for my $round (1 .. 20) {
				$_->send('GET /hello.txt?n=' . ++$n . " HTTP/1.1\r\nHost: x\r\n\r\n") for @clients;
				kill 'KILL', $log if $log && $round == 7;
				$_->response for @clients;
			}
			$kills++ if $log;
			wait_until(10, sub { !$log || !alive($log) });
		}
		ok wait_until(10, sub { $server->log_process }), "$mode: there is another one";
		all_there("$dir/access.log", $n, "$mode: $n requests, $kills kills");
		like Brood::Server::slurp("$dir/error.log"), qr/the log process died: signal 9/, 'its death is told';
		$server->finish;
	}
};

together 'the last lines of a killed worker are written: they tell which request it was' => sub {
	my ($dir, @set) = new_logs();
	my $server = Brood::Configured->start(@set, workers => 1);
	for my $n (1 .. 10) {
		my $client = Brood::Client->connect($server->address);
		is asked($client, $n)->status, 200, 'answered';
		my ($worker) = $server->workers;
		Brood::Client->connect($server->address)->get('/hello.txt'); # it has done with the first one, lines and all
		kill 'KILL', $worker, $n % 2 ? () : $server->log_process // ();
		wait_until(10, sub { !alive($worker) && $server->workers });
	}
	all_there("$dir/access.log", 10, 'each is in the log, also where the log process is killed with it');
	$server->finish;
};

together 'the end of the master: workers finish, and what they say until then is written' => sub {
	my ($dir, @set) = new_logs();
	my $server = Brood::Configured->start(@set, workers => 2, drain_timeout => '20s');
	my @clients = map { Brood::Client->connect($server->address) } 1 .. 10;
	$_->send("GET /hello.txt?n=") for @clients;
	my $log = log_process($server);
	kill 'KILL', $server->master;
	$server->wait_exit;
	my $n = 0;
	$_->send(++$n . " HTTP/1.1\r\nHost: x\r\n\r\n") for @clients;
	$_->response for @clients;
	ok wait_until(20, sub { !$server->processes }), 'all leave, the log process as well';
	all_there("$dir/access.log", 10, 'each line is there');
	like Brood::Server::slurp("$dir/error.log"), qr/worker 0 \[\d+\] the master is gone/, 'what a worker had to say, too';
};

together 'a stop has written everything when it is over, and waits for nobody for ever' => sub {
	my ($dir, @set) = new_logs();
	my $server = Brood::Configured->start(@set);
	my $client = Brood::Client->connect($server->address);
	asked($client, $_) for 1 .. 300;
	$server->finish;
	is_deeply [wrong("$dir/access.log", 300)], [], 'no line is late';
	($dir, @set) = new_logs();
	$server = Brood::Configured->start(@set);
	asked(Brood::Client->connect($server->address), 1);
	ok wait_until(10, sub { numbers("$dir/access.log") }), 'a line';
	kill 'STOP', my $log = log_process($server);
	$server->signal('TERM');
	is $server->wait_exit, 0, 'a log process that stands still does not keep the server';
	ok wait_until(10, sub { !alive($log) }), 'and is ended';
	is_deeply [$server->leftovers], [], 'nothing is left';
};

together 'broodctl reopen comes back when nobody writes to the old file any more' => sub {
	my ($dir, @set) = new_logs();
	my $server = Brood::Configured->start(@set);
	my @clients = map { Brood::Client->connect($server->address) } 1 .. 6;
	my $n = 0;
	for my $round (1 .. 10) {
		for (@clients) { asked($_, ++$n) }
		rename "$dir/$_.log", "$dir/$_.log.$round" for qw(access error);
		is $server->ctl('reopen')->{exit}, 0, 'reopened';
		my ($log, @old) = ($server->log_process);
		@old = grep { m{^\Q$dir\E/.*\.log\.\d} } map { values %{ descriptors($_) } } $log, $server->master;
		is_deeply \@old, [], 'nobody has the old ones open';
		is scalar(numbers("$dir/access.log.$round")), 6, 'which have all that was said before';
	}
	all_there("$dir/access.log", $n, 'each line is there once');
	$server->finish;
};

together 'a log process that stands still is replaced, and nothing is lost' => sub {
	my ($dir, @set) = new_logs();
	my $server = Brood::Configured->start(@set, workers => 2, watchdog => '1s');
	my $client = Brood::Client->connect($server->address);
	asked($client, $_) for 1 .. 20;
	kill 'STOP', my $log = log_process($server);
	asked($client, $_) for 21 .. 40;
	rename "$dir/access.log", "$dir/access.log.1";
	is $server->ctl('reopen')->{exit}, 0, 'who waits for it is told';
	asked($client, $_) for 41 .. 60;
	all_there("$dir/access.log", 60, 'each line is there once');
	ok wait_until(10, sub { ($server->log_process // $log) != $log }), 'there is another one';
	like Brood::Server::slurp("$dir/error.log"), qr/the log process \[$log\] has been silent for [1-9].*\n.*the log process died: signal 6/, 'both are told';
	$server->finish;
};

together 'USR1 while a reload runs: the logs of both configurations are new' => sub {
	my ($dir, @set) = new_logs();
	my $server = Brood::Configured->start(@set, workers => 2, start_timeout => '5s');
	my $old = Brood::Client->connect($server->address);
	asked($old, 1);
	ok wait_until(10, sub { numbers("$dir/access.log") }), 'a line';
	$server->set(access_log => "$dir/other.log", debug_fault => 'start-hang:1');
	$server->signal('HUP');
	ok wait_until(10, sub { -e "$dir/other.log" && grep { /never getting ready/ } lines("$dir/error.log") }), 'it waits for a worker';
	rename "$dir/$_.log", "$dir/old.$_" for qw(access other error);
	$server->signal('USR1');
	ok wait_until(10, sub { 3 == grep { -e "$dir/$_.log" } qw(access other error) }), 'all three are there again';
	ok wait_until(20, sub { asked(Brood::Client->connect($server->address), 2); numbers("$dir/other.log") && numbers("$dir/access.log") }),
	    'workers of both write to them';
	ok wait_until(20, sub { $server->workers == 2 && grep { /reload failed/ } lines("$dir/error.log") }), 'the reload fails in the end';
	$server->finish;
};

# Of a server's processes, who has files of that folder open whose names match.
sub open_files
{
	my ($server, $dir, $name) = @_;
	return grep { m{^\Q$dir\E/$name} } map { values %{ descriptors($_) // {} } } $server->master, $server->log_process // ();
}

# The roll waits, since an old worker cannot leave before a download ends. Meanwhile all logs are moved away, of both
# configurations: one that stays, one of a site, one that goes, one that comes.
together 'reopen while a reload or an upgrade runs: the old files are done with, however that ends' => sub {
	for my $roll (['reload', 0], ['reload', 1, debug_fault => 'start-exit'], ['upgrade', 0]) {
		my ($verb, $exit, %change) = @$roll;
		my ($dir, @set) = new_logs();
		my $site = sub { my ($log) = @_; \qq(( { names = ["b.test"]; root = "$dir/b"; access_log = "$dir/$log.log"; } )) };
		Brood::Server::make_tree("$dir/b", { 'hello.txt' => 'b' });
		my $versions = Brood::Versions->new;
		my $server = Brood::Configured->start(@set, workers => 1, sites => $site->('site'), binary => $versions->path);
		Brood::Server::write_file("$server->{settings}{root}/large.bin", my $large = 'large' x (4 << 20));
		my $slow = Brood::Client->connect($server->address, limit => 60);
		$slow->send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
		$slow->wait_answer(time + 10);
		is $server->ctl('restart')->{exit}, 0, "$verb: an old worker stays";
		$server->set(sites => $site->('next'), %change);
		my $run = $server->ctl_start($verb);
		ok wait_until(20, sub { grep { /$verb waits for the old worker/ } lines("$dir/error.log") }), "$verb waits";
		my $n = 0;
		my $client = Brood::Client->connect($server->address);
		my $ask = sub {
			asked($client, ++$n);
			$client->get("/hello.txt?n=$n", Host => 'b.test');
		};
		$ask->() for 1 .. 10;
		my @logs = map { s{.*/(.*)\.log\z}{$1}r } glob "$dir/*.log";
		is "@logs", 'access error next site', 'the logs of both are there';
		rename "$dir/$_.log", "$dir/$_.log.1" for @logs;
		is $server->ctl('reopen')->{exit}, 0, 'reopened';
		is_deeply [open_files($server, $dir, qr/.*\.log\.1/)], [], 'nobody has the old ones open';
		my %size = map { $_ => -s "$dir/$_.log.1" } @logs;
		$ask->() for 1 .. 10;
		ok $slow->response->body eq $large, 'the download ends';
		is Brood::Server::ctl_wait($run)->{exit}, $exit, "$verb: exit status $exit";
		$client = Brood::Client->connect($server->address);
		$ask->() for 1 .. 10;
		all_there("$dir/access.log", $n, 'each line is there once, of the one log,');
		my %seen;
		wait_until(10, sub { %seen = (); $seen{$_}++ for map { numbers("$dir/$_.log") } qw(site next); keys %seen >= $n });
		is_deeply [grep { ($seen{$_} // 0) != 1 } 1 .. $n], [], 'and of the site, by whichever worker';
		is_deeply { map { $_ => -s "$dir/$_.log.1" } @logs }, \%size, 'and none is in an old file';
		is_deeply [open_files($server, $dir, qr/.*\.log\.1/)], [], 'which nobody has open in the end';
		$server->finish;
	}
};

# The log process stands still, so the files that have been moved away go on being written to until it is there again.
together 'nobody is told that the logs are new as long as somebody may write to the old ones' => sub {
	my %says = (reload => 'reload done', upgrade => 'upgrade done', USR1 => 'log files reopened');
	for my $verb (qw(reload upgrade USR1)) {
		my ($dir, @set) = new_logs();
		my $versions = Brood::Versions->new;
		my $server = Brood::Configured->start(@set, workers => 1, binary => $versions->path);
		my $says = sub { -e "$dir/error.log" && grep { /$says{$verb}/ } lines("$dir/error.log") };
		my ($old) = $server->workers;
		kill 'STOP', my $log = log_process($server);
		asked(Brood::Client->connect($server->address), 1);
		rename "$dir/$_.log", "$dir/$_.log.1" for qw(access error);
		my $run = $verb eq 'USR1' ? $server->signal('USR1') && undef : $server->ctl_start($verb);
		ok wait_until(20, sub { 2 == grep { -e "$dir/$_.log" } qw(access error) }), "$verb: there are new files";
		ok $verb eq 'USR1' || wait_until(20, sub { (my @now = $server->workers) == 1 && !grep { $_ == $old } $server->workers }), 'and a new worker';
		ok !wait_until(1, $says), 'which is not all';
		kill 'CONT', $log;
		ok wait_until(20, $says), 'with the log process it is done';
		is Brood::Server::ctl_wait($run)->{exit}, 0, 'and told' if $run;
		is_deeply [open_files($server, $dir, qr/.*\.log\.1/)], [], 'nobody has the old ones open';
		asked(Brood::Client->connect($server->address), 2);
		all_there("$dir/access.log", 2, 'each line is there once');
		is join(' ', numbers("$dir/access.log.1")) . '; ' . join(' ', map { /\?n=(\d+) / ? $1 : () } lines("$dir/access.log")), '1; 2', 'and where it should be';
		$server->finish;
	}
};

# One that has hardly begun when it dies is not followed at once. Its successor begins with what is in the queues, which is
# for the files that there were.
together 'nor while there is no log process' => sub {
	my ($dir, @set) = new_logs();
	my $server = Brood::Configured->start(@set, workers => 1);
	my $client = Brood::Client->connect($server->address);
	for (1, 2) {
		kill 'SEGV', my $log = log_process($server);
		ok wait_until(10, sub { !alive($log) && ($_ == 2 || $server->log_process) }), 'it dies';
	}
	rename "$dir/access.log", "$dir/access.log.1";
	is $server->ctl('reopen')->{exit}, 0, 'reopened';
	asked($client, 1);
	all_there("$dir/access.log", 1, 'a line is there');
	is_deeply [map { /\?n=(\d+) / ? $1 : () } lines("$dir/access.log")], [1], 'and in the new file';
	$server->finish;
};

together 'USR1 at any moment of an upgrade' => sub {
	my ($dir, @set) = new_logs();
	my $versions = Brood::Versions->new;
	my $server = Brood::Configured->start(@set, workers => 2, binary => $versions->path);
	my ($n, $client) = (0, Brood::Client->connect($server->address));
	for my $round (1 .. 6) {
		my $run = $server->ctl_start('upgrade');
		sleep $round * 0.008 if $round > 1; # anywhere in it
		rename "$dir/$_.log", "$dir/$_.log.$round" for qw(access error);
		$server->signal('USR1');
		asked($client, ++$n) for 1 .. 5;
		is Brood::Server::ctl_wait($run)->{exit}, 0, 'upgraded';
		ok wait_until(10, sub { -e "$dir/access.log" && -e "$dir/error.log" && !open_files($server, $dir, qr/.*\.log\.\d/) }),
		    'the files are new, and nobody has the old ones open';
		asked($client, ++$n) for 1 .. 5;
	}
	all_there("$dir/access.log", $n, 'each line is there once');
	$server->finish;
};

together 'a log that is not wanted any more: those who leave still write to it, and it is rotated with them' => sub {
	my ($dir, @set) = new_logs();
	my $server = Brood::Configured->start(@set, workers => 1);
	Brood::Server::write_file("$server->{settings}{root}/large.bin", my $large = 'large' x (8 << 20)); # more than sockets hold
	my $slow = Brood::Client->connect($server->address);
	$slow->send("GET /large.bin?n=1 HTTP/1.1\r\nHost: x\r\n\r\n");
	$slow->wait_answer(time + 10);
	is reload($server, access_log => "$dir/next.log"), 0, 'another log';
	rename "$dir/access.log", "$dir/old.access";
	$server->signal('USR1');
	ok wait_until(10, sub { -e "$dir/access.log" }), 'the one from before is rotated, too';
	ok $slow->response->body eq $large, 'a download ends';
	ok wait_until(10, sub { numbers("$dir/access.log") }), 'its line is where it should be';
	ok wait_until(10, sub { !grep { $_ eq "$dir/access.log" } map { values %{ descriptors($_) } } $server->master, $server->log_process }),
	    'then nobody has it open';
	$server->finish;
};

together 'what is said on standard error without the log is a line of the error log, with a name' => sub {
	plan skip_all => 'root only' if $>;
	my ($dir, @set) = new_logs();
	my $server = Brood::Configured->start(@set, workers => 1);
	my ($worker) = $server->workers;
	open my $errors, '>', "/proc/$worker/fd/2" or die $!;
	syswrite $errors, "free(): invalid \e[31mpointer\nand more\n";
	close $errors;
	ok wait_until(10, sub { grep { /and more/ } lines("$dir/error.log") }), 'it is there';
	like Brood::Server::slurp("$dir/error.log"), qr/^\S+Z error worker 0 \[$worker\] free\(\): invalid \\x1b\[31mpointer$/m, 'escaped';
	asked(Brood::Client->connect($server->address), 1);
	all_there("$dir/access.log", 1, 'and the worker goes on');
	$server->finish;
};

all_together();
done_testing;
