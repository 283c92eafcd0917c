/* SPDX-License-Identifier: MIT
 *
 * Becoming another program image (execute.h). Master only. */
#include "proc/execute.h"

#include "base/fd.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int keep(const int *fds, size_t count, int on)
{
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		int one = fd_set_cloexec(fds[i], !on);

		error = error ? error : one;
	}
	return error;
}

int process_execute(int binary, char **argv, const char *name, const char *value, const int *fds,
		    size_t count)
{
	int error;

	if (setenv(name, value, 1) < 0)
		return -errno;
	error = keep(fds, count, 1);
	if (!error) {
		fexecve(binary, argv, environ);
		error = -errno;
	}
	(void)!keep(fds, count, 0); /* it went well the other way */
	unsetenv(name);
	return error;
}
