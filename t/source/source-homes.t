#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Some calls have one home: whoever wants to know how brood forks, reaps, passes descriptors, handles
# signals or parses looks in one place, and whoever changes it changes it there.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Source qw(code read_source source_files);

# What, the words that mean it, and the only files that may use them (each of which does).
my @homes = (
	['starting processes', qr/\b(?:v?fork|_?clone3?|f?exec[vl]?[pe]*|execveat|posix_spawnp?|system|popen|daemon)\s*\(/,
	 'src/brood/system/daemon.c', 'src/proc/execute.c', 'src/proc/process.c', 'src/prove/private_server.c'],
	['waiting for children', qr/\b(?:wait|waitpid|waitid|wait[34])\s*\(/,
	 'src/brood/system/daemon.c', 'src/proc/reap.c'],
	['passing descriptors', qr/\bSCM_\w+\b/, 'src/proc/fdpass.c'],
	['control messages', qr/\bCMSG_\w+\b/, 'src/http/tls/kernel.c', 'src/proc/fdpass.c'],
	['signal handling',
	 qr/\b(?:sigaction|signal|sigprocmask|pthread_sigmask|signalfd|sigwait\w*|sigsuspend)\s*\(/,
	 'src/base/signals.c', 'src/proc/process.c'],
	['parsing by llhttp', qr/\bllhttp_\w+\s*\(/, 'src/http/message/parser.c'],
	['sending files', qr/\b(?:sendfile|splice|copy_file_range)\s*\(/, 'src/http/transport/stream.c'],
	['changing the user', qr/\b(?:set(?:res|re|e|fs)?[ug]id|setgroups|initgroups)\s*\(/,
	 'src/base/privilege.c'],
	['files that are made', qr/\bO_(?:CREAT|TMPFILE)\b|\b(?:creat|mkfifo(?:at)?|mknod(?:at)?|(?:sym)?link(?:at)?|mkdir(?:at)?|mkdtemp|mkstemp)\s*\(/,
	 'src/base/trusted_file.c', 'src/brood/admin/obituary_file.c', 'src/prove/prove_site.c'],
	['files that are removed or changed by name', qr/\b(?:unlink(?:at)?|remove|rmdir|rename(?:at2?)?|[lf]?ch(?:own|mod)(?:at)?|truncate)\s*\(/,
	 'src/base/socket.c', 'src/base/trusted_file.c', 'src/brood/admin/obituary_file.c', 'src/prove/prove_site.c'],
	['OpenSSL', qr/\b(?:SSL|BIO|EVP|X509)_\w+/, map { "src/http/tls/$_" } qw(check.c context.c dev.c facts.c hello.c kernel.c
		pem.c private.h saved.c session.c tickets.c tls.c)],
);

my %text = map { $_ => code(read_source($_)) } source_files(qr/\.[ch]$/, 'src', 'include');
cmp_ok(scalar keys %text, '>', 20, 'the sources are here');

for (@homes) {
	my ($what, $words, @allowed) = @$_;
	my @users = grep { $text{$_} =~ $words } sort keys %text;
	is("@users", join(' ', sort @allowed), "$what: " . (@allowed ? "only in @allowed" : 'nowhere yet'));
}

# The stripping of comments that all this rests on.
is(code(qq{a /* fork( */ "fork(" 'f' // fork(\nb}), qq{a  "" ' ' \nb}, 'comments and strings do not count');
like(code(qq{"\\"" fork(1)}), $homes[0][1], 'code behind an escaped quote does');

done_testing;
