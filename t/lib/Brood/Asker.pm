# SPDX-License-Identifier: MIT
#
# A connection of a client that knows each octet of each answer in advance, and looks at all times: what nobody asked
# for is seen when it comes. It waits for nothing; many are driven by one Brood::Flock.
#
#     my $asker = Brood::Asker->new($flock, address => $server->address, tls => $context,
#         answered => sub { my ($asker, $request, $response, $body) = @_; ... },
#         over => sub { my ($asker, $how, @unanswered) = @_; ... });
#     $asker->ask({ octets => "GET / HTTP/1.1\r\n...", method => 'GET', expect => sub { my ($response) = @_; ... } });
#
# `expect` is called with the head of the answer (Brood::Response) and returns the bodies that would be right, each as
# [reference to a text, offset, length]; it dies with a sentence when the head is not right.
package Brood::Asker;

use strict;
use warnings;
use Brood::Client;
use Brood::Content;
use Errno qw(EAGAIN ECONNREFUSED ECONNRESET EINPROGRESS EINTR EPIPE);
use Socket qw(AF_INET IPPROTO_TCP SOCK_STREAM SOL_SOCKET SO_ERROR SO_LINGER SO_RCVBUF TCP_NODELAY);
use Time::HiRes qw(time);

use constant HEAD_MAX => 16384;

# `receive_buffer`: SO_RCVBUF. `pace`: [octets, seconds], so much is read at a time and so long waited after it.
# `name`: in what is said of it. Others as above; all but `address` optional.
sub new
{
	my ($class, $flock, %want) = @_;
	my ($family, $peer) = Brood::Client::resolve($want{address});
	socket(my $socket, $family, SOCK_STREAM, 0) or die "socket: $!";
	binmode $socket;
	$socket->blocking(0);
	setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1) if $family == AF_INET;
	setsockopt($socket, SOL_SOCKET, SO_RCVBUF, $want{receive_buffer}) if $want{receive_buffer};
	my $self = bless { %want, flock => $flock, socket => $socket, fd => fileno $socket, phase => 'connecting', out => '',
		pieces => [], got => '', asked => [], begun => time, last => time, wants => 'w', read_at => 0 }, $class;
	connect($socket, $peer) || $! == EINPROGRESS || $! == EAGAIN or return $self->later_over($! == ECONNREFUSED ? 'refused' : "$!");
	$flock->add($self);
	return $self;
}

# An end that is found at once is told of like the others, when the caller has us.
sub later_over
{
	my ($self, $how) = @_;
	$self->{flock}->add($self);
	$self->{flock}->at(0, sub { $self->over($how) });
	return $self;
}

# What `tls` wants: without a look at the certificate.
sub tls_context
{
	require IO::Socket::SSL;
	my $context = Net::SSLeay::CTX_new_with_method(Net::SSLeay::TLS_client_method()) or die "TLS: no context";
	Net::SSLeay::CTX_set_mode($context, 1 | 2); # what is sent may be a part, and lie elsewhere the next time
	return $context;
}

sub is_over { return $_[0]{phase} eq 'over' }
sub idle { return $_[0]{phase} eq 'open' && !@{ $_[0]{asked} } && !$_[0]{told_close} }
sub waits { return scalar @{ $_[0]{asked} } }
sub local_port { return $_[0]{port} // 0 }

# Sends requests, all at once; or, with `pieces`, in so many pieces with `pause` seconds between them.
sub ask
{
	my ($self, @requests) = @_;
	push @{ $self->{asked} }, @requests;
	$_->{asked_at} = time for @requests;
	return if $self->is_over;
	for my $request (@requests) {
		my ($octets, $pieces) = ($request->{octets}, $request->{pieces} // 1);
		my $size = int(length($octets) / $pieces) || 1;
		push @{ $self->{pieces} }, [substr($octets, 0, $size, ''), $request->{pause} // 0] for 2 .. $pieces;
		push @{ $self->{pieces} }, [$octets, 0];
	}
	$self->next_piece;
}

sub next_piece
{
	my ($self) = @_;
	while (@{ $self->{pieces} } && !$self->{pausing} && !$self->is_over) {
		my ($octets, $pause) = @{ shift @{ $self->{pieces} } };
		$self->{out} .= $octets;
		$self->send_out if $self->{phase} eq 'open';
		next if !$pause;
		$self->{pausing} = 1;
		$self->{flock}->at($pause, sub { $self->{pausing} = 0; $self->next_piece });
	}
}

# ---- for the flock

sub wants_write { return $_[0]{phase} eq 'open' ? length $_[0]{out} : $_[0]{wants} eq 'w' }
sub wants_read { return $_[0]{phase} eq 'open' ? !$_[0]{pace} || time >= $_[0]{read_at} : $_[0]{wants} eq 'r' }
# Octets may be held by TLS, which the socket does not show.
sub may_hold { return $_[0]{ssl} && $_[0]{pace} && $_[0]{phase} eq 'open' && Net::SSLeay::pending($_[0]{ssl}) }

sub on_ready
{
	my ($self, $readable, $writable) = @_;
	$self->connected if $self->{phase} eq 'connecting';
	$self->shake if $self->{phase} eq 'shaking';
	return if $self->{phase} ne 'open';
	$self->send_out if length $self->{out};
	$self->receive if $readable && !$self->is_over;
}

sub connected
{
	my ($self) = @_;
	my $error = unpack 'i', getsockopt($self->{socket}, SOL_SOCKET, SO_ERROR);
	if ($error) {
		$! = $error;
		return $self->over($error == ECONNREFUSED ? 'refused' : $error == ECONNRESET ? 'reset' : "$!");
	}
	@$self{qw(phase wants connected_at)} = ('open', 'r', time);
	my $name = getsockname $self->{socket};
	$self->{port} = (Socket::unpack_sockaddr_in($name))[0] if $name && Socket::sockaddr_family($name) == AF_INET;
	return $self->send_out if !$self->{tls};
	my $ssl = $self->{ssl} = Net::SSLeay::new($self->{tls}) or die 'TLS: no session';
	Net::SSLeay::set_fd($ssl, $self->{fd});
	Net::SSLeay::set_connect_state($ssl);
	$self->{phase} = 'shaking';
}

sub shake
{
	my ($self) = @_;
	local $SIG{PIPE} = 'IGNORE';
	Net::SSLeay::ERR_clear_error();
	my $result = Net::SSLeay::connect($self->{ssl});
	if ($result == 1) {
		@$self{qw(phase shaken_at)} = ('open', time);
		return $self->send_out;
	}
	my $how = $self->tls_end($result);
	return $self->{wants} = $how if $how eq 'r' || $how eq 'w';
	$self->over("$how in the handshake");
}

# Why a call of TLS did not do what it should: 'r' or 'w' to wait for, or an end.
sub tls_end
{
	my ($self, $result) = @_;
	my $errno = 0 + $!;
	my $kind = Net::SSLeay::get_error($self->{ssl}, $result // -1);
	return 'r' if $kind == Net::SSLeay::ERROR_WANT_READ();
	return 'w' if $kind == Net::SSLeay::ERROR_WANT_WRITE();
	return 'closed' if $kind == Net::SSLeay::ERROR_ZERO_RETURN();
	if (my $error = Net::SSLeay::ERR_get_error()) {
		my $text = Net::SSLeay::ERR_error_string($error);
		return $text =~ /unexpected eof/ ? 'cut off' : "TLS: $text";
	}
	return $errno == ECONNRESET || $errno == EPIPE ? 'reset' : 'cut off';
}

sub send_out
{
	my ($self) = @_;
	local $SIG{PIPE} = 'IGNORE';
	while (length $self->{out}) {
		my $count;
		if ($self->{ssl}) {
			Net::SSLeay::ERR_clear_error();
			$! = 0;
			$count = Net::SSLeay::write($self->{ssl}, $self->{out});
			if ($count <= 0) {
				my $how = $self->tls_end($count);
				return if $how eq 'r' || $how eq 'w';
				$self->{out} = '';
				return; # what can be read still is
			}
		} else {
			$count = syswrite $self->{socket}, $self->{out};
			if (!defined $count) {
				return if $! == EAGAIN || $! == EINTR;
				$self->{out} = '';
				return;
			}
		}
		substr $self->{out}, 0, $count, '';
	}
}

sub receive
{
	my ($self) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my $most = $self->{pace} ? $self->{pace}[0] : 65536;
	for (1 .. ($self->{pace} && !$self->{ssl} ? 1 : 4)) {
		my ($octets, $how) = ('', undef);
		if ($self->{ssl}) {
			Net::SSLeay::ERR_clear_error();
			$! = 0;
			my ($text, $result) = Net::SSLeay::read($self->{ssl}, $most);
			defined $text && length $text ? $octets = $text : ($how = $self->tls_end($result));
		} else {
			my $count = sysread $self->{socket}, $octets, $most;
			$how = defined $count ? ($count ? undef : 'closed')
			    : $! == EAGAIN || $! == EINTR ? 'r' : $! == ECONNRESET || $! == EPIPE ? 'reset' : "$!";
		}
		if (!defined $how) {
			$self->{last} = time;
			$self->{read_at} = $self->{last} + $self->{pace}[1] if $self->{pace};
			$self->take($octets);
			return if $self->is_over;
		} else {
			return if $how eq 'r' || $how eq 'w';
			return $how =~ /^TLS/ ? $self->wrong($how) : $self->over($how);
		}
	}
}

# ---- what has come

sub take
{
	my ($self, $octets) = @_;
	$self->{got} .= $octets;
	while (!$self->is_over) {
		if (!$self->{answer}) {
			return if !length $self->{got};
			$self->take_head or return;
		}
		$self->take_body or return;
	}
}

# True: a head is there, and right so far.
sub take_head
{
	my ($self) = @_;
	my $request = $self->{asked}[0];
	return $self->wrong(($self->{told_close} ? 'behind the last answer: ' : 'unasked: ') . Brood::Content::of($self->{got}))
	    if !$request || $self->{told_close};
	my $end = index $self->{got}, "\r\n\r\n";
	my $begin = substr $self->{got}, 0, 9;
	return $self->wrong('no answer, but ' . Brood::Content::of($self->{got}))
	    if $begin ne substr('HTTP/1.1 ', 0, length $begin) || ($end < 0 && length $self->{got} > HEAD_MAX);
	return 0 if $end < 0;
	my $head = substr $self->{got}, 0, $end + 4, '';
	$self->{head_at} = time;
	my ($response, @bodies);
	eval {
		$response = Brood::Response->parse($head);
		@bodies = $request->{expect}->($response);
		1;
	} or do {
		chomp(my $why = $@);
		return $self->wrong("$why in\n$head");
	};
	$self->{worker} = ($response->worker)[2] // $self->{worker};
	my $length = has_body($request, $response) ? $response->header('Content-Length') : 0;
	return $self->wrong("no Content-Length in\n$head") if !defined $length;
	@bodies = grep { $_->[2] == $length } @bodies if has_body($request, $response);
	return $self->wrong("Content-Length $length is of no such file in\n$head") if !@bodies;
	$self->{answer} = { response => $response, bodies => \@bodies, at => 0, length => $length };
	return 1;
}

sub has_body { return $_[0]{method} ne 'HEAD' && $_[1]->status != 304 && $_[1]->status != 204 }

# True: the answer is complete.
sub take_body
{
	my ($self) = @_;
	my $answer = $self->{answer};
	my $count = $answer->{length} - $answer->{at};
	$count = length $self->{got} if $count > length $self->{got};
	if ($count > 0) {
		my $octets = substr $self->{got}, 0, $count, '';
		my @right = grep { substr(${ $_->[0] }, $_->[1] + $answer->{at}, $count) eq $octets } @{ $answer->{bodies} };
		return $self->wrong("octets from $answer->{at} on of the body of\n" . $answer->{response}->raw_head
			. difference($octets, $answer)) if !@right;
		$answer->{bodies} = \@right;
		$answer->{at} += $count;
	}
	return 0 if $answer->{at} < $answer->{length};
	$self->{answer} = undef;
	my $request = shift @{ $self->{asked} };
	$self->{told_close} = 1 if $answer->{response}->says_close;
	$self->{answers}++;
	$self->{answered}->($self, $request, $answer->{response}, $answer->{bodies}[0]) if $self->{answered};
	return 1;
}

sub difference
{
	my ($octets, $answer) = @_;
	my $body = $answer->{bodies}[0];
	my $right = substr ${ $body->[0] }, $body->[1] + $answer->{at}, length $octets;
	($octets ^ $right) =~ /[^\0]/;
	my $at = $-[0];
	return sprintf "are wrong from %d on: %s in place of %s", $answer->{at} + $at, Brood::Content::of(substr $octets, $at, 64),
	    Brood::Content::of(substr $right, $at, 64);
}

# ---- the end

sub wrong
{
	my ($self, $what) = @_;
	my $request = $self->{asked}[0];
	$self->{flock}->wrong(sprintf '%s%s, port %d, worker %s, after %d answers%s: %s', $self->{name} // 'a client', $self->{ssl} ? ' over TLS' : '',
		$self->local_port, $self->{worker} // '?', $self->{answers} // 0,
		$request ? ', asked for ' . ($request->{octets} =~ /^([^\r]*)/)[0] : '', $what);
	$self->over('wrong');
	return 0;
}

# Ended by us: a plain close, or by RST.
sub hang_up
{
	my ($self, $reset) = @_;
	setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $reset;
	$self->over('hung up');
}

sub over
{
	my ($self, $how) = @_;
	return if $self->is_over;
	$self->{phase} = 'over';
	$self->{flock}->drop($self);
	Net::SSLeay::free(delete $self->{ssl}) if $self->{ssl};
	close $self->{socket};
	$self->{over}->($self, $how, @{ $self->{asked} }) if $self->{over};
	delete @$self{qw(over answered)}; # they may hold us
}

1;
