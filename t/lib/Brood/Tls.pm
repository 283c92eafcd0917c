# SPDX-License-Identifier: MIT
#
# Certificates for tests, made by openssl(1), and clients that speak TLS: curl(1) and openssl s_client.
package Brood::Tls;

use strict;
use warnings;
use Brood::Server;
use Exporter qw(import);

our @EXPORT_OK = qw(chain_of fetch make_pair peer_certificate);

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
# and its { fingerprint }. `name`: of the files [NAME], `kind`: of the key ['ec'], `days`: until it expires [90].
sub make_pair
{
	my ($dir, $name, %option) = @_;
	my $base = "$dir/" . ($option{name} // $name);
	my $days = $option{days} // 90;
	my @kind = ($option{kind} // 'ec') eq 'ec' ? qw(ec -pkeyopt ec_paramgen_curve:P-256) : ($option{kind});
	output_of(qw(openssl req -x509 -nodes -newkey), @kind, '-days', $days, '-subj', "/CN=$name", '-addext',
		"subjectAltName=DNS:$name,DNS:*.$name", '-keyout', "$base.key", '-out', "$base.pem");
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

1;
