# SPDX-License-Identifier: MIT
#
# A systemd of the test's own, as process 1 of namespaces of its own: processes, mounts, network, control groups. It
# knows no units but those that it is given, sees the system read-only, and ends with the test.
#
#     my $systemd = Brood::Systemd->start or plan skip_all => Brood::Systemd->why_not;
#     $systemd->unit('brood.service', $text);
#     is $systemd->ctl(qw(start brood))->{exit}, 0;
#
# In there /opt is the folder `dir`, /run, /tmp and what is below /var that services write to are empty at first.
package Brood::Systemd;

use strict;
use warnings;
use Brood::Proc qw(alive children wait_until);
use Brood::Server;
use File::Path qw(make_path);
use POSIX qw(WNOHANG);

my $why_not = '';
sub why_not { return $why_not }

# A private hierarchy of mounts first, then a control group below the one that we are in, then all else. Who waits for
# process 1 has a group beside it: one that has members gives none of its controllers (memory) to groups in it.
# Capabilities by which process 1 could reach beyond are gone.
my $outer = <<'END';
set -e
mkdir "$1/group"
mount -t cgroup2 cgroup2 "$1/group"
group=$1/group$(sed -n 's/^0:://p' /proc/self/cgroup)/brood-test-$$
mkdir -p "$group/outside"
echo $$ > "$group/cgroup.procs"
exec unshare --cgroup -- sh "$1/outside" "$1" "$group"
END
my $outside = <<'END';
set -e
echo $$ > "$2/outside/cgroup.procs"
umount "$1/group"
exec unshare --pid --fork --kill-child --mount --net --uts --ipc --mount-proc -- \
	setpriv --bounding-set=-sys_time,-sys_module,-sys_boot,-syslog,-mknod -- sh "$1/inner" "$1"
END
my $inner = <<'END';
set -e
mount --bind "$1/opt" /opt
for folder in /run /tmp /var/tmp /var/log /var/lib /var/cache; do
	mount -t tmpfs -o mode=755 tmpfs $folder
done
chmod 1777 /tmp /var/tmp
for folder in /etc /sys /proc/sys; do
	mount --bind $folder $folder
	mount -o remount,bind,ro $folder
done
mount --bind /dev/null /dev/console
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo 1 > /sys/fs/cgroup/cgroup.procs
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=brood-test SYSTEMD_UNIT_PATH=/opt/units \
	SYSTEMD_GENERATOR_PATH=/opt/none SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/opt/none SYSTEMD_PROC_CMDLINE= \
	"$(cat /opt/systemd)" --system --unit=test.target --log-target=null --show-status=no \
	--default-standard-output=null --default-standard-error=null
END

sub missing
{
	return 'needs root' if $> != 0;
	my ($systemd) = grep { -x } qw(/usr/lib/systemd/systemd /lib/systemd/systemd);
	return 'systemd is not installed' if !$systemd;
	for my $tool (qw(unshare nsenter setpriv systemctl curl)) {
		return "$tool is not installed" if !grep { -x "$_/$tool" } split /:/, $ENV{PATH};
	}
	return ('', $systemd);
}

# Is it process 1 of its namespace, and has become systemd? Before that it sees what everybody sees, and whoever asks in
# its place would speak with the machine's own systemd.
sub is_init
{
	my ($pid) = @_;
	my $status = Brood::Proc::status($pid) or return 0;
	return ($status->{NSpid} // '') =~ /\d\s+1$/ && ($status->{Name} // '') =~ /^\s*systemd$/;
}

# Undef where that cannot be.
sub start
{
	my ($class) = @_;
	($why_not, my $systemd) = missing();
	return if $why_not;
	my $self = bless { dir => Brood::Server::new_dir(), owner => $$ }, $class;
	make_path("$self->{dir}/opt/$_") for qw(units none);
	Brood::Server::write_file("$self->{dir}/outer", $outer);
	Brood::Server::write_file("$self->{dir}/outside", $outside);
	Brood::Server::write_file("$self->{dir}/inner", $inner);
	Brood::Server::write_file("$self->{dir}/opt/systemd", $systemd);
	# What units depend on without saying so.
	$self->unit("$_.target", "[Unit]\nDescription=$_\nDefaultDependencies=no\n")
	    for qw(sysinit basic sockets shutdown network-online multi-user test);
	$self->{unshare} = $self->spawn(qw(unshare --mount --propagation private -- sh), "$self->{dir}/outer", "$self->{dir}");
	my $up = wait_until(60, sub {
		waitpid($self->{unshare}, WNOHANG) == $self->{unshare} and $self->{ended} = 1 and return 1;
		my ($init) = grep { is_init($_) } children($self->{unshare}) or return 0;
		$self->{init} = $init;
		return -S "/proc/$init/root/run/systemd/private" && $self->ctl('is-system-running')->{stdout} =~ /^running/;
	});
	return $self if $up && !$self->{ended};
	my ($said) = Brood::Server::slurp("$self->{dir}/out") =~ /^(.+)/;
	$why_not = 'systemd cannot be run in namespaces of its own here' . ($said ? ": $said" : '');
	return;
}

sub spawn
{
	my ($self, @command) = @_;
	my $pid = fork // die "fork: $!";
	return $pid if $pid;
	open STDIN, '<', '/dev/null';
	open STDOUT, '>', "$self->{dir}/out";
	open STDERR, '>&', \*STDOUT;
	exec { $command[0] } @command or POSIX::_exit(127);
}

sub dir { return "$_[0]{dir}/opt" }

# The path of a file in there, from here.
sub path { return "/proc/$_[0]{init}/root$_[1]" }
sub slurp { return Brood::Server::slurp($_[0]->path($_[1])) }

# Of "NAME.d/file.conf" a drop-in is made. Known to systemd after reread.
sub unit
{
	my ($self, $name, $text) = @_;
	make_path("$self->{dir}/opt/units/$1") if $name =~ m{(.*)/};
	Brood::Server::write_file("$self->{dir}/opt/units/$name", $text);
	return;
}

sub forget_unit { return unlink "$_[0]{dir}/opt/units/$_[1]" }
sub reread { return $_[0]->ctl('daemon-reload')->{exit} eq '0' }

# Runs a command in there to its end. { exit, stdout, stderr }
sub run
{
	my ($self, @command) = @_;
	my $base = "$self->{dir}/run-" . ++$self->{runs};
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$base.out";
		open STDERR, '>', "$base.err";
		alarm 60; # kept over exec
		exec 'nsenter', '-t', $self->{init}, qw(-m -p -n -u -i -C --), @command or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return { exit => $? & 127 ? 'signal ' . ($? & 127) : $? >> 8, stdout => Brood::Server::slurp("$base.out"),
		stderr => Brood::Server::slurp("$base.err") };
}

sub ctl { my ($self, @args) = @_; return $self->run('systemctl', @args) }

# A property of a unit.
sub show
{
	my ($self, $unit, $property) = @_;
	my $value = $self->ctl('show', '-p', $property, '--value', $unit)->{stdout};
	chomp $value;
	return $value;
}

# A service's main process, by its number here. Undef: there is none.
sub main_pid
{
	my ($self, $unit) = @_;
	my $inside = $self->show($unit, 'MainPID') or return undef;
	my ($found) = grep { (Brood::Proc::status($_)->{NSpid} // '') =~ /\s\Q$inside\E$/ } children($self->{init});
	return $found;
}

sub stop
{
	my ($self) = @_;
	return if $self->{ended} || $$ != $self->{owner};
	my ($group) = Brood::Server::slurp("/proc/$self->{unshare}/cgroup") =~ m{^0::(/.*)/outside$}m;
	kill 'KILL', $self->{init} // $self->{unshare}; # process 1: all that it has started goes with it
	waitpid $self->{unshare}, 0;
	$self->{ended} = 1;
	remove_group($group) if defined $group && $group =~ m{/brood-test-\d+\z};
	return;
}

# Groups can be removed as soon as their last processes are reaped.
sub remove_group
{
	my ($group) = @_;
	my $remove = 'mount -t cgroup2 cgroup2 /mnt && find "/mnt$1" -depth -type d -exec rmdir {} + 2>/dev/null; [ ! -e "/mnt$1" ]';
	return wait_until(5, sub { system(qw(unshare --mount --propagation private -- sh -c), $remove, 'sh', $group) == 0 });
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!, $@);
	$self->stop if $self->{unshare};
}

1;
