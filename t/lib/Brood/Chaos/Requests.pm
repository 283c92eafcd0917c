# SPDX-License-Identifier: MIT
#
# Requests of all kinds, with what their answers may be, and an account of each: asked, answered (by whom, when, with
# which status), in the access log.
package Brood::Chaos::Requests;

use strict;
use warnings;
use Brood::Chaos::Files;
use Time::HiRes qw(time);

# In a text of so many bits for each request, since there are millions.
use constant { ANSWERED => 1, GIVEN_UP => 2 };

sub new
{
	my ($class, $files, $dice) = @_;
	return bless { files => $files, dice => $dice, count => 0, fate => '', worker => '', at => '', status => '', begun => time,
		answered => 0 }, $class;
}

my %weights = (get => 8, head => 2, range => 3, suffix => 1, unchanged => 3, missing => 1);

# One of a random kind; `file`: of these. `last`: it asks for the connection to be closed.
sub next_one
{
	my ($self, %want) = @_;
	my $dice = $self->{dice};
	my $file = $dice->one_of(@{ $want{files} });
	my $kind = $want{kind} // $dice->by_weight(%weights);
	$kind = 'get' if ($kind eq 'range' || $kind eq 'suffix') && $self->{files}->least($file) < 2;
	my $request = { file => $file, number => $self->{count}++, method => 'GET', status => 200, fields => '' };
	$self->can("make_$kind")->($self, $request, $file);
	my $path = $request->{path} // $self->{files}->path($file);
	$request->{fields} .= "Connection: close\r\n" if $want{last};
	$request->{octets} = "$request->{method} $path?k=$kind&n=$request->{number} HTTP/1.1\r\nHost: chaos.test\r\n$request->{fields}\r\n";
	my $expect = $request->{expect};
	$request->{expect} = sub {
		my ($response) = @_;
		die "Connection: close was asked for and not said\n" if $want{last} && !$response->says_close;
		return $expect->($response);
	};
	return $request;
}

sub whole
{
	my ($self, $request, $response) = @_;
	$response->status == 200 or die 'status ' . $response->status . "\n";
	return map { [$_->{text}, 0, $_->{size}] } $self->{files}->possible($request->{file}, $request->{asked_at});
}

sub make_get { my ($self, $request) = @_; $request->{expect} = sub { return $self->whole($request, @_) } }
sub make_head { my ($self, $request) = @_; $request->{method} = 'HEAD'; $self->make_get($request) }

sub make_missing
{
	my ($self, $request) = @_;
	$request->{path} = '/none/' . $self->{dice}->below(1000);
	$request->{expect} = sub {
		my ($response) = @_;
		$response->status == 404 or die 'status ' . $response->status . " for what is not there\n";
		return [\$self->{missing_page}, 0, length $self->{missing_page}];
	};
}

# The part of each possible version that "Content-Range" names, where that is the part asked for.
sub part
{
	my ($self, $request, $response, $from, $to) = @_;
	$response->status == 206 or die 'status ' . $response->status . " for a range\n";
	my ($first, $last, $total) = ($response->header('Content-Range') // '') =~ m{^bytes (\d+)-(\d+)/(\d+)\z} or die "no Content-Range\n";
	my @right = grep { $_->{size} == $total && $first == $from->($_) && $last == $to->($_) }
	    $self->{files}->possible($request->{file}, $request->{asked_at});
	@right or die "Content-Range of no such version\n";
	return map { [$_->{text}, $first, $last - $first + 1] } @right;
}

sub make_range
{
	my ($self, $request, $file) = @_;
	my $dice = $self->{dice};
	my $from = $dice->below($self->{files}->least($file));
	my $to = $from + $dice->below(2 * $self->{files}->least($file));
	$request->{fields} .= "Range: bytes=$from-$to\r\n";
	$request->{expect} = sub {
		return $self->part($request, $_[0], sub { $from }, sub { my $end = $_[0]{size} - 1; $to < $end ? $to : $end });
	};
}

sub make_suffix
{
	my ($self, $request, $file) = @_;
	my $size = 1 + $self->{dice}->below($self->{files}->least($file));
	$request->{fields} .= "Range: bytes=-$size\r\n";
	$request->{expect} = sub { return $self->part($request, $_[0], sub { $_[0]{size} - $size }, sub { $_[0]{size} - 1 }) };
}

sub make_unchanged
{
	my ($self, $request, $file) = @_;
	my $etag = $self->{files}->some_etag($file) // return $self->make_get($request);
	my $number = $self->{files}->number_of_etag($file, $etag);
	$request->{fields} .= "If-None-Match: $etag\r\n";
	$request->{expect} = sub {
		my ($response) = @_;
		my @possible = $self->{files}->possible($file, $request->{asked_at});
		# A file that has just been written has another tag for a moment.
		if ($response->status == 200) {
			($response->header('ETag') // '') ne $etag or die "200 for the ETag that was asked for\n";
			return map { [$_->{text}, 0, $_->{size}] } @possible;
		}
		$response->status == 304 or die 'status ' . $response->status . " for If-None-Match\n";
		($response->header('ETag') // '') eq $etag or die "another ETag than asked for in a 304\n";
		grep { $_->{number} == $number } @possible or die "304 for a version that is not there any more\n";
		return [\'', 0, 0];
	};
}

# ---- the account

# What is wrong with it as far as files go, in words.
sub answered
{
	my ($self, $request, $response, $body) = @_;
	my $number = $request->{number};
	vec($self->{fate}, $number, 2) = ANSWERED;
	vec($self->{status}, $number, 16) = $response->status;
	vec($self->{worker}, $number, 32) = ($response->worker)[2] // 0;
	vec($self->{at}, $number, 32) = 1000 * (time - $self->{begun});
	$self->{answered}++;
	return if $response->status != 200 || $request->{method} ne 'GET';
	my $version = $self->{files}->version_of($request->{file}, $body->[0]) // return;
	return $self->{files}->learn($request->{file}, $version, $response->header('ETag') // 'none');
}

sub was_answered { return vec($_[0]{fate}, $_[1], 2) == ANSWERED }
sub status_of { return vec($_[0]{status}, $_[1], 16) }
sub worker_of { return vec($_[0]{worker}, $_[1], 32) }
sub answered_at { return $_[0]{begun} + vec($_[0]{at}, $_[1], 32) / 1000 }

1;
