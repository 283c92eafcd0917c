/* SPDX-License-Identifier: MIT
 *
 * Where the paths of roots lead: one who looks, workers that follow, and what the master hears. */
#include "brood/sites/root_look.c"

#include "base/fd.h"
#include "http/site/root_follow.h"
#include "http/site/site.h"
#include "proc/fdpass.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORKERS = 3 };

struct fixture {
	char folder[64], path[96];
	struct epochs *epochs;
	struct root_known known;
	struct root_page page;
	struct root_look look;
	int master; /* its end of the channel */
	struct http_site workers[WORKERS];
};

static const char *below(const struct fixture *fixture, const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", fixture->folder, name);
	return path;
}

static void make_folder(const struct fixture *fixture, const char *name)
{
	assert_int_equal(mkdir(below(fixture, name), 0755), 0);
}

static void switch_to(const struct fixture *fixture, const char *name)
{
	assert_int_equal(symlink(name, below(fixture, "next")), 0);
	assert_int_equal(rename(below(fixture, "next"), fixture->path), 0);
}

/* As a worker is born: with what was open then. */
static void begin_worker(struct fixture *fixture, struct http_site *site)
{
	uint64_t version;
	int fd = root_open(fixture->path, &version);

	*site = (struct http_site){.root = fd < 0 ? file_root_none(false) : file_root_make(fd, false),
				   .follow = {.path = fixture->path, .version = version, .error = fd < 0 ? fd : 0}};
	root_follow_begin(site, fixture->epochs);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int ends[2];

	strcpy(fixture->folder, "/tmp/brood-look-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->path, sizeof(fixture->path), "%s/current", fixture->folder);
	make_folder(fixture, "a");
	make_folder(fixture, "b");
	switch_to(fixture, "a");
	fixture->epochs = epochs_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	fixture->master = ends[0];
	for (size_t i = 0; i < WORKERS; i++)
		begin_worker(fixture, &fixture->workers[i]);
	fixture->known = (struct root_known){fixture->path, fixture->workers[0].follow.version};
	fixture->look = (struct root_look){.list = &fixture->known,
					   .count = 1,
					   .epochs = fixture->epochs,
					   .page = &fixture->page,
					   .channel = ends[1]};
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[192];

	for (size_t i = 0; i < WORKERS; i++)
		fd_close(&fixture->workers[i].root.fd);
	close(fixture->master);
	close(fixture->look.channel);
	epochs_free(fixture->epochs);
	snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s", fixture->folder, fixture->folder);
	assert_int_equal(system(command), 0);
	free(fixture);
	return 0;
}

static bool is_folder(int fd, const char *path)
{
	struct stat one, other;

	assert_int_equal(fstat(fd, &one), 0);
	assert_int_equal(stat(path, &other), 0);
	return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* What an answer of a worker begins with. */
static void follow(struct http_site *site)
{
	if (!epoch_holds(&site->follow.seen))
		assert_true(root_follow(site) >= 0);
}

static void assert_all_have(struct fixture *fixture, const char *name)
{
	for (size_t i = 0; i < WORKERS; i++) {
		follow(&fixture->workers[i]);
		assert_int_equal(fixture->workers[i].follow.error, 0);
		assert_true(is_folder(fixture->workers[i].root.fd, below(fixture, name)));
		assert_true(epoch_holds(&fixture->workers[i].follow.seen));
	}
	follow(&fixture->workers[0]);
	assert_true(epoch_holds(&fixture->workers[0].follow.seen));
}

static void assert_all_lack(struct fixture *fixture, int error)
{
	for (size_t i = 0; i < WORKERS; i++) {
		follow(&fixture->workers[i]);
		assert_int_equal(fixture->workers[i].follow.error, error);
		assert_int_equal(fixture->workers[i].root.fd, -1);
		assert_true(epoch_holds(&fixture->workers[i].follow.seen));
	}
}

/* -1: nothing; else a folder of that name (NULL: none) and the error. */
static void assert_heard(struct fixture *fixture, int error, const char *name)
{
	int fds[FDPASS_RECEIVE_MAX];
	struct root_news news;
	size_t count;
	bool lost;

	assert_int_equal(fdpass_receive(fixture->master, &news, sizeof(news), fds, &count, &lost), sizeof(news));
	assert_int_equal(news.number, 0);
	assert_int_equal(news.error, error);
	assert_int_equal(count, name ? 1 : 0);
	if (!name)
		return;
	assert_true(is_folder(fds[0], below(fixture, name)));
	close(fds[0]);
}

static void assert_nothing_heard(struct fixture *fixture)
{
	char octet;

	assert_int_equal(recv(fixture->master, &octet, 1, MSG_DONTWAIT), -1);
}

static void a_switch_is_told_once_and_followed_by_all(void **state)
{
	struct fixture *fixture = *state;

	look_at_all(&fixture->look);
	assert_all_have(fixture, "a");
	assert_nothing_heard(fixture);
	switch_to(fixture, "b");
	/* Nobody has the new one as long as it was not told. */
	assert_all_have(fixture, "a");
	look_at_all(&fixture->look);
	for (size_t i = 0; i < WORKERS; i++)
		assert_false(epoch_holds(&fixture->workers[i].follow.seen));
	assert_all_have(fixture, "b");
	assert_heard(fixture, 0, "b");
	look_at_all(&fixture->look);
	assert_nothing_heard(fixture);
	assert_all_have(fixture, "b");
	switch_to(fixture, "a");
	look_at_all(&fixture->look);
	assert_all_have(fixture, "a");
	assert_heard(fixture, 0, "a");
}

/* One that was told of a switch finds a later one: then that is told, before it answers. */
static void who_finds_a_later_one_tells_it(void **state)
{
	struct fixture *fixture = *state;

	switch_to(fixture, "b");
	look_at_all(&fixture->look);
	switch_to(fixture, "a");
	follow(&fixture->workers[0]);
	assert_true(is_folder(fixture->workers[0].root.fd, below(fixture, "a")));
	assert_all_have(fixture, "a");
	switch_to(fixture, "b");
	look_at_all(&fixture->look);
	follow(&fixture->workers[0]);
	switch_to(fixture, "a");
	/* It has the last one that anybody knows of; this one has not looked yet. */
	follow(&fixture->workers[1]);
	follow(&fixture->workers[0]);
	assert_true(is_folder(fixture->workers[0].root.fd, below(fixture, "a")));
	assert_all_have(fixture, "a");
}

static void what_is_gone_is_known_and_comes_back(void **state)
{
	struct fixture *fixture = *state;

	look_at_all(&fixture->look);
	assert_int_equal(unlink(fixture->path), 0);
	look_at_all(&fixture->look);
	assert_all_lack(fixture, -ENOENT);
	assert_heard(fixture, -ENOENT, NULL);
	look_at_all(&fixture->look);
	assert_nothing_heard(fixture);
	close(open(fixture->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	look_at_all(&fixture->look);
	assert_all_lack(fixture, -ENOTDIR);
	assert_heard(fixture, -ENOTDIR, NULL);
	switch_to(fixture, "current");
	look_at_all(&fixture->look);
	assert_all_lack(fixture, -ELOOP);
	assert_heard(fixture, -ELOOP, NULL);
	switch_to(fixture, "a");
	look_at_all(&fixture->look);
	assert_all_have(fixture, "a");
	assert_heard(fixture, 0, "a");
}

/* Whatever number the next one gets. */
static void made_anew_is_another_one(void **state)
{
	struct fixture *fixture = *state;

	look_at_all(&fixture->look);
	for (unsigned i = 0; i < 20; i++) {
		bool seen = i % 2;

		assert_int_equal(rmdir(below(fixture, "a")), 0);
		if (seen) {
			look_at_all(&fixture->look);
			assert_all_lack(fixture, -ENOENT);
			assert_heard(fixture, -ENOENT, NULL);
		}
		make_folder(fixture, "a");
		look_at_all(&fixture->look);
		assert_all_have(fixture, "a");
		assert_heard(fixture, 0, "a");
	}
}

static void what_may_not_be_entered_is_known(void **state)
{
	struct fixture *fixture = *state;

	if (geteuid() == 0) /* who may everything; t/http/deployments.t has workers that may not */
		skip();
	assert_int_equal(chmod(below(fixture, "a"), 0), 0);
	look_at_all(&fixture->look);
	assert_all_lack(fixture, -EACCES);
	assert_heard(fixture, -EACCES, NULL);
	assert_int_equal(chmod(below(fixture, "a"), 0711), 0);
	look_at_all(&fixture->look);
	assert_all_have(fixture, "a");
}

/* A worker that begins late with what the master had open when it was forked. */
static void who_begins_goes_by_what_was_told(void **state)
{
	struct fixture *fixture = *state;
	struct http_site late = fixture->workers[0];

	/* Nobody has looked yet: it is what it is. */
	switch_to(fixture, "b");
	root_follow_begin(&late, fixture->epochs);
	assert_true(epoch_holds(&late.follow.seen));
	look_at_all(&fixture->look);
	late.root = file_root_make(dup(fixture->workers[0].root.fd), false);
	root_follow_begin(&late, fixture->epochs);
	assert_false(epoch_holds(&late.follow.seen));
	follow(&late);
	assert_true(is_folder(late.root.fd, below(fixture, "b")));
	fd_close(&late.root.fd);
	/* Nothing to open for who has the right one. */
	begin_worker(fixture, &late);
	assert_true(epoch_holds(&late.follow.seen));
	fd_close(&late.root.fd);
	/* One that has none, where there is one by now. */
	late = (struct http_site){.root = file_root_none(false),
				  .follow = {.path = fixture->path, .version = ENOENT, .error = -ENOENT}};
	root_follow_begin(&late, fixture->epochs);
	follow(&late);
	assert_true(is_folder(late.root.fd, below(fixture, "b")));
	fd_close(&late.root.fd);
}

static void without_descriptors_nothing_is_made_up(void **state)
{
	struct fixture *fixture = *state;
	struct http_site *site = &fixture->workers[0];
	struct rlimit limit, none;

	switch_to(fixture, "b");
	look_at_all(&fixture->look);
	assert_heard(fixture, 0, "b");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){3, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(root_follow(site), -EMFILE);
	root_follow_fail(site, -EMFILE);
	look_at_all(&fixture->look);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(site->root.fd, -1);
	assert_false(epoch_holds(&site->follow.seen));
	assert_nothing_heard(fixture);
	assert_all_have(fixture, "b");
}

/* The master reads when it likes. */
static void what_could_not_be_sent_is_sent_later(void **state)
{
	struct fixture *fixture = *state;
	unsigned sent = 0;

	while (send(fixture->look.channel, "x", 1, MSG_DONTWAIT) == 1)
		sent++;
	switch_to(fixture, "b");
	look_at_all(&fixture->look);
	assert_all_have(fixture, "b");
	for (char octet; sent > 0; sent--)
		assert_int_equal(recv(fixture->master, &octet, 1, MSG_DONTWAIT), 1);
	assert_nothing_heard(fixture);
	look_at_all(&fixture->look);
	assert_heard(fixture, 0, "b");
}

/* One that was given up on says nothing when it comes to itself, and shows that it has moved as long as it is not. */
static void who_is_to_leave_says_nothing(void **state)
{
	struct fixture *fixture = *state;
	uint64_t beat = fixture->page.beat;

	look_at_all(&fixture->look);
	assert_true(fixture->page.beat > beat);
	assert_int_equal(fixture->page.at, ROOT_NONE);
	fixture->page.leave = 1;
	switch_to(fixture, "b");
	look_at_all(&fixture->look);
	assert_nothing_heard(fixture);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_switch_is_told_once_and_followed_by_all),
		TEST(who_finds_a_later_one_tells_it),
		TEST(what_is_gone_is_known_and_comes_back),
		TEST(made_anew_is_another_one),
		TEST(what_may_not_be_entered_is_known),
		TEST(who_begins_goes_by_what_was_told),
		TEST(without_descriptors_nothing_is_made_up),
		TEST(what_could_not_be_sent_is_sent_later),
		TEST(who_is_to_leave_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
