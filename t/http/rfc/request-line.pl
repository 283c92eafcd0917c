# SPDX-License-Identifier: MIT
#
# Request lines: RFC 9112 sections 2.2, 2.3 and 3.
use strict;
use warnings;
use Brood::Rfc;

sub first_line { return request($_[0], 'Host: a.example') }
my $rest = "${host}\r\n";

return (
	['MUST', '9112 3', 'a plain request', get(), 200, 'keep', body => "Hello, world!\n"],

	# Versions
	['MUST', '9110 2.5', 'HTTP/1.0', get10(), 200, 'close'],
	['MUST', '9110 2.5', 'HTTP/1.0 with a Host', get10('Host: a.example'), 200, 'close'],
	(map { ['SHOULD', '9110 2.5', "HTTP/1.$_ is read as 1.1", first_line("GET /hello.txt HTTP/1.$_"), 200,
		'keep'] } 2 .. 9),
	['MUST', '9112 3.2', 'HTTP/1.2 without Host', "GET / HTTP/1.2\r\n\r\n", 400, 'close'],
	(map { ['MUST', '9110 15.6.6', "$_ is not spoken", first_line("GET / $_"), '505|400', 'close'] }
		qw(HTTP/2.0 HTTP/2.1 HTTP/3.0 HTTP/9.9 HTTP/0.9 HTTP/0.0)),
	(map { ['SHOULD', '9112 2.2', "version '" . show($_) . "'", first_line("GET / $_"), 400, 'close'] }
		qw(http/1.1 Http/1.1 hTTP/1.1 HTTP/1 HTTP/1. HTTP/.1 HTTP/ HTTP HTTP/1.10 HTTP/1.01 HTTP/01.1 HTTP/11.1 HTTP/+1.1
		HTTP/-1.1 HTTP/1.1x HTTP/1.x HTTP/x.1 HTTP/1.1.1 HTTP\\1.1 HTTP/1/1 HTTPS/1.1 HTTP/1.1; RTSP/1.0 ICE/1.0
		SIP/2.0 1.1 HTCPCP/1.0 FTP/1.1 HTTP/0x1.1), "HTTP/1,1", "HTTP/1.1\0", "HTTP/1.\xb1", "HTTP /1.1",
		"HTTP/ 1.1", "HTTP/1. 1"),
	['MUST', '9112 3', 'no version', "GET /hello.txt\r\n\r\n", 400, 'close'],
	['MUST', '9112 3', 'no version and no field', "GET /hello.txt\r\n", 400, 'close'],
	['MUST', '9112 3', 'no version, but fields', "GET /hello.txt\r\n$rest", 400, 'close'],
	['MUST', '9112 3', 'no version, but a space', "GET /hello.txt \r\n$rest", 400, 'close'],
	['MUST', '9112 3', 'no version, but a body', "POST /hello.txt\r\nContent-Length: 3\r\n\r\nabc", 400, 'close'],

	# White space
	(map { ['SHOULD', '9112 3', $_->[0], "$_->[1]\r\n$rest", 400, 'close'] }
		['two spaces before the target', 'GET  /hello.txt HTTP/1.1'], ['two spaces before the version',
			'GET /hello.txt  HTTP/1.1'],
		['HTAB before the target', "GET\t/hello.txt HTTP/1.1"], ['HTAB before the version', "GET /hello.txt\tHTTP/1.1"],
		['a space and HTAB', "GET \t/hello.txt HTTP/1.1"], ['VT before the target', "GET\x0b/hello.txt HTTP/1.1"],
		['VT before the version', "GET /hello.txt\x0bHTTP/1.1"], ['FF before the target', "GET\x0c/hello.txt HTTP/1.1"],
		['FF before the version', "GET /hello.txt\x0cHTTP/1.1"], ['CR before the target', "GET\r/hello.txt HTTP/1.1"],
		['CR before the version', "GET /hello.txt\rHTTP/1.1"], ['a no-break space', "GET /hello.txt\xa0HTTP/1.1"],
		['a space before the method', ' GET /hello.txt HTTP/1.1'], ['HTAB before the method',
			"\tGET /hello.txt HTTP/1.1"],
		['a space behind the version', 'GET /hello.txt HTTP/1.1 '], ['HTAB behind the version',
			"GET /hello.txt HTTP/1.1\t"],
		['a word behind the version', 'GET /hello.txt HTTP/1.1 x'], ['a space in the target',
			'GET /hello .txt HTTP/1.1'],
		['a version in the target', 'GET /hello.txt HTTP/1.1 HTTP/1.1'], ['no target', 'GET HTTP/1.1'],
			['an empty target', 'GET  HTTP/1.1'],
		['a method only', 'GET'], ['a method and a space', 'GET '], ['no method', '/hello.txt HTTP/1.1'],
		['a space for a method', ' /hello.txt HTTP/1.1'], ['a version only', 'HTTP/1.1'], ['a status line',
			'HTTP/1.1 200 OK']),

	# Ends of lines
	['MUST', '9112 2.2', 'a bare CR in the request line', "GET /\rhello.txt HTTP/1.1\r\n$rest", 400, 'close'],
	['MUST', '9112 2.2', 'CR CR LF behind the request line', "GET / HTTP/1.1\r\r\n$rest", 400, 'close'],
	['MAY', '9112 2.2', 'LF alone behind the request line', "GET / HTTP/1.1\n$rest", '400', 'close'],
	['MAY', '9112 2.2', 'LF alone everywhere', "GET / HTTP/1.1\nHost: a\n\n", '400', 'close'],
	['MUST', '9112 2.2', 'LF CR', "GET / HTTP/1.1\n\rHost: a\n\r\n\r", 400, 'close'],
	['MUST', '9112 2.2', 'CR alone everywhere', "GET / HTTP/1.1\rHost: a\r\r\r\n", 400, 'close'],
	['MUST', '9112 2.2', 'a space before the first field', "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, 'close'],
	['MUST', '9112 2.2', 'HTAB before the first field', "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", 400, 'close'],
	['MUST', '9112 2.2', 'a line of white space before the first field', "GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n",
		400, 'close'],
	['MUST', '9112 2.2', 'a space before the first field, in HTTP/1.0', "GET / HTTP/1.0\r\n X: y\r\n\r\n", 400, 'close'],

	# Empty lines before
	['SHOULD', '9112 2.2', 'an empty line before', "\r\n" . get(), 200, 'keep'],
	['MAY', '9112 2.2', 'two empty lines before', "\r\n\r\n" . get(), 200, 'keep'],
	['OWN', '9112 2.2', 'four empty lines before', "\r\n" x 4 . get(), 200, 'keep'],
	['OWN', '9112 2.2', 'a hundred empty lines before', "\r\n" x 100 . get(), 400, 'close'],
	['OWN', '9112 2.2', 'a bare LF before', "\n" . get(), 400, 'close'],
	['MUST', '9112 2.2', 'a bare CR before', "\r" . get(), 400, 'close'],
	['SHOULD', '9112 2.2', 'CR CR LF before', "\r\r\n" . get(), 400, 'close'],
	['SHOULD', '9112 2.2', 'a line of a space before', " \r\n" . get(), 400, 'close'],
	['SHOULD', '9112 2.2', 'a NUL before', "\0" . get(), 400, 'close'],
	['SHOULD', '9112 2.2', 'a byte order mark before', "\xef\xbb\xbf" . get(), 400, 'close'],

	# What is no HTTP/1.1 at all
	['SHOULD', '9112 2.2', 'nonsense', "nonsense\r\n\r\n", 400, 'close'],
	['SHOULD', '9112 2.2', 'octets that mean nothing', "\xff\xfe\xfd\r\n\r\n", 400, 'close'],
	['SHOULD', '9112 2.2', 'octets that mean nothing, without a line', "\xff\xfe\xfd", 400, 'close'],
	['SHOULD', '9112 2.2', 'NULs', "\0" x 64, 400, 'close'],
	['SHOULD', '9112 2.2', 'a TLS greeting', "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . "\x55" x 100, 400, 'close'],
	['SHOULD', '9112 2.2', 'an HTTP/2 preface', "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", '505|400', 'close'],
	['SHOULD', '9112 2.2', 'an SSH greeting', "SSH-2.0-OpenSSH_9.2\r\n\r\n", 400, 'close'],
	['SHOULD', '9112 2.2', 'SMTP', "EHLO a.example\r\n\r\n", 400, 'close'],
	['SHOULD', '9112 2.2', 'JSON', "{\"jsonrpc\":\"2.0\"}\r\n\r\n", 400, 'close'],
	['SHOULD', '9112 2.2', 'a Redis command', "*1\r\n\$4\r\nPING\r\n", 400, 'close'],
	['SHOULD', '9112 2.2', 'a response', "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 400, 'close'],
	['SHOULD', '9112 2.2', 'fields without a request line', "Host: a.example\r\n\r\n", 400, 'close'],
	['OWN', 'notes', 'a PROXY line where none is expected', "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" . get(), 400, 'close'],
	['OWN', 'notes', 'a PROXY header where none is expected',
		"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c" . "\0" x 12 . get(), 400, 'close'],
);
