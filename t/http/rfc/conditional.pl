# SPDX-License-Identifier: MIT
#
# Conditions and their precedence, RFC 9110 section 13, with validators of section 8.8. All files are dated
# 2020-01-01 00:00:00.
use strict;
use warnings;
use Brood::Rfc;

our $etag;
my $date = 'Wed, 01 Jan 2020 00:00:00 GMT';
my $before = 'Tue, 31 Dec 2019 23:59:59 GMT';
my $after = 'Wed, 01 Jan 2020 00:00:01 GMT';
my $bare = substr $etag, 1, -1;
my @in_304 = (ETag => $etag, 'Content-Length' => undef, Date => qr/GMT$/);

# [section, what, status, fields...], with GET and with HEAD.
my @both = (
	['8.8.3', 'no condition', 200],
	['13.1.2', 'If-None-Match: the tag', 304, "If-None-Match: $etag"],
	['13.1.2', 'If-None-Match: the tag, weak', 304, "If-None-Match: W/$etag"],
	['13.1.2', 'If-None-Match: *', 304, 'If-None-Match: *'],
	['13.1.2', 'If-None-Match: another tag', 200, 'If-None-Match: "x"'],
	['13.1.2', 'If-None-Match: another weak tag', 200, 'If-None-Match: W/"x"'],
	['13.1.2', 'If-None-Match: a list with it', 304, "If-None-Match: \"x\", $etag, W/\"y\""],
	['13.1.2', 'If-None-Match: a list with it, without spaces', 304, "If-None-Match: \"x\",$etag,\"y\""],
	['13.1.2', 'If-None-Match: a list with it, with tabs', 304, "If-None-Match: \"x\"\t,\t$etag"],
	['5.6.1', 'If-None-Match: a list with empty elements', 304, "If-None-Match: , ,,$etag,"],
	['13.1.2', 'If-None-Match: a list without it', 200, 'If-None-Match: "x", "y", W/"z"'],
	['5.3', 'If-None-Match: on several lines', 304, 'If-None-Match: "x"', "If-None-Match: $etag"],
	['5.3', 'If-None-Match: on several lines, the first one', 304, "If-None-Match: $etag", 'If-None-Match: "x"'],
	['8.8.3', 'If-None-Match: a comma in a tag', 200, 'If-None-Match: "x,' . substr($etag, 1)],
	['8.8.3', 'If-None-Match: the tag in a longer one', 200, "If-None-Match: \"x$bare\", \"${bare}x\""],
	['8.8.3', 'If-None-Match: in another case', 200, 'If-None-Match: "' . ($bare =~ tr/a-fA-F/A-Fa-f/r) . 'Z"'],
	['8.8.3', 'If-None-Match: an empty tag', 200, 'If-None-Match: ""'],
	['8.8.3', 'If-None-Match: w/ is not W/', 200, "If-None-Match: w/$etag"],
	['13.1.2', 'If-None-Match: without quotes', 200, "If-None-Match: $bare"],
	['13.1.2', 'If-None-Match: empty', 200, 'If-None-Match:'],
	['13.1.2', 'If-None-Match: * is no member of a list', 200, 'If-None-Match: *, "x"'],
	['13.1.2', 'If-None-Match: nor its last one', 200, 'If-None-Match: "x", *'],
	['13.1.2', 'If-None-Match: a tag of one asterisk', 200, 'If-None-Match: "*"'],
	['13.1.2', 'If-None-Match: a list of weak tags', 304, "If-None-Match: W/\"x\", W/\"y\",W/$etag"],
	['13.1.2', 'If-None-Match: a thousand weak tags', 304, 'If-None-Match: ' . join ',', (map { "W/\"$_\"" } 1 .. 1000), $etag],
	['13.1.2', 'If-None-Match: fifty lines', 304, (map { "If-None-Match: \"$_\"" } 1 .. 50), "If-None-Match: $etag"],
	['8.8.3', 'If-None-Match: octets above 127 in a tag', 304, "If-None-Match: \"\xe4\xff\", $etag"],
	['8.8.3', 'If-None-Match: a backslash escapes nothing', 304, "If-None-Match: \"x\\\", $etag"],
	['8.8.3', 'If-None-Match: a space behind W/', 200, "If-None-Match: W/ $etag"],
	['5.6.1', 'If-None-Match: no comma', 200, "If-None-Match: \"x\" $etag"],
	['5.6.1', 'If-None-Match: a semicolon', 200, "If-None-Match: \"x\"; $etag"],
	['13.1.1', 'If-Match: a tag of one asterisk', 412, 'If-Match: "*"'],
	['13.1.1', 'If-Match: empty', 412, 'If-Match:'],
	['13.1.1', 'If-Match: a list of weak tags', 412, "If-Match: W/\"x\", W/$etag"],
	['13.1.1', 'If-Match: a weak one, then the tag', 200, "If-Match: W/\"x\", $etag"],
	['13.1.3', 'If-Modified-Since: the epoch', 200, 'If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT'],
	['13.1.3', 'If-Modified-Since: the last day', 304, 'If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT'],
	['13.1.3', 'If-Modified-Since: a number', 200, 'If-Modified-Since: 0'],
	['5.6.7', 'If-Modified-Since: UTC is not GMT', 200, 'If-Modified-Since: Wed, 01 Jan 2020 00:00:00 UTC'],
	['5.6.7', 'If-Modified-Since: an offset', 200, 'If-Modified-Since: Wed, 01 Jan 2020 00:00:00 +0000'],
	['5.6.7', 'If-Modified-Since: in small letters', 200, 'If-Modified-Since: wed, 01 jan 2020 00:00:00 gmt'],
	['13.1.3', 'If-Modified-Since: the date', 304, "If-Modified-Since: $date"],
	['13.1.3', 'If-Modified-Since: a second after', 304, "If-Modified-Since: $after"],
	['13.1.3', 'If-Modified-Since: a second before', 200, "If-Modified-Since: $before"],
	['5.6.7', 'If-Modified-Since: RFC 850', 304, 'If-Modified-Since: Wednesday, 01-Jan-20 00:00:00 GMT'],
	['5.6.7', 'If-Modified-Since: RFC 850, before', 200, 'If-Modified-Since: Tuesday, 31-Dec-19 23:59:59 GMT'],
	['5.6.7', 'If-Modified-Since: RFC 850, of the last century', 200, 'If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT'],
	['5.6.7', 'If-Modified-Since: asctime', 304, 'If-Modified-Since: Wed Jan  1 00:00:00 2020'],
	['5.6.7', 'If-Modified-Since: asctime, before', 200, 'If-Modified-Since: Tue Dec 31 23:59:59 2019'],
	(map { ['13.1.3', "If-Modified-Since: '$_' is none", 200, "If-Modified-Since: $_"] }
		'x', '', '0', '1577836800', '2020-01-01T00:00:00Z', 'Wed, 01 Jan 2020 00:00:00',
		'Wed, 01 Jan 2020 00:00:00 CET', 'Wed, 01 Jan 2020 00:00:00 +0000', 'Wed, 32 Jan 2020 00:00:00 GMT',
		'Wed, 01 Foo 2020 00:00:00 GMT', 'Wed, 01 Jan 2020 24:00:00 GMT', 'Wed, 01 Jan 2020 00:60:00 GMT',
		'Wed, 1 Jan 2020 00:00:00 GMT', '01 Jan 2020 00:00:00 GMT', "$date x", "$date, $date",
		'Xyz, 01 Jan 2020 00:00:00 GMT', 'Sun, 30 Feb 2020 00:00:00 GMT'),
	['13.1.3', 'If-Modified-Since: twice', 200, "If-Modified-Since: $date", "If-Modified-Since: $date"],
	['13.1.1', 'If-Match: the tag', 200, "If-Match: $etag"],
	['13.1.1', 'If-Match: *', 200, 'If-Match: *'],
	['13.1.1', 'If-Match: a list with it', 200, "If-Match: \"x\", $etag"],
	['13.1.1', 'If-Match: on several lines', 200, 'If-Match: "x"', "If-Match: $etag"],
	['13.1.1', 'If-Match: another', 412, 'If-Match: "x"'],
	['13.1.1', 'If-Match: a list without it', 412, 'If-Match: "x", "y"'],
	['13.1.1', 'If-Match: compares strongly', 412, "If-Match: W/$etag"],
	['13.1.4', 'If-Unmodified-Since: the date', 200, "If-Unmodified-Since: $date"],
	['13.1.4', 'If-Unmodified-Since: a second after', 200, "If-Unmodified-Since: $after"],
	['13.1.4', 'If-Unmodified-Since: a second before', 412, "If-Unmodified-Since: $before"],
	['13.1.4', 'If-Unmodified-Since: no date', 200, 'If-Unmodified-Since: x'],
	['13.1.4', 'If-Unmodified-Since: twice', 200, "If-Unmodified-Since: $before", "If-Unmodified-Since: $before"],

	# Precedence, 13.2.2
	['13.2.2', 'If-Match goes before If-Unmodified-Since', 200, "If-Match: $etag", "If-Unmodified-Since: $before"],
	['13.2.2', 'If-Match fails, whatever If-Unmodified-Since says', 412, 'If-Match: "x"', "If-Unmodified-Since: $after"],
	['13.2.2', 'If-Match, then If-None-Match', 304, "If-Match: $etag", "If-None-Match: $etag"],
	['13.2.2', 'If-Match fails before If-None-Match', 412, 'If-Match: "x"', "If-None-Match: $etag"],
	['13.2.2', 'If-Match, then If-Modified-Since', 304, "If-Match: $etag", "If-Modified-Since: $date"],
	['13.2.2', 'If-Match fails before If-Modified-Since', 412, 'If-Match: "x"', "If-Modified-Since: $date"],
	['13.2.2', 'If-Unmodified-Since, then If-None-Match', 304, "If-Unmodified-Since: $date", "If-None-Match: $etag"],
	['13.2.2', 'If-Unmodified-Since fails before If-None-Match', 412, "If-Unmodified-Since: $before",
		"If-None-Match: $etag"],
	['13.2.2', 'If-Unmodified-Since, then If-Modified-Since', 304, "If-Unmodified-Since: $date",
		"If-Modified-Since: $date"],
	['13.2.2', 'If-None-Match goes before If-Modified-Since', 200, 'If-None-Match: "x"', "If-Modified-Since: $date"],
	['13.2.2', 'If-None-Match matches, whatever If-Modified-Since says', 304, "If-None-Match: $etag",
		"If-Modified-Since: $before"],
	['13.2.2', 'all four, all true', 200, "If-Match: $etag", "If-Unmodified-Since: $date", 'If-None-Match: "x"',
		"If-Modified-Since: $before"],
	['13.2.2', 'the order of the lines means nothing', 412, "If-None-Match: $etag", 'If-Match: "x"'],
);

return (
	(map {
		my ($section, $what, $status, @fields) = @$_;
		my @more = $status == 304 ? @in_304 : $status == 200 ? (ETag => $etag, 'Last-Modified' => $date) : ();
		(['MUST', "9110 $section", "GET, $what", get(@fields), $status, 'keep', @more],
		 ['MUST', "9110 $section", "HEAD, $what", head_of(@fields), $status, 'keep', @more]);
	} @both),
	['MUST', '9110 13.1.2', 'a condition in HTTP/1.0', get10("If-None-Match: $etag"), 304, 'close', @in_304],
	['MUST', '9110 13.2.1', 'If-None-Match: * of what is not there', request('GET /none HTTP/1.1', 'Host: a',
		'If-None-Match: *'), 404, 'keep'],
	['MUST', '9110 13.2.1', 'If-Match: * of what is not there', request('GET /none HTTP/1.1', 'Host: a',
		'If-Match: *'), '404|412', 'keep'],
	['MUST', '9110 13.2.1', 'If-Match: "x" of what is not there', request('GET /none HTTP/1.1', 'Host: a',
		'If-Match: "x"'), '404|412', 'keep'],
	['MUST', '9110 13.2.1', 'a condition on a redirect', request('GET /dir HTTP/1.1', 'Host: a',
		'If-None-Match: *'), 301, 'keep'],
	['MUST', '9110 13.2.1', 'a failing condition on a redirect', request('GET /dir HTTP/1.1', 'Host: a',
		'If-Match: "x"'), 301, 'keep'],
	['MUST', '9110 13.2.1', 'a condition with OPTIONS', method('OPTIONS', 'If-Match: "x"'), '200|204', 'keep'],
	['MUST', '9110 13.2.1', 'If-None-Match with OPTIONS', method('OPTIONS', 'If-None-Match: *'), '200|204', 'keep'],
	['MUST', '9110 13.2.1', 'a condition with what is not allowed', post('If-None-Match: *'), '405', 'keep'],
	['MUST', '9110 13.1.3', 'If-Modified-Since with POST', post("If-Modified-Since: $date"), 405, 'keep'],
	['MUST', '9110 13.1.2', 'a condition with an unknown method', method('FOO', 'If-None-Match: *'), 501, 'keep'],
	['MUST', '9111 4.3', 'what a cache asks', get("If-None-Match: $etag", "If-Modified-Since: $date",
		'Cache-Control: max-age=0'), 304, 'keep', @in_304],
	['MUST', '9110 8.8.2', 'a folder has its index\'s validators', request('GET /dir/ HTTP/1.1', 'Host: a'), 200,
		'keep', ETag => qr/^"/, 'Last-Modified' => qr/GMT$/],
	['MUST', '9112 9.3', 'a 304 for a request with a body', get('If-None-Match: *', 'Content-Length: 3') . 'abc', 304, 'close'],
	['MUST', '9112 9.3', 'a 412 for a request with a body', get('If-Match: "x"', 'Content-Length: 3') . 'abc', 412, 'close'],
	['MUST', '9110 15.4.5', 'a request behind a 304', get("If-None-Match: $etag") . get(), [304, 200], 'keep',
		body => "Hello, world!\n"],
);
