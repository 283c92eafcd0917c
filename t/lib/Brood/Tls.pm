# SPDX-License-Identifier: MIT
#
# Certificates for tests, made by openssl(1), and clients that speak TLS: curl(1) and openssl s_client.
package Brood::Tls;

use strict;
use warnings;
use Brood::Server;
use File::Temp;
use IO::Socket::INET;
use POSIX ();
use Socket qw(SOL_SOCKET SO_RCVTIMEO SO_SNDTIMEO);
use Exporter qw(import);

our @EXPORT_OK = qw(chain_of fetch make_pair peer_certificate resume session talk);

my $sessions = 0;

use constant LIMIT => 20; # seconds; a guard against hanging only

sub can_run
{
	return !system('command -v openssl >/dev/null && command -v curl >/dev/null');
}

# What a command says on standard output.
sub output_of
{
	my (@command) = @_;
	my $pid = open my $pipe, '-|' // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDERR, '>', '/dev/null';
		alarm LIMIT; # kept over exec
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	my $text = do { local $/; readline $pipe } // '';
	close $pipe;
	return $text;
}

# A certificate signed by itself for NAME and all names below, and its key: paths { certificate, key, both },
# and its { fingerprint }. `name`: of the files [NAME], `kind`: of the key ['ec'], `days`: until it expires [90],
# `by`: the pair that signs it, `subject`, `also`: another name, as openssl has it ("IP:127.0.0.1"), `more`: options.
sub make_pair
{
	my ($dir, $name, %option) = @_;
	my $base = "$dir/" . ($option{name} // $name);
	my $days = $option{days} // 90;
	my @kind = ($option{kind} // 'ec') eq 'ec' ? qw(ec -pkeyopt ec_paramgen_curve:P-256) : ($option{kind});
	my @by = $option{by} ? ('-CA', $option{by}{certificate}, '-CAkey', $option{by}{key}) : ();
	output_of(qw(openssl req -x509 -nodes -newkey), @kind, @by, @{ $option{more} // [] }, '-days', $days, '-subj',
		$option{subject} // "/CN=$name", '-addext', "subjectAltName=" . join(',', "DNS:$name", "DNS:*.$name", $option{also} // ()), '-keyout', "$base.key", '-out', "$base.pem");
	my ($certificate, $key) = map { Brood::Server::slurp("$base.$_") } qw(pem key);
	die "openssl made no certificate for $name\n" if $certificate !~ /BEGIN CERT/ || $key !~ /PRIVATE KEY/;
	Brood::Server::write_file("$base.both", $certificate . $key);
	return { certificate => "$base.pem", key => "$base.key", both => "$base.both", fingerprint => fingerprint("$base.pem") };
}

sub fingerprint
{
	my ($path) = @_;
	return output_of(qw(openssl x509 -noout -fingerprint -sha256 -in), $path) =~ /=([0-9A-F:]+)/ ? $1 : undef;
}

# The certificate that the server shows to a client that asks for NAME (undef: for none), in PEM.
sub chain_of
{
	my ($address, $name, @more) = @_;
	my @name = defined $name ? (-servername => $name) : '-noservername';
	my $text = output_of(qw(openssl s_client -connect), $address, @name, @more);
	return $text =~ /(-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n)/s ? $1 : '';
}

# Its fingerprint, as make_pair tells it.
sub peer_certificate
{
	my ($address, $name, @more) = @_;
	return talk($address, name => $name)->{fingerprint} // 'none' if !@more && can_talk();
	my $pem = chain_of(@_);
	my $file = File::Temp->new;
	print $file $pem;
	close $file;
	return fingerprint("$file") // 'none';
}

# The body that curl gets for that URL from a server at ADDRESS, trusting only the pair's certificate.
sub fetch
{
	my ($url, $address, $pair) = @_;
	my @trust = $pair ? ('--cacert', $pair->{certificate}) : ();
	return output_of(qw(curl -sS --max-time), LIMIT, '--connect-to', "::$address", @trust, $url);
}

# The same without a process for each look, where Perl has OpenSSL: shakes hands and says goodbye; with `path` it asks
# in between. `name` that it asks for, `version` (0x0303, 0x0304), `session` of an earlier one. What it found:
# { fingerprint, reused, session, answer }, nothing if the handshake fails.
sub can_talk { return eval { require Net::SSLeay } }

my $context;
sub talk
{
	my ($address, %want) = @_;
	$context //= Net::SSLeay::CTX_new() // die 'OpenSSL: no context';
	my $socket = IO::Socket::INET->new(PeerAddr => $address) or return {};
	setsockopt $socket, SOL_SOCKET, $_, pack 'l!l!', LIMIT, 0 for SO_RCVTIMEO, SO_SNDTIMEO;
	my $ssl = Net::SSLeay::new($context);
	Net::SSLeay::set_fd($ssl, fileno $socket);
	Net::SSLeay::set_tlsext_host_name($ssl, $want{name}) if defined $want{name};
	Net::SSLeay::set_min_proto_version($ssl, $want{version}), Net::SSLeay::set_max_proto_version($ssl, $want{version})
	    if $want{version};
	Net::SSLeay::set_session($ssl, $want{session}) if $want{session};
	my %found;
	local $SIG{PIPE} = 'IGNORE';
	if (Net::SSLeay::connect($ssl) == 1) {
		my $certificate = Net::SSLeay::get_peer_certificate($ssl);
		$found{fingerprint} = Net::SSLeay::X509_get_fingerprint($certificate, 'sha256');
		Net::SSLeay::X509_free($certificate);
		$found{reused} = Net::SSLeay::session_reused($ssl);
		if ($want{path}) {
			Net::SSLeay::write($ssl, "GET $want{path} HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n");
			$found{answer} = '';
			while (defined(my $octets = Net::SSLeay::read($ssl))) {
				last if !length $octets;
				$found{answer} .= $octets;
			}
			$found{session} = Net::SSLeay::get1_session($ssl); # the server has sent its tickets by now
		}
		Net::SSLeay::shutdown($ssl);
	}
	Net::SSLeay::free($ssl);
	return \%found;
}

# One request over a connection of its own: { text: what openssl s_client says, worker: the pid that answered }.
sub ask
{
	my ($address, $path, @options) = @_;
	my $request = File::Temp->new;
	print $request "GET $path HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n";
	close $request;
	my $text = output_of('/bin/sh', '-c', 'exec openssl s_client "$@" < "$0"', "$request", '-ign_eof', '-connect',
		$address, @options);
	return { text => $text, worker => $text =~ /^X-Brood-Worker: \S+-(\d+)\r$/m ? $1 : undef };
}

# A session of that version (tls1_2, tls1_3) that can be resumed: the path of a file. OPTIONS are those of
# openssl s_client.
sub session
{
	my ($address, $dir, $version, @options) = @_;
	my $path = "$dir/session-" . ++$sessions . "-$version";
	my $got = ask($address, '/hello.txt', '-servername', 'one.test', "-$version", '-sess_out', $path, @options);
	die "no session: $got->{text}\n" if !-s $path;
	return $path;
}

# Comes back with a session: whether it was resumed, and the answer is right; and who answered.
sub resume
{
	my ($address, $session, @options) = @_;
	push @options, $session =~ /(-tls1_.)$/; # else the server would take a newer one
	my $got = ask($address, '/hello.txt', '-servername', 'one.test', '-sess_in', $session, @options);
	return ($got->{text} =~ /^Reused, TLS/m && $got->{text} =~ m{^HTTP/1\.1 200 }m ? 1 : 0, $got->{worker});
}

1;
