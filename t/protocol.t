#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Raw octets in, status and fate of the connection out. Each case is delivered whole, octet by octet, and
# cut at random places (BROOD_TEST_SEED repeats a run): where the network cuts must make no difference.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Brood::Client;
use Brood::Server;

my $host = "Host: a.example\r\n";

# A well-formed request with these field lines.
sub get { return "GET /hello.txt HTTP/1.1\r\n$host" . join('', map { "$_\r\n" } @_) . "\r\n" }
sub get10 { return "GET /hello.txt HTTP/1.0\r\n" . join('', map { "$_\r\n" } @_) . "\r\n" }
sub target { return "GET $_[0] HTTP/1.1\r\n$host\r\n" }
sub method { return "$_[0] /hello.txt HTTP/1.1\r\n$host\r\n" }
sub host { return "GET /hello.txt HTTP/1.1\r\n" . join('', map { "$_\r\n" } @_) . "\r\n" }

# [what, RFC section, octets, statuses allowed, 'keep' | 'close' | 'either']
my @cases = (
	# The request line
	['a plain request', '9112 3', get(), 200, 'keep'],
	['HTTP/1.0', '9112 9.3', get10(), 200, 'close'],
	['HTTP/1.0 with a Host', '9112 9.3', get10('Host: a.example'), 200, 'close'],
	['HTTP/1.0 with keep-alive', '9112 9.3', get10('Connection: keep-alive'), 200, 'keep'],
	['HTTP/1.0 with Keep-Alive in capitals', '9110 7.6.1', get10('Connection: Keep-Alive'), 200, 'keep'],
	['HTTP/1.0 with keep-alive and close', '9112 9.3', get10('Connection: keep-alive, close'), 200, 'close'],
	['HTTP/1.0 with Proxy-Connection only', '9112 C.2.2', get10('Proxy-Connection: keep-alive'), 200, 'close'],
	['HTTP/1.2 is read as 1.1', '9110 2.5', "GET /hello.txt HTTP/1.2\r\n$host\r\n", 200, 'keep'],
	['HTTP/1.9 is read as 1.1', '9110 2.5', "GET /hello.txt HTTP/1.9\r\n$host\r\n", 200, 'keep'],
	['HTTP/2.0', '9110 15.6.6', "GET / HTTP/2.0\r\n$host\r\n", '505|400', 'close'],
	['HTTP/3.0', '9110 15.6.6', "GET / HTTP/3.0\r\n$host\r\n", '505|400', 'close'],
	['HTTP/0.9 named', '9110 2.5', "GET / HTTP/0.9\r\n$host\r\n", '505|400', 'close'],
	['no version', '9112 3', "GET /\r\n\r\n", 400, 'close'],
	['no version, but fields', '9112 3', "GET /\r\n$host\r\n", 400, 'close'],
	['version without minor number', '9112 2.3', "GET / HTTP/1\r\n$host\r\n", 400, 'close'],
	['version with a dot only', '9112 2.3', "GET / HTTP/1.\r\n$host\r\n", 400, 'close'],
	['version with two minor digits', '9112 2.3', "GET / HTTP/1.10\r\n$host\r\n", '400|505', 'close'],
	['version with two major digits', '9112 2.3', "GET / HTTP/11.1\r\n$host\r\n", '400|505', 'close'],
	['version with leading zero', '9112 2.3', "GET / HTTP/01.1\r\n$host\r\n", '400|505', 'close'],
	['version in small letters', '9112 2.3', "GET / http/1.1\r\n$host\r\n", 400, 'close'],
	['another protocol', '9112 2.3', "GET / RTSP/1.0\r\n$host\r\n", '400|505', 'close'],
	['letters behind the version', '9112 3', "GET / HTTP/1.1x\r\n$host\r\n", 400, 'close'],
	['two spaces before the target', '9112 3', "GET  / HTTP/1.1\r\n$host\r\n", 400, 'close'],
	['two spaces before the version', '9112 3', "GET /  HTTP/1.1\r\n$host\r\n", 400, 'close'],
	['HTAB before the target', '9112 3', "GET\t/ HTTP/1.1\r\n$host\r\n", '400|501', 'close'],
	['HTAB before the version', '9112 3', "GET /\tHTTP/1.1\r\n$host\r\n", 400, 'close'],
	['space before the method', '9112 3', " GET / HTTP/1.1\r\n$host\r\n", 400, 'close'],
	['space behind the version', '9112 3', "GET / HTTP/1.1 \r\n$host\r\n", 400, 'close'],
	['space in the target', '9112 3.2', "GET /a b HTTP/1.1\r\n$host\r\n", 400, 'close'],
	['no target', '9112 3', "GET HTTP/1.1\r\n$host\r\n", 400, 'close'],
	['no method', '9112 3', "/ HTTP/1.1\r\n$host\r\n", '400|501', 'close'],
	['request line with LF only', '9112 2.2', "GET / HTTP/1.1\n$host\r\n", 400, 'close'],
	['all lines with LF only', '9112 2.2', "GET / HTTP/1.1\nHost: a\n\n", 400, 'close'],
	['CR CR LF behind the request line', '9112 2.2', "GET / HTTP/1.1\r\r\n$host\r\n", 400, 'close'],
	['one empty line before', '9112 2.2', "\r\n" . get(), 200, 'keep'],
	['two empty lines before', '9112 2.2', "\r\n\r\n" . get(), 200, 'keep'],
	['a bare LF before', '9112 2.2', "\n" . get(), 400, 'close'],
	['a hundred empty lines before', 'limit', "\r\n" x 100 . get(), 400, 'close'],
	['a HTTP/2 preface', '9113 3.4', "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", '400|505', 'close'],
	['a TLS client hello', '-', "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, 'close'],
	['octets that mean nothing', '-', "\xff\xfe\xfd\r\n\r\n", 400, 'close'],
	['a NUL', '-', "\0\r\n\r\n", 400, 'close'],
	['a PROXY line where none is expected', '-', "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" . get(), 400, 'close'],

	# Methods
	['POST', '9110 15.5.6', method('POST'), 405, 'either'],
	['PUT', '9110 15.5.6', method('PUT'), 405, 'either'],
	['DELETE', '9110 15.5.6', method('DELETE'), 405, 'either'],
	['PATCH', '9110 15.5.6', method('PATCH'), '405|501', 'either'],
	['TRACE', '9110 15.5.6', method('TRACE'), '405|501', 'either'],
	['PROPFIND', '9110 15.5.6', method('PROPFIND'), '405|501', 'either'],
	['CONNECT to an authority', '9110 9.3.6', "CONNECT a.example:80 HTTP/1.1\r\n$host\r\n", '405|501|400', 'either'],
	['CONNECT to a path', '9112 3.2.3', method('CONNECT'), '405|501|400', 'either'],
	['an unknown method', '9110 15.6.2', method('FOO'), 501, 'either'],
	['a method that begins like a known one', '9110 15.6.2', method('GETX'), 501, 'either'],
	['a long unknown method', '9110 15.6.2', method('A' x 100), 501, 'either'],
	['a method in small letters', '9110 9.1', method('get'), 501, 'either'],
	['a method of other token characters', '9110 9.1', method('M-SEARCH'), '405|501', 'either'],
	['a method that is no token', '9110 5.6.2', method('G@T'), 400, 'close'],
	['a method with a colon', '9110 5.6.2', method('GET:'), 400, 'close'],
	['OPTIONS', '9110 9.3.7', method('OPTIONS'), '200|204', 'keep'],
	['OPTIONS *', '9110 9.3.7', "OPTIONS * HTTP/1.1\r\n$host\r\n", '200|204', 'keep'],
	['OPTIONS * in HTTP/1.0 without Host', '9110 9.3.7', "OPTIONS * HTTP/1.0\r\n\r\n", '200|204', 'close'],
	['OPTIONS / in HTTP/1.0 without Host', '9110 9.3.7', "OPTIONS / HTTP/1.0\r\n\r\n", '200|204', 'close'],
	['HEAD', '9110 9.3.2', method('HEAD'), 200, 'keep'],

	# The target
	['absolute form', '9112 3.2.2', target('http://a.example/hello.txt'), 200, 'keep'],
	['absolute form with port', '9112 3.2.2', target('http://a.example:80/hello.txt'), 200, 'keep'],
	['absolute form, scheme in capitals', '9110 4.2.3', target('HTTP://a.example/hello.txt'), 200, 'keep'],
	['absolute form of another host than Host', '9112 3.2.2', target('http://b.example/hello.txt'), 200, 'keep'],
	['absolute form without path', '9112 3.2.2', target('http://a.example'), 200, 'keep'],
	['absolute form without path, with query', '9112 3.2.2', target('http://a.example?x'), 200, 'keep'],
	['absolute form without authority', '9110 4.2.1', target('http:///hello.txt'), 400, 'close'],
	['absolute form with port only', '9110 4.2.1', target('http://:80/hello.txt'), 400, 'close'],
	['absolute form with userinfo', '9110 4.2.4', target('http://u@a.example/hello.txt'), 400, 'close'],
	['absolute form with a bad port', '9112 3.2.2', target('http://a.example:x/hello.txt'), 400, 'close'],
	['absolute form of another scheme', '9110 7.4', target('ftp://a.example/hello.txt'), '400|421', 'close'],
	['absolute form without Host', '9112 3.2', "GET http://a.example/hello.txt HTTP/1.1\r\n\r\n", 400, 'close'],
	['a query', '9112 3.2.1', target('/hello.txt?a=b&c=/../d'), 200, 'keep'],
	['an empty query', '9112 3.2.1', target('/hello.txt?'), 200, 'keep'],
	['a query with question marks', '9112 3.2.1', target('/hello.txt?a?b'), 200, 'keep'],
	['escaped letters', '3986 2.3', target('/%68ello.txt'), 200, 'keep'],
	['sub-delimiters', '3986 3.3', target("/!\$&'()*+,;=:@"), 404, 'keep'],
	['a fragment', '9112 3.2', target('/hello.txt#x'), 400, 'close'],
	['no slash', '9112 3.2.1', target('hello.txt'), 400, 'close'],
	['GET *', '9112 3.2.4', target('*'), 400, 'close'],
	['an empty segment first', '9112 3.2.1', target('//hello.txt'), '200|301|400|404', 'either'],
	['a raw octet above 127', '9112 3.2', target("/\xc3\xa9"), 400, 'close'],
	['an escaped octet above 127', '3986 2.5', target('/%c3%a9'), 404, 'keep'],
	['an escaped NUL', '-', target('/hello.txt%00'), '400|404', 'either'],
	['a raw NUL', '9112 3.2', target("/hello\0.txt"), 400, 'close'],
	['a DEL', '9112 3.2', target("/hello\x7f"), 400, 'close'],
	['a control character', '9112 3.2', target("/hello\x01"), 400, 'close'],
	['a bare CR', '9112 2.2', target("/hello\r.txt"), 400, 'close'],
	['a percent sign alone', '3986 2.1', target('/%'), 400, 'either'],
	['an escape cut short', '3986 2.1', target('/%4'), 400, 'either'],
	['an escape that is not hexadecimal', '3986 2.1', target('/%zz'), 400, 'either'],
	['a backslash', '3986 3.3', target('/..\\..\\x'), '400|404', 'either'],
	['a quote', '3986 3.3', target('/"'), '400|404', 'either'],

	# Host
	['no Host', '9112 3.2', host(), 400, 'close'],
	['no Host, other fields', '9112 3.2', host('Accept: */*'), 400, 'close'],
	['two Hosts', '9112 3.2', host('Host: a.example', 'Host: b.example'), 400, 'close'],
	['the same Host twice', '9112 3.2', host('Host: a.example', 'Host: a.example'), 400, 'close'],
	['two Hosts in HTTP/1.0', '9112 3.2', get10('Host: a', 'Host: b'), 400, 'close'],
	(map { ["Host '$_'", '9112 3.2', host("Host: $_"), 200, 'keep'] }
		'a', 'A.EXAMPLE', 'a.example:80', 'a.example:', '127.0.0.1', '127.0.0.1:8000', '[::1]', '[::1]:8000',
		'[2001:db8::1:2]:80', '[::ffff:192.0.2.1]', 'a_b', 'a.example.', 'xn--bcher-kva.example', 'a%41', 'a~b',
		'1.2.3', "a!\$&'()*+;=b"),
	['Host with white space around', '9112 5.1', "GET /hello.txt HTTP/1.1\r\nHost: \t a.example \t\r\n\r\n", 200, 'keep'],
	['Host without white space', '9112 5.1', "GET /hello.txt HTTP/1.1\r\nHost:a.example\r\n\r\n", 200, 'keep'],
	['host in small letters', '9110 5.1', "GET /hello.txt HTTP/1.1\r\nhost: a.example\r\n\r\n", 200, 'keep'],
	['an empty Host', '9110 7.2', host('Host:'), '200|400', 'either'],
	(map { ["Host '$_'", '9112 3.2', host("Host: $_"), 400, 'close'] }
		'a b', 'a/b', 'a?b', 'a#b', 'u@a', 'a:b', 'a:80:80', 'a:-1', 'a:8 0', '[::1', '::1', '[::g]', '[1.2.3.4]',
		'[::1]x', '[]', '[:::]', '[1:2:3:4:5:6:7:8:9]', 'a"b', 'a<b', 'a\\b', 'http://a', 'a%4', 'a%zz', "a\x80b", '/'),

	# Fields
	['space before the colon', '9112 5.1', get('X : y'), 400, 'close'],
	['HTAB before the colon', '9112 5.1', get("X\t: y"), 400, 'close'],
	['no field name', '9112 5', get(': y'), 400, 'close'],
	['no colon', '9112 5', get('X'), 400, 'close'],
	['a folded line', '9112 5.2', get('X: y', ' z'), 400, 'close'],
	['a folded line with HTAB', '9112 5.2', get('X: y', "\tz"), 400, 'close'],
	['a folded empty value', '9112 5.2', get('X:', ' z'), 400, 'close'],
	['a folded Transfer-Encoding', '9112 5.2', get('Transfer-Encoding:', ' chunked'), 400, 'close'],
	['space before the first field', '9112 2.2', "GET / HTTP/1.1\r\n $host\r\n", 400, 'close'],
	(map { [sprintf("octet 0x%02x in a field name", ord), '9110 5.1', get("X${_}Y: z"), 400, 'close'] }
		'(', ')', '/', ';', '<', '=', '@', '[', '\\', ']', '{', '}', '"', ',', ' ', "\x01", "\x7f", "\x80", "\0"),
	['all other characters in a field name', '9110 5.6.2', get("!#\$%&'*+-.^_`|~09azAZ: y"), 200, 'keep'],
	['an empty value', '9110 5.5', get('X:'), 200, 'keep'],
	['a value of white space', '9110 5.5', get("X: \t "), 200, 'keep'],
	['HTAB in a value', '9110 5.5', get("X: a\tb"), 200, 'keep'],
	['octets above 127 in a value', '9110 5.5', get("X: \x80\xff"), 200, 'keep'],
	['a NUL in a value', '9110 5.5', get("X: a\0b"), 400, 'close'],
	['a bare CR in a value', '9112 2.2', get("X: a\rb"), 400, 'close'],
	['a bare LF in a value', '9112 2.2', get("X: a\nY: b"), 400, 'close'],
	['CR behind an empty value', '9112 2.2', "GET / HTTP/1.1\r\n${host}X:\rY: z\r\n\r\n", 400, 'close'],
	['CR LF CR x at the end', '9112 2.2', "GET / HTTP/1.1\r\n${host}\rx\r\n\r\n", 400, 'close'],
	['a control character in a value', '9110 5.5', get("X: a\x01b"), '200|400', 'either'],
	['a DEL in a value', '9110 5.5', get("X: a\x7fb"), '200|400', 'either'],
	['a field line with LF only', '9112 2.2', "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400, 'close'],
	['the empty line with LF only', '9112 2.2', "GET / HTTP/1.1\r\n$host\n", 400, 'close'],
	['sixty fields', 'limit', get(map { "X-$_: y" } 1 .. 60), 200, 'keep'],

	# Content-Length
	['Content-Length: 0', '9112 6.2', get('Content-Length: 0'), 200, 'keep'],
	['Content-Length: 00', '9112 6.2', get('Content-Length: 00'), '200|400', 'either'],
	['HTAB around a Content-Length', '9112 5.1', get("Content-Length:\t0\t"), 200, 'keep'],
	['a body', '9110 9.3.1', get('Content-Length: 5') . 'hello', 200, 'close'],
	['a body that looks like a request', '9112 9.3', get('Content-Length: 18') . "GET / HTTP/1.1\r\n\r\n", 200, 'close'],
	['POST with a body', '9110 15.5.6', "POST / HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello", 405, 'close'],
	(map { ["Content-Length: '$_'", '9112 6.3', get("Content-Length: $_"), 400, 'close'] }
		'-1', '+1', '1 2', '1,2', '0x5', '5;', '5.0', 'x', '', '1e1', '5,', ',5', "5\x0b", '99999999999999999999',
		'18446744073709551616', '18446744073709551617'),
	['two Content-Lengths that differ', '9112 6.3', get('Content-Length: 0', 'Content-Length: 1'), 400, 'close'],
	['two Content-Lengths that agree', '9112 6.3', get('Content-Length: 0', 'Content-Length: 0'), '200|400', 'either'],
	['a list of equal Content-Lengths', '9112 6.3', get('Content-Length: 0, 0'), '200|400', 'either'],

	# Transfer-Encoding
	['a chunked body', '9112 7.1', get('Transfer-Encoding: chunked') . "5\r\nhello\r\n0\r\n\r\n", 200, 'close'],
	['chunked in capitals', '9112 7', get('Transfer-Encoding: CHUNKED') . "0\r\n\r\n", 200, 'close'],
	['HTAB around chunked', '9112 5.1', get("Transfer-Encoding:\tchunked\t") . "0\r\n\r\n", 200, 'close'],
	['chunk extensions', '9112 7.1.1', get('Transfer-Encoding: chunked') . "1;a=b;c=\"d\\\"\"\r\nx\r\n0\r\n\r\n", 200, 'close'],
	(map { ["Transfer-Encoding: '$_'", '9112 6.1', get("Transfer-Encoding: $_"), '400|501', 'close'] }
		'gzip, chunked', 'identity', 'identity, chunked', 'gzip', 'xchunked', 'chunkedx', 'chunked;a=b', "chunk\x0bed"),
	(map { ["Transfer-Encoding: '$_'", '9112 6.3', get("Transfer-Encoding: $_"), '400|501', 'close'] }
		'', ',', 'chunked, gzip', 'chunked, chunked', '"chunked"'),
	['chunked twice in two lines', '9112 6.1', get(('Transfer-Encoding: chunked') x 2), '400|501', 'close'],
	['both framings', '9112 6.1', get('Content-Length: 5', 'Transfer-Encoding: chunked') . "0\r\n\r\n", 400, 'close'],
	['both framings, other order', '9112 6.1', get('Transfer-Encoding: chunked', 'Content-Length: 5') . "0\r\n\r\n", 400, 'close'],
	['an empty coding beside a length', '9112 6.1', get('Transfer-Encoding:', 'Content-Length: 0'), '400|501', 'close'],
	['chunked in HTTP/1.0', '9112 6.1', get10('Transfer-Encoding: chunked') . "0\r\n\r\n", 400, 'close'],
	['chunked in HTTP/1.0 with keep-alive', '9112 6.1', get10('Connection: keep-alive', 'Transfer-Encoding: chunked') . "0\r\n\r\n", 400, 'close'],

	# Connection, Expect, Upgrade
	['Connection: close', '9112 9.6', get('Connection: close'), 200, 'close'],
	['Connection: CLOSE', '9110 7.6.1', get('Connection: CLOSE'), 200, 'close'],
	['close with HTABs around', '9112 9.6', get("Connection:\tclose\t"), 200, 'close'],
	['close first in a list', '9112 9.6', get('Connection: close, x'), 200, 'close'],
	['close last in a list', '9112 9.6', get('Connection: keep-alive ,, close'), 200, 'close'],
	['close in the second line', '9112 9.6', get('Connection: x', 'Connection: close'), 200, 'close'],
	['close in the first line', '9112 9.6', get('Connection: close', 'Connection: keep-alive'), 200, 'close'],
	['an option that begins like close', '9112 9.6', get('Connection: closed'), 200, 'keep'],
	['keep-alive', '9112 9.3', get('Connection: keep-alive'), 200, 'keep'],
	['Expect without body', '9110 10.1.1', get('Expect: 100-continue'), 200, 'keep'],
	['Expect with a body not sent', '9110 10.1.1', "POST / HTTP/1.1\r\n${host}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", '405|417', 'close'],
	['Expect in HTTP/1.0', '9110 10.1.1', get10('Expect: 100-continue'), 200, 'close'],
	['another expectation', '9110 10.1.1', get('Expect: x'), '200|417', 'either'],
	['an upgrade that is not wanted', '9110 7.8', get('Connection: Upgrade', 'Upgrade: websocket'), 200, 'keep'],
	['an upgrade to HTTP/2', '9110 7.8', get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'), 200, 'keep'],
);

my $seed = $ENV{BROOD_TEST_SEED} // time;
srand $seed;
diag "BROOD_TEST_SEED=$seed";

sub octet_by_octet { return split //, $_[0] }

sub random_pieces
{
	my ($octets) = @_;
	my @pieces;
	push @pieces, substr $octets, 0, 1 + int rand(rand() < 0.5 ? 4 : 40), '' while length $octets;
	return @pieces;
}

# The end is tested by another request, not by waiting: on a connection that is kept it is answered.
sub end_of
{
	my ($client, $response) = @_;
	return 'says close, but was ' . $client->wait_end if $response->says_close && $client->wait_end ne 'closed';
	return 'close' if $response->says_close;
	$client->send(get('X-Next: 1', 'Connection: close'));
	my $next = $client->response;
	my $end = $client->wait_end;
	return 'keep' if $next->status eq '200' && $next->body eq Brood::Server->content('hello.txt') && $end eq 'closed';
	# HTTP/1.0 needs no announcement: without keep-alive it ends.
	return "next: " . $next->status . ", then $end";
}

my $server = Brood::Server->start(workers => 2);

sub run_case
{
	my ($case, $how, @pieces) = @_;
	my ($what, $section, $octets, $statuses, $fate) = @$case;
	my $client = Brood::Client->connect($server->address) or return fail("$what: connect: $!");
	@pieces > 1 ? $client->send_pieces(@pieces) : $client->send($pieces[0]);
	my $response = $client->response(method => $octets =~ /^HEAD/ ? 'HEAD' : 'GET');
	my @wrong;
	push @wrong, 'status ' . $response->status . ", not $statuses" if $response->status !~ /^(?:$statuses)\z/;
	push @wrong, 'an interim response' if $response->interim;
	push @wrong, 'no Connection: keep-alive to an HTTP/1.0 client that asked for it'
	    if $octets =~ m{ HTTP/1\.0\r} && $fate eq 'keep' && ($response->header('Connection') // '') !~ /keep-alive/i;
	push @wrong, '405 without Allow' if $response->status eq '405' && !$response->header('Allow');
	my $end = @wrong ? '-' : end_of($client, $response);
	push @wrong, "the connection: $end, not $fate"
	    if !@wrong && ($fate eq 'either' ? $end !~ /^(?:keep|close)\z/ : $end ne $fate);
	ok !@wrong, "$what ($section), $how" or diag join "\n", @wrong, 'sent: ' . escape($octets), $response->raw_head;
}

sub escape { return substr $_[0] =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger, 0, 300 }

for my $case (@cases) {
	my $octets = $case->[2];
	run_case($case, 'whole', $octets);
	run_case($case, 'octet by octet', octet_by_octet($octets));
	run_case($case, 'cut at random', random_pieces($octets));
}

$server->finish;
done_testing;
