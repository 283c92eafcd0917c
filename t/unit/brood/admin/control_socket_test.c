/* SPDX-License-Identifier: MIT
 *
 * Where the control socket is, what it replaces and what not, and that it goes. */
#include "brood/admin/control_socket.h"

#include "base/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
	char folder[64], path[128], reason[256];
	struct control_socket control;
} test;

static int prepare(void **state)
{
	(void)state;
	memset(&test, 0, sizeof(test));
	strcpy(test.folder, "/tmp/brood-control-XXXXXX");
	snprintf(test.path, sizeof(test.path), "%s/run/control.sock", mkdtemp(test.folder));
	return 0;
}

static int clear(void **state)
{
	char folder[80];

	(void)state;
	control_socket_close(&test.control);
	unlink(test.path);
	snprintf(folder, sizeof(folder), "%s/run", test.folder);
	rmdir(folder);
	return rmdir(test.folder);
}

static int open_it(struct control_socket *control)
{
	return control_socket_open(control, test.path, test.reason, sizeof(test.reason));
}

static int connect_to(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	strcpy(name.sun_path, path);
	error = connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ? -errno : 0;
	close(fd);
	return error;
}

static void test_it_is_its_owners_alone_in_a_folder_that_is_made(void **state)
{
	char folder[80];
	struct stat status;

	(void)state;
	umask(0);
	assert_int_equal(open_it(&test.control), 0);
	assert_int_equal(lstat(test.path, &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(status.st_uid, geteuid());
	snprintf(folder, sizeof(folder), "%s/run", test.folder);
	assert_int_equal(stat(folder, &status), 0);
	assert_int_equal(status.st_mode & 07777, geteuid() == 0 ? 0755 : 0700);
	assert_int_equal(fcntl(test.control.fd, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(test.control.fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(connect_to(test.path), 0);
}

static void test_it_is_gone_at_the_end(void **state)
{
	(void)state;
	assert_int_equal(open_it(&test.control), 0);
	control_socket_close(&test.control);
	assert_int_equal(test.control.fd, -1);
	assert_int_equal(access(test.path, F_OK), -1);
	control_socket_close(&test.control);
}

static void test_off_is_none(void **state)
{
	(void)state;
	assert_int_equal(control_socket_open(&test.control, "off", test.reason, sizeof(test.reason)), 0);
	assert_int_equal(test.control.fd, -1);
}

static void test_a_stale_one_is_replaced(void **state)
{
	struct control_socket stale;

	(void)state;
	assert_int_equal(open_it(&stale), 0);
	close(stale.fd); /* as after SIGKILL: the file stays */
	free(stale.path);
	assert_int_equal(connect_to(test.path), -ECONNREFUSED);
	assert_int_equal(open_it(&test.control), 0);
	assert_int_equal(connect_to(test.path), 0);
}

static void test_a_live_one_stays(void **state)
{
	struct control_socket second;

	(void)state;
	assert_int_equal(open_it(&test.control), 0);
	assert_int_equal(open_it(&second), -EADDRINUSE);
	assert_int_equal(second.fd, -1);
	assert_non_null(strstr(test.reason, test.path));
	assert_non_null(strstr(test.reason, "another server answers there"));
	control_socket_close(&second);
	assert_int_equal(connect_to(test.path), 0);
}

static void test_another_file_stays(void **state)
{
	char folder[80];
	int fd;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/run", test.folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	fd = open(test.path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(open_it(&test.control), -EEXIST);
	assert_non_null(strstr(test.reason, "no socket"));
	assert_int_equal(access(test.path, F_OK), 0);
}

static void test_only_its_own_file_is_removed(void **state)
{
	struct control_socket first;

	(void)state;
	assert_int_equal(open_it(&first), 0);
	assert_int_equal(unlink(test.path), 0);
	assert_int_equal(open_it(&test.control), 0);
	control_socket_close(&first);
	assert_int_equal(connect_to(test.path), 0);
}

/* A forked child that closes its copy does not end the server's socket. */
static void test_a_child_removes_nothing(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(open_it(&test.control), 0);
	pid = fork();
	if (pid == 0) {
		control_socket_close(&test.control);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(connect_to(test.path), 0);
}

static void test_what_cannot_be_has_a_reason(void **state)
{
	static char path[200];
	char reason[256];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	assert_int_equal(control_socket_open(&test.control, path, reason, sizeof(reason)), -ENAMETOOLONG);
	assert_non_null(strstr(reason, "longer than 107 octets"));
	assert_int_equal(control_socket_open(&test.control, "/proc/nowhere/x/control.sock", reason, sizeof(reason)),
			 -ENOENT);
	assert_string_equal(reason, "control socket '/proc/nowhere/x/control.sock': "
				    "No such file or directory");
	if (geteuid() != 0) {
		unsetenv("XDG_RUNTIME_DIR");
		assert_int_equal(control_socket_open(&test.control, "auto", reason, sizeof(reason)), -ENOENT);
		assert_non_null(strstr(reason, "XDG_RUNTIME_DIR"));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_it_is_its_owners_alone_in_a_folder_that_is_made),
		TEST(test_it_is_gone_at_the_end),
		TEST(test_off_is_none),
		TEST(test_a_stale_one_is_replaced),
		TEST(test_a_live_one_stays),
		TEST(test_another_file_stays),
		TEST(test_only_its_own_file_is_removed),
		TEST(test_a_child_removes_nothing),
		TEST(test_what_cannot_be_has_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
