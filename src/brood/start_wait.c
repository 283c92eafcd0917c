/* SPDX-License-Identifier: MIT
 *
 * See start_wait.h. */
#include "brood/start_wait.h"

#include "base/fd.h"
#include "base/log.h"
#include "brood/config/looking.h"
#include "brood/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <unistd.h>

enum { LOOK_MS = 2000 };

struct task {
	const struct looking *looking;
	int gate;
};

/* What was there at the last look, and is still, is waited for. Each thing is told once. */
static int tell(void *context)
{
	const struct task *task = context;
	struct pollfd gate = {.fd = task->gate};
	char seen[LOOKING_MAX] = "", told[LOOKING_MAX] = "", now[LOOKING_MAX];

	while (poll(&gate, 1, LOOK_MS) == 0) {
		snprintf(now, sizeof(now), "%.*s", LOOKING_MAX - 1, task->looking->what);
		if (now[0] != '\0' && strcmp(now, seen) == 0 && strcmp(now, told) != 0) {
			log_warn("waiting for %s", now);
			memcpy(told, now, sizeof(told));
		}
		memcpy(seen, now, sizeof(seen));
	}
	return 0;
}

void start_wait_begin(struct start_wait *wait)
{
	int gate[2];
	pid_t pid;
	struct task task;
	struct brood_process_options options = {
		.main = tell, .context = &task, .title = "brood: start", .keep_fds = &task.gate, .keep_count = 1};

	*wait = (struct start_wait){.gate = -1, .child = -1};
	if (pipe2(gate, O_CLOEXEC) < 0)
		return;
	wait->looking = mmap(NULL, sizeof(*wait->looking), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (wait->looking == MAP_FAILED)
		wait->looking = NULL;
	task = (struct task){wait->looking, gate[0]};
	pid = wait->looking ? brood_process_fork(&options) : -ENOMEM;
	if (pid > 0)
		wait->child = pidfd_open(pid, 0);
	wait->gate = gate[1];
	fd_close(&gate[0]);
}

static void forget(void *context, const struct brood_process_end *end)
{
	(void)context, (void)end;
}

void start_wait_end(struct start_wait *wait)
{
	struct pollfd end = {.fd = wait->child, .events = POLLIN};

	looking_at(wait->looking, "", NULL);
	fd_close(&wait->gate);
	if (wait->child >= 0)
		(void)poll(&end, 1, LOOK_MS);
	fd_close(&wait->child);
	brood_process_reap(forget, NULL);
	if (wait->looking)
		munmap(wait->looking, sizeof(*wait->looking));
	wait->looking = NULL;
}
