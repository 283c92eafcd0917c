/* SPDX-License-Identifier: MIT
 *
 * Looking at a process before it is ended (obituary.h). Master only. */
#include "cluster/policy/obituary.h"

#include "base/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_READ_MAX = 4096 };

const char *obituary_why_name(enum obituary_why why)
{
	static const char *const names[] = {[OBITUARY_EXIT] = "exit",
					    [OBITUARY_SIGNAL] = "signal",
					    [OBITUARY_KILLED] = "killed",
					    [OBITUARY_HANG] = "hang"};

	return names[why];
}

const char *obituary_phase_name(enum worker_phase phase)
{
	static const char *const names[WORKER_PHASES] = {"starting", "serving", "finishing"};

	return names[phase];
}

/* The beginning of /proc/PID/NAME, NUL behind; empty where that cannot be read. */
static void read_proc(pid_t pid, const char *name, char *out, size_t room)
{
	char path[64];
	size_t used = 0;
	ssize_t got = 1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && used < room - 1 && (got = read(fd, out + used, room - 1 - used)) > 0)
		used += (size_t)got;
	fd_close(&fd);
	out[used] = '\0';
}

/* The lines of /proc/PID/status that say how it is, not who. */
static void choose_status(const char *text, char *out, size_t room)
{
	static const char *const wanted[] = {
		"State:",
		"VmPeak:",
		"VmRSS:",
		"RssAnon:",
		"Threads:",
		"voluntary_ctxt_switches:",
		"nonvoluntary_ctxt_switches:",
	};
	size_t used = 0;

	out[0] = '\0';
	for (const char *line = text; *line != '\0';) {
		size_t size = strcspn(line, "\n");

		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0 && used + size + 2 < room)
				used += (size_t)snprintf(out + used, room - used, "%.*s\n", (int)size, line);
		line += size + (line[size] == '\n');
	}
	for (char *at = out; (at = strchr(at, '\t')) != NULL; at++)
		*at = ' ';
}

void obituary_inspect(struct cluster_obituary *obituary, pid_t pid)
{
	char status[STATUS_READ_MAX];

	read_proc(pid, "wchan", obituary->wait_channel, sizeof(obituary->wait_channel));
	if (strcmp(obituary->wait_channel, "0") == 0) /* it runs, or we may not know */
		obituary->wait_channel[0] = '\0';
	read_proc(pid, "stack", obituary->stack, sizeof(obituary->stack));
	read_proc(pid, "status", status, sizeof(status));
	choose_status(status, obituary->status, sizeof(obituary->status));
}
