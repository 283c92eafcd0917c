/* SPDX-License-Identifier: MIT
 *
 * How much memory a process costs. */
#include "cluster/master/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MUCH = 16 << 20 };

static void touch(void)
{
	char *memory = mmap(NULL, MUCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		_exit(1);
	memset(memory, 1, MUCH);
}

static void it_grows_with_what_is_used(void **state)
{
	uint64_t before = memory_of_process(getpid());

	(void)state;
	assert_true(before > 0);
	touch();
	assert_in_range(memory_of_process(getpid()), before + MUCH / 10 * 9, before + MUCH * 2);
}

/* As of another user's process: the page sums are closed to us then, unless we are root. */
static void a_process_that_may_not_be_traced_is_no_riddle(void **state)
{
	int ready[2];
	char octet;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		touch();
		prctl(PR_SET_DUMPABLE, 0);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(read(ready[0], &octet, 1), 1);
	assert_true(memory_of_process(pid) >= MUCH / 10 * 9);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(memory_of_process(pid), 0);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows_with_what_is_used),
		cmocka_unit_test(a_process_that_may_not_be_traced_is_no_riddle),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
