/* SPDX-License-Identifier: MIT
 *
 * Former roots: who has them last is a child. A pipe stands for a folder, since its other end tells of the close. */
#include "brood/sites/former_roots.h"

#include "brood/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANG_MS = 20000, ROOTS = 3 };

static size_t ended_well;

static void note_end(void *context, const struct brood_process_end *end)
{
	(void)context;
	if (end->exit_code == 0)
		ended_well++;
}

static bool is_closed(int reader, int timeout_ms)
{
	struct pollfd end = {.fd = reader};

	return poll(&end, 1, timeout_ms) == 1 && (end.revents & POLLHUP);
}

static void a_child_has_them_last(void **state)
{
	struct former_roots former = {0};
	int readers[ROOTS], ends[2];
	siginfo_t info;

	(void)state;
	for (int i = 0; i < ROOTS; i++) {
		assert_int_equal(pipe(ends), 0);
		readers[i] = ends[0];
		former_roots_add(&former, ends[1]);
	}
	former_roots_add(&former, -1);
	assert_int_equal(former.count, ROOTS);
	assert_false(is_closed(readers[0], 0));
	former_roots_close(&former);
	assert_null(former.fds);
	assert_int_equal(former.count, 0);
	for (int i = 0; i < ROOTS; i++) {
		assert_true(is_closed(readers[i], HANG_MS));
		close(readers[i]);
	}
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	brood_process_reap(note_end, NULL);
	assert_int_equal(ended_well, 1);
}

static void none_needs_no_child(void **state)
{
	struct former_roots former = {0};
	siginfo_t info;

	(void)state;
	former_roots_add(&former, -1);
	former_roots_close(&former);
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1); /* ECHILD */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_has_them_last),
		cmocka_unit_test(none_needs_no_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
