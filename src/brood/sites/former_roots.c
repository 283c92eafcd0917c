/* SPDX-License-Identifier: MIT
 *
 * See former_roots.h. It is not the closer of connections, since what waits here cannot even be killed, and those would
 * wait behind it. */
#include "brood/sites/former_roots.h"

#include "base/fd.h"
#include "brood/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void former_roots_add(struct former_roots *former, int fd)
{
	int *fds =
		fd < 0 ? NULL : reallocarray(former->fds, former->count + 2, sizeof(*fds)); /* and one for the gate */

	if (!fds) {
		fd_close(&fd);
		return;
	}
	former->fds = fds;
	fds[former->count++] = fd;
}

/* The end of the process closes them, once they are its own alone. */
static int outlive(void *context)
{
	const int *gate = context;
	char octet;

	brood_process_wake_at_end();
	(void)!read(*gate, &octet, sizeof(octet));
	return 0;
}

void former_roots_close(struct former_roots *former)
{
	int gate[2] = {-1, -1};
	struct brood_process_options options = {.main = outlive,
						.context = &gate[0],
						.title = "brood: closing",
						.keep_fds = former->fds,
						.keep_count = former->count + 1};

	if (former->count > 0 && pipe2(gate, O_CLOEXEC) == 0) {
		former->fds[former->count] = gate[0];
		(void)!brood_process_fork(&options);
	}
	for (size_t i = 0; i < former->count; i++)
		fd_close(&former->fds[i]);
	fd_close(&gate[0]);
	fd_close(&gate[1]);
	free(former->fds);
	*former = (struct former_roots){0};
}
