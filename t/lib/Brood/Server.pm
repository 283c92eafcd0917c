# SPDX-License-Identifier: MIT
#
# Starts the real program in a folder of its own, waits for its readiness, and sees to it that a test fails
# when the server died, left processes or zombies, or leaked descriptors.
#
#     my $server = Brood::Server->start(workers => 4, accept => 'handoff', set => { drain_timeout => '2s' });
#     my $client = Brood::Client->connect($server->address);
#     ...
#     $server->finish; # one test: stopped as asked, and nothing is left
#
# Which program: $ENV{BROOD}, else build/brood beside the source.
#
# BROOD_TEST_LONG=1 makes loads last as long as in the measurements that are promised, and asserts promised
# times themselves instead of ten times as much. BROOD_TEST_SEED=N repeats a run of a test that makes random
# choices; each prints its seed. BROOD_TEST_TLS=1 lets servers that a test sets up by start's arguments, or by
# Brood::Configured, speak TLS in place of plain HTTP: what is promised holds over both. With BROOD_TEST_TLS=openssl the
# kernel has no part in it, and connections do not move.
package Brood::Server;

use strict;
use warnings;
use Brood::Environment;
use Brood::Leaks;
use Brood::Proc qw(alive children descriptors in_group wait_until);
use Cwd qw(abs_path);
use Fcntl qw(F_DUPFD);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Spec;
use File::Temp;
use POSIX qw(:sys_wait_h SIG_BLOCK SIG_UNBLOCK SIGHUP SIGINT SIGTERM);
use Scalar::Util qw(weaken);
use Test::More ();
use Time::HiRes qw(sleep time);

use constant LIMIT => 30; # seconds; a guard against hanging only

our %speaks_tls; # addresses of servers that are ready
my %started; # pid => weak reference, of servers that nobody has waited for
my $count = 0;
$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP); # so that END is reached

sub source_dir { return $ENV{BROOD_SRC} // abs_path(dirname(__FILE__) . '/../../..') }

Brood::Environment::clean(); # for a test that t/run did not start

# Found out before any test changes its folder.
my $program = abs_path($ENV{BROOD} // source_dir() . '/build/brood');
die 'no program to test: ', $ENV{BROOD} // 'build/brood', "\n" if !defined $program || !-x $program;
sub program { return $program }

# The same for a test that becomes another user: a copy, when folders above it (say, /root) keep that user
# out. Called before the fork, so that the copy is the test's and lives as long.
my $copy_dir;
sub program_for_all { return reachable($program) }

sub reachable
{
	my ($program) = @_;
	my ($volume, $dirs, $name) = File::Spec->splitpath($program);
	my $path = '';
	for my $dir (File::Spec->splitdir($dirs)) {
		$path .= "$dir/";
		next if (stat $path)[2] & 0001;
		$copy_dir //= new_dir();
		copy($program, "$copy_dir/$name") && chmod 0755, "$copy_dir/$name" or die "$copy_dir/$name: $!"
		    if !-e "$copy_dir/$name";
		return "$copy_dir/$name";
	}
	return $program;
}

# A built-in tree with a file of each kind that tests ask for.
my %tree = (
	'index.html' => "<!doctype html><title>root</title>\n",
	'hello.txt' => "Hello, world!\n",
	'1k.txt' => 'k' x 1024,
	'digits.txt' => '0123456789',
	'empty.txt' => '',
	'big.bin' => join('', map { pack 'N', $_ } 0 .. 262143), # 1 MiB, each word its number
	'dir/index.html' => "<!doctype html><title>dir</title>\n",
	'dir/file.txt' => "in dir\n",
	'noindex/file.txt' => "no index here\n",
);

sub content { return $tree{ $_[1] } // die "no file $_[1]" }

# Makes a folder from { path => text, 'path/' => undef }, readable by everybody.
sub make_tree
{
	my ($dir, $files) = @_;
	make_path($dir);
	for my $path (sort keys %$files) {
		make_path(dirname("$dir/$path"));
		if ($path =~ m{/\z}) {
			make_path("$dir/$path");
			next;
		}
		write_file("$dir/$path", $files->{$path});
	}
	return $dir;
}

sub write_file
{
	my ($path, $text) = @_;
	open my $file, '>:raw', $path or die "$path: $!";
	print $file $text;
	close $file or die "$path: $!";
	return $path;
}

sub new_dir
{
	my $dir = File::Temp->newdir('brood-test-XXXXXX', TMPDIR => 1);
	chmod 0755, $dir or die "$dir: $!";
	return $dir;
}

# All optional:
#   root            path, or hash of files added to the built-in tree
#   config          text of a configuration file (passed by -c)
#   listen          list of addresses ['127.0.0.1:0']
#   workers [2], accept, set (hash of settings)
#   control         true: with a control socket, for ctl()
#   args            further arguments, before ROOT
#   bare            only `args` are passed, nothing else
#   env             hash; undef removes
#   limits          list of ulimit arguments, e.g. ['-n 64']
#   inherit         hash of child's fd => file handle
#   wrapper         a command in front of the program
#   openat2         what that system call fails with, ENOSYS or EPERM [$BROOD_TEST_OPENAT2]
#   in              code run in the child before exec
#   unready         do not wait for readiness
sub start
{
	my ($class, %want) = @_;
	my $self = bless { dir => new_dir(), owner => $$, mark => "BROOD_TEST=$$-" . ++$count, want => \%want,
		descriptors => undef }, $class;
	$self->{root} = ref $want{root} || !defined $want{root}
	    ? make_tree("$self->{dir}/root", { %tree, %{ $want{root} // {} } }) : $want{root};
	$self->{config_file} = write_file("$self->{dir}/brood.conf", $want{config})
	    if defined $want{config};
	$self->spawn($self->command_line);
	return $self if $want{unready};
	$self->wait_ready or do {
		my $why = $self->stderr;
		$self->kill_all;
		die "brood did not get ready: $why";
	};
	return $self;
}

sub command_line
{
	my ($self) = @_;
	my $want = $self->{want};
	return @{ $want->{args} // [] } if $want->{bare};
	my %set = (tls_settings(), debug_headers => 'true', access_log => 'off', state_dir => 'off',
		control => $want->{control} ? $self->control : 'off', %{ $want->{set} // {} });
	return (
		(map { ('-c', $_) } $self->{config_file} // ()),
		(map { ('-l', $_) } map { over_tls($_) } @{ $want->{listen} // ['127.0.0.1:0'] }),
		'-w', $want->{workers} // 2,
		(map { ('-a', $_) } $want->{accept} // ()),
		(map { ('-s', "$_=$set{$_}") } grep { defined $set{$_} } sort keys %set),
		@{ $want->{args} // [] },
		$self->{root}
	);
}

# The address of a listener, as the test wants it.
sub over_tls { return $ENV{BROOD_TEST_TLS} && $_[0] !~ /^(?:tls|unix):/ ? "tls:$_[0]" : $_[0] }

# Whether what is tested is over TLS, for tests that are not the same then; and how its URLs begin.
sub with_tls { return $ENV{BROOD_TEST_TLS} }
sub scheme { return with_tls() ? 'https' : 'http' }

# What lets programs trust the certificate of a test that is silent of TLS, for their environment.
sub trust
{
	my %set = tls_settings() or return ();
	return map { $_ => $set{tls_certificate} }
	    qw(CURL_CA_BUNDLE GIT_SSL_CAINFO NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE SSL_CERT_FILE);
}

# What haproxy is to be told beside the address. An idle connection that stays with an old worker is closed when that one's
# time is over, so it is given up before.
sub for_haproxy { return with_tls() ? 'ssl verify none pool-purge-delay 1s' : '' }

# Accept modes for a test that takes long. Who accepts knows nothing of TLS, so over that one does, but for
# BROOD_TEST_LONG=1.
sub modes { return with_tls() && !$ENV{BROOD_TEST_LONG} ? 'shared' : qw(shared handoff reuseport) }

# What a test that is silent of TLS wants where all is over TLS.
my ($tls_dir, $tls_pair);
sub tls_settings
{
	return () if !$ENV{BROOD_TEST_TLS};
	require Brood::Tls;
	$tls_dir //= new_dir();
	$tls_pair //= Brood::Tls::make_pair("$tls_dir", 'localhost', also => 'IP:127.0.0.1');
	return (tls_certificate => $tls_pair->{certificate}, tls_key => $tls_pair->{key},
		$ENV{BROOD_TEST_TLS} eq 'openssl' ? (tls_kernel => 'false') : ());
}

sub spawn
{
	my ($self, @args) = @_;
	my $want = $self->{want};
	pipe my $ready, my $ready_writer or die "pipe: $!";
	$self->{program} = $want->{in} ? program_for_all() : program();
	my $error = $want->{openat2} // $ENV{BROOD_TEST_OPENAT2};
	$self->{refuse} = $error ? [reachable(refuse_program()), $error] : [];
	# Our own handlers must not run in the child.
	my $signals = POSIX::SigSet->new(SIGINT, SIGTERM, SIGHUP);
	POSIX::sigprocmask(SIG_BLOCK, $signals);
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		$SIG{$_} = 'DEFAULT' for qw(PIPE INT TERM HUP QUIT USR1 USR2 CHLD);
		POSIX::sigprocmask(SIG_UNBLOCK, $signals);
		eval { $self->become_server($ready_writer, @args) };
		print STDERR "cannot start $self->{program}: $@";
		POSIX::_exit(126);
	}
	POSIX::sigprocmask(SIG_UNBLOCK, $signals);
	close $ready_writer;
	@$self{qw(pid ready_pipe)} = ($pid, $ready);
	$started{$pid} = $self;
	weaken $started{$pid};
}

# In the child: nothing of the test is inherited but what was asked for.
sub become_server
{
	my ($self, $ready, @args) = @_;
	my $want = $self->{want};
	setpgrp;
	chdir $self->{dir} or die "$self->{dir}: $!";
	open STDIN, '<', '/dev/null' or die $!;
	open STDOUT, '>', "$self->{dir}/stdout" or die $!;
	open STDERR, '>>', "$self->{dir}/stderr" or die $!;
	my ($name, $value) = split /=/, $self->{mark};
	$ENV{$name} = $value;
	delete @ENV{qw(LISTEN_FDS LISTEN_PID NOTIFY_SOCKET)};
	$ENV{BROOD_READY_FD} = out_of_the_way($ready);
	while (my ($key, $text) = each %{ $want->{env} // {} }) {
		defined $text ? $ENV{$key} = $text : delete $ENV{$key};
	}
	my %inherit = map { $_ => out_of_the_way($want->{inherit}{$_}) } keys %{ $want->{inherit} // {} };
	while (my ($fd, $copy) = each %inherit) {
		POSIX::dup2($copy, $fd) // die "dup2: $!";
		POSIX::close($copy);
	}
	$want->{in}->() if $want->{in};
	my @limits = @{ $want->{limits} // [] };
	my $script = join '', (map { "ulimit $_ && " } @limits), 'exec "$0" "$@"';
	my @program = (@{ $want->{wrapper} // [] }, @{ $self->{refuse} }, $self->{program});
	my @command = @limits ? ('/bin/sh', '-c', $script, @program, @args) : (@program, @args);
	exec { $command[0] } @command or die "$command[0]: $!\n";
}

# A copy without close-on-exec, with a number that nobody else wants.
sub out_of_the_way { return 0 + (fcntl $_[0], F_DUPFD, 50 or die "F_DUPFD: $!") }

sub control { return "$_[0]{dir}/control.sock" }
sub broodctl { return abs_path($ENV{BROODCTL} // dirname(program()) . '/broodctl') }

# Runs broodctl with these arguments to its end: { exit, stdout, stderr }, `exit` being "signal N" for
# one that a signal ended. Several may run at a time: see ctl_start.
sub ctl { return ctl_wait(ctl_start(@_)) }

# Starts it, to be waited for by ctl_wait.
sub ctl_start
{
	my ($self, @args) = @_;
	my $base = "$self->{dir}/ctl-" . ++$count;
	my $pid = fork // die "fork: $!";
	return { pid => $pid, base => $base } if $pid;
	open STDIN, '<', '/dev/null';
	open STDOUT, '>', "$base.out";
	open STDERR, '>', "$base.err";
	alarm 2 * LIMIT; # kept over exec
	exec { broodctl() } 'broodctl', '-s', $self->control, @args or POSIX::_exit(126);
}

sub ctl_wait
{
	my ($run) = @_;
	waitpid $run->{pid}, 0;
	return { exit => WIFEXITED($?) ? WEXITSTATUS($?) : 'signal ' . WTERMSIG($?),
		stdout => slurp("$run->{base}.out"), stderr => slurp("$run->{base}.err") };
}

# See t/refuse/refuse.c.
sub refuse_program { return ($ENV{BROOD_BUILD} // dirname($program)) . '/t/refuse/refuse' }

# Waits for the line on BROOD_READY_FD. False when the server ended first or the guard's time is up.
sub wait_ready
{
	my ($self, $limit) = @_;
	my ($text, $until) = ('', time + ($limit // LIMIT));
	while ($text !~ /\n/) {
		vec(my $set = '', fileno $self->{ready_pipe}, 1) = 1;
		my $left = $until - time;
		return 0 if $left <= 0 || !select $set, undef, undef, $left;
		sysread $self->{ready_pipe}, $text, 4096, length $text or return 0;
	}
	$self->{ready_line} = $text;
	my ($urls, $workers, $mode, $pid) =
	    $text =~ /^brood: ready on (\S.*) \((\d+) workers?, (\w+), pid (\d+)\)\n\z/
	    or die "ready line '$text'";
	@$self{qw(urls mode master expected_workers)} = ([split ' ', $urls], $mode, $pid, $workers);
	address_of($_) for @{ $self->{urls} };
	$self->rebase;
	return 1;
}

# The present state of the master is how it must be at the end.
sub rebase
{
	my ($self) = @_;
	$self->{expected_workers} = () = $self->workers;
	$self->{descriptors} = descriptors($self->master);
	$self->{workers_had} = Brood::Leaks::now($self->workers);
}

sub pid { return $_[0]{pid} }
sub master { return $_[0]{master} // $_[0]{pid} } # another one after -d
sub dir { return "$_[0]{dir}" }
sub root { return $_[0]{root} }
sub ready_line { return $_[0]{ready_line} }
sub urls { return @{ $_[0]{urls} } }
sub url { return $_[0]{urls}[0] . ($_[1] // '') }

# What a client connects to, of the n-th URL.
sub address { return address_of($_[0]{urls}[$_[1] // 0]) }

# The same of any URL; that TLS is spoken there is remembered.
sub address_of
{
	my ($tls, $host, $port) = $_[0] =~ m{^http(s?)://(.*):(\d+)\z} or return $_[0]; # a Unix socket
	my @hosts = $host eq 'localhost' ? qw(127.0.0.1 [::1]) : $host;
	@speaks_tls{ map { "$_:$port" } @hosts } = ($tls ne '') x @hosts;
	return "$hosts[0]:$port";
}

sub port { return $_[0]->address($_[1]) =~ /:(\d+)\z/ ? $1 : undef }
sub workers { return $_[0]->children_named(qr/: w\d+\z/) }
sub admin { return ($_[0]->children_named(qr/: admin\z/))[0] }
sub closer { return ($_[0]->children_named(qr/: closer\z/))[0] } # there as long as it has something to do
sub log_process { return ($_[0]->children_named(qr/: log\z/))[0] }

sub children_named
{
	my ($self, $regex) = @_;
	return grep { (Brood::Proc::name($_) // '') =~ $regex } children($self->master);
}

sub zombies { return Brood::Proc::zombies($_[0]->master) }
sub signal { return kill $_[1], $_[0]->master }

sub slurp { return Brood::Proc::slurp($_[0]) // '' }
sub stderr { return slurp("$_[0]{dir}/stderr") }
sub stdout { return slurp("$_[0]{dir}/stdout") }
sub stderr_lines { return split /\n/, $_[0]->stderr }

# Waits until standard error has a line that matches; returns it.
sub wait_stderr
{
	my ($self, $regex, $limit) = @_;
	return wait_until($limit // LIMIT, sub { (grep { $_ =~ $regex } $self->stderr_lines)[-1] });
}

# Waits until COUNT workers are alive that are not in the list of old ones; returns all the new ones.
sub wait_new_workers
{
	my ($self, $count, @old) = @_;
	my %old = map { $_ => 1 } @old;
	my @new;
	wait_until(LIMIT, sub { (@new = grep { !$old{$_} } $self->workers) >= $count });
	return @new;
}

# A rolling restart by HUP, up to the last old worker's end. False when it does not come about.
sub roll
{
	my ($self) = @_;
	my %old = map { $_ => 1 } $self->workers;
	$self->signal('HUP');
	return wait_until(LIMIT, sub {
		my @now = $self->workers;
		return @now == keys %old && !grep { $old{$_} } @now;
	});
}

# Waits for the end of what was started. Its exit status, "signal N", or undef when it goes on.
sub wait_exit
{
	my ($self, $limit) = @_;
	return $self->{exit} if defined $self->{exit};
	wait_until($limit // LIMIT, sub { waitpid($self->{pid}, WNOHANG) == $self->{pid} }) or return undef;
	my $status = $?;
	delete $started{ $self->{pid} };
	return $self->{exit} = WIFEXITED($status) ? WEXITSTATUS($status) : 'signal ' . WTERMSIG($status);
}

# Asks it to stop, and for as long as that takes again, which from the second second on means at once. As wait_exit.
sub stop_at_once
{
	my ($self, $limit) = @_;
	my $exit;
	wait_until($limit // LIMIT, sub { $self->signal('TERM'); defined($exit = $self->wait_exit(0.05)) });
	return $exit;
}

# Processes of this server, wherever they have gone.
sub processes { return in_group($_[0]{pid}, $_[0]{mark}) }

sub kill_all
{
	my ($self) = @_;
	my $none = 0;
	my %killed;
	# A look does not see who is forked meanwhile, nor then his parent, if that one leaves; but the next one does.
	wait_until(5, sub {
		my @left = grep { $_ != $$ } $self->processes;
		kill 'KILL', @left;
		@killed{@left} = ();
		$none = @left ? 0 : $none + 1;
		return $none == 2;
	});
	$self->wait_exit(5);
	return keys %killed;
}

# What is wrong with a server that runs, as lines of text.
sub problems
{
	my ($self) = @_;
	my $master = $self->master;
	return ("the server ended by itself: " . ($self->wait_exit(1) // '?')) if !alive($master);
	my @problems;
	push @problems, 'zombies are left: ' . join ' ', $self->zombies
	    if !wait_until(5, sub { !$self->zombies });
	push @problems, "$self->{expected_workers} workers expected, there are " . scalar $self->workers
	    if !wait_until(10, sub { $self->workers == $self->{expected_workers} });
	my $now;
	push @problems, "the master's descriptors were\n" . list($self->{descriptors}) . "and are\n" . list($now)
	    if !wait_until(5, sub { lasting($now = descriptors($master)) <= lasting($self->{descriptors}) });
	my @servers = map { $_->{pid} } grep { defined } values %started;
	my @leaks;
	push @problems, @leaks if !wait_until(10, sub { !(@leaks = Brood::Leaks::found($self->{workers_had}, \@servers, $self->workers)) });
	return @problems;
}

# How many are always there. While a third worker of a slot lives, the scoreboard has one more.
sub lasting { return scalar grep { !/brood-board/ } values %{ $_[0] } }

sub list
{
	my ($links) = @_;
	return join '', map { "  $_ $links->{$_}\n" } sort { $a <=> $b } keys %$links;
}

# Checks the running server, stops it by TERM, checks that it went. One test.
sub finish
{
	my ($self, $name) = @_;
	my @problems = defined $self->{exit} ? () : $self->problems;
	if (!defined $self->{exit} && !@problems) {
		$self->signal('TERM');
		my $exit;
		wait_until(LIMIT, sub {
			Brood::Client::take_leave() if Brood::Client->can('take_leave');
			defined($exit = $self->wait_exit(0.02));
		});
		$exit //= 'none: it did not stop';
		push @problems, "exit status $exit" if $exit ne '0';
	}
	push @problems, $self->leftovers;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	Test::More::ok(!@problems, $name // 'the server stops as asked and leaves nothing behind')
	    or Test::More::diag(join "\n", @problems, 'its standard error:', $self->stderr);
	$self->{finished} = 1;
	return !@problems;
}

# After its end: processes that are still there (given a moment to go), reports of sanitizers.
sub leftovers
{
	my ($self) = @_;
	my @problems;
	wait_until(2, sub { !$self->processes });
	my @left = $self->kill_all;
	push @problems, 'left running: ' . join ' ', @left if @left;
	push @problems, "a sanitizer's report: $1"
	    if $self->stderr =~ /^(.*(?:(?:Address|Leak|Thread)Sanitizer|runtime error:).*)$/m;
	return @problems;
}

# Runs the program with these arguments to its end. Returns { exit, stdout, stderr, lines, left }.
sub run
{
	my ($class, @args) = @_;
	my %want = ref $args[0] ? %{ shift @args } : ();
	my $self = $class->start(%want, bare => 1, args => \@args, unready => 1);
	my $exit = $self->wait_exit($want{limit} // LIMIT);
	wait_until(2, sub { !$self->processes });
	my @left = $self->kill_all;
	$self->{finished} = 1;
	return { exit => $exit // 'none', stdout => $self->stdout, stderr => $self->stderr,
		lines => [$self->stderr_lines], left => [@left], dir => $self->dir, keep => $self };
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!, $@);
	$self->kill_all if $self->{pid} && !$self->{finished} && $self->{owner} == $$;
}

# A test script that forgot a server, or whose server died unseen, has failed.
END {
	my $status = $?;
	for my $self (grep { defined && $_->{owner} == $$ } values %started) {
		my @problems = $self->{master} && !$self->{finished} ? $self->problems : ();
		Test::More::diag("server $self->{pid} was not finished", @problems ? ": @problems" : '');
		$self->kill_all;
		$status ||= 1;
	}
	$? = $status;
}

1;
