/* SPDX-License-Identifier: MIT
 *
 * Socket activation. Each trial runs in a child, whose descriptors from 3 on are made for it. */
#include "brood/system/inherit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fd.h"
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void offer(const char *count, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_PID", text, 1);
	setenv("LISTEN_FDNAMES", "a:b", 1);
}

static bool variables_are_gone(void)
{
	return !getenv("LISTEN_FDS") && !getenv("LISTEN_PID") && !getenv("LISTEN_FDNAMES");
}

/* A socket that listens, if `type` can, at exactly this number. */
static void place(int number, int family, int type, bool listening)
{
	struct sockaddr_storage any = {.ss_family = (sa_family_t)family};
	int fd = socket(family, type, 0);

	bind(fd, (struct sockaddr *)&any, family == AF_UNIX ? sizeof(sa_family_t) : sizeof(struct sockaddr_in6));
	if (listening)
		listen(fd, 5);
	if (fd != number) {
		dup2(fd, number);
		close(fd);
	}
}

static int run(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(open("/dev/null", O_RDWR), STDERR_FILENO);
		fd_close_all_but(NULL, 0);
		_exit(body());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int take_good_ones(void)
{
	int fds[4];

	place(3, AF_INET, SOCK_STREAM, true);
	place(4, AF_UNIX, SOCK_STREAM, true);
	place(5, AF_INET6, SOCK_STREAM, true);
	place(6, AF_INET, SOCK_STREAM, true); /* not offered */
	offer("3", getpid());
	if (inherit_listeners(fds, 4) != 3 || fds[0] != 3 || fds[1] != 4 || fds[2] != 5)
		return 1;
	for (int fd = 3; fd <= 5; fd++)
		if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC) || !(fcntl(fd, F_GETFL) & O_NONBLOCK))
			return 2;
	if (fcntl(6, F_GETFD) != 0)
		return 3;
	return variables_are_gone() ? 0 : 4;
}

static void listening_stream_sockets_are_taken(void **state)
{
	(void)state;
	assert_int_equal(run(take_good_ones), 0);
}

static int refuse_bad_ones(void)
{
	int fds[8];

	place(3, AF_INET, SOCK_STREAM, false);
	place(4, AF_INET, SOCK_DGRAM, false);
	dup2(open("/dev/null", O_RDONLY), 5);
	place(6, AF_UNIX, SOCK_SEQPACKET, true);
	place(7, AF_INET, SOCK_STREAM, true);
	/* 8 is not open at all */
	offer("6", getpid());
	if (inherit_listeners(fds, 8) != 1 || fds[0] != 7)
		return 1;
	for (int fd = 3; fd <= 6; fd++)
		if (is_open(fd))
			return 2;
	return is_open(7) ? 0 : 3;
}

static void others_are_closed(void **state)
{
	(void)state;
	assert_int_equal(run(refuse_bad_ones), 0);
}

static int exceed_room(void)
{
	int fds[1];

	place(3, AF_INET, SOCK_STREAM, true);
	place(4, AF_INET, SOCK_STREAM, true);
	offer("2", getpid());
	return inherit_listeners(fds, 1) == 1 && fds[0] == 3 && !is_open(4) ? 0 : 1;
}

static void what_exceeds_the_room_is_closed(void **state)
{
	(void)state;
	assert_int_equal(run(exceed_room), 0);
}

static int not_for_us(void)
{
	int fds[4];

	place(3, AF_INET, SOCK_STREAM, true);
	offer("1", getpid() + 1);
	if (inherit_listeners(fds, 4) != 0 || fcntl(3, F_GETFD) != 0 || !variables_are_gone())
		return 1;
	setenv("LISTEN_FDS", "1", 1); /* without LISTEN_PID */
	if (inherit_listeners(fds, 4) != 0 || !is_open(3) || !variables_are_gone())
		return 2;
	return inherit_listeners(fds, 4) == 0 ? 0 : 3;
}

static void what_is_meant_for_another_process_is_left_alone(void **state)
{
	(void)state;
	assert_int_equal(run(not_for_us), 0);
}

static int wild_numbers(void)
{
	static const char *const wild[] = {"", "x", "-1", "0", "2147483647", "4294967296", "99999999999999999999"};
	int fds[4];

	place(3, AF_INET, SOCK_STREAM, true);
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		offer(wild[i], getpid());
		if (inherit_listeners(fds, 4) != 0 || !is_open(3) || !variables_are_gone())
			return (int)i + 1;
	}
	return 0;
}

static void wild_numbers_are_ignored(void **state)
{
	(void)state;
	assert_int_equal(run(wild_numbers), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listening_stream_sockets_are_taken),
		cmocka_unit_test(others_are_closed),
		cmocka_unit_test(what_exceeds_the_room_is_closed),
		cmocka_unit_test(what_is_meant_for_another_process_is_left_alone),
		cmocka_unit_test(wild_numbers_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
