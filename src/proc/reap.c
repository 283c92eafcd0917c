/* SPDX-License-Identifier: MIT
 *
 * Reaping and watching children (brood/process.h). The one home of waitpid and waitid. */
#include "brood/process.h"

#include "base/signals.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>

size_t brood_process_reap(void (*ended)(void *context, const struct brood_process_end *end), void *context)
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

void brood_process_watch(void (*changed)(void *context, pid_t pid, int stopped), void *context)
{
	siginfo_t info = {.si_pid = 0};

	/* Without WEXITED the ends stay for brood_process_reap. */
	while (waitid(P_ALL, 0, &info, WSTOPPED | WCONTINUED | WNOHANG) == 0 && info.si_pid != 0) {
		changed(context, info.si_pid, info.si_code == CLD_STOPPED);
		info.si_pid = 0;
	}
}

void brood_process_describe(const struct brood_process_end *end, char *out, size_t room)
{
	char name[SIGNALS_NAME_MAX];

	if (end->signal == 0)
		snprintf(out, room, "exit status %d", end->exit_code);
	else
		snprintf(out, room, "signal %d (%s)%s", end->signal, signals_name(end->signal, name),
			 end->core_dumped ? ", core dumped" : "");
}
