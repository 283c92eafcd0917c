# SPDX-License-Identifier: MIT
#
# Forms of targets, and what may stand in them: RFC 9112 section 3.2, RFC 9110 sections 4 and 7, RFC 3986.
use strict;
use warnings;
use Brood::Rfc;

my $hello = "Hello, world!\n";

return (
	# origin-form
	['MUST', '9112 3.2.1', 'a query', target('/hello.txt?a=b&c=/../d'), 200, 'keep', body => $hello],
	['MUST', '9112 3.2.1', 'an empty query', target('/hello.txt?'), 200, 'keep', body => $hello],
	['MUST', '9112 3.2.1', 'question marks in a query', target('/hello.txt?a?b??'), 200, 'keep', body => $hello],
	['MUST', '3986 3.4', 'all that may stand in a query', target("/hello.txt?aZ09-._~!\$&'()*+,;=:\@/?%20"), 200, 'keep'],
	['MUST', '3986 3.3', 'all that may stand in a path', target("/aZ09-._~!\$&'()*+,;=:\@%20"), 404, 'keep'],
	['OWN', 'notes', 'what browsers leave as it is in a path', target('/x[1].txt'), 200, 'keep', body => "brackets\n"],
	['OWN', 'notes', 'the same: a bar', target('/a|b.txt'), 200, 'keep', body => "bar\n"],
	['OWN', 'notes', 'what browsers leave as it is in a query', target('/hello.txt?\\^`{|}[]'), 200, 'keep'],
	['MUST', '9112 3.2.1', 'no slash', target('hello.txt'), 400, 'close'],
	['MUST', '9112 3.2.1', 'a query only', target('?a'), 400, 'close'],
	['MUST', '9112 3.2.1', 'an empty segment first', target('//hello.txt'), '200|301|400|404', 'either'],
	['MUST', '9110 4.2.3', 'escaped letters', target('/%68ello%2etxt'), 200, 'keep', body => $hello],
	['MUST', '9110 4.2.3', 'escapes in both cases', target('/%c3%A4.txt'), 200, 'keep', body => "umlaut\n"],

	# What must not stand in a target
	(map { ['SHOULD', '9112 3.2', "$_->[1] in a path", target("/hello$_->[0].txt"), 400, 'close'] }
		every_octet(0x00, 0x1f, "\n", "\r"), every_octet(0x7f, 0x81), every_octet(0xa0, 0xa0), every_octet(0xfe, 0xff),
		['#', 'a fragment'], ['"', 'a quote'], ['<', 'less than'], ['>', 'greater than'], ['\\',
			'a backslash'], ['^', 'a circumflex'],
		['`', 'a backtick'], ['{', 'an opening brace'], ['}', 'a closing brace'], ["\xc3\xa4", 'raw UTF-8'],
			["\xe4", 'raw Latin-1']),
	(map { ['SHOULD', '9112 3.2', "$_->[1] in a query", target("/hello.txt?a$_->[0]b"), 400, 'close'] }
		["\0", 'a NUL'], ["\t", 'HTAB'], ["\x7f", 'DEL'], ["\xc3\xa4", 'raw UTF-8'], ['#', 'a fragment'],
			['"', 'a quote'], ['<', 'less than']),
	['SHOULD', '9112 3.2', 'a fragment only', target('#a'), 400, 'close'],
	['SHOULD', '9112 3.2', 'a fragment behind a query', target('/hello.txt?a#b'), 400, 'close'],

	# absolute-form
	['MUST', '9112 3.2.2', 'absolute form', target('http://a.example/hello.txt'), 200, 'keep', body => $hello],
	['MUST', '9112 3.2.2', 'absolute form with a port', target('http://a.example:80/hello.txt'), 200, 'keep'],
	['MUST', '9112 3.2.2', 'absolute form with an empty port', target('http://a.example:/hello.txt'), 200, 'keep'],
	['MUST', '9112 3.2.2', 'absolute form with an IPv6 address', target('http://[::1]:8000/hello.txt'), 200, 'keep'],
	['MUST', '9112 3.2.2', 'absolute form with a query', target('http://a.example/hello.txt?a'), 200, 'keep'],
	['MUST', '9112 3.2.2', 'absolute form without a path', target('http://a.example'), 200, 'keep',
		'Content-Type' => qr/html/],
	['MUST', '9112 3.2.2', 'absolute form without a path, but a query', target('http://a.example?a'), 200, 'keep'],
	['MUST', '9112 3.2.2', 'absolute form in HTTP/1.0', request('GET http://a.example/hello.txt HTTP/1.0'), 200, 'close'],
	['MUST', '9112 3.2.2', 'absolute form goes before Host', request('GET http://a.example/hello.txt HTTP/1.1',
		'Host: b.example'), 200, 'keep'],
	['MUST', '9112 3.2.2', 'absolute form and an empty Host', request('GET http://a.example/hello.txt HTTP/1.1',
		'Host:'), 200, 'keep'],
	['MUST', '9110 4.2.3', 'a scheme in capitals', target('HTTP://A.EXAMPLE/hello.txt'), 200, 'keep', body => $hello],
	['MUST', '9112 3.2', 'absolute form without Host', request('GET http://a.example/hello.txt HTTP/1.1'), 400, 'close'],
	['MUST', '9112 3.2', 'absolute form with an invalid Host', request('GET http://a.example/hello.txt HTTP/1.1',
		'Host: a b'), 400, 'close'],
	['MUST', '9110 4.2.1', 'an empty host', target('http:///hello.txt'), 400, 'close'],
	['MUST', '9110 4.2.1', 'a port without a host', target('http://:80/hello.txt'), 400, 'close'],
	['MUST', '9110 4.2.1', 'no host and no path', target('http://'), 400, 'close'],
	['SHOULD', '9110 4.2.4', 'user information', target('http://u@a.example/hello.txt'), 400, 'close'],
	['SHOULD', '9110 4.2.4', 'user information with a password', target('http://u:p@a.example/hello.txt'), 400, 'close'],
	['MUST', '9112 3.2.2', 'a port that is none', target('http://a.example:x/hello.txt'), 400, 'close'],
	['MUST', '9112 3.2.2', 'two ports', target('http://a.example:1:2/hello.txt'), 400, 'close'],
	['MUST', '9112 3.2.2', 'an unclosed address', target('http://[::1/hello.txt'), 400, 'close'],
	['MUST', '9112 3.2.2', 'a fragment', target('http://a.example/hello.txt#a'), 400, 'close'],
	['MUST', '9112 3.2.2', 'one slash', target('http:/hello.txt'), 400, 'close'],
	['MUST', '9112 3.2.2', 'no slash behind the scheme', target('http:hello.txt'), 400, 'close'],
	$ENV{BROOD_TEST_TLS}
	    ? ['MUST', '9110 7.4', 'https over TLS', target('https://a.example/hello.txt'), 200, 'keep']
	    : ['MUST', '9110 7.4', 'https without TLS', target('https://a.example/hello.txt'), 421, 'either'],
	(map { ['MUST', '9110 7.4', "another scheme, $_", target("$_//a.example/hello.txt"), '400|421', 'close'] }
		qw(ftp: file: ws: httpx: urn: javascript: ://)),

	# asterisk-form
	['MUST', '9112 3.2.4', 'OPTIONS *', request('OPTIONS * HTTP/1.1', 'Host: a.example'), '200|204', 'keep',
		Allow => qr/\bGET\b/],
	['MUST', '9112 3.2.4', 'OPTIONS * with an empty Host', request('OPTIONS * HTTP/1.1', 'Host:'), '200|204', 'keep'],
	['MUST', '9112 3.2.4', 'OPTIONS * in HTTP/1.0', request('OPTIONS * HTTP/1.0'), '200|204', 'close'],
	['MUST', '9112 3.2.4', 'OPTIONS of an authority', request('OPTIONS http://a.example HTTP/1.1',
		'Host: a.example'), '200|204', 'keep'],
	(map { ['MUST', '9112 3.2.4', "$_ *", request("$_ * HTTP/1.1", 'Host: a.example'), 400,
		'close'] } qw(GET HEAD POST PUT DELETE TRACE)),
	['MUST', '9112 3.2.4', 'two asterisks', request('OPTIONS ** HTTP/1.1', 'Host: a.example'), 400, 'close'],
	['MUST', '9112 3.2.4', 'an asterisk and a query', request('OPTIONS *?a HTTP/1.1', 'Host: a.example'), 400, 'close'],
	['MUST', '9112 3.2.4', 'an asterisk in a path', target('/*'), 404, 'keep'],

	# authority-form
	['MUST', '9110 9.3.6', 'CONNECT', request('CONNECT a.example:443 HTTP/1.1', 'Host: a.example:443'),
		'405|501|400', 'close'],
	['MUST', '9112 3.2.3', 'CONNECT without a port', request('CONNECT a.example HTTP/1.1', 'Host: a.example'),
		400, 'close'],
	['MUST', '9112 3.2.3', 'CONNECT with an empty port', request('CONNECT a.example: HTTP/1.1',
		'Host: a.example'), 400, 'close'],
	['MUST', '9112 3.2.3', 'CONNECT to a path', request('CONNECT /hello.txt HTTP/1.1', 'Host: a.example'), 400, 'close'],
	['MUST', '9112 3.2.3', 'CONNECT to a URL', request('CONNECT http://a.example:80/ HTTP/1.1',
		'Host: a.example'), 400, 'close'],
	['MUST', '9112 3.2.3', 'GET of an authority', target('a.example:80'), 400, 'close'],
	['MUST', '9110 9.3.6', 'what follows a CONNECT is not answered', request('CONNECT a.example:443 HTTP/1.1',
		'Host: a.example') . get(),
	 '405|501|400', 'close'],
);
