#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Files that are replaced, deleted or truncated while they are being served (BROOD_TEST_SEED repeats a run): never
# a wrong length, never a mix of old and new, whatever of them is sent.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
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
done_testing;
