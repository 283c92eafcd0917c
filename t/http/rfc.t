#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# HTTP/1.1 to the letter: octets in, answers and the connection's fate out, with the section that says so. The
# tables are in t/http/rfc/, their form in t/lib/Brood/Rfc.pm. Each case is delivered whole, octet by octet, and cut at
# random (BROOD_TEST_SEED repeats a run): where the network cuts must make no difference. BROOD_TEST_RFC=REGEX
# runs only the cases whose name or table matches.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use POSIX qw(mkfifo);
use Test::More;
use Brood::Client;
use Brood::Rfc;
use Brood::Server;

my $seed = $ENV{BROOD_TEST_SEED} // time;
srand $seed;
diag "BROOD_TEST_SEED=$seed";

# 2020-01-01 00:00:00, a Wednesday: what all files are dated, so that dates in the tables are known ones.
my $dated = 1577836800;
my $probe = "the next answer\n";
my $server = Brood::Server->start(workers => 2, root => {
	'probe.txt' => $probe, 'with space.txt' => "space\n", 'a+b.txt' => "plus\n", '100%.txt' => "percent\n",
	"\xc3\xa4.txt" => "umlaut\n", 'a;b=c.txt' => "semicolon\n", '.hidden' => "hidden\n", '.git/config' => "hidden\n",
	'dir/.htaccess' => "hidden\n", '.well-known/security.txt' => "known\n", 'noindex/deep/file.txt' => "deep\n",
	'x[1].txt' => "brackets\n", 'a|b.txt' => "bar\n", 'unreadable.txt' => "unreadable\n", '...' => "dots\n",
	'a..b.txt' => "two dots\n", 'coded.css' => 'a{b:c}' x 500, 'coded.css.gz' => "\x1f\x8b as gzip has it",
	'coded.css.br' => 'as br has it', 'made.css' => 'a{b:c}' x 500, 'listed/a&lt;b?.txt' => "listed\n",
	'listed/folder/x' => '', 'clean/about.html' => 'about', 'clean/index.html' => 'clean', 'clean/a?b.html' => 'asked',
	'clean/%41.html' => 'escaped', 'clean/folder/index.html' => 'folder', 'routed/app.html' => 'application',
	'kept/out.txt' => 'kept out',
}, config => <<'END');
redirects = ["/moved /hello.txt", "/all/* /dir/* 308", "/away/* https://other.example/* 302", "/asked /hello.txt?a=b 307"];
locations = (
	{ path = "/listed/"; listing = true; },
	{ path = "/clean/"; clean_urls = true; },
	{ path = "/routed/"; fallback = "/routed/app.html"; },
	{ path = "/kept/"; deny = "all"; }
);
END
{
	my $root = $server->root;
	mkfifo("$root/fifo", 0644) or die "fifo: $!";
	symlink 'loop', "$root/loop" or die;
	symlink 'loop-b', "$root/loop-a" or die;
	symlink 'loop-a', "$root/loop-b" or die;
	symlink '/etc/passwd', "$root/out" or die;
	symlink '/etc', "$root/out-dir" or die;
	symlink '../../../../../etc/passwd', "$root/out-relative" or die;
	symlink 'hello.txt', "$root/inside" or die;
	symlink 'nowhere', "$root/dangling" or die;
	chmod 0, "$root/unreadable.txt" or die;
	utime $dated, $dated, map { "$root/$_" } qw(hello.txt digits.txt empty.txt big.bin 1k.txt
	    coded.css coded.css.gz coded.css.br made.css) or die;
}

sub client { return Brood::Client->connect($server->address) }
my %etag = map { $_ => client()->get("/$_")->header('ETag') } qw(hello.txt digits.txt);
for my $name (qw(coded.css made.css)) {
	$etag{$name} = client()->get("/$name")->header('ETag');
	$etag{"$name $_"} = client()->get("/$name", 'Accept-Encoding' => $_)->header('ETag') for qw(gzip br);
}
like $etag{$_}, qr/^"[^"]+"\z/, "$_ has a strong ETag" for sort keys %etag;

# ---- The tables ----

# In them: %etag of names and codings, and for short $etag and $digits_etag.
our %tag_of = %etag;
our ($etag, $digits_etag) = @etag{qw(hello.txt digits.txt)};
my @cases;
for my $file (sort glob "$FindBin::Bin/rfc/*.pl") {
	my ($table) = $file =~ m{/([\w-]+)\.pl\z};
	my @rows = do $file or die "$file: ", $@ || $!;
	for my $row (@rows) {
		my ($level, $section, $what, $octets, $answers, $fate, %more) = @$row;
		die "$file: '$what'" if @$row % 2 || $level !~ /^(?:MUST|SHOULD|MAY|OWN)\z/ || !defined $octets
		    || $section !~ /^(?:(?:9110|9111|9112|9113|3986|6585|8615) [\dABC.]+|notes)\z/
		    || $fate !~ /^(?:keep|close|either|silent)\z/;
		push @cases, { level => $level, section => $section, what => $what, table => $table,
			how => ref $octets ? $octets->[0] : '', octets => ref $octets ? $octets->[1] : $octets,
			answers => ref $answers ? $answers : [$answers], fate => $fate, more => \%more, wrong => [], problems => [] };
	}
}

# ---- Deliveries ----

# Never a whole request first and more in another piece: who has asked for the end in one piece is closed on at
# once, and what it sends in spite of that may meet a reset (RFC 9112 section 9.6).
sub random_pieces
{
	my ($octets) = @_;
	my @pieces = substr $octets, 0, 1 + int rand 20, "";
	my $longest = length $octets > 600 ? length($octets) / 5 : 40;
	push @pieces, substr $octets, 0, 1 + int rand(rand() < 0.5 ? 4 : $longest), '' while length $octets;
	return @pieces;
}

# Of those that are long, the middle goes in one.
sub octet_by_octet
{
	my ($octets) = @_;
	my $middle = length $octets > 600 ? substr $octets, 200, -200, '' : '';
	my @pieces = split //, $octets;
	splice @pieces, 200, 0, $middle if length $middle;
	return @pieces;
}

my @deliveries = (
	['whole', sub { $_[0] }],
	['octet by octet', \&octet_by_octet],
	['cut at random', \&random_pieces],
);

# ---- One case ----

# What is wrong with the fields of the last answer.
sub wrong_fields
{
	my ($response, $more) = @_;
	my @wrong;
	for my $name (sort keys %$more) {
		my $want = $more->{$name};
		my $is = $name eq 'body' ? $response->body : $response->header($name);
		next if !defined $want && !defined $is;
		next if defined $want && defined $is && (ref $want ? $is =~ $want : $is eq $want);
		push @wrong, "$name is '" . show($is // '(none)') . "', not '" . show($want // '(none)') . "'";
	}
	return @wrong;
}

# What every answer must have, whatever it is an answer to.
sub wrong_in_any
{
	my ($response) = @_;
	my $status = $response->status;
	my @wrong;
	push @wrong, 'an interim response' if $response->interim;
	push @wrong, '405 without Allow' if $status eq '405' && !defined $response->header('Allow');
	push @wrong, '416 without Content-Range' if $status eq '416' && !defined $response->header('Content-Range');
	push @wrong, "$status without an explanation"
	    if $status >= 400 && length $response->body && $response->body !~ m{<p>\w.*</p>};
	push @wrong, 'Transfer-Encoding' if defined $response->header('Transfer-Encoding');
	push @wrong, "304 with $_" for grep { $status eq '304' && defined $response->header($_) } qw(Content-Type Content-Range);
	return @wrong;
}

# The connection goes on if the next request on it is answered, and nothing comes in between.
sub wrong_fate
{
	my ($client, $response, $fate, $half_closed, $octets) = @_;
	my $closes = $response->says_close;
	return 'the last answer does not say close' if $fate eq 'close' && !$closes && !$half_closed;
	return 'the answer says close' if $fate eq 'keep' && $closes;
	if (!$closes && !$half_closed) {
		return 'no Connection: keep-alive to an HTTP/1.0 client'
		    if $octets =~ m{.* HTTP/(\d\.\d)\r}s && $1 eq '1.0' && ($response->header('Connection') // '') !~ /\bkeep-alive\b/i;
		$client->send(request('GET /probe.txt HTTP/1.1', 'Host: a.example', 'Connection: close'));
		my $next = $client->response;
		return 'the next answer is ' . $next->status . ': ' . show($next->raw_head . $next->body)
		    if $next->status ne '200' || $next->body ne $probe;
	}
	my $end = $client->wait_end;
	return $end eq 'closed' ? () : "the end is: $end" . ($end eq 'data' ? ': ' . show($client->buffered) : '');
}

# What is wrong with what came on this connection.
sub problems_of
{
	my ($case, $client) = @_;
	if ($case->{fate} eq 'silent') {
		my $end = $client->wait_end;
		return $end eq 'closed' ? () : "not closed silently, but: $end " . show($client->buffered);
	}
	my @methods = $case->{octets} =~ /^([A-Z]+) \S+ HTTP/mg;
	my $response;
	for my $statuses (@{ $case->{answers} }) {
		$response = $client->response(method => shift @methods // 'GET');
		return 'status ' . $response->status . ", not $statuses: " . show($response->raw_head)
		    if $response->status !~ /^(?:$statuses)\z/;
		my @wrong = wrong_in_any($response);
		return @wrong if @wrong;
	}
	return (wrong_fields($response, $case->{more}),
		wrong_fate($client, $response, $case->{fate}, $case->{how} eq 'half-close', $case->{octets}));
}

# ---- Many of them at a time, so that waiting between pieces costs once for all ----

use constant AT_ONCE => 50;

# Sends the first piece of all, then the second one of all, and so on, giving the server time to see each.
sub deliver
{
	my ($cut, @cases) = @_;
	my (@clients, @pieces);
	for my $case (@cases) {
		push @clients, client() // die "connect: $!";
		push @pieces, [$cut->($case->{octets})];
	}
	while (grep { @$_ } @pieces) {
		for my $i (grep { @{ $pieces[$_] } } 0 .. $#cases) {
			$clients[$i]->send(shift @{ $pieces[$i] }) or $pieces[$i] = [];
			$clients[$i]->shutdown_write if $cases[$i]{how} eq 'half-close' && !@{ $pieces[$i] };
		}
		select undef, undef, undef, 0.001;
	}
	push @{ $cases[$_]{wrong} }, problems_of($cases[$_], $clients[$_]) for 0 .. $#cases;
}

my %count;
@cases = grep { "$_->{table}: $_->{what}" =~ $ENV{BROOD_TEST_RFC} } @cases if defined $ENV{BROOD_TEST_RFC};
while (my @some = splice @cases, 0, AT_ONCE) {
	for my $delivery (@deliveries) {
		my ($how, $cut) = @$delivery;
		my @cases = grep { $how eq 'whole' || $_->{how} ne 'whole' } @some;
		deliver($cut, @cases);
		for my $case (@cases) {
			push @{ $case->{problems} }, map { "$how: $_" } splice @{ $case->{wrong} };
		}
	}
	for my $case (@some) {
		my @problems = @{ $case->{problems} };
		$count{ $case->{level} }{ @problems ? 'failed' : 'passed' }++;
		ok !@problems, "$case->{level} $case->{table}: $case->{what} ($case->{section})"
		    or diag join "\n", @problems, 'sent: ' . show($case->{octets});
	}
}
diag join ', ', map { my $n = $count{$_}; $_ . ' ' . ($n->{passed} // 0) . ' passed, ' . ($n->{failed} // 0) . ' failed' }
    grep { $count{$_} } qw(MUST SHOULD MAY OWN);

$server->finish;

subtest 'a trusted proxy may ask for https' => sub {
	my $server = Brood::Server->start(set => { trusted => '127.0.0.0/8' });
	my $client = Brood::Client->connect($server->address);
	is $client->get('https://a.example/hello.txt')->status, 200, 'it is answered';
	is $client->get('/hello.txt')->status, 200, 'and the connection goes on';
	$server->finish;
};

subtest 'doc/http.md has every reason to refuse a request' => sub {
	my $source = Brood::Server::slurp("$FindBin::Bin/../../src/http/message/refusal.c");
	my @rows = map { "$_->[0] $_->[1]" } sort { $a->[1] cmp $b->[1] } map { [/\{(\d+), "(.*?)"\}/] }
	    grep { !/REFUSAL_NONE/ } $source =~ /^\t\[REFUSAL_\w+\] = \{.*/mg;
	my $page = Brood::Server::slurp("$FindBin::Bin/../../doc/http.md");
	my @told = map { "$_->[0] $_->[1]" } sort { $a->[1] cmp $b->[1] } map { [/^\| (\d+) \| (.*?) \|/] }
	    $page =~ /^\| \d{3} \| .*/mg;
	cmp_ok scalar @rows, '>', 30, 'the reasons are here';
	is join("\n", @told), join("\n", @rows), 'with the same status and text';
};

done_testing;
