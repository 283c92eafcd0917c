# SPDX-License-Identifier: MIT
#
# Field lines: RFC 9112 sections 2.2 and 5, RFC 9110 section 5.
use strict;
use warnings;
use Brood::Rfc;

return (
	['MUST', '9112 5.1', 'a space before the colon', get('X : y'), 400, 'close'],
	['MUST', '9112 5.1', 'HTAB before the colon', get("X\t: y"), 400, 'close'],
	['MUST', '9112 5.1', 'several spaces before the colon', get('X   : y'), 400, 'close'],
	['MUST', '9112 5.1', 'a space behind the name Content-Length', get('Content-Length : 5'), 400, 'close'],
	['MUST', '9112 5.1', 'a space behind the name Transfer-Encoding', get('Transfer-Encoding : chunked'), 400, 'close'],
	['MUST', '9112 5', 'no field name', get(': y'), 400, 'close'],
	['MUST', '9112 5', 'a colon only', get(':'), 400, 'close'],
	['MUST', '9112 5', 'no colon', get('X'), 400, 'close'],
	['MUST', '9112 5', 'two words and no colon', get('X y'), 400, 'close'],
	['MUST', '9112 5', 'a space in a name', get('X Y: z'), 400, 'close'],
	['MUST', '9112 5', 'a second request line', get('GET /hello.txt HTTP/1.1'), 400, 'close'],
	['MUST', '9112 5.1', 'no white space behind the colon', get('X:y'), 200, 'keep'],
	['MUST', '9112 5.1', 'white space on both sides', get("X: \t y \t "), 200, 'keep'],
	['MUST', '9110 5.5', 'an empty value', get('X:'), 200, 'keep'],
	['MUST', '9110 5.5', 'a value of white space', get("X: \t "), 200, 'keep'],
	['MUST', '9110 5.5', 'colons in a value', get('X: a:b::c'), 200, 'keep'],
	['MUST', '9110 5.5', 'HTAB in a value', get("X: a\tb"), 200, 'keep'],
	['SHOULD', '9110 5.5', 'octets above 127 in a value', get('X: ' . join '', map { chr } 0x80 .. 0xff), 200, 'keep'],
	['MUST', '9110 5.5', 'all visible characters in a value', get('X: ' . join '', map { chr } 0x21 .. 0x7e), 200, 'keep'],
	['MUST', '9110 5.6.2', 'all characters that a name may have', get("!#\$%&'*+-.^_`|~09azAZ: y"), 200, 'keep'],
	['MUST', '9110 5.1', 'names of all lengths', get(map { 'a' x $_ . ': y' } 1 .. 40), 200, 'keep'],
	['MUST', '9110 5.3', 'a field on several lines', get(map { "Accept: a/$_" } 1 .. 9), 200, 'keep'],
	['MUST', '9110 5.1', 'fields that nobody knows', get('X-Whatever: 1', 'Foo.Bar: 2', '42: 3'), 200, 'keep'],
	['MUST', '9110 5.1', 'fields of which the names begin like others', get('Hosts: a b', 'Content-Lengths: x',
		'Transfer-Encodings: y', 'Ranges: z'), 200, 'keep'],

	# Folded lines
	(map { ['MUST', '9112 5.2', $_->[0], get(@$_[1 .. $#$_]), 400, 'close'] }
		['a folded line', 'X: y', ' z'], ['a folded line with HTAB', 'X: y', "\tz"], ['a folded empty value',
			'X:', ' z'],
		['a fold of white space only', 'X: y', ' '], ['a fold into nothing', 'X: y', "\t"],
		['a folded Transfer-Encoding', 'Transfer-Encoding:', ' chunked'], ['a folded Content-Length',
			'Content-Length:', ' 5'],
		['a fold that hides a Content-Length', 'X: y', ' Content-Length: 5'],
		['a fold that hides a Transfer-Encoding', 'X: y', "\tTransfer-Encoding: chunked"],
		['a folded list of codings', 'Transfer-Encoding: gzip,', ' chunked'], ['a fold that has no colon',
			'X: y', ' z', 'Z: a']),

	# CR, LF and NUL
	(map { ['MUST', $_->[0], $_->[1], "GET /hello.txt HTTP/1.1\r\n$_->[2]", 400, 'close'] }
		['9110 5.5', 'a NUL in a value', "${host}X: a\0b\r\n\r\n"], ['9110 5.5', 'a NUL for a value',
			"${host}X: \0\r\n\r\n"],
		['9112 2.2', 'a bare CR in a value', "${host}X: a\rb\r\n\r\n"], ['9112 2.2',
			'a bare CR at the end of a value', "${host}X: a\r\r\n\r\n"],
		['9112 2.2', 'a CR for a value', "${host}X:\r\r\n\r\n"], ['9112 2.2', 'a CR that begins a field',
			"${host}\rX: y\r\n\r\n"],
		['9112 2.2', 'a CR for an end of line', "${host}X: y\rContent-Length: 5\r\n\r\n"],
		['9112 2.2', 'a CR behind an empty value', "${host}X:\rY: z\r\n\r\n"],
		['9112 2.2', 'a CR that hides a Transfer-Encoding', "${host}X:\rTransfer-Encoding: chunked\r\n\r\n"],
		['9112 2.2', 'CR LF CR x at the end', "${host}\rx\r\n\r\n"], ['9112 2.2', 'CR LF CR at the end',
			"${host}\r\r\n"],
		['9112 2.2', 'CR in a name', "${host}X\rY: z\r\n\r\n"], ['9112 2.2', 'LF CR for an end of line',
			"Host: a\n\rX: y\r\n\r\n"]),
	(map { ['OWN', '9112 2.2', $_->[0], "GET /hello.txt HTTP/1.1\r\n$_->[1]", 400, 'close'] }
		['a field line with LF only', "Host: a\nX: y\r\n\r\n"], ['the empty line with LF only', "${host}\n"],
		['a bare LF in a value', "${host}X: a\nY: b\r\n\r\n"], ['LF that hides a Content-Length',
			"${host}X: a\nContent-Length: 5\r\n\r\n"],
		['LF LF at the end', "Host: a\n\n"], ['LF for a value', "${host}X:\n\r\n\r\n"]),

	# Every octet that must not be
	(map { ['MUST', '9110 5.1', "$_->[1] in a name", get("X$_->[0]Y: z"), 400, 'close'] }
		every_octet(0x00, 0x1f, "\n", "\r"), every_octet(0x7f, 0x81), every_octet(0xff, 0xff), map { [$_,
		"'$_'"] } split //, '(),/;<=>?@[\\]{}" '),
	(map { ['MAY', '9110 5.5', "$_->[1] in a value", get("X: a$_->[0]b"), 400, 'close'] } every_octet(0x01, 0x1f,
		"\t", "\n", "\r"), every_octet(0x7f, 0x7f)),
	(map { ['MUST', '9110 5.1', "$_->[1] before a name", get("$_->[0]X: z"), 400, 'close'] } every_octet(0x00,
		0x1f, "\n", "\r"), every_octet(0x7f, 0x80)),

	# Fields that mean nothing here, or nothing any more
	(map { ['MUST', '9110 5.1', "'$_'", get($_), 200, 'keep'] }
		'TE: trailers', 'TE: gzip;q=0.5, trailers', 'Trailer: X-Sum', 'Via: 1.1 a', 'Max-Forwards: 0',
		'From: x@a.example', 'Cookie: a=b; c="d"',
		'Authorization: Basic YTpi', 'Accept-Charset: x', 'Accept-Language: de;q=0.5', 'Accept: image/png',
		'Accept: ', 'Accept: ;;;', 'Pragma: no-cache',
		'Cache-Control: no-cache', 'Cache-Control: only-if-cached', 'Proxy-Connection: close',
		'Keep-Alive: timeout=5, max=1', 'Content-Type: text/plain',
		'Content-Range: bytes 0-1/2', 'Content-MD5: x', 'Date: nonsense', 'X-Forwarded-For: 192.0.2.1',
		'Forwarded: for=192.0.2.1', 'Content_Length: 5',
		'Transfer_Encoding: chunked', 'X-HTTP-Method-Override: DELETE', 'X-Original-URL: /admin',
		'X-Forwarded-Host: evil.example', 'Sec-Fetch-Mode: navigate'),
);
