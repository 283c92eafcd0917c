#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Files that are replaced, deleted or truncated while they are being served (BROOD_TEST_SEED repeats a run): never
# a wrong length, never a mix of old and new, whatever of them is sent; and nobody who has got what is new gets what was
# there before it, from whichever worker.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Client;
use Brood::Proc qw(wait_until);
use Brood::Server;

my $seed = $ENV{BROOD_TEST_SEED} // time;
srand $seed;
diag "BROOD_TEST_SEED=$seed";

# One worker, so that it is the same one that is asked again.
my $server = Brood::Server->start(workers => 1);
my $root = $server->root;
my @workers = $server->workers;
my $size = 12 << 20; # more than sockets hold
my $time = 1_700_000_000;

sub write_file { my ($name, $octets, $when) = @_; Brood::Server::write_file("$root/$name", $octets); utime $when, $when, "$root/$name"; return }

sub replace
{
	my ($name, $octets, $when) = @_;
	write_file('next', $octets, $when);
	rename "$root/next", "$root/$name" or die $!;
	return;
}

# Each octet tells the version, and, by fours, where it is.
sub version { my ($letter, $count) = @_; return join '', map { sprintf "%s%07d", $letter, $_ } 0 .. $count / 8 - 1 }
my %content = map { $_ => version($_, $size) } qw(a b c);

my ($half, $end) = ($size / 2, $size - 9);
my %ways = (
	'whole' => { fields => [], of => sub { $_[0] } },
	'one range' => { fields => [Range => 'bytes=16-'], of => sub { substr $_[0], 16 } },
	'several ranges' => { fields => [Range => "bytes=0-7,1000-$half," . ($half + 1000) . "-$end"], of => sub { ranges($_[0], $_[1]) } },
	'a sibling' => { fields => ['Accept-Encoding' => 'br'], sibling => 1, of => sub { $_[0] } },
	'several ranges of a sibling' => { fields => ['Accept-Encoding' => 'br', Range => "bytes=0-7,1000-$half," . ($half + 1000) . "-$end"],
		sibling => 1, of => sub { ranges($_[0], $_[1]) } },
);

sub ranges
{
	my ($all, $response) = @_;
	my ($boundary) = $response->header('Content-Type') =~ /boundary=(\w+)/ or return 'no boundary';
	my $text = '';
	for my $range ([0, 7], [1000, $half], [$half + 1000, $end]) {
		$text .= "--$boundary\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes $range->[0]-$range->[1]/$size\r\n\r\n"
		    . substr($all, $range->[0], $range->[1] - $range->[0] + 1) . "\r\n";
	}
	return "$text--$boundary--\r\n";
}

# Asks, waits until the answer has begun, calls CODE, and returns the answer.
sub interrupted
{
	my ($way, $code) = @_;
	my $client = Brood::Client->connect($server->address, receive_buffer => 65536);
	my @fields = @{ $way->{fields} };
	my $head = "GET /file HTTP/1.1\r\nHost: a\r\n";
	$head .= shift(@fields) . ': ' . shift(@fields) . "\r\n" while @fields;
	$client->send("$head\r\n");
	$client->fill(time + 10);
	$code->();
	my $response = $client->response;
	return $response;
}

for my $name (sort keys %ways) {
	my $way = $ways{$name};
	my $served = $way->{sibling} ? 'file.br' : 'file';
	my $set_up = sub {
		write_file('file', $content{c}, $time - 10);
		unlink "$root/file.br";
		replace($served, $content{a}, $time);
	};
	my $again = sub { Brood::Client->connect($server->address)->get('/file', @{ $way->{fields} }) };
	my $is_of = sub { my ($response, $letter) = @_; return $response->body eq $way->{of}->($content{$letter}, $response) };

	subtest "$name: replaced" => sub {
		$set_up->();
		# What was there before goes first.
		ok wait_until(10, sub { $is_of->($again->(), 'a') }), 'it is there';
		my $response = interrupted($way, sub { replace($served, $content{b}, $time + 1) });
		ok $response->ok, 'it comes' or diag $response->status;
		ok $is_of->($response, 'a'), 'all of the former one';
		ok wait_until(10, sub { $is_of->($again->(), 'b') }), 'then the next one';
	};
	subtest "$name: deleted" => sub {
		$set_up->();
		ok wait_until(10, sub { $is_of->($again->(), 'a') }), 'it is there';
		my $response = interrupted($way, sub { unlink "$root/$served" or die $! });
		ok $response->ok, 'it comes' or diag $response->status;
		ok $is_of->($response, 'a'), 'all of it';
	};
	subtest "$name: truncated" => sub {
		$set_up->();
		ok wait_until(10, sub { $is_of->($again->(), 'a') }), 'it is there';
		my $response = interrupted($way, sub { truncate "$root/$served", 4096 or die $! });
		like $response->status, qr/^(?:closed|reset|cut off) after \d+ of \d+ octets of the body/, 'the connection ends instead of anything else';
	};
}

is_deeply [$server->workers], \@workers, 'the worker has not died';
$server->finish;

$server = Brood::Server->start(workers => 2);
$root = $server->root;
@workers = $server->workers;

# Versions come and go, of files in memory and of open ones; each answer is of one of them, and a tag of one.
for my $length (2000, 100_000) {
	subtest "versions of $length octets and more come and go" => sub {
		my (%body_of, @wrong);
		my $count = 0;
		my @clients = map { Brood::Client->connect($server->address) } 1 .. 4;
		for my $round (1 .. 120) {
			my $octets = sprintf('%07d.', $round) x ($length / 8 + rand 50);
			my $name = rand() < 0.5 ? 'text.css' : 'text.css.br';
			my $how = rand;
			if ($how < 0.6) {
				replace($name, $octets, $time + $round);
			} elsif ($how < 0.8) {
				write_file($name, $octets, $time + $round);
			} else {
				unlink "$root/$name";
			}
			for my $client (@clients[0, 1], $clients[rand @clients]) {
				my @fields = rand() < 0.7 ? ('Accept-Encoding' => (qw(br gzip identity))[rand 3]) : ();
				push @fields, Range => (rand() < 0.5 ? 'bytes=0-0,-8' : 'bytes=8-') if rand() < 0.4;
				my $response = $client->get('/text.css', @fields);
				next if $response->status eq '404' || $response->status eq '416';
				push @wrong, "round $round: " . $response->status if !$response->ok;
				next if $response->status ne '200';
				my $tag = $response->header('ETag');
				$body_of{$tag} //= $response->body;
				$count++;
				push @wrong, "round $round: two bodies of $tag" if $body_of{$tag} ne $response->body;
				push @wrong, "round $round: a mix" if ($response->header('Content-Encoding') // '') ne 'gzip' && $response->body !~ /^(\d{7}\.)\1*\z/;
			}
			last if @wrong > 5;
		}
		cmp_ok $count, '>', 50, "$count answers";
		is_deeply \@wrong, [], 'each of one version';
	};
}

is_deeply [sort $server->workers], [sort @workers], 'no worker has died';
$server->finish;

# --- all workers at the same time ---

# A connection to each worker.
sub client_of_each
{
	my ($count) = @_;
	my (%of, @others);
	wait_until(20, sub {
		my $client = Brood::Client->connect($server->address) or return 0;
		my ($slot) = $client->get('/none')->worker;
		push @others, $client; # those who have some are given less
		$of{$slot} = $client if defined $slot;
		return keys %of == $count;
	}) or BAIL_OUT('not every worker can be reached');
	return values %of;
}

# What each of these answers is of: the version that its content begins with.
my $large = 100_000;
my %changes = (
	'a file that is replaced' => ['/small.txt', [], sub { replace('small.txt', "$_[0] small", $time + $_[1]) }],
	'a file that is written to' => ['/written.txt', [], sub { write_file('written.txt', "$_[0] written", $time + $_[1]) }],
	'a large file that is replaced' => ['/large.txt', [], sub { replace('large.txt', "$_[0] " . 'x' x $large, $time + $_[1]) }],
	'a large file that is written to' => ['/long.txt', [], sub { write_file('long.txt', "$_[0] " . 'x' x ($large + $_[1]), $time + $_[1]) }],
	'a sibling' => ['/one.css', ['Accept-Encoding' => 'br'], sub { replace('one.css.br', "$_[0] br", $time + $_[1]) }],
	'a range' => ['/ranged.txt', [Range => 'bytes=0-'], sub { replace('ranged.txt', "$_[0] ranged", $time + $_[1]) }],
	'a link' => ['/now/page.txt', [], sub { symlink "v$_[1]", "$root/.next" or die $!; rename "$root/.next", "$root/now" or die $! }],
	'an index before another' => ['/docs/', [], sub { replace('docs/index.html', "$_[0] index", $time + $_[1]) }],
	'what is found for many' => ['/app/anything', [], sub { replace('app.html', "$_[0] app", $time + $_[1]) }],
	'a file that goes' => ['/gone.txt', [], sub { $_[1] == 2 ? unlink("$root/gone.txt") : replace('gone.txt', "$_[0] gone", $time) }],
);

for my $mode (Brood::Server::modes()) {
	subtest "$mode: from one worker to another" => sub {
		$server = Brood::Server->start(workers => 3, accept => $mode, config => <<'END');
index = [ "index.html", "index.txt" ];
locations = ( { path = "/app"; try = [ "{path}", "/app.html" ]; } );
END
		$root = $server->root;
		mkdir "$root/$_" or die $! for qw(docs v1 v2 v3);
		write_file("v$_/page.txt", "$_ page", $time) for 1 .. 3;
		write_file('docs/index.txt', '1 index', $time);
		write_file('one.css', 'one', $time - 1);
		$changes{$_}[2]->(1, 1) for grep { !/index/ } sort keys %changes;
		my @clients = client_of_each(3);
		my (@wrong, %seen, %of_each);
		my $version = sub {
			my ($name, $client) = @_;
			my ($target, $fields) = @{ $changes{$name} };
			my $response = $client->get($target, @$fields);
			return 2 if $name =~ /goes/ && $response->status eq '404';
			return $response->ok && $response->body =~ /^([123]) / ? $1 : $response->status;
		};
		my @names = sort keys %changes;
		# All but one have it, and keep it for a second; then that one is the first to see the next.
		my ($first, @others) = @clients;
		for my $name (@names) {
			push @wrong, "$name: not there" if grep { $version->($name, $_) ne 1 } @others;
			$changes{$name}[2]->(2, 2);
			push @wrong, map { "$name: $_ at first, not 2" } grep { $_ ne 2 } $version->($name, $first);
			push @wrong, map { "$name: $_ after 2" } grep { $_ ne 2 } map { $version->($name, $_) } @others, $first;
		}
		is_deeply \@wrong, [], 'nothing that is old after what is new';
		@wrong = ();
		# And whoever is the first.
		@names = grep { !/goes/ } @names;
		$changes{$_}[2]->(3, 3) for @names;
		wait_until(10, sub {
			for my $name (@names) {
				my $who = int rand @clients;
				my $got = $version->($name, $clients[$who]);
				push @wrong, "$name: $got from worker $who after " . ($seen{$name} // 2) if $got !~ /^[23]\z/ || ($seen{$name} // 2) > $got;
				$seen{$name} = $got;
				$of_each{$name}{$who} = 1 if $got eq 3;
			}
			return @wrong > 20 || !grep { keys %{ $of_each{$_} // {} } < @clients } @names;
		}) or push @wrong, 'not all have the third';
		is_deeply \@wrong, [], 'nor when all look';
		$server->finish;
	};
}
done_testing;
