# SPDX-License-Identifier: MIT
#
# From targets to files: nothing outside of the root, nothing hidden, nothing that blocks.
use strict;
use warnings;
use Brood::Rfc;

my $hello = "Hello, world!\n";
my @not_secret = (body => qr/^(?!.*(?:root:|hidden))/s);

return (
	(map { ['MUST', '3986 5.2', "'$_' is hello.txt", target($_), 200, 'keep', body => $hello] }
		'/hello.txt', '/./hello.txt', '/dir/../hello.txt', '/dir/./../hello.txt', '/%68%65%6c%6c%6f.txt',
		'/hello%2etxt', '/%2e/hello.txt', '/dir/%2e%2e/hello.txt', '/dir/.%2E/hello.txt',
		'/none/../hello.txt', '/inside'),
	(map { ['MUST', '3986 5.2', "'$_' is the root", target($_), 200, 'keep', body => qr/root/] } '/', '/.', '/..',
		'/../', '/../..', '/dir/..', '/%2e%2e/', '/none/../'),
	(map { ['MUST', '3986 2.1', "'$_->[0]'", target($_->[0]), 200, 'keep', body => $_->[1]] }
		['/with%20space.txt', "space\n"], ['/a+b.txt', "plus\n"], ['/a%2Bb.txt', "plus\n"], ['/a%2bb.txt',
			"plus\n"], ['/100%25.txt', "percent\n"], ['/%c3%a4.txt', "umlaut\n"], ['/a;b=c.txt', "semicolon\n"],
		['/a%3bb%3Dc.txt', "semicolon\n"], ['/x%5B1%5d.txt', "brackets\n"], ['/a%7Cb.txt', "bar\n"],
			['/a..b.txt', "two dots\n"], ['/noindex/deep/file.txt', "deep\n"]),
	['MUST', '3986 2.4', 'a name is decoded once', target('/%2568ello.txt'), 404, 'keep'],
	['MUST', '3986 2.4', 'a name of a double escape', target('/100%2525.txt'), 404, 'keep'],
	['MUST', '3986 2.4', 'a plus is no space', target('/with+space.txt'), 404, 'keep'],
	['MUST', '9110 4.2.3', 'paths have cases', target('/HELLO.TXT'), 404, 'keep'],
	(map { ['SHOULD', '9112 3.2', "'$_' is no path", target($_), 400, 'either'] }
		'/%', '/%4', '/%zz', '/%g0', '/%0g', '/%%', '/hello.txt%', '/%u0041', '/%-1', '/hello%2', '/%%41',
		'/%00', '/hello.txt%00', '/hello.txt%00.html', '/%00/hello.txt', '/dir/%00/../hello.txt'),
	(map { ['OWN', 'notes', "'$_' leads nowhere outside", target($_), '400|403|404', 'either', @not_secret] }
		'/../etc/passwd', '/../../../../../../../../etc/passwd', '/dir/../../etc/passwd',
		'/%2e%2e/etc/passwd', '/%2e%2e/%2e%2e/%2e%2e/etc/passwd', '/..%2fetc/passwd', '/..%2f..%2f..%2fetc%2fpasswd',
		'/%2e%2e%2fetc%2fpasswd', '/.%2e/etc/passwd', '/%2E./etc/passwd', '/..%5c..%5cetc/passwd',
		'/%5c..%5c..%5cetc%5cpasswd', '/..%c0%af..%c0%afetc/passwd', '/%c0%ae%c0%ae/etc/passwd',
		'/%e0%80%ae%e0%80%ae/etc/passwd',
		'/..%252f..%252fetc/passwd', '/%252e%252e/etc/passwd', '/..;/etc/passwd', '/.../etc/passwd',
		'/....//etc/passwd', '/dir/..%00/etc/passwd', '/%2fetc%2fpasswd', '//etc/passwd', '///etc/passwd',
		'/etc/passwd',
		'/proc/self/environ', '/dir/%2e%2e/%2e%2e/etc/passwd', '/out', '/out-dir/passwd', '/out-dir/',
		'/out-relative', '/dangling', '/file:///etc/passwd', '/..%ef%bc%8fetc/passwd',
		'/%ef%bc%8e%ef%bc%8e/etc/passwd'),
	(map { ['OWN', '8615 3', "'$_' is hidden", target($_), 404, 'either', @not_secret] }
		'/.hidden', '/%2ehidden', '/%2Ehidden', '/.git/config', '/.git/', '/.git', '/%2egit/config',
		'/dir/.htaccess', '/dir/%2ehtaccess', '/dir/../.hidden', '/.//.hidden', '/none/../.git/config',
		'/...', '/.hidden/', '/.hidden/x'),
	['OWN', '8615 3', 'but for what is well known', target('/.well-known/security.txt'), 200, 'keep', body => "known\n"],
	['OWN', '8615 3', 'well known, but hidden', target('/.well-known/.hidden'), 404, 'either'],
	(map { ['OWN', 'notes', "$_->[0]", target($_->[1]), $_->[2], 'keep', @not_secret] }
		['a FIFO', '/fifo', '403|404'], ['a FIFO as a folder', '/fifo/', '403|404'], ['a link to itself',
			'/loop', 404], ['two links that lead to each other', '/loop-a', 404],
			['below a link to itself', '/loop/x', 404],
		['a link that leads nowhere', '/dangling', 404], ['a link out of the root', '/out', 404],
			['a relative link out of the root', '/out-relative', 404], ['a folder out of the root',
			'/out-dir/passwd', 404],
		['a file that may not be read', '/unreadable.txt', 403], ['a file as a folder', '/hello.txt/', 404],
			['below a file', '/hello.txt/x', 404], ['a name of 255 octets', '/' . 'a' x 255, 404],
		['a name of 256 octets', '/' . 'a' x 256, 404], ['a path of 5,000 octets', '/' . 'a/' x 2500, 404],
			['a folder without an index', '/noindex/', '403|404']),
	['SHOULD', '9110 15.4.2', 'a folder without its slash', target('/dir'), 301, 'keep', Location => '/dir/'],
	['SHOULD', '9110 15.4.2', 'the same with a query', target('/dir?a=b'), 301, 'keep', Location => '/dir/?a=b'],
	['SHOULD', '9110 10.2.2', 'Location does not come from Host', request('GET /dir HTTP/1.1',
		'Host: evil.example'), 301, 'keep', Location => '/dir/'],
	['OWN', 'notes', 'no way to another host', target('//dir'), '301|404|400', 'either', Location => qr{^/(?!/)}],
	['OWN', 'notes', 'nor by dot segments', target('/.//evil.example/../dir'), '301|404|400', 'either',
		Location => qr{^/(?!/)}],
);
