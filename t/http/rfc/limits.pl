# SPDX-License-Identifier: MIT
#
# Sizes: what everybody must be able to send, and what is too much. RFC 9112 section 3, RFC 9110 section 5.4.
use strict;
use warnings;
use Brood::Rfc;

sub uncut { return ['whole', $_[0]] }

return (
	['SHOULD', '9112 3', 'a request line of 8,000 octets',
		target('/hello.txt?' . 'x' x (8000 - length 'GET /hello.txt? HTTP/1.1')), 200, 'keep'],
	['OWN', 'notes', 'a target of 8,192 octets',
		uncut(target('/hello.txt?' . 'x' x (8192 - length '/hello.txt?'))), 200, 'keep'],
	['MUST', '9112 3', 'one of 8,193', uncut(target('/hello.txt?' . 'x' x (8193 - length '/hello.txt?'))), 414, 'close'],
	(map { ['MUST', '9112 3', "a target of $_ octets", uncut(target('/' . 'x' x $_)), 414, 'close'] } 10_000,
		32_000, 33_000, 65_000, 200_000),
	['MUST', '9112 3', 'a target that does not end', uncut('GET /' . 'x' x 20_000), 414, 'close'],
	['MUST', '9112 3', 'an absolute target that is too long', uncut(target('http://a.example/' . 'x' x 10_000)),
		414, 'close'],
	['MUST', '9112 3', 'a target that is too long, with POST',
		uncut(request('POST /' . 'x' x 10_000 . ' HTTP/1.1', 'Host: a')), 414, 'close'],
	['OWN', 'notes', 'sixty fields', get(map { "X-$_: y" } 1 .. 60), 200, 'keep'],
	['OWN', 'notes', 'a cookie of 8 KiB', uncut(get('Cookie: ' . 'x' x 8192)), 200, 'keep'],
	['OWN', 'notes', 'a hundred fields', uncut(get(map { "X-$_: y" } 1 .. 99)), 200, 'keep'],
	['MUST', '9110 5.4', 'a hundred and one', uncut(get(map { "X-$_: y" } 1 .. 100)), 431, 'close'],
	['MUST', '9110 5.4', 'ten thousand fields', uncut(get(map { "X-$_: y" } 1 .. 10_000)), 431, 'close'],
	['MUST', '9110 5.4', 'ten thousand fields of one name', uncut(get(('X: y') x 10_000)), 431, 'close'],
	['MUST', '9110 5.4', 'ten thousand empty fields', uncut(get(('X:') x 10_000)), 431, 'close'],
	['MUST', '9110 5.4', 'ten thousand Hosts', uncut(with_host(('Host: a') x 10_000)), '400|431', 'close'],
	['MUST', '9110 5.4', 'a value of 40,000 octets', uncut(get('X: ' . 'x' x 40_000)), 431, 'close'],
	['MUST', '9110 5.4', 'a name of 40,000 octets', uncut(get('x' x 40_000 . ': y')), 431, 'close'],
	['MUST', '9110 5.4', 'a value that does not end', uncut("GET / HTTP/1.1\r\nHost: a\r\nX: " . 'x' x 60_000),
		431, 'close'],
	['MUST', '9110 5.4', 'white space that does not end', uncut("GET / HTTP/1.1\r\nHost: a\r\nX:" . ' ' x 60_000),
		431, 'close'],
	['MUST', '9110 5.4', 'a head that does not end', uncut("GET / HTTP/1.1\r\n" . "X: y\r\n" x 20_000), 431, 'close'],
	['MUST', '9110 5.4', 'a large head is answered by itself', uncut(get() . get('X: ' . 'x' x 40_000)), [200,
		431], 'close'],
	['OWN', 'notes', 'empty lines that do not end', uncut("\r\n" x 30_000), 400, 'close'],
);
