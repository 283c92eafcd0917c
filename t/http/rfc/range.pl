# SPDX-License-Identifier: MIT
#
# Ranges: RFC 9110 section 14, with If-Range of section 13.1.5. The file has ten octets.
use strict;
use warnings;
use Brood::Rfc;

our ($digits_etag, $etag);
my $all = '0123456789';
my $date = 'Wed, 01 Jan 2020 00:00:00 GMT';
sub range { my ($range, @fields) = @_; return file_of('digits.txt', "Range: $range", @fields) }
sub unranged { return (body => $all, 'Content-Range' => undef, 'Content-Length' => 10) }

return (
	['SHOULD', '9110 14.3', 'ranges are announced', file_of('digits.txt'), 200, 'keep', 'Accept-Ranges' => 'bytes'],
	(map { ['SHOULD', '9110 14.2', "'$_->[0]'", range($_->[0]), 206, 'keep',
		'Content-Range' => "bytes $_->[1]/10", body => $_->[2], ETag => $digits_etag] }
		['bytes=0-0', '0-0', '0'], ['bytes=0-4', '0-4', '01234'], ['bytes=5-', '5-9', '56789'], ['bytes=9-',
			'9-9', '9'], ['bytes=9-9', '9-9', '9'], ['bytes=-1', '9-9', '9'],
		['bytes=-3', '7-9', '789'], ['bytes=-10', '0-9', $all], ['bytes=-11', '0-9', $all],
			['bytes=-99999999999999999999999', '0-9', $all], ['bytes=0-', '0-9', $all],
		['bytes=0-9', '0-9', $all], ['bytes=0-10', '0-9', $all], ['bytes=3-99999999999999999999999', '3-9',
			'3456789'], ['bytes=007-008', '7-8', '78'], ['BYTES=1-2', '1-2', '12'],
		['Bytes=1-2', '1-2', '12'], ['bytes=1-2,', '1-2', '12'], ['bytes=,1-2', '1-2', '12'],
			['bytes=, ,1-2, ,', '1-2', '12'], ['bytes= 1-2 ', '1-2', '12'], ["bytes=1-2\t", '1-2', '12']),
	(map { ['SHOULD', '9110 15.5.17', "'$_'", range($_), 416, 'keep', 'Content-Range' => 'bytes */10'] }
		'bytes=10-', 'bytes=10-20', 'bytes=99999999999999999999999-', 'bytes=-0',
		'bytes=18446744073709551616-', 'bytes=18446744073709551615-18446744073709551616', 'bytes=10-11,12-13',
		'bytes=-0,10-'),
	(map { ['MUST', '9110 14.2', "'" . show($_) . "' is no range", range($_), '200|416', 'keep'] }
		'bytes=', 'bytes=-', 'bytes=a-b', 'bytes=1', 'bytes=5-3', 'bytes=1-2-3', 'bytes 1-2', 'bytes=--1',
		'bytes=+1-2', 'bytes=1 - 2', 'bytes=0x1-2', 'bytes=1-2;', 'bytes=1-a', 'bytes=1-2 3-4', 'bytes=1-2;3-4',
		'bytes=1.0-2', 'bytes=1-2,x', 'bytes=1-2,5-3', 'bytes==1-2', "bytes=\xb2-3", 'bytes=-1-', 'bytes=,',
		' =1-2', 'bytes', '', '1-2', '=1-2', 'bytes:1-2'),
	(map { ['MUST', '9110 14.2', "the unit of '$_' is not known", range($_), 200, 'keep',
		unranged()] } 'items=0-1', 'x=0-1', 'byte=0-1', 'bytess=0-1', 'seconds=1-2', 'none=0-0', 'x=y'),
	(map { ['MAY', '9110 14.2', "several: '$_'", range($_), '200|206', 'keep'] } 'bytes=0-1,3-4', 'bytes=0-0,-1',
		'bytes=0-4,2-6', 'bytes=5-6,0-1', 'bytes=0-1,20-21', 'bytes=0-0,0-0', 'bytes=0-,0-'),
	['MAY', '9110 14.2', 'a thousand', ['whole', range('bytes=' . join ',', map { "$_-$_" } (0 .. 9) x 100)],
		'200|206|416', 'keep'],
	['OWN', 'notes', 'seventeen overlapping ones cost no more than the file', range('bytes=' . join ',',
		('0-') x 17), 200, 'keep', unranged()],
	['MUST', '9110 14.2', 'HEAD has no ranges', request('HEAD /digits.txt HTTP/1.1', 'Host: a',
		'Range: bytes=0-1'), 200, 'keep', 'Content-Range' => undef, 'Content-Length' => 10],
	['MUST', '9110 14.2', 'HEAD has no 416', request('HEAD /digits.txt HTTP/1.1', 'Host: a', 'Range: bytes=20-'),
		200, 'keep'],
	['MUST', '9110 14.2', 'POST has no ranges', request('POST /digits.txt HTTP/1.1', 'Host: a',
		'Range: bytes=0-1'), 405, 'keep'],
	['MUST', '9110 14.2', 'OPTIONS has no ranges', request('OPTIONS /digits.txt HTTP/1.1', 'Host: a',
		'Range: bytes=0-1'), '200|204', 'keep'],
	['MUST', '9110 14.2', 'a 404 has no ranges', request('GET /none HTTP/1.1', 'Host: a', 'Range: bytes=0-1'), 404, 'keep'],
	['MUST', '9110 14.2', 'a redirect has no ranges', request('GET /dir HTTP/1.1', 'Host: a', 'Range: bytes=0-1'),
		301, 'keep'],
	['MUST', '9110 5.3', 'a Range field and one that is none', range('bytes=0-1', 'Range: x'), 200, 'keep', unranged()],
	['OWN', 'notes', 'sixteen far from each other', file_of('big.bin', 'Range: bytes=' . join ',', map { $_ * 10000 . '-' . $_ * 10000 }
		1 .. 16), 206, 'keep', 'Content-Type' => qr{^multipart/byteranges; boundary=\w+\z}],
	['OWN', 'notes', 'seventeen far from each other', ['whole', file_of('big.bin', 'Range: bytes=' . join ',',
		map { $_ * 10000 . '-' . $_ * 10000 } 1 .. 17)], 200, 'keep', 'Content-Length' => 1048576],
	['MUST', '9110 14.1.2', 'one that is there, one that is not', range('bytes=20-21,8-'), 206, 'keep', body => '89',
		'Content-Range' => 'bytes 8-9/10'],
	['MUST', '9110 14.2', 'a range in HTTP/1.2', request('GET /digits.txt HTTP/1.2', 'Host: a', 'Range: bytes=0-1'), 206, 'keep', body => '01'],
	['MUST', '9110 14.2', 'a range of what has a body', request('GET /digits.txt HTTP/1.1', 'Host: a', 'Range: bytes=0-1',
		'Content-Length: 3') . 'abc', 206, 'close', body => '01'],
	['MUST', '9110 14.2', 'the first octet of an empty file', file_of('empty.txt', 'Range: bytes=0-0'), 416, 'keep',
		'Content-Range' => 'bytes */0'],
	['MUST', '9110 5.3', 'two Range fields', range('bytes=0-1', 'Range: bytes=3-4'), '200|206|400', 'either'],
	['MAY', '9110 14.2', 'a range in HTTP/1.0', request('GET /digits.txt HTTP/1.0', 'Range: bytes=0-1'),
		'200|206', 'close'],
	['MUST', '9110 14.2', 'an empty file from its start', file_of('empty.txt', 'Range: bytes=0-'), '200|416', 'keep'],
	['MUST', '9110 14.2', 'the end of an empty file', file_of('empty.txt', 'Range: bytes=-5'), '200|416', 'keep'],
	['MUST', '9110 14.2', 'a range of a large file', file_of('big.bin', 'Range: bytes=400-407'), 206, 'keep',
		body => pack('N2', 100, 101), 'Content-Range' => 'bytes 400-407/1048576'],
	['MUST', '9110 14.2', 'the end of a large file', file_of('big.bin', 'Range: bytes=-4'), 206, 'keep',
		body => pack('N', 262143)],

	# If-Range
	['MUST', '9110 13.1.5', 'If-Range: the tag', range('bytes=1-2', "If-Range: $digits_etag"), 206, 'keep',
		body => '12', ETag => $digits_etag],
	['MUST', '9110 13.1.5', 'If-Range: the date', range('bytes=1-2', "If-Range: $date"), 206, 'keep', body => '12'],
	['MUST', '9110 13.1.5', 'If-Range: the date in RFC 850 form', range('bytes=1-2',
		'If-Range: Wednesday, 01-Jan-20 00:00:00 GMT'), '200|206', 'keep'],
	(map { ['MUST', '9110 13.1.5', "If-Range: $_->[0]", range('bytes=1-2', "If-Range: $_->[1]"), 200, 'keep', unranged()] }
		['a weak tag', "W/$digits_etag"], ['another tag', '"x"'], ['the tag of another file', $etag], ['*',
			'*'], ['nothing', ''], ['nonsense', 'x'], ['the tag without quotes', substr $digits_etag, 1, -1],
		['a date before', 'Tue, 31 Dec 2019 23:59:59 GMT'], ['a date after', 'Wed, 01 Jan 2020 00:00:01 GMT'],
			['a list', "\"x\", $digits_etag"], ['a date that is none', 'Wed, 01 Jan 2020']),
	['MUST', '9110 13.1.5', 'If-Range twice', range('bytes=1-2', "If-Range: $digits_etag", 'If-Range: "x"'), 200,
		'keep', unranged()],
	['MUST', '9110 13.1.5', 'If-Range that fails, of what cannot be satisfied', range('bytes=20-',
		'If-Range: "x"'), 200, 'keep', unranged()],
	['MUST', '9110 13.1.5', 'If-Range that holds, of what cannot be satisfied', range('bytes=20-',
		"If-Range: $digits_etag"), 416, 'keep'],
	['MUST', '9110 13.1.5', 'If-Range without Range', file_of('digits.txt', 'If-Range: "x"'), 200, 'keep', unranged()],
	['SHOULD', '9110 15.3.7', 'a 206 for If-Range has no more than it needs', range('bytes=1-2',
		"If-Range: $digits_etag"), 206, 'keep', 'Content-Type' => undef, 'Last-Modified' => undef],

	# With conditions
	['MUST', '9110 13.2.2', 'If-None-Match that matches', range('bytes=1-2', "If-None-Match: $digits_etag"), 304, 'keep'],
	['MUST', '9110 13.2.2', 'If-None-Match that matches, of what cannot be satisfied', range('bytes=20-',
		"If-None-Match: $digits_etag"), 304, 'keep'],
	['MUST', '9110 13.2.2', 'If-None-Match that does not match', range('bytes=1-2', 'If-None-Match: "x"'), 206,
		'keep', body => '12'],
	['MUST', '9110 13.2.2', 'If-Match that fails', range('bytes=1-2', 'If-Match: "x"'), 412, 'keep'],
	['MUST', '9110 13.2.2', 'If-Match that holds', range('bytes=1-2', "If-Match: $digits_etag"), 206, 'keep', body => '12'],
	['MUST', '9110 13.2.2', 'If-Unmodified-Since that fails', range('bytes=1-2',
		'If-Unmodified-Since: Tue, 31 Dec 2019 23:59:59 GMT'), 412, 'keep'],
	['MUST', '9110 13.2.2', 'If-Modified-Since of today', range('bytes=1-2', "If-Modified-Since: $date"), 304, 'keep'],
	['MUST', '9110 13.2.2', 'all of them', range('bytes=1-2', "If-Match: $digits_etag", 'If-None-Match: "x"',
		"If-Range: $digits_etag"), 206, 'keep', body => '12'],
	['MUST', '9110 13.2.2', 'If-Match holds, If-Range fails', range('bytes=1-2', "If-Match: $digits_etag",
		'If-Range: "x"'), 200, 'keep', unranged()],
);
