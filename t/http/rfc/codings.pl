# SPDX-License-Identifier: MIT
#
# Content codings: RFC 9110 sections 8.4 and 12.5.3, with conditions and ranges of what is sent then. /coded.css has
# siblings in br and gzip; /made.css has none and is compressed by gzip on the way.
use strict;
use warnings;
use Brood::Rfc;

our %tag_of;
my ($plain, $gzip, $br) = @tag_of{'coded.css', 'coded.css gzip', 'coded.css br'};
my ($made_plain, $made) = @tag_of{'made.css', 'made.css gzip'};
my $date = 'Wed, 01 Jan 2020 00:00:00 GMT';
my $text = 'a{b:c}' x 500;
my @in_plain = ('Content-Encoding' => undef, ETag => $plain, Vary => 'Accept-Encoding', body => $text);
my @in_gzip = ('Content-Encoding' => 'gzip', ETag => $gzip, Vary => 'Accept-Encoding', 'Content-Type' => qr{^text/css},
	body => "\x1f\x8b as gzip has it", 'Content-Length' => 17);
my @in_br = ('Content-Encoding' => 'br', ETag => $br, Vary => 'Accept-Encoding', body => 'as br has it');
my @zip = ('Accept-Encoding: gzip');
my @in_304 = (Vary => 'Accept-Encoding', 'Content-Length' => undef, 'Content-Encoding' => undef);
sub coded { return file_of('coded.css', @_) }
sub made { return file_of('made.css', @_) }
sub accepting { return coded(map { "Accept-Encoding: $_" } @_) }
# The same with HEAD.
sub head_for { return coded(@_) =~ s/^GET/HEAD/r }

return (
	['MUST', '9110 12.5.3', 'no Accept-Encoding', coded(), 200, 'keep', @in_plain],
	(map { ['SHOULD', '9110 12.5.3', "gzip by '" . show($_) . "'", accepting($_), 200, 'keep', @in_gzip] }
		'gzip', 'GZIP', 'x-gzip', "\t gzip \t", 'gzip;q=1', 'gzip;q=1.', 'gzip;q=1.000', 'gzip;q=0.001', "gzip\t;\tq=0.5",
		'gzip;Q=0.5', 'deflate, gzip', ',gzip,', ', ,gzip', 'identity;q=0, gzip', '*;q=0, gzip', 'br;q=0.1, gzip;q=0.2',
		'gzip, br;q=0', 'gzip;q=0.5, identity;q=0.5', 'none-such;q=1, gzip;q=0.1', 'compress, x-gzip;q=0.3'),
	(map { ['SHOULD', '9110 12.5.3', "br by '$_'", accepting($_), 200, 'keep', @in_br] }
		'br', 'BR', 'gzip, br', 'gzip;q=0.9, br', '*', '*;q=0.1, gzip;q=0', 'br;q=0.5, gzip;q=0.5', 'gzip;q=0, *'),
	(map { ['MUST', '9110 12.5.3', "neither by '" . show($_) . "'", accepting($_), 200, 'keep', @in_plain] }
		'', ',', 'gzip;q=0', 'gzip;q=0.000', 'x-gzip;q=0', 'identity', 'identity, gzip;q=0.5', 'identity;q=0.6, *;q=0.5',
		'*;q=0', 'gzip;q=0, br;q=0', 'deflate', 'gzip2', 'xgzip', 'gzi', 'brotli'),
	(map { ['SHOULD', '9110 5.6', "'" . show($_) . "' is none", accepting($_), 200, 'keep', @in_plain] }
		'gzip;q=1.001', 'gzip;q=2', 'gzip;q=0.0001', 'gzip;q=', 'gzip;q', 'gzip;', 'gzip;q="1"', 'gzip;q=1;q=0', 'gzip;q=-1',
		'gzip;q=.5', 'gzip br', 'gzip;x=1', 'gzip/1', '"gzip"', 'gzip;q=1e0'),
	['MUST', '9110 5.3', 'a list on two lines', accepting('deflate', 'gzip'), 200, 'keep', @in_gzip],
	['MUST', '9110 5.3', 'refused on the first of two lines', accepting('br;q=0', 'gzip'), 200, 'keep', @in_gzip],
	['MUST', '9110 5.3', 'refused on the second of two lines', accepting('gzip', 'br;q=0, *;q=0.5'), 200, 'keep', @in_gzip],
	['OWN', 'notes', 'a thousand that nobody knows', ['whole', accepting(join ',', (map { "x$_" } 1 .. 1000), 'gzip')],
		200, 'keep', @in_gzip],
	['OWN', 'notes', 'one of 9,000 octets', ['whole', accepting('x' x 9000)], 200, 'keep', @in_plain],
	['MUST', '9110 9.3.2', 'HEAD of the coding', head_for(@zip), 200, 'keep', @in_gzip[0 .. 7], 'Content-Length' => 17],
	['MUST', '9110 9.3.2', 'HEAD without it', head_for(), 200, 'keep', ETag => $plain, 'Content-Length' => 3000],
	['MUST', '9110 8.4', 'the sibling by its own name', file_of('coded.css.gz', @zip), 200, 'keep', 'Content-Encoding' => undef,
		'Content-Type' => 'application/gzip'],

	# Conditions are about what would be sent
	(map { ['MUST', '9110 13.1.2', "gzip and If-None-Match: $_->[0]", coded(@zip, "If-None-Match: $_->[1]"), 304, 'keep', @in_304,
		ETag => $gzip] } ['its tag', $gzip], ['its tag, weak', "W/$gzip"], ['the tags of all', "$plain, $br, $gzip"], ['*', '*']),
	(map { ['MUST', '9110 13.1.2', "gzip and If-None-Match: $_->[0]", coded(@zip, "If-None-Match: $_->[1]"), 200, 'keep', @in_gzip] }
		['the tag of the file as it is', $plain], ['the tag of br', $br], ['both', "$plain, W/$br"]),
	['MUST', '9110 13.1.2', 'no coding and the tag of gzip', coded("If-None-Match: $gzip"), 200, 'keep', @in_plain],
	['MUST', '9110 13.1.2', 'HEAD, gzip and its tag', head_for(@zip, "If-None-Match: $gzip"), 304, 'keep', ETag => $gzip],
	['MUST', '9110 13.1.1', 'gzip and If-Match: its tag', coded(@zip, "If-Match: $gzip"), 200, 'keep', @in_gzip],
	['MUST', '9110 13.1.1', 'gzip and If-Match: the tag of the file', coded(@zip, "If-Match: $plain"), 412, 'keep'],
	['MUST', '9110 13.1.1', 'gzip and If-Match: its tag, weak', coded(@zip, "If-Match: W/$gzip"), 412, 'keep'],
	['MUST', '9110 13.1.3', 'gzip and If-Modified-Since', coded(@zip, "If-Modified-Since: $date"), 304, 'keep', ETag => $gzip],

	# Ranges are of what would be sent
	['MUST', '9110 14.2', 'part of gzip', coded(@zip, 'Range: bytes=2-4'), 206, 'keep', 'Content-Encoding' => 'gzip',
		'Content-Range' => 'bytes 2-4/17', body => ' as', ETag => $gzip, Vary => 'Accept-Encoding'],
	['MUST', '9110 14.2', 'the end of gzip', coded(@zip, 'Range: bytes=-2'), 206, 'keep', body => 'it', ETag => $gzip],
	['MUST', '9110 15.5.17', 'what only the file has', coded(@zip, 'Range: bytes=100-'), 416, 'keep', 'Content-Range' => 'bytes */17'],
	['MUST', '9110 14.2', 'part of the file', coded('Range: bytes=100-101'), 206, 'keep', 'Content-Encoding' => undef, ETag => $plain],
	['MUST', '9110 14.2', 'two Range lines', coded(@zip, 'Range: bytes=0-1', 'Range: bytes=2-3'), 200, 'keep', @in_gzip],
	['MUST', '9110 14.2', 'HEAD has no range of gzip', head_for(@zip, 'Range: bytes=0-1'), 200, 'keep', 'Content-Length' => 17],
	['MUST', '9110 13.1.5', 'If-Range: the tag of gzip', coded(@zip, 'Range: bytes=0-1', "If-Range: $gzip"), 206, 'keep', ETag => $gzip],
	(map { ['MUST', '9110 13.1.5', "If-Range: $_->[0]", coded(@zip, 'Range: bytes=0-1', "If-Range: $_->[1]"), 200, 'keep', @in_gzip] }
		['the tag of the file', $plain], ['the tag of br', $br], ['the tag of gzip, weak', "W/$gzip"], ['a list', "$gzip, $plain"]),
	['MUST', '9110 13.2.2', 'If-None-Match before Range', coded(@zip, 'Range: bytes=0-1', "If-None-Match: $gzip"), 304, 'keep'],
	['MUST', '9110 13.2.2', 'If-Match before Range', coded(@zip, 'Range: bytes=0-1', "If-Match: $plain"), 412, 'keep'],
	['MUST', '9110 13.2.2', 'If-None-Match before what cannot be satisfied', coded(@zip, 'Range: bytes=99-', 'If-None-Match: *'),
		304, 'keep'],

	# gzip that is made on the way
	['OWN', 'notes', 'gzip is made', made(@zip), 200, 'keep', 'Content-Encoding' => 'gzip', ETag => $made, Vary => 'Accept-Encoding',
		'Content-Length' => qr/^\d{1,3}\z/],
	['MUST', '9110 13.1.2', 'If-None-Match: its tag', made(@zip, "If-None-Match: $made"), 304, 'keep', ETag => $made, @in_304],
	['MUST', '9110 13.1.2', 'If-None-Match: the tag of its file', made(@zip, "If-None-Match: $made_plain"), 200, 'keep', ETag => $made],
	['MUST', '9110 13.1.1', 'If-Match: the tag of its file', made(@zip, "If-Match: $made_plain"), 412, 'keep'],
	['OWN', 'notes', 'a range is of the file', made(@zip, 'Range: bytes=6-8'), 206, 'keep', 'Content-Encoding' => undef, body => 'a{b',
		ETag => $made_plain, 'Content-Range' => 'bytes 6-8/3000', Vary => 'Accept-Encoding'],
	['MUST', '9110 13.1.5', 'If-Range: the tag of what was made', made(@zip, 'Range: bytes=6-8', "If-Range: $made"), 200, 'keep',
		'Content-Range' => undef],
	['MUST', '9110 13.1.5', 'If-Range: the tag of its file', made(@zip, 'Range: bytes=6-8', "If-Range: $made_plain"), 206, 'keep',
		body => 'a{b', ETag => $made_plain],
	['MUST', '9110 13.1.5', 'If-Range: a date, which both have', made(@zip, 'Range: bytes=6-8', "If-Range: $date"), 200, 'keep',
		'Content-Range' => undef],
	['MUST', '9110 9.3.2', 'HEAD of what is made', made(@zip) =~ s/^GET/HEAD/r, 200, 'keep', 'Content-Encoding' => 'gzip', ETag => $made],
	['MUST', '9110 14.2', 'HEAD of what is made, with Range', made(@zip, 'Range: bytes=0-0') =~ s/^GET/HEAD/r, 200, 'keep'],

	# What has no codings
	['MUST', '9110 12.5.5', 'small files do not vary', file_of('hello.txt', @zip), 200, 'keep', Vary => undef, 'Content-Encoding' => undef],
	['MUST', '9110 8.4', 'an error is not compressed', target('/none', @zip), 404, 'keep', 'Content-Encoding' => undef],
	['MUST', '9110 9.3.7', 'OPTIONS has none', method('OPTIONS', @zip), 200, 'keep', 'Content-Encoding' => undef],
);
