#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A browser: our own pages load without an error and fit a narrow screen, a video is sought in, and a page with
# many parts does not notice that the server is rolled. BROOD_TEST_PICTURES=FOLDER keeps pictures of the pages.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Brood::Browser;
use Brood::Figures qw(find_program);
use Brood::Server;
use File::Glob qw(:bsd_glob);
use POSIX qw(WNOHANG);

my $browser = Brood::Browser->start or plan skip_all => 'chromium is not installed, or does not run here';
my $pictures = $ENV{BROOD_TEST_PICTURES};

# The page fits the width, and its colours are those of the mode.
my $look = <<'END';
(() => {
	const light = colour => { const [r, g, b] = colour.match(/[\d.]+/g).map(Number); return (r + g + b) / 765; };
	const style = getComputedStyle(document.body), canvas = style.backgroundColor;
	const clear = /, 0\)$/.test(canvas), dark = matchMedia('(prefers-color-scheme: dark)').matches;
	return { width: document.documentElement.scrollWidth, ink: light(style.color), ground: clear ? (dark ? 0 : 1) : light(canvas) };
})()
END

sub looks_well
{
	my ($name, $url, @expected) = @_;
	for my $width (1280, 320) {
		for my $dark (0, 1) {
			my $how = "$name, $width pixels wide, " . ($dark ? 'dark' : 'light');
			my $visit = $browser->visit($url, width => $width, dark => $dark);
			is_deeply $visit->{problems}, \@expected, "$how: nothing failed";
			my $look = $browser->evaluate($look);
			is $look->{width}, $width, "$how: fits";
			ok abs($look->{ink} - $look->{ground}) > 0.6 && ($dark xor $look->{ink} < $look->{ground}), "$how: can be read"
			    or diag "ink $look->{ink} on $look->{ground}";
			$browser->picture("$pictures/$name-$width-" . ($dark ? 'dark' : 'light') . '.png') if $pictures;
		}
	}
}

subtest 'the pages that come with brood' => sub {
	# A copy, which workers can read wherever the source is.
	my $server = Brood::Server->start(root => { map { s{.*/}{}r => Brood::Server::slurp($_) } glob Brood::Server::source_dir() . '/www/*' });
	looks_well('index', $server->url('/'));
	looks_well('docs', $server->url('/docs.html'));
	like $browser->visit($server->url('/'))->{requests}[-1]{url}, qr{/style\.css$|\.svg$}, 'with their style';
	my $none = $server->url('/none');
	looks_well('error', $none, "404: $none", 'console: Failed to load resource: the server responded with a status of 404 (Not Found)');
	$server->finish;
};

subtest 'a listing' => sub {
	my %files = map { ("many/$_ with a name.txt" => 'x' x 7 ** $_) } 0 .. 7;
	my $server = Brood::Server->start(config => "listing = true;\n", root => { %files, 'many/' . 'long' x 40 . '.bin' => 'x',
		'many/folder of its own/index.html' => '<!DOCTYPE html><title>inner</title>', "many/\xc3\xa4<\"&'>#?%41.txt" => 'odd' });
	looks_well('listing', $server->url('/many/'));
	my $fetched = $browser->evaluate(<<'END');
Promise.all([...document.links].map(link => fetch(link.href).then(answer => answer.status + ' ' + link.textContent)))
    .then(all => all.filter(one => !one.startsWith('200 ')).concat(document.links.length))
END
	is_deeply [grep { !/\.\.\// } @$fetched], [12], 'each link leads to its file';
	$server->finish;
};

SKIP: {
	my $ffmpeg = find_program('ffmpeg') or skip 'ffmpeg is not installed', 1;
	subtest 'a video is sought in' => sub {
		my $dir = Brood::Server::new_dir();
		# A minute, red at first and then blue, with noise beside it, so that it is too large to be fetched at once.
		system($ffmpeg, '-nostdin', '-loglevel', 'error', '-f', 'lavfi', '-i', 'color=gray:s=160x90:r=10:d=60', '-vf',
			q(noise=alls=100:allf=t,drawbox=w=iw/2:color=red:t=fill:enable='lt(t,30)',drawbox=w=iw/2:color=blue:t=fill:enable='gte(t,30)'),
			'-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '3M', '-g', '20', "$dir/film.webm") == 0
		    or plan skip_all => 'ffmpeg makes no WebM here';
		my $server = Brood::Server->start(root => { 'film.webm' => Brood::Server::slurp("$dir/film.webm"),
			'film.html' => '<!DOCTYPE html><link rel="icon" href="data:,"><video src="film.webm" preload="metadata" muted></video>' });
		is_deeply $browser->visit($server->url('/film.html'))->{problems}, [], 'the page';
		my $seen = $browser->evaluate(<<'END');
(async () => {
	const video = document.querySelector('video'), canvas = new OffscreenCanvas(8, 8).getContext('2d', { willReadFrequently: true });
	const event = name => new Promise((resolve, reject) => {
		video.addEventListener(name, resolve, { once: true });
		video.addEventListener('error', () => reject(new Error(video.error.message)), { once: true });
	});
	if (video.readyState < 1) await event('loadedmetadata');
	const seen = [Math.round(video.duration)];
	for (const time of [55, 3, 45, 29, 31, 59, 0, 58]) {
		// "seeked" may come before the picture.
		const picture = new Promise(resolve => {
			const look = (now, frame) => Math.abs(frame.mediaTime - time) < 0.2 ? resolve() : video.requestVideoFrameCallback(look);
			video.requestVideoFrameCallback(look);
		});
		const done = event('seeked');
		video.currentTime = time;
		await done;
		await picture;
		canvas.drawImage(video, 0, 0, 8, 8);
		const [red, , blue] = canvas.getImageData(1, 4, 1, 1).data;
		seen.push(time + (red > 150 && blue < 100 ? ' red' : blue > 150 && red < 100 ? ' blue' : ` ${red}, ${blue}`));
	}
	return seen;
})()
END
		is_deeply $seen, [60, '55 blue', '3 red', '45 blue', '29 red', '31 blue', '59 blue', '0 red', '58 blue'], 'shows the right place each time';
		my $since = $browser->since;
		is_deeply $since->{problems}, [], 'without an error';
		my @ranges = map { $_->{range} // () } grep { $_->{status} == 206 } @{ $since->{requests} };
		ok((grep { !/^bytes 0-/ } @ranges), 'by ranges');
		note length(Brood::Server::slurp("$dir/film.webm")) . " octets: @ranges";
		$server->finish;
	};
}

# The server is restarted COUNT times from another process; CODE is run again and again meanwhile, and once after that:
# connections that do not move are told of the end by their next answer. How often.
sub while_rolled
{
	my ($server, $count, $code) = @_;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		my @wrong = grep { $server->ctl('restart')->{exit} ne '0' } 1 .. $count;
		POSIX::_exit(scalar @wrong);
	}
	my ($times, $done, $status) = (0, 0);
	while (!$done) {
		$done = waitpid($pid, WNOHANG) == $pid;
		$status = $? if $done;
		$code->();
		$times++;
	}
	is $status, 0, "$count restarts are done";
	return $times;
}

subtest 'a page with thirty parts, while the server is rolled' => sub {
	my $svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9" fill="#%06x"/></svg>';
	my %parts = map { ("style$_.css" => "#p$_ { margin-left: ${_}px }\n", "script$_.js" => "window.ran = (window.ran || 0) + 1;\n",
		"picture$_.svg" => sprintf $svg, $_ * 1000) } 1 .. 10;
	my $page = join '', '<!DOCTYPE html><title>parts</title><link rel="icon" href="data:,">',
	    (map { qq(<link rel="stylesheet" href="style$_.css"><script src="script$_.js"></script>) } 1 .. 10),
	    (map { qq(<p id="p$_"><img src="picture$_.svg">) } 1 .. 10);
	my $server = Brood::Server->start(workers => 4, control => 1, root => { %parts, 'page.html' => $page });
	my $whole = <<'END';
[window.ran, [...document.images].filter(image => image.complete && image.naturalWidth == 9).length,
	[...document.querySelectorAll('p')].filter(p => getComputedStyle(p).marginLeft == p.id.slice(1) + 'px').length].join(' ')
END
	my (%wrong, %connections);
	my $times = while_rolled($server, 40, sub {
		my $visit = $browser->visit($server->url('/page.html'));
		$wrong{$_}++ for @{ $visit->{problems} };
		$connections{ $_->{connection} } = 1 for @{ $visit->{requests} };
		my $state = $browser->evaluate($whole);
		$wrong{"scripts, pictures, styles: $state"}++ if $state ne '10 10 10' || @{ $visit->{requests} } != 31;
	});
	is_deeply \%wrong, {}, "loaded $times times, whole each time";
	cmp_ok scalar(keys %connections), '<=', 6, 'by the same six connections' if !Brood::Server::with_tls(); # where they move

	$browser->visit($server->url('/page.html'));
	my $asked = 0;
	$times = while_rolled($server, 40, sub {
		$asked += $browser->evaluate(<<'END');
(async () => {
	for (let i = 0; i < 100; i++) {
		const answer = await fetch('picture' + (1 + i % 10) + '.svg');
		if (!answer.ok || !(await answer.text()).endsWith('</svg>')) throw new Error('status ' + answer.status);
	}
	return 100;
})()
END
	});
	is_deeply $browser->since->{problems}, [], "$asked requests of a script, one after the other";
	$server->finish;
};

$browser->finish;
done_testing;
