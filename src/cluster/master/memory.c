/* SPDX-License-Identifier: MIT
 *
 * Reading /proc for a process's memory (memory.h). Master only. */
#include "cluster/master/memory.h"

#include "base/fd.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool read_file(pid_t pid, const char *name, char *text, size_t room)
{
	char path[64];
	ssize_t size = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		size = read(fd, text, room - 1);
	fd_close(&fd);
	text[size > 0 ? size : 0] = '\0';
	return size > 0;
}

/* Needs the right to trace it (ptrace(2)): a root with few capabilities does not have it. */
static bool read_proportional(pid_t pid, uint64_t *out)
{
	unsigned long long kib;
	char text[2048];
	const char *line;

	if (!read_file(pid, "smaps_rollup", text, sizeof(text)))
		return false;
	line = strstr(text, "\nPss:");
	if (!line || sscanf(line, "\nPss: %llu kB", &kib) != 1)
		return false;
	*out = kib * 1024;
	return true;
}

uint64_t memory_of_process(pid_t pid)
{
	unsigned long long resident, shared;
	char text[256];
	uint64_t bytes;

	if (read_proportional(pid, &bytes))
		return bytes;
	if (!read_file(pid, "statm", text, sizeof(text)) || sscanf(text, "%*u %llu %llu", &resident, &shared) != 2 ||
	    resident < shared)
		return 0;
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}
