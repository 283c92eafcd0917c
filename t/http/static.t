#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Files below a root, and nothing else: types, indexes, redirects, what is hidden and what cannot be served.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;
use POSIX qw(mkfifo);
use Socket;
use Time::HiRes qw(time);

my $outside = Brood::Server::new_dir();
Brood::Server::write_file("$outside/secret.txt", 'secret');
my $server = Brood::Server->start(workers => 2, root => {
	'page.html' => '<p>', 'style.css' => 'a{}', 'script.js' => ';', 'data.json' => '{}', 'image.png' => 'png',
	'photo.JPG' => 'jpg', 'picture.svg' => '<svg/>', 'archive.tar.gz' => 'gz', 'noextension' => 'x', 'odd.zzzz' => 'x',
	'.hidden' => 'hidden', '.git/config' => 'hidden', 'dir/.hidden' => 'hidden', '.well-known/security.txt' => 'known',
	'..dots/file.txt' => 'dots', 'dots..txt' => 'dots',
	"with space.txt" => 'space', "\xc3\xa9.txt" => 'utf-8', 'percent%41.txt' => 'percent', "quote\".txt" => 'quote',
	'hash#tag.txt' => 'hash', 'ques?tion.txt' => 'question', 'a+b.txt' => 'plus', 'a:b.txt' => 'colon',
	'forbidden.txt' => 'forbidden', 'unsearchable/file.txt' => 'x', 'space dir/index.html' => 'index',
	'evil.example/index.html' => 'index', 'unlisted/' => undef, 'index.d/index.html/' => undef,
});
my $root = $server->root;
chmod 0600, "$root/forbidden.txt" or die $!;
chmod 0700, "$root/unsearchable" or die $!;
symlink 'hello.txt', "$root/link.txt";
symlink 'dir', "$root/linkdir";
symlink "$outside/secret.txt", "$root/escape.txt";
symlink "$outside", "$root/escapedir";
symlink '../../../../../../../../etc/passwd', "$root/escaperel.txt";
symlink 'loop', "$root/loop";
symlink 'nothing', "$root/dangling";
mkfifo "$root/fifo", 0644 or die $!;
socket my $socket, AF_UNIX, SOCK_STREAM, 0;
bind $socket, pack_sockaddr_un("$root/socket");

# A request of its own connection each, so that cases are independent.
sub get { return Brood::Client->connect($server->address)->get(@_) }
sub head { return Brood::Client->connect($server->address)->head(@_) }

subtest 'a file with its fields' => sub {
	my $response = get('/hello.txt');
	is $response->status, 200, 'status';
	is $response->body, "Hello, world!\n", 'body';
	is $response->header('Content-Length'), 14, 'Content-Length';
	like $response->header('Content-Type'), qr{^text/plain; ?charset=utf-8$}i, 'Content-Type with charset';
	like $response->header('ETag'), qr/^"[!#-~]+"$/, 'a strong ETag';
	like $response->header('Last-Modified'), qr/GMT$/, 'Last-Modified';
	is $response->header('Accept-Ranges'), 'bytes', 'Accept-Ranges';
	like $response->header('Server') // '', qr/^brood/, 'Server';
	ok !$response->says_close, 'the connection goes on';
	my $head = head('/hello.txt');
	is $head->status, 200, 'HEAD: status';
	my %differ = map { lc $_->[0] => 1 } @{ $head->{fields} }, @{ $response->{fields} };
	delete @differ{qw(date x-brood-worker)};
	is $head->header($_), $response->header($_), "HEAD: the same $_" for sort keys %differ;
};

subtest 'sizes' => sub {
	for my $file (qw(empty.txt digits.txt 1k.txt big.bin)) {
		my $response = get("/$file");
		is $response->status, 200, "$file: status";
		ok $response->body eq Brood::Server->content($file), "$file: octets";
		is head("/$file")->header('Content-Length'), length Brood::Server->content($file), "$file: HEAD";
	}
};

subtest 'types' => sub {
	my %type = ('page.html' => 'text/html; ?charset=utf-8', 'style.css' => 'text/css; ?charset=utf-8',
		'script.js' => '(?:text|application)/javascript(?:; ?charset=utf-8)?', 'data.json' => 'application/json',
		'image.png' => 'image/png', 'photo.JPG' => 'image/jpeg', 'picture.svg' => 'image/svg\+xml(?:; ?charset=utf-8)?',
		'archive.tar.gz' => 'application/(?:x-)?gzip', 'noextension' => 'application/octet-stream',
		'odd.zzzz' => 'application/octet-stream');
	like get("/$_")->header('Content-Type') // 'none', qr{^$type{$_}$}i, $_ for sort keys %type;
};

subtest 'folders' => sub {
	is get('/')->body, Brood::Server->content('index.html'), 'the index of the root';
	is get('/dir/')->body, Brood::Server->content('dir/index.html'), 'the index of a folder';
	like get('/dir/')->header('Content-Type'), qr{^text/html}, 'with the type of the index';
	my $redirect = get('/dir');
	is $redirect->status, 301, 'without its slash: 301';
	like $redirect->header('Location'), qr{^(?:/dir/|dir/)$}, 'relative';
	like get('/dir?a=b')->header('Location'), qr{^(?:/dir/|dir/)\?a=b$}, 'keeping the query';
	is get('/space%20dir')->header('Location') =~ s{^/}{}r, 'space%20dir/', 'escaped';
	is get('/noindex/')->status =~ /^40[34]$/ ? 1 : get('/noindex/')->status, 1, 'no index, no listing';
	isnt get('/index.d/')->status, 200, 'an index that is a folder';
	unlike get('/noindex/')->body, qr/file\.txt/, 'names are not told';
	is get('/hello.txt/')->status, 404, 'a file is no folder';
	is get('/hello.txt/x')->status, 404, 'nor is there anything below it';
	is get('/linkdir/file.txt')->status, 200, 'a link to a folder within the root';
};

subtest 'no open redirect' => sub {
	for my $target ('//evil.example', '/%2fevil.example', '///evil.example', '//evil.example/%2e%2e', '/\\evil.example') {
		my $location = get($target)->header('Location');
		ok !defined $location || $location !~ m{^(?:[/\\]{2}|[a-z]+:)}i, "$target" or diag $location;
	}
};

subtest 'names' => sub {
	my %name = ('/with%20space.txt' => 'space', '/%c3%a9.txt' => 'utf-8', '/percent%2541.txt' => 'percent', '/quote%22.txt' => 'quote',
		'/hash%23tag.txt' => 'hash', '/ques%3ftion.txt' => 'question', '/a+b.txt' => 'plus', '/a%2bb.txt' => 'plus',
		'/a:b.txt' => 'colon', '/%64ir/file.txt' => "in dir\n", '/dots..txt' => 'dots',
		'/hello.txt?x=1' => "Hello, world!\n");
	is get($_)->body, $name{$_}, $_ for sort keys %name;
};

subtest 'dot segments are resolved as text, and never above the root' => sub {
	is get('/dir/../hello.txt')->status, 200, '/dir/../hello.txt';
	is get('/./dir/./file.txt')->status, 200, '/./dir/./file.txt';
	is get('/none/../hello.txt')->status, 200, '/none/../hello.txt, whether or not there is such a folder';
	is get('/dir/%2e%2e/hello.txt')->status, 200, '/dir/%2e%2e/hello.txt';
	for my $target ('/..', '/../', '/../../../etc/passwd', '/dir/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2fetc/passwd',
		'/dir/..%2f..%2f..%2fetc/passwd', '/....//....//etc/passwd', '/..%5c..%5cetc/passwd', '/%2e%2e%2fetc%2fpasswd',
		'/..%00/etc/passwd', '/etc/passwd', '//etc/passwd', '/%252e%252e/etc/passwd') {
		my $response = get($target);
		unlike $response->body, qr/root:/, $target;
		like $response->status, qr/^(?:200|301|400|403|404)$/, "$target: status";
	}
};

subtest 'hidden names' => sub {
	is get($_)->status, 404, $_ for '/.hidden', '/.git/config', '/dir/.hidden', '/%2ehidden', '/.git', '/.git/', '/..dots/file.txt',
	    '/dir/../.hidden';
	is get('/.well-known/security.txt')->body, 'known', '/.well-known/ is not hidden';
	is get('/dir/.well-known/x')->status, 404, 'elsewhere it is';
};

subtest 'links' => sub {
	is get('/link.txt')->status, 200, 'within the root';
	for my $target ('/escape.txt', '/escapedir/secret.txt', '/escaperel.txt') {
		my $response = get($target);
		like $response->status, qr/^40[34]$/, "$target: refused";
		unlike $response->body, qr/secret|root:/, "$target: nothing is told";
	}
	is get('/loop')->status, 404, 'a loop';
	is get('/dangling')->status, 404, 'a dangling one';
};

subtest 'what is no regular file' => sub {
	my $begin = time;
	is get('/fifo')->status, 403, 'a FIFO';
	is get('/socket')->status, 403, 'a socket';
	cmp_ok time - $begin, '<', 5, 'nobody waited for them';
	is get('/hello.txt')->status, 200, 'and the server goes on';
};

SKIP: {
	skip 'the server shares our user', 1 if $> != 0;
	subtest 'what workers may not read' => sub {
		is get('/forbidden.txt')->status, 403, 'a file';
		is get('/unsearchable/file.txt')->status, 403, 'a folder';
	};
}

subtest 'names that are too long' => sub {
	is get('/' . 'x' x 256)->status, 404, 'a segment';
	is get('/' . 'x/' x 2100)->status, 404, 'a path';
};

subtest 'errors have a small body of HTML' => sub {
	for my $target ('/none', '/none/') {
		my $response = get($target);
		is $response->status, 404, "$target: 404";
		like $response->header('Content-Type'), qr{^text/html}, "$target: type";
		like $response->body, qr/404/, "$target: body";
		cmp_ok length $response->body, '<', 1024, "$target: small";
		is head($target)->header('Content-Length'), length $response->body, "$target: HEAD";
	}
	unlike get('/none/<script>')->body, qr/<script>/, 'nothing of the request is in it';
};

subtest 'methods' => sub {
	my $client = Brood::Client->connect($server->address);
	for my $method (qw(POST PUT DELETE)) {
		my $response = Brood::Client->connect($server->address)->request($method, '/hello.txt', 'Content-Length' => 0);
		is $response->status, 405, $method;
		is join(',', sort split /[ ,]+/, $response->header('Allow')), 'GET,HEAD,OPTIONS', "$method: Allow";
	}
	my $options = $client->request('OPTIONS', '/hello.txt');
	like $options->status, qr/^20[04]$/, 'OPTIONS';
	is join(',', sort split /[ ,]+/, $options->header('Allow')), 'GET,HEAD,OPTIONS', 'OPTIONS: Allow';
	is $client->get('/hello.txt')->status, 200, 'OPTIONS: the connection goes on';
};

subtest 'changes are seen within a second or so' => sub {
	Brood::Server::write_file("$root/change.txt", 'old');
	is get('/change.txt')->body, 'old', 'before' for 1 .. 4; # in each worker's cache
	is get('/new.txt')->status, 404, 'not there yet' for 1 .. 4;
	Brood::Server::write_file("$root/change.txt", 'new, and longer');
	Brood::Server::write_file("$root/new.txt", 'new');
	my $all = sub { my ($path, $body) = @_; return !grep { get($path)->body ne $body } 1 .. 8 };
	ok wait_until(5, sub { $all->('/change.txt', 'new, and longer') }), 'a changed file';
	ok wait_until(5, sub { $all->('/new.txt', 'new') }), 'a new file';
	rename "$root/new.txt", "$root/moved.txt";
	ok wait_until(5, sub { !grep { get('/new.txt')->status ne '404' } 1 .. 8 }), 'a removed file';
	is get('/moved.txt')->body, 'new', 'and its new name';
};

subtest 'a file that is replaced by renaming is seen whole, with the fields that belong to it' => sub {
	my %size = (a => 1000, b => 2000, c => 200_000, d => 300_000);
	my (%tag, @wrong);
	my $client = Brood::Client->connect($server->address);
	my $until = time + 4;
	my $count = 0;
	while (time < $until) {
		my $letter = (sort keys %size)[$count++ % 4];
		Brood::Server::write_file("$root/next", $letter x $size{$letter});
		rename "$root/next", "$root/replaced.txt" or die $!;
		for (1 .. 20) {
			my $response = $client->get('/replaced.txt');
			my $first = substr $response->body, 0, 1;
			push @wrong, $response->status . ' ' . length $response->body
			    if $response->body ne $first x ($size{$first} // -1);
			my $tag = $response->header('ETag') // '';
			push @wrong, "tag $tag of $first and $tag{$tag}" if ($tag{$tag} //= $first) ne $first;
		}
	}
	is_deeply \@wrong, [], "$count versions";
	cmp_ok scalar(keys %tag), '>=', 3, 'several of them were seen';
};

subtest 'a file that is cut short while it is sent ends that connection only' => sub {
	my $path = "$root/shrinking.bin";
	open my $file, '>', $path or die $!;
	truncate $file, 64 << 20;
	close $file;
	my $client = Brood::Client->connect($server->address, receive_buffer => 16384);
	$client->send("GET /shrinking.bin HTTP/1.1\r\nHost: x\r\n\r\n");
	wait_until(5, sub { $client->fill(time + 1); length $client->buffered > 1000 });
	truncate $path, 1000;
	my $response = $client->response;
	like $response->status, qr/^(?:closed|reset|cut off) after/, 'the client sees that it is not whole';
	is get('/hello.txt')->status, 200, 'the server goes on';
};

$server->finish;
done_testing;
