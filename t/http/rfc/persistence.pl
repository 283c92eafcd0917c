# SPDX-License-Identifier: MIT
#
# Connections that go on and connections that end, requests in a row, half-closed connections: RFC 9112 section 9.
use strict;
use warnings;
use Brood::Rfc;

my $second = request('GET /digits.txt HTTP/1.1', 'Host: a.example');
my $head = head_of();
my $digits = '0123456789';

return (
	# Connection
	['MUST', '9112 9.3', 'HTTP/1.1 goes on', get(), 200, 'keep', Connection => undef],
	['MUST', '9112 9.6', 'Connection: close', get('Connection: close'), 200, 'close'],
	(map { ['MUST', '9112 9.6', "Connection: '" . show($_) . "'", get("Connection: $_"), 200, 'close'] }
		'CLOSE', 'Close', "\tclose\t", "close\t", 'close, x', 'x, close', 'keep-alive, close',
		'close, keep-alive', 'keep-alive ,, close', ',close', 'close,', 'upgrade,close', 'close , TE'),
	['MUST', '9112 9.6', 'close in the second line', get('Connection: x', 'Connection: close'), 200, 'close'],
	['MUST', '9112 9.6', 'close in the first line', get('Connection: close', 'Connection: keep-alive'), 200, 'close'],
	(map { ['MUST', '9110 7.6.1', "Connection: '$_' is not close", get("Connection: $_"), 200, 'keep'] }
		'closed', 'not-close', 'close-x', '"close"', 'close=1', 'close x', 'x', '', ',', 'Host',
		'Content-Length', 'Range', 'TE, Trailer', 'close;q=1'),
	['MUST', '9112 9.3', 'keep-alive', get('Connection: keep-alive'), 200, 'keep'],
	['MUST', '9112 9.3', 'HTTP/1.0 ends', get10(), 200, 'close'],
	['SHOULD', '9112 9.3', 'HTTP/1.0 with keep-alive', get10('Connection: keep-alive'), 200, 'keep',
		Connection => qr/keep-alive/i],
	['SHOULD', '9112 9.3', 'HTTP/1.0 with Keep-Alive', get10('Connection: Keep-Alive'), 200, 'keep'],
	['SHOULD', '9112 9.3', 'HTTP/1.0 with keep-alive among others', get10('Connection: x, keep-alive'), 200, 'keep'],
	['SHOULD', '9112 9.3', 'HTTP/1.0 with keep-alive, of what is not there', request('GET /none HTTP/1.0',
		'Connection: keep-alive'), 404, 'keep'],
	(map { ['SHOULD', '9112 9.3', "HTTP/1.0 with keep-alive, $_->[0], twice", $_->[1] x 2, [$_->[2], $_->[2]], 'keep',
		Connection => 'keep-alive'] }
		['HEAD', request('HEAD /hello.txt HTTP/1.0', 'Connection: keep-alive'), 200],
		['a 304', get10('Connection: keep-alive', 'If-None-Match: *'), 304],
		['a 206', request('GET /digits.txt HTTP/1.0', 'Connection: keep-alive', 'Range: bytes=0-1'), 206],
		['a 301', request('GET /dir HTTP/1.0', 'Connection: keep-alive'), 301],
		['a 501', request('FOO / HTTP/1.0', 'Connection: keep-alive'), 501],
		['OPTIONS *', request('OPTIONS * HTTP/1.0', 'Connection: keep-alive'), 200],
		['a large file', request('HEAD /big.bin HTTP/1.0', 'Connection: keep-alive'), 200]),
	['MUST', '9112 9.3', 'HTTP/1.2 goes on without being asked to', request('GET /hello.txt HTTP/1.2', 'Host: a'), 200, 'keep',
		Connection => undef],
	['MUST', '9110 7.6.1', 'close among others that are there', get('Connection: close, TE, X', 'TE: trailers', 'X: y'), 200, 'close'],
	['MUST', '9110 7.6.1', 'close on the last of many lines', get(('Connection: x') x 50, 'Connection: close'), 200, 'close'],
	['MUST', '9110 7.6.1', 'close behind a long list', get('Connection: ' . 'x, ' x 1000 . 'close'), 200, 'close'],
	['MUST', '9112 9.6', 'close and a 412', get('Connection: close', 'If-Match: "x"'), 412, 'close'],
	['MUST', '9112 9.6', 'close and a 416', file_of('digits.txt', 'Connection: close', 'Range: bytes=20-'), 416, 'close'],
	['MUST', '9112 9.3', 'HTTP/1.0 with keep-alive and close', get10('Connection: keep-alive, close'), 200, 'close'],
	['MUST', '9112 9.3', 'HTTP/1.0 with a word like keep-alive', get10('Connection: keep-alive2'), 200, 'close'],
	['MUST', '9112 C.2.2', 'HTTP/1.0 with Proxy-Connection', get10('Proxy-Connection: keep-alive'), 200, 'close'],
	['MUST', '9112 C.2.2', 'HTTP/1.0 with Keep-Alive only', get10('Keep-Alive: timeout=5'), 200, 'close'],
	['MUST', '9112 9.6', 'close with HEAD', head_of('Connection: close'), 200, 'close'],
	['MUST', '9112 9.6', 'close with a 404', request('GET /none HTTP/1.1', 'Host: a', 'Connection: close'), 404, 'close'],
	['MUST', '9112 9.6', 'close with a 405', post('Connection: close'), 405, 'close'],
	['MUST', '9112 9.6', 'close with a 501', method('FOO', 'Connection: close'), 501, 'close'],

	# The connection goes on after
	(map { ['SHOULD', '9112 9.3', "a $_->[0] does not end it", $_->[1], $_->[0], 'keep'] }
		[404, request('GET /none HTTP/1.1', 'Host: a')], [405, post()], [501, method('FOO')], [301,
			request('GET /dir HTTP/1.1', 'Host: a')],
		[412, get('If-Match: "x"')], [304, get('If-None-Match: *')], [416, file_of('digits.txt', 'Range: bytes=20-')]),

	# In a row
	['MUST', '9112 9.3.2', 'two', get() . $second, [200, 200], 'keep', body => $digits],
	['MUST', '9112 9.3.2', 'nine', get() x 8 . $second, [(200) x 9], 'keep', body => $digits],
	['MUST', '9112 9.3.2', 'HEAD, then GET', $head . $second, [200, 200], 'keep', body => $digits],
	['MUST', '9112 9.3.2', '404, then GET', request('GET /none HTTP/1.1', 'Host: a') . $second, [404, 200],
		'keep', body => $digits],
	['MUST', '9112 9.3.2', '304, then GET', get('If-None-Match: *') . $second, [304, 200], 'keep', body => $digits],
	['MUST', '9112 9.3.2', '405, then GET', post('Content-Length: 0') . $second, [405, 200], 'keep', body => $digits],
	['MUST', '9112 9.3.2', '501, then GET', method('FOO') . $second, [501, 200], 'keep', body => $digits],
	['MUST', '9112 9.3.2', 'OPTIONS *, then GET', request('OPTIONS * HTTP/1.1', 'Host: a') . $second, [200, 200],
		'keep', body => $digits],
	['MUST', '9112 9.3.2', 'HTTP/1.0 with keep-alive, then 1.1', get10('Connection: keep-alive') . $second, [200,
		200], 'keep', body => $digits],
	['MUST', '9112 9.3.2', '1.1, then HTTP/1.0', get() . get10(), [200, 200], 'close'],
	['MUST', '9112 9.6', 'nothing behind close is answered', get('Connection: close') . $second, 200, 'close',
		body => "Hello, world!\n"],
	['MUST', '9112 9.6', 'nothing behind HTTP/1.0 is answered', get10() . $second, 200, 'close', body => "Hello, world!\n"],
	['MUST', '9112 9.6', 'close in the second of three', get() . get('Connection: close') . $second, [200, 200], 'close'],
	['SHOULD', '9112 2.2', 'an empty line between', get() . "\r\n" . $second, [200, 200], 'keep', body => $digits],
	['SHOULD', '9112 2.2', 'an empty line behind', get() . "\r\n", 200, 'keep'],
	['SHOULD', '9112 2.2', 'empty lines before each', join("\r\n\r\n", "", get(), get(), get()), [200, 200, 200], 'keep'],

	# An answer owed goes out before the error for what follows, and nothing behind it
	(map { ['MUST', '9112 9.3.2', "a good one, then $_->[0]", get() . $_->[1], [200, $_->[2]], 'close'] }
		['nonsense', "nonsense\r\n\r\n", 400], ['no Host', request('GET / HTTP/1.1'), 400], ['both framings',
			get('Content-Length: 1', 'Transfer-Encoding: chunked'), 400],
		['a bare LF', "GET / HTTP/1.1\nHost: a\n\n", 400], ['another version', request('GET / HTTP/2.0',
			'Host: a'), 505], ['a NUL', "\0", 400],
		['a target that is too long', target('/' . 'x' x 9000), 414], ['a body',
			post('Content-Length: 3') . 'abc', 405], ['a folded line', get('X: y', ' z'), 400],
		['a coding that is not known', post('Transfer-Encoding: gzip, chunked'), 501]),
	['MUST', '9112 9.3.2', 'a bad one, then a good one', "nonsense\r\n\r\n" . get(), 400, 'close'],
	['MUST', '9112 9.3.2', 'good, bad, good', get() . request('GET / HTTP/1.1') . $second, [200, 400], 'close'],
	['MUST', '9112 9.3.2', 'three good ones, then a bad one', get() x 2 . $second . "\xff", [200, 200, 200, 400], 'close'],

	# Half-closed
	['SHOULD', '9112 9.6', 'a client that has said all', ['half-close', get()], 200, 'close', body => "Hello, world!\n"],
	['SHOULD', '9112 9.6', 'the same in HTTP/1.0', ['half-close', get10()], 200, 'close'],
	['SHOULD', '9112 9.6', 'the same with close', ['half-close', get('Connection: close')], 200, 'close'],
	['SHOULD', '9112 9.6', 'the same with a large file', ['half-close', file_of('big.bin')], 200, 'close',
		'Content-Length' => 1048576],
	['SHOULD', '9112 9.6', 'the same with three requests', ['half-close', get() x 2 . $second], [200, 200, 200],
		'close', body => $digits],
	['SHOULD', '9112 9.6', 'the same with a bad one', ['half-close', get() . "nonsense\r\n\r\n"], [200, 400], 'close'],
	['MAY', '9112 8', 'half of a head', ['half-close', "GET /hello.txt HTTP/1.1\r\nHost:"], 0, 'silent'],
	['MAY', '9112 8', 'half of a request line', ['half-close', 'GET /hel'], 0, 'silent'],
	['OWN', 'notes', 'a whole request, then half of one', ['half-close',
		get() . "GET /hello.txt HTTP/1.1\r\nHost:"], 200, 'close'],
	['OWN', 'notes', 'an empty line only', ['half-close', "\r\n"], 0, 'silent'],

	# Upgrades and expectations
	(map { ['MUST', '9110 7.8', "an upgrade that is not wanted, $_->[0]", get(@{ $_->[1] }) . $second, [200, 200],
		'keep', Upgrade => undef, body => $digits] }
		['websocket', ['Connection: Upgrade', 'Upgrade: websocket',
			'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']],
		['h2c', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']], ['TLS',
			['Connection: upgrade', 'Upgrade: TLS/1.0']],
		['not in Connection', ['Upgrade: websocket']], ['empty', ['Connection: Upgrade', 'Upgrade:']],
			['unknown', ['Connection: Upgrade', 'Upgrade: a/1, b/2']]),
	['MUST', '9110 7.8', 'an upgrade in HTTP/1.0', get10('Connection: Upgrade', 'Upgrade: h2c'), 200, 'close'],
	['MUST', '9110 7.8', 'an upgrade of a POST', post('Connection: Upgrade', 'Upgrade: websocket',
		'Content-Length: 0'), 405, 'keep'],
	['MUST', '9110 10.1.1', 'Expect without a body', get('Expect: 100-continue'), 200, 'keep'],
	['MUST', '9110 10.1.1', 'Expect with a length of 0', post('Expect: 100-continue', 'Content-Length: 0'),
		'405|417', 'keep'],
	['MUST', '9110 10.1.1', 'Expect and a body that waits', post('Expect: 100-continue', 'Content-Length: 5'),
		'405|417', 'close'],
	['MUST', '9110 10.1.1', 'Expect and a body that does not wait', post('Expect: 100-continue',
		'Content-Length: 5') . 'hello', '405|417', 'close'],
	['MUST', '9110 10.1.1', 'Expect and chunks', post('Expect: 100-continue', 'Transfer-Encoding: chunked'),
		'405|417', 'close'],
	['MUST', '9110 10.1.1', 'Expect in capitals', post('Expect: 100-CONTINUE', 'Content-Length: 5'), '405|417', 'close'],
	['MUST', '9110 10.1.1', 'Expect of a GET with a body', get('Expect: 100-continue', 'Content-Length: 5'),
		'200|417|400', 'close'],
	['MUST', '9110 10.1.1', 'Expect twice', get('Expect: 100-continue', 'Expect: 100-continue'), '200|417', 'keep'],
	['MUST', '9110 10.1.1', 'Expect with HEAD', head_of('Expect: 100-continue'), 200, 'keep'],
	['MUST', '9110 10.1.1', 'Expect with OPTIONS *', request('OPTIONS * HTTP/1.1', 'Host: a', 'Expect: 100-continue'), 200, 'keep'],
	['MUST', '9110 10.1.1', 'Expect and a condition', get('Expect: 100-continue', 'If-None-Match: *'), 304, 'keep'],
	['MUST', '9110 10.1.1', 'Expect and both framings', post('Expect: 100-continue', 'Content-Length: 5',
		'Transfer-Encoding: chunked'), 400, 'close'],
	['MUST', '9110 10.1.1', 'Expect without Host', with_host('Expect: 100-continue'), 400, 'close'],
	['MUST', '9110 10.1.1', 'Expect, a body and a request behind it', post('Expect: 100-continue', 'Content-Length: 5') . "hello$second",
		'405|417', 'close'],
	['MUST', '9110 10.1.1', 'Expect in HTTP/1.0', get10('Expect: 100-continue'), 200, 'close'],
	['MUST', '9110 10.1.1', 'Expect in HTTP/1.0 with a body', request('POST / HTTP/1.0', 'Expect: 100-continue',
		'Content-Length: 5'), 405, 'close'],
	(map { ['MAY', '9110 10.1.1', "Expect: '$_'", get("Expect: $_"), '200|417', 'either'] } 'x', '', '200-ok',
		'100-continue, x', '100-continue;a=b', 'x=y'),
);
