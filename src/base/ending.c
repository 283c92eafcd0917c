/* SPDX-License-Identifier: MIT
 *
 * Processes that are coming to their end (ending.h). Master only. */
#include "base/ending.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 2000, LOOK_MS = 10 };

bool ending_is_near(pid_t pid)
{
	enum { EXITING = 0x4, KILLED = 1 << (SIGKILL - 1) }; /* proc_pid_stat(5): flags, signal */
	char path[64], text[1024], *rest;
	unsigned long flags = 0, pending = 0;
	char state = 'X';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT;
	rest = fgets(text, sizeof(text), file) ? strrchr(text, ')') : NULL;
	fclose(file);
	if (rest)
		sscanf(rest + 1,
		       " %c %*d %*d %*d %*d %*d %lu %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*u %*u %*d"
		       " %*u %*u %*u %*u %*u %*u %lu",
		       &state, &flags, &pending);
	return state == 'Z' || state == 'X' || flags & EXITING || pending & KILLED;
}

bool ending_wait(uint64_t since_ms)
{
	if (clock_now_ms() - since_ms >= PATIENCE_MS)
		return false;
	poll(NULL, 0, LOOK_MS);
	return true;
}
