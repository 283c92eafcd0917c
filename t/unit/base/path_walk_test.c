/* SPDX-License-Identifier: MIT
 *
 * Walks beneath a folder: the same answers as the kernel's own (openat2), also while folders are moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/path_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int __real_openat(int folder, const char *name, int flags, ...);
int __wrap_openat(int folder, const char *name, int flags, ...);
int __wrap___openat_2(int folder, const char *name, int flags); /* what some builds make of it */

/* What happens right before the walk opens a name for the first time. */
static struct {
	const char *name;
	void (*act)(void);
} meanwhile;

static char base[] = "/tmp/brood-walk-XXXXXX";
static int outside, root; /* `root` lies in `outside` */

int __wrap_openat(int folder, const char *name, int flags, ...)
{
	if (meanwhile.name && strcmp(name, meanwhile.name) == 0) {
		meanwhile.name = NULL;
		meanwhile.act();
	}
	return __real_openat(folder, name, flags, 0);
}

int __wrap___openat_2(int folder, const char *name, int flags)
{
	return __wrap_openat(folder, name, flags);
}

static void file(const char *name)
{
	int fd = __real_openat(root, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, name, strlen(name)), strlen(name));
	close(fd);
}

static void folder(const char *name)
{
	assert_int_equal(mkdirat(root, name, 0755), 0);
}

static void link_to(const char *name, const char *text)
{
	assert_int_equal(symlinkat(text, root, name), 0);
}

/* A chain of so many links. */
static void chain(const char *prefix, int count, const char *end)
{
	char name[32], next[32];

	for (int i = 1; i <= count; i++) {
		snprintf(name, sizeof(name), "%s%d", prefix, i);
		snprintf(next, sizeof(next), "%s%d", prefix, i + 1);
		link_to(name, i == count ? end : next);
	}
}

static void make_files(void)
{
	folder("d");
	folder("d/e");
	folder("d/e/f");
	folder("closed");
	folder("unread");
	folder("sticky");
	file("a");
	file("d/b");
	file("d/e/f/c");
	file("closed/x");
	file("unread/x");
	file("secret");
	assert_int_equal(mkfifoat(root, "fifo", 0644), 0);
	assert_int_equal(fchmodat(root, "closed", 0600, 0), 0);
	assert_int_equal(fchmodat(root, "unread", 0311, 0), 0);
	assert_int_equal(fchmodat(root, "secret", 0, 0), 0);
	assert_int_equal(fchmodat(root, "sticky", 01777, 0), 0);
}

static void make_links(void)
{
	char path[PATH_MAX];

	link_to("l", "a");
	link_to("d/up", "../a");
	link_to("d/e/f/ups", "../../../d/./e/..//b");
	link_to("folder", "d/e");
	link_to("folder-slash", "d/e/");
	link_to("a-slash", "a/");
	link_to("out", "../outside");
	link_to("d/out", "../../outside");
	link_to("out-and-in", "../root/a");
	link_to("up-to-root", "d/..");
	link_to("dot", ".");
	link_to("absolute", "/etc/passwd");
	snprintf(path, sizeof(path), "%s/root/a", base);
	link_to("absolute-in", path);
	link_to("slash", "/");
	link_to("dangling", "nothing");
	link_to("to-file-as-folder", "a/x");
	link_to("through-closed", "closed/../a");
	link_to("to-itself", "to-itself");
	link_to("ping", "pong");
	link_to("pong", "ping");
	link_to("sticky/l", "../a");
	link_to("to-fifo", "fifo");
	link_to("to-secret", "secret");
	chain("ok", 40, "a");
	chain("toomany", 41, "a");
	chain("deep", 39, "d/e/f/ups");
	memset(path, 'n', 300);
	path[300] = '\0';
	link_to("to-long", path);
}

static int set_up(void **state)
{
	(void)state;
	umask(0);
	if (!mkdtemp(base) || chmod(base, 0755) < 0)
		return -1;
	outside = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (outside < 0 || mkdirat(outside, "root", 0755) < 0 || mkdirat(outside, "outside", 0755) < 0)
		return -1;
	root = __real_openat(outside, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	make_files();
	make_links();
	return 0;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat, (void)type, (void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	close(root);
	close(outside);
	return nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int ask_kernel(int at, const char *name, int flags, bool no_links)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | (no_links ? RESOLVE_NO_SYMLINKS : RESOLVE_NO_MAGICLINKS),
	};
	long fd = syscall(SYS_openat2, at, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static bool kernel_has_it(void)
{
	return ask_kernel(-1, ".", O_PATH, false) == -EBADF;
}

static size_t descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* What was of use for opening only stays with a descriptor, and means nothing there. */
static int mode_of(int fd)
{
	return fcntl(fd, F_GETFL) & ~(O_NOFOLLOW | O_DIRECTORY);
}

static bool is_same_file(int one, int other)
{
	struct stat a, b;

	return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev &&
	       mode_of(one) == mode_of(other) && fcntl(one, F_GETFD) == FD_CLOEXEC;
}

static bool is_same(int at, const char *name, int flags, bool no_links)
{
	int kernel = ask_kernel(at, name, flags, no_links);
	int walk = path_walk_open(at, name, flags, no_links);
	bool same = kernel >= 0 && walk >= 0 ? is_same_file(walk, kernel) : walk == kernel;

	if (!same)
		print_error("'%s', flags %x, %s: %d, not %d\n", name, (unsigned)flags, no_links ? "no links" : "links",
			    walk, kernel);
	if (kernel >= 0)
		close(kernel);
	if (walk >= 0)
		close(walk);
	return same;
}

static void assert_same(int at, const char *name, int flags, bool no_links)
{
	assert_true(is_same(at, name, flags, no_links));
}

static const char *const firsts[] = {
	"a",
	"d",
	"d/b",
	"d/e",
	"d/e/f",
	"d/e/f/c",
	"none",
	"d/none",
	"none/x",
	"a/x",
	"closed",
	"closed/x",
	"unread",
	"unread/x",
	"secret",
	"fifo",
	"l",
	"d/up",
	"d/e/f/ups",
	"folder",
	"folder/f/c",
	"folder-slash",
	"folder-slash/f",
	"a-slash",
	"out",
	"d/out",
	"out/x",
	"out-and-in",
	"up-to-root",
	"up-to-root/a",
	"dot",
	"dot/dot/a",
	"absolute",
	"absolute-in",
	"slash",
	"slash/etc",
	"dangling",
	"dangling/x",
	"to-file-as-folder",
	"through-closed",
	"to-itself",
	"ping",
	"ping/x",
	"sticky/l",
	"to-fifo",
	"to-secret",
	"ok1",
	"ok1/x",
	"toomany1",
	"deep1",
	"to-long",
	"",
	".",
	"..",
	"./a",
	"d/../a",
	"d/../../root/a",
	"../root/a",
	"d//b",
	"d/./b",
	"/",
	"/a",
	"//",
	"a/..",
	"a/.",
	"closed/..",
	"closed/.",
	"none/..",
	"folder/../b",
	"d/..",
	"d/e/../..",
	"d/e/../../..",
	"...",
	"..a",
	"d/...",
	"\xff",
	"a\n",
};
static const char *const seconds[] = {"", "/", "//", "/.", "/..", "/x", "/../a"};
static const int openings[] = {O_PATH, O_PATH | O_DIRECTORY, O_RDONLY | O_NONBLOCK | O_NOCTTY, O_RDONLY | O_DIRECTORY};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* How many answers are others. */
static unsigned differences(void)
{
	unsigned count = 0;
	char name[64];

	for (size_t i = 0; i < COUNT(firsts) * COUNT(seconds) * COUNT(openings) * 2; i++) {
		size_t at = i / 2;

		snprintf(name, sizeof(name), "%s%s", firsts[at / COUNT(openings) / COUNT(seconds)],
			 seconds[at / COUNT(openings) % COUNT(seconds)]);
		count += !is_same(root, name, openings[at % COUNT(openings)], i % 2);
	}
	return count;
}

static void a_walk_gives_the_answers_of_the_kernel(void **state)
{
	size_t before = descriptors();

	(void)state;
	if (!kernel_has_it())
		skip();
	assert_int_equal(differences(), 0);
	assert_int_equal(descriptors(), before);
}

/* Permissions count for others only. */
static void it_does_so_for_a_user_without_privileges(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (!kernel_has_it() || geteuid() != 0)
		skip();
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		_exit(differences() > 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void names_and_links_may_be_long(void **state)
{
	char name[PATH_MAX + 1];

	(void)state;
	if (!kernel_has_it())
		skip();
	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	assert_same(root, name, O_PATH, false);
	name[255] = 'n';
	name[256] = '\0';
	assert_same(root, name, O_PATH, false);
	name[256] = 'n';
	for (size_t i = 0; i < PATH_MAX - 2; i += 2)
		memcpy(name + i, "./", 2);
	memcpy(name + PATH_MAX - 2, "a", 2);
	assert_same(root, name, O_PATH, false);
	memcpy(name + PATH_MAX - 2, "aa", 3);
	assert_same(root, name, O_PATH, false);
	assert_int_equal(path_walk_open(root, name, O_PATH, false), -ENAMETOOLONG);
}

/* More folders than are kept open; only a link that leads up by more than that is not followed. */
static void folders_may_be_deep(void **state)
{
	char deep[2 * (PATH_WALK_PARENTS + 40)] = "", ups[3 * (PATH_WALK_PARENTS + 40)] = "", name[PATH_MAX];
	size_t before = descriptors();

	(void)state;
	if (!kernel_has_it())
		skip();
	for (int i = 0; i < PATH_WALK_PARENTS + 20; i++) {
		strcat(deep, i ? "/y" : "y");
		assert_int_equal(mkdirat(root, deep, 0755), 0);
	}
	assert_same(root, deep, O_PATH, false);
	for (int i = 0; i < PATH_WALK_PARENTS - 1; i++)
		strcat(ups, i ? "/.." : "..");
	snprintf(name, sizeof(name), "%s/%s", deep, ups);
	assert_same(root, name, O_PATH, false);
	snprintf(name, sizeof(name), "%s/%s/..", deep, ups);
	assert_int_equal(path_walk_open(root, name, O_PATH, false), -ENAMETOOLONG);
	assert_int_equal(descriptors(), before);
}

static void links_of_the_kernel_are_not_followed(void **state)
{
	static const char *const names[] = {"self/fd/0",   "self/exe", "self/cwd", "self/root/etc",   "self/ns/net",
					    "self/status", "self",     "mounts",   "thread-self/comm"};
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	if (!kernel_has_it())
		skip();
	for (size_t i = 0; i < COUNT(names); i++)
		assert_same(proc, names[i], O_PATH, false);
	close(proc);
}

/* --- what is moved meanwhile --- */

static void move_out(void)
{
	assert_int_equal(renameat(root, "d/e", outside, "e"), 0);
}

static void move_back(void)
{
	assert_int_equal(renameat(outside, "e", root, "d/e"), 0);
}

/* Before "b" of d/e/f/ups is opened, or its "..", what the walk stands in lies elsewhere. */
static void nothing_that_is_moved_leads_out(void **state)
{
	int secret = __real_openat(outside, "b", O_WRONLY | O_CREAT | O_CLOEXEC, 0644), fd;
	struct stat inside, got;

	(void)state;
	close(secret);
	assert_int_equal(fstatat(root, "d/b", &inside, 0), 0);
	meanwhile.name = "ups";
	meanwhile.act = move_out;
	fd = path_walk_open(root, "d/e/f/ups", O_PATH, false);
	assert_null(meanwhile.name);
	move_back();
	/* Up three times from f, which lies outside by now, is the root still; and there d has no e. */
	assert_int_equal(fd, -ENOENT);

	meanwhile.name = "f";
	fd = path_walk_open(root, "folder/f/../../b", O_PATH, false);
	assert_null(meanwhile.name);
	move_back();
	/* What lies above is what was come from: not the other b. */
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &got), 0);
	assert_int_equal(got.st_ino, inside.st_ino);
	close(fd);
}

static void lay_link(void)
{
	assert_int_equal(renameat(root, "a", root, "a-before"), 0);
	assert_int_equal(symlinkat("../outside", root, "a"), 0);
}

static void lay_link_for_folder(void)
{
	assert_int_equal(renameat(root, "d", root, "d-before"), 0);
	assert_int_equal(symlinkat("../outside", root, "d"), 0);
}

static void put_back(const char *name, const char *before)
{
	assert_int_equal(unlinkat(root, name, 0), 0);
	assert_int_equal(renameat(root, before, root, name), 0);
}

static void a_link_that_is_laid_meanwhile_is_one(void **state)
{
	(void)state;
	meanwhile.name = "a";
	meanwhile.act = lay_link;
	assert_int_equal(path_walk_open(root, "a", O_RDONLY | O_NONBLOCK, false), -EXDEV);
	put_back("a", "a-before");
	meanwhile.name = "d";
	meanwhile.act = lay_link_for_folder;
	assert_int_equal(path_walk_open(root, "d/b", O_PATH, false), -EXDEV);
	put_back("d", "d-before");
}

/* Two processes at once, without waiting for each other: whatever is got lies inside. */
static void folders_may_be_moved_all_the_time(void **state)
{
	struct stat other, got;
	int status, opened = 0;
	pid_t mover = fork();

	(void)state;
	assert_true(mover >= 0);
	if (mover == 0) {
		for (;;) {
			if (renameat(root, "d/e", outside, "e") < 0 || renameat(outside, "e", root, "d/e") < 0)
				_exit(1);
		}
	}
	assert_int_equal(fstatat(outside, "b", &other, 0), 0);
	for (int i = 0; i < 20000; i++) {
		int fd = path_walk_open(root, i % 2 ? "d/e/f/ups" : "d/e/../b", O_PATH, false);

		if (fd < 0) {
			assert_true(fd == -ENOENT || fd == -EAGAIN);
			continue;
		}
		opened++;
		assert_int_equal(fstat(fd, &got), 0);
		assert_true(got.st_ino != other.st_ino);
		close(fd);
	}
	kill(mover, SIGKILL);
	assert_int_equal(waitpid(mover, &status, 0), mover);
	assert_true(WIFSIGNALED(status));
	(void)renameat(outside, "e", root, "d/e");
	assert_true(opened > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_gives_the_answers_of_the_kernel),
		cmocka_unit_test(it_does_so_for_a_user_without_privileges),
		cmocka_unit_test(names_and_links_may_be_long),
		cmocka_unit_test(folders_may_be_deep),
		cmocka_unit_test(links_of_the_kernel_are_not_followed),
		cmocka_unit_test(nothing_that_is_moved_leads_out),
		cmocka_unit_test(a_link_that_is_laid_meanwhile_is_one),
		cmocka_unit_test(folders_may_be_moved_all_the_time),
	};

	return cmocka_run_group_tests_name("walks beneath a folder", tests, set_up, tear_down);
}
