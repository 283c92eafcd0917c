# SPDX-License-Identifier: MIT
#
# Methods: RFC 9110 sections 9 and 15.
use strict;
use warnings;
use Brood::Rfc;

return (
	['MUST', '9110 9.1', 'GET', get(), 200, 'keep'],
	['MUST', '9110 9.1', 'HEAD', head_of(), 200, 'keep', 'Content-Length' => 14,
		'Content-Type' => qr{^text/plain}, ETag => qr/./],
	['MUST', '9110 9.3.2', 'HEAD of what is not there', request('HEAD /none HTTP/1.1', 'Host: a'), 404, 'keep'],
	['MUST', '9110 9.3.2', 'HEAD of a folder', request('HEAD /dir HTTP/1.1', 'Host: a'), 301, 'keep',
		Location => qr{/dir/$}],
	['MUST', '9110 9.3.2', 'HEAD in HTTP/1.0', request('HEAD /hello.txt HTTP/1.0'), 200, 'close'],
	['MUST', '9110 9.3.2', 'HEAD that is refused has no body', request('HEAD /hello.txt HTTP/1.1'), 400, 'close'],
	['MUST', '9110 9.3.2', 'HEAD of too long a target has no body', request('HEAD /' . 'x' x 10000 . ' HTTP/1.1',
		'Host: a'), 414, 'close'],
	['MUST', '9110 9.3.2', 'HEAD in another version has no body', request('HEAD / HTTP/2.0', 'Host: a'),
		'505|400', 'close'],
	['SHOULD', '9110 9.3.7', 'OPTIONS', method('OPTIONS'), '200|204', 'keep',
		Allow => qr/^(?=.*\bGET\b)(?=.*\bHEAD\b)(?=.*\bOPTIONS\b)/],
	['SHOULD', '9110 9.3.7', 'OPTIONS in HTTP/1.0 without Host', request('OPTIONS / HTTP/1.0'), '200|204',
		'close', Allow => qr/GET/],
	['MUST', '9110 9.3.7', 'OPTIONS with a body', method('OPTIONS', 'Content-Length: 2') . '{}',
		'200|204|400|413', 'either'],
	['MAY', '9110 7.6.2', 'OPTIONS with Max-Forwards', method('OPTIONS', 'Max-Forwards: 0'), '200|204', 'keep'],
	(map { ['MUST', '9110 15.5.6', "$_ is known, but not for files", method($_), '405', 'keep',
		Allow => qr/\bGET\b.*\bHEAD\b/] }
		qw(POST PUT DELETE PATCH PROPFIND MKCOL COPY MOVE LOCK REPORT SEARCH QUERY LINK)),
	['MUST', '9110 9.3.8', 'TRACE', method('TRACE'), '405|501', 'keep'],
	['MUST', '9110 9.3.8', 'TRACE does not tell what was sent', method('TRACE', 'Cookie: secret'), '405|501',
		'keep', body => qr/^(?!.*secret)/s],
	['SHOULD', '9110 15.5.6', 'POST of what is not there', request('POST /none HTTP/1.1', 'Host: a',
		'Content-Length: 0'), '404|405', 'keep'],
	(map { ['SHOULD', '9110 9.1', "'$_' is not known", method($_), 501, 'keep'] }
		qw(FOO GETX GE G XGET Get get gET head BREW GET-X GET.X 0 123 _ !), "!#\$%&'*+-.^_`|~", 'A' x 100),
	['SHOULD', '9112 3', 'a method that is longer than any', method('A' x 1000), 501, 'either'],
	['SHOULD', '9112 3', 'a method of 20,000 octets', ['whole', method('A' x 20000)], 501, 'either'],
	['SHOULD', '9112 3', 'a method of 60,000 octets', ['whole', method('A' x 60000)], 501, 'either'],
	['SHOULD', '9112 3', 'a method that does not end', 'A' x 300, 501, 'either'],
	(map { ['SHOULD', '9110 5.6.2', "$_->[1] in a method", method("GE$_->[0]T"), 400, 'close'] }
		every_octet(0x00, 0x1f, "\n", "\r"), every_octet(0x7f, 0x80), every_octet(0xff, 0xff),
		map { [$_, "'$_'"] } split //, '(),/:;<=>?@[\\]{}"'),
);
