#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# What is written down works as it is written: the sample configuration line by line, the examples in README and in
# the manuals, the pages that come with brood. And manuals are set without a warning.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Figures qw(find_program);
use Brood::Server;
use Brood::Source qw(read_source source_dir);
use Brood::Tls;

my $dir = Brood::Server::new_dir();
my $count = 0;
Brood::Server::make_tree("$dir/$_", { 'index.html' => '<!DOCTYPE html>' }) for qw(srv/www site);
mkdir "$dir/$_" for qw(log run);

# Paths of examples lead into our own folder.
sub moved { return $_[0] =~ s{"/(srv|run/brood|run|var/log/brood|var/log)/}{'"' . ($1 eq 'srv' ? "$dir/srv" : $1 =~ /log/ ? "$dir/log" : "$dir/run") . '/'}gre }

# What `brood -t` says of a configuration; '' when it is well.
sub check
{
	my ($text, @args) = @_;
	$text = moved($text);
	Brood::Server::make_tree($_, { 'index.html' => '<!DOCTYPE html>' }) for $text =~ m{"(\Q$dir\E/srv/[^"]*)"}g;
	$text =~ s{"/etc/[^"]+/([^"/]+\.pem)"}{"$dir/$1"}g;
	my $file = Brood::Server::write_file("$dir/" . ++$count . '.conf', $text);
	my $run = Brood::Server->run('-t', '-c', $file, @args, "$dir/site");
	return $run->{exit} eq '0' ? '' : "exit $run->{exit}: $run->{stderr}";
}

# Runs of lines that begin with PREFIX, without it, if they are settings.
sub examples
{
	my ($text, $prefix) = @_;
	return grep { /^\s*\w+ = / } map { s/^\Q$prefix\E//gmr } $text =~ /((?:^\Q$prefix\E.*\n)+)/gm;
}

subtest 'etc/brood.conf' => sub {
	my $text = read_source('etc/brood.conf');
	my (@wrong, @names);
	is check($text), '', 'as it is';
	while ($text =~ /^#([a-z]\w*) = /gm) {
		my ($at, $name) = ($-[0], $1);
		my $one = $text;
		substr $one, $at, 1, '';
		my $said = check($one);
		push @names, $name;
		push @wrong, "$name: $said" if $said ne '';
	}
	is "@wrong", '', scalar(@names) . ' lines, taken in one by one';
	cmp_ok scalar(@names), '>', 50, 'that are all there';
	my @examples = examples($text, '#     ');
	is join('', map { check($_, '-s', 'tls_certificate=dev') } @examples), '', scalar(@examples) . ' examples in remarks';
	cmp_ok scalar(@examples), '>=', 2, 'that were found';
};

subtest 'README.md' => sub {
	my $text = read_source('README.md');
	my ($use) = $text =~ /^## Use\n+```sh\n(.*?)^```/ms;
	my $site = "$dir/site";
	Brood::Server::write_file("$dir/brood.conf", moved("access_log = \"/var/log/access.log\";\nroot = \"/srv/www\";\n"));
	my $examples = 0;
	for my $line (grep { /^brood / } split /\n/, $use) {
		my ($command) = $line =~ /^brood (.*?)\s*(?:#.*)?$/;
		my @args = map { s{^~/site$}{$site}r =~ s{^(unix:)?/run/}{($1 // '') . "$dir/run/"}er =~ s{^(?:/etc/brood/)?brood\.conf$}{$dir/brood.conf}r }
		    map { s/'//gr } grep { $_ ne '' } split / /, $command =~ s/ > .*//r;
		@args = grep { $_ ne '-d' } @args;
		my $run = Brood::Server->run((grep { /^-[tT]$/ } @args) ? () : '-t', @args);
		is $run->{exit}, 0, $line or diag $run->{stderr};
		$examples++;
	}
	cmp_ok $examples, '>=', 8, 'examples of brood';
	my $ctl = Brood::Server::broodctl();
	my $help = qx{"$ctl" --help 2>&1};
	for my $word ($text =~ /^broodctl (\w+)/gm) {
		like $help, qr/^\s+$word\b/m, "broodctl $word";
	}
	my $pair = Brood::Tls::can_run();
	if ($pair) {
		my $made = Brood::Tls::make_pair($dir, 'example.org');
		rename $made->{certificate}, "$dir/fullchain.pem";
		rename $made->{key}, "$dir/privkey.pem";
	}
	for my $block (grep { $pair || !/^tls_key/m } $text =~ /^```\n([a-z_]+ = .*?)^```/gms) {
		is check($block), '', (split /\n/, $block)[0];
	}
};

subtest 'www/docs.html' => sub {
	my $text = read_source('www/docs.html');
	my $printed = Brood::Server->run('-T', "$dir/site")->{stdout};
	my %default = $printed =~ /^(\w+) = (.*);$/gm;
	my ($table) = $text =~ m{<section id="settings">.*?<tbody>(.*?)</tbody>}s;
	my (@unknown, @differ, %there);
	for my $row ($table =~ m{<tr>(.*?)</tr>}gs) {
		my ($names, $value) = $row =~ m{<th scope="row">(.*?)</th><td>(.*?)</td>};
		my @names = $names =~ m{<code>(\w+)</code>}g;
		@there{@names} = (1) x @names;
		push @unknown, grep { !defined $default{$_} && !/^(?:sites|locations)$/ } @names;
		next if grep { /^(?:root|user|listen|sites|locations|gzip_types)$/ } @names; # whose defaults are told in words
		my @shown = split /, /, $value =~ s/<[^>]*>//gr =~ s/&quot;/"/gr, scalar @names;
		push @differ, map { "$names[$_]: $shown[$_]" } grep { plain($shown[$_] // '') ne plain($default{ $names[$_] } // '') } 0 .. $#names;
	}
	is "@unknown", '', 'names settings that there are';
	is "@differ", '', 'with their defaults';
	ok $text =~ qr{<code>$_</code>.*</td></tr>}, "tells of the signal $_" for qw(HUP TERM INT QUIT USR1 USR2 TTIN TTOU);
	cmp_ok scalar(keys %there), '>', 40, 'most of them';
};

# A default without its quotes; a minute is 60s.
sub plain { return $_[0] =~ s/"//gr =~ s/^1m$/60s/r =~ s/^\[\]$/none/r =~ s/^$/none/r =~ s/^\[(.*)\]$/$1/r }

SKIP: {
	my @manuals = map { source_dir() . "/doc/man/$_" } qw(brood.8 broodctl.1 brood.conf.5);
	my $mandoc = find_program('mandoc');
	my $groff = find_program('groff');
	skip 'neither mandoc nor groff is installed', 1 if !$mandoc && !$groff;
	subtest 'manuals are set without a warning' => sub {
		for my $manual (@manuals) {
			my ($name) = $manual =~ m{([^/]+)$};
			# On standard error it complains of the machine's own index of manuals.
			my @said = $mandoc ? qx{$mandoc -Tlint '$manual' 2>/dev/null} : ();
			is join('', grep { !/: (?:STYLE|BASE): / } @said), '', "$name, by mandoc";
			is $groff ? scalar qx{LC_ALL=C.UTF-8 $groff -mandoc -ww -z -Tutf8 '$manual' 2>&1} : '', '', "$name, by groff";
		}
	};
}

done_testing;
