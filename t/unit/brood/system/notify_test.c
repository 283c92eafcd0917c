/* SPDX-License-Identifier: MIT
 *
 * Notifications, received by a socket and a pipe of our own. */
#include "brood/system/notify.h"

#include "log_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char path[64];
static char seen[1024];

/* A datagram socket of that name, "@" meaning an abstract one. */
static int receiver(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *received(int fd)
{
	ssize_t got = read(fd, seen, sizeof(seen) - 1);

	seen[got > 0 ? got : 0] = '\0';
	return seen;
}

static void nothing_is_sent_when_nobody_asks(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_ready("x"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(notify_stopping(NULL), 0);
}

static void states_are_single_datagrams(void **state)
{
	int fd;
	char expected[128];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/notify_test.%d", (int)getpid());
	fd = receiver(path);
	assert_int_equal(notify_ready("4 workers"), 1);
	snprintf(expected, sizeof(expected), "READY=1\nMAINPID=%d\nSTATUS=4 workers\n", (int)getpid());
	assert_string_equal(received(fd), expected);
	assert_int_equal(notify_stopping(NULL), 1);
	assert_string_equal(received(fd), "STOPPING=1\n");
	assert_int_equal(notify_status("draining"), 1);
	assert_string_equal(received(fd), "STATUS=draining\n");
	assert_int_equal(notify_reloading(NULL), 1);
	assert_memory_equal(received(fd), "RELOADING=1\nMONOTONIC_USEC=", 27);
	close(fd);
	unlink(path);
}

static void an_abstract_socket_is_reached(void **state)
{
	char name[64];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@notify_test.%d", (int)getpid());
	fd = receiver(name);
	assert_int_equal(notify_stopping("bye"), 1);
	assert_string_equal(received(fd), "STOPPING=1\nSTATUS=bye\n");
	close(fd);
}

static void a_status_cannot_forge_an_assignment(void **state)
{
	char name[64], longest[2000];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@notify_test.%d", (int)getpid());
	fd = receiver(name);
	assert_int_equal(notify_status("fine\nSTOPPING=1"), 1);
	assert_string_equal(received(fd), "STATUS=fine\n");
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(notify_status(longest), 1);
	assert_in_range(strlen(received(fd)), 100, 512);
	close(fd);
}

static void a_bad_socket_is_an_error_and_no_more(void **state)
{
	char longest[300];

	(void)state;
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(notify_ready(NULL), -EAFNOSUPPORT);
	setenv("NOTIFY_SOCKET", "/", 1);
	assert_int_equal(notify_ready(NULL), -EAFNOSUPPORT);
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	assert_int_equal(notify_ready(NULL), -ENOENT);
	memset(longest, '/', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longest, 1);
	assert_int_equal(notify_ready(NULL), -ENAMETOOLONG);
	unsetenv("NOTIFY_SOCKET");
}

static void a_full_socket_is_not_waited_for(void **state)
{
	char name[64];
	int fd, rc = 1;

	(void)state;
	snprintf(name, sizeof(name), "@notify_test.%d", (int)getpid());
	fd = receiver(name);
	for (int i = 0; i < 100000 && rc == 1; i++)
		rc = notify_status("again");
	assert_int_equal(rc, -EAGAIN);
	close(fd);
	unsetenv("NOTIFY_SOCKET");
}

/* What a service manager sets for `whose` process. */
static struct notify_pulse asked_by(const char *usec, const char *whose)
{
	struct notify_pulse pulse;

	usec ? setenv("WATCHDOG_USEC", usec, 1) : unsetenv("WATCHDOG_USEC");
	whose ? setenv("WATCHDOG_PID", whose, 1) : unsetenv("WATCHDOG_PID");
	notify_pulse_begin(&pulse);
	return pulse;
}

static void signs_of_life_are_wanted_of_this_process_only(void **state)
{
	char own[16], other[16];

	(void)state;
	snprintf(own, sizeof(own), "%d", (int)getpid());
	snprintf(other, sizeof(other), "%d", (int)getppid());
	assert_int_equal(asked_by("3000000", own).interval_us, 1500000);
	assert_int_equal(asked_by("3000000", "").interval_us, 1500000);
	assert_int_equal(asked_by("3000000", NULL).interval_us, 1500000);
	assert_int_equal(asked_by(NULL, own).interval_us, 0);
	assert_int_equal(asked_by("", own).interval_us, 0);
	assert_int_equal(asked_by("3000000", "x").interval_us, 0);
	assert_int_equal(asked_by("3000000", other).interval_us, 0);
	assert_null(getenv("WATCHDOG_USEC")); /* nor of what is executed in our place */
	assert_null(getenv("WATCHDOG_PID"));
}

static void what_becomes_of_this_process_goes_on(void **state)
{
	struct notify_pulse pulse;
	char own[16];

	(void)state;
	snprintf(own, sizeof(own), "%d", (int)getpid());
	(void)asked_by("3000000", own);
	notify_pulse_begin(&pulse); /* as the next version does, or, with another pid, a daemon's */
	assert_int_equal(pulse.interval_us, 1500000);
}

static void a_bad_time_is_ignored_with_a_warning(void **state)
{
	static const char *const bad[] = {"x", "0", "1", "-1", "3s", "18446744073709551615", "18446744073709551616"};
	int ends[2], old = STDERR_FILENO;

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	log_to(ends[1]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(asked_by(bad[i], NULL).interval_us, 0);
		assert_non_null(strstr(received(ends[0]), "WATCHDOG_USEC="));
		assert_null(getenv("WATCHDOG_USEC"));
	}
	log_to(old);
	close(ends[0]);
	close(ends[1]);
}

static void signs_of_life_come_when_they_are_due(void **state)
{
	struct notify_pulse pulse = asked_by("3000000", NULL);
	char name[64];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@notify_test.%d", (int)getpid());
	fd = receiver(name);
	assert_int_equal(notify_pulse(&pulse, 10000000), 1);
	assert_string_equal(received(fd), "WATCHDOG=1\n");
	assert_int_equal(notify_pulse(&pulse, 11499999), 0);
	assert_int_equal(notify_pulse(&pulse, 11500000), 1);
	assert_string_equal(received(fd), "WATCHDOG=1\n");
	pulse = asked_by(NULL, NULL);
	assert_int_equal(notify_pulse(&pulse, 20000000), 0);
	assert_string_equal(received(fd), "");
	close(fd);
}

static void what_takes_long_asks_for_more_time(void **state)
{
	struct notify_pulse pulse = asked_by("60000000", NULL);
	char name[64];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@notify_test.%d", (int)getpid());
	fd = receiver(name);
	pulse.busy = true;
	assert_int_equal(notify_pulse(&pulse, 10000000), 1);
	assert_string_equal(received(fd), "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=20000000\n");
	assert_int_equal(notify_pulse(&pulse, 14999999), 0);
	assert_int_equal(notify_pulse(&pulse, 15000000), 1);
	assert_string_equal(received(fd), "EXTEND_TIMEOUT_USEC=20000000\n");
	pulse.busy = false;
	assert_int_equal(notify_pulse(&pulse, 25000000), 0);
	close(fd);
}

static void a_sign_that_nobody_took_is_sent_again_and_told_once(void **state)
{
	struct notify_pulse pulse = asked_by("3000000", NULL);
	char name[64];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@notify_test.%d", (int)getpid());
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_pulse(&pulse, 10000000), -ECONNREFUSED);
	assert_int_equal(notify_pulse(&pulse, 10000001), 0);
	fd = receiver(name);
	assert_int_equal(notify_pulse(&pulse, 10000002), 1);
	assert_string_equal(received(fd), "WATCHDOG=1\n");
	close(fd);
	assert_int_equal(notify_pulse(&pulse, 11500002), -ECONNREFUSED);
	unsetenv("NOTIFY_SOCKET");
}

static void the_ready_line_goes_to_the_descriptor_once(void **state)
{
	char number[16];
	int ends[2], fd;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(number, sizeof(number), "%d", ends[1]);
	setenv("BROOD_READY_FD", number, 1);
	fd = notify_take_ready_fd();
	assert_int_equal(fd, ends[1]);
	assert_null(getenv("BROOD_READY_FD"));
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(notify_ready_line(&fd, "brood: ready\n"));
	assert_int_equal(fd, -1);
	assert_string_equal(received(ends[0]), "brood: ready\n");
	assert_int_equal(read(ends[0], seen, 1), 0); /* closed */
	assert_true(notify_ready_line(&fd, "again\n"));
	close(ends[0]);
	assert_int_equal(notify_take_ready_fd(), -1);
}

static void a_standard_descriptor_is_not_closed(void **state)
{
	int fd;

	(void)state;
	setenv("BROOD_READY_FD", "1", 1);
	fd = notify_take_ready_fd();
	assert_true(fd > STDERR_FILENO);
	assert_true(notify_ready_line(&fd, ""));
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
}

static void a_reader_that_has_gone_is_survived(void **state)
{
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_false(notify_ready_line(&ends[1], "brood: ready\n"));
	assert_int_equal(ends[1], -1);
}

static void a_bad_number_is_ignored_with_a_warning(void **state)
{
	static const char *const bad[] = {"", "x", "-1", "99999", "99999999999999999999", "3x"};
	int ends[2], old = STDERR_FILENO;

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	log_to(ends[1]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setenv("BROOD_READY_FD", bad[i], 1);
		assert_int_equal(notify_take_ready_fd(), -1);
		assert_null(getenv("BROOD_READY_FD"));
		assert_non_null(strstr(received(ends[0]), "BROOD_READY_FD="));
	}
	/* One that can only be read from. */
	snprintf(seen, sizeof(seen), "%d", ends[0]);
	setenv("BROOD_READY_FD", seen, 1);
	assert_int_equal(notify_take_ready_fd(), -1);
	assert_non_null(strstr(received(ends[0]), "BROOD_READY_FD="));
	log_to(old);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_sent_when_nobody_asks),
		cmocka_unit_test(states_are_single_datagrams),
		cmocka_unit_test(an_abstract_socket_is_reached),
		cmocka_unit_test(a_status_cannot_forge_an_assignment),
		cmocka_unit_test(a_bad_socket_is_an_error_and_no_more),
		cmocka_unit_test(a_full_socket_is_not_waited_for),
		cmocka_unit_test(signs_of_life_are_wanted_of_this_process_only),
		cmocka_unit_test(what_becomes_of_this_process_goes_on),
		cmocka_unit_test(a_bad_time_is_ignored_with_a_warning),
		cmocka_unit_test(signs_of_life_come_when_they_are_due),
		cmocka_unit_test(what_takes_long_asks_for_more_time),
		cmocka_unit_test(a_sign_that_nobody_took_is_sent_again_and_told_once),
		cmocka_unit_test(the_ready_line_goes_to_the_descriptor_once),
		cmocka_unit_test(a_standard_descriptor_is_not_closed),
		cmocka_unit_test(a_reader_that_has_gone_is_survived),
		cmocka_unit_test(a_bad_number_is_ignored_with_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
