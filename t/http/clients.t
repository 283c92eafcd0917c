#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Programs that people fetch files with: curl, wget, Python's and Node's own clients, git. What each of them gets
# is compared with the files octet by octet.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Figures qw(find_program);
use Brood::Proc qw(wait_until);
use Brood::Server;
use Digest::SHA qw(sha256_hex);
use File::Find;
use POSIX ();

# A folder of each name with a file of each name in it: what shells, URLs, HTML and people find odd.
my @odd = ('with space', 'per%cent', 'half%41', 'question?mark', 'ha#sh', 'plus+plus', 'semi;colon', 'a&b=c', "apostro'phe",
	'quo"te', "\xc3\xa4\xc3\xb6\xe2\x82\xac", '<tag>', 'back\\slash', 'co:lon', 'at@', '[bracket]', '{brace}', 'tilde~', 'star*', '$dollar',
	'comma,', 'e!', '(round)', 'pi|pe', 'cir^cum', 'gr`ave', '..dots', 'dots..', 'MixedCase', 'ends with space ', '%2e%2e');
my @hidden = grep { /^\./ } @odd;
my %odd = map { my $folder = $_; map { ("$folder/$_" => "$folder, $_\n") } grep { $_ ne $folder } @odd[0 .. 9], $folder } @odd;
my $deep = join '/', map { "deeper $_" } 1 .. 40;
my %site = (%odd, (map { ("$_.txt" => "$_\n") } @odd), "$deep/bottom.txt" => "bottom\n", 'large.bin' => Brood::Server->content('big.bin') x 8,
	'one octet' => "\0", 'empty' => '');

my $dir = Brood::Server::new_dir();
my $server = Brood::Server->start(workers => 2, config => "listing = true;\n", root => {});
my $listed = Brood::Server->start(workers => 2, config => "listing = true;\n",
	root => Brood::Server::make_tree("$dir/site", \%site));

# What a command says, on both of its outputs.
sub output
{
	my (@command) = @_;
	my $pid = open(my $pipe, '-|') // die $!;
	if (!$pid) {
		open STDERR, '>&', \*STDOUT;
		delete @ENV{qw(http_proxy HTTP_PROXY all_proxy ALL_PROXY)};
		%ENV = (%ENV, Brood::Server::trust());
		alarm 120; # a guard
		exec @command or POSIX::_exit(127);
	}
	local $/;
	my $text = readline $pipe;
	close $pipe;
	return $text // '';
}

sub content { return Brood::Server->content($_[0]) }
sub same_file { return -e $_[0] && Brood::Server::slurp($_[0]) eq $_[1] }

# { path below a folder => sum of its octets }
sub sums
{
	my ($top) = @_;
	my %sum;
	find({ no_chdir => 1, wanted => sub { $sum{ substr $_, 1 + length $top } = sha256_hex(Brood::Server::slurp($_)) if -f } }, $top);
	return \%sum;
}

sub escape { return join '/', map { s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger } split m{/}, $_[0] }

# A client in some language: SCRIPT is given the server's host, port, root and scheme, and says what was wrong, then "done".
sub runs_well
{
	my ($interpreter, $name, $script) = @_;
	my $file = Brood::Server::write_file("$dir/$name", $script);
	my ($host, $port) = split /:/, $server->address;
	is output($interpreter, $file, $host, $port, $server->root, Brood::Server::scheme()), "done\n", 'all is as it should be';
}

SKIP: {
	my $curl = find_program('curl') or skip 'curl is not installed', 1;
	my @curl = ($curl, '-q', '-sS', '--max-time', 60);
	my @code = (@curl, '-o', '/dev/null', '-w', '%{http_code}');
	subtest 'curl' => sub {
		is output(@curl, $server->url('/hello.txt')), content('hello.txt'), 'a file';
		is output(@curl, '-0', $server->url('/hello.txt')), content('hello.txt'), 'by HTTP/1.0';
		is output(@curl, '-0', '-H', 'Connection: keep-alive', '-o', '/dev/null', '-w', '%{num_connects}', $server->url('/1k.txt'),
			'-o', '/dev/null', $server->url('/hello.txt')), '10', 'by HTTP/1.0, over one connection';
		like output(@curl, '-I', $server->url('/hello.txt')), qr/^HTTP\/1\.1 200 OK\r\n.*Content-Length: 14\r\n/s, 'HEAD';
		is output(@curl, '-L', $server->url('/dir')), content('dir/index.html'), 'a redirect is followed';
		is output(@code, '--path-as-is', $server->url('/../../etc/passwd')), 404, 'a path out of the root';
		is output(@code, '--path-as-is', $server->url('/dir/../hello.txt')), 200, 'dots within it';
		is output(@code, $server->url('/../hello.txt')), 200, 'dots that curl takes away itself';
		is output(@code, '--http2', '-w', '%{http_code} %{http_version}', $server->url('/hello.txt')), '200 1.1',
		    'an upgrade to HTTP/2 is declined';
		my $unix = Brood::Server->start(listen => ["unix:$dir/socket"]);
		is output(@curl, '--unix-socket', "$dir/socket", 'http://x/hello.txt'), content('hello.txt'), 'a Unix socket';
		$unix->finish;
	};
	subtest 'curl: ranges' => sub {
		is output(@curl, '-r', '2-4', $server->url('/digits.txt')), '234', 'a range';
		is output(@curl, '-r', '-3', $server->url('/digits.txt')), '789', 'the end';
		is output(@curl, '-r', '7-', $server->url('/digits.txt')), '789', 'from there on';
		is output(@curl, '-r', '7-1000', $server->url('/digits.txt')), '789', 'more than there is';
		like output(@curl, '-r', '0-1,1020-', $server->url('/1k.txt')), qr{bytes 0-1/1024\r\n\r\nkk\r\n.*bytes 1020-1023/1024\r\n\r\nkkkk\r\n}s,
		    'two of them';
		is output(@code, '-r', '10-', $server->url('/digits.txt')), 416, 'behind the end';
	};
	subtest 'curl: a download is resumed (-C -)' => sub {
		my $whole = content('big.bin');
		for my $have (0, 1, 300_000, length($whole) - 1) {
			my $part = Brood::Server::write_file("$dir/part", substr $whole, 0, $have);
			is output(@curl, '-C', '-', '-o', $part, '-w', '%{http_code} %{size_download}', $server->url('/big.bin')),
			    ($have ? '206 ' : '200 ') . (length($whole) - $have), "with $have octets: only the rest is sent";
			ok same_file($part, $whole), 'and it is whole then';
		}
		my $part = Brood::Server::write_file("$dir/part", $whole);
		is output(@curl, '-C', '-', '-o', $part, '-w', '%{http_code}', $server->url('/big.bin')), 416, 'with all of it: nothing is sent';
		ok same_file($part, $whole), 'and it stays as it is';
	};
	subtest 'curl: what has not changed' => sub {
		output(@curl, '-R', '-o', "$dir/copy", $server->url('/hello.txt'));
		is output(@code, '-z', "$dir/copy", $server->url('/hello.txt')), 304, 'by its date';
		output(@curl, '--etag-save', "$dir/etag", '-o', '/dev/null', $server->url('/hello.txt'));
		is output(@code, '--etag-compare', "$dir/etag", $server->url('/hello.txt')), 304, 'by its tag';
		is output(@code, '--etag-compare', "$dir/etag", $server->url('/digits.txt')), 200, 'another file';
	};
	subtest 'curl: bodies are refused, and curl reads the answer' => sub {
		my $part = Brood::Server::write_file("$dir/part", content('big.bin'));
		is output(@code, '-F', "file=\@$part", $server->url('/hello.txt')), 405, 'a form';
		is output(@code, '-T', $part, $server->url('/hello.txt')), 405, 'PUT';
		is output(@code, '-H', 'Expect: 100-continue', '-T', $part, $server->url('/hello.txt')), 405, 'PUT with 100-continue';
		is output(@code, '-H', 'Expect: 100-continue', '-d', 'x=1', $server->url('/hello.txt')), 405, 'a small POST with 100-continue';
		is output(@code, '-H', 'Expect:', '-T', $part, $server->url('/hello.txt')), 405, 'without';
		is output(@code, '-H', 'Transfer-Encoding: chunked', '-T', $part, $server->url('/hello.txt')), 405, 'in chunks';
		is output(@code, '-X', 'GET', '-H', 'Expect: 100-continue', '-d', 'x=1', $server->url('/hello.txt')), 200, 'GET with a small body';
		is output(@code, '-X', 'DELETE', $server->url('/hello.txt')), 405, 'DELETE';
		like output(@curl, '-X', 'OPTIONS', '-i', $server->url('/hello.txt')), qr{^HTTP/1\.1 20[04] .*^Allow: GET, HEAD, OPTIONS\r$}ms, 'OPTIONS';
	};
	subtest 'curl: codings (--compressed)' => sub {
		my $gzip = find_program('gzip') or plan skip_all => 'gzip is not installed';
		my $text = join '', map { "body { margin: ${_}px }\n" } 1 .. 2000;
		Brood::Server::write_file($server->root . '/style.css', $text);
		system($gzip, '-k', $server->root . '/style.css') == 0 or die 'gzip';
		my @size = ('-o', "$dir/style", '-w', '%{size_download}');
		cmp_ok output(@curl, '--compressed', @size, $server->url('/style.css')), '<', length($text) / 2, 'less is sent';
		ok same_file("$dir/style", $text), 'of the same';
		is output(@curl, @size, $server->url('/style.css')), length $text, 'only to who asks for it';
		like output(@curl, '--compressed', '-I', $server->url('/style.css')), qr/^Content-Encoding: gzip\r\n.*^Vary: Accept-Encoding\r$/ms, 'HEAD';
		output(@curl, '--compressed', '--etag-save', "$dir/etag", '-o', '/dev/null', $server->url('/style.css'));
		is output(@code, '--compressed', '--etag-compare', "$dir/etag", $server->url('/style.css')), 304, 'its own tag';
	};
	subtest 'curl: a thousand files over one connection' => sub {
		my @names = ('hello.txt', 'digits.txt', '1k.txt', 'empty.txt', 'none');
		my @urls = map { ($server->url("/$names[$_ % @names]")) } 0 .. 999;
		my $list = Brood::Server::write_file("$dir/urls", join '', map { "url = \"$_\"\noutput = \"/dev/null\"\n" } @urls);
		my $said = output(@curl, '-K', $list, '-w', '%{http_code} %{num_connects} %{size_download}\n');
		my @lines = split /\n/, $said;
		is scalar(@lines), 1000, 'each is answered';
		my %seen;
		$seen{$_}++ for @lines;
		is((grep { / 1 / } @lines), 1, 'by one connection');
		is $seen{'200 0 1024'}, 200, 'with the right octets';
		is scalar(grep { /^404 / } @lines), 200, 'an error does not end it';
	};
	subtest 'curl: each odd name' => sub {
		my (%got, %want);
		for my $path (sort keys %site) {
			next if $path =~ /\.bin\z/ || grep { /^\./ } split m{/}, $path;
			$want{$path} = $site{$path};
			$got{$path} = Brood::Client->connect($listed->address)->get('/' . escape($path))->body;
		}
		is_deeply \%got, \%want, 'escaped, is found';
		my @wrong = grep { output(@curl, '--globoff', $listed->url('/' . escape("$_.txt"))) ne "$_\n" } grep { !/^\./ } @odd;
		is "@wrong", '', 'by curl, too';
	};
}

SKIP: {
	my $wget = find_program('wget') or skip 'wget is not installed', 1;
	my %trust = Brood::Server::trust();
	my @wget = ($wget, %trust ? "--ca-certificate=$trust{SSL_CERT_FILE}" : (), '--no-config', '--no-verbose', '--no-hsts', '--no-iri', '--timeout=30', '--tries=1', '--restrict-file-names=nocontrol');
	subtest 'wget mirrors a tree by its listings' => sub {
		my $to = "$dir/mirror";
		my $said = output(@wget, '-r', '-l', 'inf', '-N', '-nH', '-np', '-e', 'robots=off', '--reject', 'index.html', '-P', $to, $listed->url('/'));
		my ($want, $got) = (sums("$dir/site"), sums($to));
		delete @$want{ grep { grep { /^\./ } split m{/} } keys %$want };
		delete @$got{ grep { m{(?:^|/)index\.html\.tmp\z} } keys %$got }; # listings
		# wget decodes the last segment of the names of its own files twice.
		my %kept = map { my ($folders, $name) = m{^(.*/)?(.*)\z}s; (($folders // '') . $name =~ s/%([0-9a-f]{2})/chr hex $1/gier => $want->{$_}) } keys %$want;
		is_deeply $got, \%kept, scalar(keys %$want) . ' files, with the right sums' or diag $said;
		unlike $said, qr/ERROR/, 'without an error';
		$said = output(@wget, '-r', '-l', 'inf', '-N', '-nH', '-np', '-e', 'robots=off', '--reject', 'index.html', '-P', $to, $listed->url('/'));
		unlike $said, qr/large\.bin/, 'a second time: nothing that has not changed';
	};
	subtest 'wget resumes a download' => sub {
		my $part = Brood::Server::write_file("$dir/big.bin", substr content('big.bin'), 0, 500_000);
		output(@wget, '-c', '-P', "$dir", $server->url('/big.bin'));
		ok same_file($part, content('big.bin')), 'that is whole then';
		my $time = (stat $server->root . '/big.bin')[9];
		is((stat $part)[9], $time, 'with its date');
	};
}

SKIP: {
	my $python = find_program('python3') or skip 'python3 is not installed', 1;
	subtest "Python's http.client and urllib" => sub {
		runs_well($python, 'client.py', <<'END');
import http.client, sys, urllib.request, urllib.error
host, port, root, scheme = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
Connection = http.client.HTTPSConnection if scheme == 'https' else http.client.HTTPConnection
def content(path): return open(root + path, 'rb').read()
def check(what, good):
    if not good: print(what)

kept = Connection(host, port, timeout=30)
kept.connect()
socket = kept.sock
for i in range(500):
    path = ('/hello.txt', '/1k.txt', '/empty.txt', '/big.bin')[i % (4 if i < 40 else 3)]
    kept.request('HEAD' if i % 7 == 0 else 'GET', path)
    answer = kept.getresponse()
    body = answer.read()
    check(f'{path}: {answer.status}', answer.status == 200)
    check(f'{path}: body', body == (b'' if i % 7 == 0 else content(path)))
    check(f'{path}: length', int(answer.headers['Content-Length']) == len(content(path)))
check('another connection', kept.sock is socket)
tag, date = (lambda a: (a.headers['ETag'], a.headers['Last-Modified'], a.read())[:2])((kept.request('GET', '/hello.txt'), kept.getresponse())[1])
for name, value in ('If-None-Match', tag), ('If-Modified-Since', date):
    kept.request('GET', '/hello.txt', headers={name: value})
    answer = kept.getresponse()
    check(f'{name}: {answer.status}', answer.status == 304 and answer.read() == b'')
check('another connection after 304', kept.sock is socket)
for body, headers in ((b'x' * 100000, {}), ((b'part' * 1000 for i in range(20)), {'Transfer-Encoding': 'chunked'})):
    post = Connection(host, port, timeout=30)
    try:
        post.request('POST', '/hello.txt', body, headers, encode_chunked=True)
    except (BrokenPipeError, ConnectionResetError):
        print('the server hung up on a body')
    answer = post.getresponse()
    check(f'POST: {answer.status}', answer.status == 405 and len(answer.read()) > 0)
    post.close()

url = f'{scheme}://{host}:{port}'
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(url + '/dir') as answer:
    check('a redirect', answer.geturl() == url + '/dir/' and answer.read() == content('/dir/index.html'))
    check('its type', answer.headers.get_content_type() == 'text/html' and answer.headers.get_content_charset() == 'utf-8')
with opener.open(urllib.request.Request(url + '/digits.txt', headers={'Range': 'bytes=3-5'})) as answer:
    check('a range', answer.status == 206 and answer.read() == b'345')
try:
    opener.open(url + '/none')
    print('no error for what is not there')
except urllib.error.HTTPError as error:
    check('404', error.code == 404)
print('done')
END
	};
	subtest 'requests, the Python library, if it is there' => sub {
		plan skip_all => 'it is not installed' if output($python, '-c', 'import requests') ne '';
		runs_well($python, 'sessions.py', <<'END');
import os, requests, sys
host, port, root, scheme = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
url = f'{scheme}://{host}:{port}'
with requests.Session() as session:
    session.trust_env = False
    session.verify = os.environ.get('REQUESTS_CA_BUNDLE', True)
    for i in range(100):
        answer = session.get(url + '/1k.txt', timeout=30)
        if answer.status_code != 200 or answer.content != open(root + '/1k.txt', 'rb').read(): print(answer.status_code)
    if session.get(url + '/dir', timeout=30).history[0].status_code != 301: print('no redirect')
    if session.post(url + '/1k.txt', files={'f': b'x' * 300000}, timeout=30).status_code != 405: print('POST')
    if session.get(url + '/none', timeout=30).status_code != 404: print('none')
print('done')
END
	};
}

SKIP: {
	my $node = find_program('node') or skip 'node is not installed', 1;
	subtest "Node's http with a keep-alive agent, and fetch" => sub {
		runs_well($node, 'client.mjs', <<'END');
import fs from 'node:fs';
const [host, port, root, scheme] = process.argv.slice(2);
const { default: http } = await import(`node:${scheme}`);
const content = path => fs.readFileSync(root + path);
const check = (what, good) => { if (!good) console.log(what); };

const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
const locals = new Set();
const ask = (path, options = {}, body) => new Promise((resolve, reject) => {
	const request = http.request({ host, port, path, agent, ...options }, answer => {
		locals.add(answer.socket.localPort);
		const parts = [];
		answer.on('data', part => parts.push(part));
		answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
		answer.on('error', reject);
	});
	request.on('error', reject);
	request.end(body);
});
for (let round = 0; round < 50; round++) {
	const paths = ['/hello.txt', '/1k.txt', '/empty.txt', '/digits.txt', '/dir/file.txt', '/index.html', '/1k.txt', '/hello.txt'];
	if (round % 10 == 0) paths.push('/big.bin');
	await Promise.all(paths.map(async path => {
		const answer = await ask(path);
		check(path, answer.status == 200 && answer.body.equals(content(path)));
	}));
}
check(`${locals.size} connections for four at a time`, locals.size <= 4);
const head = await ask('/big.bin', { method: 'HEAD' });
check('HEAD', head.status == 200 && head.headers['content-length'] == content('/big.bin').length && head.body.length == 0);
const same = await ask('/hello.txt', { headers: { 'If-None-Match': (await ask('/hello.txt')).headers.etag } });
check(`304: ${same.status}`, same.status == 304);
const waiting = await new Promise((resolve, reject) => {
	const request = http.request({ host, port, path: '/hello.txt', method: 'PUT', headers: { Expect: '100-continue', 'Content-Length': 100000 } },
		answer => { answer.resume(); resolve(answer.statusCode); });
	request.on('continue', () => request.end(Buffer.alloc(100000)));
	request.on('error', reject);
	request.flushHeaders();
});
check(`PUT that waits: ${waiting}`, waiting == 405);
const refused = await ask('/hello.txt', { method: 'POST' }, Buffer.alloc(200000));
check(`POST: ${refused.status}`, refused.status == 405);
agent.destroy();

if (typeof fetch == 'function') {
	const url = `${scheme}://${host}:${port}`;
	for (let round = 0; round < 20; round++)
		await Promise.all(['/hello.txt', '/1k.txt', '/big.bin', '/empty.txt'].map(async path => {
			const answer = await fetch(url + path);
			check(`fetch ${path}`, answer.status == 200 && Buffer.from(await answer.arrayBuffer()).equals(content(path)));
		}));
	const moved = await fetch(url + '/dir');
	check('fetch: a redirect', moved.redirected && await moved.text() == content('/dir/index.html').toString());
	const part = await fetch(url + '/digits.txt', { headers: { Range: 'bytes=-2' } });
	check('fetch: a range', part.status == 206 && await part.text() == '89');
	const stop = new AbortController();
	const cut = await fetch(url + '/big.bin', { signal: stop.signal });
	await cut.body.getReader().read();
	stop.abort();
	check('fetch: after one that was given up', (await fetch(url + '/hello.txt')).ok);
	const post = await fetch(url + '/hello.txt', { method: 'POST', body: 'x'.repeat(100000) });
	check(`fetch: POST ${post.status}`, post.status == 405 && (await post.text()).length > 0);
}
console.log('done');
END
	};
}

SKIP: {
	my $git = find_program('git') or skip 'git is not installed', 1;
	subtest 'git clones and fetches from plain files' => sub {
		local @ENV{qw(GIT_CONFIG_NOSYSTEM GIT_CONFIG_GLOBAL GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL)} =
		    (1, '/dev/null', 'a', 'a@example.org', 'a', 'a@example.org');
		local $ENV{GIT_TERMINAL_PROMPT} = 0;
		plan skip_all => 'git cannot fetch by HTTP here' if output($git, 'ls-remote', $server->url('/none.git')) =~ /remote-http|not a git command/;
		my $work = "$dir/work";
		my $commit = sub {
			my ($round) = @_;
			Brood::Server::make_tree($work, { map { ("$round/$_" => "$round $_\n" x 50) } @odd[0 .. 7], 1 .. 40 });
			output($git, '-C', $work, 'add', '-A');
			output($git, '-C', $work, 'commit', '-q', '-m', "round $round");
		};
		output($git, 'init', '-q', '-b', 'main', $work);
		$commit->($_) for 1 .. 5;
		output($git, '-C', $work, 'gc', '-q'); # a pack, and then loose objects
		$commit->($_) for 6 .. 8;
		my $bare = $server->root . '/repository.git';
		output($git, 'clone', '-q', '--bare', '--no-hardlinks', $work, $bare);
		output($git, '-C', $bare, 'update-server-info');
		my $said = output($git, 'clone', '-q', $server->url('/repository.git'), "$dir/clone");
		is $said, '', 'a clone, silent';
		my $log = sub { output($git, '-C', $_[0], 'log', '--format=%H %T %s') };
		is $log->("$dir/clone"), $log->($work), 'with the same history';
		is output($git, '-C', "$dir/clone", 'fsck', '--full', '--strict'), '', 'and sound';
		delete @{ $_ }{ grep { m{^\.git/} } keys %$_ } for my ($here, $there) = (sums($work), sums("$dir/clone"));
		is_deeply $there, $here, scalar(keys %$here) . ' files with the right sums';
		$commit->(9);
		output($git, '-C', $work, 'push', '-q', $bare, 'main');
		output($git, '-C', $bare, 'update-server-info');
		# Workers look at a file that they know once a second.
		my $refs = Brood::Server::slurp("$bare/info/refs");
		my @kept; # of all workers: who has more than others steps back
		ok wait_until(10, sub {
			push @kept, Brood::Client->connect($server->address);
			my %new = map { ($_->worker)[2] => 1 } grep { $_->body eq $refs } map { $_->get('/repository.git/info/refs') } @kept;
			return keys %new == 2;
		}), 'a commit is pushed';
		is output($git, '-C', "$dir/clone", 'pull', '-q'), '', 'what is new is fetched';
		is $log->("$dir/clone"), $log->($work), 'whole';
	};
}

$_->finish for $listed, $server;
done_testing;
