# SPDX-License-Identifier: MIT
#
# Chromium without a window, told what to do over a pipe (the Chrome DevTools Protocol: JSON messages that end
# in a NUL), so that a test can see what a page sees: what was loaded, what failed, what a script says.
#
#     my $browser = Brood::Browser->start or skip 'chromium is not installed', 1;
#     my $visit = $browser->visit($server->url('/'), width => 320, dark => 1);
#     is_deeply $visit->{problems}, [];
#     is $browser->evaluate('document.title'), 'brood is running';
#     $browser->finish;
package Brood::Browser;

use strict;
use warnings;
use Brood::Figures qw(find_program);
use Brood::Proc qw(wait_until);
use Brood::Server;
use Fcntl qw(F_DUPFD F_SETFD);
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use POSIX qw(WNOHANG);
use Time::HiRes qw(time);

use constant LIMIT => 60; # seconds; a guard against hanging only

# undef when there is no Chromium.
sub start
{
	my ($class) = @_;
	my $program = find_program('chromium') // find_program('chromium-browser') // find_program('google-chrome') // return undef;
	my $dir = Brood::Server::new_dir();
	pipe my $their_in, my $to or die "pipe: $!";
	pipe my $from, my $their_out or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		setpgrp;
		my @high = map { fcntl $_, F_DUPFD, 50 or die "F_DUPFD: $!" } $their_in, $their_out;
		POSIX::dup2($high[0], 3);
		POSIX::dup2($high[1], 4);
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/output";
		open STDERR, '>&', \*STDOUT;
		delete @ENV{qw(http_proxy HTTP_PROXY all_proxy ALL_PROXY DBUS_SESSION_BUS_ADDRESS)};
		$ENV{HOME} = "$dir";
		exec $program, '--headless=new', (Brood::Server::with_tls() ? '--ignore-certificate-errors' : ()), ($> ? () : '--no-sandbox'), '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars',
		    '--no-first-run', '--no-proxy-server', '--disable-background-networking', '--disable-component-update', '--disable-extensions',
		    '--autoplay-policy=no-user-gesture-required', '--mute-audio', "--user-data-dir=$dir/profile", '--remote-debugging-pipe',
		    'about:blank' or POSIX::_exit(127);
	}
	$to->autoflush(1);
	my $self = bless { dir => $dir, pid => $pid, to => $to, from => $from, buffer => '', id => 0, events => [] }, $class;
	my $target = eval { $self->command('Target.createTarget', url => 'about:blank')->{targetId} };
	if (!defined $target) {
		$self->finish;
		return undef; # it does not run on this machine
	}
	$self->{session} = $self->command('Target.attachToTarget', targetId => $target, flatten => JSON::PP::true)->{sessionId};
	$self->command("$_.enable") for qw(Page Network Runtime Log);
	return $self;
}

# One message of the browser; dies when none comes.
sub receive
{
	my ($self) = @_;
	my ($until, $end) = (time + LIMIT);
	while (($end = index $self->{buffer}, "\0") < 0) {
		vec(my $set = '', fileno $self->{from}, 1) = 1;
		my $left = $until - time;
		die "the browser is silent\n" if $left <= 0 || !select $set, undef, undef, $left;
		sysread $self->{from}, $self->{buffer}, 1 << 16, length $self->{buffer}
		    or die 'the browser ended: ', Brood::Server::slurp("$self->{dir}/output"), "\n";
	}
	return JSON::PP::decode_json(substr($self->{buffer}, 0, $end + 1, '') =~ s/\0\z//r);
}

# A command and its result; events that come meanwhile are kept.
sub command
{
	my ($self, $method, %params) = @_;
	my $id = ++$self->{id};
	local $SIG{PIPE} = 'IGNORE';
	print { $self->{to} } JSON::PP::encode_json({ id => $id, method => $method, params => \%params,
		defined $self->{session} ? (sessionId => $self->{session}) : () }), "\0";
	while (1) {
		my $message = $self->receive;
		if (!defined $message->{id}) {
			push @{ $self->{events} }, $message;
		} elsif ($message->{id} == $id) {
			die "$method: $message->{error}{message}\n" if $message->{error};
			return $message->{result};
		}
	}
}

# The value of an expression in the page; that of a promise is waited for.
sub evaluate
{
	my ($self, $expression) = @_;
	my $result = $self->command('Runtime.evaluate', expression => $expression, returnByValue => JSON::PP::true, awaitPromise => JSON::PP::true);
	my $wrong = $result->{exceptionDetails} or return $result->{result}{value};
	die 'in the page: ', $wrong->{exception}{description} // $wrong->{text}, "\n";
}

# What an event tells of that should not be; undef if it is well. %$url: names of requests.
sub problem
{
	my ($event, $url) = @_;
	my ($method, $params) = @$event{qw(method params)};
	$url->{ $params->{requestId} } = $params->{request}{url} if $method eq 'Network.requestWillBeSent';
	# The browser asks for that by itself, at any time, when a page names no icon.
	return undef if ($params->{response}{url} // $params->{entry}{url} // '') =~ m{/favicon\.ico$};
	# A player gives up a download when it seeks.
	return undef if $method eq 'Network.loadingFailed' && $params->{type} eq 'Media' && $params->{canceled};
	return "$params->{errorText}: " . ($url->{ $params->{requestId} } // 'a request') if $method eq 'Network.loadingFailed';
	return "$params->{response}{status}: $params->{response}{url}"
	    if $method eq 'Network.responseReceived' && $params->{response}{status} >= 400;
	return "console: $params->{entry}{text}" if $method eq 'Log.entryAdded' && $params->{entry}{level} =~ /^(?:error|warning)$/;
	return 'console: ' . join ' ', map { $_->{value} // $_->{description} // '' } @{ $params->{args} }
	    if $method eq 'Runtime.consoleAPICalled' && $params->{type} =~ /^(?:error|warning|assert)$/;
	return "exception: $params->{exceptionDetails}{text}" if $method eq 'Runtime.exceptionThrown';
	return undef;
}

# What events tell: { problems => [what failed, in words], requests => [{ url, status, range, connection }] }.
sub summary
{
	my (@events) = @_;
	my %url;
	return {
		problems => [map { problem($_, \%url) // () } @events],
		requests => [map {
			my $response = $_->{params}{response};
			my %field = map { lc $_ => $response->{headers}{$_} } keys %{ $response->{headers} };
			{ url => $response->{url}, status => $response->{status}, range => $field{'content-range'},
				connection => $response->{connectionId} };
		} grep { $_->{method} eq 'Network.responseReceived' } @events],
	};
}

# Loads a page with all that belongs to it: its summary. `width` [1280], `dark` [no].
sub visit
{
	my ($self, $url, %how) = @_;
	my $width = $how{width} // 1280;
	$self->command('Emulation.setDeviceMetricsOverride', width => $width, height => 900, deviceScaleFactor => 1,
		mobile => $width < 600 ? JSON::PP::true : JSON::PP::false);
	$self->command('Emulation.setEmulatedMedia', features => [{ name => 'prefers-color-scheme', value => $how{dark} ? 'dark' : 'light' }]);
	$self->command('Network.setCacheDisabled', cacheDisabled => JSON::PP::true);
	$self->{events} = [];
	my $navigation = $self->command('Page.navigate', url => $url);
	return { problems => ["$navigation->{errorText}: $url"], requests => [] } if $navigation->{errorText};
	push @{ $self->{events} }, $self->receive while !grep { $_->{method} eq 'Page.loadEventFired' } @{ $self->{events} };
	return summary(splice @{ $self->{events} });
}

# What has happened since the page was loaded.
sub since
{
	my ($self) = @_;
	$self->evaluate('0'); # what was on the way is here then
	return summary(splice @{ $self->{events} });
}

# A picture (PNG) of the whole page.
sub picture
{
	my ($self, $path) = @_;
	my $size = $self->command('Page.getLayoutMetrics')->{cssContentSize};
	my $data = $self->command('Page.captureScreenshot', captureBeyondViewport => JSON::PP::true,
		clip => { x => 0, y => 0, width => $size->{width}, height => $size->{height}, scale => 1 })->{data};
	return Brood::Server::write_file($path, decode_base64($data));
}

sub finish
{
	my ($self) = @_;
	my $pid = delete $self->{pid} // return;
	close $self->{to}; # it ends by itself then
	close $self->{from};
	wait_until(10, sub { waitpid($pid, WNOHANG) == $pid }) and return;
	kill 'KILL', -$pid;
	waitpid $pid, 0;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!, $@);
	$self->finish;
}

1;
