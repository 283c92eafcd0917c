# SPDX-License-Identifier: MIT
#
# Host: RFC 9112 section 3.2, RFC 9110 section 7.2, RFC 3986 section 3.2.
use strict;
use warnings;
use Brood::Rfc;

return (
	['MUST', '9112 3.2', 'none', with_host(), 400, 'close'],
	['MUST', '9112 3.2', 'none, but other fields', with_host('Accept: */*', 'X-Host: a'), 400, 'close'],
	['MUST', '9112 3.2', 'two', with_host('Host: a.example', 'Host: b.example'), 400, 'close'],
	['MUST', '9112 3.2', 'the same twice', with_host('Host: a.example', 'Host: a.example'), 400, 'close'],
	['MUST', '9112 3.2', 'two, the first empty', with_host('Host:', 'Host: a.example'), 400, 'close'],
	['MUST', '9112 3.2', 'two, the last empty', with_host('Host: a.example', 'Host:'), 400, 'close'],
	['MUST', '9112 3.2', 'two, in different cases', with_host('Host: a.example', 'X: y', 'hOST: a.example'), 400, 'close'],
	['MUST', '9112 3.2', 'two in HTTP/1.0', get10('Host: a', 'Host: b'), 400, 'close'],
	['MUST', '9112 3.2', 'an invalid one in HTTP/1.0', get10('Host: a b'), 400, 'close'],
	['MUST', '9112 3.2', 'none in HTTP/1.0', get10(), 200, 'close'],
	['MUST', '9112 3.2', 'none with an unknown method', request('FOO / HTTP/1.1'), '400|501', 'close'],
	['MUST', '9112 3.2', 'none with OPTIONS *', request('OPTIONS * HTTP/1.1'), 400, 'close'],
	['MAY', '9110 7.2', 'an empty one', with_host('Host:'), '200|400', 'either'],
	['MAY', '9110 7.2', 'one of white space', with_host("Host: \t "), '200|400', 'either'],
	(map { ['MUST', '9110 7.2', "'$_'", with_host("Host: $_"), 200, 'keep'] }
		'a', 'A.EXAMPLE', 'a.example:80', 'a.example:', 'a.example:0', 'a.example:65535', '127.0.0.1',
		'127.0.0.1:8000', '[::1]', '[::1]:8000',
		'[::]', '[2001:db8::1:2]:80', '[2001:DB8:0:0:8:800:200C:417A]', '[::ffff:192.0.2.1]',
		'[v1.fe80::a+en1]', 'a_b', 'a.example.',
		'xn--bcher-kva.example', 'a%41', 'a%c3%a4', 'a~b', '1.2.3', '256.256.256.256', 'localhost',
		"a!\$&'()*+;=b", '-a-', 'a..b', 'http:', 'a' x 255),
	['MUST', '9112 5.1', 'white space around', "GET /hello.txt HTTP/1.1\r\nHost: \t a.example \t\r\n\r\n", 200, 'keep'],
	['MUST', '9112 5.1', 'no white space', "GET /hello.txt HTTP/1.1\r\nHost:a.example\r\n\r\n", 200, 'keep'],
	['MUST', '9110 5.1', 'its name in small letters', with_host('host: a.example'), 200, 'keep'],
	['MUST', '9110 5.1', 'its name in capitals', with_host('HOST: a.example'), 200, 'keep'],
	['MUST', '9110 5.3', 'it is not the first field', with_host('Accept: */*', 'X: y', 'Host: a.example'), 200, 'keep'],
	(map { ['MUST', '9112 3.2', "'" . show($_) . "'", with_host("Host: $_"), 400, 'close'] }
		'a b', "a\tb", 'a, b', 'a/b', 'a/', 'a?b', 'a#b', 'u@a', 'u:p@a', '@', 'a:b', 'a:80:80', 'a:-1',
		'a:+1', 'a:8 0', 'a:0x50', 'a:80/',
		'a: 80', 'a :80', ':80', ':', '[::1', '::1', '::1]', '[::g]', '[1.2.3.4]', '[::1]x', '[::1]80',
		'[::1]:x', '[]', '[]:80', '[:::]', '[::1::]',
		'[1:2:3:4:5:6:7]', '[1:2:3:4:5:6:7:8:9]', '[12345::]', '[fe80::1%25eth0]', '[v1]', '[x]', 'a"b',
		'"a"', 'a<b', 'a>b', 'a\\b', 'a^b', 'a`b',
		'a{b', 'a|b', 'a}b', 'a[b', 'http://a', 'a%4', 'a%', 'a%zz', "a\x80b", "\xc3\xa4.example", "a\x01",
		'/', '*/', 'a example:80'),
	['MUST', '9112 3.2', 'a NUL in it', with_host("Host: a\0b"), 400, 'close'],
	['MUST', '9112 3.2', 'a list of equal ones', with_host('Host: a.example, a.example'), 400, 'close'],
	['MUST', '9112 3.2', 'one that is in Connection', with_host('Host: a.example', 'Connection: Host'), 200, 'keep'],
	['MUST', '9112 3.2', 'a hundred', with_host(('Host: a.example') x 99), 400, 'close'],
	['MUST', '9112 5.2', 'a folded one', with_host("Host: a\r\n .example"), 400, 'close'],
	['MUST', '9112 5.1', 'a space behind its name', with_host('Host : a.example'), 400, 'close'],
);
