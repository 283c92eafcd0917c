# SPDX-License-Identifier: MIT
#
# The words that the tables in t/http/rfc/ are written in. A table is a file that returns a list of cases:
#
#     [LEVEL, SECTION, WHAT, OCTETS, ANSWERS, FATE, MORE...]
#
#     LEVEL    MUST, SHOULD or MAY: what the RFC says; OWN: a promise of brood's that no RFC makes
#     SECTION  "9112 3.2": of which RFC; "notes": of the field, where no RFC says it
#     WHAT     is tested
#     OCTETS   that are sent on a new connection, all of them; or [HOW, OCTETS], HOW being 'half-close' when
#              the client's half is closed behind them, or 'whole' when they are too many to be cut
#     ANSWERS  a status, or "200|404", or a list of these, one for each answer that comes: these and no more
#     FATE     keep: the next request on this connection is answered. close: the last answer says so, and the
#              connection is closed, without a reset. silent: closed without any answer. either: one of the first
#     MORE     what the last answer has: a name and what its value matches (undef: it is not there);
#              `body`: is exactly this
package Brood::Rfc;

use strict;
use warnings;
use Exporter qw(import);

our @EXPORT = qw(get get10 head_of lines method post request target with_host $host file_of every_octet show);

our $host = "Host: a.example\r\n";

sub lines { return join '', map { "$_\r\n" } @_ }

# A request with this request line and these field lines, nothing added.
sub request { my ($line, @fields) = @_; return "$line\r\n" . lines(@fields) . "\r\n" }

# GETs of /hello.txt with a Host and these field lines; without Host; with this Host line only.
sub get { return request('GET /hello.txt HTTP/1.1', 'Host: a.example', @_) }
sub get10 { return request('GET /hello.txt HTTP/1.0', @_) }
sub with_host { return request('GET /hello.txt HTTP/1.1', @_) }
sub head_of { return request('HEAD /hello.txt HTTP/1.1', 'Host: a.example', @_) }
sub post { return request('POST /hello.txt HTTP/1.1', 'Host: a.example', @_) }

sub target { my ($target, @fields) = @_; return request("GET $target HTTP/1.1", 'Host: a.example', @fields) }
sub method { my ($method, @fields) = @_; return request("$method /hello.txt HTTP/1.1", 'Host: a.example', @fields) }

# GET of another file.
sub file_of { my ($name, @fields) = @_; return target("/$name", @fields) }

# [octet, its name] for each of a range that is not among those left out.
sub every_octet
{
	my ($from, $to, @but) = @_;
	my %but = map { ord, 1 } @but;
	return map { [chr, sprintf 'octet 0x%02x', $_] } grep { !$but{$_} } $from .. $to;
}

# For a message: what is not printable in the form \xNN, and not too much of it.
sub show
{
	my ($octets) = @_;
	return substr $octets =~ s/\r/\\r/gr =~ s/\n/\\n/gr =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger, 0, 300;
}

1;
