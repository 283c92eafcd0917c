/* SPDX-License-Identifier: MIT
 *
 * Descriptors. What closes everything is tried in a child. */
#include "base/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Exit status of `body` run in a child of its own. */
static int in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void closing_forgets_the_number_and_keeps_errno(void **state)
{
	int fd = open("/dev/null", O_RDONLY), copy = fd;

	(void)state;
	errno = EPIPE;
	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_false(is_open(copy));
	errno = EPIPE;
	fd_close(&fd);
	assert_int_equal(errno, EPIPE);
}

static void flags_can_be_set_and_taken_back(void **state)
{
	int fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(fd_set_nonblock(fd, true), 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_set_nonblock(fd, false), 0);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_set_cloexec(fd, true), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fd_set_cloexec(fd, false), 0);
	assert_false(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	assert_int_equal(fd_set_nonblock(fd, true), -EBADF);
	assert_int_equal(fd_set_cloexec(fd, true), -EBADF);
}

static int keep_some(void)
{
	const int keep[] = {25, -1, 20, 25, 2, 21};

	for (int fd = 20; fd < 30; fd++)
		if (dup2(STDIN_FILENO, fd) != fd)
			return 1;
	fd_close_all_but(keep, sizeof(keep) / sizeof(keep[0]));
	for (int fd = 3; fd < 64; fd++)
		if (is_open(fd) != (fd == 20 || fd == 21 || fd == 25))
			return 2;
	if (!is_open(0) || !is_open(1) || !is_open(2))
		return 3;
	fd_close_all_but(NULL, 0);
	return is_open(20) || !is_open(2) ? 4 : 0;
}

static void all_but_the_kept_are_closed(void **state)
{
	(void)state;
	assert_int_equal(in_child(keep_some), 0);
}

static int lose_standard(void)
{
	close(0);
	close(2);
	if (fd_open_standard() != 0 || !is_open(0) || !is_open(2))
		return 1;
	return write(2, "x", 1) == 1 ? 0 : 2;
}

static void missing_standard_descriptors_are_opened(void **state)
{
	size_t before = fd_count_open();

	(void)state;
	assert_int_equal(in_child(lose_standard), 0);
	assert_int_equal(fd_open_standard(), 0);
	assert_int_equal(fd_count_open(), before);
}

static int raise_limit(void)
{
	struct rlimit limit = {.rlim_cur = 40, .rlim_max = 64};

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	if (fd_raise_limit() != 64)
		return 2;
	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 64 ? 0 : 3;
}

static void the_limit_is_raised_to_the_hard_one(void **state)
{
	(void)state;
	assert_int_equal(in_child(raise_limit), 0);
}

static int spend_reserve(void)
{
	struct rlimit limit = {.rlim_cur = 32, .rlim_max = 32};
	struct fd_reserve reserve = {0};

	if (fd_reserve_spend(&reserve))
		return 1;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 2;
	fd_reserve_fill(&reserve);
	while (dup(0) >= 0)
		;
	if (errno != EMFILE || !fd_reserve_spend(&reserve) || fd_reserve_spend(&reserve))
		return 3;
	if (dup(0) < 0) /* the one that was given up */
		return 4;
	fd_reserve_fill(&reserve);
	return fd_reserve_spend(&reserve) ? 5 : 0;
}

static void a_reserve_gives_one_descriptor_when_all_are_used(void **state)
{
	(void)state;
	assert_int_equal(in_child(spend_reserve), 0);
}

static void open_descriptors_are_counted(void **state)
{
	size_t before = fd_count_open();
	int fd = dup(0);

	(void)state;
	assert_true(before >= 3);
	assert_int_equal(fd_count_open(), before + 1);
	close(fd);
	assert_int_equal(fd_count_open(), before);
}

/* Where it is read from stays as it is. */
static void a_script_is_known_by_its_beginning(void **state)
{
	static const struct {
		const char *text;
		bool is_script;
	} files[] = {{"#!/bin/sh\n", true}, {"#!", true},   {"#", false},
		     {"", false},           {" #!", false}, {"\177ELF", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd = memfd_create("file", MFD_CLOEXEC);

		assert_int_equal(write(fd, files[i].text, strlen(files[i].text)), strlen(files[i].text));
		assert_int_equal(fd_is_script(fd), files[i].is_script);
		assert_int_equal(lseek(fd, 0, SEEK_CUR), strlen(files[i].text));
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_forgets_the_number_and_keeps_errno),
		cmocka_unit_test(flags_can_be_set_and_taken_back),
		cmocka_unit_test(all_but_the_kept_are_closed),
		cmocka_unit_test(missing_standard_descriptors_are_opened),
		cmocka_unit_test(the_limit_is_raised_to_the_hard_one),
		cmocka_unit_test(a_reserve_gives_one_descriptor_when_all_are_used),
		cmocka_unit_test(open_descriptors_are_counted),
		cmocka_unit_test(a_script_is_known_by_its_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
