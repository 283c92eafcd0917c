/* SPDX-License-Identifier: MIT
 *
 * Reaping children (brood/process.h). The one home of waitpid. */
#include "brood/process.h"

#include "base/signals.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>

size_t brood_process_reap(void (*ended)(void *context, const struct brood_process_end *end),
			  void *context)
{
	size_t count = 0;
	int status;
	pid_t pid;

	/* SIGCHLD does not count: one signal can stand for many deaths, so ask until nobody is left. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR)) {
		struct brood_process_end end = {.pid = pid, .exit_code = -1};

		if (pid < 0)
			continue;
		if (WIFEXITED(status)) {
			end.exit_code = WEXITSTATUS(status);
		} else {
			end.signal = WTERMSIG(status);
			end.core_dumped = WCOREDUMP(status) ? 1 : 0;
		}
		count++;
		ended(context, &end);
	}
	return count;
}

void brood_process_describe(const struct brood_process_end *end, char *out, size_t room)
{
	if (end->signal == 0)
		snprintf(out, room, "exit status %d", end->exit_code);
	else
		snprintf(out, room, "signal %d (%s)%s", end->signal, signals_name(end->signal),
			 end->core_dumped ? ", core dumped" : "");
}
