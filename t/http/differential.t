#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# nginx and brood on the same tree, asked the same several hundred ordinary requests: the same status, body and
# fields that mean something, or a row in doc/http.md ("Where brood differs from nginx") that says why not. A row
# that no request shows is an error, too. A row that names the version up to which nginx differs must not be shown by
# a later one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Figures qw(find_program);
use Brood::Proc qw(wait_until);
use Brood::Server;
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use version;

my $nginx = find_program('nginx') or plan skip_all => 'nginx is not installed';
my ($version) = qx{"$nginx" -v 2>&1} =~ m{nginx/([\d.]+)} or die "$nginx: no version";
-r '/etc/nginx/mime.types' or plan skip_all => 'nginx has no table of types';

my $text = join '', map { sprintf "line %04d of some text\n", $_ } 1 .. 200;
my %tree = (
	'index.html' => '<p>root', 'page.html' => '<p>page', 'style.css' => 'a{color:red}' x 50, 'script.js' => 'let a;' x 50,
	'data.json' => '{}', 'image.png' => "\x89PNG" . 'x' x 300, 'photo.JPG' => 'jpg', 'picture.svg' => '<svg/>',
	'feed.xml' => '<a/>', 'text.txt' => $text, 'noextension' => 'x', 'odd.zzzz' => 'odd', 'archive.tar.gz' => 'gz',
	'font.woff2' => 'font', 'movie.mp4' => 'mp4' x 1000, 'doc.pdf' => 'pdf', 'empty.txt' => '', 'large.bin' => 'abcdefghij' x 20000,
	'dir/index.html' => '<p>dir', 'dir/file.txt' => 'file', 'bare/file.txt' => 'file', 'space dir/index.html' => '<p>space',
	'with space.txt' => 'space', "\xc3\xa9.txt" => 'utf-8', 'percent%41.txt' => 'percent', 'a+b.txt' => 'plus',
	'a:b.txt' => 'colon', 'q?m.txt' => 'question', 'h#h.txt' => 'hash', "it's(1)!.txt" => 'sub-delims', '~user.txt' => 'tilde',
	'.hidden' => 'hidden', '.well-known/security.txt' => 'known', 'app.js' => 'let b;' x 200, 'app.js.gz' => undef,
);

# --- the two ---

my $home = Brood::Server::new_dir();
my $root = "$home/root";
delete $tree{'app.js.gz'};
Brood::Server::make_tree($root, \%tree);
require IO::Compress::Gzip;
IO::Compress::Gzip::gzip(\$tree{'app.js'} => "$root/app.js.gz");
symlink 'text.txt', "$root/link.txt";
symlink '/etc/hostname', "$root/outside.txt";
my $outside = -r '/etc/hostname';
my $then = 1_600_000_000;
utime $then, $then, map { "$root/$_" } keys %tree, 'app.js.gz';

# gzip as it is made on the way has a part of its own at the end.
my $brood = Brood::Server->start(workers => 1, root => $root, set => { gzip => 'false' });
my $gzip = Brood::Server->start(workers => 1, root => $root);
my ($port, $gzip_port) = map { $_->sockport } my @free = map { IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1:0') } 1, 2;
@free = ();
my $user = $> == 0 ? 'user root;' : '';
my $config = Brood::Server::write_file("$home/nginx.conf", <<"END");
$user
daemon off;
worker_processes 1;
pid $home/nginx.pid;
error_log $home/error.log;
events { }
http {
	include /etc/nginx/mime.types;
	default_type application/octet-stream;
	access_log off;
	charset utf-8;
	gzip_static on;
	gzip_vary on;
	client_body_temp_path $home/body;
	proxy_temp_path $home/proxy;
	fastcgi_temp_path $home/fastcgi;
	uwsgi_temp_path $home/uwsgi;
	scgi_temp_path $home/scgi;
	server { listen 127.0.0.1:$port; server_name localhost; root $root; }
	server {
		listen 127.0.0.1:$gzip_port; server_name localhost; root $root;
		gzip on; gzip_min_length 1024; gzip_proxied any;
		gzip_types text/plain text/css application/javascript application/json image/svg+xml text/xml;
	}
}
END
my $pid = fork // die "fork: $!";
if (!$pid) {
	open STDOUT, '>', "$home/output";
	open STDERR, '>&', \*STDOUT;
	exec $nginx, '-p', $home, '-e', "$home/error.log", '-c', $config or POSIX::_exit(127);
}
END {
	if ($pid) {
		my $status = $?;
		kill 'TERM', $pid;
		waitpid $pid, 0;
		$? = $status;
	}
}
wait_until(20, sub { IO::Socket::INET->new("127.0.0.1:$port") }) or do {
	diag Brood::Server::slurp("$home/output");
	BAIL_OUT('nginx did not start');
};
my %address = (brood => $brood->address, nginx => "127.0.0.1:$port", 'brood gzip' => $gzip->address,
	'nginx gzip' => "127.0.0.1:$gzip_port");
my %client = map { $_ => Brood::Client->connect($address{$_}) } keys %address;

# --- asking ---

sub ask
{
	my ($who, $method, $target, @fields) = @_;
	for my $try (1, 2) {
		my $client = $client{$who};
		my $request = "$method $target HTTP/1.1\r\nHost: localhost\r\n";
		$request .= "$fields[2 * $_]: $fields[2 * $_ + 1]\r\n" for 0 .. @fields / 2 - 1;
		my $response = eval { $client->send("$request\r\n"); $client->response(method => $method) };
		my $usable = $response && !$response->{failed};
		$client{$who} = Brood::Client->connect($address{$who}) if !$usable || $response->says_close;
		return $response if $usable || $try == 2;
	}
}

# The octets of each range, so that different boundaries and orders are one.
sub parts
{
	my ($response) = @_;
	my ($boundary) = ($response->header('Content-Type') // '') =~ /boundary="?([^";]+)/ or return '';
	my %parts;
	for my $part (split /\r?\n?--\Q$boundary\E(?:--)?\r\n/, $response->body) {
		$parts{$1} = $2 if $part =~ /^.*?Content-Range: bytes (\S+).*?\r\n\r\n(.*)\z/si;
	}
	return join ' ', map { "$_=$parts{$_}" } sort keys %parts;
}

# The row "types of files" is about these.
my %alias = ('application/javascript' => 'text/javascript', 'text/xml' => 'application/xml');

# What means something to a client. `whole`: types as they are.
sub meaning
{
	my ($response, $whole) = @_;
	my $status = $response->status;
	my %fields;
	my $found = $status == 200 || $status == 206;
	my ($type) = split $whole ? qr/\z/ : qr/;/, $response->header('Content-Type') // '';
	$type = $alias{$type // ''} // $type if !$whole;
	my $multipart = ($type // '') eq 'multipart/byteranges';
	if ($found) {
		$fields{Type} = $type;
		$fields{Body} = $multipart ? parts($response) : $response->body;
		$fields{$_} = $response->header($_) for qw(Last-Modified Content-Encoding);
		$fields{Length} = $multipart ? undef : $response->header('Content-Length');
		$fields{Tag} = ($response->header('ETag') // '') =~ /^"[^"]+"$/ ? 'strong' : 'none';
		$fields{Ranges} = $response->header('Accept-Ranges') if $status == 200;
	}
	$fields{Vary} = lc($response->header('Vary') // '') if $found || $status == 304;
	$fields{Range} = $response->header('Content-Range') if $status == 206 || $status == 416;
	($fields{Location}) = ($response->header('Location') // '') =~ m{^(?:http://[^/]*)?(.*)} if $status =~ /^30[1278]/;
	return join "\n", "Status: $status", map { "$_: " . ($fields{$_} // '-') } sort keys %fields;
}

# The lines in which they differ, each cut.
sub difference
{
	my @sides = map { my $side = $_; +{ map { /^([\w-]+): (.*)/s ? ($1 => $2) : () } split /\n(?=[A-Z][\w-]*: )/, $side } } @_;
	my %names = map { %$_ } @sides;
	return join '; ', map { my $name = $_; my @values = map { substr($_->{$name} // 'absent', 0, 60) } @sides;
		$values[0] eq $values[1] ? () : "$name $values[0] and $values[1]" } sort keys %names;
}

my %validators;
sub validator
{
	my ($who, $target, $name) = @_;
	my $known = $validators{$who}{$target} //= ask($who, 'HEAD', $target);
	return $known->header($name) // '"none"';
}

# --- what is asked ---

my $same = 'Sun, 13 Sep 2020 12:26:40 GMT';
my ($before, $after) = ('Sat, 12 Sep 2020 12:26:40 GMT', 'Mon, 14 Sep 2020 12:26:40 GMT');
my @paths = map { "/$_" } qw(index.html page.html style.css script.js data.json image.png photo.JPG picture.svg feed.xml text.txt
	noextension odd.zzzz font.woff2 movie.mp4 doc.pdf empty.txt large.bin dir/file.txt with%20space.txt %C3%A9.txt
	percent%2541.txt a+b.txt a:b.txt q%3Fm.txt h%23h.txt it's(1)!.txt ~user.txt %7Euser.txt link.txt .well-known/security.txt);
my @targets = (@paths, qw(/ /dir/ /dir /bare /bare/ /space%20dir /space%20dir/ /none /none/ /dir/none /text.txt/ /page.html?a=b /dir?a=b
	/?a /page.html? /./page.html /dir/../page.html /dir/./file.txt //page.html /dir//file.txt /%70age.html /dir%2e%2e /PAGE.html
	/page.html%20 /%2E/page.html /dir/%2e%2e/page.html /dir/.. /dir/. http://localhost/page.html), '/' . 'x' x 300);
my @conditional = (
	['If-None-Match', 'TAG'], ['If-None-Match', 'W/TAG'], ['If-None-Match', '"x", TAG'], ['If-None-Match', '*'],
	['If-None-Match', '"x"'], ['If-None-Match', 'W/"x"'], ['If-Match', 'TAG'], ['If-Match', '*'], ['If-Match', '"x"'],
	['If-Match', '"x", TAG'], ['If-Modified-Since', $same], ['If-Modified-Since', $before],
	['If-Modified-Since', 'no date'], ['If-Unmodified-Since', $same], ['If-Unmodified-Since', $before],
	['If-Unmodified-Since', $after], ['If-None-Match', 'TAG', 'If-Modified-Since', $same],
	['If-None-Match', '"x"', 'If-Modified-Since', $before], ['If-None-Match', '"x"', 'If-Modified-Since', $same], ['If-Match', 'TAG', 'If-None-Match', 'TAG'],
	['If-Match', '"x"', 'If-None-Match', 'TAG'],
);
my @ranges = ('bytes=0-0', 'bytes=0-', 'bytes=1-3', 'bytes=-1', 'bytes=-100000000', 'bytes=2-100000000',
	'bytes=0-0,-1', 'bytes=0-1, 200-205', 'bytes=-2,0-0', 'items=0-1', 'bytes=100000000-', 'BYTES=0-1');
my @codings = ('gzip;q=0', 'identity', 'deflate', '', 'br;q=0');

# Differences: the row in doc/http.md, and what shows it.
my @cases; # [row or '', method, target, fields...]
push @cases, ['', $_->[0], $_->[1]] for map { my $target = $_; map { [$_, $target] } qw(GET HEAD) } @targets;
for my $path ('/page.html', '/style.css', '/large.bin', '/empty.txt', '/dir/') {
	push @cases, ['', 'GET', $path, @$_], ['', 'HEAD', $path, @$_] for @conditional;
}
for my $path ('/text.txt', '/large.bin', '/image.png') {
	push @cases, ['', 'GET', $path, Range => $_] for @ranges;
	push @cases, ['', 'GET', $path, Range => 'bytes=1-2', 'If-Range' => $_] for '"x"', 'W/TAG', $before;
	push @cases, ['', 'GET', $path, Range => 'bytes=1-2', 'If-None-Match' => $_] for 'TAG', '"x"';
	push @cases, ['', 'GET', $path, Range => 'bytes=1-2', 'If-Match' => $_] for 'TAG', '"x"';
}
for my $path ('/app.js', '/script.js', '/page.html') {
	push @cases, ['', 'GET', $path, 'Accept-Encoding' => $_] for @codings;
}
push @cases, ['', 'GET', $_, 'Accept-Encoding' => 'gzip'] for '/script.js', '/page.html';
push @cases, ['', 'GET', '/app.js', 'Accept-Encoding' => 'gzip', 'If-None-Match' => '*'];
push @cases, ['', $_, '/page.html'] for qw(PUT DELETE PATCH TRACE);
push @cases, ['', 'POST', '/page.html', 'Content-Length', 0];
push @cases, ['', 'GET', $_] for qw(/%zz /%00 /%);

my @rows = (
	['HEAD with Range', 'HEAD', '/text.txt', Range => 'bytes=0-0'],
	['If-Modified-Since later than Last-Modified', 'GET', '/page.html', 'If-Modified-Since' => $after],
	['If-None-Match and If-Modified-Since', 'GET', '/page.html', 'If-None-Match' => 'TAG', 'If-Modified-Since' => $before],
	['If-Match and If-Unmodified-Since', 'GET', '/page.html', 'If-Match' => 'TAG', 'If-Unmodified-Since' => $before],
	['Range that is not one', 'GET', '/text.txt', Range => 'bytes=5-2'],
	['Range that is not one', 'GET', '/text.txt', Range => 'bytes=a'],
	['Range that is not one', 'GET', '/text.txt', Range => 'bytes=0-0,5-2'],
	['ranges that overlap or are close', 'GET', '/text.txt', Range => 'bytes=0-5,3-9'],
	['ranges that overlap or are close', 'GET', '/large.bin', Range => 'bytes=0-0,2-2'],
	['fields of a 206 with If-Range', 'GET', '/text.txt', Range => 'bytes=1-2', 'If-Range' => 'TAG'],
	['fields of a 206 with If-Range', 'GET', '/text.txt', Range => 'bytes=1-2', 'If-Range' => $same],
	['ranges of compressed files', 'GET', '/app.js', 'Accept-Encoding' => 'gzip', Range => 'bytes=0-9'],
	(map { ['ranges of compressed files', 'GET', '/app.js', 'Accept-Encoding' => $_] } 'gzip', 'gzip, deflate, br',
		'gzip;q=0.5', 'GZIP'),
	['x-gzip', 'GET', '/app.js', 'Accept-Encoding' => 'x-gzip'],
	['dates that are none', 'GET', '/page.html', 'If-Unmodified-Since' => 'no date'],
	(map { ['types of files', 'GET', $_] } '/script.js', '/feed.xml', '/archive.tar.gz', '/style.css'),
	['OPTIONS', 'OPTIONS', '/page.html'],
	['unknown methods', 'FROB', '/page.html'],
	['hidden names', 'GET', '/.hidden'],
	['encoded slashes', 'GET', '/dir%2Ffile.txt'],
	['dot segments above the root', 'GET', '/../page.html'],
	$outside ? ['links out of the root', 'GET', '/outside.txt'] : (),
);
my %since = ('ranges of compressed files' => '1.23.4'); # nginx does as brood does
$_->[0] = '' for grep { defined $since{ $_->[0] } && version->parse("v$version") >= "v$since{ $_->[0] }" } @rows;
push @cases, @rows;

# --- the comparison ---

my (%shown, @wrong, $compared);
for my $case (@cases) {
	my ($row, $method, $target, @fields) = @$case;
	my %got;
	for my $who (qw(nginx brood)) {
		my @own = map { my $value = $_; $value =~ s/TAG/validator($who, $target, 'ETag')/ge; $value } @fields;
		$got{$who} = meaning(ask($who, $method, $target, @own), $row eq 'types of files');
	}
	$compared++;
	# Each request of a row shows it.
	$shown{$row} = ($shown{$row} // 1) && $got{nginx} ne $got{brood} if $row;
	push @wrong, "$method $target @fields: " . difference(@got{qw(nginx brood)}) if !$row && $got{nginx} ne $got{brood};
}
cmp_ok $compared, '>=', 300, "$compared requests were compared";
is join("\n", @wrong), '', 'both answer the same';

my ($section) = Brood::Server::slurp(Brood::Server::source_dir() . '/doc/http.md') =~ /^## Where brood differs from nginx\n(.*?)(?:^## |\z)/ms;
my %documented = map { $_ => 1 } ($section // '') =~ /^\| ([^|]+?) \| /mg;
for my $row (sort keys %shown) {
	ok $shown{$row}, "they differ: $row";
	ok $documented{$row}, "doc/http.md says why: $row";
}
like $section, qr/^\| \Q$_\E \| before \Q$since{$_}\E:/m, "doc/http.md says until when: $_" for sort keys %since;

# --- gzip that is made on the way ---

my $gunzip = sub {
	my ($response) = @_;
	my $coding = $response->header('Content-Encoding') // '-';
	my $body = $response->body;
	IO::Uncompress::Gunzip::gunzip(\(my $packed = $body) => \$body) if $coding eq 'gzip';
	return $response->status . " $coding $body";
};
require IO::Uncompress::Gunzip;
my $unequal = '';
for my $path (qw(/text.txt /style.css /app.js /page.html /large.bin /movie.mp4 /image.png /none)) {
	for my $wanted ('gzip', 'gzip, deflate, br', 'gzip;q=0.5', 'gzip;q=0', 'identity', '') {
		my ($one, $other) = map { $gunzip->(ask("$_ gzip", 'GET', $path, 'Accept-Encoding' => $wanted)) } qw(nginx brood);
		$_ =~ s/ .*//s for $path eq '/none' ? ($one, $other) : ();
		$unequal .= "$path '$wanted': " . substr($one, 0, 40) . ' and ' . substr($other, 0, 40) . "\n" if $one ne $other;
	}
}
is $unequal, '', 'both compress the same files for the same clients, to the same octets once they are unpacked';
my %tag = map { $_ => ask("$_ gzip", 'GET', '/text.txt', 'Accept-Encoding' => 'gzip') } qw(nginx brood);
my $row = 'gzip made on the way';
ok $tag{nginx}->header('ETag') =~ m{^W/} && $tag{brood}->header('ETag') =~ /^"/, "they differ: $row";
ok $documented{$row}, "doc/http.md says why: $row";

is join(', ', grep { !$shown{$_} && !defined $since{$_} } sort keys %documented), 'gzip made on the way, where',
    'no row is there that no request shows';

$_->finish for $brood, $gzip;
done_testing;
