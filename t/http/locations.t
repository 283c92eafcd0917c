#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What settings make of requests, through the whole program: locations by path with settings of their own,
# fields that merge, error pages, redirects, listings, networks; a check that finds what is wrong, and a
# reload that changes all of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Configured;
use Brood::Proc qw(wait_until);
use Brood::Server;

my $files = {
	'index.html' => 'home', 'about.html' => 'about', 'app/app.html' => 'app', 'app/real.js' => 'js',
	'assets/app.3f9d2c1a.js' => 'hashed', 'assets/app.js' => 'plain', '404.html' => 'lost', '403.html' => 'kept out',
	'list/b.txt' => 'bb', 'list/a.txt' => 'a', 'list/sub/x' => '', 'list/.hidden' => '', 'private/x' => 'private',
	'odd/start.htm' => 'start',
};
my %location = (
	error_pages => ['404 /404.html', '403 /403.html'], clean_urls => \'true',
	headers => ['set X-Frame-Options: DENY', 'add Link: <a>, <b>', 'set X-Place: top', 'remove Server'],
	cache_control => 'no-cache',
	redirects => ['/old /about', '/was/* /list/* 308', '/far/* https://far.example/* 302'],
	locations => \'(
		{ path = "/app/"; fallback = "/app/app.html"; headers = ["set X-Place: app", "remove Link"]; },
		{ path = "/assets"; cache_control_hashed = "public, max-age=31536000, immutable"; },
		{ path = "/list"; listing = true; },
		{ path = "/private"; deny = "127.0.0.0/8"; },
		{ path = "/odd"; index = ["index.html", "start.htm"]; },
		{ path = "/tried"; try = ["/list{path}", "/about.html"]; }
	)',
);
my $home = Brood::Server::new_dir();
my $root = Brood::Server::make_tree("$home/root", $files);
my $server = Brood::Configured->start(workers => 1, root => $root, debug_headers => \'false', %location);

sub get { return Brood::Client->connect($server->address)->get(@_) }

sub ask
{
	my ($method, $target, %fields) = @_;
	my $client = Brood::Client->connect($server->address);
	$client->send("$method $target HTTP/1.1\r\nHost: x\r\n" . join('', map { "$_: $fields{$_}\r\n" } sort keys %fields)
		. "\r\n");
	return $client->response(method => $method);
}

subtest 'each location by its own settings' => sub {
	is get('/')->body, 'home', 'index';
	is get('/odd/')->body, 'start', 'another index in a location of its own';
	is get('/about')->body, 'about', 'a clean URL';
	is get('/about.html')->status, 301, 'its other name is moved';
	is get('/about.html?q')->header('Location'), '/about?q', 'to the clean one, with the query';
	is get('/tried/anything')->body, 'about', 'names to try';
	is ask('GET', '/app/users/7', Accept => 'text/html')->body, 'app', 'a navigation gets the fallback';
	is ask('GET', '/app/users/7', Accept => '*/*')->status, 404, 'what is loaded does not';
	is ask('GET', '/app/none.js', Accept => 'text/html')->status, 404, 'nor does a script';
	is ask('GET', '/users/7', Accept => 'text/html')->status, 404, 'nor does another location';
};

# RFC 9110 section 12.5.5: or a cache gives the page to who wanted a script, and an error to who navigates.
subtest 'caches are told that navigations are answered otherwise' => sub {
	my $by = 'Accept, Sec-Fetch-Mode';
	my %navigation = (Accept => 'text/html');
	my $page = ask('GET', '/app/users/7', %navigation);
	is $page->header('Vary'), $by, 'the fallback';
	is ask('HEAD', '/app/users/7', %navigation)->header('Vary'), $by, 'HEAD of it';
	my $same = ask('GET', '/app/users/7', %navigation, 'If-None-Match' => $page->header('ETag'));
	is $same->status, 304, 'it has not changed';
	is $same->header('Vary'), $by, 'which says so, too';
	is ask('GET', '/app/users/7', %navigation, Range => 'bytes=0-0')->header('Vary'), $by, 'part of it';
	my $none = ask('GET', '/app/users/7', Accept => '*/*');
	is $none->status . ' ' . $none->header('Vary'), "404 $by", 'the error that others get';
	is ask('GET', '/app/none.js', %navigation)->header('Vary'), undef, 'not what no navigation is for';
	is ask('GET', '/app/app.html', %navigation)->header('Vary'), undef, 'nor what is there';
	is ask('GET', '/users/7', %navigation)->header('Vary'), undef, 'nor another location';
	my $named = Brood::Configured->start(workers => 1, root => $root, fallback => '/app/app.html', request_id => \'true');
	my $client = Brood::Client->connect($named->address);
	for my $accept ('text/html', 'image/png') {
		$client->send("GET /users/7 HTTP/1.1\r\nHost: x\r\nAccept: $accept\r\n\r\n");
		my $response = $client->response;
		is $response->header('Vary'), $by, "$accept: beside the request's name";
		like $response->header('X-Request-Id'), qr/^[0-9a-f-]{36}\z/, "$accept: which is there, too";
	}
	$named->finish;
};

subtest 'fields merge' => sub {
	for my $case (['/', 'top', '<a>, <b>', 200], ['/none', 'top', '<a>, <b>', 404], ['/old', 'top', '<a>, <b>', 301],
		['/app/real.js', 'app', undef, 200], ['/app/none', 'app', undef, 404], ['/list', 'top', '<a>, <b>', 301]) {
		my ($target, $place, $link, $status) = @$case;
		my $response = get($target);
		is $response->status, $status, "$target: status";
		is $response->header('X-Place'), $place, "$target: set within";
		is $response->header('Link'), $link, "$target: added outside, removed within";
		is $response->header('X-Frame-Options'), 'DENY', "$target: what nobody names stays";
		is $response->header('Server'), undef, "$target: removed outside";
	}
	my $tag = get('/')->header('ETag');
	my $response = ask('GET', '/', 'If-None-Match' => $tag);
	is $response->status, 304, '304';
	is $response->header('X-Frame-Options'), 'DENY', 'has them, too';
	is $response->header('Cache-Control'), 'no-cache', 'and what tells caches';
	is get('/assets/app.3f9d2c1a.js')->header('Cache-Control'), 'public, max-age=31536000, immutable', 'hashed names';
	is get('/assets/app.js')->header('Cache-Control'), 'no-cache', 'other names';
	is get('/assets/none.3f9d2c1a.js')->header('Cache-Control'), undef, 'not an error';
};

subtest 'errors have their pages' => sub {
	my $response = ask('GET', '/none', Range => 'bytes=0-0', 'If-None-Match' => '*');
	is $response->status, 404, 'the status stays, without conditions and ranges';
	is $response->body, 'lost', 'the body is the page';
	is $response->header('Content-Length'), 4, 'its length';
	is $response->header('Content-Type'), 'text/html; charset=utf-8', 'its type';
	is $response->header($_), undef, "no $_" for qw(ETag Last-Modified Accept-Ranges Cache-Control);
	$response = ask('HEAD', '/none');
	is $response->status, 404, 'HEAD: status';
	is $response->header('Content-Length'), 4, 'HEAD: length';
	is $response->body, '', 'HEAD: no body';
	is get('/private/x')->status, 403, 'who is denied';
	is get('/private/x')->body, 'kept out', 'has the page of 403';
	is get('/private/none')->status, 403, 'and does not learn what is there';
	is get('/privates')->status, 404, 'a prefix ends where a segment does';
	my $client = Brood::Client->connect($server->address);
	$client->send("GET /none HTTP/1.1\r\nHost: x\r\n\r\nGET /about HTTP/1.1\r\nHost: x\r\n\r\n");
	is $client->response->body, 'lost', 'on a connection that goes on';
	is $client->response->body, 'about', 'with the next answer in its place';
};

subtest 'redirects' => sub {
	is get('/old?a=b')->header('Location'), '/about?a=b', 'exact';
	is get('/was/sub/x')->header('Location'), '/list/sub/x', 'prefix';
	is get('/was/sub/x')->status, 308, 'status';
	is ask('POST', '/was/x')->status, 308, 'with every method';
	is ask('FOO', '/was/x')->status, 501, 'but one that nobody knows (9110 9.1)';
	is ask('OPTIONS', '/was/x')->header('Allow'), 'GET, HEAD, OPTIONS', 'and OPTIONS tells what there is';
	is get('/far//evil.example/%0d%0aX:')->header('Location'), 'https://far.example/evil.example/%0D%0AX:',
	    'never elsewhere';
	is ask('POST', '/was/x', 'Content-Length' => 0)->status, 308, 'POST, too';
};

subtest 'listings' => sub {
	my $response = get('/list/');
	is $response->status, 200, 'a page';
	like $response->header('Content-Type'), qr{^text/html}, 'HTML';
	like $response->body, qr{\./sub/".*\./a\.txt".*\./b\.txt"}s, 'sorted, folders first';
	unlike $response->body, qr/hidden|script/, 'no hidden names, no script';
	is $response->header('Vary'), 'Accept', 'Vary';
	is $response->header('Cache-Control'), 'no-cache', 'caches ask each time';
	$response = ask('GET', '/list/', Accept => 'application/json');
	is $response->header('Content-Type'), 'application/json', 'JSON';
	like $response->body, qr/"name": "a.txt", "type": "file", "size": 1,/, 'its entries';
	is ask('GET', '/list/', Accept => 'application/json', 'If-None-Match' => $response->header('ETag'))->status, 304,
	    'not modified';
	is get('/assets/')->status, 403, 'elsewhere a folder without index is forbidden';
	is ask('HEAD', '/list/')->body, '', 'HEAD';
	my $themed = Brood::Configured->start(workers => 1, root => $root, listing => \'true', listing_css => '/assets/list.css');
	my $body = Brood::Client->connect($themed->address)->get('/list/')->body;
	like $body, qr{<link rel="stylesheet" href="/assets/list\.css">}, 'a style sheet of the site';
	unlike $body, qr/<style/, 'in place of the built-in one';
	$themed->finish;
};

subtest 'a large listing does not keep others waiting, and comes whole' => sub {
	my $large = "$root/list/large";
	mkdir $large;
	for my $i (1 .. 5000) {
		open my $file, '>', sprintf '%s/%s-%05d', $large, 'x' x 100, $i or die $!;
	}
	my $slow = Brood::Client->connect($server->address);
	$slow->send("GET /list/large/ HTTP/1.1\r\nHost: x\r\n\r\n");
	is get('/about')->body, 'about', 'another one is answered meanwhile';
	my $response = $slow->response;
	is length $response->body, $response->header('Content-Length'), 'all of it';
	is scalar(() = $response->body =~ /<tr><td>/g), 4097, 'so many entries, and the way up';
	like $response->body, qr/there are more/, 'which is said';
};

subtest 'a reload changes all of it' => sub {
	is $server->reload(error_pages => [], clean_urls => \'false', redirects => [], headers => ['set X-Place: new'],
		locations => \'( { path = "/private"; allow = ["127.0.0.1", "10.0.0.0/8"]; } )'), 'done', 'done';
	is get('/private/x')->body, 'private', 'let in';
	is get('/about')->status, 404, 'no clean URLs';
	is get('/old')->status, 404, 'no redirect';
	is get('/list/')->status, 403, 'no listing';
	is get('/')->header('X-Place'), 'new', 'other fields';
	is get('/')->header('Server'), 'brood', 'Server is back';
	like $server->reload(headers => ['set Content-Length: 1']),
	    qr/^failed: .*brood\.conf:\d+: headers = "set Content-Length: 1": Content-Length is brood's own to make/,
	    'what is wrong is told and changes nothing';
	is get('/')->header('X-Place'), 'new', 'nothing';
};

$server->finish;
done_testing;
