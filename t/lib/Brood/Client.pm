# SPDX-License-Identifier: MIT
#
# An HTTP client that sends the octets it is told to and reads answers strictly: what RFC 9112 does not
# allow in a response is a problem, not something to be forgiven.
#
#     my $client = Brood::Client->connect($server->address);
#     $client->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
#     my $response = $client->response;
#     is $response->status, 200;
#     is $client->ending, 'open';
#
# Nothing dies on what the server does: a response that did not come or is malformed has a status that
# says so in words. Time limits only guard against hanging.
package Brood::Client;

use strict;
use warnings;
use Errno qw(EAGAIN ECONNRESET EINPROGRESS EINTR EPIPE);
use IO::Handle;
use Scalar::Util qw(weaken);
use Socket qw(:DEFAULT :addrinfo IPPROTO_TCP TCP_NODELAY SO_LINGER SO_ERROR SOL_SOCKET);
use Time::HiRes qw(sleep time);

use constant LIMIT => 10;

my %all;

# ADDRESS: "127.0.0.1:8000", "[::1]:8000", "unix:/path". Returns undef with $! set when it is refused.
# `limit`: seconds until waiting for anything is given up [10]. `receive_buffer`: SO_RCVBUF. `from`: the
# own address ("127.0.0.2"). `tls`: options for IO::Socket::SSL, or 0 to speak plainly; by default TLS is
# spoken, without a name and without a look at the certificate, to addresses which Brood::Server knows for that.
# `later`: where the server may take its time, the handshake is not waited for here: it is begun by what is sent
# first, which follows when the handshake is done, while an answer is waited for.
sub connect
{
	my ($class, $address, %option) = @_;
	my ($family, $peer) = resolve($address);
	socket(my $socket, $family, SOCK_STREAM, 0) or die "socket: $!";
	binmode $socket;
	$socket->blocking(0);
	setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1) if $family != AF_UNIX;
	setsockopt($socket, SOL_SOCKET, SO_RCVBUF, $option{receive_buffer}) if $option{receive_buffer};
	bind($socket, (resolve("$option{from}:0"))[1]) or die "$option{from}: $!" if $option{from};
	my $self = bless { socket => $socket, received => '', limit => $option{limit} // LIMIT,
		address => $address }, $class;
	weaken($all{0 + $self} = $self);
	if (!connect($socket, $peer)) {
		return undef if $! != EINPROGRESS && $! != EAGAIN;
		$self->wait_for('w', time + $self->{limit}) or do { $! = Errno::ETIMEDOUT; return undef };
		my $error = unpack 'i', getsockopt($socket, SOL_SOCKET, SO_ERROR);
		$! = $error;
		return undef if $error;
	}
	my $tls = $option{tls} // ($Brood::Server::speaks_tls{$address} ? {} : 0);
	return $self if !$tls;
	$self->begin_tls($tls);
	return $option{later} || $self->shake_hands(time + $self->{limit}) eq 'done' ? $self : undef;
}

our $tls_error;
my %own_context;
sub begin_tls
{
	my ($self, $options) = @_;
	require IO::Socket::SSL;
	# A context reads all authorities of the system, which takes longer than a handshake.
	my $context = $own_context{ join ' ', %$options } //= IO::Socket::SSL::SSL_Context->new(
		SSL_verify_mode => 0, SSL_ca_file => undef, SSL_ca_path => undef, %$options)
	    // die "TLS: $IO::Socket::SSL::SSL_ERROR";
	IO::Socket::SSL->start_SSL($self->{socket}, SSL_reuse_ctx => $context, SSL_hostname => '', SSL_startHandshake => 0,
		%$options) or die "TLS: $IO::Socket::SSL::SSL_ERROR";
	@$self{qw(tls shakes held)} = (1, 1, '');
}

# Goes on with the handshake, and sends what was held back for it. 'done', 'timeout', or the end: 'closed', 'reset' or
# 'alert', with $Brood::Client::tls_error set.
sub shake_hands
{
	my ($self, $until) = @_;
	return $self->{end} if $self->{end}; # it has failed before
	local $SIG{PIPE} = 'IGNORE';
	until ($self->{socket}->connect_SSL) {
		my $errno = 0 + $!;
		$tls_error = "$IO::Socket::SSL::SSL_ERROR";
		my $wanted = $errno == EAGAIN ? $self->tls_wants : undef;
		return $self->{end} = $errno == ECONNRESET || $errno == EPIPE ? 'reset' : $tls_error =~ /alert/ ? 'alert' : 'closed'
		    if !$wanted;
		$self->wait_for($wanted, $until) or return 'timeout';
	}
	$self->{shakes} = 0;
	$self->send(delete $self->{held});
	return 'done';
}

# On a connection that began without: undef with $Brood::Client::tls_error set when the handshake fails.
sub speak_tls
{
	my ($self, $options) = @_;
	$self->begin_tls($options);
	return $self->shake_hands(time + $self->{limit}) eq 'done' ? $self : undef;
}

# What the socket is to be waited for, where that is not what the call suggests.
sub tls_wants
{
	my ($self) = @_;
	return 'r' if $IO::Socket::SSL::SSL_ERROR == IO::Socket::SSL::SSL_WANT_READ();
	return 'w' if $IO::Socket::SSL::SSL_ERROR == IO::Socket::SSL::SSL_WANT_WRITE();
	return undef;
}

# What has come over TLS is added to `received`: 'data'. Else what to wait for, 'r' or 'w', or the end: 'closed' with
# close_notify, 'cut off' without, 'reset', or 'alert', with $Brood::Client::tls_error set. Not by IO::Socket::SSL:
# its later versions take an alert for an end.
sub tls_read
{
	my ($self) = @_;
	my $ssl = $self->{socket}->_get_ssl_object;
	local $SIG{PIPE} = 'IGNORE'; # it may have something to say, too
	Net::SSLeay::ERR_clear_error();
	$! = 0;
	my ($octets, $result) = Net::SSLeay::read($ssl, 65536);
	my $errno = 0 + $!;
	if (defined $octets && length $octets) {
		$self->{received} .= $octets;
		return 'data';
	}
	my $kind = Net::SSLeay::get_error($ssl, $result // -1);
	return 'r' if $kind == Net::SSLeay::ERROR_WANT_READ();
	return 'w' if $kind == Net::SSLeay::ERROR_WANT_WRITE();
	if (my $error = Net::SSLeay::ERR_get_error()) {
		$tls_error = Net::SSLeay::ERR_error_string($error);
		return $tls_error =~ /unexpected eof/ ? 'cut off' : 'alert';
	}
	return 'reset' if $errno == ECONNRESET || $errno == EPIPE;
	return Net::SSLeay::get_shutdown($ssl) & Net::SSLeay::RECEIVED_SHUTDOWN() ? 'closed' : 'cut off';
}

# Of the session: 'TLSv1_3', and whether it was resumed.
sub tls_version { return $_[0]{socket}->get_sslversion }
sub tls_resumed { return $_[0]{socket}->get_session_reused }

sub resolve
{
	my ($address) = @_;
	return (AF_UNIX, pack_sockaddr_un($1)) if $address =~ /^unix:(.*)/s;
	my ($host, $port) = $address =~ /^\[?(.*?)\]?:(\d+)$/ or die "address '$address'";
	my ($error, $found) = getaddrinfo($host, $port, { flags => AI_NUMERICHOST, socktype => SOCK_STREAM });
	die "address '$address': $error" if $error;
	return @$found{qw(family addr)};
}

# What clients do as a rule when the server has something to say on a connection that they have forgotten: its end is
# answered by theirs. For the end of a test.
sub take_leave
{
	for my $self (grep { $_ && defined fileno $_->{socket} } values %all) {
		shutdown $self->{socket}, 1 if $self->wait_for('r', 0);
	}
}

sub DESTROY { delete $all{0 + $_[0]} }

# Has the server read all that was sent to it? Of IPv4 only: as the kernel's table has it (proc_pid_net(5)).
sub is_read
{
	my ($self) = @_;
	my ($ours, $theirs) = map { my ($port, $address) = unpack_sockaddr_in $_; sprintf '%08X:%04X', unpack('V', $address), $port }
	    getsockname $self->{socket}, getpeername $self->{socket};
	open my $table, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
	my ($row) = grep { $_->[1] eq $theirs && $_->[2] eq $ours } map { [split] } readline $table;
	return $row && $row->[4] =~ /:0+\z/;
}

sub fd { return fileno $_[0]{socket} }
sub local_port { return (unpack_sockaddr_in(getsockname $_[0]{socket}))[0] }

# Waits until the socket can be read ('r') or written ('w'). False: the time is up.
sub wait_for
{
	my ($self, $what, $until) = @_;
	vec(my $set = '', $self->fd, 1) = 1;
	my ($read, $write) = $what eq 'r' ? ($set, undef) : (undef, $set);
	while (1) {
		my $left = $until - time;
		$left = 0 if $left < 0;
		my $count = select my $r = $read, my $w = $write, undef, $left;
		return 1 if $count > 0;
		return 0 if $count == 0 || $! != EINTR;
	}
}

# Waits until an answer, or the end, has begun to come, and takes no more of it than that needs. False: the time is up.
sub wait_answer
{
	my ($self, $until) = @_;
	return $self->wait_for('r', $until) if !$self->{tls}; # there may be octets that belong to TLS alone
	return length $self->{received} || $self->fill($until) ne 'timeout';
}

# Sends all. False: the server has closed or does not read; $! says which.
sub send
{
	my ($self, $octets) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my ($done, $until) = (0, time + $self->{limit});
	if ($self->{shakes}) {
		$self->{held} .= $octets;
		return $self->shake_hands(time) =~ /^(?:done|timeout)\z/;
	}
	while ($done < length $octets) {
		my $count = syswrite $self->{socket}, $octets, length($octets) - $done, $done;
		if (defined $count) {
			$done += $count;
		} elsif ($! == EAGAIN) {
			$self->wait_for($self->{tls} && $self->tls_wants || 'w', $until)
			    or do { $! = Errno::ETIMEDOUT; return 0 };
		} elsif ($! != EINTR) {
			return 0;
		}
	}
	return 1;
}

# Sends the pieces one by one, each in a segment of its own, giving the server a chance to see each.
sub send_pieces
{
	my ($self, @pieces) = @_;
	for my $piece (@pieces) {
		$self->send($piece) or last;
		$self->wait_for('r', time + 0.0005);
	}
}

# The same without TLS.
sub plain_read
{
	my ($self) = @_;
	while (1) {
		my $count = sysread $self->{socket}, $self->{received}, 65536, length $self->{received};
		return $count ? 'data' : 'closed' if defined $count;
		return 'reset' if $! == ECONNRESET || $! == EPIPE;
		return 'r' if $! == EAGAIN;
		die "read: $!" if $! != EINTR;
	}
}

# Reads once what is there. 'data', 'timeout', or the end: 'closed', 'reset' and what TLS adds.
sub fill
{
	my ($self, $until) = @_;
	return $self->{end} if $self->{end};
	if ($self->{shakes}) {
		my $state = $self->shake_hands($until);
		return $state if $state ne 'done';
	}
	while (1) {
		my $got = $self->{tls} ? $self->tls_read : $self->plain_read;
		return $got if $got eq 'data';
		return $self->{end} = $got if $got ne 'r' && $got ne 'w';
		$self->wait_for($got, $until) or return 'timeout';
	}
}

# What the server has done to the connection: 'open' (nothing within SECONDS), 'closed', 'reset', or 'data'
# with octets that nobody asked for.
sub ending
{
	my ($self, $seconds) = @_;
	my $state = 'data';
	$state = $self->fill(time + ($seconds // 0.1)) if !length $self->{received};
	return length $self->{received} ? 'data' : $state eq 'timeout' ? 'open' : $state;
}

# Waits for the end of the connection, up to the guard: 'closed', 'reset', 'data', or 'open' when it hangs.
sub wait_end { return $_[0]->ending($_[0]{limit}) }

# Everything up to the end of the connection, as it came.
sub read_all
{
	my ($self) = @_;
	my $until = time + $self->{limit};
	1 while $self->fill($until) eq 'data';
	return delete($self->{received}) . ($self->{received} = '');
}

sub buffered { return $_[0]{received} }

# Reads one response. `method` is the request's, since a HEAD has no body. Interim responses (1xx) are put
# aside in $response->interim.
sub response
{
	my ($self, %option) = @_;
	my $until = time + ($option{limit} // $self->{limit});
	my @interim;
	while (1) {
		my $response = eval { $self->read_response($option{method} // 'GET', $until) };
		if (!$response) {
			chomp(my $problem = $@ || 'unknown');
			return Brood::Response->failed($problem, \@interim);
		}
		$response->{interim} = \@interim;
		return $response if $response->{status} >= 200 || $response->{status} == 101;
		push @interim, $response;
	}
}

sub read_response
{
	my ($self, $method, $until) = @_;
	my $head = $self->take_until("\r\n\r\n", $until, 'head');
	my $response = Brood::Response->parse($head);
	my $status = $response->{status};
	return $response if $method eq 'HEAD' || $status < 200 || $status == 204 || $status == 304;
	my $length = $response->header('Content-Length');
	my $coding = $response->header('Transfer-Encoding');
	if (defined $coding) {
		die "Transfer-Encoding '$coding' in a response to HTTP/1.1\n" if lc $coding ne 'chunked';
		$response->{body} = $self->take_chunked($until);
	} elsif (defined $length) {
		$response->{body} = $self->take($length, $until, 'body');
	} else {
		1 while (my $state = $self->fill($until)) eq 'data';
		die "the connection was $self->{end} within a body without length\n"
		    if ($self->{end} // 'never closed') ne 'closed';
		$response->{body} = $self->{received};
		$self->{received} = '';
	}
	return $response;
}

sub take
{
	my ($self, $size, $until, $what) = @_;
	while (length $self->{received} < $size) {
		my $state = $self->fill($until);
		die "$state after " . length($self->{received}) . " of $size octets of the $what\n"
		    if $state ne 'data';
	}
	return substr $self->{received}, 0, $size, '';
}

sub take_until
{
	my ($self, $end, $until, $what) = @_;
	my $at;
	while (($at = index $self->{received}, $end) < 0) {
		die "no end of the $what within 64 KiB\n" if length $self->{received} > 65536;
		my $state = $self->fill($until);
		die "no response: $state after " . length($self->{received}) . " octets of the $what\n"
		    if $state ne 'data';
	}
	return substr $self->{received}, 0, $at + length $end, '';
}

sub take_chunked
{
	my ($self, $until) = @_;
	my $body = '';
	while (1) {
		my $line = $self->take_until("\r\n", $until, 'chunk size');
		my ($size) = $line =~ /^([0-9a-f]{1,15})(?:;.*)?\r\n\z/i or die "chunk size '$line'\n";
		last if hex $size == 0;
		$body .= $self->take(hex $size, $until, 'chunk');
		$self->take(2, $until, 'end of chunk') eq "\r\n" or die "no CRLF after a chunk\n";
	}
	1 while $self->take_until("\r\n", $until, 'trailer') ne "\r\n";
	return $body;
}

# One request with the usual fields, and its response. FIELDS are names and values; undef leaves out one
# that is sent by default (Host).
sub request
{
	my ($self, $method, $target, @fields) = @_;
	my %given = map { $_ % 2 ? () : (lc $fields[$_] => 1) } 0 .. $#fields;
	unshift @fields, Host => 'test.example' if !$given{host};
	my $head = "$method $target HTTP/1.1\r\n";
	while (my ($name, $value) = splice @fields, 0, 2) {
		$head .= "$name: $value\r\n" if defined $value;
	}
	$self->send("$head\r\n");
	return $self->response(method => $method);
}

sub get { my ($self, @rest) = @_; return $self->request('GET', @rest) }
sub head { my ($self, @rest) = @_; return $self->request('HEAD', @rest) }

# Over TLS with close_notify.
sub shutdown_write
{
	my ($self) = @_;
	local $SIG{PIPE} = 'IGNORE';
	Net::SSLeay::shutdown($self->{socket}->_get_ssl_object) if $self->{tls};
	shutdown $self->{socket}, 1;
}

sub close { CORE::close $_[0]{socket} }

# Ends the connection by RST.
sub reset
{
	my ($self) = @_;
	setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
	CORE::close $self->{socket};
}

package Brood::Response;

use strict;
use warnings;

my $http_date = qr/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT\z/;
my $token = qr/[!#\$%&'*+\-.^_`|~0-9A-Za-z]+/;

# Dies with a line of text when the head is not as RFC 9112 wants it.
sub parse
{
	my ($class, $head) = @_;
	my ($first, @lines) = split /\r\n/, $head;
	die "bare CR, LF or NUL in the head\n" if join('', $first, @lines) =~ /[\r\n\0]/;
	my ($version, $status, $reason) = $first =~ m{^HTTP/(1\.1) ([1-9]\d\d) ([\t\x20-\x7e\x80-\xff]*)\z}
	    or die "malformed status line '$first'\n";
	my $self = bless { status => $status, reason => $reason, fields => [], head => $head, body => '' },
	    $class;
	for my $line (@lines) {
		my ($name, $value) = $line =~ /^($token):[ \t]*(.*?)[ \t]*\z/
		    or die "malformed field line '$line'\n";
		push @{ $self->{fields} }, [$name, $value];
	}
	$self->check;
	return $self;
}

# What every response of an origin server must keep to (RFC 9110 sections 6.6.1, 8.6; 9112 section 6).
sub check
{
	my ($self) = @_;
	for my $name (qw(Content-Length Date Content-Type Location ETag Last-Modified Content-Range)) {
		die "$name twice\n" if (my @values = $self->headers($name)) > 1;
	}
	my ($length, $coding) = map { $self->header($_) } qw(Content-Length Transfer-Encoding);
	die "Content-Length '$length'\n" if defined $length && $length !~ /^\d+\z/;
	die "Content-Length beside Transfer-Encoding\n" if defined $length && defined $coding;
	die "Content-Length in a $self->{status}\n"
	    if defined $length && ($self->{status} < 200 || $self->{status} == 204);
	die "no Date\n" if $self->{status} >= 200 && !defined $self->header('Date');
	for my $name (qw(Date Last-Modified)) {
		my $date = $self->header($name) // next;
		die "$name '$date'\n" if $date !~ $http_date;
	}
}

sub failed
{
	my ($class, $problem, $interim) = @_;
	return bless { status => $problem, reason => '', fields => [], head => '', body => '',
		interim => $interim, failed => 1 }, $class;
}

sub status { return $_[0]{status} }
sub reason { return $_[0]{reason} }
sub body { return $_[0]{body} }
sub raw_head { return $_[0]{head} }
sub interim { return @{ $_[0]{interim} } }
sub ok { return !$_[0]{failed} && $_[0]{status} =~ /^2/ }

sub headers
{
	my ($self, $name) = @_;
	return map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $self->{fields} };
}

# The field's value; several lines joined by ", "; undef when there is none.
sub header
{
	my ($self, $name) = @_;
	my @values = $self->headers($name);
	return @values ? join(', ', @values) : undef;
}

# Does it announce the end of the connection?
sub says_close { return scalar grep { lc eq 'close' } split /[ \t]*,[ \t]*/, $_[0]->header('Connection') // '' }

# (slot, generation, pid) from X-Brood-Worker, or nothing.
sub worker { return ($_[0]->header('X-Brood-Worker') // '') =~ /^(\d+)-(\d+)-(\d+)\z/ }

1;
