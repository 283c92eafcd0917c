# SPDX-License-Identifier: MIT
#
# Redirects, clean URLs, listings, fallbacks and places that are closed: what the RFCs say of them.
use strict;
use warnings;
use Brood::Rfc;

my $allow = 'GET, HEAD, OPTIONS';
sub of { my ($method, $target, @fields) = @_; return request("$method $target HTTP/1.1", 'Host: a.example', @fields) }
my @navigation = ('Accept: text/html', 'Sec-Fetch-Mode: navigate');
my $by_navigation = 'Accept, Sec-Fetch-Mode';

return (
	# Where it leads, by the path as it is once it is decoded and has no dot segments, encoded anew
	(map { my ($target, $status, $location) = @$_;
		['SHOULD', '9110 10.2.2', "'$target' leads to '$location'", target($target), $status, 'keep', Location => $location] }
		['/moved', 301, '/hello.txt'], ['/moved?', 301, '/hello.txt?'], ['/moved?a=b?c', 301, '/hello.txt?a=b?c'],
		['/%6doved', 301, '/hello.txt'], ['//moved', 301, '/hello.txt'], ['/./moved', 301, '/hello.txt'], ['/x/../moved', 301, '/hello.txt'],
		['/x/%2e%2e/moved', 301, '/hello.txt'], ['/asked', 307, '/hello.txt?a=b'], ['/asked?c', 307, '/hello.txt?a=b&c'],
		['/all/', 308, '/dir/'], ['/all/?', 308, '/dir/?'], ['/all/a%20b/c', 308, '/dir/a%20b/c'], ['/all/%e4%FF', 308, '/dir/%E4%FF'],
		['/all/a%3fb%23c%25d', 308, '/dir/a%3Fb%23c%25d'], ['/all//evil.example', 308, '/dir/evil.example'],
		['/all/a%0d%0aX:y', 308, '/dir/a%0D%0AX:y'], ['/all/a%22%3c%5c', 308, '/dir/a%22%3C%5C'],
		['/away//evil.example/', 302, 'https://other.example/evil.example/'], ['/away/@evil.example', 302, 'https://other.example/@evil.example'],
		['http://b.example/moved', 301, '/hello.txt'], ['http://b.example/dir?x', 301, '/dir/?x'],
		['/clean', 301, '/clean/'], ['/clean/about.html', 301, '/clean/about'], ['/clean/about.html?a', 301, '/clean/about?a'],
		['/clean/about%2ehtml', 301, '/clean/about'], ['/clean//about.html', 301, '/clean/about'], ['/clean/about/', 301, '/clean/about'],
		['/clean/index', 301, '/clean/'], ['/clean/index.html', 301, '/clean/'], ['/clean/folder/index.html?', 301, '/clean/folder/?'],
		['/clean/folder', 301, '/clean/folder/'], ['/clean/a%3fb.html', 301, '/clean/a%3Fb'], ['/clean/%2541.html', 301, '/clean/%2541'],
		['/listed', 301, '/listed/'], ['/listed/folder?x', 301, '/listed/folder/?x']),
	(map { ['SHOULD', '9110 15.5.5', "'$_' is nothing", target($_), 404, 'keep', Location => undef] }
		'/moved/', '/moved%2f', '/moved.', '/Moved', '/all', '/all%2fx', '/all/..%2fx', '/clean/.html', '/clean/about.HTML',
		'/clean/about.html.html', '/clean/%41', '/clean/about%2f'),
	(map { ['MUST', '9110 4.2.3', "'$_->[0]' is a clean URL", target($_->[0]), 200, 'keep', body => $_->[1]] }
		['/clean/', 'clean'], ['/clean/about', 'about'], ['/clean/about?', 'about'], ['/clean/%61bout', 'about'], ['/clean/a%3fb', 'asked'],
		['/clean/%2541', 'escaped'], ['/clean/folder/', 'folder']),

	# Methods there
	(map { my $place = $_; (
		['SHOULD', '9110 9.3.7', "OPTIONS $place", of('OPTIONS', $place), 200, 'keep', Allow => $allow, 'Content-Length' => 0],
		['SHOULD', '9110 9.1', "FOO $place", of('FOO', $place), 501, 'keep', Location => undef],
	) } '/moved', '/all/x', '/listed/', '/clean/about.html', '/routed/x', '/none', '/dir', '/%00'),
	(map { ['MUST', '9110 15.5.6', "POST $_", of('POST', $_), 405, 'keep', Allow => $allow] }
		'/listed/', '/listed', '/clean/about', '/clean/about.html', '/routed/x', '/dir', '/none', '/'),
	(map { ['MUST', '9110 9.3.2', "HEAD $_->[0]", of('HEAD', $_->[0]), $_->[1], 'keep', 'Content-Length' => qr/^[1-9]\d*\z/] }
		['/moved', 301], ['/all/x', 308], ['/listed/', 200], ['/clean/about', 200], ['/clean/about.html', 301], ['/dir', 301],
		['/none', 404], ['/kept/out.txt', 403], ['/unreadable.txt', 403], ['/%00', 400]),
	(map { ['OWN', 'notes', "$_ where nobody is let in", of($_, '/kept/out.txt'), 403, 'keep', body => qr/^(?!.*kept out)/s] }
		qw(GET OPTIONS POST FOO)),
	['OWN', 'notes', 'what is not there, where nobody is let in', target('/kept/none'), 403, 'keep'],
	['OWN', 'notes', 'no way around by dot segments', target('/x/../kept/./out.txt'), 403, 'keep'],
	['OWN', 'notes', 'no way around by escapes', target('/%6bept/out.txt'), 403, 'keep'],
	['OWN', 'notes', 'no way around by empty segments', target('//kept//out.txt'), 403, 'keep'],
	['MUST', '9112 9.3', 'a redirect of a request with a body', of('POST', '/moved', 'Content-Length: 3') . 'abc', 301, 'close'],
	['MUST', '9110 10.1.1', 'a redirect of a body that waits', of('PUT', '/all/x', 'Expect: 100-continue', 'Content-Length: 3'), 308, 'close'],
	['MUST', '9112 9.3', 'what is closed, with a body', of('POST', '/kept/x', 'Content-Length: 3') . 'abc', 403, 'close'],
	['MUST', '9110 13.2.1', 'a condition on a redirect', target('/moved', 'If-None-Match: *'), 301, 'keep'],
	['MUST', '9110 13.2.1', 'a condition where nobody is let in', target('/kept/out.txt', 'If-Match: "x"'), 403, 'keep'],
	['MUST', '9110 14.2', 'a range of a redirect', target('/moved', 'Range: bytes=0-0'), 301, 'keep', 'Content-Range' => undef],

	# Listings
	(map { ['SHOULD', '9110 12.5.1', "'$_->[0]' gets $_->[1]", target('/listed/', "Accept: $_->[0]"), 200, 'keep', Vary => 'Accept',
		'Content-Type' => qr{^$_->[1]}] }
		['text/html', 'text/html'], ['*/*', 'text/html'], ['', 'text/html'], ['image/png', 'text/html'], ['application/json', 'application/json'],
		['APPLICATION/JSON', 'application/json'], ['application/*', 'application/json'], ['text/html;q=0.5, */*', 'application/json'],
		['application/json;q=0.4, text/html;q=0.5', 'text/html'], ['application/json;q=0', 'text/html']),
	['MUST', '9110 13.1.2', 'a listing and If-None-Match: *', target('/listed/', 'If-None-Match: *'), 304, 'keep', ETag => qr/^"/,
		Vary => 'Accept'],
	['MUST', '9110 13.1.1', 'a listing and If-Match that fails', target('/listed/', 'If-Match: "x"'), 412, 'keep'],
	['MUST', '9110 13.1.3', 'a listing has no date, so If-Modified-Since is ignored',
		target('/listed/', 'If-Modified-Since: Wed, 01 Jan 2031 00:00:00 GMT'), 200, 'keep', 'Last-Modified' => undef],
	['MUST', '9110 13.1.4', 'nor If-Unmodified-Since', target('/listed/', 'If-Unmodified-Since: Mon, 01 Jan 2001 00:00:00 GMT'), 200, 'keep'],
	['MUST', '9110 14.2', 'a listing has no ranges', target('/listed/', 'Range: bytes=0-0'), 200, 'keep', 'Content-Range' => undef],
	['OWN', 'notes', 'a name that looks like an entity', target('/listed/'), 200, 'keep', body => qr{"\./a&amp;lt;b%3F\.txt"}],
	['OWN', 'notes', 'the link that it has', target('/listed/a&lt;b%3F.txt'), 200, 'keep', body => "listed\n"],
	['SHOULD', '9112 9.3', 'a listing in HTTP/1.0 with keep-alive', request('GET /listed/ HTTP/1.0', 'Connection: keep-alive'), 200, 'keep'],

	# Fallbacks
	['SHOULD', '9110 12.5.5', 'who navigates', target('/routed/a/b', @navigation), 200, 'keep', body => 'application', Vary => $by_navigation],
	['SHOULD', '9110 12.5.5', 'who does not', target('/routed/a/b', 'Accept: text/html', 'Sec-Fetch-Mode: cors'), 404, 'keep',
		Vary => $by_navigation],
	['MUST', '9110 13.1.2', 'the page of who navigates, not modified', target('/routed/a', @navigation, 'If-None-Match: *'), 304, 'keep',
		Vary => $by_navigation],
	['SHOULD', '9110 15.5.5', 'a script is missing', target('/routed/a.js', @navigation), 404, 'keep', Vary => undef],
);
