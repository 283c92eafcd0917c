/* SPDX-License-Identifier: MIT
 *
 * What root follows, opens, makes and removes where others may write, and what it does not. */
#include "base/trusted_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SOMEBODY = 65533, MET_AT_LEAST = 1000, OPENINGS_MAX = 10000000 };

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

/* base/roots: root's own; base/his: somebody's; base/all, base/group: root's, where others may write;
 * base/sticky: with the sticky bit; base/target: what is to be kept from harm, with a file in it. */
static char base[] = "/tmp/trusted_file_test.XXXXXX";
static char reason[TRUSTED_REASON_MAX];
static char texts[8][256];
static unsigned next_text;

/* Path of a name in the test's folder. */
static char *at(const char *name)
{
	char *text = texts[next_text++ % 8];

	snprintf(text, sizeof(texts[0]), "%s/%s", base, name);
	return text;
}

static void put_folder(const char *name, uid_t owner, mode_t mode)
{
	assert_int_equal(mkdir(at(name), 0700), 0);
	assert_int_equal(chown(at(name), owner, 0), 0);
	assert_int_equal(chmod(at(name), mode), 0);
}

static void put_file(const char *name, uid_t owner)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_EXCL, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fchown(fd, owner, 0), 0);
	close(fd);
}

static void put_link(const char *name, const char *text, uid_t owner)
{
	assert_int_equal(symlink(text, at(name)), 0);
	assert_int_equal(lchown(at(name), owner, 0), 0);
}

static int set_up(void **state)
{
	(void)state;
	memcpy(base + strlen(base) - 6, "XXXXXX", 6);
	if (!mkdtemp(base) || chmod(base, 0755) < 0)
		return -1;
	if (geteuid() != 0)
		return 0;
	umask(022);
	put_folder("roots", 0, 0755);
	put_folder("his", SOMEBODY, 0755);
	put_folder("all", 0, 0777);
	put_folder("group", 0, 0775);
	put_folder("sticky", 0, 01777);
	put_folder("target", 0, 0755);
	put_file("target/file", 0);
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void want_root(void)
{
	if (geteuid() != 0)
		skip();
}

/* As a log is opened. */
static int append(const char *name)
{
	return trusted_file_open(at(name), O_WRONLY | O_APPEND, 0640, reason, sizeof(reason));
}

static void assert_opens(const char *name, const char *file)
{
	int fd = append(name);
	struct stat opened, wanted;

	if (fd < 0)
		fail_msg("%s: %s", name, reason);
	assert_int_equal(fstat(fd, &opened), 0);
	assert_int_equal(lstat(at(file), &wanted), 0);
	assert_true(opened.st_ino == wanted.st_ino && opened.st_dev == wanted.st_dev);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_APPEND | O_ACCMODE), O_APPEND | O_WRONLY);
	close(fd);
}

/* Refused by the opening and by the look before, for the same reason, which has these words. */
static void assert_refused(const char *name, const char *words)
{
	char looked[TRUSTED_REASON_MAX];

	assert_int_equal(append(name), -EPERM);
	if (!strstr(reason, words))
		fail_msg("%s: '%s' does not say '%s'", name, reason, words);
	assert_int_equal(trusted_file_check(at(name), 0, looked, sizeof(looked)), -EPERM);
	assert_string_equal(looked, reason);
}

static void links_that_only_root_can_have_laid_are_followed(void **state)
{
	(void)state;
	want_root();
	put_link("roots/relative", "../target/file", 0);
	put_link("roots/absolute", at("target/file"), 0);
	put_link("roots/chain", "relative", 0);
	put_link("roots/folder", "../target/.", 0);
	put_link("roots/up", "../roots//../target/", 0);
	put_link("roots/missing", "../target/new", 0);
	put_link("roots/to-his", "../his/plain", 0);
	put_file("his/plain", SOMEBODY);
	assert_opens("roots/relative", "target/file");
	assert_opens("roots/absolute", "target/file");
	assert_opens("roots/chain", "target/file");
	assert_opens("roots/folder/file", "target/file");
	assert_opens("roots/up/file", "target/file");
	assert_opens("roots/missing", "target/new");
	assert_opens("roots/to-his", "his/plain");
	assert_int_equal(trusted_file_check(at("roots/chain"), 0, reason, sizeof(reason)), 0);
}

static void links_that_others_can_have_laid_are_not(void **state)
{
	(void)state;
	want_root();
	put_link("roots/of-his", "../target/file", SOMEBODY);
	put_link("his/of-root", "../target/file", 0);
	put_link("his/of-his", "../target/new", SOMEBODY);
	put_link("all/link", "../target/file", 0);
	put_link("group/link", "../target/file", 0);
	put_link("sticky/link", "../target/file", 0);
	assert_refused("roots/of-his", "it belongs to uid 65533");
	assert_refused("his/of-root", "/his' belongs to uid 65533");
	assert_refused("his/of-his", "/his' belongs to uid 65533");
	assert_refused("all/link", "others may write to");
	assert_refused("group/link", "(mode 0775)");
	assert_refused("sticky/link", "(mode 1777)");
	assert_int_equal(access(at("target/new"), F_OK), -1);
}

static void the_same_holds_for_each_folder_on_the_way(void **state)
{
	(void)state;
	want_root();
	put_link("his/folder", "../target", SOMEBODY);
	put_link("all/folder", at("target"), 0);
	put_folder("his/roots", 0, 0755);
	put_link("his/roots/link", "../../target/file", 0);
	put_folder("all/roots", 0, 0755);
	put_link("all/roots/link", "../../target/file", 0);
	put_folder("sticky/roots", 0, 0755);
	put_link("sticky/roots/link", "../../target/file", 0);
	put_link("roots/in", "../his", 0);
	assert_refused("his/folder/file", "/his/folder'");
	assert_refused("his/folder/new", "/his/folder'");
	assert_refused("all/folder/file", "/all/folder'");
	assert_refused("his/roots/link", "/his' belongs to uid");
	assert_refused("all/roots/link", "others may write to");
	assert_refused("roots/in/folder/file", "/his' belongs to uid");
	assert_refused("his/../his/folder/file", "/his' belongs to uid");
	assert_opens("sticky/roots/link", "target/file");
	assert_int_equal(access(at("target/new"), F_OK), -1);
}

static void a_way_without_end_or_beginning_is_an_error(void **state)
{
	char longest[PATH_MAX + 2];

	(void)state;
	want_root();
	put_link("roots/self", "self", 0);
	put_link("roots/a", "b", 0);
	put_link("roots/b", "a", 0);
	assert_int_equal(append("roots/self"), -ELOOP);
	assert_int_equal(append("roots/a/x"), -ELOOP);
	assert_int_equal(append("roots/none/such"), -ENOENT);
	assert_int_equal(append("target/file/x"), -ENOTDIR);
	assert_int_equal(append("roots"), -EISDIR);
	assert_int_equal(append("roots/.."), -EISDIR);
	assert_string_equal(reason, "Is a directory");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(trusted_file_open(longest, O_WRONLY, 0600, reason, sizeof(reason)), -ENAMETOOLONG);
	longest[NAME_MAX + 2] = '\0';
	assert_int_equal(trusted_file_open(longest, O_WRONLY, 0600, reason, sizeof(reason)), -ENAMETOOLONG);
	assert_int_equal(trusted_file_open("here", O_WRONLY, 0600, reason, sizeof(reason)), -EINVAL);
}

static void assert_write_arrives(const char *path, int from)
{
	char octet = 0;
	int fd = trusted_file_open(path, O_WRONLY | O_APPEND, 0640, reason, sizeof(reason));

	if (fd < 0)
		fail_msg("%s: %s", path, reason);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(read(from, &octet, 1), 1);
	assert_int_equal(octet, 'x');
}

static void standard_output_by_its_device_is_what_it_is(void **state)
{
	char path[64];
	int ends[2], saved = dup(STDOUT_FILENO);

	(void)state;
	want_root();
	assert_int_equal(pipe(ends), 0);
	put_link("roots/log", "/dev/stdout", 0);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), ends[1]);
	put_link("roots/other", path, 0);
	fflush(stdout);
	assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
	assert_write_arrives("/dev/stdout", ends[0]);
	assert_write_arrives("/proc/self/fd/1", ends[0]);
	assert_write_arrives("/proc/thread-self/fd/1", ends[0]);
	assert_write_arrives(at("roots/log"), ends[0]);
	assert_write_arrives(at("roots/other"), ends[0]);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	close(ends[0]);
	close(ends[1]);
}

/* A process of somebody's, which waits to be killed. */
static pid_t start_his(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (setresgid(SOMEBODY, SOMEBODY, SOMEBODY) == 0 && setresuid(SOMEBODY, SOMEBODY, SOMEBODY) == 0)
			execl("/bin/sh", "sh", "-c", "kill -STOP $$", (char *)NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	return pid;
}

static void links_of_the_kernel_are_by_the_same_rule(void **state)
{
	char path[64];
	pid_t pid;
	int folder, fd;

	(void)state;
	want_root();
	put_link("target/link", "file", 0);
	folder = open(at("target"), O_RDONLY | O_DIRECTORY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/file", folder);
	fd = trusted_file_open(path, O_WRONLY, 0600, reason, sizeof(reason));
	assert_true(fd >= 0);
	close(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/link", folder);
	assert_int_equal(trusted_file_open(path, O_WRONLY, 0600, reason, sizeof(reason)), -EPERM);
	assert_non_null(strstr(reason, "may lead anywhere"));
	close(folder);
	pid = start_his();
	snprintf(path, sizeof(path), "/proc/%d/fd/1", (int)pid);
	assert_int_equal(trusted_file_open(path, O_WRONLY, 0600, reason, sizeof(reason)), -EPERM);
	assert_non_null(strstr(reason, "belongs to uid 65533"));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_plain_file_in_a_folder_of_others_is_opened_or_made(void **state)
{
	struct stat status;

	(void)state;
	want_root();
	put_file("his/old", SOMEBODY);
	put_file("his/old-of-root", 0);
	put_file("sticky/old-of-root", 0);
	assert_opens("his/old", "his/old");
	assert_opens("his/old-of-root", "his/old-of-root");
	assert_opens("his/new", "his/new");
	assert_opens("all/new", "all/new");
	assert_opens("sticky/old-of-root", "sticky/old-of-root");
	assert_int_equal(stat(at("his/new"), &status), 0);
	assert_int_equal(status.st_uid, 0);
	assert_int_equal(status.st_mode, S_IFREG | 0640);
}

static void what_is_no_plain_file_of_one_name_is_refused_there(void **state)
{
	(void)state;
	want_root();
	assert_int_equal(link(at("target/file"), at("his/hard")), 0);
	assert_int_equal(mkfifo(at("his/fifo"), 0666), 0);
	assert_int_equal(mkfifo(at("group/fifo"), 0666), 0);
	put_file("sticky/of-his", SOMEBODY);
	assert_refused("his/hard", "'hard' is one of 2 names of a file");
	assert_refused("his/fifo", "'fifo' is no regular file");
	assert_refused("group/fifo", "no regular file");
	assert_refused("sticky/of-his", "'of-his' belongs to uid 65533");
	if (mknod(at("his/null"), S_IFCHR | 0666, makedev(1, 3)) == 0) /* not everywhere allowed */
		assert_refused("his/null", "no regular file");
}

static void roots_own_folder_may_have_anything(void **state)
{
	(void)state;
	want_root();
	assert_int_equal(link(at("target/file"), at("roots/hard")), 0);
	assert_int_equal(mkfifo(at("roots/fifo"), 0666), 0);
	assert_opens("roots/hard", "target/file");
	assert_int_equal(append("roots/fifo"), -ENXIO);
}

static void a_last_link_is_refused_where_none_is_wanted(void **state)
{
	(void)state;
	put_link("link", at("file"), geteuid());
	assert_int_equal(trusted_file_open(at("link"), O_RDWR | O_NOFOLLOW, 0644, reason, sizeof(reason)), -ELOOP);
	assert_int_equal(trusted_file_check(at("link"), O_NOFOLLOW, reason, sizeof(reason)), -ELOOP);
	assert_int_equal(access(at("file"), F_OK), -1);
}

static void a_folder_is_made_where_root_may(void **state)
{
	struct stat status;
	int fd;

	(void)state;
	want_root();
	put_link("roots/to", "../target/made", 0);
	put_link("his/to", "../target/other", SOMEBODY);
	fd = trusted_file_folder(at("roots/to"), 0750, reason, sizeof(reason));
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(stat(at("target/made"), &status), 0);
	assert_int_equal(status.st_mode, S_IFDIR | 0750);
	fd = trusted_file_folder(at("his/plain"), 0755, reason, sizeof(reason));
	assert_true(fd >= 0);
	close(fd);
	fd = trusted_file_folder("/", 0755, reason, sizeof(reason));
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(trusted_file_folder(at("his/to"), 0755, reason, sizeof(reason)), -EPERM);
	assert_int_equal(trusted_file_folder(at("his/to/sub"), 0755, reason, sizeof(reason)), -EPERM);
	assert_int_equal(access(at("target/other"), F_OK), -1);
	assert_int_equal(trusted_file_folder(at("none/such"), 0755, reason, sizeof(reason)), -ENOENT);
	assert_int_equal(trusted_file_folder(at("target/file"), 0755, reason, sizeof(reason)), -ENOTDIR);
	assert_string_equal(reason, "Not a directory");
}

static void only_what_is_known_is_removed_and_not_through_links(void **state)
{
	struct stat status;

	(void)state;
	want_root();
	assert_int_equal(stat(at("target/file"), &status), 0);
	put_link("his/folder", "../target", SOMEBODY);
	put_file("roots/file", 0);
	trusted_file_remove(at("roots/file"), &status);
	trusted_file_remove(at("his/folder/file"), &status);
	trusted_file_remove(at("target/file"), NULL); /* no socket */
	assert_int_equal(access(at("roots/file"), F_OK), 0);
	assert_int_equal(access(at("target/file"), F_OK), 0);
	trusted_file_remove(at("target/file"), &status);
	assert_int_equal(access(at("target/file"), F_OK), -1);
}

static void who_is_not_root_follows_as_always(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	want_root();
	put_link("roots/of-his", "../all/file", SOMEBODY);
	put_link("all/of-root", "../all/second", 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setresuid(SOMEBODY, SOMEBODY, SOMEBODY) < 0)
			_exit(1);
		_exit(append("roots/of-his") < 0 || append("all/of-root") < 0 || append("his/plain") < 0 ||
		      append("roots/plain") != -EACCES);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(access(at("all/file"), F_OK), 0);
	assert_int_equal(access(at("all/second"), F_OK), 0);
}

/* A process that swaps two names until it is killed. */
static pid_t start_swapping(const char *one, const char *other)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	while (syscall(SYS_renameat2, AT_FDCWD, at(one), AT_FDCWD, at(other), RENAME_EXCHANGE) == 0)
		;
	_exit(1);
}

/* Opens what is being swapped and writes to it, again and again, until both were met often enough. */
static void write_while_swapped(const char *name)
{
	unsigned refused = 0, opened = 0;

	for (unsigned i = 0; refused < MET_AT_LEAST || opened < MET_AT_LEAST; i++) {
		int fd = append(name);

		assert_true(i < OPENINGS_MAX);
		if (fd < 0) {
			refused++;
			continue;
		}
		opened++;
		assert_int_equal(write(fd, "x", 1), 1);
		close(fd);
	}
}

static void end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status)); /* it could swap all the time */
}

static void assert_target_untouched(void)
{
	struct stat status;

	assert_int_equal(stat(at("target/file"), &status), 0);
	assert_int_equal(status.st_size, 0);
	assert_int_equal(access(at("target/new"), F_OK), -1);
}

static void swapping_a_link_and_a_file_wins_nothing(void **state)
{
	pid_t pid;

	(void)state;
	want_root();
	put_file("his/log", SOMEBODY);
	put_link("his/link", at("target/file"), SOMEBODY);
	pid = start_swapping("his/log", "his/link");
	write_while_swapped("his/log");
	end(pid);
	assert_target_untouched();
}

static void nor_does_a_hard_link(void **state)
{
	pid_t pid;

	(void)state;
	want_root();
	put_file("his/log", SOMEBODY);
	assert_int_equal(link(at("target/file"), at("his/hard")), 0);
	pid = start_swapping("his/log", "his/hard");
	write_while_swapped("his/log");
	end(pid);
	assert_target_untouched();
}

static void nor_does_a_link_and_a_folder(void **state)
{
	pid_t pid;

	(void)state;
	want_root();
	put_folder("his/logs", SOMEBODY, 0755);
	put_link("his/link", at("target"), SOMEBODY);
	pid = start_swapping("his/logs", "his/link");
	write_while_swapped("his/logs/new");
	write_while_swapped("his/logs/file");
	end(pid);
	assert_target_untouched();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(links_that_only_root_can_have_laid_are_followed),
		TEST(links_that_others_can_have_laid_are_not),
		TEST(the_same_holds_for_each_folder_on_the_way),
		TEST(a_way_without_end_or_beginning_is_an_error),
		TEST(standard_output_by_its_device_is_what_it_is),
		TEST(links_of_the_kernel_are_by_the_same_rule),
		TEST(a_plain_file_in_a_folder_of_others_is_opened_or_made),
		TEST(what_is_no_plain_file_of_one_name_is_refused_there),
		TEST(roots_own_folder_may_have_anything),
		TEST(a_last_link_is_refused_where_none_is_wanted),
		TEST(a_folder_is_made_where_root_may),
		TEST(only_what_is_known_is_removed_and_not_through_links),
		TEST(who_is_not_root_follows_as_always),
		TEST(swapping_a_link_and_a_file_wins_nothing),
		TEST(nor_does_a_hard_link),
		TEST(nor_does_a_link_and_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
