#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A header is a contract that can be read, and compiled, alone.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use Test::More;
use Brood::Source qw(includes read_source source_dir source_files);

my $root = source_dir();
my @headers = source_files(qr/\.h$/, 'src', 'include');
my @sources = source_files(qr/\.c$/, 'src', 't', 'bench');
cmp_ok(scalar @headers, '>', 10, 'the headers are here');

my @unlicensed = grep { read_source($_) !~ m{\A/\* SPDX-License-Identifier: MIT\n \*\n \* \S} } @headers;
is(join("\n", @unlicensed), '', 'each header begins with its licence, then says what it is for');
@unlicensed = grep { read_source($_) !~ m{\A/\* SPDX-License-Identifier: MIT\n} } @sources;
is(join("\n", @unlicensed), '', 'each source file begins with its licence');

# BROOD_LAYER_NAME_H, after the path.
sub guard_of
{
	my ($path) = @_;
	my $name = uc($path =~ s{^(?:src|include/brood)/}{}r);
	return 'BROOD_' . $name =~ s/\W/_/gr;
}
my @unguarded = grep {
	my $guard = guard_of($_);
	read_source($_) !~ /^#ifndef \Q$guard\E\n#define \Q$guard\E\n.*\n#endif\n\z/ms;
} @headers;
is(join("\n", @unguarded), '', 'each header is guarded by a macro of its own name');

my @foreign;
for my $header (grep { /^include\// } @headers) {
	push @foreign, map { "$header: $_->[1]" }
	    grep { $_->[1] !~ m{^(?:brood/\w+|std\w+|time|sys/(?:types|socket))\.h$} } includes($header);
}
is(join("\n", @foreign), '', 'public headers include standard headers only');

# Each header alone, twice (the guard), by each compiler that is here.
my @flags = (qw(-std=gnu11 -D_GNU_SOURCE -fsyntax-only -Wall -Wextra -Werror -Wstrict-prototypes),
	"-I$root/src", "-I$root/include", qw(-isystem /usr/share/include/llhttp -DLLHTTP_STRICT_MODE=1));
my $dir = tempdir(CLEANUP => 1);
for my $compiler (qw(gcc clang)) {
	SKIP: {
		skip "$compiler is not installed", 1 if system("command -v $compiler >/dev/null 2>&1") != 0;
		my @wrong;
		for my $header (@headers) {
			my $name = $header =~ s{^(?:src|include)/}{}r;
			open my $file, '>', "$dir/alone.c" or die;
			print $file qq{#include "$name"\n#include "$name"\n};
			close $file;
			my $said = `$compiler @flags $dir/alone.c 2>&1`;
			push @wrong, "$header:\n$said" if $?;
		}
		is(join("\n", @wrong), '', "each header compiles alone with $compiler");
	}
}

done_testing;
