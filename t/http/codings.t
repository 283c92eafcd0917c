#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Content codings (RFC 9110 sections 8.4.1, 12.5.3): files that lie beside others, compressed, and gzip made of files.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;
use IO::Compress::Gzip qw(gzip);
use IO::Uncompress::Gunzip qw(gunzip);

my $plain = join '', map { "line $_ of a file that is there in several codings\n" } 1 .. 100;
gzip \$plain => \my $gzip or die;
my $hello = "\x0b\x02\x80hello\x03"; # "hello" in brotli's own coding

sub write_file { my ($path, $octets, $time) = @_; Brood::Server::write_file($path, $octets); utime $time, $time, $path if $time; return }

my $time = 1_700_000_000;
my $server = Brood::Server->start(workers => 2, root => {
	'page.html' => $plain, 'page.html.gz' => $gzip, 'page.html.br' => 'not really brotli', 'page.html.zst' => 'nor zstd',
	'stale.css' => $plain, 'stale.css.gz' => $gzip, 'alone.png' => 'png', 'hello.js' => 'hello', 'hello.js.br' => $hello,
	'big.css' => 'b' x 300_000, 'big.css.br' => join('', map { pack 'N', $_ } 1 .. 50_000), 'app/page.html' => $plain, 'small.css' => 'a' x 1023,
	'made/text.txt' => $plain, 'made/page.html' => $plain, 'made/99.txt' => 'a' x 99, 'made/100.txt' => 'a' x 100, 'made/large.txt' => $plain x 20,
	'made/noise.txt' => join('', map { chr rand 256 } 1 .. 5000), 'app/page.html.gz' => $gzip,
}, config => "precompressed = true;\nlocations = ( { path = \"/app\"; precompressed = false; gzip = false; },\n"
	. " { path = \"/made\"; gzip_types = \"text/plain\"; gzip_min_size = 100; } );\n");
my $root = $server->root;
utime $time, $time, $_ for glob("$root/*"), glob("$root/app/*"), glob("$root/made/*");
utime $time - 1, $time - 1, "$root/stale.css.gz";

sub connected { return Brood::Client->connect($server->address) }
sub get { return connected()->get(@_) }

subtest 'Accept-Encoding decides' => sub {
	for my $case (
		[undef, ''], ['', ''], ['identity', ''], ['gzip', 'gzip'], ['br', 'br'], ['zstd', 'zstd'], ['deflate', ''], ['x-gzip', 'gzip'],
		['gzip, deflate, br', 'br'], ['gzip, deflate, br, zstd', 'br'], ['gzip;q=1, br;q=0.5', 'gzip'], ['br;q=0, *', 'zstd'],
		['*;q=0', ''], ['*', 'br'], ['identity;q=0, gzip;q=0.1', 'gzip'], ['identity;q=0', ''], ['gzip;q=0.5, identity', ''],
		['gzip;q=1.5', ''], ['gzip;x', ''], ['gzip br', ''],
	) {
		my ($accepted, $coding) = @$case;
		my $response = get('/page.html', 'Accept-Encoding' => $accepted);
		my $name = $accepted // 'absent';
		is $response->status, 200, "$name: 200";
		is $response->header('Content-Encoding') // '', $coding, "$name: Content-Encoding";
		is $response->header('Vary'), 'Accept-Encoding', "$name: Vary";
		is $response->header('Content-Type'), 'text/html; charset=utf-8', "$name: Content-Type";
		my $body = { '' => $plain, gzip => $gzip, br => 'not really brotli', zstd => 'nor zstd' }->{$coding};
		ok $response->body eq $body, "$name: body";
	}
	is get('/page.html', 'Accept-Encoding' => 'deflate', 'Accept-Encoding' => 'gzip')->header('Content-Encoding'), 'gzip', 'two lines';
	is get('/page.html', 'Accept-Encoding' => 'gzip', 'Accept-Encoding' => 'gzip;q=')->header('Content-Encoding'), undef, 'one of them malformed';
	is connected()->head('/page.html', 'Accept-Encoding' => 'gzip')->header('Content-Length'), length $gzip, 'HEAD says the same';
};

subtest 'what has no choice does not vary' => sub {
	for my $path ('/alone.png', '/app/page.html', '/small.css') {
		my $response = get($path, 'Accept-Encoding' => 'gzip, br');
		is $response->header('Content-Encoding'), undef, "$path: as it is";
	}
	is get('/alone.png', 'Accept-Encoding' => 'gzip')->header('Vary'), undef, 'no Vary';
	isnt get('/stale.css', 'Accept-Encoding' => 'gzip')->body, $gzip, 'one that is older than its source is not sent';
};

subtest 'each coding has a tag of its own, on every worker' => sub {
	my %tags;
	for (1 .. 20) {
		$tags{$_}{ get('/page.html', 'Accept-Encoding' => $_)->header('ETag') } = 1 for qw(br zstd gzip identity);
	}
	is scalar(keys %{ $tags{$_} }), 1, "$_: one tag" for sort keys %tags;
	my %all = map { $_ => 1 } map { keys %$_ } values %tags;
	is scalar(keys %all), 4, 'four in all';
	is scalar(grep { !/^"[^"]+"$/ } keys %all), 0, 'strong ones';

	my %tag = map { $_ => (keys %{ $tags{$_} })[0] } keys %tags;
	for my $coding (sort keys %tag) {
		for my $other (sort keys %tag) {
			my @accept = ('Accept-Encoding' => $coding);
			my $same = $coding eq $other;
			my $response = get('/page.html', @accept, 'If-None-Match' => $tag{$other});
			is $response->status, $same ? 304 : 200, "$coding, If-None-Match of $other";
			is $response->header('ETag'), $tag{$coding}, 'its own tag' if $same;
			is $response->header('Vary'), 'Accept-Encoding', 'Vary' if $same;
			is get('/page.html', @accept, 'If-Match' => $tag{$other})->status, $same ? 200 : 412, "$coding, If-Match of $other";
			is get('/page.html', @accept, 'If-Range' => $tag{$other}, Range => 'bytes=0-3')->status, $same ? 206 : 200, "$coding, If-Range of $other";
		}
	}
};

subtest 'ranges are of the octets that would be sent' => sub {
	my @accept = ('Accept-Encoding' => 'gzip');
	my $response = get('/page.html', @accept, Range => 'bytes=2-9');
	is $response->status, 206, 'a range';
	is $response->header('Content-Range'), 'bytes 2-9/' . length $gzip, 'Content-Range';
	is $response->header('Content-Encoding'), 'gzip', 'Content-Encoding';
	is $response->header('Vary'), 'Accept-Encoding', 'Vary';
	ok $response->body eq substr($gzip, 2, 8), 'octets';
	my ($half, $size) = (int(length($gzip) / 2), length $gzip);
	$response = get('/page.html', @accept, Range => "bytes=0-0,-1");
	like $response->header('Content-Type'), qr{^multipart/byteranges}, 'several' or diag $size;
	is $response->header('Content-Encoding'), 'gzip', 'of the coding';
	ok get('/big.css', 'Accept-Encoding' => 'br', Range => 'bytes=100000-')->body eq substr(join('', map { pack 'N', $_ } 1 .. 50_000), 100_000), 'of a large one, by sendfile';
};

subtest 'what changes is noticed within a second' => sub {
	my $coding = sub { get('/alone.png', 'Accept-Encoding' => 'gzip, br')->header('Content-Encoding') // '' };
	is $coding->(), '', 'at first there is nothing';
	write_file("$root/alone.png.gz", 'packed', $time);
	# Each worker looks once a second; both have, when twenty answers in a row are the same.
	my $all = sub { my $want = shift; return wait_until(10, sub { !grep { $coding->() ne $want } 1 .. 20 }) };
	ok $all->('gzip'), 'it appears';
	write_file("$root/alone.png.br", 'better', $time);
	ok $all->('br'), 'a better one does';
	utime $time + 10, $time + 10, "$root/alone.png";
	ok $all->(''), 'the source is newer';
	utime $time + 10, $time + 10, "$root/alone.png.gz";
	ok $all->('gzip'), 'one has been made anew';
	unlink "$root/alone.png.gz";
	ok $all->(''), 'it vanishes';
};

subtest 'gzip is made of what is worth it' => sub {
	my @accept = ('Accept-Encoding' => 'gzip, deflate, br');
	my %tags;
	for (1 .. 20) {
		my $response = get('/made/text.txt', @accept);
		is $response->header('Content-Encoding'), 'gzip', 'text: gzip' or last;
		gunzip \$response->body => \my $text or die;
		ok $text eq $plain, 'text: octets' or last;
		cmp_ok length $response->body, '<', length($plain) / 2, 'text: smaller' or last;
		$tags{ $response->header('ETag') } = 1;
	}
	is scalar(keys %tags), 1, 'one tag on all workers';
	my ($tag) = keys %tags;
	my $identity = get('/made/text.txt');
	isnt $identity->header('ETag'), $tag, 'another one than that of the file itself';
	is $identity->header('Vary'), 'Accept-Encoding', 'which varies';
	for my $case (['text', 'gzip'], ['100', 'gzip'], ['99', ''], ['large', ''], ['noise', '']) {
		is get("/made/$case->[0].txt", @accept)->header('Content-Encoding') // '', $case->[1], "$case->[0].txt";
	}
	is get('/made/page.html', @accept)->header('Content-Encoding'), undef, 'another type';
	is get('/small.css', @accept)->header('Content-Encoding'), undef, 'below the default size';
	is get('/stale.css', @accept)->header('Content-Encoding'), 'gzip', 'by default, in place of an old sibling';

	my @range = (@accept, Range => 'bytes=0-9');
	my $response = get('/made/text.txt', @range);
	is $response->status, 206, 'a range';
	is $response->header('Content-Encoding'), undef, 'is of the file itself';
	is $response->body, substr($plain, 0, 10), 'octets of it';
	is get('/made/text.txt', @range, 'If-Range' => $tag)->status, 200, 'If-Range with the tag of gzip does not match';
	is get('/made/text.txt', @range, 'If-Range' => $identity->header('ETag'))->status, 206, "with the file's it does";
	is get('/made/text.txt', @range, 'If-Range' => $identity->header('Last-Modified'))->status, 200, 'a date may be that of gzip';
	is get('/made/text.txt', Range => 'bytes=0-9', 'If-Range' => $identity->header('Last-Modified'))->status, 206, 'if that is accepted';
	is get('/made/text.txt', @accept, 'If-None-Match' => $tag)->status, 304, '304 for the tag of gzip';
	is get('/made/text.txt', @accept, 'If-None-Match' => $identity->header('ETag'))->status, 200, "not for the file's";
	is connected()->head('/made/text.txt', @accept)->header('ETag'), $tag, 'HEAD says the same';
};

SKIP: {
	my ($curl) = grep { -x } map { "$_/curl" } split /:/, $ENV{PATH};
	skip 'no curl', 1 if !$curl;
	subtest 'curl' => sub {
		my $run = sub { my $path = pop; my @options = @_; open my $pipe, '-|', $curl, '-sk', @options, $server->url($path) or die $!; local $/; return scalar <$pipe> };
		my $version = `$curl --version`;
		my $takes = sub { $version =~ /^Features:.* $_[0]\b/m };
		ok $run->('--compressed', '-H', 'Accept-Encoding: gzip', '/page.html') eq $plain, '--compressed, gzip';
		ok $run->('--compressed', '/made/text.txt') eq $plain, '--compressed, made';
		is $run->('--compressed', '/hello.js'), 'hello', '--compressed, brotli' if $takes->('brotli');
		SKIP: {
			my ($zstd) = grep { -x } map { "$_/zstd" } split /:/, $ENV{PATH};
			skip 'no zstd', 1 if !$zstd || !$takes->('zstd');
			write_file("$root/zstd.html", $plain, $time);
			system $zstd, '-q', "$root/zstd.html";
			ok $run->('--compressed', '/zstd.html') eq $plain, '--compressed, zstd';
		}
		for my $path ('/page.html', '/big.bin') {
			my $all = $path eq '/big.bin' ? Brood::Server->content('big.bin') : $plain;
			my $file = write_file($server->dir . '/resumed', substr $all, 0, 1000) // $server->dir . '/resumed';
			$run->('-C', '-', '-o', $file, $path);
			ok Brood::Server::slurp($file) eq $all, "-C - goes on with $path";
		}
	};
}

$server->finish;
done_testing;
