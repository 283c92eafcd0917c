# SPDX-License-Identifier: MIT
#
# Where a request ends: Content-Length and Transfer-Encoding, RFC 9112 sections 6 and 7. Files want no body, so a
# request with one is answered before it is read, and its connection closed: nothing of it is ever taken for a
# request, however it is framed.
use strict;
use warnings;
use Brood::Rfc;

my $smuggled = request('GET /probe.txt HTTP/1.1', 'Host: a.example');
my $chunked = 'Transfer-Encoding: chunked';
sub body { my ($octets, @fields) = @_; return post(@fields) . $octets }
sub chunks { return body($_[0], $chunked) }

return (
	# Content-Length
	['MUST', '9112 6.2', 'a length of 0', get('Content-Length: 0'), 200, 'keep'],
	['MUST', '9112 6.2', 'a length of 000', get('Content-Length: 000'), '200|400', 'either'],
	['MUST', '9112 6.2', 'no body and no length', post(), 405, 'keep'],
	['MUST', '9112 6.2', 'POST with a length of 0', post('Content-Length: 0'), 405, 'keep'],
	['MUST', '9112 5.1', 'HTAB around a length', get("Content-Length:\t0\t"), 200, 'keep'],
	['MUST', '9112 5.1', 'the name in small letters', get('content-length: 0'), 200, 'keep'],
	['MUST', '9112 9.3', 'a body', body('hello', 'Content-Length: 5'), 405, 'close'],
	['MUST', '9112 9.3', 'GET with a body', get('Content-Length: 5') . 'hello', '200|400|413', 'close'],
	['MUST', '9112 9.3', 'HEAD with a body', head_of('Content-Length: 5') . 'hello', '200|400|413', 'close'],
	['MUST', '9112 9.3', 'a length with leading zeros', body('hello', 'Content-Length: 0005'), '405|400', 'close'],
	['MUST', '9112 9.3', 'a body in HTTP/1.0', request('POST /hello.txt HTTP/1.0', 'Content-Length: 5') . 'hello',
		405, 'close'],
	['MUST', '9112 9.3', 'a body in HTTP/1.0 with keep-alive', request('POST /hello.txt HTTP/1.0',
		'Content-Length: 5', 'Connection: keep-alive') . 'hello', 405, 'close'],
	['MUST', '9112 9.3', 'a body that looks like a request', body($smuggled,
		'Content-Length: ' . length $smuggled), 405, 'close'],
	['MUST', '9112 9.3', 'a body of a GET that looks like a request',
		get('Content-Length: ' . length $smuggled) . $smuggled, '200|400', 'close'],
	['MUST', '9112 9.3', 'a request behind a body', body("hello$smuggled", 'Content-Length: 5'), 405, 'close'],
	['MUST', '9112 9.3', 'a body that does not come', post('Content-Length: 5'), 405, 'close'],
	['MUST', '9112 8', 'a body cut short by the end', ['half-close', body('he', 'Content-Length: 5')], '405|400', 'close'],
	['MUST', '9112 6.2', 'the largest length', body('', 'Content-Length: 9223372036854775807'), '405|413', 'close'],
	(map { ['MUST', '9112 6.3', "Content-Length: '" . show($_) . "'", body('', "Content-Length: $_"), 400, 'close'] }
		'-1', '+1', '+0', '-0', '1 2', "1\t2", '1,2', '5, 6', '5,', ',5', ',', '0x5', '0xa', '5;', '5;x',
		'5.0', '5.', 'x', '', ' ', '1e1', '"5"', "'5'", "5\x0b", "\x0b5", "5\xa0",
		"\xb2", '5a', 'a5', '1_000', '1 000', '٥', '0b1', '0o7', 'NaN', 'infinity', 'chunked',
		'99999999999999999999', '18446744073709551616',
		'18446744073709551617', '18446744073709551621', '340282366920938463463374607431768211461', '9' x 1000),
	['MUST', '9112 6.3', 'two lengths that differ', body('hello', 'Content-Length: 5', 'Content-Length: 6'), 400, 'close'],
	['MUST', '9112 6.3', 'two lengths, one of them 0', get('Content-Length: 0', 'Content-Length: 5'), 400, 'close'],
	['MUST', '9112 6.3', 'two lengths, the second one nonsense', get('Content-Length: 0', 'Content-Length: x'),
		400, 'close'],
	['MUST', '9112 6.3', 'two lengths, one of them empty', get('Content-Length: 0', 'Content-Length:'), 400, 'close'],
	['MUST', '9112 6.3', 'two lengths far apart', get('Content-Length: 0', 'X: y', 'content-length: 5'), 400, 'close'],
	['MAY', '9112 6.3', 'two lengths that agree', body('hello', 'Content-Length: 5', 'Content-Length: 5'),
		'400|405', 'close'],
	['MAY', '9112 6.3', 'a list of equal lengths', body('hello', 'Content-Length: 5, 5'), '400|405', 'close'],
	['MUST', '9112 6.3', 'an empty length in HTTP/1.0', get10('Content-Length:'), 400, 'close'],

	# Transfer-Encoding
	['MUST', '9112 7.1', 'a chunked body', chunks("5\r\nhello\r\n0\r\n\r\n"), 405, 'close'],
	['MUST', '9112 7.1', 'GET with a chunked body', get($chunked) . "5\r\nhello\r\n0\r\n\r\n", '200|400', 'close'],
	['MUST', '9112 7.1', 'an empty chunked body', chunks("0\r\n\r\n"), 405, 'close'],
	['MUST', '9112 7', 'chunked in capitals', body("0\r\n\r\n", 'Transfer-Encoding: CHUNKED'), 405, 'close'],
	['MUST', '9112 5.1', 'HTAB around chunked', body("0\r\n\r\n", "Transfer-Encoding:\tchunked\t"), 405, 'close'],
	['MUST', '9110 5.6.1', 'empty elements before chunked', body("0\r\n\r\n", 'Transfer-Encoding: , ,chunked'),
		405, 'close'],
	['MUST', '9110 5.6.1', 'an empty element behind chunked', body("0\r\n\r\n", 'Transfer-Encoding: chunked,'),
		405, 'close'],
	['MUST', '9110 5.6.1', 'empty elements behind chunked', body("0\r\n\r\n",
		"Transfer-Encoding: chunked , ,\t,"), 405, 'close'],
	['MUST', '9112 7.1', 'a body of chunks that looks like a request', chunks(sprintf "%x\r\n%s\r\n0\r\n\r\n",
		length $smuggled, $smuggled), 405, 'close'],
	['MUST', '9112 7.1', 'a request behind the chunks', chunks("0\r\n\r\n$smuggled"), 405, 'close'],
	(map { ['MUST', '9112 7.1', $_->[0], chunks($_->[1]), '405|400|413', 'close'] }
		['several chunks', "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"], ['sizes with leading zeros',
			"0005\r\nhello\r\n0000\r\n\r\n"],
		['sizes in both cases', "A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n"],
		['an extension', "5;a=b\r\nhello\r\n0\r\n\r\n"], ['a quoted extension',
			"5;a=\"b;c\\\"\"\r\nhello\r\n0\r\n\r\n"],
		['an extension without value', "5;a\r\nhello\r\n0;b\r\n\r\n"], ['several extensions',
			"5;a=b;c;d=\"e\"\r\nhello\r\n0\r\n\r\n"],
		['white space around an extension', "5 ; a = b\r\nhello\r\n0\r\n\r\n"], ['a long extension',
			'5;a=' . 'b' x 5000 . "\r\nhello\r\n0\r\n\r\n"],
		['trailers', "0\r\nX-Sum: 1\r\n\r\n"], ['a trailer Host', "0\r\nHost: b\r\n\r\n$smuggled"],
			['a trailer Content-Length', "0\r\nContent-Length: 100\r\n\r\n$smuggled"],
		['a trailer Transfer-Encoding', "0\r\nTransfer-Encoding: chunked\r\n\r\n$smuggled"],
			['a folded trailer', "0\r\nX: y\r\n z\r\n\r\n$smuggled"],
		['a size that is no number', "x\r\nhello\r\n0\r\n\r\n$smuggled"], ['an empty size',
			"\r\nhello\r\n0\r\n\r\n$smuggled"],
		['a negative size', "-5\r\nhello\r\n0\r\n\r\n$smuggled"], ['a positive sign',
			"+5\r\nhello\r\n0\r\n\r\n$smuggled"],
		['0x before a size', "0x5\r\nhello\r\n0\r\n\r\n$smuggled"], ['a size of 64 bits',
			"ffffffffffffffff\r\nhello\r\n0\r\n\r\n$smuggled"],
		['a size of more than 64 bits', "10000000000000005\r\nhello\r\n0\r\n\r\n$smuggled"],
			['a space before a size', " 5\r\nhello\r\n0\r\n\r\n$smuggled"],
		['a space behind a size', "5 \r\nhello\r\n0\r\n\r\n$smuggled"], ['a size with LF only',
			"5\nhello\r\n0\r\n\r\n$smuggled"],
		['a size with CR only', "5\rhello\r\n0\r\n\r\n$smuggled"], ['a bare CR in an extension',
			"5;a\rb\r\nhello\r\n0\r\n\r\n$smuggled"],
		['a bare LF in an extension', "5;a\nhello\r\n0\r\n\r\n$smuggled"], ['no end of a chunk',
			"5\r\nhello0\r\n\r\n$smuggled"],
		['LF behind a chunk', "5\r\nhello\n0\r\n\r\n$smuggled"], ['two octets behind a chunk',
			"5\r\nhelloXX0\r\n\r\n$smuggled"],
		['a chunk that is too long', "4\r\nhello\r\n0\r\n\r\n$smuggled"], ['a chunk that is too short',
			"6\r\nhello\r\n0\r\n\r\n$smuggled"],
		['no last chunk', "5\r\nhello\r\n"], ['no end of the trailers', "0\r\n"], ['LF for the end',
			"0\n\n$smuggled"], ['a NUL in a size', "5\0\r\nhello\r\n0\r\n\r\n$smuggled"],
		['an extension without name', "5;\r\nhello\r\n0\r\n\r\n$smuggled"], ['an unclosed quote',
			"5;a=\"\r\nhello\r\n0\r\n\r\n$smuggled"], ['a comma for a size', "5,5\r\nhello\r\n0\r\n\r\n"]),
	['MUST', '9112 8', 'a chunked body cut short by the end', ['half-close', chunks("5\r\nhe")], '405|400', 'close'],
	(map { ['MUST', '9112 6.3', "Transfer-Encoding: '" . show($_) . "'", body("0\r\n\r\n",
		"Transfer-Encoding: $_"), '400', 'close'] }
		'', ' ', ',', ',,', 'identity', 'gzip', 'deflate', 'compress', 'x', 'xchunked', 'chunkedx', 'chunke',
		'chunked-', 'chunked_', "chunk\x0bed", "\x0bchunked", "chunked\x0b",
		"chunked\xa0", "\xe2\x80\x8bchunked", 'chunked;', 'chunked;a=b', 'chunked; a', 'chunked/1',
		'chunked x', 'x chunked', 'chunked:chunked', '"chunked"', "'chunked'",
		'chunked, gzip', 'chunked, identity', 'chunked, chunked', 'chunked,chunked', 'gzip, chunked, chunked',
		'chunked, gzip, chunked', 'gzip;a="b, chunked', '[chunked]', '(chunked)', 'chunked; chunked'),
	(map { ['SHOULD', '9112 6.1', "Transfer-Encoding: '$_'", body("0\r\n\r\n", "Transfer-Encoding: $_"), '501', 'close'] }
		'gzip, chunked', 'gzip,chunked', 'identity, chunked', 'deflate, gzip, chunked', 'x, chunked',
		'gzip;q=1, chunked', 'GZIP , CHUNKED'),
	['MUST', '9112 6.3', 'chunked on two lines', body("0\r\n\r\n", $chunked, $chunked), 400, 'close'],
	['MUST', '9112 6.3', 'chunked, then identity on another line', body("0\r\n\r\n", $chunked,
		'Transfer-Encoding: identity'), 400, 'close'],
	['SHOULD', '9112 6.1', 'gzip, then chunked on another line', body("0\r\n\r\n", 'Transfer-Encoding: gzip',
		$chunked), 501, 'close'],
	['MUST', '9112 6.3', 'chunked, then gzip on another line', body("0\r\n\r\n", $chunked,
		'Transfer-Encoding: gzip'), 400, 'close'],

	# Both
	(map { ['MUST', '9112 6.1', $_->[0], body("0\r\n\r\n$smuggled", @{ $_->[1] }), '400|501', 'close'] }
		['a length and chunked', ['Content-Length: 5', $chunked]], ['chunked and a length', [$chunked,
			'Content-Length: 5']],
		['a length of 0 and chunked', ['Content-Length: 0', $chunked]], ['chunked and a length far apart',
			[$chunked, 'X: y', 'Y: z', 'content-length: 5']],
		['a length and an empty coding', ['Content-Length: 5', 'Transfer-Encoding:']],
			['an empty coding and a length of 0', ['Transfer-Encoding:', 'Content-Length: 0']],
		['a length and identity', ['Content-Length: 5', 'Transfer-Encoding: identity']],
			['a length and xchunked', ['Content-Length: 5', 'Transfer-Encoding: xchunked']],
		['a length and gzip', ['Content-Length: 5', 'Transfer-Encoding: gzip']], ['a bad length and chunked',
			['Content-Length: x', $chunked]]),
	['MUST', '9112 6.1', 'both in a GET', get('Content-Length: 5', $chunked) . "0\r\n\r\n", 400, 'close'],

	# HTTP/1.0
	(map { ['MUST', '9112 6.1', "HTTP/1.0 with $_->[0]", request('POST /hello.txt HTTP/1.0',
		@{ $_->[1] }) . "0\r\n\r\n$smuggled", 400, 'close'] }
		['chunked', [$chunked]], ['chunked and keep-alive', ['Connection: keep-alive', $chunked]],
			['identity', ['Transfer-Encoding: identity']],
		['an empty coding', ['Transfer-Encoding:']], ['chunked and a length', [$chunked, 'Content-Length: 5']]),

	# Names that are almost right
	(map { ['MUST', '9112 5.1', "'" . show($_) . "' is another field", get($_), '200', 'keep'] }
		'Content-Length2: 5', 'XContent-Length: 5', 'X-Transfer-Encoding: chunked',
		'Transfer-Encodin: chunked', 'Content_Length: 5', 'Transfer-Encoding2: chunked', 'Content--Length: 5'),
	(map { ['MUST', '9112 5.1', "'" . show($_) . "' is no field", get($_), 400, 'close'] }
		"Content-Length\0: 5", "Content-Length\x0b: 5", "\x0bContent-Length: 5",
		"Transfer-Encoding\x0c: chunked", "Transfer\rEncoding: chunked", "Content Length: 5", "Content-Length\xa0: 5",
		"Content-Length;: 5", "Content-Length\t: 5"),
);
