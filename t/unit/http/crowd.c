/* SPDX-License-Identifier: MIT
 *
 * See crowd.h. */
#include "crowd.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
	pid_t pid;
	int result;
};

static pid_t fork_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

uint64_t crowd_run(uint32_t (*work)(void *context, unsigned number), void *context)
{
	struct child children[CROWD];
	uint64_t sum = 0;
	int start[2];

	assert_int_equal(pipe(start), 0);
	for (unsigned i = 0; i < CROWD; i++) {
		int result[2];

		assert_int_equal(pipe(result), 0);
		children[i] = (struct child){fork_child(), result[0]};
		if (children[i].pid == 0) {
			uint32_t count;
			char octet;

			close(start[1]);
			if (read(start[0], &octet, 1) != 0)
				_exit(1);
			count = work(context, i);
			_exit(write(result[1], &count, sizeof(count)) != sizeof(count));
		}
		close(result[1]);
	}
	close(start[1]);
	close(start[0]);
	for (unsigned i = 0; i < CROWD; i++) {
		uint32_t count;
		int status;

		assert_int_equal(read(children[i].result, &count, sizeof(count)), sizeof(count));
		close(children[i].result);
		assert_int_equal(waitpid(children[i].pid, &status, 0), children[i].pid);
		sum += count;
	}
	return sum;
}

pid_t crowd_start(void (*work)(void *context), void *context)
{
	pid_t pid = fork_child();

	while (pid == 0)
		work(context);
	return pid;
}

void crowd_kill(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}
